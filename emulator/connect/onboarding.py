"""Hosted onboarding: the page that an account link leads to, where an account says itself what is required of it.

    the link ── first visit, in time ──▶ a session of the page ── nothing is due any more, or left ──▶ `return_url`
        └── visited before, or too late ──▶ `refresh_url` ◀── the session is over ──┘

The form is ours and plain: a field for each thing that is currently due, filled with a value that passes, and whatever
is put in instead. It runs no script, and what it sends back carries a token that works once.
Source: https://docs.stripe.com/connect/hosted-onboarding. How the page looks, and that its session has no end of its
own, is our ruling.
"""

from __future__ import annotations

import hmac
from typing import Any

from jinja2 import Environment, PackageLoader

from emulator.connect import accounts as changes
from emulator.connect import onboarding_form as form
from emulator.connect import persons
from emulator.connect.account_links import LETTERS, PATH, AccountLink
from emulator.connect.account_params import UpdateParams
from emulator.connect.onboarding_form import About, Field
from emulator.connect.person_params import PersonParams
from emulator.connect.records import accounts
from emulator.connect.records.accounts import Account
from emulator.connect.reviewing import conclude, seen
from emulator.kernel.dates import date_of
from emulator.kernel.errors import ApiError
from emulator.kernel.params import Params, String, complain
from emulator.kernel.records import replace
from emulator.kernel.render import Content
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Tenant, Tenants, token_of
from emulator.kernel.world import World

PAGES = Environment(loader=PackageLoader("emulator"), autoescape=True)
SESSION = PATH + "session/"
# Nothing from elsewhere, no script, not in a frame. Where the form leads in the end is for the platform to say, and
# browsers count redirects as the form's own. An address of ours goes to nobody as a referrer, but to ourselves, or a
# browser would not say whose form it sends.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action http: https:; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
DONE = "That is all. You can close this page."
CHANGED = "What is asked for has changed meanwhile. Please look at it again."


class Values(String):
    """The fields of the form by their names."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise complain("Invalid object")
        return {name: text for name, text in value.items() if len(text) <= self.max_length}


class FormParams(Params):
    """What the page's form sends."""

    form = String(required=True)
    leave = String()
    values = Values()


