"""Balance transactions: the ledger's movements as Stripe lists them."""

import pytest

from emulator.kernel.ledger import moving
from tests.issuing.purchases import in_a_step

FUND = "/v1/test_helpers/issuing/fund_balance"
LIST = "/v1/balance_transactions"


def test_funding_is_a_balance_transaction_of_the_issuing_balance(platform):
    platform.made(FUND, amount=500_00, currency="usd")

    (transaction,) = platform.read(LIST)["data"]

    assert transaction == {
        "id": transaction["id"],
        "object": "balance_transaction",
        "amount": 500_00,
        "available_on": transaction["created"],
        "balance_type": "issuing",
        "created": transaction["created"],
        "currency": "usd",
        "description": "Funds added to Issuing balance",
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": 500_00,
        "reporting_category": "topup",
        "source": None,
        "status": "available",
        "type": "topup",
    }
    assert transaction["id"].startswith("txn_1")
    assert platform.read(f"{LIST}/{transaction['id']}") == transaction


def test_the_source_can_be_expanded(platform):
    topup = platform.made("/v1/topups", amount=1_00, currency="usd")["id"]

    (listed,) = platform.read(LIST, expand=["data.source"])["data"]
    read = platform.read(f"{LIST}/{listed['id']}", expand=["source.balance_transaction"])

    assert (listed["source"]["id"], listed["source"]["status"]) == (topup, "succeeded")
    assert read["source"]["balance_transaction"]["id"] == listed["id"]


def test_the_list_can_be_narrowed(platform):
    topup = platform.made("/v1/topups", amount=1_00, currency="usd")["id"]
    platform.made(FUND, amount=2_00, currency="eur")
    platform.made(f"/_emulator/topups/{topup}/reverse")

    def listed(**filters):
        return [transaction["net"] for transaction in platform.read(LIST, **filters)["data"]]

    assert listed() == [-1_00, 2_00, 1_00]
    assert listed(type="topup") == [2_00, 1_00]
    assert listed(currency="EUR") == [2_00]
    assert listed(source=topup) == [-1_00, 1_00]
    assert listed(source=topup, type="topup_reversal", currency="usd") == [-1_00]
    assert listed(source="ch_nobody") == listed(created={"lt": 1}) == []


def test_pages_follow_the_cursors_in_both_directions(platform):
    for amount in range(1, 6):
        platform.made(FUND, amount=amount, currency="usd")
    ids = [transaction["id"] for transaction in platform.read(LIST)["data"]]

    older = platform.read(LIST, limit=2, starting_after=ids[1])
    newer = platform.read(LIST, limit=2, ending_before=ids[3])

    assert ([one["amount"] for one in older["data"]], older["has_more"]) == ([3, 2], True)
    assert ([one["amount"] for one in newer["data"]], newer["has_more"]) == ([4, 3], True)
    assert older["url"] == LIST


@pytest.mark.parametrize("path", ["/v1/balance/history", LIST])
def test_the_old_address_answers_too(platform, path):
    platform.made(FUND, amount=1_00, currency="usd")

    page = platform.read(path)

    assert (len(page["data"]), page["url"]) == (1, path)
    assert platform.read(f"{path}/{page['data'][0]['id']}") == page["data"][0]


@pytest.mark.parametrize("id", ["txn_nope", "trxne_nope", "nope"])
def test_an_unknown_one_is_missing(platform, id):
    refusal = platform.get(f"{LIST}/{id}")
    cursor = platform.get(LIST, starting_after=id)

    assert (refusal.status, refusal.error["param"]) == (404, "id")
    assert refusal.error["message"] == f"No such balance transaction: '{id}'"
    assert (cursor.status, cursor.error["param"]) == (400, "starting_after")


def test_the_list_can_be_narrowed_by_when_money_is_available(platform):
    platform.made(FUND, amount=1_00, currency="usd")
    platform.clock(advance=3600)
    platform.made(FUND, amount=2_00, currency="usd")
    later, earlier = (one["available_on"] for one in platform.read(LIST)["data"])

    def listed(available_on):
        return [transaction["net"] for transaction in platform.read(LIST, available_on=available_on)["data"]]

    assert listed(later) == listed({"gt": earlier}) == [2_00]
    assert listed({"gte": earlier, "lt": later}) == [1_00]
    assert listed({"gt": later}) == []


def test_money_that_is_available_later_is_found_by_that_time(platform):
    with in_a_step(platform) as world:
        movement = moving(
            "charge",
            world.account,
            "a",
            "b",
            1_00,
            balance_type="payments",
            currency="usd",
            description=None,
            available_on=world.now + 172_800,
        )
        world.move(movement._replace(prefix="txn"), because=None)
        soon = world.now + 172_800

    assert [one["available_on"] for one in platform.read(LIST, available_on=soon)["data"]] == [soon]
    assert platform.read(LIST, available_on={"lt": soon})["data"] == []


@pytest.mark.parametrize(
    "filters, param",
    [({"foo": 1}, "foo"), ({"currency": "xxx"}, "currency"), ({"created": {"foo": 1}}, "created[foo]")],
)
def test_bad_filters_are_refused(platform, filters, param):
    refusal = platform.get(LIST, **filters)

    assert (refusal.status, refusal.error["param"]) == (400, param)
