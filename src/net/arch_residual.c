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

static bool matches(const struct fov_safetensors *file)
{
    return fov_safetensors_find(file, "head.weight") &&
           fov_safetensors_find(file, "body.0.a.weight") &&
           fov_safetensors_find(file, "tail.weight");
}

/* Two layers; *y is the layer that the block reads, and afterwards the one it makes. */
static enum fov_code add_block(struct fov_graph *g, int block, int *y, struct fov_err *err)
{
    char aw[NAME_BYTES], ab[NAME_BYTES], act[NAME_BYTES], bw[NAME_BYTES], bb[NAME_BYTES];
    enum fov_code rc;

    (void)snprintf(aw, sizeof(aw), "body.%d.a.weight", block);
    (void)snprintf(ab, sizeof(ab), "body.%d.a.bias", block);
    (void)snprintf(act, sizeof(act), "body.%d.act.weight", block);
    (void)snprintf(bw, sizeof(bw), "body.%d.b.weight", block);
    (void)snprintf(bb, sizeof(bb), "body.%d.b.bias", block);
    if ((rc = fov_graph_add(g, *y, -1, aw, ab, act, err)) ||
        (rc = fov_graph_add(g, g->n_layers - 1, *y, bw, bb, NULL, err)))
        return rc;
    *y = g->n_layers - 1;
    return FOV_OK;
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    char next[NAME_BYTES] = "body.0.a.weight";
    enum fov_code rc;
    int y = 1; /* head */

    g->mean = 0.45f;
    if ((rc = fov_graph_add(g, 0, -1, "head.weight", "head.bias", NULL, err)))
        return rc;
    for (int block = 0; fov_safetensors_find(g->file, next);) {
        if ((rc = add_block(g, block, &y, err)))
            return rc;
        (void)snprintf(next, sizeof(next), "body.%d.a.weight", ++block);
    }
    if ((rc = fov_graph_add(g, y, 1, "mid.weight", "mid.bias", NULL, err)) ||
        (rc = fov_graph_add(g, y + 1, -1, "tail.weight", "tail.bias", NULL, err)))
        return rc;
    return FOV_OK;
}

const struct fov_arch fov_arch_residual = {"residual", "Fovea residual", matches, build};
