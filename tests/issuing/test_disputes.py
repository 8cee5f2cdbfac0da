"""Disputes: filing, evidence, submission, decision, and the money that comes back or does not."""

import io
from itertools import product

import pytest

from emulator.issuing import dispute_evidence
from emulator.issuing.disputes import LIFECYCLE, LOSS_REASONS, Dispute
from emulator.kernel.errors import ApiError
from tests.examining import examine_tenant, rewrite
from tests.issuing.holders import a_card, a_connected_account, told

DAY = 24 * 60 * 60
DISPUTES = "/v1/issuing/disputes"
TRANSACTIONS = "/v1/issuing/transactions"
HELPERS = "/v1/test_helpers/issuing"
VERBS = sorted({verb for moves in LIFECYCLE.moves.values() for verb in moves})


# Given


def collected(client, amount=10_00, card=None, **more):
    """A capture of a card; of a new one on the Issuing balance unless one is given."""
    card = card or a_card(client, status="active", **more)["id"]
    return client.made(f"{HELPERS}/transactions/create_force_capture", amount=amount, card=card, currency="usd")


def uploaded(client, purpose="dispute_evidence"):
    """A file's id."""
    return client.made("/v1/files", purpose=purpose, file=(io.BytesIO(b"%PDF evidence"), "evidence.pdf"))["id"]


def evidence(explanation, reason="fraudulent"):
    """Evidence of one reason, which is an explanation."""
    return {"reason": reason, reason: {"explanation": explanation}}


def filed(client, transaction=None, explanation="It was not me.", **more):
    """An unsubmitted dispute; of a new capture unless one is given."""
    named = transaction or collected(client)
    return client.made(DISPUTES, **{"transaction": named["id"], "evidence": evidence(explanation), **more})


def submitted(client, dispute, **params):
    """The reply to submitting it."""
    return client.made(f"{DISPUTES}/{dispute['id']}/submit", **params)


def decided(client, dispute, outcome, **params):
    """The reply to the emulator's switch."""
    return client.made(f"/_emulator/issuing/disputes/{dispute['id']}/decide", outcome=outcome, **params)


def issuing(client):
    """What the Issuing balance can spend."""
    return client.read("/v1/balance")["issuing"]["available"][0]["amount"]


def moved(client, dispute):
    """Types and amounts of a dispute's balance transactions, oldest first."""
    listed = client.read("/v1/balance_transactions", source=dispute["id"])["data"]
    return [(transaction["type"], transaction["amount"]) for transaction in reversed(listed)]


def is_whole(client):
    """Whether the doctor finds nothing wrong with a client's tenant."""
    tenant = client.app.emulator.tenants.open(client.key.removeprefix("sk_test_"))
    return list(examine_tenant(tenant)) == []


class Account:
    """A connected account with a financial account of 200 dollars and a card on it."""

    def __init__(self, platform):
        self.client = a_connected_account(platform, "treasury", "card_issuing", "transfers")
        features = {"card_issuing": {"requested": True}, "financial_addresses": {"aba": {"requested": True}}}
        self.id = self.client.made("/v1/treasury/financial_accounts", supported_currencies=["usd"], features=features)[
            "id"
        ]
        self.client.made(
            "/v1/test_helpers/treasury/received_credits",
            amount=200_00,
            currency="usd",
            financial_account=self.id,
            network="ach",
        )
        self.card = a_card(self.client, status="active", financial_account=self.id)["id"]

    @property
    def cash(self):
        return self.client.read(f"/v1/treasury/financial_accounts/{self.id}")["balance"]["cash"]["usd"]

    def collected(self, amount=10_00):
        return collected(self.client, amount, self.card)

    def filed(self, transaction, explanation="It was not me.", **more):
        debit = {"received_debit": transaction["treasury"]["received_debit"]}
        return self.client.made(DISPUTES, treasury=debit, evidence=evidence(explanation), **more)


@pytest.fixture
def account(platform):
    return Account(platform)


# Filing


def test_a_dispute_is_filed_unsubmitted_and_moves_nothing(platform):
    transaction = collected(platform)
    before = issuing(platform)
    since = len(platform.events())

    dispute = filed(platform, transaction, metadata={"case": 7})

    assert dispute == {
        "id": dispute["id"],
        "object": "issuing.dispute",
        "amount": 10_00,
        "created": dispute["created"],
        "currency": "usd",
        "evidence": {
            "fraudulent": {"additional_documentation": None, "explanation": "It was not me."},
            "reason": "fraudulent",
        },
        "livemode": False,
        "metadata": {"case": "7"},
        "status": "unsubmitted",
        "transaction": transaction["id"],
    }
    assert dispute["id"].startswith("idp_1")
    assert platform.read(f"{DISPUTES}/{dispute['id']}") == dispute
    assert platform.read(f"{TRANSACTIONS}/{transaction['id']}")["dispute"] == dispute["id"]
    assert told(platform, since) == [
        ("issuing_dispute.created", None),
        ("issuing_transaction.updated", {"dispute": None}),
    ]
    assert issuing(platform) == before


