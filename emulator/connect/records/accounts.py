"""Accounts: the platform's own, and the connected accounts it acts for.

All of them are stored as the platform's. What an account may do follows from its capabilities, what it still owes from
the last review of what is known about it.
Source: https://docs.stripe.com/api/accounts, https://docs.stripe.com/connect/accounts
"""

from __future__ import annotations

from dataclasses import field
from typing import Any

from emulator.connect.records import capabilities, external_accounts, persons
from emulator.connect.records.capabilities import Capability
from emulator.connect.records.persons import Person
from emulator.connect.requirements import Facts, nothing_required, unique
from emulator.connect.shapes import NO_ADDRESS, NO_DOCUMENT, NO_TERMS, phone_number
from emulator.kernel.carried import client_id_of
from emulator.kernel.records import record
from emulator.kernel.render import shown
from emulator.kernel.tenants import handle_of
from emulator.kernel.world import World

# What an account reports of who answers for it, by its type. Source: https://docs.stripe.com/connect/migrate-to-controller-properties
CONTROLLERS = {
    "standard": ("account", "stripe", "stripe", "full"),
    "express": ("application_express", "application", "stripe", "express"),
    "custom": ("application_custom", "application", "application", "none"),
}
ANSWERED_FOR = ("application", "application", "application", "none")
COMPANIES = frozenset({"company", "government_entity", "non_profit"})
ADDRESSES_OF_COMPANIES = (
    "address_kana",
    "address_kanji",
    "administrative_address",
    "physical_address",
    "principal_place_of_business",
)
DECLARATIONS = ("directorship_declaration", "ownership_declaration", "representative_declaration")
# Charges go this way: those of the two that are requested must work.
# Source: https://docs.stripe.com/connect/handling-api-verification
CHARGE_PATH = frozenset({"card_payments", "transfers"})
USUAL_DELAY_DAYS = 2  # until what a payment brings can be paid out, where nobody has chosen
ANCHORS = {
    "weekly": ("weekly_anchor", "weekly_payout_days"),
    "monthly": ("monthly_anchor", "monthly_payout_days"),
}
NO_REVENUE: dict[str, Any] = dict.fromkeys(("amount", "currency", "fiscal_year_end"))
NO_PROFILE: dict[str, Any] = {
    "annual_revenue": None,
    "estimated_worker_count": None,
    "mcc": None,
    "minority_owned_business_designation": None,
    "name": None,
    "product_description": None,
    "specified_commercial_transactions_act_url": None,
    "support_address": None,
    "support_email": None,
    "support_phone": None,
    "support_url": None,
    "url": None,
}


def controller_of(payer: str, losses: str, collection: str, dashboard: str) -> dict[str, Any]:
    """The `controller` hash of an account that the platform's application made."""
    return {
        "fees": {"payer": payer},
        "is_controller": True,
        "losses": {"payments": losses},
        "requirement_collection": collection,
        "stripe_dashboard": {"type": dashboard},
        "type": "application",
    }


