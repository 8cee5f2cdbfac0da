"""The features of a financial account: read them, request them, and find out whether one can be used.

Source: https://docs.stripe.com/api/treasury/financial_account_features
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import invalid
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World
from emulator.treasury import activation, financial_accounts
from emulator.treasury.access import onboarded
from emulator.treasury.activation import FeaturesParams
from emulator.treasury.financial_accounts import FinancialAccount


def allows(world: World, account: FinancialAccount, path: str, flow: str | None) -> bool:
    """Whether a feature lets money go in one direction: restricting the other one does not stop it.

    Without a direction, whatever the platform restricts does not.
    """
    state = financial_accounts.states(world, account).get(path)
    if state is None or state.status == "active":
        return state is not None
    restrictions = {detail.get("restriction") for detail in state.details}
    return None not in restrictions and flow not in restrictions


def require_flow(
    world: World, account: FinancialAccount, path: str, flow: str, *, param: str = "financial_account"
) -> None:
    """400 unless a feature lets money go in one direction."""
    if not allows(world, account, path, flow):
        raise financial_accounts.without_feature(account, path, param)


def recompute(world: World) -> None:
    """Decide again about the features of all the acting account's open accounts, and announce what changed."""
    for account in world.all(FinancialAccount, status="open"):
        financial_accounts.reconsider(world, account)


def retrieve(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """The features of a financial account that were requested, each with its status and why."""
    return activation.as_object(financial_accounts.states(world, world.get(FinancialAccount, id)))


def update(world: World, params: dict[str, Any], id: str) -> dict[str, Any]:
    """Request features or give them up. 400 on a closed account, and for taking `card_issuing` from active cards."""
    account = world.get(FinancialAccount, id)
    if account.status == "closed":
        raise invalid(f"The financial account {id} is closed: its features cannot be changed.")
    requested = financial_accounts.requested_by(world, account, params, "card_issuing[requested]")

    changed = financial_accounts.change(world, account, replace(account, requested_features=requested))
    return activation.as_object(financial_accounts.states(world, changed))


WHEN = {"account.capabilities_changed": recompute}
ROUTES = onboarded(
    [
        GET("/v1/treasury/financial_accounts/{financial_account}/features", retrieve),
        POST("/v1/treasury/financial_accounts/{financial_account}/features", update, FeaturesParams),
    ]
)
