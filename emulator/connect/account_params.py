"""What may be said about an account: every published parameter, in Stripe's order.

Source: https://docs.stripe.com/api/accounts/create, https://docs.stripe.com/api/accounts/update
"""

from __future__ import annotations

from typing import Any

from emulator.connect.capabilities import CapabilitiesParams
from emulator.connect.external_accounts import ExternalAccountField, NewOfAccountParams
from emulator.connect.person_params import IndividualParams
from emulator.connect.shapes import (
    AddressParams,
    CalendarDate,
    DeclarationParams,
    IdentityDocumentParams,
    JapaneseAddressParams,
    TermsParams,
    documents,
    group,
)
from emulator.kernel.params import (
    Boolean,
    Country,
    Currency,
    Email,
    Enum,
    Hash,
    Integer,
    List,
    Metadata,
    Params,
    String,
    Timestamp,
    integer,
)

BUSINESS_TYPES = ("company", "government_entity", "individual", "non_profit")
STRUCTURES = (
    "free_zone_establishment",
    "free_zone_llc",
    "government_instrumentality",
    "governmental_unit",
    "incorporated_non_profit",
    "incorporated_partnership",
    "limited_liability_partnership",
    "llc",
    "multi_member_llc",
    "private_company",
    "private_corporation",
    "private_partnership",
    "public_company",
    "public_corporation",
    "public_partnership",
    "registered_charity",
    "single_member_llc",
    "sole_establishment",
    "sole_proprietorship",
    "tax_exempt_government_instrumentality",
    "unincorporated_association",
    "unincorporated_non_profit",
    "unincorporated_partnership",
)
DESIGNATIONS = (
    "lgbtqi_owned_business",
    "minority_owned_business",
    "none_of_these_apply",
    "prefer_not_to_answer",
    "women_owned_business",
)
WEEKDAYS = ("friday", "monday", "saturday", "sunday", "thursday", "tuesday", "wednesday")
WORKDAYS = ("friday", "monday", "thursday", "tuesday", "wednesday")
SHORTEST_DELAY_DAYS = 2


class DelayDays(Enum):
    """Days until a payout: a number, or `minimum` for the fewest possible."""

    def __init__(self) -> None:
        super().__init__(("minimum",))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return integer(value)
        super()._deserialize(value, attr, data, **kwargs)
        return SHORTEST_DELAY_DAYS


class BusinessProfileParams(Params):
    """What the business does, and how its customers reach it."""

    annual_revenue = group(
        amount=Integer(required=True, minimum=0),
        currency=Currency(required=True),
        fiscal_year_end=String(
            required=True, pattern=r"\d{4}-\d{2}-\d{2}", says="The close-out date must look like YYYY-MM-DD."
        ),
    )
    estimated_worker_count = Integer(minimum=0)
    mcc = String(pattern=r"[0-9]{4}", says="A merchant category code is four digits.")
    minority_owned_business_designation = List(Enum(DESIGNATIONS))
    monthly_estimated_revenue = group(amount=Integer(required=True, minimum=0), currency=Currency(required=True))
    name = String()
    product_description = String(max_length=40000)
    specified_commercial_transactions_act_url = String(unset=True)
    support_address = Hash(AddressParams)
    support_email = Email()
    support_phone = String()
    support_url = String(unset=True)
    url = String()


class CompanyParams(Params):
    """The company or organisation behind an account."""

    address = Hash(AddressParams)
    address_kana = Hash(JapaneseAddressParams)
    address_kanji = Hash(JapaneseAddressParams)
    administrative_address = Hash(AddressParams)
    directors_provided = Boolean()
    directorship_declaration = Hash(DeclarationParams)
    executives_provided = Boolean()
    export_license_id = String()
    export_purpose_code = String()
    name = String(max_length=100)
    name_kana = String(max_length=100)
    name_kanji = String(max_length=100)
    owners_provided = Boolean()
    ownership_declaration = Hash(DeclarationParams)
    ownership_exemption_reason = Enum(
        ("qualified_entity_exceeds_ownership_threshold", "qualifies_as_financial_institution"), unset=True
    )
    phone = String()
    physical_address = Hash(AddressParams)
    principal_place_of_business = Hash(AddressParams)
    registration_date = CalendarDate()
    registration_number = String()
    representative_declaration = Hash(DeclarationParams)
    structure = Enum(STRUCTURES, unset=True)
    tax_id = String()
    tax_id_registrar = String()
    vat_id = String()
    verification = group(document=Hash(IdentityDocumentParams))


