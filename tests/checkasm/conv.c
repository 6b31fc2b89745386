/* SPDX-License-Identifier: Apache-2.0 */
/* conv.c -- every convolution kernel against the direct one in C, from the same weights. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "net/kernels/winograd.h"
#include "net/pack_conv.h"
#include "tests/checkasm/checkasm.h"

/* Layers that networks have, and every remainder of output groups: channels of each source, of the
 * result, how it is shuffled, 3x3 or 1x1. */
static const struct shape {
    size_t src_ch[FOV_MAX_SOURCES], dst_ch;
    int side, taps;
} shapes[] = {
    {{64}, 64, 1, 3},
    {{64}, 16, 1, 3},
    {{64}, 32, 1, 3},
    {{64}, 48, 1, 3},
    {{16}, 16, 1, 3},
    {{48}, 80, 1, 3},
    {{32}, 96, 1, 3},
    {{16}, 112, 1, 3},
    {{64, 32, 32, 32, 32}, 64, 1, 3},
    {{32, 16}, 32, 1, 3},
    {{32}, 64, 2, 3},
    {{16}, 48, 3, 3},
    {{32, 48, 16, 16}, 48, 1, 1},
    {{4}, 64, 1, 3},
    {{4}, 16, 2, 3},
};

struct problem {
    struct fov_conv conv;
    struct fov_conv_rows rows;
    float *plain; /* weights, [out_ch][in_ch][taps][taps] */
};

static size_t element_bytes(enum fov_element e)
{
    return e == FOV_ELEMENT_F16 ? 2 : 4;
}

/* n random elements behind `skip` zeros, `slack` zeros behind them, then a guard page. */
static void *random_row(size_t skip, size_t n, size_t slack, enum fov_element e)
{
    const size_t total = skip + n + slack;
    unsigned char *const row = guarded_bytes(total * element_bytes(e));
    memset(row, 0, total * element_bytes(e));
    for (size_t i = skip; i < skip + n; i++) {
        float v;
        fill_random(&v, 1);
        if (e == FOV_ELEMENT_F16)
            ((uint16_t *)(void *)row)[i] = fov_to_half(v);
        else
            ((float *)(void *)row)[i] = v;
    }
    return row;
}

static float *random_floats(size_t n)
{
    float *const p = guarded(n);
    fill_random(p, n);
    return p;
}

/* Everything of a call but the packed weights, the scratch memory and dst. */
static struct problem make_problem(const struct shape *s, size_t n_px, enum fov_element src,
                                   enum fov_element dst, enum fov_activation activation, int n_adds)
{
    struct problem p = {
        .conv = {.src_element = s->src_ch[0] == 4 ? FOV_ELEMENT_F32 : src,
                 .dst_element = dst,
                 .activation = s->side > 1 && activation == FOV_GATE ? FOV_SILU : activation,
                 .taps = s->taps,
                 .out_ch = s->dst_ch * (size_t)s->side,
                 .n_adds = s->side > 1 ? 0 : n_adds,
                 .add_scale = {1, 0.2f}},
        .rows = {.dst_ch = s->dst_ch, .n_px = n_px},
    };
    for (; p.rows.n_src < FOV_MAX_SOURCES && s->src_ch[p.rows.n_src]; p.rows.n_src++) {
        struct fov_source *const to = &p.rows.src[p.rows.n_src];
        to->n_ch = s->src_ch[p.rows.n_src];
        p.conv.in_ch += to->n_ch;
        for (int i = 0; i < FOV_TILE_ROWS + 2; i++)
            to->row[i] = random_row(to->n_ch, n_px * to->n_ch, FOV_ROW_SLACK_PX * to->n_ch,
                                    p.conv.src_element);
    }
    for (int k = 0; k < p.conv.n_adds; k++)
        for (int i = 0; i < FOV_TILE_ROWS; i++)
            p.rows.add[k][i] = random_row(0, n_px * s->dst_ch, 0, dst);
    p.plain = random_floats(p.conv.out_ch * p.conv.in_ch * (size_t)(s->taps * s->taps));
    p.conv.bias = random_floats(p.conv.out_ch);
    p.conv.slope = random_floats(p.conv.out_ch);
    return p;
}

