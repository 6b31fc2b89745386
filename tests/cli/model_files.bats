#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# model_files.bats -- one network in every format gives one picture.
#
# The files are made by tests/vectors/make_formats.py from the .safetensors files beside them, small
# networks for 2x and 4x; the .pth files were written by PyTorch.

load helpers

VECTORS=$ROOT/tests/vectors

setup_file() {
    make_once photo.png a20x10.png
}

# The picture that the small network makes from its .safetensors file.
make_expected() {
    take photo.png
    enlarges photo.png expected.png --factor 2 --model "$VECTORS/compact.model.safetensors"
}

@test "PyTorch's files, of today and before 1.6" {
    make_expected
    for form in zip legacy; do
        enlarges photo.png "$form.png" --factor 2 --model "$VECTORS/compact.$form.pth"
        cmp expected.png "$form.png"
    done
}

@test "ncnn's pair of files, by either of them" {
    make_expected
    for half in param bin; do
        enlarges photo.png "$half.png" --factor 2 --model "$VECTORS/compact.ncnn.$half"
        cmp expected.png "$half.png"
    done
}

@test "ncnn's RRDBNet, optimised and plain" {
    take a20x10.png
    cp "$VECTORS/rrdbnet-plain.ncnn.param" plain.param
    cp "$VECTORS/rrdbnet.ncnn.bin" plain.bin
    enlarges a20x10.png expected.png --model "$VECTORS/rrdbnet.model.safetensors"
    enlarges a20x10.png tuned.png --model "$VECTORS/rrdbnet.ncnn.param"
    enlarges a20x10.png plain.png --model plain.param
    cmp expected.png tuned.png
    cmp expected.png plain.png
}

@test "ncnn's network with a last layer that shrinks the result: it is left out" {
    make_expected
    cp "$VECTORS/compact-shrunk.ncnn.param" small.param
    cp "$VECTORS/compact.ncnn.bin" small.bin
    enlarges photo.png small.png --factor 2 --model small.param
    cmp expected.png small.png
}

@test "a file here is found without a slash, whatever its format" {
    make_expected
    cp "$VECTORS/compact.zip.pth" net.pth
    cp "$VECTORS/compact.legacy.pth" net.pt
    cp "$VECTORS/compact.legacy.pth" net.ckpt
    cp "$VECTORS/compact.ncnn.param" pair.param
    cp "$VECTORS/compact.ncnn.bin" pair.bin
    for name in net.pth net.pt net.ckpt pair.param pair.bin; do
        enlarges photo.png "$name.png" --factor 2 --model "$name"
        cmp expected.png "$name.png"
    done
    fails 69 "no network is called 'other.pth'; there are: *" \
        upscale photo.png out.png --model other.pth
    cp net.pth net.txt
    fails 69 "no network is called 'net.txt'; there are: *" \
        upscale photo.png out.png --model net.txt
}

@test "the content of a file decides, not its name" {
    make_expected
    cp "$VECTORS/compact.zip.pth" net.safetensors
    cp "$VECTORS/compact.legacy.pth" net.bin
    cp "$VECTORS/compact.model.safetensors" net.pth
    for name in net.safetensors net.bin net.pth; do
        enlarges photo.png "$name.png" --factor 2 --model "$name"
        cmp expected.png "$name.png"
    done
}

@test "half a pair: the other half is named" {
    take photo.png
    cp "$VECTORS/compact.ncnn.param" lone.param
    cp "$VECTORS/compact.ncnn.bin" single.bin
    fails 69 './lone.param: one of a pair of files of ncnn; the other: ./lone.bin: cannot open *' \
        upscale photo.png out.png --model ./lone.param
    fails 69 'single.bin: one of a pair of files of ncnn; the other: single.param: cannot open *' \
        upscale photo.png out.png --model single.bin
    mv lone.param lone.txt
    fails 69 './lone.txt: an ncnn network is a pair of files, NAME.param and NAME.bin' \
        upscale photo.png out.png --model ./lone.txt
    printf 'no graph at all' >single.param
    fails 69 'single.bin: not a .param file of ncnn: line 1 *' \
        upscale photo.png out.png --model single.bin
}

@test "a pickle that would run a command is refused, and runs none" {
    take photo.png
    "$PYTHON" - <<'END'
import os, pickle, zipfile
class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)
for protocol in (2, 4):
    with zipfile.ZipFile(f"evil{protocol}.pth", "w") as z:
        z.writestr("evil/data.pkl", pickle.dumps({"params": Evil()}, protocol))
