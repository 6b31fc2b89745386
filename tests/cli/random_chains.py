#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run random chains of 1 to 30 operations: none crashes, and each result has the size that
--dry-run says beforehand.

    random_chains.py FOVEA N PICTURE...

Fields are drawn from the table of operations; a chain that is refused, because an operation does
not suit the picture by then, must be refused by the dry run with the same sentence. The seed is
printed; FOVEA_TEST_SEED takes it back.
"""
import json
import os
import pathlib
import random
import subprocess
import sys

from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import ops_table  # noqa: E402

LARGEST = 400  # pixels a side that a chain may reach, so that it ends soon
PIXELS = 120  # what a field of pixels is drawn up to


def draw(field, chance):
    """A value of a field."""
    if field.kind in ("INT", "FACTOR", "REAL", "ABOVE"):
        least, most = field.ends()
        most = min(most, PIXELS if field.name.endswith("_in_px") else
                   {"sigma": 4, "size": 7}.get(field.name, most))
        if field.kind in ("INT", "FACTOR"):
            return chance.randint(least, int(most))
        return round(chance.uniform(least, most), 3)
    if field.kind == "COLOUR":
        return f"#{chance.randrange(1 << 24):06x}"
    return chance.choice(field.ends())


def chain(operations, chance):
    """Operations with fields."""
    left_out = ("convert", "compress_to_size", "trim", "remove_background")
    wanted = [op for op in operations if op.name not in left_out]
    recipe = []
    for _ in range(chance.randint(1, 30)):
        op = chance.choice(wanted)
        if op.name == "upscale" and sum(o["type"] == "upscale" for o in recipe):
            continue  # they multiply
        fields = {f.name: draw(f, chance) for f in op.fields
                  if (f.required or chance.random() < 0.5) and f.name not in ("detail", "denoise")}
        if op.name == "modulate":
            fields["hue"] = 10
        if op.name == "crop":
            fields |= {"left_in_px": chance.randint(0, 6), "top_in_px": chance.randint(0, 6),
                       "width_in_px": chance.randint(8, 40), "height_in_px": chance.randint(8, 34)}
        recipe.append({"type": op.name, **fields})
    return recipe


def run(fovea, source, recipe, *more):
    """Status, output, error."""
    done = subprocess.run([fovea, "transform", source, "out.png", "--ops", json.dumps(recipe),
                           *more], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def main():
    """All of it."""
    fovea, n, sources = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    seed = int(os.environ.get("FOVEA_TEST_SEED", str(random.SystemRandom().randrange(1 << 30))))
    print(f"seed {seed}")
    chance, operations, made = random.Random(seed), ops_table.read(), 0
    for i in range(n):
        recipe, source = chain(operations, chance), sources[i % len(sources)]
        while True:
            status, said, why = run(fovea, source, recipe, "--dry-run", "--json")
            told = json.loads(said)
            if status or max(told["width_px"], told["height_px"]) <= LARGEST:
                break
            recipe.pop()  # a shorter chain stays small
        got, _, sentence = run(fovea, source, recipe, "--force")
        what = json.dumps(recipe)
        if got != status or (status and sentence != why):
            raise SystemExit(f"{what}: {status} {why} but {got} {sentence}")
        if status:
            continue
        made += 1
        size = Image.open("out.png").size
        if size != (told["width_px"], told["height_px"]):
            raise SystemExit(f"{what}: is {size}, told {told}")
    if made < n // 4:
        raise SystemExit(f"only {made} of {n} chains could be run")
    print(f"{made} of {n} chains were run")


if __name__ == "__main__":
    main()
