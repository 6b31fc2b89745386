/* SPDX-License-Identifier: Apache-2.0 */
/* alpha.h -- rows of pixels whose last channel is alpha: look at it, hold it, put it back. */
#ifndef FOV_IMAGE_ALPHA_H
#define FOV_IMAGE_ALPHA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A row of n_px pixels of n_channels, alpha the last, 8 or 16 bits a sample. */
struct fov_alpha_row {
    size_t n_px, n_channels, sample_bytes;
};

/* Is every pixel wholly opaque? */
bool fov_alpha_is_opaque(const struct fov_alpha_row *k, const void *row);

/* The least and the greatest alpha of the pixels around each pixel of `row`; the rows above and
 * below may be `row` itself. */
void fov_alpha_limits(const struct fov_alpha_row *k, const void *above, const void *row,
                      const void *below, uint16_t *ret_least, uint16_t *ret_greatest);

/* Hold the `scale` samples of `alpha` that belong to each pixel within its limits. */
void fov_alpha_hold(const struct fov_alpha_row *k, int scale, const uint16_t *lo,
                    const uint16_t *hi, void *alpha);

/* Pixels out of their colour and their alpha; `k` describes the pixels. */
void fov_alpha_join(const struct fov_alpha_row *k, const void *colour, const void *alpha,
                    void *pixels);

#endif
