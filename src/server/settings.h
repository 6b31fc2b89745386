/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h -- how the service is set up: settings.def, filled from a file and the environment. */
#ifndef FOV_SERVER_SETTINGS_H
#define FOV_SERVER_SETTINGS_H

#include <stdbool.h>

#include "base/err.h"

enum { FOV_SETTING_CHARS = 256 };

struct fov_settings {
#define INT(name, least, most, fallback, reload, help) int name;
#define TEXT(name, fallback, reload, help)             char name[FOV_SETTING_CHARS];
#include "server/settings.def"
#undef INT
#undef TEXT
};

/* Read the section [serve] of the configuration `path` (NULL: there is none) over the defaults, and
 * the environment over that. A TEXT without a value is "". Gives *ret_settings. FOV_ECONFIG with
 * the file and the line, or the variable, that is wrong. */
FOV_CHECKED enum fov_code fov_settings_read(const char *path, struct fov_settings *ret_settings,
                                            struct fov_err *err);

/* Let `now` have those settings of `next` that a reload takes over. */
void fov_settings_reload(struct fov_settings *now, const struct fov_settings *next);

#endif
