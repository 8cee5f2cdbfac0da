"""Files as they are sent to the API."""

from __future__ import annotations

from typing import NamedTuple

LARGEST_UPLOAD = 64 * 1024 * 1024  # the most that a file of any purpose may have


class Upload(NamedTuple):
    """A file sent as a multipart part."""

    filename: str
    content: bytes
    content_type: str

    def __str__(self) -> str:
        """The file's name, for refusals that quote what was sent."""
        return self.filename
