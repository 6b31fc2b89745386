/* SPDX-License-Identifier: Apache-2.0 */
/* frames.c -- pictures of several frames or pages: taken apart, worked on one by one, put together.
 *
 * libvips has the frames of a file below one another in one tall picture. What mixes neighbouring
 * pixels would mix frames there, so each is a picture of its own on the way. A frame is computed
 * whole before the next begins: the networks' rings would otherwise be there for all of them at
 * once, and the encoders of animations hold the result whole in any case.
 *
 * Threads: one a picture. Owns: frames on their way. Trust: the number of frames is a file's; it is
 * bounded by the limit on pixels, which counts them all.
 */
#include "base/mem.h"
#include "image/vimage.h"

struct frames {
    VipsImage **all;
    int n;
};

static void frames_done(struct frames *f)
{
    for (int i = 0; i < f->n; i++)
        fov__unref_at(&f->all[i]);
    fov_free(f->all);
}

/* One frame, put through `fn` and computed. */
static enum fov_code work_on(const struct fov_image *in, VipsImage *roll, int i, fov_frame_fn *fn,
                             void *user, VipsImage **ret_frame, struct fov_err *err)
{
    const int height = roll->Ysize / in->n_frames;
    struct fov_image like = *in, *frame = NULL, *result = NULL;
    VipsImage *part = NULL;
    enum fov_code rc;

    like.n_frames = 1;
    if (vips_extract_area(roll, &part, 0, i * height, roll->Xsize, height, NULL))
        return fov__vips_fail(err, FOV_EINTERNAL, in->name, "its frames cannot be told apart");
    if ((rc = fov__image_wrap(part, &like, in->name, &frame, err)))
        return rc;
    rc = fn(user, frame, &result, err);
    fov_image_free(frame);
    if (rc)
        return rc;
    rc = fov__settle(result, err);
    if (!rc)
        g_object_ref(*ret_frame = result->vips);
    fov_image_free(result);
    return rc;
}

/* The frames below one another, with what the file said of their times. */
static int put_together(const struct frames *f, VipsImage *like, VipsImage **ret_roll)
{
    static const char *const kept[] = {"delay", "loop", "gif-delay", "gif-loop", "background"};
    if (vips_arrayjoin(f->all, ret_roll, f->n, "across", 1, NULL))
        return -1;
    vips_image_set_int(*ret_roll, VIPS_META_PAGE_HEIGHT, f->all[0]->Ysize);
    for (size_t i = 0; i < FOV_N_ELEMENTS(kept); i++) {
        GValue value = G_VALUE_INIT;
        if (vips_image_get_typeof(like, kept[i]) && !vips_image_get(like, kept[i], &value)) {
            vips_image_set(*ret_roll, kept[i], &value);
            g_value_unset(&value);
        }
    }
    return 0;
}

enum fov_code fov_image_each_frame(const struct fov_image *in, fov_frame_fn *fn, void *user,
                                   struct fov_image **ret_image, struct fov_err *err)
{
    FOV_AUTO(frames_done) struct frames f = {0};
    FOV_AUTO(fov__unref_at) VipsImage *roll = NULL;
    VipsImage *joined = NULL;
    struct fov_image like = *in;

    if (in->n_frames <= 1)
        return fn(user, in, ret_image, err);
    g_object_ref(roll = in->vips);
    if (fov__make_random(&roll))
        return fov__run_failed(in, "is damaged", err);
    if (!(f.all = fov_calloc((size_t)in->n_frames, sizeof(VipsImage *))))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its frames", in->name);
    for (; f.n < in->n_frames; f.n++) {
        const enum fov_code rc = work_on(in, roll, f.n, fn, user, &f.all[f.n], err);
        if (rc)
            return rc;
        const VipsImage *const a = f.all[0], *const b = f.all[f.n];
        if (a->Xsize != b->Xsize || a->Ysize != b->Ysize || a->Bands != b->Bands) {
            const int width = b->Xsize, height = b->Ysize;
            f.n++;
            return fov_fail(err, FOV_EFORMAT, "%s: frame 0 becomes %dx%d and frame %d %dx%d",
                            in->name, a->Xsize, a->Ysize, f.n - 1, width, height);
        }
    }
    if (put_together(&f, in->vips, &joined))
        return fov__vips_fail(err, FOV_EINTERNAL, in->name, "its frames cannot be put together");
    like.step_failure = NULL;
    return fov__image_wrap(joined, &like, in->name, ret_image, err);
}
