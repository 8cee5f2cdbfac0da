"""The same questions have the same answers in a file and in PostgreSQL, where the two would differ if left alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.conditions import Condition
from emulator.kernel.database.face import StoredWorld
from emulator.kernel.database.place import is_url
from emulator.kernel.database.postgres.installation import install
from emulator.kernel.database.queries import clause
from emulator.kernel.database.schema import Schema
from emulator.kernel.ledger import moving
from emulator.kernel.tenants import Tenant
from emulator.kernel.world import World
from tests.kernel.notes import CATALOG, served

# In the order of their octets, whatever a language makes of them.
IN_ORDER = ["", " ", "A", "Z", "_", "a", "aa", "b", "z", "É", "ß", "é", "中", "\ue000", "😀"]
LARGEST = 2**63 - 1
COLUMNS = frozenset(("account", "amount", "book", "period", "status"))


@pytest.fixture(params=["files", "postgres"])
def tenant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tenant]:
    """A tenant in a folder, and one in a database."""
    place: Path | str = tmp_path if request.param == "files" else request.getfixturevalue("empty_database")
    if is_url(place):
        install(str(place), Schema(CATALOG.records.values()))
    tenants = served(place, CATALOG)
    yield tenants.open("both")
    tenants.close()


@pytest.fixture
def world(tenant: Tenant) -> StoredWorld:
    """Its world."""
    return tenant.stored


def filled(world: StoredWorld, amounts: dict[str, int]) -> None:
    """Put amounts into books."""
    with world.writing() as session:
        session.many("total", ("book", "amount"), list(amounts.items()))


def chosen(world: StoredWorld, *conditions: Condition) -> list[str]:
    """The books that meet some conditions, in order."""
    where, values = clause(conditions, COLUMNS)
    with world.reading() as session:
        return [book for (book,) in session.all(f"SELECT book FROM total WHERE {where} ORDER BY book", **values)]


def test_texts_are_in_the_order_of_their_octets(world: StoredWorld) -> None:
    filled(world, dict.fromkeys(reversed(IN_ORDER), 1))

    assert chosen(world) == IN_ORDER
    assert chosen(world, Condition("book", "gt", "a"), Condition("book", "lt", "é")) == ["aa", "b", "z", "É", "ß"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a%", ["a", "ab", "a_c"]),
        ("A%", ["A"]),
        ("a\\_%", ["a_c"]),
        ("%\\%", ["100%"]),
        ("_", ["A", "a", "é"]),
        ("É", []),
        ("%", ["100%", "A", "a", "a\\b", "a_c", "ab", "é"]),
        ("a\\\\%", ["a\\b"]),
    ],
)
def test_a_pattern_fits_by_case_and_character(world: StoredWorld, pattern: str, found: list[str]) -> None:
    filled(world, dict.fromkeys(["a", "A", "ab", "a_c", "100%", "é", "a\\b"], 1))
    found = sorted({"a\\b", *found}) if pattern == "a%" else sorted(found)

    assert chosen(world, Condition("book", "like", pattern)) == found


@pytest.mark.parametrize("amount", [0, 1, -1, 2**31, -(2**31) - 1, LARGEST, -LARGEST - 1])
def test_whole_numbers_of_eight_octets_are_kept_as_they_are(world: StoredWorld, amount: int) -> None:
    filled(world, {"one": amount})

    assert chosen(world, Condition("amount", "eq", amount)) == ["one"]
    assert chosen(world, Condition("amount", "in", [amount, 7])) == ["one"]
    with world.reading() as session:
        assert session.all("SELECT amount, CAST(sum(amount) AS BIGINT) FROM total GROUP BY amount") == [
            (amount, amount)
        ]


def test_what_is_unknown_is_equal_to_nothing_and_true_is_one(world: StoredWorld) -> None:
    filled(world, {"none": 0, "one": 1})

    assert chosen(world, Condition("amount", "eq", True)) == ["one"]
    assert chosen(world, Condition("amount", "in", [False, True])) == ["none", "one"]
    assert chosen(world, Condition("amount", "eq", None)) == chosen(world, Condition("book", "in", [])) == []


def test_sums_grow_where_the_keys_are_there_and_what_is_kept_stays(world: StoredWorld) -> None:
    columns = ("scope", "period", "part", "amount")
    with world.writing() as session:
        session.many(
            "tally", columns, [("a", "all", "", 1), ("a", "all", "", 2), ("b", "all", "", 5)], sums=("amount",)
        )
        session.put("clinic", ("scope",), scope="one", data=b"\0\xff")
        session.put("clinic", ("scope",), keep=("data",), scope="one", data=b"other")

    with world.writing() as session:
        assert session.all("SELECT scope, amount FROM tally ORDER BY scope") == [("a", 3), ("b", 5)]
        assert session.one("SELECT data FROM clinic") == (b"\0\xff",)
        assert session.changed("UPDATE tally SET amount = 0 WHERE amount > 3") == 1
        assert session.changed("DELETE FROM tally WHERE scope = :scope", scope="c") == 0


def test_a_number_is_given_again_once_the_last_row_is_gone(world: StoredWorld) -> None:
    fault = {"kind": "one", "remaining": 1}
    for left in ([1, 2], [1, 2]):
        with world.writing() as session:
            for _ in range(2 - len(session.all("SELECT 1 FROM fault"))):
                session.add("fault", **fault, met=0)
            assert [number for (number,) in session.all("SELECT sequence FROM fault ORDER BY sequence")] == left
            session.run("DELETE FROM fault WHERE sequence = 2")


def test_what_fails_in_an_attempt_is_undone_alone(world: StoredWorld) -> None:
    with world.writing() as session:
        session.many("total", ("book", "amount"), [("before", 1)])
        with pytest.raises(ZeroDivisionError), session.attempt():
            session.many("total", ("book", "amount"), [("within", 1)])
            raise ZeroDivisionError
        session.many("total", ("book", "amount"), [("after", 1)])

    assert chosen(world) == ["after", "before"]


def test_what_was_asked_ahead_is_as_it_is_when_it_is_asked(world: StoredWorld) -> None:
    def ask(ask: Any) -> Any:
        return ask("SELECT book FROM total WHERE amount = :amount ORDER BY book", amount=1)

    filled(world, {"one": 1})
    with world.writing() as session:
        ask(session.ahead)
        assert ask(session.all) == [("one",)]
        ask(session.ahead)
        session.many("total", ("book", "amount"), [("two", 1)])
        assert ask(session.all) == [("one",), ("two",)]
        with pytest.raises(ZeroDivisionError), session.attempt():
            session.many("total", ("book", "amount"), [("three", 1)])
            ask(session.ahead)
            raise ZeroDivisionError
        assert ask(session.one) == ("one",)
        ask(session.ahead)
        assert session.changed("DELETE FROM total WHERE book = 'one'") == 1
        assert ask(session.all) == [("two",)]


def test_what_a_new_flow_has_moved_is_told_as_the_database_tells_it(tenant: Tenant) -> None:
    def moved(world: World, flow: str) -> None:
        for owner, amount in ((world.account, 5), ("another", 1), (world.account, -3)):
            movement = moving("coins", owner, "pocket", "jar", amount, why=("a", "b"), currency="usd")
            world.move(movement, because=flow)

    with tenant.writing() as step:
        world = World(step, step.row.platform)
        taken_back = world.new_id("nt")
        with pytest.raises(ZeroDivisionError), step.attempt():
            moved(world, taken_back)
            raise ZeroDivisionError
        assert world.entries_of(taken_back) == []
        flow = world.new_id("nt")
        moved(world, flow)
        assert len(world.entries_of(flow)) == 2
        assert world.entries_of(flow) == step.ledger.entries_by_flow(world.account, [flow])[flow]
