"""What PostgreSQL says, as what it means for whoever uses a world."""

from __future__ import annotations

import logging
import threading

import orjson
import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout

from emulator.kernel.database.face import Conflict, StorageFails, WorldDamaged

# Nothing was changed, and the same again may well succeed.
# Source: https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected)
# Neither the statement nor the connection is to blame: it is full, it stops, it has too many clients, or it has become
# the standby of another.
PASSING = (
    psycopg.OperationalError,
    errors.InsufficientResources,
    errors.OperatorIntervention,
    errors.ReadOnlySqlTransaction,
    PoolTimeout,
    PoolClosed,
)
OF_WRITING = (errors.DiskFull, errors.ReadOnlySqlTransaction)
log = logging.getLogger("emulator")


def told(failure: BaseException, place: str) -> BaseException:
    """A failure as what it says of what is stored, or of where that is; any other as it is."""
    if isinstance(failure, CONFLICTS):
        return Conflict(f"Somebody else changed the same at the same moment in the database {place}.")
    if isinstance(failure, orjson.JSONDecodeError):
        return WorldDamaged(f"What the database {place} keeps of this world cannot be read: a row in it is not as it "
                            "was written.")  # fmt: skip
    if isinstance(failure, PASSING):
        return StorageFails(f"The database {place} cannot be used: {said(failure)}.")
    return failure


def said(failure: BaseException) -> str:
    """Why a database cannot be used, in half a sentence. What the driver says names the user, and no password."""
    if isinstance(failure, PoolTimeout):
        return "every connection to it is in use, or none can be made"
    if isinstance(failure, PoolClosed):
        return "this server lets go of it"
    lines = [line.strip() for line in str(failure).splitlines() if line.strip()]
    return (lines[0] if lines else type(failure).__name__).rstrip(".")


class Outage:
    """What keeps us from the database: it is said when it begins and when it is over."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.trouble: str | None = None
        self.is_of_writing = False  # who reads does not meet it

    def begins(self, failure: BaseException, trouble: str) -> None:
        """Somebody has met it."""
        with self.guard:
            is_new, self.trouble = self.trouble is None, trouble
            self.is_of_writing = self.is_of_writing or isinstance(failure, OF_WRITING)
        if is_new:
            log.error("%s What needs it is refused until that is over.", trouble)

    def is_over(self, *, has_written: bool = False) -> None:
        """Somebody has used the database, or has even changed it."""
        if self.trouble is None:
            return
        with self.guard:
            if self.is_of_writing and not has_written:
                return
            trouble, self.trouble, self.is_of_writing = self.trouble, None, False
        if trouble is not None:
            log.warning("%s That is over.", trouble)
