/* SPDX-License-Identifier: Apache-2.0 */
/* wave.c -- run a network over a picture band by band.
 *
 *   caller's rows -> input ring -> conv slot -> conv slot -> ... -> result ring -> caller's rows
 *                                     |carry        |carry
 *
 * Layer by layer over a whole picture would need memory for all of it; tiles compute their borders
 * twice and leave seams. Here a band of some rows runs through all layers, and then the next one,
 * with each layer's last rows carried over. Nothing is computed twice; each row is computed once,
 * by the same arithmetic whoever does it, so the result does not depend on the number of threads.
 *
 * Tasks are blocks of a layer. A band is divided into parts, one for each thread: its rows stay in
 * the cache of its core, and only those at the edges of a part travel to another. A part goes band
 * by band, layer by layer, down the blocks of one layer and up those of the next, so that what was
 * left last is read first. A thread whose part is not ready takes a task of another. Nothing can
 * lock up: of the parts that are furthest behind, each next task waits for earlier layers only.
 *
 * The caller's thread feeds the input, takes the result and computes in between; the pool's threads
 * go on while it is away encoding, until the result ring is full.
 *
 * Threads: the parts, `done`, `finished`, `rows_read` and the failure are guarded by the pool's
 * lock. Owns: the plan, the arena, the staging and result rows. Trust: the shape comes from a
 * picture; callbacks may fail. See: plan.h for the geometry, docs/internals/engine.md.
 */
#include "net/wave.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "net/plan.h"
#include "net/rows.h"

enum {
    READ_ROWS = 16, /* rows asked of the caller at once: decoders work in strips */
    KEPT_ROWS = FOV_MAX_UNSHUFFLE - 1, /* rows before those, which may be mirrored at the end */
    BLOCK_BITS = 20,                   /* of a task; the rest is the layer */
};

/* Where a part of all bands has got to. */
struct part {
    int band, layer;
    int n_left; /* blocks of its own to be claimed in this layer */
};

struct fov_wave {
    struct fov_work work; /* first: the pool hands it back */
    const struct fov_packed *net;
    const struct fov_kernels *kernels;
    struct fov_pool *pool;
    struct fov_stream_options options;
    struct fov_plan plan;

    unsigned char *arena;       /* the ring of the input, slots, carried rows and the zero row */
    unsigned char *staging;     /* KEPT_ROWS and READ_ROWS rows of input as the caller gives them */
    int staged_from, staged_to; /* the rows that lie there, behind those kept */
    size_t input_row_bytes;
    unsigned char *result; /* ring of result_ring_rows */
    size_t result_row_bytes;
    int result_ring_rows, result_rows; /* rows of the whole result */
    unsigned char *scratch;            /* scratch_bytes for each thread */
    size_t scratch_bytes;

    struct part *parts;
    int n_parts;
    int *done;          /* for each layer: blocks done, without a gap */
    uint64_t *finished; /* for each layer: which of the 64 blocks from `done` on are, too */
    int rows_read;      /* of the result, by the caller */
    atomic_bool cancelled;
    struct fov_err failure; /* what ended the stream */
};

/* Row y that a layer leaves, from its left zero, for a task of block `block`: in the slot; carried
 * over from the band before; or, the last `keep` of the band, where the next one looks for it. */
static unsigned char *layer_row(const struct fov_wave *w, int layer, int y, int block)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    const int at = y - fov_plan_band_row(&w->plan, layer, block);
    const int own = fov_plan_band_rows(&w->plan, layer) - l->keep; /* rows of the slot */
    const int odd = block / w->plan.band_blocks & 1;
    if (layer == 0)
        return w->arena + l->at + (size_t)(y % l->ring_rows) * l->row_bytes;
    if (at < 0)
        return w->arena + l->carry_at + (size_t)(odd * l->keep + l->keep + at) * l->row_bytes;
    if (at >= own)
        return w->arena + l->carry_at + (size_t)(!odd * l->keep + at - own) * l->row_bytes;
    return w->arena + l->at + (size_t)at * l->row_bytes;
}

/* The same, or the row of zeros around the picture, as a kernel reads it. */
static const void *source_row(const struct fov_wave *w, int layer, int y, int block)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    return y < 0 || y >= l->height * l->side ? w->arena + w->plan.zero_at
                                             : layer_row(w, layer, y, block);
}

