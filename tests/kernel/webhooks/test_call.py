"""A call on its way: what came in time counts as in time, however busy we are."""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Iterator

import pytest

from emulator.kernel.webhooks.call import Call, Client, came_ms_ago, is_readable
from emulator.kernel.webhooks.letter import Letter

PATIENCE_SECONDS = 20


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as one,
        listener.accept()[0] as other,
    ):
        yield one, other


def call_on(connection: socket.socket | None, timeout_ms: int) -> Call:
    """A call that waits for its answer on a connection."""
    call = Call(Client(), Letter("http://127.0.0.1:9/hook", {}, b""), timeout_ms, lambda: None)
    call.socket = connection
    return call


def test_a_call_is_overdue_once_its_time_is_up(pair):
    assert not call_on(pair[0], 60_000).is_overdue
    assert call_on(pair[0], 0).is_overdue
    assert call_on(None, 0).is_overdue


def test_what_came_in_time_and_lies_there_unread_is_waited_for(pair):
    ours, theirs = pair
    call = call_on(ours, 60_000)
    theirs.sendall(b"HTTP/1.1 200 OK")
    select.select([ours], [], [], PATIENCE_SECONDS)

    assert call.has_come_within(60_000)
    call.began -= 61  # as if we had been busy for a minute
    assert call.has_come_within(62_000)
    assert not call.has_come_within(60_000)


def test_what_has_been_read_is_not_waited_for(pair):
    ours, theirs = pair
    theirs.sendall(b"x")
    select.select([ours], [], [], PATIENCE_SECONDS)
    ours.recv(1)
    ours.setblocking(False)

    assert not call_on(ours, 60_000).has_come_within(60_000)


def test_a_connection_that_is_closed_has_nothing_to_tell(pair):
    ours, _ = pair
    ours.close()

    assert not call_on(ours, 60_000).has_come_within(60_000)
    assert came_ms_ago(ours) == 0
    assert came_ms_ago(None) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_the_system_tells_when_something_last_came(pair):
    ours, theirs = pair
    theirs.sendall(b"x")
    select.select([ours], [], [], PATIENCE_SECONDS)

    assert 0 <= came_ms_ago(ours) < PATIENCE_SECONDS * 1000


def test_a_connection_on_which_nothing_came_is_not_waited_for(pair):
    ours, theirs = pair
    ours.settimeout(3_600)

    before = is_readable(ours)
    theirs.sendall(b"HTTP")
    select.select([ours], [], [], PATIENCE_SECONDS)

    assert (before, is_readable(ours)) == (False, True)
