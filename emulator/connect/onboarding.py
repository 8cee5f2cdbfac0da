"""Opening accounts, telling Stripe about them, and what that lets them do.

Every change ends in a review: from all that is known the standing of each requested capability is decided again, and
what differs is announced, capabilities first and the account last. How strict the review is, is a setting of the
tenant: `instant` misses nothing but a bank account, `verify` demands every field and knows the documented test values.
Source: https://docs.stripe.com/connect/accounts, https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar, NamedTuple

from emulator import progress
from emulator.connect import capabilities, external_accounts, persons, records, requirements
from emulator.connect.account_params import CreateParams, UpdateParams
from emulator.connect.capabilities import CapabilityParams
from emulator.connect.home_currencies import currency_of
from emulator.connect.records import accounts
from emulator.connect.records.accounts import ANCHORS, CONTROLLERS, Account, application_of, controller_of
from emulator.connect.records.capabilities import Capability
from emulator.connect.records.external_accounts import BankAccount
from emulator.connect.records.persons import Person
from emulator.connect.requirements import Facts, Standing, kept
from emulator.connect.shapes import merged
from emulator.issuing import cards
from emulator.kernel.errors import account_invalid, exclusive, invalid, missing
from emulator.kernel.events import differences
from emulator.kernel.lists import Page, lists
from emulator.kernel.params import Enum, ListParams, NoParams, Params, Range, merged_metadata
from emulator.kernel.records import replace
from emulator.kernel.render import Deleted
from emulator.kernel.routes import DELETE, GET, POST, Operation
from emulator.kernel.settings import choice, switch
from emulator.kernel.store import Condition
from emulator.kernel.world import World
from emulator.treasury import features, financial_accounts
from emulator.treasury.financial_accounts import FinancialAccount

SETTINGS = (
    choice(
        "onboarding",
        "instant",
        ("instant", "verify"),
        "Whether a requested capability is active at once, or when everything required is provided and verified.",
    ),
    switch(
        "accounts_v1_support",
        True,
        "Whether POST /v1/accounts creates accounts; platforms that joined since about August 2026 are refused until "
        "they switch Accounts v1 support on in the Dashboard.",
    ),
)
# What accounts with the whole Stripe dashboard ask for when nothing is asked for.
USUAL_CAPABILITIES = ("card_payments", "transfers")
REASONS = ("credit", "fraud_no_intent_to_fulfill", "fraud_other", "fraud_payment_method_casher")
MORE_REASONS = ("fraud_payment_method_tester", "other", "terms_of_service")
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
OWN_ACCOUNT = "You cannot use this method on your own account: you may only use it on connected accounts."


@dataclass(frozen=True)
class Application:
    """The platform as its connected accounts know it. Only events show it."""

    object: ClassVar[str] = "application"

    id: str
    name: str | None = field(default=None)

    def render(self, world: World) -> dict[str, Any]:
        """Its id and name."""
        return {"id": self.id, "object": self.object, "name": self.name}


# Which account


def reached(world: World, account: str) -> World:
    """The acting account, or the one a path names, seen from inside.

    403 for one the key does not reach, 400 when the header names another one than the path.
    """
    if not world.is_platform and account != world.account:
        raise invalid(
            "The account specified in the path of /v1/accounts/:account does not match the account specified in the "
            "Stripe-Account header."
        )
    if not world.may_act(account):
        raise account_invalid(world.masked_key, account)
    return world.as_account(account)


def connected(world: World, account: str) -> World:
    """The same for operations that only connected accounts have. 400 for the platform's own account."""
    inside = reached(world, account)
    if inside.is_platform:
        raise invalid(OWN_ACCOUNT)
    return inside


def reading(operation: Operation) -> Operation:
    """An operation of something an account has, at the account that the path names."""

    @wraps(operation)
    def at_account(world: World, params: dict[str, Any], account: str, *rest: str) -> Any:
        return operation(reached(world, account), params, *rest)

    return at_account


def changing(operation: Operation) -> Operation:
    """The same for an operation that changes something about the account: a review follows."""

    @wraps(operation)
    def at_account(world: World, params: dict[str, Any], account: str, *rest: str) -> Any:
        inside = connected(world, account)
        before = seen(inside)
        result = operation(inside, params, *rest)
        conclude(inside, before)
        return fresh(inside, result)

    return at_account


