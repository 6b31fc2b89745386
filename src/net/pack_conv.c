/* SPDX-License-Identifier: Apache-2.0 */
/* pack_conv.c -- the weights of one convolution in the layout of each kernel.
 *
 * Threads: any. Owns: nothing. Trust: weights are finite; any other value is fine.
 * See: kernels/winograd.h
 */
#define _GNU_SOURCE
#include "net/pack_conv.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "net/kernels/winograd.h"

enum { GROUP = FOV_CHANNEL_GROUP, POSITIONS = FOV_WINO_VALUES, SUM = FOV_WINO_SUM_CHANNELS };

size_t fov_pack_conv_bytes(enum fov_method method, int taps, size_t in_ch, size_t out_ch)
{
    const size_t n = in_ch * out_ch;
    switch (method) {
    case FOV_WINOGRAD_F32:
        return n * POSITIONS * sizeof(float);
    case FOV_WINOGRAD_I16:
        return n * POSITIONS * sizeof(int16_t);
    case FOV_WINOGRAD_BYTES:
        return fov_round_up(in_ch, SUM) * out_ch * POSITIONS * 2;
    case FOV_DIRECT:
        break;
    }
    return n * (size_t)(taps * taps) * sizeof(float);
}

static void pack_direct(const float *weights, size_t n_taps, size_t in_ch, size_t out_ch,
                        float *dst)
{
    for (size_t group = 0; group < out_ch; group += GROUP, dst += n_taps * in_ch * GROUP)
        for (size_t i = 0; i < in_ch; i++)
            for (size_t tap = 0; tap < n_taps; tap++)
                for (size_t o = 0; o < GROUP; o++)
                    dst[(tap * in_ch + i) * GROUP + o] =
                        weights[((group + o) * in_ch + i) * n_taps + tap];
}

static const double g_down[FOV_WINO_ROWS][3] = FOV_WINO_G_DOWN;
static const double g_across[FOV_WINO_PX][3] = FOV_WINO_G_ACROSS;

/* The 3x3 kernels of one input channel and a group of output channels, [9][GROUP], transformed:
 * u[6][8][GROUP] = G w G'^T, `stride` floats from one position to the next. */
static void transform(const double w[9][GROUP], float *u, size_t stride)
{
    const double(*const g)[3] = g_down, (*const across)[3] = g_across;
    double half[FOV_WINO_ROWS][3][GROUP];
    for (int i = 0; i < FOV_WINO_ROWS; i++)
        for (int k = 0; k < 3; k++)
            for (int o = 0; o < GROUP; o++)
                half[i][k][o] = g[i][0] * w[k][o] + g[i][1] * w[3 + k][o] + g[i][2] * w[6 + k][o];
    for (int i = 0; i < FOV_WINO_ROWS; i++)
        for (int j = 0; j < FOV_WINO_PX; j++, u += stride)
            for (int o = 0; o < GROUP; o++)
                u[o] = (float)(half[i][0][o] * across[j][0] + half[i][1][o] * across[j][1] +
                               half[i][2][o] * across[j][2]);
}

/* dst[POSITIONS][out_ch / GROUP][in_ch][GROUP] */
static void pack_winograd(const float *weights, size_t in_ch, size_t out_ch, float *dst)
{
    double w[9][GROUP];
    for (size_t group = 0; group < out_ch; group += GROUP)
        for (size_t i = 0; i < in_ch; i++) {
            for (size_t o = 0; o < GROUP; o++)
                for (size_t tap = 0; tap < 9; tap++)
                    w[tap][o] = (double)weights[((group + o) * in_ch + i) * 9 + tap];
            transform(w, dst + group * in_ch + i * GROUP, out_ch * in_ch);
        }
}

/* The largest factors by which the weights of a group of output channels for n input channels may
 * be multiplied, at one position, so that each fits in int16 and no sum of products with a tile
 * leaves int32: their magnitudes sum up to less than 2^31 / FOV_WINO_MAX_VALUE, and half a unit of
 * rounding for each weight is allowed for. */
static void output_scales(const float *weights, size_t n, float *ret_scales)
{
    const float room = 0x1p31f / FOV_WINO_MAX_VALUE * 0.9999f - 0.5f * (float)n - 1;
    float sum[GROUP] = {0}, largest[GROUP] = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < GROUP; o++) {
            const float u = fabsf(weights[i * GROUP + o]);
            sum[o] += u;
            largest[o] = u > largest[o] ? u : largest[o];
        }
    for (size_t o = 0; o < GROUP; o++)
        ret_scales[o] = largest[o] > 1e-30f ? fminf(room / sum[o], 32766 / largest[o]) : 1;
}

