/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c -- what this machine can execute.
 *
 * A level stands for a set of instructions that ship together, not for one CPUID bit, so that
 * each kernel has a handful of variants and each variant a machine to test it on.
 *
 * Threads: any; nothing is kept. Owns: nothing. Trust: names come from the environment.
 */
#define _GNU_SOURCE
#include "base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

const struct fov_cpu_level fov_cpu_levels[] = {
    {"c", FOV_CPU_C},
    {"avx2", FOV_CPU_AVX2},
    {"avxvnni", FOV_CPU_AVX2 | FOV_CPU_AVXVNNI},
    {"avx512", FOV_CPU_AVX2 | FOV_CPU_AVX512},
    {"avx512vnni", FOV_CPU_AVX2 | FOV_CPU_AVX512 | FOV_CPU_AVX512VNNI},
    {"amx", FOV_CPU_AVX2 | FOV_CPU_AVX512 | FOV_CPU_AVX512VNNI | FOV_CPU_AMX},
};
const int fov_cpu_n_levels = FOV_N_ELEMENTS(fov_cpu_levels);

#if defined(__x86_64__)
/* Not known to __builtin_cpu_supports() of clang 14: CPUID leaf 7, subleaf 1, EAX bit 4 (Intel SDM
 * volume 2A, CPUID). */
static bool has_avxvnni(void)
{
    unsigned a = 0, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

/* CPUID leaf 7, EDX bits 24 and 25. The state of its registers is large, so Linux keeps it only for
 * a process that asked (its Documentation/arch/x86/xstate.rst, 5.16 and later). */
static bool has_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3 &&
           !syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA);
}
#endif

unsigned fov_cpu_detect(void)
{
    unsigned mask = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) /* F16C came before */
        mask |= FOV_CPU_AVX2;
    if (mask && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        mask |= FOV_CPU_AVX512;
    if ((mask & FOV_CPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
        mask |= FOV_CPU_AVX512VNNI;
    if ((mask & FOV_CPU_AVX512VNNI) && has_amx())
        mask |= FOV_CPU_AMX;
    if (mask && has_avxvnni())
        mask |= FOV_CPU_AVXVNNI;
#endif
    return mask;
}

bool fov_cpu_parse(const char *name, unsigned *ret_mask)
{
    for (int i = 0; i < fov_cpu_n_levels; i++)
        if (!strcmp(name, fov_cpu_levels[i].name)) {
            *ret_mask = fov_cpu_levels[i].mask;
            return true;
        }
    return false;
}

const char *fov_cpu_name(unsigned mask)
{
    const char *name = "c";
    for (int i = 0; i < fov_cpu_n_levels; i++)
        if ((mask & fov_cpu_levels[i].mask) == fov_cpu_levels[i].mask)
            name = fov_cpu_levels[i].name;
    return name;
}

int fov_cpu_count(void)
{
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof(set), &set))
        return CPU_COUNT(&set);
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}
