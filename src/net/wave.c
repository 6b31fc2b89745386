/* SPDX-License-Identifier: Apache-2.0 */
/* wave.c -- run a network over a picture row by row.
 *
 *   caller's rows -> input ring -> conv ring -> conv ring -> ... -> result ring -> caller's rows
 *
 * Each layer computes its next block of rows as soon as the layers it reads have theirs and its
 * readers have left room in its ring. There are no tiles, so there are no seams and nothing is
 * computed twice; each row is computed once, by the same arithmetic whoever does it, so the result
 * does not depend on the number of threads. Blocks of one layer run in order and one at a time;
 * threads find their work in different layers. The layer nearest to the result goes first, which
 * keeps the rings short.
 *
 * The caller's thread feeds the input, takes the result and computes in between; the pool's threads
 * go on while it is away encoding, until the result ring is full.
 *
 * Threads: `done`, `running`, `rows_read` and the failure are guarded by the pool's lock. Owns: the
 * plan, the arena, the staging and result rows. Trust: the shape comes from a picture; callbacks
 * may fail. See: plan.h for the geometry, docs/internals/engine.md.
 */
#include "net/wave.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "net/plan.h"
#include "net/rows.h"

enum {
    READ_ROWS = 16,   /* rows asked of the caller at once: decoders work in strips */
    RESULT_ROWS = 16, /* input rows whose results may wait for the caller, beside a block's */
};

struct fov_wave {
    struct fov_work work; /* first: the pool hands it back */
    const struct fov_packed *net;
    const struct fov_kernels *kernels;
    struct fov_pool *pool;
    struct fov_stream_options options;
    struct fov_plan plan;

    float *arena;               /* the rings of all layers but the result, and the zero row */
    unsigned char *staging;     /* READ_ROWS rows of input as the caller gives them */
    int staged_from, staged_to; /* the rows that lie there */
    size_t input_row_bytes;
    unsigned char *result; /* ring of result_ring_rows x scale rows */
    size_t result_row_bytes;
    int result_ring_rows;

    int *done;     /* for each layer: blocks done */
    bool *running; /* for each layer: its next block is in work */
    int rows_read; /* of the result, by the caller */
    atomic_bool cancelled;
    struct fov_err failure; /* what ended the stream */
};

static float *ring_row(const struct fov_wave *w, int layer, int y)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    return w->arena + l->at + (size_t)(y % l->ring_rows) * l->row_floats;
}

/* A row as a 3x3 kernel reads it: from the zero left of pixel 0. */
static const float *source_row(const struct fov_wave *w, int layer, int y)
{
    return y < 0 || y >= w->plan.height ? w->arena + w->plan.zero_at : ring_row(w, layer, y);
}

static float *pixel_row(const struct fov_wave *w, int layer, int y)
{
    return ring_row(w, layer, y) + w->net->layers[layer].out_ch;
}

static unsigned char *result_row(const struct fov_wave *w, int row)
{
    const int ring = w->result_ring_rows * w->net->scale;
    return w->result + (size_t)(row % ring) * w->result_row_bytes;
}

/* The rows y0..y1 of the picture in a layer's block; false when it lies outside. */
static bool block_rows(const struct fov_wave *w, int layer, int block, int *ret_y0, int *ret_y1)
{
    const int first = fov_plan_first_row(&w->plan, layer, block);
    const int last = first + w->plan.block_rows - 1;
    *ret_y0 = first < 0 ? 0 : first;
    *ret_y1 = last < w->plan.height ? last : w->plan.height - 1;
    return *ret_y0 <= *ret_y1;
}

/* ---- what may run: under the pool's lock ------------------------------------------------- */

static bool inputs_are_ready(const struct fov_wave *w, int layer, int y1)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    for (int e = l->first_edge; e < l->first_edge + l->n_edges; e++) {
        const struct fov_edge *const in = &w->plan.edges_in[e];
        const int needed = y1 + in->halo < w->plan.height ? y1 + in->halo : w->plan.height - 1;
        if (fov_plan_first_row(&w->plan, in->from, w->done[in->from]) <= needed)
            return false;
    }
    return true;
}

