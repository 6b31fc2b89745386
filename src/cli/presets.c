/* SPDX-License-Identifier: Apache-2.0 */
/* presets.c -- chains of operations by name: our own, and those of the configuration.
 *
 *   [preset catalogue]
 *   help = 1500 pixels, white ground, JPEG
 *   upscale = 400:4 800:2
 *   ops = [{"type": "resize", "width_in_px": 1500, "height_in_px": 1500},
 *     {"type": "convert", "format": "jpeg"}]
 *
 * Threads: main. Owns: what it gives. Trust: the configuration is a user's; operations are checked
 * when they are run.
 */
#define _GNU_SOURCE
#include "cli/presets.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

enum { MAX_PRESETS = 200 };
static const char section_begins[] = "preset ";

static const struct {
    const char *name, *help, *upscale, *ops;
} built_in[] = {
    {"marketplace-2000",
     "2000x2000 for a marketplace: 4 times up to 500 pixels wide, 2 times up to 1000",
     "500:4 1000:2",
     "[{\"type\": \"resize\", \"width_in_px\": 2000, \"height_in_px\": 2000, \"fit\": \"cover\"}]"},
    {"archive", "an archive of small pictures: 4 times up to 250 pixels wide, 3 up to 500, else 2",
     "250:4 500:3 *:2", "[]"},
    {"print-300dpi", "4 times as large, marked as 300 pixels to the inch", "*:4",
     "[{\"type\": \"resolution\", \"dpi\": 300}]"},
    {"web", "within 1920x1920 as WebP, sharpened lightly; 2 times up to 960 pixels wide", "960:2",
     "[{\"type\": \"resize\", \"width_in_px\": 1920, \"height_in_px\": 1920, \"fit\": \"inside\"}, "
     "{\"type\": \"sharpen\", \"sigma\": 0.3}, "
     "{\"type\": \"convert\", \"format\": \"webp\", \"quality\": 82}]"},
};

static struct fov_preset *find(const struct fov_presets *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->all[i].name, name))
            return &p->all[i];
    return NULL;
}

/* The preset `name`, new and empty when there is none; NULL when memory or the limit ends. */
static struct fov_preset *find_or_add(struct fov_presets *p, const char *name)
{
    struct fov_preset *preset = find(p, name);
    if (preset || p->n == MAX_PRESETS)
        return preset;
    preset = &p->all[p->n];
    preset->name = fov_strdup(name);
    preset->help = fov_strdup("");
    preset->upscale = fov_strdup("");
    preset->ops = fov_strdup("[]");
    p->n++; /* so that done() sees it, whatever is missing */
    return preset->name && preset->help && preset->upscale && preset->ops ? preset : NULL;
}

static bool set(char **text, const char *value)
{
    char *const copy = fov_strdup(value);
    if (!copy)
        return false;
    fov_free(*text);
    *text = copy;
    return true;
}

static bool add_line(char **text, const char *value)
{
    const size_t bytes = strlen(*text) + strlen(value) + 2;
    char *const sum = fov_calloc(bytes, 1);
    if (!sum)
        return false;
    (void)snprintf(sum, bytes, "%s %s", *text, value);
    fov_free(*text);
    *text = sum;
    return true;
}

static bool add_built_in(struct fov_presets *p)
{
    if (!(p->all = fov_calloc(MAX_PRESETS, sizeof(*p->all))))
        return false;
    for (size_t i = 0; i < FOV_N_ELEMENTS(built_in); i++) {
        struct fov_preset *const preset = find_or_add(p, built_in[i].name);
        if (!preset || !set(&preset->help, built_in[i].help) ||
            !set(&preset->upscale, built_in[i].upscale) || !set(&preset->ops, built_in[i].ops))
            return false;
    }
    return true;
}

/* ---- the configuration ------------------------------------------------------------------- */

struct reading {
    struct fov_presets *presets;
    char **last;     /* what the line before set: lines that begin with a blank go on with it */
    char wrong[200]; /* the first line that is */
};

/* ini_handler: nonzero is fine. Sections of others are passed over. */
static int on_line(void *user, const char *section, const char *key, const char *value)
{
    struct reading *const r = user;
    if (strncmp(section, section_begins, sizeof(section_begins) - 1) != 0)
        return 1;
    struct fov_preset *const p = find_or_add(r->presets, section + sizeof(section_begins) - 1);
    char **const text = !p                        ? NULL
                        : !strcmp(key, "help")    ? &p->help
                        : !strcmp(key, "upscale") ? &p->upscale
                        : !strcmp(key, "ops")     ? &p->ops
                                                  : NULL;
    const bool goes_on = text && text == r->last;
    r->last = text;
    if (text && (goes_on ? add_line(text, value) : set(text, value)))
        return 1;
    if (!r->wrong[0])
        (void)snprintf(r->wrong, sizeof(r->wrong),
                       "[%.60s] has no '%.60s'; a preset has help, "
                       "upscale and ops",
                       section, key);
    return 0;
}

