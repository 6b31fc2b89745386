/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h -- the only door to the heap: checked sizes, aligned blocks, a fault switch. */
#ifndef FOV_BASE_MEM_H
#define FOV_BASE_MEM_H

#include <stddef.h>

/* `count` * `size` zeroed bytes, or NULL when they cannot be had or the product overflows.
 * Gives the block; end it with fov_free(). */
void *fov_calloc(size_t count, size_t size);

/* The same, aligned to `align`, a power of two of at least sizeof(void *). */
void *fov_calloc_aligned(size_t align, size_t count, size_t size);

/* `block` (or NULL) grown to `count` * `size` bytes; what is new is not zeroed. On failure NULL,
 * and `block` stays as it was. Takes `block` on success. */
void *fov_realloc(void *block, size_t count, size_t size);

/* A copy of `text`, or NULL. */
char *fov_strdup(const char *text);

/* NULL is fine. */
void fov_free(void *block);

/* Tests only: let `n` more allocations succeed, then fail every one. Negative: never fail. */
void fov_mem_fail_after(long n);

static inline size_t fov_round_up(size_t x, size_t to)
{
    return (x + to - 1) / to * to;
}

/* Run `fn` on the address of a variable when it leaves scope, and hand a value out past it. */
#define FOV_AUTO(fn) __attribute__((cleanup(fn)))
#define FOV_STEAL(p)                                                                               \
    __extension__({                                                                                \
        __typeof__(p) stolen_ = (p);                                                               \
        (p) = NULL;                                                                                \
        stolen_;                                                                                   \
    })

/* FOV_AUTO(fov_free_at) char *p: any block from this header. */
static inline void fov_free_at(void *p)
{
    fov_free(*(void **)p);
}

#define FOV_N_ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

#endif
