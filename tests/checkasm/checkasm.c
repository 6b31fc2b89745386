/* SPDX-License-Identifier: Apache-2.0 */
/* checkasm.c -- run every variant of every kernel that this CPU can run against the C definition.
 *
 * usage: checkasm [--bench] [--seed=N]
 *
 * Modelled on the checkasm of dav1d and FFmpeg: the kernel tables are filled for each level of CPU
 * in turn, and a variant is tested at the first level where it appears. A line of kernels.def that
 * no test touched is a failure. Exit status 77 (skipped) when the CPU has nothing but C.
 */
#define _GNU_SOURCE
#include "tests/checkasm/checkasm.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"

enum { MAX_SEEN = 256, MAX_BLOCKS = 4096 };

static struct seen {
    any_fn *func;
    const char *name;
} seen[MAX_SEEN];
static struct timing {
    const char *name;
    double seconds; /* of the C definition */
} timings[MAX_SEEN];
static struct block {
    void *map;
    size_t bytes;
} blocks[MAX_BLOCKS];
static int n_seen, n_timings, n_blocks, n_failed;
static const char *level = "c", *current = "";
static bool bench;
static uint64_t seed, rng;
static sigjmp_buf crash;

any_fn *check_func(any_fn *func, const char *name)
{
    any_fn *ref = NULL;
    for (int i = 0; i < n_seen; i++) {
        if (strcmp(seen[i].name, name))
            continue;
        if (seen[i].func == func)
            return NULL;
        if (!ref)
            ref = seen[i].func;
    }
    seen[n_seen++] = (struct seen){.func = func, .name = name};
    current = name;
    rng = seed;
    return ref ? ref : func;
}

void *guarded_bytes(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t body = fov_round_up(bytes, page), total = body + 2 * page;
    char *m = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED || mprotect(m, page, PROT_NONE) ||
        mprotect(m + page + body, page, PROT_NONE) || n_blocks == MAX_BLOCKS) {
        fprintf(stderr, "checkasm: no memory for guard pages\n");
        exit(1);
    }
    blocks[n_blocks++] = (struct block){m, total};
    char *const p = m + page + body - bytes;
    memset(p, 0xff, bytes); /* NaN in float32 and float16 */
    return p;
}

float *guarded(size_t n_floats)
{
    return guarded_bytes(n_floats * sizeof(float));
}

int guarded_count(void)
{
    return n_blocks;
}

void guarded_free(int n)
{
    while (n_blocks > n) {
        n_blocks--;
        munmap(blocks[n_blocks].map, blocks[n_blocks].bytes);
    }
}

static uint32_t next_random(void)
{
    rng = rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng >> 33);
}

int random_int(int lo, int hi)
{
    return lo + (int)(next_random() % (uint32_t)(hi - lo + 1));
}

void fill_random(float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = next_random() % 29 ? (float)next_random() * 0x1p-30f - 1 : 0.0f;
}

void fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "FAIL %s_%s ", current, level);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    n_failed++;
}

bool benching(void)
{
    return bench && !n_failed;
}

double bench_least(void (*call)(void *arg), void *arg)
{
    double least = HUGE_VAL;
    const double start = fov_clock_s();
    do {
        const double t = fov_clock_s();
        call(arg);
        const double took = fov_clock_s() - t;
        least = took < least ? took : least;
    } while (fov_clock_s() - start < 0.5);
    return least;
}

void bench_report(const char *name, double seconds, double flop)
{
    int i = 0;
    while (i < n_timings && strcmp(timings[i].name, name))
        i++;
    if (i == n_timings && n_timings < MAX_SEEN) /* C comes first */
        timings[n_timings++] = (struct timing){name, seconds};
    printf("%-28s %-10s %10.1f us %8.2f GFLOP/s %7.2fx C\n", name, level, seconds * 1e6,
           flop / seconds * 1e-9, timings[i].seconds / seconds);
}

static void on_crash(int sig)
{
    siglongjmp(crash, sig);
}

static void run_test(void (*test)(const struct fov_kernels *), const struct fov_kernels *k)
{
    const int sig = sigsetjmp(crash, 1);
    if (sig)
        fail("%s", strsignal(sig));
    else
        test(k);
    guarded_free(0);
}

/* The slots of kernels.def, each with its test: a slot without one does not compile. */
static void run_level(const struct fov_cpu_level *l)
{
    struct fov_kernels k;
    level = l->name;
    fov_kernels_init(&k, l->mask);
    run_test(check_conv_direct, &k);
    run_test(check_conv_winograd_f32, &k);
    run_test(check_conv_winograd_i16, &k);
    run_test(check_result_row, &k);
}

#if defined(AMX_IN_C)
/* What the kernel for AMX does beside the unit, where there is none. */
static void run_amx_in_c(void)
{
    struct fov_kernels k;
    level = "amx in C";
    fov_kernels_init(&k, fov_cpu_detect());
    k.conv_winograd_i16 = fov_conv_winograd_i16_amx_in_c;
    run_test(check_conv_winograd_i16, &k);
}
#endif

static int check_all_seen(unsigned have)
{
    int listed = 0;
#define KERNEL(type, slot, isa, needs)                                                             \
    if ((have & (needs)) == (needs)) {                                                             \
        bool found = false;                                                                        \
        for (int i = 0; i < n_seen; i++)                                                           \
            found |= seen[i].func == (any_fn *)fov_##slot##_##isa;                                 \
        if (!found) {                                                                              \
            fprintf(stderr, "UNTESTED fov_%s_%s\n", #slot, #isa);                                  \
            n_failed++;                                                                            \
        }                                                                                          \
        listed++;                                                                                  \
    }
#include "net/kernels/kernels.def"
#undef KERNEL
    return listed;
}

int main(int argc, char **argv)
{
    seed = (uint64_t)time(NULL);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--bench"))
            bench = true;
        else if (!strncmp(argv[i], "--seed=", 7))
            seed = strtoull(argv[i] + 7, NULL, 0);
    }
    printf("checkasm: --seed=%llu\n", (unsigned long long)seed);
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (size_t i = 0; i < FOV_N_ELEMENTS(signals); i++)
        signal(signals[i], on_crash);

    const unsigned have = fov_cpu_detect();
    for (int i = 0; i < fov_cpu_n_levels; i++)
        if ((have & fov_cpu_levels[i].mask) == fov_cpu_levels[i].mask)
            run_level(&fov_cpu_levels[i]);
    const int listed = check_all_seen(have);
#if defined(AMX_IN_C)
    if ((have & (FOV_CPU_AVX512 | FOV_CPU_AMX)) == FOV_CPU_AVX512 && !bench)
        run_amx_in_c();
#endif
    printf("checkasm: %d variants listed, %d tested, %d failed\n", listed, n_seen, n_failed);
    return n_failed ? 1 : have ? 0 : 77;
}
