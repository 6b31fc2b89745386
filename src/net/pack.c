/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c -- a network's weights, re-laid for the kernels.
 *
 * PyTorch stores [out][in][3][3]; a kernel wants, for each group of 16 output channels, the 16
 * weights of one input value side by side in the order in which it walks the input: row, pixel,
 * channel. Padded channels get zero weights, bias and slope, so that what they compute is zero.
 * The layout is the same for every instruction set. Quantised layers for int16 kernels will be
 * packed here as well, each layer by what its error allows.
 *
 * Threads: built by one, read by all. Owns: the block. Trust: numbers come from a model file and
 * are checked to be finite when they are read.
 */
#include "net/pack.h"

#include "base/mem.h"
#include "net/kernels/kernels.h"

static size_t padded(int channels)
{
    return fov_round_up((size_t)channels, FOV_CHANNEL_GROUP);
}

void fov_packed_done(struct fov_packed *packed)
{
    fov_free(packed->layers);
    fov_free(packed->block);
    *packed = (struct fov_packed){0};
}

/* Floats of a layer: weights, bias, slope. */
static size_t layer_floats(const struct fov_packed_layer *l)
{
    return l->out_ch * (9 * l->in_ch + 2);
}

static void pack_weights(float *dst, const float *src, const struct fov_layer *l, size_t in_ch)
{
    for (size_t o = 0; o < (size_t)l->out_ch; o++)
        for (size_t i = 0; i < (size_t)l->in_ch; i++)
            for (size_t tap = 0; tap < 9; tap++)
                dst[((o / FOV_CHANNEL_GROUP * 9 + tap) * in_ch + i) * FOV_CHANNEL_GROUP +
                    o % FOV_CHANNEL_GROUP] = src[(o * (size_t)l->in_ch + i) * 9 + tap];
}

/* Shapes of all layers; returns the floats that they need together. */
static size_t shape_layers(const struct fov_graph *g, struct fov_packed *p)
{
    size_t floats = 0;
    p->layers[0].out_ch = FOV_INPUT_CHANNELS;
    for (int i = 1; i < g->n_layers; i++) {
        const struct fov_layer *const l = &g->layers[i];
        p->layers[i] = (struct fov_packed_layer){
            .in = l->in,
            .add = l->add,
            .in_ch = p->layers[l->in].out_ch,
            .out_ch = padded(l->out_ch),
        };
        floats += layer_floats(&p->layers[i]);
        p->n_channels = l->out_ch > p->n_channels ? l->out_ch : p->n_channels;
        p->n_multiply_adds += (long long)l->weight->n_elements;
        p->n_parameters +=
            (long long)l->weight->n_elements + (long long)l->out_ch * (l->slope ? 2 : 1);
    }
    return floats;
}

static enum fov_code pack_layer(const struct fov_graph *g, int i, float *at, float *scratch,
                                struct fov_packed_layer *ret_layer, struct fov_err *err)
{
    const struct fov_layer *const l = &g->layers[i];
    float *const bias = at + 9 * ret_layer->in_ch * ret_layer->out_ch;
    float *const slope = bias + ret_layer->out_ch;
    enum fov_code rc;

    if ((rc = fov_tensor_read(g->file, l->weight, scratch, err)) ||
        (rc = fov_tensor_read(g->file, l->bias, bias, err)) ||
        (l->slope && (rc = fov_tensor_read(g->file, l->slope, slope, err))))
        return rc;
    pack_weights(at, scratch, l, ret_layer->in_ch);
    ret_layer->weights = at;
    ret_layer->bias = bias;
    ret_layer->slope = l->slope ? slope : NULL;
    return FOV_OK;
}

enum fov_code fov_packed_init(const struct fov_graph *g, struct fov_packed *ret_packed,
                              struct fov_err *err)
{
    FOV_AUTO(fov_packed_done)
    struct fov_packed p = {
        .architecture = g->architecture,
        .scale = g->scale,
        .mean = g->mean,
        .n_layers = g->n_layers,
        .layers = fov_calloc((size_t)g->n_layers, sizeof(*p.layers)),
    };
    if (!p.layers)
        return fov_fail(err, FOV_ENOMEM, "no memory for a network of %d layers", g->n_layers);

    size_t largest = 0;
    const size_t floats = shape_layers(g, &p);
    for (int i = 1; i < g->n_layers; i++)
        if (g->layers[i].weight->n_elements > largest)
            largest = g->layers[i].weight->n_elements;

    FOV_AUTO(fov_free_at) float *scratch = fov_calloc(largest, sizeof(*scratch));
    p.block = fov_calloc_aligned(64, floats, sizeof(*p.block));
    if (!p.block || !scratch)
        return fov_fail(err, FOV_ENOMEM, "no memory for a network of %lld parameters",
                        p.n_parameters);

    float *at = p.block;
    enum fov_code rc;
    for (int i = 1; i < g->n_layers; i++) {
        if ((rc = pack_layer(g, i, at, scratch, &p.layers[i], err)))
            return rc;
        at += layer_floats(&p.layers[i]);
    }
    *ret_packed = p;
    p = (struct fov_packed){0}; /* given away */
    return FOV_OK;
}