@record(
    "account",
    prefix="acct",
    noun="account",
    filters=("is_closed", "is_customer", "is_listed", "is_merchant", "is_of_v2", "is_recipient", "may_connect"),
    hidden=(
        "account_token",
        "beyond_v1",
        "configurations",
        "documents",
        "has_country",
        "is_closed",
        "is_deleted",
        "is_disconnected",
        "is_platform",
        "is_ready",
        "left",
        "numbers",
        "owed",
        "rejected",
        "rejection_keeps_payouts",
        "verified",
    ),
    expands=(
        "company.verification.document.back",
        "company.verification.document.front",
        "external_accounts",
        "individual",
        "settings.branding.icon",
        "settings.branding.logo",
        "settings.invoices.default_account_tax_ids",
    ),
)
class Account:
    """A business that Stripe knows. `numbers` are the marks of what is never shown.

    `is_ready` accounts are active without being asked anything, whatever the tenant's onboarding mode. `owed` is what
    the last review found besides what capabilities need: fields due, and the errors with them.

    `is_disconnected` accounts have left the platform over OAuth, and may come back.

    The `configurations` are those that v2 shows as applied, `left` those that were given up; `beyond_v1` is what only
    v2 knows, None for an account that v1 opened. One that v2 opened without being told where has no country there.
    """

    id: str
    created: int
    country: str
    default_currency: str
    type: str
    controller: dict[str, Any]
    email: str | None = None
    business_type: str | None = None
    business_profile: dict[str, Any] = field(default_factory=dict)
    company: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    tos_acceptance: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, Any] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Any] | None = None
    account_token: str | None = None
    details_submitted: bool = False
    owed: dict[str, Any] = field(default_factory=dict)
    verified: list[str] = field(default_factory=list)
    rejected: str | None = None
    rejection_keeps_payouts: bool = False
    is_platform: bool = False
    is_ready: bool = False
    is_deleted: bool = False
    is_disconnected: bool = False
    is_closed: bool = False
    has_country: bool = True
    configurations: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    beyond_v1: dict[str, Any] | None = None

    @property
    def is_listed(self) -> bool:
        """Whether the account is one of the platform's connected accounts, and open."""
        return not (self.is_platform or self.is_deleted or self.is_disconnected or self.is_closed)

    @property
    def may_connect(self) -> bool:
        """Whether somebody could connect the account over OAuth, for the first time or again."""
        return (self.controls_itself or self.is_disconnected) and not self.is_deleted and not self.is_closed

    @property
    def controls_itself(self) -> bool:
        """Whether it was connected over OAuth: no platform answers for it, and theirs can change little of it."""
        return self.controller["type"] == "account" and not self.is_platform

    @property
    def dashboard(self) -> str:
        """Which dashboard of Stripe's it has: `full`, `express` or `none`."""
        return str(self.controller.get("stripe_dashboard", {}).get("type", "full"))

    @property
    def losses_payer(self) -> str:
        """Who answers for a balance below zero."""
        return str(self.controller.get("losses", {}).get("payments", "stripe"))

    @property
    def fees_payer(self) -> str:
        """Who pays Stripe's fees."""
        return str(self.controller.get("fees", {}).get("payer", "account"))

    @property
    def is_customer(self) -> bool:
        """List filter of v2."""
        return "customer" in self.configurations

    @property
    def is_merchant(self) -> bool:
        """List filter of v2."""
        return "merchant" in self.configurations

    @property
    def is_of_v2(self) -> bool:
        """List filter of v2: whether the account was opened there."""
        return self.beyond_v1 is not None

    @property
    def is_recipient(self) -> bool:
        """List filter of v2."""
        return "recipient" in self.configurations

    @property
    def is_controlled(self) -> bool:
        """Whether the platform answers for everything and there is no dashboard, as Issuing and Treasury need."""
        return self.type == "custom" or self.controller == controller_of(*ANSWERED_FOR)

    @property
    def collects_requirements(self) -> bool:
        """Whether the platform, not Stripe, asks the account for what is required."""
        return self.controller.get("requirement_collection") == "application"

    @property
    def debits_negative_balances(self) -> bool:
        """Whether Stripe would take what a balance is short of from the account's bank."""
        said = self.settings.get("payouts", {}).get("debit_negative_balances")
        return not self.collects_requirements if said is None else bool(said)

    @property
    def delay_days(self) -> int:
        """How many days pass until what a payment brings can be paid out."""
        return self.settings.get("payouts", {}).get("schedule", {}).get("delay_days", USUAL_DELAY_DAYS)

    def render(self, world: World) -> dict[str, Any]:
        """The account as its platform and it itself read it; a deleted one is no more than its id."""
        if self.is_deleted:
            return {"id": self.id, "object": self.object, "deleted": True}
        inside = world.as_account(self.id)
        requested = capabilities.requested(inside)
        banks = external_accounts.everyone(inside)
        requirements = self.requirements(requested, bool(banks))
        members = shown(
            self,
            business_profile=self.shown_profile(),
            capabilities={capability.name: capability.status for capability in requested},
            charges_enabled=self.may_charge(requested),
            external_accounts=external_accounts.first_page(banks, self.id, inside),
            future_requirements=nothing_required(),
            payouts_enabled=self.may_be_paid_out(requested, requirements),
            requirements=requirements,
            settings=self.shown_settings("treasury" in {capability.name for capability in requested}),
            tos_acceptance={**NO_TERMS, **self.tos_acceptance},
        )
        for name in ("livemode", "company", "groups"):
            del members[name]
        if self.groups:
            members["groups"] = self.groups
        person = persons.individual(inside) if self.business_type == "individual" else None
        if person is not None:
            members["company"] = self.shown_company(company_of(person))
            members["individual"] = person.within_account(inside)
        elif self.business_type in COMPANIES or self.company:
            members["company"] = self.shown_company({})
        return members

    def shown_profile(self) -> dict[str, Any]:
        """What the business does, null where nothing was said."""
        members = {**NO_PROFILE, **self.business_profile}
        if members["annual_revenue"] is not None:  # v2 may say some of it
            members["annual_revenue"] = {**NO_REVENUE, **members["annual_revenue"]}
        if members["support_address"] is not None:
            members["support_address"] = {**NO_ADDRESS, **members["support_address"]}
        return members

    def may_charge(self, requested: list[Capability]) -> bool:
        """Whether charges are enabled: the whole way of a charge is active, as far as it was requested."""
        path = [capability.status for capability in requested if capability.name in CHARGE_PATH]
        return self.rejected is None and bool(path) and set(path) == {"active"}

    def may_be_paid_out(self, requested: list[Capability], requirements: dict[str, Any]) -> bool:
        """Whether payouts are enabled: something to earn, and nothing past due, such as a bank account."""
        if self.rejected is not None:
            return self.rejection_keeps_payouts and not requirements["past_due"]
        earns = any(capability.name in CHARGE_PATH and capability.status == "active" for capability in requested)
        return earns and requirements["disabled_reason"] is None

    def requirements(self, requested: list[Capability], has_bank: bool) -> dict[str, Any]:
        """What is required of the account: all that its requested capabilities need, and a bank account.

        A missing bank account is past due like everything else, but stops no capability, as recorded replies show.
        """
        parts = [*(capability.requirements for capability in requested), self.owed]
        due = {key for part in parts for key in part.get("past_due", [])}
        if not has_bank:
            due.add("external_account")
        eventually = sorted(due.union(*(part.get("eventually_due", []) for part in parts)))
        pending = {key for part in parts for key in part.get("pending_verification", [])}
        errors = [error for part in parts for error in part.get("errors", [])]
        instead = [other for part in parts for other in part.get("alternatives", [])]
        reason = f"rejected.{self.rejected}" if self.rejected else None
        if reason is None and due:
            reason = "requirements.past_due"
        elif reason is None and pending:
            reason = "requirements.pending_verification"
        return {
            **nothing_required(),
            "alternatives": sorted(unique(instead), key=lambda other: other["original_fields_due"]),
            "currently_due": sorted(due),
            "disabled_reason": reason,
            "errors": unique(errors),
            "eventually_due": eventually,
            "past_due": sorted(due),
            "pending_verification": sorted(pending),
        }

    def shown_company(self, known: dict[str, Any]) -> dict[str, Any]:
        """The company without its numbers, what was said of it before what is known besides.

        What only some countries know is absent until it is given.
        """
        said = {**known, **self.company}
        verification = said.get("verification", {}).get("document", {})
        members = {
            "directors_provided": False,
            "executives_provided": False,
            "name": None,
            "owners_provided": False,
            **{name: value for name, value in said.items() if name != "registration_number"},
            "address": {**NO_ADDRESS, "country": self.country, **said.get("address", {})},
            "phone": phone_number(said.get("phone")),
            "tax_id_provided": "tax_id" in self.numbers,
            "verification": {"document": {**NO_DOCUMENT, **verification}},
        }
        for name in ADDRESSES_OF_COMPANIES:
            if name in members:
                town = {"town": None} if name.startswith("address_") else {}
                members[name] = {**NO_ADDRESS, **town, **members[name]}
        for name in DECLARATIONS:
            if name in members:
                members[name] = {**NO_TERMS, **members[name]}
        if "vat_id" in self.numbers:
            members["vat_id_provided"] = True
        return members

    def shown_settings(self, has_treasury: bool) -> dict[str, Any]:
        """The settings in full, whatever of them was set."""
        said = self.settings
        schedule = {"delay_days": self.delay_days, "interval": "daily", **said.get("payouts", {}).get("schedule", {})}
        anchors = [name for interval, names in ANCHORS.items() if interval != schedule["interval"] for name in names]
        members: dict[str, Any] = {
            "bacs_debit_payments": with_nulls("display_name service_user_number", said.get("bacs_debit_payments")),
            "branding": with_nulls("icon logo primary_color secondary_color", said.get("branding")),
            "card_issuing": {"tos_acceptance": terms_of(said, "card_issuing")},
            "card_payments": {
                **with_nulls(
                    "statement_descriptor_prefix statement_descriptor_prefix_kana statement_descriptor_prefix_kanji",
                    said.get("card_payments"),
                ),
                "decline_on": {
                    "avs_failure": False,
                    "cvc_failure": False,
                    **said.get("card_payments", {}).get("decline_on", {}),
                },
            },
            "dashboard": {
                "display_name": said.get("dashboard", {}).get("display_name") or self.business_profile.get("name"),
                "timezone": "Etc/UTC",
            },
            "invoices": {
                "default_account_tax_ids": None,
                "hosted_payment_method_save": "offer",
                **said.get("invoices", {}),
            },
            "payments": with_nulls(
                "statement_descriptor statement_descriptor_kana statement_descriptor_kanji", said.get("payments")
            ),
            "payouts": {
                "debit_negative_balances": self.debits_negative_balances,
                "schedule": {name: value for name, value in schedule.items() if name not in anchors},
                "statement_descriptor": said.get("payouts", {}).get("statement_descriptor"),
            },
            "sepa_debit_payments": dict(said.get("sepa_debit_payments", {})),
        }
        if has_treasury or "treasury" in said:
            members["treasury"] = {"tos_acceptance": terms_of(said, "treasury")}
        if "paypay_payments" in said:
            members["paypay_payments"] = paypay(said["paypay_payments"])
        return members


