/* SPDX-License-Identifier: Apache-2.0 */
/* png_filter.c -- the five filters of PNG, and which suits a row.
 *
 * Each filter is one line over bytes that a compiler turns into vector instructions, used twice:
 * in a loop that only adds up what would be left, and in one that writes it. No branches, no types
 * wider than a byte, minima and maxima instead of signs: SSE2 has these, so that plain x86-64 takes
 * 9 ms for 9.6 MB and needs no variant for each CPU (docs/SPEED.md).
 *
 * Threads: any. Owns: nothing. Trust: any bytes. See: the PNG specification, section 9.
 */
#include "image/png_filter.h"

static inline uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static inline uint8_t most(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

/* a & b and half of what differs: (a + b) / 2 without a ninth bit. */
static inline uint8_t average(uint8_t a, uint8_t b)
{
    return (uint8_t)((a & b) + ((a ^ b) >> 1));
}

/* The one of left, up and corner that is nearest to left + up - corner, in this order where two
 * are. With pa = |up - corner| and pb = |left - corner|, the corner's distance is |pa - pb| where
 * the corner lies between the others, and else pa + pb, which is never the least: 255 stands for
 * it. */
static inline uint8_t paeth(uint8_t left, uint8_t up, uint8_t corner)
{
    const uint8_t under_left = least(left, corner), under_up = least(up, corner);
    const uint8_t pa = (uint8_t)(most(up, corner) - under_up);
    const uint8_t pb = (uint8_t)(most(left, corner) - under_left);
    const uint8_t nearest = least(pa, pb);
    const uint8_t left_is_under = under_left == left ? 255 : 0;
    const uint8_t up_is_under = under_up == up ? 255 : 0;
    const uint8_t outside = (uint8_t) ~(left_is_under ^ up_is_under);
    const uint8_t pc = (uint8_t)((most(pa, pb) - nearest) | outside);
    const uint8_t side = pa == nearest ? left : up;
    return least(nearest, pc) == nearest ? side : corner;
}

/* How far from zero what is left is, as a signed byte. */
static inline uint8_t size_of(uint8_t left_over)
{
    return least(left_over, (uint8_t)-left_over);
}

/* FILTER(name, what it expects of byte i): left, up and corner are rows. */
#define FILTERS(FILTER)                                                                            \
    FILTER(none, 0)                                                                                \
    FILTER(sub, left[i])                                                                           \
    FILTER(up, up[i])                                                                              \
    FILTER(average, average(left[i], up[i])) FILTER(paeth, paeth(left[i], up[i], corner[i]))

/* Loops for one filter: `row` and `up` have n bytes. Sums stay within 32 bits for 16 MB, and are
 * asked for no more than AT_ONCE. */
#define FILTER_LOOPS(name, expected)                                                               \
    static uint32_t score_##name(const uint8_t *restrict row, const uint8_t *restrict up,          \
                                 size_t n, size_t pixel_bytes)                                     \
    {                                                                                              \
        const uint8_t *restrict const left = row - pixel_bytes;                                    \
        const uint8_t *restrict const corner = up - pixel_bytes;                                   \
        uint32_t sum = 0;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            sum += size_of((uint8_t)(row[i] - (expected)));                                        \
        (void)left, (void)corner;                                                                  \
        return sum;                                                                                \
    }                                                                                              \
    static void apply_##name(const uint8_t *restrict row, const uint8_t *restrict up, size_t n,    \
                             size_t pixel_bytes, uint8_t *restrict out)                            \
    {                                                                                              \
        const uint8_t *restrict const left = row - pixel_bytes;                                    \
        const uint8_t *restrict const corner = up - pixel_bytes;                                   \
        for (size_t i = 0; i < n; i++)                                                             \
            out[i] = (uint8_t)(row[i] - (expected));                                               \
        (void)left, (void)corner;                                                                  \
    }
FILTERS(FILTER_LOOPS)

#define FILTER_ENTRY(name, expected) {score_##name, apply_##name},
static const struct {
    uint32_t (*score)(const uint8_t *row, const uint8_t *up, size_t n, size_t pixel_bytes);
    void (*apply)(const uint8_t *row, const uint8_t *up, size_t n, size_t pixel_bytes,
                  uint8_t *out);
} filters[FOV_PNG_N_FILTERS] = {FILTERS(FILTER_ENTRY)};

enum { AT_ONCE = 4096 }; /* bytes of a row that stay in the first cache for all filters */

enum fov_png_filter fov_png_choose(const uint8_t *row, const uint8_t *above, size_t n,
                                   size_t pixel_bytes)
{
    uint64_t score[FOV_PNG_N_FILTERS] = {0};
    enum fov_png_filter best = FOV_PNG_NONE;

    for (size_t at = 0; at < n; at += AT_ONCE)
        for (int f = 0; f < FOV_PNG_N_FILTERS; f++)
            score[f] += filters[f].score(row + at, above + at, n - at < AT_ONCE ? n - at : AT_ONCE,
                                         pixel_bytes);
    for (int f = 1; f < FOV_PNG_N_FILTERS; f++)
        if (score[f] < score[best])
            best = (enum fov_png_filter)f;
    return best;
}

void fov_png_apply(enum fov_png_filter filter, const uint8_t *row, const uint8_t *above, size_t n,
                   size_t pixel_bytes, uint8_t *out)
{
    filters[filter].apply(row, above, n, pixel_bytes, out);
}
