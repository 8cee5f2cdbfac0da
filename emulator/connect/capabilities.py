"""Capabilities: asking for one, and giving it back.

Source: https://docs.stripe.com/connect/account-capabilities, https://docs.stripe.com/api/capabilities
"""

from __future__ import annotations

from emulator.connect.issuing_countries import COUNTRIES
from emulator.connect.records.accounts import Account
from emulator.connect.records.capabilities import Capability
from emulator.data.capabilities import CAPABILITIES
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import Boolean, Hash, Params
from emulator.kernel.world import World

# Those that are listed before they were ever requested.
RELEVANT = ("treasury", "card_issuing", "transfers", "card_payments", "us_bank_account_ach_payments")
# Once active, these cannot be given back. Our ruling: Stripe only says that most capabilities are permanent.
PERMANENT = frozenset({"card_issuing", "treasury", "card_payments", "transfers"})
ONLY_CONTROLLED = frozenset({"card_issuing", "treasury"})


class CapabilityParams(Params):
    """One capability asked for, or given back."""

    requested = Boolean()


# A hash with every capability of the API, as `capabilities` on accounts takes it.
CapabilitiesParams: type[Params] = type(
    "CapabilitiesParams", (Params,), {name: Hash(CapabilityParams) for name in CAPABILITIES}
)


def asked_for(world: World, capability: Capability, wanted: bool) -> Capability:
    """The same capability, requested or given back now; how it stands is decided afterwards."""
    if wanted == capability.requested:
        return capability
    return Capability(capability.id, capability.account, capability.name, wanted, world.now if wanted else None)


def refuse_request(world: World, account: Account, capability: Capability, wanted: bool, param: str) -> None:
    """400 for a request this account cannot make, or for giving back what is permanent."""
    name = capability.name
    if not wanted and capability.requested and name in PERMANENT and capability.status != "inactive":
        raise invalid(
            f"The `{name}` capability cannot be removed from this account: it is {capability.status}.", param=param
        )
    if not wanted or capability.requested:
        return
    if name in ONLY_CONTROLLED and not account.is_controlled:
        raise needs_controller(name, param)
    if name == "treasury" and account.country != "US":
        raise invalid(
            f"The `treasury` capability is not available for accounts in {account.country}: it can only be requested "
            "for accounts in US.",
            param=param,
        )
    if name == "treasury" and world.setting("platform_country") != "US":
        raise invalid("The `treasury` capability can only be requested by platforms in US.", param=param)
    if name == "card_issuing" and account.country not in COUNTRIES:
        raise invalid(f"The `card_issuing` capability is not available for accounts in {account.country}.", param=param)


def needs_controller(name: str, param: str) -> ApiError:
    """400: Issuing and Treasury need an account without a Stripe dashboard whose platform answers for it."""
    return invalid(
        f"The `{name}` capability can only be requested for connected accounts with `controller.stripe_dashboard.type` "
        "none, `controller.requirement_collection` application, `controller.losses.payments` application and "
        "`controller.fees.payer` application, or of `type` custom.",
        param=param,
    )


RECORDS = (Capability,)
