#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make what is written about the service and comes from its tables: docs/api/openapi.json, the
table of settings in docs/service.md, and packaging/fovea.ini.

    tools/make_openapi.py           write them
    tools/make_openapi.py --check   say which differ, and write nothing

Operations come from src/image/ops.def, paths from src/server/routes.def, limits from
src/server/request.h and fetch.h, settings from src/server/settings.def. What a path takes and
answers stands here, one function for each handler of routes.def.
"""
import json
import re
import sys

import ops_table
from make_man import table

ROOT = ops_table.ROOT
JSON = "application/json"
BINARY = {"type": "string", "contentMediaType": "application/octet-stream"}
PIXEL = "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="  # a GIF of one
JOB_ID, WEBHOOK_ID = "job_4Yw0cKq7TnVd2RzLx9BmPe", "msg_8sHfJ3uXa6GkQo1WbNy5Ct"

# Status: name, what it means, an example.
ERRORS = {
    400: ("InvalidRequest", "The request is wrong: a member is missing or is not what it may be, "
          "a URL is not https or leads inside a network, or the file is in no format that is read",
          "operations[0] (upscale): factor is missing; it is a whole number from 2 to 4"),
    401: ("InvalidKey", "The key is missing, wrong or revoked", "Invalid API key"),
    402: ("NoCredits", "The credits of the service, or the budget of the key's project, are used "
          "up", "Insufficient credits"),
    403: ("Forbidden", "The key may not do this", "not permitted"),
    404: ("NotFound", "The key's project has nothing of this name",
          f"there is no job {JOB_ID}"),
    405: ("WrongMethod", "The path has other methods; Allow names them",
          "PUT is no method of this path; it has POST"),
    409: ("Ended", "It is not in a state in which this can be done",
          f"job {JOB_ID} is done and cannot be cancelled"),
    413: ("TooLarge", "The body, the file, the picture or the result is over a limit",
          "the body is over the limit of 60 MiB"),
    415: ("WrongBody", "The Content-Type is none of those that a body may have",
          "a body is application/json, multipart/form-data, or a picture as it is (image/*)"),
    422: ("CannotProcess", "The picture is damaged, an operation does not fit it, a colour is "
          "none, or the server of a URL does not give the file",
          "operations[0] (crop): 900x4 at 0, 0 reaches beyond the picture, which is 496x400 there"),
    429: ("TooMany", "More requests came in the last minute than may", "Rate limit exceeded"),
    500: ("Fault", "A fault of the service", "a worker answered what it may not"),
    503: ("Busy", "All workers are busy, memory is short, a network is missing, or the service is "
          "stopping: the same request may be sent again later", "all workers are busy"),
    504: ("Late", "The picture took longer than it may",
          "photo.jpg: took longer than the 280 s that a picture may"),
    507: ("NoSpace", "The service's store cannot be written to",
          "fovea.db: database or disk is full"),
}
ANY_KEY = (401, 405, 429, 500, 503, 507)  # what every path may answer that asks for a key
LATER = {429: ["Retry-After"], 503: ["Retry-After"], 401: ["WWW-Authenticate"], 405: ["Allow"]}

HEADERS = {
    "X-Request-Id": ("string", "The request's name, as it stands in the log"),
    "X-RateLimit-Limit": ("integer", "How many requests a minute there may be, of all keys; "
                          "absent, like the next two, when that is any number"),
    "X-RateLimit-Remaining": ("integer", "How many of them are left now"),
    "X-RateLimit-Reset": ("integer", "Unix time at which all of them are free again"),
    "Retry-After": ("integer", "Seconds after which it is worth trying again"),
    "Fovea-Cost": ("integer", "Credits that the request takes or, with dry_run, would take"),
    "WWW-Authenticate": ("string", "Bearer"),
    "Allow": ("string", "The methods that the path has"),
}
EVERYWHERE = ["X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"]


# ---- the tables ------------------------------------------------------------------------------

def text_of(path):
    """A file of the tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def limits():
    """The constants of request.h and fetch.h, by name without FOV_."""
    found = {}
    for path in ("src/server/request.h", "src/server/fetch.h"):
        for name, value, shift in re.findall(r"^ +FOV_(\w+) = (\d+)(?: << (\d+))?,",
                                             text_of(path), re.M):
            found[name] = int(value) << int(shift or 0)
    return found


