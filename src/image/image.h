/* SPDX-License-Identifier: Apache-2.0 */
/* image.h -- pictures: load, enlarge, save. The door to the only folder that sees libvips.
 *
 * A picture here is a pipeline that has not run yet: loading reads a header, enlarging adds a step,
 * and saving pulls the pixels through all of it in strips. Nothing is whole in memory at any time,
 * but for pictures that must be turned by their orientation tag, which are decoded to memory, or to
 * a temporary file when they are large.
 */
#ifndef FOV_IMAGE_IMAGE_H
#define FOV_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "fovea/fovea.h"

#define FOV_DEFAULT_MAX_PIXELS (INT64_C(1) << 28) /* 268 megapixels */
#define FOV_MAX_RESULT_PIXELS  (INT64_C(1) << 30) /* of what any operation makes */
#define FOV_DEFAULT_QUALITY    90

struct fov_image;

/* Start libvips with `n_threads` workers for each pipeline; once a program. `stopped`, or NULL, is
 * asked now and then, on any thread, where pixels are computed before a picture is saved; nonzero
 * ends that with FOV_ECANCEL. FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov_image_start(const char *program, int n_threads, int (*stopped)(void),
                                          struct fov_err *err);

/* End it; fine when it never started. */
void fov_image_stop(void);

/* From now on the process works for others: sentences name no option of the command line, and there
 * are no temporary files, so that what has to be at hand is in memory. What libraries would open
 * with the first picture that wants it, as far as it is known, is open when this returns, and no
 * thread was started. */
void fov_image_serve(void);

/* Let pipelines that begin from now on take `n` threads. */
void fov_image_set_threads(int n);

/* Let no operation make more pixels than this; FOV_MAX_RESULT_PIXELS at the start. */
void fov_image_set_max_result(int64_t max_pixels);

/* Do the first bytes of a file look like a drawing, SVG, whose text needs fonts? */
bool fov_image_may_be_drawing(const unsigned char *first, size_t n);

/* Call `fn` with the path of each font of this system, some perhaps several times. */
typedef void fov_font_fn(void *user, const char *path);
void fov_image_each_font(fov_font_fn *fn, void *user);

/* libvips's version. */
const char *fov_image_library(void);

/* ---- load ------------------------------------------------------------------------------ */

/* Says how many times larger a drawing (SVG, PDF) of width x height px is to be drawn. */
typedef enum fov_code fov_drawing_scale_fn(void *user, int width_px, int height_px,
                                           double *ret_scale, struct fov_err *err);

struct fov_load_options {
    int64_t max_pixels; /* refuse more, from the header; 0: FOV_DEFAULT_MAX_PIXELS. Of a drawing, at
                           its own size */
    int page;           /* of a picture of several, from 0; -1: refuse one of several */
    bool all_frames;    /* with page -1: take them all */
    bool header_only;   /* the picture is to be described; its pixels may be unreadable */
    bool look;          /* run through it once, so that is_clean is known */
    bool trust;         /* read formats whose decoders are not made for files of strangers, too */
    const char *name;   /* for sentences; NULL: the path */
    fov_drawing_scale_fn *drawing_scale; /* NULL: as large as the file says */
    void *user;
};

/* Open the picture `path`, "-" being standard input: orientation applied, 1 to 4 channels of 8 or
 * 16 bits (grey, grey and alpha, RGB, RGB and alpha; CMYK and others become sRGB by their profile),
 * metadata kept. Gives *ret_image; end it with fov_image_free(). FOV_ENOINPUT, FOV_EFORMAT,
 * FOV_EKIND, FOV_ELIMIT, FOV_ENOMEM, and what drawing_scale() fails with. */
FOV_CHECKED enum fov_code fov_image_load(const char *path, const struct fov_load_options *options,
                                         struct fov_image **ret_image, struct fov_err *err);
void fov_image_free(struct fov_image *image);

struct fov_image_info {
    int width_px, height_px; /* of one frame */
    int n_frames;
    int n_channels; /* alpha counted */
    bool has_alpha;
    bool is_16bit;
    bool has_exif, has_xmp, has_iptc, has_profile;
    double dpi;         /* as the file says, or its decoder assumes (72); 0: neither */
    const char *format; /* "JPEG"; of what was loaded */
    bool is_vector;     /* drawn from SVG or PDF, at the size asked for */
    bool is_clean;      /* it was looked at, and nothing says that it was compressed or is noisy */
    const char *name;   /* for messages; lives as long as the image */
};
void fov_image_get_info(const struct fov_image *image, struct fov_image_info *ret_info);

/* Works on a frame. Gives *ret_result. */
typedef enum fov_code fov_frame_fn(void *user, const struct fov_image *frame,
                                   struct fov_image **ret_result, struct fov_err *err);

/* Put each frame of a picture through `fn`, or the picture that has but one. Several are computed,
 * one after the other, and joined with their times. Gives *ret_image. What `fn` fails with;
 * FOV_EFORMAT when the input is damaged or results are not of one size, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_image_each_frame(const struct fov_image *in, fov_frame_fn *fn,
                                               void *user, struct fov_image **ret_image,
                                               struct fov_err *err);

/* ---- enlarge and shrink ---------------------------------------------------------------- */

/* How to make pixels between pixels: a name on the command line, a kernel of resample.c. */
#define FOV_FILTERS(X)                                                                             \
    X(NEAREST, "nearest") X(BILINEAR, "bilinear") X(BICUBIC, "bicubic") X(LANCZOS, "lanczos")