def test_a_dispute_without_any_evidence_shows_the_reason_other(platform):
    dispute = platform.made(DISPUTES, transaction=collected(platform)["id"])

    assert dispute["evidence"]["reason"] == "other"
    assert set(dispute["evidence"]["other"].values()) == {None}


@pytest.mark.parametrize("amount", [1, 5_00, 10_00])
def test_a_part_can_be_disputed(platform, amount):
    assert filed(platform, amount=amount)["amount"] == amount


def test_what_was_refunded_cannot_be_disputed_any_more(platform):
    transaction = collected(platform)
    platform.made(f"{HELPERS}/transactions/{transaction['id']}/refund", refund_amount=3_00)

    over = platform.post(DISPUTES, transaction=transaction["id"], amount=7_01)
    dispute = platform.made(DISPUTES, transaction=transaction["id"])

    assert (over.status, over.error["param"]) == (400, "amount")
    assert dispute["amount"] == 7_00


@pytest.mark.parametrize("refunded, left", [(9_98, 2), (9_99, 1), (10_00, None)])
def test_the_last_cent_that_was_not_refunded_can_be_disputed(platform, refunded, left):
    transaction = collected(platform)
    platform.made(f"{HELPERS}/transactions/{transaction['id']}/refund", refund_amount=refunded)

    answer = platform.post(DISPUTES, transaction=transaction["id"], evidence=evidence("It was not me."))

    assert answer.json.get("amount") == left
    assert answer.error.get("param") == (None if left else "amount")


def test_a_capture_that_was_refunded_whole_cannot_be_disputed(platform):
    transaction = collected(platform)
    platform.made(f"{HELPERS}/transactions/{transaction['id']}/refund")

    refusal = platform.post(DISPUTES, transaction=transaction["id"])

    assert (refusal.status, refusal.error["param"]) == (400, "amount")


def test_a_refund_cannot_be_disputed(platform):
    transaction = collected(platform)
    refund = platform.made(f"{HELPERS}/transactions/{transaction['id']}/refund")

    refusal = platform.post(DISPUTES, transaction=refund["id"])

    assert (refusal.status, refusal.error["param"]) == (400, "transaction")


@pytest.mark.parametrize(
    "params, param, code",
    [
        ({}, "transaction", "parameter_missing"),
        ({"transaction": "ipi_nope", "treasury": {"received_debit": "rd_1"}}, "treasury", "parameters_exclusive"),
        ({"transaction": "ipi_nope"}, "transaction", "resource_missing"),
        ({"treasury": {"received_debit": "rd_nope"}}, "treasury[received_debit]", "resource_missing"),
        ({"treasury": {}}, "transaction", "parameter_missing"),
        ({"treasury": {"received_debit": None}}, "treasury[received_debit]", "parameter_invalid_empty"),
        ({"treasury": {"debit": "x"}}, "treasury[debit]", "parameter_unknown"),
        ({"transaction": "ipi_nope", "amount": 0}, "amount", "parameter_invalid_integer"),
        ({"transaction": "ipi_nope", "evidence": {"reason": "regret"}}, "evidence[reason]", None),
        ({"transaction": "ipi_nope", "evidence": "x"}, "evidence", None),
        ({"transaction": "ipi_nope", "reason": "other"}, "reason", "parameter_unknown"),
    ],
)
def test_bad_disputes_are_refused(platform, params, param, code):
    refusal = platform.post(DISPUTES, **params)

    assert refusal.status == 400
    assert (refusal.error["param"], refusal.error.get("code")) == (param, code)
    assert platform.events() == []


def test_one_dispute_at_a_time_and_another_after_it_was_lost(platform):
    transaction = collected(platform)
    first = filed(platform, transaction)
    for change in (lambda: submitted(platform, first), lambda: None):
        refusal = platform.post(DISPUTES, transaction=transaction["id"])
        assert (refusal.status, refusal.error["code"]) == (400, "resource_already_exists")
        assert refusal.error["param"] == "transaction"
        change()
    decided(platform, first, "lost")
    since = len(platform.events())

    second = filed(platform, transaction)

    assert platform.read(f"{TRANSACTIONS}/{transaction['id']}")["dispute"] == second["id"]
    assert told(platform, since)[1] == ("issuing_transaction.updated", {"dispute": first["id"]})


