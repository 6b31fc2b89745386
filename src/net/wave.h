/* SPDX-License-Identifier: Apache-2.0 */
/* wave.h -- one picture on its way through a network, row by row. */
#ifndef FOV_NET_WAVE_H
#define FOV_NET_WAVE_H

#include "base/pool.h"
#include "fovea/fovea.h"
#include "net/kernels/kernels.h"
#include "net/pack.h"

struct fov_wave;

/* Begin a picture: plan it and take all the memory it will need. Gives *ret_wave; end it with
 * fov_wave_close(). Keeps `net`, `kernels` and `pool`. Errors of fov_stream_open(). */
FOV_CHECKED enum fov_code fov_wave_open(const struct fov_packed *net,
                                        const struct fov_kernels *kernels, struct fov_pool *pool,
                                        const struct fov_stream_options *options,
                                        struct fov_wave **ret_wave, struct fov_err *err);
void fov_wave_close(struct fov_wave *wave);

/* Begin again, with another picture of the same shape. A cancelled wave stays cancelled. */
void fov_wave_restart(struct fov_wave *wave);

/* As fov_stream_read() and fov_stream_cancel(). */
FOV_CHECKED enum fov_code fov_wave_read(struct fov_wave *wave, int n_rows, void *rows,
                                        struct fov_err *err);
void fov_wave_cancel(struct fov_wave *wave);

/* Bytes that fov_wave_open() would take; 0 for a shape it would refuse. */
size_t fov_wave_memory(const struct fov_packed *net, int n_threads, const struct fov_shape *shape);

#endif
