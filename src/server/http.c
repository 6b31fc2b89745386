/* SPDX-License-Identifier: Apache-2.0 */
/* http.c -- connections and requests.
 *
 * A few threads of libmicrohttpd read requests and send replies; none of them waits for work: a
 * request that has to is suspended. Each connection has a deadline for what it is at, header, body
 * or sending, from its beginning and not from its last byte, so that a trickle ends like silence.
 * Who has no key is told so after a body was read and dropped, and memory holds none of it.
 *
 * Threads: libmicrohttpd's, and one that looks after deadlines. Owns: connections, exchanges.
 * Trust: every byte that a client sends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/record.h"
#include "server/server.h"

enum { N_THREADS = 4, MIB = 1 << 20, TICK_MS = 250, FORM_BUFFER = 1 << 16, MAX_TEXT = 1 << 17 };

/* What a connection is at. */
enum phase { HEADER, BODY, WORK, SEND };

struct fov_link {
    struct fov_link *next, *before;
    int socket;
    enum phase phase;
    double since_s;
};

struct fov_http {
    struct fov_server *server;
    struct MHD_Daemon *api, *metrics;
    int quiet; /* the socket that listened, ours again; or -1 */
    char api_address[80], metrics_address[80];
    pthread_mutex_t lock; /* of the links */
    struct fov_link *links;
    atomic_int n_links, n_exchanges, is_closing;
    pthread_t keeper;
    bool has_keeper;
};

/* ---- connections ------------------------------------------------------------------------- */

static void enter(struct fov_http *h, struct fov_link *link, enum phase phase)
{
    if (!link)
        return;
    pthread_mutex_lock(&h->lock);
    link->phase = phase;
    link->since_s = fov_clock_s();
    pthread_mutex_unlock(&h->lock);
}

/* MHD_NotifyConnectionCallback */
static void on_connection(void *user, struct MHD_Connection *connection, void **link_at,
                          enum MHD_ConnectionNotificationCode what)
{
    struct fov_http *const h = user;
    struct fov_link *link = *link_at;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *const info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (!info || !(link = fov_calloc(1, sizeof(*link))))
            return; /* it has libmicrohttpd's own deadline */
        link->socket = info->connect_fd;
        link->since_s = fov_clock_s();
        pthread_mutex_lock(&h->lock);
        link->next = h->links;
        if (h->links)
            h->links->before = link;
        h->links = link;
        pthread_mutex_unlock(&h->lock);
        h->n_links++;
        *link_at = link;
    } else if (link) {
        pthread_mutex_lock(&h->lock);
        if (link->before)
            link->before->next = link->next;
        else
            h->links = link->next;
        if (link->next)
            link->next->before = link->before;
        pthread_mutex_unlock(&h->lock);
        h->n_links--;
        fov_free(link);
    }
}

/* Close what is past its deadline: the socket is shut down, and libmicrohttpd finds it so. */
static void *keeping(void *user)
{
    struct fov_http *const h = user;
    struct fov_settings s;
    for (int ticks = 0; !h->is_closing; ticks++) {
        fov__settings(h->server, &s);
        const int limits[] = {[HEADER] = s.header_s, [BODY] = s.body_s, [SEND] = s.send_s};
        const double now = fov_clock_s();
        pthread_mutex_lock(&h->lock);
        for (const struct fov_link *l = h->links; l; l = l->next)
            if (l->phase != WORK && now - l->since_s > limits[l->phase])
                (void)shutdown(l->socket, SHUT_RDWR);
        pthread_mutex_unlock(&h->lock);
        if (ticks % 4 == 0)
            fov_stages_sweep(h->server->stages);
        usleep(TICK_MS * 1000);
    }
    return NULL;
}

/* ---- a request's beginning --------------------------------------------------------------- */

static const char *header(const struct fov_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* The client's, when it is a word, or one by chance. */
static void name_request(struct fov_exchange *x)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    const char *const given = header(x, "X-Request-Id");
    unsigned char by_chance[20];
    const size_t n = given ? strlen(given) : 0;
    bool is_word = n > 0 && n <= FOV_REQUEST_ID_CHARS;
    for (size_t i = 0; i < n && is_word; i++)
        is_word = isalnum((unsigned char)given[i]) || strchr("-_.", given[i]);
    if (is_word) {
        memcpy(x->request_id, given, n + 1);
        return;
    }
    if (RAND_bytes(by_chance, sizeof(by_chance)) != 1)
        memset(by_chance, 0, sizeof(by_chance));
    for (size_t i = 0; i < sizeof(by_chance); i++)
        x->request_id[i] = letters[by_chance[i] % 32];
}

