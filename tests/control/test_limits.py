"""How much a card and its holder may still spend, as the control API counts it."""

from __future__ import annotations

from tests.client import Client
from tests.issuing.purchases import DAY, a_spender, authorize, done, refund

LIMITS = [
    {"amount": 100_00, "interval": "daily"},
    {"amount": 300_00, "interval": "monthly", "categories": ["taxicabs_limousines"]},
    {"amount": 60_00, "interval": "per_authorization"},
]


def limits_of(client: Client, card: dict) -> dict:
    return client.read(f"/_emulator/issuing/cards/{card['id']}/limits")


def test_a_card_tells_what_each_of_its_limits_has_left(platform):
    platform.clock(set=2_147_155_200, frozen=True)
    card = a_spender(platform, spending_controls={"spending_limits": LIMITS})
    authorize(platform, card, 20_00)
    authorize(platform, card, 15_00, merchant_data={"category": "bakeries"})

    told = limits_of(platform, card)

    assert (told["about"], told["currency"]) == (card["id"], "usd")
    daily, taxis, single = told["limits"]
    assert (daily["spent"], daily["left"], daily["since"]) == (35_00, 65_00, "2038-01-15")
    assert (taxis["spent"], taxis["left"], taxis["since"]) == (20_00, 280_00, "2038-01-01")
    assert taxis["categories"] == ["taxicabs_limousines"]
    assert (single["spent"], single["left"], single["since"]) == (None, 60_00, None)


def test_a_window_begins_anew_and_refunds_give_nothing_back(platform):
    platform.clock(set=2_147_155_200, frozen=True)
    card = a_spender(platform, spending_controls={"spending_limits": LIMITS})
    bought = done(platform, authorize(platform, card, 20_00), "capture")
    refund(platform, bought["transactions"][0])
    before = limits_of(platform, card)["limits"][0]["spent"]

    platform.clock(advance=DAY)

    assert before == 20_00
    assert limits_of(platform, card)["limits"][0]["spent"] == 0
    assert limits_of(platform, card)["limits"][1]["spent"] == 20_00


def test_a_cardholder_tells_what_all_cards_have_spent_together(platform):
    card = a_spender(platform)
    holder = card["cardholder"]["id"]
    path = f"/_emulator/issuing/cardholders/{holder}/limits"
    assert platform.read(path)["limits"] == []
    controls = {"spending_limits": [{"amount": 50_00, "interval": "all_time"}], "spending_limits_currency": "usd"}
    platform.made(f"/v1/issuing/cardholders/{holder}", spending_controls=controls)
    authorize(platform, card, 30_00)

    told = platform.read(path)

    assert told["currency"] == "usd"
    assert told["limits"] == [
        {"amount": 50_00, "categories": [], "interval": "all_time", "left": 20_00, "since": None, "spent": 30_00}
    ]


def test_nothing_is_told_of_what_is_not_there(platform):
    for path in ("/_emulator/issuing/cards/ic_none/limits", "/_emulator/issuing/cardholders/ich_none/limits"):
        assert platform.get(path).status == 404
