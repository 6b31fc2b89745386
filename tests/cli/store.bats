#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# store.bats -- fovea key and fovea credits.

load helpers

setup() {
    PRINTED=$BATS_TEST_TMPDIR/printed
    mkdir "$PRINTED" "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here" || return 1
    export FOVEA_STORE=$BATS_TEST_TMPDIR/store.db
    unset XDG_DATA_HOME STATE_DIRECTORY
}

fovea_ok() { # ARGUMENT...
    run_here "$FOVEA" "$@"
    expect_status 0
}

@test "a key is made, shown once, listed by its beginning, and revoked" {
    fovea_ok key create 'shop window' --project web --budget 100
    key=$(cat "$PRINTED/out")
    [[ $key =~ ^fov_[0-9A-Za-z]{32}$ ]]
    grep -qx 'This is the only time that the key is shown.' "$PRINTED/err"
    fovea_ok key list
    grep -q "^${key:0:12}  ....-..-..  *0 used  shop window (web)$" "$PRINTED/out"
    not grep -q "$key" "$PRINTED/out" "$FOVEA_STORE"
    fovea_ok key revoke "${key:0:12}"
    fovea_ok key list
    grep -q 'shop window (web), revoked ' "$PRINTED/out"
    fovea_ok key create second --json
    fovea_ok key list --json
    "$PYTHON" - "$PRINTED/out" <<'END'
import json, sys
first, second = json.load(open(sys.argv[1], encoding="utf-8"))
assert first["revoked"] and first["project"] == "web" and not second["revoked"]
assert second["project"] == "default" and second["name"] == "second" and "key" not in second
END
}

@test "the secret of webhooks is printed, the same each time" {
    fovea_ok key secret
    secret=$(cat "$PRINTED/out")
    [[ $secret =~ ^whsec_[0-9A-Za-z+/]{43}=$ ]]
    fovea_ok key secret --json
    grep -qF "\"$secret\"" "$PRINTED/out"
    FOVEA_STORE=$BATS_TEST_TMPDIR/other.db fovea_ok key secret
    not grep -qF "$secret" "$PRINTED/out"
}

@test "credits are added and shown" {
    fovea_ok credits
    grep -qx '0 credits are left, 0 of them for trial; 0 are held, 0 were used' "$PRINTED/out"
    fovea_ok credits add 500
    fovea_ok credits add 20 --trial
    grep -qx '520 credits are left, 20 of them for trial; 0 are held, 0 were used' "$PRINTED/out"
    fovea_ok credits show --json
    grep -q '"trial": 20' "$PRINTED/out"
}

@test "the ledger is audited" {
    fovea_ok credits add 7
    fovea_ok credits audit
    grep -qx 'balances, holds and jobs agree with the ledger' "$PRINTED/out"
    fovea_ok credits audit --json
    grep -q '"agrees": true' "$PRINTED/out"
    "$PYTHON" - "$FOVEA_STORE" <<'END'
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
store.execute("UPDATE balance SET amount = 8 WHERE pool = 'paid'")
store.commit()
END
    fails 70 '*store.db: balances do not agree with the ledger' credits audit
}

@test "what is wrong is said" {
    fails 2 'usage: fovea key create NAME, key list, key revoke PREFIX, or key secret' key make shop
    fails 2 'usage: fovea key create NAME, key list, key revoke PREFIX, or key secret' key create
    fails 2 'usage: fovea key create NAME, key list, key revoke PREFIX, or key secret' key secret x
    fails 2 '--project and --budget go with key create' key list --project web
    fails 2 'the name of a key has 1 to 64 bytes' key create ''
    fails 66 'no key begins with fov_none' key revoke fov_none
    fails 2 'credits add x: it is a whole number' credits add x
    fails 2 'credits are added 1 to 1000000000 at a time' credits add 0
    fails 2 '--trial goes with credits add' credits show --trial
    fails 2 'usage: fovea credits \[show], credits add N, or credits audit' credits take 5
    echo 'notes' >notes.txt
    fails 78 'notes.txt: is no store of keys and credits' credits --store notes.txt
    fails 73 '/nowhere/at/all.db: cannot be opened: *' credits --store /nowhere/at/all.db
}

@test "where the store is" {
    unset FOVEA_STORE
    export HOME=$BATS_TEST_TMPDIR/home
    mkdir "$HOME"
    fovea_ok credits
    [ -s "$HOME/.local/share/fovea/fovea.db" ]
    [ "$(stat -c %a "$HOME/.local/share/fovea" "$HOME/.local/share/fovea/fovea.db" | xargs)" = '700 600' ]
    XDG_DATA_HOME=$BATS_TEST_TMPDIR/data fovea_ok credits
    [ -s "$BATS_TEST_TMPDIR/data/fovea/fovea.db" ]
    mkdir "$BATS_TEST_TMPDIR/state"
    STATE_DIRECTORY=$BATS_TEST_TMPDIR/state fovea_ok credits
    [ -s "$BATS_TEST_TMPDIR/state/fovea.db" ]
    HOME='' run_here "$FOVEA" credits
    expect_status 78
    expect_sentence 'there is no place for the store: give --store FILE'
}
