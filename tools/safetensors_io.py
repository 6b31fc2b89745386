# SPDX-License-Identifier: Apache-2.0
"""Read and write .safetensors files: one reader and one writer for every script here.

The format: eight bytes with the length of a JSON header, the header, the tensors' bytes. Only
what Fovea's engine accepts is written or read: types F32, F16, BF16, U8 and U16, tensors that
tile the data without holes or overlaps, a header whose length is a multiple of eight.

Needs the standard library only. Tensors are bytes here; numpy() and raw() turn them into arrays
and back, and need numpy.
"""
import json
import math
import struct
from typing import NamedTuple

BYTES = {"F32": 4, "F16": 2, "BF16": 2, "U8": 1, "U16": 2}
MAX_HEADER_BYTES = 16 << 20


class Tensor(NamedTuple):
    """One tensor: its type in the file's spelling, its shape and its little-endian bytes."""

    dtype: str
    shape: tuple
    data: bytes


def _parse_header(blob, path):
    """The header of a file as a dict, and where its data begin."""
    if len(blob) < 8:
        raise ValueError(f"{path}: too short for a .safetensors file")
    n = struct.unpack("<Q", blob[:8])[0]
    if n > MAX_HEADER_BYTES or 8 + n > len(blob):
        raise ValueError(f"{path}: a header of {n} bytes does not fit")
    header = json.loads(blob[8 : 8 + n].decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError(f"{path}: the header is no JSON object")
    return header, 8 + n


def _tensor(name, entry, data, path):
    """One header entry with its bytes, its shape checked against them."""
    dtype, shape, (first, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if dtype not in BYTES:
        raise ValueError(f"{path}: {name} has the type {dtype}, which is not known here")
    if not 0 <= first <= end <= len(data):
        raise ValueError(f"{path}: {name} lies outside the file")
    if any(n < 0 for n in shape) or end - first != math.prod(shape) * BYTES[dtype]:
        raise ValueError(f"{path}: {name} has {end - first} bytes, not those of {list(shape)}")
    return Tensor(dtype, shape, data[first:end])


def load(path):
    """Read a file: its tensors by name, in the order of their bytes, and its metadata.

    Raises ValueError with a sentence when the file is damaged or its tensors leave holes.
    """
    with open(path, "rb") as f:
        blob = f.read()
    try:
        return _load(blob, path)
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"{path}: an entry of the header is malformed ({e!r})") from e


def _load(blob, path):
    """load() without the file."""
    header, start = _parse_header(blob, path)
    metadata = header.pop("__metadata__", {})
    data, tensors, end = blob[start:], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        tensors[name] = _tensor(name, entry, data, path)
        if entry["data_offsets"][0] != end:
            raise ValueError(f"{path}: {name} does not follow the tensor before it")
        end = entry["data_offsets"][1]
    if end != len(data):
        raise ValueError(f"{path}: {len(data) - end} bytes after the last tensor")
    return tensors, metadata


def save(path, tensors, metadata=None):
    """Write tensors (a dict of Tensor, kept in its order) and metadata (strings by name)."""
    header, end = {}, 0
    if metadata:
        header["__metadata__"] = dict(metadata)
    for name, t in tensors.items():
        if len(t.data) != math.prod(t.shape) * BYTES[t.dtype]:
            raise ValueError(f"{name}: {len(t.data)} bytes do not make {list(t.shape)}")
        span = [end, end + len(t.data)]
        header[name] = {"dtype": t.dtype, "shape": list(t.shape), "data_offsets": span}
        end = span[1]
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.writelines(t.data for t in tensors.values())


def numpy(tensor):
    """A tensor as a numpy array; F16 and BF16 become float32, the rest keep their type."""
    import numpy as np

    if tensor.dtype == "BF16":
        bits = np.frombuffer(tensor.data, "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).reshape(tensor.shape)
    kind = {"F32": "<f4", "F16": "<f2", "U8": "u1", "U16": "<u2"}[tensor.dtype]
    a = np.frombuffer(tensor.data, kind).reshape(tensor.shape)
    return a.astype(np.float32) if tensor.dtype in ("F32", "F16") else a


def raw(array, dtype=None):
    """A numpy array as a tensor, stored as `dtype` (rounded to even) or as its own type."""
    import numpy as np

    own = {"float32": "F32", "float16": "F16", "uint8": "U8", "uint16": "U16"}
    dtype = dtype or own[array.dtype.name]
    if dtype == "BF16":
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
        kept = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
        return Tensor(dtype, array.shape, kept.tobytes())
    kind = {"F32": "<f4", "F16": "<f2", "U8": "u1", "U16": "<u2"}[dtype]
    return Tensor(dtype, array.shape, np.ascontiguousarray(array).astype(kind).tobytes())
