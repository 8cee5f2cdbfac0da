"""Carrying deliveries to those who subscribed: after the commit, in the order of events, never in anyone's way.

    commit ─▶ the bell rings ─▶ a lane per subscriber ─▶ its attempts, kept in batches

A *lane* is a thread that exists while something is due for one subscriber. The lane of first attempts sends one event
after the other: the next leaves when the one before was answered, or was sent and has kept us waiting for a second.
The other lane (retries, resends, what was delayed) sends in any order. A receiver that hangs delays itself alone.

Of all the processes that serve a database one has a lane, by a lock: whichever was the first to see that something is
due, among those that reach the subscriber. The others tell it of what is added, and one of them goes on when it dies.

What a server that was killed had not recorded is sent again, in order; what failed without an answer is recorded before
the next is sent, so that nothing comes behind what is newer.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from emulator.kernel import off_limits
from emulator.kernel.answers import Answer
from emulator.kernel.database.face import Lock, StorageFails
from emulator.kernel.deliveries import IN_ORDER, Parcel, Sent, Subscriber
from emulator.kernel.tenants import Tenant, Tenants
from emulator.kernel.tenants.linked_calls import Flight
from emulator.kernel.webhooks.call import Call, Client
from emulator.kernel.webhooks.letter import Letter
from emulator.kernel.webhooks.letter import letter as letter_to

PATIENCE_SECONDS = 1.0
MOST_IN_FLIGHT = 8
BATCH = 20
GATHER_SECONDS = 0.05
MOST_SECONDS_ASLEEP = 0.5
OTHERS, ASKS = "~", "?"
WORD = re.compile("([~?]?)([0-9a-f]*):?(.*)")
DROPPED = Answer(None, {}, b"", "Dropped by the clinic.", False, 0)
log = logging.getLogger("emulator")

Transport = Callable[[Subscriber, Letter, int, Callable[[], None]], Call]


class Postman:
    """Carries the deliveries of every world in a database."""

    def __init__(self, tenants: Tenants) -> None:
        self.tenants = tenants
        self.client = Client()
        self.transports: dict[str, Transport] = {"endpoint": self.by_http}
        self.guard = threading.Lock()
        # Handles of worlds for which something may be due, said here; with OTHERS before, by another process that does
        # not have the lane; with ASKS before, and an event behind, somebody is to be asked whom only one of us reaches.
        self.bell = tenants.database.bell("deliveries")
        self.reaches: dict[str, Callable[[str], bool]] = {}  # kinds of subscribers that not every process reaches
        self.asks: Callable[[Tenant, str], None] = nobody_asks
        self.lanes: dict[tuple[str, str, int], Lane] = {}
        self.is_stopping = False
        self.thread: threading.Thread | None = None

    def by_http(self, to: Subscriber, letter: Letter, timeout_ms: int, on_change: Callable[[], None]) -> Call:
        """A POST to the subscriber's address."""
        return Call(self.client, letter, timeout_ms, on_change).start()

    # On duty

    def start(self) -> None:
        """Carry everything that falls due from now on."""
        self.is_stopping = False
        self.thread = threading.Thread(target=self.attend, name="postman", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop, recording what has been answered; what is in the air will be sent again."""
        self.is_stopping = True
        with self.guard:
            lanes = list(self.lanes.values())
        for lane in lanes:
            lane.ring()
        self.bell.ring_here("")
        for thread in [*(lane.thread for lane in lanes), self.thread]:
            if thread is not None and thread is not threading.current_thread():
                thread.join(timeout=10)
        self.thread = None
        self.client.close()
        self.is_stopping = False

    def attend(self) -> None:
        """Visit those for whom the bell rings, until told to stop; what else falls due is seen at each tick."""
        with self.bell.ear() as ear:
            while not self.is_stopping:
                for word in ear.listen(MOST_SECONDS_ASLEEP):
                    who, handle, event = WORD.fullmatch(word).groups()  # type: ignore[union-attr]
                    with self.tenants.apart(handle):
                        tenant = self.tenants.behind(handle)
                        if tenant is not None and who == ASKS:
                            self.asks(tenant, event)
                        elif tenant is not None:
                            self.visit(tenant, tells=who != OTHERS)

    def visit_safely(self, tenant: Tenant) -> None:
        """Visit a tenant; what goes wrong there stays there. At each tick too, since the clock moves."""
        with self.tenants.apart(tenant.handle):
            self.visit(tenant)

    def wake(self, tenant: Tenant) -> None:
        """Something may be due for a tenant: have it visited, if the postman is on duty."""
        self.bell.ring_here(tenant.handle)

    def reaches_here(self, kind: str, id: str) -> bool:
        """Whether this process is one that reaches a subscriber."""
        reaches = self.reaches.get(kind)
        return reaches is None or reaches(id)

    def part_with(self, handle: str, subscriber: str) -> None:
        """Another process reaches a subscriber from now on: what is on its way from here is left to that one."""
        with self.guard:
            lanes = [lane for place, lane in self.lanes.items() if place[:2] == (handle, subscriber)]
        for lane in lanes:
            lane.is_over = True
            lane.ring()

    def leave(self, tenant: Tenant) -> None:
        """A world has been deleted: what is in the air for it is given up."""
        with self.guard:
            lanes = [lane for (handle, _, _), lane in self.lanes.items() if handle == tenant.handle]
        for lane in lanes:
            lane.is_over = True
            lane.ring()

    # Lanes

    def visit(self, tenant: Tenant, *, tells: bool = False) -> None:
        """Have everything carried that is due for a tenant; what others have the lanes of, by them if `tells`."""
        with tenant.session() as session:
            step = tenant.step_for(session)
            due = step.deliveries.due_lanes(step.now)
            enabled = {one.id: one.kind for one in step.deliveries.subscribers() if one.enabled} if due else {}
        is_others = False
        if any(subscriber not in enabled for subscriber, _ in due):
            with tenant.writing(is_settled=True) as step:
                step.deliveries.drop_disabled(step.now)
        with self.guard:
            if self.is_stopping or tenant.is_deleted:  # it may have been since we looked
                return
            for subscriber, number in due:
                if subscriber not in enabled:
                    continue
                place = (tenant.handle, subscriber, number)
                lock = self.tenants.database.lock(f"lane {' '.join(map(str, place))}")
                if place in self.lanes:
                    self.lanes[place].ring(has_news=True)
                elif self.reaches_here(enabled[subscriber], subscriber) and lock.take():
                    try:
                        self.lanes[place] = Lane(self, tenant, subscriber, number, lock)
                    except BaseException:  # no more threads, say
                        lock.release()
                        raise
                else:
                    is_others = True
        if is_others and tells:
            self.bell.ring_elsewhere(f"{OTHERS}{tenant.handle}")

    def has_ended(self, lane: Lane) -> bool:
        """Whether a lane that found nothing more may end: not if something became due at that moment."""
        with self.guard:
            if lane.has_news and not self.is_stopping:
                return False
            self.close(lane)
        return True

    def end(self, lane: Lane) -> None:
        """A lane ends, whatever is left for it: with that another begins, here or elsewhere."""
        with self.guard:
            self.close(lane)
        self.bell.ring(f"{OTHERS}{lane.tenant.handle}")

    def close(self, lane: Lane) -> None:
        """Nobody has a lane any more. For whoever has the guard."""
        if self.lanes.pop(lane.place, None) is not None:
            lane.lock.release()

    def record(self, lane: Lane, sent: list[Sent]) -> None:
        """Keep attempts that have ended. A tenant that was reset meanwhile knows nothing of them."""
        next_due = None
        sent = linked(lane.tenant, sent)
        with lane.tenant.writing(is_settled=True) as step:
            if step.row.generation == lane.generation:
                retries = bool(step.setting("webhook_retries"))
                next_due = step.deliveries.record(lane.subscriber, sent, step.now, retries=retries)
        lane.tenant.announce(may_be_due=False)
        if next_due is not None and next_due <= step.now:  # the clock has passed the next attempt's time already
            self.visit_safely(lane.tenant)


def linked(tenant: Tenant, sent: Sequence[Sent]) -> list[Sent]:
    """Attempts that have ended, with the API calls besides that other processes answered meanwhile.

    While nobody can tell, without them.
    """
    spans = [(one.began_ms, one.ended_ms) for one in sent]
    with contextlib.suppress(StorageFails):
        elsewhere = tenant.tenants.request_log.elsewhere(tenant.handle, spans)
        return [one._replace(calls=[*one.calls, *more]) for one, more in zip(sent, elsewhere, strict=True)]
    return list(sent)


def nobody_asks(tenant: Tenant, event: str) -> None:
    """Nobody here puts questions."""


class Lane:
    """The thread that sends what is due for one subscriber, first attempts in order or the rest in any."""

    def __init__(self, postman: Postman, tenant: Tenant, subscriber: str, number: int, lock: Lock) -> None:
        self.postman = postman
        self.tenant = tenant
        self.lock = lock
        self.is_over = False
        self.place = (tenant.handle, subscriber, number)
        self.subscriber_id = subscriber
        self.number = number
        self.bell = threading.Condition()
        self.rings = 0
        self.has_news = True
        self.generation = 0
        self.timeout_ms = 0
        self.may_go_anywhere = False
        self.now = 0
        self.subscriber: Subscriber = None  # type: ignore[assignment]
        self.parcels: deque[Parcel] = deque()
        self.flying: list[tuple[Parcel, Flight[Call], int, str]] = []  # with when each began and its signature
        self.ended: list[Sent] = []
        self.oldest_ended = 0.0
        self.thread = threading.Thread(target=self.run, name="lane", daemon=True)
        self.thread.start()

    def ring(self, *, has_news: bool = False) -> None:
        """Something has changed."""
        with self.bell:
            self.rings += 1
            self.has_news = self.has_news or has_news
            self.bell.notify()

    def run(self) -> None:
        """Send until nothing is due. While attempts cannot be recorded no other leaves, or all would come again."""
        with self.tenant.tenants.apart(self.tenant.handle):
            while not (self.is_over or self.postman.is_stopping):
                heard = self.rings
                try:
                    if self.has_done_all(heard):
                        return
                except StorageFails:
                    with self.bell:
                        self.has_news = True
                        self.bell.wait(MOST_SECONDS_ASLEEP)
            self.land()
            if self.ended:
                self.postman.record(self, self.ended)
        self.let_go()
        self.postman.end(self)

    def has_done_all(self, heard: int) -> bool:
        """Do the next thing, or wait for one; whether nothing is left and the lane has ended."""
        if not self.lock.is_held and not self.lock.take():  # we were cut off for a while, and another has gone on
            self.is_over = True
            return False
        self.land()
        if self.has_news and not self.parcels:
            self.fetch()
        if self.parcels and self.may_send():
            self.send(self.parcels.popleft())
        elif not self.parcels and not self.flying and not self.ended:
            return not self.has_news and self.postman.has_ended(self)
        else:
            with self.bell:
                if self.rings == heard:
                    self.bell.wait(self.seconds_to_wait())
        return False

    def fetch(self) -> None:
        """Look up what is due. Everything that is not recorded yet still looks due, so it is left out."""
        with self.bell:
            self.has_news = False
        with self.tenant.session() as session:
            step = self.tenant.step_for(session)
            if step.row.generation != self.generation:
                self.let_go()
            in_hand = {parcel.sequence for parcel, *_ in self.flying} | {one.parcel.sequence for one in self.ended}
            subscriber = step.deliveries.subscriber(self.subscriber_id)
            self.now, self.generation = step.now, step.row.generation
            self.timeout_ms = step.setting("webhook_timeout_ms")
            self.may_go_anywhere = step.setting(off_limits.SETTING)
            if subscriber is None or not subscriber.enabled:
                return
            self.subscriber = subscriber
            found = step.deliveries.due(self.subscriber_id, self.number, self.now, BATCH + len(in_hand))
        fresh = [parcel for parcel in found if parcel.sequence not in in_hand]
        self.parcels.extend(fresh)
        if len(fresh) >= BATCH:
            self.ring(has_news=True)

    def let_go(self) -> None:
        """What is under way belongs to a world that was reset: the new one has other deliveries of the same numbers."""
        for _, flight, *_ in self.flying:
            flight.call.give_up()
            self.tenant.handled(flight)
        self.flying, self.ended = [], []

    def may_send(self) -> bool:
        """Whether the next one may leave."""
        if len(self.flying) >= MOST_IN_FLIGHT:
            return False
        if self.number != IN_ORDER or not self.flying:
            return True
        last = self.flying[-1][1].call
        return last.answer is not None or (last.was_sent and last.elapsed_ms >= PATIENCE_SECONDS * 1000)

    def send(self, parcel: Parcel) -> None:
        """Send one, unless the clinic lets it vanish."""
        began_ms = time.time_ns() // 1_000_000
        if parcel.troubles.get("drop") and not parcel.attempts:
            self.end(Sent(parcel, DROPPED, began_ms, began_ms, []))
            return
        transport = self.postman.transports.get(self.subscriber.kind)
        if transport is None:
            unknown = Answer(None, {}, b"", f"Nothing here delivers to a {self.subscriber.kind}.", False, 0)
            self.end(Sent(parcel, unknown, began_ms, began_ms, []))
            return
        letter = letter_to(self.subscriber, parcel, self.now)._replace(may_go_anywhere=self.may_go_anywhere)
        flight = self.tenant.begin_call(partial(transport, self.subscriber, letter, self.timeout_ms, self.ring))
        self.flying.append((parcel, flight, began_ms, letter.headers["Stripe-Signature"]))

    def land(self) -> None:
        """Take in what has ended, and record it when there is a batch or nothing better to do."""
        for entry in list(self.flying):
            parcel, flight, began_ms, signature = entry
            if flight.call.is_overdue:
                flight.call.give_up()
            if flight.call.answer is not None:
                self.flying.remove(entry)
                self.tenant.handled(flight)
                self.end(Sent(parcel, flight.call.answer, began_ms, flight.ended_ms, flight.calls, signature))
        idle = not self.parcels and not self.has_news and not self.flying
        old = self.ended and time.monotonic() - self.oldest_ended >= GATHER_SECONDS
        # What may never have arrived is recorded before the next leaves. Otherwise it would come again as a first
        # attempt after a crash, behind events that are newer.
        unheard = self.number == IN_ORDER and any(one.answer.status is None for one in self.ended)
        if self.ended and (idle or old or unheard or len(self.ended) >= BATCH):
            ended, self.ended = self.ended, []
            try:
                self.postman.record(self, ended)
            except StorageFails:
                self.ended = ended
                raise

    def end(self, sent: Sent) -> None:
        """One attempt to be recorded."""
        if not self.ended:
            self.oldest_ended = time.monotonic()
        self.ended.append(sent)

    def seconds_to_wait(self) -> float:
        """Until the next thing that happens without a ring: a deadline, the end of patience, a batch to record."""
        times = [MOST_SECONDS_ASLEEP]
        for _, flight, *_ in self.flying:
            times.append(flight.call.timeout_ms / 1000 - flight.call.elapsed_ms / 1000)
        if self.parcels and self.flying:
            left = PATIENCE_SECONDS - self.flying[-1][1].call.elapsed_ms / 1000
            times.append(left if left > 0 else MOST_SECONDS_ASLEEP)
        if self.ended:
            times.append(self.oldest_ended + GATHER_SECONDS - time.monotonic())
        return max(0.001, min(times))