def test_a_dispute_that_was_won_stands_for_good(platform):
    transaction = collected(platform)
    dispute = filed(platform, transaction, "winning_evidence")
    submitted(platform, dispute)

    refusal = platform.post(DISPUTES, transaction=transaction["id"])

    assert refusal.error["code"] == "resource_already_exists"


def test_disputes_are_refused_while_issuing_is_switched_off(platform):
    transaction = collected(platform)
    dispute = filed(platform, collected(platform))
    platform.settings(issuing_enabled=False)

    replies = [
        platform.post(DISPUTES, transaction=transaction["id"]),
        platform.post(f"{DISPUTES}/{dispute['id']}", metadata={"a": 1}),
        platform.post(f"{DISPUTES}/{dispute['id']}/submit"),
        platform.get(DISPUTES),
    ]

    assert [reply.status for reply in replies] == [400] * 4
    assert platform.get(f"{DISPUTES}/idp_nope").error["code"] == "resource_missing"


# Evidence


def given_of(client, reason, card):
    """A value for every field of a reason's hash."""
    values = {
        "cancellation_policy_provided": True,
        "product_type": "merchandise",
        "return_status": "successful",
        "original_transaction": collected(client, 10_00, card)["id"],
    }
    return {
        name: uploaded(client)
        if name in dispute_evidence.FILES
        else values.get(name, 1_700_000_000 if name.endswith("_at") else f"About {name}")
        for name in dispute_evidence.REASONS[reason].shared().fields
    }


@pytest.mark.parametrize("reason", dispute_evidence.REASONS)
def test_every_reason_takes_its_evidence_and_files_can_be_expanded(platform, reason):
    transaction = collected(platform)
    given = given_of(platform, reason, transaction["card"])

    dispute = filed(platform, transaction, evidence={"reason": reason, reason: given})

    assert dispute["evidence"] == {"reason": reason, reason: given}
    path = f"evidence.{reason}.additional_documentation"
    whole = platform.read(f"{DISPUTES}/{dispute['id']}", expand=[path, "transaction"])
    assert whole["evidence"][reason]["additional_documentation"]["purpose"] == "dispute_evidence"
    assert whole["transaction"]["id"] == transaction["id"]
    assert submitted(platform, dispute)["status"] == "submitted"


def test_evidence_for_other_reasons_is_kept_silently(platform):
    both = {"reason": "fraudulent", "fraudulent": {"explanation": "a"}, "other": {"explanation": "b"}}
    dispute = filed(platform, evidence=both)
    since = len(platform.events())

    changed = platform.made(f"{DISPUTES}/{dispute['id']}", evidence={"reason": "other"})

    shown = {"additional_documentation": None, "explanation": "b", "product_description": None, "product_type": None}
    assert set(dispute["evidence"]) == {"reason", "fraudulent"}
    assert changed["evidence"] == {"reason": "other", "other": shown}
    was = {"reason": "fraudulent", "fraudulent": {"additional_documentation": None, "explanation": "a"}, "other": None}
    assert told(platform, since) == [("issuing_dispute.updated", {"evidence": was})]


def test_a_field_or_a_whole_hash_can_be_emptied(platform):
    dispute = filed(platform, evidence={"reason": "other", "other": {"explanation": "a", "product_type": "service"}})
    path = f"{DISPUTES}/{dispute['id']}"

    field = platform.made(path, evidence={"other": {"product_type": None}})["evidence"]["other"]
    hash = platform.made(path, evidence={"other": None})["evidence"]["other"]

    assert (field["explanation"], field["product_type"]) == ("a", None)
    assert set(hash.values()) == {None}


