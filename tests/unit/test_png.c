/* SPDX-License-Identifier: Apache-2.0 */
/* test_png.c -- the PNG writer: deflate, filters, chunks, EXIF, failing writes. */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/deflate.h"
#include "image/exif.h"
#include "image/png.h"
#include "image/png_filter.h"
#include "tests/unit/png_read.h"

static uint32_t random_state = 1;

static uint32_t random_32(void)
{
    random_state = random_state * 1664525 + 1013904223;
    return random_state >> 8;
}

/* ---- deflate ----------------------------------------------------------------------------- */

/* What the encoder meets: noise, silence, runs, repeats near and far, text, skewed noise. */
static void fill(uint8_t *p, size_t n, int kind)
{
    for (size_t i = 0; i < n; i++)
        switch (kind) {
        case 0:
            p[i] = (uint8_t)random_32();
            break;
        case 1:
            p[i] = 0;
            break;
        case 2:
            p[i] = (uint8_t)(i / 300 % 3);
            break;
        case 3:
            p[i] = i < 3000 ? (uint8_t)random_32() : p[i - 3000 - i / 50000 * 1500];
            break;
        case 4:
            p[i] = (uint8_t) "the quick brown fox jumps over the lazy dog "[i * i / 7 % 44];
            break;
        case 5: { /* one literal in a thousand is rare: codes reach their longest */
            const uint32_t r = random_32() & 0xFFFFFF;
            p[i] = (uint8_t)(r ? (unsigned)__builtin_clz(r) * 3 + (r & 1) : 99);
            break;
        }
        case 6: /* rows of 6001 bytes that change a little */
            p[i] = i >= 6001 && random_32() % 50 ? p[i - 6001] : (uint8_t)random_32();
            break;
        default: /* one part of each */
            fill(p + i, n - i < 5000 ? n - i : 5000, (int)(i / 5000 % 7));
            i += 4999;
        }
}

/* Put in by `piece` bytes, taken out by `room`. */
static size_t compress(struct fov_deflate *d, const uint8_t *from, size_t n, uint8_t *to,
                       size_t piece, size_t room)
{
    size_t total = 0, got;
    fov_deflate_start(d);
    while (n) {
        size_t left = n < piece ? n : piece;
        n -= left;
        while (left) {
            got = fov_deflate_put(d, &from, &left, to + total, room);
            assert_true(got == room || (got < room && !left));
            total += got;
        }
    }
    do {
        got = fov_deflate_end(d, to + total, room);
        assert_true(got <= room);
        total += got;
    } while (got == room);
    return total;
}

static void what_is_deflated_inflates(void **state)
{
    static const size_t sizes[] = {0,      1,      2,      7,          8,      9,      100,
                                   32767,  32768,  32769,  65535,      65536,  131071, 131072,
                                   131073, 163840, 400001, 5 * 131072, 1000003};
    enum { MOST = 1000003 };
    struct fov_deflate *const d = fov_deflate_new();
    uint8_t *const from = malloc(MOST), *const to = malloc(2 * MOST);
    uint8_t *const back = malloc(MOST + 1);
    (void)state;
    assert_true(d && from && to && back);
    for (int kind = 0; kind <= 7; kind++)
        for (size_t k = 0; k < FOV_N_ELEMENTS(sizes); k++) {
            fill(from, sizes[k], kind);
            const size_t room = 1 + random_32() % (k % 2 ? 9000 : 300);
            const size_t n = compress(d, from, sizes[k], to, 1 + random_32() % 9000, room);
            if (!png_inflate(to, n, back, sizes[k]) || memcmp(from, back, sizes[k]))
                fail_msg("kind %d, %zu bytes", kind, sizes[k]);
            if (n >= fov_deflate_most(sizes[k]))
                fail_msg("kind %d, %zu bytes grew to %zu", kind, sizes[k], n);
        }
    free(from);
    free(to);
    free(back);
    fov_free(d);
}

/* Wherever the room ends, also just where the stream does; and what went before leaves no trace. */
static void room_and_history_change_nothing(void **state)
{
    enum { N = 5000 };
    struct fov_deflate *const d = fov_deflate_new();
    static uint8_t from[N], once[2 * N], to[2 * N];
    (void)state;
    assert_non_null(d);
    for (int kind = 0; kind <= 7; kind++) {
        fill(from, N, kind);
        const size_t n = compress(d, from, N, once, N, sizeof(once));
        for (size_t room = 1; room <= n + 1; room++) {
            assert_int_equal(compress(d, from, N, to, N, room), n);
            assert_memory_equal(once, to, n);
        }
    }
    fov_free(d);
}

