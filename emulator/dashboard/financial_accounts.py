"""Financial accounts: where the money is, whether it adds up, and what the account may do."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from flask import Response

from emulator.dashboard import charts, formats, money
from emulator.dashboard.formats import DAY
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import View
from emulator.kernel.errors import ApiError, invalid

URL = "/v1/treasury/financial_accounts"
MOST_ROWS = 20
MOST_FLOWS = 5
# What an entry is called on a statement; others are called what the API calls them.
ENTRIES = {
    "issuing_authorization_hold": "held",
    "issuing_authorization_release": "hold released",
    "received_debit": "debited",
    "received_credit": "received",
    "outbound_payment": "sent",
    "outbound_transfer": "sent",
    "inbound_transfer": "collected",
}
FEATURES = {
    "card_issuing": "Card issuing",
    "deposit_insurance": "Deposit insurance",
    "financial_addresses.aba": "ABA address",
    "inbound_transfers.ach": "Inbound by ACH",
    "intra_stripe_flows": "Between accounts",
    "outbound_payments.ach": "Payments by ACH",
    "outbound_payments.us_domestic_wire": "Payments by wire",
    "outbound_transfers.ach": "Transfers by ACH",
    "outbound_transfers.us_domestic_wire": "Transfers by wire",
}
FLOWS = ("outbound_payments", "outbound_transfers", "inbound_transfers", "received_credits")
# The bank account that money is sent to: a published test number.
ELSEWHERE = {"account_holder_type": "individual", "account_number": "000123456789", "routing_number": "110000000"}


def index(view: View) -> Response:
    """The financial accounts of an account."""
    try:
        found = view.api.get(URL, limit=25, starting_after=view.query("after"))
    except ApiError as refusal:
        return view.page("financial_accounts.html", accounts=[], refusal=refusal.message, older=None)
    rows = [(one, money.called(one)) for one in found["data"]]
    older = found["data"][-1]["id"] if found["has_more"] else None
    return view.page("financial_accounts.html", accounts=rows, refusal=None, older=older)


def one(view: View, id: str) -> Response:
    """Its cash, its statement of a day, its flows, its restrictions and its features."""
    account = view.api.get(f"{URL}/{id}")
    currency = account["supported_currencies"][0]
    day = day_asked(view)
    statement = view.api.get(
        f"/_emulator/treasury/financial_accounts/{id}/statement",
        since=day,
        limit=MOST_ROWS,
        starting_after=view.query("after"),
    )
    return view.page(
        "financial_account.html",
        account=account,
        called=money.called(account),
        currency=currency,
        cash=chart(view, account, currency),
        day=day,
        statement=told(statement),
        flows=flows(view, id),
        features=features(view.api.get(f"{URL}/{id}/features")),
        aba=next((address["aba"] for address in account["financial_addresses"] if address["type"] == "aba"), None),
        today=formats.day_of(view.now),
    )


def day_asked(view: View) -> int:
    """The beginning of the day whose statement is wanted: the world's own, unless one is named."""
    text = view.query("day")
    if text is None:
        return formats.day_of(view.now)
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise invalid(f"{text} is no day: it would read 2026-11-30.", param="day") from None


def chart(view: View, account: dict[str, Any], currency: str) -> charts.Cash | None:
    """The cash of the account over its newest entries."""
    entries = view.api.get(money.ENTRIES, financial_account=account["id"], limit=money.MOST_ENTRIES)["data"]
    held = {name: account["balance"][name][currency] for name in ("cash", "outbound_pending")}
    return charts.cash(entries, held, currency, view.now, [])


# The statement


