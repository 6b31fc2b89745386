/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka_all.h -- cmocka with the headers that it wants to find before it. */
#ifndef FOV_TESTS_UNIT_CMOCKA_ALL_H
#define FOV_TESTS_UNIT_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
