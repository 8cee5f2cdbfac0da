"""The thread that writes the request log: it gathers lines, but keeps nobody waiting who closes the log."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from emulator.kernel.database import request_log
from emulator.kernel.database.files import Troubles


def test_a_log_is_closed_although_it_gathers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_log, "GATHERING_SECONDS", 60)
    log = request_log.RequestFiles(tmp_path, Troubles(tmp_path))
    written = threading.Event()
    log.waiting.put(written)
    log.start()
    writer = log.writer
    assert writer is not None and written.wait(10)

    log.close()

    assert not writer.is_alive()  # one that does not end is waited for some seconds, and left
