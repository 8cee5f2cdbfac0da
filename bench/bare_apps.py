"""What the emulator is measured against: Flask saying hello, and Flask committing one row.

Run as `python -m bench.bare_apps PORT FILE`: the same server settings, the same pragmas, the same threads.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from functools import partial
from pathlib import Path

from flask import Flask, request
from granian import Granian

from emulator.server import GRANIAN_SETTINGS

ROW = "x" * 700  # about what a cardholder takes


def bare_app(file: Path) -> Flask:
    """`GET /hello` and `POST /insert`."""
    app = Flask("bare", static_folder=None)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
    connection.execute("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, name TEXT, body TEXT)")
    lock = threading.Lock()

    @app.get("/hello")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.post("/insert")
    def insert() -> dict[str, int]:
        with lock:
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute("INSERT INTO row (name, body) VALUES (?, ?)", (request.form["name"], ROW))
            connection.execute("COMMIT")
        return {"id": row.lastrowid or 0}

    return app


if __name__ == "__main__":
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    Granian("bare", address="127.0.0.1", port=port, workers=1, **GRANIAN_SETTINGS).serve(
        target_loader=partial(bare_app, file), wrap_loader=False
    )
