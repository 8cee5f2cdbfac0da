"""Bank accounts that money of a financial account can be sent to by their id, and how what is sent to each ends.

There are the test tokens of Stripe's documentation, which need no setting up, the external accounts of the owner, and
the payment methods that a setup intent has made the owner's for this direction.
Source: https://docs.stripe.com/treasury/moving-money/working-with-bankaccount-objects and the test values of
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-transfers
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.connect.records.external_accounts import (
    OF_FINANCIAL_ACCOUNTS,
    TEST_BANK,
    TEST_ROUTING_NUMBER,
    BankAccount,
    fingerprint,
)
from emulator.kernel.errors import ApiError, invalid, no_such
from emulator.kernel.world import World
from emulator.payments.bank_tokens import TOKENS
from emulator.payments.payment_methods import PaymentMethod
from emulator.treasury import initiating

OF_CARDS = "pm_card_"


class Ending(NamedTuple):
    """How money that is sent to a bank account ends by itself.

    `verb` is the arrow taken (None: it stays on its way), `returned` the code with which it comes back after that, and
    `days_late` by how much it turns out to arrive later.
    """

    verb: str | None = "post"
    returned: str | None = None
    days_late: int = 0


# The test numbers whose bank does something else than to let money arrive, by the direction of the money.
ENDINGS = {
    "outbound": {
        "000000000009": Ending(None),
        "000000000234": Ending("fail"),
        "000000000123": Ending("cancel"),
        "000123457890": Ending(days_late=1),
        "000111111116": Ending(returned="no_account"),
        "000111111113": Ending(returned="account_closed"),
        "000111111119": Ending(returned="invalid_account_number"),
        "000444444440": Ending(returned="invalid_currency"),
    }
}
BY_FINGERPRINT = {
    (direction, fingerprint("US", TEST_ROUTING_NUMBER, number)): ending
    for direction, endings in ENDINGS.items()
    for number, ending in endings.items()
}


class Bank(NamedTuple):
    """A US bank account by its id. `number` is known where the bank is ours: a financial account may have it."""

    id: str
    holder: str | None
    holder_type: str | None
    account_type: str | None
    bank_name: str
    fingerprint: str
    last4: str
    routing_number: str | None
    number: str | None
    is_verified: bool


def named(world: World, id: str, *, param: str) -> Bank:
    """The bank account that a parameter names. 400 for an id of nothing, and for one of no US bank account."""
    if id in TOKENS:
        return Bank(
            id=id,
            holder=initiating.HOLDER,
            holder_type="company",
            account_type="checking",
            bank_name=TEST_BANK,
            fingerprint=fingerprint("US", TEST_ROUTING_NUMBER, TOKENS[id]),
            last4=TOKENS[id][-4:],
            routing_number=TEST_ROUTING_NUMBER,
            number=None,
            is_verified=True,
        )
    method = world.find(PaymentMethod, id)
    if method is not None:
        return saved(method, param=param)
    found = world.find(BankAccount, id)
    if id.startswith(OF_CARDS) or (found is not None and found.country != "US"):
        raise no_us_bank_account(id, param)
    if found is None:
        raise no_such("PaymentMethod", id, param=param, status=400)
    return Bank(
        id=id,
        holder=found.account_holder_name,
        holder_type=found.account_holder_type,
        account_type=found.account_type or "checking",
        bank_name=found.bank_name,
        fingerprint=found.fingerprint,
        last4=found.last4,
        routing_number=found.routing_number,
        number=found.number if found.routing_number == OF_FINANCIAL_ACCOUNTS else None,
        is_verified=found.status == "verified",
    )


def saved(method: PaymentMethod, *, param: str) -> Bank:
    """The bank account of a payment method. 400 unless it is the account's own, set up to send money to."""
    if method.us_bank_account is None:
        raise no_us_bank_account(method.id, param)
    if not method.is_self or "outbound" not in method.directions:
        raise invalid(
            f"The PaymentMethod {method.id} cannot be used here. Set it up with a SetupIntent that has "
            "`attach_to_self` and `outbound` among its `flow_directions`.",
            code="payment_method_unexpected_state",
            param=param,
        )
    bank = method.us_bank_account
    return Bank(
        id=method.id,
        holder=method.billing_details["name"],
        holder_type=bank["account_holder_type"],
        account_type=bank["account_type"],
        bank_name=bank["bank_name"],
        fingerprint=bank["fingerprint"],
        last4=bank["last4"],
        routing_number=bank["routing_number"],
        number=method.number if bank["routing_number"] == OF_FINANCIAL_ACCOUNTS else None,
        is_verified=method.is_verified,
    )


def no_us_bank_account(id: str, param: str) -> ApiError:
    """400 for a card, or a bank account elsewhere."""
    return invalid(
        f"The payment method {id} cannot be used here: it is not a US bank account.",
        code="payment_method_unsupported_type",
        param=param,
    )


def ending(direction: str, fingerprint: str) -> Ending:
    """How money sent to the bank account of that fingerprint ends: it arrives, unless it is one of the test values."""
    return BY_FINGERPRINT.get((direction, fingerprint), Ending())
