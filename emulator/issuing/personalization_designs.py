"""Personalization designs: what is printed on physical cards and their carriers, on top of a physical bundle.

    review ── activate ──▶ active ── deactivate ──▶ inactive ── activate ──▶ active
    active ── activate ──▶ active        changes nothing, and nobody is told
    inactive ── deactivate ──▶ inactive  likewise
    review, active ── reject ──▶ rejected ── activate ──▶ active
    rejected ── change ──▶ review        with another logo, text or bundle

Every account starts with one active design, its default. Connected accounts may use their platform's too.
Source: https://docs.stripe.com/api/issuing/personalization_designs and
https://docs.stripe.com/issuing/cards/physical/personalization-designs
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, NamedTuple

from emulator.connect import issuing_access
from emulator.developer.files import LOGO_PURPOSE, File
from emulator.issuing.physical_bundles import PhysicalBundle
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import Boolean, Enum, Hash, List, ListParams, Metadata, Params, String, merged_metadata
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World

LIFECYCLE = Lifecycle(
    "review",
    {
        "review": {"activate": "active", "reject": "rejected"},
        "active": {"activate": "active", "deactivate": "inactive", "reject": "rejected"},
        "inactive": {"activate": "active", "deactivate": "inactive"},
        "rejected": {"activate": "active", "change": "review"},
    },
    says="You cannot {verb} a personalization design whose status is '{status}'.",
)
ANNOUNCED = {"activate": "activated", "deactivate": "deactivated", "reject": "rejected"}
CARRIER_TEXTS = ("footer_body", "footer_title", "header_body", "header_title")
LOGO_REASONS = (
    "geographic_location",
    "inappropriate",
    "network_name",
    "non_binary_image",
    "non_fiat_currency",
    "other",
    "other_entity",
    "promotional_material",
)
TEXT_REASONS = tuple(reason for reason in LOGO_REASONS if reason != "non_binary_image")
NO_REASONS: dict[str, list[str]] = {"card_logo": [], "carrier_text": []}
# What is printed: set at the start, and again after a rejection.
PRINTED = ("card_logo", "carrier_text", "physical_bundle")


@record(
    "issuing.personalization_design",
    prefix="ipcd",
    noun="personalization design",
    filters=("is_default", "lookup_key", "status"),
    hidden=("is_default",),
    expands=("card_logo", "physical_bundle"),
)
class PersonalizationDesign:
    """A design for physical cards."""

    id: str
    created: int
    physical_bundle: str
    status: str
    card_logo: str | None = None
    carrier_text: dict[str, str | None] | None = None
    is_default: bool = False
    lookup_key: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    rejection_reasons: dict[str, list[str]] = field(default_factory=lambda: NO_REASONS)

    def render(self, world: World) -> dict[str, Any]:
        """The design as its own account shows it, or, if it is the platform's, as a connected account sees it."""
        is_own = world.find(PersonalizationDesign, self.id) is not None
        preferences = {
            "is_default": self.is_default and is_own,
            "is_platform_default": None if world.is_platform else self.is_default and not is_own,
        }
        return shown(self, preferences=preferences)


class CarrierTextParams(Params):
    """What the letter around the card says."""

    footer_body = String(unset=True)
    footer_title = String(unset=True)
    header_body = String(unset=True)
    header_title = String(unset=True)


class PreferencesParams(Params):
    """Whether cards are made with this design when none is named."""

    is_default = Boolean(required=True)


class CreateParams(Params):
    """A new design."""

    physical_bundle = String(required=True)
    card_logo = String()
    carrier_text = Hash(CarrierTextParams)
    lookup_key = String(max_length=200)
    metadata = Metadata()
    name = String()
    preferences = Hash(PreferencesParams)
    transfer_lookup_key = Boolean()


class UpdateParams(Params):
    """What can change; an empty text clears."""

    card_logo = String(unset=True)
    carrier_text = Hash(CarrierTextParams, unset=True)
    lookup_key = String(max_length=200, unset=True)
    metadata = Metadata()
    name = String(unset=True)
    physical_bundle = String()
    preferences = Hash(PreferencesParams)
    transfer_lookup_key = Boolean()


class ListPreferencesParams(Params):
    """The account's default, or the platform's."""

    is_default = Boolean()
    is_platform_default = Boolean()


class DesignListParams(ListParams):
    """Filters of the design list."""

    lookup_keys = List(String())
    preferences = Hash(ListPreferencesParams)
    status = Enum(("active", "inactive", "rejected", "review"))


class RejectionReasonsParams(Params):
    """What is wrong with the logo and with the text."""

    card_logo = List(Enum(LOGO_REASONS), unset=True)
    carrier_text = List(Enum(TEXT_REASONS), unset=True)


class RejectParams(Params):
    """Why a design is rejected."""

    rejection_reasons = Hash(RejectionReasonsParams, required=True)


