/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c -- what the commands share: an engine by the options, a model by its name, JSON.
 *
 * Threads: main. Owns: nothing. Trust: options and environment are a user's.
 */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "base/str.h"
#include "image/models.h"

void fov_cli_engine_close_at(struct fov_engine **engine)
{
    fov_engine_close(*engine);
}

void fov_cli_model_close_at(struct fov_model **model)
{
    fov_model_close(*model);
}

enum fov_code fov_cli_engine(const struct fov_args *args, struct fov_engine **ret_engine,
                             struct fov_err *err)
{
    const char *const cpu = getenv("FOV_CPU");
    const struct fov_engine_options options = {
        .n_threads = args->threads > 0 ? args->threads : 0,
        .cpu = cpu && *cpu ? cpu : NULL,
        .exact = args->exact,
    };
    struct fov_err why = {0};
    const enum fov_code rc = fov_engine_open(&options, ret_engine, &why);
    if (rc == FOV_EUSAGE) /* --threads was checked: it is the environment */
        return fov_fail(err, FOV_ECONFIG, "FOV_CPU: %s", why.text);
    if (rc)
        return fov_fail(err, rc, "%s", why.text);
    return FOV_OK;
}

enum fov_code fov_cli_start(const struct fov_args *args, struct fov_engine **ret_engine,
                            struct fov_err *err)
{
    const enum fov_code rc = fov_cli_engine(args, ret_engine, err);
    const int64_t most = args->max_pixels < INT64_MAX / 16 ? 16 * args->max_pixels : INT64_MAX;
    if (most > FOV_MAX_RESULT_PIXELS) /* what may come in, 4 times as large, may go out */
        fov_image_set_max_result(most);
    return rc ? rc
              : fov_image_start("fovea", fov_engine_n_threads(*ret_engine), fov_cli_stopped, err);
}

/* The network and the share of `--mix M=S`. */
static enum fov_code parse_mix(const char *text, int factor, char **ret_path, double *ret_share,
                               struct fov_err *err)
{
    const char *const equals = strrchr(text, '=');
    if (!equals || equals == text || !fov_parse_real(equals + 1, 0, 1, ret_share))
        return fov_fail(err, FOV_EUSAGE,
                        "--mix %.40s: it is a network and its share of 0 to 1, like clean=0.5",
                        text);
    FOV_AUTO(fov_free_at) char *name = fov_strdup(text);
    if (!name)
        return fov_fail(err, FOV_ENOMEM, "no memory to find a model");
    name[equals - text] = '\0';
    return fov_models_find(name, factor, ret_path, err);
}

enum fov_code fov_cli_model(const struct fov_args *args, int factor, struct fov_engine *engine,
                            bool is_clean, struct fov_model **ret_model, struct fov_err *err)
{
    /* No new pixels, no new texture; and what is there was asked to be cleaned. */
    const double detail = factor == 1 && args->detail < 0 ? 0 : args->detail;
    const struct fov_dials dials = {detail, args->denoise, is_clean && factor > 1};
    FOV_AUTO(fov_free_at) char *path = NULL;
    FOV_AUTO(fov_free_at) char *other = NULL;
    double share = 0;
    enum fov_code rc = fov_models_find(args->model, factor, &path, err);
    if (rc)
        return rc;
    if (!args->mix)
        return fov_model_open_dialled(engine, path, &dials, ret_model, err);
    if (args->detail >= 0 || args->denoise >= 0)
        return fov_fail(err, FOV_EUSAGE, "--mix takes the place of --detail and --denoise");
    if ((rc = parse_mix(args->mix, factor, &other, &share, err)))
        return rc;
    const struct fov_model_part parts[] = {{path, 1 - share}, {other, share}};
    return fov_model_open_mix(engine, parts, 2, ret_model, err);
}

enum fov_code fov_cli_check_output(const struct fov_args *args, const char *out,
                                   struct fov_err *err)
{
    if (!strcmp(out, "-") && isatty(STDOUT_FILENO))
        return fov_fail(err, FOV_EUSAGE,
                        "standard output is a terminal; a picture goes to a pipe or a file");
    if (args->json && !strcmp(out, "-"))
        return fov_fail(err, FOV_EUSAGE, "--json and the picture cannot share standard output");
    return fov_outfile_check(out, args->force, err);
}

static enum fov_code find_keep(const struct fov_args *args, enum fov_keep *ret_keep,
                               struct fov_err *err)
{
    const char *const name = args->keep ? args->keep : args->strip ? "none" : "all";
    if (args->keep && args->strip)
        return fov_fail(err, FOV_EUSAGE, "--strip is --keep none; give one of them");
    for (int i = 0; i < FOV_N_KEEPS; i++)
        if (!strcmp(name, fov_keep_names[i])) {
            *ret_keep = (enum fov_keep)i;
            return FOV_OK;
        }
    return fov_fail(err, FOV_EUSAGE, "--keep %.20s: it is one of all, icc, none", name);
}

enum fov_code fov_cli_save_options(const struct fov_args *args,
                                   struct fov_save_options *ret_options, struct fov_err *err)
{
    struct fov_save_options o = {
        .quality = args->quality > 0 ? args->quality : 0,
        .lossless = args->lossless,
        .chroma = args->chroma > 0 ? args->chroma : 0,
        .progressive = args->progressive,
        .effort = args->effort > 0 ? args->effort : 0,
        .replace = args->force,
    };
    const enum fov_code rc = find_keep(args, &o.keep, err);
    if (rc)
        return rc;
    if (o.chroma && o.chroma != 420 && o.chroma != 444)
        return fov_fail(err, FOV_EUSAGE, "--chroma %d: it is 444 or 420", o.chroma);
    if (o.lossless && o.quality)
        return fov_fail(err, FOV_EUSAGE, "--lossless has no --quality");
    *ret_options = o;
    return FOV_OK;
}

