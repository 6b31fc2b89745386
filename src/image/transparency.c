/* SPDX-License-Identifier: Apache-2.0 */
/* transparency.c -- a colour for pixels that nobody sees.
 *
 * Colour behind transparency is often arbitrary (bright green, black), and whatever mixes
 * neighbouring pixels, a network or a filter, would draw it into the visible edge. So wholly
 * transparent pixels get the colour of the visible ones around them: the blurred colour, each pixel
 * weighted by its alpha, over the blurred alpha, some ten pixels far. Why not premultiply:
 * docs/decisions/0003-transparency.md.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "image/vimage.h"

int fov__fill_transparent(VipsImage *in, VipsImage **ret_image)
{
    enum {
        ALPHA = 1,
        COLOUR,
        WEIGHTED,
        ALPHA_BLUR,
        COLOUR_BLUR,
        DIVISOR,
        FILL,
        SEEN,
        MIXED,
        CAST,
        N
    };
    const double sigma = 3, top = in->BandFmt == VIPS_FORMAT_USHORT ? 65535 : 255;
    const int colours = in->Bands - 1;
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);

    const int failed =
        vips_extract_band(in, &t[ALPHA], colours, NULL) ||
        vips_extract_band(in, &t[COLOUR], 0, "n", colours, NULL) ||
        vips_multiply(t[COLOUR], t[ALPHA], &t[WEIGHTED], NULL) ||
        vips_gaussblur(t[WEIGHTED], &t[COLOUR_BLUR], sigma, "min_ampl", 0.01, "precision",
                       VIPS_PRECISION_FLOAT, NULL) ||
        vips_gaussblur(t[ALPHA], &t[ALPHA_BLUR], sigma, "min_ampl", 0.01, "precision",
                       VIPS_PRECISION_FLOAT, NULL) ||
        /* where nothing is near, the colour has no meaning: any finite one will do */
        vips_linear1(t[ALPHA_BLUR], &t[DIVISOR], 1, top * 1e-6, NULL) ||
        vips_divide(t[COLOUR_BLUR], t[DIVISOR], &t[FILL], NULL) ||
        vips_moreeq_const1(t[ALPHA], &t[SEEN], 1, NULL) ||
        vips_ifthenelse(t[SEEN], t[COLOUR], t[FILL], &t[MIXED], NULL) ||
        vips_cast(t[MIXED], &t[CAST], in->BandFmt, NULL) ||
        vips_bandjoin2(t[CAST], t[ALPHA], ret_image, NULL);
    g_object_unref(scope);
    if (!failed)
        (*ret_image)->Type = in->Type;
    return failed;
}
