/* SPDX-License-Identifier: Apache-2.0 */
/* conv_direct_avx512.c -- direct convolution, AVX-512: blocks of up to 24 accumulators. */
#include "net/kernels/x86/vec_avx512.h"

#include "net/kernels/x86/conv_direct_x86.h"

/* One block shape: pixels by vectors of output channels. */
#define PANEL(n_channels, n_px)                                                                    \
    static __attribute__((noinline)) void panel##n_channels(const struct fov_conv_rows *r,         \
                                                            int row, const struct rows_f32 *in,    \
                                                            size_t x0, size_t x1, size_t channel)  \
    {                                                                                              \
        conv_panel(r, row, in, x0, x1, channel, (n_px), (n_channels) / VF);                        \
    }
PANEL(64, 6)
PANEL(48, 8)
PANEL(32, 12)
PANEL(16, 14)

/* Panels do not straddle the rows that a shuffled result goes to. */
static void conv_span(const struct fov_conv_rows *r, int row, const struct rows_f32 *in, size_t x0,
                      size_t x1)
{
    for (size_t first = 0; first < r->conv->out_ch; first += r->dst_ch) {
        size_t channel = first;
        for (; channel + 64 <= first + r->dst_ch; channel += 64)
            panel64(r, row, in, x0, x1, channel);
        switch (first + r->dst_ch - channel) {
        case 48:
            panel48(r, row, in, x0, x1, channel);
            break;
        case 32:
            panel32(r, row, in, x0, x1, channel);
            break;
        case 16:
            panel16(r, row, in, x0, x1, channel);
            break;
        default:
            break;
        }
    }
}

void fov_conv_direct_avx512(const struct fov_conv_rows *r)
{
    conv_direct(r);
}
