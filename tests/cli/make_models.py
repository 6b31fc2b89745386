"""make_models.py -- make model files that are wrong in one way each.

    make_models.py GOOD.safetensors KIND...      writes KIND.safetensors here
"""
import json
import pathlib
import random
import struct
import sys


def build(header, data):
    """A model file of its parts."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def split(good):
    """(header, data) of a model file."""
    size = struct.unpack_from("<Q", good)[0]
    return json.loads(good[8:8 + size]), good[8 + size:]


def front(good):
    """Of a U^2-Net: one that takes what is bright for what stands in front. All weights are 0 but
    those that hand the mean of the colours to the first side."""
    header, data = split(good)
    data = bytearray(len(data))

    def put(name, value, *place):
        shape, (begin, _end) = header[name]["shape"], header[name]["data_offsets"]
        at = 0
        for size, index in zip(shape, place):
            at = at * size + index
        struct.pack_into("<f", data, begin + 4 * at, value)

    for name, entry in header.items():
        if name.endswith(("bn_s1.weight", "bn_s1.running_var")):
            for i in range(entry["shape"][0]):
                put(name, 1, i)
    for channel in range(3):
        put("stage1.rebnconvin.conv_s1.weight", 1 / 3, 0, channel, 1, 1)
    n_below = header["stage1d.rebnconvin.conv_s1.weight"]["shape"][1] // 2
    put("stage1d.rebnconvin.conv_s1.weight", 1, 0, n_below, 1, 1)
    put("side1.weight", 1, 0, 0, 1, 1)
    put("outconv.weight", 20, 0, 0, 0, 0)
    put("outconv.bias", -20, 0)
    return build(header, bytes(data))


def noise(_good):
    """No structure at all."""
    return random.Random(3).randbytes(5000)


def cut(good):
    """What a broken download leaves."""
    return good[:len(good) // 2]


def tiny(_good):
    """Not even the length of a header."""
    return b"abc"


def claims_huge(good):
    """A header of 4 EiB."""
    return struct.pack("<Q", 1 << 62) + good[8:]


def claims_more(good):
    """A header one byte longer than the file."""
    return struct.pack("<Q", len(good) - 7) + good[8:]


def not_json(good):
    """A header that is text but not JSON."""
    header, data = split(good)
    return build(header, data).replace(b'{"', b"{'", 1)


def with_tensor(good, change):
    """`change` may edit the data, given where the first tensor that holds weights lies."""
    header, data = split(good)
    data = bytearray(data)
    entry = header["head.weight"]
    change(entry, data, *entry["data_offsets"])
    return build(header, bytes(data))


def nan(good):
    """One weight that is not a number, in the middle of a tensor."""
    def change(entry, data, begin, end):
        patterns = {"F16": b"\x00\x7e", "BF16": b"\xc0\x7f", "F32": b"\x00\x00\xc0\x7f"}
        pattern = patterns[entry["dtype"]]
        middle = (begin + end) // 2 // len(pattern) * len(pattern)
        data[middle:middle + len(pattern)] = pattern
    return with_tensor(good, change)


def wrong_type(good):
    """Weights of a type that nobody knows."""
    return with_tensor(good, lambda entry, *_: entry.update(dtype="F13"))


def extra(good):
    """A tensor that no layer uses."""
    header, data = split(good)
    header["surplus"] = {"dtype": "F32", "shape": [1], "data_offsets": [len(data), len(data) + 4]}
    return build(header, data + bytes(4))


def unknown(_good):
    """A sound file of a network that is not supported."""
    names = ["conv_in.weight", "attention.weight", "norm.weight", "conv_out.weight"]
    header = {name: {"dtype": "F32", "shape": [2], "data_offsets": [8 * i, 8 * i + 8]}
              for i, name in enumerate(names)}
    return build(header, bytes(8 * len(names)))


def main():
    """Write what was asked for."""
    good = pathlib.Path(sys.argv[1]).read_bytes()
    kinds = (front, noise, cut, tiny, claims_huge, claims_more, not_json, nan, wrong_type, extra,
             unknown)
    for kind in sys.argv[2:]:
        make = {f.__name__: f for f in kinds}[kind.replace("-", "_")]
        pathlib.Path(f"{kind}.safetensors").write_bytes(make(good))


if __name__ == "__main__":
    main()