/* The nearest whole number to one below 2^22 in magnitude, ties to even, as lrintf() has it; but
 * compilers make vectors of this: what 1.5 * 2^23 leaves no bits for is rounded away. */
static inline int whole(float x)
{
    const float with = x + 0x1.8p23f;
    int32_t bits;
    memcpy(&bits, &with, sizeof(bits));
    return bits - 0x4b400000;
}

/* The weights of a group of output channels for n input channels at one position, scaled and
 * rounded. */
static void round_pairs(const float *from, const float *scales, size_t n, int16_t *to)
{
    enum { PAIRS = 2 * GROUP };
    for (size_t i = 0; i < n; i += 2, from += PAIRS, to += PAIRS)
        for (size_t o = 0; o < GROUP; o++) {
            to[2 * o] = (int16_t)whole(from[o] * scales[o]);
            to[2 * o + 1] = (int16_t)whole(from[GROUP + o] * scales[o]);
        }
}

static void round_bytes(const float *from, const float *scales, size_t n, uint8_t *to)
{
    enum { PLANE = SUM * GROUP, BYTES = 2 * PLANE };
    memset(to, 0, BYTES);
    for (size_t i = 0; i < n; i++) {
        const size_t row = i % 16 / 4 * 4 + i / 16;
        uint8_t *const upper = to + row * GROUP * 4 + i % 4;
        for (size_t o = 0; o < GROUP; o++) {
            const int w = whole(from[i * GROUP + o] * scales[o]);
            upper[o * 4] = (uint8_t)((unsigned)w >> 8);
            upper[o * 4 + PLANE] = (uint8_t)w;
        }
    }
}

/* From transformed weights to whole ones. */
static void round_weights(enum fov_method method, const float *weights, size_t in_ch, size_t out_ch,
                          void *dst, float *ret_scale)
{
    const size_t bytes = fov_pack_conv_bytes(method, 3, in_ch, out_ch);
    const size_t to_group = bytes / (POSITIONS * out_ch / GROUP);
    uint8_t *to = dst;
    for (size_t p = 0; p < POSITIONS; p++)
        for (size_t o = 0; o < out_ch; o += GROUP, to += to_group)
            for (size_t i = 0; i < in_ch; i += SUM) {
                const size_t n = in_ch - i < SUM ? in_ch - i : SUM;
                const float *const from = weights + (p * out_ch + o) * in_ch + i * GROUP;
                float scales[GROUP];
                output_scales(from, n, scales);
                for (size_t k = 0; k < GROUP; k++)
                    ret_scale[(i / SUM * POSITIONS + p) * out_ch + o + k] = 1 / scales[k];
                uint8_t *const part = to + i * GROUP * 2; /* two bytes for each */
                if (method == FOV_WINOGRAD_BYTES)
                    round_bytes(from, scales, n, part);
                else
                    round_pairs(from, scales, n, (int16_t *)(void *)part);
            }
}

size_t fov_pack_scales(enum fov_method method, size_t in_ch, size_t out_ch)
{
    return method == FOV_DIRECT || method == FOV_WINOGRAD_F32
               ? 0
               : (in_ch + SUM - 1) / SUM * POSITIONS * out_ch;
}

size_t fov_pack_room(enum fov_method method, size_t in_ch, size_t out_ch)
{
    return method == FOV_DIRECT || method == FOV_WINOGRAD_F32 ? 0 : in_ch * out_ch * POSITIONS;
}

void fov_pack_conv(enum fov_method method, const float *weights, int taps, size_t in_ch,
                   size_t out_ch, void *dst, float *ret_scale, float *room)
{
    switch (method) {
    case FOV_DIRECT:
        pack_direct(weights, (size_t)taps * (size_t)taps, in_ch, out_ch, dst);
        break;
    case FOV_WINOGRAD_F32:
        pack_winograd(weights, in_ch, out_ch, dst);
        break;
    case FOV_WINOGRAD_I16:
    case FOV_WINOGRAD_BYTES:
        pack_winograd(weights, in_ch, out_ch, room);
        round_weights(method, room, in_ch, out_ch, dst, ret_scale);
        break;
    }
}
