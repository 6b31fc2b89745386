# SPDX-License-Identifier: Apache-2.0
"""Measure systems in turns: what bench/run does between its command line and its table.

A row is a dict of text and numbers by the names in FIELDS, as it goes into a CSV file. Rows of the
same KEY are of the same case: the newer one takes the place of the older.

Needs python3 with numpy (Debian: python3-numpy).
"""
import pathlib
import statistics
import time

import numpy as np

import peers
import records

PAUSE_S = 0.05  # between turns: lets the threads of the one before go to sleep
MAX_DUMP_MB = 256  # larger results are not compared
SIZE = (500, 500)  # of the picture that --growth runs with one thread and more
LAST_SIZE = (4000, 3000)
LIMIT_MB, LIMIT_S = 8 << 10, 300  # of a peer in --growth, for one picture
CASE_S = 120  # a case of --growth begins no further round after that
MB = 1 << 20

FIELDS = """date commit machine cores model network width height system version mode variant cpu
threads runs median_s min_s max_s gflops ratio peak_mb beyond_mb working_mb psnr_db note""".split()
KEY = "machine cores model width height system mode threads".split()


# ---- one case --------------------------------------------------------------------------------

def attempt(system, step):
    """Do it; false, with a note, if a peer fails. That Fovea fails ends the program."""
    try:
        step()
    except peers.Missing as e:
        if system.name == "Fovea":
            raise SystemExit(f"bench/run: Fovea cannot be measured: {e}") from e
        records.say(f"{system.name} {system.mode} is left out: {e}")
        system.facts["note"], system.seconds = str(e), []
        return False
    return True


def rounds(systems, n_runs, limit_s=None):
    """Let systems take turns; the first round is not counted."""
    alive = [system for system in systems if attempt(system, system.start)]
    start = time.monotonic()
    for i in range(n_runs + 1):
        for system in list(alive):
            time.sleep(PAUSE_S)
            if not attempt(system, system.run):
                alive.remove(system)
        if i:
            records.say(f"round {i} of {n_runs}")
        if limit_s and i and time.monotonic() - start > limit_s:
            break
    for system in alive:
        if attempt(system, system.finish):
            system.seconds = system.seconds[1:]


def psnr(a, b):
    """Of two results, in dB, as text."""
    mse = float(np.mean((a.astype(np.float64) - b) ** 2))
    return "same" if mse == 0 else f"{-10 * np.log10(mse):.1f}"


def compare(systems, case, scale):
    """Note for each system how near its result is to that of PyTorch in float32."""
    pytorch = [s for s in systems if (s.name, s.mode) == ("PyTorch", "float32") and s.seconds]
    if not pytorch or not pytorch[0].dump:
        return
    reference = pytorch[0].result(case, scale)
    for system in systems:
        if system is pytorch[0]:
            system.facts["psnr_db"] = "reference"
        elif system.seconds:
            system.facts["psnr_db"] = psnr(system.result(case, scale), reference)


def empty_row(case, name, mode, note=""):
    """The columns that are known before anything is measured."""
    return {"model": pathlib.Path(case.model).name, "width": case.width, "height": case.height,
            "system": name, "mode": mode, "threads": case.threads, "note": note}


def row(case, system, base_s, facts):
    """A system's row; base_s is the time of Fovea's fast mode, facts are Fovea's."""
    found = empty_row(case, system.name, system.mode, system.facts.get("note", ""))
    found["network"] = facts["architecture"]
    for key in ("version", "variant", "cpu", "psnr_db"):
        found[key] = system.facts.get(key, "")
    if system.seconds:
        median = statistics.median(system.seconds)
        flop = 2 * facts["multiply_adds"] * case.width * case.height
        peak_mb = system.facts["peak_kb"] / 1024
        pictures_mb = case.pictures_bytes(facts["scale"]) / MB
        found |= {
            "runs": len(system.seconds), "median_s": f"{median:.4f}",
            "min_s": f"{min(system.seconds):.4f}", "max_s": f"{max(system.seconds):.4f}",
            "gflops": f"{flop / median / 1e9:.1f}",
            "ratio": f"{median / base_s:.3f}" if base_s else "",
            "peak_mb": f"{peak_mb:.1f}", "beyond_mb": f"{peak_mb - pictures_mb:.1f}"}
        if "idle_kb" in system.facts:  # of a peer: what it takes before any picture
            found["idle_mb"] = max(0, system.facts["idle_kb"] / 1024 - pictures_mb)
    if "working_bytes" in system.facts:
        found["working_mb"] = f"{system.facts['working_bytes'] / MB:.1f}"
    return found


