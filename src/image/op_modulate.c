/* SPDX-License-Identifier: Apache-2.0 */
/* op_modulate.c -- lightness, chroma and hue, in CIE LCh.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

/* fov__vips_fn, in LCh */
static int modulate(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    const struct fov_op_modulate *const o = parameters;
    const double a[] = {o->brightness < 0 ? 1 : o->brightness,
                        o->saturation < 0 ? 1 : o->saturation, 1};
    const double b[] = {0, 0, o->hue == FOV_NONE ? 0 : o->hue};
    return vips_linear(in, ret_out, a, b, 3, NULL);
}

enum fov_code fov__op_modulate(struct fov_chain *c, const struct fov_op_modulate *o,
                               struct fov_err *err)
{
    if (o->brightness < 0 && o->saturation < 0 && o->hue == FOV_NONE)
        return fov__op_fail(c, err, FOV_EUSAGE,
                            "at least one of brightness, saturation and hue is needed");
    return fov__chain_colours_in(c, VIPS_INTERPRETATION_LCH, modulate, o, err);
}
