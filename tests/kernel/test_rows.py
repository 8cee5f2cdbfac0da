"""Rows of a page, drawn together: as many reads as one row takes, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from emulator.kernel.rows import Reads


class Library:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []

    def doubled(self, keys: Sequence[int]) -> dict[int, int]:
        self.asked.append(("doubled", list(keys)))
        return {key: 2 * key for key in keys}

    def plus(self, term: int, keys: Sequence[int]) -> dict[int, int]:
        self.asked.append((f"plus {term}", list(keys)))
        return {key: key + term for key in keys}

    def nothing(self, keys: Sequence[int]) -> dict[int, int]:
        return {}


@pytest.fixture
def library() -> Library:
    return Library()


def test_rows_keep_their_order_and_each_kind_of_read_is_done_once(library):
    reads = Reads()

    def draw(row: int) -> str:
        doubled = reads.one(library.doubled, key=row)
        return f"{row}: {reads.one(library.plus, 1, key=doubled)}"

    assert reads.together(draw, [3, 1, 2, 3]) == ["3: 7", "1: 3", "2: 5", "3: 7"]
    assert library.asked == [("doubled", [3, 1, 2]), ("plus 1", [6, 2, 4])]


def test_rows_that_read_different_things_wait_for_each_other(library):
    reads = Reads()

    def draw(row: int) -> int:
        return reads.one(library.plus, row % 2, key=row) if row < 3 else row

    assert reads.together(draw, [1, 2, 3]) == [2, 2, 3]
    assert library.asked == [("plus 1", [1]), ("plus 0", [2])]


def test_what_was_read_ahead_is_not_read_again(library):
    reads = Reads()

    drawn = reads.together(
        lambda row: reads.one(library.doubled, key=row),
        [1, 2],
        first=lambda rows: reads.ahead(library.doubled, keys=[*rows, *rows]),
    )

    assert (drawn, library.asked) == ([2, 4], [("doubled", [1, 2])])


def test_without_rows_a_read_is_done_at_once_and_not_remembered(library):
    reads = Reads()

    assert [reads.one(library.doubled, key=1) for _ in range(2)] == [2, 2]
    assert library.asked == [("doubled", [1])] * 2


def test_after_rows_that_failed_reads_are_done_at_once_again(library):
    reads = Reads()

    with pytest.raises(ZeroDivisionError):
        reads.together(lambda row: reads.one(library.doubled, key=row) // 0, [1])

    assert reads.one(library.doubled, key=5) == 10


def test_a_read_that_leaves_a_key_out_is_a_bug_not_an_endless_page(library):
    reads = Reads()

    with pytest.raises(KeyError):
        reads.together(lambda row: reads.one(library.nothing, key=row), [1])


def test_no_rows_are_drawn_without_asking_anybody(library):
    assert Reads().together(lambda row: row, []) == []
