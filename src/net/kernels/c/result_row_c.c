/* SPDX-License-Identifier: Apache-2.0 */
/* result_row_c.c -- the definition the other variants are checked against. Keep it obvious. */
#include "net/kernels/c/conv_c.h"

void fov_result_row_c(const struct fov_result_row *r)
{
    const size_t n = 3 * (size_t)r->side;
    for (size_t x = 0; x < r->n_px; x++)
        for (size_t i = 0; i < n; i++) {
            float v = element_load(r->src, x * r->n_ch + r->first + i, r->element);
            if (r->base)
                v += r->base[x * FOV_INPUT_CHANNELS + i % 3] + r->mean[i % 3];
            r->dst[x * n + i] = v;
        }
}
