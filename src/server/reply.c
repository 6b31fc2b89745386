/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c -- what goes back to a client.
 *
 * A picture is not turned into text in memory: base64 is written into libmicrohttpd's buffer as the
 * client takes it.
 *
 * Threads: one a reply. Owns: responses, and the file that a picture's has mapped. Trust: sentences
 * hold what strangers wrote; jansson escapes them.
 */
#define _GNU_SOURCE
#include "server/reply.h"

#include <microhttpd.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

enum { RETRY_AFTER_S = 5, BLOCK = 1 << 16 };

void fov_reply_done(struct fov_reply *reply)
{
    if (reply->response)
        MHD_destroy_response(reply->response);
    *reply = (struct fov_reply){0};
}

void fov_reply_header(struct fov_reply *reply, const char *name, const char *fmt, ...)
{
    char value[256];
    va_list values;
    va_start(values, fmt);
    (void)vsnprintf(value, sizeof(value), fmt, values);
    va_end(values);
    if (reply->response)
        (void)MHD_add_response_header(reply->response, name, value);
}

void fov_reply_json(struct fov_reply *reply, int status, json_t *value)
{
    char *const text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    fov_reply_done(reply);
    reply->status = status;
    if (!text)
        return;
    reply->response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    fov_free(text); /* jansson allocates as base/mem.h frees */
    fov_reply_header(reply, "Content-Type", "application/json");
    fov_reply_header(reply, "Cache-Control", "no-store");
    if (status == 503 || status == 507)
        fov_reply_header(reply, "Retry-After", "%d", RETRY_AFTER_S);
}

void fov_reply_clean(char *sentence)
{
    json_t *const text = json_string(sentence); /* NULL: no UTF-8 */
    for (char *c = sentence; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = ' ';
        else if (!text && (unsigned char)*c > 0x7F)
            *c = '?';
    json_decref(text);
}

void fov_reply_error(struct fov_reply *reply, int status, const char *fmt, ...)
{
    char sentence[1100];
    va_list values;
    va_start(values, fmt);
    (void)vsnprintf(sentence, sizeof(sentence), fmt, values);
    va_end(values);
    fov_reply_clean(sentence);
    fov_reply_json(reply, status, json_pack("{s:b, s:s}", "success", 0, "error", sentence));
}

void fov_reply_failure(struct fov_reply *reply, const struct fov_err *err)
{
    fov_reply_error(reply, fov_err_http_status(err->code), "%s", err->text);
}

void fov_reply_text(struct fov_reply *reply, int status, const char *mime_type, const char *text,
                    size_t n)
{
    const union {
        const char *ours;
        void *lent; /* libmicrohttpd only reads it */
    } same = {.ours = text};
    fov_reply_done(reply);
    reply->status = status;
    reply->response = MHD_create_response_from_buffer(n, same.lent, MHD_RESPMEM_PERSISTENT);
    fov_reply_header(reply, "Content-Type", "%s", mime_type);
}

/* ---- pictures ---------------------------------------------------------------------------- */

void fov_base64_encode(const unsigned char *bytes, size_t n, char *text)
{
    enum { PIECE = 3 << 20 };
    *text = '\0';
    for (size_t at = 0; at < n; at += PIECE)
        text += EVP_EncodeBlock((unsigned char *)text, bytes + at,
                                (int)(n - at < PIECE ? n - at : PIECE));
}

struct picture {
    unsigned char *bytes; /* mapped */
    size_t n, n_head, n_text, n_tail;
    char tail[512];
};

static const char head[] = "{\"success\":true,\"data\":{\"buffer\":\"";

static void unmap(void *user)
{
    struct picture *const p = user;
    (void)munmap(p->bytes, p->n);
    fov_free(p);
}

static size_t copy(char *to, size_t room, const char *from, size_t n)
{
    memcpy(to, from, n < room ? n : room);
    return n < room ? n : room;
}

size_t fov_base64_piece(const unsigned char *bytes, size_t n_bytes, size_t at, char *to,
                        size_t room)
{
    const size_t group = at / 4, skip = at % 4, left = n_bytes - 3 * group;
    if (!skip && room > 4) { /* one more for the NUL that is written behind */
        const size_t n = (room - 1) / 4 * 3 < left ? (room - 1) / 4 * 3 : left;
        fov_base64_encode(bytes + 3 * group, n, to);
        return (n + 2) / 3 * 4;
    }
    char four[5];
    fov_base64_encode(bytes + 3 * group, left < 3 ? left : 3, four);
    return copy(to, room, four + skip, 4 - skip);
}

/* MHD_ContentReaderCallback */
static ssize_t read_picture(void *user, uint64_t pos, char *to, size_t room)
{
    const struct picture *const p = user;
    const size_t at = (size_t)pos;
    if (at < p->n_head)
        return (ssize_t)copy(to, room, head + at, p->n_head - at);
    if (at < p->n_head + p->n_text)
        return (ssize_t)fov_base64_piece(p->bytes, p->n, at - p->n_head, to, room);
    const size_t done = at - p->n_head - p->n_text;
    return (ssize_t)copy(to, room, p->tail + done, p->n_tail - done);
}

static struct MHD_Response *as_json(int fd, size_t n, const char *mime_type, const char *more)
{
    struct picture *const p = fov_calloc(1, sizeof(*p));
    void *const bytes = p ? mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    (void)close(fd);
    if (bytes == MAP_FAILED) {
        fov_free(p);
        return NULL;
    }
    p->bytes = bytes;
    p->n = n;
    p->n_head = sizeof(head) - 1;
    p->n_text = (n + 2) / 3 * 4;
    p->n_tail = (size_t)snprintf(p->tail, sizeof(p->tail), "\",\"mime_type\":\"%s\"%.400s}}",
                                 mime_type, more);
    struct MHD_Response *const response = MHD_create_response_from_callback(
        p->n_head + p->n_text + p->n_tail, BLOCK, read_picture, p, unmap);
    if (!response)
        unmap(p);
    return response;
}

void fov_reply_picture(struct fov_reply *reply, int fd, size_t n_bytes, const char *mime_type,
                       bool binary, const char *more)
{
    fov_reply_done(reply);
    reply->status = 200;
    if (!binary)
        reply->response = as_json(fd, n_bytes, mime_type, more ? more : "");
    else if (!(reply->response = MHD_create_response_from_fd(n_bytes, fd)))
        (void)close(fd);
    fov_reply_header(reply, "Content-Type", "%s", binary ? mime_type : "application/json");
    fov_reply_header(reply, "Cache-Control", "no-store");
}
