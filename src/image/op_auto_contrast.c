/* SPDX-License-Identifier: Apache-2.0 */
/* op_auto_contrast.c -- stretch lightness to its full range, a hundredth at each end left out.
 *
 * In CIE Lab, so that colours keep their hue. The ends are found in a histogram of all pixels,
 * those that are wholly transparent left out; a picture of one lightness stays as it is.
 *
 * Threads: libvips's. Owns: nothing. Trust: pixels only.
 */
#include "base/mem.h"
#include "image/chain.h"

enum { STEPS = 1000 }; /* of L, 0 to 100 */

struct ends {
    double low, high;
};

/* How many pixels have each step of lightness, as a row of numbers; behind the last, STEPS, those
 * that are wholly transparent. */
static int histogram(VipsImage *in, VipsImage **ret_counts)
{
    enum { LAB, L, STEP, WHOLE, ALPHA, CLEAR, NONE, EITHER, SEEN, N };
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);
    int failed = vips_colourspace(in, &t[LAB], VIPS_INTERPRETATION_LAB, NULL) ||
                 vips_extract_band(t[LAB], &t[L], 0, NULL) ||
                 vips_linear1(t[L], &t[STEP], STEPS / 100.0, 0.5, NULL) ||
                 vips_cast(t[STEP], &t[WHOLE], VIPS_FORMAT_USHORT, NULL);
    const bool has_alpha = in->Bands % 2 == 0;
    if (!failed && has_alpha)
        failed = vips_extract_band(in, &t[ALPHA], in->Bands - 1, NULL) ||
                 vips_equal_const1(t[ALPHA], &t[CLEAR], 0, NULL) ||
                 vips_linear1(t[WHOLE], &t[NONE], 0, STEPS + 1, NULL) ||
                 vips_ifthenelse(t[CLEAR], t[NONE], t[WHOLE], &t[EITHER], NULL) ||
                 vips_cast(t[EITHER], &t[SEEN], VIPS_FORMAT_USHORT, NULL);
    failed = failed || vips_hist_find(has_alpha ? t[SEEN] : t[WHOLE], ret_counts, NULL);
    g_object_unref(scope);
    return failed;
}

static int find_ends(VipsImage *in, struct ends *ret_ends)
{
    FOV_AUTO(fov__unref_at) VipsImage *counts = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *memory = NULL;
    if (histogram(in, &counts) || !(memory = vips_image_copy_memory(counts)))
        return -1;
    const uint32_t *const n = (const uint32_t *)VIPS_IMAGE_ADDR(memory, 0, 0);
    const double clear = memory->Xsize > STEPS + 1 ? n[STEPS + 1] : 0;
    const double all = (double)in->Xsize * in->Ysize - clear, part = 0.01 * all;
    double sum = 0;
    int low = -1, high = 0;
    for (int i = 0; i < memory->Xsize && i <= STEPS; i++) {
        sum += n[i];
        if (low < 0 && sum > part)
            low = i;
        if (sum < all - part)
            high = i + 1;
    }
    if (low < 0) /* there is nothing to be seen */
        low = high;
    *ret_ends = (struct ends){low * 100.0 / STEPS, high * 100.0 / STEPS};
    return 0;
}

/* fov__vips_fn, in Lab */
static int stretch(VipsImage *in, const void *parameters, VipsImage **ret_out)
{
    const struct ends *const e = parameters;
    const double scale = 100 / (e->high - e->low);
    const double a[] = {scale, 1, 1}, b[] = {-e->low * scale, 0, 0};
    return vips_linear(in, ret_out, a, b, 3, NULL);
}

enum fov_code fov__op_auto_contrast(struct fov_chain *c, const struct fov_op_auto_contrast *o,
                                    struct fov_err *err)
{
    struct ends ends;
    enum fov_code rc;
    (void)o;
    if (c->options->dry_run)
        return FOV_OK;
    if ((rc = fov__chain_settle(c, err)))
        return rc;
    if (find_ends(c->image->vips, &ends))
        return fov__chain_set(c, -1, NULL, err);
    if (!(ends.high - ends.low > 1))
        return FOV_OK;
    return fov__chain_colours_in(c, VIPS_INTERPRETATION_LAB, stretch, &ends, err);
}
