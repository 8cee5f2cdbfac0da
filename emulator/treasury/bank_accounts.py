"""Bank accounts that a financial account can send money to, or take it from; and how that ends for each.

There are the test tokens of Stripe's documentation, which need no setting up. The owner has external accounts, and
payment methods that a setup intent has saved for the direction of the money, which is only taken from what has been
verified. Others have payment methods as customers, or are described by their numbers.
Source: https://docs.stripe.com/treasury/moving-money/working-with-bankaccount-objects and the test values of
https://docs.stripe.com/treasury/moving-money/financial-accounts/out-of/outbound-transfers and
https://docs.stripe.com/treasury/moving-money/financial-accounts/into/inbound-transfers
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.connect.records.external_accounts import (
    OF_FINANCIAL_ACCOUNTS,
    TEST_BANK,
    TEST_ROUTING_NUMBER,
    BankAccount,
    fingerprint,
)
from emulator.kernel.errors import ApiError, invalid, no_such
from emulator.kernel.world import World
from emulator.payments import payment_methods
from emulator.payments.bank_tokens import NO_MICRODEPOSITS, TOKENS
from emulator.payments.payment_methods import PaymentMethod
from emulator.treasury import initiating

OF_CARDS = "pm_card_"
# Why a bank sends money back that was sent to it, and why one does not give money, or takes it back.
RETURN_CODES = (
    "account_closed",
    "account_frozen",
    "bank_account_restricted",
    "bank_ownership_changed",
    "declined",
    "incorrect_account_holder_name",
    "invalid_account_number",
    "invalid_currency",
    "no_account",
    "other",
)
FAILURE_CODES = (
    "account_closed",
    "account_frozen",
    "bank_account_restricted",
    "bank_ownership_changed",
    "debit_not_authorized",
    "incorrect_account_holder_address",
    "incorrect_account_holder_name",
    "incorrect_account_holder_tax_id",
    "insufficient_funds",
    "invalid_account_number",
    "invalid_currency",
    "no_account",
    "other",
)


class Ending(NamedTuple):
    """How money that is sent to a bank account, or taken from it, ends by itself.

    `verb` is the arrow taken (None: it stays on its way), `failed` the code with which it fails, `returned` the one
    with which it comes back after it has arrived, and `days_late` how many banking days later it turns out to arrive.
    """

    verb: str | None = "post"
    returned: str | None = None
    days_late: int = 0
    failed: str | None = None


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
    },
    "inbound": {
        "000000000009": Ending(None),
        "000000000234": Ending("fail", failed="other"),
        "000111111116": Ending("fail", failed="no_account"),
        "000111111113": Ending("fail", failed="account_closed"),
        "000111111119": Ending("fail", failed="invalid_account_number"),
        "000222222227": Ending("fail", failed="insufficient_funds"),
        "000333333335": Ending("fail", failed="debit_not_authorized"),
        "000444444440": Ending("fail", failed="invalid_currency"),
        "000555555559": Ending("succeed", returned="debit_not_authorized"),
    },
}
USUAL = {"outbound": Ending("post"), "inbound": Ending("succeed")}
BY_FINGERPRINT = {
    (direction, fingerprint("US", TEST_ROUTING_NUMBER, number)): ending
    for direction, endings in ENDINGS.items()
    for number, ending in endings.items()
}


class Bank(NamedTuple):
    """A US bank account, by its id or as somebody described it. `billing` is what is known of its holder.

    `number` is known where the bank is ours: a financial account may have it.
    """

    id: str | None
    billing: dict[str, Any]
    holder_type: str | None
    account_type: str | None
    bank_name: str
    fingerprint: str
    last4: str
    routing_number: str | None
    number: str | None
    is_verified: bool
    mandate: str | None = None

    def details(self, network: str) -> dict[str, Any]:
        """The bank account as the flows show it that send money there, or take it from there, over a network."""
        return {
            "type": "us_bank_account",
            "billing_details": self.billing,
            "us_bank_account": {
                "account_holder_type": self.holder_type,
                "account_type": self.account_type,
                "bank_name": self.bank_name,
                "fingerprint": self.fingerprint,
                "last4": self.last4,
                "network": network,
                "routing_number": self.routing_number,
            },
        }


def origin(world: World, id: str, *, param: str) -> Bank:
    """The bank account that a parameter names to take money from. 400 as for `named`, and for one not verified."""
    bank = named(world, id, "inbound", param=param)
    if not bank.is_verified:
        raise unverified(id, param)
    return bank


def named(world: World, id: str, direction: str = "outbound", *, param: str) -> Bank:
    """The bank account of the owner's that a parameter names. 400 for one that is unknown or no US bank account."""
    if id in TOKENS:
        return of_token(id)
    method = world.find(PaymentMethod, id)
    if method is not None:
        return saved(method, direction, param=param)
    found = world.find(BankAccount, id)
    if id.startswith(OF_CARDS) or (found is not None and found.country != "US"):
        raise no_us_bank_account(id, param)
    if found is None:
        raise no_such("PaymentMethod", id, param=param, status=400)
    return Bank(
        id=id,
        billing=initiating.billing(found.account_holder_name),
        holder_type=found.account_holder_type,
        account_type=found.account_type or "checking",
        bank_name=found.bank_name,
        fingerprint=found.fingerprint,
        last4=found.last4,
        routing_number=found.routing_number,
        number=found.number if found.routing_number == OF_FINANCIAL_ACCOUNTS else None,
        is_verified=found.status == "verified",
    )


