/* SPDX-License-Identifier: Apache-2.0 */
/* zygote.c -- the process that workers are forked from.
 *
 * It has one thread, or its children would be born without the others that hold its locks. It
 * touches no picture. When the service ends, it ends, and its workers with it.
 *
 * Threads: one. Owns: the studio and its list of workers. Trust: the service.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "worker/message.h"

enum { MAX_WORKERS = 1024, SOCKET = 3, ANSWER = 3, NICER = 5 };

struct zygote {
    pid_t pid; /* its own */
    struct fov__studio *studio;
    int null, signals;
    int n_workers;
    struct {
        pid_t pid;
        int control;
    } workers[MAX_WORKERS];
};

/* The worker's life. */
__attribute__((noreturn)) static void work(struct zygote *z, const struct fov__ask *ask,
                                           const char *name, const char *operations, const int *fds)
{
    struct fov__answer answer = {.size_is_exact = false};
    struct fov_err err = {0};
    (void)nice(NICER); /* requests are taken and answered at once, whatever is in work */
    /* A network is loaded before the sandbox, which ends it with the zygote, is entered; until then
     * an orphan would read the file that its successor reads, from one place. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != z->pid)
        _exit(1);
    const int answer_fd = fcntl(fds[FOV__ANSWER], F_DUPFD, 100); /* out of the way of the others */
    if (answer_fd < 0 || dup2(fds[FOV__IN], STDIN_FILENO) < 0 ||
        dup2(fds[FOV__OUT], STDOUT_FILENO) < 0 || dup2(z->null, STDERR_FILENO) < 0 ||
        dup2(answer_fd, ANSWER) < 0 || close_range(ANSWER + 1, ~0U, 0))
        _exit(1);
    const enum fov_code rc = fov__task_do(z->studio, ask, name, operations, &answer, &err);
    if (rc)
        answer = (struct fov__answer){.err = err};
    _exit(fov__send(ANSWER, &answer, sizeof(answer), NULL, 0) ? 0 : 1);
}

/* Start a worker. Takes the descriptors. */
static void start(struct zygote *z, const struct fov__ask *ask, const char *name,
                  const char *operations, const int *fds)
{
    struct fov__control said = {.has_ended = false};
    const pid_t pid = z->n_workers < MAX_WORKERS ? fork() : -1;
    if (pid == 0)
        work(z, ask, name, operations, fds);
    const int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd < 0)
        (void)fov_fail(&said.err, FOV_ENOMEM, "a worker cannot be started: %s", strerror(errno));
    const bool told = fov__send(fds[FOV__CONTROL], &said, sizeof(said), &pidfd, pidfd >= 0);
    if (pidfd >= 0)
        (void)close(pidfd);
    if (pid > 0 && (pidfd < 0 || !told))
        (void)kill(pid, SIGKILL);
    if (pid > 0) {
        z->workers[z->n_workers].pid = pid;
        z->workers[z->n_workers++].control = fcntl(fds[FOV__CONTROL], F_DUPFD_CLOEXEC, 0);
    }
    for (int i = 0; i < FOV__N_ASK_FDS; i++)
        (void)close(fds[i]);
}

/* Say of each worker that has ended how it did. */
static void reap(struct zygote *z)
{
    struct fov__control said = {.has_ended = true};
    for (pid_t pid; (pid = waitpid(-1, &said.wait_status, WNOHANG)) > 0;)
        for (int i = 0; i < z->n_workers; i++) {
            if (z->workers[i].pid != pid)
                continue;
            (void)fov__send(z->workers[i].control, &said, sizeof(said), NULL, 0);
            (void)close(z->workers[i].control);
            z->workers[i] = z->workers[--z->n_workers];
            break;
        }
}

/* One packet of the service: false when there will be no more. */
static bool serve(struct zygote *z)
{
    static _Alignas(struct fov__ask) char packet[FOV__MAX_PACKET];
    const struct fov__ask *const ask = (const void *)packet;
    int fds[FOV__N_ASK_FDS], n_fds;
    const ssize_t n = fov__receive(SOCKET, packet, FOV__MAX_PACKET, fds, &n_fds);
    if (n <= 0)
        return false;
    const char *const name = packet + sizeof(*ask), *const operations = name + ask->name_bytes;
    if (n_fds == FOV__N_ASK_FDS) /* the service writes what it says it does */
        start(z, ask, name, operations, fds);
    return true;
}

/* Stop and Ctrl-C are for the service, which finishes what it has begun. */
static int watch_children(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t child;
    for (size_t i = 0; i < FOV_N_ELEMENTS(ignored); i++)
        (void)sigaction(ignored[i], &ignore, NULL);
    (void)sigemptyset(&child);
    (void)sigaddset(&child, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child, NULL);
    return signalfd(-1, &child, SFD_CLOEXEC);
}

static void listen_to_both(struct zygote *z)
{
    struct pollfd both[] = {{.fd = SOCKET, .events = POLLIN}, {.fd = z->signals, .events = POLLIN}};
    struct signalfd_siginfo gone;
    for (;;) {
        if (poll(both, 2, -1) < 0 && errno != EINTR)
            return;
        if (both[1].revents && read(z->signals, &gone, sizeof(gone)) > 0)
            reap(z);
        if (both[0].revents && !serve(z))
            return;
    }
}

/* fovea --workers N_THREADS [U2NET], its socket being descriptor 3. */
int fov_workers_main(int argc, char **argv)
{
    static struct zygote z;
    struct fov__ready ready = {.err = {0}};
    z.pid = getpid();
    (void)prctl(PR_SET_NAME, "fovea-workers", 0, 0, 0); /* instead of exe, for ps and top */
    /* libvips's vector code would be compiled while a picture is in work, where no memory can be
     * made executable; interpreted it computes the same. */
    (void)setenv("ORC_CODE", "emulate", 1);
    z.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    z.signals = watch_children();
    if (z.null < 0 || z.signals < 0 || argc < 3)
        (void)fov_fail(&ready.err, FOV_EINTERNAL, "workers cannot be prepared: %s",
                       strerror(errno));
    else if (fov__studio_open((int)strtol(argv[2], NULL, 10), argc > 3 ? argv[3] : NULL, &z.studio,
                              &ready.err))
        z.studio = NULL;
    if (fov__send(SOCKET, &ready, sizeof(ready), NULL, 0) && z.studio)
        listen_to_both(&z);
    fov__studio_close(z.studio);
    return ready.err.code ? fov_err_exit_status(ready.err.code) : 0;
}
