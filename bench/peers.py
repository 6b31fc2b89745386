# SPDX-License-Identifier: Apache-2.0
"""The systems that bench/run compares: each a child process that enlarges a picture when told to.

The protocol is that of bench_engine (engine.c): JSON at the start, seconds for each line that is
sent, JSON with the peak of its memory at the end of input. A system that cannot be had or that
fails raises Missing, whose text is one sentence that says why.

Needs python3 with numpy (Debian: python3-numpy); the peers need more, which Peers fetches.
"""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from typing import NamedTuple

import numpy as np

import records

BENCH = records.ROOT / "bench"
PEERS = records.ROOT / "build-bench"  # ignored by git
ORT_VERSION = "1.30.0"
MB = 1 << 20
CHOOSE_S = 150  # for which PyTorch may try its variants; without AVX-512 it emulates bf16

# The names on the command line, and the system and mode in the table.
NAMES = {"pytorch": ("PyTorch", "float32"), "pytorch-bf16": ("PyTorch", "bf16"),
              "onnxruntime": ("ONNX Runtime", "float32")}


class Missing(Exception):
    """A system that cannot be measured, and why."""


class Case(NamedTuple):
    """What all systems are given."""

    model: str
    width: int
    height: int
    threads: int

    def pictures_bytes(self, scale):
        """The picture and its result, which every system holds as float32."""
        return 4 * 3 * self.width * self.height * (1 + scale * scale)


def write_picture(case, path):
    """The picture that bench_engine makes (see engine.c), as raw float32, plane after plane."""
    y = np.arange(case.height, dtype=np.uint32)[:, None, None]
    x = np.arange(case.width, dtype=np.uint32)[None, :, None]
    c = np.arange(3, dtype=np.uint32)
    i = (y * np.uint32(case.width) + x) * np.uint32(3) + c

    def wave(phase):
        phase = phase & 511
        return np.where(phase < 256, phase, 511 - phase)

    noise = (i * np.uint32(2654435761)) >> 24
    total = wave(7 * x + 85 * c) + 2 * wave(5 * y + x) + noise
    pixels = total.astype(np.float32) / np.float32(1020)
    np.ascontiguousarray(pixels.transpose(2, 0, 1)).tofile(path)


# Of the peers' memory, as Fovea asks for them itself: PyTorch's bfloat16 takes 1.4 times as long in
# processes that happen to get none.
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


class System:
    """One system in one mode on one case, as a child."""

    def __init__(self, name, mode, command, dump=None, planar=True):
        self.name, self.mode, self.command = name, mode, [str(word) for word in command]
        self.dump, self.planar = dump, planar
        self.command += ["--dump", str(dump)] if dump else []
        self.facts, self.seconds = {}, []

    def start(self):
        """Let the child load its network; its facts are read when it is ready."""
        self.words = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        environment = {**os.environ, "NODE_PATH": str(PEERS / "node_modules")}
        if self.name != "Fovea":
            environment |= LARGE_PAGES
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words,
            text=True, env=environment)
        self.facts |= self.read()

    def read(self):
        """One line of the child's, as what its JSON means."""
        try:
            return json.loads(self.child.stdout.readline())
        except ValueError:
            raise Missing(self.why()) from None

    def why(self):
        """End the child; its last words."""
        self.child.kill()
        status = self.child.wait()
        self.words.seek(0)
        words = self.words.read()
        return last_line(words) if words else f"it ended with status {status} and said nothing"

    def run(self):
        """Enlarge the picture once."""
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write("\n")
            self.child.stdin.flush()
        self.seconds.append(self.read())

    def finish(self):
        """Let the child end; the peak of its memory is among its facts then."""
        self.child.stdin.close()
        self.facts |= self.read()
        if self.child.wait():
            raise Missing(self.why())

    def stop(self):
        """Whatever it does, end it."""
        if getattr(self, "child", None) and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def result(self, case, scale):
        """The last result as [height, width, 3], or None if it was not dumped."""
        if not self.dump:
            return None
        flat, rows, columns = np.fromfile(self.dump, np.float32), case.height, case.width
        if self.planar:
            return flat.reshape(3, rows * scale, columns * scale).transpose(1, 2, 0)
        return flat.reshape(rows * scale, columns * scale, 3)


def fovea(engine, case, mode, level=None, dump=None):
    """Fovea: mode is "fast" or "exact", level limits the instruction set."""
    command = [engine, case.model, case.width, case.height, "--threads", case.threads]
    command += ["--exact"] if mode == "exact" else []
    command += ["--cpu", level] if level else []
    return System("Fovea", f"{mode} {level}" if level else mode, command, dump, planar=False)


