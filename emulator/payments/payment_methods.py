"""Payment methods: a card, or a US bank account, that money comes from or goes to.

    new ── attach, or a setup intent that succeeds ──▶ attached to a customer ── detach ──▶ of no use any more
     └──── a setup intent with `attach_to_self` ─────▶ attached to the account itself, for its financial accounts

The test tokens (`pm_card_visa`, `pm_usBankAccount`, …) may stand wherever a payment method is attached or confirmed,
and become a new one there. Only test cards are taken. A bank account that somebody describes has to be verified by a
setup intent before money can be taken from it; those of the tokens are.
Source: https://docs.stripe.com/api/payment_methods, https://docs.stripe.com/testing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from stdnum.us import rtn

from emulator.connect.records import capabilities
from emulator.connect.records.cards import Card
from emulator.connect.records.external_accounts import OF_FINANCIAL_ACCOUNTS, TEST_ROUTING_NUMBER, fingerprint
from emulator.connect.shapes import NO_ADDRESS, group
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import exclusive, invalid, missing, no_such
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Country,
    Email,
    Enum,
    Hash,
    Integer,
    ListParams,
    Metadata,
    Params,
    String,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import card_test_numbers as cards
from emulator.payments import cards as given
from emulator.payments import customer as customers
from emulator.payments import not_built
from emulator.payments.bank_tokens import TOKENS
from emulator.payments.declines import declined
from emulator.payments.other_methods import TYPES, OtherMethodsParams
from emulator.payments.tokens import Token

OF_SOURCES = "card"  # what ids of cards begin with that were saved in the older way
REDISPLAY = ("always", "limited", "unspecified")
HOLDER_TYPES, ACCOUNT_TYPES = ("company", "individual"), ("checking", "savings")
BANK_NAME = "STRIPE TEST BANK"
HOLDER = "Jenny Rosen"
USED_UP = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use "
    "a PaymentMethod multiple times, you must attach it to a Customer first."
)


@record(
    "payment_method",
    prefix="pm",
    shared_prefixes=(OF_SOURCES,),
    noun="PaymentMethod",
    filters=("allow_redisplay", "customer", "is_self", "is_source", "type"),
    hidden=(
        "directions",
        "is_self",
        "is_used_up",
        "is_verified",
        "mandate",
        "number",
        "token",
    ),
    expands=("customer",),
)
class PaymentMethod:
    """A card or a US bank account.

    `number` is that of a test card, or of a bank account that is one of the test values or of our own bank. `token` is
    the test token it was made of. `is_self` says that it is the account's own. `directions` are those that setup
    intents have saved it for, `mandate` the permission to take money from it.
    """

    id: str
    created: int
    type: str
    billing_details: dict[str, Any]
    number: str | None
    allow_redisplay: str = "unspecified"
    card: dict[str, Any] | None = None
    customer: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    us_bank_account: dict[str, Any] | None = None
    directions: list[str] = field(default_factory=list)
    is_self: bool = False
    is_used_up: bool = False
    is_verified: bool = False
    mandate: str | None = None
    token: str | None = None

    @property
    def is_source(self) -> bool:
        """Whether it was saved in the older way, by a token."""
        return self.id.startswith(f"{OF_SOURCES}_")

    def render(self, world: World) -> dict[str, Any]:
        """The payment method, with the one hash that its type names."""
        members = shown(self, customer_account=None)
        for name in ("card", "us_bank_account"):
            if name != self.type:
                del members[name]
        return members

    @property
    def is_attached(self) -> bool:
        """Whether it is somebody's."""
        return self.customer is not None or self.is_self


# What may be sent


class BillingAddressParams(Params):
    """Where the owner lives."""

    city = String(unset=True)
    country = Country(unset=True)
    line1 = String(unset=True)
    line2 = String(unset=True)
    postal_code = String(unset=True)
    state = String(unset=True)


class BillingDetailsParams(Params):
    """Who the owner is."""

    address = Hash(BillingAddressParams, unset=True)
    email = Email(unset=True)
    name = String(unset=True)
    phone = String(unset=True)
    tax_id = String(unset=True)


class NewUsBankAccountParams(Params):
    """A bank account in the US, by its numbers."""

    account_holder_type = Enum(HOLDER_TYPES)
    account_number = String()
    account_type = Enum(ACCOUNT_TYPES)
    financial_connections_account = String()
    routing_number = String()


