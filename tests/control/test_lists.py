"""The lists of the control API tell whether there is more than they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.client import Client
from tests.issuing.holders import a_cardholder
from tests.issuing.purchases import a_spender, authorize

NOWHERE = "http://127.0.0.1:9/hook"


def requests(client: Client) -> dict[str, Any]:
    """Three requests, and the filter that finds them."""
    for number in range(3):
        client.get(f"/v1/events/evt_{number}")
    return {"path": "/v1/events/*"}


def events(client: Client) -> dict[str, Any]:
    """Three events."""
    for _ in range(3):
        a_cardholder(client)
    return {"type": "issuing_cardholder.created"}


def attempts(client: Client) -> dict[str, Any]:
    """Three attempts to deliver."""
    client.made("/v1/webhook_endpoints", url=NOWHERE, enabled_events=["issuing_cardholder.created"])
    events(client)
    client.made("/_emulator/webhooks/drain")
    return {}


def asks(client: Client) -> dict[str, Any]:
    """Three questions."""
    card = a_spender(client)
    client.made("/v1/webhook_endpoints", url=NOWHERE, enabled_events=["issuing_authorization.request"])
    for _ in range(3):
        authorize(client, card, 1_00)
    return {}


@pytest.mark.parametrize("limit, shown, has_more", [(2, 2, True), (3, 3, False), (4, 3, False)])
@pytest.mark.parametrize(
    "path, three",
    [
        ("/_emulator/requests", requests),
        ("/_emulator/events/wait", events),
        ("/_emulator/webhooks/attempts", attempts),
        ("/_emulator/asks", asks),
    ],
)
def test_a_list_has_more_only_where_it_does_not_show_all(
    platform: Client, path: str, three: Callable[[Client], dict[str, Any]], limit: int, shown: int, has_more: bool
) -> None:
    filters = three(platform)

    found = platform.read(path, limit=limit, **filters)

    assert (len(found["data"]), found["has_more"]) == (shown, has_more)
