"""Finding what somebody knows the id of."""

from __future__ import annotations

from tests.issuing.purchases import a_treasury_spender, authorize


def test_an_object_is_found_whichever_account_it_is_of(platform):
    client, account, card = a_treasury_spender(platform)
    bought = authorize(client, card, 1_00)

    found = platform.read(f"/_emulator/find/{bought['id']}")

    assert found == {
        "object": "emulator.found",
        "account": client.account,
        "id": bought["id"],
        "kind": "issuing.authorization",
    }
    assert platform.read(f"/_emulator/find/{account}")["kind"] == "treasury.financial_account"


def test_what_nothing_is_called_is_not_found(platform):
    for id in ("iauth_none", "nothing", "xyz_1"):
        reply = platform.get(f"/_emulator/find/{id}")
        assert (reply.status, reply.error["param"]) == (404, "id")
        assert id in reply.error["message"]
