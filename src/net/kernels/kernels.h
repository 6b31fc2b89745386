/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.h -- the table of inner loops one engine runs on.
 *
 * Rows of activations are float32, pixel after pixel, all channels of a pixel together (NHWC), the
 * number of channels padded to a multiple of FOV_CHANNEL_GROUP (the input: to FOV_INPUT_CHANNELS).
 * A row has one pixel of zeros to its left and at least one to its right.
 */
#ifndef FOV_NET_KERNELS_H
#define FOV_NET_KERNELS_H

#include <stddef.h>

/* Output channels that a kernel makes together, one AVX-512 vector; channels of the input, RGB and
 * a zero; pixels that may be read, never used, past the zero on the right of a row. */
#define FOV_CHANNEL_GROUP  16
#define FOV_INPUT_CHANNELS 4
#define FOV_ROW_SLACK_PX   16

/* One row of a 3x3 convolution with its bias, activation and addition. */
struct fov_conv_row {
    float *dst;           /* n_px x out_ch */
    const float *src[3];  /* the rows above, here and below, each from the zero left of pixel 0 */
    const float *add;     /* n_px x out_ch, or NULL */
    const float *weights; /* [out_ch / 16][3 rows][3 pixels][in_ch][16] */
    const float *bias;    /* [out_ch] */
    const float *slope;   /* [out_ch]; NULL: no activation */
    size_t n_px, in_ch, out_ch;
};

/* dst = act(bias + sum of src * weights) + add, where act(v) = v < 0 ? v * slope : v.
 * Reads up to FOV_ROW_SLACK_PX pixels past the right zero of each src row; writes exactly n_px
 * pixels. dst overlaps nothing. weights and bias are 64-byte aligned. A reduction of 9 * in_ch
 * products: variants differ by at most 2 * (9 * in_ch + 2) * 2^-24 * sum|src * weights| before the
 * activation; within a variant a pixel's value does not depend on where in the row it stands. */
typedef void fov_conv3x3_f32_fn(const struct fov_conv_row *row);

struct fov_kernels {
    fov_conv3x3_f32_fn *conv3x3_f32;
};

/* Fill `k` with the best variant each slot has among those the mask `cpu` allows. */
void fov_kernels_init(struct fov_kernels *k, unsigned cpu);

#define KERNEL(slot, isa, needs) fov_##slot##_fn fov_##slot##_##isa;
#include "net/kernels/kernels.def"
#undef KERNEL

#endif
