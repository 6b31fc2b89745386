/* SPDX-License-Identifier: Apache-2.0 */
/* test_wave.c -- rows in, rows out: the same bits at any thread count, in any portions, as if the
 * picture had been run whole; formats, progress, cancel, failures and limits of the public API.
 *
 * usage: test_wave VECTORS_FOLDER; FOV_CPU chooses the kernels. The small networks of the vectors
 * serve as models.
 */
#include "tests/unit/cmocka_all.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fovea/fovea.h"
#include "net/arch.h"
#include "tests/engine/whole.h"

static const char *vectors;

struct loaded {
    struct fov_engine *engine;
    struct fov_model *model;
    int scale;
};

static struct loaded load_mode(const char *name, int n_threads, bool exact)
{
    const struct fov_engine_options options = {
        .n_threads = n_threads, .cpu = getenv("FOV_CPU"), .exact = exact};
    struct fov_model_info info;
    struct loaded l;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/%s.model.safetensors", vectors, name);
    assert_int_equal(fov_engine_open(&options, &l.engine, NULL), FOV_OK);
    assert_int_equal(fov_engine_n_threads(l.engine), n_threads);
    assert_int_equal(fov_model_open(l.engine, path, &l.model, NULL), FOV_OK);
    fov_model_get_info(l.model, &info);
    l.scale = info.scale;
    return l;
}

static struct loaded load(const char *name, int n_threads)
{
    return load_mode(name, n_threads, false);
}

static void unload(struct loaded *l)
{
    fov_model_close(l->model);
    fov_engine_close(l->engine);
}

/* A picture of pseudo-random floats in 0..1. */
static float *picture(int width, int height)
{
    float *const rgb = fov_calloc((size_t)width * (size_t)height * 3, sizeof(*rgb));
    uint32_t state = 1;
    assert_non_null(rgb);
    for (int i = 0; i < width * height * 3; i++) {
        state = state * 1664525u + 1013904223u;
        rgb[i] = (float)(state >> 8) * 0x1p-24f;
    }
    return rgb;
}

static struct fov_shape rgb_shape(int width, int height)
{
    return (struct fov_shape){
        .width_px = width, .height_px = height, .n_channels = 3, .sample = FOV_F32};
}

static size_t result_floats(int width, int height, int scale)
{
    return (size_t)width * (size_t)height * (size_t)(scale * scale) * 3;
}

static float *upscaled(struct loaded *l, const float *rgb, int width, int height)
{
    const struct fov_shape shape = rgb_shape(width, height);
    float *const out = fov_calloc(result_floats(width, height, l->scale), sizeof(*out));
    assert_non_null(out);
    assert_int_equal(fov_upscale(l->model, &shape, rgb, out, NULL), FOV_OK);
    return out;
}

/* The picture filled up to a larger size, mirrored at its last column and row. */
static float *mirrored(const float *rgb, int width, int height, int new_width, int new_height)
{
    float *const out = fov_calloc((size_t)new_width * (size_t)new_height * 3, sizeof(*out));
    assert_non_null(out);
    for (int y = 0; y < new_height; y++)
        for (int x = 0; x < new_width; x++) {
            const int from_y = y < height ? y : 2 * (height - 1) - y;
            const int from_x = x < width ? x : 2 * (width - 1) - x;
            const int at = (from_y > 0 ? from_y : 0) * width + (from_x > 0 ? from_x : 0);
            memcpy(out + (size_t)(y * new_width + x) * 3, rgb + (size_t)at * 3, 3 * sizeof(*rgb));
        }
    return out;
}

