/* SPDX-License-Identifier: Apache-2.0 */
/* whole.c -- a small picture through a network with every layer complete and kept.
 *
 * Shares with wave.c where the tiles of a layer begin, since int16 rounds by the tile, and
 * nothing else: no bands, no slots, no threads.
 *
 * Threads: one. Owns: all layers. Trust: sides are the caller's own.
 */
#include "net/whole.h"

#include "base/mem.h"
#include "net/rows.h"

void fov_whole_done(struct fov_whole *whole)
{
    fov_free(whole->layers);
    fov_free(whole->rows);
    fov_free(whole->scratch);
    fov_plan_done(&whole->plan);
    *whole = (struct fov_whole){0};
}

int fov_whole_width(const struct fov_whole *whole, int i)
{
    return (int)whole->plan.layers[i].n_px * whole->plan.layers[i].side;
}

int fov_whole_height(const struct fov_whole *whole, int i)
{
    return whole->plan.layers[i].height * whole->plan.layers[i].side;
}

/* From the zero left of pixel 0. */
static unsigned char *margin_row(const struct fov_whole *w, int i, int y)
{
    return w->layers[i] + (size_t)(y + 1) * w->plan.layers[i].row_bytes;
}

void *fov_whole_row(const struct fov_whole *whole, int i, int y)
{
    return margin_row(whole, i, y) + fov_row_margin(&whole->net->layers[i], i, whole->element);
}

enum fov_code fov_whole_init(const struct fov_packed *net, enum fov_element element, int width,
                             int height, struct fov_whole *ret_whole, struct fov_err *err)
{
    enum fov_code rc;
    FOV_AUTO(fov_whole_done)
    struct fov_whole w = {
        .net = net,
        .element = element,
        .layers = fov_calloc((size_t)net->n_layers, sizeof(*w.layers)),
        .scratch = fov_calloc_aligned(64, net->scratch_bytes, 1),
    };
    if (!w.layers || !w.scratch)
        return fov_fail(err, FOV_ENOMEM, "no memory for %d layers", net->n_layers);
    if ((rc = fov_plan_init(net, width, height, 1, &w.plan, err)))
        return rc;
    size_t bytes = 0;
    for (int i = 0; i < net->n_layers; i++) {
        const size_t px = (size_t)fov_whole_width(&w, i) + 2 + FOV_ROW_SLACK_PX;
        const size_t element_bytes = i > 0 && element == FOV_ELEMENT_F16 ? 2 : 4;
        w.plan.layers[i].row_bytes = fov_round_up(px * net->layers[i].n_ch * element_bytes, 64);
        bytes += ((size_t)fov_whole_height(&w, i) + 2) * w.plan.layers[i].row_bytes;
    }
    if (!(w.rows = fov_calloc_aligned(64, bytes, 1)))
        return fov_fail(err, FOV_ENOMEM, "no memory for %d layers", net->n_layers);
    unsigned char *layer = w.rows;
    for (int i = 0; i < net->n_layers; i++) {
        w.layers[i] = layer;
        layer += ((size_t)fov_whole_height(&w, i) + 2) * w.plan.layers[i].row_bytes;
    }
    *ret_whole = w;
    w = (struct fov_whole){0}; /* given away */
    return FOV_OK;
}

void fov_whole_input(struct fov_whole *whole, const float *rgb)
{
    const int u = whole->net->unshuffle;
    const struct fov_shape shape = {
        .width_px = fov_whole_width(whole, 0) * u,
        .n_channels = 3,
        .sample = FOV_F32,
    };
    for (int y = 0; y < fov_whole_height(whole, 0) * u; y++)
        fov_row_load(fov_whole_row(whole, 0, y / u), whole->net->layers[0].n_ch,
                     rgb + (size_t)y * (size_t)shape.width_px * 3, &shape, whole->net->mean, u,
                     y % u);
}

static const void *source_row(const struct fov_whole *w, int i, int y)
{
    const int height = fov_whole_height(w, i);
    return margin_row(w, i, y < -1 ? -1 : y > height ? height : y);
}

void fov_whole_run(struct fov_whole *whole, const struct fov_kernels *kernels, int i,
                   const struct fov_packed_layer *layer)
{
    const struct fov_plan_layer *const p = &whole->plan.layers[i];
    struct fov_conv_rows rows = {
        .conv = &layer->conv,
        .n_src = layer->n_in,
        .dst_ch = layer->n_ch * (size_t)layer->side,
        .n_px = p->n_px,
        .scratch = whole->scratch,
    };
    for (int k = 0; k < layer->n_in; k++)
        rows.src[k].n_ch = whole->net->layers[layer->in[k]].n_ch;

    for (int first = -(p->offset % FOV_TILE_ROWS); first < p->height; first += FOV_TILE_ROWS) {
        for (int k = 0; k < layer->n_in; k++)
            for (int r = 0; r < FOV_TILE_ROWS + 2; r++)
                rows.src[k].row[r] = source_row(whole, layer->in[k], first - 1 + r);
        for (int r = 0; r < FOV_TILE_ROWS; r++) {
            const int y = first + r;
            const bool inside = y >= 0 && y < p->height;
            for (int s = 0; s < layer->side; s++)
                rows.dst[s][r] = inside ? fov_whole_row(whole, i, y * layer->side + s) : NULL;
            for (int k = 0; k < layer->conv.n_adds; k++)
                rows.add[k][r] = inside ? fov_whole_row(whole, layer->add[k], y) : NULL;
        }
        fov_kernel_for(kernels, layer->method)(&rows);
    }
}
