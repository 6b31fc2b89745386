#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# output.bats -- how the result comes to its name: complete, in one step, or not at all.

load helpers

setup_file() {
    make_once photo.png noise.png noise-rgba.png tall.png cut.png turned.jpg
}

nearest() { # STATUS PATTERN IN OUT ARGUMENT...: fails, quickly computed
    local expected=$1 pattern=$2
    shift 2
    fails "$expected" "$pattern" upscale "$@" --method nearest
}

# ---- where it cannot be written --------------------------------------------------------------

@test "an output that exists, without --force" {
    take photo.png
    echo precious >out.png
    nearest 73 'out.png: exists already (--force replaces it)' photo.png out.png
    [ "$(cat out.png)" = precious ]
}

@test "the input as output, without --force" {
    take photo.png
    nearest 73 'photo.png: exists already (--force replaces it)' photo.png photo.png
}

@test "an output that exists is told before the input is decoded" {
    take noise.png
    head -c 6000 noise.png >cut.png
    echo precious >out.png
    nearest 73 'out.png: exists already (--force replaces it)' cut.png out.png
}

@test "an output that appears during the run is not overwritten" {
    take photo.png
    start_slowly photo.png out.png
    echo precious >out.png
    finish
    expect_status 73
    expect_sentence 'out.png: exists already (--force replaces it)'
    [ "$(cat out.png)" = precious ]
    [ "$(ls -A)" = "$(printf '%s\n' out.png photo.png)" ]
}

@test "an output that is a folder, with --force too" {
    take photo.png
    mkdir out.png
    nearest 73 'out.png: is a folder, not a file to write' photo.png out.png
    nearest 73 'out.png: is a folder, not a file to write' photo.png out.png --force
    nearest 73 '.: is a folder, not a file to write' photo.png .
}

@test "an output in a folder that is not there" {
    take photo.png
    nearest 73 'no/such/out.png: cannot write it: No such file or directory' \
        photo.png no/such/out.png
    nearest 73 'photo.png/out.png: cannot write it: Not a directory' photo.png photo.png/out.png
}

@test "an output in a folder that may not be written" {
    need_rights_checked
    take photo.png
    mkdir closed
    chmod 555 closed
    run_here with_rights_checked "$FOVEA" upscale photo.png closed/out.png --method nearest
    expect_status 73
    expect_sentence 'closed/out.png: cannot write it: Permission denied'
    expect_untouched
}

@test "a file that may not be written is not replaced, --force or not" {
    need_rights_checked
    take photo.png
    echo precious >out.png
    chmod 444 out.png
    run_here with_rights_checked "$FOVEA" upscale photo.png out.png --method nearest --force
    expect_status 73
    expect_sentence 'out.png: cannot write it: Permission denied'
    expect_untouched
}

@test "an output in /proc, where nothing can be made" {
    take photo.png
    nearest 73 '/proc/fovea.png: cannot write it: *' photo.png /proc/fovea.png
}

@test "an output name that is too long" {
    take photo.png
    local name
    name=$(printf 'n%.0s' {1..300}).png
    run_here "$FOVEA" upscale photo.png "$name" --method nearest
    expect_status 73
    expect_sentence 'nnn*'
    expect_untouched
}

# ---- full disks ------------------------------------------------------------------------------

@test "a full device, by its name and as standard output" {
    take photo.png
    nearest 73 '/dev/full: cannot write it: No space left on device' photo.png /dev/full
    status=0
    "$FOVEA" upscale photo.png - --method nearest >/dev/full 2>"$PRINTED/err" || status=$?
    : >"$PRINTED/out"
    expect_status 73
    expect_sentence 'standard output: cannot write it: No space left on device'
}

@test "a device that takes everything" {
    take photo.png
    run_here "$FOVEA" upscale photo.png /dev/null --method nearest
    expect_status 0
    expect_quiet
    expect_untouched
}

limited() { # KIB COMMAND...: no file may outgrow this
    (ulimit -f "$1" && shift && exec "$@")
}

@test "a result that outgrows its limit, in each format" {
    take noise.png
    for suffix in png jpg webp tiff avif jxl; do
        run_here limited 4 "$FOVEA" upscale noise.png "out.$suffix" --method nearest
        expect_status 73
        expect_sentence "out.$suffix: cannot write it: File too large"
        expect_untouched
    done
}

@test "a result that outgrows its limit leaves the file that --force would replace" {
    take noise.png
    echo precious >out.png
    run_here limited 4 "$FOVEA" upscale noise.png out.png --force
    expect_status 73
    expect_sentence 'out.png: cannot write it: File too large'
    expect_untouched
}

