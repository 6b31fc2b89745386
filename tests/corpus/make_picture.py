#!/usr/bin/env python3
"""Make the seeds of the fuzzer of pictures in tests/corpus/picture: a byte that fuzz_picture.c
reads (how to save), then a small file of each format and each thing in it that is treated in its
own way. Usage: make_picture.py FOVEA, the program, which makes what PIL cannot.
"""
import io
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageCms

HERE = pathlib.Path(__file__).parent / 'picture'
W, H = 13, 9


def saved(image, kind, **options):
    """The bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def converted(fovea, png, suffix):
    """A file that the program writes."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = pathlib.Path(folder, 'in.png'), pathlib.Path(folder, 'out' + suffix)
        before.write_bytes(png)
        subprocess.run([fovea, 'transform', before, after, '--ops', '[]'], check=True,
                       stderr=subprocess.DEVNULL)
        return after.read_bytes()


def exif(orientation):
    """One directory with the orientation."""
    return b'Exif\0\0II*\0' + struct.pack('<IHHHII', 8, 1, 0x112, 3, 1, orientation) + bytes(4)


def main():
    noise = np.random.default_rng(7).integers(0, 256, (H, W, 4), dtype=np.uint8)
    rgba, rgb = Image.fromarray(noise), Image.fromarray(noise[..., :3])
    grey, wide = rgb.convert('L'), Image.fromarray(noise[..., 0].astype(np.uint16) * 255)
    frames = [Image.fromarray(np.roll(noise, i, 1)[..., :3]) for i in range(3)]
    several = {'save_all': True, 'append_images': frames[1:]}
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    png = saved(rgba, 'PNG')
    seeds = {
        'png': png,
        'png-16': saved(wide, 'PNG'),
        'png-palette': saved(rgb.quantize(7), 'PNG', transparency=2),
        'png-icc': saved(rgb, 'PNG', icc_profile=icc, dpi=(300, 300)),
        'jpeg': saved(rgb, 'JPEG', quality=50),
        'jpeg-progressive-turned': saved(rgb, 'JPEG', progressive=True, exif=exif(6)),
        'jpeg-grey-icc': saved(grey, 'JPEG', icc_profile=icc),
        'jpeg-cmyk': saved(rgb.convert('CMYK'), 'JPEG'),
        'gif': saved(frames[0].quantize(9), 'GIF'),
        'gif-frames': saved(frames[0], 'GIF', duration=40, **several),
        'webp': saved(rgb, 'WEBP', quality=40),
        'webp-lossless-alpha': saved(rgba, 'WEBP', lossless=True),
        'webp-frames': saved(frames[0], 'WEBP', duration=40, **several),
        'tiff': saved(rgba, 'TIFF'),
        'tiff-lzw': saved(rgb, 'TIFF', compression='tiff_lzw'),
        'tiff-deflate-16': saved(wide, 'TIFF', compression='tiff_adobe_deflate'),
        'tiff-bits': saved(grey.convert('1'), 'TIFF', compression='group4'),
        'tiff-pages': saved(frames[0], 'TIFF', **several),
        'bmp': saved(rgb, 'BMP'),
        'bmp-palette': saved(rgb.quantize(5), 'BMP'),
        'bmp-header-of-2-gigabytes': b'BM' + bytes(8) + b'6\0\0\0' + b'\x86' * 50,
        'bmp-palette-of-2-gigabytes': saved(rgb.quantize(5), 'BMP')[:46] + b'\x6f\x6e\x26\xe1' * 9,
        'svg': b'<svg xmlns="http://www.w3.org/2000/svg" width="12" height="9">'
               b'<circle cx="6" cy="4" r="4" fill="red"/></svg>',
        'avif': converted(sys.argv[1], png, '.avif'),
        'heif': converted(sys.argv[1], png, '.heic'),
        'jxl': converted(sys.argv[1], png, '.jxl'),
    }
    HERE.mkdir(exist_ok=True)
    for i, (name, data) in enumerate(seeds.items()):
        (HERE / name).write_bytes(bytes([2 * i]) + data)


if __name__ == '__main__':
    main()
