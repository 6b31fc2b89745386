/* SPDX-License-Identifier: Apache-2.0 */
/* op_opacity.c -- more transparent; alpha appears where there was none.
 *
 * Threads: libvips's. Owns: nothing. Trust: parameters were checked.
 */
#include "image/chain.h"

enum fov_code fov__op_opacity(struct fov_chain *c, const struct fov_op_opacity *o,
                              struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, 3);
    double a[4] = {1, 1, 1, 1}, b[4] = {0};
    VipsImage *out = NULL;
    int failed = 0;

    if (fov__has_alpha(in))
        g_object_ref(t[0] = in);
    else
        failed = vips_bandjoin_const1(in, &t[0], fov__top(in), NULL);
    if (!failed) {
        a[t[0]->Bands - 1] = o->opacity_in_percent / 100;
        failed = vips_linear(t[0], &t[1], a, b, t[0]->Bands, NULL) ||
                 vips_rint(t[1], &t[2], NULL) || vips_cast(t[2], &out, in->BandFmt, NULL);
    }
    g_object_unref(scope);
    if (!failed)
        out->Type = in->Type;
    return fov__chain_set(c, failed, out, err);
}
