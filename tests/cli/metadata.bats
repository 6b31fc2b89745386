#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# metadata.bats -- what ExifTool and libvips find in results; wide colour spaces by LittleCMS.

load helpers

SPACES='adobe p3 prophoto'

setup_file() {
    make_once camera.jpg tagged.jpg {adobe,p3,prophoto}.{icc,png} grey18.jpg grey18-alpha.png \
        grey18-rgb.jpg grey18-half.png grey-no-tags.jpg described.tiff 300dpi.bmp photo.png frames.gif adobe-flat.png
    cd "$BATS_FILE_TMPDIR" || return 1
    # Lies on its side, was taken somewhere, and holds a small copy of itself.
    exiftool -q -overwrite_original -Orientation#=6 -ImageDescription='a house in winter' \
        -Copyright='nobody at all' -XResolution=300 -YResolution=300 -ResolutionUnit=inches \
        -ExifImageWidth=48 -ExifImageHeight=32 -DateTimeOriginal='2020:01:02 03:04:05' \
        -GPSLatitude=48.1 -GPSLatitudeRef=N -IPTC:Keywords=winter -XMP-dc:Title=kept \
        '-ThumbnailImage<=tagged.jpg' camera.jpg
}

# says FILE WORD...: what ExifTool finds of these
says() {
    local file=$1 word
    exiftool -G1 -j "$file" >told
    shift
    for word in "$@"; do
        grep -qF "$word" told || wrong "$file does not say $word: $(cat told)"
    done
}

says_not() { # WORD...: of the same file
    local word
    for word in "$@"; do
        ! grep -q "$word" told || wrong "it says $word: $(cat told)"
    done
}

@test "the camera's own file holds all that is asked for below" {
    take camera.jpg
    says camera.jpg IFD1:ThumbnailImage '"IFD0:Orientation": "Rotate 90 CW"' GPS:GPSLatitude \
        IPTC:Keywords XMP-dc:Title
}

@test "EXIF: kept, upright, of the new size, without the thumbnail; XMP; the place" {
    take camera.jpg
    local all='a house in winter|nobody at all|2020:01:02 03:04:05|GPS:GPSLatitude'
    all+='|"ExifIFD:ExifImageWidth": 64|"ExifIFD:ExifImageHeight": 96'
    all+='|"IFD0:Orientation": "Horizontal (normal)"|"XMP-dc:Title": "kept"|ICC_Profile:ProfileDesc'
    for suffix in jpg png webp avif heic; do
        enlarges camera.jpg "out.$suffix" --method nearest --factor 2
        IFS='|' read -ra words <<<"$all"
        says "out.$suffix" "${words[@]}"
        says_not Thumbnail IFD1: Error 'Warning": "[^[]' # but for "[minor] ..."
    done
}

@test "no byte of the thumbnail is left" {
    take camera.jpg
    exiftool -b -ThumbnailImage camera.jpg >small
    for suffix in jpg png webp; do
        enlarges camera.jpg "out.$suffix" --method nearest --factor 2
        "$PYTHON" -c 'import sys; a, b = (open(f, "rb").read() for f in sys.argv[1:])
assert len(a) > 600 and a[-200:] not in b' small "out.$suffix"
    done
}

@test "IPTC: within a JPEG, in a TIFF, and back" {
    take camera.jpg
    enlarges camera.jpg out.jpg --method nearest --factor 2
    enlarges camera.jpg out.tiff --method nearest --factor 2
    enlarges out.tiff again.tiff --method nearest --factor 2
    enlarges again.tiff back.jpg --method nearest --factor 2
    for file in out.jpg out.tiff again.tiff back.jpg; do
        says "$file" '"IPTC:Keywords": "winter"' '"XMP-dc:Title": "kept"'
        says_not Warning Error
    done
    grep -qx "fovea: warning: out.png: IPTC is not kept, libvips writes none to PNG" \
        <("$FOVEA" transform camera.jpg out.png --ops '[]' 2>&1)
}

