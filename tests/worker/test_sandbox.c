/* SPDX-License-Identifier: Apache-2.0 */
/* test_sandbox.c -- what cannot be done within the sandbox, and what can.
 *
 * Each attempt is made in a child, once outside, where it must succeed, and once inside; so that no
 * attempt passes because it would fail anywhere. A container may forbid some of them already; those
 * say nothing, and are named.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/cmocka_all.h"

#include "base/mem.h"
#include "worker/sandbox.h"

/* Address sanitizers map terabytes, so that they need a limit of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SHADOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SHADOW 1
#endif
#endif
#ifndef HAS_SHADOW
#define HAS_SHADOW 0
#endif

static const struct fov_sandbox_limits limits = {.memory_bytes = HAS_SHADOW ? INT64_C(1) << 60
                                                                            : INT64_C(1) << 30,
                                                 .file_bytes = 1 << 20,
                                                 .cpu_s = 2,
                                                 .max_files = 32};

typedef bool attempt(void);

/* A file without a name that was there before. */
static int file;

/* What became of an attempt in a child: 0 it worked, 1 it did not, else how the child ended. */
static int outcome(attempt *try, bool inside)
{
    int status;
    const pid_t child = fork();
    if (!child) {
        file = memfd_create("result", MFD_CLOEXEC);
        if (inside && fov_sandbox_enter(&limits, NULL))
            _exit(99);
        _exit(try() ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* ---- what it cannot ---------------------------------------------------------------------- */

static bool opens(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool opens_by_the_old_call(void)
{
    return syscall(SYS_open, "/etc/passwd", O_RDONLY) >= 0;
}

static bool opens_to_write(void)
{
    return open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) >= 0;
}

/* Memory that no limit counts. */
static bool makes_a_file_without_a_name(void)
{
    return memfd_create("more", MFD_CLOEXEC) >= 0;
}

static bool opens_a_folder(void)
{
    return open("/", O_PATH | O_CLOEXEC) >= 0;
}

static bool looks(void)
{
    struct stat st;
    return !stat("/etc/passwd", &st);
}

static bool reads_a_link(void)
{
    char to[100];
    return readlink("/proc/self/exe", to, sizeof(to)) > 0;
}

static bool makes_a_folder(void)
{
    char name[] = "/tmp/test_sandbox-XXXXXX";
    return mkdtemp(name) && !rmdir(name);
}

static bool makes_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_a_local_socket(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool makes_a_pair(void)
{
    int ends[2];
    return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
}

static bool forks(void)
{
    const pid_t child = fork();
    if (!child)
        _exit(0);
    return child > 0;
}

static bool forks_by_the_old_call(void)
{
    const long child = syscall(SYS_fork);
    if (!child)
        _exit(0);
    return child > 0;
}

static bool runs_a_program(void)
{
    (void)execl("/bin/true", "true", (char *)NULL);
    return false; /* outside, "true" ends with 0 */
}

static bool signals_its_parent(void)
{
    return !kill(getppid(), 0);
}

static bool signals_a_thread_of_its_parent(void)
{
    return !syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static bool is_traced(void)
{
    return !ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static bool reads_its_own_memory_by_number(void)
{
    char from = 'x', to = 0;
    const struct iovec a = {&to, 1}, b = {&from, 1};
    return process_vm_readv(getpid(), &a, 1, &b, 1, 0) == 1;
}

static bool makes_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool turns_data_into_code(void)
{
    void *const p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && !mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static bool raises_its_limits(void)
{
    const struct rlimit same = {8, 8};
    return !setrlimit(RLIMIT_NOFILE, &same);
}

static bool changes_the_folder(void)
{
    return !chdir("/");
}

static bool leaves_its_namespace(void)
{
    return !unshare(CLONE_FILES);
}

static void it_cannot(void **state)
{
    static const struct {
        const char *name;
        attempt *try;
    } attempts[] = {
#define TRY(name) {#name, name}
        TRY(opens),
        TRY(opens_by_the_old_call),
        TRY(opens_to_write),
        TRY(makes_a_file_without_a_name),
        TRY(opens_a_folder),
        TRY(looks),
        TRY(reads_a_link),
        TRY(makes_a_folder),
        TRY(makes_a_socket),
        TRY(makes_a_local_socket),
        TRY(makes_a_pair),
        TRY(forks),
        TRY(forks_by_the_old_call),
        TRY(runs_a_program),
        TRY(signals_its_parent),
        TRY(signals_a_thread_of_its_parent),
        TRY(is_traced),
        TRY(reads_its_own_memory_by_number),
        TRY(makes_code),
        TRY(turns_data_into_code),
        TRY(raises_its_limits),
        TRY(changes_the_folder),
        TRY(leaves_its_namespace)};
    size_t n_told = 0;
    (void)state;
    for (size_t i = 0; i < FOV_N_ELEMENTS(attempts); i++) {
        const bool tells = outcome(attempts[i].try, false) == 0;
        const int inside = outcome(attempts[i].try, true);
        if (!tells)
            print_message("%s: not outside, either\n", attempts[i].name);
        if (inside != 1)
            fail_msg("%s: inside %d", attempts[i].name, inside);
        n_told += tells;
    }
    assert_true(n_told >= FOV_N_ELEMENTS(attempts) - 6);
}

/* ---- what it can ------------------------------------------------------------------------- */

static void *set_42(void *user)
{
    *(int *)user = 42;
    return NULL;
}

static bool makes_a_thread(void)
{
    pthread_t thread;
    int number = 0;
    return !pthread_create(&thread, NULL, set_42, &number) && !pthread_join(thread, NULL) &&
           number == 42;
}

static bool has_memory(void)
{
    char *const p = malloc(64 << 20);
    if (!p)
        return false;
    memset(p, 1, 64 << 20);
    char *const larger = realloc(p, 128 << 20);
    free(larger ? larger : p);
    return larger;
}

static bool writes_a_file_without_a_name(void)
{
    char text[6] = "";
    struct stat st;
    return write(file, "hello", 5) == 5 && !fstat(file, &st) && st.st_size == 5 &&
           pread(file, text, 5, 0) == 5 && !strcmp(text, "hello") && !close(file);
}

static bool tells_the_time(void)
{
    struct timespec t, little = {0, 1000};
    return !clock_gettime(CLOCK_REALTIME, &t) && !nanosleep(&little, NULL);
}

static void it_can(void **state)
{
    (void)state;
    assert_int_equal(outcome(makes_a_thread, true), 0);
    assert_int_equal(outcome(has_memory, true), 0);
    assert_int_equal(outcome(writes_a_file_without_a_name, true), 0);
    assert_int_equal(outcome(tells_the_time, true), 0);
}

/* ---- and what it is stopped from ---------------------------------------------------------- */

static bool takes_more_memory_than_it_may(void)
{
    return mmap(NULL, (size_t)2 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static bool computes_for_ever(void)
{
    for (volatile long n = 0; n >= 0; n = n + 1)
        ;
    return true;
}

static bool writes_more_than_it_may(void)
{
    static char block[1 << 16];
    for (int i = 0; i < 32; i++) /* 2 MB */
        if (write(file, block, sizeof(block)) != sizeof(block))
            return false;
    return true;
}

static bool aborts(void)
{
    abort();
}

static void limits_hold(void **state)
{
    (void)state;
    if (!HAS_SHADOW) {
        assert_int_equal(outcome(takes_more_memory_than_it_may, false), 0);
        assert_int_equal(outcome(takes_more_memory_than_it_may, true), 1);
    }
    assert_int_equal(outcome(computes_for_ever, true), 1000 + SIGXCPU);
    assert_int_equal(outcome(writes_more_than_it_may, false), 0);
    assert_int_equal(outcome(writes_more_than_it_may, true), 1000 + SIGXFSZ);
    assert_int_equal(outcome(aborts, true), 1000 + SIGABRT);
}

/* A thread that was there before is in it as well. */
static int ends[2], answers[2];

static void *open_when_asked(void *user)
{
    char byte;
    (void)user;
    if (read(ends[0], &byte, 1) == 1)
        (void)!write(answers[1], opens() ? "y" : "n", 1);
    return NULL;
}

static bool a_thread_of_before_opens(void)
{
    pthread_t thread;
    char byte = '?';
    if (pipe(ends) || pipe(answers) || pthread_create(&thread, NULL, open_when_asked, NULL) ||
        fov_sandbox_enter(&limits, NULL))
        _exit(99);
    const bool opened =
        write(ends[1], "g", 1) == 1 && read(answers[0], &byte, 1) == 1 && byte == 'y';
    return !pthread_join(thread, NULL) && opened;
}

static void every_thread_is_in_it(void **state)
{
    (void)state;
    assert_int_equal(outcome(a_thread_of_before_opens, false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_cannot),
        cmocka_unit_test(it_can),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(every_thread_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
