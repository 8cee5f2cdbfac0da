"""A disk that is full, a folder that has become read-only, no file that may be opened: said once, and it passes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from bench.running import Running
from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.data.api_versions import DEFAULT
from emulator.kernel.database.doctor import examine
from emulator.kernel.tenants.tenants import handle_of
from tests.client import Answer, Client
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.kernel.webhooks.test_asker import let_time_pass
from tests.receivers import PATIENCE_SECONDS, Arrived, Reply, receiving
from tests.small_disks import Disk, as_nobody, small_disk, without_files

TOPUPS, REQUESTS = "/v1/topups", "/_emulator/requests"
MONEY = {"amount": 100, "currency": "usd"}


@pytest.fixture
def disk() -> Iterator[Disk]:
    with small_disk() as mounted:
        yield mounted


@pytest.fixture
def app(disk: Disk) -> Iterator[Flask]:
    yield from served(disk.folder)


def served(folder: Path) -> Iterator[Flask]:
    application = create_app(folder, is_locked=True)
    application.emulator.tenants.origin = "http://localhost"  # type: ignore[attr-defined]
    yield application
    application.emulator.close()  # type: ignore[attr-defined]


def tick(app: Flask, count: int = 1) -> None:
    """What the background does twice a second."""
    for _ in range(count):
        app.emulator.tenants.tick()  # type: ignore[attr-defined]


def settled(*clients: Client) -> None:
    """Have what has fallen due done."""
    for client in clients:
        client.read(TOPUPS)


def logged(app: Flask) -> None:
    """Return when the request log has been written, or could not be."""
    app.emulator.tenants.request_log.flush()  # type: ignore[attr-defined]


def fill(app: Flask, disk: Disk) -> None:
    """Leave no room once the request log is written: a log that finds none would give back what it has begun with."""
    logged(app)
    disk.fill()


def sentence(folder: Path, cause: str) -> str:
    return f"The data directory {folder} cannot be used: {cause}."


def is_refused(answer: Answer, folder: Path, cause: str) -> bool:
    """Whether a reply says in Stripe's shape which folder cannot be used and why."""
    message = f"{sentence(folder, cause)} The request was not carried out; send it again when that is over."
    error = {"message": message, "type": "api_error"}
    return (answer.status, {name: answer.error.get(name) for name in error}) == (503, error)


def said(caplog: Any, text: str) -> int:
    return sum(text in record.getMessage() for record in caplog.records)


# A full disk


def test_a_full_disk_is_said_once_changes_nothing_and_passes(app, disk, caplog):
    caplog.set_level(logging.WARNING)
    client, other = Client(app, "sk_test_full"), Client(app, "sk_test_other")
    kept = [client.made(TOPUPS, **MONEY)["id"] for _ in range(3)]
    other.made(TOPUPS, **MONEY)
    settled(client, other)
    fill(app, disk)

    refused = [
        one.post(TOPUPS, **MONEY, headers={"Idempotency-Key": f"k{n}"}) for n in range(3) for one in (client, other)
    ]
    logged(app)
    tick(app, 3)
    read = [one["id"] for one in client.read(TOPUPS)["data"]]
    disk.free()
    tick(app)
    again = [client.post(TOPUPS, **MONEY, headers={"Idempotency-Key": f"k{n}"}) for n in (0, 0, 1)]

    assert all(is_refused(answer, disk.folder, "the disk is full") for answer in refused)
    assert sorted(read) == sorted(kept)
    assert [answer.status for answer in again] == [200, 200, 200]
    assert len({answer.json["id"] for answer in again}) == 2
    assert len(client.read(TOPUPS)["data"]) == len(kept) + 2
    assert said(caplog, sentence(disk.folder, "the disk is full") + " What needs it is refused") == 1
    assert said(caplog, "That is over.") == 1
    assert examine(disk.folder, CATALOG) == []


def test_a_disk_that_is_full_again_is_said_again(app, disk, caplog):
    client = Client(app, "sk_test_relapse")
    client.made(TOPUPS, **MONEY)

    for _ in range(2):
        fill(app, disk)
        assert [client.post(TOPUPS, **MONEY).status for _ in range(2)] == [503, 503]
        disk.free()
        tick(app)
        assert client.post(TOPUPS, **MONEY).status == 200

    assert said(caplog, "the disk is full. What needs it is refused until that is over.") == 2
    assert said(caplog, "the disk is full. That is over.") == 2


def test_a_new_world_that_cannot_be_made_leaves_no_file(app, disk, caplog):
    Client(app, "sk_test_first").made(TOPUPS, **MONEY)
    fill(app, disk)
    before = disk.files

    new = Client(app, "sk_test_new")
    refused = [new.get(TOPUPS) for _ in range(2)]
    logged(app)

    assert all(is_refused(answer, disk.folder, "the disk is full") for answer in refused)
    assert {name for name in disk.files - before if handle_of("new") in name} == set()
    disk.free()
    assert new.made(TOPUPS, **MONEY)["object"] == "topup"
    assert said(caplog, "What needs it is refused") == 1


