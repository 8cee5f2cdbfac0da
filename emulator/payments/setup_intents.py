"""Setup intents: a payment method is saved for later, and its bank asked first.

    requires_payment_method ── choose ──▶ requires_confirmation ── succeed ──▶ succeeded
    requires_confirmation ── ask ──▶ requires_action ── succeed ──▶ succeeded
    requires_action ── choose ──▶ requires_confirmation
    requires_confirmation, requires_action ── fail ──▶ requires_payment_method
    requires_payment_method, requires_confirmation, requires_action ── cancel ──▶ canceled

A card is saved or declined at once, unless its bank has its holder authenticate that (3D Secure). So is a US bank
account that money is only sent to; for one that money is taken from somebody must give a mandate, and prove by
micro-deposits that it is theirs. What succeeds belongs to the customer, or with `attach_to_self` to the account itself,
for its financial accounts.
Source: https://docs.stripe.com/api/setup_intents,
https://docs.stripe.com/treasury/moving-money/working-with-bankaccount-objects
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect.shapes import group, group_of
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, doc_url, exclusive, invalid, missing
from emulator.kernel.ids import base62
from emulator.kernel.lifecycle import Lifecycle
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Amount,
    Boolean,
    Currency,
    Enum,
    Hash,
    Integer,
    List,
    ListParams,
    Metadata,
    NoParams,
    Params,
    Range,
    String,
    Timestamp,
    merged_metadata,
)
from emulator.kernel.records import AnyRecord, record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World
from emulator.payments import authentication, mandates, microdeposits, not_built, payment_methods, recipients
from emulator.payments import card_test_numbers as cards
from emulator.payments import customer as customers
from emulator.payments.bank_tokens import NO_MICRODEPOSITS
from emulator.payments.card_test_numbers import Decline
from emulator.payments.declines import declined, whole
from emulator.payments.mandates import Mandate
from emulator.payments.microdeposits import Mistake
from emulator.payments.other_methods import MORE_TYPES, TYPES, OtherOptionsParams
from emulator.payments.payment_methods import PaymentMethod
from emulator.payments.setup_attempts import SetupAttempt

LIFECYCLE = Lifecycle(
    "requires_payment_method",
    {
        "requires_payment_method": {"choose": "requires_confirmation", "cancel": "canceled"},
        "requires_confirmation": {
            "succeed": "succeeded",
            "ask": "requires_action",
            "fail": "requires_payment_method",
            "cancel": "canceled",
        },
        "requires_action": {
            "succeed": "succeeded",
            "choose": "requires_confirmation",
            "fail": "requires_payment_method",
            "cancel": "canceled",
        },
        "succeeded": {},
        "canceled": {},
    },
)
OPEN = tuple(status for status, moves in LIFECYCLE.moves.items() if moves)
PAST = {"cancel": "canceled", "confirm": "confirmed", "update": "updated"}
BUILT = ("card", "us_bank_account")
SECRET_LENGTH = 31
NOT_AUTHENTICATED = Mistake(
    "setup_intent_authentication_failure",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this SetupIntent again.",
)
NEEDS = {
    "confirmation_token": "confirmation tokens",
    "customer_account": "customers that are accounts",
    "payment_method_configuration": "configurations of payment methods",
}
# What somebody may see who has but the publishable key and the client secret.
# Source: https://docs.stripe.com/js/setup_intents, as the browser gets it
PUBLIC = (
    "id",
    "object",
    "allowed_payment_method_types",
    "automatic_payment_methods",
    "cancellation_reason",
    "client_secret",
    "created",
    "description",
    "excluded_payment_method_types",
    "last_setup_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_configuration_details",
    "payment_method_types",
    "status",
    "usage",
)


@record(
    "setup_intent",
    prefix="seti",
    noun="setupintent",
    filters=("attach_to_self", "customer", "payment_method"),
    hidden=("arrival_date", "return_url", "single_use", "wrong"),
    expands=(
        "customer",
        "latest_attempt",
        "mandate",
        "on_behalf_of",
        "payment_method",
        "single_use_mandate",
    ),
    silent=(  # an update is no event, and may take back a confirmation
        "attach_to_self",
        "customer",
        "description",
        "excluded_payment_method_types",
        "flow_directions",
        "last_setup_error",
        "mandate",
        "metadata",
        "payment_method",
        "payment_method_options",
        "payment_method_types",
        "single_use_mandate",
        "status",
    ),
)
class SetupIntent:
    """An intent to save a payment method.

    `wrong` counts the proofs of each kind that did not match, `return_url` is where the page of 3D Secure leads back,
    `arrival_date` is when micro-deposits arrive, and null where the holder of a card is asked.
    """

    id: str
    created: int
    client_secret: str
    allowed_payment_method_types: list[str] | None = None
    arrival_date: int | None = None
    attach_to_self: bool | None = None
    automatic_payment_methods: dict[str, Any] | None = None
    cancellation_reason: str | None = None
    customer: str | None = None
    description: str | None = None
    excluded_payment_method_types: list[str] | None = None
    flow_directions: list[str] | None = None
    last_setup_error: dict[str, Any] | None = None
    latest_attempt: str | None = None
    mandate: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    on_behalf_of: str | None = None
    payment_method: str | None = None
    payment_method_options: dict[str, Any] = field(default_factory=dict)
    payment_method_types: list[str] = field(default_factory=list)
    return_url: str | None = None
    single_use: dict[str, Any] | None = None
    single_use_mandate: str | None = None
    status: str = LIFECYCLE.start
    usage: str = "off_session"
    wrong: dict[str, int] = field(default_factory=dict)

    def render(self, world: World) -> dict[str, Any]:
        """The intent as the API shows it to those with a secret key."""
        members = shown(
            self,
            application=None,
            customer_account=None,
            next_action=self.next_action(world),
            payment_method_configuration_details=None,
            payment_method_options=options_shown(self),
        )
        if self.attach_to_self is None:
            del members["attach_to_self"]
        return members

    def next_action(self, world: World) -> dict[str, Any] | None:
        """What the owner of a bank account or the holder of a card has to do, or None."""
        if self.status != "requires_action":
            return None
        if authentication.is_asked(self):
            return authentication.next_action(world, self.id, self.return_url)
        return {
            "type": "verify_with_microdeposits",
            "verify_with_microdeposits": {
                "arrival_date": self.arrival_date,
                "hosted_verification_url": microdeposits.url(world, self.id),
                "microdeposit_type": microdeposits.KIND,
            },
        }

    @property
    def asks(self) -> bool:
        """Whether it is the holder of a card who is asked, not the owner of a bank account."""
        return self.arrival_date is None

    @property
    def only_sends(self) -> bool:
        """Whether money will only be sent there."""
        return self.flow_directions == ["outbound"]


def options_shown(intent: SetupIntent) -> dict[str, Any]:
    """The options of each type that the intent may take."""
    known: dict[str, Any] = {
        "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"},
        "us_bank_account": {"mandate_options": {}, "verification_method": "automatic"},
    }
    sent = intent.payment_method_options
    return {name: {**known[name], **sent.get(name, {})} for name in known if name in intent.payment_method_types}


# What may be sent

# Card networks that a payment may be asked to go over.
NETWORKS = (
    "amex",
    "cartes_bancaires",
    "diners",
    "discover",
    "eftpos_au",
    "girocard",
    "interac",
    "jcb",
    "link",
    "mastercard",
    "unionpay",
    "unknown",
    "visa",
)


class CardOptionsParams(Params):
    """How a card is to be saved."""

    mandate_options = group(
        amount=Integer(required=True),
        amount_type=Enum(("fixed", "maximum"), required=True),
        currency=Currency(required=True),
        description=String(),
        end_date=Integer(),
        interval=Enum(("day", "month", "sporadic", "week", "year"), required=True),
        interval_count=Integer(),
        reference=String(required=True),
        start_date=Integer(required=True),
        supported_types=List(Enum(("india",))),
    )
    moto = Boolean()
    network = Enum(NETWORKS)
    request_three_d_secure = Enum(("any", "automatic", "challenge"))
    setup_credential_usage = Enum(("installment", "recurring", "unscheduled"))
    three_d_secure = group(
        ares_trans_status=Enum(("A", "C", "I", "N", "R", "U", "Y")),
        cryptogram=String(),
        electronic_commerce_indicator=Enum(("01", "02", "05", "06", "07")),
        network_options=group(
            cartes_bancaires=group(
                cb_avalgo=Enum(("0", "1", "2", "3", "4", "A"), required=True),
                cb_exemption=String(),
                cb_score=Integer(),
            )
        ),
        requestor_challenge_indicator=String(),
        transaction_id=String(),
        version=Enum(("1.0.2", "2.1.0", "2.2.0", "2.3.0", "2.3.1")),
    )


class UsBankAccountOptionsParams(Params):
    """How a bank account is to be verified."""

    financial_connections = group(
        filters=group(account_subcategories=List(Enum(("checking", "savings")))),
        permissions=List(Enum(("balances", "ownership", "payment_method", "transactions"))),
        prefetch=List(Enum(("balances", "ownership", "transactions"))),
        return_url=String(),
    )
    mandate_options = group(collection_method=Enum(("paper",), unset=True))
    networks = group(requested=List(Enum(("ach", "us_domestic_wire"))))
    verification_method = Enum(("automatic", "instant", "microdeposits"))


class OptionsParams(OtherOptionsParams):
    """Options by the type of payment method."""

    card = Hash(CardOptionsParams)
    us_bank_account = Hash(UsBankAccountOptionsParams)


ALLOWED_TYPES = tuple(sorted({*TYPES, *MORE_TYPES} - {"custom"}))
EXCLUDED_TYPES = tuple(name for name in TYPES if name not in ("custom", "link"))


class ConfirmableParams(Params):
    """What can be said at any time before it is confirmed, and then too."""

    allowed_payment_method_types = List(Enum(ALLOWED_TYPES), unset=True)
    payment_method = String()
    payment_method_data = Hash(payment_methods.DataParams)
    payment_method_options = Hash(OptionsParams)
    payment_method_types = List(String())


class UpdateParams(ConfirmableParams):
    """What may change before it is confirmed. Description and metadata may change afterwards too."""

    attach_to_self = Boolean()
    customer = String()
    customer_account = String()
    description = String(unset=True)
    excluded_payment_method_types = List(Enum(EXCLUDED_TYPES), unset=True)
    flow_directions = List(Enum(("inbound", "outbound")))
    metadata = Metadata()
    payment_method_configuration = String()


class OnlineParams(Params):
    """Where somebody agreed."""

    ip_address = String(required=True)
    user_agent = String(required=True)


class AcceptanceParams(Params):
    """How somebody agreed."""

    accepted_at = Timestamp()
    offline = Hash(NoParams)
    online = Hash(OnlineParams)
    type = Enum(("offline", "online"), required=True)


class MandateDataParams(Params):
    """That the owner of a bank account agrees."""

    customer_acceptance = Hash(AcceptanceParams, required=True)


ConfirmedMandateParams = group_of(
    customer_acceptance=group(
        accepted_at=Timestamp(),
        offline=Hash(NoParams),
        online=group(ip_address=String(), user_agent=String()),
        type=Enum(("offline", "online"), required=True),
    )
)


class CreateParams(UpdateParams):
    """A new intent, confirmed at once if that is said."""

    automatic_payment_methods = group(allow_redirects=Enum(("always", "never")), enabled=Boolean(required=True))
    confirm = Boolean()
    confirmation_token = String()
    mandate_data = Hash(MandateDataParams, unset=True)
    on_behalf_of = String()
    return_url = String()
    single_use = group(amount=Amount(required=True), currency=Currency(required=True))
    usage = Enum(("off_session", "on_session"))
    use_stripe_sdk = Boolean()


class ConfirmParams(ConfirmableParams):
    """With what it is confirmed."""

    client_secret = String()
    confirmation_token = String()
    mandate_data = Hash(ConfirmedMandateParams, unset=True)
    return_url = String()
    use_stripe_sdk = Boolean()


class RetrieveParams(Params):
    """What a browser proves with that it may look."""

    client_secret = String()


class CancelParams(Params):
    """Why it is given up."""

    cancellation_reason = Enum(("abandoned", "duplicate", "requested_by_customer"))


class VerifyParams(Params):
    """What was sent to the bank account."""

    amounts = List(Integer())
    client_secret = String()
    descriptor_code = String()


class SetupIntentListParams(ListParams):
    """Filters of the list."""

    attach_to_self = Boolean()
    created = Range()
    customer = String()
    customer_account = String()
    payment_method = String()


# Who may look


def known(world: World, params: dict[str, Any], id: str) -> SetupIntent:
    """The intent of an id. 404 for none; 400 for another client secret, and for none with a publishable key."""
    intent = world.get(SetupIntent, id)
    secret = params.get("client_secret")
    if secret is None and world.is_publishable:
        raise missing("client_secret")
    if secret is not None and secret != intent.client_secret:
        raise invalid(
            "The client_secret provided does not match any associated SetupIntent on this account. Ensure the "
            "publishable key used belongs to the same account that created the SetupIntent.",
            code="resource_missing",
            param="client_secret",
        )
    return intent


def for_reader(world: World, intent: SetupIntent) -> SetupIntent | dict[str, Any]:
    """The intent, or with a publishable key the part of it that a browser may see."""
    if not world.is_publishable:
        return intent
    return {name: value for name, value in world.render(intent).items() if name in PUBLIC}


# Making and changing


def create(world: World, params: dict[str, Any]) -> SetupIntent:
    """Begin to save a payment method, and confirm that with `confirm`.

    400 for a customer beside `attach_to_self`, for a payment method that is somebody else's, and for what belongs to a
    confirmation without one; everything that `confirm` refuses, besides.
    """
    not_built.refuse(params, NEEDS)
    confirms = params.get("confirm", False)
    for name in ("mandate_data", "return_url"):
        if name in params and not confirms:
            raise invalid(f"You can only pass `{name}` when `confirm` is true.", param=name)
    if "on_behalf_of" in params:
        recipients.settles(world, params["on_behalf_of"])
    id = world.new_id("seti")
    start = SetupIntent(
        id=id,
        created=world.now,
        client_secret=f"{id}_secret_{base62(world.draw('client_secret'), SECRET_LENGTH)}",
        automatic_payment_methods=automatic(world, params),
        on_behalf_of=params.get("on_behalf_of"),
        single_use=params.get("single_use"),
        usage=params.get("usage", "off_session"),
    )
    intent = world.put(changed(world, start, params))
    world.emit("setup_intent.created", intent)
    return confirmed(world, intent, params) if confirms else intent


def automatic(world: World, params: dict[str, Any]) -> dict[str, Any] | None:
    """Whether the methods that are switched on are offered: as sent, else where no types are named."""
    sent = params.get("automatic_payment_methods")
    if sent is not None:
        return {"allow_redirects": sent.get("allow_redirects", "always"), "enabled": sent["enabled"]}
    names_types = "payment_method_types" in params or params.get("allowed_payment_method_types")
    if names_types or world.predates("Y3"):
        return None
    return {"allow_redirects": "always", "enabled": True}


def changed(world: World, intent: SetupIntent, params: dict[str, Any]) -> SetupIntent:
    """The intent with what was sent, its payment method too. 400 for what cannot stand together."""
    names = ("attach_to_self", "customer", "description", "excluded_payment_method_types", "flow_directions")
    changes: dict[str, Any] = {name: params[name] for name in names if name in params}
    if "customer" in changes:
        customers.known(world, changes["customer"], param="customer")
    new = replace(intent, metadata=merged_metadata(intent.metadata, params), **changes)
    if new.attach_to_self and new.customer:
        raise exclusive("attach_to_self", "customer")
    options = options_after(new.payment_method_options, params.get("payment_method_options", {}))
    new = replace(with_types(world, new, params), payment_method_options=options)
    return with_payment_method(world, new, params)


def with_types(world: World, intent: AnyRecord, params: dict[str, Any]) -> AnyRecord:
    """The same with the types that it may take, and how. 400 for types no client may name any more."""
    named = params.get("allowed_payment_method_types", intent.allowed_payment_method_types)
    if "payment_method_types" in params:
        named = older_types(world, params)
    if named is not None:
        types = [name for name in named if name in BUILT]
        if not types:
            raise not_built.not_built(f"payment methods of the type {named[0]}", param="allowed_payment_method_types")
    elif intent.automatic_payment_methods and intent.automatic_payment_methods["enabled"]:
        types = list(BUILT)
    else:
        types = ["card"]
    types = [name for name in types if name not in (intent.excluded_payment_method_types or ())]
    return replace(
        intent,
        allowed_payment_method_types=named,
        payment_method_types=types,
    )


def older_types(world: World, params: dict[str, Any]) -> list[str]:
    """The types that an older client names, or one that names no version.

    400 for newer clients, and beside what has replaced the parameter.
    """
    param = "payment_method_types"
    if world.names_version and not world.predates("E1"):
        raise invalid(
            "The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types`, "
            "`excluded_payment_method_types` or `automatic_payment_methods` instead.",
            code="payment_method_types_no_longer_supported",
            param=param,
        )
    for other in (
        "allowed_payment_method_types",
        "automatic_payment_methods",
        "excluded_payment_method_types",
        "payment_method_configuration",
    ):
        if other in params:
            raise exclusive(param, other)
    for name in params[param]:
        if name not in ALLOWED_TYPES:
            raise invalid(f'The payment method type "{name}" is invalid.', param=param)
        if name not in BUILT:
            raise not_built.not_built(f"payment methods of the type {name}", param=param)
    return params[param]


def options_after(stored: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The options with what was sent. 501 for 3D Secure by others, mandates on cards and Financial Connections."""
    card, bank = sent.get("card", {}), sent.get("us_bank_account", {})
    param = "payment_method_options[card]"
    not_built.refuse(
        {f"{param}[{name}]": value for name, value in card.items()},
        {f"{param}[mandate_options]": "mandates on cards", f"{param}[three_d_secure]": "3D Secure by others"},
    )
    if bank.get("verification_method") == "instant":
        raise not_built.not_built(
            "Financial Connections", param="payment_method_options[us_bank_account][verification_method]"
        )
    kept = {
        "card": ("network", "request_three_d_secure", "setup_credential_usage"),
        "us_bank_account": ("financial_connections", "mandate_options", "verification_method"),
    }
    return {
        kind: {**stored.get(kind, {}), **{name: sent[kind][name] for name in names if name in sent.get(kind, {})}}
        for kind, names in kept.items()
    }


