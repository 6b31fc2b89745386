#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# transform.bats -- fovea transform: each operation against NumPy, recipes that are wrong, chains.

load helpers

setup_file() {
    make_once photo.png rgba16.png tagged.jpg profile.icc many.gif
}

does() { # NAME: what check_operations.py says of an operation holds
    "$PYTHON" "$BATS_TEST_DIRNAME/check_operations.py" "$FOVEA" "$1"
}

@test "upscale" {
    does upscale
}

@test "resize" {
    does resize
}

@test "crop" {
    does crop
}

@test "smart_crop" {
    does smart_crop
}

@test "extend" {
    does extend
}

@test "trim" {
    does trim
}

@test "rotate" {
    does rotate
}

@test "flip" {
    does flip
}

@test "flop" {
    does flop
}

@test "blur" {
    does blur
}

@test "sharpen" {
    does sharpen
}

@test "modulate" {
    does modulate
}

@test "tint" {
    does tint
}

@test "grayscale" {
    does grayscale
}

@test "invert_colors" {
    does invert_colors
}

@test "auto_contrast" {
    does auto_contrast
}

@test "gamma" {
    does gamma
}

@test "remove_transparency" {
    does remove_transparency
}

@test "threshold" {
    does threshold
}

@test "denoise" {
    does denoise
}

@test "opacity" {
    does opacity
}