@test "--keep none and icc leave nothing of it" {
    take camera.jpg
    for suffix in jpg png webp tiff avif; do
        "$FOVEA" transform camera.jpg "none.$suffix" --ops '[]' --strip
        says "none.$suffix" SourceFile
        says_not GPS IPTC: XMP- winter nobody Thumbnail ICC_Profile
        "$FOVEA" transform camera.jpg "icc.$suffix" --ops '[]' --keep icc
        says "icc.$suffix" ICC_Profile:ProfileDescription
        says_not GPS IPTC: XMP- winter nobody Thumbnail
    done
}

@test "what vipsheader says" {
    take camera.jpg
    for suffix in jpg png webp tiff; do
        enlarges camera.jpg "out.$suffix" --method nearest --factor 2
        vipsheader -a "out.$suffix" >told
        for line in '^width: 64$' '^height: 96$' '^orientation: 1$' '^icc-profile-data: 588 ' \
            '^xmp-data: '; do
            grep -q "$line" told || wrong "out.$suffix: no $line in $(cat told)"
        done
        [ "$suffix" = webp ] || grep -q '^xres: 11.811' told # it has no place for it
        not grep -q 'thumbnail\|ifd1' told
    done
}

@test "Adobe RGB, Display P3 and ProPhoto: kept byte for byte, in 8 bits and in 16" {
    for space in $SPACES; do
        take "$space.png" "$space.icc"
        for suffix in png jpg webp tiff avif; do
            enlarges "$space.png" "$space-out.$suffix" --factor 2
            [ "$suffix" = avif ] || look profile "$space-out.$suffix" "$space.icc"
            says "$space-out.$suffix" "\"ICC_Profile:ProfileDescription\": \"$space\""
        done
        vips cast "$space.png" wide.png ushort --shift
        enlarges wide.png "$space-wide.png" --factor 2
        look profile "$space-wide.png" "$space.icc"
    done
}

@test "Adobe RGB, Display P3 and ProPhoto become sRGB as LittleCMS makes it" {
    for space in $SPACES; do
        take "$space.png"
        "$FOVEA" transform "$space.png" "$space-srgb.png" --ops '[]' --strip
        look managed "$space.png" "$space-srgb.png" 46
        enlarges "$space.png" "$space-all.png" --factor 2
        enlarges "$space.png" "$space-none.png" --factor 2 --strip
        look managed "$space-all.png" "$space-none.png" 46
    done
}

@test "the network sees the same in each space: the profile is not applied on the way" {
    for space in $SPACES; do
        take "$space.png"
        enlarges "$space.png" "$space-out.png" --factor 2
        cmp <("$PYTHON" -c "from PIL import Image; print(Image.open('adobe-out.png').tobytes())") \
            <("$PYTHON" -c "from PIL import Image; print(Image.open('$space-out.png').tobytes())")
    done
}

@test "grey by a profile of its own: kept, or made sRGB's grey where it is left out or has no place" {
    take grey18.jpg grey18-alpha.png
    for suffix in png jpg tiff; do
        enlarges grey18.jpg "kept.$suffix" --method nearest --factor 2
        look about "kept.$suffix" 1 100
        says "kept.$suffix" ICC_Profile:ProfileDesc
        enlarges grey18.jpg "none.$suffix" --method nearest --factor 2 --strip
        look about "none.$suffix" 1 119 # (100/255)^1.8 by the curve of sRGB
        says "none.$suffix" SourceFile
        says_not ICC_Profile
    done
    for suffix in webp avif; do
        enlarges grey18.jpg "no-place.$suffix" --method nearest --factor 2 --quality 95
        says "no-place.$suffix" SourceFile
        says_not ICC_Profile
        enlarges "no-place.$suffix" "$suffix.png" --method nearest --factor 2
        look about "$suffix.png" 2 119 119 119
    done
    enlarges grey18-alpha.png alpha.png --method nearest --factor 2 --strip
    look about alpha.png 1 119 255
}

