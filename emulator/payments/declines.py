"""What is said of a card that cannot be used: 402 `card_error`, with the whole objects it is about.

Source: https://docs.stripe.com/declines/codes and recorded replies.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel import versions
from emulator.kernel.errors import ApiError
from emulator.kernel.world import World
from emulator.payments.card_test_numbers import Decline

NOT_A_TEST_CARD = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, "
    "visit: https://stripe.com/docs/testing.",
    "",
)
WRONG_NUMBER = Decline("incorrect_number", None, "Your card number is incorrect.", "number")


def declined(decline: Decline, *, keeps_changes: bool = False, **objects: dict[str, Any]) -> ApiError:
    """The refusal, with whole objects by their names."""
    return ApiError(
        402,
        decline.message,
        type="card_error",
        code=decline.code,
        param=decline.param,
        more={"decline_code": decline.decline_code, **objects},
        keeps_changes=keeps_changes,
    )


def whole(world: World, record: Any) -> dict[str, Any]:
    """An object inside an error, as the client's version has it: a record, or of one what its reader may see."""
    return versions.shown(world.version, record if isinstance(record, dict) else world.render(record))
