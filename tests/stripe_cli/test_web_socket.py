"""The WebSocket of the Stripe CLI, with a client that says what the CLI says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import stripe
from flask import Flask
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bench.running import Running
from emulator.app import create_app
from emulator.developer import cli_sessions
from emulator.developer.cli_sessions import Session
from emulator.kernel.database.face import StorageFails
from emulator.kernel.database.tenant_row import write_tenant_row
from emulator.kernel.deliveries import ASKED_ALL, ASKED_NOTHING
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.tenants import Tenant
from emulator.kernel.waiting import Waiting, Work
from emulator.kernel.world import World
from emulator.stripe_cli import web_socket
from emulator.stripe_cli.frames import GOODBYE
from tests.client import Client
from tests.issuing.holders import a_cardholder, a_connected_account
from tests.issuing.purchases import AUTHORIZATIONS, a_spender, authorize, done
from tests.serving import Served

DAY = 86_400
SESSIONS = "/v1/stripecli/sessions"
PATIENCE_SECONDS = 20
SILENCE_SECONDS = 0.3
LOOK_SECONDS = 0.05
CLIENTS_OWN = logging.getLogger("tests.web_socket")
CLIENTS_OWN.setLevel(logging.CRITICAL)  # a client that is hung up on while it speaks calls that an error


class Listener:
    """`stripe listen`, as far as its WebSocket goes."""

    def __init__(self, session: dict[str, Any]) -> None:
        self.session = session
        self.stack = ExitStack()
        self.line: ClientConnection | None = None

    def connect(self) -> Listener:
        feature = self.session["websocket_authorized_feature"]
        address = f"{self.session['websocket_url']}?websocket_feature={feature}"
        headers = {"Websocket-Id": self.session["websocket_id"]}
        subprotocols = ["stripecli-devproxy-v1"]
        line = connect(
            address,
            additional_headers=headers,
            subprotocols=subprotocols,
            compression=None,
            open_timeout=PATIENCE_SECONDS,
            logger=CLIENTS_OWN,
        )
        self.line = self.stack.enter_context(line)
        return self

    def frame(self) -> dict[str, Any]:
        """The next frame."""
        return json.loads(self.line.recv(timeout=PATIENCE_SECONDS))

    def event(self, *, acknowledged: bool = True) -> dict[str, Any]:
        """The next event, from its copy in the default version; both copies are acknowledged unless told otherwise."""
        frame, latest = self.frame(), self.frame()
        assert frame["endpoint"]["api_version"] is None and latest["endpoint"]["api_version"] is not None
        assert frame["event_payload"] == latest["event_payload"]
        if acknowledged:
            self.acknowledge(frame)
            self.acknowledge(latest)
        return frame

    def types(self, count: int) -> list[str]:
        return [json.loads(self.event()["event_payload"])["type"] for _ in range(count)]

    def acknowledge(self, frame: dict[str, Any]) -> None:
        self.say(type="event_ack", event_id=json.loads(frame["event_payload"])["id"], **conversation_of(frame))

    def respond(self, frame: dict[str, Any], status: int, body: str = "", **headers: str) -> None:
        """What the user's server answered to a forward."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.say(type="webhook_response", status=status, body=body, http_headers=named, **conversation_of(frame))

    def say(self, **frame: Any) -> None:
        self.line.send(json.dumps(frame) + "\n")

    def hears_nothing(self) -> bool:
        with pytest.raises(TimeoutError):
            self.line.recv(timeout=SILENCE_SECONDS)
        return True

    def close(self) -> None:
        self.stack.close()


def conversation_of(frame: dict[str, Any]) -> dict[str, str]:
    return {name: frame[name] for name in ("webhook_conversation_id", "webhook_id")}


@contextlib.contextmanager
def begun(folder: Path) -> Iterator[Flask]:
    """An application that is served in this process."""
    application = create_app(folder)
    with Served(application):
        application.emulator.background.start()
        yield application
    application.emulator.close()


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[Flask]:
    with begun(tmp_path_factory.mktemp("listening")) as application:
        yield application


