#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# hostile.bats -- files that were made to harm, and files that were damaged: never a crash, never more
# than a sentence, never a file of theirs or of the network's that was not asked for.

load helpers

setup_file() {
    make_once photo.png photo.jpg photo.webp photo.tiff photo.gif photo.bmp tagged.jpg palette.png \
        disc24.svg
    "$PYTHON" "$BATS_TEST_DIRNAME/make_hostile.py" "$BATS_FILE_TMPDIR"
}

# survives FILE: the program ends by itself within a minute, with a status of the table and at most
# one line; sets $status. What decoders of others leave behind when they give up (libxml2 does) is
# not asked.
survives() {
    status=0
    ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 timeout -s KILL 60 "$FOVEA" transform "$1" out.png --force --ops '[]' \
        >"$PRINTED/out" 2>"$PRINTED/err" || status=$?
    case $status in
    0) ;;
    65) [ "$(wc -l <"$PRINTED/err")" -eq 1 ] || wrong "$1: more than a sentence" ;;
    *) wrong "$1: status $status" ;;
    esac
}

@test "bombs are refused by their header" {
    take wide.png frames.gif claims.bmp
    fails 65 'wide.png: 17000x17000 is 289 megapixels, over the limit of 268 *' \
        upscale wide.png out.png
    fails 65 'frames.gif: *megapixels, over the limit of 268 *' upscale frames.gif out.webp
    fails 65 'claims.bmp: 30000x30000 is 900 megapixels, over the limit of 268 *' \
        upscale claims.bmp out.png
}

@test "a profile of 100 MB in 100 KB is not unpacked" {
    take profile.png
    survives profile.png
    mb=$("$PYTHON" "$BATS_TEST_DIRNAME/peak_memory.py" "$FOVEA" transform profile.png out.png --force \
        --ops '[]')
    [ "$mb" -lt 90 ] || nm "$FOVEA" | grep -q __asan_init || wrong "it took $mb MB"
}

@test "drawings: entities, depth, size" {
    take deep.svg laughs.svg entity.svg huge.svg
    for file in deep.svg laughs.svg entity.svg; do
        survives "$file"
        [ "$status" -eq 65 ] || wrong "$file: status $status"
    done
    survives huge.svg
}

@test "a drawing sees neither files nor the network" {
    take file.svg net.svg photo.png
    mv photo.png secret.png
    survives file.svg
    [ "$status" -eq 0 ]
    "$PYTHON" - "$FOVEA" <<'END'
import pathlib, socket, subprocess, sys
from PIL import Image
assert Image.open("out.png").getextrema()[3] == (0, 0), "the file's picture was drawn"
with socket.create_server(("127.0.0.1", 0)) as server:
    server.settimeout(1)
    text = pathlib.Path("net.svg").read_text().replace("127.0.0.1:1/", "%s:%d/" % server.getsockname())
    pathlib.Path("net.svg").write_text(text)
    subprocess.run([sys.argv[1], "transform", "net.svg", "net.png", "--ops", "[]"], check=True)
    try:
        server.accept()
    except TimeoutError:
        sys.exit(0)
sys.exit("somebody called")
END
}

@test "files that are cut, or have bits turned over" {
    local seed=${FOV_SEED:-1} # another one finds other files
    echo "seed $seed"
    "$PYTHON" "$BATS_TEST_DIRNAME/make_hostile.py" . --damaged 12 "$seed" \
        "$BATS_FILE_TMPDIR"/{photo.png,photo.jpg,photo.webp,photo.tiff,photo.gif,photo.bmp} \
        "$BATS_FILE_TMPDIR"/{tagged.jpg,palette.png,disc24.svg}
    local n=0
    for file in cut* flip*; do
        survives "$file"
        n=$((n + (status == 65)))
    done
    [ "$n" -ge 60 ] || wrong "only $n were found to be damaged"
}
