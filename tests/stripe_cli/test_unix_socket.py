"""The server's Unix socket."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import unix_connect

from bench.running import Running
from emulator.stripe_cli.unix_socket import listening_socket

KEY = "sk_test_through_a_socket"


def test_a_socket_that_a_killed_server_left_is_replaced(tmp_path):
    path = tmp_path / "stripe.sock"
    listening_socket(path).close()
    was_there = path.exists()

    with listening_socket(path) as listener:
        listener.settimeout(10)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))

    assert was_there


def test_a_socket_that_is_served_is_left_alone(tmp_path):
    path = tmp_path / "stripe.sock"
    with listening_socket(path), pytest.raises(OSError, match="in use"):
        listening_socket(path)


def test_a_file_in_the_way_is_left_alone(tmp_path):
    path = tmp_path / "stripe.sock"
    path.write_text("mine")

    with pytest.raises(OSError, match="in use"):
        listening_socket(path)
    assert path.read_text() == "mine"


def test_a_server_answers_on_its_unix_socket_until_it_stops(tmp_path):
    path = tmp_path / "s.sock"
    with Running(tmp_path / "data", "--unix-socket", str(path)) as running:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://api.stripe.com") as http:
            refusal = http.get("/v1/events/evt_none", auth=(KEY, "")).json()["error"]
        with pytest.raises(InvalidStatus) as refused, unix_connect(str(path), uri="ws://api.stripe.com/subscribe/x"):
            pass

    assert refusal["request_log_url"].startswith(f"{running.url}/_emulator/requests/req_")
    assert refused.value.response.body == b'{"error":{"message":"Unknown WebSocket ID."}}'
    assert not path.exists()


def test_a_path_that_cannot_be_a_socket_is_one_sentence(tmp_path):
    with pytest.raises(RuntimeError, match=r"stripe-emulator: Cannot listen on .*: .*\.\n$"):
        Running(tmp_path / "data", "--unix-socket", str(Path("/") / "no" / "such" / "folder"))
