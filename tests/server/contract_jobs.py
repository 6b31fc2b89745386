#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs, webhooks, credits, budgets and the limit of requests of `fovea serve`, seen by a client.

    contract_jobs.py FOVEA [CASE...]

The limit's window is a minute, which is what this takes: it begins first and is looked at last.
"""
import base64
import hashlib
import hmac
import io
import json
import pathlib
import sqlite3
import sys
import threading
import time

from PIL import Image

from service import PATIENCE_S, Far, Service, TRANSFORM, multipart, run, until

FLIP = [{"type": "flip"}]
CROP_OUTSIDE = [{"type": "crop", "left_in_px": 9, "top_in_px": 0, "width_in_px": 9,
                 "height_in_px": 9}]
FAR, SERVICES = [], []
WINDOW_S = 60
LONG = {}  # the job that began first, and when its file may come
LIMITED = {}  # the service with a limit of two requests, and when they were made


def png(colour):
    """A small file."""
    out = io.BytesIO()
    image = Image.new("RGB", (12, 9), colour)
    image.putpixel((0, 0), (0, 0, 255))
    image.save(out, "PNG")
    return out.getvalue()


PNG = png((200, 30, 60))


def is_flipped(data):
    """Is it the small file, upside down?"""
    return bool(data) and Image.open(io.BytesIO(data)).getpixel((0, 8)) == (0, 0, 255)


def far():
    """The server far away."""
    return FAR[0]


def held(name):
    """(file, gate): a file by its URL that comes only after gate.set()."""
    gate = far().hold(name)
    return {"url": far().put(name, PNG)}, gate


def job_of(t, a):
    """The job's identifier in an answer 201."""
    t.same(a.status, 201, "the status", a)
    t.same({k: a.json().get(k) for k in ("success", "async")}, {"success": True, "async": True},
           "what the answer says", a)
    t.expect(isinstance(a.json().get("message"), str), "the answer has no message", a)
    job = a.json().get("job_id")
    t.expect(isinstance(job, str) and job.startswith("job_"), "the answer has no job_id", a)
    return job


def ended(by, job, key=None):
    """The answer that tells of a job's end."""
    return until(lambda: (a := by.ask("GET", f"/v1/jobs/{job}", key=key)).data.get("state")
                 not in ("queued", "running") and a)


# ---- jobs ------------------------------------------------------------------------------------

def success(t):
    """201 at once, a webhook with the picture, a job that shows it, one credit"""
    before = t.service.spent()
    started = int(time.time())
    a = t.transform(PNG, FLIP, webhook_url=far().url("/hook-success"), wants=201)
    t.same(a.headers.get("Fovea-Cost"), "1", "Fovea-Cost", a)
    job = job_of(t, a)
    _, _, headers, body, _ = far().wait("/hook-success")[0]
    payload = json.loads(body)
    t.same((payload.get("success"), payload.get("api")), (True, "image_transformation"),
           "what the webhook says")
    t.same(payload.get("data", {}).get("mime_type"), "image/png", "the webhook's MIME type")
    t.expect(is_flipped(base64.b64decode(payload["data"]["buffer"], validate=True)),
             "the webhook's picture is another")
    t.same(payload.get("job_id"), job, "the webhook's job")
    t.same(headers.get("Content-Type"), "application/json", "the webhook's Content-Type")
    t.same(headers.get("Authorization"), None, "the webhook's Authorization")
    t.expect(t.service.key not in str(headers) + body.decode(), "the webhook tells the key")
    a = ended(t, job)
    t.same((a.data.get("job_id"), a.data.get("state")), (job, "done"), "the job", a)
    t.same((a.data.get("mime_type"), a.data.get("width_px"), a.data.get("height_px")),
           ("image/png", 12, 9), "the job's result", a)
    t.expect(is_flipped(a.picture), "the job's picture is another", a)
    t.expect(started <= a.data.get("created_at", 0) <= a.data.get("finished_at", 0) <= time.time(),
             "the job's times are none", a)
    t.same(a.headers.get("Fovea-Cost"), None, "Fovea-Cost of a look at a job", a)
    a = t.ask("GET", f"/v1/jobs/{job}", headers={"Accept": "image/*"})
    t.same(a.headers.get("Content-Type"), "image/png", "Content-Type of the job's picture", a)
    t.expect(is_flipped(a.body), "the job's picture as it is is another", a)
    a = t.ask("HEAD", f"/v1/jobs/{job}")
    t.same(a.body, b"", "the body of HEAD", a)
    t.same(t.service.spent() - before, 1, "the credits of it")
    a = t.ask("DELETE", f"/v1/jobs/{job}", wants=409, says="done")