def settings():
    """Each setting: name, default or None, range or None, is it taken over by a reload, help."""
    text = text_of("src/server/settings.def")
    found = []
    for kind, name in re.findall(r"^(INT|TEXT)\((\w+),", text, re.M):
        rows = table(kind, 6 if kind == "INT" else 4, text)
        row = next(r for r in rows if r[0] == name)
        if kind == "INT":
            found.append((name, row[3], (row[1], row[2]), row[4] == "true", row[5]))
        else:
            found.append((name, None if row[1] == "NULL" else row[1], None, row[2] == "true",
                          row[3]))
    return found


def default_of(name):
    """The default of a setting, as it is written."""
    return next(fallback for n, fallback, *_ in settings() if n == name)


# ---- pieces ----------------------------------------------------------------------------------

def ref(kind, name):
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schema(name):
    """A reference to a schema."""
    return ref("schemas", name)


def text(description, **more):
    """A schema of a text."""
    return {"type": "string", "description": description} | more


def number(description, least=0, **more):
    """A schema of a whole number."""
    return {"type": "integer", "minimum": least, "description": description} | more


def record(properties, required=None, **more):
    """A schema of an object; all its members are required unless said."""
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties} | (
        {"required": needed} if needed else {}) | more


def success(data):
    """A schema of {"success": true, "data": ...}."""
    return record({"success": {"const": True}, "data": data})


def headers(names):
    """Headers of an answer."""
    return {n: ref("headers", n) for n in EVERYWHERE + names}


def answer(description, content, more=()):
    """An answer."""
    return {"description": description, "headers": headers(list(more)), "content": content}


def as_json(of, **examples):
    """Content in JSON."""
    return {JSON: {"schema": of, "examples": {k: {"value": v} for k, v in examples.items()}}}


def failures(*statuses):
    """References to the answers of these statuses."""
    return {str(s): ref("responses", ERRORS[s][0]) for s in sorted(set(statuses))}


# ---- schemas ---------------------------------------------------------------------------------

def sentence(line):
    """A line of a table as a sentence."""
    return line[0].upper() + line[1:]


def operation_name(op):
    """SmartCropOperation."""
    return "".join(w.capitalize() for w in op.name.split("_")) + "Operation"


def operation_schema(op):
    """One operation."""
    properties = {"type": {"const": op.name}}
    for field in op.fields:
        s = field.schema()
        if field.kind == "FACTOR":
            whole = [v for v in s["enum"] if isinstance(v, int)]
            s = {"oneOf": [{"type": "integer", "enum": whole},
                           {"type": "string", "enum": [str(v) for v in whole]}],
                 "description": s["description"] + "; a whole number, or the same in quotes"}
        s["description"] = sentence(s["description"])
        properties[field.name] = s
    more = {"minProperties": 2} if "at least one" in op.help else {}
    return record(properties, ["type"] + [f.name for f in op.fields if f.required],
                  additionalProperties=False, description=sentence(op.help), **more)


