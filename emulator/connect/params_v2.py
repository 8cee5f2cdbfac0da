"""What may be said about accounts and persons in v2: every published parameter, in Stripe's order.

Most of it is unset with `null`. Countries are taken in either case, as Stripe's own samples write them small.
Source: https://docs.stripe.com/api/v2/core/accounts/create, https://docs.stripe.com/api/v2/core/accounts/update,
https://docs.stripe.com/api/v2/core/persons/create
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from emulator.connect.account_params import BUSINESS_TYPES
from emulator.connect.correspondence import CONFIGURATIONS
from emulator.connect.shapes import CalendarDate, group, group_of
from emulator.data.accounts_v2 import BUSINESS_ID_NUMBERS, LOCALES, MERCHANT_CAPABILITIES, PERSON_ID_NUMBERS, STRUCTURES
from emulator.kernel.params import (
    INVALID_OBJECT,
    Boolean,
    Country,
    Currency,
    Decimal,
    Email,
    Enum,
    Hash,
    Integer,
    List,
    Metadata,
    PageParams,
    Param,
    Params,
    String,
    Timestamp,
    complain,
)

NO_ISSUING = (
    "Accounts v2 has no Issuing or Treasury workflows. Request `card_issuing` and `treasury` for this account through "
    "Accounts v1, with POST /v1/accounts/{account}/capabilities/{capability}: "
    "https://docs.stripe.com/treasury/connect/account-management/issuing-cards"
)
LONGEST_NAME, LONGEST_DESCRIPTOR, LONGEST_PREFIX = 100, 22, 10


class OnlyInV1(Param):
    """What clients ask v2 for, though only v1 has it: refused, with where it is to be asked for."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        raise complain(NO_ISSUING)


class AnyHash(Param):
    """A hash of whatever."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError([INVALID_OBJECT])  # type: ignore[list-item]
        return value


class AnyCaseCountry(Country):
    """A country in small or large letters, kept in large ones."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value.upper() if isinstance(value, str) else value, attr, data, **kwargs)


