#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pipes.bats -- standard input and output, terminals, and readers that go away.

load helpers

setup_file() {
    make_once photo.png photo.jpg tall.png noise.png frames.gif
}

@test "- to -: the picture comes out as PNG, and nothing else is said" {
    take photo.jpg
    run_here "$FOVEA" upscale - - --factor 2 <photo.jpg
    expect_status 0
    expect_quiet
    expect_untouched
    look facts "$PRINTED/out" 'PNG 96x80 rgb 8'
}

@test "from a pipe to a file, and from a file to a pipe" {
    take photo.png
    cat photo.png | "$FOVEA" upscale - out.png --method nearest
    "$FOVEA" upscale photo.png - --method nearest | cat >piped.png
    cmp out.png piped.png
    look repeated photo.png out.png 4
}

@test "two in a row" {
    take photo.png
    "$FOVEA" upscale - - --factor 2 --method nearest <photo.png |
        "$FOVEA" upscale - - --factor 3 --method nearest >out.png
    look repeated photo.png out.png 6
}

@test "a writer that takes its time" {
    take photo.png
    { head -c 700 photo.png && sleep 0.4 && tail -c +701 photo.png; } |
        "$FOVEA" upscale - out.png --method nearest
    look repeated photo.png out.png 4
}

@test "a substituted process and a named pipe as input, a substituted one as output" {
    take photo.png
    "$FOVEA" upscale <(cat photo.png) out.png --method nearest
    "$FOVEA" upscale photo.png >(cat >substituted.png) --method nearest
    mkfifo pipe
    for _ in 1 2 3 4 5; do # a look that closes the pipe again would lose the writer, now and then
        cat photo.png >pipe &
        timeout 5 "$FOVEA" upscale pipe named.png --method nearest --force
        wait $!
        cmp out.png named.png
    done
    look repeated photo.png out.png 4
    for _ in {1..100}; do
        cmp -s out.png substituted.png && break
        sleep 0.05
    done
    cmp out.png substituted.png
}

@test "no progress where standard error is no terminal" {
    take tall.png
    run_here "$FOVEA" upscale tall.png out.png
    expect_status 0
    expect_quiet
    expect_made out.png
}

# on_terminal STATUS ARGUMENT...: `fovea ARGUMENT...` in plain C, as long as it takes; what a terminal
# shows is in `typescript`, and in $PRINTED/err with what one line held in turn in lines of its own.
on_terminal() {
    local expected=$1
    shift
    script -qec true /dev/null >/dev/null 2>&1 || skip 'no terminal can be had from script(1)'
    status=0
    script -qec "FOV_CPU=c '$FOVEA' $*" typescript </dev/null >/dev/null || status=$?
    tr '\r' '\n' <typescript >"$PRINTED/err"
    : >"$PRINTED/out"
    expect_status "$expected"
}

@test "on a terminal: percent and time left, then what was made" {
    take tall.png
    on_terminal 0 upscale tall.png out.png --factor 2
    [ "$(grep -Ec '^ *[0-9]{1,3} %  [0-9]+ s left' "$PRINTED/err")" -ge 2 ] ||
        wrong 'expected percent and time left, more than once'
    grep -Eq '^out.png: 48x600 PNG in [0-9]+\.[0-9] s' "$PRINTED/err" ||
        wrong 'expected what was made'
    grep -Eo '^ *[0-9]+ %' "$PRINTED/err" | tr -d ' %' >"$PRINTED/percents"
    sort -n "$PRINTED/percents" | cmp - "$PRINTED/percents" # they never fall
    [ "$(tail -n 1 "$PRINTED/percents")" -le 100 ]
}

@test "on a terminal: which frame of how many" {
    take frames.gif
    on_terminal 0 upscale frames.gif out.webp --method nearest
    grep -Eo '^frame . of .' "$PRINTED/err" | diff - <(printf 'frame %d of 3\n' 1 2 3) ||
        wrong 'expected three frames'
}

@test "on a terminal a failure stands on a line of its own" {
    take noise.png
    head -c 6000 noise.png >cut.png
    on_terminal 65 upscale cut.png out.png --factor 2
    grep -q $'\\(^\\|\e\\[K\\)fovea: cut.png: is damaged' typescript ||
        wrong 'expected the sentence alone'
    [ ! -e out.png ]
}

@test "a reader that goes away ends the run with a sentence" {
    take noise.png
    before=$(snapshot)
    status=$(
        set +e
        "$FOVEA" upscale noise.png - --method lanczos 2>"$PRINTED/err" | head -c 10 >"$PRINTED/ten"
        echo "${PIPESTATUS[0]}"
    )
    : >"$PRINTED/out"
    [ "$(stat -c %s "$PRINTED/ten")" -eq 10 ]
    expect_status 73
    expect_sentence 'standard output: cannot write it: Broken pipe'
    expect_untouched
}

@test "standard output that is closed" {
    take photo.png
    status=0
    "$FOVEA" upscale photo.png - --method nearest >&- 2>"$PRINTED/err" || status=$?
    : >"$PRINTED/out"
    expect_status 73
    expect_sentence 'standard output: cannot write it: Bad file descriptor'
    look facts photo.png 'PNG 48x40 rgb 8'
}

@test "with standard output or standard error closed, a file is written all the same" {
    take photo.png
    "$FOVEA" upscale photo.png one.png --method nearest >&-
    "$FOVEA" upscale photo.png two.png --method nearest 2>&-
    "$FOVEA" upscale photo.png three.png --method nearest <&- >&- 2>&-
    for name in one two three; do
        look repeated photo.png "$name.png" 4
    done
}

@test "standard input that is closed, and a folder there" {
    run_here "$FOVEA" upscale - out.png <&-
    [[ $status == 6[56] ]] || wrong 'expected status 65 or 66'
    expect_sentence 'standard input: *'
    expect_untouched
    run_here "$FOVEA" upscale - out.png <.
    [[ $status == 6[56] ]] || wrong 'expected status 65 or 66'
    expect_sentence 'standard input: *'
    expect_untouched
}

@test "a failure leaves standard output empty" {
    run_here "$FOVEA" upscale missing.png -
    expect_status 66
    expect_sentence 'missing.png: cannot read it: No such file or directory'
    expect_no_stdout
    run_here "$FOVEA" upscale - - <"$BATS_TEST_FILENAME"
    expect_status 65
    expect_sentence 'standard input: not a picture in a format that Fovea reads: JPEG*'
    expect_no_stdout
}

@test "a chain between two programs: libvips's own" {
    make large.png
    vips copy large.png .png | "$FOVEA" transform - - --ops \
        '[{"type": "upscale", "factor": 2}, {"type": "convert", "format": "jpeg", "quality": 90}]' |
        vips copy stdin last.png
    "$FOVEA" transform large.png want.jpg --ops \
        '[{"type": "upscale", "factor": 2}, {"type": "convert", "format": "jpeg", "quality": 90}]'
    look near want.jpg last.png 60
}
