/* SPDX-License-Identifier: Apache-2.0 */
/* store_at.c -- where the store is: --store, $FOVEA_STORE, or a folder of the user or the service.
 *
 * Threads: main. Owns: nothing. Trust: the environment.
 */
#include "cli/store_at.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Make the folders that a path leads through, for the user alone. */
static enum fov_code make_folders(const char *path, struct fov_err *err)
{
    char folder[4096];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
        if (mkdir(folder, 0700) && errno != EEXIST)
            return fov_fail(err, FOV_EOUTPUT, "%s: cannot be made: %s", folder, strerror(errno));
    }
    return FOV_OK;
}

static bool is_set(const char *value)
{
    return value && value[0];
}

enum fov_code fov_cli_store(const struct fov_args *args, struct fov_store **ret_store,
                            struct fov_err *err)
{
    const char *const named = args->store ? args->store : getenv("FOVEA_STORE");
    const char *const state = getenv("STATE_DIRECTORY"), *const data = getenv("XDG_DATA_HOME");
    const char *const home = getenv("HOME");
    char path[4096];
    int n = 0;
    enum fov_code rc;

    if (is_set(named))
        return fov_store_open(named, ret_store, err);
    if (is_set(state))
        n = snprintf(path, sizeof(path), "%s/fovea.db", state);
    else if (is_set(data))
        n = snprintf(path, sizeof(path), "%s/fovea/fovea.db", data);
    else if (is_set(home))
        n = snprintf(path, sizeof(path), "%s/.local/share/fovea/fovea.db", home);
    if (n <= 0 || n >= (int)sizeof(path))
        return fov_fail(err, FOV_ECONFIG, "there is no place for the store: give --store FILE");
    return (rc = make_folders(path, err)) ? rc : fov_store_open(path, ret_store, err);
}

void fov_cli_store_close_at(struct fov_store **store)
{
    fov_store_close(*store);
}
