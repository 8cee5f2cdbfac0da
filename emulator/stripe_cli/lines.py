"""An open WebSocket of the Stripe CLI, and which session it belongs to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.sync.server import ServerConnection

from emulator.developer.cli_sessions import Session
from emulator.kernel.tenants import Tenant


@dataclass
class Line:
    """One open WebSocket."""

    connection: ServerConnection
    tenant: Tenant
    session: Session
    in_turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_open(self) -> bool:
        """Whether a frame can still be sent."""
        return self.connection.close_code is None

    def send(self, frame: dict[str, Any]) -> None:
        """One text frame. ConnectionClosed when the CLI has gone."""
        self.connection.send(orjson.dumps(frame).decode())
