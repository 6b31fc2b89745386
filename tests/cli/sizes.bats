#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# sizes.bats -- a size is asked for and the factor follows: width, height, side, paper, presets.

load helpers

setup_file() {
    make_once photo.png disc24.svg
}

setup() {
    PRINTED=$BATS_TEST_TMPDIR/printed
    mkdir "$PRINTED" "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here" || return 1
    take photo.png # 48x40
    unset XDG_CONFIG_HOME FOVEA_CONFIG
    export HOME=$BATS_TEST_TMPDIR/home
}

becomes() { # WIDTHxHEIGHT FACTOR METHOD OPTION...
    local want=$1x$2x$3
    shift 3
    run_here "$FOVEA" upscale photo.png out.png --force --json "$@"
    expect_status 0
    "$PYTHON" - "$PRINTED/out" "$want" "$*" <<'END'
import json, sys
from PIL import Image
d = json.load(open(sys.argv[1], encoding="utf-8"))
got = f"{d['width_px']}x{d['height_px']}x{d['factor']}x{d['method']}"
assert got == sys.argv[2], (got, sys.argv[2:])
assert Image.open("out.png").size == (d["width_px"], d["height_px"])
END
}

@test "one side: the other follows, the factor is the least that reaches it" {
    becomes 96x80 2 ai --width 96
    becomes 97x81 3 ai --width 97
    becomes 144x120 3 ai --height 120
    becomes 145x121 4 ai --height 121
    becomes 480x400 4 ai --width 480
    becomes 48x40 1 none --factor auto --min-side 40
    becomes 24x20 1 lanczos --width 24
    becomes 48x40 1 lanczos --width 48
    becomes 200x167 2 ai --width 200 --factor 2
}

@test "the shorter side, which is never shortened" {
    becomes 72x60 2 ai --min-side 60
    becomes 48x40 1 none --min-side 30
    becomes 48x40 2 ai --min-side 30 --factor 2
}

@test "both sides, in each of the ways to fit" {
    becomes 100x100 3 ai --width 100 --height 100
    becomes 100x100 3 ai --width 100 --height 100 --fit fill
    becomes 100x100 3 ai --width 100 --height 100 --fit contain
    becomes 100x83 3 ai --width 100 --height 100 --fit inside
    becomes 120x100 3 ai --width 100 --height 100 --fit outside
}

@test "paper: turned as the picture is, cropped or padded, and the file says the resolution" {
    becomes 1000x500 4 ai --print 5x10in --dpi 100
    look dpi out.png 100
    look_now
    becomes 236x118 3 ai --print 60x30mm --dpi 100 --fit contain
    look pixel out.png 0 0 0 255 255 255
    look pixel out.png 235 117 0 255 255 255
    look_now
    becomes 96x80 2 ai --factor 2 --dpi 72
    look dpi out.png 72
    look_now
    becomes 600x300 4 ai --print 2x1in
    look dpi out.png 300
}

@test "--factor 1 cleans: noise and compression go, the size stays" {
    becomes 48x40 1 ai --factor 1
    becomes 24x20 1 ai --factor 1 --width 24
    "$PYTHON" - "$ROOT/examples/kitchen-herbs.jpg" <<'END'
import sys
from PIL import Image
image = Image.open(sys.argv[1]).convert("RGB").resize((248, 200), Image.LANCZOS)
image.save("was.png")
image.save("harmed.jpg", quality=30)
END
    run_here "$FOVEA" upscale harmed.jpg cleaned.png --factor 1
    expect_status 0
    "$PYTHON" - <<'END'
import numpy as np
from PIL import Image
was, harmed, cleaned = (np.asarray(Image.open(f).convert("L"), float)
                        for f in ("was.png", "harmed.jpg", "cleaned.png"))
before, after = (10 * np.log10(255 ** 2 / ((was - x) ** 2).mean()) for x in (harmed, cleaned))
assert after > before + 0.4, (before, after)
END
    # no new pixels, no new texture; but who asks for it gets it
    run_here "$FOVEA" upscale harmed.jpg faithful.png --factor 1 --detail 0
    expect_status 0
    cmp cleaned.png faithful.png
    run_here "$FOVEA" upscale harmed.jpg drawn.png --factor 1 --detail 0.8
    expect_status 0
    not cmp -s cleaned.png drawn.png
    fails 2 '--factor 1 cleans a picture, which --method ai does' \
        upscale photo.png no.png --factor 1 --method lanczos
}

@test "a drawing is drawn at the size" {
    take disc24.svg
    run_here "$FOVEA" upscale disc24.svg drawn.png --width 333
    expect_status 0
    [ "$("$PYTHON" -c 'from PIL import Image; print(Image.open("drawn.png").width)')" = 333 ]
}

@test "a drawing is drawn at the size of the operations that a recipe begins with" {
    take disc24.svg
    run_here "$FOVEA" upscale disc24.svg want.png --width 480
    expect_status 0
    run_here "$FOVEA" transform disc24.svg by4.png \
        --ops '[{"type":"upscale","factor":4},{"type":"resize","width_in_px":480,"height_in_px":480}]'
    expect_status 0
    cmp want.png by4.png
    run_here "$FOVEA" transform - piped.png <disc24.svg \
        --ops '[{"type":"resize","width_in_px":480,"height_in_px":480,"fit":"outside"}]'
    expect_status 0
    cmp want.png piped.png
    run_here "$FOVEA" upscale - piped-width.png --width 480 <disc24.svg
    expect_status 0
    cmp want.png piped-width.png
    run_here "$FOVEA" transform disc24.svg preset.jpg --preset marketplace-2000
    expect_status 0
    look sharp preset.jpg
    fails 65 'disc24.svg: drawn at 1000000x1000000 it is 1000000 megapixels, over the limit of 1074*' \
        upscale disc24.svg huge.png --width 1000000
}

