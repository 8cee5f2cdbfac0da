"""What decides about the state of a feature: every rule, and the order in which they are asked."""

from __future__ import annotations

import pytest

from emulator.treasury.activation import (
    FEATURES,
    UNRESTRICTED,
    Standing,
    as_object,
    requested_after,
    state_of,
    states_of,
)

GOOD = Standing(
    is_closed=False,
    is_rejected=False,
    capabilities={"card_issuing": "active", "treasury": "active"},
    restrictions=UNRESTRICTED,
    activated=tuple(FEATURES),
)
ABA = FEATURES["financial_addresses.aba"]
BOTH_RESTRICTED = {"inbound_flows": "restricted", "outbound_flows": "restricted"}


def codes(state):
    return [detail["code"] for detail in state.details]


@pytest.mark.parametrize("feature", FEATURES.values())
def test_a_feature_against_which_nothing_speaks_is_active(feature):
    assert state_of(feature, GOOD) == ("active", ())


@pytest.mark.parametrize("feature", FEATURES.values())
@pytest.mark.parametrize(
    "status, expected, code, resolution",
    [
        ("unrequested", "restricted", "capability_not_requested", "provide_information"),
        ("inactive", "restricted", "requirements_past_due", "provide_information"),
        ("pending", "pending", "requirements_pending_verification", None),
    ],
)
def test_a_capability_that_is_not_active_speaks_against_the_features_that_need_it(
    feature, status, expected, code, resolution
):
    for name in GOOD.capabilities:
        state = state_of(feature, GOOD._replace(capabilities={**GOOD.capabilities, name: status}))

        if name == feature.capability:
            assert state == (expected, ({"code": code, "resolution": resolution},))
        else:
            assert state.status == "active"


@pytest.mark.parametrize(
    "flow, restricted",
    [
        ("inbound_flows", {"financial_addresses.aba", "inbound_transfers.ach", "intra_stripe_flows"}),
        (
            "outbound_flows",
            {
                "financial_addresses.aba",
                "intra_stripe_flows",
                "outbound_payments.ach",
                "outbound_payments.us_domestic_wire",
                "outbound_transfers.ach",
                "outbound_transfers.us_domestic_wire",
            },
        ),
    ],
)
def test_the_platforms_restriction_touches_exactly_the_features_of_that_flow(flow, restricted):
    standing = GOOD._replace(restrictions={**UNRESTRICTED, flow: "restricted"})

    states = states_of(list(FEATURES), standing)

    assert {path for path, state in states.items() if state.status != "active"} == restricted
    for path in restricted:
        assert states[path].details == (
            {"code": "restricted_by_platform", "resolution": "remove_restriction", "restriction": flow},
        )


def test_each_restricted_flow_is_a_reason_of_its_own():
    state = state_of(ABA, GOOD._replace(restrictions=BOTH_RESTRICTED))

    assert [detail["restriction"] for detail in state.details] == ["inbound_flows", "outbound_flows"]


def test_only_the_address_takes_a_while():
    states = states_of(list(FEATURES), GOOD._replace(activated=()))

    assert [path for path, state in states.items() if state.is_activating] == ["financial_addresses.aba"]


def test_the_rules_are_asked_in_their_order():
    everything_wrong = Standing(True, True, {"card_issuing": "unrequested", "treasury": "pending"}, BOTH_RESTRICTED, ())
    steps = [{"is_closed": False}, {"is_rejected": False}, {"capabilities": GOOD.capabilities}]
    steps += [{"restrictions": UNRESTRICTED}, {"activated": (ABA.path,)}]
    found, standing = [codes(state_of(ABA, everything_wrong))], everything_wrong

    for better in steps:
        standing = standing._replace(**better)
        found.append(codes(state_of(ABA, standing)))

    assert found == [
        ["financial_account_closed"],
        ["rejected_other"],
        ["requirements_pending_verification"],
        ["restricted_by_platform", "restricted_by_platform"],
        ["activating"],
        [],
    ]


def test_what_was_never_requested_is_absent_from_the_object():
    shown = as_object(states_of(["outbound_payments.ach"], GOOD))

    assert shown == {
        "object": "treasury.financial_account_features",
        "outbound_payments": {"ach": {"requested": True, "status": "active", "status_details": []}},
    }


def test_a_request_is_merged_into_what_was_requested_before():
    stored = ["card_issuing", "outbound_payments.ach"]
    sent = {"card_issuing": {"requested": False}, "outbound_payments": {"us_domestic_wire": {"requested": True}}}

    assert requested_after(stored, sent) == ["outbound_payments.ach", "outbound_payments.us_domestic_wire"]
