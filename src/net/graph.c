/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c -- a network as a list of layers; checked once, so that nobody has to check again.
 *
 * Threads: a graph belongs to whoever opens a model. Owns: nothing; tensors are the file's.
 * Trust: the shapes come from a model file; fov_graph_check() is the gate.
 */
#include "net/graph.h"

#include <stdio.h>

enum { NAME_BYTES = 128 };

void fov_graph_init(struct fov_graph *g, const char *architecture, const struct fov_weights *file)
{
    *g = (struct fov_graph){
        .architecture = architecture,
        .file = file,
        .unshuffle = 1,
        .input_gain = 1,
        .output_gain = 1,
        .n_layers = 1,
    };
}

const struct fov_tensor *fov_graph_find(struct fov_graph *g, const char *name)
{
    const struct fov_tensor *const t = fov_weights_find(g->file, name);
    g->n_tensors += t != NULL;
    return t;
}

enum fov_code fov_graph_add(struct fov_graph *g, const struct fov_layer *layer, const char *name,
                            struct fov_err *err)
{
    const char *const file = fov_weights_name(g->file);
    char weight[NAME_BYTES], bias[NAME_BYTES];
    struct fov_layer l = *layer;

    if (g->n_layers == FOV_MAX_LAYERS)
        return fov_fail(err, FOV_EMODEL, "%s: more than %d layers", file, FOV_MAX_LAYERS);
    (void)snprintf(weight, sizeof(weight), "%s.weight", name);
    (void)snprintf(bias, sizeof(bias), "%s.bias", name);
    l.bias = fov_graph_find(g, bias);
    if (!(l.weight = fov_graph_find(g, weight)))
        return fov_fail(err, FOV_EMODEL, "%s: looks like a %s network but has no tensor %.60s",
                        file, g->architecture, weight);

    const size_t *const d = l.weight->dims;
    if (l.weight->n_dims != 4 || d[2] != d[3] || (d[2] != 3 && d[2] != 1) || d[0] < 1 || d[1] < 1 ||
        d[0] > FOV_MAX_CHANNELS || d[1] > FOV_MAX_CHANNELS)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s is not a 3x3 or 1x1 convolution of 1 to %d channels",
                        file, weight, FOV_MAX_CHANNELS);
    l.out_ch = (int)d[0];
    l.in_ch = (int)d[1];
    l.taps = (int)d[2];
    if (!l.n_in)
        l.in[l.n_in++] = g->n_layers - 1;
    l.enlarge = l.enlarge ? l.enlarge : 1;
    l.gain = l.gain > 0 ? l.gain : 1;
    l.shuffle = l.shuffle ? l.shuffle : 1;
    for (int s = 1; l.shuffle == FOV_SHUFFLE_TO_RGB && s <= FOV_MAX_SHUFFLE; s++)
        if (l.out_ch == 3 * s * s)
            l.shuffle = s;
    if (l.shuffle == FOV_SHUFFLE_TO_RGB)
        return fov_fail(err, FOV_EMODEL,
                        "%s: its last layer has %d channels; 3, 12, 27 or 48 (scale 1 to 4) are "
                        "supported",
                        file, l.out_ch);
    g->layers[g->n_layers++] = l;
    return FOV_OK;
}

int fov_graph_channels(const struct fov_graph *g, int i)
{
    const struct fov_layer *const l = &g->layers[i];
    return i == 0 ? 3 * g->unshuffle * g->unshuffle : l->out_ch / (l->shuffle * l->shuffle);
}

static enum fov_code check_vectors(const struct fov_graph *g, const struct fov_layer *l,
                                   struct fov_err *err)
{
    const char *const file = fov_weights_name(g->file);
    if (l->bias && (l->bias->n_elements != (size_t)l->out_ch || l->bias->n_dims != 1))
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s should be a list of %d numbers", file,
                        l->bias->name, l->out_ch);
    if (l->slope && (l->slope->n_dims != 1 ||
                     (l->slope->n_elements != (size_t)l->out_ch && l->slope->n_elements != 1)))
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s should be a list of 1 or %d numbers",
                        file, l->slope->name, l->out_ch);
    return FOV_OK;
}

