/* SPDX-License-Identifier: Apache-2.0 */
/* message.h -- what the service, the zygote and a worker tell each other.
 *
 * Between the service and the zygote is one socket of packets. A packet asks for a worker: a struct
 * fov__ask, the name of the picture, the operations, and with it four descriptors: the file, where
 * the result goes, the worker's end of a socket for its answer, the zygote's end of one for what it
 * has to say of that worker. The service trusts the zygote and nothing that a worker says.
 */
#ifndef FOV_WORKER_MESSAGE_H
#define FOV_WORKER_MESSAGE_H

#include <sys/types.h>

#include "worker/worker.h"

enum { FOV__MAX_PACKET = 1 << 17, FOV__N_ASK_FDS = 4 };
enum { FOV__IN, FOV__OUT, FOV__ANSWER, FOV__CONTROL };

struct fov__ask {
    struct fov_worker_limits limits;
    uint32_t name_bytes, operations_bytes; /* behind this, each with its NUL */
    int n_threads;                         /* that the worker may compute with */
    bool dry_run;
};

/* From a worker, once. */
struct fov__answer {
    struct fov_err err; /* code FOV_OK: the rest holds */
    char mime_type[FOV_MIME_CHARS];
    int in_width_px, in_height_px, width_px, height_px;
    bool size_is_exact;
};

/* From the zygote: first that a worker was started, with a pidfd of it, or why not; then how it
 * ended. */
struct fov__control {
    struct fov_err err;
    bool has_ended;
    int wait_status;
};

/* From the zygote, once, when it is ready or cannot be. */
struct fov__ready {
    struct fov_err err;
};

/* Send `bytes` with up to FOV__N_ASK_FDS descriptors; false with errno. */
bool fov__send(int socket, void *data, size_t bytes, const int *fds, int n_fds);

/* Receive one packet of at most `room` bytes; *ret_n_fds descriptors, the caller's. Gives its
 * length, 0 at the end, -1 with errno. */
ssize_t fov__receive(int socket, void *to, size_t room, int *fds, int *ret_n_fds);

/* ---- task.c: what a worker does -------------------------------------------------------- */

struct fov__studio; /* what workers are born with: libvips, an engine, the networks */

FOV_CHECKED enum fov_code fov__studio_open(int n_threads, const char *u2net,
                                           struct fov__studio **ret_studio, struct fov_err *err);
void fov__studio_close(struct fov__studio *studio);

/* Enter the sandbox, make the picture of standard input into one on standard output. */
FOV_CHECKED enum fov_code fov__task_do(struct fov__studio *studio, const struct fov__ask *ask,
                                       const char *name, const char *operations,
                                       struct fov__answer *answer, struct fov_err *err);

#endif
