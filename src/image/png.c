/* SPDX-License-Identifier: Apache-2.0 */
/* png.c -- write PNG, row by row: header, metadata, rows, end.
 *
 * libpng took as long to encode a result as the network will to compute it, most of it in zlib, and
 * cannot be told to use another. What a writer needs of PNG is little, a frame of chunks around a
 * zlib stream, so here is that, with the stream and the checksums by ISA-L.
 *
 * Threads: one a picture. Owns: its rows and its stream. Trust: metadata comes from files; what
 * PNG could not hold is left out. See: PNG specification, third edition; docs/SPEED.md.
 */
#include "image/png.h"

#include <isa-l/crc.h>
#include <string.h>

#include "base/mem.h"
#include "image/deflate.h"
#include "image/exif.h"
#include "image/png_filter.h"

enum {
    FRAME = 8, /* length and type before a chunk's data */
    CRC_BYTES = 4,
    IDAT_BYTES = 131072, /* of data in each but the last */
    MAX_KEYWORD = 79,
    MAX_CHUNK = INT32_MAX,
    ICC_HEADER = 128,
};

struct fov_png {
    struct fov_png_info info;
    fov_png_write_fn *write;
    void *user;
    bool no_memory;
    uint32_t x_px_per_m, y_px_per_m; /* or 0 */
    size_t row_bytes, pixel_bytes;
    struct fov_deflate *deflate;
    uint8_t *rows[2];  /* this one and the one above, each after its margin */
    uint8_t *filtered; /* this one, after the byte that names its filter */
    uint8_t *idat;     /* frame, data, checksum */
    size_t n_idat;     /* bytes of data in it */
};

/* ---- chunks ------------------------------------------------------------------------------ */

static void put_32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* `chunk` has the data at FRAME, and room for the checksum behind it. */
static bool write_chunk(struct fov_png *png, const char *type, uint8_t *chunk, size_t n)
{
    put_32(chunk, (uint32_t)n);
    memcpy(chunk + 4, type, 4);
    put_32(chunk + FRAME + n, crc32_gzip_refl(0, chunk + 4, 4 + n));
    return png->write(png->user, chunk, FRAME + n + CRC_BYTES);
}

/* Room for a chunk with up to n bytes of data. */
static uint8_t *new_chunk(struct fov_png *png, size_t n)
{
    uint8_t *const chunk = fov_calloc(FRAME + n + CRC_BYTES, 1);
    png->no_memory |= !chunk;
    return chunk;
}

/* A chunk of `head` and `body`, which is compressed where that is asked for. One that is too large
 * for PNG is left out. */
static bool put_chunk(struct fov_png *png, const char *type, const void *head, size_t n_head,
                      const void *body, size_t n_body, bool compress)
{
    const size_t most = n_head + (compress ? fov_deflate_most(n_body) : n_body);
    if (n_body > MAX_CHUNK || most > MAX_CHUNK)
        return true;
    FOV_AUTO(fov_free_at) uint8_t *chunk = new_chunk(png, most);
    if (!chunk)
        return false;
    uint8_t *to = chunk + FRAME;
    memcpy(to, head, n_head);
    to += n_head;
    if (!compress) {
        memcpy(to, body, n_body);
        return write_chunk(png, type, chunk, n_head + n_body);
    }
    const uint8_t *from = body, *const end = chunk + FRAME + most;
    fov_deflate_start(png->deflate);
    while (n_body && to < end)
        to += fov_deflate_put(png->deflate, &from, &n_body, to, (size_t)(end - to));
    to += fov_deflate_end(png->deflate, to, (size_t)(end - to));
    fov_deflate_start(png->deflate);
    return to < end && /* as fov_deflate_most() promises */
           write_chunk(png, type, chunk, (size_t)(to - chunk) - FRAME);
}

/* ---- from open to close ------------------------------------------------------------------ */

struct fov_png *fov_png_open(const struct fov_png_info *info, fov_png_write_fn *write, void *user)
{
    struct fov_png *const png = fov_calloc(1, sizeof(*png));
    if (!png)
        return NULL;
    png->info = *info;
    png->write = write;
    png->user = user;
    png->pixel_bytes = (size_t)info->n_channels * (size_t)info->n_bits / 8;
    png->row_bytes = (size_t)info->width_px * png->pixel_bytes;
    png->deflate = fov_deflate_new();
    png->rows[0] = fov_calloc(FOV_PNG_MARGIN + png->row_bytes, 1);
    png->rows[1] = fov_calloc(FOV_PNG_MARGIN + png->row_bytes, 1);
    png->filtered = fov_calloc(1 + png->row_bytes, 1);
    png->idat = fov_calloc(FRAME + IDAT_BYTES + CRC_BYTES, 1);
    if (!png->deflate || !png->rows[0] || !png->rows[1] || !png->filtered || !png->idat) {
        fov_png_close(png);
        return NULL;
    }
    return png;
}

void fov_png_close(struct fov_png *png)
{
    if (!png)
        return;
    fov_free(png->deflate);
    fov_free(png->rows[0]);
    fov_free(png->rows[1]);
    fov_free(png->filtered);
    fov_free(png->idat);
    fov_free(png);
}

bool fov_png_no_memory(const struct fov_png *png)
{
    return png->no_memory;
}

bool fov_png_begin(struct fov_png *png)
{
    static const uint8_t colour_type[] = {[1] = 0, [2] = 4, [3] = 2, [4] = 6};
    uint8_t header[13] = {[8] = (uint8_t)png->info.n_bits, [9] = colour_type[png->info.n_channels]};
    put_32(header, (uint32_t)png->info.width_px);
    put_32(header + 4, (uint32_t)png->info.height_px);
    return png->write(png->user, "\x89PNG\r\n\x1a\n", 8) &&
           put_chunk(png, "IHDR", header, sizeof(header), "", 0, false);
}

