/* SPDX-License-Identifier: Apache-2.0 */
/* task.c -- what a worker does: one recipe, one picture.
 *
 * The networks that are installed, as they are, are loaded before workers are forked and shared by
 * them; one with its dials turned is a network of its own, which the worker that wants it loads
 * before it enters the sandbox. The format of the result is the one of a convert, PNG after an
 * upscale, and else the one that came in.
 *
 * Threads: one, and what the engine and libvips start within a task. Owns: a studio. Trust: the
 * operations were checked; the picture is a stranger's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "image/models.h"
#include "image/recipe.h"
#include "net/engine.h"
#include "net/u2net.h"
#include "worker/fonts.h"
#include "worker/message.h"
#include "worker/sandbox.h"

enum { MAX_FILES = 64 };

struct fov__studio {
    struct fov_engine *engine;
    struct fov_pool *pool; /* of `front` */
    struct fov_u2net *front;
    int n;
    struct installed {
        char *path;
        struct fov_model *model, *clean; /* for pictures that are, when it is another */
    } * models;
};

static const struct fov_dials untouched = {-1, -1, 0};

/* ---- before there are pictures ----------------------------------------------------------- */

void fov__studio_close(struct fov__studio *studio)
{
    if (!studio)
        return;
    for (int i = 0; i < studio->n; i++) {
        fov_model_close(studio->models[i].model);
        fov_model_close(studio->models[i].clean);
        fov_free(studio->models[i].path);
    }
    fov_free(studio->models);
    fov_u2net_close(studio->front);
    fov_pool_close(studio->pool);
    fov_engine_close(studio->engine);
    fov_free(studio);
}

/* The network of a file with its dials turned, and *ret_clean for clean pictures where that is
 * another, or NULL. */
static enum fov_code open_both(struct fov_engine *engine, const char *path,
                               const struct fov_dials *dials, struct fov_model **ret_model,
                               struct fov_model **ret_clean, struct fov_err *err)
{
    const struct fov_dials clean = {dials->detail, dials->denoise, 1};
    const enum fov_code rc = fov_model_open_dialled(engine, path, dials, ret_model, err);
    if (rc || dials->denoise >= 0 || !fov_model_metadata(*ret_model, "clean"))
        return rc;
    return fov_model_open_dialled(engine, path, &clean, ret_clean, err);
}

static enum fov_code load_models(struct fov__studio *s, struct fov_err *err)
{
    char **names;
    int n;
    enum fov_code rc = fov_models_list(&names, &n, err);
    if (rc)
        return rc;
    if (!(s->models = fov_calloc((size_t)n, sizeof(*s->models))))
        rc = fov_fail(err, FOV_ENOMEM, "no memory for the networks");
    for (int i = 0; i < n && !rc; i++, s->n++) {
        struct installed *const m = &s->models[s->n];
        if (!(rc = fov_models_find(names[i], 0, &m->path, err)))
            rc = open_both(s->engine, m->path, &untouched, &m->model, &m->clean, err);
    }
    fov_models_free(names, n);
    return rc;
}

enum fov_code fov__studio_open(int n_threads, const char *u2net, struct fov__studio **ret_studio,
                               struct fov_err *err)
{
    const struct fov_engine_options options = {.n_threads = n_threads};
    struct fov__studio *const s = fov_calloc(1, sizeof(*s));
    enum fov_code rc;
    if (!s)
        return fov_fail(err, FOV_ENOMEM, "no memory for workers");
    if (!(rc = fov_engine_open(&options, &s->engine, err)) &&
        !(rc = fov_image_start("fovea", fov_engine_n_threads(s->engine), NULL, err)) &&
        !(rc = load_models(s, err)) && u2net &&
        !(rc = fov_pool_open(fov_engine_n_threads(s->engine), &s->pool, err)))
        rc = fov_u2net_open(u2net, s->pool, &s->front, err);
    if (!rc)
        fov_image_serve();
    if (rc) {
        fov__studio_close(s);
        return rc;
    }
    *ret_studio = s;
    return FOV_OK;
}

/* ---- a task ------------------------------------------------------------------------------ */

struct task {
    struct fov__studio *studio;
    const struct fov__ask *ask;
    struct fov_recipe *recipe;
    struct fov_image *image, *result;
    struct fov_outcome outcome;
    const struct fov_format *format;
    int width_px, height_px; /* that were saved; 0 where nothing was encoded */
    int scratch_fd;          /* which the sandbox would not let it make */
    int n_wanted;
    struct wanted {
        const char *name; /* a text of the recipe */
        int factor;
        struct fov_dials dials;
        struct fov_model *model, *clean; /* as in installed */
        bool is_own;
    } wanted[FOV_MAX_OPS];
};

