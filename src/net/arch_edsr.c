/* SPDX-License-Identifier: Apache-2.0 */
/* arch_edsr.c -- EDSR, residual blocks and nothing else.
 *
 *     h = first(x - mean)
 *     y = h;  for every block: y = y + res_scale * b(relu(a(y)))
 *     y = after(y) + h;  y = pixel_shuffle(up(y)), once, twice or never
 *     last = last(y) + mean
 *
 * Definition: Lim et al. 2017 (arXiv:1707.02921). There are the names of its authors' code and
 * those of BasicSR. Colours are 0..255 inside and the mean is that of DIV2K, unless the authors'
 * sub_mean and add_mean are there, 1x1 convolutions that do nothing but shift colours: then it is
 * theirs, and if it lies between 0 and 1, so do the colours.
 *
 * res_scale is in no tensor. It is 0.1 in the large network of the paper, 256 channels and 32
 * blocks, which diverged in training without it, and 1 in all others that were published.
 *
 * BasicSR's MSRResNet has the same blocks, but activates after the first layer and adds the input
 * enlarged bilinearly: it has no conv_after_body and is not taken for an EDSR.
 *
 * Threads: any. Owns: nothing. Trust: names, shapes and the mean come from a model file.
 */
#include <stdio.h>

#include "base/mem.h"
#include "net/arch.h"

enum { NAME_BYTES = 64, LARGE_CHANNELS = 256, LARGE_BLOCKS = 32 };

static const float div2k_mean[3] = {0.4488f, 0.4371f, 0.4040f};

/* What the convolutions are called. The number in `a` and `b` is the block's, in `after` that of
 * the blocks, in `up` 0 and 2; all three of `known` tell a file from those of other networks. */
struct names {
    const char *known[3];
    const char *first, *a, *b, *after, *up, *last;
};

static const struct names all_names[] = {
    {{"conv_first.weight", "body.0.conv1.weight", "conv_after_body.weight"},
     "conv_first",
     "body.%d.conv1",
     "body.%d.conv2",
     "conv_after_body",
     "upsample.%d",
     "conv_last"},
    {{"head.0.weight", "body.0.body.0.weight", "tail.1.weight"},
     "head.0",
     "body.%d.body.0",
     "body.%d.body.2",
     "body.%d",
     "tail.0.%d",
     "tail.1"},
};

static const struct names *names_of(const struct fov_weights *file)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(all_names); i++) {
        const char *const *const known = all_names[i].known;
        if (fov_weights_find(file, known[0]) && fov_weights_find(file, known[1]) &&
            fov_weights_find(file, known[2]))
            return &all_names[i];
    }
    return NULL;
}

static bool matches(const struct fov_weights *file)
{
    return names_of(file) != NULL;
}

/* "<name>.weight", the name made of `format` and a number that it may leave unused. */
static const struct fov_tensor *find(const struct fov_graph *g, const char *format, int number)
{
    char name[NAME_BYTES], weight[NAME_BYTES + 8];
    (void)snprintf(name, sizeof(name), format, number);
    (void)snprintf(weight, sizeof(weight), "%s.weight", name);
    return fov_weights_find(g->file, weight);
}

static enum fov_code add(struct fov_graph *g, const struct fov_layer *layer, const char *format,
                         int number, struct fov_err *err)
{
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), format, number);
    return fov_graph_add(g, layer, name, err);
}

/* ---- colours ----------------------------------------------------------------------------- */

/* The bias of a 1x1 convolution of three channels that leaves colours as they are but for it. */
static enum fov_code read_shift(struct fov_graph *g, const char *weight_name, const char *bias_name,
                                float shift[3], struct fov_err *err)
{
    const struct fov_tensor *const weight = fov_graph_find(g, weight_name);
    const struct fov_tensor *const bias = fov_graph_find(g, bias_name);
    bool ok = weight && bias && weight->n_elements == 9 && bias->n_elements == 3;
    enum fov_code rc;
    float w[9];

    if (ok && ((rc = fov_tensor_read(g->file, weight, w, err)) ||
               (rc = fov_tensor_read(g->file, bias, shift, err))))
        return rc;
    for (int i = 0; ok && i < 9; i++)
        ok = w[i] == (i % 4 == 0 ? 1.0f : 0.0f);
    if (!ok)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensors %s and %s should shift three colours and do nothing else",
                        fov_weights_name(g->file), weight_name, bias_name);
    return FOV_OK;
}

static enum fov_code set_colours(struct fov_graph *g, struct fov_err *err)
{
    const bool own = fov_weights_find(g->file, "sub_mean.weight") ||
                     fov_weights_find(g->file, "add_mean.weight");
    float sub[3] = {0}, add_back[3] = {0}, white = 255;
    enum fov_code rc;

    if (own && ((rc = read_shift(g, "sub_mean.weight", "sub_mean.bias", sub, err)) ||
                (rc = read_shift(g, "add_mean.weight", "add_mean.bias", add_back, err))))
        return rc;
    if (sub[0] < 0 && sub[0] > -1)
        white = 1;
    g->input_gain = white;
    g->output_gain = 1 / white;
    for (int i = 0; i < 3; i++) {
        g->mean[i] = own ? -sub[i] / white : div2k_mean[i];
        g->output_mean[i] = own ? add_back[i] / white : div2k_mean[i];
    }
    return FOV_OK;
}

/* ---- layers ------------------------------------------------------------------------------ */

static enum fov_code add_body(struct fov_graph *g, const struct names *n, struct fov_err *err)
{
    const struct fov_layer a = {.activation = FOV_PRELU, .leak = 0};
    const struct fov_layer after = {.add = {1}, .add_scale = {1}, .n_adds = 1};
    int n_blocks = 1; /* there is one, or it would not be an EDSR */
    enum fov_code rc;

    while (find(g, n->a, n_blocks))
        n_blocks++;
    const bool large = n_blocks == LARGE_BLOCKS && fov_graph_channels(g, 1) == LARGE_CHANNELS;
    for (int i = 0; i < n_blocks; i++) {
        const struct fov_layer b = {
            .gain = large ? 0.1f : 1.0f,
            .add = {g->n_layers - 1},
            .add_scale = {1},
            .n_adds = 1,
        };
        if ((rc = add(g, &a, n->a, i, err)) || (rc = add(g, &b, n->b, i, err)))
            return rc;
    }
    return add(g, &after, n->after, n_blocks, err);
}

static enum fov_code add_ups(struct fov_graph *g, const struct names *n, struct fov_err *err)
{
    const struct fov_tensor *t;
    enum fov_code rc;

    for (int i = 0; (t = find(g, n->up, i)) != NULL; i += 2) {
        struct fov_layer up = {.shuffle = 2};
        const size_t in_ch = (size_t)fov_graph_channels(g, g->n_layers - 1);
        for (int s = 3; s <= FOV_MAX_SHUFFLE; s++)
            if (t->n_dims == 4 && t->dims[0] == in_ch * (size_t)(s * s))
                up.shuffle = s;
        if ((rc = add(g, &up, n->up, i, err)))
            return rc;
    }
    return FOV_OK;
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    const struct names *const n = names_of(g->file);
    const struct fov_layer plain = {0};
    enum fov_code rc;

    if ((rc = set_colours(g, err)) || (rc = add(g, &plain, n->first, 0, err)) ||
        (rc = add_body(g, n, err)) || (rc = add_ups(g, n, err)) ||
        (rc = add(g, &plain, n->last, 0, err)))
        return rc;
    return FOV_OK;
}

const struct fov_arch fov_arch_edsr = {"edsr", "EDSR", matches, build};
