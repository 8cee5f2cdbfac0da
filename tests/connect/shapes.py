"""What the tests of Connect say about accounts: the smallest, and everything a US individual or company must tell."""

from __future__ import annotations

from typing import Any

from tests.client import Client

CONTROLLER: dict[str, Any] = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "application",
    "stripe_dashboard": {"type": "none"},
}
TERMS = {"date": 1_700_000_000, "ip": "8.8.8.8"}
ALL = ("card_issuing", "card_payments", "transfers", "treasury")
PROFILE: dict[str, Any] = {
    "annual_revenue": {"amount": 0, "currency": "usd", "fiscal_year_end": "2024-12-31"},
    "estimated_worker_count": 1,
    "mcc": "5734",
    "name": "Some Company",
    "product_description": "Something",
    "url": "https://accessible.stripe.com",
}
ADDRESS: dict[str, Any] = {
    "city": "San Francisco",
    "country": "US",
    "line1": "address_full_match_sync",
    "postal_code": "94111",
    "state": "CA",
}
STREET = {"city": "Oakland", "country": "US", "line1": "1 Main St", "postal_code": "94111", "state": "CA"}
JENNY: dict[str, Any] = {
    "address": ADDRESS,
    "dob": {"day": 1, "month": 1, "year": 1902},
    "email": "jenny@example.com",
    "first_name": "Jenny",
    "id_number": "222222222",
    "last_name": "Rosen",
    "phone": "0000000000",
}
SETTINGS: dict[str, Any] = {"card_issuing": {"tos_acceptance": TERMS}, "treasury": {"tos_acceptance": TERMS}}
BANK: dict[str, Any] = {
    "object": "bank_account",
    "account_number": "000123456789",
    "country": "US",
    "currency": "usd",
    "routing_number": "110000000",
}


def asking(*names: str) -> dict[str, Any]:
    """The `capabilities` parameter that requests these."""
    return {name: {"requested": True} for name in names}


def account_of(platform: Client, *names: str, **more: Any) -> dict[str, Any]:
    """A controlled account that requested these capabilities."""
    params = {"controller": CONTROLLER, "capabilities": asking(*(names or ALL)), **more}
    return platform.made("/v1/accounts", **params)


def individual(**person: Any) -> dict[str, Any]:
    """Everything a US individual must tell; `person` differs from Jenny."""
    return {
        "business_type": "individual",
        "business_profile": PROFILE,
        "individual": {**JENNY, **person},
        "settings": SETTINGS,
        "tos_acceptance": TERMS,
    }


def company(**members: Any) -> dict[str, Any]:
    """Everything a US company must tell, its representative aside."""
    return {
        "business_type": "company",
        "business_profile": PROFILE,
        "company": {
            "address": ADDRESS,
            "name": "Some Company",
            "owners_provided": True,
            "phone": "0000000000",
            "tax_id": "222222222",
            **members,
        },
        "settings": SETTINGS,
        "tos_acceptance": TERMS,
    }


def representative(**more: Any) -> dict[str, Any]:
    """Everything a company's representative must tell."""
    return {**JENNY, "relationship": {"representative": True, "executive": True, "title": "CEO"}, **more}
