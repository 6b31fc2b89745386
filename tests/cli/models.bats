#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# models.bats -- fovea models, and where networks are looked for.

load helpers

setup_file() {
    make_once photo.png
}

@test "the table lists what is installed, a line each" {
    run_here "$FOVEA" models
    expect_status 0
    expect_quiet
    [ "$(wc -l <"$PRINTED/out")" -eq 11 ]
    for n in 2 3 4; do
        sed -n "$((n + 7))p" "$PRINTED/out" |
            grep -Eqx "photo-x$n +${n}x +residual +0\.6[0-9] M +Apache-2\.0 +Enlarge .* $n times.*"
    done
}

@test "at each factor --denoise 0 is the clean network" {
    take photo.png
    for n in 2 3 4; do
        "$FOVEA" upscale photo.png "dial$n.png" --factor "$n" --denoise 0 --detail 0
        "$FOVEA" upscale photo.png "clean$n.png" --factor "$n" --model "clean-x$n"
        "$FOVEA" upscale photo.png "photo$n.png" --factor "$n" --detail 0
        cmp "dial$n.png" "clean$n.png"
        not cmp -s "dial$n.png" "photo$n.png"
    done
}

@test "--json has every field" {
    run_here "$FOVEA" models --json
    expect_status 0
    expect_quiet
    "$PYTHON" - "$PRINTED/out" <<'EOF'
import json, sys
got = json.load(open(sys.argv[1], encoding="utf-8"))
names = [f"{kind}-x{n}" for kind in ("clean", "photo-detailed", "photo") for n in (2, 3, 4)]
assert [m["name"] for m in got] == ["clean-detailed-x3", "clean-detailed-x4", *names], got
sizes = {2: 637004, 3: 645659, 4: 657776}
for model in got:
    scale = int(model["name"][-1])
    parameters = sizes[scale]
    assert set(model) == {"name", "architecture", "scale", "channels", "convolutions",
                          "parameters", "multiply_adds_per_pixel", "receptive_radius_px",
                          "license", "purpose"}, model
    assert model["scale"] == scale and model["parameters"] == parameters, model
    assert model["architecture"] == "residual" and model["channels"] > 3, model
    assert model["license"] == "Apache-2.0" and model["purpose"].startswith("Enlarge"), model
    assert 0 < model["receptive_radius_px"] <= model["convolutions"], model
    assert 600000 < model["multiply_adds_per_pixel"] < model["parameters"], model
EOF
}

@test "the folder that FOVEA_MODELS names, and no other" {
    take photo.png
    mkdir mine
    cp "$MODELS/photo-x2.safetensors" mine/house.safetensors
    touch mine/readme.txt mine/.safetensors
    FOVEA_MODELS=mine run_here "$FOVEA" models
    expect_status 0
    [ "$(wc -l <"$PRINTED/out")" -eq 1 ]
    grep -q '^house  *2x ' "$PRINTED/out"
    FOVEA_MODELS=mine enlarges photo.png out.png --factor 2 --model house
    FOVEA_MODELS=mine fails 69 "no network is called 'photo'; there are: house" \
        upscale photo.png other.png --factor 2
}

@test "a name that is not there: the sentence has twenty that are, of ninety those that fit" {
    local sentence="no network is called 'photo'; there are: network-01, *"
    mkdir mine
    touch mine/network-{01..20}.safetensors
    FOVEA_MODELS=mine fails 69 "$sentence, network-20" models check photo
    touch mine/network-{21..90}.safetensors
    FOVEA_MODELS=mine fails 69 "$sentence, network-4[0-9], ..." models check photo
}

@test "an empty FOVEA_MODELS is none" {
    FOVEA_MODELS='' run_here "$FOVEA" models
    expect_status 0
    [ "$(wc -l <"$PRINTED/out")" -eq 11 ]
}

@test "names are in the order of their numbers" {
    mkdir mine
    for name in a-x10 a-x2 b a-x1; do
        ln -s "$MODELS/photo-x2.safetensors" "mine/$name.safetensors"
    done
    FOVEA_MODELS=mine run_here "$FOVEA" models
    expect_status 0
    [ "$(cut -d' ' -f1 "$PRINTED/out" | tr '\n' ' ')" = 'a-x1 a-x2 a-x10 b ' ]
}

