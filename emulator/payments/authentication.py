"""3D Secure: a page of ours where somebody plays the cardholder whose bank asks for a password.

It opens in a browser without a key, since the token in its address says whose world the payment is in, or the card that
is to be saved. Afterwards the browser is sent on to where the intent says.
Source: https://docs.stripe.com/payments/3d-secure, https://docs.stripe.com/testing#regulatory-cards
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from emulator.kernel.errors import ApiError
from emulator.kernel.render import Content
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenants, token_of
from emulator.kernel.world import World
from emulator.payments import amounts

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>3D Secure 2 test page</title>{head}</head>
<body>
<h1>3D Secure 2 test page</h1>
{body}
</body>
</html>
"""
CHOICE = """<p>{what}. In live mode the bank that issued the card would ask its holder now.</p>
<form method="post" action="{path}/complete"><button id="test-source-authorize-3ds">Complete</button></form>
<form method="post" action="{path}/fail"><button id="test-source-fail-3ds">Fail</button></form>
"""
PATH = "/authenticate/"
# What waits for a cardholder, and what is told when that one has answered.
TOLD = {
    "payment_intent": "payments.authentication.answered",
    "setup_intent": "payments.authentication.answered_for_later",
}
# What is kept of an authentication that went well, as charges show it.
AUTHENTICATED = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": None,
    "version": "2.2.0",
}


def url(world: World, id: str) -> str:
    """Where the holder of a card can authenticate what an intent is about."""
    return world.url(PATH + token_of(world, id))


def next_action(world: World, id: str, return_url: str | None) -> dict[str, Any]:
    """What the holder of a card has to do. Without an address to come back to, Stripe.js would open the page."""
    if return_url is not None:
        return {
            "redirect_to_url": {"return_url": return_url, "url": url(world, id)},
            "type": "redirect_to_url",
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"stripe_js": url(world, id), "type": "three_d_secure_redirect"},
    }


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The page behind such an address. 404 for a token that names nothing."""
    tenant, id = named_by(tenants, token)
    with tenant.reading() as step:
        intent = found(World(step, step.row.platform), id)[1]
    if not is_asked(intent):
        return page(f"<p>{named(intent)} does not wait for its cardholder.</p>")
    what = named(intent)
    if intent.object == "payment_intent":
        what += f" of {escape(amounts.written(intent.amount, intent.currency))}"
    return page(CHOICE.format(what=what, path=escape(PATH + token)))


def named(intent: Any) -> str:
    """What the page calls an intent. Pure."""
    return f"{'Payment' if intent.object == 'payment_intent' else 'Setup'} {escape(intent.id)}"


def is_asked(intent: Any) -> bool:
    """Whether an intent waits for the holder of a card. Pure."""
    return intent.status == "requires_action" and intent.asks


def complete(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The holder has said the password, and the payment goes on."""
    return answered(tenants, token, is_authenticated=True)


def fail(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The holder has not, and the payment has failed."""
    return answered(tenants, token, is_authenticated=False)


def answered(tenants: Tenants, token: str, *, is_authenticated: bool) -> Content:
    """A page that leads to where the payment says, once it has gone on. 404 for a token that names nothing."""
    tenant, id = named_by(tenants, token)
    with tenant.writing() as step:
        account, intent = found(World(step, step.row.platform), id)
        world = World(step, account)
        if is_asked(intent):
            world.tell(TOLD[intent.object], id, is_authenticated)
        intent = found(world, id)[1]
    if intent.return_url is None:
        return page(f"<p>{named(intent)} is {escape(intent.status.replace('_', ' '))}.</p>")
    target = escape(back_to(intent, is_authenticated))
    return page(
        f'<p><a href="{target}">Back to the merchant</a></p>', f'<meta http-equiv="refresh" content="0; url={target}">'
    )


def back_to(intent: Any, is_authenticated: bool) -> str:
    """The address to come back to, with what Stripe appends to it. Pure."""
    parts = urlsplit(intent.return_url)
    has_succeeded = is_authenticated and intent.status != "requires_payment_method"
    added = urlencode(
        {
            intent.object: intent.id,
            f"{intent.object}_client_secret": intent.client_secret,
            "redirect_status": "succeeded" if has_succeeded else "failed",
        }
    )
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def page(body: str, head: str = "") -> Content:
    """The page with something on it."""
    return Content(PAGE.format(body=body, head=head).encode(), "text/html")


def named_by(tenants: Tenants, token: str) -> Any:
    """The world and the id that a token names. 404 for none."""
    named = tenants.named_by(token)
    if named is None:
        raise nothing_here()
    return named


def found(world: World, id: str) -> tuple[str, Any]:
    """The account and the intent of an id. 404 for none."""
    for kind in TOLD:
        known = world.anywhere(world.catalog.records[kind], id)
        if known is not None:
            return known
    raise nothing_here()


def nothing_here() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is nothing to authenticate at this address.")


TELLS = tuple(TOLD.values())
ROUTES = [
    GET(PATH + "{token}", read, scope="server"),
    POST(PATH + "{token}/complete", complete, scope="server"),
    POST(PATH + "{token}/fail", fail, scope="server"),
]
