"""Who may look: by a link that works once, or by giving the key once; the cookie says nothing, forms have a token."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from emulator.app import create_app
from emulator.dashboard.sessions import MOST_SESSIONS, Sessions
from emulator.kernel.database.drawer import Drawer
from tests.dashboard.visitors import HOST, Visitor

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@pytest.fixture
def fresh(tmp_path: Path) -> Flask:
    """An application without any world."""
    return create_app(tmp_path)


def test_who_has_not_signed_in_is_led_to_do_so_and_back_to_the_page(app, key):
    stranger = Visitor(app)

    page = "/dashboard/authorizations?status=pending&card=ic_1"

    stranger.get(page)
    assert stranger.page.request.path == "/dashboard/sign_in"
    kept = unescape(re.search(r'name="next" value="([^"]+)"', stranger.html)[1])
    stranger.post("/dashboard/sign_in", follow=False, key=key, next=kept)

    assert (stranger.page.status_code, stranger.page.location) == (303, page)


def test_a_link_signs_in_once(fresh):
    link = fresh.emulator.dashboard.link()
    owner, other = Visitor(fresh), Visitor(fresh)
    fresh.test_client().get("/v1/balance", headers={"Authorization": "Bearer sk_test_first"})

    assert "first" in owner.get(link).get_data(as_text=True)

    assert owner.page.request.path == "/dashboard"
    assert owner.get(link).request.path == "/dashboard"  # who has followed it is in already
    other.get(link)
    assert "This link was used before." in other.text
    assert other.page.request.path == "/dashboard/sign_in"


def test_a_link_that_never_was_opens_nothing(app):
    stranger = Visitor(app)

    stranger.get("/dashboard?code=guessed")

    assert stranger.page.request.path == "/dashboard/sign_in"


def test_a_key_opens_its_own_world_and_no_other(app, platform, visitor):
    other = Visitor(app, f"{platform.key}_other")

    visitor.get("/dashboard/worlds")

    name = platform.key.removeprefix("sk_test_")
    assert f"{name}</h2>" in visitor.html and f"{name}_other" not in visitor.html
    handle = app.emulator.tenants.open(f"{name}_other").handle
    visitor.post("/dashboard/worlds/open", world=handle, back="/dashboard/worlds")
    assert "There is no such world any more." in visitor.text
    other.get("/dashboard/worlds")
    assert f"{name}_other</h2>" in other.html


@pytest.mark.parametrize(
    "key, says",
    [
        ("", "You did not provide an API key"),
        ("sk_live_1234567890", "Invalid API Key provided: sk_live_******7890"),
        ("pk_test_1", "publishable"),
        ("nonsense", "Invalid API Key"),
    ],
)
def test_what_opens_nothing_is_refused_and_not_shown_again(app, key, says):
    stranger = Visitor(app)

    reply = stranger.sign_in(key)

    assert reply.status_code == 401
    assert says in stranger.text
    assert "1234567890" not in stranger.html


def test_a_form_from_elsewhere_signs_nobody_in(app, key):
    stranger = Visitor(app)
    stranger.get("/dashboard/sign_in")

    stranger.post("/dashboard/sign_in", key=key, token="another")

    assert stranger.page.status_code == 403


def test_the_cookie_is_the_browsers_alone_and_says_nothing(app, platform, visitor):
    stranger = Visitor(app)
    stranger.get("/dashboard/sign_in")

    stranger.post("/dashboard/sign_in", follow=False, key=platform.key)

    cookie = next(one for one in stranger.page.headers.getlist("Set-Cookie") if one.startswith("dashboard_12111="))
    assert re.fullmatch(r"dashboard_12111=[\w-]{32}; HttpOnly; Path=/dashboard; SameSite=Lax", cookie)
    assert platform.key.removeprefix("sk_test_") not in cookie


def test_an_action_needs_the_token_of_its_session(visitor):
    visitor.get("/dashboard/worlds")

    visitor.post("/dashboard/theme", theme="dark", token="guessed")

    assert visitor.page.status_code == 403
    assert "This form is of an earlier session." in visitor.text


def test_signing_out_ends_the_session(visitor):
    visitor.get("/dashboard/worlds")
    visitor.post("/dashboard/sign_out")

    visitor.get("/dashboard/worlds", follow=False)

    assert visitor.page.location == "/dashboard/sign_in?next=%2Fdashboard%2Fworlds"


@pytest.mark.parametrize(
    "back", ["https://example.com/", "//example.com", "/dashboardx", "/v1/charges", "/dashboard/\\x"]
)
def test_an_action_leads_to_pages_of_ours_alone(visitor, back):
    visitor.get("/dashboard/worlds")

    visitor.post("/dashboard/theme", follow=False, theme="dark", back=back)

    assert visitor.page.location == "/dashboard"


def test_the_theme_is_in_a_cookie_and_in_the_page(visitor):
    visitor.get("/dashboard/worlds")
    assert "data-theme" not in visitor.html

    visitor.post("/dashboard/theme", theme="dark", back="/dashboard/worlds")

    assert '<html lang="en" data-theme="dark">' in visitor.html


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/worlds", "/dashboard/sign_in", "/dashboard/nothing"])
def test_every_page_keeps_the_policy_that_allows_no_inline_script_or_style(visitor, path):
    reply = visitor.get(path)

    assert reply.headers["Content-Security-Policy"] == POLICY
    assert reply.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?! src=\"/dashboard/static/)|<style|\sstyle=|\son\w+=|javascript:", visitor.html)


def test_a_page_that_is_not_there_is_a_page(visitor):
    reply = visitor.get("/dashboard/nothing")

    assert reply.status_code == 404
    assert "There is no page called nothing." in visitor.text


@pytest.mark.parametrize(
    "name, most", [("dashboard.css", 20 * 1024), ("dashboard.js", 3 * 1024), ("htmx.min.js", 60_000)]
)
def test_files_stay_small_and_are_kept_by_the_browser(app, name, most):
    reply = app.test_client().get(f"/dashboard/static/{name}")

    assert len(reply.get_data()) <= most
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_no_other_file_is_served(app):
    for name in ("../view.py", "..%2fview.py", "view.py"):
        assert app.test_client().get(f"/dashboard/static/{name}").status_code in (303, 404)


def test_who_has_signed_out_stays_so_whatever_a_page_keeps_that_was_still_being_made():
    sessions = Sessions(Drawer(MOST_SESSIONS), Drawer(MOST_SESSIONS))
    session = sessions.begin()
    page = sessions.find(session.id)

    sessions.end(session)
    page.theme = "dark"
    sessions.keep(page)

    assert sessions.find(session.id) is None


def test_the_oldest_session_ends_when_there_are_too_many():
    sessions = Sessions(Drawer(MOST_SESSIONS), Drawer(MOST_SESSIONS))
    first = sessions.begin()
    others = [sessions.begin() for _ in range(MOST_SESSIONS - 1)]
    sessions.find(first.id)

    sessions.begin()

    assert sessions.find(first.id) == first
    assert sessions.find(others[0].id) is None


def test_a_deleted_world_leads_to_the_worlds(visitor, platform):
    assert platform.delete("/_emulator/world").status == 200

    visitor.get("/dashboard")

    assert visitor.page.request.path == "/dashboard/worlds"
    assert HOST in visitor.page.request.host


def test_a_world_that_cannot_be_read_says_so_and_the_others_can_be_chosen(tmp_path):
    app = create_app(tmp_path)
    for name in ("well", "broken"):
        app.test_client().get("/v1/balance", headers={"Authorization": f"Bearer sk_test_{name}"})
    handle = app.emulator.tenants.open("broken").handle
    app.emulator.close()
    (tmp_path / f"{handle}.sqlite").write_bytes(b"nothing that a database would be" * 200)
    app = create_app(tmp_path)
    owner = Visitor(app)
    owner.get(app.emulator.dashboard.link())
    owner.get("/dashboard/worlds")

    assert "well" in owner.text and "A world that cannot be read" in owner.text
    owner.post("/dashboard/worlds/open", world=handle, back="/dashboard/worlds")
    assert owner.page.status_code == 500 and "Reset this world" in owner.text
    owner.get("/dashboard/worlds")
    assert owner.page.status_code == 200
    app.emulator.close()


@pytest.mark.parametrize("token", ["é", "", "\x00"])
def test_a_token_of_any_letters_is_compared(visitor, token):
    visitor.get("/dashboard/worlds")

    visitor.post("/dashboard/theme", theme="dark", token=token)

    assert visitor.page.status_code == 403


def test_another_key_opens_another_world_in_a_session_of_a_new_id(app, platform, visitor):
    name = "dashboard_12111"
    before = visitor.client.get_cookie(name, "127.0.0.1", "/dashboard").value

    visitor.sign_in(f"{platform.key}_second")

    assert visitor.client.get_cookie(name, "127.0.0.1", "/dashboard").value != before
    assert app.emulator.dashboard.sessions.find(before) is None
    visitor.get("/dashboard/worlds")
    assert visitor.html.count("</h2>") >= 2 and f"{platform.key.removeprefix('sk_test_')}</h2>" in visitor.html


def test_a_slash_at_the_end_leads_to_the_same(visitor: Visitor) -> None:
    visitor.get("/dashboard/")

    assert visitor.page.status_code == 200 and "<h1>Overview</h1>" in visitor.html
