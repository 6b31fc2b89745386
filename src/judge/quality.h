/* SPDX-License-Identifier: Apache-2.0 */
/* quality.h -- how close a picture is to the one it should be: PSNR and SSIM on luma.
 *
 * The definition of the super-resolution benchmarks: luma of ITU-R BT.601 in studio range
 * (16..235), as MATLAB's rgb2ycbcr gives it, not rounded; `border` pixels on every side left out.
 */
#ifndef FOV_JUDGE_QUALITY_H
#define FOV_JUDGE_QUALITY_H

#include <stdint.h>

#include "base/err.h"

/* Peak signal-to-noise ratio in dB of two 8-bit RGB pictures of the same size. FOV_EUSAGE when no
 * pixel is left inside the border. */
FOV_CHECKED enum fov_code fov_psnr_luma(const uint8_t *a, const uint8_t *b, int width, int height,
                                        int border, double *ret_db, struct fov_err *err);

/* Mean structural similarity with an 11-tap Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03
 * (Wang et al. 2004), over the positions where the window fits. FOV_EUSAGE when it fits nowhere,
 * FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_ssim_luma(const uint8_t *a, const uint8_t *b, int width, int height,
                                        int border, double *ret_ssim, struct fov_err *err);

#endif