/* The picture run whole, layer by layer, with the same kernels. */
static float *run_whole(const char *name, const float *rgb, int width, int height, int scale,
                        bool exact)
{
    struct fov_graph *const graph = fov_calloc(1, sizeof(*graph));
    float *const out = fov_calloc(result_floats(width, height, scale), sizeof(*out));
    struct fov_weights *file;
    struct fov_kernels kernels;
    struct fov_packed net;
    struct fov_whole whole;
    char path[1024];

    assert_true(graph && out);
    (void)snprintf(path, sizeof(path), "%s/%s.model.safetensors", vectors, name);
    test_kernels(&kernels);
    assert_int_equal(fov_weights_open(path, &file, NULL), FOV_OK);
    assert_int_equal(fov_arch_build(file, graph, NULL), FOV_OK);
    assert_int_equal(fov_packed_init(graph, &kernels, exact, 3, &net, NULL), FOV_OK);
    const int u = net.unshuffle, w = (width + u - 1) / u, h = (height + u - 1) / u;
    float *const filled = mirrored(rgb, width, height, w * u, h * u);
    float *const all = fov_calloc(result_floats(w * u, h * u, scale), sizeof(*all));
    assert_non_null(all);
    assert_int_equal(fov_whole_init(&net, net.element, w, h, &whole, NULL), FOV_OK);
    fov_whole_input(&whole, filled);
    for (int i = 1; i < net.n_layers; i++)
        fov_whole_run(&whole, &kernels, i, &net.layers[i]);
    whole_result(&whole, all);
    for (int y = 0; y < height * scale; y++)
        memcpy(out + (size_t)(y * width * scale) * 3, all + (size_t)(y * w * u * scale) * 3,
               (size_t)(width * scale) * 3 * sizeof(*out));
    fov_free(filled);
    fov_free(all);
    fov_whole_done(&whole);
    fov_packed_done(&net);
    fov_weights_close(file);
    fov_free(graph);
    return out;
}

/* Sizes around every boundary: tiles and bands cut short, rows wider and narrower than the tiles
 * that a kernel takes at once, pictures smaller than the network's reach. */
static const struct {
    int width, height;
} sizes[] = {{1, 1},  {2, 3},   {17, 1},   {1, 29},  {13, 9},  {6, 40},
             {64, 5}, {300, 7}, {11, 150}, {200, 6}, {37, 61}, {97, 33}};

static void check_same_bits(const char *name, int n_threads, bool exact)
{
    struct loaded l = load_mode(name, n_threads, exact);
    for (size_t i = 0; i < FOV_N_ELEMENTS(sizes); i++) {
        const int w = sizes[i].width, h = sizes[i].height;
        float *const rgb = picture(w, h), *const got = upscaled(&l, rgb, w, h);
        float *const want = run_whole(name, rgb, w, h, l.scale, exact);
        if (memcmp(got, want, result_floats(w, h, l.scale) * sizeof(float)))
            fail_msg("%s %dx%d differs at %d threads", name, w, h, n_threads);
        fov_free(rgb);
        fov_free(got);
        fov_free(want);
    }
    unload(&l);
}

static void same_bits_as_whole_at_any_thread_count(void **state)
{
    static const int threads[] = {1, 2, 7};
    (void)state;
    for (size_t t = 0; t < FOV_N_ELEMENTS(threads); t++)
        for (int exact = 0; exact < 2; exact++)
            check_same_bits("compact", threads[t], exact);
}

/* Several resolutions, inputs side by side, skips longer than a band, gates. */
static void same_bits_as_whole_in_every_architecture(void **state)
{
    static const char *const names[] = {"residual",  "esrgan-x4", "esrgan-x2",
                                        "esrgan-x1", "span-x3",   "edsr-x4"};
    (void)state;
    for (size_t n = 0; n < FOV_N_ELEMENTS(names); n++)
        check_same_bits(names[n], 2, n % 2);
}

/* ---- pieces ------------------------------------------------------------------------------ */

struct feed {
    const unsigned char *input;
    size_t row_bytes;
    int next_row, fail_at, calls;
    int progress_calls, rows_done, rows_total, cancel_after;
};

static int feed_rows(void *user, int y, int n_rows, void *rows);
static int note_progress(void *user, int rows_done, int rows_total);

/* Within `limit`; what the stream gave stands in `got`, as many rows as there was no failure for.
 */
