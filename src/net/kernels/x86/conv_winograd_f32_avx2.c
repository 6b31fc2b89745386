/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_f32_avx2.c -- Winograd convolution in float32, AVX2 and FMA. */
#include "net/kernels/x86/vec_avx2.h"

#define WINO_I16 0
#include "net/kernels/x86/winograd_avx2.h"

void fov_conv_winograd_f32_avx2(const struct fov_conv_rows *r)
{
    conv_winograd(r);
}