@test "what comes later in a recipe enlarges the pixels of a drawing" {
    take disc24.svg
    run_here "$FOVEA" transform disc24.svg late.png --dry-run \
        --ops '[{"type":"flip"},{"type":"upscale","factor":2}]'
    expect_status 0
    grep -q '24x24 to 48x48' "$PRINTED/out"
    run_here "$FOVEA" transform disc24.svg early.png --dry-run \
        --ops '[{"type":"upscale","factor":2},{"type":"flip"}]'
    expect_status 0
    grep -q '48x48 PNG' "$PRINTED/out"
}

@test "sizes that are none" {
    fails 2 '--factor auto needs a size: *' upscale photo.png out.png --factor auto
    fails 2 '--width and --height, --min-side, --print: a size is given by one of them' \
        upscale photo.png out.png --width 100 --min-side 50
    fails 2 '--width and --height, --min-side, --print: a size is given by one of them' \
        upscale photo.png out.png --print 8x10in --height 50
    fails 2 '--fit needs --width and --height, or --print' upscale photo.png out.png --fit cover
    fails 2 '--fit shrink: it is one of cover, contain, fill, inside, outside' \
        upscale photo.png out.png --width 9 --height 9 --fit shrink
    fails 2 'a size goes with --method ai, not with bicubic' upscale photo.png out.png --width 100 \
        --method bicubic
    for size in 20x30 20cm x 20x30km 0x5in -1x5cm 1x5cmm 1,5x2in; do
        fails 2 "--print $size: it is a size on paper, like 20x30cm, 8x10in or 100x150mm" \
            upscale photo.png out.png "--print=$size"
    done
    fails 65 '--print: 10000000x* pixels are over the limit of 1000000' \
        upscale photo.png out.png --print 1000x1000in --dpi 10000
    fails 65 'the size\[0] (resize): a result of * is *, over the limit of *' \
        upscale photo.png out.png --width 100000
}

# ---- presets ---------------------------------------------------------------------------------

made_by() { # WIDTHxHEIGHT PRESET IN OUT
    "$FOVEA" transform "$3" "$4" --force --preset "$2"
    [ "$("$PYTHON" -c 'import sys; from PIL import Image; print("%dx%d" % Image.open(sys.argv[1]).size)' \
        "$4")" = "$1" ] || wrong "$2 made $("$PYTHON" -m PIL "$4")"
}

@test "the presets do what they say" {
    made_by 2000x2000 marketplace-2000 photo.png out.png
    made_by 192x160 archive photo.png out.png
    made_by 192x160 print-300dpi photo.png out.png
    look dpi out.png 300
    look_now
    made_by 96x80 web photo.png out.webp
    "$FOVEA" transform photo.png wide.png --ops \
        '[{"type": "resize", "width_in_px": 300, "height_in_px": 20, "fit": "fill"}]'
    made_by 900x60 archive wide.png out.png
    "$FOVEA" transform photo.png wide.png --force --ops \
        '[{"type": "resize", "width_in_px": 501, "height_in_px": 20, "fit": "fill"}]'
    made_by 1002x40 archive wide.png out.png
}

@test "presets of the configuration, over those of the program" {
    mkdir -p "$HOME/.config/fovea"
    cat >"$HOME/.config/fovea/fovea.ini" <<'END'
[server]
listen = 127.0.0.1:8080

[preset tiny]
help = eleven pixels
ops = [{"type": "resize", "width_in_px": 11, "height_in_px": 9,
  "fit": "fill"},
  {"type": "grayscale"}]

[preset archive]
upscale = 40:4 *:2
END
    made_by 11x9 tiny photo.png out.png
    made_by 96x80 archive photo.png out.png
    run_here "$FOVEA" presets
    expect_status 0
    grep -q '^tiny$' "$PRINTED/out"
    grep -q 'eleven pixels' "$PRINTED/out"
    [ "$("$FOVEA" presets --json | "$PYTHON" -c 'import json, sys; print(len(json.load(sys.stdin)))')" = 5 ]
    printf '[preset other]\nops = []\n' >other.ini
    FOVEA_CONFIG=other.ini "$FOVEA" transform photo.png copy.png --preset other
    look near photo.png copy.png 99
}

@test "presets that are wrong are said in one sentence" {
    fails 2 "there is no preset 'archives'; did you mean archive[?]" transform photo.png out.png \
        --preset archives
    fails 2 'transform needs either --ops*' transform photo.png out.png --preset web --ops '[]'
    export FOVEA_CONFIG=wrong.ini
    wrong_line() { # PATTERN LINE...
        printf '%s\n' '[preset mine]' "${@:2}" >wrong.ini
        fails 78 "$1" transform photo.png out.png --preset mine
    }
    wrong_line 'wrong.ini: line 2: \[preset mine] has no *colour*' 'colour = red'
    wrong_line 'wrong.ini: line 2: is neither*' 'nonsense'
    for rule in 5 500:5 500:2x '*' ':2'; do
        wrong_line 'preset mine: upscale = * is not like*' "upscale = $rule"
    done
    wrong_line 'preset mine: ops is not a JSON array' 'ops = {}'
    printf '[preset mine]\nops = [{"type": "flips"}]\n' >wrong.ini
    fails 2 "mine\[0]: there is no operation 'flips'; did you mean flip[?]" transform photo.png \
        out.png --preset mine
    FOVEA_CONFIG=none.ini
    fails 78 'none.ini: cannot read it: No such file*' transform photo.png out.png --preset web
}
