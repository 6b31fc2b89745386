"""make_pictures.py -- make test pictures by name.

    make_pictures.py FOLDER NAME...

MAKERS below lists the names. All content is computed or cut from examples/; the same name always
gives the same bytes of pixels.
"""
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageCms

import png

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
UPRIGHT = 0x112  # EXIF: orientation

# Turning a picture by PIL's operation undoes the orientation of that number (EXIF 2.32, 4.6.4).
TURNS = {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM,
         5: Image.TRANSPOSE, 6: Image.ROTATE_270, 7: Image.TRANSVERSE, 8: Image.ROTATE_90}
BACK = {**TURNS, 6: Image.ROTATE_90, 8: Image.ROTATE_270}


def photo(width, height, example="winter-house", left=100, top=80):
    """A piece of a photograph."""
    with Image.open(EXAMPLES / f"{example}.jpg") as image:
        return image.convert("RGB").crop((left, top, left + width, top + height))


def shrunk():
    """A photograph so small that nothing is left of its compression."""
    with Image.open(EXAMPLES / "porridge-berries.jpg") as image:
        return image.convert("RGB").resize((165, 133), Image.BICUBIC)


def grainy():
    """The same with noise that is about two levels strong, the same in each channel."""
    grain = np.random.default_rng(5).normal(0, 2, (133, 165, 1))
    return np.rint(np.clip(np.asarray(shrunk()) + grain, 0, 255)).astype(np.uint8)


def compressed(form, quality):
    """The same as a file of that quality has it."""
    return Image.open(io.BytesIO(encoded(shrunk(), form, quality=quality))).convert("RGB")


def smooth(width, height, channels, kind=np.uint8):
    """Slow waves, another in each channel, between 10 % and 90 % of the range."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    top = np.iinfo(kind).max
    waves = [np.sin(x * (0.10 + 0.03 * c) + c) * np.cos(y * (0.13 - 0.02 * c)) for c in range(4)]
    values = [top * (0.5 + 0.4 * waves[c]) for c in range(channels)]
    return np.rint(np.stack(values, axis=-1)).astype(kind)


def noise(width, height, channels=3, kind=np.uint8):
    """What no encoder can make small."""
    top = int(np.iinfo(kind).max)
    return np.random.default_rng(7).integers(0, top, (height, width, channels), kind, endpoint=True)


def flat(values, kind=np.uint8, width=13, height=9):
    """One colour."""
    return np.broadcast_to(np.array(values, kind), (height, width, len(values)))


def hole():
    """An opaque red square amid wholly transparent bright green; the square's corner fades."""
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:] = (0, 255, 0, 0)
    pixels[8:24, 8:24] = (220, 0, 0, 255)
    return pixels


def opaque(pixels):
    """The same with an alpha channel that hides nothing."""
    top = np.iinfo(pixels.dtype).max
    return np.concatenate([pixels, np.full_like(pixels[..., :1], top)], axis=-1)


def window_below(first=255):
    """Opaque but for a square of noise in alpha near the lower end, and the first pixel."""
    pixels = opaque(smooth(24, 300, 3))
    pixels[250:270, 6:18, 3] = noise(12, 20, 1)[..., 0]
    pixels[0, 0, 3] = first
    return pixels


