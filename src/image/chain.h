/* SPDX-License-Identifier: Apache-2.0 */
/* chain.h -- what operations share: their parameters, and the picture that they add steps to. */
#ifndef FOV_IMAGE_CHAIN_H
#define FOV_IMAGE_CHAIN_H

#include "image/recipe.h"
#include "image/vimage.h"

/* ---- parameters ------------------------------------------------------------------------ */

#define FOV_TYPE_INT    int
#define FOV_TYPE_FACTOR int
#define FOV_TYPE_REAL   double
#define FOV_TYPE_ABOVE  double
#define FOV_TYPE_FLAG   int
#define FOV_TYPE_COLOUR int /* 0xRRGGBB, or -1 */
#define FOV_TYPE_WORD   int /* its number */
#define FOV_TYPE_TEXT   const char *

/* struct fov_op_resize {int width_in_px; ...}; what was not given and has no fallback is NULL, -1
 * or, for a REAL, FOV_NONE. */
#define OP(name, line)                                            struct fov_op_##name {
#define FIELD(op, name, kind, least, most, words, fallback, help) FOV_TYPE_##kind name;
#define END(name)                                                                                  \
    }                                                                                              \
    ;
#include "image/ops.def"
#undef OP
#undef FIELD
#undef END

/* The format that a convert calls by this number. FOV_EUSAGE. */
FOV_CHECKED enum fov_code fov__format_at(int index, const struct fov_format **ret_format,
                                         struct fov_err *err);

/* ---- the picture on its way ------------------------------------------------------------ */

struct fov_chain {
    struct fov_image *image;
    bool is_random; /* its pixels can be read in any order */
    const struct fov_recipe_options *options;
    struct fov_outcome *outcome;
    const char *name; /* of the recipe */
    int index;        /* of the operation */
    const char *op;   /* its name */
};

/* fov__op_resize(chain, &parameters, err), each in op_resize.c: add a step to chain->image. */
#define OP(name, line)                                                                             \
    FOV_CHECKED enum fov_code fov__op_##name(struct fov_chain *c, const struct fov_op_##name *o,   \
                                             struct fov_err *err);
#define FIELD(op, name, kind, least, most, words, fallback, help)
#define END(name)
#include "image/ops.def"
#undef OP
#undef FIELD
#undef END

/* Fail with a sentence that begins with the operation: "operations[1] (crop): ...". */
#define fov__op_fail(c, err, code, fmt, ...)                                                       \
    fov_fail(err, code, "%s[%d] (%s): " fmt, (c)->name, (c)->index, (c)->op, ##__VA_ARGS__)

/* Let `next` be the picture, taking it; `failed` is what libvips said of making it. */
FOV_CHECKED enum fov_code fov__chain_set(struct fov_chain *c, int failed, VipsImage *next,
                                         struct fov_err *err);

/* Let the picture be readable in any order, decoding it so far. Nothing in a dry run. */
FOV_CHECKED enum fov_code fov__chain_settle(struct fov_chain *c, struct fov_err *err);

/* Let it be RGB when `colour` (0xRRGGBB) is not grey, so that it can be drawn in it. */
FOV_CHECKED enum fov_code fov__chain_allow(struct fov_chain *c, int colour, struct fov_err *err);

/* `colour` in the range and the first `n_bands` channels of an image, opaque. Gives a libvips
 * array. */
VipsArrayDouble *fov__ground(const VipsImage *image, int colour, int n_bands);

/* May the picture become this large? FOV_ELIMIT. */
FOV_CHECKED enum fov_code fov__chain_may_be(const struct fov_chain *c, int64_t width_px,
                                            int64_t height_px, struct fov_err *err);

/* Resize to an exact size by Lanczos. */
FOV_CHECKED enum fov_code fov__chain_resize(struct fov_chain *c, int width_px, int height_px,
                                            struct fov_err *err);

/* How many times larger a resize makes a picture of width x height, before it cuts or pads. */
double fov__resize_scale(const struct fov_op_resize *o, double width, double height);

/* The part of the picture of this size that draws the eye. */
FOV_CHECKED enum fov_code fov__chain_smart_crop(struct fov_chain *c, int width_px, int height_px,
                                                struct fov_err *err);

/* Make *ret_out of an image. Zero, or libvips's error. */
typedef int fov__vips_fn(VipsImage *in, const void *parameters, VipsImage **ret_out);

/* Apply `change` to the colours and leave alpha as it is; what comes out is rounded and clipped to
 * the samples that went in. */
FOV_CHECKED enum fov_code fov__chain_colours(struct fov_chain *c, fov__vips_fn *change,
                                             const void *parameters, struct fov_err *err);

/* The same in a colour space: converted to it as float, and back. */
FOV_CHECKED enum fov_code fov__chain_colours_in(struct fov_chain *c, VipsInterpretation space,
                                                fov__vips_fn *change, const void *parameters,
                                                struct fov_err *err);

/* Apply `change`, which mixes neighbouring pixels, to colours weighted by alpha. */
FOV_CHECKED enum fov_code fov__chain_premultiplied(struct fov_chain *c, fov__vips_fn *change,
                                                   const void *parameters, struct fov_err *err);

/* 255 or 65535. */
static inline double fov__top(const VipsImage *image)
{
    return image->BandFmt == VIPS_FORMAT_USHORT ? 65535 : 255;
}

static inline bool fov__has_alpha(const VipsImage *image)
{
    return image->Bands % 2 == 0;
}

#endif
