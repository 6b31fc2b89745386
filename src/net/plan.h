/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h -- what a picture of some width needs to run through a network band by band.
 *
 * Every layer works in blocks of FOV_TILE_ROWS rows of the input, which are `resolution` times as
 * many rows of its own, and block b of a layer with offset k covers the rows from b * block_rows -
 * k: each layer's grid is shifted up by the rows that it looks ahead, so that block b of a layer
 * needs no more than block b of the layers it reads.
 *
 *     offset 0   |  0  1  2  3 |  4  5  6  7 |  8 ...      input
 *     offset 1   |  .  0  1  2 |  3  4  5  6 |  7 ...      first convolution
 *     offset 2   |  .  .  0  1 |  2  3  4  5 |  6 ...      second
 *                    block 0       block 1
 *
 * Some blocks are a band. A band runs layer by layer, so that what a layer leaves is read again
 * while it is in the cache, and layers that are not needed at the same time use the same memory, a
 * *slot*. The last `keep` rows that a layer leaves are needed again in the next band: they are
 * *carried*, in memory of their own, one place for even bands and one for odd. Memory therefore
 * grows with the width of a picture and not with its height.
 *
 * The rows that a layer computes and those that it leaves differ where it enlarges: row y computed
 * is the rows left from y * side on. Blocks and offsets count rows computed.
 */
#ifndef FOV_NET_PLAN_H
#define FOV_NET_PLAN_H

#include "net/pack.h"

#define FOV_MAX_SIDE_PX (1 << 20)

/* Layer `to` reads layer `from`, `halo` rows (0 or 1) around each row of its own; row y that it
 * computes stands beside row y / ratio of those that it reads. */
struct fov_edge {
    int from, to, halo, ratio;
};

struct fov_plan_layer {
    int height;     /* rows that it computes */
    int block_rows; /* of them */
    int offset;
    int side;         /* rows that it leaves for each of them */
    size_t n_px;      /* pixels computed in a row */
    size_t row_bytes; /* from one row to the next, of those that it leaves */
    size_t at;        /* of its slot in the arena, in bytes; of layer 0: of its ring */
    int ring_rows;    /* layer 0 only: it is filled while bands run, row y at y % ring_rows */
    int keep;         /* rows left that the next band reads again */
    size_t carry_at;  /* 2 * keep rows */
    int before;       /* the layer that has the slot before it, itself or a later one: a band ago */
    int first_edge, n_edges;     /* to the layers it reads, in edges_in */
    int first_reader, n_readers; /* from the layers that read it, in edges_out */
};

/* The result counts as a layer of its own, number n_layers - 1, which reads the last convolution
 * and, with a base, the input; its rows are those of the last convolution, each result_side rows of
 * the result. */
struct fov_plan {
    int n_blocks, band_blocks; /* band_blocks: at most FOV_MAX_BAND_BLOCKS */
    int n_layers;              /* the result counted */
    int n_edges;
    struct fov_plan_layer *layers;
    struct fov_edge *edges_in;  /* sorted by `to` */
    struct fov_edge *edges_out; /* sorted by `from` */
    size_t zero_at, zero_bytes; /* the row above the first and below the last */
    size_t arena_bytes;
};
#define FOV_MAX_BAND_BLOCKS 64

/* Plan a picture of width x height, the network's `unshuffle` already taken off, for `n_threads`.
 * Gives what *ret_plan holds; end it with fov_plan_done(). FOV_EUSAGE when a side is
 * none, FOV_ELIMIT when it is over FOV_MAX_SIDE_PX, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_plan_init(const struct fov_packed *net, int width, int height,
                                        int n_threads, struct fov_plan *ret_plan,
                                        struct fov_err *err);
void fov_plan_done(struct fov_plan *plan);

/* Pixels of the input, along each side, that can reach a pixel of the result. */
int fov_plan_radius(const struct fov_plan *plan);

/* Pixels of the input around a part of a picture, cut at whole tiles, with which the part gets the
 * bits that it has in the whole. More than the radius: the arithmetic of a tile is one (its scale,
 * its transforms), so what is wrong in a corner of it is wrong, by rounding, in all of it, and each
 * layer carries that on by a tile. */
static inline int fov_plan_overlap(const struct fov_plan *plan)
{
    return FOV_TILE_PX * fov_plan_radius(plan);
}

/* From the first byte of a row to its pixel 0. */
static inline size_t fov_row_margin(const struct fov_packed_layer *l, int layer,
                                    enum fov_element element)
{
    return l->n_ch * (layer == 0 || element == FOV_ELEMENT_F32 ? 4 : 2);
}

/* First row that block `b` of layer `l` computes; may lie outside the picture. */
static inline int fov_plan_first_row(const struct fov_plan *p, int l, int b)
{
    return b * p->layers[l].block_rows - p->layers[l].offset;
}

/* First row that layer `l` leaves in the band that block `b` belongs to; may lie outside. */
static inline int fov_plan_band_row(const struct fov_plan *p, int l, int b)
{
    const int first = b / p->band_blocks * p->band_blocks;
    return fov_plan_first_row(p, l, first) * p->layers[l].side;
}

/* Rows that layer `l` leaves in a band. */
static inline int fov_plan_band_rows(const struct fov_plan *p, int l)
{
    return p->band_blocks * p->layers[l].block_rows * p->layers[l].side;
}

#endif
