"""Spending controls: where, how and how much a card or its holder may spend.

A control names what is allowed or what is blocked, never both. A limit caps what is spent in a window that starts at
midnight UTC: a day, a week from Sunday on, a month, a year, or ever; or a single authorization. Spent is what approved
authorizations hold and what merchants have captured, in the window in which the authorization was made; refunds give
no allowance back. The sums are kept exact in tallies, adjusted in the step that changes an authorization.

A card's limits count its own spending and that of the cards it replaces, up the chain: what a card spends that
replaces it, or that replaces the same card, is not its own.

Source: https://docs.stripe.com/issuing/controls/spending-controls
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from emulator.data.merchant_categories import CODES
from emulator.issuing.exchange_rates import converted
from emulator.kernel.dates import date_of
from emulator.kernel.errors import exclusive
from emulator.kernel.params import Country, Currency, Enum, Hash, Integer, List, Params
from emulator.kernel.world import World

# Lists accept one name more than merchants can have.
CATEGORIES = tuple(sorted((*CODES, "miscellaneous")))
PRESENCES = ("not_present", "present")
INTERVALS = ("all_time", "daily", "monthly", "per_authorization", "weekly", "yearly")
PAIRS = (
    ("allowed_card_presences", "blocked_card_presences"),
    ("allowed_categories", "blocked_categories"),
    ("allowed_merchant_countries", "blocked_merchant_countries"),
)
LISTS = tuple(name for pair in PAIRS for name in pair)
# What cards may be denominated in, hence what a holder's spending can consist of.
CARD_CURRENCIES = ("usd", "eur", "gbp")
DEFAULT_DAILY_LIMIT = 500_00
# No authorization goes beyond this many minor units, and no card shows it.
HIDDEN_CAP = 10_000_00


# What may be sent


class SpendingLimitParams(Params):
    """One limit: an amount in minor units of the card's (or the holder's limits') currency, and its window."""

    amount = Integer(minimum=0, required=True)
    categories = List(Enum(CATEGORIES), unset=True)
    interval = Enum(INTERVALS, required=True)


class SpendingControlsParams(Params):
    """The spending controls of a card. An empty value unsets a list."""

    allowed_card_presences = List(Enum(PRESENCES), unset=True)
    allowed_categories = List(Enum(CATEGORIES), unset=True)
    allowed_merchant_countries = List(Country(), unset=True)
    blocked_card_presences = List(Enum(PRESENCES), unset=True)
    blocked_categories = List(Enum(CATEGORIES), unset=True)
    blocked_merchant_countries = List(Country(), unset=True)
    spending_limits = List(Hash(SpendingLimitParams), unset=True)


class CardholderSpendingControlsParams(SpendingControlsParams):
    """The spending controls of a cardholder, whose cards may differ in currency."""

    spending_limits_currency = Currency()


# What is stored and shown


def defaults(currency: str) -> dict[str, Any]:
    """The controls of a new card that was given none: 500 units of its currency a day, whatever the currency."""
    limit = {"amount": DEFAULT_DAILY_LIMIT, "categories": [], "interval": "daily"}
    return {**dict.fromkeys(LISTS), "spending_limits": [limit], "spending_limits_currency": currency}


def cardholder_defaults() -> dict[str, Any]:
    """The controls of a new cardholder that was given none: no limit at all."""
    return {**{name: [] for name in LISTS}, "spending_limits": [], "spending_limits_currency": None}


