"""The wheel: what a checkout has beside the package comes along, and is found where there is no checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from emulator.front_page import documentation
from tests.test_fixtures import FILES

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout. Building one asks PyPI for the build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(CHECKOUT)]
    ended = subprocess.run(build, capture_output=True, text=True, timeout=300)
    if ended.returncode != 0 and "No matching distribution found for hatchling" in ended.stdout + ended.stderr:
        pytest.skip("PyPI cannot be reached, so no wheel can be built")
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a Python that has the wheel, and of this checkout only what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:  # a pure wheel is its own installation
        archive.extractall(folder)
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *dependencies])}


def ran(installed: dict[str, str], folder: Path, *arguments: str) -> str:
    """What the installed command printed, called in a folder that is no checkout."""
    command = [sys.executable, "-m", "emulator.cli", *arguments]
    ended = subprocess.run(command, env=installed, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_an_installed_package_is_not_this_checkout(installed, tmp_path):
    """Else the tests below would find what a checkout has."""
    where = "import emulator; print(emulator.__file__)"
    found = subprocess.run([sys.executable, "-c", where], env=installed, cwd=tmp_path, capture_output=True, text=True)

    assert not Path(found.stdout).is_relative_to(CHECKOUT) and found.stdout.strip()


def test_the_wheel_has_every_world_and_every_page(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert {f"emulator/data/fixtures/{file.name}" for file in FILES} <= set(names)
    assert {f"emulator/data/docs/{name}" for name in documentation()} <= set(names)
    assert not [name for name in names if name.endswith(".webp")]  # pictures are for who reads on the web


def test_the_wheel_has_a_plugin_that_pytest_finds(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]

        assert "[pytest11]\nstripe_emulator = emulator.pytest_plugin" in archive.read(points).decode()


def test_an_installed_command_names_its_worlds_and_builds_one_and_shows_its_pages(installed, tmp_path):
    listed = ran(installed, tmp_path, "seed", "--list")
    serve = [sys.executable, "-m", "emulator.cli", "serve", "--memory", "--port", "0", "--quiet"]
    server = subprocess.Popen(serve, env=installed, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        url = re.match(r"Ready: (\S+)", server.stdout.readline())[1]
        seeded = ran(installed, tmp_path, "seed", "demo", "--url", url, "--api-key", "sk_test_wheel")
        shown = httpx.get(url, headers={"Accept": "text/html"}, trust_env=False, follow_redirects=True).text
        styles = httpx.get(f"{url}/dashboard/static/dashboard.css", trust_env=False)
        read = httpx.get(f"{url}/docs/README.md", trust_env=False).text
    finally:
        server.terminate()
        server.communicate(timeout=20)

    assert [line.split()[0] for line in listed.splitlines()] == [file.stem for file in FILES]
    assert "declined_purchase: 200 iauth_" in seeded
    assert [name for name in documentation() if f"{url}/docs/{name}" not in shown] == []
    assert (styles.status_code, styles.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert read == (CHECKOUT / "README.md").read_text(encoding="utf-8")
