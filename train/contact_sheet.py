#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Crops of enlarged pictures side by side, at 100 %, to look at.

usage: train/contact_sheet.py OUT.jpg --program FOVEA PICTURE:X,Y,WIDTH,HEIGHT...
                              [--factor N] [--way NAME=OPTIONS]...

A row for each PICTURE, of which the rectangle, in pixels of the small picture, is shown: its
pixels repeated, then a column for each way, by default bicubic, Lanczos, faithful (--detail 0) and
detailed (the default dial). OPTIONS are those of `fovea upscale`.

Needs python3 with PIL (Debian: python3-pil).
"""
import argparse
import pathlib
import shlex
import subprocess
import tempfile

from PIL import Image, ImageDraw, ImageFont

WAYS = ["bicubic=--method bicubic", "Lanczos=--method lanczos", "faithful=--detail 0", "detailed="]
GAP, TITLE_PX = 6, 26
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def enlarge(program, picture, factor, options):
    """What the program makes of a picture."""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([program, "upscale", picture, f"{folder}/out.png", "--factor",
                              str(factor), *shlex.split(options)], capture_output=True, text=True,
                             check=False)
        if run.returncode:
            raise ValueError(run.stderr.strip())
        return Image.open(f"{folder}/out.png").convert("RGB")


def row(o, spec):
    """The crops of one picture."""
    picture, _, numbers = spec.rpartition(":")
    x, y, w, h = (int(n) for n in numbers.split(","))
    n = o.factor
    crops = [Image.open(picture).convert("RGB").crop((x, y, x + w, y + h))
             .resize((w * n, h * n), Image.NEAREST)]
    for way in o.way or WAYS:
        large = enlarge(o.program, picture, n, way.partition("=")[2])
        crops.append(large.crop((n * x, n * y, n * (x + w), n * (y + h))))
    return crops


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, metavar="OUT.jpg")
    p.add_argument("pictures", nargs="+", metavar="PICTURE:X,Y,WIDTH,HEIGHT")
    p.add_argument("--program", required=True, metavar="FOVEA")
    p.add_argument("--factor", type=int, default=4, choices=(2, 3, 4))
    p.add_argument("--way", action="append", metavar="NAME=OPTIONS")
    o = p.parse_args()
    try:
        rows = [row(o, spec) for spec in o.pictures]
        titles = ["pixels"] + [way.partition("=")[0] for way in o.way or WAYS]
        widths = [max(r[i].width for r in rows) for i in range(len(titles))]
        height = TITLE_PX + sum(max(c.height for c in r) + GAP for r in rows)
        sheet = Image.new("RGB", (sum(widths) + GAP * (len(widths) - 1), height - GAP), "white")
        draw, font, x = ImageDraw.Draw(sheet), ImageFont.truetype(FONT, 15), 0
        for title, width in zip(titles, widths):
            draw.text((x + 2, 3), title, font=font, fill="black")
            x += width + GAP
        y = TITLE_PX
        for crops in rows:
            x = 0
            for crop, width in zip(crops, widths):
                sheet.paste(crop, (x, y))
                x += width + GAP
            y += max(c.height for c in crops) + GAP
        sheet.save(o.out, quality=90, optimize=True, subsampling=0)
    except (OSError, ValueError) as e:
        raise SystemExit(f"contact_sheet: {e}") from e


if __name__ == "__main__":
    main()
