"""Several processes that do the same work: how they begin, how they are replaced, and how all of them end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from emulator.workers import Workers
from tests.patience import wait_until

STOPPING_SECONDS = 20


def started(number: int, work: str, folder: Path) -> subprocess.Popen[str]:
    """A process that runs `number` workers, which do one of the works below with a folder."""
    program = (
        f"from tests import test_workers as t; t.Workers({number}, t.partial(t.{work}, {str(folder)!r})).run(print)"
    )
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def come(folder: str) -> int:
    """Leave a file behind; how many there were."""
    before = len(list(Path(folder).iterdir()))
    (Path(folder) / str(os.getpid())).touch()
    return before


def starts_for_ever(folder: str, telling: Connection) -> None:
    come(folder)
    signal.pause()


def serves_once(folder: str, telling: Connection) -> None:
    if come(folder) == 0:
        telling.send((True, "serves"))
        signal.pause()
    telling.send((False, "There is no database."))


def dies_as_it_starts(folder: str, telling: Connection) -> None:
    come(folder)
    os._exit(7)


def test_who_is_stopped_while_the_first_starts_ends_without_a_word(tmp_path):
    running = started(2, "starts_for_ever", tmp_path)
    wait_until(lambda: any(tmp_path.iterdir()))

    running.send_signal(signal.SIGTERM)

    assert running.communicate(timeout=STOPPING_SECONDS) == ("", "")
    assert running.returncode == 0
    assert len(list(tmp_path.iterdir())) == 1


def test_one_that_cannot_be_replaced_is_tried_again_after_a_pause_and_why_is_said_once(tmp_path):
    running = started(1, "serves_once", tmp_path)
    assert running.stdout.readline() == "(True, 'serves')\n"
    (first,) = [int(one.name) for one in tmp_path.iterdir()]

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(list(tmp_path.iterdir())) >= 4)
    running.send_signal(signal.SIGTERM)
    said, complaints = running.communicate(timeout=STOPPING_SECONDS)

    assert (running.returncode, said) == (0, "")
    assert complaints == "stripe-emulator: A worker cannot be replaced: There is no database.\n"


def test_where_the_first_dies_as_it_starts_nothing_is_tried_again_until_that_is_known(tmp_path):
    workers = Workers(3, partial(dies_as_it_starts, str(tmp_path)))

    assert workers.started().said == (False, "The server ended while it started.")
    assert len(list(tmp_path.iterdir())) == 1
