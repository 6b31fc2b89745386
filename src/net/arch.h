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
    bool (*matches)(const struct fov_safetensors *file);
    /* Append all layers; every tensor of the file must end up in one. */
    enum fov_code (*build)(struct fov_graph *g, struct fov_err *err);
};

extern const struct fov_arch fov_arch_compact;
extern const struct fov_arch fov_arch_residual;

/* Make *ret_graph the checked graph of the network in `file`, which must outlive it. FOV_EMODEL
 * when none matches: the sentence lists what is supported and the first tensors seen. */
FOV_CHECKED enum fov_code fov_arch_build(const struct fov_safetensors *file,
                                         struct fov_graph *ret_graph, struct fov_err *err);

#endif
