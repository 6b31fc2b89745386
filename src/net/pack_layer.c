/* SPDX-License-Identifier: Apache-2.0 */
/* pack_layer.c -- one layer's weights, re-laid for its kernel.
 *
 * Whatever a layer of the graph has that a kernel has not is worked into its weights here: gains,
 * channels padded to multiples of 16, inputs side by side that are padded each, output channels in
 * the order in which a shuffled row lies in memory, and an enlargement by repetition before the
 * convolution, which is a convolution of the small rows with a kernel for each position in the
 * enlarged pixel, followed by a shuffle. Padded channels get zero weights, bias and slope, so that
 * what they compute is zero.
 *
 * Threads: any, each with a layer of its own. Owns: nothing.
 * Trust: numbers come from a model file and are checked to be finite when they are read.
 */
#include "net/pack_layer.h"

#include <string.h>

#include "net/pack_conv.h"

static enum fov_code read_slope(const struct fov_graph *g, const struct fov_layer *l, float *slope,
                                struct fov_err *err)
{
    enum fov_code rc;
    const bool one = !l->slope || l->slope->n_elements == 1;
    slope[0] = l->leak;
    if (l->slope && (rc = fov_tensor_read(g->file, l->slope, slope, err)))
        return rc;
    for (int o = 1; one && o < l->out_ch; o++)
        slope[o] = slope[0];
    return FOV_OK;
}

enum fov_code fov_layer_read(const struct fov_graph *g, int i, struct fov_layer_weights *ret,
                             struct fov_err *err)
{
    const struct fov_layer *const l = &g->layers[i];
    const size_t n = l->weight->n_elements, n_out = (size_t)l->out_ch;
    const bool last = i == g->n_layers - 1;
    const float gain = l->gain * (l->in[0] == 0 ? g->input_gain : 1) * (last ? g->output_gain : 1);
    const float bias_gain = l->gain * (last ? g->output_gain : 1);
    enum fov_code rc;

    float *const block = fov_calloc(n + 2 * n_out, sizeof(*block));
    if (!block)
        return fov_fail(err, FOV_ENOMEM, "no memory for a layer of %zu weights", n);
    *ret =
        (struct fov_layer_weights){.weight = block, .bias = block + n, .slope = block + n + n_out};
    if ((rc = fov_tensor_read(g->file, l->weight, ret->weight, err)) ||
        (l->bias && (rc = fov_tensor_read(g->file, l->bias, ret->bias, err))) ||
        (l->activation == FOV_PRELU && (rc = read_slope(g, l, ret->slope, err))))
        return rc;
    for (size_t k = 0; k < n; k++)
        ret->weight[k] *= gain;
    for (size_t o = 0; o < n_out; o++)
        ret->bias[o] = ret->bias[o] * bias_gain +
                       (last ? g->output_mean[o / (size_t)(l->shuffle * l->shuffle)] : 0);
    return FOV_OK;
}

struct fov_packed_layer fov_layer_shape(const struct fov_graph *g, int i,
                                        const struct fov_packed_layer *before,
                                        enum fov_element element, enum fov_method method)
{
    const struct fov_layer *const l = &g->layers[i];
    const int side = l->shuffle * l->enlarge;
    const bool last = i == g->n_layers - 1;
    struct fov_packed_layer p = {
        .n_in = l->n_in,
        .resolution = l->resolution / side,
        .side = last ? 1 : side,
        .in_ch = l->in_ch,
        .out_ch = l->out_ch,
        .conv = {.src_element = l->in[0] == 0 ? FOV_ELEMENT_F32 : element,
                 .dst_element = element,
                 .activation = l->activation,
                 .taps = l->taps,
                 .n_adds = l->n_adds},
    };
    for (int k = 0; k < l->n_in; k++) {
        p.in[k] = l->in[k];
        p.conv.in_ch += before[l->in[k]].n_ch;
    }
    for (int k = 0; k < l->n_adds; k++) {
        p.add[k] = l->add[k];
        p.conv.add_scale[k] = l->add_scale[k];
    }
    p.n_ch = last ? fov_padded(3 * side * side) : fov_padded(fov_graph_channels(g, i));
    p.conv.out_ch = last ? p.n_ch : p.n_ch * (size_t)(side * side);
    p.method = l->taps == 3 && p.conv.in_ch % FOV_CHANNEL_GROUP == 0 ? method : FOV_DIRECT;
    return p;
}