def with_payment_method(world: World, intent: SetupIntent, params: dict[str, Any]) -> SetupIntent:
    """The same with the payment method that was sent, which is kept. 400 unless the intent may take it."""
    chosen = payment_methods.chosen(world, params, intent.payment_method)
    if chosen is None:
        return intent
    method, param = chosen
    refuse_stranger(intent, method, param)
    if method.id == intent.payment_method:
        return intent
    world.put(method)
    intent = give_up(world, intent)
    status = intent.status if intent.status == "requires_confirmation" else LIFECYCLE.after(intent.status, "choose")
    return replace(intent, mandate=None, payment_method=method.id, single_use_mandate=None, status=status)


def refuse_stranger(intent: SetupIntent, method: PaymentMethod, param: str) -> None:
    """400 for a payment method of another type, of another customer, or of no use any more."""
    if method.type not in intent.payment_method_types:
        raise invalid(
            f"The PaymentMethod provided ({method.type}) is not allowed for this SetupIntent. Please attach a "
            f"PaymentMethod of one of the following types: {', '.join(intent.payment_method_types)}. Alternatively "
            "update the allowed payment methods for this SetupIntent.",
            param=param,
        )
    if method.customer is not None and method.customer != intent.customer:
        raise invalid(
            f"The PaymentMethod {method.id} belongs to the Customer {method.customer}. Please include the Customer in "
            "the `customer` parameter on the SetupIntent.",
            param=param,
        )
    if method.is_used_up or (method.is_self and intent.customer is not None):
        raise invalid(payment_methods.USED_UP, code="payment_method_unexpected_state", param=param)


