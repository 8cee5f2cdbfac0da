"""What may be said of a payment link: every published parameter, in Stripe's order.

Source: https://docs.stripe.com/api/payment-link/create, https://docs.stripe.com/api/payment-link/update
"""

from __future__ import annotations

from typing import Any

from emulator.connect.shapes import Percent, Url, group, group_of
from emulator.data.countries import COUNTRIES
from emulator.kernel.params import (
    Amount,
    Boolean,
    Currency,
    Decimal,
    Enum,
    Hash,
    Integer,
    List,
    Metadata,
    Params,
    String,
)
from emulator.payments.other_methods import TYPES
from emulator.payments.price import BEHAVIORS, FREE, INTERVALS
from emulator.payments.product import MOST_IMAGES, TaxCode, TaxDetailsParams

MOST_ITEMS, MOST_FIELDS = 20, 3
NOT_FOR_LINKS = {
    "acss_debit",
    "amazon_pay",
    "crypto",
    "custom",
    "customer_balance",
    "kakao_pay",
    "kr_card",
    "naver_pay",
    "nz_bank_account",
    "payco",
    "revolut_pay",
    "samsung_pay",
}
LINK_TYPES = tuple(name for name in TYPES if name not in NOT_FOR_LINKS)
NOT_SHIPPED_TO = {"AS", "CC", "CU", "CX", "FM", "HM", "IR", "KP", "MH", "MP", "NF", "PW", "SY", "UM", "VI"}
SHIPPED_TO = (*sorted(COUNTRIES - NOT_SHIPPED_TO), "ZZ")
BRANDS = ("american_express", "discover_global_network", "mastercard", "visa")


def issuer() -> Hash:
    """Who an invoice is from, or who is liable for a tax."""
    return group(account=String(), type=Enum(("account", "self"), required=True))


def adjustable(lowest: int = 0) -> Hash:
    """Whether whoever pays may say how many."""
    return group(
        enabled=Boolean(required=True),
        maximum=Integer(minimum=1, maximum=999_999),
        minimum=Integer(minimum=lowest, maximum=999_998),
    )


def note() -> Hash:
    """A text on the page."""
    return Hash(group_of(message=String(required=True, max_length=1200)), unset=True)


def collected() -> Hash:
    """A name that is asked for."""
    return group(enabled=Boolean(required=True), optional=Boolean())


LINE = {"name": String(required=True, max_length=40), "value": String(required=True, max_length=140)}
FieldParams = group_of(
    dropdown=group(
        default_value=String(max_length=100),
        options=List(
            Hash(
                group_of(
                    label=String(required=True, max_length=100),
                    value=String(required=True, max_length=100, pattern="[A-Za-z0-9]+"),
                )
            ),
            required=True,
            most=200,
        ),
    ),
    key=String(required=True, max_length=200, pattern="[A-Za-z0-9]+"),
    label=Hash(
        group_of(custom=String(required=True, max_length=50), type=Enum(("custom",), required=True)), required=True
    ),
    numeric=group(
        default_value=String(max_length=255),
        maximum_length=Integer(minimum=1, maximum=255),
        minimum_length=Integer(minimum=1, maximum=255),
    ),
    optional=Boolean(),
    text=group(
        default_value=String(max_length=255),
        maximum_length=Integer(minimum=1, maximum=255),
        minimum_length=Integer(minimum=1, maximum=255),
    ),
    type=Enum(("dropdown", "numeric", "text"), required=True),
)
PriceDataParams = group_of(
    currency=Currency(required=True),
    product=String(),
    product_data=group(
        description=String(max_length=40_000),
        images=List(String(), most=MOST_IMAGES),
        metadata=Metadata(),
        name=String(required=True),
        tax_code=TaxCode(),
        tax_details=Hash(TaxDetailsParams),
        unit_label=String(),
    ),
    recurring=group(interval=Enum(INTERVALS, required=True), interval_count=Integer(minimum=1)),
    tax_behavior=Enum(BEHAVIORS),
    unit_amount=Amount(**FREE),
    unit_amount_decimal=Decimal(whole_digits=8),
)
NewItemParams = group_of(
    adjustable_quantity=adjustable(),
    price=String(),
    price_data=Hash(PriceDataParams),
    quantity=Integer(required=True, minimum=1, maximum=999_999),
)
ChangedItemParams = group_of(
    adjustable_quantity=adjustable(),
    id=String(required=True),
    quantity=Integer(minimum=1, maximum=999_999),
)
OptionalItemParams = group_of(
    adjustable_quantity=adjustable(),
    price=String(required=True),
    quantity=Integer(required=True, minimum=0, maximum=999_999),
)


