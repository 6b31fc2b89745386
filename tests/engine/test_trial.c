/* SPDX-License-Identifier: Apache-2.0 */
/* test_trial.c -- which layers are trusted to int16: channels of different sizes are balanced where
 * that changes nothing, and a layer that bears no rounding stays in float32.
 *
 * usage: test_trial VECTORS_FOLDER; FOV_CPU chooses the kernels. The networks are those of the
 * vectors, with numbers changed in memory.
 */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "base/mem.h"
#include "net/arch.h"
#include "net/pack_conv.h"
#include "tests/engine/whole.h"

static const char *vectors;

struct network {
    unsigned char *bytes; /* of the file */
    struct fov_weights *file;
    struct fov_graph *graph;
    struct fov_kernels kernels;
};

static struct network network_open(const char *name)
{
    struct network n = {0};
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.model.safetensors", vectors, name);
    FILE *const f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    const size_t size = (size_t)ftell(f);
    rewind(f);
    n.bytes = fov_calloc(size, 1);
    n.graph = fov_calloc(1, sizeof(*n.graph));
    assert_true(n.bytes && n.graph);
    assert_int_equal(fread(n.bytes, 1, size, f), size);
    (void)fclose(f);
    assert_int_equal(fov_weights_parse(n.bytes, size, name, &n.file, NULL), FOV_OK);
    test_kernels(&n.kernels);
    return n;
}

static void network_close(struct network *n)
{
    fov_weights_close(n->file);
    fov_free(n->graph);
    fov_free(n->bytes);
}

/* Multiply number i of those at `data`, float16 or float32, not aligned. */
static void multiply(unsigned char *data, size_t i, bool is_half, float by)
{
    uint16_t half;
    float v;
    if (is_half) {
        memcpy(&half, data + 2 * i, sizeof(half));
        half = fov_to_half(fov_from_half(half) * by);
        memcpy(data + 2 * i, &half, sizeof(half));
    } else {
        memcpy(&v, data + 4 * i, sizeof(v));
        v *= by;
        memcpy(data + 4 * i, &v, sizeof(v));
    }
}

/* Multiply the numbers of a tensor, [out][in][3][3] or [out], that belong to output channel `out`
 * and input channel `in`, -1 being all of them. */
static void scale(struct network *n, const char *tensor, int out, int in, float by)
{
    const struct fov_tensor *const t = fov_weights_find(n->file, tensor);
    assert_non_null(t);
    const size_t n_in = t->n_dims == 4 ? t->dims[1] : 1, taps = t->n_dims == 4 ? 9 : 1;
    for (size_t i = 0; i < t->n_elements; i++) {
        const int o = (int)(i / taps / n_in), c = (int)(i / taps % n_in);
        if ((out < 0 || o == out) && (in < 0 || c == in))
            multiply(n->bytes + (t->data - n->bytes), i, !strcmp(t->dtype, "F16"), by);
    }
}

static bool is_int16(enum fov_method method)
{
    return method == FOV_WINOGRAD_I16 || method == FOV_WINOGRAD_BYTES;
}

/* The method of each layer, and the largest error of one, as the network is now. */
static double try(struct network *n, struct fov_packed *ret_packed)
{
    double worst = 0;
    assert_int_equal(fov_arch_build(n->file, n->graph, NULL), FOV_OK);
    assert_int_equal(fov_packed_init(n->graph, &n->kernels, false, 1, ret_packed, NULL), FOV_OK);
    for (int i = 1; i < ret_packed->n_layers; i++)
        worst = fmax(worst, ret_packed->layers[i].error);
    return worst;
}

static void small_errors_keep_int16(void **state)
{
    static const char *const names[] = {"compact", "residual", "esrgan-x2", "edsr-x4"};
    (void)state;
    for (size_t k = 0; k < FOV_N_ELEMENTS(names); k++) {
        struct network n = network_open(names[k]);
        struct fov_packed packed;
        assert_true(try(&n, &packed) < FOV_MAX_LAYER_ERROR);
        for (int i = 2; i < packed.n_layers; i++)
            assert_true(is_int16(packed.layers[i].method));
        fov_packed_done(&packed);
        network_close(&n);
    }
}

/* PReLU lets a factor through, so a network whose channels differ ten thousand times is the same
 * network, and must not lose by it. */
