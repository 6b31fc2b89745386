#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/api/openapi.json against the structure of OpenAPI 3.1, as far as a script can hold it, and
against the tables of the program, read here by other means than tools/make_openapi.py has.

    tests/server/test_openapi.py

Prints TAP. Each check yields sentences of what is wrong. The last part breaks copies of the
document, one rule each, and wants that rule's check to find it.
"""
import copy
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None),
         "integer": int, "number": (int, float)}


def text_of(path):
    """A file of the tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def walk(node, path="#"):
    """Every object within, with where it is."""
    if isinstance(node, dict):
        yield path, node
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, (dict, list)):
            yield from walk(value, f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}")


def find(doc, pointer):
    """What a $ref names, or None."""
    node = doc
    for part in pointer.removeprefix("#/").split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def resolve(doc, node):
    """A node, or what it refers to."""
    return find(doc, node["$ref"]) or {} if "$ref" in node else node


def operations(doc):
    """Every operation: what it is called, its path, its method, itself."""
    for path, item in doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", path, method, item[method]


def answers(doc, op):
    """Every answer of an operation."""
    return {status: resolve(doc, a) for status, a in op["responses"].items()}


# ---- a small reader of JSON schema -----------------------------------------------------------

def is_of(value, kind):
    """Is a value of this type? True and false are no numbers."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value == int(value)
    return isinstance(value, TYPES[kind])


def same(a, b):
    """Are they the same value? True is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def faults_of_number(schema, value):
    """Its range."""
    if value < schema.get("minimum", value) or value > schema.get("maximum", value):
        yield "is out of its range"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield "is not over its minimum"


def faults_of_text(schema, value):
    """Its length and pattern."""
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield "has a length that it may not have"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"does not match {schema['pattern']}"


def faults_of_object(doc, schema, value):
    """Its members."""
    for name in schema.get("required", []):
        if name not in value:
            yield f"lacks {name}"
    if len(value) < schema.get("minProperties", 0):
        yield "has too few members"
    for name, member in value.items():
        of = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
        if of is False:
            yield f"may not have {name}"
        elif of is not True:
            yield from (f"{name}: {f}" for f in faults(doc, of, member))


def faults(doc, schema, value):
    """Why a value does not satisfy a schema."""
    if "$ref" in schema:
        yield from faults(doc, resolve(doc, schema), value)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_of(value, k) for k in kinds):
        yield f"is not of type {' or '.join(kinds)}"
        return
    if "const" in schema and not same(value, schema["const"]):
        yield f"is not {schema['const']!r}"
    if "enum" in schema and not any(same(value, e) for e in schema["enum"]):
        yield f"is none of {schema['enum']}"
    if is_of(value, "number"):
        yield from faults_of_number(schema, value)
    if isinstance(value, str):
        yield from faults_of_text(schema, value)
    if isinstance(value, dict):
        yield from faults_of_object(doc, schema, value)
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield "has too many elements"
        for i, element in enumerate(value):
            yield from (f"[{i}]: {f}" for f in faults(doc, schema.get("items", {}), element))
    fits = {k: [not list(faults(doc, s, value)) for s in schema.get(k, [])]
            for k in ("oneOf", "anyOf")}
    if fits["oneOf"] and sum(fits["oneOf"]) != 1:
        yield f"fits {sum(fits['oneOf'])} of oneOf"
    if fits["anyOf"] and not any(fits["anyOf"]):
        yield "fits none of anyOf"


# ---- checks ----------------------------------------------------------------------------------

def check_frame(doc):
    """It is a document of OpenAPI 3.1"""
    if not re.fullmatch(r"3\.1\.\d+", doc.get("openapi", "")):
        yield "openapi is not 3.1"
    version = re.search(r"version: '([^']+)'", text_of("meson.build")).group(1)
    if doc["info"].get("version") != version or not doc["info"].get("title"):
        yield "info has not the title and the version of the program"
    allowed = {"openapi", "info", "servers", "security", "paths", "webhooks", "components", "tags",
               "jsonSchemaDialect", "externalDocs"}
    yield from (f"there is no member {name}" for name in set(doc) - allowed)
    for name in (n for kind in doc["components"].values() for n in kind):
        if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
            yield f"no component may be called {name}"


