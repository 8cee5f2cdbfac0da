"""A client for tests: plain keyword arguments in, a checked reply out.

    platform.post("/v1/issuing/cards", cardholder="ich_1", currency="usd", type="virtual").json["id"]

Nested hashes and lists become bracketed form keys, booleans and numbers become text, None becomes an empty text; what
is posted to v2 goes as JSON. Every reply of the API is held against the published contract; one that differs fails the
test at once. So does one that clients which pin an older version could not be told.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
from flask import Flask

from emulator.data.api_versions import DEFAULT
from emulator.kernel.routes import Route
from tests.contract import Recorder
from tests.contract.older import SAMPLED, told_again

RECORDER = Recorder()


class Answer(NamedTuple):
    """Status, parsed body and headers of a reply."""

    status: int
    json: Any
    headers: Any
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error of a refusal; empty for a success."""
        return self.json.get("error", {})


class Client:
    """Speaks to an application in this process with one API key, for the platform or one connected account."""

    def __init__(self, app: Flask, key: str, account: str | None = None, version: str | None = None) -> None:
        self.app = app
        self.key = key
        self.account = account
        self.version = version
        self.http = app.test_client()

    def acting_as(self, account: str) -> Client:
        """The same key, acting for a connected account."""
        return type(self)(self.app, self.key, account, self.version)

    def pinned(self, version: str) -> Client:
        """The same client, but one that sends an older `Stripe-Version`."""
        return type(self)(self.app, self.key, self.account, version)

    def get(self, path: str, /, *, headers: dict[str, str] | None = None, **params: Any) -> Answer:
        """A GET with query parameters."""
        return self.send("GET", path, params, headers)

    def delete(self, path: str, /, *, headers: dict[str, str] | None = None, **params: Any) -> Answer:
        """A DELETE with query parameters."""
        return self.send("DELETE", path, params, headers)

    def post(self, path: str, /, *, headers: dict[str, str] | None = None, **params: Any) -> Answer:
        """A POST with a form body, multipart when a value is an open file."""
        return self.send("POST", path, params, headers)

    def made(self, path: str, /, **params: Any) -> dict[str, Any]:
        """A POST that must succeed; its object."""
        answer = self.post(path, **params)
        assert answer.status == 200, answer.json
        return answer.json

    def read(self, path: str, /, **params: Any) -> dict[str, Any]:
        """A GET that must succeed; its object."""
        answer = self.get(path, **params)
        assert answer.status == 200, answer.json
        return answer.json

    def events(self, **params: Any) -> list[dict[str, Any]]:
        """This account's events, oldest first."""
        return list(reversed(self.read("/v1/events", limit=100, **params)["data"]))

    def event_types(self, since: int = 0) -> list[str]:
        """The types of this account's events in order, the first `since` left out."""
        return [event["type"] for event in self.events()][since:]

    def send(self, verb: str, path: str, params: dict[str, Any], headers: dict[str, str] | None) -> Answer:
        """One request; its reply is checked against the contract."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        if self.account is not None:
            sent.setdefault("Stripe-Account", self.account)
        if self.version is not None:
            sent.setdefault("Stripe-Version", self.version)
        pairs = list(flat(params))
        fields: dict[str, list[Any]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        place: dict[str, Any] = {}
        if verb == "POST" and path.startswith("/v2/"):
            place = {"json": params}
        elif fields:
            place = {"data": fields} if verb == "POST" else {"query_string": fields}
        response = self.http.open(path, method=verb, headers=sent, **place)
        body = response.get_data()
        is_json = response.mimetype == "application/json"
        answer = Answer(response.status_code, orjson.loads(body) if is_json else None, response.headers, body)
        if is_json:
            checked(self.app, verb, path.partition("?")[0], answer)
        return answer

    # The tenant itself

    def clock(self, **how: Any) -> dict[str, Any]:
        """Move the tenant's clock: `advance` seconds, or `set` a time, or `frozen`."""
        return self.made("/_emulator/clock", **how)

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings of the tenant."""
        return self.made("/_emulator/settings", **changes)


def checked(app: Flask, verb: str, path: str, answer: Answer) -> None:
    """Hold a reply of the API against the contract."""
    if not path.startswith(("/v1/", "/v2/")):
        return
    found = app.emulator.tenants.catalog.table.find(verb, path)  # type: ignore[attr-defined]
    template = found[0].path if found is not None else path
    version = answer.headers.get("Stripe-Version")
    complaints = RECORDER.record(verb, template, answer.status, answer.json, version)
    if answer.status == 200 and version == DEFAULT and path.startswith("/v1/"):
        complaints += [said for pin in SAMPLED for said in told_again(answer.json, pin)]
    assert not complaints, f"{verb} {template}: " + "; ".join(complaints)
    assert found is None or isinstance(found[0], Route) or answer.status in (401, 400, 403, 501)


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values as bracketed form pairs, the way the official SDKs send them."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from flat(item, f"{name}[{index}]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is None:
        yield name, ""
    elif isinstance(value, tuple):
        content, filename = value  # a file part
        yield name, (io.BytesIO(content) if isinstance(content, bytes) else content, filename)
    else:
        yield name, str(value)
