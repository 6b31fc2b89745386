/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c -- what the service has done, counted.
 *
 * The text format is Prometheus's, version 0.0.4.
 *
 * Threads: any. Owns: nothing. Trust: nothing from outside comes here.
 */
#include "server/metrics.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

/* Seconds. */
static const double bounds[FOV_N_BUCKETS] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1,
                                             3,     10,    30,   60,   120, 300, 3600};

static const char *const stage_names[FOV_N_STAGES] = {
#define FOV_STAGE_NAME(id, name) name,
    FOV_STAGES(FOV_STAGE_NAME)
#undef FOV_STAGE_NAME
};

void fov_metrics_answer(struct fov_metrics *m, int status)
{
    if (status >= 0 && status < FOV_MAX_STATUS)
        m->answers[status]++;
}

void fov_metrics_stage(struct fov_metrics *m, enum fov_stage stage, double seconds)
{
    m->stages[stage].n++;
    m->stages[stage].sum_us += (int64_t)(seconds * 1e6);
    for (int i = 0; i < FOV_N_BUCKETS; i++)
        if (seconds <= bounds[i]) {
            m->stages[stage].buckets[i]++;
            break;
        }
}

void fov_metrics_pixels(struct fov_metrics *m, int64_t in, int64_t out)
{
    m->pixels_in += in;
    m->pixels_out += out;
}

struct text {
    char *at;
    size_t n, room;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *fmt, ...)
{
    va_list values;
    if (t->n >= t->room)
        return;
    va_start(values, fmt);
    t->n += (size_t)vsnprintf(t->at + t->n, t->room - t->n, fmt, values);
    va_end(values);
}

static void add_one(struct text *t, const char *name, const char *type, const char *help,
                    int64_t value)
{
    add(t, "# HELP fovea_%s %s\n# TYPE fovea_%s %s\nfovea_%s %lld\n", name, help, name, type, name,
        (long long)value);
}

static void add_stages(struct text *t, const struct fov_metrics *m)
{
    add(t, "# HELP fovea_stage_seconds Time that requests spent in each stage.\n"
           "# TYPE fovea_stage_seconds histogram\n");
    for (int s = 0; s < FOV_N_STAGES; s++) {
        int64_t sum = 0;
        for (int i = 0; i < FOV_N_BUCKETS; i++) {
            sum += m->stages[s].buckets[i];
            add(t, "fovea_stage_seconds_bucket{stage=\"%s\",le=\"%g\"} %lld\n", stage_names[s],
                bounds[i], (long long)sum);
        }
        add(t,
            "fovea_stage_seconds_bucket{stage=\"%s\",le=\"+Inf\"} %lld\n"
            "fovea_stage_seconds_sum{stage=\"%s\"} %.6f\n"
            "fovea_stage_seconds_count{stage=\"%s\"} %lld\n",
            stage_names[s], (long long)m->stages[s].n, stage_names[s],
            (double)m->stages[s].sum_us / 1e6, stage_names[s], (long long)m->stages[s].n);
    }
}

char *fov_metrics_text(const struct fov_metrics *m, const struct fov_gauges *g)
{
    enum { ROOM = 1 << 15 };
    struct text t = {.at = fov_calloc(ROOM, 1), .room = ROOM};
    if (!t.at)
        return NULL;
    add(&t, "# HELP fovea_answers_total Answers by HTTP status.\n"
            "# TYPE fovea_answers_total counter\n");
    for (int i = 0; i < FOV_MAX_STATUS; i++)
        if (m->answers[i])
            add(&t, "fovea_answers_total{status=\"%d\"} %lld\n", i, (long long)m->answers[i]);
    add_stages(&t, m);
    const struct {
        const char *name, *type, *help;
        int64_t value;
    } ones[] = {
        {"pixels_in_total", "counter", "Pixels of pictures that came in.", m->pixels_in},
        {"pixels_out_total", "counter", "Pixels of pictures that were made.", m->pixels_out},
        {"body_bytes_total", "counter", "Bytes of request bodies.", m->bytes_in},
        {"result_bytes_total", "counter", "Bytes of files that were made.", m->bytes_out},
        {"webhooks_delivered_total", "counter", "Webhooks that were delivered.",
         m->webhooks_delivered},
        {"webhook_failures_total", "counter", "Attempts to deliver a webhook that failed.",
         m->webhooks_failed},
        {"workers_started_total", "counter", "Workers that were started.", g->workers_started},
        {"workers_crashed_total", "counter", "Workers that ended without an answer.",
         g->workers_crashed},
        {"workers_overdue_total", "counter", "Workers that were ended past a deadline.",
         g->workers_overdue},
        {"zygotes_total", "counter", "Starts of the process that workers come from.", g->zygotes},
        {"connections", "gauge", "Clients that are connected.", g->n_connections},
        {"waiting_for_file", "gauge", "Requests that wait for their file.", g->n_waiting_fetch},
        {"waiting_for_worker", "gauge", "Requests that wait for a worker.", g->n_waiting_work},
        {"waiting_patiently", "gauge", "Asynchronous requests taken and waiting.", g->n_patient},
        {"working", "gauge", "Requests in work.", g->n_working},
        {"jobs_queued", "gauge", "Asynchronous requests in the store that wait.", g->jobs_queued},
        {"jobs_running", "gauge", "Asynchronous requests in work.", g->jobs_running},
    };
    for (size_t i = 0; i < FOV_N_ELEMENTS(ones); i++)
        if (ones[i].value >= 0)
            add_one(&t, ones[i].name, ones[i].type, ones[i].help, ones[i].value);
    return t.at;
}
