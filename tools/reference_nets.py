# SPDX-License-Identifier: Apache-2.0
"""The networks Fovea knows, written down in PyTorch: what the engine is compared with.

A network is its weights by name (see weights()), as they lie in a .safetensors file; run() finds
out which kind it is from the names. Nothing here is tuned: it is a definition. The tests' vectors
and the benchmark use it, so both measure the same thing.

Needs python3 with torch and numpy (Debian: python3-torch, python3-numpy).
"""
import torch
import torch.nn.functional as F

import safetensors_io

RESIDUAL_MEAN = 0.45


def weights(path):
    """The weights of a model file as float32 tensors by name."""
    return from_tensors(safetensors_io.load(path)[0])


def from_tensors(tensors):
    """The same for tensors that were read already, or are about to be written."""
    return {name: torch.from_numpy(safetensors_io.numpy(t)) for name, t in tensors.items()}


def architecture(w):
    """"residual" or "compact"; raises ValueError for any other network."""
    if "head.weight" in w and "tail.weight" in w and "body.0.a.weight" in w:
        return "residual"
    if "body.0.weight" in w and "body.1.weight" in w and w["body.1.weight"].dim() == 1:
        return "compact"
    raise ValueError("no network known here has these tensors: " + ", ".join(list(w)[:3]) + " ...")


def convolutions(w):
    """Names of the convolutions, in the order in which they run."""
    if architecture(w) == "compact":
        n = 1 + max(int(name.split(".")[1]) for name in w)
        return [f"body.{i}" for i in range(0, n, 2)]
    n = 1 + max(int(name.split(".")[1]) for name in w if name.startswith("body."))
    return ["head", *(f"body.{i}.{c}" for i in range(n) for c in "ab"), "mid", "tail"]


def scale(w):
    """By how much the network enlarges: its last convolution gives 3 * scale * scale channels."""
    n_channels = len(w[convolutions(w)[-1] + ".weight"])
    return next(s for s in (1, 2, 3, 4) if 3 * s * s == n_channels)


def multiply_adds(w):
    """Multiplications in all convolutions for one pixel of the input, counted directly."""
    return sum(w[name + ".weight"].numel() for name in convolutions(w))


def _conv(w, name, x):
    """A convolution with one pixel of zeros around the picture."""
    return F.conv2d(x, w[name + ".weight"], w[name + ".bias"], padding=1)


def _residual(w, x, keep):
    head = _conv(w, "head", x - RESIDUAL_MEAN)
    keep(head)
    y = head
    for i in range((len(convolutions(w)) - 3) // 2):
        z = F.prelu(_conv(w, f"body.{i}.a", y), w[f"body.{i}.act.weight"])
        keep(z)
        y = y + _conv(w, f"body.{i}.b", z)
        keep(y)
    y = _conv(w, "mid", y) + head
    keep(y)
    return _conv(w, "tail", y)


def _compact(w, x, keep):
    *names, last = convolutions(w)
    for i, name in enumerate(names):
        x = F.prelu(_conv(w, name, x), w[f"body.{2 * i + 1}.weight"])
        keep(x)
    return _conv(w, last, x)


def run(w, x, layers=None):
    """Enlarge x, a tensor [n, 3, h, w] with values 0..1, to [n, 3, scale * h, scale * w].

    The result is not clamped. The value of every layer is appended to the list `layers`, if there
    is one: one for each convolution, after its bias, activation and addition.
    """
    keep = (lambda value: None) if layers is None else layers.append
    tail = {"residual": _residual, "compact": _compact}[architecture(w)](w, x, keep)
    keep(tail)
    near = F.interpolate(x, scale_factor=scale(w), mode="nearest")
    return F.pixel_shuffle(tail, scale(w)) + near
