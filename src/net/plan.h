/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h -- what a picture of some width needs to run through a network row by row.
 *
 * Every layer works in blocks of `block_rows` rows, and block b of a layer with offset k covers the
 * rows from b * block_rows - k: each layer's grid is shifted up by the rows that it looks ahead,
 * so that block b of a layer needs no more than block b of the layers it reads.
 *
 *     offset 0   |  0  1  2  3 |  4  5  6  7 |  8 ...      input
 *     offset 1   |  .  0  1  2 |  3  4  5  6 |  7 ...      first convolution
 *     offset 2   |  .  .  0  1 |  2  3  4  5 |  6 ...      second
 *                    block 0       block 1
 *
 * A layer keeps its last `ring_rows` rows: what its slowest reader still needs and what it may run
 * ahead. Memory therefore grows with the width of a picture and not with its height.
 */
#ifndef FOV_NET_PLAN_H
#define FOV_NET_PLAN_H

#include "net/pack.h"

#define FOV_MAX_SIDE_PX (1 << 20)

/* Layer `to` reads layer `from`, `halo` rows (0 or 1) around each row of its own. */
struct fov_edge {
    int from, to, halo;
};

struct fov_plan_layer {
    int offset;
    int ring_rows;
    size_t row_floats;           /* from one row of the ring to the next */
    size_t at;                   /* of the ring in the arena, in floats */
    int first_edge, n_edges;     /* to the layers it reads, in edges_in */
    int first_reader, n_readers; /* from the layers that read it, in edges_out */
};

/* The result counts as a layer of its own, number n_layers - 1, which reads the last convolution
 * and the input; its rows are those of the input, each scale rows of the result. */
struct fov_plan {
    int width, height; /* of the input, px */
    int block_rows, n_blocks;
    int n_layers; /* the result counted */
    int n_edges;
    struct fov_plan_layer *layers;
    struct fov_edge *edges_in;   /* sorted by `to` */
    struct fov_edge *edges_out;  /* sorted by `from` */
    size_t zero_at, zero_floats; /* the row above the first and below the last */
    size_t arena_floats;
};

/* Plan a picture of width x height for `n_threads`. Gives what *ret_plan holds; end it with
 * fov_plan_done(). FOV_EUSAGE when a side is outside 1..FOV_MAX_SIDE_PX, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_plan_init(const struct fov_packed *net, int width, int height,
                                        int n_threads, struct fov_plan *ret_plan,
                                        struct fov_err *err);
void fov_plan_done(struct fov_plan *plan);

/* Rows above a block's rows and below them that can reach it: the radius of the network. */
int fov_plan_radius(const struct fov_plan *plan);

/* First row that block `b` of layer `l` covers; may lie outside the picture. */
static inline int fov_plan_first_row(const struct fov_plan *p, int l, int b)
{
    return b * p->block_rows - p->layers[l].offset;
}

#endif
