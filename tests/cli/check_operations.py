#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each operation does to pixels, against NumPy: one function here for each, by its name.

    check_operations.py FOVEA NAME...      in a folder for files
    check_operations.py FOVEA --list       names

The pictures are made here: a photograph-like one of soft noise and edges, a grey one, one of 16
bits, one with alpha, of odd sizes. Expected values come from the definition of the operation, not
from the program.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw

FOVEA = ""
W, H = 61, 43


def picture(seed=1, channels=3):
    """8-bit [H, W, channels]: ramps, a few boxes, soft noise."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:H, 0:W]
    planes = []
    for c in range(channels):
        p = 90 + 60 * np.sin(x / (7 + 3 * c)) + 50 * np.cos(y / (9 - 2 * c)) + 4 * \
            chance.standard_normal((H, W))
        p[8:20, 10 + c:30] += 40
        planes.append(p)
    return np.clip(np.round(np.stack(planes, 2)), 0, 255).astype(np.uint8)


def with_alpha(seed=2):
    """A disc on nothing; its unseen ground is bright green."""
    rgb = picture(seed)
    y, x = np.mgrid[0:H, 0:W]
    d = 16 - np.hypot(x - W / 2, y - H / 2)
    alpha = np.clip(d * 128, 0, 255).astype(np.uint8)
    rgb[alpha == 0] = (0, 255, 0)
    return np.dstack([rgb, alpha])


def save(name, a):
    """An array as a PNG; [H, W] of uint16 is grey of 16 bits."""
    Image.fromarray(a).save(name)


def load(name):
    """A file as an array, as it is."""
    return np.array(Image.open(name))


def run(source, ops, out="out.png"):
    """The file, or array, through the operations."""
    if not isinstance(source, str):
        save("in.png", source)
        source = "in.png"
    subprocess.run([FOVEA, "transform", source, out, "--force", "--ops", json.dumps(ops)],
                   check=True)
    return load(out)


def run_file(source, ops):
    """The same, as the name of the file."""
    subprocess.run([FOVEA, "transform", source, "out.tiff", "--force", "--ops", json.dumps(ops)],
                   check=True)
    return "out.tiff"


def load_la16(name):
    """A TIFF of grey and alpha of 16 bits, which PIL does not read: by way of two crops of it."""
    planes = []
    for ground in ("#000000", "#FFFFFF"):
        subprocess.run([FOVEA, "transform", name, "flat.png", "--force", "--ops", json.dumps(
            [op("remove_transparency", hex_color=ground)])], check=True)
        planes.append(load("flat.png").astype(float))
    alpha = 65535 - (planes[1] - planes[0])
    grey = np.where(alpha > 0, planes[0] * 65535 / np.maximum(alpha, 1), 0)
    return np.round(np.stack([grey, alpha], -1)).astype(np.uint16)


def refused(source, ops, words):
    """It fails with a sentence that holds the words, and leaves no file."""
    save("in.png", source)
    pathlib.Path("no.png").unlink(missing_ok=True)
    done = subprocess.run([FOVEA, "transform", "in.png", "no.png", "--ops", json.dumps(ops)],
                          check=False, capture_output=True, text=True)
    assert done.returncode in (2, 65), done
    assert done.stderr.count("\n") == 1 and words in done.stderr, done.stderr
    assert not pathlib.Path("no.png").exists()


def op(name, **fields):
    """One operation."""
    return {"type": name, **fields}


def same(a, b, within=0):
    """Two arrays are equal, or nearly."""
    assert a.shape == b.shape, (a.shape, b.shape)
    worst = np.abs(a.astype(int) - b.astype(int)).max()
    assert worst <= within, f"differs by {worst}"


def to_lab(rgb):
    """sRGB of 8 bits as CIE Lab, D65."""
    c = rgb / 255
    c = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    m = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = c @ m.T / np.array([0.9505, 1.0, 1.0890])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]),
                     200 * (f[..., 1] - f[..., 2])], -1)


def upscale():
    """The size; a factor in quotes; the same picture as the command of that name."""
    a = picture()
    got = run(a, [op("upscale", factor="2")])
    subprocess.run([FOVEA, "upscale", "in.png", "want.png", "--factor", "2", "--force"], check=True)
    same(got, load("want.png"))
    assert got.shape == (2 * H, 2 * W, 3)
    twice = run(a, [op("upscale", factor=2), op("upscale", factor=2, model="photo", denoise=1)])
    assert twice.shape == (4 * H, 4 * W, 3)


def resize():
    """The sizes of the five fits; what cover keeps; black around contain; flat stays flat."""
    a = picture()
    for fit, size in (("cover", (30, 40)), ("contain", (30, 40)), ("fill", (30, 40)),
                      ("inside", (30, 21)), ("outside", (W, H))):
        got = run(a, [op("resize", width_in_px=30, height_in_px=40, fit=fit)])
        assert got.shape[1::-1] == size, (fit, got.shape)
    got = run(a, [op("resize", width_in_px=130, height_in_px=90, fit="inside")])
    same(got, a)
    got = run(a, [op("resize", width_in_px=120, height_in_px=90, fit="outside")])
    assert got.shape[:2] == (90, 128)
    got = run(a, [op("resize", width_in_px=30, height_in_px=40, fit="contain")])
    assert not got[:9].any() and not got[-9:].any() and got[12:28].mean() > 50
    for size in ((26, 19), (131, 97)):  # as Lanczos with three lobes makes it, but for the border
        got = run(a, [op("resize", width_in_px=size[0], height_in_px=size[1], fit="fill")])
        want = np.asarray(Image.fromarray(a).resize(size, Image.LANCZOS), float)
        off = ((got - want)[6:-6, 6:-6] ** 2).mean() ** 0.5
        assert off < 2, (size, off)
    flat = np.full((H, W, 3), 77, np.uint8)
    same(run(flat, [op("resize", width_in_px=200, height_in_px=99)]),
         np.full((99, 200, 3), 77, np.uint8))
    middle = np.zeros((H, W, 3), np.uint8)
    middle[:, W // 3:2 * W // 3] = 255
    got = run(middle, [op("resize", width_in_px=20, height_in_px=H)])
    assert got[:, 3:-3].min() == 255
    edge = np.full((H, W, 3), 128, np.uint8)
    edge[5:35, 50:] = picture()[5:35, 50:]
    got = run(edge, [op("resize", width_in_px=12, height_in_px=H, position="smart_crop")])
    assert got.std() > 20, got.std()


def crop():
    """The rectangle; its ends; beyond them."""
    a = picture()
    box = dict(left_in_px=5, top_in_px=7, width_in_px=W - 5, height_in_px=H - 7)
    same(run(a, [op("crop", **box)]), a[7:, 5:])
    refused(a, [op("crop", **{**box, "width_in_px": W - 4})], "(crop)")
    refused(a, [op("crop", **{**box, "left_in_px": 10000000})], "reaches beyond")


def smart_crop():
    """Finds the busy corner of a dull picture, to the pixel of its size; refuses more."""
    a = np.full((H, W, 3), 128, np.uint8)
    a[25:40, 40:58] = picture()[25:40, 40:58]
    got = run(a, [op("smart_crop", width_in_px=20, height_in_px=18)])
    assert got.shape == (18, 20, 3) and got.std() > 20
    same(run(a, [op("smart_crop", width_in_px=W, height_in_px=H)]), a)
    refused(a, [op("smart_crop", width_in_px=W + 1, height_in_px=1)], "larger than the picture")


def extend():
    """The border's colour and place, in grey and with alpha; crop undoes it."""
    a = picture()
    around = dict(top_in_px=1, bottom_in_px=2, left_in_px=3, right_in_px=4, hex_color="#0A80ff")
    want = np.empty((H + 3, W + 7, 3), np.uint8)
    want[:] = (10, 128, 255)
    want[1:-2, 3:-4] = a
    same(run(a, [op("extend", **around)]), want)
    grey = a[..., 0]
    got = run(grey, [op("extend", **{**around, "hex_color": "#808080"})])
    assert got.ndim == 2 and got[0, 0] == 128
    got = run(grey, [op("extend", **around)])
    assert tuple(got[0, 0]) == (10, 128, 255)
    same(got[1:-2, 3:-4], np.dstack([grey] * 3))
    clear = with_alpha()
    got = run(clear, [op("extend", **around)])
    assert tuple(got[0, 0]) == (10, 128, 255, 255)
    back = [op("extend", **around),
            op("crop", left_in_px=3, top_in_px=1, width_in_px=W, height_in_px=H)]
    same(run(a, back), a)
    wide = a[..., 0].astype(np.uint16) * 257
    got = run(wide, [op("extend", **{**around, "hex_color": "#808080"})])
    assert got[0, 0] == 128 * 257


