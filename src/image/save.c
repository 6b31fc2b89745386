/* SPDX-License-Identifier: Apache-2.0 */
/* save.c -- run a pipeline and write its result, complete or not at all.
 *
 * libvips pulls strips through the pipeline, and they are encoded as they come; the bytes go
 * through our own write function, so that a full disk is told from a damaged input: both end the
 * pipeline.
 *
 * PNG is written by png.c, in a sixth of the time of libvips's writer (docs/SPEED.md). JPEG:
 * libvips subsamples chroma below quality 90 only; optimised Huffman tables would need the whole
 * result in memory. The encoders of WebP, AVIF, HEIF and JPEG XL hold the whole result by
 * themselves; the efforts of two of them are below libvips's defaults, which take up to seven times
 * as long for a few percent.
 *
 * Threads: libvips's; progress may be told on any of them. Owns: nothing. Trust: the pixels.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "image/vimage.h"

static const struct fov_format formats[] = {
    {.name = "PNG",
     .suffixes = ".png",
     .mime_type = "image/png",
     .has_profile = true,
     .has_grey = true,
     .max_side_px = VIPS_MAX_COORD,
     .lacks = "IPTC",
     .has_alpha = true},
    {.name = "JPEG",
     .suffixes = ".jpg.jpeg.jpe.jfif",
     .mime_type = "image/jpeg",
     .has_profile = true,
     .has_grey = true,
     .has_photoshop = true,
     .saver = "jpegsave_target",
     .max_side_px = 65500,
     .has_quality = true,
     .has_chroma = true,
     .has_progressive = true},
    {.name = "WebP",
     .suffixes = ".webp",
     .mime_type = "image/webp",
     .has_profile = true,
     .lacks = "IPTC",
     .saver = "webpsave_target",
     .max_side_px = 16383,
     .has_alpha = true,
     .has_quality = true,
     .has_frames = true,
     .has_lossless = true,
     .most_effort = 6,
     .effort = 4},
    {.name = "TIFF",
     .suffixes = ".tif.tiff",
     .mime_type = "image/tiff",
     .has_profile = true,
     .has_grey = true,
     .saver = "tiffsave_target",
     .max_side_px = VIPS_MAX_COORD,
     .has_alpha = true,
     .lacks = "EXIF",
     .has_frames = true},
    {.name = "AVIF",
     .suffixes = ".avif",
     .mime_type = "image/avif",
     .has_profile = true,
     .lacks = "IPTC",
     .saver = "heifsave_target",
     .max_side_px = 16384,
     .has_alpha = true,
     .has_quality = true,
     .has_lossless = true,
     .has_chroma = true,
     .most_effort = 9,
     .effort = 3},
    {.name = "HEIF",
     .suffixes = ".heic.heif",
     .mime_type = "image/heif",
     .has_profile = true,
     .lacks = "IPTC",
     .saver = "heifsave_target",
     .max_side_px = 16384,
     .has_alpha = true,
     .has_quality = true,
     .has_lossless = true,
     .has_chroma = true},
    {.name = "JPEG XL",
     .suffixes = ".jxl",
     .mime_type = "image/jxl",
     .has_profile = true,
     .has_grey = true,
     .saver = "jxlsave_target",
     .max_side_px = VIPS_MAX_COORD,
     .has_alpha = true,
     .lacks = "EXIF XMP IPTC",
     .has_quality = true,
     .has_lossless = true,
     .most_effort = 9,
     .effort = 5},
    {.name = "GIF",
     .suffixes = ".gif",
     .mime_type = "image/gif",
     .saver = "gifsave_target",
     .max_side_px = 65535,
     .has_alpha = true,
     .lacks = "EXIF XMP IPTC",
     .has_frames = true,
     .most_effort = 10,
     .effort = 7},
};

/* Is `suffix`, without its dot, one of ".a.b.c"? */
static bool has_suffix(const char *list, const char *suffix)
{
    const size_t n = strlen(suffix);
    for (const char *at = list; at; at = strchr(at + 1, '.'))
        if (!g_ascii_strncasecmp(at + 1, suffix, n) && (at[n + 1] == '.' || at[n + 1] == '\0'))
            return true;
    return false;
}

