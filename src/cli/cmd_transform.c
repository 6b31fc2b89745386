/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_transform.c -- fovea transform IN OUT --ops JSON.
 *
 * Threads: main; progress may arrive on another. Owns: what one run opens. Trust: the recipe is a
 * user's (image/recipe.c); pictures: see image/load.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/presets.h"
#include "image/recipe.h"
#include "net/u2net.h"

enum { MAX_RECIPE_BYTES = 1 << 20, MAX_MODELS = FOV_MAX_OPS };

struct job {
    const char *in, *out;
    const struct fov_args *args;
    struct fov_engine *engine;
    struct fov_presets presets;
    struct fov_recipe *recipe;
    struct fov_image *image, *result; /* the pipeline */
    struct fov_outcome outcome;
    const struct fov_format *format;
    struct fov_save_options save;
    int width_px, height_px; /* that were saved */
    struct opened {
        const char *name; /* a text of the recipe */
        int factor;
        struct fov_dials dials;
        struct fov_model *model;
    } models[MAX_MODELS];
    int n_models;
    struct fov_pool *pool; /* of the network of --model, which finds what stands in front */
    struct fov_u2net *front;
    struct fov_cli_progress progress;
};

static void job_done(struct job *job)
{
    fov_image_free(job->result);
    fov_image_free(job->image);
    for (int i = 0; i < job->n_models; i++)
        fov_model_close(job->models[i].model);
    fov_u2net_close(job->front);
    fov_pool_close(job->pool);
    fov_recipe_free(job->recipe);
    fov_presets_done(&job->presets);
    fov_engine_close(job->engine);
}

/* The text of --ops, or of the file that it names. */
static enum fov_code read_text(const char *ops, char **ret_text, size_t *ret_bytes,
                               struct fov_err *err)
{
    if (ops[0] != '@') {
        if (!(*ret_text = fov_strdup(ops)))
            return fov_fail(err, FOV_ENOMEM, "no memory to read --ops");
        *ret_bytes = strlen(ops);
        return FOV_OK;
    }
    FILE *const file = fopen(ops + 1, "rbe");
    if (!file)
        return fov_fail(err, FOV_ENOINPUT, "%s: cannot read it: %s", ops + 1, strerror(errno));
    char *const text = fov_calloc(MAX_RECIPE_BYTES + 1, 1);
    const size_t n = text ? fread(text, 1, MAX_RECIPE_BYTES + 1, file) : 0;
    const int failed = ferror(file);
    (void)fclose(file);
    enum fov_code rc = FOV_OK;
    if (!text)
        rc = fov_fail(err, FOV_ENOMEM, "no memory to read %s", ops + 1);
    else if (failed)
        rc = fov_fail(err, FOV_ENOINPUT, "%s: cannot read it", ops + 1);
    else if (n > MAX_RECIPE_BYTES)
        rc = fov_fail(err, FOV_ELIMIT, "%s: is over the limit of %d bytes for operations", ops + 1,
                      MAX_RECIPE_BYTES);
    if (rc) {
        fov_free(text);
        return rc;
    }
    *ret_text = text;
    *ret_bytes = n;
    return FOV_OK;
}

static enum fov_code check_args(const struct fov_args *args, struct job *job, struct fov_err *err)
{
    FOV_AUTO(fov_free_at) char *text = NULL;
    size_t bytes;
    enum fov_code rc;
    job->args = args;
    job->in = args->operands[0];
    job->out = args->operands[1];
    if (!args->ops == !args->preset)
        return fov_fail(err, FOV_EUSAGE,
                        "transform needs either --ops, a JSON array of operations, or --preset");
    if ((rc = fov_cli_save_options(args, &job->save, err)))
        return rc;
    if (!args->dry_run && (rc = fov_cli_check_output(args, job->out, err)))
        return rc;
    if (args->preset)
        return fov_presets_init(&job->presets, err);
    if ((rc = read_text(args->ops, &text, &bytes, err)))
        return rc;
    return fov_recipe_parse(text, bytes, args->ops[0] == '@' ? args->ops + 1 : "--ops",
                            &job->recipe, err);
}

/* fov_open_model_fn: what was opened for one frame serves the others. */
static enum fov_code open_model(void *user, const char *name, int factor,
                                const struct fov_dials *dials, struct fov_model **ret_model,
                                struct fov_err *err)
{
    struct job *const job = user;
    const struct fov_args wanted = {
        .model = name, .detail = dials->detail, .denoise = dials->denoise};
    for (int i = 0; i < job->n_models; i++) {
        const struct opened *const o = &job->models[i];
        const bool same_name = name && o->name ? !strcmp(name, o->name) : name == o->name;
        if (same_name && o->factor == factor && o->dials.detail == dials->detail &&
            o->dials.denoise == dials->denoise) {
            *ret_model = o->model;
            return FOV_OK;
        }
    }
    const enum fov_code rc =
        fov_cli_model(&wanted, factor, job->engine, dials->is_clean, ret_model, err);
    if (!rc)
        job->models[job->n_models++] = (struct opened){name, factor, *dials, *ret_model};
    return rc;
}

/* fov_frame_fn */
static enum fov_code run(void *user, const struct fov_image *frame, struct fov_image **ret_result,
                         struct fov_err *err)
{
    struct job *const job = user;
    const struct fov_recipe_options options = {
        .open_model = open_model, .user = job, .front = job->front, .dry_run = job->args->dry_run};
    return fov_recipe_run(job->recipe, frame, &options, ret_result, &job->outcome, err);
}

