"""What may be sent of payment intents.

Source: https://docs.stripe.com/api/payment_intents
"""

from __future__ import annotations

from typing import Any

from emulator.connect.shapes import group, group_of
from emulator.kernel.params import (
    Amount,
    Boolean,
    Currency,
    Email,
    Enum,
    Hash,
    Integer,
    List,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    alternatives,
    complain,
)
from emulator.payments import amounts, payment_methods
from emulator.payments.customers import ShippingParams as CustomersShippingParams
from emulator.payments.other_options import OtherOptionsParams
from emulator.payments.setup_intents import (
    ALLOWED_TYPES,
    EXCLUDED_TYPES,
    NETWORKS,
    ConfirmedMandateParams,
    MandateDataParams,
)

METHODS = ("automatic", "automatic_async", "manual")
USAGES = ("off_session", "on_session")


class CardOptionsParams(Params):
    """How a card is to be charged."""

    capture_method = Enum(("manual",), unset=True)
    cvc_token = String()
    installments = group(
        enabled=Boolean(),
        plan=Hash(
            group_of(
                count=Integer(),
                interval=Enum(("month",)),
                type=Enum(("bonus", "fixed_count", "revolving"), required=True),
            ),
            unset=True,
        ),
    )
    mandate_options = group(
        amount=Integer(required=True),
        amount_type=Enum(("fixed", "maximum"), required=True),
        description=String(),
        end_date=Integer(),
        interval=Enum(("day", "month", "sporadic", "week", "year"), required=True),
        interval_count=Integer(),
        reference=String(required=True),
        start_date=Integer(required=True),
        supported_types=List(Enum(("india",))),
    )
    moto = Boolean()
    network = Enum(NETWORKS)
    request_extended_authorization = Enum(("if_available", "never"))
    request_incremental_authorization = Enum(("if_available", "never"))
    request_multicapture = Enum(("if_available", "never"))
    request_overcapture = Enum(("if_available", "never"))
    request_three_d_secure = Enum(("any", "automatic", "challenge"))
    require_cvc_recollection = Boolean()
    setup_credential_usage = Enum(("installment", "recurring", "unscheduled"))
    setup_future_usage = Enum(("none", "off_session", "on_session"), unset=True)
    statement_descriptor_suffix_kana = String(unset=True)
    statement_descriptor_suffix_kanji = String(unset=True)
    stored_credential_usage = Enum(("installment", "recurring", "unscheduled"))
    three_d_secure = group(
        ares_trans_status=Enum(("A", "C", "I", "N", "R", "U", "Y")),
        cryptogram=String(required=True),
        electronic_commerce_indicator=Enum(("01", "02", "05", "06", "07")),
        exemption_indicator=Enum(("low_risk", "none")),
        network_options=group(
            cartes_bancaires=group(
                cb_avalgo=Enum(("0", "1", "2", "3", "4", "A"), required=True),
                cb_exemption=String(),
                cb_score=Integer(),
            )
        ),
        requestor_challenge_indicator=String(),
        transaction_id=String(required=True),
        version=Enum(("1.0.2", "2.1.0", "2.2.0", "2.3.0", "2.3.1"), required=True),
    )


class UsBankAccountOptionsParams(Params):
    """How a bank account is to be charged."""

    financial_connections = group(
        filters=group(account_subcategories=List(Enum(("checking", "savings")))),
        permissions=List(Enum(("balances", "ownership", "payment_method", "transactions"))),
        prefetch=List(Enum(("balances", "ownership", "transactions"))),
        return_url=String(),
    )
    mandate_options = group(collection_method=Enum(("paper",), unset=True))
    networks = group(requested=List(Enum(("ach", "us_domestic_wire"))))
    preferred_settlement_speed = Enum(("fastest", "standard"), unset=True)  # of older contracts, whatever the version
    setup_future_usage = Enum(("none", "off_session", "on_session"), unset=True)
    target_date = String()
    transaction_purpose = Enum(("goods", "other", "services", "unspecified"), unset=True)
    verification_method = Enum(("automatic", "instant", "microdeposits"))


class OptionsParams(OtherOptionsParams):
    """Options by the type of payment method."""

    card = Hash(CardOptionsParams, unset=True)
    us_bank_account = Hash(UsBankAccountOptionsParams, unset=True)


class ShippingParams(CustomersShippingParams):
    """Whom and where to send things, and how."""

    carrier = String()
    phone = String()
    tracking_number = String()


