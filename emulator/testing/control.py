"""The emulator's own API, under `/_emulator`, for Python: one world, its clock, settings, faults and webhooks."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypedDict
from urllib.parse import quote

import httpx

PATIENCE_SECONDS = 120


class Refused(Exception):
    """What the server said no to: its message, the HTTP status and the error of the reply."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("message") or f"HTTP {status}")
        self.status = status
        self.error = error


class Rule(TypedDict):
    """One rule of a decision: what it says, what it looked at, and its verdict."""

    says: str
    looks_at: list[str]
    reason: str | None
    verdict: str


class Decision(TypedDict):
    """How one request of an authorization was decided."""

    approved: bool
    created: int
    hints: list[str]
    outcome: str
    reason: str
    reason_message: str | None
    rules: list[Rule]
    saw: dict[str, Any]


class Found(TypedDict):
    """An object, the account that it belongs to, and the platform's own, which may be the same."""

    account: str
    data: dict[str, Any]
    platform: str


class Drained(NamedTuple):
    """What a drain found: whether all is answered, how many attempts ended how, and what waits until when."""

    drained: bool
    failed: int
    succeeded: int
    waiting: int
    next_attempt_at: int | None


class Why(NamedTuple):
    """How an authorization was decided; the outcome is that of its last request."""

    id: str
    outcome: str
    requests: list[Decision]

    def __str__(self) -> str:
        return self.outcome


class Change(TypedDict):
    """One object that is different: which of its members, from what to what."""

    id: str
    object: str
    account: str
    changed: list[dict[str, Any]]


class Changes(TypedDict):
    """How a world differs from what it was: objects made, deleted and changed, and what books hold."""

    books: list[dict[str, Any]]
    changed: list[Change]
    created: list[dict[str, Any]]
    deleted: list[dict[str, Any]]
    since: str
    until: str | None


