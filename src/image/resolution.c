/* SPDX-License-Identifier: Apache-2.0 */
/* resolution.c -- what a file says of its resolution, where libvips does not look or makes one up.
 *
 * Threads: one a picture. Owns: nothing. Trust: every byte comes from a file.
 */
#include <string.h>

#include "image/exif.h"
#include "image/vimage.h"

enum fov_chunk fov__png_has(VipsSource *source, const char type[4])
{
    enum { LOOK = 1 << 18, BEGIN = 8, FRAME = 12 }; /* length, type and check sum of a chunk */
    unsigned char *p;
    const gint64 n = vips_source_sniff_at_most(source, &p, LOOK);
    for (gint64 at = BEGIN; at + FRAME <= n;) {
        if (!memcmp(p + at + 4, type, 4))
            return FOV_CHUNK_IS;
        if (!memcmp(p + at + 4, "IDAT", 4))
            return FOV_CHUNK_IS_NOT;
        at += FRAME + ((gint64)p[at] << 24 | p[at + 1] << 16 | p[at + 2] << 8 | p[at + 3]);
    }
    return FOV_CHUNK_UNKNOWN;
}

/* Of EXIF, in pixels per mm. */
static bool read_exif(VipsImage *image, double *ret_x, double *ret_y)
{
    static const char prefix[6] = "Exif\0";
    const void *data;
    size_t n;
    if (!vips_image_get_typeof(image, VIPS_META_EXIF_NAME) ||
        vips_image_get_blob(image, VIPS_META_EXIF_NAME, &data, &n))
        return false;
    const uint8_t *tiff = data;
    if (n >= sizeof(prefix) && !memcmp(tiff, prefix, sizeof(prefix))) {
        tiff += sizeof(prefix);
        n -= sizeof(prefix);
    }
    return fov_exif_resolution(tiff, n, ret_x, ret_y);
}

bool fov__bmp_resolution(VipsSource *source, double *ret_x, double *ret_y)
{
    enum { X = 38, Y = 42, END = 46, HEADER = 14, LEAST = 40 };
    const unsigned char *const h = vips_source_sniff(source, END);
    double both[2];
    if (!h || h[HEADER] < LEAST)
        return false;
    for (int i = 0; i < 2; i++) {
        const unsigned char *const at = h + (i ? Y : X);
        both[i] =
            (at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24) / 1e3;
    }
    *ret_x = both[0];
    *ret_y = both[1];
    return both[0] > 0 && both[0] < 1e6 && both[1] > 0 && both[1] < 1e6;
}

int fov__find_resolution(VipsImage **image, const struct fov__said *said)
{
    VipsImage *next = NULL;
    double x = said->x_px_per_mm, y = said->y_px_per_mm;
    if (!said->is_made_up && (*image)->Xres != FOV_NO_RESOLUTION)
        return 0;
    if (!(x > 0 && y > 0) && !read_exif(*image, &x, &y))
        x = y = FOV_NO_RESOLUTION;
    if (vips_copy(*image, &next, "xres", x, "yres", y, NULL))
        return -1;
    g_object_unref(*image);
    *image = next;
    return 0;
}