def check_refs(doc):
    """What is referred to is there, and what is there is referred to"""
    used = set()
    for path, node in walk(doc):
        pointer = node.get("$ref")
        for to in [pointer] if pointer else node.get("mapping", {}).values():
            used.add(to)
            if find(doc, to) is None:
                yield f"{path}: there is no {to}"
    for kind, parts in doc["components"].items():
        if kind != "securitySchemes":
            yield from (f"nothing refers to {kind}/{name}" for name in parts
                        if f"#/components/{kind}/{name}" not in used)


def check_schemas(doc):
    """Schemas use types that there are, and require members that they have"""
    for path, node in walk(doc):
        kinds = node.get("type", [])
        if isinstance(kinds, (str, list)) and not path.endswith(("/properties", "/value")) \
                and "/examples/" not in path and "/example/" not in path \
                and "/securitySchemes/" not in path:
            for kind in [kinds] if isinstance(kinds, str) else kinds:
                if kind not in TYPES:
                    yield f"{path}: there is no type {kind}"
            for name in node.get("required", []) if "properties" in node else []:
                if name not in node["properties"]:
                    yield f"{path}: requires {name}, which it does not have"


def check_operations(doc):
    """Each operation of a path has a name of its own, its parameters, and answers"""
    names = []
    for what, path, _, op in operations(doc):
        names.append(op.get("operationId"))
        taken = [resolve(doc, p) for p in op.get("parameters", [])]
        in_path = {p["name"] for p in taken if p.get("in") == "path" and p.get("required") is True}
        if in_path != set(re.findall(r"{(\w+)}", path)):
            yield f"{what}: its parameters are not those of the path"
        if len({(p.get("in"), p.get("name")) for p in taken}) != len(taken):
            yield f"{what}: has a parameter twice"
        for p in taken:
            places = ("query", "header", "path")
            if p.get("in") not in places or ("schema" in p) == ("content" in p):
                yield f"{what}: parameter {p.get('name')} is not complete"
            if p.get("in") == "header" and p["name"] in ("Accept", "Content-Type", "Authorization"):
                yield f"{what}: {p['name']} is ignored as a parameter"
        if not any(s.startswith("2") for s in op.get("responses", {})):
            yield f"{what}: has no answer for success"
        for status, found in answers(doc, op).items():
            if not re.fullmatch(r"[1-5]\d\d|[1-5]XX|default", status) or not found.get(
                    "description"):
                yield f"{what}: answer {status} is none, or says nothing"
    if len(set(names)) != len(names) or None in names:
        yield "operationIds are missing or not unique"


def check_routes(doc):
    """Its paths are those of routes.def, with the keys that they want"""
    routes = re.findall(r'^ROUTE\("(\w+)", "([^"]+)", \w+, (true|false),',
                        text_of("src/server/routes.def"), re.M)
    wanted = {(m, p): k == "true" for m, p, k in routes}
    there = {}
    for _, path, method, op in operations(doc):
        there[(method.upper(), path.split("{")[0])] = bool(op.get("security", doc["security"]))
    yield from (f"{m} {p} is not described" for m, p in set(wanted) - set(there))
    yield from (f"there is no route {m} {p}" for m, p in set(there) - set(wanted))
    yield from (f"{m} {p}: is a key asked for?" for m, p in set(there) & set(wanted)
                if there[(m, p)] != wanted[(m, p)])


