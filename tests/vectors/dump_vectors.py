#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the reference values in this folder: what PyTorch computes, layer by layer, in float32.

usage: python3 dump_vectors.py [DIR]

Writes into DIR (default: the folder of this script):
  residual.model.safetensors    a small residual network, random weights: F32, its tail BF16
  residual.vectors.safetensors  its input, the value of every layer, its output
  compact.model.safetensors     a small compact network, random weights: convolutions F16
  compact.vectors.safetensors   the same for it
  whole.vectors.safetensors     outputs of models/photo-x2, -x3 and -x4 on real pixels

Pictures and layers are [height, width, channels]. A layer is one convolution with its bias,
activation and addition; they are numbered from 1 in the order in which they run. Outputs are not
clamped, but for those stored as U16, which are round(65535 * clamp(v, 0, 1)). Weights are rounded
to the type they are stored in before anything is computed.

One thread and fixed seeds: running it again on one machine gives the same bytes. Another CPU or
another PyTorch may differ in the last bits, so the tests compare within a tolerance.
Needs python3 with torch, numpy and PIL (Debian: python3-torch, python3-numpy, python3-pil).
"""
import pathlib
import sys

import numpy as np
import torch
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import reference_nets as nets  # noqa: E402
import safetensors_io as st  # noqa: E402

HEIGHT, WIDTH = 9, 13  # of the random picture: odd, so that no kernel's tile divides it
PHOTO = "examples/autumn-avenue.jpg"  # free to use; leaves and branches, as hard as photographs get
# Name: x, y, width and height of a crop of PHOTO. The small ones are nearly all border.
CROPS = {
    "123x77": (290, 156, 123, 77),
    "1x1": (330, 190, 1, 1),
    "2x3": (340, 200, 2, 3),
    "17x1": (300, 210, 17, 1),
}


def random_conv(rng, tensors, name, n_out, n_in, dtype, gain=1.0, bias=0.1):
    """Add a 3x3 convolution that keeps the size of what passes through it, times `gain`."""
    w = rng.standard_normal((n_out, n_in, 3, 3)) * gain / np.sqrt(9 * n_in)
    tensors[name + ".weight"] = st.raw(w.astype(np.float32), dtype)
    tensors[name + ".bias"] = st.raw((bias * rng.standard_normal(n_out)).astype(np.float32))


def random_slopes(rng, tensors, name, n):
    """Add a PReLU with a slope for each channel, between -0.5 and 0.5: both signs."""
    tensors[name] = st.raw((rng.random_sample(n) - 0.5).astype(np.float32))


def random_residual(n_channels=16, n_blocks=2, scale=3):
    """Weights of a residual network: F32, but for the tail, which is BF16."""
    rng, tensors = np.random.RandomState(1), {}
    random_conv(rng, tensors, "head", n_channels, 3, "F32", 2.0)
    for i in range(n_blocks):
        random_conv(rng, tensors, f"body.{i}.a", n_channels, n_channels, "F32", 1.4)
        random_slopes(rng, tensors, f"body.{i}.act.weight", n_channels)
        random_conv(rng, tensors, f"body.{i}.b", n_channels, n_channels, "F32")
    random_conv(rng, tensors, "mid", n_channels, n_channels, "F32")
    random_conv(rng, tensors, "tail", 3 * scale * scale, n_channels, "BF16", 0.3, 0.05)
    return tensors


def random_compact(n_channels=24, n_middle=3, scale=2):
    """Weights of a compact network: convolutions F16, the rest F32."""
    rng, tensors, n_in = np.random.RandomState(2), {}, 3
    for i in range(n_middle + 1):
        random_conv(rng, tensors, f"body.{2 * i}", n_channels, n_in, "F16", 1.4)
        random_slopes(rng, tensors, f"body.{2 * i + 1}.weight", n_channels)
        n_in = n_channels
    last = f"body.{2 * n_middle + 2}"
    random_conv(rng, tensors, last, 3 * scale * scale, n_in, "F16", 0.3, 0.05)
    return tensors


def rows(value):
    """A tensor [1, c, h, w] as an array [h, w, c]."""
    return np.ascontiguousarray(value[0].permute(1, 2, 0).numpy())


def run(weights, picture):
    """Run a network on [h, w, 3] floats; the output and the list of its layers."""
    x = torch.from_numpy(picture).permute(2, 0, 1)[None].contiguous()
    layers = []
    with torch.no_grad():
        out = nets.run(weights, x, layers)
    return rows(out), [rows(layer) for layer in layers]


def dump_layers(folder, name, tensors, seed):
    """Write a small network and its layers' values on a random picture."""
    picture = np.random.RandomState(seed).random_sample((HEIGHT, WIDTH, 3)).astype(np.float32)
    out, layers = run(nets.from_tensors(tensors), picture)
    values = {"input": picture}
    values |= {f"layer.{i}": v for i, v in enumerate(layers, 1)}
    values["output"] = out
    meta = {"name": f"{name}, random weights for tests", "license": "Apache-2.0"}
    st.save(folder / f"{name}.model.safetensors", tensors, meta)
    vectors = {key: st.raw(v) for key, v in values.items()}
    st.save(folder / f"{name}.vectors.safetensors", vectors, {"model": f"{name}.model.safetensors"})


def dump_whole(folder):
    """Write what the shipped networks, and the small compact one, make of crops of a photograph."""
    models = {f"x{scale}": ROOT / f"models/photo-x{scale}.safetensors" for scale in (2, 3, 4)}
    models["compact"] = folder / "compact.model.safetensors"
    photo = np.array(Image.open(ROOT / PHOTO).convert("RGB"))
    crops = {name: photo[y : y + h, x : x + w] for name, (x, y, w, h) in CROPS.items()}
    tensors = {f"input.{name}": st.raw(crop) for name, crop in crops.items()}
    for model, path in models.items():
        weights = nets.weights(path)
        for name, crop in crops.items():
            out, _ = run(weights, crop.astype(np.float32) / 255)
            if crop.size > 1000:
                out = np.round(np.clip(out, 0, 1) * np.float32(65535)).astype(np.uint16)
            tensors[f"{model}.{name}"] = st.raw(out)
    # Widest type first, so that every tensor is aligned for whoever maps the file.
    tensors = dict(sorted(tensors.items(), key=lambda item: -st.BYTES[item[1].dtype]))
    st.save(folder / "whole.vectors.safetensors", tensors, {"input": PHOTO})


def main():
    """Everything, into the folder asked for."""
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else HERE
    torch.set_num_threads(1)
    dump_layers(folder, "residual", random_residual(), seed=3)
    dump_layers(folder, "compact", random_compact(), seed=4)
    dump_whole(folder)


if __name__ == "__main__":
    main()
