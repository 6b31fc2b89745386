# SPDX-License-Identifier: Apache-2.0
"""Small pictures out of large ones, as the world makes them; on whatever device the tensors are.

All pictures are float32 [n, 3, height, width] in 0..1. A degradation is a dict of settings, a
section of a configuration file:

  shrink    filters to shrink with, one taken for each batch: bicubic, bilinear, area, lanczos
  blur      [chance, greatest sigma] of a Gaussian, in pixels of the small picture, before it
  noise     [chance, greatest sigma] of Gaussian noise on the small picture, in 8-bit steps
  jpeg      [chance, least quality, greatest quality], 4:2:0, as the last step
  webp      the same for WebP, of the pictures that JPEG did not take; PIL's encoder, on the CPU
  intact    part of each batch to which none of the others happens: shrunk by bicubic, no more. A
            network that is to serve both must see enough of them, or it smooths everything
  twice     chance that noise and compression happen to the large picture, too, and once more
            after: what was saved, shared and saved again

What is left out does not happen.
"""
import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

LUMA = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69,
        56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81,
        104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]
CHROMA = [17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99,
          99, 99, 47, 66, 99, 99, 99, 99, 99, 99] + [99] * 32  # ITU-T T.81, annex K
TO_YCC = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]


def chance(x, p):
    """1 for about p of the pictures of a batch, else 0."""
    return (torch.rand(len(x), 1, 1, 1, device=x.device) < p).float()


def round8(x):
    """To the 256 steps of a file."""
    return (x.clamp(0, 1) * 255).round() / 255


def dct_matrix(device):
    """The 8x8 matrix of JPEG's cosine transform."""
    u, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    m = torch.cos((2 * x + 1) * u * math.pi / 16) / 2
    m[0] = math.sqrt(1 / 8)
    return m.to(device)


def quantise(plane, table, scale):
    """One plane, [n, 1, h, w] around 0, through 8x8 blocks of quantised coefficients."""
    n, _, h, w = plane.shape
    d = dct_matrix(plane.device)
    steps = (torch.tensor(table, device=plane.device).float().view(8, 8) * scale + 0.5).floor()
    steps = steps.clamp(1, 255)
    blocks = plane.view(n, h // 8, 8, w // 8, 8).transpose(2, 3)
    kept = (d @ blocks @ d.T / steps).round() * steps
    return (d.T @ kept @ d).transpose(2, 3).reshape(n, 1, h, w)


def jpeg(x, quality):
    """What JPEG with 4:2:0 leaves of x; quality [n], in libjpeg's scale."""
    h, w = x.shape[2:]
    x = F.pad(x, (0, -w % 16, 0, -h % 16), mode="replicate")
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality).view(-1, 1, 1, 1, 1) / 100
    m = x.new_tensor(TO_YCC)
    ycc = torch.einsum("ij,njhw->nihw", m, x * 255)
    planes = [quantise(ycc[:, :1] - 128, LUMA, scale) + 128]
    for i in (1, 2):
        small = quantise(F.avg_pool2d(ycc[:, i:i + 1], 2), CHROMA, scale)
        planes.append(F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False))
    rgb = torch.einsum("ij,njhw->nihw", torch.linalg.inv(m), torch.cat(planes, 1)) / 255
    return rgb.clamp(0, 1)[..., :h, :w]


def webp(x, quality):
    """What WebP leaves of x; quality [n]."""
    kept = []
    for picture, q in zip((x * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy(), quality):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "WEBP", quality=int(q), method=2)
        kept.append(np.asarray(Image.open(file).convert("RGB")))
    return torch.from_numpy(np.stack(kept)).permute(0, 3, 1, 2).to(x.device).float() / 255


def lanczos_matrix(n, s, device):
    """[n, n * s]: each of n pixels as a sum of those around it in a row s times as long."""
    at = (torch.arange(n).view(-1, 1) + 0.5) * s - 0.5
    d = (torch.arange(n * s).view(1, -1) - at) / s
    m = torch.where(d.abs() < 3, torch.sinc(d) * torch.sinc(d / 3), torch.zeros(()))
    return (m / m.sum(1, keepdim=True)).to(device)


def shrink(x, s, how):
    """x, s times smaller along each side."""
    h, w = x.shape[2] // s, x.shape[3] // s
    if how == "lanczos":
        rows, columns = lanczos_matrix(h, s, x.device), lanczos_matrix(w, s, x.device)
        return (rows @ x @ columns.T).clamp(0, 1)
    if how == "area":
        return F.avg_pool2d(x, s)
    if how not in ("bicubic", "bilinear"):
        raise ValueError(f"shrink: '{how}' is not one of bicubic, bilinear, area, lanczos")
    return F.interpolate(x, size=(h, w), mode=how, antialias=True, align_corners=False).clamp(0, 1)


def blur(x, sigma):
    """A Gaussian over both directions, mirrored at the edges."""
    r = max(1, math.ceil(3 * sigma))
    k = torch.exp(-torch.arange(-r, r + 1, device=x.device).float() ** 2 / (2 * sigma * sigma))
    k = (k / k.sum()).view(1, 1, 1, -1).expand(3, 1, 1, -1)
    x = F.pad(x, (r, r, r, r), mode="reflect")
    return F.conv2d(F.conv2d(x, k, groups=3), k.transpose(2, 3), groups=3)


def damage(x, settings):
    """Noise, then compression, each on some of the pictures."""
    if "noise" in settings:
        p, most = settings["noise"]
        sigma = torch.rand(len(x), 1, 1, 1, device=x.device) * most / 255 * chance(x, p)
        x = round8(x + torch.randn_like(x) * sigma)
    free = torch.ones(len(x), dtype=torch.bool, device=x.device)
    for name, encode in (("jpeg", jpeg), ("webp", webp)):
        if name not in settings:
            continue
        p, low, high = settings[name]
        use = free & (torch.rand(len(x), device=x.device) < p)
        free = free & ~use
        if use.any():
            x = x.clone()
            x[use] = encode(x[use], low + (high - low) * torch.rand(int(use.sum()),
                                                                    device=x.device))
    return x


def degrade(x, s, settings):
    """The small pictures that a camera, a program and the web might have made of x."""
    n = int(len(x) * settings.get("intact", 0) + float(torch.rand(())))
    intact, x = x[:n], x[n:]
    kept = [round8(shrink(intact, s, "bicubic"))] if n else []
    return torch.cat(kept + ([suffer(x, s, settings)] if len(x) else []))


def suffer(x, s, settings):
    """The same without what stays intact."""
    if torch.rand(()) < settings.get("twice", 0):
        x = damage(x, settings)
    if "blur" in settings and torch.rand(()) < settings["blur"][0]:
        x = blur(x, 0.05 + float(torch.rand(())) * settings["blur"][1] * s)
    filters = settings["shrink"]
    x = shrink(x, s, filters[int(torch.randint(len(filters), ()))])
    return round8(damage(x, settings))
