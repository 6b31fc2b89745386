/* SPDX-License-Identifier: Apache-2.0 */
/* resample.c -- resize with nearest, bilinear, bicubic or Lanczos.
 *
 * libvips enlarges by bicubic at most and has no Lanczos for that direction, and a benchmark wants
 * bicubic by its textbook definition, mirrored at the edges; hence our own, as one libvips step
 * that can compute any part of its result. First the columns of the rows needed, then the rows.
 *
 * The kernels: bilinear |x| < 1; bicubic with a = -1/2 (Keys 1981, the one MATLAB's imresize uses);
 * Lanczos with three lobes. Output pixel i lies over input position (i + 1/2) / scale - 1/2. When
 * shrinking, the kernel is stretched by 1 / scale.
 *
 * Threads: libvips calls generate() from several. Rows that are read in order keep no more of them
 * than the threads of a result of the same height may lie apart; of a smaller one, a thread that
 * falls behind would ask for rows that are gone, so that one lets in one thread at a time, in
 * order. Owns: the tables of weights, with the image.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "image/vimage.h"

enum { STRIP_ROWS = 16 }; /* made at once when rows must come in order */

#define FOV_FILTER_TEXT(id, name) name,
const char *const fov_filter_names[FOV_N_FILTERS] = {FOV_FILTERS(FOV_FILTER_TEXT)};

static double sinc(double x)
{
    return x == 0 ? 1 : sin(G_PI * x) / (G_PI * x);
}

static double kernel(enum fov_filter filter, double x)
{
    const double a = fabs(x);
    switch (filter) {
    case FOV_FILTER_NEAREST:
        return x >= -0.5 && x < 0.5;
    case FOV_FILTER_BILINEAR:
        return a < 1 ? 1 - a : 0;
    case FOV_FILTER_BICUBIC:
        return a <= 1  ? (1.5 * a - 2.5) * a * a + 1
               : a < 2 ? ((-0.5 * a + 2.5) * a - 4) * a + 2
                       : 0;
    case FOV_FILTER_LANCZOS:
        return a < 3 ? sinc(a) * sinc(a / 3) : 0;
    case FOV_N_FILTERS:
        break;
    }
    return 0;
}

static const double radius[FOV_N_FILTERS] = {0.5, 1, 2, 3};

/* For each output position, `n_taps` weights from input position first[i] on. Positions outside are
 * folded back by mirroring when they are used. */
struct axis {
    int n_in, n_out, n_taps;
    int *first;
    float *weights;
};

static void axis_done(struct axis *a)
{
    fov_free(a->first);
    fov_free(a->weights);
}

static bool axis_init(struct axis *a, enum fov_filter filter, int n_in, int n_out)
{
    const double scale = (double)n_out / n_in, stretch = scale < 1 ? 1 / scale : 1;
    const double reach = radius[filter] * stretch;

    *a = (struct axis){.n_in = n_in, .n_out = n_out, .n_taps = (int)ceil(2 * reach) + 1};
    a->first = fov_calloc((size_t)n_out, sizeof(*a->first));
    a->weights = fov_calloc((size_t)n_out * (size_t)a->n_taps, sizeof(*a->weights));
    if (!a->first || !a->weights)
        return false;
    for (int i = 0; i < n_out; i++) {
        const double centre = (i + 0.5) / scale - 0.5;
        float *const w = a->weights + (size_t)i * (size_t)a->n_taps;
        double sum = 0;
        a->first[i] = (int)ceil(centre - reach - 1e-9);
        for (int t = 0; t < a->n_taps; t++)
            sum += kernel(filter, (a->first[i] + t - centre) / stretch);
        for (int t = 0; t < a->n_taps; t++)
            w[t] = (float)(kernel(filter, (a->first[i] + t - centre) / stretch) / sum);
    }
    return true;
}

/* ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ... */
static int mirror(int i, int n)
{
    const int period = 2 * n;
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - 1 - i;
}

struct resample {
    struct axis across, down;
};

static void resample_free(VipsImage *image, struct resample *r)
{
    (void)image;
    axis_done(&r->across);
    axis_done(&r->down);
    fov_free(r);
}

/* What outputs from..from+n-1 read, mirrored positions included. */
static void axis_range(const struct axis *a, int from, int n, int *ret_lo, int *ret_hi)
{
    int lo = a->n_in, hi = 0;
    for (int i = from; i < from + n; i++)
        for (int t = 0; t < a->n_taps; t++) {
            const int at = mirror(a->first[i] + t, a->n_in);
            lo = at < lo ? at : lo;
            hi = at > hi ? at : hi;
        }
    *ret_lo = lo;
    *ret_hi = hi;
}

