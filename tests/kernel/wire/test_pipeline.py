"""The pipeline on its plainest guest: the list of events, and the control operations."""

import base64

import pytest

from tests.client import Client, flat

CARDHOLDER = {
    "name": "Jenny Rosen",
    "billing": {"address": {"line1": "1 Main Street", "city": "Reno", "postal_code": "89501", "country": "US"}},
}


def test_a_request_without_a_key_is_told_how_to_send_one(app):
    answer = app.test_client().get("/v1/events")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Stripe"'
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.json["error"]["message"].startswith("You did not provide an API key.")
    assert set(answer.json["error"]) == {"message", "type"}


@pytest.mark.parametrize("header", ["Bearer ", "Basic ", "Token abc", "", "Basic !!!"])
def test_an_unusable_authorization_header_counts_as_none(app, header):
    answer = app.test_client().get("/v1/events", headers={"Authorization": header})

    assert answer.status_code == 401
    assert answer.json["error"]["message"].startswith("You did not provide an API key.")


@pytest.mark.parametrize(
    "key, shown",
    [
        ("sk_live_51abcdefghijklmnop", "sk_live_**************mnop"),
        ("nonsense1234", "********1234"),
        ("abc", "***"),
        ("sk_test_", "****est_"),
    ],
)
def test_live_and_malformed_keys_are_refused_masked(app, key, shown):
    answer = app.test_client().get("/v1/events", headers={"Authorization": f"Bearer {key}"})

    assert answer.status_code == 401
    assert answer.json["error"]["message"] == f"Invalid API Key provided: {shown}"


def test_basic_authentication_opens_the_same_tenant_as_bearer(platform):
    basic = base64.b64encode(f"{platform.key}:ignored".encode()).decode()

    answer = platform.http.get("/v1/events", headers={"Authorization": f"Basic {basic}"})

    assert answer.status_code == 200


def test_a_publishable_key_is_refused_where_a_secret_one_is_needed(app):
    answer = Client(app, "pk_test_someone").get("/v1/events")

    assert answer.status == 401
    assert answer.error["code"] == "secret_key_required"
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Stripe"'


@pytest.mark.parametrize("path", ["/v1/nope", "/v1/events/", "/v1", "/nope", "/v2", "/"])
def test_unknown_paths_get_the_unrecognized_url_text(platform, path):
    answer = platform.get(path)

    assert answer.status == 404
    assert answer.error["message"].startswith(f"Unrecognized request URL (GET: {path}).")


@pytest.mark.parametrize("path", ["//v1/events", "/v1//events", "/v1/events//"])
def test_double_slashes_are_not_collapsed(platform, path):
    place = {"path": "/", "environ_overrides": {"PATH_INFO": path}}
    answer = platform.http.open(headers={"Authorization": f"Bearer {platform.key}"}, **place)

    assert answer.status_code == 404
    assert answer.json["error"]["message"].startswith(f"Unrecognized request URL (GET: {path}).")


def test_query_and_body_are_read_whatever_the_method_and_the_body_wins(platform):
    headers = {"Authorization": f"Bearer {platform.key}"}
    for _ in range(3):
        platform.made("/v1/issuing/cardholders", **CARDHOLDER)

    shown = platform.http.get("/v1/issuing/cardholders?limit=1", data={"limit": 2}, headers=headers).json["data"]
    place = "/v1/issuing/cardholders?preferred_locales[]=de&preferred_locales[]=fr&name=Ada"
    form = {**CARDHOLDER, "preferred_locales[0]": "en"}
    made = platform.http.post(place, data=dict(flat(form)), headers=headers).json

    assert len(shown) == 2
    assert (made["name"], made["preferred_locales"]) == (CARDHOLDER["name"], ["en"])


@pytest.mark.parametrize("path", ["/v1/events", "/nope"])
def test_head_is_answered_like_get_without_the_body(platform, path):
    headers = {"Authorization": f"Bearer {platform.key}"}
    whole = platform.http.get(path, headers=headers)

    head = platform.http.head(path, headers=headers)

    assert (head.status_code, head.data) == (whole.status_code, b"")
    assert int(head.headers["Content-Length"]) >= len(whole.data) > 0
    assert head.headers.get("Stripe-Version") == whole.headers.get("Stripe-Version")


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_a_wrong_verb_on_a_known_path_is_an_unknown_url(platform, verb):
    answer = platform.http.open("/v1/events", method=verb, headers={"Authorization": f"Bearer {platform.key}"})

    assert answer.status_code == 404
    assert answer.json["error"]["message"].startswith(f"Unrecognized request URL ({verb}: /v1/events).")


def test_published_operations_that_are_not_built_say_so_by_name(platform):
    answer = platform.post("/v1/customers/cus_1/tax_ids", type="eu_vat", value="DE1")

    assert answer.status == 501
    assert answer.error["message"] == "This emulator does not implement POST /v1/customers/{customer}/tax_ids."
    assert answer.headers["Stripe-Should-Retry"] == "false"
    assert answer.headers["Emulator-Not-Implemented"] == "true"


