"""Payment intents: one sum of money that is to be taken from somebody, however many attempts that needs.

    requires_payment_method, requires_action ── choose ──▶ requires_confirmation
    requires_confirmation ── ask ──▶ requires_action          3D Secure
    requires_confirmation, requires_action ── pay ──▶ succeeded
    requires_confirmation, requires_action ── hold ──▶ requires_capture ── pay ──▶ succeeded
    requires_confirmation ── wait ──▶ processing ── pay ──▶ succeeded          bank accounts
    requires_confirmation, requires_action, processing ── fail ──▶ requires_payment_method
    requires_payment_method, requires_confirmation ── cancel ──▶ canceled
    requires_action, requires_capture ── cancel ──▶ canceled

Each attempt that reaches a bank is a charge. A card is charged at once, or held for seven days with `capture_method`
`manual`. With the newest versions' `automatic_async` the charge's money is booked a moment after the reply.
Source: https://docs.stripe.com/api/payment_intents, https://docs.stripe.com/payments/paymentintents/lifecycle and
recorded replies
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Any

from emulator.connect.records.accounts import application_of
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, doc_url, exclusive, invalid, missing
from emulator.kernel.ids import base62, object_id
from emulator.kernel.ids import group_of as group_of_ids
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import listed, lists
from emulator.kernel.params import (
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World
from emulator.payments import amounts, authentication, charging, mandates, not_built, payment_methods, recipients
from emulator.payments import card_test_numbers as cards
from emulator.payments import customer as customers
from emulator.payments.card_test_numbers import Decline
from emulator.payments.charge import Charge
from emulator.payments.declines import declined, whole
from emulator.payments.mandates import Mandate
from emulator.payments.payment_intent_params import (
    CancelParams,
    CaptureParams,
    ConfirmParams,
    CreateParams,
    PaymentIntentListParams,
    RetrieveParams,
    UpdateParams,
)
from emulator.payments.payment_methods import PaymentMethod
from emulator.payments.setup_intents import (
    automatic,
    with_types,
)

LIFECYCLE = Lifecycle(
    "requires_payment_method",
    {
        "requires_payment_method": {"choose": "requires_confirmation", "cancel": "canceled"},
        "requires_confirmation": {
            "ask": "requires_action",
            "pay": "succeeded",
            "hold": "requires_capture",
            "wait": "processing",
            "fail": "requires_payment_method",
            "cancel": "canceled",
        },
        "requires_action": {
            "choose": "requires_confirmation",
            "pay": "succeeded",
            "hold": "requires_capture",
            "fail": "requires_payment_method",
            "cancel": "canceled",
        },
        "processing": {"pay": "succeeded", "fail": "requires_payment_method"},
        "requires_capture": {"pay": "succeeded", "cancel": "canceled"},
        "succeeded": {},
        "canceled": {},
    },
)
PAST = {"cancel": "canceled", "capture": "captured", "confirm": "confirmed", "update": "updated"}
# From which statuses each can be done.
ALLOWED = {
    "cancel": tuple(status for status, moves in LIFECYCLE.moves.items() if "cancel" in moves),
    "capture": ("requires_capture",),
    "confirm": ("requires_payment_method", "requires_confirmation", "requires_action"),
    "update": ("requires_payment_method", "requires_confirmation", "requires_action"),
}
SECRET_LENGTH = 25
SHOWN = 10  # charges that an intent shows itself, to older clients
NEEDS = {
    "amount_details": "details of amounts",
    "confirmation_token": "confirmation tokens",
    "customer_account": "customers that are accounts",
    "hooks": "taxes on payments",
    "payment_method_configuration": "configurations of payment methods",
    "radar_options": "Radar sessions",
}
ALWAYS_MAY_CHANGE = {"description", "metadata", "receipt_email", "shipping", "transfer_group"}
REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    None,
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again.",
)
# What somebody may see who has but the publishable key and the client secret.
# Source: https://docs.stripe.com/js/payment_intents, as the browser gets it
PUBLIC = (
    "id",
    "object",
    "allowed_payment_method_types",
    "amount",
    "amount_details",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "excluded_payment_method_types",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
)


def fill_charges(world: World, intent: PaymentIntent, rendered: dict[str, Any]) -> None:
    """The attempts to charge, newest first, as versions before 2022-11-15 have them."""
    rows = [world.render(one) for one in world.all(Charge, payment_intent=intent.id)]
    url = f"/v1/charges?payment_intent={intent.id}"
    rendered["charges"] = {**listed(rows[:SHOWN], url, has_more=len(rows) > SHOWN), "total_count": len(rows)}


@record(
    "payment_intent",
    prefix="pi",
    noun="payment_intent",
    path_param="intent",
    filters=("customer",),
    hidden=("asks", "is_authenticated", "mandate", "off_session", "return_url"),
    expands=(
        "customer",
        "latest_charge",
        "on_behalf_of",
        "payment_method",
        "transfer_data.destination",
    ),
    includes={"charges": Include(fill_charges, before="X1", is_gone=True)},
    silent=(  # an update is no event, and may take back a confirmation
        "allowed_payment_method_types",
        "amount",
        "application_fee_amount",
        "capture_method",
        "currency",
        "customer",
        "description",
        "excluded_payment_method_types",
        "last_payment_error",
        "latest_charge",
        "metadata",
        "payment_details",
        "payment_method",
        "payment_method_options",
        "payment_method_types",
        "receipt_email",
        "setup_future_usage",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "status",
        "transfer_data",
        "transfer_group",
    ),
)
class PaymentIntent:
    """An intent to be paid. Amounts in minor units.

    `asks` says that the holder of the card has been asked to authenticate, `is_authenticated` that this went well and
    the account is to confirm the payment once more; `return_url` is where it leads back to,
    `mandate` the permission to take money from a bank account, `off_session` that nobody was there to be asked.
    """

    id: str
    created: int
    amount: int
    client_secret: str
    currency: str
    allowed_payment_method_types: list[str] | None = None
    amount_capturable: int = 0
    amount_received: int = 0
    application_fee_amount: int | None = None
    asks: bool = False
    automatic_payment_methods: dict[str, Any] | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    capture_method: str = "automatic_async"
    confirmation_method: str = "automatic"
    customer: str | None = None
    description: str | None = None
    excluded_payment_method_types: list[str] | None = None
    last_payment_error: dict[str, Any] | None = None
    is_authenticated: bool = False
    latest_charge: str | None = None
    mandate: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    off_session: bool = False
    on_behalf_of: str | None = None
    payment_details: dict[str, Any] | None = None
    payment_method: str | None = None
    payment_method_options: dict[str, Any] = field(default_factory=dict)
    payment_method_types: list[str] = field(default_factory=list)
    receipt_email: str | None = None
    return_url: str | None = None
    setup_future_usage: str | None = None
    shipping: dict[str, Any] | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    status: str = LIFECYCLE.start
    transfer_data: dict[str, Any] | None = None
    transfer_group: str | None = None

    @property
    def group(self) -> str:
        """What the ids of all that belongs to this payment have in common."""
        return self.id.partition("_")[2][:16]

    def render(self, world: World) -> dict[str, Any]:
        """The intent as the API shows it to those with a secret key."""
        is_asked = authentication.is_asked(self)
        members = shown(
            self,
            amount_details={"tip": {}},
            application=None if world.is_platform else application_of(world),
            customer_account=None,
            next_action=authentication.next_action(world, self.id, self.return_url) if is_asked else None,
            payment_method_configuration_details=None,
            payment_method_options=options_shown(self),
            processing=None,
            review=None,
            source=None,
        )
        if self.payment_details is None:
            del members["payment_details"]
        return members


def options_shown(intent: PaymentIntent) -> dict[str, Any]:
    """The options of each type that the intent may take."""
    known: dict[str, Any] = {
        "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
        "us_bank_account": {"mandate_options": {}, "verification_method": "automatic"},
    }
    sent = intent.payment_method_options
    return {name: {**known[name], **sent.get(name, {})} for name in known if name in intent.payment_method_types}


# Who may look


def known(world: World, params: dict[str, Any], id: str) -> PaymentIntent:
    """The intent of an id. 404 for none; 400 for another client secret, and for none with a publishable key."""
    intent = world.get(PaymentIntent, id)
    secret = params.get("client_secret")
    if secret is None and world.is_publishable:
        raise missing("client_secret")
    if secret is not None and secret != intent.client_secret:
        raise invalid(
            "The client_secret provided does not match the client_secret associated with the PaymentIntent.",
            code="payment_intent_invalid_parameter",
            param="client_secret",
        )
    return intent


def for_reader(world: World, intent: PaymentIntent) -> PaymentIntent | dict[str, Any]:
    """The intent, or with a publishable key the part of it that a browser may see."""
    if not world.is_publishable:
        return intent
    return {name: value for name, value in world.render(intent).items() if name in PUBLIC}


def retrieve(world: World, params: dict[str, Any], id: str) -> PaymentIntent | dict[str, Any]:
    """Read one intent; with a publishable key only with its client secret, and without what is the account's own."""
    return for_reader(world, known(world, params, id))