def failure(t):
    """a webhook with the sentence, a job that shows it, no credit"""
    before = t.service.spent()
    job = job_of(t, t.transform(PNG, CROP_OUTSIDE, webhook_url=far().url("/hook-failure"),
                                wants=201))
    payload = json.loads(far().wait("/hook-failure")[0][3])
    sentence = payload.get("error", {}).get("message")
    t.same(payload, {"success": False, "api": "image_transformation",
                     "error": {"message": sentence}, "job_id": job}, "the webhook's payload")
    t.expect("beyond the picture" in sentence, f"the webhook says {sentence!r}")
    a = ended(t, job)
    t.same((a.data.get("state"), a.data.get("status"), a.data.get("error")),
           ("failed", 422, sentence), "the job", a)
    t.expect("buffer" not in a.data, "a job that failed has a picture", a)
    t.ask("DELETE", f"/v1/jobs/{job}", wants=409, says="failed")
    job = job_of(t, t.transform({"url": far().url("/nowhere")}, FLIP,
                                webhook_url=far().url("/hook-nowhere"), wants=201))
    t.expect("404" in json.loads(far().wait("/hook-nowhere")[0][3])["error"]["message"],
             "the webhook does not say why the file did not come")
    t.same(ended(t, job).data.get("status"), 422, "the status of that job")
    t.same(t.service.spent(), before, "the credits that were used")


def forms_and_files(t):
    """jobs by a form, by a raw body and by a URL"""
    form, kind = multipart([("file", PNG, "a.png"), ("operations", json.dumps(FLIP)),
                            ("webhook_url", far().url("/hook-form"))])
    a = t.ask("POST", TRANSFORM, form, {"Content-Type": kind}, wants=201)
    t.expect(is_flipped(ended(t, job_of(t, a)).picture), "the picture of a form is another")
    operations = "%5B%7B%22type%22%3A%22flip%22%7D%5D"
    url = far().url("/hook-raw").replace(":", "%3A").replace("/", "%2F")
    a = t.ask("POST", f"{TRANSFORM}?operations={operations}&webhook_url={url}", PNG,
              {"Content-Type": "image/png"}, wants=201)
    t.expect(is_flipped(ended(t, job_of(t, a)).picture), "the picture of a raw body is another")
    a = t.transform({"url": far().put("/by-url", PNG), "fetch_options": {"user_agent": "Later"}},
                    FLIP, webhook_url=far().url("/hook-url"), wants=201)
    t.expect(is_flipped(ended(t, job_of(t, a)).picture), "the picture of a URL is another")
    t.same(far().at("/by-url")[0][2].get("User-Agent"), "Later", "the user agent of a job")
    for path in ("/hook-form", "/hook-raw", "/hook-url"):
        t.expect(far().wait(path), f"{path} is not called")


def refused_at_once(t):
    """what is wrong is said at once, also when an answer was to come later; http is 400"""
    hook = far().url("/hook-never")
    t.transform(PNG, [{"type": "flap"}], webhook_url=hook, wants=400)
    t.transform(PNG, FLIP * 31, webhook_url=hook, wants=400)
    t.transform({}, FLIP, webhook_url=hook, wants=400)
    t.transform(PNG, [{"type": "tint", "hex_color": "red"}], webhook_url=hook, wants=422)
    t.ask("POST", TRANSFORM, {"file": {"url": hook}, "operations": FLIP, "webhook_url": hook},
          key="fov_x", wants=401)
    strict = SERVICES[1]
    for url in ("http://example.com/hook", "ftp://example.com/", "example.com", "", "/hook",
                "https://example.com/a b", "javascript:alert(1)"):
        a = t.lawful(strict.transform(PNG, FLIP, webhook_url=url))
        t.same(a.status, 400, f"the status for {url!r}", a)
        t.expect("webhook_url" in (a.error or ""), "the webhook's URL is not blamed", a)
    a = t.transform(PNG, FLIP, webhook_url=hook, dry_run=True)
    t.expect(a.data.get("dry_run"), "a dry run makes a job", a)
    t.expect(not far().at("/hook-never"), "a webhook tells of what was refused")


