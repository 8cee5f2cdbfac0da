"""Parameters of payment methods that this emulator does not make, by the names that Stripe knows them under.

They are told apart from names that nobody knows: what would need one of them is refused as not built.
Source: the official package stripe 16.1.0.
"""

from __future__ import annotations

from emulator.connect.shapes import group, group_of
from emulator.kernel.params import Enum, Hash, Integer, List, NoParams, Params, String
from emulator.payments.other_options import KLARNA_LOCALES

TYPES = (
    "acss_debit",
    "affirm",
    "afterpay_clearpay",
    "alipay",
    "alma",
    "amazon_pay",
    "au_becs_debit",
    "bacs_debit",
    "bancontact",
    "billie",
    "bizum",
    "blik",
    "boleto",
    "card",
    "cashapp",
    "crypto",
    "custom",
    "customer_balance",
    "eps",
    "fpx",
    "giropay",
    "grabpay",
    "ideal",
    "kakao_pay",
    "klarna",
    "konbini",
    "kr_card",
    "link",
    "mb_way",
    "mobilepay",
    "multibanco",
    "naver_pay",
    "nz_bank_account",
    "oxxo",
    "p24",
    "pay_by_bank",
    "payco",
    "paynow",
    "paypal",
    "paypay",
    "payto",
    "pix",
    "promptpay",
    "revolut_pay",
    "samsung_pay",
    "satispay",
    "scalapay",
    "sepa_debit",
    "sequra",
    "sofort",
    "sunbit",
    "swish",
    "twint",
    "upi",
    "us_bank_account",
    "wechat_pay",
    "zip",
)
# Those that an intent may name besides.
MORE_TYPES = (
    "boku_promptpay",
    "capchase_pay",
    "card_present",
    "check_scan",
    "click_to_pay",
    "demo_pay",
    "duitnow",
    "dummy_auth_push",
    "dummy_passthrough_card",
    "edenred",
    "gcash",
    "getbalance",
    "gift_card",
    "gopay",
    "id_bank_transfer",
    "interac_present",
    "knet",
    "kr_market",
    "kriya",
    "momo",
    "mondu",
    "netbanking",
    "ng_bank",
    "ng_bank_transfer",
    "ng_card",
    "ng_market",
    "ng_ussd",
    "ng_wallet",
    "octopus",
    "paper_check",
    "qris",
    "rechnung",
    "shop_pay",
    "shopeepay",
    "south_korea_market",
    "stripe_balance",
    "tamara",
    "test_pay",
    "touch_n_go",
    "truemoney",
    "us_cash_voucher",
    "vipps",
    "wero",
)


class OtherMethodsParams(Params):
    """One hash for each other type of payment method."""

    acss_debit = group(
        account_number=String(required=True),
        institution_number=String(required=True),
        transit_number=String(required=True),
    )
    affirm = Hash(NoParams)
    afterpay_clearpay = Hash(NoParams)
    alipay = Hash(NoParams)
    alma = Hash(NoParams)
    amazon_pay = Hash(NoParams)
    au_becs_debit = group(account_number=String(required=True), bsb_number=String(required=True))
    bacs_debit = group(account_number=String(), sort_code=String())
    bancontact = Hash(NoParams)
    billie = Hash(NoParams)
    bizum = Hash(NoParams)
    blik = Hash(NoParams)
    boleto = group(tax_id=String(required=True))
    cashapp = Hash(NoParams)
    crypto = Hash(NoParams)
    customer_balance = Hash(NoParams)
    eps = group(
        bank=Enum(
            (
                "arzte_und_apotheker_bank",
                "austrian_anadi_bank_ag",
                "bank_austria",
                "bankhaus_carl_spangler",
                "bankhaus_schelhammer_und_schattera_ag",
                "bawag_psk_ag",
                "bks_bank_ag",
                "brull_kallmus_bank_ag",
                "btv_vier_lander_bank",
                "capital_bank_grawe_gruppe_ag",
                "deutsche_bank_ag",
                "dolomitenbank",
                "easybank_ag",
                "erste_bank_und_sparkassen",
                "hypo_alpeadriabank_international_ag",
                "hypo_bank_burgenland_aktiengesellschaft",
                "hypo_noe_lb_fur_niederosterreich_u_wien",
                "hypo_oberosterreich_salzburg_steiermark",
                "hypo_tirol_bank_ag",
                "hypo_vorarlberg_bank_ag",
                "marchfelder_bank",
                "oberbank_ag",
                "raiffeisen_bankengruppe_osterreich",
                "schoellerbank_ag",
                "sparda_bank_wien",
                "volksbank_gruppe",
                "volkskreditbank_ag",
                "vr_bank_braunau",
            )
        )
    )
    fpx = group(
        account_holder_type=Enum(("company", "individual")),
        bank=Enum(
            (
                "affin_bank",
                "agrobank",
                "alliance_bank",
                "ambank",
                "bank_islam",
                "bank_muamalat",
                "bank_of_china",
                "bank_rakyat",
                "bnp_paribas",
                "bsn",
                "cimb",
                "citibank",
                "deutsche_bank",
                "hong_leong_bank",
                "hsbc",
                "kfh",
                "maybank2e",
                "maybank2u",
                "mbsb_bank",
                "ocbc",
                "pb_enterprise",
                "public_bank",
                "rhb",
                "standard_chartered",
                "uob",
            ),
            required=True,
        ),
    )
    giropay = Hash(NoParams)
    grabpay = Hash(NoParams)
    ideal = group(
        bank=Enum(
            (
                "abn_amro",
                "adyen",
                "asn_bank",
                "bunq",
                "buut",
                "finom",
                "handelsbanken",
                "ing",
                "knab",
                "mollie",
                "moneyou",
                "n26",
                "nn",
                "rabobank",
                "regiobank",
                "revolut",
                "sns_bank",
                "triodos_bank",
                "van_lanschot",
                "yoursafe",
            )
        )
    )
    interac_present = Hash(NoParams)
    kakao_pay = Hash(NoParams)
    klarna = group(dob=group(day=Integer(required=True), month=Integer(required=True), year=Integer(required=True)))
    konbini = Hash(NoParams)
    kr_card = Hash(NoParams)
    link = Hash(NoParams)
    mb_way = Hash(NoParams)
    mobilepay = Hash(NoParams)
    multibanco = Hash(NoParams)
    naver_pay = group(funding=Enum(("card", "points")))
    nz_bank_account = group(
        account_holder_name=String(),
        account_number=String(required=True),
        bank_code=String(required=True),
        branch_code=String(required=True),
        reference=String(),
        suffix=String(required=True),
    )
    oxxo = Hash(NoParams)
    p24 = group(
        bank=Enum(
            (
                "alior_bank",
                "bank_millennium",
                "bank_nowy_bfg_sa",
                "bank_pekao_sa",
                "banki_spbdzielcze",
                "blik",
                "bnp_paribas",
                "boz",
                "citi_handlowy",
                "credit_agricole",
                "envelobank",
                "etransfer_pocztowy24",
                "getin_bank",
                "ideabank",
                "ing",
                "inteligo",
                "mbank_mtransfer",
                "nest_przelew",
                "noble_pay",
                "pbac_z_ipko",
                "plus_bank",
                "santander_przelew24",
                "tmobile_usbugi_bankowe",
                "toyota_bank",
                "velobank",
                "volkswagen_bank",
            )
        )
    )
    pay_by_bank = Hash(NoParams)
    payco = Hash(NoParams)
    paynow = Hash(NoParams)
    paypal = Hash(NoParams)
    paypay = Hash(NoParams)
    payto = group(account_number=String(), bsb_number=String(), pay_id=String())
    pix = Hash(NoParams)
    promptpay = Hash(NoParams)
    revolut_pay = Hash(NoParams)
    samsung_pay = Hash(NoParams)
    satispay = Hash(NoParams)
    scalapay = Hash(NoParams)
    sepa_debit = group(iban=String(required=True))
    sequra = Hash(NoParams)
    sofort = group(country=Enum(("AT", "BE", "DE", "ES", "IT", "NL"), required=True))
    sunbit = Hash(NoParams)
    swish = Hash(NoParams)
    twint = Hash(NoParams)
    upi = group(
        mandate_options=group(
            amount=Integer(), amount_type=Enum(("fixed", "maximum")), description=String(), end_date=Integer()
        )
    )
    wechat_pay = Hash(NoParams)
    zip = Hash(NoParams)


