"""Recorded requests as text: a test for pytest, a script for curl, a file for `stripe fixtures`. Pure.

    Recording ─┬─ as_pytest     a function with `stripe_world`, through the official SDK
               ├─ as_curl       a bash script; it needs curl and python3
               └─ as_fixtures   the Stripe CLI's own format, which no time passes in

Each passes where the answers are what they were, as far as that is the same in every world.
"""

from __future__ import annotations

import json
import keyword
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from emulator.kernel.errors import invalid

WIDTH = 100
# What is the same in every world, of an object that is answered.
FACTS = ("object", "status", "approved", "amount", "currency", "deleted")
SCRIPT = """\
#!/usr/bin/env bash
{about}
# STRIPE_API_KEY names the world, which should be a new one; STRIPE_EMULATOR_URL the server.
set -euo pipefail
: "${{STRIPE_API_KEY:=sk_test_recorded_$$}}" "${{STRIPE_EMULATOR_URL:=http://127.0.0.1:12111}}"

ask() {{  # status method path [options of curl]: the body of the reply in REPLY
  local wanted=$1 method=$2 path=$3 status
  shift 3
  REPLY=$(curl -sS -X "$method" "$STRIPE_EMULATOR_URL$path" -u "$STRIPE_API_KEY:" -w '\\n%{{http_code}}' "$@")
  status=${{REPLY##*$'\\n'}} REPLY=${{REPLY%$'\\n'*}}
  [ "$status" = "$wanted" ] || {{ echo "$method $path: $status, not $wanted: $REPLY" >&2; exit 1; }}
}}

member() {{  # a member of the reply, by the names that lead there
  python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[int(name) if isinstance(value, list) else name]
print(value if isinstance(value, str) else json.dumps(value))' "$@" <<<"$REPLY"
}}

is() {{  # a value, and the names that lead to it
  local wanted=$1 found
  shift
  found=$(member "$@")
  [ "$found" = "$wanted" ] || {{ echo "$*: $found, not $wanted" >&2; exit 1; }}
}}
"""


class Reference(NamedTuple):
    """A member of what an earlier call was answered."""

    call: str
    path: tuple[str | int, ...]


class Moment(NamedTuple):
    """So many seconds after the beginning."""

    seconds: int

    def after(self, start: str) -> str:
        """The same as a sum."""
        return f"{start} {'-' if self.seconds < 0 else '+'} {abs(self.seconds)}"


class Call(NamedTuple):
    """One request. Its path is in segments; references stand for ids, and moments for times.

    `passes` are seconds that pass before it.
    """

    name: str
    method: str
    path: list[Any]
    params: dict[str, Any]
    account: Any = None
    version: str | None = None
    idempotency_key: str | None = None
    status: int = 200
    reply: dict[str, Any] = {}  # noqa: RUF012
    passes: int = 0

    @property
    def error(self) -> dict[str, Any]:
        """What it was refused with."""
        error = self.reply.get("error")
        return error if isinstance(error, dict) else {}

    @property
    def facts(self) -> dict[str, Any]:
        """What its answer says in every world."""
        if self.status >= 300 or self.path[1] == "_emulator":
            return {}
        return {name: self.reply[name] for name in FACTS if isinstance(self.reply.get(name), str | int | bool)}

    @property
    def is_json(self) -> bool:
        """Whether its parameters are sent as JSON."""
        return self.method == "POST" and self.path[1] == "v2"

    def parts(self) -> Iterator[Any]:
        """Whatever may be a reference."""
        yield from (*self.path, self.account, *values(self.params))


class Recording(NamedTuple):
    """Calls in their order, the settings of their world, and the names of parameters that were replaced."""

    calls: list[Call]
    settings: dict[str, Any]
    replaced: list[str]

    @property
    def about(self) -> str:
        """What it is, in a line."""
        said = f"{len(self.calls)} requests, recorded by stripe-emulator."
        if self.replaced:
            said += f" Not kept, and replaced: {', '.join(self.replaced)}."
        return said

    @property
    def used(self) -> set[str]:
        """The names of calls that later ones refer to."""
        return {part.call for call in self.calls for part in call.parts() if isinstance(part, Reference)}


