/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.c -- asynchronous requests, from the store to the stages and back.
 *
 * One thread takes jobs, never many more than can be worked on, renews their leases, and now and
 * then tidies the store. A job comes back on a stage's thread and is ended there; while the store
 * cannot be written, that thread tries again, for the result would have to be made anew.
 *
 * Threads: one of its own, and the stages'. Owns: jobs that were taken. Trust: a stored request is
 * checked as it was when it came.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "server/record.h"
#include "server/server.h"

enum { LEASE_S = 20, RENEW_S = 5, TICK_MS = 250, TIDY_S = 60, MIB = 1 << 20, FINISH_TRIES = 60 };

/* A job that is this process's. */
struct taken {
    struct taken *next;
    struct fov_jobs *jobs;
    struct fov_job job;
    struct fov_order *order;
    double renewed_s;
};

struct fov_jobs {
    struct fov_server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct taken *taken;
    int n_taken, most;
    struct fov_exchange *waiting; /* requests that wait for a job */
    bool is_dismissed;            /* none may wait any more */
    bool is_woken;
    atomic_int is_closing;
    pthread_t thread;
};

/* ---- those that wait --------------------------------------------------------------------- */

/* Answer the requests that wait for a job which has ended, whoever ended it. */
static void answer_waiting(struct fov_jobs *j, const char *id)
{
    struct fov_exchange *list = NULL;
    struct fov_job job;
    struct fov_err err = {0};
    const enum fov_code rc = fov_store_job_get(j->server->store, FOV_ANY_KEY, id, &job, &err);
    if (!rc && (job.state == FOV_JOB_QUEUED || job.state == FOV_JOB_RUNNING))
        return;
    pthread_mutex_lock(&j->lock);
    for (struct fov_exchange **at = &j->waiting; *at;) {
        struct fov_exchange *const x = *at;
        if (strcmp(x->job_id, id) != 0) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        x->next = list;
        list = x;
    }
    pthread_mutex_unlock(&j->lock);
    while (list) {
        struct fov_exchange *const x = list;
        list = x->next;
        if (rc)
            fov_reply_failure(&x->reply, &err);
        else
            fov__reply_job(x, &job);
        fov__http_resume(x);
    }
}

void fov__jobs_wait(struct fov_jobs *j, struct fov_exchange *x)
{
    char id[FOV_JOB_ID_CHARS + 1];
    memcpy(id, x->job_id, sizeof(id));
    pthread_mutex_lock(&j->lock);
    x->next = j->waiting;
    j->waiting = x;
    const bool is_late = j->is_dismissed;
    pthread_mutex_unlock(&j->lock);
    if (is_late)
        fov__jobs_dismiss(j);
    else
        answer_waiting(j, id); /* it may have ended before */
}

/* A job may take long, and does not need who waits for it: connections that their clients have
 * closed are let go, or a few clients who come and leave again would have them all; and those that
 * wait longer than a request without a job may, since others between may not let them. */
static void let_go(struct fov_jobs *j)
{
    struct fov_exchange *list = NULL;
    struct fov_settings settings;
    fov__settings(j->server, &settings);
    const double began_s = fov_clock_s() - settings.queue_s - settings.work_s;
    pthread_mutex_lock(&j->lock);
    for (struct fov_exchange **at = &j->waiting; *at;) {
        struct fov_exchange *const x = *at;
        if (!fov__http_has_left(x) && x->body_s > began_s) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        x->next = list;
        list = x;
    }
    pthread_mutex_unlock(&j->lock);
    while (list) {
        struct fov_exchange *const x = list;
        list = x->next;
        if (x->body_s > began_s)
            fov_reply_error(&x->reply, 499, "the client has left; job %s goes on", x->job_id);
        else
            fov_reply_error(&x->reply, 503,
                            "job %s goes on; for its result, send the request again with the same "
                            "Idempotency-Key",
                            x->job_id);
        fov__http_resume(x);
    }
}

/* Look after each job that somebody waits for: another process may have ended it. */
static void look_for_waiting(struct fov_jobs *j)
{
    enum { MOST = 64 };
    static char ids[MOST][FOV_JOB_ID_CHARS + 1];
    int n = 0;
    pthread_mutex_lock(&j->lock);
    for (const struct fov_exchange *x = j->waiting; x && n < MOST; x = x->next)
        memcpy(ids[n++], x->job_id, sizeof(ids[0]));
    pthread_mutex_unlock(&j->lock);
    for (int i = 0; i < n; i++)
        answer_waiting(j, ids[i]);
}

/* ---- the end of a job -------------------------------------------------------------------- */