def check_ops(doc):
    """Its operations are those of ops.def, with their fields"""
    table = text_of("src/image/ops.def")
    names = re.findall(r"^OP\((\w+),", table, re.M)
    union = doc["components"]["schemas"]["Operation"]
    mapping = union["discriminator"]["mapping"]
    if sorted(mapping.values()) != sorted(s["$ref"] for s in union["oneOf"]):
        yield "the discriminator does not name what oneOf does"
    yield from (f"{name} is not in both" for name in set(names) ^ set(mapping))
    for name in set(names) & set(mapping):
        of = find(doc, mapping[name]) or {"properties": {}}
        fields = dict(re.findall(rf"^FIELD\({name}, (\w+),(.*?)(?=^(?:FIELD|END)\()", table,
                                 re.M | re.S))
        if set(of["properties"]) != set(fields) | {"type"}:
            yield f"{name}: its fields are not those of the table"
        needed = {f for f, rest in fields.items() if "REQUIRED" in rest}
        if set(of.get("required", [])) != needed | {"type"}:
            yield f"{name}: requires other fields than the table"
        if of["properties"].get("type") != {"const": name} or of.get("additionalProperties"):
            yield f"{name}: its type is another, or it is open"


def check_statuses(doc):
    """What the program can answer is described"""
    codes = set(re.findall(r"X\(FOV_\w+, \d+, (\d+),", text_of("include/fovea/err.h")))
    transform = doc["paths"]["/image-transformation/v1/transform"]["post"]
    beyond = {"200", "404", "499"}  # no failure; no file of ours; nobody is there to hear it
    missing = codes - beyond - set(transform["responses"])
    yield from (f"transform: {status} is not described" for status in missing)
    page = text_of("docs/service.md")
    for what, _, _, op in operations(doc):
        for status, found in answers(doc, op).items():
            if not re.search(rf"^\|[^|]*\b{status}\b", page, re.M):
                yield f"{what}: {status} is not in docs/service.md"
            if status[0] in "45":
                of = found["content"]["application/json"]["schema"].get("$ref", "")
                if not of.endswith("/Error"):
                    yield f"{what}: {status} is not answered as failures are"
            if "X-Request-Id" not in found.get("headers", {}):
                yield f"{what}: {status} lacks the headers that every answer has"


def check_examples(doc):
    """Examples and defaults satisfy their schemas"""
    n = 0
    for path, node in walk(doc):
        shown = []
        if "schema" in node:
            shown = [e["value"] for e in node.get("examples", {}).values()]
            shown += [node["example"]] if "example" in node else []
            of = node["schema"]
        elif isinstance(node.get("type", node.get("enum")), (str, list)):
            shown = node["examples"] if isinstance(node.get("examples"), list) else []
            shown = shown + ([node["default"]] if "default" in node else [])
            of = node
        for value in shown:
            n += 1
            yield from (f"{path}: its example {f}" for f in faults(doc, of, value))
    if n < 40:
        yield f"there are but {n} examples and defaults"


def check_metrics(_):
    """docs/service.md names every metric"""
    page, code = text_of("docs/service.md"), text_of("src/server/metrics.c")
    names = set(re.findall(r'{"(\w+)", "(?:counter|gauge)"', code))
    names |= {n.removeprefix("fovea_") for n in re.findall(r"# TYPE (fovea_\w+) \w", code)}
    if len(names) < 15:
        yield "metrics.c is not read as it is written"
    yield from (f"fovea_{n} is missing" for n in names if f"`fovea_{n}" not in page)


def check_made(_):
    """What is made of the tables is as they are now"""
    run = subprocess.run([sys.executable, str(ROOT / "tools/make_openapi.py"), "--check"],
                         capture_output=True, text=True, check=False)
    if run.returncode:
        yield from run.stderr.strip().split("\n")


CHECKS = [check_frame, check_refs, check_schemas, check_operations, check_routes, check_ops,
          check_statuses, check_examples, check_metrics, check_made]


# ---- proof that a check can fail -------------------------------------------------------------

TRANSFORM = "/image-transformation/v1/transform"