class Control:
    """One world on one server, as `/_emulator` shows it. `Refused` is raised for whatever is refused."""

    def __init__(self, base_url: str, api_key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self.http = httpx.Client(
            base_url=base_url,
            transport=transport,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            verify=tls(),
            headers={"Authorization": f"Bearer {api_key}"},
        )
        self.clock = Clock(self)
        self.kept = 0

    def close(self) -> None:
        """Close the connections; the world stays."""
        self.http.close()

    def call(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, account: str | None = None
    ) -> dict[str, Any]:
        """One request with flat parameters; its JSON."""
        sent = {name: shown(value) for name, value in (params or {}).items() if value is not None}
        place = {"data": sent} if method == "POST" else {"params": sent}
        response = self.http.request(
            method, path, headers={"Stripe-Account": account} if account else None, **(place if sent else {})
        )
        return accepted(response).json()

    # The world

    def delete(self) -> None:
        """Forget the world for good; the key's next request finds a new one."""
        self.call("DELETE", "/_emulator/world")

    def reset(self) -> None:
        """Begin anew: same seed, same ids, default settings."""
        self.call("POST", "/_emulator/reset")

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Keep the world as it is now. Without a name it has the next number; one of a name is replaced."""
        if name is None:
            self.kept += 1
            name = f"snapshot {self.kept}"
        self.call("POST", "/_emulator/snapshots", {"name": name, "replace": True})
        return Snapshot(self, name)

    def snapshots(self) -> list[Snapshot]:
        """Those that were kept, the newest first."""
        return [Snapshot(self, one["name"]) for one in self.call("GET", "/_emulator/snapshots")["data"]]

    def fork(self, api_key: str) -> None:
        """Have the world of another key be what this one is now, whatever that was."""
        self.call("POST", "/_emulator/fork", {"key": api_key, "replace": True})

    def seed(self, fixture: str) -> dict[str, Any]:
        """Run a world that comes with the emulator, or a file in the Stripe CLI's fixture syntax. Replies by name."""
        from emulator import fixtures

        file = fixtures.shipped(fixture) if fixture in fixtures.shipped_names() else Path(fixture)
        return fixtures.run(fixtures.read(file), self.http, self.api_key)

    def export(self, file: Path | str | None = None) -> bytes:
        """The world as one file, a SQLite database, which is written where a name is given."""
        content = accepted(self.http.get("/_emulator/world/export")).content
        if file is not None:
            Path(file).write_bytes(content)
        return content

    def import_(self, world: bytes | Path | str) -> None:
        """Have the world be that of an export: its bytes, or the name of the file."""
        content = world if isinstance(world, bytes) else Path(world).read_bytes()
        accepted(self.http.post("/_emulator/world/import", files={"file": ("world", content)}))

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Every setting with its value, after these changes. None puts a setting back to its default."""
        if not changes:
            return self.call("GET", "/_emulator/settings")
        return self.call("POST", "/_emulator/settings", {name: emptied(value) for name, value in changes.items()})

    def requests(self, limit: int = 20, **filters: Any) -> list[dict[str, Any]]:
        """The newest answered requests, oldest first. Filters: `account`, `method`, `operation`, `path`, `status`."""
        page = self.call("GET", "/_emulator/requests", {"limit": limit, **filters})
        return page["data"][::-1]

    def find(self, id: str) -> Found:
        """Any object by its id: `account` is whose it is, `data` what that account would read."""
        found = self.call("GET", f"/_emulator/objects/{quote(id, safe='')}")
        return {"account": found["account"], "data": found["data"], "platform": found["platform"]}

    def recording(self, format: str = "pytest", *, since: str | None = None, until: str | None = None) -> str:
        """The requests of a span as a test: for `pytest`, for `curl`, or as `fixtures`. Needs `record_requests`."""
        params = {"format": format, "since": since, "until": until}
        given = {name: value for name, value in params.items() if value is not None}
        return accepted(self.http.get("/_emulator/requests/export", params=given)).text

    def meter(self, *, since: str | None = None) -> dict[str, Any]:
        """How long its requests took, and how long a sandbox's rate limits would have made them take."""
        return self.call("GET", "/_emulator/meter", {"since": since})

    # What has happened, and what will

    def explain(self, id: str) -> dict[str, Any]:
        """The story of any object: requests, events, deliveries and what their handlers called; the money it moved."""
        return self.call("GET", f"/_emulator/explain/{quote(id, safe='')}")

    def changes(
        self,
        since: Snapshot | str | None = None,
        until: Snapshot | str | None = None,
        *,
        since_request: str | None = None,
    ) -> Changes:
        """What is different since a snapshot, up to now or to another one; or since a request, by its id."""
        found = self.call(
            "GET",
            "/_emulator/changes",
            {"since": name_of(since), "until": name_of(until), "since_request": since_request},
        )
        return {name: found[name] for name in Changes.__annotations__}  # type: ignore[return-value]

    def due(self, until: datetime | int | None = None, **filters: Any) -> list[dict[str, Any]]:
        """What falls due, the first first, each with why. Filters: `about` an object, `account`, `limit`."""
        return self.call("GET", "/_emulator/clock/due", {"until": seconds_of(until), **filters})["data"]

    # Decisions

    def why(self, id: str) -> Why:
        """How an authorization was decided, by its id or that of one of its transactions."""
        told = self.call("GET", f"/_emulator/why/{quote(id, safe='')}")
        return Why(told["id"], told["outcome"], told["requests"])

    # Trouble

    def fail_next(
        self,
        path: str | None = None,
        *,
        kind: str = "server_error",
        method: str | None = None,
        count: int = 1,
        **more: Any,
    ) -> None:
        """Have the next `count` requests of an operation go wrong: `kind` as in docs/faults.md."""
        self.call("POST", "/_emulator/faults", {"kind": kind, "method": method, "path": path, "count": count, **more})

    # Webhooks

    def drain(self, timeout: float = 60) -> Drained:
        """Wait until everything due has been delivered and answered, for at most so many seconds of real time."""
        told = self.call("POST", "/_emulator/webhooks/drain", {"timeout_ms": int(timeout * 1000)})
        return Drained(**{name: told[name] for name in Drained._fields})

    def deliveries(self, **filters: Any) -> list[dict[str, Any]]:
        """Deliveries, the newest first, with their last attempts, by `event`, `type`, `about`, `account` or `state`."""
        return self.call("GET", "/_emulator/webhooks/deliveries", filters)["data"]

    def attempts(self, **filters: Any) -> list[dict[str, Any]]:
        """Attempts to deliver, oldest first, by `event` or `webhook_endpoint`."""
        return self.call("GET", "/_emulator/webhooks/attempts", filters)["data"]


class Snapshot:
    """A world as it once was."""

    def __init__(self, control: Control, name: str) -> None:
        self.control = control
        self.name = name

    @property
    def path(self) -> str:
        """Where it is."""
        return f"/_emulator/snapshots/{quote(self.name, safe='')}"

    def restore(self) -> None:
        """Have the world be again what it was, its clock too."""
        self.control.call("POST", f"{self.path}/restore")

    def delete(self) -> None:
        """Forget it."""
        self.control.call("DELETE", self.path)


class Clock:
    """A world's clock. It runs with the machine's until it is frozen or moved."""

    def __init__(self, control: Control) -> None:
        self.control = control

    @property
    def now(self) -> datetime:
        """What it shows, in UTC."""
        return datetime.fromtimestamp(self.read()["now"], UTC)

    def read(self) -> dict[str, Any]:
        """All there is to read."""
        return self.control.call("GET", "/_emulator/clock")

    def advance(self, seconds: float | str = 0, **duration: float) -> datetime:
        """Move forward, doing on the way what falls due: `advance(days=40)`, `advance(3600)`, `advance("1d12h")`."""
        if isinstance(seconds, str):
            return self.moved(advance=seconds)
        whole = timedelta(seconds=seconds, **duration)
        return self.moved(advance=int(whole.total_seconds()))

    def set(self, time: datetime | int) -> datetime:
        """Move to a time that has not passed yet."""
        return self.moved(set=seconds_of(time))

    def step(self) -> dict[str, Any]:
        """Move on to what falls due next and do it; deliveries are waited for. Refused where nothing falls due."""
        return self.control.call("POST", "/_emulator/clock/step")

    def run(self, until: datetime | int | None = None) -> list[dict[str, Any]]:
        """Step through all that falls due until a time, or until nothing does any more; what was done, in parts."""
        parts: list[dict[str, Any]] = []
        while not parts or not parts[-1]["finished"]:
            parts.append(self.control.call("POST", "/_emulator/clock/run", {"until": seconds_of(until)}))
        return [done for part in parts for done in part["done"]]

    def freeze(self) -> datetime:
        """Stop it where it is."""
        return self.moved(frozen=True)

    def unfreeze(self) -> datetime:
        """Let it run again."""
        return self.moved(frozen=False)

    def moved(self, **how: Any) -> datetime:
        """The time after a move."""
        return datetime.fromtimestamp(self.control.call("POST", "/_emulator/clock", how)["now"], UTC)


def shown(value: Any) -> Any:
    """A value as forms have it."""
    return str(value).lower() if isinstance(value, bool) else value


@cache
def tls() -> ssl.SSLContext:
    """What every client has for https, made once: it reads all certificates, which takes longer than a test."""
    return httpx.create_ssl_context()


def accepted(response: httpx.Response) -> httpx.Response:
    """A response that is no refusal."""
    if response.is_error:
        raise Refused(response.status_code, response.json()["error"])
    return response


def seconds_of(time: datetime | int | None) -> int | None:
    """A time in unix seconds."""
    return int(time.timestamp()) if isinstance(time, datetime) else time


def name_of(snapshot: Snapshot | str | None) -> str | None:
    """What a snapshot is called."""
    return snapshot.name if isinstance(snapshot, Snapshot) else snapshot


def emptied(value: Any) -> Any:
    """What a setting is sent as: nothing puts it back."""
    return "" if value is None else value
