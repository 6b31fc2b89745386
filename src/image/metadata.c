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
static const char *const private[] = {
    "exif-",       "xmp-",  "iptc-", "photoshop-", "png-comment-",
    "gif-comment", "jpeg-", "heif-", "tiff",       "image-description",
    NULL};

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
    if (!f)
        vips_error("metadata", "out of memory");
    fov_free(f);
    return failed ? -1 : 0;
}

/* Does the picture's profile speak of as many colours as it has? One that does not is nobody's: all
 * readers pass it over. ICC.1:2022, 7.2.6: the colour space stands at byte 16. */
static bool has_fit_profile(VipsImage *image)
{
    const void *data;
    size_t n;
    return vips_image_get_typeof(image, VIPS_META_ICC_NAME) &&
           !vips_image_get_blob(image, VIPS_META_ICC_NAME, &data, &n) && n >= 20 &&
           !memcmp((const char *)data + 16, image->Bands < 3 ? "GRAY" : "RGB ", 4);
}

/* Grey by its profile to the grey that has sRGB's curve; alpha, which libvips would take for 8
 * bits, stays apart. */
static int grey_to_srgb(VipsImage *image, VipsImage **ret_image)
{
    const bool wide = image->BandFmt == VIPS_FORMAT_USHORT, has_alpha = image->Bands == 2;
    enum { GREY, LAB, SRGB, ALPHA, N };
    VipsObject *const scope = VIPS_OBJECT(vips_image_new());
    VipsImage **const t = (VipsImage **)vips_object_local_array(scope, N);
    const int failed =
        vips_extract_band(image, &t[GREY], 0, NULL) ||
        vips_icc_import(t[GREY], &t[LAB], "embedded", TRUE, NULL) ||
        vips_colourspace(t[LAB], &t[SRGB],
                         wide ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_B_W, NULL) ||
        (has_alpha ? vips_extract_band(image, &t[ALPHA], 1, NULL) ||
                         vips_bandjoin2(t[SRGB], t[ALPHA], ret_image, NULL)
                   : vips_copy(t[SRGB], ret_image, NULL));
    g_object_unref(scope);
    return failed;
}

/* Colours by the profile to sRGB. */
static int to_srgb(VipsImage *image, VipsImage **ret_image)
{
    if (image->Bands < 3)
        return grey_to_srgb(image, ret_image);
    return vips_icc_transform(image, ret_image, "srgb", "embedded", TRUE, "depth",
                              image->BandFmt == VIPS_FORMAT_USHORT ? 16 : 8, NULL);
}

/* A copy, whose metadata are its own. */
static int own(VipsImage **image)
{
    VipsImage *next = NULL;
    if (vips_copy(*image, &next, NULL))
        return -1;
    g_object_unref(*image);
    *image = next;
    return 0;
}

int fov__drop_profile(VipsImage **image)
{
    VipsImage *next = NULL;
    if (has_fit_profile(*image) && !to_srgb(*image, &next) && next->Bands == (*image)->Bands) {
        g_object_unref(*image);
        *image = next;
    } else { /* of other colours, or damaged: all readers pass it over */
        fov__unref_at(&next);
        vips_error_clear();
    }
    if (own(image))
        return -1;
    vips_image_remove(*image, VIPS_META_ICC_NAME);
    return 0;
}

int fov__keep_metadata(VipsImage **image, enum fov_keep keep, bool keeps_profile)
{
    if ((keep == FOV_KEEP_NONE || !keeps_profile || !has_fit_profile(*image)) &&
        fov__drop_profile(image))
        return -1;
    if (keep == FOV_KEEP_ALL)
        return remove_fields(*image, of_thumbnail); /* libvips writes EXIF by them */
    return own(image) ? -1 : remove_fields(*image, private);
}
