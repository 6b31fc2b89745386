# SPDX-License-Identifier: Apache-2.0
"""What every test of `fovea serve` shares: the service, a server far away, and cases.

A Service is the program with a store and a port of its own, asked as a client asks it. Far is what
its URLs and webhooks lead to. A Case collects what is wrong, each with the request and the answer,
and goes on; run() prints TAP. Standard library only; nothing is left behind.
"""
import base64
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRANSFORM = "/image-transformation/v1/transform"
PATIENCE_S = 120  # for what must come; a sanitizer on a busy machine is slow
SHOWN = 600  # characters of a body in a failure


def shorten(body):
    """A body for the eyes: text, its long words and its end left out."""
    if not isinstance(body, (bytes, str, type(None))):
        return "(in chunks)"
    if isinstance(body, bytes):
        body = body[:1 << 16].decode("utf-8", "backslashreplace")
    body = re.sub(r"[A-Za-z0-9+/]{120,}=*", lambda m: f"<{len(m.group())} characters>", body or "")
    body = "".join(c if c.isprintable() else repr(c)[1:-1] for c in body)
    return body if len(body) <= SHOWN else body[:SHOWN] + "..."


class Answer:
    """What came back, with what it came back to."""

    def __init__(self, request, response):
        self.request, self.status, self.headers = request, response.status, response.headers
        self.body = response.read()

    def json(self):
        """Its JSON, {} when it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def data(self):
        """Member `data`, {} without."""
        return self.json().get("data") or {}

    @property
    def error(self):
        """Member `error`."""
        return self.json().get("error")

    @property
    def picture(self):
        """The file in it, decoded as strictly as a client may, or b""."""
        if (self.headers.get("Content-Type") or "").startswith("image/"):
            return self.body
        try:
            return base64.b64decode(self.data.get("buffer", ""), validate=True)
        except (ValueError, AttributeError):
            return b""

    def __str__(self):
        method, path, headers, body = self.request
        headers = {k: v if k != "Authorization" else v[:19] + "..." for k, v in headers.items()}
        answered = "".join(f"    {k}: {v}\n" for k, v in self.headers.items())
        return (f"  the request: {method} {path} {headers}\n    {shorten(body)}\n"
                f"  the answer: {self.status}\n{answered}    {shorten(self.body)}")


def multipart(parts):
    """(body, type) of a form; a part is (name, value) or (name, value, file name)."""
    boundary = "a-line-between-two-parts"
    out = b""
    for name, value, *file_name in parts:
        value = value if isinstance(value, bytes) else value.encode()
        given = f'; filename="{file_name[0]}"\r\nContent-Type: image/png' if file_name else ""
        out += (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{given}\r\n\r\n'
                .encode() + value + b"\r\n")
    return out + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def until(what, seconds=PATIENCE_S):
    """What what() gives as soon as it is true; its last word when it never is."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


# ---- the service -----------------------------------------------------------------------------

