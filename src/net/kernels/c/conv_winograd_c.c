/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_c.c -- the definitions of the Winograd convolutions. Keep them obvious.
 *
 * A few tiles at a time: their values, then for each position and each group of output channels the
 * products, then the pixels. Several tiles only because weights are large.
 */
#include <string.h>

#include "net/kernels/c/conv_c.h"
#include "net/kernels/winograd.h"

enum {
    GROUP = FOV_CHANNEL_GROUP,
    TILES = 8,
    IN = FOV_WINO_IN,
    OUT = FOV_TILE_PX,
    WIDE_IN = FOV_WINO_WIDE_IN,
    WIDE_OUT = FOV_WINO_WIDE_OUT,
    WIDE_VALUES = FOV_WINO_WIDE_VALUES,
};

static const float b_t[IN][IN] = {
    {1, 0, -2.5f, 0, 1, 0},
    {0, -2 * FOV_WINO_A, -2, FOV_WINO_A, 1, 0},
    {0, 2 * FOV_WINO_A, -2, -FOV_WINO_A, 1, 0},
    {0, -0.5f * FOV_WINO_B, -0.5f, FOV_WINO_B, 1, 0},
    {0, 0.5f * FOV_WINO_B, -0.5f, -FOV_WINO_B, 1, 0},
    {0, 1, 0, -2.5f, 0, 1},
};
static const float b_wide[WIDE_IN][WIDE_IN] = {
    {1, 0, -5.25f, 0, 5.25f, 0, -1, 0},        {0, 1, 1, -4.25f, -4.25f, 1, 1, 0},
    {0, -1, 1, 4.25f, -4.25f, -1, 1, 0},       {0, 0.5f, 0.25f, -2.5f, -1.25f, 2, 1, 0},
    {0, -0.5f, 0.25f, 2.5f, -1.25f, -2, 1, 0}, {0, 2, 4, -2.5f, -5, 0.5f, 1, 0},
    {0, -2, 4, 2.5f, -5, -0.5f, 1, 0},         {0, -1, 0, 5.25f, 0, -5.25f, 0, 1},
};
static const float a_t[OUT][IN] = {
    {1, 1, 1, 0.5f, 0.5f, 0},
    {0, FOV_WINO_A, -FOV_WINO_A, FOV_WINO_A, -FOV_WINO_A, 0},
    {0, 0.5f, 0.5f, 1, 1, 0},
    {0, 0.5f * FOV_WINO_A, -0.5f * FOV_WINO_A, FOV_WINO_B, -FOV_WINO_B, 1},
};

static const float a_wide[WIDE_OUT][WIDE_IN] = {
    {1, 1, 1, 1, 1, 1, 1, 0},
    {0, 1, -1, 2, -2, 0.5f, -0.5f, 0},
    {0, 1, 1, 4, 4, 0.25f, 0.25f, 0},
    {0, 1, -1, 8, -8, 0.125f, -0.125f, 0},
    {0, 1, 1, 16, 16, 0.0625f, 0.0625f, 0},
    {0, 1, -1, 32, -32, 0.03125f, -0.03125f, 1},
};

/* A tile along its rows; along its columns all are alike. */
static const struct across {
    size_t in, out, n_values;
    const float *b_t, *a_t; /* [in][in], [out][in] */
} narrow = {IN, OUT, FOV_WINO_VALUES, b_t[0], a_t[0]},
  wide = {WIDE_IN, WIDE_OUT, WIDE_VALUES, b_wide[0], a_wide[0]};

/* dst[n][m] = down src across^T, for src[6][n_src]. */
static void transform(float *dst, const float (*down)[IN], size_t n, const float *across, size_t m,
                      const float *src, size_t n_src)
{
    float half[IN][WIDE_IN];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n_src; j++) {
            half[i][j] = 0;
            for (size_t k = 0; k < IN; k++)
                half[i][j] += down[i][k] * src[k * n_src + j];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            dst[i * m + j] = 0;
            for (size_t k = 0; k < n_src; k++)
                dst[i * m + j] += half[i][k] * across[j * n_src + k];
        }
}

/* values[position][in_ch] of the tile whose first output pixel is x; returns the largest of them.
 */
static float tile_values(const struct fov_conv_rows *r, const struct across *t, size_t x,
                         float *values)
{
    const size_t in_ch = r->conv->in_ch;
    float patch[WIDE_VALUES], v[WIDE_VALUES], peak = FOV_WINO_MIN_PEAK;
    size_t channel = 0;

    for (int s = 0; s < r->n_src; s++)
        for (size_t c = 0; c < r->src[s].n_ch; c++, channel++) {
            for (size_t i = 0; i < IN; i++)
                for (size_t j = 0; j < t->in; j++)
                    patch[i * t->in + j] = element_load(
                        r->src[s].row[i], (x + j) * r->src[s].n_ch + c, r->conv->src_element);
            transform(v, b_t, IN, t->b_t, t->in, patch, t->in);
            for (size_t p = 0; p < t->n_values; p++) {
                values[p * in_ch + channel] = v[p];
                peak = fabsf(v[p]) > peak ? fabsf(v[p]) : peak;
            }
        }
    return peak;
}

