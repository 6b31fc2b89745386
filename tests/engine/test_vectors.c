/* SPDX-License-Identifier: Apache-2.0 */
/* test_vectors.c -- the engine against PyTorch: every layer of small networks, and the whole of the
 * networks that ship.
 *
 * usage: test_vectors VECTORS_FOLDER MODELS_FOLDER; FOV_CPU chooses the kernels. The vectors are
 * made by tests/vectors/dump_vectors.py.
 */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "fovea/fovea.h"
#include "net/arch.h"
#include "tests/engine/whole.h"

static const char *vectors, *models;

static struct fov_safetensors *open_file(const char *folder, const char *name)
{
    char path[1024];
    struct fov_safetensors *file = NULL;
    struct fov_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s.safetensors", folder, name);
    if (fov_safetensors_open(path, &file, &err))
        fail_msg("%s", err.text);
    return file;
}

static const struct fov_tensor *tensor(const struct fov_safetensors *file, const char *name)
{
    const struct fov_tensor *const t = fov_safetensors_find(file, name);
    if (!t)
        fail_msg("no tensor %s", name);
    return t;
}

static float *floats(const struct fov_safetensors *file, const char *name)
{
    const struct fov_tensor *const t = tensor(file, name);
    float *const v = fov_calloc(t->n_elements, sizeof(*v));
    assert_non_null(v);
    assert_int_equal(fov_tensor_read(file, t, v, NULL), FOV_OK);
    return v;
}

/* Sums of up to 576 products of order 1: two good float32 implementations differ by some 1e-6. */
static void assert_close(float got, float want, const char *what, size_t i)
{
    if (!(fabsf(got - want) <= 2e-5f * (1 + fabsf(want))))
        fail_msg("%s[%zu]: %.8g, PyTorch has %.8g", what, i, (double)got, (double)want);
}

/* PyTorch's activations of layer i are (height, width, channels) without padding. */
static void compare_layer(const struct fov_safetensors *file, int i, const struct layer_rows *l)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "layer.%d", i);
    const struct fov_tensor *const t = tensor(file, name);
    float *const want = floats(file, name);
    const size_t n_ch = t->dims[2];

    assert_int_equal(t->dims[0], l->height);
    assert_int_equal(t->dims[1], l->width);
    for (size_t at = 0; at < t->n_elements; at++) {
        const size_t px = at / n_ch, c = at % n_ch;
        const float *const p =
            layer_pixel(l, (int)(px % (size_t)l->width), (int)(px / (size_t)l->width));
        assert_close(p[c], want[at], name, at);
    }
    for (size_t c = n_ch; c < l->n_ch; c++) /* padding stays zero */
        assert_true(layer_pixel(l, 0, 0)[c] == 0);
    fov_free(want);
}

static void check_layers(const char *model_name, const char *vectors_name, int n_layers)
{
    struct fov_safetensors *const model = open_file(vectors, model_name);
    struct fov_safetensors *const file = open_file(vectors, vectors_name);
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    struct layer_rows layers[FOV_MAX_LAYERS];
    struct fov_packed net;
    struct fov_kernels kernels;
    unsigned mask = FOV_CPU_ALL;

    assert_non_null(graph);
    if (getenv("FOV_CPU"))
        assert_true(fov_cpu_parse(getenv("FOV_CPU"), &mask));
    fov_kernels_init(&kernels, fov_cpu_detect() & mask);
    assert_int_equal(fov_arch_build(model, graph, NULL), FOV_OK);
    assert_int_equal(fov_packed_init(graph, &net, NULL), FOV_OK);
    assert_int_equal(net.n_layers, n_layers + 1);

    const struct fov_tensor *const in = tensor(file, "input"), *const out = tensor(file, "output");
    float *const rgb = floats(file, "input"), *const want = floats(file, "output");
    float *const got = fov_calloc(out->n_elements, sizeof(*got));
    assert_non_null(got);
    whole_run(&net, &kernels, rgb, (int)in->dims[1], (int)in->dims[0], layers);
    for (int i = 1; i <= n_layers; i++)
        compare_layer(file, i, &layers[i]);
    whole_result(&net, layers, got);
    for (size_t i = 0; i < out->n_elements; i++)
        assert_close(got[i], want[i], "output", i);

    whole_free(&net, layers);
    fov_packed_done(&net);
    fov_free(graph);
    fov_free(rgb);
    fov_free(want);
    fov_free(got);
    fov_safetensors_close(file);
    fov_safetensors_close(model);
}

static void residual_layer_by_layer(void **state)
{
    (void)state;
    check_layers("residual.model", "residual.vectors", 7);
}