def fresh(world: World, result: Any) -> Any:
    """What an operation returned, as the review left it."""
    if isinstance(result, Capability | Person):
        return world.find(type(result), result.id) or result
    return accounts.of(world) if isinstance(result, Account) else result


# The review


class Seen(NamedTuple):
    """An account and what belongs to it, before a change."""

    account: dict[str, Any]
    capabilities: dict[str, Capability]
    persons: dict[str, Person]


def seen(world: World) -> Seen:
    """How things stand with the acting account."""
    return Seen(
        world.own_members(accounts.of(world)),
        {capability.name: capability for capability in world.all(Capability)},
        {person.id: person for person in records.persons.everyone(world)},
    )


def is_asked(world: World, account: Account) -> bool:
    """Whether requirements decide about the account."""
    return world.setting("onboarding") == "verify" and not account.is_ready


def conclude(world: World, before: Seen) -> None:
    """Review the acting account, announce what has changed since `before`, and decide about its features again."""
    review(world)
    announce(world, before)
    if {name: one.status for name, one in before.capabilities.items()} != {
        one.name: one.status for one in world.all(Capability)
    }:
        features.recompute(world)


def review(world: World) -> None:
    """Decide from all that is known how the acting account's capabilities and persons stand, and what it owes."""
    account = accounts.of(world)
    asked = is_asked(world, account)
    facts = accounts.facts(world, account)
    requested = records.capabilities.requested(world)
    names = [capability.name for capability in requested]
    standings = {name: standing_of(account, name, names, facts if asked else None) for name in names}
    for capability in requested:
        decided = capability.standing(standings[capability.name])
        if decided != capability:
            world.put(decided)
    for person in records.persons.everyone(world):
        verified = person_after(person, facts, list(standings.values()) if asked else [])
        if verified != person:
            world.put(verified)
    stopping = requirements.stopping_payouts(facts) if asked else []
    has_bank = bool(records.external_accounts.everyone(world))
    reviewed = replace(
        account,
        details_submitted=has_bank and (not asked or requirements.details_complete(facts)),
        owed={
            "past_due": [key for finding in stopping for key in finding.keys],
            "errors": [error for finding in stopping for error in finding.errors],
        },
    )
    if reviewed != account:
        save(world, reviewed)
    if any(standing.pending for standing in standings.values()):
        world.cancel_due(account.id, "connect.onboarding.verify")
        progress.at_once(world, "connect.onboarding.verify", account.id)


def standing_of(account: Account, name: str, requested: Sequence[str], facts: Facts | None) -> Standing:
    """How a capability stands: rejected, or as requirements decide where `facts` are asked about, else active."""
    if account.rejected is not None:
        return Standing("inactive", "rejected.other")
    return Standing("active") if facts is None else requirements.standing(name, facts, requested)


def person_after(person: Person, facts: Facts, standings: Sequence[Standing]) -> Person:
    """The person with what is due of them and whether they are verified. Without standings nothing is asked."""
    prefix = "individual." if person.is_individual else f"{person.id}."
    due = of_person(prefix, [key for standing in standings for key in standing.due])
    eventually = of_person(prefix, [key for standing in standings for key in (*standing.due, *standing.eventually)])
    pending = of_person(prefix, [key for standing in standings for key in standing.pending])
    errors = [error for standing in standings for error in standing.errors if error["requirement"].startswith(prefix)]
    own = [{**error, "requirement": error["requirement"].removeprefix(prefix)} for error in errors]
    return replace(
        person,
        status="unverified" if due else "pending" if pending else "verified",
        requirements={
            **records.persons.nothing_required(),
            "alternatives": list(requirements.alternatives(person.country, eventually)),
            "currently_due": due,
            "errors": requirements.unique(own),
            "eventually_due": eventually,
            "past_due": due,
            "pending_verification": pending,
        },
    )


def of_person(prefix: str, keys: Sequence[str]) -> list[str]:
    """The keys about one person, without the person's name before them."""
    return sorted({key.removeprefix(prefix) for key in keys if key.startswith(prefix)})


