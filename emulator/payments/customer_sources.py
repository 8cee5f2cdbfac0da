"""Sources of customers: cards saved in the older way, as the Charges API takes them.

A source is kept as a payment method whose id begins with `card_`, which payment intents take too. The first one is the
customer's default. Bank accounts and other kinds of sources are refused as not built.
Source: https://docs.stripe.com/api/cards, https://docs.stripe.com/payments/charges-api
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.connect.records.cards import BRANDS
from emulator.connect.shapes import group
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, invalid, missing, no_such
from emulator.kernel.lists import Page, page
from emulator.kernel.params import (
    Boolean,
    Email,
    Enum,
    Hash,
    Integer,
    List,
    ListParams,
    Metadata,
    Params,
    String,
    merged_metadata,
)
from emulator.kernel.records import face, replace
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.world import World
from emulator.payments import card_test_numbers as cards
from emulator.payments import customer as customers
from emulator.payments import not_built, payment_methods
from emulator.payments.customer import Customer
from emulator.payments.declines import declined
from emulator.payments.payment_methods import PaymentMethod
from emulator.payments.tokens import Token

ADDRESS = {
    "address_city": "city",
    "address_country": "country",
    "address_line1": "line1",
    "address_line2": "line2",
    "address_state": "state",
    "address_zip": "postal_code",
}


@face("customer_source", noun="source", expands=("customer",))
class Source(PaymentMethod):
    """A payment method as the older API shows it: a card, with its owner's address beside its own members."""

    def render(self, world: World) -> dict[str, Any]:
        """The card of the API, which has no `livemode`."""
        return drawn(world, self)


def drawn(world: World, method: PaymentMethod) -> dict[str, Any]:
    """A card as the older API shows it."""
    card, owner = method.card, method.billing_details
    assert card is not None, f"{method.id} is no card"
    return {
        "id": method.id,
        "object": "card",
        **{name: owner["address"][inside] for name, inside in ADDRESS.items()},
        "address_line1_check": card["checks"]["address_line1_check"],
        "address_zip_check": card["checks"]["address_postal_code_check"],
        "allow_redisplay": method.allow_redisplay,
        "brand": BRANDS[card["brand"]],
        "country": card["country"],
        "customer": method.customer,
        "cvc_check": card["checks"]["cvc_check"],
        "dynamic_last4": None,
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": card["fingerprint"],
        "funding": card["funding"],
        "last4": card["last4"],
        "metadata": method.metadata,
        "name": owner["name"],
        "regulated_status": card["regulated_status"],
        "tokenization_method": None,
    }


# What may be sent


class CreateParams(Params):
    """A token of a test card."""

    metadata = Metadata()
    source = String(required=True)
    validate = Boolean()


class OwnerAddressParams(Params):
    """Where the owner of a source lives."""

    city = String()
    country = String()
    line1 = String()
    line2 = String()
    postal_code = String()
    state = String()


class UpdateParams(Params):
    """What may change of a card. What is said of bank accounts and other sources is refused."""

    account_holder_name = String()
    account_holder_type = Enum(("company", "individual"))
    address_city = String()
    address_country = String()
    address_line1 = String()
    address_line2 = String()
    address_state = String()
    address_zip = String()
    exp_month = String()
    exp_year = String()
    metadata = Metadata()
    name = String()
    owner = group(address=Hash(OwnerAddressParams), email=Email(), name=String(), phone=String())


class SourceListParams(ListParams):
    """Which kind of source."""

    object = String()


class VerifyParams(Params):
    """What was sent to a bank account."""

    amounts = List(Integer())


# What a token or a source stands for


def of_token(world: World, token: str, *, param: str) -> PaymentMethod:
    """A new card for a token, which is used up by this, or a test token; the card is not stored yet.

    400 for what is no token of a card, 501 for bank accounts and other sources.
    """
    if token.startswith(("btok_", "src_")):
        raise not_built.not_built("sources of customers other than cards", param=param)
    card = Token.spent(world, token, "card", param=param).card
    made = PaymentMethod(
        id=card.id,
        created=world.now,
        type="card",
        billing_details=payment_methods.billing_details({}, {}),
        number=card.number,
        token=token if cards.behind(token, cards.OF_TOKENS) else None,
    )
    return payment_methods.with_token(world, made, card)


def to_charge(world: World, source: str | None, customer: Customer | None) -> PaymentMethod:
    """What a charge takes its money from: a token, a source of the customer, or the customer's default.

    400 for none, and for a source of somebody else.
    """
    if source is None:
        if customer is None:
            raise missing("source")
        if customer.default_source is None:
            raise ApiError(
                400,
                "Cannot charge a customer that has no active card",
                code="missing",
                param="card",
                type="card_error",
            )
        return world.get(PaymentMethod, customer.default_source)
    if source.startswith(cards.OF_TOKENS) or customer is None:
        return of_token(world, source, param="source")
    found = world.find(PaymentMethod, source)
    if found is None or found.customer != customer.id or found.type != "card":
        raise no_such("source", source, param="source", status=400)
    return found


# What happens


def create(world: World, params: dict[str, Any], customer: str) -> Source:
    """Save a card for a customer; the first is the default. 402 for a card that its bank declines."""
    owner = customers.known(world, customer)
    return shown_as_source(add(world, owner, params["source"], params, param="source"))