def cancelling(t):
    """DELETE ends a job that waits or runs; its credit comes back, no webhook tells of it"""
    before = t.service.credits()
    file, gate = held("/cancelled")
    job = job_of(t, t.transform(file, FLIP, webhook_url=far().url("/hook-cancelled"), wants=201))
    far().wait("/cancelled")
    a = t.ask("GET", f"/v1/jobs/{job}")
    t.expect(a.data.get("state") in ("queued", "running") and a.data.get("finished_at") is None,
             "the job is not on its way", a)
    t.same(t.service.credits()["held"], before["held"] + 1, "the credits that are held")
    a = t.ask("DELETE", f"/v1/jobs/{job}")
    t.same((a.data.get("job_id"), a.data.get("state")), (job, "cancelled"), "the job", a)
    t.same(t.service.credits(), before, "the credits, when it was cancelled")
    gate.set()
    a = t.ask("GET", f"/v1/jobs/{job}")
    t.same(a.data.get("state"), "cancelled", "the job's state", a)
    t.ask("DELETE", f"/v1/jobs/{job}", wants=409, says="cancelled")
    t.transform(PNG, FLIP, webhook_url=far().url("/hook-after"), wants=201)
    far().wait("/hook-after")
    t.expect(not far().at("/hook-cancelled"), "a webhook tells of what was cancelled")


def strangers(t):
    """another project's key sees no job; another key of the same project does"""
    mine, same = (t.service.make_key(n, "--project", "mine") for n in ("one", "two"))
    other = t.service.make_key("other", "--project", "theirs")
    job = job_of(t, t.transform(PNG, FLIP, webhook_url=far().url("/hook-mine"), key=mine,
                                wants=201))
    ended(t, job, mine)
    for method in ("GET", "DELETE"):
        a = t.ask(method, f"/v1/jobs/{job}", key=other, wants=404, says=job)
        b = t.ask(method, "/v1/jobs/job_doesnotexist", key=other, wants=404)
        t.same(a.error.replace(job, "X"), b.error.replace("job_doesnotexist", "X"),
               "what another project hears", a)
        t.ask(method, f"/v1/jobs/{job}", key="", wants=401)
    t.expect(is_flipped(t.ask("GET", f"/v1/jobs/{job}", key=same).picture),
             "the project's other key does not see the job")
    for job in ("x", "job_" + "a" * 22, "%00", "job_'--", "a" * 500, "job_/../x"):
        t.ask("GET", f"/v1/jobs/{job}", wants=404)


# ---- webhooks --------------------------------------------------------------------------------

def signatures(t):
    """webhooks are signed as Standard Webhooks has it, with the secret of `fovea key secret`"""
    secret = t.service.fovea("key", "secret")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    t.same(len(key), 32, "the bytes of the secret")
    ids = set()
    for operations in (FLIP, CROP_OUTSIDE):
        t.transform(PNG, operations, webhook_url=far().url("/hook-signed"), wants=201)
        _, _, headers, body, at = far().wait("/hook-signed", len(ids) + 1)[-1]
        name, stamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
        ids.add(name)
        t.expect(abs(int(stamp) - at) < 30, f"the webhook's time is {stamp}")
        mac = hmac.digest(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256)
        t.same(headers.get("webhook-signature"), "v1," + base64.b64encode(mac).decode(),
               "the signature")
    t.same(len(ids), 2, "how many names two webhooks have")


def repetition(t):
    """a webhook that is not taken comes again, under the same name and signed anew"""
    far().replies["/hook-again"] = [500, 302]
    t.transform(PNG, FLIP, webhook_url=far().url("/hook-again"), wants=201)
    first, second = far().wait("/hook-again", 2)[:2]
    t.expect(3 <= second[4] - first[4] <= 30, f"it comes again after {second[4] - first[4]:.1f} s")
    t.same(second[2].get("webhook-id"), first[2].get("webhook-id"), "the webhook's name")
    t.expect(second[2].get("webhook-timestamp") > first[2].get("webhook-timestamp"),
             "its time is the old one")
    t.expect(second[2].get("webhook-signature") != first[2].get("webhook-signature"),
             "its signature is the old one")
    t.same(second[3], first[3], "its body")


