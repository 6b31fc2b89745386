/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_upscale.c -- fovea upscale IN OUT.
 *
 * Threads: main; progress may arrive on another. Owns: what one run opens. Trust: see image/load.c.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "image/recipe.h"
#include "image/target.h"

enum { AI = -1 }; /* among the values of enum fov_filter */

struct job {
    const char *in, *out;
    struct fov_target target;
    bool has_target;
    double paper_width_in, paper_height_in; /* of --print, or 0 */
    struct fov_target_plan plan;
    int method; /* AI or an enum fov_filter */
    const struct fov_format *format;
    struct fov_save_options save;
    const struct fov_args *args;
    struct fov_cli_progress progress;

    struct fov_image *image, *enlarged; /* the pipeline */
    struct fov_engine *engine;
    struct fov_model *model;
};

static void job_done(struct job *job)
{
    fov_image_free(job->enlarged);
    fov_image_free(job->image);
    fov_model_close(job->model);
    fov_engine_close(job->engine);
}

static enum fov_code find_method(const char *name, int *ret_method, struct fov_err *err)
{
    *ret_method = AI;
    if (!name || !strcmp(name, "ai"))
        return FOV_OK;
    for (int i = 0; i < FOV_N_FILTERS; i++)
        if (!strcmp(name, fov_filter_names[i])) {
            *ret_method = i;
            return FOV_OK;
        }
    return fov_fail(err, FOV_EUSAGE,
                    "--method %.20s: it is one of ai, lanczos, bicubic, bilinear, nearest", name);
}

/* What size the options ask for. */
static enum fov_code read_target(const struct fov_args *args, struct job *job, struct fov_err *err)
{
    struct fov_target *const t = &job->target;
    const bool by_side = args->width > 0 || args->height > 0;
    static const char *const fits[] = {"cover", "contain", "fill", "inside", "outside"};
    *t = (struct fov_target){
        .width_px = args->width > 0 ? args->width : 0,
        .height_px = args->height > 0 ? args->height : 0,
        .min_side_px = args->min_side > 0 ? args->min_side : 0,
        .fit = args->fit,
    };
    job->has_target = by_side || args->min_side > 0 || args->print;
    t->factor = args->factor >= 0 ? args->factor : job->has_target ? FOV_FACTOR_AUTO : 4;
    if (by_side + (args->min_side > 0) + !!args->print > 1)
        return fov_fail(
            err, FOV_EUSAGE,
            "--width and --height, --min-side, --print: a size is given by one of them");
    if (t->factor == FOV_FACTOR_AUTO && !job->has_target)
        return fov_fail(err, FOV_EUSAGE,
                        "--factor auto needs a size: --width, --height, --min-side or --print");
    if (args->fit && !args->print && (args->width < 0 || args->height < 0))
        return fov_fail(err, FOV_EUSAGE, "--fit needs --width and --height, or --print");
    bool known = !args->fit;
    for (size_t i = 0; i < FOV_N_ELEMENTS(fits) && !known; i++)
        known = !strcmp(args->fit, fits[i]);
    if (!known)
        return fov_fail(err, FOV_EUSAGE,
                        "--fit %.20s: it is one of cover, contain, fill, inside, outside",
                        args->fit);
    if (t->factor == 1 && job->method != AI)
        return fov_fail(err, FOV_EUSAGE, "--factor 1 cleans a picture, which --method ai does");
    if (job->has_target && job->method != AI)
        return fov_fail(err, FOV_EUSAGE, "a size goes with --method ai, not with %s", args->method);
    return args->print
               ? fov_paper_parse(args->print, &job->paper_width_in, &job->paper_height_in, err)
               : FOV_OK;
}

static enum fov_code check_args(const struct fov_args *args, struct job *job, struct fov_err *err)
{
    enum fov_code rc;
    job->args = args;
    job->in = args->operands[0];
    job->out = args->operands[1];
    if ((rc = find_method(args->method, &job->method, err)) || (rc = read_target(args, job, err)) ||
        (rc = fov_cli_save_options(args, &job->save, err)) ||
        (rc = fov_format_of(job->out, &job->format, err)))
        return rc;
    if (args->quality > 0 && !job->format->has_quality)
        return fov_fail(err, FOV_EUSAGE, "--quality: %s is lossless and has none",
                        job->format->name);
    const char *const of_networks = args->model          ? "model"
                                    : args->mix          ? "mix"
                                    : args->detail >= 0  ? "detail"
                                    : args->denoise >= 0 ? "denoise"
                                                         : NULL;
    if (job->method != AI && of_networks)
        return fov_fail(err, FOV_EUSAGE, "--%s goes with --method ai, not with %s", of_networks,
                        args->method);
    return fov_cli_check_output(args, job->out, err);
}