/* Can this build write the format? */
static bool is_there(const struct fov_format *f)
{
    return !f->saver || vips_type_find("VipsOperation", f->saver) ||
           (fov__modules_open() && vips_type_find("VipsOperation", f->saver));
}

const struct fov_format *fov_format_named(const char *name)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(formats); i++)
        if (!strcmp(name, formats[i].name) && is_there(&formats[i]))
            return &formats[i];
    return NULL;
}

enum fov_code fov_format_of(const char *path, const struct fov_format **ret_format,
                            struct fov_err *err)
{
    const char *const slash = strrchr(path, '/'), *const name = slash ? slash + 1 : path;
    const char *const dot = strrchr(name, '.');
    if (!dot || dot == name || !dot[1]) {
        *ret_format = &formats[0];
        return FOV_OK;
    }
    for (size_t i = 0; i < FOV_N_ELEMENTS(formats); i++) {
        if (!has_suffix(formats[i].suffixes, dot + 1))
            continue;
        if (!is_there(&formats[i]))
            return fov_fail(err, FOV_EUSAGE, "%s: the libvips here cannot write %s; it needs %s",
                            path, formats[i].name, fov__packages_of(formats[i].name));
        *ret_format = &formats[i];
        return FOV_OK;
    }
    return fov_fail(
        err, FOV_EUSAGE,
        "%s: cannot write %s; .png, .jpg, .webp, .tiff, .avif, .heic, .jxl and .gif are "
        "formats that it can be",
        path, dot);
}

/* ---- where the bytes go ------------------------------------------------------------------ */

struct sink {
    int fd;
    int write_errno; /* of the first write that failed, or 0 */
};

/* fov_png_write_fn */
static bool write_all(void *user, const void *data, size_t bytes)
{
    struct sink *const s = user;
    if (fov_write_all(s->fd, data, bytes))
        return true;
    s->write_errno = s->write_errno ? s->write_errno : errno;
    return false;
}

static gint64 on_write(VipsTargetCustom *target, const void *data, gint64 bytes, void *user)
{
    (void)target;
    return write_all(user, data, (size_t)bytes) ? bytes : -1;
}

/* TIFF goes back to fill in its directory. */
static gint64 on_read(VipsTargetCustom *target, void *data, gint64 bytes, void *user)
{
    (void)target;
    return read(((struct sink *)user)->fd, data, (size_t)bytes);
}

static gint64 on_seek(VipsTargetCustom *target, gint64 offset, int whence, void *user)
{
    (void)target;
    return lseek(((struct sink *)user)->fd, offset, whence);
}

static VipsTarget *target_new(struct sink *s)
{
    VipsTargetCustom *const target = vips_target_custom_new();
    g_signal_connect(target, "write", G_CALLBACK(on_write), s);
    g_signal_connect(target, "read", G_CALLBACK(on_read), s);
    g_signal_connect(target, "seek", G_CALLBACK(on_seek), s);
    return VIPS_TARGET(target);
}

static void unref_target(VipsTarget *const *target)
{
    g_object_unref(*target);
}

/* ---- the run ----------------------------------------------------------------------------- */

struct run {
    const struct fov_save_options *options;
    volatile int cancelled;
};

static void on_eval(VipsImage *image, VipsProgress *p, struct run *run)
{
    if (!run->cancelled && run->options->progress &&
        run->options->progress(run->options->user, p->percent, p->eta)) {
        run->cancelled = 1;
        vips_image_set_kill(image, TRUE);
    }
}

/* How pixels become bytes. */
struct encoding {
    const struct fov_format *format;
    const struct fov_save_options *options;
    int quality;
};

/* Bytes of pixels; LZW adds up to a half, and files from 4 GiB on have offsets of 64 bits. */
static const guint64 big_tiff = (G_GUINT64_CONSTANT(4) << 30) / 3 * 2 - (64 << 20);

static void set(VipsOperation *op, const char *name, int value)
{
    g_object_set(op, name, value, NULL);
}

/* 1..9 in the range of the format's encoder. */
static int effort_of(const struct encoding *how)
{
    const int asked = how->options->effort, most = how->format->most_effort;
    return asked > 0 ? (int)lround((asked - 1) / 8.0 * (most - 1)) + 1 : how->format->effort;
}

