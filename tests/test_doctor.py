"""Whatever is changed behind the API's back in a world with some of everything, the doctor finds."""

from __future__ import annotations

import sqlite3

import pytest

from emulator.app import create_app
from emulator.catalog import CATALOG
from emulator.kernel.database.doctor import examine
from tests.client import Client
from tests.issuing.purchases import a_spender, authorize, done, force_capture, fund, refund
from tests.treasury.worlds import REVERSALS, card_on, connected, opened, send, take

FRAUD = {"reason": "fraudulent", "fraudulent": {"explanation": "winning_evidence"}}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The database of a platform with purchases on a financial account and on an Issuing balance."""
    folder = tmp_path_factory.mktemp("examined")
    app = create_app(folder)
    platform = Client(app, "sk_test_examined")
    business = connected(platform)
    account = opened(business)
    send(business, account, 50_000)
    debit = take(business, account, 700)
    business.made(REVERSALS, received_debit=debit["id"])
    take(business, account, 90_000)
    for card in (card_on(business, account), a_spender(business)["id"]):
        done(business, authorize(business, card, 300), "capture")
        authorize(business, card, 200)
        refund(business, business.read("/v1/issuing/transactions")["data"][0], refund_amount=100)
    fund(business, 500)
    disputed = force_capture(business, a_spender(business), 900)["id"]
    dispute = business.made("/v1/issuing/disputes", transaction=disputed, evidence=FRAUD)
    business.made(f"/v1/issuing/disputes/{dispute['id']}/submit")
    business.made("/v1/topups", amount=1_000, currency="usd")
    business.read("/v1/balance")
    app.emulator.close()
    (file,) = folder.glob("*.sqlite")
    return file


def found(world, folder, *changes):
    """What the doctor says after some changes to a copy of the database."""
    with sqlite3.connect(folder / world.name) as copy:
        with sqlite3.connect(world) as original:
            original.backup(copy)
        original.close()
        assert all(copy.execute(change).rowcount for change in changes), "nothing was changed"
    copy.close()
    return [f"{finding.what}: {finding.detail}" for finding in examine(folder, CATALOG)]


def member(table, name, value, where="1"):
    """SQL that changes one member of a record as it is stored, and of no column."""
    data = f"CAST(json_set(CAST(data AS TEXT), '$.{name}', {value}) AS BLOB)"
    return f"UPDATE {table} SET data = {data} WHERE sequence = (SELECT min(sequence) FROM {table} WHERE {where})"


def taking_out(where, totals):
    """SQL that takes a movement out with its lines, and perhaps out of the totals."""
    one = f"(SELECT min(sequence) FROM movement WHERE {where})"
    mended = (
        f"UPDATE total SET amount = amount - (SELECT amount FROM line WHERE movement = {one} AND book = total.book) "
        f"WHERE book IN (SELECT book FROM line WHERE movement = {one})"
    )
    lines = f"DELETE FROM line WHERE movement = {one}"
    return ([mended] if totals else []) + [lines, f"DELETE FROM movement WHERE sequence = {one}"]


def test_nothing_is_found_where_nothing_was_changed(world, tmp_path):
    assert found(world, tmp_path) == []


def test_what_changes_without_an_event_and_a_file_that_was_never_uploaded_are_no_findings(tmp_path):
    app = create_app(tmp_path)
    platform = Client(app, "sk_test_examined")
    business = connected(platform)
    transfer = business.made(
        "/v1/treasury/inbound_transfers",
        amount=1_00,
        currency="usd",
        financial_account=opened(business),
        origin_payment_method="pm_usBankAccount",
    )
    for verb in ("succeed", "return"):
        business.made(f"/v1/test_helpers/treasury/inbound_transfers/{transfer['id']}/{verb}")
    platform.made(f"/v1/accounts/{business.account}", settings={"branding": {"icon": f"file_{'1' * 24}"}})
    app.emulator.close()

    assert examine(tmp_path, CATALOG) == []


def test_an_account_that_was_deleted_after_it_was_told_of_is_no_finding(tmp_path):
    app = create_app(tmp_path)
    platform = Client(app, "sk_test_examined")
    business = connected(platform)
    platform.made(f"/v1/accounts/{business.account}", metadata={"told": "of"})
    platform.delete(f"/v1/accounts/{business.account}")
    app.emulator.close()

    assert examine(tmp_path, CATALOG) == []


def test_what_a_client_says_in_its_own_words_need_not_be_there(tmp_path):
    app = create_app(tmp_path)
    platform = Client(app, "sk_test_examined")
    nothing = f"ba_{'1' * 24}"
    platform.made(
        f"/v1/accounts/{connected(platform).account}",
        business_profile={"product_description": nothing},
        documents={"proof_of_registration": {"files": [nothing, "a drawer"]}},
        settings={"branding": {"icon": "on the wall", "logo": nothing}},
    )
    merchant = {"city": nothing, "network_id": nothing}
    authorize(platform, a_spender(platform), 1_00, merchant_data=merchant)
    app.emulator.close()

    assert examine(tmp_path, CATALOG) == []


KINDS = [
    "debit_reversal", "issuing_authorization_hold", "issuing_authorization_release", "issuing_dispute",
    "issuing_transaction", "received_credit", "received_debit", "topup",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_movement_that_is_gone_is_missed(world, tmp_path, kind):
    one = f"sequence = (SELECT min(sequence) FROM movement WHERE kind = '{kind}')"

    assert "have no movement" in " ".join(found(world, tmp_path, f"DELETE FROM movement WHERE {one}"))
    assert "has no lines" in " ".join(
        found(world, tmp_path, f"DELETE FROM line WHERE movement = (SELECT sequence FROM movement WHERE {one})")
    )
    for totals in (False, True):
        assert found(world, tmp_path, *taking_out(f"kind = '{kind}'", totals)) != []


@pytest.mark.parametrize(
    "change, says",
    [
        ("UPDATE line SET amount = amount + 1 WHERE amount > 0 AND movement = 1", "is out of balance by 1"),
        ("UPDATE line SET amount = amount * 2 WHERE movement = 1", "its lines say"),
        ("UPDATE total SET amount = amount - 1 WHERE book = 'outside:banks:usd'", "total: outside:banks:usd says"),
        ("UPDATE tally SET amount = amount + 1", "the spending tally"),
        ("DELETE FROM tally", "the spending tally"),
        ("UPDATE movement SET account = 'acct_x' WHERE id LIKE 'trxne%'", "which is of another flow or account"),
        ("UPDATE movement SET flow = 'rc_x' WHERE id LIKE 'trxne%'", "which is of another flow or account"),
        ("UPDATE movement SET transaction_id = NULL", "its entries sum to"),
        ("UPDATE movement SET flow = 'ipi_x' WHERE kind = 'issuing_transaction'", "its money is None"),
        ("UPDATE movement SET flow = 'x' WHERE kind = 'issuing_authorization_hold' AND id LIKE 'txn%'", "it holds"),
    ],
)
def test_what_was_changed_in_the_books_is_named(world, tmp_path, change, says):
    assert says in " ".join(found(world, tmp_path, change))


@pytest.mark.parametrize(
    "table",
    [
        "treasury_transaction", "treasury_received_credit", "treasury_received_debit", "treasury_debit_reversal",
        "issuing_transaction", "issuing_dispute", "topup",
    ],
)  # fmt: skip
def test_an_amount_that_is_not_what_moved_is_named(world, tmp_path, table):
    for member_of in ("amount > 0", "amount < 0"):
        amount = "json_extract(CAST(data AS TEXT), '$.amount')"
        where = member_of.replace("amount", amount)
        with sqlite3.connect(world) as connection:
            has_such = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
        connection.close()
        if has_such:
            assert found(world, tmp_path, member(table, "amount", f"{amount} + 1", where)) != []


def test_an_open_transaction_over_another_amount_is_named(world, tmp_path):
    change = member("treasury_transaction", "amount", "-201", "status = 'open'")

    assert any("is open over -201, its entries sum to" in finding for finding in found(world, tmp_path, change))


def test_an_authorization_that_forgot_its_treasury_transaction_is_named(world, tmp_path):
    has_one = "json_extract(CAST(data AS TEXT), '$.treasury_transaction') IS NOT NULL"
    change = member("issuing_authorization", "treasury_transaction", "NULL", f"status = 'closed' AND {has_one}")

    assert any("its Treasury transaction says otherwise" in finding for finding in found(world, tmp_path, change))


def test_a_member_that_is_not_as_its_last_event_says_is_named(world, tmp_path):
    change = member("issuing_cardholder", "name", "'Somebody Else'")

    (finding,) = found(world, tmp_path, change)

    assert "has the name 'Somebody Else', its last event says" in finding


def test_an_id_that_nothing_has_is_named(world, tmp_path):
    holder = f"ich_{'x' * 24}"
    card = member("issuing_card", "cardholder", f"'{holder}'")

    assert any(f"names {holder}, which is not there" in finding for finding in found(world, tmp_path, card))


@pytest.mark.parametrize(
    "change, says",
    [
        ("UPDATE tenant SET events = events + 1", "the world's row counts"),
        ("DELETE FROM event WHERE sequence = 3", "event number 3 is gone"),
        ("UPDATE due SET action = 'issuing.cards.polish'", "waits for issuing.cards.polish, which there is not"),
        ("UPDATE due SET about = 'iauth_1xWl4IbVd08jDdf5d6Vmj3gE'", "which is not there"),
        ("UPDATE movement SET currency = 'eur' WHERE sequence = 1", "is filed under the currency eur"),
        ("UPDATE movement SET flow_type = 'payout' WHERE flow_type = 'received_credit'", "its flow type is payout"),
        ("UPDATE movement SET owner = 'acct_x' WHERE sequence = 1", "names acct_x, which is not there"),
        ("UPDATE issuing_card SET account = 'acct_x'", "issuing_card has rows of acct_x, which is no account"),
    ],
)
def test_rows_that_contradict_each_other_are_named(world, tmp_path, change, says):
    assert says in " ".join(found(world, tmp_path, change))


@pytest.mark.parametrize(
    "table", ["treasury_transaction", "treasury_received_credit", "treasury_debit_reversal", "issuing_dispute", "topup"]
)
def test_a_record_that_is_gone_is_missed(world, tmp_path, table):
    change = f"DELETE FROM {table} WHERE sequence = (SELECT min(sequence) FROM {table})"

    assert any("which is not there" in finding for finding in found(world, tmp_path, change))


@pytest.mark.parametrize(
    "change, says",
    [
        ("UPDATE treasury_transaction SET status = 'void' WHERE status = 'open'", "is filed under status 'void'"),
        ("UPDATE issuing_card SET cardholder = 'ich_x'", "is filed under cardholder 'ich_x'"),
        ("UPDATE event SET created = created + 5", "is filed under created"),
    ],
)
def test_a_record_filed_under_what_it_does_not_say_is_named(world, tmp_path, change, says):
    assert says in " ".join(found(world, tmp_path, change))


def test_what_cannot_even_be_checked_is_named_beside_the_rest(world, tmp_path):
    findings = found(
        world, tmp_path, "UPDATE treasury_financial_account SET account = 'acct_x'", "UPDATE tally SET amount = 0"
    )

    assert any("financial_accounts cannot be checked: AssertionError" in finding for finding in findings)
    assert any("the spending tally" in finding for finding in findings)
