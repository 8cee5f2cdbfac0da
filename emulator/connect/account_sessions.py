"""Account sessions: what a front end needs to show a connected account the embedded components that it may see.

The components themselves are Stripe's, and nothing here shows them: the client secret opens nothing.
Source: https://docs.stripe.com/api/account_sessions, https://docs.stripe.com/connect/supported-embedded-components
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records import accounts, capabilities
from emulator.connect.records.accounts import Account
from emulator.connect.reviewing import connected, is_asked
from emulator.connect.shapes import group, group_of
from emulator.kernel.errors import invalid
from emulator.kernel.ids import base62
from emulator.kernel.params import Boolean, Hash, Params, String
from emulator.kernel.routes import POST
from emulator.kernel.world import World

SECONDS_VALID = 3600
SECRET_DIGITS = 44
OF_PAYMENTS = (
    "capture_payments",
    "destination_on_behalf_of_charge_management",
    "dispute_management",
    "refund_management",
    "smart_disputes_management",
)
OF_PAYOUTS = (
    "disable_stripe_user_authentication",
    "edit_payout_schedule",
    "external_account_collection",
    "instant_payouts",
    "standard_payouts",
)
OF_ACCOUNTS = ("disable_stripe_user_authentication", "external_account_collection")
OF_CARDS = ("card_management", "card_spend_dispute_management", "cardholder_management", "spend_control_management")
# Every component with its features.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "account_management": OF_ACCOUNTS,
    "account_onboarding": OF_ACCOUNTS,
    "balance_report": (),
    "balances": OF_PAYOUTS,
    "disputes_list": OF_PAYMENTS,
    "documents": (),
    "financial_account": (*OF_ACCOUNTS, "send_money", "transfer_balance"),
    "financial_account_transactions": ("card_spend_dispute_management",),
    "instant_payouts_promotion": (*OF_ACCOUNTS, "instant_payouts"),
    "issuing_card": OF_CARDS,
    "issuing_cards_list": (*OF_CARDS, "disable_stripe_user_authentication"),
    "notification_banner": OF_ACCOUNTS,
    "payment_details": OF_PAYMENTS,
    "payment_disputes": tuple(name for name in OF_PAYMENTS if name != "capture_payments"),
    "payment_method_settings": ("disable_stripe_user_authentication",),
    "payments": OF_PAYMENTS,
    "payout_details": (),
    "payout_reconciliation_report": (),
    "payouts": OF_PAYOUTS,
    "payouts_list": (),
    "reporting_chart": (),
    "tax_registrations": (),
    "tax_settings": (),
    "terminal_hardware_orders": (),
    "terminal_hardware_shop": (),
}
# The capability that an account has requested who is shown one.
NEEDS = {
    "financial_account": "treasury",
    "financial_account_transactions": "treasury",
    "issuing_card": "card_issuing",
    "issuing_cards_list": "card_issuing",
}
ON_UNLESS_SAID = frozenset(
    {"capture_payments", "dispute_management", "external_account_collection", "instant_payouts", "refund_management"}
)


class CreateParams(Params):
    """Whose session it is, and what is shown in it."""

    account = String(required=True)
    components = Hash(
        group_of(
            **{
                name: group(
                    enabled=Boolean(required=True), features=group(**{feature: Boolean() for feature in features})
                )
                for name, features in COMPONENTS.items()
            }
        ),
        required=True,
    )


def create(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """A session with the components that are enabled in it, and with its secret.

    400 for the platform itself, and for features that only accounts have whose platform asks for what is required; in
    the onboarding mode `verify` also for components whose capability was never requested. 403 for an account that the
    key does not reach.
    """
    inside = connected(world, params["account"])
    account = accounts.of(inside)
    for name, sent in params["components"].items():
        check(inside, account, name, sent)
    return {
        "object": "account_session",
        "account": account.id,
        "client_secret": f"accs_secret__{base62(world.draw(), SECRET_DIGITS)}",
        "components": {
            name: shown(account, name, params["components"].get(name, {"enabled": False})) for name in COMPONENTS
        },
        "expires_at": world.now + SECONDS_VALID,
        "livemode": False,
    }


def check(world: World, account: Account, name: str, sent: dict[str, Any]) -> None:
    """400 for a component or a feature that this account cannot have."""
    features = sent.get("features", {})
    for feature, refused in (("disable_stripe_user_authentication", True), ("external_account_collection", False)):
        if features.get(feature) is refused and not account.collects_requirements:
            raise invalid(
                f"{feature} can only be {str(refused).lower()} for accounts where "
                "`controller.requirement_collection` is `application`, which includes Custom accounts.",
                param=f"components[{name}][features][{feature}]",
            )
    needed = NEEDS.get(name)
    is_missing = needed is not None and capabilities.status_of(world, needed) == "unrequested"
    if sent["enabled"] and is_missing and is_asked(world, account):
        raise invalid(
            f"The component {name} needs the capability `{needed}`, which this account has not requested.",
            param=f"components[{name}]",
        )


def shown(account: Account, name: str, sent: dict[str, Any]) -> dict[str, Any]:
    """One component, with what was said of its features before what they are unless it is said."""
    said = sent.get("features", {})
    features = {feature: said.get(feature, default(account, name, feature, said)) for feature in COMPONENTS[name]}
    return {"enabled": sent["enabled"], "features": features}


def default(account: Account, name: str, feature: str, said: dict[str, Any]) -> bool:
    """Whether a feature is on unless it is said; some lean on another one."""
    if feature == "smart_disputes_management":
        return said.get("dispute_management", True)
    if feature == "disable_stripe_user_authentication":
        return "external_account_collection" in COMPONENTS[name] and not said.get("external_account_collection", True)
    if feature in ("edit_payout_schedule", "standard_payouts"):
        return account.losses_payer == "stripe"
    return feature in ON_UNLESS_SAID


ROUTES = [POST("/v1/account_sessions", create, CreateParams)]