class Share(Decimal):
    """A share between 0 and 100 as a decimal number in a text; a number once it is read."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        share = float(super()._deserialize(value, attr, data, **kwargs))
        if not 0 <= share <= 100:
            raise complain("This value must be between 0 and 100.")
        return share


# Hashes that several have; what is new has to be told more of


def text(most: int = 5000) -> String:
    """A text that can be unset."""
    return String(max_length=most, unset=True)


def address(is_new: bool = False, **more: Any) -> dict[str, Param]:
    """The members of an address; a new one has a country."""
    return {
        "city": text(100),
        "country": AnyCaseCountry(required=is_new, unset=not is_new),
        "line1": text(200),
        "line2": text(200),
        "postal_code": text(),
        "state": text(),
        **more,
    }


def of(**members: Any) -> Hash:
    """A hash with these members, which can be unset as a whole."""
    return Hash(group_of(**members), unset=True)


def both_scripts(**members: Any) -> Hash:
    """The same in kana and in kanji."""
    inner = group_of(**members)
    return of(kana=Hash(inner, unset=True), kanji=Hash(inner, unset=True))


def accepted(is_new: bool) -> Hash:
    """When and from where terms were accepted."""
    return of(
        date=Timestamp(required=is_new, unset=not is_new),
        ip=String(required=is_new, unset=not is_new),
        user_agent=text(),
    )


def both_sides(is_new: bool) -> Hash:
    """Both sides of a document."""
    sides = group_of(back=String(unset=True), front=String(required=is_new))
    return of(front_back=Hash(sides, required=True), type=Enum(("front_back",), required=True))


Declaration = group_of(date=Timestamp(unset=True), ip=text(), user_agent=text())
Amount = group_of(value=Integer(required=True, minimum=0), currency=Currency(required=True))
SOME_FILES = {"files": List(String(), required=True), "type": Enum(("files",), required=True)}
Files = group_of(**SOME_FILES)
SignedFiles = group_of(**SOME_FILES, signer=group(person=String(required=True)))


# Configurations


def configuration(is_new: bool) -> Hash:
    """What the account is to be able to do. A new capability is asked for, one that is there may be given back."""
    wish = group_of(requested=Boolean(required=is_new))
    applied = {} if is_new else {"applied": Boolean()}
    taxed = {"exempt": Enum(("exempt", "none", "reverse"), unset=True), "ip_address": text()}
    if not is_new:
        taxed["validate_location"] = Enum(("auto", "deferred", "immediately"))
    payment_method = {} if is_new else {"default_payment_method": text()}
    return group(
        customer=group(
            **applied,
            automatic_indirect_tax=of(**taxed),
            billing=of(**payment_method, invoice=of(**INVOICES)),
            capabilities=group(automatic_indirect_tax=Hash(wish)),
            shipping=of(address=of(**address()), name=text(), phone=text()),
            test_clock=String(),
        ),
        merchant=group(
            **applied,
            **MERCHANT,
            capabilities=group(**{name: Hash(wish) for name in MERCHANT_CAPABILITIES}, **CAPABILITIES_ONLY_IN_V1),
            support=of(address=of(**address(is_new, town=text())), email=Email(unset=True), phone=text(), url=text()),
        ),
        recipient=group(
            **applied,
            capabilities=group(
                bank_accounts=group(**{name: Hash(wish) for name in BANK_ACCOUNTS}),
                cards=Hash(wish),
                stripe_balance=group(stripe_transfers=Hash(wish)),
                **CAPABILITIES_ONLY_IN_V1,
            ),
        ),
        **ELSEWHERE,
    )


# Of previews of the API, and what else clients have tried: none of it is published for accounts.
ELSEWHERE = {name: OnlyInV1() for name in ("card_creator", "card_issuing", "issuing", "storer", "treasury")}
CAPABILITIES_ONLY_IN_V1 = {"card_issuing": OnlyInV1(), "treasury": OnlyInV1()}
BANK_ACCOUNTS = ("ach", "fedwire", "fps", "local", "rtp", "sepa", "swift")
DESCRIPTORS = {"descriptor": text(LONGEST_DESCRIPTOR), "prefix": text(LONGEST_PREFIX)}
INVOICES: dict[str, Any] = {
    "custom_fields": List(
        Hash(group_of(name=String(max_length=40, required=True), value=String(max_length=140, required=True))), most=4
    ),
    "footer": text(),
    "next_sequence": Integer(minimum=1, unset=True),
    "prefix": text(12),
    "rendering": of(
        amount_tax_display=Enum(("exclude_tax", "include_inclusive_tax"), unset=True),
        template=text(),
    ),
}
MERCHANT: dict[str, Any] = {
    "bacs_debit_payments": of(display_name=text()),
    "branding": of(icon=text(), logo=text(), primary_color=text(), secondary_color=text()),
    "card_payments": of(decline_on=of(avs_failure=Boolean(unset=True), cvc_failure=Boolean(unset=True))),
    "konbini_payments": of(
        support=of(
            email=Email(unset=True),
            hours=of(end_time=text(), start_time=text()),
            phone=text(),
        )
    ),
    "mcc": String(pattern=r"[0-9]{4}", says="A merchant category code is four digits.", unset=True),
    "script_statement_descriptor": both_scripts(**DESCRIPTORS),
    "sepa_debit_payments": of(creditor_id=text()),
    "statement_descriptor": of(**DESCRIPTORS),
}


# Who it is


def person(is_new: bool, **more: Any) -> dict[str, Any]:
    """What may be said of a person."""
    home = address(is_new, town=text())
    names = {
        "full_name": text(300),
        "given_name": text(LONGEST_NAME),
        "purpose": Enum(("alias", "maiden"), required=True),
        "surname": text(LONGEST_NAME),
    }
    return {
        "additional_addresses": List(Hash(group_of(**home, purpose=Enum(("registered",), required=True))), unset=True),
        "additional_names": List(Hash(group_of(**names)), unset=True),
        "address": of(**home),
        "date_of_birth": CalendarDate(),
        "documents": of(
            company_authorization=Hash(Files, unset=True),
            passport=Hash(Files, unset=True),
            primary_verification=both_sides(is_new),
            secondary_verification=both_sides(is_new),
            visa=Hash(Files, unset=True),
        ),
        "email": Email(unset=True),
        "given_name": text(LONGEST_NAME),
        "id_numbers": List(Hash(group_of(type=Enum(PERSON_ID_NUMBERS, required=True), value=String(required=True)))),
        "legal_gender": Enum(("female", "male"), unset=True),
        "metadata": Metadata(),
        "nationalities": List(AnyCaseCountry(), unset=True),
        "phone": text(),
        "political_exposure": Enum(("existing", "none"), unset=True),
        "script_addresses": both_scripts(**home),
        "script_names": both_scripts(given_name=text(), surname=text()),
        "surname": text(LONGEST_NAME),
        **more,
    }


IN_A_COMPANY = {
    "director": Boolean(),
    "executive": Boolean(),
    "owner": Boolean(),
    "percent_ownership": Share(unset=True),
    "title": text(),
}


def business(is_new: bool) -> Hash:
    """What may be said of a company."""
    purposes = Enum(("administrative", "principal_place_of_business"), required=True)
    seat = address(is_new, town=text())
    return of(
        additional_addresses=List(Hash(group_of(**address(purpose=purposes, town=text()))), unset=True),
        address=of(**seat),
        annual_revenue=of(
            amount=Hash(Amount, unset=True),
            fiscal_year_end=String(
                pattern=r"\d{4}-\d{2}-\d{2}", says="The close-out date must look like YYYY-MM-DD.", unset=True
            ),
        ),
        documents=of(
            bank_account_ownership_verification=Hash(Files, unset=True),
            company_license=Hash(Files, unset=True),
            company_memorandum_of_association=Hash(Files, unset=True),
            company_ministerial_decree=Hash(Files, unset=True),
            company_registration_verification=Hash(Files, unset=True),
            company_tax_id_verification=Hash(Files, unset=True),
            primary_verification=both_sides(is_new),
            proof_of_address=Hash(Files, unset=True),
            proof_of_registration=Hash(SignedFiles, unset=True),
            proof_of_ultimate_beneficial_ownership=Hash(SignedFiles, unset=True),
        ),
        estimated_worker_count=Integer(minimum=0, unset=True),
        id_numbers=List(
            Hash(
                group_of(
                    registrar=text(),
                    type=Enum(BUSINESS_ID_NUMBERS, required=True),
                    value=String(required=True),
                )
            )
        ),
        monthly_estimated_revenue=of(amount=Hash(Amount, unset=True)),
        phone=text(),
        registered_name=text(LONGEST_NAME),
        registration_date=CalendarDate(),
        script_addresses=both_scripts(**seat),
        script_names=both_scripts(registered_name=text(LONGEST_NAME)),
        structure=Enum(STRUCTURES, unset=True),
    )


def attestations(declaration: type[Params], account: Hash, **terms: Any) -> Hash:
    """What somebody declares, and the terms of the account and of other products that they accept."""
    return of(
        directorship_declaration=Hash(declaration, unset=True),
        ownership_declaration=Hash(declaration, unset=True),
        persons_provided=of(
            directors=Boolean(unset=True),
            executives=Boolean(unset=True),
            owners=Boolean(unset=True),
            ownership_exemption_reason=Enum(
                ("qualified_entity_exceeds_ownership_threshold", "qualifies_as_financial_institution"), unset=True
            ),
        ),
        representative_declaration=Hash(declaration, unset=True),
        terms_of_service=of(account=account, **terms),
    )


def identity(is_new: bool, **terms: Any) -> Hash:
    """Whose account it is; `terms` are those of products besides Stripe's own."""
    return group(
        attestations=attestations(Declaration, accepted(is_new), **terms),
        business_details=business(is_new),
        country=AnyCaseCountry(),
        entity_type=Enum(BUSINESS_TYPES),
        individual=group(**person(is_new, relationship=of(**IN_A_COMPANY))),
    )


