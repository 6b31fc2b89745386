/* SPDX-License-Identifier: Apache-2.0 */
/* op_crop.c -- cut out a rectangle.
 *
 * Threads: libvips's. Owns: nothing. Trust: the rectangle may lie anywhere.
 */
#include "image/chain.h"

enum fov_code fov__op_crop(struct fov_chain *c, const struct fov_op_crop *o, struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    VipsImage *out = NULL;
    if ((int64_t)o->left_in_px + o->width_in_px > in->Xsize ||
        (int64_t)o->top_in_px + o->height_in_px > in->Ysize)
        return fov__op_fail(
            c, err, FOV_EFORMAT, "%dx%d at %d, %d reaches beyond the picture, which is %dx%d there",
            o->width_in_px, o->height_in_px, o->left_in_px, o->top_in_px, in->Xsize, in->Ysize);
    const int failed = vips_extract_area(in, &out, o->left_in_px, o->top_in_px, o->width_in_px,
                                         o->height_in_px, NULL);
    return fov__chain_set(c, failed, out, err);
}