/* The level is one that looks for matches, near and far. */
static void what_repeats_becomes_small(void **state)
{
    static const struct {
        int kind;
        size_t most;
    } cases[] = {{1, 1300}, {2, 6000}, {3, 500000}, {6, 900000}};
    enum { N = 1000000 };
    struct fov_deflate *const d = fov_deflate_new();
    uint8_t *const from = malloc(N), *const to = malloc(2 * N);
    (void)state;
    assert_true(d && from && to);
    for (size_t k = 0; k < FOV_N_ELEMENTS(cases); k++) {
        fill(from, N, cases[k].kind);
        const size_t n = compress(d, from, N, to, N, 2 * N);
        if (n > cases[k].most)
            fail_msg("kind %d became %zu bytes", cases[k].kind, n);
    }
    free(from);
    free(to);
    fov_free(d);
}

/* ---- filters ----------------------------------------------------------------------------- */

/* The specification's words, for all that three neighbours can be. */
static void paeth_is_the_specification_s(void **state)
{
    uint8_t row[FOV_PNG_MARGIN + 256], above[FOV_PNG_MARGIN + 256], out[256];
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            for (int i = 0; i < 256; i++) { /* pixels of one byte: left, corner, up, row */
                row[i] = (uint8_t)a;
                above[i] = (uint8_t)(i % 2 ? b : i);
            }
            fov_png_apply(FOV_PNG_PAETH, row + 1, above + 1, 255, 1, out);
            for (int i = 0; i < 255; i++) {
                const int up = above[i + 1], corner = above[i], p = a + up - corner;
                const int pa = abs(p - a), pb = abs(p - up), pc = abs(p - corner);
                const int want = pa <= pb && pa <= pc ? a : pb <= pc ? up : corner;
                if (out[i] != (uint8_t)(a - want))
                    fail_msg("left %d, up %d, corner %d", a, up, corner);
            }
        }
}

static void the_filter_that_fits_is_chosen(void **state)
{
    enum { N = 10000 };
    static uint8_t rows[2][FOV_PNG_MARGIN + N];
    uint8_t *const row = rows[0] + FOV_PNG_MARGIN, *const above = rows[1] + FOV_PNG_MARGIN;
    (void)state;
    for (size_t i = 0; i < N; i++)
        row[i] = above[i] = (uint8_t)random_32();
    assert_int_equal(fov_png_choose(row, above, N, 3), FOV_PNG_UP);
    for (size_t i = 3; i < N; i++)
        row[i] = row[i - 3];
    assert_int_equal(fov_png_choose(row, above, N, 3), FOV_PNG_SUB);
    for (size_t i = 3; i < N; i++)
        row[i] = (uint8_t)((row[i - 3] + above[i]) / 2);
    assert_int_equal(fov_png_choose(row, above, N, 3), FOV_PNG_AVERAGE);
    memset(row, 0, N); /* nothing to choose from but in the last bytes */
    memset(above, 0, N);
    memset(row + N - 9, 77, 9);
    memset(above + N - 9, 76, 9);
    assert_int_equal(fov_png_choose(row, above, N, 3), FOV_PNG_PAETH);
    memset(row, 1, N); /* all leave the same of the first pixel */
    memset(above, 0, N);
    assert_int_equal(fov_png_choose(row, above, 1, 1), FOV_PNG_NONE);
}

/* ---- pictures ---------------------------------------------------------------------------- */

static void round_trip(int width, int height, int n_channels, int n_bits, int kind)
{
    const struct fov_png_info info = {width, height, n_channels, n_bits};
    const size_t row = (size_t)(width * n_channels * n_bits / 8), n = row * (size_t)height;
    uint16_t *const samples = malloc(n + 1);
    struct bytes png = {0};
    assert_non_null(samples);
    fill((uint8_t *)samples, n, kind);

    struct fov_png *const p = fov_png_open(&info, bytes_add, &png);
    assert_non_null(p);
    assert_true(fov_png_begin(p));
    for (int y = 0; y < height; y++)
        assert_true(fov_png_row(p, (uint8_t *)samples + (size_t)y * row));
    assert_true(fov_png_end(p));
    fov_png_close(p);
    if (!png_holds(&png, samples, width, height, n_channels, n_bits))
        fail_msg("%dx%d, %d channels of %d bits, kind %d", width, height, n_channels, n_bits, kind);
    bytes_done(&png);
    free(samples);
}

