/* SPDX-License-Identifier: Apache-2.0 */
/* metadata.c -- what a file says beside its pixels, and how to leave it out.
 *
 * A profile is not left out before the pixels are what they look like without one, sRGB: colours
 * must not change because their description is gone.
 *
 * Threads: one a picture. Owns: nothing. Trust: names and values come from files.
 */
#include <string.h>

#include "base/mem.h"
#include "image/vimage.h"

#define FOV_KEEP_TEXT(id, name) name,
const char *const fov_keep_names[FOV_N_KEEPS] = {FOV_KEEPS(FOV_KEEP_TEXT)};

enum { MAX_FIELDS = 4096 };

struct fields {
    const char *const *begins; /* NULL at the end */
    char *names[MAX_FIELDS];
    int n;
};

/* About people and places; what libvips needs to read the pixels stays. */
static const char *const private[] = {"exif-",       "xmp-",  "iptc-", "photoshop-", "png-comment-",
                                      "gif-comment", "jpeg-", "heif-", "tiff",       NULL};

/* About the small copy of the picture in its EXIF. */
static const char *const of_thumbnail[] = {"exif-ifd1-", "jpeg-thumbnail", NULL};

/* VipsImageMapFn: collect fields that begin like one of f->begins. */
static void *collect(VipsImage *image, const char *name, GValue *value, void *user)
{
    struct fields *const f = user;
    (void)image, (void)value;
    for (const char *const *begins = f->begins; *begins; begins++)
        if (f->n < MAX_FIELDS && !strncmp(name, *begins, strlen(*begins)))
            return (f->names[f->n++] = fov_strdup(name)) ? NULL : user;
    return NULL;
}

static int remove_fields(VipsImage *image, const char *const *begins)
{
    struct fields *const f = fov_calloc(1, sizeof(*f));
    if (f)
        f->begins = begins;
    const int failed = !f || vips_image_map(image, collect, f) != NULL;
    for (int i = 0; f && i < f->n; i++) {
        vips_image_remove(image, f->names[i] ? f->names[i] : "");
        fov_free(f->names[i]);
    }
    fov_free(f);
    return failed ? -1 : 0;
}

int fov__keep_metadata(VipsImage **image, enum fov_keep keep)
{
    VipsImage *next = NULL;
    if (keep == FOV_KEEP_ALL)
        return remove_fields(*image, of_thumbnail); /* libvips writes EXIF by them */
    if (keep == FOV_KEEP_NONE && vips_image_get_typeof(*image, VIPS_META_ICC_NAME) &&
        (*image)->Bands >= 3) {
        if (vips_icc_transform(*image, &next, "srgb", "embedded", TRUE, "depth",
                               (*image)->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8, NULL))
            return -1;
        g_object_unref(*image);
        *image = next;
    }
    if (vips_copy(*image, &next, NULL)) /* whose metadata are its own */
        return -1;
    g_object_unref(*image);
    *image = next;
    if (keep == FOV_KEEP_NONE)
        vips_image_remove(next, VIPS_META_ICC_NAME);
    return remove_fields(next, private);
}
