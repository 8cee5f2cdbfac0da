"""Accounts: who they are, what is asked of them, who is behind them, what they may do, and a way through onboarding."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response, redirect

from emulator.dashboard import formats
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import MOST_ROWS, ROOT, View, name_of
from emulator.kernel.errors import ApiError

URL = "/v1/accounts"
MOST_ASKED = 12
# What is asked of an account, the most urgent first: a member of its requirements, how a page says it, a kind.
STAGES = (
    ("past_due", "Past due", "bad"),
    ("currently_due", "Due now", "wait"),
    ("pending_verification", "Being verified", "move"),
    ("eventually_due", "Due later", ""),
)


class Standing(NamedTuple):
    """How far an account has come."""

    word: str
    kind: str
    more: str


class Asked(NamedTuple):
    """What is asked of an account at one stage."""

    says: str
    kind: str
    fields: list[str]


def index(view: View) -> Response:
    """The connected accounts, the newest first, and the platform's own."""
    found = view.platform.get(URL, limit=MOST_ROWS, starting_after=view.query("after"))
    return view.page(
        "accounts.html",
        older=found["data"][-1]["id"] if found["has_more"] else None,
        platform=view.platform_account,
        rows=[(account, name_of(account), standing(account)) for account in found["data"]],
    )


def standing(account: dict[str, Any]) -> Standing:
    """How far an account has come, from what is asked of it and what it may do."""
    asked = account.get("requirements") or {}
    if (asked.get("disabled_reason") or "").startswith("rejected"):
        return Standing("rejected", "bad", formats.words(asked["disabled_reason"]))
    missing = asked.get("currently_due") or []
    capabilities = account.get("capabilities") or {}
    inactive = [name for name, status in capabilities.items() if status != "active"]
    if asked.get("pending_verification"):
        return Standing("being verified", "move", "What was provided is looked at.")
    if inactive and missing:
        says = f"{formats.plural(len(missing), 'thing')} to provide before {formats.listing(inactive)} can be used."
        return Standing("incomplete", "bad", says)
    if missing:
        return Standing("something is due", "wait", f"{formats.plural(len(missing), 'thing')} to provide.")
    if inactive:
        return Standing("incomplete", "wait", f"{formats.listing(inactive)} cannot be used.")
    return Standing("complete", "good", "Nothing is asked of it.")


def one(view: View, id: str) -> Response:
    """One account."""
    is_platform = id == view.platform_account["id"]
    account = view.platform.get("/v1/account" if is_platform else f"{URL}/{id}")
    persons = [] if is_platform else view.platform.get(f"{URL}/{id}/persons", limit=20)["data"]
    capabilities = [] if is_platform else view.platform.get(f"{URL}/{id}/capabilities")["data"]
    return view.page(
        "account.html",
        account=account,
        asked=asked_of(account),
        banks=(account.get("external_accounts") or {}).get("data", []),
        capabilities=capabilities,
        errors=(account.get("requirements") or {}).get("errors") or [],
        is_looked_at=view.account["id"] == id,
        is_platform=is_platform,
        most=MOST_ASKED,
        name=name_of(account),
        persons=[(person, person_name(person)) for person in persons],
        standing=standing(account),
    )


def asked_of(account: dict[str, Any]) -> list[Asked]:
    """What is asked of an account, each thing at its most urgent stage."""
    requirements, seen, stages = account.get("requirements") or {}, set[str](), []
    for name, says, kind in STAGES:
        fields = [field for field in requirements.get(name) or [] if field not in seen]
        seen.update(fields)
        if fields:
            stages.append(Asked(says, kind, fields))
    return stages


def person_name(person: dict[str, Any]) -> str:
    """What a person is called."""
    whole = " ".join(part for part in (person.get("first_name"), person.get("last_name")) if part)
    return whole or "Nobody named yet"


def onboard(view: View, id: str) -> Response:
    """Lead to the page at which an account tells what is asked of it; that leads back here."""
    back = f"{view.origin}{ROOT}/accounts/{id}?account={id}"
    link = view.platform.post(
        "/v1/account_links", account=id, type="account_onboarding", refresh_url=back, return_url=back
    )
    if not link["url"].startswith(f"{view.origin}/"):
        raise ApiError(400, f"The page of this account is elsewhere: {link['url']}")
    return redirect(link["url"], 303)  # type: ignore[return-value]


def request(view: View, id: str, capability: str) -> Response:
    """Ask for a capability, or ask for it no more."""
    wanted = view.form("requested")
    status = view.platform.post(f"{URL}/{id}/capabilities/{capability}", requested=wanted)["status"]
    view.note("good" if status == "active" else "wait", f"{capability} is {status}.")
    return view.go(f"/accounts/{id}")


PAGES: list[Page] = [
    GET("/accounts", index),
    GET("/accounts/<id>", one),
    POST("/accounts/<id>/onboard", onboard),
    POST("/accounts/<id>/capabilities/<capability>", request),
]
