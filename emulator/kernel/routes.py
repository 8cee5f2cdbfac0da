"""Operations as data: verb, full URL, function, parameters. And the table that finds one for a path."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from emulator.kernel.params import ListParams, NoParams, PageParams, Params
from emulator.kernel.records import Kind, is_record
from emulator.kernel.world import World

STRIPES = ("/v1/", "/v2/")  # where Stripe's own paths begin
OF_OAUTH = ("/oauth/", "/express/oauth/")  # where those do that Stripe has on a host of its own
Operation = Callable[..., Any]
Scope = Literal["world", "calls", "tenant", "server"]


@dataclass(frozen=True)
class Route:
    """One operation.

    `operation(world, params, *path values)` returns a record, a `Page`, a `Deleted` or a plain hash. Operations of
    scope `calls` get a `Caller` instead of a world and call others, each in a step of its own; those of scope `tenant`
    get the tenant and take their own steps; those of scope `server` need no key. Browsers call those that are
    `publishable`, with a publishable key, and those that are `ephemeral`, with a key of the object in the path.
    """

    verb: str
    path: str
    operation: Operation
    params: type[Params]
    scope: Scope = "world"
    publishable: bool = False
    ephemeral: bool = False
    product: str = ""  # the folder of the module that offers it, which the catalog knows

    @cached_property
    def signature(self) -> str:
        """`POST /v1/issuing/cards`, as the table of versions names operations."""
        return f"{self.verb} {self.path}"

    @cached_property
    def name(self) -> str:
        """`issuing.cards.create`, as logs and the request list show it; `payments.charges.refunds.list` for those of
        one charge."""
        if self.operation.__name__ == "operation":  # made by `lists` or `retrieves`
            resource = ".".join(last_word(part) for part in self.path.split("}/"))
            if self.path.startswith("/v2/"):
                resource += "_v2"
            return f"{self.product}.{resource}.{'list' if self.is_list else 'retrieve'}".lstrip(".")
        return f"{self.operation.__module__.removeprefix('emulator.')}.{self.operation.__name__}"

    @cached_property
    def is_list(self) -> bool:
        """Whether the reply is a list object."""
        return getattr(self.operation, "is_list", False)

    @cached_property
    def returns(self) -> Kind | None:
        """The record class in the reply, from `lists`/`retrieves` or the function's annotation."""
        declared = getattr(self.operation, "returns", None)
        if declared is not None:
            return declared
        hint = typing.get_type_hints(self.operation).get("return")
        candidates = typing.get_args(hint) or (hint,)  # an operation may give back `Card | Question`
        return next(filter(is_record, candidates), None)


def last_word(path: str) -> str:
    """What a path is of: its last part that is no variable. Pure."""
    return [part for part in path.split("/") if not part.startswith("{")][-1]


@dataclass(frozen=True)
class NotBuilt:
    """An operation that Stripe publishes and this emulator does not serve."""

    path: str


def GET(path: str, operation: Operation, params: type[Params] | None = None, **more: Any) -> Route:
    """A reading operation. Lists take at least the paging parameters, which are others below `/v2/`."""
    paging = PageParams if path.startswith("/v2/") else ListParams
    usual = paging if getattr(operation, "is_list", False) else NoParams
    return Route("GET", path, operation, params or usual, **more)


def POST(path: str, operation: Operation, params: type[Params] = NoParams, **more: Any) -> Route:
    """A writing operation."""
    return Route("POST", path, operation, params, **more)


def DELETE(path: str, operation: Operation, params: type[Params] = NoParams, **more: Any) -> Route:
    """A deleting operation."""
    return Route("DELETE", path, operation, params, **more)


def retrieves(record: Kind) -> Operation:
    """An operation that reads one record by the id in the path."""

    def operation(world: World, params: dict[str, Any], id: str) -> Any:
        return world.get(record, id)

    operation.__doc__ = f"Read one {record.__name__}. 404 when the account has none of that id."
    operation.returns = record  # type: ignore[attr-defined]
    operation.is_retrieve = True  # type: ignore[attr-defined]
    return operation


class Table:
    """Routes by path. Literal segments win over variables."""

    def __init__(self) -> None:
        self.root: dict[Any, Any] = {}
        self.literal: dict[tuple[str, str], Route | NotBuilt] = {}  # those without a variable, found in one look

    def add(self, verb: str, path: str, route: Route | NotBuilt) -> bool:
        """Add a route unless one of the same verb and shape is there already; whether there was none."""
        node, names = self.root, []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                segment = "{}"
            node = node.setdefault(segment, {})
        leaf = (route, tuple(names))
        if not names:
            self.literal.setdefault((verb, path), route)
        return node.setdefault((verb,), leaf) is leaf

    def find(self, verb: str, path: str) -> tuple[Route | NotBuilt, dict[str, str]] | None:
        """The route of a path and the values of its variables by name, or None."""
        literal = self.literal.get((verb, path))
        if literal is not None:
            return literal, {}
        return self.walk(self.root, (verb,), path[1:].split("/"), 0, ())

    def walk(
        self, node: dict[Any, Any], verb: tuple[str], segments: list[str], position: int, values: tuple[str, ...]
    ) -> tuple[Route | NotBuilt, dict[str, str]] | None:
        """Descend one segment, by its own name first, then as a variable."""
        if position == len(segments):
            leaf = node.get(verb)
            return None if leaf is None else (leaf[0], dict(zip(leaf[1], values, strict=True)))
        segment = segments[position]
        found = None
        if segment in node:
            found = self.walk(node[segment], verb, segments, position + 1, values)
        if found is None and segment and "{}" in node:
            found = self.walk(node["{}"], verb, segments, position + 1, (*values, segment))
        return found