static void *pixel_row(const struct fov_wave *w, int layer, int y, int block)
{
    return layer_row(w, layer, y, block) +
           fov_row_margin(&w->net->layers[layer], layer, w->net->element);
}

static unsigned char *result_row(const struct fov_wave *w, int row)
{
    return w->result + (size_t)(row % w->result_ring_rows) * w->result_row_bytes;
}

/* The rows y0..y1 that a layer computes in a block; false when it lies outside the picture. */
static bool block_rows(const struct fov_wave *w, int layer, int block, int *ret_y0, int *ret_y1)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    const int first = fov_plan_first_row(&w->plan, layer, block);
    const int last = first + l->block_rows - 1;
    *ret_y0 = first < 0 ? 0 : first;
    *ret_y1 = last < l->height ? last : l->height - 1;
    return *ret_y0 <= *ret_y1;
}

/* ---- what may run: under the pool's lock ------------------------------------------------- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static bool is_done(const struct fov_wave *w, int layer, int block)
{
    const int ahead = block - w->done[layer];
    return ahead < 0 || (ahead < FOV_MAX_BAND_BLOCKS && w->finished[layer] >> ahead & 1);
}

/* The block that computes row y of those that a layer leaves. */
static int block_of(const struct fov_plan_layer *l, int y)
{
    return (y / l->side + l->offset) / l->block_rows;
}

/* Is all that the rows y0..y1 of `layer` are made from? What was carried is there when the whole
 * band before is. */
static bool inputs_are_ready(const struct fov_wave *w, int layer, int band, int y0, int y1)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    const int now = band * w->plan.band_blocks;
    for (int e = l->first_edge; e < l->first_edge + l->n_edges; e++) {
        const struct fov_edge *const in = &w->plan.edges_in[e];
        const struct fov_plan_layer *const from = &w->plan.layers[in->from];
        const int above = (y0 - in->halo) / in->ratio, below = (y1 + in->halo) / in->ratio;
        int b = block_of(from, above > 0 ? above : 0);
        const int last = block_of(from, least(below, from->height * from->side - 1));
        if (b < now && w->done[in->from] < now)
            return false;
        for (b = b < now ? now : b; b <= last; b++)
            if (!is_done(w, in->from, b))
                return false;
    }
    return true;
}

/* Have `layer` and all layers that read it done their blocks up to number `blocks`? (A reader's
 * block outside the picture is done without waiting for what it reads, so the one does not say the
 * other.)
 */
static bool was_read(const struct fov_wave *w, int layer, int blocks)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    if (w->done[layer] < least(blocks, w->plan.n_blocks))
        return false;
    for (int e = l->first_reader; e < l->first_reader + l->n_readers; e++)
        if (w->done[w->plan.edges_out[e].to] < least(blocks, w->plan.n_blocks))
            return false;
    return true;
}

/* May the layer write where it writes in this band: its slot, and the rows that it carries over?
 * Even a block outside the picture carries rows. */
static bool may_write(const struct fov_wave *w, int layer, int band)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    const int now = band * w->plan.band_blocks, then = now + w->plan.band_blocks;
    return was_read(w, layer, now) && was_read(w, l->before, l->before < layer ? then : now);
}

static bool result_has_room(const struct fov_wave *w, int y1)
{
    return least((y1 + 1) * w->net->result_side, w->result_rows) - w->result_ring_rows <=
           w->rows_read;
}

/* The blocks of part number `i` in a band; *ret_first is their first. */
static int part_blocks(const struct fov_wave *w, int i, int band, int *ret_first)
{
    const int first = band * w->plan.band_blocks;
    const int n = least(w->plan.n_blocks - first, w->plan.band_blocks);
    *ret_first = first + i * n / w->n_parts;
    return (i + 1) * n / w->n_parts - i * n / w->n_parts;
}

static bool part_is_over(const struct fov_wave *w, const struct part *part)
{
    return part->band * w->plan.band_blocks >= w->plan.n_blocks;
}

/* Go on to the next layer that leaves the part something to do. */
static void advance(const struct fov_wave *w, struct part *part)
{
    while (!part->n_left && !part_is_over(w, part)) {
        int first;
        if (++part->layer == w->plan.n_layers) {
            part->layer = 1;
            part->band++;
        }
        if (!part_is_over(w, part))
            part->n_left = part_blocks(w, (int)(part - w->parts), part->band, &first);
    }
}