class Service:
    """fovea serve; settings are those of settings.def."""

    def __init__(self, program, **settings):
        self.program = str(pathlib.Path(program).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fovea-test-"))
        self.store, self.log = self.folder / "store.db", self.folder / "log"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("FOVEA_")}
        self.environment.update(
            FOVEA_MODELS=str(ROOT / "models"), FOVEA_CONFIG="/dev/null",
            FOVEA_STORE=str(self.store), HOME=str(self.folder),
            **{f"FOVEA_SERVE_{k.upper()}": str(v) for k, v in {"rate": 100000, **settings}.items()})
        self.process, self.port, self.key = None, 0, ""
        try:
            self.key = self.make_key("tests")
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                [self.program, "serve", "--listen", "127.0.0.1:0"], env=self.environment,
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"Fovea listens at http://127\.0\.0\.1:(\d+)\n", line)
        if not found:
            raise SystemExit(f"the service does not start: {line!r}, {self.log.read_text()}")
        self.port = int(found.group(1))

    def fovea(self, *arguments):
        """What the program prints, in the service's surroundings."""
        return subprocess.run([self.program, *map(str, arguments)], env=self.environment,
                              check=True, capture_output=True, text=True).stdout.strip()

    def make_key(self, name, *options):
        """A new key's text."""
        return self.fovea("key", "create", name, *options)

    def add_credits(self, n, *options):
        """More of them."""
        self.fovea("credits", "add", n, *options)

    def credits(self):
        """{"trial", "paid", "held", "used"}"""
        return json.loads(self.fovea("credits", "--json"))

    def spent(self):
        """Credits captured so far, once none is held."""
        until(lambda: not self.credits()["held"])
        return self.credits()["used"]

    def connect(self):
        """A connection, for many requests."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def ask(self, method, path, body=None, headers=None, key=None, connection=None):
        """One request. The key is the service's own; "" sends none. A body that is no bytes and no
        text is JSON."""
        headers = dict(headers or {})
        key = self.key if key is None else key
        if key:
            headers.setdefault("Authorization", f"Bearer {key}")
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        own = connection or self.connect()
        try:
            own.request(method, path, body, headers)
            return Answer((method, path, headers, body), own.getresponse())
        finally:
            if not connection:
                own.close()

    def transform(self, file, operations, headers=None, key=None, connection=None, **more):
        """A transform; `file` is bytes, or the member as it is."""
        if isinstance(file, bytes):
            file = {"name": "picture.png", "base64": base64.b64encode(file).decode()}
        return self.ask("POST", TRANSFORM, {"file": file, "operations": operations, **more},
                        headers, key, connection)

    def talk(self, data, n=1, method="POST"):
        """Send bytes as they are; the n answers that come on this connection, and what is left."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_S) as far:
            far.sendall(data)
            answers, reader = [], far.makefile("rb")
            for _ in range(n):
                response = http.client.HTTPResponse(Sock(reader), method=method)
                response.begin()
                answers.append(Answer((method, "(as it is)", {}, data), response))
            return answers

    def stop(self):
        """End it; what was wrong with its end, a text each."""
        wrong = []
        if self.process:
            kids = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            family = kids.read_text(encoding="ascii").split() if kids.exists() else []
            self.process.terminate()
            try:
                status = self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
                wrong.append("the service did not stop when it was asked to")
            self.process.stdout.close()
            if status:
                wrong.append(f"the service ended with status {status}")
            if not until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in family), 10):
                wrong.append("the service left a process behind")
            text = self.log.read_text(encoding="utf-8", errors="replace")
            found = re.search(r"^.*(?:runtime error:|Sanitizer)(?s:.*)", text, re.M)
            if found:
                wrong.append("a sanitizer spoke: " + found.group()[:4000])
        shutil.rmtree(self.folder)
        return wrong


class Sock:  # pylint: disable=too-few-public-methods
    """What http.client wants of a socket, so that answers behind one another share a reader."""

    def __init__(self, reader):
        self.reader = reader

    def makefile(self, _):
        """The reader, whose end is not the answer's."""
        return Reader(self.reader)


class Reader:
    """A reader that close() leaves open."""

    def __init__(self, reader):
        self.read, self.readinto, self.readline = reader.read, reader.readinto, reader.readline

    def close(self):
        """Nothing."""

    def flush(self):
        """Nothing."""


# ---- far away --------------------------------------------------------------------------------

class Far:
    """A server on this machine that gives files, takes webhooks and keeps what it was asked:
    self.seen has (method, path, headers, body, time)."""

    def __init__(self):
        self.files, self.replies, self.gates, self.seen = {}, {}, {}, []
        self.lock = threading.Condition()
        far = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # pylint: disable=invalid-name,missing-function-docstring
                far.answer(self)

            do_POST = do_HEAD = do_GET

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that leave are part of the tests
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def url(self, path, scheme="http"):
        """Of a path here."""
        return f"{scheme}://{self.address}{path}"

    def put(self, path, data, status=200, **headers):
        """Have a file at the path, or any answer; its URL."""
        self.files[path] = (status, headers, data)
        return self.url(path)

    def hold(self, path):
        """Let nobody pass who asks for the path, until .set() of what this gives."""
        self.gates[path] = threading.Event()
        return self.gates[path]

    def answer(self, handler):
        """A request here."""
        n = int(handler.headers.get("Content-Length") or 0)
        entry = (handler.command, handler.path, handler.headers, handler.rfile.read(n), time.time())
        with self.lock:
            self.seen.append(entry)
            replies = self.replies.get(handler.path)
            status = replies.pop(0) if replies else None
            self.lock.notify_all()
        if handler.path in self.gates:
            self.gates[handler.path].wait(PATIENCE_S)
        found = self.files.get(handler.path)
        status, headers, data = found if found else (
            status or (200 if handler.command == "POST" else 404), {}, b"")
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def at(self, path):
        """What came for a path so far."""
        with self.lock:
            return [entry for entry in self.seen if entry[1] == path]

    def wait(self, path, n=1, seconds=PATIENCE_S):
        """What came for a path, at least n, or fewer after so long."""
        with self.lock:
            self.lock.wait_for(lambda: sum(e[1] == path for e in self.seen) >= n, seconds)
        return self.at(path)

    def stop(self):
        """End it."""
        for gate in self.gates.values():
            gate.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


