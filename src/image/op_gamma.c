/* SPDX-License-Identifier: Apache-2.0 */
/* op_gamma.c -- raise colours to the power 1 / gamma.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn; libvips raises to 1 / exponent */
static int to_power(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    return vips_gamma(in, ret_out, "exponent", *(const double *)parameters, NULL);
}

enum fov_code fov__op_gamma(struct fov_chain *c, const struct fov_op_gamma *o, struct fov_err *err)
{
    return fov__chain_colours(c, to_power, &o->gamma, err);
}
