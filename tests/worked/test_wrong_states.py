"""Every built operation on one object that has a state, in every state it can be in: done, or refused by name.

One table for each kind of object. A cell without words must succeed; any other is a 400, or a 404 for what is deleted,
with exactly these words and this parameter, and changes nothing. A last test holds the tables against the catalog: an
operation without a row is either named here as one that works in every state, or the suite fails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from emulator.catalog import CATALOG
from tests.balances.paying import PAYOUTS, a_business, paid_out
from tests.client import Client
from tests.issuing.holders import (
    CARDHOLDERS,
    CARDS,
    SHIPPING,
    a_card,
    a_cardholder,
    a_connected_account,
    a_physical_card,
)
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    DAY,
    FINANCIAL_ACCOUNTS,
    TRANSACTIONS,
    a_spender,
    authorize,
    done,
    force_capture,
)
from tests.issuing.test_deciding import undecided
from tests.payments.test_payment_methods import BANK, METHODS
from tests.payments.test_setup_intents import CUSTOMERS, INTENTS, NO_REDIRECTS, OFFLINE
from tests.test_bad_requests import state as hashed
from tests.treasury.sending import Payments, Transfers, canceled, helped
from tests.treasury.worlds import CREDIT_REVERSALS, REVERSALS, SEND, TAKE, opened, send, take

DESIGNS, DISPUTES, TOPUPS = "/v1/issuing/personalization_designs", "/v1/issuing/disputes", "/v1/topups"
IAUTH, PURCHASES = "/v1/issuing/authorizations", "/v1/issuing/transactions"
DESIGN_HELPERS, SHIPMENTS = f"/v1/test_helpers{DESIGNS[3:]}", f"/v1/test_helpers{CARDS[3:]}"
ACCOUNT = "/v1/accounts/{account}"
FRAUD = {"reason": "fraudulent", "fraudulent": {"explanation": "Not mine."}}
Begin = Callable[[Client], tuple[Client, dict[str, str]]]


class Refused(NamedTuple):
    """A 400, unless another status is said: its message and parameter. Braces stand for the object's ids."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400


class Verb(NamedTuple):
    """An operation with its parameters; braces in either stand for the object's ids."""

    method: str
    path: str
    params: dict[str, Any] = {}  # noqa: RUF012  (never changed)


class Table(NamedTuple):
    """The states of one kind of object, what is asked of it, and the refusal of each wrong pair."""

    states: dict[str, Begin]
    verbs: dict[str, Verb]
    refusals: dict[str, dict[str, Refused]]  # by state, then by verb


def filled(value: Any, ids: dict[str, str]) -> Any:
    """A path, message or parameters with the object's ids in their places."""
    if isinstance(value, dict):
        return {name: filled(member, ids) for name, member in value.items()}
    return value.format(**ids) if isinstance(value, str) else value


# Cardholders and cards


def cardholder(**switch: str) -> Begin:
    """A cardholder, in a state that only the emulator's switch brings about."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = a_cardholder(client)["id"]
        if switch:
            client.made(f"/_emulator/issuing/cardholders/{id}", **switch)
        return client, {"cardholder": id}

    return begin


def inactive_cardholder(client: Client) -> tuple[Client, dict[str, str]]:
    return client, {"cardholder": a_cardholder(client, status="inactive")["id"]}


BLOCKED = Refused("Cardholders with status 'blocked' cannot be activated or deactivated.", "status")
CARDHOLDER_TABLE = Table(
    {"active": cardholder(), "inactive": inactive_cardholder, "blocked": cardholder(status="blocked")},
    {
        "activate": Verb("POST", CARDHOLDERS + "/{cardholder}", {"status": "active"}),
        "deactivate": Verb("POST", CARDHOLDERS + "/{cardholder}", {"status": "inactive"}),
        "rename": Verb("POST", CARDHOLDERS + "/{cardholder}", {"email": "ada@example.com"}),
    },
    {"blocked": {"activate": BLOCKED, "deactivate": BLOCKED}},
)


def card(status: str) -> Begin:
    """A virtual card with a status."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = a_card(client)["id"]
        if status != "inactive":
            client.made(f"{CARDS}/{id}", status=status)
        return client, {"card": id}

    return begin


def over(param: str) -> Refused:
    return Refused("Cards with status 'canceled' cannot be updated.", param)


def not_virtual(param: str) -> Refused:
    return Refused(f"{param} is not supported for virtual cards.", param)


CARD_CHANGES: dict[str, dict[str, Any]] = {
    "activate": {"status": "active"},
    "deactivate": {"status": "inactive"},
    "cancel": {"status": "canceled", "cancellation_reason": "lost"},
    "limit": {"spending_controls": {"blocked_merchant_countries": ["FR"]}},
    "set the PIN": {"pin": {"encrypted_number": "secret"}},
    "ship elsewhere": {"shipping": SHIPPING},
    "annotate": {"metadata": {"k": "v"}},
}
NO_SHIPMENT = Refused("Virtual cards are not shipped.", "card")
SHIPPING_VERBS = {
    verb: Verb("POST", SHIPMENTS + "/{card}/shipping/" + verb)
    for verb in ("submit", "ship", "deliver", "return", "fail")
}
ON_VIRTUAL = {"ship elsewhere": not_virtual("shipping"), **dict.fromkeys(SHIPPING_VERBS, NO_SHIPMENT)}
CARD_TABLE = Table(
    {status: card(status) for status in ("inactive", "active", "canceled")},
    {
        **{name: Verb("POST", CARDS + "/{card}", params) for name, params in CARD_CHANGES.items()},
        **SHIPPING_VERBS,
        "buy": Verb("POST", AUTHORIZATIONS, {"card": "{card}", "amount": 1}),
        "buy the old way": Verb("POST", CARDS + "/{card}/test/authorizations"),
    },
    {
        "inactive": ON_VIRTUAL,
        "active": ON_VIRTUAL,
        "canceled": {
            **dict.fromkeys(SHIPPING_VERBS, NO_SHIPMENT),
            **{name: over(next(iter(params))) for name, params in CARD_CHANGES.items() if name != "annotate"},
        },
    },
)


# Tokens


def token(status: str, by: str = "/v1/issuing", card: str = "active") -> Begin:
    """A token of a card with a status, its own status brought about by the account or by the cardholder."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        holder = a_cardholder(client, email="ada@example.com")["id"]
        id = a_card(client, cardholder=holder, status="active")["id"]
        wallet = {"wallet_provider": "apple_pay", "decision": "require_auth" if status == "requested" else "approve"}
        made = client.made(f"/_emulator/issuing/cards/{id}/provision", **wallet)["token"]["id"]
        if status in ("suspended", "deleted") and card == "active":
            client.made(f"{by}/tokens/{made}", status=status)
        if card != "active":
            client.made(f"{CARDS}/{id}", status=card)
        return client, {"token": made}

    return begin


def no_token_way(start: str, end: str) -> Refused:
    return Refused(f"You cannot change the status of this token from '{start}' to '{end}'.", "status")


BY_THE_API = Refused("This token was suspended through the API, and only the API can resume it.", "status")
CARD_ASLEEP = Refused("This token cannot be active while its card or cardholder is not.", "status")
TOKEN_VERBS = {
    f"{verb}{who}": Verb("POST", place + "/tokens/{token}", {"status": status})
    for who, place in (("", "/v1/issuing"), (" in the wallet", "/_emulator/issuing"))
    for verb, status in (("resume", "active"), ("suspend", "suspended"), ("delete", "deleted"))
}
TOKEN_TABLE = Table(
    {
        "requested": token("requested"),
        "active": token("active"),
        "suspended": token("suspended"),
        "suspended in the wallet": token("suspended", by="/_emulator/issuing"),
        "deleted": token("deleted"),
        "requested, its card inactive": token("requested", card="inactive"),
        "suspended with its card": token("suspended", card="inactive"),
        "deleted with its card": token("deleted", card="canceled"),
    },
    TOKEN_VERBS,
    {
        "requested": {
            "resume": no_token_way("requested", "active"),
            "suspend": no_token_way("requested", "suspended"),
            "suspend in the wallet": no_token_way("requested", "suspended"),
        },
        "suspended": {"resume in the wallet": BY_THE_API},
        "requested, its card inactive": {
            "resume": no_token_way("requested", "active"),
            "resume in the wallet": CARD_ASLEEP,
            "suspend": no_token_way("requested", "suspended"),
            "suspend in the wallet": no_token_way("requested", "suspended"),
        },
        "suspended with its card": {"resume": CARD_ASLEEP, "resume in the wallet": CARD_ASLEEP},
        **{
            state: {name: no_token_way("deleted", verb.params["status"]) for name, verb in TOKEN_VERBS.items()}
            for state in ("deleted", "deleted with its card")
        },
    },
)


# Shipments

WAYS_TO: dict[str, tuple[str, ...]] = {
    "pending": (),
    "submitted": ("submit",),
    "shipped": ("ship",),
    "delivered": ("ship", "deliver"),
    "returned": ("ship", "return"),
    "failure": ("fail",),
}
COMES_FROM: dict[str, tuple[str, tuple[str, ...]]] = {
    "submit": ("submitted", ("pending",)),
    "ship": ("shipped", ("pending", "submitted")),
    "deliver": ("delivered", ("shipped",)),
    "return": ("returned", ("shipped", "delivered")),
    "fail": ("failure", ("pending", "submitted", "shipped")),
}


def shipment(*way: str, canceled: bool = False) -> Begin:
    """A physical card that has gone this way."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = a_physical_card(client)["id"]
        for verb in way:
            client.made(f"{SHIPMENTS}/{id}/shipping/{verb}")
        if canceled:
            client.made(f"{CARDS}/{id}", status="canceled")
        return client, {"card": id}

    return begin


