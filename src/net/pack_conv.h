/* SPDX-License-Identifier: Apache-2.0 */
/* pack_conv.h -- the weights of one convolution in the layout of each kernel.
 *
 *     FOV_DIRECT         float   [out_ch / 16][taps rows][taps pixels][in_ch][16]
 *     FOV_WINOGRAD_F32   float   [36][out_ch / 16][in_ch][16]
 *     FOV_WINOGRAD_I16   int16   [36][out_ch / 16][in_ch / 2][16][2]
 *
 * The same for every instruction set.
 */
#ifndef FOV_NET_PACK_CONV_H
#define FOV_NET_PACK_CONV_H

#include <stdint.h>

#include "net/pack.h"

/* Bytes of the weights in that layout. */
size_t fov_pack_conv_bytes(enum fov_method method, int taps, size_t in_ch, size_t out_ch);

/* Lay out `weights`, [out_ch][in_ch][taps][taps] with padded channels, at `dst`, for FOV_DIRECT or
 * FOV_WINOGRAD_F32. */
void fov_pack_conv(enum fov_method method, const float *weights, int taps, size_t in_ch,
                   size_t out_ch, float *dst);

/* Round weights laid out for FOV_WINOGRAD_F32 to those for FOV_WINOGRAD_I16. Sets
 * ret_scale[out_ch], what a whole weight of each output channel is worth. */
void fov_pack_round(const float *weights, size_t in_ch, size_t out_ch, int16_t *dst,
                    float *ret_scale);

#endif
