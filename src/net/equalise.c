/* SPDX-License-Identifier: Apache-2.0 */
/* equalise.c -- balance the channels of a network, so that they can share one scale in int16.
 *
 * Layers that are added to each other must keep one scale for each channel, so they form a group
 * (the trunk of a residual network is one). For each channel of a group the norm of all weights
 * that make it is compared with the norm of all weights that read it, and the channel is scaled by
 * the fourth root of the ratio of their squares, which makes the two equal. A few passes settle.
 * They work on the squares of the weights, summed over the taps; the weights are scaled once, at
 * the end.
 *
 * Threads: one. Owns: its lists while it runs. Trust: weights are finite.
 */
#include "net/equalise.h"

#include <math.h>

#include "base/mem.h"

enum { PASSES = 2 };

/* For each layer: a member of its group, in the end the smallest; -1: the group is left alone. */
struct groups {
    int *of;
};

static int find(const struct groups *g, int layer)
{
    while (g->of[layer] != layer)
        layer = g->of[layer];
    return layer;
}

static void join(struct groups *g, int a, int b)
{
    const int x = find(g, a), y = find(g, b);
    g->of[x > y ? x : y] = x > y ? y : x;
}

/* May a channel of this layer be scaled? */
static bool is_free(const struct fov_graph *g, int i)
{
    return i > 0 && i < g->n_layers - 1 && g->layers[i].activation <= FOV_PRELU;
}

/* The convolution `l` reads `channel` of layer `from`: where does it stand among its inputs? -1: it
 * does not read it. */
static int input_of(const struct fov_graph *g, const struct fov_layer *l, int from, int channel)
{
    int first = 0;
    for (int k = 0; k < l->n_in; k++) {
        if (l->in[k] == from)
            return first + channel;
        first += fov_graph_channels(g, l->in[k]);
    }
    return -1;
}

/* What balancing has to know of a layer: the squares of its numbers, summed over the taps, as they
 * are with the factors that were found so far. */
struct sums {
    double *squares;     /* [out_ch][in_ch] */
    double *bias;        /* [out_ch] */
    double *made, *read; /* the factors of the channels [out_ch] that it makes, [in_ch] it reads */
};

static void sums_done(struct sums **sums)
{
    if (*sums)
        fov_free((*sums)->squares); /* one block for all layers */
    fov_free(*sums);
}

static void measure(const struct fov_layer *l, const struct fov_layer_weights *w,
                    const struct sums *s)
{
    const size_t taps = (size_t)l->taps * (size_t)l->taps, n_in = (size_t)l->in_ch;
    const float *weight = w->weight;
    for (size_t o = 0; o < (size_t)l->out_ch; o++) {
        for (size_t i = 0; i < n_in; i++) {
            double sum = 0;
            for (size_t t = 0; t < taps; t++, weight++)
                sum += (double)*weight * (double)*weight;
            s->squares[o * n_in + i] = sum;
        }
        s->bias[o] = (double)w->bias[o] * (double)w->bias[o];
        s->made[o] = 1;
    }
    for (size_t i = 0; i < n_in; i++)
        s->read[i] = 1;
}

/* Measure every layer but the input; gives the list, in one block with its numbers. */
static enum fov_code new_sums(const struct fov_graph *g, const struct fov_layer_weights *w,
                              struct sums **ret_sums, struct fov_err *err)
{
    size_t n = 0;
    for (int i = 1; i < g->n_layers; i++)
        n += (size_t)g->layers[i].out_ch * (size_t)(g->layers[i].in_ch + 2) +
             (size_t)g->layers[i].in_ch;
    struct sums *const sums = fov_calloc((size_t)g->n_layers, sizeof(*sums));
    double *next = fov_calloc(n, sizeof(*next));
    if (!sums || !next) {
        fov_free(sums);
        fov_free(next);
        return fov_fail(err, FOV_ENOMEM, "no memory for %d layers", g->n_layers);
    }
    sums[0].squares = next;
    for (int i = 1; i < g->n_layers; i++) {
        const size_t n_in = (size_t)g->layers[i].in_ch, n_out = (size_t)g->layers[i].out_ch;
        sums[i].squares = next;
        sums[i].bias = sums[i].squares + n_in * n_out;
        sums[i].made = sums[i].bias + n_out;
        sums[i].read = sums[i].made + n_out;
        next = sums[i].read + n_in;
        measure(&g->layers[i], &w[i], &sums[i]);
    }
    *ret_sums = sums;
    return FOV_OK;
}

