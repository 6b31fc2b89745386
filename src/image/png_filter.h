/* SPDX-License-Identifier: Apache-2.0 */
/* png_filter.h -- the five filters of PNG, and which suits a row. */
#ifndef FOV_IMAGE_PNG_FILTER_H
#define FOV_IMAGE_PNG_FILTER_H

#include <stddef.h>
#include <stdint.h>

enum fov_png_filter {
    FOV_PNG_NONE,
    FOV_PNG_SUB,
    FOV_PNG_UP,
    FOV_PNG_AVERAGE,
    FOV_PNG_PAETH,
    FOV_PNG_N_FILTERS
};

/* Bytes before `row` and `above` that are read, and must be zero: a pixel. */
#define FOV_PNG_MARGIN 8

/* The filter that leaves least of `row`, n bytes under the row `above`: the sum of what is left,
 * as signed bytes, without their sign. */
enum fov_png_filter fov_png_choose(const uint8_t *row, const uint8_t *above, size_t n,
                                   size_t pixel_bytes);

/* Write to `out` what the filter leaves. */
void fov_png_apply(enum fov_png_filter filter, const uint8_t *row, const uint8_t *above, size_t n,
                   size_t pixel_bytes, uint8_t *out);

#endif
