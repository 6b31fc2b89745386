/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.c -- columns and chunks of a very wide picture.
 *
 *             |<------- piece ------->|
 *          - +---------------+-------+---------------+
 *    chunk | |  kept         | around|               |   input rows, as wide as the picture, lie in
 *          - +---------------+       |               |   `window`; rows of the result, those of one
 *            |    around             |               |   chunk, in `chunk`
 *
 * One wave serves all pieces, so all have one shape: the last of each row and column lies against
 * the picture's edge and overlaps more. Pieces begin at whole tiles, so that they are divided into
 * tiles as the whole picture is. An edge inside of the picture is wrong (zeros where there are
 * pixels), so a piece computes the overlap of plan.h around what it keeps; below, where the grid of
 * tiles moves up by a row from layer to layer as the error does, little more than the radius.
 *
 * The workload that shaped it: panoramas of 30,000 and more pixels with networks of hundreds of
 * layers, which take 200 KB and more for each column.
 *
 * Threads: one, but for cancelling. Owns: the wave, the window, the chunk. Trust: the shape comes
 * from a picture. See: docs/internals/engine.md.
 */
#include "net/pieces.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "net/plan.h"
#include "net/rows.h"

enum {
    MAX_COLUMNS = 256,
    READ_ROWS = 16, /* rows asked of the caller at once: decoders work in strips */
};

/* One direction: n pieces of `length` pixels of input, of which each keeps `step`. */
struct cut {
    int size, n, step, length, before; /* before: pixels ahead of those kept */
};

struct layout {
    int tile_rows, tile_px, radius, overlap; /* of the network, on the picture: see plan.h */
    struct cut columns, rows;
    struct fov_shape piece;
    size_t row_bytes;   /* of the picture */
    size_t piece_bytes; /* of a row of a piece's result */
    size_t window_bytes, chunk_bytes, total_bytes;
};

struct fov_pieces {
    struct fov_stream_options options;
    struct layout at;
    struct fov_wave *wave;
    int scale;
    unsigned char *window, *chunk, *piece_row;
    int window_first, window_n; /* input rows that lie in the window */
    int column;                 /* of the piece that runs */
    int rows_made, rows_read;   /* of the result */
    int rows_told;              /* to options.progress */
    atomic_bool cancelled;
    struct fov_err failure;
};

/* ---- where to cut ------------------------------------------------------------------------- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Cut `size` pixels into pieces that keep `step`, with so many pixels around; all begin at a
 * multiple of `tile`. */
static struct cut cut_into(int size, int step, int before, int after, int tile)
{
    const size_t t = (size_t)tile;
    const size_t kept = fov_round_up((size_t)step, t), ahead = fov_round_up((size_t)before, t);
    const size_t length = ahead + kept + fov_round_up((size_t)after, t) + (size_t)(size % tile);
    return (struct cut){
        .size = size,
        .n = (size + (int)kept - 1) / (int)kept,
        .step = (int)kept,
        .length = length < (size_t)size ? (int)length : size,
        .before = (int)ahead,
    };
}

/* First pixel of piece i. */
static int piece_first(const struct cut *c, int i)
{
    const int first = i * c->step - c->before;
    return first < 0 ? 0 : least(first, c->size - c->length);
}

/* Pixels that piece i keeps, from i * step on. */
static int piece_kept(const struct cut *c, int i)
{
    return least(c->step, c->size - i * c->step);
}

/* The rows of a chunk for which its result and the window, which has `around` rows more but no more
 * than the picture has, take at most `bytes`. */
static int rows_within(const struct layout *l, size_t bytes, int around, int height, int scale)
{
    const size_t in = l->row_bytes, out = l->row_bytes * (size_t)scale * (size_t)scale;
    const size_t some = (size_t)around * in, all = (size_t)height * in;
    const size_t a = bytes > some ? (bytes - some) / (in + out) : 0;
    const size_t b = bytes > all ? (bytes - all) / out : 0;
    const size_t rows = a > b ? a : b, tile = (size_t)l->tile_rows;
    return rows >= (size_t)height ? height : (int)(rows / tile * tile);
}

/* The rows that fit into `limit` beside the wave of these columns; false when not even a tile of
 * them does. */
static bool cut_rows(struct layout *l, const struct fov_packed *net, int n_threads,
                     const struct fov_shape *shape, size_t limit)
{
    const size_t pixel = (size_t)shape->n_channels * fov_sample_bytes(shape->sample);
    const size_t scale = (size_t)net->scale;
    const int before = l->overlap, after = l->radius + 2 * l->tile_rows;
    l->piece = *shape;
    l->piece.width_px = l->columns.length;
    l->row_bytes = (size_t)shape->width_px * pixel;
    l->piece_bytes = (size_t)l->columns.length * pixel * scale;

    const size_t wave = fov_wave_memory(net, n_threads, &l->piece) + l->piece_bytes;
    const int rows = wave > limit ? 0
                                  : rows_within(l, limit - wave, before + after + 3 * l->tile_rows,
                                                shape->height_px, net->scale);
    if (rows == 0)
        return false;
    l->rows = cut_into(shape->height_px, rows, before, after, l->tile_rows);
    l->piece.height_px = l->rows.length;
    l->window_bytes = (size_t)l->rows.length * l->row_bytes;
    l->chunk_bytes = (size_t)l->rows.step * l->row_bytes * scale * scale;
    l->total_bytes = wave + l->window_bytes + l->chunk_bytes;
    return true;
}

