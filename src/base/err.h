/* SPDX-License-Identifier: Apache-2.0 */
/* err.h -- record a failure; what a code means to a shell and to an HTTP client. */
#ifndef FOV_BASE_ERR_H
#define FOV_BASE_ERR_H

#include "fovea/err.h"

#define FOV_CHECKED __attribute__((warn_unused_result))

/* Record why, return `code`. `err` may be NULL when nobody will read it. The first failure
 * wins: a caller up the stack adds no second message. A macro, so that readers and analysers see
 * that what is returned is `code`. */
#define fov_fail(err, code, ...) (fov__fail(err, code, __VA_ARGS__), (enum fov_code)(code))
__attribute__((format(printf, 3, 4))) void fov__fail(struct fov_err *err, enum fov_code code,
                                                     const char *fmt, ...);

/* The exit status of the program and the HTTP status of the service for a code. */
int fov_err_exit_status(enum fov_code code);
int fov_err_http_status(enum fov_code code);

#endif
