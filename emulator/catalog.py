"""The table of contents: every resource module, in one list."""

from __future__ import annotations

from emulator.control import clock, health, tenant
from emulator.developer import events
from emulator.kernel.catalog import Catalog

CATALOG = Catalog(
    (
        events,
        clock,
        health,
        tenant,
    )
)
