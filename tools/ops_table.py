# SPDX-License-Identifier: Apache-2.0
"""The table of operations, src/image/ops.def, for scripts."""
import dataclasses
import pathlib

from make_man import table

ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass
class Field:
    """One field of an operation."""
    name: str
    kind: str
    least: float
    most: float
    words: list
    fallback: object  # None: required; "": nothing
    help: str

    @property
    def required(self):
        """Must it be given?"""
        return self.fallback is None

    def range(self):
        """What it may be, in words."""
        if self.kind in ("INT", "FACTOR"):
            return f"whole number, {self.least:.0f} to {self.most:.0f}"
        if self.kind == "REAL":
            return f"number, {self.least:g} to {self.most:g}"
        if self.kind == "ABOVE":
            return f"number over {self.least:g}, up to {self.most:g}"
        return {"FLAG": "true or false", "COLOUR": "colour, `#RRGGBB`", "TEXT": "text",
                "WORD": " ".join(f"`{w}`" for w in self.words)}[self.kind]

    def ends(self):
        """Values at both ends of its range."""
        if self.kind == "WORD":
            return [self.words[0], self.words[-1]]
        if self.kind == "ABOVE":
            return [self.least + 0.01, self.most]
        if self.kind in ("INT", "FACTOR"):
            return [int(self.least), int(self.most)]
        return {"FLAG": [True, False], "COLOUR": ["#000000", "#ffffff"], "TEXT": ["photo"],
                "REAL": [self.least, self.most]}[self.kind]

    def schema(self):
        """As JSON schema."""
        s = {"INT": {"type": "integer", "minimum": self.least, "maximum": self.most},
             "REAL": {"type": "number", "minimum": self.least, "maximum": self.most},
             "ABOVE": {"type": "number", "exclusiveMinimum": self.least, "maximum": self.most},
             "FLAG": {"type": "boolean"},
             "COLOUR": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"},
             "TEXT": {"type": "string", "minLength": 1},
             "WORD": {"type": "string", "enum": self.words},
             "FACTOR": {"enum": [2, 3, 4, "2", "3", "4"]}}[self.kind]
        s = {k: int(v) if isinstance(v, float) and v == int(v) else v for k, v in s.items()}
        s["description"] = self.help
        if self.fallback not in (None, ""):
            s["default"] = self.fallback
        return s


@dataclasses.dataclass
class Operation:
    """One operation."""
    name: str
    help: str
    fields: list


def _fallback(kind, words, text):
    if text == "REQUIRED":
        return None
    if text == "NONE":
        return ""
    if kind == "WORD":
        return words[int(text)]
    if kind == "COLOUR":
        return f"#{int(text, 16):06X}"
    return float(text) if "." in text else int(text)


def read():
    """Every operation, in the order of the table."""
    text = (ROOT / "src/image/ops.def").read_text(encoding="utf-8")
    text = text[text.index("*/") + 2:]
    fields = {}
    for op, name, kind, least, most, words, fallback, line in table("FIELD", 8, text):
        words = [] if words == "NULL" else words.split("|")
        fields.setdefault(op, []).append(Field(name, kind, float(least), float(most), words,
                                               _fallback(kind, words, fallback), line))
    return [Operation(name, line, fields.get(name, [])) for name, line in table("OP", 2, text)]
