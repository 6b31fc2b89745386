/* SPDX-License-Identifier: Apache-2.0 */
/* enlarge.c -- a network as one step of a libvips pipeline.
 *
 *   in (sequential) --+-- colour rows --> stream --+-- out (sequential)
 *                     +-- alpha rows  --> stream --+
 *
 * Rows are pulled through the network in the order in which libvips asks for the result. Colour and
 * alpha are two streams of one network that are read in step, so that one pass over the input feeds
 * both: what one has read ahead waits in a window of rows for the other. Alpha runs as a grey
 * picture and is then held between the least and the greatest alpha of the 3x3 input pixels
 * around: what is opaque stays exactly opaque, and what is transparent transparent.
 *
 * Wholly transparent pixels get a colour first, see transparency.c.
 *
 * Threads: libvips asks from several, behind vips_sequential(), which lets one in at a time.
 * Owns: the streams and the window, with the libvips image. Trust: the input may turn out damaged.
 */
#include <string.h>

#include "base/mem.h"
#include "image/vimage.h"

enum {
    STRIP_ROWS = 16,  /* input rows for which libvips asks for results at once */
    WINDOW_GROW = 64, /* input rows by which the window grows */
};

struct enlarge {
    VipsImage *in;
    struct fov_stream *colour, *alpha; /* alpha: NULL where there is none */
    int scale;
    size_t sample_bytes;
    int n_colours; /* 1 or 3 */
    int next_row;  /* of the result */

    /* Input rows first..first+n-1 as they were read, all bands, one after the other. */
    unsigned char *window;
    size_t row_bytes;
    int window_first, window_n, window_max;
    VipsRegion *region; /* of the thread that is in generate() */

    void *colour_rows, *alpha_rows; /* one row of result each */
    struct fov_err failure;
};

/* A stream of the network together with the bands it reads. */
struct reader {
    struct enlarge *e;
    int first_band, n_bands;
};

struct enlarge_step {
    struct enlarge e;
    struct reader colour, alpha;
};

static unsigned char *window_row(const struct enlarge *e, int y)
{
    return e->window + (size_t)(y - e->window_first) * e->row_bytes;
}