class Former(NamedTuple):
    """The designs that lose something to another one: the default, a lookup key."""

    default: PersonalizationDesign | None
    key_holder: PersonalizationDesign | None


# Which designs an account can use


def usable(world: World, id: str, *, param: str = "personalization_design") -> PersonalizationDesign:
    """A design of the account or of its platform. 400 `resource_missing` naming the parameter."""
    return shared(world, id) or world.get(PersonalizationDesign, id, param=param)


def shared(world: World, id: str) -> PersonalizationDesign | None:
    """A design of the account or of its platform, or None."""
    found = world.anywhere(PersonalizationDesign, id)
    return found[1] if found is not None and found[0] in (world.account, world.platform) else None


def default_of(world: World) -> PersonalizationDesign | None:
    """The design of cards for which none is named: the account's default, else the platform's."""
    designs = world.all(PersonalizationDesign, is_default=True)
    if not designs and not world.is_platform:
        designs = world.as_account(world.platform).all(PersonalizationDesign, is_default=True)
    return designs[0] if designs else None


# Operations


def create(world: World, params: dict[str, Any]) -> PersonalizationDesign:
    """Make a design; with a logo or text, or on a bundle not yet approved, it starts in review. There is no event."""
    check_files(world, params)
    bundle = world.get(PhysicalBundle, params["physical_bundle"], param="physical_bundle")
    issuing_access.check_to_create(world)
    is_plain = "card_logo" not in params and "carrier_text" not in params
    design = PersonalizationDesign(
        id=world.new_id("ipcd"),
        created=world.now,
        physical_bundle=bundle.id,
        status="active" if is_plain and bundle.status == "active" else LIFECYCLE.start,
        card_logo=params.get("card_logo"),
        carrier_text=carrier_text_after(None, params),
        is_default=params.get("preferences", {}).get("is_default", False),
        lookup_key=params.get("lookup_key"),
        metadata=merged_metadata({}, params),
        name=params.get("name"),
    )
    check_features(design, bundle)
    former = former_of(world, design, params)

    world.put(design)
    take_over(world, former)
    return design


def update(world: World, params: dict[str, Any], id: str) -> PersonalizationDesign:
    """Change a design. 400 for what is printed, unless the design has been rejected; then it goes to review again."""
    old = world.get(PersonalizationDesign, id)
    check_files(world, params)
    bundle = world.get(PhysicalBundle, params.get("physical_bundle", old.physical_bundle), param="physical_bundle")
    issuing_access.check(world)
    reprinted = [name for name in PRINTED if name in params]
    if reprinted and not LIFECYCLE.allows(old.status, "change"):
        raise invalid(
            f"{reprinted[0]} can only be changed after the personalization design has been rejected.",
            param=reprinted[0],
        )
    new = replace(
        old,
        card_logo=params.get("card_logo", old.card_logo),
        carrier_text=carrier_text_after(old.carrier_text, params),
        is_default=params.get("preferences", {}).get("is_default", old.is_default),
        lookup_key=params.get("lookup_key", old.lookup_key),
        metadata=merged_metadata(old.metadata, params),
        name=params.get("name", old.name),
        physical_bundle=bundle.id,
    )
    if reprinted:
        check_features(new, bundle)
        new = LIFECYCLE.follow(new, "change", rejection_reasons=NO_REASONS)
    former = former_of(world, new, params)

    world.put(new)
    world.emit("issuing_personalization_design.updated", new, before=old)
    take_over(world, former)
    return new


def retrieve(world: World, params: dict[str, Any], id: str) -> PersonalizationDesign:
    """Read a design of the account or of its platform."""
    return shared(world, id) or world.get(PersonalizationDesign, id)


def narrow(world: World, filters: dict[str, Any]) -> Sequence[Condition]:
    """The conditions of `lookup_keys` and `preferences`, which are no columns."""
    preferences = filters.pop("preferences", {})
    conditions = []
    if "lookup_keys" in filters:
        conditions.append(Condition("lookup_key", "in", filters.pop("lookup_keys")))
    if "is_default" in preferences:
        conditions.append(Condition("is_default", "eq", preferences["is_default"]))
    if "is_platform_default" in preferences:
        # No design of an account's own is its platform's default.
        conditions.append(Condition("is_default", "in", [] if preferences["is_platform_default"] else [0, 1]))
    return conditions


def activate(world: World, params: dict[str, Any], id: str) -> PersonalizationDesign:
    """Approve a design. 400 while its bundle is not approved."""
    return follow(world, id, "activate", rejection_reasons=NO_REASONS)


def deactivate(world: World, params: dict[str, Any], id: str) -> PersonalizationDesign:
    """Retire a design; it is no default any more. 400 unless it is active or inactive."""
    return follow(world, id, "deactivate", is_default=False)