static enum fov_code read_within(struct loaded *l, const struct fov_shape *shape, const void *input,
                                 size_t limit, struct feed *f, void *got)
{
    const struct fov_stream_options options = {.shape = *shape,
                                               .read = feed_rows,
                                               .progress = note_progress,
                                               .user = f,
                                               .max_memory_bytes = limit};
    struct fov_stream *s = NULL;
    const size_t sample = shape->sample == FOV_F32 ? sizeof(float) : 1;
    f->input = input;
    f->row_bytes = (size_t)(shape->width_px * shape->n_channels) * sample;
    enum fov_code rc = fov_stream_open(l->model, &options, &s, NULL);
    for (int y = 0; y < shape->height_px * l->scale && !rc; y++)
        rc = fov_stream_read(
            s, 1, (unsigned char *)got + (size_t)y * (size_t)l->scale * f->row_bytes, NULL);
    fov_stream_close(s);
    return rc;
}

/* At a `part` of the memory that one wave would take. */
static void check_pieces(const char *name, bool exact, const struct fov_shape *shape, double part)
{
    struct loaded l = load_mode(name, 2, exact);
    const int w = shape->width_px, h = shape->height_px;
    const size_t floats = result_floats(w, h, l.scale);
    const size_t memory = fov_stream_memory(l.model, shape);
    float *const input = picture(w, h), *const want = fov_calloc(floats, sizeof(*want)),
                 *const got = fov_calloc(floats, sizeof(*got));
    struct feed f = {.fail_at = -1};

    assert_non_null(want);
    assert_non_null(got);
    assert_int_equal(fov_upscale(l.model, shape, input, want, NULL), FOV_OK);
    const enum fov_code rc =
        read_within(&l, shape, input, (size_t)(part * (double)memory), &f, got);
    if (rc || memcmp(got, want, floats * sizeof(float)))
        fail_msg("%s %dx%d in pieces: %d, or other bits", name, w, h, (int)rc);
    assert_int_equal(f.next_row, h);
    assert_int_equal(f.rows_done, h * l.scale);
    assert_int_equal(f.rows_total, h * l.scale);
    fov_free(input);
    fov_free(want);
    fov_free(got);
    unload(&l);
}

/* Sides that are no multiple of a tile, several pieces along both, in every architecture. */
static void same_bits_in_pieces(void **state)
{
    static const struct {
        const char *name;
        int width, height;
        bool exact;
    } cases[] = {
        {"compact", 403, 201, false},  {"compact", 403, 101, true},  {"residual", 603, 102, true},
        {"esrgan-x4", 603, 29, false}, {"esrgan-x2", 905, 29, true}, {"esrgan-x1", 1803, 58, false},
        {"span-x3", 603, 101, false},  {"edsr-x4", 403, 101, true},
    };
    /* The plain C kernels would take ten minutes for all under a sanitizer. */
    const char *const cpu = getenv("FOV_CPU");
    const size_t n_cases = cpu && !strcmp(cpu, "c") ? 3 : FOV_N_ELEMENTS(cases);
    (void)state;
    for (size_t n = 0; n < n_cases; n++) {
        const struct fov_shape shape = rgb_shape(cases[n].width, cases[n].height);
        check_pieces(cases[n].name, cases[n].exact, &shape, 0.75);
    }
}

static void pieces_know_layouts(void **state)
{
    static const double parts[] = {0.6, 0.7, 0.9};
    struct fov_shape shape = rgb_shape(530, 150);
    (void)state;
    shape.layout = FOV_PLANAR;
    for (size_t i = 0; i < FOV_N_ELEMENTS(parts); i++)
        check_pieces("compact", false, &shape, parts[i]);
    shape.n_channels = 1;
    check_pieces("compact", false, &shape, 0.7);
    shape.layout = FOV_INTERLEAVED;
    check_pieces("compact", false, &shape, 0.7);
}

