"""The page that a payment link leads to: what is for sale, a choice of test cards, and the payment.

    shown ── pay ──▶ paid ──▶ what the link says comes after it, here or at another address
      │ ▲── declined, says why
      └── pay, the bank asks ──▶ 3D Secure, on its own page ──▶ paid, or shown again

Whoever opens the link gets a page of their own. What they send makes a payment intent with what the link says of
intents, and a charge of the card that was chosen; clients hear of both by their events. The page runs no script, and
each form works once.
Source: https://docs.stripe.com/payment-links, https://docs.stripe.com/testing for the cards. How the page looks is our
ruling.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader

from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import Email, Enum, Params, String, complain
from emulator.kernel.records import replace
from emulator.kernel.render import Content
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenant, Tenants, token_of
from emulator.kernel.world import World
from emulator.payments import amounts, customers, payment_intents, payment_methods
from emulator.payments import card_test_numbers as cards
from emulator.payments.charge import Charge
from emulator.payments.payment_intents import PaymentIntent
from emulator.payments.payment_links import PATH, LineItem, PaymentLink, amount_in, cost, items_of
from emulator.payments.payment_page import OF_SESSIONS, PaymentPage
from emulator.payments.price import Price

PAGES = Environment(loader=PackageLoader("emulator"), autoescape=True)
VISIT = PATH + "page/"
# Nothing from elsewhere, no script, not in a frame. Where the form leads in the end is for the link to say.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action http: https:; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# What can be chosen, and what comes of it where that is not its decline.
CARDS = {
    "bypassPending": "pays, and the money is available at once",
    "visa": "pays",
    "visa_debit": "pays",
    "mastercard": "pays",
    "amex": "pays",
    "discover": "pays",
    "threeDSecure2Required": "asks for 3D Secure",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "asks for 3D Secure, and is declined all the same",
    **dict.fromkeys(cards.DECLINES, "is declined"),
    "cvcCheckFail": "is declined",
    "chargeCustomerFail": "is declined, though it can be saved",
    "radarBlock": "is blocked as too risky",
    "createDispute": "pays, and is disputed as fraudulent",
    "createDisputeProductNotReceived": "pays, and is disputed as not received",
    "createDisputeInquiry": "pays, and is asked about",
    "refundFail": "pays; refunds fail",
    "pendingRefund": "pays; refunds take a while",
}
# As links name the brands that they do not take.
BRANDS = {"amex": "american_express", "discover": "discover_global_network"}
SESSION_ID = "{CHECKOUT_SESSION_ID}"
CHANGED = "This form was sent already, or is not the one that was shown last. Please look at it again."
CLOSED = "This link is no longer active."
TEXT_LIMIT = 40


class Line(NamedTuple):
    """One line of the page: what is sold and how many, what they cost, and what whoever pays may say of it."""

    id: str
    description: str
    quantity: int
    fewest: int | None
    most: int | None
    total: int
    offered: str | None


class ByLine(String):
    """What was put in for lines, by their ids."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise complain("Invalid object")
        return {name: text.strip() for name, text in value.items() if len(text) <= TEXT_LIMIT}


class FormParams(Params):
    """What the page's form sends."""

    amounts = ByLine()
    card = Enum(tuple(CARDS), required=True)
    email = Email(required=True)
    form = String(required=True)
    name = String(max_length=150)
    quantities = ByLine()


# What somebody does


