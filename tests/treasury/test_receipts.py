"""The page behind `hosted_regulatory_receipt_url`."""

from __future__ import annotations

from tests.treasury.worlds import DEBITS, opened, own_account, send, take


def test_a_receipt_opens_without_a_key_and_says_what_moved(app, platform):
    id = own_account(platform)
    credit = send(platform, id, 1234_56, description="<Rent>")
    debit = take(platform, id, 5)
    reversal = platform.made("/v1/treasury/debit_reversals", received_debit=debit["id"])

    pages = [app.test_client().get(one["hosted_regulatory_receipt_url"]) for one in (credit, debit, reversal)]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert {page.mimetype for page in pages} == {"text/html"}
    assert "$1,234.56 USD" in pages[0].text
    assert "&lt;Rent&gt;" in pages[0].text
    assert debit["id"] in pages[1].text
    assert "Debit reversal" in pages[2].text


def test_receipts_of_different_tenants_do_not_meet(app, platform):
    credit = send(platform, own_account(platform), 1)
    token = credit["hosted_regulatory_receipt_url"].rpartition("/")[2]

    assert platform.key.removeprefix("sk_test_") not in token
    assert app.test_client().get(f"/regulatory-receipt/{token[:4]}AAAA{token[8:]}").status_code == 404


def test_what_moved_nothing_has_no_receipt(app, platform):
    failed = take(platform, opened(platform), 5)

    answer = app.test_client().get("/regulatory-receipt/AAAA")

    assert failed["hosted_regulatory_receipt_url"] is None
    assert platform.read(f"{DEBITS}/{failed['id']}")["hosted_regulatory_receipt_url"] is None
    assert answer.status_code == 404
    assert answer.json["error"]["message"] == "There is no receipt at this address."
