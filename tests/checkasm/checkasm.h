/* SPDX-License-Identifier: Apache-2.0 */
/* checkasm.h -- compare each variant of a kernel with its C definition, then time it.
 *
 * A test asks check_func() once; it answers NULL when this variant was already seen under a smaller
 * CPU mask, so each one is tested exactly once.
 */
#ifndef FOV_TESTS_CHECKASM_CHECKASM_H
#define FOV_TESTS_CHECKASM_CHECKASM_H

#include <stdbool.h>
#include <stddef.h>

#include "net/kernels/kernels.h"

typedef void any_fn(void);

/* The reference for `func`, or NULL when there is nothing new to test. */
any_fn *check_func(any_fn *func, const char *name);

/* A block between two unmapped pages that ends flush against the second, so that reading or writing
 * one byte too far is a crash with a name, not a lucky pass; all NaN, in float32 and in float16.
 * 64-byte aligned when `bytes` is a multiple of that. */
void *guarded_bytes(size_t bytes);
float *guarded(size_t n_floats);

/* Blocks there are; unmap all but the first n of them, as happens to all after each test. */
int guarded_count(void);
void guarded_free(int n);

/* Uniform in -1..1 with some exact zeros. */
void fill_random(float *p, size_t n);

/* A whole number from lo to hi. */
int random_int(int lo, int hi);

void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool benching(void);

/* Seconds of one call, the least of many. */
double bench_least(void (*call)(void *arg), void *arg);
void bench_report(const char *name, double seconds, double flop);

/* One test for each slot of kernels.def. */
#define KERNEL_TEST(slot) void check_##slot(const struct fov_kernels *k)
KERNEL_TEST(conv_direct);
KERNEL_TEST(conv_winograd_f32);
KERNEL_TEST(conv_winograd_i16);
KERNEL_TEST(result_row);

#if defined(AMX_IN_C)
/* conv_winograd_i16_amx with amx_in_c.h in the place of the unit. */
fov_conv_fn fov_conv_winograd_i16_amx_in_c;
#endif

#endif
