"""The README and the generated pages: they are current, and every snippet in it runs against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.data.version_changes import CHANGES
from tests.serving import served
from tools import operations_table, settings_table, versions_page

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_page_of_operations_is_current():
    assert operations_table.FILE.read_text() == operations_table.page()


def test_the_page_of_settings_is_current():
    assert settings_table.FILE.read_text() == settings_table.page()


def test_the_page_of_versions_is_current():
    assert versions_page.FILE.read_text() == versions_page.page()


def test_every_reading_of_a_version_is_a_known_guess():
    guesses = (README.parent / "docs" / "known-guesses.md").read_text()

    assert [change.id for change in CHANGES if change.reading and f"| versions: {change.id} |" not in guesses] == []


def test_every_curl_of_the_readme_runs_in_order(app, key):
    with served(app) as address:
        script = "set -euo pipefail\n" + "\n".join(blocks("bash"))
        done = subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, "STRIPE": address, "KEY": key},
            capture_output=True,
            text=True,
            timeout=120,
        )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert "account_disabled" in lines
    assert [line for line in lines if line in ("won", "lost")] == ["won", "lost"]


@pytest.mark.parametrize("code", blocks("python"), ids=range(len(blocks("python"))))
def test_every_python_snippet_of_the_readme_runs(app, key, code):
    with served(app) as address:
        code = code.replace("http://127.0.0.1:12111", address).replace("sk_test_readme", key)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr


def test_every_file_the_readme_links_to_exists():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text()):
        assert (README.parent / target).exists(), target
