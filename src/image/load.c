/* SPDX-License-Identifier: Apache-2.0 */
/* load.c -- open a picture: bounded before it is decoded, upright, in a form a network can take.
 *
 * Decoders are told to fail on damage (libvips would otherwise hand out grey where the data ended
 * and call it success) and to stream from top to bottom. A picture that must be turned cannot be
 * read from top to bottom; it is decoded once, to memory, or to a temporary file beyond
 * SPILL_BYTES.
 *
 * Threads: one a picture. Owns: nothing beyond the picture. Trust: every byte of the file; libvips
 * and its decoders do the parsing, the limit on pixels is applied to the header.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "image/vimage.h"

#define FORMATS "JPEG, PNG, WebP, GIF, TIFF, AVIF, HEIF, JPEG XL, SVG, BMP"

enum { SPILL_BYTES = 64 << 20 };

/* A file that is no picture at all deserves a better sentence than a decoder's. Not opened: that
 * would disturb a named pipe. */
static enum fov_code check_file(const char *path, struct fov_err *err)
{
    struct stat st;
    if (stat(path, &st) || access(path, R_OK))
        return fov_fail(err, FOV_ENOINPUT, "%s: cannot read it: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return fov_fail(err, FOV_ENOINPUT, "%s: is a folder, not a picture", path);
    if (S_ISREG(st.st_mode) && st.st_size == 0)
        return fov_fail(err, FOV_EFORMAT, "%s: is empty", path);
    return FOV_OK;
}

/* A file on its way to being a picture. */
struct opening {
    const char *path, *name;
    const struct fov_load_options *options;
    VipsSource *source; /* NULL: the loader opens the file by its name */
    const char *format; /* its name */
    const char *loader; /* libvips's name of the class; NULL for BMP */
    bool is_bmp;
    double scale; /* of a drawing */
    struct fov__said said;
};

static void opening_done(struct opening *o)
{
    if (o->source)
        g_object_unref(o->source);
}

static bool is_vector_loader(const char *loader)
{
    return strstr(loader, "Svg") || strstr(loader, "Pdf");
}

/* What libvips can load and nobody would call a picture: tables of numbers, raw memory. */
static bool is_no_picture(const char *loader)
{
    return strstr(loader, "Csv") || strstr(loader, "Matrix") || strstr(loader, "Raw");
}

/* Do modules of libvips say nothing better of a file that is for this loader? A slide may look like
 * a TIFF, so only formats that stand for themselves. */
static bool is_certain(const char *loader)
{
    return loader && (strstr(loader, "Jpeg") || strstr(loader, "Png") || strstr(loader, "Webp") ||
                      strstr(loader, "Nsgif"));
}

static bool begins_with(VipsSource *source, const char *magic)
{
    const size_t n = strlen(magic);
    const unsigned char *const first = vips_source_sniff(source, n);
    return first && !memcmp(first, magic, n);
}

/* libvips finds loaders that it will not run. */
static bool is_blocked(const char *loader)
{
    const VipsOperationClass *const class = g_type_class_ref(g_type_from_name(loader));
    return class &&
           class->flags & VIPS_OPERATION_BLOCKED; /* classes stay, whoever refers to them */
}

/* A loader reads from a source, and some of the rarer ones only from a file by its name. */
static enum fov_code find_loader(struct opening *o, struct fov_err *err)
{
    const bool from_stdin = !strcmp(o->path, "-");
    o->source = from_stdin ? vips_source_new_from_descriptor(STDIN_FILENO)
                           : vips_source_new_from_file(o->path);
    if (!o->source)
        return fov__vips_fail(err, FOV_ENOINPUT, o->name, "cannot read it");
    if (o->options->trust)
        fov__allow_untrusted(true);
    o->format = fov__format_by_content(o->source);
    const bool is_png = o->format && !strcmp(o->format, "PNG");
    if (is_png)
        o->said.is_made_up = fov__png_has(o->source, "pHYs") == FOV_CHUNK_IS_NOT;
    const bool is_animated = is_png && fov__png_has(o->source, "acTL") == FOV_CHUNK_IS;
    if ((o->is_bmp = begins_with(o->source, "BM"))) {
        (void)fov__bmp_resolution(o->source, &o->said.x_px_per_mm, &o->said.y_px_per_mm);
        return FOV_OK;
    }
    o->loader = vips_foreign_find_load_source(o->source);
    if (!is_certain(o->loader) && fov__modules_open())
        o->loader = vips_foreign_find_load_source(o->source);
    if (!o->loader && !from_stdin) {
        o->loader = vips_foreign_find_load(o->path);
        g_object_unref(FOV_STEAL(o->source));
    }
    vips_error_clear();
    if (is_animated && o->options->page != 0)
        return fov_fail(err, FOV_EFORMAT,
                        "%s: is an animated PNG, of which only the first frame can be read%s",
                        o->name, fov__hint("; --page 0 takes it"));
    if (!o->loader && o->format && fov__has_loader(o->format))
        return fov_fail(err, FOV_EFORMAT, "%s: is %s, and damaged at its beginning", o->name,
                        o->format);
    if (!o->loader && o->format && fov__packages_of(o->format))
        return fov_fail(err, FOV_EKIND,
                        "%s: is %s, which the libvips here cannot read; it needs %s", o->name,
                        o->format, fov__packages_of(o->format));
    if (!o->loader || is_no_picture(o->loader))
        return fov_fail(err, FOV_EKIND, "%s: not a picture in a format that Fovea reads: " FORMATS,
                        o->name);
    if (is_blocked(o->loader))
        return fov_fail(
            err, FOV_EKIND,
            "%s: the decoder of this format is not made for files of strangers, as those "
            "of " FORMATS " are%s",
            o->name, fov__hint("; --trust reads it all the same"));
    return FOV_OK;
}

/* Read the header of page `page`, as far as the loader knows pages, or of all with n_pages -1. */
static enum fov_code open_header(const struct opening *o, int page, int n_pages,
                                 VipsImage **ret_image, struct fov_err *err)
{
    VipsOperation *const op = vips_operation_new(o->loader);
    if (!op)
        return fov__vips_fail(err, FOV_EINTERNAL, o->name, "its decoder is missing");

    if (o->source)
        g_object_set(op, "source", o->source, NULL);
    else
        g_object_set(op, "filename", o->path, NULL);
    g_object_set(op, "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_ERROR, NULL);
    if (page > 0 && g_object_class_find_property(G_OBJECT_GET_CLASS(op), "page"))
        g_object_set(op, "page", page, NULL);
    if (n_pages != 1 && g_object_class_find_property(G_OBJECT_GET_CLASS(op), "n"))
        g_object_set(op, "n", n_pages, NULL);
    if (is_vector_loader(o->loader))
        g_object_set(op, "scale", o->scale, NULL);

    const int failed = vips_object_build(VIPS_OBJECT(op));
    if (!failed)
        g_object_get(op, "out", ret_image, NULL);
    vips_object_unref_outputs(VIPS_OBJECT(op));
    g_object_unref(op);
    return failed ? fov__vips_fail(err, FOV_EFORMAT, o->name, "cannot be decoded") : FOV_OK;
}

enum fov_code fov__over_limit(const char *name, double width, double height, int64_t limit,
                              struct fov_err *err)
{
    const bool many = limit >= 10000000;
    const double unit = many ? 1e6 : 1;
    return fov_fail(err, FOV_ELIMIT, "%s: %.0fx%.0f is %.0f %spixels, over the limit of %.0f%s",
                    name, width, height, width * height / unit, many ? "mega" : "",
                    (double)limit / unit, fov__hint(" (--max-pixels raises it)"));
}

static int64_t limit_of(const struct opening *o)
{
    return o->options->max_pixels > 0 ? o->options->max_pixels : FOV_DEFAULT_MAX_PIXELS;
}

static enum fov_code check_pixels(const struct opening *o, VipsImage *image, struct fov_err *err)
{
    const double width = vips_image_get_width(image);
    const double height = vips_image_get_height(image);
    if (width * height <= (double)limit_of(o))
        return FOV_OK;
    return fov__over_limit(o->name, width, height, limit_of(o), err);
}

/* Gives *ret_n, how many frames are wanted. */
static enum fov_code check_pages(const struct opening *o, VipsImage *image, int *ret_n,
                                 struct fov_err *err)
{
    /* what libvips counts as pages of JPEG 2000 are smaller copies */
    const int n_pages = strstr(o->loader, "Jp2k") ? 1 : vips_image_get_n_pages(image);
    const int page = o->options->page;
    if (page >= n_pages)
        return fov_fail(err, FOV_EFORMAT, "%s: holds %d frames or pages; there is no page %d",
                        o->name, n_pages, page);
    if (n_pages > 1 && page < 0 && !o->options->all_frames)
        return fov_fail(err, FOV_EFORMAT,
                        "%s: holds %d frames or pages; choose one with --page 0 to %d, or write "
                        ".webp, .gif or .tiff, which hold them all",
                        o->name, n_pages, n_pages - 1);
    *ret_n = page < 0 ? n_pages : 1;
    return FOV_OK;
}

/* Open what is asked for, once the first page's header has said how many there are. */
static enum fov_code open_page(const struct opening *o, VipsImage **ret_image, int *ret_n_frames,
                               struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *image = NULL;
    const int page = o->options->page > 0 ? o->options->page : 0;
    int n_frames = 1;
    enum fov_code rc;
    if ((rc = open_header(o, 0, 1, &image, err)) || (rc = check_pages(o, image, &n_frames, err)))
        return rc;
    if (page > 0 || n_frames > 1) {
        g_object_unref(FOV_STEAL(image));
        if ((rc = open_header(o, page, n_frames > 1 ? -1 : 1, &image, err)))
            return rc;
    }
    if (n_frames > 1 && vips_image_get_page_height(image) * n_frames != image->Ysize)
        return fov_fail(err, FOV_EFORMAT, "%s: its %d pages are not of one size%s", o->name,
                        n_frames, fov__hint("; choose one with --page"));
    *ret_n_frames = n_frames;
    *ret_image = FOV_STEAL(image);
    return FOV_OK;
}

/* A drawing was opened at its own size; open it at the one that is wanted. */
static enum fov_code draw(struct opening *o, VipsImage **image, int n_frames, struct fov_err *err)
{
    const double width = vips_image_get_width(*image);
    const double height = vips_image_get_height(*image);
    enum fov_code rc;
    if (!o->loader || !is_vector_loader(o->loader) || !o->options->drawing_scale)
        return FOV_OK;
    if ((rc = o->options->drawing_scale(o->options->user, (int)width, (int)height / n_frames,
                                        &o->scale, err)))
        return rc;
    const double drawn_px = width * o->scale * height * o->scale;
    if (drawn_px > (double)fov__max_result_pixels())
        return fov_fail(err, FOV_ELIMIT,
                        "%s: drawn at %.0fx%.0f it is %.0f megapixels, over the limit of %.0f",
                        o->name, width * o->scale, height * o->scale, drawn_px / 1e6,
                        (double)fov__max_result_pixels() / 1e6);
    g_object_unref(FOV_STEAL(*image));
    return open_page(o, image, &n_frames, err);
}

static enum fov_code open_bmp(const struct opening *o, VipsImage **ret_image, struct fov_err *err)
{
    if (o->options->page > 0)
        return fov_fail(err, FOV_EFORMAT, "%s: holds 1 frames or pages; there is no page %d",
                        o->name, o->options->page);
    return fov__load_bmp(o->source, o->name, limit_of(o), ret_image, err);
}

static void on_eval(VipsImage *image, VipsProgress *progress, void *user)
{
    (void)progress, (void)user;
    if (fov__is_stopped())
        vips_image_set_kill(image, TRUE);
}

int fov__make_random(VipsImage **image)
{
    VipsImage *const t = VIPS_IMAGE_SIZEOF_IMAGE(*image) > SPILL_BYTES && !fov__is_serving()
                             ? vips_image_new_temp_file("%s.v")
                             : vips_image_new_memory();
    VipsImage *watched = NULL; /* a copy, so that signals end with it */
    int failed = !t || vips_copy(*image, &watched, NULL);
    if (!failed) {
        vips_image_set_progress(watched, TRUE);
        g_signal_connect(watched, "eval", G_CALLBACK(on_eval), NULL);
        fov__run_begins();
        failed = fov__run_ends(vips_image_write(watched, t));
    }
    fov__unref_at(&watched);
    if (failed) {
        fov__unref_at((VipsImage *[]){t});
        return -1;
    }
    g_object_unref(*image);
    *image = t;
    return 0;
}

/* Replace *image by what `next` made of it. */
static int step(VipsImage **image, int failed, VipsImage **next)
{
    if (failed)
        return -1;
    g_object_unref(*image);
    *image = *next;
    return 0;
}

static int turn_upright(VipsImage **image, bool header_only)
{
    VipsImage *t = NULL;
    const int orientation = vips_image_get_orientation(*image);
    if (orientation == 1 || vips_image_get_page_height(*image) < (*image)->Ysize)
        return 0;
    if (orientation > 2 && !header_only &&
        fov__make_random(image)) /* 2 mirrors left and right: rows stay in order */
        return -1;
    return step(image, vips_autorot(*image, &t, NULL), &t);
}

int fov__normalise(VipsImage **image)
{
    VipsImage *t = NULL;
    const VipsInterpretation space = vips_image_guess_interpretation(*image);
    const VipsBandFormat format = vips_image_get_format(*image);
    const bool wide = format != VIPS_FORMAT_UCHAR && format != VIPS_FORMAT_CHAR;

    if (space == VIPS_INTERPRETATION_CMYK)
        return step(image,
                    vips_icc_transform(*image, &t, "srgb", "embedded", TRUE, "input_profile",
                                       "cmyk", "depth", wide ? 16 : 8, NULL),
                    &t);
    const bool plain = (space == VIPS_INTERPRETATION_sRGB || space == VIPS_INTERPRETATION_B_W ||
                        space == VIPS_INTERPRETATION_RGB16 || space == VIPS_INTERPRETATION_GREY16 ||
                        space == VIPS_INTERPRETATION_RGB);
    if (plain && (format == VIPS_FORMAT_UCHAR || format == VIPS_FORMAT_USHORT))
        return 0;
    const bool grey = vips_image_get_bands(*image) < 3;
    return step(
        image,
        vips_colourspace(*image, &t,
                         wide ? (grey ? VIPS_INTERPRETATION_GREY16 : VIPS_INTERPRETATION_RGB16)
                              : (grey ? VIPS_INTERPRETATION_B_W : VIPS_INTERPRETATION_sRGB),
                         NULL),
        &t);
}

static enum fov_code prepare(const struct opening *o, VipsImage **image, struct fov_err *err)
{
    const bool header_only = o->options->header_only;
    if (fov__find_resolution(image, &o->said) || turn_upright(image, header_only))
        return fov__is_stopped() ? fov_fail(err, FOV_ECANCEL, "%s: stopped", o->name)
                                 : fov__vips_fail(err, FOV_EFORMAT, o->name, "is damaged");
    const bool is_tiff = o->format && !strcmp(o->format, "TIFF"); /* others say what they mean */
    if ((is_tiff && fov__read_floats(image, header_only)) || fov__normalise(image))
        return fov__vips_fail(err, FOV_EFORMAT, o->name, "its colours cannot be converted");
    const int bands = vips_image_get_bands(*image);
    if (bands < 1 || bands > 4)
        return fov_fail(err, FOV_EFORMAT, "%s: has %d channels; up to 4 are supported", o->name,
                        bands);
    return FOV_OK;
}

/* Formats whose pixels show whether they were compressed: these know blocks of 8x8 or 4x4 pixels,
 * or keep what there is. Others have blocks of all sizes, or patterns of few colours. */
static bool is_telling(const char *format)
{
    static const char *const telling[] = {"JPEG", "PNG", "WebP", "TIFF", "BMP", "PPM"};
    for (size_t i = 0; format && i < FOV_N_ELEMENTS(telling); i++)
        if (!strcmp(format, telling[i]))
            return true;
    return false;
}

/* Is it clean? It is read from its beginning to its end, and can then be read again: what comes
 * through a pipe is kept. */
static bool look(const struct opening *o)
{
    FOV_AUTO(fov__unref_at) VipsImage *image = NULL;
    const int page = o->options->page > 0 ? o->options->page : 0;
    size_t bytes;
    if (!is_telling(o->format) || !o->source)
        return false;
    if (!vips_source_is_mappable(o->source) && !vips_source_map(o->source, &bytes))
        return false;
    if (o->is_bmp ? open_bmp(o, &image, NULL) : open_header(o, page, 1, &image, NULL))
        return false;
    return !check_pixels(o, image, NULL) && !fov__normalise(&image) && image->Bands <= 4 &&
           fov__is_clean(image);
}

enum fov_code fov_image_load(const char *path, const struct fov_load_options *options,
                             struct fov_image **ret_image, struct fov_err *err)
{
    const bool from_stdin = !strcmp(path, "-");
    const char *const name = options->name ? options->name : from_stdin ? "standard input" : path;
    FOV_AUTO(opening_done)
    struct opening o = {.path = path, .name = name, .options = options, .scale = 1};
    FOV_AUTO(fov__unref_at) VipsImage *image = NULL;
    int n_frames = 1;
    enum fov_code rc;

    if (!from_stdin && (rc = check_file(path, err)))
        return rc;
    if ((rc = find_loader(&o, err)))
        return rc;
    const bool is_clean = options->look && look(&o);
    vips_error_clear();
    if ((rc = o.is_bmp ? open_bmp(&o, &image, err) : open_page(&o, &image, &n_frames, err)) ||
        (rc = check_pixels(&o, image, err)) || (rc = draw(&o, &image, n_frames, err)) ||
        (rc = prepare(&o, &image, err)))
        return rc;
    const struct fov_image like = {.is_vector = o.loader && is_vector_loader(o.loader),
                                   .is_clean = is_clean,
                                   .format = o.format ? o.format
                                             : o.loader && strstr(o.loader, "Svg")
                                                 ? "SVG"
                                                 : "another format",
                                   .n_frames = n_frames};
    return fov__image_wrap(FOV_STEAL(image), &like, o.name, ret_image, err);
}
