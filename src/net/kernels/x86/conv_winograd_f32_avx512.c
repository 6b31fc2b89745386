/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_f32_avx512.c -- Winograd convolution in float32, AVX-512. */
#include "net/kernels/x86/vec_avx512.h"

#define WINO_I16 0
#include "net/kernels/x86/winograd_avx512.h"

void fov_conv_winograd_f32_avx512(const struct fov_conv_rows *r)
{
    conv_winograd(r);
}