def announce(world: World, before: Seen) -> None:
    """Tell what has changed: persons come and gone, each capability, each person, then the account."""
    now = {person.id: person for person in records.persons.everyone(world)}
    for id, person in now.items():
        if id not in before.persons:
            world.emit("person.created", person)
    for id, person in before.persons.items():
        if id not in now:
            world.emit("person.deleted", person)
    for capability in reversed(world.all(Capability)):
        old = before.capabilities.get(capability.name) or Capability(capability.id, capability.account, capability.name)
        world.emit("capability.updated", capability, before=old)
    for id, person in now.items():
        if id in before.persons:
            world.emit("person.updated", person, before=before.persons[id])
    account = accounts.of(world)
    world.emit("account.updated", account, previous=differences(before.account, world.own_members(account)))


def verify(world: World, account: str) -> None:
    """Due: the later verification of an account's values is done. Nothing for an account that is gone by then."""
    if not world.may_act(account):
        return
    inside = world.as_account(account)
    before = seen(inside)
    record = accounts.of(inside)
    save(inside, replace(record, verified=requirements.being_verified(accounts.facts(inside, record))))
    conclude(inside, before)


def save(world: World, account: Account) -> Account:
    """Store an account's record: all of them are the platform's."""
    return world.as_account(world.platform).put(account)


# Accounts


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
    account = told(account, params)
    inside = world.as_account(account.id)
    wanted = params.get("capabilities", {})
    if not wanted and account.controller["stripe_dashboard"]["type"] == "full":
        wanted = {name: {"requested": True} for name in USUAL_CAPABILITIES}
    asked_for = requests(inside, account, wanted)
    bank = destination(inside, params["external_account"]) if "external_account" in params else None
    person = about_individual(inside, account, params)
    if not world.predates("Y1"):
        account = accounts.with_descriptors(account, person)

    save(world, account)
    world.open_account(account.id)
    if person is not None:
        inside.put(person)
    if bank is not None:
        external_accounts.add(inside, bank, default=True)
    for capability in asked_for:
        inside.put(capability)
    review(inside)
    return accounts.of(inside)


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
    account = told(old, params)
    asked_for = requests(world, account, params.get("capabilities", {}))
    bank = params.get("external_account")
    new_bank = destination(world, bank) if bank is not None else None
    person = about_individual(world, account, params)
    if not world.predates("Y1"):
        account = accounts.with_descriptors(account, person)

    save(world, account)
    if person is not None:
        world.put(person)
    for capability in asked_for:
        world.put(capability)
    if "external_account" in params:
        exchange_banks(world, new_bank)
    return account


def exchange_banks(world: World, new: BankAccount | None) -> None:
    """Put a bank account in place of the default of its currency; without one, all of them are removed."""
    if new is not None:
        gone = external_accounts.replace_default(world, new)
    else:
        gone = records.external_accounts.everyone(world)
        for bank in gone:
            world.forget(bank)
    for bank in gone:
        world.emit("account.external_account.deleted", bank)
    if new is not None:
        world.emit("account.external_account.created", world.get(BankAccount, new.id))


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


def told(account: Account, params: dict[str, Any]) -> Account:
    """The same account after what was sent about it, individual and capabilities aside. 400 for what cannot be."""
    if "tos_acceptance" in params and not account.collects_requirements:
        raise invalid(TERMS_ARE_STRIPES, param="tos_acceptance")
    refuse_schedule(account, params.get("settings", {}).get("payouts", {}).get("schedule", {}))
    company = dict(params.get("company", {}))
    numbers = {name: kept(company.pop(name)) for name in accounts.NUMBERS_OF_COMPANIES if name in company}
    names = ("account_token", "business_type", "default_currency", "email")
    hashes = ("business_profile", "documents", "groups", "settings", "tos_acceptance")
    return replace(
        account,
        **{name: params[name] for name in names if name in params},
        **{name: merged(getattr(account, name) or {}, params[name]) for name in hashes if name in params},
        company=merged(account.company, company),
        numbers={**account.numbers, **numbers},
        metadata=merged_metadata(account.metadata, params),
    )


def refuse_schedule(account: Account, sent: dict[str, Any]) -> None:
    """400 for a payout schedule without the days its interval needs, or with those of another."""
    known = {**account.settings.get("payouts", {}).get("schedule", {}), **sent}
    interval = known.get("interval", "daily")
    path = "settings[payouts][schedule]"
    for other, names in ANCHORS.items():
        for name in names:
            if name in sent and other != interval:
                raise invalid(f"{name} only applies when the interval is {other}.", param=f"{path}[{name}]")
    if interval in ANCHORS and not any(name in known for name in ANCHORS[interval]):
        raise missing(f"{path}[{ANCHORS[interval][0]}]")


