"""The doctor, in a test that goes on."""

from __future__ import annotations

from emulator.kernel.database.doctor import Finding, examine_session
from emulator.kernel.tenants import Tenant


def examine_tenant(tenant: Tenant) -> list[Finding]:
    """Everything wrong with one tenant, whose world stays open."""
    with tenant.stored.reading() as session:
        return list(examine_session(session, tenant.catalog))
