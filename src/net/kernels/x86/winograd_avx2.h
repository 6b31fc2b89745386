/* SPDX-License-Identifier: Apache-2.0 */
/* winograd_avx2.h -- Winograd convolution in 256 bits: blocks of 6 tiles x 16 channels. */
#ifndef FOV_NET_KERNELS_X86_WINOGRAD_AVX2_H
#define FOV_NET_KERNELS_X86_WINOGRAD_AVX2_H

#include "net/kernels/x86/winograd_x86.h"

static size_t multiply_panel(const struct fov_conv_rows *r, size_t x, size_t channel, size_t n,
                             const struct scratch *s)
{
    multiply(r, x, channel, n, s, 6, 2);
    return FOV_CHANNEL_GROUP;
}

#endif
