"""Fraud challenges: a text message asks the cardholder whether a declined purchase was theirs.

    pending ── verify ──▶ verified      it was theirs: the card may pay at that merchant for a day, whatever the risk
       ├────── reject ──▶ rejected      it was not: the card carries a fraud warning from now on
       └────── expire ──▶ expired       a day has passed without an answer
    undeliverable                       there is no number that a message could reach

Source: https://docs.stripe.com/issuing/controls/fraud-challenges; the day, and what "the same merchant" is, are ours.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.dates import DAY
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.records import record
from emulator.kernel.settings import switch
from emulator.kernel.world import World

# United States, Canada and the United Kingdom.
REACHED = ("+1", "+44")

LIFECYCLE = Lifecycle(
    "pending",
    {
        "pending": {"verify": "verified", "reject": "rejected", "expire": "expired"},
        "verified": {},
        "rejected": {},
        "expired": {},
        "undeliverable": {},
    },
)

SETTINGS = (
    switch(
        "fraud_challenges",
        False,
        "Whether an authorization that is declined as suspected fraud sends its cardholder a fraud challenge.",
    ),
)


@record("emulator.fraud_verification", prefix="vouched", noun="fraud verification", has_list=False)
class FraudVerification:
    """The merchants that the holder of one card has vouched for, each until a moment. One record per card."""

    id: str
    created: int
    merchants: list[dict[str, Any]]

    def render(self, world: World) -> dict[str, Any]:
        """Its own members; no operation of the API shows it."""
        return {"id": self.id, "object": self.object, "created": self.created, "merchants": self.merchants}


RECORDS = (FraudVerification,)


def sent_to(phone_number: str | None) -> dict[str, Any]:
    """A new challenge for a cardholder: pending, or undeliverable with the reason."""
    reason = None
    if not phone_number:
        reason = "no_phone_number"
    elif not phone_number.startswith(REACHED):
        reason = "unsupported_phone_number"
    status = "undeliverable" if reason else LIFECYCLE.start
    return {"channel": "sms", "status": status, "undeliverable_reason": reason}


def moved(challenges: list[dict[str, Any]], verb: str) -> list[dict[str, Any]]:
    """The challenges after the pending one has taken an arrow."""
    return [
        {**challenge, "status": LIFECYCLE.after(challenge["status"], verb)} if is_pending(challenge) else challenge
        for challenge in challenges
    ]


def is_pending(challenge: dict[str, Any]) -> bool:
    """Whether the cardholder may still answer."""
    return challenge["status"] == "pending"


def vouch(world: World, card: str, merchant: dict[str, Any]) -> None:
    """Remember for a day that the card's holder vouched for a merchant."""
    known = world.find(FraudVerification, verification_id(card))
    created = known.created if known is not None else world.now
    valid = [one for one in (known.merchants if known is not None else []) if one["until"] > world.now]
    until = {"network_id": merchant["network_id"], "name": merchant["name"], "until": world.now + DAY}
    world.put(FraudVerification(verification_id(card), created, [*valid, until]))


def is_vouched_for(world: World, card: str, merchant: dict[str, Any]) -> bool:
    """Whether the card's holder vouched for this merchant within the last day: same network id and name."""
    known = world.find(FraudVerification, verification_id(card))
    return known is not None and any(
        one["network_id"] == merchant["network_id"] and one["name"] == merchant["name"] and one["until"] > world.now
        for one in known.merchants
    )


def verification_id(card: str) -> str:
    """Where a card's verifications are kept."""
    return f"vouched_{card}"
