/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eval.c -- fovea eval --model M --set DIR --scale S.
 *
 * Threads: main. Owns: one picture's results at a time. Trust: files of a test set.
 */
#include "base/mem.h"
#include "cli/cli.h"
#include "judge/eval.h"
#include <dirent.h>
#include <stdio.h>

static const char *const systems[FOV_EVAL_N] = {"bicubic", "lanczos", "model"};

/* A line of the table, or an object of the list. */
static void print_row(const char *name, const struct fov_score scores[FOV_EVAL_N], json_t *list)
{
    if (!list) {
        printf("%-20s", name);
        for (int i = 0; i < FOV_EVAL_N; i++)
            printf("  %6.3f %.4f", scores[i].psnr_db, scores[i].ssim);
        putchar('\n');
        return;
    }
    json_t *const row = json_pack("{s:o}", "picture", fov_cli_text(name));
    for (int i = 0; i < FOV_EVAL_N; i++)
        (void)json_object_set_new(
            row, systems[i],
            json_pack("{s:f, s:f}", "psnr_y_db", scores[i].psnr_db, "ssim_y", scores[i].ssim));
    (void)json_array_append_new(list, row);
}

static enum fov_code run_set(const struct fov_args *args, int scale, struct fov_model *model,
                             struct dirent **entries, int n, json_t *list, struct fov_err *err)
{
    struct fov_score mean[FOV_EVAL_N] = {0}, scores[FOV_EVAL_N];
    char text[4096];
    enum fov_code rc;

    if (!list)
        printf("%-20s  %-13s  %-13s  %-13s\n", "PSNR-Y dB, SSIM-Y", systems[0], systems[1],
               systems[2]);
    for (int i = 0; i < n && !fov_cli_stopped(); i++) {
        (void)snprintf(text, sizeof(text), "%s/%s", args->set, entries[i]->d_name);
        const int jpeg = args->jpeg > 0 ? args->jpeg : 0;
        if ((rc = fov_eval_picture(text, model, scale, jpeg, scores, err)))
            return rc;
        print_row(entries[i]->d_name, scores, list);
        for (int s = 0; s < FOV_EVAL_N; s++) {
            mean[s].psnr_db += scores[s].psnr_db / n;
            mean[s].ssim += scores[s].ssim / n;
        }
    }
    if (fov_cli_stopped())
        return fov_fail(err, FOV_ECANCEL, "stopped");
    (void)snprintf(text, sizeof(text), "mean of %d x%d", n, scale);
    print_row(text, mean, list);
    return FOV_OK;
}

enum fov_code fov_cmd_eval(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_engine_close_at) struct fov_engine *engine = NULL;
    FOV_AUTO(fov_cli_model_close_at) struct fov_model *model = NULL;
    const int scale = args->scale > 0 ? args->scale : 4;
    struct fov_args faithful = *args; /* unless asked otherwise */
    struct dirent **entries;
    int n;
    enum fov_code rc;

    if (!args->mix && args->detail < 0)
        faithful.detail = 0;
    if (!args->set)
        return fov_fail(err, FOV_EUSAGE, "eval needs --set DIR, a folder of originals");
    if ((rc = fov_cli_start(args, &engine, err)) ||
        (rc = fov_cli_model(&faithful, scale, engine, false, &model, err)))
        return rc;
    if ((rc = fov_cli_pictures(args->set, &entries, &n, err)))
        return rc;
    json_t *const list = args->json ? json_array() : NULL;
    rc = run_set(args, scale, model, entries, n, list, err);
    fov_cli_pictures_free(entries, n);
    if (rc) {
        json_decref(list);
        return rc;
    }
    return args->json ? fov_cli_print_json(list, err) : FOV_OK;
}
