"""Account links: addresses at which connected accounts tell Stripe what is required of them, once and for five minutes.

What opens there is a page of ours, `connect/onboarding.py`.
Source: https://docs.stripe.com/api/account_links and https://docs.stripe.com/connect/hosted-onboarding; recorded
replies for how long a link lasts and what its address looks like.
"""

from __future__ import annotations

from typing import Any

from emulator.connect.records import accounts
from emulator.connect.records.accounts import Account
from emulator.connect.reviewing import controlled
from emulator.connect.shapes import Url, group
from emulator.kernel.errors import exclusive, invalid, missing
from emulator.kernel.params import Enum, Params, String
from emulator.kernel.records import record
from emulator.kernel.routes import POST
from emulator.kernel.tenants import token_of
from emulator.kernel.world import World

SECONDS_VALID = 300
PATH = "/setup/"
FIELDS = ("currently_due", "eventually_due")
# What the address says of the account: a Custom one, one with the Express dashboard, one with the whole of Stripe's.
LETTERS = {"none": "c", "express": "e", "full": "s"}
NOT_OURS = "You must have a client application set in order to make this request."


@record("account_link", prefix="acctlink", noun="account link", has_list=False)
class AccountLink:
    """A link to the page of one account. `fields` says which requirements it asks for.

    `session` is there once the link has been visited: what the address of the page then is made of. `form` is the token
    that the page's form sends back; it is gone once the form has been handed in for good. A link of v2 has the
    `use_case` that was sent, and may lead nowhere in the end.
    """

    id: str
    created: int
    expires_at: int
    account: str
    type: str
    refresh_url: str
    return_url: str | None
    fields: str = FIELDS[0]
    session: str | None = None
    form: str | None = None
    use_case: dict[str, Any] | None = None

    def letter(self, world: World) -> str:
        """What the address says of the account."""
        return LETTERS[accounts.of(world.as_account(self.account)).dashboard]

    def render(self, world: World) -> dict[str, Any]:
        """The link without an id; its address names the world, since it is opened without a key."""
        return {
            "object": self.object,
            "created": self.created,
            "expires_at": self.expires_at,
            "url": self.url(world),
        }

    def url(self, world: World) -> str:
        """Where it leads."""
        return world.url(f"{PATH}{self.letter(world)}/{token_of(world, self.id)}")


class CreateParams(Params):
    """Whose page it is, what is to be asked there, and where the browser goes afterwards."""

    account = String(required=True)
    collect = Enum(FIELDS)
    collection_options = group(fields=Enum(FIELDS), future_requirements=Enum(("include", "omit")))
    refresh_url = Url()
    return_url = Url()
    type = Enum(("account_onboarding", "account_update"), required=True)


def create(world: World, params: dict[str, Any]) -> AccountLink:
    """A new link for a connected account. 400 for the platform itself, and for an update by an account that has a
    dashboard of Stripe's or is asked by Stripe for what is required; 403 for an account that the key does not reach."""
    if not world.is_platform or params["account"] == world.platform:
        raise invalid(NOT_OURS)
    inside = controlled(world, params["account"])
    account = accounts.of(inside)
    if params["type"] == "account_update" and not may_update(account):
        raise invalid('Invalid type: must be one of ["account_onboarding"]', param="type")
    if "collect" in params and "collection_options" in params:
        raise exclusive("collect", "collection_options")
    for name in ("refresh_url", "return_url"):
        if name not in params:
            raise missing(name)
    return inside.put(
        AccountLink(
            id=inside.new_id(AccountLink.prefix),
            created=world.now,
            expires_at=world.now + SECONDS_VALID,
            account=account.id,
            type=params["type"],
            refresh_url=params["refresh_url"],
            return_url=params["return_url"],
            fields=params.get("collection_options", {}).get("fields") or params.get("collect", FIELDS[0]),
        )
    )


def may_update(account: Account) -> bool:
    """Whether the platform asks for what is required and answers for losses, and Stripe has no dashboard for it."""
    is_alone = account.dashboard == "none" and account.losses_payer == "application"
    return account.collects_requirements and is_alone


ROUTES = [POST("/v1/account_links", create, CreateParams)]
RECORDS = (AccountLink,)
