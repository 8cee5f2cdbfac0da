"""What the emulator is measured against: Flask saying hello, and Flask committing one row.

Run as `python -m bench.bare_apps PORT FILE`: granian, which serves WSGI fastest, on the 64 threads that an application
needs whose requests may wait; the same pragmas.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from functools import partial
from pathlib import Path

from flask import Flask, request
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

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
    Granian(
        "bare",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=1,
        blocking_threads=64,
        log_level=LogLevels.error,
    ).serve(target_loader=partial(bare_app, file), wrap_loader=False)
