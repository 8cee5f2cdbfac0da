"""Events: what happened, told once, with the state at that moment and what it replaced.

Source: https://docs.stripe.com/api/events
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from emulator.kernel.render import shown

if TYPE_CHECKING:
    from emulator.kernel.world import World

KEPT_SECONDS = 30 * 24 * 60 * 60
ABSENT = object()
# State changes that tell the previous values although their name does not end in `updated`.
ALSO_TELL_PREVIOUS = frozenset({"charge.captured", "charge.refunded", "transfer.reversed"})


@dataclass(frozen=True)
class Event:
    """Something that happened to one object. Never changes once written."""

    object: ClassVar[str] = "event"
    prefix: ClassVar[str] = "evt"
    noun: ClassVar[str] = "event"
    cursor_noun: ClassVar[str] = "notification"
    filters: ClassVar[tuple[str, ...]] = ("type",)
    hidden: ClassVar[tuple[str, ...]] = ()
    expands: ClassVar[tuple[str, ...]] = ()
    embeds: ClassVar[tuple[str, ...]] = ()
    includes: ClassVar[dict[str, Any]] = {}

    id: str
    created: int
    type: str
    api_version: str
    data: dict[str, Any]
    request: dict[str, str | None]

    def render(self, world: World) -> dict[str, Any]:
        """The event as its own account reads it."""
        return shown(self, pending_webhooks=world.pending_webhooks(self.id))


def tells_previous(type: str) -> bool:
    """Whether events of this type carry `previous_attributes`."""
    return type.endswith("updated") or type in ALSO_TELL_PREVIOUS


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
