"""What was sent in v2, as v1 says it: what accounts and persons are told is kept once, for both.

Nothing here reads or changes a world.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from emulator.connect.correspondence import (
    BUSINESS,
    NUMBERS,
    OF_A_PERSON,
    OF_AN_ACCOUNT,
    TRANSFERS,
    at,
    by_purpose,
    capability_of,
    parted,
    placed,
)
from emulator.connect.shapes import NO_TERMS
from emulator.kernel.errors import invalid, unbuilt

KINDS = {kind: name for name, kind in NUMBERS.items()}
LAST_FOUR = re.compile(r"[0-9]{4}")
PURPOSES = ("administrative", "principal_place_of_business")
# What belongs to products that this emulator does not have, and which they are.
ELSEWHERE = {
    "customer.capabilities.automatic_indirect_tax": "calculates no tax",
    "recipient.capabilities.bank_accounts": "has no Global Payouts",
    "recipient.capabilities.cards": "has no Global Payouts",
}


class Told(NamedTuple):
    """What was sent about an account: as v1 says it, what only v2 knows, and which capabilities of which names in v1
    are asked for or given back, each with its parameter in v2."""

    known: dict[str, Any]
    beyond: dict[str, Any]
    wanted: list[tuple[str, bool, str]]


def account_as_v1(params: dict[str, Any]) -> Told:
    """What was sent about an account, its controller, country and applied configurations aside.

    501 for what belongs to products that are not here.
    """
    refuse_elsewhere(params)
    identity = {name: value for name, value in params.get("identity", {}).items() if name != "country"}
    individual = identity.pop("individual", None)
    details = identity.get("business_details")
    if details and "additional_addresses" in details:
        identity["business_details"] = {
            **details,
            "additional_addresses": by_purpose(details["additional_addresses"], PURPOSES),
        }
    sent = {
        name: value
        for name, value in {**params, "identity": identity}.items()
        if name not in ("configuration", "dashboard", "defaults", "metadata")
    }
    sent["defaults"] = {name: value for name, value in params.get("defaults", {}).items() if name != "responsibilities"}
    sent["configuration"] = {
        name: {member: value for member, value in hashed.items() if member not in ("applied", "capabilities")}
        for name, hashed in params.get("configuration", {}).items()
    }
    known, beyond = parted(sent, OF_AN_ACCOUNT)
    if known.get("tos_acceptance", known) is None:
        known["tos_acceptance"] = dict.fromkeys(NO_TERMS)
    numbers = at(beyond, f"{BUSINESS}.id_numbers")
    if numbers is not None:
        for one in numbers:
            placed(known, "company.vat_id" if one["type"].endswith("_vat") else "company.tax_id", one["value"])
        kinds = [{"registrar": one.get("registrar"), "type": one["type"]} for one in numbers]
        placed(beyond, f"{BUSINESS}.id_numbers", kinds)
    if individual is not None:
        known["individual"] = person_as_v1(individual, "identity[individual]")
    if "metadata" in params:
        known["metadata"] = params["metadata"]
    return Told(known, beyond, wanted(params.get("configuration", {})))


def wanted(configuration: dict[str, Any]) -> list[tuple[str, bool, str]]:
    """The capabilities that are asked for or given back, by their names in v1, with their parameters in v2."""
    found: list[tuple[str, bool, str]] = []
    for name, sent in configuration.get("merchant", {}).get("capabilities", {}).items():
        if "requested" in sent:
            param = f"configuration[merchant][capabilities][{name}][requested]"
            found.append((capability_of("merchant", name), sent["requested"], param))
    transfers = at(configuration, f"recipient.capabilities.{TRANSFERS}.requested")
    if transfers is not None:
        param = "configuration[recipient][capabilities][stripe_balance][stripe_transfers][requested]"
        found.append((capability_of("recipient", TRANSFERS), transfers, param))
    return found


def refuse_elsewhere(params: dict[str, Any]) -> None:
    """501 for capabilities of other products, and ways of paying out that only those make."""
    for path, why in ELSEWHERE.items():
        if asks(at(params.get("configuration", {}), path)):
            param = "configuration" + "".join(f"[{name}]" for name in path.split("."))
            raise unbuilt(f"This emulator {why}: leave {param} out.", param=param)
    if at(params, "configuration.customer.automatic_indirect_tax.validate_location") is not None:
        param = "configuration[customer][automatic_indirect_tax][validate_location]"
        raise unbuilt(f"This emulator calculates no tax: leave {param} out.", param=param)
    if at(params, "configuration.customer.billing.default_payment_method") is not None:
        param = "configuration[customer][billing][default_payment_method]"
        raise unbuilt("This emulator attaches no payment methods to customers that are accounts.", param=param)
    for name in ("crypto_money_manager", "money_manager"):
        if at(params, f"identity.attestations.terms_of_service.{name}") is not None:
            param = f"identity[attestations][terms_of_service][{name}]"
            raise unbuilt("This emulator has no financial accounts of v2, whose terms these are.", param=param)
    if at(params, "defaults.payout_methods") is not None:
        raise unbuilt("This emulator has no payout methods of v2.", param="defaults[payout_methods]")


def asks(capabilities: Any) -> bool:
    """Whether anything in a hash of capabilities is requested."""
    if not isinstance(capabilities, dict):
        return False
    return bool(capabilities.get("requested")) or any(asks(inside) for inside in capabilities.values())


def person_as_v1(params: dict[str, Any], param: str = "") -> dict[str, Any]:
    """What was sent about a person; names, nationalities and kinds of numbers are kept as v2 says them.

    400 for a number that is none of its kind. `param` is the hash it was sent in.
    """
    sent = dict(params)
    if "additional_addresses" in sent:
        sent["additional_addresses"] = by_purpose(sent["additional_addresses"], ("registered",))
    known, rest = parted(sent, OF_A_PERSON)
    for name in ("additional_names", "nationalities"):
        if name in rest:
            known[name] = rest[name]
    if "nationalities" in known:
        known["nationality"] = (known["nationalities"] or [None])[0]
    if "metadata" in params:
        known["metadata"] = params["metadata"]
    if "id_numbers" in params:
        known["id_numbers"] = [{"type": one["type"]} for one in params["id_numbers"]]
        for position, one in enumerate(params["id_numbers"]):
            if one["type"] == "us_ssn_last_4" and not LAST_FOUR.fullmatch(one["value"]):
                path = f"id_numbers[{position}][value]"
                raise invalid(
                    "The last four digits of a Social Security number are four digits.",
                    param=f"{param}[id_numbers][{position}][value]" if param else path,
                    code="id_number_invalid",
                )
            known[KINDS.get(one["type"], "id_number")] = one["value"]
    return known
