"""Who may use Issuing."""

from __future__ import annotations

import pytest

from emulator.connect import issuing_access
from tests.issuing.holders import BILLING, CARDHOLDERS, CARDS, a_card, a_cardholder, a_connected_account

NOT_SET_UP = (
    "Your account is not set up to use Issuing. Please visit https://dashboard.stripe.com/issuing/overview to get "
    "started."
)
DESIGNS, BUNDLES = "/v1/issuing/personalization_designs", "/v1/issuing/physical_bundles"
CREATING = [
    (CARDHOLDERS, {"name": "Ada", "billing": BILLING}),
    (CARDS, {"currency": "usd", "type": "virtual"}),
    (DESIGNS, {}),
]


def creating_params(client, path, params):
    """Parameters whose named objects are there."""
    return {"physical_bundle": client.read(BUNDLES)["data"][0]["id"]} if path == DESIGNS else params


@pytest.mark.parametrize("path, params", CREATING)
def test_a_connected_account_without_the_capability_creates_nothing(platform, path, params):
    client = a_connected_account(platform, "transfers")

    answer = client.post(path, **creating_params(client, path, params))

    assert (answer.status, answer.error["code"]) == (400, "capability_not_active")
    assert "param" not in answer.error
    assert answer.error["message"] == (
        f"The account {client.account} does not have the `card_issuing` capability active."
    )


def test_a_pending_capability_is_not_enough(platform):
    platform.settings(onboarding="verify")
    client = a_connected_account(platform, "card_issuing", "transfers")

    answer = client.post(CARDHOLDERS, name="Ada", billing=BILLING)

    assert answer.error["code"] == "capability_not_active"


def test_a_rejected_accounts_cards_are_canceled_and_can_still_be_read_and_annotated(platform):
    client = a_connected_account(platform, "card_issuing", "transfers")
    card = a_card(client, status="active")
    platform.made(f"/v1/accounts/{client.account}/reject", reason="other")

    holder = f"{CARDHOLDERS}/{card['cardholder']['id']}"
    assert client.post(CARDHOLDERS, name="Ada", billing=BILLING).error["code"] == "capability_not_active"
    assert client.read(f"{CARDS}/{card['id']}")["status"] == "canceled"
    assert client.made(f"{CARDS}/{card['id']}", metadata={"a": "b"})["metadata"] == {"a": "b"}
    assert client.made(holder, email="ada@example.com")["email"] == "ada@example.com"
    assert len(client.read(CARDS)["data"]) == 1


def test_a_platform_always_has_issuing(platform):
    assert a_card(platform)["status"] == "inactive"


@pytest.mark.parametrize("path", [CARDHOLDERS, CARDS, DESIGNS, BUNDLES])
def test_a_tenant_without_issuing_lists_nothing(platform, path):
    platform.settings(issuing_enabled=False)

    answer = platform.get(path)

    assert (answer.status, answer.error["message"]) == (400, NOT_SET_UP)
    assert "code" not in answer.error and "param" not in answer.error


@pytest.mark.parametrize("path, params", CREATING)
def test_a_tenant_without_issuing_creates_nothing(platform, path, params):
    params = creating_params(platform, path, params)
    platform.settings(issuing_enabled=False)

    assert platform.post(path, **params).error["message"] == NOT_SET_UP


@pytest.mark.parametrize("path, noun", [(CARDHOLDERS, "issuing cardholder"), (CARDS, "issuing card")])
def test_an_unknown_id_is_missing_even_there(platform, path, noun):
    platform.settings(issuing_enabled=False)

    for answer in (platform.get(f"{path}/nope"), platform.post(f"{path}/nope")):
        assert (answer.status, answer.error["message"]) == (404, f"No such {noun}: 'nope'")


def test_what_a_tenant_had_is_out_of_reach_until_issuing_is_back(platform):
    card, holder = a_card(platform), a_cardholder(platform)
    platform.settings(issuing_enabled=False)

    refusals = [
        platform.get(f"{CARDS}/{card['id']}"),
        platform.post(f"{CARDS}/{card['id']}", status="active"),
        platform.get(f"{CARDHOLDERS}/{holder['id']}"),
        platform.post(f"{CARDHOLDERS}/{holder['id']}", email="ada@example.com"),
        platform.post(f"/v1/test_helpers/issuing/cards/{card['id']}/shipping/ship"),
    ]
    platform.settings(issuing_enabled=None)

    assert {answer.error["message"] for answer in refusals} == {NOT_SET_UP}
    assert platform.read(f"{CARDS}/{card['id']}") == card


def test_bad_parameters_are_named_first(platform):
    platform.settings(issuing_enabled=False)

    assert platform.post(CARDS, colour="red").error["message"] == "Received unknown parameter: colour"


@pytest.mark.parametrize(
    "path, params",
    [
        ("/v1/test_helpers/issuing/fund_balance", {"amount": 1, "currency": "usd"}),
        ("/v1/topups", {"amount": 1, "currency": "usd", "destination_balance": "issuing"}),
    ],
)
def test_the_issuing_balance_is_funded_only_where_issuing_can_be_used(platform, path, params):
    stranger = a_connected_account(platform, "transfers")

    refused = stranger.post(path, **params)
    platform.settings(issuing_enabled=False)
    switched_off = platform.post(path, **params)

    assert (refused.status, refused.error["code"]) == (400, "capability_not_active")
    assert refused.error["message"] == (
        f"The account {stranger.account} does not have the `card_issuing` capability active."
    )
    assert "param" not in refused.error
    assert (switched_off.status, switched_off.error["message"]) == (400, NOT_SET_UP)
    assert platform.post("/v1/topups", amount=1, currency="usd").status == 200  # the payments balance is another matter
    assert stranger.post("/v1/topups", amount=1, currency="usd").status == 200


def test_a_gated_reading_keeps_what_routes_know_of_it():
    def reading(world, params):
        """Reads."""

    reading.is_list = True

    gated = issuing_access.gated(reading)

    assert gated.is_list and gated.__doc__ == "Reads."
