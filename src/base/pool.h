/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h -- threads that work on whatever is ready, and sleep when nothing is.
 *
 * A picture in work is a *source of tasks*: it knows what depends on what, the pool does not.
 * Whoever waits for a source's result helps with it meanwhile, so a pool for one thread starts
 * none at all.
 */
#ifndef FOV_BASE_POOL_H
#define FOV_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define FOV_POOL_MAX_THREADS 256

struct fov_pool;

struct fov_work {
    /* Under the pool's lock: name a task that may run now and mark it as running, or false. `slot`
     * (0..n_threads-1) is the thread's own: no other runs a task of `work` with the same one
     * meanwhile. */
    bool (*claim)(struct fov_work *work, int slot, uint32_t *ret_task);
    /* Without the lock, on the thread that claimed it. */
    void (*run)(struct fov_work *work, uint32_t task, int slot);
    /* Under the lock: the task is done, others may have become ready. */
    void (*finish)(struct fov_work *work, uint32_t task);

    struct fov_work *next; /* the pool's */
    int n_running;         /* the pool's */
};

/* Make a pool in which `n_threads` (1..FOV_POOL_MAX_THREADS) compute, one of them being the caller
 * while it helps. They start with the first work, so that a process may fork before, and fewer
 * where the system gives no more. Gives *ret_pool; end it with fov_pool_close(). FOV_EUSAGE,
 * FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_pool_open(int n_threads, struct fov_pool **ret_pool,
                                        struct fov_err *err);

/* Stop and free the threads. NULL is fine. No source may be attached any more. */
void fov_pool_close(struct fov_pool *pool);

int fov_pool_n_threads(const struct fov_pool *pool);

/* Let no more than `n` threads compute, of those it was opened for. Before its first work. */
void fov_pool_limit(struct fov_pool *pool, int n);

/* Offer the tasks of `work` to the pool. The pool keeps `work` until it is detached. */
void fov_pool_attach(struct fov_pool *pool, struct fov_work *work);

/* Claim no more tasks of `work`, and wait for those that run. */
void fov_pool_detach(struct fov_pool *pool, struct fov_work *work);

/* The pool's lock guards the state that claim() and finish() look at. */
void fov_pool_lock(struct fov_pool *pool);
void fov_pool_unlock(struct fov_pool *pool);

/* With the lock held: something outside a task changed, so look for ready tasks again. */
void fov_pool_wake(struct fov_pool *pool);

/* With the lock held: run one ready task of `work` in slot 0, or sleep until anything changes. One
 * thread at a time for each work. */
void fov_pool_help(struct fov_pool *pool, struct fov_work *work);

#endif
