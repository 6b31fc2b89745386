/* SPDX-License-Identifier: Apache-2.0 */
/* request.c -- what a client asks for: the body of a transform request, checked.
 *
 * Nearly all of a body is file.base64. scan.c finds it, jansson parses the rest with that text
 * emptied, and it is decoded where it lies, so that 60 MB stay 60 MB. The rest has a ceiling of its
 * own: jansson takes 140 bytes for each "[]," that a stranger sends. The same JSON with the
 * text emptied is what the store keeps, and comes back here with the file beside it.
 *
 * Threads: any; a request is not changed after it was read. Owns: requests, not their files.
 * Trust: every byte of a body and of the parts of a form; of a stored request as well.
 * See: the wire contract, "Body".
 */
#define _GNU_SOURCE
#include "server/request.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "server/base64.h"
#include "server/member.h"
#include "server/scan.h"

#define BASE64 "file.base64"

enum { MAX_PREFIX = 200 };

static void json_decref_at(json_t **json)
{
    json_decref(*json);
}

static void request_free_at(struct fov_request **request)
{
    fov_request_free(*request);
}

/* ---- the text ----------------------------------------------------------------------------- */

/* FOV_EUSAGE: what jansson says, and where that is in the text that was sent. It may cite a token
 * that is cut within a character, which would make an answer that is no UTF-8. */
static enum fov_code not_json(const char *text, const struct fov_scan *cut, const char *what,
                              json_error_t *why, struct fov_err *err)
{
    for (char *c = why->text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    size_t at = why->position > 0 ? (size_t)why->position : 0;
    if (json_error_code(why) == json_error_out_of_memory)
        return fov_fail(err, FOV_ENOMEM, "no memory to read %s", what);
    if (at > cut->at)
        at += cut->n;
    const char *const line = memrchr(text, '\n', at);
    int n_lines = 1;
    for (size_t i = 0; i < at; i++)
        n_lines += text[i] == '\n';
    return fov_fail(err, FOV_EUSAGE, "%s is not JSON: line %d, column %zu: %s", what, n_lines,
                    line ? at - (size_t)(line + 1 - text) : at, why->text);
}

/* Parse `text` as if what was found in it were empty. */
static enum fov_code load(const char *text, size_t n, const struct fov_scan *cut, const char *what,
                          json_t **ret_json, struct fov_err *err)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    const size_t n_rest = n - cut->n, end = cut->at + cut->n;
    json_error_t why;
    if (n_rest > FOV_REQUEST_MAX_REST_BYTES)
        return fov_fail(err, FOV_ELIMIT, "%s has %zu bytes%s, over the limit of %d", what, n_rest,
                        cut->is_found ? " beside " BASE64 : "", FOV_REQUEST_MAX_REST_BYTES);
    FOV_AUTO(fov_free_at) char *rest = fov_calloc(n_rest, 1);
    if (!rest)
        return fov_fail(err, FOV_ENOMEM, "no memory to read %s", what);
    memcpy(rest, text, cut->at);
    memcpy(rest + cut->at, text + end, n - end);
    if (!(*ret_json = json_loadb(rest, n_rest, flags, &why)))
        return not_json(text, cut, what, &why, err);
    return FOV_OK;
}

/* Gives *ret_text. */
static enum fov_code dump(const json_t *json, char **ret_text, struct fov_err *err)
{
    const size_t n = json_dumpb(json, NULL, 0, JSON_COMPACT);
    char *const text = n ? fov_calloc(n + 1, 1) : NULL;
    if (!text || json_dumpb(json, text, n, JSON_COMPACT) != n) {
        fov_free(text);
        return fov_fail(err, FOV_ENOMEM, "no memory to keep a request");
    }
    *ret_text = text;
    return FOV_OK;
}

/* ---- the file ----------------------------------------------------------------------------- */

static enum fov_code set_file(struct fov_request *r, const unsigned char *file, size_t bytes,
                              const char *what, const struct fov_request_options *o,
                              struct fov_err *err)
{
    if (!bytes)
        return fov_fail(err, FOV_EUSAGE, "%s is empty", what);
    if (bytes > o->max_file_bytes)
        return fov_fail(err, FOV_ELIMIT, "%s: the file has %zu bytes, over the limit of %zu", what,
                        bytes, o->max_file_bytes);
    r->file = file;
    r->file_bytes = bytes;
    return FOV_OK;
}

/* Is it "data:image/png;base64," up to the comma, in ASCII? */
static bool is_data_uri(const char *text, const char *comma)
{
    static const char begins[] = "data:image/", ends[] = ";base64";
    const size_t n_begins = sizeof(begins) - 1, n_ends = sizeof(ends) - 1;
    for (const char *c = text; c < comma; c++)
        if (*c < ' ' || *c > '~')
            return false;
    return (size_t)(comma - text) >= n_begins + n_ends && !strncasecmp(text, begins, n_begins) &&
           !strncasecmp(comma - n_ends, ends, n_ends);
}

