"""What an endpoint's answer to a question shows of its handler, as hints. Pure: what was seen in, hints out.

Nothing is supposed: a hint is about the status, headers and body that came, how long they took, the API calls that were
made meanwhile, and what the question's event said.
Source: https://docs.stripe.com/issuing/controls/real-time-authorizations
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from emulator.kernel.answers import KEPT_BODY
from emulator.kernel.events import Event
from emulator.kernel.questions import StoredQuestion
from emulator.kernel.versions import is_version
from emulator.kernel.world import World

STRIPES_LIMIT_MS = 2_000
NEARLY_LATE_MS = 1_500
ZEROES = (0, "0", "0.0", "0.00")


class Seen(NamedTuple):
    """All there is to see: the attempt that put the question, what became of it, and what the event said.

    `amount` is what the authorization in the event had been approved for, `requested` what was asked for.
    """

    attempt: dict[str, Any]
    asked: StoredQuestion
    amount: int | None = None
    requested: int | None = None

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of the body was kept, so that nothing can be said of what it says."""
        return len(self.attempt["response_body"].encode()) >= KEPT_BODY

    @property
    def is_answer(self) -> bool:
        """Whether it answers the question: 200 with a body."""
        return self.attempt["status"] == 200 and bool(self.attempt["response_body"].strip())

    @property
    def leaves_it_to_the_api(self) -> bool:
        """Whether it only says that a call of the API decides: 200 without a body."""
        return self.attempt["status"] == 200 and not self.is_answer

    @property
    def said(self) -> dict[str, Any]:
        """The answer's JSON; empty for anything else."""
        try:
            said = orjson.loads(self.attempt["response_body"])
        except orjson.JSONDecodeError:
            return {}
        return said if isinstance(said, dict) else {}

    @property
    def took_ms(self) -> int | None:
        """How long the decision took, or the answer; None where none came."""
        if self.asked.duration_ms is not None or self.attempt["status"] is None:
            return self.asked.duration_ms
        return self.attempt["duration_ms"]


class Hint(NamedTuple):
    """Something about an answer that its author may not know. `kind` is a key of `SUMMARIES`, or says no more."""

    kind: str
    says: str


# What several answers of one endpoint have in common.
SUMMARIES = {
    "no_version": "{} answers to questions had no Stripe-Version header",
    "bad_version": "{} answers to questions had a Stripe-Version header that is no API version",
    "no_decision": "{} answers to questions did not say `approved`",
    "zero_amount": "{} answers to questions took the amount for 0, which pending_request.amount was not",
    "too_slow": f"{{}} decisions took longer than the {STRIPES_LIMIT_MS:,} ms that Stripe waits",
    "nearly_late": f"{{}} decisions took more than {NEARLY_LATE_MS:,} of the {STRIPES_LIMIT_MS:,} ms that Stripe waits",
    "left_open": "{} questions were left to a call of /approve or /decline that did not come in time",
    "decided_twice": "{} questions were decided by a call and answered as well",
    "refused_call": "{} questions met a call of /approve or /decline that was refused",
}


def version(seen: Seen) -> Hint | None:
    """An answer is read by the version that it names."""
    sent = seen.attempt["response_headers"].get("stripe-version")
    if not seen.is_answer or is_version(sent or ""):
        return None
    if sent is None:
        return Hint("no_version", "The answer has no Stripe-Version header: it must name the API version it is in.")
    return Hint("bad_version", f"The answer's Stripe-Version header says {sent}, which is no API version.")


def decision(seen: Seen) -> Hint | None:
    """An answer that acknowledges, as one does other events, decides nothing."""
    if not seen.is_answer or seen.is_cut or "approved" in seen.said:
        return None
    return Hint(
        "no_decision",
        "The answer does not say `approved`. To decide by a call of /approve or /decline, answer 200 with no body.",
    )


