"""Who may receive money: the account on the other side of a platform, once it can take transfers.

Source: https://docs.stripe.com/connect/account-capabilities#transfers,
https://docs.stripe.com/connect/destination-charges
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records import capabilities
from emulator.connect.records.accounts import Account
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.world import World

CAN_RECEIVE = ("transfers", "legacy_payments")


def receiver(world: World, account: str, *, param: str) -> World:
    """Who gets the money: a connected account of the platform, or the platform itself. 400 for anybody else."""
    is_there = world.may_act(account) and account != world.account
    if not is_there or not (world.is_platform or account == world.platform):
        raise no_such("destination", account, param=param, status=400)
    there = world.as_account(account)
    if not any(capabilities.status_of(there, name) == "active" for name in CAN_RECEIVE):
        raise invalid(
            "Your destination account needs to have at least one of the following capabilities enabled: transfers, "
            "crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
        )
    return there


def check(world: World, transfer_data: dict[str, Any] | None, on_behalf_of: str | None) -> None:
    """400 where who is to be paid by a charge cannot be any more: an account may be gone since it was named."""
    if transfer_data is not None:
        receiver(world, transfer_data["destination"], param="transfer_data[destination]")
    if on_behalf_of is not None:
        settles(world, on_behalf_of)


def settles(world: World, account: str) -> None:
    """400 for an account that a payment cannot be on behalf of: only a platform's payments are, of its accounts."""
    param = "on_behalf_of"
    if account == world.account:
        raise invalid("The 'on_behalf_of' param cannot be set to your own account.", param=param)
    if not world.is_platform or not world.may_act(account):
        raise no_such(Account.noun, account, param=param, status=400)
