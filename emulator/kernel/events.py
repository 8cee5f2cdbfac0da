"""Events: what happened, told once, with the state at that moment and what it replaced.

Source: https://docs.stripe.com/api/events
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.kernel import versions
from emulator.kernel.dates import DAY
from emulator.kernel.records import record
from emulator.kernel.render import ordered, shown

if TYPE_CHECKING:
    from emulator.kernel.world import World

KEPT_SECONDS = 30 * DAY
ABSENT = object()
# State changes that tell the previous values although their name does not end in `updated`.
ALSO_TELL_PREVIOUS = frozenset({"charge.captured", "charge.refunded", "payment_method.detached", "transfer.reversed"})
# And one that ends in `updated` but is told when something arrives, not when it changes.
TELL_NO_PREVIOUS = frozenset({"issuing_transaction.purchase_details_receipt_updated"})


@record(
    "event",
    prefix="evt",
    noun="event",
    cursor_noun="notification",
    filters=("type", "about"),
    unindexed=("about",),  # asked for by those who wait for new events, of the newest alone
)
class Event:
    """Something that happened to one object. Never changes once written."""

    id: str
    created: int
    type: str
    api_version: str
    data: dict[str, Any]
    request: dict[str, str | None]

    @property
    def about(self) -> str | None:
        """The id of the object that it happened to; a balance has none."""
        return self.data["object"].get("id")

    def render(self, world: World) -> dict[str, Any]:
        """The event as its own account reads it. Its data never changes: it is that of the version it was made in."""
        data = told(self.data, self.api_version)
        return shown(self, data=data, pending_webhooks=world.pending_webhooks(self.id))


def tells_previous(type: str) -> bool:
    """Whether events of this type carry `previous_attributes`."""
    return (type.endswith("updated") and type not in TELL_NO_PREVIOUS) or type in ALSO_TELL_PREVIOUS


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old values of changed members: changed keys only within hashes, arrays whole, null for what was not there."""
    changed = {}
    for name in {**old, **new}:
        before, after = old.get(name, ABSENT), new.get(name, ABSENT)
        if before is after or before == after:
            continue
        if before is ABSENT:
            changed[name] = None
        elif isinstance(before, dict) and isinstance(after, dict):
            changed[name] = differences(before, after)
        else:
            changed[name] = before
    return changed


def told(data: dict[str, Any], version: str) -> dict[str, Any]:
    """An event's `data`, which is kept as the newest version has it, as an older one has it.

    What was there before is made whole first, so that both states are taken back alike and then compared again.
    """
    older = versions.pin_of(version)
    if older is None:
        return data
    now = older.shown(data["object"])
    if "previous_attributes" not in data:
        return {"object": ordered(now)}
    before = older.shown(earlier(data["object"], data["previous_attributes"]))
    return {"object": ordered(now), "previous_attributes": ordered(differences(before, now))}


def earlier(now: dict[str, Any], previous: dict[str, Any]) -> dict[str, Any]:
    """The object before an update: as it is now, and on top of that what was different, hash by hash."""
    before = dict(now)
    for name, value in previous.items():
        inside = now.get(name)
        both = isinstance(value, dict) and isinstance(inside, dict)
        before[name] = earlier(inside, value) if both else value  # type: ignore[arg-type]
    return before
