/* SPDX-License-Identifier: Apache-2.0 */
/* mix.h -- one network out of two that share an ancestor: the weighted sum of their weights.
 *
 * Networks trained on from one another stay close enough for every point on the line between them
 * to be a good network, too. Wang et al., Deep Network Interpolation for Continuous Imagery Effect
 * Transition (arXiv:1811.10515).
 */
#ifndef FOV_NET_MIX_H
#define FOV_NET_MIX_H

#include "net/weights.h"

/* Let every tensor of `file` be `share` times itself plus `other_share` times the tensor of the
 * same name in `other`. FOV_EMODEL when the two do not hold the same tensors in the same shapes, or
 * numbers that fov_tensor_read() refuses; FOV_ENOMEM. After a failure `file` may be mixed in part.
 */
FOV_CHECKED enum fov_code fov_mix(struct fov_weights *file, float share,
                                  const struct fov_weights *other, float other_share,
                                  struct fov_err *err);

#endif
