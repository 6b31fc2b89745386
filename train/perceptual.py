#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How near enlarged pictures look to their originals, and how true they stay to their inputs.

usage: train/perceptual.py MODEL... --program FOVEA --set FOLDER --features FILE
                           [--scale N] [--jpeg QUALITY] [--keep FOLDER] [OPTION...]

Each picture of the folder is shrunk by bicubic, stored as JPEG if so asked, and enlarged by bicubic
and by `FOVEA upscale` with each model; OPTIONs go to it, as --detail=0.5. Prints the means of

  distance     of features that a network for recognising things has: LPIPS (Zhang et al.,
               arXiv:1801.03924), with the features of SqueezeNet 1.1; lower is nearer. It prefers
               likely texture to blur, where PSNR prefers blur
  consistency  PSNR on luma, in dB, of the result shrunk again against the input: low where
               something was invented that the input does not say, or lost
  colour       mean difference of the mean colours of 16x16 blocks, likewise, in 8-bit steps

FILE holds SqueezeNet's tensors under torchvision's names and the five linear heads of LPIPS,
lpipsN.weight or lpips.linN.model.1.weight; its input is BGR 0..255 less the mean of ImageNet. A
file made for other means gives numbers that rank pictures and are not LPIPS to the digit.

Needs python3 with torch, numpy and PIL (Debian: python3-torch, python3-numpy, python3-pil).
"""
import argparse
import io
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import reference_nets as nets  # noqa: E402
from degrade import shrink  # noqa: E402

MEAN_BGR = (103.939, 116.779, 123.68)
LUMA = (65.481, 128.553, 24.966)  # ITU-R BT.601, studio range
LEFT_OUT = 2  # pixels at each border, where filters end
BLOCK = 16
STAGES = ((0,), (3, 4), (6, 7), (9,), (10,), (11,), (12,))  # layers up to each feature
POOL_BEFORE = (3, 6, 9)
SUFFIXES = (".png", ".webp", ".jpg", ".jpeg")


class Distance:
    """LPIPS with the features of SqueezeNet 1.1."""

    def __init__(self, path):
        self.w = nets.weights(path)
        heads = [(f"lpips{i}.weight", f"lpips.lin{i}.model.1.weight") for i in range(len(STAGES))]
        try:
            self.heads = [self.w[a] if a in self.w else self.w[b] for a, b in heads]
            self.w["features.12.expand3x3.weight"]  # pylint: disable=pointless-statement
        except KeyError as e:
            raise ValueError(f"{path}: has no tensor {e}; SqueezeNet 1.1 with LPIPS's heads is "
                             "wanted") from e

    def layer(self, name, x, **how):
        """A convolution and its ReLU."""
        name = f"features.{name}"
        return F.relu(F.conv2d(x, self.w[f"{name}.weight"], self.w[f"{name}.bias"], **how))

    def features(self, x):
        """Of [1, 3, h, w], RGB in 0..1; each pixel's vector of length 1."""
        x = x.flip(1) * 255 - torch.tensor(MEAN_BGR).view(1, 3, 1, 1)
        for stage in STAGES:
            for i in stage:
                if i in POOL_BEFORE:
                    x = F.max_pool2d(x, 3, 2, ceil_mode=True)
                if i == 0:
                    x = self.layer("0", x, stride=2)
                else:
                    s = self.layer(f"{i}.squeeze", x)
                    x = torch.cat([self.layer(f"{i}.expand1x1", s),
                                   self.layer(f"{i}.expand3x3", s, padding=1)], 1)
            yield x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)

    def __call__(self, a, b):
        with torch.no_grad():
            return sum(float(F.conv2d((x - y) ** 2, head).mean())
                       for x, y, head in zip(self.features(a), self.features(b), self.heads))


def picture(path):
    """A file as [1, 3, h, w] in 0..1."""
    rgb = np.array(Image.open(path).convert("RGB"))
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255


def pictures(folder, scale):
    """(path, picture cut to whole cells of scale x scale) of each picture of a folder."""
    files = sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"{folder}: no pictures in this folder")
    for file in files:
        large = picture(file)
        h, w = (n // scale * scale for n in large.shape[2:])
        yield file, large[..., :h, :w]


def as_file(x):
    """The reverse, for PIL."""
    return Image.fromarray((x[0] * 255).round().byte().permute(1, 2, 0).numpy())


def psnr_luma(a, b, border):
    """PSNR of luma in dB, `border` pixels left out on every side."""
    cut = np.s_[..., border:-border, border:-border]
    difference = torch.einsum("c,nchw->nhw", torch.tensor(LUMA), a - b)[cut]
    return float(10 * torch.log10(255 ** 2 / (difference.pow(2).mean() + 1e-9)))


def consistency(result, small, scale):
    """PSNR of luma in dB; see above."""
    return psnr_luma(shrink(result, scale, "bicubic"), small, LEFT_OUT)


def colour(result, small, scale):
    """Mean difference of the colours of blocks, in 8-bit steps; see above."""
    again = F.avg_pool2d(result, scale)
    return float((F.avg_pool2d(again, BLOCK) - F.avg_pool2d(small, BLOCK)).abs().mean() * 255)


def damaged(small, quality):
    """As a JPEG of some quality, or as it is."""
    if not quality:
        return small
    file = io.BytesIO()
    as_file(small).save(file, "JPEG", quality=quality)
    return picture(file)


def enlarge(o, model, small, options):
    """What the program makes of a small picture."""
    with tempfile.TemporaryDirectory() as folder:
        as_file(small).save(f"{folder}/in.png")
        how = ["--method", "bicubic"] if model == "bicubic" else ["--model", model, *options]
        run = subprocess.run([o.program, "upscale", f"{folder}/in.png", f"{folder}/out.png",
                              "--factor", str(o.scale), *how], capture_output=True, text=True,
                             check=False)
        if run.returncode:
            raise ValueError(run.stderr.strip())
        return picture(f"{folder}/out.png")


def measure(o, options):
    """Means by method: distance, consistency, colour."""
    distance = Distance(o.features)
    found = {}
    for file, large in pictures(o.set, o.scale):
        small = (shrink(large, o.scale, "bicubic") * 255).round() / 255
        small = damaged(small, o.jpeg)
        for model in ["bicubic", *o.models]:
            result = enlarge(o, model, small, options)
            name = pathlib.Path(model).stem
            found.setdefault(name, []).append((distance(result, large),
                                               consistency(result, small, o.scale),
                                               colour(result, small, o.scale)))
            if o.keep:
                pathlib.Path(o.keep).mkdir(parents=True, exist_ok=True)
                as_file(result).save(f"{o.keep}/{file.stem}-{name}.png")
    return {name: np.mean(rows, axis=0) for name, rows in found.items()}


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="+", metavar="MODEL")
    p.add_argument("--program", required=True, metavar="FOVEA")
    p.add_argument("--set", required=True, metavar="FOLDER")
    p.add_argument("--features", required=True, metavar="FILE")
    p.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    p.add_argument("--jpeg", type=int, metavar="QUALITY")
    p.add_argument("--keep", metavar="FOLDER")
    o, options = p.parse_known_args()
    try:
        for name, (d, c, block) in measure(o, options).items():
            print(f"{name:20}  distance {d:.4f}  consistency {c:.1f} dB  colour {block:.2f}")
    except (OSError, ValueError) as e:
        raise SystemExit(f"perceptual: {e}") from e


if __name__ == "__main__":
    main()