@pytest.fixture
def listen(platform) -> Iterator[Callable[..., Listener]]:
    """Start a listener of the platform; `connect=False` only asks for its session."""
    listeners: list[Listener] = []

    def start(connect: bool = True, **params: Any) -> Listener:
        asked = {"device_name": "laptop", "websocket_features": ["webhooks"], **params}
        listener = Listener(platform.made(SESSIONS, **asked))
        listeners.append(listener)
        if connect:
            listener.connect()
            until(platform, lambda: subscribed(platform, listener))
        return listener

    yield start
    for listener in listeners:
        listener.close()


def tenant_of(platform: Client):
    return platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))


def subscribed(platform: Client, listener: Listener):
    with tenant_of(platform).reading() as step:
        return step.deliveries.subscriber(listener.session["websocket_id"])


def attempts(platform: Client, event: str) -> list[dict[str, Any]]:
    with tenant_of(platform).reading() as step:
        return step.deliveries.attempts(event=event)


def pending(platform: Client, frame: dict[str, Any]) -> int:
    return platform.read(f"/v1/events/{json.loads(frame['event_payload'])['id']}")["pending_webhooks"]


def until(platform: Client, claim: Callable[[], Any]) -> Any:
    """What a claim about a tenant says once it holds, asked at all news of it and often besides."""
    tenant, deadline = tenant_of(platform), time.monotonic() + PATIENCE_SECONDS
    with tenant.tenants.news.ear(tenant.handle) as ear:
        while True:
            said = claim()
            if said:
                return said
            assert time.monotonic() < deadline, "it never came to be"
            ear.listen(LOOK_SECONDS)


# The handshake


@pytest.mark.parametrize("id", ["", "cliws_1", "cliws_" + "0" * 46, "cliws_../../etc/passwd", "cliws_" + "a" * 400])
def test_an_unknown_id_is_refused_in_the_words_the_cli_waits_for(platform, listen, id):
    listener = listen(connect=False)
    listener.session["websocket_id"] = id

    with pytest.raises(InvalidStatus) as refusal:
        listener.connect()

    assert refusal.value.response.status_code == 400
    assert json.loads(refusal.value.response.body) == {"error": {"message": "Unknown WebSocket ID."}}


def test_an_id_that_names_the_right_tenant_but_no_session_is_unknown_too(platform, listen):
    listener = listen(connect=False)
    listener.session["websocket_id"] = listener.session["websocket_id"][:-14] + "0" * 14

    with pytest.raises(InvalidStatus):
        listener.connect()


# Events