def of_customer(world: World, id: str, customer: str, *, param: str) -> Bank:
    """The bank account of a customer that a parameter names; the test tokens are anybody's.

    400 for one that is unknown, no US bank account, or not the customer's.
    """
    if id in TOKENS:
        return of_token(id)
    method = world.find(PaymentMethod, id)
    if id.startswith(OF_CARDS) or (method is not None and method.us_bank_account is None):
        raise no_us_bank_account(id, param)
    if method is None and world.find(BankAccount, id) is None:
        raise no_such("PaymentMethod", id, param=param, status=400)
    if method is None or method.customer is None:
        raise misplaced(f"The payment method {id} cannot be used here: it is not attached to a customer.", param)
    if method.customer != customer:
        raise misplaced(f"The PaymentMethod {id} does not belong to the customer {customer}.", "customer")
    return of_method(method)


def described(world: World, sent: dict[str, Any], *, param: str) -> Bank:
    """The bank account that parameters describe, saved nowhere. 400 for numbers no bank has."""
    method = PaymentMethod(
        id="",
        created=world.now,
        type="us_bank_account",
        billing_details=payment_methods.billing_details({}, sent),
        number=None,
    )
    filled = payment_methods.with_bank_account(world, method, sent["us_bank_account"], payment_methods.named_in(param))
    return of_method(filled)


def of_token(token: str) -> Bank:
    """The bank account that a test token stands for."""
    return Bank(
        id=token,
        billing=initiating.billing(initiating.HOLDER),
        holder_type="company",
        account_type="checking",
        bank_name=TEST_BANK,
        fingerprint=fingerprint("US", TEST_ROUTING_NUMBER, TOKENS[token]),
        last4=TOKENS[token][-4:],
        routing_number=TEST_ROUTING_NUMBER,
        number=None,
        is_verified=TOKENS[token] != NO_MICRODEPOSITS,
    )


def saved(method: PaymentMethod, direction: str, *, param: str) -> Bank:
    """The bank account of a payment method. 400 unless it is the account's own, set up for that direction."""
    if method.us_bank_account is None:
        raise no_us_bank_account(method.id, param)
    if direction == "inbound" and not method.is_verified and not method.is_attached:
        raise unverified(method.id, param)
    if not method.is_self or direction not in method.directions:
        raise misplaced(
            f"The PaymentMethod {method.id} cannot be used here. It needs a SetupIntent that has succeeded with "
            f"`attach_to_self` and `{direction}` among its `flow_directions`.",
            param,
        )
    return of_method(method)


def of_method(method: PaymentMethod) -> Bank:
    """The bank account of a payment method that may be used."""
    bank = method.us_bank_account
    assert bank is not None, f"{method.id} is no bank account"
    return Bank(
        id=method.id or None,
        billing={name: method.billing_details[name] for name in ("address", "email", "name")},
        holder_type=bank["account_holder_type"],
        account_type=bank["account_type"],
        bank_name=bank["bank_name"],
        fingerprint=bank["fingerprint"],
        last4=bank["last4"],
        routing_number=bank["routing_number"],
        number=method.number if bank["routing_number"] == OF_FINANCIAL_ACCOUNTS else None,
        is_verified=method.is_verified,
        mandate=method.mandate,
    )


def unverified(id: str, param: str) -> ApiError:
    """400 for a bank account that nobody has shown to be theirs."""
    return invalid(
        f"Money can be taken from a verified bank account only: {id} is not.",
        code="bank_account_unverified",
        param=param,
    )


def misplaced(says: str, param: str) -> ApiError:
    """400 for a payment method that is somebody else's, or was saved for something else."""
    return invalid(says, code="payment_method_unexpected_state", param=param)


def no_us_bank_account(id: str, param: str) -> ApiError:
    """400 for a card, or a bank account elsewhere."""
    return invalid(
        f"The payment method {id} cannot be used here: it is not a US bank account.",
        code="payment_method_unsupported_type",
        param=param,
    )


def ending(direction: str, fingerprint: str) -> Ending:
    """How money to or from the bank account of that fingerprint ends: it arrives, unless it is one of the test values.

    `direction` is `outbound` or `inbound`, as the owner of the financial account sees it.
    """
    return BY_FINGERPRINT.get((direction, fingerprint), USUAL[direction])
