/* SPDX-License-Identifier: Apache-2.0 */
/* record.h -- the log of the service: lines of JSON on standard error. */
#ifndef FOV_SERVER_RECORD_H
#define FOV_SERVER_RECORD_H

#include <jansson.h>

/* Write {"time": ..., "level": ..., "event": ..., and the members of `more`}, which it takes and
 * which may be NULL. A line is written at once. */
void fov_record(const char *level, const char *event, json_t *more);

#endif
