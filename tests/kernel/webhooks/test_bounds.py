"""Answers that are huge, endless, slow, packed or none at all do no harm: bounded bytes, bounded time, and a reason."""

from __future__ import annotations

import gzip
import itertools
import socket
import time
import tracemalloc
import zlib
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import pytest

from emulator.kernel.webhooks import bounds
from emulator.kernel.webhooks.bounds import LARGEST_ANSWER, gathered, unpacked
from tests.client import Client
from tests.issuing.purchases import AUTHORIZATIONS, a_spender
from tests.receivers import PATIENCE_SECONDS, Stream, receiving, streaming

ENDPOINTS, ATTEMPTS = "/v1/webhook_endpoints", "/_emulator/webhooks/attempts"
HEAD = b"HTTP/1.1 200 OK\r\nStripe-Version: 2022-08-01\r\n"


def bomb(megabytes: int) -> bytes:
    """So many megabytes of nothing, as gzip: a thousandth of that."""
    packer = zlib.compressobj(9, wbits=bounds.GZIP)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


# The bounds


def test_of_what_comes_a_million_bytes_are_taken_and_the_rest_is_not_asked_for():
    asked = 0

    def endless() -> Iterable[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield bytes(300_000)

    assert (len(gathered(endless())), asked) == (LARGEST_ANSWER, 4)
    assert gathered([b"a", b"", b"b"]) == b"ab"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_a_packed_answer_is_unpacked(encoding):
    assert unpacked(gzip.compress(b'{"approved": true}'), encoding) == b'{"approved": true}'
    assert unpacked(gzip.compress(b"one ") + gzip.compress(b"two"), encoding) == b"one two"


@pytest.mark.parametrize("encoding", ["", "identity", "br", "gzip, gzip"])
def test_what_is_packed_otherwise_is_taken_as_it_is(encoding):
    assert unpacked(b"as it is", encoding) == b"as it is"


def test_of_a_packed_answer_no_more_than_a_million_bytes_are_unpacked():
    packed = bomb(200)
    assert len(packed) < LARGEST_ANSWER
    tracemalloc.start()

    found = [unpacked(packed, "gzip"), unpacked(bomb(1) * 100, "gzip")]

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [len(one) for one in found] == [LARGEST_ANSWER] * 2
    assert peak < 10 * LARGEST_ANSWER


def test_what_is_not_packed_as_it_says_is_refused():
    with pytest.raises(ValueError, match="The body is not gzip, as its Content-Encoding says"):
        unpacked(b"plain", "gzip")


# Over real sockets, as a delivery and as a question


def length(size: int) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % size


HUGE = [HEAD + length(50_000_000), *([bytes(1_000_000)] * 50)]
ENDLESS = [HEAD + b"\r\n", *([b"x" * 65_536] * 20_000)]  # more than a gigabyte
CHUNKS = [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *([b"10000\r\n" + bytes(65_536) + b"\r\n"] * 20_000)]
BOMB = bomb(50)
PACKED = [HEAD + b"Content-Encoding: gzip\r\n" + length(len(BOMB)), BOMB]
HEADERS = [HEAD, *([b"X-More: " + b"y" * 60_000 + b"\r\n"] * 10_000)]
INFORMATION = [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 200_000
NO_HTTP = [b"220 mail.example ESMTP\r\n"]
NOTHING: list[bytes] = []
NOT_GZIP = [HEAD + b"Content-Encoding: gzip\r\n" + length(5), b"plain"]
TAKEN = {"huge": HUGE, "endless": ENDLESS, "chunks": CHUNKS, "packed": PACKED}
REFUSED = {"headers": HEADERS, "no_http": NO_HTTP, "nothing": NOTHING, "not_gzip": NOT_GZIP}


def delivered(client: Client, stream: Stream) -> dict[str, Any]:
    """What became of one event for that receiver."""
    client.made(ENDPOINTS, url=stream.url, enabled_events=["topup.created"])
    client.made("/v1/topups", amount=100, currency="usd")
    assert client.made("/_emulator/webhooks/drain")["drained"]
    (attempt,) = client.read(ATTEMPTS)["data"]
    return attempt


def asked(client: Client, stream: Stream) -> dict[str, Any]:
    """The last entry of a purchase's history that was put to that receiver."""
    client.made(ENDPOINTS, url=stream.url, enabled_events=["issuing_authorization.request"])
    card = a_spender(client)["id"]
    return client.made(AUTHORIZATIONS, card=card, amount=10_00)["request_history"][-1]


@pytest.mark.parametrize("pieces", TAKEN.values(), ids=TAKEN)
def test_an_answer_without_end_is_read_to_its_bound_and_counts_by_its_status(platform, pieces):
    with streaming(pieces) as stream:
        attempt = delivered(platform, stream)

    assert (attempt["status"], attempt["error"]) == (200, None)
    assert len(attempt["response_body"]) <= 2_000
    assert stream.sent < 20 * LARGEST_ANSWER  # the sockets hold some


@pytest.mark.parametrize("pieces", TAKEN.values(), ids=TAKEN)
def test_an_answer_without_end_to_a_question_is_no_decision(platform, pieces):
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with streaming(pieces) as stream:
        last = asked(platform, stream)

    assert (last["approved"], last["reason"]) == (False, "webhook_error")
    assert stream.sent < 20 * LARGEST_ANSWER


@pytest.mark.parametrize("pieces", REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_fails_with_a_reason(platform, pieces):
    with streaming(pieces) as stream:
        attempt = delivered(platform, stream)

    assert attempt["status"] is None and attempt["error"]
    assert stream.sent < 20 * LARGEST_ANSWER


@pytest.mark.parametrize("pieces", REFUSED.values(), ids=REFUSED)
def test_what_is_no_answer_to_a_question_counts_as_silence(platform, pieces):
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with streaming(pieces) as stream:
        last = asked(platform, stream)

    assert (last["approved"], last["reason"]) == (False, "webhook_timeout")


@pytest.mark.parametrize(
    "how, member, value",
    [(delivered, "error", "No answer within 200 ms."), (asked, "reason", "webhook_timeout")],
    ids=["delivered", "asked"],
)
def test_a_receiver_that_only_says_that_more_is_to_come_is_given_up_in_time(platform, how, member, value):
    platform.settings(real_time_timeout_ms=200, webhook_timeout_ms=200)
    began = time.monotonic()
    with streaming(itertools.chain.from_iterable(itertools.repeat(INFORMATION))) as stream:
        found = how(platform, stream)

        assert time.monotonic() - began < PATIENCE_SECONDS
    assert found[member] == value


# Where nothing may go


@pytest.fixture
def leads_to(monkeypatch):
    """Has a name lead to some addresses, as a resolver would say."""
    usual = socket.getaddrinfo

    def resolve(name: str, *addresses: str) -> None:
        left = list(addresses)

        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
            if host != name:
                return usual(host, port, *args, **kwargs)
            return usual(left.pop(0) if len(left) > 1 else left[0], port, *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


def attempt_at(client: Client, url: str) -> dict[str, Any]:
    """One event for an endpoint at that address."""
    client.made(ENDPOINTS, url=url, enabled_events=["topup.created"])
    client.made("/v1/topups", amount=100, currency="usd")
    client.made("/_emulator/webhooks/drain")
    return client.read(ATTEMPTS)["data"][0]


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "fd00:ec2::254"])
def test_a_name_that_leads_to_where_nothing_may_go_is_not_connected_to(platform, leads_to, address):
    leads_to("hooks.example", address)

    attempt = attempt_at(platform, "http://hooks.example/hook")

    assert attempt["status"] is None
    assert attempt["error"].startswith(f"hooks.example is at {address}: link-local or metadata")


def test_a_name_that_leads_elsewhere_the_second_time_is_sent_nothing(platform, leads_to, monkeypatch):
    """It is asked for twice: by us, and by whoever connects. What counts is where the connection ends."""
    monkeypatch.setattr("emulator.kernel.off_limits.NETWORKS", (ip_network("127.0.0.2/32"),))
    leads_to("hooks.example", "127.0.0.1", "127.0.0.2")
    with socket.create_server(("127.0.0.2", 0)) as secret:
        secret.settimeout(PATIENCE_SECONDS)

        attempt = attempt_at(platform, f"http://hooks.example:{secret.getsockname()[1]}/hook")

        connection, _ = secret.accept()
        with connection:
            connection.settimeout(PATIENCE_SECONDS)
            received = connection.recv(65_536)
    assert attempt["error"].startswith("hooks.example is at 127.0.0.2: link-local or metadata")
    assert received == b""


def test_an_address_from_before_the_rule_and_a_setting_that_is_off_again_are_refused_on_delivery(platform):
    platform.settings(link_local_webhook_urls=True)
    platform.made(ENDPOINTS, url="http://169.254.169.254/hook", enabled_events=["topup.created"])
    platform.settings(link_local_webhook_urls=False)
    platform.made("/v1/topups", amount=100, currency="usd")

    platform.made("/_emulator/webhooks/drain")

    (attempt,) = platform.read(ATTEMPTS)["data"]
    assert "169.254.169.254 is at 169.254.169.254: link-local or metadata" in attempt["error"]


def test_a_question_goes_nowhere_where_nothing_may_go(platform, leads_to):
    leads_to("hooks.example", "169.254.169.254")
    platform.made(ENDPOINTS, url="http://hooks.example/hook", enabled_events=["issuing_authorization.request"])
    card = a_spender(platform)["id"]

    last = platform.made(AUTHORIZATIONS, card=card, amount=10_00)["request_history"][-1]

    assert (last["approved"], last["reason"]) == (False, "webhook_timeout")
    assert "link-local or metadata" in platform.read(ATTEMPTS)["data"][0]["error"]


def test_with_the_setting_on_a_letter_goes_anywhere(platform, leads_to, monkeypatch):
    monkeypatch.setattr("emulator.kernel.off_limits.NETWORKS", (ip_network("127.0.0.0/8"),))
    platform.settings(link_local_webhook_urls=True)
    with receiving() as receiver:
        leads_to("hooks.example", "127.0.0.1")

        attempt = attempt_at(platform, receiver.url.replace("127.0.0.1", "hooks.example"))

    assert (attempt["status"], len(receiver.arrived)) == (200, 1)
