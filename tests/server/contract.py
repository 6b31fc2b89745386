#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The wire contract of `fovea serve`, seen by a client: bodies, files, answers, headers, HTTP.

    contract.py FOVEA [CASE...]

Operations and their pixels are contract_pictures.py's; jobs, webhooks, credits and the limit of
requests are contract_jobs.py's. What is expected is what the contract says and not what the program
does; where the contract is silent, docs/service.md speaks.
"""
import base64
import io
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading

from PIL import Image

from service import Far, PATIENCE_S, ROOT, Service, TRANSFORM, multipart, run

MIB = 1 << 20
FLIP = [{"type": "flip"}]
FAR, STRICT = [], []  # the server far away; a service that lets nothing through to it


def png(size=(12, 9), colour=(200, 30, 60)):
    """A small file."""
    out = io.BytesIO()
    image = Image.new("RGB", size, colour)
    image.putpixel((0, 0), (0, 0, 255))
    image.save(out, "PNG")
    return out.getvalue()


PNG = png()
TEXT = base64.b64encode(PNG).decode()


def is_flipped(data):
    """Is it the small file, upside down?"""
    if not data:
        return False
    image = Image.open(io.BytesIO(data)).convert("RGB")
    return image.size == (12, 9) and image.getpixel((0, 8)) == (0, 0, 255) and \
        image.getpixel((0, 0)) == (200, 30, 60)


def far():
    """The server far away."""
    return FAR[0]


# ---- the body --------------------------------------------------------------------------------

def answer_of_success(t):
    """200 has success, a buffer of padded base64 and a MIME type, and no more"""
    a = t.transform(PNG, FLIP)
    t.same(sorted(a.json()), ["data", "success"], "what the answer has", a)
    t.same(sorted(a.data), ["buffer", "mime_type"], "what its data have", a)
    t.same(a.data.get("mime_type"), "image/png", "the MIME type", a)
    t.expect(is_flipped(a.picture), "the picture is not the one that was sent, flipped", a)
    t.same(len(a.data.get("buffer", "")) % 4, 0, "what is left of the base64 by fours", a)
    t.same(a.headers.get("Fovea-Cost"), "1", "Fovea-Cost", a)


def file_by_base64(t):
    """base64 with and without type and name, and behind data:image/png;base64,"""
    for more in ({}, {"name": "a.png"}, {"type": "base64"}, {"type": "base64", "name": "a.png"},
                 {"name": "no suffix"}, {"name": "wrong.jpg"}, {"name": "größe ☃.png"},
                 {"name": None, "type": None, "url": None, "fetch_options": None},
                 {"fetch_options": {}}):
        a = t.transform({**more, "base64": TEXT}, FLIP)
        t.expect(is_flipped(a.picture), f"with {more} the picture is another", a)
    a = t.transform({"base64": "data:image/png;base64," + TEXT}, FLIP)
    t.expect(is_flipped(a.picture), "a data URI is not taken", a)
    escaped = json.dumps({"file": {"base64": TEXT}, "operations": FLIP}).replace("/", "\\/")
    a = t.ask("POST", TRANSFORM, escaped, {"Content-Type": "application/json"})
    t.expect(is_flipped(a.picture), "base64 with \\/ is not taken", a)
    for more in (b"", b"\0", b"\0\0"):  # each way to end
        a = t.transform(PNG + more, [])
        t.expect(a.picture == PNG + more, f"a file with {len(more)} more bytes changes", a)
    t.transform({"base64": TEXT, "url": "https://example.com/"}, FLIP, wants=400, says="both")
    t.transform({"type": "base64", "base64": TEXT, "url": "https://example.com/"}, FLIP)


def bad_files(t):
    """a file that is missing, of another type, or no base64 is 400 with a sentence"""
    bodies = [({"operations": FLIP}, "file is missing"),
              ({"file": None, "operations": FLIP}, "file is missing"),
              ({"file": TEXT, "operations": FLIP}, "file is not an object"),
              ({"file": {}, "operations": FLIP}, "neither base64 nor url"),
              ({"file": {"name": "a.png"}, "operations": FLIP}, "neither base64 nor url"),
              ({"file": {"base64": ""}, "operations": FLIP}, "empty"),
              ({"file": {"base64": 5}, "operations": FLIP}, "base64"),
              ({"file": {"base64": TEXT[:-3]}, "operations": FLIP}, "base64 is cut short"),
              ({"file": {"base64": TEXT + "!"}, "operations": FLIP}, "not base64"),
              ({"file": {"base64": "data:text/html;base64," + TEXT}, "operations": FLIP}, "data"),
              ({"file": {"type": "blob", "base64": TEXT}, "operations": FLIP}, "file.type"),
              ({"file": {"type": "url", "base64": TEXT}, "operations": FLIP}, "no file.url"),
              ({"file": {"type": "base64", "url": "https://a.example/"}, "operations": FLIP},
               "no file.base64"),
              ({"file": {"name": 5, "base64": TEXT}, "operations": FLIP}, "file.name"),
              ({"file": {"base64": TEXT}, "operations": FLIP, "webhook_url": 5}, "webhook_url"),
              ({"file": {"base64": TEXT}, "operations": FLIP, "dry_run": "yes"}, "dry_run")]
    for body, says in bodies:
        t.ask("POST", TRANSFORM, body, wants=400, says=says)
    for body in ("", "{", "[]", "null", "5", '"a"', '{"file":{},"file":{}}', "\xff\xfe", "words"):
        t.ask("POST", TRANSFORM, body.encode("latin-1"), {"Content-Type": "application/json"},
              wants=400)


def file_formats(t):
    """JPEG, PNG, WebP, GIF, AVIF, HEIF and SVG are read; other bytes are 400, torn ones 422"""
    corpus = ROOT / "tests/corpus/picture"
    for name, mime in (("jpeg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"),
                       ("gif", "image/gif"), ("avif", "image/avif"), ("heif", "image/heif"),
                       ("svg", None)):
        data = (corpus / name).read_bytes()[1:]  # behind the fuzzer's byte
        a = t.transform(data, FLIP)
        t.expect(a.picture, f"{name} makes no picture", a)
        if mime:
            t.same(a.data.get("mime_type"), mime, f"the MIME type of a {name}, flipped", a)
    t.transform(b"this is no picture at all", FLIP, wants=400)
    t.transform(PNG[:50], FLIP, wants=422, says="damaged")
    t.transform(b"%PDF-1.4 and so on, which is not read here", FLIP, wants=400)


def torn_files(t):
    """a torn file is 422 every time, and costs nothing"""
    before = t.service.spent()
    for operations in (FLIP, [{"type": "flop"}], [{"type": "convert", "format": "webp"}], []):
        for _ in range(20):  # libvips loses one failure in ten
            a = t.transform(PNG[:60], operations, wants=422, says="damaged")
            if a.status != 422:
                break
    t.same(t.service.spent(), before, "the credits that were used")


def operations_member(t):
    """operations is an array of at most 30; none gives back what came, byte by byte"""
    a = t.transform(PNG, [])
    t.expect(a.picture == PNG, "without an operation the file changes", a)
    t.same(a.data.get("mime_type"), "image/png", "the MIME type", a)
    a = t.transform(PNG, FLIP * 30)
    t.expect(not is_flipped(a.picture), "30 flips are one", a)
    t.transform(PNG, FLIP * 29 + [{"type": "flop"}])
    t.transform(PNG, FLIP * 31, wants=400, says="31.*limit of 30")
    for bad in (None, {}, "flip", 5, {"type": "flip"}):
        t.transform(PNG, bad, wants=400, says="operations")
    t.ask("POST", TRANSFORM, {"file": {"base64": TEXT}}, wants=400, says="operations is missing")
    for bad in (None, 5, "flip", [], {}, {"type": 5}, {"type": None}, {"type": "flap"},
                {"type": "flip", "more": 1}, {"Type": "flip"}):
        a = t.transform(PNG, [{"type": "flop"}, bad], wants=400, says=r"operations\[1\]")
    t.expect("'more'" in t.transform(PNG, [{"type": "flip", "more": 1}], wants=400).error,
             "a field that is not there is not named")


# ---- files by their URL ----------------------------------------------------------------------

def file_by_url(t):
    """a file by its URL, with and without type and name; through redirects"""
    url = far().put("/a.png", PNG)
    far().put("/moved", b"", 302, Location="/a.png")
    for path in ({"url": url}, {"type": "url", "url": url}, {"url": url, "name": "a.png"},
                 {"url": url, "fetch_options": {}}, {"url": far().url("/moved")},
                 {"url": url + "?size=large&x=%20#part"}):
        far().put("/a.png?size=large&x=%20", PNG)
        a = t.transform(path, FLIP)
        t.expect(is_flipped(a.picture), f"the picture of {path} is another", a)


def bad_urls(t):
    """a URL that is none, http, inside, or gives no file"""
    strict = STRICT[0]
    for url in ("http://example.com/a.png", "ftp://example.com/a", "file:///etc/passwd", "",
                "a.png", "//example.com/a", "https://example.com/ a", "https://example.com/\n"):
        t.lawful(a := strict.transform({"url": url}, FLIP))
        t.same(a.status, 400, f"the status for {url!r}", a)
    for url in (5, ["https://example.com/"], {}):
        t.transform({"url": url}, FLIP, wants=400, says="file.url")
    for url in (far().url("/a.png", "https").replace("127.0.0.1", "127.0.0.2"),
                "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[::1]/",
                "http://127.0.0.2:80/"):
        t.transform({"url": url}, FLIP, wants=400, says="not on the Internet")
    far().put("/out", b"", 302, Location="http://127.0.0.3:1/a.png")
    far().put("/file", b"", 302, Location="file:///etc/passwd")
    far().put("/round", b"", 302, Location="/round")
    far().put("/none", b"", 200)
    far().put("/down", b"no", 500)
    far().put("/text", b"no picture", 200)
    for path, status in (("/out", 400), ("/file", 400), ("/round", 422), ("/none", 422),
                         ("/down", 422), ("/missing", 422), ("/text", 400)):
        t.transform({"url": far().url(path)}, FLIP, wants=status)
    t.same(len(far().at("/round")), 6, "how often a file is asked for that leads to itself")


def tls(t):
    """a file behind a certificate that nobody vouches for is not fetched"""
    import ssl
    with tempfile.TemporaryDirectory() as folder:
        key, cert = (str(pathlib.Path(folder) / n) for n in ("key.pem", "cert.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "2", "-subj", "/CN=localhost"], check=True,
                       capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def greet():
            try:
                connection, _ = server.accept()
                context.wrap_socket(connection, server_side=True).close()
            except OSError as error:
                greeted.append(error)

        greeted = []
        thread = threading.Thread(target=greet)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        service = Service(sys.argv[1], allow=address)
        try:
            service.add_credits(1)
            a = t.lawful(service.transform({"url": f"https://{address}/a.png"}, FLIP))
            t.same(a.status, 422, "the status", a)
            t.expect("certificate" in (a.error or ""), "the certificate is not blamed", a)
        finally:
            t.wrong += service.stop()
        thread.join()
        t.expect(greeted, "the certificate was taken")


def fetch_options(t):
    """fetch_options: user agent, headers and auth arrive, what is between machines does not"""
    url = far().put("/options", PNG)
    sent = {"user_agent": "Shop/1.0 (pictures)", "locale": "de-DE", "timeout_ms": 20000,
            "should_render_javascript": True,
            "headers": {"X-Shop": "42", "Accept-Language": "de", "Referer": "https://shop.example/",
                        "Cookie": "session=1", "Connection": "X-Shop",
                        "Transfer-Encoding": "chunked", "TE": "trailers", "Upgrade": "h2c",
                        "Host": "other.example",
                        "Keep-Alive": "9", "Proxy-Authorization": "Basic x", "Trailer": "X",
                        "Content-Length": "5", "cookie2": "x"}}
    a = t.transform({"url": url, "fetch_options": sent}, FLIP)
    t.expect(is_flipped(a.picture), "the picture is another", a)
    headers = far().wait("/options")[-1][2]
    for name, wanted in (("User-Agent", "Shop/1.0 (pictures)"), ("X-Shop", "42"),
                         ("Accept-Language", "de"), ("Referer", "https://shop.example/"),
                         ("Host", far().address), ("Cookie", None), ("Cookie2", None), ("TE", None),
                         ("Upgrade", None), ("Keep-Alive", None), ("Proxy-Authorization", None),
                         ("Trailer", None), ("Transfer-Encoding", None), ("Content-Length", None)):
        t.same(headers.get(name), wanted, f"{name}, as the file's server sees it")
    for auth, wanted in (({"type": "bearer", "token": "abc.def"}, "Bearer abc.def"),
                         ({"type": "basic", "username": "me", "password": "p:w"},
                          "Basic " + base64.b64encode(b"me:p:w").decode()),
                         ({"username": "me", "password": ""}, "Basic bWU6"),
                         ({"token": "abc"}, "Bearer abc"), (None, None)):
        t.transform({"url": url, "fetch_options": {"auth": auth}}, FLIP)
        t.same(far().wait("/options")[-1][2].get("Authorization"), wanted,
               f"Authorization with auth {auth}")
    t.expect(far().at("/options")[-1][2].get("User-Agent", "").startswith("Fovea"),
             "without a user agent it is not the service's own")


def bad_fetch_options(t):
    """fetch_options of wrong types and values are 400; a file too slow for timeout_ms is 422"""
    url = far().put("/options", PNG)
    for bad in (5, [], "x", {"timeout_ms": 999}, {"timeout_ms": 60001}, {"timeout_ms": "5000"},
                {"timeout_ms": 1000.5}, {"user_agent": 5}, {"user_agent": "a\r\nb: c"},
                {"headers": []}, {"headers": {"a": 5}}, {"headers": {"a b": "c"}},
                {"headers": {"a": "b\r\nc: d"}}, {"headers": {"": "b"}}, {"auth": "x"},
                {"auth": {}}, {"auth": {"type": "digest"}},
                {"auth": {"type": "basic", "username": "a"}},
                {"auth": {"type": "bearer", "token": ""}}, {"locale": 5},
                {"should_render_javascript": "yes"},
                {"headers": {"Authorization": "x"}, "auth": {"token": "y"}}):
        t.transform({"url": url, "fetch_options": bad}, FLIP, wants=400, says="fetch_options")
    for good in (1000, 60000):
        t.transform({"url": url, "fetch_options": {"timeout_ms": good}}, FLIP)
    gate = far().hold("/slow")
    slow = {"url": far().put("/slow", PNG), "fetch_options": {"timeout_ms": 1000}}
    t.transform(slow, FLIP, wants=422, says="within 1000 ms")
    gate.set()


# ---- limits ----------------------------------------------------------------------------------

def limit_of_the_file(t):
    """a file has at most 50 MB, raw, in a form and by its URL"""
    most = PNG + bytes(50 * MIB - len(PNG))
    raw = f"{TRANSFORM}?operations=[]&dry_run=true"
    url = far().put("/most", most)
    t.ask("POST", raw, most, {"Content-Type": "image/png"})
    form, kind = multipart([("file", most, "a.png"), ("operations", "[]"), ("dry_run", "true")])
    t.ask("POST", TRANSFORM, form, {"Content-Type": kind})
    t.transform({"url": url}, [], dry_run=True)
    more = most + b"\0"
    t.ask("POST", raw, more, {"Content-Type": "image/png"}, wants=413, says="50 MiB")
    form, kind = multipart([("file", more, "a.png"), ("operations", "[]"), ("dry_run", "true")])
    t.ask("POST", TRANSFORM, form, {"Content-Type": kind}, wants=413, says="50 MiB")
    far().put("/more", more)
    t.transform({"url": far().url("/more")}, [], dry_run=True, wants=413, says="over the limit")
    far().files.clear()


def limit_of_the_body(t):
    """a body has at most 60 MB, with its length said and in chunks"""
    head = b'{"operations":[],"dry_run":true,"file":{"base64":"'
    tail = b'"}}'
    n = (60 * MIB - len(head) - len(tail)) // 4
    body = head + base64.b64encode(PNG + bytes(3 * n - len(PNG))) + tail
    body += b" " * (60 * MIB - len(body))
    kind = {"Content-Type": "application/json"}
    t.same(len(body), 60 * MIB, "the length of a body that is made here")
    t.ask("POST", TRANSFORM, body, kind)
    pieces = [body[i:i + 5 * MIB] for i in range(0, len(body), 5 * MIB)]
    t.ask("POST", TRANSFORM, iter(pieces), kind)
    t.ask("POST", TRANSFORM, iter(pieces + [b" "]), kind, wants=413, says="60 MiB")
    # one that says so at once is answered before it is sent
    with socket.create_connection(("127.0.0.1", t.service.port), PATIENCE_S) as s:
        s.sendall(f"POST {TRANSFORM} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                  f"Authorization: Bearer {t.service.key}\r\nExpect: 100-continue\r\n"
                  f"Content-Length: {60 * MIB + 1}\r\n\r\n".encode())
        t.expect(s.recv(20).startswith(b"HTTP/1.1 413 "), "a body that will be too large is asked "
                 "for")


# ---- keys, paths, headers --------------------------------------------------------------------

def keys(t):
    """no key, a wrong one, another scheme, a revoked one: 401 "Invalid API key\""""
    revoked = t.service.make_key("soon gone")
    t.ask("GET", "/v1/me", key=revoked)
    t.service.fovea("key", "revoke", revoked[:12])
    good = t.service.key
    for path, method in ((TRANSFORM, "POST"), ("/v1/me", "GET"), ("/v1/jobs/job_x", "GET"),
                         ("/v1/jobs/job_x", "DELETE"), ("/v1/webhooks", "GET")):
        for given in (None, f"Basic {good}", "Bearer", "Bearer ", f"Bearer {good}x", good,
                      f"Bearer {good[:-1]}", "Bearer il_" + "a" * 32, f"Bearer {good.upper()}",
                      f"Bearer {revoked}", "Bearer \xe9"):
            a = t.ask(method, path, b"{}" if method == "POST" else None,
                      {"Authorization": given} if given else {}, key="", wants=401,
                      says="^Invalid API key$")
            t.same(a.headers.get("WWW-Authenticate"), "Bearer", "WWW-Authenticate", a)
    for given in (f"bearer {good}", f"BEARER  {good}"):
        t.ask("GET", "/v1/me", headers={"Authorization": given}, key="")


