/* SPDX-License-Identifier: Apache-2.0 */
/* test_enlarge.c -- how often enlarging a picture asks the network: alpha is a stream of its own,
 * as dear as a grey picture's, and only of what is not opaque.
 *
 * usage: test_enlarge MODEL.safetensors
 */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "image/vimage.h"

enum { SIDE = 40, MOST_CHANNELS = 4 };

static const char *model_path;

struct enlarging {
    struct fov_engine *engine;
    struct fov_model *model;
};

/* fov_stream_open() is wrapped by the linker to count. */
static int n_streams;
enum fov_code __real_fov_stream_open(struct fov_model *model,
                                     const struct fov_stream_options *options,
                                     struct fov_stream **ret_stream, struct fov_err *err);
enum fov_code __wrap_fov_stream_open(struct fov_model *model,
                                     const struct fov_stream_options *options,
                                     struct fov_stream **ret_stream, struct fov_err *err);

enum fov_code __wrap_fov_stream_open(struct fov_model *model,
                                     const struct fov_stream_options *options,
                                     struct fov_stream **ret_stream, struct fov_err *err)
{
    n_streams++;
    return __real_fov_stream_open(model, options, ret_stream, err);
}

static int setup(void **state)
{
    static struct enlarging e;
    struct fov_err err;
    *state = &e;
    if (fov_image_start("test_enlarge", 1, NULL, &err) || fov_engine_open(NULL, &e.engine, &err) ||
        fov_model_open(e.engine, model_path, &e.model, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    struct enlarging *const e = *state;
    fov_model_close(e->model);
    fov_engine_close(e->engine);
    fov_image_stop();
    return 0;
}

/* Enlarge an opaque picture twice, but for one pixel if `hole`; says how many streams it took. */
static int streams_of(const struct enlarging *e, int n_channels, bool hole)
{
    static uint8_t pixels[SIDE * SIDE * MOST_CHANNELS];
    const struct fov_image like = {.format = "PNG"};
    struct fov_image *in, *out;
    size_t n_bytes;
    void *made;
    memset(pixels, 0xFF, sizeof(pixels));
    if (hole)
        pixels[(SIDE * SIDE / 2 + SIDE / 2) * n_channels - 1] = 0;
    VipsImage *const vips = vips_image_new_from_memory(pixels, (size_t)(SIDE * SIDE * n_channels),
                                                       SIDE, SIDE, n_channels, VIPS_FORMAT_UCHAR);
    assert_non_null(vips);
    assert_int_equal(fov__image_wrap(vips, &like, "test", &in, NULL), FOV_OK);

    n_streams = 0;
    assert_int_equal(fov_image_enlarge(in, e->model, 2, &out, NULL), FOV_OK);
    assert_non_null(made = vips_image_write_to_memory(out->vips, &n_bytes));
    assert_int_equal(n_bytes, SIDE * SIDE * 4 * n_channels);
    g_free(made);
    fov_image_free(out);
    fov_image_free(in);
    return n_streams;
}

static void only_what_is_not_opaque_goes_through_the_network(void **state)
{
    const struct enlarging *const e = *state;
    assert_int_equal(streams_of(e, 1, false), 1);
    assert_int_equal(streams_of(e, 2, false), 1);
    assert_int_equal(streams_of(e, 3, false), 1);
    assert_int_equal(streams_of(e, 4, false), 1);
    assert_int_equal(streams_of(e, 2, true), 2);
    assert_int_equal(streams_of(e, 4, true), 2);
}

/* A thread that writes a result may fall behind another by two of libvips's buffers. Where the
 * network's rows are shrunk, those that it still wants must not be gone. */
static void a_thread_may_fall_behind_where_rows_are_shrunk(void **state)
{
    enum { HEIGHT = 400, BEHIND = 16 };
    const struct enlarging *const e = *state;
    static uint8_t pixels[SIDE * HEIGHT];
    const struct fov_image like = {.format = "PNG"};
    struct fov_image *in, *out;
    int tile_width, tile_height, n_lines;
    VipsImage *const vips =
        vips_image_new_from_memory(pixels, sizeof(pixels), SIDE, HEIGHT, 1, VIPS_FORMAT_UCHAR);
    assert_non_null(vips);
    assert_int_equal(fov__image_wrap(vips, &like, "test", &in, NULL), FOV_OK);
    assert_int_equal(fov_image_enlarge(in, e->model, 1, &out, NULL), FOV_OK);
    vips_get_tile_size(out->vips, &tile_width, &tile_height, &n_lines);
    assert_in_range(2 * n_lines, BEHIND, HEIGHT - 1);

    VipsRegion *const region = vips_region_new(out->vips);
    for (int y = 0; y < 2 * n_lines; y++)
        if (y / BEHIND != 1)
            assert_int_equal(vips_region_prepare(region, &(VipsRect){0, y, SIDE, 1}), 0);
    assert_int_equal(vips_region_prepare(region, &(VipsRect){0, BEHIND, SIDE, BEHIND}), 0);
    g_object_unref(region);
    fov_image_free(out);
    fov_image_free(in);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_not_opaque_goes_through_the_network),
        cmocka_unit_test(a_thread_may_fall_behind_where_rows_are_shrunk),
    };
    if (argc != 2)
        return 2;
    model_path = argv[1];
    return cmocka_run_group_tests(tests, setup, teardown);
}
