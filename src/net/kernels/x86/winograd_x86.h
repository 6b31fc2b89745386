/* SPDX-License-Identifier: Apache-2.0 */
/* winograd_x86.h -- the body of every x86 Winograd convolution. See winograd.h for the mathematics.
 *
 *   rows -> columns -> values [48][tiles][in_ch] -> products [tiles][48][64] -> rows
 *           |__ transform __|                  |__ multiply __|            |__ store
 *
 * For TILES tiles at a time, so that values, products and the weights of a position stay
 * in the L2 cache. The transform goes over columns first: a column of 6 pixels serves the two tiles
 * that it may lie in, so a ring of 12 transformed columns leaves 6 new ones to each tile.
 *
 * The includer defines WINO_I16 (0 or 1), for int16 vi_dot(), and multiply_panel(), which knows the
 * shapes of its blocks, behind one of the vec_*.h. With WINO_BYTES int16 values are two planes of
 * bytes, and multiply_panel() is all that multiplies.
 */
#ifndef FOV_NET_KERNELS_X86_WINOGRAD_X86_H
#define FOV_NET_KERNELS_X86_WINOGRAD_X86_H

#include "base/mem.h"
#include "net/kernels/winograd.h"
#include "net/kernels/x86/vec.h"

#if WINO_I16
typedef int16_t value;
typedef vi vsum;
enum { STEP = 2 }; /* input channels that one broadcast covers */
#else
typedef float value;
typedef vf vsum;
enum { STEP = 1 };
#endif

enum {
    ROWS_IN = FOV_WINO_ROWS,
    PX_IN = FOV_WINO_PX,
    ROWS = FOV_TILE_ROWS,
    PX = FOV_TILE_PX,
    POSITIONS = FOV_WINO_VALUES,
#if defined(WINO_BYTES)
    TILES = FOV_WINO_BYTE_TILES,
#else
    TILES = FOV_WINO_TILES,
#endif
    SUM = FOV_WINO_SUM_CHANNELS,
    RING = 12,      /* columns kept: a tile's at least, in whole steps from tile to tile */
    MAX_PANEL = 64, /* output channels multiplied at once */
    MAX_ACC = 24,
    MAX_VECS = 4,
    PEAKS = 4, /* running maxima, so that they need not wait for each other */
    LINE = 64, /* bytes of a cache line */
    GAP = WINO_I16 ? FOV_WINO_GAP : FOV_WINO_GAP / 4, /* float32: one cache line, too */
};

/* What lies in fov_conv_rows.scratch. */
struct scratch {
    value *values;     /* [POSITIONS][TILES * in_ch + GAP]; in bytes two of it */
    float *products;   /* [TILES][POSITIONS * panel + FOV_WINO_PRODUCT_GAP] */
    float *columns;    /* [in_ch / VF][RING][ROWS_IN][VF] */
    float *tile;       /* [POSITIONS][in_ch]: int16 only, before the rounding */
    float unit[TILES]; /* int16 only: what a whole value of a tile is worth */
};

static void scratch_divide(struct scratch *s, void *block, size_t in_ch)
{
#if defined(WINO_BYTES)
    const size_t n_ch = fov_round_up(in_ch, SUM);
#else
    const size_t n_ch = in_ch;
#endif
    s->values = block;
    s->products = (float *)(void *)(s->values + POSITIONS * (TILES * n_ch + GAP));
    s->columns = s->products + TILES * (POSITIONS * MAX_PANEL + FOV_WINO_PRODUCT_GAP);
    s->tile = s->columns + RING * ROWS_IN * in_ch;
}

/* How far apart the products of two tiles are. */
static ALWAYS_INLINE size_t product_stride(size_t panel)
{
    return POSITIONS * panel + FOV_WINO_PRODUCT_GAP;
}

/* ---- transforms: of six values 12 operations in, 12 out; of eight 25 and 20 --------------- */

