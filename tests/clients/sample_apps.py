"""What the two sample platforms do, for a back end in Python: the same calls, through the official package.

The routes and what they send are those of `sample_apps.js`, which is nearer to the originals.
Source: https://github.com/stripe-samples/issuing-treasury
"""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import stripe

from tests.receivers import Arrived, Receiver, Reply

TERMS = {"date": 1691518261, "ip": "127.0.0.1"}
CURRENCIES = {"US": "USD", "GB": "GBP", "DE": "EUR"}  # as the samples write them
DAY = 86400
GREEN = {"requested": True}
VERSION = "2023-10-16"


def asked_for(*names: str) -> dict[str, Any]:
    """Capabilities or features, all requested."""
    return {name: GREEN for name in names}


class App:
    """The routes that both platforms have."""

    programs: tuple[str, ...]

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key
        bases: Any = {"api": url, "files": url, "connect": url, "meter_events": url}
        self.stripe = stripe.StripeClient(key, stripe_version=VERSION, base_addresses=bases, max_network_retries=0)
        self.v1: Any = self.stripe.v1
        self.hook: Receiver | None = None
        self.approves = True

    def close(self) -> None:
        """Take the endpoint away, where there is one."""
        if self.hook is not None:
            self.hook.close()

    def post(self, path: str, account: str, **fields: str) -> dict[str, Any]:
        """A request without the package, as the originals send where theirs had no method."""
        headers = {"Stripe-Account": account, "Authorization": f"Bearer {self.key}"}
        return httpx.post(self.url + path, headers=headers, data=fields, trust_env=False).json()

    def login(self, account: str) -> dict[str, Any]:
        read = self.v1.accounts.retrieve(account)
        return {
            "name": read.business_profile.name,
            "country": read.country,
            "currency": read.default_currency,
            "outstanding": [one for one in read.requirements.currently_due if one != "external_account"],
        }

    def onboard(self, account: str, country: str, email: str, site: str, skip: bool) -> dict[str, Any]:
        city = {"city": "South San Francisco", "state": "CA", "postal_code": "94080"} if country == "US" else {}
        self.v1.accounts.update(
            account,
            {
                "business_type": "individual",
                "business_profile": {
                    "name": "Rocket Bread",
                    "mcc": "5734",
                    "product_description": "Bread and rolls",
                    "url": "https://accessible.stripe.com",
                    "annual_revenue": {
                        "amount": 0,
                        "currency": CURRENCIES[country],
                        "fiscal_year_end": "2025-12-31",
                    },
                    "estimated_worker_count": 1,
                },
                "company": {"name": "Rocket Bread", "tax_id": "000000000"},
                "individual": {
                    "address": {"line1": "address_full_match", **city, "country": country},
                    "dob": {"day": 1, "month": 1, "year": 1901},
                    "email": email,
                    "first_name": "John",
                    "last_name": "Smith",
                    "phone": "000-000-0000",
                },
                **({"tos_acceptance": TERMS} if skip else {}),
                "settings": {name: {"tos_acceptance": TERMS} for name in self.programs},
            },
        )
        if skip:
            return {"redirect": "/"}
        ways = {"refresh_url": f"{site}/onboard", "return_url": f"{site}/"}
        return {
            "redirect": self.v1.account_links.create({"type": "account_onboarding", "account": account, **ways}).url
        }

    def cardholders(self, account: str, address: dict[str, str], phone: str) -> dict[str, Any]:
        accepted = {"user_terms_acceptance": {"date": int(time.time()), "ip": "198.51.100.7"}}
        made = self.v1.issuing.cardholders.create(
            {
                "type": "individual",
                "name": "Ada Example",
                "email": "ada@example.com",
                "phone_number": phone,
                "individual": {"first_name": "Ada", "last_name": "Example", "card_issuing": accepted},
                "billing": {"address": address},
            },
            {"stripe_account": account},
        )
        changed = self.v1.issuing.cardholders.update(
            made.id,
            {"individual": {"first_name": "Ada", "last_name": "Lovelace", "card_issuing": accepted}},
            {"stripe_account": account},
        )
        return {"id": made.id, "name": changed.individual.last_name, "due": changed.requirements.past_due}

    def cards(self, account: str, cardholder: str, currency: str, type: str) -> dict[str, Any]:
        if self.v1.accounts.retrieve(account).capabilities.card_issuing != "active":
            raise ValueError("Card issuing is still being activated.")
        backing = self.backing(account)
        holder = self.v1.issuing.cardholders.retrieve(cardholder, options={"stripe_account": account})
        home = holder.billing.address
        address = {name: home[name] or "" for name in ("line1", "city", "state", "postal_code", "country")}
        shipping = {"name": holder.name, "service": "standard", "type": "individual", "address": address}
        kind = {"type": type, "status": "active"}
        if type == "physical":
            kind = {"type": type, "status": "inactive", "shipping": shipping}
        params = {"cardholder": cardholder, "currency": currency, **kind, **backing}
        made = self.v1.issuing.cards.create(params, {"stripe_account": account})
        return {"id": made.id, "status": made.status}

    def switch_card_status(self, account: str, card: str, status: str) -> dict[str, Any]:
        return {"status": self.v1.issuing.cards.update(card, {"status": status}, {"stripe_account": account}).status}

    def card_keys(self, account: str, card: str, nonce: str) -> dict[str, Any]:
        options = {"stripe_account": account, "stripe_version": "2022-08-01"}
        return {"secret": self.v1.ephemeral_keys.create({"nonce": nonce, "issuing_card": card}, options).secret}

    def create_authorization(self, account: str, card: str, currency: str) -> dict[str, Any]:
        if self.spendable(account) < 1000:
            raise ValueError("There is no money for a test purchase.")
        helpers = self.v1.test_helpers.issuing.authorizations
        options = {"stripe_account": account}
        made = helpers.create({"amount": 1000, "currency": currency, "card": card}, options)
        saw = {"approved": made.approved, "reason": made.request_history[0].reason}
        return {**saw, "status": helpers.capture(made.id, options=options).status} if made.approved else saw

    def decide(self, account: str, approves: bool) -> dict[str, Any]:
        """The platform's own endpoint is asked about each purchase from then on."""
        if self.hook is None:
            self.hook = Receiver()
            events = ["issuing_authorization.request"]
            about = {"url": self.hook.url, "enabled_events": events, "connect": True}
            secret = self.v1.webhook_endpoints.create(about).secret

            def decided(arrived: Arrived) -> Reply:
                event: Any = self.stripe.construct_event(arrived.body, arrived.headers["stripe-signature"], secret)
                yes = self.approves and event.data.object.pending_request.amount == 1000
                headers = {"Stripe-Version": VERSION, "Content-Type": "application/json"}
                return Reply(200, json.dumps({"approved": yes}).encode(), headers)

            self.hook.answer = decided
        self.approves = approves
        return {}

    def create_payment_link(self, account: str, currency: str) -> dict[str, Any]:
        options = {"stripe_account": account}
        known = self.v1.prices.list({"limit": 1, "active": True, "type": "one_time"}, options).data
        product = {"unit_amount": 1000, "currency": currency, "product_data": {"name": "Bread"}}
        price = known[0] if known else self.v1.prices.create(product, options)
        items = [{"price": price.id, "quantity": 1, "adjustable_quantity": {"enabled": True}}]
        link = self.v1.payment_links.create({"line_items": items}, options)
        return {"url": link.url, "reused": len(known) == 1}

    def test_data(self, account: str) -> dict[str, Any]:
        banks = self.v1.accounts.retrieve(account).external_accounts.data
        (available, *_) = self.v1.balance.retrieve(options={"stripe_account": account}).available
        return {"bank": bool(banks), "available": available.amount, "currency": available.currency}

    def create_payout(self, account: str, currency: str) -> dict[str, Any]:
        amount = self.v1.balance.retrieve(options={"stripe_account": account}).available[0].amount
        if amount <= 0:
            raise ValueError("There is nothing to pay out.")
        made = self.v1.payouts.create({"amount": amount, "currency": currency}, {"stripe_account": account})
        return {"amount": made.amount, "status": made.status}

    def card_lists(self, account: str, card: str) -> dict[str, Any]:
        options = {"stripe_account": account}
        issuing = self.v1.issuing
        lately = issuing.authorizations.list({"limit": 10}, options).data
        of_card = issuing.authorizations.list({"card": card, "limit": 10}, options).data
        return {
            "cardholders": [one.name for one in issuing.cardholders.list({"limit": 100}, options).data],
            "cards": [one.type for one in issuing.cards.list({"limit": 100}, options).data],
            "authorizations": [one.approved for one in lately],
            "last": issuing.authorizations.retrieve(lately[0].id, options=options).merchant_data.name,
            "holder": issuing.cards.retrieve(card, {"expand": ["cardholder"]}, options).cardholder.name,
            "spent": sum(one.amount for one in of_card if one.approved),
        }

    def delete_account(self, account: str) -> dict[str, Any]:
        deleted = self.v1.accounts.delete(account).deleted
        try:
            self.v1.balance.retrieve(options={"stripe_account": account})
        except stripe.PermissionError as refusal:
            return {"deleted": deleted, "afterwards": refusal.error.code}
        return {"deleted": deleted, "afterwards": None}

    def backing(self, account: str) -> dict[str, Any]:
        raise NotImplementedError

    def spendable(self, account: str) -> int:
        raise NotImplementedError


