"""The front as it is shipped: who is let in, what is read of a body, and that nobody waits for somebody else."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest
from flask import Flask
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from emulator.app import create_app
from emulator.kernel.tenants import Tenant
from emulator.kernel.uploads import LARGEST_UPLOAD
from emulator.kernel.wire import connection
from emulator.kernel.wire.doors import Doors, host_of, name_of
from emulator.kernel.wire.front import MB, Front, Limits
from emulator.kernel.wire.incoming import Incoming
from emulator.kernel.wire.pipeline import Answer
from emulator.stripe_cli.unix_socket import listening_socket
from tests.client import Client
from tests.issuing.holders import a_cardholder
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.receivers import Reply, receiving
from tests.serving import Served

PATIENCE_SECONDS = 20
KEY = "sk_test_front"
BALANCE = "/v1/balance"
HOLDERS = "/v1/issuing/cardholders"
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application of this module's own."""
    app = create_app(tmp_path_factory.mktemp("front"))
    yield app
    app.emulator.close()


@pytest.fixture(scope="module")
def served(application: Flask) -> Iterator[Served]:
    """That application, as it is shipped."""
    with Served(application, allow_host=("stripe.test",)) as one:
        yield one


def told(served: Served, *lines: str, body: bytes = b"", half_closed: bool = False) -> tuple[int, Any, dict[str, str]]:
    """Status, JSON and headers of the reply to a request in so many lines."""
    with opened(served) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        if half_closed:
            line.shutdown(socket.SHUT_WR)
        return answer_on(line)


def opened(served: Served) -> socket.socket:
    """A connection to a server."""
    return socket.create_connection(("127.0.0.1", served.options.port), timeout=PATIENCE_SECONDS)


def answer_on(line: socket.socket) -> tuple[int, Any, dict[str, str]]:
    """The reply that comes on a connection."""
    reply = http.client.HTTPResponse(line)
    reply.begin()
    content = reply.read()
    headers = {name.lower(): value for name, value in reply.getheaders()}
    return reply.status, orjson.loads(content) if content else None, headers


def asked(served: Served, verb: str, path: str, *headers: str, host: str | None = None) -> tuple[int, Any, dict]:
    """The reply to a request with a key and some headers more."""
    name = f"127.0.0.1:{served.options.port}" if host is None else host
    lines = (f"{verb} {path} HTTP/1.1", f"Host: {name}", f"Authorization: Bearer {KEY}", "Content-Length: 0")
    return told(served, *lines, *headers)


# Who is let in


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:1", "127.9.9.9:12111", "localhost:12111", "LOCALHOST", "api.localhost", "[::1]:12111",
     "stripe.test:80", "Stripe.Test"],
)  # fmt: skip
def test_whoever_calls_us_by_a_name_of_ours_is_let_in(served, host):
    status, _, _ = asked(served, "GET", BALANCE, host=host)

    assert status == 200


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:12111", "127.0.0.1.evil.test", "localhost.evil.test", "10.0.0.1", "notlocalhost"]
)
@pytest.mark.parametrize("key", [KEY, "sk_live_secret"])
def test_another_name_that_leads_here_is_refused_before_the_key_is_read(served, host, key):
    status, refusal, _ = told(served, f"GET {BALANCE} HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {key}")

    assert status == 421
    assert refusal["error"]["message"].startswith(f"This server is not called {host}. ")
    assert "request_log_url" not in refusal["error"]


def test_a_refusal_leads_to_the_log_under_the_name_that_the_server_was_called_by(served):
    _, refusal, _ = asked(served, "GET", "/v1/events/evt_none", host="stripe.test:8080")

    assert refusal["error"]["request_log_url"].startswith("http://stripe.test:8080/_emulator/requests/req_")


