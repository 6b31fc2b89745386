/* SPDX-License-Identifier: Apache-2.0 */
/* whole.h -- a small picture through a network with every layer complete and kept.
 *
 * The plain way that bands replace, for trials of layers (trial.h) and as what
 * wave.c must equal bit for bit.
 */
#ifndef FOV_NET_WHOLE_H
#define FOV_NET_WHOLE_H

#include "net/kernels/kernels.h"
#include "net/plan.h"

struct fov_whole {
    const struct fov_packed *net;
    enum fov_element element; /* of all layers but the input's */
    struct fov_plan plan;
    unsigned char *rows;    /* of all layers */
    unsigned char **layers; /* [n_layers]: its rows, a row of zeros above and below */
    void *scratch;
};

/* Take memory for a picture of width x height; the layers of `net` must have their shapes, weights
 * are not needed. Gives what *ret_whole holds; end it with fov_whole_done(). FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_whole_init(const struct fov_packed *net, enum fov_element element,
                                         int width, int height, struct fov_whole *ret_whole,
                                         struct fov_err *err);
void fov_whole_done(struct fov_whole *whole);

/* Row y of what layer i leaves, from pixel 0; y = -1 and the row behind the last are zeros. */
void *fov_whole_row(const struct fov_whole *whole, int i, int y);

/* Pixels in a row and rows of what layer i leaves. */
int fov_whole_width(const struct fov_whole *whole, int i);
int fov_whole_height(const struct fov_whole *whole, int i);

/* Set the input: `rgb` is (height * unshuffle, width * unshuffle, 3), 0..1. */
void fov_whole_input(struct fov_whole *whole, const float *rgb);

/* Compute layer i as `layer` says, whose elements must be those of `whole`. */
void fov_whole_run(struct fov_whole *whole, const struct fov_kernels *kernels, int i,
                   const struct fov_packed_layer *layer);

#endif
