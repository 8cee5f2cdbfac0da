"""docs/operations.md, generated from the catalog and the list of published routes.

python -m tools.operations_table          prints it
python -m tools.operations_table --write  writes it
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from emulator.catalog import CATALOG
from emulator.data.routes import ROUTES as PUBLISHED
from emulator.kernel.routes import Route

FILE = Path(__file__).parent.parent / "docs" / "operations.md"
AREAS = ("issuing", "test_helpers/issuing", "treasury", "test_helpers/treasury")
INTRODUCTION = """# Operations

{built} operations of the v1 API are built. Every other published one answers `501`, names itself and has the header
`Emulator-Not-Implemented: true`; `stripe-emulator routes` lists them too. What Stripe never published is its `404`.
"""
OWN = """
## The emulator's own

Under `/_emulator`, with the same keys; what needs none says so. Replies are JSON, parameters forms, as in the v1 API.
"""


def page() -> str:
    """Every operation that is served, with the first sentence of what it does; and how much of each area that is."""
    built = [route for route in CATALOG.routes if route.path.startswith("/v1/")]
    own = [route for route in CATALOG.routes if route.path.startswith("/_emulator/")]
    shapes = {(route.verb, shape(route.path)) for route in built}
    lines = [
        INTRODUCTION.format(built=len(built)),
        "| area | built | of published |",
        "| --- | --- | --- |",
    ]
    for area in AREAS:
        published = [(verb, path) for verb, path in PUBLISHED if path.startswith(f"/v1/{area}/")]
        have = [1 for verb, path in published if (verb, shape(path)) in shapes]
        lines.append(f"| `/v1/{area}` | {len(have)} | {len(published)} |")
    return "\n".join([*lines, "", "## The v1 API", "", *table(built), OWN, *table(own), ""])


def table(routes: Iterable[Route]) -> list[str]:
    """Routes as rows, by path."""
    rows = sorted(routes, key=lambda route: (route.path, route.verb))
    head = ["| | path | what it does |", "| --- | --- | --- |"]
    return head + [f"| {route.verb} | `{route.path}` | {first_sentence(route)} |" for route in rows]


def first_sentence(route: Route) -> str:
    """What an operation's docstring begins with, on one line."""
    story = " ".join((inspect.getdoc(route.operation) or "").partition("\n\n")[0].split())
    sentence = re.match(r"(.*?\.)(\s|$)", story)
    needs = " Needs no key." if route.scope == "server" else ""
    return (sentence[1] if sentence else story).replace("|", "\\|") + needs


def shape(path: str) -> str:
    """A path with its variables' names taken out."""
    return re.sub(r"\{[^}]+\}", "{}", path)


if __name__ == "__main__":
    if "--write" in sys.argv:
        FILE.write_text(page())
    else:
        print(page())
