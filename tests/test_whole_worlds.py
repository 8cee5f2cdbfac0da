"""Whatever one thing is changed in what is stored, the doctor names it; or it is here, with why nobody can tell.

The world has every kind of record and of the kernel's rows: it comes from an earlier version, and life went on. Each
column, and each member of a record, is changed by itself in rows that chance picks.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import orjson
import pytest

from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examine_session
from emulator.kernel.database.schema import Schema, quoted
from emulator.kernel.database.sqlite import SqliteSession
from emulator.kernel.records import filled
from tests.kernel.database.older_worlds import brought_up

SCHEMA = Schema(CATALOG.records.values())
ROWS = 1  # of each table
CHANCE = 8  # where chance begins
IDS = {name.rpartition(".")[2]: f"{kind.prefix}_{'x' * 24}" for name, kind in CATALOG.records.items()}
MADE_IN_ORDER = """
    account attempt bank_account capability customer emulator_card_number emulator_file_content
    emulator_fraud_verification emulator_next_authorization emulator_next_flow fault file funding_instructions
    issuing_cardholder issuing_dispute issuing_personalization_design issuing_token issuing_transaction mandate
    payment_method person
    setup_attempt setup_intent stripecli_session subscriber topup treasury_credit_reversal
    treasury_debit_reversal treasury_financial_account treasury_inbound_transfer treasury_outbound_payment
    treasury_outbound_transfer treasury_received_debit webhook_endpoint
"""
# What cannot be told, by the reason: a table with its columns, and with the members of its records after a dot.
BEYOND_TELLING: dict[str, dict[str, str]] = {
    "in which order things were made at one moment": dict.fromkeys(MADE_IN_ORDER.split(), "sequence"),
    "what was said of something that has had no event": {
        "account": (
            ".business_profile .business_type .company .controller .country .default_currency .details_submitted "
            ".email .groups .metadata .settings .tos_acceptance .type"
        ),
        "bank_account": (
            ".account_holder_name .account_holder_type .account_type .bank_name .country .default_for_currency "
            ".fingerprint .last4 .metadata .routing_number .status"
        ),
        "capability": ".name .requested .requested_at .requirements .status",
        "funding_instructions": ".bank_transfer .funding_type",
        "issuing_personalization_design": ".carrier_text .metadata .name .rejection_reasons",
        "issuing_physical_bundle": ".features .name",
        "mandate": ".customer_acceptance .on_behalf_of .payment_method_details .single_use .status .type",
        "setup_attempt": ".attach_to_self .flow_directions .payment_method_details .setup_error .status .usage",
        "treasury_transaction": ".currency .description",
        "webhook_endpoint": ".application .description .metadata",
    },
    "what changes without an event": {
        "setup_intent": (
            ".description .excluded_payment_method_types .flow_directions .last_setup_error .metadata "
            ".payment_method_options .payment_method_types .status"
        ),
        "topup": ".description .metadata",
        "treasury_financial_account": ".metadata .nickname .platform_restrictions",
    },
    "what is never shown, or as something else, and follows from nothing": {
        "account": ".account_token .documents .is_ready .numbers .owed .rejected .rejection_keeps_payouts .verified",
        "acting_account": "is_open",
        "bank_account": ".documents .number",
        "emulator_authorization_trace": ".requests",
        "emulator_file_content": ".base64",
        "emulator_fraud_verification": ".merchants",
        "issuing_authorization": ".fraud_disputability_likelihood .is_counted .requested_details .risk_assessment",
        "issuing_card": ".cvc .has_pin .payments .pin_blocked .wallet_obstacle",
        "issuing_cardholder": ".demanded .is_in_review .verdict",
        "issuing_dispute": ".is_credited .loss_reason",
        "issuing_token": ".network_data",
        "issuing_transaction": ".purchase_details .refunded",
        "payment_method": ".directions .is_used_up .is_verified .number .token .us_bank_account",
        "person": ".country .documents .numbers .person_token .said .status",
        "setup_intent": ".arrival_date .single_use .wrong",
        "topup": ".destination_balance .outcome",
        "treasury_financial_account": (
            ".activated_features .country .forwarding_settings .is_default .requested_features .status_details "
            ".supported_currencies"
        ),
        "treasury_inbound_transfer": ".forced .own_number",
        "treasury_outbound_payment": ".forced .own_number",
        "treasury_outbound_transfer": ".forced .own_number",
        "treasury_received_credit": ".other_side",
        "treasury_received_debit": ".other_side",
    },
    "what came from outside: a request, an answer, the hour": {
        "ask": (
            "asked_at_ms duration_ms expand fingerprint finished idempotency_key outcome path request_id timeout_ms "
            "version"
        ),
        "attempt": "began_ms body calls created duration_ms error headers status troubles",
        "delivery": "due_at held lane troubles",
        "event": ".api_version .request",
        "idempotent_reply": "created key path request_id status",
        "stripecli_session": ".device_name .feature .forward_connect_to_url .forward_to_url .log_filters .secret",
    },
    "what was switched on by hand, or is where all begins": {
        "clinic": "data",
        "due": "due_at",
        "emulator_next_authorization": ".approved .reason",
        "emulator_next_flow": ".code .status",
        "fault": "method milliseconds path rate_limited_reason should_retry",
        "movement": "available_on id kind",
        "tenant": "clock_offset created draws frozen_at generation last_now name",
    },
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteSession]:
    """The world in memory, where it can be changed and changed back."""
    file = brought_up(tmp_path_factory.mktemp("whole"))
    stored, copy = sqlite3.connect(file), sqlite3.connect(":memory:", isolation_level=None)
    stored.backup(copy)
    stored.close()
    yield SqliteSession(copy.cursor(), SCHEMA, {}, 0)
    copy.close()


def other(value: Any, name: str) -> Any:
    """Another value of the same kind; for nothing at all an id of what the member is named after, or a word."""
    if value is None:
        return IDS.get(name, "other")
    if value in (0, 1) and isinstance(value, int | float):
        return type(value)(1 - value)
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, bytes):
        return value + b"x"
    if isinstance(value, str):
        return f"{value[:-1]}{'x' if value[-1:] != 'x' else 'y'}"
    if isinstance(value, list):
        return [*value, "other"]
    first = next(iter(value), "other")
    return {**value, first: other(value.get(first), first)}


def changes(session: SqliteSession, table: str) -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Every change of one thing in some rows of a table: what it is called, the column, its value, the row's key."""
    columns, kind = list(SCHEMA.tables[table].columns), SCHEMA.records.get(table)
    rows = session.all(f"SELECT {', '.join(map(quoted, columns))} FROM {table}")
    for row in random.Random(f"{CHANCE}{table}").sample(rows, min(ROWS, len(rows))):
        stored = dict(zip(columns, row, strict=True))
        key = {name: stored[name] for name in SCHEMA.tables[table].key or ("name",)}
        for column in columns:
            if column != "data" or kind is None:
                yield column, column, other(stored[column], column), key
        for one in fields(kind) if kind is not None else ():
            members = filled(kind, orjson.loads(stored["data"])).__dict__
            members = {**members, one.name: other(members[one.name], one.name)}
            yield f".{one.name}", "data", orjson.dumps(members), key


