/* SPDX-License-Identifier: Apache-2.0 */
/* eval.h -- how well a network restores a picture that was shrunk. */
#ifndef FOV_JUDGE_EVAL_H
#define FOV_JUDGE_EVAL_H

#include "fovea/fovea.h"
#include "image/image.h"

/* The systems that are compared: classical ones, and the network. */
enum { FOV_EVAL_BICUBIC, FOV_EVAL_LANCZOS, FOV_EVAL_MODEL, FOV_EVAL_N };

struct fov_score {
    double psnr_db, ssim;
};

/* Crop the picture `path` to multiples of `scale`, shrink it by antialiased bicubic, make a JPEG of
 * quality `jpeg` of that unless it is 0, enlarge it again with each system and compare, `scale`
 * pixels at the borders left out: the benchmarks' procedure. Errors of loading, enlarging and
 * comparing. */
FOV_CHECKED enum fov_code fov_eval_picture(const char *path, struct fov_model *model, int scale,
                                           int jpeg, struct fov_score ret_scores[FOV_EVAL_N],
                                           struct fov_err *err);

#endif
