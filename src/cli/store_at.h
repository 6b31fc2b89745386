/* SPDX-License-Identifier: Apache-2.0 */
/* store_at.h -- where the store is: --store, $FOVEA_STORE, or a folder of the user or the service.
 */
#ifndef FOV_CLI_STORE_AT_H
#define FOV_CLI_STORE_AT_H

#include "cli/options.h"
#include "store/store.h"

/* Open the store: --store FILE, else $FOVEA_STORE, else fovea.db in $STATE_DIRECTORY (which systemd
 * sets), else fovea/fovea.db in $XDG_DATA_HOME or ~/.local/share, whose folders are made. Gives
 * *ret_store. FOV_ECONFIG when there is no such place, and errors of fov_store_open(). */
FOV_CHECKED enum fov_code fov_cli_store(const struct fov_args *args, struct fov_store **ret_store,
                                        struct fov_err *err);

/* For FOV_AUTO. */
void fov_cli_store_close_at(struct fov_store **store);

#endif
