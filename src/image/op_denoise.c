/* SPDX-License-Identifier: Apache-2.0 */
/* op_denoise.c -- the median of a square window, for each colour.
 *
 * libvips's fast path for 8 bits takes wrong pixels (libvips/libvips#4609, there until 8.17), so
 * that the samples go through it as 16 bits.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn */
static int median(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    const int size = *(const int *)parameters;
    VipsImage *wide = NULL;
    int failed = vips_cast_ushort(in, &wide, NULL);
    if (!failed) {
        failed = vips_rank(wide, ret_out, size, size, size * size / 2, NULL);
        g_object_unref(wide);
    }
    return failed;
}

enum fov_code fov__op_denoise(struct fov_chain *c, const struct fov_op_denoise *o,
                              struct fov_err *err)
{
    const VipsImage *const in = c->image->vips;
    if (o->size > in->Xsize || o->size > in->Ysize)
        return fov__op_fail(c, err, FOV_EFORMAT,
                            "a window of %d is larger than the picture, which is %dx%d there",
                            o->size, in->Xsize, in->Ysize);
    return fov__chain_colours(c, median, &o->size, err);
}
