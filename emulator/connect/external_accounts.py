"""External accounts: adding bank accounts to be paid out to, changing and removing them.

Account numbers of real banks are refused, as test mode does, wherever the test numbers of the country are known.
Source: https://docs.stripe.com/api/external_accounts, https://docs.stripe.com/connect/testing
"""

from __future__ import annotations

import re
from typing import Any

from stdnum.us import rtn

from emulator.connect import bank_test_numbers
from emulator.connect.home_currencies import currency_of
from emulator.connect.records.external_accounts import (
    OF_FINANCIAL_ACCOUNTS,
    TEST_ROUTING_NUMBER,
    BankAccount,
    everyone,
    fingerprint,
)
from emulator.connect.reviewing import changing, reading
from emulator.connect.shapes import documents, group
from emulator.kernel.errors import ApiError, invalid, missing, no_such, unbuilt
from emulator.kernel.lists import Page, page
from emulator.kernel.params import (
    Boolean,
    Country,
    Currency,
    Enum,
    Hash,
    Integer,
    ListParams,
    Metadata,
    Params,
    String,
    merged_metadata,
)
from emulator.kernel.records import replace
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.world import World

SORT_CODE = re.compile(r"\d{6}|\d{2}-\d{2}-\d{2}")


# What may be sent


class CardParams(Params):
    """What is said of debit cards alone."""

    address_city = String()
    address_country = String()
    address_line1 = String()
    address_line2 = String()
    address_state = String()
    address_zip = String()
    exp_month = String()
    exp_year = String()
    name = String()


class NewParams(CardParams):
    """A bank account or a card, in one hash: which members count is said by `object`."""

    object = Enum(("bank_account", "card"), required=True)
    account_holder_name = String()
    account_holder_type = Enum(("company", "individual"))
    account_number = String()
    country = Country()
    currency = Currency()
    routing_number = String()
    cvc = String()
    exp_month = Integer()
    exp_year = Integer()
    metadata = Metadata()
    number = String()
    token = String()


class NewOfAccountParams(NewParams):
    """The same beside an account's other members."""

    default_for_currency = Boolean()


class FromFinancialAccountParams(Params):
    """A bank account that is one of the owner's financial accounts, as the Treasury guide describes it.

    Source: https://docs.stripe.com/treasury/moving-money/payouts
    """

    financial_account = String(required=True)
    object = Enum(("bank_account",))


class ExternalAccountField(Hash):
    """A token, or a hash that describes the account."""

    takes_text = True

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and "financial_account" in value:
            return FromFinancialAccountParams.shared().load(value)
        return super()._deserialize(value, attr, data, **kwargs)


class CreateParams(Params):
    """A new external account."""

    default_for_currency = Boolean()
    external_account = ExternalAccountField(NewParams, required=True)
    metadata = Metadata()


class UpdateParams(CardParams):
    """What may change. What is said of cards is taken where there is a card."""

    account_holder_name = String()
    account_holder_type = Enum(("company", "individual"), unset=True)
    account_type = Enum(("checking", "futsu", "savings", "toza"))
    default_for_currency = Boolean()
    documents = group(bank_account_ownership_verification=documents())
    metadata = Metadata()


class ExternalAccountListParams(ListParams):
    """Bank accounts, or cards."""

    object = Enum(("bank_account", "card"))


# What happens


def described(world: World, sent: str | dict[str, Any], param: str = "external_account") -> BankAccount:
    """The bank account that a token or a hash describes, not yet stored.

    400 for numbers no bank has and for unknown tokens; 501 for cards.
    """
    if isinstance(sent, str):
        if sent not in bank_test_numbers.TOKENS:
            raise no_such("token", sent, param=param, status=400)
        sent = {
            "account_number": bank_test_numbers.TOKENS[sent],
            "country": "US",
            "currency": "usd",
            "routing_number": TEST_ROUTING_NUMBER,
        }
    elif sent["object"] == "card":
        raise unbuilt("This emulator does not take debit cards as external accounts.", param=param)
    for name in ("country", "account_number"):
        if name not in sent:
            raise missing(f"{param}[{name}]")
    country, routing = sent["country"], sent.get("routing_number")
    number = sent["account_number"].replace(" ", "").upper()
    refuse_numbers(country, number, routing, param)
    return BankAccount(
        id=world.new_id("ba"),
        created=world.now,
        account=world.account,
        country=country,
        currency=sent.get("currency") or currency_of(country),
        last4=number[-4:],
        fingerprint=fingerprint(country, routing, number),
        routing_number=routing,
        number=number if number in bank_test_numbers.of(country) or routing == OF_FINANCIAL_ACCOUNTS else None,
        account_holder_name=sent.get("account_holder_name"),
        account_holder_type=sent.get("account_holder_type"),
        metadata=merged_metadata({}, sent),
    )


