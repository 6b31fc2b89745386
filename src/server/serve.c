/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c -- the service as a whole: its parts start from the store up and end the other way.
 *
 * Threads: one, the caller's. Owns: the parts. Trust: nothing from outside comes here.
 */
#define _GNU_SOURCE
#include "server/serve.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/fetch.h"
#include "server/record.h"
#include "server/server.h"

enum { MAX_RATE = 1000000 /* settings.def */, TICK_US = 50000, SEND_GRACE_S = 5 };

void fov__settings(void *server, struct fov_settings *ret)
{
    struct fov_server *const s = server;
    pthread_mutex_lock(&s->settings_lock);
    *ret = s->settings;
    pthread_mutex_unlock(&s->settings_lock);
}

void fov__gauges(struct fov_server *s, struct fov_gauges *ret)
{
    struct fov_stage_counts stages;
    struct fov_worker_counts workers;
    fov_stages_get_counts(s->stages, &stages);
    fov_workers_get_counts(s->workers, &workers);
    *ret = (struct fov_gauges){.n_connections = fov__http_n_connections(s->http),
                               .n_waiting_fetch = stages.fetch.n_waiting,
                               .n_waiting_work = stages.work.n_waiting,
                               .n_patient = stages.fetch.n_patient + stages.work.n_patient,
                               .n_working = stages.work.n_taken,
                               .workers_started = workers.n_started,
                               .workers_crashed = workers.n_crashed,
                               .workers_overdue = workers.n_overdue,
                               .zygotes = workers.n_zygotes};
    if (fov_store_job_counts(s->store, &ret->jobs_queued, &ret->jobs_running, NULL))
        ret->jobs_queued = ret->jobs_running = -1;
}

enum fov_code fov_serve_start(const struct fov_settings *settings, struct fov_store *store,
                              struct fov_server **ret_server, struct fov_err *err)
{
    const struct fov_worker_options workers = {
        .n_threads = settings->threads, .u2net = settings->u2net[0] ? settings->u2net : NULL};
    struct fov_server *const s = fov_calloc(1, sizeof(*s));
    enum fov_code rc;
    if (!s)
        return fov_fail(err, FOV_ENOMEM, "no memory for the service");
    s->store = store;
    s->settings = *settings;
    pthread_mutex_init(&s->settings_lock, NULL);
    if ((rc = fov_fetch_start(err)) || (rc = fov_rate_init(&s->rate, MAX_RATE, err)) ||
        (rc = fov_workers_open(&workers, &s->workers, err)) ||
        (rc = fov_stages_open(s->workers, &s->metrics, fov__settings, s, &s->stages, err)) ||
        (rc = fov__webhooks_open(s, err)) || (rc = fov__jobs_open(s, err)) ||
        (rc = fov__http_open(s, err))) {
        fov_serve_stop(s);
        return rc;
    }
    *ret_server = s;
    return FOV_OK;
}

const char *fov_serve_address(const struct fov_server *server, bool metrics)
{
    return fov__http_address(server->http, metrics);
}

void fov_serve_reload(struct fov_server *server, const struct fov_settings *settings)
{
    pthread_mutex_lock(&server->settings_lock);
    fov_settings_reload(&server->settings, settings);
    pthread_mutex_unlock(&server->settings_lock);
}

/* Wait until no request is on its way and nothing is in work, but no longer than until `end_s`. */
static void wait_for_quiet(struct fov_server *s, double end_s)
{
    struct fov_stage_counts n;
    do {
        fov_stages_get_counts(s->stages, &n);
        if (!n.fetch.n_taken && !n.work.n_taken && !n.fetch.n_waiting && !n.work.n_waiting &&
            !(s->http && fov__http_n_requests(s->http)))
            return;
        (void)usleep(TICK_US);
    } while (fov_clock_s() < end_s);
}

void fov_serve_stop(struct fov_server *s)
{
    struct fov_settings settings;
    if (!s)
        return;
    fov__settings(s, &settings);
    s->is_stopping = 1;
    if (s->http)
        fov__http_quiesce(s->http);
    fov__jobs_stop(s->jobs);
    if (s->stages) {
        fov_stages_shut(s->stages);
        wait_for_quiet(s, fov_clock_s() + settings.stop_s);
    }
    fov_stages_end(s->stages);
    fov__jobs_dismiss(s->jobs);
    for (int i = 0; s->http && i < SEND_GRACE_S * 20 && fov__http_n_requests(s->http); i++)
        (void)usleep(TICK_US);
    fov__webhooks_stop(s->webhooks);
    fov__http_close(s->http); /* until here, requests may ask for anything */
    fov_stages_close(s->stages);
    fov__jobs_close(s->jobs);
    fov__webhooks_close(s->webhooks);
    fov_workers_close(s->workers);
    fov_rate_done(&s->rate);
    fov_fetch_stop();
    pthread_mutex_destroy(&s->settings_lock);
    fov_free(s);
}
