/* SPDX-License-Identifier: Apache-2.0 */
/* op_remove_transparency.c -- lay a picture on a colour.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

enum fov_code fov__op_remove_transparency(struct fov_chain *c,
                                          const struct fov_op_remove_transparency *o,
                                          struct fov_err *err)
{
    VipsImage *out = NULL;
    if (!fov__has_alpha(c->image->vips))
        return FOV_OK;
    const enum fov_code rc = fov__chain_allow(c, o->hex_color, err);
    if (rc)
        return rc;
    VipsImage *const in = c->image->vips;
    VipsArrayDouble *const ground = fov__ground(in, o->hex_color, in->Bands - 1);
    const int failed =
        vips_flatten(in, &out, "background", ground, "max_alpha", fov__top(in), NULL);
    vips_area_unref(VIPS_AREA(ground));
    return fov__chain_set(c, failed, out, err);
}