static bool claim_of_part(struct fov_wave *w, struct part *part, uint32_t *ret_task)
{
    const int layer = part->layer;
    int first, y0, y1;

    if (part_is_over(w, part))
        return false;
    const int n = part_blocks(w, (int)(part - w->parts), part->band, &first);
    const int block = layer % 2 ? first + n - part->n_left : first + part->n_left - 1;
    const bool inside = block_rows(w, layer, block, &y0, &y1);
    if (inside && !inputs_are_ready(w, layer, part->band, y0, y1))
        return false;
    if (layer == w->plan.n_layers - 1 ? inside && !result_has_room(w, y1)
                                      : !may_write(w, layer, part->band))
        return false;
    *ret_task = (uint32_t)layer << BLOCK_BITS | (uint32_t)block;
    part->n_left--;
    advance(w, part);
    return true;
}

static bool claim(struct fov_work *work, int slot, uint32_t *ret_task)
{
    struct fov_wave *const w = (struct fov_wave *)work;
    if (w->failure.code)
        return false;
    for (int i = 0; i < w->n_parts; i++)
        if (claim_of_part(w, &w->parts[(slot + i) % w->n_parts], ret_task))
            return true;
    return false;
}

static void finish_block(struct fov_wave *w, int layer, int block)
{
    w->finished[layer] |= UINT64_C(1) << (block - w->done[layer]);
    for (; w->finished[layer] & 1; w->finished[layer] >>= 1)
        w->done[layer]++;
}

static void finish(struct fov_work *work, uint32_t task)
{
    finish_block((struct fov_wave *)work, (int)(task >> BLOCK_BITS),
                 (int)(task & ((1u << BLOCK_BITS) - 1)));
}

/* ---- the work itself: without the lock --------------------------------------------------- */

/* What is carried further than one band: the rows from before this one, by its first block. */
static void carry_on(const struct fov_wave *w, int layer, int block)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    const int next = block + w->plan.band_blocks; /* a block of the band after */
    const int band_row = fov_plan_band_row(&w->plan, layer, block);
    if (block % w->plan.band_blocks)
        return;
    for (int y = band_row + fov_plan_band_rows(&w->plan, layer) - l->keep; y < band_row; y++)
        if (y >= 0 && y < l->height * l->side)
            memcpy(layer_row(w, layer, y, next), layer_row(w, layer, y, block), l->row_bytes);
}

/* The FOV_TILE_ROWS rows from `first` on, which may lie partly outside the picture. */
static void run_conv(const struct fov_wave *w, int layer, int first, int block, void *scratch)
{
    const struct fov_packed_layer *const l = &w->net->layers[layer];
    const struct fov_plan_layer *const p = &w->plan.layers[layer];
    struct fov_conv_rows rows = {
        .conv = &l->conv,
        .n_src = l->n_in,
        .dst_ch = l->n_ch * (size_t)l->side,
        .n_px = p->n_px,
        .scratch = scratch,
    };
    for (int k = 0; k < l->n_in; k++) {
        rows.src[k].n_ch = w->net->layers[l->in[k]].n_ch;
        const int border =
            l->conv.taps / 2; /* rows that a 1x1 layer does not read may be nowhere */
        for (int i = 1 - border; i < FOV_TILE_ROWS + 1 + border; i++)
            rows.src[k].row[i] = source_row(w, l->in[k], first - 1 + i, block);
    }
    for (int i = 0; i < FOV_TILE_ROWS; i++) {
        const int y = first + i;
        if (y < 0 || y >= p->height)
            continue;
        for (int s = 0; s < l->side; s++)
            rows.dst[s][i] = pixel_row(w, layer, y * l->side + s, block);
        for (int k = 0; k < l->conv.n_adds; k++)
            rows.add[k][i] = pixel_row(w, l->add[k], y, block);
    }
    fov_kernel_for(w->kernels, l->method)(&rows);
}

static void run_result_row(const struct fov_wave *w, int y, int block, void *scratch)
{
    const struct fov_packed *const net = w->net;
    const int last = net->n_layers - 1, side = net->result_side;
    struct fov_result_row row = {
        .dst = scratch,
        .src = pixel_row(w, last, y, block),
        .element = net->element,
        .n_px = w->plan.layers[last].n_px,
        .n_ch = net->layers[last].n_ch,
        .side = side,
        .base = net->base ? pixel_row(w, 0, y, block) : NULL,
        .mean = {net->mean[0], net->mean[1], net->mean[2]},
    };
    for (int dy = 0; dy < side && y * side + dy < w->result_rows; dy++) {
        row.first = (size_t)dy * (size_t)side * 3;
        w->kernels->result_row(&row);
        fov_row_store(result_row(w, y * side + dy), scratch, &w->options.shape, net->scale);
    }
}

