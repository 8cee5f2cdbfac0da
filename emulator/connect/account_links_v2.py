"""Account links in v2: the same pages as those of v1, for one use case each.

Source: https://docs.stripe.com/api/v2/core/account-links
"""

from __future__ import annotations

from typing import Any

from emulator.connect.account_links import FIELDS, SECONDS_VALID, AccountLink, may_update
from emulator.connect.accounts_v2 import changed
from emulator.connect.correspondence import CONFIGURATIONS
from emulator.connect.records import accounts
from emulator.connect.shapes import Url, group, group_of
from emulator.kernel import rfc3339
from emulator.kernel.errors import invalid, missing
from emulator.kernel.params import Enum, Hash, List, Params, String
from emulator.kernel.records import face
from emulator.kernel.routes import POST
from emulator.kernel.world import World

TYPES = ("account_onboarding", "account_update")


@face("v2.core.account_link", noun="account link")
class AccountLinkOfV2(AccountLink):
    """A link, as v2 shows it."""

    def render(self, world: World) -> dict[str, Any]:
        """The link without an id, with what it was made for."""
        return {
            "object": self.object,
            "account": self.account,
            "created": rfc3339.text_of(self.created),
            "expires_at": rfc3339.text_of(self.expires_at),
            "livemode": False,
            "url": self.url(world),
            "use_case": self.use_case,
        }


# Clients name the configurations that are to be asked about. Our pages ask for what any of them needs.
UseCaseParams = group_of(
    collection_options=group(fields=Enum(FIELDS), future_requirements=Enum(("include", "omit"))),
    configurations=List(Enum(CONFIGURATIONS)),
    refresh_url=Url(required=True),
    return_url=Url(),
)


class CreateParams(Params):
    """Whose page it is, what for, and where the browser goes afterwards."""

    account = String(required=True)
    use_case = Hash(
        group_of(
            account_onboarding=Hash(UseCaseParams),
            account_update=Hash(UseCaseParams),
            type=Enum(TYPES, required=True),
        ),
        required=True,
    )


def create(world: World, params: dict[str, Any]) -> AccountLinkOfV2:
    """A new link for an account.

    400 without the hash of its type or with the other, for configurations the account has not, for the platform itself
    and a closed account, and for an update by an account that has a dashboard of Stripe's or is asked by Stripe for
    what is required; 404 for an account that is not there.
    """
    use_case = params["use_case"]
    kind = use_case["type"]
    for name in TYPES:
        if name != kind and name in use_case:
            raise invalid(f"A link of the type {kind} has no {name}.", param=f"use_case[{name}]")
    if kind not in use_case:
        raise missing(f"use_case[{kind}]")
    inside, _ = changed(world, params["account"])
    account = accounts.of(inside)
    told = use_case[kind]
    for at, name in enumerate(told.get("configurations", [])):
        if name not in account.configurations:
            raise invalid(
                f"The account {account.id} has no configuration {name}.",
                param=f"use_case[{kind}][configurations][{at}]",
            )
    if kind == "account_update" and not may_update(account):
        raise invalid('Invalid type: must be one of ["account_onboarding"]', param="use_case[type]")
    return inside.put(
        AccountLinkOfV2(
            id=inside.new_id(AccountLink.prefix),
            created=world.now,
            expires_at=world.now + SECONDS_VALID,
            account=account.id,
            type=kind,
            refresh_url=told["refresh_url"],
            return_url=told.get("return_url"),
            fields=told.get("collection_options", {}).get("fields", FIELDS[0]),
            use_case=use_case,
        )
    )


ROUTES = [POST("/v2/core/account_links", create, CreateParams)]
RECORDS = (AccountLinkOfV2,)
