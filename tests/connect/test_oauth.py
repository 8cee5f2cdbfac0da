"""OAuth: the page that connects an account, the calls of the platform's server, and what works before and after."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import stripe

from tests.browsers import browsing, chromium, until
from tests.client import Answer, Client
from tests.receivers import receiving
from tests.serving import Served

BACK = "https://example.com/back?done=1"
TOKEN, LEAVE, PAGE = "/oauth/token", "/oauth/deauthorize", "/oauth/authorize"
FORM = re.compile(r"(sk|pk)_test_[0-9A-Za-z]+_00[0-9A-Za-z]{8}\Z")
REVOKED = "Platform access may have been revoked."
FIVE_MINUTES = 300


def client_id(platform: Client) -> str:
    """The platform's own."""
    return platform.read("/_emulator/application")["client_id"]


def asking(platform: Client, **changes: Any) -> dict[str, Any]:
    """What the link to the page has in its query; what is None is left out."""
    usual = {
        "client_id": client_id(platform),
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "read_write",
        "state": "s & t",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def decided(platform: Client, decision: str = "connect", **changes: Any) -> dict[str, str]:
    """What the browser brings back when the page's form was sent so."""
    answer = platform.http.post(PAGE, data={**asking(platform, **changes), "decision": decision})
    assert answer.status_code == 303, answer.text
    assert answer.headers["Location"].startswith(BACK + "&")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def exchanged(platform: Client, code: str) -> dict[str, Any]:
    """The token for a code."""
    return platform.made(TOKEN, grant_type="authorization_code", code=code)


def connected(platform: Client, **changes: Any) -> dict[str, Any]:
    """The token for an account that was just connected."""
    return exchanged(platform, decided(platform, **changes)["code"])


def holding(platform: Client, key: str) -> Client:
    """Somebody who has that key and nothing else."""
    return Client(platform.app, key)


def leave(platform: Client, account: str, **changes: Any) -> Answer:
    """Disconnect an account."""
    return platform.post(LEAVE, **{"client_id": client_id(platform), "stripe_user_id": account, **changes})


def refused(answer: Answer) -> tuple[int, str, str]:
    """A refusal in OAuth's own shape."""
    assert answer.json.keys() == {"error", "error_description"}
    return answer.status, answer.json["error"], answer.json["error_description"]


@pytest.fixture
def another(app, key) -> Client:
    """Another platform, with a world of its own."""
    return Client(app, f"{key}other")


# The page


def test_the_page_says_who_asks_for_what_and_brings_back_what_was_sent(platform):
    sent = asking(platform, state='"><b>', **{"stripe_user[email]": "a@example.com"})

    answer = platform.http.get(f"{PAGE}?{urlencode(sent)}")

    assert answer.status_code == 200 and answer.mimetype == "text/html"
    assert "Emulated Platform asks to read and change" in answer.text
    assert "<b>" not in answer.text and "script" not in answer.text
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text)
    assert {unescape(name): unescape(text) for name, text in fields} == sent
    assert "form-action http: https:" in answer.headers["Content-Security-Policy"]


def test_who_connects_comes_back_with_a_code_and_who_does_not_with_the_reason(platform):
    came, went = decided(platform), decided(platform, "deny")

    assert re.fullmatch(r"ac_[0-9A-Za-z]{32}", came.pop("code"))
    assert came == {"done": "1", "scope": "read_write", "state": "s & t"}
    assert went == {
        "done": "1",
        "error": "access_denied",
        "error_description": "The user denied your request",
        "state": "s & t",
    }
    assert platform.read("/v1/accounts")["data"] == []  # until the code is exchanged


@pytest.mark.parametrize(
    "changes, error, says",
    [
        ({"client_id": "ca_32D88BD1qLklliziD7gYQvctJIhWBSQ7"}, "invalid_client", "No application matches"),
        ({"client_id": None}, "invalid_request", "Missing required param: client_id."),
        ({"redirect_uri": None}, "invalid_redirect_uri", "No redirect_uri was sent."),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request", "Not a valid URL"),
        ({"response_type": "token"}, "unsupported_response_type", "Unsupported response type: token"),
        ({"scope": "everything"}, "invalid_scope", "Invalid scope: everything"),
    ],
)
def test_what_is_wrong_with_the_link_is_said_and_leads_nowhere(platform, changes, error, says):
    sent = asking(platform, **changes)

    seen = platform.http.get(f"{PAGE}?{urlencode(sent)}")
    handed_in = platform.http.post(PAGE, data={**sent, "decision": "connect"})

    for answer in (seen, handed_in):
        assert answer.status_code == 400 and answer.json["error"] == error
        assert answer.json["error_description"].startswith(says)


