/* SPDX-License-Identifier: Apache-2.0 */
/* exif.c -- bring a block of EXIF up to date.
 *
 * In place: a value is written over the old one. Nothing moves, so what only a camera's maker can
 * read, and refers to by its offset, stays whole.
 *
 *   "II" or "MM", 42, offset of IFD0;  IFD: count, entries;  entry: tag, type, count, value
 *
 * Threads: any. Owns: nothing. Trust: every byte comes from a file. See: EXIF 2.32, TIFF 6.0.
 */
#include "image/exif.h"

#include <stdbool.h>
#include <string.h>

enum {
    ORIENTATION = 0x0112,
    X_RESOLUTION = 0x011A,
    Y_RESOLUTION = 0x011B,
    RESOLUTION_UNIT = 0x0128,
    EXIF_IFD = 0x8769,
    THUMBNAIL = 0x0201,
    THUMBNAIL_BYTES = 0x0202,
    WIDTH = 0xA002,
    HEIGHT = 0xA003,
    SHORT = 3,
    LONG = 4,
    RATIONAL = 5,
    INCH = 2,
    CENTIMETRE = 3,
    ENTRY_BYTES = 12,
};

struct block {
    const uint8_t *p;
    uint8_t *to; /* the same, or NULL where it is only read */
    size_t n;
    bool big_endian;
    const struct fov_exif_facts *facts;
};

static uint32_t get(const struct block *b, size_t at, int n_bytes)
{
    uint32_t v = 0;
    for (int i = 0; i < n_bytes; i++)
        v |= (uint32_t)b->p[at + (size_t)i] << 8 * (b->big_endian ? n_bytes - 1 - i : i);
    return v;
}

static void set(struct block *b, size_t at, int n_bytes, uint32_t v)
{
    for (int i = 0; i < n_bytes; i++)
        b->to[at + (size_t)i] = (uint8_t)(v >> 8 * (b->big_endian ? n_bytes - 1 - i : i));
}

/* One number, short or long; it becomes long where it needs to. */
static void set_value(struct block *b, size_t entry, uint32_t v)
{
    const uint32_t type = get(b, entry + 2, 2);
    if ((type != SHORT && type != LONG) || get(b, entry + 4, 4) != 1)
        return;
    const bool as_long = type == LONG || v > UINT16_MAX;
    memset(b->to + entry + 8, 0, 4);
    set(b, entry + 2, 2, as_long ? LONG : SHORT);
    set(b, entry + 8, as_long ? 4 : 2, v);
}

/* Pixels to the inch as a fraction, which lies elsewhere. */
static void set_resolution(struct block *b, size_t entry, uint32_t px_per_m)
{
    enum { PARTS = 1000 };
    const uint64_t value = ((uint64_t)px_per_m * 254 * PARTS + 5000) / 10000;
    const size_t at = get(b, entry + 8, 4);
    if (!px_per_m || value > UINT32_MAX || get(b, entry + 2, 2) != RATIONAL ||
        get(b, entry + 4, 4) != 1 || at < 8 || b->n < 8 || at > b->n - 8)
        return;
    set(b, at, 4, (uint32_t)value);
    set(b, at + 4, 4, PARTS);
}

/* Go through the entries at offset `at`; says where the EXIF directory is, or 0. */
static size_t update_directory(struct block *b, size_t at)
{
    size_t exif = 0;
    if (at < 8 || b->n < 2 || at > b->n - 2)
        return 0;
    const size_t n = get(b, at, 2);
    at += 2;
    for (size_t i = 0; i < n && b->n - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES)
        switch (get(b, at, 2)) {
        case ORIENTATION:
            set_value(b, at, 1);
            break;
        case WIDTH:
            set_value(b, at, b->facts->width_px);
            break;
        case HEIGHT:
            set_value(b, at, b->facts->height_px);
            break;
        case X_RESOLUTION:
            set_resolution(b, at, b->facts->x_px_per_m);
            break;
        case Y_RESOLUTION:
            set_resolution(b, at, b->facts->y_px_per_m);
            break;
        case RESOLUTION_UNIT:
            if (b->facts->x_px_per_m)
                set_value(b, at, INCH);
            break;
        case EXIF_IFD:
            exif = get(b, at + 8, 4);
            break;
        default:
            break;
        }
    return exif;
}