@pytest.mark.parametrize(
    "sent, param, says",
    [
        ({"fraudulent": {"additional_documentation": "file_nope"}}, "additional_documentation", "No such file"),
        (
            {"fraudulent": {"explanation": "x" * 2501}},
            "explanation",
            "Invalid string: xxxx...xxxx; must be at most 2500",
        ),
        ({"fraudulent": {"received_at": 1}}, "received_at", "Received unknown parameter: evidence[fraudulent]"),
        ({"not_received": {"product_type": "idea"}}, "product_type", "Invalid evidence[not_received][product_type]"),
        ({"duplicate": {"original_transaction": "ipi_nope"}}, "original_transaction", "No such issuing transaction"),
        ({"duplicate": {"original_transaction": None}}, "original_transaction", "You passed an empty string"),
    ],
)
def test_bad_evidence_is_refused(platform, sent, param, says):
    dispute = filed(platform)
    ((reason, _),) = sent.items()

    refusals = [
        platform.post(DISPUTES, transaction=collected(platform)["id"], evidence=sent),
        platform.post(f"{DISPUTES}/{dispute['id']}", evidence=sent),
    ]

    for refusal in refusals:
        assert (refusal.status, refusal.error["param"]) == (400, f"evidence[{reason}][{param}]")
        assert refusal.error["message"].startswith(says)
    assert platform.read(f"{DISPUTES}/{dispute['id']}") == dispute


@pytest.mark.parametrize("name", dispute_evidence.FILES)
def test_files_must_have_been_uploaded_as_evidence(platform, name):
    sent = {"duplicate": {name: uploaded(platform, "identity_document")}}

    refusal = platform.post(DISPUTES, transaction=collected(platform)["id"], evidence=sent)

    assert (refusal.status, refusal.error["param"]) == (400, f"evidence[duplicate][{name}]")


def test_the_original_of_a_duplicate_is_another_transaction_of_the_same_card(platform):
    transaction = collected(platform)
    itself, of_another_card = transaction["id"], collected(platform)["id"]

    for original in (itself, of_another_card):
        sent = {"duplicate": {"original_transaction": original}}
        refusal = platform.post(DISPUTES, transaction=transaction["id"], evidence=sent)
        assert (refusal.status, refusal.error["param"]) == (400, "evidence[duplicate][original_transaction]")


# Changing


def test_the_amount_can_change_before_submission(platform):
    dispute = filed(platform)
    since = len(platform.events())

    changed = platform.made(f"{DISPUTES}/{dispute['id']}", amount=4_00)
    refusal = platform.post(f"{DISPUTES}/{dispute['id']}", amount=10_01)

    assert changed["amount"] == 4_00
    assert (refusal.status, refusal.error["param"]) == (400, "amount")
    assert told(platform, since) == [("issuing_dispute.updated", {"amount": 10_00})]


def test_an_update_that_changes_nothing_is_not_told(platform):
    dispute = filed(platform)
    since = len(platform.events())

    platform.made(f"{DISPUTES}/{dispute['id']}", amount=10_00, evidence=evidence("It was not me."))

    assert told(platform, since) == []


def test_after_submission_only_metadata_can_change(platform):
    dispute = filed(platform)
    submitted(platform, dispute)
    since = len(platform.events())

    for sent in ({"amount": 1}, {"evidence": {"reason": "other"}}):
        refusal = platform.post(f"{DISPUTES}/{dispute['id']}", **sent)
        assert (refusal.status, refusal.error["param"]) == (400, *sent)
    changed = platform.made(f"{DISPUTES}/{dispute['id']}", metadata={"case": 7})

    assert changed["metadata"] == {"case": "7"}
    assert told(platform, since) == [("issuing_dispute.updated", {"metadata": {"case": None}})]


# Submitting


@pytest.mark.parametrize("reason", dispute_evidence.REASONS)
def test_submitting_needs_the_explanation_of_the_reason(platform, reason):
    dispute = filed(platform, evidence={"reason": reason})

    refusal = platform.post(f"{DISPUTES}/{dispute['id']}/submit")

    assert refusal.status == 400
    assert refusal.error["code"] == "parameter_missing"
    assert refusal.error["param"] == f"evidence[{reason}][explanation]"
    assert refusal.error["message"] == f"Missing required evidence: {reason}.explanation."


def test_submitting_needs_a_reason(platform):
    dispute = platform.made(DISPUTES, transaction=collected(platform)["id"], evidence={"other": {"explanation": "x"}})

    refusal = platform.post(f"{DISPUTES}/{dispute['id']}/submit")

    assert (refusal.status, refusal.error["param"]) == (400, "evidence[reason]")


def test_the_full_list_of_evidence_is_needed_when_the_setting_asks_for_it(platform):
    platform.settings(dispute_evidence_complete=True)
    dispute = filed(platform, explanation="x", evidence=evidence("It never came.", "not_received"))

    refusal = platform.post(f"{DISPUTES}/{dispute['id']}/submit")

    assert refusal.error["param"] == "evidence[not_received][expected_at]"


