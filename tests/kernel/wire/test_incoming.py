"""Requests as they arrive: bodies that break off, multipart that cannot be taken apart, too many parameters."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator

import httpx
import orjson
import pytest
from flask import Flask

from bench.running import Running
from emulator.kernel.errors import ApiError
from emulator.kernel.wire import forms
from emulator.kernel.wire.incoming import received
from tests.serving import served

PATIENCE_SECONDS = 20
CHUNKED = "Transfer-Encoding: chunked"
WHOLE = [
    ("Content-Length: 11", b"type=custom"),
    (CHUNKED, b"4\r\ntype\r\n7\r\n=custom\r\n0\r\n\r\n"),
]
BROKEN = [
    ("Content-Length: 99", b"type=cus", "it ends before the 99 bytes that its Content-Length announces."),
    ("Content-Length: 99", b"", "it ends before the 99 bytes that its Content-Length announces."),
    *[
        (CHUNKED, sent, "its chunked encoding is broken or ends too early (an empty body needs Content-Length: 0).")
        for sent in (
            b"",
            b"b\r\n",
            b"b\r\ntype=cus",
            b"b\r\ntype=custom\r\n",
            b"zz\r\ntype=custom\r\n0\r\n\r\n",
            b"b\r\ntype=custom\r\nzz\r\nx\r\n0\r\n\r\n",
            b"b\r\ntype=customXX0\r\n\r\n",
        )
    ],
]
PARTS = (
    b'--X\r\nContent-Disposition: form-data; name="purpose"\r\n\r\ndispute_evidence\r\n'
    b'--X\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nabcdef\r\n--X--\r\n'
)


@pytest.fixture(scope="module", params=["shipped", "werkzeug"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, app: Flask) -> Iterator[str]:
    """Host and port of a server: the one that is shipped, and the one that tests use."""
    if request.param == "shipped":
        with Running(tmp_path_factory.mktemp("incoming") / "data", "--quiet") as running:
            yield running.url.removeprefix("http://")
    else:
        with served(app) as url:
            yield url.removeprefix("http://")


def answered(address: str, key: str, header: str, body: bytes, *, is_all: bool = True) -> tuple[int, dict]:
    """Status and JSON of the reply to a POST. Unless this is all of it the client says that it sends no more."""
    host, _, port = address.partition(":")
    head = f"POST /v1/accounts HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n{header}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head.encode() + body)
        if not is_all:
            connection.shutdown(socket.SHUT_WR)
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        return reply.status, orjson.loads(reply.read())


@pytest.mark.parametrize("header, body", WHOLE)
def test_a_whole_body_is_read_however_it_comes(address, key, header, body):
    status, account = answered(address, key, header, body)

    assert (status, account["type"]) == (200, "custom")


@pytest.mark.parametrize("header, body, says", BROKEN)
def test_a_body_that_breaks_off_is_refused_as_such_and_nothing_of_it_is_carried_out(address, key, header, body, says):
    status, refusal = answered(address, key, header, body, is_all=False)

    assert (status, refusal["error"]["type"]) == (400, "invalid_request_error")
    assert refusal["error"]["message"] == f"The body of this request could not be read: {says}"
    made = httpx.get(
        f"http://{address}/v1/accounts",
        headers={"Authorization": f"Bearer {key}"},
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    )
    assert made.json()["data"] == []


def test_the_key_is_looked_at_before_a_broken_body(address):
    status, refusal = answered(address, "sk_live_1", "Content-Length: 99", b"type=cus", is_all=False)

    assert status == 401, refusal


def form(body: bytes, content_type: str) -> dict:
    """What is read of a body."""
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/v1/files", "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)), "wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "1",
    }  # fmt: skip
    return received({**environ, "wsgi.input": io.BytesIO(body)}).tree()


def test_multipart_is_read_whole():
    tree = form(PARTS, "multipart/form-data; boundary=X")

    assert tree["purpose"] == "dispute_evidence"
    assert tree["file"].content == b"abcdef"


@pytest.mark.parametrize(
    "body, content_type, says",
    [
        (PARTS[:-8], "multipart/form-data; boundary=X", "it is not a multipart form that ends with the boundary"),
        (PARTS[:60], "multipart/form-data; boundary=X", "it is not a multipart form that ends with the boundary"),
        (PARTS, "multipart/form-data", "it is not a multipart form that ends with the boundary"),
        (PARTS, "multipart/form-data; boundary=Y", "it is not a multipart form that ends with the boundary"),
        (b"type=custom", "multipart/form-data; boundary=X", "it is not a multipart form that ends with the boundary"),
        (
            PARTS.replace(b' name="purpose"', b""),
            "multipart/form-data; boundary=X",
            "a part of its multipart form has no name",
        ),
    ],
)
def test_multipart_that_cannot_be_taken_apart_is_refused(body, content_type, says):
    with pytest.raises(ApiError) as refusal:
        form(body, content_type)

    assert refusal.value.status == 400
    assert refusal.value.message.startswith(f"The body of this request could not be read: {says}")


def test_text_in_multipart_is_utf_8():
    with pytest.raises(ApiError) as refusal:
        form(PARTS.replace(b"dispute_evidence", b"\xff\xfe"), "multipart/form-data; boundary=X")

    assert "application/x-www-form-urlencoded" in refusal.value.message
    kept = form(PARTS.replace(b"dispute_evidence", "\ufffd".encode()), "multipart/form-data; boundary=X")
    assert kept["purpose"] == "\ufffd"


def many(count: int) -> str:
    return "&".join(f"metadata[{number}]=%ZZ" for number in range(count))


def test_more_than_a_thousand_parameters_are_refused_before_any_is_looked_at(platform, monkeypatch):
    looked_at: list[bytes] = []
    monkeypatch.setattr(forms, "pairs", lambda encoded: looked_at.append(encoded) or [])
    headers = {"Authorization": f"Bearer {platform.key}", "Content-Type": "application/x-www-form-urlencoded"}

    in_the_body = platform.http.post("/v1/accounts", data=many(1_001), headers=headers)
    in_the_query = platform.http.get("/v1/accounts?" + many(1_001), headers=headers)
    in_both = platform.http.post("/v1/accounts?" + many(400), data=many(601), headers=headers)

    for refusal in (in_the_body, in_the_query, in_both):
        assert refusal.status_code == 400
        assert refusal.json["error"]["message"] == "A request has at most 1,000 parameters."
    assert looked_at == []


def test_a_thousand_parameters_are_looked_at_one_by_one(platform):
    answer = platform.post("/v1/accounts", zebra=[str(number) for number in range(1_000)])

    assert answer.error["message"] == "Received unknown parameter: zebra"


def test_more_than_a_thousand_parts_are_refused_too():
    part = b'--X\r\nContent-Disposition: form-data; name="a[]"\r\n\r\n1\r\n'

    with pytest.raises(ApiError, match="A request has at most 1,000 parameters."):
        form(part * 1_001 + b"--X--\r\n", "multipart/form-data; boundary=X")
