#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What clients that people have do on the wire, done to `fovea serve`: those of the earlier and of
today's generation, in Python, Go, Node and n8n.

    clients.py FOVEA [CASE...]

Not the clients themselves: each sends the headers and the body that its language's HTTP does, and
reads the answer as strictly. Node's is client.mjs, run by Node itself. They share one address, and
nothing of them is changed but that.
"""
import base64
import binascii
import http.client
import io
import json
import pathlib
import shutil
import subprocess
import sys

from PIL import Image

from service import Far, PATIENCE_S, Service, TRANSFORM, run

FAR, SERVICES = [], []


def png():
    """A small file."""
    out = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 30, 60)).save(out, "PNG")
    return out.getvalue()


PNG = png()
TEXT = base64.b64encode(PNG).decode()
UPSCALE = [{"type": "upscale", "factor": 2}]


class Refused(Exception):
    """A client's error: status and sentence."""

    def __init__(self, status, sentence):
        super().__init__(f"{status}: {sentence}")
        self.status, self.sentence = status, sentence


class Client:
    """What all of them share: POST, then JSON, then success or an error that is a text."""
    headers, style = {}, {}

    def __init__(self, service, key=None):
        self.service, self.key = service, key or service.key

    def encode(self, body):
        """A body as its JSON library writes it."""
        return json.dumps(body, **self.style).encode()

    def post(self, body):
        """The JSON of an answer."""
        text = self.encode(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=300)
        connection.putrequest("POST", TRANSFORM, skip_accept_encoding=True)
        for name, value in {**self.headers, "Authorization": f"Bearer {self.key}",
                            "Content-Type": "application/json",
                            "Content-Length": str(len(text))}.items():
            connection.putheader(name, value)
        connection.endheaders(text)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        value = json.loads(data)
        if response.status >= 400 or not value["success"]:
            raise Refused(response.status, self.text(value["error"]))
        return value

    @staticmethod
    def text(value):
        """As Go decodes a string: nothing else will do."""
        if not isinstance(value, str):
            raise TypeError(f"json: cannot unmarshal {value!r} into a string")
        return value


class PythonV1(Client):
    """transform(): the file without a type; the buffer stays base64."""
    headers = {"User-Agent": "python-requests/2.31.0", "Accept-Encoding": "gzip, deflate",
               "Accept": "*/*", "Connection": "keep-alive"}

    def transform(self, file, operations):
        """data"""
        return self.post({"file": file, "operations": operations})["data"]


class PythonV2(Client):
    """transform_image(), transform_image_async(): the file with its type; the buffer is bytes."""
    headers = {"User-Agent": "python-httpx/0.27.0", "Accept": "*/*",
               "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive",
               "X-IterationLayer-Integration": "sdk-python"}
    style = {"separators": (",", ":"), "ensure_ascii": False}

    def transform_image(self, file, operations):
        """{"buffer": bytes, "mime_type"}"""
        data = self.post({"file": file, "operations": operations})["data"]
        return {"buffer": base64.b64decode(data["buffer"], validate=True),
                "mime_type": data["mime_type"]}

    def transform_image_async(self, file, operations, webhook_url):
        """{"async", "message"}"""
        value = self.post({"file": file, "operations": operations, "webhook_url": webhook_url})
        return {"async": value["async"], "message": self.text(value["message"])}


class Go(Client):
    """Transform(), TransformImage(): Go's headers; v2 sends every member, factors in quotes, and
    an empty fetch_options; &, < and > are escaped as Go's encoder does."""
    headers = {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}
    style = {"separators": (",", ":"), "ensure_ascii": False}

    def __init__(self, service, v2, key=None):
        super().__init__(service, key)
        self.v2 = v2
        if v2:
            self.headers = {**self.headers, "X-IterationLayer-Integration": "sdk-go"}

    def encode(self, body):
        """encoding/json escapes what HTML would read."""
        text = super().encode(body)
        for c in b"&<>":
            text = text.replace(bytes([c]), f"\\u{c:04x}".encode())
        return text

    def transform(self, file, operations, webhook_url=None):
        """The result's bytes, or the message of an asynchronous one."""
        if self.v2:
            file = {"type": "url" if "url" in file else "base64", **file, "fetch_options": {}}
            operations = [{**op, "factor": str(op["factor"])} if "factor" in op else op
                          for op in operations]
        body = {"file": file, "operations": operations}
        if webhook_url:
            body["webhook_url"] = webhook_url
        value = self.post(body)
        if webhook_url:
            return self.text(value["message"])
        try:
            return base64.b64decode(self.text(value["data"]["buffer"]), validate=True)
        except binascii.Error as error:
            raise TypeError(f"illegal base64 data: {error}") from error


def is_large(data):
    """Is it a PNG, twice as large?"""
    image = Image.open(io.BytesIO(data))
    return image.format == "PNG" and image.size == (32, 24)


def refused(t, call, status, sentence):
    """A call that must fail so."""
    try:
        call()
        t.expect(False, f"it is not refused with {status}")
    except Refused as error:
        t.same((error.status, error.sentence), (status, sentence), "the error")


def delivered(t, path):
    """The webhook at a path, as its receiver reads it: the picture's bytes."""
    payload = json.loads(FAR[0].wait(path)[0][3])
    t.same((payload["success"], payload["api"]), (True, "image_transformation"), "the webhook")
    return base64.b64decode(payload["data"]["buffer"], validate=True)


