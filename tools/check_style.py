#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hold the tree to the rules of the house that a script can hold.

    tools/check_style.py            every file that git knows or would add
    tools/check_style.py --self-test

Each rule is a function that yields (line, message); RULES says which files it sees. A rule is
never switched off in a file: what may break one stands in a table here, with its reason.
"""
import ast
import pathlib
import re
import subprocess
import sys
import tempfile

MAX_COLUMNS, MAX_FUNCTION_LINES, MAX_FILE_LINES, MAX_FILE_BYTES = 100, 80, 800, 3 << 20

# What may be longer, by name, with the reason: kernels and tables.
LONG_FILES = {}  # "src/net/kernels/x86/x.c": "why"
LONG_FUNCTIONS = {}  # "fov_x": "why"
LARGE_FILES = {}  # "path": "why"

# Programs: their main, and their words on standard error. All other folders of src/ are libraries.
PROGRAMS = ("src/cli/", "src/worker/", "src/server/")
LOGGERS = {"src/base/log.c"}
HEAP_DOOR = "src/base/mem.c"
# Names that others prescribe.
FOREIGN_NAMES = {"main": PROGRAMS, "g_module_check_init": ("src/image/",),
                 "g_module_unload": ("src/image/",)}

SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
HEAP = "malloc|calloc|realloc|reallocarray|free|strdup|strndup|posix_memalign|aligned_alloc" \
       "|memalign|valloc|asprintf|vasprintf"
ENDINGS = "abort|exit|_exit|_Exit|quick_exit"
PRINTERS = "printf|vprintf|puts|putchar|perror|warn|warnx|err|errx|syslog"


class Source:
    """A file: its lines, and for C the same lines with comments and literals blanked."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.removesuffix("\n").split("\n") if text else []
        self.code = blank(text) if path.endswith((".c", ".h", ".def")) else ""
        self.code_lines = self.code.split("\n")


def blank(text):
    """C with the inside of comments and literals turned into spaces; lines keep their numbers."""
    token = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S)

    def spaces(match):
        found = match.group()
        if found.startswith("//"):
            return "//" + " " * (len(found) - 2)
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    return token.sub(spaces, text)


def top_level(source):
    """Yield (first line, last line, head, has body) of all that stands at file level."""
    text = re.sub(r"^[ \t]*#[ \t]*ifdef __cplusplus\n.*?#[ \t]*endif",
                  lambda m: re.sub(r"[^\n]", " ", m.group()), source.code, flags=re.S | re.M)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.M)
    depth, head, start, line, bodied = 0, "", None, 1, False
    for c in text:
        if c == "\n":
            line += 1
        if depth == 0 and start is None and not c.isspace():
            start = line
        if c in "{}":
            depth += 1 if c == "{" else -1
            bodied = True
        elif depth == 0 and c != ";":
            head += c
        # A body ends a function, but a struct or a table goes on to its semicolon.
        ends = depth == 0 and (c == ";" or (c == "}" and function_name(head) and "=" not in head))
        if ends:
            yield start, line, " ".join(head.split()), bodied
            head, start, bodied = "", None, False


def function_name(head):
    """The name of the function that `head` declares, or None."""
    head = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|__extension__", " ", head).strip()
    match = re.match(r"[\w\s*]*?\b(\w+)\s*\(", head)
    if not match or re.match(r"(typedef|_Static_assert|static_assert)\b", head) or "=" in head:
        return None
    # "FOV_X(a)" alone is a use of a macro, "type name(" or "type *name(" a function.
    return match.group(1) if re.search(r"\w[\s*]+$", head[:match.start(1)]) else None


def functions(source):
    """Yield (name, is static, has body, first line, last line)."""
    for start, end, head, bodied in top_level(source):
        name = function_name(head)
        if name:
            yield name, bool(re.search(r"\bstatic\b", head)), bodied, start, end


def words(source, pattern, message):
    """Every line whose code holds `pattern`."""
    for n, line in enumerate(source.code_lines, 1):
        match = re.search(pattern, line)
        if match:
            yield n, message.format(match.group(1) if match.groups() else match.group())


def calls(names):
    """A pattern for a call of one of `names`, but not of a member of that name."""
    return rf"(?<![.>\w])({names})\s*\("


