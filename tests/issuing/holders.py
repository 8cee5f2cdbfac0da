"""What many Issuing tests start from: a cardholder who may have active cards, a card, a connected account."""

from __future__ import annotations

from typing import Any

from tests.client import Client

ADDRESS = {"line1": "1 Main Street", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}
GERMAN_ADDRESS = {"line1": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
BRITISH_ADDRESS = {"line1": "1 High Street", "city": "London", "postal_code": "N1 1AA", "country": "GB"}
BILLING = {"address": ADDRESS}
TERMS = {"user_terms_acceptance": {"date": 1_700_000_000, "ip": "198.51.100.7"}}
PERSON = {"first_name": "Ada", "last_name": "Example", "card_issuing": TERMS}
SHIPPING = {"name": "Ada Example", "address": ADDRESS}
CONTROLLER = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "application",
    "stripe_dashboard": {"type": "none"},
}
CARDHOLDERS, CARDS = "/v1/issuing/cardholders", "/v1/issuing/cards"


def a_cardholder(client: Client, **more: Any) -> dict[str, Any]:
    """An individual with nothing past due."""
    return client.made(CARDHOLDERS, **{"name": "Ada Example", "billing": BILLING, "individual": PERSON, **more})


def card_params(client: Client, **more: Any) -> dict[str, Any]:
    """What an inactive virtual card needs; a cardholder of its own unless one is given."""
    holder = {} if "cardholder" in more else {"cardholder": a_cardholder(client)["id"]}
    return {**holder, "currency": "usd", "type": "virtual", **more}


def a_card(client: Client, **more: Any) -> dict[str, Any]:
    """An inactive virtual card."""
    return client.made(CARDS, **card_params(client, **more))


def a_physical_card(client: Client, **more: Any) -> dict[str, Any]:
    """An inactive physical card that waits to be shipped."""
    return a_card(client, **{"type": "physical", "shipping": SHIPPING, **more})


def a_connected_account(platform: Client, *capabilities: str, country: str = "US") -> Client:
    """A client that acts for a new connected account with these capabilities."""
    requested = {name: {"requested": True} for name in capabilities}
    account = platform.made("/v1/accounts", country=country, controller=CONTROLLER, capabilities=requested)
    return platform.acting_as(account["id"])


def previous(event: dict[str, Any]) -> dict[str, Any] | None:
    """What an event says was there before."""
    return event["data"].get("previous_attributes")


def told(client: Client, since: int = 0) -> list[tuple[str, dict[str, Any] | None]]:
    """Type and previous attributes of the account's events in order, the first `since` left out."""
    return [(event["type"], previous(event)) for event in client.events()][since:]
