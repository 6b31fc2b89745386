/* SPDX-License-Identifier: Apache-2.0 */
/* image.c -- start libvips, and what every picture has.
 *
 * libvips's modules are left aside at first (modules.c). Its cache of operations is switched off: a
 * program that handles one picture after another has nothing to find in it again, and it would keep
 * files open. What GLib and libvips would print by themselves is dropped; what matters arrives as
 * an error.
 *
 * Threads: start and stop on the main thread; pictures on one thread at a time. Owns: pictures.
 */
#include "image/vimage.h"

#include <string.h>

#include "base/mem.h"

static void drop_message(const char *domain, GLogLevelFlags level, const char *text, void *user)
{
    (void)domain, (void)level, (void)text, (void)user;
}

static bool started;

static int (*asked_to_stop)(void);

bool fov__is_stopped(void)
{
    return asked_to_stop && asked_to_stop();
}

enum fov_code fov_image_start(const char *program, int n_threads, int (*stopped)(void),
                              struct fov_err *err)
{
    asked_to_stop = stopped;
    if (fov__modules_defer(vips_init, program))
        return fov__vips_fail(err, FOV_EINTERNAL, program, "libvips does not start");
    started = true;
    fov__allow_untrusted(false);
    g_log_set_default_handler(drop_message, NULL);
    vips_cache_set_max(0);
    vips_concurrency_set(n_threads);
    return FOV_OK;
}

void fov_image_set_threads(int n)
{
    vips_concurrency_set(n);
}

void fov_image_stop(void)
{
    if (started)
        vips_shutdown();
}

const char *fov_image_library(void)
{
    return vips_version_string();
}

/* What libvips, GLib and libjpeg say where the system refused them something, and what that is. */
static const struct refusal {
    const char *said, *what;
    enum fov_code code;
} refusals[] = {
#define NO_MEMORY "the system gives no more memory or threads"
#define NO_ROOM   "no room for temporary files; $TMPDIR says where they are"
    {"out of memory", NO_MEMORY, FOV_ENOMEM},
    {"Error creating thread", NO_MEMORY, FOV_ENOMEM},
    {"Insufficient memory", NO_MEMORY, FOV_ENOMEM},
    {"failed to allocate", NO_MEMORY, FOV_ENOMEM},
    {"unable to write to", NO_ROOM, FOV_EOUTPUT},
    {"wbuffer_write", NO_ROOM, FOV_EOUTPUT},
};

enum fov_code fov__vips_tell(struct fov_err *err, enum fov_code code, const char *name,
                             const char *what)
{
    const struct refusal *refusal = NULL;
    char line[160];
    for (size_t i = 0; i < FOV_N_ELEMENTS(refusals) && !refusal; i++)
        if (strstr(vips_error_buffer(), refusals[i].said))
            refusal = &refusals[i];
    (void)g_strlcpy(line, vips_error_buffer(), sizeof(line));
    line[strcspn(line, "\n")] = '\0';
    vips_error_clear();
    (void)fov_fail(err, refusal ? refusal->code : code, line[0] ? "%s: %s (%s)" : "%s: %s", name,
                   refusal ? refusal->what : what, line);
    return refusal ? refusal->code : FOV_OK;
}

void fov__run_begins(void)
{
    vips_error_clear();
}

/* Is it a warning of libjpeg that no pixel suffers by: about what stands before them? Others, about
 * the codes of pixels, are damage, which libjpeg would go on from with grey or with blocks moved.
 */
static bool is_harmless(const char *line, size_t n)
{
    static const char *const about[] = {
        "unknown JFIF revision number",        "Unknown Adobe color transform code",
        "extraneous bytes before marker 0xdb", "extraneous bytes before marker 0xe",
        "extraneous bytes before marker 0xfe", "extraneous bytes before marker 0xc0"};
    for (size_t i = 0; i < FOV_N_ELEMENTS(about); i++)
        if (g_strstr_len(line, (gssize)n, about[i]))
            return true;
    return false;
}

int fov__run_ends(int failed)
{
    for (const char *line = vips_error_buffer(); !failed && *line;) {
        const size_t n = strcspn(line, "\n");
        failed = !is_harmless(line, n);
        line += n + (line[n] == '\n');
    }
    return failed ? -1 : 0;
}

enum fov_code fov__run_failed(const struct fov_image *image, const char *what, struct fov_err *err)
{
    const struct fov_err *const step = image->step_failure;
    if (fov__is_stopped() || (step && step->code == FOV_ECANCEL)) {
        vips_error_clear();
        return fov_fail(err, FOV_ECANCEL, "%s: stopped", image->name);
    }
    if (step && step->code && step->code != FOV_ENOINPUT) {
        vips_error_clear();
        return fov_fail(err, step->code, "%s: %s", image->name, step->text);
    }
    return fov__vips_fail(err, FOV_EFORMAT, image->name, what);
}

