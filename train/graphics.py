#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the tiles that photographs lack: letters, lines, flat colour.

usage: train/graphics.py OUT.npy --count N [--side N] [--seed N] [--fonts FOLDER]

Pages of text, forms with buttons, charts, line drawings and flat shapes, in the form that
train/tiles.py writes, so that train/train.py takes both; about one to nine keeps letters letters
and photographs what they are. Drawn four times as large and shrunk, so that edges are as soft as a
renderer makes them. The same seed and fonts give the same tiles. OUT.tsv names for each tile what
it shows and the font's file; the fonts should be ones whose licence allows it (Debian:
fonts-dejavu, fonts-liberation2, fonts-lato, all free).

Needs python3 with numpy and PIL (Debian: python3-numpy, python3-pil) and fonts.
"""
import argparse
import math
import pathlib
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FINER = 4
ALPHABETS = ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789",
             "αβγδεζηθικλμνξοπρστυφχψω", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "äöüßéèêñçåø")
WEIGHTS = (10, 3, 3, 1, 1, 1)
MARKS = ",.:;!?-()/&%€$@+="


class Page:
    """One tile being drawn; lengths are in pixels of the tile."""

    def __init__(self, chance, side, fonts):
        self.r, self.side, self.fonts = chance, side, fonts
        self.font_name = ""
        self.paper, self.ink = self.two_colours()
        self.image = Image.new("RGB", (side * FINER, side * FINER), self.paper)
        self.draw = ImageDraw.Draw(self.image)

    def colour(self):
        """Any colour, greys and full ones more often than others."""
        kind = self.r.random()
        if kind < 0.3:
            return (self.r.randrange(256),) * 3
        if kind < 0.5:
            return tuple(self.r.choice((0, 255)) for _ in range(3))
        return tuple(self.r.randrange(256) for _ in range(3))

    def two_colours(self):
        """Paper and ink that can be told apart; half of the time black on white or reversed."""
        if self.r.random() < 0.5:
            pair = [(255, 255, 255), (self.r.randrange(60),) * 3]
            return pair if self.r.random() < 0.75 else pair[::-1]
        while True:
            a, b = self.colour(), self.colour()
            if abs(sum(a) - sum(b)) > 180:
                return a, b

    def at(self, *lengths):
        """Lengths, or points in a row, in the pixels that are drawn."""
        return [round(v * FINER) for v in lengths]

    def font(self, size):
        """A font of some family, about so many pixels high."""
        path = self.r.choice(self.fonts)
        self.font_name = path.name
        return ImageFont.truetype(str(path), round(size * FINER))

    def word(self):
        """Letters of one alphabet, at times with a capital or a mark."""
        letters = self.r.choices(ALPHABETS, WEIGHTS)[0]
        word = "".join(self.r.choice(letters) for _ in range(self.r.randint(1, 10)))
        if self.r.random() < 0.2:
            word = word.capitalize()
        return word + self.r.choice(MARKS) if self.r.random() < 0.2 else word

    def line(self, font, x, y, end, ink):
        """Words from x to `end`."""
        while x < end:
            word = self.word() + " "
            self.draw.text(self.at(x, y), word, font=font, fill=ink)
            x += font.getlength(word) / FINER

    def text(self):
        """A page with lines of one size, now and then a heading."""
        size = math.exp(self.r.uniform(math.log(7), math.log(56)))
        font, y, x = self.font(size), self.r.uniform(-size, size), self.r.uniform(-20, 20)
        while y < self.side:
            self.line(font, x, y, self.side, self.ink)
            y += size * self.r.uniform(1.1, 1.6)

    def form(self):
        """Boxes, round or not, with words in them: windows, labels, buttons."""
        for _ in range(self.r.randint(4, 14)):
            x, y = self.r.uniform(-20, self.side), self.r.uniform(-20, self.side)
            w, h = self.r.uniform(20, 200), self.r.uniform(12, 80)
            fill, ink = self.two_colours()
            self.draw.rounded_rectangle(self.at(x, y, x + w, y + h),
                                        radius=round(self.r.choice((0, 0, 3, 8)) * FINER),
                                        fill=fill if self.r.random() < 0.7 else None, outline=ink,
                                        width=round(self.r.choice((0.5, 1, 2)) * FINER))
            size = self.r.uniform(8, max(9, 0.7 * h))
            self.draw.text(self.at(x + 4, y + (h - size) / 2), self.word(), font=self.font(size),
                           fill=ink)

    def lines(self):
        """Curves, rays and rings with a pen of one or several widths."""
        for _ in range(self.r.randint(4, 18)):
            x, y = self.r.uniform(0, self.side), self.r.uniform(0, self.side)
            pen = round(self.r.choice((0.6, 1, 1, 1.5, 2, 3, 5)) * FINER)
            kind = self.r.random()
            if kind < 0.4:
                points, turn = [], self.r.uniform(0, 2 * math.pi)
                for _ in range(self.r.randint(20, 120)):
                    points += self.at(x, y)
                    turn += self.r.uniform(-0.4, 0.5)
                    x, y = x + 4 * math.cos(turn), y + 4 * math.sin(turn)
                self.draw.line(points, fill=self.ink, width=pen, joint="curve")
            elif kind < 0.75:
                for i in range(self.r.randint(1, 12)):
                    a = self.r.uniform(0, 2 * math.pi) if i == 0 else a + self.r.uniform(0.02, 0.3)
                    far = self.side * self.r.uniform(0.1, 1)
                    self.draw.line(self.at(x, y, x + far * math.cos(a), y + far * math.sin(a)),
                                   fill=self.ink, width=pen)
            else:
                for i in range(self.r.randint(1, 8)):
                    d = 6 + i * self.r.uniform(4, 12)
                    self.draw.ellipse(self.at(x - d, y - d, x + d, y + d), outline=self.ink,
                                      width=pen)

    def chart(self):
        """A grid, bars or a graph, numbers along the axis."""
        grid = self.colour()
        step = self.r.uniform(12, 50)
        for i in range(int(self.side / step) + 1):
            self.draw.line(self.at(0, i * step, self.side, i * step), fill=grid, width=FINER)
            if self.r.random() < 0.5:
                self.draw.line(self.at(i * step, 0, i * step, self.side), fill=grid, width=FINER)
        font, wide, x = self.font(self.r.uniform(8, 16)), self.r.uniform(4, 30), 10
        points = []
        while x < self.side:
            y = self.side - 20 - self.r.uniform(0, 0.8) * self.side
            if self.r.random() < 0.7:
                self.draw.rectangle(self.at(x, y, x + wide, self.side - 18), fill=self.colour())
            self.draw.text(self.at(x, self.side - 16), str(self.r.randrange(1000)), font=font,
                           fill=self.ink)
            points += self.at(x + wide / 2, y)
            x += wide * self.r.uniform(1.1, 2)
        if len(points) >= 4:
            self.draw.line(points, fill=self.colour(), width=2 * FINER, joint="curve")

    def shapes(self):
        """Polygons, discs and soft ramps of flat colours: logos, cartoons, drawings."""
        if self.r.random() < 0.4:
            a, b = np.array(self.paper, float), np.array(self.colour(), float)
            t = np.linspace(0, 1, self.side * FINER)[:, None, None]
            ramp = np.broadcast_to(a + (b - a) * t, (self.side * FINER, self.side * FINER, 3))
            self.image.paste(Image.fromarray(ramp.astype(np.uint8)))
        for _ in range(self.r.randint(3, 14)):
            x, y = self.r.uniform(0, self.side), self.r.uniform(0, self.side)
            size, turn = self.r.uniform(8, 120), self.r.uniform(0, 2 * math.pi)
            fill, ink = self.two_colours()
            outline = ink if self.r.random() < 0.4 else fill
            if self.r.random() < 0.4:
                self.draw.ellipse(self.at(x - size, y - size, x + size, y + size * 0.7), fill=fill,
                                  outline=outline, width=2 * FINER)
                continue
            n, points = self.r.randint(3, 9), []
            for i in range(n):
                d, a = size * self.r.uniform(0.4, 1), turn + 2 * math.pi * i / n
                points += self.at(x + d * math.cos(a), y + d * math.sin(a))
            self.draw.polygon(points, fill=fill, outline=outline, width=2 * FINER)

    def pixels(self):
        """The tile, as bytes."""
        how = self.r.choice((Image.BOX, Image.LANCZOS, Image.BICUBIC))
        return np.asarray(self.image.resize((self.side, self.side), how))


KINDS = (("text", 5), ("form", 2), ("lines", 2), ("chart", 1), ("shapes", 2))


def draw_all(count, side, seed, fonts):
    """(kind, font, tile) of `count` tiles."""
    chance = random.Random(seed)
    names, shares = zip(*KINDS)
    for _ in range(count):
        kind = chance.choices(names, shares)[0]
        page = Page(chance, side, fonts)
        getattr(page, kind)()
        yield kind, page.font_name, page.pixels()


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", metavar="OUT.npy")
    p.add_argument("--count", type=int, required=True, metavar="N")
    p.add_argument("--side", type=int, default=384, metavar="N")
    p.add_argument("--seed", type=int, default=1, metavar="N")
    p.add_argument("--fonts", default="/usr/share/fonts", metavar="FOLDER")
    o = p.parse_args()
    fonts = sorted(pathlib.Path(o.fonts).rglob("*.ttf"), key=lambda path: path.name)
    if not o.out.endswith(".npy") or o.side < 64 or o.count < 1:
        raise SystemExit("graphics: OUT ends in .npy, a tile has at least 64 pixels a side, and "
                         "there is at least one")
    if not fonts:
        raise SystemExit(f"graphics: {o.fonts}: no .ttf fonts in this folder")
    rows, kept = ["file\tx\ty\tauthor\tlicence"], []
    for kind, font, tile in draw_all(o.count, o.side, o.seed, fonts):
        kept.append(tile)
        rows.append(f"{kind}, drawn with {font or 'no font'}\t0\t0\t\t")
    np.save(o.out, np.stack(kept))
    pathlib.Path(o.out).with_suffix(".tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"{len(kept)} tiles are in {o.out}")


if __name__ == "__main__":
    main()