def test_an_event_arrives_signed_in_two_copies(platform, listen):
    listener = listen()
    cardholder = a_cardholder(platform)

    frame = listener.event()

    event = stripe.Webhook.construct_event(
        frame["event_payload"], frame["http_headers"]["Stripe-Signature"], listener.session["secret"]
    )
    assert (event.type, event.data.object.id) == ("issuing_cardholder.created", cardholder["id"])
    assert event.pending_webhooks == 1
    assert frame["type"] == "webhook_event"
    assert frame["webhook_conversation_id"].startswith("wc_") and frame["webhook_id"].startswith("wh_")
    assert frame["http_headers"]["User-Agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


def test_the_copies_are_of_the_accounts_version_and_of_the_newest(platform, listen):
    platform.settings(api_version="2024-06-20")
    authorization = authorize(platform, a_spender(platform), 1_00)
    listener = listen()
    done(platform, authorization, "expire")

    usual, newest = listener.frame(), listener.frame()
    while json.loads(usual["event_payload"])["type"] != "issuing_authorization.updated":
        usual, newest = listener.frame(), listener.frame()

    events = [
        stripe.Webhook.construct_event(
            frame["event_payload"], frame["http_headers"]["Stripe-Signature"], listener.session["secret"]
        )
        for frame in (usual, newest)
    ]
    assert [frame["endpoint"]["api_version"] for frame in (usual, newest)] == [None, "2026-10-28.endive"]
    assert [event.api_version for event in events] == ["2024-06-20", "2026-10-28.endive"]
    assert [event.data.object.status for event in events] == ["reversed", "expired"]


def test_events_arrive_in_the_order_in_which_they_happened(platform, listen):
    listener = listen()
    ids = [a_cardholder(platform)["id"] for _ in range(12)]

    arrived = [json.loads(listener.event()["event_payload"])["data"]["object"]["id"] for _ in range(12)]

    assert arrived == ids


def test_events_of_connected_accounts_name_the_account(platform, listen):
    listener = listen()
    connected = a_connected_account(platform, "card_issuing", "transfers")
    a_cardholder(connected)
    a_cardholder(platform)

    events = [json.loads(listener.event()["event_payload"])]
    while events[-1]["type"] != "issuing_cardholder.created" or "account" in events[-1]:
        events.append(json.loads(listener.event()["event_payload"]))

    theirs, ours = (event for event in events if event["type"] == "issuing_cardholder.created")
    assert theirs["account"] == theirs["context"] == connected.account
    assert "account" not in ours


def test_other_tenants_events_are_not_heard(app, platform, listen):
    listener = listen()

    a_cardholder(Client(app, f"{platform.key}neighbour"))

    assert listener.hears_nothing()


def test_an_acknowledged_event_is_no_longer_pending(platform, listen):
    listener = listen()
    a_cardholder(platform)
    frame = listener.event(acknowledged=False)
    before = pending(platform, frame)

    listener.acknowledge(frame)

    until(platform, lambda: pending(platform, frame) == 0)
    assert before == 1


def test_the_users_answer_becomes_the_attempt_and_is_not_retried(platform, listen):
    listener = listen(forward_to_url="localhost:4242/hook")
    a_cardholder(platform)
    frame = listener.event()

    listener.respond(frame, 500, "on fire", Content_Type="text/plain")

    id = json.loads(frame["event_payload"])["id"]
    attempt = until(platform, lambda: [one for one in attempts(platform, id) if one["response_body"] == "on fire"])[0]
    assert (attempt["status"], attempt["number"]) == (500, 1)
    assert attempt["response_headers"] == {"content-type": "text/plain"}
    assert len(attempts(platform, id)) == 1
    assert pending(platform, frame) == 0


def test_two_listeners_are_told_both(platform, listen):
    first, second = listen(), listen()
    a_cardholder(platform)

    frames = first.event(acknowledged=False), second.event(acknowledged=False)

    assert [json.loads(frame["event_payload"])["pending_webhooks"] for frame in frames] == [2, 2]
    assert pending(platform, frames[0]) == 2


def test_an_event_can_be_sent_again_to_listeners(platform, listen):
    listener = listen()
    a_cardholder(platform)
    id = json.loads(listener.event()["event_payload"])["id"]

    platform.made(f"/v1/events/{id}/retry", for_stripecli=True)

    assert json.loads(listener.event()["event_payload"])["id"] == id


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"type": "event_ack"}', '{"webhook_conversation_id": "wc_none"}'])
def test_frames_that_mean_nothing_are_read_over(platform, listen, text):
    listener = listen()

    listener.line.send(text)
    a_cardholder(platform)

    assert listener.types(1) == ["issuing_cardholder.created"]


def test_nobody_acknowledges_for_another_tenant(app, platform, listen):
    neighbour = Client(app, f"{platform.key}neighbour")
    stranger = Listener(neighbour.made(SESSIONS, device_name="x", websocket_features=["webhooks"])).connect()
    listener = listen()
    a_cardholder(platform)
    frame = listener.event(acknowledged=False)

    stranger.acknowledge(frame)
    stranger.line.ping().wait(PATIENCE_SECONDS)
    stranger.close()

    assert pending(platform, frame) == 1


# Coming and going


def test_what_happens_while_the_cli_reconnects_is_told_afterwards(platform, listen):
    listener = listen()
    a_cardholder(platform)
    listener.types(1)
    listener.close()
    ids = [a_cardholder(platform)["id"] for _ in range(3)]

    listener.connect()

    arrived = [json.loads(listener.event()["event_payload"])["data"]["object"]["id"] for _ in range(3)]
    assert arrived == ids


def test_what_was_not_acknowledged_is_told_again_over_the_next_connection(platform, listen):
    listener = listen()
    a_cardholder(platform)
    lost = listener.event(acknowledged=False)["event_payload"]
    listener.close()

    listener.connect()

    assert listener.event()["event_payload"] == lost


