/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c -- a network's weights, re-laid for the kernels.
 *
 *   file's tensors -> numbers of each layer -> balanced -> one plain convolution -> kernel's layout
 *
 * pack_layer.h has what is done to one layer.
 *
 * Threads: built by one, which lets others lay out layers meanwhile; read by all. Owns: the blocks.
 * Trust: numbers come from a model file and are checked to be finite when they are read.
 */
#include "net/pack.h"

#include <math.h>

#include "base/mem.h"
#include "base/pool.h"
#include "net/equalise.h"
#include "net/pack_conv.h"
#include "net/pack_layer.h"
#include "net/trial.h"

enum {
    MAX_THREADS = 4, /* to lay out a network; more have nothing to do */
    LAYERS_AHEAD = 8 /* laid out and not yet tried */
};

void fov_packed_done(struct fov_packed *packed)
{
    for (int i = 0; packed->own && i < packed->n_layers; i++)
        fov_free(packed->own[i]);
    fov_free(packed->own);
    fov_free(packed->block);
    fov_free(packed->layers);
    *packed = (struct fov_packed){0};
}

/* ---- the numbers of all layers, as the file has them -------------------------------------- */

struct numbers {
    struct fov_layer_weights *layers;
    int n_layers;
};

static void numbers_done(struct numbers *n)
{
    for (int i = 0; n->layers && i < n->n_layers; i++)
        fov_free(n->layers[i].weight); /* one block with the rest */
    fov_free(n->layers);
}

/* A block for one layer, which the caller ends with fov_free(). */
static enum fov_code new_block(const struct fov_packed_layer *p, void **ret_block,
                               struct fov_err *err)
{
    const size_t bytes = fov_layer_bytes(p);
    if (!(*ret_block = fov_calloc_aligned(FOV_BLOCK_ALIGN, bytes, 1)))
        return fov_fail(err, FOV_ENOMEM, "no memory for a layer of %zu bytes", bytes);
    return FOV_OK;
}

/* ---- the network ------------------------------------------------------------------------- */

/* What the whole network needs and says of itself; a layer at resolution r runs r^2 times for each
 * pixel of the network's input, which is unshuffle^2 pixels of the picture. */
static void count_layer(const struct fov_graph *g, int i, struct fov_packed *p)
{
    const struct fov_layer *const l = &g->layers[i];
    const long long r = l->resolution / l->shuffle, u = g->unshuffle;
    const size_t scratch = fov_conv_scratch_bytes(p->layers[i].conv.in_ch);

    p->scratch_bytes = scratch > p->scratch_bytes ? scratch : p->scratch_bytes;
    p->n_channels = l->out_ch > p->n_channels ? l->out_ch : p->n_channels;
    p->n_multiply_adds += (long long)l->weight->n_elements * r * r / (u * u);
    p->n_parameters += (long long)(l->weight->n_elements + (l->bias ? l->bias->n_elements : 0) +
                                   (l->slope ? l->slope->n_elements : 0));
}

static enum fov_code read_numbers(const struct fov_graph *g, bool equalise, struct numbers *n,
                                  struct fov_err *err)
{
    enum fov_code rc;
    for (int i = 1; i < g->n_layers; i++)
        if ((rc = fov_layer_read(g, i, &n->layers[i], err)))
            return rc;
    return equalise ? fov_equalise(g, n->layers, err) : FOV_OK;
}

/* Layers are laid out one after the other by whatever thread is free, and tried by the caller. */
struct task {
    struct fov_layer_weights plain;
    void *block;
    bool failed, done;
};

struct packing {
    struct fov_work work; /* first: the pool hands it back */
    const struct fov_graph *graph;
    const struct numbers *numbers;
    struct fov_packed *packed;
    struct task *tasks; /* [n_layers] */
    float *room;        /* for fov_pack_conv(), [threads][n_room] */
    size_t n_room;
    int n_claimed, n_tried; /* layers, the input being one */
};

static void packing_done(struct packing *k)
{
    for (int i = 0; k->tasks && i < k->packed->n_layers; i++)
        fov_free(k->tasks[i].plain.weight); /* one block with the rest */
    fov_free(k->tasks);
    fov_free(k->room);
}

static bool claim(struct fov_work *work, int slot, uint32_t *ret_task)
{
    struct packing *const k = (struct packing *)work;
    (void)slot;
    if (k->n_claimed == k->packed->n_layers || k->n_claimed == k->n_tried + LAYERS_AHEAD)
        return false;
    *ret_task = (uint32_t)k->n_claimed++;
    return true;
}

