/* SPDX-License-Identifier: Apache-2.0 */
/* enlarge.c -- a network as one step of a libvips pipeline.
 *
 *   in (sequential) --+-- colour rows --> stream --+-- out (sequential)
 *                     +-- alpha rows  --> stream --+
 *
 * Rows are pulled through the network in the order in which libvips asks for the result. Colour and
 * alpha are two streams of one network, fed by one pass over the input: what one has read ahead
 * waits in a window of rows for the other. Alpha runs as a grey picture and is then held between
 * the least and the greatest alpha of the 3x3 input pixels around: what is opaque stays exactly
 * opaque, and what is transparent transparent.
 *
 * So where all around is opaque the network has nothing to say, and the stream of alpha begins no
 * sooner than the first row that is not, less the network's overlap: an opaque picture needs none,
 * and half the time. It begins at a multiple of ALIGN_ROWS, so that kernels which compute several
 * rows at once divide them as they would from the top: the bits are the same.
 *
 * Wholly transparent pixels get a colour first, see transparency.c.
 *
 * Threads: libvips asks from several, behind vips_sequential(), which lets one in at a time.
 * Owns: the streams and the window, with the libvips image. Trust: the input may turn out damaged.
 */
#include <string.h>

#include "base/mem.h"
#include "image/alpha.h"
#include "image/vimage.h"

enum {
    STRIP_ROWS = 16,  /* input rows for which libvips asks for results at once */
    WINDOW_GROW = 64, /* input rows by which the window grows */
    ALIGN_ROWS = 48,  /* of input; every number of rows that a kernel may take divides it */
};

/* A stream of the network, the bands it reads and the rows. */
struct reader {
    struct enlarge *e;
    struct fov_stream *stream; /* NULL: alpha that has not begun */
    int first_band, n_bands;
    int first_row; /* of the input, the stream's row 0 */
    int next_row;  /* that it will ask for */
};

struct enlarge {
    VipsImage *in;
    struct fov_model *model;
    struct reader colour, alpha;
    bool has_alpha;
    int scale, overlap; /* of the network */
    size_t sample_bytes;
    int n_colours;     /* 1 or 3 */
    int next_row;      /* of the result */
    int first_visible; /* first row of the input that is not opaque, of those in the window or
                          before; -1: none yet */

    /* Input rows first..first+n-1 as they were read, all bands, one after the other. */
    unsigned char *window;
    size_t row_bytes;
    int window_first, window_n, window_max;
    VipsRegion *region; /* of the thread that is in generate() */

    void *colour_rows, *alpha_rows; /* one row of result each */
    uint16_t *least, *greatest;     /* alpha around each pixel of an input row */
    struct fov_err failure;
};

static unsigned char *window_row(const struct enlarge *e, int y)
{
    return e->window + (size_t)(y - e->window_first) * e->row_bytes;
}

/* The first row that something may still ask for. */
static int needed_from(const struct enlarge *e)
{
    const int now = e->next_row / e->scale - 1; /* the limits of alpha */
    if (!e->has_alpha)
        return now;
    if (!e->alpha.stream) /* it may begin that far back */
        return now - e->overlap - ALIGN_ROWS;
    return e->alpha.next_row < now ? e->alpha.next_row : now;
}

/* Make room for n more rows; those that nothing needs any more go. */
static bool window_reserve(struct enlarge *e, int n)
{
    const int gone = needed_from(e) - e->window_first;
    if (gone > 0) {
        const int drop = gone < e->window_n ? gone : e->window_n;
        memmove(e->window, e->window + (size_t)drop * e->row_bytes,
                (size_t)(e->window_n - drop) * e->row_bytes);
        e->window_first += drop;
        e->window_n -= drop;
    }
    if (e->window_n + n <= e->window_max)
        return true;
    const int max = e->window_n + n + WINDOW_GROW;
    unsigned char *const grown = fov_realloc(e->window, (size_t)max, e->row_bytes);
    if (!grown)
        return false;
    e->window = grown;
    e->window_max = max;
    return true;
}

static struct fov_alpha_row in_row(const struct enlarge *e)
{
    return (struct fov_alpha_row){.n_px = (size_t)e->in->Xsize,
                                  .n_channels = (size_t)e->in->Bands,
                                  .sample_bytes = e->sample_bytes};
}

/* Read on until row `last` is in the window. */
static bool window_fill(struct enlarge *e, int last)
{
    const struct fov_alpha_row kind = in_row(e);
    const int from = e->window_first + e->window_n, n = last + 1 - from;
    if (n <= 0)
        return true;
    const VipsRect rows = {.left = 0, .top = from, .width = e->in->Xsize, .height = n};
    if (vips_region_prepare(e->region, &rows))
        return false;
    if (!window_reserve(e, n)) {
        (void)fov_fail(&e->failure, FOV_ENOMEM, "no memory for %d rows", n);
        return false;
    }
    for (int y = from; y <= last; y++) {
        const void *const row = VIPS_REGION_ADDR(e->region, 0, y);
        e->window_n++;
        memcpy(window_row(e, y), row, e->row_bytes);
        if (e->has_alpha && e->first_visible < 0 && !fov_alpha_is_opaque(&kind, row))
            e->first_visible = y;
    }
    return true;
}

