"""A world that is deleted while somebody uses it."""

from __future__ import annotations

import sqlite3

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