def test_submitting_merges_metadata_and_tells_one_event(platform):
    dispute = filed(platform, metadata={"a": 1})
    since = len(platform.events())

    reply = submitted(platform, dispute, metadata={"b": 2})

    assert (reply["status"], reply["metadata"]) == ("submitted", {"a": "1", "b": "2"})
    assert told(platform, since) == [("issuing_dispute.submitted", None)]


def test_a_dispute_is_submitted_once(platform):
    dispute = filed(platform)
    submitted(platform, dispute)

    refusal = platform.post(f"{DISPUTES}/{dispute['id']}/submit")

    assert refusal.status == 400
    assert refusal.error["message"] == "You cannot submit a dispute with status 'submitted'."


# Windows


def test_an_unsubmitted_dispute_expires_110_days_after_the_capture(platform):
    platform.clock(frozen=True)
    transaction = collected(platform)
    platform.clock(advance=10 * DAY)
    dispute = filed(platform, transaction)

    platform.clock(advance=100 * DAY - 1)
    in_time = platform.read(f"{DISPUTES}/{dispute['id']}")["status"]
    platform.clock(advance=1)

    assert in_time == "unsubmitted"
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "expired"
    (event,) = platform.events()  # the others are older than thirty days
    assert event["type"] == "issuing_dispute.closed"
    assert event["request"] == {"id": None, "idempotency_key": None}
    for path in (f"{DISPUTES}/{dispute['id']}/submit", DISPUTES):
        refusal = platform.post(path, **({} if path.endswith("submit") else {"transaction": transaction["id"]}))
        assert refusal.status == 400


def test_a_submitted_dispute_does_not_expire(platform):
    dispute = filed(platform)
    submitted(platform, dispute)

    platform.clock(advance=200 * DAY)

    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "submitted"
    assert platform.read("/_emulator/due")["data"] == []  # nothing was tried in vain


@pytest.mark.parametrize("seconds, param", [(110 * DAY - 1, None), (110 * DAY, "transaction")])
def test_a_dispute_can_be_filed_until_110_days_after_the_capture(platform, seconds, param):
    platform.clock(frozen=True)
    transaction = collected(platform)
    platform.clock(advance=seconds)

    answer = platform.post(DISPUTES, transaction=transaction["id"], evidence=evidence("It was not me."))

    assert answer.error.get("param") == param


@pytest.mark.parametrize("seconds, param", [(65 * DAY - 1, None), (65 * DAY, "evidence[reason]")])
def test_the_window_of_no_valid_authorization_is_65_days_at_submission(platform, seconds, param):
    platform.clock(frozen=True)
    dispute = filed(platform, explanation="x", evidence=evidence("Nobody asked me.", "no_valid_authorization"))
    platform.clock(advance=seconds)

    answer = platform.post(f"{DISPUTES}/{dispute['id']}/submit")

    assert answer.error.get("param") == param
    if param is not None:
        platform.made(f"{DISPUTES}/{dispute['id']}", evidence=evidence("It was not me."))
        assert submitted(platform, dispute)["status"] == "submitted"


# Decision on the Issuing balance


def test_winning_evidence_brings_the_money_back_right_after_the_reply(platform):
    transaction = collected(platform)
    dispute = filed(platform, transaction, "winning_evidence", amount=7_00)
    before, since = issuing(platform), len(platform.events())

    reply = submitted(platform, dispute)

    assert reply["status"] == "submitted"
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "won"
    assert issuing(platform) == before + 7_00
    assert told(platform, since) == [
        ("issuing_dispute.submitted", None),
        ("issuing_dispute.funds_reinstated", None),
        ("issuing_dispute.closed", None),
    ]
    assert [event["data"]["object"]["status"] for event in platform.events()[since:]] == ["submitted", "won", "won"]
    (credit,) = platform.read(f"{DISPUTES}/{dispute['id']}", expand=["balance_transactions"])["balance_transactions"]
    assert (credit["type"], credit["net"], credit["source"]) == ("issuing_dispute", 7_00, dispute["id"])
    assert (credit["balance_type"], credit["description"]) == ("issuing", "Dispute won")
    assert is_whole(platform)


def test_losing_evidence_moves_nothing(platform):
    dispute = filed(platform, explanation="losing_evidence")
    before, since = issuing(platform), len(platform.events())

    submitted(platform, dispute)

    lost = platform.read(f"{DISPUTES}/{dispute['id']}", expand=["balance_transactions"])
    assert (lost["status"], lost["loss_reason"], lost["balance_transactions"]) == ("lost", "other", [])
    assert issuing(platform) == before
    assert told(platform, since) == [("issuing_dispute.submitted", None), ("issuing_dispute.closed", None)]
    assert is_whole(platform)