def me(t):
    """GET /v1/me: the key's project and beginning, and the credits that are left"""
    key = t.service.make_key("window", "--project", "shop")
    a = t.ask("GET", "/v1/me", key=key)
    left = t.service.credits()
    t.same((a.data.get("project"), a.data.get("key_prefix"), a.data.get("key_name")),
           ("shop", key[:12], "window"), "whose key it is", a)
    t.same(a.data.get("credits"), {"trial": left["trial"], "paid": left["paid"],
                                   "remaining": left["trial"] + left["paid"]}, "credits", a)
    t.expect(key not in a.body.decode(), "the key is shown again", a)


def paths(t):
    """404 for what is not there, 405 with Allow for another method, HEAD as GET without a body"""
    for path in ("/", "/v1", "/v1/", "/v1/jobs", "/v1/jobs/", "/v1/me/", "/v2/me", TRANSFORM + "/",
                 TRANSFORM + "/x", "/image-transformation/v2/transform", "/v1/jobs/job_x",
                 "/%2e%2e/etc/passwd", "/v1/webhooks/x/retry?"):
        method = "POST" if "retry" in path else "GET"
        t.ask(method, path, wants=404)
        t.ask(method, path, key="", wants=(401, 404))
    for method, path, allow in (("GET", TRANSFORM, "POST"), ("PUT", TRANSFORM, "POST"),
                                ("DELETE", "/v1/me", "GET"), ("POST", "/v1/me", "GET"),
                                ("PATCH", "/v1/jobs/job_x", "GET, DELETE"),
                                ("POST", "/healthz", "GET"), ("OPTIONS", TRANSFORM, "POST")):
        a = t.ask(method, path, wants=405)
        said = [m for m in (a.headers.get("Allow") or "").split(", ") if m != "HEAD"]
        t.same(", ".join(said), allow, "Allow", a)
    for path in ("/v1/me", "/healthz", "/readyz", "/openapi.json"):
        got, head = t.ask("GET", path), t.ask("HEAD", path)
        t.same(head.body, b"", "the body of HEAD", head)
        for name in ("Content-Type", "Content-Length"):
            t.same(head.headers.get(name), got.headers.get(name), f"{name} of HEAD {path}", head)
    t.ask("HEAD", "/v1/nothing", wants=404)
    t.ask("GET", "/healthz", key="")
    t.ask("GET", "/readyz", key="")
    a = t.ask("GET", "/openapi.json", key="")
    t.same(a.body, (ROOT / "docs/api/openapi.json").read_bytes(), "openapi.json", a)


