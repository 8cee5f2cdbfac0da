"""A Unix socket for `STRIPE_CLI_UNIX_SOCKET`: the CLI then dials everything here, the WebSocket too, without a flag.

Source: https://github.com/stripe/stripe-cli (pkg/stripe/client.go)
"""

from __future__ import annotations

import socket
import stat
from pathlib import Path


def listening_socket(path: Path) -> socket.socket:
    """A listening Unix socket at a path, in place of one that nobody serves any more. OSError when it cannot be."""
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode) and not is_served(path):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen(64)
    except OSError:
        listener.close()
        raise
    return listener


def is_served(path: Path) -> bool:
    """Whether somebody accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
