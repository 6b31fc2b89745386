/* SPDX-License-Identifier: Apache-2.0 */
/* out.h -- bytes of a file that a test makes, one after the other. */
#ifndef FOV_TESTS_UNIT_OUT_H
#define FOV_TESTS_UNIT_OUT_H

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

enum { OUT_MAX_BYTES = 1 << 16 };

struct out {
    unsigned char at[OUT_MAX_BYTES];
    size_t n;
};

static inline void put(struct out *o, const void *data, size_t bytes)
{
    memcpy(o->at + o->n, data, bytes);
    o->n += bytes;
}

/* A string literal, which may hold NULs, without the one at its end. */
#define PUT(o, literal) put(o, literal, sizeof(literal) - 1)

static inline void put_text(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

/* The lowest `width` bytes of `n`, little endian. */
static inline void put_number(struct out *o, size_t width, uint64_t n)
{
    for (size_t i = 0; i < width; i++)
        o->at[o->n++] = (unsigned char)(i < 8 ? n >> 8 * i : 0);
}

/* The first `bytes` bytes in a block of just that size, so that a sanitizer sees one too far. */
static inline unsigned char *exactly(const unsigned char *data, size_t bytes)
{
    unsigned char *const copy = fov_calloc(bytes, 1);
    return copy ? memcpy(copy, data, bytes) : NULL;
}

#endif
