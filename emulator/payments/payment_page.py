"""What is kept of somebody's visit to a payment link: which link it is of, what pays there, and whether that was paid.

Stripe makes a Checkout Session of each visit. Here it is no object of the API: Checkout is not built.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

# What ids begin with, as those of Checkout Sessions do, which pages that follow a payment are told of.
OF_SESSIONS = "cs_test"


@record(
    "emulator.payment_page",
    prefix="cs",
    noun="page of a payment link",
    filters=("is_paid", "payment_intent", "payment_link"),
    has_list=False,
)
class PaymentPage:
    """One visit. `form` is the token of the form that was shown last, which works once."""

    id: str
    created: int
    form: str
    payment_link: str
    customer: str | None = None
    is_paid: bool = False
    payment_intent: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """As stored; nothing of it is in the API."""
        return shown(self)


RECORDS = (PaymentPage,)
