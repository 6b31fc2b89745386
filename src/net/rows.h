/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h -- rows of samples as a caller has them, to and from rows of the engine. */
#ifndef FOV_NET_ROWS_H
#define FOV_NET_ROWS_H

#include "fovea/fovea.h"

size_t fov_sample_bytes(enum fov_sample sample);

/* Write one row of `shape` to `dst`, FOV_INPUT_CHANNELS floats a pixel: 0..1 minus `mean`, grey in
 * all three colours, the fourth channel left alone. */
void fov_row_load(float *dst, const void *src, const struct fov_shape *shape, float mean);

/* Write row `dy` (0..scale-1) of the `scale` rows of the result that belong to one input row:
 * pixel shuffle of `src` (n_ch floats a pixel, colour c at c * scale^2 + dy * scale + dx) plus the
 * pixel of `base` (as fov_row_load() made it) plus `mean`. Clamped to 0..1 and rounded to the
 * nearest for integers; NaN becomes 0. Grey is the average of the three colours. */
void fov_row_store(void *dst, const float *src, size_t n_ch, const float *base,
                   const struct fov_shape *shape, int scale, int dy, float mean);

#endif
