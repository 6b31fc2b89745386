#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Accidents that happen to `fovea serve`: its processes are killed while it works, its disk is
full, its store is locked or cannot be written, it is asked to stop or to read its settings again.

    faults.py FOVEA [CASE ...]

The seed is printed; FOVEA_TEST_SEED takes it back.
"""
import contextlib
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from fault_service import (BROKEN, FLIP, Receiver, body, is_alive, kill, main, png, read_all,
                           upscale, wait_for)

N_KILLS, N_CLIENTS = 20, 5


class Load:
    """Clients that send without a pause, and what they saw."""

    def __init__(self, service, receiver, chance):
        self.service, self.receiver, self.is_over = service, receiver, threading.Event()
        self.lock = threading.Lock()
        self.accepted, self.statuses = [], {}  # ids of jobs; statuses of synchronous requests
        self.broken, self.other = 0, {}
        receiver.files["picture.png"] = png(24, 24, 3)
        self.threads = [threading.Thread(target=self.client, args=(chance.random(),))
                        for _ in range(N_CLIENTS)]
        for thread in self.threads:
            thread.start()

    def request(self, chance):
        """(body, is it asynchronous)."""
        file = png(chance.randint(8, 40), chance.randint(8, 40), chance.random())
        if chance.random() < 0.2:
            file = self.receiver.url + "/file/picture.png"
        operations = [upscale(2)] if chance.random() < 0.3 else [FLIP]
        if chance.random() < 0.5:
            return body(file, operations), False
        return body(file, operations, webhook_url=self.receiver.url + "/hook"), True

    def client(self, seed):
        """One of them."""
        chance = random.Random(seed)
        while not self.is_over.is_set():
            data, later = self.request(chance)
            try:
                answer = self.service.transform(data)
            except BROKEN:
                with self.lock:
                    self.broken += not later
                time.sleep(0.05)
                continue
            with self.lock:
                if answer.status == 201:
                    self.accepted.append(answer.json["job_id"])
                elif later:
                    self.other[answer.status] = self.other.get(answer.status, 0) + 1
                else:
                    self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
                if answer.status >= 400:
                    assert answer.sentence

    def end(self):
        """No more of them."""
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def kill_something(service, chance):
    """One accident. What it was."""
    what = chance.choice(("server", "zygote", "worker"))
    if what == "server":
        service.kill()
        service.start()
    elif what == "zygote":
        for pid in service.zygotes():
            kill(pid)
    else:
        pids = []
        with contextlib.suppress(AssertionError):
            pids = wait_for("a worker", service.workers, 2)
        for pid in pids:
            kill(pid)
    return what


def let_leases_end(service):
    """A sender that was killed keeps its webhook for 90 s: they have passed."""
    service.change("UPDATE webhook SET at_s = 0 WHERE state = 'pending'")
    service.change("UPDATE job SET leased_to_s = 0 WHERE state = 'running'")


def check_jobs(service, load, receiver):
    """What was accepted has ended once, and its webhook says so, by one id."""
    ids, good = receiver.by_job()
    states = dict(service.rows("SELECT name, state FROM job"))
    names = dict(service.rows("SELECT job.name, webhook.name FROM webhook"
                              " JOIN job ON job.id = webhook.job"))
    assert len(set(load.accepted)) == len(load.accepted)
    for job in load.accepted:
        assert states.get(job) in ("done", "failed"), (job, states.get(job))
        assert set(ids[job]) == {names[job]}, (job, ids[job], names[job])
        assert good[job] == {states[job] == "done"}, (job, good[job], states[job])
    return sum(state == "done" for state in states.values())


def check_credits(service, load, n_done):
    """Captured is what succeeded; held is what was killed; the rest is there."""
    now = service.credits()
    seen = load.statuses.get(200, 0)
    at_once = now["used"] - n_done
    assert seen <= at_once <= seen + load.broken, (seen, at_once, load.broken)
    assert now["held"] <= load.broken, (now, load.broken)
    assert now["trial"] + now["paid"] + now["held"] + now["used"] == 100000, now
    print(f"  {len(load.accepted)} jobs accepted, {n_done} done; at once {load.statuses},"
          f" {load.broken} broken off; {load.other or 'nothing'} refused; {now}", flush=True)
    return now["held"]


def twenty_kills(new):
    """Whatever is killed, each job ends once, each webhook arrives, and the ledger balances."""
    seed = int(os.environ.get("FOVEA_TEST_SEED", str(random.randrange(1 << 30))))
    print(f"  seed {seed}", flush=True)
    chance, receiver = random.Random(seed), Receiver()
    service = new(allow=receiver.address).start()
    load = Load(service, receiver, chance)
    killed = []
    try:
        for _ in range(N_KILLS):
            time.sleep(chance.uniform(0.05, 1.2))
            killed.append(kill_something(service, chance))
        time.sleep(0.5)
    finally:
        load.end()
    print(f"  killed: {' '.join(killed)}", flush=True)
    service.kill()
    let_leases_end(service)
    service.start()
    wait_for("every job ends and every webhook is delivered", lambda: not service.rows(
        "SELECT 1 FROM job LEFT JOIN webhook ON webhook.job = job.id WHERE job.state IN"
        " ('queued', 'running') OR webhook.state <> 'delivered' LIMIT 1"), 60)
    service.is_well()
    service.run("credits", "audit")
    held = check_credits(service, load, check_jobs(service, load, receiver))
    assert service.stop() == 0
    service.settings["hold_s"] = 1
    time.sleep(2)
    service.start()
    wait_for("holds of killed requests are released", lambda: not service.credits()["held"])
    if held:
        assert '"event":"holds","released":%d' % held in service.log.read_text("utf-8")
    service.run("credits", "audit")
    assert service.stop() == 0
    receiver.close()


def a_zygote_killed_at_work(new):
    """A picture that a worker was reading begins anew in the next one's, not where it was."""
    service = new(workers=1).start()
    picture, small = png(700, 700), png(8, 8)  # the one is decoded for a while
    answers = []
    for wait_s in (0, 0, 0, 0, 0.05, 0.2, 0.4):
        data = body(picture, [{"type": "denoise", "size": 5}])
        if not wait_s:  # its network is made before it enters the sandbox
            data = body(small, [{**upscale(4), "detail": 0.5}])
        one = threading.Thread(target=lambda data=data: answers.append(service.transform(data)))
        one.start()
        workers = wait_for("a worker", service.workers)
        time.sleep(wait_s)
        kill(service.zygotes()[0])
        wait_for("its worker ends", lambda workers=workers: not any(map(is_alive, workers)), 2)
        one.join()
    assert [a.status for a in answers] == [200] * 7, [(a.status, a.bytes[:200]) for a in answers]
    assert service.stop() == 0