def test_express_accounts_do_not_come_over_oauth(platform):
    answer = platform.http.get(f"/express{PAGE}?{urlencode(asking(platform))}")

    assert answer.status_code == 501
    assert "POST /v1/account_links" in answer.json["error_description"]


def test_another_world_is_named_by_another_client_id_and_a_fresh_start_keeps_it(platform, another):
    mine = client_id(platform)

    platform.made("/_emulator/reset")

    assert client_id(platform) == mine != client_id(another)
    assert re.fullmatch(r"ca_[0-9A-Za-z]{32}", mine)
    assert client_id(platform.acting_as(platform.made("/v1/accounts", type="custom")["id"])) == mine


def test_in_a_real_browser_the_form_leads_back_to_the_platform(app, platform, tmp_path):
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed, so the page cannot be tried in one")
    with Served(app) as server, browsing(program, tmp_path) as tab:
        here = f"{server.url}/_emulator/health"
        tab.ask("Page.navigate", url=f"{server.url}{PAGE}?{urlencode(asking(platform, redirect_uri=here))}")
        until(lambda: tab.run("document.querySelector('form') !== null"))
        tab.run("document.querySelector('button[value=connect]').click()")
        until(lambda: "code=ac_" in tab.run("location.href"))
        code = parse_qs(urlsplit(tab.run("location.href")).query)["code"][0]

    assert exchanged(platform, code)["scope"] == "read_write"


# The token


def test_a_code_is_exchanged_for_a_token_that_acts_for_a_new_standard_account(platform):
    token = connected(platform)

    account = token["stripe_user_id"]
    assert token == {
        "access_token": token["access_token"],
        "livemode": False,
        "refresh_token": token["refresh_token"],
        "scope": "read_write",
        "stripe_publishable_key": token["stripe_publishable_key"],
        "stripe_user_id": account,
        "token_type": "bearer",
    }
    assert FORM.match(token["access_token"]) and FORM.match(token["stripe_publishable_key"])
    assert token["refresh_token"].startswith("rt_")
    inside = holding(platform, token["access_token"])
    own = inside.read("/v1/account")
    assert (own["id"], own["type"], own["controller"]) == (account, "standard", {"type": "account"})
    assert (own["charges_enabled"], own["payouts_enabled"], own["details_submitted"]) == (True, True, True)
    assert own["requirements"]["currently_due"] == []
    customer = inside.made("/v1/customers", name="A")
    assert platform.acting_as(account).read(f"/v1/customers/{customer['id']}")["name"] == "A"
    assert platform.get(f"/v1/customers/{customer['id']}").status == 404
    assert [one["id"] for one in platform.read("/v1/accounts")["data"]] == [account]


def test_an_account_can_be_sent_money_and_pays_it_out_to_its_bank(platform):
    inside = holding(platform, connected(platform)["access_token"])

    platform.made("/v1/topups", amount=10_00, currency="usd")
    sent = platform.made("/v1/transfers", amount=10_00, currency="usd", destination=inside.read("/v1/account")["id"])
    paid = inside.made("/v1/payouts", amount=10_00, currency="usd")

    assert (sent["amount"], paid["amount"]) == (10_00, 10_00)
    assert inside.read(f"/v1/payouts/{paid['id']}")["status"] == "paid"


def test_everybody_is_told_that_an_account_has_been_connected(platform):
    with receiving() as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["*"], connect=True)

        account = connected(platform)["stripe_user_id"]

        platform.made("/_emulator/webhooks/drain")
        (said,) = receiver.events
    assert (said["type"], said["account"]) == ("account.application.authorized", account)
    assert said["data"]["object"] == {"id": client_id(platform), "object": "application", "name": "Emulated Platform"}


def test_what_was_said_in_advance_is_known_of_the_new_account_and_the_rest_is_read_over(platform):
    said = {"email": "a@example.com", "country": "GB", "url": "https://a.example", "business_name": "A", "x": "y"}

    token = connected(platform, **{f"stripe_user[{name}]": text for name, text in said.items()})
    odd = connected(platform, **{"stripe_user[email]": "no address", "stripe_user[country]": "Nowhere"})

    account = platform.read(f"/v1/accounts/{token['stripe_user_id']}")
    assert (account["email"], account["country"], account["default_currency"]) == ("a@example.com", "GB", "gbp")
    assert (account["business_profile"]["name"], account["business_profile"]["url"]) == ("A", "https://a.example")
    assert account["payouts_enabled"]
    other = platform.read(f"/v1/accounts/{odd['stripe_user_id']}")
    assert (other["email"], other["country"]) == (None, "US")


