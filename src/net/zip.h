/* SPDX-License-Identifier: Apache-2.0 */
/* zip.h -- the entries of a zip file that is held in memory, proven to lie where they say.
 *
 * For files that are zip only so that several things fit into one, as those of PyTorch: entries
 * are stored, not compressed, so that what is in them can be used where it lies. */
#ifndef FOV_NET_ZIP_H
#define FOV_NET_ZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct fov_zip_entry {
    const char *name; /* not ended with NUL */
    size_t name_bytes;
    const unsigned char *begin; /* of its header */
    const unsigned char *data;
    size_t bytes;
};

struct fov_zip {
    struct fov_zip_entry *entries; /* sorted by name */
    size_t n;
};

bool fov_zip_matches(const unsigned char *data, size_t bytes);

/* Read the directory of the zip file in `data`, which must outlive the result; `file` is for
 * messages. Proves that every entry is stored as it is, lies between the beginning and the
 * directory, overlaps no other and has a name of its own. Gives what *ret_zip holds; end it with
 * fov_zip_done(). FOV_EMODEL, also for a zip64 file of more than 4 GiB, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_zip_init(const unsigned char *data, size_t bytes, const char *file,
                                       struct fov_zip *ret_zip, struct fov_err *err);
void fov_zip_done(struct fov_zip *zip);

/* The entry whose name is `name`, `name_bytes` long, or NULL. */
const struct fov_zip_entry *fov_zip_find(const struct fov_zip *zip, const char *name,
                                         size_t name_bytes);

#endif
