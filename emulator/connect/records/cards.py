"""Cards that somebody has given the number of: debit cards that an account is paid out to, and what tokens stand for.

A customer's card is a payment method, whose id may begin with `card_` too: see `payments/customer_sources.py`.

No number is kept but those of test cards, which decide what becomes of money on its way to them.
Source: https://docs.stripe.com/api/external_account_cards
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.world import World

# Source: https://docs.stripe.com/connect/testing#debit-card-numbers
WITHOUT_INSTANT_PAYOUTS, TAKES_NO_PAYOUTS = "4000056755665555", "4000056655665572"
OF_ACCOUNTS = ("account", "available_payout_methods", "currency", "default_for_currency", "status")
BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "MasterCard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


@record(
    "card",
    prefix="card",
    noun="external account",
    filters=("currency", "is_external"),
    can_go=True,
    hidden=("created", "has_cvc", "number", "preferred_network"),
    expands=("account",),
    silent=("default_for_currency",),
)
class Card:
    """A test card. `account` is whose external account it is; without one it is what a token stands for.

    `brand` is as Stripe writes it here, `Visa` and not `visa`. No financial account is behind one, and no bank by its
    routing number.
    """

    financial_account: ClassVar[None] = None
    routing_number: ClassVar[None] = None

    id: str
    created: int
    number: str
    brand: str
    country: str
    exp_month: int
    exp_year: int
    fingerprint: str
    funding: str
    account: str | None = None
    currency: str | None = None
    default_for_currency: bool = False
    name: str | None = None
    address_city: str | None = None
    address_country: str | None = None
    address_line1: str | None = None
    address_line1_check: str | None = None
    address_line2: str | None = None
    address_state: str | None = None
    address_zip: str | None = None
    address_zip_check: str | None = None
    cvc_check: str | None = None
    has_cvc: bool = False
    preferred_network: str | None = None
    status: str = "new"
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        """Whether it is an account's, to be paid out to."""
        return self.account is not None

    @property
    def available_payout_methods(self) -> list[str]:
        """How money can be paid out to it."""
        is_instant = self.funding == "debit" and self.number != WITHOUT_INSTANT_PAYOUTS
        return ["standard", "instant"] if is_instant else ["standard"]

    @property
    def refuses(self) -> str | None:
        """Why it takes no payouts, or None."""
        return "could_not_process" if self.number == TAKES_NO_PAYOUTS else None

    def render(self, world: World) -> dict[str, Any]:
        """The card, its number hidden but for the last digits, and what only external accounts have."""
        members = shown(
            self,
            available_payout_methods=self.available_payout_methods,
            dynamic_last4=None,
            last4=self.number[-4:],
            networks={"preferred": self.preferred_network},
            regulated_status="unregulated",
            tokenization_method=None,
        )
        del members["livemode"]
        for name in OF_ACCOUNTS if self.account is None else ():
            del members[name]
        return members
