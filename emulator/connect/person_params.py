"""What may be said of a person, whoever says it: the account, its platform, or a token.

Source: https://docs.stripe.com/api/persons/create
"""

from __future__ import annotations

from emulator.connect.shapes import (
    AddressParams,
    CalendarDate,
    IdentityDocumentParams,
    JapaneseAddressParams,
    Percent,
    TermsParams,
    documents,
    group,
)
from emulator.kernel.params import Boolean, Country, Email, Enum, Hash, List, Metadata, Params, String

ETHNICITIES = (
    "cuban",
    "hispanic_or_latino",
    "mexican",
    "not_hispanic_or_latino",
    "other_hispanic_or_latino",
    "prefer_not_to_answer",
    "puerto_rican",
)
RACES = (
    "african_american",
    "american_indian_or_alaska_native",
    "asian",
    "asian_indian",
    "black_or_african_american",
    "chinese",
    "ethiopian",
    "filipino",
    "guamanian_or_chamorro",
    "haitian",
    "jamaican",
    "japanese",
    "korean",
    "native_hawaiian",
    "native_hawaiian_or_other_pacific_islander",
    "nigerian",
    "other_asian",
    "other_black_or_african_american",
    "other_pacific_islander",
    "prefer_not_to_answer",
    "samoan",
    "somali",
    "vietnamese",
    "white",
)


class IndividualParams(Params):
    """What may be said about the person of an individual's account."""

    address = Hash(AddressParams)
    address_kana = Hash(JapaneseAddressParams)
    address_kanji = Hash(JapaneseAddressParams)
    dob = CalendarDate()
    email = Email()
    first_name = String(max_length=100)
    first_name_kana = String()
    first_name_kanji = String()
    full_name_aliases = List(String(max_length=300), unset=True)
    gender = String()
    id_number = String()
    id_number_secondary = String()
    last_name = String(max_length=100)
    last_name_kana = String()
    last_name_kanji = String()
    maiden_name = String()
    metadata = Metadata()
    phone = String()
    political_exposure = Enum(("existing", "none"))
    registered_address = Hash(AddressParams)
    relationship = group(
        director=Boolean(),
        executive=Boolean(),
        owner=Boolean(),
        percent_ownership=Percent(unset=True),
        title=String(),
    )
    ssn_last_4 = String(pattern=r"[0-9]{4}", says="The last four digits of a Social Security number are four digits.")
    verification = group(additional_document=Hash(IdentityDocumentParams), document=Hash(IdentityDocumentParams))


class PersonParams(IndividualParams):
    """What may be said about any person, at first and later."""

    additional_tos_acceptances = group(account=Hash(TermsParams))
    documents = group(company_authorization=documents(), passport=documents(), visa=documents())
    nationality = Country()
    person_token = String()
    relationship = group(
        authorizer=Boolean(),
        director=Boolean(),
        executive=Boolean(),
        legal_guardian=Boolean(),
        owner=Boolean(),
        percent_ownership=Percent(unset=True),
        representative=Boolean(),
        title=String(),
    )
    us_cfpb_data = group(
        ethnicity_details=group(ethnicity=List(Enum(ETHNICITIES)), ethnicity_other=String()),
        race_details=group(race=List(Enum(RACES)), race_other=String()),
        self_identified_gender=String(),
    )