# ---- cases -----------------------------------------------------------------------------------

class Case:
    """One test: what is wrong, in sentences."""

    def __init__(self, service):
        self.service, self.wrong = service, []

    def expect(self, good, sentence, answer=None):
        """Note the sentence, and the request with its answer, when it is not good; gives `good`."""
        if not good:
            self.wrong.append(f"{sentence}\n{answer}" if answer is not None else sentence)
        return good

    def same(self, got, wanted, what, answer=None):
        """`what` is as wanted."""
        return self.expect(got == wanted, f"{what} is {got!r} instead of {wanted!r}", answer)

    def lawful(self, a):
        """What holds of every answer. Gives it."""
        for name in ("Limit", "Remaining", "Reset"):
            self.expect(re.fullmatch(r"\d+", a.headers.get(f"X-RateLimit-{name}") or ""),
                        f"the answer has no X-RateLimit-{name}", a)
        self.expect(abs(int(a.headers.get("X-RateLimit-Reset") or 0) - time.time()) < 100,
                    "X-RateLimit-Reset is no time soon", a)
        self.expect(re.fullmatch(r"[\w.-]{1,64}", a.headers.get("X-Request-Id") or "", re.A),
                    "the answer has no X-Request-Id", a)
        kind = a.headers.get("Content-Type") or ""
        if a.status < 300 and kind.startswith("image/") or a.request[0] == "HEAD":
            return a
        self.same(kind, "application/json", "Content-Type", a)
        if a.status < 300:
            self.expect(a.json().get("success") is True or a.request[1] == "/openapi.json",
                        "the answer does not say success", a)
            return a
        self.same(sorted(a.json()), ["error", "success"], "what the answer of an error has", a)
        self.expect(a.json().get("success") is False, "the answer does not say that it failed", a)
        self.expect(isinstance(a.error, str) and a.error.strip() and not a.error.endswith("."),
                    "the error is no sentence", a)
        self.expect(not a.headers.get("Fovea-Cost"), "an error costs something", a)
        return a

    def ask(self, *arguments, wants=200, says=None, **more):
        """service.ask(), whose answer is lawful, has the status and says something like `says`."""
        return self._judge(self.service.ask(*arguments, **more), wants, says)

    def transform(self, *arguments, wants=200, says=None, **more):
        """service.transform(), looked at in the same way."""
        return self._judge(self.service.transform(*arguments, **more), wants, says)

    def _judge(self, a, wants, says):
        self.lawful(a)
        wanted = wants if isinstance(wants, tuple) else (wants,)
        self.expect(a.status in wanted, f"the status is {a.status} instead of {wants}", a)
        if says is not None:
            self.expect(re.search(says, a.error or ""), f"the error does not say {says!r}", a)
        return a


def run(cases, prepare, clean):
    """Run cases, functions of a Case, or those that the command line names after the program, and
    print TAP. prepare() gives the service; clean() gives what was wrong at the end."""
    chosen = [c for c in cases if not sys.argv[2:] or c.__name__ in sys.argv[2:]]
    print(f"1..{len(chosen) + 1}", flush=True)
    n_bad, service, start = 0, None, time.monotonic()

    def report(i, name, wrong):
        nonlocal n_bad, start
        took = time.monotonic() - start
        start = time.monotonic()
        for sentence in wrong:
            print("\n".join("# " + line for line in sentence.splitlines()))
        n_bad += bool(wrong)
        print(f"{'not ' if wrong else ''}ok {i} - {name} ({took:.1f} s)", flush=True)

    try:
        service = prepare()
        for i, function in enumerate(chosen):
            case = Case(service)
            try:
                function(case)
            except Exception as error:  # pylint: disable=broad-except
                where = error.__traceback__
                while where.tb_next:
                    where = where.tb_next
                place = f"{where.tb_frame.f_code.co_name}, line {where.tb_lineno}"
                case.expect(False, f"{type(error).__name__}: {error} ({place})")
            report(i + 1, (function.__doc__ or function.__name__).split("\n")[0].rstrip("."),
                   case.wrong)
    finally:
        wrong = clean()
    report(len(chosen) + 1, "the service ends, and leaves nothing behind", wrong)
    sys.exit(1 if n_bad else 0)
