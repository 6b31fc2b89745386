/* SPDX-License-Identifier: Apache-2.0 */
/* test_vectors.c -- the engine against PyTorch: every layer of small networks, and the whole of the
 * networks that ship and of a small one of each other kind.
 *
 * usage: test_vectors VECTORS_FOLDER MODELS_FOLDER; FOV_CPU chooses the kernels. The vectors are
 * made by tests/vectors/dump_vectors.py.
 */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fovea/fovea.h"
#include "net/arch.h"
#include "tests/engine/whole.h"

static const char *vectors, *models;

static struct fov_weights *open_file(const char *folder, const char *name)
{
    char path[1024];
    struct fov_weights *file = NULL;
    struct fov_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s.safetensors", folder, name);
    if (fov_weights_open(path, &file, &err))
        fail_msg("%s", err.text);
    return file;
}

static const struct fov_tensor *tensor(const struct fov_weights *file, const char *name)
{
    const struct fov_tensor *const t = fov_weights_find(file, name);
    if (!t)
        fail_msg("no tensor %s", name);
    return t;
}

static float *floats(const struct fov_weights *file, const char *name)
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

/* Where channel c of layer i stands: colours inside of pixels in the last one. */
static size_t packed_channel(const struct fov_packed *net, int i, size_t c)
{
    const size_t square = (size_t)(net->result_side * net->result_side);
    return i == net->n_layers - 1 ? c % square * 3 + c / square : c;
}

/* PyTorch's activations of layer i are (height, width, channels) without padding. */
static void compare_layer(const struct fov_weights *file, int i, const struct fov_whole *whole)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "layer.%d", i);
    const struct fov_tensor *const t = tensor(file, name);
    float *const want = floats(file, name);
    const size_t n_ch = t->dims[2], width = t->dims[1], stride = whole->net->layers[i].n_ch;

    assert_int_equal(t->dims[0], fov_whole_height(whole, i));
    assert_int_equal(width, fov_whole_width(whole, i));
    for (size_t at = 0; at < t->n_elements; at++) {
        const size_t px = at / n_ch, c = at % n_ch;
        const float *const row = fov_whole_row(whole, i, (int)(px / width));
        assert_close(row[px % width * stride + packed_channel(whole->net, i, c)], want[at], name,
                     at);
    }
    for (size_t c = n_ch; c < stride; c++) /* padding stays zero */
        assert_true(((const float *)fov_whole_row(whole, i, 0))[c] == 0);
    fov_free(want);
}

static void check_layers(const char *model_name, const char *vectors_name, int n_layers)
{
    struct fov_weights *const model = open_file(vectors, model_name);
    struct fov_weights *const file = open_file(vectors, vectors_name);
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    struct fov_whole whole;
    struct fov_packed net;
    struct fov_kernels kernels;

    assert_non_null(graph);
    test_kernels(&kernels);
    assert_int_equal(fov_arch_build(model, graph, NULL), FOV_OK);
    assert_int_equal(fov_packed_init(graph, &kernels, true, 2, &net, NULL), FOV_OK);
    assert_int_equal(net.n_layers, n_layers + 1);

    const struct fov_tensor *const in = tensor(file, "input"), *const out = tensor(file, "output");
    float *const rgb = floats(file, "input"), *const want = floats(file, "output");
    float *const got = fov_calloc(out->n_elements, sizeof(*got));
    assert_non_null(got);
    assert_int_equal(
        fov_whole_init(&net, net.element, (int)in->dims[1], (int)in->dims[0], &whole, NULL),
        FOV_OK);
    fov_whole_input(&whole, rgb);
    for (int i = 1; i <= n_layers; i++) {
        fov_whole_run(&whole, &kernels, i, &net.layers[i]);
        compare_layer(file, i, &whole);
    }
    whole_result(&whole, got);
    for (size_t i = 0; i < out->n_elements; i++)
        assert_close(got[i], want[i], "output", i);

    fov_whole_done(&whole);
    fov_packed_done(&net);
    fov_free(graph);
    fov_free(rgb);
    fov_free(want);
    fov_free(got);
    fov_weights_close(file);
    fov_weights_close(model);
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

static void check_size(struct fov_model *model, const struct fov_weights *file, const char *name,
                       const char *size, float tolerance)
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
        if (!(fabsf(got[i] - want) <= tolerance))
            fail_msg("%s[%zu]: %.7f, PyTorch has %.7f", out_name, i, (double)got[i], (double)want);
    }
    fov_free(rgb);
    fov_free(got);
}

