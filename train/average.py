#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The mean of the weights of networks that were trained on from the same one.

usage: train/average.py OUT.safetensors MODEL MODEL...

What training with one order of pictures did to them by chance is gone, so the mean is mostly better
than each, at no cost (Wortsman et al., Model soups, arXiv:2203.05482). OUT says of itself what the
first does. Networks that began apart have no mean that is a network; try `fovea eval` on it.

Needs python3 with torch and numpy.
"""
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import safetensors_io  # noqa: E402


def average(paths):
    """Tensors and metadata of the mean; raises ValueError for networks of two kinds."""
    models = [safetensors_io.load(path) for path in paths]
    first, metadata = models[0]
    for path, (tensors, _) in zip(paths, models):
        if {k: t.shape for k, t in tensors.items()} != {k: t.shape for k, t in first.items()}:
            raise ValueError(f"{path}: is another kind of network than {paths[0]}")
    mean = {}
    for k, t in first.items():
        values = np.mean([safetensors_io.numpy(tensors[k]) for tensors, _ in models], axis=0)
        mean[k] = safetensors_io.raw(values, t.dtype)
    return mean, metadata


def main():
    """The command line."""
    if len(sys.argv) < 4:
        raise SystemExit(__doc__)
    try:
        safetensors_io.save(sys.argv[1], *average(sys.argv[2:]))
    except (OSError, ValueError) as e:
        raise SystemExit(f"average: {e}") from e


if __name__ == "__main__":
    main()
