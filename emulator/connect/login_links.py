"""Login links: addresses at which an account with the Express dashboard comes into it, once.

There is no Express dashboard here: the page behind the address is ours and says how the account stands.
Source: https://docs.stripe.com/api/accounts/login_link, https://docs.stripe.com/connect/integrate-express-dashboard
"""

from __future__ import annotations

from html import escape
from typing import Any

from emulator.connect.records import accounts
from emulator.connect.reviewing import connected
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.records import record, replace
from emulator.kernel.render import Content
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenants, token_of
from emulator.kernel.world import World

PATH = "/express/"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{name}</title></head>
<body>
<h1>{name}</h1>
<p>This is where the Express dashboard of {id} would be. The emulator has none.</p>
<ul>
<li>charges enabled: {charges}</li>
<li>payouts enabled: {payouts}</li>
<li>due: {due}</li>
</ul>
</body>
</html>
"""


@record("login_link", prefix="lgnlink", noun="login link", has_list=False)
class LoginLink:
    """A link that works once."""

    id: str
    created: int
    account: str
    is_used: bool = False

    def render(self, world: World) -> dict[str, Any]:
        """The link without an id; its address names the world, since it is opened without a key."""
        return {
            "object": self.object,
            "created": self.created,
            "url": world.url(PATH + token_of(world, self.id)),
        }


def create(world: World, params: dict[str, Any], account: str) -> LoginLink:
    """A new link. 400 for an account that does not have the Express dashboard, and for one that has not completed
    onboarding."""
    inside = connected(world, account)
    record = accounts.of(inside)
    if record.dashboard != "express":
        raise invalid(f"Cannot create an edit link for the account {account}, which is not an Express account.")
    if not record.details_submitted:
        raise invalid("Cannot create a login link for an account that has not completed onboarding.")
    return inside.put(LoginLink(inside.new_id(LoginLink.prefix), world.now, account))


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The page behind a link, at its first visit. 404 for an address that is none, 410 for one that was visited."""
    named = tenants.named_by(token)
    if named is None:
        raise no_link()
    tenant, id = named
    with tenant.writing() as step:
        world = World(step, step.row.platform)
        found = world.anywhere(LoginLink, id)
        if found is None or not world.may_act(found[0]):
            raise no_link()
        inside, link = world.as_account(found[0]), found[1]
        if link.is_used:
            raise ApiError(410, "This login link has been visited already, and works once.")
        inside.put(replace(link, is_used=True))
        account = accounts.of(inside)
        members = inside.render(account)
        facts = {
            "name": accounts.legal_name(account),
            "id": account.id,
            "charges": "yes" if members["charges_enabled"] else "no",
            "payouts": "yes" if members["payouts_enabled"] else "no",
            "due": ", ".join(members["requirements"]["currently_due"]) or "nothing",
        }
        page = PAGE.format(**{name: escape(text) for name, text in facts.items()})
        return Content(page.encode(), "text/html", HEADERS)


def no_link() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is no login link at this address.")


ROUTES = [
    POST("/v1/accounts/{account}/login_links", create),
    GET(PATH + "{token}", read, scope="server"),
]
RECORDS = (LoginLink,)