def request_ids(t):
    """X-Request-Id comes back; one that is no word, and none, is made anew"""
    for given in ("a", "Shop-42_7.x", "a" * 64):
        a = t.ask("GET", "/v1/me", headers={"X-Request-Id": given})
        t.same(a.headers.get("X-Request-Id"), given, "X-Request-Id", a)
        a = t.transform(PNG, [5], headers={"X-Request-Id": given}, wants=400)
        t.same(a.headers.get_all("X-Request-Id"), [given], "X-Request-Id of an error", a)
    seen = set()
    for given in (None, "", "a b", "a" * 65, "a;b", "<script>", "\xe9"):
        a = t.ask("GET", "/healthz", headers={"X-Request-Id": given} if given is not None else {})
        t.expect(a.headers.get("X-Request-Id") != given, "X-Request-Id is as it was given", a)
        seen.add(a.headers.get("X-Request-Id"))
    t.same(len(seen), 7, "how many names seven requests have")


def unknown_headers(t):
    """headers of clients and strangers change nothing"""
    for name, value in (("X-IterationLayer-Integration", "sdk-node"), ("User-Agent", "Go/1.1"),
                        ("Accept-Encoding", "gzip, br"), ("Cookie", "a=b"), ("Accept", "*/*"),
                        ("Accept", "application/json, text/plain, */*"), ("Accept", "text/html"),
                        ("Accept", "application/json, image/*;q=0.5"),
                        ("X-Forwarded-For", "1.2.3.4"),
                        ("Content-Type", "application/json; charset=utf-8"),
                        ("Content-Type", "APPLICATION/JSON"), ("Content-Type", "text/plain"),
                        ("Content-Type", "application/x-www-form-urlencoded")):
        a = t.transform(PNG, FLIP, headers={name: value})
        t.expect(is_flipped(a.picture) and a.data, f"with {name}: {value} it is another answer", a)


