#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a meson build directory, or bring an old one to the options asked for.

    tools/configure.py DIR [-Doption=value ...] [--if-new -Doption=value ...]

What follows --if-new counts only when the directory is made, and is left alone later. Silent
and quick when nothing has to change, so that scripts may call it each time. A directory that
belongs to another place (the tree was moved or copied) or is half made is made afresh.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys


def state(build, root):
    """The options `build` has, or None when it is no working build directory of this tree."""
    try:
        info = json.loads((build / "meson-info/meson-info.json").read_text())
        listed = json.loads((build / "meson-info/intro-buildoptions.json").read_text())
        places = info["directories"]
        moved = (pathlib.Path(places["source"]) != root
                 or pathlib.Path(places["build"]) != build)
    except (OSError, ValueError, KeyError):
        return None
    if moved or info["error"] or not (build / "build.ninja").exists():
        return None
    return {option["name"]: option["value"] for option in listed}


def same(have, want):
    """Does an option's value, as meson reports it, mean what the command line says?"""
    if isinstance(have, list):
        return ",".join(have) == want
    return (str(have).lower() if isinstance(have, bool) else str(have)) == want


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    build = root / sys.argv[1]
    options = sys.argv[2:]
    at = options.index("--if-new") if "--if-new" in options else len(options)
    wanted = dict(option.removeprefix("-D").split("=", 1) for option in options[:at])
    have = state(build, root)

    if have is None:
        # Only what meson made is removed; anything else in the way is for a person to look at.
        if (build / "meson-private").is_dir():
            shutil.rmtree(build)
        command = ["meson", "setup", *options[:at], *options[at + 1:], str(build), str(root)]
    elif all(name in have and same(have[name], value) for name, value in wanted.items()):
        return 0
    else:
        command = ["meson", "configure", *options[:at], str(build)]
    return subprocess.run(command, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
