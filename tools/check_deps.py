#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fail when a source file includes a header its module may not see.

    tools/check_deps.py [SRC]       SRC is src/ of this tree unless named
    tools/check_deps.py --self-test

ALLOWED is the architecture diagram in executable form, OWNED the list of libraries with the
folders that may know them: change them in the same commit as ARCHITECTURE.md or not at all.
"""
import pathlib
import re
import sys
import tempfile

ALLOWED = {
    "base": {"base"},
    "net": {"base", "net"},
    "image": {"base", "net", "image"},
    "judge": {"base", "net", "image", "judge"},
    "store": {"base", "store"},
    "worker": {"base", "net", "image", "judge", "worker"},
    "server": {"base", "store", "worker", "server"},
    "cli": {"base", "net", "image", "judge", "store", "worker", "server", "cli"},
}

# The public API: the file of include/fovea/ and the paths in src/ that may include it. Everyone
# else gets the error codes through base/err.h.
PUBLIC = {
    "fovea/err.h": r"base/.*",
    "fovea/fovea.h": r"net/engine\.c|net/[^/]+\.h|(image|judge|worker|cli)/.*",
}

# Headers of libraries, by how their names begin, with the folders that may include them.
OWNED = {
    "vips/": {"image"},
    "glib": {"image"},
    "gobject/": {"image"},
    "gio/": {"image"},
    "gmodule.h": {"image"},
    "dlfcn.h": {"image"},
    "gdk-pixbuf/": {"image"},
    "fontconfig/": {"image"},
    "isa-l/": {"image"},
    "jansson.h": {"image", "server", "cli"},
    "sqlite3.h": {"store"},
    "openssl/": {"store", "server"},
    "libpq": {"store"},
    "postgresql/": {"store"},
    "microhttpd.h": {"server"},
    "curl/": {"server"},
    "ini.h": {"server", "cli"},
    "seccomp.h": {"worker"},
    "linux/": {"worker"},
    "pthread.h": {"base", "worker", "server"},
    "threads.h": {"base"},
    "cpuid.h": {"base"},
    "immintrin.h": {"net/kernels/x86"},
    "x86intrin.h": {"net/kernels/x86"},
    "emmintrin.h": {"net/kernels/x86"},
    "arm_neon.h": {"net/kernels/arm"},
    "arm_sve.h": {"net/kernels/arm"},
}

# The C library, for everybody. A header in neither list is a new dependency: decide who owns it.
LIBC = {name + ".h" for name in """
    complex ctype dirent errno fcntl fenv float fnmatch getopt glob inttypes iso646 langinfo libgen
    limits locale malloc math netdb poll pwd sched setjmp signal spawn stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn string strings sysexits syslog termios tgmath
    time uchar unistd wchar wctype""".split()}
LIBC_FOLDERS = ("sys/", "net/if.h", "netinet/", "arpa/")

INCLUDE = re.compile(r'\s*#\s*include(?:_next)?\b\s*(?:([<"])([^>"]+)[>"]|(\S+))')


def within(folder, path):
    """Does `path`, relative to src/, lie in `folder`?"""
    return path.startswith(folder + "/")


def complaint(path, kind, name):
    """Why `path` (relative to src/) may not include `name`, or None."""
    module = path.split("/")[0]
    first = name.split("/")[0]
    if module not in ALLOWED:
        return f"src/{module}/ is not in the table of modules"
    if name in PUBLIC:
        return None if re.fullmatch(PUBLIC[name], path) else f"{path} may not include {name}"
    if first == "fovea":
        return f"there is no public header {name}"
    if first in ("tests", "bench") or ".." in name.split("/"):
        return f"src/ may not include {name}"
    owners = next((o for start, o in OWNED.items() if name.startswith(start)), None)
    if owners:
        if any(within(owner, path) for owner in owners):
            return None
        return f"only {', '.join(sorted(owners))} may include {name}"
    if kind == "<":
        if name in LIBC or name.startswith(LIBC_FOLDERS):
            return None
        return f"<{name}> has no owner in the table"
    if first not in ALLOWED or "/" not in name:
        return f'"{name}" does not begin with a module; write "{module}/{name}"'
    if first not in ALLOWED[module]:
        return f"{module}/ may not include {name}"
    return None


def check(root):
    """All complaints about the tree `root`, as "path:line: why"."""
    found = []
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".c", ".h", ".def")):
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, name, computed = match.groups()
            why = (f"write the name of the header instead of {computed}" if computed
                   else complaint(path.relative_to(root).as_posix(), kind, name))
            if why:
                found.append(f"{path}:{n}: {why}")
    return found


# What must be let through, and one violation of each kind with a word its complaint must hold.
GOOD = [
    ("base/err.h", '"fovea/err.h"'), ("base/pool.c", "<pthread.h>"), ("base/cpu.c", "<sched.h>"),
    ("net/engine.c", '"fovea/fovea.h"'), ("net/wave.h", '"fovea/fovea.h"'),
    ("net/wave.c", '"base/pool.h"'), ("net/kernels/kernels.c", '"net/kernels/kernels.def"'),
    ("net/kernels/x86/a_avx2.c", "<immintrin.h>"), ("net/kernels/arm/a_neon.c", "<arm_neon.h>"),
    ("image/load.c", "<vips/vips.h>"), ("image/load.c", "<glib.h>"),
    ("image/png.c", "<isa-l/crc.h>"),
    ("image/recipe.c", "<jansson.h>"), ("judge/assess.c", '"fovea/fovea.h"'),
    ("judge/assess.c", '"image/load.h"'), ("cli/main.c", '"judge/assess.h"'),
    ("cli/main.c", "<jansson.h>"), ("store/store_sqlite.c", "<sqlite3.h>"),
    ("server/http.c", "<microhttpd.h>"), ("worker/sandbox.c", "<seccomp.h>"),
    ("base/log.c", "<sys/stat.h>"),
]
BAD = [
    ("base/mem.c", '"net/plan.h"', "base/ may not"),
    ("net/wave.c", '"image/load.h"', "net/ may not"),
    ("image/load.c", '"judge/assess.h"', "image/ may not"),
    ("judge/assess.c", '"cli/options.h"', "judge/ may not"),
    ("server/http.c", '"image/load.h"', "server/ may not"),
    ("store/store_sqlite.c", '"net/plan.h"', "store/ may not"),
    ("worker/worker.c", '"store/store.h"', "worker/ may not"),
    ("net/wave.c", "<vips/vips.h>", "only image"),
    ("judge/assess.c", "<vips/vips.h>", "only image"),
    ("cli/main.c", "<glib.h>", "only image"),
    ("net/zip.c", "<isa-l/igzip_lib.h>", "only image"),
    ("base/log.c", "<gobject/gobject.h>", "only image"),
    ("net/json.c", "<jansson.h>", "only cli, image, server"),
    ("cli/main.c", "<sqlite3.h>", "only store"),
    ("server/http.c", "<libpq-fe.h>", "only store"),
    ("cli/main.c", "<microhttpd.h>", "only server"),
    ("image/load.c", "<curl/curl.h>", "only server"),
    ("server/http.c", "<seccomp.h>", "only worker"),
    ("net/wave.c", "<pthread.h>", "only base"),
    ("net/wave.c", "<immintrin.h>", "only net/kernels/x86"),
    ("net/kernels/kernels.c", "<immintrin.h>", "only net/kernels/x86"),
    ("net/kernels/x86/a_avx2.c", "<arm_neon.h>", "only net/kernels/arm"),
    ("net/wave.c", '"fovea/fovea.h"', "may not include fovea"),
    ("net/kernels/kernels.h", '"fovea/fovea.h"', "may not include fovea"),
    ("base/mem.h", '"fovea/fovea.h"', "may not include fovea"),
    ("net/wave.c", '"fovea/err.h"', "may not include fovea"),
    ("cli/main.c", '"fovea/secret.h"', "no public header"),
    ("net/wave.c", '"tests/unit/wave.h"', "src/ may not"),
    ("net/wave.c", '"bench/bench.h"', "src/ may not"),
    ("net/wave.c", '"../tests/a.h"', "src/ may not"),
    ("net/wave.c", '"plan.h"', "does not begin with a module"),
    ("net/wave.c", "<zlib.h>", "no owner"),
    ("net/wave.c", "HEADER", "instead of HEADER"),
    ("gui/window.c", "<stdio.h>", "not in the table of modules"),
]


def self_test():
    """Each violation alone must be found, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, header, *words in GOOD + BAD:
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"/* a comment */\n#include {header}\n", encoding="utf-8")
            found = check(root)
            file.unlink()
            unsaid = [w for w in words if not any(w in line for line in found)]
            if unsaid or len(found) != len(words):
                raise SystemExit(f"check_deps: #include {header} in {path} gave {found}")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print(f"check_deps: self-test ok ({len(BAD)} violations found, {len(GOOD)} let through)")
        return 0
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1
                        else pathlib.Path(__file__).resolve().parent.parent / "src")
    found = check(root)
    print(*found, sep="\n", end="\n" if found else "")
    print("check_deps:", f"{len(found)} bad include(s)" if found else "ok")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