def shipped_wrongly(status: str) -> dict[str, Refused]:
    """The refusals of every step that a shipment with this status cannot take."""
    found = {}
    for verb, (becomes, before) in COMES_FROM.items():
        if status not in before:
            wanted = " or ".join(f"'{one}'" for one in before)
            says = f"A shipment can only become '{becomes}' from status {wanted}; this one's status is '{status}'."
            found[verb] = Refused(says)
    if status not in ("pending", "canceled"):
        says = f"shipping cannot be changed once the shipping status is '{status}'."
        found["ship elsewhere"] = Refused(says, "shipping")
    return found


SHIPMENT_TABLE = Table(
    {**{status: shipment(*way) for status, way in WAYS_TO.items()}, "canceled": shipment(canceled=True)},
    {**SHIPPING_VERBS, "ship elsewhere": Verb("POST", CARDS + "/{card}", {"shipping": SHIPPING})},
    {
        **{status: shipped_wrongly(status) for status in WAYS_TO},
        "canceled": {**shipped_wrongly("canceled"), "ship elsewhere": over("shipping")},
    },
)


# Designs


def design(*way: tuple[str, dict[str, Any]]) -> Begin:
    """A design with text on its carrier that has gone this way."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        bundle = client.read("/v1/issuing/physical_bundles")["data"][0]["id"]
        id = client.made(DESIGNS, physical_bundle=bundle, carrier_text={"header_title": "Hello"})["id"]
        for verb, params in way:
            client.made(f"{DESIGN_HELPERS}/{id}/{verb}", **params)
        return client, {"design": id}

    return begin


def design_refusals(status: str, *verbs: str) -> dict[str, Refused]:
    says = "You cannot {} a personalization design whose status is '{}'."
    found = {verb: Refused(says.format(verb, status)) for verb in verbs}
    if status != "rejected":
        only_then = "carrier_text can only be changed after the personalization design has been rejected."
        found["reprint"] = Refused(only_then, "carrier_text")
    if status != "active":
        only_active = "Only active personalization designs can be the default."
        found["make the default"] = Refused(only_active, "preferences[is_default]")
    return found


WHY_REJECTED = {"rejection_reasons": {"carrier_text": ["other"]}}
DESIGN_TABLE = Table(
    {
        "review": design(),
        "active": design(("activate", {})),
        "inactive": design(("activate", {}), ("deactivate", {})),
        "rejected": design(("reject", WHY_REJECTED)),
    },
    {
        "activate": Verb("POST", DESIGN_HELPERS + "/{design}/activate"),
        "deactivate": Verb("POST", DESIGN_HELPERS + "/{design}/deactivate"),
        "reject": Verb("POST", DESIGN_HELPERS + "/{design}/reject", WHY_REJECTED),
        "reprint": Verb("POST", DESIGNS + "/{design}", {"carrier_text": {"header_title": "Goodbye"}}),
        "make the default": Verb("POST", DESIGNS + "/{design}", {"preferences": {"is_default": True}}),
        "annotate": Verb("POST", DESIGNS + "/{design}", {"metadata": {"k": "v"}}),
    },
    {
        "review": design_refusals("review", "deactivate"),
        "active": design_refusals("active"),
        "inactive": design_refusals("inactive", "reject"),
        "rejected": design_refusals("rejected", "deactivate", "reject"),
    },
)


# Authorizations and what they become


def authorization(end: str | None = None, **params: Any) -> Begin:
    """An authorization of 10.00, and how it ended."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        one = authorize(client, a_spender(client), 10_00)
        if end is not None:
            done(client, one, end, **params)
        return client, {"authorization": one["id"]}

    return begin


def declined_authorization(client: Client) -> tuple[Client, dict[str, str]]:
    return client, {"authorization": authorize(client, a_card(client), 10_00)["id"]}


DECIDED = Refused("This authorization is no longer pending a decision.")
AWAITING = Refused("This authorization is awaiting a decision.")
NOT_CHALLENGED = Refused("This authorization has no pending fraud challenge.")
ALWAYS = {"approve": DECIDED, "decline": DECIDED, "respond": NOT_CHALLENGED}


def ended(status: str) -> dict[str, Refused]:
    """What every authorization that came to an end refuses."""
    says = "You cannot {} an authorization with status '{}'."
    return {
        **ALWAYS,
        **{verb: Refused(says.format(verb, status)) for verb in ("reverse", "increment", "expire", "finalize")},
    }


AUTHORIZATION_TABLE = Table(
    {
        "pending": authorization(),
        "captured in part": authorization("capture", capture_amount=1, close_authorization=False),
        "closed": authorization("capture"),
        "reversed": authorization("reverse"),
        "expired": authorization("expire"),
        "declined": declined_authorization,
        "undecided": lambda client: (client, {"authorization": undecided(client)}),
    },
    {
        "capture": Verb("POST", AUTHORIZATIONS + "/{authorization}/capture"),
        "reverse": Verb("POST", AUTHORIZATIONS + "/{authorization}/reverse"),
        "increment": Verb("POST", AUTHORIZATIONS + "/{authorization}/increment", {"increment_amount": 1}),
        "expire": Verb("POST", AUTHORIZATIONS + "/{authorization}/expire"),
        "finalize": Verb("POST", AUTHORIZATIONS + "/{authorization}/finalize_amount", {"final_amount": 9_00}),
        "respond": Verb("POST", AUTHORIZATIONS + "/{authorization}/fraud_challenges/respond", {"confirmed": True}),
        "approve": Verb("POST", IAUTH + "/{authorization}/approve"),
        "decline": Verb("POST", IAUTH + "/{authorization}/decline"),
        "annotate": Verb("POST", IAUTH + "/{authorization}", {"metadata": {"k": "v"}}),
    },
    {
        "pending": ALWAYS,
        "captured in part": ALWAYS,
        "closed": ended("closed"),
        "reversed": {
            **ended("reversed"),
            "capture": Refused("You cannot capture an authorization with status 'reversed'."),
        },
        "expired": ended("expired"),
        "declined": {
            **ended("closed"),
            "capture": Refused("You cannot capture an authorization that was declined."),
        },
        "undecided": {
            **dict.fromkeys(("capture", "reverse", "increment", "expire", "finalize"), AWAITING),
            "respond": NOT_CHALLENGED,
        },
    },
)