def update(world: World, params: dict[str, Any], id: str) -> SetupIntent:
    """Change an intent that has come to no end. Of others only `description` and `metadata` may change."""
    intent = world.get(SetupIntent, id)
    not_built.refuse(params, NEEDS)
    if not LIFECYCLE.moves[intent.status] and set(params) - {"description", "metadata"}:
        raise unexpected(world, intent, "update")
    return world.put(changed(world, intent, params))


def unexpected(world: World, intent: SetupIntent, verb: str) -> ApiError:
    """400 `setup_intent_unexpected_state` with the whole intent."""
    text = (
        f"You cannot {verb} this SetupIntent because it has a status of {intent.status}. Only a SetupIntent with one "
        f"of the following statuses may be {PAST[verb]}: {', '.join(OPEN)}."
    )
    if verb == "cancel" and intent.status == "canceled":
        text = "You cannot cancel this SetupIntent because it it already canceled."  # so it reads
    elif verb != "cancel" and intent.status == "succeeded":
        text = f"You cannot {verb} this SetupIntent because it has already succeeded."
    return in_wrong_state(world, intent, text)


def in_wrong_state(world: World, intent: SetupIntent, text: str) -> ApiError:
    """400 with the whole intent."""
    return ApiError(
        400, text, code="setup_intent_unexpected_state", more={"setup_intent": whole(world, for_reader(world, intent))}
    )


