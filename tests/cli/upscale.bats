#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# upscale.bats -- the picture is right: size, depth, channels, transparency, metadata, formats.

load helpers

setup_file() {
    make_once photo.png photo.jpg photo.webp photo.tiff photo.gif photo.bmp photo.ppm odd.png \
        dot.png row.png column.png smooth.png smooth16.png grey.png grey16.png rgba.png rgba16.png \
        greya.png greya16.png palette.png bits.png cmyk.jpg noise.png noise-rgba.png \
        noise-grey16.png noise-rgb16.png flat.png flat16.png white16.png flat-rgba.png hole.png \
        opaque.png opaque16.png large.png window.png window-and-first.png \
        tagged.jpg tagged.png tagged.webp tagged.tiff profile.icc frames.gif frames.webp \
        frames.tiff disc24.svg disc48.svg a20x10.png turned-{1..8}.jpg turned-{2,6}.tiff photo.jp2 \
        icon.ico
}

# ---- size ------------------------------------------------------------------------------------

@test "37x23 becomes exactly 2, 3 and 4 times that" {
    take odd.png
    enlarges odd.png x2.png --factor 2
    look facts x2.png 'PNG 74x46 rgb 8'
    enlarges odd.png x3.png --factor 3
    look facts x3.png 'PNG 111x69 rgb 8'
    enlarges odd.png x4.png --factor 4
    look facts x4.png 'PNG 148x92 rgb 8'
}

@test "4 is the factor when none is given" {
    take odd.png
    enlarges odd.png out.png
    look facts out.png 'PNG 148x92 rgb 8'
}

@test "one pixel, one row, one column" {
    take dot.png row.png column.png
    for factor in 2 3 4; do
        enlarges dot.png "dot$factor.png" --factor "$factor"
        look facts "dot$factor.png" "PNG ${factor}x$factor rgb 8"
    done
    look about dot4.png 24 200 100 50
    enlarges row.png row3.png --factor 3
    look facts row3.png 'PNG 15x3 rgb 8'
    enlarges column.png column3.png --factor 3
    look facts column3.png 'PNG 3x15 rgb 8'
}

@test "one pixel by each other method" {
    take dot.png
    for method in nearest bilinear bicubic lanczos; do
        enlarges dot.png "$method.png" --method "$method" --factor 3
        look facts "$method.png" 'PNG 3x3 rgb 8'
        look constant "$method.png" 200 100 50
    done
}

# ---- depth and channels ----------------------------------------------------------------------

keeps() { # NAME KIND BITS: by the network, still the same picture in each channel
    take "$1.png"
    enlarges "$1.png" out.png --factor 3
    look facts out.png "PNG 120x72 $2 $3"
    look as_bicubic "$1.png" out.png 36
}

@test "colour stays colour" {
    keeps smooth rgb 8
}

@test "grey stays grey" {
    keeps grey grey 8
}

@test "grey with transparency stays that" {
    keeps greya grey+alpha 8
}

@test "colour with transparency stays that" {
    keeps rgba rgb+alpha 8
}

@test "16 bits stay 16 bits, and use them" {
    keeps smooth16 rgb 16
    look levels out.png 5000
}

@test "grey of 16 bits stays that" {
    keeps grey16 grey 16
    look levels out.png 3000
}

@test "transparency of 16 bits stays that" {
    keeps rgba16 rgb+alpha 16
    look levels out.png 5000
}

@test "grey with transparency of 16 bits stays that" {
    keeps greya16 grey+alpha 16
}

@test "a palette becomes colour, one bit becomes grey" {
    take palette.png bits.png
    enlarges palette.png out.png --factor 2
    look facts out.png 'PNG 96x80 rgb 8'
    enlarges bits.png bits2.png --factor 2
    look facts bits2.png 'PNG 96x80 grey 8'
}

@test "CMYK becomes sRGB: no ink is white" {
    take cmyk.jpg
    enlarges cmyk.jpg out.png --factor 2
    look facts out.png 'PNG 48x32 rgb 8'
    look about out.png 6 255 255 255
}

# ---- the classical methods -------------------------------------------------------------------