static void forget(struct fov_jobs *j, struct taken *t)
{
    pthread_mutex_lock(&j->lock);
    struct taken **at = &j->taken;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    j->n_taken--;
    j->is_woken = true;
    pthread_cond_signal(&j->changed);
    pthread_mutex_unlock(&j->lock);
    fov_order_free(t->order);
    fov_free(t);
}

/* Write how it ended, again while the store cannot be written. */
static void write_end(struct fov_jobs *j, const struct taken *t, const struct fov_job_result *r)
{
    struct fov_err err;
    for (int tries = 0; tries < FINISH_TRIES; tries++) {
        err = (struct fov_err){0};
        if (!fov_store_job_finish(j->server->store, t->job.id, t->job.n_attempts, r, &err))
            return;
        fov_record("error", "store",
                   json_pack("{s:s, s:s}", "job_id", t->job.id, "error", err.text));
        if (j->is_closing)
            return; /* its lease runs out, and it is done anew */
        (void)sleep(1);
    }
}

static void end_job(struct fov_jobs *j, const struct taken *t)
{
    struct fov_order *const o = t->order;
    fov_reply_clean(o->err.text); /* it is asked for, and sent, as it is stored */
    struct fov_job_result r = {.error = o->err.code ? o->err.text : NULL,
                               .status = fov_err_http_status(o->err.code),
                               .n_bytes = o->result.n_bytes,
                               .mime_type = o->result.mime_type,
                               .width_px = o->result.width_px,
                               .height_px = o->result.height_px};
    void *const bytes =
        r.error ? NULL : mmap(NULL, r.n_bytes, PROT_READ, MAP_SHARED, o->result.fd, 0);
    if (bytes == MAP_FAILED) {
        r.error = "no memory for the result";
        r.status = fov_err_http_status(FOV_ENOMEM);
    }
    r.bytes = bytes;
    write_end(j, t, &r);
    if (bytes && bytes != MAP_FAILED)
        (void)munmap(bytes, r.n_bytes);
    j->server->metrics.bytes_out += r.error ? 0 : (int64_t)r.n_bytes;
}

/* An order has come back: fov_order's finished(). */
static void on_finished(struct fov_order *o)
{
    struct taken *const t = o->user;
    struct fov_jobs *const j = t->jobs;
    char id[FOV_JOB_ID_CHARS + 1];
    memcpy(id, t->job.id, sizeof(id));
    struct fov_err err = {0};
    if (o->err.code == FOV_ECANCEL && j->server->is_stopping) {
        if (fov_store_job_put_back(j->server->store, id, t->job.n_attempts, &err))
            fov_record("error", "store", json_pack("{s:s}", "error", err.text));
    } else if (!o->cancelled) {
        end_job(j, t);
    }
    fov_record("info", "job",
               json_pack("{s:s, s:i, s:f, s:f, s:s}", "job_id", id, "attempt", t->job.n_attempts,
                         "fetch_ms", o->fetched_s * 1e3, "work_ms", o->worked_s * 1e3, "outcome",
                         o->err.code ? o->err.text : "done"));
    forget(j, t);
    answer_waiting(j, id);
    fov__webhooks_wake(j->server->webhooks);
}

/* ---- taking ------------------------------------------------------------------------------ */

/* A stored request is read again. Takes the input. */
static void start(struct fov_jobs *j, const struct fov_job *job, char *request,
                  unsigned char *input, size_t input_bytes)
{
    struct taken *const t = fov_calloc(1, sizeof(*t));
    struct fov_settings settings;
    struct fov_request *r = NULL;
    struct fov_err err = {0};
    fov__settings(j->server, &settings);
    const struct fov_request_options options = {.max_file_bytes =
                                                    (size_t)settings.max_file_mb * MIB,
                                                .allow = settings.allow[0] ? settings.allow : NULL,
                                                .stored_file = input,
                                                .stored_file_bytes = input_bytes};
    if (!t) {
        fov_free(input);
        return; /* its lease runs out */
    }
    const enum fov_code rc = fov_request_parse(request, strlen(request), &options, &r, &err);
    t->jobs = j;
    t->job = *job;
    t->renewed_s = fov_clock_s();
    t->order = fov_order_new(r, input, job->key_id);
    if (!t->order) {
        fov_request_free(r);
        fov_free(input);
        fov_free(t);
        return;
    }
    struct fov_order *const o = t->order;
    o->queued.is_patient = true;
    o->finished = on_finished;
    o->user = t;
    pthread_mutex_lock(&j->lock);
    t->next = j->taken;
    j->taken = t;
    j->n_taken++;
    pthread_mutex_unlock(&j->lock);
    if (rc)
        o->err = err;
    else if (fov_stages_put(j->server->stages, o))
        return;
    else
        (void)fov_fail(&o->err, FOV_ECANCEL, "the service is stopping");
    on_finished(o);
}