@test "remove_background by a network, where the ground is not even" {
    # It takes what is bright for what is in front: that is how its weights are made.
    "$PYTHON" "$BATS_TEST_DIRNAME/make_models.py" "$ROOT/tests/vectors/u2net.model.safetensors" front
    "$PYTHON" - <<'END'
import numpy as np
from PIL import Image
y, x = np.mgrid[:120, :160]
disc = np.hypot(x - 90, y - 50) < 35
squares = (x // 20 + y // 20) % 2 * 100
rgb = np.dstack([squares, 100 - squares, x // 2])
rgb[disc] = (250, 240, 245)
Image.fromarray(rgb.astype(np.uint8)).save("a.png")
END
    fails 65 '--ops\[0] (remove_background): only * of the picture'"'"'s border have one colour, *; a network for that is given by --model' \
        transform a.png out.png --ops '[{"type": "remove_background"}]'
    run_here "$FOVEA" transform a.png out.png --ops '[{"type": "remove_background"}]' \
        --model front.safetensors
    expect_status 0
    "$PYTHON" - <<'END'
import numpy as np
from PIL import Image
a, out = np.array(Image.open("a.png")), np.array(Image.open("out.png"))
y, x = np.mgrid[:120, :160]
far = np.hypot(x - 90, y - 50)
assert out.shape == (120, 160, 4) and (out[..., :3] == a)[out[..., 3] == 255].all()
assert (out[far < 30][:, 3] > 250).mean() > 0.98, out[far < 30][:, 3].min()
assert (out[far > 45][:, 3] < 5).mean() > 0.98, out[far > 45][:, 3].max()
END
    fails 69 '*photo-x2.safetensors: is no U^2-Net, *' transform a.png no.png --ops '[]' \
        --model "$MODELS/photo-x2.safetensors"
}

@test "remove_background" {
    does remove_background
}

@test "resolution" {
    does resolution
}

@test "convert" {
    does convert
}

@test "compress_to_size" {
    does compress_to_size
}

@test "every operation is checked" {
    "$PYTHON" "$BATS_TEST_DIRNAME/check_operations.py" "$FOVEA" --list | sort >listed
    grep -o '^OP([a-z_]*' "$ROOT/src/image/ops.def" | cut -c4- | sort >known
    diff known listed
    while read -r name; do
        grep -q "does $name\$" "$BATS_TEST_FILENAME" || wrong "no test runs $name"
    done <known
}

# ---- recipes ---------------------------------------------------------------------------------

refuses() { # STATUS PATTERN JSON
    fails "$1" "$2" transform photo.png out.png --ops "$3"
}

@test "what is no recipe" {
    take photo.png
    refuses 2 '--ops: is not JSON: line 1, column*' '[{"type": "flip"}'
    refuses 2 '--ops: is not JSON*' ''
    refuses 2 '--ops: is not JSON*duplicate*' '[{"type": "blur", "sigma": 1, "sigma": 2}]'
    refuses 2 '--ops: is not an array of operations' '{"type": "flip"}'
    refuses 2 '--ops\[0]: is not an object with a "type"' '["flip"]'
    refuses 2 '--ops\[1]: is not an object with a "type"' '[{"type": "flip"}, {"tipe": "flop"}]'
    refuses 2 "--ops\[0]: there is no operation 'flips'; did you mean flip[?]" '[{"type": "flips"}]'
    refuses 2 "--ops\[0]: there is no operation 'beautify'" '[{"type": "beautify"}]'
    refuses 2 '--ops: has 31 operations, over the limit of 30' \
        "[$(printf '{"type": "flip"},%.0s' {1..30}){\"type\": \"flip\"}]"
    fails 2 'transform needs either --ops*' transform photo.png out.png
    fails 66 'none.json: cannot read it*' transform photo.png out.png --ops @none.json
}

@test "a field that is null is missing" {
    take photo.png
    "$FOVEA" transform photo.png null.png --ops \
        '[{"type": "resize", "width_in_px": 20, "height_in_px": 10, "fit": null, "position": null}]'
    "$FOVEA" transform photo.png none.png --ops \
        '[{"type": "resize", "width_in_px": 20, "height_in_px": 10}]'
    cmp null.png none.png
}

@test "what a field may not be" {
    take photo.png
    refuses 2 "--ops\[0] (resize): there is no field 'width'" \
        '[{"type": "resize", "width": 5, "height_in_px": 5}]'
    refuses 2 "--ops\[0] (blur): there is no field 'sigmaa'; did you mean sigma[?]" \
        '[{"type": "blur", "sigmaa": 5}]'
    refuses 2 '--ops\[0] (blur): sigma is missing; it is a number over 0, up to 1000' \
        '[{"type": "blur"}]'
    refuses 2 '--ops\[0] (blur): sigma is missing; it is a number over 0, up to 1000' \
        '[{"type": "blur", "sigma": null}]'
    refuses 2 '--ops\[0] (resize): fit is "covr"; it is one of cover, contain, fill, inside, outside' \
        '[{"type": "resize", "width_in_px": 5, "height_in_px": 5, "fit": "covr"}]'
    refuses 2 '--ops\[0] (threshold): is_grayscale is 1; it is true or false' \
        '[{"type": "threshold", "value": 5, "is_grayscale": 1}]'
    refuses 65 '--ops\[0] (tint): hex_color is "#12345"; it is a colour like "#FF8000"' \
        '[{"type": "tint", "hex_color": "#12345"}]'
    for value in 0 101 1.5 '"90"' '[1]'; do
        refuses 2 '--ops\[1] (convert): quality is *; it is a whole number from 1 to 100' \
            '[{"type": "flip"}, {"type": "convert", "format": "jpeg", "quality": '"$value"'}]'
    done
    for value in 1 5 '"2.5"' '"x"' 2.5; do
        refuses 2 '--ops\[0] (upscale): factor is *; it is a whole number from 2 to 4' \
            '[{"type": "upscale", "factor": '"$value"'}]'
    done
}

@test "the ends of every range are taken" {
    take photo.png
    "$PYTHON" - "$ROOT/tools" <<'END' >recipes
import json, sys
sys.path.insert(0, sys.argv[1])
import ops_table
for op in ops_table.read():
    for i in range(2):
        fields = {"type": op.name}
        for f in op.fields:
            ends = f.ends()
            fields[f.name] = ends[i % len(ends)]
        print(json.dumps([fields]))
END
    while read -r recipe; do
        status=0
        "$FOVEA" transform photo.png result --dry-run --ops "$recipe" >out 2>err || status=$?
        case $status in
        0) ;;
        65 | 69) ! grep -q '; it is' err || wrong "$recipe: $(cat err)" ;; # the picture's or a dial's fault
        *) wrong "$recipe: status $status: $(cat err)" ;;
        esac
    done <recipes
    [ "$(wc -l <recipes)" -ge 40 ]
}

