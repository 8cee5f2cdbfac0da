"""Every door that must stay shut, tried from outside: one test per door, the doors in a table.

secrets   card numbers, security codes and keys: not in logs, events, lists, deliveries or the request log
keys      a live key opens nothing and is kept nowhere
tenants   one cannot reach another by id, cursor, file, idempotency key, request id, receipt or WebSocket id
paths     names of files, worlds, pages and fixtures lead nowhere else
headers   what is sent back in a header cannot begin another
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import websockets.sync.client
from flask import Flask
from websockets.exceptions import InvalidStatus

from bench.running import Running
from emulator import fixtures
from emulator.app import create_app
from emulator.developer import files
from emulator.kernel.tenants import handle_of
from tests.client import Client, flat
from tests.databases import InPlaceOfFolders
from tests.issuing.holders import a_card, a_physical_card
from tests.issuing.purchases import a_spender, authorize, done, refund
from tests.receivers import receiving
from tests.test_every_list import LISTINGS, Listing
from tests.treasury import worlds

LIVE = "51LiveKeyThatNobodyMaySee"
SENT_CODE = "9371"  # a security code that nothing else here looks like
NUMBERS = ("4242424242424242", "4242 4242 4242 4242", "4000-0000-0000-0002", "378282246310005")


def digits(text: str) -> str:
    """A text without what people put between the digits of a number."""
    return re.sub(r"(?<=[0-9])[ +-](?=[0-9])", "", text)


# Secrets: a server of its own, so that all it prints is seen


class Seen:
    """What a server shows and prints after a world in which cards were made, used and misused."""

    def __init__(self) -> None:
        self.issued: dict[str, str] = {}
        self.shown: dict[str, str] = {}
        self.console = ""


def misuse(http: httpx.Client) -> None:
    """Card numbers and keys where they do not belong, and where they do."""
    for number in NUMBERS:
        http.get(f"/v1/issuing/cards/{number}")
        http.post("/v1/issuing/cards", data={"cardholder": number, "currency": "usd", "type": "virtual"})
        http.post("/v1/customers", data={number: "1"}, headers={"Idempotency-Key": number})
        http.post("/v1/customers", data={"name": "x"}, headers={"User-Agent": number})
        card = {"number": digits(number), "exp_month": 12, "exp_year": 2040, "cvc": SENT_CODE}
        http.post("/v1/payment_methods", data=dict(flat({"type": "card", "card": card})))
        http.post("/v1/payment_methods", data=dict(flat({"type": "card", "card": {**card, "exp_month": 13}})))
    http.get(f"/v1/issuing/cards/sk_live_{LIVE}")
    for authorization in (f"Bearer sk_live_{LIVE}", "Basic " + base64.b64encode(f"rk_live_{LIVE}:".encode()).decode()):
        http.post("/v1/customers", data={"name": "live"}, headers={"Authorization": authorization})


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, stand_ins: InPlaceOfFolders | None) -> Seen:
    """A world's cards, their number and code, and everything that the server told of them."""
    found = Seen()
    folder = tmp_path_factory.mktemp("doors") / "data"
    app = create_app(folder)
    client = Client(app, "sk_test_doors")
    with receiving() as receiver:
        client.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["*"])
        card = a_spender(client)
        done(client, authorize(client, card, 10_00), "capture")
        refund(client, client.read("/v1/issuing/transactions")["data"][0], refund_amount=1_00)
        a_physical_card(client)
        secret = client.read(f"/v1/issuing/cards/{card['id']}", expand=["number", "cvc"])
        client.made("/_emulator/webhooks/drain")
        found.shown["deliveries"] = b"\n".join(one.body for one in receiver.arrived).decode()
    app.emulator.close()  # type: ignore[attr-defined]
    found.issued = {"number": secret["number"], "cvc": secret["cvc"]}
    with Running(folder) as running:
        http = httpx.Client(base_url=running.url, auth=("sk_test_doors", ""), timeout=30)
        http.get(f"/v1/issuing/cards/{card['id']}", params={"expand[]": ["number", "cvc"]})
        misuse(http)
        for name, path in {
            "events": "/v1/events?limit=100",
            "cards": "/v1/issuing/cards?limit=100",
            "authorizations": "/v1/issuing/authorizations?limit=100",
            "transactions": "/v1/issuing/transactions?limit=100",
            "request log": "/_emulator/requests?limit=100",
            "requests without a world": "/_emulator/requests?limit=100&unowned=true",
            "attempts": "/_emulator/webhooks/attempts",
            "why": f"/_emulator/why/{http.get('/v1/issuing/authorizations').json()['data'][0]['id']}",
            "worlds": "/_emulator/worlds",
            "front page": "/",
        }.items():
            reply = http.get(path, headers={"Accept": "text/html"} if path == "/" else {}, follow_redirects=True)
            assert reply.status_code == 200, (path, reply.text)
            found.shown[name] = reply.text
    found.console = "".join(running.console)
    found.shown |= dict(logs_in_files(folder) if stand_ins is None else logs_in_database(stand_ins.url_of(folder)))
    return found


