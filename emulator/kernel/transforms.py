"""The few ways in which two versions of the API differ, as pure functions on the members of an object or of a request.

A transform takes an object's members as a version shows them and gives them as the version before did; or it takes what
a client of the older version sent and gives what the newer one would have been sent. Paths are written as Stripe writes
them: `shipping.status`, `shipping[address][line1]`, `request_history[].reason` for every element of a list, and
`requirements|future_requirements.errors` for either. Where a path leads nowhere nothing changes.

`says` tells a transform for the table of versions, with what older clients know first.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.kernel.errors import unknown_parameters

STEP = re.compile(r"[^.\[\]]+|\[\]")
NOTHING = object()


class Change(NamedTuple):
    """One published breaking change. A version is older than it if its date is before that of `since`.

    `objects` are shown to older clients as `sees` makes them, newest change first; what they send to `operations` is
    taken as `sends` makes it, oldest change first. `rules` is what else differs, in words: the code that does it asks
    `world.predates(id)`. `reading` says which part of the row is ours because no page tells.
    """

    id: str
    since: str
    about: str
    objects: tuple[str, ...] = ()
    sees: tuple[Transform, ...] = ()
    operations: tuple[str, ...] = ()
    sends: tuple[Transform, ...] = ()
    rules: str = ""
    reading: str = ""
    source: str = ""

    @property
    def says(self) -> list[tuple[str, list[str]]]:
        """What is different for older clients, in words: what they see, what they may send, what else, our reading."""
        told = [
            ("seen on " + ", ".join(map(code, self.objects)), [rule.says(sent=False) for rule in self.sees]),
            ("sent to " + ", ".join(map(code, self.operations)), [rule.says(sent=True) for rule in self.sends]),
            ("besides", [self.rules] if self.rules else []),
            ("our reading", [self.reading] if self.reading else []),
        ]
        return [(where, what) for where, what in told if what]


@dataclass(frozen=True)
class Transform(ABC):
    """One difference, at one path."""

    path: str

    @property
    def begins(self) -> list[str]:
        """The names that the path can begin with."""
        return steps(self.path)[0].split("|")

    @abstractmethod
    def __call__(self, members: Any) -> Any:
        """The members, changed; a copy as far as anything is."""

    @abstractmethod
    def says(self, *, sent: bool) -> str:
        """The difference in words: of parameters if it is about what is `sent`, else of members."""


@dataclass(frozen=True)
class Rename(Transform):
    """A name becomes another one beside it. 400 where the new name is there already: the older version has no such."""

    to: str

    @property
    def renamed(self) -> str:
        """The path after the change."""
        if self.path.endswith("]"):
            return f"{self.path[: self.path.rindex('[')]}[{self.to}]"
        owner, dot, _ = self.path.rpartition(".")
        return f"{owner}{dot}{self.to}"

    def __call__(self, members: Any) -> Any:
        """The members under the other name."""
        *owner, name = steps(self.path)

        def change(inside: Any) -> Any:
            if not isinstance(inside, dict):
                return inside
            if self.to in inside:
                raise unknown_parameters([self.renamed])
            return {self.to if key == name else key: value for key, value in inside.items()}

        return at(members, owner, change)

    def says(self, *, sent: bool) -> str:
        """`old` instead of `new`."""
        return instead(self.path, self.renamed, sent=sent)


@dataclass(frozen=True)
class Map(Transform):
    """Words become other words. A final `*` stands for any ending; in a list what has become the same is told once.

    `beside` is a name in the same hash and the value it must have.
    """

    words: Mapping[Any, Any]
    beside: tuple[str, Any] | None = None

    def __call__(self, members: Any) -> Any:
        """The members with the other words."""
        *owner, name = steps(self.path)
        if name == "[]":
            return at(members, owner, self.distinct)

        def change(inside: Any) -> Any:
            if self.beside is not None and isinstance(inside, dict) and inside.get(self.beside[0]) != self.beside[1]:
                return inside
            return at(inside, [name], self.word)

        return at(members, owner, change)

    def distinct(self, words: Any) -> Any:
        """The words of a list, each told once."""
        return list(dict.fromkeys(map(self.word, words))) if isinstance(words, list) else words

    def word(self, word: Any) -> Any:
        """What one word becomes."""
        if not isinstance(word, str | bool | None):
            return word
        if word in self.words:
            return self.words[word]
        for pattern, other in self.words.items():
            if isinstance(word, str) and pattern.endswith("*") and word.startswith(pattern[:-1]):
                return other[:-1] + word[len(pattern) - 1 :] if other.endswith("*") else other
        return word

    def says(self, *, sent: bool) -> str:
        """`path`: `old` instead of `new`, …"""
        older: dict[str, list[str]] = {}
        for word, other in self.words.items():
            before, after = (word, other) if sent else (other, word)
            older.setdefault(written(before), []).append(written(after))
        pairs = "; ".join(f"{word} instead of {', '.join(others)}" for word, others in older.items())
        where = f", where `{self.beside[0]}` is {written(self.beside[1])}" if self.beside is not None else ""
        return f"`{self.path}`: {pairs}{where}"


@dataclass(frozen=True)
class Move(Transform):
    """A member stands elsewhere. A hash that becomes empty goes."""

    to: str

    def __call__(self, members: Any) -> Any:
        """The members with one of them in its other place."""
        found, rest = taken(members, steps(self.path))
        return members if found is NOTHING else placed(rest, steps(self.to), found)

    def says(self, *, sent: bool) -> str:
        """`old` instead of `new`."""
        return instead(self.path, self.to, sent=sent)


@dataclass(frozen=True)
class Drop(Transform):
    """A member is not there."""

    def __call__(self, members: Any) -> Any:
        """The members without it."""
        return taken(members, steps(self.path))[1]

    def says(self, *, sent: bool) -> str:
        """That it is not there."""
        return f"`{self.path}`, which is read over" if sent else f"no `{self.path}`"


@dataclass(frozen=True)
class Keep(Transform):
    """Of a list of hashes only those whose `name` is in one of the lists `among`."""

    name: str
    among: tuple[str, ...]

    def __call__(self, members: Any) -> Any:
        """The members with the shorter list."""
        known = {word for path in self.among for word in found(members, steps(path))}
        return at(members, steps(self.path), lambda rows: [row for row in rows if row[self.name] in known])

    def says(self, *, sent: bool) -> str:
        """Which are kept."""
        among = " or ".join(f"`{path}`" for path in self.among)
        return f"`{self.path}`: only those whose `{self.name}` is in {among}"


@dataclass(frozen=True)
class Only(Transform):
    """Other words than these are read over: left out of a list, else not sent at all."""

    words: tuple[str, ...]

    def __call__(self, members: Any) -> Any:
        """The members with no other words."""
        *owner, name = steps(self.path)
        if name == "[]":
            return at(members, owner, self.of_list)

        def change(inside: Any) -> Any:
            other = isinstance(inside, dict) and isinstance(inside.get(name), str) and inside[name] not in self.words
            return taken(inside, [name])[1] if other else inside

        return at(members, owner, change)

    def of_list(self, words: Any) -> Any:
        """The known words of a list, numbered or not."""
        listed = list(words.values()) if isinstance(words, dict) else words
        return [word for word in listed if word in self.words] if isinstance(listed, list) else words

    def says(self, *, sent: bool) -> str:
        """Which words count."""
        return f"`{self.path}`: any text; other words than {', '.join(map(written, self.words))} are read over"


@dataclass(frozen=True)
class Default(Transform):
    """What is taken where nothing is said, in a hash of which something is."""

    value: str

    def __call__(self, members: Any) -> Any:
        """The members with the value in its place."""
        path = steps(self.path)
        is_said = next(iter(found(members, path)), NOTHING) is not NOTHING
        has_hash = isinstance(members.get(path[0]), dict)
        return placed(members, path, self.value) if has_hash and not is_said else members

    def says(self, *, sent: bool) -> str:
        """What the default is."""
        return f"`{self.path}` is {written(self.value)} unless it is sent"


@dataclass(frozen=True)
class Spread(Transform):
    """A list of names becomes a hash with a hash under each name."""

    to: str
    each: dict[str, str]

    def __call__(self, members: Any) -> Any:
        """The members with the hash in the list's place."""
        listed, rest = taken(members, steps(self.path))
        names = list(listed.values()) if isinstance(listed, dict) else listed
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            return members
        for name in names:
            rest = placed(rest, [*steps(self.to), name], dict(self.each))
        return rest

    def says(self, *, sent: bool) -> str:
        """`list[]` instead of `hash[…]`."""
        each = ", ".join(f"`{self.to}[…][{name}]={value}`" for name, value in self.each.items())
        return f"`{self.path}[]=…` instead of {each}"