def capture(refunded: int = 0) -> Begin:
    """A capture of 10.00, of which some went back."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = force_capture(client, a_spender(client), 10_00)["id"]
        if refunded:
            client.made(f"{TRANSACTIONS}/{id}/refund", refund_amount=refunded)
        return client, {"transaction": id}

    return begin


def refund_of(client: Client) -> tuple[Client, dict[str, str]]:
    client, ids = capture()(client)
    return client, {"transaction": client.made(f"{TRANSACTIONS}/{ids['transaction']}/refund")["id"]}


def disputed(client: Client) -> tuple[Client, dict[str, str]]:
    client, ids = capture()(client)
    client.made(DISPUTES, transaction=ids["transaction"])
    return client, ids


def long_captured(client: Client) -> tuple[Client, dict[str, str]]:
    client, ids = capture()(client)
    client.clock(advance=110 * DAY)
    return client, ids


NOTHING_LEFT = Refused("This transaction has already been refunded: all of its 1000.")
NOT_A_CAPTURE = Refused("Only a transaction of type 'capture' can be disputed.", "transaction")
TRANSACTION_TABLE = Table(
    {
        "captured": capture(),
        "refunded in part": capture(1),
        "refunded": capture(10_00),
        "a refund": refund_of,
        "disputed": disputed,
        "110 days old": long_captured,
    },
    {
        "refund": Verb("POST", TRANSACTIONS + "/{transaction}/refund"),
        "refund one": Verb("POST", TRANSACTIONS + "/{transaction}/refund", {"refund_amount": 1}),
        "dispute": Verb("POST", DISPUTES, {"transaction": "{transaction}"}),
        "annotate": Verb("POST", PURCHASES + "/{transaction}", {"metadata": {"k": "v"}}),
    },
    {
        "refunded": {
            "refund": NOTHING_LEFT,
            "refund one": NOTHING_LEFT,
            "dispute": Refused("Nothing of this transaction is left to dispute: all of it was refunded.", "amount"),
        },
        "a refund": {
            "refund": Refused("You cannot refund a transaction of type 'refund'."),
            "refund one": Refused("You cannot refund a transaction of type 'refund'."),
            "dispute": NOT_A_CAPTURE,
        },
        "disputed": {
            "dispute": Refused(
                "A dispute already exists for the transaction '{transaction}'.",
                "transaction",
                "resource_already_exists",
            ),
        },
        "110 days old": {
            "dispute": Refused(
                "The filing window of this transaction has passed: 110 days since its capture.", "transaction"
            ),
        },
    },
)


# Disputes


def dispute(outcome: str | None = None) -> Begin:
    """A dispute with its evidence, and how far it came."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        client, ids = capture()(client)
        id = client.made(DISPUTES, transaction=ids["transaction"], evidence=FRAUD)["id"]
        if outcome == "expired":
            client.clock(advance=110 * DAY)
        elif outcome is not None:
            client.made(f"{DISPUTES}/{id}/submit")
        if outcome in ("won", "lost"):
            client.made(f"/_emulator{DISPUTES[3:]}/{id}/decide", outcome=outcome)
        assert client.read(f"{DISPUTES}/{id}")["status"] == outcome or outcome is None
        return client, {"dispute": id}

    return begin


def too_late(status: str) -> dict[str, Refused]:
    return {
        "change the amount": Refused(f"You cannot change the amount of a dispute with status '{status}'.", "amount"),
        "change the evidence": Refused(
            f"You cannot change the evidence of a dispute with status '{status}'.", "evidence"
        ),
        "submit": Refused(f"You cannot submit a dispute with status '{status}'."),
    }


def undecidable(status: str) -> dict[str, Refused]:
    return {
        "win": Refused(f"You cannot win a dispute with status '{status}'."),
        "lose": Refused(f"You cannot lose a dispute with status '{status}'."),
    }


DISPUTE_TABLE = Table(
    {"unsubmitted": dispute(), **{status: dispute(status) for status in ("submitted", "won", "lost", "expired")}},
    {
        "change the amount": Verb("POST", DISPUTES + "/{dispute}", {"amount": 1}),
        "change the evidence": Verb("POST", DISPUTES + "/{dispute}", {"evidence": FRAUD}),
        "annotate": Verb("POST", DISPUTES + "/{dispute}", {"metadata": {"k": "v"}}),
        "submit": Verb("POST", DISPUTES + "/{dispute}/submit"),
        "win": Verb("POST", f"/_emulator{DISPUTES[3:]}/{{dispute}}/decide", {"outcome": "won"}),
        "lose": Verb("POST", f"/_emulator{DISPUTES[3:]}/{{dispute}}/decide", {"outcome": "lost"}),
    },
    {
        "unsubmitted": undecidable("unsubmitted"),
        "submitted": too_late("submitted"),
        **{status: {**too_late(status), **undecidable(status)} for status in ("won", "lost", "expired")},
    },
)


# Top-ups


def topup(source: str | None = None, ends: str | None = None) -> Begin:
    """A top-up, and what became of it."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        client.settings(progress="at_once" if ends in ("failed", "succeeded", "reversed") else "never")
        id = client.made(TOPUPS, amount=1_00, currency="usd", **({"source": source} if source else {}))["id"]
        if ends == "canceled":
            client.made(f"{TOPUPS}/{id}/cancel")
        if ends == "reversed":
            client.made(f"/_emulator/topups/{id}/reverse")
        assert client.read(f"{TOPUPS}/{id}")["status"] == (ends or "pending")
        return client, {"topup": id}

    return begin


def topup_refusals(status: str, *verbs: str) -> dict[str, Refused]:
    return {verb: Refused(f"You cannot {verb} a top-up with status '{status}'.") for verb in verbs}


TOPUP_TABLE = Table(
    {
        "pending": topup(),
        "succeeded": topup(ends="succeeded"),
        "failed": topup("btok_us_verified_noAccount", "failed"),
        "canceled": topup(ends="canceled"),
        "reversed": topup(ends="reversed"),
    },
    {
        "cancel": Verb("POST", TOPUPS + "/{topup}/cancel"),
        "describe": Verb("POST", TOPUPS + "/{topup}", {"description": "Rent"}),
        "reverse": Verb("POST", "/_emulator/topups/{topup}/reverse"),
    },
    {
        "pending": topup_refusals("pending", "reverse"),
        "succeeded": topup_refusals("succeeded", "cancel"),
        **{status: topup_refusals(status, "cancel", "reverse") for status in ("failed", "canceled", "reversed")},
    },
)


# Payouts


def automatic_payout(progress: str) -> Begin:
    """A payout that a schedule has made, and how it gets on."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        client, _ = a_business(platform)
        client.made("/v1/balance_settings", payments={"payouts": {"schedule": {"interval": "daily"}}})
        client.settings(progress=progress)
        client.clock(advance=5 * DAY)  # of which one at least is a day of banks
        return client, {"payout": client.read(PAYOUTS)["data"][-1]["id"]}

    return begin


def payout(*steps: str, number: str = "000123456789") -> Begin:
    """A payout of a connected account, and what became of it."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        client, _ = a_business(platform, number=number)
        if not steps:
            client.settings(progress="never")
        id = paid_out(client)["id"]
        if steps == ("in_transit",):
            client.made(f"{PAYOUTS}/{id}/cancel")
            client.settings(progress="banking_dates")
            id = paid_out(client)["id"]
            client.clock(set=client.read(f"{PAYOUTS}/{id}")["arrival_date"] + 6 * 3600, frozen=True)  # sent, not there
        if "cancel" in steps:
            client.made(f"{PAYOUTS}/{id}/cancel")
        if "reverse" in steps:
            client.read(f"{PAYOUTS}/{id}")
            reversal = client.made(f"{PAYOUTS}/{id}/reverse")["id"]
            return client, {"payout": reversal if "take the reversal" in steps else id, "reversal": reversal}
        return client, {"payout": id}

    return begin


NOT_CANCELED = "You cannot cancel a payout with status '{}'."
NOT_REVERSED = "You cannot reverse a payout with status '{}'."
PAYOUT_TABLE = Table(
    {
        "pending": payout(),
        "in transit": payout("in_transit"),
        "paid": payout("paid"),
        "failed": payout("failed", number="000111111116"),
        "canceled": payout("cancel"),
        "reversed": payout("reverse"),
        "a reversal": payout("reverse", "take the reversal"),
        "automatic": automatic_payout("never"),
        "paid by itself": automatic_payout("delay"),
    },
    {
        "cancel": Verb("POST", PAYOUTS + "/{payout}/cancel"),
        "note": Verb("POST", PAYOUTS + "/{payout}", {"metadata": {"order": "1"}}),
        "reverse": Verb("POST", PAYOUTS + "/{payout}/reverse"),
    },
    {
        "pending": {"reverse": Refused(NOT_REVERSED.format("pending") + " Cancel it instead.")},
        "in transit": {"cancel": Refused(NOT_CANCELED.format("in_transit"))},
        "paid": {"cancel": Refused(NOT_CANCELED.format("paid"))},
        **{
            status: {
                "cancel": Refused(NOT_CANCELED.format(status)),
                "reverse": Refused(NOT_REVERSED.format(status)),
            }
            for status in ("failed", "canceled")
        },
        "automatic": {
            "cancel": Refused("You cannot cancel an automatic payout."),
            "reverse": Refused(NOT_REVERSED.format("pending") + " Cancel it instead."),
        },
        "paid by itself": {"cancel": Refused("You cannot cancel an automatic payout.")},
        "reversed": {
            "cancel": Refused(NOT_CANCELED.format("paid")),
            "reverse": Refused("This payout has already been reversed by {reversal}."),
        },
        "a reversal": {
            "cancel": Refused("You cannot cancel a payout that reverses another."),
            "reverse": Refused("You cannot reverse a payout that reverses another."),
        },
    },
)


# Transfers


def transfer(*amounts: int) -> Begin:
    """A transfer of a connected account's to its platform, and how much of it has come back."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        client, _ = a_business(platform)
        own = platform.read("/v1/account")["id"]
        id = client.made(TRANSFERS, amount=2_00, currency="usd", destination=own)["id"]
        reversals = [client.made(f"{TRANSFERS}/{id}/reversals", amount=amount)["id"] for amount in amounts]
        return client, {"transfer": id, "reversal": reversals[-1] if reversals else "trr_none"}

    return begin