retrieve.is_retrieve = True  # type: ignore[attr-defined]


# Making and changing


def create(world: World, params: dict[str, Any]) -> PaymentIntent:
    """Begin to be paid, and confirm that with `confirm`.

    400 for amounts that cannot be charged, for a destination that cannot be paid, for a fee without one, for a payment
    method that is somebody else's, and for what belongs to a confirmation without one; everything that `confirm`
    refuses, besides.
    """
    not_built.refuse(params, NEEDS)
    confirms = params.get("confirm", False)
    for name in ("error_on_requires_action", "mandate", "mandate_data", "off_session", "return_url"):
        if name in params and not confirms:
            raise invalid(f"You can only pass `{name}` when `confirm` is true.", param=name)
    if "on_behalf_of" in params:
        recipients.settles(world, params["on_behalf_of"])
    common = group_of_ids(object_id("pi", world.now, world.account, 0))
    id = world.new_id("pi", group=common)
    default = "automatic" if world.predates("P1") else "automatic_async"
    start = PaymentIntent(
        id=id,
        created=world.now,
        amount=params["amount"],
        automatic_payment_methods=automatic(world, params),
        capture_method=default,
        client_secret=f"{id}_secret_{base62(world.draw('client_secret'), SECRET_LENGTH)}",
        confirmation_method=params.get("confirmation_method", "automatic"),
        currency=params["currency"],
        on_behalf_of=params.get("on_behalf_of"),
    )
    intent = world.put(changed(world, start, params))
    world.emit("payment_intent.created", intent)
    return confirmed(world, intent, params) if confirms else intent