def retrieve(world: World, params: dict[str, Any], id: str) -> SetupIntent | dict[str, Any]:
    """Read one intent; with a publishable key only with its client secret, and without what is the account's own."""
    return for_reader(world, known(world, params, id))


retrieve.is_retrieve = True  # type: ignore[attr-defined]


# Confirming


def confirm(world: World, params: dict[str, Any], id: str) -> SetupIntent | dict[str, Any]:
    """Have the payment method saved: at once, or once its owner has verified it.

    400 without a payment method, for a bank account without a mandate, without a `return_url` where methods may
    redirect, and for what has come to an end; 402 for a card that its bank declines, which leaves the intent without a
    payment method.
    """
    intent = known(world, params, id)
    not_built.refuse(params, NEEDS)
    if not LIFECYCLE.moves[intent.status]:
        raise unexpected(world, intent, "confirm")
    return for_reader(world, confirmed(world, world.put(changed(world, intent, params)), params))


def confirmed(world: World, intent: SetupIntent, params: dict[str, Any]) -> SetupIntent:
    """The intent after an attempt to save its payment method."""
    if intent.payment_method is None:
        raise in_wrong_state(
            world,
            intent,
            "You cannot confirm this SetupIntent because it's missing a payment method. You can either update the "
            "SetupIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
            "method.",
        )
    if intent.status == "requires_action":
        return intent
    refuse_redirects(world, intent, params)
    intent = replace(intent, return_url=params.get("return_url", intent.return_url))
    method = world.get(PaymentMethod, intent.payment_method)
    if method.type == "card":
        return saved_card(world, intent, method)
    return saved_bank_account(world, intent, method, params)