TRANSFERS = "/v1/transfers"
TRANSFER_TABLE = Table(
    {"reversed in part": transfer(1_00), "reversed": transfer(1_00, 1_00)},
    {
        "describe": Verb("POST", TRANSFERS + "/{transfer}", {"description": "Rent"}),
        "reverse": Verb("POST", TRANSFERS + "/{transfer}/reversals"),
        "note the reversal": Verb("POST", TRANSFERS + "/{transfer}/reversals/{reversal}", {"metadata": {"a": "1"}}),
    },
    {"reversed": {"reverse": Refused("Transfer {transfer} has already been fully reversed.")}},
)


# Financial accounts, and debits of them


def financial_account(*steps: str) -> Begin:
    """A financial account of a connected account: empty, with money or closed."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        id = opened(client)
        if "fund" in steps:
            send(client, id, 1_00)
        if "close" in steps:
            client.made(f"{FINANCIAL_ACCOUNTS}/{id}/close")
        return client, {"account": id, "cardholder": a_cardholder(client)["id"]}

    return begin


OF_ACCOUNT = FINANCIAL_ACCOUNTS + "/{account}"
ONLY_NOTES = Refused("The financial account {account} is closed: only its metadata and nickname can be updated.")
IS_CLOSED = "The FinancialAccount {account} is closed."
ALREADY_CLOSED = Refused("The financial account {account} is already closed.", None, "status_transition_invalid")
ACH = {"amount": 1, "currency": "usd", "financial_account": "{account}", "network": "ach"}
FINANCIAL_ACCOUNT_TABLE = Table(
    {"open": financial_account(), "funded": financial_account("fund"), "closed": financial_account("close")},
    {
        "annotate": Verb("POST", OF_ACCOUNT, {"metadata": {"k": "v"}, "nickname": "Mine"}),
        "restrict": Verb("POST", OF_ACCOUNT, {"platform_restrictions": {"outbound_flows": "restricted"}}),
        "request": Verb("POST", OF_ACCOUNT, {"features": {"deposit_insurance": {"requested": True}}}),
        "request a feature": Verb("POST", OF_ACCOUNT + "/features", {"deposit_insurance": {"requested": True}}),
        "close": Verb("POST", OF_ACCOUNT + "/close"),
        "receive": Verb("POST", SEND, ACH),
        "be debited": Verb("POST", TAKE, ACH),
        "close and forward": Verb(
            "POST",
            OF_ACCOUNT + "/close",
            {"forwarding_settings": {"type": "payment_method", "payment_method": "pm_usBankAccount"}},
        ),
        "issue a card": Verb(
            "POST",
            CARDS,
            {"cardholder": "{cardholder}", "currency": "usd", "type": "virtual", "financial_account": "{account}"},
        ),
    },
    {
        "funded": {
            "close": Refused(
                "The financial account {account} cannot be closed: its balance is not zero and there are no forwarding "
                "settings."
            ),
        },
        "closed": {
            "restrict": ONLY_NOTES,
            "request": ONLY_NOTES,
            "request a feature": Refused("The financial account {account} is closed: its features cannot be changed."),
            "close": ALREADY_CLOSED,
            "close and forward": ALREADY_CLOSED,
            "issue a card": Refused(IS_CLOSED, "financial_account", "account_closed"),
        },
    },
)


def debit(*steps: str) -> Begin:
    """A debit of a connected account's financial account, and what happened since."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        id = opened(client)
        if "failed" not in steps:
            send(client, id, 1_00)
        taken = take(client, id, 1_00)
        if "undone" in steps:
            client.made(REVERSALS, received_debit=taken["id"])
        if "late" in steps:
            client.clock(set=taken["reversal_details"]["deadline"])
        if "closed" in steps:
            client.made(f"{FINANCIAL_ACCOUNTS}/{id}/close")
        return client, {"debit": taken["id"], "account": id}

    return begin


def cannot_undo(reason: str) -> dict[str, Refused]:
    return {"undo": Refused(f"This ReceivedDebit cannot be reversed: {reason}.", "received_debit")}


DEBIT_TABLE = Table(
    {
        "succeeded": debit(),
        "failed": debit("failed"),
        "undone": debit("undone"),
        "too old": debit("late"),
        "of a closed account": debit("closed"),
    },
    {"undo": Verb("POST", REVERSALS, {"received_debit": "{debit}"})},
    {
        "failed": cannot_undo("it failed"),
        "undone": cannot_undo("already_reversed"),
        "too old": cannot_undo("deadline_passed"),
        "of a closed account": {"undo": Refused(IS_CLOSED, "received_debit", "account_closed")},
    },
)


