"""Versions: what a client that pins an older one is shown, and how what it sends is understood.

    sent by a 2020 client ─▶ oldest change ─▶ … ─▶ newest change ─▶ parameter check ─▶ operation
    shown to it           ◀─ oldest change ◀─ … ◀─ newest change ◀─ rendering       ◀─┘

Which changes there are is the table's affair (`emulator/data/version_changes.py`). A version is as new as its date:
what follows the date (`.basil`, `; custom_beta=v1`) does not count. For the newest version there is nothing to do, and
nothing is done.
"""

from __future__ import annotations

import re
from functools import cache, reduce
from typing import Any

from emulator.data.api_versions import API_VERSIONS
from emulator.data.version_changes import CHANGES
from emulator.kernel.render import ordered
from emulator.kernel.transforms import Change, Map, Transform

KNOWN_VERSIONS = frozenset(API_VERSIONS)
UNLISTED_VERSION = re.compile(r"(20[0-9]{2}-[0-9]{2}-[0-9]{2})\.([a-z]+)\Z")
NEWEST_DATE = max(version[:10] for version in API_VERSIONS)
NEWEST_CHANGE = CHANGES[0].since[:10]
DATES = {change.id: change.since[:10] for change in CHANGES}
WHOLE_STUB = 3  # a deleted object is its id, its name and that it is deleted
OPERATIONS: dict[str, frozenset[str]] = {
    operation: frozenset(
        name for change in CHANGES if operation in change.operations for rule in change.sends for name in rule.begins
    )
    for change in CHANGES
    for operation in change.operations
}


def is_version(text: str) -> bool:
    """Whether Stripe knows such a version, or could publish it tomorrow. What follows a semicolon does not count."""
    version = text.partition(";")[0].strip()
    if version in KNOWN_VERSIONS:
        return True
    unlisted = UNLISTED_VERSION.match(version)
    return unlisted is not None and (unlisted[2] == "preview" or unlisted[1] > NEWEST_DATE)


class Pin:
    """All that is different for clients whose version is older than some of the changes."""

    def __init__(self, newer: int) -> None:
        """`newer` is how many of the changes, counted from the newest, the version does not have."""
        changes = self.changes = CHANGES[:newer]
        self.sees: dict[str, list[Transform]] = {}
        for change in changes:
            for name in change.objects:
                self.sees.setdefault(name, []).extend(change.sees)
        self.sends: dict[str, list[Transform]] = {}
        for change in reversed(changes):
            for operation in change.operations:
                self.sends.setdefault(operation, []).extend(change.sends)
        self.words = {kind: words_shown(rules) for kind, rules in self.sees.items()}

    def shown(self, value: Any) -> Any:
        """A rendered value with every object in it as this version has it. Of an event only the envelope is changed."""
        if isinstance(value, list):
            return [self.shown(item) for item in value]
        if not isinstance(value, dict):
            return value
        kind = value.get("object")
        if "deleted" in value and len(value) == WHOLE_STUB:
            return value
        kept = ("metadata", "data") if kind == "event" else ("metadata",)
        members = {name: item if name in kept else self.shown(item) for name, item in value.items()}
        return reduce(apply, self.sees.get(kind, ()), members) if isinstance(kind, str) else members


def words_shown(rules: list[Transform]) -> dict[str, dict[str, list[str]]]:
    """By member at the top of an object: which of today's words are shown as each older word."""
    members: dict[str, list[Map]] = {}
    for rule in rules:
        if isinstance(rule, Map) and rule.path.isidentifier():
            members.setdefault(rule.path, []).append(rule)
    shown: dict[str, dict[str, list[str]]] = {}
    for member, maps in members.items():
        for word in dict.fromkeys(word for rule in maps for word in rule.words):
            older = reduce(lambda so_far, rule: rule.word(so_far), maps, word)
            shown.setdefault(member, {}).setdefault(older, [older]).append(word)
    return shown


def apply(members: dict[str, Any], rule: Transform) -> dict[str, Any]:
    """The members after a rule."""
    return rule(members)


pin = cache(Pin)  # there are no more of them than changes


def pin_of(version: str) -> Pin | None:
    """What is different for a version; None for the newest."""
    date = version[:10]
    return None if date >= NEWEST_CHANGE else pin(sum(date < since for since in DATES.values()))


def lacking(version: str) -> tuple[Change, ...]:
    """The changes that a version does not have, the newest first."""
    older = pin_of(version)
    return older.changes if older is not None else ()


def predates(version: str, change: str) -> bool:
    """Whether a version is older than a change of the table."""
    return version[:10] < DATES[change]


# Out


def shown(version: str, body: Any) -> Any:
    """A rendered reply as a version has it."""
    older = pin_of(version)
    return body if older is None else ordered(older.shown(body))


def headers(version: str, type: str, sent: dict[str, str]) -> dict[str, str]:
    """The headers of an event of some type as a version has them."""
    older = pin_of(version)
    return sent if older is None else reduce(apply, older.sees.get(type, ()), sent)


# In


def may_differ(operation: str, tree: dict[str, Any]) -> bool:
    """Whether any version sends this operation any of these parameters otherwise than the newest does."""
    names = OPERATIONS.get(operation)
    return names is not None and not names.isdisjoint(tree)


def sent(version: str, operation: str, tree: dict[str, Any]) -> dict[str, Any]:
    """What a client of a version sent, as one of the newest would have. 400 for a name newer than the version."""
    older = pin_of(version)
    return tree if older is None else reduce(apply, older.sends.get(operation, ()), tree)


def filters(version: str, kind: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The filters of a list so that an older word finds all that is shown under it: as a list of today's words."""
    older = pin_of(version)
    words = older.words.get(kind) if older is not None else None
    if not words:
        return asked
    return {name: words[name].get(value, value) if name in words else value for name, value in asked.items()}
