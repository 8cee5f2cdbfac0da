"""The clock's page: what falls due and why, steps to it, and what was moved."""

from __future__ import annotations

from tests.issuing.purchases import a_spender, authorize

A_WEEK = 7 * 86_400


def held(platform):
    """A purchase that is held, in a world whose clock stands still."""
    platform.clock(frozen=True)
    return authorize(platform, a_spender(platform), 24_00)


def test_what_falls_due_is_listed_with_its_reason_and_leads_to_its_object(platform, visitor):
    purchase = held(platform)

    visitor.get("/dashboard/clock")

    assert "A hold of $24.00 expires" in visitor.text
    assert "what is not captured within 7 days goes back" in visitor.text
    assert f"/dashboard/authorizations/{purchase['id']}" in [link.partition("?")[0] for link in visitor.links()]


def test_a_step_does_what_is_due_next_and_says_so(platform, visitor):
    purchase = held(platform)
    visitor.get("/dashboard/clock")

    visitor.post("/dashboard/clock/step", back="/dashboard/clock")

    assert "1 hold expired." in visitor.text
    assert "Moved 7 days forward" in visitor.text
    assert platform.read(f"/v1/issuing/authorizations/{purchase['id']}")["status"] == "expired"


def test_a_step_where_nothing_is_due_is_refused_in_words(platform, visitor):
    visitor.get("/dashboard/clock")

    visitor.post("/dashboard/clock/step", back="/dashboard/clock")

    assert "Nothing falls due: there is no step to take." in visitor.text
    assert "Never moved." in visitor.text


def test_the_clock_is_advanced_and_set_and_runs_forward_only(platform, visitor):
    held(platform)
    before = platform.read("/_emulator/clock")["now"]
    visitor.get("/dashboard/clock")

    visitor.post("/dashboard/clock/move", advance=3_600, back="/dashboard/clock")
    assert platform.read("/_emulator/clock")["now"] == before + 3_600
    assert "Nothing was due on the way." in visitor.text

    visitor.post("/dashboard/clock/move", set="2035-01-01T09:00", back="/dashboard/clock")
    assert platform.read("/_emulator/clock")["now"] == 2_051_254_800
    assert "1 hold expired." in visitor.text

    visitor.post("/dashboard/clock/move", set="2034-01-01T09:00", back="/dashboard/clock")
    assert platform.read("/_emulator/clock")["now"] == 2_051_254_800
    assert "Refused with 400" in visitor.text


def test_what_is_no_time_is_refused(platform, visitor):
    visitor.get("/dashboard/clock")

    visitor.post("/dashboard/clock/move", set="tomorrow", back="/dashboard/clock")

    assert "tomorrow is not a time." in visitor.text
    assert platform.read("/_emulator/clock/moves")["data"] == []


def test_the_clock_is_frozen_and_let_run(platform, visitor):
    visitor.get("/dashboard/clock")

    visitor.post("/dashboard/clock/freeze", frozen="true", back="/dashboard/clock")
    assert platform.read("/_emulator/clock")["frozen"] is True
    assert "Time stands still until you move it" in visitor.text

    visitor.post("/dashboard/clock/freeze", frozen="false", back="/dashboard/clock")
    assert platform.read("/_emulator/clock")["frozen"] is False


def test_deliveries_to_one_endpoint_at_one_moment_are_one_line(platform, visitor):
    platform.clock(frozen=True)
    platform.made("/v1/webhook_endpoints", url="http://127.0.0.1:9/hook", enabled_events=["issuing_card.updated"])
    card = a_spender(platform)
    for status in ("inactive", "active", "inactive"):
        platform.made(f"/v1/issuing/cards/{card['id']}", status=status)
    platform.made("/_emulator/webhooks/drain")

    visitor.get("/dashboard/clock")

    assert "3 deliveries to /hook are tried again" in visitor.text


def test_a_region_is_answered_alone(platform, visitor):
    held(platform)

    visitor.get("/dashboard/clock", HX_Request="true", HX_Target="due")

    assert visitor.html.lstrip().startswith('<section class="panel" aria-labelledby="h-due" id="due"')
    assert "<html" not in visitor.html