/* Take a job, if there is one and room for it. */
static bool take_one(struct fov_jobs *j)
{
    struct fov_job job;
    char *request = NULL;
    unsigned char *input = NULL;
    size_t n = 0;
    bool found = false;
    struct fov_err err = {0};
    pthread_mutex_lock(&j->lock);
    const bool room = j->n_taken < j->most && !j->is_closing && !j->server->is_stopping;
    pthread_mutex_unlock(&j->lock);
    if (!room)
        return false;
    if (fov_store_job_claim(j->server->store, LEASE_S, &job, &request, &input, &n, &found, &err)) {
        fov_record("error", "store", json_pack("{s:s}", "error", err.text));
        return false;
    }
    if (found)
        start(j, &job, request, input, n);
    fov_free(found ? request : NULL);
    return found;
}

static void renew(struct fov_jobs *j)
{
    const double now = fov_clock_s();
    pthread_mutex_lock(&j->lock); /* so that none of them is forgotten meanwhile */
    for (struct taken *t = j->taken; t; t = t->next) {
        bool ours = true;
        if (now - t->renewed_s < RENEW_S)
            continue;
        if (!fov_store_job_renew(j->server->store, t->job.id, t->job.n_attempts, LEASE_S, &ours,
                                 NULL))
            t->renewed_s = now;
        if (!ours)
            t->order->cancelled = 1;
    }
    pthread_mutex_unlock(&j->lock);
}

void fov__jobs_cancel(struct fov_jobs *j, const char *id)
{
    pthread_mutex_lock(&j->lock);
    for (struct taken *t = j->taken; t; t = t->next)
        if (!strcmp(t->job.id, id))
            t->order->cancelled = 1;
    pthread_mutex_unlock(&j->lock);
    answer_waiting(j, id);
}

static void tidy(struct fov_jobs *j)
{
    struct fov_settings settings;
    struct fov_err err = {0};
    int n = 0;
    fov__settings(j->server, &settings);
    const int64_t now = time(NULL);
    if (fov_store_release_old(j->server->store, now - settings.hold_s, &n, &err) ||
        fov_store_clean(j->server->store, now - settings.keep_s, &err))
        fov_record("error", "store", json_pack("{s:s}", "error", err.text));
    else if (n)
        fov_record("warning", "holds", json_pack("{s:i}", "released", n));
}

static void *taking(void *user)
{
    struct fov_jobs *const j = user;
    double tidied_s = 0, looked_s = 0;
    while (!j->is_closing) {
        while (take_one(j))
            ;
        renew(j);
        const double now = fov_clock_s();
        if (now - tidied_s > TIDY_S) {
            tidied_s = now;
            tidy(j);
        }
        if (now - looked_s > 1) {
            looked_s = now;
            let_go(j);
            look_for_waiting(j);
        }
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&j->lock);
        if (!j->is_woken)
            pthread_cond_timedwait(&j->changed, &j->lock, &until);
        j->is_woken = false;
        pthread_mutex_unlock(&j->lock);
    }
    return NULL;
}

void fov__jobs_wake(struct fov_jobs *j)
{
    pthread_mutex_lock(&j->lock);
    j->is_woken = true;
    pthread_cond_signal(&j->changed);
    pthread_mutex_unlock(&j->lock);
}

enum fov_code fov__jobs_open(struct fov_server *server, struct fov_err *err)
{
    struct fov_settings settings;
    struct fov_jobs *const j = fov_calloc(1, sizeof(*j));
    if (!j)
        return fov_fail(err, FOV_ENOMEM, "no memory for jobs");
    fov__settings(server, &settings);
    j->server = server;
    j->most = 2 * (settings.workers ? settings.workers : fov_cpu_count());
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->changed, NULL);
    if (pthread_create(&j->thread, NULL, taking, j)) {
        fov_free(j);
        return fov_fail(err, FOV_ENOMEM, "the system starts no more threads");
    }
    server->jobs = j;
    return FOV_OK;
}

void fov__jobs_dismiss(struct fov_jobs *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    struct fov_exchange *list = FOV_STEAL(j->waiting);
    j->is_dismissed = true;
    pthread_mutex_unlock(&j->lock);
    while (list) {
        struct fov_exchange *const x = list;
        list = x->next;
        fov_reply_error(&x->reply, 503, "the service is stopping; job %s goes on later", x->job_id);
        fov__http_resume(x);
    }
}

void fov__jobs_stop(struct fov_jobs *j)
{
    if (!j || j->is_closing)
        return;
    j->is_closing = 1;
    fov__jobs_wake(j);
    pthread_join(j->thread, NULL);
}

void fov__jobs_close(struct fov_jobs *j)
{
    if (!j)
        return;
    pthread_cond_destroy(&j->changed);
    pthread_mutex_destroy(&j->lock);
    fov_free(j);
}