def trim():
    """A border goes to the pixel, if it is nearly of a colour or clear; all border stays."""
    a = np.full((H, W, 3), 200, np.uint8)
    a[10:30, 20:50] = (20, 40, 90)
    same(run(a, [op("trim")]), a[10:30, 20:50])
    a[0:5] = 205
    same(run(a, [op("trim", threshold=8)]), a[10:30, 20:50])
    assert run(a, [op("trim", threshold=2)]).shape[0] > 20
    clear = with_alpha()
    seen = np.argwhere(clear[..., 3] > 10)
    (top, left), (bottom, right) = seen.min(0), seen.max(0) + 1
    same(run(clear, [op("trim")]), clear[top:bottom, left:right])
    flat = np.full((H, W, 3), 9, np.uint8)
    same(run(flat, [op("trim")]), flat)


def rotate():
    """Right angles lose nothing; the canvas grows; there and back is where it was."""
    a = picture()
    for angle in (0, 90, 180, 270, 360, -90, 450):
        same(run(a, [op("rotate", angle_in_degrees=angle)]), np.rot90(a, -angle // 90 % 4))
    got = run(a, [op("rotate", angle_in_degrees=30, hex_color="#FF0000")])
    assert tuple(got[0, 0]) == (255, 0, 0)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    assert abs(got.shape[1] - (W * c + H * s)) < 2.5 and abs(got.shape[0] - (W * s + H * c)) < 2.5
    mark = np.zeros((H, W, 3), np.uint8)
    mark[0:8, 0:8] = 255
    corner = run(mark, [op("rotate", angle_in_degrees=30)])  # its corner goes to the right
    x = np.argwhere(corner[..., 0] > 128)[:, 1].mean()
    assert 10 < x < corner.shape[1] / 2, x
    grey = dict(hex_color="#808080")  # no unseen green is drawn in
    first = run(with_alpha(), [op("rotate", angle_in_degrees=45, **grey),
                               op("remove_transparency", **grey)])
    last = run(with_alpha(), [op("remove_transparency", **grey),
                              op("rotate", angle_in_degrees=45, **grey)])
    same(first, last, 6)


def flip():
    """Upside down; twice is nothing."""
    a = picture()
    same(run(a, [op("flip")]), a[::-1])
    same(run(a, [op("flip"), op("flip")]), a)


def flop():
    """Left is right; twice is nothing."""
    a = picture()
    same(run(a, [op("flop")]), a[:, ::-1])
    same(run(a, [op("flop"), op("flop")]), a)


def blur():
    """An impulse becomes the Gaussian; flat stays flat; unseen colour stays unseen."""
    a = np.zeros((H, W), np.uint8)
    a[21, 30] = 255
    got = run(a.astype(np.uint16) * 257, [op("blur", sigma=2)])
    y, x = np.mgrid[0:H, 0:W]
    g = np.exp(-((x - 30) ** 2 + (y - 21) ** 2) / 8)
    want = 65535 * g / g.sum()
    assert np.abs(got - want).max() < 0.06 * want.max()
    flat = np.full((H, W, 3), 200, np.uint8)
    same(run(flat, [op("blur", sigma=20)]), flat)
    clear = run(with_alpha(), [op("blur", sigma=3)])
    some = clear[clear[..., 3] > 8]
    assert not ((some[:, 1] > 240) & (some[:, 0] < 60)).any()
    same(run(flat, [op("blur", sigma=0.001)]), flat)


def sharpen():
    """Steeper edges, the same mean and flat places, no change of hue, alpha untouched."""
    a = np.full((H, W, 3), 80, np.uint8)
    a[:, 30:] = 160
    got = run(a, [op("sharpen", sigma=1)])
    same(got[:, :24], a[:, :24])
    assert got[20, 29].max() < 80 and got[20, 30].min() > 160
    light = run(picture(), [op("sharpen", sigma=0.3)])
    worst = np.abs(light.astype(int) - picture()).max()
    assert 0 < worst < 40, worst
    clear = with_alpha()
    same(run(clear, [op("sharpen", sigma=2)])[..., 3], clear[..., 3])


def modulate():
    """Half the lightness, no chroma, another hue."""
    a = picture()
    got = to_lab(run(a, [op("modulate", brightness=0.5)]))
    want = to_lab(a)
    assert np.abs(got[..., 0] - want[..., 0] / 2).mean() < 1
    grey = run(a, [op("modulate", saturation=0)]).astype(int)
    assert np.abs(grey - grey[..., :1]).max() <= 2
    red = np.full((H, W, 3), (150, 110, 110), np.uint8)
    turned = to_lab(run(red, [op("modulate", hue=-120)]))[0, 0]
    want = to_lab(red)[0, 0]
    angle = np.degrees(np.arctan2(turned[2], turned[1]) - np.arctan2(want[2], want[1])) % 360
    assert abs(angle - 240) < 8, angle
    same(run(a, [op("modulate", hue=0)]), a, 1)
    refused(a, [op("modulate")], "at least one of")


def tint():
    """Everything has the colour's a and b, and its own lightness; grey becomes colour."""
    a = picture()
    grey = np.dstack([a[..., 0]] * 3)
    got = to_lab(run(grey, [op("tint", hex_color="#806040")]))
    want = to_lab(np.array([[[0x80, 0x60, 0x40]]]))[0, 0]
    middle = (to_lab(grey)[..., 0] > 30) & (to_lab(grey)[..., 0] < 80)
    assert np.abs(got[middle][:, 1:] - want[1:]).max() < 2
    assert np.abs(got[middle][:, 0] - to_lab(grey)[middle][:, 0]).max() < 2
    assert run(a[..., 0], [op("tint", hex_color="#806040")]).shape == (H, W, 3)


def grayscale():
    """One channel, of the luminance; grey is left alone; alpha is kept."""
    a = picture()
    got = run(a, [op("grayscale")])
    assert got.ndim == 2
    grey = np.dstack([got] * 3)
    assert np.abs(to_lab(grey)[..., 0] - to_lab(a)[..., 0]).mean() < 1
    same(run(a[..., 0], [op("grayscale")]), a[..., 0])
    clear = with_alpha()
    same(run(clear, [op("grayscale")])[..., 1], clear[..., 3])


def invert_colors():
    """A negative, alpha as it was; twice is nothing."""
    a = with_alpha()
    got = run(a, [op("invert_colors")])
    same(got, np.dstack([255 - a[..., :3], a[..., 3]]))
    same(run(a, [op("invert_colors")] * 2), a)
    wide = a[..., 0].astype(np.uint16) * 200
    same(run(wide, [op("invert_colors")]), 65535 - wide)


def auto_contrast():
    """A dull picture reaches both ends, keeps its order; one of one colour stays."""
    dull = (60 + picture()[..., 0] / 4).astype(np.uint8)
    got = run(dull, [op("auto_contrast")])
    assert got.min() < 5 and got.max() > 250
    order = np.argsort(dull, axis=None, kind="stable")
    assert (np.diff(got.flatten()[order].astype(int)) >= 0).all()
    flat = np.full((H, W, 3), 123, np.uint8)
    same(run(flat, [op("auto_contrast")]), flat)


def gamma():
    """The power; there and back; below 1 darkens."""
    a = picture()
    got = run(a, [op("gamma", gamma=2)])
    same(got, np.round(255 * (a / 255) ** 0.5).astype(np.uint8), 1)
    wide = a[..., 0].astype(np.uint16) * 257
    back = run(wide, [op("gamma", gamma=2), op("gamma", gamma=0.5)])
    same(back, wide, 257)
    assert run(a, [op("gamma", gamma=0.5)]).mean() < a.mean() - 10


def remove_transparency():
    """What alpha says, on the colour; nothing without alpha."""
    a = with_alpha()
    got = run(a, [op("remove_transparency", hex_color="#204060")])
    alpha = a[..., 3:] / 255
    want = a[..., :3] * alpha + np.array([0x20, 0x40, 0x60]) * (1 - alpha)
    same(got, np.round(want).astype(np.uint8), 1)
    b = picture()
    same(run(b, [op("remove_transparency", hex_color="#204060")]), b)


def threshold():
    """Black below, white from the value on; the ends of its range."""
    a = picture()
    for value in (0, 1, 128, 255):
        got = run(a, [op("threshold", value=value, is_grayscale=False)])
        same(got, np.where(a >= value, 255, 0).astype(np.uint8))
    assert run(a, [op("threshold", value=9, is_grayscale=True)]).ndim == 2
    clear = with_alpha()
    same(run(clear, [op("threshold", value=128, is_grayscale=False)])[..., 3], clear[..., 3])


def denoise():
    """Single pixels vanish, edges stay; the median itself; a window larger than the picture."""
    a = np.full((H, W), 50, np.uint8)
    a[:, 30:] = 180
    salted = a.copy()
    salted[5::9, 5::9] = 255
    same(run(salted, [op("denoise", size=3)]), a)
    b = picture()[..., 0]
    got = run(b, [op("denoise", size=5)])
    want = np.median(np.lib.stride_tricks.sliding_window_view(b, (5, 5)), axis=(2, 3))
    same(got[2:-2, 2:-2], want.astype(np.uint8))
    same(run(b, [op("denoise", size=1)]), b)
    refused(b, [op("denoise", size=50)], "larger than the picture")


def opacity():
    """Alpha appears, and shrinks; 100 changes nothing of it, 0 hides all."""
    a = picture()
    got = run(a, [op("opacity", opacity_in_percent=50)])
    same(got, np.dstack([a, np.full((H, W), 128, np.uint8)]), 1)
    clear = with_alpha()
    got = run(clear, [op("opacity", opacity_in_percent=25)])
    same(got[..., 3], np.round(clear[..., 3] * 0.25).astype(np.uint8), 1)
    same(got[..., :3], clear[..., :3])
    same(run(clear, [op("opacity", opacity_in_percent=100)]), clear)
    assert not run(clear, [op("opacity", opacity_in_percent=0)])[..., 3].any()


def product(hole=True):
    """(picture, alpha): a red disc with a bar and a white label, on paper that darkens to its
    corners and is noisy; drawn four times as large, so that edges are mixtures."""
    w, h, fine = 200, 150, 4
    large, alpha = Image.new("RGB", (w * fine, h * fine), (250, 250, 248)), None
    alpha = Image.new("L", large.size)
    for canvas, ink in ((ImageDraw.Draw(large), (180, 40, 50)), (ImageDraw.Draw(alpha), 255)):
        canvas.ellipse([n * fine for n in (60, 30, 145, 120)], fill=ink)
        canvas.rectangle([n * fine for n in (20, 70, 80, 80)], fill=ink)
    if hole:
        ImageDraw.Draw(large).ellipse([n * fine for n in (90, 60, 115, 85)], fill=(250, 250, 248))
    rgb = np.array(large.resize((w, h), Image.BOX), float)
    y, x = np.mgrid[0:h, 0:w]
    rgb *= (1 - 0.05 * (((x - w / 2) / w * 2) ** 2 + ((y - h / 2) / h * 2) ** 2))[..., None]
    rgb += 2 * np.random.default_rng(5).standard_normal(rgb.shape)
    return (np.clip(np.round(rgb), 0, 255).astype(np.uint8),
            np.array(alpha.resize((w, h), Image.BOX)))


def remove_background():
    """The alpha that was drawn, the thing's own colour at its edge, a label left alone; on a
    colour; times the alpha that was there; refused where there is no even ground."""
    a, alpha = product()
    got = run(a, [op("remove_background")])
    assert np.abs(got[..., 3].astype(int) - alpha).max() <= 20
    edge = (alpha > 60) & (alpha < 200)
    assert np.abs(got[edge][:, :3].astype(int) - (175, 39, 48)).mean() < 12
    same(got[60:85, 90:115, :3], a[60:85, 90:115])
    flat = run(a, [op("remove_background", background_hex_color="#2040A0")])
    want = got[..., :3] * (got[..., 3:] / 255) + np.array((0x20, 0x40, 0xA0)) * \
        (1 - got[..., 3:] / 255)
    same(flat, np.round(want).astype(np.uint8), 1)
    half = run(np.dstack([a, np.full(alpha.shape, 128, np.uint8)]), [op("remove_background")])
    same(half[..., 3], np.floor(got[..., 3] * 128.0 / 255).astype(np.uint8), 1)
    wide = a[..., 1].astype(np.uint16) * 257
    Image.fromarray(wide).save("in.png")
    deep = load_la16(run_file("in.png", [op("remove_background")]))
    solid = deep[..., 1] == 65535
    assert solid.sum() > 5000 and np.array_equal(deep[solid][:, 0], wide[solid])
    refused(picture(), [op("remove_background")], "of the picture's border have one colour")
    refused(np.full((H, W, 3), 240, np.uint8), [op("remove_background")], "nothing stands out")
    refused(a[:7], [op("remove_background")], "too small to have a ground")


def resolution():
    """The file says it, in each format that can; no pixel changes."""
    a = picture()
    for name in ("out.png", "out.tiff", "out.jpg"):
        got = run(a, [op("resolution", dpi=240)], name)
        dpi = Image.open(name).info["dpi"]
        assert all(abs(float(d) - 240) < 0.1 for d in dpi), (name, dpi)
        if name != "out.jpg":
            same(got, a)


def convert():
    """The format is what it says, and quality matters; without a suffix the operation decides."""
    a = picture()
    for name, magic in (("png", b"\x89PNG"), ("jpeg", b"\xff\xd8"), ("webp", b"RIFF"),
                        ("tiff", b"II*")):
        run(a, [op("convert", format=name)], "file")
        assert pathlib.Path("file").read_bytes().startswith(magic), name
    sizes = []
    for quality in (20, 90):
        run(a, [op("convert", format="jpeg", quality=quality)], "file")
        sizes.append(pathlib.Path("file").stat().st_size)
    assert sizes[0] < 0.6 * sizes[1]
    refused(a, [op("convert", format="jpeg")],
            "is named as PNG, and the operations convert to JPEG")


def compress_to_size():
    """As good as fits; then fewer pixels; lossless: fewer pixels at once; impossible is said."""
    a = np.kron(picture(), np.ones((4, 4, 1), np.uint8))
    a = np.clip(a + np.random.default_rng(3).integers(-9, 10, a.shape), 0, 255).astype(np.uint8)
    run(a, [op("convert", format="jpeg")], "file")
    full = pathlib.Path("file").stat().st_size
    for share, shrunk in ((0.9, False), (0.5, False), (0.08, True)):
        most = int(full * share)
        got = run(a, [op("convert", format="jpeg"),
                      op("compress_to_size", max_file_size_in_bytes=most)], "file")
        size = pathlib.Path("file").stat().st_size
        assert 0.6 * most < size <= most, (share, size, most)
        assert (got.shape != a.shape) == shrunk, (share, got.shape)
    got = run(a, [op("compress_to_size", max_file_size_in_bytes=20000)])
    assert pathlib.Path("out.png").stat().st_size <= 20000 and got.shape[0] < a.shape[0]
    refused(a, [op("compress_to_size", max_file_size_in_bytes=10)], "even 1x1 pixels take")


def main():
    """Run the named checks."""
    global FOVEA  # pylint: disable=global-statement
    FOVEA = sys.argv[1]
    helpers = {"main", "picture", "with_alpha", "product", "save", "load", "load_la16", "run",
               "run_file", "refused", "op", "same", "to_lab"}
    known = {k: v for k, v in globals().items()
             if callable(v) and getattr(v, "__module__", "") == "__main__" and k not in helpers}
    if sys.argv[2] == "--list":
        print("\n".join(known))
    for name in sys.argv[2:]:
        if name in known:
            known[name]()


if __name__ == "__main__":
    main()
