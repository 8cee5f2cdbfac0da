"""One process serves a directory; and what a killed server left behind in memory's place is swept away."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench.running import Running
from emulator.kernel.database.directory_lock import FILE, DirectoryInUse, DirectoryLock, sweep
from tests.receivers import PATIENCE_SECONDS


def left_behind(parent: Path, name: str = "stripe-emulator-dead", **told: object) -> Path:
    """The folder of a server that was killed."""
    folder = parent / name
    folder.mkdir()
    (folder / FILE).write_text(json.dumps({"pid": 1, "url": "http://127.0.0.1:1", "temporary": True, **told}))
    for end in (".sqlite", ".sqlite-wal", ".requests.db", ".requests.db-journal"):
        (folder / ("a" * 32 + end)).write_bytes(b"world")
    return folder


def test_what_a_killed_server_left_is_swept(tmp_path):
    folder = left_behind(tmp_path)

    assert sweep(tmp_path) == [folder]
    assert not folder.exists()


def test_what_a_living_server_has_is_left_alone(tmp_path):
    folder = left_behind(tmp_path)
    lock = DirectoryLock(folder, url="http://127.0.0.1:1", temporary=True)

    assert sweep(tmp_path) == []
    lock.release()
    assert sweep(tmp_path) == [folder]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "letter.txt").write_text("mine"),
        lambda folder: (folder / "folder").mkdir(),
        lambda folder: (folder / FILE).write_text(json.dumps({"pid": 1})),
        lambda folder: (folder / FILE).write_text("[]"),
        lambda folder: (folder / FILE).unlink(),
        lambda folder: folder.rename(folder.with_name("somebody-elses")),
        lambda folder: (folder / ("b" * 32 + ".sqlite")).symlink_to(folder / FILE),
    ],
)
def test_what_is_not_surely_ours_and_dead_is_left_alone(tmp_path, spoil):
    folder = left_behind(tmp_path)
    spoil(folder)

    assert sweep(tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_that_leads_elsewhere_is_left_alone(tmp_path):
    folder = left_behind(tmp_path, "kept")
    (tmp_path / "stripe-emulator-link").symlink_to(folder)

    assert sweep(tmp_path) == []
    assert folder.exists()


def test_who_holds_a_lock_is_named(tmp_path):
    lock = DirectoryLock(tmp_path, url="http://127.0.0.1:12111")

    with pytest.raises(DirectoryInUse, match=r"belongs to the server at http://127.0.0.1:12111 \(pid \d+\)"):
        DirectoryLock(tmp_path)
    lock.release()


def wait_until_free(folder):
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return DirectoryLock(folder, temporary=True).release()
        except DirectoryInUse:
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_server_in_memory_that_was_killed_is_swept_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    killed = Running(None, "--quiet")
    left = set(tmp_path.glob("stripe-emulator-*"))
    killed.kill()
    killed.reader.join(20)  # the console closes when its last process is gone, and with it the lock
    assert len(left) == 1 and left == set(tmp_path.glob("stripe-emulator-*"))
    wait_until_free(*left)  # its worker ends when it finds that its parent is gone

    again = Running(None, "--quiet")
    there = set(tmp_path.glob("stripe-emulator-*"))
    again.stop()

    assert len(there) == 1 and there != left
    assert set(tmp_path.glob("stripe-emulator-*")) == set()
