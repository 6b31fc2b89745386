/* SPDX-License-Identifier: Apache-2.0 */
/* log.c -- words for a person, on standard error.
 *
 * One write() a line, so that lines of several processes on one terminal or log file do not mix.
 *
 * Threads: any. Owns: nothing. Trust: arguments hold file names; they are made harmless here.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fov_log(enum fov_log_level level, const char *fmt, ...)
{
    static const char *const lead[] = {"fovea: ", "fovea: warning: "};
    char line[1200];
    size_t used = (size_t)snprintf(line, sizeof(line), "%s", lead[level]);
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
    va_end(ap);
    for (size_t i = used; line[i]; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    used = n < 0 ? used : strlen(line);
    line[used++] = '\n';
    if (write(STDERR_FILENO, line, used) < 0)
        return; /* nowhere left to say so */
}
