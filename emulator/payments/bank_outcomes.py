"""What becomes of taking money from a US bank account, by its test number.

Where no error code has the name that test mode has for an outcome, the code is the nearest.

Source: https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment#test-account-numbers
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.payments.bank_tokens import TOKENS


class Refusal(NamedTuple):
    """Why a bank does not pay."""

    code: str
    message: str


STAYS = (TOKENS["pm_usBankAccount_processing"],)
DISPUTES = TOKENS["pm_usBankAccount_dispute"]
REFUSALS = {
    TOKENS["pm_usBankAccount_noAccount"]: Refusal("no_account", "The bank account could not be located."),
    TOKENS["pm_usBankAccount_accountClosed"]: Refusal("account_closed", "The bank account has been closed."),
    TOKENS["pm_usBankAccount_insufficientFunds"]: Refusal(
        "insufficient_funds", "The customer's account has insufficient funds to cover this payment."
    ),
    TOKENS["pm_usBankAccount_debitNotAuthorized"]: Refusal(
        "debit_not_authorized", "The customer has notified their bank that this payment was unauthorized."
    ),
    TOKENS["pm_usBankAccount_invalidCurrency"]: Refusal(
        "payment_method_currency_mismatch", "The bank account cannot process payments in this currency."
    ),
    TOKENS["pm_usBankAccount_invalidAccountNumber"]: Refusal(
        "account_number_invalid", "The bank account number is not valid."
    ),
    TOKENS["pm_usBankAccount_weeklyLimitExceeded"]: Refusal(
        "charge_exceeds_source_limit", "The payment exceeds the weekly limit of the account."
    ),
}


def of(number: str | None) -> Refusal | None:
    """Why the bank of an account does not pay; None if it does."""
    return REFUSALS.get(number or "")
