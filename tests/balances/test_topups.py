"""Top-ups: pending, then there; or bounced, canceled, taken back."""

from itertools import product

import pytest

from emulator.balances.topups import LIFECYCLE, Topup
from emulator.connect import bank_test_numbers
from emulator.kernel.errors import ApiError
from tests.examining import examine_tenant, rewrite

VERBS = sorted({verb for moves in LIFECYCLE.moves.values() for verb in moves})


def issuing(platform, currency="usd"):
    """What the Issuing balance can spend."""
    entries = platform.read("/v1/balance")["issuing"]["available"]
    return {entry["currency"]: entry["amount"] for entry in entries}[currency]


def payments(platform):
    """What the payments balance can pay out."""
    return platform.read("/v1/balance")["available"][0]["amount"]


def test_a_topup_of_the_issuing_balance_is_pending_in_the_reply_and_there_by_the_next_request(platform):
    topup = platform.made(
        "/v1/topups",
        amount=500_00,
        currency="USD",
        destination_balance="issuing",
        description="Cards",
        metadata={"a": 1},
    )

    assert topup == {
        "id": topup["id"],
        "object": "topup",
        "amount": 500_00,
        "balance_transaction": None,
        "created": topup["created"],
        "currency": "usd",
        "description": "Cards",
        "destination_balance": "issuing",
        "expected_availability_date": topup["created"],
        "failure_code": None,
        "failure_message": None,
        "initiated_by": "user",
        "livemode": False,
        "metadata": {"a": "1"},
        "payment_method": None,
        "payment_method_options": None,
        "source": None,
        "statement_descriptor": None,
        "status": "pending",
        "transfer_group": None,
    }
    arrived = platform.read(f"/v1/topups/{topup['id']}", expand=["balance_transaction"])
    assert arrived["status"] == "succeeded"
    assert arrived["balance_transaction"]["source"] == topup["id"]
    assert arrived["balance_transaction"]["balance_type"] == "issuing"
    assert (issuing(platform), payments(platform)) == (500_00, 0)
    assert platform.event_types() == ["topup.created", "topup.succeeded"]
    created, succeeded = platform.events()
    assert created["data"]["object"] == topup
    assert succeeded["data"]["object"]["status"] == "succeeded"
    assert (created["request"]["id"] is None, succeeded["request"]["id"]) == (False, None)


def test_without_a_destination_the_payments_balance_is_topped_up(platform):
    platform.made("/v1/topups", amount=20_00, currency="usd", source="btok_us_verified")

    assert (issuing(platform), payments(platform)) == (0, 20_00)
    (transaction,) = platform.read("/v1/balance_transactions", type="topup")["data"]
    assert (transaction["balance_type"], transaction["net"]) == ("payments", 20_00)


@pytest.mark.parametrize(
    "number, status, why", [("000123456789", "succeeded", None), ("000111111113", "failed", "account_closed")]
)
def test_a_token_that_was_made_is_a_source_once_and_its_number_decides(platform, number, status, why):
    bank = {"country": "US", "currency": "usd", "account_number": number, "routing_number": "110000000"}
    token = platform.made("/v1/tokens", bank_account=bank)["id"]

    topup = platform.made("/v1/topups", amount=20_00, currency="usd", source=token)
    again = platform.post("/v1/topups", amount=20_00, currency="usd", source=token)

    ended = platform.read(f"/v1/topups/{topup['id']}")
    assert (ended["status"], ended["failure_message"]) == (status, why)
    assert (again.status, again.error["code"]) == (400, "token_already_used")
    assert platform.read(f"/v1/tokens/{token}")["used"] is True


def test_a_card_is_no_source_of_a_topup(platform):
    refusal = platform.post("/v1/topups", amount=20_00, currency="usd", source="tok_visa")

    assert (refusal.status, refusal.error["param"]) == (400, "source")


REFUSED = {
    "btok_us_verified_noAccount": ("R03", "no_account"),
    "btok_us_verified_accountClosed": ("R02", "account_closed"),
    "btok_us_verified_insufficientFunds": ("R01", "insufficient_funds"),
    "btok_us_verified_debitNotAuthorized": ("R29", "debit_not_authorized"),
    "btok_us_verified_invalidCurrency": ("invalid_currency", "invalid_currency"),
}


def test_every_source_but_the_good_one_is_refused_for_a_reason_of_its_own():
    ends = {token: bank_test_numbers.refusal("US", number) for token, number in bank_test_numbers.TOKENS.items()}

    assert {source for source, why in ends.items() if why} == REFUSED.keys()


@pytest.mark.parametrize("source", REFUSED)
def test_the_bank_refuses_the_sources_that_are_made_for_it_with_the_code_of_the_return(platform, source):
    topup = platform.made("/v1/topups", amount=20_00, currency="usd", source=source, destination_balance="issuing")

    failed = platform.read(f"/v1/topups/{topup['id']}")

    assert topup["status"] == "pending"
    assert failed["status"] == "failed"
    assert (failed["failure_code"], failed["failure_message"]) == REFUSED[source]
    assert failed["balance_transaction"] is None
    assert issuing(platform) == 0
    assert platform.event_types() == ["topup.created", "topup.failed"]


def test_the_destination_tells_pending_topups_of_the_two_balances_apart(platform):
    platform.settings(progress="never")
    for_cards = platform.made("/v1/topups", amount=20_00, currency="usd", destination_balance="issuing")
    for_payouts = platform.made("/v1/topups", amount=30_00, currency="usd")
    gone = platform.made("/v1/topups", amount=40_00, currency="usd", destination_balance="issuing")
    platform.made(f"/v1/topups/{gone['id']}/cancel")

    pending = platform.read("/v1/topups", status="pending")["data"]

    destinations = {topup["id"]: topup["destination_balance"] for topup in pending}
    assert destinations == {for_cards["id"]: "issuing", for_payouts["id"]: None}


