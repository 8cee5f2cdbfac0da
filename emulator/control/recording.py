"""A span of the request log as a test that passes against another world: for pytest, for curl, or as a fixture file.

GET /_emulator/requests/export?format=pytest&since=req_…&until=req_…

What later requests name and earlier ones were answered becomes a reference to that answer, and a time that was still to
come one that is as far ahead. The time that passed between two requests passes again. What cannot be had again is
refused with the reason, since a test that proves something else would be worse than none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from emulator.control.recording_formats import Call, Moment, Recording, Reference, as_curl, as_fixtures, as_pytest
from emulator.data.api_versions import DEFAULT
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, invalid, no_such
from emulator.kernel.faults import covers
from emulator.kernel.params import Enum, Params, String
from emulator.kernel.render import Content
from emulator.kernel.requests import LoggedRequest
from emulator.kernel.routes import GET, STRIPES
from emulator.kernel.settings import RECORD
from emulator.kernel.tenants import Tenant

MOST = 1_000
FORMATS: dict[str, tuple[Callable[[Recording], str], str]] = {
    "pytest": (as_pytest, "text/x-python; charset=utf-8"),
    "curl": (as_curl, "text/x-shellscript; charset=utf-8"),
    "fixtures": (as_fixtures, "application/json"),
}
CLOCK = "/_emulator/clock"
# Of the emulator's own operations: what changes nothing that a test would notice, and what no test goes on after.
ASIDE = (
    "/_emulator/webhooks/drain", "/_emulator/snapshots", "/_emulator/snapshots/{name}", "/_emulator/fork",
    "/_emulator/issuing/authorizations/dry_run",
)  # fmt: skip
ANEW = ("/_emulator/reset", "/_emulator/world", "/_emulator/world/import", "/_emulator/snapshots/{name}/restore")
MADE = re.compile(r"(?P<prefix>[a-z]+(?:_[a-z]+)*)_(?:test_)?[0-9A-Za-z]{14,}")  # how ids look that worlds make
FUTURE_SECONDS = 5 * 366 * 86_400
NUMBERS = re.compile(r".*(amount|quantity|limit|month|year|day|seconds|advance)")  # what is written as a number
# Card numbers are not kept, so the published one stands for any.
PLACEHOLDERS = {"number": "4242424242424242", "cvc": "123"}
HIDDEN = "****"


class ExportParams(Params):
    """As what, and from which request to which, both included.

    Without `since` it begins where `record_requests` was switched on last, without `until` it ends with the newest.
    """

    format = Enum(tuple(FORMATS))
    since = String()
    until = String()


def export(tenant: Tenant, params: dict[str, Any]) -> Content:
    """Requests as a test. 400 where what was sent was not kept, or could not be sent again to another world."""
    lines = span(tenant, params.get("since"), params.get("until"))
    settings = {
        name: value
        for name, value in tenant.all_settings().items()
        if value != tenant.catalog.settings[name].default and name != RECORD
    }
    recording = Recorder(frozenset(tenant.catalog.prefixes)).recording(lines, settings)
    if not recording.calls:
        raise invalid("There is no request of the API among these that could be sent again.")
    write, media_type = FORMATS[params.get("format", "pytest")]
    return Content(write(recording).encode(), media_type)


def span(tenant: Tenant, since: str | None, until: str | None) -> list[LoggedRequest]:
    """The requests of a span, oldest first. 400 where nobody has had them kept."""
    log = tenant.tenants.request_log
    log.flush()
    bounds = []
    for name, id, operator in (("since", since, "gte"), ("until", until, "lte")):
        if id is not None:
            found = log.find(tenant.handle, id)
            if found is None:
                raise no_such("request", id, param=name, status=400)
            bounds.append(Condition("sequence", operator, found.sequence))
    lines = log.select(tenant.handle, bounds, limit=MOST)[::-1]
    if since is None:
        begun = [place for place, line in enumerate(lines) if switches_on(line)]
        lines = lines[begun[-1] :] if begun else [line for line in lines if line.recorded is not None]
    lines = [line for line in lines if line.method in ("GET", "POST", "DELETE")]
    if not lines or (since is None and not any(line.recorded for line in lines)):
        raise invalid(
            f"Nothing was recorded: change the setting {RECORD} to true first, and have your requests sent then."
        )
    return lines


def switches_on(line: LoggedRequest) -> bool:
    """Whether the recording begins here."""
    sent = (line.recorded or {}).get("params") or {}
    return line.path == "/_emulator/settings" and line.method == "POST" and sent.get(RECORD) == "true"


class Place(NamedTuple):
    """A member of a tree, by the names that lead there."""

    path: tuple[str | int, ...]
    value: Any


class Recorder:
    """Makes calls that can be sent again of requests that were sent."""

    def __init__(self, prefixes: frozenset[str]) -> None:
        self.prefixes = prefixes
        self.known: dict[str, Reference] = {}
        self.names: Counter[str] = Counter()
        self.replaced: set[str] = set()
        self.begun: int | None = None
        self.shown = 0  # by the clock of the recorded world

    def recording(self, lines: list[LoggedRequest], settings: dict[str, Any]) -> Recording:
        """All of them, in their order; `settings` are those of the world that were not changed on the way."""
        keys = Counter((line.account, line.idempotency_key) for line in lines)
        calls = []
        for line in lines:
            told = self.told(line)
            if told is None:
                continue
            if self.begun is None:
                self.begun = self.shown = told["now"]
            call = self.call(line, told, is_repeated=keys[(line.account, line.idempotency_key)] > 1)
            if call is None:
                continue
            calls.append(call)
            if line.path == "/_emulator/settings":
                settings = {name: value for name, value in settings.items() if name not in call.params}
        return Recording(calls, settings, sorted(self.replaced))

    def told(self, line: LoggedRequest) -> dict[str, Any] | None:
        """What was kept of a request; None for one that no test needs. 400 where it is not all there."""
        is_stripes = line.path.startswith(STRIPES)
        if not is_stripes and (line.method == "GET" or any(covers(path, line.path) for path in ASIDE)):
            return None
        if not is_stripes and any(covers(path, line.path) for path in ANEW) and line.status < 300:
            raise unrepeatable(line, "has put another world in the place of this one; begin after it")
        if line.recorded is None:
            raise unrepeatable(line, f"was answered while {RECORD} was off, so nobody knows what was sent")
        if "params" in line.recorded["left_out"]:
            raise unrepeatable(line, "sent more than is kept of a request")
        if line.recorded["key"] not in ("sk", "rk"):
            raise unrepeatable(line, "came with a key that was made for a client, which is not kept")
        return line.recorded

    def call(self, line: LoggedRequest, told: dict[str, Any], *, is_repeated: bool) -> Call | None:
        """A request as one that can be sent again; None where nothing is left of it."""
        reply = told["reply"] if isinstance(told["reply"], dict) else {}
        params = listed(told["params"])
        if line.path == "/_emulator/settings":
            params = {name: value for name, value in params.items() if name != RECORD}
            if not params:
                return None
        passes = max(told["now"] - self.shown, 0)
        if line.path == CLOCK and line.status < 300:
            passes, params = max(reply["now"] - self.shown, 0), {}
            self.shown = reply["now"]
            return Call("", "POST", CLOCK.split("/"), {"advance": passes}) if passes else None
        self.shown = max(told["now"], self.shown)
        call = Call(
            self.name_of(line, reply),
            line.method,
            [self.referred(unquote(part), line, "") for part in line.path.split("/")],
            {name: self.taken(value, line, name) for name, value in params.items()},
            account=self.referred(line.account, line, "account") if line.account else None,
            version=line.api_version if line.api_version not in (None, DEFAULT) else None,
            idempotency_key=line.idempotency_key if is_repeated else None,
            status=line.status,
            reply=reply,
            passes=passes,
        )
        if line.status < 300:
            self.learn(call)
        return call

    def learn(self, call: Call) -> None:
        """Remember which ids a reply was the first to tell."""
        for path, value in members(call.reply):
            if isinstance(value, str) and self.is_made(value):
                self.known.setdefault(value, Reference(call.name, path))

    def is_made(self, text: str) -> bool:
        """Whether it looks like an id that a world has made."""
        match = MADE.fullmatch(text)
        return match is not None and match["prefix"] in self.prefixes

    def name_of(self, line: LoggedRequest, reply: dict[str, Any]) -> str:
        """What an answer is called: by its kind, or for a list by what it lists."""
        kind = str(reply.get("object", "")).rpartition(".")[2] if line.status < 300 else "refusal"
        if kind in ("", "list", "search_result"):
            kind = next(part for part in reversed(line.path.split("/")) if part and MADE.fullmatch(part) is None)
        name = re.sub(r"\W", "_", kind)
        self.names[name] += 1
        return f"{name}_{self.names[name]}"

    def taken(self, value: Any, line: LoggedRequest, name: str) -> Any:
        """A parameter, with references for what was told before."""
        if isinstance(value, dict):
            if "content_type" in value and "size" in value:
                raise unrepeatable(line, "sent a file, which is not kept")
            if name == "metadata":
                return {inner: self.known.get(str(item), item) for inner, item in value.items()}
            return {inner: self.taken(item, line, inner) for inner, item in value.items()}
        if isinstance(value, list):
            return [self.taken(item, line, name) for item in value]
        if not isinstance(value, str):
            return value
        if value in ("true", "false") and line.path.startswith("/v1/"):
            return value == "true"
        if NUMBERS.fullmatch(name) and re.fullmatch(r"[1-9]\d{0,8}", value):
            return int(value)
        return self.referred(value, line, name)

    def is_to_come(self, number: int, line: LoggedRequest) -> bool:
        """Whether a number is a time that has not passed yet, by the world's clock or by the machine's."""
        return min(self.shown, line.created) < number < self.shown + FUTURE_SECONDS

    def referred(self, text: str, line: LoggedRequest, name: str) -> Any:
        """A text, or what it stands for. 400 for an id that no earlier answer tells, unless it was refused anyway."""
        if text in self.known:
            return self.known[text]
        if HIDDEN in text:
            if name not in PLACEHOLDERS:
                raise unrepeatable(line, f"sent a secret, which is not kept ({name or line.path})")
            self.replaced.add(name)
            return PLACEHOLDERS[name]
        if self.begun is not None and text.isdecimal() and self.is_to_come(int(text), line):
            return Moment(int(text) - self.begun)
        if self.is_made(text) and line.status < 300:
            raise unrepeatable(line, f"names {text}, which no earlier one of these was answered; begin with that one")
        return text


def members(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[Place]:
    """Every value of a tree that has none inside it, the outer ones first."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    items = list(inside)
    yield from (Place((*path, name), item) for name, item in items if not isinstance(item, dict | list))
    for name, item in items:
        if isinstance(item, dict | list):
            yield from members(item, (*path, name))


def listed(value: Any) -> Any:
    """A tree as it was sent, with lists where a form has numbers for names."""
    if isinstance(value, dict):
        inner = {name: listed(item) for name, item in value.items()}
        is_list = inner and list(inner) == [str(number) for number in range(len(inner))]
        return list(inner.values()) if is_list else inner
    return [listed(item) for item in value] if isinstance(value, list) else value


def unrepeatable(line: LoggedRequest, why: str) -> ApiError:
    """400: no test can be made of this."""
    return invalid(f"{line.id} ({line.method} {line.path}) {why}.")


ROUTES = [GET("/_emulator/requests/export", export, ExportParams, scope="tenant")]