def company_of(person: Person) -> dict[str, Any]:
    """The business of an individual, as recorded replies show it: where they live, their phone, nobody else to name."""
    return {
        "address": person.said.get("address", {}),
        "directors_provided": True,
        "executives_provided": True,
        "owners_provided": True,
        "phone": person.said.get("phone"),
    }


def with_nulls(names: str, said: dict[str, Any] | None) -> dict[str, Any]:
    """A hash with all of these members, null where nothing was said."""
    return {**dict.fromkeys(names.split()), **(said or {})}


def terms_of(settings: dict[str, Any], product: str) -> dict[str, Any]:
    """When and from where a product's own terms were accepted, with the browser only where that was said."""
    return {"date": None, "ip": None, **settings.get(product, {}).get("tos_acceptance", {})}


def paypay(said: dict[str, Any]) -> dict[str, Any]:
    """The settings of a Japanese wallet; its password is only ever said to be there."""
    site = said.get("site") or {}
    building = site.get("in_development")
    return {
        "additional_files": said.get("additional_files"),
        "goods_type": said.get("goods_type"),
        "site": {
            "accessible": site.get("accessible"),
            "in_development": building
            and {"password_provided": "password" in building, "username": building.get("username")},
            "restricted": site.get("restricted"),
            "type": site.get("type"),
        },
    }