def test_a_listener_that_stays_away_is_told_nothing_of_that_time(app, platform, listen, monkeypatch):
    listener = listen()
    listener.close()
    a_cardholder(platform)
    monkeypatch.setattr(web_socket, "QUEUE_KEPT_SECONDS", -1)
    until(platform, lambda: subscribed(platform, listener) is None)
    monkeypatch.undo()

    listener.connect()
    until(platform, lambda: subscribed(platform, listener))
    later = a_cardholder(platform)

    assert json.loads(listener.event()["event_payload"])["data"]["object"]["id"] == later["id"]
    assert {event["pending_webhooks"] for event in platform.events()[:-1]} == {0}


def test_a_listener_that_says_goodbye_is_forgotten_at_once(platform, listen):
    listener = listen()
    a_cardholder(platform)
    frame = listener.event(acknowledged=False)

    listener.line.close(1000, "Connection Done")

    until(platform, lambda: subscribed(platform, listener) is None)
    assert pending(platform, frame) == 0


def test_a_second_connection_of_a_session_ends_the_first(platform, listen):
    listener = listen()
    first = listener.line

    listener.connect()

    with pytest.raises(ConnectionClosedOK):
        first.recv(timeout=PATIENCE_SECONDS)
    a_cardholder(platform)
    assert listener.types(1) == ["issuing_cardholder.created"]


def test_the_connection_that_was_admitted_last_stays_whichever_is_quicker(platform, listen, monkeypatch):
    note_connected = web_socket.CliSocket.note_connected
    first_is_held, second_is_there = Event(), Event()

    listener = listen(connect=False)

    def held(self: web_socket.CliSocket, tenant: Tenant, id: str) -> Session | None:
        session = note_connected(self, tenant, id)
        if first_is_held.is_set():
            second_is_there.set()
        else:
            first_is_held.set()
            second_is_there.wait(PATIENCE_SECONDS)
        return session

    monkeypatch.setattr(web_socket.CliSocket, "note_connected", held)
    first = Listener(listener.session)
    connecting = Thread(target=first.connect)
    connecting.start()
    first_is_held.wait(PATIENCE_SECONDS)

    listener.connect()
    connecting.join()

    with pytest.raises(ConnectionClosedOK):
        first.line.recv(timeout=PATIENCE_SECONDS)
    a_cardholder(platform)
    assert listener.types(1) == ["issuing_cardholder.created"]
    first.close()


@pytest.mark.parametrize("reason", ["the network fails", GOODBYE])
def test_what_is_late_of_an_earlier_connection_says_nothing_of_the_one_that_is_open(
    platform, listen, monkeypatch, reason
):
    note, second_is_there, is_noted = web_socket.CliSocket.note, Event(), Event()
    listener = listen(forward_to_url="http://localhost:4242/hook")

    def late(self: web_socket.CliSocket, tenant: Tenant, session: Session, *said: Any) -> bool:
        if session.id != listener.session["websocket_id"]:
            return note(self, tenant, session, *said)
        second_is_there.wait(PATIENCE_SECONDS)
        was_noted = note(self, tenant, session, *said)
        is_noted.set()
        return was_noted

    monkeypatch.setattr(web_socket.CliSocket, "note", late)
    listener.line.close(1000, reason)
    listener.connect()
    second_is_there.set()
    assert is_noted.wait(PATIENCE_SECONDS)

    assert subscribed(platform, listener).answers == ASKED_ALL
    a_cardholder(platform)
    assert listener.types(1) == ["issuing_cardholder.created"]


def test_a_line_that_somebody_took_for_gone_is_soon_known_to_be_open_again(platform, listen):
    listener = listen(forward_to_url="http://localhost:4242/hook")
    with tenant_of(platform).writing() as step:  # as another process does that finds its lock free for a moment
        world = World(step, step.row.platform)
        session = world.find(Session, listener.session["websocket_id"])
        cli_sessions.gone(world, session, at=1)
        assert step.deliveries.subscriber(session.id).answers == ASKED_NOTHING

    until(platform, lambda: subscribed(platform, listener).answers == ASKED_ALL)
    a_cardholder(platform)

    assert listener.types(1) == ["issuing_cardholder.created"]