def refuse_redirects(world: World, intent: SetupIntent, params: dict[str, Any]) -> None:
    """400 where methods are offered that may lead the owner elsewhere, and nobody says where to come back.

    What names no version is let off, as the Stripe CLI's triggers are.
    """
    offered = intent.automatic_payment_methods
    may_lead_away = offered and offered["enabled"] and offered["allow_redirects"] == "always"
    if may_lead_away and "return_url" not in params and world.names_version:
        raise invalid(
            "A `return_url` must be specified because this Setup Intent is configured to automatically accept the "
            "payment methods enabled in the Dashboard, some of which may require a full page redirect to succeed. If "
            "you do not want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to "
            "`true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
            "Payment Intents."
        )


def saved_card(world: World, intent: SetupIntent, method: PaymentMethod) -> SetupIntent:
    """The intent of a card after its bank was asked, which may have its holder asked too. 402 if it declines."""
    decline = payment_methods.decline_of(method)
    if decline is not None:
        failed = fail(world, tried(world, intent, method, "failed"), method, error_of(world, decline, method))
        raise declined(
            decline,
            keeps_changes=True,
            payment_method=whole(world, method),
            setup_intent=whole(world, for_reader(world, failed)),
        )
    if not must_ask(intent, method):
        return succeed(world, tried(world, intent, method, "succeeded"), method)
    asking = LIFECYCLE.follow(
        tried(world, intent, method, "requires_action"), "ask", arrival_date=None, last_setup_error=None
    )
    world.put(asking)
    world.emit("setup_intent.requires_action", asking)
    return asking