static void compact_layer_by_layer(void **state)
{
    (void)state;
    check_layers("compact.model", "compact.vectors", 5);
}

/* The value at i of a result stored as F32, or as U16 for 0..1 with the rest cut off. */
static float expected(const struct fov_tensor *t, size_t i, float *got)
{
    float v;
    uint16_t u;
    if (strcmp(t->dtype, "U16")) {
        memcpy(&v, t->data + 4 * i, sizeof(v));
        return v;
    }
    memcpy(&u, t->data + 2 * i, sizeof(u));
    *got = *got < 0 ? 0 : *got > 1 ? 1 : *got;
    return (float)u / 65535;
}

static void check_size(struct fov_model *model, const struct fov_safetensors *file,
                       const char *name, const char *size)
{
    char in_name[32], out_name[32];
    struct fov_model_info info;
    fov_model_get_info(model, &info);
    (void)snprintf(in_name, sizeof(in_name), "input.%s", size);
    (void)snprintf(out_name, sizeof(out_name), "%s.%s", name, size);
    const struct fov_tensor *const in = tensor(file, in_name), *const out = tensor(file, out_name);
    const struct fov_shape shape = {
        .width_px = (int)in->dims[1],
        .height_px = (int)in->dims[0],
        .n_channels = 3,
        .sample = FOV_F32,
    };
    float *const rgb = fov_calloc(in->n_elements, sizeof(*rgb));
    float *const got = fov_calloc(out->n_elements, sizeof(*got));
    assert_true(rgb && got);
    assert_int_equal(out->n_elements, in->n_elements * (size_t)(info.scale * info.scale));

    for (size_t i = 0; i < in->n_elements; i++)
        rgb[i] = (float)in->data[i] / 255;
    assert_int_equal(fov_upscale(model, &shape, rgb, got, NULL), FOV_OK);
    for (size_t i = 0; i < out->n_elements; i++) {
        const float want = expected(out, i, &got[i]);
        if (!(fabsf(got[i] - want) <= 1e-4f))
            fail_msg("%s[%zu]: %.7f, PyTorch has %.7f", out_name, i, (double)got[i], (double)want);
    }
    fov_free(rgb);
    fov_free(got);
}

/* Every size of real picture through a network: smaller than its reach, and odd. */
static void check_whole(struct fov_model *model, const char *name)
{
    static const char *const sizes[] = {"1x1", "2x3", "17x1", "123x77"};
    struct fov_safetensors *const file = open_file(vectors, "whole.vectors");
    for (size_t i = 0; i < FOV_N_ELEMENTS(sizes); i++)
        check_size(model, file, name, sizes[i]);
    fov_safetensors_close(file);
}

static void whole_compact_network(void **state)
{
    const struct fov_engine_options options = {.cpu = getenv("FOV_CPU")};
    struct fov_engine *engine;
    struct fov_model *model;
    char path[1024];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/compact.model.safetensors", vectors);
    assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_OK);
    assert_int_equal(fov_model_open(engine, path, &model, NULL), FOV_OK);
    check_whole(model, "compact");
    fov_model_close(model);
    fov_engine_close(engine);
}

static void shipped_networks(void **state)
{
    const struct fov_engine_options options = {.cpu = getenv("FOV_CPU")};
    struct fov_engine *engine;
    (void)state;

    assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_OK);
    for (int scale = 2; scale <= 4; scale++) {
        struct fov_model *model;
        struct fov_model_info info;
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/photo-x%d.safetensors", models, scale);
        assert_int_equal(fov_model_open(engine, path, &model, NULL), FOV_OK);
        fov_model_get_info(model, &info);
        assert_int_equal(info.scale, scale);
        assert_string_equal(info.architecture, "residual");
        assert_int_equal(info.n_convolutions, 19);
        assert_int_equal(info.receptive_radius_px, 19);
        assert_int_equal(info.n_multiply_adds,
                         9 * (3 * 64 + 17 * 64 * 64 + 64 * 3 * scale * scale));
        assert_string_equal(fov_model_metadata(model, "license"), "Apache-2.0");
        assert_null(fov_model_metadata(model, "no such key"));
        char name[8];
        (void)snprintf(name, sizeof(name), "x%d", scale);
        check_whole(model, name);
        fov_model_close(model);
    }
    fov_engine_close(engine);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_layer_by_layer),
        cmocka_unit_test(compact_layer_by_layer),
        cmocka_unit_test(whole_compact_network),
        cmocka_unit_test(shipped_networks),
    };
    if (argc != 3)
        return 2;
    if (!cpu_has(getenv("FOV_CPU")))
        return 77;
    vectors = argv[1];
    models = argv[2];
    return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