def test_a_session_that_has_come_to_another_process_is_let_go_of_though_that_was_not_heard(app, platform, listen):
    open_one, away = listen(), listen()
    away.close()
    is_here = app.emulator.postman.reaches[cli_sessions.TRANSPORT]
    ids = [one.session["websocket_id"] for one in (open_one, away)]
    assert all(map(is_here, ids))

    with tenant_of(platform).writing() as step:
        world = World(step, step.row.platform)
        for id in ids:
            cli_sessions.connected(world, world.find(Session, id))

    with pytest.raises(ConnectionClosedOK):
        open_one.line.recv(timeout=PATIENCE_SECONDS)
    until(platform, lambda: not any(map(is_here, ids)))
    assert all(subscribed(platform, one) is not None for one in (open_one, away))


def test_who_goes_before_the_line_is_open_counts_as_gone(app, platform, listen):
    listener = listen(connect=False, forward_to_url="http://localhost:4242/hook")
    socket = app.emulator.postman.transports[cli_sessions.TRANSPORT].__self__
    scope = {"headers": [(b"websocket-id", listener.session["websocket_id"].encode())], "subprotocols": []}

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def gone(message: dict[str, Any]) -> None:
        assert subscribed(platform, listener).answers == ASKED_ALL
        raise ConnectionError(message["type"])

    with ThreadPoolExecutor(1) as pool, pytest.raises(ConnectionError, match=r"websocket\.accept"):
        asyncio.run(socket.serve(pool, scope, receive, gone))

    until(platform, lambda: subscribed(platform, listener).answers == ASKED_NOTHING)


def test_a_reset_of_the_world_does_not_end_listening(platform, listen):
    listener = listen()
    a_cardholder(platform)
    listener.event()

    platform.made("/_emulator/reset")
    a_cardholder(platform)

    assert listener.types(1) == ["issuing_cardholder.created"]


def test_a_world_that_is_brought_back_does_not_end_listening(platform, listen):
    platform.made("/_emulator/snapshots", name="before anybody listened")
    listener = listen()
    a_cardholder(platform)
    listener.event()

    platform.made("/_emulator/snapshots/before anybody listened/restore")
    a_cardholder(platform)

    assert listener.types(1) == ["issuing_cardholder.created"]


def test_whoever_listens_to_a_world_hears_it_once_it_is_a_fork_of_another(platform, listen, app, key):
    listener = listen()
    source = Client(app, f"{key}_source")
    a_cardholder(source)

    source.made("/_emulator/fork", key=key, replace=True)
    a_cardholder(source)
    a_cardholder(platform)

    event = json.loads(listener.event()["event_payload"])
    assert event["type"] == "issuing_cardholder.created"
    held = [one["id"] for one in platform.read("/v1/issuing/cardholders")["data"]]
    assert event["data"]["object"]["id"] == held[0] and len(held) == 2


def test_a_session_outlives_the_server(tmp_path):
    with begun(tmp_path) as application:
        platform = Client(application, "sk_test_restart")
        session = platform.made(SESSIONS, device_name="laptop", websocket_features=["webhooks"])
        listener = Listener(session).connect()
        until(platform, lambda: subscribed(platform, listener))
        a_cardholder(platform)
        listener.event(acknowledged=False)

    with begun(tmp_path) as application:
        platform = Client(application, "sk_test_restart")
        listener.session["websocket_url"] = application.emulator.tenants.websocket_url + "/subscribe/acct"
        listener.connect()
        told_again = listener.types(1)
        a_cardholder(platform)
        told_since = listener.types(1)
        listener.close()

    assert told_again == told_since == ["issuing_cardholder.created"]


# The port


def test_what_fell_due_while_nobody_served_is_told_as_of_then_though_a_line_was_lost_with_the_server(tmp_path):
    with begun(tmp_path) as application:
        platform = Client(application, "sk_test_away")
        made = authorize(platform, a_spender(platform), 10_00)
        id = platform.made(SESSIONS, device_name="laptop", websocket_features=["webhooks"])["websocket_id"]
    application = create_app(tmp_path)
    tenant = application.emulator.tenants.open("away")
    with tenant.writing() as step:  # as a server leaves it that is killed, a week and a day ago
        world = World(step, step.row.platform)
        cli_sessions.connected(world, world.find(cli_sessions.Session, id))
    with tenant.stored.writing() as session:
        write_tenant_row(session, clock_offset=8 * DAY)
    application.emulator.close()

    with begun(tmp_path) as application:
        expired = Client(application, "sk_test_away").events(type="issuing_authorization.updated")

    assert [event["created"] for event in expired] == [made["created"] + 7 * DAY]


