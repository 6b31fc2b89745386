# SPDX-License-Identifier: Apache-2.0
"""PReLU with a way back that is written out: on a CPU PyTorch 1.13 takes longer for
its own than for a convolution. A few vector operations take less than half of that, with the same
result.
"""
import torch
import torch.nn.functional as F


class _Prelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, slopes):
        slopes = slopes.to(x.dtype)
        ctx.save_for_backward(x, slopes)
        return F.prelu(x, slopes)

    @staticmethod
    def backward(ctx, grad):
        x, slopes = ctx.saved_tensors
        above = torch.ops.aten.threshold_backward(grad, x, 0)
        below = grad - above
        of_slopes = (below * x).permute(0, 2, 3, 1).flatten(0, 2).sum(0)
        return above.addcmul_(below, slopes.view(1, -1, 1, 1)), of_slopes


def prelu(x, slopes):
    """x [n, channels, height, width] where it is above 0, elsewhere times its channel's slope."""
    return F.prelu(x, slopes.to(x.dtype)) if x.is_cuda else _Prelu.apply(x, slopes)
