/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c -- get a file that a stranger's URL names, and nothing from inside.
 *
 * Names and addresses are not judged where they are written but where they are dialled: libcurl
 * shows each address to on_socket() before it connects, of redirects as well, so that no spelling
 * and no resolver that changes its mind leads around the check. Proxies of the environment, which
 * would dial for us, are not used.
 *
 * Threads: any, a call each. Owns: nothing between calls. Trust: the URL, the headers, every byte
 * that comes back.
 */
#include "server/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/address.h"

enum { MAX_REDIRECTS = 5, MAX_URL = 8000, FIRST_ROOM = 1 << 16 };

struct fetch {
    const struct fov_fetch_options *options;
    unsigned char *data;
    size_t n, room;
    bool is_inside;    /* an address was refused */
    bool is_too_large; /* more bytes came than may */
    bool is_out_of_memory;
};

enum fov_code fov_fetch_start(struct fov_err *err)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
               ? FOV_OK
               : fov_fail(err, FOV_EINTERNAL, "libcurl cannot be started");
}

void fov_fetch_stop(void)
{
    curl_global_cleanup();
}

/* ---- what libcurl asks ------------------------------------------------------------------- */

static bool is_allowed(const char *allowed, const struct sockaddr *address)
{
    const struct sockaddr_in *const four = (const struct sockaddr_in *)(const void *)address;
    char host[INET_ADDRSTRLEN], text[INET_ADDRSTRLEN + 8];
    if (!allowed || address->sa_family != AF_INET ||
        !inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host)))
        return false;
    (void)snprintf(text, sizeof(text), "%s:%d", host, ntohs(four->sin_port));
    return !strcmp(text, allowed);
}

