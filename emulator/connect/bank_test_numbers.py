"""The account numbers that test mode takes for bank accounts, by country; it refuses those of real banks.

A country that is not here is one whose numbers we have not seen published in full: there, any number is taken.
Source: https://docs.stripe.com/connect/testing#account-numbers, for countries with IBANs also
https://docs.stripe.com/payments/sepa-debit/accept-a-payment
"""

from __future__ import annotations

# Why the bank behind a number takes or gives no money, in the order of the numbers below; the first one does.
REFUSALS = (None, "no_account", "account_closed", "insufficient_funds", "debit_not_authorized", "invalid_currency")
# What follows those in the US: no instant payouts, two kinds of proof of ownership, and what the guides to Treasury and
# ACH add.
NATIONAL = {
    "AU": "000123456 111111116 111111113 222222227 333333335 444444440",
    "BR": "000123456789 000111111116 000111111113 000222222227 000333333335 000444444440",
    "CA": "000123456789 000111111116 000111111113 000222222227 000333333335 000444444440",
    "GB": "00012345 11111116 11111113 22222227 33333335 44444440",
    "HK": "000123456 111111116 111111113 222222227 333333335 444444440",
    "US": "000123456789 000111111116 000111111113 000222222227 000333333335 000444444440 "
    "000888888883 000999999991 000999999992 "
    "000000000009 000000000123 000000000234 000111111119 000123457890 000555555559 000666666661 000777777771",
}
# Tokens that stand for a bank account in the US without having been made.
TOKENS = {
    "btok_us_verified": "000123456789",
    "btok_us_verified_noAccount": "000111111116",
    "btok_us_verified_accountClosed": "000111111113",
    "btok_us_verified_insufficientFunds": "000222222227",
    "btok_us_verified_debitNotAuthorized": "000333333335",
    "btok_us_verified_invalidCurrency": "000444444440",
}
# An account that exists and one that does not, of the country's own banks.
OWN_IBANS = {
    "AT": "AT611904300234573201 AT861904300235473202",
    "BE": "BE62510007547061 BE68539007547034",
    "CH": "CH9300762011623852957 CH5362200119938136497",
    "DE": "DE89370400440532013000 DE62370400440532013001",
    "EE": "EE382200221020145685 EE762200221020145680",
    "ES": "ES0700120345030000067890 ES9121000418450200051332",
    "FI": "FI2112345600000785 FI9112345600000786",
    "FR": "FR1420041010050500013M02606 FR8420041010050500013M02607",
    "GB": "GB82WEST12345698765432 GB55WEST12345698765433",
    "GI": "GI60MPFS599327643783385 GI41SAFA461293238477751",
    "HR": "HR7624020064583467589 HR2725000096983499248",
    "IE": "IE29AIBK93115212345678 IE02AIBK93115212345679",
    "LI": "LI0508800636123378777 LI1208800143823175626",
    "LT": "LT121000011101001000 LT821000011101001001",
    "LU": "LU280019400644750000 LU980019400644750001",
    "NL": "NL39RABO0300065264 NL91ABNA0417164300",
    "NO": "NO9386011117947 NO6686011117948",
    "PT": "PT50000201231234567890154 PT23000201231234567890155",
    "SE": "SE3550000000054910000003 SE0850000000054910000004",
}
# Behind the code of any country with IBANs, in the order of the national ones.
ANY_IBANS = (
    "89370400440532013000",
    "62370400440532013001",
    "89370400440532013002",
    "89370400440532013003",
    "89370400440532013004",
    "89370400440532013005",
)


def of(country: str) -> tuple[str, ...]:
    """The numbers of a country, the one that works first; none where no list is known."""
    ibans = OWN_IBANS.get(country, "").split()
    anywhere = [country + digits for digits in ANY_IBANS] if ibans else []
    return tuple(dict.fromkeys([*NATIONAL.get(country, "").split(), *ibans, *anywhere]))


def refusal(country: str, number: str) -> str | None:
    """Why the bank behind a test number takes or gives no money; None where it does."""
    known = dict(zip(NATIONAL.get(country, "").split(), REFUSALS, strict=False))
    if country in OWN_IBANS:
        known |= {country + digits: why for digits, why in zip(ANY_IBANS, REFUSALS, strict=True)}
        known |= dict(zip(OWN_IBANS[country].split(), REFUSALS, strict=False))
    return known.get(number)