@test "nearest repeats each pixel, for every kind of picture and factor" {
    take noise-rgba.png noise-grey16.png noise-rgb16.png photo.png
    for pair in noise-rgba:2 noise-grey16:3 noise-rgb16:4 photo:2 photo:3 photo:4; do
        name=${pair%:*} factor=${pair#*:}
        enlarges "$name.png" "$name-$factor.png" --method nearest --factor "$factor"
        look repeated "$name.png" "$name-$factor.png" "$factor"
    done
}

@test "one colour stays that colour by each method, of 8 and of 16 bits" {
    take flat.png flat16.png white16.png flat-rgba.png
    enlarges white16.png white16-lanczos.png --method lanczos --factor 3
    look constant white16-lanczos.png 65535
    for method in bilinear bicubic lanczos; do
        for name in flat flat16 flat-rgba; do
            enlarges "$name.png" "$name-$method.png" --method "$method" --factor 3
        done
        look constant "flat-$method.png" 1 127 254
        look constant "flat16-$method.png" 1 12345 65534
        look constant "flat-rgba-$method.png" 3 77 200 130
    done
}

@test "bicubic is the textbook's" {
    take noise.png noise-rgb16.png
    for factor in 2 3 4; do
        enlarges noise.png "out$factor.png" --method bicubic --factor "$factor"
        look as_bicubic noise.png "out$factor.png" 65
    done
    enlarges noise-rgb16.png out16.png --method bicubic
    look as_bicubic noise-rgb16.png out16.png 100
}

@test "the methods differ" {
    take photo.png
    for method in ai lanczos bicubic bilinear nearest; do
        enlarges photo.png "$method.png" --method "$method" --factor 2
    done
    [ "$(cksum ./{ai,lanczos,bicubic,bilinear,nearest}.png | cut -d' ' -f1 | sort -u | wc -l)" -eq 5 ]
    look near lanczos.png bicubic.png 30
    look near bilinear.png bicubic.png 25
}

# ---- the network -----------------------------------------------------------------------------

@test "the same picture at 1, 2 and 7 threads, and from a pipe" {
    take photo.png
    enlarges photo.png one.png --threads 1
    enlarges photo.png two.png --threads 2
    enlarges photo.png seven.png --threads 7
    cmp one.png two.png
    cmp one.png seven.png
    "$FOVEA" upscale - - <photo.png >redirected.png
    cmp one.png redirected.png
    cat photo.png | "$FOVEA" upscale - piped.png
    cmp one.png piped.png
}

@test "the same picture with transparency at 1, 2 and 7 threads, and from a pipe" {
    take rgba.png
    enlarges rgba.png one.png --threads 1
    enlarges rgba.png two.png --threads 2
    enlarges rgba.png seven.png --threads 7
    cmp one.png two.png
    cmp one.png seven.png
    cat rgba.png | "$FOVEA" upscale - - >piped.png
    cmp one.png piped.png
}

@test "plain C and the best kernels of this machine agree" {
    take odd.png
    enlarges odd.png best.png --factor 2
    FOV_CPU=c enlarges odd.png c.png --factor 2
    look near best.png c.png 55
}

@test "--exact agrees with the fast way" {
    take photo.png
    enlarges photo.png fast.png --factor 2
    enlarges photo.png exact.png --factor 2 --exact
    look near fast.png exact.png 45
}

@test "a 4x network asked for 2x and 3x: right size, near bicubic on a smooth picture" {
    take smooth.png
    enlarges smooth.png x2.png --model photo-x4 --factor 2
    look facts x2.png 'PNG 80x48 rgb 8'
    look as_bicubic smooth.png x2.png 36
    enlarges smooth.png x3.png --model photo-x4 --factor 3
    look facts x3.png 'PNG 120x72 rgb 8'
    look as_bicubic smooth.png x3.png 36
}

@test "nothing moves: shrunk again, a result lies on the picture to a twentieth of a pixel" {
    take large.png
    for factor in 2 3 4; do
        for detail in 0 1; do
            enlarges large.png "x$factor-$detail.png" --factor $factor --detail $detail
            look in_place large.png "x$factor-$detail.png" 0.05
        done
        enlarges large.png "l$factor.png" --factor $factor --method lanczos
        look in_place large.png "l$factor.png" 0.05
    done
}

@test "a model by its name, by its name with the factor, and by its file" {
    take odd.png
    enlarges odd.png default.png --factor 3
    enlarges odd.png family.png --factor 3 --model photo
    enlarges odd.png name.png --factor 3 --model photo-x3
    cp "$MODELS/photo-x3.safetensors" renamed.safetensors
    cp "$MODELS/photo-detailed-x3.safetensors" .
    enlarges odd.png file.png --factor 3 --model renamed.safetensors
    enlarges odd.png path.png --factor 3 --model ./renamed.safetensors
    for name in family name file path; do
        cmp default.png "$name.png"
    done
}

# ---- orientation and metadata ----------------------------------------------------------------

@test "all eight orientations are applied once, and the tag is gone" {
    for name in turned-{1..8}.jpg turned-{2,6}.tiff; do
        take "$name"
        enlarges "$name" "$name.png" --method nearest --factor 2
        look facts "$name.png" 'PNG 80x48 rgb 8'
        look near turned-1.jpg.png "$name.png" 38
        look upright "$name.png"
    done
    look as_bicubic turned-1.jpg turned-1.jpg.png 20
}

@test "a turned picture goes through the network upright" {
    take turned-6.jpg turned-1.jpg
    enlarges turned-1.jpg one.png --factor 2
    enlarges turned-6.jpg six.png --factor 2
    look facts six.png 'PNG 80x48 rgb 8'
    look near one.png six.png 38
}

@test "the orientation tag is gone from every format that could hold it" {
    take turned-8.jpg
    for suffix in jpg webp tiff png; do
        enlarges turned-8.jpg "out.$suffix" --method nearest --factor 2
        look upright "out.$suffix"
    done
}

@test "a colour profile is kept byte for byte, and not applied" {
    take tagged.jpg tagged.png tagged.webp tagged.tiff profile.icc
    for suffix in png jpg webp tiff; do
        enlarges tagged.png "out.$suffix" --method nearest --factor 2
        look profile "out.$suffix" profile.icc
    done
    look repeated tagged.png out.png 2
    look repeated tagged.png out.tiff 2
    for suffix in jpg webp tiff; do
        enlarges "tagged.$suffix" "from-$suffix.png" --factor 2
        look profile "from-$suffix.png" profile.icc
    done
}

@test "a picture without a profile gets none" {
    take photo.png
    enlarges photo.png out.png --factor 2
    look no_profile out.png
    enlarges photo.png out.jpg --factor 2
    look no_profile out.jpg
}

@test "EXIF is kept, and says the new size" {
    take tagged.jpg tagged.png tagged.webp
    for suffix in jpg png webp; do
        enlarges "tagged.$suffix" "from-$suffix.jpg" --factor 2
        look exif "from-$suffix.jpg" 0x10E 'a house in winter'
        look exif "from-$suffix.jpg" 0x8298 'nobody at all'
    done
    for suffix in png webp; do
        enlarges tagged.jpg "to.$suffix" --factor 2
        look exif "to.$suffix" 0x10E 'a house in winter'
    done
    look exif from-jpg.jpg 0xA002 48
    look exif from-jpg.jpg 0xA003 32
}

@test "XMP is kept" {
    take tagged.jpg
    for suffix in jpg png webp; do
        enlarges tagged.jpg "to.$suffix" --factor 2
        enlarges "to.$suffix" "from-$suffix.jpg" --factor 2 # PNG holds it compressed
        LC_ALL=C grep -aq '<kept/>' "from-$suffix.jpg"
    done
}

@test "--strip and --keep: nothing, or the profile alone, and colours do not change" {
    take tagged.jpg tagged.png profile.icc
    for suffix in png jpg webp tiff; do
        enlarges tagged.jpg "all.$suffix" --factor 2
        enlarges tagged.jpg "none.$suffix" --factor 2 --strip
        look bare "none.$suffix"
        look no_profile "none.$suffix"
        enlarges tagged.jpg "icc.$suffix" --factor 2 --keep icc
        look profile "icc.$suffix" profile.icc
    done
    look managed all.png none.png 38
    look managed all.tiff none.tiff 38
    look near all.png icc.png 99
    look dpi none.png 300
    look dpi none.jpg 300
    "$FOVEA" transform tagged.png t.png --ops '[]' --keep none
    look bare t.png
    look managed tagged.png t.png 38
    fails 2 '--keep some: it is one of all, icc, none' upscale tagged.png out.png --keep some
    fails 2 '--strip is --keep none; give one of them' upscale tagged.png out.png --keep icc --strip
}

@test "the resolution is kept" {
    take tagged.jpg tagged.png tagged.tiff
    for suffix in jpg png tiff; do
        enlarges "tagged.$suffix" "from-$suffix.png" --factor 2
        look dpi "from-$suffix.png" 300
        enlarges tagged.png "to.$suffix" --factor 2
        look dpi "to.$suffix" 300
    done
}

# ---- formats ---------------------------------------------------------------------------------

@test "every input format" {
    take photo.{png,jpg,webp,tiff,gif,bmp}
    for suffix in png jpg webp tiff gif bmp; do
        enlarges "photo.$suffix" "from-$suffix.png" --factor 2
        look facts "from-$suffix.png" 'PNG 96x80 rgb 8'
        look near from-png.png "from-$suffix.png" 20
    done
}

@test "decoders that are not made for strangers need --trust" {
    take photo.{png,ppm,jp2} icon.ico
    for file in photo.ppm photo.jp2 icon.ico; do
        fails 65 "$file: the decoder of this format is not made for files of strangers*--trust*" \
            upscale "$file" out.png
    done
    enlarges photo.png from-png.png --factor 2
    enlarges photo.ppm from-ppm.png --factor 2 --trust
    look near from-png.png from-ppm.png 90
}

@test "a BMP is bounded, and damage is damage" {
    take photo.bmp
    fails 65 'photo.bmp: 48x40 is 1920 pixels, over the limit of 1919 *' \
        upscale photo.bmp out.png --max-pixels 1919
    head -c 3000 photo.bmp >cut.bmp
    fails 65 'cut.bmp: cannot be decoded*' upscale cut.bmp out.png
    printf 'BM' >two.bmp
    fails 65 'two.bmp: cannot be decoded*' upscale two.bmp out.png
    fails 65 'photo.bmp: *there is no page 1' upscale photo.bmp out.png --page 1
    "$FOVEA" upscale - out.png --method nearest <photo.bmp
}

@test "JPEG 2000: its smaller resolutions are not pages" {
    take photo.png photo.jp2
    enlarges photo.png from-png.png --factor 2
    enlarges photo.jp2 from-jp2.png --factor 2 --trust
    look facts from-jp2.png 'PNG 96x80 rgb 8'
    look near from-png.png from-jp2.png 24
}

@test "every output format that Pillow can read, by its suffix" {
    take photo.png
    enlarges photo.png ref.png --factor 2
    for pair in jpg:JPEG jpeg:JPEG jpe:JPEG webp:WEBP tif:TIFF tiff:TIFF png:PNG; do
        suffix=${pair%:*}
        enlarges photo.png "out.$suffix" --factor 2
        look facts "out.$suffix" "${pair#*:} 96x80 rgb 8"
        look near ref.png "out.$suffix" 30
    done
    look near ref.png out.tiff 999
}

@test "AVIF, JPEG XL and HEIF, by their suffix" {
    take photo.png
    enlarges photo.png ref.png --method nearest --factor 4
    for pair in avif:avif jxl:jxl heic:heic heif:heic; do
        suffix=${pair%:*}
        run_here "$FOVEA" upscale photo.png "out.$suffix" --method nearest --factor 2
        if [ "$status" -ne 0 ] && [[ $suffix == hei? ]]; then
            expect_sentence '*' # an encoder that is not installed
            expect_untouched
            continue
        fi
        expect_status 0
        expect_quiet
        expect_made "out.$suffix"
        look container "out.$suffix" "${pair#*:}"
        enlarges "out.$suffix" "again-$suffix.png" --method nearest --factor 2
        look facts "again-$suffix.png" 'PNG 192x160 rgb 8'
        look near ref.png "again-$suffix.png" 28
    done
}

@test "16 bits go to TIFF as they are, and to JPEG as 8" {
    take noise-rgb16.png
    enlarges noise-rgb16.png out.tiff --method nearest
    enlarges noise-rgb16.png out.png --method nearest
    enlarges out.tiff again.png --method nearest --factor 2
    enlarges out.png same.png --method nearest --factor 2
    look near again.png same.png 999
    enlarges noise-rgb16.png out.jpg --method nearest
    look facts out.jpg 'JPEG 44x28 rgb 8'
}

@test "grey goes to JPEG as grey" {
    take grey.png
    enlarges grey.png out.jpg --factor 2
    look facts out.jpg 'JPEG 80x48 grey 8'
}

@test "--quality: more is larger and nearer, 90 when none is given" {
    take noise.png
    enlarges noise.png ref.png --method bicubic --factor 2
    for suffix in jpg webp; do
        for quality in 20 90; do
            enlarges noise.png "q$quality.$suffix" --method bicubic --factor 2 --quality "$quality"
        done
        enlarges noise.png "out.$suffix" --method bicubic --factor 2
        cmp "q90.$suffix" "out.$suffix"
        [ "$(stat -c %s "q20.$suffix")" -lt "$(($(stat -c %s "q90.$suffix") / 2))" ]
    done
    look near ref.png q90.jpg 30
    for suffix in avif jxl; do
        for quality in 20 90; do
            enlarges noise.png "q$quality.$suffix" --method bicubic --factor 2 --quality "$quality"
        done
        [ "$(stat -c %s "q20.$suffix")" -lt "$(stat -c %s "q90.$suffix")" ]
    done
}

@test "libvips's modules stay closed until a format wants one" {
    take photo.png photo.jpg photo.webp photo.gif photo.bmp
    modules() { # ARGUMENT...: how many files of modules a run opens
        LD_DEBUG=files LD_DEBUG_OUTPUT=$PRINTED/opened "$FOVEA" upscale "$@" --method nearest --force
        cat "$PRINTED"/opened* | grep -c 'file=.*vips-modules.*generating' || true
        rm "$PRINTED"/opened*
    }
    for suffix in png jpg webp gif; do
        [ "$(modules "photo.$suffix" "out.$suffix.png")" -eq 0 ]
    done
    [ "$(modules photo.png out.jpg)" -eq 0 ]
    [ "$(modules photo.png out.webp)" -eq 0 ]
    [ "$(modules photo.png out.avif)" -gt 0 ] || skip 'this libvips has no modules'
    [ "$(modules out.avif again.png)" -gt 0 ]
    look facts again.png 'PNG 768x640 rgb 8'
}

@test "choices of the encoders: lossless, chroma, progressive, effort" {
    take photo.png
    enlarges photo.png want.png --factor 2
    for suffix in webp avif jxl; do
        enlarges photo.png "exact.$suffix" --factor 2 --lossless
        "$FOVEA" transform "exact.$suffix" "exact-$suffix.png" --ops '[]'
        case $suffix in
        avif) look near want.png exact-avif.png 45 ;; # RGB, through YCbCr of 8 bits
        *) look near want.png "exact-$suffix.png" 99 ;;
        esac
    done
    enlarges photo.png plain.jpg --factor 2
    enlarges photo.png fine.jpg --factor 2 --quality 70 --chroma 444
    enlarges photo.png coarse.jpg --factor 2 --quality 95 --chroma 420
    enlarges photo.png slow.jpg --factor 2 --progressive
    enlarges photo.png small.webp --factor 2 --effort 9
    enlarges photo.png fast.webp --factor 2 --effort 1
    "$PYTHON" - <<'END'