static void run(struct fov_work *work, uint32_t i, int slot)
{
    struct packing *const k = (struct packing *)work;
    struct fov_packed_layer *const l = &k->packed->layers[i];
    struct task *const t = &k->tasks[i];

    t->failed = fov_layer_plain(k->graph, (int)i, &k->numbers->layers[i], k->packed->layers, l,
                                &t->plain, NULL) != FOV_OK;
    if (!t->failed)
        fov_layer_pack(&t->plain, t->block, k->room + (size_t)slot * k->n_room, l);
}

static void finish(struct fov_work *work, uint32_t i)
{
    ((struct packing *)work)->tasks[i].done = true;
}

static enum fov_code packing_init(const struct fov_graph *g, const struct numbers *n, int n_threads,
                                  struct fov_packed *p, struct packing *ret, struct fov_err *err)
{
    struct packing k = {
        .work = {.claim = claim, .run = run, .finish = finish},
        .graph = g,
        .numbers = n,
        .packed = p,
        .tasks = fov_calloc((size_t)g->n_layers, sizeof(*k.tasks)),
        .n_room = 1, /* not NULL */
        .n_claimed = 1,
        .n_tried = 1,
    };
    unsigned char *block = p->block;
    for (int i = 1; k.tasks && i < g->n_layers; i++) {
        const struct fov_packed_layer *const l = &p->layers[i];
        const size_t room = fov_pack_room(l->method, l->conv.in_ch, l->conv.out_ch);
        k.n_room = room > k.n_room ? room : k.n_room;
        k.tasks[i].block = block;
        block += fov_layer_bytes(l);
    }
    k.room = fov_calloc(k.n_room * (size_t)n_threads, sizeof(*k.room));
    *ret = k;
    return k.tasks && k.room ? FOV_OK
                             : fov_fail(err, FOV_ENOMEM, "no memory for %d layers", g->n_layers);
}

/* Layer i of a fast network, which is laid out in int16: try it against itself in float32, and keep
 * one of the two. Direct, since a few pixels do not repay the transform of the weights. */
static enum fov_code try_layer(const struct fov_layer_weights *plain, int i,
                               const struct fov_kernels *kernels, struct fov_trial *trial,
                               struct fov_packed *p, struct fov_err *err)
{
    struct fov_packed_layer *const l = &p->layers[i], exact = *l;
    FOV_AUTO(fov_free_at) void *exact_block = NULL;
    enum fov_code rc;

    exact.method = FOV_DIRECT;
    exact.conv.src_element = exact.conv.dst_element = FOV_ELEMENT_F32;
    if ((rc = new_block(&exact, &exact_block, err)))
        return rc;
    fov_layer_pack(plain, exact_block, NULL, &exact);
    l->error = fov_trial_layer(trial, kernels, i, &exact, l);
    if (l->method == FOV_DIRECT || l->error <= FOV_MAX_LAYER_ERROR)
        return FOV_OK;
    l->method = FOV_WINOGRAD_F32; /* but what it leaves is float16, as of all others */
    if ((rc = new_block(l, &p->own[i], err)))
        return rc;
    fov_layer_pack(plain, p->own[i], NULL, l);
    return FOV_OK;
}

/* Wait for layer i, helping. */
static void await(struct fov_pool *pool, struct packing *k, int i)
{
    fov_pool_lock(pool);
    while (!k->tasks[i].done)
        fov_pool_help(pool, &k->work);
    k->n_tried = i;
    fov_pool_wake(pool);
    fov_pool_unlock(pool);
}

/* Fill p->block, layer after layer. `trial` is NULL for an exact network. */
static enum fov_code pack_layers(const struct fov_kernels *kernels, struct fov_trial *trial,
                                 struct fov_pool *pool, struct packing *k, struct fov_err *err)
{
    enum fov_code rc = FOV_OK;
    for (int i = 1; i < k->packed->n_layers && !rc; i++) {
        struct task *const t = &k->tasks[i];
        await(pool, k, i);
        if (t->failed)
            rc = fov_fail(err, FOV_ENOMEM, "no memory for the weights of layer %d", i);
        else if (trial)
            rc = try_layer(&t->plain, i, kernels, trial, k->packed, err);
        fov_free(t->plain.weight);
        t->plain.weight = NULL;
    }
    return rc;
}

/* The pool is one of its own that ends with this, so that a process may fork afterwards. */
static enum fov_code pack_network(const struct fov_graph *g, const struct numbers *n,
                                  const struct fov_kernels *kernels, bool exact, int n_threads,
                                  struct fov_packed *p, struct fov_err *err)
{
    FOV_AUTO(fov_trial_done) struct fov_trial trial = {0};
    FOV_AUTO(packing_done) struct packing packing = {0};
    struct fov_pool *pool;
    enum fov_code rc;