def credit(*steps: str) -> Begin:
    """A credit of a connected account's financial account, and what happened since."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        id, other = opened(client), opened(client)
        client.read("/v1/balance")  # everything due has happened
        if "failed" in steps:
            client.made(f"{FINANCIAL_ACCOUNTS}/{id}", platform_restrictions={"inbound_flows": "restricted"})
        if "paid" in steps:
            other = opened(platform)
            send(platform, other, 1_00)
            data = {"type": "financial_account", "financial_account": id}
            given = {"amount": 1_00, "currency": "usd", "financial_account": other}
            platform.made("/v1/treasury/outbound_payments", destination_payment_method_data=data, **given)
            platform.made(f"{FINANCIAL_ACCOUNTS}/{other}/close")
            (sent,) = client.read("/v1/treasury/received_credits", financial_account=id)["data"]
        elif "transferred" in steps:
            send(client, other, 1_00)
            forwarding = {"type": "financial_account", "financial_account": id}
            client.made(f"{FINANCIAL_ACCOUNTS}/{other}/close", forwarding_settings=forwarding)
            (sent,) = client.read("/v1/treasury/received_credits", financial_account=id)["data"]
        else:
            sent = send(client, id, 1_00, "us_domestic_wire" if "wired" in steps else "ach")
        if "sent back" in steps:
            client.made(CREDIT_REVERSALS, received_credit=sent["id"])
        if "late" in steps:
            client.clock(set=sent["reversal_details"]["deadline"])
        if "spent" in steps:
            take(client, id, 1)
        if "closed" in steps:
            forwarding = {"type": "payment_method", "payment_method": "pm_usBankAccount"}
            client.made(f"{FINANCIAL_ACCOUNTS}/{id}/close", forwarding_settings=forwarding)
        return client, {"credit": sent["id"], "account": id, "other": other}

    return begin


def cannot_send_back(reason: str) -> dict[str, Refused]:
    return {"send back": Refused(f"This ReceivedCredit cannot be reversed: {reason}.", "received_credit")}


CREDIT_TABLE = Table(
    {
        "succeeded": credit(),
        "failed": credit("failed"),
        "sent back": credit("sent back"),
        "too old": credit("late"),
        "wired": credit("wired"),
        "spent in part": credit("spent"),
        "of a closed account": credit("closed"),
        "transferred": credit("transferred"),
        "from a closed account": credit("paid"),
    },
    {"send back": Verb("POST", CREDIT_REVERSALS, {"received_credit": "{credit}"})},
    {
        "failed": cannot_send_back("it failed"),
        "sent back": cannot_send_back("already_reversed"),
        "too old": cannot_send_back("deadline_passed"),
        "wired": cannot_send_back("network_restricted"),
        "transferred": cannot_send_back("source_flow_restricted"),
        "spent in part": {
            "send back": Refused(
                "The FinancialAccount doesn't have a sufficient balance available.", "amount", "balance_insufficient"
            )
        },
        "of a closed account": {"send back": Refused(IS_CLOSED, "received_credit", "account_closed")},
        "from a closed account": {
            "send back": Refused("The FinancialAccount {other} is closed.", "received_credit", "account_closed")
        },
    },
)


# Outbound transfers and payments


def leaving(kind: type, *helpers: str, within: bool = False) -> Begin:
    """A flow that waits for what is asked of it, and what helpers made of it."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        platform.settings(progress="never")
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        flows = kind(client)
        source = opened(client)
        owner, other = flows.target(platform)
        send(client, source, 1_00)
        flow = flows.within_stripe(source, other, 1_00) if within else flows.begun(source, amount=1_00)
        for helper in helpers:
            if helper == "close":
                client.made(f"{FINANCIAL_ACCOUNTS}/{source}/close")
            elif helper == "cancel":
                canceled(client, flow)
            else:
                helped(client, flow, helper)
        credits = owner.read("/v1/treasury/received_credits", financial_account=other)["data"]
        return client, {"flow": flow["id"], "account": source, **({"credit": credits[0]["id"]} if credits else {})}

    return begin


def no_way(name: str, status: str, **targets: str) -> dict[str, Refused]:
    return {
        verb: Refused(f"This {name} cannot transition from {status} to {target}.", None, "status_transition_invalid")
        for verb, target in targets.items()
    }


def no_tracking(name: str, how: str) -> dict[str, Refused]:
    says = f"The tracking details of this {name} cannot be set: it {how}."
    return {"track": Refused(says, None, "status_transition_invalid")}


ONWARDS = {"post": "posted", "fail": "failed", "cancel": "canceled"}
ANYWHERE = {**ONWARDS, "return": "returned"}


def table_of(kind: type) -> Table:
    """The table of outbound transfers, or of outbound payments."""
    name, own, helpers = kind.refusals_say, f"/v1/treasury/{kind.name}s", f"/v1/test_helpers/treasury/{kind.name}s"
    not_over_stripe = Refused(f"This {name} is sent over the network stripe, not ach.", "tracking_details[type]")
    return Table(
        {
            "processing": leaving(kind),
            "posted": leaving(kind, "post"),
            "returned": leaving(kind, "return"),
            "failed": leaving(kind, "fail"),
            "canceled": leaving(kind, "cancel"),
            "from an account that has closed": leaving(kind, "post", "close"),
            "processing within Stripe": leaving(kind, within=True),
            "arrived within Stripe": leaving(kind, "post", within=True),
        },
        {
            "cancel": Verb("POST", own + "/{flow}/cancel"),
            "post": Verb("POST", helpers + "/{flow}/post"),
            "fail": Verb("POST", helpers + "/{flow}/fail"),
            "return": Verb("POST", helpers + "/{flow}/return"),
            "track": Verb("POST", helpers + "/{flow}", {"tracking_details": {"type": "ach", "ach": {"trace_id": "1"}}}),
        },
        {
            "processing": no_tracking(name, "can still be canceled"),
            "posted": no_way(name, "posted", **ONWARDS),
            "returned": no_way(name, "returned", **ANYWHERE),
            "failed": {**no_way(name, "failed", **ANYWHERE), **no_tracking(name, "is failed")},
            "canceled": {**no_way(name, "canceled", **ANYWHERE), **no_tracking(name, "is canceled")},
            "from an account that has closed": {
                **no_way(name, "posted", **ONWARDS),
                "return": Refused(
                    f"This {name} cannot be returned: the FinancialAccount {{account}} is closed.",
                    None,
                    "account_closed",
                ),
            },
            "processing within Stripe": {
                "cancel": Refused(
                    f"This {name} cannot be canceled: over the stripe network it is posted at once.",
                    None,
                    "status_transition_invalid",
                ),
                "track": not_over_stripe,
            },
            "arrived within Stripe": {
                **no_way(name, "posted", **ONWARDS),
                "return": Refused(
                    f"This {name} cannot be returned: the money has arrived, as {{credit}}.",
                    None,
                    "status_transition_invalid",
                ),
                "track": not_over_stripe,
            },
        },
    )


# Inbound transfers


def inbound(*steps: str) -> Begin:
    """An inbound transfer that waits for what is asked of it, and what was made of it and of its account."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        platform.settings(progress="never")
        client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        account = opened(client)
        given = {"amount": 1_00, "currency": "usd", "financial_account": account}
        id = client.made(COLLECTED, origin_payment_method="pm_usBankAccount", **given)["id"]
        for step in steps:
            if step == "reject":
                platform.made(f"/v1/accounts/{client.account}/reject", reason="other")
            else:
                client.made(f"{COLLECTED if step == 'cancel' else COLLECTED_HELPERS}/{id}/{step}")
        return client, {"transfer": id, "account": account}

    return begin


def not_inbound(stage: str, *verbs: str) -> dict[str, Refused]:
    return {
        verb: Refused(
            f"This InboundTransfer cannot transition from {stage} to {INBOUND_VERBS[verb]}.",
            None,
            "status_transition_invalid",
        )
        for verb in verbs
    }


def inbound_closed(verb: str) -> Refused:
    says = f"This InboundTransfer cannot {verb}: the FinancialAccount {{account}} is closed."
    return Refused(says, None, "account_closed")


COLLECTED, COLLECTED_HELPERS = "/v1/treasury/inbound_transfers", "/v1/test_helpers/treasury/inbound_transfers"
INBOUND_VERBS = {"succeed": "succeeded", "fail": "failed", "cancel": "canceled", "return": "returned"}
INBOUND_TABLE = Table(
    {
        "processing": inbound(),
        "succeeded": inbound("succeed"),
        "returned": inbound("succeed", "return"),
        "failed": inbound("fail"),
        "canceled": inbound("cancel"),
        "processing, its account closed": inbound("reject"),
        "succeeded, its account closed": inbound("succeed", "reject"),
    },
    {
        verb: Verb("POST", (COLLECTED if verb == "cancel" else COLLECTED_HELPERS) + "/{transfer}/" + verb)
        for verb in INBOUND_VERBS
    },
    {
        "processing": not_inbound("processing", "return"),
        "succeeded": not_inbound("succeeded", "succeed", "fail", "cancel"),
        "returned": not_inbound("returned", *INBOUND_VERBS),
        "failed": not_inbound("failed", *INBOUND_VERBS),
        "canceled": not_inbound("canceled", *INBOUND_VERBS),
        "processing, its account closed": {
            **not_inbound("processing", "return"),
            "succeed": inbound_closed("succeed"),
        },
        "succeeded, its account closed": {
            **not_inbound("succeeded", "succeed", "fail", "cancel"),
            "return": inbound_closed("be returned"),
        },
    },
)


# Connected accounts


def connected(*, rejected: bool = False) -> Begin:
    """A connected account with a bank account, seen by its platform."""

    def begin(platform: Client) -> tuple[Client, dict[str, str]]:
        account = a_connected_account(platform, "treasury", "card_issuing", "transfers").account
        assert account is not None
        path = f"/v1/accounts/{account}"
        first = platform.made(f"{path}/external_accounts", external_account="btok_us_verified")["id"]
        boss = platform.made(f"{path}/persons", relationship={"representative": True})["id"]
        other = platform.made(f"{path}/persons", first_name="Ada")["id"]
        if rejected:
            platform.made(f"{path}/reject", reason="other")
        return platform, {"account": account, "bank": first, "boss": boss, "other": other}

    return begin


DEFAULT_STAYS = Refused(
    "You cannot delete the default external account for your default currency. Please make another external account "
    "the default using the `default_for_currency` param, and then delete this one."
)
DEFAULT_KEPT = Refused(
    "You cannot take the default away from an external account. Please make another external account the default using "
    "the `default_for_currency` param.",
    "default_for_currency",
)
IN_ANY_STATE = {
    "delete the default bank account": DEFAULT_STAYS,
    "delete it under its older name": DEFAULT_STAYS,
    "take its default away": DEFAULT_KEPT,
    "take it away under its older name": DEFAULT_KEPT,
    "delete the representative": Refused(
        "The representative of an account cannot be deleted. Please name another person first."
    ),
    "name a second representative": Refused(
        "This account already has a representative: {boss}. An account can have only one.",
        "relationship[representative]",
    ),
}
TAKE_AWAY: dict[str, Any] = {"default_for_currency": False}
ACCOUNT_TABLE = Table(
    {"good": connected(), "rejected": connected(rejected=True)},
    {
        "reject": Verb("POST", ACCOUNT + "/reject", {"reason": "other"}),
        "unreject": Verb("POST", ACCOUNT + "/unreject"),
        "delete the default bank account": Verb("DELETE", ACCOUNT + "/external_accounts/{bank}"),
        "delete it under its older name": Verb("DELETE", ACCOUNT + "/bank_accounts/{bank}"),
        "take its default away": Verb("POST", ACCOUNT + "/external_accounts/{bank}", TAKE_AWAY),
        "take it away under its older name": Verb("POST", ACCOUNT + "/bank_accounts/{bank}", TAKE_AWAY),
        "delete the representative": Verb("DELETE", ACCOUNT + "/persons/{boss}"),
        "delete another person": Verb("DELETE", ACCOUNT + "/persons/{other}"),
        "name a second representative": Verb(
            "POST", ACCOUNT + "/persons/{other}", {"relationship": {"representative": True}}
        ),
    },
    {
        "good": {**IN_ANY_STATE, "unreject": Refused("This account has not been rejected.")},
        "rejected": {**IN_ANY_STATE, "reject": Refused("This account has already been rejected.")},
    },
)


# Customers, and payment methods saved for them


def customer(*, deleted: bool = False) -> Begin:
    """A customer, and a payment method that is nobody's."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = client.made(CUSTOMERS, name="Jenny Rosen")["id"]
        if deleted:
            assert client.delete(f"{CUSTOMERS}/{id}").status == 200
        return client, {"customer": id, "method": client.made(METHODS, **BY_TOKEN)["id"]}

    return begin


