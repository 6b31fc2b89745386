/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h -- what goes back to a client. */
#ifndef FOV_SERVER_REPLY_H
#define FOV_SERVER_REPLY_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct MHD_Response;

/* Zeroed: nothing yet. */
struct fov_reply {
    int status;
    struct MHD_Response *response; /* NULL without memory: the connection is closed */
};

void fov_reply_done(struct fov_reply *reply);

/* Make a sentence, in place, one line of UTF-8 whatever names it holds: they may be a stranger's,
 * or cut within a character. */
void fov_reply_clean(char *sentence);

/* `{"success":false,"error":"..."}`, the sentence clean. */
__attribute__((format(printf, 3, 4))) void fov_reply_error(struct fov_reply *reply, int status,
                                                           const char *fmt, ...);

/* The same for a failure, with the status that its code has. */
void fov_reply_failure(struct fov_reply *reply, const struct fov_err *err);

/* `value`, which it takes. */
void fov_reply_json(struct fov_reply *reply, int status, json_t *value);

/* The text of a file that lies in memory for ever. */
void fov_reply_text(struct fov_reply *reply, int status, const char *mime_type, const char *text,
                    size_t n);

/* The file in `fd`, which it takes: as it is, or with base64 as `{"success":true,"data":{"buffer":
 * "...","mime_type":"..."}}`, written while it is sent; `more`, if any, is ",\"name\":value" for
 * the end of data. */
void fov_reply_picture(struct fov_reply *reply, int fd, size_t n_bytes, const char *mime_type,
                       bool binary, const char *more);

__attribute__((format(printf, 3, 4))) void fov_reply_header(struct fov_reply *reply,
                                                            const char *name, const char *fmt, ...);

/* Base64 of `n` bytes to `text`, 4 characters for each 3 bytes begun, and a NUL. */
void fov_base64_encode(const unsigned char *bytes, size_t n, char *text);

/* Characters of the base64 of `n_bytes` from the one at `at` on, which is before its end: as many
 * as `room` has place for, or fewer, but one at least, without a NUL. How many. */
size_t fov_base64_piece(const unsigned char *bytes, size_t n_bytes, size_t at, char *to,
                        size_t room);

#endif