def requests(world: World, account: Account, wanted: dict[str, dict[str, Any]]) -> list[Capability]:
    """The capabilities after these requests. 400 for one this account cannot make."""
    changed = []
    for name, sent in wanted.items():
        if "requested" in sent:
            changed.append(request(world, account, name, sent["requested"], f"capabilities[{name}][requested]"))
    return changed


def request(world: World, account: Account, name: str, wanted: bool, param: str) -> Capability:
    """A capability after being asked for, or given back."""
    capability = records.capabilities.of(world, name)
    if name == "card_issuing" and wanted and not capability.requested and not world.setting("issuing_enabled"):
        raise invalid(
            "card_issuing can only be requested if your platform has been onboarded on Stripe Issuing already."
        )
    capabilities.refuse_request(world, account, capability, wanted, param)
    return capabilities.asked_for(world, capability, wanted)


def about_individual(world: World, account: Account, params: dict[str, Any]) -> Person | None:
    """The account's individual after what was sent, not yet stored; None where there is none and nothing was sent."""
    known = records.persons.individual(world)
    if known is None and account.business_type != "individual" and "individual" not in params:
        return None
    person = known or Person(world.new_id("person"), world.now, world.account, account.country, is_individual=True)
    return persons.told(person, params.get("individual", {}))


def delete(world: World, params: dict[str, Any], account: str) -> Deleted:
    """Delete a connected account: nobody can act for it any more. Balances are not looked at, as in test mode.

    Source: https://docs.stripe.com/api/accounts/delete
    """
    inside = connected(world, account)
    record = accounts.of(inside)
    save(world, replace(record, is_deleted=True))
    world.close_account(account)
    platform = accounts.of(world.as_account(world.platform))
    name = platform.settings["dashboard"]["display_name"]
    inside.emit("account.application.deauthorized", Application(application_of(platform.id), name))
    return Deleted(record)


# Rejection


class RejectParams(Params):
    """Why a platform wants nothing more to do with an account."""

    payouts_action = Enum(("none", "pause"))
    reason = Enum((*REASONS, *MORE_REASONS), required=True)


def reject(world: World, params: dict[str, Any], account: str) -> Account:
    """Stop an account from charging and from being paid out; its financial accounts close, its cards are canceled.

    400 for one that is rejected already. Source: https://docs.stripe.com/api/accounts/reject
    """
    inside = connected(world, account)
    record = accounts.of(inside)
    if record.rejected is not None:
        raise invalid("This account has already been rejected.")
    reason = params["reason"].partition("_")[0] if params["reason"].startswith("fraud") else params["reason"]
    before = seen(inside)
    keeps = params.get("payouts_action") == "none"
    known = reason if reason in ("fraud", "terms_of_service") else "other"
    save(inside, replace(record, rejected=f"platform_{known}", rejection_keeps_payouts=keeps))
    review(inside)
    announce(inside, before)
    financial_accounts.close_rejected(inside)
    cards.cancel_rejected(inside)
    return accounts.of(inside)


def unreject(world: World, params: dict[str, Any]) -> Account:
    """Take a rejection back. What it closed and canceled stays so (our ruling). 400 for an account that has none."""
    account = accounts.of(world)
    if account.rejected is None:
        raise invalid("This account has not been rejected.")
    return save(world, replace(account, rejected=None, rejection_keeps_payouts=False))


# What belongs to an account


def retrieve_capability(world: World, params: dict[str, Any], name: str) -> Capability:
    """Read one capability, requested or not. One that was not shows what it would need. 404 for an unknown name."""
    capability = records.capabilities.of(world, name)
    return capability if capability.requested else foreseen(world, capability)


def foreseen(world: World, capability: Capability) -> Capability:
    """An unrequested capability with what it would need."""
    account = accounts.of(world)
    if not is_asked(world, account):
        return capability
    names = [one.name for one in records.capabilities.requested(world)]
    standing = requirements.standing(capability.name, accounts.facts(world, account), [*names, capability.name])
    return replace(capability, requirements={**standing.requirements, "disabled_reason": None})


