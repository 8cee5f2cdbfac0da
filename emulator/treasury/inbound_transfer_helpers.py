"""What banks make of an inbound transfer in test mode: give the money, refuse it, take it back.

Source: https://docs.stripe.com/api/treasury/inbound_transfers/test_mode_succeed
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import invalid
from emulator.kernel.params import Enum, Hash, Params
from emulator.kernel.routes import POST
from emulator.kernel.world import World
from emulator.treasury import destinations, inbound_transfers, received_debits
from emulator.treasury.access import onboarded
from emulator.treasury.bank_accounts import FAILURE_CODES
from emulator.treasury.financial_accounts import FinancialAccount
from emulator.treasury.inbound_transfers import (
    InboundTransfer,
    collect,
    come_back,
    debit_of_origin,
    taken_over,
    wrong_state,
)


class FailureDetailsParams(Params):
    """Why the bank refuses."""

    code = Enum(FAILURE_CODES)


class FailParams(Params):
    """Why the bank refuses."""

    failure_details = Hash(FailureDetailsParams)


def succeed(world: World, params: dict[str, Any], id: str) -> InboundTransfer:
    """The bank has given the money.

    400 unless the transfer is processing, where the account has closed meanwhile, and for a financial account of this
    tenant that cannot give it.
    """
    transfer = world.get(InboundTransfer, id)
    inbound_transfers.LIFECYCLE.after(transfer.stage, "succeed")
    require_open(world, transfer.financial_account, "succeed")
    why = refusal_of_origin(world, transfer)
    if why is not None:
        raise wrong_state(f"This InboundTransfer cannot succeed: its origin does not give the money ({why}).")
    return collect(world, taken_over(world, id, "succeed"))


def refusal_of_origin(world: World, transfer: InboundTransfer) -> str | None:
    """Why a financial account of this tenant would not give the money, or None."""
    if transfer.own_number is None:
        return None
    found = destinations.at_own_bank(world, transfer.own_number)
    if found is None:
        return "no_account"
    return received_debits.failure(world.as_account(found[0]), found[1], transfer.amount)


def fail(world: World, params: dict[str, Any], id: str) -> InboundTransfer:
    """The bank refuses. 400 unless the transfer is processing."""
    code = params.get("failure_details", {}).get("code", "other")
    return inbound_transfers.fail(world, taken_over(world, id, "fail"), code)


def return_(world: World, params: dict[str, Any], id: str) -> InboundTransfer:
    """The bank takes the money back. 400 unless the transfer has succeeded and still has it.

    400 too where the account has closed, and of money from a financial account of this tenant, where that one has
    closed or has had its debit reversed already.
    """
    transfer = world.get(InboundTransfer, id)
    inbound_transfers.LIFECYCLE.after(transfer.stage, "return")
    require_open(world, transfer.financial_account, "be returned")
    origin = debit_of_origin(world, transfer)
    if origin is not None:
        owner, debit = origin
        require_open(world.as_account(owner), debit.financial_account, "be returned")
        reversal = debit.linked_flows["debit_reversal"]
        if reversal is not None:
            raise wrong_state(f"This InboundTransfer cannot be returned: its origin gets the money back as {reversal}.")
    taken_over(world, id, "return")
    return come_back(world, id, "other")


def require_open(world: World, financial_account: str, verb: str) -> None:
    """400 `account_closed` for a financial account that has closed in the meantime."""
    if world.get(FinancialAccount, financial_account).status == "closed":
        raise invalid(
            f"This InboundTransfer cannot {verb}: the FinancialAccount {financial_account} is closed.",
            code="account_closed",
        )


ROUTES = onboarded(
    [
        POST("/v1/test_helpers/treasury/inbound_transfers/{id}/succeed", succeed),
        POST("/v1/test_helpers/treasury/inbound_transfers/{id}/fail", fail, FailParams),
        POST("/v1/test_helpers/treasury/inbound_transfers/{id}/return", return_),
    ]
)
