#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# man.bats -- the manual page says what the program says.

load helpers

@test "the page has every command, every option and every exit status" {
    local command option
    "$PYTHON" "$ROOT/tools/make_man.py" 1.2.3 >fovea.1
    sed 's/\\-/-/g' fovea.1 >plain
    grep -q '^.TH FOVEA 1 "" "Fovea 1.2.3"' plain
    for command in $("$FOVEA" help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
        sed -n "/^.SS fovea $command /,/^.S[SH] /p" plain >section
        [ -s section ]
        for option in $("$FOVEA" help "$command" | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
            grep -q "^.fB$option" section
        done
    done
    for status in 0 1 2 65 66 69 70 73 75 77 78; do
        grep -q "^.fB$status.fR" plain
    done
}

@test "words that are typed stand out, and no mark of the tables is left" {
    "$PYTHON" "$ROOT/tools/make_man.py" 1.2.3 >fovea.1
    grep -q 'a name that .fBfovea models.fR lists' fovea.1
    grep -q '{"type": "upscale", "factor": 2}' fovea.1
    not grep -q '`\|\\1\|\\e' fovea.1
}

@test "troff finds nothing to warn of" {
    command -v groff >/dev/null || skip "there is no groff"
    "$PYTHON" "$ROOT/tools/make_man.py" 1.2.3 >fovea.1
    run groff -man -Tutf8 -ww -z fovea.1
    [ "$status" -eq 0 ]
    [ -z "$output" ] || wrong "$output"
}
