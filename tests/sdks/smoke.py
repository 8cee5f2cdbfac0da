"""A card programme in one sitting with whichever release of stripe-python is found first; prints what it saw as JSON.

    PYTHONPATH=… python smoke.py http://127.0.0.1:12111 sk_test_…

Written in what all releases from 5 on understand: module-level resources, and a plain request where a release has no
method for an operation yet.
"""

from __future__ import annotations

import io
import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import stripe

PATIENCE_SECONDS = 60
HELPERS = "/v1/test_helpers/issuing"
ADDRESS = {"line1": "1 Main Street", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}


class Receiver(BaseHTTPRequestHandler):
    """Acknowledges what comes in, and hands it over as it came."""

    arrived: queue.Queue[tuple[bytes, str]] = queue.Queue()

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.arrived.put((body, self.headers["Stripe-Signature"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def helped(resource, verb, path, *ids, account, **params):
    """A test helper by its method, or by its address where this release has no method for it."""
    method = getattr(getattr(resource, "TestHelpers", None), verb, None)
    if method is not None:
        return method(*ids, stripe_account=account, **params)
    return resource._static_request("post", path, params={**params, "stripe_account": account})


def refusal(call, *arguments, **params):
    """Class, parameter and code of the error that a call must end in."""
    try:
        call(*arguments, **params)
    except Exception as error:
        return [type(error).__name__, getattr(error, "param", None), getattr(error, "code", None)]
    raise AssertionError("it was not refused")


def main(url: str, key: str) -> dict[str, object]:
    """The whole programme; what was seen."""
    stripe.api_key, stripe.api_base, stripe.upload_api_base = key, url, url
    saw: dict[str, object] = {"release": getattr(stripe, "VERSION", None) or stripe.version.VERSION}

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = stripe.WebhookEndpoint.create(
        url=f"http://127.0.0.1:{server.server_port}/", enabled_events=["issuing_card.created"], connect=True
    )

    wanted = {name: {"requested": True} for name in ("card_issuing", "transfers", "treasury")}
    account = stripe.Account.create(type="custom", country="US", capabilities=wanted).id
    capability = stripe.Account.modify_capability(account, "card_payments", requested=True)
    saw["capabilities"] = json.loads(str(stripe.Account.retrieve(account).capabilities))
    saw["capability"] = [capability.id, capability.requested, capability.status]

    features = {
        "card_issuing": {"requested": True},
        "financial_addresses": {"aba": {"requested": True}},
        "intra_stripe_flows": {"requested": False},
    }
    bank = stripe.treasury.FinancialAccount.create(
        supported_currencies=["usd"], features=features, stripe_account=account
    ).id
    stripe.treasury.FinancialAccount.update_features(
        bank, inbound_transfers={"ach": {"requested": True}}, stripe_account=account
    )
    stripe.treasury.ReceivedCredit.TestHelpers.create(
        amount=100_00, currency="usd", financial_account=bank, network="ach", stripe_account=account
    )
    saw["features"] = stripe.treasury.FinancialAccount.retrieve(bank, stripe_account=account).active_features

    def holder(number, **more):
        return stripe.issuing.Cardholder.create(
            name=f"Ada Example {number}",
            type="individual",
            email="ada@example.com",
            phone_number="+18005550100",
            billing={"address": ADDRESS},
            individual={
                "first_name": "Ada",
                "last_name": "Example",
                "card_issuing": {"user_terms_acceptance": {"date": 1_700_000_000, "ip": "198.51.100.7"}},
            },
            metadata={"number": number},
            stripe_account=account,
            **more,
        )

    first = holder(1, idempotency_key="holder-1")
    saw["repeated"] = holder(1, idempotency_key="holder-1").id == first.id
    holder(2), holder(3)
    listed = stripe.issuing.Cardholder.list(limit=1, stripe_account=account)
    saw["paged"] = [one.metadata["number"] for one in listed.auto_paging_iter()]

    card = stripe.issuing.Card.create(
        cardholder=first.id,
        currency="usd",
        type="virtual",
        status="active",
        financial_account=bank,
        spending_controls={"spending_limits": [{"amount": 50_00, "interval": "daily"}]},
        stripe_account=account,
    )
    saw["card"] = [card.status, card.cardholder.id == first.id]
    saw["refusal"] = refusal(stripe.issuing.Card.create, cardholder=first.id, type="virtual", stripe_account=account)

    body, signature = Receiver.arrived.get(timeout=PATIENCE_SECONDS)
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    saw["event"] = [event.type, event.account == account, event.data.object.id == card.id]
    saw["forgery"] = refusal(stripe.Webhook.construct_event, body + b" ", signature, endpoint.secret)[0]

    made = helped(
        stripe.issuing.Authorization,
        "create",
        f"{HELPERS}/authorizations",
        account=account,
        card=card.id,
        amount=10_00,
        is_amount_controllable=False,
        merchant_data={"name": "Café & Söhne", "category": "bakeries"},
    )
    saw["authorized"] = [made.approved, made.amount, made.merchant_data.name]
    grown = helped(
        stripe.issuing.Authorization,
        "increment",
        f"{HELPERS}/authorizations/{made.id}/increment",
        made.id,
        account=account,
        increment_amount=5_00,
        is_amount_controllable=True,
    )
    saw["incremented"] = [grown.approved, grown.amount]
    captured = helped(
        stripe.issuing.Authorization,
        "capture",
        f"{HELPERS}/authorizations/{made.id}/capture",
        made.id,
        account=account,
        capture_amount=12_00,
        close_authorization=True,
    )
    (transaction,) = captured.transactions
    saw["captured"] = [captured.status, transaction.amount]
    refunded = helped(
        stripe.issuing.Transaction,
        "refund",
        f"{HELPERS}/transactions/{transaction.id}/refund",
        transaction.id,
        account=account,
        refund_amount=2_00,
    )
    saw["refunded"] = [refunded.type, refunded.amount]

    evidence = io.BytesIO(b"%PDF-1.4 not mine")
    evidence.name = "evidence.pdf"
    file = stripe.File.create(purpose="dispute_evidence", file=evidence, stripe_account=account)
    saw["file"] = [file.purpose, file.size, file.filename, file.type]

    dispute = stripe.issuing.Dispute.create(
        treasury={"received_debit": captured.treasury.received_debits[0]},
        evidence={
            "reason": "not_received",
            "not_received": {"expected_at": 1_700_000_000, "explanation": "winning_evidence"},
        },
        stripe_account=account,
    )
    stripe.issuing.Dispute.modify(
        dispute.id,
        evidence={
            "reason": "fraudulent",
            "fraudulent": {"explanation": "winning_evidence", "additional_documentation": file.id},
        },
        stripe_account=account,
    )
    stripe.issuing.Dispute.submit(dispute.id, stripe_account=account)
    decided = stripe.issuing.Dispute.retrieve(dispute.id, stripe_account=account)
    saw["disputed"] = [decided.status, decided.amount]
    saw["cash"] = stripe.treasury.FinancialAccount.retrieve(bank, stripe_account=account).balance.cash["usd"]
    return saw


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