static void set_options(VipsOperation *op, VipsImage *image, const struct encoding *how)
{
    const struct fov_format *const f = how->format;
    if (f->has_quality)
        set(op, "Q", how->quality);
    if (f->most_effort)
        set(op, "effort", effort_of(how));
    if (f->has_lossless)
        set(op, "lossless", how->options->lossless);
    if (f->has_chroma && how->options->chroma)
        set(op, "subsample_mode",
            how->options->chroma == 444 ? VIPS_FOREIGN_SUBSAMPLE_OFF : VIPS_FOREIGN_SUBSAMPLE_ON);
    if (f->has_progressive)
        set(op, "interlace", how->options->progressive);
    if (!strcmp(f->name, "AVIF"))
        set(op, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1);
    if (!strcmp(f->name, "HEIF"))
        set(op, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_HEVC);
    if (!strcmp(f->name, "TIFF")) {
        set(op, "bigtiff", VIPS_IMAGE_SIZEOF_IMAGE(image) > big_tiff);
        set(op, "compression", VIPS_FOREIGN_TIFF_COMPRESSION_LZW);
        set(op, "predictor", VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL);
    }
}

static int encode_by_vips(VipsImage *image, struct sink *sink, const struct encoding *how)
{
    FOV_AUTO(unref_target) VipsTarget *const target = target_new(sink);
    VipsOperation *const op = vips_operation_new(how->format->saver);
    if (!op)
        return -1;
    g_object_set(op, "in", image, "target", target, NULL);
    set_options(op, image, how);
    const int failed = vips_object_build(VIPS_OBJECT(op));
    vips_object_unref_outputs(VIPS_OBJECT(op));
    g_object_unref(op);
    return failed;
}

static enum fov_code encode(VipsImage *image, struct sink *sink, const struct encoding *how)
{
    enum fov_code rc = FOV_OK;
    fov__run_begins();
    if (!how->format->saver)
        rc = fov__save_png(image, write_all, sink);
    else if (encode_by_vips(image, sink, how))
        rc = FOV_EFORMAT;
    return rc || !fov__run_ends(0) ? rc : FOV_EFORMAT;
}

/* ---- to a size --------------------------------------------------------------------------- */

enum { LEAST_QUALITY = 30 }; /* below it fewer pixels look better */

/* What encode_to_fit() tries: a picture whose pixels are at hand, and a file without a name. */
struct trials {
    const struct fov_image *image;
    struct encoding how;
    int64_t max_bytes;
    struct sink sink;
};

/* How many bytes the picture takes; they stay in the file. Codes of encode(). */
static enum fov_code try(struct trials *t, VipsImage *image, int quality, int64_t *ret_bytes)
{
    enum fov_code rc = FOV_EOUTPUT;
    t->how.quality = quality;
    if (ftruncate(t->sink.fd, 0) || lseek(t->sink.fd, 0, SEEK_SET))
        return rc;
    rc = encode(image, &t->sink, &t->how);
    if (rc && t->sink.write_errno == EFBIG) { /* over the process's own limit: far too many */
        t->sink.write_errno = 0;
        vips_error_clear();
        *ret_bytes = 4 * t->max_bytes;
        return FOV_OK;
    }
    if (rc)
        return rc;
    *ret_bytes = lseek(t->sink.fd, 0, SEEK_END);
    return FOV_OK;
}

/* The best quality from LEAST_QUALITY to `most` that fits, left in the file. Gives *ret_bytes, of
 * the least quality when none does. */
static enum fov_code fit_by_quality(struct trials *t, int most, int64_t *ret_bytes)
{
    int low = most < LEAST_QUALITY ? most : LEAST_QUALITY, high = most, best = 0;
    enum fov_code rc = try(t, t->image->vips, most, ret_bytes);
    if (rc || *ret_bytes <= t->max_bytes || low == high)
        return rc;
    while (low < high) {
        const int middle = (low + high) / 2;
        if ((rc = try(t, t->image->vips, middle, ret_bytes)))
            return rc;
        if (*ret_bytes <= t->max_bytes)
            best = middle, low = middle + 1;
        else
            high = middle;
    }
    return try(t, t->image->vips, best ? best : low, ret_bytes);
}

struct size {
    int width_px, height_px;
};

