"""Bad requests against every built operation: what is said, and that nothing changes."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from marshmallow import fields

from emulator.catalog import CATALOG
from emulator.kernel import params as p
from emulator.kernel.database.schema import Schema
from emulator.kernel.database.tenant_row import TenantRow
from emulator.kernel.routes import Route
from tests.client import Client
from tests.schemas import required_sample, sample

V1 = [route for route in CATALOG.routes if route.path.startswith("/v1/")]
# The Stripe CLI may send more with every release, so its sessions take anything.
STRICT = [route for route in V1 if route.path != "/v1/stripecli/sessions"]
NOT_STATE = ("idempotent_reply", "fault")
UNKNOWN_ID = "nope_1"


def name(route: Route) -> str:
    return f"{route.verb} {route.path}"


def state(client: Client) -> str:
    """A hash over every row of every table but the remembered replies and what faults have still to strike.

    How far the clock has come is left out: it runs on, whatever is refused.
    """
    tenant = client.app.emulator.tenants.open(client.key.split("_", 2)[2])  # type: ignore[attr-defined]
    digest = hashlib.sha256()
    with tenant.stored.reading() as session:
        for table in sorted(Schema(CATALOG.records.values()).tables):
            if table not in NOT_STATE:
                columns = [name for name in TenantRow._fields if name != "last_now"] if table == "tenant" else ["*"]
                for row in sorted(map(repr, session.all(f"SELECT {', '.join(columns)} FROM {table}"))):
                    digest.update(row.encode())
    return digest.hexdigest()


def filled(path: str) -> str:
    """A path whose ids name nothing."""
    return re.sub(r"\{[^}]+\}", UNKNOWN_ID, path)


def send(client: Client, route: Route, params: dict[str, Any]) -> Any:
    """One request of an operation with unknown path ids."""
    return client.send(route.verb, filled(route.path), params, None)


def wrong_values(field: fields.Field, path: str) -> list[tuple[Any, str | None, str]]:
    """Values of the wrong type or range: (value, code, how the message begins)."""
    if isinstance(field, p.Hash):
        return [] if getattr(field, "takes_text", False) else [("text", None, "Invalid object")]
    if isinstance(field, p.List):
        return [("text", None, "Invalid array")]
    if isinstance(field, p.Enum) and not isinstance(field, p.Integer):  # which may be a word as well
        return [("no_such_word", None, f"Invalid {path}: must be one of ")]
    if isinstance(field, p.Boolean):
        return [("yes", None, "Invalid boolean: yes")]
    if isinstance(field, p.Decimal):
        return [("abc", None, "Invalid decimal: abc")]
    if isinstance(field, p.Range):
        return [("abc", "parameter_invalid_integer", "Invalid integer: abc")]
    if isinstance(field, p.Metadata):
        return [("text", None, "Invalid object")]
    if isinstance(field, p.Integer):
        bad: list[tuple[Any, str | None, str]] = [("abc", "parameter_invalid_integer", "Invalid integer: abc")]
        if field.minimum is not None:
            below = f"This value must be greater than or equal to {field.minimum}."
            bad.append((field.minimum - 1, "parameter_invalid_integer", below))
        return bad
    if isinstance(field, p.Currency):
        return [("zzz", None, "Invalid currency: zzz.")]
    if isinstance(field, p.Country):
        return [("ZZ", "country_unsupported", "Country 'ZZ' is unknown.")]
    if isinstance(field, p.Email):
        return [("nobody", "email_invalid", "Invalid email address: nobody")]
    if isinstance(field, p.String):
        return [({"a": "b"}, None, 'Invalid string: {"a"=>"b"}')]
    return []


def bad_requests(route: Route) -> list[tuple[dict[str, Any], str, str | None, str]]:
    """Requests with one thing wrong: (parameters, param, code, how the message begins)."""
    base = required_sample(route.params)
    found: list[tuple[dict[str, Any], str, str | None, str]] = [
        ({**base, "zebra": "1"}, "zebra", "parameter_unknown", "Received unknown parameter: zebra")
    ]
    collect(route.params, base, [], found)
    return found


def collect(
    schema: type[p.Params],
    base: dict[str, Any],
    trail: list[str],
    found: list[tuple[dict[str, Any], str, str | None, str]],
) -> None:
    """One thing wrong with every parameter of a schema, nested ones included."""
    for key, field in schema.shared().fields.items():
        path = bracketed([*trail, key])
        for value, code, says in wrong_values(field, path):
            found.append((placed(base, trail, key, value), path, code, says))
        if field.required:
            rest = placed(base, trail, key, ABSENT)
            if not trail or inner_of(rest, trail):
                found.append((rest, path, "parameter_missing", f"Missing required param: {path}."))
        may_be_empty = getattr(field, "unset", False) or isinstance(field, p.Metadata)
        if not may_be_empty:
            empty = f"You passed an empty string for '{path}'."
            found.append((placed(base, trail, key, None), path, "parameter_invalid_empty", empty))
        if isinstance(field, p.List) and isinstance(field.inner, p.Hash):
            collect_elements(field.inner, base, trail, key, found)
        if isinstance(field, p.Hash) and sample(field):
            inside = placed(base, trail, key, sample(field) or {})
            collect(field.inner_params, inside, [*trail, key], found)
            stranger = placed(inside, [*trail, key], "zebra", "1")
            found.append((stranger, f"{path}[zebra]", "parameter_unknown", "Received unknown parameter: "))


def collect_elements(
    element: p.Hash,
    base: dict[str, Any],
    trail: list[str],
    key: str,
    found: list[tuple[dict[str, Any], str, str | None, str]],
) -> None:
    """One thing wrong with every parameter of the second of two hashes in a list."""
    inside: list[tuple[dict[str, Any], str, str | None, str]] = []
    collect(element.inner_params, sample(element), [], inside)
    path = bracketed([*trail, key])
    for wrong, param, code, says in inside:
        if wrong:  # an empty hash cannot be sent
            within = f"{path}[1][{param.partition('[')[0]}]" + "".join(param.partition("[")[1:])
            sent = placed(base, trail, key, [sample(element), wrong])
            found.append(
                (sent, within, code, says.replace(f"'{param}'", f"'{within}'").replace(f" {param}", f" {within}"))
            )
    stranger = placed(base, trail, key, [{**sample(element), "zebra": "1"}])
    found.append((stranger, f"{path}[0][zebra]", "parameter_unknown", "Received unknown parameter: "))


class Absent:
    """Marks a member that is left out."""


ABSENT = Absent()


def placed(base: dict[str, Any], trail: list[str], key: str, value: Any) -> dict[str, Any]:
    """A copy of a nested request with one member set or left out."""
    copy = dict(base)
    if trail:
        copy[trail[0]] = placed(dict(base.get(trail[0]) or {}), trail[1:], key, value)
    elif value is ABSENT:
        copy.pop(key, None)
    else:
        copy[key] = value
    return copy


def inner_of(base: dict[str, Any], trail: list[str]) -> dict[str, Any]:
    """The hash a trail leads to."""
    for key in trail:
        base = base.get(key) or {}
    return base


def bracketed(trail: list[str]) -> str:
    """`a[b][c]`."""
    return trail[0] + "".join(f"[{part}]" for part in trail[1:])


@pytest.mark.parametrize("route", STRICT, ids=name)
def test_every_bad_parameter_is_named_and_nothing_changes(route, platform):
    before = state(platform)

    for params, param, code, says in bad_requests(route):
        answer = send(platform, route, params)

        assert answer.status == 400, (params, answer.json)
        told = (answer.error["type"], answer.error.get("param"), answer.error.get("code"))
        assert told == ("invalid_request_error", param, code), (params, answer.error)
        assert answer.error["message"].startswith(says), (params, answer.error)
    assert state(platform) == before


@pytest.mark.parametrize("route", [route for route in V1 if "{" in route.path], ids=name)
def test_an_unknown_id_in_the_path_is_missing_after_the_parameters_are_checked(route, platform):
    before = state(platform)

    wrong = send(platform, route, {**required_sample(route.params), "zebra": "1"})
    answer = send(platform, route, required_sample(route.params))

    assert wrong.error["code"] == "parameter_unknown"
    assert answer.status in (400, 403, 404), answer.json
    assert answer.error["code"] in ("resource_missing", "account_invalid"), answer.error
    assert UNKNOWN_ID in answer.error["message"]
    assert state(platform) == before


@pytest.mark.parametrize("route", V1, ids=name)
def test_an_account_that_is_not_connected_gets_nowhere(route, platform):
    before = state(platform)

    answer = send(platform.acting_as("acct_stranger"), route, required_sample(route.params))

    assert (answer.status, answer.error["code"]) == (403, "account_invalid")
    assert state(platform) == before