def logs_in_files(folder: Path) -> Iterator[tuple[str, str]]:
    """The request logs as they are kept."""
    for file in folder.glob("*.requests.db*"):
        yield f"the file {file.name}", file.read_bytes().decode("latin-1")


def logs_in_database(url: str) -> Iterator[tuple[str, str]]:
    """The same where they are not kept in files."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT request::text FROM stripe_emulator.request").fetchall()
    assert len(rows) > 30
    yield "the file of the database", "\n".join(row for (row,) in rows)


SHOWN = [
    "deliveries", "events", "cards", "authorizations", "transactions", "request log", "requests without a world",
    "attempts", "why", "worlds", "front page",
]  # fmt: skip


def test_a_card_shows_its_number_and_code_to_who_asks_for_them(seen):
    """Otherwise the tests below would look for nothing."""
    assert re.fullmatch("[0-9]{16}", seen.issued["number"]) and re.fullmatch("[0-9]{3}", seen.issued["cvc"])


@pytest.mark.parametrize("where", SHOWN)
def test_no_card_number_is_shown_where_none_belongs(seen, where):
    for number in (seen.issued["number"], *map(digits, NUMBERS)):
        assert number not in digits(seen.shown[where])


@pytest.mark.parametrize("where", [name for name in SHOWN if name not in ("deliveries", "front page")])
def test_no_security_code_is_shown_where_none_belongs(seen, where):
    told = list(flat(json.loads(seen.shown[where])))

    assert [name for name, value in told if name.endswith("[cvc]") and value] == []
    assert not re.search(rf"\b{SENT_CODE}\b", seen.shown[where])


def test_the_console_and_the_files_of_the_request_log_tell_no_card_number_code_or_key(seen):
    texts = {"console": seen.console} | {name: text for name, text in seen.shown.items() if name.startswith("the file")}
    assert len(texts) > 1

    for name, text in texts.items():
        for number in (seen.issued["number"], *map(digits, NUMBERS)):
            assert number not in digits(text), name
        assert LIVE not in text, name
        assert not re.search(rf"\b{SENT_CODE}\b", text), name
    assert "****4242" in seen.console and "sk_live_****" in seen.console
    assert "Traceback" not in seen.console


def test_what_goes_wrong_inside_tells_neither_in_the_log(app, key, monkeypatch, caplog):
    client = Client(app, key)
    card = a_card(client)
    number = client.read(f"/v1/issuing/cards/{card['id']}", expand=["number"])["number"]

    def broken(*_: Any) -> None:
        raise RuntimeError(f"a bug that tells {number} and sk_live_{LIVE}")

    table = app.emulator.tenants.catalog.table
    route, values = table.find("GET", "/v1/balance")
    monkeypatch.setattr(table, "find", lambda *_: (replace(route, operation=broken), values))

    answer = client.get("/v1/balance")

    assert (answer.status, answer.error["message"]) == (500, "An unknown error occurred")
    assert "a bug that tells ****" in caplog.text
    assert number not in caplog.text and LIVE not in caplog.text


# Keys


@pytest.mark.parametrize("kind", ["sk", "rk", "pk"])
@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_a_live_key_opens_nothing_and_is_kept_nowhere(tmp_path, kind, scheme):
    key = f"{kind}_live_{LIVE}"
    app = create_app(tmp_path)
    sent = key if scheme == "Bearer" else base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"{scheme} {sent}", "Idempotency-Key": "once"}
    http = app.test_client()

    replies = [
        http.open(path, method=method, headers=headers, data=body)
        for method, path, body in [
            ("GET", "/v1/balance", None),
            ("POST", "/v1/customers", {"name": "live"}),
            ("POST", "/v1/files", b"not looked at"),
            ("POST", "/_emulator/reset", None),
            ("DELETE", "/_emulator/world", None),
            ("GET", "/v1/nothing", None),
        ]
    ]
    app.emulator.close()  # type: ignore[attr-defined]

    assert {reply.status_code for reply in replies} == {401}
    assert all(LIVE not in reply.text and LIVE not in str(reply.headers) for reply in replies)
    assert list(tmp_path.glob("*.sqlite")) == []
    assert {file.name for file in tmp_path.iterdir() if LIVE.encode() in file.read_bytes()} == set()


# Tenants


WITHOUT_IDS = {"/v1/issuing/funding_instructions"}


@pytest.fixture
def stranger(app: Flask, key: str) -> Client:
    """Another key, in its own world."""
    return Client(app, f"{key}-stranger")


@pytest.mark.parametrize("name", [name for name in LISTINGS if name not in WITHOUT_IDS])
def test_a_tenant_reaches_nothing_of_another_by_id_or_cursor(platform, stranger, name):
    listing: Listing = LISTINGS[name](platform)
    listing.add(0)
    (row, *_) = listing.client.read(listing.path, **listing.filters)["data"]
    stranger.read("/v1/balance")
    as_the_account = stranger.acting_as(listing.client.account) if listing.client.account else stranger

    for client in {stranger.account: stranger, as_the_account.account: as_the_account}.values():
        by_id = client.get(f"{listing.path}/{row['id']}")
        by_cursor = [client.get(listing.path, **listing.filters, **{cursor: row["id"]}) for cursor in CURSORS]

        for answer in (by_id, *by_cursor):
            assert answer.status in (400, 403, 404), answer.json
            assert set(answer.json) == {"error"}
            assert row["id"] not in json.dumps({**answer.error, "message": ""})


CURSORS = ("starting_after", "ending_before")


def test_a_tenant_reaches_no_object_of_another_through_a_parameter(platform, stranger):
    card, customer = a_card(platform)["id"], platform.made("/v1/customers", name="x")["id"]

    refused = [
        stranger.post("/v1/test_helpers/issuing/authorizations", card=card, amount=1),
        stranger.post("/v1/setup_intents", customer=customer),
        stranger.post("/v1/payment_methods/pm_card_visa/attach", customer=customer),
    ]

    assert [(answer.status, answer.error["code"]) for answer in refused] == [(400, "resource_missing")] * 3


def test_a_tenant_reads_no_file_of_another(platform, stranger):
    file = (io.BytesIO(b"%PDF secret"), "evidence.pdf")
    made = platform.made("/v1/files", purpose="dispute_evidence", file=file)

    answers = [stranger.get(f"/v1/files/{made['id']}"), stranger.get(f"/v1/files/{made['id']}/contents")]

    assert [answer.status for answer in answers] == [404, 404]
    assert platform.get(f"/v1/files/{made['id']}/contents").body == b"%PDF secret"
    without_a_key = platform.app.test_client().get(f"/v1/files/{made['id']}/contents")
    assert without_a_key.status_code == 401


def test_the_same_idempotency_key_is_two_in_two_tenants(platform, stranger):
    same = {"Idempotency-Key": "the-same"}

    mine, theirs = [client.post("/v1/customers", name="x", headers=same) for client in (platform, stranger)]
    again = platform.post("/v1/customers", name="x", headers=same)

    assert mine.json["id"] != theirs.json["id"]
    assert "Idempotent-Replayed" not in theirs.headers
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (mine.json["id"], "true")


def test_a_tenant_reads_no_request_of_another(platform, stranger):
    request = platform.get("/v1/balance").headers["Request-Id"]

    assert stranger.get(f"/_emulator/requests/{request}").status == 404
    assert stranger.get("/_emulator/requests", starting_after=request).status == 400
    assert platform.read(f"/_emulator/requests/{request}")["id"] == request


def test_a_receipts_address_names_the_world_that_its_object_is_in(platform, stranger):
    business = worlds.connected(platform)
    credit = worlds.send(business, worlds.opened(business), 1_00)
    stranger.read("/v1/balance")
    address = credit["hosted_regulatory_receipt_url"]
    beginning, _, token = address.rpartition("/")
    named = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    handle, id = named[:16], named[16:]
    elsewhere = bytes.fromhex(handle_of(stranger.key.removeprefix("sk_test_"))) + id
    other = base64.urlsafe_b64encode(elsewhere).decode().rstrip("=")
    http = platform.app.test_client()

    assert (handle.hex(), id.decode()) == (handle_of(platform.key.removeprefix("sk_test_")), credit["id"])
    assert http.get(address).status_code == 200
    assert http.get(f"{beginning}/{other}").status_code == 404


def test_a_websocket_id_opens_its_own_world_alone(tmp_path):
    with Running(tmp_path / "data", "--quiet") as running:
        sessions = [
            httpx.post(
                f"{running.url}/v1/stripecli/sessions",
                data={"device_name": "door", "websocket_features[]": "webhooks"},
                auth=(f"sk_test_{name}", ""),
            ).json()
            for name in ("mine", "theirs")
        ]
        mine, theirs = (session["websocket_id"] for session in sessions)
        prefix = f"cliws_{handle_of('theirs')}"
        assert theirs.startswith(prefix) and mine != theirs
        # The world's handle is no secret, it is listed; what follows it is, and belongs to one world.
        tried = [prefix + mine.removeprefix(f"cliws_{handle_of('mine')}"), prefix, prefix + "0" * 14, theirs[:-1]]

        for id in tried:
            with pytest.raises(InvalidStatus) as refused:
                websockets.sync.client.connect(
                    f"{sessions[1]['websocket_url']}?websocket_feature=webhooks",
                    additional_headers={"Websocket-Id": id},
                    subprotocols=["stripecli-devproxy-v1"],
                    compression=None,
                )
            assert refused.value.response.status_code == 400

        with websockets.sync.client.connect(
            f"{sessions[1]['websocket_url']}?websocket_feature=webhooks",  # whoever's address it is
            additional_headers={"Websocket-Id": mine},
            subprotocols=["stripecli-devproxy-v1"],
            compression=None,
        ) as line:
            for name in ("theirs", "mine"):
                httpx.post(f"{running.url}/v1/customers", data={"name": name}, auth=(f"sk_test_{name}", ""))
                httpx.post(
                    f"{running.url}/v1/topups", data={"amount": 1, "currency": "usd"}, auth=(f"sk_test_{name}", "")
                )
            frame = json.loads(line.recv(timeout=20))
            told = json.loads(frame["event_payload"])

        own = httpx.get(f"{running.url}/v1/events", params={"limit": 100}, auth=("sk_test_mine", "")).json()["data"]
        assert told["id"] in {event["id"] for event in own}


# Paths


@pytest.mark.parametrize(
    "sent, kept",
    [
        ("../../etc/passwd", "passwd"),
        ("/etc/shadow", "shadow"),
        ("..", "blob"),
        ("a/..", "blob"),
        ("name\tof\x7ffile.pdf", "nameoffile.pdf"),
        ("ordinary name.pdf", "ordinary name.pdf"),
    ],
)
def test_a_files_name_leads_nowhere(tmp_path, sent, kept):
    app = create_app(tmp_path / "data")

    made = Client(app, "sk_test_paths").made("/v1/files", purpose="dispute_evidence", file=(io.BytesIO(b"%PDF"), sent))
    app.emulator.close()  # type: ignore[attr-defined]

    assert made["filename"] == kept
    assert {file.name for file in tmp_path.iterdir()} <= {"data"}
    assert {file.suffix for file in (tmp_path / "data").glob("*")} <= {".sqlite", ".db", ".lock"}


@pytest.mark.parametrize("sent, kept", [("..\\..\\boot.ini", "boot.ini"), ("C:\\temp\\logo.png", "logo.png")])
def test_the_way_to_a_file_may_be_one_of_windows(sent, kept):
    assert files.name_of(sent) == kept


@pytest.mark.parametrize("name", ["../../outside", "/etc/passwd", "a/b", "..", "\0", "con", "x" * 500])
def test_a_keys_name_names_no_file(tmp_path, name):
    app = create_app(tmp_path / "data")

    status = (
        app.test_client()
        .get(
            "/v1/balance", headers={"Authorization": "Basic " + base64.b64encode(f"sk_test_{name}:".encode()).decode()}
        )
        .status_code
    )
    worlds = [kept.handle for kept in app.emulator.tenants.database.worlds()]  # type: ignore[attr-defined]
    app.emulator.close()  # type: ignore[attr-defined]

    assert (status, worlds) == (200, [handle_of(name)])
    assert {file.name for file in tmp_path.iterdir()} <= {"data"}
    assert {file.stem for file in (tmp_path / "data").glob("*.sqlite")} <= {handle_of(name)}


@pytest.mark.parametrize(
    "path",
    [
        "/docs/../README.md",
        "/docs/../../etc/passwd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/docs//etc/passwd",
        "/regulatory-receipt/" + base64.urlsafe_b64encode(b"../../../../etc/passwd").decode().rstrip("="),
        "/v1/files/..%2f..%2fserver.lock/contents",
        "/v1/../_emulator/worlds",
    ],
)
def test_no_path_leads_to_another_file_or_operation(app, key, path):
    answer = app.test_client().get(path, headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 404
    assert "root:" not in answer.text and "pid" not in answer.text


def test_a_fixture_cannot_leave_the_api_nor_its_server(tmp_path):
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"id": "../../_emulator/world?x=", "object": "x"})

    for path in ("/_emulator/world", "http://elsewhere.example/v1/x", "//elsewhere.example/v1/x", "v1/x", "../v1/x"):
        with pytest.raises(fixtures.FixtureError, match="must begin with /v1/ or /v2/"):
            fixtures.parsed({"fixtures": [{"name": "a", "path": path, "method": "get"}]})
    steps = [
        {"name": "a", "path": "/v1/customers", "method": "post"},
        {"name": "b", "path": "/v1/customers/${a:id}", "method": "get"},
    ]
    with httpx.Client(base_url="http://here.example", transport=httpx.MockTransport(answer)) as http:
        fixtures.run(fixtures.parsed({"fixtures": steps}), http, "sk_test_x")

    assert {request.url.host for request in sent} == {"here.example"}
    assert sent[1].url.raw_path == b"/v1/customers/..%2F..%2F_emulator%2Fworld%3Fx%3D"


def test_a_name_of_a_shipped_world_is_no_path():
    assert all(re.fullmatch("[a-z0-9_-]+", name) for name in fixtures.shipped_names())


# Headers


@pytest.mark.parametrize("breaks", ["\r\nX-Injected: 1", "\nX-Injected: 1", "\rX-Injected: 1", "\0", "\x0b", "\x85"])
@pytest.mark.parametrize("header", ["Idempotency-Key", "Stripe-Account", "Stripe-Context", "Stripe-Version"])
def test_what_is_sent_back_in_a_header_cannot_begin_another(app, key, header, breaks):
    value = {"Stripe-Version": "2024-06-20;"}.get(header, "acct_1") + breaks
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/v1/customers", "CONTENT_TYPE": "", "CONTENT_LENGTH": "0",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "SERVER_NAME": "x", "SERVER_PORT": "1",
        "HTTP_AUTHORIZATION": f"Bearer {key}", f"HTTP_{header.upper().replace('-', '_')}": value,
    }  # fmt: skip
    told: dict[str, Any] = {}

    body = b"".join(app.wsgi_app(environ, lambda status, headers: told.update(status=status, headers=headers)))

    assert told["status"].startswith("400 ")
    assert json.loads(body)["error"]["message"] == f"Invalid {header} header: it has characters that no header has."
    assert all(value.isprintable() and "Injected" not in value for _, value in told["headers"])