@dataclass(frozen=True)
class Rewrite(Transform):
    """What the other transforms cannot say, as a function of its own; `path` names what it looks at."""

    function: Callable[[dict[str, Any]], dict[str, Any]]
    words: str

    def __call__(self, members: Any) -> Any:
        """What the function makes of the members."""
        return self.function(members)

    def says(self, *, sent: bool) -> str:
        """Its own words."""
        return self.words


# Paths


def steps(path: str) -> list[str]:
    """The names of a path; `[]` for every element of a list."""
    return STEP.findall(path)


def at(value: Any, path: Sequence[str], change: Callable[[Any], Any]) -> Any:
    """The value with what `change` makes of each place that a path leads to."""
    if not path:
        return change(value)
    name, *rest = path
    if name == "[]" and isinstance(value, list):
        return [at(item, rest, change) for item in value]
    if name == "[]" and isinstance(value, dict):  # a[0]=…
        return {index: at(item, rest, change) for index, item in value.items()}
    if isinstance(value, dict):
        changed = {one: at(value[one], rest, change) for one in name.split("|") if one in value}
        return {**value, **changed}
    return value


def found(value: Any, path: Sequence[str]) -> list[Any]:
    """Everything a path leads to; the elements of a list at its end, if that is what `[]` says."""
    places: list[Any] = []
    at(value, path, places.append)
    return places


def taken(value: Any, path: Sequence[str]) -> tuple[Any, Any]:
    """What a path leads to, or `NOTHING`, and the value without it. Hashes that become empty go too."""
    name, *rest = path
    if not isinstance(value, dict) or name not in value:
        return NOTHING, value
    gone, left = taken(value[name], rest) if rest else (value[name], {})
    if gone is NOTHING:
        return NOTHING, value
    kept = {key: item for key, item in value.items() if key != name}
    return gone, {**kept, name: left} if left else kept


def placed(value: Any, path: Sequence[str], what: Any) -> Any:
    """The value with something put where a path leads, in hashes that are made on the way; nothing into a text."""
    if value is not None and not isinstance(value, dict):
        return value
    name, *rest = path
    inside = value or {}
    return {**inside, name: placed(inside.get(name), rest, what) if rest else what}


# Words


def instead(before: str, after: str, *, sent: bool) -> str:
    """The path that older clients know instead of the one that newer ones do."""
    older, newer = (before, after) if sent else (after, before)
    return f"`{older}` instead of `{newer}`"


def written(value: Any) -> str:
    """A value in a sentence."""
    return code(str(value).lower() if isinstance(value, bool) else value) if value is not None else "null"


def code(text: str) -> str:
    """A name in a sentence."""
    return f"`{text}`"
