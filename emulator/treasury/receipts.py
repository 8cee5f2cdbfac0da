"""Regulatory receipts: a page about one movement of money, for the person whose money it is.

Every object that moves money has the address of its own, which opens in a browser without a key: the token in it says
whose world the object is in. What shows no `hosted_regulatory_receipt_url` has no receipt.
Source: https://docs.stripe.com/treasury/moving-money/regulatory-receipts
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

from emulator.kernel.errors import ApiError
from emulator.kernel.render import Content
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants, token_of
from emulator.kernel.world import World

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
    """Where the receipt of an object of this world can be read."""
    return world.url("/regulatory-receipt/" + token_of(world, id))


def read(tenants: Tenants, params: dict[str, Any], token: str) -> Content:
    """The receipt behind a token, as a page. 404 for a token that names nothing."""
    named = tenants.named_by(token)
    if named is None:
        raise no_receipt()
    tenant, id = named
    kind = tenants.catalog.prefixes.get(id.partition("_")[0])
    if kind is None:
        raise no_receipt()
    with tenant.reading() as step:
        found = World(step, step.row.platform).anywhere(kind, id)
        shown = World(step, found[0]).render(found[1]) if found is not None else {}
        if shown.get("hosted_regulatory_receipt_url") is None:
            raise no_receipt()
        return Content(page(shown).encode(), "text/html")


def no_receipt() -> ApiError:
    """404 for an address that leads nowhere."""
    return ApiError(404, "There is no receipt at this address.")


def page(shown: dict[str, Any]) -> str:
    """A rendered object as HTML. Pure."""
    title = shown["object"].rpartition(".")[2].replace("_", " ").capitalize()
    dollars = f"${shown['amount'] // 100:,}.{shown['amount'] % 100:02d} {shown['currency'].upper()}"
    facts = {
        "Amount": dollars,
        "Date": datetime.fromtimestamp(shown["created"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "Status": shown["status"],
        "Network": network_of(shown),
        "Description": shown.get("description"),
        "Financial account": shown["financial_account"],
        "Reference": shown["id"],
    }
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items() if value
    )
    return PAGE.format(title=escape(title), rows=rows)


def network_of(shown: dict[str, Any]) -> str:
    """Over which network the money of a rendered object goes; some say it of the other side."""
    details = shown.get("destination_payment_method_details") or shown.get("origin_payment_method_details")
    return details[details["type"]]["network"] if details else shown["network"]


ROUTES = [GET("/regulatory-receipt/{token}", read, scope="server")]
