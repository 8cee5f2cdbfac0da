"""A connection on which statements are gathered: what is sent leaves together, as soon as somebody waits for an answer.

    send ─▶ ask ─▶ send ─▶ rows      one round trip for all of them

Every statement is prepared once on each connection, by its text and the types of its values. What a statement answers
that nobody waits for is read on the way to the next answer; that it failed is heard then, and whatever was sent after
it has not been done.
Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterable
from typing import Any

from psycopg import Connection, Error, OperationalError, errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from emulator.kernel.database.postgres.values import READERS, written

MOST_PREPARED = 2_000
BINARY = 1
OTHERWISE = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)


class Answer:
    """What a query gives: its rows, once they have arrived."""

    __slots__ = ("name", "rows")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.rows: list[tuple[Any, ...]] | None = None


class Line(Connection[tuple[Any, ...]]):
    """A connection, and what is under way on it. Between `gather` and `end` it is used by the verbs below alone."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self.named = 0  # how many statements have had a name
        self.formats: dict[int, list[int]] = {}
        self.readers: dict[bytes, list[Any]] = {}
        # The answers that are yet to be read, by what they are to.
        self.waiting: deque[Answer | tuple[bytes, tuple[int, ...]] | bytes | None] = deque()
        self.is_aborted = False  # what is sent is skipped until `recover`
        self.may_write = True  # until its server is found to be the standby of another
        self.poll = select.poll()
        self.poll.register(self.pgconn.socket, select.POLLIN)
        self.poll_both = select.poll()
        self.poll_both.register(self.pgconn.socket, select.POLLIN | select.POLLOUT)

    def gather(self) -> None:
        """Gather statements from now on."""
        self.pgconn.enter_pipeline_mode()

    def send(self, sql: bytes, values: Iterable[Any] = ()) -> None:
        """Have a statement executed, not before anything that was sent earlier."""
        self.waiting.append(self.sent(sql, values))

    def sent(self, sql: bytes, values: Iterable[Any]) -> bytes:
        """Send a statement; what it is called."""
        types, octets = written(values)
        name = self.prepared.get((sql, types)) or self.prepare(sql, types)
        formats = self.formats.get(len(octets))
        if formats is None:
            formats = self.formats[len(octets)] = [BINARY] * len(octets)
        self.pgconn.send_query_prepared(name, octets, formats, BINARY)
        return name

    def ask(self, sql: bytes, values: Iterable[Any] = ()) -> Answer:
        """The same for a query that nobody waits for yet: its rows are there when any later answer is."""
        answer = Answer(self.sent(sql, values))
        self.waiting.append(answer)
        return answer

    def rows(self, answer: Answer) -> list[tuple[Any, ...]]:
        """The rows of an answer, which are waited for."""
        if answer.rows is None:
            self.arrived()
            assert answer.rows is not None
        return answer.rows

    def read_rows(self, name: bytes, result: PGresult) -> list[tuple[Any, ...]]:
        """The rows of an answer."""
        readers = self.readers.get(name)
        if readers is None:
            readers = self.readers[name] = [READERS[result.ftype(place)] for place in range(result.nfields)]
        value = result.get_value
        if len(readers) == 1:
            (read,) = readers
            return [(None if (octets := value(row, 0)) is None else read(octets),) for row in range(result.ntuples)]
        places = list(enumerate(readers))
        return [
            tuple([None if (octets := value(row, place)) is None else read(octets) for place, read in places])
            for row in range(result.ntuples)
        ]

    def changed(self) -> int:
        """How many rows the last statement has changed."""
        result = self.arrived()
        return (result.command_tuples or 0) if result is not None else 0

    def arrived(self) -> PGresult | None:
        """Wait until all that was sent has been done; what the last of it answers."""
        self.pgconn.send_flush_request()
        self.flush()
        return self.read()

    def end(self, sql: bytes) -> None:
        """Send the last statement of several, wait until all has been done, and gather no more."""
        self.send(sql)
        self.sync()
        self.pgconn.exit_pipeline_mode()

    def abandon(self) -> None:
        """Undo what is under way and gather no more; a connection that cannot do that any more is closed."""
        try:
            self.recover()
            self.end(b"ROLLBACK")
        except (Error, OSError):
            self.close()

    def recover(self) -> None:
        """Go on after a failure, which is forgotten."""
        self.pgconn.pipeline_sync()
        self.waiting.append(None)
        self.flush()
        self.read(is_forgiving=True)
        self.is_aborted = False

    def sync(self) -> None:
        """Wait until all has been done."""
        self.pgconn.pipeline_sync()
        self.waiting.append(None)
        self.flush()
        self.read()

    # Underneath

    def flush(self) -> None:
        """Have all that was sent leave, in pieces where it is much; what is answered meanwhile is taken in."""
        while self.pgconn.flush():
            ((_, ready),) = self.poll_both.poll()
            if ready & ~select.POLLOUT:
                self.pgconn.consume_input()

    def prepare(self, sql: bytes, types: tuple[int, ...]) -> bytes:
        """Have a statement prepared; what it is called."""
        if len(self.prepared) >= MOST_PREPARED:
            self.pgconn.send_query_params(b"DEALLOCATE ALL", None)
            self.waiting.append(b"")
            self.prepared.clear()
            self.readers.clear()
        self.named += 1
        name = b"s%d" % self.named
        self.pgconn.send_prepare(name, sql, types)
        self.waiting.append((sql, types))
        self.prepared[sql, types] = name
        return name

    def read(self, *, is_forgiving: bool = False) -> PGresult | None:
        """Read every answer there is to be; the last one. The first failure is raised once all have been read."""
        last = failed = None
        while self.waiting:
            expected = self.waiting.popleft()
            result = self.next_result()
            if result.status in OTHERWISE:
                if isinstance(expected, tuple):
                    self.prepared.pop(expected, None)
                self.is_aborted = True
                failed = failed or result
            elif isinstance(expected, Answer):
                expected.rows = self.read_rows(expected.name, result)
            last = result
            if expected is not None:
                self.next_result(is_end=True)
        if failed is not None and not is_forgiving:
            if failed.status == ExecStatus.PIPELINE_ABORTED:
                raise errors.InFailedSqlTransaction("a statement before it has failed")
            failure = errors.error_from_result(failed, encoding="utf-8")
            self.may_write = self.may_write and not isinstance(failure, errors.ReadOnlySqlTransaction)
            raise failure
        return last

    def next_result(self, *, is_end: bool = False) -> Any:
        """The next answer; other threads go on while it is under way."""
        pgconn = self.pgconn
        while pgconn.is_busy():
            self.poll.poll()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None and not is_end:
            raise OperationalError(pgconn.get_error_message() or "the connection has ended")
        return result
