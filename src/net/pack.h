/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h -- a network's weights, re-laid for the kernels. */
#ifndef FOV_NET_PACK_H
#define FOV_NET_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "net/graph.h"

/* A layer in int16 makes 0.03 to 0.24 % of error (docs/internals/engine.md). */
#define FOV_MAX_LAYER_ERROR 0.004

/* The kernel that runs a layer. */
enum fov_method { FOV_DIRECT, FOV_WINOGRAD_F32, FOV_WINOGRAD_I16, FOV_WINOGRAD_BYTES };

/* A layer as wave.c runs it; channels are padded as kernels.h says. */
struct fov_packed_layer {
    int in[FOV_MAX_SOURCES], n_in;
    int add[FOV_MAX_ADDS]; /* conv.n_adds of them */
    int resolution;        /* of the rows that it computes, times that of the input */
    int side;              /* each pixel computed becomes side x side pixels that it leaves */
    size_t n_ch;           /* of a pixel that it leaves */
    int in_ch, out_ch;     /* of the file's convolution */
    enum fov_method method;
    double error;         /* of int16 on trial, as a part of the layer's result; 0: not tried */
    struct fov_conv conv; /* of layer 0: nothing */
};

/* The last layer keeps its pixels unshuffled (side 1): channel (dy * result_side + dx) * 3 + c is
 * colour c of the pixel at (dx, dy). */
struct fov_packed {
    const char *architecture;
    int scale, unshuffle, result_side;
    float mean[3];
    bool base;
    enum fov_element element; /* of what layers leave; the input is float32 */
    int n_layers;
    int n_channels;                          /* of the widest layer, before padding */
    long long n_parameters, n_multiply_adds; /* for a pixel of the picture */
    size_t scratch_bytes;                    /* that a kernel needs for the largest layer */
    struct fov_packed_layer *layers;
    void *block; /* what all layers point to; one, since large blocks have large pages */
    void **own;  /* [n_layers]: instead, of those that turned out to need more than their part */
};

/* Lay out the weights of a checked graph. `exact`: float32 throughout. Otherwise what layers leave
 * is float16 and channels are balanced (equalise.h), and each 3x3 layer is tried in int16 (trial.h)
 * with `kernels` and keeps it if its error is at most FOV_MAX_LAYER_ERROR; a network with a layer
 * that leaves the range of float16 becomes exact. Up to `n_threads` work
 * on it, and have ended when it returns. Gives what *ret_packed holds; end it with
 * fov_packed_done(). FOV_EMODEL for a weight of a wrong type or not finite, FOV_ENOMEM.
 */
FOV_CHECKED enum fov_code fov_packed_init(const struct fov_graph *g,
                                          const struct fov_kernels *kernels, bool exact,
                                          int n_threads, struct fov_packed *ret_packed,
                                          struct fov_err *err);
void fov_packed_done(struct fov_packed *packed);

/* The kernel for a method. */
static inline fov_conv_fn *fov_kernel_for(const struct fov_kernels *k, enum fov_method method)
{
    switch (method) {
    case FOV_WINOGRAD_F32:
        return k->conv_winograd_f32;
    case FOV_WINOGRAD_I16:
    case FOV_WINOGRAD_BYTES:
        return k->conv_winograd_i16;
    case FOV_DIRECT:
        break;
    }
    return k->conv_direct;
}

#endif