import os
from PIL import Image, JpegImagePlugin as jpeg
sampling = {n: jpeg.get_sampling(Image.open(n)) for n in ("plain.jpg", "fine.jpg", "coarse.jpg")}
assert sampling == {"plain.jpg": 0, "fine.jpg": 0, "coarse.jpg": 2}, sampling
assert "progressive" in Image.open("slow.jpg").info and \
    "progressive" not in Image.open("plain.jpg").info
assert os.path.getsize("small.webp") < os.path.getsize("fast.webp")
END
    fails 2 '--lossless: JPEG has no such choice' upscale photo.png out.jpg --lossless
    fails 2 '--chroma: WebP has no such choice' upscale photo.png out.webp --chroma 444
    fails 2 '--progressive: PNG has no such choice' upscale photo.png out.png --progressive
    fails 2 '--effort: TIFF has no such choice' transform photo.png out.tiff --ops '[]' --effort 3
    fails 2 '--chroma 422: it is 444 or 420' upscale photo.png out.jpg --chroma 422
    fails 2 '--lossless has no --quality' upscale photo.png out.webp --lossless --quality 80
}

# ---- frames and drawings ---------------------------------------------------------------------

@test "several frames are refused without --page, and one is taken with it" {
    for suffix in gif webp tiff; do
        take "frames.$suffix"
        fails 65 "frames.$suffix: holds 3 frames or pages; choose one with --page 0 to 2, *" \
            upscale "frames.$suffix" out.png --method nearest
        enlarges "frames.$suffix" "$suffix-0.png" --method nearest --page 0
        look about "$suffix-0.png" 4 255 0 0
        enlarges "frames.$suffix" "$suffix-2.png" --method nearest --page 2
        look about "$suffix-2.png" 4 0 0 255
        fails 65 "frames.$suffix: *" upscale "frames.$suffix" out.png --method nearest --page 3
    done
}