@pytest.mark.parametrize(
    "header",
    ["Origin: http://evil.test", "Origin: null", "Origin: http://localhost.evil.test", "Sec-Fetch-Site: cross-site"],
)
@pytest.mark.parametrize("verb", ["POST", "DELETE"])
@pytest.mark.parametrize("path", [HOLDERS, "/_emulator/world", "/"])
def test_a_page_of_another_site_changes_nothing(served, application, header, verb, path):
    before = Client(application, KEY).read("/_emulator/requests", limit=1)

    status, refusal, _ = asked(served, verb, path, header)

    assert (status, refusal["error"]["type"]) == (403, "invalid_request_error")
    assert refusal["error"]["message"].startswith("This request comes from a page of ")
    assert before["object"] == "list"


@pytest.mark.parametrize(
    "headers",
    [
        ("Origin: http://localhost:3000", "Sec-Fetch-Site: same-site"),
        ("Origin: http://127.0.0.1:3000", "Sec-Fetch-Site: cross-site"),
        ("Origin: https://stripe.test",),
        ("Sec-Fetch-Site: none",),
        (),
    ],
)
def test_pages_of_this_machine_and_those_that_are_named_may_change_things(served, headers):
    status, _, _ = asked(served, "POST", "/v1/test_helpers/issuing/fund_balance", *headers)

    assert status == 400, "the parameters are missing"


