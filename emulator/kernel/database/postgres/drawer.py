"""Small things that belong to no world, for all processes that serve the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PUT = (
    "INSERT INTO drawer (name, key, content, used) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (name, key) DO UPDATE SET content = excluded.content, used = excluded.used"
)
PRUNE = (
    "DELETE FROM drawer WHERE name = %s AND used < (SELECT used FROM drawer WHERE name = %s "
    "ORDER BY used DESC OFFSET %s LIMIT 1)"
)
REPLACE = "UPDATE drawer SET content = %s, used = %s WHERE name = %s AND key = %s"
GET = "UPDATE drawer SET used = %s WHERE name = %s AND key = %s RETURNING content"
TAKE = "DELETE FROM drawer WHERE name = %s AND key = %s RETURNING content"


class DrawerOfAll:
    """The things of one kind. Of too many, those go that were used least lately."""

    def __init__(self, asked: Callable[..., list[tuple[Any, ...]]], name: str, most: int) -> None:
        """`asked` gives the rows of a statement."""
        self.asked = asked
        self.name = name
        self.most = most

    def get(self, key: str) -> bytes | None:
        """What is kept under a key. StorageFails."""
        return next((bytes(content) for (content,) in self.asked(GET, time.time_ns(), self.name, key)), None)

    def put(self, key: str, content: bytes) -> None:
        """Keep something under a key, in place of what was. StorageFails."""
        self.asked(PUT, self.name, key, content, time.time_ns())
        self.asked(PRUNE, self.name, self.name, self.most - 1)

    def replace(self, key: str, content: bytes) -> None:
        """Keep something in place of what is there; nothing where nothing is, or is any more. StorageFails."""
        self.asked(REPLACE, content, time.time_ns(), self.name, key)

    def take(self, key: str) -> bytes | None:
        """What was kept under a key, which nobody else is given any more. StorageFails."""
        return next((bytes(content) for (content,) in self.asked(TAKE, self.name, key)), None)