def look_for_503(service, data, seconds):
    """Until a request is refused because the store cannot be used: its answer."""
    def refused():
        answer = service.transform(data)
        return answer if answer.status != 200 else None
    return wait_for("the store cannot be used", refused, seconds)


def is_about_the_store(answer):
    """A status that says to try again, a sentence that names no path."""
    assert answer.status in (503, 507), (answer.status, answer.bytes)
    assert "the store" in answer.sentence and "/tmp" not in answer.sentence, answer.sentence


def recovers(service, data):
    """The same server serves again, and has lost nothing."""
    wait_for("it recovers", lambda: service.transform(data).status == 200)
    service.is_well()
    service.run("credits", "audit")


def a_full_disk(new):
    """What is written goes no further than 4096 bytes into any file."""
    receiver = Receiver()
    service = new(allow=receiver.address).start()
    data = body(png(16, 16), [FLIP])
    later = body(receiver.url + "/file/a.png?wait=3", [FLIP], webhook_url=receiver.url + "/hook")
    receiver.files["a.png"] = png(16, 16)
    assert service.transform(data).status == 200
    job = service.transform(later).json["job_id"]
    limits = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (4096, limits[1]))
    is_about_the_store(look_for_503(service, data, 10))
    is_about_the_store(service.transform(body(png(16, 16), [FLIP], webhook_url=receiver.url)))
    service.is_well()
    time.sleep(4)  # the job's file comes meanwhile, and its result cannot be written
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, limits)
    recovers(service, data)
    wait_for("the job ends", lambda: service.ask("GET", "/v1/jobs/" + job).json["data"]["state"]
             == "done")
    wait_for("its webhook", lambda: job in receiver.by_job()[0])
    assert service.credits()["held"] == 0
    assert service.stop() == 0
    receiver.close()