/* fov_frame_fn */
static enum fov_code shrink(void *user, const struct fov_image *frame,
                            struct fov_image **ret_result, struct fov_err *err)
{
    const struct size *const to = user;
    return fov_image_resample(frame, FOV_FILTER_LANCZOS, to->width_px, to->height_px, ret_result,
                              err);
}

/* Fewer and fewer pixels at one quality, until they fit: the size of a file grows with the pixels,
 * and somewhat slower. *size, of a frame, is what they come to. */
static enum fov_code fit_by_size(struct trials *t, int quality, int64_t bytes, struct size *size,
                                 struct fov_err *err)
{
    double width = size->width_px, height = size->height_px;
    while (bytes > t->max_bytes) {
        struct fov_image *smaller;
        const double part = 0.97 * sqrt((double)t->max_bytes / (double)bytes);
        if (width <= 1 && height <= 1)
            return fov_fail(err, FOV_EFORMAT,
                            "%s: as %s even 1x1 pixels take %lld bytes, over %lld", t->image->name,
                            t->how.format->name, (long long)bytes, (long long)t->max_bytes);
        width = fmax(1, floor(width * part));
        height = fmax(1, floor(height * part));
        *size = (struct size){(int)width, (int)height};
        enum fov_code rc = fov_image_each_frame(t->image, shrink, size, &smaller, err);
        if (rc)
            return rc;
        rc = try(t, smaller->vips, quality, &bytes);
        fov_image_free(smaller);
        if (rc)
            return rc;
    }
    return FOV_OK;
}

/* What was tried last, to where it belongs. */
static bool copy_out(const struct sink *from, struct sink *to)
{
    char piece[1 << 16];
    ssize_t n;
    if (lseek(from->fd, 0, SEEK_SET))
        return false;
    while ((n = read(from->fd, piece, sizeof(piece))) > 0)
        if (!write_all(to, piece, (size_t)n))
            return false;
    return n == 0;
}

/* Encode *image, whose frames have *size, so that it takes at most max_bytes. A code without a
 * sentence is one of encode(). */
static enum fov_code encode_to_fit(VipsImage **image, const struct fov_image *like,
                                   struct sink *sink, const struct encoding *how, struct size *size,
                                   struct fov_err *err)
{
    struct fov_image whole = *like;
    struct trials t = {.image = &whole, .how = *how, .max_bytes = how->options->max_bytes};
    const int quality = how->quality, scratch_fd = how->options->scratch_fd;
    int64_t bytes;
    enum fov_code rc;

    if (fov__make_random(image))
        return FOV_EFORMAT;
    whole.vips = *image;
    t.sink.fd = scratch_fd ? scratch_fd : memfd_create("fovea", MFD_CLOEXEC);
    if (t.sink.fd < 0)
        return fov_fail(err, FOV_ENOMEM, "no memory to encode %s in", like->name);
    rc = how->format->has_quality ? fit_by_quality(&t, quality, &bytes)
                                  : try(&t, *image, quality, &bytes);
    if (!rc)
        rc = fit_by_size(&t, quality < LEAST_QUALITY ? quality : LEAST_QUALITY, bytes, size, err);
    if (rc)
        sink->write_errno = t.sink.write_errno;
    else if (!copy_out(&t.sink, sink))
        rc = FOV_EOUTPUT;
    if (!scratch_fd)
        close(t.sink.fd);
    return rc;
}

static int flatten_on_white(VipsImage **image)
{
    const double top = (*image)->BandFmt == VIPS_FORMAT_USHORT ? 65535 : 255;
    VipsImage *t = NULL;
    VipsArrayDouble *const white = vips_array_double_newv(1, top);
    const int failed = vips_flatten(*image, &t, "background", white, "max_alpha", top, NULL);
    vips_area_unref(VIPS_AREA(white));
    if (failed)
        return -1;
    g_object_unref(*image);
    *image = t;
    return 0;
}

/* Why did it end? A write that failed, a step of ours, or else the input. */
static enum fov_code explain(const struct fov_image *image, const char *path,
                             const struct sink *sink, const struct run *run, struct fov_err *err)
{
    const struct fov_err *const step = image->step_failure;
    if (sink->write_errno) {
        vips_error_clear();
        return fov_fail(err, FOV_EOUTPUT, "%s: cannot write it: %s",
                        strcmp(path, "-") ? path : "standard output", strerror(sink->write_errno));
    }
    if (run->cancelled) {
        vips_error_clear();
        return fov_fail(err, FOV_ECANCEL, "%s: stopped", image->name);
    }
    return fov__run_failed(
        image, step && step->code ? "is damaged" : "is damaged, or cannot be encoded", err);
}

