/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c -- what each route answers; that of pictures is transform.c's.
 *
 * Threads: libmicrohttpd's. Owns: nothing. Trust: identifiers are a client's.
 */
#include <string.h>

#include "server/openapi.h"
#include "server/server.h"

static void transform(struct fov_exchange *x)
{
    fov__transform(x);
}

static void me(struct fov_exchange *x)
{
    struct fov_credits c;
    struct fov_err err = {0};
    if (fov_store_credits(x->server->store, &c, &err)) {
        fov_reply_failure(&x->reply, &err);
        return;
    }
    fov_reply_json(&x->reply, 200,
                   json_pack("{s:b, s:{s:s, s:s, s:s, s:{s:I, s:I, s:I}}}", "success", 1, "data",
                             "project", x->key.project, "key_prefix", x->key.prefix, "key_name",
                             x->key.name, "credits", "trial", (json_int_t)c.trial, "paid",
                             (json_int_t)c.paid, "remaining",
                             (json_int_t)c.trial + (json_int_t)c.paid));
}

/* A failure about something that is named in the path. */
static void reply_missing(struct fov_exchange *x, const struct fov_err *err)
{
    if (err->code == FOV_EUSAGE)
        fov_reply_error(&x->reply, 409, "%s", err->text);
    else
        fov_reply_failure(&x->reply, err);
}

static void job(struct fov_exchange *x)
{
    struct fov_err err = {0};
    struct fov_job found;
    if (fov_store_job_get(x->server->store, x->key.id, x->id, &found, &err))
        reply_missing(x, &err);
    else
        fov__reply_job(x, &found);
}

static void cancel(struct fov_exchange *x)
{
    struct fov_err err = {0};
    struct fov_job found;
    if (fov_store_job_cancel(x->server->store, x->key.id, x->id, &found, &err)) {
        reply_missing(x, &err);
        return;
    }
    fov__jobs_cancel(x->server->jobs, found.id);
    fov__reply_job(x, &found);
}

/* fov_webhook_fn */
static void list(void *user, const struct fov_webhook *w)
{
    (void)json_array_append_new(user,
                                json_pack("{s:s, s:s, s:s, s:i, s:s, s:I}", "id", w->id, "job_id",
                                          w->job_id, "url", w->url, "attempts", w->n_attempts,
                                          "error", w->error, "since", (json_int_t)w->next_at_s));
}

static void webhooks(struct fov_exchange *x)
{
    struct fov_err err = {0};
    json_t *const all = json_array();
    if (all && fov_store_webhook_each(x->server->store, x->key.project_id, FOV_WEBHOOK_DEAD, list,
                                      all, &err)) {
        json_decref(all);
        fov_reply_failure(&x->reply, &err);
        return;
    }
    fov_reply_json(&x->reply, 200, json_pack("{s:b, s:o}", "success", 1, "data", all));
}

static void retry(struct fov_exchange *x)
{
    static const char ending[] = "/retry";
    struct fov_err err = {0};
    const size_t n = strlen(x->id);
    if (n < sizeof(ending) || strcmp(x->id + n - (sizeof(ending) - 1), ending) != 0) {
        fov_reply_error(&x->reply, 404, "there is nothing at this path");
        return;
    }
    x->id[n - (sizeof(ending) - 1)] = '\0';
    if (fov_store_webhook_retry(x->server->store, x->key.id, x->id, &err)) {
        reply_missing(x, &err);
        return;
    }
    fov__webhooks_wake(x->server->webhooks);
    fov_reply_json(&x->reply, 200, json_pack("{s:b, s:{s:s}}", "success", 1, "data", "id", x->id));
}

static void health(struct fov_exchange *x)
{
    fov_reply_json(&x->reply, 200, json_pack("{s:b}", "success", 1));
}

static void ready(struct fov_exchange *x)
{
    struct fov_credits c;
    struct fov_err err = {0};
    if (x->server->is_stopping)
        fov_reply_error(&x->reply, 503, "the service is stopping");
    else if (fov_store_credits(x->server->store, &c, &err))
        fov_reply_error(&x->reply, 503, "%s", err.text);
    else
        health(x);
}

static void openapi(struct fov_exchange *x)
{
    fov_reply_text(&x->reply, 200, "application/json", fov__openapi, fov__openapi_bytes);
}

const struct fov_route fov__routes[] = {
#define ROUTE(method, path, answer, needs_key, help) {method, path, answer, needs_key},
#include "server/routes.def"
#undef ROUTE
};
const int fov__n_routes = (int)(sizeof(fov__routes) / sizeof(fov__routes[0]));
