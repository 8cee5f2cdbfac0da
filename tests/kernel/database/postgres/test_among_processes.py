"""Bells, locks, drawers and request logs among processes; here two of them are two applications over one database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from emulator.catalog import CATALOG
from emulator.kernel.database.postgres.database import PostgresDatabase
from tests.patience import wait_until
from tests.receivers import PATIENCE_SECONDS

Databases = tuple[PostgresDatabase, PostgresDatabase]


@pytest.fixture
def both(database: str) -> Iterator[Databases]:
    """The same worlds as two processes see them."""
    one, other = (PostgresDatabase(database, CATALOG.records.values()) for _ in range(2))
    yield one, other
    one.close()
    other.close()


def cut_off(url: str) -> None:
    """End every connection that the database has."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )


# Bells


def test_a_bell_is_heard_in_every_process_and_by_who_listens_for_another_word_in_none(both: Databases) -> None:
    one, other = both
    with one.bell("news").ear("a") as here, other.bell("news").ear("a") as there, other.bell("news").ear("b") as deaf:
        one.bell("news").ring("a")

        assert here.listen(PATIENCE_SECONDS) == there.listen(PATIENCE_SECONDS) == {"a"}
        assert deaf.listen(0) == set()


def test_a_bell_can_be_rung_here_or_elsewhere_alone(both: Databases) -> None:
    one, other = both
    with one.bell("news").ear() as here, other.bell("news").ear() as there:
        one.bell("news").ring_here("a")
        one.bell("news").ring_elsewhere("b")

        assert (here.listen(PATIENCE_SECONDS), there.listen(PATIENCE_SECONDS)) == ({"a"}, {"b"})


def test_more_words_than_one_payload_holds_are_all_heard(both: Databases) -> None:
    one, other = both
    words = {f"{number:032}" for number in range(1_000)}
    with other.bell("news").ear() as ear:
        for word in words:
            one.bell("news").ring(word)

        heard: set[str] = set()
        wait_until(lambda: heard.update(ear.heard()) or heard == words)


def test_who_was_cut_off_is_woken_once_he_hears_again(both: Databases, database: str) -> None:
    one, other = both
    with other.bell("news").ear("a") as ear:
        cut_off(database)

        assert ear.listen(PATIENCE_SECONDS) == {"a"}
        wait_until(lambda: one.bell("news").ring("a") or ear.heard() == {"a"})


# Locks


def test_a_lock_is_held_by_one_among_all(both: Databases) -> None:
    one, other = both
    mine, again, theirs = one.lock("a"), one.lock("a"), other.lock("a")

    assert (mine.take(), again.take(), theirs.take(), other.lock("b").take()) == (True, False, False, True)
    mine.release()
    wait_until(theirs.take)
    assert (mine.is_held, theirs.is_held, mine.take()) == (False, True, False)


def test_a_process_that_ends_holds_nothing(both: Databases) -> None:
    one, other = both
    assert one.lock("a").take()

    one.standing.close()

    wait_until(other.lock("a").take)


def test_who_is_cut_off_knows_that_he_holds_nothing_any_more(both: Databases, database: str) -> None:
    lock = both[0].lock("a")
    assert lock.take()

    cut_off(database)

    wait_until(lambda: not lock.is_held)


# Drawers


def test_what_one_puts_into_a_drawer_the_other_finds_and_only_one_takes(both: Databases) -> None:
    one, other = (database.drawer("links", 2) for database in both)
    one.put("a", b"1")
    one.put("a", b"2")

    assert (other.get("a"), other.get("b"), both[1].drawer("sessions", 2).get("a")) == (b"2", None, None)
    assert (other.take("a"), one.take("a")) == (b"2", None)


def test_only_what_is_in_a_drawer_can_be_replaced(both: Databases) -> None:
    one, other = (database.drawer("links", 2) for database in both)
    one.put("a", b"1")

    for key in ("a", "b"):
        other.replace(key, b"2")

    assert (one.get("a"), one.get("b")) == (b"2", None)


def test_of_too_many_things_those_go_that_were_used_least_lately(both: Databases) -> None:
    drawer = both[0].drawer("links", 2)
    for key in ("a", "b"):
        drawer.put(key, b"")
    drawer.get("a")
    drawer.put("c", b"")

    assert [drawer.get(key) for key in ("a", "b", "c")] == [b"", None, b""]


# Worlds


def test_a_world_that_two_make_at_once_is_made_once(both: Databases) -> None:
    filled: list[int] = []

    def make(number: int) -> Callable[[], None]:
        return lambda: both[number].make("a" * 32, lambda session: filled.append(number))

    threads = [threading.Thread(target=make(number)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert len(filled) == 1
    assert both[0].has("a" * 32) and both[1].has("a" * 32)


def test_a_world_that_one_leaves_alone_is_looked_at_again_once_another_has_written_to_it(both: Databases) -> None:
    one, other = both
    handle = "b" * 32
    one.make(handle, lambda session: session.wake_by(1_000))
    assert one.due(2_000) == [handle]

    one.leave_alone(handle)
    left_alone = one.due(2_000), other.due(2_000)
    with other.open(handle).writing() as session:
        session.wake_by(500)

    assert left_alone == ([], [handle])
    assert one.due(2_000) == [handle]
