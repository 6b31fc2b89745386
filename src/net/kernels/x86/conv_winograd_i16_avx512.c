/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_i16_avx512.c -- Winograd convolution in int16, AVX-512 without VNNI. */
#include "net/kernels/x86/vec_avx512.h"

#define WINO_I16 1
#define vi_dot   vi_dot_madd
#include "net/kernels/x86/winograd_avx512.h"

void fov_conv_winograd_i16_avx512(const struct fov_conv_rows *r)
{
    conv_winograd(r);
}
