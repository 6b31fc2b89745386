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

static void set_up(CURL *curl, const char *url, struct fetch *f, struct curl_slist *headers)
{
    const struct fov_fetch_options *const o = f->options;
    const char *const schemes = o->allow ? "https,http" : "https";
    const long timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : FOV_FETCH_DEFAULT_MS;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, schemes);
    (void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, o->body ? 0L : 1L);
    (void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
    (void)curl_easy_setopt(curl, CURLOPT_AUTOREFERER, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
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
    long status = 0;
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (f->is_out_of_memory || code == CURLE_OUT_OF_MEMORY)
        return fov_fail(err, FOV_ENOMEM, "url: no memory for the file");
    if (f->is_inside)
        return fov_fail(err, FOV_EUSAGE, "url: leads to an address that is not on the Internet");
    if (f->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return fov_fail(err, FOV_ELIMIT, "url: the file is over the limit of %lld bytes",
                        (long long)f->options->max_bytes);
    switch (code) {
    case CURLE_OK:
        if (status < 200 || status > 299)
            return fov_fail(err, FOV_EFORMAT, "url: the server answered %ld", status);
        return f->n || f->options->body
                   ? FOV_OK
                   : fov_fail(err, FOV_EFORMAT, "url: the server sent an empty file");
    case CURLE_ABORTED_BY_CALLBACK:
        return fov_fail(err, FOV_ECANCEL, "url: stopped");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return fov_fail(err, FOV_EUSAGE, "url: is none, or leads to another scheme than https");
    case CURLE_HTTP_RETURNED_ERROR:
        return fov_fail(err, FOV_EFORMAT, "url: the server answered %ld", status);
    case CURLE_TOO_MANY_REDIRECTS:
        return fov_fail(err, FOV_EFORMAT, "url: leads through more than %d redirects",
                        MAX_REDIRECTS);
    case CURLE_OPERATION_TIMEDOUT:
        return fov_fail(err, FOV_EFORMAT, "url: the file did not arrive in time");
    default:
        return fov_fail(err, FOV_EFORMAT, "url: %s", curl_easy_strerror(code));
    }
}

static void cleanup_at(CURL **curl)
{
    curl_easy_cleanup(*curl);
}

enum fov_code fov_fetch(const char *url, const struct fov_fetch_options *options,
                        unsigned char **ret_data, size_t *ret_bytes, struct fov_err *err)
{
    FOV_AUTO(free_list_at) struct curl_slist *headers = NULL;
    FOV_AUTO(cleanup_at) CURL *curl = NULL;
    struct fetch f = {.options = options};
    enum fov_code rc;

    if ((rc = fov_fetch_check_url(url, "url", options->allow, err)) ||
        (rc = read_headers(options, &headers, err)))
        return rc;
    if (!(curl = curl_easy_init()))
        return fov_fail(err, FOV_ENOMEM, "url: no memory to ask for it");
    set_up(curl, url, &f, headers);
    if ((rc = explain(curl, curl_easy_perform(curl), &f, err))) {
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
