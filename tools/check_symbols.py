#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fail unless the library exports exactly the functions that include/fovea/ declares.

    tools/check_symbols.py BUILD_DIR
    tools/check_symbols.py --self-test

A name that leaks is one that somebody will come to depend on; a declared one that is missing
is a header that lies. Both are asked of the file itself, shared or static.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

LIBRARY = "libfovea"
# Added by some linkers to every shared library.
LINKERS = {"_init", "_fini", "_edata", "_end", "__bss_start"}


def declared(headers):
    """Names behind FOV_API."""
    names = set()
    for header in headers:
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"^[ \t]*#.*$", "", text, flags=re.M)
        names |= set(re.findall(r"\bFOV_API\b[^;(]*?(\w+)\s*\(", text))
    return names


def exported(library):
    """Names that a program can link to: defined, and not hidden."""
    table = "--dyn-syms" if ".so" in library.name else "--syms"
    run = subprocess.run(["readelf", "--wide", table, str(library)], capture_output=True,
                         text=True, check=True)
    names = set()
    for line in run.stdout.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[4] in ("GLOBAL", "WEAK") and fields[6] != "UND" and \
                fields[5] in ("DEFAULT", "PROTECTED"):
            names.add(fields[7].split("@")[0])
    return names - LINKERS


def libraries(build):
    """The built library, each kind once (a shared one has several links to it)."""
    found = {p.resolve() for p in build.rglob(LIBRARY + ".*")
             if re.search(r"\.(a|so[.\d]*)$", p.name) and p.is_file()}
    return sorted(found)


def check(build, headers):
    """What is wrong, a line each."""
    public, files = declared(headers), libraries(build)
    wrong = [] if files else [f"there is no {LIBRARY} under {build}"]
    for library in files:
        names = exported(library)
        wrong += [f"{library.name}: exports {n}, which no public header declares"
                  for n in sorted(names - public)]
        wrong += [f"{library.name}: does not export {n}" for n in sorted(public - names)]
    return wrong


def self_test():
    """A library with one name too many and one too few, of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "a.h").write_text("FOV_API int fov_there(int a);\n"
                                  "FOV_API void fov_missing(void);\n")
        (root / "a.c").write_text("int fov_there(int a) { return a; } int fov_leak;\n"
                                  "__attribute__((visibility(\"hidden\"))) int fov_hidden;\n")
        for command in (["gcc", "-c", "-fPIC", "a.c"], ["ar", "rc", LIBRARY + ".a", "a.o"],
                        ["gcc", "-shared", "-o", LIBRARY + ".so.1", "a.o"]):
            subprocess.run(command, cwd=root, check=True)
        found = check(root, [root / "a.h"])
        if len(found) != 4 or sum("fov_leak" in f for f in found) != 2 or \
                sum("fov_missing" in f for f in found) != 2:
            raise SystemExit(f"check_symbols: {found}")


def main():
    self_test()
    if sys.argv[1:] == ["--self-test"]:
        return 0
    root = pathlib.Path(__file__).resolve().parent.parent
    headers = sorted((root / "include/fovea").glob("*.h"))
    wrong = check(root / sys.argv[1], headers)
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print("check_symbols:", f"{len(wrong)} wrong" if wrong
          else f"ok, {len(declared(headers))} public functions")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
