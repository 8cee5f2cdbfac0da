"""Worlds as earlier versions of the program have left them, each a compressed SQL dump named after its schema.

`schema_2` has every kind of record that was stored then, purchases on a financial account and on an Issuing balance,
a dispute, a transfer on its way, a keyed reply, answered questions, a delivery that waits for its retry, due work, a
fault and a dose of the clinic. Its clock stands still at 2,000,000,000. A file here is never changed: it is what users
have.
"""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from emulator.app import create_app
from tests.client import Client
from tests.databases import kept_in_files
from tests.issuing.holders import a_card
from tests.issuing.purchases import authorize
from tests.treasury.sending import paid
from tests.treasury.worlds import CREDIT_REVERSALS, connected, opened, send

KEY = "sk_test_old"


def laid_out(directory: Path, schema: int = 2) -> Path:
    """Put the world of that schema into a data directory; its database."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{hashlib.sha256(b'old').hexdigest()[:32]}.sqlite"
    dump = gzip.decompress((Path(__file__).parent / f"schema_{schema}.sql.gz").read_bytes())
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL")
        connection.executescript(dump.decode())
    return file


def brought_up(directory: Path) -> Path:
    """The oldest of these worlds with the kinds of record that it cannot have, stored by the program of today."""
    file = laid_out(directory)
    with kept_in_files():
        app = create_app(directory)
    add_what_has_come_since(Client(app, KEY))
    app.emulator.close()  # type: ignore[attr-defined]
    return file


def add_payments(platform: Client, customer: str) -> None:
    """Payments with what follows from them: refunds, a dispute, fees."""
    paying = {"amount": 20_00, "currency": "usd", "confirm": True, "return_url": "https://example.com"}
    paid = platform.made("/v1/payment_intents", **paying, payment_method="pm_card_visa")
    platform.made("/v1/refunds", payment_intent=paid["id"], amount=5_00)
    business = connected(platform)
    business.made("/v1/payment_intents", **paying, payment_method="pm_card_createDispute")
    direct = {**paying, "application_fee_amount": 2_00, "payment_method": "pm_card_visa"}
    charge = business.made("/v1/payment_intents", **direct, capture_method="automatic")["latest_charge"]
    business.made("/v1/refunds", charge=charge, refund_application_fee=True, amount=10_00)
    platform.made(f"/v1/customers/{customer}/sources", source="tok_visa")


def connected_over_oauth(platform: Client) -> None:
    """An account of somebody's own."""
    asked = platform.read("/_emulator/application")["authorize_url"].partition("localhost")[2]
    form = {"redirect_uri": "https://example.com/back", "decision": "connect"}
    answer = platform.http.post(asked, data=form)
    code = answer.headers["Location"].rpartition("code=")[2]
    platform.made("/oauth/token", grant_type="authorization_code", code=code)


def add_what_has_come_since(platform: Client) -> None:
    """The kinds of record that the older world cannot have."""
    file = {"purpose": "dispute_evidence", "file": (b"%PDF evidence", "evidence.pdf")}
    platform.made("/v1/files", **file, file_link_data={"create": True})
    platform.made("/v1/test_helpers/test_clocks", frozen_time=1_700_000_000)
    customer = platform.made("/v1/customers", name="Jenny Rosen")["id"]
    platform.made("/v1/payment_methods/pm_card_visa/attach", customer=customer)
    add_payments(platform, customer)
    platform.made("/v1/test_helpers/issuing/fund_balance", amount=50_00, currency="usd")
    card = a_card(platform, status="active")
    authorize(platform, card, 1_00, wallet="apple_pay")
    for _ in range(2):
        nonce = platform.made("/v1/ephemeral_key_nonces")["public_nonce"]
    platform.made("/v1/ephemeral_keys", issuing_card=card["id"], nonce=nonce)
    platform.made("/v1/payouts", amount=1_00, currency="usd", source_balance="issuing")
    business = connected(platform)
    own = platform.read("/v1/account")["id"]
    business.post("/v1/topups", amount=2_00, currency="usd")  # which meets the fault
    business.made("/v1/topups", amount=2_00, currency="usd")
    platform.made("/_emulator/faults", kind="lock_timeout", method="POST", path="/v1/topups")
    pages = {"refresh_url": "https://example.com/again", "return_url": "https://example.com/back"}
    for _ in range(2):
        link = platform.made("/v1/account_links", account=business.account, type="account_onboarding", **pages)
    platform.http.get(link["url"])
    express = platform.made("/v1/accounts", type="express", external_account="btok_us_verified")["id"]
    platform.made(f"/v1/accounts/{express}/login_links")
    platform.made("/v1/tokens", pii={"id_number": "000000000"})
    for _ in range(2):
        connected_over_oauth(platform)
    identity = {"country": "US", "entity_type": "company"}
    of_v2 = platform.made("/v2/core/accounts", configuration={"customer": {}}, identity=identity)["id"]
    for token in [platform.made("/v2/core/account_tokens", display_name="Ada")["id"] for _ in range(2)][:1]:
        platform.made(f"/v2/core/accounts/{of_v2}", account_token=token)
    for _ in range(2):
        platform.made(f"/v2/core/accounts/{of_v2}/person_tokens", given_name="Ada")
    external = f"/v1/accounts/{business.account}/external_accounts"
    platform.made(external, external_account="tok_visa_debit")
    transfer = business.made("/v1/transfers", amount=2_00, currency="usd", destination=own)
    business.made(f"/v1/transfers/{transfer['id']}/reversals", amount=1_00)
    account = opened(platform)
    transfer = platform.made(
        "/v1/treasury/inbound_transfers",
        amount=1_00,
        currency="usd",
        financial_account=account,
        origin_payment_method="pm_usBankAccount",
    )
    platform.made(f"/v1/test_helpers/treasury/inbound_transfers/{transfer['id']}/succeed")
    platform.made(CREDIT_REVERSALS, received_credit=send(platform, account, 1_00)["id"])
    platform.made(
        "/v1/setup_intents",
        allowed_payment_method_types=["us_bank_account"],
        confirm=True,
        customer=customer,
        mandate_data={"customer_acceptance": {"type": "offline"}},
        payment_method_data={
            "type": "us_bank_account",
            "billing_details": {"name": "Jenny Rosen"},
            "us_bank_account": {"account_number": "000123456789", "routing_number": "110000000"},
        },
    )
    price = platform.made("/v1/prices", currency="usd", unit_amount=1_00, product_data={"name": "Gold"})["id"]
    link = platform.made("/v1/payment_links", line_items=[{"price": price, "quantity": 1}])
    platform.http.get(link["url"])
    send(platform, account, 1_00)
    platform.made("/_emulator/treasury/next_flow", flow_type="outbound_transfer", status="failed")
    paid(platform, account, 1_00, customer=customer, destination_payment_method="pm_usBankAccount")