static ALWAYS_INLINE void transform_column_in(const vf d[ROWS_IN], vf ret[ROWS_IN])
{
    const vf t1 = vf_fnma(vf_set1(2), d[2], d[4]), u1 = vf_fnma(vf_set1(2), d[1], d[3]);
    const vf t2 = vf_fnma(vf_set1(0.5f), d[2], d[4]), u2 = vf_fms(vf_set1(2), d[3], d[1]);
    ret[0] = vf_fnma(vf_set1(2.5f), d[2], vf_add(d[0], d[4]));
    ret[1] = vf_fma(vf_set1(FOV_WINO_A), u1, t1);
    ret[2] = vf_fnma(vf_set1(FOV_WINO_A), u1, t1);
    ret[3] = vf_fma(vf_set1(FOV_WINO_B), t2, u2);
    ret[4] = vf_fms(vf_set1(FOV_WINO_B), t2, u2);
    ret[5] = vf_fnma(vf_set1(2.5f), d[3], vf_add(d[1], d[5]));
}

static ALWAYS_INLINE void transform_column_out(const vf m[ROWS_IN], vf ret[ROWS])
{
    const vf s1 = vf_add(m[1], m[2]), e1 = vf_sub(m[1], m[2]);
    const vf s2 = vf_add(m[3], m[4]), e2 = vf_sub(m[3], m[4]);
    ret[0] = vf_fma(vf_set1(0.5f), s2, vf_add(m[0], s1));
    ret[1] = vf_mul(vf_set1(FOV_WINO_A), vf_add(e1, e2));
    ret[2] = vf_fma(vf_set1(0.5f), s1, s2);
    ret[3] = vf_fma(vf_set1(0.5f * FOV_WINO_A), e1, vf_fma(vf_set1(FOV_WINO_B), e2, m[5]));
}

static ALWAYS_INLINE void transform_row_in(const vf d[PX_IN], vf ret[PX_IN])
{
    const vf c = vf_set1(5.25f), c1 = vf_set1(4.25f), four = vf_set1(4), five = vf_set1(5);
    const vf t1 = vf_fnma(c1, d[4], vf_add(d[2], d[6]));
    const vf u1 = vf_fnma(c1, d[3], vf_add(d[1], d[5]));
    const vf t2 =
        vf_fma(vf_set1(2), d[6], vf_fnma(vf_set1(2.5f), d[4], vf_mul(vf_set1(0.5f), d[2])));
    const vf u2 = vf_fma(four, d[5], vf_fnma(five, d[3], d[1]));
    const vf t3 = vf_fma(four, d[2], vf_fnma(five, d[4], d[6]));
    const vf u3 = vf_fma(four, d[1], vf_fnma(five, d[3], d[5]));
    ret[0] = vf_fma(c, vf_sub(d[4], d[2]), vf_sub(d[0], d[6]));
    ret[1] = vf_add(t1, u1);
    ret[2] = vf_sub(t1, u1);
    ret[3] = vf_add(t2, u2);
    ret[4] = vf_sub(t2, u2);
    ret[5] = vf_fma(vf_set1(0.5f), u3, t3);
    ret[6] = vf_fnma(vf_set1(0.5f), u3, t3);
    ret[7] = vf_fma(c, vf_sub(d[3], d[5]), vf_sub(d[7], d[1]));
}

static ALWAYS_INLINE void transform_row_out(const vf m[PX_IN], vf ret[PX])
{
    const vf half = vf_set1(0.5f), quarter = vf_set1(0.25f), eighth = vf_set1(0.125f);
    const vf s1 = vf_add(m[1], m[2]), e1 = vf_sub(m[1], m[2]);
    const vf s2 = vf_add(m[3], m[4]), e2 = vf_sub(m[3], m[4]);
    const vf s3 = vf_add(m[5], m[6]), e3 = vf_sub(m[5], m[6]);
    ret[0] = vf_fma(vf_set1(2), s3, vf_fma(eighth, s2, vf_add(m[0], s1)));
    ret[1] = vf_fma(quarter, e2, vf_add(e1, e3));
    ret[2] = vf_fma(half, vf_add(s2, s3), s1);
    ret[3] = vf_fma(quarter, e3, vf_add(e1, e2));
    ret[4] = vf_fma(eighth, s3, vf_fma(vf_set1(2), s2, s1));
    ret[5] = vf_fma(vf_set1(0.0625f), e3, vf_fma(vf_set1(4), e2, vf_add(e1, m[7])));
}

/* ---- rows to values ---------------------------------------------------------------------- */