def merged(
    stored: Mapping[str, Any], sent: Mapping[str, Any] | None, *, limits_currency: str | None = None
) -> dict[str, Any]:
    """The controls after a request: each list given replaces the stored one, the others stay.

    `limits_currency` is what a holder's limits are in when neither this request nor an earlier one has said so.
    400 `parameters_exclusive` where allowed and blocked would stand together.
    """
    if not sent:
        return dict(stored)
    # Of each pair at most one is set, so there is always an unset list to show what unset looks like:
    # null on cards, [] on cardholders.
    unset = next(stored[name] for name in LISTS if not stored[name])
    result = dict(stored)
    for name, value in sent.items():
        if name == "spending_limits":
            limits = value or []
            result[name] = [{**limit, "categories": limit.get("categories") or []} for limit in limits]
        elif name in LISTS:
            result[name] = value or unset
        else:
            result[name] = value
    for allowed, blocked in PAIRS:
        if result[allowed] and result[blocked]:
            raise exclusive(f"spending_controls[{allowed}]", f"spending_controls[{blocked}]")
    if result["spending_limits"] and result["spending_limits_currency"] is None:
        result["spending_limits_currency"] = limits_currency
    return result


# Windows


class Window(NamedTuple):
    """A span of tally periods, both ends included."""

    first: str
    last: str


@lru_cache(maxsize=256)
def window(interval: str, at: int) -> Window:
    """The window of an interval that a moment lies in."""
    day = date_of(at)
    if interval == "daily":
        return Window(f"d{day}", f"d{day}")
    if interval == "weekly":
        sunday = day - timedelta(days=day.isoweekday() % 7)
        return Window(f"d{sunday}", f"d{sunday + timedelta(days=6)}")
    if interval == "monthly":
        return Window(f"m{day:%Y-%m}", f"m{day:%Y-%m}")
    if interval == "yearly":
        return Window(f"m{day:%Y}-01", f"m{day:%Y}-12")
    assert interval == "all_time", f"{interval} has no window"
    return Window("all", "all")


def first_day(interval: str, at: int) -> str | None:
    """The day on which the window begins that a moment lies in; None for the one that is everything."""
    first = window(interval, at).first
    if first == "all":
        return None
    return first[1:] if first.startswith("d") else f"{first[1:]}-01"


@lru_cache(maxsize=256)
def periods(at: int) -> tuple[str, str, str]:
    """The tally periods that a moment belongs to: from these every window adds up."""
    day = date_of(at).isoformat()
    return f"d{day}", f"m{day[:7]}", "all"


# What was spent


class Spending(NamedTuple):
    """Whose spending an authorization or capture counts as, in which window, under which category."""

    card: str
    cardholder: str
    currency: str
    category: str
    at: int


def tally_rows(spending: Spending, amount: int) -> list[tuple[str, str, str, int]]:
    """The sums that an amount belongs to."""
    scopes = spending.card, holder_scope(spending.cardholder, spending.currency)
    return [(scope, period, spending.category, amount) for scope in scopes for period in periods(spending.at)]


def count(world: World, spending: Spending, amount: int) -> None:
    """Add what was spent, or with a negative amount take back what was not."""
    if amount:
        world.tallies.add(tally_rows(spending, amount))


def holder_scope(cardholder: str, currency: str) -> str:
    """Where a holder's spending in one currency is summed."""
    return f"{cardholder}:{currency}"


def spent_on_cards(world: World, cards: Sequence[str], limit: Mapping[str, Any], at: int) -> int:
    """What a card and those it replaces have spent under a limit, in the window around a moment."""
    span, categories = window(limit["interval"], at), limit["categories"] or None
    return sum(world.tallies.sums(cards, *span, categories).values())


def spent_by_holder(world: World, cardholder: str, limit: Mapping[str, Any], currency: str, at: int) -> int:
    """What all cards of a holder have spent under a limit, in the window around a moment, converted to one currency."""
    span, categories = window(limit["interval"], at), limit["categories"] or None
    currencies = {holder_scope(cardholder, one): one for one in CARD_CURRENCIES}
    spent = world.tallies.sums(tuple(currencies), *span, categories)
    return sum(converted(spent[scope], one, currency) for scope, one in currencies.items())


# What the rules are told