@test "all frames go where there is room for them, with their times" {
    for suffix in gif webp tiff; do
        take "frames.$suffix"
        for to in gif webp tiff; do
            enlarges "frames.$suffix" "$suffix.$to" --factor 2
            look frames "$suffix.$to" 48x32 '#ff0000' '#00ff00' '#0000ff'
        done
    done
    "$PYTHON" - <<'END'
from PIL import Image
a, b, c = (Image.new("RGB", (24, 16), (60 * i, 90, 200)) for i in range(3))
a.save("timed.gif", save_all=True, append_images=[b, c], duration=[120, 340, 560], loop=0)
END
    enlarges timed.gif timed.webp --factor 2
    enlarges timed.webp again.gif --factor 2
    [ "$("$PYTHON" -c 'from PIL import Image, ImageSequence as s
print([f.info["duration"] for f in s.Iterator(Image.open("again.gif"))])')" = '[120, 340, 560]' ]
}

@test "a chain works on each frame by itself" {
    take frames.gif
    "$FOVEA" transform frames.gif out.tiff --ops '[{"type": "rotate", "angle_in_degrees": 90},
        {"type": "blur", "sigma": 9}, {"type": "upscale", "factor": 2}]'
    look frames out.tiff 32x48 '#ff0000' '#00ff00' '#0000ff'
    fails 65 'frames.gif: holds 3 frames or pages and PNG one; *' transform frames.gif out.png \
        --ops '[{"type": "flip"}]'
    fails 65 'frames.gif: 24x48 is 1152 pixels, over the limit of 1151 *' upscale frames.gif out.gif \
        --max-pixels 1151
    "$FOVEA" transform frames.gif one.png --ops '[]' --page 1
    look about one.png 4 0 255 0
}

