/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c -- rows of samples as a caller has them, to and from rows of the engine.
 *
 * Written over samples with three small switches rather than once for each of the twelve formats:
 * together these take under 2 % of the time of a network.
 *
 * Threads: any. Owns: nothing. Trust: samples come from pictures; any value is fine.
 */
#include "net/rows.h"

#include <math.h>
#include <stdint.h>

#include "net/kernels/kernels.h"

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
    return ((const float *)src)[i];
}

static float unit(float v)
{
    return v > 0 ? (v < 1 ? v : 1) : 0; /* NaN: 0 */
}

static void store_sample(void *dst, size_t i, float v, enum fov_sample sample)
{
    switch (sample) {
    case FOV_U8:
        ((uint8_t *)dst)[i] = (uint8_t)lrintf(unit(v) * 255);
        return;
    case FOV_U16:
        ((uint16_t *)dst)[i] = (uint16_t)lrintf(unit(v) * 65535);
        return;
    case FOV_F32:
        break;
    }
    ((float *)dst)[i] = v;
}

void fov_row_load(float *dst, const void *src, const struct fov_shape *shape, float mean)
{
    const size_t width = (size_t)shape->width_px, n = (size_t)shape->n_channels;
    const size_t pixel = shape->layout == FOV_PLANAR ? 1 : n;
    const size_t channel = shape->layout == FOV_PLANAR ? width : 1;

    for (size_t c = 0; c < 3; c++) {
        const size_t from = n == 1 ? 0 : c * channel;
        for (size_t x = 0; x < width; x++)
            dst[x * FOV_INPUT_CHANNELS + c] =
                load_sample(src, from + x * pixel, shape->sample) - mean;
    }
}

void fov_row_store(void *dst, const float *src, size_t n_ch, const float *base,
                   const struct fov_shape *shape, int scale, int dy, float mean)
{
    const size_t s = (size_t)scale, width = (size_t)shape->width_px * s;
    const size_t n = (size_t)shape->n_channels;
    const size_t pixel = shape->layout == FOV_PLANAR ? 1 : n;
    const size_t channel = shape->layout == FOV_PLANAR ? width : 1;

    for (size_t x = 0; x < (size_t)shape->width_px; x++)
        for (size_t dx = 0; dx < s; dx++) {
            float rgb[3] = {0};
            for (size_t c = 0; c < 3; c++)
                rgb[c] = src[x * n_ch + c * s * s + (size_t)dy * s + dx] +
                         (base[x * FOV_INPUT_CHANNELS + c] + mean);
            if (n == 1)
                rgb[0] = (rgb[0] + rgb[1] + rgb[2]) * (1.0f / 3);
            for (size_t c = 0; c < n; c++)
                store_sample(dst, (x * s + dx) * pixel + c * channel, rgb[c], shape->sample);
        }
}