def must_ask(intent: SetupIntent, method: PaymentMethod) -> bool:
    """Whether the holder of a card has to authenticate that it is saved. Pure."""
    assert method.number is not None
    request = intent.payment_method_options.get("card", {}).get("request_three_d_secure", "automatic")
    return request != "automatic" or cards.BY_NUMBER[method.number].authenticates


def authenticated(world: World, id: str, is_authenticated: bool) -> None:
    """The holder of a card has authenticated that it is saved, or has not."""
    intent = world.get(SetupIntent, id)
    method = world.get(PaymentMethod, str(intent.payment_method))
    if not is_authenticated:
        fail(world, intent, method, error_of(world, NOT_AUTHENTICATED, method))
        return
    attempt = world.get(SetupAttempt, str(intent.latest_attempt))
    secure = {name: value for name, value in authentication.AUTHENTICATED.items() if name != "exemption_indicator"}
    card = {**attempt.payment_method_details["card"], "three_d_secure": secure}
    world.put(replace(attempt, payment_method_details={**attempt.payment_method_details, "card": card}))
    succeed(world, intent, method)


def saved_bank_account(world: World, intent: SetupIntent, method: PaymentMethod, params: dict[str, Any]) -> SetupIntent:
    """The intent of a bank account: saved, or waiting for its owner. 400 without a mandate to take money from it."""
    if intent.only_sends:
        return succeed(world, tried(world, intent, method, "succeeded"), method)
    mandate = agreed(world, intent, method, params)
    intent = replace(intent, mandate=mandate.id, single_use_mandate=mandate.id if mandate.single_use else None)
    if method.is_verified:
        return succeed(world, tried(world, intent, method, "succeeded"), method)
    waiting = LIFECYCLE.follow(
        tried(world, intent, method, "requires_action"),
        "ask",
        arrival_date=microdeposits.arrival(world.now),
        last_setup_error=None,
        wrong={},
    )
    deadline = world.now + microdeposits.DAYS_TO_VERIFY * microdeposits.DAY
    world.later(deadline, "payments.setup_intents.time_out", about=intent.id)
    world.put(waiting)
    world.emit("setup_intent.requires_action", waiting)
    return waiting


def agreed(world: World, intent: SetupIntent, method: PaymentMethod, params: dict[str, Any]) -> Mandate:
    """The mandate that was given now, or before. 400 `setup_intent_mandate_invalid` where there is none."""
    data = params.get("mandate_data")
    if data is None or "customer_acceptance" not in data:
        before = world.find(Mandate, method.mandate)
        if before is None or before.status == "inactive":
            raise ApiError(
                400,
                "This SetupIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance "
                "from the customer and try again, providing acceptance data in the mandate_data parameter.",
                code="setup_intent_mandate_invalid",
                more={"setup_intent": whole(world, for_reader(world, intent))},
            )
        return before
    options = intent.payment_method_options.get("us_bank_account", {})
    return mandates.agree(
        world, data["customer_acceptance"], method, options, intent.on_behalf_of, single_use=intent.single_use
    )


