"""The command: what it prints, how it ends, and what it says when something is wrong."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import stripe

import bench.running
from bench.running import Running
from emulator import __version__, cli
from emulator.app import create_app
from emulator.cli import spoken
from emulator.kernel.database.schema import SCHEMA_VERSION
from emulator.kernel.tenants.tenants import handle_of
from emulator.testing import World
from tests.receivers import PATIENCE_SECONDS, receiving

KEY = "sk_test_command"


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `stripe-emulator …` in this process; its exit code and what it printed."""
    monkeypatch.delenv("STRIPE_API_KEY", raising=False)
    monkeypatch.delenv("STRIPE_EMULATOR_URL", raising=False)

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["stripe-emulator", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Outcome(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("shared") / "data") as running:
        yield running


@pytest.fixture
def client(command, server):
    """A command that calls the shared server with a key of this test's own."""
    return lambda *arguments, key=KEY: command(*arguments, "--url", server.url, "--api-key", key)


def newer_data(folder: Path) -> Path:
    folder.mkdir()
    with sqlite3.connect(folder / f"{handle_of('newer')}.sqlite") as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    return folder


def is_one_sentence(text: str) -> bool:
    return text.startswith("stripe-emulator: ") and text.endswith("\n") and text.count("\n") == 1


# Serving


def test_what_happens_by_itself_names_the_address_that_the_server_listens_on(server):
    with httpx.Client(base_url=server.url, headers={"Authorization": "Bearer sk_test_addresses"}) as http:
        account = http.get("/v1/treasury/financial_accounts").json()["data"][0]["id"]
        money = {"amount": 500, "currency": "usd", "financial_account": account, "network": "ach"}
        http.post("/v1/test_helpers/treasury/received_credits", data=money)
        debit = http.post("/v1/test_helpers/treasury/received_debits", data=money).json()["id"]
        reversal = http.post("/v1/treasury/debit_reversals", data={"received_debit": debit}).json()["id"]
        told = http.get("/v1/events", params={"type": "treasury.debit_reversal.completed"}).json()["data"][0]

    assert told["request"] == {"id": None, "idempotency_key": None}
    assert told["data"]["object"]["id"] == reversal
    assert told["data"]["object"]["hosted_regulatory_receipt_url"].startswith(f"{server.url}/")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_says_when_it_is_ready_and_stops_cleanly_with_connections_open(tmp_path, stand_ins, how):
    running = Running(tmp_path / "data")
    connection = http.client.HTTPConnection("127.0.0.1", running.port)
    connection.request("GET", "/_emulator/health")
    status = connection.getresponse().status

    code = running.stop(how)

    assert status == 200
    assert code == 0
    where = stand_ins.called(tmp_path / "data") if stand_ins else f"{tmp_path}/data"
    assert running.console[0] == f"Ready: {running.url} (data in {where}, pid {running.process.pid})\n"
    led, *others = [line for line in running.console[1:] if "GET /_emulator/health 200" not in line]
    assert re.fullmatch(rf"Dashboard: http://127\.0\.0\.1:{running.port}/dashboard\?code=[\w-]{{32}}\n", led)
    assert others == []


def test_a_terminals_interrupt_that_reaches_every_process_is_a_clean_stop_too(tmp_path):
    running = Running(tmp_path / "data")

    os.killpg(running.process.pid, signal.SIGINT)

    assert running.process.wait(20) == 0


def test_the_console_has_a_line_per_request_with_the_reason_of_a_refusal(tmp_path):
    with Running(tmp_path / "data") as running:
        httpx.get(f"{running.url}/v1/events", auth=(KEY, ""))
        httpx.get(f"{running.url}/v1/events/evt_none", auth=(KEY, ""))

    listed, refused = (line for line in running.console if "/v1/events" in line)
    assert listed.startswith("GET /v1/events 200 ")
    assert refused.startswith("GET /v1/events/evt_none 404 developer.events.retrieve: No such event: 'evt_none'")


def test_a_hint_stands_below_its_request_on_the_console(tmp_path):
    holder = {"name": "Ada", "individual[first_name]": "Ada", "individual[last_name]": "Example"}
    address = {"line1": "1 Main Street", "city": "Springfield", "postal_code": "62701", "country": "US"}
    billing = {f"billing[address][{name}]": value for name, value in address.items()}

    with Running(tmp_path / "data") as running:
        api = httpx.Client(base_url=running.url, auth=(KEY, ""))
        api.post("/_emulator/settings", data={"cardholder_terms": "assumed"})
        made = api.post("/v1/issuing/cardholders", data={**holder, **billing}).json()

    asked = running.console.index("POST /v1/issuing/cardholders 200 issuing.cardholders.create\n")
    assert running.console[asked + 1].startswith(f"    hint: {made['id']} has not accepted the authorized user terms (")


def test_a_quiet_server_prints_the_ready_line_alone(tmp_path):
    with Running(tmp_path / "data", "--quiet") as running:
        httpx.get(f"{running.url}/v1/events", auth=(KEY, ""))

    assert len(running.console) == 1


def test_a_world_in_memory_is_gone_when_the_server_is(tmp_path):
    command = [sys.executable, "-m", "emulator.cli", "serve", "--memory", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ready = process.stdout.readline()
    url = re.match(r"Ready: (\S+) \(data in memory, pid \d+\)\n", ready)[1]
    folder = Path(httpx.get(f"{url}/_emulator/health").json()["data"])
    was_there = folder.is_dir()

    process.terminate()
    process.communicate(timeout=20)

    assert was_there and not folder.exists()


def test_a_server_has_the_platform_of_new_worlds_in_the_country_it_was_told(command, tmp_path):
    with Running(tmp_path / "data", "--country", "gb") as running:
        caller = ("--url", running.url, "--api-key", KEY)
        at_first = command("settings", *caller)
        moved = command("settings", "platform_country=IE", *caller)
        reset = command("reset", *caller)
        after = command("settings", *caller)

    assert "platform_country=GB\n" in at_first.out
    assert "platform_country=IE\n" in moved.out
    assert reset.code == 0
    assert "platform_country=GB\n" in after.out


def test_a_country_where_no_cards_are_issued_hinders_the_server(command):
    outcome = command("serve", "--country", "AU")

    assert outcome.code == 2
    assert is_one_sentence(outcome.err) and "'AU' is not one of 'us', 'gb'" in outcome.err


def test_the_data_directory_keeps_itself_out_of_git(server):
    folder = Path(httpx.get(f"{server.url}/_emulator/health").json()["data"])

    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_folder_with_something_else_in_it_is_not_hidden_from_git(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    with Running(tmp_path):
        files = {file.name for file in tmp_path.iterdir()}

    assert "server.lock" in files
    assert ".gitignore" not in files


# What hinders a server


def test_a_port_that_another_emulator_has_is_refused_although_it_could_be_shared(command, server, tmp_path):
    outcome = command("serve", "--port", server.port, "--data", tmp_path / "other")

    assert outcome.code == 2
    assert outcome.err == f"stripe-emulator: Cannot listen on 127.0.0.1:{server.port}: address already in use.\n"
    assert not (tmp_path / "other").exists()


def test_a_port_that_another_program_has_is_refused(command, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = command("serve", "--port", taken.getsockname()[1], "--data", tmp_path / "data")

    assert outcome.code == 2
    assert "address already in use" in outcome.err and is_one_sentence(outcome.err)


def test_a_server_that_others_can_reach_wants_to_know_its_names(command, tmp_path):
    outcome = command("serve", "--host", "0.0.0.0", "--port", 0, "--data", tmp_path / "data")

    assert outcome.code == 2
    assert "others can reach the server" in outcome.err and "--allow-host" in outcome.err
    assert is_one_sentence(outcome.err)


def test_a_server_that_others_can_reach_says_so_and_answers_to_its_names_alone(tmp_path):
    with Running(tmp_path / "data", "--host", "0.0.0.0", "--allow-host", "stripe.test", "--quiet") as running:
        asked = {
            host: httpx.get(f"{running.url}/_emulator/health", headers={"Host": host}, trust_env=False).status_code
            for host in ("stripe.test", "127.0.0.1", "evil.test")
        }

    assert asked == {"stripe.test": 200, "127.0.0.1": 200, "evil.test": 421}
    assert running.console[1].startswith(
        "ATTENTION: on 0.0.0.0 everybody who can reach this machine can use every world"
    )
    assert running.console[1].endswith("as stripe.test.\n")


def test_a_data_directory_that_a_server_has_is_refused_with_its_address(command, server):
    folder = httpx.get(f"{server.url}/_emulator/health").json()["data"]

    outcome = command("serve", "--port", 0, "--data", folder)

    assert outcome.code == 2
    assert f"belongs to the server at {server.url} (pid {server.process.pid})" in outcome.err
    assert is_one_sentence(outcome.err)


def test_a_data_directory_that_cannot_be_written_is_refused(command, tmp_path):
    (tmp_path / "file").write_text("in the way")

    outcome = command("serve", "--port", 0, "--data", tmp_path / "file" / "data")

    assert outcome.code == 2
    assert "Cannot write to the data directory" in outcome.err and is_one_sentence(outcome.err)


@pytest.mark.parametrize(
    "ending", ["reset --url {url} --api-key sk_test_newer", "worlds --url {url} delete newer"], ids=["reset", "delete"]
)
def test_worlds_that_cannot_be_read_do_not_hinder_a_server(command, tmp_path, ending):
    folder = newer_data(tmp_path / "data")
    (folder / f"{handle_of('garbled')}.sqlite").write_bytes(b"no database at all" * 300)

    with Running(folder) as running:
        listed = command("worlds", "--url", running.url)
        refused = command("clock", "--url", running.url, "--api-key", "sk_test_newer")
        well = command("clock", "--url", running.url, "--api-key", "sk_test_well")
        ended = command(*ending.format(url=running.url).split())
        again = command("clock", "--url", running.url, "--api-key", "sk_test_newer")

    said = [line for line in running.console if "is left alone until it is reset or deleted: " in line]
    assert len(said) == 2 and not any("Traceback" in line for line in running.console)
    assert sorted(line.rpartition("cannot be read: ")[2] for line in said) == [
        "file is not a database.\n",
        f"it was written by a newer version of the emulator (schema 9999, this one knows {SCHEMA_VERSION}), which can "
        "read it.\n",
    ]
    assert listed.out.count("cannot be read") == 2
    assert (refused.code, well.code, ended.code, again.code) == (1, 0, 0, 0)
    assert "written by a newer version" in refused.err and "`stripe-emulator reset`" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--prot", "1"),
        ("serve", "--port", "many"),
        ("serve", "--port", "70000"),
        ("serve", "--host", "no.such.host.invalid", "--port", "0"),
        ("serve", "--workers", "0"),
        ("serve", "--workers", "2"),
        ("serve", "--memory", "--data", "x"),
        ("serve", "--data", ""),
        ("serve", "--port", "0", "--websocket-port", "70000"),
        ("sevre",),
        ("why",),
        ("clock", "--advance", "soon"),
        ("clock", "--set", "tomorrow"),
        ("clock", "--advance", "1d", "--set", "1"),
        ("clock", "run", "--until", "soon"),
        ("clock", "--advance", "1d", "step"),
        ("settings", "novalue"),
        ("settings", "=noname"),
        ("reset", "--api-key", "sk_test_ü"),
        ("seed", "no-such-file.json"),
        ("seed", "no-such-world"),
        ("seed",),
        ("doctor", "--data", "no-such-folder"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(command, monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)

    outcome = command(*arguments, *(("--api-key", KEY) if arguments[0] in ("clock", "settings", "seed") else ()))

    assert outcome.code == 2
    assert outcome.out == ""
    assert is_one_sentence(outcome.err)


def test_worlds_are_listed_and_deleted_by_name(command, tmp_path):
    with Running(tmp_path / "data", "--quiet") as running:
        for name in ("one", "two", "three"):
            httpx.get(f"{running.url}/v1/balance", auth=(f"sk_test_{name}", ""))

        listed = command("worlds", "--url", running.url)
        deleted = command("worlds", "--url", running.url, "delete", "one", "three")
        again = command("worlds", "--url", running.url)
        unknown = command("worlds", "--url", running.url, "delete", "one", "two")
        left = command("worlds", "--url", running.url)

    assert listed.code == 0
    assert sorted(line.split(",")[0] for line in listed.out.splitlines()) == ["t…", "…", "…"]
    assert re.fullmatch(
        r"…, 0\.\d MB, \d+ objects, made (just now|\d+s ago), last written (just now|\d+s ago)\n", again.out
    )
    assert (deleted.code, deleted.out) == (0, "one is forgotten.\nthree is forgotten.\n")
    assert (unknown.code, "There is no world called one." in unknown.err) == (1, True)
    assert left.out.startswith("…, ")


def test_several_processes_need_a_shared_database(command):
    outcome = command("serve", "--workers", "2")

    assert outcome.code == 2
    assert "several share a database" in outcome.err and is_one_sentence(outcome.err)


def test_a_file_that_is_no_fixture_file_is_wrong_use(command, tmp_path):
    (tmp_path / "world.json").write_text("[]")

    outcome = command("seed", tmp_path / "world.json", "--api-key", KEY)

    assert outcome.code == 2
    assert is_one_sentence(outcome.err)


# Calling a server


def test_a_server_that_cannot_be_reached_is_one_sentence(command):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, so that nobody else listens there meanwhile
        port = nobody.getsockname()[1]
        outcome = command("clock", "--url", f"http://127.0.0.1:{port}", "--api-key", KEY)

    assert outcome.code == 2
    assert f"No server answers at http://127.0.0.1:{port}" in outcome.err and is_one_sentence(outcome.err)


def test_a_call_needs_a_key(command, server):
    outcome = command("clock", "--url", server.url)

    assert outcome.code == 2
    assert "set STRIPE_API_KEY" in outcome.err


def test_url_and_key_come_from_the_environment(command, server, monkeypatch):
    monkeypatch.setenv("STRIPE_EMULATOR_URL", server.url)
    monkeypatch.setenv("STRIPE_API_KEY", KEY)

    outcome = command("settings")

    assert outcome.code == 0
    assert "api_version=" in outcome.out


@pytest.mark.parametrize(
    "form", ["localhost:{port}", "127.0.0.1:{port}/", "http://127.0.0.1:{port}//", "HTTP://localhost:{port}"]
)
def test_an_address_is_understood_as_people_write_it(command, server, monkeypatch, form):
    address = form.format(port=server.port)
    monkeypatch.setenv("STRIPE_EMULATOR_URL", address)

    by_option = command("settings", "--url", address, "--api-key", KEY)
    by_environment = command("settings", "--api-key", KEY)

    assert by_option.code == by_environment.code == 0
    assert "api_version=" in by_option.out and by_option.out == by_environment.out


def test_every_command_that_takes_an_address_reads_it_alike(command, server, tmp_path):
    file = tmp_path / "empty.json"
    file.write_text('{"_meta": {"template_version": 0}, "fixtures": []}')
    arguments = {
        "purchase": ["--card", "ic_none", "--amount", "1"],
        "script": [],
        "why": ["iauth_none"],
        "clock": [],
        "events": [],
        "faults": [],
        "requests": [],
        "settings": [],
        "reset": [],
        "seed": [file],
        "explain": ["ich_none"],
        "books": [],
        "changes": ["--since", "none"],
        "fork": ["sk_test_command_fork", "--replace"],
        "export": [tmp_path / "world.db"],
        "import": [file],
        "meter": [],
        "record": ["--start"],
    }
    takes = {name for name, one in cli.cli.commands.items() if any(option.name == "api_key" for option in one.params)}
    takes.remove("listen")  # goes on until it is interrupted; a test of its own gives it an address

    ended = {
        name: command(name, *arguments[name], "--url", f"localhost:{server.port}", "--api-key", KEY).code
        for name in takes
    }

    assert ended == {
        name: 1 if name in ("purchase", "why", "import", "explain", "changes") else 0 for name in arguments
    }


@pytest.mark.parametrize("address", ["ftp://localhost:12111", "http://", "http:///v1", "local host:1", "/", ""])
def test_an_address_that_is_none_is_one_sentence(command, address):
    outcome = command("clock", "--url", address, "--api-key", KEY)

    assert outcome.code == 2
    assert outcome.err == f"stripe-emulator: A server's address reads http://127.0.0.1:12111, not {address}.\n"


def test_https_is_tried_and_the_refusal_says_what_is_spoken_here(command, server):
    outcome = command("clock", "--url", f"https://localhost:{server.port}", "--api-key", KEY)

    assert outcome.code == 2
    assert "(the emulator speaks plain http)" in outcome.err and is_one_sentence(outcome.err)


def test_another_program_at_the_address_is_recognised(command):
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        outcome = command("clock", "--url", f"http://127.0.0.1:{other.server_port}", "--api-key", KEY)
        thread.join()

    assert outcome.code == 2
    assert "is not this emulator" in outcome.err


def test_the_clock_is_shown_moved_and_stopped(client):
    key = "sk_test_clock"
    client("clock", "--freeze", key=key)
    moved = client("clock", "--set", "2030-01-01", key=key)
    further = client("clock", "--advance", "1d12h", key=key)
    shown = client("clock", key=key)
    running = client("clock", "--unfreeze", key=key)

    assert moved.out == "2030-01-01 00:00:00 UTC (1893456000), frozen\n"
    assert further.out == shown.out == "2030-01-02 12:00:00 UTC (1893585600), frozen\n"
    assert running.out.endswith("running\n")


def test_the_clock_goes_from_one_thing_that_falls_due_to_the_next(client, server):
    key = "sk_test_steps"
    api = httpx.Client(base_url=server.url, auth=(key, ""))
    client("clock", "--set", "2031-01-01", "--freeze", key=key)
    client("seed", "demo", key=key)

    listed = client("clock", "due", key=key)
    as_json = client("clock", "due", "--limit", 1, "--json", key=key)
    stepped = client("clock", "step", key=key)
    run = client("clock", "run", "--until", "2031-02-01", key=key)
    quiet = client("clock", "run", "--json", key=key)
    moves = client("clock", "moves", "--limit", 3, key=key)
    nothing = client("clock", "step", key=key)

    assert re.search(r"^2031-01-08 .*  A hold of \$[0-9.]+ expires: .* \(iauth_\w+\)$", listed.out, re.MULTILINE)
    assert json.loads(as_json.out)["data"][0]["object"] == "emulator.due"
    assert stepped.out.splitlines()[-1].endswith("frozen") or "something falls due" in stepped.out
    assert "expired\n" in stepped.out + run.out
    assert "2031-02-01 00:00:00 UTC (1927670400), frozen" in run.out
    assert json.loads(quiet.out)["finished"] is True and json.loads(quiet.out)["from"] == 1927670400
    assert moves.out.splitlines()[0].startswith("run ")
    assert (nothing.code, nothing.err) == (1, "stripe-emulator: Nothing falls due: there is no step to take.\n")
    assert api.get("/_emulator/clock/due").json()["data"] == []


def test_what_has_happened_is_listed_and_filtered(client):
    key = "sk_test_events"
    client("seed", "demo", key=key)

    every = client("events", key=key).out.splitlines()
    cards = client("events", "--type", "issuing_card.*", key=key).out
    newest = json.loads(client("events", "--limit", 1, "--json", key=key).out)

    assert re.fullmatch(r"[\d-]+ [\d:]+ UTC  issuing_card.created  ic_\w+  acct_\w+  evt_\w+\n", cards)
    assert len(every) == 12 and every[-1].split()[3] == newest["type"] == "issuing_authorization.created"
    assert newest["id"] == every[-1].split()[-1]
    assert client("events", "--object", "ic_none", key=key).out == ""


def test_more_events_than_a_page_are_listed_to_the_newest(client, server):
    key = "sk_test_pages"
    api = httpx.Client(base_url=server.url, auth=(key, ""))
    made = [api.post("/v1/customers").json()["id"] for _ in range(130)]

    listed = client("events", "--limit", 110, key=key).out.splitlines()

    assert [line.split()[4] for line in listed] == made[-110:]


def test_events_are_printed_as_they_happen_and_forwarded_signed(server):
    key = "sk_test_listening"
    api = httpx.Client(base_url=server.url, auth=(key, ""))
    api.post("/v1/customers")  # before
    arguments = ["--url", server.url, "--api-key", key, "--type", "customer.*", "--count", "2", "--json"]
    with receiving() as receiver:
        command = [sys.executable, "-m", "emulator.cli", "listen", *arguments, "--forward-to", receiver.url]
        listening = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = [listening.stderr.readline() for _ in range(3)]
        made = [api.post("/v1/customers").json()["id"] for _ in range(2)]
        out, _ = listening.communicate(timeout=PATIENCE_SECONDS)
        api.post("/_emulator/webhooks/drain")

    assert [json.loads(line)["data"]["object"]["id"] for line in out.splitlines()] == made
    assert [line.split()[2][:6] for line in said[:2]] == ["whsec_", "whsec_"] and said[2].startswith("Ready")
    assert listening.returncode == 0 and api.get("/v1/webhook_endpoints").json()["data"] == []
    secret = said[0].split()[2]
    for arrived in receiver.arrived:
        stripe.Webhook.construct_event(arrived.body, arrived.headers["stripe-signature"], secret)


def test_whoever_may_be_asked_has_to_be_named(client):
    outcome = client("listen", "--ask")

    assert outcome.code == 2 and is_one_sentence(outcome.err)


def test_requests_are_listed_and_one_is_told_whole(client):
    key = "sk_test_requests"
    client("seed", "demo", key=key)
    client("clock", "--set", "1", key=key)

    listed = client("requests", "--path", "/v1/*", "--limit", 2, key=key).out.splitlines()
    refused = client("requests", "--status", "4xx", key=key).out
    one = client("requests", refused.split()[6].rstrip(":"), key=key).out

    assert [line.split()[3:6] for line in listed] == [["200", "POST", "/v1/test_helpers/issuing/authorizations"]] * 2
    assert "400 POST   /_emulator/clock" in refused and "The clock runs forward only" in refused
    assert "status: 400\n" in one and "path: /_emulator/clock\n" in one
    assert json.loads(client("requests", "--json", "--limit", 1, key=key).out)["object"] == "list"


def test_faults_are_armed_listed_and_taken_away(client, server):
    key = "sk_test_faults"

    armed = client("faults", "lock_timeout", "--path", "/v1/customers", "--count", 2, key=key)
    struck = httpx.get(f"{server.url}/v1/customers", auth=(key, ""))
    left = client("faults", key=key)
    cleared = client("faults", "--clear", key=key)

    assert armed.out == "lock_timeout: the next 2 of any /v1/customers\n"
    assert struck.status_code == 429
    assert left.out == "lock_timeout: the next 1 of any /v1/customers\n"
    assert cleared.out == "No fault waits.\n"
    assert client("faults", "wait", key=key).code == 1  # how long?
    lost = client("faults", "drop", "--carried-out", "--path", "/v1/customers", key=key)
    assert lost.out == "drop once carried out: the next 1 of any /v1/customers\n"
    assert client("faults", "wait", "--clear", key=key).code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(command, shell):
    outcome = command("completion", shell)

    assert outcome.code == 0 and "_STRIPE_EMULATOR_COMPLETE" in outcome.out


def test_a_refusal_of_the_server_is_passed_on_with_exit_code_1(client):
    outcome = client("clock", "--set", "1")

    assert outcome.code == 1
    assert "The clock runs forward only" in outcome.err and is_one_sentence(outcome.err)


def test_a_live_key_is_refused_by_the_server(client):
    outcome = client("clock", key="sk_live_something")

    assert outcome.code == 1
    assert "something" not in outcome.err


def test_settings_are_shown_changed_and_put_back(client):
    before = client("settings").out
    changed = client("settings", "api_version=2025-09-30.clover").out
    after = client("settings", "api_version=").out

    assert "api_version=2025-09-30.clover\n" in changed
    assert before == after != changed


def test_a_setting_that_is_a_list_is_given_item_by_item(client):
    name = "prohibited_merchant_categories"

    changed = client("settings", f"{name}[]=betting_casino_gambling", f"{name}[]=taxicabs_limousines").out
    after = client("settings", f"{name}=").out

    assert f'{name}=["betting_casino_gambling","taxicabs_limousines"]\n' in changed
    assert f"{name}=[]\n" in after


def test_an_id_is_asked_about_as_it_was_written(client):
    outcome = client("why", "../health")

    assert outcome.code == 1
    assert is_one_sentence(outcome.err)


# Buying


@pytest.fixture
def buyer(client, server):
    """A command in a world with a card that may pay, and the card."""
    key = "sk_test_buyer"
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}) as http:
        http.post("/_emulator/reset")
        http.post("/v1/test_helpers/issuing/fund_balance", data={"amount": 1_000_00, "currency": "usd"})
        address = {"line1": "1 Main Street", "city": "Springfield", "state": "IL", "postal_code": "62701"}
        billing = {f"billing[address][{name}]": value for name, value in {**address, "country": "US"}.items()}
        holder = http.post("/v1/issuing/cardholders", data={"type": "company", "name": "Rocket Bakery", **billing})
        card = {"cardholder": holder.json()["id"], "currency": "usd", "type": "virtual", "status": "active"}
        id = http.post("/v1/issuing/cards", data=card).json()["id"]
    return lambda *arguments: client(*arguments, "--card", id, key=key), id


def test_a_purchase_prints_its_verdict_and_what_it_made(buyer):
    purchase, _ = buyer

    approved = purchase("purchase", "--amount", "1000", "--capture", "merchant_data[country]=FR")
    declined = purchase("purchase", "--amount", "2000000", "--category", "taxicabs_limousines")

    assert (approved.code, declined.code) == (0, 0)
    lines = r"approved: no rule objects\nissuing\.authorization iauth_\w+\nissuing\.transaction ipi_\w+\n"
    assert re.fullmatch(lines, approved.out)
    assert re.fullmatch(r"declined by: .+\nissuing\.authorization iauth_\w+\n", declined.out)


def test_a_dry_run_prints_what_why_would_and_buys_nothing(buyer):
    purchase, _ = buyer

    tried = purchase("purchase", "--amount", "2000000", "--dry-run")
    as_json = json.loads(purchase("purchase", "--amount", "1000", "--dry-run", "--json").out)
    wrong = purchase("purchase", "--amount", "0", "--dry-run", "wallet=purse")

    first, second, *rules = tried.out.splitlines()
    assert first.startswith("declined by: ") and second.startswith("dry run, ")
    assert rules[0].startswith("   1. allows ")
    assert (as_json["object"], as_json["approved"], as_json["hold"]) == ("emulator.dry_run", True, 10_00)
    assert wrong.code == 1 and is_one_sentence(wrong.err) and "Invalid wallet" in wrong.err


def test_a_script_prints_its_steps_their_verdicts_and_what_it_made(buyer):
    script, id = buyer

    hotel = script("script", "hotel", "amount=20000", "nights=2", "--move-clock")
    as_json = json.loads(script("script", "restaurant", "--json").out)
    tested = script("script", "card_testing", "count=1")

    assert re.search(r" UTC  issuing\.authorizations\.expire falls due for iauth_\w+\n$", tested.out)
    assert hotel.code == 0
    lines = hotel.out.splitlines()
    assert lines[0] == "played to its end"
    assert re.fullmatch(r"20\d\d-\S+ \S+ UTC  the guest arrives: approved: no rule objects", lines[1])
    assert re.fullmatch(r"issuing\.authorization iauth_\w+ closed 25000 usd", lines[-2])
    assert (as_json["script"], as_json["card"], as_json["finished"]) == ("restaurant", id, True)


def test_scripts_are_listed_with_what_they_take_and_one_that_nobody_knows_is_wrong_use(client):
    listed = client("script")
    as_json = json.loads(client("script", "--json").out)
    unknown, cardless = client("script", "casino", "--card", "ic_1"), client("script", "hotel")

    assert [one["name"] for one in as_json["data"]] == re.findall(r"^(\w+)", listed.out, re.MULTILINE)
    assert "\n                final_amount=4500\n" in listed.out
    assert (unknown.code, cardless.code) == (2, 2)
    assert unknown.err.startswith("stripe-emulator: There is no script casino") and is_one_sentence(cardless.err)


def test_a_reset_world_is_new(client, server):
    key = "sk_test_reset"
    client("clock", "--freeze", key=key)
    reset = client("reset", key=key)

    assert (reset.code, reset.out) == (0, "The world is new.\n")
    assert client("clock", key=key).out.endswith("running\n")


def test_a_world_is_kept_brought_back_forked_and_carried_about_in_a_file(client, server, tmp_path):
    key, other, third = "sk_test_kept", "sk_test_kept_other", "sk_test_kept_third"
    client("clock", "--set", "2031-01-01", "--freeze", key=key)
    client("seed", "demo", key=key)

    created = client("snapshot", "create", "before the trip", "--about", "one card", key=key)
    again = client("snapshot", "create", "before the trip", key=key)
    client("clock", "--advance", "40d", key=key)
    listed = client("snapshot", "list", key=key)
    restored = client("snapshot", "restore", "before the trip", key=key)
    forked = client("fork", other, key=key)
    exported = client("export", tmp_path / "world.db", key=key)
    imported = client("import", tmp_path / "world.db", "--json", key=third)
    to_start = client("reset", "--to-start", key=key)
    deleted = client("snapshot", "delete", "before the trip", "start", key=key)
    none = client("snapshot", "list", key=key)

    line = r"before the trip \(one card\): at 2031-01-01 \S+ UTC, \d+ objects, \d+ KB kept\n"
    assert re.fullmatch(line, created.out)
    assert again.code == 1 and "replace=true" in again.err
    assert {line.partition(" at ")[0] for line in listed.out.splitlines()} == {
        "before the trip (one card):",
        "start (demo):",
    }
    assert restored.out.startswith("The world is before the trip again, at 2031-01-01 ")
    assert other in forked.out and "bytes" in exported.out
    assert json.loads(imported.out)["name"] == "kept_third"
    assert to_start.out == "The world is what it was at its start.\n"
    assert (deleted.code, none.out) == (0, "No snapshot was taken.\n")
    for one in (other, third):
        cards = httpx.get(f"{server.url}/_emulator/world", auth=(one, "")).json()["counts"]["issuing.card"]
        assert cards == 1


def test_a_file_that_cannot_be_read_or_written_is_wrong_use(client, tmp_path):
    missing = client("import", tmp_path / "none.db")
    unwritable = client("export", tmp_path / "none" / "world.db")

    assert (missing.code, unwritable.code) == (2, 2)
    assert "no such file" in missing.err and "no such file" in unwritable.err


def test_what_happened_is_told_as_a_tree_a_statement_and_a_list_of_differences(client, server):
    key = "sk_test_told"
    api = httpx.Client(base_url=server.url, auth=(key, ""))
    client("seed", "demo", key=key)
    client("snapshot", "create", "before", key=key)
    account = api.get("/_emulator/books").json()["data"]
    cash = next(one for one in account if one["what"] == "cash" and one["amount"])
    connected = api.get("/v1/accounts").json()["data"][0]["id"]
    purchase = api.get("/v1/issuing/authorizations", headers={"Stripe-Account": connected}).json()["data"][0]["id"]
    unchanged = client("changes", "--since", "before", key=key)
    client("clock", "--advance", "40d", key=key)

    story = client("explain", purchase, key=key)
    statement = client("books", cash["book"], key=key)
    listed = client("books", "--owner", cash["owner"], key=key)
    changed = client("changes", "--since", "before", key=key)
    as_json = client("changes", "--since", "before", "--json", key=key)

    assert unchanged.out == "Nothing has changed.\n"
    assert story.out.startswith(f"{purchase} of {connected}\n")
    assert "POST /v1/test_helpers/issuing/authorizations 200 req_" in story.out
    assert "issuing_authorization.created evt_" in story.out
    assert statement.out.startswith(f"{cash['book']}, brought forward 0\n") and "and adds up" in statement.out
    assert cash["book"] in listed.out
    assert "~ issuing.authorization iauth_" in changed.out and "status:" in changed.out
    assert json.loads(as_json.out)["object"] == "emulator.changes"


def test_seeding_prints_each_step_and_stops_at_a_refusal(client, tmp_path):
    file = tmp_path / "world.json"
    steps = [
        {"name": "look", "path": "/v1/events", "method": "get"},
        {"name": "fail", "path": "/v1/events/evt_none", "method": "get"},
        {"name": "never", "path": "/v1/events", "method": "get"},
    ]
    file.write_text(json.dumps({"_meta": {"template_version": 0}, "fixtures": steps}))

    outcome = client("seed", file)

    assert outcome.code == 1
    assert outcome.out == "look: 200\nfail: 404\n"
    assert "fail was refused with 404: No such event" in outcome.err and is_one_sentence(outcome.err)


def test_the_worlds_that_come_along_are_named_and_seeded_by_name(client, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # a checkout's fixtures/ is not beside us

    listed = client("seed", "--list")
    seeded = client("seed", "demo", key="sk_test_seeded_by_name")

    assert "demo         a connected account with money" in listed.out
    assert (seeded.code, seeded.err) == (0, "")
    assert re.search(r"^declined_purchase: 200 iauth_", seeded.out, re.MULTILINE)


def test_a_file_comes_before_a_world_of_its_name(client, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").write_text(json.dumps({"fixtures": [{"name": "mine", "path": "/v1/events", "method": "get"}]}))

    assert client("seed", "demo").out == "mine: 200\n"


# Looking without a server


def kept(folder: Path) -> list[str]:
    """How a command is told where worlds are that a server has kept there."""
    return bench.running.kept(folder)


def invent(folder: Path) -> None:
    """A sum in a book that nothing adds up to."""
    app = create_app(folder)
    with app.emulator.tenants.open("command").stored.writing() as session:
        session.add("total", book="invented", amount=7)
    app.emulator.close()


def test_the_doctor_finds_whole_books(command, tmp_path):
    with Running(tmp_path / "data", "--quiet") as running:
        httpx.get(f"{running.url}/v1/events", auth=(KEY, ""))

    assert command("doctor", *kept(tmp_path / "data")) == (0, "The books of 1 world are whole.\n", "")


def test_the_doctor_names_what_differs(command, tmp_path):
    with Running(tmp_path / "data", "--quiet") as running:
        httpx.post(f"{running.url}/v1/topups", auth=(KEY, ""), data={"amount": 500, "currency": "usd"})
        httpx.get(f"{running.url}/v1/topups", auth=(KEY, ""))
    invent(tmp_path / "data")

    outcome = command("doctor", *kept(tmp_path / "data"))

    assert outcome.code == 1
    assert "total: invented says 7, its lines say 0" in outcome.out
    assert outcome.out.endswith("1 found in 1 world.\n")


def test_the_doctor_proves_nothing_of_a_folder_without_a_world(command, tmp_path):
    outcome = command("doctor", "--data", tmp_path)

    assert outcome.code == 2
    assert f"There is no world in the data directory {tmp_path}." in outcome.err


def test_the_doctor_leaves_newer_data_alone_and_names_it(command, tmp_path):
    folder = newer_data(tmp_path / "data")
    (file,) = folder.iterdir()
    before = file.read_bytes()

    outcome = command("doctor", "--data", folder)

    assert (outcome.code, file.read_bytes()) == (1, before)
    assert f"{file.name}: database: " in outcome.out and "newer version" in outcome.out
    assert "1 found in 1 world.\n" in outcome.out


def test_every_published_operation_is_listed_as_built_or_not(command):
    everything = command("routes").out.splitlines()
    built = command("routes", "--built").out.splitlines()

    assert "built  GET    /v1/events/{id}  developer.events.retrieve" in everything
    assert any(line.startswith("  501  ") for line in everything)
    assert set(built) == {line for line in everything if line.startswith("built  ")}


def test_what_differs_for_an_older_version_is_listed_change_by_change(command):
    told = command("routes", "--version", "2024-06-20").out

    assert told.startswith("What is different for clients that pin 2024-06-20, the newest change first:\n")
    assert "\n2025-03-31.basil  What ran out without a capture is `expired`" in told
    assert "\n  seen on `issuing.authorization`:\n    `status`: `reversed` instead of `expired`\n" in told
    assert "\n  sent to `POST /v1/accounts/{account}/reject`:\n    `reason`: `fraud` instead of `fraud_other`" in told
    assert "volume_decimal" not in told and "    the test helper `submit` is refused\n" in told
    assert "volume_decimal" in command("routes", "--version", "2024-04-10").out


def test_nothing_differs_for_the_newest_version(command):
    outcome = command("routes", "--version", "2026-10-28.endive")

    assert outcome.out == (
        "Nothing differs for clients that pin 2026-10-28.endive: it is as new as 2026-10-28.endive.\n"
    )


def test_what_is_no_version_is_told_in_a_sentence(command):
    outcome = command("routes", "--version", "2022")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("stripe-emulator: There is no API version 2022: give one such as 2024-06-20")


def test_the_version_is_the_packages(command):
    assert command("--version") == (0, f"stripe-emulator, version {__version__}\n", "")


@pytest.mark.parametrize(
    "text, seconds", [("90", 90), ("30s", 30), ("15m", 900), ("1d12h", 129_600), ("2w", 1_209_600)]
)
def test_spans_are_read_in_seconds(text, seconds):
    assert spoken.span(text) == seconds


@pytest.mark.parametrize(
    "text", ["1798761599", "2026-12-31T23:59:59Z", "2026-12-31T23:59:59", "2027-01-01T00:59:59+01:00"]
)
def test_moments_are_read_in_utc(text):
    assert spoken.moment(text) == 1_798_761_599


# Recording


def test_record_writes_what_was_asked_as_a_test(client, server, tmp_path):
    key = "sk_test_recorded_by_the_command"
    written = tmp_path / "test_recorded.py"
    begun = client("record", "--start", key=key)
    httpx.post(f"{server.url}/v1/customers", data={"name": "Ada"}, headers={"Authorization": f"Bearer {key}"})

    outcome = client("record", "--output", written, key=key)
    shown = client("record", "--as", "curl", key=key)
    ended = client("record", "--stop", key=key)

    assert [begun.code, outcome.code, shown.code, ended.code] == [0, 0, 0, 0]
    assert 'client.raw_request("post", "/v1/customers", name="Ada")' in written.read_text()
    assert outcome.out == f"{written}: {len(written.read_text().splitlines())} lines\n"
    assert "--data-urlencode name=Ada" in shown.out


def test_record_says_what_to_do_first(client):
    outcome = client("record", key="sk_test_nothing_was_recorded")

    assert outcome.code == 1 and "record_requests to true first" in outcome.err and is_one_sentence(outcome.err)


def test_meter_says_what_a_sandbox_would_have_taken(client, server):
    key = "sk_test_metered_by_the_command"
    for _ in range(5):
        httpx.get(f"{server.url}/v1/events", headers={"Authorization": f"Bearer {key}"})

    told, *limits = client("meter", key=key).out.splitlines()

    assert re.fullmatch(r"5 requests took [\d.e-]+ s here; in a sandbox they take 0.2 s at least.", told)
    assert limits == ["     5 all requests, 25 a second: 0.2 s"]
    assert json.loads(client("meter", "--json", key=key).out)["requests"] == 5


# As JSON


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (["settings"], "emulator.settings"),
        (["settings", "webhook_retries=false"], "emulator.settings"),
        (["reset"], "emulator.reset"),
        (["worlds"], "list"),
        (["snapshot", "create", "json", "--replace"], "emulator.snapshot"),
        (["snapshot", "list"], "list"),
        (["snapshot", "restore", "json"], "emulator.world"),
        (["snapshot", "delete", "json"], "emulator.snapshot"),
        (["export", "world.sqlite"], "emulator.export"),
    ],
)
def test_what_the_server_said_is_printed_as_json(command, server, line, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whose = [] if line[0] == "worlds" else ["--api-key", "sk_test_told_as_json"]
    if line[0] == "snapshot":
        command("snapshot", "create", "json", "--replace", "--url", server.url, *whose)

    outcome = command(*line, "--json", "--url", server.url, *whose)

    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)["object"] == kind


def test_a_seeded_world_is_told_as_json(client):
    key = "sk_test_seeded_as_json"

    replies = json.loads(client("seed", "demo", "--json", key=key).out)
    listed = json.loads(client("seed", "--list", "--json", key=key).out)

    assert replies["card"]["object"] == "issuing.card" and not replies["declined_purchase"]["approved"]
    assert listed["demo"].startswith("a connected account with money")


def test_worlds_that_are_deleted_are_told_as_json(command, client, server):
    client("seed", "demo", key="sk_test_deleted_as_json")

    outcome = command("worlds", "--url", server.url, "delete", "deleted_as_json", "--json")

    assert [one["deleted"] for one in json.loads(outcome.out)] == [True]


def test_operations_are_told_as_json(command):
    told = json.loads(command("routes", "--json").out)
    built = json.loads(command("routes", "--built", "--json").out)

    assert {"verb": "GET", "path": "/v1/invoices", "built": False, "name": None} in told
    assert built == [one for one in told if one["built"]]
    assert command("routes", "--version", "2024-06-20", "--json").code == 2


def test_what_the_doctor_finds_is_told_as_json(command, tmp_path):
    with Running(tmp_path / "data") as running:
        httpx.post(f"{running.url}/v1/customers", auth=(KEY, ""))

    outcome = command("doctor", *kept(tmp_path / "data"), "--json")

    assert (outcome.code, json.loads(outcome.out)) == (0, {"worlds": 1, "findings": []})


def test_why_is_printed_as_json(client, server):
    key = "sk_test_why_as_json"
    world = World(server.url, key)
    refused = world.purchase(world.card(funded=10_00), 20_00)
    world.close()

    told = json.loads(client("why", refused.id, "--json", key=key).out)

    assert told["id"] == refused.id and told["requests"][0]["reason"] == "insufficient_funds"