static bool takes_bytes(fov_conv_fn *fn)
{
#if defined(AMX_IN_C)
    if (fn == fov_conv_winograd_i16_amx_in_c)
        return true;
#endif
    return fov_conv_takes_bytes(fn);
}

/* Run `fn` with weights laid out for `method`; dst is fresh memory, some rows of it missing. */
static void run(struct problem *p, fov_conv_fn *fn, enum fov_method method, unsigned rows_mask)
{
    struct fov_conv *const c = &p->conv;
    const size_t row = p->rows.n_px * p->rows.dst_ch * element_bytes(c->dst_element);
    const enum fov_method layout =
        method == FOV_WINOGRAD_I16 && takes_bytes(fn) ? FOV_WINOGRAD_BYTES : method;
    float *const scale = guarded(fov_pack_scales(layout, c->in_ch, c->out_ch));
    float *const room = guarded(fov_pack_room(layout, c->in_ch, c->out_ch));
    void *weights = guarded_bytes(fov_pack_conv_bytes(layout, c->taps, c->in_ch, c->out_ch));

    fov_pack_conv(layout, p->plain, c->taps, c->in_ch, c->out_ch, weights, scale, room);
    c->weights = weights;
    c->scale = scale;
    p->rows.conv = c;
    p->rows.scratch = guarded_bytes(fov_conv_scratch_bytes(c->in_ch));
    for (size_t s = 0; s < c->out_ch / p->rows.dst_ch; s++)
        for (int i = 0; i < FOV_TILE_ROWS; i++)
            p->rows.dst[s][i] = rows_mask >> i & 1 ? guarded_bytes(row) : NULL;
    fn(&p->rows);
}

static float element(const void *row, size_t i, enum fov_element e)
{
    return e == FOV_ELEMENT_F16 ? fov_from_half(((const uint16_t *)row)[i])
                                : ((const float *)row)[i];
}

/* What a value may differ from the direct kernel in C, whose value is `want`.
 *
 * Direct: two sums of n = taps^2 * in_ch terms, each within n * 2^-24 * sum|a * b| of the exact one
 * (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); random products average 1/4.
 * Winograd in float32: its transforms make the terms up to 16 times larger. int16: sums of up
 * to 64 products must fit in int32, so the more there are, the coarser are weights: rounding moves
 * a sum by 0.022 % sqrt(in_ch) of its typical size, sqrt(n) / 3 (measured: 0.06 % with 16, 0.18 %
 * with 64 and with 192); six times that is still less than one wrong weight makes. A gate's slope
 * is below 2. float16 rounds the result by 2^-11 of it. */
static float tolerance(const struct fov_conv *c, enum fov_method method, float want)
{
    const float n = (float)(c->taps * c->taps) * (float)c->in_ch;
    const float sum =
        method == FOV_WINOGRAD_I16
            ? 1.3e-3f * sqrtf(fminf((float)c->in_ch, FOV_WINO_SUM_CHANNELS)) * sqrtf(n) / 3 + 1e-4f
        : method == FOV_DIRECT ? 2 * n * 0x1p-24f * (n + 2) / 4
                               : 2 * n * 0x1p-24f * (n + 2) / 4 * 16;
    return 2 * sum + fabsf(want) * (c->dst_element == FOV_ELEMENT_F16 ? 0x1p-10f : 0x1p-20f) +
           (c->dst_element == FOV_ELEMENT_F16 ? 0x1p-20f : 0);
}

/* Kernels with fused multiply-adds agree to the bit, so that a picture does not depend on the CPU;
 * the first of them that was tested, for each method. */
static fov_conv_fn *first_fused[FOV_WINOGRAD_I16 + 1];

static void check_same_bits(const struct problem *p, enum fov_method method, unsigned mask)
{
    const size_t row = p->rows.n_px * p->rows.dst_ch * element_bytes(p->conv.dst_element);
    struct problem other = *p;

    run(&other, first_fused[method], method, mask);
    for (size_t s = 0; s < p->conv.out_ch / p->rows.dst_ch; s++)
        for (int i = 0; i < FOV_TILE_ROWS; i++)
            if ((mask >> i & 1) && memcmp(p->rows.dst[s][i], other.rows.dst[s][i], row))
                fail("%zu->%zu n_px %zu activation %d: not the bits of the other variants",
                     p->conv.in_ch, p->conv.out_ch, p->rows.n_px, (int)p->conv.activation);
}

