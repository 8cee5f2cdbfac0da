"""Where our replies and parameters may differ from the package's annotations, and why. Nothing else may.

The annotations write `Optional` both for what can be null and for what can be absent. We read it as "can be null": a
key may be missing only where a row below says so. Two kinds of key need no row: `deleted`, and the variant hashes
beside a `type` or `reason` (of which the one it names must be there).
"""

from typing import NamedTuple

ASKED = "present only when asked for by expand"
RELEVANT = "present only when the object has one; https://docs.stripe.com/api shows samples without"
SAMPLE = "absent from Stripe's published sample object"
REQUESTED = "features that were never requested are absent; https://docs.stripe.com/treasury/account-management"
METHOD = "one hash per payment method type in use"
LIKE_ERRORS = "shaped like an error body, where null members are left out"
OWNER = "one class for external accounts and customers' sources, each with keys of its own"
RECORDED = "as recorded replies have it"
JAPAN = "only for accounts of some countries or purposes"


class Allowed(NamedTuple):
    """One permitted difference of replies.

    `what` is absent (the key may be missing), null, extra (a key the class lacks), value (a choice the list lacks).
    `where` is object, colon, dotted path of fields; `*` stands for any text.
    """

    what: str
    where: str
    why: str
    choices: tuple[str, ...] = ()  # of a value: those that the list lacks