static void pieces_fail_as_a_whole_does(void **state)
{
    struct loaded l = load("compact", 2);
    const struct fov_shape shape = rgb_shape(1203, 301);
    const size_t limit = fov_stream_memory(l.model, &shape) / 4 * 3;
    float *const input = picture(1203, 301), *const got = fov_calloc(
                                                 result_floats(1203, 301, l.scale), sizeof(*got));
    struct feed f = {.fail_at = 250};
    (void)state;
    assert_non_null(got);
    assert_int_equal(read_within(&l, &shape, input, limit, &f, got), FOV_ENOINPUT);
    f = (struct feed){.fail_at = -1, .cancel_after = 10};
    assert_int_equal(read_within(&l, &shape, input, limit, &f, got), FOV_ECANCEL);
    assert_int_equal(f.progress_calls, 10);
    fov_free(input);
    fov_free(got);
    unload(&l);
}

/* ---- streams ----------------------------------------------------------------------------- */

static int feed_rows(void *user, int y, int n_rows, void *rows)
{
    struct feed *const f = user;
    assert_int_equal(y, f->next_row); /* once each, from the top */
    if (f->fail_at >= 0 && y + n_rows > f->fail_at)
        return -1;
    memcpy(rows, f->input + (size_t)y * f->row_bytes, (size_t)n_rows * f->row_bytes);
    f->next_row += n_rows;
    f->calls++;
    return 0;
}

static int note_progress(void *user, int rows_done, int rows_total)
{
    struct feed *const f = user;
    assert_true(rows_done > f->rows_done && rows_done <= rows_total);
    f->rows_done = rows_done;
    f->rows_total = rows_total;
    return ++f->progress_calls == f->cancel_after;
}

static struct fov_stream *begin(struct loaded *l, struct feed *f, const float *rgb, int w, int h)
{
    const struct fov_stream_options options = {
        .shape = rgb_shape(w, h), .read = feed_rows, .progress = note_progress, .user = f};
    struct fov_stream *s;
    *f = (struct feed){.input = (const unsigned char *)rgb,
                       .row_bytes = (size_t)w * 3 * sizeof(float),
                       .fail_at = -1};
    assert_int_equal(fov_stream_open(l->model, &options, &s, NULL), FOV_OK);
    return s;
}

static void any_portions_give_the_same(void **state)
{
    enum { W = 41, H = 53 };
    struct loaded l = load("compact", 2);
    float *const rgb = picture(W, H), *const want = upscaled(&l, rgb, W, H);
    const size_t row = (size_t)(W * l.scale * 3);
    float *const got = fov_calloc(row * (size_t)(H * l.scale), sizeof(*got));
    struct feed f;
    (void)state;

    assert_non_null(got);
    struct fov_stream *const s = begin(&l, &f, rgb, W, H);
    for (int y = 0, n = 0; y < H * l.scale; y += n) {
        n = (y * 7 + 3) % 23 + 1; /* 1 to 23 rows */
        n = n < H * l.scale - y ? n : H * l.scale - y;
        assert_int_equal(fov_stream_read(s, n, got + row * (size_t)y, NULL), FOV_OK);
        assert_int_equal(f.rows_done, y + n);
    }
    assert_memory_equal(got, want, row * (size_t)(H * l.scale) * sizeof(float));
    assert_int_equal(f.rows_total, H * l.scale);
    assert_int_equal(f.next_row, H);

    struct fov_err err = {0};
    assert_int_equal(fov_stream_read(s, 1, got, &err), FOV_EUSAGE);
    assert_string_equal(err.text, "1 rows asked for where 0 are left");
    fov_stream_close(s);
    fov_free(rgb);
    fov_free(want);
    fov_free(got);
    unload(&l);
}

