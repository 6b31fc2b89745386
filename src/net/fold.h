/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h -- make one convolution of the group that a network was trained with. */
#ifndef FOV_NET_FOLD_H
#define FOV_NET_FOLD_H

#include "net/weights.h"

/* Give every convolution of the file that stands for a group, as fold.c says, the numbers that the
 * group has now. FOV_EMODEL when a group is not complete or its shapes do not fit; FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_fold(struct fov_weights *file, struct fov_err *err);

/* Tensors of the group called `name` besides its convolution: 0 when there is no group. */
size_t fov_fold_n_tensors(const struct fov_weights *file, const char *name);

#endif
