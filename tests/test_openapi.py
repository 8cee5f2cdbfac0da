"""The OpenAPI document says of every operation what the emulator checks, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from jsonschema import ValidationError
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from emulator.catalog import CATALOG
from emulator.kernel import params as p
from emulator.kernel.routes import Route
from emulator.openapi import FORM, MULTIPART, document, member
from tests.client import Client
from tests.schemas import required_sample, sample

DOCUMENT = document(CATALOG)
BY_FORM = [route for route in CATALOG.routes if route.verb == "POST"]


def described(route: Route) -> dict[str, Any]:
    """What the document says of an operation."""
    return DOCUMENT["paths"][route.path][route.verb.lower()]


def body_of(route: Route) -> dict[str, Any]:
    """The schema of what an operation takes."""
    ((_, media),) = described(route)["requestBody"]["content"].items()
    return media["schema"]


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is as a schema says."""
    whole = {**schema, "components": DOCUMENT["components"]}
    try:
        OAS31Validator(whole).validate(value)
    except ValidationError:
        return False
    return True


def test_the_document_is_valid_openapi() -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()]

    assert errors == []


def test_every_route_is_in_it_and_nothing_else() -> None:
    told = {(verb.upper(), path) for path, verbs in DOCUMENT["paths"].items() for verb in verbs}

    assert told == {(route.verb, route.path) for route in CATALOG.routes}


def test_the_control_api_has_a_document_of_its_own(platform: Client) -> None:
    told = platform.read("/_emulator/openapi")

    assert [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()] == []
    assert set(told["paths"]) == {route.path for route in CATALOG.routes if route.path.startswith("/_emulator/")}
    assert told["info"]["title"].endswith(", control API")


def test_every_parameter_of_every_schema_is_in_it() -> None:
    for route in CATALOG.routes:
        names = set(route.params.shared().fields) | ({"expand"} if route.path.startswith("/v1/") else set())
        if route.path.startswith("/v2/") and not route.is_list and route.returns and route.returns.includes:
            names.add("include")
        in_query = {one["name"] for one in described(route)["parameters"] if one.get("in") == "query"}
        in_body = set(body_of(route)["properties"]) if route.verb == "POST" else set()

        assert (in_body if route.verb == "POST" else in_query) == names, route.signature


@pytest.mark.parametrize("route", BY_FORM, ids=lambda route: route.signature)
def test_the_smallest_request_that_a_schema_accepts_fits_the_document(route: Route) -> None:
    smallest = {name: value for name, value in required_sample(route.params).items() if not isinstance(value, tuple)}
    schema = body_of(route)
    files = {name for name, one in schema["properties"].items() if one.get("format") == "binary"}

    assert fits({**smallest, **dict.fromkeys(files, "content")}, schema)
    assert not fits({**smallest, **dict.fromkeys(files, "content"), "no_such": "x"}, schema)
    for name in schema.get("required", ()):
        assert not fits({other: value for other, value in smallest.items() if other != name}, schema)


@pytest.mark.parametrize(
    "field, taken, refused",
    [
        (p.Amount(), [1, 99_999_999], [0, 100_000_000, "x"]),
        (p.Integer(), [-(2**63) + 1, 2**63 - 1], [2**63]),
        (p.Integer(minimum=1, unset=True), [1, ""], [0, "x"]),
        (p.String(max_length=3), ["x", "xxx"], ["", "xxxx"]),
        (p.String(pattern="[0-9]{4}|x"), ["1234", "x"], ["12345", "xx"]),
        (p.Boolean(), [True], [1]),
        (p.Decimal(whole_digits=2), ["1", "-12.5"], ["123", "1.", "x"]),
        (p.Enum(("a", "b"), accepts=("c",)), ["a", "b", "c"], ["d", ""]),
        (p.Currency(), ["usd"], ["xxx"]),
        (p.Country(), ["US"], ["XX"]),
        (p.ByCurrency(p.Integer()), [{"eur": 1}, {"eur": 1, "usd": 2}], [{"euro": 1}, {"eur": "x"}, 1]),
        (p.List(p.Enum(("a",)), most=2), [["a"], ["a", "a"]], [["b"], ["a"] * 3]),
        (p.Range(), [5, {"gte": 1, "lt": 3}], [{"above": 1}, "x"]),
        (p.Metadata(), [{"k": "v"}, {"k": ""}, ""], [{"k" * 41: "v"}, {"k": "v" * 501}]),
    ],
)
def test_a_field_takes_what_the_document_says_it_takes(field: Any, taken: list[Any], refused: list[Any]) -> None:
    assert [value for value in taken if not fits(value, member(field))] == []
    assert [value for value in refused if fits(value, member(field))] == []
    for value in taken:
        field.deserialize(as_sent(value))
    for value in refused:
        with pytest.raises(p.ValidationError):
            field.deserialize(as_sent(value))


def as_sent(value: Any) -> Any:
    """A value as the form has it."""
    if isinstance(value, dict):
        return {name: as_sent(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_sent(one) for one in value]
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def test_hashes_and_lists_are_sent_with_brackets_and_files_in_parts() -> None:
    card = next(route for route in BY_FORM if route.path == "/v1/issuing/cards")
    file = next(route for route in BY_FORM if route.path == "/v1/files")

    content = described(card)["requestBody"]["content"]
    assert content[FORM]["encoding"]["spending_controls"] == {"style": "deepObject", "explode": True}
    assert "cardholder" not in content[FORM]["encoding"]
    assert list(described(file)["requestBody"]["content"]) == [MULTIPART]


def test_a_reply_is_told_by_its_record_and_leads_on() -> None:
    made = described(next(route for route in BY_FORM if route.path == "/v1/issuing/cards"))
    reply = DOCUMENT["components"]["responses"]["issuing.card"]

    assert made["responses"]["200"] == {"$ref": "#/components/responses/issuing.card"}
    assert reply["links"]["issuing.cards.retrieve"]["parameters"] == {"path.card": "$response.body#/id"}


def test_every_variable_of_a_path_that_names_a_record_says_which() -> None:
    silent = {
        one["name"]
        for verbs in DOCUMENT["paths"].values()
        for operation in verbs.values()
        for one in operation["parameters"]
        if one.get("in") == "path" and "x-record" not in one["schema"]
    }

    # Of `why`, of requests, of pages that are opened without a key, of ephemeral keys, which nobody can read, of
    # snapshots and of books.
    assert silent == {"id", "token", "key", "name", "book"}


def test_the_command_prints_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulator.cli", "openapi", "--url", "http://localhost:1"],
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout) == json.loads(json.dumps(document(CATALOG, "http://localhost:1")))


def test_a_sample_of_every_parameter_fits() -> None:
    unfit = [
        f"{route.signature} {name}"
        for route in CATALOG.routes
        for name, field in route.params.shared().fields.items()
        if type(field) is not p.Param and not fits(sample(field), member(field))
    ]

    assert unfit == []
