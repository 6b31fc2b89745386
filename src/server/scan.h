/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h -- find the one large text in a body, file.base64, before anything copies it. */
#ifndef FOV_SERVER_SCAN_H
#define FOV_SERVER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { FOV_SCAN_MAX_DEPTH = 64 };

/* What stands between the quotes of file.base64, escapes as they were sent. */
struct fov_scan {
    bool is_found;
    size_t at, n; /* bytes */
};

/* Walk the `n` bytes of JSON at `text`, called `what` in a sentence, and set *ret_scan. It does not
 * prove that they are JSON: with the text that was found taken out they must still be given to a
 * parser, and the text to a decoder. FOV_EUSAGE when objects and arrays lie deeper in one another
 * than FOV_SCAN_MAX_DEPTH, or file.base64 comes twice. */
FOV_CHECKED enum fov_code fov_scan(const char *text, size_t n, const char *what,
                                   struct fov_scan *ret_scan, struct fov_err *err);

/* Replace the escapes of a JSON string in place, `n` bytes without its quotes. A character beyond
 * ASCII that was written as an escape becomes the byte 0x80: nothing that is looked for here has
 * one. False for an escape that JSON does not know; *ret_n is the new length otherwise. */
bool fov_scan_unescape(char *text, size_t n, size_t *ret_n);

#endif
