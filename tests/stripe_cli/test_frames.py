"""Which requests `stripe logs tail` is told of."""

from __future__ import annotations

import pytest

from emulator.kernel.requests import LoggedRequest
from emulator.stripe_cli.frames import is_wanted

REQUEST = LoggedRequest(
    1, "req_1", 5, "POST", "/v1/issuing/cards", 404, "", None, None, None, "127.0.0.1", "", 1.0, None, None, None
)


@pytest.mark.parametrize(
    "name, fits, fits_not",
    [
        ("filter_account", "self", "connect_out"),
        ("filter_http_method", "POST", "GET"),
        ("filter_ip_address", "127.0.0.1", "10.0.0.1"),
        ("filter_request_path", "/v1/issuing/cards", "/v1/issuing"),
        ("filter_request_status", "FAILED", "SUCCEEDED"),
        ("filter_source", "API", "DASHBOARD"),
        ("filter_status_code", "404", "400"),
        ("filter_status_code_type", "4XX", "5XX"),
        ("filter_status_code_type", "400", "200"),
    ],
)
def test_each_filter_lets_its_own_through(name, fits, fits_not):
    assert is_wanted(REQUEST, {name: [fits]})
    assert is_wanted(REQUEST, {name: [fits_not, fits]})
    assert not is_wanted(REQUEST, {name: [fits_not]})
    assert not is_wanted(REQUEST, {name: [fits], "filter_source": ["DASHBOARD"]})


def test_requests_for_a_connected_account_are_outgoing_connect_requests():
    theirs = REQUEST._replace(account="acct_1")

    assert is_wanted(theirs, {"filter_account": ["connect_out"]})
    assert not is_wanted(theirs, {"filter_account": ["self", "connect_in"]})


def test_the_emulators_own_operations_are_never_told():
    assert not is_wanted(REQUEST._replace(path="/_emulator/clock"), {})