static float get_sample(const void *p, size_t i, bool wide)
{
    return wide ? (float)((const uint16_t *)p)[i] : (float)((const uint8_t *)p)[i];
}

/* A pixel of up to four channels. Vectors of any compiler and CPU: a loop over three channels stays
 * scalar, and took five times as long (docs/SPEED.md). */
typedef float pixel __attribute__((vector_size(16)));
typedef int32_t pixel_bits __attribute__((vector_size(16)));

static inline pixel load_pixel(const float *p)
{
    pixel v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static inline pixel choose(pixel_bits mask, pixel yes, pixel no)
{
    return (pixel)((mask & (pixel_bits)yes) | (~mask & (pixel_bits)no));
}

/* In range, and rounded to the nearest: where one is 1.5 * 2^23, a float has no fraction. */
static inline pixel_bits round_pixel(pixel v, float top)
{
    const pixel zero = {0}, most = zero + top, no_fraction = zero + 12582912.0f;
    v = choose(v > zero, v, zero);
    v = choose(v < most, v, most);
    return __builtin_convertvector((v + no_fraction) - no_fraction, pixel_bits);
}

static inline void put_pixel(void *row, size_t x, pixel v, size_t bands, bool wide)
{
    const pixel_bits rounded = round_pixel(v, wide ? 65535 : 255);
    for (size_t b = 0; b < bands; b++)
        if (wide)
            ((uint16_t *)row)[x * bands + b] = (uint16_t)rounded[b];
        else
            ((uint8_t *)row)[x * bands + b] = (uint8_t)rounded[b];
}

/* What one call of generate() works with. */
struct part {
    const struct resample *r;
    VipsRegion *in;
    VipsRect need;   /* of `in`, mirrored positions folded back */
    float *sum;      /* a row of that, weighed */
    float *unfolded; /* the same, mirrored positions unfolded, and four more that are read */
    int first;       /* position of the input that unfolded[0] is */
    int n_unfolded;
};

/* Weigh the rows of `in` that output row y needs, into `sum`. */
static void weigh_rows(const struct part *p, int y)
{
    const struct axis *const down = &p->r->down;
    const float *const w = down->weights + (size_t)y * (size_t)down->n_taps;
    const bool wide = p->in->im->BandFmt == VIPS_FORMAT_USHORT;
    const size_t n = (size_t)p->need.width * (size_t)p->in->im->Bands;
    float *const sum = p->sum;

    memset(sum, 0, n * sizeof(*sum));
    for (int t = 0; t < down->n_taps; t++) {
        if (w[t] == 0)
            continue;
        const int from = mirror(down->first[y] + t, down->n_in);
        const void *const row = VIPS_REGION_ADDR(p->in, p->need.left, from);
        for (size_t i = 0; i < n; i++)
            sum[i] += w[t] * get_sample(row, i, wide);
    }
}

/* What lies beyond the edges is a mirrored copy, so that weighing need not ask. */
static void unfold(const struct part *p)
{
    const size_t bands = (size_t)p->in->im->Bands;
    const int n_in = p->r->across.n_in, end = p->first + p->n_unfolded;
    const int inside_from = p->first > 0 ? p->first : 0, inside_to = end < n_in ? end : n_in;
    for (int at = p->first; at < end; at++) {
        const bool inside = at >= inside_from && at < inside_to;
        const int from = (inside ? at : mirror(at, n_in)) - p->need.left;
        const int n = inside ? inside_to - at : 1;
        memcpy(p->unfolded + (size_t)(at - p->first) * bands, p->sum + (size_t)from * bands,
               (size_t)n * bands * sizeof(float));
        at += n - 1;
    }
}

static inline void weigh_columns(const struct part *p, const VipsRect *want, size_t bands,
                                 bool wide, void *out)
{
    const struct axis *const across = &p->r->across;
    const int n_taps = across->n_taps;
    for (int x = 0; x < want->width; x++) {
        const int column = want->left + x;
        const float *const w = across->weights + (size_t)column * (size_t)n_taps;
        const float *const from = p->unfolded + (size_t)(across->first[column] - p->first) * bands;
        pixel v = {0};
        for (int t = 0; t < n_taps; t++)
            v += w[t] * load_pixel(from + (size_t)t * bands);
        put_pixel(out, (size_t)x, v, bands, wide);
    }
}

/* One output row: rows first, then columns; written for each kind of pixel. */
static void make_row(const struct part *p, int y, const VipsRect *want, void *out)
{
    const bool wide = p->in->im->BandFmt == VIPS_FORMAT_USHORT;
    weigh_rows(p, y);
    unfold(p);
    switch (p->in->im->Bands) {
    case 1:
        wide ? weigh_columns(p, want, 1, true, out) : weigh_columns(p, want, 1, false, out);
        break;
    case 2:
        wide ? weigh_columns(p, want, 2, true, out) : weigh_columns(p, want, 2, false, out);
        break;
    case 3:
        wide ? weigh_columns(p, want, 3, true, out) : weigh_columns(p, want, 3, false, out);
        break;
    default:
        wide ? weigh_columns(p, want, 4, true, out) : weigh_columns(p, want, 4, false, out);
    }
}

static int generate(VipsRegion *out, void *seq, void *a, void *b, gboolean *stop)
{
    const struct resample *const r = b;
    const VipsRect *const want = &out->valid;
    struct part p = {.r = r, .in = seq};
    int right, bottom;
    (void)a, (void)stop;

    axis_range(&r->across, want->left, want->width, &p.need.left, &right);
    axis_range(&r->down, want->top, want->height, &p.need.top, &bottom);
    p.need.width = right - p.need.left + 1;
    p.need.height = bottom - p.need.top + 1;
    p.first = r->across.first[want->left];
    p.n_unfolded = r->across.first[want->left + want->width - 1] + r->across.n_taps - p.first;
    if (vips_region_prepare(p.in, &p.need))
        return -1;
    const size_t bands = (size_t)p.in->im->Bands, n_sum = (size_t)p.need.width * bands;
    FOV_AUTO(fov_free_at)
    float *rows = fov_calloc(n_sum + (size_t)p.n_unfolded * bands + 4, sizeof(*rows));
    if (!rows) {
        vips_error("resample", "out of memory for a row");
        return -1;
    }
    p.sum = rows;
    p.unfolded = rows + n_sum;
    for (int y = want->top; y < want->top + want->height; y++)
        make_row(&p, y, want, VIPS_REGION_ADDR(out, want->left, y));
    return 0;
}

enum fov_code fov__resample(const struct fov_image *in, enum fov_filter filter, int width_px,
                            int height_px, struct fov_image **ret_image, struct fov_err *err)
{
    if (filter >= FOV_N_FILTERS)
        return fov_fail(err, FOV_EUSAGE, "%s: there is no filter %d", in->name, (int)filter);
    if (width_px < 1 || height_px < 1 || width_px > VIPS_MAX_COORD || height_px > VIPS_MAX_COORD)
        return fov_fail(err, FOV_EUSAGE, "%s: a size of %dx%d is outside 1..%d", in->name, width_px,
                        height_px, VIPS_MAX_COORD);
    struct resample *const r = fov_calloc(1, sizeof(*r));
    FOV_AUTO(fov__unref_at) VipsImage *out = vips_image_new();
    VipsImage *in_order = NULL;
    if (!r || !axis_init(&r->across, filter, in->vips->Xsize, width_px) ||
        !axis_init(&r->down, filter, in->vips->Ysize, height_px)) {
        if (r)
            resample_free(NULL, r);
        return fov_fail(err, FOV_ENOMEM, "%s: no memory to resize it", in->name);
    }
    g_signal_connect(out, "close", G_CALLBACK(resample_free), r);

    if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, in->vips, NULL))
        return fov__vips_fail(err, FOV_EINTERNAL, in->name, "cannot be resized");
    fov__keep_alive(out, in->vips);
    out->Xsize = width_px;
    out->Ysize = height_px;
    if (vips_image_generate(out, vips_start_one, generate, vips_stop_one, in->vips, r) ||
        (height_px < in->vips->Ysize &&
         vips_sequential(out, &in_order, "tile_height", STRIP_ROWS, NULL)))
        return fov__vips_fail(err, FOV_EINTERNAL, in->name, "cannot be resized");
    return fov__image_wrap(in_order ? in_order : FOV_STEAL(out), in, in->name, ret_image, err);
}

enum fov_code fov_image_resample(const struct fov_image *in, enum fov_filter filter, int width_px,
                                 int height_px, struct fov_image **ret_image, struct fov_err *err)
{
    struct fov_image filled = *in;
    if (in->vips->Bands % 2 || filter == FOV_FILTER_NEAREST) /* nothing mixes with the unseen */
        return fov__resample(in, filter, width_px, height_px, ret_image, err);
    if (fov__fill_transparent(in->vips, &filled.vips))
        return fov__vips_fail(err, FOV_EINTERNAL, in->name, "cannot be resized");
    const enum fov_code rc = fov__resample(&filled, filter, width_px, height_px, ret_image, err);
    g_object_unref(filled.vips);
    return rc;
}
