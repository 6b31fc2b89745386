/* SPDX-License-Identifier: Apache-2.0 */
/* dials.h -- which files a network with its dials turned is made of. */
#ifndef FOV_NET_DIALS_H
#define FOV_NET_DIALS_H

#include "fovea/fovea.h"
#include "net/weights.h"

enum { FOV_MAX_DIALLED = 4 };

struct fov_dialled {
    struct fov_dials dials;                       /* as they were found to stand */
    struct fov_model_part parts[FOV_MAX_DIALLED]; /* the file itself first */
    int n_parts;
    char *paths[FOV_MAX_DIALLED]; /* of the others */
};

/* Find the partners that the metadata of `file`, read from `path`, name, and what share each has:
 * detail d and denoise n make (1 - d) * n of the file, d * n of the detailed network, (1 - d) * (1
 * - n) of the clean one and d * (1 - n) of the clean detailed one. Where there is none of those,
 * what the detailed network adds to the file is added whatever n is: n - d of the file, d of the
 * detailed network and 1 - n of the clean one. Gives *ret_dialled, which points to `path`; end it
 * with fov_dialled_done(), after a failure as well. FOV_EUSAGE, FOV_EMODEL, FOV_ENOMEM: see
 * fov_model_open_dialled(). */
FOV_CHECKED enum fov_code fov_dialled_init(const struct fov_weights *file, const char *path,
                                           const struct fov_dials *dials,
                                           struct fov_dialled *ret_dialled, struct fov_err *err);
void fov_dialled_done(struct fov_dialled *dialled);

#endif
