/* SPDX-License-Identifier: Apache-2.0 */
/* trial.h -- try each layer of a network in int16 against float32 before it is used.
 *
 * How well a layer bears rounding depends on its weights and on what it is given, so each is run on
 * a small picture, in both arithmetics, on the same input.
 */
#ifndef FOV_NET_TRIAL_H
#define FOV_NET_TRIAL_H

#include "net/whole.h"

struct fov_trial {
    struct fov_whole exact, fast;
};

/* Begin with the first layer of `net`, which must have its shapes and keep its place. Gives what
 * *ret_trial holds; end it with fov_trial_done(). FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_trial_init(const struct fov_packed *net, struct fov_trial *ret_trial,
                                         struct fov_err *err);
void fov_trial_done(struct fov_trial *trial);

/* The next layer, number i: run it as `exact` says and as `fast` says, both on what the exact
 * layers before it left, and return the norm of the difference as a part of the norm of the exact
 * result. Infinite where a number overflows. */
double fov_trial_layer(struct fov_trial *trial, const struct fov_kernels *kernels, int i,
                       const struct fov_packed_layer *exact, const struct fov_packed_layer *fast);

#endif
