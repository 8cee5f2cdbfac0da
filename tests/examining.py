"""The doctor, in a test that goes on, and what it is to find."""

from __future__ import annotations

from emulator.kernel.database.doctor import Finding, examine_session
from emulator.kernel.database.face import Session
from emulator.kernel.tenants import Tenant


def examine_tenant(tenant: Tenant) -> list[Finding]:
    """Everything wrong with one tenant, whose world stays open."""
    with tenant.stored.reading() as session:
        return list(examine_session(session, tenant.catalog))


def rewrite(session: Session, table: str, old: str, new: str, **columns: str) -> None:
    """Have every stored record of a kind say something else, and some columns of its row too."""
    changes = ", ".join(f"{name} = :{name}" for name in ("data", *columns))
    for id, data in session.all(f"SELECT id, data FROM {table}"):
        changed = bytes(data).replace(old.encode(), new.encode())
        session.run(f"UPDATE {table} SET {changes} WHERE id = :id", id=id, data=changed, **columns)
