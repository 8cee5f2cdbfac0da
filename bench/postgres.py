"""A PostgreSQL server of its own, for whoever tests it, measures it or kills it; nothing of it is left at the end.

    with PostgresServer() as server:
        url = server.database()

Its programs are Debian's (`apt-get install postgresql`) or whatever is on PATH. It runs as a user that is not root, in
a temporary folder, on a free port of this machine and on a Unix socket, lets everybody in, and forgets to wait for the
disk: what is not about losing power is as it would be. Databases belong to `OWNER`, who may make roles and is otherwise
nobody: what is given to `stripe-emulator database init`. It ends with the process that made it, whatever ends that.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from emulator.catalog import CATALOG
from emulator.kernel.database.postgres.installation import install
from emulator.kernel.database.postgres.tables import SCHEMA
from emulator.kernel.database.schema import Schema

OWNER = "owner"
ADMINISTRATOR = "postgres"
TEMPLATE = "prepared"
DEBIANS = Path("/usr/lib/postgresql")
USERS = ("postgres", "nobody")  # whom root becomes
PATIENCE_SECONDS = 30
# Who made a server has the other end of what this reads from: it ends with him, even where he was killed.
GUARD = """
read -r _
if pid=$(head -n 1 data/postmaster.pid) && kill -QUIT "$pid"; then
  for _ in $(seq 100); do kill -0 "$pid" || break; sleep 0.1; done
fi
rm -rf "$PWD"
"""

EMPTY = f"""
DO $$
DECLARE rows regclass;
BEGIN
  FOR rows IN
    SELECT oid FROM pg_class
    WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind = 'r' AND relname <> 'installation'
  LOOP EXECUTE 'DELETE FROM ' || rows; END LOOP;
END $$
"""


def prepare(url: str) -> None:
    """Make a database one that holds worlds, as its owner does with `stripe-emulator database init`."""
    install(url, Schema(CATALOG.records.values()))


class NoPostgres(Exception):
    """No PostgreSQL can be had here; in a sentence, why."""


def programs() -> Path:
    """The folder with PostgreSQL's programs, that of PATH or the newest of Debian's. NoPostgres."""
    debians = sorted(DEBIANS.glob("*/bin/initdb"), key=lambda file: version_of(file.parent))
    found = [shutil.which("initdb"), *map(str, debians[-1:])]
    for file in filter(None, found):
        folder = Path(file).resolve().parent  # where all of them are, and not some links
        if (folder / "postgres").exists():
            return folder
    raise NoPostgres("PostgreSQL is not installed: its initdb is neither on PATH nor in /usr/lib/postgresql")


def version_of(folder: Path) -> float:
    """The version in the name of one of Debian's folders."""
    number = re.fullmatch(r"\d+(\.\d+)?", folder.parent.name)
    return float(number[0]) if number else 0


def somebody() -> dict[str, Any]:
    """Who runs the server, as arguments of a subprocess: root becomes another. NoPostgres where there is nobody."""
    if os.geteuid() != 0:
        return {}
    for name in USERS:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoPostgres("PostgreSQL does not run as root, and there is no other user here")