def destination(world: World, sent: str | dict[str, Any]) -> BankAccount:
    """The bank account that was sent, not yet stored. One that is a financial account of the owner's is known as such.

    400 for a financial account that has no account number or cannot take transfers within Stripe.
    """
    if isinstance(sent, str):
        return described(world, sent)
    # Treasury knows of Connect, so Connect knows of its records by their name alone.
    kind: Any = world.catalog.records["treasury.financial_account"]
    if "financial_account" in sent:
        param = "external_account[financial_account]"
        sent = world.get(kind, sent["financial_account"], param=param).as_bank_account(param=param)
    bank = described(world, sent)
    found = kind.at_address(world, bank.number) if bank.routing_number == OF_FINANCIAL_ACCOUNTS else None
    if found is None or found[0] != world.account:
        return bank
    return replace(bank, financial_account=found[1].id, status="verified")


def refuse_numbers(country: str, number: str, routing: str | None, param: str) -> None:
    """400 `routing_number_invalid` or `account_number_invalid`. How a routing number is checked is our ruling."""
    if country == "US":
        if routing is None:
            raise missing(f"{param}[routing_number]")
        if routing != OF_FINANCIAL_ACCOUNTS and not rtn.is_valid(routing):
            raise bad_routing_number("The routing number must have 9 digits and a valid checksum.", param)
    elif country == "GB" and routing is not None and not SORT_CODE.fullmatch(routing):
        raise bad_routing_number("The sort code must have 6 digits.", param)
    allowed = bank_test_numbers.of(country) if routing != OF_FINANCIAL_ACCOUNTS else ()
    if allowed and number not in allowed:
        raise bad_account_number(
            f"You must use a test bank account number in test mode. Try {allowed[0]} or see more options at "
            "https://stripe.com/docs/connect/testing#account-numbers.",
            param,
        )
    if not number.isalnum() or not 4 <= len(number) <= 34:
        raise bad_account_number(
            "Invalid account number. Account numbers are digits only; those of IBAN countries begin with two letters.",
            param,
        )


def bad_routing_number(says: str, param: str) -> ApiError:
    """400 `routing_number_invalid`."""
    return invalid(says, param=f"{param}[routing_number]", code="routing_number_invalid")


def bad_account_number(says: str, param: str) -> ApiError:
    """400 `account_number_invalid`."""
    return invalid(says, param=f"{param}[account_number]", code="account_number_invalid")


def refuse_known(world: World, new: BankAccount) -> None:
    """400 `bank_account_exists` for one the account already has."""
    if any(known.fingerprint == new.fingerprint for known in everyone(world)):
        raise invalid(
            "A bank account with that routing number and account number already exists for this account.",
            param="external_account",
            code="bank_account_exists",
        )


def add(world: World, new: BankAccount, *, default: bool) -> BankAccount:
    """Store a bank account; it is the default of its currency if it is to be, or is the first."""
    first = not world.all(BankAccount, currency=new.currency)
    return world.put(made_default(world, new) if default or first else new)


def made_default(world: World, account: BankAccount) -> BankAccount:
    """The same bank account as the default of its currency; no other one is any more."""
    for other in world.all(BankAccount, currency=account.currency):
        if other.default_for_currency and other.id != account.id:
            world.put(replace(other, default_for_currency=False))
    return replace(account, default_for_currency=True)


