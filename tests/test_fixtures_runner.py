"""The runner of the Stripe CLI's fixture syntax, against a server that writes down what it was sent."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from emulator import fixtures
from emulator.fixtures import FixtureError

KEY = "sk_test_runner"


class Seen(NamedTuple):
    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    body: str
    headers: dict[str, str]


class Recorder:
    """Answers from a list, in order, and keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.answers: list[tuple[int, Any]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                url = urlsplit(self.path)
                form = parse_qsl(body, keep_blank_values=True)
                headers = dict(self.headers.items())
                recorder.seen.append(Seen(self.command, url.path, parse_qsl(url.query), form, body, headers))
                status, reply = recorder.answers.pop(0) if recorder.answers else (200, {"id": "obj_1"})
                encoded = json.dumps(reply).encode() if not isinstance(reply, bytes) else reply
                self.send_response(status)
                self.send_header("Content-Length", str(len(encoded)))
                self.end_headers()
                self.wfile.write(encoded)

            do_GET = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})

    def run(self, *steps: dict[str, Any], about: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Run steps; the replies by name."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.server.server_port}", trust_env=False) as http:
            file = fixtures.parsed({"_meta": about or {}, "fixtures": list(steps)})
            return fixtures.run(file, http, KEY, **options)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    recorder.thread.start()
    yield recorder
    recorder.server.shutdown()
    recorder.thread.join()
    recorder.server.server_close()


def post(name: str = "one", path: str = "/v1/things", **more: Any) -> dict[str, Any]:
    return {"name": name, "path": path, "method": "post", **more}


def test_params_become_bracketed_form_fields_with_numbers_and_booleans_as_text(recorder):
    params = {
        "name": "Jenny Rosen",
        "amount": 25.0,
        "rate": 20.10,
        "big": 1_000_000_000,
        "active": True,
        "nothing": None,
        "billing": {"address": {"country": "US"}},
        "categories": ["taxicabs_limousines", 3],
        "limits": [{"amount": 500, "categories": ["bakeries"]}, {"amount": 600}],
    }

    recorder.run(post(params=params))

    assert recorder.seen[0].method == "POST"
    assert recorder.seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert recorder.seen[0].form == [
        ("name", "Jenny Rosen"),
        ("amount", "25"),
        ("rate", "20.1"),
        ("big", "1000000000"),
        ("active", "true"),
        ("billing[address][country]", "US"),
        ("categories[]", "taxicabs_limousines"),
        ("categories[]", "3"),
        ("limits[0][amount]", "500"),
        ("limits[0][categories][]", "bakeries"),
        ("limits[1][amount]", "600"),
    ]


def test_a_get_carries_its_params_in_the_query(recorder):
    recorder.run({"name": "one", "path": "/v1/things", "method": "get", "params": {"limit": 3}})

    assert (recorder.seen[0].method, recorder.seen[0].query) == ("GET", [("limit", "3")])
    assert recorder.seen[0].body == ""


def test_later_steps_use_what_earlier_ones_were_answered(recorder):
    recorder.answers = [
        (200, {"id": "ic_1", "cardholder": {"id": "ich_1", "limits": [{"amount": 5}, {"amount": 6}]}}),
        (200, {"id": "iauth_1"}),
    ]

    replies = recorder.run(
        post("card"),
        post(
            "purchase",
            "/v1/cards/${card:id}/by/${card:cardholder.id}/x",
            params={"second": "${card:cardholder.limits.1.amount}", "count": "${card:cardholder.limits.#}"},
            headers={"Stripe-Account": "${card:cardholder.id}"},
            idempotency_key="${card:id}",
            context="${card:id}",
        ),
    )

    second = recorder.seen[1]
    assert second.path == "/v1/cards/ic_1/by/ich_1/x"
    assert second.form == [("second", "6"), ("count", "2")]
    assert second.headers["Stripe-Account"] == "ich_1"
    assert second.headers["Idempotency-Key"] == "ic_1"
    assert second.headers["Stripe-Context"] == "ic_1"
    assert replies["purchase"] == {"id": "iauth_1"}


@pytest.mark.parametrize(
    "path, expected",
    [
        ("a.b", "x"),
        ("flag", "true"),
        ("items.0.id", "i0"),
        ("items.#", "2"),
        ("items.#.id", '["i0","i1"]'),
        ("a", '{"b":"x"}'),
    ],
)
def test_references_read_json_as_gjson_does(path, expected):
    reply = {"a": {"b": "x"}, "flag": True, "items": [{"id": "i0"}, {"id": "i1"}]}

    assert fixtures.filled(f"${{one:{path}}}", {"one": reply}) == expected


def test_a_default_stands_in_for_what_is_missing_empty_or_null():
    replies = {"one": {"null": None, "empty": "", "there": "eur"}}

    assert fixtures.filled("${one:null|usd}", replies) == "usd"
    assert fixtures.filled("${one:empty|usd}", replies) == "usd"
    assert fixtures.filled("${one:gone.deeper|usd}", replies) == "usd"
    assert fixtures.filled("${one:there|usd}", replies) == "eur"