def test_the_websocket_is_on_the_servers_own_port_and_a_port_for_it_is_not_needed(tmp_path):
    with Running(tmp_path / "data", "--quiet", "--websocket-port", "12121") as running:
        session = httpx.post(
            f"{running.url}{SESSIONS}", data={"device_name": "x"}, auth=("sk_test_ports", ""), trust_env=False
        ).json()
        Listener(session).connect().close()

    assert session["websocket_url"].startswith(f"ws://127.0.0.1:{running.port}/subscribe/acct_")
    assert "--websocket-port is not needed any more" in running.console[0]


# Questions


@pytest.mark.parametrize("approved", [True, False])
def test_a_listener_that_forwards_is_asked_when_no_endpoint_is(platform, listen, approved):
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    card = a_spender(platform)
    listener = listen(forward_to_url="localhost:4242/hook")
    settled: dict[str, Any] = {}

    def answer() -> None:
        frame = listener.event()
        while json.loads(frame["event_payload"])["type"] != "issuing_authorization.request":
            frame = listener.event()
        listener.respond(frame, 200, json.dumps({"approved": approved}), Stripe_Version="2026-10-28.endive")
        settled.update(frame)

    answering = Thread(target=answer)
    answering.start()
    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")
    answering.join()

    assert authorization["approved"] is approved
    assert authorization["request_history"][0]["reason"] == ("webhook_approved" if approved else "webhook_declined")
    assert settled["http_headers"]["Accept"] == "application/json"


def test_an_answer_that_comes_in_fragments_is_joined(platform, listen):
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    card = a_spender(platform)
    listener = listen(forward_to_url="localhost:4242/hook")
    metadata = {f"key_{number}": "x" * 500 for number in range(50)}

    def answer() -> None:
        frame = listener.event()
        while json.loads(frame["event_payload"])["type"] != "issuing_authorization.request":
            frame = listener.event()
        said = {
            "type": "webhook_response",
            "status": 200,
            "body": json.dumps({"approved": True, "metadata": metadata}),
            "http_headers": {"Stripe-Version": "2026-10-28.endive"},
            **conversation_of(frame),
        }
        text = json.dumps(said)
        listener.line.send(text[start : start + 4096] for start in range(0, len(text), 4096))

    answering = Thread(target=answer)
    answering.start()
    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")
    answering.join()

    assert authorization["request_history"][0]["reason"] == "webhook_approved"
    assert authorization["metadata"] == metadata


def test_fragments_without_an_end_close_the_line(listen):
    listener = listen()

    def endless() -> Iterator[str]:
        for _ in range(20):
            yield "x" * 1024 * 1024

    with pytest.raises(ConnectionClosed) as closed:
        listener.line.send(endless())
        listener.line.recv(timeout=PATIENCE_SECONDS)

    assert closed.value.rcvd is None or closed.value.rcvd.code == 1009


def test_a_listener_that_only_prints_is_not_asked(platform, listen):
    card = a_spender(platform)
    listen()

    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")

    assert authorization["request_history"][0]["reason"] == "card_active"


def test_a_listener_that_forwards_connected_accounts_alone_is_asked_for_them_alone(platform, listen):
    card = a_spender(platform)
    connected = a_connected_account(platform, "card_issuing", "transfers")
    theirs = a_spender(connected)
    listen(forward_connect_to_url="localhost:4242/connect")
    platform.settings(real_time_timeout_ms=50)

    own = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")
    other = connected.made(AUTHORIZATIONS, card=theirs["id"], amount=5_00, currency="usd")

    assert own["request_history"][0]["reason"] == "card_active"
    assert other["request_history"][0]["reason"] == "webhook_timeout"


def test_a_listener_that_went_is_not_asked(platform, listen):
    card = a_spender(platform)
    listener = listen(forward_to_url="localhost:4242/hook")
    listener.close()
    until(platform, lambda: not subscribed(platform, listener).answers)

    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")

    assert authorization["request_history"][0]["reason"] == "card_active"


def test_an_endpoint_comes_before_a_listener(platform, listen):
    card = a_spender(platform)
    listen(forward_to_url="localhost:4242/hook")
    platform.settings(real_time_timeout_ms=50)
    platform.made(
        "/v1/webhook_endpoints", url="http://127.0.0.1:9/hook", enabled_events=["issuing_authorization.request"]
    )

    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")

    assert authorization["request_history"][0]["reason"] == "webhook_timeout"


