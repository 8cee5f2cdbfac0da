"""What is built, as an OpenAPI document: made of the routes and the parameter schemas, so it says what is checked.

Parameters of POST are forms with bracketed names (`style: deepObject`), multipart where there is a file, and JSON below
`/v2/`; those of GET and DELETE stand in the query in the same way as forms. Replies are told by their record: `id`,
`object`, and with which operations one may go on (`links`); what else a record shows is Stripe's own reference to tell.
What only code can judge, such as which letters a name may have, is not in here: a request that fits may be refused.

Source: https://spec.openapis.org/oas/v3.1.1.html; forms as in https://github.com/stripe/openapi
"""

from __future__ import annotations

import inspect
import re
import typing
from collections import Counter
from collections.abc import Iterator
from functools import singledispatch
from typing import Any

from marshmallow import fields

from emulator import __version__
from emulator.connect.account_params import DelayDays
from emulator.connect.external_accounts import ExternalAccountField, FromFinancialAccountParams
from emulator.connect.params_v2 import AnyHash, OnlyInV1
from emulator.connect.shapes import Percent
from emulator.data.api_versions import DEFAULT
from emulator.data.countries import COUNTRIES
from emulator.data.currencies import CURRENCIES
from emulator.developer.file_links import End
from emulator.kernel import params as p
from emulator.kernel.catalog import Catalog
from emulator.kernel.dates import SPAN
from emulator.kernel.records import Kind
from emulator.kernel.render import Content, Deleted
from emulator.kernel.routes import Route
from emulator.payments.price import UpTo
from emulator.payments.product import Measure

Json = dict[str, Any]
FORM, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"
VARIABLE = re.compile(r"\{([^}]+)\}")
UNSET = {"const": "", "description": "Unsets it."}
UNSET_IN_V2 = {"type": "null", "description": "Unsets it."}
NESTED = {"style": "deepObject", "explode": True}
HEADERS = {
    "account": ("Stripe-Account", "The connected account to act for.", 255),
    "version": ("Stripe-Version", "The API version to be answered in.", 64),
    "idempotency": ("Idempotency-Key", "A request sent again with its key is carried out once.", 255),
}


CONTROL = "/_emulator/"


def document(catalog: Catalog, server: str = "http://127.0.0.1:12111", *, below: str = "/") -> Json:
    """The document of everything that a catalog serves, or of what is below a path: the control API is `CONTROL`."""
    described = Described(catalog)
    paths: Json = {}
    is_control = below == CONTROL
    for route in catalog.routes:
        if not route.path.startswith(below):
            continue
        paths.setdefault(route.path, {})[route.verb.lower()] = described.operation(route)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "stripe-issuing-emulator" + (", control API" if is_control else ""),
            "version": __version__,
            "description": "What moves, keeps and explains the worlds of this emulator."
            if is_control
            else f"What this emulator of Stripe's API {DEFAULT} serves, and what it checks of a request.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "security": [{"bearer": []}, {"basic": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A test key: sk_test_…, rk_test_…"},
                "basic": {"type": "http", "scheme": "basic", "description": "The test key as the user's name."},
            },
            "parameters": {
                short: {
                    "name": name,
                    "in": "header",
                    "description": says,
                    "schema": {"type": "string", "minLength": 1, "maxLength": most},
                }
                for short, (name, says, most) in HEADERS.items()
            },
            "schemas": {
                "country": {"enum": sorted(COUNTRIES)},
                "currency": {"enum": list(CURRENCIES), "description": "Taken in upper case too."},
                "error": ERROR,
                **dict(sorted(described.schemas.items())),
            },
            "responses": {
                "error": reply("The request was refused.", {"$ref": "#/components/schemas/error"}),
                "deleted": reply("What is left of a deleted object.", DELETED),
                "deleted_in_v2": reply("What is left of a deleted object.", DELETED_IN_V2),
                "hash": reply("An object that has no id.", {"type": "object"}),
                "content": {"description": "The content itself.", "content": {"*/*": {}}},
                **dict(sorted(described.responses.items())),
            },
        },
    }


ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message"],
            "properties": {name: {"type": "string"} for name in ("code", "doc_url", "message", "param", "type")},
        }
    },
}
DELETED = {
    "type": "object",
    "required": ["id", "object", "deleted"],
    "properties": {"id": {"type": "string"}, "object": {"type": "string"}, "deleted": {"const": True}},
}
DELETED_IN_V2 = {
    "type": "object",
    "required": ["id", "object"],
    "properties": {"id": {"type": "string"}, "object": {"type": "string"}},
}


