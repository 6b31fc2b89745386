#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# usage.bats -- the command line: help, and one sentence and status 2 for each way to get it wrong.

load helpers

setup_file() {
    make_once photo.png
}

# What src/cli/options.def says: the words "command COMMAND" and "option COMMAND NAME [VALUE]".
table() {
    "$PYTHON" - "$ROOT/src/cli/options.def" <<'EOF'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
option = r'^OPTION\((\w+), \w+, ("[^"]*"|NULL),[^,]+,[^,]+,([A-Z_| \n]+),'
for name in re.findall(r"^COMMAND\((\w+),", text, re.M):
    print("command", name)
for name, value, commands in re.findall(option, text, re.M):
    for command in commands.split("|"):
        value_name = "" if value == "NULL" else " " + value.strip('"')
        print("option", command.strip().lower(), "--" + name.replace("_", "-") + value_name)
EOF
}

prints() { # STATUS ARGUMENT...: words on standard output alone
    local expected=$1
    shift
    run_here "$FOVEA" "$@"
    expect_status "$expected"
    expect_quiet
    expect_untouched
}

# ---- help ------------------------------------------------------------------------------------

@test "without a word, fovea lists its commands and ends with 2" {
    run_here "$FOVEA"
    expect_status 2
    grep -q '^usage: fovea COMMAND' "$PRINTED/out" "$PRINTED/err"
}

@test "fovea help, --help and -h list every command of the table" {
    prints 0 help
    table | awk '$1 == "command" { print $2 }' >"$PRINTED/commands"
    [ "$(wc -l <"$PRINTED/commands")" -ge 4 ]
    while read -r command; do
        grep -q "^  $command " "$PRINTED/out" || wrong "$command is not listed"
    done <"$PRINTED/commands"
    cp "$PRINTED/out" "$PRINTED/help"
    prints 0 --help
    cmp "$PRINTED/out" "$PRINTED/help"
    prints 0 -h
    cmp "$PRINTED/out" "$PRINTED/help"
}

@test "fovea help COMMAND lists just the options that the table gives it" {
    table >"$PRINTED/table"
    [ "$(grep -c ^option "$PRINTED/table")" -ge 15 ]
    for command in $(awk '$1 == "command" { print $2 }' "$PRINTED/table"); do
        prints 0 help "$command"
        head -n 1 "$PRINTED/out" | grep -q "^usage: fovea $command "
        sed -n "s/^option $command //p" "$PRINTED/table" | sort >"$PRINTED/wanted"
        sed -n 's/^  \(--[a-z-]*\( [A-Z=]\+\)\?\) .*/\1/p' "$PRINTED/out" | sort >"$PRINTED/got"
        diff "$PRINTED/wanted" "$PRINTED/got"
    done
}

@test "each option's help is on its line, aligned" {
    prints 0 help upscale
    grep -Eqx '  --factor N {3,}enlarge 2, 3 or 4 times \(4\); 1: clean only; auto: as much as a size needs' "$PRINTED/out"
    grep -Eqx '  --max-pixels N +refuse a larger input \(268435456\)' "$PRINTED/out"
    starts=$(grep -- '^  --' "$PRINTED/out" | sed -E 's/^(  --[a-z-]+( [A-Z=]+)? +).*/\1/' |
        awk '{ print length($0) }' | sort -u)
    [ "$(wc -l <<<"$starts")" -eq 1 ] || wrong "the explanations begin in columns $starts"
}

@test "COMMAND --help is help COMMAND, whatever else stands there" {
    prints 0 help upscale
    cp "$PRINTED/out" "$PRINTED/help"
    prints 0 upscale --help
    cmp "$PRINTED/out" "$PRINTED/help"
    prints 0 upscale nothing.png --help out.png more
    cmp "$PRINTED/out" "$PRINTED/help"
}

@test "--version names the version, libvips, the CPU level and the cores" {
    prints 0 --version
    grep -Eqx 'fovea [0-9.]+ \(libvips [0-9.]+, [a-z0-9]+, [0-9]+ cores?\)' "$PRINTED/out"
}

