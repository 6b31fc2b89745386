/* SPDX-License-Identifier: Apache-2.0 */
/* op_sharpen.c -- an unsharp mask on lightness, so that no colour fringes appear.
 *
 * L + (L - blurred L), held to what lies around by neither a threshold nor a limit: a light sigma
 * is what keeps it light. vips_sharpen() is not used because its mask is of whole numbers, which
 * for a sigma of 0.3 is 20:1 or nothing.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn, in Lab */
static int sharpen(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    enum { L, AB, BLURRED, TWICE, SHARP, N };
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);
    const int failed = vips_extract_band(in, &t[L], 0, NULL) ||
                       vips_extract_band(in, &t[AB], 1, "n", 2, NULL) ||
                       vips_gaussblur(t[L], &t[BLURRED], *(const double *)parameters, "precision",
                                      VIPS_PRECISION_FLOAT, "min_ampl", 0.001, NULL) ||
                       vips_linear1(t[L], &t[TWICE], 2, 0, NULL) ||
                       vips_subtract(t[TWICE], t[BLURRED], &t[SHARP], NULL) ||
                       vips_bandjoin2(t[SHARP], t[AB], ret_out, NULL);
    g_object_unref(scope);
    return failed;
}

enum fov_code fov__op_sharpen(struct fov_chain *c, const struct fov_op_sharpen *o,
                              struct fov_err *err)
{
    return fov__chain_colours_in(c, VIPS_INTERPRETATION_LAB, sharpen, &o->sigma, err);
}