# ---- other bodies, other answers -------------------------------------------------------------

def forms(t):
    """multipart/form-data: file and operations, name and dry_run; what is missing is said"""
    def send(parts, wants=200, says=None, **headers):
        body, kind = multipart(parts)
        return t.ask("POST", TRANSFORM, body, {"Content-Type": kind, **headers}, wants=wants,
                     says=says)

    file, operations = ("file", PNG, "a.png"), ("operations", json.dumps(FLIP))
    for parts in ([file, operations], [operations, file], [("file", PNG), operations],
                  [file, operations, ("name", "b.png"), ("other", "x")], [file, ("operations", " "
                  + json.dumps(FLIP) + "\n")]):
        t.expect(is_flipped((a := send(parts)).picture), "the picture is another", a)
    t.expect(send([file, ("operations", "[]")]).picture == PNG, "[] changes the file")
    a = send([file, operations, ("dry_run", "true")])
    t.expect(a.data.get("dry_run") is True, "dry_run is not heard", a)
    send([operations], 400, "file is missing")
    send([file], 400, "operations is missing")
    send([file, ("operations", "[{")], 400, "operations is not JSON")
    send([file, ("operations", '[{"type":"flap"}]')], 400, "flap")
    send([file, file, operations], 400, "two parts called file")
    send([file, ("operations", "[" + " " * 200000 + "]")], 413, "part operations")
    send([("file", b"", "a.png"), operations], 400, "file is (empty|missing)")
    send([file, operations, ("webhook_url", "ftp://example.com/")], 400, "webhook_url")
    t.ask("POST", TRANSFORM, b"no form", {"Content-Type": "multipart/form-data"}, wants=400)
    t.ask("POST", TRANSFORM, b"no form", {"Content-Type": "multipart/form-data; boundary=x"},
          wants=400)


