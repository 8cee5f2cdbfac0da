"""What falls due as a world's time moves, in order, each with what will happen and why; and what failed at its time.

    GET  /_emulator/clock/due       what waits: deadlines, what objects do by themselves, deliveries that are repeated
    GET  /_emulator/due             what fell due, failed and was set aside
    POST /_emulator/due/{id}/retry  try that again

What merely ends by being too old stands in no queue, and so not here: idempotency keys, ephemeral keys, links, events.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from emulator.issuing.authorizations import Authorization
from emulator.issuing.disputes import Dispute
from emulator.issuing.exchange_rates import written
from emulator.issuing.merchants import seconds_to_capture
from emulator.issuing.transactions import Transaction
from emulator.kernel.clock import Due
from emulator.kernel.conditions import Condition
from emulator.kernel.dates import DAY, date_of
from emulator.kernel.errors import no_such
from emulator.kernel.lists import DEFAULT_PAGE, LARGEST_PAGE, listed
from emulator.kernel.params import Integer, Params, String, Timestamp
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenant
from emulator.kernel.world import World

ORDINALS = ("first", "second", "third", "fourth", "fifth")


class DueParams(Params):
    """Only what falls due `until` a time, `about` one object, or for one account; so many of the first."""

    about = String()
    account = String()
    limit = Integer(minimum=1, maximum=LARGEST_PAGE)
    until = Timestamp()


class Told(NamedTuple):
    """An action in words: of what, what happens to it then, what has happened once it is done, and why."""

    noun: str
    happens: str
    happened: str
    why: str
    nouns: str = ""  # more than one of them, where that is not the noun with an s

    def counted(self, count: int) -> str:
        """`2 holds expired`"""
        return f"{count} {self.noun if count == 1 else self.nouns or f'{self.noun}s'} {self.happened}"


BY_ITSELF = "it gets on by itself, as the setting progress says"
TOLD = {
    "balances.balance.tell": Told(
        "balance", "is told of", "told of", "money became available a minute before", "balances"
    ),
    "balances.automatic_payouts.run": Told(
        "payout schedule", "has its day", "had their day", "balance settings have it pay out what is available by then"
    ),
    "balances.payouts.settle": Told("payout", "is sent, or paid, or fails", "got on", BY_ITSELF),
    "balances.topups.settle": Told("top-up", "succeeds or fails", "settled", BY_ITSELF),
    "connect.reviewing.verify": Told(
        "account", "is reviewed", "reviewed", "what was provided is verified some time after it came in"
    ),
    "developer.test_clocks.arrive": Told("test clock", "arrives", "arrived", "it was advanced to its time"),
    "developer.test_clocks.end": Told("test clock", "is deleted", "deleted", "it reached the time to which it is kept"),
    "payments.charge_disputes.decide": Told(
        "dispute of a charge", "is decided", "decided", "the bank has read the evidence", "disputes of charges"
    ),
    "payments.charge_disputes.expire": Told(
        "dispute of a charge", "is over", "ended", "nobody has answered it in time", "disputes of charges"
    ),
    "payments.charge_disputes.open": Told(
        "charge", "is disputed", "disputed", "the number that paid it stands for that"
    ),
    "payments.charging.book": Told("charge", "is booked", "booked", "its money is there a moment after it was taken"),
    "payments.charging.clear": Told("charge", "succeeds, or fails", "got on", BY_ITSELF),
    "payments.charging.expire": Told(
        "uncaptured charge", "is let go", "let go", "nobody has captured it in seven days"
    ),
    "payments.funds.arrive": Told("amount", "becomes available", "became available", "what is paid waits for two days"),
    "issuing.authorizations.expire": Told(
        "hold", "expires", "expired", "what is not captured in time goes back to the cardholder"
    ),
    "issuing.authorizations.expire_challenge": Told(
        "fraud challenge", "expires", "expired", "nobody has answered it within a day"
    ),
    "issuing.cardholders.finish_review": Told(
        "cardholder's review",
        "ends",
        "ended",
        "it takes as long as the setting cardholder_review_seconds says",
        "cardholders' reviews",
    ),
    "issuing.disputes.decide": Told(
        "dispute", "is decided", "decided", "the setting dispute_decision_seconds has passed since its submission"
    ),
    "issuing.disputes.expire": Told(
        "dispute", "expires", "expired", "it has not been submitted within 110 days of the transaction"
    ),
    "issuing.shipping_helpers.arrive": Told("card", "is delivered", "delivered", BY_ITSELF),
    "payments.refunds.arrive": Told("refund", "arrives", "arrived", BY_ITSELF),
    "payments.refunds.bounce": Told("refund", "comes back", "came back", "the bank cannot place it"),
    "payments.setup_intents.time_out": Told(
        "setup intent", "fails", "failed", "nobody has verified its bank account in time"
    ),
    "treasury.credit_reversals.post": Told("credit reversal", "is posted", "posted", "the money has left"),
    "treasury.debit_reversals.succeed": Told(
        "debit reversal", "succeeds", "succeeded", "the bank has given the money back"
    ),
    "treasury.financial_accounts.activate": Told(
        "financial account", "gets what it asked for", "activated", "the bank has set up its features"
    ),
    "treasury.inbound_transfers.come_back": Told(
        "inbound transfer", "is returned", "returned", "the bank takes the money back"
    ),
    "treasury.inbound_transfers.settle": Told("inbound transfer", "succeeds or fails", "settled", BY_ITSELF),
    "treasury.outbound_payments.arrive": Told(
        "outbound payment", "arrives", "arrived", "it went to the numbers of a financial account here"
    ),
    "treasury.outbound_payments.come_back": Told(
        "outbound payment", "is returned", "returned", "the bank sends the money back"
    ),
    "treasury.outbound_payments.settle": Told("outbound payment", "is posted or fails", "settled", BY_ITSELF),
    "treasury.outbound_transfers.arrive": Told(
        "outbound transfer", "arrives", "arrived", "it went to the numbers of a financial account here"
    ),
    "treasury.outbound_transfers.come_back": Told(
        "outbound transfer", "is returned", "returned", "the bank sends the money back"
    ),
    "treasury.outbound_transfers.settle": Told("outbound transfer", "is posted or fails", "settled", BY_ITSELF),
}


def counted(action: str, count: int) -> str:
    """What was done so often, in words: `2 holds expired`; of an action that has none, its name."""
    told = TOLD.get(action)
    return f"{count} × {action}" if told is None else told.counted(count)


def waiting(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """What falls due, the first first: of all accounts, what will happen and why."""
    limit = params.get("limit", DEFAULT_PAGE)
    step, until = world.step, params.get("until")
    wanted = {name: params[name] for name in ("about", "account") if name in params}
    items = step.agenda.waiting(until=until, limit=limit + 1, **wanted)
    deliveries = step.deliveries.select(
        [
            Condition("state", "eq", "waiting"),
            Condition("due_at", "gt", step.now),
            *([Condition("due_at", "lte", until)] if until is not None else []),
            *(Condition(name, "eq", value) for name, value in wanted.items()),
        ],
        limit=limit + 1,
        order="due_at, sequence",
    )
    rows: list[tuple[int, int, Callable[[], dict[str, Any]]]] = [
        *((item.due_at, item.sequence, partial(shown, world, item)) for item in items),
        *((one["next_attempt_at"], one["delivery"], partial(sent, one)) for one in deliveries),
    ]
    rows.sort(key=lambda row: row[:2])
    data = step.reads.together(lambda row: row[2](), rows[:limit])
    return listed(data, world.path, has_more=len(rows) > limit)


def shown(world: World, item: Due) -> dict[str, Any]:
    """One item that waits."""
    says, why = in_words(world.as_account(item.account), item)
    kind = "progress" if item.action in world.catalog.progress else "deadline"
    return {
        "object": "emulator.due",
        "id": f"due_{item.sequence}",
        "about": item.about,
        "account": item.account,
        "action": item.action,
        "details": item.details,
        "due_at": item.due_at,
        "kind": kind,
        "says": says,
        "why": why,
    }


def in_words(world: World, item: Due) -> tuple[str, str]:
    """What an item does to its object, and why."""
    kind = world.catalog.prefixes.get(item.about.partition("_")[0])
    found = world.find(kind, item.about) if kind is not None else None
    told = TOLD.get(item.action)
    if told is None:
        return f"{item.action} for {item.about}", first_sentence(world.catalog.due[item.action])
    if isinstance(found, Authorization):
        return of_authorization(world, item, told, found)
    if isinstance(found, Dispute) and item.action == "issuing.disputes.decide":
        why = f"{told.why}, and its explanation has it {item.details['outcome']}"
        return said(told, found.amount, found.currency), why
    if isinstance(found, Dispute):
        disputed = world.find(Transaction, found.transaction)
        where = f"{disputed.merchant_data['name']}: " if disputed is not None else ""
        return said(told, found.amount, found.currency), f"{where}{told.why}"
    code = item.details.get("code")
    reason = f" ({code})" if isinstance(code, str) else ""
    return said(told, getattr(found, "amount", None), getattr(found, "currency", None)), f"{told.why}{reason}"


def of_authorization(world: World, item: Due, told: Told, authorization: Authorization) -> tuple[str, str]:
    """A deadline of an authorization: of its hold, or of a fraud challenge."""
    merchant = authorization.merchant_data["name"]
    if item.action != "issuing.authorizations.expire":
        return said(told, authorization.amount, authorization.currency), f"{merchant}: {told.why}"
    if authorization.is_undecided:
        return "An authorization has another day", f"{merchant}: it is just being asked about"
    if not authorization.is_open:
        return "Nothing happens", f"{merchant}: the authorization is {authorization.status}"
    made = date_of(authorization.created)
    days = seconds_to_capture(authorization.merchant_data["category"]) // DAY
    return (
        said(told, authorization.held, authorization.currency),
        f"{merchant}, made {made.day} {made:%b}: what is not captured within {days} days goes back",
    )


def said(told: Told, amount: Any, currency: Any) -> str:
    """`A hold of $18.00 expires`"""
    article = "An" if told.noun[0] in "aeiou" else "A"
    of = f" of {written(amount, currency)}" if isinstance(amount, int) and isinstance(currency, str) else ""
    return f"{article} {told.noun}{of} {told.happens}"


def first_sentence(function: Callable[..., Any]) -> str:
    """What a function says of itself."""
    return (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")


def sent(one: dict[str, Any]) -> dict[str, Any]:
    """A delivery that waits for its next attempt."""
    last = one["last_attempt"]
    again = "is tried again" if last is not None else "is sent"
    which = ORDINALS[one["attempts"]] if one["attempts"] < len(ORDINALS) else f"{one['attempts'] + 1}th"
    came = "" if last is None else f"; the last got {last['status'] or last['error']}"
    return {
        "object": "emulator.due",
        "id": f"delivery_{one['delivery']}",
        "about": one["about"],
        "account": one["account"],
        "action": "webhooks.deliver",
        "details": {name: one[name] for name in ("delivery", "event", "type", "webhook_endpoint", "url")},
        "due_at": one["next_attempt_at"],
        "kind": "delivery",
        "says": f"A delivery of {one['type']} to {urlsplit(one['url'] or '').path or '/'} {again}",
        "why": f"{which} attempt{came}" if last is not None else "it was held back by the clinic",
    }


def set_aside(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Due work that failed, with the reasons."""
    with tenant.session() as session:
        failures = tenant.step_for(session).agenda.failures()
    data = [{"object": "emulator.due", "id": f"due_{one.pop('sequence')}", **one} for one in failures]
    return listed(data, "/_emulator/due")


def retry(tenant: Tenant, params: dict[str, Any], id: str) -> dict[str, Any]:
    """Try again what was set aside. 404 for anything else. What is still set aside afterwards has failed again."""
    prefix, _, number = id.partition("_")
    is_number = prefix == "due" and number.isdecimal() and len(number) < 16
    with tenant.writing() as step:
        if not is_number or not step.agenda.try_again(int(number)):
            raise no_such("due action that was set aside", id, param="id")
    tenant.settle()
    return set_aside(tenant, {})


ROUTES = [
    GET("/_emulator/clock/due", waiting, DueParams),
    GET("/_emulator/due", set_aside, scope="tenant"),
    POST("/_emulator/due/{id}/retry", retry, scope="tenant"),
]
