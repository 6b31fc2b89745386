#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# png.bats -- PNG as we write it: every kind of sample and size comes back, metadata stands where it should.

load helpers

setup_file() {
    make_once photo.png grey.png greya.png rgba.png noise-grey16.png greya16.png noise-rgb16.png \
        rgba16.png dot.png row.png column.png odd.png wide.png large.png screen.png noise.png \
        tagged.jpg tagged.png tagged.webp turned-6.jpg texts.png grey-profiled.jpg
}

# Written twice: what the first run wrote, libpng reads for the second.
comes_back() { # NAME
    take "$1.png"
    enlarges "$1.png" "$1-2.png" --method nearest --factor 2
    enlarges "$1-2.png" "$1-6.png" --method nearest --factor 3
    look repeated "$1.png" "$1-2.png" 2
    look repeated "$1.png" "$1-6.png" 6
}

@test "every kind of sample comes back" {
    for name in photo grey greya rgba noise-grey16 greya16 noise-rgb16 rgba16; do
        comes_back "$name"
    done
}

@test "one pixel, one row, one column, odd sizes, and rows of 240 KB come back" {
    for name in dot row column odd wide; do
        comes_back "$name"
    done
}

@test "the chunks of metadata stand there once, before the pixels" {
    take tagged.jpg tagged.png tagged.webp
    for suffix in jpg png webp; do
        enlarges "tagged.$suffix" "$suffix.png" --method nearest --factor 2
        for kind in IHDR iCCP eXIf; do
            look chunk_once "$suffix.png" "$kind"
        done
    done
    look chunk_once jpg.png pHYs
    look chunk_once png.png pHYs
    LC_ALL=C not grep -aq pHYs webp.png # whose file says nothing of it
    look chunk_once jpg.png iTXt # XMP
}

@test "a picture without metadata gets none" {
    take photo.png
    enlarges photo.png out.png --method nearest --factor 2
    LC_ALL=C not grep -aqE 'iCCP|eXIf|tEXt|zTXt|iTXt|pHYs' out.png
}

@test "EXIF of a turned picture says upright" {
    take turned-6.jpg
    enlarges turned-6.jpg out.png --method nearest --factor 2
    look chunk_once out.png eXIf
    look exif out.png 0x112 1
    look exif out.png 0x10E 'a house in winter'
}

@test "texts are kept, whatever their writing" {
    take texts.png
    enlarges texts.png out.png --method nearest --factor 2
    look text out.png Author 'größe 写真'
    look text out.png Comment "$(printf 'word %.0s' {1..300})"
}

@test "a profile of colour does not go with grey, which PNG forbids" {
    take grey-profiled.jpg
    enlarges grey-profiled.jpg out.png --method nearest --factor 2
    look facts out.png 'PNG 48x32 grey 8'
    look no_profile out.png
}

@test "files are about as large as those of zlib's level 2" {
    take large.png screen.png noise.png
    enlarges large.png photo.png --method lanczos
    enlarges screen.png flat.png --method nearest
    enlarges screen.png soft.png --method lanczos
    enlarges noise.png noisy.png --method bicubic
    look no_larger photo.png 102
    look no_larger flat.png 115
    look no_larger soft.png 100
    look no_larger noisy.png 100
}
