"""The life of one financial account, row by row: what each call leaves as cash and as money on its way out."""

from __future__ import annotations

from typing import Any

from tests.client import Client
from tests.issuing.purchases import a_treasury_spender, authorize, cash_and_pending, done, findings
from tests.treasury.collecting import asked
from tests.treasury.sending import OBP, STAYS, canceled, data_of, helped, paid, read, sent
from tests.treasury.worlds import ACCOUNTS, CREDITS, ENTRIES, EVERYTHING, TRANSACTIONS, send, take, tree

WAITS = "000000000009"


def test_every_row_in_turn_leaves_these_sums(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform, funds=0)
    client.made(f"{ACCOUNTS}/{account}", features=tree(*EVERYTHING))

    def sums() -> tuple[int, int]:
        """Cash and what is on its way out, which all entries together have to be."""
        impacts = [one["balance_impact"] for one in client.read(ENTRIES, financial_account=account, limit=100)["data"]]
        shown = cash_and_pending(client, account)
        assert shown == tuple(sum(impact[book] for impact in impacts) for book in ("cash", "outbound_pending"))
        return shown

    def transaction(of: dict[str, Any] | str) -> tuple[str, int, int, int, list[str]]:
        """Status, amount, cash and outbound impact of a transaction, and the types of its entries, newest first."""
        id = of if isinstance(of, str) else of["transaction"]
        one = client.read(f"{TRANSACTIONS}/{id}", expand=["entries"])
        impact = one["balance_impact"]
        types = [entry["type"] for entry in one["entries"]["data"]]
        return one["status"], one["amount"], impact["cash"], impact["outbound_pending"], types

    credit = send(client, account, 500_00)
    assert sums() == (500_00, 0)
    assert transaction(credit) == ("posted", 500_00, 500_00, 0, ["received_credit"])

    payment = paid(client, account, 20_00, number=WAITS)
    assert sums() == (480_00, 20_00)
    assert transaction(payment) == ("open", -20_00, -20_00, 20_00, ["outbound_payment"])

    payment = helped(client, payment, "post")
    assert sums() == (480_00, 0)
    both = ["outbound_payment_posting", "outbound_payment"]
    assert transaction(payment) == ("posted", -20_00, -20_00, 0, both)

    payment = helped(client, payment, "return", returned_details={"code": "no_account"})
    assert sums() == (500_00, 0)
    assert (payment["status"], payment["returned_details"]["code"]) == ("returned", "no_account")
    assert transaction(payment) == ("posted", -20_00, -20_00, 0, both)
    back = payment["returned_details"]["transaction"]
    assert transaction(back) == ("posted", 20_00, 20_00, 0, ["outbound_payment_return"])

    transfer = canceled(client, sent(client, account, 10_00, method=STAYS))
    assert sums() == (500_00, 0)
    gone = ["outbound_transfer_cancellation", "outbound_transfer"]
    assert transaction(transfer) == ("void", 0, 0, 0, gone)

    authorization = authorize(client, card, 3_00)
    assert sums() == (497_00, 3_00)
    held = authorization["treasury"]["transaction"]
    assert transaction(held) == ("open", -3_00, -3_00, 3_00, ["issuing_authorization_hold"])

    captured = done(client, authorization, "capture")
    assert sums() == (497_00, 0)
    assert transaction(held)[:4] == ("void", 0, 0, 0)
    debit = client.read(f"/v1/treasury/received_debits/{captured['treasury']['received_debits'][0]}")
    assert (debit["network"], debit["status"]) == ("card", "succeeded")
    assert transaction(debit) == ("posted", -3_00, -3_00, 0, ["received_debit"])

    bought = captured["transactions"][0]["id"]
    client.made(f"/v1/test_helpers/issuing/transactions/{bought}/refund")
    assert sums() == (500_00, 0)
    refund = client.read(CREDITS, financial_account=account)["data"][0]
    assert refund["network"] == "card" and refund["linked_flows"]["issuing_transaction"] is not None

    failed = take(client, account, 600_00)
    assert sums() == (500_00, 0)
    assert (failed["status"], failed["failure_code"], failed["transaction"]) == ("failed", "insufficient_funds", None)

    taken = take(client, account, 50_00)
    undone = client.made("/v1/treasury/debit_reversals", received_debit=taken["id"])
    assert sums() == (500_00, 0)
    assert client.read(f"/v1/treasury/debit_reversals/{undone['id']}")["status"] == "succeeded"

    sent_back = client.made(
        "/v1/treasury/credit_reversals",
        received_credit=send(client, account, 7_00)["id"],
        expand=["transaction"],
    )
    assert sent_back["transaction"]["balance_impact"] == {"cash": -7_00, "inbound_pending": 0, "outbound_pending": 7_00}
    assert sums() == (500_00, 0)
    both = ["credit_reversal_posting", "credit_reversal"]
    assert transaction(sent_back["transaction"]["id"]) == ("posted", -7_00, -7_00, 0, both)

    client.clock(frozen=True)
    collected = asked(client, account, 1_00)
    assert (collected["status"], collected["transaction"], sums()) == ("processing", None, (500_00, 0))
    collected = helped(client, collected, "succeed")
    assert sums() == (501_00, 0)
    assert transaction(collected) == ("posted", 1_00, 1_00, 0, ["inbound_transfer"])

    collected = helped(client, collected, "return")
    assert sums() == (500_00, 0)
    assert (collected["returned"], collected["status"]) == (True, "succeeded")
    linked = client.read(f"/v1/treasury/received_debits/{collected['linked_flows']['received_debit']}")
    assert transaction(linked) == ("posted", -1_00, -1_00, 0, ["inbound_transfer_return"])

    shown = client.made(f"{ACCOUNTS}/{account}", platform_restrictions={"outbound_flows": "restricted"})
    refusal = client.post(
        OBP, financial_account=account, amount=1, currency="usd", destination_payment_method_data=data_of(WAITS)
    )
    assert (refusal.status, sums()) == (400, (500_00, 0))
    assert {name.partition(".")[0] for name in shown["restricted_features"]} == {
        "financial_addresses",
        "intra_stripe_flows",
        "outbound_payments",
        "outbound_transfers",
    }

    closing = client.post(f"{ACCOUNTS}/{account}/close")
    assert (closing.status, closing.error.get("code"), sums()) == (400, None, (500_00, 0))
    assert read(client, payment)["status"] == "returned"
    assert findings(platform) == []
