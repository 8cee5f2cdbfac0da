"""Small things that belong to a server and to no world, such as who has signed in: here in its memory."""

from __future__ import annotations

import threading
from collections import OrderedDict


class Drawer:
    """The things of one kind. Of too many, those go that were used least lately."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.guard = threading.Lock()
        self.things: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """What is kept under a key."""
        with self.guard:
            if key in self.things:
                self.things.move_to_end(key)
            return self.things.get(key)

    def put(self, key: str, content: bytes) -> None:
        """Keep something under a key, in place of what was."""
        with self.guard:
            self.things[key] = content
            self.things.move_to_end(key)
            while len(self.things) > self.most:
                self.things.popitem(last=False)

    def replace(self, key: str, content: bytes) -> None:
        """Keep something in place of what is there; nothing where nothing is, or is any more."""
        with self.guard:
            if key in self.things:
                self.things[key] = content
                self.things.move_to_end(key)

    def take(self, key: str) -> bytes | None:
        """What was kept under a key, which nobody else is given any more."""
        with self.guard:
            return self.things.pop(key, None)
