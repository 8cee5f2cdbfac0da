"""A world that is deleted while somebody uses it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from emulator.app import create_app
from emulator.kernel.database.face import WorldGone
from tests.client import Client


def test_a_world_that_is_deleted_while_it_is_opened_is_gone_and_no_disk_that_fails(tmp_path, caplog):
    app = create_app(tmp_path)
    client = Client(app, "sk_test_going")
    client.read("/v1/balance")
    world = app.emulator.tenants.open("going").stored
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHORT_READ

    client.delete("/_emulator/world")
    meaning = world.told(failure)
    app.emulator.close()

    assert isinstance(meaning, WorldGone)
    assert [line for line in caplog.messages if "the disk fails" in line] == []


@pytest.mark.parametrize(
    "method, path", [("replace", "/_emulator/snapshots/before/restore"), ("unlink", "/_emulator/world")]
)
def test_no_connection_is_opened_or_closed_while_a_file_comes_to_its_place_or_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    app = create_app(tmp_path)
    client = Client(app, "sk_test_moving")
    client.made("/_emulator/snapshots", name="before")
    world = app.emulator.tenants.open("moving").stored  # type: ignore[attr-defined]
    looking = world.reading()
    looking.__enter__().all("SELECT 1")
    closing = threading.Thread(target=looking.__exit__, args=(None, None, None))
    was_closed_meanwhile = []
    move = getattr(Path, method)

    def moved(file: Path, *args: Any, **kwargs: Any) -> Any:
        if file.stem == world.handle and closing.ident is None:
            closing.start()
            closing.join(timeout=0.1)
            was_closed_meanwhile.append(not closing.is_alive())
        return move(file, *args, **kwargs)

    monkeypatch.setattr(Path, method, moved)
    assert (client.delete(path) if method == "unlink" else client.post(path)).status == 200
    closing.join()

    assert was_closed_meanwhile == [False]
    assert client.made("/v1/customers", name="Ada")["name"] == "Ada"
    app.emulator.close()  # type: ignore[attr-defined]
