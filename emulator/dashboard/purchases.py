"""How an authorization stands, in the words of a page. Pure: the API's object in, words and amounts out."""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.dashboard import formats


class Standing(NamedTuple):
    """A word, what it means (a kind of badge), and the amount to show with it."""

    word: str
    kind: str
    amount: int


class Amounts(NamedTuple):
    """The parts of an authorization's money, in minor units: kept, given back, still held, and let go."""

    captured: int
    refunded: int
    held: int

    @property
    def kept(self) -> int:
        """What was captured and not given back."""
        return max(self.captured - self.refunded, 0)


def asked(authorization: dict[str, Any]) -> int:
    """What was asked for last, of one that came to nothing; else what it has come to."""
    history, pending = authorization["request_history"], authorization["pending_request"]
    if pending is not None:
        return pending["amount"]
    return authorization["amount"] if authorization["approved"] or not history else history[-1]["amount"]


def amounts(authorization: dict[str, Any]) -> Amounts:
    """What has become of the money so far."""
    moved = [(one["type"], abs(one["amount"])) for one in authorization["transactions"]]
    captured = sum(amount for kind, amount in moved if kind == "capture")
    refunded = sum(amount for kind, amount in moved if kind == "refund")
    is_open = authorization["status"] == "pending" and authorization["approved"]
    return Amounts(captured, refunded, max(authorization["amount"] - captured, 0) if is_open else 0)


def standing(authorization: dict[str, Any]) -> Standing:
    """Where it stands, in one word."""
    if authorization["pending_request"] is not None and not authorization["request_history"]:
        return Standing("being asked", "move", asked(authorization))
    if not authorization["approved"]:
        return Standing("declined", "bad", asked(authorization))
    money, status = amounts(authorization), authorization["status"]
    if money.captured and money.refunded >= money.captured:
        return Standing("refunded", "move", money.captured)
    if money.captured and status != "pending":
        return Standing("captured", "good", money.captured)
    if money.captured:
        return Standing("partly captured", "good", authorization["amount"])
    if status == "pending":
        return Standing("held", "wait", authorization["amount"])
    lost = next((one["amount"] for one in reversed(authorization["request_history"]) if one["approved"]), 0)
    return Standing(status, {"expired": "", "reversed": "move"}.get(status, ""), authorization["amount"] or lost)


def why_not(authorization: dict[str, Any]) -> str:
    """The reason of a decline as the API has it, in words."""
    history = authorization["request_history"]
    return "" if authorization["approved"] or not history else formats.words(history[-1]["reason"]).lower()


def holder(authorization: dict[str, Any]) -> str:
    """`Jenny Rosen •• 7608`."""
    card = authorization["card"]
    return f"{card['cardholder']['name']} •• {card['last4']}"
