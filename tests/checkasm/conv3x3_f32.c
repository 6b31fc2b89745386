/* SPDX-License-Identifier: Apache-2.0 */
/* conv3x3_f32.c -- the direct float32 convolution of a row, against its definition. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "tests/checkasm/checkasm.h"

/* Shapes of the layers that networks have, and every remainder of output groups. */
static const struct {
    size_t in_ch, out_ch;
} shapes[] = {{4, 64},  {64, 64}, {64, 16}, {64, 32}, {64, 48},
              {16, 16}, {48, 80}, {32, 96}, {16, 112}};

/* A row with its operands, all but dst and the slack random. */
static struct fov_conv_row make_row(size_t n_px, size_t in_ch, size_t out_ch, bool active, bool add)
{
    struct fov_conv_row r = {.n_px = n_px, .in_ch = in_ch, .out_ch = out_ch};
    float *p;

    for (int i = 0; i < 3; i++) {
        r.src[i] = p = guarded((n_px + 2) * in_ch, FOV_ROW_SLACK_PX * in_ch);
        fill_random(p, (n_px + 2) * in_ch);
    }
    r.weights = p = guarded(9 * in_ch * out_ch, 0);
    fill_random(p, 9 * in_ch * out_ch);
    r.bias = p = guarded(out_ch, 0);
    fill_random(p, out_ch);
    if (active) {
        r.slope = p = guarded(out_ch, 0);
        fill_random(p, out_ch);
    }
    if (add) {
        r.add = p = guarded(n_px * out_ch, 0);
        fill_random(p, n_px * out_ch);
    }
    r.dst = guarded(n_px * out_ch, 0);
    return r;
}

/* Two sums of n = 9 * in_ch + 2 terms, each within n * 2^-24 * sum|a * b| of the exact one (Higham,
 * Accuracy and Stability of Numerical Algorithms, 3.1), differ by at most twice that. With |a|, |b|
 * <= 1 the sum is at most n; a slope is at most 1 as well. Random products average a quarter of
 * that, which keeps the bound sharp enough to see one wrong weight. */
static float tolerance(const struct fov_conv_row *r)
{
    const float n = (float)(9 * r->in_ch + 2);
    return 2 * n * 0x1p-24f * n / 4;
}

static void compare(fov_conv3x3_f32_fn *ref, fov_conv3x3_f32_fn *fn, struct fov_conv_row *r)
{
    float *const got = r->dst, *const want = guarded(r->n_px * r->out_ch, 0);
    r->dst = want;
    ref(r);
    r->dst = got;
    fn(r);
    for (size_t i = 0; i < r->n_px * r->out_ch; i++)
        if (!(fabsf(got[i] - want[i]) <= tolerance(r))) {
            fail("%zu->%zu n_px %zu slope %d add %d: pixel %zu channel %zu: want %a got %a",
                 r->in_ch, r->out_ch, r->n_px, r->slope != NULL, r->add != NULL, i / r->out_ch,
                 i % r->out_ch, (double)want[i], (double)got[i]);
            return;
        }
}

/* The bits of a pixel must not depend on its place in the row: columns may be cut anywhere. */
static void check_position(fov_conv3x3_f32_fn *fn)
{
    enum { N = 41, CH = 16, OUT = 64 };
    struct fov_conv_row r = make_row(N, CH, OUT, true, false), part = r;
    fn(&r);
    for (size_t from = 1; from < N; from++) {
        for (int i = 0; i < 3; i++)
            part.src[i] = r.src[i] + from * CH;
        part.n_px = N - from;
        part.dst = guarded(part.n_px * OUT, 0);
        fn(&part);
        if (memcmp(part.dst, r.dst + from * OUT, part.n_px * OUT * sizeof(float)))
            fail("other bits when the row begins at pixel %zu", from);
    }
}

static void call_row(void *arg)
{
    fov_conv3x3_f32_fn *const fn = *(fov_conv3x3_f32_fn **)arg;
    fn((const struct fov_conv_row *)((char *)arg + sizeof(fn)));
}

static void bench_shape(fov_conv3x3_f32_fn *fn, const char *name, size_t in_ch, size_t out_ch)
{
    enum { N = 500 }; /* a row of the reference picture */
    struct {
        fov_conv3x3_f32_fn *fn;
        struct fov_conv_row row;
    } call = {fn, make_row(N, in_ch, out_ch, true, false)};
    bench_report(name, bench_least(call_row, &call), 2.0 * 9 * N * (double)(in_ch * out_ch));
}

KERNEL_TEST(conv3x3_f32)
{
    fov_conv3x3_f32_fn *const fn = k->conv3x3_f32;
    fov_conv3x3_f32_fn *const ref = (fov_conv3x3_f32_fn *)check_func((any_fn *)fn, "conv3x3_f32");
    if (!ref)
        return;

    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
        for (size_t n_px = 1; n_px <= 29; n_px++) { /* every tail of every block width, twice */
            struct fov_conv_row r = make_row(n_px, shapes[s].in_ch, shapes[s].out_ch,
                                             random_int(0, 3) > 0, random_int(0, 1));
            compare(ref, fn, &r);
        }
    check_position(fn);

    if (benching()) {
        bench_shape(fn, "conv3x3_f32 4->64", 4, 64);
        bench_shape(fn, "conv3x3_f32 64->64", 64, 64);
        bench_shape(fn, "conv3x3_f32 64->48", 64, 48);
        bench_shape(fn, "conv3x3_f32 64->32", 64, 32);
        bench_shape(fn, "conv3x3_f32 64->16", 64, 16);
    }
}