@pytest.mark.parametrize("verb", ["GET", "OPTIONS"])
def test_a_page_of_another_site_cannot_read_what_it_is_answered(served, verb):
    status, _, theirs = asked(served, verb, BALANCE, "Origin: http://evil.test")
    _, _, ours = asked(served, verb, BALANCE, "Origin: http://localhost:3000")

    assert status == 200
    assert [name for name in theirs if name.startswith("access-control-")] == []
    assert ours["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in ours


@pytest.mark.parametrize("path", [BALANCE, "/", "/docs/clock.md"])
@pytest.mark.parametrize(
    "verb, headers, status",
    [
        ("GET", {"Host": "evil.test"}, 421),
        ("POST", {"Origin": "http://evil.test"}, 403),
        ("DELETE", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_over_wsgi_the_doors_are_the_same(application, path, verb, headers, status):
    answer = application.test_client().open(path, method=verb, headers={"Authorization": f"Bearer {KEY}", **headers})

    assert (answer.status_code, answer.json["error"]["type"]) == (status, "invalid_request_error")


def test_over_wsgi_a_page_of_another_site_cannot_read_what_it_is_answered(application):
    asked = partial(application.test_client().get, BALANCE)
    theirs = asked(headers={"Authorization": f"Bearer {KEY}", "Origin": "http://evil.test"})
    ours = asked(headers={"Authorization": f"Bearer {KEY}", "Origin": "http://localhost:3000"})

    assert (theirs.status_code, ours.status_code) == (200, 200)
    assert [name for name, _ in theirs.headers if name.startswith("Access-Control-")] == []
    assert ours.headers["Access-Control-Allow-Origin"] == "*"


def test_over_wsgi_the_names_that_were_given_are_let_in_too(tmp_path):
    application = create_app(tmp_path, hosts=("stripe.test",))
    headers = {"Authorization": f"Bearer {KEY}", "Host": "stripe.test:80", "Origin": "https://stripe.test"}
    answer = application.test_client().post("/v1/customers", headers=headers)
    application.emulator.close()

    assert answer.status_code == 200


@pytest.mark.parametrize("path", [BALANCE, "/v1/customers", "/_emulator/health", "/v1/nowhere"])
def test_over_wsgi_a_live_key_is_refused_before_the_body_is_read(application, path):
    class Body:
        """Fails whoever reads it."""

        def read(self, *size: int) -> bytes:
            raise AssertionError("the body was read")

    environ = {"HTTP_AUTHORIZATION": "Bearer sk_live_51secret", "CONTENT_LENGTH": "9", "wsgi.input": Body()}
    answer = application.test_client().post(path, environ_overrides=environ)

    assert answer.status_code == 401
    assert answer.json["error"]["message"].startswith("Invalid API Key provided: sk_live_")
    assert "51secret" not in answer.text


@pytest.mark.parametrize("header", ["Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: none", "Accept: text/html,*/*"])
def test_a_browser_is_not_made_to_ask_for_a_key_and_keep_it(served, header):
    _, _, others = told(served, f"GET {BALANCE} HTTP/1.1", "Host: localhost")
    status, _, browsers = told(served, f"GET {BALANCE} HTTP/1.1", "Host: localhost", header)

    assert (status, "www-authenticate" in browsers) == (401, False)
    assert others["www-authenticate"] == 'Basic realm="Stripe"'


@pytest.mark.parametrize("header", [f"Authorization: Bearer {KEY}", "Host: localhost"])
def test_what_decides_who_asks_must_not_be_there_twice(served, header):
    status, refusal, _ = asked(served, "GET", BALANCE, header)

    assert status == 400
    assert refusal["error"]["message"] == f"The header {header.partition(':')[0]} was sent twice."


def test_two_lengths_are_no_request(served):
    status, refusal, _ = asked(served, "POST", HOLDERS, "Content-Length: 5")

    assert (status, refusal["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("header", ["Idempotency-Key: a\x01b", "Idempotency-Key: a\x00b", "Stripe-Account: a\x7fb"])
def test_no_header_of_a_reply_can_be_made_up_by_one_of_the_request(served, header):
    status, _, headers = asked(served, "GET", BALANCE, header)

    assert status == 400
    assert "idempotency-key" not in headers and "stripe-account" not in headers


def test_whoever_comes_through_a_file_may_call_us_what_they_like_and_is_told_our_own_address(application, tmp_path):
    path = tmp_path / "s.sock"
    through = httpx.HTTPTransport(uds=str(path))
    with (
        listening_socket(path) as file,
        Served(application, file) as both,
        httpx.Client(transport=through, base_url="http://api.stripe.com") as client,
    ):
        refusal = client.get("/v1/events/evt_none", auth=(KEY, "")).json()["error"]

    assert refusal["request_log_url"].startswith(f"{both.url}/_emulator/requests/req_")


@pytest.mark.parametrize("host, name", [("A.b:1", "a.b"), ("[::1]:1", "::1"), ("a.", "a"), ("", ""), (":1", "")])
def test_a_host_is_known_by_its_name(host, name):
    assert name_of(host) == name


@pytest.mark.parametrize(
    "origin, host", [("http://a:1", "a:1"), ("null", "null"), ("http://[::1", "http://[::1"), ("file://", "file://")]
)
def test_what_is_no_origin_is_nobodys(origin, host):
    assert host_of(origin) == host
    assert not Doors().knows(host)


def test_any_name_will_do_where_that_was_said():
    Doors(("*",)).check("POST", {"host": "evil.test", "origin": "http://evil.test"})


# Heads


def test_a_head_that_is_too_long_is_refused_in_json(served):
    status, refusal, _ = asked(served, "GET", BALANCE, "X-Long: " + "x" * connection.LONGEST_HEAD)

    assert (status, refusal["error"]["type"]) == (431, "invalid_request_error")


def test_a_head_without_an_end_is_refused_as_soon_as_it_is_too_long(served):
    with opened(served) as line:
        line.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
        with contextlib.suppress(OSError):  # we may be told while we still speak
            for _ in range(200):
                line.sendall(b"x" * 1024)

        assert answer_on(line)[0] == 431


def test_a_head_that_does_not_come_whole_is_given_up(served, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
    with opened(served) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: loc")

        status, refusal, _ = answer_on(line)

    assert status == 408
    assert refusal["error"]["message"] == "The headers of this request did not arrive within 0.05 seconds."


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"FOO / HTTP/1.1\r\n\r\n", b"GET\r\n\r\n"]
)
def test_what_is_no_http_is_told_so_in_json(served, sent):
    with opened(served) as line:
        line.sendall(sent)

        status, refusal, _ = answer_on(line)

    assert (status, refusal["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("behind", [b"no HTTP\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"X" * 70_000])
@pytest.mark.parametrize("half_closed", [True, False])
def test_what_is_no_http_behind_a_request_does_not_cost_it_its_reply(served, behind, half_closed):
    whole = f"GET {BALANCE} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
    with opened(served) as line:
        line.sendall(whole + whole + behind)
        if half_closed:
            line.shutdown(socket.SHUT_WR)

        replies = b"".join(iter(partial(line.recv, 65_536), b""))

    assert re.findall(rb"HTTP/1\.1 (\d+)", replies) == [b"200", b"200"]


def test_more_connections_than_there_is_room_for_are_told_so(served, monkeypatch):
    monkeypatch.setattr(served.server.config, "most_open", 0)
    with opened(served) as line:
        status, refusal, _ = answer_on(line)

    assert status == 503
    assert refusal["error"]["message"].startswith("Too many connections are open already.")


# Bodies


@pytest.fixture
def hasty(served, monkeypatch) -> Served:
    """A server with little patience and little room."""
    monkeypatch.setattr(served.front, "limits", Limits(body=1000, upload=2000, read_away=50_000, seconds=0.2))
    return served


def test_a_body_that_stalls_is_given_up_and_its_key_is_not_looked_at(hasty):
    status, refusal, headers = told(
        hasty, f"POST {HOLDERS} HTTP/1.1", "Host: localhost", FORM, "Content-Length: 10", body=b"name="
    )

    assert (status, headers["connection"]) == (408, "close")
    assert refusal["error"]["message"].startswith("The body of this request did not arrive: 0.2 seconds")


@pytest.mark.parametrize("size", [1001, 40_000])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_that_is_too_large_is_read_to_its_end_and_then_refused(hasty, size, is_chunked):
    lines = [f"POST {HOLDERS} HTTP/1.1", "Host: localhost", FORM]
    body = b"x" * size
    if is_chunked:
        told_as = [*lines, "Transfer-Encoding: chunked"]
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, body)
    else:
        told_as = [*lines, f"Content-Length: {size}"]

    status, refusal, _ = told(hasty, *told_as, body=body)

    assert status == 413
    assert refusal["error"]["message"] == "The body of this request is larger than the 1,000 bytes that it may have."


def test_who_asks_whether_to_send_it_hears_so_before_it_is_sent(hasty):
    lines = (f"POST {HOLDERS} HTTP/1.1", "Host: localhost", FORM, "Content-Length: 40000", "Expect: 100-continue")

    assert told(hasty, *lines)[0] == 413


def test_what_nobody_would_read_to_its_end_is_refused_at_once(hasty):
    lines = (f"POST {HOLDERS} HTTP/1.1", "Host: localhost", FORM, "Content-Length: 99999999999")

    assert told(hasty, *lines)[0] == 413


def test_a_file_may_be_larger_than_a_form(hasty):
    head = ("POST /v1/files HTTP/1.1", "Host: localhost", f"Authorization: Bearer {KEY}")
    kind = "Content-Type: multipart/form-data; boundary=X"

    status, refusal, _ = told(hasty, *head, kind, "Content-Length: 1500", body=b"x" * 1500)

    assert (status, "multipart form" in refusal["error"]["message"]) == (400, True)


def test_every_file_that_may_be_sent_fits():
    assert Limits().upload >= LARGEST_UPLOAD + MB // 2


def test_a_client_that_says_it_sends_no_more_still_gets_its_reply(served):
    path = "/_emulator/events/wait?type=none&timeout_ms=200"

    status, _, headers = told(
        served, f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {KEY}", half_closed=True
    )

    assert (status, headers["connection"]) == (200, "close")


def test_a_client_that_does_not_read_is_cut_off(served, monkeypatch):
    monkeypatch.setattr(connection, "READING_SECONDS", 0.05)
    one = b"GET /docs/known-guesses.md HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with opened(served) as line, pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(1_000):
            line.sendall(one * 1_000)


def test_a_body_is_continued_when_asked(served):
    lines = (f"POST {HOLDERS} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {KEY}", FORM)
    with opened(served) as line:
        line.sendall("\r\n".join([*lines, "Content-Length: 8", "Expect: 100-continue", "", ""]).encode())
        interim = line.recv(100)
        line.sendall(b"zebra=01")

        assert interim.startswith(b"HTTP/1.1 100 ")
        assert answer_on(line)[1]["error"]["message"] == "Received unknown parameter: zebra"


def test_requests_one_behind_the_other_are_answered_in_turn(served):
    one = f"GET /v1/events/evt_%d HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    with opened(served) as line:
        line.sendall("".join(one % number for number in range(5)).encode())
        said = b""
        while said.count(b"No such event") < 5:
            said += line.recv(65536)

    assert [said.find(b"'evt_%d'" % number) for number in range(5)] == sorted(
        said.find(b"'evt_%d'" % number) for number in range(5)
    )


def test_what_came_whole_and_can_be_answered_at_once_takes_no_task_of_the_loop(served, monkeypatch):
    tasks: list[str] = []
    start = HttpToolsProtocol._start_asgi_task

    def noted(self: HttpToolsProtocol, cycle: Any, app: Any) -> None:
        tasks.append(cycle.scope["path"])
        start(self, cycle, app)

    monkeypatch.setattr(HttpToolsProtocol, "_start_asgi_task", noted)
    head = f"Host: localhost\r\nAuthorization: Bearer {KEY}\r\n"
    with opened(served) as line:
        line.sendall(f"GET {BALANCE} HTTP/1.1\r\n{head}\r\n".encode())
        whole = answer_on(line)[0]
    with opened(served) as line:
        line.sendall(f"POST {HOLDERS} HTTP/1.1\r\n{head}{FORM}\r\nContent-Length: 7\r\n\r\nze".encode())
        while HOLDERS not in tasks:
            time.sleep(0.01)
        line.sendall(b"bra=1")
        in_pieces = answer_on(line)[0]
    page = httpx.get(f"{served.url}/docs/clock.md", trust_env=False).status_code

    assert (whole, in_pieces, page) == (200, 400, 200)
    assert tasks == [HOLDERS, "/docs/clock.md"]


def test_a_failure_of_ours_is_told_though_no_task_has_met_it(served, monkeypatch, caplog):
    monkeypatch.setattr("emulator.kernel.wire.pipeline.Pipeline.finish", lambda *_: 1 / 0)

    status = httpx.get(f"{served.url}{BALANCE}", auth=(KEY, ""), trust_env=False).status_code

    assert status == 500
    assert "ZeroDivisionError" in caplog.text


def test_uploads_that_stall_keep_nobody_waiting(served):
    head = f"POST {HOLDERS} HTTP/1.1\r\nHost: localhost\r\n{FORM}\r\nContent-Length: 1000\r\n\r\nname="
    with contextlib.ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(opened(served)).sendall(head.encode())

        statuses = [asked(served, "GET", BALANCE)[0] for _ in range(20)]

    assert statuses == [200] * 20


@pytest.mark.parametrize("path", [BALANCE, "/docs/clock.md"])
def test_a_reply_to_head_is_the_head_of_the_other_reply(served, path):
    with httpx.Client(base_url=served.url, auth=(KEY, ""), trust_env=False) as client:
        head, whole = client.head(path), client.get(path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-length"] == whole.headers["content-length"]


def test_head_and_body_of_a_reply_leave_in_one_piece(served):
    with opened(served) as line:
        for _ in range(20):
            line.sendall(f"GET {BALANCE} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode())
            head, _, body = line.recv(65536).partition(b"\r\n\r\n")

            assert orjson.loads(body)["object"] == "balance"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\rb"])
def test_no_header_of_a_reply_has_more_than_one_line(value):
    cycle = SimpleNamespace(disconnected=False, keep_alive=True, default_headers=[])
    line = SimpleNamespace()
    scope = {"method": "GET", "extensions": {connection.CYCLE: cycle}}

    with pytest.raises(ValueError):
        connection.Connection.write(line, scope, 200, [("Idempotency-Key", value)], b"")


# What takes long


@contextlib.contextmanager
def held(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[threading.Event]:
    """Something that a tenant does takes until the block ends; the event says that it has begun."""
    done, begun, may_end = getattr(Tenant, name), threading.Event(), threading.Event()

    def slowly(self: Tenant, *said: Any, **more: Any) -> Any:
        begun.set()
        may_end.wait(PATIENCE_SECONDS)
        return done(self, *said, **more)

    monkeypatch.setattr(Tenant, name, slowly)
    try:
        yield begun
    finally:
        may_end.set()


@pytest.mark.parametrize(
    "verb, path, form, does",
    [
        ("POST", "/_emulator/reset", {}, "reset"),
        ("POST", "/_emulator/clock", {"advance": "99999999"}, "move_clock"),
        ("POST", "/_emulator/settings", {"api_version": ""}, "change_settings"),
        ("POST", "/_emulator/fork", {"key": "sk_test_long_fork"}, "what_goes_on"),
        ("GET", "/v1/balance", {}, "make"),
        ("GET", "/v1/balance", {}, "settle"),
    ],
)
def test_what_takes_long_in_one_world_keeps_no_other_waiting(served, application, monkeypatch, verb, path, form, does):
    asked(served, "GET", BALANCE)
    key = f"sk_test_long_{does}"
    if does != "make":
        httpx.get(f"{served.url}{BALANCE}", auth=(key, ""), trust_env=False)
    if does == "settle":
        something_falls_due(Client(application, key))

    def request() -> int:
        more = {"data": form} if verb == "POST" else {}
        url = f"{served.url}{path}"
        return httpx.request(
            verb, url, auth=(key, ""), timeout=PATIENCE_SECONDS * 2, trust_env=False, **more
        ).status_code

    with ThreadPoolExecutor(1) as other:
        with held(monkeypatch, does) as begun:
            slow = other.submit(request)
            begun.wait(PATIENCE_SECONDS)

            statuses = [asked(served, "GET", BALANCE)[0] for _ in range(5)]
            is_done = slow.done()

        assert (statuses, is_done, slow.result()) == ([200] * 5, False, 200)


def something_falls_due(client: Client) -> None:
    """A test clock of a client advances, which is done at its next request."""
    clocks = "/v1/test_helpers/test_clocks"
    clock = client.made(clocks, frozen_time=1_700_000_000)["id"]
    client.made(f"{clocks}/{clock}/advance", frozen_time=1_700_000_001)


def test_a_world_that_was_long_unused_is_closed_where_another_is_opened(served, application, monkeypatch):
    tenants = application.emulator.tenants
    monkeypatch.setattr(tenants, "most_open", 1)
    threads: list[str] = []
    close = Tenant.close
    monkeypatch.setattr(Tenant, "close", lambda self: (threads.append(threading.current_thread().name), close(self)))

    for name in ("one", "two", "three"):
        httpx.get(f"{served.url}{BALANCE}", auth=(f"sk_test_unused_{name}", ""), trust_env=False)

    assert len(threads) >= 2
    assert all(name.startswith("work") for name in threads)


def test_who_wants_to_write_where_somebody_writes_keeps_no_other_world_waiting(served, application):
    asked(served, "GET", BALANCE)
    tenant = tenant_called(application, "written_to")
    fund = "/v1/test_helpers/issuing/fund_balance"

    def request() -> int:
        form = {"amount": 100, "currency": "usd"}
        auth = ("sk_test_written_to", "")
        url = f"{served.url}{fund}"
        return httpx.post(url, data=form, auth=auth, timeout=PATIENCE_SECONDS * 2, trust_env=False).status_code

    with ThreadPoolExecutor(1) as other:
        with tenant.writing():
            slow = other.submit(request)
            statuses = [asked(served, "GET", BALANCE)[0] for _ in range(20)]
            theirs = httpx.get(f"{served.url}{BALANCE}", auth=("sk_test_written_to", ""), trust_env=False).status_code
            is_done = slow.done()

        assert (statuses, theirs, is_done, slow.result()) == ([200] * 20, 200, False, 200)


def tenant_called(application: Flask, name: str) -> Tenant:
    """A tenant whose world is open."""
    tenant = application.emulator.tenants.open(name)
    with tenant.reading():
        return tenant


def test_a_body_of_many_kilobytes_is_read_like_any_other(served):
    form = {"description": "x" * 100_000, "zebra": "1"}

    reply = httpx.post(f"{served.url}/v1/topups", data=form, auth=(KEY, ""), trust_env=False)

    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "zebra")


# Waiting


def test_more_wait_for_events_than_there_are_threads_and_all_are_told(served, application):
    client = Client(application, "sk_test_waiting")
    client.read(BALANCE)
    path = "/_emulator/events/wait?type=issuing_cardholder.created&timeout_ms=20000"
    lines = (f"GET {path} HTTP/1.1", "Host: localhost", "Authorization: Bearer sk_test_waiting")
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(opened(served)) for _ in range(80)]
        for line in waiting:
            line.sendall("\r\n".join([*lines, "", ""]).encode())
        holder = a_cardholder(client)

        ids = [answer_on(line)[1]["data"][0]["data"]["object"]["id"] for line in waiting]

    assert ids == [holder["id"]] * 80


def test_more_questions_are_open_at_once_than_there_are_threads_while_handlers_call_back(served, application):
    client = Client(application, "sk_test_asked")
    client.settings(real_time_timeout_ms=60_000)
    everybody = threading.Barrier(80)
    limits = httpx.Limits(max_connections=200)
    http = httpx.Client(base_url=served.url, auth=("sk_test_asked", ""), timeout=120, limits=limits, trust_env=False)

    def answer(arrived: Any) -> Reply:
        everybody.wait(60)
        http.get(BALANCE).raise_for_status()
        return Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})

    with http, receiving(answer) as receiver, ThreadPoolExecutor(80) as clients:
        card = a_spender(client)["id"]
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])

        def buy(_: int) -> Any:
            return http.post(AUTHORIZATIONS, data={"card": card, "amount": 1_00, "currency": "usd"}).json()

        made = list(clients.map(buy, range(80)))

    assert {one["request_history"][0]["reason"] for one in made} == {"webhook_approved"}


def test_what_a_test_makes_happen_gives_way_to_what_handlers_ask_meanwhile():
    begun: list[str] = []

    class Pipeline:
        asks = True

        def begin(self, sent: Incoming) -> Answer:
            begun.append(sent.path)
            return Answer(200, [], b"")

    front = Front(Pipeline(), lambda *_: [], origin="http://localhost")  # type: ignore[arg-type]

    async def request(path: str) -> None:
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "client": None,
                 "server": ("localhost", 1), "scheme": "http"}  # fmt: skip

        async def nothing(*message: Any) -> dict[str, Any]:
            return {}

        await front(scope, nothing, nothing)

    async def all_at_once() -> int:
        purchases = [asyncio.create_task(request(f"/v1/test_helpers/{number}")) for number in range(50)]
        while not begun:
            await asyncio.sleep(0)
        await request(BALANCE)
        before = begun.index(BALANCE)
        await asyncio.gather(*purchases)
        return before

    assert asyncio.run(all_at_once()) < 5
    assert begun[0] == "/v1/test_helpers/0" and len(begun) == 51
    front.close()