class PostgresServer:
    """A server, from its making until `close`; it may be stopped, killed and started again meanwhile."""

    def __init__(
        self,
        prepare: Callable[[str], None] | None = None,
        *,
        addresses: str = "127.0.0.1",
        networks: tuple[str, ...] = (),
        settings: dict[str, str] | None = None,
        follows: PostgresServer | None = None,
    ) -> None:
        """Make one and start it. NoPostgres where that cannot be.

        One that `follows` another is its standby: what is committed there is not acknowledged before it is here too.

        `prepare` is called once, with the URL of a database of which all others are copies. `addresses` are those it
        listens on, `networks` from where it lets in others than this machine; `settings` are PostgreSQL's own.
        """
        self.programs = programs()
        self.user = somebody()
        self.prepare = prepare
        self.has_template = False
        self.numbers = itertools.count(1)
        self.process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.host = addresses.partition(",")[0]
        self.port = free_port()
        self.settings = {
            "listen_addresses": addresses,
            "unix_socket_directories": str(self.folder),
            "port": str(self.port),
            "fsync": "off",
            **(settings or {}),
        }
        self.guard: subprocess.Popen[bytes] | None = None
        try:
            if self.user:
                os.chown(self.folder, self.user["user"], self.user["group"])
            self.guard = subprocess.Popen(
                ["sh", "-c", GUARD],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                **self.user,
            )
            if follows is not None:
                self.make_of(follows)
                self.start()
                follows.wait_for_standby()
            else:
                self.make(networks)
                self.start()
                self.administer(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER)))
        except BaseException:
            self.close()
            raise

    def make(self, networks: tuple[str, ...]) -> None:
        """Lay out its folder."""
        words = [self.programs / "initdb", "--pgdata", self.data, "--username", ADMINISTRATOR, "--auth", "trust"]
        words += ["--encoding", "UTF8", "--locale", "C", "--no-sync"]
        if "--icu-locale" in self.ask("initdb", "--help"):  # from 15 on: most databases do not sort by bytes either
            words += ["--locale-provider", "icu", "--icu-locale", "en-US"]
        made = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, **self.user)
        if made.returncode != 0:
            raise NoPostgres(f"PostgreSQL cannot be had here: {' '.join(made.stderr.split())[-300:]}")
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.writelines(f"host all all {network} trust\n" for network in networks)

    def make_of(self, other: PostgresServer) -> None:
        """Lay out its folder as a copy of another server's, to go on from there with all that comes."""
        words = [self.programs / "pg_basebackup", "--pgdata", self.data, "--write-recovery-conf", "--checkpoint=fast"]
        words += ["--no-sync", "--dbname", other.url("postgres", ADMINISTRATOR)]
        subprocess.run(words, cwd=self.folder, check=True, capture_output=True, **self.user)

    def wait_for_standby(self) -> None:
        """From now on nothing is acknowledged that the standby does not have."""
        self.administer("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.administer("SELECT pg_reload_conf()")
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.administer("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"):
            assert time.monotonic() < until, "the standby does not follow"
            time.sleep(0.02)

    def promote(self) -> None:
        """Have a standby go on by itself, as the one that is written to."""
        self.administer("SELECT pg_promote()")

    def ask(self, program: str, *words: str) -> str:
        """What one of PostgreSQL's programs prints."""
        return subprocess.run([self.programs / program, *words], capture_output=True, text=True, check=True).stdout

    # Its life

    def start(self) -> None:
        """Start it, and wait until it lets in. AssertionError with its log where it does not."""
        assert self.process is None
        words: list[Any] = [self.programs / "postgres", "-D", self.data]
        for name, value in self.settings.items():
            words += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            # A session of its own: what stops the tests is not to stop it before they have let go of it.
            self.process = subprocess.Popen(
                words,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.user,
            )
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with psycopg.connect(self.url("postgres", ADMINISTRATOR), connect_timeout=5):
                    return
            except psycopg.OperationalError as failure:
                has_ended = self.process.poll() is not None
                assert not has_ended and time.monotonic() < until, f"{failure}\n{self.log.read_text()[-3000:]}"
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop as an administrator stops it: whoever is connected is told and let go."""
        self.end(signal.SIGINT)

    def kill(self) -> None:
        """`kill -9` for all of its processes."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)  # or it would start others in place of those that die
        for child in children_of(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it and start it again, on the same port."""
        self.stop()
        self.start()

    def end(self, how: signal.Signals) -> None:
        """Have it end, and see that it has."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(PATIENCE_SECONDS)
        self.process = None

    def close(self) -> None:
        """Stop it for good and remove all that is in it."""
        if self.process is not None:
            try:
                self.end(signal.SIGQUIT)  # which waits for nobody
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.guard is not None:
            self.guard.communicate()  # which finds nothing left to do

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    # Its databases

    def url_with(self, other: PostgresServer, url: str) -> str:
        """The address of a database that is at this server or at another: at whichever can be written to."""
        here, there = f"@{self.host}:{self.port}/", f"@{self.host}:{self.port},{other.host}:{other.port}/"
        return f"{url.replace(here, there)}?target_session_attrs=read-write"

    def url(self, database: str, user: str = OWNER) -> str:
        """The address of a database over the network."""
        return f"postgresql://{user}@{self.host}:{self.port}/{database}"

    def socket_url(self, database: str, user: str = OWNER) -> str:
        """The address of a database over the Unix socket."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def database(self, *, is_prepared: bool = True) -> str:
        """The address of a new database: a copy of the one that was prepared, or with nothing in it."""
        name = f"worlds_{next(self.numbers)}"
        if is_prepared and self.prepare is not None:
            if not self.has_template:
                self.create(TEMPLATE)
                self.prepare(self.url(TEMPLATE))
                self.has_template = True
            self.create(name, TEMPLATE)
        else:
            self.create(name)
        return self.url(name)

    def create(self, name: str, template: str = "template1") -> None:
        """A database that its owner owns."""
        names = map(sql.Identifier, (name, OWNER, template))
        self.administer(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*names))

    def emptied(self, url: str) -> str:
        """A database that was prepared and used, with nothing in it any more, at another address.

        Who is still at work in it is thrown out, as by `drop`; it costs a fraction of that and a new one.
        """
        was, name = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"]), f"worlds_{next(self.numbers)}"
        here, there = sql.Identifier(was), sql.Identifier(name)
        self.administer(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false").format(here))
        those = sql.SQL("FROM pg_stat_activity WHERE datname = {}").format(was)
        while self.administer(sql.SQL("SELECT pg_terminate_backend(pid, 1000) {}").format(those)):
            continue
        self.administer(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(here, there))
        self.administer(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(there))
        self.administer(EMPTY, name)
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        self.administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(str(name))))

    def administer(self, statement: str | sql.Composable, database: str = "postgres") -> list[tuple[Any, ...]]:
        """One statement of somebody who may do everything; its rows, if it has any."""
        with psycopg.connect(self.url(database, ADMINISTRATOR), autocommit=True) as connection:
            done = connection.execute(statement)  # type: ignore[call-overload]
            return done.fetchall() if done.description else []


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(child) for child in listed.stdout.split()]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