static void check(struct problem *p, fov_conv_fn *fn, enum fov_method method)
{
    const struct fov_conv *const c = &p->conv;
    const unsigned mask = (unsigned)random_int(1, 15);
    struct problem truth = *p;

    run(&truth, fov_conv_direct_c, FOV_DIRECT, mask);
    run(p, fn, method, mask);
    if (first_fused[method] && fn != first_fused[method])
        check_same_bits(p, method, mask);
    for (size_t s = 0; s < c->out_ch / p->rows.dst_ch; s++)
        for (int i = 0; i < FOV_TILE_ROWS; i++)
            for (size_t k = 0; (mask >> i & 1) && k < p->rows.n_px * p->rows.dst_ch; k++) {
                const float want = element(truth.rows.dst[s][i], k, c->dst_element);
                const float got = element(p->rows.dst[s][i], k, c->dst_element);
                if (!(fabsf(got - want) <= tolerance(c, method, want))) {
                    fail("%zu(%d)->%zu taps %d n_px %zu activation %d adds %d elements %d %d: "
                         "part %zu row %d pixel %zu channel %zu: want %a got %a",
                         c->in_ch, p->rows.n_src, c->out_ch, c->taps, p->rows.n_px,
                         (int)c->activation, c->n_adds, (int)c->src_element, (int)c->dst_element, s,
                         i, k / p->rows.dst_ch, k % p->rows.dst_ch, (double)want, (double)got);
                    return;
                }
            }
}

/* The bits of a pixel must not depend on where in the row it stands (Winograd: its tile), nor on
 * what stands to the right of it. */
static void check_position(fov_conv_fn *fn, enum fov_method method)
{
    enum { N = 150, CH = 16, OUT = 64 };
    const struct shape s = {{CH}, OUT, 1, 3};
    struct problem whole = make_problem(&s, N, FOV_ELEMENT_F32, FOV_ELEMENT_F32, FOV_PRELU, 0);
    run(&whole, fn, method, 15);
    const int mark = guarded_count();
    const size_t step = method == FOV_DIRECT ? 1 : FOV_TILE_PX;
    for (size_t from = step; from < N; from += step) {
        struct problem part = whole;
        for (int i = 0; i < FOV_TILE_ROWS + 2; i++)
            part.rows.src[0].row[i] = (const float *)whole.rows.src[0].row[i] + from * CH;
        part.rows.n_px = N - from;
        run(&part, fn, method, 15);
        for (int i = 0; i < FOV_TILE_ROWS; i++)
            if (memcmp(part.rows.dst[0][i], (const float *)whole.rows.dst[0][i] + from * OUT,
                       part.rows.n_px * OUT * sizeof(float)))
                fail("row %d: other bits when the row begins at pixel %zu", i, from);
        guarded_free(mark);
    }
}

/* Features like those of a photograph: each channel about as large everywhere, and not negative. */
static void draw_features(struct problem *p)
{
    for (int s = 0; s < p->rows.n_src; s++) {
        struct fov_source *const src = &p->rows.src[s];
        float *const level = random_floats(src->n_ch);
        for (int i = 0; i < FOV_TILE_ROWS + 2; i++) {
            float *const px = (float *)(uintptr_t)src->row[i] + src->n_ch;
            for (size_t k = 0; k < p->rows.n_px * src->n_ch; k++)
                px[k] = fabsf(level[k % src->n_ch] + 0.3f * px[k]);
        }
    }
}

/* How near int16 is to float32, as root mean squares: layer after layer this adds up, and 34 layers
 * with 0.27 % each were 52 dB on a photograph where 55 are promised. Measured: 0.04 to 0.06 %; with
 * one scale for all input channels and positions 0.17 % from 192 channels. */
