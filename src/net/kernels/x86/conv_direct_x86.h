/* SPDX-License-Identifier: Apache-2.0 */
/* conv_direct_x86.h -- the body of the AVX2 and the AVX-512 direct convolution.
 *
 * A block is n_px pixels by n_vec vectors of output channels, all of it in registers: for each
 * input value one broadcast a pixel and one load of weights a vector serve n_px * n_vec
 * multiply-adds. 24 accumulators (AVX-512) or 12 (AVX2) hide the FMA's latency of 4 cycles twice
 * over and leave registers for the operands; 6 x 4 reaches 98 % of the peak.
 *
 * Sources in float16, or several of them, are first gathered as float32 for a few pixels.
 */
#ifndef FOV_NET_KERNELS_X86_CONV_DIRECT_X86_H
#define FOV_NET_KERNELS_X86_CONV_DIRECT_X86_H

#include "net/kernels/x86/vec.h"

enum {
    GROUP_VECS = FOV_CHANNEL_GROUP / VF, /* vectors of one group of output channels */
    MAX_ACC = 24,
    MAX_VECS = 4,
    GATHER_PX = 48, /* pixels gathered at once; fov_conv_scratch_bytes() has room for them */
};

/* The rows that a block of pixels reads, one source of float32, from the zero left of pixel 0. */
struct rows_f32 {
    const float *row[3];
};

static ALWAYS_INLINE void store_block(const struct fov_conv_rows *r, int row, const vf *acc,
                                      size_t x, size_t live, size_t channel, const int n_px,
                                      const int n_vec, const enum fov_activation activation)
{
    const enum fov_element e = r->conv->dst_element;
    void *const dst = r->dst[channel / r->dst_ch][row];
    UNROLL
    for (int p = 0; p < n_px; p++) {
        if ((size_t)p >= live)
            break;
        const size_t at = (x + (size_t)p) * r->dst_ch + channel % r->dst_ch;
        UNROLL
        for (int v = 0; v < n_vec; v++)
            vf_put(dst, at + (size_t)(v * VF),
                   vf_finish(r, row, at + (size_t)(v * VF), channel + (size_t)(v * VF),
                             acc[p * n_vec + v], activation, e),
                   e);
    }
}

static ALWAYS_INLINE void conv_block(const struct fov_conv_rows *r, int row,
                                     const struct rows_f32 *in, size_t x0, size_t x, size_t live,
                                     size_t channel, const int n_px, const int n_vec)
{
    const struct fov_conv *const c = r->conv;
    const int taps = c->taps, border = (3 - taps) / 2;
    const size_t n_products = (size_t)taps * c->in_ch;
    const size_t group = (size_t)taps * n_products * FOV_CHANNEL_GROUP;
    const float *w = (const float *)c->weights + channel / FOV_CHANNEL_GROUP * group;
    vf acc[MAX_ACC];

    UNROLL
    for (int v = 0; v < n_vec; v++) {
        const vf bias = vf_load(c->bias + channel + v * VF);
        UNROLL
        for (int p = 0; p < n_px; p++)
            acc[p * n_vec + v] = bias;
    }
    for (int dy = border; dy < border + taps; dy++) {
        const float *s = in->row[dy] + (x - x0 + (size_t)border) * c->in_ch;
        for (size_t k = 0; k < n_products; k++, s++, w += FOV_CHANNEL_GROUP) {
            vf weight[MAX_VECS];
            UNROLL
            for (int v = 0; v < n_vec; v++)
                weight[v] = vf_load(w + (size_t)(v / GROUP_VECS) * group + v % GROUP_VECS * VF);
            UNROLL
            for (int p = 0; p < n_px; p++) {
                const vf value = vf_set1(s[(size_t)p * c->in_ch]);
                UNROLL
                for (int v = 0; v < n_vec; v++)
                    acc[p * n_vec + v] = vf_fma(value, weight[v], acc[p * n_vec + v]);
            }
        }
    }
    if (c->activation == FOV_LINEAR)
        store_block(r, row, acc, x, live, channel, n_px, n_vec, FOV_LINEAR);
    else if (c->activation == FOV_PRELU)
        store_block(r, row, acc, x, live, channel, n_px, n_vec, FOV_PRELU);
    else if (c->activation == FOV_SILU)
        store_block(r, row, acc, x, live, channel, n_px, n_vec, FOV_SILU);
    else
        store_block(r, row, acc, x, live, channel, n_px, n_vec, FOV_GATE);
}

/* Pixels x0 to x1 of a row, whose inputs begin at pixel x0, for the n_vec vectors that begin at
 * `channel`. The last block computes pixels past the end, from the row's slack, and does not store
 * them. */
static ALWAYS_INLINE void conv_panel(const struct fov_conv_rows *r, int row,
                                     const struct rows_f32 *in, size_t x0, size_t x1,
                                     size_t channel, const int n_px, const int n_vec)
{
    for (size_t x = x0; x < x1; x += (size_t)n_px)
        conv_block(r, row, in, x0, x, x1 - x, channel, n_px, n_vec);
}

/* Every output channel of pixels x0 to x1: by the includer, which knows the shapes of its blocks.
 */
static void conv_span(const struct fov_conv_rows *r, int row, const struct rows_f32 *in, size_t x0,
                      size_t x1);

/* Copy n_px pixels from x0 on of one row of all sources to `dst`, side by side. */
static void gather(const struct fov_conv_rows *r, int row, size_t x0, size_t n_px, float *dst)
{
    const size_t in_ch = r->conv->in_ch;
    for (int i = 0; i < r->n_src; i++) {
        const struct fov_source *const s = &r->src[i];
        for (size_t x = 0; x < n_px; x++)
            for (size_t c = 0; c < s->n_ch; c += VF)
                vf_store(dst + x * in_ch + c,
                         vf_get(s->row[row], (x0 + x) * s->n_ch + c, r->conv->src_element));
        dst += s->n_ch;
    }
}

static void conv_gathered(const struct fov_conv_rows *r, int row)
{
    const size_t row_floats = (GATHER_PX + 2 + FOV_ROW_SLACK_PX) * r->conv->in_ch;
    float *const block = r->scratch;
    const struct rows_f32 in = {{block, block + row_floats, block + 2 * row_floats}};

    for (size_t x = 0; x < r->n_px; x += GATHER_PX) {
        const size_t left = r->n_px - x, n = left < GATHER_PX ? left : GATHER_PX;
        for (int dy = 0; dy < 3; dy++)
            if (r->conv->taps == 3 || dy == 1)
                gather(r, row + dy, x, n + 2, block + (size_t)dy * row_floats);
        conv_span(r, row, &in, x, x + n);
    }
}

static inline void conv_direct(const struct fov_conv_rows *r)
{
    for (int row = 0; row < FOV_TILE_ROWS; row++) {
        if (!r->dst[0][row])
            continue;
        if (r->n_src > 1 || r->conv->src_element != FOV_ELEMENT_F32) {
            conv_gathered(r, row);
            continue;
        }
        const struct rows_f32 in = {
            {r->src[0].row[row], r->src[0].row[row + 1], r->src[0].row[row + 2]}};
        conv_span(r, row, &in, 0, r->n_px);
    }
}

#endif