/* Every size of real picture through a network: smaller than its reach, and odd. */
static void check_whole(struct fov_model *model, const char *name, float tolerance)
{
    static const char *const sizes[] = {"1x1", "2x3", "17x1", "123x77"};
    struct fov_weights *const file = open_file(vectors, "whole.vectors");
    for (size_t i = 0; i < FOV_N_ELEMENTS(sizes); i++)
        check_size(model, file, name, sizes[i], tolerance);
    fov_weights_close(file);
}

/* What a network may differ from PyTorch: float32 by its roundings, fast arithmetic by less than an
 * 8-bit step. */
static const struct {
    int exact;
    float tolerance;
} modes[] = {{1, 1e-4f}, {0, 4e-3f}};

static void check_small_networks(int exact, float tolerance)
{
    static const char *const names[] = {
        "esrgan-x4",       "esrgan-x2",       "esrgan-x1", "esrgan-old-x4", "esrgan-old-x2",
        "esrgan-old-x1",   "esrgan-trunk-x4", "span-x2",   "span-x3",       "span-x4",
        "span-trained-x2", "edsr-x2",         "edsr-x3",   "edsr-x4",       "edsr-authors-x2",
        "edsr-authors-x3", "edsr-authors-x4",
    };
    static const char *const sizes[] = {"1x1", "2x3", "23x17"};
    const struct fov_engine_options options = {.cpu = getenv("FOV_CPU"), .exact = exact};
    struct fov_weights *const file = open_file(vectors, "networks.vectors");
    struct fov_engine *engine;

    assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_OK);
    for (size_t i = 0; i < FOV_N_ELEMENTS(names); i++) {
        struct fov_model *model;
        struct fov_err err = {0};
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/%s.model.safetensors", vectors, names[i]);
        if (fov_model_open(engine, path, &model, &err))
            fail_msg("%s", err.text);
        for (size_t k = 0; k < FOV_N_ELEMENTS(sizes); k++)
            check_size(model, file, names[i], sizes[k], tolerance);
        fov_model_close(model);
    }
    fov_engine_close(engine);
    fov_weights_close(file);
}

static void small_networks(void **state)
{
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(modes); i++)
        check_small_networks(modes[i].exact, modes[i].tolerance);
}

static void whole_compact_network(void **state)
{
    char path[1024];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/compact.model.safetensors", vectors);
    for (size_t i = 0; i < FOV_N_ELEMENTS(modes); i++) {
        const struct fov_engine_options options = {.cpu = getenv("FOV_CPU"),
                                                   .exact = modes[i].exact};
        struct fov_engine *engine;
        struct fov_model *model;
        assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_OK);
        assert_int_equal(fov_model_open(engine, path, &model, NULL), FOV_OK);
        check_whole(model, "compact", modes[i].tolerance);
        fov_model_close(model);
        fov_engine_close(engine);
    }
}

static void check_shipped(struct fov_engine *engine, int scale, float tolerance)
{
    struct fov_model *model;
    struct fov_model_info info;
    char path[1024], name[8];
    (void)snprintf(path, sizeof(path), "%s/photo-x%d.safetensors", models, scale);
    (void)snprintf(name, sizeof(name), "x%d", scale);
    assert_int_equal(fov_model_open(engine, path, &model, NULL), FOV_OK);
    fov_model_get_info(model, &info);
    assert_int_equal(info.scale, scale);
    assert_string_equal(info.architecture, "residual");
    assert_int_equal(info.n_convolutions, 19);
    assert_int_equal(info.receptive_radius_px, 19);
    assert_int_equal(info.n_multiply_adds, 9 * (3 * 64 + 17 * 64 * 64 + 64 * 3 * scale * scale));
    assert_string_equal(fov_model_metadata(model, "license"), "Apache-2.0");
    assert_null(fov_model_metadata(model, "no such key"));
    check_whole(model, name, tolerance);
    fov_model_close(model);
}

static void shipped_networks(void **state)
{
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(modes); i++) {
        const struct fov_engine_options options = {.cpu = getenv("FOV_CPU"),
                                                   .exact = modes[i].exact};
        struct fov_engine *engine;
        assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_OK);
        for (int scale = 2; scale <= 4; scale++)
            check_shipped(engine, scale, modes[i].tolerance);
        fov_engine_close(engine);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_layer_by_layer), cmocka_unit_test(compact_layer_by_layer),
        cmocka_unit_test(whole_compact_network),   cmocka_unit_test(small_networks),
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
