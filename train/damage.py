#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The look at a picture before it is enlarged: does it see damage, and does it matter?

usage: train/damage.py TILES.npy --program FOVEA --features FILE [--scale N] [--count N]

Tiles of train/tiles.py are shrunk by bicubic, damaged in the ways of DAMAGES, and enlarged by
`FOVEA upscale` with --denoise 0 and 1. Prints for each damage how many pictures the program takes
for clean, and the mean distance to the originals (train/perceptual.py) with the dial at 0, at 1 and
where it stands by itself.

Needs python3 with torch, numpy and PIL (Debian: python3-torch, python3-numpy, python3-pil).
"""
import argparse
import io
import json
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

from degrade import shrink
from perceptual import Distance, as_file, picture

SEED = 9


def coded(form, quality):
    """Through a lossy file."""
    def damage(image, _):
        file = io.BytesIO()
        image.save(file, form, quality=quality)
        return Image.open(file).convert("RGB")
    return damage


def noisy(levels, channels):
    """Normal noise of so many levels of 255: one for all channels, or one for each of 3."""
    def damage(image, chance):
        noise = chance.normal(0, levels, (image.height, image.width, channels))
        return Image.fromarray(np.clip(np.rint(image + noise), 0, 255).astype(np.uint8))
    return damage


DAMAGES = {
    "none": lambda image, _: image,
    "JPEG 75": coded("JPEG", 75),
    "JPEG 90": coded("JPEG", 90),
    "JPEG 95": coded("JPEG", 95),
    "JPEG 98": coded("JPEG", 98),
    "WebP 80": coded("WEBP", 80),
    "grey noise, 1 level": noisy(1, 1),
    "grey noise, 2": noisy(2, 1),
    "grey noise, 3": noisy(3, 1),
    "noise in each colour, 2": noisy(2, 3),
}


def run(o, folder, where):
    """Enlarge in.png of the folder: the result and where the dial stood."""
    at = [] if where is None else ["--denoise", str(where)]
    done = subprocess.run([o.program, "upscale", f"{folder}/in.png", f"{folder}/out.png", "--force",
                           "--json", "--factor", str(o.scale), *at], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return picture(f"{folder}/out.png"), json.loads(done.stdout)["dials"]["denoise"]


def measure(o, damage, chance):
    """Share called clean; mean distances at 0, at 1, by itself."""
    distance = Distance(o.features)
    tiles, rows = np.load(o.tiles, mmap_mode="r"), []
    for i in np.linspace(0, len(tiles) - 1, o.count).astype(int):
        large = torch.from_numpy(np.array(tiles[i])).permute(2, 0, 1)[None].float() / 255
        with tempfile.TemporaryDirectory() as folder:
            damage(as_file(shrink(large, o.scale, "bicubic")), chance).save(f"{folder}/in.png")
            at = [distance(run(o, folder, where)[0], large) for where in (0, 1)]
            is_clean = run(o, folder, None)[1] == 0
        rows.append((is_clean, *at, at[0 if is_clean else 1]))
    return np.mean(rows, axis=0)


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("tiles", metavar="TILES.npy")
    p.add_argument("--program", required=True, metavar="FOVEA")
    p.add_argument("--features", required=True, metavar="FILE")
    p.add_argument("--scale", type=int, default=4, choices=(2, 3, 4))
    p.add_argument("--count", type=int, default=100)
    o = p.parse_args()
    chance = np.random.default_rng(SEED)
    print("| damage | called clean | `--denoise 0` | `--denoise 1` | by itself |")
    print("|---|---|---|---|---|")
    for name, damage in DAMAGES.items():
        clean, *distances = measure(o, damage, chance)
        print(f"| {name} | {100 * clean:.0f} % |", " | ".join(f"{d:.4f}" for d in distances), "|",
              flush=True)


if __name__ == "__main__":
    try:
        main()
    except ValueError as e:
        sys.exit(f"train/damage.py: {e}")
