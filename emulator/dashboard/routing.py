"""Pages as data: verb, path below `/dashboard`, function. A page is GET, what it lets one do is POST."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from flask import Response


class Page(NamedTuple):
    """`function(view, *values of the path)` answers. One that `stands_alone` needs no world to be chosen."""

    verb: str
    path: str
    function: Callable[..., Response]
    stands_alone: bool = False

    @property
    def name(self) -> str:
        """What Flask calls it."""
        return f"{self.verb} {self.path}"


def GET(path: str, function: Callable[..., Response], *, stands_alone: bool = False) -> Page:
    """A page."""
    return Page("GET", path, function, stands_alone)


def POST(path: str, function: Callable[..., Response], *, stands_alone: bool = False) -> Page:
    """An action: it ends by leading to a page."""
    return Page("POST", path, function, stands_alone)
