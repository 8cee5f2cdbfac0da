"""Webhook endpoints: registering them, and who hears what."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.client import Client
from tests.issuing.holders import a_connected_account
from tests.receivers import Receiver, receiving

ENDPOINTS = "/v1/webhook_endpoints"
URL = "http://localhost:4242/hook"
NODE_VERIFIER = """
const stripe = require("stripe")("sk_test_x");
const {body, header, secret} = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(stripe.webhooks.constructEvent(body, header, secret).type);
"""


def made(client: Client, **more: Any) -> dict[str, Any]:
    """An endpoint for everything."""
    return client.made(ENDPOINTS, **{"url": URL, "enabled_events": ["*"], **more})


def happen(client: Client) -> str:
    """One event of the client's account: the id of what it is about."""
    return client.made("/v1/topups", amount=100, currency="usd")["id"]


def delivered(platform: Client) -> None:
    """Wait for everything that is due."""
    assert platform.made("/_emulator/webhooks/drain")["drained"]


# Registering


def test_a_new_endpoint_shows_its_secret_once(platform):
    endpoint = made(platform, description="ours", metadata={"k": "v"}, api_version="2024-06-20")

    read = platform.read(f"{ENDPOINTS}/{endpoint['id']}")

    assert endpoint["secret"].startswith("whsec_") and len(endpoint["secret"]) == 38
    assert read == {name: value for name, value in endpoint.items() if name != "secret"}
    assert (read["status"], read["application"], read["api_version"]) == ("enabled", None, "2024-06-20")
    assert platform.read(ENDPOINTS)["data"] == [read]
    assert platform.events() == []


def test_names_of_retired_events_are_taken_and_other_names_are_not(platform):
    retired = ["transfer.paid", "recipient.created", "payment_method.card_automatically_updated"]

    endpoint = made(platform, enabled_events=retired)
    refusal = platform.post(f"{ENDPOINTS}/{endpoint['id']}", enabled_events=["transfer.lost"])

    assert endpoint["enabled_events"] == retired
    assert (refusal.status, refusal.error["param"]) == (400, "enabled_events[0]")
    assert "transfer.paid" not in refusal.error["message"]


def test_a_connect_endpoint_carries_the_platforms_application(platform):
    first, second = made(platform, connect=True), made(platform, connect=True)

    assert first["application"].startswith("ca_")
    assert first["application"] == second["application"]


def test_who_leaves_the_platform_leaves_the_application_that_its_connect_endpoints_carry(platform):
    with receiving() as receiver:
        endpoint = made(platform, url=receiver.url, connect=True, enabled_events=["account.application.deauthorized"])
        account = a_connected_account(platform, "transfers").account

        platform.delete(f"/v1/accounts/{account}")
        delivered(platform)

        (event,) = receiver.events
        assert (event["account"], event["data"]["object"]["id"]) == (account, endpoint["application"])


def test_an_endpoint_can_be_changed_and_switched_off_and_on(platform):
    endpoint = made(platform, metadata={"a": "1"}, description="old")

    off = platform.made(
        f"{ENDPOINTS}/{endpoint['id']}",
        disabled=True,
        url="https://example.com/new",
        enabled_events=["issuing_card.created"],
        metadata={"b": "2"},
        description=None,
    )
    on = platform.made(f"{ENDPOINTS}/{endpoint['id']}", disabled=False)

    assert (off["status"], on["status"]) == ("disabled", "enabled")
    assert (off["url"], off["enabled_events"]) == ("https://example.com/new", ["issuing_card.created"])
    assert (off["metadata"], off["description"]) == ({"a": "1", "b": "2"}, None)


