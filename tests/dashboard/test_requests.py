"""The log of requests: listed, narrowed, one of them as a command, and why it was refused."""

from __future__ import annotations


def test_requests_are_listed_with_their_refusals_and_narrowed(platform, visitor):
    platform.post("/v1/issuing/cards", currency="usd")
    platform.read("/v1/balance")

    visitor.get("/dashboard/requests")
    assert "POST / v1/ issuing/ cards Missing required param: type." in visitor.text
    assert "GET / v1/ balance" in visitor.text

    visitor.get("/dashboard/requests?status=4xx&method=POST&path=/v1/issuing/*")
    assert "POST / v1/ issuing/ cards" in visitor.text
    assert "GET / v1/ balance" not in visitor.text


def test_a_filter_that_nothing_meets_says_so(visitor):
    visitor.get("/dashboard/requests?status=5xx")

    assert "No request like that." in visitor.text


def test_one_request_shows_why_it_was_refused_and_how_to_send_it_again(platform, visitor):
    refused = platform.post(
        "/v1/issuing/cards", currency="usd", headers={"Idempotency-Key": "o'one", "Stripe-Version": "2025-03-31.basil"}
    )

    visitor.get(f"/dashboard/requests/{refused.headers['Request-Id']}")

    assert "400 Bad Request" in visitor.text
    assert "Refused. Missing required param: type." in visitor.text
    assert '"parameter_missing"' in visitor.text
    assert "curl http://127.0.0.1:12111/v1/issuing/cards \\" in visitor.text
    assert """-H 'Idempotency-Key: o'"'"'one'""" in visitor.text
    assert "-H 'Stripe-Version: 2025-03-31.basil'" in visitor.text


def test_what_was_sent_and_answered_is_shown_where_it_was_kept(platform, visitor):
    before = platform.get("/v1/balance").headers["Request-Id"]
    platform.settings(record_requests=True)
    made = platform.post("/v1/customers", name="<i>Ada</i>", metadata={"a": "b c"}).headers["Request-Id"]
    read = platform.get("/v1/customers", limit=3).headers["Request-Id"]

    visitor.get(f"/dashboard/requests/{before}")
    assert "What was sent with it was not kept. From now on it is." in visitor.text

    visitor.get(f"/dashboard/requests/{made}")
    assert "What was sent" in visitor.text and "<i>Ada" not in visitor.html
    assert """-d 'name=<i>Ada</i>' \\ -d 'metadata[a]=b c'""" in visitor.text
    assert '"object" : "customer"' in visitor.text

    visitor.get(f"/dashboard/requests/{read}")
    assert "-G" in visitor.text and "-d limit=3" in visitor.text


def test_a_request_that_the_log_does_not_know_is_not_found(visitor):
    assert visitor.get("/dashboard/requests/req_none").status_code == 404


def test_the_log_pages_by_cursor(platform, visitor):
    for _ in range(26):
        platform.read("/v1/balance")

    visitor.get("/dashboard/requests?path=/v1/balance")
    visitor.get(next(link for link in visitor.links("/dashboard/requests?") if "after=" in link))

    assert visitor.html.count('<td><a class="main"') == 2  # one came from signing in
