/* SPDX-License-Identifier: Apache-2.0 */
/* matte.h -- tell a thing from the even ground that it was photographed on. */
#ifndef FOV_IMAGE_MATTE_H
#define FOV_IMAGE_MATTE_H

#include <stdint.h>

#include "base/err.h"

enum { FOV_MATTE_LEAST_SIDE = 8 };

/* Find what stands on an even ground: `rgb` are width x height pixels of 8 bits, each side at least
 * FOV_MATTE_LEAST_SIDE. Writes to `alpha`, one byte a pixel, 0 for the ground, 255 for the thing
 * and what is between at its edge, and takes the ground's colour out of `rgb` there. Ground that
 * the thing surrounds stays. Memory: 2 bytes a pixel, and more for a ground with many arms.
 * FOV_EFORMAT when the border has no even colour, or nothing stands out from it; FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_matte(uint8_t *rgb, int width_px, int height_px, uint8_t *alpha,
                                    struct fov_err *err);

#endif