/* Do the layers that `l` reads lie before it, at one resolution, with the channels its weight has?
 * Sets its resolution. */
static enum fov_code check_inputs(const struct fov_graph *g, int i, struct fov_layer *l,
                                  struct fov_err *err)
{
    const char *const file = fov_weights_name(g->file);
    int channels = 0, resolution = 0;

    for (int k = 0; k < l->n_in; k++) {
        if (l->in[k] < 0 || l->in[k] >= i || (l->in[k] == 0 && l->n_in > 1))
            return fov_fail(err, FOV_EINTERNAL, "%s: layer %d reads layer %d", file, i, l->in[k]);
        const int r = l->in[k] == 0 ? 1 : g->layers[l->in[k]].resolution;
        channels += fov_graph_channels(g, l->in[k]);
        if (k > 0 && r != resolution)
            return fov_fail(err, FOV_EINTERNAL, "%s: layer %d reads two resolutions", file, i);
        resolution = r;
    }
    if (channels != l->in_ch)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s takes %d channels where the layer before it has %d", file,
                        l->weight->name, l->in_ch, channels);
    l->resolution = resolution * l->enlarge * l->shuffle;
    return FOV_OK;
}

static enum fov_code check_layer(const struct fov_graph *g, int i, struct fov_layer *l,
                                 struct fov_err *err)
{
    const char *const file = fov_weights_name(g->file);
    const int side = l->shuffle * l->enlarge, limit = FOV_MAX_SCALE * g->unshuffle;
    enum fov_code rc;

    if ((rc = check_inputs(g, i, l, err)) || (rc = check_vectors(g, l, err)))
        return rc;
    if (side > FOV_MAX_SHUFFLE || l->out_ch % (l->shuffle * l->shuffle) ||
        (l->enlarge > 1 && (l->shuffle > 1 || l->taps != 3)) || l->resolution > limit)
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s cannot be enlarged %d times", file,
                        l->weight->name, side);
    for (int k = 0; k < l->n_adds; k++)
        if (l->add[k] < 1 || l->add[k] >= i || side > 1 ||
            fov_graph_channels(g, l->add[k]) != l->out_ch ||
            g->layers[l->add[k]].resolution != l->resolution)
            return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s has %d channels and cannot be added",
                            file, l->weight->name, l->out_ch);
    if (l->activation == FOV_GATE && l->n_adds < 1)
        return fov_fail(err, FOV_EINTERNAL, "%s: layer %d gates nothing", file, i);
    return FOV_OK;
}

enum fov_code fov_graph_check(struct fov_graph *g, struct fov_err *err)
{
    const char *const file = fov_weights_name(g->file);
    enum fov_code rc;

    if (g->n_layers < 2)
        return fov_fail(err, FOV_EMODEL, "%s: holds no layers", file);
    for (int i = 1; i < g->n_layers; i++)
        if ((rc = check_layer(g, i, &g->layers[i], err)))
            return rc;

    const int last = g->n_layers - 1, resolution = g->layers[last].resolution;
    if (fov_graph_channels(g, last) != 3)
        return fov_fail(err, FOV_EMODEL, "%s: its last layer leaves %d channels instead of 3", file,
                        fov_graph_channels(g, last));
    if (resolution % g->unshuffle || resolution / g->unshuffle > FOV_MAX_SCALE)
        return fov_fail(err, FOV_EMODEL, "%s: a network of scale %d/%d; 1 to %d are supported",
                        file, resolution, g->unshuffle, FOV_MAX_SCALE);
    g->scale = resolution / g->unshuffle;
    return FOV_OK;
}