def test_a_token_opens_nothing_but_its_account_and_stripes_api(platform):
    token, stranger = connected(platform), connected(platform)["stripe_user_id"]
    inside = holding(platform, token["access_token"])

    assert inside.acting_as(stranger).get("/v1/account").error["code"] == "account_invalid"
    assert inside.acting_as(token["stripe_user_id"]).read("/v1/account")["id"] == token["stripe_user_id"]
    for answer in (
        inside.post("/_emulator/reset"),
        inside.get("/_emulator/settings"),
        inside.post("/_emulator/clock", advance=1),
    ):
        assert (answer.status, answer.error["code"]) == (403, "more_permissions_required")
    answer = inside.post(TOKEN, grant_type="refresh_token", refresh_token=token["refresh_token"])
    assert refused(answer)[:2] == (403, "invalid_client")
    assert inside.get(f"/v1/accounts/{stranger}").status == 400
    assert inside.post("/v1/accounts", type="custom").status == 400


def test_a_publishable_key_of_an_account_is_one(platform):
    token = connected(platform)
    page = holding(platform, token["stripe_publishable_key"])

    bank = {"country": "US", "currency": "usd", "account_number": "000123456789", "routing_number": "110000000"}
    made = page.made("/v1/tokens", bank_account=bank)

    assert platform.acting_as(token["stripe_user_id"]).read(f"/v1/tokens/{made['id']}")["id"] == made["id"]
    assert page.get("/v1/account").error["code"] == "secret_key_required"


def test_a_read_only_token_reads(platform):
    inside = holding(platform, connected(platform, scope=None)["access_token"])

    assert inside.read("/v1/account")["charges_enabled"]
    answer = inside.post("/v1/customers")
    assert (answer.status, answer.error["code"]) == (403, "more_permissions_required")


def test_a_code_is_good_for_one_exchange_and_sent_again_takes_its_tokens_back(platform):
    code = decided(platform)["code"]
    token = exchanged(platform, code)

    again = platform.post(TOKEN, grant_type="authorization_code", code=code)

    used = "This authorization code has already been used. All tokens issued with this code have been revoked."
    assert refused(again) == (400, "invalid_grant", used)
    answer = holding(platform, token["access_token"]).get("/v1/account")
    assert (answer.status, answer.error["code"]) == (401, "platform_api_key_expired")
    assert answer.error["message"].endswith(REVOKED)
    assert platform.post(TOKEN, grant_type="refresh_token", refresh_token=token["refresh_token"]).status == 400
    assert platform.acting_as(token["stripe_user_id"]).read("/v1/account")  # the account is connected all the same


def test_a_code_is_good_for_five_minutes(platform):
    platform.clock(frozen=True)
    early, late = decided(platform)["code"], decided(platform)["code"]

    platform.clock(advance=FIVE_MINUTES - 1)
    exchanged(platform, early)
    platform.clock(advance=1)

    answer = platform.post(TOKEN, grant_type="authorization_code", code=late)
    assert refused(answer) == (400, "invalid_grant", f"Authorization code expired: {late}")


def test_a_refresh_token_gives_more_tokens_of_as_much_or_less(platform):
    first = connected(platform)
    sent = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}

    as_much, less = platform.made(TOKEN, **sent), platform.made(TOKEN, **sent, scope="read_only")

    assert len({first["access_token"], as_much["access_token"], less["access_token"]}) == 3
    assert [one["scope"] for one in (as_much, less)] == ["read_write", "read_only"]
    same = ("refresh_token", "stripe_publishable_key", "stripe_user_id")
    assert all([one[name] for name in same] == [first[name] for name in same] for one in (as_much, less))
    for one in (first, as_much, less):
        assert holding(platform, one["access_token"]).read("/v1/account")["id"] == first["stripe_user_id"]


def test_a_refresh_token_never_gives_more_than_it_has(platform):
    token = connected(platform, scope="read_only")

    answer = platform.post(TOKEN, grant_type="refresh_token", refresh_token=token["refresh_token"], scope="read_write")

    assert refused(answer)[:2] == (400, "invalid_scope")