def is_library(path):
    """Libraries return errors: they neither print nor end the process."""
    return path.startswith("src/") and not path.startswith(PROGRAMS)


# ---- the rules -------------------------------------------------------------------------------

def rule_opening(s):
    """The licence, then what the file is."""
    name = pathlib.PurePosixPath(s.path).name
    if not s.lines or s.lines[0] != SPDX:
        yield 1, f"the first line is not {SPDX}"
    elif len(s.lines) < 2 or not s.lines[1].startswith(f"/* {name} -- "):
        yield 2, f'the second line does not begin with "/* {name} -- "'


def rule_layout(s):
    """Blanks at the end, tabs, the last newline."""
    for n, line in enumerate(s.lines, 1):
        if "\t" in line:
            yield n, "a tab"
        if line != line.rstrip():
            yield n, "blanks at the end of the line"
        if "\r" in line or "\f" in line:
            yield n, "a control character"
    if s.text and not s.text.endswith("\n"):
        yield len(s.lines), "no newline at the end of the file"
    if s.text.endswith("\n\n"):
        yield len(s.lines), "empty lines at the end of the file"


def rule_columns(s):
    """Lines fit a window."""
    for n, line in enumerate(s.lines, 1):
        if len(line) > MAX_COLUMNS:
            yield n, f"{len(line)} columns, the limit is {MAX_COLUMNS}"


def rule_file_length(s):
    """A file holds one idea."""
    if len(s.lines) > MAX_FILE_LINES and s.path not in LONG_FILES:
        yield len(s.lines), f"{len(s.lines)} lines, the limit is {MAX_FILE_LINES}"


def rule_function_length(s):
    """A function fits a screen or two."""
    for name, _, bodied, start, end in functions(s):
        if bodied and end - start >= MAX_FUNCTION_LINES and name not in LONG_FUNCTIONS:
            yield start, f"{name}: {end - start + 1} lines, the limit is {MAX_FUNCTION_LINES}"


def rule_comments(s):
    """One kind of comment."""
    yield from words(s, r"//", "a // comment; write /* */")


def rule_heap(s):
    """One door to the heap."""
    if s.path != HEAP_DOOR:
        yield from words(s, calls(HEAP), "{}(): memory comes from base/mem.h")


def rule_assert(s):
    """Bytes from outside are checked with real code."""
    if not re.fullmatch(r"src/net/kernels/.*\.h", s.path):
        yield from words(s, r"(?<![.>\w])assert\s*\(|<assert\.h>", "assert: return an error")


def rule_quiet(s):
    """Libraries neither print nor end the process."""
    if is_library(s.path):
        yield from words(s, calls(ENDINGS), "{}(): only a program ends the process")
        if s.path not in LOGGERS:
            yield from words(s, calls(PRINTERS) + r"|\b(?:stderr|stdout|STDERR_FILENO)\b",
                             "a library does not print")


def rule_typedef(s):
    """Structs and enums carry their tag."""
    yield from words(s, r"\btypedef\s+(?:struct|enum|union)\b(?!.*\()", "{}: use the tag")


def rule_alloca(s):
    """The stack has no size from outside. The compiler's -Wvla holds the other half."""
    yield from words(s, r"\b(alloca|__builtin_alloca\w*)\b", "{}: take memory when opened")


def rule_names(s):
    """What the linker sees is ours by name, and stands in a header."""
    for name, static, bodied, start, _ in functions(s):
        if static or s.path.startswith(FOREIGN_NAMES.get(name, ())):
            continue
        if not name.startswith("fov_"):
            yield start, f"{name}: neither static nor fov_<module>_<verb>"
        if not bodied and s.path.endswith(".c"):
            yield start, f"{name}: declare it in a header"