/* Which format the result has: a convert's, and the name must not say another. */
static enum fov_code find_format(struct job *job, struct fov_err *err)
{
    const struct fov_format *named, *asked;
    const char *const slash = strrchr(job->out, '/');
    const bool has_suffix = strchr(slash ? slash + 1 : job->out, '.') != NULL;
    enum fov_code rc;
    if ((rc = fov_recipe_format(job->recipe, &asked, err)) ||
        (rc = fov_format_of(job->out, &named, err)))
        return rc;
    if (asked && has_suffix && named != asked)
        return fov_fail(err, FOV_EUSAGE, "%s is named as %s, and the operations convert to %s",
                        job->out, named->name, asked->name);
    job->format = asked ? asked : named;
    if (job->args->quality > 0 && !job->format->has_quality)
        return fov_fail(err, FOV_EUSAGE, "--quality: %s is lossless and has none",
                        job->format->name);
    return FOV_OK;
}

/* The recipe of --preset depends on the picture. */
static enum fov_code read_preset(struct job *job, int width_px, struct fov_err *err)
{
    FOV_AUTO(fov_free_at) char *json = NULL;
    if (job->recipe)
        return FOV_OK;
    const enum fov_code rc =
        fov_preset_recipe(&job->presets, job->args->preset, width_px, &json, err);
    return rc ? rc : fov_recipe_parse(json, strlen(json), job->args->preset, &job->recipe, err);
}

/* fov_drawing_scale_fn */
static enum fov_code drawing_scale(void *user, int width_px, int height_px, double *ret_scale,
                                   struct fov_err *err)
{
    struct job *const job = user;
    const enum fov_code rc = read_preset(job, width_px, err);
    if (!rc)
        *ret_scale = fov_recipe_drawing_scale(job->recipe, width_px, height_px);
    return rc;
}

static enum fov_code open_front(struct job *job, struct fov_err *err)
{
    const enum fov_code rc = job->args->model
                                 ? fov_pool_open(fov_engine_n_threads(job->engine), &job->pool, err)
                                 : FOV_OK;
    if (rc || !job->args->model)
        return rc;
    return fov_u2net_open(job->args->model, job->pool, &job->front, err);
}

static enum fov_code build(struct job *job, struct fov_err *err)
{
    const struct fov_load_options load = {.max_pixels = job->args->max_pixels,
                                          .page = job->args->page,
                                          .all_frames = true,
                                          .look = !job->args->dry_run &&
                                                  (!job->recipe || fov_recipe_looks(job->recipe)),
                                          .trust = job->args->trust,
                                          .drawing_scale = drawing_scale,
                                          .user = job};
    struct fov_image_info in;
    enum fov_code rc;
    if ((rc = fov_image_load(job->in, &load, &job->image, err)))
        return rc;
    fov_image_get_info(job->image, &in);
    if ((rc = read_preset(job, in.width_px, err)) || (rc = find_format(job, err)))
        return rc;
    if (in.n_frames > 1 && !job->format->has_frames)
        return fov_fail(err, FOV_EFORMAT,
                        "%s: holds %d frames or pages and %s one; choose one with --page 0 to %d, "
                        "or convert to webp, gif or tiff",
                        in.name, in.n_frames, job->format->name, in.n_frames - 1);
    return fov_cli_each_frame(job->image, run, job, &job->result, err);
}

static enum fov_code report(const struct job *job, double seconds, struct fov_err *err)
{
    struct fov_image_info in, out;
    fov_image_get_info(job->image, &in);
    fov_image_get_info(job->result, &out);
    const bool is_exact =
        !job->args->dry_run || (job->outcome.is_size_known && !job->outcome.max_bytes);
    if (!job->args->dry_run) {
        out.width_px = job->width_px;
        out.height_px = job->height_px;
        fov_cli_progress_done(&job->progress, "%s: %dx%d %s in %.1f s", job->out, out.width_px,
                              out.height_px, job->format->name, seconds);
    }
    if (job->args->dry_run && !job->args->json)
        printf("%s: %dx%d to %s%dx%d %s\n", in.name, in.width_px, in.height_px,
               is_exact ? "" : "at most ", out.width_px, out.height_px, job->format->name);
    if (!job->args->json)
        return FOV_OK;
    json_t *const line =
        json_pack("{s:o, s:o, s:i, s:i, s:b, s:s}", "input", fov_cli_text(job->in), "output",
                  fov_cli_text(job->out), "width_px", out.width_px, "height_px", out.height_px,
                  "size_is_exact", is_exact, "format", job->format->name);
    if (!job->args->dry_run)
        (void)json_object_set_new(line, "seconds", json_real(seconds));
    return fov_cli_print_json(line, err);
}

enum fov_code fov_cmd_transform(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(job_done) struct job job = {0};
    const double start = fov_clock_s();
    enum fov_code rc;

    if ((rc = check_args(args, &job, err)) || (rc = fov_cli_start(args, &job.engine, err)) ||
        (rc = open_front(&job, err)) || (rc = build(&job, err)))
        return rc;
    if (args->dry_run)
        return report(&job, 0, err);
    job.save.format = job.format;
    if (!job.save.quality)
        job.save.quality = job.outcome.quality;
    job.save.max_bytes = job.outcome.max_bytes;
    job.save.ret_width_px = &job.width_px;
    job.save.ret_height_px = &job.height_px;
    rc = fov_cli_save(job.result, job.out, &job.save, &job.progress, err);
    return rc ? rc : report(&job, fov_clock_s() - start, err);
}