def test_a_deleted_endpoint_is_gone(platform):
    endpoint = made(platform)

    reply = platform.delete(f"{ENDPOINTS}/{endpoint['id']}")
    missing = platform.get(f"{ENDPOINTS}/{endpoint['id']}")

    assert reply.json == {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
    assert (missing.status, missing.error["param"]) == (404, "webhook_endpoint")
    assert missing.error["message"] == f"No such webhook endpoint: '{endpoint['id']}'"


def test_the_seventeenth_endpoint_of_an_account_is_refused(platform):
    for _ in range(16):
        made(platform)

    refusal = platform.post(ENDPOINTS, url=URL, enabled_events=["*"])

    assert (refusal.status, refusal.error) == (
        400,
        {
            "message": "You have reached the maximum of 16 test webhook endpoints.",
            "type": "invalid_request_error",
            "request_log_url": refusal.error["request_log_url"],
        },
    )


@pytest.mark.parametrize("name", ["secret", "api_version", "connect"])
def test_what_cannot_be_changed_is_an_unknown_parameter(platform, name):
    endpoint = made(platform)

    refusal = platform.post(f"{ENDPOINTS}/{endpoint['id']}", **{name: "x"})

    assert (refusal.status, refusal.error["message"]) == (400, f"Received unknown parameter: {name}")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4242/hook",
        "https://127.0.0.1/",
        "http://[::1]:9/x",
        "https://example.com/?a=b",
        "https://example.com/".ljust(2048, "x"),
        "https://example.com:1/",
        "https://example.com:65535/",
    ],
)
def test_any_http_address_is_taken_local_ones_too(platform, url):
    assert made(platform, url=url)["url"] == url


@pytest.mark.parametrize(
    "url, message",
    [
        ("localhost:4242/hook", "Invalid URL: An explicit scheme (such as https) must be provided."),
        ("ftp://example.com/", "Not a valid URL"),
        ("http://", "Not a valid URL"),
        ("http://[::1/", "Not a valid URL"),
        ("http://exam ple.com/", "Not a valid URL"),
        ("http://example.com:99999/", "Not a valid URL"),
        ("http://example.com:0/", "Not a valid URL"),
        ("http://example.com:65536/", "Not a valid URL"),
        ("https://example.com/".ljust(2049, "x"), "Invalid URL: URL must be 2048 characters or less."),
    ],
)
def test_what_is_no_address_is_refused(platform, url, message):
    endpoint = made(platform)

    refusals = [
        platform.post(ENDPOINTS, url=url, enabled_events=["*"]),
        platform.post(f"{ENDPOINTS}/{endpoint['id']}", url=url),
    ]

    for refusal in refusals:
        assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "url_invalid", "url")
        assert refusal.error["message"] == message


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]:8080", "2852039166", "metadata.google.internal."])
def test_link_local_and_metadata_addresses_are_refused_unless_a_setting_allows_them(platform, host):
    endpoint = made(platform)
    url = f"https://{host}/latest/meta-data"

    refusals = [
        platform.post(ENDPOINTS, url=url, enabled_events=["*"]),
        platform.post(f"{ENDPOINTS}/{endpoint['id']}", url=url),
    ]

    for refusal in refusals:
        assert (refusal.status, refusal.error["code"], refusal.error["param"]) == (400, "url_invalid", "url")
        assert "The setting link_local_webhook_urls allows it." in refusal.error["message"]
    assert [one["url"] for one in platform.read(ENDPOINTS)["data"]] == [URL]
    platform.settings(link_local_webhook_urls=True)
    assert made(platform, url=url)["url"] == url


@pytest.mark.parametrize("url", ["http://localhost/", "http://10.0.0.1/", "http://box/", "http://printer.local/"])
def test_a_strict_tenant_refuses_addresses_that_only_this_network_reaches(platform, url):
    platform.settings(public_webhook_urls_only=True)

    refusal = platform.post(ENDPOINTS, url=url, enabled_events=["*"])

    assert refusal.error["message"].startswith("Invalid URL: URL must be publicly accessible.")
    assert made(platform, url="https://example.com/hook")["status"] == "enabled"


