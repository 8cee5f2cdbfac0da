"""Who imports whom: the folders of the emulator, the lowest first, and which others each imports.

python -m tools.layers          prints the table; fails where a rule below is broken
python -m tools.layers --write  writes it into docs/architecture.md besides

The kernel imports no product, and what stands in its rooms is machinery: products import only what stands directly in
it. Products import one another in one direction only, and of each other records and what happens to them, never an
operation: what must follow elsewhere is a cascade.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

ROOT = Path(__file__).parent.parent / "emulator"
FILE = Path(__file__).parent.parent / "docs" / "architecture.md"
START, END = "<!-- layers: written by tools/layers.py -->\n", "<!-- end of layers -->"
KERNEL = "kernel"
# What the emulator speaks of: the folders of its API. All others are beneath them or put them together.
ROOMS = ("database", "tenants", "webhooks", "wire")
# They import one another one way only. The database is left out: it and the kernel's folder need each other.
STACKED = (KERNEL, "kernel.tenants", "kernel.webhooks", "kernel.wire")
# What products may import of the rooms all the same, and why.
DOORS = {
    "emulator.kernel.tenants": "who is not given a World is given a Tenant, the Tenants or a Caller",
    "emulator.kernel.tenants.copies": "snapshots, forks, exports and imports copy a world as a whole",
    "emulator.kernel.tenants.glance": "the list of worlds shows each without opening it",
}
PRODUCTS = ("balances", "connect", "control", "dashboard", "developer", "issuing", "payments", "treasury")


class Use(NamedTuple):
    """A module that uses something: a name of another module, or with an empty name that module as a whole."""

    by: str
    module: str
    name: str

    @property
    def folders(self) -> tuple[str, str]:
        """From which folder to which."""
        return folder_of(self.by), folder_of(self.module)


def folder_of(module: str) -> str:
    """The folder, or the single module, that stands directly in the emulator; in the kernel, the room."""
    parts = module.split(".")[1:] or [module]
    return ".".join(parts[: 2 if parts[0] == KERNEL and parts[1:2] and parts[1] in ROOMS else 1])


def uses(root: Path) -> list[Use]:
    """Everything that the modules below a folder use of each other, whether it is for types alone or not."""
    files = {name_of(file, root): file for file in sorted(root.rglob("*.py"))}
    return [use for module, file in files.items() for use in uses_of(module, file.read_text(), files)]


def name_of(file: Path, root: Path) -> str:
    """How a module is imported."""
    parts = file.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def uses_of(module: str, text: str, known: Iterable[str]) -> Iterator[Use]:
    """What one module uses of those that are known."""
    tree = ast.parse(text)
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Use(module, alias.name, "") for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known:
                    aliases[alias.asname or alias.name] = whole
                    yield Use(module, whole, "")
                elif node.module in known:
                    yield Use(module, node.module, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            yield Use(module, aliases[node.value.id], node.attr)


def imports(found: Iterable[Use]) -> dict[str, Counter[str]]:
    """For each folder, how many of its modules import how many of every other folder."""
    counts: dict[str, Counter[str]] = {}
    for by, module in sorted({(use.by, use.module) for use in found}):
        ours, theirs = folder_of(by), folder_of(module)
        counts.setdefault(theirs, Counter())
        if ours != theirs:
            counts.setdefault(ours, Counter())[theirs] += 1
    return counts


def below(counts: dict[str, Counter[str]], folder: str, among: Iterable[str]) -> set[str]:
    """Every folder that one leads to by its imports and theirs, within some folders; itself where it is in a circle."""
    inside, found, waiting = set(among), set(), [folder]
    while waiting:
        further = set(counts[waiting.pop()]) & inside - found
        found |= further
        waiting += further
    return found


def circles(counts: dict[str, Counter[str]], among: Iterable[str]) -> list[str]:
    """Folders that, within some folders, lead back to themselves."""
    inside = sorted(set(among) & set(counts))
    return [folder for folder in inside if folder in below(counts, folder, inside)]


def operations() -> set[tuple[str, str]]:
    """Module and name of every function that a route, the agenda, an answer or a cascade runs."""
    from emulator.catalog import CATALOG

    functions = [
        *(route.operation for route in CATALOG.routes),
        *CATALOG.due.values(),
        *CATALOG.answers.values(),
        *(function for following in CATALOG.cascades.values() for function in following),
    ]
    return {(function.__module__, function.__qualname__) for function in map(inspect.unwrap, functions)}


def broken(found: list[Use]) -> list[str]:
    """Every rule that is broken, as sentences."""
    counts = imports(found)
    says = [f"{use.by} imports {use.module}" for use in found if of_product(use) and of_kernel(use.by)]
    says += [
        f"{use.by} imports {use.module}"
        for use in found
        if use.folders[0] in PRODUCTS and in_a_room(use.module) and use.module not in DOORS
    ]
    if circles(counts, PRODUCTS):
        says.append(f"a circle of products: {', '.join(circles(counts, PRODUCTS))}")
    if circles(counts, STACKED):
        says.append(f"a circle of rooms: {', '.join(circles(counts, STACKED))}")
    known = operations()
    says += [
        f"{use.by} uses {use.name}, an operation of {use.module}"
        for use in found
        if of_product(use)
        and use.folders[0] in PRODUCTS
        and use.folders[0] != use.folders[1]
        and (use.module, use.name) in known
    ]
    return list(dict.fromkeys(says))


def of_product(use: Use) -> bool:
    """Whether what is used belongs to a product."""
    return use.folders[1] in PRODUCTS


def of_kernel(module: str) -> bool:
    """Whether a module belongs to the kernel."""
    return folder_of(module).partition(".")[0] == KERNEL


def in_a_room(module: str) -> bool:
    """Whether a module stands in one of the kernel's rooms, or is one."""
    return of_kernel(module) and folder_of(module) != KERNEL


def layers(counts: dict[str, Counter[str]]) -> list[list[str]]:
    """The folders from the lowest up: each imports those of lower layers alone, or stands in a circle in its own."""
    left, found = set(counts), []
    while left:
        leads = {folder: below(counts, folder, left) for folder in left}
        found.append(sorted(folder for folder in left if all(folder in leads[other] for other in leads[folder])))
        left -= set(found[-1])
    return found


def table(counts: dict[str, Counter[str]]) -> str:
    """The layers, with what each folder imports."""
    lines = []
    for number, layer in enumerate(layers(counts)):
        for folder in layer:
            lines.append(f"{number:>2}  {folder:<18} {', '.join(sorted(counts[folder]))}".rstrip())
    return "\n".join(lines)


def with_layers(page: str) -> str:
    """The page of the architecture with the table as it is now."""
    before, _, rest = page.partition(START)
    block = indent(table(imports(uses(ROOT))), "    ")
    return "".join([before, START, "\n", block, "\n\n", END, rest.partition(END)[2]])


def main() -> int:
    """Print the table and whatever is wrong with it."""
    found = uses(ROOT)
    print(table(imports(found)))
    if "--write" in sys.argv:
        FILE.write_text(with_layers(FILE.read_text()))
    wrong = broken(found)
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
