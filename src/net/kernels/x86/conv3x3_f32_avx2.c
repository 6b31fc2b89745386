/* SPDX-License-Identifier: Apache-2.0 */
/* conv3x3_f32_avx2.c -- direct 3x3 convolution of a row, AVX2 + FMA: blocks of 12 accumulators. */
#include <immintrin.h>

typedef __m256 vf;
enum { VF = 8 };

#define vf_load(p)      _mm256_loadu_ps(p)
#define vf_store(p, v)  _mm256_storeu_ps(p, v)
#define vf_broadcast(p) _mm256_broadcast_ss(p)
#define vf_fma(a, b, c) _mm256_fmadd_ps(a, b, c)
#define vf_add(a, b)    _mm256_add_ps(a, b)
#define vf_prelu(v, slope)                                                                         \
    _mm256_blendv_ps(v, _mm256_mul_ps(v, slope), _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_LT_OQ))

#include "net/kernels/x86/conv3x3_f32_x86.h"

void fov_conv3x3_f32_avx2(const struct fov_conv_row *r)
{
    for (size_t channel = 0; channel < r->out_ch; channel += FOV_CHANNEL_GROUP)
        conv_panel(r, channel, 6, 2);
}