def test_unknown_event_types_and_versions_are_refused(platform):
    wrong_type = platform.post(ENDPOINTS, url=URL, enabled_events=["issuing_card.created", "zebra.created"])
    wrong_version = platform.post(ENDPOINTS, url=URL, enabled_events=["*"], api_version="2019-2-19")

    assert wrong_type.error["param"] == "enabled_events[1]"
    assert wrong_type.error["message"].startswith("Invalid enabled_events[1]: must be one of *, ")
    assert wrong_version.error["message"].startswith("Invalid api_version: must be one of 2011-01-01, ")


# Who hears what


def test_only_the_types_asked_for_arrive(platform):
    with receiving() as some, receiving() as all_of_them:
        made(platform, url=some.url, enabled_events=["topup.created", "issuing_card.created"])
        made(platform, url=all_of_them.url)

        happen(platform)
        platform.clock(advance=7 * 24 * 60 * 60)
        delivered(platform)

        assert some.types == ["topup.created"]
        assert all_of_them.types[0] == "topup.created" and len(all_of_them.types) > 1


def test_own_endpoints_hear_their_account_and_connect_endpoints_the_connected_ones(platform):
    with receiving() as platforms, receiving() as connect, receiving() as own:
        account = a_connected_account(platform, "card_issuing")
        made(platform, url=platforms.url, enabled_events=["file.created", "issuing_cardholder.created"])
        made(platform, url=connect.url, connect=True, enabled_events=["issuing_cardholder.created"])
        made(account, url=own.url, enabled_events=["issuing_cardholder.created"])

        for client in (platform, account):
            client.made(
                "/v1/issuing/cardholders",
                name="Ada Example",
                billing={
                    "address": {
                        "line1": "1 Main Street",
                        "city": "Springfield",
                        "state": "IL",
                        "postal_code": "62701",
                        "country": "US",
                    }
                },
            )
        delivered(platform)

        assert [len(one.arrived) for one in (platforms, connect, own)] == [1, 1, 1]
        (theirs,), (seen_by_account,) = connect.events, own.events
        assert (theirs["account"], theirs["context"]) == (account.account, account.account)
        assert "account" not in seen_by_account and "account" not in platforms.events[0]
        assert theirs["id"] == seen_by_account["id"] != platforms.events[0]["id"]
        assert account.events(type="issuing_cardholder.created")[0]["pending_webhooks"] == 0
        assert "account" not in account.events(type="issuing_cardholder.created")[0]
        assert len(platform.events(type="issuing_cardholder.created")) == 1


def test_an_endpoint_with_a_version_of_its_own_reads_that_version(platform):
    with receiving() as pinned, receiving() as usual:
        made(platform, url=pinned.url, enabled_events=["topup.created"], api_version="2024-06-20")
        made(platform, url=usual.url, enabled_events=["topup.created"])

        happen(platform)
        delivered(platform)

        stored = platform.events(type="topup.created")[0]
        assert pinned.events[0]["api_version"] == "2024-06-20"
        assert usual.events[0]["api_version"] == stored["api_version"] != "2024-06-20"
        assert pinned.events[0]["data"] == stored["data"]


def test_events_before_an_endpoint_was_made_are_not_sent_to_it(platform):
    happen(platform)
    with receiving() as receiver:
        made(platform, url=receiver.url, enabled_events=["topup.created"])

        about = happen(platform)
        delivered(platform)

        assert [event["data"]["object"]["id"] for event in receiver.events] == [about]


# Signatures


def received(platform: Client, receiver: Receiver, **more: Any) -> dict[str, Any]:
    """An endpoint that has received one event."""
    endpoint = made(platform, url=receiver.url, enabled_events=["topup.created"], **more)
    happen(platform)
    delivered(platform)
    return endpoint