class EmbeddedFinance(App):
    """Cards on a financial account."""

    programs = ("card_issuing", "treasury")

    def register(self, country: str, email: str) -> dict[str, Any]:
        account = self.v1.accounts.create(
            {
                "type": "custom",
                "country": country,
                "email": email,
                "business_type": "individual",
                "individual": {"id_number": "000000000"},
                "capabilities": asked_for("transfers", "card_payments", "card_issuing", "treasury"),
            }
        )
        features = {
            **asked_for("card_issuing", "deposit_insurance", "intra_stripe_flows"),
            "financial_addresses": asked_for("aba"),
            "inbound_transfers": asked_for("ach"),
            "outbound_payments": asked_for("ach", "us_domestic_wire"),
            "outbound_transfers": asked_for("ach", "us_domestic_wire"),
        }
        self.v1.treasury.financial_accounts.create(
            {"supported_currencies": ["usd"], "features": features}, {"stripe_account": account.id}
        )
        return {"account": account.id}

    def financial_account(self, account: str, **params: Any) -> Any:
        """The account's only one."""
        return self.v1.treasury.financial_accounts.list(params, {"stripe_account": account}).data[0]

    def with_numbers(self, account: str) -> Any:
        """The same, with the whole of its bank coordinates."""
        return self.financial_account(account, expand=["data.financial_addresses.aba.account_number"])

    def backing(self, account: str) -> dict[str, Any]:
        return {"financial_account": self.financial_account(account).id}

    def spendable(self, account: str) -> int:
        return self.financial_account(account).balance.cash["usd"]

    def create_receivedcredit(self, account: str) -> dict[str, Any]:
        params = {"amount": 50000, "currency": "USD", "network": "ach"}
        self.v1.test_helpers.treasury.received_credits.create(
            {**params, "financial_account": self.with_numbers(account).id}, {"stripe_account": account}
        )
        return {}

    def add_external_account(self, account: str, currency: str) -> dict[str, Any]:
        aba = self.with_numbers(account).financial_addresses[0].aba
        bank = {"account_number": aba.account_number, "routing_number": aba.routing_number}
        token = self.v1.tokens.create({"bank_account": {**bank, "country": "US", "currency": currency}})
        added = self.v1.accounts.external_accounts.create(account, {"external_account": token.id})
        return {"currency": added.currency, "country": added.country}

    def send_money(self, account: str, network: str, result: str) -> dict[str, Any]:
        home = {"city": "Alvin", "state": "TX", "postal_code": "77511", "line1": "123 Main St.", "country": "US"}
        about = {"email": "jenny@example.com", "phone": "7135551212", "name": "Jenny Rosen", "address": home}
        bank = {"account_holder_type": "company", "routing_number": "110000000", "account_number": "000000000009"}
        options = {"stripe_account": account}
        payment = self.v1.treasury.outbound_payments.create(
            {
                "financial_account": self.with_numbers(account).id,
                "amount": 500,
                "currency": "USD",
                "statement_descriptor": "Descriptor",
                "destination_payment_method_data": {
                    "type": "us_bank_account",
                    "us_bank_account": bank,
                    "billing_details": about,
                },
                "destination_payment_method_options": {"us_bank_account": {"network": network}},
            },
            options,
        )
        if result == "processing":
            return {"status": payment.status}
        helpers = self.v1.test_helpers.treasury.outbound_payments
        return {"status": getattr(helpers, result)(payment.id, options=options).status}

    def create_account_session(self, account: str) -> dict[str, Any]:
        disputes = {"card_spend_dispute_management": True}
        managing = {"card_management": True, "cardholder_management": True, "spend_control_management": True}
        moving = {"external_account_collection": True, "send_money": True, "transfer_balance": True}
        session = self.v1.account_sessions.create(
            {
                "account": account,
                "components": {
                    "issuing_cards_list": {"enabled": True, "features": {**managing, **disputes}},
                    "financial_account": {"enabled": True, "features": moving},
                    "financial_account_transactions": {"enabled": True, "features": disputes},
                },
            },
            {"stripe_version": f"{VERSION};embedded_connect_beta=v2"},
        )
        return {"secret": "string" if isinstance(session.client_secret, str) else "undefined"}

    def overview(self, account: str, now: int) -> dict[str, Any]:
        bank = self.financial_account(account)

        def transactions(**more: Any) -> list[Any]:
            params = {"financial_account": bank.id, **more}
            return self.v1.treasury.transactions.list(params, {"stripe_account": account}).data

        rows = []
        for row in transactions(limit=10, expand=["data.flow_details"]):
            receipt = row.flow_details[row.flow_type].hosted_regulatory_receipt_url if has_receipt(row) else None
            rows.append([row.flow_type, row.amount, row.status, "string" if isinstance(receipt, str) else "undefined"])
        return {
            "cash": bank.balance.cash["usd"],
            "pending": bank.balance.outbound_pending["usd"],
            "last": len(transactions(limit=10)),
            "chart": len(transactions(limit=1000, created={"gte": now - 9 * DAY, "lte": now})),
            "rows": rows,
        }


