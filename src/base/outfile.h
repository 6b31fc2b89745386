/* SPDX-License-Identifier: Apache-2.0 */
/* outfile.h -- a file that appears complete under its name, or not at all. */
#ifndef FOV_BASE_OUTFILE_H
#define FOV_BASE_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct fov_outfile;

/* Begin the file `path`, "-" being standard output. Without `replace` a file that exists is an
 * error, now and when it appears meanwhile. Gives *ret_file; end it with fov_outfile_commit() or
 * fov_outfile_close(). FOV_EOUTPUT, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_outfile_open(const char *path, bool replace,
                                           struct fov_outfile **ret_file, struct fov_err *err);

/* Would that begin a file now? Nothing of it is left, and pipes and devices are not opened. Errors
 * of fov_outfile_open(). */
FOV_CHECKED enum fov_code fov_outfile_check(const char *path, bool replace, struct fov_err *err);

/* The descriptor to write to: readable, writable and seekable where the target is a real file. */
int fov_outfile_fd(const struct fov_outfile *file);

/* Put what was written under its name and end `*file`. On failure nothing is left. FOV_EOUTPUT. */
FOV_CHECKED enum fov_code fov_outfile_commit(struct fov_outfile **file, struct fov_err *err);

/* Throw away what was written. NULL is fine. */
void fov_outfile_close(struct fov_outfile *file);

/* Write all of it to a descriptor, however many calls that takes. False: errno says why not. */
FOV_CHECKED bool fov_write_all(int fd, const void *data, size_t bytes);

#endif