/* Column x of all input channels, transformed, to place `slot` of the ring. */
static ALWAYS_INLINE void load_column(const struct fov_conv_rows *r, size_t x, size_t slot,
                                      float *columns, const enum fov_element e)
{
    float *to = columns + slot * ROWS_IN * VF;
    for (int s = 0; s < r->n_src; s++) {
        const struct fov_source *const src = &r->src[s];
        for (size_t c = 0; c < src->n_ch; c += VF, to += RING * ROWS_IN * VF) {
            vf d[ROWS_IN], t[ROWS_IN];
            UNROLL
            for (int i = 0; i < ROWS_IN; i++)
                d[i] = vf_get(src->row[i], x * src->n_ch + c, e);
            transform_column_in(d, t);
            UNROLL
            for (int i = 0; i < ROWS_IN; i++)
                vf_store(to + i * VF, t[i]);
        }
    }
}

/* The values of all channels of a tile whose columns stand in the ring from `slot` on, to
 * to[position * stride + channel]; returns the largest magnitude where it is needed. */
static ALWAYS_INLINE float tile_values(const float *columns, size_t slot, size_t in_ch, float *to,
                                       size_t stride)
{
    size_t at[PX_IN];
    vf peak[PEAKS];
    for (int i = 0; i < PEAKS; i++)
        peak[i] = vf_set1(0);
    for (size_t j = 0; j < PX_IN; j++)
        at[j] = (slot + j) % RING * ROWS_IN * VF;

    for (size_t c = 0; c < in_ch; c += VF, columns += RING * ROWS_IN * VF)
        for (size_t i = 0; i < ROWS_IN; i++) {
            vf d[PX_IN], t[PX_IN];
            UNROLL
            for (int j = 0; j < PX_IN; j++)
                d[j] = vf_load(columns + at[j] + i * VF);
            transform_row_in(d, t);
            UNROLL
            for (int j = 0; j < PX_IN; j++) {
                if (WINO_I16)
                    peak[j % PEAKS] = vf_max_abs(peak[j % PEAKS], t[j]);
                vf_store(to + (i * PX_IN + (size_t)j) * stride + c, t[j]);
            }
        }
    return vf_peak(vf_max(vf_max(peak[0], peak[1]), vf_max(peak[2], peak[3])));
}

#if WINO_I16
/* Tile number t: sets unit[t]; returns what its values are to be multiplied by. */
static vf tile_scale(struct scratch *s, size_t t, float peak)
{
    const float largest = peak > FOV_WINO_MIN_PEAK ? peak : FOV_WINO_MIN_PEAK;
    s->unit[t] = largest / FOV_WINO_MAX_VALUE;
    return vf_set1(FOV_WINO_MAX_VALUE / largest);
}

#if !defined(WINO_BYTES)
/* Tile number t: round its values; sets unit[t]. */
static void round_tile(struct scratch *s, size_t t, size_t in_ch, float peak)
{
    const vf scale = tile_scale(s, t, peak);

    for (size_t p = 0; p < POSITIONS; p++) {
        const float *const from = s->tile + p * in_ch;
        int16_t *const to = s->values + p * (TILES * in_ch + GAP) + t * in_ch;
        size_t c = 0;
        for (; c + 2 * VF <= in_ch; c += 2 * VF)
            vi_store_i16(to + c, vf_mul(scale, vf_load(from + c)),
                         vf_mul(scale, vf_load(from + c + VF)));
#if defined(__AVX512F__)
        if (c < in_ch)
            vi_store_i16_half(to + c, vf_mul(scale, vf_load(from + c)));
#endif
    }
}
#else
/* The same, as bytes: the upper ones, signed, then the lower ones, unsigned; each 64 channels, the
 * missing ones 0, in the order of FOV_WINOGRAD_BYTES. */
static void round_tile(struct scratch *s, size_t t, size_t in_ch, float peak)
{
    const size_t n = fov_round_up(in_ch, SUM);
    const vf scale = tile_scale(s, t, peak);

    for (size_t p = 0; p < POSITIONS; p++) {
        const float *const from = s->tile + p * in_ch;
        uint8_t *const upper = (uint8_t *)s->values + p * (TILES * n + GAP) + t * n;
        uint8_t *const lower = upper + POSITIONS * (TILES * n + GAP);
        for (size_t c = 0; c < n; c += SUM) {
            vf v[SUM / VF];
            UNROLL
            for (size_t i = 0; i < SUM / VF; i++)
                v[i] = c + i * VF < in_ch ? vf_mul(scale, vf_load(from + c + i * VF)) : vf_set1(0);
            vi_store_bytes(upper + c, lower + c, v);
        }
    }
}
#endif
#endif