/* A reader that takes nothing lets no more in than the rings hold. */
static void stream_does_not_run_away(void **state)
{
    enum { W = 16, H = 4000 };
    struct loaded l = load("compact", 2);
    float *const rgb = picture(W, H), *const row = fov_calloc(W * 3 * 4, sizeof(*row));
    struct feed f;
    (void)state;
    struct fov_stream *const s = begin(&l, &f, rgb, W, H);
    assert_int_equal(fov_stream_read(s, 1, row, NULL), FOV_OK);
    assert_true(f.next_row < 150);
    fov_stream_close(s); /* in the middle: nothing leaks, nobody waits */
    fov_free(rgb);
    fov_free(row);
    unload(&l);
}

static void memory_does_not_grow_with_height(void **state)
{
    struct loaded l = load("residual", 2);
    const struct fov_shape low = rgb_shape(500, 100), high = rgb_shape(500, 100000);
    const struct fov_shape wide = rgb_shape(5000, 100), none = rgb_shape(0, 1),
                           widest = rgb_shape(1 << 20, 3000);
    (void)state;
    assert_int_equal(fov_stream_memory(l.model, &low), fov_stream_memory(l.model, &high));
    assert_true(fov_stream_memory(l.model, &wide) < 11 * fov_stream_memory(l.model, &low));
    assert_int_equal(fov_stream_memory(l.model, &none), 0);
    assert_true(fov_stream_memory(l.model, &widest) > (size_t)3 << 30); /* in pieces */
    assert_true(fov_stream_memory(l.model, &widest) <= (size_t)4 << 30);
    unload(&l);
}

static void cancel_by_progress(void **state)
{
    enum { W = 30, H = 400 };
    struct loaded l = load("compact", 2);
    float *const rgb = picture(W, H), *const out = fov_calloc((size_t)W * H * 12, sizeof(*out));
    struct fov_err err = {0};
    struct feed f;
    (void)state;
    struct fov_stream *const s = begin(&l, &f, rgb, W, H);
    f.cancel_after = 2;
    assert_int_equal(fov_stream_read(s, H * l.scale, out, &err), FOV_ECANCEL);
    assert_string_equal(err.text, "cancelled");
    assert_int_equal(f.progress_calls, 2);
    assert_int_equal(fov_stream_read(s, 1, out, NULL), FOV_ECANCEL); /* it stays ended */
    fov_stream_close(s);
    fov_free(rgb);
    fov_free(out);
    unload(&l);
}

static void cancel_before_reading(void **state)
{
    struct loaded l = load("compact", 1);
    float *const rgb = picture(8, 8), out[8 * 2 * 3];
    struct feed f;
    (void)state;
    struct fov_stream *const s = begin(&l, &f, rgb, 8, 8);
    fov_stream_cancel(s);
    assert_int_equal(fov_stream_read(s, 1, out, NULL), FOV_ECANCEL);
    fov_stream_close(s);
    fov_stream_close(NULL);
    fov_free(rgb);
    unload(&l);
}

static void input_that_fails_ends_the_stream(void **state)
{
    enum { W = 30, H = 400 };
    struct loaded l = load("compact", 2);
    float *const rgb = picture(W, H), *const out = fov_calloc((size_t)W * H * 12, sizeof(*out));
    struct fov_err err = {0};
    struct feed f;
    (void)state;
    struct fov_stream *const s = begin(&l, &f, rgb, W, H);
    f.fail_at = 200;
    assert_int_equal(fov_stream_read(s, H * l.scale, out, &err), FOV_ENOINPUT);
    assert_string_equal(err.text, "row 192 of the picture could not be read");
    assert_int_equal(fov_stream_read(s, 1, out, NULL), FOV_ENOINPUT);
    fov_stream_close(s);
    fov_free(rgb);
    fov_free(out);
    unload(&l);
}

