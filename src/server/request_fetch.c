/* SPDX-License-Identifier: Apache-2.0 */
/* request_fetch.c -- file.fetch_options of a request: how a file is to be asked for.
 *
 * What a header may be is fetch.c's business and is asked there; here it is only made of its two
 * halves. What has no meaning for an image is looked at for its type and forgotten.
 *
 * Threads: any. Owns: nothing. Trust: every value comes from outside, and the headers go out to a
 * machine that somebody else chose.
 */
#include "server/request_fetch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "server/member.h"

#define PATH      "file.fetch_options."
#define AUTH_PATH PATH "auth."

enum { MAX_TEXT = 8000 }; /* bytes of a value, as fetch.c has it for a header */

static bool is_printable(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return false;
    return true;
}

static enum fov_code read_timeout(const json_t *options, int *ret_timeout_ms, struct fov_err *err)
{
    const json_t *const value = fov_member(options, "timeout_ms");
    const double ms = json_number_value(value); /* 0 for what is no number */
    if (!value)
        return FOV_OK;
    if (!(ms >= FOV_FETCH_LEAST_MS && ms <= FOV_FETCH_MOST_MS) || ms != (double)(int)ms)
        return fov_fail(err, FOV_EUSAGE, PATH "timeout_ms is not a whole number from %d to %d",
                        FOV_FETCH_LEAST_MS, FOV_FETCH_MOST_MS);
    *ret_timeout_ms = (int)ms;
    return FOV_OK;
}

static enum fov_code read_user_agent(const json_t *options, char **ret_text, struct fov_err *err)
{
    const enum fov_code rc = fov_member_copy(options, PATH, "user_agent", ret_text, err);
    if (rc || !*ret_text)
        return rc;
    if (strlen(*ret_text) > MAX_TEXT)
        return fov_fail(err, FOV_EUSAGE, PATH "user_agent is over the limit of %d bytes", MAX_TEXT);
    if (!is_printable(*ret_text))
        return fov_fail(err, FOV_EUSAGE, PATH "user_agent holds control characters");
    return FOV_OK;
}

/* ---- headers ------------------------------------------------------------------------------ */

/* `name`, ": ", `scheme` and `value` in one text, added to the headers unless it is to be dropped;
 * `path` names the value in sentences. */
static enum fov_code add_header(struct fov_request_fetch *fetch, const char *name,
                                const char *scheme, const char *value, const char *path,
                                struct fov_err *err)
{
    int n = 0;
    while (fetch->headers[n])
        n++;
    const size_t bytes = strlen(name) + strlen(scheme) + strlen(value) + 3;
    FOV_AUTO(fov_free_at) char *header = fov_calloc(bytes, 1);
    if (!header)
        return fov_fail(err, FOV_ENOMEM, "no memory for " PATH "headers");
    (void)snprintf(header, bytes, "%s: %s%s", name, scheme, value);
    const enum fov_fetch_header kind = fov_fetch_judge_header(header);
    if (kind == FOV_FETCH_HEADER_NONE)
        return fov_fail(err, FOV_EUSAGE, "%s holds control characters, or more than %d bytes", path,
                        MAX_TEXT);
    if (kind == FOV_FETCH_HEADER_DROPPED)
        return FOV_OK;
    if (n == FOV_FETCH_MAX_HEADERS)
        return fov_fail(err, FOV_EUSAGE, PATH "headers has more than %d", FOV_FETCH_MAX_HEADERS);
    fetch->headers[n] = FOV_STEAL(header);
    return FOV_OK;
}

/* Is it one that a header can have? Only such a name is put into a sentence. */
static bool is_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == ':')
            return false;
    return *name;
}

static enum fov_code read_headers(const json_t *options, struct fov_request_fetch *fetch,
                                  struct fov_err *err)
{
    json_t *headers = NULL, *value;
    const char *name;
    enum fov_code rc = fov_member_object(options, PATH, "headers", &headers, err);
    if (rc)
        return rc;
    if (json_object_size(headers) > FOV_FETCH_MAX_HEADERS)
        return fov_fail(err, FOV_EUSAGE, PATH "headers has %zu, over the limit of %d",
                        json_object_size(headers), FOV_FETCH_MAX_HEADERS);
    json_object_foreach(headers, name, value)
    {
        char path[120];
        if (!is_name(name))
            return fov_fail(err, FOV_EUSAGE, PATH "headers holds a name that is none");
        (void)snprintf(path, sizeof(path), PATH "headers: the value of %.60s", name);
        if (!json_is_string(value))
            return fov_fail(err, FOV_EUSAGE, "%s is not a text", path);
        if ((rc = add_header(fetch, name, "", json_string_value(value), path, err)))
            return rc;
    }
    return FOV_OK;
}

