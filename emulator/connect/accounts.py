"""Accounts: opening them, telling Stripe more about them, and closing them.

Source: https://docs.stripe.com/api/accounts, https://docs.stripe.com/connect/accounts
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from emulator.connect import capabilities, external_accounts, payout_schedule, persons
from emulator.connect.account_params import CreateParams, UpdateParams
from emulator.connect.home_currencies import currency_of
from emulator.connect.records import accounts
from emulator.connect.records.accounts import CONTROLLERS, Account, application_of, controller_of
from emulator.connect.records.capabilities import Capability
from emulator.connect.records.persons import Person, individual
from emulator.connect.requirements import kept
from emulator.connect.reviewing import changing, controlled, reading, review
from emulator.connect.shapes import merged
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import exclusive, invalid
from emulator.kernel.lists import lists
from emulator.kernel.params import ListParams, Range, merged_metadata
from emulator.kernel.records import replace
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.settings import switch
from emulator.kernel.world import World

SETTINGS = (
    switch(
        "accounts_v1_support",
        True,
        "Whether POST /v1/accounts creates accounts; platforms that joined since about August 2026 are refused until "
        "they switch Accounts v1 support on in the Dashboard.",
    ),
)
# What accounts with the whole Stripe dashboard ask for when nothing is asked for.
USUAL_CAPABILITIES = ("card_payments", "transfers")
# Of account tokens: that terms were accepted, and from where as far as anybody knows.
ACCEPTED, IP_ADDRESS = "tos_shown_and_accepted", "127.0.0.1"
NUMBERS_OF_COMPANIES = ("tax_id", "vat_id")
# Of a statement descriptor: what it cannot contain, and how long it and its prefix may be.
# Source: https://docs.stripe.com/get-started/account/statement-descriptors
NOT_ON_STATEMENTS = re.compile(r"""[<>\\'"*]""")
HOST = re.compile(r"([a-z]+://)?(?P<host>[^/?#:]*)")
LONGEST_DESCRIPTOR, LONGEST_PREFIX = 22, 10
NOT_OURS = (
    "You can only create new accounts if you've signed up for Connect, which you can learn how to do at "
    "https://stripe.com/docs/connect."
)
NO_LONGER_V1 = (
    "Stripe no longer recommends Accounts v1 for new Connect integrations. Create connected accounts with "
    "POST /v2/core/accounts instead: https://docs.stripe.com/connect/accounts-v2. To use Accounts v1 all the same, "
    "switch Accounts v1 support on in the Dashboard (here: the setting accounts_v1_support)."
)
TERMS_ARE_STRIPES = "You cannot accept the Terms of Service on behalf of Standard and Express connected accounts."


@dataclass(frozen=True)
class Application:
    """The platform as its connected accounts know it. No record: only events show it."""

    object: ClassVar[str] = "application"
    is_stored: ClassVar[bool] = False

    id: str
    name: str | None = field(default=None)

    def render(self, world: World) -> dict[str, Any]:
        """Its id and name."""
        return {"id": self.id, "object": self.object, "name": self.name}


class AccountListParams(ListParams):
    """Accounts made in a range of time."""

    created = Range()


def only_connected(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """Neither the platform itself nor what was deleted."""
    return [Condition("is_listed", "eq", True)]


def retrieve_current(world: World, params: dict[str, Any]) -> Account:
    """Read the account that the key and the header stand for."""
    return accounts.of(world)


def retrieve(world: World, params: dict[str, Any]) -> Account:
    """Read one account. 403 for one the key does not reach, whether it exists or not."""
    return accounts.of(world)


def create(world: World, params: dict[str, Any]) -> Account:
    """Open a connected account.

    400 while acting as a connected account, without support for Accounts v1, for `type` beside `controller`, for terms
    that only Stripe may have accepted, and for capabilities this kind of account cannot have.
    """
    if not world.is_platform:
        raise invalid(NOT_OURS)
    if not world.setting("accounts_v1_support"):
        raise invalid(NO_LONGER_V1)
    if "type" in params and "controller" in params:
        raise exclusive("type", "controller", blame="type")
    return made(world, with_token(world, params, must_accept=True))


def made(world: World, params: dict[str, Any]) -> Account:
    """A new account of the platform for what was said of it. 400 for terms and capabilities that it cannot have."""
    country = params.get("country", accounts.of(world).country)
    kind = params.get("type", "none" if "controller" in params else "standard")
    account = Account(
        id=world.new_id("acct"),
        created=world.now,
        country=country,
        default_currency=currency_of(country),
        type=kind,
        controller=chosen(params["controller"]) if "controller" in params else controller_of(*CONTROLLERS[kind]),
        is_ready="type" not in params and "controller" not in params,
    )
    refuse_terms(account, params)
    account = told(account, params)
    inside = world.as_account(account.id)
    wanted = params.get("capabilities", {})
    if not wanted and account.dashboard == "full":
        wanted = {name: {"requested": True} for name in USUAL_CAPABILITIES}
    asked_for = capabilities.requests(inside, account, wanted)
    bank = external_accounts.destination(inside, params["external_account"]) if "external_account" in params else None
    person = about_individual(inside, account, params)
    if not world.predates("Y1"):
        account = with_descriptors(account, person)

    opened(world, account, person, asked_for)
    if bank is not None:
        external_accounts.add(inside, bank, default=True)
    review(inside)
    return accounts.of(inside)


def opened(world: World, account: Account, person: Person | None, asked_for: Sequence[Capability]) -> None:
    """Store a new account with its individual and the capabilities it asked for. A review has to follow."""
    inside = world.as_account(account.id)
    accounts.save(world, account)
    world.open_account(account.id)
    if person is not None:
        inside.put(person)
    for capability in asked_for:
        inside.put(capability)
    if "payouts" in account.settings:
        inside.tell("account.payouts_changed", None)


def chosen(sent: dict[str, Any]) -> dict[str, Any]:
    """The `controller` hash for what was sent of it. The defaults are those of an account with the whole dashboard.

    Source: https://docs.stripe.com/api/accounts/create
    """
    return controller_of(
        sent.get("fees", {}).get("payer", "account"),
        sent.get("losses", {}).get("payments", "stripe"),
        sent.get("requirement_collection", "stripe"),
        sent.get("stripe_dashboard", {}).get("type", "full"),
    )


def update(world: World, params: dict[str, Any]) -> Account:
    """Tell Stripe more about a connected account; what was known stays. 400 for what cannot change."""
    old = accounts.of(world)
    refuse_changes(old, params)
    params = with_token(world, params, must_accept=False)
    refuse_terms(old, params)
    return after(world, old, params)


def with_token(world: World, params: dict[str, Any], *, must_accept: bool) -> dict[str, Any]:
    """The same with what an account token stands for. 400 for what is sent beside it, and for one without accepted
    terms where there have to be.

    Source: https://docs.stripe.com/connect/account-tokens
    """
    if "account_token" not in params:
        return params
    param = "account_token"
    tokens: Any = world.catalog.records["token"]
    token = tokens.spent(world, params[param], "account", param=param, of_platform=True)
    said = {name: value for name, value in token.content.items() if name != ACCEPTED}
    if token.content.get(ACCEPTED):
        said["tos_acceptance"] = {"date": token.created, "ip": IP_ADDRESS}
    elif must_accept:
        raise invalid(
            f"To create an account, the account token must be created with {ACCEPTED} set to true.", param=param
        )
    persons.refuse_beside(param, said, params)
    return {**params, **said}


def after(world: World, old: Account, params: dict[str, Any]) -> Account:
    """The account once it was told what was sent, by its platform or by itself on a page of ours."""
    account = told(old, params)
    asked_for = capabilities.requests(world, account, params.get("capabilities", {}))
    bank = params.get("external_account")
    new_bank = external_accounts.destination(world, bank) if bank is not None else None
    person = about_individual(world, account, params)
    if not world.predates("Y1"):
        account = with_descriptors(account, person)

    accounts.save(world, account)
    if person is not None:
        world.put(person)
    for capability in asked_for:
        world.put(capability)
    if "external_account" in params:
        external_accounts.exchange(world, new_bank)
    if account.settings.get("payouts") != old.settings.get("payouts"):
        world.tell("account.payouts_changed", old)
    return account


def refuse_changes(account: Account, params: dict[str, Any]) -> None:
    """400 for another country or controller than the account has. Our ruling: older guides repeat both."""
    if params.get("country", account.country) != account.country:
        raise invalid(
            f"The country of an account cannot be changed: it is {account.country}.",
            param="country",
        )
    for name, value in params.get("controller", {}).items():
        for member, word in value.items() if isinstance(value, dict) else [(None, value)]:
            has = account.controller.get(name)
            has = has.get(member) if member is not None and isinstance(has, dict) else has
            if has != word and has != f"{word}_{account.type}":
                raise invalid("The controller of an account cannot be changed.", param=f"controller[{name}]")


def refuse_terms(account: Account, params: dict[str, Any]) -> None:
    """400 for terms that only Stripe may have accepted."""
    if "tos_acceptance" in params and not account.collects_requirements:
        raise invalid(TERMS_ARE_STRIPES, param="tos_acceptance")


def told(account: Account, params: dict[str, Any]) -> Account:
    """The same account after what was sent about it, individual and capabilities aside. 400 for what cannot be."""
    known, sent = scheduled(account.settings), scheduled(params.get("settings", {}))
    payout_schedule.refuse(known, sent, "settings[payouts][schedule]")
    company = dict(params.get("company", {}))
    numbers = {name: kept(company.pop(name)) for name in NUMBERS_OF_COMPANIES if name in company}
    names = ("account_token", "business_type", "default_currency", "email")
    hashes = ("business_profile", "documents", "groups", "settings", "tos_acceptance")
    after = replace(
        account,
        **{name: params[name] for name in names if name in params},
        **{name: merged(getattr(account, name) or {}, params[name]) for name in hashes if name in params},
        company=merged(account.company, company),
        numbers={**account.numbers, **numbers},
        metadata=merged_metadata(account.metadata, params),
    )
    if not sent:
        return after
    payouts = {**after.settings["payouts"], "schedule": payout_schedule.agreed(known, sent)}
    return replace(after, settings={**after.settings, "payouts": payouts})


def scheduled(settings: dict[str, Any]) -> dict[str, Any]:
    """What some settings say of when the account is paid out."""
    schedule: dict[str, Any] = settings.get("payouts", {}).get("schedule", {})
    return schedule


def about_individual(world: World, account: Account, params: dict[str, Any]) -> Person | None:
    """The account's individual after what was sent, not yet stored; None where there is none and nothing was sent."""
    known = individual(world)
    if known is None and account.business_type != "individual" and "individual" not in params:
        return None
    person = known or Person(world.new_id("person"), world.now, world.account, account.country, is_individual=True)
    if "individual" not in params:
        return person
    return replace(persons.told(person, persons.with_tokens(world, params["individual"])), updated=world.now)


def with_descriptors(account: Account, person: Person | None) -> Account:
    """The same account with a statement descriptor from its name, unless it has one or no name is known.

    The prefix for card payments is a shortened copy. Source: https://docs.stripe.com/upgrades, version 2023-10-16.
    """
    said = person.said if person is not None else {}
    names = (
        account.business_profile.get("name"),
        HOST.match(account.business_profile.get("url", ""))["host"],  # type: ignore[index]  # it matches anything
        account.company.get("name"),
        " ".join(said[name] for name in ("first_name", "last_name") if name in said),
    )
    made = NOT_ON_STATEMENTS.sub("", next((name for name in names if name), "")).upper()[:LONGEST_DESCRIPTOR].strip()
    payments = {"statement_descriptor": made, **account.settings.get("payments", {})}
    if not payments["statement_descriptor"]:
        return account
    prefix = payments["statement_descriptor"][:LONGEST_PREFIX].strip()
    cards = {"statement_descriptor_prefix": prefix, **account.settings.get("card_payments", {})}
    return replace(account, settings={**account.settings, "payments": payments, "card_payments": cards})


def delete(world: World, params: dict[str, Any], account: str) -> Deleted:
    """Delete a connected account: nobody can act for it any more. Balances are not looked at, as in test mode.

    Source: https://docs.stripe.com/api/accounts/delete
    """
    inside = controlled(world, account)
    record = accounts.of(inside)
    accounts.save(world, replace(record, is_deleted=True))
    leave(inside)
    return Deleted(record)


def leave(world: World) -> None:
    """Let nobody act for the acting account any more; its platform's application is told."""
    world.close_account(world.account)
    world.emit("account.application.deauthorized", application(world))


def application(world: World) -> Application:
    """The platform as its connected accounts know it."""
    platform = accounts.of(world.as_account(world.platform))
    return Application(application_of(world), platform.settings["dashboard"]["display_name"])


TELLS = ("account.payouts_changed",)  # with the account as it was, None for a new one
ROUTES = [
    GET("/v1/account", retrieve_current),
    GET("/v1/accounts", lists(Account, narrow=only_connected), AccountListParams),
    POST("/v1/accounts", create, CreateParams),
    GET("/v1/accounts/{account}", reading(retrieve)),
    POST("/v1/accounts/{account}", changing(update), UpdateParams),
    DELETE("/v1/accounts/{account}", delete),
]
RECORDS = (Account,)
