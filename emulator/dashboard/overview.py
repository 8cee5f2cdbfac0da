"""The overview of a world: is it alive, what happened today, what needs somebody?"""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from flask import Response

from emulator.dashboard import formats, money, purchases
from emulator.dashboard.authorizations import explained_in_short
from emulator.dashboard.routing import GET, Page
from emulator.dashboard.view import View

MOST_TODAY = 100
MOST_SHOWN = 14
MOST_EXPLAINED = 25
MOST_DELIVERIES = 100


def overview(view: View) -> Response:
    """Figures, cash, purchases of today, declines by reason, what falls due."""
    today = formats.day_of(view.now)
    purse = money.purse(view)
    bought = view.api.get("/v1/issuing/authorizations", limit=MOST_TODAY, created={"gte": today})
    rows = bought["data"]
    shown = rows or view.api.get("/v1/issuing/authorizations", limit=MOST_SHOWN)["data"]
    declined = [one for one in rows if purchases.standing(one).word == "declined"]
    explained = declined or [one for one in shown if purchases.standing(one).word == "declined"]
    headlines = {one["id"]: explained_in_short(view, one) for one in explained[:MOST_EXPLAINED]}
    reasons = Counter(headlines.get(one["id"]) or f"Earlier: {purchases.why_not(one)}" for one in declined)
    open_ones = view.api.get("/v1/issuing/authorizations", status="pending", limit=MOST_TODAY)
    return view.page(
        "overview.html",
        purse=purse,
        cash=money.cash_of(view, purse.accounts[0], marked(declined)) if purse.accounts else None,
        today={
            "attempts": len(rows),
            "more": bought["has_more"],
            "declined": len(declined),
            "spent": sum(one["amount"] for one in rows if one["approved"] and one["currency"] == purse.currency),
            "approved": len(rows) - len(declined),
            "cards": len({one["card"]["id"] for one in rows if one["approved"]}),
        },
        rows=[(one, purchases.standing(one), headlines.get(one["id"])) for one in shown[:MOST_SHOWN]],
        held=sum(purchases.amounts(one).held for one in open_ones["data"]),
        open=open_ones,
        reasons=reasons.most_common(),
        due=view.platform.get("/_emulator/clock/due", limit=3)["data"],
        asks=view.platform.get("/_emulator/asks", limit=20),
        trouble=trouble(view),
    )


def marked(declined: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Declines as the chart marks them."""
    return [
        (
            one["created"],
            f"{one['merchant_data']['name']}, {formats.amount(purchases.asked(one), one['currency'])} declined",
        )
        for one in declined
    ]


def trouble(view: View) -> dict[str, Any] | None:
    """The endpoint that does not acknowledge, if there is one: where, how often, and what it answered last."""
    events = [event["id"] for event in view.unacknowledged]
    if not events:
        return None
    sent = view.platform.get("/_emulator/webhooks/deliveries", events=events, limit=MOST_DELIVERIES)["data"]
    failed = [one for one in sent if not one["acknowledged"] and one["last_attempt"] is not None]
    if not failed:
        return None
    newest = max(failed, key=lambda one: one["delivery"])
    last = newest["last_attempt"]
    return {
        "path": urlsplit(newest["url"] or "").path or "/",
        "count": len({one["event"] for one in failed if one["url"] == newest["url"]}),
        "answer": str(last["status"]) if last["status"] is not None else last["error"],
    }


PAGES: list[Page] = [GET("", overview)]