def of(world: World) -> Account:
    """The acting account's own record."""
    account = world.as_account(world.platform).find(Account, world.account)
    assert account is not None, f"{world.account} was opened without a record"
    return account


def save(world: World, account: Account) -> Account:
    """Store an account's record: all of them are the platform's."""
    return world.as_account(world.platform).put(account)


def legal_name(account: Account) -> str:
    """Under which name the account holds money: the company's or the business's, else its e-mail, else its id."""
    return account.company.get("name") or account.business_profile.get("name") or account.email or account.id


def facts(world: World, account: Account) -> Facts:
    """All that the rules about requirements may look at."""
    inside = world.as_account(account.id)
    people = persons.everyone(inside)
    values: dict[str, Any] = {
        "business_type": account.business_type,
        "business_profile": account.business_profile,
        "company": {**account.company, **account.numbers},
        "settings": account.settings,
        "tos_acceptance": account.tos_acceptance,
    }
    owners = [person for person in people if person.owner and not person.is_individual]
    values |= {person.id: person.facts for person in owners}
    representative = next((person for person in people if person.representative and not person.is_individual), None)
    individual = next((person for person in people if person.is_individual), None)
    if individual is not None:
        values["individual"] = individual.facts
    if representative is not None:
        values["representative"] = representative.facts
    elif individual is not None and account.business_type is None:
        values["representative"] = individual.facts
    return Facts(
        account.country,
        account.business_type,
        values,
        representative.id if representative else None,
        [person.id for person in owners],
        [(person.id, str(person.said.get("first_name"))) for person in people if person.director],
        frozenset(account.verified),
    )


def application_of(world: World) -> str:
    """The client id of the platform's own application: its Connect endpoints carry it, and who leaves it is told of it.

    It names its world, and a world of one key has the same one for ever.
    """
    return client_id_of(handle_of(world.step.row.name))