static void shapes_are_checked(void **state)
{
    static const struct fov_shape bad[] = {
        {.width_px = 0, .height_px = 1, .n_channels = 3},
        {.width_px = 1, .height_px = -1, .n_channels = 3},
        {.width_px = 1, .height_px = 1, .n_channels = 2},
        {.width_px = 1, .height_px = 1, .n_channels = 3, .sample = (enum fov_sample)3},
        {.width_px = 1, .height_px = 1, .n_channels = 3, .layout = (enum fov_layout)2},
    };
    struct loaded l = load("compact", 1);
    struct fov_stream_options options = {.read = feed_rows};
    struct fov_stream *s = NULL;
    struct fov_err err = {0};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(bad); i++) {
        options.shape = bad[i];
        assert_int_equal(fov_stream_open(l.model, &options, &s, NULL), FOV_EUSAGE);
    }
    options.shape = rgb_shape(1 << 21, 1);
    assert_int_equal(fov_stream_open(l.model, &options, &s, NULL), FOV_ELIMIT);
    options.shape = rgb_shape(1, INT_MAX);
    assert_int_equal(fov_stream_open(l.model, &options, &s, NULL), FOV_ELIMIT);
    options.shape = rgb_shape(100, 100);
    options.max_memory_bytes = 1000;
    assert_int_equal(fov_stream_open(l.model, &options, &s, &err), FOV_ELIMIT);
    assert_non_null(strstr(err.text, "a picture 100 px wide takes"));
    options.read = NULL;
    assert_int_equal(fov_stream_open(l.model, &options, &s, NULL), FOV_EUSAGE);
    assert_null(s);
    unload(&l);
}

static void engine_options_are_checked(void **state)
{
    struct fov_engine_options options = {.cpu = "avx9"};
    struct fov_engine *engine = NULL;
    struct fov_err err = {0};
    (void)state;
    assert_int_equal(fov_engine_open(&options, &engine, &err), FOV_EUSAGE);
    assert_string_equal(err.text, "the CPU level 'avx9' is not one of c, avx2, avxvnni, "
                                  "avx512, avx512vnni, amx");
    options = (struct fov_engine_options){.n_threads = 257};
    assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_EUSAGE);
    options = (struct fov_engine_options){.cpu = "c"};
    assert_int_equal(fov_engine_open(&options, &engine, NULL), FOV_OK);
    assert_string_equal(fov_engine_cpu(engine), "c");
    assert_true(fov_engine_n_threads(engine) >= 1);
    fov_engine_close(engine);
    fov_engine_close(NULL);
    fov_model_close(NULL);
}

/* ---- formats: each against the float result ---------------------------------------------- */

enum { FW = 19, FH = 7 };

static float sample_at(const void *p, size_t i, enum fov_sample sample)
{
    return sample == FOV_U8    ? (float)((const uint8_t *)p)[i] / 255
           : sample == FOV_U16 ? (float)((const uint16_t *)p)[i] / 65535
                               : ((const float *)p)[i];
}

static size_t sample_index(const struct fov_shape *s, int width, int x, int y, int c)
{
    const int n = s->n_channels;
    return s->layout == FOV_PLANAR ? (size_t)((y * n + c) * width + x)
                                   : (size_t)((y * width + x) * n + c);
}

static void fill_input(const struct fov_shape *s, void *input, float *rgb)
{
    for (int y = 0; y < FH; y++)
        for (int x = 0; x < FW; x++)
            for (int c = 0; c < 3; c++) {
                const int v = (x * 37 + y * 101 + (s->n_channels == 3 ? c * 59 : 0)) % 256;
                const size_t i = sample_index(s, FW, x, y, s->n_channels == 3 ? c : 0);
                if (s->sample == FOV_U8)
                    ((uint8_t *)input)[i] = (uint8_t)v;
                else if (s->sample == FOV_U16)
                    ((uint16_t *)input)[i] = (uint16_t)(v * 257);
                else
                    ((float *)input)[i] = (float)v / 255;
                rgb[(y * FW + x) * 3 + c] = (float)v / 255;
            }
}

