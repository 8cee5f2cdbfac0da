"""Who may receive money: the account on the other side of a platform, once it can take transfers.

Source: https://docs.stripe.com/connect/account-capabilities#transfers
"""

from __future__ import annotations

from emulator.connect.records import capabilities
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