class Peers:
    """The peers that were asked for, fetched as far as they can be had."""

    def __init__(self, wanted, model, threads, folder):
        self.wanted, self.model, self.threads, self.folder = wanted, model, threads, folder
        self.missing = {}  # name: why
        self.variants = {}  # name: the variant of PyTorch that is fastest here
        for name in wanted:
            try:
                self.prepare(name)
            except Missing as e:
                self.missing[name] = str(e)
                records.say(" ".join(NAMES[name]) + f" is left out: {e}")

    def prepare(self, name):
        """Fetch one peer."""
        if not records.need_packages("PYTORCH") or not works("python3", "-c", "import torch"):
            raise Missing("the package python3-torch cannot be had")
        if name == "onnxruntime":
            fetch_onnxruntime()
        else:
            self.variants[name] = self.choose(NAMES[name][1])

    def choose(self, kind):
        """Let PyTorch try its variants; the name of the fastest."""
        records.say(f"PyTorch tries what is fastest for {kind} ...")
        command = ["python3", BENCH / "peer_torch.py", self.model, "--choose", kind,
                   "--threads", str(self.threads)]
        try:
            run = subprocess.run(command, capture_output=True, text=True, check=False,
                                 timeout=CHOOSE_S)
        except subprocess.TimeoutExpired:
            raise Missing(f"trying its variants takes over {CHOOSE_S} s, some ten times what they "
                          f"take where the CPU has {kind}") from None
        if run.returncode:
            raise Missing(last_line(run.stderr))
        found = json.loads(run.stdout)
        for variant, seconds in found["seconds"].items():
            records.say(f"  {variant}: {seconds} s")
        for variant, why in found["failures"].items():
            records.say(f"  {variant}: {why}")
        if not found["variant"]:
            raise Missing(f"this PyTorch cannot run the network in {kind}")
        return found["variant"]

    def systems(self, case, dumps):
        """Each peer that can be had, ready to start; dumps: do they write their results?"""
        picture = self.folder / "picture"
        write_picture(case, picture)
        for name in self.wanted:
            if name in self.missing:
                continue
            dump = self.folder / f"{name}.result" if dumps else None
            try:
                system = System(*NAMES[name], self.command(name, case, picture), dump)
            except Missing as e:
                self.missing[name] = str(e)
                continue
            system.facts["variant"] = self.variants.get(name, "")
            yield system

    def command(self, name, case, picture):
        """How a peer is called."""
        size, threads = [case.width, case.height], ["--threads", case.threads]
        if name == "onnxruntime":
            return ["node", BENCH / "peer_ort.js", self.write_onnx(case), *size, picture, *threads]
        return ["python3", BENCH / "peer_torch.py", case.model, *size, "--picture", picture,
                "--variant", self.variants[name], *threads]

    def write_onnx(self, case):
        """The network as a file for ONNX Runtime."""
        path = self.folder / f"{case.width}x{case.height}.onnx"
        if not path.exists():
            run = subprocess.run(
                ["python3", BENCH / "export_onnx.py", case.model, str(case.width),
                 str(case.height), path], capture_output=True, text=True, check=False)
            if run.returncode:
                raise Missing(f"the network cannot be written as ONNX ({last_line(run.stderr)})")
        return path


def last_line(text):
    """What a program said last."""
    return (text.strip().splitlines() or ["it said nothing"])[-1]


def works(*command):
    """Does a command end well?"""
    return subprocess.run(command, capture_output=True, cwd=PEERS if PEERS.is_dir() else None,
                          check=False).returncode == 0


def fetch_onnxruntime():
    """npm's onnxruntime-node and what writes networks for it."""
    if not records.need_packages("ONNX"):
        raise Missing("the package python3-onnx cannot be had")
    if not shutil.which("node") or not shutil.which("npm"):
        if not records.need_packages("NODE"):
            raise Missing("the packages nodejs and npm cannot be had")
    installed = PEERS / "node_modules/onnxruntime-node/package.json"
    if installed.is_file() and json.loads(installed.read_text())["version"] == ORT_VERSION:
        return
    records.say(f"Fetching onnxruntime-node {ORT_VERSION} ...")
    PEERS.mkdir(exist_ok=True)
    # Its own install script fetches what graphics cards need, from elsewhere.
    run = subprocess.run(
        ["npm", "install", "--prefix", PEERS, "--ignore-scripts", "--no-audit", "--no-fund",
         "--no-save", f"onnxruntime-node@{ORT_VERSION}"], capture_output=True, text=True,
        check=False)
    if run.returncode:
        records.say(run.stderr[-1000:])
        raise Missing(f"npm could not fetch onnxruntime-node {ORT_VERSION}")
