/* SPDX-License-Identifier: Apache-2.0 */
/* op_flop.c -- mirror left to right.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "image/chain.h"

enum fov_code fov__op_flop(struct fov_chain *c, const struct fov_op_flop *o, struct fov_err *err)
{
    VipsImage *out = NULL;
    (void)o;
    const int failed = vips_flip(c->image->vips, &out, VIPS_DIRECTION_HORIZONTAL, NULL);
    return fov__chain_set(c, failed, out, err);
}
