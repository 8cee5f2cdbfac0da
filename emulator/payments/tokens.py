"""Tokens: what a browser gives a server in place of a card, a bank account or what is said of a person, each used once.

    card `tok_`, bank account `btok_`          external accounts, payment methods
    account `ct_`, person `cpt_`, `pii_`       accounts and persons
    new security code `cvctok_`                retrieved only

The published test tokens (`tok_visa`, `btok_us_verified`, …) stand for one that nobody has to make, as often as wanted.
What other products do with a token they ask of the record by its name: `Token.spent`.
Source: https://docs.stripe.com/api/tokens, https://docs.stripe.com/connect/account-tokens
"""

from __future__ import annotations

from dataclasses import asdict, field
from typing import Any

from emulator.connect import bank_test_numbers
from emulator.connect.account_params import BUSINESS_TYPES, CompanyParams
from emulator.connect.bank_accounts import described
from emulator.connect.home_currencies import currency_of
from emulator.connect.person_params import IndividualParams, PersonParams
from emulator.connect.records.cards import BRANDS, Card
from emulator.connect.records.external_accounts import TEST_ROUTING_NUMBER, BankAccount
from emulator.connect.shapes import Digits, group
from emulator.kernel.errors import exclusive, invalid, missing, no_such
from emulator.kernel.params import Boolean, Country, Currency, Enum, Hash, Params, String
from emulator.kernel.records import record, replace
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.payments import card_test_numbers, cards, not_built

# What each kind of token begins with.
PREFIXES = {
    "account": "ct",
    "bank_account": "btok",
    "card": "tok",
    "cvc_update": "cvctok",
    "person": "cpt",
    "pii": "pii",
}
# What token shows of the card or the bank account that it stands for is not yet anybody's.
OF_NOBODY_YET = ("account", "available_payout_methods", "default_for_currency", "future_requirements", "requirements")
NOTHING_SENT = (
    "You must supply either a card, bank account, account, person, PII data or a CVC update to create a token."
)
ADDRESS = ("address_city", "address_country", "address_line1", "address_line2", "address_state", "address_zip")


# Test tokens are called like these, and are none: what names one need not find it.
@record("token", prefix="tok", noun="token", has_list=False, can_go=True, hidden=("content",))
class Token:
    """A token. `content` is what it stands for: the members of a card or a bank account, or what was said of an account
    or a person, numbers included, which nothing shows."""

    id: str
    created: int
    type: str
    content: dict[str, Any] = field(default_factory=dict)
    used: bool = False

    @property
    def card(self) -> Card:
        """The card that it stands for."""
        return Card(**self.content)

    @property
    def bank_account(self) -> BankAccount:
        """The bank account that it stands for."""
        return BankAccount(**self.content)

    def render(self, world: World) -> dict[str, Any]:
        """The token with the card or the bank account that it stands for; of all else only that there is something."""
        members = {
            "id": self.id,
            "object": self.object,
            "client_ip": None,
            "created": self.created,
            "livemode": False,
            "type": self.type,
            "used": self.used,
        }
        if self.type == "card":
            members["card"] = self.card.render(world)
        if self.type == "bank_account":
            shown = self.bank_account.render(world)
            members["bank_account"] = {name: value for name, value in shown.items() if name not in OF_NOBODY_YET}
        return members

    @classmethod
    def of_card(cls, world: World, sent: dict[str, Any], *, param: str) -> Card:
        """The card that a hash describes. 400 for what is missing, 402 as for tokens."""
        return Card(**card_of(world, sent, param))

    @classmethod
    def spent(cls, world: World, id: str, *types: str, param: str, of_platform: bool = False) -> Token:
        """The token of an id, which is used up by this; or what a test token stands for, made now.

        400 for an unknown one, `token_already_used`, and for one of another type. `of_platform`: those of the platform
        will do for its connected accounts.
        """
        token = of_test(world, id)
        if token is None:
            owners = [world, world.as_account(world.platform)] if of_platform else [world]
            owner = next((one for one in owners if one.find(cls, id) is not None), None)
            if owner is None:
                raise no_such(cls.noun, id, param=param, status=400)
            token = owner.get(cls, id)
            if token.used:
                raise invalid(f"You cannot use a Stripe token more than once: {id}.", code="token_already_used")
        if token.type not in types:
            raise invalid(f"The token {id} is of the type {token.type}, and cannot be used as {param}.", param=param)
        if token.id == id:
            owner.put(replace(token, used=True))
        return token


# What may be sent


class NewCardParams(Params):
    """A card by its number."""

    address_city = String()
    address_country = String()
    address_line1 = String()
    address_line2 = String()
    address_state = String()
    address_zip = String()
    currency = Currency()
    cvc = String(pattern=r"\d{3,4}", says="Your card's security code is invalid.")
    exp_month = Digits(required=True)
    exp_year = Digits(required=True)
    name = String()
    networks = group(preferred=Enum(("cartes_bancaires", "mastercard", "visa")))
    number = String(required=True)


