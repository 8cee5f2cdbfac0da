"""The breaking changes that Stripe published, newest first: what a client that pins an older version sees and may send.

Everything is stored and rendered as the newest version has it. What an older client reads is taken back from there, row
by row from the top; what it sends goes the other way, from the bottom. What Stripe only added (new objects, members,
optional parameters, event types) is no row: every version sees it.

The rows are those of what is built. These come with their resources, at the place that their date gives them:

    2026-09-30  E8  addresses with SEPA debits
    2025-09-30  C3  discounts: `coupon` for `source.coupon`
    2022-08-01  W4  charges: `exempted`
    2020-08-27  V3  an event type; V4 charges
    2019-12-03  U1  customers: `tax_info`
    2018-07-27  U9  customers and products: fewer checks
    2017-02-14  S4  charges; 2015-08-19 S7 refunds

Left as they are, since no page says what older clients see: new codes in `requirements.errors` (2026-09-30, 2025-09-30,
2025-03-31, 2024-09-30, 2023, 2022-11-15, 2022-08-01, 2020-08-27), the shared SEPA creditor of a country (2026-09-30),
card references of tokens, which may have been null (2026-03-25), undocumented fuel and fleet amounts (2024-06-20), a
capability renamed (2019-08-14), payouts that were transfers (2017-04-06), names of bank accounts (2016-02-19), statuses
of errors (2015 and 2016).

Source: https://docs.stripe.com/changelog; each row names its page.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.kernel.transforms import Change, Default, Drop, Keep, Map, Move, Only, Rename, Rewrite, Spread

CHANGELOG = "https://docs.stripe.com/changelog"
REQUIREMENTS = "requirements|future_requirements"
DUE = "currently_due|eventually_due|past_due|pending_verification"
CREATE_ACCOUNT, UPDATE_ACCOUNT = "POST /v1/accounts", "POST /v1/accounts/{account}"
ACCOUNTS = (CREATE_ACCOUNT, UPDATE_ACCOUNT)
PERSONS = ("POST /v1/accounts/{account}/persons", "POST /v1/accounts/{account}/persons/{person}")
AUTHORIZE = "POST /v1/test_helpers/issuing/authorizations"
CARDS = ("POST /v1/issuing/cards", "POST /v1/issuing/cards/{card}")
CAPTURES = (
    "POST /v1/test_helpers/issuing/authorizations/{authorization}/capture",
    "POST /v1/test_helpers/issuing/transactions/create_force_capture",
    "POST /v1/test_helpers/issuing/transactions/create_unlinked_refund",
)
CUSTOMERS = ("POST /v1/customers", "POST /v1/customers/{customer}")
PRODUCTS = ("POST /v1/products", "POST /v1/products/{id}")
PAYMENT_INTENTS = (
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/{intent}",
    "POST /v1/payment_intents/{intent}/confirm",
)
SETUP_INTENTS = (
    "POST /v1/setup_intents",
    "POST /v1/setup_intents/{intent}",
    "POST /v1/setup_intents/{intent}/confirm",
)
LISTS_OF_CUSTOMERS = ("sources", "subscriptions", "tax_ids")
UPDATE_PAYMENT_METHOD = "POST /v1/payment_methods/{payment_method}"
NEW_UNITS = ("charging_minute", "imperial_gallon", "kilogram", "kilowatt_hour", "pound")
# The headers of a question, which are an object like any other here.
QUESTION = "issuing_authorization.request"


# Accounts before 2019


MOVED_IN_2019 = {
    "payout_schedule": "settings[payouts][schedule]",
    "payout_statement_descriptor": "settings[payouts][statement_descriptor]",
    "debit_negative_balances": "settings[payouts][debit_negative_balances]",
    "statement_descriptor": "settings[payments][statement_descriptor]",
    "decline_charge_on": "settings[card_payments][decline_on]",
    "business_logo": "settings[branding][icon]",
    "business_logo_large": "settings[branding][logo]",
    "business_primary_color": "settings[branding][primary_color]",
    "business_name": "business_profile[name]",
    "business_url": "business_profile[url]",
    "mcc": "business_profile[mcc]",
    "product_description": "business_profile[product_description]",
    "support_address": "business_profile[support_address]",
    "support_email": "business_profile[support_email]",
    "support_phone": "business_profile[support_phone]",
    "support_url": "business_profile[support_url]",
}
ONLY_SHOWN = {"display_name": "settings[dashboard][display_name]", "timezone": "settings[dashboard][timezone]"}
OF_INDIVIDUALS = {
    "address": "address",
    "dob": "dob",
    "first_name": "first_name",
    "gender": "gender",
    "last_name": "last_name",
    "maiden_name": "maiden_name",
    "personal_address": "address",
    "personal_id_number": "id_number",
    "personal_phone_number": "phone",
    "phone_number": "phone",
    "ssn_last_4": "ssn_last_4",
}
OF_COMPANIES = {
    "address": "address",
    "business_name": "name",
    "business_tax_id": "tax_id",
    "business_vat_id": "vat_id",
    "phone_number": "phone",
}
FIELDS_BEFORE_2019 = {
    "business_profile.mcc": "mcc",
    "business_profile.product_description": "product_description",
    "business_profile.url": "business_url",
    "business_type": "legal_entity.type",
    "company.address.*": "legal_entity.address.*",
    "company.name": "legal_entity.business_name",
    "company.phone": "legal_entity.phone_number",
    "company.tax_id": "legal_entity.business_tax_id",
    "individual.id_number": "legal_entity.personal_id_number",
    "individual.phone": "legal_entity.phone_number",
    "individual.*": "legal_entity.*",
    "relationship.owner": "legal_entity.additional_owners",
}


def with_legal_entity(account: dict[str, Any]) -> dict[str, Any]:
    """An account with a `legal_entity` in place of `business_type`, `company` and `individual`."""
    person, company = account.get("individual") or {}, account.get("company") or {}
    kind, verification = account.get("business_type"), person.get("verification") or {}
    document = verification.get("document") or {}
    entity = {
        "additional_owners": [],
        "address": (person if kind == "individual" else company).get("address"),
        "business_name": company.get("name"),
        "business_tax_id_provided": company.get("tax_id_provided", False),
        "dob": person.get("dob") or {"day": None, "month": None, "year": None},
        "first_name": person.get("first_name"),
        "last_name": person.get("last_name"),
        "personal_address": person.get("address"),
        "personal_id_number_provided": person.get("id_number_provided", False),
        "ssn_last_4_provided": person.get("ssn_last_4_provided", False),
        "type": kind,
        "verification": {
            "details": verification.get("details"),
            "details_code": verification.get("details_code"),
            "document": document.get("front"),
            "document_back": document.get("back"),
            "status": verification.get("status", "unverified"),
        },
    }
    rest = {name: value for name, value in account.items() if name not in ("business_type", "company", "individual")}
    return {**rest, "legal_entity": entity}


def without_legal_entity(sent: dict[str, Any]) -> dict[str, Any]:
    """What was sent with `legal_entity` told of an individual or a company, as its `type` says.

    What has no place there stays in `legal_entity` and is refused by name: a type that is not said, the person behind a
    company, whom newer versions know as a Person of the account.
    """
    entity = sent.get("legal_entity")
    if not isinstance(entity, dict) or not isinstance(entity.get("type"), str):
        return sent
    kind = entity["type"]
    names, owner = (OF_INDIVIDUALS, "individual") if kind == "individual" else (OF_COMPANIES, "company")
    told = {names[name]: value for name, value in entity.items() if name in names}
    rest = {name: value for name, value in entity.items() if name not in names and name != "type"}
    verification = rest.get("verification")
    if kind == "individual" and isinstance(verification, dict) and "document" in verification:
        told["verification"] = {"document": {"front": verification["document"]}}
        rest["verification"] = {name: value for name, value in verification.items() if name != "document"}
        rest = {name: value for name, value in rest.items() if value != {}}
    taken = {name: value for name, value in sent.items() if name != "legal_entity"}
    return {**taken, "business_type": kind, owner: told, **({"legal_entity": rest} if rest else {})}


# Customers before 2022


def with_lists(customer: dict[str, Any]) -> dict[str, Any]:
    """A customer with the lists of what it has, all of them empty here."""
    lists = {
        name: {"object": "list", "data": [], "has_more": False, "url": f"/v1/customers/{customer['id']}/{name}"}
        for name in LISTS_OF_CUSTOMERS
    }
    return {**lists, **customer}


def with_default_currency(customer: dict[str, Any]) -> dict[str, Any]:
    """A customer with its currency under the older name too."""
    return {**customer, "default_currency": customer["currency"]}


# Payments before 2025


def without_invoice(members: dict[str, Any]) -> dict[str, Any]:
    """A charge or a payment intent that says of what invoice it is: of none."""
    return {**members, "invoice": None}


# The table


CHANGES: tuple[Change, ...] = (
    # Endive
    Change(
        "E1",
        "2026-09-30.endive",
        "The types of payment methods that an intent takes cannot be listed any more.",
        operations=(*SETUP_INTENTS, *PAYMENT_INTENTS),
        rules="`payment_method_types[]` is taken; types that cannot be made here are refused, not left out",
        source=f"{CHANGELOG}/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents",
    ),
    Change(
        "E2",
        "2026-09-30.endive",
        "Rejecting an account takes more precise reasons, and `fraud` no longer.",
        operations=("POST /v1/accounts/{account}/reject",),
        sends=(Map("reason", {"fraud": "fraud_other"}),),
        reading="the newer reasons are taken from older clients too",
        source=f"{CHANGELOG}/endive/2026-09-30/updated-reject-reason-codes",
    ),
    Change(
        "E3",
        "2026-09-30.endive",
        "A rejection by the platform is told apart from one by Stripe.",
        objects=("account",),
        sees=(
            Map(
                f"{REQUIREMENTS}.disabled_reason",
                {
                    "rejected.platform_fraud": "rejected.fraud",
                    "rejected.platform_other": "rejected.other",
                    "rejected.platform_terms_of_service": "rejected.terms_of_service",
                },
            ),
        ),
        source=f"{CHANGELOG}/endive/2026-09-30/platform-rejection-reasons",
    ),
    Change(
        "E4",
        "2026-09-30.endive",
        "Errors may also be about requirements that are only eventually due.",
        objects=("account", "capability", "person"),
        sees=tuple(
            Keep(f"{hash}.errors", "requirement", (f"{hash}.currently_due[]", f"{hash}.past_due[]"))
            for hash in REQUIREMENTS.split("|")
        ),
        source=f"{CHANGELOG}/endive/2026-09-30/shows-errors-for-eventually-due-requirements",
    ),
    Change(
        "E6",
        "2026-09-30.endive",
        "Nothing about PayTo can be changed on a payment method.",
        operations=(UPDATE_PAYMENT_METHOD,),
        sends=(Drop("payto"),),
        source=f"{CHANGELOG}/endive/2026-09-30/removed-payto-fields",
    ),
    # Dahlia
    Change(
        "D1",
        "2026-03-25.dahlia",
        "The levels of card testing risk and merchant dispute risk are called `level`.",
        objects=("issuing.authorization",),
        sees=(Rename("risk_assessment.card_testing_risk|merchant_dispute_risk.level", "risk_level"),),
        operations=(AUTHORIZE,),
        sends=(
            Rename("risk_assessment[card_testing_risk][risk_level]", "level"),
            Rename("risk_assessment[merchant_dispute_risk][risk_level]", "level"),
        ),
        reading="`level` is unknown to older versions",
        source=f"{CHANGELOG}/dahlia/2026-03-25/issuing-authorization-risk-assessments-risk-level",
    ),
    # Clover
    Change(
        "C1",
        "2025-09-30.clover",
        "Risk levels have one scale: `low` and `highest` are new, `high` is gone.",
        objects=("issuing.authorization",),
        sees=(
            Map("risk_assessment.card_testing_risk.risk_level", {"highest": "elevated", "low": "normal"}),
            Map("risk_assessment.merchant_dispute_risk.risk_level", {"highest": "high", "low": "normal"}),
        ),
        operations=(AUTHORIZE,),
        sends=(
            Map("risk_assessment[card_testing_risk][risk_level]", {"high": "elevated"}),
            Map("risk_assessment[merchant_dispute_risk][risk_level]", {"high": "highest"}),
        ),
        reading="what older clients see for `low`, and for the `highest` of card testing",
        source=f"{CHANGELOG}/clover/2025-09-30/risk-levels-issuing-authorizations",
    ),
    Change(
        "C4",
        "2025-09-30.clover",
        "Weekly payouts leave on working days only.",
        operations=ACCOUNTS,
        sends=(
            Only(
                "settings[payouts][schedule][weekly_payout_days][]",
                ("friday", "monday", "thursday", "tuesday", "wednesday"),
            ),
        ),
        reading="the days of the weekend are read over: no payout leaves on them",
        source="https://github.com/stripe/stripe-python/blob/master/CHANGELOG.md",
    ),
    # Basil
    Change(
        "B1",
        "2025-03-31.basil",
        "What ran out without a capture is `expired`, and only what was given back is `reversed`.",
        objects=("issuing.authorization",),
        sees=(Map("status", {"expired": "reversed"}),),
        reading="the filter `status=reversed` of older clients finds both",
        source=f"{CHANGELOG}/basil/2025-03-31/issuing-authorizations-expired",
    ),
    Change(
        "B2",
        "2025-03-31.basil",
        "A decision that the card network made in Stripe's place has a reason of its own.",
        objects=("issuing.authorization",),
        sees=(
            Map("request_history[].reason", {"network_fallback": "card_active"}, beside=("approved", True)),
            Map("request_history[].reason", {"network_fallback": "webhook_error"}, beside=("approved", False)),
        ),
        source=f"{CHANGELOG}/acacia/2024-12-18/issuing-auths-when-stripe-unavailable",
    ),
    Change(
        "B3",
        "2025-03-31.basil",
        "A real-time authorization asks for JSON; the endpoint's version counts.",
        objects=(QUESTION,),
        sees=(Map("Accept", {"application/json": "*/*; q=0.5, application/xml"}),),
        source=f"{CHANGELOG}/basil/2025-03-31/issuing-json-webhook",
    ),
    Change(
        "B10",
        "2025-03-31.basil",
        "`political_exposure` is one of two words.",
        operations=(*PERSONS, *ACCOUNTS),
        sends=(
            Only("political_exposure", ("existing", "none")),
            Only("individual[political_exposure]", ("existing", "none")),
        ),
        reading="other texts are read over, since no newer client could be shown them",
        source=f"{CHANGELOG}/basil/2025-03-31/political-exposure-persons-api",
    ),
    Change(
        "B4c",
        "2025-03-31.basil",
        "A payment intent whose held amount nobody has captured in time is canceled because it has `expired`.",
        objects=("payment_intent",),
        sees=(Map("cancellation_reason", {"expired": "automatic"}),),
        reading="no refund is made of what is not captured, for older clients neither",
        source=f"{CHANGELOG}/basil/2025-03-31/payment-intent-partial-capture-cancel-refunds",
    ),
    Change(
        "B6",
        "2025-03-31.basil",
        "Charges and payment intents name no invoice any more.",
        objects=("charge", "payment_intent"),
        sees=(Rewrite("id", without_invoice, "`invoice`, which is null as there are none here"),),
        source=f"{CHANGELOG}/basil/2025-03-31/add-support-for-multiple-partial-payments-on-invoices",
    ),
    Change(
        "B7",
        "2025-03-31.basil",
        "Customers have no coupons of their own any more.",
        operations=CUSTOMERS,
        rules="`coupon` and `promotion_code` are taken; there are none here, so that one which is named is 400",
        reading="an empty one is read over",
        source=f"{CHANGELOG}/basil/2025-03-31/deprecate-singular-coupon-promotion-code",
    ),
    Change(
        "B8",
        "2025-03-31.basil",
        "Prices of metered usage have a meter, and no way of their own to add usage up.",
        objects=("price",),
        sees=(Default("recurring.aggregate_usage", None),),
        operations=("POST /v1/prices",),
        sends=(Drop("recurring[aggregate_usage]"),),
        rules="`recurring[usage_type]=metered` is taken without a meter",
        reading="it is read over, since nothing here is billed by usage",
        source=f"{CHANGELOG}/basil/2025-03-31/deprecate-legacy-usage-based-billing",
    ),
    Change(
        "B11",
        "2025-03-31.basil",
        "How Naver Pay is funded cannot be changed on a payment method.",
        operations=(UPDATE_PAYMENT_METHOD,),
        sends=(Drop("naver_pay"),),
        reading="it is read over, since no such payment method can be made here",
        source=f"{CHANGELOG}/basil/2025-03-31/naver-pay-payment-method",
    ),
    # Acacia
    Change(
        "A1",
        "2024-09-30.acacia",
        "The addresses of physical cards are validated unless that is switched off.",
        operations=CARDS,
        sends=(Default("shipping[address_validation][mode]", "disabled"),),
        reading="the older default is `disabled`",
        source=f"{CHANGELOG}/acacia/2024-09-30/card-shipping-status-submitted-address-validation",
    ),
    Change(
        "A2",
        "2024-09-30.acacia",
        "A shipment that the printer has got is `submitted`.",
        objects=("issuing.card",),
        sees=(Map("shipping.status", {"submitted": "pending"}),),
        rules="the test helper `submit` is refused",
        reading="`pending` for `submitted`",
        source=f"{CHANGELOG}/acacia/2024-09-30/card-shipping-status-submitted-address-validation",
    ),
    # Before the versions had names
    Change(
        "T1",
        "2024-06-20",
        "Five more reasons why an authorization was declined.",
        objects=("issuing.authorization",),
        sees=(
            Map(
                "request_history[].reason",
                {
                    "card_canceled": "card_inactive",
                    "card_expired": "card_inactive",
                    "cardholder_blocked": "cardholder_inactive",
                    "insecure_authorization_method": "not_allowed",
                    "pin_blocked": "verification_failed",
                },
            ),
        ),
        reading="which older reason stands for each new one",
        source=f"{CHANGELOG}/2024-06-20/adds-enum-request-history-reasons-issuing",
    ),
    Change(
        "T2",
        "2024-06-20",
        "How much fuel was bought is called `quantity_decimal`.",
        objects=("issuing.transaction",),
        sees=(Rename("purchase_details.fuel.quantity_decimal", "volume_decimal"),),
        operations=CAPTURES,
        sends=(Rename("purchase_details[fuel][volume_decimal]", "quantity_decimal"),),
        source=f"{CHANGELOG}/2024-06-20/renames-purchase-details-transaction-object",
    ),
    Change(
        "T3",
        "2024-06-20",
        "The same on authorizations.",
        objects=("issuing.authorization",),
        sees=(Rename("fuel.quantity_decimal", "volume_decimal"),),
        reading="the page names no old name",
        source=f"{CHANGELOG}/2024-06-20/renames-fuel-attribute-authorization-object",
    ),
    Change(
        "T5",
        "2024-06-20",
        "More units of fuel.",
        objects=("issuing.authorization", "issuing.transaction"),
        sees=(
            Map("fuel.unit", dict.fromkeys(NEW_UNITS, "other")),
            Map("purchase_details.fuel.unit", dict.fromkeys(NEW_UNITS, "other")),
        ),
        reading="`other` for all of them",
        source=f"{CHANGELOG}/2024-06-20/adds-enum-fuel-units-issuing",
    ),
    Change(
        "T7",
        "2024-06-20",
        "Two more reasons why a capability is disabled.",
        objects=("capability",),
        sees=(
            Map(
                f"{REQUIREMENTS}.disabled_reason",
                {"other": "requirements.fields_needed", "paused.inactivity": "rejected.inactivity"},
            ),
        ),
        reading="which older reason stands for each new one",
        source=f"{CHANGELOG}/2024-06-20/adds-enum-disabled-reasons-capabilities",
    ),
    Change(
        "P2",
        "2024-04-10",
        "What a pricing table says of a product are its `marketing_features`.",
        objects=("product",),
        sees=(Rename("marketing_features", "features"),),
        operations=PRODUCTS,
        sends=(Rename("features", "marketing_features"),),
        source="https://docs.stripe.com/upgrades#2024-04-10",
    ),
    Change(
        "P1",
        "2024-04-10",
        "The money of a payment is booked a moment after its confirmation unless another `capture_method` is named.",
        operations=PAYMENT_INTENTS[:1],
        rules="`capture_method` is `automatic`, so that the charge has its `balance_transaction` at once",
        source=f"{CHANGELOG}/2024-04-10/automatic-sync-default-paymentintents",
    ),
    Change(
        "Y1",
        "2023-10-16",
        "An account of which no statement descriptor is known gets one made from its name.",
        operations=ACCOUNTS,
        rules="none is made: it stays null until it is sent, or until a newer client changes the account",
        source=f"{CHANGELOG}/2023-10-16/auto-populates-statement-descriptor-accounts",
    ),
    Change(
        "Y3",
        "2023-08-16",
        "An intent that names no types of payment methods takes those that are switched on, which may redirect.",
        operations=(*SETUP_INTENTS[:1], *PAYMENT_INTENTS[:1]),
        rules="one that names none takes cards alone, and is confirmed without a `return_url`",
        source=f"{CHANGELOG}/2023-08-16/automatic-payment-methods",
    ),
    Change(
        "X1",
        "2022-11-15",
        "Payment intents have a `latest_charge`, and no list of their `charges`.",
        rules="`charges` is there, with the newest ten, and can be expanded into",
        reading="in replies, not inside other objects and events; `latest_charge` is there for every version",
        source=f"{CHANGELOG}/2022-11-15/removes-charges-attribute-paymentintent",
    ),
    Change(
        "X2",
        "2022-11-15",
        "The refunds of a charge are there only when asked for.",
        rules="`refunds` is there, with the newest ten",
        reading="in replies, not inside other objects and events",
        source=f"{CHANGELOG}/2022-11-15/deprecates-charges-auto-expand",
    ),
    Change(
        "W1",
        "2022-08-01",
        "Test helpers ship, deliver, return and fail physical cards.",
        operations=CARDS[:1],
        rules="a physical card is delivered by itself a while after an older client made it",
        reading="after how long (`progress` and `progress_seconds`), and that the helpers work for older clients too",
        source=f"{CHANGELOG}/2022-08-01/endpoints-shipping-status-cards",
    ),
    Change(
        "W2",
        "2022-08-01",
        "A card whose design was rejected says so.",
        objects=("issuing.card",),
        sees=(Map("cancellation_reason", {"design_rejected": None}),),
        reading="null for older clients",
        source=f"{CHANGELOG}/2022-08-01/adds-design-rejected-value-cards",
    ),
    Change(
        "W3",
        "2022-08-01",
        "Customers have no `default_currency`.",
        objects=("customer",),
        sees=(Rewrite("currency", with_default_currency, "`default_currency` beside `currency`, the same"),),
        reading="that the two are the same",
        source=f"{CHANGELOG}/2022-08-01/removes-default-currency-customer-object",
    ),
    Change(
        "V1",
        "2020-08-27",
        "Sources, subscriptions and tax ids of a customer are there only when asked for.",
        objects=("customer",),
        sees=(Rewrite("id", with_lists, "`sources`, `subscriptions` and `tax_ids`, asked for or not"),),
        source=f"{CHANGELOG}/2020-08-27/deprecates-auto-expansion-customer-sources",
    ),
    Change(
        "V2",
        "2020-08-27",
        "What is due of the people behind a company is told by role and field.",
        objects=("account", "capability"),
        sees=(
            Map(
                f"{REQUIREMENTS}.{DUE}[]",
                {
                    "company.directors_provided": "relationship.director",
                    "company.executives_provided": "relationship.executive",
                    "company.owners_provided": "relationship.owner",
                    "directors.*": "relationship.director",
                    "executives.*": "relationship.executive",
                    "owners.*": "relationship.owner",
                    "representative.*": "relationship.representative",
                },
            ),
        ),
        source=f"{CHANGELOG}/2020-08-27/formats-requirements-key-persons-accounts",
    ),
    Change(
        "U2",
        "2020-08-27",
        "Capabilities are requested one by one.",
        operations=ACCOUNTS,
        sends=(Spread("requested_capabilities", "capabilities", {"requested": "true"}),),
        reading="until which version the old form is taken: the official libraries drop it with this one",
        source="https://docs.stripe.com/upgrades#2020-08-27",
    ),
    Change(
        "U3",
        "2019-10-17",
        "What a customer owes is its `balance`.",
        objects=("customer",),
        sees=(Rename("balance", "account_balance"),),
        operations=CUSTOMERS,
        sends=(Rename("account_balance", "balance"),),
        source="https://docs.stripe.com/upgrades#2019-10-17",
    ),
    Change(
        "U4",
        "2019-10-08",
        "Who opened the account is its `representative`.",
        objects=("person",),
        sees=(Rename("relationship.representative", "account_opener"),),
        operations=(*PERSONS, "GET /v1/accounts/{account}/persons"),
        sends=(Rename("relationship[account_opener]", "representative"),),
        source="https://docs.stripe.com/upgrades#2019-10-08",
    ),
    Change(
        "U6",
        "2019-02-19",
        "Accounts tell individuals from companies, and keep settings, profile and requirements in hashes of their own.",
        objects=("account",),
        sees=(
            Move("requirements.currently_due", "verification.fields_needed"),
            Map("verification.fields_needed[]", FIELDS_BEFORE_2019),
            Move("requirements.current_deadline", "verification.due_by"),
            Move("requirements.disabled_reason", "verification.disabled_reason"),
            Map("verification.disabled_reason", {"requirements.past_due": "fields_needed"}),
            Drop("requirements"),
            *(
                Move(new.replace("[", ".").replace("]", ""), old)
                for old, new in {**MOVED_IN_2019, **ONLY_SHOWN}.items()
            ),
            Rewrite(
                "business_type|company|individual",
                with_legal_entity,
                "`legal_entity` instead of `business_type`, `company` and `individual`",
            ),
        ),
        operations=ACCOUNTS,
        sends=(
            *(Move(old, new) for old, new in MOVED_IN_2019.items()),
            Rewrite(
                "legal_entity",
                without_legal_entity,
                "`legal_entity[…]` with its `type`, instead of `business_type` and `individual[…]` or `company[…]`",
            ),
        ),
        reading="the names in `fields_needed`; `legal_entity` without its `type`, or with members about the person "
        "behind a company, is refused",
        source=f"{CHANGELOG}/2019-02-19/several-fields-accounts-refactored",
    ),
    Change(
        "U7",
        "2019-02-11",
        "Payment intents speak of payment methods and actions, not of sources.",
        objects=("payment_intent",),
        sees=(
            Map(
                "status",
                {"requires_payment_method": "requires_source", "requires_action": "requires_source_action"},
            ),
            Rename("payment_method_types", "allowed_source_types"),
            Rename("next_action", "next_source_action"),
        ),
        operations=PAYMENT_INTENTS,
        sends=(Rename("allowed_source_types", "payment_method_types"),),
        reading="`requires_source_action`, and that actions inside are called as today",
        source=f"{CHANGELOG}/2019-02-11/renames-allowed-source-types-payment-method-types",
    ),
    Change(
        "U8",
        "2018-09-24",
        "Files are objects of the name `file`.",
        objects=("file",),
        sees=(Map("object", {"file": "file_upload"}),),
        source="https://docs.stripe.com/upgrades#2018-09-24",
    ),
    Change(
        "S1a",
        "2017-05-25",
        "Accounts have a `type`.",
        objects=("account",),
        sees=(
            Move("type", "managed"),
            Map("managed", {"custom": True, "express": False, "none": False, "standard": False}),
        ),
        operations=(CREATE_ACCOUNT,),
        sends=(
            Move("managed", "type"),
            Map("type", {"true": "custom", "True": "custom", "false": "standard", "False": "standard"}),
        ),
        reading="what is not `custom` is not managed",
        source="https://docs.stripe.com/upgrades#2017-05-25",
    ),
    Change(
        "S1b",
        "2017-05-25",
        "Events of connected accounts have an `account`, and the `request` of an event is a hash.",
        objects=("event",),
        sees=(Move("account", "user_id"), Move("request.id", "request")),
        reading="the older names; `previous_attributes` have whole arrays for every version",
        source="https://docs.stripe.com/upgrades#2017-05-25",
    ),
)


class Besides(NamedTuple):
    """What every version takes although today's contract does not list it: older clients send it, nothing gates it."""

    operation: str
    parameter: str
    says: str


TAKEN_BY_EVERY_VERSION = (
    Besides("GET /v1/balance_transactions", "available_on", "filters, as a time or a range"),
    Besides("POST /v1/accounts", "documents[proof_of_registration]", "is kept and does nothing"),
    *(
        Besides(operation, "payment_method_options[us_bank_account][preferred_settlement_speed]", "does nothing")
        for operation in PAYMENT_INTENTS
    ),
    Besides("POST /v1/webhook_endpoints", "enabled_events[]", "names of events that are not sent any more"),
)
