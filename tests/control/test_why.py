"""Why a purchase was approved or declined: a line, hints on whoever was asked, and every rule; each fact once."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.cli.why import why_lines
from emulator.issuing.decline import RULES
from tests.client import Client
from tests.issuing.purchases import (
    AUTHORIZATIONS,
    a_spender,
    a_treasury_spender,
    authorize,
    done,
    why,
)
from tests.issuing.test_real_time import IAUTH, VERSION, asking, says
from tests.receivers import PATIENCE_SECONDS, Arrived, Receiver, Reply, receiving

CASINO = "betting_casino_gambling"


def asked(platform: Client, answer: Any, **request: Any) -> tuple[str, dict[str, Any]]:
    """The endpoint that was asked about a purchase of 10.00, and why the purchase ended as it did."""
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    with receiving(answer if callable(answer) else lambda arrived: answer) as receiver:
        endpoint = asking(platform, receiver)
        authorization = platform.made(AUTHORIZATIONS, card=a_spender(platform)["id"], amount=10_00, **request)
    return endpoint["id"], why(platform, authorization)


# The rules


def test_it_begins_with_what_decided_and_tells_every_rule_in_order(platform: Client) -> None:
    client, account, card = a_treasury_spender(platform, 5_00)
    client.made(f"/v1/treasury/financial_accounts/{account}", platform_restrictions={"outbound_flows": "restricted"})

    story = why(platform, authorize(client, card, 10_00))

    (request,) = story["requests"]
    line = f"declined by: the outbound flows of the financial account {account} are restricted"
    assert story["outcome"] == request["outcome"] == line
    assert (request["reason"], request["approved"], request["reason_message"]) == ("account_disabled", False, None)
    assert [rule["says"] for rule in request["rules"][1:]] == [rule.says for rule in RULES]
    verdicts = {rule["says"]: rule for rule in request["rules"]}
    objecting = verdicts["the financial account's outbound flows are not restricted"]
    assert (objecting["verdict"], objecting["looks_at"]) == ("objects", ["financial_account", "outbound_flows"])
    assert request["saw"]["outbound_flows"] == "restricted" and request["saw"]["financial_account"] == account
    assert verdicts["the money to be held is there"]["verdict"] == "would object"
    assert {rule["verdict"] for rule in request["rules"]} == {"allows", "objects", "would object"}


def test_each_fact_is_told_once_and_every_fact_that_a_rule_looked_at(platform: Client) -> None:
    (request,) = why(platform, authorize(platform, a_spender(platform), 10_00))["requests"]

    assert {fact for rule in request["rules"] for fact in rule["looks_at"]} == set(request["saw"])
    assert all(
        set(rule) == {"looks_at", "numbers", "reason", "says", "sentence", "verdict"} for rule in request["rules"]
    )


def test_there_is_one_story_per_request_and_the_last_gives_the_outcome(platform: Client) -> None:
    authorization = authorize(platform, a_spender(platform, 50_00), 10_00)
    done(platform, authorization, "increment", increment_amount=5_00)
    done(platform, authorization, "increment", increment_amount=100_00)

    story = why(platform, authorization)

    outcomes = [request["outcome"] for request in story["requests"]]
    assert outcomes == [
        "approved: no rule objects",
        "approved: no rule objects",
        "declined by: $100.00 would be held, and $35.00 can be spent",
    ]
    assert story["outcome"] == outcomes[-1]


def test_a_transaction_is_explained_by_its_authorization(platform: Client) -> None:
    captured = done(platform, authorize(platform, a_spender(platform), 10_00), "capture")

    assert why(platform, captured["transactions"][0])["id"] == captured["id"]


@pytest.mark.parametrize("id", ["iauth_unknown", "ic_1", "nonsense"])
def test_nothing_is_known_of_other_objects(platform: Client, id: str) -> None:
    refusal = platform.get(f"/_emulator/why/{id}")

    assert (refusal.status, refusal.error["code"]) == (404, "resource_missing")
    assert id in refusal.error["message"]


# The command line


def test_the_command_prints_the_line_first_and_each_fact_once(platform: Client) -> None:
    card = a_spender(platform, spending_controls={"blocked_categories": [CASINO]})
    declined = authorize(platform, card, 10_00, merchant_data={"category": CASINO})

    lines = list(why_lines(why(platform, declined)))

    assert lines[0] == f"declined by: the card blocks merchants of {CASINO}"
    assert lines[1].startswith(f"{declined['id']}, ") and lines[1].endswith(" UTC, spending_controls")
    assert len(lines) == 2 + 1 + len(RULES)
    assert lines[2].startswith("   1. allows       nobody told the emulator how to end this request [")
    (objecting,) = (line for line in lines if " objects " in line)
    assert objecting.startswith("  19. objects      the card's controls allow merchants of this category [")
    assert objecting.endswith(" [merchant_category, card_controls]")
    told = "\n".join(lines)
    facts = ("card_controls={", "cardholder_controls={", "card_status=", "merchant_category=", " [amount=1000")
    assert [told.count(fact) for fact in facts] == [1] * len(facts)


def test_of_earlier_requests_the_command_prints_only_what_was_different(platform: Client) -> None:
    authorization = authorize(platform, a_spender(platform, 50_00), 10_00)
    done(platform, authorization, "increment", increment_amount=100_00)

    lines = list(why_lines(why(platform, authorization)))

    assert lines[0] == "declined by: $100.00 would be held, and $40.00 can be spent"
    second = lines[lines.index("") + 1 :]
    assert second[0] == "approved: no rule objects"
    assert second[-1].strip() == f"{1 + len(RULES) - (len(second) - 3)} more as above"
    assert second[-2] == "  28. allows       the money to be held is there [hold=1000, spendable=5000]"
    assert len(second) < 12
    assert "\n".join(lines).count(authorization["id"]) == 1


# Whoever was asked


def test_an_endpoint_that_answered_is_named_with_how_long_it_took(platform: Client) -> None:
    endpoint, story = asked(platform, says({"approved": True}))

    assert story["outcome"].startswith(f"approved by: {endpoint}, which answered approved=true in ")
    assert story["requests"][0]["hints"] == []
    assert story["requests"][0]["rules"][-1]["says"] == "whoever answers for the account agrees"


def test_a_handler_that_declined_is_told_what_its_event_said(platform: Client) -> None:
    endpoint, story = asked(platform, says({"approved": False}))

    assert story["outcome"].startswith(f"declined by: {endpoint}, which answered approved=false in ")
    assert story["requests"][0]["hints"] == [
        "In the event, `amount` was 0, what had been approved so far; what was asked for was pending_request.amount, "
        "1000."
    ]
    lines = list(why_lines(story))
    assert lines[2] == f"hint: {story['requests'][0]['hints'][0]}"


def test_an_answer_without_a_version_is_told_in_words_and_stripes_text_stays(platform: Client) -> None:
    endpoint, story = asked(platform, says({"approved": True}, headers={}))

    (request,) = story["requests"]
    assert story["outcome"] == (
        f"declined by: the answer of {endpoint} cannot be used: it has no Stripe-Version header"
    )
    assert (request["reason"], request["reason_message"]) == ("webhook_error", "Invalid Stripe API version: ")
    assert request["hints"] == ["The answer has no Stripe-Version header: it must name the API version it is in."]


def test_an_answer_that_cannot_be_used_is_told_in_stripes_words(platform: Client) -> None:
    endpoint, story = asked(platform, says(b"approved: yes"))

    assert story["outcome"] == (
        f"declined by: the answer of {endpoint} cannot be used: Response body is not valid JSON."
    )


def test_a_setting_that_approves_is_named(platform: Client) -> None:
    platform.settings(on_webhook_failure="approve")
    endpoint, story = asked(platform, says({}, status=500))

    assert story["outcome"] == (
        f"approved by: on_webhook_failure=approve, since the answer of {endpoint} cannot be used: Unexpected response "
        "status: 500."
    )


def test_an_endpoint_that_cannot_be_reached_is_told_apart_from_one_that_is_silent(platform: Client) -> None:
    receiver = Receiver()
    receiver.close()
    platform.settings(real_time_timeout_ms=PATIENCE_SECONDS * 1000)
    endpoint = asking(platform, receiver)["id"]
    unreached = why(platform, authorize(platform, a_spender(platform), 10_00))
    platform.settings(real_time_timeout_ms=150)
    platform.delete(f"/v1/webhook_endpoints/{endpoint}")
    with receiving(lambda arrived: Reply(hang=True)) as silent:
        other = asking(platform, silent)["id"]
        unanswered = why(platform, authorize(platform, a_spender(platform), 10_00))

    assert unreached["outcome"].startswith(f"declined by: {endpoint} could not be reached (ConnectError")
    assert unanswered["outcome"] == f"declined by: {other} gave no answer within 150 ms"


def test_an_empty_200_that_no_call_followed_is_told(platform: Client) -> None:
    platform.settings(real_time_timeout_ms=3_000)
    with receiving(lambda arrived: Reply(200, b"", VERSION)) as receiver:
        endpoint = asking(platform, receiver)["id"]
        story = why(platform, authorize(platform, a_spender(platform), 10_00))

    assert story["outcome"] == (
        f"declined by: {endpoint} left it to a call of /approve or /decline, and none came within 3,000 ms"
    )
    assert story["requests"][0]["hints"] == [
        "The answer was 200 with no body, which leaves it to a call of /approve or /decline; none came in time."
    ]


def test_a_handler_that_calls_and_answers_is_told_which_came_first(platform: Client) -> None:
    other = Client(platform.app, platform.key)

    def answer(arrived: Arrived) -> Reply:
        other.made(f"{IAUTH}/{arrived.event['data']['object']['id']}/decline")
        return says({"approved": True})

    _, story = asked(platform, answer)

    assert story["outcome"] == "declined by: a call of /decline"
    assert story["requests"][0]["hints"] == [
        "A call of /decline decided first; the answer said approved=true as well, and the two contradict each other."
    ]


def test_a_call_that_was_refused_meanwhile_is_pointed_at(platform: Client) -> None:
    other = Client(platform.app, platform.key)
    refused: list[str] = []

    def answer(arrived: Arrived) -> Reply:
        path = f"{IAUTH}/{arrived.event['data']['object']['id']}/approve"
        refused.append(other.post(path, amount=0).headers["Request-Id"])
        return says({"approved": True})

    _, story = asked(platform, answer)

    assert story["requests"][0]["hints"] == [
        f"A call of /approve was refused with 400 meanwhile: /_emulator/requests/{refused[0]} says why."
    ]


def test_what_was_asked_and_then_declined_by_a_rule_names_the_rule(platform: Client) -> None:
    other = Client(platform.app, platform.key)

    def answer(arrived: Arrived) -> Reply:
        other.made(f"/v1/issuing/cards/{arrived.event['data']['object']['card']['id']}", status="inactive")
        return says({"approved": True})

    _, story = asked(platform, answer)

    assert story["outcome"] == "declined by: the card is inactive"


def test_a_limit_that_is_used_up_is_told_with_its_month_and_its_numbers(platform: Client) -> None:
    platform.clock(set=1_927_000_000, frozen=True)  # 24 January 2031
    limits = [{"amount": 800_00, "interval": "monthly"}]
    card = a_spender(platform, 1_000_00, spending_controls={"spending_limits": limits})
    authorize(platform, card, 609_90)

    story = why(platform, authorize(platform, card, 240_00))

    sentence = "$240.00 does not fit beside the $609.90 spent in January: the card's monthly limit is $800.00"
    assert story["outcome"] == f"declined by: {sentence}"
    (objecting,) = (rule for rule in story["requests"][0]["rules"] if rule["verdict"] == "objects")
    assert objecting["sentence"] == f"{sentence}."
    assert objecting["numbers"]["left"] == 190_10 and objecting["numbers"]["over"] == 49_90
    (money,) = (rule for rule in story["requests"][0]["rules"] if rule["says"] == "the money to be held is there")
    assert money["numbers"] == {"hold": 240_00, "spendable": 390_10, "left": 390_10, "over": 0, "currency": "usd"}
