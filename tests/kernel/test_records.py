"""What a class says of itself when it is made a kind of record."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.catalog import CATALOG
from emulator.kernel.records import SAID, record


def plain(*members: str) -> type:
    """A class with an id and these texts, before it is a record."""
    return type("Plain", (), {"__annotations__": dict.fromkeys(("id", *members), "str")})


def test_every_kind_of_record_says_all_that_is_listed():
    for kind in CATALOG.records.values():
        assert all(hasattr(kind, name) for name in SAID), kind
        assert callable(kind.render) and "id" in kind.__dataclass_fields__


def test_what_is_not_said_has_its_default():
    kind = record("a.plain", prefix="pl", noun="plain thing")(plain("text"))

    assert (kind.table, kind.cursor_noun, kind.has_table, kind.has_list) == ("a_plain", "plain thing", True, True)
    assert (kind.filters, kind.hidden, kind.includes, kind.look_up) == ((), (), {}, None)
    assert kind("pl_1", "a") == kind("pl_1", text="a")


@pytest.mark.parametrize(
    "member, said, says",
    [
        ("text", {"hidden": ("colour",)}, "Plain says something of ['colour'], which it has not"),
        ("text", {"unindexed": ("text",)}, "Plain says something of ['text'], which it has not"),
        ("text", {"is_stored": False}, "Plain is not stored and does not say where it is found"),
        ("text", {"version": 2}, "Plain says nothing of its earlier versions"),
        ("version", {}, "Plain has ['version'] of its own, which a record says of itself"),
    ],
)
def test_what_cannot_be_is_refused_when_the_class_is_made(member: str, said: dict[str, Any], says: str):
    with pytest.raises(AssertionError) as refusal:
        record("a.plain", prefix="pl", noun="plain thing", **said)(plain(member))

    assert str(refusal.value) == says
