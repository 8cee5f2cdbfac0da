"""Whatever one thing is changed in what is stored, the doctor names it; or it is here, with why nobody can tell.

The world has every kind of record and of the kernel's rows: it comes from an earlier version, and life went on. Each
column, and each member of a record, is changed by itself: all of them in the oldest row of each table, and some in any.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examine_session
from emulator.kernel.database.face import Session
from emulator.kernel.database.postgres.database import PostgresDatabase
from emulator.kernel.database.schema import Schema, quoted
from emulator.kernel.database.sqlite import SqliteSession
from emulator.kernel.records import filled
from tests.databases import InPlaceOfFolders
from tests.kernel.database.older_worlds import brought_up

HANDLE = "0" * 32
SCHEMA = Schema(CATALOG.records.values())
IDS = {name.rpartition(".")[2]: f"{kind.prefix}_{'x' * 24}" for name, kind in CATALOG.records.items()}
# Rows whose numbers say how many there have been. Those of others say in which order they were made, which nothing else
# knows of what was made at one moment.
COUNTED = ("delivery", "event", "movement")
NEW = {"INTEGER": lambda name: 1, "BLOB": lambda name: b"x", "TEXT": lambda name: other(None, name)}
# What cannot be told, by the reason: a table with its columns, and with the members of its records after a dot.
BEYOND_TELLING: dict[str, dict[str, str]] = {
    "what was said of something that has had no event": {
        "account": (
            ".business_profile .business_type .company .controller .country .default_currency .details_submitted "
            ".email .groups .metadata .settings .tos_acceptance .type"
        ),
        "bank_account": (
            ".account_holder_name .account_holder_type .account_type .bank_name .country .default_for_currency "
            ".fingerprint .last4 .metadata .routing_number .status"
        ),
        "card": ".default_for_currency .has_cvc .number .preferred_network",
        "capability": ".name .requested .requested_at .requirements .status",
        "fee_refund": ".metadata",
        "funding_instructions": ".bank_transfer .funding_type",
        "issuing_personalization_design": ".card_logo .carrier_text .metadata .name .rejection_reasons",
        "issuing_physical_bundle": ".features .name",
        "item": ".adjustable_quantity .currency .quantity",
        "mandate": ".customer_acceptance .on_behalf_of .payment_method_details .single_use .status .type",
        "payment_method": ".billing_details .metadata",
        "setup_attempt": ".attach_to_self .flow_directions .payment_method_details .setup_error .status .usage",
        "transfer_reversal": ".metadata",
        "treasury_transaction": ".currency .description",
        "account_link": ".expires_at .fields .form .refresh_url .return_url .session .type .use_case",
        "ephemeral_key": ".expires",
        "login_link": ".is_used",
        "token": ".content .type .used",
        "file_link": ".metadata",
        "test_helpers_test_clock": ".target",
        "webhook_endpoint": ".application .description .metadata",
    },
    "what changes without an event": {
        "payment_intent": (
            ".allowed_payment_method_types .application_fee_amount .capture_method .description "
            ".excluded_payment_method_types .last_payment_error .metadata .payment_details .payment_method_options "
            ".payment_method_types .receipt_email .setup_future_usage .shipping .statement_descriptor "
            ".statement_descriptor_suffix .transfer_group"
        ),
        "setup_intent": (
            ".description .excluded_payment_method_types .flow_directions .last_setup_error .metadata "
            ".payment_method_options .payment_method_types .status"
        ),
        "topup": ".description .metadata",
        "treasury_financial_account": ".metadata .nickname .platform_restrictions",
    },
    "what is never shown, or as something else, and follows from nothing": {
        "account": (
            ".account_token .configurations .documents .has_country .is_deleted .is_ready .left "
            ".numbers .owed .rejected .rejection_keeps_payouts .verified"
        ),
        "acting_account": "is_open",
        "application_fee": ".available_on",
        "charge": ".available_on .capture_before",
        "dispute": ".due_by .fee .intended_submission_method .is_charge_refundable .submission_count",
        "payment_intent": ".asks .is_authenticated .off_session .return_url",
        "refund": ".failure_reason .pending_reason",
        "transfer": ".available_on",
        "bank_account": ".documents .number",
        "emulator_authorization_trace": ".requests",
        "emulator_file_content": ".base64",
        "emulator_fraud_verification": ".merchants",
        "ephemeral_key": ".api_version .private_nonce",
        "ephemeral_key_nonce": ".is_used .private_nonce",
        "issuing_authorization": (
            ".fraud_challenges .fraud_disputability_likelihood .is_counted .requested_details .risk_assessment"
        ),
        "issuing_card": ".cvc .has_pin .payments .pin_blocked .wallet_obstacle",
        "issuing_cardholder": ".demanded .is_in_review .verdict",
        "issuing_dispute": ".is_credited .loss_reason",
        "issuing_token": ".network_data",
        "issuing_transaction": ".purchase_details .refunded",
        "emulator_payment_page": ".form",
        "oauth_code": ".is_used .said .scope .user",
        "oauth_token": ".scope",
        "v2_core_account_person_token": ".expires_at .said .used",
        "v2_core_account_token": ".expires_at .said .used",
        "payment_method": ".directions .is_used_up .is_verified .number .token .us_bank_account",
        "payment_link": ".is_recurring .limit .name_collection",
        "payout": ".left_out .looked_through .number_of_others .outcome",
        "price": ".currency_options .tiers",
        "person": ".country .documents .numbers .person_token .said .status .updated",
        "setup_intent": ".arrival_date .return_url .single_use .wrong",
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
        "attempt": "began_ms body calls created duration_ms error headers signature status troubles",
        "delivery": "acknowledged due_at held lane subscriber troubles",
        "event": ".api_version .request",
        "idempotent_reply": "created key path request_id status",
        "stripecli_session": ".device_name .feature .forward_connect_to_url .forward_to_url .line .log_filters .secret",
    },
    "what was switched on by hand, or is where all begins": {
        "clinic": "data",
        "due": "due_at",
        "emulator_next_authorization": ".approved .reason",
        "emulator_next_flow": ".code .status",
        "fault": (
            "carried_out jitter_milliseconds met method milliseconds path probability rate_limited_reason should_retry"
        ),
        "movement": "available_on id kind",
        "tenant": "clock_offset created draws frozen_at generation last_now name",
    },
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, stand_ins: InPlaceOfFolders | None) -> Iterator[Session]:
    """The world in memory, or in a database, where it can be changed and changed back."""
    file = brought_up(tmp_path_factory.mktemp("whole"))
    if stand_ins is not None:
        database = PostgresDatabase(stand_ins.server.database(), CATALOG.records.values())
        database.from_file(file.read_bytes(), HANDLE, lambda session: None)
        with database.open(HANDLE).writing() as session:
            yield session
        database.close()
        return
    stored, copy = sqlite3.connect(file), sqlite3.connect(":memory:", isolation_level=None)
    stored.backup(copy)
    stored.close()
    yield SqliteSession(copy.cursor(), SCHEMA, {}, 0)
    copy.close()


class ChangedBack(Exception):
    """Everything is to be as it was."""


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


def rows_of(session: Session, table: str) -> list[dict[str, Any]]:
    """The rows of a table, the oldest first."""
    columns = list(SCHEMA.tables[table].columns)
    rows = session.all(f"SELECT {', '.join(map(quoted, columns))} FROM {table}")
    return [dict(zip(columns, row, strict=True)) for row in rows]


def changes(table: str, row: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Every change of one thing in a row: by what it is called, the column, and its value."""
    kind = SCHEMA.records.get(table)
    types = SCHEMA.tables[table].columns
    found = {
        name: (name, other(value, name) if value is not None else NEW[types[name].partition(" ")[0]](name))
        for name, value in row.items()
        if name != "data" or kind is None
    }
    if kind is not None:
        members = filled(kind, orjson.loads(row["data"])).__dict__
        for one in fields(kind):
            changed = {**members, one.name: other(members[one.name], one.name)}
            found[f".{one.name}"] = "data", orjson.dumps(changed)
    if table not in COUNTED:
        found.pop("sequence", None)
    return found


