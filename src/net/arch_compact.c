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

static bool matches(const struct fov_safetensors *file)
{
    const struct fov_tensor *const first = fov_safetensors_find(file, "body.0.weight");
    return first && first->n_dims == 4 && fov_safetensors_find(file, "body.0.bias");
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    char weight[NAME_BYTES], bias[NAME_BYTES], slope[NAME_BYTES];
    enum fov_code rc;

    for (int k = 0;; k += 2) {
        (void)snprintf(weight, sizeof(weight), "body.%d.weight", k);
        (void)snprintf(bias, sizeof(bias), "body.%d.bias", k);
        (void)snprintf(slope, sizeof(slope), "body.%d.weight", k + 1);
        const bool active = fov_safetensors_find(g->file, slope);
        if ((rc = fov_graph_add(g, g->n_layers - 1, -1, weight, bias, active ? slope : NULL, err)))
            return rc;
        if (!active)
            return FOV_OK;
    }
}

const struct fov_arch fov_arch_compact = {"compact", "SRVGGNetCompact", matches, build};
