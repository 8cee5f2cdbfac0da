"""A plain purchase from the Issuing balance, step by step: what is left, and how each step is listed."""

from tests.issuing.holders import a_card, told

HELPERS = "/v1/test_helpers/issuing"


def available(client):
    """What the Issuing balance can spend."""
    return client.read("/v1/balance")["issuing"]["available"][0]["amount"]


def listed(client):
    """Type, amount and description of every balance transaction, oldest first."""
    transactions = client.read("/v1/balance_transactions", limit=100)["data"]
    return [(one["type"], one["amount"], one["description"]) for one in reversed(transactions)]


def test_a_purchase_is_held_captured_and_partly_refunded(platform):
    platform.made(f"{HELPERS}/fund_balance", amount=500_00, currency="usd")
    card = a_card(platform, status="active")["id"]
    since = len(platform.events())
    assert (available(platform), since) == (500_00, 2)
    assert listed(platform) == [("topup", 500_00, "Funds added to Issuing balance")]

    authorization = platform.made(f"{HELPERS}/authorizations", card=card, amount=12_34, currency="usd")
    assert (authorization["status"], authorization["amount"]) == ("pending", 12_34)
    assert available(platform) == 487_66
    assert listed(platform)[1:] == [("issuing_authorization_hold", -12_34, "Hold for authorization")]

    captured = platform.made(f"{HELPERS}/authorizations/{authorization['id']}/capture")
    assert (captured["status"], captured["amount"]) == ("closed", 12_34)
    assert available(platform) == 487_66
    assert [row[:2] for row in listed(platform)[2:]] == [
        ("issuing_authorization_release", 12_34),
        ("issuing_transaction", -12_34),
    ]
    assert listed(platform)[2][2] == "Released hold for authorization due to capture"

    transaction = captured["transactions"][0]["id"]
    refund = platform.made(f"{HELPERS}/transactions/{transaction}/refund", refund_amount=2_34)
    assert available(platform) == 490_00
    assert [row[:2] for row in listed(platform)[4:]] == [("issuing_transaction", 2_34)]
    assert platform.read(f"/v1/issuing/authorizations/{authorization['id']}")["status"] == "closed"
    assert told(platform, since) == [
        ("issuing_authorization.created", None),
        ("issuing_transaction.created", None),
        ("issuing_authorization.updated", {"status": "pending"}),
        ("issuing_transaction.created", None),
    ]
    paid = platform.read(f"/v1/issuing/transactions/{refund['id']}", expand=["balance_transaction.source"])
    assert paid["balance_transaction"]["net"] == 2_34
    assert paid["balance_transaction"]["source"]["id"] == refund["id"]


def test_what_was_spent_comes_back_when_the_dispute_is_won(platform):
    platform.made(f"{HELPERS}/fund_balance", amount=500_00, currency="usd")
    card = a_card(platform, status="active")["id"]
    authorization = platform.made(f"{HELPERS}/authorizations", card=card, amount=12_34, currency="usd")
    captured = platform.made(f"{HELPERS}/authorizations/{authorization['id']}/capture")

    dispute = platform.made(
        "/v1/issuing/disputes",
        transaction=captured["transactions"][0]["id"],
        evidence={"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}},
    )
    platform.made(f"/v1/issuing/disputes/{dispute['id']}/submit")

    assert available(platform) == 500_00
    assert listed(platform)[-1][:2] == ("issuing_dispute", 12_34)
    nets = [one["net"] for one in platform.read("/v1/balance_transactions", limit=100)["data"]]
    assert sum(nets) == 500_00


def test_more_is_captured_than_there_is_and_nothing_more_is_approved(platform):
    platform.made(f"{HELPERS}/fund_balance", amount=5_00, currency="usd")
    card = a_card(platform, status="active")["id"]

    platform.made(f"{HELPERS}/transactions/create_force_capture", card=card, amount=7_00)
    refused = platform.made(f"{HELPERS}/authorizations", card=card, amount=1)

    assert available(platform) == -2_00
    assert (refused["approved"], refused["request_history"][0]["reason"]) == (False, "insufficient_funds")
