"""The official package for Python pays, refunds, answers a dispute and is declined."""

from __future__ import annotations

import pytest
import stripe

from tests.serving import served


def test_the_official_package_pays_and_gives_back(app, key):
    with served(app) as url:
        client = stripe.StripeClient(key, base_addresses={"api": url})
        never = {"enabled": True, "allow_redirects": "never"}
        sent = {"amount": 20_00, "currency": "usd", "confirm": True, "automatic_payment_methods": never}

        paid = client.v1.payment_intents.create({**sent, "payment_method": "pm_card_createDispute"})
        charge = client.v1.charges.retrieve(str(paid.latest_charge), {"expand": ["balance_transaction"]})
        dispute = client.v1.disputes.list({"payment_intent": paid.id}).data[0]
        client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
        other = client.v1.payment_intents.create({**sent, "payment_method": "pm_card_visa"})
        refund = client.v1.refunds.create({"payment_intent": other.id, "amount": 5_00})
        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create({**sent, "payment_method": "pm_card_chargeDeclinedInsufficientFunds"})

    assert (paid.status, charge.balance_transaction.net) == ("succeeded", 19_12)
    assert (dispute.status, refund.status) == ("needs_response", "succeeded")
    assert refusal.value.error.decline_code == "insufficient_funds"
    assert refusal.value.error.payment_intent.status == "requires_payment_method"
