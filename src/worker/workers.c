/* SPDX-License-Identifier: Apache-2.0 */
/* workers.c -- the service's side: ask for a worker, wait for what it makes, end it in time.
 *
 * A worker is ended by a descriptor of its process, which the zygote gave; a worker can neither
 * take it nor forge it. How it ended comes from the zygote too. What it answers is looked at as
 * anything from outside is. A zygote that ended is replaced by whoever notices.
 *
 * Threads: any; the zygote is replaced under a lock. Owns: the zygote. Trust: nothing that a worker
 * says.
 */
#define _GNU_SOURCE
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "worker/message.h"

enum { ZYGOTE_SOCKET = 3, TICK_MS = 100, START_MS = 120000 };

struct fov_workers {
    pthread_mutex_t lock;
    char n_threads[16], *u2net;
    int max_threads;
    atomic_int n_running;
    pid_t pid;
    int socket;
    _Atomic int64_t n_started, n_crashed, n_overdue, n_zygotes;
};

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* ---- the zygote -------------------------------------------------------------------------- */

static enum fov_code spawn(struct fov_workers *w, int socket, struct fov_err *err)
{
    char name[] = "fovea", arg[] = FOV_WORKERS_ARG;
    char *const argv[] = {name, arg, w->n_threads, w->u2net, NULL};
    posix_spawn_file_actions_t actions;
    int bad = posix_spawn_file_actions_init(&actions);
    if (bad)
        return fov_fail(err, FOV_ENOMEM, "no memory to start workers");
    if (!(bad = posix_spawn_file_actions_adddup2(&actions, socket, ZYGOTE_SOCKET)) &&
        !(bad = posix_spawn_file_actions_addclosefrom_np(&actions, ZYGOTE_SOCKET + 1)))
        bad = posix_spawn(&w->pid, "/proc/self/exe", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return bad ? fov_fail(err, FOV_EINTERNAL, "workers cannot be started: %s", strerror(bad))
               : FOV_OK;
}

static void stop_zygote(struct fov_workers *w)
{
    if (w->socket >= 0)
        (void)close(w->socket);
    w->socket = -1;
    if (w->pid > 0)
        (void)waitpid(w->pid, NULL, 0);
    w->pid = -1;
}

/* Wait for what the zygote says first. A signal, which is the program's to heed, ends no wait. */
static bool hears(int socket)
{
    struct pollfd news = {.fd = socket, .events = POLLIN};
    const double end_s = fov_clock_s() + 1e-3 * START_MS;
    int n;
    do
        n = poll(&news, 1, (int)(1e3 * (end_s - fov_clock_s())) + 1);
    while (n < 0 && errno == EINTR && fov_clock_s() < end_s);
    return n > 0;
}

static enum fov_code start_zygote(struct fov_workers *w, struct fov_err *err)
{
    struct fov__ready ready;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return fov_fail(err, FOV_EINTERNAL, "workers cannot be started: %s", strerror(errno));
    enum fov_code rc = spawn(w, ends[1], err);
    (void)close(ends[1]);
    w->socket = ends[0];
    if (!rc && (!hears(w->socket) ||
                fov__receive(w->socket, &ready, sizeof(ready), NULL, NULL) != sizeof(ready)))
        rc = fov_fail(err, FOV_EINTERNAL, "the process that workers come from does not start");
    if (!rc && ready.err.code)
        rc = fov_fail(err, ready.err.code, "%s", ready.err.text);
    if (rc)
        stop_zygote(w);
    else
        w->n_zygotes++;
    return rc;
}

enum fov_code fov_workers_open(const struct fov_worker_options *options,
                               struct fov_workers **ret_workers, struct fov_err *err)
{
    struct fov_workers *const w = fov_calloc(1, sizeof(*w));
    if (!w || (options->u2net && !(w->u2net = fov_strdup(options->u2net)))) {
        fov_free(w);
        return fov_fail(err, FOV_ENOMEM, "no memory for workers");
    }
    pthread_mutex_init(&w->lock, NULL);
    w->pid = -1;
    w->socket = -1;
    w->max_threads = options->n_threads ? options->n_threads : fov_cpu_count();
    (void)snprintf(w->n_threads, sizeof(w->n_threads), "%d", w->max_threads);
    const enum fov_code rc = start_zygote(w, err);
    if (rc) {
        fov_workers_close(w);
        return rc;
    }
    *ret_workers = w;
    return FOV_OK;
}

void fov_workers_close(struct fov_workers *workers)
{
    if (!workers)
        return;
    stop_zygote(workers);
    pthread_mutex_destroy(&workers->lock);
    fov_free(workers->u2net);
    fov_free(workers);
}

void fov_workers_get_counts(const struct fov_workers *w, struct fov_worker_counts *ret)
{
    *ret = (struct fov_worker_counts){w->n_started, w->n_crashed, w->n_overdue, w->n_zygotes};
}

/* The zygote with this number has ended. */
static void leave_zygote(struct fov_workers *w, int64_t number)
{
    pthread_mutex_lock(&w->lock);
    if (w->n_zygotes == number)
        stop_zygote(w);
    pthread_mutex_unlock(&w->lock);
}

/* Send to the zygote, or to a new one when it has ended. Gives *ret_number of it. */
static enum fov_code ask_zygote(struct fov_workers *w, void *packet, size_t bytes, const int *fds,
                                int64_t *ret_number, struct fov_err *err)
{
    enum fov_code rc = FOV_OK;
    pthread_mutex_lock(&w->lock);
    if (w->socket < 0 || !fov__send(w->socket, packet, bytes, fds, FOV__N_ASK_FDS)) {
        stop_zygote(w);
        if (!(rc = start_zygote(w, err)) &&
            !fov__send(w->socket, packet, bytes, fds, FOV__N_ASK_FDS))
            rc = fov_fail(err, FOV_EINTERNAL, "workers cannot be asked: %s", strerror(errno));
    }
    *ret_number = w->n_zygotes;
    pthread_mutex_unlock(&w->lock);
    return rc;
}

/* ---- one worker -------------------------------------------------------------------------- */

struct job {
    const struct fov_task *task;
    double start_s;
    int64_t zygote;                        /* its number */
    int out, answer_fd, control_fd, pidfd; /* our ends */
    bool has_answer, has_ended, is_lost;   /* lost: the zygote has ended */
    enum fov_code ended_by_us;             /* or FOV_OK */
    struct fov_err refused;                /* it was not started */
    int wait_status;
    struct fov__answer answer;
};

static void job_done(struct job *j)
{
    close_fd(&j->out);
    close_fd(&j->answer_fd);
    close_fd(&j->control_fd);
    close_fd(&j->pidfd);
}

/* A picture alone has all threads, and many have a core each: a picture is made faster by two
 * threads, but not twice as fast. */
static int share_of(const struct fov_workers *w)
{
    const int n = w->max_threads / (w->n_running > 0 ? w->n_running : 1);
    return n > 0 ? n : 1;
}

static enum fov_code send_task(struct fov_workers *w, struct job *j, struct fov_err *err)
{
    const struct fov_task *const t = j->task;
    const char *const name = t->name ? t->name : "file";
    const struct fov__ask ask = {.limits = t->limits,
                                 .name_bytes = (uint32_t)strlen(name) + 1,
                                 .operations_bytes = (uint32_t)strlen(t->operations) + 1,
                                 .n_threads = share_of(w),
                                 .dry_run = t->dry_run};
    const size_t bytes = sizeof(ask) + ask.name_bytes + ask.operations_bytes;
    FOV_AUTO(close_fd) int answer = -1;
    FOV_AUTO(close_fd) int control = -1;
    int ends[2];

