# SPDX-License-Identifier: Apache-2.0
"""The networks Fovea knows, written down in PyTorch: what the engine is compared with.

A network is its weights by name (see weights()), as they lie in a .safetensors file; run() finds
out which kind it is from the names:

  residual   Fovea's own: head, body.N.a, body.N.b, mid, tail
  compact    SRVGGNetCompact of any size, with PReLU: body.0, body.1, ...
  esrgan     RRDBNet, in the names of BasicSR (conv_first, body.N.rdbM.convK), of the first
             ESRGAN (model.1.sub.N.RDBM.convK.0) and of BSRGAN (RRDB_trunk.N.RDBM.convK);
             where the first convolution takes 12 or 48 channels, the picture is unshuffled first
  span       SPAN: block_N.cM_r.eval_conv; the training form is folded into that
  edsr       EDSR, in the names of BasicSR (body.N.conv1) and of its authors (body.N.body.0)

Nothing here is tuned: it is a definition. The tests' vectors and the benchmark use it, so both
measure the same thing.

Needs python3 with torch and numpy (Debian: python3-torch, python3-numpy).
"""
import math
import re

import torch
import torch.nn.functional as F

import safetensors_io

prelu = F.prelu  # training puts its own in the place of this
RESIDUAL_MEAN = 0.45
DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # of SPAN and EDSR
ESRGAN_SLOPE = 0.2  # of its LeakyReLU
ESRGAN_SCALE = 0.2  # of what a dense block, and three of them, add
EDSR_WIDE, EDSR_WIDE_SCALE = 256, 0.1  # what a block of so many channels adds; others add all

# The tensors by which each is known: all of one line.
KNOWN_BY = [
    ("residual", "head.weight", "body.0.a.weight", "tail.weight"),
    ("esrgan", "conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight"),
    ("esrgan", "conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight", "conv_last.weight"),
    ("esrgan", "model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight"),
    ("span", "conv_1.eval_conv.weight", "block_1.c1_r.eval_conv.weight", "conv_cat.weight"),
    ("edsr", "conv_first.weight", "body.0.conv1.weight", "conv_after_body.weight"),
    ("edsr", "head.0.weight", "body.0.body.0.weight", "tail.0.0.weight"),
    ("compact", "body.0.weight", "body.1.weight", "body.2.weight"),
]


def weights(path):
    """The weights of a model file as float32 tensors by name."""
    return from_tensors(safetensors_io.load(path)[0])


def from_tensors(tensors):
    """The same for tensors that were read already, or are about to be written."""
    return {name: torch.from_numpy(safetensors_io.numpy(t)) for name, t in tensors.items()}


def architecture(w):
    """One of the names in KNOWN_BY; raises ValueError for any other network.

    The 1x1 convolutions of ESRGAN+ and of other relatives are not among what is known here.
    """
    for kind, *names in KNOWN_BY:
        if all(name in w for name in names) and not any(".conv1x1." in name for name in w):
            return kind
    raise ValueError("no network known here has these tensors: " + ", ".join(list(w)[:3]) + " ...")


def layers(w):
    """The convolutions as (name, area), in the order in which they run.

    The area is how many of its outputs there are for one pixel of the input: 4 after an
    enlargement by 2, 1/4 after an unshuffling by 2.
    """
    return LAYERS[architecture(w)](w)


def convolutions(w):
    """Names of the convolutions, in the order in which they run."""
    return [name for name, _ in layers(w)]


def scale(w):
    """By how much the network enlarges."""
    name, area = layers(w)[-1]
    n_channels = _shape(w[name + ".weight"])[0]  # 3 or, before a pixel shuffle, 3 a pixel
    return math.isqrt(round(area * n_channels / 3))


def multiply_adds(w):
    """Multiplications in all convolutions for one pixel of the input, counted directly."""
    return round(sum(w[name + ".weight"].numel() * area for name, area in layers(w)))


def _count(w, pattern):
    """How many different numbers there are where the pattern has its group."""
    return len({m.group(1) for m in map(re.compile(pattern).match, w) if m})