def test_a_world_that_cannot_be_made_anew_stays_as_it_is(app, disk, caplog):
    client = Client(app, "sk_test_stays")
    made = client.made(TOPUPS, **MONEY)["id"]
    settled(client)
    fill(app, disk)

    refused = client.post("/_emulator/reset")
    there = client.read(f"{TOPUPS}/{made}")["id"]
    disk.free()

    assert is_refused(refused, disk.folder, "the disk is full")
    assert there == made
    assert client.made("/_emulator/reset")["generation"] == 2
    assert client.read(TOPUPS)["data"] == []


def test_what_falls_due_while_the_disk_is_full_is_done_later_and_not_set_aside(app, disk, caplog):
    client = Client(app, "sk_test_due")
    client.settings(progress="at_once")
    made = client.made(TOPUPS, **MONEY)
    fill(app, disk)

    refused = client.get(f"{TOPUPS}/{made['id']}")
    tick(app, 3)
    disk.free()

    assert made["status"] == "pending"
    assert is_refused(refused, disk.folder, "the disk is full")
    assert client.read(f"{TOPUPS}/{made['id']}")["status"] == "succeeded"
    assert client.read("/_emulator/due")["data"] == []
    assert examine(disk.folder, CATALOG) == []


def test_a_delivery_that_cannot_be_recorded_is_not_sent_over_and_over(app, disk, caplog):
    client = Client(app, "sk_test_delivered")
    with receiving() as receiver:
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["topup.created"])
        for _ in range(3):
            client.made(TOPUPS, **MONEY)
        settled(client)
        fill(app, disk)

        app.emulator.postman.visit_safely(app.emulator.tenants.open("delivered"))
        receiver.wait_for(1)
        tick(app, 5)
        waited = client.made("/_emulator/webhooks/drain", timeout_ms=100)
        disk.free()
        client.made("/_emulator/webhooks/drain")

        attempts = client.read("/_emulator/webhooks/attempts")["data"]
        assert (waited["drained"], waited["succeeded"]) == (False, 0)
        assert (len(receiver.arrived), [one["status"] for one in attempts]) == (3, [200, 200, 200])


def test_an_answer_that_cannot_be_kept_is_no_decision_and_the_purchase_ends_later(app, disk, caplog):
    client = Client(app, "sk_test_asked")

    def answer(arrived: Arrived) -> Reply:
        fill(app, disk)
        return Reply(200, b'{"approved": true}', {"Stripe-Version": DEFAULT})

    with receiving(answer) as receiver:
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
        client.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
        card = a_spender(client)["id"]

        refused = client.post(AUTHORIZATIONS, card=card, amount=10_00)
        disk.free()
        let_time_pass(client)
        until = time.monotonic() + PATIENCE_SECONDS
        while (purchase := client.read("/v1/issuing/authorizations")["data"][0])["status"] == "pending":
            assert time.monotonic() < until
            tick(app)

    assert is_refused(refused, disk.folder, "the disk is full")
    assert (purchase["approved"], purchase["request_history"][0]["reason"]) == (False, "webhook_timeout")
    assert examine(disk.folder, CATALOG) == []


def test_lines_that_the_request_log_lacks_are_counted_with_the_reason(app, disk, caplog):
    client = Client(app, "sk_test_lines")
    client.read(TOPUPS)
    fill(app, disk)
    for _ in range(5):
        client.read(TOPUPS)
        logged(app)
    disk.free()

    client.read("/v1/account")
    logged(app)

    paths = [one["path"] for one in client.read(REQUESTS)["data"]]
    assert paths[:2] == ["/v1/account", TOPUPS]
    lost = 7 - len(paths)
    assert lost >= 3  # a line may have found room in a page that was there
    assert said(caplog, f"The request log lacks {lost} lines: {sentence(disk.folder, 'the disk is full')}") == 1
    assert said(caplog, "What needs it is refused") == 1


def test_a_server_of_its_own_survives_a_full_disk(disk):
    folder = disk.folder / "data"
    with Running(folder) as running:
        http = httpx.Client(base_url=running.url, auth=("sk_test_real", ""), timeout=30)
        made = http.post(TOPUPS, data=MONEY).json()["id"]
        http.get(REQUESTS)  # there is a log by now
        disk.fill()
        refused = [http.post(TOPUPS, data=MONEY) for _ in range(5)]
        health = http.get("/_emulator/health").status_code
        disk.free()
        after = http.post(TOPUPS, data=MONEY)

    assert {answer.status_code for answer in refused} == {503}
    assert all(sentence(folder, "the disk is full") in answer.json()["error"]["message"] for answer in refused)
    assert (health, after.status_code) == (200, 200)
    assert sum("What needs it is refused until that is over." in line for line in running.console) == 1
    assert not any("Traceback" in line for line in running.console)
    assert made.startswith("tu_")
    assert examine(folder, CATALOG) == []


