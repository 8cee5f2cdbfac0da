"""Purchases: the list, and what happened to one, what may happen next and nothing else."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response

from emulator.dashboard import explaining, formats, purchases
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import MOST_ROWS, View
from emulator.kernel.errors import invalid

URL = "/v1/issuing/authorizations"
HELPERS = "/v1/test_helpers/issuing/authorizations"
TRANSACTIONS = "/v1/test_helpers/issuing/transactions"
STATUSES = (("", "All"), ("pending", "Open"), ("closed", "Closed"), ("reversed", "Reversed"), ("expired", "Expired"))
FUEL = "automated_fuel_dispensers"
MOST_EXPLAINED = 10
# What may be done to an open one: the parameter that an amount is, and what is said of it afterwards.
STEPS: dict[str, tuple[str | None, str]] = {
    "capture": ("capture_amount", "Captured {}."),
    "expire": (None, "Expired."),
    "finalize_amount": ("final_amount", "The fuel cost {}."),
    "increment": ("increment_amount", "Asked for {} more."),
    "reverse": ("reverse_amount", "Reversed {}."),
}


class Happened(NamedTuple):
    """One entry of the timeline."""

    at: int
    kind: str
    title: str
    amount: int | None
    text: str
    sign: bool = False


def index(view: View) -> Response:
    """The purchases of an account, newest first."""
    status, card = view.query("status"), view.query("card")
    found = view.api.get(URL, limit=MOST_ROWS, status=status, card=card, starting_after=view.query("after"))
    rows, explained = [], 0
    for one in found["data"]:
        standing, said = purchases.standing(one), ""
        if standing.word == "declined":
            explained += 1
            said = (
                explained_in_short(view, one) if explained <= MOST_EXPLAINED else formats.words(purchases.why_not(one))
            )
        rows.append((one, standing, said))
    older = found["data"][-1]["id"] if found["has_more"] else None
    return view.page("authorizations.html", rows=rows, statuses=STATUSES, status=status or "", card=card, older=older)


def explained_in_short(view: View, authorization: dict[str, Any]) -> str:
    """Why one was declined, in a few words."""
    told = view.quiet.find(f"/_emulator/why/{authorization['id']}")
    if told is None:
        return formats.words(purchases.why_not(authorization))
    return explaining.explained(told["requests"][-1], authorization["currency"]).headline


# One of them


def authorization(view: View, id: str) -> Response:
    """Its timeline, its money, its transactions and disputes, and what may happen next."""
    one = view.api.get(f"{URL}/{id}", expand=["fraud_challenges"])
    told = view.platform.find(f"/_emulator/why/{id}")
    requests = [explaining.explained(request, one["currency"]) for request in told["requests"]] if told else []
    happened = view.platform.get("/_emulator/events/wait", object=id, timeout_ms=0, limit=100)["data"]
    disputes = [
        dispute
        for moved in one["transactions"]
        if moved["type"] == "capture"
        for dispute in view.api.get("/v1/issuing/disputes", transaction=moved["id"], limit=10)["data"]
    ]
    standing = purchases.standing(one)
    return view.page(
        "authorization.html",
        one=one,
        standing=standing,
        money=purchases.amounts(one),
        timeline=timeline(one, requests, happened, disputes),
        due=view.platform.get("/_emulator/clock/due", about=id)["data"],
        explained=requests[-1] if requests else None,
        remedy=explaining.remedy(requests[-1], one["currency"]) if requests else None,
        disputes=disputes,
        disputed={dispute["transaction"] for dispute in disputes},
        is_open=standing.word in ("held", "partly captured"),
        is_fuel=one["merchant_data"]["category"] == FUEL,
        challenges=[challenge for challenge in one.get("fraud_challenges") or () if challenge["status"] == "pending"],
    )


def timeline(
    one: dict[str, Any],
    requests: list[explaining.Explained],
    events: list[dict[str, Any]],
    disputes: list[dict[str, Any]],
) -> list[Happened]:
    """Everything that happened to it, in its order: requests and who answered, holds, captures, refunds, its end."""
    entries: list[tuple[int, int, Happened]] = []
    for number, entry in enumerate(one["request_history"]):
        told = requests[number] if number < len(requests) else None
        at, approved = entry["created"], entry["approved"]
        title = "Requested" if number == 0 else "Increment requested"
        entries.append((at, 0, Happened(at, "", title, entry["amount"], how(one) if number == 0 else "", number > 0)))
        who = told.headline if told else formats.words(entry["reason"])
        verdict = told.sentence if told else ""
        entries.append((at, 1, Happened(at, "good" if approved else "bad", who, None, verdict)))
        if approved:
            entries.append((at, 2, Happened(at, "wait", "Held", entry["amount"], "set aside until it is captured")))
    for moved in reversed(one["transactions"]):
        is_capture = moved["type"] == "capture"
        title = "Captured" if is_capture else "Refunded"
        text = "the hold is released, then debited" if is_capture else "given back by the merchant"
        at = moved["created"]
        entries.append((at, 3, Happened(at, "good" if is_capture else "move", title, abs(moved["amount"]), text)))
    for event in events:
        before = event["data"].get("previous_attributes", {})
        now, at = event["data"]["object"], event["created"]
        if "status" in before and now["status"] in ("expired", "reversed"):
            title = "Expired" if now["status"] == "expired" else "Reversed"
            entries.append((at, 4, Happened(at, "move", title, before.get("amount"), "what was held is free again")))
        elif is_less(before, now):
            given = before["amount"] - now["amount"]
            entries.append((at, 4, Happened(at, "move", "Reversed in part", given, "the rest stays held")))
    for dispute in disputes:
        at = dispute["created"]
        text = f"{formats.words(dispute['evidence']['reason'])}, {dispute['status']}"
        entries.append((at, 5, Happened(at, "wait", "Disputed", dispute["amount"], text)))
    return [entry for _, _, entry in sorted(entries, key=lambda entry: (entry[0], rank(entry)))]


def rank(entry: tuple[int, int, Happened]) -> int:
    """Which of two things of one second came first: requests and their answers before all else."""
    return 0 if entry[1] < 3 else entry[1]


def is_less(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a part of it was reversed; of a capture the transactions tell."""
    less = now["status"] == "pending" and now["amount"] < before.get("amount", 0)
    return less and "transactions" not in before


