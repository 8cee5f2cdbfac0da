"""Where a PostgreSQL database is, as people say it: `postgresql://user:password@host:port/name`."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from emulator.kernel.database.place import NoDatabase

# An @ or a / in a password that is not written as %XX: what follows would be taken for the place, and shown.
MISREAD = re.compile("//[^?]*[@/][^?]*@")


def parts_of(url: str) -> dict[str, Any]:
    """What an address says. NoDatabase for one that cannot be understood, which is not repeated: it has a password."""
    try:
        if MISREAD.search(url):
            raise psycopg.ProgrammingError
        return conninfo_to_dict(url)
    except psycopg.Error:
        raise NoDatabase(
            "The address of the database cannot be understood. It is postgresql://user:password@host:port/name, with "
            "every special character of the password as %XX."
        ) from None


def place_of(url: str) -> str:
    """The same for people: without the password, and without anything that is not about the place."""
    parts = parts_of(url)
    user = f"{parts['user']}@" if parts.get("user") else ""
    hosts, ports = (str(parts.get(name) or "").split(",") for name in ("host", "port"))
    ports *= len(hosts) if len(ports) == 1 else 1
    places = ",".join(f"{host}:{port}" if port else host for host, port in zip_longest(hosts, ports, fillvalue=""))
    return f"postgresql://{user}{places}/{parts.get('dbname', '')}"
