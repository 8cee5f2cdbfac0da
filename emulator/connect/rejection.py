"""Rejection: a platform wants nothing more to do with an account, or thinks better of it.

Source: https://docs.stripe.com/api/accounts/reject
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records import accounts
from emulator.connect.records.accounts import Account
from emulator.connect.reviewing import announce, changing, controlled, review, seen
from emulator.kernel.errors import invalid
from emulator.kernel.params import Enum, Params
from emulator.kernel.records import replace
from emulator.kernel.routes import POST
from emulator.kernel.world import World

REASONS = (
    "credit",
    "fraud_no_intent_to_fulfill",
    "fraud_other",
    "fraud_payment_method_casher",
    "fraud_payment_method_tester",
    "other",
    "terms_of_service",
)


class RejectParams(Params):
    """Why a platform wants nothing more to do with an account."""

    payouts_action = Enum(("none", "pause"))
    reason = Enum(REASONS, required=True)


def reject(world: World, params: dict[str, Any], account: str) -> Account:
    """Stop an account from charging and from being paid out; its financial accounts close, its cards are canceled.

    400 for one that is rejected already. Source: https://docs.stripe.com/api/accounts/reject
    """
    inside = controlled(world, account)
    record = accounts.of(inside)
    if record.rejected is not None:
        raise invalid("This account has already been rejected.")
    reason = params["reason"].partition("_")[0] if params["reason"].startswith("fraud") else params["reason"]
    before = seen(inside)
    keeps = params.get("payouts_action") == "none"
    known = reason if reason in ("fraud", "terms_of_service") else "other"
    accounts.save(inside, replace(record, rejected=f"platform_{known}", rejection_keeps_payouts=keeps))
    review(inside)
    announce(inside, before)
    inside.tell("account.rejected")
    return accounts.of(inside)


def unreject(world: World, params: dict[str, Any]) -> Account:
    """Take a rejection back. What it closed and canceled stays so (our ruling). 400 for an account that has none."""
    account = accounts.of(world)
    if account.rejected is None:
        raise invalid("This account has not been rejected.")
    return accounts.save(world, replace(account, rejected=None, rejection_keeps_payouts=False))


TELLS = ("account.rejected",)
ROUTES = [
    POST("/v1/accounts/{account}/reject", reject, RejectParams),
    POST("/v1/accounts/{account}/unreject", changing(unreject)),
]
