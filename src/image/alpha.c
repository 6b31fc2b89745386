/* SPDX-License-Identifier: Apache-2.0 */
/* alpha.c -- rows of pixels whose last channel is alpha: look at it, hold it, put it back.
 *
 * Every loop is written once, over a sample of either size, and compiled for each: a result has as
 * many pixels as the network makes, so a copy of unknown size for each of them is felt.
 *
 * Threads: any. Owns: nothing. Trust: any samples.
 */
#include "image/alpha.h"

#include <string.h>

static inline unsigned get(const void *row, size_t i, size_t sample_bytes)
{
    return sample_bytes == 1 ? ((const uint8_t *)row)[i] : ((const uint16_t *)row)[i];
}

bool fov_alpha_is_opaque(const struct fov_alpha_row *k, const void *row)
{
    unsigned all = ~0u;
    for (size_t x = 0; x < k->n_px; x++)
        all &= get(row, (x + 1) * k->n_channels - 1, k->sample_bytes);
    return all == (k->sample_bytes == 1 ? UINT8_MAX : UINT16_MAX);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned greatest(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

void fov_alpha_limits(const struct fov_alpha_row *k, const void *above, const void *row,
                      const void *below, uint16_t *ret_least, uint16_t *ret_greatest)
{
    const size_t n = k->n_channels, b = k->sample_bytes;
    unsigned lo[3] = {UINT16_MAX, UINT16_MAX, UINT16_MAX}, hi[3] = {0}; /* of three columns */
    for (size_t x = 0; x <= k->n_px; x++) {
        lo[0] = lo[1], lo[1] = lo[2], lo[2] = UINT16_MAX;
        hi[0] = hi[1], hi[1] = hi[2], hi[2] = 0;
        if (x < k->n_px) {
            const size_t i = (x + 1) * n - 1;
            const unsigned u = get(above, i, b), v = get(row, i, b), w = get(below, i, b);
            lo[2] = least(u, least(v, w));
            hi[2] = greatest(u, greatest(v, w));
        }
        if (x == 0)
            continue;
        ret_least[x - 1] = (uint16_t)least(lo[0], least(lo[1], lo[2]));
        ret_greatest[x - 1] = (uint16_t)greatest(hi[0], greatest(hi[1], hi[2]));
    }
}

static inline void hold(size_t n_px, size_t scale, size_t sample_bytes, const uint16_t *lo,
                        const uint16_t *hi, void *alpha)
{
    for (size_t x = 0; x < n_px; x++)
        for (size_t i = x * scale; i < (x + 1) * scale; i++) {
            const unsigned v = greatest(lo[x], least(hi[x], get(alpha, i, sample_bytes)));
            if (sample_bytes == 1)
                ((uint8_t *)alpha)[i] = (uint8_t)v;
            else
                ((uint16_t *)alpha)[i] = (uint16_t)v;
        }
}

void fov_alpha_hold(const struct fov_alpha_row *k, int scale, const uint16_t *lo,
                    const uint16_t *hi, void *alpha)
{
    if (k->sample_bytes == 1)
        hold(k->n_px, (size_t)scale, 1, lo, hi, alpha);
    else
        hold(k->n_px, (size_t)scale, 2, lo, hi, alpha);
}

static inline void join(size_t n_px, size_t colour_bytes, size_t alpha_bytes, const uint8_t *colour,
                        const uint8_t *alpha, uint8_t *out)
{
    for (size_t x = 0; x < n_px; x++) {
        memcpy(out, colour, colour_bytes);
        memcpy(out + colour_bytes, alpha, alpha_bytes);
        out += colour_bytes + alpha_bytes;
        colour += colour_bytes;
        alpha += alpha_bytes;
    }
}

void fov_alpha_join(const struct fov_alpha_row *k, const void *colour, const void *alpha,
                    void *pixels)
{
    if (k->n_channels == 4 && k->sample_bytes == 1)
        join(k->n_px, 3, 1, colour, alpha, pixels);
    else if (k->n_channels == 4)
        join(k->n_px, 6, 2, colour, alpha, pixels);
    else if (k->sample_bytes == 1)
        join(k->n_px, 1, 1, colour, alpha, pixels);
    else
        join(k->n_px, 2, 2, colour, alpha, pixels);
}