@test "one frame of several becomes a file of one frame" {
    take frames.gif
    for suffix in webp tiff; do
        enlarges frames.gif "out.$suffix" --method nearest --page 1 --factor 2
        enlarges "out.$suffix" "again-$suffix.png" --method nearest --factor 2
        look about "again-$suffix.png" 4 0 255 0
    done
}

@test "--page 0 of a picture that has only one" {
    take photo.png photo.gif
    enlarges photo.png out.png --method nearest --page 0
    look repeated photo.png out.png 4
    enlarges photo.gif gif.png --method nearest --page 0
}

@test "the picture of an icon that --page names" {
    take icon.ico
    fails 65 'icon.ico: holds 2 frames or pages; choose one with --page 0 to 1, *' \
        upscale icon.ico out.png --method nearest --trust
    enlarges icon.ico page0.png --method nearest --page 0 --trust
    enlarges icon.ico page1.png --method nearest --page 1 --trust
    look facts page0.png 'PNG 64x64 rgb+alpha 8'
    look facts page1.png 'PNG 128x128 rgb+alpha 8'
}

@test "a page that a picture of one does not have" {
    take photo.png
    fails 65 'photo.png: *' upscale photo.png out.png --method nearest --page 5
}

@test "SVG is drawn at its size and not upscaled" {
    take disc24.svg disc48.svg
    run_here "$FOVEA" upscale disc24.svg by4.png --factor 4 --json
    expect_status 0
    grep -q '"method": "vector"' "$PRINTED/out"
    enlarges disc48.svg by2.png --factor 2
    look facts by4.png 'PNG 96x96 rgb+alpha 8'
    look near by4.png by2.png 999
    look sharp by4.png
}