def file_schemas(n):
    """What a request says of its file."""
    auth = record({
        "type": text("Inferred from the members when it is missing", enum=["basic", "bearer"]),
        "username": text("For basic; without a colon"),
        "password": text("For basic"),
        "token": text("For bearer")}, [],
        description="How to authorise the request for the file")
    fetch = record({
        "timeout_ms": {"type": "integer", "minimum": n["FETCH_LEAST_MS"],
                       "maximum": n["FETCH_MOST_MS"], "description":
                       "Time for the file, in milliseconds; by itself the setting fetch_s"},
        "user_agent": text("Instead of Fovea's own", maxLength=8000),
        "headers": {"type": "object", "additionalProperties": {"type": "string"},
                    "maxProperties": n["FETCH_MAX_HEADERS"], "description":
                    "Headers to send along. Those between two machines (Host, Connection, "
                    "Content-Length and the like), cookies, Range and Accept-Encoding are dropped"},
        "auth": schema("FetchAuth"),
        "locale": text("Has no meaning for a picture and is ignored"),
        "should_render_javascript": {"type": "boolean", "description":
                                     "Has no meaning for a picture and is ignored"}}, [],
        description="How to ask for the file of a URL")
    file = record({
        "type": text("Which of base64 and url counts; inferred when only one is there",
                     enum=["base64", "url"]),
        "name": text("The file's name, for sentences. The content alone says what format it is; "
                     f"{n['REQUEST_MAX_NAME_BYTES']} bytes at most",
                     maxLength=n["REQUEST_MAX_NAME_BYTES"], examples=["photo.jpg"]),
        "base64": text("The file, in padded base64; a head \"data:image/...;base64,\" is taken "
                       f"off. {default_of('max_file_mb')} MiB at most, decoded, unless the service "
                       "is set up otherwise", contentEncoding="base64", minLength=1),
        "url": text("Where the file is: https, and an address on the public Internet, through at "
                    "most 5 redirects", format="uri", pattern="^https://"),
        "fetch_options": schema("FetchOptions")}, [],
        anyOf=[{"required": ["base64"]}, {"required": ["url"]}],
        description="The picture: JPEG, PNG, WebP, GIF, AVIF, HEIF, JPEG XL, TIFF, BMP or SVG")
    return {"File": file, "FetchOptions": fetch, "FetchAuth": auth}


def request_schemas(n, operations):
    """Bodies of a transform request, and what is in them."""
    webhook = text("Where to deliver the result, https; with it, the request is asynchronous",
                   format="uri", pattern="^https://")
    dry_run = {"type": "boolean", "default": False, "description":
               "Make nothing and take no credit: answer the size of the result and the cost"}
    chain = {"type": "array", "items": schema("Operation"),
             "maxItems": n["REQUEST_MAX_OPERATIONS"],
             "description": "Applied in order, as one stream. [] answers the file as it came. The "
             "result is in the format of the convert behind the last upscale, "
             "else PNG after an upscale, else in the "
             "format of the file. A field that is null counts as missing"}
    body = record({"file": schema("File"), "operations": schema("Operations"),
                   "webhook_url": webhook, "dry_run": dry_run}, ["file", "operations"],
                  description="A member that is null counts as missing, one of another name is "
                  f"ignored. {default_of('max_body_mb')} MiB at most unless the service is set up "
                  f"otherwise, and {n['REQUEST_MAX_REST_BYTES'] >> 20} MiB of it beside "
                  "file.base64")
    form = record({"file": BINARY | {"description": "The file itself; the part's file name is its "
                                     "name unless name is there"},
                   "operations": schema("Operations"),
                   "name": text("The file's name", maxLength=n["REQUEST_MAX_NAME_BYTES"]),
                   "webhook_url": webhook, "dry_run": dry_run}, ["file", "operations"],
                  description="Each part once")
    names = {operation_name(op): op for op in operations}
    union = {"oneOf": [schema(name) for name in names],
             "discriminator": {"propertyName": "type", "mapping": {
                 op.name: schema(name)["$ref"] for name, op in names.items()}}}
    return {"TransformRequest": body, "TransformForm": form, "Operations": chain,
            "Operation": union} | {name: operation_schema(op) for name, op in names.items()}


PICTURE = {"buffer": text("The file, in base64", contentEncoding="base64"),
           "mime_type": text("What it is", examples=["image/png"])}
SIZE = {"width_px": number("Its width", 1), "height_px": number("Its height", 1)}


