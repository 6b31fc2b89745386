/* SPDX-License-Identifier: Apache-2.0 */
/* eval.c -- how well a network restores a picture that was shrunk.
 *
 * Benchmark pictures are small, so they are held in memory as 8-bit RGB between the steps: that is
 * also what rounds the shrunk picture to what a file would hold.
 *
 * Threads: one a picture. Owns: the pixels of one picture at a time. Trust: files of a test set.
 */
#include "judge/eval.h"

#include <string.h>

#include "base/mem.h"
#include "judge/quality.h"

struct pixels {
    const char *name; /* of the file, for messages */
    uint8_t *rgb;
    int width, height;
};

static void pixels_done(struct pixels *p)
{
    fov_free(p->rgb);
}

static void image_free_at(struct fov_image **image)
{
    fov_image_free(*image);
}

static enum fov_code to_pixels(const struct fov_image *image, struct pixels *ret,
                               struct fov_err *err)
{
    struct fov_image_info info;
    fov_image_get_info(image, &info);
    ret->width = info.width_px;
    ret->height = info.height_px;
    return fov_image_to_rgb8(image, &ret->rgb, err);
}

/* Cut off what is left over at the right and at the bottom. */
static void crop(struct pixels *p, int multiple)
{
    const int width = p->width / multiple * multiple;
    for (int y = 0; y < p->height; y++)
        memmove(p->rgb + (size_t)y * (size_t)width * 3, p->rgb + (size_t)y * (size_t)p->width * 3,
                (size_t)width * 3);
    p->width = width;
    p->height = p->height / multiple * multiple;
}

static enum fov_code load_original(const char *path, int scale, struct pixels *ret,
                                   struct fov_err *err)
{
    FOV_AUTO(image_free_at) struct fov_image *image = NULL;
    const struct fov_load_options options = {.page = -1};
    enum fov_code rc;
    if ((rc = fov_image_load(path, &options, &image, err)) || (rc = to_pixels(image, ret, err)))
        return rc;
    crop(ret, scale);
    if (ret->width < 1 || ret->height < 1)
        return fov_fail(err, FOV_EUSAGE, "%s: is smaller than one pixel of scale %d", path, scale);
    return FOV_OK;
}

/* Enlarge or shrink by a system; FOV_EVAL_BICUBIC serves both ways. */
static enum fov_code run_system(const struct pixels *in, int system, struct fov_model *model,
                                int scale, int width, int height, struct pixels *ret,
                                struct fov_err *err)
{
    FOV_AUTO(image_free_at) struct fov_image *image = NULL;
    FOV_AUTO(image_free_at) struct fov_image *out = NULL;
    enum fov_code rc;
    if ((rc = fov_image_from_rgb8(in->rgb, in->width, in->height, in->name, &image, err)))
        return rc;
    if (system == FOV_EVAL_MODEL)
        rc = fov_image_enlarge(image, model, scale, &out, err);
    else
        rc = fov_image_resample(
            image, system == FOV_EVAL_LANCZOS ? FOV_FILTER_LANCZOS : FOV_FILTER_BICUBIC, width,
            height, &out, err);
    return rc ? rc : to_pixels(out, ret, err);
}

static enum fov_code compare(const char *path, const struct pixels *a, const struct pixels *b,
                             int border, struct fov_score *ret_score, struct fov_err *err)
{
    struct fov_err why = {0};
    enum fov_code rc;
    if ((rc = fov_psnr_luma(a->rgb, b->rgb, a->width, a->height, border, &ret_score->psnr_db,
                            &why)) ||
        (rc = fov_ssim_luma(a->rgb, b->rgb, a->width, a->height, border, &ret_score->ssim, &why)))
        return fov_fail(err, rc, "%s: %s", path, why.text);
    return FOV_OK;
}

/* What a JPEG leaves of it. */
static enum fov_code compress(struct pixels *p, int quality, struct fov_err *err)
{
    FOV_AUTO(image_free_at) struct fov_image *image = NULL;
    FOV_AUTO(image_free_at) struct fov_image *out = NULL;
    struct pixels left = {.name = p->name};
    enum fov_code rc;
    if ((rc = fov_image_from_rgb8(p->rgb, p->width, p->height, p->name, &image, err)) ||
        (rc = fov_image_through_jpeg(image, quality, &out, err)) ||
        (rc = to_pixels(out, &left, err)))
        return rc;
    memcpy(p->rgb, left.rgb, (size_t)p->width * (size_t)p->height * 3);
    pixels_done(&left);
    return FOV_OK;
}

enum fov_code fov_eval_picture(const char *path, struct fov_model *model, int scale, int jpeg,
                               struct fov_score ret_scores[FOV_EVAL_N], struct fov_err *err)
{
    FOV_AUTO(pixels_done) struct pixels original = {.name = path};
    FOV_AUTO(pixels_done) struct pixels small = {.name = path};
    struct fov_score scores[FOV_EVAL_N];
    enum fov_code rc;

    if ((rc = load_original(path, scale, &original, err)) ||
        (rc = run_system(&original, FOV_EVAL_BICUBIC, NULL, scale, original.width / scale,
                         original.height / scale, &small, err)) ||
        (jpeg && (rc = compress(&small, jpeg, err))))
        return rc;
    for (int i = 0; i < FOV_EVAL_N; i++) {
        FOV_AUTO(pixels_done) struct pixels result = {0};
        if ((rc = run_system(&small, i, model, scale, original.width, original.height, &result,
                             err)) ||
            (rc = compare(path, &result, &original, scale, &scores[i], err)))
            return rc;
    }
    memcpy(ret_scores, scores, sizeof(scores));
    return FOV_OK;
}
