/* SPDX-License-Identifier: Apache-2.0 */
/* png_read.h -- for tests: read back what png.c wrote, by zlib and the letter of the specification.
 */
#ifndef FOV_TESTS_UNIT_PNG_READ_H
#define FOV_TESTS_UNIT_PNG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow; fov_png_write_fn that adds to them, and fails after `limit` bytes. */
struct bytes {
    uint8_t *at;
    size_t n, room, limit;
};
bool bytes_add(void *bytes, const void *from, size_t n);
void bytes_done(struct bytes *b);

/* The data of the k-th chunk of a type, or NULL. Ends the test when a checksum is wrong. */
const uint8_t *png_find(const struct bytes *png, const char *type, int k, size_t *ret_n);

/* Decompress a zlib stream of which n bytes must come; false when it is damaged, shorter or
 * longer. */
bool png_inflate(const uint8_t *from, size_t n_from, uint8_t *to, size_t n);

/* Is this a PNG with these samples, n_bits each, in this machine's order? */
bool png_holds(const struct bytes *png, const void *samples, int width, int height, int n_channels,
               int n_bits);

#endif