@pytest.mark.parametrize(
    "sent, error, says",
    [
        ({}, "invalid_request", "No grant type specified"),
        ({"grant_type": "password"}, "unsupported_grant_type", "Unsupported grant type: password"),
        ({"grant_type": "authorization_code"}, "invalid_request", "Missing required param: code."),
        (
            {"grant_type": "authorization_code", "code": "ac_x"},
            "invalid_grant",
            "Authorization code does not exist: ac_x",
        ),
        ({"grant_type": "refresh_token"}, "invalid_request", "Missing required param: refresh_token."),
        (
            {"grant_type": "refresh_token", "refresh_token": "rt_x"},
            "invalid_grant",
            "Refresh token does not exist: rt_x",
        ),
        ({"grant_type": "refresh_token", "nothing": "x"}, "invalid_request", "Received unknown parameter: nothing"),
    ],
)
def test_what_is_wrong_with_a_request_for_a_token_is_said_as_oauth_says_it(platform, sent, error, says):
    assert refused(platform.post(TOKEN, **sent)) == (400, error, says)


def test_the_code_of_another_platform_is_none(platform, another):
    code = decided(another)["code"]

    answer = platform.post(TOKEN, grant_type="authorization_code", code=code)

    assert refused(answer)[:2] == (400, "invalid_grant")
    assert exchanged(another, code)["scope"] == "read_write"


def test_older_libraries_send_their_key_as_a_parameter(platform, key):
    sent = {"grant_type": "authorization_code", "code": decided(platform)["code"], "client_id": client_id(platform)}

    without = platform.http.post(TOKEN, data=sent)
    answer = platform.http.post(TOKEN, data={**sent, "client_secret": key})

    says = "No authentication was provided."
    assert (without.status_code, without.json["error"]) == (401, "invalid_client")
    assert without.json["error_description"].startswith(says)
    assert answer.json["token_type"] == "bearer"
    live = platform.http.post(TOKEN, data={**sent, "client_secret": "sk_live_1234567890"})
    assert (live.status_code, live.json["error"]) == (401, "invalid_client")


def test_refusals_are_in_the_request_log_as_they_were_said_but_for_secrets(platform):
    platform.post(TOKEN, grant_type="refresh_token", refresh_token="rt_secret")

    logged = platform.read("/_emulator/requests")["data"][0]

    assert (logged["path"], logged["status"]) == (TOKEN, 400)
    assert logged["error"] == {
        "error": "invalid_grant",
        "error_description": "Refresh token does not exist: rt_****",
    }


def test_a_repeated_exchange_under_one_key_is_answered_again(platform):
    sent = {"grant_type": "authorization_code", "code": decided(platform)["code"]}

    first = platform.post(TOKEN, headers={"Idempotency-Key": "one"}, **sent)
    again = platform.post(TOKEN, headers={"Idempotency-Key": "one"}, **sent)

    assert first.status == 200 and again.json == first.json


# Leaving


def test_a_disconnected_account_is_out_of_reach_and_so_is_all_that_reached_it(platform):
    token = connected(platform)
    account = token["stripe_user_id"]
    with receiving() as receiver:
        platform.made("/v1/webhook_endpoints", url=receiver.url, enabled_events=["*"], connect=True)

        answer = leave(platform, account)

        platform.made("/_emulator/webhooks/drain")
        (said,) = receiver.events
    assert (answer.status, answer.json) == (200, {"stripe_user_id": account})
    assert (said["type"], said["account"]) == ("account.application.deauthorized", account)
    assert platform.acting_as(account).get("/v1/account").error["code"] == "account_invalid"
    assert platform.get(f"/v1/accounts/{account}").error["code"] == "account_invalid"
    for key in (token["access_token"], token["stripe_publishable_key"]):
        answer = holding(platform, key).post("/v1/tokens", pii={"id_number": "000000000"})
        assert (answer.status, answer.error["code"]) == (401, "platform_api_key_expired")
    assert platform.post(TOKEN, grant_type="refresh_token", refresh_token=token["refresh_token"]).status == 400
    assert platform.read("/v1/accounts")["data"] == []
    assert refused(leave(platform, account)) == (
        401,
        "invalid_client",
        f"This application is not connected to stripe account {account}, or that account does not exist.",
    )