def growing_delays(t):
    """what was not taken comes again later each time: 5 s, 30 s, ... 30 min"""
    url = far().url("/hook-later")
    far().replies["/hook-later"] = [500] * 3
    t.transform(PNG, FLIP, webhook_url=url, wants=201)
    with sqlite3.connect(t.service.store, PATIENCE_S) as store:
        for attempt, delay_s in ((1, 5), (2, 30), (5, 1800)):
            if attempt > 1:  # as if it had failed so often
                store.execute("UPDATE webhook SET n_attempts = ?, at_s = 1 WHERE url = ?",
                              (attempt - 1, url))
                store.commit()
            t.expect(until(lambda n=attempt, s=delay_s: store.execute(
                "SELECT 1 FROM webhook WHERE url = ? AND n_attempts = ?"
                " AND at_s - strftime('%s') BETWEEN ? AND ?",
                (url, n, 0.7 * s, 1.3 * s)).fetchone(), 10),
                     f"after attempt {attempt} it does not wait for some {delay_s} s")
        store.execute("DELETE FROM webhook WHERE url = ?", (url,))
    store.close()


def dead_letters(t):
    """a webhook that was given up is listed, and delivered again when somebody asks"""
    t.same(t.ask("GET", "/v1/webhooks").json().get("data"), [], "what was given up so far")
    far().replies["/hook-dead"] = [500, 410]
    mine = t.service.make_key("dead", "--project", "dead")
    job = job_of(t, t.transform(PNG, FLIP, webhook_url=far().url("/hook-dead"), key=mine,
                                wants=201))
    far().wait("/hook-dead")
    with sqlite3.connect(t.service.store, PATIENCE_S) as store:  # as if a day had gone by
        until(lambda: store.execute("SELECT state FROM webhook WHERE n_attempts = 1 AND error <> ''"
                                    " AND url LIKE '%/hook-dead'").fetchone())
        store.execute("UPDATE webhook SET n_attempts = 10, at_s = 1"
                      " WHERE url LIKE '%/hook-dead'")
    store.close()
    (dead,) = until(lambda: t.ask("GET", "/v1/webhooks", key=mine).json()["data"]) or [{}]
    t.same((dead.get("job_id"), dead.get("url"), dead.get("attempts")),
           (job, far().url("/hook-dead"), 11), "what is listed")
    t.expect("410" in dead.get("error", ""), f"the reason is {dead.get('error')!r}")
    t.expect(abs(dead.get("since", 0) - time.time()) < 100, "since when is no time")
    t.same(t.ask("GET", "/v1/webhooks").json()["data"], [], "what another project sees")
    again = f"/v1/webhooks/{dead.get('id')}/retry"
    t.ask("POST", again, wants=404)
    t.ask("POST", "/v1/webhooks/msg_x/retry", wants=404)
    t.ask("POST", f"/v1/webhooks/{dead.get('id')}", key=mine, wants=404)
    t.ask("GET", again, key=mine, wants=405)
    a = t.ask("POST", again, key=mine)
    t.same(a.data.get("id"), dead.get("id"), "the webhook's name", a)
    seen = far().wait("/hook-dead", 3)
    t.same({e[2].get("webhook-id") for e in seen}, {dead.get("id")}, "the webhook's names")
    t.same(t.ask("GET", "/v1/webhooks", key=mine).json()["data"], [], "what is left")
    until(lambda: t.service.ask("POST", again, key=mine).status == 409)
    t.ask("POST", again, key=mine, wants=409)


# ---- the same again --------------------------------------------------------------------------

