#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vips_module.bats -- libvips has the operation when it finds the one file among its modules.

load helpers

BUILD=$(dirname "$FOVEA")

setup_file() {
    make_once photo.png rgba16.png cmyk.jpg
    local libdir modules
    libdir=$(basename "$(pkg-config --variable=libdir vips)")
    modules=vips-modules-$(pkg-config --modversion vips | cut -d. -f1,2)
    export VIPSHOME=$BATS_FILE_TMPDIR/home # where libvips looks instead of in /usr/lib
    mkdir -p "$VIPSHOME/$libdir/$modules"
    cp "$BUILD/fovea_vips.so" "$VIPSHOME/$libdir/$modules/"
}

needs_vips() {
    command -v vips >/dev/null || skip 'libvips-tools is not here'
    if nm -D "$BUILD/fovea_vips.so" | grep -q __asan_init; then
        skip 'vips itself is built without the sanitizer'
    fi
}

by_vips() { # ARGUMENT...
    VIPSHOME=$VIPSHOME FOVEA_MODELS=$MODELS vips fovea_upscale "$@"
}

@test "vips fovea_upscale makes what fovea upscale makes" {
    needs_vips
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
    needs_vips
    take photo.png
    run by_vips photo.png out.png --model nothing
    [ "$status" -ne 0 ]
    [[ $output == *"no network is called 'nothing'"* ]]
    run by_vips photo.png out.png --detail 0.5 --model "$ROOT/tests/vectors/esrgan-x4.model.safetensors"
    [[ $output == *"it names no detailed partner"* ]]
}

@test "it is no part of libvips's cache, and needs none" {
    needs_vips
    take photo.png
    by_vips photo.png one.png --factor 2
    by_vips photo.png two.png --factor 2 --vips-cache-max=0 2>said
    cmp one.png two.png
    [ ! -s said ] || wrong "$(cat said)"
}