LINE_ITEM = group_of(
    discount_amount=Integer(),
    payment_method_options=group(
        card=group(commodity_code=String()),
        card_present=group(commodity_code=String()),
        klarna=group(image_url=String(), product_url=String(), reference=String(), subscription_reference=String()),
        paypal=group(
            category=Enum(("digital_goods", "donation", "physical_goods")), description=String(), sold_by=String()
        ),
    ),
    product_code=String(),
    product_name=String(required=True),
    quantity=Integer(required=True),
    tax=group(total_tax_amount=Integer(required=True)),
    unit_cost=Integer(required=True),
    unit_of_measure=String(),
)
AMOUNT_DETAILS = group_of(
    discount_amount=Integer(unset=True),
    enforce_arithmetic_validation=Boolean(),
    line_items=List(Hash(LINE_ITEM), unset=True),
    shipping=Hash(
        group_of(amount=Integer(unset=True), from_postal_code=String(unset=True), to_postal_code=String(unset=True)),
        unset=True,
    ),
    tax=Hash(group_of(total_tax_amount=Integer(required=True)), unset=True),
)
HOOKS = group_of(inputs=group(tax=group(calculation=String(required=True, unset=True))))
PAYMENT_DETAILS = group_of(customer_reference=String(unset=True), order_reference=String(unset=True))


class ConfirmableParams(Params):
    """What can be said of an intent at any time before it is paid."""

    allowed_payment_method_types = List(Enum(ALLOWED_TYPES), unset=True)
    amount_details = Hash(AMOUNT_DETAILS, unset=True)
    capture_method = Enum(METHODS)
    excluded_payment_method_types = List(Enum(EXCLUDED_TYPES), unset=True)
    hooks = Hash(HOOKS)
    payment_details = Hash(PAYMENT_DETAILS, unset=True)
    payment_method = String()
    payment_method_data = Hash(payment_methods.DataParams)
    payment_method_options = Hash(OptionsParams)
    payment_method_types = List(String())
    receipt_email = Email(unset=True)
    setup_future_usage = Enum(USAGES, unset=True)
    shipping = Hash(ShippingParams, unset=True)


class OffSession(Enum, Boolean):
    """Whether the payer is away: a boolean, or a word for why the payment is made then, which says so too."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and value in self.accepted:
            return True
        if isinstance(value, str) and value in self.WORDS:
            return self.WORDS[value]
        raise complain("Invalid {param}: must be one of " + alternatives(("true", "false", *self.values)))


class ConfirmationParams(Params):
    """How an intent is confirmed."""

    confirmation_token = String()
    error_on_requires_action = Boolean()
    mandate = String()
    mandate_data = Hash(MandateDataParams, unset=True)
    off_session = OffSession(("one_off", "recurring"))
    radar_options = group(referrer=String(unset=True), session=String())
    return_url = String()
    use_stripe_sdk = Boolean()


class UpdateParams(ConfirmableParams):
    """What may change before it is paid."""

    amount = Amount(maximum=amounts.LARGEST_SENT)
    application_fee_amount = Integer(unset=True, minimum=0)
    currency = Currency()
    customer = String()
    customer_account = String()
    description = String()
    metadata = Metadata()
    payment_method_configuration = String()
    statement_descriptor = String(max_length=22)
    statement_descriptor_suffix = String(max_length=22)
    transfer_data = group(
        amount=Amount(),
        description=String(),
        metadata=Metadata(),
        payment_data=group(description=String(), metadata=Metadata()),
    )
    transfer_group = String()


class CreateParams(UpdateParams, ConfirmationParams):
    """A new intent, confirmed at once if that is said."""

    amount = Amount(required=True, maximum=amounts.LARGEST_SENT)
    automatic_payment_methods = group(allow_redirects=Enum(("always", "never")), enabled=Boolean(required=True))
    confirm = Boolean()
    confirmation_method = Enum(("automatic", "manual"))
    currency = Currency(required=True)
    on_behalf_of = String()
    transfer_data = group(
        amount=Amount(),
        description=String(),
        destination=String(required=True),
        metadata=Metadata(),
        payment_data=group(description=String(), metadata=Metadata()),
    )


class ConfirmParams(ConfirmableParams, ConfirmationParams):
    """With what it is confirmed."""

    amount_to_confirm = Amount(maximum=amounts.LARGEST_SENT)
    client_secret = String()
    mandate_data = Hash(ConfirmedMandateParams, unset=True)


class RetrieveParams(Params):
    """What a browser proves with that it may look."""

    client_secret = String()


class CaptureParams(Params):
    """How much of what is held to take."""

    amount_details = Hash(AMOUNT_DETAILS)
    amount_to_capture = Amount(maximum=amounts.LARGEST_SENT)
    application_fee_amount = Integer(minimum=0)
    final_capture = Boolean()
    hooks = Hash(HOOKS)
    metadata = Metadata()
    payment_details = Hash(PAYMENT_DETAILS, unset=True)
    statement_descriptor = String(max_length=22)
    statement_descriptor_suffix = String(max_length=22)
    transfer_data = group(amount=Amount())


class CancelParams(Params):
    """Why it is given up."""

    cancellation_reason = Enum(("abandoned", "duplicate", "fraudulent", "requested_by_customer"))


class PaymentIntentListParams(ListParams):
    """Filters of the list."""

    created = Range()
    customer = String()
    customer_account = String()
