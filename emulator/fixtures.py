"""Worlds to start from: files in the Stripe CLI's fixture syntax, run over HTTP.

A file is a list of requests; a later one may use what an earlier one was answered, so `${card:cardholder.id}` is the
`cardholder.id` in the reply to the step named `card`. What runs here runs through `stripe fixtures` unchanged; where
the CLI would send something else than what stands in the file without a word, this runner refuses.

Source: https://github.com/stripe/stripe-cli/wiki/fixtures-command
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx

REFERENCE = re.compile(r"\$\{(?P<name>[^|:}]+):(?P<path>[^|}]+)(?:\|(?P<default>[^}]*))?\}")
MISSING = object()


class FixtureError(Exception):
    """What is wrong with a file or with the reply to one of its steps, as a sentence."""


@dataclass(frozen=True)
class Step:
    """One request of a file, references not yet followed."""

    name: str
    path: str
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    context: str | None = None
    expected_error_type: str | None = None


@dataclass(frozen=True)
class Fixtures:
    """A whole file: its steps in order, the variables that its replies set in `.env`, and what it is for.

    `settings` are those that the world has to have before the first step; the CLI does not know of them.
    """

    steps: tuple[Step, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


def read(path: Path) -> Fixtures:
    """A file as steps. FixtureError where it is no fixture file; OSError where it cannot be read."""
    try:
        return parsed(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise FixtureError(f"{path} is not JSON: {error}.") from None
    except FixtureError as error:
        raise FixtureError(f"{path}: {error}") from None


def parsed(content: Any) -> Fixtures:
    """Steps from a file's JSON. `api_base` is read over: every step goes to the one server that is asked."""
    if not isinstance(content, dict) or not isinstance(content.get("fixtures"), list):
        raise FixtureError('A fixture file is a hash with a list named "fixtures".')
    about = content.get("_meta", {})
    version = about.get("template_version", 0)
    if version != 0:
        raise FixtureError(f"Only template_version 0 is known, not {version}.")
    steps = tuple(step(row) for row in content["fixtures"])
    return Fixtures(steps, content.get("env", {}), about.get("description", ""), about.get("settings", {}))


def step(row: Mapping[str, Any]) -> Step:
    """One step from its JSON, with a FixtureError that names what it lacks."""
    for needed in ("name", "path", "method"):
        if not isinstance(row.get(needed), str):
            raise FixtureError(f"The step {row.get('name', row)} has no {needed}.")
    path, method = row["path"], row["method"].upper()
    if not path.startswith(("/v1/", "/v2/")):
        raise FixtureError(f"The path of {row['name']} must begin with /v1/ or /v2/, not {path}.")
    if method not in ("GET", "POST", "DELETE"):
        raise FixtureError(f"The method of {row['name']} must be get, post or delete, not {row['method']}.")
    return Step(
        name=row["name"],
        path=path,
        method=method,
        params=row.get("params") or {},
        headers=row.get("headers") or {},
        idempotency_key=row.get("idempotency_key"),
        context=row.get("context"),
        expected_error_type=row.get("expected_error_type"),
    )


def run(
    fixtures: Fixtures,
    http: httpx.Client,
    key: str,
    *,
    stripe_account: str | None = None,
    on_reply: Callable[[Step, httpx.Response], None] | None = None,
) -> dict[str, Any]:
    """Send every step in order and return the replies by name.

    `http` knows the server's address. A step that is refused ends the run with a FixtureError quoting the refusal,
    unless its `expected_error_type` is what came.
    """
    if fixtures.settings:
        set_up(fixtures, http, key)
    replies: dict[str, Any] = {}
    for one in fixtures.steps:
        try:
            response = http.send(request(one, replies, http, key, stripe_account))
        except FixtureError as error:
            raise FixtureError(f"{one.name}: {error}") from None
        if on_reply is not None:
            on_reply(one, response)
        replies[one.name] = checked(one, response)
    return replies


