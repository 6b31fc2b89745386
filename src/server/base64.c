/* SPDX-License-Identifier: Apache-2.0 */
/* base64.c -- standard base64 back to bytes.
 *
 * A request is one base64 text of up to 60 MB, so it is decoded where it lies: four characters
 * become three bytes, which never reach what is still to be read. One look-up a character, and one
 * test for four, as bit 6 of every entry says that the character counts: 1.2 GB/s
 * (tests/server/test_request.c --bench), while the network takes a thousand times as long.
 *
 * Bits of the last character that belong to no byte are not looked at, as the decoders of Python,
 * Go and Node do not. Threads: any. Owns: nothing. Trust: the text comes from outside.
 */
#include "server/base64.h"

#include <stdint.h>

enum { VALID = 64 };

/* VALID + the value of a character of the alphabet; 0 for all others. */
static const uint8_t table[256] = {
    ['+'] = 126, ['/'] = 127, /* A to Z, a to z, 0 to 9 count on from their first: */
    ['A'] = 64,  65,          66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,
    77,          78,          79,  80,  81,  82,  83,  84,  85,  86,  87,  88,  89,
    ['a'] = 90,  91,          92,  93,  94,  95,  96,  97,  98,  99,  100, 101, 102,
    103,         104,         105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115,
    ['0'] = 116, 117,         118, 119, 120, 121, 122, 123, 124, 125,
};

/* How many of `n` characters are data and not padding. */
static size_t without_padding(const char *text, size_t n)
{
    if (!n || n % 4 || text[n - 1] != '=')
        return n;
    return text[n - 2] == '=' ? n - 2 : n - 1;
}

bool fov_base64_decode(char *text, size_t n, size_t *ret_n)
{
    const uint8_t *const in = (const uint8_t *)text;
    uint8_t *out = (uint8_t *)text;
    const size_t n_data = without_padding(text, n);
    size_t i = 0;

    for (; i + 4 <= n_data; i += 4, out += 3) {
        const uint32_t a = table[in[i]], b = table[in[i + 1]];
        const uint32_t c = table[in[i + 2]], d = table[in[i + 3]];
        const uint32_t bits = (a & 63) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63);
        if (!(a & b & c & d & VALID))
            break;
        out[0] = (uint8_t)(bits >> 16);
        out[1] = (uint8_t)(bits >> 8);
        out[2] = (uint8_t)bits;
    }

    uint32_t bits = 0; /* the last two or three, or four of which one cannot be */
    const size_t n_left = n_data - i;
    for (; i < n_data; i++) {
        if (!table[in[i]]) {
            *ret_n = i;
            return false;
        }
        bits = bits << 6 | (table[in[i]] & 63);
    }
    if (n_left == 1) {
        *ret_n = n;
        return false;
    }
    if (n_left) {
        bits <<= 6 * (4 - n_left);
        *out++ = (uint8_t)(bits >> 16);
        if (n_left == 3)
            *out++ = (uint8_t)(bits >> 8);
    }
    *ret_n = (size_t)(out - (uint8_t *)text);
    return true;
}