/* Values of n tiles from pixel x on. */
static ALWAYS_INLINE void transform_rows(const struct fov_conv_rows *r, size_t x, size_t n,
                                         struct scratch *s, const enum fov_element e)
{
    const size_t in_ch = r->conv->in_ch;
#if WINO_I16
    float peak = 0;
#endif
    load_column(r, x, 0, s->columns, e);
    load_column(r, x + 1, 1, s->columns, e);
    for (size_t t = 0; t < n; t++) {
        for (size_t j = 2; j < PX_IN; j++)
            load_column(r, x + PX * t + j, (PX * t + j) % RING, s->columns, e);
#if WINO_I16
        if (t > 0) /* not earlier: the largest value is known some time after the last one */
            round_tile(s, t - 1, in_ch, peak);
        peak = tile_values(s->columns, PX * t % RING, in_ch, s->tile, in_ch);
#else
        (void)tile_values(s->columns, PX * t % RING, in_ch, s->values + t * in_ch,
                          TILES * in_ch + GAP);
#endif
    }
#if WINO_I16
    round_tile(s, n - 1, in_ch, peak);
#endif
}

static __attribute__((noinline)) void transform_rows_f32(const struct fov_conv_rows *r, size_t x,
                                                         size_t n, struct scratch *s)
{
    transform_rows(r, x, n, s, FOV_ELEMENT_F32);
}

static __attribute__((noinline)) void transform_rows_f16(const struct fov_conv_rows *r, size_t x,
                                                         size_t n, struct scratch *s)
{
    transform_rows(r, x, n, s, FOV_ELEMENT_F16);
}

/* ---- values to products ------------------------------------------------------------------ */

#if !defined(WINO_BYTES)
/* What n_ch input channels give to n_px tiles by n_vec vectors of output channels at one position,
 * all sums in registers. Weights are [group of 16][in_ch / STEP][16][STEP]; meanwhile those at
 * `next` are fetched. `scale` is NULL for float32; `more`: there are products of channels before.
 */
static ALWAYS_INLINE void multiply_block(const value *v, size_t in_ch, size_t n_ch, const value *w,
                                         const value *next, const float *scale, bool more,
                                         float *to, size_t stride, const int n_px, const int n_vec)
{
    enum { GROUP_VECS = FOV_CHANNEL_GROUP / VF };
    const size_t group = in_ch * FOV_CHANNEL_GROUP;
    vsum acc[MAX_ACC];

    UNROLL
    for (int i = 0; i < n_px * n_vec; i++)
#if WINO_I16
        acc[i] = vi_zero();
#else
        acc[i] = vf_set1(0);
#endif
    for (size_t k = 0; k < n_ch; k += STEP, v += STEP) {
        vsum weight[MAX_VECS];
        UNROLL
        for (int i = 0; i < n_vec; i++) {
            const value *const at =
                w + (size_t)(i / GROUP_VECS) * group + i % GROUP_VECS * VF * STEP;
#if WINO_I16
            weight[i] = vi_load(at);
#else
            weight[i] = vf_load(at);
#endif
        }
        __builtin_prefetch(next);
        w += FOV_CHANNEL_GROUP * STEP;
        next += FOV_CHANNEL_GROUP * STEP;
        UNROLL
        for (int p = 0; p < n_px; p++) {
#if WINO_I16
            const vi x = vi_broadcast_pair(v + (size_t)p * in_ch);
#else
            const vf x = vf_set1(v[(size_t)p * in_ch]);
#endif
            UNROLL
            for (int i = 0; i < n_vec; i++)
#if WINO_I16
                acc[p * n_vec + i] = vi_dot(acc[p * n_vec + i], x, weight[i]);
#else
                acc[p * n_vec + i] = vf_fma(x, weight[i], acc[p * n_vec + i]);
#endif
        }
    }
#if WINO_I16
    vf unit[MAX_VECS];
    UNROLL
    for (int i = 0; i < n_vec; i++)
        unit[i] = vf_load(scale + i * VF);
    if (more) {
        UNROLL
        for (int i = 0; i < n_px * n_vec; i++) {
            float *const at = to + (size_t)(i / n_vec) * stride + i % n_vec * VF;
            vf_store(at, vf_fma(vf_from_int(acc[i]), unit[i % n_vec], vf_load(at)));
        }
        return;
    }
#else
    (void)scale;
    (void)more;
#endif
    UNROLL
    for (int i = 0; i < n_px * n_vec; i++) {
        float *const at = to + (size_t)(i / n_vec) * stride + i % n_vec * VF;
#if WINO_I16
        vf_store(at, vf_mul(vf_from_int(acc[i]), unit[i % n_vec]));
#else
        vf_store(at, acc[i]);
#endif
    }
}