def rule_guard(s):
    """FOV_<PATH>_H; a folder's chief header may leave its own name out (net/kernels/kernels.h)."""
    path = pathlib.PurePosixPath(s.path)
    parts = list(path.with_suffix("").parts)
    if parts[:2] == ["include", "fovea"]:
        names = ["FOVEA_" + "_".join(parts[2:])]
    else:
        parts = parts[1:] if parts[0] == "src" else parts
        short = parts[:-1] if len(parts) > 1 and parts[-1] == parts[-2] else parts
        names = ["FOV_" + "_".join(p) for p in (parts, short)]
    names = [re.sub(r"\W", "_", n).upper() + "_H" for n in names]
    directives = [line.split() for line in s.code_lines if line.startswith("#")]
    if not any(directives[:2] == [["#ifndef", n], ["#define", n]] for n in names):
        yield 1, f"the include guard is not {names[-1]}"


def rule_python(s):
    """It compiles and says what it is for."""
    try:
        if not ast.get_docstring(ast.parse(s.text, s.path)):
            yield 1, "no docstring"
    except SyntaxError as error:
        yield error.lineno or 1, f"syntax: {error.msg}"


def rule_shell(s):
    """Its shell can read it."""
    shell = "bash" if s.path.endswith(".bash") or "bash" in s.text.split("\n")[0] else "sh"
    run = subprocess.run([shell, "-n"], input=s.text, capture_output=True, text=True, check=False)
    if run.returncode:
        yield 1, "syntax: " + " ".join(run.stderr.split())


def rule_places(s):
    """Nothing names a machine. (Cut in two so that this file may hold the words.)"""
    folders = re.compile(r"(?<![\w.}<)*-])/(?:wo" r"rk|ro" r"ot|ho" r"me)(?:/|\b(?![-\w]))")
    hosts = re.compile(r"https?://[^/\s\"']*(?:regis" r"try|art" r"ifactory|ne" r"xus|pro" r"xy)")
    for n, line in enumerate(s.lines, 1):
        if folders.search(line):
            yield n, "an absolute path of some machine"
        if hosts.search(line):
            yield n, "the host of a package registry"


def is_python(s):
    """By its name or its first line."""
    return s.path.endswith(".py") or re.match(r"#!.*python", s.text)


def is_shell(s):
    """By its name or its first line."""
    return s.path.endswith((".sh", ".bash")) or re.match(r"#!.*[/ ](ba)?sh\b", s.text)


def is_code(s):
    """Everything written by hand line by line, except the texts and data of others."""
    return is_c(s) or is_python(s) or is_shell(s) or s.path.endswith(
        (".def", ".build", ".bats", ".html", ".css", ".js", ".ts", ".md", "meson_options.txt"))


def is_c(s):
    """C, and not a table included many times."""
    return s.path.endswith((".c", ".h"))


def in_src(s):
    """C and tables under src/ and include/."""
    return s.path.startswith(("src/", "include/")) and s.path.endswith((".c", ".h", ".def"))


RULES = [
    (rule_opening, is_c),
    (rule_layout, is_code),
    (rule_columns, lambda s: is_c(s) or is_python(s) or is_shell(s) or s.path.endswith(".def")),
    (rule_file_length, is_code),
    (rule_function_length, is_c),
    (rule_comments, lambda s: s.code),
    (rule_heap, in_src),
    (rule_assert, in_src),
    (rule_quiet, in_src),
    (rule_typedef, is_c),
    (rule_alloca, lambda s: s.code),
    (rule_names, lambda s: in_src(s) and is_c(s)),
    (rule_guard, lambda s: s.path.endswith(".h")),
    (rule_python, is_python),
    (rule_shell, is_shell),
    (rule_places, lambda s: True),
]


def listed(root):
    """Paths of the tree: what git tracks or would add, or all when there is no git."""
    run = subprocess.run(["git", "-C", str(root), "ls-files", "-z", "--cached", "--others",
                          "--exclude-standard"], capture_output=True, check=False)
    if run.returncode == 0:
        return sorted(set(run.stdout.decode().split("\0")) - {""})
    skip = re.compile(r"build[^/]*/|demo-out/|\.git/|.*__pycache__/|.*node_modules/")
    paths = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())
    return sorted(p for p in paths if not skip.match(p))


