/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h -- how many requests of the last minute there were, by a window that slides. */
#ifndef FOV_SERVER_RATE_H
#define FOV_SERVER_RATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { FOV_RATE_WINDOW_S = 60 };

/* Times of the last requests, a ring. */
struct fov_rate {
    pthread_mutex_t lock;
    double *times;
    int room, first, n;
};

struct fov_rate_state {
    int limit, remaining; /* limit 0: there is none */
    int64_t reset;        /* Unix time when a request more is free again, at the latest */
    int retry_after_s;    /* when one was refused */
};

/* FOV_ENOMEM. `most` is the largest limit that will be asked for. */
FOV_CHECKED enum fov_code fov_rate_init(struct fov_rate *rate, int most, struct fov_err *err);
void fov_rate_done(struct fov_rate *rate);

/* How it stands at the time `now_s` (of a clock that only goes forward) with `limit` requests a
 * window, and with `take` count one more: false when it is too many, and not counted. */
bool fov_rate_ask(struct fov_rate *rate, int limit, double now_s, bool take,
                  struct fov_rate_state *ret_state);

#endif
