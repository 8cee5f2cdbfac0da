"""Inputs that nobody means to send, by the thousand: no 5xx, nothing that hangs, and whole books afterwards.

    python -m bench.fuzz [--inputs 20000] [--seed 1]       (make fuzz)

Five kinds, in the shares of `KINDS`:

- `fitting`: requests that fit the OpenAPI document, which schemathesis makes; ids and common words are put where they
  belong, so that they reach an operation. It is not schemathesis that sends them: it cannot write brackets in forms.
- `nearly`: the same with names and values changed, left out, doubled, moved.
- `bytes`: the same with the bytes of body, query, path or headers changed.
- `http`: whole HTTP requests with changed bytes, over sockets to a server of its own.
- `frames`: frames of the Stripe CLI's WebSocket, changed, to the same server.

The first three are answered in this process, a world of its own for every thousand, each begun from a shipped fixture.
Ids that replies show are kept by prefix and account, and used again: that is how one request leads to another. A seed
makes the same inputs again, but the sockets' replies may come in another order.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import json
import logging
import random
import re
import shutil
import signal
import socket
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_from_bytes, urlencode

import httpx
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from websockets.frames import Frame, Opcode
from werkzeug.test import Client

from bench.running import Running
from emulator import fixtures
from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.data.api_versions import API_VERSIONS
from emulator.kernel.database.doctor import examined
from emulator.kernel.routes import Route, Table
from emulator.openapi import FORM, document

KINDS = {"fitting": 75, "nearly": 10, "bytes": 10, "http": 4, "frames": 1}  # per cent
INPUTS_OF_A_WORLD = 1_000
CASES_OF_AN_OPERATION = 100  # at most; schemathesis makes some hundred a second
HANGS_AFTER_SECONDS = 20
NOWHERE = "http://127.0.0.1:9/hook"  # the port that discards: nothing leaves this machine
# What an input may not do, since this process would wait or forget what it does.
AT_MOST_MS = {"timeout_ms", "milliseconds", "real_time_timeout_ms", "webhook_timeout_ms"}
LEFT_OUT = {"freeze_asks"}
# What marks a 501 of an operation that is not built, and a fault that an input has asked for.
EXPECTED = {"Emulator-Not-Implemented", "Emulator-Fault"}
RARE = {"POST /_emulator/reset", "DELETE /_emulator/world"}  # one in fifty of their turns: they end a history
ID = re.compile(rb'"((?:[a-z]+_)+[0-9A-Za-z]{10,})"')
SPECIAL = [
    "",
    "0",
    "-1",
    "1" * 20,
    "null",
    "true",
    "\x00",
    "%",
    "é" * 300,
    "𝕏",
    "'",
    '"',
    "${x:y}",
    "../..",
    "a\r\nb: c",
]
HEADERS = ["Stripe-Account", "Stripe-Version", "Idempotency-Key", "Authorization", "Content-Type"]
NAMES = ["limit", "expand[]", "metadata[x]", "__proto__", "amount"]
INTERESTING = [b"\x00", b"\xff", b"%", b"%00", b"%zz", b"[", b"]", b"[]", b"&", b"=", b"\r\n", b"\n", b"+", b"[0]" * 40]


class Input(NamedTuple):
    """One request as it is sent. `about` is the route that was meant."""

    about: Route
    verb: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def shown(self) -> str:
        """What to send again by hand."""
        return f"{self.verb} {self.path}?{self.query!r} {self.headers} {self.body[:2000]!r}"


class Wrong(NamedTuple):
    """What must not be: which input, and what came of it."""

    what: str
    input: str


@dataclass
class Told:
    """What came of a run."""

    inputs: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)  # by operation
    succeeded: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[Wrong] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    worlds: int = 0

    @property
    def lines(self) -> Iterator[str]:
        """The run in a few sentences."""
        in_process = sum(self.inputs[kind] for kind in ("fitting", "nearly", "bytes"))
        reached, succeeded = sum(self.reached.values()), sum(self.succeeded.values())
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.inputs.items())
        yield f"{sum(self.inputs.values())} inputs ({kinds}) in {self.worlds} worlds."
        yield (
            f"{reached} of {in_process} reached an operation ({100 * reached / max(1, in_process):.0f} %), "
            f"{succeeded} succeeded; of {len(CATALOG.routes)} operations {len(self.reached)} were reached, "
            f"{len(self.succeeded)} succeeded."
        )
        yield f"Statuses: {dict(sorted(self.statuses.items()))}."
        yield f"The slowest took {self.slowest[0]:.2f} s: {self.slowest[1]}."
        for wrong in self.wrong:
            yield f"WRONG: {wrong.what}\n  {wrong.input}"
        yield f"{len(self.wrong)} wrong."


# What is sent


def cases(number: int, chance: random.Random) -> dict[str, list[Any]]:
    """By operation, so many cases that fit the document."""
    operations = [found.ok() for found in schemathesis.openapi.from_dict(DESCRIBED).get_all_operations()]
    return {operation.label: cases_of(operation, number, chance.randrange(2**32)) for operation in operations}


def cases_of(operation: Any, number: int, chance: int) -> list[Any]:
    """The same for one of them."""
    made: list[Any] = []

    @seed(chance)
    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def keep(case: Any) -> None:
        made.append(case)

    keep()
    return made


@functools.cache
def words() -> dict[str, list[str]]:
    """By the last name in a bracket path, what the shipped fixtures send there."""
    said: dict[str, list[str]] = defaultdict(list)
    for name in fixtures.shipped_names():
        for step in fixtures.read(fixtures.shipped(name)).steps:
            with contextlib.suppress(fixtures.FixtureError):  # where it refers to a reply
                for path, value in fixtures.pairs(step.params, {}):
                    said[last(path)].append(value)
    return said


def last(path: str) -> str:
    """The innermost name of a bracket path."""
    return next((part for part in reversed(re.findall(r"[^\[\]]+", path)) if not part.isdigit()), path)


@functools.cache
def prefix_of(name: str) -> str | None:
    """The prefix of the ids that a parameter of some name holds, by the name of the record."""
    others = {"front": "file", "back": "file", "files": "file", "replacement_for": "ic", "document": "file"}
    if name in others:
        return others[name]
    kinds = [kind for kind in CATALOG.prefixes.values() if name.endswith(kind.object.rpartition(".")[2])]
    return max(kinds, key=lambda kind: len(kind.object)).prefix if kinds else None


class Writer:
    """Makes inputs of cases, with what is known of one world."""

    def __init__(self, key: str, chance: random.Random) -> None:
        self.key = key
        self.chance = chance
        self.ids: dict[str | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        self.keys_used = ["again"]

    def learn(self, account: str | None, body: bytes) -> None:
        """Keep the ids of a reply, and of each kind the newest fifty."""
        for found in ID.findall(body)[:40]:
            id = found.decode()
            known = self.ids[account][id.rpartition("_")[0]]
            if id not in known:
                known.append(id)
                del known[:-50]

    def id_of(self, account: str | None, prefix: str | None) -> str | None:
        """An id of some kind that was seen, of any kind one time in twenty."""
        known = self.ids[account]
        if known and self.chance.random() < 0.05:
            prefix = self.chance.choice(list(known))
        return self.chance.choice(known[prefix]) if prefix and known.get(prefix) else None

    def fitting(self, case: Any, route: Route) -> Input:
        """A case with ids and words where they belong."""
        accounts = self.ids[None]["acct"]
        account = None
        if accounts and self.chance.random() < 0.7:  # rather one of which much is known
            (account,) = self.chance.choices(accounts, [1 + len(self.ids[id]) for id in accounts])
        headers = {"Authorization": f"Bearer {self.key}"}
        if account is not None:
            headers["Stripe-Account"] = account
        if self.chance.random() < 0.05:
            headers["Stripe-Version"] = self.chance.choice(API_VERSIONS)
        if route.verb == "POST" and self.chance.random() < 0.1:
            headers["Idempotency-Key"] = self.chance.choice(self.keys_used[-20:])
            self.keys_used.append(f"key{len(self.keys_used)}")
        kinds = self.kinds_in(route)
        path = route.path
        for name, value in (case.path_parameters or {}).items():
            id = None if self.chance.random() < 0.05 else self.id_of(account, kinds.get(name))
            path = path.replace(f"{{{name}}}", quote(id, safe="") if id else str(value))
        query = self.filled(route, account, case.query if isinstance(case.query, dict) else {})
        sent = self.filled(route, account, case.body if isinstance(case.body, dict) else {})
        body, headers["Content-Type"] = written(sent)
        return Input(route, route.verb, path, urlencode(query).encode(), headers, body)

    @functools.cache  # noqa: B019  (as many writers as worlds, and they end with them)
    def kinds_in(self, route: Route) -> dict[str, str]:
        """The prefixes of the ids in a path, by the names of its variables."""
        parameters = DESCRIBED["paths"][route.path][route.verb.lower()]["parameters"]
        schemas = {one["name"]: one["schema"] for one in parameters if one.get("in") == "path"}
        kinds = {name: CATALOG.records.get(schema.get("x-record", "")) for name, schema in schemas.items()}
        return {name: kind.prefix for name, kind in kinds.items() if kind is not None}

    def filled(self, route: Route, account: str | None, params: dict[str, Any]) -> list[tuple[str, Any]]:
        """The parameters of a case in pairs."""
        pairs: list[tuple[str, Any]] = []
        for name, value in flat(params):
            inner = last(name)
            if inner in LEFT_OUT:
                continue
            if inner in AT_MOST_MS:
                value = self.chance.randrange(20)
            elif inner == "count":  # of faults, or all that follows would meet them
                value = self.chance.randrange(1, 4)
            elif inner == "url":
                value = NOWHERE
            elif inner == "expand":
                value = self.chance.choice([*route.returns.expands, value] if route.returns else [value])
            elif inner in ("starting_after", "ending_before"):
                prefix = route.returns.prefix if route.returns is not None else None
                value = self.id_of(account, prefix) or value
            elif (prefix := prefix_of(inner)) is not None and self.chance.random() < 0.9:
                value = self.id_of(account, prefix) or value
            elif inner in words() and self.chance.random() < 0.6:
                value = self.chance.choice(words()[inner])
            pairs.append((name, value))
        if "timeout_ms" in route.params.shared().fields and route.verb == "GET":
            pairs.append(("timeout_ms", 1))
        return pairs

    def nearly(self, one: Input) -> Input:
        """The same with something of its parameters changed."""
        chance = self.chance
        in_query = one.verb != "POST"
        pairs = [pair.split("=", 1) for pair in (one.query if in_query else one.body).decode("latin-1").split("&")]
        pairs = [pair for pair in pairs if len(pair) == 2] or [["expand[]", ""]]
        for _ in range(chance.randrange(1, 4)):
            which = chance.randrange(len(pairs))
            name, value = pairs[which]
            other = chance.choice(pairs)
            pairs[which : which + 1] = chance.choice(
                [
                    [] if len(pairs) > 1 else [[name, ""]],
                    [[name, value], [name, other[1]]],
                    [[name, quote(chance.choice(SPECIAL))]],
                    [[name + chance.choice(["[]", "[0]", "[x]", "[x][y]", "[", "]", "[][]"]), value]],
                    [[name.partition("%5B")[0], value]],
                    [[other[0], value], [name, other[1]]],
                    [[name, value], [chance.choice(NAMES), value]],
                ]
            )
        encoded = "&".join("=".join(pair) for pair in pairs).encode("latin-1", "replace")
        return one._replace(query=encoded) if in_query else one._replace(body=encoded)

    def bytes_of(self, one: Input) -> Input:
        """The same with bytes changed."""
        place = self.chance.choice(["body", "body", "query", "path", "headers", "verb"])
        if place == "body":
            return one._replace(body=spoiled(one.body or b"amount=1", self.chance))
        if place == "query":
            return one._replace(query=spoiled(one.query or b"limit=1", self.chance))
        if place == "path":
            return one._replace(path=quote_from_bytes(spoiled(one.path.encode(), self.chance), safe="/%"))
        if place == "verb":
            return one._replace(verb=self.chance.choice(["GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", "HEAD"]))
        name = self.chance.choice(HEADERS)
        text = spoiled(one.headers.get(name, "x").encode(), self.chance).decode("latin-1")
        return one._replace(headers={**one.headers, name: re.sub(r"[\r\n]", " ", text)})


DESCRIBED = document(CATALOG)


def flat(params: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Parameters as form pairs; what is neither text nor number is a file's content."""
    for name, value in params.items():
        if isinstance(value, dict | list | str | int | float | None):
            with contextlib.suppress(fixtures.FixtureError):  # a text that looks as if it referred to something
                yield from fixtures.pairs({name: value}, {})
        else:
            yield name, bytes(str(value), "utf-8", "replace")


