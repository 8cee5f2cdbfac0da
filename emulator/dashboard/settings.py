"""Settings of a world: what each is for, what it is, and a form to change it."""

from __future__ import annotations

from typing import Any

from flask import Response

from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.kernel.errors import ApiError

URL = "/_emulator/settings"
# What a setting belongs to, by what its name has in it; the first that fits.
SUBJECTS = (
    ("Webhooks and questions", ("webhook", "ask", "real_time")),
    ("Disputes", ("dispute",)),
    ("Cards and cardholders", ("cardholder", "wallet", "fuel", "merchant", "fraud", "issuing")),
    ("Accounts and money", ("onboarding", "treasury", "country", "progress", "accounts")),
    ("Requests, versions and keys", ("",)),
)


def index(view: View) -> Response:
    """Every setting, by its subject."""
    found = view.platform.get(f"{URL}/meanings")["data"]
    groups: dict[str, list[dict[str, Any]]] = {subject: [] for subject, _ in SUBJECTS}
    for one in found:
        groups[subject_of(one["name"])].append(
            {**one, "shown": written(one["value"]), "first": written(one["default"])}
        )
    changed = sum(one["value"] != one["default"] for one in found)
    return view.page("settings.html", changed=changed, groups=groups)


def subject_of(name: str) -> str:
    """What a setting belongs to."""
    return next(subject for subject, words in SUBJECTS if any(word in name for word in words))


def written(value: Any) -> str:
    """A value as a form has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, list) else str(value if value is not None else "")


def change(view: View) -> Response:
    """Change one, or put it back to what it was at first. 400 for a value it cannot take."""
    name, value = view.form("name") or "", view.form("value")
    known = next((one for one in view.platform.get(f"{URL}/meanings")["data"] if one["name"] == name), None)
    if known is None:
        raise ApiError(404, f"There is no setting called {name}.")
    sent: Any = value
    if known["kind"] == "list" and value is not None:
        sent = value.replace(",", " ").split()
    now = view.platform.post(URL, **{name: "" if value is None else sent})[name]
    view.note("good", f"{name} is {written(now) or 'empty'}.", "" if now != known["default"] else "As it was at first.")
    return view.go("/settings", fragment=f"s-{name}")


PAGES: list[Page] = [GET("/settings", index), POST("/settings", change)]
