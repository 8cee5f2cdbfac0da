"""An open WebSocket of the Stripe CLI, and which session it belongs to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson

from emulator.developer.cli_sessions import Session
from emulator.kernel.database.face import Lock
from emulator.kernel.tenants import Tenant


class Leaving(NamedTuple):
    """Frames that leave one after the other, and who is told when they have left; or the reason for hanging up."""

    texts: tuple[str, ...] = ()
    then: Callable[[], None] | None = None
    hangs_up: str | None = None


class Line:
    """One open WebSocket, and the lock by which other processes see that it is open.

    Any thread may send; one task of the loop carries it out, in order.
    """

    def __init__(self, tenant: Tenant, session: Session, lock: Lock) -> None:
        self.tenant = tenant
        self.session = session
        self.lock = lock
        self.is_over = False
        self.loop = asyncio.get_running_loop()
        self.outgoing: asyncio.Queue[Leaving] = asyncio.Queue()

    def hold(self) -> None:
        """Take the lock, if it is free, and if nobody has let go of it for good meanwhile. StorageFails."""
        if self.lock.take() and self.is_over:
            self.lock.release()

    def let_go(self) -> None:
        """Another process may have the session."""
        self.is_over = True
        self.lock.release()

    def send(self, *frames: dict[str, Any], then: Callable[[], None] | None = None) -> None:
        """Text frames with nothing between them. They are lost when the CLI goes first."""
        self.put(Leaving(tuple(orjson.dumps(frame).decode() for frame in frames), then))

    def close(self, reason: str) -> None:
        """Hang up, once what was sent before has left."""
        self.put(Leaving(hangs_up=reason))

    def put(self, leaving: Leaving) -> None:
        """Hand something over to the loop."""
        with contextlib.suppress(RuntimeError):  # the server has stopped, and its lines are closed
            self.loop.call_soon_threadsafe(self.outgoing.put_nowait, leaving)

    async def carry(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Send what is to be sent, until it is time to hang up."""
        while True:
            leaving = await self.outgoing.get()
            for text in leaving.texts:
                await send({"type": "websocket.send", "text": text})
            if leaving.then is not None:
                leaving.then()
            if leaving.hangs_up is not None:
                await send({"type": "websocket.close", "code": 1000, "reason": leaving.hangs_up})
                return