def answer_schemas():
    """What is answered."""
    unix = {"type": ["integer", "null"], "description": "Unix seconds, or null while it has not"}
    dry = success(record({"dry_run": {"const": True}, **SIZE,
                          "size_is_exact": {"type": "boolean", "description":
                                            "False when only the pixels can tell the size"},
                          "mime_type": PICTURE["mime_type"],
                          "cost": number("Credits that it would take")}))
    state = {"job_id": text("The job"),
             "state": text("How it stands",
                           enum=["queued", "running", "done", "failed", "cancelled"]),
             "created_at": number("When it was accepted, in Unix seconds"), "finished_at": unix}
    job = record({**state, **PICTURE, **SIZE,
                  "error": text("Why it failed: one sentence"),
                  "status": number("The status that a synchronous request would have had", 400)},
                 list(state), description="With buffer, mime_type, width_px and height_px when it "
                 "is done, with error and status when it has failed")
    credit = record({"trial": number("Left, given for trial; used first"),
                     "paid": number("Left, paid for"), "remaining": number("Both")})
    dead = record({"id": text("The webhook"), "job_id": text("The job it tells of"),
                   "url": text("Where it goes", format="uri"),
                   "attempts": number("How often it was tried"),
                   "error": text("Why the last attempt failed"),
                   "since": number("When it was given up, in Unix seconds")})
    return {
        "Transformed": success(record(PICTURE)),
        "DryRun": dry,
        "Accepted": record({"success": {"const": True}, "async": {"const": True},
                            "message": text("A sentence"),
                            "job_id": text("For /v1/jobs/{id}")}),
        "Error": record({"success": {"const": False}, "error": text("One sentence")}),
        "Job": job,
        "JobAnswer": success(schema("Job")),
        "Me": success(record({"project": text("What the key belongs to"),
                              "key_prefix": text("How the key begins"),
                              "key_name": text("What it is called"), "credits": credit})),
        "Webhook": dead,
        "Webhooks": success({"type": "array", "items": schema("Webhook")}),
        "Retried": success(record({"id": text("The webhook")})),
        "Well": record({"success": {"const": True}}),
        "WebhookSuccess": record({"success": {"const": True},
                                  "api": {"const": "image_transformation"},
                                  "data": record(PICTURE), "job_id": text("The job")}),
        "WebhookFailure": record({"success": {"const": False},
                                  "api": {"const": "image_transformation"},
                                  "error": record({"message": text("One sentence")}),
                                  "job_id": text("The job")}),
    }


# ---- paths, one function for each handler ------------------------------------------------------

DONE_EXAMPLE = {"job_id": JOB_ID, "state": "done", "created_at": 1735689600,
                "finished_at": 1735689604, "buffer": PIXEL, "mime_type": "image/gif",
                "width_px": 1, "height_px": 1}
FAILED_EXAMPLE = {"job_id": JOB_ID, "state": "failed", "created_at": 1735689600,
                  "finished_at": 1735689604, "error": ERRORS[422][2], "status": 422}
QUEUED_EXAMPLE = {"job_id": JOB_ID, "state": "queued", "created_at": 1735689600,
                  "finished_at": None}
CHAIN_EXAMPLE = [{"type": "upscale", "factor": 4}, {"type": "sharpen", "sigma": 0.3},
                 {"type": "convert", "format": "jpeg", "quality": 90}]
# As a parameter it would be ignored: OpenAPI has content instead.
ACCEPT = "With `Accept: image/*`, and no application/json in it, a picture is answered as it is"


def transform_parameters():
    """What is in headers and, beside a raw body, in the query."""
    found = [ref("parameters", n) for n in ("RequestId", "IdempotencyKey")]
    beside = "Beside a body that is the file itself: "
    for name, more in {"operations": {"content": {JSON: {"schema": schema("Operations"),
                                                         "example": CHAIN_EXAMPLE}}},
                       "name": {"schema": {"type": "string"}, "example": "photo.jpg"},
                       "webhook_url": {"schema": {"type": "string", "format": "uri"}},
                       "dry_run": {"schema": {"type": "boolean", "default": False}}}.items():
        found.append({"name": name, "in": "query", "required": False,
                      "description": f"{beside}as in a JSON body", **more})
    return found