def replace_default(world: World, new: BankAccount) -> list[BankAccount]:
    """Store a bank account in place of the default of its currency; which ones it replaced.

    Source: https://docs.stripe.com/api/accounts/update, parameter `external_account`
    """
    old = [known for known in world.all(BankAccount, currency=new.currency) if known.default_for_currency]
    for known in old:
        world.forget(known)
    add(world, new, default=True)
    return old


def exchange(world: World, new: BankAccount | None) -> None:
    """Put a bank account in place of the default of its currency; without one, all of them are removed."""
    if new is not None:
        gone = replace_default(world, new)
    else:
        gone = everyone(world)
        for bank in gone:
            world.forget(bank)
    for bank in gone:
        world.emit("account.external_account.deleted", bank)
    if new is not None:
        world.emit("account.external_account.created", world.get(BankAccount, new.id))


def create(world: World, params: dict[str, Any]) -> BankAccount:
    """Add a bank account to be paid out to. 400 for numbers no bank has and for one the account already has, 501 for a
    debit card."""
    new = destination(world, params["external_account"])
    refuse_known(world, new)
    new = replace(new, metadata=merged_metadata(new.metadata, params))
    added = add(world, new, default=bool(params.get("default_for_currency")))
    world.emit("account.external_account.created", added)
    return added


def update(world: World, params: dict[str, Any], id: str) -> BankAccount:
    """Change what may be changed. 400 for a card's members, and for taking the default away without a new one."""
    old = world.get(BankAccount, id)
    for name in CardParams.shared().fields:
        if name in params:
            raise invalid(f"The parameter {name} can only be set on cards.", param=name)
    if params.get("default_for_currency") is False and old.default_for_currency:
        raise invalid(
            "You cannot take the default away from an external account. Please make another external account the "
            "default using the `default_for_currency` param.",
            param="default_for_currency",
        )
    changes = {
        name: params[name] for name in ("account_holder_name", "account_holder_type", "account_type") if name in params
    }
    new = replace(old, **changes, metadata=merged_metadata(old.metadata, params))
    if "documents" in params:
        new = replace(new, documents=params["documents"])
    if old.status == "errored" and (changes or "documents" in params):
        new = replace(new, status="new")  # what has failed to be paid out to is tried again
    if params.get("default_for_currency"):
        new = made_default(world, new)
    world.put(new)
    world.emit("account.external_account.updated", new, before=old)
    return new


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Remove a bank account. 400 for the default of a currency."""
    gone = world.get(BankAccount, id)
    if gone.default_for_currency:
        raise invalid(
            "You cannot delete the default external account for your default currency. Please make another external "
            "account the default using the `default_for_currency` param, and then delete this one."
        )
    world.forget(gone)
    world.emit("account.external_account.deleted", gone)
    return Deleted(gone)


def listed(world: World, params: dict[str, Any], *path: str) -> Page:
    """The account's external accounts, newest first. There are no cards among them."""
    wanted = {name: value for name, value in params.items() if name != "object"}
    found = page(world, BankAccount, wanted)
    return Page([], False, found.url) if params.get("object") == "card" else found


listed.is_list = True  # type: ignore[attr-defined]
listed.returns = BankAccount  # type: ignore[attr-defined]
retrieve = retrieves(BankAccount)

ROUTES = [
    GET("/v1/accounts/{account}/external_accounts", reading(listed), ExternalAccountListParams),
    POST("/v1/accounts/{account}/external_accounts", changing(create), CreateParams),
    GET("/v1/accounts/{account}/external_accounts/{id}", reading(retrieve)),
    POST("/v1/accounts/{account}/external_accounts/{id}", changing(update), UpdateParams),
    DELETE("/v1/accounts/{account}/external_accounts/{id}", changing(delete)),
    # An older name of the same.
    GET("/v1/accounts/{account}/bank_accounts", reading(listed), ExternalAccountListParams),
    POST("/v1/accounts/{account}/bank_accounts", changing(create), CreateParams),
    GET("/v1/accounts/{account}/bank_accounts/{id}", reading(retrieve)),
    POST("/v1/accounts/{account}/bank_accounts/{id}", changing(update), UpdateParams),
    DELETE("/v1/accounts/{account}/bank_accounts/{id}", changing(delete)),
]
RECORDS = (BankAccount,)
