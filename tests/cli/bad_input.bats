#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bad_input.bats -- pictures and models that are not what they should be.
#
# Each time: one sentence that names the file, the right exit status, and no file made.

load helpers

setup_file() {
    make_once photo.png text.jpg numbers.csv empty.png cut.png cut.jpg cut.webp cut.tiff cut.gif \
        cut-header.png huge.png limit.png over.png a20x10.png float-{grey,rgb,rgba,255,grey-255}.tiff \
        jfif2.jpg padded.jpg animated.png narrow.png long.png
}

# ---- pictures --------------------------------------------------------------------------------

@test "a text file with a picture's name" {
    take text.jpg
    fails 65 'text.jpg: not a picture in a format that Fovea reads: JPEG*' upscale text.jpg out.png
}

@test "floating-point samples: from 0 to 1 they are read, others would come out black or white" {
    take float-grey.tiff float-rgb.tiff float-rgba.tiff float-255.tiff float-grey-255.tiff
    enlarges float-grey.tiff grey.png --method nearest --factor 2
    look facts grey.png 'PNG 48x32 grey 16'
    look levels grey.png 100
    enlarges float-rgb.tiff rgb.png --method nearest --factor 2
    look levels rgb.png 100
    enlarges float-rgba.tiff rgba.png --method nearest --factor 2
    "$PYTHON" -c 'from PIL import Image
low, high = Image.open("rgba.png").convert("RGBA").getchannel("A").getextrema()
assert low < 60 and high > 200, (low, high)'
    for file in float-255.tiff float-grey-255.tiff; do
        fails 65 "$file: * floating-point numbers from * to 229*; 0 to 1 are read*" \
            upscale "$file" out.png --method nearest
    done
}

@test "what libjpeg only warns of, and no pixel suffers by, is no damage" {
    take jfif2.jpg padded.jpg
    enlarges jfif2.jpg jfif2.png --method nearest --factor 2
    enlarges padded.jpg padded.png --method nearest --factor 2
    cmp jfif2.png padded.png
}

@test "an animated PNG is not taken for its first frame unless that is asked for" {
    take animated.png
    fails 65 'animated.png: is an animated PNG, *; --page 0 takes it' upscale animated.png out.webp
    fails 65 'animated.png: is an animated PNG, *; --page 0 takes it' inspect animated.png
    enlarges animated.png out.png --page 0 --method nearest --factor 2
    look pixel out.png 5 5 0 255 0 0
}

@test "sizes that no number holds are over the limit, and no other size" {
    take narrow.png long.png
    fails 2 'the size*height_in_px is *; it is a whole number from 1 to 10000000' \
        upscale narrow.png out.png --width 8192
    fails 65 '* 8192x* over the limit of *' transform narrow.png out.png --ops \
        '[{"type": "resize", "width_in_px": 8192, "height_in_px": 100, "fit": "outside"}]'
    fails 65 '*1100000x1: sides go from 1 to 1048576' upscale long.png out.png --factor 2
}

@test "a format that libvips has no decoder or encoder for here: what it needs" {
    take photo.png
    run_here "$FOVEA" transform photo.png made.avif --ops '[]'
    expect_status 0
    export VIPSHOME=$BATS_TEST_TMPDIR # its modules are not found
    fails 65 'made.avif: is AVIF, which the libvips here cannot read; it needs * libheif1, *' \
        upscale made.avif out.png
    fails 2 'out.jxl: the libvips here cannot write JPEG XL; it needs vips-jxl on * libjxl on Debian' \
        upscale photo.png out.jxl
    fails 2 '* cannot write HEIF; it needs *' transform photo.png out --ops \
        '[{"type":"convert","format":"heif"}]'
}

@test "a file that only begins like a picture" {
    printf 'II*\0\0\0\0\0\0\0\0\0' >begun.tif # as libvips writes TIFF into a pipe
    fails 65 'begun.tif: *' upscale begun.tif out.png
    not grep -q 'needs' "$PRINTED/err"
}

@test "a table of numbers is no picture" {
    take numbers.csv
    fails 65 'numbers.csv: not a picture in a format that Fovea reads: JPEG*' upscale numbers.csv out.png
}

@test "an empty file" {
    take empty.png
    fails 65 'empty.png: is empty' upscale empty.png out.png
}

@test "nothing on standard input" {
    run_here "$FOVEA" upscale - out.png </dev/null
    expect_status 65
    expect_sentence 'standard input: *'
    expect_untouched
}

@test "a truncated PNG" {
    take cut.png
    fails 65 'cut.png: is damaged (*)' upscale cut.png out.png
    fails 65 'cut.png: is damaged, or cannot be encoded (*)' \
        upscale cut.png out.png --method nearest
}

@test "a PNG that ends in its header" {
    take cut-header.png
    fails 65 'cut-header.png: *' upscale cut-header.png out.png
}

@test "a truncated JPEG" {
    take cut.jpg
    fails 65 'cut.jpg: is damaged (*)' upscale cut.jpg out.png
    fails 65 'cut.jpg: is damaged, or cannot be encoded (*)' \
        upscale cut.jpg out.jpg --method bicubic
}

@test "a truncated WebP, TIFF and GIF" {
    take cut.webp cut.tiff cut.gif
    for form in webp tiff gif; do
        fails 65 "cut.$form: *" upscale "cut.$form" out.png --method nearest
    done
}

@test "truncated input on standard input" {
    take cut.jpg
    run_here "$FOVEA" upscale - out.png <cut.jpg
    expect_status 65
    expect_sentence 'standard input: is damaged (*)'
    expect_untouched
}

@test "damaged input leaves the file alone that --force would replace" {
    take cut.png photo.png
    cp photo.png out.png
    fails 65 'cut.png: is damaged (*)' upscale cut.png out.png --force
    cmp photo.png out.png
}

