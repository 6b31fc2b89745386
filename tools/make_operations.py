#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make docs/operations.md, or with --schema docs/api/operations.schema.json, from the table of
operations that the program itself is made from.

    tools/make_operations.py >docs/operations.md
    tools/make_operations.py --schema >docs/api/operations.schema.json
"""
import json
import sys

import ops_table

HEAD = """# Operations

A chain of operations is a JSON array; they are applied in order, as one stream:

```sh
fovea transform in.jpg out.jpg --ops '[
  {"type": "upscale", "factor": 2},
  {"type": "resize", "width_in_px": 1000, "height_in_px": 1000, "fit": "cover"},
  {"type": "sharpen", "sigma": 0.3},
  {"type": "convert", "format": "jpeg", "quality": 90}]'
```

`--ops @FILE` reads them from a file, `--dry-run` tells the size of the result. There may be 30 of
them. A field that is `null` counts as missing. 8 and 16 bits, grey and transparency are kept by
every operation that does not change them by its nature; one of neighbouring pixels weights colours
by transparency. This page is made by `tools/make_operations.py` from the table `src/image/ops.def`;
so is `docs/api/operations.schema.json`.
"""


def page(operations):
    """The page as Markdown."""
    out = [HEAD, "| operation | |\n|---|---|"]
    out += [f"| [`{op.name}`](#{op.name}) | {op.help} |" for op in operations]
    for op in operations:
        out.append(f"\n## {op.name}\n\n{op.help[0].upper()}{op.help[1:]}.")
        if op.fields:
            out.append("\n| field | | may be | unless given |\n|---|---|---|---|")
        for f in op.fields:
            unless = "required" if f.required else f"`{f.fallback}`" if f.fallback != "" else ""
            out.append(f"| `{f.name}` | {f.help} | {f.range()} | {unless} |")
    return "\n".join(out)


def schema(operations):
    """A JSON schema of a recipe."""
    each = []
    for op in operations:
        properties = {"type": {"const": op.name}} | {f.name: f.schema() for f in op.fields}
        each.append({"title": op.name, "description": op.help, "type": "object",
                     "properties": properties, "additionalProperties": False,
                     "required": ["type"] + [f.name for f in op.fields if f.required]})
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema",
                       "title": "Operations", "type": "array", "maxItems": 30,
                       "items": {"oneOf": each}}, indent=1)


def main():
    """The command line."""
    if len(sys.argv) > 2 or sys.argv[1:] not in ([], ["--schema"]):
        raise SystemExit(__doc__)
    print((schema if sys.argv[1:] else page)(ops_table.read()))


if __name__ == "__main__":
    main()
