#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What faults.py and hostile.py stand on: `fovea serve` in a folder of its own, its processes,
a receiver of webhooks that also hands out files, and small pictures.
"""
import base64
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRANSFORM = "/image-transformation/v1/transform"
SLOW = float(os.environ.get("FOVEA_TEST_SLOW", "1"))  # times that a wait may take: sanitizers

# A client's connection breaks in many ways; all of them mean that no answer was had.
BROKEN = (OSError, http.client.HTTPException)


def png(width, height, seed=0):
    """A picture of noise, which no encoder makes much smaller."""
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    chance = random.Random(seed)
    rows = b"".join(b"\0" + chance.randbytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def body(file=None, operations=(), **more):
    """A request: `file` is bytes, a URL, or an object as it is."""
    if isinstance(file, bytes):
        file = {"name": "picture.png", "base64": base64.b64encode(file).decode()}
    elif isinstance(file, str):
        file = {"name": "picture.png", "url": file}
    return json.dumps({"file": file, "operations": list(operations), **more}).encode()


FLIP = {"type": "flip"}


def upscale(factor):
    """The operation."""
    return {"type": "upscale", "factor": factor}


def wait_for(what, holds, seconds=20.0):
    """Until holds() is true; its value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds * SLOW:.0f} s")
        time.sleep(0.02)


def children(pid):
    """The processes that a process has started and that have not ended."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text("ascii").split()]
    return [child for child in found if is_alive(child)]


def is_alive(pid):
    """It runs, and is no zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def kill(pid, number=signal.SIGKILL):
    """End a process, which may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, answer):
        self.status, self.headers, self.bytes = answer.status, answer.headers, answer.read()

    @property
    def json(self):
        """The body."""
        return json.loads(self.bytes)

    @property
    def sentence(self):
        """The error in it: one sentence without a full stop."""
        text = self.json["error"]
        assert self.json["success"] is False and isinstance(text, str) and text, self.bytes
        assert not text.endswith(".") and "\n" not in text, text
        return text


class Service:
    """fovea serve: started, killed and started again on one store."""

    def __init__(self, program, folder, **settings):
        self.program, self.folder = program, pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.store = self.folder / "store.db"
        self.log = self.folder / "log"
        self.config = self.folder / "fovea.ini"
        self.config.touch()
        self.settings = {"rate": 0, "workers": 2, "threads": 1, "metrics": "127.0.0.1:0",
                         **settings}
        self.process, self.port, self.metrics_port, self.seen = None, 0, 0, set()
        self.run("credits", "add", "100000")
        self.key = self.new_key("test")

    def environment(self):
        """For every command."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith("FOVEA_SERVE_")}
        settings = {f"FOVEA_SERVE_{n.upper()}": str(v) for n, v in self.settings.items()}
        return {**kept, **settings, "FOVEA_MODELS": str(ROOT / "models"),
                "FOVEA_CONFIG": str(self.config), "FOVEA_STORE": str(self.store)}

    def run(self, *arguments):
        """Another command of the program on the same store; what it prints."""
        done = subprocess.run([self.program, *arguments], env=self.environment(), check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f"{arguments}: {done.returncode}: {done.stderr}")
        return done.stdout

    def new_key(self, name, project="default"):
        """A key."""
        return self.run("key", "create", name, "--project", project).strip()

    def credits(self):
        """How they stand."""
        return json.loads(self.run("credits", "show", "--json"))

    def start(self):
        """Run it; it listens when this returns."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--listen", "127.0.0.1:0", "--store", str(self.store)],
                env=self.environment(), stdout=subprocess.PIPE, stderr=log, text=True)
        found = re.search(r"http://127.0.0.1:(\d+)$", self.process.stdout.readline().strip())
        assert found, f"it does not start: {self.log_end()}"
        self.port = int(found.group(1))
        line = self.process.stdout.readline().strip()
        found = re.search(r"http://127.0.0.1:(\d+)/metrics$", line)
        self.metrics_port = int(found.group(1))
        return self

    def log_end(self, lines=15):
        """The last that it wrote."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def zygotes(self):
        """Processes that workers come from; one, unless it was just killed."""
        return children(self.process.pid)

    def workers(self):
        """Processes that are at a picture."""
        found = [worker for zygote in self.zygotes() for worker in children(zygote)]
        self.seen |= {*found, *self.zygotes()}
        return found

    def kill(self):
        """As a power cut would, and wait until nothing of it is left."""
        left = {*self.workers(), *self.zygotes()}
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        wait_for("the processes of a killed server end", lambda: not any(map(is_alive, left)))

    def stop(self, seconds=60):
        """SIGTERM; its exit status. No process may be left."""
        left = {*self.workers(), *self.zygotes()}
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("it does not stop") from None
        self.process.stdout.close()
        wait_for("the processes of a stopped server end",
                 lambda: not any(map(is_alive, left | self.seen)))
        return status

    def is_up(self):
        """It runs."""
        return self.process is not None and self.process.poll() is None

    def ask(self, method, path, data=None, key=None, timeout=60, **headers):
        """One request on a connection of its own. Header names have _ for -."""
        to = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout * SLOW)
        sent = {"Authorization": f"Bearer {key or self.key}",
                **{name.replace("_", "-"): value for name, value in headers.items()}}
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            to.request(method, path, data, sent)
            return Answer(to.getresponse())
        finally:
            to.close()

    def metric(self, name):
        """A number of /metrics."""
        to = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=20 * SLOW)
        to.request("GET", "/metrics")
        text = to.getresponse().read().decode()
        to.close()
        return float(re.search(rf"^fovea_{name} (\S+)$", text, re.M).group(1))

    def transform(self, data, **more):
        """POST a request for a picture."""
        return self.ask("POST", TRANSFORM, data, **more)

    def raw(self, data, timeout=30, shut=False):
        """Bytes as they are on a connection; all that comes back until it is closed."""
        with self.connect(timeout) as to:
            with contextlib.suppress(OSError):
                to.sendall(data)
                if shut:
                    to.shutdown(socket.SHUT_WR)
            return read_all(to)

    def connect(self, timeout=30):
        """A socket."""
        return socket.create_connection(("127.0.0.1", self.port), timeout * SLOW)

    def head(self, length=None, key=None, more=""):
        """The header of a POST for a picture, as bytes."""
        text = (f"POST {TRANSFORM} HTTP/1.1\r\nHost: here\r\n"
                f"Authorization: Bearer {key or self.key}\r\nContent-Type: application/json\r\n")
        text += f"Content-Length: {length}\r\n" if length is not None else ""
        return (text + more + "\r\n").encode("latin-1")

    def is_well(self):
        """It lives, and says so."""
        assert self.is_up(), f"it ended by {self.process.returncode}: {self.log_end()}"
        answer = self.ask("GET", "/healthz")
        assert answer.status == 200, answer.status

    def rows(self, sql, *values):
        """What a statement finds in the store."""
        with contextlib.closing(sqlite3.connect(self.store, timeout=10)) as store:
            return store.execute(sql, values).fetchall()

    def change(self, sql, *values):
        """Change the store behind its back, while no server has it."""
        with contextlib.closing(sqlite3.connect(self.store, timeout=10)) as store, store:
            store.execute(sql, values)


