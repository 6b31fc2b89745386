#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Train a network, on a GPU or a CPU, in as many sessions as it takes.

usage: train/train.py CONFIG.toml TILES.npy... --run FOLDER [--scale N] [--minutes N]
                      [--init MODEL] [--teacher MODEL]... [--features FILE] [--set FOLDER]...
                      [--seed N]
       train/train.py --export FOLDER OUT.safetensors

TILES are what train/tiles.py makes. FOLDER keeps checkpoint.pt, from which the same command goes
on, and log.tsv: step, loss, rate. --minutes ends a session early (it is saved every
minute as well). --init takes the weights of a model file that fit: from 4x to 2x and 3x all but
the last layer; blocks that the file lacks add nothing at first. --teacher names a network of the
same scale, perhaps an earlier state of this one: for the loss of that name the mean of what it
makes of a picture turned and mirrored in all eight ways, which is better than each.

Each session ends with model.safetensors in FOLDER, the running mean of the weights, convolutions
in float16: a model that `fovea` reads. --export writes the same under a name of its own. With --set
that model enlarges the pictures of a folder, shrunk by bicubic, in PyTorch, and scores.tsv gets the
step, the folder and the mean PSNR of luma in dB.

A configuration (train/configs/) says: architecture, "residual" (Fovea's own, if nothing is said),
"compact" or "span", as tools/reference_nets.py defines them; scale, channels, blocks (of compact:
the convolutions between the first and the last; of span: 6); steps, batch, patch (of the small
picture, in pixels), rate; branches, the width of those in branches.py (0: none); in [degrade] what
degrade.py describes; in [loss] what losses.py does (if there is none: pixel = 1, or with --teacher
pixel = 0.1 and teacher = 1), --features being the file of features that some of them need; in
[metadata] what the model says of itself, {scale} being the scale. --scale takes the place of the
file's.

Needs python3 with torch, numpy and PIL (Debian: python3-torch, python3-numpy, python3-pil), or a
newer PyTorch.
"""
import argparse
import json
import math
import os
import pathlib
import re
import sys
import time
import tomllib

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import reference_nets as nets  # noqa: E402
import safetensors_io  # noqa: E402
from branches import fold, grow  # noqa: E402
from degrade import degrade, round8, shrink  # noqa: E402
from losses import Losses  # noqa: E402
from perceptual import pictures, psnr_luma  # noqa: E402
from prelu import prelu  # noqa: E402

nets.prelu = prelu

MEAN_KEPT = 0.999  # of the weights' running mean, a step
WARM_UP = 500  # steps over which the rate rises
SAVE_S = 60
NUMBERS = ("scale", "channels", "blocks", "steps", "batch", "patch", "rate")


def configuration(path, scale=None, taught=False):
    """A configuration, checked, for a run with or without teachers; raises ValueError with a
    sentence."""
    with open(path, "rb") as f:
        c = tomllib.load(f)
    c["scale"] = scale or c.get("scale")
    for key in NUMBERS:
        if not isinstance(c.get(key), (int, float)) or c[key] <= 0:
            raise ValueError(f"{path}: {key} must be a number above 0")
    if c["scale"] not in (2, 3, 4):
        raise ValueError(f"{path}: scale must be 2, 3 or 4")
    if c.setdefault("architecture", "residual") not in NETWORKS:
        raise ValueError(f"{path}: architecture must be one of {', '.join(NETWORKS)}")
    c.setdefault("branches", 0)
    c.setdefault("loss", {"pixel": 0.1, "teacher": 1} if taught else {"pixel": 1})
    if not isinstance(c["branches"], (int, float)) or c["branches"] < 0:
        raise ValueError(f"{path}: branches must be a number from 0")
    if not c.get("degrade", {}).get("shrink"):
        raise ValueError(f"{path}: [degrade] must name filters to shrink with")
    return c


def conv(w, name, n_in, n_out, size, side=3):
    """Give w a convolution called `name`, `size` times as large as PyTorch would begin it."""
    layer = torch.nn.Conv2d(n_in, n_out, side)
    w[name + ".weight"], w[name + ".bias"] = layer.weight.data * size, layer.bias.data * size


def residual(ch, blocks, out):
    """Small at the end of each branch, so that it begins as an enlargement by repetition."""
    w = {}
    conv(w, "head", 3, ch, 1)
    for i in range(blocks):
        conv(w, f"body.{i}.a", ch, ch, 1)
        w[f"body.{i}.act.weight"] = torch.full((ch,), 0.1)
        conv(w, f"body.{i}.b", ch, ch, 0.3)
    conv(w, "mid", ch, ch, 1)
    conv(w, "tail", ch, out, 0.1)
    return w


def compact(ch, blocks, out):
    """As large at its end as at its beginning: what PReLU takes away is given back."""
    w = {}
    for i in range(blocks + 1):
        conv(w, f"body.{2 * i}", ch if i else 3, ch, 2 if i else 1)
        w[f"body.{2 * i + 1}.weight"] = torch.full((ch,), 0.1)
    conv(w, f"body.{2 * blocks + 2}", ch, out, 0.1)
    return w


def span(ch, blocks, out):
    """In its deployed form, without the groups of four that its authors train."""
    if blocks != 6:
        raise ValueError("span has 6 blocks")
    w = {"no_norm": torch.zeros(1)}
    conv(w, "conv_1.eval_conv", 3, ch, 1)
    for i in range(1, 7):
        for k in (1, 2, 3):
            conv(w, f"block_{i}.c{k}_r.eval_conv", ch, ch, 1)
    conv(w, "conv_2.eval_conv", ch, ch, 1)
    conv(w, "conv_cat", 4 * ch, ch, 1, side=1)
    conv(w, "upsampler.0", ch, out, 1)
    return w


NETWORKS = {"residual": residual, "compact": compact, "span": span}


def new_weights(c):
    """The tensors of a network by name."""
    return NETWORKS[c["architecture"]](c["channels"], c["blocks"], 3 * c["scale"] ** 2)


def take_from(path, w):
    """Put the tensors of a model file into w where name and shape are the same; says how many."""
    found = nets.weights(path)
    fits = [k for k in w if k in found and found[k].shape == w[k].shape]
    if not fits:
        raise ValueError(f"{path}: none of its tensors fit this network")
    for k in fits:
        w[k] = found[k].clone()
    for k in w:
        if re.fullmatch(r"body\.\d+\.b\.(weight|bias)", k) and k not in found:
            w[k].zero_()
    print(f"{len(fits)} of {len(w)} tensors are from {path}", flush=True)


def batches(tiles, c, device):
    """(small, large) pictures without end: random crops, flipped and turned."""
    side, patch = tiles[0].shape[1], c["patch"] * c["scale"]
    counts = [len(t) for t in tiles]
    if patch > side:
        raise ValueError(f"patches of {patch} pixels do not fit into tiles of {side}")
    while True:
        crops = []
        for _ in range(c["batch"]):
            i = int(torch.randint(sum(counts), ()))
            k = 0
            while i >= counts[k]:
                i, k = i - counts[k], k + 1
            y, x = (int(v) for v in torch.randint(side - patch + 1, (2,)))
            crop = np.rot90(tiles[k][i, y:y + patch, x:x + patch], int(torch.randint(4, ())))
            crops.append(crop[:, ::-1] if torch.rand(()) < 0.5 else crop)
        large = torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2).float() / 255
        yield degrade(large.contiguous(), c["scale"], c["degrade"]), large


def lesson(teachers, small):
    """The mean of what the teachers make of a picture in its eight orientations."""
    total = 0
    for w in teachers:
        for turns in range(8):
            x = torch.rot90(small if turns < 4 else small.flip(3), turns, (2, 3))
            x = x.contiguous(memory_format=torch.channels_last)
            y = torch.rot90(nets.run(w, x), -turns, (2, 3))
            total = total + (y if turns < 4 else y.flip(3)).float()
    return total / (8 * len(teachers))


class Run:
    """Weights, their running mean, the optimiser and the step: what a checkpoint holds."""

    def __init__(self, c, device, init=None, features=None, teachers=()):
        self.c, self.device, self.step = c, device, 0
        self.teachers = [{k: v.to(device) for k, v in nets.weights(path).items()}
                         for path in teachers]
        if bool(c["loss"].get("teacher")) != bool(teachers):
            raise ValueError("a share of teacher in [loss] and --teacher belong together")
        for path, w in zip(teachers, self.teachers):
            if nets.scale(w) != c["scale"]:
                raise ValueError(f"{path}: enlarges {nets.scale(w)} times, not {c['scale']}")
        self.losses = Losses(c["loss"], c["scale"], features, device)
        w = new_weights(c)
        if init:
            take_from(init, w)
        self.set({k: v.to(device) for k, v in grow(w, c["branches"]).items()})

    def set(self, w, mean=None):
        """Train these weights from here on."""
        self.weights = {k: v.clone().requires_grad_() for k, v in w.items()}
        self.mean = {k: v.clone() for k, v in (mean or w).items()}
        self.optimiser = torch.optim.AdamW(self.weights.values(), lr=self.c["rate"],
                                           betas=(0.9, 0.99), weight_decay=0)

    def load(self, path):
        """Go on from a checkpoint."""
        saved = torch.load(path, map_location=self.device)
        if {k: v.shape for k, v in saved["weights"].items()} != \
                {k: v.shape for k, v in self.weights.items()}:
            raise ValueError(f"{path}: is of another network than the configuration says")
        self.set(saved["weights"], saved["mean"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.losses.load(saved["losses"])
        self.step = saved["step"]

    def save(self, path):
        """Write a checkpoint beside the old one, then in its place."""
        part = path.with_suffix(".part")
        torch.save({"weights": {k: v.detach() for k, v in self.weights.items()},
                    "mean": self.mean, "optimiser": self.optimiser.state_dict(),
                    "losses": self.losses.state(), "step": self.step,
                    "config": json.dumps(self.c)}, part)
        os.replace(part, path)

    def rate(self):
        """Rising at first, then falling along a cosine to a hundredth."""
        along = math.cos(math.pi * min(1, self.step / self.c["steps"]))
        rise = min(1, (self.step + 1) / min(WARM_UP, max(1, self.c["steps"] // 10)))
        return self.c["rate"] * rise * (0.01 + 0.99 * (0.5 + 0.5 * along))

    def train(self, small, large, bf16):
        """One step; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        if bf16:  # with the channels of a pixel side by side, AMX and tensor cores run fast
            small, large = (x.contiguous(memory_format=torch.channels_last) for x in (small, large))
        with torch.autocast(self.device, torch.bfloat16, enabled=bf16):
            with torch.no_grad():
                taught = lesson(self.teachers, small) if self.teachers else None
            result = nets.run(fold(self.weights), small)
            loss = self.losses(result.float(), large, taught)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimiser.step()
        self.step += 1
        kept = min(MEAN_KEPT, self.step / (self.step + 20))
        with torch.no_grad():
            for k, v in self.weights.items():
                self.mean[k].lerp_(v, 1 - kept)
        return loss.item()


def has_bf16(device):
    """Is bfloat16 fast here? Elsewhere PyTorch emulates it, slower than float32."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported()
    info = pathlib.Path("/proc/cpuinfo")
    return info.is_file() and "avx512_bf16" in info.read_text(encoding="utf-8")


def export(folder, out):
    """The checkpoint of a run as a model file."""
    saved = torch.load(folder / "checkpoint.pt", map_location="cpu")
    c = json.loads(saved["config"])
    weights, tensors = fold(saved["mean"]), {}
    for k, v in weights.items():
        tensors[k] = safetensors_io.raw(v.numpy(), "F16" if v.dim() == 4 else "F32")
    metadata = {"name": folder.name, "architecture": nets.architecture(weights),
                "scale": str(c["scale"]), "steps": str(saved["step"])}
    for k, v in c.get("metadata", {}).items():
        metadata[k] = str(v).replace("{scale}", metadata["scale"])
    safetensors_io.save(out, tensors, metadata)
    print(f"{out}: {saved['step']} steps")


def score(model, folder, scale, device):
    """Mean PSNR of luma in dB, a border of `scale` left out: that of `fovea eval` to a few
    hundredths, since PyTorch's bicubic rounds otherwise."""
    w = {k: v.to(device) for k, v in nets.weights(model).items()}
    found = []
    for _, large in pictures(folder, scale):
        small = round8(shrink(large, scale, "bicubic"))
        with torch.no_grad():
            result = round8(nets.run(w, small.to(device)).cpu())
        found.append(psnr_luma(result, large, scale))
    return sum(found) / len(found)


def session(o):
    """Train until the steps or the minutes are over; returns the run."""
    began = time.monotonic()
    c = configuration(o.config, o.scale, bool(o.teacher))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    folder = pathlib.Path(o.run)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    tiles = [np.load(path, mmap_mode="r") for path in o.tiles]
    seed = o.seed if o.seed is not None else time.time_ns() % 2**31
    torch.manual_seed(seed)  # for first weights
    run = Run(c, device, o.init, o.features, o.teacher)
    if checkpoint.is_file():
        run.load(checkpoint)
        print(f"going on from step {run.step}", flush=True)
        torch.manual_seed(seed + run.step)  # other crops than those before
    bf16, saved, losses = has_bf16(device), time.monotonic(), []
    with open(folder / "log.tsv", "a", encoding="utf-8") as log:
        def note():
            line = f"{run.step}\t{sum(losses) / max(1, len(losses)):.5f}\t{run.rate():.2e}"
            print(line, file=log, flush=True)
            print(f"step {line}".replace("\t", "  "), flush=True)
            run.save(checkpoint)

        for small, large in batches(tiles, c, device):
            if run.step >= c["steps"] or time.monotonic() - began > o.minutes * 60:
                break
            losses.append(run.train(small, large, bf16))
            if not math.isfinite(losses[-1]):
                raise ValueError(f"step {run.step}: the loss is {losses[-1]}; the last checkpoint "
                                 "stands, try a lower rate")
            if time.monotonic() - saved > SAVE_S:
                note()
                saved, losses = time.monotonic(), []
        if losses:
            note()
    model = folder / "model.safetensors"
    export(folder, model)
    for pictures_of in o.set or []:
        db = score(model, pictures_of, c["scale"], device)
        print(f"{pictures_of}: {db:.2f} dB", flush=True)
        with open(folder / "scores.tsv", "a", encoding="utf-8") as scores:
            print(f"{run.step}\t{pictures_of}\t{db:.2f}", file=scores)
    return run


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("config", nargs="?", metavar="CONFIG.toml")
    p.add_argument("tiles", nargs="*", metavar="TILES.npy")
    p.add_argument("--run", metavar="FOLDER")
    p.add_argument("--scale", type=int, metavar="N")
    p.add_argument("--minutes", type=float, default=math.inf, metavar="N")
    p.add_argument("--init", metavar="MODEL")
    p.add_argument("--teacher", action="append", default=[], metavar="MODEL")
    p.add_argument("--features", metavar="FILE")
    p.add_argument("--set", action="append", metavar="FOLDER")
    p.add_argument("--seed", type=int, metavar="N")
    p.add_argument("--export", nargs=2, metavar=("FOLDER", "OUT"))
    o = p.parse_args()
    if not o.export and not (o.config and o.tiles and o.run):
        p.error("CONFIG.toml, TILES.npy and --run are needed, or --export")
    try:
        if o.export:
            export(pathlib.Path(o.export[0]), o.export[1])
        else:
            session(o)
    except (OSError, ValueError, RuntimeError) as e:
        raise SystemExit(f"train: {e}") from e


if __name__ == "__main__":
    main()
