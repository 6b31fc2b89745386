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

/* Highlights may be brighter than white, where that has a meaning. */
static const double most_light = 16, most_grey = 1.001;

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
    const double most = (*image)->Bands > 2 ? most_light : most_grey;
    if (high <= most && low >= -most)
        return 0;
    vips_error("samples", "floating-point numbers from %g to %g; 0 to 1 are read", low, high);
    return -1;
}

/* Linear light to sRGB of 16 bits; alpha, from 0 to 1 too, is only spread. */
static int colours(VipsObject *scope, VipsImage *in, VipsImage **ret_out)
{
    enum { FLOAT, THREE, LIGHT, SRGB, ALPHA, SPREAD, WHOLE, N };
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);
    if (vips_cast(in, &t[FLOAT], VIPS_FORMAT_FLOAT, NULL) ||
        vips_extract_band(t[FLOAT], &t[THREE], 0, "n", 3, NULL) ||
        vips_copy(t[THREE], &t[LIGHT], "interpretation", VIPS_INTERPRETATION_scRGB, NULL) ||
        vips_colourspace(t[LIGHT], &t[SRGB], VIPS_INTERPRETATION_RGB16, NULL))
        return -1;
    if (in->Bands == 3)
        return vips_copy(t[SRGB], ret_out, NULL);
    return vips_extract_band(t[FLOAT], &t[ALPHA], 3, NULL) ||
           vips_linear1(t[ALPHA], &t[SPREAD], 65535, 0.5, NULL) ||
           vips_cast(t[SPREAD], &t[WHOLE], VIPS_FORMAT_USHORT, NULL) ||
           vips_bandjoin2(t[SRGB], t[WHOLE], ret_out, NULL);
}

static int greys(VipsObject *scope, VipsImage *in, VipsImage **ret_out)
{
    enum { SPREAD, WHOLE, N };
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);
    return vips_linear1(in, &t[SPREAD], 65535, 0.5, NULL) ||
           vips_cast(t[SPREAD], &t[WHOLE], VIPS_FORMAT_USHORT, NULL) ||
           vips_copy(t[WHOLE], ret_out, "interpretation", VIPS_INTERPRETATION_GREY16, NULL);
}

int fov__read_floats(VipsImage **image, bool header_only)
{
    VipsImage *out = NULL;
    if (!is_float(*image) || !is_plain(*image) || (*image)->Bands > 4)
        return 0;
    if (!header_only && check_range(image))
        return -1;
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    const int failed =
        (*image)->Bands > 2 ? colours(scope, *image, &out) : greys(scope, *image, &out);
    g_object_unref(scope);
    if (failed)
        return -1;
    g_object_unref(*image);
    *image = out;
    return 0;
}
