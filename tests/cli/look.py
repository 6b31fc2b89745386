"""look.py -- what must hold of pictures.

    look.py <<<"COMMAND ARGUMENT..."      a line each, quoted as in a shell

Each command is a function below. The first that does not hold is told in a sentence, status 1.
One process looks at all pictures of a test: starting Python takes longer than looking.
"""
import io
import pathlib
import shlex
import struct
import sys

import numpy as np
from PIL import Image, ImageCms, ImageColor

import png
from reference_eval import resize

KINDS = {1: "grey", 2: "grey+alpha", 3: "rgb", 4: "rgb+alpha"}


def check(holds, sentence):
    """A sentence for the test's log when it does not hold."""
    if not holds:
        sys.exit(f"look: {sentence}")


def read(path):
    """Pixels, rows x columns x channels, of 8 or 16 bits."""
    data = pathlib.Path(path).read_bytes()
    if data.startswith(png.SIGNATURE) and data[24] == 16:
        return png.decode(data)[0]
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("L") if image.mode == "1" else image)
    return pixels.reshape(pixels.shape[:2] + (-1,))


def psnr(a, b):
    """In dB, of all channels; 999 for equal ones."""
    check(a.shape == b.shape and a.dtype == b.dtype,
          f"{a.shape} {a.dtype} cannot be compared with {b.shape} {b.dtype}")
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 10 * np.log10(np.iinfo(a.dtype).max ** 2 / error) if error else 999


def facts(path, want):
    """Format, size, channels, bits of a sample, like "PNG 96x80 rgb 8"."""
    data = pathlib.Path(path).read_bytes()
    pixels = read(path)
    with Image.open(io.BytesIO(data)) as image:
        form, palette = image.format, image.mode == "P"
    height, width, channels = pixels.shape
    kind = "palette" if palette else KINDS[channels]
    got = f"{form} {width}x{height} {kind} {8 * pixels.itemsize}"
    check(got == want, f"{path} is {got}, not {want}")


def container(path, want):
    """The format of a file that Pillow cannot read, by its first bytes."""
    head = pathlib.Path(path).read_bytes()[:32]
    jxl = head.startswith(b"\xff\x0a") or head[4:8] == b"JXL "
    got = head[8:12].decode() if head[4:8] == b"ftyp" else "jxl" if jxl else "nothing known"
    check(got == want, f"{path} is {got}, not {want}")


def repeated(small, large, factor):
    """Is every pixel of `small` a block of factor x factor pixels?"""
    want = np.repeat(np.repeat(read(small), int(factor), axis=0), int(factor), axis=1)
    got = read(large)
    check(got.dtype == want.dtype and np.array_equal(got, want),
          f"{large} ({got.shape} {got.dtype}) is not {small} repeated")


def same_below(a, b, row):
    """Are two pictures the same from this row on, and not everywhere?"""
    one, other = read(a), read(b)
    check(np.array_equal(one[int(row):], other[int(row):]), f"{a} and {b} differ below {row}")
    check(not np.array_equal(one, other), f"{a} and {b} do not differ at all")


def near(a, b, least_db):
    """Are two pictures of one size alike?"""
    db = psnr(read(a), read(b))
    check(db >= float(least_db), f"{a} and {b}: {db:.2f} dB")


def as_bicubic(small, large, least_db):
    """Is `large` about what bicubic makes of `small`, channel for channel?"""
    pixels = read(large)
    want = resize(read(small), *pixels.shape[:2])
    check(want.shape == pixels.shape, f"{large} is {pixels.shape}, not {want.shape}")
    for channel in range(pixels.shape[2]):
        db = psnr(want[..., channel:channel + 1], pixels[..., channel:channel + 1])
        check(db >= float(least_db), f"{large}, channel {channel}: {db:.2f} dB from bicubic")


def in_place(small, large, most_px):
    """Does the large picture, shrunk again, lie where the small one does, to a part of a pixel?"""
    before, after = (np.asarray(Image.open(p).convert("L"), float) for p in (small, large))
    factor = after.shape[0] // before.shape[0]
    after = after.reshape(before.shape[0], factor, before.shape[1], factor).mean((1, 3))
    down, across = np.gradient(before)
    inner = np.s_[2:-2, 2:-2]
    slopes = np.stack([down[inner].ravel(), across[inner].ravel()], 1)
    shift = np.linalg.lstsq(slopes, (before - after)[inner].ravel(), rcond=None)[0]
    check(np.abs(shift).max() <= float(most_px), f"{large} is {shift} pixels from {small}")


