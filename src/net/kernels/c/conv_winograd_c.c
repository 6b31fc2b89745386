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
    ROWS_IN = FOV_WINO_ROWS,
    PX_IN = FOV_WINO_PX,
    ROWS = FOV_TILE_ROWS,
    PX = FOV_TILE_PX,
    VALUES = FOV_WINO_VALUES,
};

#define A FOV_WINO_A
#define B FOV_WINO_B

static const float b_down[ROWS_IN][ROWS_IN] = {
    {1, 0, -2.5f, 0, 1, 0}, {0, -2 * A, -2, A, 1, 0}, {0, 2 * A, -2, -A, 1, 0},
    {0, -1, -A, 2, B, 0},   {0, 1, -A, -2, B, 0},     {0, 1, 0, -2.5f, 0, 1},
};
static const float b_across[PX_IN][PX_IN] = {
    {1, 0, -5.25f, 0, 5.25f, 0, -1, 0},  {0, 1, 1, -4.25f, -4.25f, 1, 1, 0},
    {0, -1, 1, 4.25f, -4.25f, -1, 1, 0}, {0, 1, 0.5f, -5, -2.5f, 4, 2, 0},
    {0, -1, 0.5f, 5, -2.5f, -4, 2, 0},   {0, 2, 4, -2.5f, -5, 0.5f, 1, 0},
    {0, -2, 4, 2.5f, -5, -0.5f, 1, 0},   {0, -1, 0, 5.25f, 0, -5.25f, 0, 1},
};
static const float a_down[ROWS][ROWS_IN] = {
    {1, 1, 1, 0.5f, 0.5f, 0},
    {0, A, -A, A, -A, 0},
    {0, 0.5f, 0.5f, 1, 1, 0},
    {0, 0.5f * A, -0.5f * A, B, -B, 1},
};
static const float a_across[PX][PX_IN] = {
    {1, 1, 1, 0.125f, 0.125f, 2, 2, 0},   {0, 1, -1, 0.25f, -0.25f, 1, -1, 0},
    {0, 1, 1, 0.5f, 0.5f, 0.5f, 0.5f, 0}, {0, 1, -1, 1, -1, 0.25f, -0.25f, 0},
    {0, 1, 1, 2, 2, 0.125f, 0.125f, 0},   {0, 1, -1, 4, -4, 0.0625f, -0.0625f, 1},
};

/* dst[n][m] = down src across^T, for src[6][8]. */
static void transform(float *dst, const float (*down)[ROWS_IN], size_t n,
                      const float (*across)[PX_IN], size_t m, const float *src)
{
    float half[ROWS_IN][PX_IN];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < PX_IN; j++) {
            half[i][j] = 0;
            for (size_t k = 0; k < ROWS_IN; k++)
                half[i][j] += down[i][k] * src[k * PX_IN + j];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) {
            dst[i * m + j] = 0;
            for (size_t k = 0; k < PX_IN; k++)
                dst[i * m + j] += half[i][k] * across[j][k];
        }
}

/* values[position][in_ch] of the tile whose first output pixel is x; returns the largest of them.
 */
static float tile_values(const struct fov_conv_rows *r, size_t x, float *values)
{
    const size_t in_ch = r->conv->in_ch;
    float patch[VALUES], v[VALUES], peak = FOV_WINO_MIN_PEAK;
    size_t channel = 0;

    for (int s = 0; s < r->n_src; s++)
        for (size_t c = 0; c < r->src[s].n_ch; c++, channel++) {
            for (size_t i = 0; i < ROWS_IN; i++)
                for (size_t j = 0; j < PX_IN; j++)
                    patch[i * PX_IN + j] = element_load(
                        r->src[s].row[i], (x + j) * r->src[s].n_ch + c, r->conv->src_element);
            transform(v, b_down, ROWS_IN, b_across, PX_IN, patch);
            for (size_t p = 0; p < VALUES; p++) {
                values[p * in_ch + channel] = v[p];
                peak = fabsf(v[p]) > peak ? fabsf(v[p]) : peak;
            }
        }
    return peak;
}

/* The pixels of one tile and output channel, from its products. */
static void tile_pixels(const struct fov_conv_rows *r, size_t x, size_t o, float scale,
                        const float *products)
{
    float y[ROWS * PX];
    transform(y, a_down, ROWS, a_across, PX, products);
    for (int i = 0; i < ROWS; i++)
        for (size_t j = 0; j < PX && x + j < r->n_px; j++)
            finish_store(r, i, x + j, o, y[(size_t)i * PX + j] * scale + r->conv->bias[o]);
}

/* ---- float32 ----------------------------------------------------------------------------- */