def same_again(t):
    """Idempotency-Key: the same request again has the same answer and takes no second credit"""
    before, key = t.service.spent(), {"Idempotency-Key": "order-1"}
    first = t.transform(PNG, FLIP, headers=key)
    again = t.transform(PNG, FLIP, headers=key)
    t.expect(is_flipped(first.picture), "the picture is another", first)
    t.same(again.body, first.body, "the answer to the same again", again)
    t.same(first.headers.get("Fovea-Cost"), "1", "Fovea-Cost", first)
    t.same(again.headers.get("Fovea-Cost"), None, "Fovea-Cost of the same again", again)
    t.same(t.service.spent() - before, 1, "the credits of both")
    binary = t.transform(PNG, FLIP, headers={**key, "Accept": "image/*"})
    t.expect(is_flipped(binary.body), "the same again as a picture is another", binary)
    for file, operations in ((PNG, FLIP * 2), (png((1, 2, 3)), FLIP)):
        t.transform(file, operations, headers=key, wants=400, says="used for another request")
    other = t.service.make_key("o", "--project", "other project")
    a = t.transform(PNG, FLIP * 2, headers=key, key=other)
    t.expect(a.picture and not is_flipped(a.picture), "another project's key is the same one", a)
    for bad in ("", "a" * 256):
        t.transform(PNG, FLIP, headers={"Idempotency-Key": bad}, wants=400, says="255")
    t.transform(PNG, FLIP, headers={"Idempotency-Key": "a" * 255})
    before = t.service.spent()
    t.transform(PNG, FLIP, headers={"Idempotency-Key": "dry"}, dry_run=True)
    t.transform(PNG, FLIP * 3, headers={"Idempotency-Key": "dry"}, dry_run=True)
    t.same(t.service.spent(), before, "the credits that were used, after dry runs")


def same_failure_again(t):
    """Idempotency-Key: a failure is the same again, and costs nothing"""
    before, key = t.service.spent(), {"Idempotency-Key": "order-2"}
    first = t.transform(PNG, CROP_OUTSIDE, headers=key, wants=422, says="beyond the picture")
    again = t.transform(PNG, CROP_OUTSIDE, headers=key, wants=422)
    t.same(again.error, first.error, "the sentence of the same again", again)
    t.same(t.service.spent(), before, "the credits that were used")
    # what is refused at once is not remembered
    t.transform(PNG, [{"type": "flap"}], headers={"Idempotency-Key": "order-3"}, wants=400)
    t.transform(PNG, FLIP, headers={"Idempotency-Key": "order-3"})


def same_job_again(t):
    """Idempotency-Key: an asynchronous request again is the same job"""
    key, hook = {"Idempotency-Key": "order-4"}, far().url("/hook-once")
    first = t.transform(PNG, FLIP, headers=key, webhook_url=hook, wants=201)
    again = t.transform(PNG, FLIP, headers=key, webhook_url=hook, wants=201)
    t.same(job_of(t, again), job_of(t, first), "the job", again)
    t.same(again.headers.get("Fovea-Cost"), None, "Fovea-Cost of the same again", again)
    ended(t, job_of(t, first))
    late = t.transform(PNG, FLIP, headers=key, webhook_url=hook, wants=201)
    t.same(job_of(t, late), job_of(t, first), "the job, when it has ended", late)
    t.transform(PNG, FLIP, headers=key, wants=400, says="another request")
    far().wait("/hook-once")
    t.transform(PNG, FLIP, webhook_url=far().url("/hook-twice"), wants=201)
    far().wait("/hook-twice")
    t.same(len(far().at("/hook-once")), 1, "how often the webhook comes")


def twice_at_once(t):
    """Idempotency-Key: two at once are one piece of work, one credit, one answer"""
    before = t.service.spent()
    file, gate = held("/twice")
    answers = []

    def send():
        answers.append(t.service.transform(file, FLIP, headers={"Idempotency-Key": "order-5"}))

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    far().wait("/twice")
    t.same(t.service.credits()["held"], 1, "the credits that are held")
    gate.set()
    for thread in threads:
        thread.join()
    for a in answers:
        t.lawful(a)
        t.expect(a.status == 200 and is_flipped(a.picture), "the picture is another", a)
    t.same(len(far().at("/twice")), 1, "how often the file is asked for")
    t.same(sum(a.headers.get("Fovea-Cost") == "1" for a in answers), 1, "how many of them cost 1")
    t.same(t.service.spent() - before, 1, "the credits of all")


# ---- credits ---------------------------------------------------------------------------------