def path_transform():
    """POST transform."""
    base64 = {"file": {"type": "base64", "name": "photo.gif", "base64": PIXEL},
              "operations": CHAIN_EXAMPLE}
    url = {"file": {"type": "url", "name": "photo.jpg", "url": "https://example.org/photo.jpg",
                    "fetch_options": {"timeout_ms": 10000}},
           "operations": CHAIN_EXAMPLE, "webhook_url": "https://example.org/hooks/fovea"}
    dry = {"success": True, "data": {"dry_run": True, "width_px": 1984, "height_px": 1600,
                                     "size_is_exact": True, "mime_type": "image/jpeg", "cost": 1}}
    accepted = {"success": True, "async": True, "job_id": JOB_ID, "message":
                "The request was accepted; its result goes to webhook_url"}
    done = {"success": True, "data": {"buffer": PIXEL, "mime_type": "image/gif"}}
    return {
        "description": "A body is JSON, the parts of a form, or the file itself with all else in "
                       f"the query. {ACCEPT}",
        "parameters": transform_parameters(),
        "requestBody": {"required": True, "content": {
            **as_json(schema("TransformRequest"), base64=base64, url=url),
            "multipart/form-data": {
                "schema": schema("TransformForm"),
                "encoding": {"operations": {"contentType": JSON},
                             "file": {"contentType": "image/*, application/octet-stream"}}},
            "image/*": {}}},
        "responses": {
            "200": answer("The picture, or with dry_run what it would be", {
                **as_json({"oneOf": [schema("Transformed"), schema("DryRun")]}, picture=done,
                          dry_run=dry), "image/*": {}}, ["Fovea-Cost"]),
            "201": answer("Accepted: there is a webhook_url", as_json(schema("Accepted"),
                                                                      accepted=accepted),
                          ["Fovea-Cost"]),
            **failures(*ANY_KEY, 400, 402, 403, 409, 413, 415, 422, 504)}}


def path_me():
    """GET /v1/me."""
    me = {"success": True, "data": {"project": "default", "key_prefix": "fov_3kQ9xZpL",
                                     "key_name": "shop", "credits": {
                                         "trial": 20, "paid": 480, "remaining": 500}}}
    return {"parameters": [ref("parameters", "RequestId")], "responses": {
        "200": answer("Whose key it is", as_json(schema("Me"), me=me)), **failures(*ANY_KEY)}}


def path_job():
    """GET /v1/jobs/{id}."""
    of = {k: {"success": True, "data": v} for k, v in (
        ("queued", QUEUED_EXAMPLE), ("done", DONE_EXAMPLE), ("failed", FAILED_EXAMPLE))}
    return {"parameters": [ref("parameters", n) for n in ("JobId", "RequestId")],
            "description": ACCEPT,
            "responses": {"200": answer("How it stands, with the result when it is done", {
                **as_json(schema("JobAnswer"), **of), "image/*": {}}),
                **failures(*ANY_KEY, 404)}}


def path_cancel():
    """DELETE /v1/jobs/{id}."""
    end = {"success": True, "data": QUEUED_EXAMPLE | {"state": "cancelled",
                                                      "finished_at": 1735689602}}
    return {"parameters": [ref("parameters", n) for n in ("JobId", "RequestId")],
            "responses": {"200": answer("It is cancelled, its credit given back; no webhook tells",
                                        as_json(schema("JobAnswer"), cancelled=end)),
                          **failures(*ANY_KEY, 404, 409)}}