def list_capabilities(world: World, params: dict[str, Any]) -> Page:
    """List the requested capabilities, newest first, and the unrequested ones that Issuing and Treasury lean on."""
    requested = records.capabilities.requested(world)
    names = {capability.name for capability in requested}
    others = [
        foreseen(world, records.capabilities.of(world, name)) for name in capabilities.RELEVANT if name not in names
    ]
    return Page([*requested, *others], False, world.path)


list_capabilities.is_list = True  # type: ignore[attr-defined]
list_capabilities.returns = Capability  # type: ignore[attr-defined]


def update_capability(world: World, params: dict[str, Any], name: str) -> Capability:
    """Ask for a capability, or give it back. 400 for one this account cannot have, or cannot be without."""
    capability = records.capabilities.of(world, name)
    if "requested" not in params:
        return capability
    return world.put(request(world, accounts.of(world), name, params["requested"], "requested"))


def create_person(world: World, params: dict[str, Any]) -> Person:
    """Add a person to a company's account. 400 for an individual's: its only person is there already (our ruling)."""
    account = accounts.of(world)
    if account.business_type == "individual":
        raise invalid(
            "You cannot create persons on an account with `business_type` individual. Update its `individual` instead."
        )
    return persons.create(world, params, account.country)


def create_external_account(world: World, params: dict[str, Any]) -> BankAccount:
    """Add a bank account to be paid out to. 400 for numbers no bank has, 501 for a debit card."""
    return external_accounts.create(world, params, destination(world, params["external_account"]))


def destination(world: World, sent: str | dict[str, Any]) -> BankAccount:
    """The bank account that was sent, not yet stored. One that is a financial account of the owner's is known as such.

    400 for a financial account that has no account number or cannot take transfers within Stripe.
    """
    if isinstance(sent, str):
        return external_accounts.described(world, sent)
    if "financial_account" in sent:
        own = world.get(FinancialAccount, sent["financial_account"], param="external_account[financial_account]")
        features.require(world, own, "intra_stripe_flows")
        features.require_address(own)
        sent = {
            "object": "bank_account",
            "account_number": own.account_number,
            "country": own.country,
            "currency": "usd",
            "routing_number": financial_accounts.ROUTING_NUMBER,
        }
    bank = external_accounts.described(world, sent)
    found = financial_accounts.at_address(world, sent.get("routing_number") or "", sent["account_number"])
    if found is None or found[0] != world.account:
        return bank
    return replace(bank, financial_account=found[1].id, status="verified")


ROUTES = [
    GET("/v1/account", retrieve_current),
    GET("/v1/accounts", lists(Account, narrow=only_connected), AccountListParams),
    POST("/v1/accounts", create, CreateParams),
    GET("/v1/accounts/{account}", reading(retrieve)),
    POST("/v1/accounts/{account}", changing(update), UpdateParams),
    DELETE("/v1/accounts/{account}", delete),
    POST("/v1/accounts/{account}/reject", reject, RejectParams),
    POST("/v1/accounts/{account}/unreject", changing(unreject)),
    GET("/v1/accounts/{account}/capabilities", reading(list_capabilities), NoParams),
    GET("/v1/accounts/{account}/capabilities/{capability}", reading(retrieve_capability)),
    POST("/v1/accounts/{account}/capabilities/{capability}", changing(update_capability), CapabilityParams),
    GET("/v1/accounts/{account}/persons", reading(persons.listed), persons.PersonListParams),
    POST("/v1/accounts/{account}/persons", changing(create_person), persons.PersonParams),
    GET("/v1/accounts/{account}/persons/{person}", reading(persons.retrieve)),
    POST("/v1/accounts/{account}/persons/{person}", changing(persons.update), persons.PersonParams),
    DELETE("/v1/accounts/{account}/persons/{person}", changing(persons.delete)),
]
for kind in ("external_accounts", "bank_accounts"):  # the second is an older name of the first
    banks = f"/v1/accounts/{{account}}/{kind}"
    one = banks + "/{id}"
    ROUTES += [
        GET(banks, reading(external_accounts.listed), external_accounts.ExternalAccountListParams),
        POST(banks, changing(create_external_account), external_accounts.CreateParams),
        GET(one, reading(external_accounts.retrieve)),
        POST(one, changing(external_accounts.update), external_accounts.UpdateParams),
        DELETE(one, changing(external_accounts.delete)),
    ]
PROGRESS = {"connect.onboarding.verify": verify}