def set_up(fixtures: Fixtures, http: httpx.Client, key: str) -> None:
    """Give the world the settings that a file needs. FixtureError with the refusal where it cannot have them."""
    response = http.post(
        "/_emulator/settings",
        content=urlencode(list(pairs(fixtures.settings, {}))),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    checked(Step("_meta.settings", "/_emulator/settings", "POST"), response)


def request(
    one: Step, replies: Mapping[str, Any], http: httpx.Client, key: str, stripe_account: str | None
) -> httpx.Request:
    """A step as an HTTP request: v2 posts are JSON, everything else is a form."""
    headers = {"Authorization": f"Bearer {key}"}
    if stripe_account:
        headers["Stripe-Account"] = stripe_account
    if one.context:
        headers["Stripe-Context"] = filled(one.context, replies)
    if one.idempotency_key:
        headers["Idempotency-Key"] = filled(one.idempotency_key, replies)
    headers |= {name: filled(value, replies) for name, value in one.headers.items()}
    path = path_filled(one.path, replies)
    if one.method == "POST" and path.startswith("/v2/"):
        return http.build_request("POST", path, headers=headers, json=json_filled(one.params, replies))
    form = urlencode(list(pairs(one.params, replies)))
    if one.method == "GET":
        return http.build_request("GET", f"{path}?{form}" if form else path, headers=headers)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return http.build_request(one.method, path, headers=headers, content=form.encode())


def checked(one: Step, response: httpx.Response) -> Any:
    """The reply's JSON, unless it is a refusal that the step did not expect."""
    try:
        body = response.json()
    except ValueError:
        raise FixtureError(f"{one.name} was answered {response.status_code} without JSON.") from None
    if response.status_code < 300:
        return body
    error = body.get("error", {}) if isinstance(body, dict) else {}
    if one.expected_error_type and error.get("type") == one.expected_error_type:
        return body
    raise FixtureError(f"{one.name} was refused with {response.status_code}: {error.get('message', body)}")


def pairs(params: Mapping[str, Any], replies: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A hash as form fields: `a[b]`, `a[]` for plain items, `a[0][b]` for items that are hashes. Nulls are left out."""
    for name, value in params.items():
        yield from fields_of(name, value, replies)


def fields_of(name: str, value: Any, replies: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The form fields of one value."""
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from fields_of(f"{name}[{inner}]", item, replies)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            place = f"{name}[{index}]" if isinstance(item, Mapping | list) else f"{name}[]"
            yield from fields_of(place, item, replies)
    elif value is not None:
        yield name, filled(value, replies) if isinstance(value, str) else text(value)


def json_filled(value: Any, replies: Mapping[str, Any]) -> Any:
    """A JSON value with its references followed."""
    if isinstance(value, Mapping):
        return {name: json_filled(item, replies) for name, item in value.items()}
    if isinstance(value, list):
        return [json_filled(item, replies) for item in value]
    return filled(value, replies) if isinstance(value, str) else value


def path_filled(path: str, replies: Mapping[str, Any]) -> str:
    """A path with every reference replaced by what it points at."""
    return REFERENCE.sub(lambda match: quote(value_of(match, replies), safe=""), path)


def filled(value: str, replies: Mapping[str, Any]) -> str:
    """A string with its reference followed.

    The CLI sends only the referenced value when text stands around it, environment variables aside. Such a file
    would mean two things, so it is refused.
    """
    # Chance and the time of day are the client's here, as they are in the CLI; the server's world has its own.
    value = value.replace("${generate-uuid}", str(uuid.uuid4()))
    value = value.replace("${time-now-RFC3339}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    match = REFERENCE.search(value)
    if match is None:
        return value
    if match["name"] != ".env" and match[0] != value:
        raise FixtureError(f"A reference must be the whole value, and {value} has text around it.")
    return REFERENCE.sub(lambda found: value_of(found, replies), value)


def value_of(match: re.Match[str], replies: Mapping[str, Any]) -> str:
    """What one reference points at, or its default."""
    name, path, default = match["name"], match["path"], match["default"]
    if name == ".env":
        found: Any = os.environ.get(path) or environment_file().get(path) or MISSING
    elif name in replies:
        found = looked_up(replies[name], path)
    else:
        raise FixtureError(f"{match[0]} names a step that has not run: {name}.")
    if found is MISSING or found is None or found == "":
        if default is None:
            raise FixtureError(f"{match[0]} points at nothing.")
        return default
    return text(found)


def looked_up(value: Any, path: str) -> Any:
    """A dotted path into JSON, as gjson reads it: names, array indexes, `#` for an array's length or all its items."""
    head, _, rest = path.partition(".")
    if isinstance(value, Mapping):
        found = value.get(head, MISSING)
    elif isinstance(value, list) and head == "#":
        if not rest:
            return len(value)
        return [item for item in (looked_up(one, rest) for one in value) if item is not MISSING]
    elif isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        found = value[int(head)]
    else:
        return MISSING
    return looked_up(found, rest) if rest and found is not MISSING else found


def text(value: Any) -> str:
    """A JSON value as a form carries it: `true`, `25` for 25.0, hashes and lists as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, separators=(",", ":"))


def environment_file(folder: Path = Path()) -> dict[str, str]:
    """The variables of the `.env` in a folder; none where there is no such file."""
    try:
        lines = (folder / ".env").read_text().splitlines()
    except OSError:
        return {}
    rows = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, equals, value in rows if equals}


def write_environment(fixtures: Fixtures, replies: Mapping[str, Any], folder: Path = Path()) -> list[str]:
    """Set the file's `env` variables in an existing `.env`, as the CLI does, and return the names that were set."""
    path = folder / ".env"
    if not fixtures.env or not path.exists():
        return []
    values = {name: filled(value, replies) for name, value in fixtures.env.items()}
    kept = [
        line
        for line in path.read_text().splitlines()
        if line.strip().removeprefix("export ").partition("=")[0].strip() not in values
    ]
    path.write_text("\n".join([*kept, *(f'{name}="{value}"' for name, value in values.items())]) + "\n")
    return list(values)


def shipped_names() -> list[str]:
    """The worlds that come with the emulator."""
    return sorted(file.stem for file in shipped_folder().glob("*.json"))


def shipped(name: str) -> Path:
    """The file of a world that comes with the emulator."""
    return shipped_folder() / f"{name}.json"


def shipped_folder() -> Path:
    """Where `fixtures/` is: in an installed package among its data, in a checkout at the top."""
    package = Path(__file__).parent
    installed = package / "data" / "fixtures"
    return installed if installed.is_dir() else package.parent / "fixtures"
