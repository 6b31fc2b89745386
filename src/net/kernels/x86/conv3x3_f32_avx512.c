/* SPDX-License-Identifier: Apache-2.0 */
/* conv3x3_f32_avx512.c -- direct 3x3 convolution of a row, AVX-512: blocks of 24 accumulators. */
#include <immintrin.h>

typedef __m512 vf;
enum { VF = 16 };

#define vf_load(p)      _mm512_loadu_ps(p)
#define vf_store(p, v)  _mm512_storeu_ps(p, v)
#define vf_broadcast(p) _mm512_set1_ps(*(p))
#define vf_fma(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vf_add(a, b)    _mm512_add_ps(a, b)
#define vf_prelu(v, slope)                                                                         \
    _mm512_mask_mul_ps(v, _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_LT_OQ), v, slope)

#include "net/kernels/x86/conv3x3_f32_x86.h"

static __attribute__((noinline)) void panel64(const struct fov_conv_row *r, size_t channel)
{
    conv_panel(r, channel, 6, 4);
}

static __attribute__((noinline)) void panel48(const struct fov_conv_row *r, size_t channel)
{
    conv_panel(r, channel, 8, 3);
}

static __attribute__((noinline)) void panel32(const struct fov_conv_row *r, size_t channel)
{
    conv_panel(r, channel, 12, 2);
}

static __attribute__((noinline)) void panel16(const struct fov_conv_row *r, size_t channel)
{
    conv_panel(r, channel, 14, 1);
}

void fov_conv3x3_f32_avx512(const struct fov_conv_row *r)
{
    size_t channel = 0;
    for (; channel + 64 <= r->out_ch; channel += 64)
        panel64(r, channel);
    if (r->out_ch - channel == 48)
        panel48(r, channel);
    else if (r->out_ch - channel == 32)
        panel32(r, channel);
    else if (r->out_ch - channel == 16)
        panel16(r, channel);
}