static void run(struct fov_work *work, uint32_t task, int slot)
{
    struct fov_wave *const w = (struct fov_wave *)work;
    const int layer = (int)(task >> BLOCK_BITS), block = (int)(task & ((1u << BLOCK_BITS) - 1));
    void *const scratch = w->scratch + (size_t)slot * w->scratch_bytes;
    int y0, y1;

    if (layer < w->plan.n_layers - 1)
        carry_on(w, layer, block);
    if (!block_rows(w, layer, block, &y0, &y1))
        return;
    if (layer == w->plan.n_layers - 1)
        for (int y = y0; y <= y1; y++)
            run_result_row(w, y, block, scratch);
    else
        for (int y = fov_plan_first_row(&w->plan, layer, block); y <= y1; y += FOV_TILE_ROWS)
            if (y + FOV_TILE_ROWS > y0)
                run_conv(w, layer, y, block, scratch);
}

/* ---- the caller's side ------------------------------------------------------------------- */

/* Row y of the picture as the caller gives it, or NULL; may go back KEPT_ROWS. */
static const unsigned char *input_row(struct fov_wave *w, int y, struct fov_err *err)
{
    const size_t kept = KEPT_ROWS * w->input_row_bytes;
    if (y >= w->staged_to) {
        const int n = least(w->options.shape.height_px - y, READ_ROWS);
        const size_t staged = (size_t)(w->staged_to - w->staged_from) * w->input_row_bytes;
        memmove(w->staging, w->staging + staged, kept);
        if (w->options.read(w->options.user, y, n, w->staging + kept)) {
            (void)fov_fail(err, FOV_ENOINPUT, "row %d of the picture could not be read", y);
            return NULL;
        }
        w->staged_from = y;
        w->staged_to = y + n;
    }
    return w->staging + kept + (ptrdiff_t)(y - w->staged_from) * (ptrdiff_t)w->input_row_bytes;
}

/* One block of input, from the caller's rows to the ring. A height that is no multiple of
 * `unshuffle` is filled up with rows mirrored at the last one. */
static enum fov_code feed(struct fov_wave *w, int y0, int y1, struct fov_err *err)
{
    const int u = w->net->unshuffle, height = w->options.shape.height_px;
    for (int y = y0; y <= y1; y++)
        for (int dy = 0; dy < u; dy++) {
            const unsigned char *const row = input_row(w, fov_mirrored(y * u + dy, height), err);
            if (!row)
                return FOV_ENOINPUT;
            fov_row_load(pixel_row(w, 0, y, 0), w->net->layers[0].n_ch, row, &w->options.shape,
                         w->net->mean, u, dy);
        }
    return FOV_OK;
}

/* The rows for y1 take the places of rows that lie ring_rows before: does anyone still need them?
 */
static bool input_has_room(const struct fov_wave *w, int y1)
{
    const struct fov_plan_layer *const l = &w->plan.layers[0];
    for (int e = l->first_reader; e < l->first_reader + l->n_readers; e++) {
        const struct fov_edge *const out = &w->plan.edges_out[e];
        const int block = w->done[out->to];
        const int needed = fov_plan_first_row(&w->plan, out->to, block) - out->halo;
        if (block < w->plan.n_blocks && y1 - l->ring_rows >= (needed < 0 ? 0 : needed / out->ratio))
            return false;
    }
    return true;
}

/* With the lock held: feed the next block if there is room for it. */
static bool feed_if_room(struct fov_wave *w)
{
    int y0, y1;
    if (w->done[0] == w->plan.n_blocks)
        return false;
    if (block_rows(w, 0, w->done[0], &y0, &y1)) {
        struct fov_err failure = {0};
        if (!input_has_room(w, y1))
            return false;
        fov_pool_unlock(w->pool);
        const enum fov_code rc = feed(w, y0, y1, &failure);
        fov_pool_lock(w->pool);
        if (rc && !w->failure.code)
            w->failure = failure;
    }
    finish_block(w, 0, w->done[0]);
    fov_pool_wake(w->pool);
    return true;
}