def values(tree: Any) -> Iterator[Any]:
    """The values of a tree that have none inside them."""
    if isinstance(tree, dict):
        for item in tree.values():
            yield from values(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from values(item)
    else:
        yield tree


# pytest


def as_pytest(recording: Recording) -> str:
    """A file with one test. Its clock stands still but for the time that is let pass."""
    body: list[str] = []
    if recording.settings:
        body.append(spread("stripe_world.settings", [], recording.settings))
    body += ["client = stripe_world.client(max_network_retries=0)", "stripe_world.clock.freeze()"]
    if any(isinstance(part, Moment) for call in recording.calls for part in call.parts()):
        body.append("start = int(stripe_world.clock.now.timestamp())")
    used = recording.used
    for call in recording.calls:
        body.append("")
        body += pytest_lines(call, is_used=call.name in used)
    fails = any(call.status >= 300 for call in recording.calls)
    imports = "import pytest\nimport stripe\n\n\n" if fails else "\n"
    text = "\n".join(f"    {line}" if line else "" for part in body for line in part.split("\n"))
    return f'"""{recording.about}"""\n\n{imports}def test_recorded(stripe_world):\n{text}\n'


def pytest_lines(call: Call, *, is_used: bool) -> Iterator[str]:
    """One call, and what is known of its answer."""
    if call.passes:
        yield f"stripe_world.clock.advance({call.passes})"
    more = {"stripe_account": call.account, "stripe_version": call.version, "idempotency_key": call.idempotency_key}
    params = {**call.params, **{name: value for name, value in more.items() if value is not None}}
    asked = spread("client.raw_request", [python(call.method.lower()), python_path(call.path)], params)
    if call.status >= 300:
        yield "with pytest.raises(stripe.StripeError) as refused:"
        yield "\n".join(f"    {line}" for line in asked.split("\n"))
        yield f"assert refused.value.http_status == {call.status}"
        if call.error.get("code") is not None:
            yield f"assert refused.value.code == {python(call.error['code'])}"
        return
    if is_used or call.facts:
        yield f"{call.name} = {asked}.data"
    else:
        yield asked
    for name, value in call.facts.items():
        yield f'assert {call.name}["{name}"] {"is" if isinstance(value, bool) else "=="} {python(value)}'


def python_path(path: list[Any]) -> str:
    """A path as Python has it."""
    text = "/".join(part if isinstance(part, str) else "{" + python(part).replace('"', "'") + "}" for part in path)
    return f'{"f" if any(not isinstance(part, str) for part in path) else ""}"{text}"'


def python(value: Any) -> str:
    """A value as Python has it, in a line."""
    if isinstance(value, Reference):
        return value.call + "".join(f"[{json.dumps(name)}]" for name in value.path)
    if isinstance(value, Moment):
        return value.after("start")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{python(name)}: {python(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(python, value)) + "]"
    if isinstance(value, str):
        text = repr(value)
        return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text
    return repr(value)


def spread(function: str, arguments: list[str], params: dict[str, Any]) -> str:
    """A call with some arguments and named ones, in one line or with one for each."""
    plain = {name: value for name, value in params.items() if name.isidentifier() and not keyword.iskeyword(name)}
    others = {name: value for name, value in params.items() if name not in plain}
    arguments = [*arguments, *(f"{name}={python(value)}" for name, value in plain.items())]
    arguments += [f"**{python(others)}"] if others else []
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{function}(", *(f"    {argument}," for argument in arguments), ")"])


# curl


def as_curl(recording: Recording) -> str:
    """A script that ends with an exit code other than 0 where an answer is another."""
    lines = [SCRIPT.format(about=f"# {recording.about}")]
    lines += [f"ask 200 POST /_emulator/settings {data}" for data in forms(recording.settings) if recording.settings]
    lines.append("ask 200 POST /_emulator/clock -d frozen=true")
    if any(isinstance(part, Moment) for call in recording.calls for part in call.parts()):
        lines.append("start=$(member now)")
    wanted: dict[str, list[Reference]] = {}
    for call in recording.calls:
        for part in call.parts():
            if isinstance(part, Reference) and part not in wanted.setdefault(part.call, []):
                wanted[part.call].append(part)
    for call in recording.calls:
        lines += ["", *curl_lines(call)]
        lines += [
            f"{variable(one)}=$(member {' '.join(shlex.quote(str(name)) for name in one.path)})"
            for one in wanted.get(call.name, [])
        ]
    return "\n".join(lines) + "\n"


def curl_lines(call: Call) -> Iterator[str]:
    """One call, and what is known of its answer."""
    if call.passes:
        yield f"ask 200 POST /_emulator/clock -d advance={call.passes}"
    options = []
    headers = {"Stripe-Account": call.account, "Stripe-Version": call.version, "Idempotency-Key": call.idempotency_key}
    options += [f"-H {quoted([f'{name}: ', value])}" for name, value in headers.items() if value is not None]
    if call.is_json:
        options += ["-H 'Content-Type: application/json'", f"--data-raw {quoted(json_parts(call.params))}"]
    elif call.params:
        options += ([] if call.method == "POST" else ["-G"]) + list(forms(call.params))
    path = quoted([piece for part in call.path[1:] for piece in ("/", part)])
    yield " \\\n  ".join([f"ask {call.status} {call.method} {path}", *options])
    for name, value in call.facts.items():
        yield f"is {shlex.quote(value if isinstance(value, str) else json.dumps(value))} {name}"
    if call.error.get("code") is not None:
        yield f"is {shlex.quote(call.error['code'])} error code"


def forms(params: dict[str, Any]) -> Iterator[str]:
    """Parameters as options of curl."""
    for name, value in pairs(params):
        yield f"--data-urlencode {quoted([f'{name}=', value])}"


def pairs(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """A tree as a form has it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield name, value if isinstance(value, str | Reference | Moment) else json.dumps(value)
        return
    for inner, item in items:
        yield from pairs(item, f"{name}[{inner}]" if name else str(inner))


def json_parts(value: Any) -> list[Any]:
    """JSON in pieces, between which references stand."""
    if isinstance(value, dict):
        return ["{", *between([[f"{json.dumps(name)}: ", *json_parts(item)] for name, item in value.items()]), "}"]
    if isinstance(value, list):
        return ["[", *between([json_parts(item) for item in value]), "]"]
    if isinstance(value, Reference):
        return ['"', value, '"']
    return [value] if isinstance(value, Moment) else [json.dumps(value)]


def between(groups: list[list[Any]]) -> Iterator[Any]:
    """The pieces of all groups, a comma between each two."""
    for number, group in enumerate(groups):
        yield from ([", "] if number else [])
        yield from group


def quoted(pieces: list[Any]) -> str:
    """Pieces as one word of a shell."""
    said = ""
    text = ""
    for piece in [*pieces, None]:
        if isinstance(piece, str):
            text += piece
            continue
        said += shlex.quote(text) if text else ""
        text = ""
        if isinstance(piece, Reference):
            said += f'"${variable(piece)}"'
        elif isinstance(piece, Moment):
            said += f'"$(({piece.after("start")}))"'
    return said


def variable(reference: Reference) -> str:
    """What a member of an answer is called in a script."""
    return "_".join([reference.call, *map(str, reference.path)])


# The Stripe CLI's fixtures


def as_fixtures(recording: Recording) -> str:
    """A file for `stripe fixtures` and `stripe-emulator seed`. 400 for what its format cannot say."""
    steps = [fixture(call) for call in recording.calls]
    about = {"template_version": 0, "description": recording.about}
    if recording.settings:
        about["settings"] = recording.settings
    return json.dumps({"_meta": about, "fixtures": steps}, indent=2) + "\n"


def fixture(call: Call) -> dict[str, Any]:
    """One call as a step."""
    where = "/".join(str(template(part)) for part in call.path)
    if call.path[1] not in ("v1", "v2"):
        raise invalid(f"A file of fixtures cannot have {call.method} {where} in it; record it as pytest or curl.")
    if any(isinstance(part, Moment) for part in call.parts()):
        raise invalid(
            f"{call.method} {where} names a time that was to come, which a file of fixtures cannot; record it as "
            "pytest or curl."
        )
    headers = {"Stripe-Account": template(call.account), "Stripe-Version": call.version}
    step: dict[str, Any] = {
        "name": call.name,
        "path": where,
        "method": call.method.lower(),
        "params": template(call.params),
        "headers": {name: value for name, value in headers.items() if value is not None},
        "idempotency_key": call.idempotency_key,
        "expected_error_type": call.error.get("type") if call.status >= 300 else None,
    }
    return {name: value for name, value in step.items() if value}


def template(value: Any) -> Any:
    """A tree with references as a file of fixtures has them."""
    if isinstance(value, Reference):
        return "${" + f"{value.call}:{'.'.join(map(str, value.path))}" + "}"
    if isinstance(value, dict):
        return {name: template(item) for name, item in value.items()}
    return [template(item) for item in value] if isinstance(value, list) else value
