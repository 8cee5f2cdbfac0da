"""The features of a financial account: read them, request them, and find out whether one can be used.

Source: https://docs.stripe.com/api/treasury/financial_account_features
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World
from emulator.treasury import activation, financial_accounts
from emulator.treasury.access import onboarded
from emulator.treasury.activation import FeaturesParams


def status_of(world: World, financial_account: financial_accounts.FinancialAccount, path: str) -> str | None:
    """`active`, `pending` or `restricted`; None for a feature that was never requested."""
    for status in ("active", "pending", "restricted"):
        if path in getattr(financial_account, f"{status}_features"):
            return status
    return None


def allows(world: World, account: financial_accounts.FinancialAccount, path: str, flow: str) -> bool:
    """Whether a feature lets money go in one direction: restricting the other one does not stop it."""
    state = financial_accounts.states(world, account).get(path)
    if state is None or state.status == "active":
        return state is not None
    restrictions = {detail.get("restriction") for detail in state.details}
    return None not in restrictions and flow not in restrictions


def inactive(
    financial_account: financial_accounts.FinancialAccount,
    path: str,
    *,
    restricted: bool,
    param: str = "financial_account",
) -> ApiError:
    """400 for an operation that needs a feature which is not active."""
    return invalid(
        f"The FinancialAccount {financial_account.id} does not have the {path} feature active.",
        code="financial_account_capability_restricted" if restricted else "financial_account_capability_not_enabled",
        param=param,
    )


def recompute(world: World) -> None:
    """Decide again about the features of all open financial accounts of the acting account, and announce what changed.

    To be called after anything they depend on has changed: the account's capabilities, its rejection.
    """
    for account in world.all(financial_accounts.FinancialAccount, status="open"):
        financial_accounts.reconsider(world, account)


def retrieve(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """The features of a financial account that were requested, each with its status and why."""
    return activation.as_object(financial_accounts.states(world, world.get(financial_accounts.FinancialAccount, id)))


def update(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """Request features or give them up. 400 on a closed account, and for taking `card_issuing` from active cards."""
    account = world.get(financial_accounts.FinancialAccount, id)
    if account.status == "closed":
        raise invalid(f"The financial account {id} is closed: its features cannot be changed.")
    requested = financial_accounts.requested_by(world, account, params, "card_issuing[requested]")

    changed = financial_accounts.change(world, account, replace(account, requested_features=requested))
    return activation.as_object(financial_accounts.states(world, changed))


ROUTES = onboarded(
    [
        GET("/v1/treasury/financial_accounts/{financial_account}/features", retrieve),
        POST("/v1/treasury/financial_accounts/{financial_account}/features", update, FeaturesParams),
    ]
)
