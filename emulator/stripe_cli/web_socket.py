"""The WebSocket of the Stripe CLI: events to `stripe listen`, answered requests to `stripe logs tail`.

A connection names its session by the `Websocket-Id` header; the session is in the tenant's database, so the CLI finds
its way back after a restart, and is told `Unknown WebSocket ID.` when it does not. Lines live in the server's loop;
whatever asks a world goes to the pool.

Of several processes that share a database one has the line: it carries what is delivered to the session, and holds a
lock by which the others see that the line is open. When the CLI comes back to another process, that one says so, and
the first lets go.

Source: https://github.com/stripe/stripe-cli (pkg/websocket)
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple

import orjson

from emulator.data.api_versions import DEFAULT
from emulator.developer import cli_sessions
from emulator.developer.cli_sessions import QUEUE_KEPT_SECONDS, Session
from emulator.kernel.answers import Answer
from emulator.kernel.conditions import Condition
from emulator.kernel.database.face import Lock, StorageFails, WorldGone
from emulator.kernel.deliveries import Subscriber
from emulator.kernel.records import replace
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.tenants import Attendant, Tenant, Tenants
from emulator.kernel.waiting import Alarm, Wait, Waiting, Work, awaited
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

LOOK_SECONDS, AGAIN_SECONDS = 1.0, 0.2
LONG_SECONDS = 60.0  # for which a tail waits for news; it is ended when its line closes
LATE_ANSWERS_KEPT_MS = 120_000
MOST_REMEMBERED = 2_000  # conversations whose answer may still come
Messages = Callable[[], Awaitable[dict[str, Any]]]
Sending = Callable[[dict[str, Any]], Awaitable[None]]


class Absence(NamedTuple):
    """A session of a world whose line, of that number, closed here, or is about to open, since real unix seconds."""

    handle: str
    since: float
    line: int


class CliSocket:
    """The WebSockets of every tenant, as an ASGI application."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.guard = threading.Lock()
        self.open_lines: dict[str, Line] = {}
        self.newest: dict[str, object] = {}  # what stands for the connection that was admitted last
        self.leaving: dict[str, Absence] = {}
        self.looked: dict[str, float] = {}  # when it was last seen which lines of a world have lost their process
        self.tailed = tenants.database.drawer("tails", MOST_REMEMBERED)
        self.bell = tenants.database.bell("lines")  # sessions that have come to another process, with their new lines
        self.parts_with: Callable[[str, str], None] = nobody_parts
        self.calls: OrderedDict[str, ListenerCall] = OrderedDict()
        self.unanswered: dict[str, list[ListenerCall]] = {}
        self.late_answers: deque[tuple[Tenant, ListenerCall, Answer]] = deque()
        self.keeping = threading.Lock()
        self.is_stopping = False
        self.thread: threading.Thread | None = None
        looks = self.note_earlier_lines
        tenants.attendants.append(Attendant(opened=looks, looks=looks, deleted=self.leave))

    # Among processes

    def start(self) -> None:
        """Hear which sessions go to other processes."""
        self.is_stopping = False
        self.thread = threading.Thread(target=self.attend, name="lines", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Hear no more."""
        self.is_stopping = True
        self.bell.ring_here("")
        if self.thread is not None:
            self.thread.join(timeout=10)
            self.thread = None

    def attend(self) -> None:
        """Let go of every session of which another process has the line now."""
        with self.bell.ear() as ear:
            while not self.is_stopping:
                for word in ear.listen(LONG_SECONDS):
                    id, _, number = word.partition(":")
                    if number:
                        self.let_another_have(id, int(number))

    def let_another_have(self, id: str, number: int) -> None:
        """A session has come to another process with a line of that number: an older one here closes, and what waited
        for it here is theirs. Nothing is asked of the database, which may be away.
        """
        handle = cli_sessions.handle_of(id)
        with self.guard:
            line, absence = self.open_lines.get(id), self.leaving.get(id)
            ours = max(line.session.line if line is not None else 0, absence.line if absence is not None else 0)
            if handle is None or ours >= number:
                return
            self.open_lines.pop(id, None)
            self.leaving.pop(id, None)
            self.newest.pop(id, None)
            calls = self.unanswered.pop(id, [])
        if line is not None:
            line.let_go()
            line.close("Another connection took over")
        self.parts_with(handle, id)
        for call in calls:  # who puts a question sees that another is to put it
            call.on_change()

    def is_here(self, id: str) -> bool:
        """Whether this process has the line of a session, or had it a moment ago."""
        with self.guard:
            return id in self.open_lines or id in self.leaving

    # Coming and going

    def note_earlier_lines(self, tenant: Tenant) -> None:
        """Lines whose process has ended count as gone since somebody has seen that."""
        now = time.monotonic()
        if now - self.looked.get(tenant.handle, -LOOK_SECONDS) < LOOK_SECONDS:
            return
        self.looked[tenant.handle] = now
        with tenant.reading(is_settled=True) as step:
            sessions = cli_sessions.listening(World(step, step.row.platform)) if step.row.subscribers else []
        for session in sessions:
            if not self.is_here(session.id):
                self.note_if_lost(tenant, session)

    def note_if_lost(self, tenant: Tenant, session: Session) -> None:
        """Of one that nobody here knows: whether another process has its line, or none has."""
        lock = self.lock_of(session.id)
        if lock.take():
            try:
                if self.note(tenant, session, cli_sessions.gone, int(time.time())):
                    with self.guard:
                        self.be_away(tenant, session)
            finally:
                lock.release()

    def lock_of(self, id: str) -> Lock:
        """What the process holds that has the line of a session."""
        return self.tenants.database.lock(f"line {id}")

    def leave(self, tenant: Tenant) -> None:
        """A world has been deleted: its lines close, and nothing waits for them."""
        with self.guard:
            lines = [line for line in self.open_lines.values() if line.tenant.handle == tenant.handle]
            self.leaving = {id: kept for id, kept in self.leaving.items() if kept.handle != tenant.handle}
        for line in lines:
            line.close("The world was deleted")

    def be_away(self, tenant: Tenant, session: Session) -> Absence:
        """A line closed: what happens is kept for it for a minute, by this process. For whoever has the guard."""
        absence = Absence(tenant.handle, time.time(), session.line)
        self.leaving.setdefault(session.id, absence)  # a newer line may be about to open
        return absence

    def note_gone(self, tenant: Tenant, session: Session) -> None:
        """Note that a line closed, unless a newer one of its session is open, here or elsewhere."""
        if self.note(tenant, session, cli_sessions.gone, int(time.time())):
            return
        with self.guard:
            absence = self.leaving.get(session.id)
            is_ours = absence is not None and absence.line <= session.line
            if is_ours:
                del self.leaving[session.id]
        if is_ours:
            self.parts_with(tenant.handle, session.id)

    def note(self, tenant: Tenant, session: Session, what: Callable[..., None], *details: Any) -> bool:
        """Something happened to a line of a session, in a step of its own. False, and nothing, where the session has a
        newer one meanwhile, or is no more.
        """
        with tenant.writing() as step:  # what fell due before is done as of then
            world = World(step, step.row.platform)
            stored = world.find(Session, session.id)
            is_of_it = stored is not None and stored.line == session.line
            if is_of_it:
                what(world, stored, *details)
        return is_of_it

    def sweep(self) -> None:
        """Forget the sessions that stayed away for longer than their queue is kept. Called at every tick."""
        with self.guard:
            away = list(self.leaving.items())
        for id, absence in away:
            with self.tenants.apart(absence.handle):
                self.look_after(id, absence)

    def look_after(self, id: str, absence: Absence) -> None:
        """See whether a session that is away from here has come to another process, which may not have been heard, or
        stays away for too long.
        """
        tenant = self.tenants.behind(absence.handle)
        session = self.session_in(tenant, id) if tenant is not None else None
        if tenant is not None and session is not None and session.line > absence.line:
            self.let_another_have(id, session.line)
        elif tenant is None or session is None or absence.since <= time.time() - QUEUE_KEPT_SECONDS:
            self.forget(tenant, session, id, absence)

    def session_in(self, tenant: Tenant, id: str) -> Session | None:
        """A session as it is kept, or None."""
        with tenant.reading(is_settled=True) as step:
            return World(step, step.row.platform).find(Session, id)

    def forget(self, tenant: Tenant | None, session: Session | None, id: str, absence: Absence) -> None:
        """A session has gone for good: what waits for it is dropped, or left to whoever has a newer line of it."""
        is_gone = True
        if tenant is not None and session is not None:
            is_gone = self.note(tenant, session, cli_sessions.forgotten)
        if is_gone:
            self.tailed.take(id)
        with self.guard:
            is_ours = self.leaving.get(id) is absence
            calls = self.unanswered.pop(id, []) if is_ours else []
            if is_ours:
                del self.leaving[id]
                self.newest.pop(id, None)
        if is_ours and not is_gone:
            self.parts_with(absence.handle, id)
        for call in calls if is_gone else ():
            call.end(call.failed("The listener went away."))

    # One connection

    async def serve(self, pool: Executor, scope: Mapping[str, Any], receive: Messages, send: Sending) -> None:
        """Hold one line until it closes: one task sends, this one listens."""
        in_pool = partial(asyncio.get_running_loop().run_in_executor, pool)
        await receive()
        id = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"websocket-id"), "")
        found = await in_pool(self.admit, id, scope)
        if found is None:
            await refuse(send)
            return
        offered = scope["subprotocols"]
        line = Line(*found)
        try:
            await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
        except BaseException:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                in_pool(self.never_opened, line)
            raise
        tasks = [asyncio.create_task(line.carry(send))]
        is_newest = self.take_over(line, scope)
        tasks.append(asyncio.create_task(awaited(self.hold(line), pool)))
        if not is_newest:
            line.close("Another connection took over")
        elif line.session.feature == "webhooks":
            self.tell_what_waited(line)
        elif line.session.feature == "request_logs":
            tasks.append(asyncio.create_task(awaited(self.tail_requests(line), pool)))
        reason = None
        try:
            while (message := await receive())["type"] != "websocket.disconnect":
                text = message.get("text") or message.get("bytes") or b""
                await in_pool(self.listen, line, text)
            reason = message.get("reason")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await in_pool(self.let_go, line, scope, reason)

    def admit(self, id: str, connection: object) -> tuple[Tenant, Session, Lock] | None:
        """Note that a session connects; None for an id that no tenant knows.

        The lock is ours already, unless another line of the session is still open.
        """
        found = self.session_of(id)
        if found is None:
            return None
        # Before the CLI says that it is ready: what happens from now on waits for the line to be open.
        tenant, session = found
        coming = Absence(tenant.handle, time.time(), session.line + 1)
        with self.guard:
            self.newest[session.id] = connection
            self.leaving[session.id] = coming
        lock, connected = self.lock_of(session.id), None
        try:
            lock.take()
            if session.feature == "request_logs":
                self.begin_tail(tenant, session)
            connected = self.note_connected(tenant, session.id)
        finally:
            with self.guard:
                if self.leaving.get(session.id) is coming and connected is not None:
                    self.leaving[session.id] = coming._replace(line=connected.line)
                elif self.leaving.get(session.id) is coming:
                    del self.leaving[session.id]
            if connected is None:
                lock.release()
        if connected is None:
            return None
        self.bell.ring_elsewhere(f"{session.id}:{connected.line}")
        return tenant, connected, lock

    def never_opened(self, line: Line) -> None:
        """The one who was admitted went before the line was open."""
        line.let_go()
        with self.tenants.apart(line.tenant.handle):
            self.note_gone(line.tenant, line.session)

    def note_connected(self, tenant: Tenant, id: str) -> Session | None:
        """A session with the line that it has from now on; None where the tenant has it no more."""
        with tenant.writing() as step:  # what fell due before is done as of then
            world = World(step, step.row.platform)
            session = world.find(Session, id)
            return None if session is None else cli_sessions.connected(world, session)

    def session_of(self, id: str) -> tuple[Tenant, Session] | None:
        """The tenant and session that a handshake names, or None."""
        tenant = cli_sessions.tenant_of(self.tenants, id)
        if tenant is None:
            return None
        session = None
        with self.tenants.apart(tenant.handle):
            session = self.session_in(tenant, id)
        return None if session is None else (tenant, session)

    def take_over(self, line: Line, connection: object) -> bool:
        """This is the line of its session now; an older one ends. False when a newer one was admitted meanwhile."""
        with self.guard:
            if self.newest.get(line.session.id) is not connection:
                return False
            older = self.open_lines.get(line.session.id)
            self.open_lines[line.session.id] = line
            self.leaving.pop(line.session.id, None)
        if older is not None:
            older.close("Another connection took over")
        return True

    def hold(self, line: Line) -> Waiting[None]:
        """Have others see that this process has the line: once the one that had it before has let go, and after we were
        cut off from the database; and see that they do.
        """
        while self.open_lines.get(line.session.id) is line:
            yield Work(partial(self.look_at, line))
            yield Wait(Alarm(), LOOK_SECONDS if line.lock.is_held else AGAIN_SECONDS)

    def look_at(self, line: Line) -> None:
        """See that a line is known to be open. Whoever met it without its lock took it for gone; a world that takes the
        place of its own may know it as it was.
        """
        id, tenant = line.session.id, line.tenant
        with self.tenants.apart(tenant.handle):
            if not line.lock.is_held:
                line.hold()
            try:
                stored = self.session_in(tenant, id)
            except WorldGone:
                stored = None
            if stored is None:
                line.close("The world was deleted")  # the CLI comes again, and is told to begin anew
            elif stored.line > line.session.line:
                self.let_another_have(id, stored.line)
            elif stored.line < line.session.line or not stored.is_connected:
                self.affirm(line)

    def affirm(self, line: Line) -> None:
        """Say once more that a line is open, as the newest of its session."""
        ours, session = line.session, None
        with line.tenant.writing() as step:
            world = World(step, step.row.platform)
            stored = world.find(Session, ours.id)
            if stored is not None and stored.line <= ours.line and self.open_lines.get(ours.id) is line:
                session = cli_sessions.connected(world, replace(stored, line=ours.line))
        if session is None:
            return
        with self.guard:
            is_open = self.open_lines.get(ours.id) is line
            line.session = session
            if not is_open:
                self.be_away(line.tenant, session)
        if is_open:
            self.bell.ring_elsewhere(f"{session.id}:{session.line}")
        else:
            self.note_gone(line.tenant, session)

    def let_go(self, line: Line, connection: object, reason: str | None) -> None:
        """Note that a line has closed, unless a newer one of its session is open, here or elsewhere."""
        line.let_go()
        id = line.session.id
        with self.guard:
            if self.open_lines.get(id) is not line:
                return
            del self.open_lines[id]
            session = line.session
            absence = self.be_away(line.tenant, session)  # at the same moment: another may have it now and say so
            if self.newest.get(id) is connection:
                del self.newest[id]
            for call in self.unanswered.get(id, []):
                call.interrupted()
        with self.tenants.apart(line.tenant.handle):
            if reason == GOODBYE:
                self.forget(line.tenant, session, id, absence)
            else:
                self.note_gone(line.tenant, session)

    def listen(self, line: Line, text: str | bytes) -> None:
        """Hear one frame of the CLI."""
        with contextlib.suppress(ValueError):
            frame = orjson.loads(text)
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
        if line is not None:  # what does not leave any more is sent again when the CLI is back
            self.tell(line, call)

    def tell(self, line: Line, call: ListenerCall) -> None:
        """Send both copies of an event: the CLI picks one by its `--latest` and acknowledges both."""
        with self.guard:
            if call.line is line or call.answer is not None:
                return
            call.line = line
        usual, newest = call.conversations
        line.send(
            webhook_event(line.session, call.letter, usual, None),
            webhook_event(line.session, call.letter.newest or call.letter, newest, DEFAULT),
            then=call.sent,
        )

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
        if self.tailed.get(session.id) is None:
            self.tailed.put(session.id, b"%d" % requests.newest(tenant.handle))

    def tail_requests(self, line: Line) -> Waiting[None]:
        """Send the requests that the API has answered since the line was admitted, or was last open."""
        id, handle = line.session.id, line.tenant.handle
        last: int | None = None
        with self.tenants.request_log.news.ear(handle) as ear:
            while True:
                found: list[LoggedRequest] = []
                seconds = LONG_SECONDS
                try:
                    if last is None:
                        last = int((yield Work(partial(self.tailed.get, id))) or 0)
                    found = yield Work(partial(self.answered_since, handle, last))
                except StorageFails:  # it is told when the database is there again
                    seconds = LOOK_SECONDS
                for request in found:
                    if is_wanted(request, line.session.log_filters):
                        line.send(request_log_event(request))
                    last = request.sequence
                if found:
                    with contextlib.suppress(StorageFails):
                        yield Work(partial(self.tailed.put, id, b"%d" % last))
                else:
                    yield Wait(ear.alarm, seconds)

    def answered_since(self, handle: str, last: int) -> list[LoggedRequest]:
        """What was written to the log of a world after one request, oldest first."""
        return self.tenants.request_log.select(
            handle, [Condition("sequence", "gt", last)], limit=500, oldest_first=True, as_written=True
        )


def nobody_parts(handle: str, id: str) -> None:
    """Nobody carries anything to lines here."""


async def refuse(send: Sending) -> None:
    """Refuse in the words that make the CLI start anew."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": 400, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": orjson.dumps(UNKNOWN_ID)})
