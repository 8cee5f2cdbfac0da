"""Options of payment methods that this emulator does not charge, by the names that Stripe knows them under.

They are told apart from names that nobody knows, and do nothing.
Source: the official package stripe 16.1.0.
"""

from __future__ import annotations

from emulator.connect.shapes import group, group_of
from emulator.kernel.params import Boolean, Enum, Hash, Integer, List, NoParams, Params, String

KLARNA_LOCALES = (
    "cs-CZ",
    "da-DK",
    "de-AT",
    "de-CH",
    "de-DE",
    "el-GR",
    "en-AT",
    "en-AU",
    "en-BE",
    "en-CA",
    "en-CH",
    "en-CZ",
    "en-DE",
    "en-DK",
    "en-ES",
    "en-FI",
    "en-FR",
    "en-GB",
    "en-GR",
    "en-IE",
    "en-IT",
    "en-NL",
    "en-NO",
    "en-NZ",
    "en-PL",
    "en-PT",
    "en-RO",
    "en-SE",
    "en-US",
    "es-ES",
    "es-US",
    "fi-FI",
    "fr-BE",
    "fr-CA",
    "fr-CH",
    "fr-FR",
    "it-CH",
    "it-IT",
    "nb-NO",
    "nl-BE",
    "nl-NL",
    "pl-PL",
    "pt-PT",
    "ro-RO",
    "sv-FI",
    "sv-SE",
)
PAYPAL_LOCALES = (
    "cs-CZ",
    "da-DK",
    "de-AT",
    "de-DE",
    "de-LU",
    "el-GR",
    "en-GB",
    "en-US",
    "es-ES",
    "fi-FI",
    "fr-BE",
    "fr-FR",
    "fr-LU",
    "hu-HU",
    "it-IT",
    "nl-BE",
    "nl-NL",
    "pl-PL",
    "pt-PT",
    "sk-SK",
    "sv-SE",
)


