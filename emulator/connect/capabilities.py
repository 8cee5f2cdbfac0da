"""Capabilities: what an account may do.

    unrequested ── request ──▶ inactive ◀──▶ pending ◀──▶ active

A capability is stored from its first request on. How one stands is decided in `requirements`; the operations that
change one stand in `accounts`, because they change the account too.
Source: https://docs.stripe.com/connect/account-capabilities, https://docs.stripe.com/api/capabilities
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from emulator.connect.issuing_countries import COUNTRIES
from emulator.connect.requirements import Standing, nothing_required
from emulator.data.capabilities import CAPABILITIES
from emulator.kernel.errors import ApiError, invalid, no_such
from emulator.kernel.params import Boolean, Hash, Params
from emulator.kernel.render import shown
from emulator.kernel.world import World

if TYPE_CHECKING:
    from emulator.connect.accounts import Account

# Those that are listed before they were ever requested.
RELEVANT = ("treasury", "card_issuing", "transfers", "card_payments", "us_bank_account_ach_payments")
# Once active, these cannot be given back. Our ruling: Stripe only says that most capabilities are permanent.
PERMANENT = frozenset({"card_issuing", "treasury", "card_payments", "transfers"})
ONLY_CONTROLLED = frozenset({"card_issuing", "treasury"})


@dataclass(frozen=True)
class Capability:
    """One capability of one account. The API shows the name as its id; ours has the account in it."""

    object: ClassVar[str] = "capability"
    prefix: ClassVar[str] = "capability"
    noun: ClassVar[str] = "capability"
    filters: ClassVar[tuple[str, ...]] = ()
    hidden: ClassVar[tuple[str, ...]] = ("name",)
    expands: ClassVar[tuple[str, ...]] = ("account",)
    embeds: ClassVar[tuple[str, ...]] = ()
    includes: ClassVar[dict[str, Any]] = {}

    id: str
    account: str
    name: str
    requested: bool = False
    requested_at: int | None = None
    status: str = "unrequested"
    requirements: dict[str, Any] = field(default_factory=nothing_required)

    def render(self, world: World) -> dict[str, Any]:
        """The capability under its own name."""
        members = shown(self, id=self.name, future_requirements=nothing_required())
        del members["livemode"]
        return members

    def standing(self, standing: Standing) -> Capability:
        """The same capability with another standing. Its own members are untouched where nothing differs."""
        return Capability(
            self.id,
            self.account,
            self.name,
            self.requested,
            self.requested_at,
            standing.status,
            standing.requirements,
        )


class CapabilityParams(Params):
    """One capability asked for, or given back."""

    requested = Boolean()


# A hash with every capability of the API, as `capabilities` on accounts takes it.
CapabilitiesParams: type[Params] = type(
    "CapabilitiesParams", (Params,), {name: Hash(CapabilityParams) for name in CAPABILITIES}
)


def status_of(world: World, name: str) -> str:
    """`active`, `inactive`, `pending` or `unrequested`, for the acting account."""
    capability = world.find(Capability, key_of(world.account, name))
    return "unrequested" if capability is None else capability.status


def key_of(account: str, name: str) -> str:
    """The id under which a capability is stored."""
    return f"{account}.{name}"


def of(world: World, name: str) -> Capability:
    """The acting account's capability of that name, requested or not. 404 for a name Stripe does not know."""
    if name not in CAPABILITIES:
        raise no_such(Capability.noun, name, param="capability")
    return world.find(Capability, key_of(world.account, name)) or Capability(
        key_of(world.account, name), world.account, name
    )


def requested(world: World) -> list[Capability]:
    """The acting account's requested capabilities, newest first."""
    return [capability for capability in world.all(Capability) if capability.requested]


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
