/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.h -- make a zlib stream of any length, in memory that is taken once.
 *
 * Bytes are put in as they come, and the stream comes out in pieces of the caller's choice:
 *
 *     while (n)
 *         ... n_out = fov_deflate_put(d, &from, &n, out, room)
 *     do
 *         ... n_out = fov_deflate_end(d, out, room)
 *     while (n_out == room);
 */
#ifndef FOV_IMAGE_DEFLATE_H
#define FOV_IMAGE_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

struct fov_deflate;

/* A stream that holds nothing yet, or NULL without memory. Gives it; end with fov_free(). */
struct fov_deflate *fov_deflate_new(void);

/* Forget everything and begin another stream. */
void fov_deflate_start(struct fov_deflate *d);

/* Compress the *n bytes at *from, which move on, until none are left or `room` bytes stand at
 * `out`; says how many do. There may be none: some input stays inside. */
size_t fov_deflate_put(struct fov_deflate *d, const uint8_t **from, size_t *n, uint8_t *out,
                       size_t room);

/* The rest of the stream. When it fills `room`, call again: the last call says less. Then only
 * fov_deflate_start() may follow. */
size_t fov_deflate_end(struct fov_deflate *d, uint8_t *out, size_t room);

/* A stream of n bytes is no longer: blocks that would grow are stored. */
static inline size_t fov_deflate_most(size_t n)
{
    return n + n / 256 + 1024;
}

#endif
