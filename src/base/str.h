/* SPDX-License-Identifier: Apache-2.0 */
/* str.h -- words of a user or a file as what they mean. */
#ifndef FOV_BASE_STR_H
#define FOV_BASE_STR_H

#include <stdbool.h>

/* Is `text` a decimal number from `least` to `most`, nothing before or after it, with a point in
 * every locale? Gives *ret_number. */
bool fov_parse_real(const char *text, double least, double most, double *ret_number);

/* Is it UTF-8 (RFC 3629)? Names of files may be anything. */
bool fov_is_utf8(const char *text);

/* The nearest of `n` words to a misspelt one, or NULL when none is near. */
const char *fov_nearest(const char *word, const char *const *words, int n);

#endif
