/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h -- get a file that a stranger's URL names. */
#ifndef FOV_SERVER_FETCH_H
#define FOV_SERVER_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    FOV_FETCH_LEAST_MS = 1000,
    FOV_FETCH_MOST_MS = 60000,
    FOV_FETCH_MAX_HEADERS = 32,
};

struct fov_fetch_options {
    const char *what;                               /* the URL is, in sentences: "file.url" */
    int timeout_ms;                                 /* for all of it, from 1 */
    int64_t max_bytes;                              /* of the file */
    const char *user_agent;                         /* NULL: Fovea's */
    const char *headers[FOV_FETCH_MAX_HEADERS + 1]; /* "Name: value", NULL at the end */
    const char *user, *password;                    /* of HTTP Basic; NULL: none */
    const char *allow; /* for tests: one "address:port", over http as well; NULL: none */
    /* To POST; NULL: to GET. Then redirects are not followed, and what is answered is not kept. */
    const void *body;
    size_t body_bytes;
    /* Asked now and then; nonzero ends the call with FOV_ECANCEL. May be NULL. */
    int (*stopped)(void *user_data);
    void *user_data;
};

/* Start what fetching needs; once a program, before threads. FOV_EINTERNAL. */
FOV_CHECKED enum fov_code fov_fetch_start(struct fov_err *err);
void fov_fetch_stop(void);

/* Would fov_fetch() begin with `url`: https, or http as well where there is an `allow`, of at most
 * 8000 characters, none of them a blank? `what` names it in the sentence. FOV_EUSAGE. */
FOV_CHECKED enum fov_code fov_fetch_check_url(const char *url, const char *what, const char *allow,
                                              struct fov_err *err);

/* What becomes of a header: sent; dropped without a word, as it is between two machines, libcurl's
 * or a browser's own; or it is none, in one line of printable characters, "Name: value". */
enum fov_fetch_header { FOV_FETCH_HEADER_NONE, FOV_FETCH_HEADER_DROPPED, FOV_FETCH_HEADER_SENT };
enum fov_fetch_header fov_fetch_judge_header(const char *header);

/* Get `url`, https only, through at most 5 redirects, each to a public address: what is dialled is
 * what was checked. Headers and password go no further than its scheme, host and port. Gives
 * *ret_data, *ret_bytes; free with fov_free(). FOV_EUSAGE for a URL or a header that is none, or
 * leads elsewhere than to the Internet; FOV_ELIMIT for too many bytes; FOV_EFORMAT when the server
 * answers anything but a file, or nothing in time; FOV_ECANCEL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_fetch(const char *url, const struct fov_fetch_options *options,
                                    unsigned char **ret_data, size_t *ret_bytes,
                                    struct fov_err *err);

/* POST options->body to `url` in the same way, and want 2xx. Errors of fov_fetch(). */
FOV_CHECKED enum fov_code fov_post(const char *url, const struct fov_fetch_options *options,
                                   struct fov_err *err);

#endif
