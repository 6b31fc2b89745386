/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c -- what operations share: how a step replaces the picture, alpha, colour spaces, ground.
 *
 * A picture between two operations is always what load.c makes: 1 to 4 channels of 8 or 16 bits,
 * grey or sRGB, alpha last and not premultiplied. Operations compute in float where they must and
 * come back to that, so that any order of them works.
 *
 * Threads: libvips's. Owns: the chain's picture. Trust: parameters were checked by recipe.c.
 */
#include "image/chain.h"
#include "base/mem.h"

enum fov_code fov__chain_set(struct fov_chain *c, int failed, VipsImage *next, struct fov_err *err)
{
    if (failed) {
        char what[100];
        (void)g_snprintf(what, sizeof(what), "%s[%d] (%s): cannot be done", c->name, c->index,
                         c->op);
        return fov__vips_fail(err, FOV_EINTERNAL, c->image->name, what);
    }
    g_object_unref(c->image->vips);
    c->image->vips = next;
    return FOV_OK;
}

enum fov_code fov__chain_settle(struct fov_chain *c, struct fov_err *err)
{
    if (c->is_random || c->options->dry_run)
        return FOV_OK;
    const enum fov_code rc = fov__settle(c->image, err);
    if (rc)
        return rc;
    c->is_random = true;
    return FOV_OK;
}

/* An image in the samples, and with the meaning, of `like`: rounded and clipped. */
static int back_to(VipsImage *in, const VipsImage *like, VipsImage **ret_out)
{
    VipsImage *rounded = NULL;
    if (!vips_band_format_isfloat(in->BandFmt))
        g_object_ref(rounded = in);
    else if (vips_rint(in, &rounded, NULL))
        return -1;
    const int failed = vips_cast(rounded, ret_out, like->BandFmt, NULL);
    g_object_unref(rounded);
    if (!failed)
        (*ret_out)->Type = like->Type;
    return failed;
}

static int split(VipsImage *in, VipsImage **ret_colours, VipsImage **ret_alpha)
{
    if (!fov__has_alpha(in)) {
        g_object_ref(*ret_colours = in);
        return 0;
    }
    return vips_extract_band(in, ret_colours, 0, "n", in->Bands - 1, NULL) ||
           vips_extract_band(in, ret_alpha, in->Bands - 1, NULL);
}

/* Colours of whatever kind, and alpha or NULL, as a picture like `like`. */
static int join(VipsImage *colours, VipsImage *alpha, const VipsImage *like, VipsImage **ret_out)
{
    VipsImage *back = NULL;
    int failed = back_to(colours, like, &back);
    if (!failed && alpha) {
        failed = vips_bandjoin2(back, alpha, ret_out, NULL);
        g_object_unref(back);
    } else if (!failed) {
        *ret_out = back;
    }
    return failed;
}

/* The space that back_to() marks, for a conversion back to it. */
static VipsInterpretation space_of(const VipsImage *image)
{
    const bool wide = image->BandFmt == VIPS_FORMAT_USHORT;
    if (image->Bands < 3)
        return wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W;
    return wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
}

enum fov_code fov__chain_colours(struct fov_chain *c, fov__vips_fn *change, const void *parameters,
                                 struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    FOV_AUTO(fov__unref_at) VipsImage *colours = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *alpha = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *changed = NULL;
    VipsImage *out = NULL;
    const int failed = split(in, &colours, &alpha) || change(colours, parameters, &changed) ||
                       join(changed, alpha, in, &out);
    return fov__chain_set(c, failed, out, err);
}

enum fov_code fov__chain_colours_in(struct fov_chain *c, VipsInterpretation space,
                                    fov__vips_fn *change, const void *parameters,
                                    struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    FOV_AUTO(fov__unref_at) VipsImage *colours = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *alpha = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *there = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *changed = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *again = NULL;
    VipsImage *out = NULL;
    const int failed =
        split(in, &colours, &alpha) ||
        vips_colourspace(colours, &there, space, "source_space", space_of(in), NULL) ||
        change(there, parameters, &changed) ||
        vips_colourspace(changed, &again, space_of(in), "source_space", space, NULL) ||
        join(again, alpha, in, &out);
    return fov__chain_set(c, failed, out, err);
}