def members(unset: bool) -> dict[str, Any]:
    """What can be said of a new link, and with `unset` of one that is there, where much can be emptied."""

    def hash(**inner: Any) -> Hash:
        return Hash(group_of(**inner), unset=unset)

    return {
        "after_completion": group(
            hosted_confirmation=group(custom_message=String(max_length=500)),
            redirect=group(url=Url(required=True)),
            type=Enum(("hosted_confirmation", "redirect"), required=True),
        ),
        "allow_promotion_codes": Boolean(),
        "application_fee_amount": Amount(minimum=0, unset=unset),
        "application_fee_percent": Percent(unset=unset),
        "automatic_tax": group(enabled=Boolean(required=True), liability=issuer()),
        "billing_address_collection": Enum(("auto", "required")),
        "consent_collection": group(
            payment_method_reuse_agreement=group(position=Enum(("auto", "hidden"), required=True)),
            promotions=Enum(("auto", "none")),
            terms_of_service=Enum(("none", "required")),
        ),
        "custom_fields": List(Hash(FieldParams), most=MOST_FIELDS, unset=unset),
        "custom_text": group(
            after_submit=note(), shipping_address=note(), submit=note(), terms_of_service_acceptance=note()
        ),
        "customer_creation": Enum(("always", "if_required")),
        "inactive_message": String(max_length=500, unset=unset),
        "invoice_creation": group(
            enabled=Boolean(required=True),
            invoice_data=group(
                account_tax_ids=List(String(), unset=True),
                custom_fields=List(Hash(group_of(**LINE)), most=4, unset=True),
                description=String(),
                footer=String(),
                issuer=issuer(),
                metadata=Metadata(),
                rendering_options=Hash(
                    group_of(
                        amount_tax_display=Enum(("exclude_tax", "include_inclusive_tax"), unset=True),
                        template=String(),
                    ),
                    unset=True,
                ),
            ),
        ),
        "metadata": Metadata(),
        "name_collection": hash(business=collected(), individual=collected()),
        "on_behalf_of": String(unset=unset),
        "optional_items": List(Hash(OptionalItemParams), most=10, unset=unset),
        "payment_method_collection": Enum(("always", "if_required")),
        "payment_method_options": hash(
            card=hash(restrictions=hash(brands_blocked=List(Enum(BRANDS), unset=unset))),
        ),
        "payment_method_types": List(Enum(LINK_TYPES), unset=unset),
        "phone_number_collection": group(enabled=Boolean(required=True)),
        "restrictions": hash(
            completed_sessions=Hash(group_of(limit=Integer(required=True, minimum=1)), required=True),
        ),
        "shipping_address_collection": hash(allowed_countries=List(Enum(SHIPPED_TO), required=True)),
        "shipping_options": List(Hash(group_of(shipping_rate=String())), unset=unset),
        "submit_type": Enum(("auto", "book", "donate", "pay", "subscribe")),
        "tax_id_collection": group(enabled=Boolean(required=True), required=Enum(("if_supported", "never"))),
        "transfer_data": hash(amount=Amount(unset=unset), destination=String(required=True)),
    }


def intent_data(unset: bool, **more: Any) -> Hash:
    """What the payment intents of a link start with."""
    return group(
        **more,
        description=String(unset=unset),
        metadata=Metadata(),
        setup_future_usage=Enum(("off_session", "on_session"), unset=unset),
        statement_descriptor=String(max_length=22, unset=unset),
        statement_descriptor_suffix=String(max_length=22, unset=unset),
        transfer_group=String(unset=unset),
    )


def subscriptions(unset: bool, **more: Any) -> Hash:
    """What subscriptions would start with."""
    return group(
        **more,
        invoice_settings=group(
            account_tax_ids=List(String(), unset=True),
            custom_fields=List(Hash(group_of(**LINE)), most=4, unset=True),
            description=String(),
            footer=String(),
            issuer=issuer(),
        ),
        metadata=Metadata(),
        trial_period_days=Integer(minimum=1, maximum=730, unset=unset),
        trial_settings=Hash(
            group_of(
                end_behavior=Hash(
                    group_of(missing_payment_method=Enum(("cancel", "create_invoice", "pause"), required=True)),
                    required=True,
                )
            ),
            unset=unset,
        ),
    )


OfNewLinks = type("OfNewLinks", (Params,), members(unset=False))
OfLinks = type("OfLinks", (Params,), members(unset=True))


class CreateParams(OfNewLinks):  # type: ignore[misc,valid-type]
    """A new link."""

    currency = Currency()
    line_items = List(Hash(NewItemParams), required=True, most=MOST_ITEMS)
    managed_payments = group(enabled=Boolean())
    payment_intent_data = intent_data(False, capture_method=Enum(("automatic", "automatic_async", "manual")))
    subscription_data = subscriptions(False, description=String(max_length=500))


class UpdateParams(OfLinks):  # type: ignore[misc,valid-type]
    """What may change."""

    active = Boolean()
    line_items = List(Hash(ChangedItemParams), most=MOST_ITEMS)
    payment_intent_data = intent_data(True)
    subscription_data = subscriptions(True)