static enum fov_code read_file(const char *path, struct fov_presets *p, struct fov_err *err)
{
    struct reading r = {.presets = p};
    const int line = ini_parse(path, on_line, &r);
    if (line == -1)
        return fov_fail(err, FOV_ECONFIG, "%s: cannot read it: %s", path, strerror(errno));
    if (line)
        return fov_fail(err, FOV_ECONFIG, "%s: line %d: %s", path, line,
                        r.wrong[0] ? r.wrong : "is neither [section] nor key = value");
    return FOV_OK;
}

static const char system_config[] = "/etc/fovea/fovea.ini";

/* The user's own, whether it is there or not. */
static void name_own(char path[4096])
{
    const char *const config = getenv("XDG_CONFIG_HOME"), *const home = getenv("HOME");
    (void)snprintf(path, 4096, "%s%s/fovea/fovea.ini",
                   config && *config ? config
                   : home            ? home
                                     : "",
                   config && *config ? "" : "/.config");
}

const char *fov_presets_config(char path[4096])
{
    const char *const chosen = getenv("FOVEA_CONFIG");
    if (chosen && *chosen)
        return chosen;
    name_own(path);
    return !access(path, R_OK) ? path : !access(system_config, R_OK) ? system_config : NULL;
}

enum fov_code fov_presets_init(struct fov_presets *ret_presets, struct fov_err *err)
{
    const char *const chosen = getenv("FOVEA_CONFIG");
    char own[4096];

    *ret_presets = (struct fov_presets){0};
    if (!add_built_in(ret_presets))
        return fov_fail(err, FOV_ENOMEM, "no memory to read presets");
    if (chosen && *chosen)
        return read_file(chosen, ret_presets, err);
    name_own(own);
    const char *const places[] = {system_config, own};
    for (size_t i = 0; i < FOV_N_ELEMENTS(places); i++) {
        const enum fov_code rc =
            access(places[i], R_OK) ? FOV_OK : read_file(places[i], ret_presets, err);
        if (rc)
            return rc;
    }
    return FOV_OK;
}

void fov_presets_done(struct fov_presets *presets)
{
    for (int i = 0; i < presets->n; i++) {
        fov_free(presets->all[i].name);
        fov_free(presets->all[i].help);
        fov_free(presets->all[i].upscale);
        fov_free(presets->all[i].ops);
    }
    fov_free(presets->all);
}

/* ---- use --------------------------------------------------------------------------------- */

/* Step over "WIDTH:FACTOR" at *at. Gives both, WIDTH -1 for "*". False when it is misspelt. */
static bool read_rule(const char **at, long *ret_width, long *ret_factor)
{
    char *end;
    *ret_width = -1;
    if (**at == '*')
        end = (char *)*at + 1;
    else
        *ret_width = strtol(*at, &end, 10);
    if (end == *at || *end != ':')
        return false;
    *at = end + 1;
    *ret_factor = strtol(*at, &end, 10);
    if (end == *at || (*end && !strchr(" \t", *end)))
        return false;
    *at = end + strspn(end, " \t");
    return *ret_factor >= 2 && *ret_factor <= 4;
}

/* The factor that "500:4 1000:2 *:2" has for a width; 1 where none fits, 0 when it is misspelt. */
static int factor_for(const char *rule, int width_px)
{
    long found = 1, width, factor;
    for (const char *at = rule; *at;) {
        if (!read_rule(&at, &width, &factor))
            return 0;
        if (found == 1 && (width < 0 || width_px <= width))
            found = factor;
    }
    return (int)found;
}

enum fov_code fov_preset_recipe(const struct fov_presets *presets, const char *name, int width_px,
                                char **ret_json, struct fov_err *err)
{
    const struct fov_preset *const p = find(presets, name);
    if (!p) {
        const char *names[MAX_PRESETS];
        for (int i = 0; i < presets->n; i++)
            names[i] = presets->all[i].name;
        const char *const near = fov_nearest(name, names, presets->n);
        return fov_fail(err, FOV_EUSAGE, "there is no preset '%.40s'%s%s%s", name,
                        near ? "; did you mean " : " (see `fovea presets`)", near ? near : "",
                        near ? "?" : "");
    }
    const int factor = factor_for(p->upscale, width_px);
    const char *const bracket = strchr(p->ops, '[');
    if (factor == 0)
        return fov_fail(err, FOV_ECONFIG,
                        "preset %s: upscale = %.60s is not like \"500:4 1000:2 *:2\"", name,
                        p->upscale);
    if (!bracket || strspn(p->ops, " \t") != (size_t)(bracket - p->ops))
        return fov_fail(err, FOV_ECONFIG, "preset %s: ops is not a JSON array", name);
    const size_t bytes = strlen(p->ops) + 64;
    char *const json = fov_calloc(bytes, 1);
    if (!json)
        return fov_fail(err, FOV_ENOMEM, "no memory for a preset");
    const char *const rest = bracket + 1;
    const bool alone = rest[strspn(rest, " \t")] == ']';
    if (factor > 1)
        (void)snprintf(json, bytes, "[{\"type\": \"upscale\", \"factor\": %d}%s%s", factor,
                       alone ? "" : ", ", rest);
    else
        (void)snprintf(json, bytes, "%s", p->ops);
    *ret_json = json;
    return FOV_OK;
}