def test_a_client_that_leaves_does_not_take_its_question_along(served, application):
    client = Client(application, "sk_test_leaver")
    has_left, was_asked = threading.Event(), threading.Event()

    def answer(arrived: Any) -> Reply:
        was_asked.set()
        has_left.wait(PATIENCE_SECONDS)
        return Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})

    with receiving(answer) as receiver:
        card = a_spender(client)["id"]
        client.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
        body = f"card={card}&amount=100&currency=usd".encode()
        lines = (f"POST {AUTHORIZATIONS} HTTP/1.1", "Host: localhost", "Authorization: Bearer sk_test_leaver", FORM)
        with opened(served) as line:
            line.sendall("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
            was_asked.wait(PATIENCE_SECONDS)
        has_left.set()
        client.read("/_emulator/events/wait", type="issuing_authorization.created", timeout_ms=20_000)

        (authorization,) = client.read("/v1/issuing/authorizations")["data"]

    assert authorization["approved"] is True


def test_a_server_that_is_told_to_stop_answers_the_question_that_is_open(tmp_path):
    app = create_app(tmp_path)
    client = Client(app, "sk_test_stopping")
    served = Served(app)
    was_asked, stops = threading.Event(), threading.Event()

    def answer(arrived: Any) -> Reply:
        was_asked.set()
        stops.wait(PATIENCE_SECONDS)
        return Reply(200, b'{"approved": true}', {"Stripe-Version": "2026-10-28.endive"})

    with receiving(answer) as receiver, ThreadPoolExecutor(1) as other:
        card = a_spender(client)["id"]
        client.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["issuing_authorization.request"])
        buying = other.submit(
            httpx.post,
            f"{served.url}{AUTHORIZATIONS}",
            data={"card": card, "amount": 1_00, "currency": "usd"},
            auth=("sk_test_stopping", ""),
            timeout=PATIENCE_SECONDS * 2,
            trust_env=False,
        )
        was_asked.wait(PATIENCE_SECONDS)
        served.server.should_exit = True
        stops.set()
        served.stop()
        reply = buying.result()
    app.emulator.close()

    assert (reply.status_code, reply.json()["approved"]) == (200, True)