def credits_of_all(t):
    """one a request whatever it does, trial first, one pool for all keys, back when it fails"""
    service = Service(sys.argv[1], allow=far().address)
    try:
        keys = [service.make_key(f"k{i}", "--project", f"p{i % 2}") for i in range(3)]
        service.add_credits(3, "--trial")
        service.add_credits(2)
        left = [(3, 2)]

        def after(a, trial, paid):
            t.lawful(a)
            service.spent()
            c = service.credits()
            t.same((c["trial"], c["paid"], c["held"]), (trial, paid, 0), "what is left", a)
            left.append((c["trial"], c["paid"]))

        after(service.transform(PNG, FLIP * 30, key=keys[0]), 2, 2)
        after(service.transform(PNG, CROP_OUTSIDE, key=keys[0]), 2, 2)
        after(service.transform(PNG, [{"type": "flap"}], key=keys[0]), 2, 2)
        after(service.transform(PNG[:40], FLIP, key=keys[1]), 2, 2)
        after(service.transform(b"no picture", FLIP, key=keys[1]), 2, 2)
        after(service.transform({"url": far().url("/nowhere")}, FLIP, key=keys[1]), 2, 2)
        after(service.ask("GET", "/v1/me", key=keys[1]), 2, 2)
        after(service.transform(PNG, FLIP, key=keys[1], dry_run=True), 2, 2)
        after(service.transform(PNG, [], key=keys[1]), 1, 2)
        after(service.transform(PNG, FLIP, key=keys[2], headers={"Accept": "image/*"}), 0, 2)
        after(service.transform(PNG, FLIP, key=keys[0]), 0, 1)
        file, gate = held("/last")
        answers = []
        thread = threading.Thread(
            target=lambda: answers.append(service.transform(file, FLIP, key=keys[1])))
        thread.start()
        far().wait("/last")
        more = [service.transform(PNG, FLIP, key=keys[0]),  # the last one is held
                service.transform(PNG, FLIP, key=keys[0], webhook_url=far().url("/hook-none")),
                service.transform(PNG, FLIP, key=keys[0], headers={"Idempotency-Key": "a"})]
        gate.set()
        thread.join()
        t.same(t.lawful(answers[0]).status, 200, "the status of the last", answers[0])
        more.append(service.transform(PNG, FLIP, key=keys[2]))
        for a in more:
            t.lawful(a)
            t.same((a.status, a.error), (402, "Insufficient credits"), "what one more hears", a)
        a = t.lawful(service.transform(PNG, FLIP, key=keys[0], dry_run=True))
        t.same(a.status, 200, "the status of a dry run without credits", a)
        a = t.lawful(service.ask("GET", "/v1/me", key=keys[0]))
        t.same(a.data.get("credits", {}).get("remaining"), 0, "what is left", a)
        service.add_credits(1)
        a = t.lawful(service.transform(PNG, FLIP, key=keys[0], headers={"Idempotency-Key": "a"}))
        t.same(a.status, 200, "the status with a new credit", a)
        t.same(service.spent(), 6, "the credits that were used in all")
    finally:
        t.wrong += service.stop()


def budgets(t):
    """a project's budget counts for all its keys: 402 "Budget cap exceeded", others go on"""
    first = t.service.make_key("first", "--project", "small", "--budget", "2")
    second = t.service.make_key("second", "--project", "small")
    t.transform(PNG, FLIP, key=first)
    t.transform(PNG, CROP_OUTSIDE, key=first, wants=422)  # comes back
    t.transform(PNG, FLIP, key=second)
    for key in (first, second):
        t.transform(PNG, FLIP, key=key, wants=402, says="^Budget cap exceeded$")
        t.transform(PNG, FLIP, key=key, webhook_url=far().url("/hook-none"), wants=402,
                    says="^Budget cap exceeded$")
    t.ask("GET", "/v1/me", key=first)
    t.transform(PNG, FLIP)
    t.service.make_key("third", "--project", "small", "--budget", "3")
    t.transform(PNG, FLIP, key=first)
    t.transform(PNG, FLIP, key=first, wants=402)


# ---- a job that takes longer than its lease ---------------------------------------------------

def long_job_begins():
    """Its file comes after 25 s, when a job that nobody cares for is anybody's again. A service of
    its own, since a job in work holds a credit."""
    service = Service(pathlib.Path(sys.argv[1]), allow=far().address)
    service.add_credits(1)
    SERVICES.append(service)
    file, LONG["gate"] = held("/file-long")
    file["fetch_options"] = {"timeout_ms": 60000}
    LONG["at"] = time.time()
    LONG["service"] = service
    a = service.transform(file, FLIP, webhook_url=far().url("/hook-long"))
    LONG["job"] = a.json()["job_id"]


def long_job(t):
    """a job that takes longer than its lease is taken once"""
    until(lambda: time.time() > LONG["at"] + 25)
    LONG["gate"].set()
    a = ended(LONG["service"], LONG["job"])
    t.same(a.data.get("state"), "done", "how it ended", a)
    t.same(len(far().at("/file-long")), 1, "how often its file was asked for")
    t.same(len(far().wait("/hook-long")), 1, "how many webhooks came")


