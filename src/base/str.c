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

enum { MAX_WORD = 40 };

/* Levenshtein distance of two short words. */
static int distance(const char *a, const char *b)
{
    const int na = (int)strlen(a), nb = (int)strlen(b);
    int row[MAX_WORD + 1];
    if (na > MAX_WORD || nb > MAX_WORD)
        return MAX_WORD;
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            const int replaced = diagonal + (a[i - 1] != b[j - 1]);
            const int longer = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < longer ? replaced : longer;
        }
    }
    return row[nb];
}

const char *fov_nearest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    int least = 3; /* further away is another word */
    for (int i = 0; i < n; i++) {
        const int d = distance(word, words[i]);
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best;
}

bool fov_is_utf8(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    while (*c) {
        const int n = *c < 0x80 ? 0 : *c >= 0xC2 && *c < 0xE0 ? 1 : *c >= 0xE0 && *c < 0xF0 ? 2 : 3;
        const unsigned char lead = *c++;
        if (lead >= 0x80 && (lead < 0xC2 || lead > 0xF4))
            return false;
        for (int i = 0; i < n; i++, c++) {
            /* the second byte: nothing written longer than it need be, no surrogates, the end */
            const unsigned least = i ? 0x80 : lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
            const unsigned most = i ? 0xBF : lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
            if (*c < least || *c > most)
                return false;
        }
    }
    return true;
}
