/* SPDX-License-Identifier: Apache-2.0 */
/* test_base.c -- errors, memory, CPU levels, the thread pool, output files, words. */
#define _GNU_SOURCE
#include "tests/unit/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/err.h"
#include "base/half.h"
#include "base/mem.h"
#include "base/outfile.h"
#include "base/pool.h"
#include "base/str.h"

static void first_failure_wins(void **state)
{
    struct fov_err err = {0};
    (void)state;
    assert_int_equal(fov_fail(&err, FOV_EFORMAT, "%s: %d", "a.png", 7), FOV_EFORMAT);
    assert_int_equal(fov_fail(&err, FOV_ENOMEM, "later"), FOV_ENOMEM);
    assert_int_equal(err.code, FOV_EFORMAT);
    assert_string_equal(err.text, "a.png: 7");
    assert_int_equal(fov_fail(NULL, FOV_ELIMIT, "nobody reads this"), FOV_ELIMIT);
}

static void long_sentence_is_cut(void **state)
{
    struct fov_err err = {0};
    char name[3000];
    (void)state;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    (void)fov_fail(&err, FOV_EFORMAT, "%s", name);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* The statuses of sysexits.h that the manual promises. */
static void codes_have_statuses(void **state)
{
    (void)state;
    assert_int_equal(fov_err_exit_status(FOV_OK), 0);
    assert_int_equal(fov_err_exit_status(FOV_EUSAGE), 2);
    assert_int_equal(fov_err_exit_status(FOV_EFORMAT), 65);
    assert_int_equal(fov_err_exit_status(FOV_ELIMIT), 65);
    assert_int_equal(fov_err_exit_status(FOV_ENOINPUT), 66);
    assert_int_equal(fov_err_exit_status(FOV_EMODEL), 69);
    assert_int_equal(fov_err_exit_status(FOV_EINTERNAL), 70);
    assert_int_equal(fov_err_exit_status(FOV_EOUTPUT), 73);
    assert_int_equal(fov_err_exit_status(FOV_ENOMEM), 75);
    assert_int_equal(fov_err_exit_status(FOV_EPERM), 77);
    assert_int_equal(fov_err_exit_status(FOV_ECONFIG), 78);
    assert_int_equal(fov_err_exit_status((enum fov_code)999), 70);
    assert_int_equal(fov_err_http_status(FOV_ELIMIT), 413);
}

static void memory_checks_sizes(void **state)
{
    (void)state;
    assert_null(fov_calloc(SIZE_MAX / 2, 3));
    assert_null(fov_calloc_aligned(64, SIZE_MAX / 2, 3));
    assert_null(fov_calloc_aligned(64, SIZE_MAX - 32, 1));
    assert_null(fov_realloc(NULL, SIZE_MAX / 2, 3));
    unsigned char *const p = fov_calloc_aligned(64, 100, 1);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    fov_free(p);
    fov_free(NULL);
}

static void fault_switch_counts(void **state)
{
    (void)state;
    fov_mem_fail_after(2);
    void *const a = fov_calloc(1, 1), *const b = fov_strdup("b"), *const c = fov_calloc(1, 1);
    void *const d = fov_realloc(NULL, 1, 1);
    fov_mem_fail_after(-1);
    assert_true(a && b && !c && !d);
    fov_free(a);
    fov_free(b);
}

static void cpu_levels_nest(void **state)
{
    unsigned mask = 7;
    (void)state;
    assert_false(fov_cpu_parse("avx3", &mask));
    assert_int_equal(mask, 7);
    assert_true(fov_cpu_parse("avx512", &mask));
    assert_int_equal(mask, FOV_CPU_AVX2 | FOV_CPU_AVX512);
    assert_string_equal(fov_cpu_name(0), "c");
    assert_string_equal(fov_cpu_name(FOV_CPU_AVX2), "avx2");
    assert_string_equal(fov_cpu_name(FOV_CPU_AVX512), "c"); /* not a level by itself */
    assert_true(fov_cpu_parse("avx512vnni", &mask));
    assert_int_equal(mask, FOV_CPU_AVX2 | FOV_CPU_AVX512 | FOV_CPU_AVX512VNNI);
    assert_string_equal(fov_cpu_name(mask | FOV_CPU_AVXVNNI), "avx512vnni");
    assert_string_equal(fov_cpu_name(mask | FOV_CPU_AMX), "amx");
    assert_true(fov_cpu_count() >= 1);
}

/* ---- the pool: a chain and a crowd ------------------------------------------------------- */

enum { N_TASKS = 2000, N_SLOTS = 7 };

struct crowd {
    struct fov_work work;
    int next, in_order; /* in_order: task i + 1 may start only when task i is done */
    int done;
    atomic_int ran[N_TASKS], in_slot[N_SLOTS];
    atomic_int out_of_order, slot_shared;
};

static bool crowd_claim(struct fov_work *w, int slot, uint32_t *ret_task)
{
    struct crowd *const c = (struct crowd *)w;
    (void)slot;
    if (c->next == N_TASKS || (c->in_order && c->done < c->next))
        return false;
    *ret_task = (uint32_t)c->next++;
    return true;
}

static void crowd_run(struct fov_work *w, uint32_t task, int slot)
{
    struct crowd *const c = (struct crowd *)w;
    if (atomic_fetch_add(&c->in_slot[slot], 1))
        atomic_store(&c->slot_shared, 1);
    if (c->in_order && task > 0 && !atomic_load(&c->ran[task - 1]))
        atomic_store(&c->out_of_order, 1);
    atomic_fetch_add(&c->ran[task], 1);
    atomic_fetch_sub(&c->in_slot[slot], 1);
}

static void crowd_finish(struct fov_work *w, uint32_t task)
{
    (void)task;
    ((struct crowd *)w)->done++;
}

static struct crowd *crowd_new(int in_order)
{
    struct crowd *const c = fov_calloc(1, sizeof(*c));
    assert_non_null(c);
    c->work = (struct fov_work){.claim = crowd_claim, .run = crowd_run, .finish = crowd_finish};
    c->in_order = in_order;
    return c;
}

static void crowd_check(struct crowd *c)
{
    for (int i = 0; i < N_TASKS; i++)
        assert_int_equal(atomic_load(&c->ran[i]), 1);
    assert_false(atomic_load(&c->out_of_order));
    assert_false(atomic_load(&c->slot_shared));
    fov_free(c);
}

static void pool_runs_everything_once(void **state)
{
    static const int counts[] = {1, 2, 7};
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(counts); i++) {
        struct fov_pool *pool;
        struct crowd *const a = crowd_new(0), *const b = crowd_new(1);
        assert_int_equal(fov_pool_open(counts[i], &pool, NULL), FOV_OK);
        assert_int_equal(fov_pool_n_threads(pool), counts[i]);
        fov_pool_attach(pool, &a->work);
        fov_pool_attach(pool, &b->work);
        fov_pool_lock(pool);
        while (a->done < N_TASKS)
            fov_pool_help(pool, &a->work);
        while (b->done < N_TASKS)
            fov_pool_help(pool, &b->work);
        fov_pool_unlock(pool);
        fov_pool_detach(pool, &a->work);
        fov_pool_detach(pool, &b->work);
        fov_pool_close(pool);
        crowd_check(a);
        crowd_check(b);
    }
}

