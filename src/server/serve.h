/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h -- the service as a whole. */
#ifndef FOV_SERVER_SERVE_H
#define FOV_SERVER_SERVE_H

#include "server/settings.h"
#include "store/store.h"

struct fov_server;

/* Start the service on a store, which it keeps. Gives *ret_server; end it with fov_serve_stop().
 * FOV_ECONFIG for addresses that are none or taken, FOV_EMODEL, FOV_EINTERNAL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_serve_start(const struct fov_settings *settings,
                                          struct fov_store *store, struct fov_server **ret_server,
                                          struct fov_err *err);

/* Where it listens: "127.0.0.1:8080"; for metrics "" when nowhere. */
const char *fov_serve_address(const struct fov_server *server, bool metrics);

/* Take over the settings that can be while it runs. */
void fov_serve_reload(struct fov_server *server, const struct fov_settings *settings);

/* Take no more requests, finish what runs within settings.stop_s, put jobs back, and end. */
void fov_serve_stop(struct fov_server *server);

#endif
