"""Regulatory receipts: a page about one movement of money, for the person whose money it is.

Every object that moves money has the address of its own, which opens in a browser without a key: the token in it says
whose world the object is in. What shows no `hosted_regulatory_receipt_url` has no receipt.
Source: https://docs.stripe.com/treasury/moving-money/regulatory-receipts
"""

from __future__ import annotations

from typing import Any

from emulator.kernel.render import Content
from emulator.kernel.routes import GET
from emulator.kernel.tenants import Tenants, token_of
from emulator.kernel.world import World
from emulator.payments.receipts import laid_out, moment, no_receipt


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


def page(shown: dict[str, Any]) -> str:
    """A rendered object as HTML. Pure."""
    title = shown["object"].rpartition(".")[2].replace("_", " ").capitalize()
    dollars = f"${shown['amount'] // 100:,}.{shown['amount'] % 100:02d} {shown['currency'].upper()}"
    facts = {
        "Amount": dollars,
        "Date": moment(shown["created"]),
        "Status": shown["status"],
        "Network": network_of(shown),
        "Description": shown.get("description"),
        "Financial account": shown["financial_account"],
        "Reference": shown["id"],
    }
    return laid_out(title, facts)


def network_of(shown: dict[str, Any]) -> str:
    """Over which network the money of a rendered object goes; some say it of the other side."""
    details = shown.get("destination_payment_method_details") or shown.get("origin_payment_method_details")
    return details[details["type"]]["network"] if details else shown["network"]


ROUTES = [GET("/regulatory-receipt/{token}", read, scope="server")]
