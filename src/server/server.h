/* SPDX-License-Identifier: Apache-2.0 */
/* server.h -- what the parts of the service share.
 *
 *   http.c       connections, requests, deadlines; reads bodies, sends replies
 *   routes.c     what each route of routes.def answers
 *   transform.c  pictures: a request becomes an order or a job, an outcome becomes a reply
 *   jobs.c       takes jobs from the store, makes orders of them, puts back what comes
 *   webhooks.c   delivers how jobs ended
 *   serve.c      starts and ends them all
 */
#ifndef FOV_SERVER_SERVER_H
#define FOV_SERVER_SERVER_H

#include "server/order.h"
#include "server/rate.h"
#include "server/reply.h"
#include "store/jobs.h"

enum { FOV_REQUEST_ID_CHARS = 64 };

#define FOV_TOO_MUCH "the service holds too many requests at the moment"

struct fov_server {
    struct fov_store *store;
    pthread_mutex_t settings_lock;
    struct fov_settings settings; /* by fov__settings() */
    struct fov_metrics metrics;
    struct fov_rate rate;
    struct fov_workers *workers;
    struct fov_stages *stages;
    struct fov_http *http;
    struct fov_jobs *jobs;
    struct fov_webhooks *webhooks;
    atomic_int is_stopping;
    _Atomic int64_t body_bytes; /* of all requests: bodies, and results that are being sent */
};

/* A copy of the settings as they are now. fov_get_settings_fn. */
void fov__settings(void *server, struct fov_settings *ret);

/* The gauges of the metrics. */
void fov__gauges(struct fov_server *server, struct fov_gauges *ret);

/* ---- http.c ------------------------------------------------------------------------------ */

struct MHD_Connection;

enum fov_body_kind { FOV_BODY_NONE, FOV_BODY_JSON, FOV_BODY_FORM, FOV_BODY_RAW };

/* A text that comes in pieces. */
struct fov_text {
    char *at;
    size_t n, room;
};

/* A request and its answer. */
struct fov_exchange {
    struct fov_server *server;
    struct MHD_Connection *connection;
    struct fov_link *link; /* the connection's */
    char request_id[FOV_REQUEST_ID_CHARS + 1];
    const struct fov_route *route;     /* NULL: none */
    char id[FOV_REQUEST_ID_CHARS + 1]; /* behind a path that ends in "/" */
    bool has_key;
    struct fov_key key;
    struct fov_rate_state rate;
    bool wants_binary; /* Accept: image/... */
    bool costs;        /* a credit, taken or estimated */

    enum fov_body_kind kind;
    struct fov_text body; /* JSON, or the file of a form or a raw body */
    struct fov_text operations, name, webhook_url, dry_run; /* of a form */
    struct fov_text file_name; /* of a form's file, which `name` goes before */
    struct MHD_PostProcessor *form;
    const char *idempotency_key; /* or NULL */
    bool body_is_over;           /* the limit */

    double start_s, body_s, send_s; /* the clock when it, its whole body, its answer came */
    struct fov_reply reply;
    int64_t result_bytes; /* in it, counted among the server's */
    bool is_answered, is_suspended;
    bool is_unread; /* answered before its body, of which nothing is read */

    struct fov_order *order;   /* that it waits for */
    int64_t hold;              /* of a credit, or 0 */
    struct fov_exchange *next; /* of those that wait for a job */
    char job_id[FOV_JOB_ID_CHARS + 1];
};

struct fov_route {
    const char *method, *path;
    void (*answer)(struct fov_exchange *x);
    bool needs_key;
};
extern const struct fov_route fov__routes[];
extern const int fov__n_routes;

FOV_CHECKED enum fov_code fov__http_open(struct fov_server *server, struct fov_err *err);

/* The addresses in use, "127.0.0.1:8080"; that of the metrics is "" when there is none. */
const char *fov__http_address(const struct fov_http *http, bool metrics);

/* Take no more connections. */
void fov__http_quiesce(struct fov_http *http);

/* How many requests are on their way. */
int fov__http_n_requests(const struct fov_http *http);
int fov__http_n_connections(const struct fov_http *http);
void fov__http_close(struct fov_http *http);

/* The socket of the client, and whether its far end has closed. */
int fov__http_socket(const struct fov_exchange *x);
bool fov__http_has_left(const struct fov_exchange *x);

/* Count `n` more bytes among those that requests hold, to be taken off server->body_bytes later;
 * false, and nothing is counted, when there is no room for them under bodies_mb. */
bool fov__http_hold(struct fov_server *server, int64_t n);

/* Let a request wait outside of the server's threads, and go on once its reply is there. */
void fov__http_suspend(struct fov_exchange *x);
void fov__http_resume(struct fov_exchange *x);

/* ---- transform.c ------------------------------------------------------------------------- */

/* Answer a request for a picture, or begin to and suspend it. */
void fov__transform(struct fov_exchange *x);

/* Reply with a job's state, and its result when it is done. */
void fov__reply_job(struct fov_exchange *x, const struct fov_job *job);

/* ---- jobs.c ------------------------------------------------------------------------------ */

FOV_CHECKED enum fov_code fov__jobs_open(struct fov_server *server, struct fov_err *err);

/* Take no more jobs, and end the thread; those that were taken may come back until
 * fov_stages_end(). */
void fov__jobs_stop(struct fov_jobs *jobs);

/* Tell requests that wait for a job, now and from now on, that the service is stopping; the job is
 * done by the next. */
void fov__jobs_dismiss(struct fov_jobs *jobs);
void fov__jobs_close(struct fov_jobs *jobs);

/* There may be a job to take. */
void fov__jobs_wake(struct fov_jobs *jobs);

/* Let the request `x` wait for job x->job_id, which was added. */
void fov__jobs_wait(struct fov_jobs *jobs, struct fov_exchange *x);

/* The job was cancelled: end its work. */
void fov__jobs_cancel(struct fov_jobs *jobs, const char *id);

/* ---- webhooks.c -------------------------------------------------------------------------- */

FOV_CHECKED enum fov_code fov__webhooks_open(struct fov_server *server, struct fov_err *err);

/* End what is being sent, and the threads; it may still be woken until fov__webhooks_close(). */
void fov__webhooks_stop(struct fov_webhooks *h);
void fov__webhooks_close(struct fov_webhooks *h);
void fov__webhooks_wake(struct fov_webhooks *h);

#endif
