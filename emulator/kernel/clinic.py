"""The clinic: what can go wrong between us and a consumer, on purpose and the same way every time.

A *dose* says how often each trouble befalls a delivery, in percent, for one subscriber or for the whole tenant. Which
deliveries it hits follows from the tenant's seed, the dose's own seed and the event: the same world has the same
troubles. Only first attempts suffer, so that what a consumer refuses can succeed later.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel import ids

TENANT = ""
TROUBLES = (
    "delay",
    "drop",
    "duplicate",
    "older_api_version",
    "reorder",
    "stale_signature",
    "truncated_body",
    "wrong_signature",
)
DEFAULTS = {"api_version": "2020-08-27", "delay_seconds": 60, "seed": 0}
HELD_SECONDS = 60
STALE_SECONDS = 600  # twice what the official verifiers tolerate


def draw(dose: dict[str, Any], generator: bytes, subscriber: str, event: str) -> dict[str, Any]:
    """The troubles of one delivery, each with what it needs to know. Pure."""
    settings = {**DEFAULTS, **dose}
    details = {"delay": settings["delay_seconds"], "older_api_version": settings["api_version"]}
    hit = {}
    for name in TROUBLES:
        purpose = f"clinic:{settings['seed']}:{subscriber}:{event}:{name}"
        if ids.chance(generator, 0, purpose) % 100 < dose.get(name, 0):
            hit[name] = details.get(name, True)
    return hit