def test_a_listener_that_acknowledges_but_does_not_answer_is_silent(platform, listen):
    card = a_spender(platform)
    listener = listen(forward_to_url="localhost:4242/hook")
    platform.settings(real_time_timeout_ms=50)

    authorization = platform.made(AUTHORIZATIONS, card=card["id"], amount=5_00, currency="usd")

    assert authorization["request_history"][0]["reason"] == "webhook_timeout"
    assert "issuing_authorization.request" in listener.types(1)


# Requests


def tail(platform: Client, **filters: list[str]) -> Listener:
    session = platform.made(
        SESSIONS, device_name="laptop", websocket_features=["request_logs"], filters=json.dumps(filters)
    )
    return Listener(session).connect()


def test_answered_requests_are_told_as_they_happen(platform):
    listener = tail(platform)
    refused = platform.post("/v1/issuing/cards", type="virtual")

    frame = listener.frame()
    listener.say(type="event_ack", event_id=frame["request_log_id"], webhook_conversation_id="", webhook_id="")
    platform.read("/_emulator/clock")
    platform.get("/v1/events", limit=1)
    listed = json.loads(listener.frame()["event_payload"])
    listener.close()

    logged = json.loads(frame["event_payload"])
    assert frame["type"] == "request_log_event"
    assert frame["request_log_id"] == "resp_" + refused.headers["Request-Id"].removeprefix("req_")
    assert logged["request_id"] == refused.headers["Request-Id"]
    assert (logged["method"], logged["status"], logged["url"]) == ("POST", 400, "/v1/issuing/cards")
    assert logged["error"]["message"] == refused.error["message"]
    assert set(logged["error"].values()) - {""} <= {str(value) for value in refused.error.values()}
    assert (listed["url"], listed["error"]) == ("/v1/events", {})


def test_what_is_answered_once_the_tail_is_ready_is_told_however_late_it_begins(platform, monkeypatch):
    tail_requests, has_happened = web_socket.CliSocket.tail_requests, Event()

    def late(self: web_socket.CliSocket, line: web_socket.Line) -> Waiting[None]:
        yield Work(partial(has_happened.wait, PATIENCE_SECONDS))
        yield from tail_requests(self, line)

    monkeypatch.setattr(web_socket.CliSocket, "tail_requests", late)
    platform.get("/v1/events/evt_before")
    listener = tail(platform)
    platform.get("/v1/events/evt_none")
    platform.app.emulator.tenants.request_log.flush()
    has_happened.set()

    logged = json.loads(listener.frame()["event_payload"])
    listener.close()

    assert logged["url"] == "/v1/events/evt_none"


def test_a_tail_goes_on_after_the_database_was_away(platform, monkeypatch):
    answered_since, fails = web_socket.CliSocket.answered_since, Event()

    def failing(self: web_socket.CliSocket, handle: str, last: int) -> list[LoggedRequest]:
        if not fails.is_set():
            fails.set()
            raise StorageFails("the database is away")
        return answered_since(self, handle, last)

    monkeypatch.setattr(web_socket.CliSocket, "answered_since", failing)
    listener = tail(platform)
    assert fails.wait(PATIENCE_SECONDS)
    platform.get("/v1/events/evt_none")

    logged = json.loads(listener.frame()["event_payload"])
    listener.close()

    assert logged["url"] == "/v1/events/evt_none"


def test_only_requests_that_fit_the_filters_are_told(platform):
    listener = tail(platform, filter_http_method=["POST"], filter_status_code_type=["4XX"])
    platform.get("/v1/events/evt_none")
    a_cardholder(platform)
    platform.post("/v1/issuing/cardholders/ich_none")

    logged = json.loads(listener.frame()["event_payload"])
    listener.close()

    assert logged["url"] == "/v1/issuing/cardholders/ich_none"


def test_requests_answered_while_the_tail_reconnects_are_told_afterwards(platform):
    listener = tail(platform)
    listener.close()
    platform.get("/v1/events/evt_meanwhile")

    listener.connect()
    logged = json.loads(listener.frame()["event_payload"])
    listener.close()

    assert logged["url"] == "/v1/events/evt_meanwhile"
