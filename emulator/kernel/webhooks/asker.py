"""Putting a question to the client's endpoint, waiting with nothing locked, and concluding.

Real handlers call the API back while we wait, and thirty do so at once; so the question is committed and visible
before it is asked, and what the answer leads to is a step of its own that looks at everything afresh.

Who waits for an answer has a lock meanwhile, so that no other process takes him for dead and concludes in his place.
Where another process reaches the one to be asked, that one asks and concludes, and who has the request waits for it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from emulator.kernel import off_limits, render, versions
from emulator.kernel.answers import Answer
from emulator.kernel.database.face import Lock, StorageFails, WorldDamaged
from emulator.kernel.database.replies import StoredReply
from emulator.kernel.dates import DAY
from emulator.kernel.deliveries import Parcel, Sent, Subscriber
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.questions import StoredQuestion, real_ms
from emulator.kernel.requests import Request
from emulator.kernel.waiting import Alarm, Wait, Waiting, Work, driven
from emulator.kernel.webhooks.letter import Letter
from emulator.kernel.webhooks.letter import letter as letter_to
from emulator.kernel.webhooks.postman import ASKS, linked
from emulator.kernel.world import World

if TYPE_CHECKING:
    from emulator.kernel.step import Step
    from emulator.kernel.tenants import Tenant
    from emulator.kernel.webhooks.postman import Postman

LOOK_SECONDS = 0.02
LOOK_AGAIN_SECONDS = 0.5  # for a question that is overdue and still answered here
LOOK_SECONDS_FROM_AFAR = 0.1
TELL_AGAIN_SECONDS = 1.0
LOOK_FOR_OTHERS_SECONDS = 2.0  # after which other processes may have asked something, and died
A_DAY_MS = DAY * 1000
NO_ANSWER = Answer(None, {}, b"", "No answer came.", True, 0)
log = logging.getLogger("emulator")
Seen = TypeVar("Seen")


def leaves_it_to_the_api(answer: Answer) -> bool:
    """Whether an answer only says that a call of the API decides: 200 without a body."""
    return answer.status == 200 and not answer.body.strip()


def outcome_of(answer: Answer) -> str:
    """What came of a question, in a word or two: no answer is a refused connection, say."""
    if answer.status is not None:
        return "answered"
    return "timeout" if answer.timed_out else "no answer"


class Asked(NamedTuple):
    """A question, and the request that waits for it: in a world that begins again the same event comes again."""

    event: str
    request_id: str | None


class Heard(NamedTuple):
    """The attempt to keep, and after how many milliseconds there was a decision; None when there was none in time."""

    to: Subscriber
    sent: Sent
    took_ms: int | None


Came = tuple[Answer, Heard | None]  # what came of a question, and the attempt to keep


class Found(NamedTuple):
    """A question as it is put: to whom, with which delivery and letter, and whether it waits without limit."""

    asked: StoredQuestion
    to: Subscriber
    parcel: Parcel
    letter: Letter
    frozen: bool


class Asker:
    """Asks, waits and concludes."""

    def __init__(self, postman: Postman) -> None:
        self.postman = postman
        self.guard = threading.Lock()
        self.mine: set[Asked] = set()
        postman.asks = self.ask_for_another

    # Asking

    def settle(self, tenant: Tenant, question: Asked) -> Waiting[StoredReply]:
        """Ask, wait, conclude; the reply of the request that caused the question."""
        lock = lock_of(tenant, question)
        try:
            with self.guard:
                self.mine.add(question)
            found = yield from unhurried(tenant, partial(self.begun, tenant, question, lock))
            came = (NO_ANSWER, None) if found is None else None
            while came is None:
                is_here = self.postman.reaches_here(found.to.kind, found.to.id)
                came = yield from (self.answered if is_here else self.answered_elsewhere)(tenant, question, found)
            conclude = partial(self.conclude, tenant, question, *came)
            return (yield from unhurried(tenant, conclude, writes=True))
        finally:
            with self.guard:
                self.mine.discard(question)
            lock.release()

    def begun(self, tenant: Tenant, question: Asked, lock: Lock) -> Found | None:
        """The same as `found`, and others know that somebody waits for the answer."""
        with contextlib.suppress(StorageFails):  # without it somebody might conclude a second too early
            lock.take()
        return self.found(tenant, question)

    def found(self, tenant: Tenant, question: Asked) -> Found | None:
        """A question as it is to be put; None where it is over already."""
        with tenant.session() as session:
            step = tenant.step_for(session)
            asked = stored(step, question)
            to = step.deliveries.subscriber(asked.subscriber) if asked else None
            if asked is None or to is None:
                return None
            parcel = step.deliveries.question(asked.delivery)
            letter = letter_to(to, parcel, step.now, is_question=True)
            letter = letter._replace(may_go_anywhere=step.setting(off_limits.SETTING))
            return Found(asked, to, parcel, letter, is_frozen(step.settings))

    def answered(self, tenant: Tenant, question: Asked, found: Found) -> Waiting[Came | None]:
        """The answer, or what stands for none, and the attempt to keep; None where another process comes to reach the
        one who is asked, and is to ask instead.
        """
        asked, to, parcel, letter, frozen = found
        began_ms = real_ms()
        decided, still_frozen = partial(self.is_decided, tenant, question), partial(self.still_frozen, tenant)
        alarm = Alarm()
        limit_ms = A_DAY_MS if frozen else asked.timeout_ms
        took_ms = None
        flight = tenant.begin_call(partial(self.postman.transports[to.kind], to, letter, limit_ms, alarm.set))
        try:
            call = flight.call
            while call.answer is None or leaves_it_to_the_api(call.answer):
                yield Wait(alarm, LOOK_SECONDS if call.answer is not None or frozen else self.left(call, asked))
                if call.answer is None and not self.postman.reaches_here(to.kind, to.id):
                    call.give_up()
                    return None
                if call.answer is not None and (yield from unhurried(tenant, decided)):
                    took_ms = call.elapsed_ms
                    break
                is_late = call.elapsed_ms >= asked.timeout_ms and not call.has_come_within(asked.timeout_ms)
                if is_late and not (frozen and (yield from unhurried(tenant, still_frozen))):
                    call.give_up()
                    break
        finally:
            tenant.handled(flight)
        answer = call.answer
        assert answer is not None
        kept = Sent(parcel, answer, began_ms, flight.ended_ms, flight.calls, letter.headers["Stripe-Signature"])
        if leaves_it_to_the_api(answer):
            return NO_ANSWER, Heard(to, kept, took_ms)
        return answer, Heard(to, kept, answer.duration_ms if answer.status is not None else None)

    def answered_elsewhere(self, tenant: Tenant, question: Asked, found: Found) -> Waiting[Came | None]:
        """No answer of ours: another process asks, and has concluded by now, or does not come to it any more.

        It is told again and again, since it may be just coming to reach the one who is asked; None where this one does.
        From when the time is up it is not waited for where the API has decided, however long questions may wait.
        """
        finished, decided = partial(self.is_finished, tenant, question), partial(self.is_decided, tenant, question)
        still_frozen = partial(self.still_frozen, tenant)
        told_at = -math.inf
        with tenant.tenants.news.ear(tenant.handle) as ear:
            while not (yield from unhurried(tenant, finished)):
                if self.postman.reaches_here(found.to.kind, found.to.id):
                    return None
                is_late = time.time() >= found.asked.overdue_at
                if is_late and not (found.frozen and (yield from unhurried(tenant, still_frozen))):
                    break
                if is_late and (yield from unhurried(tenant, decided)):
                    break
                if time.monotonic() - told_at >= TELL_AGAIN_SECONDS:
                    told_at = time.monotonic()
                    self.postman.bell.ring_elsewhere(f"{ASKS}{tenant.handle}:{question.event}")
                yield Wait(ear.alarm, LOOK_SECONDS_FROM_AFAR)
        return NO_ANSWER, None

    def ask_for_another(self, tenant: Tenant, event: str) -> None:
        """Another process has a question for somebody whom perhaps this one reaches."""
        with tenant.session() as session:
            asked = tenant.step_for(session).questions.get(event)
        if asked is None:
            return
        question = Asked(event, asked.request_id)
        found = self.found(tenant, question)
        if found is None or found.asked.decided or not self.postman.reaches_here(found.to.kind, found.to.id):
            return
        with self.guard:  # it is told more than once
            if question in self.mine:
                return
            self.mine.add(question)
        name = f"question {event}"
        threading.Thread(target=self.settle_apart, args=(tenant, question), name=name, daemon=True).start()

    def settle_apart(self, tenant: Tenant, question: Asked) -> None:
        """Ask and conclude; what comes of it is told to whoever has the request by what is stored then."""
        with tenant.tenants.apart(tenant.handle):
            driven(self.settle(tenant, question))
            tenant.announce(may_be_due=False)

    def left(self, call: Any, asked: StoredQuestion) -> float:
        """Seconds until the deadline; then, in short steps, until what came in time has been read."""
        left = (asked.timeout_ms - call.elapsed_ms) / 1000
        return left if left > 0 else LOOK_SECONDS

    def is_decided(self, tenant: Tenant, question: Asked) -> bool:
        """Whether the API has been used to decide, or the tenant was reset."""
        with tenant.session() as session:
            asked = stored(tenant.step_for(session), question)
        return asked is None or asked.decided

    def is_finished(self, tenant: Tenant, question: Asked) -> bool:
        """Whether nothing is left to do about a question, or the tenant was reset."""
        with tenant.session() as session:
            return self.is_over(tenant.step_for(session), question)

    def still_frozen(self, tenant: Tenant) -> bool:
        """Whether the limit is still lifted."""
        with tenant.session() as session:
            return is_frozen(tenant.step_for(session).settings)

    # Concluding

    def conclude(self, tenant: Tenant, question: Asked, answer: Answer, heard: Heard | None) -> StoredReply:
        """Decide by an answer, unless that has been done, and answer the request that waits."""
        with tenant.session() as session:
            asked = stored(tenant.step_for(session), question)
        if asked is None:
            raise replaced()
        if heard is not None:
            heard = heard._replace(sent=linked(tenant, [heard.sent])[0])
        try:
            cause = Request(asked.request_id, asked.idempotency_key, asked.path or "", version=asked.version)
            with tenant.writing(cause) as step:
                if stored(step, question) is not None:
                    is_first, reply = self.decided(step, asked, answer)
                    if is_first or not self.is_over(step, question):
                        self.keep(step, asked, reply, heard)
                    return reply
        except (StorageFails, WorldDamaged):
            raise  # it is not concluded yet, and will be once that can be written
        except Exception as failure:
            self.set_aside(tenant, asked, failure)
            raise
        raise replaced()

    def is_over(self, step: Step, question: Asked) -> bool:
        """Whether somebody else has concluded it as well."""
        asked = stored(step, question)
        return asked is None or asked.finished

    def decided(self, step: Step, asked: StoredQuestion, answer: Answer) -> tuple[bool, StoredReply]:
        """Whether the decision is made here, and the reply after it."""
        world = World(step, asked.account)
        is_first = step.questions.decide(asked.event, outcome_of(answer))
        if is_first:
            record = step.catalog.answers[asked.type](world, asked.about, answer)
        else:
            kind = step.catalog.prefixes[asked.about.partition("_")[0]]
            record = world.get(kind, asked.about)
        body = world.render(record)
        if asked.expand:
            body = render.expanded(world, body, asked.expand)
        return is_first, StoredReply(
            asked.path or "",
            asked.fingerprint or b"",
            asked.request_id or "",
            step.now,
            200,
            render.encoded(versions.shown(world.version, body)),
        )

    def keep(self, step: Step, asked: StoredQuestion, reply: StoredReply, heard: Heard | None) -> None:
        """Store the attempt, the reply under its key, and that nothing is left to do."""
        if heard is not None:
            step.deliveries.record(heard.to, [heard.sent], step.now, retries=False)
        else:
            step.deliveries.unanswered(asked.delivery)
        if asked.idempotency_key is not None:
            step.replies.keep(asked.account, asked.idempotency_key, reply)
        step.questions.finish(asked.event, heard.took_ms if heard is not None else None)

    def set_aside(self, tenant: Tenant, asked: StoredQuestion, failure: Exception) -> None:
        """A conclusion that fails is an error of ours: it is reported once and never tried again."""
        log.error("concluding %s failed\n%s", asked.event, traceback.format_exc())
        with tenant.writing() as step:
            if asked.idempotency_key is not None:
                step.replies.forget(asked.account, asked.idempotency_key, asked.request_id)
            step.questions.decide(asked.event, f"failed: {type(failure).__name__}")
            step.questions.finish(asked.event, None)

    # Finding what others left

    def sweep(self, tenant: Tenant) -> None:
        """Conclude the questions of this tenant whose time is up and whose asker is gone."""
        with tenant.session() as session:
            step = tenant.step_for(session)
            unfinished = [] if is_frozen(step.settings) else step.questions.unfinished()
        for asked in unfinished:
            question = Asked(asked.event, asked.request_id)
            with self.guard:
                is_mine = question in self.mine
            if asked.overdue_at <= time.time() and not is_mine:
                self.conclude_if_left(tenant, question)
        now = time.time()
        unknown = now + LOOK_FOR_OTHERS_SECONDS if tenant.stored.is_far else math.inf
        looks = [max(one.overdue_at, now + LOOK_AGAIN_SECONDS) for one in unfinished]
        tenant.questions_overdue_at = min([unknown, *looks])

    def conclude_if_left(self, tenant: Tenant, question: Asked) -> None:
        """Conclude a question that nobody waits for any more."""
        lock = lock_of(tenant, question)
        with contextlib.suppress(Exception):  # it has been logged and set aside
            if lock.take():
                try:
                    self.conclude(tenant, question, NO_ANSWER, None)
                finally:
                    lock.release()


def lock_of(tenant: Tenant, question: Asked) -> Lock:
    """What the process holds that waits for the answer."""
    return tenant.tenants.database.lock(f"question {question.event} {question.request_id}")


def stored(step: Step, question: Asked) -> StoredQuestion | None:
    """A question as it is stored; None in a world that has begun again."""
    asked = step.questions.get(question.event)
    return asked if asked is not None and asked.request_id == question.request_id else None


def replaced() -> ApiError:
    """400: there is no such question any more."""
    return invalid("The world was reset while this request waited for an answer.")


def unhurried(tenant: Tenant, look: Callable[[], Seen], *, writes: bool = False) -> Waiting[Seen]:
    """What a look at a world, or a change of it, comes to; done where it keeps nobody waiting, if it may take long."""
    return (yield Work(look)) if tenant.keeps_waiting(writes=writes) else look()


def is_frozen(settings: dict[str, Any]) -> bool:
    """Whether a tenant's questions wait without limit."""
    return bool(settings.get("freeze_asks", False))
