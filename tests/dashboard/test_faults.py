"""Faults wait, strike clients and not pages, and are discarded; webhooks are given trouble and made well."""

from __future__ import annotations


def test_a_fault_is_armed_strikes_a_client_and_spares_the_pages(platform, visitor):
    visitor.get("/dashboard/faults")

    visitor.post("/dashboard/faults", kind="server_error", count="2", method="GET", path="/v1/balance")

    assert "It strikes the next 2 requests of GET /v1/balance." in visitor.text
    assert "Fails: 500, an unknown error GET /v1/balance 2" in visitor.text
    assert platform.get("/v1/balance").status == 500
    visitor.get("/dashboard/faults")
    assert "Fails: 500, an unknown error GET /v1/balance 1" in visitor.text


def test_faults_are_discarded(platform, visitor):
    visitor.get("/dashboard/faults")
    visitor.post("/dashboard/faults", kind="wait", count="1", milliseconds="50")
    assert "Waits before it is carried out 50 ms any of the API 1" in visitor.text

    visitor.post("/dashboard/faults/discard")

    assert platform.read("/_emulator/faults")["data"] == []
    assert "No fault waits. Arm one" in visitor.text


def test_a_reply_is_lost_of_some_of_the_requests_and_others_wait_for_a_while_that_varies(platform, visitor):
    visitor.get("/dashboard/faults")

    visitor.post("/dashboard/faults", kind="drop_after", count="3", method="POST", probability="20")
    visitor.post("/dashboard/faults", kind="wait", count="1", milliseconds="2000", jitter_milliseconds="500")

    assert "Is carried out, and its reply is lost 20 % of them POST 3" in visitor.text
    assert "Waits before it is carried out 2,000 ms and up to 500 more any of the API 1" in visitor.text
    lost, waits = platform.read("/_emulator/faults")["data"]
    assert (lost["kind"], lost["carried_out"], lost["probability"]) == ("drop", True, 20)
    assert (waits["milliseconds"], waits["jitter_milliseconds"]) == (2000, 500)


def test_a_path_that_nothing_has_is_refused(platform, visitor):
    visitor.get("/dashboard/faults")

    visitor.post("/dashboard/faults", kind="rate_limit", path="/v1/nothing", back="/dashboard/faults")

    assert "No operation is meant by any method /v1/nothing." in visitor.text


def test_webhooks_are_given_trouble_and_made_well(platform, visitor):
    visitor.get("/dashboard/faults")

    visitor.post("/dashboard/faults/clinic", drop="20", duplicate="5", delay="")
    assert "every other endpoint 20 % dropped and 5 % duplicated" in visitor.text

    visitor.post("/dashboard/faults/clinic/discharge")
    assert platform.read("/_emulator/webhooks/clinic")["data"] == []
    assert "Every event arrives once, in order, signed." in visitor.text


def test_a_rate_that_is_none_is_refused(platform, visitor):
    visitor.get("/dashboard/faults")

    visitor.post("/dashboard/faults/clinic", drop="200", back="/dashboard/faults")

    assert "Refused with 400" in visitor.text
    assert platform.read("/_emulator/webhooks/clinic")["data"] == []
