#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# eval.bats -- fovea eval: its figures are those of the field, computed a second time.

load helpers

setup_file() {
    make_once set-a.png set-b.png set-c.jpg set-grey.png tiny.png photo.png cut.png
    mkdir "$BATS_FILE_TMPDIR/set"
    mv "$BATS_FILE_TMPDIR"/set-* "$BATS_FILE_TMPDIR/set"
    echo 'not a picture' >"$BATS_FILE_TMPDIR/set/notes.txt"
}

# The figures of --json in $PRINTED/out against those of reference_eval.py in the file $1.
agree() { # FILE
    "$PYTHON" - "$PRINTED/out" "$1" <<'EOF'
import json, os, sys
rows = {row["picture"]: row for row in json.load(open(sys.argv[1], encoding="utf-8"))}
lines = open(sys.argv[2], encoding="utf-8").read().split("\n")[:-1]
assert len(lines) == 4 and len(rows) == 5, (lines, rows)
for line in lines:
    path, psnr, ssim = line.split()
    got = rows[os.path.basename(path)]["bicubic"]
    assert abs(got["psnr_y_db"] - float(psnr)) < 0.01, (line, got)
    assert abs(got["ssim_y"] - float(ssim)) < 0.0005, (line, got)
EOF
}

@test "bicubic's PSNR and SSIM are those of an independent implementation" {
    take set
    for scale in 2 3 4; do
        run_here "$FOVEA" eval --set set --scale "$scale" --json
        expect_status 0
        expect_quiet
        expect_untouched
        "$PYTHON" "$BATS_TEST_DIRNAME/reference_eval.py" "$scale" set/*.png set/*.jpg >figures
        agree figures
    done
}

@test "the model's figures are those of what upscale makes" {
    take set
    run_here "$FOVEA" eval --set set --scale 2 --json
    expect_status 0
    "$PYTHON" "$BATS_TEST_DIRNAME/reference_eval.py" --shrink 2 set/set-a.png small.png
    cp "$PRINTED/out" scores.json
    enlarges small.png large.png --factor 2 --detail 0
    enlarges small.png lanczos.png --factor 2 --method lanczos
    "$PYTHON" "$BATS_TEST_DIRNAME/reference_eval.py" --score 2 set/set-a.png \
        large.png lanczos.png >figures
    "$PYTHON" - scores.json figures <<'EOF'
import json, sys
row = json.load(open(sys.argv[1], encoding="utf-8"))[0]
lines = open(sys.argv[2], encoding="utf-8").read().split("\n")[:-1]
assert row["picture"] == "set-a.png" and len(lines) == 2, (row, lines)
for system, line in zip(("model", "lanczos"), lines):
    psnr, ssim = map(float, line.split()[1:])
    assert abs(row[system]["psnr_y_db"] - psnr) < 0.03, (system, line, row)
    assert abs(row[system]["ssim_y"] - ssim) < 0.001, (system, line, row)
EOF
}

@test "--jpeg: the same of what a JPEG leaves" {
    take set
    run_here "$FOVEA" eval --set set --scale 2 --jpeg 60 --json
    expect_status 0
    "$PYTHON" "$BATS_TEST_DIRNAME/reference_eval.py" --shrink 2 set/set-a.png small.png
    "$PYTHON" -c 'from PIL import Image; Image.open("small.png").save("small.jpg", quality=60)'
    "$FOVEA" upscale small.jpg large.png --factor 2 --method bicubic
    "$PYTHON" "$BATS_TEST_DIRNAME/reference_eval.py" --score 2 set/set-a.png large.png >figures
    "$PYTHON" - "$PRINTED/out" figures <<'EOF'
import json, sys
row = next(r for r in json.load(open(sys.argv[1])) if r["picture"] == "set-a.png")
psnr, ssim = map(float, open(sys.argv[2]).read().split()[-2:])
assert abs(row["bicubic"]["psnr_y_db"] - psnr) < 0.01, (row, psnr)
assert abs(row["bicubic"]["ssim_y"] - ssim) < 0.0005, (row, ssim)
EOF
}

@test "the networks restore photographs better than bicubic does" {
    take set
    rm set/set-grey.png
    for scale in 2 3 4; do
        run_here "$FOVEA" eval --set set --scale "$scale" --json
        expect_status 0
        "$PYTHON" - "$PRINTED/out" <<'EOF'
import json, sys
mean = json.load(open(sys.argv[1], encoding="utf-8"))[-1]
assert mean["model"]["psnr_y_db"] > mean["bicubic"]["psnr_y_db"] + 0.5, mean
assert mean["model"]["ssim_y"] > mean["bicubic"]["ssim_y"] + 0.005, mean
EOF
    done
}

@test "the table: a heading, a line a picture, the mean" {
    take set
    run_here "$FOVEA" eval --set set --scale 4
    expect_status 0
    expect_quiet
    [ "$(wc -l <"$PRINTED/out")" -eq 6 ]
    head -n 1 "$PRINTED/out" | grep -Eqx 'PSNR-Y dB, SSIM-Y +bicubic +lanczos +model *'
    local figures='( +[0-9]{2}\.[0-9]{3} [01]\.[0-9]{4}){3}'
    sed -n 2p "$PRINTED/out" | grep -Eqx "set-a.png$figures"
    sed -n 5p "$PRINTED/out" | grep -Eqx "set-grey.png$figures"
    sed -n 6p "$PRINTED/out" | grep -Eqx "mean of 4 x4$figures"
    cp "$PRINTED/out" given
    run_here "$FOVEA" eval --set set # 4 is the scale when none is given
    diff given "$PRINTED/out"
}

@test "the table and --json tell the same, and the mean is one" {
    take set
    run_here "$FOVEA" eval --set set --scale 3 --model photo-x3
    expect_status 0
    cp "$PRINTED/out" table
    run_here "$FOVEA" eval --set set --scale 3 --model photo-x3 --json
    expect_status 0
    "$PYTHON" - "$PRINTED/out" table <<'EOF'
import json, sys
rows = json.load(open(sys.argv[1], encoding="utf-8"))
systems = ("bicubic", "lanczos", "model")
for row, line in zip(rows, open(sys.argv[2], encoding="utf-8").read().split("\n")[1:]):
    assert set(row) == {"picture", *systems} and line.startswith(row["picture"]), row
    told = [f"{row[s]['psnr_y_db']:.3f} {row[s]['ssim_y']:.4f}" for s in systems]
    assert line.split()[-6:] == " ".join(told).split(), (row, line)
for system in systems:
    for figure in ("psnr_y_db", "ssim_y"):
        mean = sum(row[system][figure] for row in rows[:-1]) / len(rows[:-1])
        assert abs(mean - rows[-1][system][figure]) < 1e-4, (system, figure)
EOF
}

@test "a 4x network at scale 2" {
    take set
    run_here "$FOVEA" eval --set set --scale 2 --model photo-x4
    expect_status 0
    tail -n 1 "$PRINTED/out" | grep -q '^mean of 4 x2 '
}

@test "a 2x network at scale 4" {
    take set
    run_here "$FOVEA" eval --set set --scale 4 --model photo-x2
    expect_status 2
    expect_sentence 'set/*: this network enlarges 2 times; 4 was asked for'
}

@test "no --set" {
    fails 2 'eval needs --set DIR, a folder of originals' eval --scale 2
}

@test "a folder that is not there, empty, or without pictures" {
    mkdir empty
    fails 66 'missing: cannot list this folder' eval --set missing
    fails 66 'empty: holds no .png, .webp or .jpg files' eval --set empty
    echo 'not a picture' >empty/notes.txt
    fails 66 'empty: holds no .png, .webp or .jpg files' eval --set empty
}

@test "a damaged picture in the set is named, and there is no mean" {
    take set cut.png
    mv cut.png set/z.png
    run_here "$FOVEA" eval --set set --scale 2
    expect_status 65
    expect_sentence 'set/z.png: *'
    ! grep -q '^mean' "$PRINTED/out" || wrong 'there is a mean'
    run_here "$FOVEA" eval --set set --scale 2 --json
    expect_status 65
    "$PYTHON" -c 'import json, sys; assert json.load(sys.stdin)["exit_status"] == 65' \
        <"$PRINTED/out"
}

@test "a picture that is too small to compare is named" {
    take set tiny.png
    mv tiny.png set/z.png
    run_here "$FOVEA" eval --set set --scale 4
    expect_sentence 'set/z.png: *'
    [ "$status" -ne 0 ]
}

@test "a folder's name with a blank, and a slash at its end" {
    take set
    mv set 'my set'
    run_here "$FOVEA" eval --set 'my set/' --scale 4
    expect_status 0
    [ "$(wc -l <"$PRINTED/out")" -eq 6 ]
}
