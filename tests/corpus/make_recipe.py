#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/corpus/recipe/: recipes of each operation at both ends of its ranges, and wrong ones.

    tests/corpus/make_recipe.py FOLDER
"""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import ops_table  # noqa: E402

WRONG = {
    "empty": "",
    "no-array": "{}",
    "deep": "[" * 3000 + "]" * 3000,
    "not-utf-8": '[{"type": "\udcff"}]',
    "twice": '[{"type": "blur", "sigma": 1, "sigma": 2}]',
    "huge-number": '[{"type": "blur", "sigma": 1e999}]',
    "long-name": '[{"type": "' + "x" * 5000 + '"}]',
    "long-value": '[{"type": "tint", "hex_color": "' + "\\u2603" * 500 + '"}]',
    "nul": '[{"type": "upscale", "factor": "2\\u0000"}]',
    "many": json.dumps([{"type": "flip"}] * 31),
    "shrinks-away": json.dumps([{"type": "rotate", "angle_in_degrees": 45},
                                {"type": "crop", "left_in_px": 0, "top_in_px": 0, "width_in_px": 1,
                                 "height_in_px": 1}, {"type": "denoise", "size": 2}]),
}


def main():
    """All of them."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for op in ops_table.read():
        both = [{"type": op.name} | {f.name: f.ends()[i % len(f.ends())] for f in op.fields}
                for i in range(2)]
        (folder / op.name).write_text(json.dumps(both), encoding="utf-8")
    for name, text in WRONG.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main()
