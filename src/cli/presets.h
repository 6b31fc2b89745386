/* SPDX-License-Identifier: Apache-2.0 */
/* presets.h -- chains of operations by name: our own, and those of the configuration. */
#ifndef FOV_CLI_PRESETS_H
#define FOV_CLI_PRESETS_H

#include <stdbool.h>

#include "base/err.h"

/* `upscale` says by how much, as "WIDTH:FACTOR ...": pictures up to WIDTH pixels wide, "*" being
 * any width, are enlarged FACTOR times; others are not. `ops` is the JSON of what follows. */
struct fov_preset {
    char *name, *help, *upscale, *ops;
};

struct fov_presets {
    struct fov_preset *all;
    int n;
};

/* The configuration that there is: $FOVEA_CONFIG, or else fovea/fovea.ini in $XDG_CONFIG_HOME
 * (~/.config), or else /etc/fovea/fovea.ini, written to `path`; or NULL. */
const char *fov_presets_config(char path[4096]);

/* Read the presets: those of the program, and over them those of the configuration: $FOVEA_CONFIG,
 * or else fovea/fovea.ini in $XDG_CONFIG_HOME (~/.config) and /etc/fovea/fovea.ini. Gives
 * *ret_presets; end it with fov_presets_done(), after a failure as well. FOV_ECONFIG, FOV_ENOMEM.
 */
FOV_CHECKED enum fov_code fov_presets_init(struct fov_presets *ret_presets, struct fov_err *err);
void fov_presets_done(struct fov_presets *presets);

/* The recipe of the preset `name` for a picture of this width, as JSON. Gives *ret_json
 * (fov_free()). FOV_EUSAGE when there is none, FOV_ECONFIG, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_preset_recipe(const struct fov_presets *presets, const char *name,
                                            int width_px, char **ret_json, struct fov_err *err);

#endif