# ---- the limit of requests -------------------------------------------------------------------

def limit_begins():
    """A service that lets two requests a minute through; both are made, some seconds apart."""
    service = LIMITED["service"] = Service(sys.argv[1], rate=2)
    service.add_credits(10)
    LIMITED["answers"], LIMITED["at"] = [], []

    def make():
        for i in range(2):
            LIMITED["at"].append(time.time())
            LIMITED["answers"].append(service.ask("GET", "/v1/me"))
            if not i:
                until(lambda: time.time() > LIMITED["at"][0] + 4)

    LIMITED["thread"] = threading.Thread(target=make)
    LIMITED["thread"].start()


def limit_of_requests(t):
    """a limit a minute for all keys: 429 with Retry-After; the window slides"""
    service = LIMITED["service"]
    LIMITED["thread"].join()
    for i, a in enumerate(LIMITED["answers"]):
        t.lawful(a)
        t.same((a.status, a.headers.get("X-RateLimit-Limit"), a.headers.get(
            "X-RateLimit-Remaining")), (200, "2", str(1 - i)), "the answer within the limit", a)

    def passes_at(what, a):
        leaves = LIMITED["at"][0] + WINDOW_S
        t.expect(abs(what - leaves) <= 2, f"it is {what - leaves:.1f} s from when one may", a)

    if time.time() < LIMITED["at"][0] + WINDOW_S - 3:
        other = service.make_key("other", "--project", "other")
        for key in (service.key, other):
            for a in (service.ask("GET", "/v1/me", key=key), service.transform(PNG, FLIP, key=key),
                      service.ask("DELETE", "/v1/jobs/job_x", key=key)):
                t.lawful(a)
                t.same((a.status, a.error), (429, "Rate limit exceeded"), "one too many hears", a)
                t.same(a.headers.get("X-RateLimit-Remaining"), "0", "X-RateLimit-Remaining", a)
                passes_at(time.time() + int(a.headers.get("Retry-After") or 0), a)
                passes_at(int(a.headers.get("X-RateLimit-Reset")), a)
        t.same(service.credits()["paid"], 10, "the credits that are left")
        for path, key, status in (("/healthz", "", 200), ("/openapi.json", "", 200),
                                  ("/v1/me", "fov_wrong", 401), ("/nothing", "", 404)):
            a = t.lawful(service.ask("GET", path, key=key))
            t.same(a.status, status, "what is not counted hears", a)
    first = until(lambda: (a := service.ask("GET", "/v1/me")).status == 200 and a)
    passed = time.time() - LIMITED["at"][0]
    t.expect(WINDOW_S - 1 <= passed < WINDOW_S + 3, f"one may again after {passed:.1f} s")
    if t.expect(first, "nobody may again") and passed < WINDOW_S + 3:
        a = service.ask("GET", "/v1/me")  # the second one is not a minute old
        t.same(t.lawful(a).status, 429, "the status of one more, for the window slides", a)
        t.expect(1 <= int(a.headers.get("Retry-After") or 0) <= 5, "the next may wait longer", a)


CASES = [success, failure, forms_and_files, refused_at_once, cancelling, strangers, signatures,
         repetition, growing_delays, dead_letters, same_again, same_failure_again, same_job_again,
         twice_at_once, credits_of_all, budgets, long_job, limit_of_requests]


def prepare():
    """The service, a stricter one, and the one with a limit."""
    if not sys.argv[2:] or limit_of_requests.__name__ in sys.argv[2:]:
        limit_begins()
    FAR.append(Far())
    SERVICES.append(Service(pathlib.Path(sys.argv[1]), allow=FAR[0].address))
    SERVICES.append(Service(pathlib.Path(sys.argv[1])))
    for service in SERVICES:
        service.add_credits(100000)
    if not sys.argv[2:] or long_job.__name__ in sys.argv[2:]:
        long_job_begins()
    return SERVICES[0]


def clean():
    """End all of it."""
    if LIMITED.get("service"):
        LIMITED["thread"].join()
        SERVICES.append(LIMITED["service"])
    wrong = [sentence for service in SERVICES for sentence in service.stop()]
    for server in FAR:
        server.stop()
    return wrong


if __name__ == "__main__":
    run(CASES, prepare, clean)
