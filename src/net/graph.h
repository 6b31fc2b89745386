/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h -- a network as a list of layers, in the order in which they can be computed.
 *
 * Layer 0 is the input, (height, width, 3) as RGB minus `mean`. Every other layer is
 *
 *     out = activation(conv3x3(in) + bias) + add
 *
 * with one pixel of zeros around `in`. The result is
 *
 *     pixel_shuffle(last layer, scale) + nearest(input, scale)
 *
 * That is what the networks of arch.h have in common; a kind of layer that a new one needs is added
 * here, in plan.h (which rows it reads) and in wave.c (how a row is made).
 */
#ifndef FOV_NET_GRAPH_H
#define FOV_NET_GRAPH_H

#include "net/safetensors.h"

#define FOV_MAX_LAYERS   512
#define FOV_MAX_CHANNELS 1024
#define FOV_MAX_SCALE    4

struct fov_layer {
    int in;  /* the layer it reads, an earlier one */
    int add; /* the layer added after the activation, or -1 */
    int in_ch, out_ch;
    const struct fov_tensor *weight; /* [out_ch][in_ch][3][3] */
    const struct fov_tensor *bias;   /* [out_ch] */
    const struct fov_tensor *slope;  /* PReLU's, [out_ch]; NULL: no activation */
};

struct fov_graph {
    const char *architecture;
    const struct fov_safetensors *file; /* where the tensors live */
    int scale;
    float mean;
    int n_layers; /* the input counted */
    struct fov_layer layers[FOV_MAX_LAYERS];
};

/* Append a layer, with the channels its weight has. `weight`, `bias` and `slope` are names; `slope`
 * may be NULL. FOV_EMODEL when a tensor is missing or a weight is not 3x3, or over FOV_MAX_LAYERS.
 */
FOV_CHECKED enum fov_code fov_graph_add(struct fov_graph *g, int in, int add, const char *weight,
                                        const char *bias, const char *slope, struct fov_err *err);

/* Prove that the layers fit together: order, channels, shapes, and a last layer of 3 * scale^2
 * channels; `scale` is set from it. Everything behind this call may rely on it. FOV_EMODEL. */
FOV_CHECKED enum fov_code fov_graph_check(struct fov_graph *g, struct fov_err *err);

#endif
