/* SPDX-License-Identifier: Apache-2.0 */
/* op_threshold.c -- each sample black or white.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn: 255 from the value on, or 65535 */
static int threshold(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    const double value = *(const int *)parameters * fov__top(in) / 255;
    VipsImage *mask = NULL;
    int failed = vips_moreeq_const1(in, &mask, value, NULL);
    if (!failed) {
        failed = vips_linear1(mask, ret_out, fov__top(in) / 255, 0, NULL);
        g_object_unref(mask);
    }
    return failed;
}

enum fov_code fov__op_threshold(struct fov_chain *c, const struct fov_op_threshold *o,
                                struct fov_err *err)
{
    const struct fov_op_grayscale none = {};
    const enum fov_code rc = o->is_grayscale ? fov__op_grayscale(c, &none, err) : FOV_OK;
    return rc ? rc : fov__chain_colours(c, threshold, &o->value, err);
}
