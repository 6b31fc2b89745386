/* SPDX-License-Identifier: Apache-2.0 */
/* op_smart_crop.c -- cut out the part that draws the eye, as libvips's attention search finds it:
 * where edges, skin tones and strong colours are.
 *
 * Threads: libvips's. Owns: nothing. Trust: the part may be larger than the picture.
 */
#include "image/chain.h"

enum fov_code fov__chain_smart_crop(struct fov_chain *c, int width_px, int height_px,
                                    struct fov_err *err)
{
    const VipsImage *const in = c->image->vips;
    VipsImage *out = NULL;
    enum fov_code rc;
    if (width_px > in->Xsize || height_px > in->Ysize)
        return fov__op_fail(c, err, FOV_EFORMAT,
                            "%dx%d is larger than the picture, which is %dx%d there", width_px,
                            height_px, in->Xsize, in->Ysize);
    if (width_px == in->Xsize && height_px == in->Ysize)
        return FOV_OK;
    if ((rc = fov__chain_settle(c, err)))
        return rc;
    const VipsInteresting how =
        c->options->dry_run ? VIPS_INTERESTING_CENTRE : VIPS_INTERESTING_ATTENTION;
    const int failed =
        vips_smartcrop(c->image->vips, &out, width_px, height_px, "interesting", how, NULL);
    return fov__chain_set(c, failed, out, err);
}

enum fov_code fov__op_smart_crop(struct fov_chain *c, const struct fov_op_smart_crop *o,
                                 struct fov_err *err)
{
    return fov__chain_smart_crop(c, o->width_in_px, o->height_in_px, err);
}