/* Find the route: its path is known, its method may not be. */
static void find_route(struct fov_exchange *x, const char *method, const char *path)
{
    const bool is_head = !strcmp(method, "HEAD");
    char allowed[64] = "";
    for (int i = 0; i < fov__n_routes; i++) {
        const struct fov_route *const r = &fov__routes[i];
        const size_t n = strlen(r->path);
        const bool goes_on = r->path[n - 1] == '/';
        if (strncmp(path, r->path, n) != 0 || (goes_on ? !path[n] : path[n] != '\0'))
            continue;
        if (!strcmp(method, r->method) || (is_head && !strcmp(r->method, "GET"))) {
            x->route = r;
            (void)snprintf(x->id, sizeof(x->id), "%s", path + n);
            return;
        }
        const size_t used = strlen(allowed);
        (void)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", used ? ", " : "", r->method);
    }
    x->is_answered = true;
    if (!allowed[0]) {
        fov_reply_error(&x->reply, 404, "there is nothing at this path");
        return;
    }
    fov_reply_error(&x->reply, 405, "%.20s is no method of this path; it has %s", method, allowed);
    fov_reply_header(&x->reply, "Allow", "%s", allowed);
}

/* Whose request is it, and may there be one more? */
static void admit(struct fov_exchange *x)
{
    static const char scheme[] = "Bearer ";
    const char *const given = header(x, "Authorization");
    struct fov_server *const s = x->server;
    struct fov_settings settings;
    struct fov_err err = {0};
    fov__settings(s, &settings);
    const bool is_bearer = given && !strncasecmp(given, scheme, sizeof(scheme) - 1);
    const char *text = is_bearer ? given + sizeof(scheme) - 1 : "";
    text += strspn(text, " ");
    const bool wanted = x->route && x->route->needs_key;
    const enum fov_code rc = wanted ? fov_store_key_find(s->store, text, &x->key, &err) : FOV_OK;
    x->has_key = wanted && !rc;
    const bool is_free = fov_rate_ask(&s->rate, settings.rate, fov_clock_s(), x->has_key, &x->rate);
    if (x->is_answered)
        return;
    x->is_answered = true;
    if (rc == FOV_EPERM) {
        fov_reply_error(&x->reply, 401, "Invalid API key");
        fov_reply_header(&x->reply, "WWW-Authenticate", "Bearer");
    } else if (rc) {
        fov_reply_failure(&x->reply, &err);
    } else if (x->has_key && !is_free) {
        fov_reply_error(&x->reply, 429, "Rate limit exceeded");
        fov_reply_header(&x->reply, "Retry-After", "%d", x->rate.retry_after_s);
    } else {
        x->is_answered = false;
    }
}

/* MHD_KeyValueIterator: what says how long the body is. */
static enum MHD_Result count_length(void *user, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind, (void)value;
    *(int *)user += !strcasecmp(name, "Content-Length") || !strcasecmp(name, "Transfer-Encoding");
    return MHD_YES;
}

/* libmicrohttpd takes the first of two lengths, and a proxy before it perhaps the second: what is
 * between them would be a request that the proxy has not seen. */
static void refuse_two_lengths(struct fov_exchange *x)
{
    int n = 0;
    (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_length, &n);
    if (n < 2)
        return;
    x->is_answered = x->is_unread = true;
    fov_reply_error(&x->reply, 400, "the request says twice how long its body is");
    fov_reply_header(&x->reply, "Connection", "close");
}

/* Is a media type, whatever its parameters, this one? One that ends in "/" stands for all of it. */
static bool is_type(const char *type, const char *which)
{
    const size_t n = strlen(which);
    if (strncasecmp(type, which, n) != 0)
        return false;
    const char behind = type[n + strspn(type + n, " ")];
    return which[n - 1] == '/' || !behind || behind == ';';
}

