"""Through pgbouncer, which has every client keep its connection for as long as the client is there: session mode."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from bench.fleet import Fleet
from bench.postgres import OWNER, PostgresServer, free_port, somebody
from bench.running import assert_whole
from emulator.app import create_app
from emulator.kernel.database.place import NoDatabase
from tests.postgres.test_three_processes import made, read
from tests.receivers import receiving

SETTINGS = """
[databases]
* = host=127.0.0.1 port={postgres}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = 60
logfile = {folder}/log
pidfile = {folder}/pid
"""


@contextmanager
def pgbouncer(server: PostgresServer, folder: Path, mode: str = "session") -> Iterator[int]:
    """The port of a pgbouncer in front of a server."""
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    port = free_port()
    (folder / "users").write_text(f'"{OWNER}" ""\n')
    (folder / "ini").write_text(SETTINGS.format(postgres=server.port, port=port, folder=folder, mode=mode))
    user = somebody()
    if user:
        os.chown(folder, user["user"], user["group"])
    process = subprocess.Popen([program, "--quiet", folder / "ini"], stderr=subprocess.PIPE, text=True, **user)
    try:
        for _ in range(500):
            try:
                psycopg.connect(f"postgresql://{OWNER}@127.0.0.1:{port}/postgres", connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def through(postgres: PostgresServer, database: str, mode: str) -> Iterator[str]:
    """The address of a database through pgbouncer."""
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder, pgbouncer(postgres, Path(folder), mode) as port:
        yield database.replace(f":{postgres.port}/", f":{port}/")


@pytest.mark.parametrize("mode", ["session"])
def test_processes_serve_a_world_together_through_pgbouncer_in_session_mode(through, database, key):
    with (
        Fleet(through, 2) as fleet,
        receiving() as receiver,
        httpx.Client(base_url=fleet.url, auth=(key, ""), trust_env=False, timeout=60) as http,
    ):
        made(http, "/v1/webhook_endpoints", url=receiver.url, **{"enabled_events[]": "customer.created"})
        ids = [made(http, "/v1/customers", name=f"{number}")["id"] for number in range(20)]
        drained = made(http, "/_emulator/webhooks/drain")
        listed = [customer["id"] for customer in read(http, "/v1/customers", limit=100)["data"]]

        assert drained["drained"] is True
        assert listed == ids[::-1]
        assert [event["data"]["object"]["id"] for event in receiver.events] == ids

    assert_whole(database)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_mode_in_which_connections_are_shared_is_refused_at_the_start(through):
    for _ in range(3):  # whichever connections pgbouncer has by then
        with pytest.raises(NoDatabase, match="pool_mode = session"):
            create_app(through)