def open_link(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """A new page for whoever opens a link. 404 for an address that is none."""
    tenant, id = named(tenants, token)
    with tenant.writing() as step:
        owner, link = whose(World(step, step.row.platform), PaymentLink, id)
        world = World(step, owner)
        if closed(world, link) is not None:
            return without_form(world, link)
        visit = PaymentPage(
            id=world.new_id(OF_SESSIONS), created=world.now, form=world.new_id("form"), payment_link=link.id
        )
        return page(world, world.put(visit))


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """A page as it is now: the form, what comes after the payment, or the bank's. 404 for an address that is none."""
    tenant, id = named(tenants, token)
    with tenant.reading() as step:
        owner, visit = whose(World(step, step.row.platform), PaymentPage, id)
        return onwards(World(step, owner), visit)


def hand_in(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """Pay with the card that was chosen, and go on. What is refused is said on the page, and nothing has changed."""
    tenant, id = named(tenants, token)
    try:
        with tenant.writing() as step:
            owner, visit = whose(World(step, step.row.platform), PaymentPage, id)
            world = World(step, owner)
            link = world.get(PaymentLink, visit.payment_link)
            if visit.is_paid:
                return led_to(address(world, visit))
            if closed(world, link) is not None:
                return without_form(world, link)
            if not hmac.compare_digest(params["form"].encode(), visit.form.encode()):
                return page(world, visit, params, CHANGED, status=409)
            return onwards(world, tried(world, link, visit, params), params, is_new=True)
    except ApiError as refusal:
        if refusal.status == 404:
            raise
        return refused(tenant, id, params, refusal.message)


def refused(tenant: Tenant, id: str, params: dict[str, Any], why: str) -> Content:
    """The page again, as it was filled in, with what is wrong."""
    with tenant.reading() as step:
        owner, visit = whose(World(step, step.row.platform), PaymentPage, id)
        return page(World(step, owner), visit, params, why, status=400)


def tried(world: World, link: PaymentLink, visit: PaymentPage, params: dict[str, Any]) -> PaymentPage:
    """The visit after an attempt to pay; whether that went well is said by its payment intent.

    400 for how many cannot be bought and for amounts that cannot be charged.
    """
    found = lines(world, link, params)
    refuse_brand(link, params["card"])
    name = params.get("name")
    start = payment_methods.of_token(world, cards.OF_METHODS + params["card"])
    assert start is not None, f"{params['card']} is no test card"
    holder = {"email": params["email"]} | ({"name": name} if name else {})
    method = world.put(replace(start, billing_details={**start.billing_details, **holder}))
    if visit.customer is None and makes_customer(link):
        visit = replace(visit, customer=customers.create(world, holder).id)
    said = of_intent(link, visit, sum(line.total for line in found))
    if visit.payment_intent is None:
        intent = payment_intents.create(world, {**said, "allowed_payment_method_types": ["card"]})
    else:
        intent = payment_intents.update(world, {"amount": said["amount"]}, visit.payment_intent)
    visit = world.put(replace(visit, form=world.new_id("form"), payment_intent=intent.id))
    try:
        back = world.url(address(world, visit))
        payment_intents.confirm(world, {"payment_method": method.id, "return_url": back}, intent.id)
    except ApiError as refusal:
        if not refusal.keeps_changes:  # what the bank declines is on record
            raise
    return world.get(PaymentPage, visit.id)


def of_intent(link: PaymentLink, visit: PaymentPage, amount: int) -> dict[str, Any]:
    """What a payment intent of a link begins with. Pure."""
    data = link.payment_intent_data or {}
    transfer = link.transfer_data
    said = {
        **{name: value for name, value in data.items() if name != "metadata"},
        "application_fee_amount": link.application_fee_amount,
        "customer": visit.customer,
        "metadata": data.get("metadata"),
        "on_behalf_of": link.on_behalf_of,
        "transfer_data": transfer and {name: value for name, value in transfer.items() if value is not None},
    }
    kept = {name: value for name, value in said.items() if value is not None}
    return {**kept, "amount": amount, "currency": link.currency}


def makes_customer(link: PaymentLink) -> bool:
    """Whether a payment makes a customer: where the link says so, or the card is to be used again. Pure."""
    return link.customer_creation == "always" or bool((link.payment_intent_data or {}).get("setup_future_usage"))


def refuse_brand(link: PaymentLink, card: str) -> None:
    """400 for a card of a brand that the link does not take."""
    if card not in taken(link):
        raise invalid("This card's brand is not accepted here.", param="card")


def charged(world: World, charge: Charge) -> None:
    """A charge was paid; if it was on a page, that has done its work."""
    if charge.payment_intent is not None:
        for visit in world.all(PaymentPage, payment_intent=charge.payment_intent):
            world.put(replace(visit, is_paid=True))


# What is on the page


def closed(world: World, link: PaymentLink) -> str | None:
    """Why nothing can be paid at a link, in words for whoever opens it; None where something can."""
    if not link.active or not (world.is_platform or world.may_act(world.account)):
        return link.inactive_message or CLOSED
    if link.limit is not None and link.completed(world)["count"] >= link.limit:
        return link.inactive_message or CLOSED
    if link.is_recurring:
        return "This link begins a subscription, and this emulator has none."
    if not taken(link):
        return "This link takes no cards, and nothing else can be paid with here."
    return None


def taken(link: PaymentLink) -> list[str]:
    """The test cards that a link takes. Pure."""
    if link.payment_method_types is not None and "card" not in link.payment_method_types:
        return []
    options = ((link.payment_method_options or {}).get("card") or {}).get("restrictions") or {}
    blocked = options.get("brands_blocked") or ()
    brands = {name: cards.BY_TOKEN[name].brand for name in CARDS}
    return [name for name, brand in brands.items() if BRANDS.get(brand, brand) not in blocked]


def lines(world: World, link: PaymentLink, params: dict[str, Any]) -> list[Line]:
    """What is bought, with what was put in. 400 for what cannot be."""
    return [line(world, link, item, params) for item in items_of(world, link.id)]


def line(world: World, link: PaymentLink, item: LineItem, params: dict[str, Any]) -> Line:
    """One line of it."""
    price = world.get(Price, item.price)
    adjustable = item.adjustable_quantity or {}
    fewest, most = adjustable.get("minimum"), adjustable.get("maximum")
    quantity = item.quantity
    sent = params.get("quantities", {}).get(item.id)
    if sent is not None and fewest is not None and most is not None:
        if not sent.isascii() or not sent.isdigit() or not fewest <= int(sent) <= most:
            raise invalid(f"Please choose between {fewest} and {most}.", param="quantities")
        quantity = int(sent)
    choice = amount_in(price, link.currency, "custom_unit_amount")
    chosen = None
    if choice is not None:
        text = params.get("amounts", {}).get(item.id)
        chosen = choice["preset"] or choice["minimum"] or 0 if text is None else in_minor_units(text, link.currency)
        if not (choice["minimum"] or 0) <= chosen <= (choice["maximum"] or amounts.MOST):
            raise invalid("This amount cannot be chosen.", param="amounts")
    digits = amounts.decimals(link.currency)
    return Line(
        id=item.id,
        description=world.render(item)["description"] or "",
        quantity=quantity,
        fewest=fewest,
        most=most,
        total=cost(price, link.currency, quantity, chosen),
        offered=None if chosen is None else f"{Decimal(chosen).scaleb(-digits):.{digits}f}",
    )


def in_minor_units(text: str, currency: str) -> int:
    """An amount as people write it. 400 for none."""
    try:
        amount = Decimal(text).scaleb(amounts.decimals(currency))
    except InvalidOperation:
        raise invalid("Please put in an amount.", param="amounts") from None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= amounts.MOST:
        raise invalid("Please put in an amount.", param="amounts")
    return int(amount)


def onwards(world: World, visit: PaymentPage, params: dict[str, Any] | None = None, *, is_new: bool = False) -> Content:
    """Where somebody goes from a page as it is: after the payment, to the bank, or on trying."""
    link = world.get(PaymentLink, visit.payment_link)
    if visit.is_paid:
        return led_to(address(world, visit)) if is_new else completed(world, link, visit)
    intent = world.find(PaymentIntent, visit.payment_intent)
    if intent is None:
        return without_form(world, link) if closed(world, link) is not None else page(world, visit)
    if intent.status == "requires_action":
        return led_to(world.render(intent)["next_action"]["redirect_to_url"]["url"])
    if intent.status == "canceled" or closed(world, link) is not None:
        return without_form(world, link)
    why = (intent.last_payment_error or {}).get("message", "")
    return page(world, visit, params, why, status=402 if is_new else 200)


def completed(world: World, link: PaymentLink, visit: PaymentPage) -> Content:
    """What a link says comes after a payment. An address may ask for the session's id, which is the page's here."""
    after = link.after_completion
    if after["type"] == "redirect":
        return led_to(after["redirect"]["url"].replace(SESSION_ID, visit.id))
    says = after["hosted_confirmation"]["custom_message"]
    return drawn("Thank you", message=says or "Your payment was successful.", is_done=True)


def without_form(world: World, link: PaymentLink) -> Content:
    """The page of a link at which nothing can be paid."""
    return drawn("Not for sale", message=closed(world, link) or CLOSED)


def page(
    world: World, visit: PaymentPage, params: dict[str, Any] | None = None, message: str = "", status: int = 200
) -> Content:
    """The form as HTML; everything in it is escaped."""
    link = world.get(PaymentLink, visit.payment_link)
    sent = params or {}
    try:
        found = lines(world, link, sent)
    except ApiError:  # what was put in is what is refused
        found = lines(world, link, {})
    return drawn(
        "For sale",
        message=message,
        status=status,
        cards=list(choices(link)),
        chosen=sent.get("card"),
        currency=link.currency,
        email=sent.get("email", ""),
        form=visit.form,
        here=address(world, visit),
        lines=found,
        name=sent.get("name", ""),
        says=(link.custom_text.get("submit") or {}).get("message"),
        total=amounts.written(sum(line.total for line in found), link.currency),
        written=lambda amount: amounts.written(amount, link.currency),
    )


def choices(link: PaymentLink) -> Iterator[tuple[str, str]]:
    """The cards that can be chosen: their names, and their numbers with what comes of them."""
    for name in taken(link):
        card = cards.BY_TOKEN[name]
        decline = None if CARDS[name] != "is declined" else card.decline
        reason = f" ({decline.decline_code or decline.code})" if decline is not None else ""
        number = " ".join(card.number[place : place + 4] for place in range(0, len(card.number), 4))
        yield name, f"{number}, {card.brand}: {CARDS[name]}{reason}"


def drawn(title: str, *, status: int = 200, **more: Any) -> Content:
    """The page with something on it."""
    content = PAGES.get_template("payment_page.html").render(title=title, **more)
    return Content(content.encode(), "text/html", HEADERS, status)


# Addresses


def address(world: World, visit: PaymentPage) -> str:
    """Where somebody's page is, on this server by whatever name it is called."""
    return VISIT + token_of(world, visit.id)


def named(tenants: Tenants, token: str) -> tuple[Tenant, str]:
    """The tenant and what stands behind its name in a token. 404 where there is none."""
    found = tenants.named_by(token)
    if found is None:
        raise no_page()
    return found


def whose(world: World, kind: type[Any], id: str) -> tuple[str, Any]:
    """The owner and the record of an id, whosever it is. 404 where there is none."""
    found = world.anywhere(kind, id)
    if found is None:
        raise no_page()
    return found


def led_to(url: str) -> Content:
    """303: the browser goes there."""
    return Content(b"", "text/html", {**HEADERS, "Location": url}, 303)


def no_page() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is no payment link at this address.")


RECORDS: tuple[type, ...] = ()
WHEN = {"payments.charge.succeeded": charged}
ROUTES = [
    GET(PATH + "{token}", open_link, scope="server"),
    GET(VISIT + "{token}", read, scope="server"),
    POST(VISIT + "{token}", hand_in, FormParams, scope="server"),
]