def reject(world: World, params: dict[str, Any], id: str) -> PersonalizationDesign:
    """Reject a design, and say why; it is no default any more. 400 unless it is in review or active."""
    reasons = {name: found or [] for name, found in params["rejection_reasons"].items()}
    return follow(world, id, "reject", is_default=False, rejection_reasons={**NO_REASONS, **reasons})


def follow(world: World, id: str, verb: str, **changes: Any) -> PersonalizationDesign:
    """Take one arrow and announce the status reached, unless the design has it already."""
    old = world.get(PersonalizationDesign, id)
    issuing_access.check(world)
    new = LIFECYCLE.follow(old, verb, **changes)
    if new.status == old.status:
        return old
    bundle = world.get(PhysicalBundle, old.physical_bundle)
    if bundle.status != "active" and (verb == "activate" or old.status == "review"):
        raise invalid(f"The physical bundle {bundle.id} of this personalization design has not been approved.")
    world.put(new)
    world.emit(f"issuing_personalization_design.{ANNOUNCED[verb]}", new)
    return new


def carrier_text_after(stored: dict[str, Any] | None, params: dict[str, Any]) -> dict[str, Any] | None:
    """The carrier text with what was sent; None once it was cleared."""
    if "carrier_text" not in params:
        return stored
    sent = params["carrier_text"]
    return None if sent is None else {**dict.fromkeys(CARRIER_TEXTS), **(stored or {}), **sent}


def take_over(world: World, former: Former) -> None:
    """Take the default and the lookup key away from the designs that had them."""
    for old, changes in ((former.default, {"is_default": False}), (former.key_holder, {"lookup_key": None})):
        if old is not None:
            current = world.get(PersonalizationDesign, old.id)
            new = world.put(replace(current, **changes))
            world.emit("issuing_personalization_design.updated", new, before=current)


# Refusals


def former_of(world: World, design: PersonalizationDesign, params: dict[str, Any]) -> Former:
    """Who loses something to this design. 400 for a default that is not active, and for a lookup key in use."""
    default, key_holder = None, None
    if params.get("preferences", {}).get("is_default"):
        if design.status != "active":
            raise invalid("Only active personalization designs can be the default.", param="preferences[is_default]")
        others = [other for other in world.all(PersonalizationDesign, is_default=True) if other.id != design.id]
        default = others[0] if others else None
    key = params.get("lookup_key")
    if key is not None:
        others = [other for other in world.all(PersonalizationDesign, lookup_key=key) if other.id != design.id]
        key_holder = others[0] if others else None
        if key_holder is not None and not params.get("transfer_lookup_key"):
            raise invalid(
                f"A personalization design (`{key_holder.id}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
    return Former(default, key_holder)


def check_files(world: World, params: dict[str, Any]) -> None:
    """400 for a logo that is no uploaded file of purpose `issuing_logo`."""
    id = params.get("card_logo")
    if id is not None and world.get(File, id, param="card_logo").purpose != LOGO_PURPOSE:
        raise invalid(f"The file {id} must have the purpose `{LOGO_PURPOSE}`.", param="card_logo")


def check_features(design: PersonalizationDesign, bundle: PhysicalBundle) -> None:
    """400 for a logo or text that the bundle cannot have, or has to."""
    for name, value in (("card_logo", design.card_logo), ("carrier_text", design.carrier_text)):
        support = bundle.features[name]
        if value is not None and support == "unsupported":
            raise invalid(f"The physical bundle {bundle.id} does not support {name}.", param=name)
        if value is None and support == "required":
            raise invalid(f"The physical bundle {bundle.id} requires {name}.", param=name)


def open_account(world: World) -> None:
    """Give a new account its default design, so that physical cards can be made at once."""
    bundle = world.all(PhysicalBundle)[0]
    world.put(
        PersonalizationDesign(world.new_id("ipcd"), world.now, bundle.id, "active", is_default=True, name="Standard")
    )


RECORDS = (PersonalizationDesign,)
WHEN = {"account.opened": open_account}
ROUTES = [
    POST("/v1/issuing/personalization_designs", create, CreateParams),
    GET(
        "/v1/issuing/personalization_designs",
        issuing_access.gated(lists(PersonalizationDesign, narrow=narrow)),
        DesignListParams,
    ),
    GET("/v1/issuing/personalization_designs/{personalization_design}", issuing_access.gated(retrieve)),
    POST("/v1/issuing/personalization_designs/{personalization_design}", update, UpdateParams),
    POST("/v1/test_helpers/issuing/personalization_designs/{personalization_design}/activate", activate),
    POST("/v1/test_helpers/issuing/personalization_designs/{personalization_design}/deactivate", deactivate),
    POST(
        "/v1/test_helpers/issuing/personalization_designs/{personalization_design}/reject",
        reject,
        RejectParams,
    ),
]
