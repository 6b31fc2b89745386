#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run clang-tidy over src/, and not again over what has not changed since it was found clean.

    tools/tidy.py BUILD_DIR          a build directory of clang, for its compile_commands.json

The analyser takes seconds a file. A file is its preprocessed text with comments and macros,
.clang-tidy and the tool's version; the digests of clean files are kept in the build directory.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def commands(build):
    """For each file of src/ its compile command, once."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(ROOT / "src"):
            found.setdefault(path, shlex.split(entry["command"]))
    return found


def digest(build, command, settings):
    """What decides clang-tidy's verdict on a file."""
    # Up to -o and the file's name: everything that steers the preprocessor.
    flags = [f for f in command if f.startswith(("-I", "-D", "-U", "-m", "-f", "-W", "-std", "-O"))]
    run = subprocess.run(["clang", *flags, "-E", "-C", "-dD", command[-1]], cwd=build,
                         capture_output=True, check=False)
    # A file that does not compile has no digest, so that clang-tidy says what is wrong.
    return hashlib.sha256(settings + repr(flags).encode() + run.stdout).hexdigest() \
        if run.returncode == 0 else None


def tidy(build, path, command, settings):
    """None for a clean file, else what clang-tidy says."""
    stamp = build / "tidy" / (path.relative_to(ROOT).as_posix().replace("/", "-") + ".sha256")
    now = digest(build, command, settings)
    if now and stamp.exists() and stamp.read_text() == now:
        return None
    # In a kernel, int * int counts vectors of a row; elsewhere it may be a whole picture's pixels.
    less = ["--checks=-bugprone-implicit-widening-of-multiplication-result"] \
        if path.is_relative_to(ROOT / "src/net/kernels") else []
    run = subprocess.run(["clang-tidy", "--quiet", *less, "-p", str(build), str(path)],
                         capture_output=True, text=True, check=False)
    if run.returncode:
        return run.stdout + re.sub(r"(?m)^\d+ warnings?.* generated\.\n", "", run.stderr)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(now or "")
    return None


def main():
    build = ROOT / sys.argv[1]
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    settings = (ROOT / ".clang-tidy").read_bytes() + version
    todo = commands(build)
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        said = list(pool.map(lambda item: tidy(build, *item, settings), todo.items()))
    wrong = [text for text in said if text]
    print(*wrong, sep="\n", end="")
    # Once more without the explanations: a header's finding comes with every file that reads it.
    brief = {re.sub(r"^.*?/((?:src|include)/.*: error: )", r"\1", line)
             for text in wrong for line in text.splitlines() if " error: " in line}
    print(*sorted(brief), sep="\n", end="\n" if brief else "")
    print("tidy:", f"{len(wrong)} of {len(todo)} files" if wrong else f"ok, {len(todo)} files")
    return bool(wrong) or not todo


if __name__ == "__main__":
    sys.exit(main())