/* How long the head of a data URI is, which people leave before the base64. */
static enum fov_code measure_prefix(const char *text, size_t n, size_t *ret_n, struct fov_err *err)
{
    *ret_n = 0;
    if (n < 5 || strncasecmp(text, "data:", 5) != 0) /* a colon is not in the alphabet */
        return FOV_OK;
    const char *const comma = memchr(text, ',', n < MAX_PREFIX ? n : MAX_PREFIX);
    if (!comma || !is_data_uri(text, comma))
        return fov_fail(err, FOV_EUSAGE,
                        BASE64 " begins like a data URI, but not with data:image/...;base64,");
    *ret_n = (size_t)(comma + 1 - text);
    return FOV_OK;
}

/* The bytes of the base64 that was found in `text`. */
static enum fov_code decode(char *text, const struct fov_scan *found, struct fov_request *r,
                            const struct fov_request_options *o, struct fov_err *err)
{
    char *const base64 = text + found->at;
    size_t n, n_prefix, n_got;
    enum fov_code rc;
    if (!fov_scan_unescape(base64, found->n, &n))
        return fov_fail(err, FOV_EUSAGE, BASE64 " holds an escape that JSON does not know");
    if ((rc = measure_prefix(base64, n, &n_prefix, err)))
        return rc;
    n -= n_prefix;
    if (!fov_base64_decode(base64 + n_prefix, n, &n_got))
        return n_got == n ? fov_fail(err, FOV_EUSAGE,
                                     BASE64 " is cut short: no bytes have %zu characters", n)
                          : fov_fail(err, FOV_EUSAGE,
                                     BASE64 " is not base64: character %zu cannot stand there",
                                     n_prefix + n_got + 1);
    return set_file(r, (const unsigned char *)base64 + n_prefix, n_got, BASE64, o, err);
}

/* Base64 that is not wanted, as the type is url, is not looked at: JSON or not, it is dropped. */
static enum fov_code take_file(char *text, const struct fov_scan *found, struct fov_request *r,
                               const struct fov_request_options *o, struct fov_err *err)
{
    if (!o->stored_file)
        return r->has_file ? decode(text, found, r, o, err) : FOV_OK;
    if (!r->has_file || found->n)
        return fov_fail(err, FOV_EUSAGE, "a stored request %s",
                        r->has_file ? "has its file twice" : "with a file names none");
    return set_file(r, o->stored_file, o->stored_file_bytes, "file", o, err);
}

/* ---- the members -------------------------------------------------------------------------- */

/* Is it base64 or a URL? What was sent decides, unless both were. */
static enum fov_code choose(const json_t *file, bool *ret_has_file, struct fov_err *err)
{
    const bool has_base64 = fov_member(file, "base64"), has_url = fov_member(file, "url");
    const char *type = NULL;
    const enum fov_code rc = fov_member_text(file, "file.", "type", &type, err);
    if (rc)
        return rc;
    if (type && strcmp(type, "base64") != 0 && strcmp(type, "url") != 0)
        return fov_fail(err, FOV_EUSAGE, "file.type is neither base64 nor url");
    if (!has_base64 && !has_url)
        return fov_fail(err, FOV_EUSAGE, "file has neither base64 nor url");
    if (!type && has_base64 && has_url)
        return fov_fail(err, FOV_EUSAGE, "file has both base64 and url, and no type to choose");
    *ret_has_file = type ? !strcmp(type, "base64") : has_base64;
    if (!(*ret_has_file ? has_base64 : has_url))
        return fov_fail(err, FOV_EUSAGE, "file.type is %s, but there is no file.%s", type, type);
    return FOV_OK;
}

static enum fov_code read_file(json_t *file, const char *allow, struct fov_request *r,
                               struct fov_err *err)
{
    const char *base64 = NULL;
    json_t *options = NULL;
    enum fov_code rc;
    if ((rc = choose(file, &r->has_file, err)) ||
        (rc = fov_member_copy(file, "file.", "name", &r->name, err)))
        return rc;
    if (r->name && strlen(r->name) > FOV_REQUEST_MAX_NAME_BYTES)
        return fov_fail(err, FOV_EUSAGE, "file.name has %zu bytes, over the limit of %d",
                        strlen(r->name), FOV_REQUEST_MAX_NAME_BYTES);
    if (r->has_file)
        rc = fov_member_text(file, "file.", "base64", &base64, err);
    else if (!(rc = fov_member_copy(file, "file.", "url", &r->url, err)))
        rc = fov_fetch_check_url(r->url, "file.url", allow, err);
    if (rc || (rc = fov_member_object(file, "file.", "fetch_options", &options, err)))
        return rc;
    return fov__request_fetch_read(options, &r->fetch, err);
}

