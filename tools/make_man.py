#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the manual page fovea(1) from the tables that the program itself is made from.

    tools/make_man.py VERSION >fovea.1

Commands and options come from src/cli/options.def, exit statuses from include/fovea/err.h; only
what neither of them knows stands here.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL_FILES = [
    (".safetensors", "tensors by name"),
    (".pth, .pt, .ckpt",
     "what torch.save() of PyTorch wrote, today or before 1.6: the weights at the top, or under "
     "params_ema, params, state_dict or the like. Nothing in such a file is executed; one that "
     "asks for it is refused."),
    (".param with .bin",
     "a network of ncnn, as Upscayl and realesrgan-ncnn-vulkan have them. Name either; the other "
     "must lie beside it. A last layer that shrinks the result (realesr-animevideov3-x2) is left "
     "out: --factor does that."),
]
STRING = r'"((?:[^"\\]|\\.)*)"'


def table(name, columns, text):
    """The lines NAME(...) of a .def file, each a list of its columns as text."""
    rows = []
    for match in re.finditer(rf"^{name}\(", text, re.M):
        fields, at = [], match.end()
        for i in range(columns):
            piece = re.match(rf"\s*((?:{STRING}\s*)+|[^,()]+?)\s*([,)])", text[at:], re.S)
            at += piece.end()
            strings = re.findall(STRING, piece.group(1))
            fields.append("".join(strings) if strings else piece.group(1).strip())
        rows.append([f.replace("\\n", " ") for f in fields])
    return rows


def roff(text):
    """Plain text for troff."""
    text = text.replace('\\"', '"')  # as C has it
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = re.sub("`([^`]*)`", r"\\fB\1\\fR", text)
    return "\\&" + text if text.startswith(".") else text


def paragraph(tag, text):
    """An entry of a list."""
    return f".TP\n\\fB{roff(tag)}\\fR\n{roff(text)}\n"


def options_of(command, options):
    """The options of one command, its list of entries."""
    out = []
    for member, _, value, _, _, commands, text in options:
        if command.upper() not in re.split(r"\s*\|\s*", commands):
            continue
        tag = "--" + member.replace("_", "-") + ("" if value == "NULL" else " " + value)
        out.append(paragraph(tag, text))
    return "".join(out)


def main():
    """Print the page."""
    tables = (ROOT / "src/cli/options.def").read_text(encoding="utf-8")
    commands, options = table("COMMAND", 6, tables), table("OPTION", 7, tables)
    codes = re.findall(r"X\((FOV_\w+), (\d+), \d+, " + STRING,
                       (ROOT / "include/fovea/err.h").read_text(encoding="utf-8"))
    page = [f'.TH FOVEA 1 "" "Fovea {sys.argv[1]}" "User Commands"\n'
            ".SH NAME\nfovea \\- enlarge pictures with neural networks\n.SH SYNOPSIS\n"]
    for name, operands, *_ in commands:
        what = roff(operands) + " " if operands else ""
        page.append(f"\\fBfovea {name}\\fR {what}[\\fIOPTION\\fR...]\n.br\n")
    page.append(".SH DESCRIPTION\n" + roff(
        "Fovea enlarges pictures 2, 3 or 4 times with networks that sharpen edges and keep "
        "texture, on the CPU. Results go to standard output, words and progress to standard "
        "error; progress is shown on a terminal only.") + "\n.SH COMMANDS\n")
    for name, operands, _, _, line, text in commands:
        page.append(f".SS fovea {name} {roff(operands)}\n{roff(text or line)}\n")
        page.append(options_of(name, options))
    page.append(".SH MODEL FILES\n" + roff(
        "A network in a file is named by --model. The content of the file decides what it is, not "
        "its name.") + "\n")
    for suffix, text in MODEL_FILES:
        page.append(paragraph(suffix, text))
    page.append(".SH EXIT STATUS\n")
    by_status = {}
    for _, status, text in codes:
        by_status.setdefault(status, []).append(text)
    for status, texts in by_status.items():
        page.append(paragraph(status, "; ".join(texts)))
    page.append(".SH ENVIRONMENT\n")
    page.append(
        paragraph(
            "FOV_CPU", "use at most these instructions: c, avx2, avxvnni, avx512, avx512vnni or amx"
        )
    )
    page.append(paragraph("FOVEA_MODELS", "the folder of networks"))
    page.append(paragraph("FOVEA_CONFIG", "the configuration, with presets of your own, instead of "
                          "fovea/fovea.ini in $XDG_CONFIG_HOME, ~/.config or /etc"))
    page.append(paragraph("FOVEA_STORE", "the store of keys and credits"))
    page.append(".SH EXAMPLES\n.nf\nfovea upscale photo.jpg large.png\n"
                "fovea upscale photo.jpg house.jpg \\-\\-factor 2 \\-\\-quality 92 \\-\\-force\n"
                "fovea upscale \\- \\- <small.png >large.png\n.fi\n")
    sys.stdout.write("".join(page))


if __name__ == "__main__":
    main()
