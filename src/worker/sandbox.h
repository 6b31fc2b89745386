/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.h -- give up everything that decoding a picture does not need. */
#ifndef FOV_WORKER_SANDBOX_H
#define FOV_WORKER_SANDBOX_H

#include <stdint.h>

#include "base/err.h"

struct fov_sandbox_limits {
    int64_t memory_bytes; /* of address space, what is mapped already counted */
    int64_t file_bytes;   /* of any one file that is written */
    int cpu_s;            /* of all threads together, from the start of the process */
    int max_files;        /* descriptors that are open at once */
};

/* From here on this process, in all its threads, can compute, have memory and more threads, and use
 * what it has open. It cannot open a file, make a socket, a process or executable memory, look at
 * or signal other processes; the attempt fails with EPERM, as if a right were missing. It ends with
 * its parent. There is no way back. The caller has but one thread that is not asleep. FOV_EINTERNAL
 * when the kernel lacks a part of it: then nothing may be decoded. */
FOV_CHECKED enum fov_code fov_sandbox_enter(const struct fov_sandbox_limits *limits,
                                            struct fov_err *err);

#endif
