"""Requests that were recorded pass again, as a test, as a script and as a file of fixtures, in a world that is new."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from emulator import fixtures
from emulator.control.recording_formats import Call, Moment, Recording, Reference, as_curl, as_pytest
from emulator.testing import World, running
from tests.issuing.holders import BILLING, CARDHOLDERS, CARDS, a_card, a_cardholder
from tests.test_pytest_plugin import project

EXPORT = "/_emulator/requests/export"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
def world(server: str, key: str) -> Iterator[World]:
    world = World(server, key)
    yield world
    world.delete()
    world.close()


def traffic(world: World) -> None:
    """What a program does that tries everything: a card of a connected account, purchases, refusals, retries."""
    account = world.connected_account()
    there = world.financial_account(account=account, funded=50_00)
    card = world.card(financial_account=there)
    client = world.client(account.id)
    world.purchase(card, 20_00, merchant='Joe\'s "Rocket" Bakery', capture=True)
    assert not world.purchase(card, 40_00).approved
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.issuing.cards.update(card.id, {"status": "asleep"})
    client.v1.issuing.cards.update(card.id, {"metadata": {"owner": card.cardholder.id, "note": "a $HOME `b` 'c'"}})
    holder = {"name": "Ada Example", "billing": BILLING}
    made = [client.v1.issuing.cardholders.create(holder, {"idempotency_key": "once"}) for _ in range(2)]
    assert made[0].id == made[1].id
    newest = client.v1.issuing.authorizations.list({"limit": 1}).data[0]
    client.v1.issuing.authorizations.retrieve(newest.id, {"expand": ["card.cardholder"]})


def exported(world: World, form: str, **span: str) -> str:
    response = world.http.get(EXPORT, params={"format": form, **span})
    assert response.status_code == 200, response.text
    return response.text


@pytest.fixture
def recorded(world: World) -> World:
    """A world whose requests were kept."""
    world.settings(record_requests=True)
    traffic(world)
    return world


def test_a_recording_passes_with_pytest(recorded, server, tmp_path):
    world = recorded
    world.clock.advance(days=40)
    told = world.client().v1.accounts.list().data
    world.client(told[0].id).v1.issuing.authorizations.list({"status": "expired"})

    text = exported(world, "pytest")

    assert "1 passed" in project(tmp_path, text, STRIPE_EMULATOR_URL=server)
    assert "stripe_world.clock.advance" in text or 'raw_request("post", "/_emulator/clock"' in text
    assert world.api_key not in text and "acct_1" not in text and "ic_1" not in text


def test_a_recording_that_finds_another_answer_fails(recorded, server, tmp_path):
    text = exported(recorded, "pytest").replace("amount=2000", "amount=2001")

    assert "1 failed" in project(tmp_path, text, STRIPE_EMULATOR_URL=server)


def script(tmp_path: Path, text: str, server: str, key: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "recorded.sh"
    file.write_text(text)
    environment = {**os.environ, "STRIPE_EMULATOR_URL": server, "STRIPE_API_KEY": key}
    python3 = tmp_path / "bin" / "python3"
    python3.parent.mkdir()
    python3.symlink_to(sys.executable)
    environment["PATH"] = f"{python3.parent}:{environment['PATH']}"
    return subprocess.run(["bash", str(file)], env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_a_recording_passes_with_curl(recorded, server, tmp_path, key):
    text = exported(recorded, "curl")

    ended = script(tmp_path, text, server, f"{key}again")

    assert ended.returncode == 0, ended.stderr
    again = World(server, f"{key}again")
    approved = [one["approved"] for one in again.requests(limit=0) if "approved" in one]
    assert approved == []
    events = [event.data.object["approved"] for event in again.events("issuing_authorization.created")]
    assert events == [True, False]
    again.delete()
    again.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_a_script_that_finds_another_answer_says_so_and_fails(recorded, server, tmp_path, key):
    text = exported(recorded, "curl").replace("amount=2000", "amount=2001")

    ended = script(tmp_path, text, server, f"{key}again")

    assert ended.returncode == 1
    assert ended.stderr == "amount: 2001, not 2000\n"


def test_a_recording_passes_as_a_file_of_fixtures(recorded, server, tmp_path, key):
    content = json.loads(exported(recorded, "fixtures"))

    with httpx.Client(base_url=server) as http:
        replies = fixtures.run(fixtures.parsed(content), http, f"{key}again")

    statuses = [reply["status"] for name, reply in replies.items() if name.startswith("authorization_")]
    assert statuses == ["pending", "closed", "closed", "closed"]
    assert all("${" in step["headers"]["Stripe-Account"] for step in content["fixtures"] if "headers" in step)


def test_a_time_that_was_to_come_is_as_far_ahead_again(world, server, tmp_path, key):
    world.clock.set(2_000_000_000)
    world.settings(record_requests=True)
    client = world.client()
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": 2_000_000_100})
    client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 2_000_086_500})

    text = exported(world, "pytest")

    assert "frozen_time=start + 86" in text
    assert "1 passed" in project(tmp_path, text, STRIPE_EMULATOR_URL=server)
    assert script(tmp_path, exported(world, "curl"), server, f"{key}again").returncode == 0
    assert "names a time that was to come" in world.http.get(EXPORT, params={"format": "fixtures"}).text


# What is kept


def test_what_was_sent_and_answered_is_kept_for_a_world_that_asks(platform):
    before = platform.get("/v1/events").headers["Request-Id"]
    platform.settings(record_requests=True)
    made = platform.post(CARDHOLDERS, name="Ada Example", billing=BILLING)
    platform.settings(record_requests=False)
    after = platform.get("/v1/events").headers["Request-Id"]

    logged = {id: platform.read(f"/_emulator/requests/{id}") for id in (before, made.headers["Request-Id"], after)}

    kept = logged.pop(made.headers["Request-Id"])["recorded"]
    assert kept["params"] == {"name": "Ada Example", "billing": BILLING}
    assert kept["reply"] == made.json
    assert [one["recorded"] for one in logged.values()] == [None, None]
    assert all("recorded" not in one for one in platform.read("/_emulator/requests")["data"])


def test_nothing_secret_is_kept(platform):
    platform.settings(record_requests=True)
    card = platform.made(CARDS, cardholder=a_cardholder(platform)["id"], currency="usd", type="virtual")
    answers = [
        platform.post("/v1/webhook_endpoints", url="https://example.com/", enabled_events=["*"]),
        platform.get(f"{CARDS}/{card['id']}", expand=["number", "cvc"]),
        platform.post("/v1/ephemeral_keys", issuing_card=card["id"], headers={"Stripe-Version": "2026-10-28.endive"}),
        platform.post(
            "/v1/tokens", card={"number": "4242424242424242", "exp_month": 1, "exp_year": 2050, "cvc": "987"}
        ),
        platform.post("/v1/setup_intents", payment_method_types=["card"]),
    ]

    kept = [platform.read(f"/_emulator/requests/{answer.headers['Request-Id']}")["recorded"] for answer in answers]

    assert answers[1].json["number"] not in str(kept) and kept[1]["reply"]["number"][-4:] == card["last4"]
    assert kept[1]["reply"]["cvc"] == "****"
    assert answers[0].json["secret"] not in str(kept) and kept[0]["reply"]["secret"] == "****"
    assert "4242424242424242" not in str(kept) and "987" not in str(kept[3]["params"])
    for secret in (answers[2].json.get("secret"), answers[4].json.get("client_secret")):
        assert secret is None or secret not in str(kept)


def test_a_file_is_told_of_by_its_name_and_cannot_be_recorded(platform):
    platform.settings(record_requests=True)
    sent = platform.post("/v1/files", purpose="dispute_evidence", file=(b"\x89PNG\r\n\x1a\n" + b"0" * 20, "a.png"))

    kept = platform.read(f"/_emulator/requests/{sent.headers['Request-Id']}")["recorded"]

    assert kept["params"]["file"] == {"file": "a.png", "content_type": "image/png", "size": 28}
    refusal = platform.get(EXPORT)
    assert refusal.status == 400
    assert refusal.error["message"] == f"{sent.headers['Request-Id']} (POST /v1/files) sent a file, which is not kept."


def test_what_is_larger_than_a_body_that_is_kept_is_left_out_by_name(platform, monkeypatch):
    monkeypatch.setattr("emulator.kernel.database.request_log.LARGEST_BODY", 600)
    platform.settings(record_requests=True)
    made = platform.post(CARDHOLDERS, name="Ada Example", billing=BILLING)
    large = platform.post("/v1/customers", metadata={f"k{number}": "x" * 100 for number in range(10)})

    kept = [platform.read(f"/_emulator/requests/{one.headers['Request-Id']}")["recorded"] for one in (made, large)]

    assert [one["left_out"] for one in kept] == [["reply"], ["params", "reply"]]
    assert kept[0]["params"]["name"] == "Ada Example" and kept[1]["params"] is None
    assert "sent more than is kept of a request" in platform.get(EXPORT).error["message"]


def test_only_the_newest_are_kept_whole(platform, monkeypatch):
    monkeypatch.setattr("emulator.kernel.database.request_log.MOST_RECORDED", 2)
    platform.settings(record_requests=True)

    ids = [platform.get("/v1/events").headers["Request-Id"] for _ in range(3)]
    platform.read("/_emulator/requests")

    assert platform.read(f"/_emulator/requests/{ids[0]}")["recorded"] is None


# What cannot be recorded


def test_without_anything_kept_the_setting_is_named(platform):
    a_card(platform)

    assert "change the setting record_requests to true first" in platform.get(EXPORT).error["message"]


def test_an_id_from_before_the_span_is_named(platform):
    card = a_card(platform)
    platform.settings(record_requests=True)
    platform.read(f"{CARDS}/{card['id']}")

    refusal = platform.get(EXPORT)

    assert refusal.status == 400
    assert f"names {card['id']}, which no earlier one of these was answered" in refusal.error["message"]


def test_a_span_begins_and_ends_with_the_requests_that_it_names(platform):
    platform.settings(record_requests=True)
    ids = [platform.get(path).headers["Request-Id"] for path in ("/v1/events", "/v1/customers", "/v1/balance")]

    text = platform.get(EXPORT, since=ids[1], until=ids[1]).body.decode()

    assert text.count("client.raw_request") == 1 and "/v1/customers" in text
    assert platform.get(EXPORT, since="req_nope").error["param"] == "since"


def test_a_world_that_was_reset_on_the_way_is_none_that_a_test_can_follow(platform):
    platform.settings(record_requests=True)
    first = platform.get("/v1/events").headers["Request-Id"]
    platform.made("/_emulator/reset")

    assert "has put another world in the place of this one" in platform.get(EXPORT, since=first).error["message"]


def test_the_settings_of_the_world_come_with_it(platform):
    platform.settings(issuing_enabled=False)
    platform.settings(record_requests=True)
    platform.get("/v1/events")

    assert "stripe_world.settings(issuing_enabled=False)" in platform.get(EXPORT).body.decode()


# How it is written


def test_references_and_times_are_written_as_each_language_has_them():
    ref = Reference("cards_1", ("data", 0, "id"))
    calls = [
        Call("cards_1", "GET", ["", "v1", "issuing", "cards"], {}, reply={"object": "list"}),
        Call("card_1", "POST", ["", "v1", "issuing", "cards", ref], {"a": [{"b": ref}], "from": Moment(5)}, passes=3),
    ]
    recording = Recording(calls, {}, [])

    python, curl = as_pytest(recording), as_curl(recording)

    assert """    f"/v1/issuing/cards/{cards_1['data'][0]['id']}",\n""" in python
    assert """    a=[{"b": cards_1["data"][0]["id"]}],\n""" in python
    assert """    **{"from": start + 5},\n""" in python
    assert "stripe_world.clock.advance(3)" in python
    compile(python, "recorded", "exec")
    assert "cards_1_data_0_id=$(member data 0 id)" in curl
    assert """--data-urlencode 'a[0][b]='"$cards_1_data_0_id\"""" in curl
    assert """--data-urlencode from="$((start + 5))\"""" in curl