def has_receipt(row: Any) -> bool:
    """Whether what a row is about has the member at all."""
    return "hosted_regulatory_receipt_url" in row.flow_details[row.flow_type]


class ExpenseManagement(App):
    """Cards on the Issuing balance."""

    programs = ("card_issuing",)

    def register(self, country: str, email: str) -> dict[str, Any]:
        account = self.v1.accounts.create(
            {
                "controller": {
                    "stripe_dashboard": {"type": "none"},
                    "fees": {"payer": "application"},
                    "requirement_collection": "application",
                    "losses": {"payments": "application"},
                },
                "country": country,
                "email": email,
                "business_type": "individual",
                "individual": {"id_number": "000000000"},
                "capabilities": asked_for("transfers", "card_payments", "card_issuing"),
            }
        )
        return {"account": account.id}

    def backing(self, account: str) -> dict[str, Any]:
        return {}

    def spendable(self, account: str) -> int:
        return self.v1.balance.retrieve(options={"stripe_account": account}).issuing.available[0].amount

    def create_funding_instructions(self, account: str, country: str, currency: str) -> dict[str, Any]:
        way = {"bank_transfer[type]": "gb_bank_transfer" if country == "GB" else "eu_bank_transfer"}
        path = "/v1/issuing/funding_instructions"
        made = self.post(path, account, currency=currency, funding_type="bank_transfer", **way)
        (address, *_) = made["bank_transfer"]["financial_addresses"]
        number = address["iban"]["iban"] if "iban" in address else address["sort_code"]["account_number"]
        return {"type": address["type"], "number": "string" if isinstance(number, str) else "undefined"}

    def fund_issuing_balance(self, account: str, currency: str) -> dict[str, Any]:
        self.post("/v1/test_helpers/issuing/fund_balance", account, amount="50000", currency=currency)
        return {}

    def add_external_account(self, account: str, currency: str) -> dict[str, Any]:
        bank = {"account_number": "00012345", "routing_number": "108800", "country": "GB", "currency": currency}
        token = self.v1.tokens.create({"bank_account": bank})
        added = self.v1.accounts.external_accounts.create(account, {"external_account": token.id})
        return {"currency": added.currency, "country": added.country}

    def overview(self, account: str, now: int) -> dict[str, Any]:
        balance = self.v1.balance.retrieve(options={"stripe_account": account})
        rows = self.v1.balance_transactions.list(
            {"created": {"gte": now - 9 * DAY, "lte": now}, "limit": 100}, {"stripe_account": account}
        )
        held = ("issuing_authorization_release", "issuing_authorization_hold")
        return {
            "issuing": balance.issuing.available[0].amount,
            "available": balance.available[0].amount,
            "rows": [[row.type, row.amount] for row in rows.data if row.type not in held],
        }


APPS: dict[str, type[App]] = {"embedded-finance": EmbeddedFinance, "expense-management": ExpenseManagement}
