/* SPDX-License-Identifier: Apache-2.0 */
/* pack_layer.h -- one layer's weights: as the file has them, as a plain convolution, as its kernel
 * takes them.
 */
#ifndef FOV_NET_PACK_LAYER_H
#define FOV_NET_PACK_LAYER_H

#include "base/mem.h"
#include "net/equalise.h"
#include "net/pack.h"

enum { FOV_BLOCK_ALIGN = 64 }; /* of what fov_layer_pack() writes to */

/* Channels as kernels take them. */
static inline size_t fov_padded(int channels)
{
    return fov_round_up((size_t)channels, FOV_CHANNEL_GROUP);
}

/* What layer i becomes, given those before it; `method` is that of 3x3 ones. Weights are not yet
 * there. */
struct fov_packed_layer fov_layer_shape(const struct fov_graph *g, int i,
                                        const struct fov_packed_layer *before,
                                        enum fov_element element, enum fov_method method);

/* The numbers of layer i from the file, gains worked in: weights [out_ch][in_ch][taps][taps], bias
 * and slope [out_ch], in one block at ret->weight that the caller ends with fov_free(), after a
 * failure, too. FOV_EMODEL for a weight of a wrong type or not finite, FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_layer_read(const struct fov_graph *g, int i,
                                         struct fov_layer_weights *ret, struct fov_err *err);

/* The plain convolution that layer i is, of its numbers `n` and its shape `p`: the same arrays with
 * padded channels, in one block likewise. FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_layer_plain(const struct fov_graph *g, int i,
                                          const struct fov_layer_weights *n,
                                          const struct fov_packed_layer *before,
                                          const struct fov_packed_layer *p,
                                          struct fov_layer_weights *ret, struct fov_err *err);

/* Bytes of a layer's weights in the layout of its method, its bias, slope and scales. */
size_t fov_layer_bytes(const struct fov_packed_layer *p);

/* Lay out one layer, into `block` of fov_layer_bytes(), which it points to from then on. `room` is
 * for fov_pack_conv(). */
void fov_layer_pack(const struct fov_layer_weights *plain, void *block, float *room,
                    struct fov_packed_layer *p);

#endif