class Described:
    """Operations of one catalog as OpenAPI has them, and the components that they have named so far."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.schemas: Json = {}
        self.responses: Json = {}
        self.read = {shape(route.path): route for route in catalog.routes if route.verb == "GET"}
        self.names = Counter(route.name for route in catalog.routes)

    def operation(self, route: Route) -> Json:
        """One operation."""
        story = inspect.getdoc(route.operation) or ""
        headers = ["account", "version", *(["idempotency"] if is_keyed(route) else [])]
        is_free = route.scope == "server"
        described: Json = {
            "operationId": self.operation_id(route),
            "summary": " ".join(story.partition("\n\n")[0].split()),
            "parameters": [
                *([] if is_free else [{"$ref": f"#/components/parameters/{name}"} for name in headers]),
                *(self.variable(route, found) for found in VARIABLE.finditer(route.path)),
            ],
            "responses": {"200": self.answer(route), "default": {"$ref": "#/components/responses/error"}},
        }
        if is_free:
            described["security"] = []
        schema = schema_as_written(route)
        if route.path.startswith("/v1/"):
            schema["properties"]["expand"] = EXPAND
        elif route.returns is not None and route.returns.includes and is_of_v2(route) and not route.is_list:
            schema["properties"]["include"] = {"type": "array", "items": {"enum": sorted(route.returns.includes)}}
        if route.verb == "POST":
            described["requestBody"] = body(route, schema)
        else:
            described["parameters"] += list(in_query(schema))
        return described

    def variable(self, route: Route, found: re.Match[str]) -> Json:
        """A variable of a path, and the record whose id it is."""
        schema: Json = {"type": "string", "minLength": 1, "pattern": "^[^/?#]+$"}
        kind = self.record_at(route.path[: found.end()])
        if kind is not None:
            schema["x-record"] = kind.object
        return {"name": found[1], "in": "path", "required": True, "schema": schema}

    def record_at(self, path: str) -> Kind | None:
        """The record that is read at a path, or at that of its test helpers; None where nothing is."""
        published = path.replace("/_emulator/", "/v1/").replace("/test_helpers/", "/")
        route = self.read.get(shape(path)) or self.read.get(shape(published))
        return route.returns if route is not None and not route.is_list else None

    def answer(self, route: Route) -> Json:
        """What a success looks like, as one of the named replies."""
        returned = typing.get_type_hints(route.operation).get("return")
        if returned in (Content, Deleted):
            name = returned.__name__.lower() + ("_in_v2" if is_of_v2(route) else "")
        elif route.returns is None:
            name = "hash"
        else:
            name = self.record_reply(route.returns, is_list=route.is_list)
        return {"$ref": f"#/components/responses/{name}"}

    def record_reply(self, kind: Kind, *, is_list: bool) -> str:
        """The name of the reply with one record, or with a list of them; the reply is described the first time."""
        name = f"{kind.object}.list" if is_list else kind.object
        if name not in self.responses:
            self.schemas[kind.object] = {
                "type": "object",
                "required": ["id", "object"],
                "properties": {"id": {"type": "string"}, "object": {"const": kind.object}},
            }
            one = {"$ref": f"#/components/schemas/{kind.object}"}
            says = f"A list of {kind.object} objects." if is_list else f"A {kind.object} object."
            several = page_of(one) if kind.object.startswith("v2.") else list_of(one)
            self.responses[name] = reply(says, several if is_list else one)
            if not is_list:
                self.responses[name]["links"] = dict(self.links(kind))
        return name

    def links(self, kind: Kind) -> Iterator[tuple[str, Json]]:
        """Every operation whose path has the id of a record, and nothing else."""
        for route in self.catalog.routes:
            variables = list(VARIABLE.finditer(route.path))
            if len(variables) == 1 and self.record_at(route.path[: variables[0].end()]) is kind:
                name = self.operation_id(route)
                yield name, {"operationId": name, "parameters": {f"path.{variables[0][1]}": "$response.body#/id"}}

    def operation_id(self, route: Route) -> str:
        """The name of an operation; with the path's last word where two paths lead to one function."""
        if self.names[route.name] == 1:
            return route.name
        return f"{route.name}.{[part for part in route.path.split('/') if not VARIABLE.match(part)][-1]}"


