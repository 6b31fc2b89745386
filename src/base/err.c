/* SPDX-License-Identifier: Apache-2.0 */
/* err.c -- record a failure; what a code means to a shell and to an HTTP client.
 *
 * Everything a code means stands in one table, FOV_CODES in fovea/err.h, so that the program,
 * the service and the documents cannot disagree.
 *
 * Threads: each caller brings its own struct. Owns: nothing. Trust: `fmt` arguments may hold
 * file names and other text from outside; the sentence is cut, never overrun.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

void fov__fail(struct fov_err *err, enum fov_code code, const char *fmt, ...)
{
    if (!err || err->code != FOV_OK)
        return;

    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    err->code = code;
}

static const struct {
    int exit_status, http_status;
} meaning[] = {
#define FOV_CODE_MEANING(code, exit_status, http_status, text) [code] = {exit_status, http_status},
    FOV_CODES(FOV_CODE_MEANING)
#undef FOV_CODE_MEANING
};

int fov_err_exit_status(enum fov_code code)
{
    return meaning[code < FOV_N_CODES ? code : FOV_EINTERNAL].exit_status;
}

int fov_err_http_status(enum fov_code code)
{
    return meaning[code < FOV_N_CODES ? code : FOV_EINTERNAL].http_status;
}