def test_a_server_does_not_start_where_it_cannot_write_and_says_why(disk):
    disk.fill()
    full = subprocess.run(
        [sys.executable, "-m", "emulator.cli", "serve", "--port", "0", "--data", disk.folder],
        capture_output=True,
        text=True,
    )
    disk.free()
    disk.become("ro")
    locked = subprocess.run(
        [sys.executable, "-m", "emulator.cli", "serve", "--port", "0", "--data", disk.folder],
        capture_output=True,
        text=True,
    )

    beginning = f"stripe-emulator: Cannot write to the data directory {disk.folder}: "
    assert (full.returncode, full.stderr) == (2, f"{beginning}no space left on device.\n")
    assert (locked.returncode, locked.stderr) == (2, f"{beginning}read-only file system.\n")


# A folder that is read-only, and files that may not be opened


def test_a_folder_that_is_read_only_is_said_once_and_passes(disk, caplog):
    for app in served(disk.folder):
        made = Client(app, "sk_test_locked").made(TOPUPS, **MONEY)["id"]
    disk.become("ro")

    for app in served(disk.folder):
        client, new = Client(app, "sk_test_locked"), Client(app, "sk_test_new")
        refused = [client.get(TOPUPS), client.post(TOPUPS, **MONEY), new.get(TOPUPS), client.post("/_emulator/reset")]
        refused.append(client.delete("/_emulator/world"))
        logged(app)
        tick(app, 2)
        disk.become("rw")
        tick(app)

        assert all(is_refused(answer, disk.folder, "read-only file system") for answer in refused)
        assert [one["id"] for one in client.read(TOPUPS)["data"]] == [made]
        assert new.made(TOPUPS, **MONEY)["object"] == "topup"
    assert said(caplog, "What needs it is refused") == 1
    assert examine(disk.folder, CATALOG) == []


def test_files_that_may_not_be_opened_are_said_once_and_come_back(disk, caplog):
    for app in served(disk.folder):
        made = Client(app, "sk_test_denied").made(TOPUPS, **MONEY)["id"]

    for app in served(disk.folder):
        client, new = Client(app, "sk_test_denied"), Client(app, "sk_test_new")
        with as_nobody():
            refused = [client.get(TOPUPS), client.post(TOPUPS, **MONEY), new.get(TOPUPS)]
            logged(app)
            tick(app)

        assert all(is_refused(answer, disk.folder, "permission denied") for answer in refused)
        assert [one["id"] for one in client.read(TOPUPS)["data"]] == [made]
        assert new.made(TOPUPS, **MONEY)["object"] == "topup"
    assert said(caplog, "What needs it is refused") == 1


def test_too_many_open_files_are_said_once_and_pass(tmp_path, caplog):
    for app in served(tmp_path):
        client, closed, new = (Client(app, f"sk_test_{name}") for name in ("open", "closed", "new"))
        for one in (client, closed):
            one.made(TOPUPS, **MONEY)
        tenants = app.emulator.tenants  # type: ignore[attr-defined]
        tenants.open("closed").close()
        logged(app)

        with without_files():
            answered = client.get(TOPUPS).status
            refused = [one.get(TOPUPS) for one in (closed, new) for _ in range(2)]
            worlds = [app.test_client().get(path) for path in ("/_emulator/worlds", "/")]
            logged(app)
        tick(app)

        assert answered == 200
        assert all(is_refused(answer, tmp_path, "too many open files") for answer in refused)
        assert [answer.status_code for answer in worlds] == [503, 503]
        assert all(sentence(tmp_path, "too many open files") in answer.text for answer in worlds)
        assert [one.post(TOPUPS, **MONEY).status for one in (client, closed, new)] == [200, 200, 200]
    assert said(caplog, "What needs it is refused") == 1
    assert examine(tmp_path, CATALOG) == []


# Without root


IN_A_CHILD = """
import json, logging, resource, sys
from pathlib import Path
from emulator.app import create_app

logging.basicConfig(format="%(message)s")
app = create_app(Path(sys.argv[1]))
http = app.test_client()
key = {"Authorization": "Bearer sk_test_child"}
post = lambda: http.post("/v1/topups", headers=key, data={"amount": 100, "currency": "usd"})
statuses = [post().status_code]
usual = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, usual[1]))
while statuses[-1] == 200:
    statuses.append((last := post()).status_code)
statuses += [post().status_code for _ in range(3)]
resource.setrlimit(resource.RLIMIT_FSIZE, usual)
statuses.append(post().status_code)
listed = http.get("/v1/topups", headers=key, query_string={"limit": 100}).json["data"]
app.emulator.close()
print(json.dumps([statuses, last.json["error"]["message"], len(listed)]))
"""


def test_a_file_that_may_not_grow_is_said_once_and_passes(tmp_path):
    ended = subprocess.run([sys.executable, "-c", IN_A_CHILD, tmp_path], capture_output=True, text=True, timeout=120)

    assert ended.returncode == 0, ended.stderr
    statuses, message, count = json.loads(ended.stdout)
    assert statuses[-5:] == [503, 503, 503, 503, 200]
    assert message.startswith(f"The data directory {tmp_path} cannot be used: the disk fails")
    assert count == statuses.count(200)
    assert ended.stderr.count("What needs it is refused until that is over.") == 1 and "Traceback" not in ended.stderr
    assert examine(tmp_path, CATALOG) == []
