/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h -- a network's weights, re-laid for the kernels. */
#ifndef FOV_NET_PACK_H
#define FOV_NET_PACK_H

#include <stddef.h>

#include "net/graph.h"

/* A layer as the wavefront runs it; channels are padded as kernels.h says. */
struct fov_packed_layer {
    int in, add;
    size_t in_ch, out_ch; /* layer 0: out_ch is FOV_INPUT_CHANNELS */
    const float *weights, *bias, *slope;
};

struct fov_packed {
    const char *architecture;
    int scale;
    float mean;
    int n_layers;
    int n_channels; /* of the widest layer, before padding */
    long long n_parameters, n_multiply_adds;
    struct fov_packed_layer *layers;
    float *block; /* everything the layers point to */
};

/* Lay out the weights of a checked graph. Gives what *ret_packed holds; end it with
 * fov_packed_done(). FOV_EMODEL for a weight of a wrong type or not finite, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_packed_init(const struct fov_graph *g, struct fov_packed *ret_packed,
                                          struct fov_err *err);
void fov_packed_done(struct fov_packed *packed);

#endif
