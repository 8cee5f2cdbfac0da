"""For test suites: a server that is there while they run, worlds to test in, and an HTTP client that needs no socket.

    from emulator.testing import InProcess, World, running

pytest finds `stripe_emulator` and `stripe_world` by itself; see docs/testing.md.
"""

from __future__ import annotations

from emulator.testing.control import Clock, Control, Refused, Snapshot
from emulator.testing.in_process import InProcess
from emulator.testing.receiver import Receiver
from emulator.testing.running import CannotStart, running
from emulator.testing.world import World

__all__ = ["CannotStart", "Clock", "Control", "InProcess", "Receiver", "Refused", "Snapshot", "World", "running"]
