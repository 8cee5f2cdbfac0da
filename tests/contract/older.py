"""The contract of older versions: today's, but for what a version did not have yet.

    as_today(reply, version)    the reply of an older version in today's words, and what the version never knew of it
    told_again(reply, version)  complaints about a reply of today as an older client would have been told it

The rows are told from the changelog on their own, not from the emulator's table of changes, so that one checks the
other. They reach back to `OLDEST`; what is older has shapes that today's annotations cannot describe.
"""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from operator import is_
from typing import Any, NamedTuple

from emulator.kernel import versions
from emulator.kernel.events import told

from .replies import complaints

OLDEST = "2020-08-27"
SAMPLED = ("2020-08-27", "2022-08-01", "2024-06-20")  # what real platforms pin


class Words(NamedTuple):
    """Words that no version before `since` has, and older words that today's contract lacks, each with one it has."""

    since: str
    where: str  # object, colon, path; `[]` for every element
    unknown: tuple[str, ...]
    gone: dict[str, str] = {}  # noqa: RUF012


class Named(NamedTuple):
    """A member that is called otherwise since then."""

    since: str
    where: str
    older: str


class Gone(NamedTuple):
    """A member that no version has since then."""

    since: str
    where: str


RISK = "issuing.authorization:risk_assessment"
UNITS = ("charging_minute", "imperial_gallon", "kilogram", "kilowatt_hour", "pound")
REASONS = ("card_canceled", "card_expired", "cardholder_blocked", "insecure_authorization_method", "pin_blocked")
PLATFORM_REJECTIONS = ("rejected.platform_fraud", "rejected.platform_other", "rejected.platform_terms_of_service")
BY_ROLE = ("representative.*", "owners.*", "directors.*", "executives.*", "company.*_provided")
DUE = ("currently_due", "eventually_due", "past_due", "pending_verification")
ROWS: tuple[Words | Named | Gone, ...] = (
    Words("2026-09-30", "account:requirements.disabled_reason", PLATFORM_REJECTIONS),
    Words("2026-09-30", "account:future_requirements.disabled_reason", PLATFORM_REJECTIONS),
    Words("2025-09-30", f"{RISK}.card_testing_risk.risk_level", ("low", "highest")),
    Words("2025-09-30", f"{RISK}.merchant_dispute_risk.risk_level", ("low", "highest"), {"high": "highest"}),
    Named("2026-03-25", f"{RISK}.card_testing_risk.level", "risk_level"),
    Named("2026-03-25", f"{RISK}.merchant_dispute_risk.level", "risk_level"),
    Gone("2025-03-31", "charge:invoice"),
    Gone("2025-03-31", "payment_intent:invoice"),
    Words("2025-03-31", "payment_intent:cancellation_reason", ("expired",)),
    Words("2025-03-31", "issuing.authorization:status", ("expired",)),
    Words("2025-03-31", "issuing.authorization:request_history[].reason", ("network_fallback",)),
    Words("2024-09-30", "issuing.card:shipping.status", ("submitted",)),
    Words("2024-06-20", "issuing.authorization:request_history[].reason", REASONS),
    Words("2024-06-20", "issuing.authorization:fuel.unit", UNITS),
    Words("2024-06-20", "issuing.transaction:purchase_details.fuel.unit", UNITS),
    Named("2024-06-20", "issuing.authorization:fuel.quantity_decimal", "volume_decimal"),
    Named("2024-06-20", "issuing.transaction:purchase_details.fuel.quantity_decimal", "volume_decimal"),
    Words("2024-06-20", "capability:requirements.disabled_reason", ("other", "paused.inactivity")),
    Gone("2025-03-31", "price:recurring.aggregate_usage"),
    Named("2024-04-10", "product:marketing_features", "features"),
    Gone("2022-08-01", "customer:default_currency"),
    Words("2022-08-01", "issuing.card:cancellation_reason", ("design_rejected",)),
    *(
        Words("2020-08-27", f"{kind}:{hash}.{due}[]", BY_ROLE)
        for kind in ("account", "capability")
        for hash in ("requirements", "future_requirements")
        for due in DUE
    ),
)


def as_today(reply: Any, version: str) -> tuple[Any, list[str]]:
    """An older version's reply in today's words, and a complaint for everything in it that the version never knew."""
    found: list[str] = []
    return retold(reply, version[:10], found), found


