#!/usr/bin/env python3
"""Make the seeds of the PNG fuzzer in tests/corpus/png: one for each kind of picture and each thing
that the encoder treats in its own way. Usage: make_png.py
"""
import pathlib
import random
import struct

HERE = pathlib.Path(__file__).parent / 'png'


def seed(channels, bits, width, data, repeats=0):
    """What fuzz_png.c reads: a byte of kinds, the width, the pixels."""
    return bytes([channels - 1 | (4 if bits == 16 else 0) | repeats << 5, width - 1]) + data


def exif(order):
    """Orientation in the first directory, the size in the second."""
    short = struct.pack(order + 'HHIHxx', 0x112, 3, 1, 6)
    pointer = struct.pack(order + 'HHII', 0x8769, 4, 1, 38)
    size = [struct.pack(order + 'HHIHxx', 0xA002, 3, 1, 100),
            struct.pack(order + 'HHII', 0xA003, 4, 1, 70)]
    head = {'<': b'II', '>': b'MM'}[order] + struct.pack(order + 'HI', 42, 8)
    return b''.join([head, struct.pack(order + 'H', 2), short, pointer, bytes(4),
                     struct.pack(order + 'H', 2), *size, bytes(4)])


def main():
    noise = random.Random(5).randbytes
    seeds = {
        'grey': seed(1, 8, 7, bytes(range(70))),
        'grey-alpha-16': seed(2, 16, 5, noise(200)),
        'colour': seed(3, 8, 11, noise(330)),
        'colour-alpha-16': seed(4, 16, 3, bytes(240)),
        'long-run': seed(3, 8, 256, bytes(900), 7),
        'noise-beyond-the-window': seed(1, 8, 256, noise(40000), 2),
        'skewed': seed(3, 8, 100, bytes(n & 3 for n in noise(3000)), 7),
        'exif-big-endian': seed(1, 8, 31, exif('>')),
        'exif-little-endian': seed(1, 8, 31, exif('<')),
    }
    HERE.mkdir(exist_ok=True)
    for name, data in seeds.items():
        (HERE / name).write_bytes(data)


if __name__ == '__main__':
    main()