def blank_png(width, height, rows):
    """A black 1-bit PNG of which the first `rows` rows are there."""
    line = bytes(1 + (width + 7) // 8)
    squeeze = zlib.compressobj(1)
    data = b"".join(squeeze.compress(line * 1000) for _ in range(rows // 1000))
    data += squeeze.compress(line * (rows % 1000)) + squeeze.flush()
    return b"".join([png.SIGNATURE, png.header(width, height, 1, 0), png.chunk(b"IDAT", data),
                     png.chunk(b"IEND", b"")])


def profile():
    """sRGB with red and green exchanged: applying it would be seen, and so would losing it."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # made at any second, the same bytes
    n_tags = struct.unpack_from(">I", data, 128)[0]
    at = {bytes(data[132 + 12 * i:136 + 12 * i]): 132 + 12 * i for i in range(n_tags)}
    data[at[b"rXYZ"]:at[b"rXYZ"] + 4], data[at[b"gXYZ"]:at[b"gXYZ"] + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


# Colours of the primaries, adapted to D50, and gamma: the Adobe RGB (1998) specification, Apple's
# Display P3, ROMM RGB (ISO 22028-2).
SPACES = {
    "adobe": ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457),
              563 / 256),
    "p3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407),
           2.2),
    "prophoto": ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491),
                 1.8),
    "grey18": ((), (), (), 1.8),
}


def space(name):
    """A profile (ICC.1:2001-04) of that space."""
    red, green, blue, gamma = SPACES[name]

    def xyz(values):
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))

    def words(text):
        text = text.encode() + b"\0"
        return b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78)

    curve = b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": words(name), b"cprt": b"text" + bytes(4) + b"CC0\0",
            b"wtpt": xyz((0.9642, 1, 0.8249))}
    if name == "grey18":
        tags[b"kTRC"] = curve
    else:
        tags |= {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue), b"rTRC": curve,
                 b"gTRC": curve, b"bTRC": curve}
    at, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for tag, value in tags.items():
        value += bytes(-len(value) % 4)
        table += tag + struct.pack(">II", at + len(data), len(value))
        data += value
    head = struct.pack(">I4sI4s4s4s6H4s", at + len(data), b"none", 0x02400000, b"mntr",
                       b"GRAY" if name == "grey18" else b"RGB ", b"XYZ ", 2000, 1, 1, 0, 0, 0,
                       b"acsp")
    head += bytes(68 - len(head)) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def exif(orientation=None):
    """Tags by which the picture's EXIF block is known again."""
    tags = Image.Exif()
    tags[0x10E] = "a house in winter"
    tags[0x8298] = "nobody at all"
    if orientation:
        tags[UPRIGHT] = orientation
    return tags.tobytes()


def encoded(image, form, **options):
    """A picture's file as Pillow writes it."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def turned(orientation, form):
    """A file that shows the same picture as all others once its orientation is applied."""
    image = Image.fromarray(smooth(40, 24, 3))
    if orientation in BACK:
        image = image.transpose(BACK[orientation])
    extra = {"JPEG": {"quality": 98, "subsampling": 0}, "TIFF": {}}[form]
    if form == "TIFF":
        return encoded(image, form, tiffinfo={274: orientation})
    return encoded(image, form, exif=exif(orientation), **extra)


def tagged(form, **options):
    """A picture with a profile, EXIF and 300 pixels an inch."""
    return encoded(photo(24, 16), form, icc_profile=profile(), exif=exif(), dpi=(300, 300),
                   **options)


def with_xmp(jpeg):
    """A JPEG with an XMP packet after its first marker."""
    packet = b"http://ns.adobe.com/xap/1.0/\0" \
             b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><kept/></x:xmpmeta>'
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet + jpeg[2:]


def with_texts():
    """A PNG with a text of each kind, one of them in no known encoding."""
    latin = png.chunk(b"tEXt", "Title\0caf\xe9".encode("latin-1"))
    plain = png.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"word " * 300))
    utf8 = png.chunk(b"iTXt", "Author\0\0\0\0\0größe 写真".encode())
    data = picture(photo(24, 16))
    at = data.index(b"IDAT") - 4
    return data[:at] + latin + plain + utf8 + data[at:]


def with_profile(data, icc):
    """A PNG with a colour profile."""
    at = data.index(b"IDAT") - 4
    return data[:at] + png.chunk(b"iCCP", b"p\0\0" + zlib.compress(icc)) + data[at:]


def frames(form):
    """Three frames: red, green, blue."""
    images = [Image.new("RGB", (24, 16), colour) for colour in ("#f00", "#0f0", "#00f")]
    options = {"duration": 100} if form == "GIF" else {"lossless": True} if form == "WEBP" else {}
    return encoded(images[0], form, save_all=True, append_images=images[1:], **options)


def many():
    """Eight frames of a photograph that moves."""
    images = [photo(240, 200, left=100 + 9 * i).convert("P") for i in range(8)]
    return encoded(images[0], "GIF", save_all=True, duration=50, append_images=images[1:])


def floats(most, channels):
    """A TIFF of 32-bit floating-point samples from 0 to `most`, little-endian, in one strip."""
    data = (smooth(24, 16, channels, np.uint16).astype(np.float32) * (most / 65535)).tobytes()
    entries = [(256, 24), (257, 16), (258, 32), (259, 1), (262, 1 if channels == 1 else 2),
               (273, 8), (277, channels), (278, 16), (279, len(data)), (339, 3)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return (b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(entries)) +
            table + bytes(4))


def with_resolution_of_bmp():
    """A BMP of 11811 pixels to the metre, which are 300 to the inch."""
    data = bytearray(encoded(photo(48, 40), "BMP"))
    data[38:46] = struct.pack("<II", 11811, 11811)
    return bytes(data)


def svg(size):
    """A disc; the same drawing for every size."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" '
            'viewBox="0 0 24 24"><rect width="24" height="24" fill="#fff"/>'
            '<circle cx="12" cy="12" r="9" fill="#000"/></svg>\n').encode()


def cut(data, part):
    """The beginning of a file, as a broken download leaves it."""
    return data[:int(len(data) * part)]


def picture(data):
    """Pixels as a PNG file."""
    return png.encode(np.asarray(data).reshape(np.asarray(data).shape[:2] + (-1,)))


WIDE = np.uint16
MAKERS = {
    "photo.png": lambda: picture(photo(48, 40)),
    "photo.jpg": lambda: encoded(photo(48, 40), "JPEG", quality=90),
    "photo.webp": lambda: encoded(photo(48, 40), "WEBP", quality=90),
    "photo.tiff": lambda: encoded(photo(48, 40), "TIFF"),
    "clean.png": lambda: picture(shrunk()),
    "clean16.png": lambda: picture(np.asarray(shrunk()).astype(WIDE) * 257),
    "clean-alpha.png": lambda: picture(opaque(np.asarray(shrunk()))),
    "clean.tiff": lambda: encoded(shrunk(), "TIFF"),
    "clean.bmp": lambda: encoded(shrunk(), "BMP"),
    "clean.webp": lambda: encoded(shrunk(), "WEBP", lossless=True),
    "clean.gif": lambda: encoded(shrunk().convert("P"), "GIF"),
    "grainy.png": lambda: picture(grainy()),
    "jpeg90.jpg": lambda: encoded(shrunk(), "JPEG", quality=90),
    "jpeg90.png": lambda: picture(compressed("JPEG", 90)),
    "jpeg90-cut.png": lambda: picture(np.asarray(compressed("JPEG", 90))[3:, 5:]),
    "webp80.webp": lambda: encoded(shrunk(), "WEBP", quality=80),
    "webp80.png": lambda: picture(compressed("WEBP", 80)),
    "photo.gif": lambda: encoded(photo(48, 40).convert("P"), "GIF"),
    "photo.bmp": lambda: encoded(photo(48, 40), "BMP"),
    "photo.ppm": lambda: encoded(photo(48, 40), "PPM"),
    "photo.jp2": lambda: encoded(photo(48, 40), "JPEG2000"),
    "icon.ico": lambda: encoded(photo(32, 32), "ICO", sizes=[(16, 16), (32, 32)],
                                bitmap_format="bmp"),
    "palette.png": lambda: encoded(photo(48, 40).quantize(16), "PNG"),
    "bits.png": lambda: encoded(photo(48, 40).convert("1"), "PNG"),
    "cmyk.jpg": lambda: encoded(Image.new("CMYK", (24, 16), (0, 0, 0, 0)), "JPEG", quality=95),
    "tall.png": lambda: picture(smooth(24, 300, 3)),
    "odd.png": lambda: picture(photo(37, 23)),
    "dot.png": lambda: picture(flat((200, 100, 50), width=1, height=1)),
    "row.png": lambda: picture(photo(5, 1)),
    "column.png": lambda: picture(photo(1, 5)),
    "smooth.png": lambda: picture(smooth(40, 24, 3)),
    "smooth16.png": lambda: picture(smooth(40, 24, 3, WIDE)),
    "grey.png": lambda: picture(smooth(40, 24, 1)),
    "grey16.png": lambda: picture(smooth(40, 24, 1, WIDE)),
    "rgba.png": lambda: picture(smooth(40, 24, 4)),
    "rgba16.png": lambda: picture(smooth(40, 24, 4, WIDE)),
    "greya.png": lambda: picture(smooth(40, 24, 2)),
    "greya16.png": lambda: picture(smooth(40, 24, 2, WIDE)),
    "noise.png": lambda: picture(noise(64, 48)),
    "noise-rgba.png": lambda: picture(noise(11, 7, 4)),
    "noise-grey16.png": lambda: picture(noise(11, 7, 1, WIDE)),
    "noise-rgb16.png": lambda: picture(noise(11, 7, 3, WIDE)),
    "flat.png": lambda: picture(flat((1, 127, 254))),
    "flat16.png": lambda: picture(flat((1, 12345, 65534), WIDE)),
    "white16.png": lambda: picture(flat((65535,), WIDE)),
    "flat-rgba.png": lambda: picture(flat((3, 77, 200, 130))),
    "hole.png": lambda: picture(hole()),
    "window.png": lambda: picture(window_below()),
    "window-and-first.png": lambda: picture(window_below(254)),
    "large.png": lambda: picture(photo(300, 240)),
    "opaque.png": lambda: picture(opaque(np.asarray(photo(40, 32)))),
    "opaque16.png": lambda: picture(opaque(noise(24, 16, 3, WIDE))),
    "tagged.jpg": lambda: with_xmp(tagged("JPEG", quality=95)),
    "tagged.png": lambda: tagged("PNG"),
    "tagged.webp": lambda: tagged("WEBP", lossless=True),
    "tagged.tiff": lambda: tagged("TIFF"),
    "texts.png": with_texts,
    "grey-profiled.jpg": lambda: encoded(photo(24, 16).convert("L"), "JPEG", icc_profile=profile()),
    "wide.png": lambda: picture(photo(500, 3).resize((20011, 3))),
    "screen.png": lambda: picture(np.kron(noise(40, 30) & 192, np.ones((5, 7, 1), np.uint8))),
    "profile.icc": profile,
    "grey18.jpg": lambda: encoded(Image.new("L", (24, 16), 100), "JPEG", quality=98,
                                  icc_profile=space("grey18")),
    "grey18-alpha.png": lambda: encoded(Image.new("LA", (24, 16), (100, 255)), "PNG",
                                        icc_profile=space("grey18")),
    "grey18-half.png": lambda: with_profile(picture(flat((25700, 32768), WIDE)), space("grey18")),
    "grey-no-tags.jpg": lambda: encoded(Image.new("L", (24, 16), 100), "JPEG", quality=98,
                                        icc_profile=space("grey18")[:128] + bytes(4)),
    "float-rgba.tiff": lambda: floats(1, 4),
    "grey18-rgb.jpg": lambda: encoded(photo(24, 16), "JPEG", icc_profile=space("grey18"),
                                      quality=98, subsampling=0),
    "float-grey.tiff": lambda: floats(1, 1),
    "float-rgb.tiff": lambda: floats(1, 3),
    "float-255.tiff": lambda: floats(255, 3),
    "float-grey-255.tiff": lambda: floats(255, 1),
    "300dpi.bmp": with_resolution_of_bmp,
    "described.tiff": lambda: encoded(photo(24, 16), "TIFF", tiffinfo={270: "a house in winter"}),
    "animated.png": lambda: frames("PNG"),
    "many.gif": many,
    "adobe-flat.png": lambda: encoded(Image.new("RGB", (24, 16), (90, 200, 60)), "PNG",
                                      icc_profile=space("adobe")),
    "turned.jpg": lambda: encoded(photo(48, 32).resize((6000, 4000)), "JPEG", exif=exif(6)),
    "jfif2.jpg": lambda: encoded(photo(24, 16), "JPEG").replace(b"JFIF\0\1\1", b"JFIF\0\2\0"),
    "padded.jpg": lambda: encoded(photo(24, 16), "JPEG").replace(b"\xff\xdb", b"\0\xff\xdb", 1),
    "narrow.png": lambda: blank_png(1, 524289, 524289),
    "long.png": lambda: blank_png(1100000, 1, 1),
    **{f"{name}.icc": lambda name=name: space(name) for name in SPACES},
    **{f"{name}.png": lambda name=name: encoded(photo(48, 32), "PNG", icc_profile=space(name))
       for name in SPACES if name != "grey18"},
    "camera.jpg": lambda: encoded(photo(48, 32), "JPEG", quality=95, icc_profile=profile()),
    "frames.gif": lambda: frames("GIF"),
    "frames.webp": lambda: frames("WEBP"),
    "frames.tiff": lambda: frames("TIFF"),
    "disc24.svg": lambda: svg(24),
    "disc48.svg": lambda: svg(48),
    "text.jpg": lambda: b"This is not a picture, whatever its name says.\n",
    "numbers.csv": lambda: b"1,2,3\n4,5,6\n7,8,9\n",
    "empty.png": lambda: b"",
    "cut.png": lambda: cut(picture(noise(64, 48)), 0.6),
    "cut-header.png": lambda: picture(noise(64, 48))[:20],
    "cut.jpg": lambda: cut(encoded(photo(64, 48), "JPEG"), 0.7),
    "cut.webp": lambda: cut(encoded(photo(64, 48), "WEBP"), 0.6),
    "cut.tiff": lambda: cut(encoded(photo(64, 48), "TIFF"), 0.6),
    "cut.gif": lambda: cut(encoded(photo(64, 48).convert("P"), "GIF"), 0.6),
    "crc.png": lambda: picture(photo(24, 16)).replace(b"IDATx", b"IDATy"),
    "huge.png": lambda: blank_png(30000, 30000, 30000),
    "limit.png": lambda: blank_png(16384, 16384, 3),
    "over.png": lambda: blank_png(16384, 16385, 3),
    "set-a.png": lambda: picture(photo(67, 58)),
    "set-b.png": lambda: picture(photo(70, 49, "kitchen-herbs")),
    "set-c.jpg": lambda: encoded(photo(64, 64, "railway-line", 200, 200), "JPEG", quality=95),
    "set-grey.png": lambda: picture(photo(51, 50, "sliced-peppers").convert("L")),
    "tiny.png": lambda: picture(photo(16, 16)),
    "a20x10.png": lambda: picture(smooth(20, 10, 3)),
}
for number in range(1, 9):
    MAKERS[f"turned-{number}.jpg"] = lambda number=number: turned(number, "JPEG")
    MAKERS[f"turned-{number}.tiff"] = lambda number=number: turned(number, "TIFF")


def main():
    """Write what was asked for."""
    folder = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:]:
        (folder / name).write_bytes(MAKERS[name]())


if __name__ == "__main__":
    main()