def seen_card_controls(
    world: World, controls: Mapping[str, Any], spending: Spending, cards: Sequence[str]
) -> dict[str, Any]:
    """A card's controls with what was spent under each limit that covers the purchase, for the rules to compare.

    `cards` are the card and those it replaces.
    """
    limits = [
        seen_limit(limit, limit["amount"], spending.at, partial(spent_on_cards, world, cards, limit, spending.at))
        for limit in covering(controls["spending_limits"], spending.category)
    ]
    return {**set_lists(controls), "limits": limits}


def seen_limit(limit: Mapping[str, Any], amount: int, at: int, spent: Callable[[], int]) -> dict[str, Any]:
    """One limit as the rules see it. `since` is the day on which its window begins, where it has one that does."""
    interval = limit["interval"]
    if interval == "per_authorization":
        return {"amount": amount, "interval": interval, "spent": 0}
    return {"amount": amount, "interval": interval, "since": first_day(interval, at), "spent": spent()}


def seen_holder_controls(world: World, controls: Mapping[str, Any], spending: Spending) -> dict[str, Any]:
    """A holder's controls likewise, everything converted to the card's currency."""
    currency = controls["spending_limits_currency"] or spending.currency
    limits = [
        seen_limit(
            limit,
            converted(limit["amount"], currency, spending.currency),
            spending.at,
            partial(spent_by_holder, world, spending.cardholder, limit, spending.currency, spending.at),
        )
        for limit in covering(controls["spending_limits"], spending.category)
    ]
    return {**set_lists(controls), "limits": limits}


def covering(limits: Iterable[Mapping[str, Any]], category: str) -> list[Mapping[str, Any]]:
    """The limits that look at purchases of a category: those without categories look at all."""
    return [limit for limit in limits if not limit["categories"] or category in limit["categories"]]


def set_lists(controls: Mapping[str, Any]) -> dict[str, list[str]]:
    """The lists that say something."""
    return {name: controls[name] for name in LISTS if controls[name]}


# What objects


def listed(allowed: Sequence[str] | None, blocked: Sequence[str] | None, value: str) -> bool:
    """Whether a value passes a list of what is allowed and one of what is blocked, where they say something."""
    return (not allowed or value in allowed) and (not blocked or value not in blocked)


def within_single_limits(controls: Mapping[str, Any], total: int) -> bool:
    """Whether one authorization's total passes every limit per authorization. A total of zero always does."""
    singles = (limit["amount"] for limit in controls["limits"] if limit["interval"] == "per_authorization")
    return total == 0 or all(total <= amount for amount in singles)


def lowest_single_limit(controls: Mapping[str, Any]) -> int | None:
    """The lowest of the limits per authorization; None where there is none."""
    singles = (limit["amount"] for limit in controls["limits"] if limit["interval"] == "per_authorization")
    return min(singles, default=None)


def telling_window(controls: Mapping[str, Any], requested: int) -> dict[str, Any] | None:
    """The limit that says most of a request: the first in whose window it does not fit, else that with least left.

    None where no limit has a window.
    """
    windows = [limit for limit in controls["limits"] if limit["interval"] != "per_authorization"]
    full = (limit for limit in windows if limit["spent"] + requested > limit["amount"])
    return next(full, min(windows, key=lambda limit: limit["amount"] - limit["spent"], default=None))


def spent_when(limit: Mapping[str, Any]) -> str:
    """When what counts towards a limit was spent: `in November`. A trace that is older than that tells no window."""
    interval, since = limit["interval"], limit.get("since")
    if since is None:
        return "before" if interval == "all_time" else f"in its {interval} window"
    first = date.fromisoformat(since)
    day = f"{first.day} {first:%B}"
    return {
        "daily": f"on {day}",
        "weekly": f"in the week from {day}",
        "monthly": f"in {first:%B}",
        "yearly": f"in {first.year}",
    }[interval]


def within_windows(controls: Mapping[str, Any], requested: int) -> bool:
    """Whether a request fits beside what was spent in every limit's window. A request for zero always does."""
    windows = (limit for limit in controls["limits"] if limit["interval"] != "per_authorization")
    return requested == 0 or all(limit["spent"] + requested <= limit["amount"] for limit in windows)
