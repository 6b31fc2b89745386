/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h -- orders that wait for a thread: a bounded number, fair between keys.
 *
 * The next order is one of the key that has the fewest in work, of those the one whose turn was
 * longest ago, and of its orders the one that waits longest. Somebody waits for a synchronous
 * order; asynchronous ones get every fourth turn, and all that nobody else wants.
 */
#ifndef FOV_SERVER_QUEUE_H
#define FOV_SERVER_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The head of whatever waits. */
struct fov_queued {
    struct fov_queued *next;
    int64_t key_id;
    bool is_patient; /* asynchronous */
};

struct fov_queue;

/* Gives *ret_queue; end it with fov_queue_close(). FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_queue_open(struct fov_queue **ret_queue, struct fov_err *err);
void fov_queue_close(struct fov_queue *queue);

/* Put an order in, unless `limit` impatient ones wait already, or the queue was shut: false. */
bool fov_queue_put(struct fov_queue *queue, struct fov_queued *order, int limit);

/* The next order, when there is one; waits for it. NULL when the queue was shut and is empty. What
 * was taken is given back by fov_queue_done(). */
struct fov_queued *fov_queue_take(struct fov_queue *queue);
void fov_queue_done(struct fov_queue *queue, const struct fov_queued *order);

/* Take out the orders for which `is_gone` holds, as a list. */
struct fov_queued *fov_queue_sweep(struct fov_queue *queue,
                                   bool (*is_gone)(void *user, const struct fov_queued *order),
                                   void *user);

/* Let nothing more in. With `drop`, what waits and is patient is taken out, as a list. */
struct fov_queued *fov_queue_shut(struct fov_queue *queue, bool drop);

/* How many wait, impatient and patient, and how many are taken. */
struct fov_queue_counts {
    int n_waiting, n_patient, n_taken;
};
void fov_queue_get_counts(struct fov_queue *queue, struct fov_queue_counts *ret);

#endif