class CardField(Hash):
    """A card by its number, or with `customer` the id of one of theirs."""

    takes_text = True

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return value if isinstance(value, str) else super()._deserialize(value, attr, data, **kwargs)


class NewBankAccountParams(Params):
    """A bank account by its number."""

    account_holder_name = String()
    account_holder_type = Enum(("company", "individual"))
    account_number = String(required=True)
    account_type = Enum(("checking", "futsu", "savings", "toza"))
    country = Country(required=True)
    currency = Currency()
    payment_method = String()
    routing_number = String()


class TokenCompanyParams(CompanyParams):
    """What may be said about a company, in place of a token."""

    ownership_declaration_shown_and_signed = Boolean()


class TokenPersonParams(PersonParams):
    """What may be said about a person, in place of a token."""

    class Meta(PersonParams.Meta):
        exclude = ("person_token",)


class CreateParams(Params):
    """What the token stands for, one of six."""

    account = group(
        business_type=Enum(BUSINESS_TYPES),
        company=Hash(TokenCompanyParams),
        individual=Hash(IndividualParams),
        tos_shown_and_accepted=Boolean(),
    )
    bank_account = Hash(NewBankAccountParams)
    card = CardField(NewCardParams)
    customer = String()
    cvc_update = group(cvc=String(required=True, pattern=r"\d{3,4}", says="Your card's security code is invalid."))
    person = Hash(TokenPersonParams)
    pii = group(id_number=String())


# What happens


def create(world: World, params: dict[str, Any]) -> Token:
    """Make a token. 400 for anything but exactly one of what it can stand for and for numbers no bank has, 402 for a
    card that is no test card; clones of customers' cards are 501."""
    not_built.refuse(params, {"customer": "clones of customers' cards"})
    types = [name for name in PREFIXES if name in params]
    if not types:
        raise invalid(NOTHING_SENT)
    if len(types) > 1:
        raise exclusive(*types)
    type = types[0]
    if isinstance(params[type], str):
        raise invalid("A card is given by its number; the id of one goes with a customer.", param=type)
    content = CONTENTS[type](world, params[type]) if type in CONTENTS else params[type]
    return world.put(Token(world.new_id(PREFIXES[type]), world.now, type, content))


def card_of(world: World, sent: dict[str, Any], param: str = "card") -> dict[str, Any]:
    """The members of the card that was described. 402 for a number that is no test card's or a month that is over."""
    for name in ("number", "exp_month", "exp_year"):
        if name not in sent:
            raise missing(f"{param}[{name}]")
    test = cards.of_number(sent["number"])
    cards.refuse_expired(world, sent["exp_month"], sent["exp_year"])
    return members_of(
        world,
        test,
        exp_month=sent["exp_month"],
        exp_year=sent["exp_year"],
        has_cvc="cvc" in sent,
        preferred_network=sent.get("networks", {}).get("preferred"),
        **{name: sent[name] for name in (*ADDRESS, "currency", "name") if name in sent},
    )


def members_of(world: World, test: card_test_numbers.Card, **more: Any) -> dict[str, Any]:
    """The members of a card that is nobody's yet."""
    card = Card(
        id=world.new_id(Card.prefix),
        created=world.now,
        number=test.number,
        brand=BRANDS[test.brand],
        country=test.country,
        fingerprint=cards.fingerprint(test.number),
        funding=test.funding,
        **more,
    )
    checks = {
        "address_line1_check": "unchecked" if card.address_line1 else None,
        "address_zip_check": "unchecked" if card.address_zip else None,
        "cvc_check": "unchecked" if card.has_cvc else None,
    }
    return asdict(replace(card, **checks))


def bank_account_of(world: World, sent: dict[str, Any]) -> dict[str, Any]:
    """The members of the bank account that was described."""
    if "payment_method" in sent:
        raise not_built.not_built("bank tokens of payment methods", param="bank_account[payment_method]")
    bank = described(world, sent, "bank_account")
    return asdict(replace(bank, account_type=sent.get("account_type")))


CONTENTS = {"bank_account": bank_account_of, "card": card_of}


def of_test(world: World, id: str) -> Token | None:
    """A new token for a published test token, not stored; None for what is none."""
    test = card_test_numbers.behind(id, card_test_numbers.OF_TOKENS)
    if test is not None:
        month, year = cards.usual_expiry(world)
        currency = currency_of(test.country)
        content = members_of(world, test, exp_month=month, exp_year=year, has_cvc=True, currency=currency)
        return Token(world.new_id("tok"), world.now, "card", content)
    if id not in bank_test_numbers.TOKENS:
        return None
    bank = {
        "account_number": bank_test_numbers.TOKENS[id],
        "country": "US",
        "currency": "usd",
        "routing_number": TEST_ROUTING_NUMBER,
    }
    return Token(world.new_id("btok"), world.now, "bank_account", bank_account_of(world, bank))


RECORDS = (Token,)
ROUTES = [
    POST("/v1/tokens", create, CreateParams, publishable=True),
    GET("/v1/tokens/{token}", retrieves(Token)),
]