#endif

/* Ask for a part of the memory that the pixels of n tiles from x on will be written to: the rows
 * lie in the last cache or beyond, and the multiplications leave time to fetch them. */
static void fetch_rows(const struct fov_conv_rows *r, size_t x, size_t n, size_t part)
{
    const size_t px = r->dst_ch * (r->conv->dst_element == FOV_ELEMENT_F16 ? 2 : 4);
    const size_t left = r->n_px - x, bytes = (n * PX < left ? n * PX : left) * px;
    const size_t first = bytes * part / POSITIONS / LINE,
                 last = bytes * (part + 1) / POSITIONS / LINE;

    for (int i = 0; i < ROWS; i++)
        for (size_t line = first; r->dst[0][i] && line < last; line++)
            __builtin_prefetch((char *)r->dst[0][i] + x * px + line * LINE, 1);
}

#if !defined(WINO_BYTES)
/* All positions of n tiles for the n_vec vectors from `channel` on. */
static ALWAYS_INLINE void multiply(const struct fov_conv_rows *r, size_t x, size_t channel,
                                   size_t n, const struct scratch *s, const int n_px,
                                   const int n_vec)
{
    const struct fov_conv *const c = r->conv;
    const size_t in_ch = c->in_ch, panel = (size_t)n_vec * VF, position = c->out_ch * in_ch;
    const value *const weights = (const value *)c->weights + channel * in_ch;

    for (size_t p = 0; p < POSITIONS; p++) {
        if (channel == 0)
            fetch_rows(r, x, n, p);
        const value *next = weights + (p + 1 < POSITIONS ? p + 1 : 0) * position;
        for (size_t t = 0; t < n; t += (size_t)n_px, next += in_ch * FOV_CHANNEL_GROUP) {
            const value *const v = s->values + p * (TILES * in_ch + GAP) + t * in_ch;
            float *const to = s->products + t * product_stride(panel) + p * panel;
#if WINO_I16
            for (size_t k = 0; k < in_ch; k += SUM)
                multiply_block(v + k, in_ch, in_ch - k < SUM ? in_ch - k : SUM,
                               weights + p * position + k * FOV_CHANNEL_GROUP,
                               next + k * FOV_CHANNEL_GROUP,
                               c->scale + (k / SUM * POSITIONS + p) * c->out_ch + channel, k > 0,
                               to, product_stride(panel), n_px, n_vec);
#else
            multiply_block(v, in_ch, in_ch, weights + p * position, next, NULL, false, to,
                           product_stride(panel), n_px, n_vec);
#endif
        }
    }
}
#endif

/* The products of n tiles from x on for as many output channels from `channel` on as one panel
 * takes; returns how many. */
static size_t multiply_panel(const struct fov_conv_rows *r, size_t x, size_t channel, size_t n,
                             const struct scratch *s);

/* ---- products to rows -------------------------------------------------------------------- */

