"""Names: what can be printed on a card, and what can be a person's name.

The API reference says that a cardholder's name has no numbers; the product page lists them, and we follow that.
Source: https://docs.stripe.com/issuing/cards/virtual/issue-cards
"""

from __future__ import annotations

import unicodedata
from string import ascii_letters, digits
from typing import Any

from emulator.kernel.params import String, complain, shown

PRINTED = frozenset(ascii_letters + digits + "/-&:().' ")
OF_PERSONS = frozenset(ascii_letters + ".,-' ")
LONGEST_PRINTED = 24


class PrintedName(String):
    """Text on a card: 24 Latin letters, digits and a few marks."""

    def __init__(self, what: str, **kwargs: Any) -> None:
        """`what` names it in complaints, such as `cardholder name`."""
        super().__init__(max_length=LONGEST_PRINTED, **kwargs)
        self.what = what

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        if not all(map(is_latin, set(name) - PRINTED)):
            raise complain(
                f"Invalid {self.what}: {shown(name)}. It can contain letters, numbers, spaces, and the characters "
                "/ - & : ( ) . '"
            )
        return name


class PersonName(String):
    """A first or last name: Latin letters, at least one, with periods, commas, hyphens, spaces and apostrophes."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        name = super()._deserialize(value, attr, data, **kwargs)
        is_allowed = all(map(is_latin, set(name) - OF_PERSONS))
        if not is_allowed or not any(map(is_latin, name)):
            raise complain(
                f"Invalid {attr}: {shown(name)}. It can contain Latin letters, periods, commas, hyphens, spaces and "
                "apostrophes, and must contain a letter."
            )
        return name


def is_latin(letter: str) -> bool:
    """Whether this is a letter of the Latin alphabet, accented or not."""
    return letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN ")
