"""The test tokens for US bank accounts, and the account number that stands behind each.

The number decides what becomes of money on its way there or from there.
Source: https://docs.stripe.com/treasury/moving-money/financial-accounts/into/inbound-transfers and
https://docs.stripe.com/payments/ach-direct-debit/set-up-payment
"""

from __future__ import annotations

WELL = "000123456789"
NO_MICRODEPOSITS = "000666666661"
TOKENS = {
    "pm_usBankAccount": WELL,
    "pm_usBankAccount_success": WELL,
    "pm_usBankAccount_processing": "000000000009",
    "pm_usBankAccount_internalFailure": "000000000234",
    "pm_usBankAccount_canceledByUser": "000000000123",
    "pm_usBankAccount_expectedArrivalDateUpdated": "000123457890",
    "pm_usBankAccount_noAccount": "000111111116",
    "pm_usBankAccount_accountClosed": "000111111113",
    "pm_usBankAccount_invalidAccountNumber": "000111111119",
    "pm_usBankAccount_insufficientFunds": "000222222227",
    "pm_usBankAccount_debitNotAuthorized": "000333333335",
    "pm_usBankAccount_invalidCurrency": "000444444440",
    "pm_usBankAccount_dispute": "000555555559",
    "pm_usBankAccount_failMicrodeposits": NO_MICRODEPOSITS,
    "pm_usBankAccount_weeklyLimitExceeded": "000777777771",
    "pm_usBankAccount_sameDayACHIneligible": WELL,
}
