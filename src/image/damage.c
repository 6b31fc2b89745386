/* SPDX-License-Identifier: Apache-2.0 */
/* damage.c -- was a picture compressed, or is it noisy?
 *
 * A codec divides pixels into blocks and rounds most of their cosine coefficients to zero. So at
 * the places where its blocks lie, and only there, more coefficients are zero than pictures have:
 * JPEG's are 8x8; 4x4 is what lossy WebP has, and what JPEG leaves in a picture that was then
 * halved. The share of zeros is taken for blocks at each of the 8x8, or 4x4, places; damage is how
 * far the largest is above the second. No header is asked: it says nothing of what a PNG was
 * before. After Fan and de Queiroz, Identification of bitmap compression history (IEEE Transactions
 * on Image Processing 12, 2003), who look at the edges of blocks.
 *
 * Noise is as strong in the finest coefficients as in middle ones, where texture is weaker. It is
 * looked for in pieces, since texture hides it elsewhere; what is strong in the finest coefficients
 * everywhere is taken for noise as well.
 *
 * docs/decisions/0010-look-before.md has what the limits were found on and what they see.
 *
 * Threads: any, one for each struct. Owns: nothing. Trust: pixels.
 */
#include "image/damage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef float quad __attribute__((vector_size(16)));
typedef int32_t counts __attribute__((vector_size(16)));

enum {
    MIN_PIECES = 32, /* fewer, or fewer with anything in them, are not enough to tell */
    ONE_IN = 30,     /* pieces is many enough to be noisy, or to be the calmest */
};
static const float dark = 8, bright = 247; /* what is cut off has no noise */
static const float flat8 = 8, flat4 = 6;   /* the largest coefficient of a flat block, at most */
static const double most_grid = 0.015;
static const double least_noise = 0.9, most_fine = 2; /* deviations, 1 of 255 levels */
static const double least_white = 0.65;               /* of the middle, white noise having 1 */
static const float zero = 1; /* rounding to 8 bits leaves a deviation of 0.3 */

/* An orthonormal DCT-II. */
static void init_basis(float *basis, int n)
{
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            *basis++ = (float)(sqrt((k ? 2.0 : 1.0) / n) * cos(M_PI * k * (2 * i + 1) / (2 * n)));
}

void fov_damage_init(struct fov_damage *damage)
{
    *damage = (struct fov_damage){0};
    init_basis(&damage->basis8[0][0], 8);
    init_basis(&damage->basis4[0][0], 4);
}

/* Sums of magnitudes of an 8x8 block's coefficients, of some frequencies in both directions. */
struct spectrum {
    float middle, finest; /* 2 to 4, 6 and 7 */
};

/* Down the columns of a block of which the rows were transformed, `quads` to each. */
static ALWAYS_INLINE void transform_columns(const float *basis, const quad *rows, const long n,
                                            quad *ret_c)
{
    const long quads = n / 4;
    for (long q = 0; q < quads; q++)
        for (long k = 0; k < n; k++) { /* cosines are even or odd about the middle */
            quad sum = {0};
            for (long i = 0; i < n / 2; i++) {
                const quad a = rows[i * quads + q], b = rows[(n - 1 - i) * quads + q];
                sum += basis[k * n + i] * (k % 2 ? a - b : a + b);
            }
            ret_c[k * quads + q] = sum;
        }
}

/* Count a block's coefficients but the mean, c[0]; squares of them, which need no sign. */
static ALWAYS_INLINE void count(quad *c, const long n, float flat, uint32_t *all, uint32_t *zeros)
{
    counts n_zeros = {0}, n_large = {0}; /* a comparison that holds is -1 */
    c[0][0] = 0;
    for (long i = 0; i < n * n / 4; i++) {
        const quad square = c[i] * c[i];
        n_zeros -= square < zero * zero;
        n_large -= square > flat * flat;
    }
    if (!(n_large[0] | n_large[1] | n_large[2] | n_large[3]))
        return;
    *all += (uint32_t)(n * n - 1);
    *zeros += (uint32_t)(n_zeros[0] + n_zeros[1] + n_zeros[2] + n_zeros[3] - 1);
}