@pytest.mark.parametrize(
    "explanation", ["It was not me.", "winning_evidence ", "Winning_evidence", "winning_evidence!"]
)
def test_any_other_explanation_leaves_the_dispute_submitted(platform, explanation):
    dispute = filed(platform, explanation=explanation)

    submitted(platform, dispute)

    platform.clock(advance=DAY)
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "submitted"


def test_only_the_explanation_of_the_reason_decides(platform):
    both = {"reason": "other", "other": {"explanation": "x"}, "fraudulent": {"explanation": "winning_evidence"}}
    dispute = filed(platform, evidence=both)

    submitted(platform, dispute)

    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "submitted"


def test_the_decision_can_be_put_on_the_clock(platform):
    platform.settings(dispute_decision_seconds=60)
    platform.clock(frozen=True)
    dispute = filed(platform, explanation="winning_evidence")
    submitted(platform, dispute)

    early = platform.read(f"{DISPUTES}/{dispute['id']}")["status"]
    platform.clock(advance=60)

    assert early == "submitted"
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "won"


def test_nothing_is_decided_by_itself_where_flows_do_not_move(platform):
    platform.settings(progress="never")
    dispute = filed(platform, explanation="winning_evidence")
    submitted(platform, dispute)

    platform.clock(advance=DAY)
    waiting = platform.read(f"{DISPUTES}/{dispute['id']}")["status"]

    assert waiting == "submitted"
    assert decided(platform, dispute, "won")["status"] == "won"


def test_a_refund_after_the_submission_is_taken_whatever_is_decided(platform):
    transaction = collected(platform)
    dispute = filed(platform, transaction, amount=7_00)
    submitted(platform, dispute)
    before = issuing(platform)

    platform.made(f"{HELPERS}/transactions/{transaction['id']}/refund")
    decided(platform, dispute, "won")

    assert issuing(platform) == before + 10_00 + 7_00
    assert is_whole(platform)


@pytest.mark.parametrize("loss_reason", [None, *LOSS_REASONS])
def test_the_emulator_can_be_told_how_a_dispute_is_lost(platform, loss_reason):
    dispute = filed(platform)
    submitted(platform, dispute)

    lost = decided(platform, dispute, "lost", **({"loss_reason": loss_reason} if loss_reason else {}))

    assert (lost["status"], lost["loss_reason"]) == ("lost", loss_reason or "other")
    assert platform.read(f"{DISPUTES}/{dispute['id']}") == lost


def test_the_emulator_can_be_told_that_a_dispute_is_won(platform):
    dispute = filed(platform)
    submitted(platform, dispute)
    before = issuing(platform)

    won = decided(platform, dispute, "won")

    assert won["status"] == "won" and "loss_reason" not in won
    assert issuing(platform) == before + 10_00


def test_telling_acts_before_the_evidence_does(platform):
    platform.settings(dispute_decision_seconds=60)
    dispute = filed(platform, explanation="winning_evidence")
    submitted(platform, dispute)

    decided(platform, dispute, "lost")
    platform.clock(advance=DAY)

    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "lost"
    assert platform.read("/_emulator/due")["data"] == []


@pytest.mark.parametrize(
    "params, param",
    [
        ({}, "outcome"),
        ({"outcome": "tied"}, "outcome"),
        ({"outcome": "lost", "loss_reason": "bad luck"}, "loss_reason"),
        ({"outcome": "won", "loss_reason": "other"}, "loss_reason"),
    ],
)
def test_bad_decisions_are_refused(platform, params, param):
    dispute = filed(platform)
    submitted(platform, dispute)

    refusal = platform.post(f"/_emulator/issuing/disputes/{dispute['id']}/decide", **params)

    assert (refusal.status, refusal.error["param"]) == (400, param)
    assert platform.read(f"{DISPUTES}/{dispute['id']}")["status"] == "submitted"


@pytest.mark.parametrize("outcome", ["won", "lost"])
def test_only_a_submitted_dispute_can_be_decided(platform, outcome):
    dispute = filed(platform)

    refusal = platform.post(f"/_emulator/issuing/disputes/{dispute['id']}/decide", outcome=outcome)

    assert refusal.status == 400
    assert "with status 'unsubmitted'" in refusal.error["message"]


@pytest.mark.parametrize("status, verb", list(product(LIFECYCLE.moves, VERBS)))
def test_only_drawn_arrows_can_be_followed(status, verb):
    dispute = Dispute("idp_1", 0, 1, "usd", {}, {}, "ipi_1", None, status=status)
    if verb in LIFECYCLE.moves[status]:
        assert LIFECYCLE.follow(dispute, verb).status == LIFECYCLE.moves[status][verb]
    else:
        with pytest.raises(ApiError, match=f"You cannot {verb} a dispute with status '{status}'."):
            LIFECYCLE.follow(dispute, verb)


