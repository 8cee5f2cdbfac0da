"""The WebSocket of the Stripe CLI: events to `stripe listen`, answered requests to `stripe logs tail`.

It has a port and threads of its own, since WSGI cannot upgrade a connection. A connection names its session by the
`Websocket-Id` header; the session is in the tenant's database, so the CLI finds its way back after a restart, and is
told `Unknown WebSocket ID.` when it does not.

Source: https://github.com/stripe/stripe-cli (pkg/websocket)
"""

from __future__ import annotations

import contextlib
import http
import logging
import socket
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import orjson
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from emulator.data.api_versions import DEFAULT
from emulator.developer import cli_sessions
from emulator.developer.cli_sessions import QUEUE_KEPT_SECONDS, Session
from emulator.kernel.answers import Answer
from emulator.kernel.conditions import Condition
from emulator.kernel.deliveries import Subscriber
from emulator.kernel.tenants import Attendant, Tenant, Tenants
from emulator.kernel.webhooks.call import Call
from emulator.kernel.webhooks.letter import Letter
from emulator.kernel.world import World
from emulator.stripe_cli.calls import ListenerCall
from emulator.stripe_cli.frames import (
    GOODBYE,
    UNKNOWN_ID,
    forwarded_answer,
    is_wanted,
    request_log_event,
    webhook_event,
)
from emulator.stripe_cli.lines import Line

POLL_SECONDS = 0.25  # how often to look whether a line is still open
LONGEST_FRAME = 8 * 1024 * 1024
LATE_ANSWERS_KEPT_MS = 120_000
MOST_REMEMBERED = 2_000  # conversations whose answer may still come
log = logging.getLogger("emulator")
# Port scanners and cut lines are no errors of ours.
quiet = logging.getLogger("emulator.websocket")
quiet.setLevel(logging.CRITICAL)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that accepts connections from now on, even before anybody serves them. OSError when it cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
    except BaseException:
        listener.close()
        raise
    return listener


