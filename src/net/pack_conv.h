/* SPDX-License-Identifier: Apache-2.0 */
/* pack_conv.h -- the weights of one convolution in the layout of each kernel.
 *
 *     FOV_DIRECT         float   [out_ch / 16][taps rows][taps pixels][in_ch][16]
 *     FOV_WINOGRAD_F32   float   [48][out_ch / 16][in_ch][16]
 *     FOV_WINOGRAD_I16   int16   [48][out_ch / 16][in_ch / 2][16][2]
 *     FOV_WINOGRAD_BYTES bytes   [48][out_ch / 16][in_ch / 64][2][4][4][16][4]
 *
 * The last holds the same whole numbers for AMX: the upper bytes, then the lower ones, of 64 input
 * channels, zeros where there are fewer; channel 16 b + 4 a + c of them stands at [a][b][][c].
 */
#ifndef FOV_NET_PACK_CONV_H
#define FOV_NET_PACK_CONV_H

#include <stdint.h>

#include "net/pack.h"

/* Bytes of the weights in that layout. */
size_t fov_pack_conv_bytes(enum fov_method method, int taps, size_t in_ch, size_t out_ch);

/* Scales of such weights, [parts of in_ch][48][out_ch], a part being FOV_WINO_SUM_CHANNELS: what
 * the whole weights of each part, position and output channel are worth. None but in int16. */
size_t fov_pack_scales(enum fov_method method, size_t in_ch, size_t out_ch);

/* Lay out `weights`, [out_ch][in_ch][taps][taps] with padded channels, at `dst`. FOV_WINOGRAD_I16
 * and _BYTES also set the fov_pack_scales() at ret_scale, and need `room` for fov_pack_room()
 * floats; the others leave both alone. */
void fov_pack_conv(enum fov_method method, const float *weights, int taps, size_t in_ch,
                   size_t out_ch, void *dst, float *ret_scale, float *room);

/* Floats that fov_pack_conv() works in. */
size_t fov_pack_room(enum fov_method method, size_t in_ch, size_t out_ch);

#endif