def a_locked_store(new):
    """Another process keeps the store for longer than a transaction may wait."""
    receiver = Receiver()
    service = new(allow=receiver.address).start()
    data = body(png(16, 16), [FLIP])
    receiver.files["a.png"] = png(16, 16)
    later = body(receiver.url + "/file/a.png?wait=2", [FLIP], webhook_url=receiver.url + "/hook")
    job = service.transform(later).json["job_id"]
    other = sqlite3.connect(service.store, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    is_about_the_store(look_for_503(service, data, 15))
    waited = time.monotonic() - began
    assert 2 < waited < 30, waited
    other.execute("ROLLBACK")
    other.close()
    recovers(service, data)
    wait_for("the job ends", lambda: service.ask("GET", "/v1/jobs/" + job).json["data"]["state"]
             == "done")
    wait_for("its webhook", lambda: job in receiver.by_job()[0])
    assert service.stop() == 0
    receiver.close()


def a_store_that_is_read_only(new):
    """It is found out at the start, in a sentence."""
    service = new().start()
    assert service.transform(body(png(16, 16), [FLIP])).status == 200
    assert service.stop() == 0
    service.store.chmod(0o444)
    nobody, program, environment, someone = 65534, service.program, service.environment(), {}
    if os.geteuid() == 0:  # root writes what it likes: be somebody else, who may not come here
        program = shutil.copy(program, service.folder / "fovea")
        environment["FOVEA_MODELS"] = shutil.copytree(environment["FOVEA_MODELS"],
                                                      service.folder / "models")
        for path in (service.folder.parent, service.folder):
            path.chmod(0o755)
        someone = {"user": nobody, "group": nobody, "extra_groups": ()}
    done = subprocess.run([program, "serve", "--listen", "127.0.0.1:0"], env=environment,
                          capture_output=True, text=True, check=False, timeout=60, **someone)
    assert done.returncode == 73, (done.returncode, done.stderr)
    assert "readonly" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    service.store.chmod(0o600)
    service.start()
    recovers(service, body(png(16, 16), [FLIP]))
    assert service.stop() == 0


def asked_to_stop(new):
    """What runs is finished, what waits is put back, and the next server does it."""
    receiver = Receiver()
    service = new(allow=receiver.address, workers=1).start()
    receiver.files["a.png"] = png(16, 16)
    slow = receiver.url + "/file/a.png?wait=1.5"
    answers, jobs, refused = [], [], []

    def ask(data):
        answers.append(service.transform(data))

    asked = [body(slow, [FLIP]), body(png(300, 300), [upscale(2)]), body(png(16, 16), [FLIP])]
    for _ in range(3):
        jobs.append(service.transform(body(slow, [FLIP], webhook_url=receiver.url)).json["job_id"])
    threads = [threading.Thread(target=ask, args=(data,)) for data in asked]
    for thread in threads:
        thread.start()
    wait_for("a worker", service.workers)
    idle = service.connect()
    time.sleep(0.5)
    stopping = threading.Thread(target=lambda: refused.append(_is_refused(service)))
    stopping.start()
    assert service.stop() == 0
    stopping.join()
    assert refused == [True]
    idle.close()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [200] * 3, [(a.status, a.bytes[:90]) for a in answers]
    states = dict(service.rows("SELECT name, state FROM job"))
    assert all(states[job] in ("queued", "done") for job in jobs), states
    assert not service.rows("SELECT 1 FROM job WHERE n_attempts - n_put_back > 1")
    service.start()
    wait_for("the jobs end", lambda: not service.rows("SELECT 1 FROM job WHERE state <> 'done'"))
    wait_for("their webhooks", lambda: set(jobs) <= set(receiver.by_job()[0]))
    service.run("credits", "audit")
    assert service.credits()["held"] == 0
    assert service.stop() == 0
    receiver.close()


def stopped_at_work(new):
    """Whose picture does not come in time is asked to come again; a webhook on its way and a
    connection that is kept are no danger."""
    receiver = Receiver()
    service = new(allow=receiver.address, workers=1, stop_s=1).start()
    job = service.transform(body(png(9, 9), [FLIP], webhook_url=receiver.url + "/?wait=20"))
    wait_for("its webhook is on its way", lambda: receiver.hooks)
    idle, answers = service.connect(), []
    threads = [threading.Thread(target=lambda: answers.append(
        service.transform(body(png(900, 900), [upscale(2), upscale(2)])))) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for("a worker", service.workers)
    stopping = threading.Thread(target=lambda: answers.append(service.stop()))
    stopping.start()
    time.sleep(1.5)
    with contextlib.suppress(OSError):  # the way is open until all have their answers
        idle.sendall(service.head(0))
        read_all(idle)
    stopping.join()
    for thread in threads:
        thread.join()
    assert 0 in answers, answers
    for answer in answers:
        assert answer == 0 or (answer.status == 503 and "stopping" in answer.sentence
                               and answer.headers["Retry-After"]), answer.bytes
    service.change("UPDATE webhook SET at_s = 0 WHERE state = 'pending'")
    service.start()
    wait_for("its webhook comes again", lambda: len(receiver.by_job()[0][job.json["job_id"]]) > 1)
    assert service.stop() == 0
    receiver.close()


def slow_receivers(new):
    """Who takes no webhooks keeps none from others: of another project, or at another host."""
    receiver = Receiver()
    service = new(allow=receiver.address).start()
    other = service.new_key("other", "other")
    slow, fast = receiver.url + "/slow?wait=20", receiver.url + "/fast"
    port = receiver.address.partition(":")[2]

    def n_at(path):
        with receiver.lock:
            return sum(hook[2].startswith(path) for hook in receiver.hooks)

    for _ in range(12):
        assert service.transform(body(png(9, 9), [FLIP], webhook_url=slow)).status == 201
    wait_for("two are at the slow host", lambda: n_at("/slow") >= 2)
    for key, url in ((other, fast), (None, f"http://127.1:{port}/fast")):
        before = n_at("/fast")
        assert service.transform(body(png(9, 9), [FLIP], webhook_url=url), key=key).status == 201
        wait_for(f"a webhook to {url}", lambda n=before: n_at("/fast") > n, 5)
    assert n_at("/slow") == 2, n_at("/slow")
    also_slow = f"http://127.1:{port}/slow?wait=20"
    for key, url in ((None, also_slow), (other, slow), (other, also_slow)):
        for _ in range(6):
            data = body(png(9, 9), [FLIP], webhook_url=url)
            assert service.transform(data, key=key).status == 201
    wait_for("six senders are at slow hosts", lambda: n_at("/slow") >= 6)
    before, third = n_at("/fast"), service.new_key("third", "third")
    assert service.transform(body(png(9, 9), [FLIP], webhook_url=fast), key=third).status == 201
    wait_for("a third project's webhook", lambda: n_at("/fast") > before, 5)
    assert service.stop() == 0
    receiver.close()


def _is_refused(service):
    """Whoever comes while it stops is refused at once, not left to wait."""
    time.sleep(0.6)
    try:
        service.connect().close()
    except ConnectionRefusedError:
        return service.is_up()
    return False


def stopped_while_it_starts(new):
    """SIGTERM at any moment of the start ends it, and leaves no process."""
    service = new()
    for wait_s in (0.0, 0.02, 0.1, 0.3, 0.8):
        process = subprocess.Popen([service.program, "serve", "--listen", "127.0.0.1:0"],
                                   env=service.environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        service.process = process
        left = service.zygotes()
        process.terminate()
        assert process.wait(60) in (0, -signal.SIGTERM), process.returncode
        wait_for("its processes end", lambda left=left: not any(map(is_alive, left)))


def settings_read_again(new):
    """SIGHUP takes over what it can; a file that is wrong changes nothing."""
    service = new()
    del service.settings["rate"]
    service.config.write_text("[serve]\nrate = 50\n", encoding="utf-8")
    service.start()

    def limit():
        return int(service.ask("GET", "/v1/me").headers["X-RateLimit-Limit"])

    assert limit() == 50
    service.config.write_text("[serve]\nrate = 70\n", encoding="utf-8")
    service.process.send_signal(signal.SIGHUP)
    wait_for("the new rate", lambda: limit() == 70)
    service.config.write_text("[serve]\nrate = many\n", encoding="utf-8")
    service.process.send_signal(signal.SIGHUP)
    wait_for("the complaint", lambda: "rate is many" in service.log_end())
    assert limit() == 70
    service.config.write_text("[serve]\nrate = 3\n", encoding="utf-8")
    service.process.send_signal(signal.SIGHUP)
    refused = wait_for("the lower rate", lambda: (
        lambda a: a if a.status == 429 else None)(service.ask("GET", "/v1/me")))
    assert refused.sentence == "Rate limit exceeded" and int(refused.headers["Retry-After"]) > 0
    service.process.send_signal(signal.SIGHUP)
    assert service.stop() == 0


CASES = [twenty_kills, a_zygote_killed_at_work, a_full_disk, a_locked_store,
         a_store_that_is_read_only, asked_to_stop, stopped_at_work, slow_receivers,
         stopped_while_it_starts, settings_read_again]

if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main(CASES, __doc__)