@test "SVG on standard input is drawn at its size, too" {
    take disc24.svg
    enlarges disc24.svg file.png
    run_here "$FOVEA" upscale - pipe.png <disc24.svg
    expect_status 0
    cmp file.png pipe.png
}

@test "the limit on pixels is one on the input, also of a drawing" {
    take disc24.svg
    fails 65 'disc24.svg: *over the limit*' upscale disc24.svg out.png --max-pixels 575
    enlarges disc24.svg out.png --max-pixels 576
}

# ---- transparency ----------------------------------------------------------------------------

@test "the colour of transparent pixels does not bleed" {
    take hole.png
    for factor in 2 3 4; do
        enlarges hole.png "out$factor.png" --factor "$factor"
        look no_green "out$factor.png"
    done
}

@test "nor does it by Lanczos, bicubic and bilinear" {
    take hole.png
    for method in lanczos bicubic bilinear; do
        enlarges hole.png "$method.png" --method "$method"
        look no_green "$method.png"
    done
}

@test "an opaque picture stays opaque to the last pixel" {
    take opaque.png opaque16.png
    for factor in 2 3 4; do
        enlarges opaque.png "out$factor.png" --factor "$factor"
        look opaque "out$factor.png"
    done
    enlarges opaque16.png out16.png --factor 2
    look opaque out16.png
    for method in lanczos bicubic bilinear nearest; do
        enlarges opaque16.png "$method.png" --method "$method" --factor 3
        look opaque "$method.png"
    done
    enlarges opaque.png reduced.png --model photo-x4 --factor 2
    look opaque reduced.png
}

