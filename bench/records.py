# SPDX-License-Identifier: Apache-2.0
"""What every benchmark here shares: packages, this machine's name, tables, and CSV files.

Needs the standard library only.
"""
import argparse
import csv
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"

# Debian's own programs come first: a python3 from elsewhere would not see Debian's packages.
os.environ["PATH"] = "/usr/bin:/bin:" + os.environ.get("PATH", "")


def say(*words):
    """Words for people go to standard error; tables alone to standard output."""
    print(*words, file=sys.stderr, flush=True)


def parser(name, doc):
    """A command line whose help is the head of the script, which holds the usage, too."""
    return argparse.ArgumentParser(prog=name, usage=argparse.SUPPRESS, description=doc,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def positive(text):
    """A number from 1, as the type of an option."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def need_packages(*groups):
    """Install groups of tools/packages.sh; false, after a sentence of its own, if that fails."""
    script = '. tools/packages.sh && need_packages "$@"'
    run = subprocess.run(["sh", "-c", script, "sh", *groups], cwd=ROOT, stdout=sys.stderr,
                         check=False)
    return run.returncode == 0


def build(*targets):
    """Bring build/ up to date and build targets in it; ends the program if that fails."""
    if not need_packages("BUILD"):
        raise SystemExit("the benchmark needs a compiler, or --engine and --program")
    configure = [ROOT / "tools/configure.py", "build", "-Dbuildtype=release", "--if-new",
                 "-Dtests=false"]
    for command in (configure, ["ninja", "-C", "build", *targets]):
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if run.returncode:
            say(run.stdout[-3000:], run.stderr[-3000:])
            raise SystemExit("the build failed: its last words are above")


def cpu_name():
    """The processor, in its own words."""
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = dict(reversed(re.findall(r"^(\S.*?)\s*:[ \t]*(.*)$", text, re.MULTILINE)))
    if "model name" not in found:
        return platform.machine()
    # On a virtual machine the name alone may be that of all generations.
    return "{model name} (family {cpu family}, model {model})".format_map(found)


def n_cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def results_file(suffix=""):
    """Where the figures of this machine are kept."""
    slug = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", cpu_name().lower())).strip("-")
    return RESULTS / f"{slug}-{n_cores()}cores{suffix}.csv"


def commit():
    """The commit that was measured; "+" follows when the tree differs from it."""
    def git(*words):
        run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return run.stdout.strip() if run.returncode == 0 else ""

    name = git("rev-parse", "--short=10", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results",
                  ":!docs")
    return (name or "unknown") + ("+" if changed else "")


def stamp(rows):
    """Write into rows when, where and on what they were measured."""
    common = {"date": datetime.date.today().isoformat(), "commit": commit(), "machine": cpu_name(),
              "cores": n_cores()}
    for row in rows:
        row.update(common)


def read(path):
    """The rows of a CSV file, all values being text; none if there is no such file."""
    if not pathlib.Path(path).is_file():
        return []
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def merge(path, fields, key, rows):
    """Write rows into a CSV file, in place of those of the same case: the same values of `key`."""
    def case(row):
        return tuple(str(row[k]) for k in key)

    new = {case(row) for row in rows}
    kept = [row for row in read(path) if set(key) <= set(row) and case(row) not in new]
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.DictWriter(f, fields, restval="", extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        out.writerows([*kept, *rows])
    say(f"{len(rows)} rows are in {path}")


def save(o, suffix, fields, key, rows):
    """What --csv and --record ask for."""
    stamp(rows)
    for path in filter(None, (o.csv, o.record and results_file(suffix))):
        try:
            merge(path, fields, key, rows)
        except OSError as e:
            raise SystemExit(f"{path}: {e.strerror}") from e


def table(columns, rows):
    """Print rows of text under the heads of columns, (head, is right-aligned); return nothing."""
    cells = [[head for head, _ in columns], *rows]
    widths = [max(len(row[i]) for row in cells if i < len(row)) for i in range(len(columns))]
    for row in cells:
        texts = [text.rjust(width) if right else text.ljust(width)
                 for text, width, (_, right) in zip(row, widths, columns)]
        print("  ".join(texts).rstrip())
    sys.stdout.flush()