def unnoticed(session: SqliteSession, table: str) -> set[str]:
    """What can be changed in a table without a finding."""
    missed = set()
    for name, column, value, key in changes(session, table):
        session.cursor.execute("SAVEPOINT change")
        try:
            where = " AND ".join(f"{quoted(one)} = :key_{one}" for one in key)
            values = {"value": value, **{f"key_{one}": key[one] for one in key}}
            session.cursor.execute(f"UPDATE {table} SET {quoted(column)} = :value WHERE {where}", values)
            if next(findings(session), None) is None:
                missed.add(name)
        except sqlite3.IntegrityError:
            continue  # the database itself refuses it
        finally:
            session.cursor.execute("ROLLBACK TO change")
            session.cursor.execute("RELEASE change")
    return missed


def findings(session: SqliteSession) -> Iterator[str]:
    """What the doctor finds; a world that cannot even be looked at is one finding."""
    try:
        yield from (finding.detail for finding in examine_session(session, CATALOG))
    except Exception as failure:
        yield repr(failure)


def test_nothing_is_found_where_nothing_was_changed(world: SqliteSession) -> None:
    assert list(findings(world)) == []


@pytest.mark.parametrize("table", sorted(SCHEMA.tables))
def test_whatever_is_changed_is_named_or_known_to_be_beyond_telling(world: SqliteSession, table: str) -> None:
    beyond = {name for tables in BEYOND_TELLING.values() for name in tables.get(table, "").split()}

    missed = unnoticed(world, table)

    assert missed - beyond == set(), "changed, and nobody noticed"
    assert beyond - missed == set(), "said to be beyond telling, and told"