/* One tile and VF output channels: transform, scale, bias, activation, additions, store. */
static ALWAYS_INLINE void store_tile(const struct fov_conv_rows *r, const float *m, size_t stride,
                                     float unit, size_t x, size_t o,
                                     const enum fov_activation activation, const enum fov_element e)
{
    const struct fov_conv *const c = r->conv;
    const size_t live = r->n_px - x, at = x * r->dst_ch + o % r->dst_ch;
    void *const *const dst = r->dst[o / r->dst_ch];
    const vf bias = vf_load(c->bias + o);
    vf t[ROWS][PX_IN];

    UNROLL
    for (int j = 0; j < PX_IN; j++) {
        vf column[ROWS_IN], y[ROWS];
        UNROLL
        for (int i = 0; i < ROWS_IN; i++)
            column[i] = vf_load(m + (size_t)(i * PX_IN + j) * stride);
        transform_column_out(column, y);
        UNROLL
        for (int i = 0; i < ROWS; i++)
            t[i][j] = y[i];
    }
    UNROLL
    for (int i = 0; i < ROWS; i++) {
        vf y[PX];
        transform_row_out(t[i], y);
        if (!dst[i])
            continue;
        UNROLL
        for (int j = 0; j < PX; j++) {
            y[j] = WINO_I16 ? vf_fma(y[j], vf_set1(unit), bias) : vf_add(y[j], bias);
            if ((size_t)j < live)
                vf_put(dst[i], at + (size_t)j * r->dst_ch,
                       vf_finish(r, i, at + (size_t)j * r->dst_ch, o, y[j], activation, e), e);
        }
    }
}

static ALWAYS_INLINE void store_panel(const struct fov_conv_rows *r, const struct scratch *s,
                                      size_t x, size_t n, size_t channel, size_t panel,
                                      const enum fov_activation activation,
                                      const enum fov_element e)
{
    for (size_t t = 0; t < n; t++)
        for (size_t o = 0; o < panel; o += VF)
            store_tile(r, s->products + t * product_stride(panel) + o, panel,
                       WINO_I16 ? s->unit[t] : 0, x + PX * t, channel + o, activation, e);
}

/* One function for each activation and element, so that neither is asked about in a loop. */
typedef void store_fn(const struct fov_conv_rows *r, const struct scratch *s, size_t x, size_t n,
                      size_t channel, size_t panel);

#define STORE(name, activation, element)                                                           \
    static __attribute__((noinline)) void name(const struct fov_conv_rows *r,                      \
                                               const struct scratch *s, size_t x, size_t n,        \
                                               size_t channel, size_t panel)                       \
    {                                                                                              \
        store_panel(r, s, x, n, channel, panel, activation, element);                              \
    }
STORE(store_linear_f32, FOV_LINEAR, FOV_ELEMENT_F32)
STORE(store_linear_f16, FOV_LINEAR, FOV_ELEMENT_F16)
STORE(store_prelu_f32, FOV_PRELU, FOV_ELEMENT_F32)
STORE(store_prelu_f16, FOV_PRELU, FOV_ELEMENT_F16)
STORE(store_silu_f32, FOV_SILU, FOV_ELEMENT_F32)
STORE(store_silu_f16, FOV_SILU, FOV_ELEMENT_F16)
STORE(store_gate_f32, FOV_GATE, FOV_ELEMENT_F32)
STORE(store_gate_f16, FOV_GATE, FOV_ELEMENT_F16)
#undef STORE

static store_fn *const stores[][2] = {
    [FOV_LINEAR] = {store_linear_f32, store_linear_f16},
    [FOV_PRELU] = {store_prelu_f32, store_prelu_f16},
    [FOV_SILU] = {store_silu_f32, store_silu_f16},
    [FOV_GATE] = {store_gate_f32, store_gate_f16},
};

/* ---- the whole --------------------------------------------------------------------------- */

static inline void conv_winograd(const struct fov_conv_rows *r)
{
    const struct fov_conv *const c = r->conv;
    store_fn *const store = stores[c->activation][c->dst_element];
    struct scratch s;

    scratch_divide(&s, r->scratch, c->in_ch);
    for (size_t x = 0; x < r->n_px; x += TILES * PX) {
        const size_t left = (r->n_px - x + PX - 1) / PX, n = left < TILES ? left : TILES;
        if (c->src_element == FOV_ELEMENT_F16)
            transform_rows_f16(r, x, n, &s);
        else
            transform_rows_f32(r, x, n, &s);
        for (size_t channel = 0; channel < c->out_ch;) {
            const size_t panel = multiply_panel(r, x, channel, n, &s);
            store(r, &s, x, n, channel, panel);
            channel += panel;
        }
    }
}

#endif
