/* SPDX-License-Identifier: Apache-2.0 */
/* arch_span.c -- SPAN, a small network whose attention has no weights.
 *
 *     f = first(255 * (x - mean));  y0 = f
 *     block_n:  a_n = silu(c1(y)),  v = c3(silu(c2(a_n))),  y = (v + y) * (sigmoid(v) - 0.5)
 *     last = upsampler(cat(f | conv_2(y6) | y1 | a_6))
 *
 * Definition: Wan et al. 2023 (arXiv:2311.12770) and its code, hongyuanyu/SPAN, span_arch.py. There
 * a block returns the result of c1_r, and a_6 is that of block_6 after SiLU: nn.SiLU(inplace=True)
 * has overwritten it by the time it is used. The mean is not added again. Networks trained without
 * it hold a tensor no_norm, whose number does not matter.
 *
 * Every 3x3 convolution but that of the upsampler is called eval_conv; in files from training it
 * stands for a group, which fold.c has made it equal to.
 *
 * Threads: any. Owns: nothing. Trust: names and shapes come from a model file.
 */
#include <stdio.h>

#include "net/arch.h"
#include "net/fold.h"

enum { NAME_BYTES = 64, N_BLOCKS = 6 };

static const float div2k_mean[3] = {0.4488f, 0.4371f, 0.4040f};

static bool matches(const struct fov_weights *file)
{
    return fov_weights_find(file, "conv_1.eval_conv.weight") &&
           fov_weights_find(file, "block_1.c1_r.eval_conv.weight") &&
           fov_weights_find(file, "conv_cat.weight");
}

/* The convolution of the group called `group`. */
static enum fov_code add(struct fov_graph *g, const struct fov_layer *layer, const char *group,
                         struct fov_err *err)
{
    char name[NAME_BYTES + 16];
    (void)snprintf(name, sizeof(name), "%s.eval_conv", group);
    g->n_tensors += fov_fold_n_tensors(g->file, group);
    return fov_graph_add(g, layer, name, err);
}

/* Three layers behind the last that there is. */
static enum fov_code add_block(struct fov_graph *g, int block, struct fov_err *err)
{
    const struct fov_layer silu = {.activation = FOV_SILU};
    const struct fov_layer gate = {.activation = FOV_GATE, .add = {g->n_layers - 1}, .n_adds = 1};
    char c1[NAME_BYTES], c2[NAME_BYTES], c3[NAME_BYTES];
    enum fov_code rc;

    (void)snprintf(c1, sizeof(c1), "block_%d.c1_r", block);
    (void)snprintf(c2, sizeof(c2), "block_%d.c2_r", block);
    (void)snprintf(c3, sizeof(c3), "block_%d.c3_r", block);
    if ((rc = add(g, &silu, c1, err)) || (rc = add(g, &silu, c2, err)) ||
        (rc = add(g, &gate, c3, err)))
        return rc;
    return FOV_OK;
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    const struct fov_layer plain = {0}, up = {.shuffle = FOV_SHUFFLE_TO_RGB};
    enum fov_code rc;

    if (!fov_graph_find(g, "no_norm")) {
        for (int i = 0; i < 3; i++)
            g->mean[i] = div2k_mean[i];
        g->input_gain = 255;
    }
    if ((rc = add(g, &plain, "conv_1", err)))
        return rc;
    const int f = g->n_layers - 1;
    for (int block = 1; block <= N_BLOCKS; block++)
        if ((rc = add_block(g, block, err)))
            return rc;
    if ((rc = add(g, &plain, "conv_2", err)))
        return rc;
    const int last = g->n_layers - 1; /* before it c3, c2 and c1 of the last block */
    const struct fov_layer cat = {.in = {f, last, f + 3, last - 3}, .n_in = 4};
    if ((rc = fov_graph_add(g, &cat, "conv_cat", err)) ||
        (rc = fov_graph_add(g, &up, "upsampler.0", err)))
        return rc;
    return FOV_OK;
}

const struct fov_arch fov_arch_span = {"span", "SPAN", matches, build};
