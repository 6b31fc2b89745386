/* SPDX-License-Identifier: Apache-2.0 */
/* request_fetch.h -- file.fetch_options of a request: how a file is to be asked for. */
#ifndef FOV_SERVER_REQUEST_FETCH_H
#define FOV_SERVER_REQUEST_FETCH_H

#include <jansson.h>

#include "base/err.h"
#include "server/fetch.h"

/* Members as those of struct fov_fetch_options. */
struct fov_request_fetch {
    int timeout_ms; /* 0: not said */
    char *user_agent;
    char *headers[FOV_FETCH_MAX_HEADERS + 1]; /* "Name: value", NULL at the end */
    char *user, *password;                    /* both or none */
};

/* Read the object `options`, or nothing from NULL, into *fetch, zeroed before; it must be ended
 * with fov__request_fetch_done() whatever comes of it. Headers that fov_fetch() would drop are
 * dropped here; a token becomes an Authorization header. FOV_EUSAGE, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov__request_fetch_read(json_t *options, struct fov_request_fetch *fetch,
                                                  struct fov_err *err);
void fov__request_fetch_done(struct fov_request_fetch *fetch);

#endif