static void task_done(struct task *t)
{
    fov_image_free(t->result);
    fov_image_free(t->image);
    for (int i = 0; i < t->n_wanted; i++)
        if (t->wanted[i].is_own) {
            fov_model_close(t->wanted[i].model);
            fov_model_close(t->wanted[i].clean);
        }
    fov_recipe_free(t->recipe);
    if (t->scratch_fd > 0)
        (void)close(t->scratch_fd);
}

enum fov_code fov_task_check(const char *operations, size_t n_bytes, struct fov_err *err)
{
    struct fov_recipe *recipe;
    struct fov_dials dials;
    struct fov_err why = {0};
    const char *name;
    int factor;
    enum fov_code rc = fov_recipe_parse(operations, n_bytes, "operations", &recipe, err);
    if (rc)
        return rc;
    for (int i = 0; !rc && fov_recipe_upscale(recipe, i, &name, &factor, &dials); i++) {
        FOV_AUTO(fov_free_at) char *path = NULL;
        if (name && (rc = fov_models_find_installed(name, factor, &path, &why)))
            rc = fov_fail(err, FOV_EUSAGE, "operations: upscale: %s", why.text);
    }
    fov_recipe_free(recipe);
    return rc;
}

static enum fov_code open_wanted(struct task *t, struct fov_err *err)
{
    struct wanted *w = t->wanted;
    for (int i = 0; fov_recipe_upscale(t->recipe, i, &w->name, &w->factor, &w->dials); i++) {
        const struct fov__studio *const s = t->studio;
        FOV_AUTO(fov_free_at) char *path = NULL;
        enum fov_code rc = fov_models_find_installed(w->name, w->factor, &path, err);
        if (rc)
            return rc;
        const bool as_it_is = w->dials.detail < 0 && w->dials.denoise < 0;
        for (int j = 0; as_it_is && j < s->n && !w->model; j++)
            if (!strcmp(path, s->models[j].path)) {
                w->model = s->models[j].model;
                w->clean = s->models[j].clean;
            }
        t->n_wanted++;
        w->is_own = !w->model;
        if (w->is_own && (rc = open_both(s->engine, path, &w->dials, &w->model, &w->clean, err)))
            return rc;
        w++;
    }
    return FOV_OK;
}

/* fov_open_model_fn */
static enum fov_code open_model(void *user, const char *name, int factor,
                                const struct fov_dials *dials, struct fov_model **ret_model,
                                struct fov_err *err)
{
    const struct task *const t = user;
    for (int i = 0; i < t->n_wanted; i++) {
        const struct wanted *const w = &t->wanted[i];
        if (w->name == name && w->factor == factor && w->dials.detail == dials->detail &&
            w->dials.denoise == dials->denoise) {
            *ret_model = dials->is_clean && w->clean ? w->clean : w->model;
            return FOV_OK;
        }
    }
    return fov_fail(err, FOV_EINTERNAL, "a network was not opened before it was wanted");
}

/* fov_drawing_scale_fn */
static enum fov_code drawing_scale(void *user, int width_px, int height_px, double *ret_scale,
                                   struct fov_err *err)
{
    (void)err;
    *ret_scale = fov_recipe_drawing_scale(((struct task *)user)->recipe, width_px, height_px);
    return FOV_OK;
}

/* fov_frame_fn */
static enum fov_code run(void *user, const struct fov_image *frame, struct fov_image **ret_result,
                         struct fov_err *err)
{
    struct task *const t = user;
    const struct fov_recipe_options options = {
        .open_model = open_model, .user = t, .front = t->studio->front, .dry_run = t->ask->dry_run};
    return fov_recipe_run(t->recipe, frame, &options, ret_result, &t->outcome, err);
}

static enum fov_code find_format(struct task *t, const struct fov_image_info *in,
                                 struct fov_err *err)
{
    struct fov_dials dials;
    const char *name;
    int factor;
    const enum fov_code rc = fov_recipe_format(t->recipe, &t->format, err);
    if (rc)
        return rc;
    if (!t->format && !fov_recipe_upscale(t->recipe, 0, &name, &factor, &dials))
        t->format = fov_format_named(in->format);
    if (!t->format)
        t->format = fov_format_named("PNG");
    return in->n_frames > 1 && !t->format->has_frames
               ? fov_fail(err, FOV_EFORMAT,
                          "%s: holds %d frames and %s one; convert to webp keeps them all",
                          in->name, in->n_frames, t->format->name)
               : FOV_OK;
}

/* What has no operations is answered as it came, if it can be read. */
static enum fov_code copy_file(struct fov_err *err)
{
    char piece[1 << 14];
    off_t at = 0;
    ssize_t n;
    while ((n = pread(STDIN_FILENO, piece, sizeof(piece), at)) > 0 &&
           fov_write_all(STDOUT_FILENO, piece, (size_t)n))
        at += n;
    return n ? fov_fail(err, FOV_EOUTPUT, "the file cannot be copied: %s", strerror(errno))
             : FOV_OK;
}

