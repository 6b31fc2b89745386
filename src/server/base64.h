/* SPDX-License-Identifier: Apache-2.0 */
/* base64.h -- standard base64 back to bytes. */
#ifndef FOV_SERVER_BASE64_H
#define FOV_SERVER_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Decode `n` characters at `text` in place: the bytes, *ret_n of them, lie at `text` afterwards.
 * The alphabet is that of RFC 4648, section 4, with nothing between; the padding may be left out,
 * but only all of it. False: *ret_n is the index of the first character that cannot be, or `n` when
 * the end comes too early; what is at `text` is then lost. */
bool fov_base64_decode(char *text, size_t n, size_t *ret_n);

#endif
