"""Cards: virtual and physical, from issue to cancellation.

    inactive ── activate ──▶ active ── deactivate ──▶ inactive
    inactive, active ── cancel ──▶ canceled

What it means that one replaces another is told in `replacement`.
Source: https://docs.stripe.com/api/issuing/cards
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any, NamedTuple

from emulator import progress
from emulator.connect import issuing_access
from emulator.connect.issuing_countries import card_currency, homes
from emulator.connect.records import accounts
from emulator.issuing import card_numbers, cardholders, replacement, shipping
from emulator.issuing.cardholders import Cardholder, no_phone_on_file
from emulator.issuing.names import PrintedName
from emulator.issuing.personalization_designs import PersonalizationDesign, default_of, usable
from emulator.issuing.physical_bundles import PhysicalBundle
from emulator.issuing.spending_controls import SpendingControlsParams, defaults, merged
from emulator.kernel.dates import date_of
from emulator.kernel.errors import invalid, missing
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Boolean,
    Currency,
    Enum,
    Hash,
    Integer,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import financial_accounts

TYPES = ("physical", "virtual")
NEVER_AGAIN = "Cards with status 'canceled' cannot be updated."
LIFECYCLE = Lifecycle(
    "inactive",
    {
        "inactive": {"activate": "active", "cancel": "canceled"},
        "active": {"deactivate": "inactive", "cancel": "canceled"},
        "canceled": {},
    },
    says=NEVER_AGAIN,
    param="status",
)
VERBS = {"active": "activate", "inactive": "deactivate", "canceled": "cancel"}
# A new card is valid for the month it is made in and 35 more; a chosen expiry lies 1 to 59 months ahead.
# Source: https://docs.stripe.com/issuing/cards/virtual/issue-cards#exp-dates
MONTHS_VALID = 35
NEAREST_EXPIRY, FARTHEST_EXPIRY = 1, 59
# What a platform in the US may issue on its own account besides, since the Stripe CLI's triggers make cards for Europe.
MORE_CURRENCIES = ("eur", "gbp")
MORE_HOMES = frozenset({"ES", "GB"})
FOR_VIRTUAL_CARDS = ("exp_month", "exp_year", "lifecycle_controls")
FOR_PHYSICAL_CARDS = ("personalization_design", "shipping")
# Authorizations up to this many minor units count as payments only once they are captured.
# Source: https://docs.stripe.com/issuing/controls/lifecycle-controls
PENNY_AUTHORIZATION = 1_00
TEST_PIN = "0000"


def fill_secret(name: str) -> Include:
    """A member shown on request, by the retrieve endpoint of that very card.

    The API reference says virtual cards alone; the guide adds that in test mode physical ones show it too.
    Source: https://docs.stripe.com/issuing/cards/virtual
    """

    def fill(world: World, card: Card, rendered: dict[str, Any]) -> None:
        if world.path.rpartition("/")[2] == card.id:
            rendered[name] = getattr(card, name)

    return Include(fill, where="retrieve")


def fill_pin(world: World, card: Card, rendered: dict[str, Any]) -> None:
    """The PIN of that very card: what test mode starts with. One that was set came encrypted, and nobody can tell it.

    Source: https://docs.stripe.com/issuing/cards/pin-management
    """
    if world.path.rpartition("/")[2] == card.id:
        rendered["pin"] = {"number": None if card.has_pin else TEST_PIN}


@record(
    "issuing.card",
    prefix="ic",
    noun="issuing card",
    filters=(
        "cardholder",
        "exp_month",
        "exp_year",
        "financial_account",
        "last4",
        "personalization_design",
        "status",
        "type",
    ),
    hidden=(
        "chain",
        "cvc",
        "has_pin",
        "number",
        "payments",
        "pin_blocked",
        "wallet_obstacle",
    ),
    expands=("personalization_design", "replaced_by", "replacement_for"),
    embeds=("cardholder",),
    includes={
        "cvc": fill_secret("cvc"),
        "number": fill_secret("number"),
        "pin.number": Include(fill_pin, where="retrieve"),
    },
)
class Card:
    """A card issued to a cardholder."""

    id: str
    created: int
    cardholder: str
    currency: str
    type: str
    number: str
    cvc: str
    exp_month: int
    exp_year: int
    chain: str  # the first card of those that replace one another
    spending_controls: dict[str, Any]
    status: str = LIFECYCLE.start
    brand: str = "Visa"
    cancellation_reason: str | None = None
    financial_account: str | None = None
    latest_fraud_warning: dict[str, Any] | None = None
    lifecycle_controls: dict[str, Any] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    personalization_design: str | None = None
    replaced_by: str | None = None
    replacement_for: str | None = None
    replacement_reason: str | None = None
    second_line: str | None = None
    shipping: dict[str, Any] | None = None
    has_pin: bool = False
    payments: int = 0  # how many count towards `lifecycle_controls`
    pin_blocked: bool = False
    wallet_obstacle: str | None = None  # an `ineligible_reason` that a control call has set

    @property
    def last4(self) -> str:
        """The end of the number."""
        return self.number[-4:]

    @property
    def is_over(self) -> bool:
        """Whether the card is canceled for good."""
        return self.status == "canceled"

    def render(self, world: World) -> dict[str, Any]:
        """The card as the API shows it, its holder whole."""
        holder = world.get(Cardholder, self.cardholder)
        body = shown(self, cardholder=world.render(holder), last4=self.last4, wallets=wallets(self, holder))
        if self.financial_account is None:
            del body["financial_account"]
        return body


class CancelAfterParams(Params):
    """After how many payments a card cancels itself."""

    payment_count = Integer(required=True, minimum=1)


class LifecycleControlsParams(Params):
    """What ends a card by itself."""

    cancel_after = Hash(CancelAfterParams, required=True)


class PinParams(Params):
    """A PIN, encrypted. Never looked into, never shown."""

    encrypted_number = String()


class CreateParams(Params):
    """A new card."""

    currency = Currency(required=True)
    type = Enum(TYPES, required=True)
    cardholder = String()
    exp_month = Integer(minimum=1, maximum=12)
    exp_year = Integer()
    financial_account = String()
    lifecycle_controls = Hash(LifecycleControlsParams)
    metadata = Metadata()
    personalization_design = String()
    pin = Hash(PinParams)
    replacement_for = String()
    replacement_reason = Enum(("damaged", "expired", "lost", "stolen"))
    second_line = PrintedName("second line", unset=True)
    shipping = Hash(shipping.ShippingParams)
    spending_controls = Hash(SpendingControlsParams)
    status = Enum(("active", "inactive"))


class UpdateParams(Params):
    """What can change."""

    cancellation_reason = Enum(("lost", "stolen"))
    financial_account = String()
    metadata = Metadata()
    personalization_design = String()
    pin = Hash(PinParams)
    shipping = Hash(shipping.ShippingParams)
    spending_controls = Hash(SpendingControlsParams)
    status = Enum(("active", "inactive", "canceled"))


class CardListParams(ListParams):
    """Filters of the card list."""

    cardholder = String()
    created = Range()
    exp_month = Integer()
    exp_year = Integer()
    last4 = String()
    personalization_design = String()
    status = Enum(("active", "inactive", "canceled"))
    type = Enum(TYPES)


class RetrieveParams(Params):
    """What Stripe.js sends besides its ephemeral key, whose nonce is looked at where the key is.

    With `safe_expands` what cannot be expanded is left out instead of refused.
    """

    ephemeral_key_private_nonce = String()
    safe_expands = Boolean()


class Named(NamedTuple):
    """The objects that a request names, looked up before anything is judged."""

    cardholder: Cardholder | None
    financial_account: Any
    design: PersonalizationDesign | None
    original: Card | None


def named_by(world: World, params: dict[str, Any]) -> Named:
    """What the parameters name. 400 `resource_missing` for the first that is not there."""

    def named(record: type, name: str) -> Any:
        return world.get(record, params[name], param=name) if name in params else None

    return Named(
        named(Cardholder, "cardholder"),
        named(financial_accounts.FinancialAccount, "financial_account"),
        usable(world, params["personalization_design"]) if "personalization_design" in params else None,
        named(Card, "replacement_for"),
    )


def create(world: World, params: dict[str, Any]) -> Card:
    """Issue a card. 400 for a holder who may not have it, a wrong currency, or a financial account not ready for it.

    Of a holder the home is asked about first, then the phone number, then what is past due.
    """
    named = named_by(world, params)
    issuing_access.check_to_create(world)
    holder = named.cardholder
    if holder is None:
        raise invalid("There is no default cardholder for this account")
    check_type(params)
    check_currency(world, params["currency"])
    check_home(world, holder)
    if accounts.of(world).country != "US" and holder.phone_number is None:
        raise no_phone_on_file(holder)
    if named.financial_account is not None:
        check_financial_account(world, named.financial_account, params["currency"], "currency")
    replacement.check(named.original, params)
    if params.get("status") == "active":
        check_may_be_active(world, holder)
    exp_month, exp_year = expiry(params, world.now)
    design = named.design or default_of(world) if params["type"] == "physical" else None
    if params["type"] == "physical":
        check_design(world, design, params.get("second_line"), "second_line")
    controls = merged(defaults(params["currency"]), params.get("spending_controls"))
    metadata = merged_metadata({}, params)

    id = world.new_id("ic")
    original = named.original
    same_number = original is not None and params["replacement_reason"] in replacement.SAME_NUMBER
    card = Card(
        id=id,
        created=world.now,
        cardholder=holder.id,
        currency=params["currency"],
        type=params["type"],
        number=original.number if original and same_number else card_numbers.new_number(world),
        cvc=card_numbers.new_cvc(world),
        exp_month=exp_month,
        exp_year=exp_year,
        chain=original.chain if original else id,
        spending_controls=controls,
        status=params.get("status", LIFECYCLE.start),
        financial_account=params.get("financial_account"),
        lifecycle_controls=params.get("lifecycle_controls"),
        metadata=metadata,
        personalization_design=design.id if design else None,
        replacement_for=params.get("replacement_for"),
        replacement_reason=params.get("replacement_reason"),
        second_line=params.get("second_line"),
        shipping=shipping.started(params["shipping"]) if "shipping" in params else None,
        has_pin="pin" in params,
    )
    world.put(card)
    world.emit("issuing_card.created", card)
    if original is not None:
        save(world, original, replace(original, replaced_by=card.id))
    if card.status == "active":
        retire_original(world, card)
    if card.shipping is not None and world.predates("W1"):
        progress.in_a_while(world, "issuing.shipping_helpers.arrive", card.id)
    return card


def update(world: World, params: dict[str, Any], id: str) -> Card:
    """Change a card. 400 for anything but metadata on a canceled one, and for arrows that are not drawn."""
    old = world.get(Card, id)
    named = named_by(world, params)
    issuing_access.check(world)
    check_changeable(old, params)
    if "cancellation_reason" in params and params.get("status") != "canceled":
        raise invalid("A cancellation_reason can only be given with status 'canceled'.", param="cancellation_reason")
    if named.financial_account is not None:
        check_financial_account(world, named.financial_account, old.currency, "financial_account")
    if named.design is not None:
        check_design(world, named.design, old.second_line, "personalization_design")
    status = params.get("status", old.status)
    becomes_active = status == "active" and old.status != "active"
    if becomes_active:
        check_may_be_active(world, world.get(Cardholder, old.cardholder))

    new = replace(old, shipping=shipping.started(params["shipping"])) if "shipping" in params else old
    new = replace(
        with_status(new, status, params.get("cancellation_reason")),
        financial_account=params.get("financial_account", old.financial_account),
        has_pin=old.has_pin or "pin" in params,
        metadata=merged_metadata(old.metadata, params),
        personalization_design=params.get("personalization_design", old.personalization_design),
        pin_blocked=old.pin_blocked and params.get("status") != "active",
        spending_controls=merged(old.spending_controls, params.get("spending_controls")),
    )
    save(world, old, new)
    if becomes_active:
        retire_original(world, new)
    return new


def save(world: World, old: Card, new: Card) -> Card:
    """Keep a changed card and announce what changed."""
    world.put(new)
    world.emit("issuing_card.updated", new, before=old)
    if new.status != old.status:
        world.tell("issuing.card.status_changed", new)
    return new


def with_status(card: Card, status: str, reason: str | None = None) -> Card:
    """The card with another status, or itself; a card canceled before it left is not shipped. 400 from `canceled`."""
    if status == card.status:
        return card
    shipment = card.shipping
    if status == "canceled" and shipment and shipping.LIFECYCLE.allows(shipment["status"], "cancel"):
        shipment = {**shipment, "status": "canceled"}
    return LIFECYCLE.follow(card, VERBS[status], cancellation_reason=reason, shipping=shipment)


def retire_original(world: World, card: Card) -> None:
    """Cancel the damaged or expired card that this one, now active, replaces."""
    if card.replacement_reason in replacement.SAME_NUMBER:
        original = world.get(Card, card.replacement_for)
        world.tell("issuing.card.replaced", original, card)
        save(world, original, with_status(original, "canceled"))


def cancel_rejected(world: World) -> None:
    """Cancel every card of an account that has been rejected."""
    for card in world.all(Card):
        if not card.is_over:
            save(world, card, with_status(card, "canceled"))


def count_payment(world: World, card_id: str) -> None:
    """Count a payment towards the card's lifecycle controls; the one that reaches the count cancels the card.

    Call it after the event of the payment itself: for an approved authorization above `PENNY_AUTHORIZATION`, for the
    first capture of one up to it, for a capture without authorization.
    """
    card = world.get(Card, card_id)
    if card.lifecycle_controls is None or card.is_over:
        return
    counted = replace(card, payments=card.payments + 1)
    is_last = counted.payments >= card.lifecycle_controls["cancel_after"]["payment_count"]
    save(world, card, with_status(counted, "canceled") if is_last else counted)


def wallets(card: Card, holder: Cardholder) -> dict[str, Any]:
    """Whether the card may enter digital wallets: its holder must be reachable, by e-mail or by phone.

    Source: https://docs.stripe.com/issuing/cards/digital-wallets
    """
    reason = card.wallet_obstacle
    if reason is None and not (holder.email or holder.phone_number):
        reason = "missing_cardholder_contact"
    wallet = {"eligible": reason is None, "ineligible_reason": reason}
    return {"apple_pay": wallet, "google_pay": dict(wallet), "primary_account_identifier": None}


def expiry(params: dict[str, Any], now: int) -> tuple[int, int]:
    """Month and year the card is valid through. 400 for a choice that is not whole, too near or too far."""
    today = date_of(now)
    this_month = today.year * 12 + today.month - 1
    if "exp_month" not in params and "exp_year" not in params:
        year, month = divmod(this_month + MONTHS_VALID, 12)
        return month + 1, year
    for name in ("exp_month", "exp_year"):
        if name not in params:
            raise missing(name)
    ahead = params["exp_year"] * 12 + params["exp_month"] - 1 - this_month
    if not NEAREST_EXPIRY <= ahead <= FARTHEST_EXPIRY:
        raise invalid(
            "The expiration date must be at least one month and less than five years in the future.", param="exp_year"
        )
    return params["exp_month"], params["exp_year"]


# Refusals


def check_type(params: dict[str, Any]) -> None:
    """400 for what only the other type of card has, and for a physical card without an address."""
    is_virtual = params["type"] == "virtual"
    for name in FOR_PHYSICAL_CARDS if is_virtual else FOR_VIRTUAL_CARDS:
        if name in params:
            blamed = "exp_year" if name == "exp_month" else name
            raise invalid(f"{name} is not supported for {params['type']} cards.", param=blamed)
    if not is_virtual and "shipping" not in params:
        raise missing("shipping")


def check_currency(world: World, currency: str) -> None:
    """400 for a currency in which the account's country has no cards."""
    account = accounts.of(world)
    allowed = (card_currency(account.country), *(MORE_CURRENCIES if is_us_platform(world) else ()))
    if currency not in allowed:
        raise invalid(
            f"Cards of accounts in {account.country} cannot be issued in {currency}; use {' or '.join(allowed)}.",
            param="currency",
        )


