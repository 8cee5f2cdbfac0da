"""The doctor: recomputes every total from the movements and names whatever differs from its source.

Objects are held against their last events, ids against what has them, and the kernel's rows against each other.
It looks and never touches: what has fallen due is left undone, and older data as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from emulator.kernel.catalog import Catalog
from emulator.kernel.clock import tenant_time
from emulator.kernel.database.agreement import differing_from_events, lost
from emulator.kernel.database.face import Database, Session, StorageFails, WorldDamaged, WorldGone
from emulator.kernel.database.place import database_at, is_url
from emulator.kernel.database.request_log import damaged_logs
from emulator.kernel.database.schema import Schema
from emulator.kernel.database.sqlite import files_in, looking
from emulator.kernel.database.tenant_row import contradictions, read_tenant_row
from emulator.kernel.requests import NOBODY_ASKED
from emulator.kernel.step import Step
from emulator.kernel.world import World

OF_ACCOUNTS = ("ask", "delivery", "due", "idempotent_reply", "movement", "subscriber")


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    tenant: str
    what: str
    detail: str


class Examined(NamedTuple):
    """What was found in how many worlds."""

    worlds: int
    findings: list[Finding]


def examine(place: Path | str, catalog: Catalog) -> list[Finding]:
    """Everything wrong in a data directory or a database; an empty list when the books are whole. OSError."""
    return examined(place, catalog).findings


def examined(place: Path | str, catalog: Catalog) -> Examined:
    """Everything wrong in a data directory, or in a database by its URL, whether a server has it open or not.

    OSError for the one, NoDatabase and StorageFails for the other.
    """
    if not is_url(place):
        return examined_files(Path(place), catalog)
    database = database_at(place, catalog.records.values())
    try:
        return examined_database(database, catalog)
    finally:
        database.close()


def examined_database(database: Database, catalog: Catalog) -> Examined:
    """Everything wrong in the worlds of a database. StorageFails."""
    findings, worlds = [], 0
    for kept in database.worlds():
        try:
            with database.looking(kept.handle) as session:
                findings += examine_session(session, catalog)
        except WorldGone:
            continue
        except WorldDamaged as failure:
            findings.append(Finding(kept.handle, "database", str(failure)))
        except StorageFails:
            raise
        except Exception as failure:  # what has been tampered with may be anything
            findings.append(Finding(kept.handle, "database", f"cannot be read: {type(failure).__name__}: {failure}"))
        worlds += 1
    return Examined(worlds, findings)


def examined_files(directory: Path, catalog: Catalog) -> Examined:
    """Everything wrong in a data directory. OSError."""
    schema = Schema(catalog.records.values())
    findings, worlds = [], 0
    for _, file in files_in(directory):
        worlds += 1
        try:
            with looking(file, schema) as session:
                findings += examine_session(session, catalog)
        except (WorldDamaged, StorageFails) as failure:
            findings.append(Finding(file.name, "database", str(failure)))
        except Exception as failure:  # what has been tampered with may be anything
            findings.append(Finding(file.name, "database", f"cannot be read: {type(failure).__name__}: {failure}"))
    findings += [Finding(file.name, "request log", damage) for file, damage in damaged_logs(directory)]
    return Examined(worlds, findings)


def examine_session(session: Session, catalog: Catalog) -> Iterator[Finding]:
    """Everything wrong in a world, in one consistent look. WorldDamaged where it cannot be looked at."""
    session.check()
    row = read_tenant_row(session)
    now = tenant_time(row.clock_offset, row.frozen_at, row.last_now)
    step = Step(session, catalog, row, now, NOBODY_ASKED, origin="")
    for book, kept, summed in step.ledger.differing_totals():
        yield Finding(row.name, "total", f"{book} says {kept}, its lines say {summed}")
    for movement, imbalance in step.ledger.unbalanced_movements():
        yield Finding(row.name, "movement", f"{movement} is out of balance by {imbalance}")
    for sentence in step.ledger.faults():
        yield Finding(row.name, "movement", sentence)
    for item in step.agenda.failures():
        yield Finding(row.name, "due work", f"{item['action']} for {item['about']}: {item['failure']}")
    for sentence in step.agenda.faults():
        yield Finding(row.name, "due work", sentence)
    for sentence in (*step.deliveries.faults(), *step.questions.faults()):
        yield Finding(row.name, "delivery", sentence)
    for due in step.agenda.waiting():
        if due.action not in catalog.due:
            yield Finding(row.name, "due work", f"{due.about} waits for {due.action}, which there is not")
    tables = [*(kind.table for kind in catalog.stored), *OF_ACCOUNTS]
    for sentence in contradictions(session, row, tables):
        yield Finding(row.name, "world", sentence)
    for sentence in (*step.happened.faults(), *step.replies.faults(), *step.faults.contradictions()):
        yield Finding(row.name, "world", sentence)
    world = World(step, row.platform)
    for sentence in chain(catalog.audit(world), lost(world), differing_from_events(world)):
        yield Finding(row.name, "record", sentence)