@pytest.mark.parametrize(
    "version",
    ["2019-2-19", "2019-05-16, 2019-12-03", "tomorrow", "2025-09-30.basil", "2025-04-15.basil", "2026-10-28.dahlia"],
)
def test_versions_of_the_wrong_form_and_past_ones_that_never_were_are_refused(platform, version):
    answer = platform.get("/v1/events", headers={"Stripe-Version": version})

    assert answer.status == 400
    assert answer.error["message"] == f"Invalid Stripe API version: {version}"


@pytest.mark.parametrize(
    "version", ["2019-03-14", "2026-10-28.endive", "2027-01-01.fern", "2026-01-01.preview", "2023-10-16; beta=v2"]
)
def test_known_later_and_preview_versions_are_accepted_and_echoed(platform, version):
    answer = platform.get("/v1/events", headers={"Stripe-Version": version})

    assert answer.status == 200
    assert answer.headers["Stripe-Version"] == version


def test_without_a_version_the_tenants_default_applies(platform):
    platform.settings(api_version="2024-06-20")

    assert platform.get("/v1/events").headers["Stripe-Version"] == "2024-06-20"


def test_all_unknown_parameters_are_named_before_any_other_complaint(platform):
    answer = platform.get("/v1/events?zebra=1&limit=x&apple[b]=2&created[foo]=1")

    assert answer.error["message"] == "Received unknown parameters: zebra, apple, created[foo]"
    assert answer.error["param"] == "zebra"
    assert answer.error["code"] == "parameter_unknown"


def test_a_limit_that_is_no_integer_is_refused_and_one_out_of_range_is_clamped(platform):
    refused = platform.get("/v1/events", limit="1.0")
    clamped = platform.get("/v1/events", limit=1000)

    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        400,
        "parameter_invalid_integer",
        "limit",
    )
    assert clamped.status == 200


@pytest.mark.parametrize(
    "path, message",
    [
        ("foo", "This property cannot be expanded (foo)."),
        ("data.foo", "This property cannot be expanded (data.foo)."),
        ("total_count", "This property cannot be included (total_count)"),
        ("data.a.b.c.d", "You cannot expand more than 4 levels of a property. Property: data.a.b.c.d"),
    ],
)
def test_impossible_expansions_are_refused(platform, path, message):
    answer = platform.get("/v1/events", expand=[path])

    assert (answer.status, answer.error["message"], answer.error["param"]) == (400, message, "expand")


def test_a_json_body_is_refused_with_the_hint_about_forms(platform):
    answer = platform.http.post(
        "/_emulator/clock", json={"advance": 1}, headers={"Authorization": f"Bearer {platform.key}"}
    )

    assert answer.status_code == 400
    assert "application/x-www-form-urlencoded" in answer.json["error"]["message"]


def test_an_unknown_account_cannot_be_acted_for(platform):
    answer = platform.get("/v1/events", headers={"Stripe-Account": "acct_nobody"})

    assert (answer.status, answer.error["code"]) == (403, "account_invalid")
    assert "does not have access to account 'acct_nobody'" in answer.error["message"]


@pytest.mark.parametrize("context", ["org_1", "acct", "org_1/typo"])
def test_a_context_that_names_no_account_is_refused_rather_than_taken_for_the_platform(platform, context):
    answer = platform.get("/v1/events", headers={"Stripe-Context": context})

    assert (answer.status, answer.error["code"]) == (403, "account_invalid")
    assert f"does not have access to account '{context}'" in answer.error["message"]


def test_two_headers_that_name_different_accounts_are_refused(platform):
    answer = platform.get("/v1/events", headers={"Stripe-Account": "acct_a", "Stripe-Context": "acct_x/acct_b"})

    assert answer.status == 400
    assert answer.error["message"] == "The Stripe-Context and Stripe-Account headers name different accounts."


def test_options_answers_with_the_headers_browsers_ask_for(app):
    answer = app.test_client().options("/v1/issuing/cards")

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_clock_moves_forward_only(platform):
    start = platform.clock(frozen=True)["now"]

    moved = platform.clock(advance=3600)
    refused = platform.post("/_emulator/clock", set=start)

    assert moved["now"] == start + 3600
    assert refused.status == 400
    assert platform.read("/_emulator/clock")["now"] == start + 3600


@pytest.mark.parametrize("how", [{"set": 1_795_578_261_000}, {"advance": 2**63 - 1}])
def test_the_clock_is_not_moved_where_no_calendar_reaches(platform, how):
    start = platform.clock(frozen=True)["now"]

    refused = platform.post("/_emulator/clock", **how)

    assert (refused.status, refused.error["param"]) == (400, *how)
    assert refused.error["message"].startswith("The clock counts seconds and ends with the year 2099: ")
    assert platform.read("/_emulator/clock")["now"] == start


def test_reset_begins_the_same_world_anew(platform):
    platform.settings(api_version="2024-06-20")

    generation = platform.made("/_emulator/reset")["generation"]

    assert generation == 2
    assert platform.read("/_emulator/settings")["api_version"] != "2024-06-20"
