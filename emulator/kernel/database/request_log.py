"""Every request that the server answered: for `stripe logs tail`, for `/_emulator/requests`, for whoever wonders.

A world's log is a SQLite file of its own beside the world's, so that a read of the API stays a read; what belongs to no
world (no key, or one that opens nothing) is in a file of the server's. Where worlds are in PostgreSQL, so are their
logs. A line is handed over and a thread writes what has gathered, so no reply waits for it. Of the lines only the
newest are kept. Bodies and queries are kept for a world that has asked for it, for fewer lines still and without
anything secret; keys are not kept at all.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import sqlite3
import threading
import traceback
from abc import ABC, abstractmethod
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import orjson

from emulator.kernel.conditions import Condition
from emulator.kernel.database import face
from emulator.kernel.database.bell import Bell
from emulator.kernel.database.face import StorageFails
from emulator.kernel.database.files import Troubles, remove, said, told
from emulator.kernel.database.queries import clause
from emulator.kernel.deliveries import LinkedCall
from emulator.kernel.requests import LoggedRequest, Recorded, RequestLine
from emulator.kernel.uploads import Upload

MOST_KEPT = 10_000  # per world
MOST_RECORDED = 1_000  # of them, with what was sent and answered
LARGEST_BODY = 128 * 1024  # of a body that is kept
MOST_WAITING = 100_000  # lines in memory; what comes on top while the disk hangs is lost
MOST_OPEN_FILES = 8
LONGEST_TEXT = 2_000
GATHERING_SECONDS = 0.05
ENDING = ".requests.db"
SCHEMA_VERSION = 4
SCHEMA = """
    CREATE TABLE request (
        sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, created INTEGER NOT NULL, method TEXT NOT NULL,
        path TEXT NOT NULL, status INTEGER NOT NULL, operation TEXT NOT NULL, account TEXT, api_version TEXT,
        idempotency_key TEXT, ip_address TEXT NOT NULL, user_agent TEXT NOT NULL, duration_ms REAL NOT NULL,
        reason TEXT, hint TEXT, error TEXT, recorded TEXT
    )
