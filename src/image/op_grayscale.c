/* SPDX-License-Identifier: Apache-2.0 */
/* op_grayscale.c -- one channel of luminance.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "base/mem.h"
#include "image/chain.h"

enum fov_code fov__op_grayscale(struct fov_chain *c, const struct fov_op_grayscale *o,
                                struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *in = c->image->vips;
    VipsImage *out = NULL;
    (void)o;
    g_object_ref(in);
    if (in->Bands < 3)
        return FOV_OK;
    const int failed =
        fov__drop_profile(&in) || /* it is one of colours */
        vips_colourspace(in, &out,
                         in->BandFmt == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_GREY16
                                                           : VIPS_INTERPRETATION_B_W,
                         NULL);
    return fov__chain_set(c, failed, out, err);
}
