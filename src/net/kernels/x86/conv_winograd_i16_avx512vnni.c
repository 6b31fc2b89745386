/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_i16_avx512vnni.c -- Winograd convolution in int16, AVX-512 with VNNI. */
#include "net/kernels/x86/vec_avx512.h"

#define WINO_I16 1

/* gcc 12 does not keep the sums of _mm512_dpwssd_epi32() in registers: 102 instead of 220 Gop/s.
 * clang does, and moves them about around an asm. */
static inline vi vi_dot(vi sum, vi a, vi b)
{
#if defined(__clang__)
    return _mm512_dpwssd_epi32(sum, a, b);
#else
    __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
#endif
}
#include "net/kernels/x86/winograd_avx512.h"

void fov_conv_winograd_i16_avx512vnni(const struct fov_conv_rows *r)
{
    conv_winograd(r);
}