enum fov_filter {
#define FOV_FILTER_NAME(id, name) FOV_FILTER_##id,
    FOV_FILTERS(FOV_FILTER_NAME)
#undef FOV_FILTER_NAME
        FOV_N_FILTERS
};
extern const char *const fov_filter_names[FOV_N_FILTERS];

/* Add a resize to width x height px. A kernel is widened when it shrinks, so that nothing aliases;
 * pixel centres stay where they are; beyond the edge the picture is mirrored. Gives *ret_image,
 * which keeps `in` alive by itself. FOV_EUSAGE for a side outside 1..10,000,000, FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov_image_resample(const struct fov_image *in, enum fov_filter filter,
                                             int width_px, int height_px,
                                             struct fov_image **ret_image, struct fov_err *err);

/* Add an enlargement by `factor` with a network, whose own scale may be larger: its result is then
 * reduced by Lanczos. Alpha goes through the network too, and the colour of what is wholly
 * transparent has no part in the result. Keeps `model`. FOV_EUSAGE when the model's scale is
 * smaller than the factor, FOV_ELIMIT, FOV_ENOMEM, FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov_image_enlarge(const struct fov_image *in, struct fov_model *model,
                                            int factor, struct fov_image **ret_image,
                                            struct fov_err *err);

/* ---- save ------------------------------------------------------------------------------ */

struct fov_format {
    const char *name;     /* "JPEG" */
    const char *suffixes; /* ".jpg.jpeg", lower case */
    const char *mime_type;
    const char *saver; /* libvips's operation; NULL: our own writer */
    int max_side_px;
    bool has_alpha, has_quality;
    bool has_profile, has_grey; /* ICC profiles; pictures of one channel, which it else makes RGB */
    bool has_frames;            /* several in a file */
    const char *lacks;          /* metadata that libvips writes none of */
    bool has_photoshop;         /* IPTC is within Photoshop's resources */
    bool has_lossless, has_chroma, has_progressive; /* a choice of it, see below */
    int most_effort;                                /* of its encoder, or 0 */
    int effort;                                     /* what it has unless asked otherwise */
};

/* The format that the name of `path` asks for; PNG for "-" and for a name without a suffix.
 * FOV_EUSAGE when the suffix is none that can be written. */
FOV_CHECKED enum fov_code fov_format_of(const char *path, const struct fov_format **ret_format,
                                        struct fov_err *err);

/* The format called `name`, as an image's info has it, when it can be written here, or NULL. */
const struct fov_format *fov_format_named(const char *name);

/* What of a file's metadata is kept: all of it; the profile alone; nothing, colours being made
 * sRGB. The resolution stays in any case. */
#define FOV_KEEPS(X) X(ALL, "all") X(ICC, "icc") X(NONE, "none")
enum fov_keep {
#define FOV_KEEP_NAME(id, name) FOV_KEEP_##id,
    FOV_KEEPS(FOV_KEEP_NAME)
#undef FOV_KEEP_NAME
        FOV_N_KEEPS
};
extern const char *const fov_keep_names[FOV_N_KEEPS];

struct fov_save_options {
    enum fov_keep keep;
    const struct fov_format *format; /* NULL: what the name of the path asks for */
    int64_t
        max_bytes;    /* of the file; 0: any. Lower quality, then fewer pixels, are what it takes */
    bool lossless;    /* where the format has the choice */
    int chroma;       /* 444: as fine as luma; 420: half as fine; 0: by the quality */
    bool progressive; /* JPEG that begins coarse */
    int effort;       /* of the encoder, 1 fast to 9 small; 0: what suits the format */
    int quality;      /* 1..100; 0: FOV_DEFAULT_QUALITY where the format has one */
    bool replace;
    /* The size that it has in the end, which max_bytes may reduce; may be NULL. */
    int *ret_width_px, *ret_height_px;
    int scratch_fd; /* an empty file to try sizes in, for max_bytes; 0: one of its own in memory */
    /* Called now and then, on any thread, with 0..100 and the seconds left; nonzero cancels. */
    int (*progress)(void *user, int percent, double seconds_left);
    void *user;
};

/* Run the pipeline and write its result to `path` ("-": standard output) in a format, flattened on
 * white where that has no alpha. The file appears complete or not at all. FOV_EUSAGE, FOV_EFORMAT
 * when the input turns out to be damaged, FOV_ELIMIT, FOV_EOUTPUT, FOV_ECANCEL, and what the steps
 * of the pipeline can fail with. */
FOV_CHECKED enum fov_code fov_image_save(const struct fov_image *image, const char *path,
                                         const struct fov_save_options *options,
                                         struct fov_err *err);

/* Run the pipeline to nowhere: can all of it be read? FOV_EFORMAT when it is damaged, FOV_ECANCEL,
 * and what its steps can fail with. */
FOV_CHECKED enum fov_code fov_image_check(const struct fov_image *image, struct fov_err *err);

/* Run the pipeline into memory as 8-bit RGB, row after row, alpha left out. Gives *ret_rgb; free it
 * with fov_free(). FOV_EFORMAT, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_image_to_rgb8(const struct fov_image *image, uint8_t **ret_rgb,
                                            struct fov_err *err);

/* What a JPEG of `quality` leaves of a picture, in memory. Gives *ret_image. FOV_EFORMAT. */
FOV_CHECKED enum fov_code fov_image_through_jpeg(const struct fov_image *image, int quality,
                                                 struct fov_image **ret_image, struct fov_err *err);

/* A picture over 8-bit RGB in memory, which must outlive it; `name` is for messages. Errors:
 * FOV_EINTERNAL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_image_from_rgb8(const uint8_t *rgb, int width_px, int height_px,
                                              const char *name, struct fov_image **ret_image,
                                              struct fov_err *err);

#endif