/* The pixels of one tile and output channel, from its products. */
static void tile_pixels(const struct fov_conv_rows *r, const struct across *t, size_t x, size_t o,
                        float scale, const float *products)
{
    float y[OUT * WIDE_OUT];
    transform(y, a_t, OUT, t->a_t, t->out, products, t->in);
    for (int i = 0; i < OUT; i++)
        for (size_t j = 0; j < t->out && x + j < r->n_px; j++)
            finish_store(r, i, x + j, o, y[(size_t)i * t->out + j] * scale + r->conv->bias[o]);
}

/* ---- float32 ----------------------------------------------------------------------------- */

static void tile_f32(const struct fov_conv_rows *r, size_t x)
{
    const struct fov_conv *const c = r->conv;
    float *const values = r->scratch, m[GROUP][WIDE_VALUES];

    (void)tile_values(r, &wide, x, values);
    for (size_t channel = 0; channel < c->out_ch; channel += GROUP) {
        memset(m, 0, sizeof(m));
        for (size_t p = 0; p < WIDE_VALUES; p++) {
            const float *w = (const float *)c->weights + (p * c->out_ch + channel) * c->in_ch;
            for (size_t i = 0; i < c->in_ch; i++, w += GROUP)
                for (size_t o = 0; o < GROUP; o++)
                    m[o][p] += values[p * c->in_ch + i] * w[o];
        }
        for (size_t o = 0; o < GROUP; o++)
            tile_pixels(r, &wide, x, channel + o, 1, m[o]);
    }
}

void fov_conv_winograd_f32_c(const struct fov_conv_rows *r)
{
    for (size_t x = 0; x < r->n_px; x += WIDE_OUT)
        tile_f32(r, x);
}

/* ---- int16 ------------------------------------------------------------------------------- */

struct tiles_i16 {
    int16_t *values;             /* [TILES][36][in_ch] */
    int32_t (*products)[36][16]; /* [TILES] */
    float unit[TILES];           /* what a whole value is worth */
};

static void quantise(const struct fov_conv_rows *r, size_t x, float *scratch, int16_t *values,
                     float *ret_unit)
{
    const size_t n = FOV_WINO_VALUES * r->conv->in_ch;
    const float peak = tile_values(r, &narrow, x, scratch), scale = FOV_WINO_MAX_VALUE / peak;

    for (size_t i = 0; i < n; i++)
        values[i] = isfinite(scratch[i] * scale) ? (int16_t)lrintf(scratch[i] * scale) : 0;
    *ret_unit = peak / FOV_WINO_MAX_VALUE;
}

/* The int32 sums of a group of output channels; weights lie in pairs of input channels. */
static void multiply(const struct fov_conv *c, const struct tiles_i16 *t, size_t n_tiles,
                     size_t channel)
{
    for (size_t p = 0; p < FOV_WINO_VALUES; p++) {
        const int16_t *const weights =
            (const int16_t *)c->weights + (p * c->out_ch + channel) * c->in_ch;
        for (size_t n = 0; n < n_tiles; n++) {
            const int16_t *const v = t->values + (n * FOV_WINO_VALUES + p) * c->in_ch;
            int32_t sum[GROUP] = {0};
            const int16_t *w = weights;
            for (size_t i = 0; i < c->in_ch; i += 2, w += 2 * GROUP)
                for (size_t o = 0; o < GROUP; o++)
                    sum[o] += v[i] * w[2 * o] + v[i + 1] * w[2 * o + 1];
            memcpy(t->products[n][p], sum, sizeof(sum));
        }
    }
}

static void tiles_i16(const struct fov_conv_rows *r, size_t x, size_t n_tiles, struct tiles_i16 *t,
                      float *scratch)
{
    const struct fov_conv *const c = r->conv;
    float m[FOV_WINO_VALUES];

    for (size_t n = 0; n < n_tiles; n++)
        quantise(r, x + n * OUT, scratch, t->values + n * FOV_WINO_VALUES * c->in_ch, &t->unit[n]);
    for (size_t channel = 0; channel < c->out_ch; channel += GROUP) {
        multiply(c, t, n_tiles, channel);
        for (size_t n = 0; n < n_tiles; n++)
            for (size_t o = 0; o < GROUP; o++) {
                for (size_t p = 0; p < FOV_WINO_VALUES; p++)
                    m[p] = (float)t->products[n][p][o];
                tile_pixels(r, &narrow, x + n * OUT, channel + o,
                            t->unit[n] * c->scale[channel + o], m);
            }
    }
}

void fov_conv_winograd_i16_c(const struct fov_conv_rows *r)
{
    const size_t n_values = FOV_WINO_VALUES * r->conv->in_ch;
    float *const scratch = r->scratch;
    int32_t products[TILES][36][GROUP];
    struct tiles_i16 t = {.values = (int16_t *)(scratch + n_values), .products = products};

    for (size_t x = 0; x < r->n_px; x += TILES * OUT) {
        const size_t left = (r->n_px - x + OUT - 1) / OUT;
        tiles_i16(r, x, left < TILES ? left : TILES, &t, scratch);
    }
}