def read_all(connection):
    """Until the other side closes; what came before it broke."""
    parts = []
    with contextlib.suppress(OSError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


class Receiver:
    """Takes webhooks, /PATH?wait=S after a while, and hands out files: /file/NAME?wait=S, /to?URL
    redirects."""

    def __init__(self):
        self.lock, self.files, self.hooks, self.n_redirects = threading.Lock(), {}, [], 0
        owner = self

        def wait(query):
            if query.startswith("wait="):
                time.sleep(float(query[5:]))

        class Handler(http.server.BaseHTTPRequestHandler):
            """One request."""

            def log_message(self, *_):
                """Nothing."""

            def do_POST(self):
                """A webhook."""
                data = self.rfile.read(int(self.headers["Content-Length"]))
                with owner.lock:
                    owner.hooks.append((self.headers["webhook-id"], json.loads(data), self.path))
                wait(self.path.partition("?")[2])
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def do_GET(self):
                """A file, or a way to another place."""
                path, _, query = self.path.partition("?")
                if path == "/to":
                    with owner.lock:
                        owner.n_redirects += 1
                    self.send_response(302)
                    self.send_header("Location", query)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                wait(query)
                data = owner.files.get(path.rpartition("/")[2], b"")
                with contextlib.suppress(OSError):
                    self.send_response(200 if data else 404)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)

        class Server(http.server.ThreadingHTTPServer):
            """Quiet about clients that were killed."""
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_):
                """Nothing."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        """No more."""
        self.server.shutdown()
        self.server.server_close()

    def by_job(self):
        """{job: ids of its webhooks}, and {job: did it succeed}."""
        ids, good = {}, {}
        with self.lock:
            for hook, said, _ in self.hooks:
                ids.setdefault(said["job_id"], []).append(hook)
                good.setdefault(said["job_id"], set()).add(said["success"])
        return ids, good


def main(cases, usage):
    """Run the cases named, or all, of a program: each a function of the program and a folder."""
    if len(sys.argv) < 2:
        sys.exit(usage)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    wanted = [case for case in cases if not sys.argv[2:] or case.__name__ in sys.argv[2:]]
    failed = 0
    for case in wanted:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="fovea-") as folder:
            running = []

            def service(name="one", running=running, folder=folder, **settings):
                made = Service(program, pathlib.Path(folder, name), **settings)
                running.append(made)
                return made

            try:
                case(service)
                verdict = "ok"
            except Exception as error:  # pylint: disable=broad-except
                import traceback
                traceback.print_exc()
                verdict, failed = f"FAILED: {error}", failed + 1
                for one in running:
                    print(one.log_end() if one.log.exists() else "no log", file=sys.stderr)
            for one in running:
                if one.is_up():
                    one.kill()
                verdict = look_at_log(one, verdict)
            failed += verdict == "a sanitizer found something"
        print(f"{case.__name__}: {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    sys.exit(failed != 0)


def look_at_log(service, verdict):
    """A sanitizer writes to the log of the service; the log of a failure is not kept otherwise."""
    text = service.log.read_text("utf-8", "replace") if service.log.exists() else ""
    if "Sanitizer" not in text and "runtime error:" not in text:
        return verdict
    print("\n".join(line for line in text.splitlines() if not line.startswith("{")),
          file=sys.stderr)
    return "a sanitizer found something"