ALLOWED: tuple[Allowed, ...] = (
    # Issuing
    Allowed("absent", "issuing.card:number", ASKED),
    Allowed("absent", "issuing.card:cvc", ASKED),
    Allowed("extra", "issuing.card:pin", "present only when its number is asked for, as Stripe.js does"),
    Allowed("absent", "issuing.card:financial_account", "present only on cards of a financial account"),
    Allowed("absent", "issuing.authorization:treasury", "present only on cards of a financial account"),
    Allowed("absent", "issuing.transaction:treasury", "present only on cards of a financial account"),
    Allowed("absent", "issuing.dispute:treasury", "present only on cards of a financial account"),
    Allowed("absent", "issuing.authorization:fraud_challenges", ASKED),
    Allowed(
        "extra",
        "issuing.authorization:risk_assessment",
        "only where one was given; the changelog tells its members, the package none",
    ),
    Allowed("absent", "issuing.transaction:purchase_details", ASKED),
    Allowed("absent", "issuing.dispute:balance_transactions", ASKED),
    Allowed("absent", "issuing.dispute:loss_reason", "present only while the dispute is lost"),
    Allowed("absent", "issuing.token:network_data", ASKED),
    Allowed("absent", "issuing.token:wallet_provider", SAMPLE),  # of a token that a merchant keeps
    Allowed(
        "absent",
        "funding_instructions:bank_transfer.financial_addresses.*_address",
        "the Issuing kind of funding instructions has no postal addresses",
    ),
    Allowed(
        "absent",
        "funding_instructions:bank_transfer.financial_addresses.*.account_type",
        "the Issuing kind of funding instructions does not say it",
    ),
    Allowed(
        "value",
        "funding_instructions:bank_transfer.type",
        "Issuing balances in the UK and the US are funded by transfers of their own kinds",
        ("gb_bank_transfer", "us_bank_transfer"),
    ),
    Allowed(
        "value",
        "funding_instructions:bank_transfer.financial_addresses.supported_networks",
        "the way into a US Issuing balance",
        ("ach",),
    ),
    # Treasury
    Allowed("absent", "treasury.financial_account:features", ASKED),
    Allowed("absent", "treasury.financial_account:financial_addresses.aba.account_number", ASKED),
    Allowed("absent", "treasury.financial_account_features:card_issuing", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:deposit_insurance", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:intra_stripe_flows", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:financial_addresses", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:*.aba", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:inbound_transfers", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:outbound_payments", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:outbound_transfers", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:*.ach", REQUESTED),
    Allowed("absent", "treasury.financial_account_features:*.us_domestic_wire", REQUESTED),
    Allowed(
        "absent", "treasury.financial_account_features:*.status_details.restriction", "only where a restriction is why"
    ),
    Allowed("absent", "treasury.transaction:entries", ASKED),
    Allowed("absent", "treasury.transaction:flow_details", ASKED),
    Allowed("absent", "treasury.transaction_entry:flow_details", ASKED),
    Allowed("absent", "treasury.received_credit:linked_flows.source_flow_details", ASKED),
    Allowed("absent", "treasury.inbound_transfer:status_transitions.canceled_at", SAMPLE),
    Allowed("absent", "treasury.*:*_payment_method_details.us_bank_account.mandate", SAMPLE),
    # Accounts
    Allowed("absent", "account:capabilities.*", "only the capabilities that were requested"),
    Allowed("absent", "account:company", "only once the business type is known"),
    Allowed("absent", "account:individual", "only for accounts of individuals"),
    Allowed("absent", "account:external_accounts", "only for accounts the platform controls"),
    Allowed("absent", "account:groups", SAMPLE),
    Allowed("absent", "account:controller.fees", "only for accounts the platform controls"),
    Allowed("absent", "account:controller.is_controller", "only for accounts the platform controls"),
    Allowed("absent", "account:controller.losses", "only for accounts the platform controls"),
    Allowed("absent", "account:controller.requirement_collection", "only for accounts the platform controls"),
    Allowed("absent", "account:controller.stripe_dashboard", "only for accounts the platform controls"),
    Allowed("absent", "account:business_profile.monthly_estimated_revenue", SAMPLE),
    Allowed("absent", "account:business_profile.specified_commercial_transactions_act_url", SAMPLE),
    Allowed("absent", "account:company.*_kana", JAPAN),
    Allowed("absent", "account:company.*_kanji", JAPAN),
    Allowed("absent", "account:company.administrative_address", JAPAN),
    Allowed("absent", "account:company.physical_address", JAPAN),
    Allowed("absent", "account:company.principal_place_of_business", JAPAN),
    Allowed("absent", "account:company.directorship_declaration", JAPAN),
    Allowed("absent", "account:company.export_*", JAPAN),
    Allowed("absent", "account:company.ownership_declaration", JAPAN),
    Allowed("absent", "account:company.ownership_exemption_reason", JAPAN),
    Allowed("absent", "account:company.registration_date", JAPAN),
    Allowed("absent", "account:company.representative_declaration", JAPAN),
    Allowed("absent", "account:company.structure", JAPAN),
    Allowed("absent", "account:company.tax_id_registrar", JAPAN),
    Allowed("absent", "account:company.vat_id_provided", JAPAN),
    Allowed("absent", "account:settings.*.tos_acceptance.user_agent", SAMPLE),
    Allowed("absent", "account:settings.payments.statement_descriptor_prefix_*", RECORDED),
    Allowed("extra", "account:external_accounts.total_count", RECORDED),
    Allowed("absent", "account:settings.payouts.schedule.*", "only the anchors of the chosen interval"),
    Allowed("absent", "account:settings.paypay_payments", JAPAN),
    Allowed("absent", "account:settings.sepa_debit_payments.creditor_id", SAMPLE),
    Allowed("absent", "account:settings.treasury", "only for accounts with Treasury"),
    Allowed("absent", "account:tos_acceptance.service_agreement", SAMPLE),
    Allowed(
        "absent",
        "person:additional_tos_acceptances",
        "not in the individual of an account, as recorded replies have it",
    ),
    Allowed("absent", "person:*_kana", JAPAN),
    Allowed("absent", "person:*_kanji", JAPAN),
    Allowed("absent", "person:full_name_aliases", SAMPLE),
    Allowed("absent", "person:gender", SAMPLE),
    Allowed("absent", "person:id_number_secondary_provided", JAPAN),
    Allowed("absent", "person:maiden_name", SAMPLE),
    Allowed("absent", "person:nationality", RECORDED),
    Allowed("absent", "person:political_exposure", RECORDED),
    Allowed("absent", "person:registered_address", SAMPLE),
    Allowed("absent", "person:us_cfpb_data", SAMPLE),
    Allowed("absent", "bank_account:account", OWNER),
    Allowed("absent", "bank_account:available_payout_methods", OWNER),
    Allowed("absent", "bank_account:customer", OWNER),
    Allowed("absent", "bank_account:default_for_currency", OWNER),
    Allowed("absent", "bank_account:future_requirements", OWNER),
    Allowed("absent", "bank_account:requirements", OWNER),
    Allowed("absent", "card:account", OWNER),
    Allowed("absent", "card:allow_redisplay", OWNER),
    Allowed("absent", "card:available_payout_methods", OWNER),
    Allowed("absent", "card:currency", OWNER),
    Allowed("absent", "card:customer", OWNER),
    Allowed("absent", "card:default_for_currency", OWNER),
    Allowed("absent", "card:description", SAMPLE),
    Allowed("absent", "card:iin", SAMPLE),
    Allowed("absent", "card:issuer", SAMPLE),
    Allowed("absent", "card:networks", SAMPLE),
    Allowed("absent", "card:status", OWNER),
    # Balances
    Allowed("absent", "balance:connect_reserved", "only for platforms"),
    Allowed("absent", "balance:instant_available", RELEVANT),
    Allowed("absent", "balance:issuing", RELEVANT),
    Allowed("absent", "balance:refund_and_dispute_prefunding", RELEVANT),
    Allowed("absent", "balance:*.source_types", RELEVANT),
    Allowed("absent", "balance:*.source_types.*", RELEVANT),
    Allowed("absent", "balance_settings:payments.payouts.schedule.*_payout_days", "the days of the chosen interval"),
    Allowed("absent", "balance_settings:payments.settlement_timing.delay_days_override", RELEVANT),
    Allowed("absent", "balance_settings:payments.settlement_timing.start_of_day", RELEVANT),
    Allowed("extra", "topup:destination_balance", "in no type of the package, in every recorded reply"),
    Allowed("extra", "transfer:reversals.total_count", RECORDED),
    Allowed("extra", "charge:payment_method_details.stripe_account", RECORDED),
    Allowed(
        "extra",
        "payout:source_balance",
        "in no type of the package, in recorded replies of platforms and where it was sent",
    ),
    # Payments
    Allowed("absent", "dispute:evidence.appeal", "only for disputes that can be appealed"),
    Allowed("absent", "dispute:evidence.enhanced_evidence.*", "only for disputes that are eligible for it"),
    Allowed("absent", "dispute:evidence_details.enhanced_eligibility.*", "only for disputes that are eligible"),
    Allowed("absent", "dispute:intended_submission_method", RELEVANT),
    Allowed("absent", "dispute:network_reason_code", "only for disputes of cards"),
    Allowed("absent", "dispute:payment_method_details", "only for disputes of cards"),
    Allowed("absent", "dispute:payment_method_details.*", METHOD),
    Allowed("extra", "payment_intent:charges", "as versions before 2022-11-15 have it, and no newer ones"),
    Allowed("extra", "charge:refunds.total_count", RECORDED),
    *(
        Allowed("absent", f"payment_intent:{name}", "only with a secret key")
        for name in (
            "amount_capturable",
            "amount_received",
            "application",
            "application_fee_amount",
            "customer",
            "customer_account",
            "latest_charge",
            "metadata",
            "on_behalf_of",
            "payment_method_options",
            "review",
            "source",
            "statement_descriptor*",
            "transfer_data",
            "transfer_group",
        )
    ),
    Allowed("absent", "charge:authorization_code", SAMPLE),
    Allowed("absent", "charge:fraud_details.*", SAMPLE),
    Allowed("absent", "charge:level3", SAMPLE),
    Allowed("absent", "charge:outcome.risk_*", SAMPLE),
    Allowed("absent", "charge:outcome.rule", SAMPLE),
    Allowed("absent", "charge:payment_method_details.*.*", SAMPLE),
    Allowed("absent", "charge:presentment_details", SAMPLE),
    Allowed("absent", "charge:radar_options", SAMPLE),
    Allowed("absent", "charge:refunds", ASKED),
    Allowed("absent", "charge:transfer", "only for charges that move money on to a connected account"),
    Allowed("absent", "customer:business_name", SAMPLE),
    Allowed("absent", "customer:cash_balance", ASKED),
    Allowed("absent", "customer:customer_account", SAMPLE),
    Allowed("absent", "customer:individual_name", SAMPLE),
    Allowed("absent", "customer:invoice_credit_balance", ASKED),
    Allowed("absent", "customer:shipping.carrier", "a customer's shipping has name, phone and address"),
    Allowed("absent", "customer:shipping.tracking_number", "a customer's shipping has name, phone and address"),
    Allowed("absent", "customer:sources", ASKED),
    Allowed("absent", "customer:subscriptions", ASKED),
    Allowed("absent", "customer:tax", ASKED),
    Allowed("absent", "customer:tax_ids", ASKED),
    Allowed("absent", "mandate:multi_use.*", "an empty hash unless an amount is agreed"),
    Allowed("absent", "mandate:on_behalf_of", SAMPLE),
    Allowed("absent", "mandate:payment_method_details.us_bank_account.collection_method", "only where it is on paper"),
    Allowed("absent", "mandate:single_use", "only on mandates of type single_use"),
    Allowed("absent", "mandate:multi_use", "only on mandates of type multi_use"),
    Allowed("absent", "payment_intent:amount_details.*", SAMPLE),
    Allowed("absent", "payment_intent:automatic_payment_methods.allow_redirects", SAMPLE),
    Allowed("absent", "payment_intent:hooks", SAMPLE),
    Allowed("absent", "payment_intent:last_payment_error.*", LIKE_ERRORS),
    Allowed("absent", "payment_intent:managed_payments", SAMPLE),
    Allowed("absent", "payment_intent:next_action.use_stripe_sdk", "only when the type names it"),
    Allowed("absent", "payment_intent:payment_details", SAMPLE),
    Allowed("absent", "payment_intent:payment_method_options.*", METHOD),
    Allowed("absent", "payment_intent:payment_record", SAMPLE),
    Allowed("absent", "payment_intent:presentment_details", SAMPLE),
    Allowed("absent", "payment_intent:transfer_data.*", RELEVANT),
    Allowed("absent", "payment_link:line_items", ASKED),
    Allowed("absent", "payment_link:name_collection", SAMPLE),
    Allowed("absent", "payment_link:optional_items", SAMPLE),
    Allowed("absent", "payment_link:name_collection.*", "only the names that are asked for"),
    Allowed("absent", "item:discounts", ASKED),
    Allowed("absent", "item:taxes", ASKED),
    Allowed("absent", "payment_link:subscription_data.invoice_settings.*", SAMPLE),
    Allowed("absent", "payment_method:card.description", SAMPLE),
    Allowed("absent", "payment_method:card.iin", SAMPLE),
    Allowed("absent", "payment_method:card.issuer", SAMPLE),
    Allowed("absent", "payment_method:radar_options", SAMPLE),
    Allowed("absent", "payment_method:us_bank_account.status_details.blocked", RECORDED),
    Allowed("absent", "price:currency_options", ASKED),
    Allowed("absent", "price:currency_options*.tiers", "only on prices in tiers"),
    Allowed("absent", "price:tiers", ASKED),
    Allowed("extra", "product:attributes", RECORDED),
    Allowed("absent", "product:tax_details", SAMPLE),
    Allowed("absent", "refund:description", SAMPLE),
    Allowed("absent", "refund:destination_details.card.reference*", "only once the reference is known"),
    Allowed("absent", "refund:failure_balance_transaction", "only on failed refunds"),
    Allowed("absent", "refund:failure_reason", "only on failed refunds"),
    Allowed("absent", "refund:instructions_email", SAMPLE),
    Allowed("absent", "refund:next_action", SAMPLE),
    Allowed("absent", "refund:pending_reason", SAMPLE),
    Allowed("absent", "refund:presentment_details", SAMPLE),
    Allowed("absent", "setup_attempt:attach_to_self", "only where it was set"),
    Allowed("absent", "setup_attempt:payment_method_details.card.description", SAMPLE),
    Allowed("absent", "setup_attempt:payment_method_details.card.iin", SAMPLE),
    Allowed("absent", "setup_attempt:payment_method_details.card.issuer", SAMPLE),
    Allowed("absent", "setup_attempt:setup_error.*", LIKE_ERRORS),
    Allowed("absent", "setup_intent:attach_to_self", "only where it was set"),
    Allowed("absent", "setup_intent:automatic_payment_methods.allow_redirects", SAMPLE),
    Allowed("absent", "setup_intent:customer_account", SAMPLE),
    Allowed("absent", "setup_intent:last_setup_error.*", LIKE_ERRORS),
    Allowed("absent", "setup_intent:managed_payments", SAMPLE),
    Allowed("absent", "setup_intent:next_action.use_stripe_sdk", "only when the type names it"),
    Allowed("absent", "setup_intent:payment_method_options.*", METHOD),
    # Accounts and persons of v2: what was never said is not there, but for what is null in recorded replies
    Allowed("absent", "v2.core.account:configuration.*.*", RECORDED),
    Allowed("absent", "v2.core.account:defaults.*", RECORDED),
    Allowed("absent", "v2.core.account:identity.*.*", RECORDED),
    Allowed("absent", "v2.core.account_person:*", SAMPLE),
    Allowed("absent", "v2.core.account_link:use_case.*.*", SAMPLE),
    Allowed("extra", "v2.core.account_link:use_case.*.configurations", "clients name them, as previews of v2 had it"),
    # Developer
    Allowed("value", "file:purpose", "personalization designs demand it", ("issuing_logo",)),
    Allowed("absent", "ephemeral_key:secret", "only in the reply that creates the key"),
    Allowed("extra", "ephemeral_key:associated_objects", RECORDED),
    Allowed("absent", "webhook_endpoint:secret", "only in the reply that creates the endpoint"),
    Allowed("absent", "event:account", "only on events of connected accounts, as their platform sees them"),
    Allowed("absent", "event:context", "only on events of connected accounts, as their platform sees them"),
    Allowed("absent", "event:data.previous_attributes", "only on events of something updated"),
    Allowed("absent", "test_helpers.test_clock:status_details.advancing", "only while the clock advances"),
    # The Stripe CLI
    Allowed("extra", "ephemeral_key_nonce:", "what Stripe.js asks for is not part of the published API"),
    Allowed("extra", "stripecli.session:", "what the CLI asks for is not part of the published API"),
)


