"""External accounts: adding bank accounts and debit cards to be paid out to, changing and removing them.

Account numbers of real banks are refused, as test mode does, wherever the test numbers of the country are known.
Source: https://docs.stripe.com/api/external_accounts, https://docs.stripe.com/connect/testing
"""

from __future__ import annotations

from typing import Any

from emulator.connect.bank_accounts import described
from emulator.connect.records.cards import Card
from emulator.connect.records.external_accounts import (
    OF_FINANCIAL_ACCOUNTS,
    BankAccount,
    ExternalAccount,
    everyone,
    get,
    of_currency,
)
from emulator.connect.reviewing import changing, reading
from emulator.connect.shapes import Digits, documents, group
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid, missing
from emulator.kernel.lists import Page, Part, page_of
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
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.world import World

OF_CARDS = (
    "address_city",
    "address_country",
    "address_line1",
    "address_line2",
    "address_state",
    "address_zip",
    "exp_month",
    "exp_year",
    "name",
)
# What is an external account, in the order in which lists have those of one second.
KINDS = (Part(BankAccount), Part(Card, (Condition("is_external", "eq", True),)))
OF_BANKS = ("account_holder_name", "account_holder_type", "account_type", "documents")


# What may be sent


class CardParams(Params):
    """What is said of debit cards alone."""

    address_city = String()
    address_country = String()
    address_line1 = String()
    address_line2 = String()
    address_state = String()
    address_zip = String()
    exp_month = Digits()
    exp_year = Digits()
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
    exp_month = Integer()  # which is refused as a bank would say it
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


def destination(world: World, sent: str | dict[str, Any]) -> BankAccount | Card:
    """The bank account or debit card that was sent, not yet stored. A bank account that is a financial account of the
    owner's is known as such.

    400 for a financial account that has no account number or cannot take transfers within Stripe, for a token that is
    unknown or used, and for a card that nobody is paid out to; 402 for a card that is no test card.
    """
    # Treasury and Payments know of Connect, so Connect knows of their records by their names alone.
    tokens: Any = world.catalog.records["token"]
    if isinstance(sent, str):
        token = tokens.spent(world, sent, "bank_account", "card", param="external_account", of_platform=True)
        if token.type == "card":
            return for_payouts(world, token.card)
        return known_here(world, replace(token.bank_account, account=world.account))
    if sent.get("object") == "card":
        return for_payouts(world, tokens.of_card(world, sent, param="external_account"))
    if "financial_account" in sent:
        param = "external_account[financial_account]"
        kind: Any = world.catalog.records["treasury.financial_account"]
        sent = world.get(kind, sent["financial_account"], param=param).as_bank_account(param=param)
    return known_here(world, described(world, sent, "external_account"))


def known_here(world: World, bank: BankAccount) -> BankAccount:
    """The same, known as a financial account of the owner's where it is one."""
    kind: Any = world.catalog.records["treasury.financial_account"]
    found = kind.at_address(world, bank.number) if bank.routing_number == OF_FINANCIAL_ACCOUNTS else None
    if found is None or found[0] != world.account:
        return bank
    return replace(bank, financial_account=found[1].id, status="verified")


def for_payouts(world: World, card: Card) -> Card:
    """The card as the acting account's, to be paid out to. 400 `invalid_card_type` for any but a debit card."""
    param = "external_account"
    if card.funding != "debit":
        raise invalid(
            "The card provided as an external account is not supported for payouts. Provide a non-prepaid debit card "
            "instead.",
            param=param,
            code="invalid_card_type",
        )
    if card.currency is None:
        raise missing(f"{param}[currency]")
    return replace(card, account=world.account)


def refuse_known(world: World, new: ExternalAccount) -> None:
    """400 `bank_account_exists` for a bank account that the account already has."""
    if isinstance(new, BankAccount) and new.fingerprint in {known.fingerprint for known in everyone(world)}:
        raise invalid(
            "A bank account with that routing number and account number already exists for this account.",
            param="external_account",
            code="bank_account_exists",
        )


def add(world: World, new: ExternalAccount, *, default: bool) -> ExternalAccount:
    """Store an external account; it is the default of its currency if it is to be, or is the first."""
    first = not of_currency(world, currency_paid(new))
    return world.put(made_default(world, new) if default or first else new)


