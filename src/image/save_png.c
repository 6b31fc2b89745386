/* SPDX-License-Identifier: Apache-2.0 */
/* save_png.c -- run a pipeline into a PNG: what libvips knows of a picture, for png.c.
 *
 * libvips hands out strips behind the pipeline's back, on a thread that waits for nothing but them:
 * encoding a strip overlaps with computing the next. What libvips's own writer keeps is kept:
 * profile, EXIF (which it writes twice), XMP, resolution, texts.
 *
 * Threads: rows arrive on one of libvips's. Owns: the writer. Trust: metadata comes from files.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "image/png.h"
#include "image/vimage.h"

static void close_png(struct fov_png **png)
{
    fov_png_close(*png);
}

/* A blob of the picture's metadata, or NULL. */
static const void *blob(VipsImage *image, const char *name, size_t *ret_bytes)
{
    const void *data = NULL;
    if (!vips_image_get_typeof(image, name) || vips_image_get_blob(image, name, &data, ret_bytes))
        return NULL;
    return data;
}

static bool put_resolution(struct fov_png *png, const VipsImage *image)
{
    const double x = rint(image->Xres * 1000), y = rint(image->Yres * 1000); /* libvips's: in mm */
    return image->Xres == FOV_NO_RESOLUTION ||
           !(x > 0 && x <= INT32_MAX && y > 0 && y <= INT32_MAX) ||
           fov_png_resolution(png, (uint32_t)x, (uint32_t)y);
}

static bool put_exif(struct fov_png *png, VipsImage *image)
{
    static const char jpeg_prefix[6] = "Exif\0"; /* not part of it in PNG */
    size_t n;
    const char *exif = blob(image, VIPS_META_EXIF_NAME, &n);
    if (!exif)
        return true;
    if (n >= sizeof(jpeg_prefix) && !memcmp(exif, jpeg_prefix, sizeof(jpeg_prefix))) {
        exif += sizeof(jpeg_prefix);
        n -= sizeof(jpeg_prefix);
    }
    return fov_png_exif(png, exif, n);
}

/* VipsImageMapFn: libvips keeps the texts of a PNG as "png-comment-NUMBER-KEYWORD", and says so
 * where it could not. */
static void *put_text(VipsImage *image, const char *name, GValue *value, void *png)
{
    static const char prefix[] = "png-comment-";
    const size_t n = sizeof(prefix) - 1;
    const char *text;
    (void)value;
    if (strncmp(name, prefix, n))
        return NULL;
    const char *const keyword = name + n + strspn(name + n, "0123456789");
    if (*keyword != '-' || vips_image_get_string(image, name, &text) ||
        !strcmp(text, "<invalid utf-8 string>"))
        return NULL;
    return fov_png_text(png, keyword + 1, text, strlen(text), false) ? NULL : png;
}

static bool put_metadata(struct fov_png *png, VipsImage *image)
{
    size_t n;
    const void *const icc = blob(image, VIPS_META_ICC_NAME, &n);
    if ((icc && !fov_png_profile(png, icc, n)) || !put_resolution(png, image) ||
        !put_exif(png, image))
        return false;
    const void *const xmp = blob(image, VIPS_META_XMP_NAME, &n);
    if (xmp && !fov_png_text(png, "XML:com.adobe.xmp", xmp, n, true))
        return false;
    return !vips_image_map(image, put_text, png);
}

/* VipsRegionWrite */
static int put_rows(VipsRegion *region, VipsRect *area, void *png)
{
    for (int y = area->top; y < area->top + area->height; y++)
        if (!fov_png_row(png, VIPS_REGION_ADDR(region, 0, y)))
            return -1;
    return 0;
}

enum fov_code fov__save_png(VipsImage *image, fov_png_write_fn *write, void *user)
{
    const struct fov_png_info info = {.width_px = image->Xsize,
                                      .height_px = image->Ysize,
                                      .n_channels = image->Bands,
                                      .n_bits = image->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8};
    FOV_AUTO(close_png) struct fov_png *png = fov_png_open(&info, write, user);
    if (!png)
        return FOV_ENOMEM;
    if (!fov_png_begin(png) || !put_metadata(png, image))
        return fov_png_no_memory(png) ? FOV_ENOMEM : FOV_EOUTPUT;
    if (vips_sink_disc(image, put_rows, png))
        return FOV_EFORMAT;
    if (!fov_png_end(png))
        return fov_png_no_memory(png) ? FOV_ENOMEM : FOV_EOUTPUT;
    return FOV_OK;
}
