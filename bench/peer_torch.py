#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Time PyTorch on one picture, one run for each line that is asked for, like bench_engine.

usage: peer_torch.py MODEL WIDTH HEIGHT --picture FILE --variant NAME [--threads N] [--dump FILE]
       peer_torch.py MODEL --choose float32|bf16 [--threads N]

The picture is raw float32, plane after plane; so is the result that --dump writes. The first line
printed is JSON and says what this is, then there is a line of seconds for each line read, then at
the end of input JSON again, with the peak of this process's memory.

--choose times every variant of the arithmetic that this PyTorch can run, on a square small enough
for some seconds, and prints JSON with the fastest. A variant is a name of words:
  channels_last   pixels, not planes, are contiguous in memory: what oneDNN likes for some layers
  traced          TorchScript, frozen
  optimized       TorchScript, optimized for inference (weights laid out for oneDNN in advance)
  autocast        bfloat16 where PyTorch's autocast puts it
  converted       weights and picture converted to bfloat16, so that everything is
The result is float32 in any case, as Fovea's is.

Needs python3 with torch and numpy (Debian: python3-torch, python3-numpy).
"""
import argparse
import json
import pathlib
import sys
import time
import warnings

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import reference_nets as nets  # noqa: E402
import traced  # noqa: E402

# oneDNN's own graph fusion (torch.jit.enable_onednn_fusion) was slower than all of these.
VARIANTS = {
    "float32": ["channels_last", "optimized", "optimized+channels_last"],
    "bf16": ["autocast+channels_last", "autocast+traced+channels_last",
             "autocast+optimized+channels_last", "converted+traced+channels_last",
             "converted+optimized+channels_last"],
}
CHOOSE_FLOP = 100e9  # of the picture that --choose tries: under a second on two cores


def memory_kb(key):
    """A line of what the kernel says of this process: VmHWM is the peak, VmRSS the present."""
    for line in pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return -1


class Runner:
    """A network in one variant, ready to enlarge one picture."""

    def __init__(self, weights, picture, variant):
        self.words = variant.split("+")
        last = "channels_last" in self.words
        self.layout = torch.channels_last if last else torch.contiguous_format
        self.autocast = "autocast" in self.words
        self.picture = self.fit(picture)
        self.network = traced.Network({k: self.fit(v) for k, v in weights.items()}).eval()
        if "traced" in self.words or "optimized" in self.words:
            self.network = self.script(self.fit(traced.sample(weights, picture)))
            self.run()  # TorchScript looks at the first run and compiles before the second

    def fit(self, tensor):
        """A tensor in this variant's type and layout."""
        tensor = tensor.to(torch.bfloat16) if "converted" in self.words else tensor
        return tensor.contiguous(memory_format=self.layout) if tensor.dim() == 4 else tensor

    def script(self, sample):
        """The network as TorchScript. Autocast's cache of weights would not survive tracing."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast, cache_enabled=False):
            script = torch.jit.trace(self.network, sample, check_trace=False).eval()
        optimized = "optimized" in self.words
        return torch.jit.optimize_for_inference(script) if optimized else torch.jit.freeze(script)

    def run(self):
        """Enlarge the picture; the seconds it took."""
        eager = isinstance(self.network, traced.Network)
        self.result = None  # its memory is free for this run, as that of any caller who is done
        start = time.monotonic()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast and eager):
            self.result = self.network(self.picture).float()
        return time.monotonic() - start


def choose(weights, kind):
    """Time the variants; print JSON: the fastest, and the seconds of each or why it cannot run."""
    side = int((CHOOSE_FLOP / 2 / nets.multiply_adds(weights)) ** 0.5) // 8 * 8
    picture = torch.from_numpy(np.random.RandomState(1).random_sample((1, 3, side, side)))
    seconds, failures = {}, {}
    for variant in VARIANTS[kind]:
        try:
            runner = Runner(weights, picture.float(), variant)
            runner.run()
            seconds[variant] = round(min(runner.run() for _ in range(3)), 4)
        except RuntimeError as e:
            failures[variant] = str(e).strip().splitlines()[-1]
    best = min(seconds, key=seconds.get) if seconds else None
    print(json.dumps({"variant": best, "seconds": seconds, "failures": failures}))


def serve(o, weights):
    """Run whenever a line comes."""
    pixels = np.fromfile(o.picture, np.float32).reshape(1, 3, o.height, o.width)
    runner = Runner(weights, torch.from_numpy(pixels), o.variant)
    facts = {"version": torch.__version__, "threads": torch.get_num_threads(),
             "multiply_adds": nets.multiply_adds(weights), "scale": nets.scale(weights),
             "idle_kb": memory_kb("VmRSS")}
    print(json.dumps(facts), flush=True)
    for _ in sys.stdin:
        print(f"{runner.run():.4f}", flush=True)
    print(json.dumps({"peak_kb": memory_kb("VmHWM")}), flush=True)
    if o.dump:
        runner.result.contiguous().numpy().tofile(o.dump)


def parse():
    """The command line."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("model", metavar="MODEL")
    p.add_argument("width", type=int, nargs="?", metavar="WIDTH")
    p.add_argument("height", type=int, nargs="?", metavar="HEIGHT")
    p.add_argument("--choose", choices=VARIANTS)
    p.add_argument("--picture", metavar="FILE")
    p.add_argument("--variant", metavar="NAME")
    p.add_argument("--threads", type=int, default=1, metavar="N")
    p.add_argument("--dump", metavar="FILE")
    o = p.parse_args()
    if not o.choose and not (o.width and o.height and o.picture and o.variant):
        p.error("WIDTH, HEIGHT, --picture and --variant are needed, or --choose")
    return o


def main():
    """Choose or serve."""
    o = parse()
    torch.set_num_threads(o.threads)
    warnings.simplefilter("ignore")  # the tracer's, that sizes are constants: they are
    try:
        weights = nets.weights(o.model)
        with torch.no_grad():
            if o.choose:
                choose(weights, o.choose)
            else:
                serve(o, weights)
    except (OSError, ValueError) as e:
        raise SystemExit(f"peer_torch: {e}") from e


if __name__ == "__main__":
    main()
