/* SPDX-License-Identifier: Apache-2.0 */
/* conv_c.h -- what the C definitions of the convolutions share. Keep it obvious. */
#ifndef FOV_NET_KERNELS_C_CONV_C_H
#define FOV_NET_KERNELS_C_CONV_C_H

#include <math.h>
#include <stdint.h>

#include "base/half.h"
#include "net/kernels/kernels.h"

static inline float element_load(const void *row, size_t i, enum fov_element e)
{
    return e == FOV_ELEMENT_F16 ? fov_from_half(((const uint16_t *)row)[i])
                                : ((const float *)row)[i];
}

static inline void element_store(void *row, size_t i, float v, enum fov_element e)
{
    if (e == FOV_ELEMENT_F16)
        ((uint16_t *)row)[i] = fov_to_half(v);
    else
        ((float *)row)[i] = v;
}

static inline float sigmoid(float v)
{
    return 1 / (1 + expf(-v));
}

/* Activation and additions for the sum `v` of output channel `o` of pixel `x` in row `i`, and the
 * store. */
static inline void finish_store(const struct fov_conv_rows *r, int i, size_t x, size_t o, float v)
{
    const struct fov_conv *const c = r->conv;
    void *const dst = r->dst[o / r->dst_ch][i];
    const size_t at = x * r->dst_ch + o % r->dst_ch;
    int add = 0;

    if (!dst)
        return;
    if (c->activation == FOV_PRELU)
        v = v < 0 ? v * c->slope[o] : v;
    else if (c->activation == FOV_SILU)
        v *= sigmoid(v);
    else if (c->activation == FOV_GATE)
        v = (v + element_load(r->add[add++][i], at, c->dst_element)) * (sigmoid(v) - 0.5f);
    for (; add < c->n_adds; add++)
        v += c->add_scale[add] * element_load(r->add[add][i], at, c->dst_element);
    element_store(dst, at, v, c->dst_element);
}

#endif
