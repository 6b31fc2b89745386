/* SPDX-License-Identifier: Apache-2.0 */
/* equalise.h -- balance the channels of a network, so that they can share one scale in int16.
 *
 * A tile is quantised with one scale for all of its channels; a channel a hundred times smaller
 * than another then keeps seven bits less. But a channel may be divided by any positive number
 * where it is made, if its weights are multiplied by that number where it is read: ReLU, LeakyReLU
 * and PReLU let it through. Nagel et al., Data-Free Quantization through Weight Equalization and
 * Bias Correction (arXiv:1906.04721).
 */
#ifndef FOV_NET_EQUALISE_H
#define FOV_NET_EQUALISE_H

#include "net/graph.h"

/* The numbers of one layer: [out_ch][in_ch][taps][taps], [out_ch], [out_ch] or NULL. */
struct fov_layer_weights {
    float *weight, *bias, *slope;
};

/* Balance all channels of the network in place; layers[i] belongs to graph layer i. Channels that
 * pass through SiLU or a gate, that are the input, or that are the result stay as they are; layers
 * that are added to each other are balanced together. FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_equalise(const struct fov_graph *g, struct fov_layer_weights *layers,
                                       struct fov_err *err);

#endif