BY_TOKEN = {"type": "card", "card": {"token": "tok_visa"}}
GONE = "No such customer: '{customer}'"
IS_GONE = Refused(GONE, "id", "resource_missing", 404)
CANNOT_BE_NAMED = Refused(GONE, "customer", "resource_missing")
CUSTOMER_TABLE = Table(
    {"living": customer(), "deleted": customer(deleted=True)},
    {
        "update": Verb("POST", CUSTOMERS + "/{customer}", {"description": "Rent"}),
        "delete": Verb("DELETE", CUSTOMERS + "/{customer}"),
        "get a payment method": Verb("POST", METHODS + "/{method}/attach", {"customer": "{customer}"}),
        "begin to save one": Verb("POST", INTENTS, {"customer": "{customer}"}),
    },
    {
        "deleted": {
            "update": IS_GONE,
            "delete": IS_GONE,
            "get a payment method": CANNOT_BE_NAMED,
            "begin to save one": CANNOT_BE_NAMED,
        }
    },
)


def method(*steps: str, **sent: Any) -> Begin:
    """A payment method, and what has become of it; two customers besides."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        first, second = (client.made(CUSTOMERS, name=name)["id"] for name in ("Jenny Rosen", "Ada"))
        id = client.made(METHODS, **(sent or BY_TOKEN))["id"]
        if "attach" in steps:
            client.made(f"{METHODS}/{id}/attach", customer=first)
        if "keep" in steps:
            client.made(INTENTS, payment_method=id, attach_to_self=True, confirm=True, **NO_REDIRECTS)
        if "detach" in steps:
            client.made(f"{METHODS}/{id}/detach")
        if "lose its customer" in steps:
            assert client.delete(f"{CUSTOMERS}/{first}").status == 200
        return client, {"method": id, "customer": second if "lose its customer" in steps else first, "other": second}

    return begin


IS_ATTACHED = Refused("The payment method you provided has already been attached to a customer.")
NOBODYS = {
    "detach": Refused("The payment method you provided is not attached to a customer so detachment is impossible."),
    "update": Refused(
        "You must save this PaymentMethod to a customer before you can update it.",
        None,
        "payment_method_unexpected_state",
    ),
}
UNVERIFIED = Refused(
    "A US bank account must be verified before it can be attached to a customer. Confirm a SetupIntent with it.",
    None,
    "bank_account_unverified",
)
IS_USED_UP = Refused(
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a "
    "connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use "
    "a PaymentMethod multiple times, you must attach it to a Customer first.",
    None,
    "payment_method_unexpected_state",
)
OF_NO_USE = {**NOBODYS, "attach": IS_USED_UP, "attach to another": IS_USED_UP}
METHOD_TABLE = Table(
    {
        "unattached": method(),
        "of a customer": method("attach"),
        "of the account itself": method("keep"),
        "detached": method("attach", "detach"),
        "kept and detached": method("keep", "detach"),
        "of a deleted customer": method("attach", "lose its customer"),
        "a bank account that nobody has verified": method(**BANK),
    },
    {
        "attach": Verb("POST", METHODS + "/{method}/attach", {"customer": "{customer}"}),
        "attach to another": Verb("POST", METHODS + "/{method}/attach", {"customer": "{other}"}),
        "detach": Verb("POST", METHODS + "/{method}/detach"),
        "update": Verb("POST", METHODS + "/{method}", {"metadata": {"k": "v"}}),
    },
    {
        "unattached": NOBODYS,
        "of a customer": {"attach to another": IS_ATTACHED},
        "of the account itself": {"attach": IS_ATTACHED, "attach to another": IS_ATTACHED},
        "detached": OF_NO_USE,
        "kept and detached": OF_NO_USE,
        "of a deleted customer": OF_NO_USE,
        "a bank account that nobody has verified": {
            **NOBODYS,
            "attach": UNVERIFIED,
            "attach to another": UNVERIFIED,
        },
    },
)


def intent(*verbs: str, **sent: Any) -> Begin:
    """A setup intent, and what was done with it."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = client.made(INTENTS, **sent, **NO_REDIRECTS)["id"]
        for verb in verbs:
            proof = {"descriptor_code": "SM11AA"} if verb == "verify_microdeposits" else {}
            client.made(f"{INTENTS}/{id}/{verb}", **proof)
        return client, {"intent": id}

    return begin


def intent_refusals(status: str, *verbs: str) -> dict[str, Refused]:
    """What is said of verbs that the status of an intent does not allow."""
    past = {"cancel": "canceled", "confirm": "confirmed", "update": "updated", "verify": "verified"}
    unended = "requires_payment_method, requires_confirmation, requires_action"
    return {
        verb: Refused(
            f"You cannot {verb} this SetupIntent because it has a status of {status}. Only a SetupIntent with one of "
            f"the following statuses may be {past[verb]}: {'requires_action' if verb == 'verify' else unended}.",
            None,
            IN_WRONG_STATE,
        )
        for verb in verbs
    }


