"""The real Stripe CLI against a real server."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import httpx
import pytest

from bench.running import Running
from emulator.testing import World
from tests.control.test_recording import exported, traffic
from tests.stripe_cli.conftest import Cli
from tests.stripe_cli.hooks import hooked

FIXTURES = sorted((Path(__file__).parent.parent.parent / "fixtures").glob("*.json"))
BILLING = {"line1": "1 Main Street", "city": "Springfield", "state": "IL", "postal_code": "62701", "country": "US"}
# What each trigger must have caused, among other events.
TRIGGERS = {
    "account.application.deauthorized": "account.application.deauthorized",
    "account.updated": "account.updated",
    "issuing_authorization.request": "issuing_authorization.created",
    "issuing_authorization.request.eu": "issuing_authorization.created",
    "issuing_authorization.request.gb": "issuing_authorization.created",
    "issuing_card.created": "issuing_card.created",
    "issuing_card.created.eu": "issuing_card.created",
    "issuing_card.created.gb": "issuing_card.created",
    "issuing_cardholder.created": "issuing_cardholder.created",
    "issuing_cardholder.created.eu": "issuing_cardholder.created",
    "issuing_cardholder.created.gb": "issuing_cardholder.created",
    "issuing_transaction.created": "issuing_transaction.created",
    "issuing_transaction.purchase_details_receipt_updated": "issuing_transaction.purchase_details_receipt_updated",
    "issuing_transaction.updated": "issuing_transaction.updated",
    "payment_link.created": "payment_link.created",
    "payment_link.updated": "payment_link.updated",
    "price.created": "price.created",
    "price.updated": "price.updated",
    "product.created": "product.created",
    "product.deleted": "product.deleted",
    "product.updated": "product.updated",
    **{
        name: name
        for name in (
            "balance.available",
            "charge.captured",
            "charge.dispute.closed",
            "charge.dispute.created",
            "charge.dispute.updated",
            "charge.failed",
            "charge.refund.updated",
            "charge.refunded",
            "charge.succeeded",
            "customer.created",
            "customer.deleted",
            "customer.source.created",
            "customer.source.updated",
            "customer.updated",
            "payment_intent.amount_capturable_updated",
            "payment_intent.canceled",
            "payment_intent.created",
            "payment_intent.payment_failed",
            "payment_intent.requires_action",
            "payment_intent.succeeded",
            "payment_method.attached",
            "payment_method.detached",
            "payment_method.updated",
            "payout.created",
            "payout.updated",
            "setup_intent.canceled",
            "setup_intent.created",
            "setup_intent.requires_action",
            "setup_intent.succeeded",
            "setup_intent.setup_failed",
            "test_helpers.test_clock.advancing",
            "test_helpers.test_clock.created",
            "test_helpers.test_clock.deleted",
            "test_helpers.test_clock.ready",
            "topup.created",
            "transfer.created",
            "transfer.reversed",
            "transfer.updated",
        )
    },
}
# What needs something that is not built: whole families, and triggers of those that are here otherwise.
REFUSED = (
    "billing_portal.*",
    "cash_balance.funds_available",
    "checkout.session.*",
    "coupon.*",
    "credit_note.*",
    "customer.discount.*",
    "customer.subscription.*",
    "customer_cash_balance_transaction.created",
    "identity.verification_session.*",
    "invoice.*",
    "invoiceitem.*",
    "payment_intent.partially_funded",
    "payment_intent.processing",
    "plan.*",
    "promotion_code.*",
    "quote.*",
    "reporting.report_run.succeeded",
    "subscription.*",
    "subscription_schedule.*",
    "tax_rate.*",
    "v1.billing.meter.*",
)
CONNECT_TRIGGERS = ("account.application.deauthorized", "account.updated")


def a_cardholder(cli: Cli, *more: str) -> dict:
    address = [part for name, value in BILLING.items() for part in (f"--billing[address][{name}]", value)]
    return cli("issuing", "cardholders", "create", "--name", "Ada Example", *address, *more).json


def an_active_card(cli: Cli) -> dict:
    terms = "individual[card_issuing][user_terms_acceptance]"
    holder = a_cardholder(
        cli,
        *("-d", "individual[first_name]=Ada", "-d", "individual[last_name]=Example"),
        *("-d", f"{terms}[date]=1700000000", "-d", f"{terms}[ip]=198.51.100.7"),
    )
    return cli(
        *("issuing", "cards", "create", "--cardholder", holder["id"], "--currency", "usd", "--type", "virtual"),
        *("--status", "active"),
    ).json


# get, post, delete


def test_get_post_and_delete(cli):
    made = cli("post", "/v1/accounts", "-d", "type=custom", "-d", "country=US", "-d", "metadata[order]=1").json
    read = cli("get", made["id"]).json
    deleted = cli("delete", f"/v1/accounts/{made['id']}", "-c").json

    assert made["metadata"] == read["metadata"] == {"order": "1"}
    assert deleted == {"id": made["id"], "object": "account", "deleted": True}


def test_the_balance_can_be_read(cli):
    assert cli("get", "/v1/balance").json["object"] == cli("balance", "retrieve").json["object"] == "balance"


def test_a_refusal_is_printed_whole(cli):
    refusal = cli("post", "/v1/issuing/cards", "-d", "type=virtual").json

    assert refusal["error"]["type"] == "invalid_request_error"
    assert refusal["error"]["request_log_url"].startswith(f"{cli.server.url}/_emulator/requests/req_")


def test_a_key_that_opens_nothing_is_an_error(start_cli):
    outcome = start_cli(key="sk_live_123456789012")("get", "/v1/balance", code=1)

    assert "Invalid API Key provided" in outcome.out + outcome.err


def test_the_flags_for_idempotency_expansion_pages_and_accounts(cli):
    account = cli("post", "/v1/accounts", "-d", "type=custom", "-d", "country=US", "-i", "once").json
    again = cli("post", "/v1/accounts", "-d", "type=custom", "-d", "country=US", "-i", "once").json
    card = an_active_card(cli)
    purchase = cli(
        *("post", "/v1/test_helpers/issuing/authorizations"),
        *("-d", f"card={card['id']}", "-d", "amount=100", "-d", "currency=usd"),
    ).json
    expanded = cli("get", "/v1/issuing/authorizations", "-e", "data.cardholder", "-l", "1").json
    theirs = cli("get", "/v1/events", "--stripe-account", account["id"]).json
    headers = cli("get", "/v1/balance", "-s", "-v", "2024-06-20").err

    assert account["id"] == again["id"]
    assert expanded["data"][0]["id"] == purchase["id"]
    assert expanded["data"][0]["cardholder"]["id"] == card["cardholder"]["id"]
    assert not any(event["type"].startswith("issuing_") for event in theirs["data"])
    assert re.search(r"Stripe-Version: ?\[?2024-06-20", headers, re.IGNORECASE)


# Resource commands


def test_resource_commands_of_issuing(cli):
    cli.api("POST", "/v1/test_helpers/issuing/fund_balance", amount=500_00, currency="usd")
    card = an_active_card(cli)

    purchase = cli(
        *("test_helpers", "issuing", "authorizations", "create"),
        *("--card", card["id"], "--amount", "1000", "--currency", "usd"),
    ).json
    captured = cli("test_helpers", "issuing", "authorizations", "capture", purchase["id"]).json
    transaction = cli("issuing", "transactions", "list", "--card", card["id"]).json["data"][0]
    updated = cli("issuing", "cards", "update", card["id"], "--status", "inactive").json
    listed = cli("issuing", "cards", "list", "--status", "inactive").json

    assert (purchase["approved"], captured["status"]) == (True, "closed")
    assert transaction["amount"] == -1000
    assert updated["status"] == "inactive"
    assert [one["id"] for one in listed["data"]] == [card["id"]]


def test_resource_commands_of_treasury(cli):
    account = cli(
        *("post", "/v1/accounts", "-d", "country=US", "-d", "capabilities[treasury][requested]=true"),
        *("-d", "capabilities[card_issuing][requested]=true", "-d", "capabilities[transfers][requested]=true"),
        *("-d", "controller[stripe_dashboard][type]=none", "-d", "controller[losses][payments]=application"),
        *("-d", "controller[fees][payer]=application", "-d", "controller[requirement_collection]=application"),
    ).json
    acting = ("--stripe-account", account["id"])

    made = cli("treasury", "financial_accounts", "create", "--supported-currencies", "usd", *acting).json
    listed = cli("treasury", "financial_accounts", "list", *acting).json
    features = cli("treasury", "financial_accounts", "retrieve_features", made["id"], *acting).json
    entries = cli("treasury", "transaction_entrys", "list", "--financial-account", made["id"], *acting).json

    assert made["object"] == "treasury.financial_account"
    assert [one["id"] for one in listed["data"]] == [made["id"]]
    assert features["object"] == "treasury.financial_account_features"
    assert entries["data"] == []


def test_resource_commands_of_events_endpoints_and_topups(cli):
    topup = cli("topups", "create", "--amount", "2000", "--currency", "usd").json
    event = cli("events", "list", "--type", "topup.created").json["data"][0]
    endpoint = cli(
        "webhook_endpoints", "create", "--url", "http://127.0.0.1:9/hook", "--enabled-events", "account.updated"
    ).json

    assert event["data"]["object"]["id"] == topup["id"]
    assert cli("events", "retrieve", event["id"]).json["id"] == event["id"]
    assert endpoint["enabled_events"] == ["account.updated"]


# fixtures and trigger


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_our_own_fixtures_run_unchanged(cli, tmp_path, file):
    world = json.loads(file.read_text(encoding="utf-8"))
    steps = world["fixtures"]
    cli.api("POST", "/_emulator/settings", **world["_meta"]["settings"])  # which the CLI does not look at

    outcome = cli("fixtures", str(file), cwd=tmp_path)

    printed = outcome.out + outcome.err
    assert [f"Running fixture for: {step['name']}" in printed for step in steps] == [True] * len(steps)


def test_recorded_requests_run_as_fixtures_of_the_cli(cli, tmp_path):
    world = World(cli.server.url, f"{cli.key}_recorded")
    world.settings(record_requests=True)
    traffic(world)
    file = tmp_path / "recorded.json"
    file.write_text(exported(world, "fixtures"))
    world.close()

    outcome = cli("fixtures", str(file), cwd=tmp_path)

    printed = outcome.out + outcome.err
    names = [step["name"] for step in json.loads(file.read_text())["fixtures"]]
    assert len(names) > 10 and all(f"Running fixture for: {name}" in printed for name in names)
    assert "issuing_transaction.created" in [event.type for event in World(cli.server.url, cli.key).events()]


def test_every_trigger_of_the_cli_works_or_is_named_as_refused(cli):
    known = set(re.findall(r"^ +([a-z0-9_]+(?:\.[a-z0-9_]+)+)$", cli("trigger", "--help").out, re.MULTILINE))
    page = (Path(__file__).parent.parent.parent / "docs" / "stripe-cli.md").read_text()

    assert set(TRIGGERS) < known
    for name in known - set(TRIGGERS):
        assert [one for one in REFUSED if fnmatch(name, one)], name
    for one in REFUSED:
        assert [name for name in known if fnmatch(name, one)] and f"`{one}`" in page, one


@pytest.mark.parametrize("trigger", ["customer.discount.created", "payment_intent.processing"])
def test_a_trigger_that_needs_what_is_not_built_says_what(cli, trigger):
    outcome = cli("trigger", trigger, code=1)

    assert "This emulator does not" in outcome.out + outcome.err


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_succeeds_and_causes_its_event(cli, trigger):
    if trigger.startswith("transfer."):  # whose charge leaves less, after the fee, than what is transferred
        cli("trigger", "balance.available")
    outcome = cli("trigger", trigger)
    cli.api("POST", "/_emulator/clock", advance=60)  # what is told of in a minute

    assert "Trigger succeeded!" in outcome.out + outcome.err
    if trigger not in CONNECT_TRIGGERS:  # what happens to a connected account is told to those who listen
        assert TRIGGERS[trigger] in cli.event_types()


# listen


def test_events_are_forwarded_signed_in_order(cli):
    with hooked() as hook:
        listening = cli.watch("listen", "-s", "--all-snapshot", "--forward-to", f"{hook.address}/webhook")
        secret = listening.line(r"signing secret is (whsec_[0-9a-f]{64})")[1]
        cli("trigger", "issuing_card.created")

        cardholder, card = hook.wait("issuing_cardholder.created")[0], hook.wait("issuing_card.created")[0]
        listening.line(r"<-- +\[200\] POST http://127.0.0.1:\d+/webhook \[" + card.event["id"])

    assert (cardholder.path, card.path) == ("/webhook", "/webhook")
    assert card.verified(secret).type == "issuing_card.created"
    assert card.headers["User-Agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
    assert card.event["data"]["object"]["cardholder"]["id"] == cardholder.event["data"]["object"]["id"]


def test_the_secret_can_be_printed_and_is_the_one_that_signs(cli):
    printed = cli("listen", "-s", "--print-secret").out.strip()

    with hooked() as hook:
        cli.watch("listen", "-s", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_cardholder.created")
        event = hook.wait("issuing_cardholder.created")[0].verified(printed)

    assert event.livemode is False


def test_connected_accounts_events_go_to_the_address_for_them(cli):
    with hooked() as ours, hooked() as theirs:
        cli.watch(
            *("listen", "-s", "--all-snapshot", "--forward-to", ours.address, "--forward-connect-to", theirs.address)
        )
        for trigger in (*CONNECT_TRIGGERS, "issuing_cardholder.created"):
            cli("trigger", trigger)

        connected = [theirs.wait(type)[0].event for type in CONNECT_TRIGGERS]
        own = ours.wait("issuing_cardholder.created")[0].event

    assert all(event["account"].startswith("acct_") for event in connected)
    assert "account" not in own
    assert not set(CONNECT_TRIGGERS) & set(ours.types)
    assert "issuing_cardholder.created" not in theirs.types


def test_only_events_asked_for_are_forwarded(cli):
    with hooked() as hook:
        cli.watch("listen", "-s", "--events", "issuing_card.created", "--forward-to", hook.address)
        cli("trigger", "issuing_card.created")
        hook.wait("issuing_card.created")
        cli.api("POST", "/_emulator/webhooks/drain")

    assert hook.types == ["issuing_card.created"]


def test_events_are_printed_as_json(cli):
    listening = cli.watch("listen", "-s", "--format", "JSON")
    cli("trigger", "issuing_cardholder.created")

    listening.line("issuing_cardholder.created")

    printed = [event for event in listening.objects() if event["type"] == "issuing_cardholder.created"]
    assert printed[0]["data"]["object"]["object"] == "issuing.cardholder"


def test_the_latest_version_is_forwarded_once(cli):
    with hooked() as hook:
        cli.watch("listen", "-s", "--latest", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_card.created")
        hook.wait("issuing_cardholder.created")  # the CLI forwards side by side: the card may come first
        hook.wait("issuing_card.created")
        drained = cli.api("POST", "/_emulator/webhooks/drain")

    assert drained["drained"]
    assert sorted(hook.types) == ["issuing_card.created", "issuing_cardholder.created"]


def test_an_acknowledged_event_is_no_longer_pending_and_its_answer_is_kept(cli):
    with hooked() as hook:
        hook.status, hook.answer = 500, {"trouble": "disk full"}
        listening = cli.watch("listen", "-s", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_cardholder.created")
        id = hook.wait("issuing_cardholder.created")[0].event["id"]
        listening.line(rf"<-- +\[500\] .*{id}")
        cli.api("POST", "/_emulator/webhooks/drain")  # the CLI acknowledges before it forwards; we record that later
        kept = cli.attempt_answered(id, 500)

    assert cli.api("GET", f"/v1/events/{id}")["pending_webhooks"] == 0
    assert json.loads(kept["response_body"]) == {"trouble": "disk full"}


def test_an_event_is_resent(cli):
    with hooked() as hook:
        cli.watch("listen", "-s", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_cardholder.created")
        id = hook.wait("issuing_cardholder.created")[0].event["id"]

        printed = cli("events", "resend", id).json
        first, second = hook.wait("issuing_cardholder.created", count=2)

    assert printed["id"] == first.event["id"] == second.event["id"] == id


def test_an_event_is_resent_to_an_endpoint_and_one_of_a_connected_account_to_listeners(cli):
    with hooked() as endpoint, hooked() as hook:
        registered = cli.api(
            "POST",
            "/v1/webhook_endpoints",
            **{"url": f"http://{endpoint.address}/hooks", "enabled_events[]": "issuing_cardholder.created"},
        )
        cli.watch("listen", "-s", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_cardholder.created")
        cli("trigger", "account.updated")
        own = hook.wait("issuing_cardholder.created")[0].event
        theirs = hook.wait("account.updated")[0].event

        cli("events", "resend", own["id"], "--webhook-endpoint", registered["id"])
        cli("events", "resend", theirs["id"], "--account", theirs["account"])
        endpoint.wait("issuing_cardholder.created", count=2)
        hook.wait("account.updated", count=2)

    assert hook.types.count("issuing_cardholder.created") == 1
    assert endpoint.types == ["issuing_cardholder.created"] * 2


def test_events_are_forwarded_as_the_registered_endpoints_want_them(cli):
    with hooked() as hook:
        for path, form in (("own", {"enabled_events[]": "issuing_card.created"}), ("all", {"connect": "true"})):
            address = f"http://127.0.0.1:9/hooks/{path}"
            cli.api("POST", "/v1/webhook_endpoints", **{"url": address, "enabled_events[]": "*", **form})
        cli.watch("listen", "-s", "--use-configured-webhooks", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_card.created")
        cli("trigger", "account.updated")
        hook.wait("issuing_card.created")
        hook.wait("account.updated")

    forwarded = {(one.path, one.event["type"]) for one in hook.deliveries}
    assert forwarded == {("/hooks/own", "issuing_card.created"), ("/hooks/all", "account.updated")}


@pytest.mark.parametrize("approved", [True, False])
def test_the_users_server_decides_authorizations_through_the_listener(cli, approved):
    cli.api("POST", "/_emulator/settings", real_time_timeout_ms=20_000)
    cli.api("POST", "/v1/test_helpers/issuing/fund_balance", amount=500_00, currency="usd")
    with hooked() as hook:
        hook.answer = {"approved": approved}
        cli.watch("listen", "-s", "--all-snapshot", "--forward-to", hook.address)
        cli("trigger", "issuing_authorization.request")
        asked = hook.wait("issuing_authorization.request")[0].event

    authorization = cli("get", f"/v1/issuing/authorizations/{asked['data']['object']['id']}").json
    assert authorization["approved"] is approved
    assert authorization["request_history"][0]["reason"] == ("webhook_approved" if approved else "webhook_declined")


def test_a_listener_survives_a_restart_of_the_server(stripe_binary, tmp_path):
    """It dials again by itself, ten seconds after it lost the connection."""
    data, home = tmp_path / "data", tmp_path / "home"
    first = Running(data, "--quiet")
    ports = ("--port", str(first.port))
    cli = Cli(stripe_binary, first, home, "sk_test_restarted")
    try:
        listening = cli.watch("listen", "-s", "--all-snapshot")
        first.kill()
        with Running(data, "--quiet", *ports):
            cli("trigger", "issuing_cardholder.created")
            listening.line("--> issuing_cardholder.created")
            listening.stop()
    finally:
        first.kill()


# logs tail


def test_answered_requests_are_printed(cli):
    tailing = cli.watch("logs", "tail")
    cli("get", "/v1/issuing/cards/ic_none")

    tailing.line(r"\[404\] GET /v1/issuing/cards/ic_none \[req_")
    tailing.line("No such issuing card: 'ic_none'")


@pytest.mark.parametrize(
    "filters",
    [
        ("--filter-http-method", "POST"),
        ("--filter-status-code-type", "4XX"),
        ("--filter-status-code", "400"),
        ("--filter-request-status", "FAILED"),
        ("--filter-request-path", "/v1/issuing/cards"),
        ("--filter-http-method", "POST", "--filter-source", "API", "--filter-account", "self"),
        ("--filter-http-method", "POST", "--filter-ip-address", "127.0.0.1"),
    ],
    ids=lambda filters: filters[0].removeprefix("--filter-") + str(len(filters)),
)
def test_filters_of_the_tail(cli, filters):
    tailing = cli.watch("logs", "tail", "--format", "JSON", *filters)
    cli("get", "/v1/balance")
    cli("post", "/v1/issuing/cards", "-d", "type=virtual")

    tailing.line("/v1/issuing/cards")

    (printed,) = tailing.objects()
    assert (printed["method"], printed["status"], printed["url"]) == ("POST", 400, "/v1/issuing/cards")
    assert printed["error"]["type"] == "invalid_request_error"


# Through the Unix socket


def test_everything_goes_through_a_unix_socket_without_flags(start_cli):
    cli = start_cli(dials_socket=True)
    with hooked() as hook:
        tailing = cli.watch("logs", "tail", "--filter-http-method", "POST")
        listening = cli.watch("listen", "-s", "--all-snapshot", "--forward-to", hook.address)
        secret = listening.line(r"(whsec_\w+)")[1]

        cli("trigger", "issuing_card.created")
        event = hook.wait("issuing_card.created")[0].verified(secret)
        card = cli("get", event.data.object.id).json
        again = cli("events", "resend", event.id).json
        hook.wait("issuing_card.created", count=2)
        tailing.line(r"\[200\] POST /v1/issuing/cards \[req_")
        refusal = cli("get", "/v1/issuing/cards/ic_none").json

    assert again["id"] == event.id
    assert card["id"] == event.data.object.id
    log = httpx.get(refusal["error"]["request_log_url"], auth=(cli.key, ""), trust_env=False).json()
    assert log["path"] == "/v1/issuing/cards/ic_none"
    assert log["user_agent"].startswith("Stripe/v1 stripe-cli/")
