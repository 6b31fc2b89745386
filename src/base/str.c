/* SPDX-License-Identifier: Apache-2.0 */
/* str.c -- words of a user or a file as what they mean.
 *
 * Threads: any. Owns: nothing. Trust: texts come from outside.
 */
#define _GNU_SOURCE
#include "base/str.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

bool fov_parse_real(const char *text, double least, double most, double *ret_number)
{
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text)) /* no hex, no infinity */
        return false;
    char *end;
    const locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const double number = c ? strtod_l(text, &end, c) : strtod(text, &end);
    if (c)
        freelocale(c);
    if (*end || !(number >= least && number <= most))
        return false;
    *ret_number = number;
    return true;
}
