"""Sessions of the Stripe CLI."""

import json
import re

import pytest

from tests.client import Client

SESSIONS = "/v1/stripecli/sessions"


@pytest.fixture
def cli(app, platform, monkeypatch) -> Client:
    """The platform of a server that has a WebSocket port."""
    monkeypatch.setattr(app.emulator.tenants, "websocket_url", "ws://127.0.0.1:12121")
    return platform


def test_a_session_tells_where_and_under_which_id_to_connect(cli):
    account = cli.read("/v1/account")["id"]

    session = cli.made(SESSIONS, device_name="laptop", websocket_features=["webhooks", "v2_events"])

    assert re.fullmatch(r"cliws_[0-9a-f]{32}[0-9A-Za-z]{14}", session.pop("websocket_id"))
    assert re.fullmatch(r"whsec_[0-9a-f]{64}", session.pop("secret"))
    assert session == {
        "object": "stripecli.session",
        "default_version": "2026-10-28.endive",
        "device_token": "",
        "display_connect_filter_warning": False,
        "latest_version": "2026-10-28.endive",
        "reconnect_delay": 3600,
        "websocket_authorized_feature": "webhooks",
        "websocket_url": f"ws://127.0.0.1:12121/subscribe/{account}",
    }


def test_the_secret_is_the_same_for_a_device_each_time_and_another_for_each_other(cli):
    first, again, other = (cli.made(SESSIONS, device_name=name)["secret"] for name in ("laptop", "laptop", "desktop"))
    cli.made("/_emulator/reset")

    assert first == again != other
    assert cli.made(SESSIONS, device_name="laptop")["secret"] == first


def test_two_tenants_have_two_secrets(app, cli):
    neighbour = Client(app, f"{cli.key}neighbour")

    assert cli.made(SESSIONS, device_name="a")["secret"] != neighbour.made(SESSIONS, device_name="a")["secret"]


def test_every_session_has_an_id_of_its_own(cli):
    ids = {cli.made(SESSIONS, device_name="laptop")["websocket_id"] for _ in range(5)}
    cli.made("/_emulator/reset")
    ids |= {cli.made(SESSIONS, device_name="laptop")["websocket_id"] for _ in range(5)}

    assert len(ids) == 10


def test_asking_for_a_session_changes_no_later_id(cli):
    cli.clock(frozen=True)
    cli.made("/_emulator/reset")
    cli.clock(set=2_000_000_000, frozen=True)
    without = cli.made("/v1/accounts", type="standard")["id"]
    cli.made("/_emulator/reset")
    cli.clock(set=2_000_000_000, frozen=True)
    cli.made(SESSIONS, device_name="laptop")

    assert cli.made("/v1/accounts", type="standard")["id"] == without


@pytest.mark.parametrize(
    "asked, authorized",
    [
        (["request_logs"], "request_logs"),
        (["v2_events", "webhooks"], "webhooks"),
        (["v2_events"], "v2_events"),
        ([], "webhooks"),
    ],
)
def test_the_first_feature_that_is_offered_is_authorized(cli, asked, authorized):
    session = cli.made(SESSIONS, device_name="laptop", websocket_features=asked)

    assert session["websocket_authorized_feature"] == authorized


def test_the_default_version_is_the_tenants(cli):
    cli.settings(api_version="2024-06-20")

    assert cli.made(SESSIONS, device_name="laptop")["default_version"] == "2024-06-20"


def test_parameters_of_a_later_cli_are_read_over(cli):
    assert cli.post(SESSIONS, device_name="laptop", websocket_mood="good").status == 200


@pytest.mark.parametrize("filters", ["{", "[]", '"GET"', '{"filter_http_method": "GET"}'])
def test_filters_that_are_no_hash_of_lists_are_refused(cli, filters):
    answer = cli.post(SESSIONS, device_name="laptop", websocket_features=["request_logs"], filters=filters)

    assert (answer.status, answer.error["param"]) == (400, "filters")


def test_a_session_needs_a_device_name(cli):
    answer = cli.post(SESSIONS, filters=json.dumps({}))

    assert (answer.status, answer.error["code"]) == (400, "parameter_missing")


def test_a_server_without_a_websocket_port_says_so(platform):
    answer = platform.post(SESSIONS, device_name="laptop")

    assert answer.status == 400
    assert "no WebSocket port" in answer.error["message"]


def test_a_listener_is_no_webhook_endpoint(cli):
    cli.made(SESSIONS, device_name="laptop")

    assert cli.read("/v1/webhook_endpoints")["data"] == []