"""
COLUMNS = (
    "id", "created", "method", "path", "status", "operation", "account", "api_version", "idempotency_key",
    "ip_address", "user_agent", "duration_ms", "reason", "hint", "error", "recorded",
)  # fmt: skip
FILTERS = frozenset(("sequence", *COLUMNS))
# Clients put keys and card numbers where they do not belong, and refusals quote what was sent.
SECRETS = re.compile(
    r"((?:sk|rk|ek|oak)_(?:test|live)_|whsec_|_secret_|\brt_)[0-9A-Za-z*_]+|\b[0-9]{9,15}(?=[0-9]{4}\b)"
    r"|\b(?:[0-9]{4}[ +-]){3}(?=[0-9]{4}\b)"
)
# Members that are secret whatever they look like.
SECRET_NAMES = frozenset(
    (
        "client_secret",
        "cvc",
        "encrypted_number",
        "ephemeral_key_nonce",
        "ephemeral_key_private_nonce",
        "nonce",
        "refresh_token",
        "secret",
    )
)
HIDDEN = "****"
log = logging.getLogger("emulator")


class Reached(Protocol):
    """Who waits until what was handed over before has been written."""

    def set(self) -> None:
        """It has been."""


class RequestLog(ABC):
    """The request logs of the worlds of one database, and the thread that writes them."""

    def __init__(self, news: face.Bell) -> None:
        self.waiting: queue.SimpleQueue[RequestLine | Reached] = queue.SimpleQueue()
        self.guard = threading.Lock()
        self.hurry = threading.Event()
        self.news = news  # handles of worlds that have lines more
        self.lost = 0  # lines since it was last said
        self.reason = ""  # why
        self.forgotten: set[str | None] = set()  # worlds that were deleted, and may have come again
        self.writer: threading.Thread | None = None
        self.closing = False

    def add(self, line: RequestLine) -> None:
        """Hand a line over to the writer."""
        if self.waiting.qsize() >= MOST_WAITING:
            self.lose(1, f"{MOST_WAITING} wait to be written already")
            return
        self.waiting.put(line)
        if self.writer is None:
            self.start()

    def flush(self, seconds: float = 5) -> None:
        """Return when what has been answered so far is where it is kept, or after some seconds."""
        if self.writer is not None:
            reached = threading.Event()
            self.waiting.put(reached)
            self.hurry.set()
            reached.wait(seconds)

    def close(self) -> None:
        """Write what is left and let go of where it is kept."""
        self.flush()
        self.closing = True
        if self.writer is not None:
            self.waiting.put(threading.Event())
            self.hurry.set()
            self.writer.join(timeout=5)
            self.writer = None

    # Writing

    def start(self) -> None:
        """Begin writing."""
        with self.guard:
            if self.writer is None and not self.closing:
                self.writer = threading.Thread(target=self.write, name="request log", daemon=True)
                self.writer.start()

    def write(self) -> None:
        """Write what has gathered, batch by batch, until the log is closed."""
        while not self.closing or not self.waiting.empty():
            batch = [self.waiting.get()]
            while not self.waiting.empty():
                batch.append(self.waiting.get())
            self.write_batch([line for line in batch if isinstance(line, RequestLine)])
            for reached in batch:
                if not isinstance(reached, RequestLine):
                    reached.set()
            if not self.closing:  # or what calls for haste may have been cleared already
                self.hurry.wait(GATHERING_SECONDS)
                self.hurry.clear()
        self.end()

    def write_batch(self, lines: Sequence[RequestLine]) -> None:
        """Add lines to the logs of their worlds, and tell those who tail them. A deleted world has no log any more."""
        by_world: dict[str | None, list[RequestLine]] = defaultdict(list)
        for line in lines:
            by_world[line.world].append(line)
        for handle, its_lines in by_world.items():
            try:
                if handle is None or handle not in self.forgotten or self.has_world(handle):
                    self.keep(handle, its_lines)
                    self.tell_of_lost()
            except StorageFails as failure:  # which has been said
                self.lose(len(its_lines), str(failure))
            except Exception as failure:
                self.lose(len(its_lines), f"{type(failure).__name__}: {failure}")
                self.tell_of_lost()
        for handle in by_world:
            self.news.ring(handle or "")

    def lose(self, lines: int, reason: str) -> None:
        """Lines are lost. It is said when the log is written again, since what hinders one line hinders more."""
        with self.guard:
            self.lost, self.reason = self.lost + lines, reason

    def tell_of_lost(self) -> None:
        """Say how many lines were lost since the last time, and why."""
        if self.lost:
            with self.guard:
                lost, self.lost = self.lost, 0
            log.error("The request log lacks %d lines: %s", lost, self.reason)

    # Reading

    def find(self, handle: str | None, id: str) -> LoggedRequest | None:
        """One request by its id, or None."""
        return next(iter(self.select(handle, [Condition("id", "eq", id)], limit=1)), None)

    @abstractmethod
    def select(
        self,
        handle: str | None,
        conditions: Iterable[Condition] = (),
        *,
        limit: int,
        oldest_first: bool = False,
        as_written: bool = False,
    ) -> list[LoggedRequest]:
        """Requests that meet all conditions, newest first unless said otherwise. StorageFails.

        `as_written`: in the order of their sequences, in which nothing comes late. Otherwise that of their answers.
        """

    @abstractmethod
    def elsewhere(self, handle: str, spans: Sequence[tuple[int, int]]) -> list[list[LinkedCall]]:
        """API calls of a world that other processes began and answered within each of these spans of real time, in ms.

        StorageFails.
        """

    def newest(self, handle: str | None) -> int:
        """The sequence of the line that was written last; 0 when there is none."""
        return next((one.sequence for one in self.select(handle, limit=1, as_written=True)), 0)

    def forget(self, handle: str) -> None:
        """Remove the log of a world that is deleted."""
        self.forgotten.add(handle)
        self.flush()
        self.remove(handle)

    # Where it is kept

    @abstractmethod
    def has_world(self, handle: str) -> bool:
        """Whether there is such a world."""

    @abstractmethod
    def keep(self, handle: str | None, lines: Sequence[RequestLine]) -> None:
        """Add lines to a log; None is that of what belongs to no world. StorageFails."""

    @abstractmethod
    def remove(self, handle: str) -> None:
        """Have a world without a log."""

    @abstractmethod
    def end(self) -> None:
        """Nothing more will be written."""


class RequestFiles(RequestLog):
    """The request logs of one data directory."""

    def __init__(self, directory: Path, troubles: Troubles) -> None:
        super().__init__(Bell())
        self.directory = directory
        self.troubles = troubles
        self.open_files: OrderedDict[Path, sqlite3.Connection] = OrderedDict()

    def file_of(self, handle: str | None) -> Path:
        """The log beside a world's file; None is the log of what belongs to no world."""
        return self.directory / f"{handle or 'no-tenant'}{ENDING}"

    def has_world(self, handle: str) -> bool:
        """Whether there is such a world."""
        return self.directory.joinpath(f"{handle}.sqlite").exists()

    def keep(self, handle: str | None, lines: Sequence[RequestLine]) -> None:
        """Add lines to a log; one that cannot be read is begun anew with them. StorageFails."""
        file, rows = self.file_of(handle), [row_of(line) for line in lines]
        try:
            append(self.connection(file), rows)
        except (sqlite3.Error, OSError) as failure:
            self.let_go(file)
            meaning = self.troubles.told(failure, file)
            if isinstance(meaning, StorageFails):
                with contextlib.suppress(OSError):
                    if not file.stat().st_size:  # made, and then there was no room for anything in it
                        remove(file)
                raise meaning from failure
            log.error("The request log %s could not be read and has been begun anew: %s.", file, said(failure))
            remove(file)
            append(self.connection(file), rows)

    def let_go(self, file: Path) -> None:
        """Close the writer's connection to a file."""
        connection = self.open_files.pop(file, None)
        if connection is not None:
            connection.close()

    def connection(self, file: Path) -> sqlite3.Connection:
        """The writer's connection to a file, made if there is none; few stay open."""
        connection = self.open_files.pop(file, None)
        if connection is not None and not file.exists():
            connection.close()
            connection = None
        self.open_files[file] = connection or opened(file)
        while len(self.open_files) > MOST_OPEN_FILES:
            self.open_files.popitem(last=False)[1].close()
        return self.open_files[file]

    def select(
        self,
        handle: str | None,
        conditions: Iterable[Condition] = (),
        *,
        limit: int,
        oldest_first: bool = False,
        as_written: bool = False,
    ) -> list[LoggedRequest]:
        """Requests that meet all conditions, newest first unless said otherwise. StorageFails.

        One process writes it: both orders are one. A log that cannot be read has none: the next line that is written to
        it begins it anew.
        """
        file = self.file_of(handle)
        if not file.exists():
            return []
        where, values = clause(conditions, FILTERS)
        order = "ASC" if oldest_first else "DESC"
        sql = f"SELECT sequence, {', '.join(COLUMNS)} FROM request WHERE {where} ORDER BY sequence {order} LIMIT :most"
        try:
            with closing(opened(file)) as connection:
                rows = connection.execute(sql, {**values, "most": limit})
                return [LoggedRequest(*row[:-2], *map(read, row[-2:])) for row in rows]
        except (sqlite3.Error, orjson.JSONDecodeError) as failure:
            meaning = self.troubles.told(failure, file)
            if isinstance(meaning, StorageFails):
                raise meaning from failure
            return []

    def elsewhere(self, handle: str, spans: Sequence[tuple[int, int]]) -> list[list[LinkedCall]]:
        """None: one process serves a directory."""
        return [[] for _ in spans]

    def remove(self, handle: str) -> None:
        """Remove the file of a log."""
        remove(self.file_of(handle))

    def end(self) -> None:
        """Close the files."""
        while self.open_files:
            self.open_files.popitem()[1].close()