    if (bytes > FOV__MAX_PACKET)
        return fov_fail(err, FOV_ELIMIT, "operations: are over the limit of %d bytes",
                        FOV__MAX_PACKET);
    FOV_AUTO(fov_free_at) char *packet = fov_calloc(bytes, 1);
    if (!packet)
        return fov_fail(err, FOV_ENOMEM, "no memory to ask a worker");
    memcpy(packet, &ask, sizeof(ask));
    memcpy(packet + sizeof(ask), name, ask.name_bytes);
    memcpy(packet + sizeof(ask) + ask.name_bytes, t->operations, ask.operations_bytes);

    if ((j->out = memfd_create("result", MFD_CLOEXEC)) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return fov_fail(err, FOV_EINTERNAL, "no worker can be asked: %s", strerror(errno));
    j->answer_fd = ends[0];
    answer = ends[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return fov_fail(err, FOV_EINTERNAL, "no worker can be asked: %s", strerror(errno));
    j->control_fd = ends[0];
    control = ends[1];
    const int fds[FOV__N_ASK_FDS] = {[FOV__IN] = t->in_fd,
                                     [FOV__OUT] = j->out,
                                     [FOV__ANSWER] = answer,
                                     [FOV__CONTROL] = control};
    return ask_zygote(w, packet, bytes, fds, &j->zygote, err);
}

static void read_control(struct job *j)
{
    struct fov__control said;
    int fds[FOV__N_ASK_FDS], n_fds = 0;
    const ssize_t n = fov__receive(j->control_fd, &said, sizeof(said), fds, &n_fds);
    if (n != sizeof(said)) {
        j->is_lost = true;
        return;
    }
    if (n_fds == 1)
        j->pidfd = fds[0];
    if (said.err.code)
        j->refused = said.err;
    j->has_ended = said.has_ended;
    j->wait_status = said.wait_status;
}

static void read_answer(struct job *j)
{
    const ssize_t n = fov__receive(j->answer_fd, &j->answer, sizeof(j->answer), NULL, NULL);
    j->has_answer = j->has_answer || n == sizeof(j->answer);
    (void)close(j->answer_fd); /* one answer is all */
    j->answer_fd = -1;
}

/* Why the worker is to end before it has done its work, or FOV_OK. */
static enum fov_code end_reason(const struct job *j, bool is_gone)
{
    const struct fov_task *const t = j->task;
    if (is_gone || (t->stopped && t->stopped(t->user)))
        return FOV_ECANCEL;
    return fov_clock_s() - j->start_s > t->limits.deadline_s ? FOV_ETIME : FOV_OK;
}

/* Until the worker has ended. */
static void watch(struct job *j)
{
    while (!j->has_ended && !j->is_lost && !j->refused.code) {
        struct pollfd news[] = {
            {.fd = j->control_fd, .events = POLLIN},
            {.fd = j->answer_fd, .events = POLLIN},
            {.fd = j->ended_by_us ? -1 : j->task->gone_fd, .events = POLLRDHUP}};
        if (poll(news, FOV_N_ELEMENTS(news), TICK_MS) < 0)
            continue;
        if (news[1].revents)
            read_answer(j);
        if (news[0].revents)
            read_control(j);
        if (!j->ended_by_us && !j->has_ended)
            j->ended_by_us = end_reason(j, news[2].revents != 0);
        if (j->ended_by_us && j->pidfd >= 0)
            (void)syscall(SYS_pidfd_send_signal, j->pidfd, SIGKILL, NULL, 0);
    }
    struct pollfd last = {.fd = j->answer_fd, .events = POLLIN};
    if (!j->is_lost && j->answer_fd >= 0 && poll(&last, 1, 0) > 0)
        read_answer(j);
}

/* What a worker may fail with; anything else is not its to say. */
static enum fov_code fail_as_told(const struct job *j, struct fov_err *err)
{
    static const enum fov_code own[] = {FOV_EUSAGE, FOV_EFORMAT,   FOV_EKIND, FOV_ELIMIT,
                                        FOV_EMODEL, FOV_EINTERNAL, FOV_ENOMEM};
    const struct fov_err *const e = &j->answer.err;
    bool may = false;
    for (size_t i = 0; i < FOV_N_ELEMENTS(own); i++)
        may = may || e->code == own[i];
    if (!may || !memchr(e->text, '\0', sizeof(e->text)))
        return fov_fail(err, FOV_EINTERNAL, "a worker answered what it may not");
    if (e->code == FOV_ENOMEM) /* by the limit of this picture: trying again will not help */
        return fov_fail(err, FOV_EFORMAT, "%s; a picture may take %lld MiB", e->text,
                        (long long)(j->task->limits.memory_bytes >> 20));
    return fov_fail(err, e->code, "%s", e->text);
}

static enum fov_code fail_as_ended(struct fov_workers *w, const struct job *j, struct fov_err *err)
{
    const struct fov_task *const t = j->task;
    const char *const name = t->name ? t->name : "file";
    const int number = WIFSIGNALED(j->wait_status) ? WTERMSIG(j->wait_status) : 0;
    if (j->ended_by_us == FOV_ECANCEL)
        return fov_fail(err, FOV_ECANCEL, "%s: stopped", name);
    if (j->ended_by_us == FOV_ETIME || number == SIGXCPU) {
        w->n_overdue++;
        return fov_fail(err, FOV_ETIME, "%s: took longer than the %d s that a picture may", name,
                        j->ended_by_us ? t->limits.deadline_s : t->limits.cpu_s);
    }
    if (j->is_lost)
        return fov_fail(err, FOV_EINTERNAL, "%s: the process that workers come from has ended",
                        name);
    w->n_crashed++;
    if (number == SIGKILL)
        return fov_fail(err, FOV_ENOMEM,
                        "%s: the system ended its work, most likely for want of "
                        "memory",
                        name);
    return fov_fail(
        err, FOV_EFORMAT,
        "%s: its work broke off; it is damaged, or needs more memory than a picture may "
        "take",
        name);
}

static bool is_mime_type(const char *text)
{
    const size_t n = strnlen(text, FOV_MIME_CHARS);
    return n && n < FOV_MIME_CHARS && !strncmp(text, "image/", 6) &&
           strspn(text + 6, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == n - 6;
}

static enum fov_code take_result(struct job *j, struct fov_task_result *ret_result,
                                 struct fov_err *err)
{
    const struct fov__answer *const a = &j->answer;
    struct stat st;
    if (a->err.code)
        return fail_as_told(j, err);
    if (!is_mime_type(a->mime_type) || a->width_px < 1 || a->height_px < 1 || fstat(j->out, &st) ||
        (!st.st_size && !j->task->dry_run))
        return fov_fail(err, FOV_EINTERNAL, "a worker answered what it may not");
    *ret_result = (struct fov_task_result){.fd = -1,
                                           .n_bytes = (size_t)st.st_size,
                                           .in_width_px = a->in_width_px,
                                           .in_height_px = a->in_height_px,
                                           .width_px = a->width_px,
                                           .height_px = a->height_px,
                                           .size_is_exact = a->size_is_exact};
    memcpy(ret_result->mime_type, a->mime_type, FOV_MIME_CHARS);
    if (!j->task->dry_run) {
        ret_result->fd = j->out;
        j->out = -1;
    }
    return FOV_OK;
}

static const struct job none = {.out = -1, .answer_fd = -1, .control_fd = -1, .pidfd = -1};

enum fov_code fov_workers_run(struct fov_workers *workers, const struct fov_task *task,
                              struct fov_task_result *ret_result, struct fov_err *err)
{
    FOV_AUTO(job_done) struct job j = none;
    enum fov_code rc = FOV_OK;
    workers->n_running++;
    for (int tries = 0; tries < 2; tries++) {
        job_done(&j);
        j = none;
        j.task = task;
        j.start_s = fov_clock_s();
        if ((rc = send_task(workers, &j, err)))
            break;
        watch(&j);
        if (!j.is_lost)
            break;
        leave_zygote(workers, j.zygote); /* no fault of the picture's */
    }
    workers->n_running--;
    if (rc)
        return rc;
    if (j.refused.code)
        return fov_fail(err, j.refused.code, "%s", j.refused.text);
    workers->n_started++;
    const bool is_whole = WIFEXITED(j.wait_status) && !WEXITSTATUS(j.wait_status);
    return j.has_answer && is_whole && !j.is_lost ? take_result(&j, ret_result, err)
                                                  : fail_as_ended(workers, &j, err);
}