# Pages


def test_pages_come_through_with_their_own_headers(served):
    page = httpx.get(served.url, headers={"Accept": "text/html"}, trust_env=False, follow_redirects=True)
    text = httpx.get(f"{served.url}/docs/clock.md", trust_env=False)
    unknown = httpx.get(f"{served.url}/nope", trust_env=False)

    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert int(page.headers["content-length"]) == len(page.content)
    assert (text.status_code, unknown.status_code) == (200, 404)


def test_a_path_that_would_leave_the_pages_finds_nothing(served):
    for path in ("/docs/../emulator/app.py", "/docs/%2e%2e/README.md", "/docs/..%2f..%2fetc%2fpasswd", "//etc/passwd"):
        assert told(served, f"GET {path} HTTP/1.1", "Host: localhost")[0] == 404


def test_an_unknown_websocket_is_refused_by_the_same_doors(served):
    lines = ("GET /subscribe/x HTTP/1.1", "Host: evil.test", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")  # fmt: skip

    assert told(served, *lines)[0] == 421


def test_the_same_bytes_come_over_wsgi_and_over_the_front(served, application):
    client = Client(application, KEY)
    a_cardholder(client)
    for path in (
        BALANCE,
        HOLDERS,
        "/v1/events?limit=3",
        "/v1/nope",
        "/v1/issuing/cards?limit=abc",
        "/v2/core/accounts",
    ):
        ours = httpx.get(f"{served.url}{path}", headers={"Authorization": f"Bearer {KEY}"}, trust_env=False)
        theirs = client.http.get(path, headers={"Authorization": f"Bearer {KEY}"})

        assert ours.status_code == theirs.status_code
        assert without_ids(ours.json()) == without_ids(theirs.get_json())


def without_ids(body: dict[str, Any]) -> dict[str, Any]:
    """A reply without where its log is."""
    body.get("error", {}).pop("request_log_url", None)
    return body
