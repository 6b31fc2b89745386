/* SPDX-License-Identifier: Apache-2.0 */
/* test_reply.c -- base64 as it is written into buffers of any size from any place on, compared with
 * OpenSSL's of the whole; sentences of what strangers write. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "server/reply.h"

enum { PIECE = 3 << 20 };

static unsigned char *bytes;
static char *whole; /* base64 of the first so many of them */
static size_t n_whole;

static void make(size_t n)
{
    bytes = fov_calloc(n, 1);
    whole = fov_calloc((n + 2) / 3 * 4 + 1, 1);
    assert_true(bytes && whole);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(i * 2654435761U >> 13);
    n_whole = (size_t)EVP_EncodeBlock((unsigned char *)whole, bytes, (int)n);
    assert_int_equal(n_whole, (n + 2) / 3 * 4);
}

static void drop(void)
{
    fov_free(bytes);
    fov_free(whole);
}

/* One piece; the byte behind its room is looked at, as no sanitizer sees into OpenSSL. */
static size_t must_be_piece(size_t n, size_t at, size_t room)
{
    char *const to = fov_calloc(room + 1, 1);
    assert_non_null(to);
    to[room] = '#';
    const size_t got = fov_base64_piece(bytes, n, at, to, room);
    if (got < 1 || got > room || at + got > n_whole || memcmp(to, whole + at, got) != 0 ||
        to[room] != '#')
        fail_msg("%zu bytes, from %zu on, into %zu: %zu", n, at, room, got);
    fov_free(to);
    return got;
}

static void small_ones_at_every_place(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 100; n++) {
        make(n);
        for (size_t room = 1; room <= 140; room++)
            for (size_t at = 0; at < n_whole; at++)
                (void)must_be_piece(n, at, room);
        drop();
    }
}

static void all_of_it(size_t n, size_t room)
{
    make(n);
    size_t at = 0;
    while (at < n_whole)
        at += must_be_piece(n, at, room);
    assert_int_equal(at, n_whole);
    drop();
}

static void as_it_is_sent(void **state)
{
    static const size_t rooms[] = {1, 2, 3, 4, 5, 7, 8, 9, 4095, 4096, 4097, 65535, 65536, 65537};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(rooms); i++)
        for (size_t n = 49140; n <= 49160; n++) /* 65536 characters are 49152 bytes */
            if (rooms[i] > 100 || n % 10 == 0)
                all_of_it(n, rooms[i]);
    for (size_t n = PIECE - 2; n <= PIECE + 2; n++)
        all_of_it(n, 65536);
    all_of_it(PIECE + 1, 2 * PIECE); /* in one piece here, in two of the encoder */
}

static void in_one_go(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 100, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(sizes); i++) {
        make(sizes[i]);
        char *const to = fov_calloc(n_whole + 1, 1);
        assert_non_null(to);
        memset(to, '?', n_whole + 1);
        fov_base64_encode(bytes, sizes[i], to);
        assert_string_equal(to, whole);
        fov_free(to);
        drop();
    }
}

static void sentences(void **state)
{
    static const char *const pairs[][2] = {
        {"a.png: is none", "a.png: is none"},
        {"a\r\nSet-Cookie: b\t\x7f", "a  Set-Cookie: b  "},
        {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
        {"\xc3\xa9t\xc3", "??t?"}, /* cut: what is no UTF-8 has no letters beyond ASCII */
        {"\xff\xfe", "??"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(pairs); i++) {
        char text[40];
        strcpy(text, pairs[i][0]);
        fov_reply_clean(text);
        assert_string_equal(text, pairs[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_ones_at_every_place),
                                       cmocka_unit_test(as_it_is_sent), cmocka_unit_test(in_one_go),
                                       cmocka_unit_test(sentences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
