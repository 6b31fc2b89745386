# SPDX-License-Identifier: Apache-2.0
"""The reference network as a module, for PyTorch's tracer: peer_torch.py and export_onnx.py."""
import torch

import reference_nets as nets

SAMPLE_SIDE_PX = 64


class Network(torch.nn.Module):
    """A network of tools/reference_nets.py, its weights being constants."""

    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def forward(self, x):
        """Enlarge x."""
        return nets.run(self.weights, x)


def sample(weights, x):
    """What to trace with: a corner of x, so that tracing takes neither time nor memory.

    A network that first turns squares of pixels into channels is traced with the whole of x: how
    it makes up and cuts off the rest of a square depends on the size of the picture.
    """
    first = nets.layers(weights)[0][0] + ".weight"
    side = SAMPLE_SIDE_PX if weights[first].shape[1] == 3 else None
    return x[:, :, :side, :side].contiguous()