@test "alpha has no part in that, of 16 bits neither; a profile without a curve changes nothing" {
    take grey18-half.png grey-no-tags.jpg
    enlarges grey18-half.png alpha.png --method nearest --factor 2 --strip
    [[ $(vips getpoint alpha.png 5 5) =~ ^30[0-9]{3}\ 32768\ *$ ]] ||
        wrong "$(vips getpoint alpha.png 5 5)" # 119 of 255, and half
    for suffix in png webp gif; do
        enlarges grey-no-tags.jpg "no-tags.$suffix" --method nearest --factor 2 --strip
    done
    look about no-tags.png 1 100
    "$FOVEA" transform grey-no-tags.jpg red.png --ops '[{"type": "extend", "left_in_px": 1,
        "right_in_px": 0, "top_in_px": 0, "bottom_in_px": 0, "hex_color": "#ff0000"}]'
    look pixel red.png 10 8 1 100 100 100
}

@test "a profile that is not of these colours changes none and goes" {
    take grey18-rgb.jpg
    enlarges grey18-rgb.jpg kept.png --method nearest --factor 2 --keep icc
    enlarges grey18-rgb.jpg none.png --method nearest --factor 2 --strip
    cmp kept.png none.png
    look no_profile kept.png
    for suffix in jpg tiff webp; do
        enlarges grey18-rgb.jpg "none.$suffix" --method nearest --factor 2 --strip
        look near none.png "none.$suffix" 33
    done
}

@test "operations that change what colours there are go by the profile first" {
    take adobe.png grey18.jpg
    "$FOVEA" transform adobe.png grey.png --ops '[{"type": "grayscale"}]'
    "$FOVEA" transform adobe.png srgb.png --ops '[]' --strip
    "$FOVEA" transform srgb.png grey-too.png --ops '[{"type": "grayscale"}]'
    look no_profile grey.png
    look near grey.png grey-too.png 50
    "$FOVEA" transform grey18.jpg red.png --ops '[{"type": "extend", "left_in_px": 1,
        "right_in_px": 0, "top_in_px": 0, "bottom_in_px": 0, "hex_color": "#ff0000"}]'
    look pixel red.png 10 8 1 119 119 119
}

@test "GIF has no place for a profile: its colours are sRGB" {
    take adobe-flat.png
    "$FOVEA" transform adobe-flat.png out.gif --ops '[]'
    look managed adobe-flat.png out.gif 40
    look no_profile out.gif
}

@test "the description of a TIFF goes with the rest" {
    take described.tiff
    enlarges described.tiff all.tiff --method nearest --factor 2
    grep -aq 'a house in winter' all.tiff
    for keep in icc none; do
        enlarges described.tiff "$keep.tiff" --method nearest --factor 2 --keep "$keep"
        not grep -aq 'a house in winter' "$keep.tiff"
    done
}

@test "resolution: of EXIF where a format has no other, of BMP, and none where none was" {
    take camera.jpg 300dpi.bmp photo.png frames.gif
    for suffix in webp avif; do
        enlarges camera.jpg "way.$suffix" --method nearest --factor 2
        enlarges "way.$suffix" "$suffix.jpg" --method nearest --factor 2
        look dpi "$suffix.jpg" 300
        says "$suffix.jpg" '"IFD0:XResolution": 300'
    done
    enlarges 300dpi.bmp bmp.png --method nearest --factor 2
    look dpi bmp.png 300
    makes still.jpg upscale frames.gif still.jpg --page 0 --method nearest --factor 2
    look dpi still.jpg 72 # what readers take where nothing is said
    enlarges photo.png none.png --method nearest --factor 2
    LC_ALL=C not grep -aq pHYs none.png
    enlarges photo.png none.webp --method nearest --factor 2 # libvips writes it 72 into its EXIF
    for file in photo.png none.png none.webp frames.gif; do
        "$FOVEA" inspect "$file" >told
        not grep -q ' dpi,\| dpi$' <(head -n 1 told)
    done
}