IN_WRONG_STATE = "setup_intent_unexpected_state"
BANK_WAITS = {"payment_method_data": BANK, "mandate_data": OFFLINE, "confirm": True}
HAS_SUCCEEDED = {
    **intent_refusals("succeeded", "cancel"),
    "confirm": Refused("You cannot confirm this SetupIntent because it has already succeeded.", None, IN_WRONG_STATE),
    "update": Refused("You cannot update this SetupIntent because it has already succeeded.", None, IN_WRONG_STATE),
    "verify": Refused(
        "The bank account has already been verified.", None, "payment_method_bank_account_already_verified"
    ),
}
INTENT_TABLE = Table(
    {
        "requires_payment_method": intent(),
        "requires_confirmation": intent(payment_method="pm_card_visa"),
        "requires_action": intent(**BANK_WAITS),
        "succeeded": intent("confirm", payment_method="pm_card_visa"),
        "succeeded by a proof": intent("verify_microdeposits", **BANK_WAITS),
        "canceled": intent("cancel"),
        "canceled while it waited": intent("cancel", **BANK_WAITS),
    },
    {
        "annotate": Verb("POST", INTENTS + "/{intent}", {"description": "Rent", "metadata": {"k": "v"}}),
        "update": Verb("POST", INTENTS + "/{intent}", {"payment_method": "pm_card_visa"}),
        "confirm": Verb("POST", INTENTS + "/{intent}/confirm"),
        "cancel": Verb("POST", INTENTS + "/{intent}/cancel"),
        "verify": Verb("POST", INTENTS + "/{intent}/verify_microdeposits", {"descriptor_code": "SM11AA"}),
    },
    {
        "requires_payment_method": {
            **intent_refusals("requires_payment_method", "verify"),
            "confirm": Refused(
                "You cannot confirm this SetupIntent because it's missing a payment method. You can either update the "
                "SetupIntent with a payment method and then confirm it again, or confirm it again directly with a "
                "payment method.",
                None,
                IN_WRONG_STATE,
            ),
        },
        "requires_confirmation": intent_refusals("requires_confirmation", "verify"),
        "succeeded": {**HAS_SUCCEEDED, **intent_refusals("succeeded", "verify")},  # with a card
        "succeeded by a proof": HAS_SUCCEEDED,
        **{
            state: {
                **intent_refusals("canceled", "confirm", "update", "verify"),
                "cancel": Refused(
                    "You cannot cancel this SetupIntent because it it already canceled.", None, IN_WRONG_STATE
                ),
            }
            for state in ("canceled", "canceled while it waited")
        },
    },
)


# Payments


PAYMENTS = "/v1/payment_intents"
PAYMENT_STATE = "payment_intent_unexpected_state"
PAID = {"amount": 20_00, "currency": "usd", "allowed_payment_method_types": ["card"]}
HELD = {"payment_method": "pm_card_visa", "confirm": True, "capture_method": "manual"}


def payment(verb: str = "", **params: Any) -> Begin:
    """A payment intent, and what was done with it then."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        made = client.made(PAYMENTS, **PAID, **params)["id"]
        if verb:
            client.made(f"{PAYMENTS}/{made}/{verb}")
        return client, {"intent": made}

    return begin


def payment_refusals(status: str, *verbs: str) -> dict[str, Refused]:
    """What is said of verbs that the status of a payment does not allow."""
    unpaid = "requires_payment_method, requires_confirmation, requires_action"
    says = {
        "capture": f"This PaymentIntent could not be captured because it has a status of {status}. Only a "
        "PaymentIntent with one of the following statuses may be captured: requires_capture.",
        **{
            verb: f"You cannot {verb} this PaymentIntent because it has a status of {status}. Only a PaymentIntent "
            f"with one of the following statuses may be {past}: {statuses}."
            for verb, past, statuses in (
                ("cancel", "canceled", f"{unpaid}, requires_capture"),
                ("confirm", "confirmed", unpaid),
                ("update", "updated", unpaid),
            )
        },
    }
    return {verb: Refused(says[verb], None, PAYMENT_STATE) for verb in verbs}


PAYMENT_TABLE = Table(
    {
        "requires_payment_method": payment(),
        "requires_confirmation": payment(payment_method="pm_card_visa"),
        "requires_action": payment(payment_method="pm_card_threeDSecure2Required", confirm=True),
        "requires_capture": payment(**HELD),
        "succeeded": payment("confirm", payment_method="pm_card_visa"),
        "canceled": payment("cancel"),
    },
    {
        "annotate": Verb("POST", PAYMENTS + "/{intent}", {"description": "Rent", "metadata": {"k": "v"}}),
        "update": Verb("POST", PAYMENTS + "/{intent}", {"amount": 30_00}),
        "confirm": Verb("POST", PAYMENTS + "/{intent}/confirm", {"payment_method": "pm_card_visa"}),
        "capture": Verb("POST", PAYMENTS + "/{intent}/capture"),
        "cancel": Verb("POST", PAYMENTS + "/{intent}/cancel"),
    },
    {
        "requires_payment_method": payment_refusals("requires_payment_method", "capture"),
        "requires_confirmation": payment_refusals("requires_confirmation", "capture"),
        "requires_action": payment_refusals("requires_action", "capture"),
        "requires_capture": payment_refusals("requires_capture", "confirm", "update"),
        "succeeded": {
            **payment_refusals("succeeded", "cancel", "capture", "update"),
            "confirm": Refused(
                "You cannot confirm this PaymentIntent because it has already succeeded after being previously "
                "confirmed.",
                None,
                PAYMENT_STATE,
            ),
        },
        "canceled": payment_refusals("canceled", "cancel", "capture", "confirm", "update"),
    },
)


def charge(*refunds: str, **params: Any) -> Begin:
    """A charge, and what of it was captured and refunded."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        made = client.made("/v1/charges", amount=20_00, currency="usd", source="tok_visa", **params)["id"]
        ids = {"charge": made, "refund": ""}
        for _ in refunds:
            ids["refund"] = client.made("/v1/refunds", charge=made)["id"]
        return client, ids

    return begin


REFUNDED = Refused("Charge {charge} has already been refunded.", None, "charge_already_refunded")
CHARGE_TABLE = Table(
    {"held": charge(capture=False), "captured": charge(), "let go": charge("all", capture=False)},
    {
        "annotate": Verb("POST", "/v1/charges/{charge}", {"description": "Rent"}),
        "capture": Verb("POST", "/v1/charges/{charge}/capture"),
    },
    {
        "captured": {"capture": Refused("Charge {charge} has already been captured.", None, "charge_already_captured")},
        "let go": {"capture": REFUNDED},
    },
)
REFUND_TABLE = Table(
    {"succeeded": charge("all")},
    {
        "annotate": Verb("POST", "/v1/refunds/{refund}", {"metadata": {"k": "v"}}),
        "cancel": Verb("POST", "/v1/refunds/{refund}/cancel"),
    },
    {
        "succeeded": {
            "cancel": Refused(
                "Refund {refund} has a status of succeeded. Only refunds with a status of requires_action can be "
                "canceled."
            )
        }
    },
)


def fee(amount: int | None = None) -> Begin:
    """A fee that a platform took of a charge, of which so much was given back."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        business, _ = a_business(client)
        business.made(PAYMENTS, **PAID, payment_method="pm_card_visa", confirm=True, application_fee_amount=2_00)
        client.read("/_emulator/clock")
        id = client.read("/v1/application_fees")["data"][0]["id"]
        if amount is not None:
            client.made(f"/v1/application_fees/{id}/refunds", amount=amount)
        return client, {"fee": id}

    return begin


FEE_TABLE = Table(
    {"whole": fee(), "given back in part": fee(50), "given back": fee(2_00)},
    {"give back": Verb("POST", "/v1/application_fees/{fee}/refunds", {"amount": 1_00})},
    {"given back": {"give back": Refused("Application fee {fee} has already been refunded.")}},
)


def charge_dispute(method: str, text: str | None = None) -> Begin:
    """A dispute of a charge, and what its bank was told."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        client.made(PAYMENTS, **PAID, payment_method=method, confirm=True)
        dispute = client.read("/v1/disputes")["data"][0]["id"]
        if text is not None:
            client.made(f"/v1/disputes/{dispute}", evidence={"uncategorized_text": text})
        return client, {"dispute": dispute}

    return begin


def dispute_refusals(status: str, *verbs: str) -> dict[str, Refused]:
    """What is said of verbs that the status of a dispute does not allow."""
    return {verb: Refused(f"You cannot {verb} a dispute with status '{status}'.") for verb in verbs}