/* fov_read_rows_fn: the reader's bands of its rows y..y+n-1. */
static int read_bands(void *user, int y, int n_rows, void *rows)
{
    struct reader *const r = user;
    const struct enlarge *const e = r->e;
    const size_t pixel = (size_t)e->in->Bands * e->sample_bytes;
    const size_t bytes = (size_t)r->n_bands * e->sample_bytes;
    unsigned char *to = rows;

    y += r->first_row;
    if (!window_fill(r->e, y + n_rows - 1))
        return -1;
    r->next_row = y + n_rows;
    if (bytes == pixel) {
        memcpy(to, window_row(e, y), (size_t)n_rows * e->row_bytes);
        return 0;
    }
    for (int i = 0; i < n_rows; i++) {
        const unsigned char *from = window_row(e, y + i) + (size_t)r->first_band * e->sample_bytes;
        for (int x = 0; x < e->in->Xsize; x++, from += pixel, to += bytes)
            memcpy(to, from, bytes);
    }
    return 0;
}

static enum fov_code open_stream(struct reader *r, struct fov_err *err)
{
    const struct enlarge *const e = r->e;
    const struct fov_stream_options options = {
        .shape = {.width_px = e->in->Xsize,
                  .height_px = e->in->Ysize - r->first_row,
                  .n_channels = r->n_bands,
                  .sample = e->sample_bytes == 1 ? FOV_U8 : FOV_U16},
        .read = read_bands,
        .user = r,
    };
    r->next_row = r->first_row;
    return fov_stream_open(e->model, &options, &r->stream, err);
}

/* ---- a row of the result ----------------------------------------------------------------- */

/* Let alpha begin early enough for row y of the input, and go on to where the result stands. */
static bool begin_alpha(struct enlarge *e, int y)
{
    const int first = (y > e->overlap ? y - e->overlap : 0) / ALIGN_ROWS * ALIGN_ROWS;
    e->alpha.first_row = first > e->window_first ? first : e->window_first;
    if (open_stream(&e->alpha, &e->failure))
        return false;
    for (int row = e->alpha.first_row * e->scale; row < e->next_row; row++)
        if (fov_stream_read(e->alpha.stream, 1, e->alpha_rows, &e->failure))
            return false;
    return true;
}

/* The next row of alpha, to alpha_rows. */
static bool next_alpha(struct enlarge *e)
{
    const struct fov_alpha_row kind = in_row(e);
    const int y = e->next_row / e->scale, last = e->in->Ysize - 1;
    const int above = y > 0 ? y - 1 : 0, below = y < last ? y + 1 : last;

    if (!window_fill(e, below)) { /* the network has seen that row, so it is there */
        (void)fov_fail(&e->failure, FOV_ENOINPUT, "row %d cannot be read", below);
        return false;
    }
    if (e->first_visible < 0 || e->first_visible > below) {
        memset(e->alpha_rows, 0xFF, kind.n_px * (size_t)e->scale * e->sample_bytes);
        return true;
    }
    if (!e->alpha.stream && !begin_alpha(e, y))
        return false;
    if (fov_stream_read(e->alpha.stream, 1, e->alpha_rows, &e->failure))
        return false;
    if (e->next_row % e->scale == 0)
        fov_alpha_limits(&kind, window_row(e, above), window_row(e, y), window_row(e, below),
                         e->least, e->greatest);
    fov_alpha_hold(&kind, e->scale, e->least, e->greatest, e->alpha_rows);
    return true;
}

/* The next row of the result, to `out` where it is wanted. */
static bool next_row(struct enlarge *e, unsigned char *out)
{
    void *const colour = e->has_alpha || !out ? e->colour_rows : out;
    if (fov_stream_read(e->colour.stream, 1, colour, &e->failure))
        return false;
    if (e->has_alpha) {
        struct fov_alpha_row kind = in_row(e);
        kind.n_px *= (size_t)e->scale;
        if (!next_alpha(e))
            return false;
        if (out)
            fov_alpha_join(&kind, e->colour_rows, e->alpha_rows, out);
    }
    e->next_row++;
    return true;
}

static int generate(VipsRegion *out, void *seq, void *a, void *b, gboolean *stop)
{
    struct enlarge *const e = b;
    const VipsRect *const want = &out->valid;
    (void)a, (void)stop;

    if (want->left != 0 || want->width != out->im->Xsize || want->top < e->next_row) {
        vips_error("enlarge", "rows were asked for out of order");
        return -1;
    }
    e->region = seq;
    while (e->next_row < want->top + want->height) {
        const int y = e->next_row;
        if (!next_row(e, y < want->top ? NULL : VIPS_REGION_ADDR(out, 0, y))) {
            /* What libvips said of damaged input comes first; ours is the reason otherwise. */
            if (e->failure.code != FOV_ENOINPUT)
                vips_error("enlarge", "%s", e->failure.text);
            return -1;
        }
    }
    return 0;
}

