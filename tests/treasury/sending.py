"""What tests about money sent out of financial accounts start from."""

from __future__ import annotations

from emulator.payments.bank_tokens import TOKENS
from tests.treasury.worlds import ACCOUNTS, TRANSACTIONS, connected, opened, send

OBT, HELPERS = "/v1/treasury/outbound_transfers", "/v1/test_helpers/treasury/outbound_transfers"
OBP, OBP_HELPERS = "/v1/treasury/outbound_payments", "/v1/test_helpers/treasury/outbound_payments"
BANK = {"object": "bank_account", "country": "US", "currency": "usd"}
BOUNCES = "000111111116"
BY_NUMBER = {number: token for token, number in reversed(TOKENS.items())}
WAIT = 10
STAYS = "pm_usBankAccount_processing"
WIRE = {"us_bank_account": {"network": "us_domestic_wire"}}
PAYEE = {
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "+15555550100",
    "address": {"line1": "1 Main Street", "city": "Oakland", "state": "CA", "postal_code": "94601", "country": "US"},
}


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


def data_of(number, routing="110000000", **params):
    """A bank account as a payment describes it in place."""
    holder = {"account_holder_type": "individual", "routing_number": routing, "account_number": number}
    return {"type": "us_bank_account", "us_bank_account": holder, "billing_details": PAYEE, **params}


def paid(client, source, amount=20_00, number="000123456789", **params):
    """A payment to a bank account that is described in place, unless it goes somewhere else."""
    to = {} if "destination_payment_method" in params else {"destination_payment_method_data": data_of(number)}
    return client.made(OBP, **{"amount": amount, "currency": "usd", "financial_account": source, **to, **params})


def paid_within_stripe(client, source, target, amount=20_00, **params):
    """A payment to the financial account of somebody else."""
    data = {"type": "financial_account", "financial_account": target}
    return paid(client, source, amount, destination_payment_method_data=data, **params)


def refused(client, source, **params):
    """Code, parameter and message of a transfer that is refused."""
    given = {"amount": 20_00, "currency": "usd", "financial_account": source}
    if "destination_payment_method_data" not in params:
        given["destination_payment_method"] = "pm_usBankAccount"
    return refusal(client, OBT, **{**given, **params})


def payment_refused(client, source, **params):
    """Code, parameter and message of a payment that is refused."""
    given = {"amount": 20_00, "currency": "usd", "financial_account": source}
    if "destination_payment_method" not in params:
        given["destination_payment_method_data"] = data_of("000123456789")
    return refusal(client, OBP, **{**given, **params})


def refusal(client, path, **params):
    """Code, parameter and message of what is refused."""
    answer = client.post(path, **params)
    assert answer.status == 400, answer.json
    assert answer.error["type"] == "invalid_request_error"
    return answer.error.get("code"), answer.error.get("param"), answer.error["message"]


def path_of(flow):
    """Where flows of its kind are: `treasury/outbound_transfers` or `treasury/outbound_payments`."""
    return flow["object"].replace(".", "/") + "s"


def read(client, flow, **params):
    """A flow as it is now."""
    return client.read(f"/v1/{path_of(flow)}/{flow['id']}", **params)


def canceled(client, flow, **params):
    """A flow that its owner takes back."""
    return client.made(f"/v1/{path_of(flow)}/{flow['id']}/cancel", **params)


def helped(client, flow, verb, **params):
    """What a test helper makes of a flow."""
    return client.made(f"/v1/test_helpers/{path_of(flow)}/{flow['id']}/{verb}", **params)


def tracked(client, flow, **details):
    """The answer to tracking details for a flow."""
    return client.post(f"/v1/test_helpers/{path_of(flow)}/{flow['id']}", tracking_details=details)


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


class Transfers:
    """Outbound transfers of a client's, which go to what the same client has."""

    name, refusals_say = "outbound_transfer", "OutboundTransfer"

    def __init__(self, client):
        self.client = client

    def begun(self, source, amount=20_00, number="000123456789", **params):
        return sent(self.client, source, amount, BY_NUMBER[number], **params)

    def target(self, platform):
        return self.client, opened(self.client)

    def within_stripe(self, source, target, amount=20_00):
        return sent_within_stripe(self.client, source, target, amount)


class Payments(Transfers):
    """Outbound payments of a client's, which go to what others have."""

    name, refusals_say = "outbound_payment", "OutboundPayment"

    def begun(self, source, amount=20_00, number="000123456789", **params):
        return paid(self.client, source, amount, number, **params)

    def target(self, platform):
        other = connected(platform)
        return other, opened(other)

    def within_stripe(self, source, target, amount=20_00):
        return paid_within_stripe(self.client, source, target, amount)