/* curl_opensocket_callback */
static curl_socket_t on_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct fetch *const f = user;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (!fov_address_is_public(&to->addr) && !is_allowed(f->options->allow, &to->addr))) {
        f->is_inside = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* curl_write_callback */
static size_t on_data(char *data, size_t size, size_t n, void *user)
{
    struct fetch *const f = user;
    const size_t bytes = size * n;
    if (f->options->body)
        return bytes;
    if (bytes > (size_t)f->options->max_bytes - f->n) {
        f->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (bytes > f->room - f->n) {
        size_t room = f->room ? f->room : FIRST_ROOM;
        while (room < f->n + bytes)
            room *= 2;
        unsigned char *const larger = fov_realloc(f->data, room, 1);
        if (!larger) {
            f->is_out_of_memory = true;
            return CURL_WRITEFUNC_ERROR;
        }
        f->data = larger;
        f->room = room;
    }
    memcpy(f->data + f->n, data, bytes);
    f->n += bytes;
    return bytes;
}

/* curl_xferinfo_callback */
static int on_progress(void *user, curl_off_t to_come, curl_off_t n, curl_off_t up, curl_off_t sent)
{
    const struct fetch *const f = user;
    (void)to_come, (void)n, (void)up, (void)sent;
    return f->options->stopped ? f->options->stopped(f->options->user_data) : 0;
}

/* ---- what is asked for ------------------------------------------------------------------- */

/* Names of headers that are between two machines, or libcurl's, or a browser's. */
static bool is_ours(const char *header, size_t n_name)
{
    static const char *const names[] = {"connection",
                                        "keep-alive",
                                        "proxy-authenticate",
                                        "proxy-authorization",
                                        "proxy-connection",
                                        "te",
                                        "trailer",
                                        "transfer-encoding",
                                        "upgrade",
                                        "host",
                                        "content-length",
                                        "cookie",
                                        "cookie2",
                                        "expect",
                                        "range",
                                        "accept-encoding"};
    for (size_t i = 0; i < FOV_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == n_name && !strncasecmp(header, names[i], n_name))
            return true;
    return false;
}

/* "Name: value", one line of printable characters. */
static bool is_header(const char *header)
{
    const size_t n_name = strcspn(header, ":");
    if (!n_name || !header[n_name] || strlen(header) > MAX_URL)
        return false;
    for (size_t i = 0; header[i]; i++) {
        const unsigned char c = (unsigned char)header[i];
        if ((c < ' ' && c != '\t') || c == 0x7F || (i < n_name && (c <= ' ' || c > '~')))
            return false;
    }
    return true;
}

enum fov_fetch_header fov_fetch_judge_header(const char *header)
{
    if (!is_header(header))
        return FOV_FETCH_HEADER_NONE;
    return is_ours(header, strcspn(header, ":")) ? FOV_FETCH_HEADER_DROPPED : FOV_FETCH_HEADER_SENT;
}

static void free_list_at(struct curl_slist **list)
{
    curl_slist_free_all(*list);
}

static enum fov_code read_headers(const struct fov_fetch_options *o, struct curl_slist **ret_list,
                                  struct fov_err *err)
{
    for (int i = 0; i < FOV_FETCH_MAX_HEADERS && o->headers[i]; i++) {
        const enum fov_fetch_header kind = fov_fetch_judge_header(o->headers[i]);
        if (kind == FOV_FETCH_HEADER_NONE)
            return fov_fail(err, FOV_EUSAGE, "a header of fetch_options is not \"Name: value\"");
        if (kind == FOV_FETCH_HEADER_DROPPED)
            continue;
        struct curl_slist *const longer = curl_slist_append(*ret_list, o->headers[i]);
        if (!longer)
            return fov_fail(err, FOV_ENOMEM, "no memory for the headers of a request");
        *ret_list = longer;
    }
    return FOV_OK;
}

enum fov_code fov_fetch_check_url(const char *url, const char *what, const char *allow,
                                  struct fov_err *err)
{
    const bool is_https = !strncasecmp(url, "https://", 8);
    if (strlen(url) > MAX_URL)
        return fov_fail(err, FOV_EUSAGE, "%s is over the limit of %d characters", what, MAX_URL);
    if (!is_https && !(allow && !strncasecmp(url, "http://", 7)))
        return fov_fail(err, FOV_EUSAGE, "%s must begin with https://", what);
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F)
            return fov_fail(err, FOV_EUSAGE, "%s holds blanks or control characters", what);
    return FOV_OK;
}

static void set_up(CURL *curl, struct fetch *f, struct curl_slist *headers)
{
    const struct fov_fetch_options *const o = f->options;
    const char *const schemes = o->allow ? "https,http" : "https";
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, o->user_agent ? o->user_agent : "Fovea");
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (o->user) {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        (void)curl_easy_setopt(curl, CURLOPT_USERNAME, o->user);
        (void)curl_easy_setopt(curl, CURLOPT_PASSWORD, o->password ? o->password : "");
    }
    if (!o->body)
        (void)curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)o->max_bytes);
    if (o->body) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, o->body);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)o->body_bytes);
    }
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, f);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
}

/* ---- what came of it ---------------------------------------------------------------------- */

