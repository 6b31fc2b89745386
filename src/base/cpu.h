/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h -- what this machine can execute. Detected once, masked by tests and by FOV_CPU. */
#ifndef FOV_BASE_CPU_H
#define FOV_BASE_CPU_H

#include <stdbool.h>

enum {
    FOV_CPU_C = 0,
    FOV_CPU_AVX2 = 1u << 0,       /* AVX2 + FMA + F16C: they only ever ship together */
    FOV_CPU_AVXVNNI = 1u << 1,    /* int16 dot products in 256 bits */
    FOV_CPU_AVX512 = 1u << 2,     /* F + BW + VL + DQ, and AVX2 */
    FOV_CPU_AVX512VNNI = 1u << 3, /* int16 dot products in 512 bits, and AVX512 */
    FOV_CPU_AMX = 1u << 4,        /* TILE + INT8, products of matrices of bytes, and AVX512VNNI */
    FOV_CPU_ALL = ~0u,
};

/* One step of the ladder of instruction sets, the smallest first. */
struct fov_cpu_level {
    const char *name; /* what FOV_CPU and --cpu take */
    unsigned mask;    /* of the instructions that a CPU of this step has */
};
extern const struct fov_cpu_level fov_cpu_levels[];
extern const int fov_cpu_n_levels;

/* What the processor and the operating system support. Asks Linux for the use of AMX, which is
 * given to a process and all that it forks. */
unsigned fov_cpu_detect(void);

/* The mask of the level called `name`; false, and *ret_mask untouched, when there is none. */
bool fov_cpu_parse(const char *name, unsigned *ret_mask);

/* The name of the highest level inside `mask`. */
const char *fov_cpu_name(unsigned mask);

/* Cores this process may run on, at least 1. */
int fov_cpu_count(void);

#endif
