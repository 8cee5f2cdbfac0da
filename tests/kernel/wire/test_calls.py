"""Operations that call others: each call a step of its own, caused by the request that makes them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.http_bench import HOLDER
from bench.running import Running, assert_whole
from tests.client import Client
from tests.issuing.purchases import DAY, a_spender
from tests.receivers import Reply, receiving

SCRIPT = "/_emulator/issuing/scripts/restaurant"
AUTHORIZATIONS = "/v1/issuing/authorizations"


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_the_request_is_the_cause_of_all_that_happens(platform: Client) -> None:
    card = a_spender(platform)
    since = len(platform.events())

    reply = platform.post(SCRIPT, card=card["id"])

    events = platform.events()[since:]
    assert [event["type"] for event in events] == [
        "issuing_authorization.created",
        "issuing_transaction.created",
        "issuing_authorization.updated",
    ]
    assert {event["request"]["id"] for event in events} == {reply.headers["Request-Id"]}
    paths = [line["path"] for line in platform.read("/_emulator/requests", method="POST")["data"]]
    assert paths[0] == SCRIPT and "/v1/test_helpers/issuing/authorizations" not in paths


def test_a_key_repeats_the_reply_and_nothing_happens_again(platform: Client) -> None:
    card = a_spender(platform)
    first = platform.post(SCRIPT, card=card["id"], headers=keyed("dinner"))

    again = platform.post(SCRIPT, card=card["id"], headers=keyed("dinner"))
    other = platform.post(SCRIPT, card=card["id"], amount=10_00, headers=keyed("dinner"))

    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert other.error["type"] == "idempotency_error"
    assert len(platform.read(AUTHORIZATIONS)["data"]) == 1


def test_a_key_is_free_again_after_a_refusal(platform: Client) -> None:
    card = a_spender(platform)
    refused = platform.post("/_emulator/issuing/scripts/late_refund", card=card["id"], headers=keyed("back"))

    again = platform.post(
        "/_emulator/issuing/scripts/late_refund", card=card["id"], move_clock=True, headers=keyed("back")
    )

    assert (refused.status, again.status) == (400, 200)


def test_a_key_whose_server_was_killed_meanwhile_is_free_after_the_restart(tmp_path: Path) -> None:
    def sent(server: Running, path: str, **form: Any) -> httpx.Response:
        headers = keyed("dinner") if path == SCRIPT else {}
        return httpx.post(server.url + path, data=form, auth=("sk_test_killed", ""), headers=headers, timeout=30)

    def answer(arrived: object) -> Reply:
        first.kill()
        return Reply()

    with receiving(answer) as receiver:
        first = Running(tmp_path, "--quiet")
        wanted = {"enabled_events[]": "issuing_authorization.request"}
        sent(first, "/v1/webhook_endpoints", url=receiver.url, **wanted).raise_for_status()
        sent(first, "/v1/test_helpers/issuing/fund_balance", amount=500_00, currency="usd").raise_for_status()
        holder = sent(first, "/v1/issuing/cardholders", **HOLDER).json()["id"]
        card = sent(first, "/v1/issuing/cards", cardholder=holder, currency="usd", type="virtual", status="active")
        with pytest.raises(httpx.HTTPError):
            sent(first, SCRIPT, card=card.json()["id"])
    assert_whole(tmp_path)
    with Running(tmp_path, "--quiet") as second:
        played = sent(second, SCRIPT, card=card.json()["id"])
        again = sent(second, SCRIPT, card=card.json()["id"])

    assert (played.status_code, again.content) == (200, played.content)
    assert (played.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert_whole(tmp_path)


def test_a_key_that_the_clock_has_outlived_stands_for_nothing(platform: Client) -> None:
    card = a_spender(platform)
    first = platform.post(SCRIPT, card=card["id"], headers=keyed("dinner"))
    platform.clock(advance=DAY + 1)

    again = platform.post(SCRIPT, card=card["id"], headers=keyed("dinner"))

    assert again.json["objects"][0]["id"] != first.json["objects"][0]["id"]


def test_faults_that_wait_for_requests_are_not_for_calls(platform: Client) -> None:
    card = a_spender(platform)
    platform.made("/_emulator/faults", kind="server_error", method="POST", path="/v1/*")

    assert platform.post(SCRIPT, card=card["id"]).json["finished"] is True
    assert platform.read("/_emulator/faults")["data"][0]["remaining"] == 1


def test_objects_are_shown_as_the_version_of_the_request_has_them(platform: Client) -> None:
    card = a_spender(platform)
    older = platform.pinned("2025-08-27.basil")

    shown = older.post("/_emulator/issuing/scripts/card_testing", card=card["id"], count=1).json["objects"][0]

    assert shown == older.read(f"{AUTHORIZATIONS}/{shown['id']}")
    assert shown != platform.read(f"{AUTHORIZATIONS}/{shown['id']}")