static enum fov_code read_operations(const json_t *body, struct fov_request *r, struct fov_err *err)
{
    const json_t *const operations = fov_member(body, "operations");
    if (!operations)
        return fov_fail(err, FOV_EUSAGE, "operations is missing");
    if (!json_is_array(operations))
        return fov_fail(err, FOV_EUSAGE, "operations is not an array");
    if (json_array_size(operations) > FOV_REQUEST_MAX_OPERATIONS)
        return fov_fail(err, FOV_EUSAGE, "operations has %zu, over the limit of %d",
                        json_array_size(operations), FOV_REQUEST_MAX_OPERATIONS);
    return dump(operations, &r->operations, err);
}

/* All but the bytes of the file. Gives *ret_request. */
static enum fov_code read_body(const json_t *body, const char *allow,
                               struct fov_request **ret_request, struct fov_err *err)
{
    FOV_AUTO(request_free_at) struct fov_request *r = fov_calloc(1, sizeof(*r));
    json_t *file = NULL;
    enum fov_code rc;
    if (!r)
        return fov_fail(err, FOV_ENOMEM, "no memory for a request");
    if (!json_is_object(body))
        return fov_fail(err, FOV_EUSAGE, "the body is not an object");
    if ((rc = fov_member_object(body, "", "file", &file, err)))
        return rc;
    if (!file)
        return fov_fail(err, FOV_EUSAGE, "file is missing");
    if ((rc = read_file(file, allow, r, err)) || (rc = read_operations(body, r, err)) ||
        (rc = fov_member_copy(body, "", "webhook_url", &r->webhook_url, err)))
        return rc;
    if (r->webhook_url && (rc = fov_fetch_check_url(r->webhook_url, "webhook_url", allow, err)))
        return rc;
    if ((rc = fov_member_flag(body, "", "dry_run", &r->dry_run, err)) ||
        (rc = dump(body, &r->json, err)))
        return rc;
    *ret_request = FOV_STEAL(r);
    return FOV_OK;
}

/* ---- requests ----------------------------------------------------------------------------- */

enum fov_code fov_request_parse(char *text, size_t n, const struct fov_request_options *options,
                                struct fov_request **ret_request, struct fov_err *err)
{
    FOV_AUTO(json_decref_at) json_t *body = NULL;
    FOV_AUTO(request_free_at) struct fov_request *r = NULL;
    struct fov_scan found;
    enum fov_code rc;
    if (!n)
        return fov_fail(err, FOV_EUSAGE, "the body is empty");
    if ((rc = fov_scan(text, n, "the body", &found, err)) ||
        (rc = load(text, n, &found, "the body", &body, err)) ||
        (rc = read_body(body, options->allow, &r, err)) ||
        (rc = take_file(text, &found, r, options, err)))
        return rc;
    *ret_request = FOV_STEAL(r);
    return FOV_OK;
}

/* The body that a client would have sent for these parts, its base64 emptied. */
static enum fov_code make_body(const struct fov_request_parts *parts, json_t **ret_body,
                               struct fov_err *err)
{
    static const struct fov_scan nothing;
    FOV_AUTO(json_decref_at) json_t *operations = NULL;
    struct fov_scan found;
    json_error_t why;
    enum fov_code rc;
    if (parts->operations &&
        ((rc = fov_scan(parts->operations, parts->n_operations, "operations", &found, err)) ||
         (rc = load(parts->operations, parts->n_operations, &nothing, "operations", &operations,
                    err))))
        return rc;
    *ret_body = json_pack_ex(&why, 0, "{s:{s:s*,s:s},s:O*,s:s*,s:b}", "file", "name", parts->name,
                             "base64", "", "operations", operations, "webhook_url",
                             parts->webhook_url, "dry_run", parts->dry_run);
    if (*ret_body)
        return FOV_OK;
    if (json_error_code(&why) == json_error_invalid_utf8)
        return fov_fail(err, FOV_EUSAGE, "file.name or webhook_url is not UTF-8");
    return fov_fail(err, FOV_ENOMEM, "no memory for a request");
}

enum fov_code fov_request_from_parts(const struct fov_request_parts *parts,
                                     const struct fov_request_options *options,
                                     struct fov_request **ret_request, struct fov_err *err)
{
    FOV_AUTO(json_decref_at) json_t *body = NULL;
    FOV_AUTO(request_free_at) struct fov_request *r = NULL;
    enum fov_code rc;
    if (!parts->file)
        return fov_fail(err, FOV_EUSAGE, "file is missing");
    if ((rc = make_body(parts, &body, err)) || (rc = read_body(body, options->allow, &r, err)) ||
        (rc = set_file(r, parts->file, parts->file_bytes, "file", options, err)))
        return rc;
    *ret_request = FOV_STEAL(r);
    return FOV_OK;
}

void fov_request_free(struct fov_request *request)
{
    if (!request)
        return;
    fov__request_fetch_done(&request->fetch);
    fov_free(request->json);
    fov_free(request->operations);
    fov_free(request->name);
    fov_free(request->url);
    fov_free(request->webhook_url);
    fov_free(request);
}
