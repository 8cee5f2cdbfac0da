"""Tests that are not run everywhere are set aside by name, as long as there is a test of that name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.about_files import ABOUT_FILES
from tests.about_one_process import ABOUT_ONE_PROCESS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("beginning", [*ABOUT_FILES, *ABOUT_ONE_PROCESS])
def test_what_is_set_aside_is_there(beginning: str) -> None:
    file, _, name = beginning.partition("::")

    assert f"def {name.partition('[')[0] or 'test_'}" in (ROOT / file).read_text()
