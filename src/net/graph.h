/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h -- a network as a list of layers, in the order in which they can be computed.
 *
 * Layer 0 is the input, RGB minus `mean`, times `input_gain`; `unshuffle` > 1 makes each square of
 * that many pixels one pixel with three times as many channels squared first (PyTorch's
 * pixel_unshuffle). Every other layer is
 *
 *     v   = gain * (convolution(nearest(in[0] | in[1] | ..., enlarge)) + bias)
 *     out = pixel_shuffle(activation(v), shuffle) + sum of add_scale[i] * add[i]
 *
 * with in[] side by side as channels, a convolution of 3x3 with one pixel of zeros around it or of
 * 1x1, and activations as kernels.h defines them. The last layer leaves three channels; the result
 * is
 *
 *     output_gain * last + output_mean + (base ? nearest(input, scale) : 0)
 *
 * That is what the networks of arch.h have in common; a kind of layer that a new one needs is added
 * here, in pack.h (how its weights lie) and in wave.c (how its rows are made).
 */
#ifndef FOV_NET_GRAPH_H
#define FOV_NET_GRAPH_H

#include <stdbool.h>

#include "net/kernels/kernels.h"
#include "net/weights.h"

#define FOV_MAX_LAYERS    512
#define FOV_MAX_CHANNELS  1024 /* of one layer */
#define FOV_MAX_SCALE     4
#define FOV_MAX_UNSHUFFLE 4

/* As `shuffle`: whatever leaves three channels. */
#define FOV_SHUFFLE_TO_RGB (-1)

struct fov_layer {
    int in[FOV_MAX_SOURCES]; /* earlier layers */
    int n_in;
    int add[FOV_MAX_ADDS];         /* earlier layers; not with a shuffle, and never the input */
    float add_scale[FOV_MAX_ADDS]; /* of FOV_GATE the first is not used */
    int n_adds;
    int enlarge, shuffle;           /* 0 is 1 */
    float gain;                     /* 0 is 1; positive */
    enum fov_activation activation; /* FOV_LINEAR is 0 */
    float leak;                     /* of FOV_PRELU without `slope`: the slope of all channels */
    const struct fov_tensor
        *slope; /* of FOV_PRELU: one number a channel, or one for all; or NULL */

    /* Set by fov_graph_add() and fov_graph_check(). */
    const struct fov_tensor *weight; /* [out_ch][in_ch][taps][taps] */
    const struct fov_tensor *bias;   /* [out_ch], or NULL: zeros */
    int taps, in_ch, out_ch;         /* of the convolution */
    int resolution;                  /* of the result, times that of the input */
};

struct fov_graph {
    const char *architecture;
    const struct fov_weights *file; /* where the tensors live */
    int unshuffle;
    float mean[3], input_gain, output_gain, output_mean[3];
    bool base;
    int scale;        /* set by fov_graph_check() */
    int n_layers;     /* the input counted */
    size_t n_tensors; /* of the file, that layers use or that were said not to matter */
    struct fov_layer layers[FOV_MAX_LAYERS];
};

/* An empty graph: the input as it is, nothing added to the result. */
void fov_graph_init(struct fov_graph *g, const char *architecture, const struct fov_weights *file);

/* Append `layer` with the tensors called `name`.weight and `name`.bias, if there is one; with n_in
 * 0 it reads the layer before. FOV_EMODEL when there is no such convolution, or over
 * FOV_MAX_LAYERS. */
FOV_CHECKED enum fov_code fov_graph_add(struct fov_graph *g, const struct fov_layer *layer,
                                        const char *name, struct fov_err *err);

/* The tensor called `name`, counted as used, or NULL. */
const struct fov_tensor *fov_graph_find(struct fov_graph *g, const char *name);

/* Channels that layer `i` leaves. */
int fov_graph_channels(const struct fov_graph *g, int i);

/* Prove that the layers fit together: order, channels, shapes, resolutions, and three channels at
 * the end; sets `scale` and every `resolution`. Everything behind this call may rely on it.
 * FOV_EMODEL. */
FOV_CHECKED enum fov_code fov_graph_check(struct fov_graph *g, struct fov_err *err);

#endif
