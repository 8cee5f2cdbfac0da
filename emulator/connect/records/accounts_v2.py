"""Accounts as v2 shows them: the same account in configurations, an identity, defaults and requirements.

Each of those is shown when it is included, and null otherwise. What was never said of it is not there either, but for
the members that recorded replies have as null.
Source: https://docs.stripe.com/api/v2/core/accounts/object, https://docs.stripe.com/connect/accounts-v2, and recorded
replies.
"""

from __future__ import annotations

from typing import Any

from emulator.connect.correspondence import (
    CONFIGURATIONS,
    MERCHANT,
    OF_AN_ACCOUNT,
    PAYOUTS,
    applied,
    as_v2,
    at,
    configuration_of,
    described,
    placed,
    with_purposes,
)
from emulator.connect.records import capabilities, external_accounts, persons
from emulator.connect.records.accounts import Account
from emulator.connect.records.capabilities import Capability
from emulator.connect.records.persons_v2 import with_kinds, with_times, within_account
from emulator.connect.shapes import NO_ADDRESS, merged
from emulator.data.accounts_v2 import BUSINESS_ID_NUMBERS
from emulator.kernel import rfc3339
from emulator.kernel.records import face
from emulator.kernel.render import Include
from emulator.kernel.world import World

# Where money arrives that is paid out: those of a configuration of these can.
PAID_OUT = ("merchant", "recipient")
# Who answers for fees: v1 knows the account itself, which v2 does not.
COLLECTORS = {"account": "stripe"}
PROVIDED = {"directors": False, "executives": False, "owners": False, "ownership_exemption_reason": None}
DECLARATIONS = ("directorship_declaration", "ownership_declaration", "representative_declaration")
# How urgent something is, the most urgent first.
DEADLINES = ("past_due", "currently_due", "eventually_due")
REJECTIONS = {"platform_fraud", "platform_other", "platform_terms_of_service"}


def configuration(name: str) -> Include:
    """One configuration, null unless the account has or had it."""

    def fill(world: World, account: AccountOfV2, rendered: dict[str, Any]) -> None:
        inside = world.as_account(account.id)
        shown = dict(rendered["configuration"] or dict.fromkeys(CONFIGURATIONS))
        has = applied_to(inside, account)
        if name in has or name in account.left:
            shown[name] = {**SHOWN[name](inside, account), "applied": name in has}
        rendered["configuration"] = shown

    return Include(fill)


def fill_defaults(world: World, account: AccountOfV2, rendered: dict[str, Any]) -> None:
    """Currency, profile, and who answers for what."""
    rendered["defaults"] = {
        **said(account).get("defaults", {}),
        "responsibilities": responsibilities(account),
        "currency": account.default_currency if account.has_country else None,
    }


def fill_identity(world: World, account: AccountOfV2, rendered: dict[str, Any]) -> None:
    """Whose account it is: a company's details, or an individual."""
    identity = said(account).get("identity", {})
    attestations = identity.get("attestations", {})
    for name in DECLARATIONS:
        if name in attestations:
            attestations[name] = with_times(attestations[name])
    if "terms_of_service" in attestations:
        terms = attestations["terms_of_service"]
        attestations["terms_of_service"] = {who: with_times(accepted) for who, accepted in terms.items()}
    attestations["persons_provided"] = {**PROVIDED, **attestations.get("persons_provided", {})}
    person = persons.individual(world.as_account(account.id)) if account.business_type == "individual" else None
    rendered["identity"] = {
        "attestations": attestations,
        "business_details": business_details(account, identity.get("business_details", {})) or None,
        "country": account.country if account.has_country else None,
        "entity_type": account.business_type,
        "individual": within_account(person) if person is not None else None,
    }


def fill_requirements(world: World, account: AccountOfV2, rendered: dict[str, Any]) -> None:
    """What is asked of the account, and which capabilities wait for it."""
    rendered["requirements"] = requirements(world.as_account(account.id), account)


def fill_future_requirements(world: World, account: AccountOfV2, rendered: dict[str, Any]) -> None:
    """What will be asked some day: nothing."""
    rendered["future_requirements"] = {
        "alternatives": [],
        "entries": [],
        "minimum_transition_date": None,
        "summary": {"minimum_deadline": None},
    }


@face(
    "v2.core.account",
    noun="account",
    includes={
        **{f"configuration.{name}": configuration(name) for name in CONFIGURATIONS},
        "defaults": Include(fill_defaults),
        "future_requirements": Include(fill_future_requirements),
        "identity": Include(fill_identity),
        "requirements": Include(fill_requirements),
    },
)
class AccountOfV2(Account):
    """A business that Stripe knows, as v2 knows it."""

    @staticmethod
    def look_up(world: World, id: str) -> tuple[str, AccountOfV2] | None:
        """The account, which is its platform's and may read itself."""
        found = world.stored(AccountOfV2, id)
        return found and (id if world.account == id else found[0], found[1])

    def render(self, world: World) -> dict[str, Any]:
        """The account, nothing included."""
        known = said(self)
        return {
            "id": self.id,
            "object": self.object,
            "applied_configurations": applied_to(world.as_account(self.id), self),
            "closed": self.is_closed,
            "configuration": None,
            "contact_email": self.email,
            "contact_phone": known.get("contact_phone"),
            "created": rfc3339.text_of(self.created),
            "dashboard": self.controller.get("stripe_dashboard", {}).get("type"),
            "defaults": None,
            "display_name": known.get("display_name") or self.business_profile.get("name"),
            "future_requirements": None,
            "identity": None,
            "livemode": False,
            "metadata": self.metadata,
            "requirements": None,
        }


