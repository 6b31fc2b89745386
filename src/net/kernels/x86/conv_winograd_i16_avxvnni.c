/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_i16_avxvnni.c -- Winograd convolution in int16, AVX-VNNI. */
#include "net/kernels/x86/vec_avx2.h"

#define WINO_I16 1

/* An asm for the reason given in conv_winograd_i16_avx512vnni.c. */
static inline vi vi_dot(vi sum, vi a, vi b)
{
#if defined(__clang__)
    return _mm256_dpwssd_avx_epi32(sum, a, b);
#else
    __asm__("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
    return sum;
#endif
}
#include "net/kernels/x86/winograd_avx2.h"

void fov_conv_winograd_i16_avxvnni(const struct fov_conv_rows *r)
{
    conv_winograd(r);
}
