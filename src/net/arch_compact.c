/* SPDX-License-Identifier: Apache-2.0 */
/* arch_compact.c -- SRVGGNetCompact, the small networks of Real-ESRGAN.
 *
 *     last = body(x):  conv, PReLU, N x (conv, PReLU), conv
 *
 * Definition: Wang et al. 2021 (arXiv:2107.10833) and its code, class SRVGGNetCompact. Tensors:
 * body.K.weight and .bias are convolutions for even K and one list of PReLU slopes for odd K.
 * Variants with other activations have no tensor at odd K and are told apart by that.
 *
 * Threads: any. Owns: nothing. Trust: names and shapes come from a model file.
 */
#include <stdio.h>

#include "net/arch.h"

enum { NAME_BYTES = 64 };

static bool matches(const struct fov_weights *file)
{
    const struct fov_tensor *const first = fov_weights_find(file, "body.0.weight");
    return first && first->n_dims == 4 && fov_weights_find(file, "body.0.bias");
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    char name[NAME_BYTES], slope[NAME_BYTES];
    struct fov_layer l;
    enum fov_code rc;

    g->base = true;
    for (int k = 0;; k += 2) {
        (void)snprintf(name, sizeof(name), "body.%d", k);
        (void)snprintf(slope, sizeof(slope), "body.%d.weight", k + 1);
        l = (struct fov_layer){.slope = fov_graph_find(g, slope)};
        l.activation = l.slope ? FOV_PRELU : FOV_LINEAR;
        l.shuffle = l.slope ? 1 : FOV_SHUFFLE_TO_RGB;
        if ((rc = fov_graph_add(g, &l, name, err)) || !l.slope)
            return rc;
    }
}

const struct fov_arch fov_arch_compact = {"compact", "SRVGGNetCompact", matches, build};