/* Which kind of body is it, and is it too long already? */
static void expect_body(struct fov_exchange *x)
{
    const char *const type = header(x, "Content-Type"), *const length = header(x, "Content-Length");
    struct fov_settings settings;
    fov__settings(x->server, &settings);
    if (x->is_answered || strcmp(x->route->method, "POST") != 0 || x->id[0])
        return;
    if (length && strtoull(length, NULL, 10) > (unsigned long long)settings.max_body_mb * MIB) {
        x->is_answered = x->is_unread = true;
        fov_reply_error(&x->reply, 413, "the body is over the limit of %d MiB",
                        settings.max_body_mb);
    } else if (!type || is_type(type, "application/json") || is_type(type, "text/plain") ||
               is_type(type, "application/x-www-form-urlencoded")) {
        x->kind = FOV_BODY_JSON; /* curl -d says the last of them of anything */
    } else if (is_type(type, "multipart/form-data")) {
        x->kind = FOV_BODY_FORM;
    } else if (is_type(type, "image/") || is_type(type, "application/octet-stream")) {
        x->kind = FOV_BODY_RAW;
    } else {
        x->is_answered = true;
        fov_reply_error(&x->reply, 415,
                        "a body is application/json, multipart/form-data, or a picture as it is "
                        "(image/*)");
    }
}

/* Is the answer to be a picture, and no JSON? A browser's Accept names pictures beside pages. */
static bool wants_picture(const struct fov_exchange *x)
{
    const char *const accept = header(x, "Accept");
    return accept && strcasestr(accept, "image/") && !strcasestr(accept, "application/json") &&
           !strcasestr(accept, "text/html");
}

static struct fov_exchange *begin(struct fov_http *h, struct MHD_Connection *connection,
                                  const char *method, const char *path)
{
    struct fov_exchange *const x = fov_calloc(1, sizeof(*x));
    const union MHD_ConnectionInfo *const info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (!x)
        return NULL;
    x->server = h->server;
    x->connection = connection;
    x->link = info ? info->socket_context : NULL;
    x->start_s = fov_clock_s();
    h->n_exchanges++;
    enter(h, x->link, BODY);
    name_request(x);
    find_route(x, method, path);
    admit(x);
    expect_body(x);
    refuse_two_lengths(x);
    x->wants_binary = wants_picture(x);
    x->idempotency_key = header(x, "Idempotency-Key");
    return x;
}

/* ---- a request's body -------------------------------------------------------------------- */

bool fov__http_hold(struct fov_server *s, int64_t n)
{
    struct fov_settings settings;
    fov__settings(s, &settings);
    s->body_bytes += n;
    if (s->body_bytes <= (int64_t)settings.bodies_mb * MIB)
        return true;
    s->body_bytes -= n;
    return false;
}

/* Add to a text within `most` bytes, a NUL behind it. False: too many, or no memory for it. */
static bool add(struct fov_exchange *x, struct fov_text *t, const char *from, size_t n, size_t most)
{
    if (x->is_answered)
        return true;
    if (n > most - t->n) {
        x->body_is_over = true;
        return false;
    }
    if (t->n + n + 1 > t->room) {
        size_t room = t->room ? t->room : 1 << 12;
        while (room < t->n + n + 1)
            room *= 2;
        room = room > most + 1 ? most + 1 : room;
        const int64_t more = (int64_t)(room - t->room);
        const bool is_held = fov__http_hold(x->server, more);
        char *const larger = is_held ? fov_realloc(t->at, room, 1) : NULL;
        if (!larger) {
            x->server->body_bytes -= is_held ? more : 0;
            x->is_answered = true;
            fov_reply_error(&x->reply, 503, FOV_TOO_MUCH);
            return true;
        }
        t->at = larger;
        t->room = room;
    }
    memcpy(t->at + t->n, from, n);
    t->n += n;
    t->at[t->n] = '\0';
    return true;
}

static void drop(struct fov_exchange *x, struct fov_text *t)
{
    x->server->body_bytes -= (int64_t)t->room;
    fov_free(t->at);
    *t = (struct fov_text){0};
}

/* MHD_PostDataIterator: a piece of a part of a form. */
static enum MHD_Result on_part(void *user, enum MHD_ValueKind kind, const char *key,
                               const char *file_name, const char *type, const char *encoding,
                               const char *data, uint64_t at, size_t n)
{
    struct fov_exchange *const x = user;
    struct fov_settings settings;
    (void)kind, (void)type, (void)encoding;
    fov__settings(x->server, &settings);
    const struct {
        const char *key;
        struct fov_text *text;
        size_t most;
    } parts[] = {{"file", &x->body, (size_t)settings.max_file_mb * MIB},
                 {"operations", &x->operations, MAX_TEXT},
                 {"name", &x->name, MAX_TEXT},
                 {"webhook_url", &x->webhook_url, MAX_TEXT},
                 {"dry_run", &x->dry_run, MAX_TEXT}};
    for (size_t i = 0; key && i < FOV_N_ELEMENTS(parts); i++) {
        if (strcmp(key, parts[i].key) != 0)
            continue;
        if (at == 0 && parts[i].text->n) {
            x->is_answered = true;
            fov_reply_error(&x->reply, 400, "the form has two parts called %s", parts[i].key);
            return MHD_YES;
        }
        if (i == 0 && at == 0 && file_name && !x->file_name.n)
            (void)add(x, &x->file_name, file_name, strlen(file_name), MAX_TEXT);
        if (!add(x, parts[i].text, data, n, parts[i].most) && i > 0) {
            x->is_answered = true;
            fov_reply_error(&x->reply, 413, "the part %s of the form is over the limit of %d bytes",
                            parts[i].key, MAX_TEXT);
        }
    }
    return MHD_YES;
}