/* The pixels computed for one that is kept. */
static double waste(const struct layout *l)
{
    return (double)l->columns.n * l->columns.length / l->columns.size * l->rows.n * l->rows.length /
           l->rows.size;
}

/* The layout that wastes least within `limit`; false when there is none. */
static bool lay_out(const struct fov_packed *net, int n_threads, const struct fov_shape *shape,
                    size_t limit, struct layout *ret_layout)
{
    struct layout l = {0};
    struct fov_plan plan;
    bool found = false;
    if (fov_plan_init(net, 1, 1, 1, &plan, NULL))
        return false;
    l.tile_rows = FOV_TILE_ROWS * net->unshuffle;
    l.tile_px = FOV_TILE_PX * net->unshuffle;
    l.radius = fov_plan_radius(&plan) * net->unshuffle;
    l.overlap = fov_plan_overlap(&plan) * net->unshuffle;
    fov_plan_done(&plan);

    for (int n = 2; n <= MAX_COLUMNS && shape->width_px / n >= l.tile_px; n++) {
        l.columns = cut_into(shape->width_px, (shape->width_px + n - 1) / n, l.overlap,
                             l.overlap + l.tile_px, l.tile_px);
        if (cut_rows(&l, net, n_threads, shape, limit) &&
            (!found || waste(&l) < waste(ret_layout))) {
            *ret_layout = l;
            found = true;
        }
    }
    return found;
}

size_t fov_pieces_memory(const struct fov_packed *net, int n_threads, const struct fov_shape *shape,
                         size_t limit_bytes)
{
    struct layout l;
    return lay_out(net, n_threads, shape, limit_bytes, &l) ? l.total_bytes : 0;
}

/* ---- a chunk ------------------------------------------------------------------------------ */

/* Let the window hold the rows that the pieces of row `row` read. */
static enum fov_code fill_window(struct fov_pieces *p, int row, struct fov_err *err)
{
    const struct layout *const l = &p->at;
    const int first = piece_first(&l->rows, row);
    const int gone = first - p->window_first;
    memmove(p->window, p->window + (size_t)gone * l->row_bytes,
            (size_t)(p->window_n - gone) * l->row_bytes);
    p->window_first = first;
    p->window_n -= gone;
    while (p->window_n < l->rows.length) {
        const int y = first + p->window_n, n = least(READ_ROWS, l->rows.length - p->window_n);
        if (p->options.read(p->options.user, y, n, p->window + (size_t)p->window_n * l->row_bytes))
            return fov_fail(err, FOV_ENOINPUT, "row %d of the picture could not be read", y);
        p->window_n += n;
    }
    return FOV_OK;
}

/* Copy pixels of a row from one that is from_px wide, from pixel `from` on, to another. */
static void copy_pixels(const struct fov_shape *s, const unsigned char *src, int src_px, int from,
                        unsigned char *dst, int dst_px, int to, int n_px)
{
    const int planes = s->layout == FOV_PLANAR ? s->n_channels : 1;
    const size_t pixel =
        fov_sample_bytes(s->sample) * (size_t)(s->layout == FOV_PLANAR ? 1 : s->n_channels);
    for (int i = 0; i < planes; i++)
        memcpy(dst + ((size_t)i * (size_t)dst_px + (size_t)to) * pixel,
               src + ((size_t)i * (size_t)src_px + (size_t)from) * pixel, (size_t)n_px * pixel);
}

/* fov_read_rows_fn of the wave: from the window. */
static int read_piece(void *user, int y, int n_rows, void *rows)
{
    const struct fov_pieces *const p = user;
    const struct layout *const l = &p->at;
    const int width = p->options.shape.width_px, piece = l->columns.length;
    for (int i = 0; i < n_rows; i++)
        copy_pixels(&p->options.shape, p->window + (size_t)(y + i) * l->row_bytes, width,
                    piece_first(&l->columns, p->column),
                    (unsigned char *)rows + (size_t)i * l->piece_bytes / (size_t)p->scale, piece, 0,
                    piece);
    return 0;
}

/* Say how far the chunk is, as rows of the whole result. */
static void tell(struct fov_pieces *p, int row, int column, int piece_row)
{
    const struct layout *const l = &p->at;
    const int kept = piece_kept(&l->rows, row) * p->scale;
    const double part = (column + (double)piece_row / (l->rows.length * p->scale)) / l->columns.n;
    const int done = row * l->rows.step * p->scale + (int)(kept * part);
    if (!p->options.progress || done <= p->rows_told)
        return;
    p->rows_told = done;
    if (p->options.progress(p->options.user, done, p->options.shape.height_px * p->scale))
        fov_pieces_cancel(p);
}

