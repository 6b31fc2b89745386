#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The operations of `fovea serve`, seen by a client: each with good and bad values, and what comes
back is looked at: its size, its format, and whether its pixels are what the operation says.

    contract_pictures.py FOVEA [CASE...]

GOOD is the contract's table; the ranges of fields come from src/image/ops.def. What every sample
must be is tests/cli/check_operations.py's business; here it is that the wire brings the operation
that was asked for.
"""
import io
import pathlib
import sys

import numpy as np
from PIL import Image

from service import ROOT, Service, run

sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests" / "cli")]
import make_pictures  # pylint: disable=wrong-import-position
import ops_table  # pylint: disable=wrong-import-position

W, H = 48, 32
RED, BLUE = (200, 30, 60), (20, 60, 220)
SERVICES = []

# Of each operation of the contract, values that are good, with the size of the result for a
# picture of 48 x 32: fields, width, height.
GOOD = {
    "upscale": [({"factor": f}, W * int(f), H * int(f)) for f in (2, 3, 4, "2", "3", "4")],
    "resize": [({"width_in_px": 24, "height_in_px": 24, "fit": "cover"}, 24, 24),
               ({"width_in_px": 24, "height_in_px": 24, "fit": "contain"}, 24, 24),
               ({"width_in_px": 20, "height_in_px": 30, "fit": "fill"}, 20, 30),
               ({"width_in_px": 24, "height_in_px": 24, "fit": "inside"}, 24, 16),
               ({"width_in_px": 480, "height_in_px": 480, "fit": "inside"}, W, H),
               ({"width_in_px": 24, "height_in_px": 24, "fit": "outside"}, W, H),
               ({"width_in_px": 96, "height_in_px": 96, "fit": "outside"}, 144, 96),
               ({"width_in_px": 24, "height_in_px": 24, "fit": "cover", "position": "smart_crop"},
                24, 24),
               ({"width_in_px": 1, "height_in_px": 1, "fit": "fill"}, 1, 1)],
    "crop": [({"left_in_px": 5, "top_in_px": 3, "width_in_px": 20, "height_in_px": 10}, 20, 10),
             ({"left_in_px": 0, "top_in_px": 0, "width_in_px": W, "height_in_px": H}, W, H),
             ({"left_in_px": 47, "top_in_px": 31, "width_in_px": 1, "height_in_px": 1}, 1, 1)],
    "smart_crop": [({"width_in_px": 16, "height_in_px": 16}, 16, 16),
                   ({"width_in_px": W, "height_in_px": H}, W, H)],
    "extend": [({"top_in_px": 1, "bottom_in_px": 2, "left_in_px": 3, "right_in_px": 4,
                 "hex_color": "#C81E3C"}, W + 7, H + 3),
               ({"top_in_px": 0, "bottom_in_px": 0, "left_in_px": 0, "right_in_px": 0,
                 "hex_color": "#c81e3c"}, W, H)],
    "trim": [({"threshold": 0}, None, None), ({"threshold": 10}, None, None),
             ({"threshold": 12.5}, None, None)],
    "rotate": [({"angle_in_degrees": 90}, H, W), ({"angle_in_degrees": 180}, W, H),
               ({"angle_in_degrees": -90}, H, W), ({"angle_in_degrees": 450}, H, W),
               ({"angle_in_degrees": 0, "hex_color": "#ffffff"}, W, H),
               ({"angle_in_degrees": 30.5, "hex_color": "#C81E3C"}, 58, 52)],
    "flip": [({}, W, H)], "flop": [({}, W, H)],
    "blur": [({"sigma": 0.3}, W, H), ({"sigma": 2}, W, H)],
    "sharpen": [({"sigma": 0.3}, W, H), ({"sigma": 2}, W, H)],
    "modulate": [({"brightness": 1.3}, W, H), ({"saturation": 0}, W, H), ({"hue": 120}, W, H),
                 ({"brightness": 1, "saturation": 1.0, "hue": 0}, W, H)],
    "tint": [({"hex_color": "#806040"}, W, H)],
    "grayscale": [({}, W, H)], "invert_colors": [({}, W, H)], "auto_contrast": [({}, W, H)],
    "gamma": [({"gamma": 0.5}, W, H), ({"gamma": 1}, W, H), ({"gamma": 2.2}, W, H)],
    "remove_transparency": [({"hex_color": "#FFFFFF"}, W, H)],
    "threshold": [({"value": 128, "is_grayscale": False}, W, H),
                  ({"value": 0, "is_grayscale": True}, W, H),
                  ({"value": 255, "is_grayscale": True}, W, H)],
    "denoise": [({"size": 1}, W, H), ({"size": 3}, W, H)],
    "opacity": [({"opacity_in_percent": p}, W, H) for p in (0, 50, 100)],
    "convert": [({"format": f}, W, H) for f in ("png", "jpeg", "webp", "avif", "heif")] +
               [({"format": "jpeg", "quality": q}, W, H) for q in (1, 100)],
    "compress_to_size": [({"max_file_size_in_bytes": 100000}, W, H)],
    "remove_background": [({}, W, H), ({"background_hex_color": "#00FF00"}, W, H)],
}


def source():
    """Slow ramps in noise, a blue box on even red around it all: [H, W, 3]."""
    y, x = np.mgrid[0:H, 0:W]
    a = np.empty((H, W, 3))
    a[:] = RED
    inside = (slice(6, 26), slice(10, 40))
    a[inside] = np.stack([60 + 3 * x, 90 + 4 * y, 160 - 2 * x + y], 2)[inside]
    a[12:18, 14:24] = BLUE
    return a.astype(np.uint8)


def encoded(a, kind="PNG", **options):
    """An array as a file."""
    out = io.BytesIO()
    Image.fromarray(np.asarray(a)).save(out, kind, **options)
    return out.getvalue()


A = source()
FILE = encoded(A)


def made(t, operations, file=FILE, **more):
    """What the operations make of a file: (answer, PIL's image); formats that PIL does not know
    come back to the service."""
    a = t.transform(file, operations, **more)
    if a.status != 200:
        return a, Image.new("RGB", (1, 1))
    data = a.picture
    if a.data.get("mime_type") in ("image/avif", "image/heif"):
        t.same(data[4:8], b"ftyp", "where the file says what it is", a)
        data = t.transform(data, [{"type": "convert", "format": "png"}]).picture
    return a, Image.open(io.BytesIO(data))


def pixels(t, op, file=FILE):
    """The samples that one operation makes, as an array."""
    return np.array(made(t, [op], file)[1])


def near(t, got, wanted, most, what):
    """Two arrays of one shape differ by at most so much."""
    if t.same(got.shape, wanted.shape, f"{what}: shape"):
        off = np.abs(got.astype(float) - wanted).max() if got.size else 0
        t.expect(off <= most, f"{what}: a sample is off by {off:g}, more than {most}")


# ---- values ----------------------------------------------------------------------------------

def all_are_there(t):
    """the contract's 24 operations are there, with the fields that it names"""
    known = {op.name: {f.name for f in op.fields} for op in ops_table.read()}
    t.same(len(GOOD), 24, "how many operations the contract has")
    for name, rows in GOOD.items():
        for fields, _, _ in rows:
            t.expect(set(fields) <= known.get(name, set()), f"{name} lacks a field of {fields}")


def good_values(t):
    """good values of each: the format and the size of what comes back"""
    for name, rows in GOOD.items():
        for fields, width, height in rows:
            op = {"type": name, **fields}
            a, image = made(t, [op])
            mime = "image/" + fields.get("format", "png")
            t.same(a.data.get("mime_type"), mime, f"the MIME type after {op}", a)
            if width:
                t.same(image.size, (width, height), f"the size after {op}", a)


def ends_of_ranges(t):
    """the ends of each range are taken, as whole and as broken numbers"""
    for op in ops_table.read():
        for field in op.fields:
            for value in field.ends():
                fields = {**sample(op), field.name: value}
                a = t.transform(FILE, [{"type": op.name, **fields}], dry_run=True,
                                wants=(200, 413, 422) if field.kind == "INT" else 200)
                t.expect(" it is " not in (a.error or ""),
                         f"{field.name} of {op.name} may not be {value}", a)
            if field.kind in ("INT", "FACTOR"):
                value = float(field.least)
                t.transform(FILE, [{"type": op.name, **sample(op), field.name: value}],
                            dry_run=True, wants=(200, 413, 422))


def sample(op):
    """Fields of an operation that are good."""
    if op.name in GOOD:
        return GOOD[op.name][0][0]
    return {f.name: f.ends()[0] for f in op.fields if f.required}


def wrong_values(field):
    """Values that a field may not have."""
    for value in ([], {}, "nonsense", "", [1], True if field.kind != "FLAG" else 1):
        if not (field.kind == "TEXT" and value == "nonsense"):
            yield value
    if field.kind in ("INT", "REAL", "FACTOR", "ABOVE"):
        yield field.least - 1 if field.kind != "ABOVE" else field.least
        yield field.most + 1
        yield 1e300
        yield -1e300
    if field.kind in ("INT", "FACTOR"):
        yield field.least + 0.5
    if field.kind in ("INT", "REAL", "ABOVE"):
        yield str(int(field.least) + 1)  # a number in quotes is the factor's privilege
    if field.kind == "FACTOR":
        yield from ("5", "2.5", "1", "four", "2x", " 2", "0x2")
    if field.kind == "COLOUR":
        yield from ("red", "#fff", "#12345", "#1234567", "#12345g", "123456", "#12345678",
                    "rgb(1,2,3)", 0xFFFFFF)
    if field.kind == "WORD":
        yield from (field.words[0].upper(), field.words[0] + " ", "|", 0)
    if field.kind == "FLAG":
        yield from (0, "true")


def bad_values(t):
    """bad values of each field: 400, of a colour 422, and the sentence names the field"""
    for op in ops_table.read():
        for field in op.fields:
            status = 422 if field.kind == "COLOUR" else 400
            for value in wrong_values(field):
                fields = {**sample(op), field.name: value}
                t.transform(FILE, [{"type": op.name, **fields}], wants=status, says=field.name)
            fields = {k: v for k, v in sample(op).items() if k != field.name}
            null = {**fields, field.name: None}
            if field.required:
                for missing in (fields, null):
                    t.transform(FILE, [{"type": op.name, **missing}], wants=400,
                                says=f"{field.name} is missing")
            elif fields or op.name != "modulate":
                t.same(t.transform(FILE, [{"type": op.name, **null}]).picture,
                       t.transform(FILE, [{"type": op.name, **fields}]).picture,
                       f"a picture by {op.name} without {field.name}, or with null")
        t.transform(FILE, [{"type": op.name, **sample(op), "extra": 1}], wants=400, says="extra")
    t.transform(FILE, [{"type": "modulate"}], wants=(400, 422), says="modulate")
    for fields in ({"width": 5, "height": 5}, {"width_in_px": 5}):
        t.transform(FILE, [{"type": "resize", **fields}], wants=400)


def does_not_fit(t):
    """what does not fit the picture: 422; what would be too large: 413"""
    for left, top, width, height in ((1, 0, W, H), (0, 1, W, H), (W, 0, 1, 1), (0, H, 1, 1),
                                     (0, 0, W + 1, 1), (10000000, 0, 1, 1)):
        t.transform(FILE, [{"type": "crop", "left_in_px": left, "top_in_px": top,
                            "width_in_px": width, "height_in_px": height}], wants=422)
    t.transform(FILE, [{"type": "smart_crop", "width_in_px": W + 1, "height_in_px": 1}],
                wants=(200, 422))
    t.transform(FILE, [{"type": "denoise", "size": 101}], wants=422)
    t.transform(FILE, [{"type": "compress_to_size", "max_file_size_in_bytes": 5}], wants=422)
    t.transform(FILE, [{"type": "upscale", "factor": 4}] * 6, wants=413)
    t.transform(FILE, [{"type": "resize", "width_in_px": 10000000, "height_in_px": 10000000}],
                wants=413)
    t.transform(encoded(np.zeros((8001, 8001), np.uint8)), [{"type": "flip"}], wants=413)


# ---- pixels ----------------------------------------------------------------------------------

def upscales(t):
    """upscale: the picture itself, larger and PNG, whatever came, unless a convert follows"""
    for factor in (2, 3, 4):
        _, image = made(t, [{"type": "upscale", "factor": factor}])
        small = np.array(image.convert("RGB").resize((W, H), Image.BOX), float)
        off = np.sqrt(((small - A) ** 2).mean())
        t.expect(off < 6, f"an upscale by {factor} is off by {off:.1f} levels")
    jpeg = encoded(A, "JPEG", quality=95)
    a, image = made(t, [{"type": "upscale", "factor": 2}], jpeg)
    t.same((a.data.get("mime_type"), image.format, image.size), ("image/png", "PNG", (96, 64)),
           "what a JPEG becomes", a)
    twice, webp = {"type": "upscale", "factor": "2"}, {"type": "convert", "format": "webp"}
    for kind, chain in (("webp", [twice, {"type": "sharpen", "sigma": 0.3},
                                  {**webp, "quality": 80}]),
                        ("webp", [twice, webp, {"type": "flip"}]), ("png", [webp, twice])):
        a, image = made(t, chain, jpeg)
        t.same((a.data.get("mime_type"), image.format, image.size),
               (f"image/{kind}", kind.upper(), (96, 64)), "what a JPEG becomes", a)


def looks(t):
    """upscale: a picture without a sign of compression or noise is not cleaned, others are"""
    for file, denoise in ((encoded(make_pictures.shrunk()), 0),
                          (encoded(make_pictures.grainy()), 1)):
        for more in ({}, {"detail": 0.5}):
            op = {"type": "upscale", "factor": 2, **more}
            wanted = [pixels(t, {**op, "denoise": d}, file).astype(float) for d in (0, 1)]
            near(t, pixels(t, op, file), wanted[denoise], 0, f"denoise {denoise} by itself, {more}")
            t.expect((wanted[0] != wanted[1]).any(), "denoise makes no difference")


def geometry(t):
    """crop, extend, rotate, flip, flop, trim: the very samples, where they belong"""
    near(t, pixels(t, {"type": "crop", "left_in_px": 5, "top_in_px": 3, "width_in_px": 20,
                       "height_in_px": 10}), A[3:13, 5:25], 0, "crop")
    wide = np.empty((H + 3, W + 7, 3), np.uint8)
    wide[:] = (1, 2, 250)
    wide[1:1 + H, 3:3 + W] = A
    near(t, pixels(t, {"type": "extend", "top_in_px": 1, "bottom_in_px": 2, "left_in_px": 3,
                       "right_in_px": 4, "hex_color": "#0102fa"}), wide, 0, "extend")
    for angle, turns in ((90, -1), (180, 2), (270, 1), (-90, 1), (0, 0), (360, 0)):
        near(t, pixels(t, {"type": "rotate", "angle_in_degrees": angle}), np.rot90(A, turns), 0,
             f"rotate by {angle}")
    near(t, pixels(t, {"type": "flip"}), A[::-1], 0, "flip")
    near(t, pixels(t, {"type": "flop"}), A[:, ::-1], 0, "flop")
    near(t, pixels(t, {"type": "trim", "threshold": 10}), A[6:26, 10:40], 0, "trim")
    for colour, wanted in ((None, (0, 0, 0)), ("#C81E3C", RED)):
        op = {"type": "rotate", "angle_in_degrees": 45, **({"hex_color": colour} if colour else {})}
        got = pixels(t, op)
        t.expect(got.shape[0] > 50 and got.shape[1] > 50, "the canvas does not grow")
        near(t, got[0, 0, :3], np.array(wanted), 0, f"the corner, rotated on {colour}")


def resizes(t):
    """resize: what each fit does with a picture wider than the size"""
    def resized(width, height, fit, **more):
        return pixels(t, {"type": "resize", "width_in_px": width, "height_in_px": height,
                          "fit": fit, **more})

    def shrunk(size, box=None):
        image = Image.fromarray(A)
        return np.array(image.resize(size, Image.LANCZOS, box), float)

    inner = (slice(2, -2), slice(2, -2))
    near(t, resized(24, 16, "fill"), shrunk((24, 16)), 40, "fill")
    near(t, resized(24, 16, "inside")[inner], shrunk((24, 16))[inner], 40, "inside")
    cover = resized(16, 16, "cover")
    near(t, cover, shrunk((16, 16), (8, 0, 40, 32)), 40, "cover keeps the middle")
    contain = resized(24, 24, "contain")
    t.expect(not contain[:4].any() and not contain[20:].any(), "contain pads otherwise than black")
    near(t, contain[4:20], shrunk((24, 16)), 40, "contain")
    near(t, resized(500, 500, "inside"), A, 0, "inside grows")
    near(t, resized(10, 10, "outside"), A, 0, "outside shrinks")
    smart = resized(16, 16, "cover", position="smart_crop")
    t.same(smart.shape, (16, 16, 3), "the shape of cover by smart_crop")
    corner = np.full((60, 120, 3), 230, np.uint8)
    corner[10:40, 85:115] = np.random.default_rng(4).integers(0, 255, (30, 30, 3), np.uint8)
    got = pixels(t, {"type": "smart_crop", "width_in_px": 60, "height_in_px": 60}, encoded(corner))
    t.expect((got != 230).any(2).sum() > 700, "smart_crop keeps what is even")


def sharpness(t):
    """blur, sharpen, denoise: edges softer, edges harder, single samples gone"""
    def edge(a):
        return np.abs(np.diff(a[..., 1].astype(float), axis=1)).max()

    t.expect(edge(pixels(t, {"type": "blur", "sigma": 2})) < 0.5 * edge(A), "a blur leaves edges")
    before, after = A.astype(float).std(), pixels(t, {"type": "sharpen", "sigma": 2}).astype(float)
    t.expect(after.std() > before, "sharpen makes no edge harder")
    salted = A.copy()
    salted[2, 5] = salted[28, 44] = (255, 255, 255)
    got = pixels(t, {"type": "denoise", "size": 3}, encoded(salted))
    t.expect((got[2, 5] == RED).all() and (got[28, 44] == RED).all(), "denoise leaves single dots")


def colours(t):
    """modulate, tint, grayscale, invert_colors, auto_contrast, gamma, threshold: what they say"""
    near(t, pixels(t, {"type": "invert_colors"}), 255 - A, 0, "invert_colors")
    near(t, pixels(t, {"type": "gamma", "gamma": 2}), np.round(255 * (A / 255) ** 0.5), 1, "gamma")
    t.expect(pixels(t, {"type": "gamma", "gamma": 0.5}).mean() < A.mean(), "gamma 0.5 brightens")
    near(t, pixels(t, {"type": "threshold", "value": 128, "is_grayscale": False}),
         np.where(A >= 128, 255, 0), 0, "threshold")
    grey = pixels(t, {"type": "threshold", "value": 128, "is_grayscale": True})
    t.expect(grey.ndim == 2 and set(np.unique(grey)) <= {0, 255}, "threshold leaves other values")
    grey = np.array(made(t, [{"type": "grayscale"}])[1].convert("RGB"), int)
    t.expect((grey[..., 0] == grey[..., 1]).all(), "grayscale leaves colours")
    t.expect(np.ptp(grey[..., 0]) > 30, "grayscale leaves nothing")
    t.expect(pixels(t, {"type": "modulate", "brightness": 1.4}).mean() > A.mean() + 15,
             "brightness 1.4 is no brighter")
    flat = pixels(t, {"type": "modulate", "saturation": 0}).astype(int)
    t.expect(np.ptp(flat, axis=2).max() <= 4, "saturation 0 leaves colours")
    turned = pixels(t, {"type": "modulate", "hue": 120})[0, 0].astype(int)
    t.expect(turned[1] > turned[0], f"a hue turned by 120 degrees makes red {turned}")
    near(t, pixels(t, {"type": "modulate", "brightness": 1, "saturation": 1, "hue": 0}), A, 2,
         "modulate by nothing")
    tinted = pixels(t, {"type": "tint", "hex_color": "#0000ff"})
    t.expect((tinted[..., 2] >= tinted[..., 0]).all(), "a tint of blue leaves red")
    dull = (80 + A // 4).astype(np.uint8)
    got = np.array(made(t, [{"type": "auto_contrast"}], encoded(dull))[1].convert("L"), int)
    t.expect(np.ptp(got) > 1.5 * np.ptp(np.array(Image.fromarray(dull).convert("L"), int)),
             "auto_contrast stretches nothing")


def transparency(t):
    """opacity, remove_transparency, remove_background: alpha comes, goes, and says what is there"""
    got = pixels(t, {"type": "opacity", "opacity_in_percent": 50})
    near(t, got, np.dstack([A, np.full((H, W), 128)]), 1, "opacity")
    half = encoded(got)
    near(t, pixels(t, {"type": "remove_transparency", "hex_color": "#ffffff"}, half),
         np.round((A.astype(float) + 255) / 2), 2, "remove_transparency")
    near(t, pixels(t, {"type": "remove_transparency", "hex_color": "#ffffff"}), A, 0,
         "remove_transparency where there is none")
    ground = np.full((60, 80, 3), 245, np.uint8)
    ground[15:45, 20:60] = BLUE
    cut = {"type": "remove_background"}
    a, image = made(t, [cut], encoded(ground))
    alpha = np.array(image.convert("RGBA"))[..., 3]
    t.expect(image.mode == "RGBA" and alpha[2, 2] == 0 and alpha[30, 40] == 255,
             "remove_background leaves the ground or takes the thing", a)
    a, image = made(t, [{**cut, "background_hex_color": "#00ff00"}], encoded(ground))
    near(t, np.array(image.convert("RGB"))[[2, 30], [2, 40]], np.array([(0, 255, 0), BLUE]), 3,
         "remove_background on green")
    a, image = made(t, [cut], encoded(ground, "JPEG", quality=95))
    t.same((a.data.get("mime_type"), image.mode), ("image/jpeg", "RGB"), "a JPEG cut out", a)
    near(t, np.array(image)[[2, 30], [2, 40]], np.array([(255, 255, 255), BLUE]), 6,
         "a JPEG cut out lies on white")


def formats(t):
    """convert: the format, and what quality costs; without one the format stays as it came"""
    chance = np.random.default_rng(2)
    photo = np.clip(np.kron(A, np.ones((4, 4, 1))) + chance.normal(0, 12, (4 * H, 4 * W, 3)), 0,
                    255).astype(np.uint8)
    brands = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "webp": b"RIFF"}
    for name in ("png", "jpeg", "webp", "avif", "heif"):
        a, image = made(t, [{"type": "convert", "format": name, "quality": 90}], encoded(photo))
        t.same(a.data.get("mime_type"), f"image/{name}", "the MIME type", a)
        t.expect(a.picture.startswith(brands.get(name, b"\0\0")), f"the file is no {name}", a)
        if name == "avif":
            t.expect(a.picture[8:12] == b"avif", "the file is no AVIF", a)
        got = np.array(image.convert("RGB"), float)
        t.same(got.shape, photo.shape, f"the shape of a {name}", a)
        off = np.sqrt(((got - photo) ** 2).mean())
        t.expect(off < 13, f"a {name} is off by {off:.1f} levels", a)
    for name in ("jpeg", "webp", "avif", "heif"):
        small, large = (len(made(t, [{"type": "convert", "format": name, "quality": q}],
                                 encoded(photo))[0].picture) for q in (20, 95))
        t.expect(small < 0.7 * large, f"quality costs nothing in {name}: {small} and {large} bytes")
    for kind, mime in (("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif")):
        a, image = made(t, [{"type": "flip"}], encoded(A, kind))
        t.same((a.data.get("mime_type"), image.format), (mime, kind), f"a {kind}, flipped", a)


def sizes_of_files(t):
    """compress_to_size: quality first, then dimensions; lossless: dimensions only"""
    chance = np.random.default_rng(3)
    photo = np.clip(np.kron(A, np.ones((5, 5, 1))) + chance.normal(0, 9, (5 * H, 5 * W, 3)), 0,
                    255).astype(np.uint8)
    full = len(made(t, [{"type": "convert", "format": "jpeg"}], encoded(photo))[0].picture)
    for share, smaller in ((0.6, False), (0.05, True)):
        most = int(full * share)
        a, image = made(t, [{"type": "convert", "format": "jpeg"},
                            {"type": "compress_to_size", "max_file_size_in_bytes": most}],
                        encoded(photo))
        t.expect(0 < len(a.picture) <= most, f"{len(a.picture)} bytes are not within {most}", a)
        t.same(image.width < 5 * W, smaller, f"it shrinks to be {share} as large", a)
        t.same(a.data.get("mime_type"), "image/jpeg", "the MIME type", a)
    a, image = made(t, [{"type": "compress_to_size", "max_file_size_in_bytes": 20000}],
                    encoded(photo))
    t.expect(0 < len(a.picture) <= 20000 and image.width < 5 * W and image.format == "PNG",
             "a PNG is not made smaller by its dimensions", a)


def one_after_the_other(t):
    """operations run in their order"""
    crop = {"type": "crop", "left_in_px": 0, "top_in_px": 0, "width_in_px": 10, "height_in_px": 8}
    turn = {"type": "rotate", "angle_in_degrees": 90}
    near(t, np.array(made(t, [crop, turn])[1]), np.rot90(A[:8, :10], -1), 0, "crop, then rotate")
    near(t, np.array(made(t, [turn, crop])[1]), np.rot90(A, -1)[:8, :10], 0, "rotate, then crop")
    everything = [{"type": "upscale", "factor": 2}, {"type": "sharpen", "sigma": 0.3},
                  {"type": "resize", "width_in_px": 60, "height_in_px": 60, "fit": "contain"},
                  {"type": "convert", "format": "jpeg", "quality": 85},
                  {"type": "compress_to_size", "max_file_size_in_bytes": 20000}]
    a, image = made(t, everything)
    t.same((image.size, image.format), ((60, 60), "JPEG"), "what a whole recipe makes", a)


CASES = [all_are_there, good_values, ends_of_ranges, bad_values, does_not_fit, upscales, looks,
         geometry, resizes, sharpness, colours, transparency, formats, sizes_of_files,
         one_after_the_other]


def prepare():
    """The service."""
    SERVICES.append(Service(pathlib.Path(sys.argv[1])))
    SERVICES[0].add_credits(100000)
    return SERVICES[0]


def clean():
    """End it."""
    return [sentence for service in SERVICES for sentence in service.stop()]


if __name__ == "__main__":
    run(CASES, prepare, clean)
