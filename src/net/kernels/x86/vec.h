/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h -- the vocabulary that the x86 kernels are written in, over either vector width.
 *
 * Behind vec_avx2.h or vec_avx512.h, which name the type `vf` of VF floats and its operations.
 */
#ifndef FOV_NET_KERNELS_X86_VEC_H
#define FOV_NET_KERNELS_X86_VEC_H

#include <stdint.h>

#include "net/kernels/kernels.h"

/* Unrolling by constant bounds after inlining, not by macros: gcc and clang both keep arrays of
 * vectors in registers then. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* VF elements of a row, as float. */
static ALWAYS_INLINE vf vf_get(const void *row, size_t i, const enum fov_element e)
{
    return e == FOV_ELEMENT_F16 ? vf_load_half((const uint16_t *)row + i)
                                : vf_load((const float *)row + i);
}

static ALWAYS_INLINE void vf_put(void *row, size_t i, vf v, const enum fov_element e)
{
    if (e == FOV_ELEMENT_F16)
        vf_store_half((uint16_t *)row + i, v);
    else
        vf_store((float *)row + i, v);
}

/* exp(v), within 2 units of the last place: 2^n * p(f), n + f = v / ln 2, |f| <= 1/2, p the Taylor
 * polynomial of degree 7. */
static ALWAYS_INLINE vf vf_exp(vf v)
{
    v = vf_min(vf_max(v, vf_set1(-87)), vf_set1(88));
    const vf n = vf_round(vf_mul(v, vf_set1(1.44269504f)));
    vf f = vf_fnma(n, vf_set1(0.693359375f), v);
    f = vf_fnma(n, vf_set1(-2.12194440e-4f), f);

    vf p = vf_set1(1.0f / 5040);
    p = vf_fma(p, f, vf_set1(1.0f / 720));
    p = vf_fma(p, f, vf_set1(1.0f / 120));
    p = vf_fma(p, f, vf_set1(1.0f / 24));
    p = vf_fma(p, f, vf_set1(1.0f / 6));
    p = vf_fma(p, f, vf_set1(0.5f));
    p = vf_fma(p, f, vf_set1(1));
    p = vf_fma(p, f, vf_set1(1));
    return vf_mul(p, vf_pow2(n));
}

static ALWAYS_INLINE vf vf_sigmoid(vf v)
{
    return vf_div(vf_set1(1), vf_add(vf_set1(1), vf_exp(vf_sub(vf_set1(0), v))));
}

/* Activation and additions for the sums `y` of VF channels from `o` on of one pixel, which lie at
 * element `at` of the rows; what conv_c.h's finish_store() defines. */
static ALWAYS_INLINE vf vf_finish(const struct fov_conv_rows *r, int row, size_t at, size_t o, vf y,
                                  const enum fov_activation activation, const enum fov_element dst)
{
    const struct fov_conv *const c = r->conv;
    int add = 0;

    if (activation == FOV_PRELU)
        y = vf_prelu(y, vf_load(c->slope + o));
    else if (activation == FOV_SILU)
        y = vf_mul(y, vf_sigmoid(y));
    else if (activation == FOV_GATE)
        y = vf_mul(vf_add(y, vf_get(r->add[add++][row], at, dst)),
                   vf_sub(vf_sigmoid(y), vf_set1(0.5f)));
    for (; add < c->n_adds; add++)
        y = vf_fma(vf_set1(c->add_scale[add]), vf_get(r->add[add][row], at, dst), y);
    return y;
}

#endif
