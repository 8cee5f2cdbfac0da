"""The table of contents: every resource module, in one list."""

from __future__ import annotations

from emulator import progress
from emulator.balances import balance, balance_transactions, topups
from emulator.connect import accounts, capabilities, external_accounts, persons, platform, rejection, reviewing
from emulator.control import (
    asks,
    clock,
    faults,
    health,
    issuing,
    requests,
    tenant,
    webhook_clinic,
    webhooks,
    why,
    worlds,
)
from emulator.developer import cli_sessions, events, files, webhook_endpoints
from emulator.issuing import (
    authorization_helpers,
    authorizations,
    cardholders,
    cards,
    deciding,
    disputes,
    fraud_challenges,
    funding,
    next_authorization,
    personalization_designs,
    physical_bundles,
    real_time,
    shipping_helpers,
    tokens,
    traces,
)
from emulator.issuing import (
    transactions as issuing_transactions,
)
from emulator.kernel.catalog import Catalog
from emulator.payments import customer, customers, payment_methods
from emulator.treasury import access as treasury_access
from emulator.treasury import (
    closing,
    debit_reversals,
    features,
    financial_accounts,
    outbound_transfer_helpers,
    outbound_transfers,
    receipts,
    received_credits,
    received_debits,
    transaction_entries,
    transactions,
)

CATALOG = Catalog(
    (
        accounts,
        platform,
        capabilities,
        persons,
        external_accounts,
        rejection,
        reviewing,
        treasury_access,
        financial_accounts,
        features,
        transactions,
        transaction_entries,
        received_credits,
        received_debits,
        debit_reversals,
        outbound_transfers,
        outbound_transfer_helpers,
        closing,
        receipts,
        progress,
        balance,
        balance_transactions,
        topups,
        customer,
        customers,
        payment_methods,
        physical_bundles,
        personalization_designs,
        cardholders,
        cards,
        tokens,
        shipping_helpers,
        authorizations,
        traces,
        deciding,
        authorization_helpers,
        real_time,
        fraud_challenges,
        next_authorization,
        issuing_transactions,
        funding,
        disputes,
        files,
        events,
        webhook_endpoints,
        cli_sessions,
        clock,
        faults,
        health,
        issuing,
        requests,
        tenant,
        webhooks,
        webhook_clinic,
        asks,
        why,
        worlds,
    )
)