static void pool_refuses_odd_counts(void **state)
{
    struct fov_pool *pool = NULL;
    struct fov_err err = {0};
    (void)state;
    assert_int_equal(fov_pool_open(0, &pool, &err), FOV_EUSAGE);
    assert_string_equal(err.text, "0 threads is outside 1..256");
    assert_int_equal(fov_pool_open(FOV_POOL_MAX_THREADS + 1, &pool, NULL), FOV_EUSAGE);
    assert_null(pool);
    fov_pool_close(NULL);
}

/* ---- output files ------------------------------------------------------------------------ */

static int make_folder(void **state)
{
    char *const folder = fov_strdup("/tmp/fovea-test-XXXXXX");
    if (!folder || !mkdtemp(folder) || chdir(folder))
        return -1;
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
    const int rc = chdir("/") || system(command);
    fov_free(*state);
    return rc;
}

static void put(struct fov_outfile *file, const char *text)
{
    assert_int_equal(write(fov_outfile_fd(file), text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_file(const char *path, const char *want)
{
    char text[64] = "";
    FILE *const f = fopen(path, "r");
    assert_non_null(f);
    assert_true(fread(text, 1, sizeof(text) - 1, f) < sizeof(text));
    (void)fclose(f);
    assert_string_equal(text, want);
}

static void file_appears_at_commit(void **state)
{
    struct fov_outfile *file;
    (void)state;
    assert_int_equal(fov_outfile_open("new", false, &file, NULL), FOV_OK);
    put(file, "whole");
    assert_int_equal(access("new", F_OK), -1);
    assert_int_equal(fov_outfile_commit(&file, NULL), FOV_OK);
    assert_null(file);
    assert_file("new", "whole");
}

static void file_vanishes_without_commit(void **state)
{
    struct fov_outfile *file;
    (void)state;
    assert_int_equal(fov_outfile_open("gone", false, &file, NULL), FOV_OK);
    put(file, "half");
    fov_outfile_close(file);
    assert_int_equal(access("gone", F_OK), -1);
    assert_int_equal(system("test -z \"$(ls -A | grep -v '^new$')\""), 0);
}

static void file_is_not_replaced_unasked(void **state)
{
    struct fov_outfile *file;
    struct fov_err err = {0};
    (void)state;
    assert_int_equal(fov_outfile_open("new", false, &file, &err), FOV_EOUTPUT);
    assert_string_equal(err.text, "new: exists already (--force replaces it)");

    /* it appears while the result is being made */
    assert_int_equal(fov_outfile_open("late", false, &file, NULL), FOV_OK);
    put(file, "mine");
    assert_int_equal(system("printf theirs >late"), 0);
    assert_int_equal(fov_outfile_commit(&file, NULL), FOV_EOUTPUT);
    assert_null(file);
    assert_file("late", "theirs");
}

static void replacing_keeps_mode_and_link(void **state)
{
    struct fov_outfile *file;
    struct stat st;
    (void)state;
    assert_int_equal(system("printf old >real && chmod 640 real && ln -sf real link"), 0);
    assert_int_equal(fov_outfile_open("link", true, &file, NULL), FOV_OK);
    put(file, "new");
    assert_file("real", "old");
    assert_int_equal(fov_outfile_commit(&file, NULL), FOV_OK);
    assert_file("real", "new");
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat("real", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

/* A file system without O_TMPFILE: open() is wrapped by the linker to say so. */
static bool without_tmpfile;
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);

int __wrap_open64(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    const int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, int) : 0;
    va_end(ap);
    if (without_tmpfile && flags & __O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_open64(path, flags, mode);
}

static void hidden_name_stands_in(void **state)
{
    struct fov_outfile *file;
    struct stat st;
    (void)state;
    without_tmpfile = true;
    assert_int_equal(system("mkdir fallback"), 0);
    assert_int_equal(fov_outfile_open("fallback/a", false, &file, NULL), FOV_OK);
    put(file, "one");
    assert_int_equal(system("ls -A fallback | grep -q '^[.]fovea-......$'"), 0);
    assert_int_equal(fov_outfile_commit(&file, NULL), FOV_OK);
    assert_file("fallback/a", "one");
    assert_int_equal(stat("fallback/a", &st), 0);
    assert_int_equal(st.st_mode & 0600, 0600);

    assert_int_equal(fov_outfile_open("fallback/a", true, &file, NULL), FOV_OK);
    put(file, "two");
    assert_int_equal(fov_outfile_commit(&file, NULL), FOV_OK);
    assert_file("fallback/a", "two");

    assert_int_equal(fov_outfile_open("fallback/b", false, &file, NULL), FOV_OK);
    fov_outfile_close(file);
    assert_int_equal(fov_outfile_open("fallback/c", false, &file, NULL), FOV_OK);
    assert_int_equal(system("printf theirs >fallback/c"), 0);
    assert_int_equal(fov_outfile_commit(&file, NULL), FOV_EOUTPUT);
    assert_file("fallback/c", "theirs");
    assert_int_equal(system("test \"$(ls -A fallback | tr '\\n' ' ')\" = 'a c '"), 0);
    without_tmpfile = false;
}

static void file_needs_a_folder(void **state)
{
    struct fov_outfile *file = NULL;
    struct fov_err err = {0};
    (void)state;
    assert_int_equal(fov_outfile_open("none/such", false, &file, &err), FOV_EOUTPUT);
    assert_string_equal(err.text, "none/such: cannot write it: No such file or directory");
    assert_int_equal(fov_outfile_open(".", true, &file, NULL), FOV_EOUTPUT);
    assert_null(file);
}

/* All of them, by what IEEE 754 says of sign, exponent and mantissa. */
static void halves_are_exact(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        const int exponent = (int)(h >> 10 & 31), mantissa = (int)(h & 0x3ff);
        const float magnitude = exponent == 0    ? ldexpf((float)mantissa, -24)
                                : exponent == 31 ? INFINITY
                                                 : ldexpf((float)(1024 + mantissa), exponent - 25);
        const float got = fov_from_half((uint16_t)h);

        assert_int_equal(signbit(got) != 0, h >> 15);
        if (exponent == 31 && mantissa) {
            assert_true(isnan(got));
            continue;
        }
        assert_true(fabsf(got) == magnitude);
        assert_int_equal(fov_to_half(got), h);
    }
}

static void numbers_are_decimal(void **state)
{
    static const char *const wrong[] = {"",    " 1",  "1 ",  "1,5",  "0x1", "nan", "inf",
                                        "1.5", "-.1", "1e1", "1.0.", "1e",  "e",   "0.5f"};
    double number = 7;
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(wrong); i++)
        assert_false(fov_parse_real(wrong[i], 0, 1, &number));
    assert_true(number == 7);
    assert_true(fov_parse_real("0.25", 0, 1, &number) && number == 0.25);
    assert_true(fov_parse_real("1", 0, 1, &number) && number == 1);
    assert_true(fov_parse_real("-25e-1", -3, 0, &number) && number == -2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins),
        cmocka_unit_test(long_sentence_is_cut),
        cmocka_unit_test(codes_have_statuses),
        cmocka_unit_test(memory_checks_sizes),
        cmocka_unit_test(fault_switch_counts),
        cmocka_unit_test(cpu_levels_nest),
        cmocka_unit_test(pool_runs_everything_once),
        cmocka_unit_test(pool_refuses_odd_counts),
        cmocka_unit_test(file_appears_at_commit),
        cmocka_unit_test(file_vanishes_without_commit),
        cmocka_unit_test(file_is_not_replaced_unasked),
        cmocka_unit_test(replacing_keeps_mode_and_link),
        cmocka_unit_test(hidden_name_stands_in),
        cmocka_unit_test(file_needs_a_folder),
        cmocka_unit_test(halves_are_exact),
        cmocka_unit_test(numbers_are_decimal),
    };
    return cmocka_run_group_tests_name("base", tests, make_folder, remove_folder);
}
