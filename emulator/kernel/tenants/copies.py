"""Copies of worlds: snapshots by name, forks into other keys, exports and imports. A world is copied as a whole, as it
is at one moment, while it is served.

    take ──▶ snapshot ── restore ──▶ the world again, as it was        nobody serves a snapshot; many may stand beside
    fork ──▶ another world                                             its world, and they outlive it
    export ──▶ one file ── import ──▶ a world

What takes a world's place is another generation of it: what was being delivered, asked or waited for in the old one is
not carried into it. In a copy

- the clock goes on from where it stood, and stands still where it did;
- the listeners of the Stripe CLI are those of the world whose place it takes;
- keys of requests that were being answered are free again, all other idempotency keys stand for what they stood for;
- a question that was open is concluded as one that got no answer; deliveries that waited go on waiting.

The request log is no part of a world: it stays with the key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.database.face import Kept, NoWorld, Session, WorldDamaged, WorldGone
from emulator.kernel.database.store import Store
from emulator.kernel.database.tenant_row import read_tenant_row, write_tenant_row
from emulator.kernel.events import Event
from emulator.kernel.tenants.tenant import Tenant, time_of
from emulator.kernel.tenants.tenants import handle_of
from emulator.kernel.world import World

START = "start"  # the snapshot that a world can be reset to
FILE, MEDIA_TYPE = "world.sqlite", "application/vnd.sqlite3"  # what an exported world is called, and is
__all__ = [
    "FILE", "MEDIA_TYPE", "START", "NoWorld", "Placed", "Snapshot",
    "contents", "exported", "forget", "fork", "imported", "restore", "snapshot", "snapshots", "take",
]  # fmt: skip


class Snapshot(NamedTuple):
    """A snapshot. `taken` is real time; `now` is what its clock shows, and `frozen` whether it stood still."""

    name: str
    about: str
    taken: int
    now: int
    frozen: bool
    objects: int
    size: int


class Placed(NamedTuple):
    """A world that has taken the place of another. `now` is what its clock showed, and `frozen` whether it stood."""

    name: str
    generation: int
    now: int
    frozen: bool


def copy_of(tenant: Tenant, name: str) -> str:
    """What a snapshot is called where it is kept."""
    return f"{tenant.handle}-{handle_of(name)}"


def take(tenant: Tenant, name: str, about: str) -> Snapshot:
    """Keep a world as it is now, in place of an earlier snapshot of that name."""
    handle = copy_of(tenant, name)
    tenant.settle()
    with tenant.copying:
        tenant.tenants.database.copy(tenant.stored.handle, handle, partial(labelled, name=name, about=about))
    found = snapshot(tenant, name)
    assert found is not None, "it has just been taken"
    return found


def labelled(session: Session, *, name: str, about: str) -> None:
    """Have a copy say what it is of, and what its clock shows; it needs no look.

    When it was made is told by the clock on the wall: copies of worlds in different times are listed together.
    """
    row = read_tenant_row(session)
    session.run("DELETE FROM copied")
    session.add("copied", name=name, about=about, copied_at=int(time.time()), now=time_of(row))
    session.rest_until(float("inf"))


def snapshots(tenant: Tenant) -> list[Snapshot]:
    """The snapshots of a world, the newest first; they are there although it has been deleted. StorageFails."""
    database = tenant.tenants.database
    found = [looked_at(tenant, kept) for kept in database.copies(tenant.handle)]
    return sorted((one for one in found if one is not None), key=lambda one: (-one.taken, one.name))


def snapshot(tenant: Tenant, name: str) -> Snapshot | None:
    """One of them, or None."""
    handle = copy_of(tenant, name)
    kept = next((one for one in tenant.tenants.database.copies(tenant.handle) if one.handle == handle), None)
    return looked_at(tenant, kept) if kept is not None else None


def looked_at(tenant: Tenant, kept: Kept) -> Snapshot | None:
    """What a snapshot says of itself; None for one that is gone since, or that cannot be read."""
    try:
        with tenant.tenants.database.looking(kept.handle) as session:
            row, store = read_tenant_row(session), Store(session)
            label = session.one("SELECT name, about, copied_at, now FROM copied")
            objects = sum(store.count(kind, ()) for kind in tenant.catalog.stored if kind.has_list)
    except (WorldGone, WorldDamaged):
        return None
    return Snapshot(*label, row.frozen_at is not None, objects, kept.bytes) if label is not None else None


class Contents(NamedTuple):
    """What is in a world at one moment: objects by their ids, with account and members, and what each book holds."""

    objects: dict[str, tuple[str, str, dict[str, Any]]]
    books: dict[str, int]


def contents(tenant: Tenant, name: str | None) -> Contents | None:
    """What a snapshot has, or the world itself without a name; None where there is no such snapshot."""
    tenant.settle()
    try:
        handle = tenant.stored.handle if name is None else copy_of(tenant, name)
        with tenant.tenants.database.looking(handle) as session:
            return contents_of(session, tenant.catalog)
    except WorldGone:
        return None


def contents_of(session: Session, catalog: Catalog) -> Contents:
    """Everything that lists show, secrets left out."""
    store = Store(session)
    objects = {
        record.id: (
            kind.object,
            account,
            {name: value for name, value in record.__dict__.items() if name not in kind.hidden},
        )
        for kind in catalog.stored
        if kind.has_list and kind.object != Event.object
        for account, record in store.every(kind)
    }
    return Contents(objects, dict(session.all("SELECT book, amount FROM total ORDER BY book")))  # type: ignore[arg-type]


def restore(tenant: Tenant, name: str) -> Placed | None:
    """Have a world be again what it was; None where there is no snapshot of that name."""
    handle = copy_of(tenant, name)
    database = tenant.tenants.database
    return put_in_place(tenant, partial(database.copy, handle, tenant.handle)) if database.has(handle) else None


def forget(tenant: Tenant, name: str) -> bool:
    """Delete a snapshot; False where there is none of that name."""
    handle = copy_of(tenant, name)
    with tenant.copying:
        is_there = tenant.tenants.database.has(handle)
        if is_there:
            tenant.tenants.database.delete(handle)
    return is_there


def fork(tenant: Tenant, name: str) -> Placed:
    """Make another world that is as this one is now, in place of whatever was there. It is found by its own keys."""
    tenant.settle()
    other = tenant.tenants.open(name)
    return put_in_place(other, partial(tenant.tenants.database.copy, tenant.stored.handle, other.handle))


def exported(tenant: Tenant, about: str) -> bytes:
    """A world as the content of one file."""
    tenant.settle()
    change = partial(labelled, name="export", about=about)
    return tenant.tenants.database.as_file(tenant.stored.handle, change)


def imported(tenant: Tenant, content: bytes) -> Placed:
    """Have a world be that of a file, whichever key it is of there. NoWorld."""
    return put_in_place(tenant, lambda change: tenant.tenants.database.from_file(content, tenant.handle, change))


def put_in_place(tenant: Tenant, copying: Callable[[Callable[[Session], None]], None]) -> Placed:
    """Put a copy in the place of a tenant's world, or where none was yet: as another generation, under its own name."""
    assert tenant.known_name is not None, "whoever has the key names the world"
    placed: list[Placed] = []

    def settled_in(session: Session) -> None:
        row = read_tenant_row(session)
        label = session.one("SELECT now FROM copied")
        now = label[0] if label is not None else time_of(row)
        session.run("DELETE FROM copied")
        offset = row.clock_offset if row.frozen_at is not None else now - int(time.time())
        write_tenant_row(session, clock_offset=offset, last_now=now, generation=generation, name=tenant.known_name)
        row = read_tenant_row(session)
        step = tenant.step(session, row, time_of(row))
        for put_back in again:
            put_back(World(step, row.platform))
        step.replies.forget_running()
        step.save()
        session.wake_by(0)
        placed.append(Placed(row.name, generation, step.now, row.frozen_at is not None))

    with tenant.replacing(), tenant.copying:
        generation, again = tenant.what_goes_on()
        copying(settled_in)
    tenant.begun_again()
    return placed[-1]