static void check_rounding(fov_conv_fn *fn, const struct shape *s)
{
    struct problem p = make_problem(s, 96, FOV_ELEMENT_F32, FOV_ELEMENT_F32, FOV_LINEAR, 0);
    draw_features(&p);
    struct problem truth = p;
    double difference = 0, size = 0;

    run(&truth, fov_conv_direct_c, FOV_DIRECT, 15);
    run(&p, fn, FOV_WINOGRAD_I16, 15);
    for (int i = 0; i < FOV_TILE_ROWS; i++)
        for (size_t k = 0; k < p.rows.n_px * p.rows.dst_ch; k++) {
            const double want = ((const float *)truth.rows.dst[0][i])[k];
            const double off = ((const float *)p.rows.dst[0][i])[k] - want;
            difference += off * off;
            size += want * want;
        }
    if (!(sqrt(difference / size) < 8e-4))
        fail("%zu->%zu: %.3f %% of rounding", p.conv.in_ch, p.conv.out_ch,
             100 * sqrt(difference / size));
    guarded_free(0);
}

struct call {
    fov_conv_fn *fn;
    struct fov_conv_rows *rows;
};

static void call_rows(void *arg)
{
    const struct call *const call = arg;
    call->fn(call->rows);
}

static void bench_shape(fov_conv_fn *fn, enum fov_method method, const char *name,
                        const struct shape *s, enum fov_element e)
{
    enum { N = 500 }; /* a row of the reference picture */
    struct problem p = make_problem(s, N, e, e, FOV_PRELU, 0);
    struct call call = {fn, &p.rows};
    run(&p, fn, method, 15);
    bench_report(name, bench_least(call_rows, &call),
                 2.0 * (double)(s->taps * s->taps) * N * FOV_TILE_ROWS *
                     (double)(p.conv.in_ch * p.conv.out_ch));
}

static void bench_all(fov_conv_fn *fn, enum fov_method method, const char *name)
{
    char title[64];
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct shape *const s = &shapes[i];
        if (method != FOV_DIRECT && (s->taps != 3 || s->src_ch[0] == 4))
            continue;
        size_t in_ch = 0;
        for (int k = 0; k < FOV_MAX_SOURCES; k++)
            in_ch += s->src_ch[k];
        (void)snprintf(title, sizeof(title), "%s %zu->%zu", name, in_ch,
                       s->dst_ch * (size_t)s->side);
        bench_shape(fn, method, title, s,
                    method == FOV_WINOGRAD_I16 ? FOV_ELEMENT_F16 : FOV_ELEMENT_F32);
        guarded_free(0);
    }
}

static void check_conv(fov_conv_fn *fn, enum fov_method method, const char *name)
{
    any_fn *const definition = check_func((any_fn *)fn, name);
    if (!definition)
        return;
    if (definition != (any_fn *)fn && !first_fused[method])
        first_fused[method] = fn;
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        if (method != FOV_DIRECT && (shapes[s].taps != 3 || shapes[s].src_ch[0] == 4))
            continue;
        for (size_t n_px = 1; n_px <= 30; n_px++) { /* every tail of every block, and two blocks */
            struct problem p =
                make_problem(&shapes[s], n_px < 30 ? n_px : 101, (enum fov_element)random_int(0, 1),
                             (enum fov_element)random_int(0, 1),
                             (enum fov_activation)random_int(0, 3), random_int(1, 2));
            if (p.conv.activation != FOV_GATE && random_int(0, 1))
                p.conv.n_adds = 0;
            check(&p, fn, method);
            guarded_free(0);
        }
    }
    check_position(fn, method);
    guarded_free(0);
    if (benching())
        bench_all(fn, method, name);
}

KERNEL_TEST(conv_direct)
{
    check_conv(k->conv_direct, FOV_DIRECT, "conv_direct");
}

KERNEL_TEST(conv_winograd_f32)
{
    check_conv(k->conv_winograd_f32, FOV_WINOGRAD_F32, "conv_winograd_f32");
}

KERNEL_TEST(conv_winograd_i16)
{
    static const struct shape narrow = {{64}, 64, 1, 3}, wide = {{64, 32, 32, 32, 32}, 64, 1, 3};
    check_conv(k->conv_winograd_i16, FOV_WINOGRAD_I16, "conv_winograd_i16");
    check_rounding(k->conv_winograd_i16, &narrow);
    check_rounding(k->conv_winograd_i16, &wide);
}