def raw_bodies(t):
    """a picture as it is: operations, name and dry_run in the query"""
    from urllib.parse import quote
    flip = f"{TRANSFORM}?operations={quote(json.dumps(FLIP))}"
    for kind in ("image/png", "image/jpeg", "application/octet-stream", "Image/PNG"):
        a = t.ask("POST", flip, PNG, {"Content-Type": kind})
        t.expect(is_flipped(a.picture), f"the picture sent as {kind} is another", a)
    a = t.ask("POST", flip + "&name=a.png&dry_run=true", PNG, {"Content-Type": "image/png"})
    t.expect(a.data.get("dry_run") is True, "dry_run is not heard", a)
    t.ask("POST", flip, b"", {"Content-Type": "image/png"}, wants=400, says="file is")
    t.ask("POST", TRANSFORM, PNG, {"Content-Type": "image/png"}, wants=400,
          says="operations is missing")
    t.ask("POST", TRANSFORM + "?operations=%5B%7B", PNG, {"Content-Type": "image/png"}, wants=400,
          says="operations is not JSON")
    t.ask("POST", flip, b"no picture", {"Content-Type": "image/png"}, wants=400)


def media_types(t):
    """415 for a body of another type"""
    for kind in ("text/html", "application/xml", "video/mp4", "application/jsonx", "json",
                 "multipart/mixed; boundary=x"):
        t.ask("POST", TRANSFORM, b"x", {"Content-Type": kind}, wants=415, says="application/json")


