#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# inspect.bats -- fovea inspect: what pictures are, how large they print; several at once.

load helpers

setup_file() {
    make_once photo.png rgba16.png tagged.jpg disc24.svg frames.tiff text.jpg turned-{1..8}.jpg
}

json() { # EXPRESSION over d, the list that was printed
    "$PYTHON" -c 'import json, sys; d = json.load(open(sys.argv[1])); assert eval(sys.argv[2]), d' \
        "$PRINTED/out" "$1"
}

@test "a photograph that prints 2 x 1.33 inches as it is, and 8 x 5.3 enlarged" {
    "$PYTHON" -c 'from PIL import Image; Image.new("RGB", (600, 400)).save("p.jpg", dpi=(72, 72))'
    run_here "$FOVEA" inspect p.jpg
    expect_status 0
    grep -qx 'p.jpg: JPEG, 600x400 pixels, 8 bits, RGB, 72 dpi' "$PRINTED/out"
    grep -q 'at 300 dpi it prints 5.1 x 3.4 cm; enlarged 2, 3, 4 times 10.2 x 6.8 cm, 15.2 x 10.2 cm, 20.3 x 13.5 cm$' \
        "$PRINTED/out"
    grep -q 'to fill 10x15 cm x3; .* 20x30 cm x4 (203 dpi)' "$PRINTED/out"
    run_here "$FOVEA" inspect p.jpg --dpi 100 --json
    expect_status 0
    json 'len(d) == 1 and abs(d[0]["print_width_cm"] - 15.24) < 1e-6 and d[0]["dpi"] == 72'
    # 10x15 cm lies as the picture does: 5.9 inches wide, of which 6 are there, but 3.94 high
    json '[p["factor"] for p in d[0]["prints"]][:2] == [1, 2]'
}

@test "what the program says of sizes is what upscale makes" {
    "$PYTHON" -c 'from PIL import Image; Image.new("RGB", (60, 40)).save("p.png")'
    run_here "$FOVEA" inspect p.png --dpi 30 --json
    json 'd[0]["prints"][0]["paper"] == "10x15 cm" and d[0]["prints"][0]["factor"] == 3'
    run_here "$FOVEA" upscale p.png out.png --print 10x15cm --dpi 30 --json
    grep -q '"factor": 3' "$PRINTED/out"
}

@test "formats, bits, channels, metadata, frames, drawings" {
    take rgba16.png tagged.jpg disc24.svg frames.tiff
    run_here "$FOVEA" inspect rgba16.png tagged.jpg disc24.svg frames.tiff --json
    expect_status 0
    json '[p["format"] for p in d] == ["PNG", "JPEG", "SVG", "TIFF"]'
    json 'd[0]["bits"] == 16 and d[0]["channels"] == 4 and d[0]["alpha"]'
    json 'd[1]["exif"] and d[1]["profile"] and d[1]["bits"] == 8'
    json '"prints" not in d[2] and d[3]["frames"] > 1'
    run_here "$FOVEA" inspect disc24.svg
    grep -q 'a drawing: prints well at any size' "$PRINTED/out"
}

@test "a picture that lies on its side is told upright" {
    take turned-{1..8}.jpg
    run_here "$FOVEA" inspect turned-*.jpg --json
    expect_status 0
    json 'len({(p["width_px"], p["height_px"]) for p in d}) == 1'
}

@test "one of several fails: the others are told, and the status says so" {
    take photo.png text.jpg
    run_here "$FOVEA" inspect photo.png text.jpg none.png
    expect_status 1
    grep -q '^photo.png: PNG, 48x40 pixels' "$PRINTED/out"
    grep -q 'text.jpg: not a picture in a format that Fovea reads: JPEG, PNG' "$PRINTED/err"
    grep -q 'none.png: cannot read it: No such file' "$PRINTED/err"
    grep -q '2 of 3 could not be read' "$PRINTED/err"
    run_here "$FOVEA" inspect photo.png text.jpg --json
    expect_status 1
    json 'd[1]["input"] == "text.jpg" and set(d[1]) == {"input", "error"}'
    json 'd[1]["error"].startswith("text.jpg: not a picture in a format that Fovea reads: ")'
    fails 65 'text.jpg: not a picture in a format that Fovea reads: JPEG*' inspect text.jpg
    fails 2 'usage: fovea inspect IN... (see `fovea help inspect`)' inspect
}

@test "standard input" {
    take photo.png
    run_here "$FOVEA" inspect - <photo.png
    expect_status 0
    grep -q '^standard input: PNG, 48x40 pixels' "$PRINTED/out"
}
