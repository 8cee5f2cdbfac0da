"""Capabilities: asking for one, and giving it back.

Source: https://docs.stripe.com/connect/account-capabilities, https://docs.stripe.com/api/capabilities
"""

from __future__ import annotations

from typing import Any

from emulator.connect import requirements
from emulator.connect.issuing_countries import COUNTRIES
from emulator.connect.records import accounts, capabilities
from emulator.connect.records.accounts import Account
from emulator.connect.records.capabilities import Capability
from emulator.connect.reviewing import changing, is_asked, reading
from emulator.data.capabilities import CAPABILITIES
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.lists import Page
from emulator.kernel.params import Boolean, Hash, NoParams, Params
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST
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


def retrieve(world: World, params: dict[str, Any], name: str) -> Capability:
    """Read one capability, requested or not. One that was not shows what it would need. 404 for an unknown name."""
    capability = capabilities.of(world, name)
    return capability if capability.requested else foreseen(world, capability)


def foreseen(world: World, capability: Capability) -> Capability:
    """An unrequested capability with what it would need."""
    account = accounts.of(world)
    if not is_asked(world, account):
        return capability
    names = [one.name for one in capabilities.requested(world)]
    standing = requirements.standing(capability.name, accounts.facts(world, account), [*names, capability.name])
    return replace(capability, requirements={**standing.requirements, "disabled_reason": None})


def list_capabilities(world: World, params: dict[str, Any]) -> Page:
    """List the requested capabilities, newest first, and the unrequested ones that Issuing and Treasury lean on."""
    requested = capabilities.requested(world)
    names = {capability.name for capability in requested}
    others = [foreseen(world, capabilities.of(world, name)) for name in RELEVANT if name not in names]
    return Page([*requested, *others], False, world.path)


list_capabilities.is_list = True  # type: ignore[attr-defined]
list_capabilities.returns = Capability  # type: ignore[attr-defined]


def update(world: World, params: dict[str, Any], name: str) -> Capability:
    """Ask for a capability, or give it back. 400 for one this account cannot have, or cannot be without."""
    capability = capabilities.of(world, name)
    if "requested" not in params:
        return capability
    return world.put(request(world, accounts.of(world), name, params["requested"], "requested"))


def requests(world: World, account: Account, wanted: dict[str, dict[str, Any]]) -> list[Capability]:
    """The capabilities after these requests. 400 for one this account cannot make."""
    changed = []
    for name, sent in wanted.items():
        if "requested" in sent:
            changed.append(request(world, account, name, sent["requested"], f"capabilities[{name}][requested]"))
    return changed


def request(world: World, account: Account, name: str, wanted: bool, param: str) -> Capability:
    """A capability after being asked for, or given back."""
    capability = capabilities.of(world, name)
    if name == "card_issuing" and wanted and not capability.requested and not world.setting("issuing_enabled"):
        raise invalid(
            "card_issuing can only be requested if your platform has been onboarded on Stripe Issuing already."
        )
    refuse_request(world, account, capability, wanted, param)
    return asked_for(world, capability, wanted)


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


ROUTES = [
    GET("/v1/accounts/{account}/capabilities", reading(list_capabilities), NoParams),
    GET("/v1/accounts/{account}/capabilities/{capability}", reading(retrieve)),
    POST("/v1/accounts/{account}/capabilities/{capability}", changing(update), CapabilityParams),
]
RECORDS = (Capability,)