static void channels_are_balanced(void **state)
{
    struct network n = network_open("compact");
    struct fov_packed packed;
    (void)state;
    const double before = try(&n, &packed);
    fov_packed_done(&packed);
    for (int c = 0; c < 8; c++) {
        const float by = powf(10, (float)(c % 5) - 2);
        scale(&n, "body.0.weight", c, -1, by);
        scale(&n, "body.0.bias", c, -1, by);
        scale(&n, "body.2.weight", -1, c, 1 / by);
    }
    const double after = try(&n, &packed);
    assert_true(after < 1.5 * before);
    assert_true(before < 1.5 * after);
    fov_packed_done(&packed);
    network_close(&n);
}

/* SiLU does not, so here one channel that is thousands of times larger than the rest leaves them no
 * bits. */
static void a_layer_out_of_tolerance_stays_float32(void **state)
{
    enum { C2 = 3 }; /* conv_1, block_1.c1_r, block_1.c2_r */
    struct network n = network_open("span-x2");
    struct fov_packed packed;
    (void)state;
    assert_true(try(&n, &packed) < FOV_MAX_LAYER_ERROR);
    assert_true(is_int16(packed.layers[C2].method));
    fov_packed_done(&packed);

    scale(&n, "block_1.c1_r.eval_conv.weight", 0, -1, 5000);
    scale(&n, "block_1.c1_r.eval_conv.bias", 0, -1, 5000);
    scale(&n, "block_1.c2_r.eval_conv.weight", -1, 0, 0);
    (void)try(&n, &packed);
    assert_true(packed.layers[C2].error > FOV_MAX_LAYER_ERROR);
    assert_int_equal(packed.layers[C2].method, FOV_WINOGRAD_F32);
    assert_true(is_int16(packed.layers[C2 + 2].method));
    fov_packed_done(&packed);
    network_close(&n);
}

/* What float16 cannot hold makes no picture at all: such a network is run in float32 throughout. */
static void a_layer_beyond_float16_makes_it_exact(void **state)
{
    struct network n = network_open("span-x2");
    struct fov_packed packed;
    (void)state;
    scale(&n, "block_1.c2_r.eval_conv.weight", -1, -1, 1e3f);
    scale(&n, "block_1.c2_r.eval_conv.bias", -1, -1, 1e3f);
    scale(&n, "block_1.c1_r.eval_conv.weight", -1, -1, 1e3f);
    scale(&n, "block_1.c1_r.eval_conv.bias", -1, -1, 1e3f);
    (void)try(&n, &packed);
    assert_int_equal(packed.element, FOV_ELEMENT_F32);
    for (int i = 1; i < packed.n_layers; i++) {
        assert_false(is_int16(packed.layers[i].method));
        assert_true(packed.layers[i].error == 0);
    }
    fov_packed_done(&packed);
    network_close(&n);
}

/* Layers are laid out by whatever thread is free: the same bits, and the same errors. */
static void threads_lay_out_the_same(void **state)
{
    struct network n = network_open("esrgan-x2");
    struct fov_packed one, four;
    (void)state;
    (void)try(&n, &one);
    assert_int_equal(fov_packed_init(n.graph, &n.kernels, false, 4, &four, NULL), FOV_OK);
    for (int i = 1; i < one.n_layers; i++) {
        const struct fov_packed_layer *const a = &one.layers[i], *const b = &four.layers[i];
        const struct fov_conv *const c = &a->conv;
        assert_int_equal(a->method, b->method);
        assert_true(a->error == b->error);
        assert_memory_equal(c->weights, b->conv.weights,
                            fov_pack_conv_bytes(a->method, c->taps, c->in_ch, c->out_ch));
        assert_memory_equal(c->bias, b->conv.bias, c->out_ch * sizeof(float));
    }
    fov_packed_done(&one);
    fov_packed_done(&four);
    network_close(&n);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_errors_keep_int16),
        cmocka_unit_test(channels_are_balanced),
        cmocka_unit_test(a_layer_out_of_tolerance_stays_float32),
        cmocka_unit_test(a_layer_beyond_float16_makes_it_exact),
        cmocka_unit_test(threads_lay_out_the_same),
    };
    if (argc != 2)
        return 2;
    if (!cpu_has(getenv("FOV_CPU")))
        return 77;
    vectors = argv[1];
    return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