static void check_format(struct loaded *l, const struct fov_shape *s)
{
    const int width = FW * l->scale, height = FH * l->scale;
    const float step = s->sample == FOV_U8 ? 0.502f / 255 : s->sample == FOV_U16 ? 0.6f / 65535 : 0;
    float rgb[FW * FH * 3], input[FW * FH * 3];
    float *const got = fov_calloc(result_floats(FW, FH, l->scale), sizeof(*got));
    assert_non_null(got);

    fill_input(s, input, rgb);
    float *const want = upscaled(l, rgb, FW, FH);
    assert_int_equal(fov_upscale(l->model, s, input, got, NULL), FOV_OK);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < s->n_channels; c++) {
                const float *const p = want + (y * width + x) * 3;
                float v = s->n_channels == 3 ? p[c] : (p[0] + p[1] + p[2]) / 3;
                if (s->sample != FOV_F32)
                    v = v < 0 ? 0 : v > 1 ? 1 : v;
                const float have = sample_at(got, sample_index(s, width, x, y, c), s->sample);
                if (!(fabsf(have - v) <= step + 2e-6f))
                    fail_msg("channels %d sample %d layout %d at %d,%d,%d: %g, not %g",
                             s->n_channels, (int)s->sample, (int)s->layout, x, y, c, (double)have,
                             (double)v);
            }
    fov_free(want);
    fov_free(got);
}

static void formats_agree(void **state)
{
    struct loaded l = load_mode("residual", 2, true); /* fast: an input 1e-8 off rounds otherwise */
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2)
        for (int sample = FOV_U8; sample <= FOV_F32; sample++)
            for (int layout = FOV_INTERLEAVED; layout <= FOV_PLANAR; layout++) {
                const struct fov_shape s = {.width_px = FW,
                                            .height_px = FH,
                                            .n_channels = channels,
                                            .sample = (enum fov_sample)sample,
                                            .layout = (enum fov_layout)layout};
                check_format(&l, &s);
            }
    unload(&l);
}

/* Samples that are no light count as the nearest that is: no instruction set makes of them what
 * another does not. */
static void odd_samples_do_no_harm(void **state)
{
    static const float odd[] = {NAN, 1e30f, -1e5f, INFINITY, -INFINITY, 17},
                       meant[] = {0, 16, -16, 16, -16, 16};
    struct loaded l = load("compact", 1);
    const struct fov_shape shape = rgb_shape(3, 3);
    float rgb[27], other[27], out[27 * 16], same[27 * 16];
    (void)state;
    for (int i = 0; i < 27; i++) {
        rgb[i] = i % 3 ? odd[i % 6] : 0.5f;
        other[i] = i % 3 ? meant[i % 6] : 0.5f;
    }
    assert_int_equal(fov_upscale(l.model, &shape, rgb, out, NULL), FOV_OK);
    assert_int_equal(fov_upscale(l.model, &shape, other, same, NULL), FOV_OK);
    const size_t n = result_floats(3, 3, l.scale);
    assert_true(n <= 27 * 16);
    assert_memory_equal(out, same, n * sizeof(*out));
    for (size_t i = 0; i < n; i++)
        assert_true(isfinite(out[i]));
    unload(&l);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_as_whole_at_any_thread_count),
        cmocka_unit_test(same_bits_as_whole_in_every_architecture),
        cmocka_unit_test(same_bits_in_pieces),
        cmocka_unit_test(pieces_know_layouts),
        cmocka_unit_test(pieces_fail_as_a_whole_does),
        cmocka_unit_test(any_portions_give_the_same),
        cmocka_unit_test(stream_does_not_run_away),
        cmocka_unit_test(memory_does_not_grow_with_height),
        cmocka_unit_test(cancel_by_progress),
        cmocka_unit_test(cancel_before_reading),
        cmocka_unit_test(input_that_fails_ends_the_stream),
        cmocka_unit_test(shapes_are_checked),
        cmocka_unit_test(engine_options_are_checked),
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(odd_samples_do_no_harm),
    };
    if (argc != 2)
        return 2;
    if (!cpu_has(getenv("FOV_CPU")))
        return 77;
    vectors = argv[1];
    return cmocka_run_group_tests_name("wave", tests, NULL, NULL);
}