def open_link(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """Begin a session of the page, or go to `refresh_url` where the link has had its one visit or its time.

    404 for an address that is no link.
    """
    tenant, id = named(tenants, token)
    with tenant.writing() as step:
        world = World(step, step.row.platform)
        link = known(world, id)
        if link.session is not None or link.expires_at <= world.now or not world.may_act(link.account):
            return led_to(link.refresh_url)
        visited = world.as_account(link.account).put(
            replace(link, session=world.new_id("sess"), form=world.new_id("form"))
        )
        return led_to(address(world, visited))


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The page of a session; `refresh_url` once that is over. 404 for an address that is none."""
    tenant, id = named(tenants, token)
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        link = of_session(world, id)
        return page(world, link) if is_open(world, link) else led_to(link.refresh_url)


def hand_in(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """Tell Stripe what was filled in, and go on: to what is due now, or to `return_url` where nothing is.

    403 without the token of this very form. What is refused is said on the page, and nothing has changed.
    """
    tenant, id = named(tenants, token)
    try:
        with tenant.writing() as step:
            world = World(step, step.row.platform)
            link = of_session(world, id)
            if not is_open(world, link):
                return led_to(link.refresh_url)
            if not hmac.compare_digest(params["form"].encode(), str(link.form).encode()):
                raise ApiError(403, "This form is not the one that was shown at this address.")
            if "leave" in params:
                return finished(world, link)
            return told(world, link, params.get("values", {}))
    except ApiError as refusal:
        if refusal.status == 403 or refusal.status == 404:
            raise
        return refused(tenant, id, params.get("values", {}), refusal.message)


def refused(tenant: Tenant, id: str, values: dict[str, str], why: str) -> Content:
    """The page again, as it was filled in, with what is wrong."""
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        return page(world, of_session(world, id), values, why)


def told(world: World, link: AccountLink, values: dict[str, str]) -> Content:
    """The account after what was filled in, and where the browser goes then."""
    inside = world.as_account(link.account)
    before = seen(inside)
    account = accounts.of(inside)
    asked = {field.name for field in asked_of(inside, link)}
    if not values.keys() <= asked:
        return page(world, link, message=CHANGED, status=409)
    said = form.told(values, business_type=account.business_type, now=world.now, ip=changes.IP_ADDRESS)
    changes.after(inside, account, UpdateParams.parse(said.account))
    for id, about in said.persons.items():
        persons.update(inside, PersonParams.parse(about), id)
    for about in said.newcomers:
        persons.create(inside, PersonParams.parse(about))
    conclude(inside, before)
    return led_to(address(world, link)) if due(inside, link) else finished(world, link)


def finished(world: World, link: AccountLink) -> Content:
    """The session is over; a link of v2 that leads nowhere says so."""
    world.as_account(link.account).put(replace(link, form=None))
    if link.return_url is None:
        return Content(DONE.encode(), "text/plain", HEADERS)
    return led_to(link.return_url)


# What is asked


def due(world: World, link: AccountLink) -> list[str]:
    """The requirements of the acting account that the link asks for."""
    return world.render(accounts.of(world))["requirements"][link.fields]


def asked_of(world: World, link: AccountLink, values: dict[str, str] | None = None) -> list[Field]:
    """The fields of the form; of an account that updates itself also those that often change."""
    account = accounts.of(world)
    members = world.render(account)
    wanted = due(world, link)
    known = dict(values or {})
    if link.type == "account_update":
        of_owner = form.OF_INDIVIDUALS if "individual" in members else form.OF_COMPANIES if "company" in members else ()
        more = [name for name in (*form.OFTEN_UPDATED, *of_owner) if name not in wanted]
        facts = accounts.facts(world, account)
        said = {name: account.email if name == "email" else facts.at(name) for name in more}
        known = {**{name: str(value or "") for name, value in said.items()}, **known}
        wanted = [*wanted, *more]
    about = About(account.country, account.default_currency, date_of(world.now).year)
    errors = {error["requirement"]: error["reason"] for error in members["requirements"]["errors"]}
    return form.fields(wanted, about, errors, known)


def page(
    world: World,
    link: AccountLink,
    values: dict[str, str] | None = None,
    message: str = "",
    status: int | None = None,
) -> Content:
    """The form as HTML; everything in it is escaped."""
    inside = world.as_account(link.account)
    account, platform = accounts.of(inside), accounts.of(world)
    content = PAGES.get_template("onboarding.html").render(
        account=account.id,
        business=name_of(account),
        fields=asked_of(inside, link, values),
        form=link.form,
        here=address(world, link),
        is_update=link.type == "account_update",
        message=message,
        pending=inside.render(account)["requirements"]["pending_verification"],
        platform=name_of(platform),
        return_url=link.return_url,
    )
    return Content(content.encode(), "text/html", HEADERS, status or (400 if message else 200))


def name_of(account: Account) -> str:
    """What a business is called on the page."""
    return account.business_profile.get("name") or accounts.legal_name(account)


# Addresses


def address(world: World, link: AccountLink) -> str:
    """Where the page of a link's session is, on this server by whatever name it is called."""
    return SESSION + token_of(world, f"{link.id}/{link.session}")


def named(tenants: Tenants, token: str) -> tuple[Tenant, str]:
    """The tenant and what stands behind its name in a token. 404 where there is none."""
    found = tenants.named_by(token)
    if found is None:
        raise no_link()
    return found


def known(world: World, id: str) -> AccountLink:
    """The link of that id, whichever account it is for. 404 where there is none."""
    found = world.anywhere(AccountLink, id)
    if found is None:
        raise no_link()
    return found[1]


def of_session(world: World, id: str) -> AccountLink:
    """The link whose session that is. 404 where there is none."""
    link_id, _, session = id.partition("/")
    link = known(world, link_id)
    if link.session is None or link.session != session:
        raise no_link()
    return link


def is_open(world: World, link: AccountLink) -> bool:
    """Whether the form can still be handed in."""
    return link.form is not None and world.may_act(link.account)


def led_to(url: str) -> Content:
    """303: the browser goes there."""
    return Content(b"", "text/html", {**HEADERS, "Location": url}, 303)


def no_link() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is no account link at this address.")


ROUTES = [
    GET(SESSION + "{token}", read, scope="server"),
    POST(SESSION + "{token}", hand_in, FormParams, scope="server"),
    *(GET(f"{PATH}{letter}/{{token}}", open_link, scope="server") for letter in LETTERS.values()),
]
