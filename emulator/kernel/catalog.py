"""What the resource modules offer, gathered: records, routes, due actions, settings.

A module is plain data and functions. It may define:

    RECORDS       its kinds of record, and the faces that others have here; each kind gets a table
    ROUTES        its operations
    DUE           {action name: function(world, id, **details)} for deadlines: what falls due is done before all else
    PROGRESS      the same for what an object does by itself; that gives way to a request that would change the object
    ANSWERS       {event type: function(world, id, answer)} for questions put to the client; gives the record back
    ADMITS        {kind of key: function(world, route, tree)} for keys of one account: the API version that the request
                  is judged by, None for the usual one, or an ApiError where the key does not open it
    SETTINGS      its switches of a tenant
    WHEN          {what happened: function(world, *about)} for what follows here from something that happens elsewhere;
                  all that follows from one thing is done in the order of the table of contents
    TELLS         what happens here that others may want to know: `world.tell` runs what follows from it
    OUTLIVES_RESET function(world) that gives back a function(world): what it puts into the one that takes its place, be
                  that new or a copy; the world is None where there was none
    AUDIT         function(world) yielding a sentence for every stored fact that contradicts its source

No two may have one name, whichever modules they are of; due actions and operations carry their product in theirs.
The kernel itself tells of `account.opened`, once for every account of a tenant, the platform first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from emulator.data.routes import ROUTES as PUBLISHED
from emulator.kernel.records import Kind
from emulator.kernel.routes import NotBuilt, Route, Table
from emulator.kernel.settings import KERNEL_SETTINGS, AnySetting, Setting, schema_of

if TYPE_CHECKING:
    from emulator.kernel.world import World

KERNEL_TELLS = ("account.opened",)


class Catalog:
    """Every resource module, in the order of the table of contents."""

    def __init__(self, modules: Sequence[ModuleType]) -> None:
        self.modules = tuple(modules)
        kinds = [kind for module in modules for kind in getattr(module, "RECORDS", ())]
        self.records: dict[str, Kind] = named("records", ((kind.object, kind) for kind in kinds))
        faces = [kind for kind in kinds if kind.is_stored and not kind.has_table]
        self.prefixes: dict[str, Kind] = named(
            "prefixes",
            ((prefix, kind) for kind in kinds if kind not in faces for prefix in (kind.prefix, *kind.other_prefixes)),
        )
        self.sharing: dict[str, list[Kind]] = {}
        for kind in kinds:
            for prefix in kind.shared_prefixes if kind not in faces else ():
                assert prefix in self.prefixes, f"{kind.object} shares the prefix {prefix}, which no record has"
                self.sharing.setdefault(prefix, []).append(kind)
        self.stored: tuple[Kind, ...] = tuple(kind for kind in kinds if kind.has_table)
        tables = named("tables", ((kind.table, kind) for kind in self.stored))
        for kind in faces:
            assert kind.table in tables, f"{kind.object} is a face of what no module offers"
        self.due: dict[str, Callable[..., Any]] = named(
            "due actions", (*self.offered("DUE"), *self.offered("PROGRESS"))
        )
        self.progress: tuple[str, ...] = tuple(name for name, _ in self.offered("PROGRESS"))
        self.answers: dict[str, Callable[..., Any]] = named("answers", self.offered("ANSWERS"))
        self.admits: dict[str, Callable[..., str | None]] = named("kinds of key", self.offered("ADMITS"))
        told = [*KERNEL_TELLS, *(name for module in modules for name in getattr(module, "TELLS", ()))]
        self.cascades: dict[str, list[Callable[..., None]]] = named("things told of", ((name, []) for name in told))
        for name, function in self.offered("WHEN"):
            assert name in self.cascades, f"nobody tells of {name}"
            self.cascades[name].append(function)
        settings = [*KERNEL_SETTINGS, *(one for module in modules for one in getattr(module, "SETTINGS", ()))]
        self.settings: dict[str, Setting] = named("settings", ((setting.name, setting) for setting in settings))
        settings_params = schema_of(tuple(self.settings.values()))
        self.routes: tuple[Route, ...] = tuple(
            replace(
                route,
                params=settings_params if route.params is AnySetting else route.params,
                product=module.__name__.split(".")[1] if "." in module.__name__ else "",
            )
            for module in modules
            for route in getattr(module, "ROUTES", ())
        )
        self.table = Table()
        for route in self.routes:
            assert self.table.add(route.verb, route.path, route), f"two paths are called {route.verb} {route.path}"
        for verb, path in PUBLISHED:
            self.table.add(verb, path, NotBuilt(path))

    def offered(self, what: str) -> Iterator[tuple[str, Any]]:
        """What the modules offer under a name of theirs, by its own names."""
        for module in self.modules:
            yield from getattr(module, what, {}).items()

    def outliving_reset(self, world: World | None) -> list[Callable[[World], None]]:
        """What has to be done in what takes a world's place, for those who go on; None where no world was."""
        hooks = [getattr(module, "OUTLIVES_RESET", None) for module in self.modules]
        return [hook(world) for hook in hooks if hook is not None]

    def audit(self, world: World) -> Iterator[str]:
        """Every stored fact that contradicts its source, as sentences. A check that stumbles is one more of them."""
        checks = {
            module.__name__: functools.partial(module.AUDIT, world)
            for module in self.modules
            if hasattr(module, "AUDIT")
        }
        for kind in self.stored:
            checks[kind.object] = functools.partial(world.store.misfiled, kind)
        for name, check in checks.items():
            try:
                yield from check()
            except Exception as failure:
                yield f"{name} cannot be checked: {type(failure).__name__}: {failure}"


def named(what: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Things by their names, of which no two may be the same: the later would silently stand for both."""
    found: dict[str, Any] = {}
    for name, thing in pairs:
        assert name not in found, f"two {what} are called {name}"
        found[name] = thing
    return found
