"""What stands behind the pages of one server: its sessions, its worlds, and how operations are called."""

from __future__ import annotations

from typing import Any, Protocol

from emulator.dashboard.sessions import MOST_SESSIONS, Session, Sessions
from emulator.kernel.errors import ApiError
from emulator.kernel.tenants import Tenant, Tenants


class Caller(Protocol):
    """Calls operations in this process."""

    def opened_by(self, key: str) -> Tenant: ...

    def refusal_of(self, failure: Exception, method: str, path: str) -> ApiError | None: ...

    def call(
        self, tenant: Tenant, verb: str, path: str, params: dict[str, Any], *, account: str | None, origin: str
    ) -> Any: ...


class House:
    """One server's dashboard."""

    def __init__(self, tenants: Tenants, inside: Caller) -> None:
        self.tenants = tenants
        self.inside = inside
        drawer = tenants.database.drawer
        self.sessions = Sessions(drawer("links", MOST_SESSIONS), drawer("sessions", MOST_SESSIONS))

    def link(self) -> str:
        """The path that signs in whoever started the server, once."""
        return f"/dashboard?code={self.sessions.link()}"

    def open(self, session: Session, tenant: Tenant) -> None:
        """Have a session look into a world, which is made if there is none yet."""
        tenant.clock()
        session.open(tenant.handle)
        self.sessions.keep(session)

    def world_of(self, session: Session) -> Tenant | None:
        """The world that a session looks at; for one who owns the server the last that changed, if none was chosen."""
        if session.world is None and session.owns:
            session.world = next((kept.handle for kept in self.tenants.database.worlds()), None)
        tenant = None if session.world is None else self.tenants.behind(session.world)
        if tenant is None:
            session.world = None
        return tenant
