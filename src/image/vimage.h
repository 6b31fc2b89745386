/* SPDX-License-Identifier: Apache-2.0 */
/* vimage.h -- what the files of image/ share: a picture is a libvips image and a name. */
#ifndef FOV_IMAGE_VIMAGE_H
#define FOV_IMAGE_VIMAGE_H

#include <vips/vips.h>

#include "image/image.h"

struct fov_image {
    VipsImage *vips;
    char *name;
    bool is_vector;
    /* Why a network's step failed, or NULL where there is none; belongs to the libvips image. */
    const struct fov_err *step_failure;
};

/* A picture around `vips`, which it takes, named and described like `like`. */
FOV_CHECKED enum fov_code fov__image_wrap(VipsImage *vips, const struct fov_image *like,
                                          const char *name, struct fov_image **ret_image,
                                          struct fov_err *err);

/* Fail with the first line of what libvips said, and clear that. */
enum fov_code fov__vips_fail(struct fov_err *err, enum fov_code code, const char *name,
                             const char *what);

static inline void fov__unref_at(VipsImage **image)
{
    if (*image)
        g_object_unref(*image);
}

#endif
