# SPDX-License-Identifier: Apache-2.0
# helpers.bash -- what every test of the program shares: run it, and say what must hold afterwards.
#
# A test works in a folder of its own. Each run is surrounded by two looks at that folder, so that
# a stray file is found by every test and not only by those that think of it. Inputs are made by
# make_pictures.py and make_models.py; nothing outside the repository is needed. $FOVEA is the
# program, ../../build/fovea by default.

FOVEA=$(realpath "${FOVEA:-$BATS_TEST_DIRNAME/../../build/fovea}")
ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
MODELS=$ROOT/models
PYTHON=${PYTHON:-/usr/bin/python3}
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
unset FOVEA_MODELS
umask 022

# A folder to work in, and one beside it for what the runs print.
setup() {
    PRINTED=$BATS_TEST_TMPDIR/printed
    mkdir "$PRINTED" "$BATS_TEST_TMPDIR/here"
    cd "$BATS_TEST_TMPDIR/here" || return 1
}

# make_once NAME...: pictures that several tests of a file use, made in its setup_file().
make_once() {
    "$PYTHON" "$BATS_TEST_DIRNAME/make_pictures.py" "$BATS_FILE_TMPDIR" "$@"
}

# take NAME...: copies of them, here.
take() {
    local name
    for name in "$@"; do
        cp -r "$BATS_FILE_TMPDIR/$name" .
    done
}

# make NAME...: pictures for this test alone, here.
make() {
    "$PYTHON" "$BATS_TEST_DIRNAME/make_pictures.py" . "$@"
}

# make_model KIND: KIND.safetensors, here.
make_model() {
    "$PYTHON" "$BATS_TEST_DIRNAME/make_models.py" "$MODELS/photo-x2.safetensors" "$@"
}

# look COMMAND ARGUMENT...: what must hold of a picture; see look.py. All of a test's are looked at
# when it ends, so the pictures must last until then, or until look_now.
look() {
    printf '%s\n' "${*@Q}" >>"$PRINTED/look"
}

look_now() {
    [ ! -e "$PRINTED/look" ] || "$PYTHON" "$BATS_TEST_DIRNAME/look.py" <"$PRINTED/look" || return 1
    rm -f "$PRINTED/look"
}

teardown() {
    [ -z "$BATS_TEST_COMPLETED" ] || look_now
}

# not COMMAND...: succeeds when it fails. A bare `! COMMAND` never ends a test, whatever it gives.
not() {
    ! "$@"
}

# ---- a run -----------------------------------------------------------------------------------

# Everything in the folder: names, kinds, permissions, sizes, times of the last change.
snapshot() {
    find . -mindepth 1 -printf '%P|%y|%m|%s|%T@|%l\n' | sort
}

# run_here COMMAND...: sets $status; standard output and standard error go to files in $PRINTED.
run_here() {
    status=0
    before=$(snapshot)
    "$@" >"$PRINTED/out" 2>"$PRINTED/err" || status=$?
}

wrong() { # SENTENCE: end the test with all that is known
    printf '%s\n' "$1" "status: $status" '--- standard error' >&2
    head -c 2000 "$PRINTED/err" >&2
    printf '%s\n' '--- standard output' >&2
    head -c 2000 "$PRINTED/out" | tr -d '\0' >&2
    return 1
}

expect_status() {
    [ "$status" -eq "$1" ] || wrong "expected status $1"
}

expect_quiet() { # nothing on standard error, but for what TIFF, JPEG XL and GIF cannot keep
    ! grep -qv ': \(EXIF\|XMP\|IPTC\) is not kept, libvips writes none to ' "$PRINTED/err" ||
        wrong 'expected nothing on standard error'
}

expect_no_stdout() {
    [ ! -s "$PRINTED/out" ] || wrong 'expected nothing on standard output'
}

# One line, "fovea: " and a sentence that matches the pattern PATTERN from end to end.
expect_sentence() {
    local line
    line=$(cat "$PRINTED/err")
    [ "$(wc -l <"$PRINTED/err")" -eq 1 ] || wrong 'expected one line on standard error'
    # shellcheck disable=SC2053 # a pattern
    [[ $line == "fovea: "$1 ]] || wrong "expected: fovea: $1"
}

# The folder holds what it held before the run, all of it untouched.
expect_untouched() {
    local after
    after=$(snapshot)
    [ "$after" = "$before" ] ||
        wrong "the folder has changed: $(diff <(echo "$before") <(echo "$after"))"
}

# Just these names are new or changed.
expect_made() {
    local changed wanted
    changed=$(comm -13 <(echo "$before") <(snapshot) | cut -d'|' -f1)
    wanted=$(printf '%s\n' "$@" | sort)
    [ "$changed" = "$wanted" ] || wrong "made '$changed' instead of '$wanted'"
}

# fails STATUS PATTERN ARGUMENT...: fovea ends with STATUS and one sentence, prints nothing else and
# leaves the folder as it was.
fails() {
    local expected=$1 pattern=$2
    shift 2
    run_here timeout 60 "$FOVEA" "$@"
    expect_status "$expected"
    expect_sentence "$pattern"
    expect_no_stdout
    expect_untouched
}

# makes FILE ARGUMENT...: fovea succeeds without a word and makes FILE and nothing else.
makes() {
    local file=$1
    shift
    run_here timeout 60 "$FOVEA" "$@"
    expect_status 0
    expect_quiet
    expect_no_stdout
    expect_made "${file#./}"
}

# enlarges IN OUT ARGUMENT...: the same for `fovea upscale IN OUT ...`.
enlarges() {
    makes "$2" upscale "$@"
}

# ---- surroundings ----------------------------------------------------------------------------

# with_rights_checked COMMAND...: without root's power to pass over a file's permissions.
with_rights_checked() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --bounding-set=-dac_override,-dac_read_search "$@"
    fi
}

# Skip where permissions cannot be made to count.
need_rights_checked() {
    touch "$BATS_TEST_TMPDIR/closed"
    chmod 000 "$BATS_TEST_TMPDIR/closed"
    with_rights_checked true || skip 'setpriv cannot take the right to read everything away'
    ! with_rights_checked cat "$BATS_TEST_TMPDIR/closed" 2>/dev/null ||
        skip 'every file can be read here'
}