/* ---- auth --------------------------------------------------------------------------------- */

static enum fov_code read_basic(const json_t *auth, struct fov_request_fetch *fetch,
                                struct fov_err *err)
{
    enum fov_code rc;
    if ((rc = fov_member_copy(auth, AUTH_PATH, "username", &fetch->user, err)) ||
        (rc = fov_member_copy(auth, AUTH_PATH, "password", &fetch->password, err)))
        return rc;
    if (!fetch->user || !fetch->password)
        return fov_fail(err, FOV_EUSAGE, AUTH_PATH "%s is missing",
                        fetch->user ? "password" : "username");
    if (strlen(fetch->user) > MAX_TEXT || strlen(fetch->password) > MAX_TEXT)
        return fov_fail(err, FOV_EUSAGE,
                        AUTH_PATH "username or password is over the limit of %d bytes", MAX_TEXT);
    if (!is_printable(fetch->user) || !is_printable(fetch->password))
        return fov_fail(err, FOV_EUSAGE, AUTH_PATH "username or password holds control characters");
    if (strchr(fetch->user, ':')) /* the server would take the rest for the password */
        return fov_fail(err, FOV_EUSAGE, AUTH_PATH "username holds a colon");
    return FOV_OK;
}

static enum fov_code read_bearer(const json_t *auth, struct fov_request_fetch *fetch,
                                 struct fov_err *err)
{
    const char *token = NULL;
    const enum fov_code rc = fov_member_text(auth, AUTH_PATH, "token", &token, err);
    if (rc)
        return rc;
    if (!token || !*token)
        return fov_fail(err, FOV_EUSAGE, AUTH_PATH "token is missing");
    return add_header(fetch, "Authorization", "Bearer ", token, AUTH_PATH "token", err);
}

static bool has_authorization(const struct fov_request_fetch *fetch)
{
    for (char *const *h = fetch->headers; *h; h++)
        if (!strncasecmp(*h, "authorization:", 14))
            return true;
    return false;
}

static enum fov_code read_auth(const json_t *options, struct fov_request_fetch *fetch,
                               struct fov_err *err)
{
    json_t *auth = NULL;
    const char *type = NULL;
    enum fov_code rc;
    if ((rc = fov_member_object(options, PATH, "auth", &auth, err)) ||
        (rc = fov_member_text(auth, AUTH_PATH, "type", &type, err)))
        return rc;
    if (!auth)
        return FOV_OK;
    const bool has_user = fov_member(auth, "username"), has_token = fov_member(auth, "token");
    if (!type && has_user != has_token)
        type = has_user ? "basic" : "bearer";
    if (!type || (strcmp(type, "basic") != 0 && strcmp(type, "bearer") != 0))
        return fov_fail(err, FOV_EUSAGE, AUTH_PATH "type must be basic or bearer");
    if (has_authorization(fetch))
        return fov_fail(err, FOV_EUSAGE,
                        PATH "auth and an Authorization header exclude each other");
    return !strcmp(type, "basic") ? read_basic(auth, fetch, err) : read_bearer(auth, fetch, err);
}

/* ---- all of it ---------------------------------------------------------------------------- */

enum fov_code fov__request_fetch_read(json_t *options, struct fov_request_fetch *fetch,
                                      struct fov_err *err)
{
    const char *locale = NULL;
    bool render = false;
    enum fov_code rc;
    if ((rc = read_timeout(options, &fetch->timeout_ms, err)) ||
        (rc = read_user_agent(options, &fetch->user_agent, err)) ||
        (rc = read_headers(options, fetch, err)) || (rc = read_auth(options, fetch, err)) ||
        (rc = fov_member_text(options, PATH, "locale", &locale, err)))
        return rc;
    return fov_member_flag(options, PATH, "should_render_javascript", &render, err);
}

void fov__request_fetch_done(struct fov_request_fetch *fetch)
{
    fov_free(fetch->user_agent);
    fov_free(fetch->user);
    fov_free(fetch->password);
    for (char **h = fetch->headers; *h; h++)
        fov_free(*h);
    *fetch = (struct fov_request_fetch){0};
}