class NewCardParams(Params):
    """A card by its number, or a test token that stands for one."""

    cvc = String()
    exp_month = Integer()
    exp_year = Integer()
    networks = group(preferred=Enum(("cartes_bancaires", "mastercard", "visa")))
    number = String()
    token = String()


class DataParams(OtherMethodsParams):
    """A payment method in one hash, as intents take it."""

    allow_redisplay = Enum(REDISPLAY)
    billing_details = Hash(BillingDetailsParams)
    metadata = Metadata()
    radar_options = group(session=String())
    type = Enum(tuple(name for name in TYPES if name not in ("card", "custom")), required=True)
    us_bank_account = Hash(NewUsBankAccountParams)


class CreateParams(DataParams):
    """A new payment method."""

    card = Hash(NewCardParams)
    custom = group(type=String(required=True))
    customer = String()
    payment_method = String()
    type = Enum(TYPES)


class CardUpdateParams(Params):
    """What may change of a card."""

    exp_month = Integer()
    exp_year = Integer()
    networks = group(preferred=Enum(("cartes_bancaires", "mastercard", "visa"), unset=True))


class UpdateParams(Params):
    """What may change."""

    allow_redisplay = Enum(REDISPLAY)
    billing_details = Hash(BillingDetailsParams)
    card = Hash(CardUpdateParams)
    metadata = Metadata()
    us_bank_account = group(account_holder_type=Enum(HOLDER_TYPES), account_type=Enum(ACCOUNT_TYPES))


class AttachParams(Params):
    """Whose it becomes."""

    customer = String()
    customer_account = String()


class PaymentMethodListParams(ListParams):
    """Filters of the list: those of a customer, or without one those of the account itself."""

    allow_redisplay = Enum(REDISPLAY)
    customer = String()
    customer_account = String()
    type = Enum(TYPES)


# Making one


def create(world: World, params: dict[str, Any]) -> PaymentMethod:
    """Make a payment method that is nobody's yet, or share one of the platform with the connected account that acts.

    400 for numbers no bank has and without the hash that `type` names, 402 for a card that is no test card.
    """
    if "payment_method" in params:
        return world.put(shared(world, params))
    if "customer" in params:
        raise invalid("The parameter customer can only be used together with payment_method.", param="customer")
    if "type" not in params:
        raise missing("type")
    return world.put(described(world, params))


def shared(world: World, params: dict[str, Any]) -> PaymentMethod:
    """A copy of a payment method of the platform, for the connected account that acts. Attached to nobody."""
    param = "payment_method"
    if world.is_platform:
        raise invalid("PaymentMethods can only be shared with connected accounts.", param=param)
    original = found(world.as_account(world.platform), params["payment_method"], param=param)
    if params.get("customer", original.customer) != original.customer:
        raise no_such(customers.Customer.noun, params["customer"], param="customer", status=400)
    return replace(
        original,
        id=world.new_id("pm"),
        created=world.now,
        customer=None,
        is_self=False,
        metadata=merged_metadata({}, params),
    )


def described(world: World, sent: dict[str, Any], prefix: str = "") -> PaymentMethod:
    """The payment method that parameters describe, not stored yet. `prefix` is where they stood."""
    param = named_in(prefix)
    type = sent["type"]
    if type not in ("card", "us_bank_account"):
        raise not_built.not_built(f"payment methods of the type {type}", param=param("type"))
    if "radar_options" in sent:
        raise not_built.not_built("Radar sessions", param=param("radar_options"))
    if type not in sent:
        raise missing(param(type))
    billing = billing_details({}, sent)
    method = PaymentMethod(
        id=world.new_id("pm"),
        created=world.now,
        type=type,
        billing_details=billing,
        number=None,
        allow_redisplay=sent.get("allow_redisplay", "unspecified"),
        metadata=merged_metadata({}, sent),
    )
    if type == "card":
        return with_card(world, method, sent["card"], param)
    if not billing["name"]:
        raise missing(param("billing_details[name]"))
    return with_bank_account(world, method, sent["us_bank_account"], param)


def named_in(prefix: str) -> Callable[[str], str]:
    """How refusals call parameters that stood in the hash of that name, or at the top where it is empty."""

    def param(name: str) -> str:
        first, _, rest = name.partition("[")
        return name if not prefix else f"{prefix}[{first}]" + (f"[{rest}" if rest else "")

    return param


