/* SPDX-License-Identifier: Apache-2.0 */
/* conv_direct_avx2.c -- direct convolution, AVX2: blocks of 12 accumulators. */
#include "net/kernels/x86/vec_avx2.h"

#include "net/kernels/x86/conv_direct_x86.h"

static void conv_span(const struct fov_conv_rows *r, int row, const struct rows_f32 *in, size_t x0,
                      size_t x1)
{
    for (size_t channel = 0; channel < r->conv->out_ch; channel += FOV_CHANNEL_GROUP)
        conv_panel(r, row, in, x0, x1, channel, 6, 2);
}

void fov_conv_direct_avx2(const struct fov_conv_rows *r)
{
    conv_direct(r);
}
