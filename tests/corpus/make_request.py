#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/corpus/request/: bodies of requests as the clients send them, and wrong ones.

    tests/corpus/make_request.py FOLDER
"""
import base64
import json
import pathlib
import sys

FILE = base64.b64encode(b"\xff\xfe\xff" * 9 + b"ab").decode()
OPS = [{"type": "upscale", "factor": "4"}, {"type": "sharpen", "sigma": 0.3}]
FETCH = {"auth": {"type": "basic", "username": "me", "password": "secret"},
         "headers": {"X-One": "1", "Cookie": "a=b"}, "locale": "de", "timeout_ms": 2000,
         "should_render_javascript": False, "user_agent": "shop/1"}

GOOD = {
    "documented": {"file": {"name": "a.png", "base64": FILE}, "operations": OPS},
    "sdk": {"file": {"type": "base64", "name": "a.png", "base64": FILE}, "operations": []},
    "url": {"file": {"type": "url", "name": "a.png", "url": "https://example.com/a.png",
                     "fetch_options": {}}, "operations": OPS,
            "webhook_url": "https://example.com/hook"},
    "fetch": {"file": {"url": "https://example.com/", "fetch_options": FETCH}, "operations": OPS},
    "bearer": {"file": {"url": "https://example.com/", "fetch_options": {"auth": {"token": "a"}}},
               "operations": OPS},
    "both": {"file": {"type": "url", "url": "https://example.com/", "base64": FILE},
             "operations": []},
    "nulls": {"file": {"type": None, "name": None, "url": None, "base64": FILE,
                       "fetch_options": None}, "operations": [], "webhook_url": None,
              "dry_run": None},
    "data-uri": {"file": {"base64": "data:image/png;base64," + FILE}, "operations": OPS},
    "unpadded": {"file": {"base64": FILE.rstrip("=")}, "operations": OPS},
    "elsewhere": {"x": {"base64": "?"}, "file": {"y": {"base64": "?"}, "base64": FILE},
                  "operations": [{"file": {"base64": "?"}}], "dry_run": True},
}
TEXTS = {
    "empty": "",
    "cut": '{"operations":[],"file":{"base64":"aGVs',
    "php": json.dumps(GOOD["documented"]).replace("/", "\\/"),
    "escaped-keys": '{"operations":[],"f\\u0069le":{"b\\u0061se64":"\\u0061GVsbG8\\u003d"}}',
    "escape-that-is-none": '{"operations":[],"file":{"base64":"aGVs\\q"}}',
    "deep": '{"file":' + "[" * 3000 + "]" * 3000 + "}",
    "twice": '{"operations":[],"file":{"base64":"aA==","base64":"aA=="}}',
    "twice-elsewhere": '{"operations":[{"a":1,"a":2}],"file":{"base64":"aA=="}}',
    "value-without-key": '{"operations":[],"file":{"base64":5 "aA=="}}',
    "too-large": json.dumps({"operations": [], "file": {"base64": "AAAA" * 400}}),
    "not-utf-8": '{"operations":[],"file":{"name":"\udcff","base64":"aA=="}}',
    "nul": '{"operations":[],"file":{"name":"\\u0000","base64":"aA=="}}',
    "many": json.dumps({"operations": [1] * 31, "file": {"base64": "aA=="}}),
}


def main():
    """All of them."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in GOOD.items():
        (folder / name).write_text(json.dumps(body), encoding="utf-8")
    for name, text in TEXTS.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main()
