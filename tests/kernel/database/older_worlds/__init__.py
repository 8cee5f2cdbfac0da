"""Worlds as earlier versions of the program have left them, each a compressed SQL dump named after its schema.

`schema_2` has every kind of record that was stored then, purchases on a financial account and on an Issuing balance,
a dispute, a transfer on its way, a keyed reply, answered questions, a delivery that waits for its retry, due work, a
fault and a dose of the clinic. Its clock stands still at 2,000,000,000. A file here is never changed: it is what users
have.
"""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

KEY = "sk_test_old"


def laid_out(directory: Path, schema: int = 2) -> Path:
    """Put the world of that schema into a data directory; its database."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{hashlib.sha256(b'old').hexdigest()[:32]}.sqlite"
    dump = gzip.decompress((Path(__file__).parent / f"schema_{schema}.sql.gz").read_bytes())
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL")
        connection.executescript(dump.decode())
    return file
