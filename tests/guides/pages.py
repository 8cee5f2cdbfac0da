"""A page of Stripe's documentation: its commands, run by real curl.

Of a command only the host, the key and what stands in double braces is replaced; everything else is as the page prints
it, quoting and continuation lines included.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

HOSTS = ("https://api.stripe.com", "https://files.stripe.com")
KEY = "<<YOUR_SECRET_KEY>>"


class Page:
    """Runs commands against one server with one key. `ids` has what the pages write as `{{NAME}}`."""

    def __init__(self, address: str, key: str, **ids: str) -> None:
        self.address = address
        self.key = key
        self.ids = ids

    def curl(self, command: str) -> dict[str, Any]:
        """The object that a command is answered with. Fails for a refusal."""
        reply = self.reply(command)
        assert "error" not in reply, reply
        return reply

    def made(self, name: str, command: str) -> dict[str, Any]:
        """The same, and later commands may name the object's id."""
        reply = self.curl(command)
        self.ids[name] = reply["id"]
        return reply

    def reply(self, command: str) -> dict[str, Any]:
        """Whatever a command is answered with."""
        for host in HOSTS:
            command = command.replace(host, self.address)
        command = re.sub(r"\{\{(\w+)\}\}", lambda name: self.ids[name[1]], command.replace(KEY, self.key))
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
