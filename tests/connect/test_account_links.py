"""Account links: who gets one, how long it works, and the page it leads to, over HTTP and in a real Chromium."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from emulator.app import create_app
from tests.browsers import Tab, browsing, chromium, until
from tests.client import Client
from tests.connect.shapes import ALL, BANK, CONTROLLER, account_of, asking, company, individual
from tests.serving import Served

LINKS = "/v1/account_links"
BACK, AGAIN = "https://example.com/back?done=1&x=y", "http://localhost:3000/again"
WAYS = {"refresh_url": AGAIN, "return_url": BACK}
ONE_TYPE = 'Invalid type: must be one of ["account_onboarding"]'


def link(platform: Client, account: str, **more: Any) -> dict[str, Any]:
    """A link for an account."""
    return platform.made(LINKS, account=account, **{"type": "account_onboarding", **WAYS, **more})


class Visitor:
    """Somebody with a browser that runs no script."""

    def __init__(self, app: Flask) -> None:
        self.http = app.test_client()
        self.at = ""
        self.answer: TestResponse

    def visit(self, url: str) -> Visitor:
        """Open an address, and where it leads on this server."""
        return self.followed(self.http.get(url), url)

    def submit(self, **changes: Any) -> Visitor:
        """Hand the form in as it is filled, but for these changes; with None a field is left out."""
        sent = {**self.fields, **changes}
        sent = {name: value for name, value in sent.items() if value is not None}
        return self.followed(self.http.post(self.at, data=sent), self.at)

    def followed(self, answer: TestResponse, url: str) -> Visitor:
        """What came, at the end of all redirects on this server."""
        self.answer, self.at = answer, url
        to = answer.headers.get("Location", "")
        return self.visit(to) if to.startswith("/") else self

    @property
    def led_to(self) -> str | None:
        """The address of somebody else's that the browser goes to."""
        return self.answer.headers.get("Location") if self.answer.status_code == 303 else None

    @property
    def fields(self) -> dict[str, str]:
        """Every field of the form with what is in it."""
        text = self.answer.text
        found = re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', text)
        found += re.findall(r'<select[^>]* name="([^"]+)">\s*(?:<option>[^<]*</option>)*<option selected>([^<]*)', text)
        return {unescape(name): unescape(value) for name, value in found}

    @property
    def asked(self) -> set[str]:
        """The names of what is asked."""
        return {name.removeprefix("values[").removesuffix("]") for name in self.fields if name.startswith("values[")}


@pytest.fixture
def visitor(app) -> Visitor:
    return Visitor(app)


# Links


def test_a_link_lasts_five_minutes_and_says_what_kind_of_account_it_is_for(platform):
    kinds = {"custom": "c", "express": "e", "standard": "s"}
    for kind, letter in kinds.items():
        account = platform.made("/v1/accounts", type=kind)

        made = link(platform, account["id"])

        assert made.keys() == {"object", "created", "expires_at", "url"}
        assert (made["object"], made["expires_at"] - made["created"]) == ("account_link", 300)
        assert f"/setup/{letter}/" in made["url"]


@pytest.mark.parametrize(
    "kind, says",
    [
        ({"type": "custom"}, None),
        ({"controller": CONTROLLER}, None),
        ({"controller": {**CONTROLLER, "losses": {"payments": "stripe"}}}, ONE_TYPE),
        ({"controller": {**CONTROLLER, "requirement_collection": "stripe"}}, ONE_TYPE),
        ({"type": "express"}, ONE_TYPE),
        ({"type": "standard"}, ONE_TYPE),
    ],
)
def test_an_update_is_for_accounts_whose_platform_answers_for_them(platform, kind, says):
    account = platform.made("/v1/accounts", **kind)

    answer = platform.post(LINKS, account=account["id"], type="account_update", **WAYS)

    assert answer.error.get("message") == says
    assert answer.error.get("param") == ("type" if says else None)