def alike(a, b, least):
    """Do two pictures look alike? The structural similarity (Wang et al. 2004) of their luma, with
    a window of 7x7."""
    x, y = (np.asarray(Image.open(p).convert("L"), float) for p in (a, b))
    check(x.shape == y.shape, f"{a} is {x.shape}, {b} is {y.shape}")

    def mean(values):
        return np.lib.stride_tricks.sliding_window_view(values, (7, 7)).mean((2, 3))

    mean_x, mean_y = mean(x), mean(y)
    across = mean(x * y) - mean_x * mean_y
    spread = mean(x * x) - mean_x ** 2 + mean(y * y) - mean_y ** 2
    small, other = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    got = ((2 * mean_x * mean_y + small) * (2 * across + other) /
           ((mean_x ** 2 + mean_y ** 2 + small) * (spread + other))).mean()
    check(got >= float(least), f"{a} and {b} are alike by {got:.3f}")


def constant(path, *values):
    """Has every pixel these values?"""
    pixels = read(path)
    want = np.array([int(v) for v in values], pixels.dtype)
    check(pixels.shape[2] == len(want) and (pixels == want).all(),
          f"{path}: {pixels.reshape(-1, pixels.shape[2]).min(0)} to "
          f"{pixels.reshape(-1, pixels.shape[2]).max(0)} is not all {want}")


def about(path, tolerance, *values):
    """Is every pixel opaque and within the tolerance of these values?"""
    pixels = read(path).astype(int)
    check((pixels[..., len(values):] == 255).all(), f"{path} is transparent")
    worst = np.abs(pixels[..., :len(values)] - [int(v) for v in values]).max()
    check(worst <= int(tolerance), f"{path} is off by {worst}")


def pixel(path, x, y, tolerance, *values):
    """Is one pixel about this?"""
    got = read(path)[int(y), int(x)].astype(int)
    check(np.abs(got - [int(v) for v in values]).max() <= int(tolerance), f"{path}: {got}")


def levels(path, least):
    """Does it use the finer steps of 16 bits?"""
    values = np.unique(read(path))
    check(len(values) >= int(least), f"{path} has {len(values)} levels")
    check((values % 257 != 0).mean() > 0.9, f"{path} holds 8 bits in 16")


def opaque(path):
    """Is alpha at its top everywhere?"""
    alpha = read(path)[..., -1]
    check((alpha == np.iinfo(alpha.dtype).max).all(), f"{path}: alpha down to {alpha.min()}")


def no_green(path):
    """The red square on transparent green: it stays red to its edge, alone or over blue."""
    pixels = read(path).astype(float)
    seen = pixels[..., 3] > 8
    check(seen.mean() > 0.2, f"{path}: nothing is left")
    green = pixels[..., 1][seen].max()
    check(green <= 40, f"{path}: a visible pixel has green {green}")
    red = pixels[..., 0][seen].min()
    check(red >= 200, f"{path}: a dark fringe, red {red}")
    alpha = pixels[..., 3:] / 255
    over = pixels[..., :3] * alpha + np.array([0, 0, 255]) * (1 - alpha)
    check(over[..., 1].max() <= 24, f"{path}: over blue, green is {over[..., 1].max()}")
    middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
    check(np.abs(middle - (220, 0, 0, 255)).max() <= 6, f"{path}: the square is {middle}")