def written(pairs: list[tuple[str, Any]]) -> tuple[bytes, str]:
    """A body and its type: parts where there is a file."""
    if not any(isinstance(value, bytes) for _, value in pairs):
        return urlencode([(name, str(value)) for name, value in pairs]).encode("utf-8", "replace"), FORM
    boundary = "one-part-ends"
    parts = []
    for name, value in pairs:
        is_file = isinstance(value, bytes)
        file = '; filename="a.png"' if is_file else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        content = b"\x89PNG\r\n\x1a\n" + value if is_file else str(value).encode("utf-8", "replace")
        parts.append(head.encode("utf-8", "replace") + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def spoiled(content: bytes, chance: random.Random) -> bytes:
    """Some bytes with a few changes: others, more, fewer, a piece twice, an end too early."""
    changed = bytearray(content or b"x")
    for _ in range(chance.choice([1, 1, 2, 3, 8])):
        at = chance.randrange(len(changed) + 1)
        how = chance.randrange(6)
        if how == 0 and changed:
            changed[at % len(changed)] = chance.randrange(256)
        elif how == 1:
            changed[at:at] = chance.choice(INTERESTING)
        elif how == 2:
            del changed[at : at + chance.randrange(1, 12)]
        elif how == 3:
            changed[at:at] = changed[at : at + chance.randrange(1, 40)]
        elif how == 4:
            changed[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
        elif chance.random() < 0.3:
            del changed[at:]
    return bytes(changed)


# In this process


@contextlib.contextmanager
def counting(reached: Counter[str]) -> Iterator[None]:
    """Count which operations are called, however that ends."""

    def counted(route: Route) -> Callable[..., Any]:
        @functools.wraps(route.operation)
        def operation(*values: Any) -> Any:
            reached[route.signature] += 1
            return route.operation(*values)

        return operation

    before, CATALOG.table = CATALOG.table, Table()
    try:
        for route in CATALOG.routes:
            CATALOG.table.add(route.verb, route.path, replace(route, operation=counted(route)))
        yield
    finally:
        CATALOG.table = before


class Heard(logging.Handler):
    """Keeps the last thing that the emulator has said of itself."""

    said = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, or a traceback."""
        self.said = record.getMessage()


HEARD = Heard(logging.WARNING)


@contextlib.contextmanager
def hearing() -> Iterator[None]:
    """Have what the emulator says of itself told with what went wrong, and nowhere else."""
    log = logging.getLogger("emulator")
    before, log.propagate = log.propagate, False
    log.addHandler(HEARD)
    try:
        yield
    finally:
        log.removeHandler(HEARD)
        log.propagate = before


class Hangs(Exception):
    """No answer within the time that any may take."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Hangs is raised in the main thread once the time is over."""

    def late(*_: Any) -> None:
        raise Hangs(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def in_process(shares: dict[str, int], folder: Path, chance: random.Random, told: Told) -> None:
    """The inputs that need no socket, world by world, each world examined at its end."""
    number = sum(shares.values())
    made = cases(max(2, min(CASES_OF_AN_OPERATION, number // (4 * len(CATALOG.routes)))), chance)
    kinds = [kind for kind, share in shares.items() for _ in range(share)]
    chance.shuffle(kinds)
    routes = list(CATALOG.routes)
    reached: Counter[str] = Counter()
    with counting(reached), hearing():
        for start in range(0, number, INPUTS_OF_A_WORLD):
            home = folder / f"world{start}"
            home.mkdir()
            app = create_app(home)
            try:
                writer = begun(app, f"sk_test_fuzz{start}", chance, start // INPUTS_OF_A_WORLD)
                http = app.test_client()
                for kind in kinds[start : start + INPUTS_OF_A_WORLD]:
                    route = chance.choice(routes)
                    if route.signature in RARE and chance.random() > 0.02:
                        route = chance.choice(routes)
                    one = writer.fitting(chance.choice(made[route.signature]), route)
                    one = {"fitting": lambda one: one, "nearly": writer.nearly, "bytes": writer.bytes_of}[kind](one)
                    told.inputs[kind] += 1
                    send(http, one, writer, told)
            finally:
                app.emulator.close()  # type: ignore[attr-defined]
            told.wrong += [Wrong(f"the doctor: {found.what}: {found.detail}", str(home)) for found in sick(home)]
            told.worlds += 1
            if not told.wrong:
                shutil.rmtree(home)
    told.reached += reached


def sick(folder: Path) -> list[Any]:
    """What the doctor finds. Due work that failed is a finding too."""
    return examined(folder, CATALOG).findings


def begun(app: Flask, key: str, chance: random.Random, number: int) -> Writer:
    """A writer that knows a world begun from one of the shipped fixtures."""
    writer = Writer(key, chance)
    names = fixtures.shipped_names()

    def learn(step: fixtures.Step, response: httpx.Response) -> None:
        writer.learn(response.request.headers.get("Stripe-Account"), response.content)

    file = fixtures.read(fixtures.shipped(names[number % len(names)]))
    with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://localhost") as http:
        fixtures.run(file, http, key, on_reply=learn)
    return writer


def send(http: Client, one: Input, writer: Writer, told: Told) -> None:
    """One input, and whatever is wrong with its answer."""
    began = time.perf_counter()
    try:
        with within(HANGS_AFTER_SECONDS):
            answer = http.open(
                one.path, method=one.verb, query_string=one.query.decode("latin-1"), headers=one.headers, data=one.body
            )
            content = answer.get_data()
    except Exception as failure:
        told.wrong.append(Wrong(f"{type(failure).__name__}: {failure}", one.shown))
        return
    took = time.perf_counter() - began
    told.slowest = max(told.slowest, (took, f"{one.verb} {one.path}"))
    told.statuses[answer.status_code] += 1
    if answer.status_code >= 500 and not EXPECTED & set(answer.headers.keys()):
        told.wrong.append(Wrong(f"{answer.status_code}: {content[:300]!r}\n{HEARD.said}", one.shown))
    elif answer.status_code == 403:  # an account that is not there any more
        writer.ids[None]["acct"] = [id for id in writer.ids[None]["acct"] if id != one.headers.get("Stripe-Account")]
    elif answer.status_code == 200:
        told.succeeded[one.about.signature] += 1
        writer.learn(one.headers.get("Stripe-Account"), content)


# Over sockets

HEAD = (
    "{verb} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\nContent-Type: {type}\r\n"
    "{more}Connection: close\r\n\r\n"
)


def over_sockets(requests: int, frames: int, folder: Path, chance: random.Random, told: Told) -> None:
    """Changed bytes for a server of its own, which has to be well after them."""
    key = "sk_test_fuzz"
    with Running(folder, "--quiet") as server:
        with httpx.Client(base_url=server.url, timeout=HANGS_AFTER_SECONDS, trust_env=False) as http:
            fixtures.run(fixtures.read(fixtures.shipped("demo")), http, key)
            for _ in range(requests):
                content = spoiled(chance.choice(EXAMPLES)(server.port, key), chance)
                told.inputs["http"] += 1
                wrong = exchanged(server.port, content, told)
                if wrong:
                    told.wrong.append(Wrong(wrong, repr(content)))
            for start in range(0, frames, 20):
                told.inputs["frames"] += min(20, frames - start)
                wrong = spoken(server.port, http, key, min(20, frames - start), chance)
                if wrong:
                    told.wrong.append(Wrong(wrong, "frames of the WebSocket"))
            for path in ("/_emulator/health", "/v1/balance", "/v1/issuing/cards"):
                answer = http.get(path, auth=(key, ""))
                if answer.status_code != 200:
                    told.wrong.append(Wrong(f"{path} is answered {answer.status_code} afterwards", answer.text))
        said = "".join(server.console[1:])  # what follows the ready line is trouble
        told.wrong += [Wrong("the console", said)] if said else []
    told.worlds += 1
    told.wrong += [Wrong(f"the doctor: {found.what}: {found.detail}", str(folder)) for found in sick(folder)]


def get_example(port: int, key: str) -> bytes:
    """A list with a query."""
    path = "/v1/issuing/cards?limit=3&created[gte]=1"
    return HEAD.format(verb="GET", path=path, port=port, key=key, type=FORM, more="").encode()


def form_example(port: int, key: str) -> bytes:
    """A form with its length."""
    body = b"amount=1000&currency=usd&metadata[a]=b&description=x"
    more = f"Content-Length: {len(body)}\r\nIdempotency-Key: a\r\n"
    return HEAD.format(verb="POST", path="/v1/topups", port=port, key=key, type=FORM, more=more).encode() + body


def parts_example(port: int, key: str) -> bytes:
    """A file in parts."""
    body, kind = written([("purpose", "dispute_evidence"), ("file", b"content")])
    more = f"Content-Length: {len(body)}\r\n"
    return HEAD.format(verb="POST", path="/v1/files", port=port, key=key, type=kind, more=more).encode() + body


def chunked_example(port: int, key: str) -> bytes:
    """A form in chunks."""
    head = HEAD.format(
        verb="POST", path="/v1/customers", port=port, key=key, type=FORM, more="Transfer-Encoding: chunked\r\n"
    )
    return head.encode() + b"6\r\nname=x\r\n8\r\n&phone=1\r\n0\r\n\r\n"


EXAMPLES = [get_example, form_example, parts_example, chunked_example]


def exchanged(port: int, content: bytes, told: Told) -> str | None:
    """What is wrong with what a server says to some bytes; it may hang up without a word."""
    with socket.create_connection(("127.0.0.1", port), HANGS_AFTER_SECONDS) as line:
        try:
            line.sendall(content)
            line.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := line.recv(65_536):
                answer += piece
        except TimeoutError:
            return f"neither answered nor hung up within {HANGS_AFTER_SECONDS} s"
        except OSError:  # it hung up while we were speaking
            return None
    if not answer:
        return None
    head = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    if head is None:
        return f"no HTTP: {answer[:200]!r}"
    status = int(head[1])
    told.statuses[status] += 1
    if status >= 500 and b"emulator-not-implemented" not in answer.lower():
        return f"{status}: {answer[:500]!r}"
    return None


def spoken(port: int, http: httpx.Client, key: str, number: int, chance: random.Random) -> str | None:
    """What is wrong after some frames on one WebSocket; the server may close it."""
    form = {"device_name": "fuzz", "websocket_features[]": "webhooks"}
    session = http.post("/v1/stripecli/sessions", data=form, auth=(key, "")).json()
    with socket.create_connection(("127.0.0.1", port), HANGS_AFTER_SECONDS) as line:
        nonce = base64.b64encode(chance.randbytes(16)).decode()
        line.sendall(
            f"GET /subscribe/acct_1?websocket_feature=webhooks HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: stripecli-devproxy-v1\r\nWebsocket-Id: {session['websocket_id']}\r\n\r\n".encode()
        )
        welcome = line.recv(65_536)
        if b" 101 " not in welcome.partition(b"\r\n")[0]:
            return f"the WebSocket was not opened: {welcome[:200]!r}"
        try:
            for _ in range(number):
                line.sendall(frame(chance))
            line.shutdown(socket.SHUT_WR)
            while line.recv(65_536):
                pass
        except TimeoutError:
            return f"the WebSocket stays open for more than {HANGS_AFTER_SECONDS} s after its end"
        except OSError:  # it hung up while we were speaking
            return None
    return None


def frame(chance: random.Random) -> bytes:
    """A frame as the CLI sends them, and something wrong with its JSON, its bytes, or nothing."""
    said = {
        "type": chance.choice(["event_ack", "webhook_response", "", None, "request_log_event"]),
        "webhook_conversation_id": chance.choice(["wc_1", 5, None, [], "x" * 5_000]),
        "webhook_id": "wh_1",
        "event_id": chance.choice(["evt_1", {}]),
        "status": chance.choice([200, "x", -1, 10**30, None, []]),
        "http_headers": chance.choice([{}, {"a": 1}, "x", [["a", "b"]]]),
        "body": chance.choice(["", "x" * 100_000, 5, None]),
    }
    for name in chance.sample(sorted(said), chance.randrange(3)):
        del said[name]
    text = json.dumps(chance.choice([said, said, said, [said], 5, None])).encode()
    if chance.random() < 0.5:
        text = spoiled(text, chance)
    opcode = chance.choice([Opcode.TEXT] * 6 + [Opcode.BINARY, Opcode.PING, Opcode.PONG, Opcode.CONT, Opcode.CLOSE])
    is_control = opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE)  # of which the library makes no wrong ones
    whole = Frame(opcode, text[:125] if is_control else text, is_control or chance.random() < 0.9).serialize(mask=True)
    return spoiled(whole, chance) if chance.random() < 0.3 else whole


# All of it


def run(inputs: int, seed_of_all: int, folder: Path) -> Told:
    """So many inputs of every kind, and what came of them."""
    told = Told()
    chance = random.Random(seed_of_all)
    shares = {kind: inputs * share // 100 for kind, share in KINDS.items()}
    shares["fitting"] += inputs - sum(shares.values())
    over_sockets(shares.pop("http"), shares.pop("frames"), folder / "server", random.Random(seed_of_all), told)
    in_process(shares, folder, chance, told)
    return told


def main() -> int:
    """Run and say what came of it; 1 if anything was wrong, and then the worlds stay to be looked at."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stripe-emulator-fuzz-"))
    began = time.monotonic()
    told = run(chosen.inputs, chosen.seed, folder)
    print("\n".join(told.lines))
    print(f"Seed {chosen.seed}, {time.monotonic() - began:.0f} s.")
    if not told.wrong:
        shutil.rmtree(folder)
    return 1 if told.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
