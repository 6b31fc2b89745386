/* SPDX-License-Identifier: Apache-2.0 */
/* arch_residual.c -- Fovea's own residual network.
 *
 *     h = head(x - 0.45)
 *     y = h;  for every block: y = y + b(prelu(a(y)))
 *     last = tail(mid(y) + h)
 *
 * In the manner of EDSR (Lim et al. 2017, arXiv:1707.02921), with PReLU, which int16 arithmetic can
 * be balanced across, and the enlarged input added to the result. Used by the models of models/.
 * Tensors: head, body.N.a, body.N.act, body.N.b, mid, tail.
 *
 * Threads: any. Owns: nothing. Trust: names and shapes come from a model file.
 */
#include <stdio.h>

#include "net/arch.h"

enum { NAME_BYTES = 64 };

static bool matches(const struct fov_weights *file)
{
    return fov_weights_find(file, "head.weight") && fov_weights_find(file, "body.0.a.weight") &&
           fov_weights_find(file, "tail.weight");
}

/* Two layers; *y is the layer that the block reads, and afterwards the one it makes. */
static enum fov_code add_block(struct fov_graph *g, int block, int *y, struct fov_err *err)
{
    char a[NAME_BYTES], act[NAME_BYTES], b[NAME_BYTES];
    enum fov_code rc;

    (void)snprintf(a, sizeof(a), "body.%d.a", block);
    (void)snprintf(act, sizeof(act), "body.%d.act.weight", block);
    (void)snprintf(b, sizeof(b), "body.%d.b", block);
    const struct fov_layer first = {.activation = FOV_PRELU, .slope = fov_graph_find(g, act)};
    const struct fov_layer second = {.add = {*y}, .add_scale = {1}, .n_adds = 1};
    if (!first.slope)
        return fov_fail(err, FOV_EMODEL, "%s: looks like a %s network but has no tensor %s",
                        fov_weights_name(g->file), g->architecture, act);
    if ((rc = fov_graph_add(g, &first, a, err)) || (rc = fov_graph_add(g, &second, b, err)))
        return rc;
    *y = g->n_layers - 1;
    return FOV_OK;
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    const struct fov_layer head = {0}, mid = {.add = {1}, .add_scale = {1}, .n_adds = 1};
    const struct fov_layer tail = {.shuffle = FOV_SHUFFLE_TO_RGB};
    char next[NAME_BYTES] = "body.0.a.weight";
    enum fov_code rc;
    int y = 1; /* head */

    g->base = true;
    g->mean[0] = g->mean[1] = g->mean[2] = 0.45f;
    if ((rc = fov_graph_add(g, &head, "head", err)))
        return rc;
    for (int block = 0; fov_weights_find(g->file, next);) {
        if ((rc = add_block(g, block, &y, err)))
            return rc;
        (void)snprintf(next, sizeof(next), "body.%d.a.weight", ++block);
    }
    if ((rc = fov_graph_add(g, &mid, "mid", err)) || (rc = fov_graph_add(g, &tail, "tail", err)))
        return rc;
    return FOV_OK;
}

const struct fov_arch fov_arch_residual = {"residual", "Fovea residual", matches, build};
