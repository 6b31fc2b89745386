/* SPDX-License-Identifier: Apache-2.0 */
/* kernels.h -- the table of inner loops one engine runs on.
 *
 * Rows of activations are float32 or float16, pixel after pixel, all channels of a pixel together
 * (NHWC), the number of channels padded to a multiple of FOV_CHANNEL_GROUP (the input: float32, to
 * FOV_INPUT_CHANNELS or such a multiple). A row has one pixel of zeros to its left and
 * FOV_ROW_SLACK_PX pixels of zeros to its right.
 *
 * All kernels compute the same thing, a convolution of up to FOV_TILE_ROWS rows, in different
 * arithmetic, so they have one type and one argument; pack.c lays out the weights of each.
 */
#ifndef FOV_NET_KERNELS_H
#define FOV_NET_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

/* Output channels that a kernel makes together, one AVX-512 vector; channels of the input, RGB and
 * a zero; rows of a call and of a Winograd tile; pixels of a row of such a tile; pixels of zeros on
 * the right of a row: what the last tile may read beyond the picture, and what the widest block of
 * pixels of a direct kernel may. */
#define FOV_CHANNEL_GROUP  16
#define FOV_INPUT_CHANNELS 4
#define FOV_TILE_ROWS      4
#define FOV_TILE_PX        6
#define FOV_ROW_SLACK_PX   16

#define FOV_MAX_SOURCES 5 /* layers side by side at the input of a convolution */
#define FOV_MAX_ADDS    2 /* layers added to its result */
#define FOV_MAX_SHUFFLE 4 /* pixel shuffle of its result, along each side */

enum fov_element { FOV_ELEMENT_F32, FOV_ELEMENT_F16 };

enum fov_activation {
    FOV_LINEAR,
    FOV_PRELU, /* v < 0 ? v * slope : v; with slopes of 0 or 0.2 also ReLU and LeakyReLU */
    FOV_SILU,  /* v * sigmoid(v) */
    FOV_GATE,  /* (v + add[0]) * (sigmoid(v) - 0.5): the attention of SPAN */
};

/* A layer: what does not change from call to call. */
struct fov_conv {
    enum fov_element src_element, dst_element; /* of the sources; of dst and add */
    enum fov_activation activation;
    int taps;             /* 3: 3x3, 1: 1x1 */
    size_t in_ch, out_ch; /* padded; of all sources, of all shuffled rows together */
    const void *weights; /* in the layout of the kernel, see pack.h; 64-byte aligned, as all here */
    const float *scale;  /* int16: [in_ch / 64, rounded up][48][out_ch], what a sum of products of
                            whole weights and values is worth (winograd.h) */
    const float *bias;   /* [out_ch] */
    const float *slope;  /* [out_ch], for FOV_PRELU */
    int n_adds;
    float add_scale[FOV_MAX_ADDS];
};

/* A layer that a convolution reads: rows y - 1 .. y + n_rows, each from the zero left of pixel 0.
 * With 1x1 only rows 1 .. n_rows are read. Channels follow those of the source before. */
struct fov_source {
    const void *row[FOV_TILE_ROWS + 2];
    size_t n_ch; /* padded */
};

/* Up to FOV_TILE_ROWS rows of a layer. */
struct fov_conv_rows {
    const struct fov_conv *conv;
    struct fov_source src[FOV_MAX_SOURCES];
    int n_src;
    /* dst[s][i]: where channels s * dst_ch up of row i go, n_px x dst_ch; NULL: nowhere. More than
     * one s, when the result is shuffled into pixels: row i becomes rows dst[0][i], dst[1][i] ...
     */
    void *dst[FOV_MAX_SHUFFLE][FOV_TILE_ROWS];
    size_t dst_ch;
    const void *add[FOV_MAX_ADDS][FOV_TILE_ROWS]; /* n_px x dst_ch; only where there is one dst */
    size_t n_px;
    void *scratch; /* fov_conv_scratch_bytes(), 64-byte aligned, of this call alone */
};

/* dst = activation(bias + convolution of src) + sum of add_scale[i] * add[i].
 *
 * conv_direct sums products in float32. conv_winograd_f32 uses F(4x6, 3x3) in float32, and
 * conv_winograd_i16 with tiles and weights rounded to int16 (winograd.h): 3x3 only, in_ch a
 * multiple of FOV_CHANNEL_GROUP. src, dst and add do not overlap.
 *
 * conv_direct: a pixel's value does not depend on where in the row it stands. Winograd: it does
 * not depend on where in the row its tile stands, nor on how many tiles there are. Variants differ
 * by rounding only; checkasm holds the bounds. Values too large for float16 become infinite. */
typedef void fov_conv_fn(const struct fov_conv_rows *rows);

/* A row of the result, from the last layer's pixels. */
struct fov_result_row {
    float *dst;      /* n_px * side x 3; FOV_RESULT_SLACK floats behind them are overwritten */
    const void *src; /* n_px x n_ch, of which side x 3 from channel `first` on are the row */
    enum fov_element element; /* of src */
    size_t n_px, n_ch, first;
    int side;
    const float *base; /* n_px x FOV_INPUT_CHANNELS, each to be added side times; or NULL */
    float mean[3];     /* to be added as well */
};
#define FOV_RESULT_SLACK 16

/* dst = src + (base + mean), or src without a base. The same bits in every variant. */
typedef void fov_result_row_fn(const struct fov_result_row *row);

struct fov_kernels {
    fov_conv_fn *conv_direct, *conv_winograd_f32, *conv_winograd_i16;
    fov_result_row_fn *result_row;
};

/* Fill `k` with the best variant each slot has among those the mask `cpu` allows. */
void fov_kernels_init(struct fov_kernels *k, unsigned cpu);

/* Does this variant of conv_winograd_i16 take weights as FOV_WINOGRAD_BYTES (pack_conv.h)? */
bool fov_conv_takes_bytes(fov_conv_fn *fn);

/* Bytes of scratch memory that any kernel needs for a layer of `in_ch` padded input channels. */
size_t fov_conv_scratch_bytes(size_t in_ch);

#define KERNEL(type, slot, isa, needs) fov_##type##_fn fov_##slot##_##isa;
#include "net/kernels/kernels.def"
#undef KERNEL

#endif