enum fov_code fov__settle(struct fov_image *image, struct fov_err *err)
{
    if (fov__make_random(&image->vips))
        return fov__run_failed(image, "is damaged", err);
    image->step_failure = NULL; /* it has run */
    return FOV_OK;
}

enum fov_code fov__image_wrap(VipsImage *vips, const struct fov_image *like, const char *name,
                              struct fov_image **ret_image, struct fov_err *err)
{
    struct fov_image *const image = fov_calloc(1, sizeof(*image));
    char *const copy = fov_strdup(name);
    if (!image || !copy) {
        fov_free(image);
        fov_free(copy);
        g_object_unref(vips);
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for this picture", name);
    }
    if (like)
        *image = *like;
    image->vips = vips;
    image->name = copy;
    *ret_image = image;
    return FOV_OK;
}

void fov_image_free(struct fov_image *image)
{
    if (!image)
        return;
    fov__unref_at(&image->vips);
    fov_free(image->name);
    fov_free(image);
}

void fov_image_get_info(const struct fov_image *image, struct fov_image_info *ret_info)
{
    VipsImage *const v = image->vips;
    const int n_frames = image->n_frames > 1 ? image->n_frames : 1;
    *ret_info = (struct fov_image_info){
        .width_px = vips_image_get_width(v),
        .height_px = vips_image_get_height(v) / n_frames,
        .n_frames = n_frames,
        .n_channels = vips_image_get_bands(v),
        .has_alpha = vips_image_get_bands(v) % 2 == 0,
        .is_16bit = vips_image_get_format(v) == VIPS_FORMAT_USHORT,
        .has_exif = vips_image_get_typeof(v, VIPS_META_EXIF_NAME) != 0,
        .has_xmp = vips_image_get_typeof(v, VIPS_META_XMP_NAME) != 0,
        .has_iptc = vips_image_get_typeof(v, VIPS_META_IPTC_NAME) != 0,
        .has_profile = vips_image_get_typeof(v, VIPS_META_ICC_NAME) != 0,
        .dpi = v->Xres == FOV_NO_RESOLUTION ? 0 : v->Xres * 25.4,
        .format = image->format,
        .is_vector = image->is_vector,
        .is_clean = image->is_clean,
        .name = image->name,
    };
}

enum fov_code fov_image_check(const struct fov_image *image, struct fov_err *err)
{
    double mean;
    fov__run_begins();
    return fov__run_ends(vips_avg(image->vips, &mean, NULL))
               ? fov__run_failed(image, "is damaged", err)
               : FOV_OK;
}

enum fov_code fov_image_to_rgb8(const struct fov_image *image, uint8_t **ret_rgb,
                                struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *rgb = NULL;
    FOV_AUTO(fov__unref_at) VipsImage *three = NULL;
    size_t bytes;

    if (vips_colourspace(image->vips, &rgb, VIPS_INTERPRETATION_sRGB, NULL) ||
        vips_extract_band(rgb, &three, 0, "n", 3, NULL))
        return fov__vips_fail(err, FOV_EFORMAT, image->name, "cannot be made RGB");
    fov__run_begins();
    void *const pixels = vips_image_write_to_memory(three, &bytes);
    if (fov__run_ends(!pixels)) {
        g_free(pixels);
        return fov__vips_fail(err, FOV_EFORMAT, image->name, "is damaged");
    }
    uint8_t *const copy = fov_calloc(bytes, 1);
    if (copy)
        memcpy(copy, pixels, bytes);
    g_free(pixels);
    if (!copy)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for its %zu bytes", image->name, bytes);
    *ret_rgb = copy;
    return FOV_OK;
}

enum fov_code fov_image_through_jpeg(const struct fov_image *image, int quality,
                                     struct fov_image **ret_image, struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *decoded = NULL;
    void *file = NULL;
    size_t n = 0;
    const int failed = vips_jpegsave_buffer(image->vips, &file, &n, "Q", quality, NULL) ||
                       vips_jpegload_buffer(file, n, &decoded, NULL) || fov__make_random(&decoded);
    g_free(file);
    if (failed)
        return fov__vips_fail(err, FOV_EFORMAT, image->name, "cannot be made a JPEG");
    return fov__image_wrap(FOV_STEAL(decoded), image, image->name, ret_image, err);
}

enum fov_code fov_image_from_rgb8(const uint8_t *rgb, int width_px, int height_px, const char *name,
                                  struct fov_image **ret_image, struct fov_err *err)
{
    VipsImage *const v = vips_image_new_from_memory(rgb, (size_t)width_px * (size_t)height_px * 3,
                                                    width_px, height_px, 3, VIPS_FORMAT_UCHAR);
    if (!v)
        return fov__vips_fail(err, FOV_EINTERNAL, name, "is no picture");
    v->Type = VIPS_INTERPRETATION_sRGB;
    return fov__image_wrap(v, NULL, name, ret_image, err);
}