def said(account: Account) -> dict[str, Any]:
    """All that is known of an account, as v2 says it."""
    members = ("email", "default_currency", "business_type", "business_profile", "company", "settings")
    known = {name: getattr(account, name) for name in members}
    known |= {"tos_acceptance": account.tos_acceptance, "documents": account.documents or {}}
    return merged(as_v2(known, OF_AN_ACCOUNT), account.beyond_v1 or {})


def applied_to(world: World, account: Account) -> list[str]:
    """The configurations the acting account has now."""
    return applied(account.configurations, [one.name for one in capabilities.requested(world)])


def responsibilities(account: Account) -> dict[str, Any]:
    """Who collects fees, losses and requirements."""
    controller = account.controller
    payer = controller.get("fees", {}).get("payer")
    return {
        "fees_collector": COLLECTORS.get(payer, payer),
        "losses_collector": controller.get("losses", {}).get("payments"),
        "requirements_collector": controller.get("requirement_collection", "stripe"),
    }


def business_details(account: Account, details: dict[str, Any]) -> dict[str, Any]:
    """What is known of a company; of its numbers only the kinds."""
    if "additional_addresses" in details:
        details["additional_addresses"] = with_purposes(details["additional_addresses"])
    if "documents" in details:
        details["documents"] = with_kinds(details["documents"])
    numbers = list(details.get("id_numbers", []))
    in_v1 = {"tax_id": "us_ein" if account.country == "US" else None, "vat_id": f"{account.country.lower()}_vat"}
    kinds = [kind for name, kind in in_v1.items() if name in account.numbers and kind in BUSINESS_ID_NUMBERS]
    numbers += [{"registrar": None, "type": kind} for kind in kinds if kind not in {one["type"] for one in numbers}]
    return {**details, "id_numbers": numbers} if numbers else details


# Configurations


def shown_customer(world: World, account: AccountOfV2) -> dict[str, Any]:
    """What was said of a customer. Tax is not calculated here, so there are no capabilities."""
    known = said(account).get("configuration", {}).get("customer", {})
    return {**known, "capabilities": None}


def shown_merchant(world: World, account: AccountOfV2) -> dict[str, Any]:
    """How an account takes payments."""
    known = at(said(account), MERCHANT) or {}
    support = known.get("support")
    if support is not None:
        place = support.get("address")
        address = {**NO_ADDRESS, "town": None, **place} if place is not None else None
        support = {"email": None, "phone": None, "url": None, **support, "address": address}
    declines = known.get("card_payments", {}).get("decline_on", {})
    return {
        **known,
        "capabilities": shown_capabilities(world, account, "merchant"),
        "card_payments": {"decline_on": {"avs_failure": False, "cvc_failure": False, **declines}},
        "statement_descriptor": {"descriptor": None, "prefix": None, **known.get("statement_descriptor", {})},
        "support": support,
    }


def shown_recipient(world: World, account: AccountOfV2) -> dict[str, Any]:
    """How an account is sent money."""
    return {"capabilities": shown_capabilities(world, account, "recipient")}


SHOWN = {"customer": shown_customer, "merchant": shown_merchant, "recipient": shown_recipient}


def shown_capabilities(world: World, account: Account, configuration: str) -> dict[str, Any] | None:
    """The requested capabilities of a configuration, and payouts unasked; null where none is requested."""
    requested = capabilities.requested(world)
    shown: dict[str, Any] = {}
    for capability in requested:
        where = configuration_of(capability.name)
        if where is not None and where[0] == configuration:
            placed(shown, where[1], standing(account, capability))
    if not shown:
        return None
    placed(shown, PAYOUTS, payouts(world, account, requested))
    return shown


def standing(account: Account, capability: Capability) -> dict[str, Any]:
    """How v2 says that a capability stands, and why. Which code goes with a pause or a rejection is our ruling."""
    if capability.status == "active":
        return status("active")
    reason = capability.requirements["disabled_reason"] or ""
    if reason.startswith("rejected."):
        known = account.rejected if account.rejected in REJECTIONS else "other"
        return status("rejected", f"rejected_{known}", "no_resolution")
    if capability.status == "pending":
        return status("pending", "requirements_pending_verification", "no_resolution")
    if reason == "requirements.fields_needed":
        return status("restricted", "requirements_past_due", "provide_info")
    return status("restricted", "restricted_other", "contact_stripe")