static void every_kind_of_picture_comes_back(void **state)
{
    static const int sizes[][2] = {{1, 1},  {1, 301}, {301, 1},   {2, 2},    {3, 5},
                                   {17, 9}, {37, 23}, {1367, 33}, {4099, 3}, {700, 211}};
    (void)state;
    for (size_t k = 0; k < FOV_N_ELEMENTS(sizes); k++)
        for (int n_channels = 1; n_channels <= 4; n_channels++)
            for (int n_bits = 8; n_bits <= 16; n_bits += 8)
                for (int kind = 0; kind <= 7; kind++)
                    round_trip(sizes[k][0], sizes[k][1], n_channels, n_bits, kind);
}

/* ---- metadata ---------------------------------------------------------------------------- */

static const struct fov_png_info dot = {
    .width_px = 1, .height_px = 1, .n_channels = 3, .n_bits = 8};

/* A PNG of one pixel, of which `put` writes the metadata. */
static struct bytes with(const struct fov_png_info *info, bool (*put)(struct fov_png *png))
{
    struct bytes png = {0};
    const uint64_t pixel = 0;
    struct fov_png *const p = fov_png_open(info, bytes_add, &png);
    assert_non_null(p);
    assert_true(fov_png_begin(p) && put(p) && fov_png_row(p, &pixel) && fov_png_end(p));
    fov_png_close(p);
    assert_true(png_holds(&png, &pixel, 1, 1, info->n_channels, info->n_bits));
    return png;
}

enum { PROFILE_BYTES = 300000 };
static uint8_t profile[PROFILE_BYTES] = {0,   0x04, 0x93,       0xE0, [16] = 'R', 'G',
                                         'B', ' ',  [36] = 'a', 'c',  's',        'p'};

static bool put_profile(struct fov_png *png)
{
    return fov_png_profile(png, profile, sizeof(profile));
}

static bool put_bad_profiles(struct fov_png *png)
{
    return fov_png_profile(png, profile, 127) && fov_png_profile(png, profile, 5000) &&
           fov_png_profile(png, profile + 1, 200) && fov_png_profile(png, "", 0);
}

static void a_profile_is_kept_or_left_out(void **state)
{
    static const struct fov_png_info grey = {1, 1, 2, 8};
    static uint8_t back[PROFILE_BYTES + 1];
    size_t n;
    (void)state;
    fill(profile + 200, PROFILE_BYTES - 200, 7);
    struct bytes png = with(&dot, put_profile);
    const uint8_t *const iccp = png_find(&png, "iCCP", 0, &n);
    assert_non_null(iccp);
    assert_memory_equal(iccp, "icc\0", 5);
    assert_true(png_inflate(iccp + 5, n - 5, back, PROFILE_BYTES));
    assert_memory_equal(back, profile, PROFILE_BYTES);
    bytes_done(&png);

    png = with(&grey, put_profile); /* of colour */
    assert_null(png_find(&png, "iCCP", 0, &n));
    bytes_done(&png);
    png = with(&dot, put_bad_profiles);
    assert_null(png_find(&png, "iCCP", 0, &n));
    bytes_done(&png);
}

static bool put_texts(struct fov_png *png)
{
    char keyword[81];
    memset(keyword, 'k', sizeof(keyword));
    keyword[80] = '\0';
    return fov_png_text(png, "XML:com.adobe.xmp", "<x/>", 4, true) &&
           fov_png_text(png, "Title", "caf\xe9", 4, false) &&
           fov_png_text(png, "Author",
                        "gr\xc3\xb6\xc3\x9f"
                        "e",
                        7, false) &&
           fov_png_text(png, "", "no keyword", 10, false) &&
           fov_png_text(png, keyword, "too long a keyword", 18, false) &&
           fov_png_text(png, keyword + 1, "just right", 10, false) &&
           fov_png_resolution(png, 11811, 3);
}

static void texts_are_kept(void **state)
{
    uint8_t back[20];
    size_t n;
    (void)state;
    struct bytes png = with(&dot, put_texts);
    const uint8_t *text = png_find(&png, "iTXt", 0, &n);
    assert_int_equal(n, 17 + 5 + 4);
    assert_memory_equal(text, "XML:com.adobe.xmp\0\0\0\0\0<x/>", 26);
    text = png_find(&png, "zTXt", 0, &n);
    assert_memory_equal(text, "Title\0", 7);
    assert_true(png_inflate(text + 7, n - 7, back, 4));
    assert_memory_equal(back, "caf\xe9", 4);
    text = png_find(&png, "iTXt", 1, &n);
    assert_memory_equal(text, "Author\0\1\0\0", 11);
    assert_true(png_inflate(text + 11, n - 11, back, 7));
    text = png_find(&png, "zTXt", 1, &n);
    assert_true(text[0] == 'k' && png_inflate(text + 81, n - 81, back, 10));
    assert_null(png_find(&png, "zTXt", 2, &n));
    text = png_find(&png, "pHYs", 0, &n);
    assert_memory_equal(text, "\0\0\x2E\x23\0\0\0\3\1", 9);
    bytes_done(&png);
}