def test_what_is_wrong_with_a_link_is_named(platform):
    account = account_of(platform)["id"]
    right = {"account": account, "type": "account_onboarding", **WAYS}

    def refusal(client: Client = platform, **changes: Any) -> tuple[int, str | None, str | None, str]:
        sent = {name: value for name, value in {**right, **changes}.items() if value is not ...}
        answer = client.post(LINKS, **sent)
        return answer.status, answer.error.get("code"), answer.error.get("param"), answer.error["message"]

    no_application = (400, None, None, "You must have a client application set in order to make this request.")
    assert refusal(account=platform.read("/v1/account")["id"]) == no_application
    assert refusal(platform.acting_as(account)) == no_application
    assert refusal(account="acct_nobody")[:2] == (403, "account_invalid")
    assert refusal(refresh_url=...)[:3] == (400, "parameter_missing", "refresh_url")
    assert refusal(return_url=...)[:3] == (400, "parameter_missing", "return_url")
    for url in (
        "example.com",
        "javascript:alert(1)",
        "ftp://a.b",
        "https://",
        "http://a b.c",
        "http://[::1",
        "https://ü.de",
    ):
        assert refusal(return_url=url) == (400, "url_invalid", "return_url", "Not a valid URL")
    assert refusal(type="other")[3] == "Invalid type: must be one of account_onboarding or account_update"
    assert refusal(collect="currently_due", collection_options={"fields": "currently_due"})[1] == "parameters_exclusive"


def test_older_clients_say_collect_and_new_ones_collection_options(platform, visitor):
    platform.settings(onboarding="verify")
    account = account_of(platform, **{**company(owners_provided=False), "external_account": BANK})["id"]

    now = visitor.visit(link(platform, account)["url"]).asked
    for more in ({"collect": "eventually_due"}, {"collection_options": {"fields": "eventually_due"}}):
        later = visitor.visit(link(platform, account, **more)["url"]).asked

        assert "owners.first_name" in now and "owners.ssn_last_4" in later - now


# Visits


def test_a_link_is_visited_once_and_then_leads_to_the_refresh_url(platform, visitor):
    made = link(platform, account_of(platform)["id"])

    first = visitor.visit(made["url"])
    assert first.answer.status_code == 200 and "external_account.account_number" in first.asked
    again = first.visit(first.at)
    assert again.answer.status_code == 200  # the page of the session may be loaded again

    assert visitor.visit(made["url"]).led_to == AGAIN


def test_a_link_that_has_expired_by_the_clock_leads_to_the_refresh_url(platform, visitor):
    platform.clock(frozen=True)
    account = account_of(platform)["id"]
    early, late = link(platform, account), link(platform, account)

    platform.clock(advance=299)
    assert visitor.visit(early["url"]).led_to is None
    platform.clock(advance=1)
    assert visitor.visit(late["url"]).led_to == AGAIN


def test_a_link_of_an_account_that_is_deleted_leads_to_the_refresh_url(platform, visitor):
    account = account_of(platform)["id"]
    open_page, unvisited = link(platform, account), link(platform, account)
    page = visitor.visit(open_page["url"])

    assert platform.delete(f"/v1/accounts/{account}").status == 200

    assert page.visit(page.at).led_to == AGAIN
    assert visitor.visit(unvisited["url"]).led_to == AGAIN


def test_an_address_that_is_no_link_is_404(platform, visitor):
    url = link(platform, account_of(platform)["id"])["url"]

    for wrong in (url[:-4] + "AAAA", url.replace("/c/", "/x/"), "/setup/c/acct_1", "/setup/session/x"):
        assert visitor.visit(wrong).answer.status_code == 404
    token = url.rpartition("/")[2]
    assert visitor.visit(f"/setup/session/{token}").answer.status_code == 404
    assert visitor.visit(url).answer.status_code == 200


# The form


@pytest.mark.parametrize("business_type", ["individual", "company", "non_profit"])
@pytest.mark.parametrize("country", ["US", "GB", "DE"])
def test_handing_the_form_in_as_it_is_filled_activates_the_account(platform, visitor, country, business_type):
    platform.settings(onboarding="verify")
    names = ALL if country == "US" else ("card_issuing", "card_payments", "transfers")
    account = account_of(platform, *names, country=country)["id"]
    visitor.visit(link(platform, account)["url"])

    pages = 0
    while visitor.led_to is None and pages < 5:
        pages += 1
        choice = {"values[business_type]": business_type} if "business_type" in visitor.asked else {}
        visitor.submit(**choice)
        assert visitor.answer.status_code in (200, 303), visitor.answer.text

    after = platform.read(f"/v1/accounts/{account}")
    assert visitor.led_to == BACK
    assert (after["requirements"]["currently_due"], after["requirements"]["past_due"]) == ([], [])
    assert set(after["capabilities"].values()) == {"active"}
    assert (after["details_submitted"], after["business_type"]) == (True, business_type)
    assert pages in (1, 2)  # whose account it is, and what that makes due
    assert len(after["external_accounts"]["data"]) == 1