# ---- chains ----------------------------------------------------------------------------------

@test "a result beyond the limit is refused before anything is computed" {
    take photo.png
    refuses 65 '--ops\[0] (resize): a result of 40000x40000 is 1600 megapixels, over the limit of 1074*' \
        '[{"type": "resize", "width_in_px": 40000, "height_in_px": 40000}]'
    refuses 65 '--ops\[0] (extend): a result of 1000148x1000140 is*' '[{"type": "extend",
        "left_in_px": 100, "right_in_px": 1000000, "top_in_px": 100, "bottom_in_px": 1000000,
        "hex_color": "#000000"}]'
    local up='{"type": "upscale", "factor": 4}'
    refuses 65 '--ops\[4] (upscale): a result of *' "[$up, $up, $up, $up, $up, $up, $up]"
}

@test "no operation is a copy" {
    take photo.png
    run_here "$FOVEA" transform photo.png out.png --ops '[]'
    expect_status 0
    look near photo.png out.png 99
}

@test "random chains do what --dry-run says" {
    take photo.png rgba16.png
    "$PYTHON" "$BATS_TEST_DIRNAME/random_chains.py" "$FOVEA" 40 photo.png rgba16.png
}

@test "each format becomes each other: pixels, looks, profile, EXIF" {
    local formats='png jpg webp tiff avif heic jxl'
    take tagged.jpg profile.icc
    for from in $formats; do # the first generation, from one picture
        "$FOVEA" transform tagged.jpg "a.$from" --ops '[]' --quality 95 2>err ||
            "$FOVEA" transform tagged.jpg "a.$from" --ops '[]' # lossless: it has none
    done
    "$FOVEA" transform tagged.jpg want.png --ops '[]'
    for from in $formats; do
        for to in $formats; do
            "$FOVEA" transform "a.$from" "$from.$to" --ops '[]'
            "$FOVEA" transform "$from.$to" "$from-$to.png" --ops '[]'
            look near want.png "$from-$to.png" 32
            look alike want.png "$from-$to.png" 0.96
            # libjxl keeps what a profile means, and not its bytes
            [ "$from" = jxl ] || [ "$to" = jxl ] || look profile "$from-$to.png" profile.icc
            case $from$to in
            *tiff* | *jxl*) ;; # libvips writes them no EXIF, and the program says so
            *) look exif "$from-$to.png" 0x8298 'nobody at all' ;;
            esac
        done
    done
    for to in gif bmp; do
        fails 2 '*' transform a.png "b.$to" --ops '[]' --lossless
    done
    "$FOVEA" transform a.png a.gif --ops '[]'
    "$FOVEA" transform a.gif from-gif.png --ops '[]'
    look near want.png from-gif.png 26
    look alike want.png from-gif.png 0.9
    run_here "$FOVEA" transform tagged.jpg b.tiff --ops '[]'
    grep -qx 'fovea: warning: b.tiff: EXIF is not kept, libvips writes none to TIFF' "$PRINTED/err"
}

@test "a recipe in a file, and pipes at both ends" {
    take photo.png
    echo '[{"type": "flop"}, {"type": "flip"}]' >r.json
    "$FOVEA" transform - - --ops @r.json <photo.png >turned.png
    "$FOVEA" transform photo.png - --ops '[{"type": "rotate", "angle_in_degrees": 180}]' >want.png
    cmp want.png turned.png
    "$FOVEA" transform photo.png - --ops '[{"type": "convert", "format": "webp"}]' |
        "$FOVEA" transform - out.jpg --ops '[]'
    [ -s out.jpg ]
}

