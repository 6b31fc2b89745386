/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_presets.c -- fovea presets: chains of operations by name.
 *
 * Threads: main. Owns: nothing. Trust: see presets.c.
 */
#include <stdio.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/presets.h"

enum fov_code fov_cmd_presets(const struct fov_args *args, struct fov_err *err)
{
    FOV_AUTO(fov_presets_done) struct fov_presets presets = {0};
    const enum fov_code rc = fov_presets_init(&presets, err);
    if (rc)
        return rc;
    json_t *const list = args->json ? json_array() : NULL;
    for (int i = 0; i < presets.n; i++) {
        const struct fov_preset *const p = &presets.all[i];
        if (list)
            (void)json_array_append_new(list,
                                        json_pack("{s:s, s:s, s:s, s:s}", "name", p->name, "help",
                                                  p->help, "upscale", p->upscale, "ops", p->ops));
        else
            printf("%s\n    %s\n    upscale %s\n    %s\n", p->name, p->help,
                   p->upscale[0] ? p->upscale : "never", p->ops);
    }
    return list ? fov_cli_print_json(list, err) : FOV_OK;
}
