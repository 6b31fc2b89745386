#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Write a network as ONNX, for peer_ort.js: the reference definition, traced by PyTorch.

usage: export_onnx.py MODEL WIDTH HEIGHT OUT.onnx

The result takes "picture", float32 [1, 3, HEIGHT, WIDTH], and gives "result". The size is fixed,
which is the best case for a runtime that plans its memory.

Needs python3 with torch, numpy and onnx (Debian: python3-torch, python3-onnx).
"""
import pathlib
import sys
import warnings

import onnx
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import reference_nets as nets  # noqa: E402
import traced  # noqa: E402

OPSET = 17  # the newest that Debian's PyTorch 1.13 writes
AXES = {2: "height", 3: "width"}


def export(weights, width, height, path):
    """Trace with a small picture, then give the file the size of the large one."""
    sample = traced.sample(weights, torch.zeros(1, 3, height, width))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, that sizes are constants: they are
        torch.onnx.export(
            traced.Network(weights).eval(), sample, path, opset_version=OPSET,
            input_names=["picture"], output_names=["result"],
            dynamic_axes={"picture": AXES, "result": {2: "tall", 3: "wide"}})
    model = onnx.load(path)
    scale = nets.scale(weights)
    for value, factor in ((model.graph.input[0], 1), (model.graph.output[0], scale)):
        for axis, side in ((2, height), (3, width)):
            value.type.tensor_type.shape.dim[axis].dim_value = side * factor
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main():
    """The command line."""
    if len(sys.argv) != 5 or not (sys.argv[2] + sys.argv[3]).isdigit():
        raise SystemExit(__doc__)
    try:
        export(nets.weights(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
    except (OSError, ValueError, RuntimeError) as e:
        raise SystemExit(f"export_onnx: {str(e).strip().splitlines()[0]}") from e


if __name__ == "__main__":
    main()
