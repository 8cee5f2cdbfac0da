"""Postal addresses, as cardholders and shipments have them."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import invalid
from emulator.kernel.params import Country, Params, String

# What the Postal Service delivers to: states, the District of Columbia, territories, freely associated states, forces.
US_STATES = {
    "AA": "Armed Forces Americas",
    "AE": "Armed Forces Europe",
    "AK": "Alaska",
    "AL": "Alabama",
    "AP": "Armed Forces Pacific",
    "AR": "Arkansas",
    "AS": "American Samoa",
    "AZ": "Arizona",
    "CA": "California",
    "CO": "Colorado",
    "CT": "Connecticut",
    "DC": "District of Columbia",
    "DE": "Delaware",
    "FL": "Florida",
    "FM": "Federated States of Micronesia",
    "GA": "Georgia",
    "GU": "Guam",
    "HI": "Hawaii",
    "IA": "Iowa",
    "ID": "Idaho",
    "IL": "Illinois",
    "IN": "Indiana",
    "KS": "Kansas",
    "KY": "Kentucky",
    "LA": "Louisiana",
    "MA": "Massachusetts",
    "MD": "Maryland",
    "ME": "Maine",
    "MH": "Marshall Islands",
    "MI": "Michigan",
    "MN": "Minnesota",
    "MO": "Missouri",
    "MP": "Northern Mariana Islands",
    "MS": "Mississippi",
    "MT": "Montana",
    "NC": "North Carolina",
    "ND": "North Dakota",
    "NE": "Nebraska",
    "NH": "New Hampshire",
    "NJ": "New Jersey",
    "NM": "New Mexico",
    "NV": "Nevada",
    "NY": "New York",
    "OH": "Ohio",
    "OK": "Oklahoma",
    "OR": "Oregon",
    "PA": "Pennsylvania",
    "PR": "Puerto Rico",
    "PW": "Palau",
    "RI": "Rhode Island",
    "SC": "South Carolina",
    "SD": "South Dakota",
    "TN": "Tennessee",
    "TX": "Texas",
    "UT": "Utah",
    "VA": "Virginia",
    "VI": "Virgin Islands",
    "VT": "Vermont",
    "WA": "Washington",
    "WI": "Wisconsin",
    "WV": "West Virginia",
    "WY": "Wyoming",
}
KNOWN_STATES = frozenset(name.casefold() for name in (*US_STATES, *US_STATES.values()))


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


def check_state(address: dict[str, str | None], param: str) -> None:
    """400 for a US state that there is not. Codes (`CA`, `US-CA`) and names are taken, in any case."""
    state = address["state"]
    if address["country"] != "US" or state is None:
        return
    if state.strip().casefold().removeprefix("us-") not in KNOWN_STATES:
        raise invalid(f"Invalid state: {state} is not a state of the country US.", param=f"{param}[state]")


def normalized(address: dict[str, str | None]) -> dict[str, str | None]:
    """The address as a carrier writes it. Our ruling: in capitals."""
    return {name: text and text.upper() for name, text in address.items()}
