/* SPDX-License-Identifier: Apache-2.0 */
/* vimage.h -- what the files of image/ share: a picture is a libvips image and a name. */
#ifndef FOV_IMAGE_VIMAGE_H
#define FOV_IMAGE_VIMAGE_H

#include <vips/vips.h>

#include "image/image.h"
#include "image/png.h"

struct fov_image {
    VipsImage *vips;
    char *name;
    bool is_vector;
    bool is_clean;      /* was when it was loaded */
    const char *format; /* of the file it was loaded from, or NULL */
    int n_frames;       /* below one another in `vips`; 0 or 1: it is one */
    /* Why a network's step failed, or NULL where there is none; belongs to the libvips image. */
    const struct fov_err *step_failure;
};

/* A picture around `vips`, which it takes, named and described like `like`. */
FOV_CHECKED enum fov_code fov__image_wrap(VipsImage *vips, const struct fov_image *like,
                                          const char *name, struct fov_image **ret_image,
                                          struct fov_err *err);

/* Fail with the first line of what libvips said, and clear that: with `code`, or where it says that
 * the system refused it memory, threads or room for a temporary file, which no picture is to blame
 * for, with FOV_ENOMEM or FOV_EOUTPUT. A macro, as fov_fail() is. */
#define fov__vips_fail(err, code, name, what)                                                      \
    (fov__vips_tell(err, code, name, what) ?: (enum fov_code)(code))
enum fov_code fov__vips_tell(struct fov_err *err, enum fov_code code, const char *name,
                             const char *what);

/* What libvips has where a file says nothing of its resolution; else pixels per mm. */
#define FOV_NO_RESOLUTION 1.0

/* Keep `in` alive as long as `out`, whose generate function reads it; libvips does that only for
 * its own operations. */
static inline void fov__keep_alive(VipsImage *out, VipsImage *in)
{
    g_object_ref(in);
    vips_object_local(out, in);
}

/* Add a resize, as fov_image_resample(), to a picture without alpha or one whose transparent pixels
 * have a colour that may be seen. */
FOV_CHECKED enum fov_code fov__resample(const struct fov_image *in, enum fov_filter filter,
                                        int width_px, int height_px, struct fov_image **ret_image,
                                        struct fov_err *err);

/* Give wholly transparent pixels the colour of the visible ones around them. Zero, or libvips's
 * error. */
int fov__fill_transparent(VipsImage *in, VipsImage **ret_image);

/* To sRGB or grey of 8 or 16 bits, by the picture's profile where one is needed for that. Zero, or
 * libvips's error. */
int fov__normalise(VipsImage **image);

/* Run through it: does it show no sign of compression or noise? Not when it cannot be read. */
bool fov__is_clean(VipsImage *image);

/* Load a BMP; FOV_EFORMAT, FOV_ELIMIT, FOV_ENOMEM. Gives *ret_image. */
FOV_CHECKED enum fov_code fov__load_bmp(VipsSource *source, const char *name, int64_t max_pixels,
                                        VipsImage **ret_image, struct fov_err *err);

/* FOV_ELIMIT: a picture has more pixels than the limit. */
enum fov_code fov__over_limit(const char *name, double width, double height, int64_t limit,
                              struct fov_err *err);

/* Before and after a run of a pipeline; the second takes its `failed` and says whether it was so.
 * From 8.14 to 8.15.3 libvips may answer that all went well, and give black, when the strip that
 * failed was the last one (its pull request 4116); but what a decoder or a step said remains. */
void fov__run_begins(void);
FOV_CHECKED int fov__run_ends(int failed);

/* Let libvips use the loaders that it calls untrusted, or keep it from all of them but those of
 * SVG, which is bounded here and sees no files, and of JPEG XL. */
void fov__allow_untrusted(bool allowed);

/* Fail as a run of this picture's pipeline did: FOV_ECANCEL, what a step failed with, or else
 * FOV_EFORMAT with `what` there is to say. */
FOV_CHECKED enum fov_code fov__run_failed(const struct fov_image *image, const char *what,
                                          struct fov_err *err);

/* Decode the whole picture to where it can be read in any order: memory, or a temporary file when
 * it is large. Zero, or libvips's error. */
int fov__make_random(VipsImage **image);

/* The same to a picture. FOV_ECANCEL, what a step failed with, or FOV_EFORMAT. */
FOV_CHECKED enum fov_code fov__settle(struct fov_image *image, struct fov_err *err);

/* Has somebody asked the program to stop? */
bool fov__is_stopped(void);

/* Does the process work for others (fov_image_serve())? */
bool fov__is_serving(void);

/* `text`, which advises a person at the command line, or nothing where none is there. */
const char *fov__hint(const char *text);

/* Of what any operation makes. */
int64_t fov__max_result_pixels(void);

/* The packages that let libvips read and write a format (the name in struct fov_format), in
 * words. */
const char *fov__packages_of(const char *format);

/* Has libvips a loader for it here? Its modules are open. */
bool fov__has_loader(const char *format);

/* Which format of those a file's first bytes say, or NULL. */
const char *fov__format_by_content(VipsSource *source);

/* Has a PNG a chunk of this type before its pixels? Not known where they begin late. Before a
 * decoder reads the source, which this would disturb. */
enum fov_chunk { FOV_CHUNK_IS_NOT, FOV_CHUNK_IS, FOV_CHUNK_UNKNOWN };
enum fov_chunk fov__png_has(VipsSource *source, const char type[4]);

/* What a BMP's header says, in pixels per mm; false for nothing. As above. */
bool fov__bmp_resolution(VipsSource *source, double *ret_x, double *ret_y);

/* What the first bytes of a file say of its resolution. */
struct fov__said {
    bool is_made_up;                 /* what libvips has: it is a PNG that says nothing */
    double x_px_per_mm, y_px_per_mm; /* 0: nothing */
};

/* Let `image` have the resolution that its file says, or FOV_NO_RESOLUTION. Zero, or libvips's
 * error. */
int fov__find_resolution(VipsImage **image, const struct fov__said *said);

/* Make 16 bits of a TIFF's floating-point samples; a range that is none of pixels is
 * an error, unless there is but a header. Zero, or libvips's error. */
int fov__read_floats(VipsImage **image, bool header_only);

/* Make colours sRGB by the profile, and leave it out. Zero, or libvips's error. */
int fov__drop_profile(VipsImage **image);

/* Leave out metadata, of `image` whose own they are; the small copy in EXIF always, the profile
 * also where it fits no picture of so many channels or will not be kept, after colours became sRGB
 * by it. Zero, or libvips's error. */
int fov__keep_metadata(VipsImage **image, enum fov_keep keep, bool keeps_profile);

/* Let the IPTC of `image`, whose metadata are its own, be as TIFF holds it, or within Photoshop's
 * resources as JPEG does. */
void fov__fit_iptc(VipsImage *image, bool within_photoshop);

/* Start libvips by `start`, its modules left aside where that can be; says what start() did. */
int fov__modules_defer(int (*start)(const char *program), const char *program);

/* Open the modules, once. True when that may have brought formats that were not there before. */
bool fov__modules_open(void);

/* Run the pipeline into a PNG. FOV_ENOMEM; FOV_EOUTPUT when `write` failed; FOV_EFORMAT when the
 * pipeline did, or `write`. */
FOV_CHECKED enum fov_code fov__save_png(VipsImage *image, fov_png_write_fn *write, void *user);

static inline void fov__unref_at(VipsImage **image)
{
    if (*image)
        g_object_unref(*image);
}

#endif