def check_home(world: World, holder: Cardholder) -> None:
    """400 for a holder who lives where the account cannot issue cards.

    Looked at when a card is made, a replacement too; one who moves later keeps the cards. The text is recorded.
    """
    allowed = homes(accounts.of(world).country) | (MORE_HOMES if is_us_platform(world) else frozenset())
    country = holder.billing["address"]["country"]
    if country not in allowed:
        raise invalid(f"Cardholder cannot have a billing address country of {country}.")


def is_us_platform(world: World) -> bool:
    """Whether this is the own account of a platform in the US."""
    return world.is_platform and accounts.of(world).country == "US"


def check_financial_account(world: World, account: Any, currency: str, currency_param: str) -> None:
    """400 unless the financial account can pay for cards: a connected account's, open, in usd, `card_issuing` active.

    Source: https://docs.stripe.com/treasury/connect/account-management/issuing-cards
    """
    if world.is_platform:
        raise invalid("Cards cannot be attached to a platform's own FinancialAccount.", param="financial_account")
    financial_accounts.require_open(account, param="financial_account")
    financial_accounts.require_feature(account, "card_issuing")
    financial_accounts.require_currency(account, currency, param=currency_param)


def check_may_be_active(world: World, holder: Cardholder) -> None:
    """400 while something is past due for the holder; a review stops no card from being active."""
    if cardholders.past_due(world, holder):
        raise invalid(
            "This cardholder has outstanding requirements preventing them from activating an issued card",
            param="status",
        )


