/* SPDX-License-Identifier: Apache-2.0 */
/* ncnn.h -- networks of ncnn: a .param file with the graph, a .bin file with the weights. */
#ifndef FOV_NET_NCNN_H
#define FOV_NET_NCNN_H

#include "net/format.h"

/* Does this begin as a .param file does? A .bin file cannot be told by its content. */
bool fov_ncnn_matches(const unsigned char *data, size_t bytes);

/* Fill `w` with the tensors of the network whose graph is `param` and whose weights are `bin`,
 * under the names that PyTorch's original of the network gives them. `bin` outlives `w`. FOV_EMODEL
 * when the graph is not that of a network that is known here, or the weights are not those of the
 * graph; FOV_ENOMEM. */
FOV_CHECKED enum fov_code fov_ncnn_parse(struct fov_weights *w, const unsigned char *param,
                                         size_t param_bytes, const unsigned char *bin,
                                         size_t bin_bytes, struct fov_err *err);

#endif
