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
  NAME.model.safetensors        small networks of the other kinds, random weights: see NETWORKS
  networks.vectors.safetensors  their outputs on real pixels

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
# The same for the small networks: odd, so that an unshuffling must add pixels.
SMALL_CROPS = {
    "23x17": (300, 170, 23, 17),
    "1x1": (330, 190, 1, 1),
    "2x3": (340, 200, 2, 3),
}
DIV2K_MEAN = np.float32((0.4488, 0.4371, 0.4040))


def random_conv(rng, tensors, name, n_out, n_in, dtype, gain=1.0, bias=0.1, middle=0.0, taps=3):
    """Add a convolution that keeps the size of what passes through it, times `gain`.

    Its biases are around `middle`.
    """
    w = rng.standard_normal((n_out, n_in, taps, taps)) * gain / np.sqrt(taps * taps * n_in)
    tensors[name + ".weight"] = st.raw(w.astype(np.float32), dtype)
    b = bias * rng.standard_normal(n_out) + middle
    tensors[name + ".bias"] = st.raw(b.astype(np.float32))


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


# What ESRGAN's convolutions are called, by whose names they are: the first, those of dense blocks,
# the one behind the blocks (its number: theirs), the last two (theirs: 3 for each enlargement).
ESRGAN_NAMES = {
    "new": ("conv_first", "body.{}.rdb{}.conv{}", "conv_body", "conv_hr", "conv_last"),
    "trunk": ("conv_first", "RRDB_trunk.{}.RDB{}.conv{}", "trunk_conv", "HRconv", "conv_last"),
    "old": ("model.0", "model.1.sub.{}.RDB{}.conv{}.0", "model.1.sub.{}", "model.{}", "model.{}"),
}
ESRGAN_UP = {"new": "conv_up{}", "trunk": "upconv{}", "old": "model.{}"}


def random_esrgan(seed, names, n_channels, n_grown, n_blocks, n_up, unshuffle=1, dtype="F16"):
    """Weights of an ESRGAN that enlarges n_up times by 2 what is left by the unshuffling."""
    rng, tensors = np.random.RandomState(seed), {}
    first, dense, body, hr, last = ESRGAN_NAMES[names]
    random_conv(rng, tensors, first, n_channels, 3 * unshuffle * unshuffle, dtype, 2.0)
    for i in range(n_blocks):
        for j in range(1, 4):
            for k in range(1, 6):
                n_out, n_in = n_channels if k == 5 else n_grown, n_channels + (k - 1) * n_grown
                random_conv(rng, tensors, dense.format(i, j, k), n_out, n_in, dtype, 2.0)
    random_conv(rng, tensors, body.format(n_blocks), n_channels, n_channels, dtype)
    for i in range(1, n_up + 1):
        name = ESRGAN_UP[names].format(3 * i if names == "old" else i)
        random_conv(rng, tensors, name, n_channels, n_channels, dtype, 1.4)
    random_conv(rng, tensors, hr.format(3 * n_up + 2), n_channels, n_channels, dtype, 1.4)
    name = last.format(3 * n_up + 4)
    random_conv(rng, tensors, name, 3, n_channels, dtype, 0.1, 0.05, middle=0.5)
    return tensors


def random_group(rng, tensors, name, n_out, n_in, gain, bias):
    """Add what SPAN trains in the place of a convolution, and a convolution that lags behind it."""
    random_conv(rng, tensors, name + ".sk", n_out, n_in, "F32", 0.5 * gain, taps=1)
    random_conv(rng, tensors, name + ".conv.0", 2 * n_in, n_in, "F32", gain, taps=1)
    random_conv(rng, tensors, name + ".conv.1", 2 * n_out, 2 * n_in, "F32")
    random_conv(rng, tensors, name + ".conv.2", n_out, 2 * n_out, "F32", 1.0, bias, taps=1)
    random_conv(rng, tensors, name + ".eval_conv", n_out, n_in, "F32", gain)


def random_span(seed, n_channels, scale, norm=True, groups=False, dtype="F16"):
    """Weights of a SPAN, as it is deployed or, with groups, as it is trained."""
    rng, tensors = np.random.RandomState(seed), {}

    def conv(name, n_in, gain=1.0, bias=0.1):
        if groups:
            random_group(rng, tensors, name, n_channels, n_in, gain, bias)
        else:
            random_conv(rng, tensors, name + ".eval_conv", n_channels, n_in, dtype, gain, bias)

    conv("conv_1", 3, 0.02 if norm else 3.0)
    for i in range(1, 7):
        for k in range(1, 4):
            conv(f"block_{i}.c{k}_r", n_channels, 1.6, 0.5)
    conv("conv_2", n_channels)
    random_conv(rng, tensors, "conv_cat", n_channels, 4 * n_channels, dtype, taps=1)
    n_out = 3 * scale * scale
    random_conv(rng, tensors, "upsampler.0", n_out, n_channels, dtype, 0.1, 0.05, middle=0.5)
    if not norm:
        tensors["no_norm"] = st.raw(np.zeros(1, np.float32))
    return tensors


def random_mean(tensors, name, sign):
    """Add one of the two convolutions with which EDSR's authors shift colours, not quite theirs."""
    tensors[name + ".weight"] = st.raw(np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1))
    tensors[name + ".bias"] = st.raw(sign * 255 * (DIV2K_MEAN + np.float32(0.03)))