def path_webhooks():
    """GET /v1/webhooks."""
    dead = {"success": True, "data": [
        {"id": WEBHOOK_ID, "job_id": JOB_ID, "url": "https://example.org/hooks/fovea",
         "attempts": 11, "error": "the server answered 404", "since": 1735776000}]}
    return {"parameters": [ref("parameters", "RequestId")], "responses": {
        "200": answer("Those of the key's project, the one given up first before the others",
                      as_json(schema("Webhooks"), dead=dead)), **failures(*ANY_KEY)}}


def path_retry():
    """POST /v1/webhooks/{id}/retry."""
    return {"parameters": [ref("parameters", n) for n in ("WebhookId", "RequestId")],
            "responses": {"200": answer("It is due now, with all attempts before it", as_json(
                schema("Retried"), retried={"success": True, "data": {"id": WEBHOOK_ID}})),
                **failures(*ANY_KEY, 404, 409)}}


def path_health():
    """GET /healthz."""
    return {"responses": {"200": answer("It runs", as_json(schema("Well"), well={"success": True})),
                          **failures(405)}}


def path_ready():
    """GET /readyz."""
    return {"responses": {"200": answer("It takes requests", as_json(schema("Well"),
                                                                     well={"success": True})),
                          **failures(405, 503)}}


def path_openapi():
    """GET /openapi.json."""
    return {"responses": {"200": answer("This document", {JSON: {"schema": {"type": "object"}}}),
                          **failures(405)}}


# By the handler's name in routes.def: what is behind a path that ends in "/", what is said.
HANDLERS = {"transform": ("", path_transform), "me": ("", path_me), "job": ("{id}", path_job),
            "cancel": ("{id}", path_cancel), "webhooks": ("", path_webhooks),
            "retry": ("{id}/retry", path_retry), "health": ("", path_health),
            "ready": ("", path_ready), "openapi": ("", path_openapi)}


def paths():
    """Every path."""
    found = {}
    for method, path, handler, needs_key, line in table("ROUTE", 5,
                                                        text_of("src/server/routes.def")):
        if handler not in HANDLERS:
            raise SystemExit(f"make_openapi.py: nothing here describes the route {handler}")
        behind, describe = HANDLERS[handler]
        head = {"operationId": handler, "summary": sentence(line)}
        if needs_key != "true":
            head["security"] = []
        found.setdefault(path + behind, {})[method.lower()] = head | describe()
    return found


# ---- the document ----------------------------------------------------------------------------

def parameters():
    """What is in headers and paths."""
    def header(name, description, **of):
        return {"name": name, "in": "header", "required": False, "description": description,
                "schema": {"type": "string"} | of}

    def identifier(description, example):
        return {"name": "id", "in": "path", "required": True, "description": description,
                "schema": {"type": "string"}, "example": example}
    return {
        "RequestId": header("X-Request-Id", "A name for the request, which its answer and the log "
                            "repeat; one is made up unless it is made of up to 64 letters, digits, "
                            "-, _ and .", pattern="^[A-Za-z0-9._-]{1,64}$"),
        "IdempotencyKey": header("Idempotency-Key", "Sent with the same request again, it answers "
                                 "what the first one came to, and takes no second credit; with "
                                 "another request: 400", minLength=1, maxLength=255),
        "JobId": identifier("The job_id of an asynchronous request", JOB_ID),
        "WebhookId": identifier("The id of a webhook that /v1/webhooks lists", WEBHOOK_ID),
    }


def responses():
    """What failures answer."""
    return {name: answer(f"{description}.", as_json(schema("Error"), error={
        "success": False, "error": example}), LATER.get(status, []))
            for status, (name, description, example) in ERRORS.items()}


