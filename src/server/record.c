/* SPDX-License-Identifier: Apache-2.0 */
/* record.c -- the log of the service.
 *
 * Threads: any. Owns: nothing. Trust: texts are strangers'; jansson escapes what would end a line.
 */
#include "server/record.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

void fov_record(const char *level, const char *event, json_t *more)
{
    struct timeval now;
    struct tm tm;
    char day[32], stamp[48];
    (void)gettimeofday(&now, NULL);
    (void)gmtime_r(&now.tv_sec, &tm);
    (void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(stamp, sizeof(stamp), "%s.%03dZ", day, (int)(now.tv_usec / 1000));
    json_t *const line =
        json_pack("{s:s, s:s, s:s}", "time", stamp, "level", level, "event", event);
    if (more)
        (void)json_object_update_missing(line, more);
    char *const text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(7)) : NULL;
    const size_t n = text ? strlen(text) : 0;
    if (text) {
        text[n] = '\n'; /* in place of the NUL: one write is one line */
        if (write(STDERR_FILENO, text, n + 1) < 0)
            (void)0; /* nobody is left to tell */
    }
    fov_free(text);
    json_decref(line);
    json_decref(more);
}
