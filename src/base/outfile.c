/* SPDX-License-Identifier: Apache-2.0 */
/* outfile.c -- a file that appears complete under its name, or not at all.
 *
 * The bytes go to a file without a name in the target's folder (O_TMPFILE) and get the name in one
 * step at the end. A full disk, an error or a kill -9 therefore leaves nothing behind: the system
 * frees a file without a name with the process. Where a file system cannot do that, a hidden name
 * .fovea-XXXXXX stands in and is removed on every way out but a kill -9. Devices and pipes are
 * written to as they are.
 *
 * Threads: one a file. Owns: the descriptor and the hidden name. Trust: the path is a user's.
 */
#define _GNU_SOURCE
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct fov_outfile {
    char *path;   /* as the user wrote it, for messages */
    char *target; /* the same with symbolic links followed when it exists */
    char *hidden; /* where the bytes are, or room for such a name */
    int fd;
    bool replace;
    bool direct;     /* standard output, a device or a pipe: nothing to rename */
    bool has_hidden; /* `hidden` exists */
};

void fov_outfile_close(struct fov_outfile *file)
{
    if (!file)
        return;
    if (file->has_hidden)
        unlink(file->hidden);
    if (file->fd >= 0 && file->fd != STDOUT_FILENO)
        close(file->fd);
    fov_free(file->path);
    fov_free(file->target);
    fov_free(file->hidden);
    fov_free(file);
}

static void close_at(struct fov_outfile **file)
{
    fov_outfile_close(*file);
}

static enum fov_code fail_errno(const struct fov_outfile *f, struct fov_err *err)
{
    return fov_fail(err, FOV_EOUTPUT, "%s: cannot write it: %s", f->path, strerror(errno));
}

static enum fov_code fail_exists(const struct fov_outfile *f, struct fov_err *err)
{
    return fov_fail(err, FOV_EOUTPUT, "%s: exists already (--force replaces it)", f->path);
}

/* A hidden name in the target's folder, for mkostemp() to fill in. */
static bool name_hidden(struct fov_outfile *f)
{
    static const char name[] = ".fovea-XXXXXX";
    const char *const slash = strrchr(f->target, '/');
    const size_t folder = slash ? (size_t)(slash - f->target) + 1 : 0;
    if (!(f->hidden = fov_calloc(folder + sizeof(name), 1)))
        return false;
    memcpy(f->hidden, f->target, folder);
    memcpy(f->hidden + folder, name, sizeof(name));
    return true;
}

static enum fov_code open_beside(struct fov_outfile *f, mode_t mode, struct fov_err *err)
{
    const char *const slash = strrchr(f->target, '/');
    FOV_AUTO(fov_free_at) char *folder = fov_strdup(slash ? f->target : ".");
    if (!folder || !name_hidden(f))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to write it", f->path);
    if (slash)
        folder[slash == f->target ? 1 : slash - f->target] = '\0';

    f->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (f->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        const mode_t mask = umask(0);
        umask(mask);
        f->fd = mkostemp(f->hidden, O_CLOEXEC);
        f->has_hidden = f->fd >= 0;
        if (f->fd >= 0)
            (void)fchmod(f->fd, 0666 & ~mask);
    }
    if (f->fd < 0)
        return fail_errno(f, err);
    if (mode)
        (void)fchmod(f->fd, mode); /* a file that is replaced keeps its permissions */
    return FOV_OK;
}

static enum fov_code open_target(struct fov_outfile *f, struct fov_err *err)
{
    struct stat st;
    if (!strcmp(f->path, "-")) {
        f->fd = STDOUT_FILENO;
        f->direct = true;
        return FOV_OK;
    }
    if (stat(f->path, &st)) {
        if (errno != ENOENT)
            return fail_errno(f, err);
        f->target = fov_strdup(f->path);
        return f->target ? open_beside(f, 0, err)
                         : fov_fail(err, FOV_ENOMEM, "%s: no memory to write it", f->path);
    }
    if (S_ISDIR(st.st_mode))
        return fov_fail(err, FOV_EOUTPUT, "%s: is a folder, not a file to write", f->path);
    if (!S_ISREG(st.st_mode)) {
        f->direct = true;
        f->fd = open(f->path, O_WRONLY | O_CLOEXEC);
        return f->fd < 0 ? fail_errno(f, err) : FOV_OK;
    }
    if (!f->replace)
        return fail_exists(f, err);
    f->target = realpath(f->path, NULL);
    if (!f->target || access(f->target, W_OK))
        return fail_errno(f, err);
    return open_beside(f, st.st_mode & 07777, err);
}

enum fov_code fov_outfile_open(const char *path, bool replace, struct fov_outfile **ret_file,
                               struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_outfile *f = fov_calloc(1, sizeof(*f));
    if (!f)
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to write it", path);
    f->fd = -1;
    f->replace = replace;
    if (!(f->path = fov_strdup(path)))
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to write it", path);
    const enum fov_code rc = open_target(f, err);
    if (rc)
        return rc;
    *ret_file = FOV_STEAL(f);
    return FOV_OK;
}

enum fov_code fov_outfile_check(const char *path, bool replace, struct fov_err *err)
{
    struct fov_outfile *file;
    struct stat st;
    if (!strcmp(path, "-") || (!stat(path, &st) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return FOV_OK;
    const enum fov_code rc = fov_outfile_open(path, replace, &file, err);
    if (!rc)
        fov_outfile_close(file);
    return rc;
}

int fov_outfile_fd(const struct fov_outfile *file)
{
    return file->fd;
}

/* Give the file without a name the name `name`; false with errno set. */
static bool link_fd(const struct fov_outfile *f, const char *name)
{
    char from[40];
    (void)snprintf(from, sizeof(from), "/proc/self/fd/%d", f->fd);
    return !linkat(AT_FDCWD, from, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* To replace a file in one step, the bytes need a name to be renamed from. */
static bool rename_over(struct fov_outfile *f)
{
    if (fsync(f->fd)) /* the old file goes: the new one must be on the disk by then */
        return false;
    for (unsigned n = (unsigned)getpid(); !f->has_hidden; n += 7919) {
        (void)snprintf(f->hidden + strlen(f->hidden) - 6, 7, "%06u", n % 1000000);
        f->has_hidden = link_fd(f, f->hidden);
        if (!f->has_hidden && errno != EEXIST)
            return false;
    }
    if (rename(f->hidden, f->target))
        return false;
    f->has_hidden = false;
    return true;
}

static bool link_new(struct fov_outfile *f)
{
    if (!f->has_hidden)
        return link_fd(f, f->target);
    if (renameat2(AT_FDCWD, f->hidden, AT_FDCWD, f->target, RENAME_NOREPLACE)) {
        if (errno != EINVAL || link(f->hidden, f->target))
            return false;
        return true; /* both names lead to it; the hidden one goes with the rest */
    }
    f->has_hidden = false;
    return true;
}

enum fov_code fov_outfile_commit(struct fov_outfile **file, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_outfile *f = FOV_STEAL(*file);
    if (f->direct)
        return FOV_OK;
    if (f->replace ? rename_over(f) : link_new(f))
        return FOV_OK;
    return errno == EEXIST ? fail_exists(f, err) : fail_errno(f, err);
}

bool fov_write_all(int fd, const void *data, size_t bytes)
{
    const char *from = data;
    while (bytes) {
        const ssize_t n = write(fd, from, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : EIO; /* POSIX knows no write of nothing */
            return false;
        }
        from += n;
        bytes -= (size_t)n;
    }
    return true;
}