def check(root, paths):
    """All findings as (path, line, rule, message)."""
    found = []
    for path in paths:
        file = root / path
        if not file.is_file():
            continue
        size = file.stat().st_size
        if size > MAX_FILE_BYTES and path not in LARGE_FILES:
            found.append((path, 1, "file_bytes", f"{size} bytes, the limit is {MAX_FILE_BYTES}"))
            continue
        data = file.read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            continue
        source = Source(path, text)
        for rule, applies in RULES:
            if applies(source):
                name = rule.__name__.removeprefix("rule_")
                found += [(path, line, name, message) for line, message in rule(source)]
    return found


# ---- proof that each rule can fail -----------------------------------------------------------

HEAD = SPDX + "\n/* a.c -- a proof. */\n"
GOOD = {
    "src/base/a.c": HEAD + '#include "base/a.h"\n\n'
                    'static const int table[] = {1, 2};\nstruct x {\n    void (*free)(int);\n};\n\n'
                    '/* A comment may say malloc(3), exit(1) and // freely. */\n'
                    'void fov_a(struct x *x)\n{\n    x->free(table[0]); /* "printf(" */\n}\n\n'
                    '__attribute__((format(printf, 1, 2))) int fov_b(const char *f, ...)\n'
                    '{\n    return f == "// abort() assert(";\n}\n\nX_LIST(a)\n',
    "src/base/a.h": SPDX + "\n/* a.h -- a proof. */\n#ifndef FOV_BASE_A_H\n#define FOV_BASE_A_H\n"
                    '#ifdef __cplusplus\nextern "C" {\n#endif\ntypedef int fov_read_fn(void);\n'
                    "typedef struct x *fov_make_fn(int n);\n"
                    "void fov_a(struct x *x);\n#ifdef __cplusplus\n}\n#endif\n#endif\n",
    "src/net/kernels/kernels.h": SPDX + "\n/* kernels.h -- a proof. */\n#ifndef FOV_NET_KERNELS_H\n"
                                 "#define FOV_NET_KERNELS_H\n#include <assert.h>\n#endif\n",
    "include/fovea/a.h": SPDX + "\n/* a.h -- a proof. */\n#ifndef FOVEA_A_H\n#define FOVEA_A_H\n"
                         "#endif\n",
    "src/cli/main.c": SPDX + "\n/* main.c -- a proof. */\nint main(void)\n{\n    exit(1);\n}\n",
    "src/base/mem.c": SPDX + "\n/* mem.c -- a proof. */\nvoid fov_free(void *p)\n"
                      "{\n    free(p);\n}\n",
    "tests/a.c": HEAD + "int helper(void)\n{\n    free(malloc(1));\n    return 0;\n}\n",
    "tools/a.py": '"""A proof."""\n',
    "tools/a.sh": "echo a/wo" "rk ../ro" "ot https://example.org/ho" "me /wo" "rker\n",
}
LONG = "".join(f"    x = {i};\n" for i in range(MAX_FUNCTION_LINES))
BAD = [
    ("opening", "src/base/b.c", "/* b.c -- no licence. */\n"),
    ("opening", "src/base/b.c", SPDX + "\n/* c.c -- another name. */\n"),
    ("opening", "tests/b.h", SPDX + "\n#ifndef FOV_TESTS_B_H\n#define FOV_TESTS_B_H\n#endif\n"),
    ("layout", "src/base/a.c", HEAD + "\tint x;\n"),
    ("layout", "src/base/a.c", HEAD + "int x; \n"),
    ("layout", "src/base/a.c", HEAD + "int x;"),
    ("layout", "src/base/a.c", HEAD + "int x;\r\n"),
    ("layout", "meson.build", "project('x')\n\n"),
    ("columns", "src/base/a.c", HEAD + "/*" + "x" * 97 + "*/\n"),
    ("columns", "tools/b.py", '"""' + "x" * 98 + '"""\n'),
    ("columns", "check", "#!/bin/sh\n#" + "x" * 100 + "\n"),
    ("file_length", "src/base/a.c", HEAD + "int x;\n" * MAX_FILE_LINES),
    ("function_length", "src/base/a.c", HEAD + "void fov_a(void)\n{\n" + LONG + "}\n"),
    ("function_length", "tests/a.c", HEAD + "static int f(int a,\n    int b)\n{\n" + LONG + "}\n"),
    ("comments", "src/base/a.c", HEAD + "int x; // no\n"),
    ("comments", "src/net/a.def", "KERNEL(a) // no\n"),
    ("quiet", "src/net/a.c", HEAD + "void fov_a(void)\n{\n    abort();\n}\n"),
    ("quiet", "src/image/a.c", HEAD + "void fov_a(void)\n{\n    exit(1);\n}\n"),
    ("quiet", "src/judge/a.c", HEAD + 'void fov_a(void)\n{\n    printf("x");\n}\n'),
    ("quiet", "src/base/a.c", HEAD + 'void fov_a(void)\n{\n    fprintf(stderr, "x");\n}\n'),
    ("assert", "src/cli/a.c", HEAD + "void fov_a(int x)\n{\n    assert(x);\n}\n"),
    ("assert", "src/net/a.c", HEAD + "#include <assert.h>\n"),
    ("typedef", "src/net/a.c", HEAD + "typedef struct x {\n    int a;\n} x;\n"),
    ("typedef", "tests/a.c", HEAD + "typedef enum { A } x;\n"),
    ("alloca", "src/net/a.c", HEAD + "void fov_a(int n)\n{\n    alloca(n);\n}\n"),
    ("names", "src/net/a.c", HEAD + "int helper(void)\n{\n    return 0;\n}\n"),
    ("names", "src/net/a.c", HEAD + "int main(void)\n{\n    return 0;\n}\n"),
    ("names", "src/net/a.c", HEAD + "int *helper(int a,\n    int b)\n{\n    return 0;\n}\n"),
    ("names", "src/net/a.c", HEAD + "int fov_a(void);\n"),
    ("names", "src/net/a.h", GOOD["src/base/a.h"].replace("BASE", "NET").replace("fov_a", "a")),
    ("guard", "src/net/a.h", GOOD["src/base/a.h"]),
    ("guard", "include/fovea/a.h", SPDX + "\n/* a.h -- x. */\n#ifndef FOV_A_H\n#define FOV_A_H\n"
                                          "#endif\n"),
    ("guard", "tests/a.h", SPDX + "\n/* a.h -- x. */\n#pragma once\n"),
    ("python", "tools/b.py", "x = 1\n"),
    ("python", "tools/b.py", '"""Doc."""\nx = (\n'),
    ("python", "train/run", "#!/usr/bin/env python3\nx = 1\n"),
    ("shell", "demo", "#!/bin/sh\nif true\n"),
    ("shell", "check", "#!/usr/bin/env bash\na=(1\n"),
    ("shell", "tools/b.sh", "fi\n"),
    ("shell", "tests/b.bash", "a=(1\n"),
    ("file_bytes", "models/a.safetensors", "x" * (MAX_FILE_BYTES + 1)),
]
BAD += [("heap", "src/net/a.c", HEAD + f"void fov_a(void)\n{{\n    {f}(1);\n}}\n")
        for f in HEAP.split("|")]
