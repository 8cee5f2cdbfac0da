"""docs/settings.md, generated from the settings that the resources declare.

python -m tools.settings_table          prints it
python -m tools.settings_table --write  writes it
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from marshmallow import fields

from emulator.catalog import CATALOG
from emulator.kernel.params import Enum

FILE = Path(__file__).parent.parent / "docs" / "settings.md"
INTRODUCTION = """# Settings

Switches of a world (everything behind one API key). `stripe-emulator settings` shows them, `stripe-emulator settings
name=value` changes one and `name=` puts it back to its default; `GET` and `POST /_emulator/settings` do the same, and a
reset puts all of them back. `GET /_emulator/settings/meanings` says what each is for. `stripe-emulator serve --country
GB` makes another `platform_country` the default of new worlds.
"""
PROGRESS = """
## When objects move by themselves

A reply that says `pending` or `processing` tells the first state; how the object goes on is `progress`. What has fallen
due is done before the next request, so whoever reads finds it done. Only a request that would change that very object
(a test helper, a cancel, an update) comes first, and may take the place of what would have happened: a top-up told as
`pending` can be canceled, a transfer told as `processing` can be posted, failed or returned. If such a request would be
refused as things stand, what is due is done after all and the request judged again.

Without any request, objects move only where somebody is told of it, a webhook endpoint or `stripe listen`, about two
seconds after it fell due. Deadlines (of holds, of filing windows) pass at their time and give way to nobody.
"""


def page() -> str:
    """Every setting with what it starts as, what it may be, and what it is for."""
    lines = [INTRODUCTION, "| setting | default | values | what it is for |", "| --- | --- | --- | --- |"]
    for name, setting in sorted(CATALOG.settings.items()):
        lines.append(f"| `{name}` | {shown(setting.default)} | {values(setting.kind)} | {setting.says} |")
    return "\n".join(lines) + "\n" + PROGRESS


def shown(value: Any) -> str:
    """A default as it is written in a form."""
    if value is None or value == []:
        return "–"
    text = str(value).lower() if isinstance(value, bool) else value
    return ", ".join(f"`{item}`" for item in text) if isinstance(text, list) else f"`{text}`"


def values(kind: fields.Field) -> str:
    """What a setting may be."""
    if isinstance(kind, Enum):
        return ", ".join(f"`{value}`" for value in kind.values)
    kinds = {"Boolean": "`true`, `false`", "List": "a list", "Integer": "a number", "Version": "a version"}
    return kinds.get(type(kind).__name__, "text")


if __name__ == "__main__":
    if "--write" in sys.argv:
        FILE.write_text(page())
    else:
        print(page())
