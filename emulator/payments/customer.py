"""A customer as it is kept and shown.

A deleted one stays as a stub: reading it says that it is gone, everything else answers as if it had never been.
Source: https://docs.stripe.com/api/customers/object
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.kernel.errors import no_such
from emulator.kernel.lists import listed
from emulator.kernel.records import record
from emulator.kernel.render import Include, shown
from emulator.kernel.world import World

SHOWN = 10  # sources that a customer shows itself
NO_INVOICE_SETTINGS: dict[str, Any] = {
    "custom_fields": None,
    "default_payment_method": None,
    "footer": None,
    "rendering_options": None,
}


def fill_sources(world: World, customer: Customer, rendered: dict[str, Any]) -> None:
    """The newest sources of a customer."""
    kind: Any = world.catalog.records["customer_source"]
    found = world.all(kind, is_source=True, customer=customer.id)
    rows = [world.render(one) for one in found[:SHOWN]]
    url = f"/v1/customers/{customer.id}/sources"
    rendered["sources"] = listed(rows, url, has_more=len(found) > SHOWN)


def fill_default_source(world: World, customer: Customer, rendered: dict[str, Any]) -> None:
    """The default source of a customer, whole."""
    found = world.find(world.catalog.records["customer_source"], customer.default_source)
    if found is not None:
        rendered["default_source"] = world.render(found)


def empty_list(name: str) -> Include:
    """A list that has nothing in it here, shown when asked for, and to older clients always."""

    def fill(world: World, customer: Customer, rendered: dict[str, Any]) -> None:
        rendered[name] = nothing_of(customer.id, name)

    return Include(fill, before="V1")


def nothing_of(customer: str, name: str) -> dict[str, Any]:
    """An empty list of what a customer has."""
    return {"object": "list", "data": [], "has_more": False, "url": f"/v1/customers/{customer}/{name}"}


def fill_credit_balance(world: World, customer: Customer, rendered: dict[str, Any]) -> None:
    """What is owed to or by the customer in each currency."""
    rendered["invoice_credit_balance"] = {customer.currency: customer.balance} if customer.currency else {}


@record(
    "customer",
    prefix="cus",
    noun="customer",
    path_param="id",
    filters=("clock", "email", "is_deleted"),
    hidden=("is_deleted",),
    silent=("default_source",),  # told by the events of sources
    expands=("invoice_settings.default_payment_method", "test_clock"),
    includes={
        "default_source": Include(fill_default_source),
        "invoice_credit_balance": Include(fill_credit_balance),
        "sources": Include(fill_sources, before="V1"),
        "subscriptions": empty_list("subscriptions"),
        "tax_ids": empty_list("tax_ids"),
    },
)
class Customer:
    """Somebody who pays or is paid. `balance` in minor units of `currency`, negative where we owe."""

    id: str
    created: int
    invoice_prefix: str
    address: dict[str, Any] | None = None
    balance: int = 0
    business_name: str | None = None
    currency: str | None = None
    default_source: str | None = None
    description: str | None = None
    email: str | None = None
    individual_name: str | None = None
    invoice_settings: dict[str, Any] = field(default_factory=lambda: dict(NO_INVOICE_SETTINGS))
    metadata: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    next_invoice_sequence: int = 1
    phone: str | None = None
    preferred_locales: list[str] = field(default_factory=list)
    shipping: dict[str, Any] | None = None
    tax_exempt: str = "none"
    test_clock: str | None = None
    is_deleted: bool = False

    @property
    def clock(self) -> str:
        """The test clock that the customer belongs to, or nothing: lists ask for either."""
        return self.test_clock or ""

    def render(self, world: World) -> dict[str, Any]:
        """The customer as the API shows it; of a deleted one that it is."""
        if self.is_deleted:
            return {"id": self.id, "object": self.object, "deleted": True}
        return shown(
            self,
            customer_account=None,
            delinquent=False,
            discount=None,
        )


def known(world: World, id: str, *, param: str | None = None) -> Customer:
    """The customer of that id. 404 for none and a deleted one; 400 when `param` names the parameter it came in."""
    found = world.get(Customer, id, param=param)
    if found.is_deleted:
        raise no_such(Customer.noun, id, param=param or Customer.path_param, status=400 if param else 404)
    return found


RECORDS = (Customer,)