def sharp(path):
    """A black disc on white: along the middle row each edge is at most two pixels wide."""
    pixels = read(path)[..., 0].astype(int)
    row = pixels[pixels.shape[0] // 2]
    grey = int(((row > 5) & (row < 250)).sum())
    check(row.min() < 5 and row.max() > 250 and grey <= 4, f"{path}: {grey} grey pixels")


def profile(path, icc):
    """Is the colour profile there, byte for byte?"""
    with Image.open(path) as image:
        got = image.info.get("icc_profile")
    check(got == pathlib.Path(icc).read_bytes(),
          f"{path}: {'another' if got else 'no'} profile")


def no_profile(path):
    """Is no colour profile there?"""
    with Image.open(path) as image:
        check("icc_profile" not in image.info, f"{path} has a profile")


def managed(profiled, plain, least_db):
    """Is the second what LittleCMS makes of the first, by its profile, in sRGB?"""
    with Image.open(profiled) as image, Image.open(plain) as other:
        source = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        want = np.asarray(ImageCms.profileToProfile(image.convert("RGB"), source,
                                                    ImageCms.createProfile("sRGB"),
                                                    renderingIntent=1))
        got = np.asarray(other.convert("RGB"))
        check(psnr(want, got) > float(least_db), f"{plain}: {psnr(want, got):.1f} dB from that")


def bare(path):
    """Does the file say nothing beside its pixels, but for its resolution?"""
    data = pathlib.Path(path).read_bytes()
    with Image.open(path) as image:
        told = {"size": (256, 257), "rows": (258, 259, 262, 273, 277, 278, 279, 284, 317, 338, 339),
                "resolution": (282, 283, 296), "upright": (274,), "empty": (531, 34665)}
        tags = set(image.getexif()) - {t for some in told.values() for t in some}
        check(not tags, f"{path}: EXIF tags {tags}")
    for word in (b"<kept/>", b"a house in winter", b"nobody at all", b"acsp"):
        check(word not in data, f"{path} holds {word}")


def frames(path, size, *colours):
    """Has the file a frame of this size and about this colour for each of these?"""
    with Image.open(path) as image:
        n = getattr(image, "n_frames", 1)
        check(n == len(colours), f"{path} has {n} frames")
        for i, colour in enumerate(colours):
            image.seek(i)
            check("x".join(map(str, image.size)) == size, f"{path}: frame {i} is {image.size}")
            far = np.abs(np.asarray(image.convert("RGB"), int) - ImageColor.getrgb(colour)).max()
            check(far < 24, f"{path}: frame {i} is {far} from {colour}")


def exif(path, tag, want):
    """Has an EXIF tag this value?"""
    with Image.open(path) as image:
        tags = image.getexif()
        number = int(tag, 0)
        got = tags.get(number, tags.get_ifd(0x8769).get(number, "none"))
    check(str(got) == want, f"{path}: EXIF tag {tag} is {got}, not {want}")


def chunk_once(path, kind):
    """Does a PNG hold one chunk of this kind, and before the pixels?"""
    kinds = [k.decode() for k, _ in png.chunks(pathlib.Path(path).read_bytes())]
    check(kinds.count(kind) == 1 and kinds.index(kind) < kinds.index("IDAT"),
          f"{path}: chunks {' '.join(kinds)}")


def no_larger(path, percent):
    """Is a PNG no larger than so many percent of what Pillow makes at level 2?"""
    other = io.BytesIO()
    with Image.open(path) as image:
        image.save(other, "PNG", compress_level=2)
    size, limit = pathlib.Path(path).stat().st_size, len(other.getvalue()) * int(percent) // 100
    check(size <= limit, f"{path} has {size} bytes, over {limit}")


def text(path, keyword, want):
    """Has a PNG this text?"""
    with Image.open(path) as image:
        got = image.text.get(keyword)
    check(got == want, f"{path}: {keyword} is {got!r}, not {want!r}")


def upright(path):
    """Is there no orientation left to be applied?"""
    with Image.open(path) as image:
        got = image.getexif().get(0x112, 1)
    check(got == 1, f"{path}: orientation {got}")


def dpi(path, want):
    """Pixels an inch, across and down."""
    data = pathlib.Path(path).read_bytes()
    if data.startswith(png.SIGNATURE):
        found = dict(png.chunks(data))
        across, down, unit = struct.unpack(">IIB", found.get(b"pHYs", bytes(9)))
        check(unit == 1, f"{path}: no unit of resolution")
        got = across * 0.0254, down * 0.0254
    else:
        with Image.open(path) as image:
            got = image.info.get("dpi", (0, 0))
    check([round(float(n)) for n in got] == [int(want)] * 2, f"{path}: {got} pixels an inch")


def main():
    """Run each line."""
    commands = {f.__name__: f for f in (
        facts, container, repeated, same_below, near, as_bicubic, constant, about, pixel, levels,
        in_place, alike, opaque, no_green, sharp, profile, no_profile, managed, bare, frames, exif,
        chunk_once, no_larger, text, upright, dpi)}
    for line in sys.stdin:
        command, *arguments = shlex.split(line)
        commands[command](*arguments)


if __name__ == "__main__":
    main()