static void take(struct fov_exchange *x, const char *data, size_t n)
{
    struct fov_settings settings;
    if (x->is_answered || x->body_is_over)
        return; /* read on and dropped: the client hears why when it has sent it all */
    fov__settings(x->server, &settings);
    x->server->metrics.bytes_in += (int64_t)n;
    if (x->kind == FOV_BODY_FORM) {
        if (!x->form)
            x->form = MHD_create_post_processor(x->connection, FORM_BUFFER, on_part, x);
        if (!x->form || MHD_post_process(x->form, data, n) != MHD_YES) {
            x->is_answered = true;
            fov_reply_error(&x->reply, 400, "the form cannot be read");
        }
    } else {
        const int most = x->kind == FOV_BODY_RAW ? settings.max_file_mb : settings.max_body_mb;
        (void)add(x, &x->body, data, n, x->kind == FOV_BODY_NONE ? MAX_TEXT : (size_t)most * MIB);
    }
}

/* The body is whole. */
static void answer(struct fov_exchange *x)
{
    struct fov_settings settings;
    fov__settings(x->server, &settings);
    x->body_s = fov_clock_s();
    fov_metrics_stage(&x->server->metrics, FOV_STAGE_BODY, x->body_s - x->start_s);
    if (x->body_is_over && !x->is_answered) {
        x->is_answered = true;
        if (x->kind == FOV_BODY_NONE)
            fov_reply_error(&x->reply, 413, "the body is over the limit of %d bytes", MAX_TEXT);
        else
            fov_reply_error(&x->reply, 413, "the %s is over the limit of %d MiB",
                            x->kind == FOV_BODY_JSON ? "body" : "file",
                            x->kind == FOV_BODY_JSON ? settings.max_body_mb : settings.max_file_mb);
    }
    if (x->is_answered)
        return;
    x->is_answered = true;
    x->route->answer(x);
}

/* ---- the end ----------------------------------------------------------------------------- */

static enum MHD_Result send_reply(struct fov_exchange *x)
{
    struct fov_reply *const r = &x->reply;
    if (!r->response)
        return MHD_NO;
    fov_reply_header(r, "X-Request-Id", "%s", x->request_id);
    if (x->rate.limit) {
        fov_reply_header(r, "X-RateLimit-Limit", "%d", x->rate.limit);
        fov_reply_header(r, "X-RateLimit-Remaining", "%d", x->rate.remaining);
        fov_reply_header(r, "X-RateLimit-Reset", "%lld", (long long)x->rate.reset);
    }
    if (x->costs && r->status < 300) /* a job may have failed since */
        fov_reply_header(r, "Fovea-Cost", "1");
    enter(x->server->http, x->link, SEND);
    x->send_s = fov_clock_s();
    return MHD_queue_response(x->connection, (unsigned)r->status, r->response);
}

static void record(const struct fov_exchange *x, const char *method, const char *path, double now)
{
    const struct fov_order *const o = x->order;
    json_t *const line = json_pack(
        "{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:I}", "request_id", x->request_id, "method", method,
        "path", path, "status", x->reply.status, "ms", (now - x->start_s) * 1e3, "body_ms",
        x->body_s > 0 ? (x->body_s - x->start_s) * 1e3 : 0., "send_ms",
        x->send_s > 0 ? (now - x->send_s) * 1e3 : 0., "body_bytes", (json_int_t)x->body.n);
    if (line && x->has_key)
        (void)json_object_set_new(line, "key", json_string(x->key.prefix));
    if (line && o) {
        (void)json_object_set_new(line, "wait_ms", json_real(o->waited_s * 1e3));
        (void)json_object_set_new(line, "fetch_ms", json_real(o->fetched_s * 1e3));
        (void)json_object_set_new(line, "work_ms", json_real(o->worked_s * 1e3));
        if (o->err.code)
            (void)json_object_set_new(line, "error", json_string(o->err.text));
    }
    fov_record(x->reply.status >= 500 ? "error" : "info", "request", line);
}

