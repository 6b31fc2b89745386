/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c -- bands, slots and the arena of one picture.
 *
 * The workload that shaped it: 500x500 with 18 or 33 layers of 64 channels on 2 cores, dense blocks
 * of hundreds of layers, and 6000 px wide pictures in a few hundred megabytes. A band has two
 * blocks for each thread and at least MIN_BAND, so that threads find work inside of a layer. Slots
 * are given as registers are: a layer takes one whose last occupant is read no more, and was read
 * no more by the two layers just before either, so that threads may run ahead of each other. Only
 * layers with the same rows share, so that the zeros around the pixels stay.
 *
 * Threads: one. Owns: the lists of a plan. Trust: sides come from pictures and are bounded here.
 */
#include "net/plan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/kernels/kernels.h"
#include "net/kernels/winograd.h"

enum { MIN_BAND = 4, LINE_BYTES = 64, SLACK_LAYERS = 2 };

void fov_plan_done(struct fov_plan *plan)
{
    fov_free(plan->layers);
    fov_free(plan->edges_in);
    fov_free(plan->edges_out);
    *plan = (struct fov_plan){0};
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int greatest(int a, int b)
{
    return a > b ? a : b;
}

static int rows_up(int rows, int ratio)
{
    return (rows + ratio - 1) / ratio;
}

static void add_edge(struct fov_plan *p, int from, int to, int halo, int ratio)
{
    struct fov_plan_layer *const l = &p->layers[to];
    const int needed = (p->layers[from].offset * p->layers[from].side + halo) * ratio;
    p->edges_in[p->n_edges++] = (struct fov_edge){from, to, halo, ratio};
    l->n_edges++;
    if (needed > l->offset)
        l->offset = needed;
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
        const struct fov_packed_layer *const l = &net->layers[i];
        p->layers[i].first_edge = p->n_edges;
        for (int k = 0; k < l->n_in; k++)
            add_edge(p, l->in[k], i, l->conv.taps / 2, 1);
        for (int k = 0; k < l->conv.n_adds; k++)
            add_edge(p, l->add[k], i, 0, 1);
    }
    p->layers[result].first_edge = p->n_edges;
    add_edge(p, result - 1, result, 0, 1);
    if (net->base)
        add_edge(p, 0, result, 0, net->layers[result - 1].resolution);

    for (int e = 0; e < p->n_edges; e++)
        p->edges_out[e] = p->edges_in[e];
    qsort(p->edges_out, (size_t)p->n_edges, sizeof(*p->edges_out), by_from);
    for (int e = p->n_edges - 1; e >= 0; e--) {
        p->layers[p->edges_out[e].from].first_reader = e;
        p->layers[p->edges_out[e].from].n_readers++;
    }
}

/* Rows before a band that the reader at the other end of `e` needs of layer `from`. */
static int rows_for(const struct fov_plan *p, const struct fov_edge *e)
{
    const struct fov_plan_layer *const from = &p->layers[e->from], *const to = &p->layers[e->to];
    return rows_up(to->offset, e->ratio) - from->offset * from->side + e->halo;
}

static size_t take(struct fov_plan *p, size_t bytes)
{
    const size_t at = p->arena_bytes;
    p->arena_bytes += fov_round_up(bytes, LINE_BYTES);
    return at;
}

static void size_rows(const struct fov_packed *net, struct fov_plan *p)
{
    for (int i = 0; i < net->n_layers; i++) {
        struct fov_plan_layer *const l = &p->layers[i];
        const size_t n_px = l->n_px * (size_t)l->side + 2 + FOV_ROW_SLACK_PX;
        l->row_bytes =
            fov_round_up(n_px * fov_row_margin(&net->layers[i], i, net->element), LINE_BYTES);
        for (int r = 0; r < l->n_readers; r++) {
            const int rows = rows_for(p, &p->edges_out[l->first_reader + r]);
            l->keep = rows > l->keep ? rows : l->keep;
        }
        p->zero_bytes = l->row_bytes > p->zero_bytes ? l->row_bytes : p->zero_bytes;
    }
    p->zero_at = take(p, p->zero_bytes);
}

/* The last layer that reads layer i. */
static int last_reader(const struct fov_plan *p, int i)
{
    const struct fov_plan_layer *const l = &p->layers[i];
    return p->edges_out[l->first_reader + l->n_readers - 1].to;
}

