"""Postal addresses, as cardholders and shipments have them."""

from __future__ import annotations

from typing import Any

from emulator.kernel.params import Country, Params, String


class AddressParams(Params):
    """A whole address: city, country, first line and postal code must be there."""

    city = String(required=True)
    country = Country(required=True)
    line1 = String(required=True)
    line2 = String()
    postal_code = String(required=True)
    state = String()


def complete(sent: dict[str, Any]) -> dict[str, str | None]:
    """The address with every member, null for what was not sent."""
    return {name: sent.get(name) for name in AddressParams.shared().fields}


def normalized(address: dict[str, str | None]) -> dict[str, str | None]:
    """The address as a carrier writes it. Our ruling: in capitals."""
    return {name: text and text.upper() for name, text in address.items()}