/* Multiply what makes `channel` of layer i by `factor`; returns the squares before that. */
static double scale_made(const struct fov_graph *g, const struct sums *sums, int i, int channel,
                         double factor)
{
    const struct fov_layer *const l = &g->layers[i];
    const int square = l->shuffle * l->shuffle;
    double sum = 0;
    for (int o = channel * square; o < (channel + 1) * square; o++) {
        double *const squares = sums[i].squares + (ptrdiff_t)o * l->in_ch;
        for (int k = 0; k < l->in_ch; k++) {
            sum += squares[k];
            squares[k] *= factor * factor;
        }
        sum += sums[i].bias[o];
        sums[i].bias[o] *= factor * factor;
        sums[i].made[o] *= factor;
    }
    return sum;
}

/* The same for the weights of layer i that read `channel` of layer `from`. */
static double scale_read(const struct fov_graph *g, const struct sums *sums, int i, int from,
                         int channel, double factor)
{
    const struct fov_layer *const l = &g->layers[i];
    const int at = input_of(g, l, from, channel);
    double sum = 0;
    if (at < 0)
        return 0;
    for (int o = 0; o < l->out_ch; o++) {
        double *const square = &sums[i].squares[(ptrdiff_t)o * l->in_ch + at];
        sum += *square;
        *square *= factor * factor;
    }
    sums[i].read[at] *= factor;
    return sum;
}

/* Scale one channel of the group whose smallest member is `group`; with factors of 1, measure. */
static void scale_channel(const struct fov_graph *g, const struct groups *groups,
                          const struct sums *sums, int group, int channel, double made, double read,
                          double *ret_made, double *ret_read)
{
    *ret_made = *ret_read = 0;
    for (int i = group; i < g->n_layers; i++) {
        if (find(groups, i) != group)
            continue;
        *ret_made += scale_made(g, sums, i, channel, made);
        for (int reader = i + 1; reader < g->n_layers; reader++)
            *ret_read += scale_read(g, sums, reader, i, channel, read);
    }
}

static void balance(const struct fov_graph *g, const struct groups *groups, const struct sums *sums,
                    int group)
{
    for (int channel = 0; channel < fov_graph_channels(g, group); channel++) {
        double made, read;
        scale_channel(g, groups, sums, group, channel, 1, 1, &made, &read);
        if (made < 1e-20 || read < 1e-20) /* nothing makes it, or nothing reads it */
            continue;
        const double s = pow(made / read, 0.25);
        scale_channel(g, groups, sums, group, channel, 1 / s, s, &made, &read);
    }
}

/* Multiply a layer's numbers by the factors that were found. */
static void apply(const struct fov_layer *l, const struct fov_layer_weights *w,
                  const struct sums *s)
{
    const size_t taps = (size_t)l->taps * (size_t)l->taps;
    float *weight = w->weight;
    for (int o = 0; o < l->out_ch; o++) {
        for (int i = 0; i < l->in_ch; i++) {
            const float factor = (float)(s->made[o] * s->read[i]);
            for (size_t t = 0; t < taps; t++)
                *weight++ *= factor;
        }
        w->bias[o] *= (float)s->made[o];
    }
}

enum fov_code fov_equalise(const struct fov_graph *g, struct fov_layer_weights *layers,
                           struct fov_err *err)
{
    FOV_AUTO(fov_free_at) int *of = fov_calloc((size_t)g->n_layers, sizeof(*of));
    FOV_AUTO(fov_free_at) bool *fixed = fov_calloc((size_t)g->n_layers, sizeof(*fixed));
    if (!of || !fixed)
        return fov_fail(err, FOV_ENOMEM, "no memory for %d layers", g->n_layers);

    FOV_AUTO(sums_done) struct sums *sums = NULL;
    const enum fov_code rc = new_sums(g, layers, &sums, err);
    if (rc)
        return rc;
    struct groups groups = {of};
    for (int i = 0; i < g->n_layers; i++)
        of[i] = i;
    for (int i = 1; i < g->n_layers; i++)
        for (int k = 0; k < g->layers[i].n_adds; k++)
            join(&groups, i, g->layers[i].add[k]);
    for (int i = 0; i < g->n_layers; i++)
        if (!is_free(g, i))
            fixed[find(&groups, i)] = true;

    for (int pass = 0; pass < PASSES; pass++)
        for (int i = 1; i < g->n_layers; i++)
            if (find(&groups, i) == i && !fixed[i])
                balance(g, &groups, sums, i);
    for (int i = 1; i < g->n_layers; i++)
        apply(&g->layers[i], &layers[i], &sums[i]);
    return FOV_OK;
}