def payouts(world: World, account: Account, requested: list[Capability]) -> dict[str, Any]:
    """Whether the account may be paid out; a missing bank account is the usual reason why it may not."""
    owed = account.requirements(requested, bool(external_accounts.everyone(world)))
    reason = owed["disabled_reason"] or ""
    if account.may_be_paid_out(requested, owed):
        return status("active")
    if reason.startswith("rejected."):
        return status("rejected", f"rejected_{account.rejected}", "no_resolution")
    if reason == "requirements.pending_verification":
        return status("pending", "requirements_pending_verification", "no_resolution")
    if reason == "requirements.past_due":
        return status("restricted", "requirements_past_due", "provide_info")
    return status("restricted", "restricted_other", "contact_stripe")


def status(word: str, code: str | None = None, resolution: str | None = None) -> dict[str, Any]:
    """One status with its details."""
    return {"status": word, "status_details": [{"code": code, "resolution": resolution}] if code else []}


# Requirements


def requirements(world: World, account: Account) -> dict[str, Any]:
    """Every field that a capability of v2 waits for as one entry, and what would do as well.

    What only Issuing and Treasury ask for is asked for in v1, where those are requested.
    """
    requested = capabilities.requested(world)
    waiting: dict[str, dict[tuple[str, str], str]] = {}
    errors: dict[str, list[dict[str, str]]] = {}
    pending: set[str] = set()
    instead: list[dict[str, list[str]]] = []
    for where, owed in asked_by(world, account, requested):
        for key in owed["pending_verification"]:
            waiting.setdefault(key, {})[where] = "currently_due"
            pending.add(key)
        for key in owed["eventually_due"]:
            waiting.setdefault(key, {})[where] = "past_due" if key in owed["past_due"] else "eventually_due"
        for error in owed["errors"]:
            errors.setdefault(error["requirement"], []).append({"code": error["code"], "description": error["reason"]})
        instead += [other for other in owed["alternatives"] if other not in instead]
    entries = [entry(account, key, waiting[key], errors.get(key, []), key in pending) for key in waiting]
    entries.sort(key=lambda one: one["description"])
    soonest = [one["minimum_deadline"]["status"] for one in entries if one["awaiting_action_from"] == "user"]
    return {
        "alternatives": sorted(
            (alternative(account, one) for one in instead), key=lambda one: one["original_entries"][0]["description"]
        ),
        "entries": entries,
        "summary": {
            "minimum_deadline": {"status": min(soonest, key=DEADLINES.index), "time": None} if soonest else None
        },
    }


def asked_by(
    world: World, account: Account, requested: list[Capability]
) -> list[tuple[tuple[str, str], dict[str, Any]]]:
    """The capabilities of v2, each with what it waits for: payouts wait for a bank account."""
    found: list[tuple[tuple[str, str], dict[str, Any]]] = []
    for capability in requested:
        where = configuration_of(capability.name)
        if where is not None:
            found.append((where, capability.requirements))
    all_of_it = account.requirements([], bool(external_accounts.everyone(world)))
    for name in PAID_OUT:
        if any(where[0] == name for where, _ in found):
            found.append(((name, PAYOUTS), all_of_it))
    return found


def entry(
    account: Account, key: str, waiting: dict[tuple[str, str], str], errors: list[dict[str, str]], is_pending: bool
) -> dict[str, Any]:
    """One requirement."""
    description, person = described(key, account.country)
    return {
        "awaiting_action_from": "stripe" if is_pending else "user",
        "description": description,
        "errors": [error for at, error in enumerate(errors) if error not in errors[:at]],
        "impact": {
            "restricts_capabilities": [
                {"capability": name, "configuration": configuration, "deadline": {"status": deadline}}
                for (configuration, name), deadline in sorted(waiting.items())
            ]
        },
        "minimum_deadline": {"status": min(waiting.values(), key=DEADLINES.index)},
        "reference": reference(person),
        "requested_reasons": [{"code": "routine_verification" if is_pending or errors else "routine_onboarding"}],
    }


def reference(person: str | None) -> dict[str, Any] | None:
    """The person whom a requirement is about."""
    return {"inquiry": None, "resource": person, "type": "person"} if person is not None else None


def alternative(account: Account, other: dict[str, list[str]]) -> dict[str, Any]:
    """What would do as well as something that is asked for."""

    def mentioned(key: str) -> dict[str, Any]:
        description, person = described(key, account.country)
        return {"description": description, "reference": reference(person)}

    originals = [mentioned(key) for key in other["original_fields_due"]]
    options = [
        {**mentioned(key), "awaiting_action_from": "user", "errors": []} for key in other["alternative_fields_due"]
    ]
    return {"options": [{"entries": options}], "original_entries": originals}


def of(world: World) -> AccountOfV2:
    """The acting account's own record."""
    found = AccountOfV2.look_up(world, world.account)
    assert found is not None, f"{world.account} was opened without a record"
    return found[1]
