/* SPDX-License-Identifier: Apache-2.0 */
/* worker.h -- pictures made in processes of their own, which can do nothing else.
 *
 * Beside the service runs a *zygote*: a process that has loaded the networks and libvips and holds
 * nothing secret. For each picture it forks a *worker*, which has all of that at once and shares
 * its memory; the worker enters the sandbox (sandbox.h), decodes, computes, encodes and ends. Two
 * pictures never meet in one process, so that one that takes over its decoder gains itself. Input
 * and result pass as memory without a name.
 */
#ifndef FOV_WORKER_WORKER_H
#define FOV_WORKER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct fov_worker_limits {
    int64_t max_pixels;        /* of the input, from its header, all frames */
    int64_t max_result_pixels; /* of what any operation makes */
    int64_t max_result_bytes;
    int64_t memory_bytes; /* that a worker may take beside what it shares */
    int cpu_s, deadline_s;
};

struct fov_worker_options {
    int n_threads;     /* of all workers together, at least one in each; 0: one for each core */
    const char *u2net; /* a file, for remove_background; or NULL */
};

struct fov_workers;

/* Start the zygote: this very program again, with fov_workers_main(). Gives *ret_workers; end it
 * with fov_workers_close(), after every run. FOV_EMODEL when its networks cannot be loaded,
 * FOV_EINTERNAL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_workers_open(const struct fov_worker_options *options,
                                           struct fov_workers **ret_workers, struct fov_err *err);
void fov_workers_close(struct fov_workers *workers);

/* How many workers ended otherwise than by answering or by our wish, and how many zygotes ended. */
struct fov_worker_counts {
    int64_t n_started, n_crashed, n_overdue, n_zygotes;
};
void fov_workers_get_counts(const struct fov_workers *workers, struct fov_worker_counts *ret);

enum { FOV_MIME_CHARS = 32 };

/* A picture to be made of another. */
struct fov_task {
    int in_fd;              /* the file: memory without a name, or a file; stays the caller's */
    const char *name;       /* of it, for sentences */
    const char *operations; /* JSON, checked by fov_task_check() */
    bool dry_run;           /* tell the size, make nothing */
    struct fov_worker_limits limits;
    int gone_fd; /* a socket whose far end's leaving ends the work; or -1 */
    /* Asked about ten times a second; nonzero ends the work. May be NULL. */
    int (*stopped)(void *user);
    void *user;
};

struct fov_task_result {
    int fd; /* the file, the caller's to close; -1 after a dry run */
    size_t n_bytes;
    char mime_type[FOV_MIME_CHARS];
    int in_width_px, in_height_px, width_px, height_px;
    bool size_is_exact; /* false after a dry run of what only pixels can tell */
};

/* Make a picture in a worker and wait for it; any thread, any number at once. Gives *ret_result.
 * FOV_EUSAGE, FOV_EFORMAT, FOV_EKIND and FOV_ELIMIT for pictures and operations as image/recipe.h
 * says; FOV_EFORMAT also when the worker crashed of it; FOV_ETIME past the deadline; FOV_ECANCEL;
 * FOV_EINTERNAL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_workers_run(struct fov_workers *workers, const struct fov_task *task,
                                          struct fov_task_result *ret_result, struct fov_err *err);

/* May these operations, `n_bytes` of JSON, be asked of a worker? Networks are installed ones, by
 * name. FOV_EUSAGE, FOV_EFORMAT for a colour that is none, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_task_check(const char *operations, size_t n_bytes,
                                         struct fov_err *err);

/* The zygote's main(), for a program whose second argument is FOV_WORKERS_ARG. */
#define FOV_WORKERS_ARG "--workers"
int fov_workers_main(int argc, char **argv);

#endif
