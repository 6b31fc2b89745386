#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cut pictures into the tiles that training reads.

usage: train/tiles.py OUT.npy SOURCE... [--side N] [--credit FILE.tsv]

SOURCE is a picture, a folder (searched to the bottom) or a .tar with pictures. Every tile is a
square of --side pixels (384), RGB; a picture smaller than that gives none and is named, a larger
one gives as many as fit, spread evenly with overlap. OUT.npy holds them as one array of bytes
[tiles][side][side][3], which training maps without reading it whole. Beside it OUT.tsv names for
each tile the file it is from, its place in it, and, from --credit, author and licence: lines of
file, author, licence, by tabs.

Needs python3 with numpy and PIL (Debian: python3-numpy, python3-pil).
"""
import argparse
import io
import pathlib
import sys
import tarfile

import numpy as np
from PIL import Image, ImageOps

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


def files(source):
    """(name, bytes) of every picture in a file, a folder or a .tar."""
    path = pathlib.Path(source)
    if path.suffix == ".tar":
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isfile() and member.name.lower().endswith(ENDINGS):
                    yield f"{path.name}/{member.name}", tar.extractfile(member).read()
        return
    for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if one.is_file() and one.name.lower().endswith(ENDINGS):
            yield str(one), one.read_bytes()


def places(length, side):
    """Where tiles begin along one side of a picture: both ends, and evenly between."""
    n = -(-length // side)
    return [round(i * (length - side) / max(n - 1, 1)) for i in range(n)]


def tiles(source, side):
    """(name, x, y, tile) of every tile of a source; what gives none is said."""
    for name, data in files(source):
        try:
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        except (OSError, ValueError) as e:
            print(f"{name}: left out, no picture ({e})", file=sys.stderr)
            continue
        pixels = np.asarray(picture)
        if min(pixels.shape[:2]) < side:
            print(f"{name}: left out, {picture.width}x{picture.height} is smaller than a tile",
                  file=sys.stderr)
            continue
        for y in places(pixels.shape[0], side):
            for x in places(pixels.shape[1], side):
                yield name, x, y, pixels[y:y + side, x:x + side]


def credits(path):
    """Author and licence by file name, from a .tsv."""
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    for i, line in enumerate(lines, 1):
        if len(line) != 3:
            raise ValueError(f"{path}:{i}: {len(line)} columns, not file, author and licence")
    return {name: (author, licence) for name, author, licence in lines}


def write(out, sources, side, known):
    """Write OUT.npy and OUT.tsv; returns how many tiles there are."""
    rows, kept = [], []
    for source in sources:
        for name, x, y, tile in tiles(source, side):
            kept.append(tile)
            rows.append((name, x, y, *known.get(pathlib.Path(name).name, ("", ""))))
    if not kept:
        raise ValueError(f"no picture of at least {side}x{side} pixels was found")
    np.save(out, np.stack(kept))
    lines = ["file\tx\ty\tauthor\tlicence", *("\t".join(map(str, row)) for row in rows)]
    pathlib.Path(out).with_suffix(".tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(kept)


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", metavar="OUT.npy")
    p.add_argument("sources", nargs="+", metavar="SOURCE")
    p.add_argument("--side", type=int, default=384, metavar="N")
    p.add_argument("--credit", metavar="FILE.tsv")
    o = p.parse_args()
    try:
        if not o.out.endswith(".npy") or o.side < 64:
            raise ValueError("OUT ends in .npy, and a tile has at least 64 pixels a side")
        n = write(o.out, o.sources, o.side, credits(o.credit) if o.credit else {})
    except (OSError, ValueError, tarfile.TarError) as e:
        raise SystemExit(f"tiles: {e}") from e
    print(f"{n} tiles are in {o.out}")


if __name__ == "__main__":
    main()