def is_of_v2(route: Route) -> bool:
    """Whether an operation is read and answered as v2 does."""
    return route.path.startswith("/v2/")


def is_keyed(route: Route) -> bool:
    """Whether a request is carried out once that is sent again with its key: in v2 deletions are too."""
    return route.verb == "POST" or (route.verb == "DELETE" and is_of_v2(route))


def shape(path: str) -> str:
    """A path whose variables have no names."""
    return VARIABLE.sub("{}", path)


def reply(says: str, schema: Json) -> Json:
    """A reply in JSON."""
    return {"description": says, "content": {JSON: {"schema": schema}}}


def list_of(one: Json) -> Json:
    """A list object."""
    return {
        "type": "object",
        "required": ["object", "data", "has_more", "url"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": one},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
        },
    }


def page_of(one: Json) -> Json:
    """A page of a list of v2."""
    path = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["data", "next_page_url", "previous_page_url"],
        "properties": {"data": {"type": "array", "items": one}, "next_page_url": path, "previous_page_url": path},
    }


def body(route: Route, schema: Json) -> Json:
    """What a POST takes: a form, with a file a multipart one; JSON in v2."""
    if is_of_v2(route):
        return {"required": bool(schema.get("required")), "content": {JSON: {"schema": schema}}}
    members = schema["properties"]
    has_file = any(type(field) is p.Param for field in route.params.shared().fields.values())
    media: Json = {"schema": schema}
    if not has_file:
        media["encoding"] = {name: NESTED for name, member in members.items() if is_nested(member)}
    return {"required": bool(schema.get("required")), "content": {MULTIPART if has_file else FORM: media}}


def in_query(schema: Json) -> Iterator[Json]:
    """The members of a schema as parameters of a query."""
    for name, member in schema["properties"].items():
        nested = NESTED if is_nested(member) else {}
        yield {"name": name, "in": "query", "required": name in schema.get("required", ()), **nested, "schema": member}


def is_nested(schema: Json) -> bool:
    """Whether a value has brackets behind its name."""
    return schema.get("type") in ("object", "array") or any(is_nested(one) for one in schema.get("anyOf", ()))


# Schemas


def schema_as_written(route: Route) -> Json:
    """The parameter schema of a route, as the wire of its path writes values."""
    if not is_of_v2(route):
        return schema_of(route.params)
    before = p.WRITTEN.set("v2 json" if route.verb == "POST" else "v2 query")
    try:
        return schema_of(route.params)
    finally:
        p.WRITTEN.reset(before)


def schema_of(params: type[p.Params]) -> Json:
    """A parameter schema: what it does not name is refused."""
    described: Json = {
        "type": "object",
        "properties": {name: member(field) for name, field in params.shared().fields.items()},
        "additionalProperties": False,
    }
    required = list(params.shared().required_names)
    return {**described, "required": required} if required else described


def member(field: fields.Field) -> Json:
    """What a field takes, the empty text or null that unsets it included."""
    schema = described_field(field)
    return {"anyOf": [schema, unset()]} if getattr(field, "unset", False) else schema


def unset() -> Json:
    """What unsets a parameter: an empty text in v1, null in v2."""
    return UNSET if p.WRITTEN.get() == "v1" else UNSET_IN_V2


@singledispatch
def described_field(field: fields.Field) -> Json:
    """What a field takes. A kind of field that is not told of here is described as the kind that it is made from."""
    raise AssertionError(f"nothing is said of {type(field).__name__}")


@described_field.register
def _(field: p.Param) -> Json:
    assert type(field) is p.Param, f"nothing is said of {type(field).__name__}"
    return {"type": "string", "format": "binary"}


@described_field.register
def _(field: p.String) -> Json:
    schema: Json = {"type": "string", "minLength": 1, "maxLength": field.max_length}
    return {**schema, "pattern": f"^(?:{field.pattern.pattern})$"} if field.pattern else schema