def test_the_official_verifier_accepts_the_signature_whatever_the_tenants_clock_shows(platform):
    platform.clock(advance=400 * 24 * 60 * 60)
    with receiving() as receiver:
        endpoint = received(platform, receiver)

        (one,) = receiver.arrived
        event = stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], endpoint["secret"])

        assert event.type == "topup.created"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(one.body + b" ", one.headers["stripe-signature"], endpoint["secret"])
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], "whsec_another")


def test_the_delivery_looks_like_stripes(platform):
    with receiving() as receiver:
        received(platform, receiver)

        (one,) = receiver.arrived
        assert one.body.startswith(b'{\n  "id": "evt_') and one.body.endswith(b"}")
        assert one.headers["content-type"] == "application/json; charset=utf-8"
        assert one.headers["user-agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
        assert one.headers["accept"] == "*/*; q=0.5, application/xml"
        assert [part.partition("=")[0] for part in one.headers["stripe-signature"].split(",")] == ["t", "v1", "v0"]


def test_while_a_secret_is_rolled_both_sign_and_afterwards_only_the_new_one(platform):
    platform.clock(frozen=True)
    with receiving() as receiver:
        endpoint = received(platform, receiver)

        rolled = platform.made(f"/_emulator/webhook_endpoints/{endpoint['id']}/roll_secret", overlap_seconds=3600)
        happen(platform)
        delivered(platform)
        platform.clock(advance=3600)
        happen(platform)
        delivered(platform)

        _, overlapping, afterwards = receiver.arrived
        for secret in (endpoint["secret"], rolled["secret"]):
            assert stripe.Webhook.construct_event(overlapping.body, overlapping.headers["stripe-signature"], secret)
        assert stripe.Webhook.construct_event(afterwards.body, afterwards.headers["stripe-signature"], rolled["secret"])
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(afterwards.body, afterwards.headers["stripe-signature"], endpoint["secret"])


@pytest.mark.parametrize("seconds, secrets", [(3599, 3), (3600, 2)])
def test_a_secret_rolled_again_signs_until_its_own_time_is_over(platform, seconds, secrets):
    platform.clock(frozen=True)
    with receiving() as receiver:
        endpoint = made(platform, url=receiver.url, enabled_events=["topup.created"])
        path = f"/_emulator/webhook_endpoints/{endpoint['id']}/roll_secret"
        platform.made(path, overlap_seconds=3600)
        platform.clock(advance=seconds)

        platform.made(path, overlap_seconds=7200)
        happen(platform)
        delivered(platform)

        (one,) = receiver.arrived
        assert one.headers["stripe-signature"].count("v1=") == secrets


def test_a_secret_rolled_without_overlap_stops_at_once(platform):
    with receiving() as receiver:
        endpoint = made(platform, url=receiver.url, enabled_events=["topup.created"])

        platform.made(f"/_emulator/webhook_endpoints/{endpoint['id']}/roll_secret", overlap_seconds=0)
        happen(platform)
        delivered(platform)

        (one,) = receiver.arrived
        assert one.headers["stripe-signature"].count("v1=") == 1
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], endpoint["secret"])


@pytest.mark.npm
def test_the_node_verifier_accepts_the_signature(platform, tmp_path: Path):
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        pytest.skip("npm and node are not installed")
    try:
        installed = subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "stripe"],
            capture_output=True,
            timeout=120,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot reach its registry")
    if installed.returncode != 0:
        pytest.skip("npm cannot reach its registry")
    with receiving() as receiver:
        endpoint = received(platform, receiver)
        (one,) = receiver.arrived
        told = {
            "body": one.body.decode(),
            "header": one.headers["stripe-signature"],
            "secret": endpoint["secret"],
        }

        verified = subprocess.run(
            [node, "-e", NODE_VERIFIER],
            cwd=tmp_path,
            input=json.dumps(told),
            text=True,
            capture_output=True,
            timeout=60,
        )

        assert (verified.stdout, verified.returncode) == ("topup.created", 0), verified.stderr