enum fov_code fov__chain_premultiplied(struct fov_chain *c, fov__vips_fn *change,
                                       const void *parameters, struct fov_err *err)
{
    VipsImage *const in = c->image->vips;
    const double top = fov__top(in);
    FOV_AUTO(fov__unref_at) VipsImage *weighted = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *changed = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *again = NULL;
    VipsImage *out = NULL;
    int failed;
    if (!fov__has_alpha(in))
        failed = change(in, parameters, &changed) || back_to(changed, in, &out);
    else
        failed = vips_premultiply(in, &weighted, "max_alpha", top, NULL) ||
                 change(weighted, parameters, &changed) ||
                 vips_unpremultiply(changed, &again, "max_alpha", top, NULL) ||
                 back_to(again, in, &out);
    return fov__chain_set(c, failed, out, err);
}

static bool is_grey(int colour)
{
    const int r = colour >> 16, g = colour >> 8 & 255, b = colour & 255;
    return r == g && g == b;
}

enum fov_code fov__chain_allow(struct fov_chain *c, int colour, struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *in = c->image->vips;
    g_object_ref(in);
    if (in->Bands > 2 || is_grey(colour))
        return FOV_OK;
    FOV_AUTO(fov__unref_at) VipsImage *colours = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *alpha = NULL;
    VipsImage *out = NULL;
    int failed = fov__drop_profile(&in) || split(in, &colours, &alpha); /* one of grey pictures */
    if (!failed) {
        VipsImage *three[] = {colours, colours, colours, alpha};
        failed = vips_bandjoin(three, &out, alpha ? 4 : 3, NULL);
    }
    if (!failed)
        out->Type = in->BandFmt == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16
                                                      : VIPS_INTERPRETATION_sRGB;
    return fov__chain_set(c, failed, out, err);
}

VipsArrayDouble *fov__ground(const VipsImage *image, int colour, int n_bands)
{
    const double one = fov__top(image) / 255;
    const double rgb[] = {one * (colour >> 16), one * (colour >> 8 & 255), one * (colour & 255)};
    const int n_colours = image->Bands > 2 ? 3 : 1;
    double ground[4] = {rgb[0], rgb[1], rgb[2]};
    ground[n_colours] = fov__top(image); /* alpha, or not looked at */
    return vips_array_double_new(ground, n_bands);
}

enum fov_code fov__chain_may_be(const struct fov_chain *c, int64_t width_px, int64_t height_px,
                                struct fov_err *err)
{
    const int64_t pixels = width_px * height_px; /* each at most some ten millions */
    if (width_px <= VIPS_MAX_COORD && height_px <= VIPS_MAX_COORD &&
        pixels <= fov__max_result_pixels())
        return FOV_OK;
    return fov__op_fail(c, err, FOV_ELIMIT,
                        "a result of %lldx%lld is %.0f megapixels, over the limit of %.0f%s",
                        (long long)width_px, (long long)height_px, (double)pixels / 1e6,
                        (double)fov__max_result_pixels() / 1e6,
                        fov__hint(" (16 times --max-pixels, where that is more)"));
}

enum fov_code fov__chain_resize(struct fov_chain *c, int width_px, int height_px,
                                struct fov_err *err)
{
    struct fov_image *next;
    enum fov_code rc;
    if (width_px == c->image->vips->Xsize && height_px == c->image->vips->Ysize)
        return FOV_OK;
    if ((rc = fov__chain_may_be(c, width_px, height_px, err)) ||
        (rc = fov_image_resample(c->image, FOV_FILTER_LANCZOS, width_px, height_px, &next, err)))
        return rc;
    fov_image_free(c->image);
    c->image = next;
    return FOV_OK;
}