static enum fov_code explain(CURL *curl, CURLcode code, const struct fetch *f, struct fov_err *err)
{
    const char *const what = f->options->what;
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (f->is_out_of_memory || code == CURLE_OUT_OF_MEMORY)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory for the file", what);
    if (f->is_inside)
        return fov_fail(err, FOV_EUSAGE, "%s: leads to an address that is not on the Internet",
                        what);
    if (f->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return fov_fail(err, FOV_ELIMIT, "%s: the file is over the limit of %lld bytes", what,
                        (long long)f->options->max_bytes);
    switch (code) {
    case CURLE_OK:
        if (status < 200 || status > 299)
            return fov_fail(err, FOV_EFORMAT, "%s: the server answered %ld", what, status);
        return f->n || f->options->body
                   ? FOV_OK
                   : fov_fail(err, FOV_EFORMAT, "%s: the server sent an empty file", what);
    case CURLE_ABORTED_BY_CALLBACK:
        return fov_fail(err, FOV_ECANCEL, "%s: stopped", what);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return fov_fail(err, FOV_EUSAGE, "%s: is none, or leads to another scheme than https",
                        what);
    case CURLE_HTTP_RETURNED_ERROR:
        return fov_fail(err, FOV_EFORMAT, "%s: the server answered %ld", what, status);
    case CURLE_TOO_MANY_REDIRECTS:
        return fov_fail(err, FOV_EFORMAT, "%s: leads through more than %d redirects", what,
                        MAX_REDIRECTS);
    case CURLE_OPERATION_TIMEDOUT:
        return fov_fail(err, FOV_EFORMAT, "%s: the file did not arrive within %d ms", what,
                        f->options->timeout_ms);
    default:
        return fov_fail(err, FOV_EFORMAT, "%s: %s", what, curl_easy_strerror(code));
    }
}

static void cleanup_at(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

/* ---- redirects ---------------------------------------------------------------------------- */

/* Scheme, host and port of a URL are those of another? */
static bool is_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    CURLU *const urls[] = {curl_url(), curl_url()};
    bool same = urls[0] && urls[1] && !curl_url_set(urls[0], CURLUPART_URL, a, 0) &&
                !curl_url_set(urls[1], CURLUPART_URL, b, 0);
    for (size_t i = 0; i < FOV_N_ELEMENTS(parts) && same; i++) {
        char *texts[] = {NULL, NULL};
        same = !curl_url_get(urls[0], parts[i], &texts[0], CURLU_DEFAULT_PORT) &&
               !curl_url_get(urls[1], parts[i], &texts[1], CURLU_DEFAULT_PORT) &&
               !strcasecmp(texts[0], texts[1]);
        curl_free(texts[0]);
        curl_free(texts[1]);
    }
    curl_url_cleanup(urls[0]);
    curl_url_cleanup(urls[1]);
    return same;
}

/* Ask for `url`, and for what it leads to. Followed here and not by libcurl, which would send the
 * headers of a request, and the secrets in them, to whatever machine it is led to. */
static CURLcode perform(CURL *curl, const char *url, struct fetch *f)
{
    const double end_s = fov_clock_s() + 1e-3 * f->options->timeout_ms;
    CURLcode code;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    for (int n = 0;; n++) {
        char *from = NULL, *to = NULL;
        const double left_ms = 1e3 * (end_s - fov_clock_s());
        if (left_ms < 1)
            return CURLE_OPERATION_TIMEDOUT;
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
        if ((code = curl_easy_perform(curl)) || f->options->body ||
            curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &to) || !to)
            return code;
        if (n == MAX_REDIRECTS)
            return CURLE_TOO_MANY_REDIRECTS;
        (void)curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &from);
        if (!from || !is_same_origin(from, to)) {
            (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
            (void)curl_easy_setopt(curl, CURLOPT_USERPWD, NULL);
        }
        (void)curl_easy_setopt(curl, CURLOPT_URL, to); /* which it copies */
        f->n = 0;
    }
}

enum fov_code fov_fetch(const char *url, const struct fov_fetch_options *options,
                        unsigned char **ret_data, size_t *ret_bytes, struct fov_err *err)
{
    FOV_AUTO(free_list_at) struct curl_slist *headers = NULL;
    FOV_AUTO(cleanup_at) CURL *curl = NULL;
    struct fetch f = {.options = options};
    enum fov_code rc;

    if ((rc = fov_fetch_check_url(url, options->what, options->allow, err)) ||
        (rc = read_headers(options, &headers, err)))
        return rc;
    if (!(curl = curl_easy_init()))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to ask for it", options->what);
    set_up(curl, &f, headers);
    if ((rc = explain(curl, perform(curl, url, &f), &f, err))) {
        fov_free(f.data);
        return rc;
    }
    *ret_data = f.data;
    *ret_bytes = f.n;
    return FOV_OK;
}

enum fov_code fov_post(const char *url, const struct fov_fetch_options *options,
                       struct fov_err *err)
{
    unsigned char *nothing;
    size_t n;
    const enum fov_code rc = fov_fetch(url, options, &nothing, &n, err);
    if (!rc)
        fov_free(nothing);
    return rc;
}
