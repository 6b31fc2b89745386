/* SPDX-License-Identifier: Apache-2.0 */
/* test_alpha.c -- rows with alpha: every function against its definition, in all kinds of pixels.
 */
#include "tests/unit/cmocka_all.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/alpha.h"

enum { MOST_PX = 67, SCALE = 3 };

static const struct fov_alpha_row kinds[] = {
    {1, 4, 1}, {2, 2, 1}, {1, 2, 2}, {2, 4, 2}, {67, 4, 1}, {67, 4, 2}, {66, 2, 1}, {67, 2, 2},
};

static unsigned get(const void *row, size_t i, size_t sample_bytes)
{
    return sample_bytes == 1 ? ((const uint8_t *)row)[i] : ((const uint16_t *)row)[i];
}

static void fill(void *row, size_t bytes)
{
    static uint32_t state = 7;
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525 + 1013904223;
        ((uint8_t *)row)[i] = (uint8_t)(state >> 24);
    }
}

static void opaque_is_all_of_it(void **state)
{
    static uint16_t row[MOST_PX * 4];
    (void)state;
    for (size_t k = 0; k < FOV_N_ELEMENTS(kinds); k++) {
        const struct fov_alpha_row *const kind = &kinds[k];
        const size_t pixel = kind->n_channels * kind->sample_bytes;
        fill(row, sizeof(row));
        for (size_t x = 0; x < kind->n_px; x++)
            memset((uint8_t *)row + (x + 1) * pixel - kind->sample_bytes, 0xFF, kind->sample_bytes);
        assert_true(fov_alpha_is_opaque(kind, row));
        for (size_t i = pixel - kind->sample_bytes; i < kind->n_px * pixel; i += pixel)
            for (size_t b = 0; b < kind->sample_bytes; b++) {
                ((uint8_t *)row)[i + b] = 0xFE;
                assert_false(fov_alpha_is_opaque(kind, row));
                ((uint8_t *)row)[i + b] = 0xFF;
            }
    }
}

static void limits_are_those_of_the_nine_around(void **state)
{
    static uint16_t rows[3][MOST_PX * 4], lo[MOST_PX], hi[MOST_PX];
    (void)state;
    for (size_t k = 0; k < FOV_N_ELEMENTS(kinds); k++) {
        const struct fov_alpha_row *const kind = &kinds[k];
        fill(rows, sizeof(rows));
        fov_alpha_limits(kind, rows[0], rows[1], rows[2], lo, hi);
        for (size_t x = 0; x < kind->n_px; x++) {
            unsigned a = UINT16_MAX, b = 0;
            for (size_t u = x ? x - 1 : 0; u <= x + 1 && u < kind->n_px; u++)
                for (size_t v = 0; v < 3; v++) {
                    const unsigned at =
                        get(rows[v], (u + 1) * kind->n_channels - 1, kind->sample_bytes);
                    a = at < a ? at : a;
                    b = at > b ? at : b;
                }
            assert_int_equal(lo[x], a);
            assert_int_equal(hi[x], b);
        }
    }
}

static void alpha_is_held_and_put_back(void **state)
{
    static uint16_t lo[MOST_PX], hi[MOST_PX], alpha[MOST_PX * SCALE], held[MOST_PX * SCALE];
    static uint16_t colour[MOST_PX * SCALE * 3], pixels[MOST_PX * SCALE * 4];
    (void)state;
    for (size_t k = 0; k < FOV_N_ELEMENTS(kinds); k++) {
        struct fov_alpha_row kind = kinds[k];
        const size_t b = kind.sample_bytes, n = kind.n_channels, colours = n - 1;
        fill(alpha, sizeof(alpha));
        fill(colour, sizeof(colour));
        for (size_t x = 0; x < kind.n_px; x++) {
            lo[x] = (uint16_t)(x % 100);
            hi[x] = (uint16_t)(lo[x] + 50 * (x % 3));
        }
        memcpy(held, alpha, sizeof(held));
        fov_alpha_hold(&kind, SCALE, lo, hi, held);
        for (size_t i = 0; i < kind.n_px * SCALE; i++) {
            const unsigned v = get(alpha, i, b), least = lo[i / SCALE], most = hi[i / SCALE];
            assert_int_equal(get(held, i, b), v < least ? least : v > most ? most : v);
        }
        kind.n_px *= SCALE;
        fov_alpha_join(&kind, colour, held, pixels);
        for (size_t i = 0; i < kind.n_px * n; i++)
            assert_int_equal(get(pixels, i, b), i % n == colours
                                                    ? get(held, i / n, b)
                                                    : get(colour, i / n * colours + i % n, b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opaque_is_all_of_it),
        cmocka_unit_test(limits_are_those_of_the_nine_around),
        cmocka_unit_test(alpha_is_held_and_put_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
