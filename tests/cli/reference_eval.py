"""reference_eval.py -- the super-resolution benchmarks' figures, computed a second time.

    reference_eval.py SCALE PICTURE...       a line each: NAME PSNR-Y SSIM-Y of bicubic
    reference_eval.py --score SCALE ORIGINAL RESULT...     the same of given results
    reference_eval.py --shrink SCALE ORIGINAL RESULT       write the shrunk picture

Written from the definitions and not from the program: MATLAB's imresize (Keys' cubic with a =
-1/2, widened by the scale when it shrinks, mirrored at the borders, rounded to 8 bits after each
resize), rgb2ycbcr's luma in floating point, and SSIM of Wang et al. 2004. Dense matrices: slow and
plain.
"""
import sys

import numpy as np
from PIL import Image


def cubic(x):
    """Keys 1981 with a = -1/2."""
    x = np.abs(x)
    near = 1.5 * x ** 3 - 2.5 * x ** 2 + 1
    far = -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def resize_matrix(n_in, n_out):
    """The n_out x n_in matrix that resizes a column."""
    scale = n_out / n_in
    shrink = min(scale, 1)
    reach = int(np.ceil(2 / shrink)) + 2
    matrix = np.zeros((n_out, n_in))
    for i in range(n_out):
        centre = (i + 0.5) / scale - 0.5
        taps = np.arange(int(np.floor(centre)) - reach, int(np.floor(centre)) + reach + 1)
        weights = cubic((centre - taps) * shrink)
        weights /= weights.sum()
        for tap, weight in zip(taps, weights):
            inside = tap % (2 * n_in)
            matrix[i, inside if inside < n_in else 2 * n_in - 1 - inside] += weight
    return matrix


def resize(pixels, height, width):
    """Bicubic, rounded into the range of the pixels' type."""
    down, across = resize_matrix(pixels.shape[0], height), resize_matrix(pixels.shape[1], width)
    values = np.einsum("yv,vuc,xu->yxc", down, pixels.astype(float), across, optimize=True)
    return np.clip(np.floor(values + 0.5), 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)


def luma(rgb):
    """ITU-R BT.601 in studio range, 16..235."""
    return rgb.astype(float) @ np.array([65.481, 128.553, 24.966]) / 255 + 16


def psnr(a, b):
    """Of two luma pictures, in dB."""
    return 10 * np.log10(255 ** 2 / np.mean((a - b) ** 2))


def ssim(a, b):
    """Gaussian window of 11 taps and sigma 1.5, where it fits."""
    taps = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    window = np.outer(taps, taps) / taps.sum() ** 2

    def blur(x):
        views = np.lib.stride_tricks.sliding_window_view(x, (11, 11))
        return np.einsum("yxvu,vu->yx", views, window)

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a ** 2, blur(b * b) - mean_b ** 2
    both = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return np.mean(top / ((mean_a ** 2 + mean_b ** 2 + c1) * (var_a + var_b + c2)))


def score(original, result, border):
    """(PSNR-Y, SSIM-Y) inside a border."""
    inside = slice(border, -border)
    a, b = luma(original)[inside, inside], luma(result)[inside, inside]
    return psnr(a, b), ssim(a, b)


def load(path, scale=1):
    """8-bit RGB, cropped to multiples of the scale."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    return pixels[:pixels.shape[0] // scale * scale, :pixels.shape[1] // scale * scale]


def shrink(original, scale):
    """What the systems are given to restore."""
    return resize(original, original.shape[0] // scale, original.shape[1] // scale)


def main():
    """Print scores, or write a picture."""
    words = sys.argv[1:]
    task = words.pop(0) if words[0].startswith("--") else None
    scale, paths = int(words[0]), words[1:]
    original = load(paths[0], scale)
    if task == "--shrink":
        Image.fromarray(shrink(original, scale)).save(paths[1])
    elif task == "--score":
        for path in paths[1:]:
            print(path, "%.6f %.6f" % score(original, load(path), scale))
    else:
        for path in paths:
            original = load(path, scale)
            bicubic = resize(shrink(original, scale), *original.shape[:2])
            print(path, "%.6f %.6f" % score(original, bicubic, scale))


if __name__ == "__main__":
    main()