def test_an_account_that_stripe_asks_accepts_the_terms_there(platform, visitor):
    platform.settings(onboarding="verify")
    account = platform.made(
        "/v1/accounts", type="express", business_type="individual", capabilities=asking("transfers")
    )
    visitor.visit(link(platform, account["id"])["url"])

    refused = visitor.submit(**{"values[tos_acceptance.accepted]": None})
    assert refused.led_to is None and refused.asked == {"tos_acceptance.accepted"}
    visitor.submit()

    after = platform.read(f"/v1/accounts/{account['id']}")
    assert visitor.led_to == BACK
    assert after["capabilities"] == {"transfers": "active"} and after["tos_acceptance"]["ip"] == "127.0.0.1"


def test_what_is_put_in_counts_and_events_tell_of_it(platform, visitor):
    account = account_of(platform, "transfers")["id"]
    inside = platform.acting_as(account)
    seen = len(inside.events())
    visitor.visit(link(platform, account)["url"])

    visitor.submit(**{"values[external_account.account_number]": "000222222227"})

    (bank,) = platform.read(f"/v1/accounts/{account}/external_accounts")["data"]
    assert bank["last4"] == "2227"
    assert inside.event_types(seen) == ["account.external_account.created", "account.updated"]


def test_what_is_refused_is_said_on_the_page_and_nothing_has_changed(platform, visitor):
    platform.settings(onboarding="verify")
    account = account_of(platform, **individual(first_name="Old"))["id"]
    before = platform.read(f"/v1/accounts/{account}")
    visitor.visit(link(platform, account)["url"])

    visitor.submit(**{"values[external_account.account_number]": "<b>1234</b>"})

    assert visitor.answer.status_code == 400
    assert "You must use a test bank account number in test mode." in visitor.answer.text
    assert visitor.fields["values[external_account.account_number]"] == "<b>1234</b>"
    assert "<b>" not in visitor.answer.text
    assert platform.read(f"/v1/accounts/{account}") == before
    assert visitor.submit(**{"values[external_account.account_number]": "000123456789"}).led_to == BACK


def test_a_value_that_failed_is_asked_again_with_the_reason(platform, visitor):
    platform.settings(onboarding="verify")
    sent = {**individual(id_number="111111111"), "external_account": BANK}
    account = account_of(platform, **sent)["id"]

    visitor.visit(link(platform, account)["url"])

    assert visitor.asked == {"individual.id_number"}
    assert "does not match the name" in visitor.answer.text
    assert visitor.submit().led_to == BACK
    assert set(platform.read(f"/v1/accounts/{account}")["capabilities"].values()) == {"active"}


def test_everything_on_the_page_is_escaped_and_no_script_runs_there(platform, visitor):
    account = account_of(platform, business_profile={"name": '"><script>alert(1)</script>'})["id"]

    page = visitor.visit(link(platform, account, return_url='https://a.b/?"><script>')["url"]).answer

    assert "<script" not in page.text and "&lt;script&gt;" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy and "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"


def test_a_form_counts_once_and_only_with_its_own_token(platform, visitor):
    account = account_of(platform)["id"]
    other = Visitor(visitor.http.application).visit(link(platform, account)["url"])
    visitor.visit(link(platform, account)["url"])
    page, before = visitor.at, platform.read(f"/v1/accounts/{account}")
    token = visitor.fields["form"]

    for wrong in ("", "form_x", other.fields["form"]):
        assert visitor.submit(form=wrong).answer.status_code in (400, 403)
        assert platform.read(f"/v1/accounts/{account}") == before
        visitor.visit(page)
    assert visitor.submit().led_to == BACK
    twice = visitor.http.post(page, data={"form": token})

    assert (twice.status_code, twice.headers["Location"]) == (303, AGAIN)
    assert visitor.visit(page).led_to == AGAIN