/* With the lock held: rows of the result that are done. */
static int rows_ready(const struct fov_wave *w)
{
    const int result = w->plan.n_layers - 1;
    const int rows = fov_plan_first_row(&w->plan, result, w->done[result]) * w->net->result_side;
    return rows < 0 ? 0 : least(rows, w->result_rows);
}

/* Wait, and work, until a row is ready; returns how many of at most `wanted` are, or 0 after a
 * failure. */
static int wait_for_rows(struct fov_wave *w, int wanted, struct fov_err *err)
{
    int n = 0;
    fov_pool_lock(w->pool);
    while (!w->failure.code) {
        if (atomic_load(&w->cancelled))
            (void)fov_fail(&w->failure, FOV_ECANCEL, "cancelled");
        else if (feed_if_room(w))
            continue;
        else if ((n = rows_ready(w) - w->rows_read) > 0)
            break;
        else
            fov_pool_help(w->pool, &w->work);
    }
    if (w->failure.code)
        (void)fov_fail(err, w->failure.code, "%s", w->failure.text);
    fov_pool_unlock(w->pool);
    return n < wanted ? n : wanted;
}

enum fov_code fov_wave_read(struct fov_wave *w, int n_rows, void *rows, struct fov_err *err)
{
    const int total = w->result_rows;
    unsigned char *dst = rows;

    if (n_rows < 0 || n_rows > total - w->rows_read)
        return fov_fail(err, FOV_EUSAGE, "%d rows asked for where %d are left", n_rows,
                        total - w->rows_read);
    while (n_rows > 0) {
        const int n = wait_for_rows(w, n_rows, err);
        if (n <= 0)
            return w->failure.code;
        for (int i = 0; i < n; i++, dst += w->result_row_bytes)
            memcpy(dst, result_row(w, w->rows_read + i), w->result_row_bytes);
        n_rows -= n;

        fov_pool_lock(w->pool);
        w->rows_read += n;
        fov_pool_wake(w->pool);
        fov_pool_unlock(w->pool);
        if (w->options.progress && w->options.progress(w->options.user, w->rows_read, total))
            fov_wave_cancel(w);
    }
    return FOV_OK;
}

void fov_wave_cancel(struct fov_wave *w)
{
    fov_pool_lock(w->pool);
    atomic_store(&w->cancelled, true);
    fov_pool_wake(w->pool);
    fov_pool_unlock(w->pool);
}

/* ---- open and close ---------------------------------------------------------------------- */

/* The parts of a wave whose sizes depend on the picture. */
struct sizes {
    size_t arena, staging, result, scratch; /* bytes */
};

static struct sizes measure(const struct fov_wave *w, int n_threads)
{
    return (struct sizes){
        .arena = w->plan.arena_bytes,
        .staging = (KEPT_ROWS + READ_ROWS) * w->input_row_bytes,
        .result = (size_t)w->result_ring_rows * w->result_row_bytes,
        .scratch = (size_t)n_threads * w->scratch_bytes,
    };
}

static size_t total_bytes(const struct sizes *s)
{
    return s->arena + s->staging + s->result + s->scratch;
}

static enum fov_code plan_wave(struct fov_wave *w, const struct fov_packed *net, int n_threads,
                               const struct fov_shape *shape, struct fov_err *err)
{
    if ((shape->n_channels != 1 && shape->n_channels != 3) || (unsigned)shape->sample > FOV_F32 ||
        (unsigned)shape->layout > FOV_PLANAR)
        return fov_fail(err, FOV_EUSAGE,
                        "a picture has 1 or 3 channels of 8-bit, 16-bit or float "
                        "samples, interleaved or planar");
    const int u = net->unshuffle;
    const enum fov_code rc =
        fov_plan_init(net, shape->width_px / u + (shape->width_px % u > 0),
                      shape->height_px / u + (shape->height_px % u > 0), n_threads, &w->plan, err);
    if (rc)
        return rc;
    const struct fov_plan_layer *const last = &w->plan.layers[w->plan.n_layers - 1];
    const size_t row_floats = last->n_px * (size_t)net->result_side * 3 + FOV_RESULT_SLACK;

    w->net = net;
    w->n_parts = least(n_threads, w->plan.band_blocks);
    w->input_row_bytes =
        (size_t)shape->width_px * (size_t)shape->n_channels * fov_sample_bytes(shape->sample);
    w->result_row_bytes = w->input_row_bytes * (size_t)net->scale;
    w->result_rows = shape->height_px * net->scale;
    w->result_ring_rows =
        least(2 * w->plan.band_blocks * FOV_TILE_ROWS * net->scale * u, w->result_rows);
    w->scratch_bytes =
        fov_round_up(net->scratch_bytes > row_floats * sizeof(float) ? net->scratch_bytes
                                                                     : row_floats * sizeof(float),
                     4096);
    return FOV_OK;
}