/* May layer i take the slot that layer `j` before it has? */
static bool is_over(const struct fov_packed *net, const struct fov_plan *p, int j, int i)
{
    return p->layers[j].row_bytes == p->layers[i].row_bytes &&
           net->layers[j].n_ch == net->layers[i].n_ch &&
           p->layers[j].block_rows * p->layers[j].side ==
               p->layers[i].block_rows * p->layers[i].side &&
           last_reader(p, j) + SLACK_LAYERS < i;
}

/* Give each layer a slot: that of the first layer whose turn is over and which gave it to nobody
 * yet, or a new one. `next` is for which layer has it afterwards. */
static void give_slots(const struct fov_packed *net, struct fov_plan *p, int *next)
{
    for (int i = 1; i < net->n_layers; i++) {
        struct fov_plan_layer *const l = &p->layers[i];
        int j = 1;
        while (j < i && (next[j] || !is_over(net, p, j, i)))
            j++;
        l->before = i; /* alone so far: itself, a band ago */
        if (j == i) {
            l->at = take(p, (size_t)fov_plan_band_rows(p, i) * l->row_bytes);
        } else {
            int first = j; /* of the slot: it now comes a band after layer i */
            while (p->layers[first].before < first)
                first = p->layers[first].before;
            next[j] = i;
            l->at = p->layers[j].at;
            l->before = j;
            p->layers[first].before = i;
        }
        l->carry_at = take(p, 2 * (size_t)l->keep * l->row_bytes);
    }
}

static void size_layers(const struct fov_packed *net, int width, int height, struct fov_plan *p)
{
    for (int i = 0; i < p->n_layers; i++) {
        const struct fov_packed_layer *const l = &net->layers[i < net->n_layers ? i : i - 1];
        p->layers[i].side = l->side;
        p->layers[i].height = height * l->resolution;
        p->layers[i].block_rows = FOV_TILE_ROWS * l->resolution;
        p->layers[i].n_px = (size_t)width * (size_t)l->resolution;
    }
}

enum fov_code fov_plan_init(const struct fov_packed *net, int width, int height, int n_threads,
                            struct fov_plan *ret_plan, struct fov_err *err)
{
    const bool is_over = width > FOV_MAX_SIDE_PX || height > FOV_MAX_SIDE_PX;
    if (is_over || width < 1 || height < 1)
        return fov_fail(err, is_over ? FOV_ELIMIT : FOV_EUSAGE,
                        "a picture of %dx%d: sides go from 1 to %d", width, height,
                        FOV_MAX_SIDE_PX);

    const int n_layers = net->n_layers + 1;
    size_t n_edges = 2; /* of the result */
    for (int i = 1; i < net->n_layers; i++)
        n_edges += (size_t)(net->layers[i].n_in + net->layers[i].conv.n_adds);
    FOV_AUTO(fov_plan_done)
    struct fov_plan p = {
        .n_layers = n_layers,
        .layers = fov_calloc((size_t)n_layers, sizeof(*p.layers)),
        .edges_in = fov_calloc(n_edges, sizeof(*p.edges_in)),
        .edges_out = fov_calloc(n_edges, sizeof(*p.edges_out)),
    };
    FOV_AUTO(fov_free_at) int *next = fov_calloc((size_t)n_layers, sizeof(*next));
    if (!p.layers || !p.edges_in || !p.edges_out || !next)
        return fov_fail(err, FOV_ENOMEM, "no memory to plan %d layers", n_layers);

    size_layers(net, width, height, &p);
    connect_layers(net, &p);
    const struct fov_plan_layer *const result = &p.layers[n_layers - 1];
    p.n_blocks = rows_up(result->height + result->offset, result->block_rows);
    p.band_blocks =
        least(least(greatest(2 * n_threads, MIN_BAND), FOV_MAX_BAND_BLOCKS), p.n_blocks);
    size_rows(net, &p);
    give_slots(net, &p, next);
    p.layers[0].ring_rows = p.layers[0].keep + 2 * fov_plan_band_rows(&p, 0);
    p.layers[0].at = take(&p, (size_t)p.layers[0].ring_rows * p.layers[0].row_bytes);
    *ret_plan = p;
    p = (struct fov_plan){0}; /* given away */
    return FOV_OK;
}

int fov_plan_radius(const struct fov_plan *plan)
{
    const struct fov_plan_layer *const result = &plan->layers[plan->n_layers - 1];
    return rows_up(result->offset * FOV_TILE_ROWS, result->block_rows);
}
