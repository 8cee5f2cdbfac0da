"""Traces: what the rules were told at each request, kept as it was."""

from __future__ import annotations

from emulator.issuing import decline
from emulator.issuing.decline import Attempt
from emulator.issuing.traces import AuthorizationTrace
from tests.client import Client
from tests.issuing.holders import a_card, a_cardholder
from tests.issuing.purchases import NO_LIMITS, a_spender, authorize, done, in_a_step


def test_stored_traces_replayed_through_the_rules_give_the_same_answers(platform: Client) -> None:
    platform.settings(prohibited_merchant_categories=["bakeries"])
    holder = a_cardholder(platform)["id"]
    limited = {"spending_limits": [{"amount": 60_00, "interval": "daily"}], "blocked_merchant_countries": ["DE"]}
    cards = [
        a_spender(platform, 100_00, cardholder=holder, spending_controls=limited),
        a_spender(platform, 0, cardholder=holder),
        a_card(platform, cardholder=holder, spending_controls=NO_LIMITS),
    ]
    for card in cards:
        for amount in (0, 10_00, 45_00, 99_00):
            made = authorize(platform, card, amount)
            if made["approved"]:
                done(platform, made, "increment", increment_amount=7_00)
        authorize(platform, card, 1, merchant_data={"country": "DE"})
        authorize(platform, card, 1, merchant_data={"category": "bakeries"})
    platform.made("/_emulator/issuing/next_authorization", reason="network_fallback", approved=True)
    authorize(platform, cards[2], 1)

    with in_a_step(platform) as world:
        traces = world.all(AuthorizationTrace)

    replayed = 0
    for trace in traces:
        for request in trace.requests:
            attempt = Attempt(**request["attempt"])
            assert [rule.says for rule in decline.objections(attempt)] == request["objections"]
            objecting = decline.objection(attempt)
            assert (objecting is None) == request["approved"]
            expected = objecting.reason if objecting else attempt.forced_reason or "card_active"
            assert request["reason"] == expected
            replayed += 1
    assert replayed >= 19
    assert {request["reason"] for trace in traces for request in trace.requests} >= {
        "card_active",
        "card_inactive",
        "insufficient_funds",
        "network_fallback",
        "not_allowed",
        "spending_controls",
    }