/* What has to be done with a picture of this size. */
static enum fov_code make_plan(struct job *job, int width_px, int height_px, struct fov_err *err)
{
    const int dpi = job->args->dpi > 0 ? job->args->dpi : 300;
    const enum fov_code rc =
        job->args->print
            ? fov_paper_pixels(job->paper_width_in, job->paper_height_in, dpi, width_px, height_px,
                               &job->target.width_px, &job->target.height_px, err)
            : FOV_OK;
    if (!rc)
        fov_target_plan(&job->target, width_px, height_px, &job->plan);
    return rc;
}

/* fov_drawing_scale_fn: SVG and PDF are drawn at the size asked for, and not enlarged. */
static enum fov_code drawing_scale(void *user, int width_px, int height_px, double *ret_scale,
                                   struct fov_err *err)
{
    struct job *const job = user;
    const enum fov_code rc = make_plan(job, width_px, height_px, err);
    const double across = (double)job->plan.width_px / width_px;
    const double down = (double)job->plan.height_px / height_px;
    *ret_scale = !job->plan.width_px ? job->plan.factor : across > down ? across : down;
    return rc;
}

static enum fov_code load(struct job *job, struct fov_err *err)
{
    const struct fov_load_options options = {.max_pixels = job->args->max_pixels,
                                             .page = job->args->page,
                                             .all_frames = job->format->has_frames,
                                             .look = job->method == AI && job->args->denoise < 0 &&
                                                     !job->args->mix && job->target.factor != 1,
                                             .trust = job->args->trust,
                                             .drawing_scale = drawing_scale,
                                             .user = job};
    struct fov_image_info in;
    const enum fov_code rc = fov_image_load(job->in, &options, &job->image, err);
    if (rc)
        return rc;
    fov_image_get_info(job->image, &in);
    return in.is_vector ? FOV_OK : make_plan(job, in.width_px, in.height_px, err);
}

/* The size as operations of a recipe. Paper is white, and so is what a picture leaves of it. */
static void print_size(const struct job *job, const struct fov_image *large, char *text,
                       size_t bytes)
{
    const struct fov_target_plan *const p = &job->plan;
    struct fov_image_info in;
    fov_image_get_info(large, &in);
    if (!job->args->print || strcmp(p->fit, "contain") != 0) {
        (void)snprintf(
            text, bytes,
            "{\"type\": \"resize\", \"width_in_px\": %d, \"height_in_px\": %d, \"fit\": \"%s\"}",
            p->width_px, p->height_px, p->fit);
        return;
    }
    const double across = (double)p->width_px / in.width_px;
    const double down = (double)p->height_px / in.height_px, scale = fmin(across, down);
    const int width = (int)fmax(1, round(in.width_px * scale));
    const int height = (int)fmax(1, round(in.height_px * scale));
    const int left = (p->width_px - width) / 2, top = (p->height_px - height) / 2;
    (void)snprintf(text, bytes,
                   "{\"type\": \"resize\", \"width_in_px\": %d, \"height_in_px\": %d, \"fit\": "
                   "\"fill\"}, {\"type\": \"extend\", \"left_in_px\": %d, \"right_in_px\": %d, "
                   "\"top_in_px\": %d, \"bottom_in_px\": %d, \"hex_color\": \"#FFFFFF\"}",
                   width, height, left, p->width_px - width - left, top,
                   p->height_px - height - top);
}

/* The resize and the resolution that come after the network, as operations of a recipe. */
static enum fov_code finish(const struct job *job, const struct fov_image *large,
                            struct fov_image **ret_result, struct fov_err *err)
{
    const struct fov_recipe_options options = {0};
    const int dpi = job->args->dpi > 0 ? job->args->dpi : job->args->print ? 300 : 0;
    char size[300] = "", resolution[60] = "", json[400];
    struct fov_recipe *recipe;
    struct fov_outcome outcome;
    enum fov_code rc;