@test "--dry-run prints the size and writes nothing" {
    take photo.png
    run_here "$FOVEA" transform photo.png out.jpg --dry-run --ops '[{"type": "upscale", "factor": 4}]'
    expect_status 0
    [ "$(cat "$PRINTED/out")" = "photo.png: 48x40 to 192x160 JPEG" ]
    run_here "$FOVEA" transform photo.png out.jpg --dry-run --json --ops '[{"type": "trim"}]'
    grep -q '"size_is_exact": false' "$PRINTED/out"
    [ ! -e out.jpg ]
}

@test "help explains operations" {
    run_here "$FOVEA" help operations
    expect_status 0
    [ "$(grep -c '^  [a-z_]* ' "$PRINTED/out")" = "$(grep -c '^OP(' "$ROOT/src/image/ops.def")" ]
    run_here "$FOVEA" help extend
    expect_status 0
    grep -q 'hex_color' "$PRINTED/out"
}

@test "the page of operations is that of the table" {
    "$PYTHON" "$ROOT/tools/make_operations.py" | diff - "$ROOT/docs/operations.md"
    "$PYTHON" "$ROOT/tools/make_operations.py" --schema | diff - "$ROOT/docs/api/operations.schema.json"
    "$PYTHON" "$ROOT/tools/make_openapi.py" --check
}

@test "an animation within a size stays one, of smaller frames, and the size that is told is true" {
    take many.gif
    for suffix in gif webp; do
        run_here "$FOVEA" transform many.gif "out.$suffix" --json \
            --ops '[{"type": "compress_to_size", "max_file_size_in_bytes": 20000}]'
        expect_status 0
        [ "$(stat -c %s "out.$suffix")" -le 20000 ]
        "$PYTHON" - "out.$suffix" "$PRINTED/out" <<'PY'
import json, sys
from PIL import Image
image, told = Image.open(sys.argv[1]), json.load(open(sys.argv[2]))
assert image.n_frames == 8, image.n_frames
assert image.size == (told["width_px"], told["height_px"]) and told["size_is_exact"], told
assert abs(image.width / image.height - 240 / 200) < 0.1, image.size
PY
    done
}

@test "auto_contrast does not look at what is wholly transparent" {
    "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
ramp = np.tile(np.linspace(90, 150, 64).astype(np.uint8), (64, 1))
plain = np.dstack([ramp] * 3)
seen = np.dstack([plain, np.full((64, 64), 255, np.uint8)])
Image.fromarray(plain).save("plain.png")
Image.fromarray(np.hstack([seen, np.zeros((64, 64, 4), np.uint8)])).save("half.png")
Image.fromarray(np.zeros((8, 8, 4), np.uint8)).save("clear.png")
PY
    for name in plain half clear; do
        "$FOVEA" transform "$name.png" "$name-out.png" --ops '[{"type": "auto_contrast"}]'
    done
    "$PYTHON" - <<'PY'
import numpy as np
from PIL import Image
plain, half = (np.asarray(Image.open(f"{n}-out.png").convert("RGB"), int) for n in ("plain", "half"))
assert np.abs(plain - half[:, :64]).max() <= 1, np.abs(plain - half[:, :64]).max()
assert plain.min() < 10 and plain.max() > 245
PY
}

@test "the quality of a convert before an upscale is not that of the result" {
    take photo.png
    "$FOVEA" transform photo.png plain.jpg --ops '[{"type": "upscale", "factor": 2}]'
    "$FOVEA" transform photo.png after.jpg --ops \
        '[{"type": "convert", "format": "webp", "quality": 5}, {"type": "upscale", "factor": 2}]'
    cmp plain.jpg after.jpg
}
