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

/* A block of n floats between two unmapped pages that ends flush against the second, so that
 * reading or writing one float too far is a crash with a name, not a lucky pass. `slack` more
 * floats stay readable; they are NaN, so that using them shows. 64-byte aligned when n + slack is
 * a multiple of 16. Everything is unmapped before the next test. */
float *guarded(size_t n, size_t slack);

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
KERNEL_TEST(conv3x3_f32);

#endif
