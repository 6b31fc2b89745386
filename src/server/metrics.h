/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h -- what the service has done, counted, as Prometheus reads it. */
#ifndef FOV_SERVER_METRICS_H
#define FOV_SERVER_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* The time of a request goes to these. */
#define FOV_STAGES(X)                                                                              \
    X(FOV_STAGE_BODY, "body")                                                                      \
    X(FOV_STAGE_FETCH, "fetch")                                                                    \
    X(FOV_STAGE_QUEUE, "queue")                                                                    \
    X(FOV_STAGE_WORK, "work")                                                                      \
    X(FOV_STAGE_SEND, "send")                                                                      \
    X(FOV_STAGE_REQUEST, "request") /* all of it */

#define FOV_STAGE_ID(id, name) id,
enum fov_stage { FOV_STAGES(FOV_STAGE_ID) FOV_N_STAGES };
#undef FOV_STAGE_ID

enum { FOV_N_BUCKETS = 14, FOV_MAX_STATUS = 600 };

struct fov_metrics {
    _Atomic int64_t answers[FOV_MAX_STATUS]; /* by HTTP status */
    struct {
        _Atomic int64_t n, sum_us, buckets[FOV_N_BUCKETS];
    } stages[FOV_N_STAGES];
    _Atomic int64_t pixels_in, pixels_out, bytes_in, bytes_out;
    _Atomic int64_t webhooks_delivered, webhooks_failed;
};

void fov_metrics_answer(struct fov_metrics *metrics, int status);
void fov_metrics_stage(struct fov_metrics *metrics, enum fov_stage stage, double seconds);
void fov_metrics_pixels(struct fov_metrics *metrics, int64_t in, int64_t out);

/* What stands at the moment, from elsewhere. */
struct fov_gauges {
    int n_connections, n_waiting_fetch, n_waiting_work, n_patient, n_working;
    int64_t jobs_queued, jobs_running; /* -1: not known */
    int64_t workers_started, workers_crashed, workers_overdue, zygotes;
};

/* Everything in Prometheus's text format, for fov_free(), or NULL without memory. */
char *fov_metrics_text(const struct fov_metrics *metrics, const struct fov_gauges *gauges);

#endif