@test "a folder" {
    mkdir folder.png
    fails 66 'folder.png: is a folder, not a picture' upscale folder.png out.png
}

@test "a missing file" {
    fails 66 'missing.png: cannot read it: No such file or directory' upscale missing.png out.png
}

@test "a file that may not be read" {
    need_rights_checked
    take photo.png
    chmod 000 photo.png
    run_here with_rights_checked "$FOVEA" upscale photo.png out.png
    expect_status 66
    expect_sentence 'photo.png: cannot read it: Permission denied'
    expect_untouched
}

@test "a long name and its reason both stand in the sentence" {
    local name
    name=$(printf 'n%.0s' {1..245}).png
    fails 66 'n*: No such file or directory' upscale "$name" out.png
}

@test "control characters in a name do not reach the terminal" {
    fails 66 'a?b??31mc.png: cannot read it: No such file or directory' \
        upscale $'a\nb\e[31mc.png' out.png
    LC_ALL=C grep -q '^[[:print:]]*$' "$PRINTED/err"
}

# ---- the limit on pixels ---------------------------------------------------------------------

@test "900 megapixels are refused from the header" {
    take huge.png
    local start=$EPOCHREALTIME
    fails 65 'huge.png: 30000x30000 is 900 megapixels, over the limit of 268 (--max-pixels*)' \
        upscale huge.png out.png
    [ $((${EPOCHREALTIME/./} - ${start/./})) -lt 3000000 ]
}

@test "the limit of its own is 268435456: that many pass, a row more does not" {
    take limit.png over.png
    fails 65 'limit.png: is damaged*' upscale limit.png out.png --method nearest
    fails 65 'over.png: 16384x16385 is *over the limit of *' \
        upscale over.png out.png --method nearest
}

@test "--max-pixels holds to the pixel" {
    take a20x10.png
    enlarges a20x10.png out.png --method nearest --max-pixels 200
    rm out.png
    fails 65 'a20x10.png: 20x10 is *over the limit of *' \
        upscale a20x10.png out.png --method nearest --max-pixels 199
}

@test "a small limit is named as what it is" {
    take a20x10.png
    fails 65 'a20x10.png: 20x10 is *200*over the limit of *199*' \
        upscale a20x10.png out.png --method nearest --max-pixels 199
}

@test "--max-pixels raises the limit" {
    take huge.png over.png
    fails 65 'huge.png: 30000x30000 is 900 megapixels, over the limit of 900 *' \
        upscale huge.png out.png --max-pixels 899999999
    fails 65 'over.png: is damaged*' upscale over.png out.png --method nearest \
        --max-pixels 268451840
}

@test "a result beyond the format's longest side is refused before it is computed" {
    take huge.png
    fails 65 'out.jpg: a result of 120000x120000 is over JPEG'"'"'s limit of 65500 a side' \
        upscale huge.png out.jpg --method nearest --max-pixels 900000000
}

# ---- models ----------------------------------------------------------------------------------

broken() { # KIND PATTERN: upscaling with this model fails and says so
    make_model "$1"
    take photo.png
    fails 69 "$2" upscale photo.png out.png --factor 2 --model "./$1.safetensors"
}

@test "a model of random bytes" {
    broken noise './noise.safetensors: not a .safetensors file: it claims a header of * bytes, *'
}

@test "a truncated model" {
    broken cut './cut.safetensors: tensor * ends at byte * of *: the file is truncated or damaged'
}

@test "a model of three bytes" {
    broken tiny './tiny.safetensors: not a model file: too short'
}

@test "a model whose header would be huge" {
    broken claims-huge './claims-huge.safetensors: not a .safetensors file: it claims a header of'`
        `' 4611686018427387904 bytes, the limit is 16777216'
}

@test "a model whose header is longer than the file" {
    broken claims-more './claims-more.safetensors: its header of * bytes is longer than the file*'
}

@test "a model whose header is not JSON" {
    broken not-json './not-json.safetensors: not a .safetensors file: its header is not *JSON'
}

@test "a model with a weight that is not a number" {
    broken nan './nan.safetensors: tensor head.weight holds a number that is not finite'
}

@test "a model with weights of an unknown type" {
    broken wrong-type './wrong-type.safetensors: tensor head.weight has the unknown type F13'
}

@test "a model with a tensor too many" {
    broken extra './extra.safetensors: looks like a * network, *but holds *'
}

@test "an unknown network: what there could be, and how its tensors begin" {
    broken unknown './unknown.safetensors: no known network (*SRVGGNetCompact*); '`
        `'its tensors begin conv_in.weight, attention.weight, norm.weight'
}

@test "a model file that is not there" {
    take photo.png
    fails 69 './none.safetensors: cannot open this model: No such file or directory' \
        upscale photo.png out.png --model ./none.safetensors
    fails 69 "no network is called 'none.safetensors'; there are: clean-detailed-x3, clean-detailed-x4, *, photo-x3, photo-x4" \
        upscale photo.png out.png --model none.safetensors
}

@test "a model's name that is not there" {
    take photo.png
    fails 69 "no network is called 'cartoon'; there are: clean-detailed-x3, clean-detailed-x4, *, photo-x3, photo-x4" \
        upscale photo.png out.png --model cartoon
}

@test "a folder for a model" {
    take photo.png
    mkdir folder.safetensors
    fails 69 './folder.safetensors: not a model file: not a regular file' \
        upscale photo.png out.png --model ./folder.safetensors
}

@test "a 2x model cannot enlarge 4 times" {
    take photo.png
    fails 2 'photo.png: this network enlarges 2 times; 4 was asked for' \
        upscale photo.png out.png --model photo-x2 --factor 4
}
