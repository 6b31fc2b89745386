/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c -- orders that wait for a thread.
 *
 * A list in the order of arrival, looked through under one lock: it holds some hundreds at most,
 * and each order is milliseconds of work.
 *
 * Threads: any. Owns: nothing that waits. Trust: nothing from outside comes here.
 */
#include "server/queue.h"

#include "base/mem.h"

enum { MAX_KEYS = 512, PATIENT_TURN = 4 };

struct fov_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fov_queued *first;
    struct fov_queue_counts counts;
    struct key {
        int64_t id;
        int n; /* orders in work */
        uint64_t
            served; /* when it last had its turn, by n_served; with one thread, all that tells */
    } keys[MAX_KEYS];
    int n_keys;
    uint64_t n_served;
    unsigned turn;
    bool is_shut;
};

enum fov_code fov_queue_open(struct fov_queue **ret_queue, struct fov_err *err)
{
    struct fov_queue *const q = fov_calloc(1, sizeof(*q));
    if (!q)
        return fov_fail(err, FOV_ENOMEM, "no memory for a queue");
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    *ret_queue = q;
    return FOV_OK;
}

void fov_queue_close(struct fov_queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
    fov_free(queue);
}

bool fov_queue_put(struct fov_queue *q, struct fov_queued *order, int limit)
{
    pthread_mutex_lock(&q->lock);
    const bool fits = !q->is_shut && (order->is_patient || q->counts.n_waiting < limit);
    if (fits) {
        struct fov_queued **at = &q->first;
        while (*at)
            at = &(*at)->next;
        *at = order;
        order->next = NULL;
        *(order->is_patient ? &q->counts.n_patient : &q->counts.n_waiting) += 1;
        pthread_cond_signal(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    return fits;
}

/* What is remembered of a key, or NULL. */
static struct key *find_key(struct fov_queue *q, int64_t id)
{
    for (int i = 0; i < q->n_keys; i++)
        if (q->keys[i].id == id)
            return &q->keys[i];
    return NULL;
}

/* Room for a key: new, or that of the one whose turn was longest ago and that has nothing in work;
 * NULL when all have. */
static struct key *add_key(struct fov_queue *q, int64_t id)
{
    struct key *at = NULL;
    if (q->n_keys < MAX_KEYS)
        at = &q->keys[q->n_keys++];
    else
        for (struct key *k = q->keys; k < q->keys + MAX_KEYS; k++)
            if (!k->n && (!at || k->served < at->served))
                at = k;
    if (at)
        *at = (struct key){.id = id};
    return at;
}

static void unlink_at(struct fov_queue *q, struct fov_queued **at)
{
    *(((*at)->is_patient) ? &q->counts.n_patient : &q->counts.n_waiting) -= 1;
    *at = (*at)->next;
}

static struct fov_queued *choose(struct fov_queue *q)
{
    const bool patient =
        q->counts.n_patient && (!q->counts.n_waiting || ++q->turn % PATIENT_TURN == 0);
    static const struct key unknown = {0};
    struct fov_queued **best = NULL;
    const struct key *least = NULL;
    for (struct fov_queued **at = &q->first; *at; at = &(*at)->next) {
        if ((*at)->is_patient != patient)
            continue;
        const struct key *key = find_key(q, (*at)->key_id);
        key = key ? key : &unknown;
        if (best && (key->n > least->n || (key->n == least->n && key->served >= least->served)))
            continue;
        best = at;
        least = key;
    }
    if (!best)
        return NULL;
    struct fov_queued *const order = *best;
    unlink_at(q, best);
    struct key *const key =
        least == &unknown ? add_key(q, order->key_id) : find_key(q, order->key_id);
    if (key) {
        key->n++;
        key->served = ++q->n_served;
    }
    q->counts.n_taken++;
    return order;
}

struct fov_queued *fov_queue_take(struct fov_queue *q)
{
    struct fov_queued *order;
    pthread_mutex_lock(&q->lock);
    while (!(order = choose(q)) && !q->is_shut)
        pthread_cond_wait(&q->changed, &q->lock);
    pthread_mutex_unlock(&q->lock);
    return order;
}

void fov_queue_done(struct fov_queue *q, const struct fov_queued *order)
{
    pthread_mutex_lock(&q->lock);
    q->counts.n_taken--;
    struct key *const key = find_key(q, order->key_id);
    if (key && key->n)
        key->n--;
    pthread_mutex_unlock(&q->lock);
}

struct fov_queued *fov_queue_sweep(struct fov_queue *q,
                                   bool (*is_gone)(void *user, struct fov_queued *order),
                                   void *user)
{
    struct fov_queued *list = NULL;
    pthread_mutex_lock(&q->lock);
    for (struct fov_queued **at = &q->first; *at;) {
        struct fov_queued *const order = *at;
        if (!is_gone(user, order)) {
            at = &order->next;
            continue;
        }
        unlink_at(q, at);
        order->next = list;
        list = order;
    }
    pthread_mutex_unlock(&q->lock);
    return list;
}

static bool is_patient(void *user, struct fov_queued *order)
{
    (void)user;
    return order->is_patient;
}

struct fov_queued *fov_queue_shut(struct fov_queue *q, bool drop)
{
    pthread_mutex_lock(&q->lock);
    q->is_shut = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
    return drop ? fov_queue_sweep(q, is_patient, NULL) : NULL;
}

void fov_queue_get_counts(struct fov_queue *q, struct fov_queue_counts *ret)
{
    pthread_mutex_lock(&q->lock);
    *ret = q->counts;
    pthread_mutex_unlock(&q->lock);
}
