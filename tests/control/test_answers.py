"""Hints on handlers: only what was seen is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.control.answers import SUMMARIES, Seen, hints
from emulator.control.verdict import of_all
from emulator.kernel.questions import StoredQuestion
from tests.client import Client
from tests.issuing.purchases import a_spender, authorize
from tests.issuing.test_real_time import asking, says
from tests.receivers import PATIENCE_SECONDS, receiving

VERSION = {"stripe-version": "2024-06-20"}
ZERO = "The event's `amount` is 0 until it is decided; what was asked for is pending_request.amount, 1000."


def seen(
    body: Any = None,
    *,
    status: int | None = 200,
    headers: dict[str, str] = VERSION,
    took: int = 20,
    outcome: str = "answered",
    calls: list[dict[str, Any]] = (),  # type: ignore[assignment]
    amount: int | None = 0,
    requested: int | None = 10_00,
) -> Seen:
    """A question about 10.00, and an answer with this body."""
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    attempt = {
        "status": status,
        "response_headers": headers,
        "response_body": text,
        "duration_ms": took,
        "api_calls": calls,
    }
    decided = None if status is None or (not text and outcome == "timeout") else took
    asked = StoredQuestion(
        "evt_1", 1, "acct_1", "issuing_authorization.request", "iauth_1", "we_1", 0, 0, 2_000, True, True, outcome,
        decided, None, None, None, None, [], None,
    )  # fmt: skip
    return Seen(attempt, asked, amount, requested)


def call(path: str, status: int) -> dict[str, Any]:
    return {"method": "POST", "path": path, "replayed": False, "request": "req_1", "status": status}


YES, NO = {"approved": True}, {"approved": False}
TABLE: list[tuple[str, Seen, list[tuple[str, str]]]] = [
    ("a good yes", seen(YES), []),
    ("a good yes in a newer version", seen(YES, headers={"stripe-version": "2099-01-01.word"}), []),
    ("a part of the amount", seen({**YES, "amount": 500}), []),
    ("silence", seen(status=None, outcome="timeout"), []),
    ("an error", seen("oops", status=500), []),
    ("no version", seen(YES, headers={}), [("no_version", "no Stripe-Version header")]),
    ("a version that is none", seen(YES, headers={"stripe-version": "soon"}), [("bad_version", "says soon, which")]),
    ("an acknowledgement", seen({"received": True}), [("no_decision", "does not say `approved`")]),
    ("a word", seen("ok"), [("no_decision", "does not say `approved`")]),
    (
        "an acknowledgement as for any event",
        seen({"received": True}, headers={}),
        [("no_version", "no Stripe-Version"), ("no_decision", "answer 200 with no body")],
    ),
    ("more than is kept of it", seen("{" + " " * 2_000), []),
    ("amount 0", seen({**YES, "amount": 0}), [("zero_amount", f"says amount 0. {ZERO}")]),
    (
        "amount 0 in the metadata",
        seen({**YES, "metadata": {"Amount_USD": "0.00"}}),
        [("zero_amount", f"says metadata[Amount_USD] 0. {ZERO}")],
    ),
    ("metadata that is none", seen({**YES, "metadata": "x"}), []),
    ("false is no amount", seen({**YES, "metadata": {"amount_checked": False}}), []),
    ("zero was asked for", seen({**YES, "amount": 0}, requested=0), []),
    ("nobody knows what was asked for", seen({**NO, "amount": 0}, amount=None, requested=None), []),
    ("a no", seen(NO), [("declined", "`amount` was 0, what had been approved so far; what was asked for was pend")]),
    ("a no to an increment", seen(NO, amount=700), [("declined", "`amount` was 700, what had been approved so far")]),
    ("a no to nothing", seen(NO, requested=0), []),
    ("just in time", seen(YES, took=1_500), []),
    ("nearly late", seen(YES, took=1_900), [("nearly_late", "took 1,900 of the 2,000 ms")]),
    ("late", seen(YES, took=2_001), [("too_slow", "took 2,001 ms. Stripe waits 2,000.")]),
    ("left open", seen(outcome="timeout"), [("left_open", "none came in time")]),
    ("left to a call that came", seen(outcome="approved through the API"), []),
    (
        "a call and an answer that agree",
        seen(YES, outcome="approved through the API"),
        [("decided_twice", "A call of /approve decided first; the answer said approved=true as well.")],
    ),
    (
        "a call and an answer that do not",
        seen(YES, outcome="declined through the API"),
        [("decided_twice", "and the two contradict each other.")],
    ),
    (
        "a call that was refused",
        seen(YES, calls=[call("/v1/issuing/authorizations/iauth_1/approve", 400)]),
        [("refused_call", "A call of /approve was refused with 400 meanwhile: /_emulator/requests/req_1 says why.")],
    ),
    (
        "other calls",
        seen(
            YES,
            calls=[
                call("/v1/issuing/authorizations/iauth_2/approve", 400),
                call("/v1/issuing/authorizations/iauth_1", 400),
                call("/v1/issuing/authorizations/iauth_1/approve", 200),
            ],
        ),
        [],
    ),
]


@pytest.mark.parametrize("what, shown, expected", TABLE, ids=[row[0] for row in TABLE])
def test_an_answer_shows_this_and_no_more(what: str, shown: Seen, expected: list[tuple[str, str]]) -> None:
    found = hints(shown)

    assert [hint.kind for hint in found] == [kind for kind, _ in expected]
    for hint, (_, says_) in zip(found, expected, strict=True):
        assert says_ in hint.says and hint.says.endswith(".")


def test_every_kind_that_is_summed_up_can_be_shown() -> None:
    assert {kind for _, _, expected in TABLE for kind, _ in expected} == {*SUMMARIES, "declined"}


def test_the_verdict_on_an_endpoint_sums_its_answers_up(platform: Client) -> None:
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    replies = iter(
        [says({"approved": True}, headers={}), says({"received": True}, headers={}), says({"approved": True})]
    )
    with receiving(lambda arrived: next(replies)) as receiver:
        endpoint = asking(platform, receiver)["id"]
        card = a_spender(platform)
        first, second, _ = (authorize(platform, card, 10_00) for _ in range(3))

    (verdict,) = platform.read("/_emulator/webhooks/verdict", slow_ms=PATIENCE_SECONDS * 1000)["data"]

    assert verdict["webhook_endpoint"] == endpoint
    assert verdict["findings"] == [
        "2 answers to questions had no Stripe-Version header",
        "1 answers to questions did not say `approved`",
    ]
    assert [len(one["hints"]) for one in verdict["hints"]] == [1, 2]
    asks = {one["event"]: one["about"] for one in platform.read("/_emulator/asks")["data"]}
    assert [asks[one["event"]] for one in verdict["hints"]] == [first["id"], second["id"]]


def test_the_verdict_says_nothing_of_a_handler_that_just_declines() -> None:
    attempt = {
        **{"event": "evt_1", "delivery": 1, "number": 1, "status": 200, "error": None, "duration_ms": 5},
        **{"webhook_endpoint": "we_1", "troubles": {}, "api_calls": [], "hints": hints(seen(NO))},
    }

    (verdict,) = of_all([attempt], slow_ms=1_000)

    assert (verdict["findings"], verdict["hints"]) == ([], [])