END
    for protocol in 2 4; do
        fails 69 "evil$protocol.pth: asks for posix.system, which a network has no need of; *" \
            upscale photo.png out.png --model "evil$protocol.pth"
    done
    [ ! -e pwned ]
}

@test "what is wrong with a file is said in one sentence" {
    take photo.png
    head -c 30000 "$VECTORS/compact.zip.pth" >cut.pth
    head -c 30000 "$VECTORS/compact.legacy.pth" >old.pth
    cp "$VECTORS/compact.ncnn.param" cut.param
    head -c 30000 "$VECTORS/compact.ncnn.bin" >cut.bin
    cp photo.png picture.pth
    printf tiny >tiny.pth
    fails 69 'cut.pth: a zip file that does not end with its directory: it is truncated or damaged' \
        upscale photo.png out.png --model cut.pth
    fails 69 'old.pth: ends before its last tensor does: the file is truncated or damaged' \
        upscale photo.png out.png --model old.pth
    fails 69 'cut.param: its .bin file ends before the last layer does: it is truncated or damaged' \
        upscale photo.png out.png --model cut.param
    fails 69 'picture.pth: not a model file that is known here: .safetensors, .pth of PyTorch, *' \
        upscale photo.png out.png --model picture.pth
    fails 69 'tiny.pth: not a model file: too short' upscale photo.png out.png --model tiny.pth
}

# Other networks of compact's shape: OTHER.safetensors with other numbers, and QUARTER.safetensors,
# a quarter of those and three of compact's.
make_mixed() {
    "$PYTHON" - "$ROOT/tools" "$VECTORS/compact.model.safetensors" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import safetensors_io as st
tensors, metadata = st.load(sys.argv[2])
chance = np.random.default_rng(1)
a = {k: st.numpy(t).astype(np.float32) for k, t in tensors.items()}
b = {k: (v * chance.uniform(0.5, 1.5, v.shape)).astype(np.float32) for k, v in a.items()}
mixed = {k: np.float32(0.75) * a[k] + np.float32(0.25) * b[k] for k in a}
for name, numbers in (("other", b), ("quarter", mixed)):
    st.save(name + ".safetensors", {k: st.raw(v, "F32") for k, v in numbers.items()}, metadata)
END
}

@test "a mix is the network with the mixed weights" {
    take photo.png
    make_mixed
    local a=$VECTORS/compact.model.safetensors
    enlarges photo.png want.png --factor 2 --model quarter.safetensors
    enlarges photo.png mixed.png --factor 2 --model "$a" --mix other.safetensors=0.25
    cmp want.png mixed.png
    enlarges photo.png first.png --factor 2 --model "$a"
    enlarges photo.png none.png --factor 2 --model "$a" --mix other.safetensors=0
    cmp first.png none.png
    enlarges photo.png other.png --factor 2 --model other.safetensors
    enlarges photo.png all.png --factor 2 --model "$a" --mix other.safetensors=1
    cmp other.png all.png
    if cmp -s first.png other.png; then return 1; fi
}

@test "what cannot be mixed is refused" {
    take photo.png
    local a=$VECTORS/compact.model.safetensors
    for share in 1.5 -0.1 nan half ''; do
        fails 2 "*a network and its share of 0 to 1*" upscale photo.png out.png --mix "photo=$share"
    done
    fails 2 "*a network and its share*" upscale photo.png out.png --mix photo
    fails 2 "*goes with --method ai*" upscale photo.png out.png --method lanczos --mix photo=0.5
    fails 69 "*cannot be mixed with*" upscale photo.png out.png --model "$a" --mix photo=0.5
    fails 69 "no network is called 'nothing'*" upscale photo.png out.png --mix nothing=0.5
}

