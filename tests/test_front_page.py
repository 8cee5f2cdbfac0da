"""What a browser and a client find at `/`: the dashboard, or the same as JSON; and the documentation beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from emulator import __version__
from emulator.app import create_app
from emulator.front_page import documentation

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}
UNKNOWN = "Unrecognized request URL (%s: %s)."


@pytest.fixture
def fresh(tmp_path: Path) -> Flask:
    """An application without any world."""
    return create_app(tmp_path)


def seen(app: Flask, **headers: str) -> str:
    """What a browser ends up with."""
    reply = app.test_client().get("/", headers={**BROWSER, **headers}, follow_redirects=True)
    return reply.get_data(as_text=True)


def test_a_browser_is_led_to_a_page_that_says_what_this_is(fresh):
    client = fresh.test_client()
    led = client.get("/", headers={**BROWSER, "Host": "127.0.0.1:12111"})
    assert (led.status_code, led.location, led.headers["Vary"]) == (303, "/dashboard", "Accept")

    reply = client.get("/", headers={**BROWSER, "Host": "127.0.0.1:12111"}, follow_redirects=True)

    page = reply.get_data(as_text=True)
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    assert f"Version {__version__} at http://127.0.0.1:12111" in page
    assert "emulator of Stripe Issuing" in page
    assert page.count("<pre ") == 3
    assert "curl http://127.0.0.1:12111/v1/balance -u sk_test_demo:" in page
    assert 'href="http://127.0.0.1:12111/docs/webhooks.md"' in page


@pytest.mark.parametrize("accept", ["application/json", "*/*", None, "application/json, text/html;q=0.5"])
def test_everybody_else_gets_the_same_as_json(fresh, accept):
    """`*/*` is what curl and the SDKs send."""
    reply = fresh.test_client().get("/", headers={"Accept": accept} if accept else {})

    assert (reply.status_code, reply.mimetype) == (200, "application/json")
    assert reply.json["version"] == __version__
    assert len(reply.json["try"]) == 3
    assert reply.json["worlds"]["data"] == []
    assert {page["url"] for page in reply.json["docs"]} >= {"http://localhost/docs/webhooks.md"}


def test_the_worlds_are_listed_without_their_keys(fresh):
    for name in ("demo", "a_long_random_name_0123456789"):
        fresh.test_client().get("/v1/balance", headers={"Authorization": f"Bearer sk_test_{name}"})

    page, told = seen(fresh), fresh.test_client().get("/").json["worlds"]

    assert sorted(world["name"] for world in told["data"]) == ["a_lo…", "d…"]
    assert "a_lo" not in page
    assert page.count("sk_test_") == page.count("sk_test_demo") + page.count("begins with sk_test_ ")


def test_the_page_runs_no_script_but_ours_and_asks_nobody_else(fresh):
    reply = fresh.test_client().get("/", headers=BROWSER, follow_redirects=True)

    page = reply.get_data(as_text=True)
    assert not re.search(r"<script(?! src=\"/dashboard/static/)|<iframe|\son\w+=|javascript:", page, re.IGNORECASE)
    assert not re.findall(r"(?:src|href)=\"(?!data:|http://localhost/|/dashboard|#)", page)
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "frame-ancestors 'none'" in policy


def test_what_a_client_says_of_itself_is_written_as_text(tmp_path):
    app = create_app(tmp_path, hosts=("*",))
    page = seen(app, Host='h"><script>alert(1)</script>')
    app.emulator.close()

    assert "<script>" not in page


@pytest.mark.parametrize(
    "method, path",
    [("POST", "/"), ("DELETE", "/"), ("GET", "/nothing"), ("GET", "/docs/nothing.md"), ("GET", "/docs/")],
)
def test_other_methods_and_paths_are_the_apis(fresh, method, path):
    reply = fresh.test_client().open(path, method=method, headers=BROWSER)

    assert reply.status_code == 404
    assert reply.json["error"]["message"].startswith(UNKNOWN % (method, path))


def test_a_client_with_a_key_has_lost_its_path(fresh):
    reply = fresh.test_client().get("/", headers={"Authorization": "Bearer sk_test_lost"})

    assert reply.status_code == 404
    assert reply.json["error"]["message"].startswith(UNKNOWN % ("GET", "/"))


def test_the_head_of_the_page_can_be_asked_for(fresh):
    reply = fresh.test_client().head("/", headers=BROWSER)

    assert (reply.status_code, reply.get_data()) == (303, b"")


def test_every_page_of_the_documentation_can_be_read(fresh):
    folder = Path(__file__).parent.parent / "docs"
    files = {"README.md": folder.parent / "README.md", **{file.name: file for file in folder.glob("*.md")}}

    assert documentation() == files
    for name, file in files.items():
        reply = fresh.test_client().get(f"/docs/{name}")
        assert (reply.status_code, reply.mimetype) == (200, "text/plain")
        assert reply.get_data(as_text=True) == file.read_text(encoding="utf-8")