static void tile_f32(const struct fov_conv_rows *r, size_t x)
{
    const struct fov_conv *const c = r->conv;
    float *const values = r->scratch, m[GROUP][VALUES];

    (void)tile_values(r, x, values);
    for (size_t channel = 0; channel < c->out_ch; channel += GROUP) {
        memset(m, 0, sizeof(m));
        for (size_t p = 0; p < VALUES; p++) {
            const float *w = (const float *)c->weights + (p * c->out_ch + channel) * c->in_ch;
            for (size_t i = 0; i < c->in_ch; i++, w += GROUP)
                for (size_t o = 0; o < GROUP; o++)
                    m[o][p] += values[p * c->in_ch + i] * w[o];
        }
        for (size_t o = 0; o < GROUP; o++)
            tile_pixels(r, x, channel + o, 1, m[o]);
    }
}

void fov_conv_winograd_f32_c(const struct fov_conv_rows *r)
{
    for (size_t x = 0; x < r->n_px; x += PX)
        tile_f32(r, x);
}

/* ---- int16 ------------------------------------------------------------------------------- */

struct tiles_i16 {
    int16_t *values;                  /* [TILES][VALUES][in_ch] */
    float (*products)[GROUP][VALUES]; /* [TILES] */
    float unit[TILES];                /* what a whole value is worth */
};

static void quantise(const struct fov_conv_rows *r, size_t x, float *scratch, int16_t *values,
                     float *ret_unit)
{
    const size_t n = VALUES * r->conv->in_ch;
    const float peak = tile_values(r, x, scratch), scale = FOV_WINO_MAX_VALUE / peak;

    for (size_t i = 0; i < n; i++)
        values[i] = isfinite(scratch[i] * scale) ? (int16_t)lrintf(scratch[i] * scale) : 0;
    *ret_unit = peak / FOV_WINO_MAX_VALUE;
}

/* Add what n input channels from `first` on give to a group of output channels at position p of a
 * tile. Weights lie in pairs of input channels. */
static void multiply(const struct fov_conv *c, size_t p, size_t first, size_t n, size_t channel,
                     const int16_t *values, float products[GROUP][VALUES])
{
    const float *const scale =
        c->scale + (first / FOV_WINO_SUM_CHANNELS * VALUES + p) * c->out_ch + channel;
    const int16_t *const v = values + p * c->in_ch + first;
    const int16_t *w =
        (const int16_t *)c->weights + (p * c->out_ch + channel) * c->in_ch + first * GROUP;
    int32_t sum[GROUP] = {0};

    for (size_t i = 0; i < n; i += 2, w += 2 * GROUP)
        for (size_t o = 0; o < GROUP; o++)
            sum[o] += v[i] * w[2 * o] + v[i + 1] * w[2 * o + 1];
    for (size_t o = 0; o < GROUP; o++)
        products[o][p] += (float)sum[o] * scale[o];
}

static void tiles_i16(const struct fov_conv_rows *r, size_t x, size_t n_tiles, struct tiles_i16 *t,
                      float *scratch)
{
    enum { SUM = FOV_WINO_SUM_CHANNELS };
    const struct fov_conv *const c = r->conv;

    for (size_t n = 0; n < n_tiles; n++)
        quantise(r, x + n * PX, scratch, t->values + n * VALUES * c->in_ch, &t->unit[n]);
    for (size_t channel = 0; channel < c->out_ch; channel += GROUP) {
        memset(t->products, 0, n_tiles * sizeof(*t->products));
        for (size_t p = 0; p < VALUES; p++)
            for (size_t n = 0; n < n_tiles; n++)
                for (size_t i = 0; i < c->in_ch; i += SUM)
                    multiply(c, p, i, c->in_ch - i < SUM ? c->in_ch - i : SUM, channel,
                             t->values + n * VALUES * c->in_ch, t->products[n]);
        for (size_t n = 0; n < n_tiles; n++)
            for (size_t o = 0; o < GROUP; o++)
                tile_pixels(r, x + n * PX, channel + o, t->unit[n], t->products[n][o]);
    }
}

void fov_conv_winograd_i16_c(const struct fov_conv_rows *r)
{
    const size_t n_values = VALUES * r->conv->in_ch;
    float *const scratch = r->scratch;
    float products[TILES][GROUP][VALUES];
    struct tiles_i16 t = {.values = (int16_t *)(scratch + n_values), .products = products};

    for (size_t x = 0; x < r->n_px; x += TILES * PX) {
        const size_t left = (r->n_px - x + PX - 1) / PX;
        tiles_i16(r, x, left < TILES ? left : TILES, &t, scratch);
    }
}
