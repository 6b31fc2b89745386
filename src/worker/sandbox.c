/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c -- give up everything that decoding a picture does not need.
 *
 * A list of system calls that may be made; all others fail with EPERM rather than kill, because
 * libraries try things and live without them, and a decoder that was taken over can do nothing with
 * an EPERM. clone3 fails with ENOSYS, upon which glibc takes clone, whose flags a filter can see.
 *
 * Threads: one. Owns: nothing. Trust: nothing that runs afterwards.
 */
#define _GNU_SOURCE
#include "worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

/* Whatever their arguments are. */
static const int free_calls[] = {
    /* what is open */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(pwrite64), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(ftruncate), SCMP_SYS(fallocate),
    SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    /* memory */
    SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
    /* threads and time */
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(exit), SCMP_SYS(exit_group),
    /* who and where it is */
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrlimit),
    SCMP_SYS(getrusage), SCMP_SYS(membarrier)};

/* Nonzero, libseccomp's negative error, when one of them cannot be added. */
static int add_free(scmp_filter_ctx filter)
{
    int bad = 0;
    for (size_t i = 0; i < FOV_N_ELEMENTS(free_calls) && !bad; i++)
        bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, free_calls[i], 0);
    return bad;
}

/* Argument `i`, as far as the bits of `mask` go, is `value`. */
static struct scmp_arg_cmp argument(unsigned i, uint64_t mask, uint64_t value)
{
    return (struct scmp_arg_cmp){
        .arg = i, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};
}

/* Those that may be made in one way. */
static int add_bound(scmp_filter_ctx filter)
{
    enum { NEW_THREAD = CLONE_THREAD | CLONE_VM };
    const struct scmp_arg_cmp no_code = argument(2, PROT_EXEC, 0);
    const struct scmp_arg_cmp by_descriptor = argument(3, AT_EMPTY_PATH, AT_EMPTY_PATH);
    const struct scmp_arg_cmp threads = argument(0, NEW_THREAD, NEW_THREAD);
    const struct scmp_arg_cmp itself = argument(0, UINT64_MAX, (uint64_t)getpid());
    const struct scmp_arg_cmp only_reads = argument(2, UINT64_MAX, 0);
    const struct {
        int call;
        struct scmp_arg_cmp how;
    } rules[] = {
        {SCMP_SYS(mmap), no_code},
        {SCMP_SYS(mprotect), no_code},
        {SCMP_SYS(newfstatat), by_descriptor},
        {SCMP_SYS(clone), threads},
        {SCMP_SYS(tgkill), itself}, /* abort() */
        {SCMP_SYS(prlimit64), only_reads},
    };
    static const int commands[] = {F_GETFD, F_SETFD,         F_GETFL,     F_SETFL,
                                   F_DUPFD, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS};
    int bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    for (size_t i = 0; i < FOV_N_ELEMENTS(rules) && !bad; i++)
        bad = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, 1, &rules[i].how);
    for (size_t i = 0; i < FOV_N_ELEMENTS(commands) && !bad; i++) {
        const struct scmp_arg_cmp command = argument(1, UINT64_MAX, (uint64_t)commands[i]);
        bad = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &command);
    }
    return bad;
}

static enum fov_code set_limits(const struct fov_sandbox_limits *l, struct fov_err *err)
{
    const struct {
        __rlimit_resource_t what;
        int64_t most, end; /* at `end` of seconds SIGKILL follows, where SIGXCPU was not heeded */
    } limits[] = {{RLIMIT_AS, l->memory_bytes, l->memory_bytes},
                  {RLIMIT_FSIZE, l->file_bytes, l->file_bytes},
                  {RLIMIT_CPU, l->cpu_s, l->cpu_s + 1},
                  {RLIMIT_NOFILE, l->max_files, l->max_files},
                  {RLIMIT_CORE, 0, 0}};
    for (size_t i = 0; i < FOV_N_ELEMENTS(limits); i++) {
        const struct rlimit to = {(rlim_t)limits[i].most, (rlim_t)limits[i].end};
        if (setrlimit(limits[i].what, &to))
            return fov_fail(err, FOV_EINTERNAL, "the sandbox has no limit %d: %s",
                            (int)limits[i].what, strerror(errno));
    }
    return FOV_OK;
}

enum fov_code fov_sandbox_enter(const struct fov_sandbox_limits *limits, struct fov_err *err)
{
    const enum fov_code rc = set_limits(limits, err);
    if (rc)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
        return fov_fail(err, FOV_EINTERNAL, "the sandbox cannot be made: %s", strerror(errno));
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return fov_fail(err, FOV_ENOMEM, "no memory for the sandbox");
    int bad =
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* threads that are there already */
    if (!bad && !(bad = add_free(filter)) && !(bad = add_bound(filter)))
        bad = seccomp_load(filter);
    seccomp_release(filter);
    return bad ? fov_fail(err, FOV_EINTERNAL, "the sandbox cannot be made: %s", strerror(-bad))
               : FOV_OK;
}