@pytest.mark.parametrize(
    "value, complaint",
    [
        ("${one:gone}", "points at nothing"),
        ("${two:id}", "names a step that has not run: two"),
        ("before ${one:id}", "must be the whole value"),
    ],
)
def test_a_reference_that_cannot_be_followed_is_named(value, complaint):
    with pytest.raises(FixtureError, match=complaint):
        fixtures.filled(value, {"one": {"id": "x"}})


def test_environment_variables_come_from_the_environment_then_from_the_env_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRST", "+1234")
    monkeypatch.delenv("SECOND", raising=False)
    (tmp_path / ".env").write_text('# a comment\nexport SECOND="from file"\nFIRST=ignored\n')

    assert fixtures.filled("${.env:FIRST|x}", {}) == "+1234"
    assert fixtures.filled("${.env:FIRST}/hook", {}) == "+1234/hook"
    assert fixtures.filled("${.env:SECOND}", {}) == "from file"
    assert fixtures.filled("${.env:THIRD|+800}", {}) == "+800"


def test_a_uuid_and_the_time_can_be_asked_for():
    made = fixtures.filled("${generate-uuid}", {})
    now = fixtures.filled("${time-now-RFC3339}", {})

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now)


def test_a_refused_step_ends_the_run_with_the_refusal(recorder):
    recorder.answers = [(400, {"error": {"type": "invalid_request_error", "message": "No such card."}})]

    with pytest.raises(FixtureError, match="one was refused with 400: No such card."):
        recorder.run(post("one"), post("two"))

    assert len(recorder.seen) == 1


def test_a_refusal_that_the_step_expects_is_a_reply(recorder):
    recorder.answers = [(402, {"error": {"type": "card_error"}}), (200, {"id": "b"})]

    replies = recorder.run(post("one", expected_error_type="card_error"), post("two"))

    assert replies == {"one": {"error": {"type": "card_error"}}, "two": {"id": "b"}}


def test_a_refusal_of_another_type_than_expected_ends_the_run(recorder):
    recorder.answers = [(400, {"error": {"type": "invalid_request_error", "message": "no"}})]

    with pytest.raises(FixtureError, match="refused with 400"):
        recorder.run(post("one", expected_error_type="card_error"))


def test_a_reply_that_is_no_json_ends_the_run(recorder):
    recorder.answers = [(502, b"<html>")]

    with pytest.raises(FixtureError, match="answered 502 without JSON"):
        recorder.run(post("one"))


def test_settings_that_a_file_needs_are_set_before_its_first_step(recorder):
    recorder.run(post(), about={"settings": {"platform_country": "GB", "issuing_enabled": True}})

    settings, step = recorder.seen
    assert (settings.path, step.path) == ("/_emulator/settings", "/v1/things")
    assert settings.form == [("platform_country", "GB"), ("issuing_enabled", "true")]
    assert settings.headers["Authorization"] == f"Bearer {KEY}"


def test_settings_that_a_world_cannot_have_end_the_run_before_its_first_step(recorder):
    recorder.answers = [(400, {"error": {"type": "invalid_request_error", "message": "Reset it first."}})]

    with pytest.raises(FixtureError, match="_meta.settings was refused with 400: Reset it first."):
        recorder.run(post(), about={"settings": {"platform_country": "GB"}})

    assert len(recorder.seen) == 1


def test_a_v2_post_is_json(recorder):
    recorder.answers = [(200, {"id": "a"})]

    recorder.run(post("one"), post("two", "/v2/things", params={"ids": ["${one:id}"], "n": 1, "yes": True}))

    assert json.loads(recorder.seen[1].body) == {"ids": ["a"], "n": 1, "yes": True}
    assert recorder.seen[1].headers["Content-Type"] == "application/json"


def test_every_step_can_act_for_one_connected_account(recorder):
    recorder.run(post("one"), stripe_account="acct_1")

    assert recorder.seen[0].headers["Stripe-Account"] == "acct_1"


@pytest.mark.parametrize(
    "content, complaint",
    [
        ("[]", "list named"),
        ("{", "is not JSON"),
        ('{"fixtures": [{"path": "/v1/x", "method": "get"}]}', "has no name"),
        ('{"fixtures": [{"name": "a", "path": "/x", "method": "get"}]}', "must begin with /v1/ or /v2/"),
        ('{"fixtures": [{"name": "a", "path": "/v1/x", "method": "patch"}]}', "must be get, post or delete"),
        ('{"_meta": {"template_version": 1}, "fixtures": []}', "Only template_version 0"),
    ],
)
def test_a_file_that_is_no_fixture_file_is_refused_before_anything_is_sent(tmp_path, content, complaint):
    file = tmp_path / "world.json"
    file.write_text(content)

    with pytest.raises(FixtureError, match=complaint):
        fixtures.read(file)


def test_replies_are_written_into_an_env_file_that_exists(tmp_path):
    file = fixtures.parsed({"fixtures": [], "env": {"CARD": "${card:id}", "HOOK": "${.env:NO_SUCH_BASE|x}"}})
    replies = {"card": {"id": "ic_1"}}

    assert fixtures.write_environment(file, replies, tmp_path) == []
    (tmp_path / ".env").write_text("OTHER=1\nCARD=old\n")
    assert fixtures.write_environment(file, replies, tmp_path) == ["CARD", "HOOK"]

    assert fixtures.environment_file(tmp_path) == {"OTHER": "1", "CARD": "ic_1", "HOOK": "x"}
