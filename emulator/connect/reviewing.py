"""The review of what is known about an account: what it may do, what it owes, and who is told.

Every change of an account, its capabilities, persons and banks ends in one: from all that is known the standing of each
requested capability is decided again, and what differs is announced, capabilities first and the account last. How
strict the review is, is a setting of the tenant: `instant` misses nothing but a bank account, `verify` demands every
field and knows the documented test values. Routes say of an operation whether it is `reading` at an account or
`changing` it.
Source: https://docs.stripe.com/connect/accounts, https://docs.stripe.com/connect/handling-api-verification
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any, NamedTuple

from emulator import progress
from emulator.connect import requirements
from emulator.connect.correspondence import applied
from emulator.connect.records import accounts, capabilities, external_accounts, persons
from emulator.connect.records.accounts import Account
from emulator.connect.records.capabilities import Capability
from emulator.connect.records.persons import Person
from emulator.connect.requirements import Facts, Standing
from emulator.kernel.errors import ApiError, account_invalid, invalid
from emulator.kernel.events import differences
from emulator.kernel.records import replace
from emulator.kernel.routes import Operation
from emulator.kernel.settings import choice
from emulator.kernel.world import World

SETTINGS = (
    choice(
        "onboarding",
        "instant",
        ("instant", "verify"),
        "Whether a requested capability is active at once, or when everything required is provided and verified.",
    ),
)
OWN_ACCOUNT = "You cannot use this method on your own account: you may only use it on connected accounts."


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


def controlled(world: World, account: str) -> World:
    """The same for what a platform does to accounts that it controls. 403 for one that controls itself.

    Source: https://docs.stripe.com/connect/platform-controls-for-stripe-dashboard-accounts
    """
    inside = connected(world, account)
    if accounts.of(inside).controls_itself:
        raise ApiError(
            403,
            f"This application does not have the required permissions for this endpoint on account '{account}'. The "
            "account was connected over OAuth and controls itself; its platform can change its metadata alone.",
        )
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
        inside = (connected if params.keys() == {"metadata"} else controlled)(world, account)
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
        {person.id: person for person in persons.everyone(world)},
    )


def is_asked(world: World, account: Account) -> bool:
    """Whether requirements decide about the account."""
    return world.setting("onboarding") == "verify" and not account.is_ready


def conclude(world: World, before: Seen) -> None:
    """Review the acting account and announce what has changed since `before`; others lean on its capabilities."""
    review(world)
    announce(world, before)
    if {name: one.status for name, one in before.capabilities.items()} != {
        one.name: one.status for one in world.all(Capability)
    }:
        world.tell("account.capabilities_changed")


def review(world: World) -> None:
    """Decide from all that is known how the acting account's capabilities and persons stand, and what it owes."""
    account = accounts.of(world)
    asked = is_asked(world, account)
    facts = accounts.facts(world, account)
    requested = capabilities.requested(world)
    names = [capability.name for capability in requested]
    standings = {name: standing_of(account, name, names, facts if asked else None) for name in names}
    for capability in requested:
        decided = capability.standing(standings[capability.name])
        if decided != capability:
            world.put(decided)
    for person in persons.everyone(world):
        verified = person_after(person, facts, list(standings.values()) if asked else [])
        if verified != person:
            world.put(verified)
    stopping = requirements.stopping_payouts(facts) if asked else []
    has_bank = bool(external_accounts.everyone(world))
    reviewed = replace(
        account,
        configurations=applied(account.configurations, names),
        details_submitted=has_bank and (not asked or requirements.details_complete(facts)),
        owed={
            "past_due": [key for finding in stopping for key in finding.keys],
            "errors": [error for finding in stopping for error in finding.errors],
        },
    )
    if reviewed != account:
        accounts.save(world, reviewed)
    if any(standing.pending for standing in standings.values()):
        world.cancel_due(account.id, "connect.reviewing.verify")
        progress.at_once(world, "connect.reviewing.verify", account.id)


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
            **persons.nothing_required(),
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
    now = {person.id: person for person in persons.everyone(world)}
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
    accounts.save(inside, replace(record, verified=requirements.being_verified(accounts.facts(inside, record))))
    conclude(inside, before)


TELLS = ("account.capabilities_changed",)
PROGRESS = {"connect.reviewing.verify": verify}
