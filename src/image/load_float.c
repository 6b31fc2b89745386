/* SPDX-License-Identifier: Apache-2.0 */
/* load_float.c -- pictures of floating-point samples, which TIFF may hold.
 *
 * Nothing in a file says what the numbers mean. Colours from 0 to 1 are taken for linear light, as
 * libvips takes them; grey from 0 to 1 is spread over 16 bits as it is, since that is mostly
 * heights or depths. Others would come out black or white, and are refused.
 *
 * Threads: one a picture. Owns: nothing. Trust: the samples are a stranger's.
 */
#include "image/vimage.h"

/* Highlights may be brighter than white. */
static const double most = 16;

static bool is_float(const VipsImage *image)
{
    return image->BandFmt == VIPS_FORMAT_FLOAT || image->BandFmt == VIPS_FORMAT_DOUBLE;
}

/* Spaces with numbers of their own, in which 100 is white, or a degree, are libvips's business. */
static bool is_plain(const VipsImage *image)
{
    switch (vips_image_guess_interpretation(image)) {
    case VIPS_INTERPRETATION_MULTIBAND:
    case VIPS_INTERPRETATION_B_W:
    case VIPS_INTERPRETATION_GREY16:
    case VIPS_INTERPRETATION_RGB:
    case VIPS_INTERPRETATION_sRGB:
    case VIPS_INTERPRETATION_RGB16:
    case VIPS_INTERPRETATION_scRGB:
        return true;
    default:
        return false;
    }
}

static int check_range(VipsImage **image)
{
    double low, high;
    if (fov__make_random(image) || vips_min(*image, &low, NULL) || vips_max(*image, &high, NULL))
        return -1;
    if (high <= most && low >= -most)
        return 0;
    vips_error("samples", "floating-point numbers from %g to %g; 0 to 1 are read", low, high);
    return -1;
}

int fov__read_floats(VipsImage **image, bool header_only)
{
    VipsImage *next[3] = {NULL, NULL, NULL};
    if (!is_float(*image) || !is_plain(*image))
        return 0;
    if (!header_only && check_range(image))
        return -1;
    if ((*image)->Bands > 2) {
        if (vips_cast(*image, &next[0], VIPS_FORMAT_FLOAT, NULL) ||
            vips_copy(next[0], &next[2], "interpretation", VIPS_INTERPRETATION_scRGB, NULL)) {
            fov__unref_at(&next[0]);
            return -1;
        }
    } else if (vips_linear1(*image, &next[0], 65535, 0.5, NULL) ||
               vips_cast(next[0], &next[1], VIPS_FORMAT_USHORT, NULL) ||
               vips_copy(next[1], &next[2], "interpretation", VIPS_INTERPRETATION_GREY16, NULL)) {
        fov__unref_at(&next[0]);
        fov__unref_at(&next[1]);
        return -1;
    }
    fov__unref_at(&next[0]);
    fov__unref_at(&next[1]);
    g_object_unref(*image);
    *image = next[2];
    return 0;
}