/* Make room for n more rows; rows that neither stream nor the alpha limits need any more go. */
static bool window_reserve(struct enlarge *e, int n)
{
    const int needed_from = e->next_row / e->scale - 1;
    const int gone = needed_from - e->window_first;
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

/* Read on until row `last` is in the window. */
static bool window_fill(struct enlarge *e, int last)
{
    const int from = e->window_first + e->window_n, n = last + 1 - from;
    if (n <= 0)
        return true;
    const VipsRect rows = {.left = 0, .top = from, .width = e->in->Xsize, .height = n};
    if (vips_region_prepare(e->region, &rows) || !window_reserve(e, n))
        return false;
    for (int y = from; y <= last; y++) {
        e->window_n++;
        memcpy(window_row(e, y), VIPS_REGION_ADDR(e->region, 0, y), e->row_bytes);
    }
    return true;
}

/* fov_read_rows_fn: the reader's bands of rows y..y+n-1. */
static int read_bands(void *user, int y, int n_rows, void *rows)
{
    const struct reader *const r = user;
    const size_t pixel = (size_t)r->e->in->Bands * r->e->sample_bytes;
    const size_t bytes = (size_t)r->n_bands * r->e->sample_bytes;
    unsigned char *to = rows;

    if (!window_fill(r->e, y + n_rows - 1))
        return -1;
    for (int i = 0; i < n_rows; i++) {
        const unsigned char *from =
            window_row(r->e, y + i) + (size_t)r->first_band * r->e->sample_bytes;
        for (int x = 0; x < r->e->in->Xsize; x++, from += pixel, to += bytes)
            memcpy(to, from, bytes);
    }
    return 0;
}

/* ---- a row of the result ----------------------------------------------------------------- */

static unsigned get_sample(const void *p, size_t i, size_t sample_bytes)
{
    return sample_bytes == 1 ? ((const uint8_t *)p)[i] : ((const uint16_t *)p)[i];
}

/* Least and greatest alpha of the input pixels around (x, y). */
static void alpha_limits(const struct enlarge *e, int x, int y, unsigned *ret_lo, unsigned *ret_hi)
{
    const int bands = e->in->Bands, width = e->in->Xsize, height = e->in->Ysize;
    *ret_lo = UINT16_MAX;
    *ret_hi = 0;
    for (int v = y > 0 ? y - 1 : 0; v <= y + 1 && v < height; v++)
        for (int u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width; u++) {
            const unsigned a =
                get_sample(window_row(e, v), (size_t)(u * bands + bands - 1), e->sample_bytes);
            *ret_lo = a < *ret_lo ? a : *ret_lo;
            *ret_hi = a > *ret_hi ? a : *ret_hi;
        }
}

static void limit_alpha(const struct enlarge *e)
{
    unsigned lo, hi;
    for (int x = 0; x < e->in->Xsize; x++) {
        alpha_limits(e, x, e->next_row / e->scale, &lo, &hi);
        for (int dx = 0; dx < e->scale; dx++) {
            const size_t i = (size_t)x * (size_t)e->scale + (size_t)dx;
            const unsigned a = get_sample(e->alpha_rows, i, e->sample_bytes);
            const unsigned v = a < lo ? lo : a > hi ? hi : a;
            if (e->sample_bytes == 1)
                ((uint8_t *)e->alpha_rows)[i] = (uint8_t)v;
            else
                ((uint16_t *)e->alpha_rows)[i] = (uint16_t)v;
        }
    }
}

static void join_row(const struct enlarge *e, unsigned char *out)
{
    const size_t colour_bytes = (size_t)e->n_colours * e->sample_bytes, b = e->sample_bytes;
    const unsigned char *colour = e->colour_rows, *alpha = e->alpha_rows;
    for (int x = 0; x < e->in->Xsize * e->scale; x++) {
        memcpy(out, colour, colour_bytes);
        memcpy(out + colour_bytes, alpha, b);
        out += colour_bytes + b;
        colour += colour_bytes;
        alpha += b;
    }
}

/* The next row of the result, to `out` where it is wanted. */
static bool next_row(struct enlarge *e, unsigned char *out)
{
    void *const colour = e->alpha || !out ? e->colour_rows : out;
    if (fov_stream_read(e->colour, 1, colour, &e->failure))
        return false;
    if (e->alpha) {
        if (fov_stream_read(e->alpha, 1, e->alpha_rows, &e->failure))
            return false;
        limit_alpha(e);
        if (out)
            join_row(e, out);
    }
    e->next_row++;
    return true;
}

static int generate(VipsRegion *out, void *seq, void *a, void *b, gboolean *stop)
{
    struct enlarge *const e = &((struct enlarge_step *)b)->e;
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

static void step_free(VipsImage *image, struct enlarge_step *s)
{
    (void)image;
    fov_stream_close(s->e.colour);
    fov_stream_close(s->e.alpha);
    fov_free(s->e.window);
    fov_free(s->e.colour_rows);
    fov_free(s->e.alpha_rows);
    fov_free(s);
}

static enum fov_code open_streams(struct enlarge_step *s, struct fov_model *model,
                                  struct fov_err *err)
{
    struct enlarge *const e = &s->e;
    const bool has_alpha = e->in->Bands % 2 == 0;
    struct fov_stream_options options = {
        .shape = {.width_px = e->in->Xsize,
                  .height_px = e->in->Ysize,
                  .n_channels = e->n_colours,
                  .sample = e->sample_bytes == 1 ? FOV_U8 : FOV_U16},
        .read = read_bands,
        .user = &s->colour,
    };
    enum fov_code rc;

    s->colour = (struct reader){e, 0, e->n_colours};
    if ((rc = fov_stream_open(model, &options, &e->colour, err)) || !has_alpha)
        return rc;
    s->alpha = (struct reader){e, e->n_colours, 1};
    options.shape.n_channels = 1;
    options.user = &s->alpha;
    return fov_stream_open(model, &options, &e->alpha, err);
}

static enum fov_code step_new(VipsImage *in, struct fov_model *model,
                              struct enlarge_step **ret_step, struct fov_err *err)
{
    struct fov_model_info info;
    struct enlarge_step *const s = fov_calloc(1, sizeof(*s));
    enum fov_code rc;
    if (!s)
        return fov_fail(err, FOV_ENOMEM, "no memory to enlarge a picture");

    fov_model_get_info(model, &info);
    s->e.in = in;
    s->e.scale = info.scale;
    s->e.sample_bytes = VIPS_IMAGE_SIZEOF_ELEMENT(in);
    s->e.n_colours = in->Bands > 2 ? 3 : 1;
    s->e.row_bytes = VIPS_IMAGE_SIZEOF_LINE(in);
    s->e.colour_rows = fov_calloc((size_t)info.scale, s->e.row_bytes);
    s->e.alpha_rows = fov_calloc((size_t)info.scale, s->e.row_bytes);
    rc = s->e.colour_rows && s->e.alpha_rows
             ? open_streams(s, model, err)
             : fov_fail(err, FOV_ENOMEM, "no memory to enlarge a picture");
    if (rc)
        step_free(NULL, s);
    else
        *ret_step = s;
    return rc;
}

/* Take *image through the network. */
static enum fov_code add_network(VipsImage **image, struct fov_model *model,
                                 const struct fov_err **ret_failure, struct fov_err *err)
{
    FOV_AUTO(fov__unref_at) VipsImage *out = vips_image_new();
    VipsImage *in_order = NULL;
    struct enlarge_step *s = NULL;
    const enum fov_code rc = step_new(*image, model, &s, err);
    if (rc)
        return rc;
    g_signal_connect(out, "close", G_CALLBACK(step_free), s);
    *ret_failure = &s->e.failure;

    if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, *image, NULL))
        return fov__vips_fail(err, FOV_EINTERNAL, "enlarge", "the step cannot be added");
    fov__keep_alive(out, *image);
    out->Xsize *= s->e.scale;
    out->Ysize *= s->e.scale;
    if (vips_image_generate(out, vips_start_one, generate, vips_stop_one, *image, s) ||
        vips_sequential(out, &in_order, "tile_height", STRIP_ROWS * s->e.scale, NULL))
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
