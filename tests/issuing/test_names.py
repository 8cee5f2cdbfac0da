import pytest

from emulator.issuing.names import PersonName, PrintedName
from emulator.kernel.errors import ApiError
from emulator.kernel.params import Params


class Sent(Params):
    printed = PrintedName("cardholder name")
    first_name = PersonName()


def complaint(**params):
    """The complaint about these parameters, or None."""
    try:
        Sent.parse(params)
    except ApiError as refusal:
        return refusal.message
    return None


@pytest.mark.parametrize("name", ["Ada Example", "Müller & Söhne (1)", "a/b-c&d:e(f).g'h 0", "x" * 24])
def test_what_can_be_printed_on_a_card_is_taken(name):
    assert complaint(printed=name) is None


@pytest.mark.parametrize("name", ["Ada_Example", "Ada!", "Ада", "a,b", "a\nb"])
def test_other_characters_cannot_be_printed(name):
    assert complaint(printed=name).startswith(f"Invalid cardholder name: {name}.")


def test_a_printed_name_has_at_most_24_characters():
    assert complaint(printed="x" * 25) == "Invalid string: xxxx...xxxx; must be at most 24 characters"


@pytest.mark.parametrize("name", ["Ada", "Jean-Luc", "O'Neil, Jr.", "José"])
def test_a_person_can_be_called(name):
    assert complaint(first_name=name) is None


@pytest.mark.parametrize("name", ["Ada2", "Ада", "-", "a_b", "(Ada)"])
def test_a_person_cannot_be_called(name):
    assert complaint(first_name=name).startswith(f"Invalid first_name: {name}.")