def currency_paid(one: ExternalAccount) -> str:
    """The currency that an external account is paid out to in; only cards of somebody else have none."""
    assert one.currency is not None
    return one.currency


def made_default(world: World, account: ExternalAccount) -> ExternalAccount:
    """The same external account as the default of its currency; no other one is any more."""
    for other in of_currency(world, currency_paid(account)):
        if other.default_for_currency and other.id != account.id:
            world.put(replace(other, default_for_currency=False))
    return replace(account, default_for_currency=True)


def replace_default(world: World, new: ExternalAccount) -> list[ExternalAccount]:
    """Store an external account in place of the default of its currency; which ones it replaced.

    Source: https://docs.stripe.com/api/accounts/update, parameter `external_account`
    """
    old = [known for known in of_currency(world, currency_paid(new)) if known.default_for_currency]
    for known in old:
        world.forget(known)
    add(world, new, default=True)
    return old


def exchange(world: World, new: ExternalAccount | None) -> None:
    """Put an external account in place of the default of its currency; without one, all of them are removed."""
    if new is not None:
        gone = replace_default(world, new)
    else:
        gone = everyone(world)
        for one in gone:
            world.forget(one)
    for one in gone:
        world.emit("account.external_account.deleted", one)
    if new is not None:
        world.emit("account.external_account.created", get(world, new.id))


def create(world: World, params: dict[str, Any]) -> BankAccount | Card:
    """Add a bank account or a debit card to be paid out to.

    400 for numbers no bank has, for a bank account that the account already has, for tokens that are unknown or used,
    and for a card that is no debit card; 402 for one that is no test card.
    """
    new = destination(world, params["external_account"])
    refuse_known(world, new)
    new = replace(new, metadata=merged_metadata(new.metadata, params))
    added = add(world, new, default=bool(params.get("default_for_currency")))
    world.emit("account.external_account.created", added)
    return added


def update(world: World, params: dict[str, Any], id: str) -> BankAccount | Card:
    """Change what may be changed. 400 for what only the other kind has, and for taking the default away without a new
    one."""
    old = get(world, id)
    is_card = isinstance(old, Card)
    refused, kind = (OF_BANKS, "bank accounts") if is_card else (OF_CARDS, "cards")
    for name in refused:
        if name in params:
            raise invalid(f"The parameter {name} can only be set on {kind}.", param=name)
    if params.get("default_for_currency") is False and old.default_for_currency:
        raise invalid(
            "You cannot take the default away from an external account. Please make another external account the "
            "default using the `default_for_currency` param.",
            param="default_for_currency",
        )
    if not 1 <= params.get("exp_month", 1) <= 12:
        raise invalid("A card's expiration month is one of 1 to 12.", param="exp_month")
    changes = {name: params[name] for name in (OF_CARDS if is_card else OF_BANKS) if name in params}
    new = replace(old, **changes, metadata=merged_metadata(old.metadata, params))
    if old.status == "errored" and changes:
        new = replace(new, status="new")  # what has failed to be paid out to is tried again
    if params.get("default_for_currency"):
        new = made_default(world, new)
    world.put(new)
    world.emit("account.external_account.updated", new, before=old)
    return new


def delete(world: World, params: dict[str, Any], id: str) -> Deleted:
    """Remove an external account. 400 for the default of a currency."""
    gone = get(world, id)
    if gone.default_for_currency:
        raise invalid(
            "You cannot delete the default external account for your default currency. Please make another external "
            "account the default using the `default_for_currency` param, and then delete this one."
        )
    world.forget(gone)
    world.emit("account.external_account.deleted", gone)
    return Deleted(gone)


def listed(world: World, params: dict[str, Any], *path: str) -> Page:
    """The account's external accounts, newest first; those of one kind where one is asked for."""
    kind = params.pop("object", None)
    return page_of([one for one in KINDS if kind in (None, one.kind.object)], world, params)


listed.is_list = True  # type: ignore[attr-defined]
listed.returns = BankAccount  # type: ignore[attr-defined]


def retrieve(world: World, params: dict[str, Any], id: str) -> BankAccount | Card:
    """Read one external account. 404 when the account has none of that id."""
    return get(world, id)


retrieve.is_retrieve = True  # type: ignore[attr-defined]

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
RECORDS = (BankAccount, Card)
