#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# serve.bats -- the first minute with `fovea serve`: what it prints is true. tests/server has the rest.

load helpers

setup() {
    PRINTED=$BATS_TEST_TMPDIR/printed
    mkdir "$PRINTED" "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here" || return 1
    export FOVEA_STORE=$BATS_TEST_TMPDIR/store.db FOVEA_CONFIG=/dev/null FOVEA_MODELS=$MODELS
    unset XDG_DATA_HOME STATE_DIRECTORY
    serve=
}

# serve ADDRESS: until it has greeted; sets $serve, a process, and $greeting, a file.
serve() {
    greeting=$PRINTED/greeting
    : >"$greeting" # of an earlier one
    "$FOVEA" serve --listen "$1" >"$greeting" 2>"$PRINTED/log" 3>&- &
    serve=$!
    for _ in {1..600}; do
        ! grep -q /v1/transform "$greeting" || return 0
        kill -0 "$serve" || break
        sleep 0.1
    done
    cat "$greeting" "$PRINTED/log" >&2
    return 1
}

# It ends of itself, with status 0.
stop() {
    kill "$serve"
    wait "$serve"
    serve=
}

teardown() {
    [ -z "$serve" ] || kill -9 "$serve"
    [ -z "$BATS_TEST_COMPLETED" ] || look_now
}

@test "a first start shows a key, how to make more, and a line of curl that works" {
    make photo.jpg
    mv photo.jpg small.jpg
    serve 127.0.0.1:0
    grep -qx 'Fovea listens at http://127\.0\.0\.1:[0-9]*' "$greeting"
    grep -qxE 'A first key, shown this once: fov_[0-9A-Za-z]{32} \(with 1000 credits for trial\)' "$greeting"
    grep -q 'fovea key create NAME' "$greeting"
    sed -n '/^  curl /,$p' "$greeting" >"$PRINTED/line"
    sh -e "$PRINTED/line" 2>"$PRINTED/err"
    stop
    look facts large.png 'PNG 96x80 rgb 8'
    [ "$("$FOVEA" credits | cut -d' ' -f1)" = 999 ]
    "$PYTHON" - "$PRINTED/log" <<'END'
import json, sys
request, = [line for line in map(json.loads, open(sys.argv[1], encoding="utf-8"))
            if line["event"] == "request"]
assert request["status"] == 200, request
parts = [request[part + "_ms"] for part in ("body", "wait", "fetch", "work", "send")]
assert min(parts) >= 0 and parts[3] > 1 and sum(parts) <= request["ms"], request
END
}

@test "a key is made once, and only where nobody else can reach it" {
    serve 0.0.0.0:0
    stop
    not grep -q fov_ "$greeting"
    grep -q 'fovea key create NAME' "$greeting"
    serve 127.0.0.1:0
    stop
    grep -q fov_ "$greeting"
    serve 127.0.0.1:0
    stop
    not grep -q fov_ "$greeting"
    [ "$("$FOVEA" credits | cut -d' ' -f1)" = 1000 ]
}
