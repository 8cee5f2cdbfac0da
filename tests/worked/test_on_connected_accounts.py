"""Cards of connected accounts: what is spent, held and disputed is each account's own."""

from __future__ import annotations

from tests.client import Client
from tests.issuing.holders import a_cardholder, a_connected_account
from tests.issuing.purchases import a_spender, authorize, available, done, reasons

DISPUTES = "/v1/issuing/disputes"
EVIDENCE = {"reason": "fraudulent", "fraudulent": {"explanation": "Not mine."}}


def test_limits_balances_and_disputes_are_each_accounts_own(platform: Client) -> None:
    one, other = (a_connected_account(platform, "card_issuing", "transfers") for _ in range(2))
    limits = {"spending_limits": [{"amount": 30_00, "interval": "daily"}]}
    cards = {
        client: a_spender(client, 50_00, cardholder=a_cardholder(client, spending_controls=limits)["id"])
        for client in (one, other)
    }

    bought = authorize(one, cards[one], 30_00)
    over = authorize(one, cards[one], 1_00)
    elsewhere = authorize(other, cards[other], 30_00)
    (capture,) = done(one, bought, "capture")["transactions"]
    dispute = one.made(DISPUTES, transaction=capture["id"], evidence=EVIDENCE)
    foreign = other.post(DISPUTES, transaction=capture["id"], evidence=EVIDENCE)

    assert (bought["approved"], elsewhere["approved"], reasons(over)) == (True, True, ["spending_controls"])
    assert [available(client) for client in (one, other, platform)] == [20_00, 20_00, 0]
    assert (foreign.status, foreign.error["code"], foreign.error["param"]) == (400, "resource_missing", "transaction")
    listed = {client: [each["id"] for each in client.read(DISPUTES)["data"]] for client in (one, other, platform)}
    assert listed == {one: [dispute["id"]], other: [], platform: []}
