/* SPDX-License-Identifier: Apache-2.0 */
/* op_extend.c -- add a border of one colour.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked; the sum is bounded here.
 */
#include "image/chain.h"

enum fov_code fov__op_extend(struct fov_chain *c, const struct fov_op_extend *o,
                             struct fov_err *err)
{
    const int64_t width = (int64_t)c->image->vips->Xsize + o->left_in_px + o->right_in_px;
    const int64_t height = (int64_t)c->image->vips->Ysize + o->top_in_px + o->bottom_in_px;
    VipsImage *out = NULL;
    enum fov_code rc;
    if ((rc = fov__chain_may_be(c, width, height, err)) ||
        (rc = fov__chain_allow(c, o->hex_color, err)))
        return rc;
    VipsImage *const in = c->image->vips;
    VipsArrayDouble *const ground = fov__ground(in, o->hex_color, in->Bands);
    const int failed = vips_embed(in, &out, o->left_in_px, o->top_in_px, (int)width, (int)height,
                                  "extend", VIPS_EXTEND_BACKGROUND, "background", ground, NULL);
    vips_area_unref(VIPS_AREA(ground));
    return fov__chain_set(c, failed, out, err);
}
