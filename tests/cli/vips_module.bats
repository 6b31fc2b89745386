#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vips_module.bats -- libvips has the operation when it finds the one file among its modules.

load helpers

setup_file() {
    make_once photo.png rgba16.png cmyk.jpg
    command -v vips >/dev/null || skip 'libvips-tools is not here'
    local libdir modules build
    build=$(dirname "$(realpath "${FOVEA:-$BATS_TEST_DIRNAME/../../build/fovea}")")
    if nm -D "$build/fovea_vips.so" | grep -q __asan_init; then
        skip 'vips itself is built without the sanitizer'
    fi
    libdir=$(pkg-config --variable=libdir vips)
    modules=vips-modules-$(pkg-config --modversion vips | cut -d. -f1,2)
    export VIPSHOME=$BATS_FILE_TMPDIR/home # where libvips looks instead of in /usr/lib
    mkdir -p "$VIPSHOME/$(basename "$libdir")/$modules"
    cp "$build/fovea_vips.so" "$VIPSHOME/$(basename "$libdir")/$modules/"
    export FOVEA_MODELS=$BATS_TEST_DIRNAME/../../models
}

by_vips() { # ARGUMENT...
    VIPSHOME=$VIPSHOME FOVEA_MODELS=$MODELS vips fovea_upscale "$@"
}

@test "vips fovea_upscale makes what fovea upscale makes" {
    take photo.png rgba16.png cmyk.jpg
    for file in photo.png rgba16.png cmyk.jpg; do
        by_vips "$file" "vips-$file.png" --factor 2
        enlarges "$file" "fovea-$file.png" --factor 2
        look near "fovea-$file.png" "vips-$file.png" 99
    done
    by_vips photo.png four.png
    look facts four.png 'PNG 192x160 rgb 8'
}

@test "its failures are sentences of libvips" {
    take photo.png
    run by_vips photo.png out.png --model nothing
    [ "$status" -ne 0 ]
    [[ $output == *"no network is called 'nothing'"* ]]
    run by_vips photo.png out.png --detail 0.5 --model "$ROOT/tests/vectors/esrgan-x4.model.safetensors"
    [[ $output == *"it names no detailed partner"* ]]
}