static void add_up(const quad c[16], struct spectrum *sums)
{
    for (long k = 2; k <= 4; k++)
        sums->middle += fabsf(c[2 * k][2]) + fabsf(c[2 * k][3]) + fabsf(c[2 * k + 1][0]);
    for (long k = 6; k <= 7; k++)
        sums->finest += fabsf(c[2 * k + 1][2]) + fabsf(c[2 * k + 1][3]);
}

/* Blocks of n x n at all places of a piece. */
static ALWAYS_INLINE struct spectrum count_blocks(const float *basis, const float *luma,
                                                  long stride, const long n, float flat,
                                                  uint32_t *all, uint32_t *zeros)
{
    const long n_places = FOV_DAMAGE_SIDE - n + 1, quads = n / 4;
    quad rows[FOV_DAMAGE_SIDE * 2], c[16];
    struct spectrum sums = {0, 0};
    for (long x = 0; x < n_places; x++) {
        for (long y = 0; y < FOV_DAMAGE_SIDE; y++)
            for (long q = 0; q < quads; q++) {
                quad sum = {0};
                for (long i = 0; i < n; i++) {
                    const float *const at = basis + 4 * q * n + i;
                    sum += luma[y * stride + x + i] * (quad){at[0], at[n], at[2 * n], at[3 * n]};
                }
                rows[y * quads + q] = sum;
            }
        for (long y = 0; y < n_places; y++) {
            transform_columns(basis, rows + y * quads, n, c);
            if (n == 8)
                add_up(c, &sums);
            count(c, n, flat, &all[y % n * n + x % n], &zeros[y % n * n + x % n]);
        }
    }
    return sums;
}

void fov_damage_add(struct fov_damage *damage, const float *luma, long stride)
{
    double mean = 0;
    if (damage->n_pieces == FOV_DAMAGE_MAX_PIECES)
        return;
    for (int y = 0; y < FOV_DAMAGE_SIDE; y++)
        for (int x = 0; x < FOV_DAMAGE_SIDE; x++)
            mean += luma[y * stride + x] / (FOV_DAMAGE_SIDE * FOV_DAMAGE_SIDE);
    if (mean < dark || mean > bright)
        return;
    const struct spectrum sums = count_blocks(&damage->basis8[0][0], luma, stride, 8, flat8,
                                              damage->n_all8, damage->n_zeros8);
    /* Of normal noise; 64 blocks have 9 and 4 of these coefficients each. */
    const double deviation = sqrt(M_PI / 2) / 64, middle = sums.middle / 9 * deviation;
    const double finest = sums.finest / 4 * deviation;
    damage->finest[damage->n_pieces++] = (float)finest;
    damage->n_noisy += finest > least_noise && finest > least_white * middle;
    (void)count_blocks(&damage->basis4[0][0], luma, stride, 4, flat4, damage->n_all4,
                       damage->n_zeros4);
}

/* How far the largest share of zeros is above the second; 1 when there are too few to tell. */
static double grid(const uint32_t *all, const uint32_t *zeros, int n_places)
{
    double largest = 0, second = 0;
    for (int i = 0; i < n_places; i++) {
        if (all[i] < (uint32_t)(MIN_PIECES * (n_places - 1)))
            return 1;
        const double share = (double)zeros[i] / all[i];
        second = fmax(second, fmin(share, largest));
        largest = fmax(largest, share);
    }
    return largest - second;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

bool fov_damage_is_clean(const struct fov_damage *damage)
{
    const int n = damage->n_pieces;
    float finest[FOV_DAMAGE_MAX_PIECES];
    if (n < MIN_PIECES || grid(damage->n_all8, damage->n_zeros8, 64) > most_grid ||
        grid(damage->n_all4, damage->n_zeros4, 16) > most_grid || damage->n_noisy * ONE_IN >= n)
        return false;
    memcpy(finest, damage->finest, (size_t)n * sizeof(*finest));
    qsort(finest, (size_t)n, sizeof(*finest), ascending);
    return finest[n / ONE_IN] <= most_fine;
}