def check_design(world: World, design: PersonalizationDesign | None, second_line: str | None, param: str) -> None:
    """400 for a physical card without a design, on one that cards cannot be made with, or that cannot print its line.

    `param` is blamed for the line: a card's second line never changes, so on an update that is the new design.
    """
    if design is None:
        raise invalid("There is no default personalization design for this account.", param="personalization_design")
    if design.status not in ("active", "review"):
        raise invalid(
            f"Personalization designs with status '{design.status}' cannot be used to create cards.",
            param="personalization_design",
        )
    found = world.anywhere(PhysicalBundle, design.physical_bundle)
    assert found is not None, f"{design.id} has no bundle"
    bundle = found[1]
    support = bundle.features["second_line"]
    if second_line is not None and support == "unsupported":
        raise invalid(f"The physical bundle {bundle.id} does not support second_line.", param=param)
    if second_line is None and support == "required":
        raise invalid(f"The physical bundle {bundle.id} requires second_line.", param=param)


def check_changeable(card: Card, params: dict[str, Any]) -> None:
    """400 for a change that the card's status, type or shipment does not take any more."""
    offending = [name for name in params if name != "metadata"]
    if card.is_over and offending:
        raise invalid(NEVER_AGAIN, param="status" if "status" in params else offending[0])
    for name in FOR_PHYSICAL_CARDS:
        if name in params and card.shipping is None:
            raise invalid(f"{name} is not supported for virtual cards.", param=name)
        if name in params and card.shipping and card.shipping["status"] != shipping.LIFECYCLE.start:
            raise invalid(
                f"{name} cannot be changed once the shipping status is '{card.shipping['status']}'.", param=name
            )


def audit(world: World) -> Iterator[str]:
    """Cards whose links, chain or number contradict those of other cards."""
    for _, card in world.store.every(Card):
        if world.anywhere(card_numbers.CardNumber, f"pan_{card.number}") is None:
            yield f"{card.id} has a number that was never given out"
        if card.replacement_for is not None:
            original = world.anywhere(Card, card.replacement_for)
            if original is None or original[1].chain != card.chain or original[1].replaced_by is None:
                yield f"{card.id} replaces a card that does not know of it"


RECORDS = (Card, card_numbers.CardNumber)
TELLS = ("issuing.card.replaced", "issuing.card.status_changed")
WHEN = {"account.rejected": cancel_rejected}
AUDIT = audit
ROUTES = [
    POST("/v1/issuing/cards", create, CreateParams),
    GET("/v1/issuing/cards", issuing_access.gated(lists(Card)), CardListParams),
    GET("/v1/issuing/cards/{card}", issuing_access.gated(retrieves(Card)), RetrieveParams, ephemeral=True),
    POST("/v1/issuing/cards/{card}", update, UpdateParams),
]
