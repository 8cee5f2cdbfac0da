"""Status machines as drawings: what was, what is, what may come, and the same in a sentence."""

from __future__ import annotations

import pytest

from emulator.catalog import CATALOG
from emulator.control.lifecycles import KINDS
from emulator.dashboard import machines

OUTBOUND = {
    "start": "processing",
    "moves": [
        {"from": "processing", "to": "posted", "verb": "post"},
        {"from": "processing", "to": "returned", "verb": "return"},
        {"from": "processing", "to": "failed", "verb": "fail"},
        {"from": "processing", "to": "canceled", "verb": "cancel"},
        {"from": "posted", "to": "returned", "verb": "return"},
    ],
}


def test_what_leads_on_stands_between_its_ends_and_where_it_has_been_is_marked():
    machine = machines.drawn(OUTBOUND, ["processing", "posted"], "an outbound transfer")

    assert {box.name: (box.kind, box.x, box.y) for box in machine.boxes} == {
        "processing": ("been", 2, 55),
        "failed": ("", 180, 2),
        "posted": ("here", 180, 55),
        "canceled": ("", 180, 108),
        "returned": ("", 358, 55),
    }
    assert [arrow.verb for arrow in machine.arrows if arrow.kind] == ["post"]
    assert machine.says == (
        "Status machine of an outbound transfer: processing was followed by posted, its present status; "
        "it may still become returned"
    )


def test_an_arrow_past_other_statuses_goes_below_them():
    machine = machines.drawn(OUTBOUND, ["processing", "returned"], "an outbound transfer")

    past = next(arrow for arrow in machine.arrows if arrow.kind)
    assert (past.verb, past.y) == ("return", 156)
    assert machine.height > past.y
    assert machine.says.endswith("its present status; nothing follows")


@pytest.mark.parametrize("kind", KINDS)
def test_every_lifecycle_can_be_drawn(platform, kind):
    found = {one["kind"]: one for one in platform.read("/_emulator/lifecycles")["data"]}
    lifecycle = found[kind]

    machine = machines.drawn(lifecycle, [lifecycle["start"]], "a thing")

    assert {box.name for box in machine.boxes} == {one[end] for one in lifecycle["moves"] for end in ("from", "to")}
    assert all(0 <= box.x <= machine.width - 92 and 0 <= box.y <= machine.height - 28 for box in machine.boxes)
    assert kind in {record.object for record in CATALOG.records.values()}