def tried(world: World, intent: SetupIntent, method: PaymentMethod, status: str) -> SetupIntent:
    """The intent with one more attempt."""
    attempt = world.put(
        SetupAttempt(
            id=world.new_id("setatt"),
            created=world.now,
            attach_to_self=intent.attach_to_self,
            customer=intent.customer,
            flow_directions=intent.flow_directions,
            on_behalf_of=intent.on_behalf_of,
            payment_method=method.id,
            payment_method_details=attempted(method),
            setup_intent=intent.id,
            status=status,
            usage=intent.usage,
        )
    )
    return replace(intent, latest_attempt=attempt.id)


def attempted(method: PaymentMethod) -> dict[str, Any]:
    """What an attempt shows of the payment method."""
    if method.card is None:
        return {"type": "us_bank_account", "us_bank_account": {}}
    same = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    card = {name: method.card[name] for name in same}
    return {"type": "card", "card": {**card, "moto": None, "network": method.card["brand"], "three_d_secure": None}}


def ended(world: World, intent: SetupIntent, status: str, error: dict[str, Any] | None = None) -> None:
    """Say of the latest attempt how it ended."""
    attempt = world.find(SetupAttempt, intent.latest_attempt)
    if attempt is not None and attempt.status in ("requires_action", status):
        world.put(replace(attempt, status=status, setup_error=error))


def succeed(world: World, intent: SetupIntent, method: PaymentMethod) -> SetupIntent:
    """The payment method is saved: the customer's, or the account's own."""
    directions = list(dict.fromkeys([*method.directions, *(intent.flow_directions or ["inbound", "outbound"])]))
    saved = replace(
        payment_methods.with_checks(method),
        directions=directions,
        is_self=method.is_self or bool(intent.attach_to_self),
        is_verified=method.is_verified or not intent.only_sends,
        mandate=intent.mandate or method.mandate,
    )
    world.put(saved)
    if intent.customer is not None:
        payment_methods.attach_to(world, saved, intent.customer)
    mandates.change(world, intent.mandate, "active")
    ended(world, intent, "succeeded")
    world.cancel_due(intent.id)
    new = world.put(LIFECYCLE.follow(intent, "succeed", last_setup_error=None))
    world.emit("setup_intent.succeeded", new)
    return new


def fail(world: World, intent: SetupIntent, method: PaymentMethod, error: dict[str, Any]) -> SetupIntent:
    """The payment method is not saved: the intent has none any more, and says why."""
    ended(world, intent, "failed", error)
    mandates.change(world, intent.mandate, "inactive")
    world.cancel_due(intent.id)
    new = world.put(
        LIFECYCLE.follow(
            intent, "fail", last_setup_error=error, mandate=None, payment_method=None, single_use_mandate=None
        )
    )
    world.emit("setup_intent.setup_failed", new)
    return new


def error_of(world: World, why: Decline | Mistake, method: PaymentMethod) -> dict[str, Any]:
    """What an intent keeps of the reason why it failed."""
    is_decline = isinstance(why, Decline)
    members = {
        "code": why.code,
        "decline_code": why.decline_code if is_decline else None,
        "doc_url": doc_url(why.code),
        "message": why.message,
        "param": why.param if is_decline else None,
        "payment_method": world.render(method),
        "type": "card_error" if is_decline else "invalid_request_error",
    }
    return {name: value for name, value in members.items() if value is not None}


# Micro-deposits