@pytest.mark.parametrize("progress", ["delay", "at_once", "never"])
def test_a_topup_that_has_not_arrived_can_be_canceled(platform, progress):
    platform.settings(progress=progress)
    topup = platform.made("/v1/topups", amount=20_00, currency="usd")

    canceled = platform.made(f"/v1/topups/{topup['id']}/cancel")

    assert canceled["status"] == "canceled"
    assert payments(platform) == 0
    assert platform.event_types() == ["topup.created", "topup.canceled"]


def test_a_topup_that_has_arrived_cannot(platform):
    topup = platform.made("/v1/topups", amount=20_00, currency="usd")
    assert payments(platform) == 20_00

    refusal = platform.post(f"/v1/topups/{topup['id']}/cancel")

    assert refusal.status == 400
    assert refusal.error["message"] == "You cannot cancel a top-up with status 'succeeded'."
    assert payments(platform) == 20_00


@pytest.mark.parametrize("destination", ["issuing", "payments"])
def test_the_bank_takes_arrived_money_back_when_the_emulator_is_told_so(platform, destination):
    where = {"destination_balance": "issuing"} if destination == "issuing" else {}
    topup = platform.made("/v1/topups", amount=20_00, currency="usd", **where)

    reversed_ = platform.made(f"/_emulator/topups/{topup['id']}/reverse")

    assert reversed_["status"] == "reversed"
    assert (issuing(platform), payments(platform)) == (0, 0)
    back = platform.read("/v1/balance_transactions", type="topup_reversal")["data"]
    assert [(one["net"], one["balance_type"], one["source"]) for one in back] == [(-20_00, destination, topup["id"])]
    assert platform.event_types()[-1] == "topup.reversed"


def test_only_description_and_metadata_can_change_and_nothing_tells_of_it(platform):
    topup = platform.made("/v1/topups", amount=20_00, currency="usd", metadata={"a": 1, "b": 2})

    changed = platform.made(f"/v1/topups/{topup['id']}", description="Fuel", metadata={"a": None, "c": 3})
    refusal = platform.post(f"/v1/topups/{topup['id']}", amount=1)

    assert (changed["description"], changed["metadata"]) == ("Fuel", {"b": "2", "c": "3"})
    assert refusal.error["code"] == "parameter_unknown"
    assert platform.event_types() == ["topup.created", "topup.succeeded"]


def test_topups_are_listed_by_amount_status_and_time(platform):
    small, large, bounced = (
        platform.made("/v1/topups", amount=amount, currency="usd", **more)["id"]
        for amount, more in [(1_00, {}), (9_00, {}), (5_00, {"source": "btok_us_verified_noAccount"})]
    )

    def listed(**filters):
        return [topup["id"] for topup in platform.read("/v1/topups", **filters)["data"]]

    assert listed() == [bounced, large, small]
    assert listed(amount=9_00) == [large]
    assert listed(amount={"gte": 5_00}) == [bounced, large]
    assert listed(status="failed") == [bounced]
    assert listed(created={"gt": 2**40}) == []


@pytest.mark.parametrize(
    "params, param, code",
    [
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": "x"}, "amount", "parameter_invalid_integer"),
        ({"currency": "xxx"}, "currency", None),
        ({"destination_balance": "payments"}, "destination_balance", None),
        ({"statement_descriptor": "sixteen letters!"}, "statement_descriptor", None),
        ({"source": "btok_nobody"}, "source", "resource_missing"),
        ({"source": "src_nobody"}, "source", "resource_missing"),
        ({"payment_method": "pm_nobody"}, "payment_method", "resource_missing"),
        ({"source": "btok_us_verified", "payment_method": "pm_1"}, "source", "parameters_exclusive"),
        ({"payment_method_options": {"us_bank_account": {"network": "wire"}}}, None, None),
    ],
)
def test_bad_topups_are_refused(platform, params, param, code):
    refusal = platform.post("/v1/topups", **{"amount": 1_00, "currency": "usd", **params})

    assert refusal.status == 400
    assert refusal.error.get("code") == code
    assert refusal.error["param"] == (param or "payment_method_options[us_bank_account][network]")
    assert platform.read("/v1/topups")["data"] == []


def test_payment_method_options_come_back_as_sent(platform):
    options = {"us_bank_account": {"network": "ach"}}

    topup = platform.made("/v1/topups", amount=1_00, currency="usd", payment_method_options=options)

    assert topup["payment_method_options"] == options


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, VERBS)))
def test_only_drawn_arrows_can_be_followed(status, verb):
    topup = Topup("tu_1", 0, 1, "usd", None, None, 0, {}, None, None, None, None, status=status)
    if verb in LIFECYCLE.moves[status]:
        assert LIFECYCLE.follow(topup, verb).status == LIFECYCLE.moves[status][verb]
    else:
        with pytest.raises(ApiError, match=f"You cannot {verb} a top-up with status '{status}'."):
            LIFECYCLE.follow(topup, verb)


def test_the_doctor_sees_a_topup_that_contradicts_the_books(platform):
    topup = platform.made("/v1/topups", amount=20_00, currency="usd")
    platform.read("/v1/balance")
    tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))
    assert list(examine_tenant(tenant)) == []
    with tenant.writing() as step:
        rewrite(step.session, "topup", "succeeded", "failed", status="failed")

    found = [finding.detail for finding in examine_tenant(tenant)]

    assert found == [
        f"{topup['id']} is failed, yet 2000 of its 2000 usd moved",
        f"{topup['id']} has the status 'failed', its last event says 'succeeded'",
    ]
