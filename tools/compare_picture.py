#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put the same crop of several pictures side by side, each with a word above it.

    tools/compare_picture.py OUT.png X Y WIDTH HEIGHT NAME=PICTURE [NAME=PICTURE ...]

The pictures have the same size; the crop is shown at 100 %. Makes the picture in README.md. Needs
python3-pil and a DejaVu font.
"""
import sys

from PIL import Image, ImageDraw, ImageFont

GAP, HEAD = 8, 30


def main():
    """Read the command line and write OUT."""
    if len(sys.argv) < 7:
        raise SystemExit(__doc__)
    out = sys.argv[1]
    x, y, width, height = (int(a) for a in sys.argv[2:6])
    shown = [a.split('=', 1) for a in sys.argv[6:]]
    sheet = Image.new('RGB', (len(shown) * (width + GAP) - GAP, height + HEAD), 'white')
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.truetype('DejaVuSans.ttf', 18)
    for i, (name, path) in enumerate(shown):
        left = i * (width + GAP)
        picture = Image.open(path).convert('RGB')
        sheet.paste(picture.crop((x, y, x + width, y + height)), (left, HEAD))
        draw.text((left + 2, 4), name, fill='black', font=font)
    sheet.save(out, optimize=True, quality=92)


if __name__ == '__main__':
    main()