/* Row y1 takes the place of row y1 - ring_rows: does anyone still need that? */
static bool ring_has_room(const struct fov_wave *w, int layer, int y1)
{
    const struct fov_plan_layer *const l = &w->plan.layers[layer];
    if (layer == w->plan.n_layers - 1)
        return y1 - w->result_ring_rows < w->rows_read / w->net->scale;
    for (int e = l->first_reader; e < l->first_reader + l->n_readers; e++) {
        const struct fov_edge *const out = &w->plan.edges_out[e];
        const int block = w->done[out->to];
        if (block < w->plan.n_blocks &&
            y1 - l->ring_rows >= fov_plan_first_row(&w->plan, out->to, block) - out->halo)
            return false;
    }
    return true;
}

static bool may_run(const struct fov_wave *w, int layer)
{
    int y0, y1;
    if (w->running[layer] || w->done[layer] == w->plan.n_blocks)
        return false;
    return !block_rows(w, layer, w->done[layer], &y0, &y1) ||
           (inputs_are_ready(w, layer, y1) && ring_has_room(w, layer, y1));
}

static bool claim(struct fov_work *work, uint32_t *ret_task)
{
    struct fov_wave *const w = (struct fov_wave *)work;
    if (w->failure.code)
        return false;
    for (int layer = w->plan.n_layers - 1; layer > 0; layer--)
        if (may_run(w, layer)) {
            w->running[layer] = true;
            *ret_task = (uint32_t)layer;
            return true;
        }
    return false;
}

static void finish(struct fov_work *work, uint32_t task)
{
    struct fov_wave *const w = (struct fov_wave *)work;
    w->running[task] = false;
    w->done[task]++;
}

/* ---- the work itself: without the lock --------------------------------------------------- */

static void run_conv_row(const struct fov_wave *w, int layer, int y)
{
    const struct fov_packed_layer *const l = &w->net->layers[layer];
    const struct fov_conv_row row = {
        .dst = pixel_row(w, layer, y),
        .src = {source_row(w, l->in, y - 1), source_row(w, l->in, y), source_row(w, l->in, y + 1)},
        .add = l->add < 0 ? NULL : pixel_row(w, l->add, y),
        .weights = l->weights,
        .bias = l->bias,
        .slope = l->slope,
        .n_px = (size_t)w->plan.width,
        .in_ch = l->in_ch,
        .out_ch = l->out_ch,
    };
    w->kernels->conv3x3_f32(&row);
}

static void run_result_row(const struct fov_wave *w, int y)
{
    const int last = w->net->n_layers - 1, scale = w->net->scale;
    for (int dy = 0; dy < scale; dy++)
        fov_row_store(result_row(w, y * scale + dy), pixel_row(w, last, y),
                      w->net->layers[last].out_ch, pixel_row(w, 0, y), &w->options.shape, scale, dy,
                      w->net->mean);
}

static void run(struct fov_work *work, uint32_t task)
{
    struct fov_wave *const w = (struct fov_wave *)work;
    const int layer = (int)task;
    int y0, y1;

    if (!block_rows(w, layer, w->done[layer], &y0, &y1))
        return;
    for (int y = y0; y <= y1; y++) {
        if (layer == w->plan.n_layers - 1)
            run_result_row(w, y);
        else
            run_conv_row(w, layer, y);
    }
}

/* ---- the caller's side ------------------------------------------------------------------- */

/* One block of input, from the caller's rows to the ring. */
static enum fov_code feed(struct fov_wave *w, int y0, int y1, struct fov_err *err)
{
    for (int y = y0; y <= y1; y++) {
        if (y == w->staged_to) {
            const int left = w->plan.height - y, n = left < READ_ROWS ? left : READ_ROWS;
            if (w->options.read(w->options.user, y, n, w->staging))
                return fov_fail(err, FOV_ENOINPUT, "row %d of the picture could not be read", y);
            w->staged_from = y;
            w->staged_to = y + n;
        }
        fov_row_load(pixel_row(w, 0, y),
                     w->staging + (size_t)(y - w->staged_from) * w->input_row_bytes,
                     &w->options.shape, w->net->mean);
    }
    return FOV_OK;
}