    if (job->plan.width_px)
        print_size(job, large, size, sizeof(size));
    if (dpi)
        (void)snprintf(resolution, sizeof(resolution), "{\"type\": \"resolution\", \"dpi\": %d}",
                       dpi);
    (void)snprintf(json, sizeof(json), "[%s%s%s]", size, size[0] && dpi ? ", " : "", resolution);
    if ((rc = fov_recipe_parse(json, strlen(json), "the size", &recipe, err)))
        return rc;
    rc = fov_recipe_run(recipe, large, &options, ret_result, &outcome, err);
    fov_recipe_free(recipe);
    return rc;
}

/* fov_frame_fn */
static enum fov_code enlarge(void *user, const struct fov_image *frame,
                             struct fov_image **ret_result, struct fov_err *err)
{
    struct job *const job = user;
    const int factor = job->plan.factor;
    struct fov_image *large;
    struct fov_image_info in;
    enum fov_code rc;

    fov_image_get_info(frame, &in);
    const bool cleans = job->target.factor == 1;  /* asked for; not what a size came to */
    if (in.is_vector || (factor == 1 && !cleans)) /* drawn at its size already, or large enough */
        return finish(job, frame, ret_result, err);
    if (job->method != AI) {
        rc = fov_image_resample(frame, (enum fov_filter)job->method, in.width_px * factor,
                                in.height_px * factor, &large, err);
    } else {
        rc = job->model
                 ? FOV_OK
                 : fov_cli_model(job->args, factor, job->engine, in.is_clean, &job->model, err);
        rc = rc ? rc : fov_image_enlarge(frame, job->model, factor, &large, err);
    }
    if (rc)
        return rc;
    rc = finish(job, large, ret_result, err);
    fov_image_free(large);
    return rc;
}

static enum fov_code report(const struct job *job, double seconds, struct fov_err *err)
{
    struct fov_image_info out;
    fov_image_get_info(job->enlarged, &out);
    const char *const method = out.is_vector ? "vector"
                               : job->plan.factor == 1 && job->target.factor != 1
                                   ? (job->plan.width_px ? "lanczos" : "none")
                               : job->method == AI ? "ai"
                                                   : fov_filter_names[job->method];
    const char *const name = job->model ? fov_model_metadata(job->model, "name") : NULL;
    fov_cli_progress_done(&job->progress, "%s: %dx%d %s in %.1f s", job->out, out.width_px,
                          out.height_px, job->format->name, seconds);
    if (!job->args->json)
        return FOV_OK;
    const char *const model = name ? name : job->args->model;
    struct fov_dials dials;
    if (job->model)
        fov_model_get_dials(job->model, &dials);
    json_t *const turned =
        job->model ? json_pack("{s:f, s:f}", "detail", dials.detail, "denoise", dials.denoise)
                   : NULL;
    return fov_cli_print_json(
        json_pack("{s:o, s:o, s:i, s:i, s:i, s:s, s:o*, s:o*, s:s, s:s, s:i, s:f}", "input",
                  fov_cli_text(job->in), "output", fov_cli_text(job->out), "width_px", out.width_px,
                  "height_px", out.height_px, "factor", job->plan.factor, "method", method, "model",
                  model ? fov_cli_text(model) : NULL, "dials", turned, "format", job->format->name,
                  "cpu", fov_engine_cpu(job->engine), "threads", fov_engine_n_threads(job->engine),
                  "seconds", seconds),
        err);
}

enum fov_code fov_cmd_upscale(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(job_done) struct job job = {0};
    enum fov_code rc;
    const double start = fov_clock_s();

    if ((rc = fov_cli_start(args, &job.engine, err)) || (rc = check_args(args, &job, err)) ||
        (rc = load(&job, err)) ||
        (rc = fov_cli_each_frame(job.image, enlarge, &job, &job.enlarged, err)))
        return rc;
    job.save.format = job.format;
    rc = fov_cli_save(job.enlarged, job.out, &job.save, &job.progress, err);
    return rc ? rc : report(&job, fov_clock_s() - start, err);
}
