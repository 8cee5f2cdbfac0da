"""Real file systems that are small, full or read-only, and processes that may open few files. Only root may mount."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


def needs_root() -> None:
    """Skip a test that mounts, or becomes another user, where that is not allowed."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root: it mounts a small file system or becomes another user")


class Disk:
    """A file system of its own at `folder`, in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no page of it free."""
        with self.ballast.open("ab", buffering=0) as file:
            for size in (65_536, 4_096):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass
        assert os.statvfs(self.folder).f_bavail == 0

    def free(self) -> None:
        """Give back what filled it."""
        self.ballast.unlink()

    def become(self, mode: str) -> None:
        """Read-only (`ro`) or not (`rw`)."""
        subprocess.run(["mount", "-o", f"remount,{mode}", self.folder], check=True)

    @property
    def files(self) -> set[str]:
        """What lies in it, the ballast aside."""
        return {file.name for file in self.folder.iterdir()} - {"ballast"}


@contextmanager
def small_disk(megabytes: int = 3) -> Iterator[Disk]:
    """A file system of so many megabytes, gone at the end with whatever is in it."""
    needs_root()
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", folder], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user to whom nothing belongs."""
    needs_root()
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def without_files() -> Iterator[None]:
    """In a process that cannot open another file."""
    resource = pytest.importorskip("resource", reason="the system does not count files")
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/dev/fd"))
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 16, usual[1]))
    try:
        with pytest.raises(OSError) as refused:
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        assert refused.value.errno == errno.EMFILE
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