def test_an_account_can_be_connected_again_with_all_that_it_has(platform):
    token = connected(platform, **{"stripe_user[business_name]": "Come again"})
    account = token["stripe_user_id"]
    customer = holding(platform, token["access_token"]).made("/v1/customers")
    leave(platform, account)

    page = platform.http.get(f"{PAGE}?{urlencode(asking(platform))}").text
    again = connected(platform, account=account)

    assert f'<option value="{account}">Come again ({account})</option>' in page
    assert again["stripe_user_id"] == account
    assert holding(platform, again["access_token"]).read(f"/v1/customers/{customer['id']}") == customer
    assert [one["id"] for one in platform.read("/v1/accounts")["data"]] == [account]
    assert holding(platform, token["access_token"]).get("/v1/account").status == 401


def test_only_accounts_that_control_themselves_can_be_chosen_on_the_page(platform):
    made = platform.made("/v1/accounts", type="custom")["id"]

    for account in (made, platform.read("/v1/account")["id"], "acct_nobody"):
        answer = platform.http.post(PAGE, data={**asking(platform), "decision": "connect", "account": account})

        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_who_cannot_leave_is_told_why(platform):
    account = connected(platform)["stripe_user_id"]
    custom = platform.made("/v1/accounts", type="custom")["id"]
    standard = platform.made("/v1/accounts", type="standard")["id"]
    own = platform.read("/v1/account")["id"]

    assert refused(leave(platform, account, client_id="ca_other"))[:2] == (401, "invalid_client")
    assert refused(leave(platform, own))[:2] == (401, "invalid_client")
    assert refused(leave(platform, "acct_nobody"))[:2] == (401, "invalid_client")
    assert refused(leave(platform, custom))[:2] == (400, "invalid_request")
    assert refused(platform.post(LEAVE, client_id=client_id(platform)))[:2] == (400, "invalid_request")
    assert leave(platform, standard).status == 200
    assert platform.read(f"/v1/accounts/{account}")


# What the platform may change


def test_a_platform_changes_nothing_of_an_account_that_controls_itself_but_its_metadata(platform):
    account = connected(platform)["stripe_user_id"]
    at = f"/v1/accounts/{account}"

    refusals = [
        platform.post(at, email="b@example.com"),
        platform.post(at),
        platform.delete(at),
        platform.post(f"{at}/reject", reason="fraud_other"),
        platform.post(f"{at}/persons", first_name="A"),
        platform.post(f"{at}/capabilities/us_bank_account_ach_payments", requested=True),
        platform.post(f"{at}/external_accounts", external_account="btok_us_verified"),
        platform.post(
            "/v1/account_links",
            account=account,
            type="account_onboarding",
            refresh_url=BACK,
            return_url=BACK,
        ),
    ]

    for answer in refusals:
        assert answer.status == 403, answer.json
        assert answer.error["message"].startswith("This application does not have the required permissions")
    assert platform.made(at, metadata={"user": "1"})["metadata"] == {"user": "1"}
    assert platform.post(f"{at}/login_links").status == 400
    assert platform.made("/v1/account_sessions", account=account, components={"payouts": {"enabled": True}})


# The official SDKs


def test_the_helpers_of_stripe_python_work_with_another_base(app, key):
    with Served(app) as server:
        platform = Client(app, key)
        client = stripe.StripeClient(
            key,
            client_id=client_id(platform),
            base_addresses={"api": server.url, "connect": server.url},
        )
        url = client.oauth.authorize_url({"redirect_uri": BACK, "scope": "read_write", "state": "s"})
        page = platform.http.get(url.removeprefix(server.url))
        code = decided(platform)["code"]

        token = client.oauth.token({"grant_type": "authorization_code", "code": code})
        own = stripe.StripeClient(token.access_token, base_addresses={"api": server.url})
        seen = own.v1.accounts.retrieve_current()
        with pytest.raises(stripe.oauth_error.InvalidGrantError) as used:
            client.oauth.token({"grant_type": "authorization_code", "code": code})
        token = client.oauth.token({"grant_type": "authorization_code", "code": decided(platform)["code"]})
        left = client.oauth.deauthorize({"stripe_user_id": token.stripe_user_id})
        with pytest.raises(stripe.oauth_error.InvalidClientError):
            client.oauth.deauthorize({"stripe_user_id": token.stripe_user_id})
        with pytest.raises(stripe.AuthenticationError) as revoked:
            own.v1.accounts.retrieve_current()

    assert page.status_code == 200
    assert (seen.type, seen.charges_enabled) == ("standard", True)
    assert used.value.http_status == 400 and "already been used" in str(used.value.user_message)
    assert left.stripe_user_id == token.stripe_user_id
    assert revoked.value.error.code == "platform_api_key_expired"