def changed(world: World, intent: PaymentIntent, params: dict[str, Any]) -> PaymentIntent:
    """The intent with what was sent, its payment method too. 400 for what cannot stand together."""
    plain = (
        "amount",
        "application_fee_amount",
        "capture_method",
        "currency",
        "customer",
        "description",
        "excluded_payment_method_types",
        "payment_details",
        "receipt_email",
        "return_url",
        "setup_future_usage",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_group",
    )
    changes: dict[str, Any] = {name: params[name] for name in plain if name in params}
    if "customer" in changes:
        customers.known(world, changes["customer"], param="customer")
    if "shipping" in params:
        changes["shipping"] = shipping(params["shipping"])
    new = replace(intent, metadata=merged_metadata(intent.metadata, params), **changes)
    if new.amount != intent.amount or new.currency != intent.currency or intent.status == LIFECYCLE.start:
        amounts.check(new.amount, new.currency)
    new = with_destination(world, new, params)
    refuse_too_much(new, new.amount)
    refuse_fee(world, new)
    options = options_after(new.payment_method_options, params.get("payment_method_options", {}))
    new = replace(with_types(world, new, params), payment_method_options=options)
    return with_payment_method(world, new, params)


def options_after(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The options with what was sent. 501 for what would be charged in another way than here."""
    card, bank = sent.get("card") or {}, sent.get("us_bank_account") or {}
    not_built.refuse(
        {f"payment_method_options[card][{name}]": value for name, value in card.items()},
        {
            "payment_method_options[card][cvc_token]": "tokens of security codes",
            "payment_method_options[card][installments]": "installments",
            "payment_method_options[card][mandate_options]": "mandates on cards",
            "payment_method_options[card][three_d_secure]": "3D Secure by others",
        },
    )
    if bank.get("verification_method") == "instant":
        raise not_built.not_built(
            "Financial Connections", param="payment_method_options[us_bank_account][verification_method]"
        )
    kept = {
        "card": (
            "capture_method",
            "network",
            "request_three_d_secure",
            "require_cvc_recollection",
            "setup_credential_usage",
            "setup_future_usage",
            "stored_credential_usage",
        ),
        "us_bank_account": (
            "financial_connections",
            "mandate_options",
            "setup_future_usage",
            "target_date",
            "transaction_purpose",
            "verification_method",
        ),
    }
    found = {"card": card, "us_bank_account": bank}
    options = {}
    for kind, names in kept.items():
        after = {**stored.get(kind, {}), **{name: found[kind][name] for name in names if name in found[kind]}}
        options[kind] = {name: value for name, value in after.items() if value is not None}
    return options


def shipping(sent: dict[str, Any] | None) -> dict[str, Any] | None:
    """Where things are sent, every member of it shown."""
    if sent is None:
        return None
    address = {**payment_methods.NO_ADDRESS, **sent["address"]}
    return {"carrier": None, "phone": None, "tracking_number": None, **sent, "address": address}


def with_destination(world: World, intent: PaymentIntent, params: dict[str, Any]) -> PaymentIntent:
    """The same with the account that is to be paid. 400 for one that cannot be, and for more than the whole."""
    sent = params.get("transfer_data")
    if sent is None:
        return intent
    not_built.refuse(
        {f"transfer_data[{name}]": value for name, value in sent.items()},
        {
            "transfer_data[description]": "descriptions of transfers that charges make",
            "transfer_data[metadata]": "metadata of transfers that charges make",
            "transfer_data[payment_data]": "descriptions of payments that charges make",
        },
    )
    before = intent.transfer_data or {"amount": None}
    if "destination" in sent:
        recipients.receiver(world, sent["destination"], param="transfer_data[destination]")
    elif "destination" not in before:
        raise missing("transfer_data[destination]")
    return replace(intent, transfer_data={**before, **sent})


def refuse_too_much(intent: PaymentIntent, amount: int) -> None:
    """400 for more to transfer than is to be paid."""
    if intent.transfer_data is not None and (intent.transfer_data["amount"] or 0) > amount:
        raise invalid(
            "The transfer_data[amount] must not be greater than the amount of the PaymentIntent.",
            param="transfer_data[amount]",
        )


def refuse_fee(world: World, intent: PaymentIntent) -> None:
    """400 for a fee that nobody could be charged, beside an amount to transfer, or of more than the whole."""
    fee, param = intent.application_fee_amount, "application_fee_amount"
    if fee is None:
        return
    if world.is_platform and intent.transfer_data is None:
        raise invalid(
            "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an "
            "OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
            param=param,
        )
    if intent.transfer_data is not None and intent.transfer_data["amount"] is not None:
        raise exclusive("transfer_data[amount]", param)
    if fee > intent.amount:
        raise invalid(
            f"The application fee amount ({fee}) cannot be greater than the amount of the PaymentIntent "
            f"({intent.amount}).",
            param=param,
        )


def with_payment_method(world: World, intent: PaymentIntent, params: dict[str, Any]) -> PaymentIntent:
    """The same with the payment method that was sent, which is kept. 400 unless the intent may take it."""
    chosen = payment_methods.chosen(world, params, intent.payment_method)
    if chosen is None:
        return intent
    method, param = chosen
    refuse_stranger(intent, method, param)
    if method.id == intent.payment_method:
        return intent
    world.put(method)
    status = intent.status if intent.status == "requires_confirmation" else LIFECYCLE.after(intent.status, "choose")
    return replace(intent, asks=False, is_authenticated=False, payment_method=method.id, status=status)


def refuse_stranger(intent: PaymentIntent, method: PaymentMethod, param: str) -> None:
    """400 for a payment method of another type, of another customer, or of no use any more."""
    if method.type not in intent.payment_method_types:
        raise invalid(
            f"The PaymentMethod provided ({method.type}) is not allowed for this PaymentIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent.payment_method_types)}. Alternatively "
            "update the allowed payment_method_types for this PaymentIntent to include it.",
            param=param,
        )
    if method.type == "us_bank_account" and intent.currency != "usd":
        raise invalid(
            f"The currency provided ({intent.currency}) is invalid for one or more payment method types on this "
            "PaymentIntent: us_bank_account takes usd.",
            code="payment_intent_invalid_parameter",
            param="currency",
        )
    if method.customer is not None and method.customer != intent.customer:
        raise invalid(
            f"The PaymentMethod {method.id} belongs to the Customer {method.customer}. Please include the Customer in "
            "the `customer` parameter on the PaymentIntent.",
            param=param,
        )
    if method.is_used_up or (method.is_self and intent.customer is not None):
        raise invalid(payment_methods.USED_UP, code="payment_method_unexpected_state", param=param)


def update(world: World, params: dict[str, Any], id: str) -> PaymentIntent:
    """Change an intent that is not paid yet. Of others only what nobody is charged by may change."""
    intent = world.get(PaymentIntent, id)
    not_built.refuse(params, NEEDS)
    if intent.status not in ALLOWED["update"]:
        if set(params) - ALWAYS_MAY_CHANGE:
            raise unexpected(world, intent, "update")
        names = ALWAYS_MAY_CHANGE - {"metadata", "shipping"}
        changes: dict[str, Any] = {name: params[name] for name in sorted(names) if name in params}
        if "shipping" in params:
            changes["shipping"] = shipping(params["shipping"])
        return world.put(replace(intent, metadata=merged_metadata(intent.metadata, params), **changes))
    return world.put(changed(world, intent, params))


def unexpected(world: World, intent: PaymentIntent, verb: str) -> ApiError:
    """400 `payment_intent_unexpected_state` with the whole intent."""
    noun = {"cancel": "cancel this", "capture": "capture this", "confirm": "confirm this", "update": "update this"}[
        verb
    ]
    text = (
        f"You cannot {noun} PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent with one "
        f"of the following statuses may be {PAST[verb]}: {', '.join(ALLOWED[verb])}."
    )
    if verb == "capture":
        text = (
            f"This PaymentIntent could not be captured because it has a status of {intent.status}. Only a "
            "PaymentIntent with one of the following statuses may be captured: requires_capture."
        )
    elif verb == "confirm" and intent.status == "succeeded":
        text = (
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed."
        )
    return in_wrong_state(world, intent, text)


def in_wrong_state(world: World, intent: PaymentIntent, text: str) -> ApiError:
    """400 with the whole intent."""
    objects = {"payment_intent": whole(world, for_reader(world, intent))}
    return ApiError(400, text, code="payment_intent_unexpected_state", more=objects)


# Confirming


def confirm(world: World, params: dict[str, Any], id: str) -> PaymentIntent | dict[str, Any]:
    """Have the payment method charged, or its amount held; a bank account pays later.

    400 without a payment method, for a bank account without a mandate, without a `return_url` where methods may
    redirect, for what has come to an end, and with a publishable key where only the account may confirm; 402 for a
    card that its bank declines, which leaves the intent without a payment method.
    """
    intent = known(world, params, id)
    not_built.refuse(params, NEEDS)
    if intent.status not in ALLOWED["confirm"]:
        raise unexpected(world, intent, "confirm")
    if world.is_publishable and intent.confirmation_method == "manual":
        raise invalid(
            "This PaymentIntent cannot be confirmed using your publishable key because its `confirmation_method` is "
            "set to `manual`. Please use your secret key instead, or create a PaymentIntent with `confirmation_method` "
            "set to `automatic`.",
            code="payment_intent_invalid_parameter",
        )
    if params.get("amount_to_confirm", intent.amount) != intent.amount:
        raise invalid(
            f"The provided amount_to_confirm does not match the amount of the PaymentIntent ({intent.amount}).",
            param="amount_to_confirm",
        )
    return for_reader(world, confirmed(world, world.put(changed(world, intent, params)), params))


def confirmed(world: World, intent: PaymentIntent, params: dict[str, Any]) -> PaymentIntent:
    """The intent after an attempt to be paid."""
    if intent.payment_method is None:
        raise in_wrong_state(
            world,
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
        )
    if intent.status == "requires_action":
        return intent
    recipients.check(world, intent.transfer_data, intent.on_behalf_of)
    is_alone = params.get("off_session", False)
    refuse_redirects(world, intent, params, is_alone)
    intent = replace(intent, off_session=is_alone)
    method = world.get(PaymentMethod, str(intent.payment_method))
    if method.type == "us_bank_account":
        return debited(world, intent, method, params)
    if not must_ask(intent, method):
        return charged(world, intent, method)
    if is_alone or params.get("error_on_requires_action"):
        raise failed_by(world, intent, method, REQUIRED)
    asking = world.put(LIFECYCLE.follow(intent, "ask", asks=True, last_payment_error=None))
    world.emit("payment_intent.requires_action", asking)
    return asking


def refuse_redirects(world: World, intent: PaymentIntent, params: dict[str, Any], is_alone: bool) -> None:
    """400 where methods are offered that may lead the payer elsewhere, and nobody says where to come back.

    What names no version is let off, as the Stripe CLI's triggers are.
    """
    offered = intent.automatic_payment_methods
    may_lead_away = offered and offered["enabled"] and offered["allow_redirects"] == "always"
    if may_lead_away and intent.return_url is None and not is_alone and world.names_version:
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. If "
            "you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )
    if "error_on_requires_action" in params and offered and not is_alone:
        raise invalid(
            "`error_on_requires_action` can only be used where the types of payment methods are named, not with "
            "automatic payment methods.",
            param="error_on_requires_action",
        )


def must_ask(intent: PaymentIntent, method: PaymentMethod) -> bool:
    """Whether the holder of a card has to authenticate this payment. Pure."""
    if intent.is_authenticated or (charging.declines(method) and method.number not in cards.ASKED_ALWAYS):
        return False
    if method.number in cards.ASKED_ALWAYS:
        return True
    if intent.off_session:
        return method.number in cards.ASKED_UNLESS_SET_UP and not method.directions
    request = intent.payment_method_options.get("card", {}).get("request_three_d_secure", "automatic")
    return request != "automatic" or method.number in cards.ASKED_ON_SESSION


def charged(world: World, intent: PaymentIntent, method: PaymentMethod) -> PaymentIntent:
    """The intent once its card was charged, or its amount held. 402 if the bank declines."""
    decline = charging.declines(method)
    is_manual = is_held_first(intent)
    charge = charging.charge(
        world,
        method,
        amount=intent.amount,
        currency=intent.currency,
        group=intent.group,
        captures=not is_manual,
        books_at_once=intent.capture_method != "automatic_async",
        three_d_secure=authentication.AUTHENTICATED if intent.is_authenticated else None,
        **members_of_charge(intent),
    )
    intent = replace(intent, asks=False, is_authenticated=False, latest_charge=charge.id)
    if decline is not None:
        raise failed_by(world, intent, method, decline, charge)
    save(world, intent, method)
    if is_manual:
        held = LIFECYCLE.follow(intent, "hold", amount_capturable=intent.amount, last_payment_error=None)
        world.put(held)
        world.emit("payment_intent.amount_capturable_updated", held, previous={"amount_capturable": 0})
        return held
    return paid(world, intent, charge)


def is_held_first(intent: PaymentIntent) -> bool:
    """Whether the amount is only held."""
    cards_own = intent.payment_method_options.get("card", {}).get("capture_method")
    return "manual" in (intent.capture_method, cards_own)


def members_of_charge(intent: PaymentIntent) -> dict[str, Any]:
    """What a charge of an intent has of it."""
    same = (
        "application_fee_amount",
        "customer",
        "description",
        "metadata",
        "on_behalf_of",
        "receipt_email",
        "shipping",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "transfer_data",
    )
    shared = intent.transfer_group
    if intent.transfer_data is not None and shared is None:
        shared = f"group_{intent.id}"
    return {**{name: getattr(intent, name) for name in same}, "payment_intent": intent.id, "transfer_group": shared}


def save(world: World, intent: PaymentIntent, method: PaymentMethod) -> None:
    """The payment method after a payment: the customer's if it is to be used again, else of no more use."""
    usage = intent.setup_future_usage
    checked = payment_methods.with_checks(method)
    if usage is not None and intent.customer is not None:
        saved = replace(
            checked, directions=checked.directions or ["inbound"], mandate=intent.mandate or checked.mandate
        )
        payment_methods.attach_to(world, world.put(saved), intent.customer)
    elif not method.is_attached:
        world.put(replace(checked, is_used_up=True))


def paid(world: World, intent: PaymentIntent, charge: Charge) -> PaymentIntent:
    """The money has been taken."""
    done = LIFECYCLE.follow(
        intent,
        "pay",
        amount_capturable=0,
        amount_received=charge.amount_captured,
        last_payment_error=None,
        latest_charge=charge.id,
        transfer_group=intent.transfer_group or charge.transfer_group,
    )
    world.put(done)
    world.emit("payment_intent.succeeded", done)
    return done


def failed(
    world: World, intent: PaymentIntent, method: PaymentMethod, why: dict[str, Any], charge: Charge | None = None
) -> PaymentIntent:
    """The attempt has come to nothing: the intent has no payment method any more, and says why."""
    error = {
        "charge": None if charge is None else charge.id,
        **why,
        "doc_url": doc_url(why["code"]),
        "payment_method": world.render(method),
    }
    kept = {name: value for name, value in error.items() if value is not None}
    new = LIFECYCLE.follow(intent, "fail", asks=False, last_payment_error=kept, payment_method=None)
    world.put(new)
    world.emit("payment_intent.payment_failed", new)
    return new


def failed_by(
    world: World, intent: PaymentIntent, method: PaymentMethod, decline: Decline, charge: Charge | None = None
) -> ApiError:
    """402 with the whole objects; what has become of the intent is kept."""
    why = {
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "param": decline.param,
        "type": "card_error",
    }
    new = failed(world, intent, method, why, charge)
    objects = {"payment_intent": whole(world, for_reader(world, new)), "payment_method": whole(world, method)}
    if charge is not None:
        objects["charge"] = charge.id  # type: ignore[assignment]
    return declined(decline, keeps_changes=True, **objects)


# Bank accounts


def debited(world: World, intent: PaymentIntent, method: PaymentMethod, params: dict[str, Any]) -> PaymentIntent:
    """The intent of a bank account, which waits for the bank. 400 without a mandate, 501 for one to verify first."""
    if not method.is_verified:
        raise not_built.not_built(
            "micro-deposits for payments; verify the bank account by a SetupIntent first", param="payment_method"
        )
    mandate = agreed(world, intent, method, params)
    charge = charging.charge(
        world,
        method,
        amount=intent.amount,
        currency=intent.currency,
        group=intent.group,
        mandate=mandate.id,
        **members_of_charge(intent),
    )
    mandates.change(world, mandate.id, "active")
    waiting = LIFECYCLE.follow(intent, "wait", last_payment_error=None, latest_charge=charge.id, mandate=mandate.id)
    world.put(waiting)
    world.emit("payment_intent.processing", waiting)
    return waiting


def agreed(world: World, intent: PaymentIntent, method: PaymentMethod, params: dict[str, Any]) -> Mandate:
    """The mandate that was given now, or before. 400 `payment_intent_mandate_invalid` where there is none."""
    data = params.get("mandate_data")
    if data is not None and "customer_acceptance" in data:
        options = intent.payment_method_options.get("us_bank_account", {})
        return mandates.agree(world, data["customer_acceptance"], method, options, intent.on_behalf_of)
    if "mandate" in params:
        before = world.get(Mandate, params["mandate"], param="mandate")
    else:
        before = world.find(Mandate, method.mandate)
    if before is None or before.status == "inactive" or before.payment_method != method.id:
        raise ApiError(
            400,
            "This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance "
            "from the customer and try again, providing acceptance data in the mandate_data parameter.",
            code="payment_intent_mandate_invalid",
            more={"payment_intent": whole(world, for_reader(world, intent))},
        )
    return before


def cleared(world: World, charge: Charge) -> None:
    """The bank has paid what an intent waits for."""
    intent = world.find(PaymentIntent, charge.payment_intent)
    if intent is not None and intent.status == "processing":
        save(world, intent, world.get(PaymentMethod, str(intent.payment_method)))
        paid(world, intent, charge)


def bounced(world: World, charge: Charge) -> None:
    """The bank has refused to."""
    intent = world.find(PaymentIntent, charge.payment_intent)
    if intent is not None and intent.status == "processing":
        method = world.get(PaymentMethod, str(intent.payment_method))
        why = {"code": charge.failure_code, "message": charge.failure_message, "type": "invalid_request_error"}
        failed(world, intent, method, why, charge)


# Afterwards


def answered(world: World, id: str, is_authenticated: bool) -> None:
    """The holder of the card has authenticated the payment, or has not."""
    intent = world.get(PaymentIntent, id)
    method = world.get(PaymentMethod, str(intent.payment_method))
    if not is_authenticated:
        why = {"code": NOT_AUTHENTICATED.code, "message": NOT_AUTHENTICATED.message, "type": "invalid_request_error"}
        failed(world, intent, method, why)
        return
    intent = world.put(replace(intent, asks=False, is_authenticated=True))
    if intent.confirmation_method == "manual":
        world.put(LIFECYCLE.follow(intent, "choose"))
        return
    try:
        charged(world, intent, method)
    except ApiError as refusal:
        assert refusal.keeps_changes, refusal.message  # the bank declines all the same, and that is on record


def capture(world: World, params: dict[str, Any], id: str) -> PaymentIntent:
    """Take what is held, or a part of it; the rest is let go. 400 for more than that, and for any other status."""
    intent = world.get(PaymentIntent, id)
    not_built.refuse(params, NEEDS)
    if params.get("final_capture") is False:
        raise not_built.not_built("captures in several parts", param="final_capture")
    if intent.status not in ALLOWED["capture"]:
        raise unexpected(world, intent, "capture")
    amount = params.get("amount_to_capture", intent.amount_capturable)
    if amount > intent.amount_capturable:
        raise invalid(
            f"You cannot capture more than the capturable amount ({intent.amount_capturable}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    amounts.check(amount, intent.currency)
    same = ("application_fee_amount", "statement_descriptor", "statement_descriptor_suffix")
    changes: dict[str, Any] = {name: params[name] for name in same if name in params}
    if "payment_details" in params:
        changes["payment_details"] = params["payment_details"]
    if "transfer_data" in params:
        if intent.transfer_data is None:
            raise missing("transfer_data[destination]")
        changes["transfer_data"] = {**intent.transfer_data, **params["transfer_data"]}
        refuse_too_much(replace(intent, transfer_data=changes["transfer_data"]), amount)
    intent = replace(intent, metadata=merged_metadata(intent.metadata, params), **changes)
    refuse_fee(world, intent)
    recipients.check(world, intent.transfer_data, intent.on_behalf_of)
    held = world.get(Charge, str(intent.latest_charge))
    members = members_of_charge(intent)
    taken = {
        name: members[name]
        for name in (
            "application_fee_amount",
            "metadata",
            "statement_descriptor",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
        )
    }
    return paid(world, intent, charging.captured(world, held, amount, **taken))


def cancel(world: World, params: dict[str, Any], id: str) -> PaymentIntent:
    """Give an intent up; what is held is let go. 400 with the whole intent for one that has come to an end."""
    intent = world.get(PaymentIntent, id)
    if intent.status not in ALLOWED["cancel"]:
        raise unexpected(world, intent, "cancel")
    return given_up(world, intent, params.get("cancellation_reason"))


def given_up(world: World, intent: PaymentIntent, reason: str | None) -> PaymentIntent:
    """The intent that nothing will come of."""
    if intent.status == "requires_capture":
        charging.let_go(world, world.get(Charge, str(intent.latest_charge)))
    new = LIFECYCLE.follow(
        intent, "cancel", amount_capturable=0, asks=False, canceled_at=world.now, cancellation_reason=reason
    )
    world.put(new)
    world.emit("payment_intent.canceled", new)
    return new


def expired(world: World, charge: Charge) -> None:
    """Nobody has captured in time what an intent holds."""
    intent = world.find(PaymentIntent, charge.payment_intent)
    if intent is not None and intent.status == "requires_capture":
        given_up(world, intent, "expired")


def audit(world: World) -> Iterator[str]:
    """Intents that do not agree with the charge that has paid them."""
    for account, intent in world.store.every(PaymentIntent):
        charge = world.as_account(account).find(Charge, intent.latest_charge)
        received = charge.amount_captured if charge is not None and intent.status == "succeeded" else 0
        if intent.amount_received != received:
            yield f"{intent.id} has received {intent.amount_received}, its charge {received}"
        if charge is not None and intent.status == "succeeded":
            said = (intent.amount, intent.currency, intent.customer, intent.transfer_data)
            taken = (charge.amount, charge.currency, charge.customer, charge.transfer_data)
            if said != taken:
                yield f"{intent.id} is over {said}, its charge over {taken}"


def of_customers(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """No more conditions than the filters say; customers that are accounts are not built."""
    not_built.refuse(params, NEEDS)
    return []


RECORDS = (PaymentIntent,)
AUDIT = audit
WHEN = {
    "payments.authentication.answered": answered,
    "payments.charge.expired": expired,
    "payments.charge.failed": bounced,
    "payments.charge.succeeded": cleared,
}
ROUTES = [
    GET("/v1/payment_intents", lists(PaymentIntent, narrow=of_customers), PaymentIntentListParams),
    POST("/v1/payment_intents", create, CreateParams),
    GET("/v1/payment_intents/{intent}", retrieve, RetrieveParams, publishable=True),
    POST("/v1/payment_intents/{intent}", update, UpdateParams),
    POST("/v1/payment_intents/{intent}/cancel", cancel, CancelParams),
    POST("/v1/payment_intents/{intent}/capture", capture, CaptureParams),
    POST("/v1/payment_intents/{intent}/confirm", confirm, ConfirmParams, publishable=True),
]
