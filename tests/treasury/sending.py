"""What tests about money sent out of financial accounts start from."""

from __future__ import annotations

from tests.treasury.worlds import ACCOUNTS, TRANSACTIONS, opened, send

OBT, HELPERS = "/v1/treasury/outbound_transfers", "/v1/test_helpers/treasury/outbound_transfers"
BANK = {"object": "bank_account", "country": "US", "currency": "usd"}
WAIT = 10
STAYS = "pm_usBankAccount_processing"
WIRE = {"us_bank_account": {"network": "us_domestic_wire"}}


def funded(client, amount=500_00, *paths):
    """The id of a new financial account with money in it, with these features or with all of them."""
    id = opened(client, *paths)
    send(client, id, amount)
    return id


def sent(client, source, amount=20_00, method="pm_usBankAccount", **params):
    """A transfer to a bank account."""
    return client.made(
        OBT, amount=amount, currency="usd", financial_account=source, destination_payment_method=method, **params
    )


def sent_within_stripe(client, source, target, amount=20_00, **params):
    """A transfer to another financial account."""
    data = {"type": "financial_account", "financial_account": target}
    return client.made(
        OBT, amount=amount, currency="usd", financial_account=source, destination_payment_method_data=data, **params
    )


def refused(client, source, **params):
    """Code, parameter and message of a transfer that is refused."""
    given = {"amount": 20_00, "currency": "usd", "financial_account": source}
    if "destination_payment_method_data" not in params:
        given["destination_payment_method"] = "pm_usBankAccount"
    answer = client.post(OBT, **{**given, **params})
    assert answer.status == 400, answer.json
    assert answer.error["type"] == "invalid_request_error"
    return answer.error.get("code"), answer.error.get("param"), answer.error["message"]


def read(client, transfer, **params):
    """A transfer as it is now."""
    return client.read(f"{OBT}/{transfer['id']}", **params)


def helped(client, transfer, verb, **params):
    """What a test helper makes of a transfer."""
    return client.made(f"{HELPERS}/{transfer['id']}/{verb}", **params)


def entries(client, transaction):
    """Type, cash and outbound_pending of a transaction's entries, newest first."""
    listed = client.read(f"{TRANSACTIONS}/{transaction}", expand=["entries"])["entries"]["data"]
    return [(one["type"], one["balance_impact"]["cash"], one["balance_impact"]["outbound_pending"]) for one in listed]


def told(client, since):
    """The events after the first `since`, without what they have in common."""
    return [type.removeprefix("treasury.") for type in client.event_types(since)]


def bank_account(platform, business, **numbers):
    """The id of an external account of a business."""
    path = f"/v1/accounts/{business.account}/external_accounts"
    return platform.made(path, external_account={**BANK, "routing_number": "110000000", **numbers})["id"]


def numbers(client, account):
    """The numbers of a financial account."""
    found = client.read(f"{ACCOUNTS}/{account}", expand=["financial_addresses.aba.account_number"])
    aba = found["financial_addresses"][0]["aba"]
    return {"routing_number": aba["routing_number"], "account_number": aba["account_number"]}
