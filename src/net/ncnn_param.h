/* SPDX-License-Identifier: Apache-2.0 */
/* ncnn_param.h -- the graph in an ncnn .param file: layers, and which reads which. */
#ifndef FOV_NET_NCNN_PARAM_H
#define FOV_NET_NCNN_PARAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
    FOV_NCNN_MAX_LAYERS = 4096, /* lines; RRDBNet has 1370 */
    FOV_NCNN_MAX_BLOBS = 16384,
    FOV_NCNN_MAX_INPUTS = 5, /* of one layer */
    FOV_NCNN_N_KEYS = 20,
    FOV_NCNN_MAX_LIST = 4,
};

/* For messages. */
#define FOV_NCNN_KNOWN                                                                             \
    "SRVGGNetCompact (realesr-animevideov3, realesr-general-x4v3) and RRDBNet (realesrgan-x4plus)"

enum fov_ncnn_op {
    FOV_NCNN_INPUT,
    FOV_NCNN_CONVOLUTION, /* 0: channels made, 6: weights, 9: activation, 10: its slope */
    FOV_NCNN_PRELU,       /* 0: slopes */
    FOV_NCNN_RELU,        /* 0: slope */
    FOV_NCNN_INTERP,      /* 0: kind, 1 and 2: factors */
    FOV_NCNN_BINARY_OP,   /* 0: operation, 1: is the second operand the number 2? */
    FOV_NCNN_ELTWISE,     /* a sum; list: factors of the operands */
    FOV_NCNN_CONCAT,
    FOV_NCNN_PIXEL_SHUFFLE, /* 0: factor */
};

struct fov_ncnn_layer {
    enum fov_ncnn_op op;
    char name[32];
    int n_in, in[FOV_NCNN_MAX_INPUTS]; /* layers that make what this one reads; earlier ones */
    int n_readers;                     /* layers that read what this one makes */
    double value[FOV_NCNN_N_KEYS];     /* parameters by their key, defaults filled in */
    int n_list;
    double list[FOV_NCNN_MAX_LIST]; /* the parameter that is a list, when there is one */
};

struct fov_ncnn_net {
    struct fov_ncnn_layer *layers; /* in the order of the file, without Split */
    int n_layers;
};

/* Does this text begin as a .param file does? */
bool fov_ncnn_param_matches(const unsigned char *text, size_t bytes);

/* Read the graph; `file` is for messages. A layer of another type than those above, or with a
 * parameter that changes what it does from what its comment says, is refused. Gives what *ret_net
 * holds; end it with fov_ncnn_net_done(). FOV_EMODEL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_ncnn_net_init(const unsigned char *text, size_t bytes,
                                            const char *file, struct fov_ncnn_net *ret_net,
                                            struct fov_err *err);
void fov_ncnn_net_done(struct fov_ncnn_net *net);

/* A layer's type, as the file spells it. */
const char *fov_ncnn_op_name(enum fov_ncnn_op op);

#endif