def random_edsr(seed, authors, n_channels, n_blocks, scale, dtype="F16"):
    """Weights of an EDSR in the names of its authors or in those of BasicSR."""
    rng, tensors = np.random.RandomState(seed), {}
    first, a, b = "conv_first", "body.{}.conv1", "body.{}.conv2"
    after, up, last = "conv_after_body", "upsample.{}", "conv_last"
    if authors:
        first, a, b = "head.0", "body.{}.body.0", "body.{}.body.2"
        after, up, last = f"body.{n_blocks}", "tail.0.{}", "tail.1"
        random_mean(tensors, "sub_mean", -1)
        random_mean(tensors, "add_mean", 1)
    random_conv(rng, tensors, first, n_channels, 3, dtype, 1.0, 5)
    for i in range(n_blocks):
        random_conv(rng, tensors, a.format(i), n_channels, n_channels, dtype, 1.4, 5)
        random_conv(rng, tensors, b.format(i), n_channels, n_channels, dtype, 0.6, 5)
    random_conv(rng, tensors, after, n_channels, n_channels, dtype, 0.6, 5)
    for i, by in enumerate({1: (), 2: (2,), 3: (3,), 4: (2, 2)}[scale]):
        random_conv(rng, tensors, up.format(2 * i), by * by * n_channels, n_channels, dtype, 0.6, 5)
    random_conv(rng, tensors, last, 3, n_channels, dtype, 0.4, 5)
    return tensors


NETWORKS = {
    "esrgan-x4": random_esrgan(11, "new", 20, 4, n_blocks=1, n_up=2),
    "esrgan-x2": random_esrgan(12, "new", 8, 4, n_blocks=1, n_up=2, unshuffle=2),
    "esrgan-x1": random_esrgan(13, "new", 5, 3, n_blocks=1, n_up=2, unshuffle=4),
    "esrgan-old-x4": random_esrgan(14, "old", 8, 4, n_blocks=2, n_up=2),
    "esrgan-old-x2": random_esrgan(15, "old", 4, 5, n_blocks=1, n_up=1, dtype="BF16"),
    "esrgan-old-x1": random_esrgan(16, "old", 4, 3, n_blocks=2, n_up=0),
    "esrgan-trunk-x4": random_esrgan(17, "trunk", 4, 4, n_blocks=1, n_up=2, dtype="F32"),
    "span-x2": random_span(21, 17, 2),
    "span-x3": random_span(22, 6, 3),
    "span-x4": random_span(23, 7, 4, norm=False, dtype="BF16"),
    "span-trained-x2": random_span(24, 4, 2, groups=True, dtype="F32"),
    "edsr-x2": random_edsr(31, False, 20, 2, 2),
    "edsr-x3": random_edsr(32, False, 6, 1, 3),
    "edsr-x4": random_edsr(33, False, 10, 2, 4, dtype="BF16"),
    "edsr-authors-x2": random_edsr(34, True, 6, 2, 2),
    "edsr-authors-x3": random_edsr(35, True, 5, 1, 3, dtype="F32"),
    "edsr-authors-x4": random_edsr(36, True, 6, 1, 4),
}


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
    meta = {"name": f"{name}, random weights for tests", "license": "Apache-2.0",
            "detailed": f"{name}.model", "clean": f"{name}.model"}  # dials, between it and itself
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
            tensors[f"{model}.{name}"] = stored(out, crop)
    save_aligned(folder / "whole.vectors.safetensors", tensors)


def stored(out, crop):
    """An output as a tensor: a large one as U16."""
    if crop.size > 1000:
        out = np.round(np.clip(out, 0, 1) * np.float32(65535)).astype(np.uint16)
    return st.raw(out)


def save_aligned(path, tensors):
    """Write vectors, widest type first, so that each is aligned for whoever maps the file."""
    tensors = dict(sorted(tensors.items(), key=lambda item: -st.BYTES[item[1].dtype]))
    st.save(path, tensors, {"input": PHOTO})


def dump_networks(folder):
    """Write the small networks, and what they make of crops of a photograph."""
    photo = np.array(Image.open(ROOT / PHOTO).convert("RGB"))
    crops = {name: photo[y : y + h, x : x + w] for name, (x, y, w, h) in SMALL_CROPS.items()}
    vectors = {f"input.{name}": st.raw(crop) for name, crop in crops.items()}
    for network, tensors in NETWORKS.items():
        meta = {"name": f"{network}, random weights for tests", "license": "Apache-2.0"}
        st.save(folder / f"{network}.model.safetensors", tensors, meta)
        for name, crop in crops.items():
            out, _ = run(nets.from_tensors(tensors), crop.astype(np.float32) / 255)
            if np.mean((out < 0) | (out > 1)) > 0.01:
                raise SystemExit(f"{network}: its output leaves 0..1, where U16 tells nothing")
            vectors[f"{network}.{name}"] = stored(out, crop)
    save_aligned(folder / "networks.vectors.safetensors", vectors)


def main():
    """Everything, into the folder asked for."""
    if len(sys.argv) > 2:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) == 2 else HERE
    torch.set_num_threads(1)
    dump_layers(folder, "residual", random_residual(), seed=3)
    dump_layers(folder, "compact", random_compact(), seed=4)
    dump_whole(folder)
    dump_networks(folder)


if __name__ == "__main__":
    main()