def test_a_page_of_another_site_cannot_hand_the_form_in(app, platform, visitor, tmp_path):
    visitor.visit(link(platform, account_of(platform)["id"])["url"])
    with Served(app) as server:
        import httpx

        answer = httpx.post(
            f"{server.url}{visitor.at}", data=visitor.fields, headers={"Origin": "https://evil.example"}
        )
        own = httpx.post(f"{server.url}{visitor.at}", data=visitor.fields, headers={"Origin": server.url})

    assert (answer.status_code, own.status_code, own.headers["Location"]) == (403, 303, BACK)


def test_somebody_may_leave_and_come_back_by_another_link(platform, visitor):
    account = account_of(platform)["id"]
    visitor.visit(link(platform, account)["url"])

    assert visitor.submit(leave="yes").led_to == BACK
    assert platform.read(f"/v1/accounts/{account}")["requirements"]["currently_due"] == ["external_account"]
    assert visitor.visit(link(platform, account)["url"]).submit().led_to == BACK


def test_fields_that_are_not_asked_for_are_not_taken(platform, visitor):
    account = account_of(platform)["id"]
    visitor.visit(link(platform, account)["url"])

    for name in ("values[metadata.a]", "values[controller]", "values[external_account]"):
        answer = visitor.submit(**{name: "x"})
        assert answer.answer.status_code == 409 and "has changed meanwhile" in answer.answer.text

    assert platform.read(f"/v1/accounts/{account}")["external_accounts"]["data"] == []


def test_an_update_shows_what_is_known_and_keeps_what_is_changed(platform, visitor):
    account = account_of(platform, **{**individual(), "external_account": BANK})["id"]
    url = link(platform, account, type="account_update")["url"]

    shown = visitor.visit(url).fields
    visitor.submit(**{"values[individual.first_name]": "Jane", "values[email]": "jane@example.com"})

    after = platform.read(f"/v1/accounts/{account}")
    assert (shown["values[individual.first_name]"], shown["values[business_profile.name]"]) == ("Jenny", "Some Company")
    assert (after["individual"]["first_name"], after["email"], visitor.led_to) == ("Jane", "jane@example.com", BACK)
    assert after["business_profile"]["url"] == shown["values[business_profile.url]"]


# In a browser


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A tab of a real browser."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium is installed, so the page cannot be tried in one")
    with browsing(program, tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


@pytest.fixture
def site() -> Iterator[str]:
    """The platform's own site, which sends whoever comes back on to yet another address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802
            is_back = self.path == "/back"
            self.send_response(302 if is_back else 200)
            if is_back:
                self.send_header("Location", f"http://localhost:{server.server_port}/dashboard")
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_in_a_real_browser_an_account_is_set_up_and_led_back(tmp_path: Path, tab: Tab, site: str, name: str):
    app = create_app(tmp_path / "data")
    platform = Client(app, "sk_test_hosted")
    platform.settings(onboarding="verify")
    account = account_of(platform)["id"]
    ways = {"refresh_url": f"{site}/again", "return_url": f"{site}/back"}
    made = link(platform, account, **ways)
    with Served(app) as server:
        here = f"http://{name}:{server.url.rpartition(':')[2]}"
        first = here + "/setup/" + made["url"].partition("/setup/")[2]
        tab.said.clear()
        tab.ask("Page.navigate", url=first)
        until(lambda: tab.run("document.querySelector('form') !== null"))
        tab.run("document.getElementById('representative.first_name').value = '<Jane>'")
        tab.run("document.querySelector('button').click()")
        until(lambda: tab.run("document.getElementById('individual.ssn_last_4') !== null"))
        tab.run("document.querySelector('button').click()")
        until(lambda: tab.run("location.pathname") == "/dashboard")
        back = tab.run("document.body.innerText")
        tab.ask("Page.navigate", url=first)
        until(lambda: tab.run("location.href") == f"{site}/again")
    after = platform.read(f"/v1/accounts/{account}")
    app.emulator.close()  # type: ignore[attr-defined]

    assert (back, tab.said) == ("/dashboard", [])
    assert after["individual"]["first_name"] == "<Jane>" and after["requirements"]["currently_due"] == []
    assert set(after["capabilities"].values()) == {"active"}