/* MHD_RequestCompletedCallback */
static void on_completed(void *user, struct MHD_Connection *connection, void **exchange_at,
                         enum MHD_RequestTerminationCode how)
{
    struct fov_http *const h = user;
    struct fov_exchange *const x = *exchange_at;
    const double now = fov_clock_s();
    (void)connection, (void)how;
    if (!x)
        return;
    enter(h, x->link, HEADER);
    if (x->send_s > 0)
        fov_metrics_stage(&h->server->metrics, FOV_STAGE_SEND, now - x->send_s);
    if (x->reply.status) {
        fov_metrics_answer(&h->server->metrics, x->reply.status);
        fov_metrics_stage(&h->server->metrics, FOV_STAGE_REQUEST, now - x->start_s);
    }
    if (x->route && x->route->needs_key)
        record(x, x->route->method, x->route->path, now);
    else if (!x->route)
        record(x, "?", "?", now);
    if (x->form)
        (void)MHD_destroy_post_processor(x->form);
    drop(x, &x->body);
    drop(x, &x->operations);
    drop(x, &x->name);
    drop(x, &x->file_name);
    drop(x, &x->webhook_url);
    drop(x, &x->dry_run);
    h->server->body_bytes -= x->result_bytes;
    fov_reply_done(&x->reply);
    fov_order_free(x->order);
    fov_free(x);
    *exchange_at = NULL;
    h->n_exchanges--;
}

/* MHD_AccessHandlerCallback */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **exchange_at)
{
    struct fov_http *const h = user;
    struct fov_exchange *x = *exchange_at;
    (void)version;
    if (!x) {
        x = *exchange_at = begin(h, connection, method, path);
        return !x ? MHD_NO : x->is_unread ? send_reply(x) : MHD_YES;
    }
    if (*n) {
        take(x, data, *n);
        *n = 0;
        return MHD_YES;
    }
    if (x->is_suspended) {
        x->is_suspended = false;
        return send_reply(x);
    }
    answer(x);
    return x->is_suspended ? MHD_YES : send_reply(x);
}

int fov__http_socket(const struct fov_exchange *x)
{
    return x->link ? x->link->socket : -1;
}

bool fov__http_has_left(const struct fov_exchange *x)
{
    struct pollfd far = {.fd = fov__http_socket(x), .events = POLLRDHUP};
    return far.fd >= 0 && poll(&far, 1, 0) > 0;
}

void fov__http_suspend(struct fov_exchange *x)
{
    x->is_suspended = true;
    enter(x->server->http, x->link, WORK);
    MHD_suspend_connection(x->connection);
}

void fov__http_resume(struct fov_exchange *x)
{
    MHD_resume_connection(x->connection);
}

/* ---- metrics on their own address --------------------------------------------------------- */

/* MHD_AccessHandlerCallback */
static enum MHD_Result on_metrics(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **state)
{
    struct fov_http *const h = user;
    struct fov_gauges gauges;
    (void)version, (void)data, (void)n, (void)state;
    if (strcmp(path, "/metrics") != 0 || strcmp(method, "GET") != 0) {
        struct fov_reply none = {0};
        fov_reply_error(&none, 404, "there is /metrics and nothing else");
        const enum MHD_Result sent =
            none.response ? MHD_queue_response(connection, 404, none.response) : MHD_NO;
        fov_reply_done(&none);
        return sent;
    }
    fov__gauges(h->server, &gauges);
    char *const text = fov_metrics_text(&h->server->metrics, &gauges);
    if (!text)
        return MHD_NO;
    struct MHD_Response *const response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
    const enum MHD_Result sent = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return sent;
}

/* ---- start and end ------------------------------------------------------------------------ */

/* The address that "host:port", "[v6]:port" or ":port" means. */
static enum fov_code resolve(const char *text, struct sockaddr_storage *to, socklen_t *ret_n,
                             struct fov_err *err)
{
    const char *const colon = strrchr(text, ':');
    char host[FOV_SETTING_CHARS];
    struct addrinfo *found;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return fov_fail(err, FOV_ECONFIG,
                        "%.60s: is no address; one is 127.0.0.1:8080 or [::1]:8080", text);
    const bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    (void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * brackets, text + brackets);
    const int bad = getaddrinfo(host[0] ? host : "0.0.0.0", colon + 1, &hints, &found);
    if (bad)
        return fov_fail(err, FOV_ECONFIG, "%.60s: %s", text, gai_strerror(bad));
    memcpy(to, found->ai_addr, found->ai_addrlen);
    *ret_n = found->ai_addrlen;
    freeaddrinfo(found);
    return FOV_OK;
}