@test "help that cannot be written is a failure: --version, --help, help" {
    for words in --version --help help 'help upscale' 'upscale --help'; do
        status=0
        # shellcheck disable=SC2086 # words
        "$FOVEA" $words >/dev/full 2>"$PRINTED/err" || status=$?
        : >"$PRINTED/out"
        [ "$status" -eq 73 ] || wrong "$words: expected status 73"
        expect_sentence 'standard output: cannot write it'
    done
}

# ---- commands and operands -------------------------------------------------------------------

@test "an unknown command" {
    fails 2 "there is no command 'enhance' (see \`fovea help\`)" enhance photo.png out.png
}

@test "a misspelt command gets a suggestion" {
    fails 2 "there is no command 'upscal'; did you mean upscale?" upscal photo.png out.png
    fails 2 "there is no command 'modles'; did you mean models?" modles
}

@test "help for an unknown command" {
    fails 2 "there is no command 'enhance' (see \`fovea help\`)" help enhance
}

@test "too few and too many operands" {
    take photo.png
    local usage="usage: fovea upscale IN OUT (see \`fovea help upscale\`)"
    fails 2 "$usage" upscale
    fails 2 "$usage" upscale photo.png
    fails 2 "$usage" upscale photo.png out.png third.png
    fails 2 "models takes nothing, or: check FILE" models photo-x4
    fails 2 "usage: fovea eval (see \`fovea help eval\`)" eval folder
    fails 2 "usage: fovea help \[WORD] (see \`fovea help help\`)" help upscale models
}

# ---- options ---------------------------------------------------------------------------------

@test "an unknown option, and one of another command" {
    take photo.png
    fails 2 "upscale has no option --brighten (see \`fovea help upscale\`)" \
        upscale photo.png out.png --brighten
    fails 2 "models has no option --factor (see \`fovea help models\`)" models --factor 2
}

@test "a misspelt option gets a suggestion" {
    take photo.png
    fails 2 'upscale has no option --facter; did you mean --factor?' \
        upscale photo.png out.png --facter 2
    fails 2 'upscale has no option --max-pixel[s]s; did you mean --max-pixels?' \
        upscale --max-pixelss 2 photo.png out.png
}

@test "a misspelt option with its value behind = gets the same suggestion" {
    take photo.png
    fails 2 'upscale has no option --facter*; did you mean --factor?' \
        upscale photo.png out.png --facter=2
}

@test "a value for an option that takes none is not called an unknown option" {
    take photo.png
    run_here "$FOVEA" upscale photo.png out.png --force=yes
    expect_status 2
    expect_sentence '*--force*'
    ! grep -q 'has no option --force=yes' "$PRINTED/err" || wrong 'upscale does have --force'
}

@test "unknown one-letter options are named themselves" {
    take photo.png
    fails 2 "upscale has no option -x (see \`fovea help upscale\`)" upscale photo.png out.png -x
    fails 2 'upscale has no option -x*' upscale -xy photo.png out.png
}

@test "an option at the end without its value" {
    take photo.png
    fails 2 '--factor needs a value' upscale photo.png out.png --factor
    fails 2 '--set needs a value' eval --set
}

@test "factors that are none" {
    take photo.png
    for factor in 5 0 -2 x 2x 2.5 '' 99999999999999999999; do
        fails 2 "--factor $factor: it is a whole number from 1 to 4, or auto" \
            upscale photo.png out.png --factor "$factor"
    done
}

@test "other numbers out of their range" {
    take photo.png
    local number='it is a whole number from'
    fails 2 "--threads 0: $number 1 to 256" upscale photo.png out.png --threads 0
    fails 2 "--threads 257: $number 1 to 256" upscale photo.png out.png --threads 257
    fails 2 "--quality 0: $number 1 to 100" upscale photo.png out.jpg --quality 0
    fails 2 "--quality 101: $number 1 to 100" upscale photo.png out.jpg --quality 101
    fails 2 "--max-pixels 0: $number 1" upscale photo.png out.png --max-pixels 0
    fails 2 "--page -1: $number 0 to 100000" upscale photo.png out.png --page -1
    fails 2 "--scale 5: $number 2 to 4" eval --set . --scale 5
}

@test "a method that is none" {
    take photo.png
    fails 2 '--method foo: it is one of ai, lanczos, bicubic, bilinear, nearest' \
        upscale photo.png out.png --method foo
}

