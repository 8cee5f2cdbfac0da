"""Tokens of v2: what was said of an account or a person in a browser, kept for the one request that uses it.

Source: https://docs.stripe.com/connect/account-tokens, https://docs.stripe.com/api/v2/core/account-tokens
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, TypeVar

from emulator.kernel import rfc3339
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.records import record, replace
from emulator.kernel.world import World

Spent = TypeVar("Spent", "AccountToken", "PersonToken")


@record("v2.core.account_token", prefix="accttok", noun="account token", has_list=False)
class AccountToken:
    """A token of an account. `said` is what was sent, as v2 says it; times are unix seconds."""

    id: str
    created: int
    expires_at: int
    said: dict[str, Any] = field(default_factory=dict)
    used: bool = False

    def render(self, world: World) -> dict[str, Any]:
        """The token without what it stands for, which nothing shows."""
        return members_of(self)


@record("v2.core.account_person_token", prefix="perstok", noun="person token", has_list=False)
class PersonToken:
    """The same for a person."""

    id: str
    created: int
    expires_at: int
    said: dict[str, Any] = field(default_factory=dict)
    used: bool = False

    def render(self, world: World) -> dict[str, Any]:
        """The token without what it stands for, which nothing shows."""
        return members_of(self)


def members_of(token: AccountToken | PersonToken) -> dict[str, Any]:
    """What either shows."""
    return {
        "id": token.id,
        "object": token.object,
        "created": rfc3339.text_of(token.created),
        "expires_at": rfc3339.text_of(token.expires_at),
        "livemode": False,
        "used": token.used,
    }


def spent(world: World, kind: type[Spent], id: str, *, param: str) -> dict[str, Any]:
    """What a token stands for; it is used up. 400 for one that is not there, was used before or has expired."""
    token = world.find(kind, id)
    if token is None:
        raise no_such(kind.noun, id, param=param, status=400)
    if token.used:
        raise invalid(f"You cannot use a Stripe token more than once: {id}.", param=param, code="token_already_used")
    if token.expires_at <= world.now:
        raise invalid(f"The token {id} has expired.", param=param)
    world.put(replace(token, used=True))
    return token.said
