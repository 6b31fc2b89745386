/* SPDX-License-Identifier: Apache-2.0 */
/* exif.h -- bring a block of EXIF up to date. */
#ifndef FOV_IMAGE_EXIF_H
#define FOV_IMAGE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* Let the EXIF at `tiff` (from its TIFF header on) say that the picture is upright and has this
 * size, where it says anything about that. All else stays, byte for byte. */
void fov_exif_update(uint8_t *tiff, size_t n, uint32_t width_px, uint32_t height_px);

#endif
