/* SPDX-License-Identifier: Apache-2.0 */
/* result_row_x86.h -- the body of the AVX2 and the AVX-512 result row.
 *
 * A pixel of the last layer gives 3 to 12 values side by side, so it takes one vector or two. Whole
 * vectors are stored and what lies beyond the values is overwritten by the next pixel.
 */
#ifndef FOV_NET_KERNELS_X86_RESULT_ROW_X86_H
#define FOV_NET_KERNELS_X86_RESULT_ROW_X86_H

#include "net/kernels/x86/vec.h"

static ALWAYS_INLINE void result_row(const struct fov_result_row *r, const enum fov_element e,
                                     const int n_vec)
{
    const size_t n = 3 * (size_t)r->side;
    const float mean4[4] = {r->mean[0], r->mean[1], r->mean[2], 0};
    vf mean[2];
    for (int v = 0; v < n_vec; v++)
        mean[v] = vf_repeat3(mean4, v * VF);

    for (size_t x = 0; x < r->n_px; x++)
        for (int v = 0; v < n_vec; v++) {
            const size_t i = (size_t)v * VF;
            vf y = vf_get(r->src, x * r->n_ch + r->first + i, e);
            if (r->base)
                y = vf_add(y,
                           vf_add(vf_repeat3(r->base + x * FOV_INPUT_CHANNELS, v * VF), mean[v]));
            vf_store(r->dst + x * n + i, y);
        }
}

static inline void result_row_any(const struct fov_result_row *r)
{
    const int n_vec = (3 * r->side + VF - 1) / VF; /* 1 or 2 */
    if (r->element == FOV_ELEMENT_F16 && n_vec == 1)
        result_row(r, FOV_ELEMENT_F16, 1);
    else if (r->element == FOV_ELEMENT_F16)
        result_row(r, FOV_ELEMENT_F16, 2);
    else if (n_vec == 1)
        result_row(r, FOV_ELEMENT_F32, 1);
    else
        result_row(r, FOV_ELEMENT_F32, 2);
}

#endif
