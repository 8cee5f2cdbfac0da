"""How long texts may be and how large numbers: the bounds of every parameter, and what lies one beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import ValidationError, fields

from emulator.catalog import CATALOG
from emulator.kernel import params as p
from tests.schemas import flattened, sample

USUAL_LENGTH = 5000
# Lowest and highest value of a number, or of how long a text or a list may be. A schema that several operations share
# has its rows with one of them.
BOUNDS: dict[str, dict[str, tuple[int | None, int | None]]] = {
    "GET /_emulator/asks": {
        "limit": (1, 100),
    },
    "POST /_emulator/clock": {
        "advance": (0, None),
    },
    "GET /_emulator/books/{book}": {
        "limit": (1, 1_000),
        "starting_after": (1, None),
    },
    "GET /_emulator/clock/due": {
        "limit": (1, 100),
    },
    "GET /_emulator/clock/moves": {
        "limit": (1, 100),
        "starting_after": (1, None),
    },
    "POST /_emulator/clock/run": {
        "steps": (1, 1_000),
    },
    "GET /_emulator/events/wait": {
        "limit": (1, 100),
        "timeout_ms": (0, 60_000),
    },
    "POST /_emulator/faults": {
        "count": (1, 1_000_000),
        "jitter_milliseconds": (1, 90_000),
        "milliseconds": (1, 90_000),
        "probability": (1, 100),
    },
    "POST /_emulator/issuing/scripts/airline": {
        "amount": (1, 99_999_999),
        "tickets": (1, 20),
    },
    "POST /_emulator/issuing/scripts/atm": {
        "amount": (1, 99_999_999),
        "atm_fee": (0, 99_999_999),
    },
    "POST /_emulator/issuing/scripts/card_testing": {
        "amount": (1, 99_999_999),
        "count": (1, 100),
    },
    "POST /_emulator/issuing/scripts/hotel": {
        "nights": (1, 30),
        "release_amount": (0, 99_999_999),
    },
    "POST /_emulator/issuing/scripts/late_refund": {
        "days": (1, 3_650),
    },
    "POST /_emulator/issuing/scripts/ride": {
        "increments": (1, 20),
    },
    "POST /_emulator/issuing/scripts/subscription": {
        "months": (1, 36),
    },
    "POST /_emulator/settings": {
        "webhook_timeout_ms": (1, None),
        "progress_seconds": (0, None),
        "cardholder_review_seconds": (0, None),
        "fuel_hold_amount": (0, None),
        "real_time_timeout_ms": (1, None),
        "dispute_decision_seconds": (0, None),
    },
    "POST /_emulator/treasury/received_credits": {
        "amount": (1, 99_999_999),
    },
    "POST /_emulator/treasury/received_debits": {
        "amount": (1, 99_999_999),
    },
    "POST /_emulator/webhook_endpoints/{webhook_endpoint}/roll_secret": {
        "overlap_seconds": (0, 86_400),
    },
    "GET /_emulator/webhooks/attempts": {
        "limit": (1, 1_000),
    },
    "POST /_emulator/webhooks/clinic": {
        "delay": (0, 100),
        "drop": (0, 100),
        "duplicate": (0, 100),
        "older_api_version": (0, 100),
        "reorder": (0, 100),
        "stale_signature": (0, 100),
        "truncated_body": (0, 100),
        "wrong_signature": (0, 100),
        "delay_seconds": (1, 2_592_000),
        "seed": (0, None),
    },
    "POST /_emulator/webhooks/drain": {
        "timeout_ms": (0, 600_000),
    },
    "GET /_emulator/webhooks/deliveries": {
        "ending_before": (1, None),
        "limit": (1, 100),
        "starting_after": (1, None),
    },
    "GET /_emulator/webhooks/verdict": {
        "limit": (1, None),
        "slow_ms": (0, None),
    },
    "POST /v1/accounts/{account}/persons": {
        "first_name": (None, 100),
        "full_name_aliases[]": (None, 300),
        "last_name": (None, 100),
    },
    "POST /v1/accounts": {
        "business_profile[annual_revenue][amount]": (0, None),
        "business_profile[estimated_worker_count]": (0, None),
        "business_profile[monthly_estimated_revenue][amount]": (0, None),
        "business_profile[product_description]": (None, 40_000),
        "business_profile[support_address][city]": (None, 100),
        "business_profile[support_address][line1]": (None, 200),
        "business_profile[support_address][line2]": (None, 200),
        "company[address_kana][city]": (None, 100),
        "company[address_kana][line1]": (None, 200),
        "company[address_kana][line2]": (None, 200),
        "company[name]": (None, 100),
        "company[name_kana]": (None, 100),
        "company[name_kanji]": (None, 100),
        "company[registration_date][day]": (1, 31),
        "company[registration_date][month]": (1, 12),
        "company[registration_date][year]": (1_000, 9_999),
        "individual[first_name]": (None, 100),
        "individual[full_name_aliases][]": (None, 300),
        "individual[last_name]": (None, 100),
        "settings[card_payments][statement_descriptor_prefix]": (None, 10),
        "settings[card_payments][statement_descriptor_prefix_kana]": (None, 10),
        "settings[card_payments][statement_descriptor_prefix_kanji]": (None, 10),
        "settings[payments][statement_descriptor]": (None, 22),
        "settings[payments][statement_descriptor_kana]": (None, 22),
        "settings[payments][statement_descriptor_kanji]": (None, 22),
        "settings[payouts][schedule][monthly_anchor]": (1, 31),
        "settings[payouts][schedule][monthly_payout_days][]": (1, 31),
        "settings[payouts][statement_descriptor]": (None, 22),
    },
    "POST /v1/customers": {
        "business_name": (None, 150),
        "individual_name": (None, 150),
        "invoice_settings[custom_fields]": (None, 4),
        "invoice_settings[custom_fields][][name]": (None, 40),
        "invoice_settings[custom_fields][][value]": (None, 140),
        "next_invoice_sequence": (1, None),
    },
    "GET /v1/events": {
        "types": (None, 20),
    },
    "POST /v1/issuing/authorizations/{authorization}/approve": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/issuing/cardholders": {
        "name": (None, 24),
        "individual[dob][day]": (1, 31),
        "individual[dob][month]": (1, 12),
        "individual[dob][year]": (1_900, None),
        "spending_controls[spending_limits][][amount]": (0, None),
    },
    "POST /v1/issuing/cards/{card}/test/authorizations": {
        "amount": (0, 99_999_999),
        "merchant_amount": (0, 99_999_999),
        "held_amount": (0, 99_999_999),
    },
    "POST /v1/issuing/cards": {
        "exp_month": (1, 12),
        "lifecycle_controls[cancel_after][payment_count]": (1, None),
        "second_line": (None, 24),
    },
    "POST /v1/issuing/disputes/{dispute}": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/issuing/disputes": {
        "amount": (1, 99_999_999),
        "evidence[canceled][cancellation_reason]": (None, 2_500),
        "evidence[canceled][explanation]": (None, 2_500),
        "evidence[canceled][product_description]": (None, 2_500),
        "evidence[duplicate][explanation]": (None, 2_500),
        "evidence[fraudulent][explanation]": (None, 2_500),
        "evidence[merchandise_not_as_described][explanation]": (None, 2_500),
        "evidence[merchandise_not_as_described][return_description]": (None, 2_500),
        "evidence[no_valid_authorization][explanation]": (None, 2_500),
        "evidence[not_received][explanation]": (None, 2_500),
        "evidence[not_received][product_description]": (None, 2_500),
        "evidence[other][explanation]": (None, 2_500),
        "evidence[other][product_description]": (None, 2_500),
        "evidence[service_not_as_described][cancellation_reason]": (None, 2_500),
        "evidence[service_not_as_described][explanation]": (None, 2_500),
    },
    "POST /v1/issuing/personalization_designs/{personalization_design}": {
        "lookup_key": (None, 200),
    },
    "POST /v1/issuing/personalization_designs": {
        "lookup_key": (None, 200),
    },
    "POST /v1/charges": {
        "amount": (1, 999_999_999_999),
        "application_fee": (0, None),
        "application_fee_amount": (0, None),
        "destination[amount]": (1, 99_999_999),
        "statement_descriptor": (None, 22),
        "statement_descriptor_suffix": (None, 22),
        "transfer_data[amount]": (1, 99_999_999),
    },
    "POST /v1/charges/{charge}/capture": {
        "amount": (1, 999_999_999_999),
        "application_fee": (0, None),
        "application_fee_amount": (0, None),
        "statement_descriptor": (None, 22),
        "statement_descriptor_suffix": (None, 22),
        "transfer_data[amount]": (1, 99_999_999),
    },
    "POST /v1/payment_intents": {
        "amount": (1, 999_999_999_999),
        "application_fee_amount": (0, None),
        "statement_descriptor": (None, 22),
        "statement_descriptor_suffix": (None, 22),
        "transfer_data[amount]": (1, 99_999_999),
    },
    "POST /v1/payment_intents/{intent}": {
        "amount": (1, 999_999_999_999),
        "application_fee_amount": (0, None),
        "statement_descriptor": (None, 22),
        "statement_descriptor_suffix": (None, 22),
        "transfer_data[amount]": (1, 99_999_999),
    },
    "POST /v1/payment_intents/{intent}/capture": {
        "amount_to_capture": (1, 999_999_999_999),
        "application_fee_amount": (0, None),
        "statement_descriptor": (None, 22),
        "statement_descriptor_suffix": (None, 22),
        "transfer_data[amount]": (1, 99_999_999),
    },
    "POST /v1/payment_intents/{intent}/confirm": {
        "amount_to_confirm": (1, 999_999_999_999),
    },
    "POST /v1/refunds": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/setup_intents": {
        "single_use[amount]": (1, 99_999_999),
    },
    "POST /v1/stripecli/sessions": {
        "filters": (None, 20_000),
    },
    "POST /v1/test_helpers/issuing/authorizations/{authorization}/capture": {
        "capture_amount": (1, 99_999_999),
        "purchase_details[flight][segments][][arrival_airport_code]": (None, 3),
        "purchase_details[flight][segments][][departure_airport_code]": (None, 3),
        "purchase_details[receipt][][description]": (None, 26),
        "purchase_details[receipt][][total]": (-99_999_999, 99_999_999),
        "purchase_details[receipt][][unit_cost]": (-99_999_999, 99_999_999),
    },
    "POST /v1/test_helpers/issuing/authorizations/{authorization}/finalize_amount": {
        "final_amount": (0, 99_999_999),
    },
    "POST /v1/test_helpers/issuing/authorizations/{authorization}/increment": {
        "increment_amount": (1, 99_999_999),
    },
    "POST /v1/test_helpers/issuing/authorizations/{authorization}/reverse": {
        "reverse_amount": (1, 99_999_999),
    },
    "POST /v1/test_helpers/issuing/authorizations": {
        "amount": (0, 99_999_999),
        "amount_details[atm_fee]": (0, 99_999_999),
        "amount_details[cashback_amount]": (0, 99_999_999),
        "merchant_amount": (0, 99_999_999),
        "risk_assessment[card_testing_risk][invalid_account_number_decline_rate_past_hour]": (0, 100),
        "risk_assessment[card_testing_risk][invalid_credentials_decline_rate_past_hour]": (0, 100),
        "risk_assessment[merchant_dispute_risk][dispute_rate]": (0, 100),
    },
    "POST /v1/test_helpers/issuing/fund_balance": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/test_helpers/issuing/transactions/create_force_capture": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/test_helpers/issuing/transactions/{transaction}/refund": {
        "refund_amount": (1, 99_999_999),
    },
    "POST /v1/test_helpers/treasury/received_credits": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/test_helpers/treasury/received_debits": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/balance_settings": {
        "payments[payouts][minimum_balance_by_currency][]": (0, 99_999_999),
        "payments[payouts][schedule][monthly_payout_days][]": (1, 31),
        "payments[payouts][statement_descriptor]": (None, 22),
        "payments[settlement_timing][delay_days_override]": (0, 31),
    },
    "POST /v1/payouts": {
        "amount": (1, 99_999_999),
        "statement_descriptor": (None, 22),
    },
    "POST /v1/products": {
        "default_price_data[unit_amount]": (0, 99_999_999),
        "description": (None, 40_000),
        "images": (None, 8),
        "marketing_features": (None, 15),
        "marketing_features[][name]": (None, 80),
        "statement_descriptor": (None, 22),
    },
    "POST /v1/payment_links": {
        "after_completion[hosted_confirmation][custom_message]": (None, 500),
        "application_fee_amount": (0, 99_999_999),
        "custom_fields": (None, 3),
        "line_items": (None, 20),
        "line_items[][quantity]": (1, 999_999),
        "line_items[][adjustable_quantity][maximum]": (1, 999_999),
        "restrictions[completed_sessions][limit]": (1, None),
    },
    "POST /v1/prices": {
        "currency_options[][unit_amount]": (0, 99_999_999),
        "custom_unit_amount[maximum]": (1, 99_999_999),
        "lookup_key": (None, 200),
        "recurring[interval_count]": (1, None),
        "recurring[trial_period_days]": (0, None),
        "tiers[][flat_amount]": (0, 99_999_999),
        "transform_quantity[divide_by]": (1, None),
        "unit_amount": (0, 99_999_999),
    },
    "GET /v1/prices": {
        "lookup_keys": (None, 10),
    },
    "POST /v1/transfers": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/transfers/{id}/reversals": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/topups": {
        "amount": (1, 99_999_999),
        "statement_descriptor": (None, 15),
    },
    "POST /v1/treasury/financial_accounts/{financial_account}": {
        "nickname": (None, 249),
    },
    "POST /v1/treasury/financial_accounts": {
        "nickname": (None, 249),
    },
    "POST /v1/treasury/inbound_transfers": {
        "amount": (1, 99_999_999),
        "statement_descriptor": (None, 10),
    },
    "POST /v1/treasury/outbound_transfers": {
        "amount": (1, 99_999_999),
    },
    "POST /v1/webhook_endpoints/{webhook_endpoint}": {
        "url": (None, 100_000),
    },
    "POST /v1/webhook_endpoints": {
        "url": (None, 100_000),
    },
}
ROWS = [(operation, path, *bounds) for operation, rows in BOUNDS.items() for path, bounds in rows.items()]


def bounds_of(field: fields.Field) -> tuple[int | None, int | None]:
    """What a field says of itself."""
    if isinstance(field, p.Integer):
        return field.minimum, field.maximum
    if isinstance(field, p.List):
        return None, field.most
    return None, field.max_length if isinstance(field, p.String) else None


def bounded() -> Iterator[Any]:
    """Every field that has bounds, once, as a parameter of a test."""
    known: set[int] = set()
    for route in CATALOG.routes:
        for parameter in flattened(route.params):
            field = parameter.field
            if bounds_of(field) != (None, None) and id(field) not in known and type(field) in PLAIN:
                known.add(id(field))
                yield pytest.param(field, id=f"{route.verb} {route.path} {parameter.path}")


# Other kinds of text have a form that a row of letters has not.
PLAIN = (p.Amount, p.Integer, p.List, p.String)


def value_of(field: fields.Field, size: int) -> Any:
    """A value that is so large or so long."""
    if isinstance(field, p.Integer):
        return str(size)
    return [sample(field.inner)] * size if isinstance(field, p.List) else "x" * size


def takes(field: fields.Field, size: int) -> bool:
    """Whether a field takes a value of that size."""
    try:
        field.deserialize(value_of(field, size))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("operation, path, lowest, highest", ROWS)
def test_the_bounds_are_these(operation: str, path: str, lowest: int | None, highest: int | None) -> None:
    verb, _, url = operation.partition(" ")
    (route,) = (route for route in CATALOG.routes if (route.verb, route.path) == (verb, url))

    (field,) = (parameter.field for parameter in flattened(route.params) if parameter.path == path)

    assert bounds_of(field) == (lowest, highest)


@pytest.mark.parametrize("field", list(bounded()))
def test_bounds_are_kept_to_the_last(field: fields.Field) -> None:
    lowest, highest = bounds_of(field)
    has_form = getattr(field, "pattern", None) is not None

    if lowest is not None:
        assert (takes(field, lowest), takes(field, lowest - 1)) == (True, False)
    if highest is not None and not has_form:
        assert (takes(field, highest), takes(field, highest + 1)) == (True, False)


def test_a_text_of_which_nothing_is_said_has_up_to_5000_characters() -> None:
    assert p.String().max_length == USUAL_LENGTH
    assert (takes(p.String(), USUAL_LENGTH), takes(p.String(), USUAL_LENGTH + 1)) == (True, False)