/* A socket that listens, with the address that it got. */
static enum fov_code listen_at(const char *text, int *ret_socket, char said[80],
                               struct fov_err *err)
{
    struct sockaddr_storage at;
    socklen_t n;
    char host[60], port[10];
    const int on = 1;
    const enum fov_code rc = resolve(text, &at, &n, err);
    if (rc)
        return rc;
    const int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(fd, (struct sockaddr *)&at, n) || listen(fd, SOMAXCONN) ||
        getsockname(fd, (struct sockaddr *)&at, &n)) {
        const int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return fov_fail(err, FOV_ECONFIG, "%.60s: cannot listen there: %s", text, strerror(why));
    }
    if (getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV))
        (void)snprintf(said, 80, "%.79s", text);
    else
        (void)snprintf(said, 80, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    *ret_socket = fd;
    return FOV_OK;
}

/* MHD_LogCallback */
__attribute__((format(printf, 2, 0))) static void on_log(void *user, const char *fmt,
                                                         va_list values)
{
    char text[300];
    (void)user;
    (void)vsnprintf(text, sizeof(text), fmt, values);
    text[strcspn(text, "\n")] = '\0';
    fov_record("warning", "http", json_pack("{s:s}", "message", text));
}

static enum fov_code start_daemons(struct fov_http *h, const struct fov_settings *s,
                                   struct fov_err *err)
{
    int fd;
    enum fov_code rc = listen_at(s->listen, &fd, h->api_address, err);
    if (rc)
        return rc;
    h->api = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)N_THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)s->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(1 << 16),
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        h, MHD_OPTION_END);
    if (!h->api) {
        (void)close(fd);
        return fov_fail(err, FOV_EINTERNAL, "the HTTP server does not start");
    }
    if (!s->metrics[0])
        return FOV_OK;
    if ((rc = listen_at(s->metrics, &fd, h->metrics_address, err)))
        return rc;
    h->metrics = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_metrics, h,
                                  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, 16U,
                                  MHD_OPTION_CONNECTION_TIMEOUT, 10U, MHD_OPTION_END);
    if (h->metrics)
        return FOV_OK;
    (void)close(fd);
    return fov_fail(err, FOV_EINTERNAL, "the HTTP server of the metrics does not start");
}

enum fov_code fov__http_open(struct fov_server *server, struct fov_err *err)
{
    struct fov_settings settings;
    struct fov_http *const h = fov_calloc(1, sizeof(*h));
    if (!h)
        return fov_fail(err, FOV_ENOMEM, "no memory for the HTTP server");
    h->server = server;
    h->quiet = -1;
    pthread_mutex_init(&h->lock, NULL);
    server->http = h;
    fov__settings(server, &settings);
    enum fov_code rc = start_daemons(h, &settings, err);
    if (!rc && pthread_create(&h->keeper, NULL, keeping, h))
        rc = fov_fail(err, FOV_ENOMEM, "the system starts no more threads");
    h->has_keeper = !rc;
    return rc;
}

const char *fov__http_address(const struct fov_http *http, bool metrics)
{
    return metrics ? http->metrics_address : http->api_address;
}

void fov__http_quiesce(struct fov_http *h)
{
    const MHD_socket fd = h->api ? MHD_quiesce_daemon(h->api) : MHD_INVALID_SOCKET;
    if (fd == MHD_INVALID_SOCKET)
        return;
    /* who comes is refused from now on; a thread of libmicrohttpd may still be at its number */
    (void)shutdown(fd, SHUT_RDWR);
    h->quiet = fd;
}

int fov__http_n_requests(const struct fov_http *h)
{
    return h->n_exchanges;
}

int fov__http_n_connections(const struct fov_http *h)
{
    return h->n_links;
}

void fov__http_close(struct fov_http *h)
{
    if (!h)
        return;
    h->is_closing = 1;
    if (h->has_keeper)
        pthread_join(h->keeper, NULL);
    if (h->metrics)
        MHD_stop_daemon(h->metrics);
    if (h->api)
        MHD_stop_daemon(h->api);
    if (h->quiet >= 0)
        (void)close(h->quiet);
    pthread_mutex_destroy(&h->lock);
    fov_free(h);
}