static enum fov_code save(struct task *t, struct fov_err *err)
{
    const struct fov_save_options options = {.format = t->format,
                                             .quality = t->outcome.quality,
                                             .max_bytes = t->outcome.max_bytes,
                                             .ret_width_px = &t->width_px,
                                             .ret_height_px = &t->height_px,
                                             .scratch_fd = t->scratch_fd};
    struct fov_err why = {0};
    struct fov_image_info in;
    enum fov_code rc;
    fov_image_get_info(t->image, &in);
    const bool as_it_came =
        !fov_recipe_n_ops(t->recipe) && t->format == fov_format_named(in.format);
    rc = as_it_came ? fov_image_check(t->result, &why)
                    : fov_image_save(t->result, "-", &options, &why);
    if (as_it_came && !rc)
        rc = copy_file(&why);
    if (rc == FOV_EOUTPUT)
        return fov_fail(err, FOV_ELIMIT, "%s: the result is over the limit of %lld bytes", in.name,
                        (long long)t->ask->limits.max_result_bytes);
    return rc ? fov_fail(err, rc, "%s", why.text) : FOV_OK;
}

static enum fov_code enter_sandbox(const struct fov_worker_limits *limits, struct fov_err *err)
{
    unsigned char first[64];
    const ssize_t n = pread(STDIN_FILENO, first, sizeof(first), 0);
    const bool has_text = n > 0 && fov_image_may_be_drawing(first, (size_t)n);
    const int n_fonts = has_text ? fov__fonts_open() : 0;
    char line[80];
    FILE *const file = fopen("/proc/self/statm", "re");
    const bool known = file && fgets(line, sizeof(line), file);
    const long long pages = known ? strtoll(line, NULL, 10) : 0;
    if (file)
        (void)fclose(file);
    if (pages <= 0)
        return fov_fail(err, FOV_EINTERNAL, "the system does not tell how large a worker is");
    const struct fov_sandbox_limits to = {.memory_bytes =
                                              pages * sysconf(_SC_PAGESIZE) + limits->memory_bytes,
                                          .file_bytes = limits->max_result_bytes,
                                          .cpu_s = limits->cpu_s,
                                          .max_files = MAX_FILES + n_fonts};
    return fov_sandbox_enter(&to, err);
}

static void limit_threads(struct fov__studio *studio, int n)
{
    fov_engine_limit(studio->engine, n);
    if (studio->pool)
        fov_pool_limit(studio->pool, n);
    fov_image_set_threads(n);
}

enum fov_code fov__task_do(struct fov__studio *studio, const struct fov__ask *ask, const char *name,
                           const char *operations, struct fov__answer *answer, struct fov_err *err)
{
    FOV_AUTO(task_done) struct task t = {.studio = studio, .ask = ask};
    struct fov_load_options load = {.max_pixels = ask->limits.max_pixels,
                                    .page = -1,
                                    .all_frames = true,
                                    .name = name,
                                    .drawing_scale = drawing_scale,
                                    .user = &t};
    struct fov_image_info in, out;
    enum fov_code rc;

    (void)lseek(STDIN_FILENO, 0, SEEK_SET); /* another worker may have begun it, and died */
    fov_image_set_max_result(ask->limits.max_result_pixels);
    limit_threads(studio, ask->n_threads);
    if ((rc = fov_recipe_parse(operations, strlen(operations), "operations", &t.recipe, err)) ||
        (!ask->dry_run && (rc = open_wanted(&t, err))))
        return rc;
    if ((t.scratch_fd = memfd_create("scratch", MFD_CLOEXEC)) < 0)
        return fov_fail(err, FOV_EINTERNAL, "a worker has no file to try sizes in: %s",
                        strerror(errno));
    if ((rc = enter_sandbox(&ask->limits, err)))
        return rc;
    load.look = !ask->dry_run && fov_recipe_looks(t.recipe);
    if ((rc = fov_image_load("-", &load, &t.image, err)))
        return rc;
    fov_image_get_info(t.image, &in);
    if ((rc = find_format(&t, &in, err)) ||
        (rc = fov_image_each_frame(t.image, run, &t, &t.result, err)) ||
        (!ask->dry_run && (rc = save(&t, err))))
        return rc;
    fov_image_get_info(t.result, &out);
    *answer =
        (struct fov__answer){.in_width_px = in.width_px,
                             .in_height_px = in.height_px,
                             .width_px = t.width_px ? t.width_px : out.width_px,
                             .height_px = t.height_px ? t.height_px : out.height_px,
                             .size_is_exact = t.outcome.is_size_known && !t.outcome.max_bytes};
    (void)snprintf(answer->mime_type, sizeof(answer->mime_type), "%s", t.format->mime_type);
    return FOV_OK;
}
