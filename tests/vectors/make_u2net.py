#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a tiny U^2-Net with random weights, and what PyTorch makes of a random input.

usage: python3 make_u2net.py [DIR [MID OUT]]

Writes into DIR (default: the folder of this script) u2net.model.safetensors and
u2net.vectors.safetensors: input [3, 64, 64] and output [64, 64]. With the widths MID and OUT
(16 64: those of u2netp) the network is another, and PyTorch's time for 320x320 is printed.
Definition: Qin et al. 2020 (arXiv:2005.09007). Needs python3 with torch and numpy (Debian:
python3-torch, python3-numpy).
"""
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
import safetensors_io as st  # noqa: E402

MID, OUT, SIDE = 2, 3, 64


class Block(torch.nn.Module):
    """A convolution, a batch normalisation, ReLU."""

    def __init__(self, n_in, n_out, dilation=1):
        super().__init__()
        self.conv_s1 = torch.nn.Conv2d(n_in, n_out, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = torch.nn.BatchNorm2d(n_out)

    def forward(self, x):
        return F.relu(self.bn_s1(self.conv_s1(x)))


def up_to(x, like):
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


class Stage(torch.nn.Module):
    """RSU of a depth; flat: without pooling, wider and wider."""

    def __init__(self, depth, n_in, flat=False):
        super().__init__()
        self.depth, self.flat = depth, flat
        self.rebnconvin = Block(n_in, OUT)
        for i in range(1, depth + 1):
            dilation = 2 ** (i - 1) if flat else 2 if i == depth else 1
            setattr(self, f"rebnconv{i}", Block(OUT if i == 1 else MID, MID, dilation))
        for i in range(depth - 1, 0, -1):
            setattr(self, f"rebnconv{i}d", Block(2 * MID, OUT if i == 1 else MID,
                                                 2 ** (i - 1) if flat else 1))

    def forward(self, x):
        h = self.rebnconvin(x)
        down = [self.rebnconv1(h)]
        for i in range(2, self.depth + 1):
            pooled = not self.flat and i < self.depth
            last = F.max_pool2d(down[-1], 2, ceil_mode=True) if pooled else down[-1]
            down.append(getattr(self, f"rebnconv{i}")(last))
        y = down.pop()
        while down:
            beside = down.pop()
            y = getattr(self, f"rebnconv{len(down) + 1}d")(torch.cat([up_to(y, beside), beside], 1))
        return y + h


class Net(torch.nn.Module):
    """Six stages down, five up."""

    def __init__(self):
        super().__init__()
        self.shape = [(7, False), (6, False), (5, False), (4, False), (4, True), (4, True)]
        for i, (depth, flat) in enumerate(self.shape):
            setattr(self, f"stage{i + 1}", Stage(depth, OUT if i else 3, flat))
            if i < 5:
                setattr(self, f"stage{i + 1}d", Stage(depth, 2 * OUT, flat))
            setattr(self, f"side{i + 1}", torch.nn.Conv2d(OUT, 1, 3, padding=1))
        self.outconv = torch.nn.Conv2d(6, 1, 1)

    def forward(self, x):
        s, y = [], x
        for i in range(6):
            s.append(getattr(self, f"stage{i + 1}")(y))
            y = F.max_pool2d(s[-1], 2, ceil_mode=True)
        sides, y = [self.side6(s[5])], s[5]
        for i in range(4, -1, -1):
            y = getattr(self, f"stage{i + 1}d")(torch.cat([up_to(y, s[i]), s[i]], 1))
            sides.append(getattr(self, f"side{i + 1}")(y))
        return torch.sigmoid(self.outconv(torch.cat([up_to(d, x) for d in reversed(sides)], 1)))


def main():
    """Both files."""
    global MID, OUT
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    if len(sys.argv) > 3:
        MID, OUT = int(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(3)
    net = Net().eval()
    with torch.no_grad():
        for name, t in net.named_buffers():
            if name.endswith("running_mean"):
                t.normal_(0, 0.2)
            elif name.endswith("running_var"):
                t.uniform_(0.05, 0.3)
        for name, t in net.named_parameters():
            if ".bn_s1.weight" in name:
                t.uniform_(0.7, 1.5)
            elif ".bn_s1.bias" in name:
                t.normal_(0.1, 0.2)
        net.outconv.weight.mul_(3)
        x = torch.rand(1, 3, SIDE, SIDE) * 4 - 2
        y = net(x)[0, 0]
    tensors = {}
    for k, v in net.state_dict().items():
        kind = "I64" if v.dtype == torch.int64 else "F32"
        if kind == "F32":  # real files count batches, too; nothing reads that
            tensors[k] = st.raw(v.numpy(), kind)
    st.save(folder / "u2net.model.safetensors", tensors, {"license": "Apache-2.0"})
    st.save(folder / "u2net.vectors.safetensors",
            {"input": st.raw(x[0].numpy(), "F32"), "output": st.raw(y.numpy(), "F32")}, {})
    if len(sys.argv) > 3:
        seconds, large = [], torch.rand(1, 3, 320, 320)
        for _ in range(6):
            before = time.monotonic()
            with torch.no_grad():
                net(large)
            seconds.append(time.monotonic() - before)
        print(f"PyTorch: {np.median(seconds[1:]):.2f} s for 320x320")
    print(f"output {y.min():.3f} to {y.max():.3f}, deviation {y.std():.3f}")


if __name__ == "__main__":
    main()
