/* SPDX-License-Identifier: Apache-2.0 */
/* conv3x3_f32_c.c -- the definition the other variants are checked against. Keep it obvious.
 *
 * A group of output channels is summed side by side, each in the order row, pixel, channel.
 */
#include "net/kernels/kernels.h"

enum { GROUP = FOV_CHANNEL_GROUP };

static float activate(float v, float slope)
{
    return v < 0 ? v * slope : v;
}

static void conv_pixel(const struct fov_conv_row *r, size_t x, size_t channel)
{
    const size_t n_products = 3 * r->in_ch; /* of one row: three pixels lie side by side */
    const float *w = r->weights + channel * 3 * n_products;
    const size_t at = x * r->out_ch + channel;
    float sum[GROUP];

    for (size_t o = 0; o < GROUP; o++)
        sum[o] = r->bias[channel + o];
    for (int dy = 0; dy < 3; dy++)
        for (size_t k = 0; k < n_products; k++, w += GROUP)
            for (size_t o = 0; o < GROUP; o++)
                sum[o] += r->src[dy][x * r->in_ch + k] * w[o];
    for (size_t o = 0; o < GROUP; o++) {
        const float v = r->slope ? activate(sum[o], r->slope[channel + o]) : sum[o];
        r->dst[at + o] = r->add ? v + r->add[at + o] : v;
    }
}

void fov_conv3x3_f32_c(const struct fov_conv_row *r)
{
    for (size_t x = 0; x < r->n_px; x++)
        for (size_t channel = 0; channel < r->out_ch; channel += GROUP)
            conv_pixel(r, x, channel);
}