class CliSocket:
    """Serves the WebSockets of every tenant on one listening socket."""

    def __init__(self, tenants: Tenants, listener: socket.socket) -> None:
        self.tenants = tenants
        self.listener = listener
        self.server: Server | None = None
        self.thread: threading.Thread | None = None
        self.guard = threading.Lock()
        self.open_lines: dict[str, Line] = {}
        self.newest: dict[str, ServerConnection] = {}
        self.leaving: dict[str, tuple[str, float]] = {}
        self.known: set[str] = set()  # handles of worlds whose earlier lines have been looked for
        self.tailed: dict[str, int] = {}
        self.calls: OrderedDict[str, ListenerCall] = OrderedDict()
        self.unanswered: dict[str, list[ListenerCall]] = {}
        self.late_answers: deque[tuple[Tenant, ListenerCall, Answer]] = deque()
        self.keeping = threading.Lock()
        tenants.attendants.append(Attendant(opened=self.note_earlier_lines, deleted=self.leave))

    # Starting and stopping

    def start(self) -> None:
        """Serve in a thread."""
        self.server = serve(
            self.talk,
            sock=self.listener.dup(),
            process_request=self.admit,
            compression=None,
            max_size=LONGEST_FRAME,
            close_timeout=2,
            logger=quiet,
        )
        self.thread = threading.Thread(target=self.server.serve_forever, name="websocket", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Close every connection; the CLI dials again by itself."""
        if self.server is not None and self.thread is not None:
            self.server.shutdown()
            self.thread.join(timeout=5)
            self.server = None

    def note_earlier_lines(self, tenant: Tenant) -> None:
        """Lines that were open when an earlier server ended count as gone since their world is opened again."""
        if tenant.handle in self.known:
            return
        self.known.add(tenant.handle)
        with tenant.reading() as step:
            sessions = cli_sessions.listening(World(step, step.row.platform))
        for session in sessions:
            self.note_gone(tenant, session)

    def leave(self, tenant: Tenant) -> None:
        """A world has been deleted: its lines close, and nothing waits for them."""
        with self.guard:
            lines = [line for line in self.open_lines.values() if line.tenant.handle == tenant.handle]
            self.leaving = {id: kept for id, kept in self.leaving.items() if kept[0] != tenant.handle}
        for line in lines:
            line.connection.close(1000, "The world was deleted")

    def note_gone(self, tenant: Tenant, session: Session) -> None:
        """A line closed: what happens is kept for it for a minute."""
        now = time.time()
        self.note(tenant, session.id, cli_sessions.gone, int(now))
        with self.guard:
            self.leaving[session.id] = (tenant.handle, now)

    def note(self, tenant: Tenant, id: str, what: Callable[..., None], *details: Any) -> None:
        """Something happened to a session, in a step of its own; nothing where the tenant has it no more."""
        with tenant.writing() as step:
            world = World(step, step.row.platform)
            session = world.find(Session, id)
            if session is not None:
                what(world, session, *details)

    def sweep(self) -> None:
        """Forget the sessions that stayed away for longer than their queue is kept. Called at every tick."""
        late = time.time() - QUEUE_KEPT_SECONDS
        with self.guard:
            late_ones = {id: handle for id, (handle, left_at) in self.leaving.items() if left_at <= late}
            for id in late_ones:
                del self.leaving[id]
                self.newest.pop(id, None)
                self.tailed.pop(id, None)
        for id, handle in late_ones.items():
            with self.tenants.apart(handle):
                tenant = self.tenants.behind(handle)
                if tenant is not None:
                    self.forget(tenant, id)

    def forget(self, tenant: Tenant, id: str) -> None:
        """A session has gone for good: what waits for it is dropped."""
        self.note(tenant, id, cli_sessions.forgotten)
        with self.guard:
            calls = [] if id in self.open_lines else self.unanswered.pop(id, [])
            if id not in self.open_lines:
                self.tailed.pop(id, None)
        for call in calls:
            call.end(call.failed("The listener went away."))

    # One connection

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Note that a session connects. An id no tenant knows is refused in the words that make the CLI start anew."""
        found = self.session_of(request)
        if found is not None:
            # Before the CLI says that it is ready: what happens from now on waits for the line to be open.
            tenant, session = found
            with self.guard:
                self.newest[session.id] = connection
                self.leaving[session.id] = (tenant.handle, time.time())
            if session.feature == "request_logs":
                self.begin_tail(tenant, session)
            self.note(tenant, session.id, cli_sessions.connected)
            return None
        refusal = connection.respond(http.HTTPStatus.BAD_REQUEST, orjson.dumps(UNKNOWN_ID).decode())
        del refusal.headers["Content-Type"]
        refusal.headers["Content-Type"] = "application/json"
        return refusal

    def session_of(self, request: Request) -> tuple[Tenant, Session] | None:
        """The tenant and session that a handshake names, or None."""
        id = request.headers.get("Websocket-Id", "")
        tenant = cli_sessions.tenant_of(self.tenants, id)
        if tenant is None:
            return None
        session = None
        with self.tenants.apart(tenant.handle), tenant.reading() as step:
            session = World(step, step.row.platform).find(Session, id)
        return None if session is None else (tenant, session)

    def talk(self, connection: ServerConnection) -> None:
        """Hold one line until it closes: one thread sends, this one listens."""
        assert connection.request is not None
        found = self.session_of(connection.request)
        if found is None:
            return
        tenant, session = found
        line = Line(connection, tenant, session)
        if not self.take_over(line):
            connection.close(1000, "Another connection took over")
            return
        speak = {"webhooks": self.tell_what_waited, "request_logs": self.tail_requests}.get(session.feature)
        speaker = threading.Thread(target=self.until_closed, args=(speak, line), name="websocket sender", daemon=True)
        if speak is not None:
            speaker.start()
        try:
            self.until_closed(self.listen, line)
        finally:
            self.let_go(line)

    def until_closed(self, action: Callable[[Line], None], line: Line) -> None:
        """Do something with a line until it closes, from either end."""
        try:
            action(line)
        except ConnectionClosed:
            return
        except Exception:
            log.exception("the WebSocket of a %s session failed", line.session.feature)
            line.connection.close(1011)

    def take_over(self, line: Line) -> bool:
        """This is the line of its session now; an older one ends. False when a newer one was admitted meanwhile."""
        with self.guard:
            if self.newest.get(line.session.id) is not line.connection:
                return False
            older = self.open_lines.get(line.session.id)
            self.open_lines[line.session.id] = line
            self.leaving.pop(line.session.id, None)
        if older is not None:
            older.connection.close(1000, "Another connection took over")
        return True

    def let_go(self, line: Line) -> None:
        """Note that a line has closed, unless a newer one of its session is open."""
        with self.guard:
            if self.open_lines.get(line.session.id) is not line:
                return
            del self.open_lines[line.session.id]
            if self.newest.get(line.session.id) is line.connection:
                del self.newest[line.session.id]
            for call in self.unanswered.get(line.session.id, []):
                call.interrupted()
        with self.tenants.apart(line.tenant.handle):
            if line.connection.close_reason == GOODBYE:
                self.forget(line.tenant, line.session.id)
            else:
                self.note_gone(line.tenant, line.session)

    def listen(self, line: Line) -> None:
        """Hear the CLI out, frame by frame."""
        for message in line.connection:
            try:
                frame = orjson.loads(message)
            except ValueError:
                continue
            if isinstance(frame, dict):
                self.hear(line, frame)

    # Events

    def deliver(self, to: Subscriber, letter: Letter, timeout_ms: int, on_change: Callable[[], None]) -> Call:
        """The postman's transport for listeners: over an open line."""
        call = ListenerCall(to.id, letter, timeout_ms, on_change)
        self.post(call)
        return call

    def post(self, call: ListenerCall) -> None:
        """Send an event over its session's line, or have it wait until the session comes back."""
        with self.guard:
            for id in call.conversations:
                self.calls[id] = call
            while len(self.calls) > MOST_REMEMBERED:
                self.calls.popitem(last=False)
            line = self.open_lines.get(call.session_id)
            waiting = self.unanswered.get(call.session_id, [])
            self.unanswered[call.session_id] = [*(one for one in waiting if one.answer is None), call]
        if line is not None:
            with contextlib.suppress(ConnectionClosed):  # it is sent again when the CLI is back
                self.tell(line, call)

    def tell(self, line: Line, call: ListenerCall) -> None:
        """Send both copies of an event: the CLI picks one by its `--latest` and acknowledges both."""
        with self.guard:
            if call.line is line or call.answer is not None:
                return
            call.line = line
        with line.in_turn:
            usual, newest = call.conversations
            line.send(webhook_event(line.session, call.letter, usual, None))
            line.send(webhook_event(line.session, call.letter.newest or call.letter, newest, DEFAULT))
        call.sent()

    def tell_what_waited(self, line: Line) -> None:
        """Send what was not acknowledged over an earlier line of this session, in order."""
        with self.guard:
            waiting = list(self.unanswered.get(line.session.id, []))
        for call in waiting:
            self.tell(line, call)

    def hear(self, line: Line, frame: dict[str, Any]) -> None:
        """An acknowledgement, or what the user's server answered to a forwarded event."""
        with self.guard:
            call = self.calls.get(str(frame.get("webhook_conversation_id")))
        if call is None or call.session_id != line.session.id:
            return
        if frame.get("type") == "event_ack" and not call.is_question:
            call.end(Answer(200, {}, b"event_ack", None, False, call.elapsed_ms))
        elif frame.get("type") == "webhook_response":
            answer = forwarded_answer(frame, call.elapsed_ms)
            if call.is_question:
                call.end(answer)
            else:
                self.late_answers.append((line.tenant, call, answer))
                self.keep_late_answers()

    def keep_late_answers(self) -> None:
        """Put what users' servers answered into the attempts, as soon as these are recorded. Called at every tick."""
        with self.keeping:
            for _ in range(len(self.late_answers)):
                tenant, call, answer = self.late_answers.popleft()
                is_kept = False
                with self.tenants.apart(tenant.handle):
                    with tenant.writing(is_settled=True) as step:
                        is_kept = step.deliveries.amend(call.session_id, call.event_id, call.began_at_ms, answer)
                    if is_kept:
                        tenant.announce(may_be_due=False)
                if not is_kept and call.elapsed_ms < LATE_ANSWERS_KEPT_MS:
                    self.late_answers.append((tenant, call, answer))

    # Requests

    def begin_tail(self, tenant: Tenant, session: Session) -> None:
        """Note which request was answered last, unless the line was open before: what comes after it will be told."""
        requests = self.tenants.request_log
        requests.flush()
        self.tailed.setdefault(session.id, requests.newest(tenant.handle))

    def tail_requests(self, line: Line) -> None:
        """Send the requests that the API has answered since the line was admitted, or was last open."""
        requests, handle = self.tenants.request_log, line.tenant.handle
        batches = requests.batches
        last = self.tailed[line.session.id]
        while line.is_open:
            for request in requests.select(handle, [Condition("sequence", "gt", last)], limit=500, oldest_first=True):
                if is_wanted(request, line.session.log_filters):
                    line.send(request_log_event(request))
                last = request.sequence
            self.tailed[line.session.id] = last
            batches = requests.wait(batches, POLL_SECONDS)