size_t fov_wave_memory(const struct fov_packed *net, int n_threads, const struct fov_shape *shape)
{
    struct fov_wave w = {0};
    if (plan_wave(&w, net, n_threads, shape, NULL))
        return 0;
    const struct sizes s = measure(&w, n_threads);
    fov_plan_done(&w.plan);
    return total_bytes(&s);
}

static enum fov_code allocate(struct fov_wave *w, struct fov_err *err)
{
    const struct sizes s = measure(w, fov_pool_n_threads(w->pool));
    const size_t n_layers = (size_t)w->plan.n_layers;

    if (!(w->arena = fov_calloc_aligned(64, s.arena, 1)) ||
        !(w->staging = fov_calloc(s.staging, 1)) || !(w->result = fov_calloc(s.result, 1)) ||
        !(w->scratch = fov_calloc_aligned(64, s.scratch, 1)) ||
        !(w->parts = fov_calloc((size_t)w->n_parts, sizeof(*w->parts))) ||
        !(w->done = fov_calloc(n_layers, sizeof(*w->done))) ||
        !(w->finished = fov_calloc(n_layers, sizeof(*w->finished))))
        return fov_fail(err, FOV_ENOMEM, "no memory for the %zu MB that a picture %d px wide takes",
                        total_bytes(&s) >> 20, w->options.shape.width_px);
    return FOV_OK;
}

/* Frees what is there; `wave` may be half built but not attached. */
static void free_wave(struct fov_wave **wave)
{
    struct fov_wave *const w = *wave;
    if (!w)
        return;
    fov_plan_done(&w->plan);
    fov_free(w->arena);
    fov_free(w->staging);
    fov_free(w->result);
    fov_free(w->scratch);
    fov_free(w->parts);
    fov_free(w->done);
    fov_free(w->finished);
    fov_free(w);
}

/* All parts to the first layer of the first band; layer 0 is the input's. */
static void begin_parts(struct fov_wave *w)
{
    for (int i = 0; i < w->n_parts; i++) {
        w->parts[i] = (struct part){0};
        advance(w, &w->parts[i]);
    }
}

enum fov_code fov_wave_open(const struct fov_packed *net, const struct fov_kernels *kernels,
                            struct fov_pool *pool, const struct fov_stream_options *options,
                            struct fov_wave **ret_wave, struct fov_err *err)
{
    FOV_AUTO(free_wave) struct fov_wave *w = fov_calloc(1, sizeof(*w));
    enum fov_code rc;
    if (!w)
        return fov_fail(err, FOV_ENOMEM, "no memory to begin a picture");

    w->work = (struct fov_work){.claim = claim, .run = run, .finish = finish};
    w->kernels = kernels;
    w->pool = pool;
    w->options = *options;
    if ((rc = plan_wave(w, net, fov_pool_n_threads(pool), &options->shape, err)) ||
        (rc = allocate(w, err)))
        return rc;
    begin_parts(w);
    fov_pool_attach(pool, &w->work);
    *ret_wave = FOV_STEAL(w);
    return FOV_OK;
}

void fov_wave_restart(struct fov_wave *wave)
{
    struct fov_wave *const w = wave;
    const size_t n_layers = (size_t)w->plan.n_layers;
    fov_pool_detach(w->pool, &w->work);
    w->staged_from = w->staged_to = 0;
    w->rows_read = 0;
    begin_parts(w);
    memset(w->done, 0, n_layers * sizeof(*w->done));
    memset(w->finished, 0, n_layers * sizeof(*w->finished));
    fov_pool_attach(w->pool, &w->work);
}

void fov_wave_close(struct fov_wave *wave)
{
    if (!wave)
        return;
    fov_pool_detach(wave->pool, &wave->work);
    free_wave(&wave);
}
