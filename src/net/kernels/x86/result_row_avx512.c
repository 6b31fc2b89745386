/* SPDX-License-Identifier: Apache-2.0 */
/* result_row_avx512.c -- a row of the result, AVX-512. */
#include "net/kernels/x86/vec_avx512.h"

#include "net/kernels/x86/result_row_x86.h"

void fov_result_row_avx512(const struct fov_result_row *r)
{
    result_row_any(r);
}
