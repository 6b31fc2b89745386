/* SPDX-License-Identifier: Apache-2.0 */
/* check.h -- how far the fast arithmetic of a network stays from its exact one. */
#ifndef FOV_JUDGE_CHECK_H
#define FOV_JUDGE_CHECK_H

#include "base/err.h"
#include "fovea/fovea.h"

/* What is promised of fast arithmetic, PSNR in dB against exact: 8-bit rounding alone is 59. */
#define FOV_FAST_DB 55.0

/* Enlarge the middle of the picture `path`, at most 256 pixels a side, or without a path a picture
 * made of waves, edges and noise, with both models, the same network opened by a fast and by an
 * exact engine, and compare the results: PSNR in dB over all samples in float32, white being 1.
 * Errors of loading and enlarging. */
FOV_CHECKED enum fov_code fov_check_fast(const char *path, struct fov_model *fast,
                                         struct fov_model *exact, double *ret_db,
                                         struct fov_err *err);

#endif
