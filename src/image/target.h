/* SPDX-License-Identifier: Apache-2.0 */
/* target.h -- from the size that is wanted to a factor for the network and a resize after it. */
#ifndef FOV_IMAGE_TARGET_H
#define FOV_IMAGE_TARGET_H

#include <stdbool.h>

#include "base/err.h"

enum { FOV_FACTOR_AUTO = 0 };

/* What a result should be. Lengths are 0 where nothing was said. */
struct fov_target {
    int width_px, height_px; /* with both, `fit` says how */
    int min_side_px;         /* the shorter side has at least this */
    const char *fit;         /* "cover", "contain", "fill", "inside" or "outside"; NULL: cover */
    int factor;              /* 2, 3, 4, 1 for no network, or FOV_FACTOR_AUTO */
};

struct fov_target_plan {
    int factor;              /* for the network; 1: none */
    int width_px, height_px; /* for the resize after it; 0: none */
    const char *fit;
};

/* Plan for a picture of width x height: with FOV_FACTOR_AUTO the smallest of 2, 3 and 4 that
 * reaches the target, 4 where none does, 1 where the picture is large enough. A picture that has
 * min_side_px already stays as it is. */
void fov_target_plan(const struct fov_target *target, int width_px, int height_px,
                     struct fov_target_plan *ret_plan);

/* Read a size on paper, "20x30cm", "8x10in" or "100x150mm". Gives inches. FOV_EUSAGE. */
FOV_CHECKED enum fov_code fov_paper_parse(const char *text, double *ret_width_in,
                                          double *ret_height_in, struct fov_err *err);

/* The pixels of that paper at `dpi`, turned the way of a picture of width x height. FOV_ELIMIT for
 * more than a picture may have. */
FOV_CHECKED enum fov_code fov_paper_pixels(double width_in, double height_in, double dpi,
                                           int width_px, int height_px, int *ret_width_px,
                                           int *ret_height_px, struct fov_err *err);

#endif
