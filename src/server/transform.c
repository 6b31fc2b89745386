/* SPDX-License-Identifier: Apache-2.0 */
/* transform.c -- a request for a picture and its answer.
 *
 * A synchronous request holds a credit, becomes an order and waits for it. An asynchronous one, and
 * one with an Idempotency-Key, becomes a job in the store before anything is answered; the latter
 * waits for its job as it would for an order.
 *
 * Threads: libmicrohttpd's until a request is suspended, then a stage's. Owns: nothing. Trust:
 * every byte of the request.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/outfile.h"
#include "server/record.h"
#include "server/server.h"

enum { MIB = 1 << 20 };

/* ---- the request ------------------------------------------------------------------------- */

/* A flag of a form or a query; false where there is none. */
static enum fov_code read_flag(const char *name, const char *text, bool *ret, struct fov_err *err)
{
    *ret = text && (!strcasecmp(text, "true") || !strcmp(text, "1"));
    return !text || *ret || !strcasecmp(text, "false") || !strcmp(text, "0")
               ? FOV_OK
               : fov_fail(err, FOV_EUSAGE, "%s is neither true nor false", name);
}

static const char *argument(const struct fov_exchange *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum fov_code read_parts(struct fov_exchange *x, const struct fov_request_options *options,
                                struct fov_request **ret_request, struct fov_err *err)
{
    const bool form = x->kind == FOV_BODY_FORM;
    const char *const operations = form ? x->operations.at : argument(x, "operations");
    const char *const name = x->name.at ? x->name.at : x->file_name.at;
    bool dry_run;
    const enum fov_code rc =
        read_flag("dry_run", form ? x->dry_run.at : argument(x, "dry_run"), &dry_run, err);
    if (rc)
        return rc;
    const struct fov_request_parts parts = {.operations = operations,
                                            .n_operations = operations ? strlen(operations) : 0,
                                            .name = form ? name : argument(x, "name"),
                                            .webhook_url = form ? x->webhook_url.at
                                                                : argument(x, "webhook_url"),
                                            .file = (const unsigned char *)x->body.at,
                                            .file_bytes = x->body.n,
                                            .dry_run = dry_run};
    return fov_request_from_parts(&parts, options, ret_request, err);
}

static enum fov_code read_request(struct fov_exchange *x, const struct fov_settings *settings,
                                  struct fov_request **ret_request, struct fov_err *err)
{
    const struct fov_request_options options = {
        .max_file_bytes = (size_t)settings->max_file_mb * MIB,
        .allow = settings->allow[0] ? settings->allow : NULL};
    char nothing[1] = "";
    struct fov_request *r;
    enum fov_code rc =
        x->kind == FOV_BODY_JSON
            ? fov_request_parse(x->body.at ? x->body.at : nothing, x->body.n, &options, &r, err)
            : read_parts(x, &options, &r, err);
    if (rc)
        return rc;
    if ((rc = fov_task_check(r->operations, strlen(r->operations), err))) {
        fov_request_free(r);
        return rc;
    }
    *ret_request = r;
    return FOV_OK;
}

/* ---- at once ----------------------------------------------------------------------------- */

/* The credit of a request that has ended: taken when it was worth it. */
static void settle(struct fov_exchange *x, struct fov_err *err)
{
    struct fov_store *const store = x->server->store;
    if (!x->hold)
        return;
    struct fov_err why = {0};
    const enum fov_code rc = err->code ? fov_store_release(store, x->hold, &why)
                                       : fov_store_capture(store, x->hold, &why);
    if (rc) /* it is an old hold after hold_s, and released then */
        fov_record("error", "store",
                   json_pack("{s:s, s:s}", "request_id", x->request_id, "error", why.text));
    if (rc && !err->code)
        *err = why;
    x->hold = 0;
}

static void reply_estimate(struct fov_exchange *x, const struct fov_task_result *r)
{
    fov_reply_json(&x->reply, 200,
                   json_pack("{s:b, s:{s:b, s:i, s:i, s:b, s:s, s:i}}", "success", 1, "data",
                             "dry_run", 1, "width_px", r->width_px, "height_px", r->height_px,
                             "size_is_exact", r->size_is_exact, "mime_type", r->mime_type, "cost",
                             1));
}

/* An order has come back: fov_order's finished(). */
static void on_finished(struct fov_order *o)
{
    struct fov_exchange *const x = o->user;
    settle(x, &o->err);
    fov_reply_clean(o->err.text); /* for the log */
    if (o->err.code == FOV_ECANCEL && x->server->is_stopping) {
        fov_reply_error(&x->reply, 503, "the service is stopping");
    } else if (o->err.code) {
        fov_reply_failure(&x->reply, &o->err);
    } else if (o->request->dry_run) {
        reply_estimate(x, &o->result);
    } else {
        x->result_bytes = (int64_t)o->result.n_bytes;
        x->server->body_bytes += x->result_bytes;
        x->server->metrics.bytes_out += x->result_bytes;
        fov_reply_picture(&x->reply, o->result.fd, o->result.n_bytes, o->result.mime_type,
                          x->wants_binary, NULL);
        o->result.fd = -1;
    }
    x->costs = !o->err.code;
    fov__http_resume(x);
}

static void make_order(struct fov_exchange *x, struct fov_request *request)
{
    struct fov_err err = {0};
    const bool is_owned = !request->url;
    struct fov_order *const o =
        fov_order_new(request, is_owned ? (unsigned char *)x->body.at : NULL, x->key.id);
    if (!o) {
        fov_request_free(request);
        fov_reply_error(&x->reply, 503, "no memory for the request");
        return;
    }
    if (is_owned)
        x->body.at = NULL; /* its room counts as long as the request lives */
    x->order = o;
    o->finished = on_finished;
    o->user = x;
    o->gone_fd = fov__http_socket(x);
    if (!request->dry_run && fov_store_hold(x->server->store, x->key.id, &x->hold, &err)) {
        fov_reply_failure(&x->reply, &err);
        return;
    }
    fov__http_suspend(x);
    if (fov_stages_put(x->server->stages, o))
        return; /* it may be answered by now */
    (void)fov_fail(&o->err, FOV_ENOMEM, "%s",
                   x->server->is_stopping ? "the service is stopping" : "all workers are busy");
    on_finished(o);
}

/* ---- by a job ---------------------------------------------------------------------------- */

/* SHA-256 of the whole request. */
static bool digest_of(const struct fov_request *r, uint8_t to[FOV_DIGEST_BYTES])
{
    EVP_MD_CTX *const md = EVP_MD_CTX_new();
    unsigned n = FOV_DIGEST_BYTES;
    const bool good =
        md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
        EVP_DigestUpdate(md, r->json, strlen(r->json)) == 1 &&
        EVP_DigestUpdate(md, r->file ? r->file : (const unsigned char *)"", r->file_bytes) == 1 &&
        EVP_DigestFinal_ex(md, to, &n) == 1;
    EVP_MD_CTX_free(md);
    return good;
}

static enum fov_code add_job(struct fov_exchange *x, const struct fov_settings *settings,
                             const struct fov_request *r, struct fov_job *ret_job,
                             bool *ret_repeated, struct fov_err *err)
{
    struct fov_job_new job = {.key_id = x->key.id,
                              .request = r->json,
                              .input = r->file,
                              .input_bytes = r->file_bytes,
                              .webhook_url = r->webhook_url,
                              .idempotency_key = x->idempotency_key,
                              .max_queued = settings->jobs};
    return digest_of(r, job.digest)
               ? fov_store_job_add(x->server->store, &job, ret_job, ret_repeated, err)
               : fov_fail(err, FOV_EINTERNAL, "a request cannot be hashed");
}

static void make_job(struct fov_exchange *x, const struct fov_settings *settings,
                     struct fov_request *r)
{
    struct fov_err err = {0};
    struct fov_job job;
    const bool is_async = r->webhook_url != NULL;
    bool repeated = false;
    const enum fov_code rc = x->server->is_stopping
                                 ? fov_fail(&err, FOV_ENOMEM, "the service is stopping")
                                 : add_job(x, settings, r, &job, &repeated, &err);
    fov_request_free(r);
    if (rc) {
        fov_reply_failure(&x->reply, &err);
        return;
    }
    x->costs = !repeated;
    fov__jobs_wake(x->server->jobs);
    if (is_async) {
        fov_reply_json(&x->reply, 201,
                       json_pack("{s:b, s:b, s:s, s:s}", "success", 1, "async", 1, "message",
                                 "The request was accepted; its result goes to webhook_url",
                                 "job_id", job.id));
        return;
    }
    memcpy(x->job_id, job.id, sizeof(job.id));
    fov__http_suspend(x);
    fov__jobs_wait(x->server->jobs, x);
}

/* The result of a job in a file. */
static enum fov_code load_result(struct fov_store *store, const char *id, int *ret_fd,
                                 size_t *ret_n, struct fov_err *err)
{
    unsigned char *bytes;
    size_t n;
    const enum fov_code rc = fov_store_job_result(store, id, &bytes, &n, err);
    if (rc)
        return rc;
    const int fd = memfd_create("result", MFD_CLOEXEC);
    const bool is_written = fd >= 0 && fov_write_all(fd, bytes, n);
    fov_free(bytes);
    if (!is_written) {
        if (fd >= 0)
            (void)close(fd);
        return fov_fail(err, FOV_ENOMEM, "no memory for the result");
    }
    *ret_fd = fd;
    *ret_n = n;
    return FOV_OK;
}

static json_t *members_of(const struct fov_job *job)
{
    json_t *const data =
        json_pack("{s:s, s:s, s:I, s:o}", "job_id", job->id, "state",
                  fov_job_state_name(job->state), "created_at", (json_int_t)job->created_s,
                  "finished_at", job->finished_s ? json_integer(job->finished_s) : json_null());
    if (data && job->state == FOV_JOB_FAILED) {
        (void)json_object_set_new(data, "error", json_string(job->error));
        (void)json_object_set_new(data, "status", json_integer(job->status));
    }
    if (data && job->state == FOV_JOB_DONE) {
        (void)json_object_set_new(data, "width_px", json_integer(job->width_px));
        (void)json_object_set_new(data, "height_px", json_integer(job->height_px));
    }
    return data;
}

void fov__reply_job(struct fov_exchange *x, const struct fov_job *job)
{
    const bool waits = x->job_id[0] != '\0'; /* as for an order, not to see how it stands */
    struct fov_err err = {0};
    size_t n;
    int fd;
    if (waits && job->state != FOV_JOB_DONE) {
        if (job->state == FOV_JOB_FAILED)
            fov_reply_error(&x->reply, job->status, "%s", job->error);
        else
            fov_reply_error(&x->reply, 409, "job %s was cancelled", job->id);
        return;
    }
    json_t *const members = members_of(job);
    if (job->state != FOV_JOB_DONE || !job->result_bytes) {
        fov_reply_json(&x->reply, 200, json_pack("{s:b, s:o}", "success", 1, "data", members));
        return;
    }
    char *const text = members && !waits ? json_dumps(members, JSON_COMPACT) : NULL;
    if (text) { /* {...} becomes ,... */
        text[0] = ',';
        text[strlen(text) - 1] = '\0';
    }
    json_decref(members);
    if (!fov__http_hold(x->server, job->result_bytes)) {
        fov_reply_error(&x->reply, 503, FOV_TOO_MUCH);
        fov_free(text);
        return;
    }
    x->result_bytes = job->result_bytes;
    if (load_result(x->server->store, job->id, &fd, &n, &err)) {
        fov_reply_failure(&x->reply, &err);
        fov_free(text);
        return;
    }
    fov_reply_picture(&x->reply, fd, n, job->mime_type, x->wants_binary, text);
    fov_free(text);
}

void fov__transform(struct fov_exchange *x)
{
    struct fov_settings settings;
    struct fov_err err = {0};
    struct fov_request *r;
    fov__settings(x->server, &settings);
    if (read_request(x, &settings, &r, &err))
        fov_reply_failure(&x->reply, &err);
    else if (!r->dry_run && (r->webhook_url || x->idempotency_key))
        make_job(x, &settings, r);
    else
        make_order(x, r);
}