# Operations


def defaults(**more: Any) -> Hash:
    """Currency, languages and who answers for what."""
    return group(
        currency=Currency(),
        locales=List(Enum(LOCALES), unset=True),
        profile=of(business_url=text(), doing_business_as=text(), product_description=text(40000)),
        responsibilities=group(
            fees_collector=Enum(("application", "application_custom", "application_express", "stripe"), required=True),
            losses_collector=Enum(("application", "stripe"), required=True),
        ),
        **more,
    )


class AccountParams(Params):
    """What may be said of an account, at first and later."""

    account_token = String()
    contact_email = Email(unset=True)
    contact_phone = text()
    dashboard = Enum(("express", "full", "none"))
    display_name = text()
    metadata = Metadata()


class CreateParams(AccountParams):
    """Everything that may be said of a new account."""

    configuration = configuration(is_new=True)
    defaults = defaults()
    identity = identity(is_new=True)


class UpdateParams(AccountParams):
    """Everything that may be said of an account later."""

    configuration = configuration(is_new=False)
    defaults = defaults(payout_methods=AnyHash())
    identity = identity(
        is_new=False, crypto_money_manager=Hash(Declaration, unset=True), money_manager=Hash(Declaration, unset=True)
    )


class CloseParams(Params):
    """All configurations that the account has, so that nobody closes more than they know of."""

    applied_configurations = List(Enum(CONFIGURATIONS))


class AccountListParams(PageParams):
    """Accounts with all of these configurations, open ones or closed ones."""

    applied_configurations = List(Enum(CONFIGURATIONS))
    closed = Boolean()


def person_params(is_new: bool, account: Hash, **more: Any) -> type[Params]:
    """What may be said of a person behind an account, at first or later; `account` is whose terms they accept."""
    roles = {**IN_A_COMPANY, **{role: Boolean() for role in ("authorizer", "legal_guardian", "representative")}}
    terms = of(account=account)
    return group_of(**person(is_new, additional_terms_of_service=terms, relationship=of(**roles), **more))


CreatePersonParams = person_params(True, accepted(is_new=True), person_token=String())
UpdatePersonParams = person_params(False, accepted(is_new=False), person_token=String())


# Tokens


Attested = group_of(attested=Boolean())
SHOWN = of(shown_and_accepted=Boolean())


class AccountTokenParams(Params):
    """What may be said of an account, in place of a token."""

    contact_email = Email()
    contact_phone = String()
    display_name = String()
    identity = group(
        attestations=attestations(Attested, SHOWN),
        business_details=business(is_new=False),
        entity_type=Enum(BUSINESS_TYPES),
        individual=group(**person(False, relationship=of(**IN_A_COMPANY))),
    )


PersonTokenParams = person_params(False, SHOWN)