def is_noticed(session: Session, table: str, row: dict[str, Any], column: str, value: Any) -> bool:
    """Whether a change is refused by the database, or found by the doctor. It is undone."""
    key = SCHEMA.tables[table].key or ("name",)
    where = " AND ".join(f"{quoted(one)} = :key_{one}" for one in key)
    values = {"value": value, **{f"key_{one}": row[one] for one in key}}
    found = False
    try:
        with session.attempt():
            assert session.changed(f"UPDATE {table} SET {quoted(column)} = :value WHERE {where}", **values) == 1
            found = next(findings(session), None) is not None
            raise ChangedBack
    except ChangedBack:
        return found
    except (sqlite3.IntegrityError, psycopg.IntegrityError):
        return True


def findings(session: Session) -> Iterator[str]:
    """What the doctor finds; a world that cannot even be looked at is one finding."""
    try:
        yield from (finding.detail for finding in examine_session(session, CATALOG))
    except Exception as failure:
        yield repr(failure)


def test_nothing_is_found_where_nothing_was_changed(world: Session) -> None:
    assert list(findings(world)) == []


@pytest.mark.parametrize("table", sorted(SCHEMA.tables))
def test_whatever_is_changed_is_named_or_known_to_be_beyond_telling(world: Session, table: str) -> None:
    oldest, *others = rows_of(world, table) or [{}]
    beyond = beyond_telling(table)

    missed = {name for name, change in changes(table, oldest).items() if not is_noticed(world, table, oldest, *change)}

    assert missed - beyond == set(), "changed, and nobody noticed"
    for row in others:
        for name in beyond - missed:
            if not is_noticed(world, table, row, *changes(table, row)[name]):
                missed.add(name)
    assert beyond - missed == set(), "said to be beyond telling, and told"


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_change_anywhere_is_named_or_known_to_be_beyond_telling(world: Session, data: st.DataObject) -> None:
    table = data.draw(st.sampled_from([table for table in sorted(SCHEMA.tables) if rows_of(world, table)]))
    row = data.draw(st.sampled_from(rows_of(world, table)))
    name, change = data.draw(st.sampled_from(sorted(changes(table, row).items(), key=lambda one: one[0])))

    assert name in beyond_telling(table) or is_noticed(world, table, row, *change)


def beyond_telling(table: str) -> set[str]:
    """What of a table cannot be told."""
    return {name for tables in BEYOND_TELLING.values() for name in tables.get(table, "").split()}