def webhook():
    """What is delivered to webhook_url."""
    def header(name, description, example):
        return {"name": name, "in": "header", "required": True, "description": description,
                "schema": {"type": "string"}, "example": example}
    return {"post": {
        "operationId": "webhook", "security": [],
        "summary": "How an asynchronous request ended, delivered to its webhook_url",
        "description": "Anything but a status of 200 to 299 within 30 s is tried again, ten times "
                       "within a day. Redirects are not followed",
        "parameters": [
            header("webhook-id", "The same for each attempt: tells a repetition", WEBHOOK_ID),
            header("webhook-timestamp", "Unix seconds of this attempt", "1735689604"),
            header("webhook-signature", "v1, a comma, and in base64 the HMAC-SHA256 of "
                   "\"id.timestamp.body\" with the service's secret",
                   "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=")],
        "requestBody": {"required": True, "content": as_json(
            {"oneOf": [schema("WebhookSuccess"), schema("WebhookFailure")]},
            success={"success": True, "api": "image_transformation",
                     "data": {"buffer": PIXEL, "mime_type": "image/gif"}, "job_id": JOB_ID},
            failure={"success": False, "api": "image_transformation",
                     "error": {"message": ERRORS[422][2]}, "job_id": JOB_ID})},
        "responses": {"2XX": {"description": "It has arrived"}}}}


def document():
    """All of it."""
    n, operations = limits(), ops_table.read()
    version = re.search(r"^  version: '([^']+)'", text_of("meson.build"), re.M).group(1)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Fovea", "version": version,
                 "summary": "Enlarges and transforms pictures",
                 "description": "Any other path is answered by 404, any other method of a path by "
                 "405, and every failure by one sentence in `error`. Each request with a key "
                 "counts for the limit of requests a minute.",
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/", "description": "Where this document was found"}],
        "security": [{"key": []}],
        "paths": paths(),
        "webhooks": {"transformed": webhook()},
        "components": {
            "schemas": request_schemas(n, operations) | file_schemas(n) | answer_schemas(),
            "parameters": parameters(),
            "headers": {name: {"description": description, "schema": {"type": kind}}
                        for name, (kind, description) in HEADERS.items()},
            "responses": responses(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "fov_",
                                        "description": "What `fovea key create` prints"}}}}


def settings_table():
    """Settings as Markdown."""
    out = ["| setting | | may be | unless given | by a reload |", "|---|---|---|---|---|"]
    for name, fallback, ends, reloads, line in settings():
        may = f"{ends[0]} to {ends[1]}" if ends else "text"
        out.append(f"| `{name}` | {line} | {may} | {f'`{fallback}`' if fallback else ''} | "
                   f"{'yes' if reloads else ''} |")
    return "\n".join(out)


def example_ini():
    """The example configuration."""
    out = ["; fovea.ini -- every setting of the service, as it is by itself. Take off the ; of a",
           "; line to change it; the variable FOVEA_SERVE_<NAME> of the environment goes before.",
           "; What is marked (reload) is taken over by `systemctl reload fovea`.", "", "[serve]"]
    for name, fallback, ends, reloads, line in settings():
        may = f" [{ends[0]} to {ends[1]}]" if ends else ""
        out += ["", f"; {line}{may}{' (reload)' if reloads else ''}", f";{name} = {fallback or ''}"]
    return "\n".join(line.rstrip() for line in out) + "\n"


def between(page, made):
    """A page with what is between its two marks replaced."""
    begin, end = "<!-- settings.def -->\n", "<!-- /settings.def -->"
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit("make_openapi.py: docs/service.md has lost its marks settings.def")
    return f"{before}{begin}\n{made}\n\n{end}{after}"


def main():
    """The command line."""
    if sys.argv[1:] not in ([], ["--check"]):
        raise SystemExit(__doc__)
    made = {"docs/api/openapi.json": json.dumps(document(), indent=1) + "\n",
            "docs/service.md": between(text_of("docs/service.md"), settings_table()),
            "packaging/fovea.ini": example_ini()}
    stale = [path for path, wanted in made.items()
             if not (ROOT / path).is_file() or text_of(path) != wanted]
    for path in stale:
        if sys.argv[1:]:
            print(f"{path} is not what tools/make_openapi.py makes", file=sys.stderr)
        else:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(made[path], encoding="utf-8")
    return 1 if stale and sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
