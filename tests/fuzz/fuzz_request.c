/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_request.c -- any bytes as the body of a request: a sentence, or a request that jansson reads
 * as the same, and that comes back from the store as the same.
 *
 * libFuzzer's entry.
 */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "server/base64.h"
#include "server/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { MAX_FILE_BYTES = 1000 };

#define need(holds)                                                                                \
    do {                                                                                           \
        if (!(holds))                                                                              \
            __builtin_trap();                                                                      \
    } while (0)

/* A block of its very size, so that a sanitizer sees one byte too far. */
static char *copy(const void *data, size_t bytes)
{
    char *const block = fov_calloc(bytes, 1);
    need(block);
    if (bytes)
        memcpy(block, data, bytes);
    return block;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static void check_failure(enum fov_code rc, const struct fov_err *err)
{
    json_t *const text = json_string(err->text); /* NULL for what is no UTF-8 */
    need(rc == FOV_EUSAGE || rc == FOV_ELIMIT);
    need(err->code == rc && err->text[0] && text);
    json_decref(text);
}

/* The file is what jansson finds, decoded: without a data URI's head, which ends with a comma. */
static void check_file(const struct fov_request *r, const uint8_t *data, size_t bytes)
{
    json_t *const body = json_loadb((const char *)data, bytes, JSON_REJECT_DUPLICATES, NULL);
    const json_t *const base64 = json_object_get(json_object_get(body, "file"), "base64");
    const char *text = json_string_value(base64);
    size_t n;
    need(text);
    text = strchr(text, ',') ? strchr(text, ',') + 1 : text;
    char *const room = copy(text, strlen(text));
    need(fov_base64_decode(room, strlen(text), &n));
    need(n == r->file_bytes && !memcmp(room, r->file, n));
    fov_free(room);
    json_decref(body);
}

static void check_headers(const struct fov_request *r)
{
    size_t n = 0;
    for (; r->fetch.headers[n]; n++)
        need(fov_fetch_judge_header(r->fetch.headers[n]) == FOV_FETCH_HEADER_SENT);
    need(n <= FOV_FETCH_MAX_HEADERS);
    need(!r->fetch.user == !r->fetch.password);
}

/* What the store keeps, read again. */
static void check_again(const struct fov_request *r)
{
    const struct fov_request_options options = {.max_file_bytes = MAX_FILE_BYTES,
                                                .stored_file = r->file,
                                                .stored_file_bytes = r->file_bytes};
    struct fov_request *again;
    char *const json = copy(r->json, strlen(r->json));
    need(!fov_request_parse(json, strlen(r->json), &options, &again, NULL));
    need(is_same(again->json, r->json) && is_same(again->operations, r->operations));
    need(is_same(again->name, r->name) && is_same(again->url, r->url));
    need(is_same(again->webhook_url, r->webhook_url) && again->dry_run == r->dry_run);
    need(again->file == r->file && again->file_bytes == r->file_bytes);
    need(again->fetch.timeout_ms == r->fetch.timeout_ms);
    need(is_same(again->fetch.user_agent, r->fetch.user_agent));
    need(is_same(again->fetch.user, r->fetch.user));
    for (int i = 0; i <= FOV_FETCH_MAX_HEADERS; i++)
        need(is_same(again->fetch.headers[i], r->fetch.headers[i]));
    fov_request_free(again);
    fov_free(json);
}

static void check_operations(const char *operations)
{
    json_t *const array = json_loads(operations, JSON_REJECT_DUPLICATES, NULL);
    need(json_is_array(array) && json_array_size(array) <= FOV_REQUEST_MAX_OPERATIONS);
    json_decref(array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const struct fov_request_options options = {.max_file_bytes = MAX_FILE_BYTES};
    struct fov_request *r;
    struct fov_err err = {0};
    char *const text = copy(data, bytes);
    const enum fov_code rc = fov_request_parse(text, bytes, &options, &r, &err);
    if (rc) {
        check_failure(rc, &err);
    } else {
        need(r->has_file == !!r->file && r->has_file == !r->url && !r->has_file == !r->file_bytes);
        check_operations(r->operations);
        check_headers(r);
        if (r->has_file)
            check_file(r, data, bytes);
        check_again(r);
        fov_request_free(r);
    }
    fov_free(text);
    return 0;
}
