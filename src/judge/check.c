/* SPDX-License-Identifier: Apache-2.0 */
/* check.c -- how far the fast arithmetic of a network stays from its exact one.
 *
 * In float32 and before any rounding to 8 bits, which would hide small differences and enlarge
 * others.
 *
 * Threads: one. Owns: the pixels of one picture and two results. Trust: pictures and networks are a
 * user's.
 */
#include "judge/check.h"

#include <math.h>

#include "base/mem.h"
#include "image/image.h"

enum { SIDE = 256 };

struct sample {
    float *rgb; /* interleaved, 0..1 */
    int width, height;
};

static void image_free_at(struct fov_image **image)
{
    fov_image_free(*image);
}

static float drawn(int x, int y, int c, uint32_t *noise)
{
    const double wave = sin(0.11 * x + c) * cos(0.09 * y), edge = (x + 3 * y + 5 * c) % 61 < 25;
    *noise = *noise * 1664525u + 1013904223u;
    return (float)(0.4 + 0.2 * wave + 0.25 * edge + 0.08 * ((*noise >> 8) * 0x1p-24 - 0.5));
}

static enum fov_code take_pixels(const char *path, struct sample *s, struct fov_err *err)
{
    FOV_AUTO(image_free_at) struct fov_image *image = NULL;
    FOV_AUTO(fov_free_at) uint8_t *rgb = NULL;
    const struct fov_load_options options = {.page = 0};
    struct fov_image_info info = {.width_px = SIDE, .height_px = SIDE};
    uint32_t noise = 1;
    enum fov_code rc;

    if (path) {
        if ((rc = fov_image_load(path, &options, &image, err)) ||
            (rc = fov_image_to_rgb8(image, &rgb, err)))
            return rc;
        fov_image_get_info(image, &info);
    }
    s->width = info.width_px < SIDE ? info.width_px : SIDE;
    s->height = info.height_px < SIDE ? info.height_px : SIDE;
    if (!(s->rgb = fov_calloc((size_t)s->width * (size_t)s->height * 3, sizeof(*s->rgb))))
        return fov_fail(err, FOV_ENOMEM, "no memory for a sample picture");
    const int x0 = (info.width_px - s->width) / 2, y0 = (info.height_px - s->height) / 2;
    float *to = s->rgb;
    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++)
            for (int c = 0; c < 3; c++)
                *to++ =
                    rgb ? (float)rgb[((size_t)(y0 + y) * (size_t)info.width_px + (size_t)(x0 + x)) *
                                         3 +
                                     (size_t)c] /
                              255
                        : drawn(x, y, c, &noise);
    return FOV_OK;
}

enum fov_code fov_check_fast(const char *path, struct fov_model *fast, struct fov_model *exact,
                             double *ret_db, struct fov_err *err)
{
    FOV_AUTO(fov_free_at) float *pixels = NULL;
    FOV_AUTO(fov_free_at) float *a = NULL;
    FOV_AUTO(fov_free_at) float *b = NULL;
    struct sample s = {0};
    struct fov_model_info info;
    double sum = 0;

    enum fov_code rc = take_pixels(path, &s, err);
    pixels = s.rgb;
    if (rc)
        return rc;
    fov_model_get_info(fast, &info);
    const size_t n = (size_t)s.width * (size_t)s.height * 3 * (size_t)(info.scale * info.scale);
    const struct fov_shape shape = {
        .width_px = s.width, .height_px = s.height, .n_channels = 3, .sample = FOV_F32};
    if (!(a = fov_calloc(n, sizeof(*a))) || !(b = fov_calloc(n, sizeof(*b))))
        return fov_fail(err, FOV_ENOMEM, "no memory for two results of %zu samples", n);
    if ((rc = fov_upscale(fast, &shape, pixels, a, err)) ||
        (rc = fov_upscale(exact, &shape, pixels, b, err)))
        return rc;
    for (size_t i = 0; i < n; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    *ret_db = isfinite(sum) ? 10 * log10((double)n / fmax(sum, 1e-20)) : 0;
    return FOV_OK;
}
