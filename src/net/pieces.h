/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.h -- a picture too wide for the memory it may take, as pieces that overlap.
 *
 * A wave's memory grows with the width. Beyond a limit, the picture is cut into columns, and these
 * into chunks of rows, each run as a picture of its own with so much around it that what is kept
 * has the bits of the picture run at once (fov_plan_overlap). What is around is computed twice, so
 * this takes longer, and is for what would not run otherwise.
 */
#ifndef FOV_NET_PIECES_H
#define FOV_NET_PIECES_H

#include "net/wave.h"

struct fov_pieces;

/* As fov_wave_open() and the others of wave.h, within options->max_memory_bytes, which must not be
 * 0 here. FOV_ELIMIT when even pieces take more. */
FOV_CHECKED enum fov_code fov_pieces_open(const struct fov_packed *net,
                                          const struct fov_kernels *kernels, struct fov_pool *pool,
                                          const struct fov_stream_options *options,
                                          struct fov_pieces **ret_pieces, struct fov_err *err);
void fov_pieces_close(struct fov_pieces *pieces);
FOV_CHECKED enum fov_code fov_pieces_read(struct fov_pieces *pieces, int n_rows, void *rows,
                                          struct fov_err *err);
void fov_pieces_cancel(struct fov_pieces *pieces);

/* Bytes that fov_pieces_open() would take; 0 for what it would refuse. */
size_t fov_pieces_memory(const struct fov_packed *net, int n_threads, const struct fov_shape *shape,
                         size_t limit_bytes);

#endif
