/* SPDX-License-Identifier: Apache-2.0 */
/* winograd_avx512.h -- Winograd convolution in 512 bits: blocks of up to 24 sums. */
#ifndef FOV_NET_KERNELS_X86_WINOGRAD_AVX512_H
#define FOV_NET_KERNELS_X86_WINOGRAD_AVX512_H

#include "net/kernels/x86/winograd_x86.h"

/* One shape of block: tiles by vectors of output channels. */
#define PANEL(n_channels, n_px)                                                                    \
    static __attribute__((noinline)) void multiply##n_channels(const struct fov_conv_rows *r,      \
                                                               size_t x, size_t channel, size_t n, \
                                                               const struct scratch *s)            \
    {                                                                                              \
        multiply(r, x, channel, n, s, (n_px), (n_channels) / VF);                                  \
    }
PANEL(64, 6)
PANEL(48, 6)
PANEL(32, 12)
PANEL(16, 12)

static size_t multiply_panel(const struct fov_conv_rows *r, size_t x, size_t channel, size_t n,
                             const struct scratch *s)
{
    const size_t left = r->conv->out_ch - channel;
    if (left >= 64) {
        multiply64(r, x, channel, n, s);
        return 64;
    }
    if (left == 48)
        multiply48(r, x, channel, n, s);
    else if (left == 32)
        multiply32(r, x, channel, n, s);
    else
        multiply16(r, x, channel, n, s);
    return left;
}

#endif
