/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_i16_amx.c -- Winograd convolution in int16, by the matrix unit for bytes.
 *
 * With a = 256 a1 + a0 and w = 256 w1 + w0, upper bytes signed and lower ones not,
 *
 *     sum a w = 2^16 sum a1 w1 + 2^8 (sum a1 w0 + sum a0 w1) + sum a0 w0
 *
 * is exact, so results are those of the other variants, to the bit. TDPB* takes 16 tiles by 16
 * output channels by 64 input channels in 16 cycles: 256 whole products a cycle where VPDPWSSD
 * makes 64. Intel, Architecture Instruction Set Extensions Programming Reference, chapter 3.
 */
#include "net/kernels/x86/vec_avx512.h"

#define WINO_I16   1
#define WINO_BYTES 1
#include "net/kernels/x86/winograd_x86.h"

enum {
    SIDE = 16,                  /* tiles by output channels of a block */
    BLOCK = SIDE * LINE,        /* bytes of it, and of the bytes that it is made from */
    N_SUMS = 3,                 /* of upper bytes, of upper with lower, of lower */
    LINES_AHEAD = BLOCK / LINE, /* of the next position's weights, for each block */
};

/* Tile registers are numbers in the code: 0 to 2 sums, 3 and 4 values, 5 and 6 weights, each 16
 * rows of 64 bytes. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16]; /* of a row */
    uint8_t rows[16];
} shapes = {
    .palette = 1,
    .bytes = {LINE, LINE, LINE, LINE, LINE, LINE, LINE},
    .rows = {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE},
};

/* What SUM input channels give to 16 tiles by 16 output channels at one position. */
static ALWAYS_INLINE void multiply_block(const uint8_t *upper, const uint8_t *lower, size_t in_ch,
                                         const uint8_t *w, int32_t sums[N_SUMS][SIDE][SIDE])
{
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_loadd(3, upper, in_ch);
    _tile_loadd(5, w, LINE);
    _tile_dpbssd(0, 3, 5);
    _tile_loadd(6, w + BLOCK, LINE);
    _tile_dpbsud(1, 3, 6);
    _tile_loadd(4, lower, in_ch);
    _tile_dpbuud(2, 4, 6);
    _tile_dpbusd(1, 4, 5);
    _tile_stored(0, sums[0], LINE);
    _tile_stored(2, sums[2], LINE);
    _tile_stored(1, sums[1], LINE);
}

/* Where the products of a block go, and what they are worth; `more`: they add to others there. */
struct destination {
    float *to;
    size_t stride; /* from tile to tile */
    const float *scale;
    bool more;
};

/* The products that such sums are. */
static ALWAYS_INLINE void add_up(int32_t sums[N_SUMS][SIDE][SIDE], const struct destination *d)
{
    const vf unit = vf_load(d->scale);
    float *to = d->to;
    for (size_t t = 0; t < SIDE; t++, to += d->stride) {
        const vi middle = _mm512_slli_epi32(vi_load(sums[1][t]), 8);
        const vi outer =
            _mm512_add_epi32(_mm512_slli_epi32(vi_load(sums[0][t]), 16), vi_load(sums[2][t]));
        const vf sum = vf_from_int(_mm512_add_epi32(outer, middle));
        vf_store(to, d->more ? vf_fma(sum, unit, vf_load(to)) : vf_mul(sum, unit));
    }
}

/* The unit works by itself, so the sums of a block are added up while it multiplies the next. */
static size_t multiply_panel(const struct fov_conv_rows *r, size_t x, size_t channel, size_t n,
                             const struct scratch *s)
{
    const struct fov_conv *const c = r->conv;
    const size_t left = c->out_ch - channel, panel = left < MAX_PANEL ? left : MAX_PANEL;
    const size_t in_ch = fov_round_up(c->in_ch, SUM), stride = product_stride(panel);
    const size_t group = in_ch * SIDE * 2, position = c->out_ch * in_ch * 2;
    const uint8_t *const weights = (const uint8_t *)c->weights + channel / SIDE * group;
    const uint8_t *const upper = (const uint8_t *)s->values;
    const size_t values = TILES * in_ch + GAP; /* of a position */
    const uint8_t *const lower = upper + POSITIONS * values;
    _Alignas(LINE) int32_t sums[2][N_SUMS][SIDE][SIDE];
    struct destination before = {0};
    int turn = 0;

    _tile_loadconfig(&shapes);
    for (size_t p = 0; p < POSITIONS; p++) {
        const uint8_t *next = weights + (p + 1 < POSITIONS ? p + 1 : 0) * position;
        if (channel == 0)
            fetch_rows(r, x, n, p);
        for (size_t g = 0; g < panel; g += SIDE)
            for (size_t t = 0; t < n; t += SIDE)
                for (size_t k = 0; k < in_ch; k += SUM, turn ^= 1) {
                    const size_t at = p * values + t * in_ch + k;
                    if (k == 0)
                        for (int i = 0; i < LINES_AHEAD; i++, next += LINE)
                            __builtin_prefetch(next);
                    multiply_block(upper + at, lower + at, in_ch,
                                   weights + p * position + g / SIDE * group + k * SIDE * 2,
                                   sums[turn]);
                    if (before.to)
                        add_up(sums[turn ^ 1], &before);
                    before = (struct destination){
                        .to = s->products + t * stride + p * panel + g,
                        .stride = stride,
                        .scale = c->scale + (k / SUM * POSITIONS + p) * c->out_ch + channel + g,
                        .more = k > 0,
                    };
                }
    }
    add_up(sums[turn ^ 1], &before);
    _tile_release();
    return panel;
}

void fov_conv_winograd_i16_amx(const struct fov_conv_rows *r)
{
    conv_winograd(r);
}