/* ---- the step ---------------------------------------------------------------------------- */

static void enlarge_free(VipsImage *image, struct enlarge *e)
{
    (void)image;
    fov_stream_close(e->colour.stream);
    fov_stream_close(e->alpha.stream);
    fov_free(e->window);
    fov_free(e->colour_rows);
    fov_free(e->alpha_rows);
    fov_free(e->least);
    fov_free(e->greatest);
    fov_free(e);
}

static enum fov_code enlarge_new(VipsImage *in, struct fov_model *model, struct enlarge **ret_step,
                                 struct fov_err *err)
{
    struct fov_model_info info;
    struct enlarge *const e = fov_calloc(1, sizeof(*e));
    enum fov_code rc;
    if (!e)
        return fov_fail(err, FOV_ENOMEM, "no memory to enlarge a picture");

    fov_model_get_info(model, &info);
    e->in = in;
    e->model = model;
    e->scale = info.scale;
    e->overlap = info.overlap_px + 1; /* and the 3x3 pixels around */
    e->sample_bytes = VIPS_IMAGE_SIZEOF_ELEMENT(in);
    e->n_colours = in->Bands > 2 ? 3 : 1;
    e->has_alpha = in->Bands % 2 == 0;
    e->first_visible = -1;
    e->row_bytes = VIPS_IMAGE_SIZEOF_LINE(in);
    e->colour = (struct reader){.e = e, .n_bands = e->n_colours};
    e->alpha = (struct reader){.e = e, .first_band = e->n_colours, .n_bands = 1};
    e->colour_rows = fov_calloc((size_t)info.scale, e->row_bytes);
    e->alpha_rows = fov_calloc((size_t)info.scale, e->row_bytes);
    e->least = fov_calloc((size_t)in->Xsize, sizeof(*e->least));
    e->greatest = fov_calloc((size_t)in->Xsize, sizeof(*e->greatest));
    rc = e->colour_rows && e->alpha_rows && e->least && e->greatest
             ? open_stream(&e->colour, err)
             : fov_fail(err, FOV_ENOMEM, "no memory to enlarge a picture");
    if (rc)
        enlarge_free(NULL, e);
    else
        *ret_step = e;
    return rc;
}

/* Take *image through the network. */
static enum fov_code add_network(VipsImage **image, struct fov_model *model,
                                 const struct fov_err **ret_failure, struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *out = vips_image_new();
    VipsImage *in_order = NULL;
    struct enlarge *e = NULL;
    const enum fov_code rc = enlarge_new(*image, model, &e, err);
    if (rc)
        return rc;
    g_signal_connect(out, "close", G_CALLBACK(enlarge_free), e);
    *ret_failure = &e->failure;

    if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, *image, NULL))
        return fov__vips_fail(err, FOV_EINTERNAL, "enlarge", "the step cannot be added");
    fov__keep_alive(out, *image);
    out->Xsize *= e->scale;
    out->Ysize *= e->scale;
    if (vips_image_generate(out, vips_start_one, generate, vips_stop_one, *image, e) ||
        vips_sequential(out, &in_order, "tile_height", STRIP_ROWS * e->scale, NULL))
        return fov__vips_fail(err, FOV_EINTERNAL, "enlarge", "the step cannot be added");
    g_object_unref(*image);
    *image = in_order;
    return FOV_OK;
}

enum fov_code fov_image_enlarge(const struct fov_image *in, struct fov_model *model, int factor,
                                struct fov_image **ret_image, struct fov_err *err)
{
    const int width = in->vips->Xsize * factor, height = in->vips->Ysize * factor;
    struct fov_model_info info;
    FOV_AUTO(fov__unref_at) VipsImage *image = NULL;
    struct fov_image like = *in, *network;
    enum fov_code rc;

    fov_model_get_info(model, &info);
    if (factor < 1 || factor > info.scale)
        return fov_fail(err, FOV_EUSAGE, "%s: this network enlarges %d times; %d was asked for",
                        in->name, info.scale, factor);
    if (in->vips->Bands % 2 == 0) {
        if (fov__fill_transparent(in->vips, &image))
            return fov__vips_fail(err, FOV_EINTERNAL, in->name, "cannot be enlarged");
    } else {
        g_object_ref(image = in->vips);
    }
    if ((rc = add_network(&image, model, &like.step_failure, err)) ||
        (rc = fov__image_wrap(FOV_STEAL(image), &like, in->name, &network, err)))
        return rc;
    if (factor == info.scale) {
        *ret_image = network;
        return FOV_OK;
    }
    rc = fov__resample(network, FOV_FILTER_LANCZOS, width, height, ret_image, err);
    fov_image_free(network);
    return rc;
}