/* Is it a block of EXIF? */
static bool begin(struct block *b)
{
    if (b->n < 8 || (memcmp(b->p, "II", 2) && memcmp(b->p, "MM", 2)))
        return false;
    b->big_endian = b->p[0] == 'M';
    return get(b, 2, 2) == 42;
}

void fov_exif_update(uint8_t *tiff, size_t n, const struct fov_exif_facts *facts)
{
    struct block b = {.p = tiff, .to = tiff, .n = n, .facts = facts};
    if (!begin(&b))
        return;
    const size_t exif = update_directory(&b, get(&b, 4, 4));
    if (exif)
        (void)update_directory(&b, exif);
}

/* A fraction that lies elsewhere, or 0. */
static double rational(const struct block *b, size_t entry)
{
    const size_t at = get(b, entry + 8, 4);
    if (get(b, entry + 2, 2) != RATIONAL || at < 8 || b->n < 8 || at > b->n - 8)
        return 0;
    const uint32_t below = get(b, at + 4, 4);
    return below ? (double)get(b, at, 4) / below : 0;
}

bool fov_exif_resolution(const uint8_t *tiff, size_t n, double *ret_x, double *ret_y)
{
    struct block b = {.p = tiff, .n = n};
    double x = 0, y = 0, unit_mm = 25.4;
    size_t at = begin(&b) ? get(&b, 4, 4) : 0;
    if (at < 8 || n < 2 || at > n - 2)
        return false;
    const size_t n_entries = get(&b, at, 2);
    at += 2;
    for (size_t i = 0; i < n_entries && n - at >= ENTRY_BYTES; i++, at += ENTRY_BYTES) {
        const uint32_t tag = get(&b, at, 2);
        if (tag == X_RESOLUTION)
            x = rational(&b, at);
        else if (tag == Y_RESOLUTION)
            y = rational(&b, at);
        else if (tag == RESOLUTION_UNIT && get(&b, at + 8, 2) == CENTIMETRE)
            unit_mm = 10;
        else if (tag == RESOLUTION_UNIT && get(&b, at + 8, 2) != INCH)
            return false; /* sides of a pixel, and no length */
    }
    *ret_x = x / unit_mm;
    *ret_y = (y > 0 ? y : x) / unit_mm;
    const bool is_unknown = x == 72 && unit_mm > 25;
    return !is_unknown && *ret_x > 0 && *ret_x < 1e6 && *ret_y > 0 && *ret_y < 1e6;
}

/* Where the directory at `at` ends, with the offset of the next one, or 0. */
static size_t end_of_directory(const struct block *b, size_t at)
{
    if (at < 8 || b->n < 2 || at > b->n - 2)
        return 0;
    const size_t end = at + 2 + ENTRY_BYTES * (size_t)get(b, at, 2) + 4;
    return end <= b->n ? end : 0;
}

size_t fov_exif_drop_thumbnail(uint8_t *tiff, size_t n)
{
    struct block b = {.p = tiff, .to = tiff, .n = n};
    const size_t first_end = begin(&b) ? end_of_directory(&b, get(&b, 4, 4)) : 0;
    const size_t second = first_end ? get(&b, first_end - 4, 4) : 0;
    const size_t second_end = end_of_directory(&b, second);
    size_t from = 0, length = 0;
    if (first_end)
        set(&b, first_end - 4, 4, 0);
    if (!second_end || second < first_end)
        return n;
    for (size_t at = second + 2; at + ENTRY_BYTES < second_end; at += ENTRY_BYTES) {
        if (get(&b, at, 2) == THUMBNAIL)
            from = get(&b, at + 8, 4);
        if (get(&b, at, 2) == THUMBNAIL_BYTES)
            length = get(&b, at + 8, 4);
    }
    memset(b.to + second, 0, second_end - second);
    if (from < first_end || from > n || length > n - from)
        return n;
    memset(b.to + from, 0, length);
    return from + length == n ? from : n;
}
