#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bring the figures of a model's card up to date with its file.

usage: train/card.py CARD.md --program FOVEA [--set NAME=FOLDER]...

The card stands beside MODEL.safetensors, with the same name. Its words are written by hand; its
figures are not: in the table at its head file, sha256, parameters, multiply-adds and reach, the
sha256 in its commands and, for each --set, the rows of its first scores that are bicubic's and the
model's own, measured by `fovea eval`. A figure that the card has no row for is an error.

Needs python3 alone.
"""
import argparse
import hashlib
import json
import pathlib
import re
import subprocess


def ask(program, *words):
    """What the program says with --json."""
    run = subprocess.run([program, *map(str, words), "--json"], capture_output=True, text=True,
                         check=False)
    if run.returncode:
        raise ValueError(run.stderr.strip() or f"{program} ended with {run.returncode}")
    return json.loads(run.stdout)


def put(card, pattern, row):
    """The card with `row` in the place of the first line that matches."""
    new, n = re.subn(f"^{pattern}.*$", lambda _: row, card, count=1, flags=re.MULTILINE)
    if n == 0:
        raise ValueError(f"the card has no line like '{pattern}'")
    return new


def facts(card, model, program):
    """The card with the facts of the file."""
    data = model.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    known = ask(program, "models", "check", model)
    reach = f"{known['receptive_radius_px']} pixels of the input to each side"
    for key, value in {
        "file": f"`{model.name}`, {len(data):,} bytes",
        "sha256": f"`{digest}`",
        "parameters": f"{known['parameters']:,}",
        "multiply-adds": f"{known['multiply_adds_per_pixel']:,} for each pixel of the input",
        "reach": reach,
    }.items():
        card = put(card, rf"\| {key} \|", f"| {key} | {value} |")
    return put(card, r'echo "[0-9a-f]{64}  ', f'echo "{digest}  {model.name}" | sha256sum -c')


def scores(card, model, program, name, folder):
    """The card with the scores on one set of pictures."""
    scale = ask(program, "models", "check", model)["scale"]
    pictures = ask(program, "eval", "--model", model, "--set", folder, "--scale", scale)
    mean = pictures[-1]  # "mean of 5 x4"
    for method, key in (("bicubic", "bicubic"), (model.stem, "model")):
        psnr, ssim = mean[key]["psnr_y_db"], mean[key]["ssim_y"]
        card = put(card, rf"\| {name} \| {re.escape(method)} \|",
                   f"| {name} | {method} | {psnr:.2f} | {ssim:.4f} |")
    return card


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("card", type=pathlib.Path, metavar="CARD.md")
    p.add_argument("--program", required=True, metavar="FOVEA")
    p.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    o = p.parse_args()
    model = o.card.with_suffix(".safetensors")
    try:
        card = facts(o.card.read_text(encoding="utf-8"), model, o.program)
        for one in o.set:
            name, equals, folder = one.partition("=")
            if not equals:
                raise ValueError(f"--set {one}: expected NAME=FOLDER")
            card = scores(card, model, o.program, name, folder)
        o.card.write_text(card, encoding="utf-8")
    except (OSError, ValueError, KeyError) as e:
        raise SystemExit(f"card: {o.card}: {e}") from e


if __name__ == "__main__":
    main()
