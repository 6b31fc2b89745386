#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Give a model file new metadata; the tensors stay as they are, bit for bit.

usage: model_metadata.py IN OUT KEY=VALUE...
       model_metadata.py IN

Every model in models/ carries the keys name, purpose, architecture, scale, license and
training_data. The keys of IN are dropped, not kept beside the new ones. With IN alone the
metadata and the size of the network are printed. The file is checked in both cases: a damaged
one, or one whose tensors leave holes, is refused.
"""
import math
import sys

import safetensors_io

WANTED = ("name", "purpose", "architecture", "scale", "license", "training_data")


def parse_pairs(words):
    """KEY=VALUE words as a dict; raises ValueError for a word without a key or a missing key."""
    pairs = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key or not value:
            raise ValueError(f"{word}: expected KEY=VALUE")
        pairs[key] = value
    missing = [key for key in WANTED if key not in pairs]
    if missing:
        raise ValueError("missing: " + ", ".join(missing))
    return pairs


def show(tensors, metadata):
    """Print what a file says of itself."""
    for key, value in metadata.items():
        print(f"{key}: {value}")
    n = sum(math.prod(t.shape) for t in tensors.values())
    types = ", ".join(sorted({t.dtype for t in tensors.values()}))
    print(f"{len(tensors)} tensors of {types}, {n} parameters")


def main():
    """Read, then print or write."""
    args = sys.argv[1:]
    if len(args) != 1 and len(args) < 3:
        raise SystemExit(__doc__)
    try:
        tensors, metadata = safetensors_io.load(args[0])
        if len(args) == 1:
            show(tensors, metadata)
            return
        safetensors_io.save(args[1], tensors, parse_pairs(args[2:]))
        if safetensors_io.load(args[1])[0] != tensors:
            raise ValueError(f"{args[1]}: the tensors changed on the way")
    except (OSError, ValueError) as e:
        raise SystemExit(f"model_metadata: {e}")


if __name__ == "__main__":
    main()
