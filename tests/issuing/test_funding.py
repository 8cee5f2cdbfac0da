"""Funding the Issuing balance: test money, and bank coordinates."""

import pytest
from stdnum import iban

FUND = "/v1/test_helpers/issuing/fund_balance"
INSTRUCTIONS = "/v1/issuing/funding_instructions"


def european(platform, country, **company):
    """A connected account that may issue cards, in a country of Europe."""
    account = platform.made(
        "/v1/accounts",
        country=country,
        business_type="company",
        business_profile={"name": "Rosen & Co"},
        capabilities={"card_issuing": {"requested": True}, "transfers": {"requested": True}},
        controller={
            "stripe_dashboard": {"type": "none"},
            "losses": {"payments": "application"},
            "fees": {"payer": "application"},
            "requirement_collection": "application",
        },
        **company,
    )
    return platform.acting_as(account["id"])


def available(client, currency):
    """What the Issuing balance can spend in a currency."""
    entries = client.read("/v1/balance")["issuing"]["available"]
    return {entry["currency"]: entry["amount"] for entry in entries}.get(currency)


@pytest.mark.parametrize(
    "currency, kind, address, networks",
    [
        ("usd", "us_bank_transfer", "aba", ["ach"]),
        ("eur", "eu_bank_transfer", "iban", ["sepa"]),
        ("gbp", "gb_bank_transfer", "sort_code", ["bacs", "fps"]),
        ("jpy", "us_bank_transfer", "aba", ["ach"]),
    ],
)
def test_test_money_is_there_at_once_in_any_currency(platform, currency, kind, address, networks):
    reply = platform.made(FUND, amount=500_00, currency=currency)

    (coordinates,) = reply["bank_transfer"]["financial_addresses"]
    assert (reply["object"], reply["currency"], reply["funding_type"]) == (
        "funding_instructions",
        currency,
        "bank_transfer",
    )
    assert "id" not in reply and "created" not in reply
    assert (reply["bank_transfer"]["type"], coordinates["type"]) == (kind, address)
    assert coordinates["supported_networks"] == networks
    assert available(platform, currency) == 500_00
    assert platform.events() == []


def test_the_coordinates_of_a_currency_stay_the_same(platform):
    first, second = (platform.made(FUND, amount=1, currency="eur") for _ in range(2))
    other = platform.made(FUND, amount=1, currency="usd")

    assert first == second
    assert platform.read(INSTRUCTIONS)["data"] == [other, first]


def test_an_iban_is_valid(platform):
    reply = platform.made(FUND, amount=1, currency="eur")

    number = reply["bank_transfer"]["financial_addresses"][0]["iban"]["iban"]
    assert iban.is_valid(number, check_country=False)


@pytest.mark.parametrize(
    "country, currency, kind", [("GB", "gbp", "gb_bank_transfer"), ("FR", "eur", "eu_bank_transfer")]
)
def test_european_accounts_have_funding_instructions(platform, country, currency, kind):
    account = european(platform, country)
    asked = {"currency": currency, "funding_type": "bank_transfer", "bank_transfer": {"type": kind}}

    instructions = account.made(INSTRUCTIONS, **asked)
    funded = account.made(FUND, amount=500_00, currency=currency)

    address = instructions["bank_transfer"]["financial_addresses"][0]
    assert instructions["bank_transfer"]["type"] == kind
    assert address[address["type"]]["account_holder_name"] == "Rosen & Co"
    assert instructions == funded == account.made(INSTRUCTIONS, **asked)
    assert available(account, currency) == 500_00
    assert available(platform, currency) is None


@pytest.mark.parametrize(
    "params, param",
    [
        ({"currency": "eur"}, "currency"),
        ({"bank_transfer": {"type": "eu_bank_transfer"}}, "bank_transfer[type]"),
        ({"bank_transfer": {"type": "us_bank_transfer"}}, "bank_transfer[type]"),
        ({"bank_transfer": {}}, "bank_transfer"),
        ({"funding_type": "card"}, "funding_type"),
    ],
)
def test_what_does_not_fit_the_country_is_refused(platform, params, param):
    account = european(platform, "GB")
    asked = {"currency": "gbp", "funding_type": "bank_transfer", "bank_transfer": {"type": "gb_bank_transfer"}}

    refusal = account.post(INSTRUCTIONS, **{**asked, **params})

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert account.read(INSTRUCTIONS)["data"] == []


def test_accounts_in_the_united_states_have_none(platform):
    refusal = platform.post(
        INSTRUCTIONS, currency="usd", funding_type="bank_transfer", bank_transfer={"type": "eu_bank_transfer"}
    )

    assert refusal.status == 400
    assert refusal.error["message"] == "A Funding Instruction is not currently supported for US"


@pytest.mark.parametrize(
    "params, param",
    [({"amount": 0}, "amount"), ({"amount": None}, "amount"), ({"currency": "xxx"}, "currency"), ({"a": 1}, "a")],
)
def test_bad_test_money_is_refused(platform, params, param):
    refusal = platform.post(FUND, **{"amount": 1, "currency": "usd", **params})

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert available(platform, "usd") == 0


def test_nothing_is_funded_while_issuing_is_switched_off(platform):
    platform.settings(issuing_enabled=False)

    refusals = [platform.post(FUND, amount=1, currency="usd"), platform.get(INSTRUCTIONS)]

    assert [refusal.status for refusal in refusals] == [400, 400]
    assert all("not set up to use Issuing" in refusal.error["message"] for refusal in refusals)