CHARGE_DISPUTE_TABLE = Table(
    {
        "needs_response": charge_dispute("pm_card_createDispute"),
        "under_review": charge_dispute("pm_card_createDispute", "They were here."),
        "won": charge_dispute("pm_card_createDispute", "winning_evidence"),
        "lost": charge_dispute("pm_card_createDispute", "losing_evidence"),
        "warning_needs_response": charge_dispute("pm_card_createDisputeInquiry"),
        "warning_under_review": charge_dispute("pm_card_createDisputeInquiry", "They were here."),
        "warning_closed": charge_dispute("pm_card_createDisputeInquiry", "winning_evidence"),
    },
    {
        "annotate": Verb("POST", "/v1/disputes/{dispute}", {"metadata": {"k": "v"}}),
        "submit": Verb("POST", "/v1/disputes/{dispute}", {"evidence": {"customer_name": "Ada"}}),
        "close": Verb("POST", "/v1/disputes/{dispute}/close"),
    },
    {
        status: dispute_refusals(status, "submit", "close")
        for status in ("under_review", "won", "lost", "warning_under_review", "warning_closed")
    },
)


# Links to files


def file_link(**more: Any) -> Begin:
    """A link to a file, which may have ended."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        file = client.made("/v1/files", purpose="dispute_evidence", file=(b"%PDF evidence", "evidence.pdf"))["id"]
        link = client.made("/v1/file_links", file=file)["id"]
        if more:
            client.made(f"/v1/file_links/{link}", **more)
        return client, {"link": link}

    return begin


ENDED = Refused("This file link has expired. Expired links can no longer be updated.")
FILE_LINK_TABLE = Table(
    {"working": file_link(), "expired": file_link(expires_at="now")},
    {
        "end": Verb("POST", "/v1/file_links/{link}", {"expires_at": "now"}),
        "begin again": Verb("POST", "/v1/file_links/{link}", {"expires_at": ""}),
        "describe": Verb("POST", "/v1/file_links/{link}", {"metadata": {"a": "1"}}),
    },
    {"expired": {verb: ENDED for verb in ("end", "begin again", "describe")}},
)

# Products and prices


def product(*prices: dict[str, Any], **more: Any) -> Begin:
    """A product with some prices."""

    def begin(client: Client) -> tuple[Client, dict[str, str]]:
        id = client.made("/v1/products", name="Gold", **more)["id"]
        made = [client.made("/v1/prices", product=id, currency="usd", unit_amount=1, **one) for one in prices]
        default = client.read(f"/v1/products/{id}")["default_price"]
        return client, {"product": id, "price": made[-1]["id"] if made else default or "none"}

    return begin


HAS_PRICES = Refused("This product cannot be deleted because it has one or more user-created prices.")
IS_DEFAULT = Refused("This price cannot be archived because it is the default price of its product.", "active")
PRICED = {"default_price_data": {"currency": "usd", "unit_amount": 1}}
PRODUCT_TABLE = Table(
    {"priceless": product(), "archived": product(active=False), "priced": product({})},
    {
        "describe": Verb("POST", "/v1/products/{product}", {"description": "Shiny"}),
        "delete": Verb("DELETE", "/v1/products/{product}"),
    },
    {"priced": {"delete": HAS_PRICES}},
)
PRICE_TABLE = Table(
    {"active": product({}), "archived": product({"active": False}), "default": product(**PRICED)},
    {
        "archive": Verb("POST", "/v1/prices/{price}", {"active": False}),
        "activate": Verb("POST", "/v1/prices/{price}", {"active": True}),
        "describe": Verb("POST", "/v1/prices/{price}", {"nickname": "Dear"}),
    },
    {"default": {"archive": IS_DEFAULT}},
)

TABLES = {
    "cardholder": CARDHOLDER_TABLE,
    "card": CARD_TABLE,
    "token": TOKEN_TABLE,
    "shipment": SHIPMENT_TABLE,
    "design": DESIGN_TABLE,
    "authorization": AUTHORIZATION_TABLE,
    "transaction": TRANSACTION_TABLE,
    "dispute": DISPUTE_TABLE,
    "topup": TOPUP_TABLE,
    "payout": PAYOUT_TABLE,
    "product": PRODUCT_TABLE,
    "price": PRICE_TABLE,
    "transfer": TRANSFER_TABLE,
    "financial account": FINANCIAL_ACCOUNT_TABLE,
    "received debit": DEBIT_TABLE,
    "received credit": CREDIT_TABLE,
    "outbound transfer": table_of(Transfers),
    "outbound payment": table_of(Payments),
    "inbound transfer": INBOUND_TABLE,
    "account": ACCOUNT_TABLE,
    "customer": CUSTOMER_TABLE,
    "file link": FILE_LINK_TABLE,
    "payment method": METHOD_TABLE,
    "setup intent": INTENT_TABLE,
    "payment intent": PAYMENT_TABLE,
    "charge": CHARGE_TABLE,
    "refund": REFUND_TABLE,
    "dispute of a charge": CHARGE_DISPUTE_TABLE,
    "application fee": FEE_TABLE,
}
CELLS = [(kind, state, verb) for kind, table in TABLES.items() for state in table.states for verb in table.verbs]
# Built operations that change one object and that no state of it refuses.
STATELESS = {
    "POST /v1/payment_links/{payment_link}": "what is not active can be described, and made active again",
    "POST /v1/accounts/{account}": "what cannot change is refused whatever the account's state",
    "DELETE /v1/accounts/{account}": "balances are not looked at in test mode",
    "POST /v1/accounts/{account}/capabilities/{capability}": "asking again for what is active changes nothing",
    "POST /v1/accounts/{account}/persons": "refused by the type of the business, not by a state",
    "POST /v1/accounts/{account}/external_accounts": "refused by what is sent",
    "POST /v1/accounts/{account}/bank_accounts": "refused by what is sent",
    "POST /v1/accounts/{account}/login_links": "onboarded or not; refused in a test of its own",
    "POST /v1/application_fees/{fee}/refunds/{id}": "metadata can be changed whatever was given back",
    "POST /v1/customers/{customer}/sources": "refused by what is sent",
    "POST /v1/customers/{customer}/sources/{id}": "a card has no state; one that is deleted is missing",
    "DELETE /v1/customers/{customer}/sources/{id}": "a card has no state; one that is deleted is missing",
    "POST /v1/customers/{customer}/sources/{id}/verify": "no card can be verified, whatever its state",
    "DELETE /v1/ephemeral_keys/{key}": "keys past their end are deleted too",
    "POST /v1/events/{id}/retry": "an event has no state; a disabled endpoint is refused as a parameter",
    "POST /v1/test_helpers/test_clocks/{test_clock}/advance": "a clock has arrived before the next request",
    "DELETE /v1/test_helpers/test_clocks/{test_clock}": "a clock has arrived before the next request",
    "POST /v1/webhook_endpoints/{webhook_endpoint}": "disabled endpoints are enabled here",
    "DELETE /v1/webhook_endpoints/{webhook_endpoint}": "disabled endpoints are deleted too",
}


@pytest.mark.parametrize("kind, state, verb", CELLS, ids=[f"{kind} {state}: {verb}" for kind, state, verb in CELLS])
def test_it_is_done_or_refused_by_name(platform: Client, kind: str, state: str, verb: str) -> None:
    table = TABLES[kind]
    client, ids = table.states[state](platform)
    client.read("/_emulator/clock")  # everything due has happened
    before = hashed(client)
    asked, refusal = table.verbs[verb], table.refusals.get(state, {}).get(verb)

    answer = client.send(asked.method, filled(asked.path, ids), filled(asked.params, ids), None)

    if refusal is None:
        assert answer.status == 200, answer.json
        return
    told = answer.error
    assert answer.status == refusal.status, answer.json
    assert (told["message"], told["type"]) == (filled(refusal.message, ids), "invalid_request_error")
    assert (told.get("param"), told.get("code")) == (refusal.param, refusal.code)
    assert hashed(client) == before


def test_every_operation_on_one_object_has_its_row() -> None:
    built = [route for route in CATALOG.routes if route.path.startswith("/v1/") and "{" in route.path]
    changing = {f"{route.verb} {route.path}" for route in built if route.verb != "GET"}

    asked = set()
    for table in TABLES.values():
        for verb in table.verbs.values():
            found = CATALOG.table.find(verb.method, verb.path.replace("{", "").replace("}", ""))
            assert found is not None, verb
            asked.add(f"{verb.method} {found[0].path}")

    assert changing - asked == set(STATELESS)