/* ---- metadata ---------------------------------------------------------------------------- */

bool fov_png_profile(struct fov_png *png, const void *icc, size_t n)
{
    const uint8_t *const p = icc;
    uint8_t said[4]; /* its own size */
    put_32(said, (uint32_t)n);
    if (n < ICC_HEADER || n > MAX_CHUNK || memcmp(p, said, 4) || memcmp(p + 36, "acsp", 4) ||
        memcmp(p + 16, png->info.n_channels < 3 ? "GRAY" : "RGB ", 4))
        return true;
    return put_chunk(png, "iCCP", "icc\0", 5, icc, n, true); /* its name, method 0 */
}

bool fov_png_resolution(struct fov_png *png, uint32_t x_px_per_m, uint32_t y_px_per_m)
{
    uint8_t data[9] = {[8] = 1};
    png->x_px_per_m = x_px_per_m;
    png->y_px_per_m = y_px_per_m;
    put_32(data, x_px_per_m);
    put_32(data + 4, y_px_per_m);
    return put_chunk(png, "pHYs", data, sizeof(data), "", 0, false);
}

bool fov_png_exif(struct fov_png *png, const void *tiff, size_t n)
{
    if (n > MAX_CHUNK)
        return true;
    FOV_AUTO(fov_free_at) uint8_t *chunk = new_chunk(png, n);
    if (!chunk)
        return false;
    memcpy(chunk + FRAME, tiff, n);
    const struct fov_exif_facts facts = {(uint32_t)png->info.width_px,
                                         (uint32_t)png->info.height_px, png->x_px_per_m,
                                         png->y_px_per_m};
    n = fov_exif_drop_thumbnail(chunk + FRAME, n);
    fov_exif_update(chunk + FRAME, n, &facts);
    return write_chunk(png, "eXIf", chunk, n);
}

/* Is this UTF-8 and not ASCII as well? Overlong forms and the like pass: nothing is decoded. */
static bool is_utf8(const uint8_t *p, size_t n)
{
    bool found = false;
    for (size_t i = 0; i < n;) {
        const uint8_t c = p[i++];
        const int more = c < 0x80   ? 0
                         : c < 0xC2 ? -1
                         : c < 0xE0 ? 1
                         : c < 0xF0 ? 2
                         : c < 0xF5 ? 3
                                    : -1;
        found |= c >= 0x80;
        for (int k = 0; k < more; k++, i++)
            if (i >= n || (p[i] & 0xC0) != 0x80)
                return false;
        if (more < 0)
            return false;
    }
    return found;
}

bool fov_png_text(struct fov_png *png, const char *keyword, const char *text, size_t n, bool plain)
{
    uint8_t head[MAX_KEYWORD + 5] = {0};
    const size_t n_keyword = strnlen(keyword, MAX_KEYWORD + 1);
    if (n_keyword < 1 || n_keyword > MAX_KEYWORD)
        return true;
    memcpy(head, keyword, n_keyword);
    if (!plain && !is_utf8((const uint8_t *)text, n)) /* Latin-1: keyword, 0, method */
        return put_chunk(png, "zTXt", head, n_keyword + 2, text, n, true);
    head[n_keyword + 1] = !plain; /* keyword, 0, compressed?, method, no language, no translation */
    return put_chunk(png, "iTXt", head, n_keyword + 5, text, n, !plain);
}

/* ---- rows -------------------------------------------------------------------------------- */

static bool write_idat(struct fov_png *png)
{
    const size_t n = png->n_idat;
    png->n_idat = 0;
    return write_chunk(png, "IDAT", png->idat, n);
}

static bool put_bytes(struct fov_png *png, const uint8_t *p, size_t n)
{
    while (n) {
        png->n_idat += fov_deflate_put(png->deflate, &p, &n, png->idat + FRAME + png->n_idat,
                                       IDAT_BYTES - png->n_idat);
        if (png->n_idat == IDAT_BYTES && !write_idat(png))
            return false;
    }
    return true;
}

/* PNG has the high byte first. */
static void copy_row(const struct fov_png *png, const void *samples, uint8_t *to)
{
    if (png->info.n_bits == 8) {
        memcpy(to, samples, png->row_bytes);
        return;
    }
    const uint16_t *const from = samples;
    for (size_t i = 0; i < png->row_bytes / 2; i++) {
        to[2 * i] = (uint8_t)(from[i] >> 8);
        to[2 * i + 1] = (uint8_t)from[i];
    }
}

bool fov_png_row(struct fov_png *png, const void *samples)
{
    uint8_t *const row = png->rows[0] + FOV_PNG_MARGIN, *const above =
                                                            png->rows[1] + FOV_PNG_MARGIN;
    const size_t n = png->row_bytes;

    copy_row(png, samples, row);
    const enum fov_png_filter filter = fov_png_choose(row, above, n, png->pixel_bytes);
    png->filtered[0] = (uint8_t)filter;
    fov_png_apply(filter, row, above, n, png->pixel_bytes, png->filtered + 1);
    uint8_t *const swapped = png->rows[0];
    png->rows[0] = png->rows[1];
    png->rows[1] = swapped;
    return put_bytes(png, png->filtered, 1 + n);
}

bool fov_png_end(struct fov_png *png)
{
    bool more = true;
    while (more) {
        png->n_idat += fov_deflate_end(png->deflate, png->idat + FRAME + png->n_idat,
                                       IDAT_BYTES - png->n_idat);
        more = png->n_idat == IDAT_BYTES;
        if (png->n_idat && !write_idat(png))
            return false;
    }
    return put_chunk(png, "IEND", "", 0, "", 0, false);
}
