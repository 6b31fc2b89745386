/* SPDX-License-Identifier: Apache-2.0 */
/* front.h -- tell what stands in front from whatever is behind it, by a network. */
#ifndef FOV_IMAGE_FRONT_H
#define FOV_IMAGE_FRONT_H

#include <stdint.h>

#include "net/u2net.h"

/* Run `net` on width x height pixels of 8 bits. Writes to `alpha`, one byte a pixel, 0 for what is
 * behind to 255 for what is in front. It is as fine as 320x320 pixels are. FOV_EFORMAT when
 * nothing is in front; FOV_EMODEL, FOV_ENOMEM, FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov_front(struct fov_u2net *net, const uint8_t *rgb, int width_px,
                                    int height_px, uint8_t *alpha, struct fov_err *err);

#endif
