"""A world to test in, against the emulator in this process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from emulator.testing import InProcess, Refused, World


@pytest.fixture(scope="module")
def emulator() -> Iterator[InProcess]:
    with InProcess() as emulator:
        yield emulator


@pytest.fixture
def world(emulator: InProcess, key: str) -> Iterator[World]:
    world = emulator.world(key)
    yield world
    world.close()


def test_a_card_alone_is_the_platforms_and_spends_a_funded_issuing_balance(world):
    card = world.card()

    assert isinstance(card, stripe.issuing.Card) and card.stripe_account is None
    assert world.purchase(card, 500_00).approved
    assert not world.purchase(card, 1).approved  # what a card may spend a day where nothing is said


def test_a_card_of_a_financial_account_spends_its_cash(world):
    account = world.connected_account()
    there = world.financial_account(account=account, funded=50_00)

    card = world.card(financial_account=there)

    assert card.stripe_account == there.stripe_account == account.id
    assert world.purchase(card, 50_00, merchant="Rocket Bakery", capture=True).status == "closed"
    cash = world.client(account.id).v1.treasury.financial_accounts.retrieve(there.id).balance.cash["usd"]
    assert cash == 0


def test_a_financial_account_alone_is_of_an_account_made_on_the_way(world):
    there = world.financial_account(funded=50_00)

    assert world.card(financial_account=there).stripe_account == there.stripe_account != None  # noqa: E711


@pytest.mark.parametrize(("country", "currency"), [("GB", "gbp"), ("DE", "eur"), ("FR", "eur")])
def test_cards_of_accounts_elsewhere_are_in_their_currency(world, country, currency):
    card = world.card(account=world.connected_account(country))

    assert card.currency == currency
    assert world.purchase(card, 20_00).approved


def test_what_is_given_goes_before_what_would_be_made(world):
    holder = world.cardholder(name="Ada Lovelace")

    card = world.card(cardholder=holder.id, funded=0, spending_controls={"allowed_categories": ["bakeries"]})

    assert card.cardholder.name == "Ada Lovelace"
    assert card.spending_controls.allowed_categories == ["bakeries"]
    assert not world.purchase(card, 1_00).approved


def test_ids_do_where_objects_do(world):
    account = world.connected_account().id
    there = world.financial_account(account=account).id
    world.fund(there, 50_00)

    card = world.card(financial_account=there)

    assert world.purchase(card.id, 20_00).stripe_account == account
    assert world.find(card.id)["data"]["last4"] == card.last4
    with pytest.raises(Refused, match="Nothing in this world has the id 'ic_none'"):
        world.purchase("ic_none", 20_00)


def test_a_merchant_is_a_name_or_more(world):
    card = world.card()

    named = world.purchase(card, 1_00, merchant="Rocket Bakery")
    told = world.purchase(card, 1_00, merchant={"name": "Petit Pain", "country": "FR", "category": "bakeries"})

    assert named.merchant_data.name == "Rocket Bakery"
    assert (told.merchant_data.country, told.merchant_data.category) == ("FR", "bakeries")


def test_a_declined_purchase_is_not_captured(world):
    refused = world.purchase(world.card(funded=5_00), 5_01, capture=True)

    assert not refused.approved
    assert str(world.why(refused.id)) == "declined by: $5.01 would be held, and $5.00 can be spent"


def test_refusals_of_the_api_are_the_sdks_errors_and_those_of_the_controls_ours(world):
    with pytest.raises(stripe.InvalidRequestError):
        world.card(currency="jpy")
    with pytest.raises(Refused, match="No rules were asked") as refused:
        world.why("iauth_none")

    assert refused.value.status == 404 and refused.value.error["code"] == "resource_missing"


def test_events_of_all_accounts_are_there_oldest_first(world):
    card = world.card(financial_account=world.financial_account(funded=50_00))
    world.purchase(card, 1_00)

    happened = world.events()

    assert [event.type for event in world.events("issuing_c*")] == [
        "issuing_cardholder.created",
        "issuing_card.created",
    ]
    assert [event.created for event in happened] == sorted(event.created for event in happened)
    assert world.wait_for("issuing_card.created").data.object.id == card.id
    assert world.wait_for("issuing_card.created").account == card.stripe_account


def test_more_events_than_a_page_are_all_told(world):
    for _ in range(110):
        world.client().v1.customers.create()

    assert len(world.events("customer.created")) == 110


def test_what_does_not_happen_is_said_with_what_did(world):
    world.card()

    with pytest.raises(TimeoutError, match=r"No payout.paid within 0 s. .*issuing_card.created"):
        world.wait_for("payout.paid", timeout=0)


def test_a_handler_decides_purchases_and_hears_of_them(world):
    def handler(event: stripe.Event) -> dict[str, bool] | None:
        if event.type == "issuing_authorization.request":
            return {"approved": event.data.object.pending_request.amount <= 20_00}
        return None

    world.settings(real_time_timeout_ms=20_000)
    receiver = world.webhook(handler)
    card = world.card(financial_account=world.financial_account(funded=50_00))

    decided = [world.purchase(card, amount).approved for amount in (20_00, 20_01)]
    drained = world.drain()

    assert decided == [True, False]
    assert drained.drained and drained.failed == 0
    assert receiver.types.count("issuing_authorization.created") == 2
    assert {event.account for event in receiver.events if event.type == "issuing_card.created"} == {card.stripe_account}


def test_a_handler_that_says_nothing_approves_and_may_decide_by_a_call(world):
    def handler(event: stripe.Event) -> None:
        asked = event.data.object
        if event.type == "issuing_authorization.request" and asked.pending_request.amount > 20_00:
            world.client().v1.issuing.authorizations.decline(asked.id)

    world.settings(real_time_timeout_ms=20_000)
    world.webhook(handler)
    card = world.card()

    assert [world.purchase(card, amount).approved for amount in (20_00, 20_01)] == [True, False]


def test_what_a_handler_raises_is_raised_when_the_world_is_closed(emulator, key):
    world = emulator.world(key)

    def handler(event: stripe.Event) -> None:
        raise ValueError(event.type)

    world.webhook(handler, events=["issuing_cardholder.created"])
    world.cardholder()
    world.drain()

    with pytest.raises(ValueError, match="issuing_cardholder.created"):
        world.close()


def test_only_what_our_secret_signed_reaches_a_handler(world):
    import httpx

    receiver = world.webhook()
    httpx.post(f"{receiver.url}/platform", content=b"{}", headers={"Stripe-Signature": "t=1,v1=00"}, trust_env=False)

    assert receiver.events == []
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.close()
    world.receivers.clear()


def test_the_clock_is_the_worlds(world):
    frozen = world.clock.freeze()
    later = world.clock.advance(days=40, hours=1)

    assert later - frozen == timedelta(days=40, hours=1)
    assert world.clock.set(later + timedelta(minutes=1)) == world.clock.now == later + timedelta(minutes=1)
    assert world.clock.read()["frozen"]
    assert world.clock.unfreeze().tzinfo == UTC
    with pytest.raises(Refused, match="forward only"):
        world.clock.set(datetime(2020, 1, 1, tzinfo=UTC))


def test_settings_are_read_changed_and_put_back(world):
    default = world.settings()["real_time_timeout_ms"]

    assert world.settings(real_time_timeout_ms=10)["real_time_timeout_ms"] == 10
    assert world.settings(real_time_timeout_ms=None)["real_time_timeout_ms"] == default


def test_the_next_request_fails_as_it_was_told_to(world):
    client = world.client(max_network_retries=0)
    world.fail_next("/v1/issuing/cards", kind="rate_limit", method="GET")

    with pytest.raises(stripe.RateLimitError):
        client.v1.issuing.cards.list()

    assert client.v1.issuing.cards.list().data == []


def test_a_reset_world_is_empty(world):
    world.card()

    world.reset()

    assert world.client().v1.issuing.cards.list().data == []


def test_a_world_is_brought_back_to_what_it_was_when_it_was_kept(world):
    card = world.card()
    saved = world.snapshot()
    time = world.clock.freeze()
    named = world.snapshot("a frozen clock")
    refused = world.purchase(card, 20_00)
    world.clock.advance(days=40)

    saved.restore()

    assert not world.clock.read()["frozen"]
    assert world.client().v1.issuing.authorizations.list().data == []
    assert world.client().v1.issuing.cards.retrieve(card.id).last4 == card.last4
    named.restore()
    assert world.clock.now == time
    with pytest.raises(Refused):
        world.why(refused.id)
    assert sorted(one.name for one in world.snapshots()) == ["a frozen clock", "snapshot 1"]
    named.delete()
    saved.delete()
    assert world.snapshots() == []


def test_a_fork_is_another_world_that_was_the_same(emulator, world, key):
    card = world.card()
    other = emulator.world(f"{key}_other")
    other.card()

    world.fork(other.api_key)
    other.purchase(card.id, 5_00)

    assert [one.id for one in other.client().v1.issuing.cards.list().data] == [card.id]
    assert world.client().v1.issuing.authorizations.list().data == []
    other.close()


def test_a_world_is_seeded_with_one_that_comes_along_or_a_file(world, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"_meta": {}, "fixtures": [{"name": "ada", "path": "/v1/customers", "method": "post"}]}')

    made = world.seed("demo")
    mine = world.seed(str(file))

    assert world.find(made["card"]["id"])["account"] == made["account"]["id"]
    assert world.find(mine["ada"]["id"])["data"]["object"] == "customer"


def test_the_last_requests_are_told_oldest_first(world):
    world.cardholder()

    assert [(one["method"], one["path"]) for one in world.requests(limit=2)] == [
        ("GET", "/v1/account"),
        ("POST", "/v1/issuing/cardholders"),
    ]
    assert [one["path"] for one in world.requests(method="POST", path="/v1/*")] == ["/v1/issuing/cardholders"]
