/* SPDX-License-Identifier: Apache-2.0 */
/* conv_winograd_c.c -- the definitions of the Winograd convolutions. Keep them obvious.
 *
 * A few tiles at a time: their values, then for each of the 36 positions and each group of output
 * channels the products, then the pixels. Several tiles only because weights are large.
 */
#include <string.h>

#include "net/kernels/c/conv_c.h"
#include "net/kernels/winograd.h"

enum { GROUP = FOV_CHANNEL_GROUP, TILES = 8, IN = FOV_WINO_IN, OUT = FOV_TILE_PX };

static const float b_t[IN][IN] = {
    {1, 0, -2.5f, 0, 1, 0},
    {0, -2 * FOV_WINO_A, -2, FOV_WINO_A, 1, 0},
    {0, 2 * FOV_WINO_A, -2, -FOV_WINO_A, 1, 0},
    {0, -0.5f * FOV_WINO_B, -0.5f, FOV_WINO_B, 1, 0},
    {0, 0.5f * FOV_WINO_B, -0.5f, -FOV_WINO_B, 1, 0},
    {0, 1, 0, -2.5f, 0, 1},
};
static const float a_t[OUT][IN] = {
    {1, 1, 1, 0.5f, 0.5f, 0},
    {0, FOV_WINO_A, -FOV_WINO_A, FOV_WINO_A, -FOV_WINO_A, 0},
    {0, 0.5f, 0.5f, 1, 1, 0},
    {0, 0.5f * FOV_WINO_A, -0.5f * FOV_WINO_A, FOV_WINO_B, -FOV_WINO_B, 1},
};

/* dst[n][n] = m src m^T, for an n x 6 matrix m. */
static void transform(float *dst, const float (*m)[IN], int n, const float src[IN][IN])
{
    float half[OUT > IN ? OUT : IN][IN];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < IN; j++) {
            half[i][j] = 0;
            for (int k = 0; k < IN; k++)
                half[i][j] += m[i][k] * src[k][j];
        }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            dst[i * n + j] = 0;
            for (int k = 0; k < IN; k++)
                dst[i * n + j] += half[i][k] * m[j][k];
        }
}

/* values[36][in_ch] of the tile whose first output pixel is x; returns the largest of them. */
static float tile_values(const struct fov_conv_rows *r, size_t x, float *values)
{
    const size_t in_ch = r->conv->in_ch;
    float patch[IN][IN], v[FOV_WINO_VALUES], peak = FOV_WINO_MIN_PEAK;
    size_t channel = 0;

    for (int s = 0; s < r->n_src; s++)
        for (size_t c = 0; c < r->src[s].n_ch; c++, channel++) {
            for (size_t i = 0; i < IN; i++)
                for (size_t j = 0; j < IN; j++)
                    patch[i][j] = element_load(r->src[s].row[i], (x + j) * r->src[s].n_ch + c,
                                               r->conv->src_element);
            transform(v, b_t, IN, patch);
            for (size_t p = 0; p < FOV_WINO_VALUES; p++) {
                values[p * in_ch + channel] = v[p];
                peak = fabsf(v[p]) > peak ? fabsf(v[p]) : peak;
            }
        }
    return peak;
}

/* The pixels of one tile and output channel, from its 36 products. */
static void tile_pixels(const struct fov_conv_rows *r, size_t x, size_t o, float scale,
                        const float products[IN][IN])
{
    float y[OUT * OUT];
    transform(y, a_t, OUT, products);
    for (int i = 0; i < OUT; i++)
        for (size_t j = 0; j < OUT && x + j < r->n_px; j++)
            finish_store(r, i, x + j, o, y[(size_t)i * OUT + j] * scale + r->conv->bias[o]);
}

/* ---- float32 ----------------------------------------------------------------------------- */

static void tile_f32(const struct fov_conv_rows *r, size_t x)
{
    const struct fov_conv *const c = r->conv;
    float *const values = r->scratch, m[GROUP][IN][IN];

    (void)tile_values(r, x, values);
    for (size_t channel = 0; channel < c->out_ch; channel += GROUP) {
        memset(m, 0, sizeof(m));
        for (size_t p = 0; p < FOV_WINO_VALUES; p++) {
            const float *w = (const float *)c->weights + (p * c->out_ch + channel) * c->in_ch;
            for (size_t i = 0; i < c->in_ch; i++, w += GROUP)
                for (size_t o = 0; o < GROUP; o++)
                    m[o][p / IN][p % IN] += values[p * c->in_ch + i] * w[o];
        }
        for (size_t o = 0; o < GROUP; o++)
            tile_pixels(r, x, channel + o, 1, m[o]);
    }
}

void fov_conv_winograd_f32_c(const struct fov_conv_rows *r)
{
    for (size_t x = 0; x < r->n_px; x += OUT)
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
    const float peak = tile_values(r, x, scratch), scale = FOV_WINO_MAX_VALUE / peak;

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
    float m[IN][IN];

    for (size_t n = 0; n < n_tiles; n++)
        quantise(r, x + n * OUT, scratch, t->values + n * FOV_WINO_VALUES * c->in_ch, &t->unit[n]);
    for (size_t channel = 0; channel < c->out_ch; channel += GROUP) {
        multiply(c, t, n_tiles, channel);
        for (size_t n = 0; n < n_tiles; n++)
            for (size_t o = 0; o < GROUP; o++) {
                for (size_t p = 0; p < FOV_WINO_VALUES; p++)
                    m[p / IN][p % IN] = (float)t->products[n][p][o];
                tile_pixels(r, x + n * OUT, channel + o, t->unit[n] * c->scale[channel + o], m);
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
