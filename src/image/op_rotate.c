/* SPDX-License-Identifier: Apache-2.0 */
/* op_rotate.c -- turn clockwise: by right angles without a loss, by others with bicubic.
 *
 * libvips weights colours by alpha itself there.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include <math.h>

#include "image/chain.h"

enum fov_code fov__op_rotate(struct fov_chain *c, const struct fov_op_rotate *o,
                             struct fov_err *err)
{
    const double angle = fmod(fmod(o->angle_in_degrees, 360) + 360, 360);
    VipsImage *out = NULL;
    enum fov_code rc = fov__chain_settle(c, err);
    if (rc)
        return rc;
    if (fmod(angle, 90) == 0) {
        const int failed = vips_rot(c->image->vips, &out, (VipsAngle)((int)angle / 90), NULL);
        return fov__chain_set(c, failed, out, err);
    }
    if ((rc = fov__chain_allow(c, o->hex_color, err)))
        return rc;
    VipsImage *const in = c->image->vips;
    VipsArrayDouble *const ground = fov__ground(in, o->hex_color, in->Bands);
    VipsInterpolate *const bicubic = vips_interpolate_new("bicubic");
    const int failed = vips_similarity(in, &out, "angle", angle, "background", ground,
                                       "interpolate", bicubic, NULL);
    g_object_unref(bicubic);
    vips_area_unref(VIPS_AREA(ground));
    return fov__chain_set(c, failed, out, err);
}
