/* SPDX-License-Identifier: Apache-2.0 */
/* op_invert_colors.c -- a negative.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "image/chain.h"

/* fov__vips_fn */
static int invert(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    (void)parameters;
    return vips_invert(in, ret_out, NULL);
}

enum fov_code fov__op_invert_colors(struct fov_chain *c, const struct fov_op_invert_colors *o,
                                    struct fov_err *err)
{
    return fov__chain_colours(c, invert, o, err);
}