# base, whose metadata name far and raw as its partners and turn detail to a quarter; full, which has
# a partner for both dials at once, too; mixes of them in parts that float32 adds up exactly.
make_dialled() {
    "$PYTHON" - "$ROOT/tools" "$VECTORS/compact.model.safetensors" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
import safetensors_io as st
tensors, _ = st.load(sys.argv[2])
chance = np.random.default_rng(2)
base = {k: np.round(st.numpy(t).astype(np.float32) * 64) / 64 for k, t in tensors.items()}
far, raw, both = ({k: np.round(v * chance.uniform(0.5, 1.5, v.shape) * 64).astype(np.float32) / 64
                   for k, v in base.items()} for _ in range(3))
def save(name, f, b, r, x=0, **more):
    mixed = {k: (f * far[k] + b * base[k] + r * raw[k] + x * both[k]).astype(np.float32)
             for k in base}
    st.save(name + ".safetensors", {k: st.raw(v, "F32") for k, v in mixed.items()}, more)
save("base", 0, 1, 0, detailed="far", clean="raw", detail="0.25")
save("alone", 0, 1, 0)
save("away", 0, 1, 0, detailed="../far", clean="", detail="0.25")
save("far", 1, 0, 0)
save("raw", 0, 0, 1)
save("quarter", 0.25, 0.75, 0)
save("three", 0.5, 0, 0.5)
save("drawn", 0.5, -0.5, 1)
save("full", 0, 1, 0, detailed="far", clean="raw", clean_detailed="both", detail="0.25")
save("both", 0, 0, 0, 1)
save("four", 0.125, 0.125, 0.375, 0.375)
save("clean", 0, 0, 0.75, 0.25)
END
}

# same_as NETWORK OPTION...: what base, or $dialled, gives with the options is what NETWORK gives.
same_as() {
    enlarges photo.png want.png --factor 2 --force --model "$1.safetensors" --detail 0
    shift
    enlarges photo.png got.png --factor 2 --force --model "${dialled:-base}.safetensors" "$@"
    cmp want.png got.png
}

@test "dials turn a network towards the partners that it names" {
    take photo.png
    make_dialled
    same_as alone --detail 0
    same_as far --detail 1
    same_as raw --denoise 0 --detail 0
    same_as quarter
    same_as quarter --detail 0.25 --denoise 1
    same_as three --detail 0.5 --denoise 0.5
    same_as drawn --detail 0.5 --denoise 0
    local dialled=full
    same_as quarter
    same_as both --detail 1 --denoise 0
    same_as clean --denoise 0
    same_as four --detail 0.5 --denoise 0.25
    run_here "$FOVEA" upscale photo.png j.png --factor 2 --model base.safetensors --denoise 0.5 --json
    [ "$("$PYTHON" -c 'import json, sys; d = json.load(sys.stdin)["dials"]; print(d)' \
        <"$PRINTED/out")" = "{'detail': 0.25, 'denoise': 0.5}" ]
}

@test "the dial for noise stands at the clean partner for clean pictures, when that is there" {
    make clean.png
    mv clean.png photo.png
    make_dialled
    same_as drawn --detail 0.5
    dialled=full same_as clean
    same_as quarter --denoise 1
    rm both.safetensors
    dialled=full same_as quarter
    rm raw.safetensors
    same_as quarter
    dialled=away same_as alone
    fails 69 "*raw.safetensors is not there*" upscale photo.png out.png --model base.safetensors \
        --denoise 0
}

@test "without its partner a network is faithful, and says so when asked for more" {
    take photo.png
    make_dialled
    rm far.safetensors raw.safetensors
    same_as alone
    fails 69 "*far.safetensors is not there*" upscale photo.png out.png --model base.safetensors \
        --detail 0.1
    fails 69 "*it names no clean partner*" upscale photo.png out.png --model alone.safetensors \
        --denoise 0.9
    enlarges photo.png away.png --factor 2 --model away.safetensors
    cmp got.png away.png
    fails 69 "*'../far', which is no name*" upscale photo.png out.png --model away.safetensors \
        --detail 1
    fails 69 "*'', which is no name*" upscale photo.png out.png --model away.safetensors --denoise 0 \
        --detail 0
    for dial in -0.1 1.5 nan 0x1 '' 1,5; do
        fails 2 "*--detail $dial: it is a number from 0 to 1*" upscale photo.png out.png \
            "--detail=$dial"
    done
    fails 2 "*--mix takes the place of*" upscale photo.png out.png --denoise 0 --mix clean=1
    fails 2 "*--denoise goes with --method ai*" upscale photo.png out.png --denoise 0 \
        --method bicubic
}

@test "a score is that of the faithful end unless asked otherwise" {
    mkdir set
    make photo.png
    mv photo.png set
    make_dialled
    score() { "$FOVEA" eval --set set --scale 2 --model "$@"; }
    [ "$(score base.safetensors)" = "$(score alone.safetensors)" ]
    [ "$(score base.safetensors --detail 1)" = "$(score far.safetensors)" ]
    [ "$(score base.safetensors)" != "$(score far.safetensors)" ]
}