def retold(value: Any, date: str, found: list[str], kind: str | None = None) -> Any:
    """The value in today's words, itself where it has no others. An event's data is of the version the event names."""
    if isinstance(value, list):
        items = [retold(item, date, found) if isinstance(item, dict | list) else item for item in value]
        return value if all(map(is_, items, value)) else items
    if not isinstance(value, dict):
        return value
    if value.get("object") == "event" and isinstance(value.get("data"), dict):
        about, made_in = value["data"].get("object") or {}, str(value.get("api_version"))[:10]
        data = {name: retold(item, made_in, found, about.get("object")) for name, item in value["data"].items()}
        return {**value, "data": data}
    members = value
    for name, item in value.items():
        if item and isinstance(item, dict | list) and name != "metadata":
            again = retold(item, date, found)
            if again is not item:
                members = {**members, name: again}
    for change, path, row in rows_of(kind or value.get("object"), date):
        members = change(members, path, row, date, found)
    return members


@cache
def rows_of(kind: str | None, date: str) -> list[tuple[Callable[..., Any], list[str], Words | Named | Gone]]:
    """What was otherwise in an object of a version, the path to it in pieces."""
    changes: dict[type, Callable[..., Any]] = {Named: renamed, Words: reworded, Gone: dropped}
    wheres = [(row, row.where.partition(":")) for row in ROWS if date < row.since]
    return [
        (changes[type(row)], path.replace("[]", ".[]").split("."), row)
        for row, (start, _, path) in wheres
        if start == kind
    ]


def renamed(members: Any, path: list[str], row: Named, date: str, found: list[str]) -> Any:
    """The hash with the member under today's name; a complaint where it has that name already."""
    *owner, name = path

    def change(hash: Any) -> Any:
        if not isinstance(hash, dict):
            return hash
        found.extend(f"{row.where}: a name of {row.since}, unknown to {date}" for key in hash if key == name)
        return {name if key == row.older else key: item for key, item in hash.items()}

    return at(members, owner, change)


def dropped(members: Any, path: list[str], row: Gone, date: str, found: list[str]) -> Any:
    """The hash without the member; a complaint where a whole object has it not."""
    *owner, name = path

    def change(hash: Any) -> Any:
        if not isinstance(hash, dict) or "deleted" in hash:
            return hash
        if name not in hash and "object" in hash:
            found.append(f"{row.where}: not there, as {date} has it")
        return {key: item for key, item in hash.items() if key != name}

    return at(members, owner, change)


def reworded(members: Any, path: list[str], row: Words, date: str, found: list[str]) -> Any:
    """The hash with today's word; a complaint where it has one that the version never knew."""

    def change(word: Any) -> Any:
        if any(fnmatchcase(str(word), unknown) for unknown in row.unknown):
            found.append(f"{row.where}: {word!r} is of {row.since}, unknown to {date}")
        return row.gone.get(word, word) if isinstance(word, str) else word

    return at(members, path, change)


def at(value: Any, path: list[str], change: Callable[[Any], Any]) -> Any:
    """The value with what `change` makes of every place the path leads to."""
    if not path:
        return change(value)
    name, *rest = path
    if name == "[]":
        return [at(item, rest, change) for item in value] if isinstance(value, list) else value
    if isinstance(value, dict) and name in value:
        return {**value, name: at(value[name], rest, change)}
    return value


def told_again(reply: Any, version: str) -> list[str]:
    """Complaints about a reply of today as the emulator would have given it to a client that pins an older version."""
    asked = versions.shown(version, reply)
    said = complaints_of(reply, asked, version)
    for event in events_in(reply):
        data = told(event["data"], version)
        said += complaints_of(event, {**event, "api_version": version, "data": data}, version)
    return said


def complaints_of(today: Any, older: Any, version: str) -> list[str]:
    """What is wrong with the older form of a reply. Where both forms are one, only words of its future can be."""
    retold, said = as_today(older, version)
    return said if older == today else [*said, *complaints(retold)]


def events_in(reply: Any) -> Iterator[dict[str, Any]]:
    """The events of a reply: itself, or the elements of a list."""
    rows = reply.get("data", []) if isinstance(reply, dict) and reply.get("object") == "list" else [reply]
    for one in rows:
        if isinstance(one, dict) and one.get("object") == "event":
            yield one
