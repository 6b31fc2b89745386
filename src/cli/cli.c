/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c -- what the commands share: an engine by the options, a model by its name, JSON.
 *
 * Threads: main. Owns: nothing. Trust: options and environment are a user's.
 */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cli/models.h"
#include "image/image.h"

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
    return fov_image_start("fovea", fov_engine_n_threads(*ret_engine), err);
}

enum fov_code fov_cli_model(const struct fov_args *args, int factor, struct fov_engine *engine,
                            struct fov_model **ret_model, struct fov_err *err)
{
    FOV_AUTO(fov_free_at) char *path = NULL;
    const enum fov_code rc = fov_models_find(args->model, factor, &path, err);
    return rc ? rc : fov_model_open(engine, path, ret_model, err);
}

static bool json_printed;

bool fov_cli_json_printed(void)
{
    return json_printed;
}

enum fov_code fov_cli_print_json(json_t *value, struct fov_err *err)
{
    json_printed = true;
    const int failed = !value || json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
    json_decref(value);
    if (failed || putchar('\n') == EOF || fflush(stdout))
        return fov_fail(err, FOV_EOUTPUT, "standard output: cannot write it");
    return FOV_OK;
}
