/* SPDX-License-Identifier: Apache-2.0 */
/* arch.h -- recognise a network by the names of its tensors and build its graph. */
#ifndef FOV_NET_ARCH_H
#define FOV_NET_ARCH_H

#include <stdbool.h>

#include "net/graph.h"

/* One architecture; a file arch_<name>.c each. */
struct fov_arch {
    const char *name;
    const char *what; /* for messages: what it is known as */
    bool (*matches)(const struct fov_weights *file);
    /* Append all layers; every tensor of the file must end up in one. */
    enum fov_code (*build)(struct fov_graph *g, struct fov_err *err);
};

extern const struct fov_arch fov_arch_compact;
extern const struct fov_arch fov_arch_edsr;
extern const struct fov_arch fov_arch_esrgan;
extern const struct fov_arch fov_arch_residual;
extern const struct fov_arch fov_arch_span;

/* Make *ret_graph the checked graph of the network in `file`, which must outlive it; convolutions
 * that stand for a group of the network's training get the numbers of the group (fold.h). When none
 * matches, FOV_EMODEL: the sentence lists what is supported and the first tensors seen. FOV_ENOMEM
 * while folding. */
FOV_CHECKED enum fov_code fov_arch_build(struct fov_weights *file, struct fov_graph *ret_graph,
                                         struct fov_err *err);

#endif
