/* SPDX-License-Identifier: Apache-2.0 */
/* conv_direct_c.c -- the definition the other variants are checked against. Keep it obvious.
 *
 * A group of output channels is summed side by side, each in the order row, pixel, channel.
 */
#include "net/kernels/c/conv_c.h"

enum { GROUP = FOV_CHANNEL_GROUP };

/* Add the products of one input pixel; returns the weights behind those used. */
static const float *add_pixel(float *sum, const struct fov_conv_rows *r, int row, size_t x,
                              const float *w)
{
    for (int s = 0; s < r->n_src; s++)
        for (size_t i = 0; i < r->src[s].n_ch; i++, w += GROUP) {
            const float v =
                element_load(r->src[s].row[row], x * r->src[s].n_ch + i, r->conv->src_element);
            for (size_t o = 0; o < GROUP; o++)
                sum[o] += v * w[o];
        }
    return w;
}

static void conv_group(const struct fov_conv_rows *r, int row, size_t x, size_t channel)
{
    const struct fov_conv *const c = r->conv;
    const int taps = c->taps, border = (3 - taps) / 2; /* rows and pixels begin one early */
    const float *w = (const float *)c->weights + channel * (size_t)(taps * taps) * c->in_ch;
    float sum[GROUP];

    for (size_t o = 0; o < GROUP; o++)
        sum[o] = c->bias[channel + o];
    for (int dy = border; dy < border + taps; dy++)
        for (int dx = border; dx < border + taps; dx++)
            w = add_pixel(sum, r, row + dy, x + (size_t)dx, w);
    for (size_t o = 0; o < GROUP; o++)
        finish_store(r, row, x, channel + o, sum[o]);
}

void fov_conv_direct_c(const struct fov_conv_rows *r)
{
    for (int row = 0; row < FOV_TILE_ROWS; row++)
        for (size_t channel = 0; channel < r->conv->out_ch; channel += GROUP)
            for (size_t x = 0; r->dst[channel / r->dst_ch][row] && x < r->n_px; x++)
                conv_group(r, row, x, channel);
}
