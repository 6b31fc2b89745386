/* SPDX-License-Identifier: Apache-2.0 */
/* whole.h -- what the tests of the engine share. */
#ifndef FOV_TESTS_ENGINE_WHOLE_H
#define FOV_TESTS_ENGINE_WHOLE_H

#include <stdbool.h>

#include "net/whole.h"

/* Can this CPU run the level called `name` (NULL: any)? Otherwise a test is skipped. */
bool cpu_has(const char *name);

/* The kernels that FOV_CPU names. */
void test_kernels(struct fov_kernels *ret_kernels);

/* The result from the last layer, (scale * height, scale * width, 3), by the definition of the
 * pixel shuffle and of the base. */
void whole_result(const struct fov_whole *whole, float *result);

#endif