def binary_answers(t):
    """Accept: image/... gives the picture as it is, and errors as ever"""
    for accept in ("image/*", "image/png", "image/webp,image/*,*/*;q=0.8", "IMAGE/*"):
        a = t.transform(PNG, FLIP, headers={"Accept": accept})
        t.same(a.headers.get("Content-Type"), "image/png", "Content-Type", a)
        t.same(a.headers.get("Content-Length"), str(len(a.body)), "Content-Length", a)
        t.same(a.headers.get("Fovea-Cost"), "1", "Fovea-Cost", a)
        t.expect(is_flipped(a.body), "the picture is another", a)
    t.transform(PNG, [{"type": "flap"}], headers={"Accept": "image/*"}, wants=400)
    t.transform(PNG[:40], FLIP, headers={"Accept": "image/*"}, wants=422)
    webp = t.transform(PNG, [{"type": "convert", "format": "webp"}], headers={"Accept": "image/*"})
    t.same(webp.headers.get("Content-Type"), "image/webp", "Content-Type", webp)


def dry_runs(t):
    """dry_run: the size, the type and the cost of a result that is not made, and no credit"""
    before = t.service.spent()
    for operations, size, exact, mime in (
            ([], (12, 9), True, "image/png"),
            ([{"type": "upscale", "factor": 4}], (48, 36), True, "image/png"),
            ([{"type": "upscale", "factor": "3"}, {"type": "convert", "format": "webp"}], (36, 27),
             True, "image/webp"),
            ([{"type": "resize", "width_in_px": 5, "height_in_px": 5, "fit": "inside"}], (5, 4),
             True, "image/png"),
            ([{"type": "trim", "threshold": 5}], (12, 9), False, "image/png")):
        a = t.transform(PNG, operations, dry_run=True)
        t.same(a.data, {"dry_run": True, "width_px": size[0], "height_px": size[1],
                        "size_is_exact": exact, "mime_type": mime, "cost": 1},
               f"what {operations} would make", a)
    t.transform(PNG, [{"type": "crop", "left_in_px": 9, "top_in_px": 0, "width_in_px": 9,
                       "height_in_px": 1}], dry_run=True, wants=422)
    t.same(t.service.spent(), before, "the credits that were used, after dry runs")
    a = t.transform(PNG, FLIP, dry_run=False)
    t.expect(is_flipped(a.picture), "dry_run false makes no picture", a)
    for word, wants in (("True", 200), ("1", 200), ("yes", 400), ("", 400)):
        before = t.service.spent()
        a = t.ask("POST", f"{TRANSFORM}?operations=[]&dry_run={word}", PNG,
                  {"Content-Type": "image/png"}, wants=wants,
                  says=None if wants == 200 else "dry_run is neither true nor false")
        t.same(t.service.spent(), before, f"the credits that dry_run={word} used", a)


