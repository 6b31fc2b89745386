/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c -- ring sizes, offsets and the arena of one picture.
 *
 * The workload that shaped it: 500x500 with 18 or 33 layers of 64 channels on 2 cores, and
 * 6000 px wide pictures in a few hundred megabytes. Blocks are about 1024 pixels: below that the
 * bookkeeping of a task shows, above it rings only grow. A ring holds what its reader needs plus
 * RUN_AHEAD blocks; across a long skip (the head of a residual network is read again 17 layers
 * later) as many more as there can be blocks in work between the two ends, or threads to work on
 * them.
 *
 * Threads: one. Owns: the lists of a plan. Trust: sides come from pictures and are bounded here.
 */
#include "net/plan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/kernels/kernels.h"

enum { BLOCK_PX = 1024, MAX_BLOCK_ROWS = 4, RUN_AHEAD = 1, LINE_FLOATS = 16 };

void fov_plan_done(struct fov_plan *plan)
{
    fov_free(plan->layers);
    fov_free(plan->edges_in);
    fov_free(plan->edges_out);
    *plan = (struct fov_plan){0};
}

static void add_edge(struct fov_plan *p, int from, int to, int halo)
{
    struct fov_plan_layer *const l = &p->layers[to];
    p->edges_in[p->n_edges++] = (struct fov_edge){from, to, halo};
    l->n_edges++;
    if (p->layers[from].offset + halo > l->offset)
        l->offset = p->layers[from].offset + halo;
}

static int by_from(const void *a, const void *b)
{
    const struct fov_edge *x = a, *y = b;
    return x->from != y->from ? x->from - y->from : x->to - y->to;
}

static void connect_layers(const struct fov_packed *net, struct fov_plan *p)
{
    const int result = net->n_layers;
    for (int i = 1; i < net->n_layers; i++) {
        p->layers[i].first_edge = p->n_edges;
        add_edge(p, net->layers[i].in, i, 1);
        if (net->layers[i].add >= 0)
            add_edge(p, net->layers[i].add, i, 0);
    }
    p->layers[result].first_edge = p->n_edges;
    add_edge(p, result - 1, result, 0);
    add_edge(p, 0, result, 0);

    for (int e = 0; e < p->n_edges; e++)
        p->edges_out[e] = p->edges_in[e];
    qsort(p->edges_out, (size_t)p->n_edges, sizeof(*p->edges_out), by_from);
    for (int e = p->n_edges - 1; e >= 0; e--) {
        p->layers[p->edges_out[e].from].first_reader = e;
        p->layers[p->edges_out[e].from].n_readers++;
    }
}

/* Rows that layer `from` must keep for the reader at the other end of `e`. */
static int rows_for(const struct fov_plan *p, const struct fov_edge *e, int n_threads)
{
    const int distance = p->layers[e->to].offset - p->layers[e->from].offset;
    const int in_work = distance < 2 * n_threads ? distance : 2 * n_threads;
    const int ahead = in_work > RUN_AHEAD ? in_work : RUN_AHEAD;
    return distance + e->halo + p->block_rows * (1 + ahead);
}

static void size_rings(const struct fov_packed *net, struct fov_plan *p, int n_threads)
{
    size_t most_channels = FOV_INPUT_CHANNELS;
    for (int i = 0; i < net->n_layers; i++) {
        struct fov_plan_layer *const l = &p->layers[i];
        const size_t channels = net->layers[i].out_ch;
        for (int r = 0; r < l->n_readers; r++) {
            const int rows = rows_for(p, &p->edges_out[l->first_reader + r], n_threads);
            l->ring_rows = rows > l->ring_rows ? rows : l->ring_rows;
        }
        l->row_floats =
            fov_round_up(((size_t)p->width + 2 + FOV_ROW_SLACK_PX) * channels, LINE_FLOATS);
        l->at = p->arena_floats;
        p->arena_floats += (size_t)l->ring_rows * l->row_floats;
        most_channels = channels > most_channels ? channels : most_channels;
    }
    p->zero_at = p->arena_floats;
    p->zero_floats = ((size_t)p->width + 2 + FOV_ROW_SLACK_PX) * most_channels;
    p->arena_floats += p->zero_floats;
}

enum fov_code fov_plan_init(const struct fov_packed *net, int width, int height, int n_threads,
                            struct fov_plan *ret_plan, struct fov_err *err)
{
    if (width < 1 || height < 1 || width > FOV_MAX_SIDE_PX || height > FOV_MAX_SIDE_PX)
        return fov_fail(err, FOV_EUSAGE, "a picture of %dx%d: sides go from 1 to %d", width, height,
                        FOV_MAX_SIDE_PX);

    const int n_layers = net->n_layers + 1, rows = BLOCK_PX / width;
    FOV_AUTO(fov_plan_done)
    struct fov_plan p = {
        .width = width,
        .height = height,
        .block_rows = rows < 1                ? 1
                      : rows > MAX_BLOCK_ROWS ? MAX_BLOCK_ROWS
                                              : rows,
        .n_layers = n_layers,
        .layers = fov_calloc((size_t)n_layers, sizeof(*p.layers)),
        .edges_in = fov_calloc(2 * (size_t)n_layers, sizeof(*p.edges_in)),
        .edges_out = fov_calloc(2 * (size_t)n_layers, sizeof(*p.edges_out)),
    };
    if (!p.layers || !p.edges_in || !p.edges_out)
        return fov_fail(err, FOV_ENOMEM, "no memory to plan %d layers", n_layers);

    connect_layers(net, &p);
    size_rings(net, &p, n_threads);
    p.n_blocks = (height + p.layers[n_layers - 1].offset + p.block_rows - 1) / p.block_rows;
    *ret_plan = p;
    p = (struct fov_plan){0}; /* given away */
    return FOV_OK;
}

int fov_plan_radius(const struct fov_plan *plan)
{
    return plan->layers[plan->n_layers - 1].offset;
}