/* Where channel `o` of the file's convolution, at position (dx, dy) of an enlarged pixel, stands in
 * the packed one: colours or channels inside of dx inside of dy. */
static size_t output_at(const struct fov_layer *l, const struct fov_packed_layer *p, bool last,
                        int o, int dy, int dx)
{
    const int s = l->shuffle, side = s * l->enlarge;
    const int y = s > 1 ? o / s % s : dy, x = s > 1 ? o % s : dx, channel = o / (s * s);
    return (size_t)(y * side + x) * (last ? 3 : p->n_ch) + (size_t)channel;
}

/* Where input channel `i` of the file's convolution stands among the padded ones. */
static size_t input_at(const struct fov_graph *g, const struct fov_layer *l,
                       const struct fov_packed_layer *before, int i)
{
    size_t at = 0;
    for (int k = 0; k < l->n_in; k++) {
        const int n = fov_graph_channels(g, l->in[k]);
        if (i < n)
            break;
        i -= n;
        at += before[l->in[k]].n_ch;
    }
    return at + (size_t)i;
}

/* Tap t of a convolution of the enlarged rows, for position d in an enlarged pixel, as a tap of the
 * rows before: they lie e to one. */
static int tap_before(int t, int d, int e)
{
    return (d + t - 1 + e) / e; /* floor((d + t - 1) / e) + 1 */
}

enum fov_code fov_layer_plain(const struct fov_graph *g, int i, const struct fov_layer_weights *n,
                              const struct fov_packed_layer *before,
                              const struct fov_packed_layer *p, struct fov_layer_weights *ret,
                              struct fov_err *err)
{
    const struct fov_layer *const l = &g->layers[i];
    const bool last = i == g->n_layers - 1;
    const int e = l->enlarge, taps = l->taps;
    const size_t n_weights = p->conv.out_ch * p->conv.in_ch * (size_t)(taps * taps);
    float *const block = fov_calloc(n_weights + 2 * p->conv.out_ch, sizeof(*block));
    if (!block)
        return fov_fail(err, FOV_ENOMEM, "no memory for a layer of %zu weights", n_weights);
    *ret = (struct fov_layer_weights){
        .weight = block, .bias = block + n_weights, .slope = block + n_weights + p->conv.out_ch};

    for (int o = 0; o < l->out_ch; o++)
        for (int d = 0; d < e * e; d++) {
            const int dy = d / e, dx = d % e;
            const size_t to = output_at(l, p, last, o, dy, dx);
            ret->bias[to] = n->bias[o];
            ret->slope[to] = n->slope[o];
            for (int c = 0; c < l->in_ch; c++) {
                const float *const src = n->weight + (size_t)((o * l->in_ch + c) * taps * taps);
                float *const dst = ret->weight + (to * p->conv.in_ch + input_at(g, l, before, c)) *
                                                     (size_t)(taps * taps);
                for (int ty = 0; ty < taps; ty++)
                    for (int tx = 0; tx < taps; tx++)
                        dst[(e == 1 ? ty : tap_before(ty, dy, e)) * taps +
                            (e == 1 ? tx : tap_before(tx, dx, e))] += src[ty * taps + tx];
            }
        }
    return FOV_OK;
}

size_t fov_layer_bytes(const struct fov_packed_layer *p)
{
    const struct fov_conv *const c = &p->conv;
    const size_t n_floats = 2 * c->out_ch + fov_pack_scales(p->method, c->in_ch, c->out_ch);
    return fov_round_up(fov_pack_conv_bytes(p->method, c->taps, c->in_ch, c->out_ch) +
                            n_floats * sizeof(float),
                        FOV_BLOCK_ALIGN);
}

void fov_layer_pack(const struct fov_layer_weights *plain, void *block, float *room,
                    struct fov_packed_layer *p)
{
    struct fov_conv *const c = &p->conv;
    const size_t n_weights = fov_pack_conv_bytes(p->method, c->taps, c->in_ch, c->out_ch);
    float *const bias = (float *)(void *)((unsigned char *)block + n_weights);

    c->weights = block;
    c->bias = bias;
    c->slope = bias + c->out_ch;
    c->scale = bias + 2 * c->out_ch;
    memcpy(bias, plain->bias, 2 * c->out_ch * sizeof(float)); /* and the slope behind it */
    fov_pack_conv(p->method, plain->weight, c->taps, c->in_ch, c->out_ch, block,
                  bias + 2 * c->out_ch, room);
}