def add(world: World, owner: Customer, token: str, params: dict[str, Any], *, param: str) -> PaymentMethod:
    """The card behind a token as the customer's, the default if there was none. 402 if its bank declines."""
    made = of_token(world, token, param=param)
    decline = payment_methods.decline_of(made)
    if decline is not None:
        raise declined(decline._replace(param=decline.param or ""))
    saved = replace(payment_methods.with_checks(made), customer=owner.id, metadata=merged_metadata({}, params))
    world.put(saved)
    world.emit("customer.source.created", shown_as_source(saved))
    if owner.default_source is None:
        world.put(replace(owner, default_source=saved.id))
    return saved


def shown_as_source(method: PaymentMethod) -> Source:
    """The same as the older API shows it."""
    return Source(**method.__dict__)


def of(world: World, customer: str, id: str) -> PaymentMethod:
    """A source of a customer. 404 for one of another."""
    owner = customers.known(world, customer)
    found = world.find(PaymentMethod, id)
    if found is None or found.customer != owner.id or not found.is_source:
        raise no_such("source", id, param="id")
    return found


def known(world: World, owner: Customer, id: str) -> PaymentMethod:
    """A source of a customer that a parameter names as its default. 400 for one of another."""
    found = world.find(PaymentMethod, id)
    if found is None or found.customer != owner.id or not found.is_source:
        raise no_such("source", id, param="default_source", status=400)
    return found


def retrieve(world: World, params: dict[str, Any], customer: str, id: str) -> Source:
    """Read one source of a customer."""
    return shown_as_source(of(world, customer, id))


def list_sources(world: World, params: dict[str, Any], customer: str) -> Page:
    """The sources of a customer, newest first. There are only cards."""
    kind = params.pop("object", "card")
    owned = [Condition("customer", "eq", customers.known(world, customer).id), Condition("is_source", "eq", True)]
    nothing = [] if kind in ("all", "card") else [Condition("id", "in", [])]
    return page(world, Source, params, [*owned, *nothing])


def update(world: World, params: dict[str, Any], customer: str, id: str) -> Source:
    """Change what may change of a card. 400 for a bank account's members, 402 for a month that is over."""
    before = of(world, customer, id)
    for name in ("account_holder_name", "account_holder_type", "owner"):
        if name in params:
            raise invalid(f"The parameter {name} cannot be set on cards.", param=name)
    address = {inside: params[name] for name, inside in ADDRESS.items() if name in params}
    billing: dict[str, Any] = {"address": address} if address else {}
    if "name" in params:
        billing["name"] = params["name"]
    after = replace(
        before,
        billing_details=payment_methods.billing_details(before.billing_details, {"billing_details": billing}),
        metadata=merged_metadata(before.metadata, params),
    )
    expiry = {name: whole_number(params[name], name) for name in ("exp_month", "exp_year") if name in params}
    if expiry and after.card is not None:
        after = replace(after, card=payment_methods.card_after(world, after.card, expiry))
    world.put(after)
    world.emit("customer.source.updated", shown_as_source(after), before=shown_as_source(before))
    return shown_as_source(after)


def whole_number(text: str, param: str) -> int:
    """A month or a year, which this operation takes as text. 400 for what is no number."""
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise invalid(f"Invalid integer: {text}", param=param, code="parameter_invalid_integer")
    return int(text)


def delete(world: World, params: dict[str, Any], customer: str, id: str) -> dict[str, Any]:
    """Take a source from its customer for good; the newest that is left is the default then."""
    gone = of(world, customer, id)
    world.put(replace(gone, customer=None, is_used_up=True))
    world.emit("customer.source.deleted", shown_as_source(gone))
    payment_methods.forget(world, customers.known(world, customer), id)
    return {"id": id, "object": "card", "deleted": True}


def verify(world: World, params: dict[str, Any], customer: str, id: str) -> Source:
    """Always refused: 400 for a card, which nothing is sent to; bank accounts cannot be saved here."""
    of(world, customer, id)
    raise invalid("Only bank accounts can be verified by the amounts that were sent to them.")


create.returns = retrieve.returns = update.returns = verify.returns = Source  # type: ignore[attr-defined]
list_sources.returns = Source  # type: ignore[attr-defined]
list_sources.is_list = True  # type: ignore[attr-defined]
retrieve.is_retrieve = True  # type: ignore[attr-defined]


def audit(world: World) -> Iterator[str]:
    """Customers whose default source is not one of theirs, or who have sources and no default."""
    for account, owner in world.store.every(Customer):
        own = [one.id for one in world.as_account(account).all(PaymentMethod, customer=owner.id, is_source=True)]
        if owner.default_source not in (own or [None]):
            yield f"{owner.id} has the default source {owner.default_source}, and the sources {own}"


RECORDS = (Source,)
AUDIT = audit
ROUTES = [
    GET("/v1/customers/{customer}/sources", list_sources, SourceListParams),
    POST("/v1/customers/{customer}/sources", create, CreateParams),
    GET("/v1/customers/{customer}/sources/{id}", retrieve),
    POST("/v1/customers/{customer}/sources/{id}", update, UpdateParams),
    DELETE("/v1/customers/{customer}/sources/{id}", delete),
    POST("/v1/customers/{customer}/sources/{id}/verify", verify, VerifyParams),
]
