/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c -- rows of samples as a caller has them, to and from rows of the engine.
 *
 * Loops over a whole row for each format, plain enough that a compiler makes vectors of them: a
 * result of 2000x2000 pixels has twelve million samples.
 *
 * Threads: any. Owns: nothing. Trust: samples come from pictures; any value is fine.
 */
#include "net/rows.h"

#include <stdint.h>

#include "net/kernels/kernels.h"

/* Of a float sample: much more, and layers would leave the range of float16. */
#define MOST 16.0f

size_t fov_sample_bytes(enum fov_sample sample)
{
    return sample == FOV_U8 ? 1 : sample == FOV_U16 ? 2 : 4;
}

static float load_sample(const void *src, size_t i, enum fov_sample sample)
{
    switch (sample) {
    case FOV_U8:
        return (float)((const uint8_t *)src)[i] * (1.0f / 255);
    case FOV_U16:
        return (float)((const uint16_t *)src)[i] * (1.0f / 65535);
    case FOV_F32:
        break;
    }
    const float v = ((const float *)src)[i];
    return v >= -MOST ? (v <= MOST ? v : MOST) : v < 0 ? -MOST : 0; /* NaN: 0 */
}

void fov_row_load(float *dst, size_t n_ch, const void *src, const struct fov_shape *shape,
                  const float mean[3], int unshuffle, int dy)
{
    const size_t width = (size_t)shape->width_px, n = (size_t)shape->n_channels;
    const size_t pixel = shape->layout == FOV_PLANAR ? 1 : n;
    const size_t channel = shape->layout == FOV_PLANAR ? width : 1;
    const size_t u = (size_t)unshuffle, n_px = (width + u - 1) / u;

    for (size_t c = 0; c < 3; c++) {
        const size_t from = n == 1 ? 0 : c * channel;
        for (size_t x = 0; x < n_px * u; x++)
            dst[x / u * n_ch + (c * u + (size_t)dy) * u + x % u] =
                load_sample(src, from + (size_t)fov_mirrored((int)x, shape->width_px) * pixel,
                            shape->sample) -
                mean[c];
    }
}

static float unit(float v)
{
    return v > 0 ? (v < 1 ? v : 1) : 0; /* NaN: 0 */
}

/* n samples, `stride` apart in src. */
static void store_samples(void *dst, const float *src, size_t stride, size_t n,
                          enum fov_sample sample)
{
    uint8_t *const bytes = dst;
    uint16_t *const words = dst;
    float *const floats = dst;

    switch (sample) {
    case FOV_U8:
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)(int)(unit(src[i * stride]) * 255 + 0.5f);
        break;
    case FOV_U16:
        for (size_t i = 0; i < n; i++)
            words[i] = (uint16_t)(int)(unit(src[i * stride]) * 65535 + 0.5f);
        break;
    case FOV_F32:
        for (size_t i = 0; i < n; i++)
            floats[i] = src[i * stride];
        break;
    }
}

void fov_row_store(void *dst, float *src, const struct fov_shape *shape, int scale)
{
    const size_t width = (size_t)shape->width_px * (size_t)scale;
    const enum fov_sample sample = shape->sample;

    if (shape->n_channels == 1) {
        for (size_t x = 0; x < width; x++)
            src[x] = (src[3 * x] + src[3 * x + 1] + src[3 * x + 2]) * (1.0f / 3);
        store_samples(dst, src, 1, width, sample);
    } else if (shape->layout == FOV_INTERLEAVED) {
        store_samples(dst, src, 1, 3 * width, sample);
    } else {
        for (size_t c = 0; c < 3; c++)
            store_samples((unsigned char *)dst + c * width * fov_sample_bytes(sample), src + c, 3,
                          width, sample);
    }
}
