# SPDX-License-Identifier: Apache-2.0
"""Write networks as ncnn has them, a .param and a .bin file: one writer for every script here.

Two manners, as the community's files have them: "tuned" like realesrgan-ncnn-vulkan's (activations
and factors are part of a layer, defaults are left out) and "plain" like those that were converted
and not optimised. Tensors are those of safetensors_io, by the names of PyTorch.

Needs the standard library, and numpy for biases and slopes that are not float32.
"""
import struct

import safetensors_io

TAGS = {"F32": 0, "F16": 0x01306B47, "BF16": 0x01348B83}
LEAK, SHRINK = 0.2, 0.2


class Net:
    """Layers in the order in which they run. A value is the number of the layer that makes it."""

    def __init__(self, tuned=True):
        self.tuned = tuned
        self.layers = []  # [type, name, values read, parameters]
        self.bin = b""

    def add(self, kind, inputs, parameters=(), name=None):
        """Append a layer; gives its value."""
        name = name or f"{kind}_{len(self.layers)}"
        self.layers.append([kind, name, list(inputs), list(parameters)])
        return len(self.layers) - 1

    def convolution(self, x, weight, bias, leaky=False):
        """A 3x3 convolution with its weights, and perhaps a leaky ReLU."""
        n_out, n_in = weight.shape[:2]
        n = n_out * n_in * 9
        parameters = [f"0={n_out}", "1=3", "4=1", "5=1", f"6={n}"]
        if not self.tuned:
            parameters = [f"0={n_out}", "1=3", "11=3", "2=1", "12=1", "3=1", "13=1", "4=1", "14=1",
                          "15=1", "16=1", "5=1", f"6={n}"]
        if leaky and self.tuned:
            parameters += ["9=2", f"-23310=1,{LEAK:e}"]
        x = self.add("Convolution", [x], parameters)
        data = weight.data + bytes(-len(weight.data) % 4)
        self.bin += struct.pack("<I", TAGS[weight.dtype]) + data + float32(bias)
        if leaky and not self.tuned:
            x = self.add("ReLU", [x], [f"0={LEAK:e}"])
        return x

    def prelu(self, x, slopes):
        """A PReLU with a slope for each channel."""
        self.bin += float32(slopes)
        return self.add("PReLU", [x], [f"0={slopes.shape[0]}"])

    def interp(self, x, factor, kind=1):
        """Enlarge or shrink; 1: nearest, 2: bilinear, 3: bicubic."""
        more = [] if self.tuned else ["3=0", "4=0", "6=0"]
        return self.add("Interp", [x], [f"0={kind}", f"1={factor:e}", f"2={factor:e}", *more])

    def concat(self, values):
        """Channels side by side."""
        return self.add("Concat", values, [] if self.tuned else ["0=0"])

    def sum(self, a, b):
        """a + b"""
        return self.add("BinaryOp", [a, b], [] if self.tuned else ["0=0"])

    def scaled_sum(self, branch, base):
        """0.2 * branch + base"""
        if self.tuned:
            return self.add("Eltwise", [branch, base], ["0=1", f"-23301=2,{SHRINK:e},{1:e}"])
        scaled = self.add("BinaryOp", [branch], ["0=2", "1=1", f"2={SHRINK:e}"])
        return self.sum(scaled, base)

    def param(self):
        """The text of the .param file: blobs get names, and a Split where several layers read one.
        """
        readers = [sum(l[2].count(i) for l in self.layers) for i in range(len(self.layers))]
        free, lines, n_blobs = {}, [], 0
        for i, (kind, name, inputs, parameters) in enumerate(self.layers):
            read = [free[v].pop() for v in inputs]
            blob = "data" if i == 0 else "output" if i == len(self.layers) - 1 else str(i)
            lines.append(line(kind, name, read, [blob], parameters))
            free[i] = [blob]
            n_blobs += 1
            if readers[i] > 1:
                free[i] = [f"{blob}_splitncnn_{k}" for k in range(readers[i])]
                lines.append(line("Split", f"splitncnn_{i}", [blob], free[i], []))
                n_blobs += readers[i]
        return "\n".join(["7767517", f"{len(lines)} {n_blobs}", *lines]) + "\n"


def line(kind, name, read, made, parameters):
    """One layer's line."""
    return " ".join([f"{kind:<24} {name:<24}", str(len(read)), str(len(made)), *read, *made,
                     *parameters])


def float32(tensor):
    """A tensor's bytes, as float32."""
    if tensor.dtype == "F32":
        return tensor.data
    return safetensors_io.raw(safetensors_io.numpy(tensor), "F32").data


def compact(tensors, tuned=True, shrink=None):
    """(.param, .bin) of an SRVGGNetCompact. `shrink`: a last layer that makes the result smaller,
    as realesr-animevideov3-x2 and -x3 have it."""
    net = Net(tuned)
    n = 1 + max(int(name.split(".")[1]) for name in tensors)
    scale = {3 * s * s: s for s in (1, 2, 3, 4)}[tensors[f"body.{n - 1}.bias"].shape[0]]
    picture = x = net.add("Input", [], name="input.1")
    for k in range(n):
        weight = tensors[f"body.{k}.weight"]
        x = net.prelu(x, weight) if k % 2 else net.convolution(x, weight, tensors[f"body.{k}.bias"])
    x = net.add("PixelShuffle", [x], [f"0={scale}"])
    x = net.sum(x, net.interp(picture, scale))
    if shrink:
        net.interp(x, shrink, 3)
    return net.param(), net.bin


def rrdbnet(tensors, tuned=True):
    """(.param, .bin) of an RRDBNet."""
    net = Net(tuned)

    def conv(name, x, leaky=False):
        return net.convolution(x, tensors[name + ".weight"], tensors[name + ".bias"], leaky)

    first = x = conv("conv_first", net.add("Input", [], name="input.1"))
    n_blocks = 1 + max((int(n.split(".")[1]) for n in tensors if n.startswith("body.")), default=-1)
    for block in range(n_blocks):
        base = x
        for rdb in (1, 2, 3):
            seen = [x]
            for k in (1, 2, 3, 4, 5):
                y = conv(f"body.{block}.rdb{rdb}.conv{k}", seen[0] if k == 1 else net.concat(seen),
                         k < 5)
                seen.append(y)
            x = net.scaled_sum(seen[5], seen[0])
        x = net.scaled_sum(x, base)
    x = net.sum(first, conv("conv_body", x))
    for name in ("conv_up1", "conv_up2"):
        if name + ".weight" in tensors:
            x = conv(name, net.interp(x, 2), True)
    conv("conv_last", conv("conv_hr", x, True))
    return net.param(), net.bin
