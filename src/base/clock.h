/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h -- time that only goes forward. */
#ifndef FOV_BASE_CLOCK_H
#define FOV_BASE_CLOCK_H

#include <time.h>

/* Seconds since some fixed moment. */
static inline double fov_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
