"""Our parameter schemas in the form the contract describes published ones, and sample values for their fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from marshmallow import fields

from emulator.connect.shapes import Percent
from emulator.kernel import params as p
from emulator.payments.product import Measure


class Ours(NamedTuple):
    """One accepted parameter: its bracket path as the contract writes it, and the field that reads it."""

    path: str
    field: fields.Field
    required: bool
    choices: frozenset[str]


def flattened(schema: type[p.Params], start: str = "") -> Iterator[Ours]:
    """Every parameter of a schema, nested ones included."""
    for name, field in schema.shared().fields.items():
        yield from flattened_field(field, f"{start}[{name}]" if start else name)


def flattened_field(field: fields.Field, path: str) -> Iterator[Ours]:
    """A parameter and what stands inside it."""
    yield Ours(path, field, field.required, frozenset(field.values) if isinstance(field, p.Enum) else frozenset())
    if isinstance(field, p.Hash):
        yield from flattened(field.inner_params, path)
    elif isinstance(field, p.List | p.ByCurrency):
        yield from flattened_field(field.inner, path + "[]")
    elif isinstance(field, p.Metadata):
        yield Ours(path + "[]", p.String(), False, frozenset())
    elif isinstance(field, p.Range):
        for bound in p.Range.BOUNDS:
            yield Ours(f"{path}[{bound}]", p.Integer(), False, frozenset())


def form(field: fields.Field) -> set[str]:
    """The forms a field takes, in the contract's words; none for fields that read a form of their own."""
    if isinstance(field, p.Hash):
        return {"hash", "string"} if getattr(field, "takes_text", False) else {"hash"}
    kinds = {
        p.List: "list",
        p.ByCurrency: "map",
        p.Metadata: "map",
        p.Enum: "enum",
        p.Integer: "integer",
        p.Boolean: "boolean",
        p.Decimal: "decimal",
        p.String: "string",
    }
    if isinstance(field, p.Range):
        return {"integer", "hash"}
    return {kind for one, kind in kinds.items() if isinstance(field, one)}


def sample(field: fields.Field) -> Any:
    """A value that the schema accepts; whether the operation does is another matter."""
    if isinstance(field, p.Hash):
        members = field.schema.fields
        first = next(iter(members), None)  # a hash without members cannot be sent
        return {name: sample(inner) for name, inner in members.items() if inner.required or name == first}
    if isinstance(field, p.List):
        return [sample(field.inner)]
    if isinstance(field, p.ByCurrency):
        return {"eur": sample(field.inner)}
    if isinstance(field, p.Enum):
        return field.values[0]
    if isinstance(field, p.Integer):
        return max(1, field.minimum or 1)
    if isinstance(field, p.Range):
        return 1
    if isinstance(field, p.Metadata):
        return {"k": "v"}
    if type(field) is p.Param:
        return b"content", "file.txt"
    if isinstance(field, p.String) and field.pattern:
        return next(
            text
            for text in ("x", "404", "1234", "2026-12-31", "123456789", "txcd_10000000", "sk_test_other")
            if field.pattern.fullmatch(text)
        )
    samples = {
        p.Boolean: True,
        p.Decimal: "1.0",
        p.Currency: "usd",
        p.Country: "US",
        p.Email: "a@example.com",
        Measure: 1.5,
        Percent: 10,
    }
    return next((text for kind, text in samples.items() if isinstance(field, kind)), "x")


def required_sample(schema: type[p.Params]) -> dict[str, Any]:
    """The smallest request that a schema accepts."""
    return {name: sample(field) or filled(field) for name, field in schema.shared().fields.items() if field.required}


def filled(field: fields.Field) -> Any:
    """A hash without required members, with one of the others: an empty hash cannot be sent."""
    name, inner = next(iter(field.schema.fields.items()))
    return {name: sample(inner)}
