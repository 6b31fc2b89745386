/* SPDX-License-Identifier: Apache-2.0 */
/* op_trim.c -- take off borders of one colour, that of the top left corner.
 *
 * A picture that is all border stays as it is: there is nothing that it would be cut down to.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "image/chain.h"

/* Where the picture is, seen on its own corner's colour. */
static int find(VipsImage *in, double threshold, int *left, int *top, int *width, int *height)
{
    double *corner = NULL;
    int n;
    if (vips_getpoint(in, &corner, &n, 0, 0, NULL))
        return -1;
    /* wholly transparent around: alpha tells the border */
    const bool clear = fov__has_alpha(in) && corner[n - 1] == 0;
    VipsImage *seen = NULL;
    int failed = 0;
    if (clear)
        failed = vips_extract_band(in, &seen, in->Bands - 1, NULL);
    else if (fov__has_alpha(in))
        failed = vips_extract_band(in, &seen, 0, "n", in->Bands - 1, NULL);
    else
        g_object_ref(seen = in);
    VipsArrayDouble *const ground = clear ? vips_array_double_newv(1, 0.0)
                                          : vips_array_double_new(corner, seen ? seen->Bands : 1);
    failed = failed || vips_find_trim(seen, left, top, width, height, "threshold",
                                      threshold * fov__top(in) / 255, "background", ground, NULL);
    vips_area_unref(VIPS_AREA(ground));
    g_free(corner);
    fov__unref_at(&seen);
    return failed;
}

enum fov_code fov__op_trim(struct fov_chain *c, const struct fov_op_trim *o, struct fov_err *err)
{
    int left, top, width, height;
    VipsImage *out = NULL;
    enum fov_code rc;
    if (c->options->dry_run) {
        c->outcome->is_size_known = false;
        return FOV_OK;
    }
    if ((rc = fov__chain_settle(c, err)))
        return rc;
    int failed = find(c->image->vips, o->threshold, &left, &top, &width, &height);
    if (!failed && (width == 0 || height == 0))
        return FOV_OK;
    failed = failed || vips_extract_area(c->image->vips, &out, left, top, width, height, NULL);
    return fov__chain_set(c, failed, out, err);
}