@test "an output suffix that cannot be written" {
    take photo.png
    local formats='.png, .jpg, .webp, .tiff, .avif, .heic, .jxl and .gif are formats that it can be'
    fails 2 "out.bmp: cannot write .bmp; $formats" upscale photo.png out.bmp
    fails 2 "out.p: cannot write .p; $formats" upscale photo.png out.p
    fails 2 "out.pngx: cannot write .pngx; $formats" upscale photo.png out.pngx
}

@test "--quality for a lossless format" {
    take photo.png
    fails 2 '--quality: PNG is lossless and has none' upscale photo.png out.png --quality 80
    fails 2 '--quality: PNG is lossless and has none' upscale photo.png - --quality 80
    fails 2 '--quality: TIFF is lossless and has none' upscale photo.png out.tif --quality 80
}

@test "--json together with the picture on standard output" {
    take photo.png
    run_here "$FOVEA" upscale photo.png - --json
    expect_status 2
    expect_sentence '--json and the picture cannot share standard output'
    expect_untouched
}

@test "--model together with a method that uses none" {
    take photo.png
    fails 2 '--model goes with --method ai, not with bicubic' \
        upscale photo.png out.png --method bicubic --model photo-x4
}

@test "a usage error is found before the input is looked at" {
    fails 2 '--method foo: *' upscale missing.png out.png --method foo
    fails 2 'out.bmp: *' upscale missing.png out.bmp
}

# ---- what --json says ------------------------------------------------------------------------

@test "upscale --json says what was done" {
    take photo.png
    run_here "$FOVEA" upscale photo.png out.webp --factor 2 --threads 2 --json
    expect_status 0
    expect_quiet
    expect_made out.webp
    "$PYTHON" - "$PRINTED/out" <<'EOF'
import json, sys
got = json.load(open(sys.argv[1], encoding="utf-8"))
want = {"input": "photo.png", "output": "out.webp", "width_px": 96, "height_px": 80, "factor": 2,
        "method": "ai", "model": "photo-x2", "format": "WebP", "threads": 2,
        "dials": {"detail": 0.9, "denoise": 1.0}}
assert want.items() <= got.items(), got
assert set(got) - set(want) == {"cpu", "seconds"} and 0 < got["seconds"] < 60, got
EOF
}

@test "upscale --json with another method names no model" {
    take photo.png
    run_here "$FOVEA" upscale photo.png out.png --method lanczos --json
    expect_status 0
    grep -q '"method": "lanczos"' "$PRINTED/out"
    not grep -q -e '"model"' -e '"dials"' "$PRINTED/out"
}

@test "--json says failures as well, on standard output" {
    run_here "$FOVEA" upscale missing.png out.png --json
    expect_status 66
    expect_sentence 'missing.png: cannot read it: No such file or directory'
    "$PYTHON" - "$PRINTED/out" <<'EOF'
import json, sys
got = json.load(open(sys.argv[1], encoding="utf-8"))
assert got == {"error": "missing.png: cannot read it: No such file or directory",
               "exit_status": 66}, got
EOF
}

# ---- surroundings ----------------------------------------------------------------------------

@test "FOV_CPU names a level that there is none of" {
    take photo.png
    FOV_CPU=foo fails 78 "FOV_CPU: the CPU level 'foo' is not one of c, avx2, avxvnni, avx512, avx512vnni, amx" \
        upscale photo.png out.png
}

@test "an empty FOV_CPU is none" {
    take photo.png
    FOV_CPU='' enlarges photo.png out.png --method nearest
}

@test "FOV_CPU=c uses no other kernels" {
    take photo.png
    FOV_CPU=c run_here "$FOVEA" upscale photo.png out.png --method nearest --json
    expect_status 0
    grep -q '"cpu": "c"' "$PRINTED/out"
}

@test "FOVEA_MODELS names a missing folder" {
    take photo.png
    FOVEA_MODELS=$PWD/nowhere fails 69 "$PWD/nowhere: FOVEA_MODELS names no folder" \
        upscale photo.png out.png
    FOVEA_MODELS=$PWD/photo.png fails 69 "*photo.png: FOVEA_MODELS names no folder" models
}