def told(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement with its entries grouped by what caused them, and whether it adds up."""
    entries = statement["data"]
    groups = [list(same) for _, same in groupby(entries, key=named)]
    change = sum(entry["balance_impact"]["cash"] for entry in entries)
    opening, closing = statement["opening"]["cash"], statement["closing"]["cash"]
    return {
        **statement,
        "groups": [
            [(entry, ENTRIES.get(entry["type"], entry["type"].replace("_", " "))) for entry in same] for same in groups
        ],
        "change": change,
        "adds_up": opening + change == closing,
        "next": entries[-1]["id"] if statement["has_more"] else None,
    }


def named(entry: dict[str, Any]) -> str:
    """Whom an entry is about, as its description says after what it is."""
    return (entry["description"] or entry["id"]).rpartition(" | ")[2]


def called(type: str) -> str:
    """What an entry is called."""
    return ENTRIES.get(type, type.replace("_", " "))


def csv(view: View, id: str) -> Response:
    """The entries of a day, to take along: amounts in cents."""
    day = day_asked(view)
    lines = ["time,entry,type,flow,description,cash,held,balance"]
    after = None
    while True:
        part = view.api.get(
            f"/_emulator/treasury/financial_accounts/{id}/statement", since=day, limit=100, starting_after=after
        )
        for entry in part["data"]:
            impact = entry["balance_impact"]
            cells = [
                f"{formats.moment(entry['created']):%Y-%m-%dT%H:%M:%SZ}",
                entry["id"],
                entry["type"],
                entry["flow"] or "",
                '"' + safe(entry["description"] or "").replace('"', '""') + '"',
                str(impact["cash"]),
                str(impact["outbound_pending"]),
                str(entry["balance"]["cash"]),
            ]
            lines.append(",".join(cells))
        if not part["has_more"]:
            break
        after = part["data"][-1]["id"]
    name = f"{id}-{formats.moment(day):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response("\n".join(lines) + "\n", headers=headers, mimetype="text/csv")


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text


# Flows and features


def flows(view: View, id: str) -> list[dict[str, Any]]:
    """The newest flows of the account in and out, other than by cards."""
    found = []
    for kind in FLOWS:
        for flow in view.api.get(f"/v1/treasury/{kind}", financial_account=id, limit=MOST_FLOWS)["data"]:
            if flow.get("network") != "card":
                found.append(
                    {**flow, "sign": -1 if kind.startswith("outbound") else 1, "named": formats.words(kind[:-1])}
                )
    return sorted(found, key=lambda flow: flow["created"], reverse=True)[:10]


def features(shown: dict[str, Any]) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every feature by its path, what it is called, and how it stands; None for one that was not asked for."""
    found = []
    for path, says in FEATURES.items():
        state: Any = shown
        for name in path.split("."):
            state = (state or {}).get(name)
        found.append((path, says, state))
    return found


def featured(view: View, id: str) -> Response:
    """Ask for a feature, or give it up."""
    path, _, switched = (view.form("feature") or "").partition(" ")
    wanted = switched == "on"
    if path not in FEATURES:
        raise invalid(f"There is no feature called {path}.", param="feature")
    sent: dict[str, Any] = {"requested": wanted}
    for name in reversed(path.split(".")):
        sent = {name: sent}
    view.api.post(f"{URL}/{id}/features", **sent)
    view.note("good", f"{FEATURES[path]} {'asked for' if wanted else 'given up'}.")
    return view.go(f"/financial_accounts/{id}")


def restricted(view: View, id: str) -> Response:
    """Restrict the flows in one direction, or let them go."""
    sent = {name: view.form(name) for name in ("inbound_flows", "outbound_flows") if view.form(name)}
    view.api.post(f"{URL}/{id}", platform_restrictions=sent)
    for name, value in sent.items():
        direction = "Outbound" if name == "outbound_flows" else "Inbound"
        if value == "restricted":
            refused = "Purchases and transfers are refused." if direction == "Outbound" else "Deposits are refused."
            view.note("bad", f"{direction} flows are restricted.", refused)
        else:
            view.note("good", f"{direction} flows are open.", "What was refused would go through now.")
    return view.go(f"/financial_accounts/{id}")


# Money in and out


def received(view: View, id: str) -> Response:
    """Bring money in, as a bank would."""
    account = view.api.get(f"{URL}/{id}")
    currency = account["supported_currencies"][0]
    value = amount_of(view, currency)
    made = view.api.post(
        "/v1/test_helpers/treasury/received_credits",
        amount=value,
        currency=currency,
        financial_account=id,
        network=view.form("network") or "ach",
        description=view.form("description"),
    )
    kind = "good" if made["status"] == "succeeded" else "bad"
    view.note(kind, f"Received credit of {formats.amount(value, currency)}: {made['status']}.")
    return view.go(f"/financial_accounts/{id}")


def sent(view: View, id: str) -> Response:
    """Send money to a bank account elsewhere."""
    account = view.api.get(f"{URL}/{id}")
    currency = account["supported_currencies"][0]
    value = amount_of(view, currency)
    made = view.api.post(
        "/v1/treasury/outbound_payments",
        amount=value,
        currency=currency,
        financial_account=id,
        description=view.form("description"),
        destination_payment_method_data={
            "type": "us_bank_account",
            "billing_details": {"name": view.form("name") or "Jenny Rosen"},
            "us_bank_account": ELSEWHERE,
        },
    )
    view.note("move", f"Sent {formats.amount(value, currency)}.", f"The outbound payment is {made['status']}.")
    return view.go(f"/financial_accounts/{id}")


def amount_of(view: View, currency: str) -> int:
    """What was typed. 400 for what is no amount."""
    text = view.form("amount") or ""
    value = formats.minor(text, currency)
    if value is None:
        raise invalid(f"{text or 'Nothing'} is no amount in {currency.upper()}.", param="amount")
    return value


def days_around(day: int) -> tuple[str, str]:
    """The day before and the day after, as addresses have them."""
    before, after = (formats.moment(day + step * DAY) for step in (-1, 1))
    return f"{before:%Y-%m-%d}", f"{after:%Y-%m-%d}"


PAGES: list[Page] = [
    GET("/financial_accounts", index),
    GET("/financial_accounts/<id>", one),
    GET("/financial_accounts/<id>/statement.csv", csv),
    POST("/financial_accounts/<id>/restrict", restricted),
    POST("/financial_accounts/<id>/features", featured),
    POST("/financial_accounts/<id>/receive", received),
    POST("/financial_accounts/<id>/send", sent),
]