class OtherOptionsParams(Params):
    """How the other types are to be saved."""

    acss_debit = group(
        currency=Enum(("cad", "usd")),
        mandate_options=group(
            custom_mandate_url=String(unset=True),
            default_for=List(Enum(("invoice", "subscription"))),
            interval_description=String(),
            payment_schedule=Enum(("combined", "interval", "sporadic")),
            transaction_type=Enum(("business", "personal")),
        ),
        verification_method=Enum(("automatic", "instant", "microdeposits")),
    )
    amazon_pay = Hash(NoParams)
    bacs_debit = group(mandate_options=group(reference_prefix=String(unset=True)))
    bizum = Hash(NoParams)
    blik = group(code=String(), mandate_options=group(expires_at=Integer()))
    card_present = Hash(NoParams)
    klarna = group(
        currency=String(),
        on_demand=group(
            average_amount=Integer(),
            maximum_amount=Integer(),
            minimum_amount=Integer(),
            purchase_interval=Enum(("day", "month", "week", "year")),
            purchase_interval_count=Integer(),
        ),
        preferred_locale=Enum(KLARNA_LOCALES),
        subscriptions=List(
            group(
                interval=Enum(("day", "month", "week", "year"), required=True),
                interval_count=Integer(),
                name=String(),
                next_billing=Hash(group_of(amount=Integer(required=True), date=String(required=True)), required=True),
                reference=String(required=True),
            ),
            unset=True,
        ),
    )
    link = group(persistent_token=String())
    paypal = group(billing_agreement_id=String())
    payto = group(
        mandate_options=group(
            amount=Integer(unset=True),
            amount_type=Enum(("fixed", "maximum"), unset=True),
            end_date=String(unset=True),
            payment_schedule=Enum(
                ("adhoc", "annual", "daily", "fortnightly", "monthly", "quarterly", "semi_annual", "weekly"), unset=True
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
            start_date=String(unset=True),
        )
    )
    pix = group(
        mandate_options=group(
            amount=Integer(),
            amount_includes_iof=Enum(("always", "never")),
            amount_type=Enum(("fixed", "maximum")),
            currency=String(),
            end_date=String(),
            payment_schedule=Enum(("halfyearly", "monthly", "quarterly", "weekly", "yearly")),
            reference=String(),
            start_date=String(),
        )
    )
    sepa_debit = group(mandate_options=group(reference_prefix=String(unset=True)))
    upi = group(
        mandate_options=group(
            amount=Integer(), amount_type=Enum(("fixed", "maximum")), description=String(), end_date=Integer()
        ),
        setup_future_usage=Enum(("none", "off_session", "on_session"), unset=True),
    )