/* Every write fails once, and nothing is written after that. */
static void a_write_that_fails_ends_it(void **state)
{
    static uint8_t samples[200 * 300 * 3];
    static const struct fov_png_info info = {200, 300, 3, 8};
    (void)state;
    fill(samples, sizeof(samples), 0);
    for (size_t limit = 1;; limit = limit < 1000 ? limit + 7 : limit + 10007) {
        struct bytes png = {.limit = limit};
        struct fov_png *const p = fov_png_open(&info, bytes_add, &png);
        assert_non_null(p);
        bool good = fov_png_begin(p) && put_texts(p) && put_profile(p);
        for (int y = 0; good && y < 300; y++)
            good = fov_png_row(p, samples + (size_t)y * 600);
        good = good && fov_png_end(p);
        assert_false(fov_png_no_memory(p));
        fov_png_close(p);
        const bool whole = good && png_holds(&png, samples, 200, 300, 3, 8);
        bytes_done(&png);
        if (whole)
            return;
        assert_false(good);
    }
}

/* ---- EXIF -------------------------------------------------------------------------------- */

static const uint8_t exif_big[] = "MM\0*\0\0\0\x08" /* IFD0: orientation 6, EXIF at 38 */
                                  "\0\2\x01\x12\0\3\0\0\0\1\0\6\0\0"
                                  "\x87\x69\0\4\0\0\0\1\0\0\0\x26\0\0\0\0"
                                  "\0\2\xA0\x02\0\3\0\0\0\1\0\x64\0\0" /* 100 x 70 */
                                  "\xA0\x03\0\4\0\0\0\1\0\0\0\x46\0\0\0\0";
static const uint8_t exif_little[] = "II*\0\x08\0\0\0"
                                     "\2\0\x12\x01\3\0\1\0\0\0\6\0\0\0"
                                     "\x69\x87\4\0\1\0\0\0\x26\0\0\0\0\0\0\0"
                                     "\2\0\x02\xA0\3\0\1\0\0\0\x64\0\0\0"
                                     "\x03\xA0\4\0\1\0\0\0\x46\0\0\0\0\0\0\0";

static void exif_says_upright_and_the_new_size(void **state)
{
    uint8_t b[sizeof(exif_big)];
    (void)state;
    memcpy(b, exif_big, sizeof(b));
    fov_exif_update(b, sizeof(b) - 1, &(struct fov_exif_facts){400, 280, 0, 0});
    assert_memory_equal(b + 18, "\0\1\0\0", 4);
    assert_memory_equal(b + 40 + 2, "\0\3\0\0\0\1\x01\x90\0\0", 10);
    assert_memory_equal(b + 52 + 8, "\0\0\x01\x18", 4);

    memcpy(b, exif_little, sizeof(b));
    fov_exif_update(b, sizeof(b) - 1,
                    &(struct fov_exif_facts){70000, 280, 0, 0}); /* a short becomes long */
    assert_memory_equal(b + 18, "\1\0\0\0", 4);
    assert_memory_equal(b + 40 + 2, "\4\0\1\0\0\0\x70\x11\1\0", 10);
    assert_memory_equal(b + 52 + 8, "\x18\1\0\0", 4);
}

static void exif_loses_its_thumbnail(void **state)
{
    /* IFD0: orientation; IFD1 at 26: a thumbnail of 4 bytes at 56, and maybe 2 bytes after it */
    static const uint8_t with[] = "II*\0\x08\0\0\0"
                                  "\1\0\x12\x01\3\0\1\0\0\0\6\0\0\0\x1A\0\0\0"
                                  "\2\0\x01\x02\4\0\1\0\0\0\x38\0\0\0"
                                  "\x02\x02\4\0\1\0\0\0\4\0\0\0\0\0\0\0"
                                  "JPEGab";
    enum { IFD1 = 26, SMALL = 56, END = 60 };
    uint8_t b[sizeof(with)];
    static const uint8_t zeros[END - IFD1];
    (void)state;
    memcpy(b, with, sizeof(b));
    assert_int_equal(fov_exif_drop_thumbnail(b, END), SMALL); /* cut off */
    assert_memory_equal(b, with, IFD1 - 4);
    assert_memory_equal(b + IFD1 - 4, zeros, SMALL - IFD1 + 4);

    memcpy(b, with, sizeof(b));
    assert_int_equal(fov_exif_drop_thumbnail(b, END + 2), END + 2); /* blacked out */
    assert_memory_equal(b + IFD1 - 4, zeros, END - IFD1);
    assert_memory_equal(b + END, "ab", 2);
    assert_int_equal(fov_exif_drop_thumbnail(b, END + 2), END + 2); /* there is none any more */

    for (size_t n = 0; n < END; n++) { /* and never beyond what is there */
        uint8_t *const part = malloc(n + 1);
        memcpy(part, with, n);
        part[n] = 0x5A;
        assert_true(fov_exif_drop_thumbnail(part, n) <= n);
        assert_int_equal(part[n], 0x5A);
        free(part);
    }
}

