/* SPDX-License-Identifier: Apache-2.0 */
/* mem.c -- the only door to the heap: checked sizes, aligned blocks, a fault switch.
 *
 * Allocation failure is an ordinary error here, so it has to be reachable: the fault switch lets
 * a test fail the n-th allocation of a call, then the next, until the call succeeds.
 *
 * Threads: any; the switch is atomic so that a torture test may run a thread pool.
 * Owns: nothing. Trust: sizes may come from files; products are checked.
 */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Blocks of at least one large page are asked for in large pages. */
enum { HUGE_PAGE = 2 << 20, MIN_HUGE_BYTES = HUGE_PAGE };

static atomic_long fail_after = -1;

void fov_mem_fail_after(long n)
{
    atomic_store(&fail_after, n);
}

static bool may_allocate(void)
{
    long left = atomic_load(&fail_after);
    while (left > 0 && !atomic_compare_exchange_weak(&fail_after, &left, left - 1))
        ;
    return left != 0;
}

void *fov_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (!may_allocate() || __builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

void *fov_calloc_aligned(size_t align, size_t count, size_t size)
{
    size_t bytes;
    if (!may_allocate() || __builtin_mul_overflow(count, size, &bytes) ||
        bytes > PTRDIFF_MAX - align)
        return NULL;

    void *block = NULL;
    if (posix_memalign(&block, bytes < MIN_HUGE_BYTES ? align : HUGE_PAGE, bytes ? bytes : align))
        return NULL;
    if (bytes >= MIN_HUGE_BYTES) /* a wish: without it, some thousand page faults more */
        (void)madvise(block, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    memset(block, 0, bytes);
    return block;
}

void *fov_realloc(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (!may_allocate() || __builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return NULL;
    return realloc(block, bytes ? bytes : 1);
}

char *fov_strdup(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = fov_calloc(bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

void fov_free(void *block)
{
    free(block);
}
