/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.c -- make a zlib stream by ISA-L.
 *
 * ISA-L takes a seventh of zlib's time for what the filters of PNG leave of a photograph. Level 1
 * counts the symbols of each block for Huffman codes of its own, which level 0 does not; 2 and 3
 * look for more matches than such bytes repay. docs/SPEED.md has the figures. ISA-L chooses its
 * code by the CPU: without SSE4.2 the stream is another one, what it inflates to is not.
 *
 * Threads: one a stream. Owns: its stream. Trust: any bytes.
 */
#include "image/deflate.h"

#include <isa-l/igzip_lib.h>

#include "base/mem.h"

enum { LEVEL = 1 };

struct fov_deflate {
    struct isal_zstream z;
    _Alignas(64) uint8_t level[ISAL_DEF_LVL1_DEFAULT]; /* what LEVEL needs: tokens, a table */
};

struct fov_deflate *fov_deflate_new(void)
{
    struct fov_deflate *const d = fov_calloc_aligned(_Alignof(struct fov_deflate), 1, sizeof(*d));
    if (d)
        fov_deflate_start(d);
    return d;
}

/* Not isal_deflate_reset(), after which no stream has its header. */
void fov_deflate_start(struct fov_deflate *d)
{
    isal_deflate_init(&d->z);
    d->z.level = LEVEL;
    d->z.level_buf = d->level;
    d->z.level_buf_size = sizeof(d->level);
    d->z.gzip_flag = IGZIP_ZLIB;
}

size_t fov_deflate_put(struct fov_deflate *d, const uint8_t **from, size_t *n, uint8_t *out,
                       size_t room)
{
    const uint32_t n_in = *n < INT32_MAX ? (uint32_t)*n : INT32_MAX;
    const uint32_t n_out = room < INT32_MAX ? (uint32_t)room : INT32_MAX;
    d->z.next_in = (uint8_t *)*from; /* only read */
    d->z.avail_in = n_in;
    d->z.next_out = out;
    d->z.avail_out = n_out;
    (void)isal_deflate(&d->z); /* can only complain of what fov_deflate_new() set */
    *from += n_in - d->z.avail_in;
    *n -= n_in - d->z.avail_in;
    return n_out - d->z.avail_out;
}

size_t fov_deflate_end(struct fov_deflate *d, uint8_t *out, size_t room)
{
    const uint8_t *nothing = out;
    d->z.end_of_stream = 1;
    if (d->z.internal_state.state == ZSTATE_END) /* it just filled the room before */
        return 0;
    return fov_deflate_put(d, &nothing, &(size_t){0}, out, room);
}
