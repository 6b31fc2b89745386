/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c -- a network as a list of layers; checked once, so that nobody has to check again.
 *
 * Threads: a graph belongs to whoever opens a model. Owns: nothing; tensors are the file's.
 * Trust: the shapes come from a model file; fov_graph_check() is the gate.
 */
#include "net/graph.h"

static enum fov_code find(const struct fov_graph *g, const char *name,
                          const struct fov_tensor **ret_tensor, struct fov_err *err)
{
    *ret_tensor = fov_safetensors_find(g->file, name);
    if (!*ret_tensor)
        return fov_fail(err, FOV_EMODEL, "%s: looks like a %s network but has no tensor %.60s",
                        fov_safetensors_name(g->file), g->architecture, name);
    return FOV_OK;
}

enum fov_code fov_graph_add(struct fov_graph *g, int in, int add, const char *weight,
                            const char *bias, const char *slope, struct fov_err *err)
{
    struct fov_layer l = {.in = in, .add = add};
    enum fov_code rc;

    if (g->n_layers == FOV_MAX_LAYERS)
        return fov_fail(err, FOV_EMODEL, "%s: more than %d layers", fov_safetensors_name(g->file),
                        FOV_MAX_LAYERS);
    if ((rc = find(g, weight, &l.weight, err)) || (rc = find(g, bias, &l.bias, err)) ||
        (slope && (rc = find(g, slope, &l.slope, err))))
        return rc;

    const struct fov_tensor *const w = l.weight;
    if (w->n_dims != 4 || w->dims[2] != 3 || w->dims[3] != 3 || w->dims[0] < 1 || w->dims[1] < 1 ||
        w->dims[0] > FOV_MAX_CHANNELS || w->dims[1] > FOV_MAX_CHANNELS)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s is not a 3x3 convolution of 1 to %d channels",
                        fov_safetensors_name(g->file), w->name, FOV_MAX_CHANNELS);
    l.out_ch = (int)w->dims[0];
    l.in_ch = (int)w->dims[1];
    g->layers[g->n_layers++] = l;
    return FOV_OK;
}

static enum fov_code check_vector(const struct fov_graph *g, const struct fov_tensor *t, int n,
                                  struct fov_err *err)
{
    if (t->n_elements != (size_t)n || t->n_dims != 1)
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s should be a list of %d numbers",
                        fov_safetensors_name(g->file), t->name, n);
    return FOV_OK;
}

static enum fov_code check_layer(const struct fov_graph *g, int i, struct fov_err *err)
{
    const struct fov_layer *const l = &g->layers[i];
    const char *const file = fov_safetensors_name(g->file);
    enum fov_code rc;

    if (l->in < 0 || l->in >= i || l->add >= i)
        return fov_fail(err, FOV_EINTERNAL, "%s: layer %d reads a layer that comes later", file, i);
    const int have = l->in == 0 ? 3 : g->layers[l->in].out_ch;
    if (l->in_ch != have)
        return fov_fail(err, FOV_EMODEL,
                        "%s: tensor %.60s takes %d channels where the layer before it has %d", file,
                        l->weight->name, l->in_ch, have);
    if (l->add >= 0 && (l->add == 0 || g->layers[l->add].out_ch != l->out_ch))
        return fov_fail(err, FOV_EMODEL, "%s: tensor %.60s has %d channels and cannot be added",
                        file, l->weight->name, l->out_ch);
    if ((rc = check_vector(g, l->bias, l->out_ch, err)) ||
        (l->slope && (rc = check_vector(g, l->slope, l->out_ch, err))))
        return rc;
    return FOV_OK;
}

enum fov_code fov_graph_check(struct fov_graph *g, struct fov_err *err)
{
    enum fov_code rc;
    if (g->n_layers < 2)
        return fov_fail(err, FOV_EMODEL, "%s: holds no layers", fov_safetensors_name(g->file));
    for (int i = 1; i < g->n_layers; i++)
        if ((rc = check_layer(g, i, err)))
            return rc;

    const int last = g->layers[g->n_layers - 1].out_ch;
    g->scale = 0;
    for (int s = 1; s <= FOV_MAX_SCALE; s++)
        if (last == 3 * s * s)
            g->scale = s;
    if (!g->scale)
        return fov_fail(err, FOV_EMODEL,
                        "%s: its last layer has %d channels; 3, 12, 27 or 48 (scale 1 to 4) are "
                        "supported",
                        fov_safetensors_name(g->file), last);
    return FOV_OK;
}