# On a financial account


def test_a_payment_from_a_financial_account_is_disputed_by_its_debit(account):
    transaction = account.collected()

    refusal = account.client.post(DISPUTES, transaction=transaction["id"])
    dispute = account.filed(transaction)
    again = account.client.post(DISPUTES, treasury={"received_debit": transaction["treasury"]["received_debit"]})

    assert (refusal.status, refusal.error["param"]) == (400, "transaction")
    assert dispute["transaction"] == transaction["id"]
    assert dispute["treasury"] == {
        "debit_reversal": None,
        "received_debit": transaction["treasury"]["received_debit"],
    }
    assert (again.error["code"], again.error["param"]) == ("resource_already_exists", "treasury[received_debit]")


def test_a_debit_that_no_card_caused_cannot_be_disputed(account):
    debit = account.client.made(
        "/v1/test_helpers/treasury/received_debits",
        amount=1_00,
        currency="usd",
        financial_account=account.id,
        network="ach",
    )

    refusal = account.client.post(DISPUTES, treasury={"received_debit": debit["id"]})

    assert (refusal.status, refusal.error["param"]) == (400, "treasury[received_debit]")


def test_submitting_opens_a_debit_reversal_that_waits(account):
    transaction = account.collected()
    dispute = account.filed(transaction, amount=7_00)
    since = len(account.client.events())

    reply = submitted(account.client, dispute)

    reversal = account.client.read(f"/v1/treasury/debit_reversals/{reply['treasury']['debit_reversal']}")
    assert (reversal["status"], reversal["network"], reversal["amount"]) == ("processing", "card", 7_00)
    assert reversal["linked_flows"] == {"issuing_dispute": dispute["id"]}
    debit = account.client.read(f"/v1/treasury/received_debits/{dispute['treasury']['received_debit']}")
    assert debit["linked_flows"]["debit_reversal"] == reversal["id"]
    assert account.cash == 190_00
    assert told(account.client, since) == [
        ("issuing_dispute.submitted", None),
        ("treasury.debit_reversal.created", None),
    ]


@pytest.mark.parametrize(
    "explanation, status, reversed_, cash, events",
    [
        (
            "winning_evidence",
            "won",
            "succeeded",
            197_00,
            ["issuing_dispute.funds_reinstated", "issuing_dispute.closed", "treasury.debit_reversal.completed"],
        ),
        (
            "losing_evidence",
            "lost",
            "failed",
            190_00,
            ["issuing_dispute.closed", "treasury.debit_reversal.completed"],
        ),
    ],
)
def test_the_decision_ends_the_debit_reversal(account, explanation, status, reversed_, cash, events):
    dispute = account.filed(account.collected(), explanation, amount=7_00)
    since = len(account.client.events())

    submitted(account.client, dispute)

    ended = account.client.read(f"{DISPUTES}/{dispute['id']}", expand=["balance_transactions"])
    reversal = account.client.read(f"/v1/treasury/debit_reversals/{ended['treasury']['debit_reversal']}")
    assert (ended["status"], ended["balance_transactions"]) == (status, [])
    assert reversal["status"] == reversed_ and reversal["status_transitions"]["completed_at"]
    assert account.cash == cash
    assert account.client.event_types(since)[2:] == events
    assert issuing(account.client) == 0
    assert is_whole(account.client)


def test_a_lost_dispute_on_a_financial_account_can_be_followed_by_another(account):
    transaction = account.collected()
    submitted(account.client, account.filed(transaction, "losing_evidence"))

    second = account.filed(transaction, "winning_evidence")
    submitted(account.client, second)

    assert account.client.read(f"{DISPUTES}/{second['id']}")["status"] == "won"
    assert account.cash == 200_00
    assert is_whole(account.client)


def test_a_dispute_whose_financial_account_was_closed_meanwhile_cannot_be_submitted(platform, account):
    dispute = account.filed(account.collected(200_00), "winning_evidence")
    account.client.made(f"/v1/issuing/cards/{account.card}", status="canceled")
    account.client.made(f"/v1/treasury/financial_accounts/{account.id}/close")
    since = len(account.client.events())

    refusal = account.client.post(f"{DISPUTES}/{dispute['id']}/submit")

    assert (refusal.status, refusal.error["code"]) == (400, "account_closed")
    assert refusal.error["message"] == f"The FinancialAccount {account.id} is closed."
    assert account.client.read(f"{DISPUTES}/{dispute['id']}") == dispute
    assert account.client.event_types(since) == []
    assert account.cash == 0
    assert is_whole(account.client)