def examples_of(doc):
    """Those of a transform request."""
    return doc["paths"][TRANSFORM]["post"]["requestBody"]["content"]["application/json"]["examples"]


def schemas(doc):
    """All of them."""
    return doc["components"]["schemas"]


def chain(doc):
    """The operations of an example."""
    return examples_of(doc)["base64"]["value"]["operations"]


def broken(doc):
    """The check that should find it, and a copy of the document with one thing wrong."""
    def but(change):
        other = copy.deepcopy(doc)
        change(other)
        return other

    yield check_frame, but(lambda d: d.update(openapi="3.0.3"))
    yield check_frame, but(lambda d: d["info"].update(version="0"))
    yield check_refs, but(lambda d: schemas(d).pop("File"))
    yield check_refs, but(lambda d: schemas(d).update(Unused={"type": "string"}))
    yield check_schemas, but(lambda d: schemas(d)["Job"].update(type="record"))
    yield check_schemas, but(lambda d: schemas(d)["Job"]["required"].append("other"))
    yield check_operations, but(lambda d: d["paths"]["/v1/jobs/{id}"]["get"].pop("parameters"))
    yield check_operations, but(lambda d: d["paths"]["/v1/me"]["get"].update(operationId="job"))
    yield check_operations, but(lambda d: d["paths"]["/v1/me"]["get"]["responses"].pop("200"))
    yield check_routes, but(lambda d: d["paths"].pop("/v1/me"))
    yield check_routes, but(lambda d: d["paths"].update({"/v1/you": d["paths"]["/v1/me"]}))
    yield check_routes, but(lambda d: d["paths"]["/healthz"]["get"].pop("security"))
    yield check_ops, but(lambda d: schemas(d)["Operation"]["discriminator"]["mapping"].pop("trim"))
    yield check_ops, but(lambda d: schemas(d)["CropOperation"]["required"].remove("top_in_px"))
    yield check_ops, but(lambda d: schemas(d)["TrimOperation"]["properties"].pop("threshold"))
    yield check_statuses, but(lambda d: d["paths"][TRANSFORM]["post"]["responses"].pop("507"))
    yield check_examples, but(lambda d: chain(d)[0].update(factor=5))
    yield check_examples, but(lambda d: chain(d)[0].pop("factor"))
    yield check_examples, but(lambda d: chain(d)[1].update(sigma=0))
    yield check_examples, but(lambda d: chain(d)[1].update(sigma="0.3"))
    yield check_examples, but(lambda d: chain(d)[1].update(radius=1))
    yield check_examples, but(lambda d: chain(d)[2].update(format="bmp"))
    yield check_examples, but(lambda d: chain(d)[2].update(quality=True))
    yield check_examples, but(lambda d: chain(d).extend([{"type": "flip"}] * 28))
    yield check_examples, but(lambda d: chain(d).append({"type": "modulate"}))
    yield check_examples, but(lambda d: chain(d).append({"type": "tint", "hex_color": "red"}))
    yield check_examples, but(lambda d: examples_of(d)["url"]["value"]["file"].pop("url"))
    yield check_examples, but(lambda d: examples_of(d)["url"]["value"].pop("file"))


def main():
    """Print TAP."""
    doc = json.loads(text_of("docs/api/openapi.json"))
    proofs = list(broken(doc))
    print(f"1..{len(CHECKS) + len(proofs)}")
    results = [(check.__doc__, list(check(doc))) for check in CHECKS]
    for i, (check, other) in enumerate(proofs):
        found = list(check(other))
        results.append((f"{check.__name__} finds fault {i}", [] if found else ["it does not"]))
    for i, (name, wrong) in enumerate(results, 1):
        print(f"{'not ok' if wrong else 'ok'} {i} - {name}")
        print("".join(f"# {line}\n" for line in wrong), end="")
    return any(wrong for _, wrong in results)


if __name__ == "__main__":
    sys.exit(main())
