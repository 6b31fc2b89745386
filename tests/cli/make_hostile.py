#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_hostile.py -- files that were made to harm, in the folder given; and damaged ones.

    make_hostile.py FOLDER                       the bombs
    make_hostile.py FOLDER --damaged N SEED FILE...   each file cut at each tenth and N times with
                                                 bits turned over
"""
import pathlib
import random
import struct
import sys
import zlib


def chunk(kind, data):
    """A chunk of PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, extra=b"", rows=None):
    """A PNG of one colour, whose rows deflate to next to nothing."""
    deflate, parts = zlib.compressobj(9), []
    row = bytes(1 + 3 * width)
    for _ in range(height if rows is None else rows):
        parts.append(deflate.compress(row))
    parts.append(deflate.flush())
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + extra + chunk(b"IDAT", b"".join(parts)) + chunk(b"IEND", b""))


def gif(n, width, height):
    """n frames of one colour."""
    frame = (b"\x21\xf9\x04\x00\x01\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
             + b"\x02\x02\x44\x01\x00")
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(3) + b"\xff" * 3
            + frame * n + b"\x3b")


def svg(body, head=""):
    """A drawing of 32x32."""
    return (f'<?xml version="1.0"?>\n{head}<svg xmlns="http://www.w3.org/2000/svg" '
            'xmlns:xlink="http://www.w3.org/1999/xlink" width="32" height="32">'
            f"{body}</svg>").encode()


def laughs():
    """An entity of entities, a billion times."""
    names = ["lol"] + [f"lol{i}" for i in range(1, 10)]
    head = '<!DOCTYPE svg [<!ENTITY lol "lol">'
    for a, b in zip(names, names[1:]):
        head += f'<!ENTITY {b} "{("&" + a + ";") * 10}">'
    return svg("<text>&lol9;</text>", head + "]>\n")


BOMBS = {
    "wide.png": lambda: png(17000, 17000, rows=64),
    "frames.gif": lambda: gif(10000, 600, 600),
    "profile.png": lambda: png(8, 8, chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(100 << 20), 9))),
    "huge.svg": lambda: svg("").replace(b'width="32"', b'width="2000000000"'),
    "deep.svg": lambda: svg("<g>" * 50000 + "</g>" * 50000),
    "laughs.svg": laughs,
    "file.svg": lambda: svg('<image xlink:href="secret.png" width="32" height="32"/>'),
    "net.svg": lambda: svg('<image xlink:href="http://127.0.0.1:1/x.png" width="32" height="32"/>'),
    "entity.svg": lambda: svg("<text y='20'>&x;</text>",
                              '<!DOCTYPE svg [<!ENTITY x SYSTEM "secret.txt">]>\n'),
    "claims.bmp": lambda: b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 30000, 30000, 1, 24,
                                              0, 0, 0, 0, 0, 0),
}


def damage(folder, n, seed, files):
    """Cut and turned-over copies."""
    chance = random.Random(seed)
    for name in files:
        path = pathlib.Path(name)
        data = path.read_bytes()
        for tenth in range(1, 10):
            (folder / f"cut{tenth}-{path.name}").write_bytes(data[:len(data) * tenth // 10])
        for i in range(n):
            bad = bytearray(data)
            for _ in range(chance.choice((1, 1, 3, 20))):
                bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
            (folder / f"flip{i}-{path.name}").write_bytes(bad)


def main():
    """The command line."""
    folder = pathlib.Path(sys.argv[1])
    if len(sys.argv) > 2:
        damage(folder, int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
        return
    for name, make in BOMBS.items():
        (folder / name).write_bytes(make())


if __name__ == "__main__":
    main()