BAD += [("places", path, text) for path in ("README.md", "a.json", "src/base/a.c") for text in (
    HEAD + "/* /wo" "rk/main */\n", HEAD + "/* see /ro" "ot */\n", HEAD + '/* "/ho' 'me/me" */\n',
    HEAD + "/* https://my-regis" "try.example/x */\n")]


def self_test():
    """The good tree has no finding; each bad file has its own and no other."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text in GOOD.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode())
        found = check(root, sorted(GOOD))
        if found:
            raise SystemExit(f"check_style: the good tree gave {found}")
        for rule, path, text in BAD:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode())
            found = {name for _, _, name, _ in check(root, [path])}
            if found != {rule}:
                raise SystemExit(f"check_style: {path} gave {found}, not {rule}: {text[:200]!r}")
    untried = {r.__name__.removeprefix("rule_") for r, _ in RULES} - {rule for rule, _, _ in BAD}
    if untried:
        raise SystemExit(f"check_style: no proof for {untried}")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print(f"check_style: self-test ok ({len(BAD)} violations found)")
        return 0
    root = pathlib.Path(__file__).resolve().parent.parent
    paths = listed(root)
    found = check(root, paths)
    for path, line, _, message in sorted(found):
        print(f"{path}:{line}: {message}")
    print("check_style:", f"{len(found)} finding(s)" if found else f"ok, {len(paths)} files")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
