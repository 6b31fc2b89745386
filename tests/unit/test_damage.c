/* SPDX-License-Identifier: Apache-2.0 */
/* test_damage.c -- what is done to a picture is seen, and what it has itself is not taken for that.
 *
 * The picture is drawn: waves of all lengths, the longer the stronger, as photographs have them, an
 * edge and a calm part. A codec is its essence: cosine coefficients of blocks, divided, rounded,
 * multiplied.
 */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "image/damage.h"

enum { SIDE = 160, WAVES = 60 };

static uint32_t state;

/* 0 to 1. */
static double chance(void)
{
    state = state * 1664525 + 1013904223;
    return (state >> 8) / (double)(1 << 24);
}

static void draw(float *luma)
{
    state = 11;
    for (int i = 0; i < SIDE * SIDE; i++)
        luma[i] = i % SIDE > SIDE / 2 ? 150 : 100;
    for (int k = 1; k <= WAVES; k++) {
        const double turn = 2 * M_PI * chance(), phase = 2 * M_PI * chance();
        const double fast = 2 * M_PI * k / (3.0 * WAVES), high = 1.5 / fast;
        for (int i = 0; i < SIDE * SIDE; i++) {
            const int x = i % SIDE, y = i / SIDE;
            const double calm = y < SIDE / 4 ? 0.1 : 1; /* the sky */
            luma[i] += (float)(calm * high * sin(phase + fast * (cos(turn) * x + sin(turn) * y)));
        }
    }
}

static void round_off(float *luma)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        luma[i] = fminf(255, fmaxf(0, rintf(luma[i])));
}

/* Blocks of n x n, the first at (at, at): coefficients become multiples of `step`. */
static void compress(float *luma, int n, int at, double step)
{
    double basis[8][8], c[8][8];
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            basis[k][i] = sqrt((k ? 2.0 : 1.0) / n) * cos(M_PI * k * (2 * i + 1) / (2 * n));
    for (int y = at; y + n <= SIDE; y += n)
        for (int x = at; x + n <= SIDE; x += n) {
            float *const block = luma + y * SIDE + x;
            for (int u = 0; u < n * n; u++) {
                double sum = 0;
                for (int i = 0; i < n * n; i++)
                    sum += basis[u / n][i / n] * basis[u % n][i % n] *
                           (double)block[i / n * SIDE + i % n];
                c[u / n][u % n] = step * rint(sum / step);
            }
            for (int i = 0; i < n * n; i++) {
                double sum = 0;
                for (int u = 0; u < n * n; u++)
                    sum += basis[u / n][i / n] * basis[u % n][i % n] * c[u / n][u % n];
                block[i / n * SIDE + i % n] = (float)sum;
            }
        }
}

static bool is_clean(const float *luma, int side)
{
    static struct fov_damage damage;
    fov_damage_init(&damage);
    for (int y = 0; y + FOV_DAMAGE_SIDE <= side; y += FOV_DAMAGE_STEP)
        for (int x = 0; x + FOV_DAMAGE_SIDE <= side; x += FOV_DAMAGE_STEP)
            fov_damage_add(&damage, luma + y * SIDE + x, SIDE);
    return fov_damage_is_clean(&damage);
}

static float luma[SIDE * SIDE];

static void a_drawn_picture_is_clean(void **unused)
{
    (void)unused;
    draw(luma);
    round_off(luma);
    assert_true(is_clean(luma, SIDE));
}

static void blocks_of_a_codec_are_seen_wherever_they_begin(void **unused)
{
    (void)unused;
    for (int at = 0; at < 8; at++)
        for (int n = 8; n >= 4; n -= 4) {
            draw(luma);
            compress(luma, n, at % n, 5);
            round_off(luma);
            assert_false(is_clean(luma, SIDE));
        }
}

/* Steps of one level in all coefficients are what rounding does by itself. */
static void what_hardly_changes_a_picture_is_no_damage(void **unused)
{
    (void)unused;
    draw(luma);
    compress(luma, 8, 0, 0.5);
    round_off(luma);
    assert_true(is_clean(luma, SIDE));
}

static void noise_is_seen(void **unused)
{
    (void)unused;
    draw(luma);
    for (int i = 0; i < SIDE * SIDE; i++) /* deviation 2.5 */
        luma[i] += (float)(2.5 * (chance() + chance() + chance() + chance() - 2) * sqrt(3));
    round_off(luma);
    assert_false(is_clean(luma, SIDE));
}

/* Grain: not white, since it was made coarser, but too strong at the finest to be a picture's. */
static void coarse_grain_is_seen(void **unused)
{
    static float grain[SIDE * SIDE];
    (void)unused;
    draw(luma);
    for (int i = 0; i < SIDE * SIDE; i++)
        grain[i] = (float)(14 * (chance() + chance() + chance() + chance() - 2) * sqrt(3));
    for (int y = 1; y < SIDE; y++)
        for (int x = 1; x < SIDE; x++) {
            const float *const g = grain + y * SIDE + x;
            luma[y * SIDE + x] += 0.5f * g[0] + 0.25f * (g[-1] + g[-SIDE]);
        }
    round_off(luma);
    assert_false(is_clean(luma, SIDE));
}

static void where_little_is_seen_nothing_is_said(void **unused)
{
    (void)unused;
    draw(luma);
    round_off(luma);
    assert_false(is_clean(luma, 48)); /* 25 pieces */
    for (int i = 0; i < SIDE * SIDE; i++)
        luma[i] = 128;
    assert_false(is_clean(luma, SIDE));
}

static void more_pieces_than_are_kept_do_no_harm(void **unused)
{
    static struct fov_damage damage;
    (void)unused;
    draw(luma);
    round_off(luma);
    fov_damage_init(&damage);
    for (int i = 0; i < FOV_DAMAGE_MAX_PIECES + 5; i++)
        fov_damage_add(&damage, luma + i % 100 * SIDE + i % 140, SIDE);
    assert_int_equal(damage.n_pieces, FOV_DAMAGE_MAX_PIECES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drawn_picture_is_clean),
        cmocka_unit_test(blocks_of_a_codec_are_seen_wherever_they_begin),
        cmocka_unit_test(what_hardly_changes_a_picture_is_no_damage),
        cmocka_unit_test(noise_is_seen),
        cmocka_unit_test(coarse_grain_is_seen),
        cmocka_unit_test(where_little_is_seen_nothing_is_said),
        cmocka_unit_test(more_pieces_than_are_kept_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
