/* SPDX-License-Identifier: Apache-2.0 */
/* png_read.c -- for tests: read back what png.c wrote, by zlib and the letter of the specification.
 */
#include "tests/unit/png_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void check(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "png_read: %s\n", what);
        abort();
    }
}

bool bytes_add(void *bytes, const void *from, size_t n)
{
    struct bytes *const b = bytes;
    if (b->limit && b->n + n > b->limit)
        return false;
    if (b->n + n > b->room) {
        b->room = 2 * (b->n + n);
        b->at = realloc(b->at, b->room);
        check(b->at != NULL, "no memory for the test itself");
    }
    memcpy(b->at + b->n, from, n);
    b->n += n;
    return true;
}

void bytes_done(struct bytes *b)
{
    free(b->at);
    *b = (struct bytes){0};
}

static uint32_t get_32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

const uint8_t *png_find(const struct bytes *png, const char *type, int k, size_t *ret_n)
{
    size_t at = 8;
    while (at + 12 <= png->n) {
        const uint8_t *const chunk = png->at + at;
        const size_t n = get_32(chunk);
        check(n <= png->n - at - 12, "a chunk reaches beyond the end");
        check(get_32(chunk + 8 + n) == crc32(0, chunk + 4, (unsigned)n + 4), "a wrong checksum");
        if (!memcmp(chunk + 4, type, 4) && k-- == 0) {
            *ret_n = n;
            return chunk + 8;
        }
        at += n + 12;
    }
    check(at == png->n, "bytes after the last chunk");
    return NULL;
}

bool png_inflate(const uint8_t *from, size_t n_from, uint8_t *to, size_t n)
{
    z_stream z = {.next_in = (uint8_t *)from,
                  .avail_in = (unsigned)n_from,
                  .next_out = to,
                  .avail_out = (unsigned)n + 1}; /* one too many would show */
    check(inflateInit(&z) == Z_OK, "zlib does not start");
    const int rc = inflate(&z, Z_FINISH);
    const bool all = rc == Z_STREAM_END && z.total_out == n && z.avail_in == 0;
    if (!all)
        fprintf(stderr, "png_read: inflate %d (%s), %lu of %zu bytes, %u left over\n", rc,
                z.msg ? z.msg : "", z.total_out, n, z.avail_in);
    inflateEnd(&z);
    return all;
}

static uint8_t paeth(int a, int b, int c)
{
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

static bool unfilter(uint8_t *row, const uint8_t *above, size_t n, size_t pixel)
{
    const int filter = row[-1];
    for (size_t i = 0; i < n; i++) {
        const int a = i < pixel ? 0 : row[i - pixel], b = above ? above[i] : 0;
        const int c = i < pixel || !above ? 0 : above[i - pixel];
        const int expected[] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
        if (filter > 4)
            return false;
        row[i] = (uint8_t)(row[i] + expected[filter]);
    }
    return true;
}

/* All IDAT, decompressed to rows of a filter and n bytes each. */
static uint8_t *decompress(const struct bytes *png, size_t n)
{
    struct bytes all = {0};
    size_t n_part;
    const uint8_t *part;
    for (int k = 0; (part = png_find(png, "IDAT", k, &n_part)); k++)
        bytes_add(&all, part, n_part);
    uint8_t *const rows = malloc(n + 1);
    check(rows && all.at, "no memory, or no IDAT");
    if (!png_inflate(all.at, all.n, rows, n)) {
        free(rows);
        bytes_done(&all);
        return NULL;
    }
    bytes_done(&all);
    return rows;
}

bool png_holds(const struct bytes *png, const void *samples, int width, int height, int n_channels,
               int n_bits)
{
    static const int colour_type[] = {[1] = 0, [2] = 4, [3] = 2, [4] = 6};
    const size_t pixel = (size_t)(n_channels * n_bits / 8), n = (size_t)width * pixel;
    size_t n_header, n_end;
    const uint8_t *const header = png_find(png, "IHDR", 0, &n_header);
    if (!header || n_header != 13 || get_32(header) != (uint32_t)width ||
        get_32(header + 4) != (uint32_t)height || header[8] != n_bits ||
        header[9] != colour_type[n_channels] || header[10] || header[11] || header[12] ||
        !png_find(png, "IEND", 0, &n_end) || memcmp(png->at, "\x89PNG\r\n\x1a\n", 8))
        return false;
    uint8_t *const rows = decompress(png, (n + 1) * (size_t)height);
    bool same = rows != NULL;
    for (int y = 0; same && y < height; y++) {
        uint8_t *const row = rows + (size_t)y * (n + 1) + 1;
        same = unfilter(row, y ? row - (n + 1) : NULL, n, pixel);
    }
    for (size_t i = 0; same && i < n * (size_t)height; i++) {
        const uint8_t got = rows[i / n * (n + 1) + 1 + i % n];
        const uint16_t wide = n_bits == 16 ? ((const uint16_t *)samples)[i / 2] : 0;
        same = got == (n_bits == 8  ? ((const uint8_t *)samples)[i]
                       : i % 2 == 0 ? wide >> 8
                                    : (wide & 255));
    }
    free(rows);
    return same;
}
