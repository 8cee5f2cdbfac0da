"""A machine that charges, refunds, disputes and transfers at random over the HTTP API, beside a model of two balances.

After every step the API's balances of platform and connected account and the model must agree to the cent, and every
book between accounts must be empty; at the end of each world the doctor finds nothing.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.client import Client
from tests.payments.paying import DAY, DISPUTES, balance, intent, said_by_doctor
from tests.treasury.worlds import connected

START = 2_000_000_000
KEYS = itertools.count(1)
SUCCEEDED: Counter[str] = Counter()
MUST_SUCCEED = ["pay", "send_on", "direct", "refund", "dispute", "win", "transfer", "reverse", "of_a_charge", "pass"]
EMPTY = ("stripe:transfers:usd", "stripe:application_fees:usd")


@dataclass
class Paid:
    """A charge, when its money is there, and what is left of it and of what it sent on."""

    id: str
    on: int
    amount: int
    left: int
    fee: int = 0
    is_sent_on: bool = False


class Payments(RuleBasedStateMachine):
    """Two accounts that are paid, and money that goes between them."""

    app: Any = None

    @initialize()
    def open(self) -> None:
        self.platform = Client(self.app, f"sk_test_payments{next(KEYS)}")
        self.platform.clock(set=START, frozen=True)
        self.now = START
        self.business = connected(self.platform)
        self.available = {"platform": 0, "business": 0}
        self.pending: list[tuple[int, str, int]] = []
        self.paid: list[Paid] = []
        self.transfers: list[tuple[str, int, int]] = []

    def add(self, whose: str, amount: int, on: int) -> None:
        """Money that comes to a balance or leaves it on a day."""
        if on <= self.now:
            self.available[whose] += amount
        else:
            self.pending.append((on, whose, amount))

    def charged(self, client: Client, amount: int, bypasses: bool, **more: Any) -> tuple[str, int]:
        """A charge and its day."""
        method = "pm_card_bypassPending" if bypasses else "pm_card_visa"
        made = intent(client, amount, payment_method=method, confirm=True, **more)
        on = self.now if bypasses else self.now - self.now % DAY + 2 * DAY
        return made["latest_charge"], on

    @rule(amount=st.integers(50, 300_00), bypasses=st.booleans())
    def pay(self, amount: int, bypasses: bool) -> None:
        charge, on = self.charged(self.platform, amount, bypasses)
        self.add("platform", amount - fee_of(amount), on)
        self.paid.append(Paid(charge, on, amount, amount))
        SUCCEEDED["pay"] += 1

    @rule(amount=st.integers(50, 300_00), share=st.integers(0, 50), bypasses=st.booleans())
    def send_on(self, amount: int, share: int, bypasses: bool) -> None:
        fee = amount * share // 100
        data = {"destination": self.business.account}
        charge, on = self.charged(self.platform, amount, bypasses, transfer_data=data, application_fee_amount=fee)
        self.add("platform", fee - fee_of(amount), on)
        self.add("business", amount - fee, on)
        self.paid.append(Paid(charge, on, amount, amount, fee, is_sent_on=True))
        SUCCEEDED["send_on"] += 1

    @rule(amount=st.integers(50, 300_00), share=st.integers(0, 50))
    def direct(self, amount: int, share: int) -> None:
        fee = amount * share // 100
        _, on = self.charged(self.business, amount, False, application_fee_amount=fee)
        self.add("business", amount - fee - fee_of(amount), on)
        self.add("platform", fee, on)
        SUCCEEDED["direct"] += 1

    @rule(which=st.integers(0, 9), part=st.integers(1, 300_00))
    def refund(self, which: int, part: int) -> None:
        """A refund of the platform's, which leaves what was sent on where it is."""
        open_ = [one for one in self.paid if one.left]
        if not open_:
            return
        one = open_[which % len(open_)]
        answer = self.platform.post("/v1/refunds", charge=one.id, amount=part)
        if part > one.left:
            assert (answer.status, answer.error["param"]) == (400, "amount")
            return
        assert answer.status == 200, answer.json
        one.left -= part
        self.add("platform", -part, max(one.on, self.now))
        SUCCEEDED["refund"] += 1

    @rule(amount=st.integers(50, 300_00), wins=st.booleans())
    def dispute(self, amount: int, wins: bool) -> None:
        made = intent(self.platform, amount, payment_method="pm_card_createDispute", confirm=True)
        (found,) = self.platform.read(DISPUTES, payment_intent=made["id"])["data"]
        word = "winning_evidence" if wins else "losing_evidence"
        self.platform.made(f"{DISPUTES}/{found['id']}", evidence={"uncategorized_text": word})
        self.add("platform", amount - fee_of(amount), self.now - self.now % DAY + 2 * DAY)
        self.available["platform"] -= 0 if wins else amount + 15_00
        SUCCEEDED["win" if wins else "dispute"] += 1

    @rule(amount=st.integers(1, 200_00))
    def transfer(self, amount: int) -> None:
        sent = {"amount": amount, "currency": "usd", "destination": self.business.account}
        answer = self.platform.post("/v1/transfers", **sent)
        if amount > self.available["platform"]:
            assert (answer.status, answer.error["code"]) == (400, "balance_insufficient")
            return
        assert answer.status == 200, answer.json
        self.available["platform"] -= amount
        self.available["business"] += amount
        self.transfers.append((answer.json["id"], amount, self.now))
        SUCCEEDED["transfer"] += 1

    @rule(which=st.integers(0, 9))
    def of_a_charge(self, which: int) -> None:
        """A transfer of what a charge has brought, whose money waits with the charge's."""
        whole = [one for one in self.paid if one.left == one.amount and not one.is_sent_on]
        if not whole:
            return
        one = whole[which % len(whole)]
        sent = {"currency": "usd", "destination": self.business.account, "source_transaction": one.id}
        answer = self.platform.post("/v1/transfers", **sent, amount=one.amount)
        if answer.status == 400:
            return  # it was sent before, or is there by now and the balance is too low
        self.add("platform", -one.amount, one.on)
        self.add("business", one.amount, one.on)
        self.transfers.append((answer.json["id"], one.amount, one.on))
        SUCCEEDED["of_a_charge"] += 1

    @rule(which=st.integers(0, 9))
    def reverse(self, which: int) -> None:
        if not self.transfers:
            return
        id, amount, on = self.transfers[which % len(self.transfers)]
        answer = self.platform.post(f"/v1/transfers/{id}/reversals")
        held = self.available["business"]
        if on > self.now:
            held = sum(part for _, whose, part in self.pending if whose == "business")
        if amount > held:
            assert (answer.status, answer.error["code"]) == (400, "balance_insufficient")
            return
        assert answer.status == 200, answer.json
        self.transfers.remove((id, amount, on))
        self.add("business", -amount, max(on, self.now))
        self.add("platform", amount, max(on, self.now))
        SUCCEEDED["reverse"] += 1

    @rule(hours=st.integers(1, 60))
    def pass_(self, hours: int) -> None:
        self.platform.clock(advance=hours * 3600)
        self.now += hours * 3600
        for _, whose, amount in [one for one in self.pending if one[0] <= self.now]:
            self.available[whose] += amount
        self.pending = [one for one in self.pending if one[0] > self.now]
        SUCCEEDED["pass"] += 1

    @invariant()
    def the_balances_agree_with_the_model(self) -> None:
        if not hasattr(self, "pending"):
            return
        for whose, client in (("platform", self.platform), ("business", self.business)):
            waiting = sum(amount for _, one, amount in self.pending if one == whose)
            assert balance(client) == (self.available[whose], waiting), whose
        tenant = self.app.emulator.tenants.open(self.platform.key.split("_", 2)[2])
        with tenant.stored.reading() as session:
            sums = dict(session.all("SELECT book, CAST(sum(amount) AS BIGINT) FROM line GROUP BY book"))
        assert sum(sums.values()) == 0
        assert [sums.get(book, 0) for book in EMPTY] == [0, 0]

    def teardown(self) -> None:
        if hasattr(self, "pending"):
            assert said_by_doctor(self.platform) == []


def fee_of(amount: int) -> int:
    """Stripe's fee of a card: 2.9 %, half up, and thirty cents."""
    return (amount * 29 + 500) // 1000 + 30


def test_no_cent_of_a_payment_is_lost_whatever_happens(app):
    SUCCEEDED.clear()
    Payments.app = app
    chosen = settings(
        max_examples=12, stateful_step_count=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )

    for batch in range(4):
        run_state_machine_as_test(seed(batch)(Payments), settings=chosen)
        if all(SUCCEEDED[name] >= 2 for name in MUST_SUCCEED):
            break

    assert {name: SUCCEEDED[name] for name in MUST_SUCCEED if SUCCEEDED[name] < 2} == {}
