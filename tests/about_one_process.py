"""Tests that have nothing to show where several servers answer: by the beginning of their names, and why."""

from __future__ import annotations

CHANGED = "changes what the emulator does in its own process, which is not the one that answers"
INSIDE = "looks at what its own process has, or says"
NOT_SENT = "what no client sends over the network"
SERVED_HERE = "a server of another kind, which serves an application in its own process"
ADDRESS = "the address of the server that answered"
MEANWHILE = "what several servers do without being asked, at moments of their own"
LIMITS = "limits that each server counts for itself"
ONE = "one process says that it is ready"
ABOUT_ONE_PROCESS = {
    "tests/control/test_faults.py::test_where_a_connection_cannot_be_closed_a_502": SERVED_HERE,
    "tests/control/test_meter.py::test_a_world_that_is_told_to_keeps_to_them": LIMITS,
    "tests/control/test_meter.py::test_the_emulators_own_operations_and_other_worlds": LIMITS,
    "tests/control/test_meter.py::test_what_is_refused_is_not_remembered": LIMITS,
    "tests/control/test_recording.py::test_only_the_newest_are_kept_whole": CHANGED,
    "tests/control/test_recording.py::test_what_is_larger_than_a_body_that_is_kept": CHANGED,
    "tests/control/test_requests.py::test_only_the_newest_requests_are_kept": CHANGED,
    "tests/control/test_webhook_clinic.py::test_a_duplicate_arrives_twice": MEANWHILE,
    "tests/control/test_webhook_clinic.py::test_a_consumer_that_repeats_effects": MEANWHILE,
    "tests/control/test_webhooks.py::test_attempts_and_deliveries_tell_what_became": MEANWHILE,
    "tests/developer/test_cli_sessions.py::test_a_server_without_a_websocket_port": ADDRESS,
    "tests/developer/test_cli_sessions.py::test_a_session_tells_where": ADDRESS,
    "tests/developer/test_ephemeral_keys.py::test_neither_key_nor_nonces_are_logged": INSIDE,
    "tests/kernel/tenants/test_memory.py": CHANGED,
    "tests/kernel/webhooks/test_asker.py::test_a_conclusion_that_fails": CHANGED,
    "tests/kernel/webhooks/test_asker.py::test_what_nobody_asks_any_more": CHANGED,
    "tests/kernel/webhooks/test_bounds.py": CHANGED,
    "tests/kernel/webhooks/test_postman.py::test_a_failed_event_does_not_hold_later_ones_back": MEANWHILE,
    "tests/kernel/webhooks/test_postman.py::test_a_lane_that_is_rung_while_it_ends": INSIDE,
    "tests/kernel/webhooks/test_postman.py::test_a_retry_that_succeeds_ends_it": MEANWHILE,
    "tests/kernel/webhooks/test_postman.py::test_a_slow_receiver_is_not_waited_for": CHANGED,
    "tests/kernel/webhooks/test_postman.py::test_anything_but_2xx_is_a_failure": MEANWHILE,
    "tests/kernel/webhooks/test_postman.py::test_nothing_leaves_before_somebody_carries_it": MEANWHILE,
    "tests/kernel/webhooks/test_postman.py::test_what_was_on_its_way_at_a_reset": INSIDE,
    "tests/kernel/wire/test_incoming.py::test_a_body_that_breaks_off_is_refused_as_such_and_nothing_of_it_is_carried_out["
    "werkzeug": SERVED_HERE,
    "tests/kernel/wire/test_incoming.py::test_a_whole_body_is_read_however_it_comes[werkzeug-Transfer": SERVED_HERE,
    "tests/kernel/wire/test_incoming.py::test_the_key_is_looked_at_before_a_broken_body[werkzeug]": SERVED_HERE,
    "tests/kernel/wire/test_pipeline.py::test_an_unusable_authorization_header_counts_as_none[Basic ]": NOT_SENT,
    "tests/kernel/wire/test_pipeline.py::test_an_unusable_authorization_header_counts_as_none[Bearer ]": NOT_SENT,
    "tests/test_cli.py::test_a_server_says_when_it_is_ready": ONE,
    "tests/test_doors.py::test_no_path_leads_to_another_file_or_operation[/v1/../": NOT_SENT,
    "tests/test_doors.py::test_what_goes_wrong_inside_tells_neither_in_the_log": CHANGED,
    "tests/test_doors.py::test_what_is_sent_back_in_a_header_cannot_begin_another": NOT_SENT,
}
