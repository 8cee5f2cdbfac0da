"""docs/operations.md and the README's four lines, generated from the catalog and the list of published routes.

python -m tools.operations_table          prints the page
python -m tools.operations_table --write  writes both
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from emulator.catalog import CATALOG
from emulator.data.routes import ROUTES as PUBLISHED
from emulator.kernel.routes import OF_OAUTH, Route

FILE = Path(__file__).parent.parent / "docs" / "operations.md"
README = Path(__file__).parent.parent / "README.md"
START, END = "<!-- operations: written by tools/operations_table.py -->\n", "<!-- end of operations -->"
AREAS = ("issuing", "test_helpers/issuing", "treasury", "test_helpers/treasury")
INTRODUCTION = """# Operations

{built} operations of the v1 API are built, and {of_v2} of v2. Every other published one answers `501`, names itself and
has the header `Emulator-Not-Implemented: true`; `stripe-emulator routes` lists them too. What Stripe never published is
its `404`.
`stripe-emulator openapi` prints an OpenAPI 3.1 document of what is built: every parameter with its words, bounds and
lengths, and of each reply the record.
"""
V2 = """
## The v2 API

Posts are JSON; what is shown besides is named in `include`. An account is the same in both: Issuing and Treasury are
asked for in v1.
"""
OAUTH = """
## OAuth

What Stripe has on connect.stripe.com: the page on which a business connects its account, and the calls of the
platform's server. Refusals have `error` and `error_description`.
"""
OWN = """
## The emulator's own

Under `/_emulator`, with the same keys; what needs none says so. Replies are JSON, parameters forms, as in the v1 API.
`stripe-emulator clock`, `settings`, `why` and `reset` say the same from the command line (`--url`, `STRIPE_API_KEY`);
`stripe-emulator doctor` reads a data folder and says whether books, objects, events and ids agree.
"""


def page() -> str:
    """Every operation that is served, with the first sentence of what it does; and how much of each area that is."""
    built = [route for route in CATALOG.routes if route.path.startswith("/v1/")]
    of_v2 = [route for route in CATALOG.routes if route.path.startswith("/v2/")]
    oauth = [route for route in CATALOG.routes if route.path.startswith(OF_OAUTH)]
    own = [route for route in CATALOG.routes if route.path.startswith("/_emulator/")]
    introduction = INTRODUCTION.format(built=len(built), of_v2=len(of_v2))
    return "\n".join(
        [
            introduction,
            *areas(),
            "",
            "## The v1 API",
            "",
            *table(built),
            V2,
            *table(of_v2),
            OAUTH,
            *table(oauth),
            OWN,
            *table(own),
            "",
        ]
    )


def with_areas(readme: str) -> str:
    """The README with how much of each area is built."""
    before, _, rest = readme.partition(START)
    return "".join([before, START, "\n".join(areas()), "\n", END, rest.partition(END)[2]])


def areas() -> list[str]:
    """How many of the published operations of each Issuing and Treasury area are built."""
    shapes = {(route.verb, shape(route.path)) for route in CATALOG.routes}
    lines = ["| area | built | of published |", "| --- | --- | --- |"]
    for area in AREAS:
        published = [(verb, path) for verb, path in PUBLISHED if path.startswith(f"/v1/{area}/")]
        have = [1 for verb, path in published if (verb, shape(path)) in shapes]
        lines.append(f"| `/v1/{area}` | {len(have)} | {len(published)} |")
    return lines


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
        README.write_text(with_areas(README.read_text()))
    else:
        print(page())