    if (n_threads > MAX_THREADS)
        n_threads = MAX_THREADS;
    if ((!exact && (rc = fov_trial_init(p, &trial, err))) ||
        (rc = packing_init(g, n, n_threads, p, &packing, err)) ||
        (rc = fov_pool_open(n_threads, &pool, err)))
        return rc;
    fov_pool_attach(pool, &packing.work);
    rc = pack_layers(kernels, exact ? NULL : &trial, pool, &packing, err);
    fov_pool_detach(pool, &packing.work);
    fov_pool_close(pool);
    return rc;
}

/* A network with the shapes of all layers, `method` being that of 3x3 ones, and no weights. */
static enum fov_code shape_network(const struct fov_graph *g, enum fov_method method,
                                   struct fov_packed *ret_packed, struct fov_err *err)
{
    const struct fov_layer *const last = &g->layers[g->n_layers - 1];
    const size_t n_layers = (size_t)g->n_layers;
    FOV_AUTO(fov_packed_done)
    struct fov_packed p = {
        .architecture = g->architecture,
        .scale = g->scale,
        .unshuffle = g->unshuffle,
        .result_side = last->shuffle * last->enlarge,
        .mean = {g->mean[0], g->mean[1], g->mean[2]},
        .base = g->base,
        .element = method == FOV_WINOGRAD_F32 ? FOV_ELEMENT_F32 : FOV_ELEMENT_F16,
        .n_layers = g->n_layers,
        .layers = fov_calloc(n_layers, sizeof(*p.layers)),
        .own = fov_calloc(n_layers, sizeof(*p.own)),
    };
    size_t bytes = 0;
    if (!p.layers || !p.own)
        return fov_fail(err, FOV_ENOMEM, "no memory for a network of %d layers", g->n_layers);

    p.layers[0] = (struct fov_packed_layer){
        .resolution = 1,
        .side = 1,
        .n_ch = g->unshuffle == 1 ? FOV_INPUT_CHANNELS : fov_padded(fov_graph_channels(g, 0)),
    };
    for (int i = 1; i < g->n_layers; i++) {
        p.layers[i] = fov_layer_shape(g, i, p.layers, p.element, method);
        count_layer(g, i, &p);
        bytes += fov_layer_bytes(&p.layers[i]);
    }
    if (!(p.block = fov_calloc_aligned(FOV_BLOCK_ALIGN, bytes, 1)))
        return fov_fail(err, FOV_ENOMEM, "no memory for a network of %zu bytes", bytes);
    *ret_packed = p;
    p = (struct fov_packed){0}; /* given away */
    return FOV_OK;
}

static enum fov_code pack(const struct fov_graph *g, const struct fov_kernels *kernels, bool exact,
                          int n_threads, struct fov_packed *ret_packed, struct fov_err *err)
{
    FOV_AUTO(fov_packed_done) struct fov_packed p = {0};
    FOV_AUTO(numbers_done)
    struct numbers n = {fov_calloc((size_t)g->n_layers, sizeof(*n.layers)), g->n_layers};
    const enum fov_method method = exact ? FOV_WINOGRAD_F32
                                   : fov_conv_takes_bytes(kernels->conv_winograd_i16)
                                       ? FOV_WINOGRAD_BYTES
                                       : FOV_WINOGRAD_I16;
    enum fov_code rc;

    if (!n.layers)
        return fov_fail(err, FOV_ENOMEM, "no memory for a network of %d layers", g->n_layers);
    if ((rc = shape_network(g, method, &p, err)) || (rc = read_numbers(g, !exact, &n, err)) ||
        (rc = pack_network(g, &n, kernels, exact, n_threads, &p, err)))
        return rc;
    *ret_packed = p;
    p = (struct fov_packed){0}; /* given away */
    return FOV_OK;
}

/* Can float16 hold what layers leave? */
static bool is_in_range(const struct fov_packed *p)
{
    for (int i = 1; i < p->n_layers; i++)
        if (!isfinite(p->layers[i].error))
            return false;
    return true;
}

enum fov_code fov_packed_init(const struct fov_graph *g, const struct fov_kernels *kernels,
                              bool exact, int n_threads, struct fov_packed *ret_packed,
                              struct fov_err *err)
{
    const enum fov_code rc = pack(g, kernels, exact, n_threads, ret_packed, err);
    if (rc || is_in_range(ret_packed))
        return rc;
    fov_packed_done(ret_packed);
    return pack(g, kernels, true, n_threads, ret_packed, err);
}
