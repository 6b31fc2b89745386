#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bring the figures of a model's card up to date with its file.

usage: train/card.py CARD.md --program FOVEA [--set NAME=FOLDER]...
                     [--look NAME=FOLDER]... [--jpeg QUALITY] [--features FILE]

The card stands beside MODEL.safetensors, with the same name. Its words are written by hand; its
figures are not: in the table at its head file, sha256, parameters, multiply-adds and reach, the
sha256 in its commands; for each --set the rows of its scores that are bicubic's and the model's
own, of "NAME" or "NAME, JPEG 75", measured by `fovea eval`; for each --look those of "NAME, looked
at" or "NAME, looked at, JPEG 75", measured by train/perceptual.py with the features in FILE. A
figure that the card has no row for is an error.

Needs python3 alone; with --look what train/perceptual.py needs.
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


def split(named):
    """NAME=FOLDER as its two words."""
    name, equals, folder = named.partition("=")
    if not equals:
        raise ValueError(f"{named}: expected NAME=FOLDER")
    return name, folder


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


def through(jpeg):
    """What a title says of it."""
    return f", JPEG {jpeg}" if jpeg else ""


def scores(card, model, program, name, folder, jpeg):
    """The card with the scores on one set of pictures."""
    scale = ask(program, "models", "check", model)["scale"]
    name += through(jpeg)
    pictures = ask(program, "eval", "--model", model, "--set", folder, "--scale", scale,
                   *(("--jpeg", jpeg) if jpeg else ()))
    mean = pictures[-1]  # "mean of 5 x4"
    for method, key in (("bicubic", "bicubic"), (model.stem, "model")):
        psnr, ssim = mean[key]["psnr_y_db"], mean[key]["ssim_y"]
        card = put(card, rf"\| {name} \| {re.escape(method)} \|",
                   f"| {name} | {method} | {psnr:.2f} | {ssim:.4f} |")
    return card


def looks(card, model, name, folder, o):
    """The card with what perceptual.py measures of the model, its dial where it stands."""
    import perceptual  # pylint: disable=import-outside-toplevel # needs PyTorch

    if not o.features:
        raise ValueError("--look needs --features")
    scale = ask(o.program, "models", "check", model)["scale"]
    wanted = argparse.Namespace(models=[str(model)], program=o.program, set=folder, scale=scale,
                                features=o.features, jpeg=o.jpeg, keep=None)
    title = f"{name}, looked at" + through(o.jpeg)
    for method, (distance, consistency, colour) in perceptual.measure(wanted, []).items():
        card = put(card, rf"\| {title} \| {re.escape(method)} \|",
                   f"| {title} | {method} | {distance:.3f} | {consistency:.1f} | {colour:.2f} |")
    return card


def main():
    """The command line."""
    p = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("card", type=pathlib.Path, metavar="CARD.md")
    p.add_argument("--program", required=True, metavar="FOVEA")
    p.add_argument("--set", action="append", default=[], metavar="NAME=FOLDER")
    p.add_argument("--look", action="append", default=[], metavar="NAME=FOLDER")
    p.add_argument("--jpeg", type=int, metavar="QUALITY")
    p.add_argument("--features", metavar="FILE")
    o = p.parse_args()
    model = o.card.with_suffix(".safetensors")
    try:
        card = facts(o.card.read_text(encoding="utf-8"), model, o.program)
        for one in o.set:
            card = scores(card, model, o.program, *split(one), o.jpeg)
        for one in o.look:
            card = looks(card, model, *split(one), o)
        o.card.write_text(card, encoding="utf-8")
    except (OSError, ValueError, KeyError) as e:
        raise SystemExit(f"card: {o.card}: {e}") from e


if __name__ == "__main__":
    main()
