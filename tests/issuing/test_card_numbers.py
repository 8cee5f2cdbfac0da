from __future__ import annotations

from stdnum import luhn

from emulator.issuing import card_numbers
from emulator.issuing.card_numbers import CardNumber, new_cvc, new_number, number_from


class Draws:
    """A world that knows numbers and draws what it is told to."""

    def __init__(self, *chances: int) -> None:
        self.chances = list(chances)
        self.known: set[str] = set()

    def draw(self, purpose: str) -> int:
        return self.chances.pop(0)

    def anywhere(self, record: type, id: str) -> object | None:
        return id if id in self.known else None

    def put(self, number: CardNumber) -> None:
        self.known.add(number.id)


def test_a_number_is_luhn_valid_in_a_range_no_real_card_has():
    for chance in range(500):
        number = number_from(chance, card_numbers.USUAL_RANGE)

        assert luhn.is_valid(number) and len(number) == 16 and number.startswith("4000009990")


def test_a_number_is_never_given_twice():
    world = Draws(7, 7, 7, 8)

    assert new_number(world) != new_number(world)
    assert world.chances == []


def test_a_full_range_makes_room_in_the_wider_one():
    world = Draws(7, *[7] * card_numbers.USUAL_TRIES, 123_456)

    first, second = new_number(world), new_number(world)

    assert first.startswith("4000009990")
    assert second.startswith("400000999123456") and luhn.is_valid(second)


def test_a_security_code_has_three_digits():
    assert new_cvc(Draws(5)) == "005"
    assert new_cvc(Draws(1234)) == "234"
