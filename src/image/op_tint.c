/* SPDX-License-Identifier: Apache-2.0 */
/* op_tint.c -- every pixel gets the a and b of a colour, in CIE Lab, and keeps its lightness.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn, in Lab */
static int tint(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    const int colour = *(const int *)parameters;
    const double rgb[] = {colour >> 16, colour >> 8 & 255, colour & 255};
    double *lab = NULL;
    int n;
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, 4);
    int failed = !(t[0] = vips_image_new_matrix_from_array(3, 1, rgb, 3)) ||
                 vips_bandfold(t[0], &t[1], NULL) ||
                 vips_colourspace(t[1], &t[2], VIPS_INTERPRETATION_LAB, "source_space",
                                  VIPS_INTERPRETATION_sRGB, NULL) ||
                 vips_getpoint(t[2], &lab, &n, 0, 0, NULL);
    if (!failed) {
        const double a[] = {1, 0, 0}, b[] = {0, lab[1], lab[2]};
        failed = vips_linear(in, ret_out, a, b, 3, NULL);
    }
    g_free(lab);
    g_object_unref(scope);
    return failed;
}

enum fov_code fov__op_tint(struct fov_chain *c, const struct fov_op_tint *o, struct fov_err *err)
{
    const enum fov_code rc = fov__chain_allow(c, o->hex_color, err);
    return rc ? rc : fov__chain_colours_in(c, VIPS_INTERPRETATION_LAB, tint, &o->hex_color, err);
}
