/* SPDX-License-Identifier: Apache-2.0 */
/* op_remove_background.c -- what stands on an even ground, without it (matte.c), or in front of any
 * ground, by a network (front.c).
 *
 * Threads: one. Owns: the pixels it makes, with the picture. Trust: pixels only; a picture without
 * an even ground is refused rather than cut badly, unless there is a network.
 */
#include <string.h>

#include "base/mem.h"
#include "image/chain.h"
#include "image/front.h"
#include "image/matte.h"

static void free_pixels(VipsImage *image, void *pixels)
{
    (void)image;
    fov_free(pixels);
}

/* The picture's colours as 8-bit RGB in memory that belongs to *ret_rgb. */
static enum fov_code to_rgb(struct fov_chain *c, uint8_t **ret_rgb, struct fov_err *err)
{
    enum fov_code rc;
    if ((rc = fov__chain_settle(c, err)) || (rc = fov_image_to_rgb8(c->image, ret_rgb, err)))
        return rc;
    return FOV_OK;
}

/* An image over memory, which it takes. */
static VipsImage *over(uint8_t *pixels, const VipsImage *like, int bands)
{
    const size_t bytes = (size_t)like->Xsize * (size_t)like->Ysize * (size_t)bands;
    VipsImage *const image = vips_image_new_from_memory(pixels, bytes, like->Xsize, like->Ysize,
                                                        bands, VIPS_FORMAT_UCHAR);
    if (!image) {
        fov_free(pixels);
        return NULL;
    }
    image->Type = bands == 3 ? VIPS_INTERPRETATION_sRGB : VIPS_INTERPRETATION_B_W;
    g_signal_connect(image, "close", G_CALLBACK(free_pixels), pixels);
    return image;
}

/* Colours cleaned at the edge, in the samples of the picture, and alpha times its own. */
static int put_together(VipsImage *in, VipsImage *rgb, VipsImage *alpha, VipsImage **ret_out)
{
    enum { COLOURS, EDGE, OLD, SAME, CLEAN, ALPHA, PRODUCT, FITTING, BACK, N };
    const double one = fov__top(in) / 255;
    const int n = in->Bands > 2 ? 3 : 1;
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);
    int failed =
        /* 0 and 255 keep the very samples; what is between gets the cleaned ones */
        vips_extract_band(in, &t[OLD], 0, "n", n, NULL) ||
        vips_extract_band(rgb, &t[COLOURS], 0, "n", n, NULL) ||
        vips_linear1(t[COLOURS], &t[CLEAN], one, 0, NULL) ||
        vips_cast(t[CLEAN], &t[SAME], in->BandFmt, NULL) ||
        vips_equal_const1(alpha, &t[EDGE], 255, NULL) ||
        vips_ifthenelse(t[EDGE], t[OLD], t[SAME], &t[BACK], NULL);
    if (!failed && fov__has_alpha(in))
        failed = vips_extract_band(in, &t[ALPHA], n, NULL) ||
                 vips_multiply(t[ALPHA], alpha, &t[PRODUCT], NULL) ||
                 vips_linear1(t[PRODUCT], &t[FITTING], 1.0 / 255, 0, NULL);
    else if (!failed)
        failed = vips_linear1(alpha, &t[FITTING], one, 0, NULL);
    VipsImage *last = NULL;
    failed = failed || vips_cast(t[FITTING], &last, in->BandFmt, NULL) ||
             vips_bandjoin2(t[BACK], last, ret_out, NULL);
    fov__unref_at(&last);
    g_object_unref(scope);
    if (!failed)
        (*ret_out)->Type = in->Type;
    return failed;
}

/* Which share of each pixel is in front; the ground's colour is taken out of `rgb` where it is
 * known. */
static enum fov_code find_alpha(const struct fov_chain *c, uint8_t *rgb, uint8_t *alpha,
                                struct fov_err *err)
{
    const int width = c->image->vips->Xsize, height = c->image->vips->Ysize;
    struct fov_u2net *const front = c->options->front;
    struct fov_err why = {0};
    enum fov_code rc = fov_matte(rgb, width, height, alpha, &why);
    if (rc != FOV_EFORMAT)
        return rc ? fov__op_fail(c, err, rc, "%s", why.text) : FOV_OK;
    if (!front)
        return fov__op_fail(c, err, rc, "%s%s", why.text,
                            fov__hint("; a network for that is given by --model"));
    why = (struct fov_err){0};
    rc = fov_front(front, rgb, width, height, alpha, &why);
    return rc ? fov__op_fail(c, err, rc, "%s", why.text) : FOV_OK;
}

enum fov_code fov__op_remove_background(struct fov_chain *c,
                                        const struct fov_op_remove_background *o,
                                        struct fov_err *err)
{
    FOV_AUTO(fov_free_at) uint8_t *rgb = NULL;
    FOV_AUTO(fov_free_at) uint8_t *alpha = NULL;
    enum fov_code rc;

    const int width = c->image->vips->Xsize, height = c->image->vips->Ysize;
    if (width < FOV_MATTE_LEAST_SIDE || height < FOV_MATTE_LEAST_SIDE)
        return fov__op_fail(c, err, FOV_EFORMAT, "a picture of %dx%d is too small to have a ground",
                            width, height);
    if (!c->options->dry_run) {
        if ((rc = to_rgb(c, &rgb, err)))
            return rc;
        if (!(alpha = fov_calloc((size_t)width * (size_t)height, 1)))
            return fov__op_fail(c, err, FOV_ENOMEM, "no memory for its transparency");
        if ((rc = find_alpha(c, rgb, alpha, err)))
            return rc;
        VipsImage *const in = c->image->vips;
        FOV_AUTO(fov__unref_at) VipsImage *colours = over(FOV_STEAL(rgb), in, 3);
        FOV_AUTO(fov__unref_at) VipsImage *matte = over(FOV_STEAL(alpha), in, 1);
        VipsImage *out = NULL;
        const int failed = !colours || !matte || put_together(in, colours, matte, &out);
        if ((rc = fov__chain_set(c, failed, out, err)))
            return rc;
    } else if (!fov__has_alpha(c->image->vips)) {
        VipsImage *out = NULL;
        const int failed =
            vips_bandjoin_const1(c->image->vips, &out, fov__top(c->image->vips), NULL);
        if ((rc = fov__chain_set(c, failed, out, err)))
            return rc;
    }
    const struct fov_op_remove_transparency flat = {.hex_color = o->background_hex_color};
    return o->background_hex_color < 0 ? FOV_OK : fov__op_remove_transparency(c, &flat, err);
}
