/* SPDX-License-Identifier: Apache-2.0 */
/* conv3x3_f32_x86.h -- the body of the AVX2 and the AVX-512 direct convolution.
 *
 * A block is N_PX pixels by N_VEC vectors of output channels, all of it in registers: for each of
 * the 9 * in_ch input values one broadcast a pixel and one load of weights a vector serve
 * N_PX * N_VEC multiply-adds. 24 accumulators (AVX-512) or 12 (AVX2) hide the FMA's latency of 4
 * cycles twice over and leave registers for the operands; 6 x 4 reaches 98 % of the peak (bench:
 * checkasm --bench, conv3x3_f32 64->64). The includer defines the vector type `vf` of VF floats and
 * vf_load, vf_store, vf_broadcast, vf_fma, vf_prelu, vf_add.
 *
 * Unrolling by constant bounds after inlining, not by macros: gcc and clang both keep `acc` in
 * registers then. See: docs/internals/engine.md
 */
#ifndef FOV_NET_KERNELS_X86_CONV3X3_F32_X86_H
#define FOV_NET_KERNELS_X86_CONV3X3_F32_X86_H

#include "net/kernels/kernels.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum {
    GROUP_VECS = FOV_CHANNEL_GROUP / VF, /* vectors of one group of output channels */
    MAX_ACC = 24,
    MAX_VECS = 4,
};

/* Bias, activation and addition for the first `live` pixels of a block, and the store. */
static inline __attribute__((always_inline)) void store_block(const struct fov_conv_row *r, vf *acc,
                                                              size_t x, size_t live, size_t channel,
                                                              const int n_px, const int n_vec)
{
    UNROLL
    for (int p = 0; p < n_px; p++) {
        if ((size_t)p >= live)
            break;
        const size_t at = (x + (size_t)p) * r->out_ch + channel;
        UNROLL
        for (int v = 0; v < n_vec; v++) {
            vf y = acc[p * n_vec + v];
            if (r->slope)
                y = vf_prelu(y, vf_load(r->slope + channel + v * VF));
            if (r->add)
                y = vf_add(y, vf_load(r->add + at + v * VF));
            vf_store(r->dst + at + v * VF, y);
        }
    }
}

static inline __attribute__((always_inline)) void conv_block(const struct fov_conv_row *r, size_t x,
                                                             size_t live, size_t channel,
                                                             const int n_px, const int n_vec)
{
    const size_t n_products = 3 * r->in_ch, group = 3 * n_products * FOV_CHANNEL_GROUP;
    const float *w = r->weights + channel / FOV_CHANNEL_GROUP * group;
    vf acc[MAX_ACC];

    UNROLL
    for (int v = 0; v < n_vec; v++) {
        const vf bias = vf_load(r->bias + channel + v * VF);
        UNROLL
        for (int p = 0; p < n_px; p++)
            acc[p * n_vec + v] = bias;
    }
    for (int dy = 0; dy < 3; dy++) {
        const float *s = r->src[dy] + x * r->in_ch;
        for (size_t k = 0; k < n_products; k++, s++, w += FOV_CHANNEL_GROUP) {
            vf weight[MAX_VECS];
            UNROLL
            for (int v = 0; v < n_vec; v++)
                weight[v] = vf_load(w + (size_t)(v / GROUP_VECS) * group + v % GROUP_VECS * VF);
            UNROLL
            for (int p = 0; p < n_px; p++) {
                const vf value = vf_broadcast(s + (size_t)p * r->in_ch);
                UNROLL
                for (int v = 0; v < n_vec; v++)
                    acc[p * n_vec + v] = vf_fma(value, weight[v], acc[p * n_vec + v]);
            }
        }
    }
    store_block(r, acc, x, live, channel, n_px, n_vec);
}

/* All blocks of a row for the n_vec vectors that begin at `channel`. The last block computes
 * pixels past the end, from the row's slack, and does not store them. */
static inline __attribute__((always_inline)) void
conv_panel(const struct fov_conv_row *r, size_t channel, const int n_px, const int n_vec)
{
    for (size_t x = 0; x < r->n_px; x += (size_t)n_px)
        conv_block(r, x, r->n_px - x, channel, n_px, n_vec);
}

#endif
