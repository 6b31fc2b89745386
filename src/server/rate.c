/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c -- how many requests of the last minute there were.
 *
 * The time of each is kept, so that the window slides and does not jump.
 *
 * Threads: any. Owns: the ring. Trust: nothing from outside comes here.
 */
#include "server/rate.h"

#include <math.h>
#include <time.h>

#include "base/mem.h"

enum fov_code fov_rate_init(struct fov_rate *rate, int most, struct fov_err *err)
{
    *rate = (struct fov_rate){.room = most};
    pthread_mutex_init(&rate->lock, NULL);
    rate->times = fov_calloc((size_t)most + 1, sizeof(double));
    return rate->times ? FOV_OK : fov_fail(err, FOV_ENOMEM, "no memory to count requests");
}

void fov_rate_done(struct fov_rate *rate)
{
    fov_free(rate->times);
    pthread_mutex_destroy(&rate->lock);
}

bool fov_rate_ask(struct fov_rate *rate, int limit, double now_s, bool take,
                  struct fov_rate_state *ret_state)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret_state = (struct fov_rate_state){.limit = limit, .reset = now.tv_sec};
    if (!limit)
        return true;
    if (limit > rate->room)
        limit = rate->room;
    pthread_mutex_lock(&rate->lock);
    while (rate->n && rate->times[rate->first] <= now_s - FOV_RATE_WINDOW_S) {
        rate->first = (rate->first + 1) % rate->room;
        rate->n--;
    }
    const bool free = rate->n < limit;
    if (take && free)
        rate->times[(rate->first + rate->n++) % rate->room] = now_s;
    if (rate->n) {
        /* the request whose leaving brings the number below the limit, or the first */
        const int at = rate->n > limit ? rate->n - limit : 0;
        const double wait =
            rate->times[(rate->first + at) % rate->room] + FOV_RATE_WINDOW_S - now_s;
        ret_state->retry_after_s = (int)ceil(wait < 1 ? 1 : wait);
        ret_state->reset += (int64_t)ceil(1e-9 * (double)now.tv_nsec + wait);
    }
    ret_state->remaining = rate->n < limit ? limit - rate->n : 0;
    pthread_mutex_unlock(&rate->lock);
    return free;
}