def python_earlier(t):
    """Python, earlier: transform()"""
    client = PythonV1(t.service)
    data = client.transform({"name": "a.png", "base64": TEXT}, UPSCALE)
    t.expect(isinstance(data["buffer"], str) and is_large(base64.b64decode(data["buffer"])),
             "the picture is another")
    t.same(data["mime_type"], "image/png", "the MIME type")
    data = client.transform({"name": "a.png", "url": FAR[0].put("/a.png", PNG)}, UPSCALE)
    t.expect(is_large(base64.b64decode(data["buffer"])), "the picture of a URL is another")
    t.same(base64.b64decode(client.transform({"base64": TEXT}, [])["buffer"]), PNG,
           "the picture without operations")
    refused(t, lambda: PythonV1(t.service, "il_wrong").transform({"base64": TEXT}, UPSCALE), 401,
            "Invalid API key")


def python_today(t):
    """Python, today: transform_image(), transform_image_async()"""
    client = PythonV2(t.service)
    file = {"type": "base64", "name": "größe.png", "base64": TEXT}
    data = client.transform_image(file=file, operations=UPSCALE)
    t.expect(is_large(data["buffer"]), "the picture is another")
    data = client.transform_image(file={"type": "url", "url": FAR[0].put("/b.png", PNG)},
                                  operations=UPSCALE + [{"type": "convert", "format": "webp"}])
    t.same(data["mime_type"], "image/webp", "the MIME type")
    value = client.transform_image_async(file=file, operations=UPSCALE,
                                         webhook_url=FAR[0].url("/hook-python"))
    t.same(value["async"], True, "async")
    t.expect(is_large(delivered(t, "/hook-python")), "the webhook's picture is another")
    refused(t, lambda: client.transform_image(file=file, operations=[{"type": "upscale",
                                                                      "factor": 5}]), 400,
            "operations[0] (upscale): factor is 5; it is a whole number from 2 to 4")


def go_earlier(t):
    """Go, earlier: Transform()"""
    client = Go(t.service, v2=False)
    t.expect(is_large(client.transform({"name": "a.png", "base64": TEXT}, UPSCALE)),
             "the picture is another")
    refused(t, lambda: client.transform({"name": "a.png"}, UPSCALE), 400,
            "file has neither base64 nor url")


def go_today(t):
    """Go, today: TransformImage(); the factor in quotes, fetch_options always"""
    client = Go(t.service, v2=True)
    for file in ({"base64": TEXT}, {"name": "a.png", "base64": TEXT},
                 {"url": FAR[0].put("/c.png?a=1&b=2", PNG)}):
        t.expect(is_large(client.transform(file, UPSCALE)), "the picture is another")
    t.expect(client.transform({"base64": TEXT}, UPSCALE, FAR[0].url("/hook-go")), "no message")
    t.expect(is_large(delivered(t, "/hook-go")), "the webhook's picture is another")
    refused(t, lambda: Go(t.service, True, "fov_").transform({"base64": TEXT}, UPSCALE), 401,
            "Invalid API key")
    refused(t, lambda: client.transform({"base64": TEXT}, [
        {"type": "tint", "hex_color": "red"}]), 422,
            'operations[0] (tint): hex_color is "red"; it is a colour like "#FF8000"')


def n8n(t):
    """n8n: the key is checked by GET /v1/me; then a transform, its buffer decoded"""
    headers = {"Accept": "application/json,text/html,application/xhtml+xml,application/xml,text/*;q"
               "=0.9, image/*;q=0.8, */*;q=0.7", "User-Agent": "axios/1.7.2",
               "Accept-Encoding": "gzip, compress, deflate, br",
               "X-IterationLayer-Integration": "n8n"}
    t.ask("GET", "/v1/me", headers=headers)
    t.ask("GET", "/v1/me", headers=headers, key="wrong", wants=401, says="^Invalid API key$")
    a = t.transform({"type": "base64", "name": "data.png", "base64": TEXT},
                    [{"type": "upscale", "factor": 2}, {"type": "sharpen", "sigma": 0.3}],
                    headers=headers)
    t.expect(a.data and is_large(a.picture), "the picture is another", a)


def node(t):
    """Node, earlier and today: transform(), transformImage(), transformImageAsync(), by fetch"""
    program = shutil.which("node")
    if not t.expect(program, "there is no node (Debian: nodejs)"):
        return
    script = pathlib.Path(__file__).with_name("client.mjs")
    ran = subprocess.run([program, script, f"http://127.0.0.1:{t.service.port}", t.service.key,
                          FAR[0].put("/d.png", PNG), FAR[0].url("/hook-node")],
                         input=TEXT, capture_output=True, text=True, timeout=PATIENCE_S,
                         check=False)
    t.same(ran.returncode, 0, f"what client.mjs ends with ({ran.stderr.strip()})")
    for line in ran.stdout.splitlines():
        t.expect(line.startswith("ok "), line)
    n = sum(line.startswith("ok ") for line in ran.stdout.splitlines())
    t.same(n, 9, "how much Node found good")
    t.expect(is_large(delivered(t, "/hook-node")), "the webhook's picture is another")


CASES = [python_earlier, python_today, go_earlier, go_today, n8n, node]


def prepare():
    """The service."""
    FAR.append(Far())
    SERVICES.append(Service(pathlib.Path(sys.argv[1]), allow=FAR[0].address))
    SERVICES[0].add_credits(1000)
    return SERVICES[0]


def clean():
    """End all of it."""
    wrong = [sentence for service in SERVICES for sentence in service.stop()]
    for server in FAR:
        server.stop()
    return wrong


if __name__ == "__main__":
    run(CASES, prepare, clean)