def measure(o, case, others, limit_s=None, without=(), together=True):
    """Rows of one case: Fovea's modes, then the peers but those named in `without`."""
    dumps = case.pictures_bytes(4) / MB < MAX_DUMP_MB
    ours = [(mode, None) for mode in o.modes] + [("fast", level) for level in o.cpu]
    systems = [peers.fovea(o.engine, case, mode, level, dumps and others.folder / f"fovea-{i}")
               for i, (mode, level) in enumerate(ours)]
    systems += [s for s in others.systems(case, dumps) if (s.name, s.mode) not in without]
    if not together:
        records.say("Not all fit into memory together: one after another.")
    try:
        for group in ([systems] if together else [[s] for s in systems]):
            rounds(group, o.runs, limit_s)
    finally:
        for system in systems:
            system.stop()
    facts = dict(systems[0].facts)  # of the network, as Fovea has it or rather its definition
    facts |= {k: v for s in systems for k, v in s.facts.items() if k == "multiply_adds"}
    compare(systems, case, facts["scale"])
    fast = [statistics.median(s.seconds) for s in systems if s.mode == "fast"]
    rows = [row(case, s, fast[0] if fast else None, facts) for s in systems]
    return rows + [empty_row(case, *peers.NAMES[name], note)
                   for name, note in others.missing.items()]


def check_fovea(o):
    """End the program if Fovea cannot run the network at all."""
    ours = peers.fovea(o.engine, peers.Case(o.model, 8, 8, o.threads), "fast")
    rounds([ours], 0)


def one(o, others):
    """Rows of the case that the command line names."""
    return measure(o, peers.Case(o.model, *o.size, o.threads), others)


# ---- growth ----------------------------------------------------------------------------------

def needed(before, case):
    """(MB, seconds) that a system needs for a picture, judged by its row for a smaller one."""
    factor = case.width * case.height / (before["width"] * before["height"])
    idle_mb, peak_mb, seconds = (float(before.get(key) or 0) for key in
                                 ("idle_mb", "peak_mb", "median_s"))
    return idle_mb + (peak_mb - idle_mb) * factor, seconds * factor


def too_much(before, case):
    """Why a peer is left out, or None."""
    mb, seconds = needed(before, case)
    if mb > LIMIT_MB:
        return f"it would need about {mb / 1024:.0f} GB"
    if seconds > LIMIT_S:
        return f"it would need about {seconds / 60:.0f} minutes"
    return None


def free_mb():
    """Memory that can be had without swapping."""
    text = pathlib.Path("/proc/meminfo").read_text(encoding="ascii")
    return int(text.split("MemAvailable:")[1].split()[0]) / 1024


def grow(o, others):
    """Rows for all widths, then for all numbers of threads."""
    tried, rows = {}, []  # the last row of each system that was not left out as too much
    for width in o.widths:
        size = LAST_SIZE if width == LAST_SIZE[0] else (width, width)
        case = peers.Case(o.model, *size, o.threads)
        without = {key: why for key, before in tried.items() if key[0] != "Fovea"
                   and (why := before["note"] or too_much(before, case))}
        need_mb = sum(needed(tried[key], case)[0] for key in tried if key not in without)
        records.say(f"{case.width}x{case.height}, {case.threads} threads")
        found = measure(o, case, others, CASE_S, without, need_mb < 0.8 * free_mb())
        tried |= {(r["system"], r["mode"]): r for r in found}
        rows += found + [empty_row(case, *key, why) for key, why in without.items()
                         if key not in ((r["system"], r["mode"]) for r in found)]
    for threads in range(1, records.n_cores() + 1):
        case = peers.Case(o.model, *SIZE, threads)
        if threads != o.threads or SIZE[0] not in o.widths:
            records.say(f"{case.width}x{case.height}, {threads} threads")
            rows += measure(o, case, others, CASE_S)
    return rows
