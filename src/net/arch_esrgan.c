/* SPDX-License-Identifier: Apache-2.0 */
/* arch_esrgan.c -- ESRGAN, the network of Real-ESRGAN and of most that the community trained.
 *
 *     dense(x) = 0.2 * c5(x | c1 | .. | c4) + x,  ck = leaky_relu(convk(x | c1 | .. | c(k-1)))
 *     block(x) = 0.2 * dense3(dense2(dense1(x))) + x
 *     y = first(x);  y = body(block_n(.. block_1(y))) + y
 *     y = leaky_relu(up(nearest(y, 2))), once or twice;  last = last(leaky_relu(hr(y)))
 *
 * Definition: Wang et al. 2018 (arXiv:1809.00219), class RRDBNet. The two additions at the end of a
 * block are one layer here: 0.2 * (0.2 * c5 + x3) + x = 0.04 * c5 + 0.2 * x3 + x.
 *
 * Files know the same network under three sets of names, below. Real-ESRGAN's networks for x2 and
 * x1 enlarge four times like the others, but read squares of 2 x 2 or 4 x 4 pixels as one pixel of
 * 12 or 48 channels; older ones enlarge less often. An enlargement by 3 has the names and shapes of
 * one by 2, which it is taken for; no public network is known to have it. ESRGAN+ adds a 1x1
 * convolution to each dense block and is refused for that tensor.
 *
 * Threads: any. Owns: nothing. Trust: names and shapes come from a model file.
 */
#include <stdio.h>

#include "base/mem.h"
#include "net/arch.h"

enum { NAME_BYTES = 64, N_DENSE = 3, N_CONVS = 5 };

/* What the convolutions are called. The numbers in `dense` are block, dense block and convolution,
 * from 0, 1 and 1; the one in `body` is the number of blocks. The n-th enlargement, from 1, has the
 * number n * step, and where that is 3, `hr` and `last` stand 2 and 4 behind the last of them. */
struct names {
    const char *first, *dense, *body, *up, *hr, *last;
    int step;
};

static const struct names all_names[] = {
    {"conv_first", "body.%d.rdb%d.conv%d", "conv_body", "conv_up%d", "conv_hr", "conv_last", 1},
    {"conv_first", "RRDB_trunk.%d.RDB%d.conv%d", "trunk_conv", "upconv%d", "HRconv", "conv_last",
     1},
    {"model.0", "model.1.sub.%d.RDB%d.conv%d.0", "model.1.sub.%d", "model.%d", "model.%d",
     "model.%d", 3},
};

/* "<name>.weight", the name made of `format` and numbers that it may leave unused. */
static const struct fov_tensor *find(const struct fov_weights *file, const char *format, int a,
                                     int b, int c)
{
    char name[NAME_BYTES], weight[NAME_BYTES + 8];
    (void)snprintf(name, sizeof(name), format, a, b, c);
    (void)snprintf(weight, sizeof(weight), "%s.weight", name);
    return fov_weights_find(file, weight);
}

static const struct names *names_of(const struct fov_weights *file)
{
    for (size_t i = 0; i < FOV_N_ELEMENTS(all_names); i++)
        if (find(file, all_names[i].first, 0, 0, 0) && find(file, all_names[i].dense, 0, 1, 1))
            return &all_names[i];
    return NULL;
}

static bool matches(const struct fov_weights *file)
{
    return names_of(file) != NULL;
}

static enum fov_code add(struct fov_graph *g, const struct fov_layer *layer, const char *format,
                         int number, struct fov_err *err)
{
    char name[NAME_BYTES];
    (void)snprintf(name, sizeof(name), format, number);
    return fov_graph_add(g, layer, name, err);
}

/* Five convolutions from layer `x` on; the last one's result is used as `last` says. */
static enum fov_code add_dense(struct fov_graph *g, const char *format, int block, int dense, int x,
                               const struct fov_layer *last, struct fov_err *err)
{
    struct fov_layer l = {.activation = FOV_PRELU, .leak = 0.2f};
    char name[NAME_BYTES];

    for (int k = 1; k <= N_CONVS; k++) {
        if (k == N_CONVS)
            l = *last;
        l.n_in = k;
        l.in[0] = x;
        for (int i = 1; i < k; i++) /* all that this dense block has made */
            l.in[i] = g->n_layers - k + i;
        (void)snprintf(name, sizeof(name), format, block, dense, k);
        const enum fov_code rc = fov_graph_add(g, &l, name, err);
        if (rc)
            return rc;
    }
    return FOV_OK;
}

/* Three dense blocks behind the last layer that there is. */
static enum fov_code add_block(struct fov_graph *g, const char *format, int block,
                               struct fov_err *err)
{
    const int y = g->n_layers - 1;
    for (int dense = 1; dense <= N_DENSE; dense++) {
        const int x = g->n_layers - 1;
        const struct fov_layer inner = {.gain = 0.2f, .add = {x}, .add_scale = {1}, .n_adds = 1};
        const struct fov_layer outer = {
            .gain = 0.04f, .add = {x, y}, .add_scale = {0.2f, 1}, .n_adds = 2};
        const enum fov_code rc =
            add_dense(g, format, block, dense, x, dense == N_DENSE ? &outer : &inner, err);
        if (rc)
            return rc;
    }
    return FOV_OK;
}

static enum fov_code add_end(struct fov_graph *g, const struct names *n, struct fov_err *err)
{
    const struct fov_layer up = {.enlarge = 2, .activation = FOV_PRELU, .leak = 0.2f};
    const struct fov_layer hr = {.activation = FOV_PRELU, .leak = 0.2f}, last = {0};
    enum fov_code rc;
    int at = 0;

    while (find(g->file, n->up, at + n->step, 0, 0)) {
        at += n->step;
        if ((rc = add(g, &up, n->up, at, err)))
            return rc;
    }
    if ((rc = add(g, &hr, n->hr, at + 2, err)) || (rc = add(g, &last, n->last, at + 4, err)))
        return rc;
    return FOV_OK;
}

/* How many pixels of the input, along each side, are one pixel of the first layer. */
static int unshuffle_of(const struct fov_tensor *first)
{
    const size_t in_ch = first->n_dims == 4 ? first->dims[1] : 0;
    return in_ch == 48 ? 4 : in_ch == 12 ? 2 : 1;
}

static enum fov_code build(struct fov_graph *g, struct fov_err *err)
{
    const struct names *const n = names_of(g->file);
    const struct fov_layer first = {0};
    const struct fov_layer body = {.add = {1}, .add_scale = {1}, .n_adds = 1};
    enum fov_code rc;
    int block = 0;

    g->unshuffle = unshuffle_of(find(g->file, n->first, 0, 0, 0));
    if ((rc = add(g, &first, n->first, 0, err)))
        return rc;
    for (; find(g->file, n->dense, block, 1, 1); block++)
        if ((rc = add_block(g, n->dense, block, err)))
            return rc;
    if ((rc = add(g, &body, n->body, block, err)))
        return rc;
    return add_end(g, n, err);
}

const struct fov_arch fov_arch_esrgan = {"esrgan", "ESRGAN", matches, build};
