"""Worlds: those that this session may look into, and the way into another; making, forking, keeping, deleting one."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import httpx
from flask import Response, current_app

from emulator import fixtures
from emulator.dashboard import formats
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.kernel.errors import ApiError
from emulator.kernel.tenants import Tenant
from emulator.kernel.tenants.glance import Glance, glance

MOST_SHOWN = 50
SNAPSHOTS = "/_emulator/snapshots"
START = "start"  # what a world can be made anew from
NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
TOLD = ("account", "issuing.card", "issuing.authorization")
NOUNS = {"account": "account", "issuing.card": "card", "issuing.authorization": "purchase"}


class Line(NamedTuple):
    """How a client of some language is pointed at a world."""

    language: str
    code: str


def worlds(view: View) -> Response:
    """Every world of the server for who started it; for others those whose keys they gave."""
    here = view.chosen
    asked = view.query("key")
    return view.page(
        "worlds.html",
        beginnings=[("", "Nothing"), *fixtures_told()],
        code=lines(view, key_of(here)) if here is not None and asked == here.handle else [],
        facts=told(view) if here is not None else None,
        key=key_of(here) if here is not None and asked == here.handle else None,
        snapshots=view.platform.get(SNAPSHOTS)["data"] if here is not None else [],
        worlds=[shown(view, one) for one in looks(view)],
    )


def looks(view: View) -> list[Glance]:
    """The worlds changed last, newest first."""
    tenants = view.house.tenants
    there = (kept for kept in tenants.database.worlds() if view.session.may_see(kept.handle))
    found = (glance(tenants.database, kept, tenants.catalog) for kept, _ in zip(there, range(MOST_SHOWN), strict=False))
    return [one for one in found if one is not None]


def shown(view: View, look: Glance) -> dict[str, Any]:
    """One world as the page has it."""
    is_here = view.chosen is not None and look.id == view.chosen.handle
    return {**look._asdict(), "is_here": is_here}


def told(view: View) -> dict[str, Any]:
    """The world that is looked at, with what is in it, in words."""
    world = view.platform.get("/_emulator/world")
    counts = [(NOUNS[kind], world["counts"].get(kind, 0) - (kind == "account")) for kind in TOLD]  # not its own
    inside = [formats.plural(count, noun) for noun, count in counts if count]
    clock = f"clock frozen at {formats.weekday(world['now'])}" if world["frozen"] else "clock runs"
    return {**world, "inside": " · ".join([*inside, clock])}


@cache
def fixtures_told() -> list[tuple[str, str]]:
    """The worlds that come with the emulator, and what each is for."""
    return [(name, f"{name}: {fixtures.read(fixtures.shipped(name)).says}") for name in fixtures.shipped_names()]


def key_of(tenant: Tenant) -> str:
    """The key that opens a world."""
    return f"sk_test_{tenant.name}"


def lines(view: View, key: str) -> list[Line]:
    """The lines of code that use a world."""
    host, _, port = view.host.rpartition(":")
    return [
        Line(
            "Python",
            f'import stripe\nU = "{view.origin}"\n'
            f'client = stripe.StripeClient(\n  "{key}",\n  base_addresses={{"api": U}})',
        ),
        Line(
            "Node",
            f"const stripe = new Stripe(\n  '{key}', {{\n"
            f"  host: '{host or view.host}', port: {port or 80},\n  protocol: 'http' }})",
        ),
        Line("curl", f"curl {view.origin}/v1/balance \\\n  -u {key}:"),
    ]


# Into another


def opened(view: View) -> Response:
    """Look into another world."""
    return led_into(view, meant(view))


def meant(view: View) -> Tenant:
    """The world that a form is about. 404 for one that is gone, and for one that this session may not see."""
    handle = view.form("world") or ""
    tenant = view.house.tenants.behind(handle) if view.session.may_see(handle) else None
    if tenant is None:
        raise ApiError(404, "There is no such world any more.")
    return tenant


def led_into(view: View, tenant: Tenant, path: str = "") -> Response:
    """Look into a world from now on."""
    view.house.open(view.session, tenant)
    view.chosen = None  # links from here are of the other world
    return view.go(path)


def create(view: View) -> Response:
    """A new world of a name, empty or filled from a fixture. 400 for a name that cannot be one or has a world."""
    name, beginning = named(view), view.form("fixture")
    if view.house.tenants.has(name):
        raise ApiError(400, f"There is a world of the name {name} already. Make it anew, or choose another name.")
    if beginning is not None and beginning not in fixtures.shipped_names():
        raise ApiError(404, f"There is no fixture called {beginning}.")
    tenant = view.house.inside.opened_by(f"sk_test_{name}")
    view.house.open(view.session, tenant)
    if beginning is not None:
        seed(view, tenant, beginning)
    view.note("good", f"The world {name} is made.", f"Its key is {key_of(tenant)}.")
    return led_into(view, tenant, "/worlds")


def named(view: View) -> str:
    """The name that a form gives. 400 for one that cannot be a part of a key."""
    name = view.form("name") or ""
    if not NAME.fullmatch(name):
        raise ApiError(400, "A name is made of letters, digits and underscores, since it is a part of a key.")
    return name


def seed(view: View, tenant: Tenant, name: str) -> None:
    """Fill a world from a fixture, by its own key and in this process, and keep it as its start."""
    inside = httpx.WSGITransport(app=current_app._get_current_object())  # type: ignore[attr-defined]
    with httpx.Client(transport=inside, base_url=view.origin) as http:
        try:
            fixtures.run(fixtures.read(fixtures.shipped(name)), http, key_of(tenant))
        except fixtures.FixtureError as wrong:
            raise ApiError(400, f"The fixture {name} could not be carried out: {wrong}") from None
    call(view, tenant, "POST", SNAPSHOTS, name=START, about=name, replace=True)


def call(view: View, tenant: Tenant, verb: str, path: str, /, **params: Any) -> Any:
    """Call an operation in a world that need not be the one that is looked at."""
    return view.house.inside.call(tenant, verb, path, params, account=None, origin=view.origin)


# What becomes of one


def snapshot(view: View) -> Response:
    """Keep a world as it is now."""
    tenant, name = meant(view), view.form("name")
    if name is None:
        name = formats.dated(call(view, tenant, "GET", "/_emulator/clock")["now"], formats.real_now())
    name = name.replace("/", "-")
    call(view, tenant, "POST", SNAPSHOTS, name=name)
    view.note("good", f"Snapshot “{name}” taken.", "The world can be brought back to it as often as you like.")
    return led_into(view, tenant, "/worlds")


def restore(view: View) -> Response:
    """Have a world be again what it was."""
    tenant, name = meant(view), view.form("snapshot") or ""
    now = call(view, tenant, "POST", f"{SNAPSHOTS}/{name}/restore")["now"]
    view.note("good", f"Restored “{name}”.", f"The clock shows {formats.dated(now, now)} again.")
    return led_into(view, tenant, "/worlds")


def forget(view: View) -> Response:
    """Delete a snapshot."""
    tenant, name = meant(view), view.form("snapshot") or ""
    call(view, tenant, "DELETE", f"{SNAPSHOTS}/{name}")
    view.note("good", f"Snapshot “{name}” deleted.", "The world itself stays as it is.")
    return led_into(view, tenant, "/worlds")


def fork(view: View) -> Response:
    """Another world that is as this one is, with a key of its own."""
    tenant, name = meant(view), named(view)
    call(view, tenant, "POST", "/_emulator/fork", key=f"sk_test_{name}")
    view.note("good", f"{name} is as {tenant.name} is.", f"Each goes its own way now. Its key is sk_test_{name}.")
    return led_into(view, view.house.inside.opened_by(f"sk_test_{name}"), "/worlds")


def anew(view: View) -> Response:
    """What it started from again, where that was kept; else empty."""
    tenant = meant(view)
    kept = [one["name"] for one in call(view, tenant, "GET", SNAPSHOTS)["data"]]
    call(view, tenant, "POST", "/_emulator/reset", to=START if START in kept else "empty")
    says = "It is as it was when it was made." if START in kept else "It is empty, and its settings are the first ones."
    view.note("good", f"{tenant.name} is made anew.", says)
    return led_into(view, tenant, "/worlds")


def delete(view: View) -> Response:
    """Forget a world for good; its snapshots stay, and one may be taken first."""
    tenant = meant(view)
    name = tenant.name
    if view.form("keep"):
        call(view, tenant, "POST", SNAPSHOTS, name="before it was deleted", replace=True)
    call(view, tenant, "DELETE", "/_emulator/world")
    view.chosen = None
    more = f" The snapshot is there as soon as a world of the name {name} is." if view.form("keep") else ""
    view.note("good", f"{name} is deleted.", f"Its key opens an empty world again.{more}")
    return view.go("/worlds")


PAGES: list[Page] = [
    GET("/worlds", worlds, stands_alone=True),
    POST("/worlds", create, stands_alone=True),
    POST("/worlds/open", opened, stands_alone=True),
    POST("/worlds/snapshot", snapshot, stands_alone=True),
    POST("/worlds/restore", restore, stands_alone=True),
    POST("/worlds/forget", forget, stands_alone=True),
    POST("/worlds/fork", fork, stands_alone=True),
    POST("/worlds/anew", anew, stands_alone=True),
    POST("/worlds/delete", delete, stands_alone=True),
]