static int on_progress(void *user, int percent, double seconds_left)
{
    struct fov_cli_progress *const p = user;
    const double now = fov_clock_s();
    if (p->on_terminal && now - p->shown_at_s > 0.1) {
        p->shown_at_s = now;
        (void)fprintf(stderr, "\r%3d %%  %.0f s left \033[K", percent, seconds_left);
    }
    return fov_cli_stopped();
}

void fov_cli_progress_done(const struct fov_cli_progress *progress, const char *fmt, ...)
{
    if (!progress->on_terminal)
        return;
    (void)fprintf(stderr, "\r");
    if (fmt) {
        va_list words;
        va_start(words, fmt);
        (void)vfprintf(stderr, fmt, words);
        va_end(words);
    }
    (void)fprintf(stderr, "\033[K%s", fmt ? "\n" : "");
}

struct frames {
    fov_frame_fn *fn;
    void *user;
    int n, at;
    bool on_terminal;
};

/* fov_frame_fn */
static enum fov_code next_frame(void *user, const struct fov_image *frame,
                                struct fov_image **ret_result, struct fov_err *err)
{
    struct frames *const f = user;
    if (f->on_terminal)
        (void)fprintf(stderr, "\rframe %d of %d \033[K", ++f->at, f->n);
    return f->fn(f->user, frame, ret_result, err);
}

enum fov_code fov_cli_each_frame(const struct fov_image *in, fov_frame_fn *fn, void *user,
                                 struct fov_image **ret_image, struct fov_err *err)
{
    struct fov_image_info info;
    fov_image_get_info(in, &info);
    struct frames f = {.fn = fn,
                       .user = user,
                       .n = info.n_frames,
                       .on_terminal = info.n_frames > 1 && isatty(STDERR_FILENO)};
    const enum fov_code rc = fov_image_each_frame(in, next_frame, &f, ret_image, err);
    if (f.on_terminal)
        (void)fprintf(stderr, "\r\033[K");
    return rc;
}

static void warn_of_losses(const struct fov_image *image, const struct fov_save_options *options,
                           const char *out)
{
    const struct fov_format *const format = options->format;
    struct fov_image_info info;
    fov_image_get_info(image, &info);
    if (info.has_alpha && !format->has_alpha)
        fov_log(FOV_LOG_WARNING, "%s: %s has no transparency, so it becomes white", out,
                format->name);
    const struct {
        const char *name;
        bool is_there;
    } metadata[] = {{"EXIF", info.has_exif}, {"XMP", info.has_xmp}, {"IPTC", info.has_iptc}};
    for (size_t i = 0; i < FOV_N_ELEMENTS(metadata); i++)
        if (options->keep == FOV_KEEP_ALL && metadata[i].is_there && format->lacks &&
            strstr(format->lacks, metadata[i].name))
            fov_log(FOV_LOG_WARNING, "%s: %s is not kept, libvips writes none to %s", out,
                    metadata[i].name, format->name);
}

enum fov_code fov_cli_save(const struct fov_image *image, const char *out,
                           struct fov_save_options *save, struct fov_cli_progress *progress,
                           struct fov_err *err)
{
    *progress = (struct fov_cli_progress){.on_terminal = isatty(STDERR_FILENO)};
    save->progress = on_progress;
    save->user = progress;
    const enum fov_code rc = fov_image_save(image, out, save, err);
    if (rc)
        fov_cli_progress_done(progress, NULL);
    else
        warn_of_losses(image, save, out);
    return rc;
}

static int is_picture(const struct dirent *entry)
{
    static const char *const suffixes[] = {".png", ".webp", ".jpg", ".jpeg"};
    const char *const dot = strrchr(entry->d_name, '.');
    for (size_t i = 0; dot && i < FOV_N_ELEMENTS(suffixes); i++)
        if (!strcasecmp(dot, suffixes[i]))
            return 1;
    return 0;
}

enum fov_code fov_cli_pictures(const char *folder, struct dirent ***ret_entries, int *ret_n,
                               struct fov_err *err)
{
    const int n = scandir(folder, ret_entries, is_picture, alphasort);
    if (n < 0)
        return fov_fail(err, FOV_ENOINPUT, "%s: cannot list this folder", folder);
    if (n == 0) {
        fov_cli_pictures_free(*ret_entries, n);
        return fov_fail(err, FOV_ENOINPUT, "%s: holds no .png, .webp or .jpg files", folder);
    }
    *ret_n = n;
    return FOV_OK;
}

void fov_cli_pictures_free(struct dirent **entries, int n)
{
    for (int i = 0; i < n; i++)
        fov_free(entries[i]);
    fov_free(entries);
}

static bool json_printed;

bool fov_cli_json_printed(void)
{
    return json_printed;
}

json_t *fov_cli_text(const char *text)
{
    if (fov_is_utf8(text))
        return json_string(text);
    FOV_AUTO(fov_free_at) char *copy = fov_strdup(text);
    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return copy ? json_string(copy) : NULL;
}

enum fov_code fov_cli_print_json(json_t *value, struct fov_err *err)
{
    json_printed = true;
    if (!value)
        return fov_fail(err, FOV_ENOMEM, "no memory for the JSON");
    const int failed = json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
    json_decref(value);
    if (failed || putchar('\n') == EOF || fflush(stdout))
        return fov_fail(err, FOV_EOUTPUT, "standard output: cannot write it");
    return FOV_OK;
}