@test "a full file system" {
    take noise.png
    local upscale='mkdir full && mount -t tmpfs -o size=8k tmpfs full || exit 99
        "$0" upscale noise.png full/out.png --method nearest
        status=$?
        ls -A full
        exit $status'
    unshare -m sh -c 'mount -t tmpfs tmpfs .' 2>/dev/null || skip 'nothing can be mounted here'
    status=0
    unshare -m sh -c "$upscale" "$FOVEA" >"$PRINTED/out" 2>"$PRINTED/err" || status=$?
    expect_status 73
    expect_sentence 'full/out.png: cannot write it: No space left on device'
    expect_no_stdout
}

# ---- replacing -------------------------------------------------------------------------------

@test "--force replaces the file and keeps its permissions" {
    take photo.png
    for mode in 640 600 755 664; do
        echo old >"$mode.png"
        chmod "$mode" "$mode.png"
        enlarges photo.png "$mode.png" --method nearest --force
        [ "$(stat -c %a "$mode.png")" = "$mode" ]
        look repeated photo.png "$mode.png" 4
    done
}

@test "--force replaces in one step: who has the old file open still reads it" {
    take photo.png
    echo old >out.png
    exec 7<out.png
    enlarges photo.png out.png --method nearest --force
    [ "$(cat <&7)" = old ]
    look repeated photo.png out.png 4
}

@test "--force makes a file that is not there yet" {
    take photo.png
    enlarges photo.png out.png --method nearest --force
    look repeated photo.png out.png 4
}

@test "--force through a symbolic link: the link stays, its target changes" {
    take photo.png
    mkdir elsewhere
    echo old >elsewhere/target.png
    chmod 640 elsewhere/target.png
    ln -s elsewhere/target.png out.png
    run_here "$FOVEA" upscale photo.png out.png --method nearest --force
    expect_status 0
    [ "$(readlink out.png)" = elsewhere/target.png ]
    [ "$(stat -c %a elsewhere/target.png)" = 640 ]
    look repeated photo.png elsewhere/target.png 4
    [ "$(ls -A)" = "$(printf '%s\n' elsewhere out.png photo.png)" ]
    [ "$(ls -A elsewhere)" = target.png ]
}

@test "a symbolic link to a file, or to nothing, is not written through without --force" {
    take photo.png
    echo old >target.png
    ln -s target.png out.png
    ln -s nothing.png lost.png
    nearest 73 'out.png: exists already (--force replaces it)' photo.png out.png
    nearest 73 'lost.png: *' photo.png lost.png
}

@test "a loop of symbolic links" {
    take photo.png
    ln -s a.png b.png
    ln -s b.png a.png
    nearest 73 'a.png: cannot write it: Too many levels of symbolic links' photo.png a.png
}

@test "--force with the input as output" {
    take photo.png
    cp photo.png original.png
    chmod 600 photo.png
    enlarges photo.png photo.png --method nearest --force
    look repeated original.png photo.png 4
    [ "$(stat -c %a photo.png)" = 600 ]
}

@test "a new file's permissions are those of the umask" {
    take photo.png
    for pair in 022:644 002:664 077:600 000:666; do
        umask "${pair%:*}"
        enlarges photo.png out.png --method nearest
        [ "$(stat -c %a out.png)" = "${pair#*:}" ]
        rm out.png
    done
}

# ---- names -----------------------------------------------------------------------------------

@test "names that a shell or a library would trip over" {
    take photo.png
    enlarges photo.png wanted.png --method nearest --factor 2
    look repeated photo.png wanted.png 2
    for name in 'two words' "it's" 'say "so"' 'a[1]' 'b[page=2]' '*' '$HOME' 'größe 写真' '100%s%n' \
        'semi;colon' 'back\slash' '.hidden' 'x.tar' 'a:b' ' lead' '#1'; do
        cp photo.png "$name in.png"
        enlarges "$name in.png" "$name.png" --method nearest --factor 2
        cmp wanted.png "./$name.png"
        nearest 73 '*: exists already (--force replaces it)' photo.png "$name.png"
        rm "$name.png" "$name in.png"
    done
}

@test "a name that is not UTF-8" {
    take photo.png
    local name=$'gr\xf6\xdfe.png'
    cp photo.png "$name"
    enlarges "$name" out.png --method nearest
    look repeated photo.png out.png 4
    run_here "$FOVEA" upscale photo.png "$name" --method nearest
    expect_status 73
}

@test "names with a dash in front stand behind --" {
    take photo.png
    cp photo.png ./-in.png
    run_here "$FOVEA" upscale --method nearest -- -in.png -out.png
    expect_status 0
    expect_made -out.png
    look repeated photo.png ./-out.png 4
    enlarges ./-in.png ./-again.png --method nearest
}

@test "a file called - is ./-" {
    take photo.png
    run_here "$FOVEA" upscale photo.png ./- --method nearest
    expect_status 0
    expect_no_stdout
    expect_made -
    look repeated photo.png ./- 4
}