static void exif_says_the_resolution(void **state)
{
    /* X 72/1, Y 72/1, unit: centimetre */
    static const uint8_t said[] = "MM\0*\0\0\0\x08"
                                  "\0\3\x01\x1A\0\5\0\0\0\1\0\0\0\x32"
                                  "\x01\x1B\0\5\0\0\0\1\0\0\0\x3A"
                                  "\x01\x28\0\3\0\0\0\1\0\3\0\0\0\0\0\0"
                                  "\0\0\0\x48\0\0\0\1\0\0\0\x48\0\0\0\1";
    uint8_t b[sizeof(said)];
    double x = 0, y = 0;
    (void)state;
    memcpy(b, said, sizeof(b));
    assert_true(fov_exif_resolution(b, sizeof(b) - 1, &x, &y));
    assert_true(fabs(x - 7.2) < 1e-9 && fabs(y - 7.2) < 1e-9);   /* per mm */
    b[34 + 9] = 2;                                               /* inches */
    assert_false(fov_exif_resolution(b, sizeof(b) - 1, &x, &y)); /* 72: it is not known */
    b[50 + 3] = 144;
    assert_true(fov_exif_resolution(b, sizeof(b) - 1, &x, &y));
    assert_true(fabs(x - 144 / 25.4) < 1e-9 && fabs(y - 72 / 25.4) < 1e-9);
    b[34 + 9] = 1; /* no unit */
    assert_false(fov_exif_resolution(b, sizeof(b) - 1, &x, &y));
    for (size_t n = 0; n < 58; n++) /* the first value is cut off */
        assert_false(fov_exif_resolution(b, n, &x, &y));
    memcpy(b, said, sizeof(b));
    fov_exif_update(b, sizeof(b) - 1, &(struct fov_exif_facts){400, 280, 0, 0});
    assert_memory_equal(b, said, sizeof(b));
    fov_exif_update(b, sizeof(b) - 1, &(struct fov_exif_facts){400, 280, 11811, 5906});
    assert_memory_equal(b + 50, "\0\4\x93\xDF\0\0\3\xE8", 8); /* 299.999 */
    assert_memory_equal(b + 58, "\0\2\x49\xFC\0\0\3\xE8", 8); /* 150.012 */
    assert_memory_equal(b + 34 + 8, "\0\2", 2);
    memcpy(b, said, sizeof(b));
    fov_exif_update(b, sizeof(b) - 2, &(struct fov_exif_facts){400, 280, 11811, 5906});
    assert_memory_equal(b + 58, said + 58, 8); /* it would lie beyond the end */
}

/* Cut anywhere, or with any byte changed, nothing is read or written outside. */
static void damaged_exif_does_no_harm(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof(exif_big); n++)
        for (size_t k = 0; k < (n ? n : 1); k++)
            for (unsigned change = 0; change < 256; change += 51) {
                uint8_t *const b = malloc(n ? n : 1); /* the sanitizers see its end */
                assert_non_null(b);
                memcpy(b, n % 2 ? exif_big : exif_little, n);
                if (n)
                    b[k] = (uint8_t)(b[k] ^ change);
                fov_exif_update(b, n, &(struct fov_exif_facts){400, 280, 11811, 5906});
                free(b);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_deflated_inflates),
        cmocka_unit_test(room_and_history_change_nothing),
        cmocka_unit_test(what_repeats_becomes_small),
        cmocka_unit_test(paeth_is_the_specification_s),
        cmocka_unit_test(the_filter_that_fits_is_chosen),
        cmocka_unit_test(every_kind_of_picture_comes_back),
        cmocka_unit_test(a_profile_is_kept_or_left_out),
        cmocka_unit_test(texts_are_kept),
        cmocka_unit_test(a_write_that_fails_ends_it),
        cmocka_unit_test(exif_says_upright_and_the_new_size),
        cmocka_unit_test(exif_loses_its_thumbnail),
        cmocka_unit_test(exif_says_the_resolution),
        cmocka_unit_test(damaged_exif_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
