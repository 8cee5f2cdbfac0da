"""The guest application for kernel tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernel.notes import NotesClient, notes_app


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[NotesClient]:
    """A client of a fresh folder of notes."""
    app = notes_app(tmp_path)
    yield NotesClient(app)
    app.tenants.close()  # type: ignore[attr-defined]