# ---- HTTP ------------------------------------------------------------------------------------

def request_text(t, body, **headers):
    """A request as bytes."""
    lines = [f"POST {TRANSFORM} HTTP/1.1", "Host: here", f"Authorization: Bearer {t.service.key}",
             "Content-Type: application/json"]
    lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def keep_alive(t):
    """one connection serves many requests, also after errors, until it is asked to close"""
    connection = t.service.connect()
    t.transform(PNG, FLIP, connection=connection)
    socket_before = connection.sock
    for wants, method, path, body, headers in (
            (200, "GET", "/v1/me", None, {}), (400, "POST", TRANSFORM, b"{", {}),
            (401, "POST", TRANSFORM, b"x" * 100000, {"Authorization": "Bearer x"}),
            (404, "GET", "/nothing", None, {}), (404, "POST", "/nothing", b"x" * 100000, {}),
            (405, "PUT", TRANSFORM, b"x" * 1000, {}),
            (415, "POST", TRANSFORM, b"x", {"Content-Type": "text/css"}),
            (200, "HEAD", "/healthz", None, {})):
        t.ask(method, path, body, headers, connection=connection, wants=wants)
        t.expect(connection.sock is socket_before, f"the connection ends after {wants}")
    a = t.transform(PNG, FLIP, connection=connection, headers={"Connection": "close"})
    t.expect(connection.sock is None, "the connection goes on after Connection: close", a)
    connection.close()


