/* SPDX-License-Identifier: Apache-2.0 */
/* op_resize.c -- bring a picture to a size, in one of five ways.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include <limits.h>
#include <math.h>

#include "image/chain.h"

enum { COVER, CONTAIN, FILL, INSIDE, OUTSIDE }; /* as ops.def has them */
enum { CENTER, SMART };

static int at_least_1(double length)
{
    return length < 1 ? 1 : length < INT_MAX ? (int)lround(length) : INT_MAX;
}

/* Black around a picture, so that it lies in the middle of width x height. */
static enum fov_code pad(struct fov_chain *c, int width, int height, struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    VipsImage *out = NULL;
    VipsArrayDouble *const black = fov__ground(in, 0x000000, in->Bands);
    const int failed =
        vips_embed(in, &out, (width - in->Xsize) / 2, (height - in->Ysize) / 2, width, height,
                   "extend", VIPS_EXTEND_BACKGROUND, "background", black, NULL);
    vips_area_unref(VIPS_AREA(black));
    return fov__chain_set(c, failed, out, err);
}

static enum fov_code cut(struct fov_chain *c, int width, int height, int position,
                         struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    VipsImage *out = NULL;
    if (position == SMART)
        return fov__chain_smart_crop(c, width, height, err);
    if (in->Xsize == width && in->Ysize == height)
        return FOV_OK;
    const int failed = vips_extract_area(in, &out, (in->Xsize - width) / 2,
                                         (in->Ysize - height) / 2, width, height, NULL);
    return fov__chain_set(c, failed, out, err);
}

double fov__resize_scale(const struct fov_op_resize *o, double width, double height)
{
    const double across = o->width_in_px / width, down = o->height_in_px / height;
    const bool to_fit = o->fit == CONTAIN || o->fit == INSIDE;
    const double scale = to_fit ? fmin(across, down) : fmax(across, down);
    const bool stays = (o->fit == INSIDE && scale >= 1) || (o->fit == OUTSIDE && scale <= 1);
    return stays ? 1 : scale;
}

enum fov_code fov__op_resize(struct fov_chain *c, const struct fov_op_resize *o,
                             struct fov_err *err)
{
    const double w = c->image->vips->Xsize, h = c->image->vips->Ysize;
    const double across = o->width_in_px / w, down = o->height_in_px / h;
    const bool to_fit = o->fit == CONTAIN || o->fit == INSIDE;
    const double scale = fov__resize_scale(o, w, h);
    int width = at_least_1(w * scale), height = at_least_1(h * scale);
    enum fov_code rc;

    if ((rc = fov__chain_may_be(c, o->width_in_px, o->height_in_px, err)))
        return rc; /* outside, one side may become larger still */
    if (o->fit == FILL)
        return fov__chain_resize(c, o->width_in_px, o->height_in_px, err);
    if ((o->fit == INSIDE || o->fit == OUTSIDE) && scale == 1)
        return FOV_OK;
    /* the side that decides is exact, whatever was rounded */
    if (to_fit ? across <= down : across >= down)
        width = o->width_in_px;
    if (to_fit ? down <= across : down >= across)
        height = o->height_in_px;
    if ((rc = fov__chain_resize(c, width, height, err)))
        return rc;
    if (o->fit == COVER)
        return cut(c, o->width_in_px, o->height_in_px, o->position, err);
    return o->fit == CONTAIN ? pad(c, o->width_in_px, o->height_in_px, err) : FOV_OK;
}
