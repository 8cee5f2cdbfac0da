"""Tokens of accounts and persons in v2: a browser tells Stripe, and the server only passes the token on, once.

Source: https://docs.stripe.com/connect/account-tokens, https://docs.stripe.com/api/v2/core/account-tokens
"""

from __future__ import annotations

from typing import Any

from emulator.connect.accounts import IP_ADDRESS
from emulator.connect.accounts_v2 import reached
from emulator.connect.params_v2 import AccountTokenParams, PersonTokenParams
from emulator.connect.records.tokens_v2 import AccountToken, PersonToken
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World

SECONDS_VALID = 3600
# How a browser says that somebody agreed to something; when and from where is known to Stripe.
AGREED = ("attested", "shown_and_accepted")


def create(world: World, params: dict[str, Any]) -> AccountToken:
    """A token of what was said of an account."""
    token = AccountToken(world.new_id(AccountToken.prefix), world.now, world.now + SECONDS_VALID, agreed(world, params))
    return world.put(token)


def create_for_person(world: World, params: dict[str, Any], account_id: str) -> PersonToken:
    """A token of what was said of a person behind an account."""
    inside = reached(world, account_id)
    token = PersonToken(inside.new_id(PersonToken.prefix), world.now, world.now + SECONDS_VALID, agreed(world, params))
    return inside.put(token)


def retrieve_of_person(world: World, params: dict[str, Any], account_id: str, id: str) -> PersonToken:
    """Read the token of a person. 404 when the account has none of that id."""
    return reached(world, account_id).get(PersonToken, id)


def agreed(world: World, said: Any) -> Any:
    """The same, with what somebody agreed to as a server would have said it: when, and from where."""
    if not isinstance(said, dict):
        return said
    if any(name in said for name in AGREED):
        did = any(said.get(name) for name in AGREED)
        return {"date": world.now, "ip": IP_ADDRESS} if did else None
    whole = {name: agreed(world, value) for name, value in said.items()}
    return {name: value for name, value in whole.items() if value is not None or said[name] is None}


RECORDS = (AccountToken, PersonToken)
ROUTES = [
    POST("/v2/core/account_tokens", create, AccountTokenParams, publishable=True),
    GET("/v2/core/account_tokens/{id}", retrieves(AccountToken)),
    POST("/v2/core/accounts/{account_id}/person_tokens", create_for_person, PersonTokenParams, publishable=True),
    GET("/v2/core/accounts/{account_id}/person_tokens/{id}", retrieve_of_person),
]
