/* SPDX-License-Identifier: Apache-2.0 */
/* u2net.h -- U^2-Net: what stands in front in a picture, for cutting it out. */
#ifndef FOV_NET_U2NET_H
#define FOV_NET_U2NET_H

#include "base/err.h"
#include "base/pool.h"

enum { FOV_U2NET_SIDE = 320 }; /* of the square that its published weights are trained on */

struct fov_u2net;

/* Read a U^2-Net of any width from the model file `path` (.pth, .safetensors). It computes with
 * `pool`, which must outlive it; one picture at a time. Gives *ret_net; end it with
 * fov_u2net_close(). FOV_EMODEL, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_u2net_open(const char *path, struct fov_pool *pool,
                                         struct fov_u2net **ret_net, struct fov_err *err);
void fov_u2net_close(struct fov_u2net *net);

/* Run it: `rgb` are 3 planes of side x side floats, normalised as it was trained, `side` a multiple
 * of 32 from 64 to 1024. Writes side x side floats from 0, ground, to 1. FOV_EUSAGE, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_u2net_run(struct fov_u2net *net, const float *rgb, int side,
                                        float *front, struct fov_err *err);

#endif
