/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_upscale.c -- fovea upscale IN OUT.
 *
 * Threads: main; progress may arrive on another. Owns: what one run opens. Trust: see image/load.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "image/image.h"

enum { AI = -1 }; /* among the values of enum fov_filter */

struct job {
    const char *in, *out;
    int factor;
    int method; /* AI or an enum fov_filter */
    const struct fov_format *format;
    const struct fov_args *args;
    struct fov_cli_progress progress;

    struct fov_image *image, *enlarged; /* the pipeline */
    struct fov_model *model;
};

static void job_done(struct job *job)
{
    fov_image_free(job->enlarged);
    fov_image_free(job->image);
    fov_model_close(job->model);
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

static enum fov_code check_args(const struct fov_args *args, struct job *job, struct fov_err *err)
{
    enum fov_code rc;
    job->args = args;
    job->in = args->operands[0];
    job->out = args->operands[1];
    job->factor = args->factor > 0 ? args->factor : 4;
    if ((rc = find_method(args->method, &job->method, err)) ||
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

/* Open IN; SVG and PDF are drawn at the size asked for. */
static enum fov_code load(struct job *job, struct fov_image_info *ret_info, struct fov_err *err)
{
    const struct fov_load_options options = {
        .max_pixels = job->args->max_pixels, .page = job->args->page, .vector_scale = job->factor};
    const enum fov_code rc = fov_image_load(job->in, &options, &job->image, err);
    if (rc)
        return rc;
    fov_image_get_info(job->image, ret_info);
    if (ret_info->is_vector)
        job->enlarged = FOV_STEAL(job->image);
    return FOV_OK;
}

static enum fov_code enlarge(struct job *job, const struct fov_image_info *in,
                             struct fov_engine *engine, struct fov_err *err)
{
    enum fov_code rc;
    if (job->enlarged) /* drawn at its size already */
        return FOV_OK;
    if (job->method != AI)
        return fov_image_resample(job->image, (enum fov_filter)job->method,
                                  in->width_px * job->factor, in->height_px * job->factor,
                                  &job->enlarged, err);
    if ((rc = fov_cli_model(job->args, job->factor, engine, &job->model, err)))
        return rc;
    return fov_image_enlarge(job->image, job->model, job->factor, &job->enlarged, err);
}

static enum fov_code report(const struct job *job, struct fov_engine *engine, double seconds,
                            struct fov_err *err)
{
    struct fov_image_info out;
    fov_image_get_info(job->enlarged, &out);
    const char *const method = out.is_vector       ? "vector"
                               : job->method == AI ? "ai"
                                                   : fov_filter_names[job->method];
    const char *const name = job->model ? fov_model_metadata(job->model, "name") : NULL;
    fov_cli_progress_done(&job->progress, "%s: %dx%d %s in %.1f s", job->out, out.width_px,
                          out.height_px, job->format->name, seconds);
    if (!job->args->json)
        return FOV_OK;
    struct fov_dials dials;
    if (job->model)
        fov_model_get_dials(job->model, &dials);
    json_t *const turned =
        job->model ? json_pack("{s:f, s:f}", "detail", dials.detail, "denoise", dials.denoise)
                   : NULL;
    return fov_cli_print_json(
        json_pack("{s:s, s:s, s:i, s:i, s:i, s:s, s:s*, s:o*, s:s, s:s, s:i, s:f}", "input",
                  job->in, "output", job->out, "width_px", out.width_px, "height_px", out.height_px,
                  "factor", job->factor, "method", method, "model", name ? name : job->args->model,
                  "dials", turned, "format", job->format->name, "cpu", fov_engine_cpu(engine),
                  "threads", fov_engine_n_threads(engine), "seconds", seconds),
        err);
}

enum fov_code fov_cmd_upscale(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_engine_close_at) struct fov_engine *engine = NULL;
    FOV_AUTO(job_done) struct job job = {0};
    struct fov_image_info in;
    enum fov_code rc;
    const double start = fov_clock_s();

    if ((rc = fov_cli_start(args, &engine, err)) || (rc = check_args(args, &job, err)) ||
        (rc = load(&job, &in, err)) || (rc = enlarge(&job, &in, engine, err)))
        return rc;
    fov_cli_progress_init(&job.progress);
    fov_cli_warn_of_alpha(job.enlarged, job.format, job.out);
    const struct fov_save_options options = {.quality = args->quality > 0 ? args->quality : 0,
                                             .replace = args->force,
                                             .progress = fov_cli_on_progress,
                                             .user = &job.progress};
    if ((rc = fov_image_save(job.enlarged, job.out, &options, err))) {
        fov_cli_progress_done(&job.progress, NULL);
        return rc;
    }
    return report(&job, engine, fov_clock_s() - start, err);
}