class ControllerParams(Params):
    """Who answers for the account."""

    fees = group(payer=Enum(("account", "application")))
    losses = group(payments=Enum(("application", "stripe")))
    requirement_collection = Enum(("application", "stripe"))
    stripe_dashboard = group(type=Enum(("express", "full", "none")))


SIGNER = {"signer": group(person=String())}
DOCUMENTS = {
    "bank_account_ownership_verification": documents(),
    "company_license": documents(),
    "company_memorandum_of_association": documents(),
    "company_ministerial_decree": documents(),
    "company_registration_verification": documents(),
    "company_tax_id_verification": documents(),
    "proof_of_address": documents(),
    "proof_of_business_presence": documents(),
    "proof_of_ultimate_beneficial_ownership": documents(**SIGNER),
}


class SettingsParams(Params):
    """How the account looks, is paid out, and which product terms it accepted."""

    bacs_debit_payments = group(display_name=String())
    branding = group(icon=String(), logo=String(), primary_color=String(), secondary_color=String())
    card_issuing = group(tos_acceptance=Hash(TermsParams))
    card_payments = group(
        decline_on=group(avs_failure=Boolean(), cvc_failure=Boolean()),
        statement_descriptor_prefix=String(max_length=10),
        statement_descriptor_prefix_kana=String(max_length=10, unset=True),
        statement_descriptor_prefix_kanji=String(max_length=10, unset=True),
    )
    invoices = group(hosted_payment_method_save=Enum(("always", "never", "offer")))
    payments = group(
        statement_descriptor=String(max_length=22),
        statement_descriptor_kana=String(max_length=22),
        statement_descriptor_kanji=String(max_length=22),
    )
    payouts = group(
        debit_negative_balances=Boolean(),
        schedule=group(
            delay_days=DelayDays(),
            interval=Enum(("daily", "manual", "monthly", "weekly")),
            monthly_anchor=Integer(minimum=1, maximum=31),
            monthly_payout_days=List(Integer(minimum=1, maximum=31)),
            weekly_anchor=Enum(WEEKDAYS),
            weekly_payout_days=List(Enum(WORKDAYS)),
        ),
        statement_descriptor=String(max_length=22),
    )
    paypay_payments = group(
        additional_files=List(String()),
        goods_type=Enum(("digital_content", "other")),
        site=group(
            accessible=group(),
            in_development=group(password=String(required=True), username=String()),
            restricted=group(payment_flow_file=String()),
            type=Enum(("accessible", "in_development", "restricted")),
        ),
    )
    sepa_debit_payments = group(creditor_id=String())
    treasury = group(tos_acceptance=Hash(TermsParams))


class UpdateSettingsParams(SettingsParams):
    """An account's settings, where its tax ids can be named too."""

    invoices = group(
        default_account_tax_ids=List(String(), unset=True),
        hosted_payment_method_save=Enum(("always", "never", "offer")),
    )


class AccountParams(Params):
    """What may be said of an account, at first and later."""

    account_token = String()
    business_profile = Hash(BusinessProfileParams)
    business_type = Enum(BUSINESS_TYPES)
    capabilities = Hash(CapabilitiesParams)
    company = Hash(CompanyParams)
    controller = Hash(ControllerParams)
    country = Country()
    default_currency = Currency()
    documents = group(**DOCUMENTS, proof_of_registration=documents(**SIGNER))
    email = Email()
    external_account = ExternalAccountField(NewOfAccountParams)
    groups = group(payments_pricing=String(unset=True))
    individual = Hash(IndividualParams)
    metadata = Metadata()
    settings = Hash(SettingsParams)
    tos_acceptance = group(date=Timestamp(), ip=String(), service_agreement=String(), user_agent=String())


class CreateParams(AccountParams):
    """Everything that may be said of a new account. Older clients send `documents[proof_of_registration]` here too."""

    type = Enum(("custom", "express", "standard"))


class UpdateParams(AccountParams):
    """Everything that may be said of an account later. `controller` and `country` are taken where they change nothing,
    because older guides send them."""

    external_account = ExternalAccountField(NewOfAccountParams, unset=True)
    settings = Hash(UpdateSettingsParams)
