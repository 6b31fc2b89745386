#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the model files of other formats in this folder, from networks in .safetensors files.

usage: python3 make_formats.py [DIR]

Reads compact.model.safetensors and writes into DIR (default: the folder of this script):
  compact.zip.pth            its tensors in a dictionary, as torch.save() does it today
  compact.legacy.pth         its state_dict, as torch.save() did before 1.6; one weight is a view
                             that is not contiguous
  compact.ncnn.param, .bin   the same network for ncnn
  compact-shrunk.ncnn.param  with a last layer that makes the result half as large; same .bin
  rrdbnet.model.safetensors  a tiny RRDBNet, random weights: convolutions F16
  rrdbnet.ncnn.param, .bin   the same for ncnn
  rrdbnet-plain.ncnn.param   as a converter writes it that does not optimise; its .bin is the same

What is in the files is the same each time; the names of storages in compact.legacy.pth are
addresses and differ. Needs python3 with torch and numpy (Debian: python3-torch, python3-numpy).
"""
import collections
import pathlib
import sys

import numpy as np
import torch

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools"))
import ncnn_io  # noqa: E402
import safetensors_io as st  # noqa: E402

TYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
FEATURES, GROWTH, BLOCKS = 3, 2, 2


def state_dict(tensors):
    """As a module would give it, in the types of the file."""
    state = collections.OrderedDict()
    for name, t in tensors.items():
        state[name] = torch.frombuffer(bytearray(t.data), dtype=TYPES[t.dtype]).reshape(t.shape)
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state


def rrdbnet():
    """Tensors of an RRDBNet, in the order in which they run."""
    rng = np.random.default_rng(5)
    tensors = {}

    def conv(name, n_out, n_in):
        tensors[name + ".weight"] = st.raw(rng.normal(0, 0.2, (n_out, n_in, 3, 3)), "F16")
        tensors[name + ".bias"] = st.raw(rng.normal(0, 0.1, n_out), "F32")

    conv("conv_first", FEATURES, 3)
    for block in range(BLOCKS):
        for rdb in (1, 2, 3):
            for k in range(1, 6):
                conv(f"body.{block}.rdb{rdb}.conv{k}", GROWTH if k < 5 else FEATURES,
                     FEATURES + (k - 1) * GROWTH)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        conv(name, FEATURES, FEATURES)
    conv("conv_last", 3, FEATURES)
    return tensors


def write_pair(folder, name, pair):
    """A .param and a .bin file."""
    (folder / f"{name}.param").write_text(pair[0])
    (folder / f"{name}.bin").write_bytes(pair[1])


def main():
    """Write everything."""
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    tensors, _ = st.load(HERE / "compact.model.safetensors")
    state = state_dict(tensors)
    torch.save({"params": state, "iter": 7, "rate": 1e-4}, folder / "compact.zip.pth")
    name = "body.2.weight"
    state[name] = state[name].transpose(0, 1).contiguous().transpose(0, 1)
    torch.save(state, folder / "compact.legacy.pth", _use_new_zipfile_serialization=False)

    write_pair(folder, "compact.ncnn", ncnn_io.compact(tensors))
    shrunk = ncnn_io.compact(tensors, shrink=0.5)[0]
    (folder / "compact-shrunk.ncnn.param").write_text(shrunk)
    tensors = rrdbnet()
    st.save(folder / "rrdbnet.model.safetensors", tensors)
    write_pair(folder, "rrdbnet.ncnn", ncnn_io.rrdbnet(tensors))
    (folder / "rrdbnet-plain.ncnn.param").write_text(ncnn_io.rrdbnet(tensors, tuned=False)[0])


if __name__ == "__main__":
    main()