class Extra(NamedTuple):
    """A parameter, or a choice of one, that we accept although the package does not list it."""

    verb: str
    path: str
    param: str  # bracketed, as `flat` writes it
    why: str
    choice: str = ""  # set where only this choice of a published parameter is additional


GUIDE = "written in Stripe's guides, though not in the package"
OLDER = "a name of older versions that clients still send"
BROWSERS = "what browsers send with a publishable key"
RETIRED = "an event that is not sent any more; clients still ask for it"

EXTRA_PARAMS: tuple[Extra, ...] = (
    Extra("GET", "/v1/issuing/cards/{card}", "ephemeral_key_private_nonce", BROWSERS),
    Extra("GET", "/v1/issuing/cards/{card}", "safe_expands", BROWSERS),
    Extra("GET", "/v1/treasury/transactions", "flow", GUIDE),
    Extra("POST", "/v1/treasury/financial_accounts/{financial_account}", "card_issuing", GUIDE),
    Extra("POST", "/v1/treasury/financial_accounts/{financial_account}", "card_issuing[access]", GUIDE),
    Extra("POST", "/v1/treasury/financial_accounts/{financial_account}", "card_issuing[access][requested]", GUIDE),
    Extra("POST", "/v1/treasury/financial_accounts/{financial_account}", "treasury", GUIDE),
    Extra("POST", "/v1/treasury/financial_accounts/{financial_account}", "treasury[access]", GUIDE),
    Extra("POST", "/v1/treasury/financial_accounts/{financial_account}", "treasury[access][requested]", GUIDE),
    Extra("POST", "/v1/accounts/{account}", "controller", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[fees]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[fees][payer]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[losses]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[losses][payments]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[requirement_collection]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[stripe_dashboard]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "controller[stripe_dashboard][type]", OLDER),
    Extra("POST", "/v1/accounts/{account}", "country", OLDER),
    Extra("POST", "/v1/accounts", "documents[proof_of_registration]", OLDER),
    Extra("POST", "/v1/accounts", "documents[proof_of_registration][files]", OLDER),
    Extra("POST", "/v1/accounts", "documents[proof_of_registration][files][]", OLDER),
    Extra("POST", "/v1/accounts", "documents[proof_of_registration][signer]", OLDER),
    Extra("POST", "/v1/accounts", "documents[proof_of_registration][signer][person]", OLDER),
    Extra("GET", "/v1/balance_transactions", "available_on", OLDER),
    *(
        Extra("GET", "/v1/balance_transactions", f"available_on[{bound}]", OLDER)
        for bound in ("gt", "gte", "lt", "lte")
    ),
    Extra("POST", "/v1/accounts/{account}/external_accounts", "external_account[financial_account]", GUIDE),
    Extra("POST", "/v1/payouts", "source_balance", GUIDE),
    Extra("POST", "/v1/topups", "destination_balance", GUIDE),
    *(
        Extra("POST", path, name, OLDER)
        for path in ("/v1/customers", "/v1/customers/{customer}")
        for name in ("coupon", "promotion_code")
    ),
    Extra("POST", "/v1/payment_intents", "payment_method_types", OLDER),
    Extra("POST", "/v1/payment_intents", "payment_method_types[]", OLDER),
    Extra("POST", "/v1/payment_intents/{intent}", "payment_method_types", OLDER),
    Extra("POST", "/v1/payment_intents/{intent}", "payment_method_types[]", OLDER),
    Extra("POST", "/v1/payment_intents/{intent}/confirm", "payment_method_types", OLDER),
    Extra("POST", "/v1/payment_intents/{intent}/confirm", "payment_method_types[]", OLDER),
    Extra("POST", "/v1/setup_intents", "payment_method_types", OLDER),
    Extra("POST", "/v1/setup_intents", "payment_method_types[]", OLDER),
    Extra("POST", "/v1/setup_intents/{intent}", "payment_method_types", OLDER),
    Extra("POST", "/v1/setup_intents/{intent}", "payment_method_types[]", OLDER),
    Extra("POST", "/v1/setup_intents/{intent}/confirm", "payment_method_types", OLDER),
    Extra("POST", "/v1/setup_intents/{intent}/confirm", "payment_method_types[]", OLDER),
    Extra("POST", "/v1/payment_intents/{intent}/confirm", "client_secret", BROWSERS),
    *(
        Extra("POST", path, "payment_method_options[us_bank_account][preferred_settlement_speed]", OLDER)
        for path in (
            "/v1/payment_intents",
            "/v1/payment_intents/{intent}",
            "/v1/payment_intents/{intent}/confirm",
        )
    ),
    *(
        Extra("POST", f"/v1/setup_intents/{{intent}}/{verb}", "client_secret", BROWSERS)
        for verb in ("confirm", "verify_microdeposits")
    ),
    *(
        Extra("POST", "/v2/core/account_links", f"use_case[{kind}][configurations]{end}", OLDER)
        for kind in ("account_onboarding", "account_update")
        for end in ("", "[]")
    ),
    Extra("GET", "/v1/files", "purpose", "personalization designs demand it", choice="issuing_logo"),
    Extra("POST", "/v1/files", "purpose", "personalization designs demand it", choice="issuing_logo"),
)

# Built operations that the suite need not see succeed with content: (verb, path template) → why.
UNSEEN: dict[tuple[str, str], str] = {
    ("GET", "/v1/files/{file}/contents"): "answers with the file itself, which is no object of the contract",
    ("POST", "/v1/customers/{customer}/sources/{id}/verify"): "only bank accounts are verified, and none can be saved",
    ("POST", "/v1/refunds/{refund}/cancel"): "no refund here waits for its receiver, and no other can be canceled",
}
