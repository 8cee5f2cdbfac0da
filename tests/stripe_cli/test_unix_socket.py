"""The proxy before the server, on a Unix socket."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import unix_connect

from bench.running import Running
from emulator.stripe_cli.unix_socket import Address, UnixProxy, listening_socket

KEY = "sk_test_through_a_socket"


class Mirror(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = {"path": self.path, "headers": list(map(list, self.headers.items())), "body": body.decode()}
        reply = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_GET = do_POST

    def log_message(self, *_):
        """Nothing on the console."""


@pytest.fixture
def mirror():
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Address(*server.server_address)
        server.shutdown()


@pytest.fixture
def proxied(mirror, tmp_path):
    """A client behind the proxy; upgrades would go to a port where nobody is."""
    path = tmp_path / "stripe.sock"
    with socket.socket() as nobody, listening_socket(path) as listener:
        nobody.bind(("127.0.0.1", 0))  # taken, so that nobody else listens there meanwhile
        elsewhere = Address(*nobody.getsockname())
        proxy = UnixProxy(listener, mirror, elsewhere)
        proxy.start()
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://api.stripe.com") as http:
            yield http
        proxy.stop()


def test_a_request_is_passed_on_whole_with_the_servers_own_address(proxied, mirror):
    body = "x" * 300_000

    seen = proxied.post("/v1/things?a=1", content=body, headers={"X-Host": "mine"}).json()

    assert (seen["path"], seen["body"]) == ("/v1/things?a=1", body)
    headers = [(name.lower(), value) for name, value in seen["headers"]]
    assert [value for name, value in headers if name == "host"] == [f"127.0.0.1:{mirror.port}"]
    assert [value for name, value in headers if name == "connection"] == ["close"]
    assert ("x-host", "mine") in headers


def test_one_client_makes_many_requests(proxied):
    assert [proxied.get(f"/v1/{number}").json()["path"] for number in range(5)] == [f"/v1/{n}" for n in range(5)]


def test_many_requests_at_once_do_not_mix(proxied):
    answers: dict[int, str] = {}
    threads = [
        threading.Thread(
            target=lambda n=n: answers.update({n: proxied.post("/", content=str(n) * 9_999).json()["body"]})
        )
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == {n: str(n) * 9_999 for n in range(8)}


def test_a_server_that_is_not_there_is_a_bad_gateway(proxied):
    answer = proxied.get("/", headers={"Connection": "Upgrade", "Upgrade": "websocket"})

    assert answer.status_code == 502


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"x" * 100_000])
def test_a_client_that_makes_no_sense_is_hung_up_on(proxied, tmp_path, sent):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(tmp_path / "stripe.sock"))
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

        assert client.recv(100) == b""


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