@described_field.register
def _(field: p.Email) -> Json:
    return {"type": "string", "format": "email", "maxLength": field.max_length}


@described_field.register
def _(field: p.Currency) -> Json:
    return {"$ref": "#/components/schemas/currency"}


@described_field.register
def _(field: p.Country) -> Json:
    return {"$ref": "#/components/schemas/country"}


@described_field.register
def _(field: p.Integer) -> Json:
    lowest = -p.LARGEST_INTEGER if field.minimum is None else field.minimum
    highest = p.LARGEST_INTEGER if field.maximum is None else field.maximum
    return {"type": "integer", "minimum": lowest, "maximum": highest}


@described_field.register
def _(field: p.Span) -> Json:
    return {"anyOf": [described_field.dispatch(p.Integer)(field), {"type": "string", "pattern": f"^{SPAN.pattern}$"}]}


@described_field.register
def _(field: p.Timestamp) -> Json:
    if p.WRITTEN.get() != "v1":
        return {"type": "string", "format": "date-time"}
    return {**described_field.dispatch(p.Integer)(field), "format": "unix-time"}


@described_field.register
def _(field: p.Boolean) -> Json:
    return {"type": "boolean"}


@described_field.register
def _(field: p.Decimal) -> Json:
    whole = "+" if field.whole_digits is None else f"{{1,{field.whole_digits}}}"
    return {"type": "string", "format": "decimal", "pattern": rf"^-?[0-9]{whole}(\.[0-9]{{1,12}})?$"}


@described_field.register
def _(field: p.Enum) -> Json:
    return {"type": "string", "enum": [*field.values, *sorted(field.accepted - set(field.values))]}


@described_field.register
def _(field: p.Hash) -> Json:
    return schema_of(field.inner_params)


@described_field.register
def _(field: p.List) -> Json:
    schema: Json = {"type": "array", "items": member(field.inner)}
    return schema if field.most is None else {**schema, "maxItems": field.most}


@described_field.register
def _(field: p.ByCurrency) -> Json:
    names = described_field(p.CURRENCY)
    return {"type": "object", "propertyNames": names, "additionalProperties": member(field.inner)}


@described_field.register
def _(field: p.Range) -> Json:
    bound = described_field(field.of)
    bounds = {"type": "object", "properties": dict.fromkeys(p.Range.BOUNDS, bound), "additionalProperties": False}
    return {"anyOf": [bound, bounds]}


@described_field.register
def _(field: p.Metadata) -> Json:
    value: Json = {"type": "string", "maxLength": 500}
    if p.WRITTEN.get() != "v1":
        value = {"anyOf": [{**value, "minLength": 1}, UNSET_IN_V2]}
    pairs = {
        "type": "object",
        "propertyNames": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": r"^[^\[\]]+$"},
        "additionalProperties": value,
    }
    return {"anyOf": [pairs, unset()]}


@described_field.register
def _(field: OnlyInV1) -> Json:
    return {"not": {}, "description": "Refused, with where v1 is asked for it."}


@described_field.register
def _(field: AnyHash) -> Json:
    return {"type": "object"}


@described_field.register
def _(field: Percent) -> Json:
    return {"type": "number", "minimum": 0, "maximum": 100}


@described_field.register
def _(field: Measure) -> Json:
    return {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000, "multipleOf": 0.01}


@described_field.register
def _(field: UpTo) -> Json:
    return {"anyOf": [{"type": "integer", "minimum": 1, "maximum": p.LARGEST_INTEGER}, {"const": "inf"}]}


@described_field.register
def _(field: DelayDays) -> Json:
    return {"anyOf": [{"type": "integer", "minimum": 0, "maximum": p.LARGEST_INTEGER}, {"const": "minimum"}]}


@described_field.register
def _(field: End) -> Json:
    return {"anyOf": [described_field.dispatch(p.Timestamp)(field), described_field.dispatch(p.Enum)(field)]}


@described_field.register
def _(field: ExternalAccountField) -> Json:
    token = {"type": "string", "minLength": 1, "description": "A token."}
    return {"anyOf": [schema_of(field.inner_params), schema_of(FromFinancialAccountParams), token]}


EXPAND: Json = {"type": "array", "items": {"type": "string"}, "description": "Paths of ids to be shown as objects."}