def pipelining(t):
    """requests sent at once, one behind the other, are answered in their order"""
    body = json.dumps({"file": {"base64": TEXT}, "operations": FLIP}).encode()
    texts = []
    for i in range(3):
        texts.append(request_text(t, body, Content_Length=len(body), X_Request_Id=f"first-{i}"))
        texts.append(request_text(t, b"{", Content_Length=1, X_Request_Id=f"second-{i}"))
    answers = t.service.talk(b"".join(texts), 6)
    for i, a in enumerate(answers):
        t.lawful(a)
        t.same(a.headers.get("X-Request-Id"), f"{('first', 'second')[i % 2]}-{i // 2}",
               f"whose answer comes as number {i + 1}", a)
        t.same(a.status, (200, 400)[i % 2], "the status", a)
        if i % 2 == 0:
            t.expect(is_flipped(a.picture), "the picture is another", a)


def expectations(t):
    """Expect: 100-continue is asked to go on"""
    body = json.dumps({"file": {"base64": TEXT}, "operations": FLIP}).encode()
    with socket.create_connection(("127.0.0.1", t.service.port), PATIENCE_S) as s:
        s.sendall(request_text(t, b"", Expect="100-continue", Content_Length=len(body)))
        reader = s.makefile("rb")
        t.same(reader.readline(), b"HTTP/1.1 100 Continue\r\n", "what comes before the body")
        reader.readline()
        s.sendall(body)
        t.same(reader.readline(), b"HTTP/1.1 200 OK\r\n", "what comes after it")


def chunks(t):
    """a body in chunks of any size, and one that comes a few bytes at a time"""
    body = json.dumps({"file": {"base64": TEXT}, "operations": FLIP}).encode()
    for size in (1, 7, 1000):
        pieces = [body[i:i + size] for i in range(0, len(body), size)]
        a = t.ask("POST", TRANSFORM, iter(pieces), {"Content-Type": "application/json"})
        t.expect(is_flipped(a.picture), f"chunks of {size} make another picture", a)
    a = t.ask("POST", f"{TRANSFORM}?operations=%5B%5D", iter([PNG[:9], PNG[9:]]),
              {"Content-Type": "image/png"})
    t.expect(a.picture == PNG, "a raw body in chunks is another", a)
    with socket.create_connection(("127.0.0.1", t.service.port), PATIENCE_S) as s:
        text = request_text(t, body, Content_Length=len(body))
        for i in range(0, len(text), 50):
            s.sendall(text[i:i + 50])
        t.expect(s.recv(15).startswith(b"HTTP/1.1 200 "), "a body in small pieces is not taken")


CASES = [answer_of_success, file_by_base64, bad_files, file_formats, torn_files, operations_member,
         file_by_url, bad_urls, tls, fetch_options, bad_fetch_options, limit_of_the_file,
         limit_of_the_body, keys, me, paths, request_ids, unknown_headers, forms, raw_bodies,
         media_types, binary_answers, dry_runs, keep_alive, pipelining, expectations, chunks]


def prepare():
    """The service, beside a stricter one."""
    FAR.append(Far())
    STRICT.append(Service(sys.argv[1]))
    STRICT.append(Service(sys.argv[1], allow=FAR[0].address))
    for service in STRICT:
        service.add_credits(100000)
    return STRICT[1]


def clean():
    """End all of it."""
    wrong = [sentence for service in STRICT for sentence in service.stop()]
    for server in FAR:
        server.stop()
    return wrong


if __name__ == "__main__":
    run(CASES, prepare, clean)