/* With the lock held: feed the next block if there is room for it. */
static bool feed_if_room(struct fov_wave *w)
{
    int y0, y1;
    if (!may_run(w, 0))
        return false;
    w->running[0] = true;
    if (block_rows(w, 0, w->done[0], &y0, &y1)) {
        struct fov_err failure = {0};
        fov_pool_unlock(w->pool);
        const enum fov_code rc = feed(w, y0, y1, &failure);
        fov_pool_lock(w->pool);
        if (rc && !w->failure.code)
            w->failure = failure;
    }
    finish(&w->work, 0);
    fov_pool_wake(w->pool);
    return true;
}

/* With the lock held: rows of the result that are done. */
static int rows_ready(const struct fov_wave *w)
{
    const int result = w->plan.n_layers - 1;
    const int rows = fov_plan_first_row(&w->plan, result, w->done[result]);
    return (rows < 0 ? 0 : rows < w->plan.height ? rows : w->plan.height) * w->net->scale;
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
    const int total = w->plan.height * w->net->scale;
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
    size_t arena_floats, staging_bytes, result_bytes;
};

static struct sizes measure(const struct fov_wave *w)
{
    return (struct sizes){
        .arena_floats = w->plan.arena_floats,
        .staging_bytes = READ_ROWS * w->input_row_bytes,
        .result_bytes = (size_t)w->result_ring_rows * (size_t)w->net->scale * w->result_row_bytes,
    };
}

static size_t total_bytes(const struct sizes *s)
{
    return s->arena_floats * sizeof(float) + s->staging_bytes + s->result_bytes;
}

static enum fov_code plan_wave(struct fov_wave *w, const struct fov_packed *net, int n_threads,
                               const struct fov_shape *shape, struct fov_err *err)
{
    if ((shape->n_channels != 1 && shape->n_channels != 3) || (unsigned)shape->sample > FOV_F32 ||
        (unsigned)shape->layout > FOV_PLANAR)
        return fov_fail(err, FOV_EUSAGE,
                        "a picture has 1 or 3 channels of 8-bit, 16-bit or float "
                        "samples, interleaved or planar");
    const enum fov_code rc =
        fov_plan_init(net, shape->width_px, shape->height_px, n_threads, &w->plan, err);
    if (rc)
        return rc;
    w->net = net;
    w->input_row_bytes =
        (size_t)shape->width_px * (size_t)shape->n_channels * fov_sample_bytes(shape->sample);
    w->result_row_bytes = w->input_row_bytes * (size_t)net->scale;
    w->result_ring_rows = RESULT_ROWS + w->plan.block_rows;
    return FOV_OK;
}

size_t fov_wave_memory(const struct fov_packed *net, int n_threads, const struct fov_shape *shape)
{
    struct fov_wave w = {0};
    if (plan_wave(&w, net, n_threads, shape, NULL))
        return 0;
    const struct sizes s = measure(&w);
    fov_plan_done(&w.plan);
    return total_bytes(&s);
}

static enum fov_code allocate(struct fov_wave *w, struct fov_err *err)
{
    const struct sizes s = measure(w);
    const size_t limit =
        w->options.max_memory_bytes ? w->options.max_memory_bytes : (size_t)4 << 30;
    const size_t n_layers = (size_t)w->plan.n_layers;

    if (total_bytes(&s) > limit)
        return fov_fail(err, FOV_ELIMIT,
                        "a picture %d px wide takes %zu MB of working memory with this network, "
                        "the limit is %zu MB",
                        w->plan.width, total_bytes(&s) >> 20, limit >> 20);
    if (!(w->arena = fov_calloc_aligned(64, s.arena_floats, sizeof(*w->arena))) ||
        !(w->staging = fov_calloc(s.staging_bytes, 1)) ||
        !(w->result = fov_calloc(s.result_bytes, 1)) ||
        !(w->done = fov_calloc(n_layers, sizeof(*w->done))) ||
        !(w->running = fov_calloc(n_layers, sizeof(*w->running))))
        return fov_fail(err, FOV_ENOMEM, "no memory for the %zu MB that a picture %d px wide takes",
                        total_bytes(&s) >> 20, w->plan.width);
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
    fov_free(w->done);
    fov_free(w->running);
    fov_free(w);
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
    fov_pool_attach(pool, &w->work);
    *ret_wave = FOV_STEAL(w);
    return FOV_OK;
}

void fov_wave_close(struct fov_wave *wave)
{
    if (!wave)
        return;
    fov_pool_detach(wave->pool, &wave->work);
    free_wave(&wave);
}