def verify(world: World, params: dict[str, Any], id: str) -> SetupIntent | dict[str, Any]:
    """Prove that a bank account is one's own, by the code or the amounts that were sent to it.

    400 for a proof that does not match, after a number of which the intent fails; for a bank account that is verified
    already, and one that nothing could be sent to. A proof that comes too late fails the intent after the reply.
    """
    intent = known(world, params, id)
    if "amounts" in params and "descriptor_code" in params:
        raise exclusive("amounts", "descriptor_code")
    proof = "amounts" if "amounts" in params else "descriptor_code"
    if proof not in params:
        raise ApiError(
            400,
            "One of the following params should be provided for this request: amounts or descriptor_code.",
            code="parameter_missing",
            param="amounts",
        )
    method = world.find(PaymentMethod, intent.payment_method)
    if intent.status == "succeeded" and method is not None and method.type == "us_bank_account":
        raise invalid(
            "The bank account has already been verified.", code="payment_method_bank_account_already_verified"
        )
    if intent.status != "requires_action" or method is None or method.type != "us_bank_account":
        raise in_wrong_state(
            world,
            intent,
            f"You cannot verify this SetupIntent because it has a status of {intent.status}. Only a SetupIntent with "
            "one of the following statuses may be verified: requires_action.",
        )
    sent = sorted(params["amounts"]) if proof == "amounts" else params["descriptor_code"].upper()
    if method.number == NO_MICRODEPOSITS:
        raise not_verified(world, intent, method, microdeposits.FAILED)
    if sent in microdeposits.TOO_LATE:
        world.later(world.now, "payments.setup_intents.time_out", about=id)
    elif sent in microdeposits.EXCEEDED:
        raise not_verified(world, intent, method, microdeposits.TOO_OFTEN)
    elif sent not in microdeposits.RIGHT:
        raise wrong_proof(world, intent, method, proof)
    else:
        intent = succeed(world, intent, method)
    return for_reader(world, intent)


def wrong_proof(world: World, intent: SetupIntent, method: PaymentMethod, proof: str) -> ApiError:
    """400 for a proof that does not match, on record; the last one that is allowed fails the intent."""
    wrong = intent.wrong.get(proof, 0) + 1
    left = microdeposits.TRIES[proof] - wrong
    if left == 0:
        return not_verified(world, intent, method, microdeposits.TOO_OFTEN)
    intent = world.put(replace(intent, wrong={**intent.wrong, proof: wrong}))
    mistake = microdeposits.mismatch(proof, left)
    return refused(world, intent, method, mistake)


def not_verified(world: World, intent: SetupIntent, method: PaymentMethod, mistake: Mistake) -> ApiError:
    """400 for an intent that has failed now."""
    failed = fail(world, intent, method, error_of(world, mistake, method))
    return refused(world, failed, method, mistake)


def refused(world: World, intent: SetupIntent, method: PaymentMethod, mistake: Mistake) -> ApiError:
    """400 with the whole objects; what has become of the intent is kept."""
    objects = {"payment_method": whole(world, method), "setup_intent": whole(world, for_reader(world, intent))}
    return ApiError(400, mistake.message, code=mistake.code, more=objects, keeps_changes=True)


def time_out(world: World, id: str) -> None:
    """Nobody has verified the bank account in time."""
    intent = world.get(SetupIntent, id)
    if intent.status == "requires_action" and intent.payment_method is not None:
        method = world.get(PaymentMethod, intent.payment_method)
        fail(world, intent, method, error_of(world, microdeposits.TIMEOUT, method))


# Giving up


def cancel(world: World, params: dict[str, Any], id: str) -> SetupIntent:
    """Give an intent up. 400 with the whole intent for one that has come to an end."""
    intent = world.get(SetupIntent, id)
    if not LIFECYCLE.allows(intent.status, "cancel"):
        raise unexpected(world, intent, "cancel")
    reason = params.get("cancellation_reason")
    new = world.put(LIFECYCLE.follow(give_up(world, intent), "cancel", cancellation_reason=reason))
    world.emit("setup_intent.canceled", new)
    return new


def give_up(world: World, intent: SetupIntent) -> SetupIntent:
    """What was asked of the owner of a bank account or the holder of a card, and is not waited for any more."""
    if intent.status == "requires_action":
        ended(world, intent, "abandoned")
        mandates.change(world, intent.mandate, "inactive")
        world.cancel_due(intent.id)
    return intent


def of_customers(world: World, params: dict[str, Any], *path: str) -> list[Condition]:
    """No more conditions than the filters say; customers that are accounts are not built."""
    not_built.refuse(params, NEEDS)
    return []


DUE = {"payments.setup_intents.time_out": time_out}
WHEN = {"payments.authentication.answered_for_later": authenticated}
RECORDS = (SetupIntent,)
ROUTES = [
    GET("/v1/setup_intents", lists(SetupIntent, narrow=of_customers), SetupIntentListParams),
    POST("/v1/setup_intents", create, CreateParams),
    GET("/v1/setup_intents/{intent}", retrieve, RetrieveParams, publishable=True),
    POST("/v1/setup_intents/{intent}", update, UpdateParams),
    POST("/v1/setup_intents/{intent}/cancel", cancel, CancelParams),
    POST("/v1/setup_intents/{intent}/confirm", confirm, ConfirmParams, publishable=True),
    POST("/v1/setup_intents/{intent}/verify_microdeposits", verify, VerifyParams, publishable=True),
]
