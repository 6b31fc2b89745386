/* SPDX-License-Identifier: Apache-2.0 */
/* op_flip.c -- mirror top to bottom.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "image/chain.h"

enum fov_code fov__op_flip(struct fov_chain *c, const struct fov_op_flip *o, struct fov_err *err)
{
    VipsImage *out = NULL;
    (void)o;
    const enum fov_code rc = fov__chain_settle(c, err); /* the last row comes first */
    if (rc)
        return rc;
    const int failed = vips_flip(c->image->vips, &out, VIPS_DIRECTION_VERTICAL, NULL);
    return fov__chain_set(c, failed, out, err);
}