class OtherOptionsParams(Params):
    """How the other types are to be charged."""

    acss_debit = Hash(
        group_of(
            mandate_options=group(
                custom_mandate_url=String(unset=True),
                interval_description=String(),
                payment_schedule=Enum(("combined", "interval", "sporadic")),
                transaction_type=Enum(("business", "personal")),
            ),
            setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
            target_date=String(),
            verification_method=Enum(("automatic", "instant", "microdeposits")),
        ),
        unset=True,
    )
    affirm = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True), preferred_locale=String(), setup_future_usage=Enum(("none",))
        ),
        unset=True,
    )
    afterpay_clearpay = Hash(
        group_of(capture_method=Enum(("manual",), unset=True), reference=String(), setup_future_usage=Enum(("none",))),
        unset=True,
    )
    alipay = Hash(group_of(setup_future_usage=Enum(("none", "off_session"), unset=True)), unset=True)
    alma = Hash(group_of(capture_method=Enum(("manual",), unset=True)), unset=True)
    amazon_pay = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none", "off_session"), unset=True)
        ),
        unset=True,
    )
    au_becs_debit = Hash(
        group_of(setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True), target_date=String()),
        unset=True,
    )
    bacs_debit = Hash(
        group_of(
            mandate_options=group(reference_prefix=String(unset=True)),
            setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
            target_date=String(),
        ),
        unset=True,
    )
    bancontact = Hash(
        group_of(
            preferred_language=Enum(("de", "en", "fr", "nl")),
            setup_future_usage=Enum(("none", "off_session"), unset=True),
        ),
        unset=True,
    )
    billie = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True),
            company_details=Hash(
                group_of(
                    registered_address=Hash(
                        group_of(
                            city=String(),
                            country=String(),
                            line1=String(),
                            line2=String(),
                            postal_code=String(),
                            state=String(),
                        ),
                        unset=True,
                    ),
                    registered_name=String(),
                    registration_number=String(),
                    registration_type=Enum(
                        (
                            "ch_ein",
                            "de_hrb",
                            "dk_cvr",
                            "es_cif",
                            "fi_tunnus",
                            "fr_siren",
                            "fr_siret",
                            "it_rea",
                            "nl_kvk",
                            "no_org_number",
                            "no_pno",
                            "se_org_number",
                            "se_pno",
                            "uk_crn",
                        ),
                        unset=True,
                    ),
                    vat=String(),
                ),
                unset=True,
            ),
            reference=String(),
        ),
        unset=True,
    )
    bizum = Hash(NoParams, unset=True)
    blik = Hash(
        group_of(
            code=String(),
            mandate_options=group(expires_at=Integer()),
            setup_future_usage=Enum(("none", "off_session"), unset=True),
        ),
        unset=True,
    )
    boleto = Hash(
        group_of(
            expires_after_days=Integer(), setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True)
        ),
        unset=True,
    )
    card_present = Hash(
        group_of(
            capture_method=Enum(("manual", "manual_preferred")),
            request_extended_authorization=Boolean(),
            request_incremental_authorization_support=Boolean(),
            routing=group(requested_priority=Enum(("domestic", "international"))),
        ),
        unset=True,
    )
    cashapp = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True),
            setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
        ),
        unset=True,
    )
    crypto = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    customer_balance = Hash(
        group_of(
            bank_transfer=group(
                eu_bank_transfer=group(country=String(required=True)),
                requested_address_types=List(Enum(("aba", "iban", "sepa", "sort_code", "spei", "swift", "zengin"))),
                type=Enum(
                    (
                        "eu_bank_transfer",
                        "gb_bank_transfer",
                        "jp_bank_transfer",
                        "mx_bank_transfer",
                        "us_bank_transfer",
                    ),
                    required=True,
                ),
            ),
            funding_type=Enum(("bank_transfer",)),
            setup_future_usage=Enum(("none",)),
        ),
        unset=True,
    )
    eps = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    fpx = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    giropay = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    grabpay = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    ideal = Hash(group_of(setup_future_usage=Enum(("none", "off_session"), unset=True)), unset=True)
    interac_present = Hash(NoParams, unset=True)
    kakao_pay = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none", "off_session"), unset=True)
        ),
        unset=True,
    )
    klarna = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True),
            on_demand=group(
                average_amount=Integer(),
                maximum_amount=Integer(),
                minimum_amount=Integer(),
                purchase_interval=Enum(("day", "month", "week", "year")),
                purchase_interval_count=Integer(),
            ),
            preferred_locale=Enum(KLARNA_LOCALES),
            setup_future_usage=Enum(("none", "off_session", "on_session")),
            subscriptions=List(
                group(
                    interval=Enum(("day", "month", "week", "year"), required=True),
                    interval_count=Integer(),
                    name=String(),
                    next_billing=group(amount=Integer(required=True), date=String(required=True)),
                    reference=String(required=True),
                ),
                unset=True,
            ),
        ),
        unset=True,
    )
    konbini = Hash(
        group_of(
            confirmation_number=String(unset=True),
            expires_after_days=Integer(unset=True),
            expires_at=Integer(unset=True),
            product_description=String(unset=True),
            setup_future_usage=Enum(("none",)),
        ),
        unset=True,
    )
    kr_card = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none", "off_session"), unset=True)
        ),
        unset=True,
    )
    link = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True),
            persistent_token=String(),
            setup_future_usage=Enum(("none", "off_session"), unset=True),
        ),
        unset=True,
    )
    mb_way = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    mobilepay = Hash(
        group_of(capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none",))), unset=True
    )
    multibanco = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    naver_pay = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none", "off_session"), unset=True)
        ),
        unset=True,
    )
    nz_bank_account = Hash(
        group_of(setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True), target_date=String()),
        unset=True,
    )
    oxxo = Hash(group_of(expires_after_days=Integer(), setup_future_usage=Enum(("none",))), unset=True)
    p24 = Hash(group_of(setup_future_usage=Enum(("none",)), tos_shown_and_accepted=Boolean()), unset=True)
    pay_by_bank = Hash(NoParams, unset=True)
    payco = Hash(group_of(capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none",))), unset=True)
    paynow = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    paypal = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True),
            preferred_locale=Enum(PAYPAL_LOCALES),
            reference=String(),
            risk_correlation_id=String(),
            setup_future_usage=Enum(("none", "off_session"), unset=True),
        ),
        unset=True,
    )
    paypay = Hash(NoParams, unset=True)
    payto = Hash(
        group_of(
            mandate_options=group(
                amount=Integer(unset=True),
                amount_type=Enum(("fixed", "maximum"), unset=True),
                end_date=String(unset=True),
                payment_schedule=Enum(
                    ("adhoc", "annual", "daily", "fortnightly", "monthly", "quarterly", "semi_annual", "weekly"),
                    unset=True,
                ),
                payments_per_period=Integer(unset=True),
                purpose=Enum(
                    (
                        "dependant_support",
                        "government",
                        "loan",
                        "mortgage",
                        "other",
                        "pension",
                        "personal",
                        "retail",
                        "salary",
                        "tax",
                        "utility",
                    ),
                    unset=True,
                ),
            ),
            setup_future_usage=Enum(("none", "off_session"), unset=True),
        ),
        unset=True,
    )
    pix = Hash(
        group_of(
            amount_includes_iof=Enum(("always", "never")),
            expires_after_seconds=Integer(),
            expires_at=Integer(),
            mandate_options=group(
                amount=Integer(),
                amount_includes_iof=Enum(("always", "never")),
                amount_type=Enum(("fixed", "maximum")),
                currency=String(),
                end_date=String(),
                payment_schedule=Enum(("halfyearly", "monthly", "quarterly", "weekly", "yearly")),
                reference=String(),
                start_date=String(),
            ),
            setup_future_usage=Enum(("none", "off_session")),
        ),
        unset=True,
    )
    promptpay = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
    revolut_pay = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none", "off_session"), unset=True)
        ),
        unset=True,
    )
    samsung_pay = Hash(
        group_of(capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none",))), unset=True
    )
    satispay = Hash(
        group_of(
            capture_method=Enum(("manual",), unset=True),
            setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
        ),
        unset=True,
    )
    scalapay = Hash(group_of(capture_method=Enum(("manual",), unset=True)), unset=True)
    sepa_debit = Hash(
        group_of(
            mandate_options=group(reference_prefix=String(unset=True)),
            setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
            target_date=String(),
        ),
        unset=True,
    )
    sequra = Hash(
        group_of(capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none",))), unset=True
    )
    sofort = Hash(
        group_of(
            preferred_language=Enum(("de", "en", "es", "fr", "it", "nl", "pl"), unset=True),
            setup_future_usage=Enum(("none", "off_session"), unset=True),
        ),
        unset=True,
    )
    sunbit = Hash(
        group_of(capture_method=Enum(("manual",), unset=True), setup_future_usage=Enum(("none",))), unset=True
    )
    swish = Hash(group_of(reference=String(unset=True), setup_future_usage=Enum(("none",))), unset=True)
    twint = Hash(group_of(setup_future_usage=Enum(("none", "off_session"))), unset=True)
    upi = Hash(
        group_of(
            mandate_options=group(
                amount=Integer(), amount_type=Enum(("fixed", "maximum")), description=String(), end_date=Integer()
            ),
            setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
        ),
        unset=True,
    )
    wechat_pay = Hash(
        group_of(app_id=String(), client=Enum(("android", "ios", "web")), setup_future_usage=Enum(("none",))),
        unset=True,
    )
    zip = Hash(group_of(setup_future_usage=Enum(("none",))), unset=True)
