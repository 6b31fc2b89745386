/* SPDX-License-Identifier: Apache-2.0 */
/* equalise.c -- balance the channels of a network, so that they can share one scale in int16.
 *
 * Layers that are added to each other must keep one scale for each channel, so they form a group
 * (the trunk of a residual network is one). For each channel of a group the norm of all weights
 * that make it is compared with the norm of all weights that read it, and the channel is scaled by
 * the fourth root of the ratio of their squares, which makes the two equal. A few passes settle.
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

/* Multiply what makes `channel` of layer i by `factor`; returns the squares before that. */
static double scale_made(const struct fov_graph *g, const struct fov_layer_weights *w, int i,
                         int channel, float factor)
{
    const struct fov_layer *const l = &g->layers[i];
    const size_t n = (size_t)l->in_ch * (size_t)(l->taps * l->taps);
    const int square = l->shuffle * l->shuffle;
    double sum = 0;
    for (int o = channel * square; o < (channel + 1) * square; o++) {
        float *const weight = w[i].weight + (size_t)o * n;
        for (size_t k = 0; k < n; k++) {
            sum += (double)weight[k] * (double)weight[k];
            weight[k] *= factor;
        }
        sum += (double)w[i].bias[o] * (double)w[i].bias[o];
        w[i].bias[o] *= factor;
    }
    return sum;
}

/* The same for the weights of layer i that read `channel` of layer `from`. */
static double scale_read(const struct fov_graph *g, const struct fov_layer_weights *w, int i,
                         int from, int channel, float factor)
{
    const struct fov_layer *const l = &g->layers[i];
    const int at = input_of(g, l, from, channel), taps = l->taps * l->taps;
    double sum = 0;
    for (int o = 0; at >= 0 && o < l->out_ch; o++)
        for (int t = 0; t < taps; t++) {
            float *const weight =
                &w[i].weight[(size_t)(o * l->in_ch + at) * (size_t)taps + (size_t)t];
            sum += (double)*weight * (double)*weight;
            *weight *= factor;
        }
    return sum;
}

/* Scale one channel of the group whose smallest member is `group`; with factors of 1, measure. */
static void scale_channel(const struct fov_graph *g, const struct groups *groups,
                          const struct fov_layer_weights *w, int group, int channel, float made,
                          float read, double *ret_made, double *ret_read)
{
    *ret_made = *ret_read = 0;
    for (int i = group; i < g->n_layers; i++) {
        if (find(groups, i) != group)
            continue;
        *ret_made += scale_made(g, w, i, channel, made);
        for (int reader = i + 1; reader < g->n_layers; reader++)
            *ret_read += scale_read(g, w, reader, i, channel, read);
    }
}

static void balance(const struct fov_graph *g, const struct groups *groups,
                    const struct fov_layer_weights *w, int group)
{
    for (int channel = 0; channel < fov_graph_channels(g, group); channel++) {
        double made, read;
        scale_channel(g, groups, w, group, channel, 1, 1, &made, &read);
        if (made < 1e-20 || read < 1e-20) /* nothing makes it, or nothing reads it */
            continue;
        const double s = pow(made / read, 0.25);
        scale_channel(g, groups, w, group, channel, (float)(1 / s), (float)s, &made, &read);
    }
}

enum fov_code fov_equalise(const struct fov_graph *g, struct fov_layer_weights *layers,
                           struct fov_err *err)
{
    FOV_AUTO(fov_free_at) int *of = fov_calloc((size_t)g->n_layers, sizeof(*of));
    FOV_AUTO(fov_free_at) bool *fixed = fov_calloc((size_t)g->n_layers, sizeof(*fixed));
    if (!of || !fixed)
        return fov_fail(err, FOV_ENOMEM, "no memory for %d layers", g->n_layers);

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
                balance(g, &groups, layers, i);
    return FOV_OK;
}
