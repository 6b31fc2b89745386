/* SPDX-License-Identifier: Apache-2.0 */
/* op_resolution.c -- say how large a picture prints.
 *
 * Threads: any. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

enum fov_code fov__op_resolution(struct fov_chain *c, const struct fov_op_resolution *o,
                                 struct fov_err *err)
{
    const double per_mm = o->dpi / 25.4;
    VipsImage *out = NULL;
    const int failed = vips_copy(c->image->vips, &out, "xres", per_mm, "yres", per_mm, NULL);
    if (!failed)
        vips_image_set_string(out, VIPS_META_RESOLUTION_UNIT, "in");
    return fov__chain_set(c, failed, out, err);
}
