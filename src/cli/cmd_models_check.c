/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_models_check.c -- fovea models check FILE: what a network is, and whether it can be trusted
 * to fast arithmetic.
 *
 * Threads: main. Owns: two engines with the network each. Trust: a user's file and pictures.
 */
#include "cli/cmd_models_check.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "image/models.h"
#include "judge/check.h"

struct check {
    struct fov_engine *engines[2]; /* fast, exact */
    struct fov_model *models[2];
    double least_db;
    const char *least_on;
    json_t *pictures;        /* or NULL: print */
    struct dirent **entries; /* of the folder of pictures */
    int n_entries;
};

static void check_done(struct check *c)
{
    for (int i = 0; i < 2; i++) {
        fov_model_close(c->models[i]);
        fov_engine_close(c->engines[i]);
    }
    fov_cli_pictures_free(c->entries, c->n_entries);
}

static bool alike(const struct fov_layer_info *a, const struct fov_layer_info *b)
{
    return a->taps == b->taps && a->in_ch == b->in_ch && a->out_ch == b->out_ch &&
           !strcmp(a->arithmetic, b->arithmetic);
}

/* The layers, those that follow each other and are alike in one line or object, with the largest
 * error of them. */
static json_t *show_layers(const struct fov_model *model, int n, bool print)
{
    json_t *const list = json_array();
    for (int first = 0, next; first < n; first = next) {
        struct fov_layer_info l, other;
        fov_model_get_layer(model, first, &l);
        for (next = first + 1; next < n; next++) {
            fov_model_get_layer(model, next, &other);
            if (!alike(&l, &other))
                break;
            l.error = other.error > l.error ? other.error : l.error;
        }
        (void)json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:i, s:i, s:s, s:f}", "first",
                                                    first + 1, "last", next, "taps", l.taps, "in",
                                                    l.in_ch, "out", l.out_ch, "arithmetic",
                                                    l.arithmetic, "error", l.error));
        if (!print)
            continue;
        printf("  %3d", first + 1);
        printf(next > first + 1 ? "-%-3d" : "    ", next);
        printf(" %dx%d %4d -> %-4d  %-16s", l.taps, l.taps, l.in_ch, l.out_ch, l.arithmetic);
        if (l.error > 0)
            printf("  error %.3f %%", l.error * 100);
        putchar('\n');
    }
    return list;
}

static enum fov_code check_picture(struct check *c, const char *path, const char *name,
                                   struct fov_err *err)
{
    double db;
    const enum fov_code rc = fov_check_fast(path, c->models[0], c->models[1], &db, err);
    if (rc)
        return rc;
    if (c->pictures)
        (void)json_array_append_new(
            c->pictures, json_pack("{s:o, s:f}", "picture", fov_cli_text(name), "psnr_db", db));
    else
        printf("  %-28s %6.1f dB\n", name, db);
    if (db < c->least_db) {
        c->least_db = db;
        c->least_on = path ? "a picture of the folder" : name;
    }
    return FOV_OK;
}

static enum fov_code check_pictures(struct check *c, const char *folder, struct fov_err *err)
{
    char path[4096];
    enum fov_code rc = check_picture(c, NULL, "made of waves and edges", err);
    for (int i = 0; i < c->n_entries && !rc; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, c->entries[i]->d_name);
        rc = fov_cli_stopped() ? fov_fail(err, FOV_ECANCEL, "stopped")
                               : check_picture(c, path, c->entries[i]->d_name, err);
    }
    return rc;
}

static enum fov_code open_both(const struct fov_args *args, const char *path, struct check *c,
                               struct fov_err *err)
{
    struct fov_args as = *args;
    enum fov_code rc;
    for (int i = 0; i < 2; i++) {
        as.exact = i == 1;
        if ((rc = fov_cli_engine(&as, &c->engines[i], err)) ||
            (rc = fov_model_open(c->engines[i], path, &c->models[i], err)))
            return rc;
    }
    return FOV_OK;
}

enum fov_code fov_cmd_models_check(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(check_done) struct check c = {.least_db = 1000};
    FOV_AUTO(fov_free_at) char *path = NULL;
    struct fov_model_info info;
    enum fov_code rc;

    if (args->n_operands != 2 || strcmp(args->operands[0], "check"))
        return fov_fail(err, FOV_EUSAGE, "models takes nothing, or: check FILE");
    if ((rc = fov_models_find(args->operands[1], 4, &path, err)) ||
        (args->set && (rc = fov_cli_pictures(args->set, &c.entries, &c.n_entries, err))) ||
        (rc = open_both(args, path, &c, err)))
        return rc;
    fov_model_get_info(c.models[0], &info);
    if (args->json)
        c.pictures = json_array();
    else
        printf("%s\n  %s, %d times, %lld parameters\n"
               "  %lld multiply-adds for each pixel of the input, which reaches %d px around it\n"
               "layers, as %s runs them\n",
               path, info.architecture, info.scale, info.n_parameters, info.n_multiply_adds,
               info.receptive_radius_px, fov_engine_cpu(c.engines[0]));
    json_t *const layers = show_layers(c.models[0], info.n_convolutions, !args->json);
    if (!args->json)
        printf("fast against exact\n");
    rc = check_pictures(&c, args->set, err);
    json_t *const all = json_pack(
        "{s:o, s:s, s:i, s:I, s:I, s:i, s:o, s:o*}", "file", fov_cli_text(path), "architecture",
        info.architecture, "scale", info.scale, "parameters", (json_int_t)info.n_parameters,
        "multiply_adds_per_pixel", (json_int_t)info.n_multiply_adds, "receptive_radius_px",
        info.receptive_radius_px, "layers", layers, "fast_against_exact", c.pictures);
    if (rc || !args->json)
        json_decref(all);
    if (rc || (args->json && (rc = fov_cli_print_json(all, err))))
        return rc;
    if (c.least_db < FOV_FAST_DB)
        return fov_fail(err, FOV_EMODEL,
                        "%s: fast arithmetic stays within %.1f dB of exact on %s, %.0f are "
                        "promised: use --exact",
                        path, c.least_db, c.least_on, FOV_FAST_DB);
    return FOV_OK;
}
