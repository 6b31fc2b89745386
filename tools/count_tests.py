#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Count test cases in a log of `meson test` and print "PASSED FAILED SKIPPED".

    tools/count_tests.py build/meson-logs/testlog.json
    tools/count_tests.py --self-test

What the failed parts said goes to standard error: meson leaves out what stands in TAP.

A meson test that reports its parts (TAP, as bats does, or cmocka's own format) counts as many
cases as it has parts, any other as one. What meson calls a failure is never lost: a test that
failed although all its parts passed (it crashed, a sanitizer spoke at the end, the plan was
not kept) counts as one failure more.
"""
import json
import re
import sys

TAP_LINE = re.compile(r"^(not )?ok\b(.*)$", re.M)
TAP_PLAN = re.compile(r"^1\.\.\d+", re.M)
PASSED_RESULTS = {"OK", "EXPECTEDFAIL"}


def count_tap(text):
    """Parts of a TAP stream: passed, failed, skipped."""
    passed = failed = skipped = 0
    for not_ok, rest in TAP_LINE.findall(text):
        if re.search(r"#\s*(skip|todo)", rest, re.I):
            skipped += 1
        elif not_ok:
            failed += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_cmocka(text):
    """Parts of cmocka's output; a part that began and never ended crashed."""
    began = text.count("[ RUN      ] ")
    passed = text.count("[       OK ] ")
    # A group's summary may repeat the name of each skipped part.
    skipped = len(set(re.findall(r"\[  SKIPPED \] ([A-Za-z_]\w*)", text)))
    return passed, began - passed - skipped, skipped


def count_test(test):
    """One line of the log: passed, failed, skipped."""
    text, result = test.get("stdout", ""), test["result"]
    if result == "SKIP":
        return 0, 0, 1
    counts = (0, 0, 0)
    if TAP_PLAN.search(text):
        counts = count_tap(text)
    elif "[ RUN      ] " in text:
        counts = count_cmocka(text)
    passed, failed, skipped = counts
    if result not in PASSED_RESULTS:
        return passed, max(failed, 1), skipped
    if failed:
        raise SystemExit(f"count_tests: {test['name']} passed, but {failed} of its parts failed")
    return (passed, 0, skipped) if passed or skipped else (1, 0, 0)


def count_log(text):
    """A whole log, one JSON object a line."""
    total = (0, 0, 0)
    for line in text.splitlines():
        total = tuple(a + b for a, b in zip(total, count_test(json.loads(line))))
    return total


def failures(test, most=15):
    """What a failed test said of its failures, or its last words."""
    lines = (test.get("stdout", "") + "\n" + test.get("stderr", "")).strip().splitlines()
    said, inside = [], False
    for line in lines:
        inside = line.startswith("not ok") or (inside and line.startswith("#"))
        if inside or re.match(r"\[ *(FAILED|ERROR|LINE) *\]|.*\b(ERROR|SUMMARY): ", line):
            said.append(line)
    return "\n".join(["", test["name"], *(said[:most] or lines[-most:])])


def self_test():
    """Each kind of test once."""
    cmocka = "[ RUN      ] a\n[       OK ] a\n[ RUN      ] b\n[  FAILED  ] b\n" \
             "[ RUN      ] c\n[  SKIPPED ] c\n"
    cases = [
        ({"result": "OK"}, (1, 0, 0)),
        ({"result": "FAIL"}, (0, 1, 0)),
        ({"result": "TIMEOUT"}, (0, 1, 0)),
        ({"result": "SKIP"}, (0, 0, 1)),
        ({"result": "OK", "stdout": "1..2\nok 1 a\nok 2 b # skip no tool\n"}, (1, 0, 1)),
        ({"result": "ERROR", "stdout": "1..2\nok 1 a\nnot ok 2 b\n"}, (1, 1, 0)),
        ({"result": "ERROR", "stdout": "1..2\nok 1 a\nok 2 b\n"}, (2, 1, 0)),
        ({"result": "FAIL", "stdout": cmocka}, (1, 1, 1)),
        ({"result": "FAIL", "stdout": "[ RUN      ] a\n"}, (0, 1, 0)),
        ({"result": "OK", "stdout": "[ RUN      ] a\n[       OK ] a\n" * 2}, (2, 0, 0)),
    ]
    for test, want in cases:
        got = count_log(json.dumps({"name": "x", **test}))
        if got != want:
            raise SystemExit(f"count_tests: {test} counts as {got}, not {want}")


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        self_test()
    else:
        with open(sys.argv[1], encoding="utf-8") as log:
            text = log.read()
        for entry in map(json.loads, text.splitlines()):
            if entry["result"] not in PASSED_RESULTS | {"SKIP"}:
                print(failures(entry), file=sys.stderr)
        print(*count_log(text))