@test "suffixes in capitals, and none, which is PNG" {
    take photo.png
    run_here "$FOVEA" upscale photo.png OUT.JPG --method nearest
    expect_status 0
    look facts OUT.JPG 'JPEG 192x160 rgb 8'
    enlarges photo.png out --method nearest
    look facts out 'PNG 192x160 rgb 8'
    mkdir v1.2
    run_here "$FOVEA" upscale photo.png v1.2/out --method nearest
    expect_status 0
    look facts v1.2/out 'PNG 192x160 rgb 8'
}

# ---- stopped in the middle -------------------------------------------------------------------

# A run of some seconds, in plain C on one core; returns when its output is open.
start_slowly() { # IN OUT ARGUMENT...
    before=$(snapshot)
    FOV_CPU=c env --default-signal=INT,TERM,HUP "${signals[@]}" "$FOVEA" upscale "$@" --threads 1 \
        >"$PRINTED/out" 2>"$PRINTED/err" 3>&- &
    running=$!
    for _ in {1..200}; do
        if ls -l "/proc/$running/fd" 2>/dev/null | grep -q "$PWD/.*\((deleted)\|\.fovea-\)"; then
            return 0
        fi
        sleep 0.05
    done
    kill -9 "$running"
    wrong 'the run does not open its output'
}

finish() { # wait for it, and set $status
    status=0
    wait "$running" || status=$?
}

stopped_by() { # SIGNAL STATUS: the run ends by this signal and nothing stays
    take tall.png
    start_slowly tall.png out.png
    kill "-$1" "$running"
    finish
    expect_status "$2"
    expect_no_stdout
    expect_untouched
}

@test "SIGINT in the middle ends by that signal and leaves nothing" {
    stopped_by INT 130
}

@test "SIGTERM in the middle ends by that signal and leaves nothing" {
    stopped_by TERM 143
}

@test "SIGHUP in the middle ends by that signal and leaves nothing" {
    stopped_by HUP 129
}

@test "SIGKILL in the middle leaves nothing" {
    stopped_by KILL 137
}

@test "stopped in the middle, the file that --force would replace stays as it was" {
    take tall.png
    echo precious >out.png
    start_slowly tall.png out.png --force
    kill -TERM "$running"
    finish
    expect_status 143
    expect_untouched
    start_slowly tall.png out.png --force
    kill -KILL "$running"
    finish
    expect_status 137
    expect_untouched
}

@test "a result that has no place is refused before anything is computed" {
    take cut.png # whose damage would be found first, as turning needs all of it
    local turn='[{"type": "rotate", "angle_in_degrees": 90}]'
    echo kept >there.png
    fails 73 'there.png: exists already (--force replaces it)' transform cut.png there.png --ops "$turn"
    fails 73 'nowhere/out.png: cannot write it: No such file or directory' \
        transform cut.png nowhere/out.png --ops "$turn"
}

@test "no room for temporary files is no damage" {
    take turned.jpg
    before=$(snapshot)
    run_here env TMPDIR=/nonexistent "$FOVEA" upscale turned.jpg out.png --method nearest --factor 2
    expect_status 73
    expect_sentence 'turned.jpg: no room for temporary files; $TMPDIR says where they are (*)'
    expect_untouched
}

@test "a name that is no UTF-8, and a standard output that is closed, beside --json" {
    take photo.png
    local name=$'caf\xe9.png'
    cp photo.png "$name"
    run_here "$FOVEA" upscale "$name" out.png --json --method nearest
    expect_status 0
    "$PYTHON" -c 'import json, sys; assert json.load(open(sys.argv[1]))["input"] == "caf?.png"' \
        "$PRINTED/out"
    run_here "$FOVEA" inspect "$name" photo.png --json
    expect_status 0
    "$PYTHON" -c 'import json, sys; assert len(json.load(open(sys.argv[1]))) == 2' "$PRINTED/out"
    status=0
    "$FOVEA" upscale photo.png closed.png --json --method nearest >&- 2>"$PRINTED/err" || status=$?
    : >"$PRINTED/out"
    expect_status 73
    cmp out.png closed.png
}

@test "a signal that the caller ignores stays ignored, as nohup needs it" {
    take tall.png
    local signals=(--ignore-signal=HUP)
    start_slowly tall.png out.png --factor 2
    kill -HUP "$running"
    finish
    expect_status 0
    expect_quiet
    look facts out.png 'PNG 48x600 rgb 8'
}

@test "a signal while pixels are computed before the end of a chain" {
    "$FOVEA" upscale "$ROOT/examples/winter-house.jpg" big.png --method nearest
    status=0 # 6400x4800 through a network and upside down: more than the seconds it is given after TERM
    timeout --preserve-status -s TERM -k 4 1 "$FOVEA" transform big.png out.png --exact --threads 1 \
        --ops '[{"type": "upscale", "factor": 4}, {"type": "flip"}]' || status=$?
    [ "$status" -eq 143 ] || wrong "status $status"
    [ "$(ls -A)" = big.png ]
}