# Provisional credits


@pytest.mark.parametrize(
    "outcome, after, movements, events",
    [
        (
            "won",
            10_00,
            [("issuing_dispute_provisional_credit_reversal", -10_00), ("issuing_dispute", 10_00)],
            ["issuing_dispute.closed"],
        ),
        (
            "lost",
            0,
            [("issuing_dispute_provisional_credit_reversal", -10_00)],
            ["issuing_dispute.funds_rescinded", "issuing_dispute.closed"],
        ),
    ],
)
def test_a_provisional_credit_is_out_until_the_decision(platform, outcome, after, movements, events):
    platform.settings(dispute_provisional_credits=True)
    dispute = filed(platform)
    before, since = issuing(platform), len(platform.events())

    submitted(platform, dispute)
    meanwhile = issuing(platform)
    platform.settings(dispute_provisional_credits=False)
    decided(platform, dispute, outcome)

    assert (meanwhile - before, issuing(platform) - before) == (10_00, after)
    assert moved(platform, dispute) == [("issuing_dispute_provisional_credit", 10_00), *movements]
    assert platform.event_types(since) == ["issuing_dispute.submitted", "issuing_dispute.funds_reinstated", *events]
    assert is_whole(platform)


@pytest.mark.parametrize(
    "outcome, after, events",
    [
        ("won", 200_00, ["issuing_dispute.closed"]),
        ("lost", 190_00, ["issuing_dispute.funds_rescinded", "issuing_dispute.closed"]),
    ],
)
def test_a_provisional_credit_on_a_financial_account_is_cash(platform, account, outcome, after, events):
    platform.settings(dispute_provisional_credits=True)
    dispute = account.filed(account.collected())
    since = len(account.client.events())

    submitted(account.client, dispute)
    meanwhile = account.cash
    decided(account.client, dispute, outcome)

    assert (meanwhile, account.cash) == (200_00, after)
    assert account.client.event_types(since) == [
        "issuing_dispute.submitted",
        "treasury.debit_reversal.created",
        "issuing_dispute.funds_reinstated",
        "treasury.debit_reversal.initial_credit_granted",
        *events,
        "treasury.debit_reversal.completed",
    ]
    assert is_whole(account.client)


# Reading


def test_disputes_are_listed_by_status_transaction_and_time(platform):
    first, second = filed(platform), filed(platform, explanation="losing_evidence")
    submitted(platform, second)

    def listed(**filters):
        return [dispute["id"] for dispute in platform.read(DISPUTES, **filters)["data"]]

    assert listed() == [second["id"], first["id"]]
    assert listed(status="lost") == [second["id"]]
    assert listed(status="unsubmitted") == listed(transaction=first["transaction"]) == [first["id"]]
    assert listed(transaction="ipi_nope") == listed(created={"lt": 1}) == []
    (whole,) = platform.read(DISPUTES, limit=1, expand=["data.transaction", "data.balance_transactions"])["data"]
    assert whole["transaction"]["dispute"] == second["id"]
    assert whole["balance_transactions"] == []


@pytest.mark.parametrize("verb, action", [("GET", ""), ("POST", ""), ("POST", "/submit")])
def test_an_unknown_dispute_is_missing(platform, verb, action):
    refusal = platform.send(verb, f"{DISPUTES}/idp_nope{action}", {}, None)

    assert refusal.status == 404
    assert refusal.error["message"] == "No such issuing dispute: 'idp_nope'"
    assert refusal.error["param"] == "dispute"


def test_a_dispute_belongs_to_its_account(platform, account):
    dispute = account.filed(account.collected())

    assert platform.get(f"{DISPUTES}/{dispute['id']}").status == 404
    assert platform.read(DISPUTES)["data"] == []


def test_the_doctor_sees_a_dispute_that_contradicts_the_books(platform):
    dispute = filed(platform)
    tenant = platform.app.emulator.tenants.open(platform.key.removeprefix("sk_test_"))
    with tenant.writing() as step:
        rewrite(step.session, "issuing_dispute", "unsubmitted", "won", status="won")

    found = [finding.detail for finding in examine_tenant(tenant)]

    assert found == [
        f"{dispute['id']} is won, yet 0 of its 1000 usd moved",
        f"{dispute['id']} has the status 'won', its last event says 'unsubmitted'",
    ]
