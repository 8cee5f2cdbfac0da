"""Receipts of charges: a page for whoever paid, which opens in a browser without a key; and how receipts look.

Source: https://docs.stripe.com/receipts
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from emulator.kernel.errors import ApiError
from emulator.kernel.render import Content
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants, token_of
from emulator.kernel.world import World
from emulator.payments import amounts

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<table>
{rows}
</table>
<p>This is a test receipt. No real money has moved.</p>
</body>
</html>
"""


def url(world: World, id: str) -> str:
    """Where the receipt of a charge of this world can be read."""
    return world.url("/receipts/" + token_of(world, id))


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The receipt behind a token, as a page. 404 for a token that names no charge that was paid."""
    named = tenants.named_by(token)
    if named is None:
        raise no_receipt()
    tenant, id = named
    with tenant.reading() as step:
        found = World(step, step.row.platform).anywhere(tenants.catalog.records["charge"], id)
        if found is None or not found[1].paid:
            raise no_receipt()
        return Content(page(found[1]).encode(), "text/html")


def no_receipt() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is no receipt at this address.")


def page(charge: Any) -> str:
    """A charge as HTML. Pure."""
    facts = {
        "Amount": amounts.written(charge.amount, charge.currency),
        "Refunded": amounts.written(charge.amount_refunded, charge.currency) if charge.amount_refunded else None,
        "Date": moment(charge.created),
        "Description": charge.description,
        "Reference": charge.id,
    }
    return laid_out("Receipt", facts)


def moment(seconds: int) -> str:
    """Unix seconds as receipts have them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def laid_out(title: str, facts: Mapping[str, str | None]) -> str:
    """The page of a receipt: its facts in a table, but for those that there are none of. Pure."""
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items() if value
    )
    return PAGE.format(title=escape(title), rows=rows)


ROUTES = [GET("/receipts/{token}", read, scope="server")]