/* Run the piece at (column, row), and keep its part of the chunk. */
static enum fov_code run_piece(struct fov_pieces *p, int column, int row, struct fov_err *err)
{
    const struct layout *const l = &p->at;
    const int s = p->scale, result_px = p->options.shape.width_px * s;
    const int left = column * l->columns.step, top = row * l->rows.step;
    const int skip_px = (left - piece_first(&l->columns, column)) * s;
    const int skip_rows = (top - piece_first(&l->rows, row)) * s;
    const int kept = piece_kept(&l->rows, row) * s;

    p->column = column;
    fov_wave_restart(p->wave);
    for (int y = 0; y < skip_rows + kept; y++) {
        const enum fov_code rc = fov_wave_read(p->wave, 1, p->piece_row, err);
        if (rc)
            return rc;
        if (y >= skip_rows)
            copy_pixels(&p->options.shape, p->piece_row, l->columns.length * s, skip_px,
                        p->chunk + (size_t)(y - skip_rows) * l->row_bytes * (size_t)s, result_px,
                        left * s, piece_kept(&l->columns, column) * s);
        tell(p, row, column, y + 1 == skip_rows + kept ? l->rows.length * s : y + 1);
    }
    return FOV_OK;
}

static enum fov_code make_chunk(struct fov_pieces *p, struct fov_err *err)
{
    const struct layout *const l = &p->at;
    const int row = p->rows_made / (l->rows.step * p->scale);
    enum fov_code rc = fill_window(p, row, err);
    for (int column = 0; column < l->columns.n && !rc; column++)
        rc = run_piece(p, column, row, err);
    if (!rc)
        p->rows_made += piece_kept(&l->rows, row) * p->scale;
    return rc;
}

enum fov_code fov_pieces_read(struct fov_pieces *p, int n_rows, void *rows, struct fov_err *err)
{
    const size_t bytes = p->at.row_bytes * (size_t)p->scale;
    const int total = p->options.shape.height_px * p->scale, chunk = p->at.rows.step * p->scale;
    unsigned char *dst = rows;

    if (n_rows < 0 || n_rows > total - p->rows_read)
        return fov_fail(err, FOV_EUSAGE, "%d rows asked for where %d are left", n_rows,
                        total - p->rows_read);
    for (; n_rows > 0; n_rows--, p->rows_read++, dst += bytes) {
        if (atomic_load(&p->cancelled) && !p->failure.code)
            (void)fov_fail(&p->failure, FOV_ECANCEL, "cancelled");
        if (p->failure.code || (p->rows_read == p->rows_made && make_chunk(p, &p->failure)))
            return fov_fail(err, p->failure.code, "%s", p->failure.text);
        memcpy(dst, p->chunk + (size_t)(p->rows_read % chunk) * bytes, bytes);
    }
    return FOV_OK;
}

void fov_pieces_cancel(struct fov_pieces *pieces)
{
    atomic_store(&pieces->cancelled, true);
    fov_wave_cancel(pieces->wave);
}

/* ---- open and close ----------------------------------------------------------------------- */

static void close_at(struct fov_pieces **pieces)
{
    fov_pieces_close(*pieces);
}

enum fov_code fov_pieces_open(const struct fov_packed *net, const struct fov_kernels *kernels,
                              struct fov_pool *pool, const struct fov_stream_options *options,
                              struct fov_pieces **ret_pieces, struct fov_err *err)
{
    FOV_AUTO(close_at) struct fov_pieces *p = fov_calloc(1, sizeof(*p));
    struct fov_stream_options wave = {.read = read_piece, .user = p};
    const int n_threads = fov_pool_n_threads(pool);
    if (!p)
        return fov_fail(err, FOV_ENOMEM, "no memory to begin a picture");

    if (!lay_out(net, n_threads, &options->shape, options->max_memory_bytes, &p->at))
        return fov_fail(err, FOV_ELIMIT,
                        "a picture %d px wide takes %zu MB of working memory with this network, "
                        "the limit is %zu MB, and the network sees too far to run it in pieces",
                        options->shape.width_px,
                        fov_wave_memory(net, n_threads, &options->shape) >> 20,
                        options->max_memory_bytes >> 20);
    p->options = *options;
    p->scale = net->scale;
    wave.shape = p->at.piece;
    wave.max_memory_bytes = options->max_memory_bytes;
    if (!(p->window = fov_calloc(p->at.window_bytes, 1)) ||
        !(p->chunk = fov_calloc(p->at.chunk_bytes, 1)) ||
        !(p->piece_row = fov_calloc(p->at.piece_bytes, 1)))
        return fov_fail(err, FOV_ENOMEM, "no memory for the %zu MB that a picture %d px wide takes",
                        p->at.total_bytes >> 20, options->shape.width_px);
    const enum fov_code rc = fov_wave_open(net, kernels, pool, &wave, &p->wave, err);
    if (rc)
        return rc;
    *ret_pieces = FOV_STEAL(p);
    return FOV_OK;
}

void fov_pieces_close(struct fov_pieces *pieces)
{
    if (!pieces)
        return;
    fov_wave_close(pieces->wave);
    fov_free(pieces->window);
    fov_free(pieces->chunk);
    fov_free(pieces->piece_row);
    fov_free(pieces);
}