def how(one: dict[str, Any]) -> str:
    """How somebody paid, and what was checked."""
    checks = one["verification_data"]
    said = {"match": "matches", "mismatch": "does not match", "not_provided": "not given"}
    paid = formats.words(one["authorization_method"]).lower()
    parts = [paid, f"expiry date {said[checks['expiry_check']]}", f"CVC {said[checks['cvc_check']]}"]
    return ", ".join([*parts, *([formats.words(one["wallet"])] if one["wallet"] else [])])


# What may happen next


def next_step(view: View, id: str) -> Response:
    """Capture, increment, reverse or expire it; an amount counts where one is typed."""
    one, does = view.api.get(f"{URL}/{id}"), view.form("do") or ""
    if does not in STEPS:
        raise invalid(f"Nothing here does {does}.", param="do")
    name, says = STEPS[does]
    value = typed(view, one["currency"])
    sent: dict[str, Any] = {} if value is None or name is None else {name: value}
    if does == "capture" and value is not None and value < purchases.amounts(one).held:
        sent["close_authorization"] = bool(view.form("close"))
    after = view.api.post(f"{HELPERS}/{id}/{does}", **sent)
    money = formats.amount(purchases.amounts(one).held if value is None else value, one["currency"])
    view.note("good", says.format(money), f"It is {purchases.standing(after).word} now.")
    return view.go(f"/authorizations/{id}")


def refunded(view: View, id: str) -> Response:
    """Have the merchant give a capture back, or a part of it."""
    one = view.api.get(f"{URL}/{id}")
    value = typed(view, one["currency"])
    view.api.post(f"{TRANSACTIONS}/{view.form('transaction')}/refund", refund_amount=value)
    view.note("move", "Refunded.", "The money is back where the card is paid from.")
    return view.go(f"/authorizations/{id}")


def typed(view: View, currency: str) -> int | None:
    """The amount that was typed; None for an empty field. 400 for what is none."""
    text = view.form("amount")
    value = formats.minor(text, currency) if text else None
    if text and value is None:
        raise invalid(f"{text} is no amount in {currency.upper()}.", param="amount")
    return value


def answered(view: View, id: str) -> Response:
    """The cardholder says whether a purchase was theirs."""
    confirmed = view.form("answer") == "yes"
    view.api.post(f"{HELPERS}/{id}/fraud_challenges/respond", confirmed=confirmed)
    view.note("good" if confirmed else "wait", "Vouched for." if confirmed else "Disowned.")
    return view.go(f"/authorizations/{id}")


PAGES: list[Page] = [
    GET("/authorizations", index),
    GET("/authorizations/<id>", authorization),
    POST("/authorizations/<id>/next", next_step),
    POST("/authorizations/<id>/refund", refunded),
    POST("/authorizations/<id>/answer", answered),
]
