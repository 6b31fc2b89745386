/* SPDX-License-Identifier: Apache-2.0 */
/* exif.h -- bring a block of EXIF up to date. */
#ifndef FOV_IMAGE_EXIF_H
#define FOV_IMAGE_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fov_exif_facts {
    uint32_t width_px, height_px;
    uint32_t x_px_per_m, y_px_per_m; /* 0: not known, and what is said of it stays */
};

/* Let the EXIF at `tiff` (from its TIFF header on) say that the picture is upright and has this
 * size and resolution, where it says anything about that. All else stays, byte for byte. */
void fov_exif_update(uint8_t *tiff, size_t n, const struct fov_exif_facts *facts);

/* What it says of its resolution, in pixels per mm. False: nothing, or 72 pixels to the inch, which
 * stand where it is not known (EXIF 2.32, XResolution). */
bool fov_exif_resolution(const uint8_t *tiff, size_t n, double *ret_x, double *ret_y);

/* Take out the small copy of the picture that cameras put in, which shows what it was. Its bytes
 * become 0, or are cut off where they are the last. Says how many remain. */
size_t fov_exif_drop_thumbnail(uint8_t *tiff, size_t n);

#endif
