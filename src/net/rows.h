/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h -- rows of samples as a caller has them, to and from rows of the engine. */
#ifndef FOV_NET_ROWS_H
#define FOV_NET_ROWS_H

#include "fovea/fovea.h"

size_t fov_sample_bytes(enum fov_sample sample);

/* The row or column that stands for number `i` of `n`: beyond the last they are mirrored at it. */
static inline int fov_mirrored(int i, int n)
{
    const int back = i < n ? i : 2 * (n - 1) - i;
    return back > 0 ? back : 0;
}

/* Write row `dy` of the `unshuffle` rows of `shape` that make one row of the network's input to
 * `dst`, `n_ch` floats a pixel: 0..1 minus the mean of its colour, grey in all three colours.
 * Colour c of column dx of a square is channel c * unshuffle^2 + dy * unshuffle + dx; other
 * channels are left alone; a width that is no multiple of `unshuffle` is filled up with the last
 * pixel. */
void fov_row_load(float *dst, size_t n_ch, const void *src, const struct fov_shape *shape,
                  const float mean[3], int unshuffle, int dy);

/* Write a row of the result, `src`, interleaved RGB, `scale` times as wide as `shape`, to `dst`.
 * Clamped to 0..1 and rounded to the nearest for integers; NaN becomes 0. Grey is the average of
 * the three colours. `src` is overwritten. */
void fov_row_store(void *dst, float *src, const struct fov_shape *shape, int scale);

#endif
