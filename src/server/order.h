/* SPDX-License-Identifier: Apache-2.0 */
/* order.h -- a request on its way: its file fetched, its picture made.
 *
 * Two stages, each with a queue and threads of its own, so that a server far away that is slow
 * holds up nobody who waits for a worker. Whoever puts an order in gets it back, once, by
 * order->finished(), on a thread of a stage.
 */
#ifndef FOV_SERVER_ORDER_H
#define FOV_SERVER_ORDER_H

#include <stdatomic.h>

#include "server/metrics.h"
#include "server/queue.h"
#include "server/request.h"
#include "server/settings.h"
#include "worker/worker.h"

struct fov_order {
    struct fov_queued queued; /* first */
    struct fov_stages *stages;
    struct fov_request *request;
    unsigned char *bytes; /* what request->file lies in; freed as soon as a worker has it */
    int gone_fd;          /* the client's socket, or -1 */
    atomic_int cancelled; /* nonzero ends the work */
    void (*finished)(struct fov_order *order);
    void *user;

    double put_s, waited_s, fetched_s, worked_s; /* seconds of the clock, and of each stage */
    struct fov_err err;                          /* code FOV_OK: the result holds */
    struct fov_task_result result;               /* its fd is the order's until somebody takes it */
};

/* Gives an order for `request`, which it takes with `bytes`, or NULL without memory. */
struct fov_order *fov_order_new(struct fov_request *request, unsigned char *bytes, int64_t key_id);
void fov_order_free(struct fov_order *order);

struct fov_stages;

/* Start the threads; `settings` are asked at each use by get_settings(user). Gives *ret_stages; end
 * them with fov_stages_close(). FOV_ENOMEM. */
typedef void fov_get_settings_fn(void *user, struct fov_settings *ret);
FOV_CHECKED enum fov_code fov_stages_open(struct fov_workers *workers, struct fov_metrics *metrics,
                                          fov_get_settings_fn *get_settings, void *user,
                                          struct fov_stages **ret_stages, struct fov_err *err);

/* Put an order in: false, and it is still the caller's, when the queue is full or the service is
 * stopping. */
bool fov_stages_put(struct fov_stages *stages, struct fov_order *order);

/* End orders that wait and whose clients have left or have waited too long; about once a second. */
void fov_stages_sweep(struct fov_stages *stages);

/* Let nothing more in; orders that are patient and not yet with a worker end with FOV_ECANCEL, all
 * others go their way. */
void fov_stages_shut(struct fov_stages *stages);

/* How many orders wait for a file and for a worker, and are in work. */
struct fov_stage_counts {
    struct fov_queue_counts fetch, work;
};
void fov_stages_get_counts(struct fov_stages *stages, struct fov_stage_counts *ret);

/* End what is in work, and the threads: no order comes back after this. All else of the above may
 * still be called until fov_stages_close(). */
void fov_stages_end(struct fov_stages *stages);
void fov_stages_close(struct fov_stages *stages);

#endif
