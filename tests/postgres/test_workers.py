"""`serve --workers N`: several processes behind one port, of which nobody has to know."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from bench.running import Running
from tests.patience import wait_until
from tests.receivers import receiving
from tests.stripe_cli.test_web_socket import SESSIONS, Listener


@pytest.fixture
def server(database: str) -> Iterator[Running]:
    with Running(database, "--workers", "2") as running:
        yield running


def workers_of(server: Running) -> set[int]:
    """The processes that serve: children of the one that was started, but for what Python keeps for itself."""
    pid = server.process.pid
    children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return {child for child in children if b"spawn_main" in command_of(child)}


def command_of(process: int) -> bytes:
    """How a process was called; nothing for one that has just ended."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def ask(server: Running, **form: object) -> httpx.Response:
    """One request by a connection of its own, so by whichever process takes it; again where that one just died."""
    with httpx.Client(base_url=server.url, auth=("sk_test_workers", ""), trust_env=False, timeout=60) as http:
        return http.post("/v1/customers", data=form) if form else http.get("/v1/customers", params={"limit": 100})


def test_they_serve_one_world_and_start_with_one_line(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    made = [ask(server, name=str(number)).json()["id"] for number in range(12)]

    found = [ask(server).json()["data"] for _ in range(4)]

    assert all([one["id"] for one in page] == made[::-1] for page in found)
    assert len([line for line in server.console if line.startswith("Ready: ")]) == 1
    assert len([line for line in server.console if line.startswith("Dashboard: ")]) == 1
    assert ", 2 workers)" in server.console[0]


def test_the_link_that_is_printed_signs_in_whoever_answers(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    wait_until(lambda: any(line.startswith("Dashboard: ") for line in server.console))
    (link,) = [line.split()[1] for line in server.console if line.startswith("Dashboard: ")]

    with httpx.Client(trust_env=False, timeout=60) as browser:
        first = browser.get(link, follow_redirects=True)
        cookies = dict(browser.cookies)
    pages = [
        httpx.get(f"{server.url}/dashboard/worlds", cookies=cookies, trust_env=False, timeout=60) for _ in range(6)
    ]

    assert first.status_code == 200
    assert [page.status_code for page in pages] == [200] * 6


def test_those_that_are_killed_are_replaced(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    before = workers_of(server)
    made = ask(server, name="Ada").json()["id"]

    for killed in before:
        os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(workers_of(server)) == 2 and not workers_of(server) & before)

    def is_answered() -> bool:
        try:
            return ask(server).json()["data"][0]["id"] == made
        except httpx.TransportError:  # its connection was taken by the one that was killed
            return False

    wait_until(is_answered)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_they_stop_with_the_one_that_was_started(server, how):
    wait_until(lambda: len(workers_of(server)) == 2)
    workers = workers_of(server)

    code = server.stop(how)

    assert code == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert "Traceback" not in "".join(server.console)


def test_they_stop_where_the_one_that_was_started_is_killed(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    workers = workers_of(server)

    os.kill(server.process.pid, signal.SIGKILL)

    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_what_none_of_them_can_serve_is_said_once_and_ends(postgres):
    empty = postgres.database(is_prepared=False)
    command = [sys.executable, "-m", "emulator.cli", "serve", "--database", empty, "--workers", "3", "--port", "0"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert ended.returncode == 2
    assert ended.stderr.count("database init") == 1 and "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_a_port_that_is_taken_is_said_once_and_ends(database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "emulator.cli", "serve", "--database", database, "--workers", "2"]
        ended = subprocess.run([*command, "--port", port], capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"stripe-emulator: Cannot listen on 127.0.0.1:{port}: address already in use.\n"


def test_they_share_a_unix_socket_which_is_gone_with_them(database, tmp_path):
    path = tmp_path / "socket"
    with Running(database, "--workers", "2", "--unix-socket", str(path)) as server:
        wait_until(lambda: len(workers_of(server)) == 2)
        made = ask(server, name="Ada").json()["id"]

        found = []
        for _ in range(6):
            transport = httpx.HTTPTransport(uds=str(path))
            with httpx.Client(transport=transport, base_url="http://api.stripe.com", timeout=60) as http:
                found.append(http.get("/v1/customers", auth=("sk_test_workers", "")).json()["data"][0]["id"])

    assert found == [made] * 6
    assert not path.exists()


def test_a_listener_hears_whoever_it_is_connected_to_and_whoever_is_asked(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    with httpx.Client(base_url=server.url, auth=("sk_test_workers", ""), trust_env=False, timeout=60) as http:
        asked = {"device_name": "laptop", "websocket_features[]": "webhooks"}
        listeners = [Listener(http.post(SESSIONS, data=asked).json()).connect() for _ in range(4)]

    made = [ask(server, name=str(number)).json()["id"] for number in range(6)]
    heard = [[json.loads(one.event()["event_payload"])["data"]["object"]["id"] for _ in made] for one in listeners]

    assert heard == [made] * 4
    for one in listeners:
        one.close()


def test_webhooks_of_one_that_is_killed_are_taken_over(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    with receiving() as receiver:
        url = f"{server.url}/v1/webhook_endpoints"
        endpoint = {"url": receiver.url, "enabled_events[]": "customer.created"}
        httpx.post(url, data=endpoint, auth=("sk_test_workers", ""), trust_env=False, timeout=60).raise_for_status()

        made = []
        for killed in workers_of(server):
            made.append(ask(server, name="Ada").json()["id"])
            os.kill(killed, signal.SIGKILL)
            wait_until(lambda: len(workers_of(server)) == 2)

        wait_until(lambda: set(made) <= {one.event["data"]["object"]["id"] for one in receiver.arrived})


def test_one_that_is_interrupted_while_it_starts_says_nothing_and_is_replaced(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    newest = max(workers_of(server))

    os.kill(newest, signal.SIGINT)
    wait_until(lambda: newest not in (workers := workers_of(server)) and len(workers) == 2)

    assert "Traceback" not in "".join(server.console)


def test_ctrl_c_in_a_terminal_reaches_all_of_them_at_once_and_they_stop_as_one_does(server):
    wait_until(lambda: len(workers_of(server)) == 2)
    with ExitStack() as stack:
        for _ in range(4):
            http = httpx.Client(base_url=server.url, auth=("sk_test_workers", ""), trust_env=False, timeout=60)
            stack.enter_context(http)
            assert http.get("/v1/customers").status_code == 200

        os.killpg(server.process.pid, signal.SIGINT)
        code = server.stop(signal.SIGCONT)

    assert code == 0
    assert "Traceback" not in "".join(server.console)