@test "an opaque picture's colours are those of the picture without alpha" {
    take opaque.png
    "$PYTHON" -c 'from PIL import Image; Image.open("opaque.png").convert("RGB").save("rgb.png")'
    enlarges opaque.png with.png --factor 2
    enlarges rgb.png without.png --factor 2
    "$PYTHON" -c 'from PIL import Image; Image.open("with.png").convert("RGB").save("cut.png")'
    look near cut.png without.png 999
}

@test "where alpha begins to be seen makes no difference further down" {
    take window.png window-and-first.png
    enlarges window.png late.png --factor 2
    enlarges window-and-first.png early.png --factor 2 # its alpha runs through from the top
    look same_below late.png early.png 300
    enlarges window.png late4.png --factor 4
    enlarges window-and-first.png early4.png --factor 4
    look same_below late4.png early4.png 600
}

@test "JPEG has no transparency: white, and a word about it" {
    take hole.png
    run_here "$FOVEA" upscale hole.png out.jpg --factor 2
    expect_status 0
    expect_sentence 'warning: out.jpg: JPEG has no transparency, so it becomes white'
    expect_no_stdout
    expect_made out.jpg
    look facts out.jpg 'JPEG 64x64 rgb 8'
    look pixel out.jpg 2 2 6 255 255 255
    look pixel out.jpg 32 32 12 220 0 0
}

# ---- damage ----------------------------------------------------------------------------------

denoised_by() { # WHERE PICTURE...: the dial for noise and compression stands there by itself
    local where=$1 name
    shift
    for name in "$@"; do
        make "$name"
        run_here "$FOVEA" upscale "$name" out.png --factor 2 --force --json
        expect_status 0
        grep -qx " *\"denoise\": $where" "$PRINTED/out" || wrong "$name: otherwise"
    done
}

@test "a picture without a sign of compression or noise is not cleaned" {
    denoised_by 0.0 clean.png clean16.png clean-alpha.png clean.tiff clean.bmp clean.webp
    for way in "--denoise 0" "--denoise 1"; do
        enlarges clean.png "${way: -1}.png" --factor 2 $way
    done
    enlarges clean.png self.png --factor 2
    cmp self.png 0.png
    not cmp -s self.png 1.png
}

@test "one with a sign of it is cleaned, whatever its file is" {
    denoised_by 1.0 grainy.png jpeg90.jpg jpeg90.png jpeg90-cut.png webp80.webp webp80.png
}

@test "where nothing can be seen a picture is cleaned" {
    denoised_by 1.0 photo.png flat.png clean.gif
}

@test "what is only cleaned is cleaned" {
    make clean.png
    run_here "$FOVEA" upscale clean.png out.png --factor 1 --json
    expect_status 0
    grep -q '"denoise": 1.0' "$PRINTED/out"
}

@test "the same through a pipe, and in a chain" {
    make clean.png
    enlarges clean.png file.png --factor 2
    cat clean.png | "$FOVEA" upscale - pipe.png --factor 2
    "$FOVEA" upscale - redirected.png --factor 2 <clean.png
    "$FOVEA" transform clean.png chain.png --ops '[{"type": "upscale", "factor": 2}]'
    "$FOVEA" transform clean.png other.png --ops '[{"type": "upscale", "factor": 2, "denoise": 1}]'
    cmp file.png pipe.png
    cmp file.png redirected.png
    cmp file.png chain.png
    not cmp -s file.png other.png
}
