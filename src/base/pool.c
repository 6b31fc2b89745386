/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c -- threads that work on whatever is ready, and sleep when nothing is.
 *
 * One lock and one condition for everything. A task is some 100 us to 10 ms of arithmetic, a
 * claim under the lock well under a microsecond, so a cleverer structure would buy nothing and
 * cost the proof that it is right. Sources are asked in turn, so that two pictures in one pool
 * advance together.
 *
 * Threads: everything here may be called from any thread. Owns: its threads.
 */
#include "base/pool.h"

#include <pthread.h>

#include "base/mem.h"

struct thread {
    struct fov_pool *pool;
    pthread_t id;
    int slot; /* from 1 on; 0 is whoever helps */
};

struct fov_pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fov_work *works; /* the one to ask first */
    int n_waiting;
    bool stopping, has_started;
    int n_started; /* threads that run: one less than compute, or fewer where they cannot be had */
    int n_threads;
    struct thread threads[]; /* n_threads - 1 */
};

/* The first source with a ready task goes to the end of the list. */
static struct fov_work *claim_any(struct fov_pool *pool, int slot, uint32_t *ret_task)
{
    for (struct fov_work **at = &pool->works; *at; at = &(*at)->next) {
        struct fov_work *const work = *at;
        if (!work->claim(work, slot, ret_task))
            continue;
        struct fov_work **end = at;
        *end = work->next;
        while (*end)
            end = &(*end)->next;
        *end = work;
        work->next = NULL;
        return work;
    }
    return NULL;
}

static void wait_for_change(struct fov_pool *pool)
{
    pool->n_waiting++;
    pthread_cond_wait(&pool->changed, &pool->lock);
    pool->n_waiting--;
}

void fov_pool_wake(struct fov_pool *pool)
{
    if (pool->n_waiting)
        pthread_cond_broadcast(&pool->changed);
}

static void run_claimed(struct fov_pool *pool, struct fov_work *work, uint32_t task, int slot)
{
    work->n_running++;
    pthread_mutex_unlock(&pool->lock);
    work->run(work, task, slot);
    pthread_mutex_lock(&pool->lock);
    work->n_running--;
    work->finish(work, task);
    fov_pool_wake(pool);
}

static void *worker(void *arg)
{
    struct thread *const me = arg;
    struct fov_pool *const pool = me->pool;
    uint32_t task;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        struct fov_work *const work = claim_any(pool, me->slot, &task);
        if (work)
            run_claimed(pool, work, task, me->slot);
        else
            wait_for_change(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void fov_pool_help(struct fov_pool *pool, struct fov_work *work)
{
    uint32_t task;
    if (work->claim(work, 0, &task))
        run_claimed(pool, work, task, 0);
    else
        wait_for_change(pool);
}

enum fov_code fov_pool_open(int n_threads, struct fov_pool **ret_pool, struct fov_err *err)
{
    if (n_threads < 1 || n_threads > FOV_POOL_MAX_THREADS)
        return fov_fail(err, FOV_EUSAGE, "%d threads is outside 1..%d", n_threads,
                        FOV_POOL_MAX_THREADS);

    struct fov_pool *pool =
        fov_calloc(1, sizeof(*pool) + (size_t)(n_threads - 1) * sizeof(pool->threads[0]));
    if (!pool)
        return fov_fail(err, FOV_ENOMEM, "no memory for %d threads", n_threads);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->n_threads = n_threads;
    *ret_pool = pool;
    return FOV_OK;
}

void fov_pool_close(struct fov_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_started; i++)
        pthread_join(pool->threads[i].id, NULL);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    fov_free(pool);
}

int fov_pool_n_threads(const struct fov_pool *pool)
{
    return pool->n_threads;
}

/* Threads start with the first work: a process that forks before it has any takes none with it. */
static void start_threads(struct fov_pool *pool)
{
    pool->has_started = true;
    for (; pool->n_started < pool->n_threads - 1; pool->n_started++) {
        struct thread *const t = &pool->threads[pool->n_started];
        *t = (struct thread){.pool = pool, .slot = pool->n_started + 1};
        if (pthread_create(&t->id, NULL, worker, t))
            return; /* those that there are do the work */
    }
}

void fov_pool_limit(struct fov_pool *pool, int n)
{
    if (n >= 1 && n < pool->n_threads)
        pool->n_threads = n;
}

void fov_pool_attach(struct fov_pool *pool, struct fov_work *work)
{
    pthread_mutex_lock(&pool->lock);
    if (!pool->has_started)
        start_threads(pool);
    work->n_running = 0;
    work->next = pool->works;
    pool->works = work;
    fov_pool_wake(pool);
    pthread_mutex_unlock(&pool->lock);
}

void fov_pool_detach(struct fov_pool *pool, struct fov_work *work)
{
    pthread_mutex_lock(&pool->lock);
    struct fov_work **at = &pool->works;
    while (*at && *at != work)
        at = &(*at)->next;
    if (*at)
        *at = work->next;
    while (work->n_running)
        wait_for_change(pool);
    pthread_mutex_unlock(&pool->lock);
}

void fov_pool_lock(struct fov_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
}

void fov_pool_unlock(struct fov_pool *pool)
{
    pthread_mutex_unlock(&pool->lock);
}
