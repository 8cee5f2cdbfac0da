"""Treasury transactions and their entries: what they add up to, and how they are listed."""

from __future__ import annotations

import pytest

from emulator.treasury.transactions import Transaction
from tests.examining import examine_tenant
from tests.treasury.worlds import (
    CREDITS,
    ENTRIES,
    TRANSACTIONS,
    balance,
    card_on,
    connected,
    opened,
    own_account,
    send,
    take,
)

NOTHING = {"cash": 0, "inbound_pending": 0, "outbound_pending": 0}
AUTHORIZE = "/v1/test_helpers/issuing/authorizations"


def authorize(business, card, amount):
    """The id of an approved authorization."""
    authorization = business.made(AUTHORIZE, amount=amount, card=card, currency="usd")
    assert authorization["approved"] is True
    return authorization["id"]


def test_rows_1_6_7_8_9_and_10_number_for_number(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    cash, transactions = [], {}

    def note():
        cash.append(balance(business, id))
        return business.read(TRANSACTIONS, financial_account=id)["data"][0]

    send(business, id, 50000)
    transactions[1] = note()
    authorization = authorize(business, card, 300)
    transactions[6] = note()
    business.made(f"{AUTHORIZE}/{authorization}/capture")
    transactions[7] = note()
    transaction = business.read("/v1/issuing/transactions")["data"][0]["id"]
    business.made(f"/v1/test_helpers/issuing/transactions/{transaction}/refund")
    transactions[8] = note()
    debit = take(business, id, 60000)
    note()
    taken = take(business, id, 5000)
    business.made("/v1/treasury/debit_reversals", received_debit=taken["id"])
    transactions[10] = note()

    assert cash == [(50000, 0), (49700, 300), (49700, 0), (50000, 0), (50000, 0), (50000, 0)]
    told = {row: (one["flow_type"], one["status"], one["amount"]) for row, one in transactions.items()}
    assert told == {
        1: ("received_credit", "posted", 50000),
        6: ("issuing_authorization", "open", -300),
        7: ("received_debit", "posted", -300),
        8: ("received_credit", "posted", 300),
        10: ("debit_reversal", "posted", 5000),
    }
    held = business.read(f"{TRANSACTIONS}/{transactions[6]['id']}", expand=["entries"])
    assert transactions[6]["balance_impact"] == {"cash": -300, "inbound_pending": 0, "outbound_pending": 300}
    assert (held["status"], held["amount"], held["balance_impact"]) == ("void", 0, NOTHING)
    assert held["status_transitions"]["void_at"] is not None
    assert [(entry["type"], entry["balance_impact"]["cash"]) for entry in held["entries"]["data"]] == [
        ("issuing_authorization_release", 300),
        ("issuing_authorization_hold", -300),
    ]
    assert (debit["status"], debit["transaction"]) == ("failed", None)


def test_all_entries_together_are_the_balance(platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    send(business, id, 50000)
    captured, _ = authorize(business, card, 700), authorize(business, card, 1100)
    business.made(f"{AUTHORIZE}/{captured}/capture", capture_amount=650)
    take(business, id, 5000)

    entries = business.read(ENTRIES, financial_account=id, limit=100)["data"]
    transactions = business.read(TRANSACTIONS, financial_account=id, limit=100)["data"]

    def total(objects, book):
        return sum(one["balance_impact"][book] for one in objects)

    expected = balance(business, id)
    assert expected == (50000 - 650 - 1100 - 5000, 1100)
    assert (total(entries, "cash"), total(entries, "outbound_pending")) == expected
    assert (total(transactions, "cash"), total(transactions, "outbound_pending")) == expected


def test_a_transaction_shows_its_flow_and_its_entries_only_when_asked_to(platform):
    id = own_account(platform)
    credit = send(platform, id, 100)
    path = f"{TRANSACTIONS}/{credit['transaction']}"

    plain = platform.read(path)
    full = platform.read(path, expand=["flow_details", "entries.data.flow_details", "entries.data.transaction"])

    assert not {"entries", "flow_details"} & set(plain)
    assert full["flow_details"]["type"] == "received_credit"
    assert full["flow_details"]["received_credit"] == platform.read(f"{CREDITS}/{credit['id']}")
    entries = full["entries"]
    assert (entries["object"], entries["has_more"]) == ("list", False)
    assert entries["url"] == f"{ENTRIES}?financial_account={id}&transaction={plain['id']}"
    entry = entries["data"][0]
    assert entry["flow_details"]["received_credit"]["id"] == credit["id"]
    assert entry["transaction"] == plain
    listed = platform.read(entries["url"])["data"]
    assert [one["id"] for one in listed] == [entry["id"]]


def test_lists_show_flows_but_not_entries(platform):
    id = own_account(platform)
    credit = send(platform, id, 100)

    listed = platform.read(TRANSACTIONS, financial_account=id, expand=["data.flow_details"], limit=1000)
    refused = platform.get(TRANSACTIONS, financial_account=id, expand=["data.entries"])

    assert listed["data"][0]["flow_details"]["received_credit"]["id"] == credit["id"]
    assert listed["url"] == TRANSACTIONS
    assert refused.status == 400
    assert refused.error["message"] == "This property cannot be expanded (data.entries)."
    assert refused.error["param"] == "expand"


@pytest.mark.parametrize("increments, rest", [(8, None), (9, None), (10, [-100]), (11, [-10, -100])])
def test_an_embedded_list_of_entries_holds_the_newest_ten(platform, increments, rest):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    send(business, id, 50000)
    authorization = business.made(AUTHORIZE, amount=100, card=card, currency="usd", is_amount_controllable=False)
    for _ in range(increments):
        business.made(f"{AUTHORIZE}/{authorization['id']}/increment", increment_amount=10)
    held = business.read(TRANSACTIONS, financial_account=id, status="open")["data"][0]

    entries = business.read(f"{TRANSACTIONS}/{held['id']}", expand=["entries"])["entries"]

    cash = [entry["balance_impact"]["cash"] for entry in entries["data"]]
    assert (cash, entries["has_more"]) == ([*[-10] * increments, -100][:10], rest is not None)
    assert held["amount"] == -100 - 10 * increments
    further = business.read(
        ENTRIES, financial_account=id, transaction=held["id"], starting_after=entries["data"][-1]["id"]
    )
    assert [entry["balance_impact"]["cash"] for entry in further["data"]] == (rest or [])


def test_transactions_are_found_by_status_flow_and_creation(platform):
    platform.clock(frozen=True)
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    credit = send(business, id, 50000)
    platform.clock(advance=60)
    authorization = authorize(business, card, 300)

    def found(**filters):
        return [one["flow"] for one in business.read(TRANSACTIONS, financial_account=id, **filters)["data"]]

    assert found() == [authorization, credit["id"]]
    assert found(status="open") == [authorization]
    assert found(status="posted") == [credit["id"]]
    assert found(status="void") == []
    assert found(flow=credit["id"]) == [credit["id"]]
    assert found(created={"gt": credit["created"]}) == [authorization]
    assert found(created=credit["created"]) == [credit["id"]]


def test_transactions_can_be_ordered_by_when_they_were_posted(platform):
    platform.clock(frozen=True)
    id = own_account(platform)
    send(platform, id, 500)
    debit = take(platform, id, 100)
    platform.settings(progress="never")
    reversal = platform.made("/v1/treasury/debit_reversals", received_debit=debit["id"])
    platform.settings(progress="delay")
    platform.clock(advance=60)
    late = send(platform, id, 7)
    ordered = {"financial_account": id, "status": "posted", "order_by": "posted_at"}

    newest = platform.read(TRANSACTIONS, **ordered, limit=1)
    older = platform.read(TRANSACTIONS, **ordered, starting_after=newest["data"][0]["id"])
    back = platform.read(TRANSACTIONS, **ordered, ending_before=older["data"][0]["id"])
    recent = platform.read(TRANSACTIONS, **ordered, status_transitions={"posted_at": {"gte": late["created"]}})

    assert (newest["has_more"], newest["data"][0]["flow"]) == (True, late["id"])
    assert [one["flow_type"] for one in older["data"]] == ["received_debit", "received_credit"]
    assert [one["flow"] for one in back["data"]] == [late["id"]]
    assert [one["flow"] for one in recent["data"]] == [late["id"]]
    assert reversal["transaction"] not in [one["id"] for one in older["data"]]


@pytest.mark.parametrize(
    "filters, param",
    [
        ({"order_by": "posted_at"}, "order_by"),
        ({"order_by": "posted_at", "status": "open"}, "order_by"),
        ({"status": "posted", "status_transitions": {"posted_at": 1}}, "status_transitions[posted_at]"),
        ({"order_by": "amount"}, "order_by"),
        ({"status": "closed"}, "status"),
        ({"created": {"after": 1}}, "created[after]"),
        ({"financial_account": "fa_x"}, "financial_account"),
        ({"starting_after": "trxn_x"}, "starting_after"),
    ],
)
def test_filters_that_do_not_fit_are_refused(platform, filters, param):
    refused = platform.get(TRANSACTIONS, **{"financial_account": own_account(platform), **filters})

    assert (refused.status, refused.error["param"]) == (400, param)


@pytest.mark.parametrize("path", [TRANSACTIONS, ENTRIES])
def test_a_list_needs_an_account(platform, path):
    refused = platform.get(path)

    assert (refused.status, refused.error["code"]) == (400, "parameter_missing")
    assert refused.error["param"] == "financial_account"


def test_entries_are_found_by_transaction_and_by_their_times(platform):
    platform.clock(frozen=True)
    id = own_account(platform)
    first = send(platform, id, 500)
    platform.clock(advance=60)
    second = take(platform, id, 100)

    def found(**filters):
        return [one["flow"] for one in platform.read(ENTRIES, financial_account=id, **filters)["data"]]

    assert found() == [second["id"], first["id"]]
    assert found(transaction=first["transaction"]) == [first["id"]]
    assert found(created={"lt": second["created"]}) == [first["id"]]
    assert found(order_by="effective_at", effective_at={"gte": second["created"]}) == [second["id"]]
    assert found(transaction="trxn_x") == []


@pytest.mark.parametrize(
    "filters, param",
    [
        ({"order_by": "effective_at", "created": 1}, "created"),
        ({"effective_at": 1}, "effective_at"),
        ({"order_by": "posted_at"}, "order_by"),
        ({"financial_account": "fa_x"}, "financial_account"),
        ({"starting_after": "trxne_x"}, "starting_after"),
    ],
)
def test_filters_of_entries_that_do_not_fit_are_refused(platform, filters, param):
    refused = platform.get(ENTRIES, **{"financial_account": own_account(platform), **filters})

    assert (refused.status, refused.error["param"]) == (400, param)


def test_entries_are_paged_both_ways(platform):
    id = own_account(platform)
    for amount in (1, 2, 3, 4):
        send(platform, id, amount)

    newest = platform.read(ENTRIES, financial_account=id, limit=2)
    older = platform.read(ENTRIES, financial_account=id, limit=2, starting_after=newest["data"][-1]["id"])
    back = platform.read(ENTRIES, financial_account=id, limit=1, ending_before=older["data"][0]["id"])

    def amounts(listed):
        return [entry["balance_impact"]["cash"] for entry in listed["data"]]

    assert (amounts(newest), newest["has_more"]) == ([4, 3], True)
    assert (amounts(older), older["has_more"]) == ([2, 1], False)
    assert (amounts(back), back["has_more"]) == ([3], True)


def test_one_entry_can_be_read_by_its_owner_only(platform):
    business = connected(platform)
    id = opened(business)
    send(business, id, 500)
    entry = business.read(ENTRIES, financial_account=id, expand=["data.transaction", "data.flow_details"])["data"][0]

    read = business.read(f"{ENTRIES}/{entry['id']}")
    refused = platform.get(f"{ENTRIES}/{entry['id']}")

    assert (read["type"], read["effective_at"]) == ("received_credit", read["created"])
    assert read["transaction"] == entry["transaction"]["id"]
    assert entry["flow_details"]["type"] == "received_credit"
    assert (refused.status, refused.error["param"]) == (404, "id")
    assert refused.error["message"] == f"No such transaction entry: '{entry['id']}'"


def test_an_unknown_transaction_is_missing(platform):
    refused = platform.get(f"{TRANSACTIONS}/trxn_x")

    assert (refused.status, refused.error["message"]) == (404, "No such treasury transaction: 'trxn_x'")


# The doctor


def findings(app, key):
    """What the doctor says about a tenant."""
    tenant = app.emulator.tenants.open(key.removeprefix("sk_test_"))
    return [finding.detail for finding in examine_tenant(tenant)]


def altered(app, key, kind, id, **changes):
    """Falsify a stored record behind the API's back."""
    tenant = app.emulator.tenants.open(key.removeprefix("sk_test_"))
    with tenant.writing() as step:
        account, record = step.store.get(kind, id)
        step.store.put(account, kind(**{**record.__dict__, **changes}))


def test_the_doctor_finds_nothing_in_books_that_are_whole(app, key, platform):
    business = connected(platform)
    id = opened(business)
    card = card_on(business, id)
    send(business, id, 50000)
    authorization = authorize(business, card, 300)
    business.made(f"{AUTHORIZE}/{authorization}/capture", capture_amount=100, close_authorization=False)
    take(business, id, 5000)

    assert findings(app, key) == []


def test_the_doctor_finds_a_transaction_that_is_not_the_sum_of_its_entries(app, key, platform):
    credit = send(platform, own_account(platform), 500)

    altered(app, key, Transaction, credit["transaction"], balance_impact={**NOTHING, "cash": 400})

    assert len(findings(app, key)) == 1
    assert findings(app, key)[0].startswith(f"{credit['transaction']} shows")


def test_the_doctor_finds_a_status_that_does_not_fit(app, key, platform):
    credit = send(platform, own_account(platform), 500)

    altered(app, key, Transaction, credit["transaction"], status="void")

    assert f"{credit['transaction']} is void" in findings(app, key)[0]