static enum fov_code check_side(const struct fov_image *image, const struct fov_format *format,
                                const char *path, struct fov_err *err)
{
    struct fov_image_info i;
    fov_image_get_info(image, &i);
    if (i.width_px > format->max_side_px || i.height_px > format->max_side_px)
        return fov_fail(err, FOV_ELIMIT, "%s: a result of %dx%d is over %s's limit of %d a side",
                        path, i.width_px, i.height_px, format->name, format->max_side_px);
    if (i.n_frames > 1 && !format->has_frames)
        return fov_fail(err, FOV_EUSAGE, "%s: %s holds one picture and not %d frames", path,
                        format->name, i.n_frames);
    return FOV_OK;
}

/* A choice that a format does not have is better refused than passed over. */
static enum fov_code check_choices(const struct fov_format *f, const struct fov_save_options *o,
                                   struct fov_err *err)
{
    const char *const what = o->lossless && !f->has_lossless         ? "--lossless"
                             : o->chroma && !f->has_chroma           ? "--chroma"
                             : o->progressive && !f->has_progressive ? "--progressive"
                             : o->effort && !f->most_effort          ? "--effort"
                                                                     : NULL;
    return what ? fov_fail(err, FOV_EUSAGE, "%s: %s has no such choice", what, f->name) : FOV_OK;
}

enum fov_code fov_image_save(const struct fov_image *image, const char *path,
                             const struct fov_save_options *options, struct fov_err *err)
{
    const int quality = options->quality ? options->quality : FOV_DEFAULT_QUALITY;
    const struct fov_format *format = NULL;
    struct fov_outfile *file;
    struct fov_err said = {0};
    struct fov_image_info info;
    enum fov_code rc;

    fov_image_get_info(image, &info);
    struct size size = {info.width_px, info.height_px};
    if ((rc = options->format ? FOV_OK : fov_format_of(path, &format, err)))
        return rc;
    format = options->format ? options->format : format;
    if ((rc = check_choices(format, options, err)) || (rc = check_side(image, format, path, err)) ||
        (rc = fov_outfile_open(path, options->replace, &file, err)))
        return rc;

    const struct encoding how = {format, options, quality};
    struct sink sink = {.fd = fov_outfile_fd(file)};
    struct run run = {.options = options};
    FOV_AUTO(fov__unref_at) VipsImage *v = NULL;
    /* A copy carries the progress signals, so that the picture itself stays as it was. */
    int failed = vips_copy(image->vips, &v, NULL);
    if (!failed && !format->has_alpha && v->Bands % 2 == 0)
        failed = flatten_on_white(&v);
    failed =
        failed || fov__keep_metadata(&v, options->keep,
                                     format->has_profile && (format->has_grey || v->Bands > 2));
    if (!failed) {
        fov__fit_iptc(v, format->has_photoshop);
        if (format->saver && v->Xres == FOV_NO_RESOLUTION)
            v->Xres = v->Yres = 72 / 25.4; /* what readers take where nothing is said */
    }
    rc = FOV_EFORMAT;
    if (!failed) {
        vips_image_set_progress(v, TRUE);
        g_signal_connect(v, "eval", G_CALLBACK(on_eval), &run);
        rc = options->max_bytes > 0 ? encode_to_fit(&v, image, &sink, &how, &size, &said)
                                    : encode(v, &sink, &how);
    }
    if (said.code)
        rc = fov_fail(err, said.code, "%s", said.text);
    else if (rc == FOV_ENOMEM)
        rc = fov_fail(err, rc, "%s: no memory to encode it", path);
    else if (rc || sink.write_errno)
        rc = explain(image, path, &sink, &run, err);
    if (rc) {
        fov_outfile_close(file);
        return rc;
    }
    if (options->ret_width_px)
        *options->ret_width_px = size.width_px;
    if (options->ret_height_px)
        *options->ret_height_px = size.height_px;
    return fov_outfile_commit(&file, err);
}
