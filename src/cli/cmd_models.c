/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_models.c -- fovea models: what is installed, a line each; check is a file of its own.
 *
 * Threads: main. Owns: one model at a time. Trust: files of the models folder, like any model.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/cmd_models_check.h"
#include "image/models.h"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static void print_model(const char *name, const struct fov_model *model, json_t *list)
{
    struct fov_model_info i;
    const char *const license = or_empty(fov_model_metadata(model, "license"));
    const char *const purpose = or_empty(fov_model_metadata(model, "purpose"));

    fov_model_get_info(model, &i);
    if (list)
        (void)json_array_append_new(
            list, json_pack("{s:o, s:s, s:i, s:i, s:i, s:I, s:I, s:i, s:s, s:s}", "name",
                            fov_cli_text(name), "architecture", i.architecture, "scale", i.scale,
                            "channels", i.n_channels, "convolutions", i.n_convolutions,
                            "parameters", (json_int_t)i.n_parameters, "multiply_adds_per_pixel",
                            (json_int_t)i.n_multiply_adds, "receptive_radius_px",
                            i.receptive_radius_px, "license", license, "purpose", purpose));
    else
        printf("%-17s %dx  %-9s %5.2f M  %-11s %s\n", name, i.scale, i.architecture,
               (double)i.n_parameters * 1e-6, license, purpose);
}

/* A broken file is named and does not hide the others; the first failure is the command's. */
static enum fov_code show(struct fov_engine *engine, const char *folder, const char *name,
                          json_t *list, struct fov_err *err)
{
    FOV_AUTO(fov_cli_model_close_at) struct fov_model *model = NULL;
    struct fov_err why = {0};
    char path[4096];

    (void)snprintf(path, sizeof(path), "%s/%s" FOV_MODEL_SUFFIX, folder, name);
    const enum fov_code rc = fov_model_open(engine, path, &model, &why);
    if (!rc) {
        print_model(name, model, list);
        return FOV_OK;
    }
    if (list)
        (void)json_array_append_new(list, json_pack("{s:o, s:o}", "name", fov_cli_text(name),
                                                    "error", fov_cli_text(why.text)));
    if (err->code) /* the first is printed when the command ends */
        fov_log(FOV_LOG_ERROR, "%s", why.text);
    return fov_fail(err, rc, "%s", why.text);
}

enum fov_code fov_cmd_models(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_cli_engine_close_at) struct fov_engine *engine = NULL;
    FOV_AUTO(fov_free_at) char *folder = NULL;
    char **names;
    int n;
    enum fov_code rc, worst = FOV_OK;

    if (args->n_operands > 0)
        return fov_cmd_models_check(args, err);
    if ((rc = fov_cli_engine(args, &engine, err)) || (rc = fov_models_folder(&folder, err)) ||
        (rc = fov_models_list(&names, &n, err)))
        return rc;
    json_t *const list = args->json ? json_array() : NULL;
    for (int i = 0; i < n; i++) {
        rc = show(engine, folder, names[i], list, err);
        worst = worst ? worst : rc;
    }
    fov_models_free(names, n);
    if (args->json && (rc = fov_cli_print_json(list, err)))
        return rc;
    return worst;
}