def billing_details(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The owner's details: sent members replace stored ones, those of the address too."""
    known = {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None, **stored}
    new = sent.get("billing_details", {})
    address = {**known["address"], **new["address"]} if new.get("address") else known["address"]
    if "address" in new and new["address"] is None:
        address = NO_ADDRESS
    return {**known, **new, "address": address}


def with_card(world: World, method: PaymentMethod, sent: dict[str, Any], param: Any) -> PaymentMethod:
    """The same with a card, by a test token or by its number. 402 for a number that is no test card's."""
    if "token" in sent:
        return with_token(world, method, Token.spent(world, sent["token"], "card", param=param("card[token]")).card)
    for name in ("number", "exp_month", "exp_year"):
        if name not in sent:
            raise missing(param(f"card[{name}]"))
    card = given.of_number(sent["number"])
    given.refuse_expired(world, sent["exp_month"], sent["exp_year"])
    details = drawn(world, method, card, month=sent["exp_month"], year=sent["exp_year"], has_cvc="cvc" in sent)
    details["networks"]["preferred"] = sent.get("networks", {}).get("preferred")
    return replace(method, number=card.number, card=details)


def with_token(world: World, method: PaymentMethod, card: Card) -> PaymentMethod:
    """The same with the card of a token, whose holder and address count where no others were sent."""
    billing = method.billing_details
    known = {
        "city": card.address_city,
        "country": card.address_country,
        "line1": card.address_line1,
        "line2": card.address_line2,
        "postal_code": card.address_zip,
        "state": card.address_state,
    }
    address = billing["address"] if any(billing["address"].values()) else {**billing["address"], **known}
    method = replace(method, billing_details={**billing, "address": address, "name": billing["name"] or card.name})
    test = cards.BY_NUMBER[card.number]
    details = drawn(world, method, test, month=card.exp_month, year=card.exp_year, has_cvc=card.has_cvc)
    details["networks"]["preferred"] = card.preferred_network
    return replace(method, number=card.number, card=details)


def drawn(
    world: World,
    method: PaymentMethod,
    card: cards.Card,
    *,
    month: int | None = None,
    year: int | None = None,
    has_cvc: bool = True,
) -> dict[str, Any]:
    """What is shown of a card. One of a test token expires in a year."""
    usual_month, usual_year = given.usual_expiry(world)
    address = method.billing_details["address"]
    return {
        "brand": card.brand,
        "checks": {
            "address_line1_check": "unchecked" if address["line1"] else None,
            "address_postal_code_check": "unchecked" if address["postal_code"] else None,
            "cvc_check": "unchecked" if has_cvc else None,
        },
        "country": card.country,
        "display_brand": {"amex": "american_express", "diners": "diners_club"}.get(card.brand, card.brand),
        "exp_month": month or usual_month,
        "exp_year": year or usual_year,
        "fingerprint": given.fingerprint(card.number),
        "funding": card.funding,
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def with_bank_account(world: World, method: PaymentMethod, sent: dict[str, Any], param: Any) -> PaymentMethod:
    """The same with a bank account. 400 `routing_number_invalid` or `account_number_invalid`."""
    if "financial_connections_account" in sent:
        raise not_built.not_built(
            "Financial Connections", param=param("us_bank_account[financial_connections_account]")
        )
    for name in ("routing_number", "account_number"):
        if name not in sent:
            raise missing(param(f"us_bank_account[{name}]"))
    routing, number = sent["routing_number"], sent["account_number"].replace(" ", "").replace("-", "")
    if routing != OF_FINANCIAL_ACCOUNTS and not rtn.is_valid(routing):
        raise invalid(
            "The routing number must have 9 digits and a valid checksum.",
            code="routing_number_invalid",
            param=param("us_bank_account[routing_number]"),
        )
    if not number.isdigit() or not 4 <= len(number) <= 17:
        raise invalid(
            "The account number must have 4 to 17 digits.",
            code="account_number_invalid",
            param=param("us_bank_account[account_number]"),
        )
    details = bank_details(world, routing, number)
    for name in ("account_holder_type", "account_type"):
        details[name] = sent.get(name, details[name])
    is_kept = number in TOKENS.values() or routing == OF_FINANCIAL_ACCOUNTS
    return replace(method, us_bank_account=details, number=number if is_kept else None)


def bank_details(world: World, routing: str, number: str) -> dict[str, Any]:
    """What is shown of a bank account. Accounts with Treasury can pay it by wire too."""
    by_wire = ["us_domestic_wire"] if capabilities.status_of(world, "treasury") != "unrequested" else []
    return {
        "account_holder_type": None,
        "account_type": "checking",
        "bank_name": BANK_NAME,
        "financial_connections_account": None,
        "fingerprint": fingerprint("US", routing, number),
        "last4": number[-4:],
        "networks": {"preferred": "ach", "supported": ["ach", *by_wire]},
        "routing_number": routing,
        "status_details": {},
    }


def of_token(world: World, token: str) -> PaymentMethod | None:
    """A new payment method for a test token, not stored yet; None for what is no test token."""
    card = cards.behind(token, cards.OF_METHODS)
    number = TOKENS.get(token)
    if card is None and number is None:
        return None
    method = PaymentMethod(
        id=world.new_id("pm"),
        created=world.now,
        type="card" if card else "us_bank_account",
        billing_details=billing_details({}, {"billing_details": {} if card else {"name": HOLDER}}),
        number=card.number if card else number,
        is_verified=number is not None and token != "pm_usBankAccount_failMicrodeposits",
        token=token,
    )
    if card is not None:
        return replace(method, card=drawn(world, method, card))
    assert number is not None
    details = {**bank_details(world, TEST_ROUTING_NUMBER, number), "account_holder_type": "individual"}
    return replace(method, us_bank_account=details)


def found(world: World, id: str, *, param: str | None) -> PaymentMethod:
    """The payment method of an id or a test token. 404 for one that is unknown, 400 if it came in a parameter."""
    return of_token(world, id) or world.get(PaymentMethod, id, param=param)


def chosen(world: World, params: dict[str, Any], kept: str | None) -> tuple[PaymentMethod, str] | None:
    """The payment method that an intent is sent, not stored yet, or the one it has kept; and the parameter it is about.

    None where there is neither. 400 for two that are sent.
    """
    if "payment_method" in params and "payment_method_data" in params:
        raise exclusive("payment_method", "payment_method_data")
    if "payment_method" in params:
        return found(world, params["payment_method"], param="payment_method"), "payment_method"
    if "payment_method_data" in params:
        return described(world, params["payment_method_data"], prefix="payment_method_data"), "payment_method_data"
    return None if kept is None else (world.get(PaymentMethod, kept), "customer")


# Whose it is


def attach(world: World, params: dict[str, Any], id: str) -> PaymentMethod:
    """Attach a payment method to a customer.

    400 for one that is attached already, was detached before, or is a bank account that nobody has verified; 402 for a
    card that its bank declines.
    """
    not_built.refuse(params, {"customer_account": "customers that are accounts"})
    method = found(world, id, param=None)
    if "customer" not in params:
        raise missing("customer")
    customer = customers.known(world, params["customer"], param="customer")
    return attach_to(world, checked(method, customer.id), customer.id)


def savable(world: World, id: str, customer: str, *, param: str) -> PaymentMethod:
    """The payment method of an id or a test token that a customer may get. 400 or 402 as for `attach`."""
    return checked(found(world, id, param=param), customer)


def checked(method: PaymentMethod, customer: str) -> PaymentMethod:
    """The same payment method, if it may be attached to a customer. 400 or 402 if not."""
    if method.is_attached and method.customer != customer:
        raise invalid("The payment method you provided has already been attached to a customer.")
    if method.is_used_up:
        raise invalid(USED_UP, code="payment_method_unexpected_state")
    if method.type == "us_bank_account" and not method.is_verified:
        raise invalid(
            "A US bank account must be verified before it can be attached to a customer. Confirm a SetupIntent with "
            "it.",
            code="bank_account_unverified",
        )
    refuse_declined(method)
    return method


def refuse_declined(method: PaymentMethod) -> None:
    """402 for a card that its bank declines when it is saved."""
    decline = decline_of(method)
    if decline is not None:
        raise declined(decline._replace(param=decline.param or ""))


def decline_of(method: PaymentMethod) -> cards.Decline | None:
    """What the bank says against saving a card, or None."""
    return cards.BY_NUMBER[method.number].decline if method.type == "card" and method.number else None


def attach_to(world: World, method: PaymentMethod, customer: str) -> PaymentMethod:
    """Make a payment method the customer's, and say so unless it is already. Its checks have been made by then."""
    if method.customer == customer:
        return method
    attached = world.put(replace(with_checks(method), customer=customer))
    world.emit("payment_method.attached", attached)
    return attached


def with_checks(method: PaymentMethod) -> PaymentMethod:
    """The same with what the bank of a card says of the address and the security code."""
    if method.card is None or method.number is None:
        return method
    card = cards.BY_NUMBER[method.number]

    def outcome(name: str, was: str | None) -> str | None:
        if was is None:
            return None
        return "fail" if name in card.fails else "unavailable" if name in card.unavailable else "pass"

    checks = {name: outcome(name, was) for name, was in method.card["checks"].items()}
    return replace(method, card={**method.card, "checks": checks})


def detach(world: World, params: dict[str, Any], id: str) -> PaymentMethod:
    """Take a payment method from its customer; it cannot be used any more. 400 for one that has none."""
    method = world.get(PaymentMethod, id)
    if not method.is_attached:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.")
    customer = world.find(customers.Customer, method.customer)
    detached = let_go(world, method)
    if customer is not None:
        forget(world, customer, id)
    return detached


def forget(world: World, customer: customers.Customer, id: str) -> None:
    """A payment method that a customer has no more is no default either; the newest source that is left becomes one."""
    new = customer
    if customer.default_source == id:
        left = world.all(PaymentMethod, customer=customer.id, is_source=True)
        new = world.put(replace(new, default_source=left[0].id if left else None))
    if customer.invoice_settings["default_payment_method"] == id:
        new = world.put(replace(new, invoice_settings={**new.invoice_settings, "default_payment_method": None}))
        world.emit("customer.updated", new, before=customer)


def let_go(world: World, method: PaymentMethod) -> PaymentMethod:
    """The payment method as nobody's, and of no use any more."""
    detached = world.put(replace(method, customer=None, is_self=False, is_used_up=True))
    world.emit("payment_method.detached", detached, previous={"customer": method.customer} if method.customer else None)
    return detached


def update(world: World, params: dict[str, Any], id: str) -> PaymentMethod:
    """Change what may change of a payment method that is attached. 400 for the hash of another type."""
    old = world.get(PaymentMethod, id)
    for name in ("card", "us_bank_account"):
        if name in params and name != old.type:
            raise invalid(
                f"You cannot update `{name}` on a PaymentMethod of type `{old.type}`.",
                code="payment_method_invalid_parameter",
                param=name,
            )
    if not old.is_attached:
        raise invalid(
            "You must save this PaymentMethod to a customer before you can update it.",
            code="payment_method_unexpected_state",
        )
    new = replace(
        old,
        allow_redisplay=params.get("allow_redisplay", old.allow_redisplay),
        billing_details=billing_details(old.billing_details, params),
        metadata=merged_metadata(old.metadata, params),
    )
    if old.card is not None and "card" in params:
        new = replace(new, card=card_after(world, old.card, params["card"]))
    if old.us_bank_account is not None and "us_bank_account" in params:
        new = replace(new, us_bank_account={**old.us_bank_account, **params["us_bank_account"]})
    world.put(new)
    world.emit("payment_method.updated", new, before=old)
    return new


def card_after(world: World, card: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """A card with another month of expiry, or another preferred network. 402 for a month that is over."""
    month, year = sent.get("exp_month", card["exp_month"]), sent.get("exp_year", card["exp_year"])
    if "exp_month" in sent or "exp_year" in sent:
        given.refuse_expired(world, month, year)
    networks = {**card["networks"], **sent.get("networks", {})}
    return {**card, "exp_month": month, "exp_year": year, "networks": networks}


def whose(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """Those of the account itself where no customer is named."""
    not_built.refuse(params, {"customer_account": "customers that are accounts"})
    return [] if "customer" in params else [Condition("is_self", "eq", True)]


RECORDS = (PaymentMethod,)
ROUTES = [
    GET("/v1/payment_methods", lists(PaymentMethod, narrow=whose), PaymentMethodListParams),
    POST("/v1/payment_methods", create, CreateParams, publishable=True),
    GET("/v1/payment_methods/{payment_method}", retrieves(PaymentMethod)),
    POST("/v1/payment_methods/{payment_method}", update, UpdateParams),
    POST("/v1/payment_methods/{payment_method}/attach", attach, AttachParams),
    POST("/v1/payment_methods/{payment_method}/detach", detach),
]
