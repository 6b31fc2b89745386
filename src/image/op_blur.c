/* SPDX-License-Identifier: Apache-2.0 */
/* op_blur.c -- blur by a Gaussian, colours weighted by alpha.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn */
static int blur(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    return vips_gaussblur(in, ret_out, *(const double *)parameters, "precision",
                          VIPS_PRECISION_FLOAT, "min_ampl", 0.01, NULL);
}

enum fov_code fov__op_blur(struct fov_chain *c, const struct fov_op_blur *o, struct fov_err *err)
{
    return fov__chain_premultiplied(c, blur, &o->sigma, err);
}