@test "a broken file is named, the others are listed, and the status is 69" {
    mkdir mine
    cp "$MODELS"/*.safetensors mine
    (cd mine && make_model cut && mv cut.safetensors photo-x2.5.safetensors)
    FOVEA_MODELS=mine run_here "$FOVEA" models
    expect_status 69
    expect_sentence 'mine/photo-x2.5.safetensors: tensor * the file is truncated or damaged'
    cut -d' ' -f1 "$PRINTED/out" >listed
    (cd "$MODELS" && LC_ALL=C ls ./*.safetensors) | sed 's:./\(.*\).safetensors:\1:' | diff - listed
}

@test "every broken file is named" {
    mkdir mine
    cp "$MODELS/photo-x2.safetensors" mine
    (cd mine && make_model noise tiny)
    FOVEA_MODELS=mine run_here "$FOVEA" models
    expect_status 69
    grep -q '^fovea: mine/noise.safetensors: ' "$PRINTED/err" || wrong 'noise is not named'
    grep -q '^fovea: mine/tiny.safetensors: ' "$PRINTED/err" || wrong 'tiny is not named'
    grep -q '^photo-x2 ' "$PRINTED/out"
}

@test "with a broken file, --json is still one JSON value" {
    mkdir mine
    cp "$MODELS/photo-x2.safetensors" mine
    (cd mine && make_model noise)
    FOVEA_MODELS=mine run_here "$FOVEA" models --json
    expect_status 69
    expect_sentence 'mine/noise.safetensors: *'
    "$PYTHON" -c 'import json, sys; json.load(sys.stdin)' <"$PRINTED/out"
}

@test "models are found from where the program lies" {
    take photo.png
    mkdir -p tree/bin tree/share/fovea
    cp "$FOVEA" tree/bin/fovea
    ln -s "$MODELS" tree/share/fovea/models
    run_here tree/bin/fovea upscale photo.png out.png --factor 2
    expect_status 0
    expect_quiet
    mkdir -p alone/bin
    mv tree/bin/fovea alone/bin/fovea
    run_here alone/bin/fovea models
    expect_status 69
    expect_sentence 'no networks are installed beside the program (FOVEA_MODELS *)'
    run_here alone/bin/fovea upscale photo.png other.png --method nearest
    expect_status 0
}

@test "a list that cannot be written is a failure" {
    for option in '' --json; do
        status=0
        # shellcheck disable=SC2086 # none or one
        "$FOVEA" models $option >/dev/full 2>"$PRINTED/err" || status=$?
        : >"$PRINTED/out"
        expect_status 73
        grep -q '^fovea: standard output: cannot write it$' "$PRINTED/err"
    done
}

@test "check tells what a network is and how exact its fast arithmetic is" {
    take photo.png
    mkdir set
    cp photo.png set/
    run_here "$FOVEA" models check photo --set set
    expect_status 0
    expect_quiet
    grep -q 'photo-x4\.safetensors$' "$PRINTED/out"
    grep -q '^  residual, 4 times, 657776 parameters$' "$PRINTED/out"
    grep -q '^  656064 multiply-adds for each pixel of the input, which reaches 19 px around it$' \
        "$PRINTED/out"
    grep -Eq '^    1     3x3    3 -> 64    float32 ' "$PRINTED/out"
    grep -Eq '^    2-18  3x3   64 -> 64    int16 Winograd +error 0\.[0-2][0-9]{2} %$' "$PRINTED/out"
    grep -Eq '^  made of waves and edges +([6-9][0-9]|1[0-9][0-9])\.[0-9] dB$' "$PRINTED/out"
    grep -Eq '^  photo\.png +([6-9][0-9]|1[0-9][0-9])\.[0-9] dB$' "$PRINTED/out"
}

@test "check --json has every field" {
    run_here "$FOVEA" models check photo-x2 --json
    expect_status 0
    expect_quiet
    "$PYTHON" - "$PRINTED/out" <<'EOF'
import json, sys
got = json.load(open(sys.argv[1], encoding="utf-8"))
assert set(got) == {"file", "architecture", "scale", "parameters", "multiply_adds_per_pixel",
                    "receptive_radius_px", "layers", "fast_against_exact"}, got
assert got["scale"] == 2 and got["receptive_radius_px"] == 19, got
layers = got["layers"]
assert [(l["first"], l["last"]) for l in layers] == [(1, 1), (2, 18), (19, 19)], layers
assert [(l["in"], l["out"], l["taps"]) for l in layers] == [(3, 64, 3), (64, 64, 3), (64, 12, 3)]
assert [l["arithmetic"] for l in layers] == ["float32", "int16 Winograd", "int16 Winograd"]
assert all(0 < l["error"] < 0.01 for l in layers), layers
(picture,) = got["fast_against_exact"]
assert 55 < picture["psnr_db"] < 200, picture
EOF
}

@test "check fails on what is none, and takes nothing else" {
    fails 2 "models takes nothing, or: check FILE" models chek photo
    fails 2 "models takes nothing, or: check FILE" models check
    fails 69 "no network is called 'nothing'; *" models check nothing
    mkdir empty
    fails 66 "empty: holds no .png, .webp or .jpg files" models check photo-x2 --set empty
}
