"""docs/versions.md, generated from the table of version changes.

python -m tools.versions_page          prints it
python -m tools.versions_page --write  writes it
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from emulator.data.api_versions import DEFAULT
from emulator.data.version_changes import CHANGES, TAKEN_BY_EVERY_VERSION
from emulator.kernel.transforms import Change

FILE = Path(__file__).parent.parent / "docs" / "versions.md"
INTRODUCTION = f"""# API versions

A client that pins an older `Stripe-Version` is answered as that version answers, and may send what it took. Every
version that Stripe has had is known, later ones and previews too; what counts is the date.

- **Requests**: the header decides; without one, the account's default, which is the setting `api_version`
  (`{DEFAULT}` unless you change it). A platform that acts for a connected account keeps its own version.
- **Events** are rendered for the `api_version` of the webhook endpoint; for endpoints without one, and for
  `GET /v1/events`, for the account's default when they happened. `previous_attributes` are of the same version.
- **`stripe listen`** gets each event twice, in the account's version and in the newest; `--latest` picks.
- **Filters** of lists take the older words, and find all that is shown under them.
- **What Stripe only added** (objects, members, optional parameters, event types) every version sees: an older version
  is no smaller object. So Issuing and Treasury look today as they do for everyone, but for the changes below.
- A parameter that a version never knew is refused by it: `risk_level` by the newest, `level` by one of 2025.

Below is every published breaking change in what is built, the newest first: what clients older than it see and may
send; `a|b` is either. `stripe-emulator routes --version 2022-08-01` prints those that concern one version. Where no
page of Stripe's tells, it says "our reading".
"""


def page() -> str:
    """The introduction, the changes by version, and what every version takes."""
    lines = [INTRODUCTION]
    for since, changes in groupby(CHANGES, key=lambda change: change.since):
        lines += [f"## Before {since}", ""]
        for change in changes:
            lines += [*section(change), ""]
    lines += ["## Taken whatever the version", "", "Older clients send these, and no version refuses them.", ""]
    lines += [f"- `{one.operation}`: `{one.parameter}` {one.says}" for one in TAKEN_BY_EVERY_VERSION]
    return "\n".join(lines) + "\n"


def section(change: Change) -> list[str]:
    """One change: what is new, and what older clients see and may send."""
    lines = [f"**{change.id}** {change.about} ([source]({change.source}))", ""]
    for where, what in change.says:
        lines += [f"- {where}: {what[0]}"] if len(what) == 1 else [f"- {where}:", *(f"  - {line}" for line in what)]
    return lines


if __name__ == "__main__":
    if "--write" in sys.argv:
        FILE.write_text(page())
    else:
        print(page())