def read(text: str | None) -> dict[str, Any] | None:
    """What a column of JSON has."""
    return orjson.loads(text) if text else None


def opened(file: Path) -> sqlite3.Connection:
    """A connection to a log; one of another shape is emptied, since a log is not worth a migration."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        connection.executescript("PRAGMA synchronous = NORMAL; PRAGMA case_sensitive_like = ON;")
        if version_of(connection) != SCHEMA_VERSION:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            if version_of(connection) != SCHEMA_VERSION:  # another thread may have been quicker
                connection.execute("DROP TABLE IF EXISTS request")
                connection.execute(SCHEMA)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def damaged_logs(directory: Path) -> Iterator[tuple[Path, str]]:
    """The logs in a directory that cannot be read, and why. A server begins them anew."""
    for file in sorted(directory.glob(f"*{ENDING}")):
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise sqlite3.DatabaseError(verdict)
        except sqlite3.Error as failure:
            yield file, str(told(failure, file))


def version_of(connection: sqlite3.Connection) -> int:
    """The shape of a log file; 0 for a new one."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def append(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    """Write rows in one transaction and let go of those that are too old."""
    marks = ", ".join("?" * len(COLUMNS))
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(f"INSERT INTO request ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
        connection.execute(f"DELETE FROM request WHERE sequence <= (SELECT max(sequence) FROM request) - {MOST_KEPT}")
        if any(row[-1] is not None for row in rows):
            connection.execute(
                "UPDATE request SET recorded = NULL WHERE recorded IS NOT NULL AND sequence <= "
                f"(SELECT max(sequence) FROM request) - {MOST_RECORDED}"
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have undone it already
            connection.execute("ROLLBACK")
        raise


def row_of(line: RequestLine) -> tuple[Any, ...]:
    """A line as a row, long texts cut and secrets masked."""
    return (
        line.request_id,
        line.created,
        line.method,
        kept_again(line.path),
        line.status,
        line.operation,
        line.account,
        line.api_version,
        kept(line.idempotency_key) if line.idempotency_key else None,
        line.ip_address,
        kept_again(line.user_agent),
        round(line.duration_ms, 3),
        kept(line.reason) if line.reason else None,
        kept(line.hint) if line.hint else None,
        orjson.dumps({name: kept(str(text)) for name, text in line.error.items()}) if line.error else None,
        orjson.dumps(told_of(line.recorded)) if line.recorded is not None else None,
    )


def told_of(recorded: Recorded) -> dict[str, Any]:
    """What was sent and answered, without what is secret, and without what is too large."""
    try:
        reply = orjson.loads(recorded.reply) if len(recorded.reply) <= LARGEST_BODY else None
    except orjson.JSONDecodeError:  # a file, or a page
        reply = None
    params = without_secrets(recorded.params)
    is_small = len(orjson.dumps(params)) <= LARGEST_BODY
    left_out = [name for name, is_kept in (("params", is_small), ("reply", reply is not None)) if not is_kept]
    return {
        "key": recorded.key,
        "left_out": left_out,
        "now": recorded.now,
        "params": params if is_small else None,
        "reply": without_secrets(reply),
    }


def without_secrets(value: Any, name: str = "") -> Any:
    """A tree with its secrets replaced. Files are told of by name, type and size."""
    if isinstance(value, dict):
        return {inner: without_secrets(item, inner) for inner, item in value.items()}
    if isinstance(value, list):
        return [without_secrets(item, name) for item in value]
    if isinstance(value, Upload):
        return {"file": value.filename, "content_type": value.content_type, "size": len(value.content)}
    if isinstance(value, str):
        return HIDDEN if value and name in SECRET_NAMES else masked(value)
    return value


def kept(text: str) -> str:
    """A text as the log keeps it: not too long, and without the secret part of keys and card numbers."""
    return masked(text[:LONGEST_TEXT])


@lru_cache(maxsize=256)
def kept_again(text: str) -> str:
    """The same for paths, and for what clients call themselves: few texts, and most of them again and again."""
    return kept(text)


def masked(text: str) -> str:
    """A text without the secret part of keys and card numbers."""
    return SECRETS.sub(lambda match: f"{match[1] or ''}****", text)


class Masking(logging.Filter):
    """Has no line of a log tell a key or a card number, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every line passes, masked."""
        told = record.getMessage()
        if record.exc_info:
            told = "\n".join([told, *traceback.format_exception(*record.exc_info)])
        record.msg, record.args, record.exc_info = masked(told), (), None
        return True


MASKING = Masking()
