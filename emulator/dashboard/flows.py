"""Money that moves: Treasury's flows, payouts, top-ups and transfers, their statuses drawn, and what may happen next.

GET  /flows?kind=…          the movements of an account, by kind; of all kinds, by what they did to its cash
GET  /flows/<id>            one of them
POST /flows/<id>/<verb>     what may happen to it next
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Response

from emulator.dashboard import formats, machines
from emulator.dashboard.routing import GET, POST, Page
from emulator.dashboard.view import MOST_ROWS, View
from emulator.kernel.errors import ApiError

TREASURY = "/v1/treasury/"
HELPERS = "/v1/test_helpers/treasury/"
ACCOUNTS = f"{TREASURY}financial_accounts"
MOST_ACCOUNTS = 20
RETURN_CODES = (
    ("", "No reason of the bank"),
    ("account_closed", "Account closed"),
    ("account_frozen", "Account frozen"),
    ("bank_account_restricted", "Bank account restricted"),
    ("bank_ownership_changed", "Bank ownership changed"),
    ("declined", "Declined"),
    ("incorrect_account_holder_name", "Incorrect name"),
    ("invalid_account_number", "Invalid account number"),
    ("invalid_currency", "Invalid currency"),
    ("no_account", "No account"),
    ("other", "Other"),
)


class Kind(NamedTuple):
    """A kind of movement: what it is called, where the API lists it, and whether money comes in or leaves."""

    name: str
    noun: str
    label: str
    path: str
    sign: int
    of_treasury: bool = True


class Step(NamedTuple):
    """Something that may happen next. `asks` says that the bank may give a reason."""

    verb: str
    label: str
    says: str
    asks: bool = False


KINDS = (
    Kind("outbound_transfers", "outbound transfer", "Transfers out", f"{TREASURY}outbound_transfers", -1),
    Kind("outbound_payments", "outbound payment", "Payments out", f"{TREASURY}outbound_payments", -1),
    Kind("inbound_transfers", "inbound transfer", "Transfers in", f"{TREASURY}inbound_transfers", 1),
    Kind("received_credits", "received credit", "Received", f"{TREASURY}received_credits", 1),
    Kind("received_debits", "received debit", "Taken", f"{TREASURY}received_debits", -1),
    Kind("credit_reversals", "credit reversal", "Credits back", f"{TREASURY}credit_reversals", -1),
    Kind("debit_reversals", "debit reversal", "Debits back", f"{TREASURY}debit_reversals", 1),
    Kind("payouts", "payout", "Payouts", "/v1/payouts", -1, of_treasury=False),
    Kind("topups", "top-up", "Top-ups", "/v1/topups", 1, of_treasury=False),
    Kind("transfers", "transfer", "Transfers", "/v1/transfers", -1, of_treasury=False),
)
BY_NAME = {kind.name: kind for kind in KINDS}
BY_PREFIX = {
    "credrev": "credit_reversals",
    "debrev": "debit_reversals",
    "ibt": "inbound_transfers",
    "obp": "outbound_payments",
    "obt": "outbound_transfers",
    "po": "payouts",
    "rc": "received_credits",
    "rd": "received_debits",
    "tr": "transfers",
    "tu": "topups",
}
ALL = "all"
OUTBOUND = {
    "post": Step("post", "Post it", "The bank has taken the money"),
    "return": Step("return", "Return it", "The bank sends it back", asks=True),
    "fail": Step("fail", "Let it fail", "The bank cannot carry it out"),
    "cancel": Step("cancel", "Cancel it", "Before it goes to the network"),
}
INBOUND = {
    "succeed": Step("succeed", "Let it succeed", "The bank has given the money"),
    "fail": Step("fail", "Let it fail", "The bank refuses", asks=True),
    "cancel": Step("cancel", "Cancel it", "Before the bank has it"),
    "return": Step("return", "Return it", "The bank takes the money back"),
}


# The lists


def index(view: View) -> Response:
    """The movements of an account, of one kind or of all that has to do with a financial account."""
    accounts = financial_accounts(view)
    chosen = next((one for one in accounts if one["id"] == view.query("fa")), accounts[0] if accounts else None)
    wanted = view.query("kind") or (ALL if chosen else "payouts")
    if wanted != ALL and wanted not in BY_NAME:
        raise ApiError(404, f"There is no kind of movement called {wanted}.")
    kinds = [kind for kind in KINDS if chosen is not None or not kind.of_treasury]
    found = listed(view, wanted, chosen)
    return view.page(
        "flows.html",
        accounts=accounts,
        chosen=chosen,
        kinds=[*([(ALL, "All")] if chosen else []), *((kind.name, kind.label) for kind in kinds)],
        older=found["data"][-1]["id"] if found["has_more"] else None,
        rows=[row(one) for one in found["data"]],
        wanted=wanted,
    )


def financial_accounts(view: View) -> list[dict[str, Any]]:
    """The financial accounts of an account; none where it may have none."""
    try:
        return view.api.get(ACCOUNTS, limit=MOST_ACCOUNTS)["data"]
    except ApiError:
        return []


def listed(view: View, wanted: str, account: dict[str, Any] | None) -> dict[str, Any]:
    """What the API lists of a kind."""
    how: dict[str, Any] = {"limit": MOST_ROWS, "starting_after": view.query("after")}
    if wanted == ALL or BY_NAME[wanted].of_treasury:
        if account is None:
            return {"data": [], "has_more": False}
        how["financial_account"] = account["id"]
    return view.api.get(f"{TREASURY}transactions" if wanted == ALL else BY_NAME[wanted].path, **how)


def row(one: dict[str, Any]) -> dict[str, Any]:
    """One movement as the table has it."""
    if one["object"] == "treasury.transaction":
        moved = one["amount"]
        title, id = formats.words(one["flow_type"]), one["flow"]
    else:
        kind = kind_of(one["id"])
        moved, title, id = kind.sign * one["amount"], formats.words(kind.noun), one["id"]
    return {
        "amount": moved,
        "created": one["created"],
        "currency": one["currency"],
        "id": id,
        "more": one.get("description") or one.get("statement_descriptor") or "",
        "kind": "wait" if one["object"] == "treasury.transaction" and one["status"] == "open" else None,
        "status": stage(one),
        "title": title,
    }


def kind_of(id: str) -> Kind:
    """What kind of movement an id is of. 404 for none of them."""
    name = BY_PREFIX.get(id.partition("_")[0])
    if name is None:
        raise ApiError(404, f"{id} is no movement of money.")
    return BY_NAME[name]


def stage(flow: dict[str, Any]) -> str:
    """Where a movement is: its status, or what a flag says beyond it."""
    if flow["object"] == "treasury.inbound_transfer" and flow["returned"]:
        return "returned"
    if flow["object"] == "transfer":
        reversed_ = flow["amount_reversed"]
        return "reversed" if flow["reversed"] else "partly reversed" if reversed_ else "paid"
    return flow["status"]


# One of them


def one(view: View, id: str) -> Response:
    """A movement: its statuses drawn, what it is about, and what may happen next."""
    kind = kind_of(id)
    flow = view.api.get(f"{kind.path}/{id}")
    lifecycles = view.platform.get("/_emulator/lifecycles")["data"]
    lifecycle = next((known for known in lifecycles if known["kind"] == flow["object"]), None)
    been = way(flow, lifecycle) if lifecycle else []
    return view.page(
        "flow.html",
        codes=RETURN_CODES,
        due=view.platform.get("/_emulator/clock/due", about=id)["data"],
        facts=facts(flow),
        flow=flow,
        kind=kind,
        machine=machines.drawn(lifecycle, been, f"a {kind.noun}" if kind.noun[0] not in "aeio" else f"an {kind.noun}")
        if lifecycle
        else None,
        stage=stage(flow),
        steps=steps(view, flow, lifecycle),
    )


def way(flow: dict[str, Any], lifecycle: dict[str, Any]) -> list[str]:
    """The statuses that a movement has been through, the present one last."""
    here, start = stage(flow), lifecycle["start"]
    if here == start:
        return [start]
    times = flow.get("status_transitions") or {}
    between = [
        one["to"]
        for one in lifecycle["moves"]
        if one["from"] == start and times.get(f"{one['to']}_at") is not None and one["to"] != here
    ]
    leads = {(one["from"], one["to"]) for one in lifecycle["moves"]}
    middle = next((name for name in between if (name, here) in leads), None)
    if middle is None and (start, here) not in leads:
        middle = next((name for a, name in leads if a == start and (name, here) in leads), None)
    return [start, middle, here] if middle else [start, here]


def steps(view: View, flow: dict[str, Any], lifecycle: dict[str, Any] | None) -> list[Step]:
    """What may happen to a movement now, and nothing else."""
    kind, here = flow["object"], stage(flow)
    verbs = [one["verb"] for one in lifecycle["moves"] if one["from"] == here] if lifecycle else []
    if kind in ("treasury.outbound_transfer", "treasury.outbound_payment"):
        has_arrived = here == "posted" and network(flow) == "stripe"
        return [
            OUTBOUND[verb]
            for verb in verbs
            if (verb != "cancel" or flow["cancelable"]) and not (verb == "return" and has_arrived)
        ]
    if kind == "treasury.inbound_transfer":
        return [INBOUND[verb] for verb in verbs if verb != "cancel" or flow["cancelable"]]
    if kind in ("treasury.received_credit", "treasury.received_debit"):
        can = here == "succeeded" and flow["reversal_details"]["restricted_reason"] is None
        is_credit = kind == "treasury.received_credit"
        says = "To whoever it came from" if is_credit else "From whoever took it"
        return [Step("reverse", "Send it back" if is_credit else "Take it back", says)] if can else []
    if kind == "payout":
        is_plain = flow["amount"] > 0 and flow["original_payout"] is None
        is_back = flow["reversed_by"] is not None or view.account_id is None
        first = [Step("cancel", "Cancel it", "Its money goes back to the balance")]
        last = [Step("reverse", "Reverse it", "The bank account is debited for it")]
        may_cancel = here == "pending" and is_plain and not flow["automatic"]
        return first if may_cancel else last if here in ("in_transit", "paid") and is_plain and not is_back else []
    if kind == "topup":
        known = {
            "cancel": Step("cancel", "Cancel it", "Before the bank has given the money"),
            "reverse": Step("reverse", "Take it back", "The bank takes it, whatever the balance is"),
        }
        return [known[verb] for verb in verbs if verb in known]
    if kind == "transfer":
        return [] if flow["reversed"] else [Step("reverse", "Reverse it", "What is left of it comes back")]
    return []


def network(flow: dict[str, Any]) -> str:
    """The network that money leaves by."""
    details = flow["destination_payment_method_details"]
    return (details.get(details["type"]) or {}).get("network", "stripe")


def facts(flow: dict[str, Any]) -> list[tuple[str, Any]]:
    """What somebody wants to know of a movement: pairs of a label and a text or an id."""
    method = flow.get("destination_payment_method_details") or flow.get("initiating_payment_method_details")
    method = method or flow.get("origin_payment_method_details") or {}
    bank = method.get(method.get("type", ""), {})
    where = [method.get("billing_details", {}).get("name"), bank.get("bank_name") if isinstance(bank, dict) else None]
    if isinstance(bank, dict) and bank.get("last4"):
        where.append(f"•• {bank['last4']}")
    pairs: list[tuple[str, Any]] = [
        ("Other side", " ".join(part for part in where if part) or formats.words(method.get("type"))),
        ("Network", flow.get("network") or (bank.get("network") if isinstance(bank, dict) else None)),
        ("Description", flow.get("description")),
        ("Statement", flow.get("statement_descriptor")),
        ("Failed with", (flow.get("failure_details") or {}).get("code") or flow.get("failure_code")),
        ("Returned with", (flow.get("returned_details") or {}).get("code")),
    ]
    for name in ("financial_account", "destination", "transaction", "balance_transaction", "received_credit"):
        pairs.append((formats.words(name), flow.get(name)))
    pairs.append(("Received debit", flow.get("received_debit")))
    pairs += [(formats.words(name), id) for name, id in (flow.get("linked_flows") or {}).items()]
    return [(label, value) for label, value in pairs if isinstance(value, str) and value]


# What happens next


def act(view: View, id: str, verb: str) -> Response:
    """Do what may happen next. Whatever may not is refused by the operation itself."""
    kind = kind_of(id)
    code = view.form("code")
    name = kind.name
    if name == "received_credits" and verb == "reverse":
        made = view.api.post(f"{TREASURY}credit_reversals", received_credit=id)
        view.note("good", "It is on its way back.", "As a credit reversal.")
        return view.go(f"/flows/{made['id']}")
    if name == "received_debits" and verb == "reverse":
        made = view.api.post(f"{TREASURY}debit_reversals", received_debit=id)
        view.note("good", "It is on its way back.", "As a debit reversal.")
        return view.go(f"/flows/{made['id']}")
    if name == "topups" and verb == "reverse":
        view.api.post(f"/_emulator/topups/{id}/reverse")
    elif name == "transfers" and verb == "reverse":
        view.api.post(f"{kind.path}/{id}/reversals")
    elif verb == "cancel" or not kind.of_treasury:
        view.api.post(f"{kind.path}/{id}/{verb}")
    else:
        reasons = {"return": "returned_details", "fail": "failure_details"}
        asked = {reasons[verb]: {"code": code}} if code and verb in reasons else {}
        view.api.post(f"{HELPERS}{name}/{id}/{verb}", **asked)
    now = stage(view.api.get(f"{kind.path}/{id}"))
    view.note("good", f"It is {now.replace('_', ' ')}.", f"The {kind.noun} has moved on.")
    return view.go(f"/flows/{id}")


PAGES: list[Page] = [GET("/flows", index), GET("/flows/<id>", one), POST("/flows/<id>/<verb>", act)]
