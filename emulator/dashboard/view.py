"""What a page is given: whose session it is, which world and account it shows, and how to call what it shows.

A page never touches the database. It calls the operations of the API and of the control API, in this process, and what
it called is at its foot, as curl.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from flask import Response, current_app, redirect, request

from emulator import front_page
from emulator.dashboard import formats
from emulator.dashboard.sessions import Note, Session
from emulator.kernel.errors import ApiError
from emulator.kernel.tenants import Tenant

if TYPE_CHECKING:
    from emulator.dashboard.house import House

ROOT = "/dashboard"
MOST_ACCOUNTS = 20
MOST_ROWS = 25
MOST_UNACKNOWLEDGED = 20


class Entry(NamedTuple):
    """A page as the navigation has it."""

    name: str
    path: str
    label: str
    icon: str


NAVIGATION = (
    ("", (Entry("overview", "", "Overview", "home"), Entry("terminal", "/terminal", "Terminal", "terminal"))),
    (
        "Cards",
        (
            Entry("authorizations", "/authorizations", "Purchases", "bag"),
            Entry("cards", "/cards", "Cards", "card"),
            Entry("cardholders", "/cardholders", "Cardholders", "person"),
            Entry("disputes", "/disputes", "Disputes", "scale"),
        ),
    ),
    (
        "Money",
        (
            Entry("financial_accounts", "/financial_accounts", "Financial accounts", "bank"),
            Entry("flows", "/flows", "Transfers", "flow"),
        ),
    ),
    ("Connect", (Entry("accounts", "/accounts", "Accounts", "shop"),)),
    (
        "Developers",
        (
            Entry("events", "/events", "Events", "bell"),
            Entry("requests", "/requests", "Requests", "lines"),
            Entry("faults", "/faults", "Faults", "bolt"),
        ),
    ),
    ("World", (Entry("clock", "/clock", "Clock", "clock"), Entry("settings", "/settings", "Settings", "gear"))),
)


class Called(NamedTuple):
    """One call that a page made."""

    verb: str
    path: str
    params: dict[str, Any]
    account: str | None

    def as_curl(self, origin: str) -> str:
        """The same as a command; the key is whatever the reader has in `STRIPE_API_KEY`."""
        parts = [f'curl {origin}{self.path} -u "$STRIPE_API_KEY:"']
        if self.account is not None:
            parts.append(f"-H {shlex.quote(f'Stripe-Account: {self.account}')}")
        pairs = [f"-d {shlex.quote(f'{name}={value}')}" for name, value in formats.flat(self.params)]
        if self.verb == "GET":
            parts += ["-G", *pairs] if pairs else []
        else:
            parts += pairs or [f"-X {self.verb}"]
        return " ".join(parts)


class Api:
    """The operations, called for one account. `told` keeps what a page is to show of its calls."""

    def __init__(self, view: View, account: Callable[[], str | None], *, told: bool) -> None:
        self.view = view
        self.account = account
        self.told = told

    def call(self, verb: str, path: str, params: dict[str, Any]) -> Any:
        """What an operation answers. What is None is not sent; an empty text unsets. ApiError where it refuses."""
        params = {name: value for name, value in params.items() if value is not None}
        account = self.account()
        if self.told:
            self.view.called.append(Called(verb, path, params, account))
        view = self.view
        return view.house.inside.call(view.tenant, verb, path, params, account=account, origin=view.origin)

    def get(self, path: str, /, **params: Any) -> Any:
        """Read."""
        return self.call("GET", path, params)

    def post(self, path: str, /, **params: Any) -> Any:
        """Write."""
        return self.call("POST", path, params)

    def delete(self, path: str, /, **params: Any) -> Any:
        """Delete."""
        return self.call("DELETE", path, params)

    def find(self, path: str, /, **params: Any) -> Any | None:
        """Read what may not be there: None for a 404."""
        try:
            return self.get(path, **params)
        except ApiError as refusal:
            if refusal.status != 404:
                raise
            return None


class View:
    """One request for a page, or for an action of one."""

    def __init__(self, house: House, session: Session, tenant: Tenant | None) -> None:
        self.house = house
        self.session = session
        self.chosen = tenant
        self.called: list[Called] = []
        self.api = Api(self, lambda: self.account_id, told=True)
        self.platform = Api(self, lambda: None, told=True)
        self.quiet = Api(self, lambda: None, told=False)  # what every page needs
        self.quiet_own = Api(self, lambda: self.account_id, told=False)

    # The world

    @property
    def tenant(self) -> Tenant:
        """The world that is looked at."""
        assert self.chosen is not None, "pages without a world call nothing"
        return self.chosen

    @property
    def world(self) -> str | None:
        """Its name."""
        return None if self.chosen is None else self.chosen.name

    @property
    def origin(self) -> str:
        """Where the browser found us."""
        return request.host_url.rstrip("/")

    @cached_property
    def clock(self) -> dict[str, Any]:
        """The world's clock."""
        return self.quiet.get("/_emulator/clock")

    @property
    def now(self) -> int:
        """What it shows."""
        return self.clock["now"]

    # The account

    @cached_property
    def accounts(self) -> list[dict[str, Any]]:
        """The connected accounts that were made last."""
        return self.quiet.get("/v1/accounts", limit=MOST_ACCOUNTS)["data"]

    @cached_property
    def platform_account(self) -> dict[str, Any]:
        """The platform's own account."""
        return self.quiet.get("/v1/account")

    @cached_property
    def likeliest(self) -> dict[str, Any]:
        """The account that somebody means who names none: one that issues cards before others."""
        issuing = [one for one in self.accounts if one.get("capabilities", {}).get("card_issuing") == "active"]
        return next(iter([*issuing, *self.accounts]), None) or self.platform_account

    @cached_property
    def account(self) -> dict[str, Any]:
        """The account that the page is of: the one asked for, else the one looked at last, else the likeliest."""
        kept = self.session.accounts
        asked = request.args.get("account") or kept.get(self.tenant.handle)
        if asked is None:
            return self.likeliest
        known = [*self.accounts, self.platform_account]
        found = next((one for one in known if one["id"] == asked), None)
        if found is None and "account" in request.args:
            found = self.quiet.get(f"/v1/accounts/{asked}")
        elif found is None:
            found = self.quiet.find(f"/v1/accounts/{asked}") or self.likeliest
        kept[self.tenant.handle] = found["id"]
        return found

    @property
    def account_id(self) -> str | None:
        """The connected account that calls act for; None for the platform itself."""
        id = self.account["id"]
        is_connected = any(one["id"] == id for one in self.accounts)
        return id if is_connected or id != self.platform_account["id"] else None

    @property
    def currency(self) -> str:
        """The currency that the account thinks in."""
        return self.account.get("default_currency") or "usd"

    @property
    def account_name(self) -> str:
        """What people call the account."""
        return name_of(self.account)

    # Around the page

    @cached_property
    def unacknowledged(self) -> list[dict[str, Any]]:
        """The newest events of the account that some endpoint has not acknowledged."""
        if self.chosen is None:
            return []
        return self.quiet_own.get("/v1/events", delivery_success=False, limit=MOST_UNACKNOWLEDGED)["data"]

    @property
    def navigation(self) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
        """The pages beside this one."""
        return NAVIGATION

    @property
    def theme(self) -> str:
        """What somebody chose, or `auto`."""
        return request.cookies.get("dashboard_theme", "auto")

    @property
    def host(self) -> str:
        """Where the server is."""
        return request.host

    @property
    def documentation(self) -> list[dict[str, str]]:
        """The pages of the documentation."""
        return front_page.documents(self.origin)

    # What a page says

    def url(self, path: str, /, **query: Any) -> str:
        """A link to a page of ours. It names the account where a reader could be shown another one without."""
        pairs = {name: value for name, value in query.items() if value is not None}
        if self.chosen is not None and (len(self.accounts) > 1 or self.account["id"] != self.likeliest["id"]):
            pairs.setdefault("account", self.account["id"])
        return f"{ROOT}{path}" + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def here(self) -> str:
        """The address of this page, for forms to come back to."""
        return request.full_path.rstrip("?")

    def form(self, name: str) -> str | None:
        """What somebody typed; None for nothing."""
        return request.form.get(name, "").strip() or None

    def query(self, name: str) -> str | None:
        """What an address asks for; None for nothing."""
        return request.args.get(name, "").strip() or None

    def note(self, kind: str, says: str, more: str = "") -> None:
        """Have the next page say what came of an action."""
        self.session.notes.append(Note(kind, says, more))

    def notes(self) -> list[Note]:
        """What has to be said, once."""
        notes, self.session.notes = self.session.notes, []
        return notes

    def go(self, path: str, /, **query: Any) -> Response:
        """Lead to a page after an action."""
        fragment = query.pop("fragment", None)
        return redirect(self.url(path, **query) + (f"#{fragment}" if fragment else ""), 303)  # type: ignore[return-value]

    def back(self) -> Response:
        """Lead to the page that an action was on."""
        return redirect(own_path(self.form("back")) or ROOT, 303)  # type: ignore[return-value]

    def page(self, template: str, /, answers: int = 200, **values: Any) -> Response:
        """A page; or one region of it, where htmx asks for no more.

        A region is a block called `region_` and the id of the element in it, which htmx names as its target.
        """
        environment = current_app.jinja_env
        whole = environment.get_template(f"dashboard/{template}")
        target = request.headers.get("HX-Target") if "HX-Request" in request.headers else None
        if target is None:
            return Response(whole.render(**values), answers, mimetype="text/html")
        name = f"region_{target.replace('-', '_')}"
        for one in (whole, environment.get_template("dashboard/layout.html")):
            if name in one.blocks:
                region = "".join(one.blocks[name](one.new_context(values)))
                return Response(region, answers, mimetype="text/html")
        return Response("", 204)

    def curl(self) -> str:
        """What this page asked for, as commands."""
        lines = dict.fromkeys(one.as_curl(self.origin) for one in self.called if one.verb == "GET")
        return "\n".join(lines)


def own_path(text: str | None) -> str | None:
    """An address of ours, or None for anybody else's."""
    is_ours = text is not None and (text == ROOT or text.startswith((f"{ROOT}/", f"{ROOT}?")))
    return text if is_ours and "\\" not in text and text.isprintable() else None


def name_of(account: dict[str, Any]) -> str:
    """What people call an account."""
    profile, company, person = (account.get(name) or {} for name in ("business_profile", "company", "individual"))
    whole = " ".join(filter(None, [person.get("first_name"), person.get("last_name")]))
    return profile.get("name") or company.get("name") or whole or account.get("email") or account["id"]