def _shape(tensor):
    """Its shape as plain numbers. PyTorch's tracer would hand out tensors; it warns of this."""
    return [int(n) for n in tensor.shape]


def _conv(w, name, x):
    """A convolution with zeros around the picture, so that its size stays."""
    weight, bias = w[name + ".weight"], w[name + ".bias"]
    return F.conv2d(x, weight, bias, padding=_shape(weight)[-1] // 2)


def _mean(x):
    """The mean colour of DIV2K, to be added to x or subtracted."""
    return torch.tensor(DIV2K_MEAN, dtype=x.dtype).view(1, 3, 1, 1)


# ---- Fovea's own -----------------------------------------------------------------------------

def _residual_layers(w):
    blocks = range(_count(w, r"body\.(\d+)\.a\.weight"))
    names = ["head", *(f"body.{i}.{c}" for i in blocks for c in "ab"), "mid", "tail"]
    return [(name, 1) for name in names]


def _residual(w, x, keep):
    head = keep(_conv(w, "head", x - RESIDUAL_MEAN))
    y = head
    for i in range(_count(w, r"body\.(\d+)\.a\.weight")):
        z = keep(prelu(_conv(w, f"body.{i}.a", y), w[f"body.{i}.act.weight"]))
        y = keep(y + _conv(w, f"body.{i}.b", z))
    y = keep(_conv(w, "mid", y) + head)
    return _shuffle_and_add(w, keep(_conv(w, "tail", y)), x)


def _shuffle_and_add(w, tail, x):
    """The end of residual and compact: pixels out of channels, on top of the picture itself."""
    near = F.interpolate(x, scale_factor=scale(w), mode="nearest")
    return F.pixel_shuffle(tail, scale(w)) + near


# ---- SRVGGNetCompact -------------------------------------------------------------------------

def _compact_layers(w):
    n = 1 + max(int(name.split(".")[1]) for name in w)
    return [(f"body.{i}", 1) for i in range(0, n, 2)]


def _compact(w, x, keep):
    *names, last = convolutions(w)
    y = x
    for i, name in enumerate(names):
        y = keep(prelu(_conv(w, name, y), w[f"body.{2 * i + 1}.weight"]))
    return _shuffle_and_add(w, keep(_conv(w, last, y)), x)


# ---- ESRGAN ----------------------------------------------------------------------------------

def _esrgan_names(w):
    """Names of the convolutions: first, dense blocks of five, body, enlargements, hr, last."""
    if "model.0.weight" in w:
        dense, trunk = "model.1.sub.{}.RDB{}.conv{}.0", r"model\.1\.sub\.(\d+)\.RDB1\.conv1\."
        n_up = _count(w, r"model\.(\d+)\.weight") - 3
        body, up = f"model.1.sub.{_count(w, trunk)}", [f"model.{3 * i + 3}" for i in range(n_up)]
        first, hr, last = "model.0", f"model.{3 * n_up + 2}", f"model.{3 * n_up + 4}"
    else:
        new = "conv_body.weight" in w
        dense = "body.{}.rdb{}.conv{}" if new else "RRDB_trunk.{}.RDB{}.conv{}"
        trunk = r"body\.(\d+)\.rdb" if new else r"RRDB_trunk\.(\d+)\.RDB"
        prefix = "conv_up" if new else "upconv"
        up = [f"{prefix}{i + 1}" for i in range(_count(w, prefix + r"(\d+)\.weight"))]
        first, body, last = "conv_first", "conv_body" if new else "trunk_conv", "conv_last"
        hr = "conv_hr" if new else "HRconv"
    blocks = [[[dense.format(n, m, k) for k in range(1, 6)] for m in range(1, 4)]
              for n in range(_count(w, trunk))]
    return first, blocks, body, up, hr, last


def _esrgan_unshuffle(w):
    """1, 2 or 4: the side of the squares of pixels that become channels before the network."""
    return math.isqrt(_shape(w[_esrgan_names(w)[0] + ".weight"])[1] // 3)


def _esrgan_layers(w):
    first, blocks, body, up, hr, last = _esrgan_names(w)
    area = 1 / _esrgan_unshuffle(w) ** 2
    low = [first, *(name for block in blocks for dense in block for name in dense), body]
    high = area * 4 ** len(up)
    return [*((name, area) for name in low),
            *((name, area * 4 ** (i + 1)) for i, name in enumerate(up)), (hr, high), (last, high)]


def _mirrored(x, multiple):
    """x, made larger at the right and the bottom to a multiple of pixels, as its own mirror image.

    The last pixel is not repeated; a picture too small to be mirrored so far ends in its first.
    """
    for axis in (2, 3):
        n = _shape(x)[axis]
        index = torch.arange(n + -n % multiple)
        x = x.index_select(axis, torch.where(index < n, index, (2 * (n - 1) - index).clamp(min=0)))
    return x


def _esrgan_dense(w, names, x):
    """A dense block without the addition at its end: every convolution reads all before it."""
    found = [x]
    for name in names[:4]:
        found.append(F.leaky_relu(_conv(w, name, torch.cat(found, 1)), ESRGAN_SLOPE))
        yield found[-1]
    yield ESRGAN_SCALE * _conv(w, names[4], torch.cat(found, 1)) + x


def _esrgan(w, x, keep):
    first, blocks, body, up, hr, last = _esrgan_names(w)
    unshuffle = _esrgan_unshuffle(w)
    height, width = (side * scale(w) for side in _shape(x)[2:])
    if unshuffle > 1:
        x = F.pixel_unshuffle(_mirrored(x, unshuffle), unshuffle)
    head = keep(_conv(w, first, x))
    y = head
    for block in blocks:
        z = y
        for i, dense in enumerate(block):
            *grown, z = _esrgan_dense(w, dense, z)
            z = ESRGAN_SCALE * z + y if i == 2 else z
            for value in (*grown, z):
                keep(value)
        y = z
    y = keep(_conv(w, body, y) + head)
    for name in up:
        y = F.interpolate(y, scale_factor=2, mode="nearest")
        y = keep(F.leaky_relu(_conv(w, name, y), ESRGAN_SLOPE))
    y = keep(F.leaky_relu(_conv(w, hr, y), ESRGAN_SLOPE))
    y = keep(_conv(w, last, y))
    return y[:, :, :height, :width] if unshuffle > 1 else y


# ---- SPAN ------------------------------------------------------------------------------------

def _span_layers(w):
    blocks = [f"block_{i}.c{k}_r.eval_conv" for i in range(1, 7) for k in range(1, 4)]
    names = ["conv_1.eval_conv", *blocks, "conv_2.eval_conv", "conv_cat", "upsampler.0"]
    return [(name, 1) for name in names]


def _span_fold(w, name):
    """The one 3x3 convolution that a trained group of four is, as its weight and bias.

    The group: 1x1, 3x3 and 1x1 in a row, and a 1x1 beside them. Zeros are put around the picture
    before the first of the row, so the biases of the row are the same everywhere.
    """
    first, middle, last = (w[f"{name}.conv.{i}.weight"] for i in range(3))
    first, last = first[:, :, 0, 0], last[:, :, 0, 0]
    weight = torch.einsum("om,mnyx,ni->oiyx", last, middle, first)
    bias = middle.sum((2, 3)) @ w[name + ".conv.0.bias"] + w[name + ".conv.1.bias"]
    bias = last @ bias + w[name + ".conv.2.bias"]
    return weight + F.pad(w[name + ".sk.weight"], (1, 1, 1, 1)), bias + w[name + ".sk.bias"]


def _span_deployed(w):
    """The weights with every eval_conv as it should be: training leaves them behind."""
    w = dict(w)
    for name in [key[:-len(".sk.weight")] for key in w if key.endswith(".sk.weight")]:
        w[name + ".eval_conv.weight"], w[name + ".eval_conv.bias"] = _span_fold(w, name)
    return w


def _span(w, x, keep):
    w = _span_deployed(w)
    if "no_norm" not in w:
        x = (x - _mean(x)) * 255
    first = keep(_conv(w, "conv_1.eval_conv", x))
    y, after = first, []
    for i in range(1, 7):
        a = keep(F.silu(_conv(w, f"block_{i}.c1_r.eval_conv", y)))
        b = keep(F.silu(_conv(w, f"block_{i}.c2_r.eval_conv", a)))
        c = _conv(w, f"block_{i}.c3_r.eval_conv", b)
        y = keep((c + y) * (torch.sigmoid(c) - 0.5))
        after.append(y)
    # `a` is of the last block. Its authors activate in place and hand it on activated.
    y = torch.cat((first, keep(_conv(w, "conv_2.eval_conv", y)), after[0], a), 1)
    y = keep(_conv(w, "upsampler.0", keep(_conv(w, "conv_cat", y))))
    return F.pixel_shuffle(y, scale(w))


# ---- EDSR ------------------------------------------------------------------------------------

def _edsr_names(w):
    """Names of the convolutions: first, blocks of two, after the body, enlargements, last."""
    if "conv_after_body.weight" in w:
        pairs = ("body.{}.conv1", "body.{}.conv2")
        n_blocks, up = _count(w, r"body\.(\d+)\.conv1\."), r"upsample\.(\d+)\.weight"
        first, after, last = "conv_first", "conv_after_body", "conv_last"
        ups = [f"upsample.{2 * i}" for i in range(_count(w, up))]
    else:
        pairs = ("body.{}.body.0", "body.{}.body.2")
        n_blocks, up = _count(w, r"body\.(\d+)\.body\.0\."), r"tail\.0\.(\d+)\.weight"
        first, after, last = "head.0", f"body.{n_blocks}", "tail.1"
        ups = [f"tail.0.{2 * i}" for i in range(_count(w, up))]
    return first, [[p.format(n) for p in pairs] for n in range(n_blocks)], after, ups, last


def _edsr_factor(w, name):
    """By how much the pixel shuffle after this convolution enlarges: 2 or 3."""
    n_out, n_in, *_ = _shape(w[name + ".weight"])
    return math.isqrt(n_out // n_in)


def _edsr_layers(w):
    first, blocks, after, ups, last = _edsr_names(w)
    found = [(name, 1) for name in (first, *(n for pair in blocks for n in pair), after)]
    area = 1
    for name in ups:
        found.append((name, area))
        area *= _edsr_factor(w, name) ** 2
    return [*found, (last, area)]


def _edsr(w, x, keep):
    first, blocks, after, ups, last = _edsr_names(w)
    own = "sub_mean.weight" in w  # its authors' mean is a convolution, on 0..255
    x = _conv(w, "sub_mean", x * 255) if own else (x - _mean(x)) * 255
    head = keep(_conv(w, first, x))
    y = head
    for a, b in blocks:
        z = _conv(w, b, keep(F.relu(_conv(w, a, y))))
        y = keep(y + (EDSR_WIDE_SCALE * z if _shape(z)[1] >= EDSR_WIDE else z))
    y = keep(_conv(w, after, y) + head)
    for name in ups:
        y = F.pixel_shuffle(keep(_conv(w, name, y)), _edsr_factor(w, name))
    y = _conv(w, last, y)
    return keep(_conv(w, "add_mean", y) / 255 if own else y / 255 + _mean(y))


# ---- all of them -----------------------------------------------------------------------------

LAYERS = {"residual": _residual_layers, "compact": _compact_layers, "esrgan": _esrgan_layers,
          "span": _span_layers, "edsr": _edsr_layers}
RUN = {"residual": _residual, "compact": _compact, "esrgan": _esrgan, "span": _span,
       "edsr": _edsr}


def run(w, x, values=None):
    """Enlarge x, a tensor [n, 3, h, w] with values 0..1, to [n, 3, scale * h, scale * w].

    The result is not clamped. The value of every layer is appended to the list `values`, if there
    is one: one for each convolution in the order of layers(), after its bias and all additions,
    multiplications and activations that follow it, before any pixel shuffle or enlargement.
    """
    def keep(value):
        if values is not None:
            values.append(value)
        return value

    return RUN[architecture(w)](w, x, keep)