def amount(seen: Seen) -> Hint | None:
    """The event's `amount` is what has been approved so far; an answer that repeats it as 0 has read the wrong one."""
    if not seen.is_answer or seen.amount != 0 or not seen.requested:
        return None
    zeroes = [name for name, value in amounts_in(seen.said).items() if value in ZEROES and value is not False]
    if not zeroes:
        return None
    return Hint(
        "zero_amount",
        f"The answer says {zeroes[0]} 0. The event's `amount` is 0 until it is decided; what was asked for is "
        f"pending_request.amount, {seen.requested}.",
    )


def amounts_in(said: dict[str, Any]) -> dict[str, Any]:
    """What an answer calls an amount, in its metadata too."""
    metadata = said.get("metadata")
    noted = metadata.items() if isinstance(metadata, dict) else ()
    return {
        "amount": said.get("amount"),
        **{f"metadata[{name}]": one for name, one in noted if "amount" in name.lower()},
    }


def declined(seen: Seen) -> Hint | None:
    """Which of its amounts a handler declined cannot be seen; what they were can."""
    if seen.said.get("approved") is not False or seen.requested is None or seen.amount == seen.requested:
        return None
    return Hint(
        "declined",
        f"In the event, `amount` was {seen.amount}, what had been approved so far; what was asked for was "
        f"pending_request.amount, {seen.requested}.",
    )


def speed(seen: Seen) -> Hint | None:
    """Stripe waits two seconds, whatever the limit is here."""
    took = seen.took_ms
    if took is None or took <= NEARLY_LATE_MS:
        return None
    if took > STRIPES_LIMIT_MS:
        return Hint("too_slow", f"The decision took {took:,} ms. Stripe waits {STRIPES_LIMIT_MS:,}.")
    return Hint("nearly_late", f"The decision took {took:,} of the {STRIPES_LIMIT_MS:,} ms that Stripe waits.")


def left_open(seen: Seen) -> Hint | None:
    """An empty 200 waits for a call."""
    if not seen.leaves_it_to_the_api or seen.asked.duration_ms is not None:
        return None
    return Hint(
        "left_open",
        "The answer was 200 with no body, which leaves it to a call of /approve or /decline; none came in time.",
    )


def decided_twice(seen: Seen) -> Hint | None:
    """Whatever comes first decides, and the other is not heard."""
    by_call = {"approved through the API": True, "declined through the API": False}.get(seen.asked.outcome or "")
    if by_call is None or "approved" not in seen.said:
        return None
    verb, said = ("/approve" if by_call else "/decline"), seen.said["approved"]
    tail = "" if said is by_call else ", and the two contradict each other"
    return Hint(
        "decided_twice",
        f"A call of {verb} decided first; the answer said approved={orjson.dumps(said).decode()} as well{tail}.",
    )


def refused_call(seen: Seen) -> Hint | None:
    """A call that should have decided and was refused."""
    path = f"/v1/issuing/authorizations/{seen.asked.about}"
    for call in seen.attempt["api_calls"]:
        if call["path"] in (f"{path}/approve", f"{path}/decline") and call["status"] >= 400:
            verb = call["path"].removeprefix(path)
            return Hint(
                "refused_call",
                f"A call of {verb} was refused with {call['status']} meanwhile: /_emulator/requests/{call['request']} "
                "says why.",
            )
    return None


CHECKS: tuple[Callable[[Seen], Hint | None], ...] = (
    version,
    decision,
    amount,
    declined,
    speed,
    left_open,
    decided_twice,
    refused_call,
)


def hints(seen: Seen) -> list[Hint]:
    """What there is to say of an answer, or of none."""
    return [hint for check in CHECKS if (hint := check(seen)) is not None]


def seen_of(world: World, attempt: dict[str, Any]) -> Seen | None:
    """All there is to see of the question that an attempt put; None for an attempt that put none."""
    asked = world.step.questions.get(attempt["event"])
    if asked is None:
        return None
    event = world.anywhere(Event, asked.event)
    authorization = event[1].data["object"] if event is not None else {}
    request = authorization.get("pending_request") or {}
    return Seen(attempt, asked, authorization.get("amount"), request.get("amount"))
