"""A machine that spends at random over the HTTP API, beside a model small enough to be plainly right.

Two cards spend: one from the Issuing balance, one from a financial account of the same connected account. After every
step the API's balances, the ledger's own lines (read with SQL of this test) and the model must agree to the cent.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from emulator.banking_days import is_banking_day
from tests.client import Client
from tests.examining import examine_tenant
from tests.treasury.sending import data_of, numbers
from tests.treasury.worlds import opened

AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
DAY = 86_400
EXPIRES_AFTER = 7 * DAY
FILING_WINDOW = 110 * DAY
DAILY, MONTHLY = 700_00, 3_000_00
HOLDERS_WEEKLY = 1_000_00  # of both cards together
START = 2_000_000_000  # a Wednesday in May 2033
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
KEYS = itertools.count(1)
BATCHES = 16  # at most; two are enough when every rule has succeeded often by then
SUCCEEDED: Counter[str] = Counter()
MUST_SUCCEED = [
    "fund",
    "authorize",
    "authorize_the_rest",
    "decline",
    "capture_whole",
    "capture_part",
    "capture_more",
    "reverse_part",
    "reverse_all",
    "expire",
    "increment",
    "increment_declined",
    "refund",
    "dispute_won",
    "dispute_lost",
    "restrict",
    "move_clock",
    "force_capture",
    "replace",
    "expired_by_clock",
    "over_limit",
    *(
        f"outbound_{kind}{verb}"
        for kind in ("transfer", "payment")
        for verb in ("", "_post", "_fail", "_cancel", "_return")
    ),
    "pay_platform",
    "collect",
    "collect_refused",
    "collect_succeed",
    "collect_fail",
    "collect_cancel",
    "collect_return",
    "collected_by_clock",
    "send_back",
    "send_back_refused",
    "pay_by_numbers",
    "platform_sends_back",
    "save",
    "be_debited",
    "be_debited_refused",
    "undo",
    "over_holders_limit",
    "change_limit",
    "finalize",
    "status_check",
    "unlinked_refund",
    "top_up",
    *(f"pay_out_to_{where}" for where in ("bank", "refusing", "account")),
    "pay_out_issuing",
    "pay_out_refused",
    "pay_out_canceled",
    "pay_out_failed",
    "payout_reversed",
    "payout_reversal_failed",
    "schedule",
    "paid_out_by_schedule",
    "kept_by_schedule",
    "transfer_up",
    "transfer_down",
    "transfer_refused",
    "transfer_reversed",
    "transfer_kept",
]
# The statuses of an inbound transfer, and where each verb leads; how the test tokens end by themselves.
ARROWS_IN = {
    "processing": {"succeed": "succeeded", "fail": "failed", "cancel": "canceled"},
    "succeeded": {"return": "returned"},
}
ENDS_AS = {
    "pm_usBankAccount": "succeeded",
    "pm_usBankAccount_dispute": "returned",
    "pm_usBankAccount_insufficientFunds": "failed",
    "pm_usBankAccount_processing": "processing",
}
A_BANK = {"object": "bank_account", "country": "US", "currency": "usd", "routing_number": "110000000"}
# What leads each kind of it to a bank account that waits for somebody to decide.
WAITING: dict[str, dict[str, Any]] = {
    "outbound_transfer": {"destination_payment_method": "pm_usBankAccount_processing"},
    "outbound_payment": {"destination_payment_method_data": data_of("000000000009")},
}
# The statuses of money on its way out, and where each verb leads.
ARROWS = {
    "processing": {"post": "posted", "fail": "failed", "cancel": "canceled", "return": "returned"},
    "posted": {"return": "returned"},
}


@dataclass
class Purse:
    """What one card spends from."""

    cash: int = 0
    pending: int = 0


@dataclass
class Capture:
    """A captured amount and what became of it."""

    id: str
    debit: str | None
    amount: int
    created: int
    given_back: int = 0
    disputed: bool = False


@dataclass
class Purchase:
    """An approved authorization."""

    id: str
    card: str
    amount: int
    held: int
    created: int
    renewed: int
    status: str = "pending"
    captured: int = 0
    captures: list[Capture] = field(default_factory=list)


@dataclass
class Reversible:
    """Money that has been sent or taken, and until when that can be reversed; None for ever."""

    id: str
    amount: int
    deadline: int | None
    is_reversed: bool = False


@dataclass
class Transfer:
    """Money taken from a bank account, and how that ends by itself."""

    id: str
    amount: int
    status: str = "processing"
    ends_as: str = "processing"


@dataclass
class PaidOut:
    """A payout that has been paid, and from which balance; where it went is `bank` or `account`."""

    id: str
    amount: int
    where: str
    purse: str
    is_reversed: bool = False


@dataclass
class Between:
    """A transfer between the balances of the platform and its account, `up` or `down`."""

    id: str
    way: str
    left: int


@dataclass
class Leaving:
    """Money sent to a bank account that waits for somebody to decide: an outbound transfer or payment."""

    id: str
    kind: str
    amount: int
    status: str = "processing"


def named(window: str, moment: int) -> str:
    """The day, the week by its Sunday, or the month of a moment, UTC."""
    day = datetime.fromtimestamp(moment, UTC)
    if window == "week":
        return f"{day - timedelta(days=(day.weekday() + 1) % 7):%Y-%m-%d}"
    return day.strftime({"day": "%Y-%m-%d", "month": "%Y-%m"}[window])


class Money(RuleBasedStateMachine):
    """Purchases, their limits and disputes, money that comes, leaves, is taken, sent back, paid out, and the clock."""

    app: Any = None

    @initialize()
    def open(self) -> None:
        """A connected account with a funded financial account and two active cards."""
        self.platform = Client(self.app, f"sk_test_money{next(KEYS)}")
        self.now = START
        self.platform.clock(set=START, frozen=True)
        account = self.platform.made(
            "/v1/accounts",
            country="US",
            controller={
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "application",
                "stripe_dashboard": {"type": "none"},
            },
            capabilities={name: {"requested": True} for name in ("transfers", "treasury", "card_issuing")},
        )["id"]
        self.api = self.platform.acting_as(account)
        self.account = account
        features = {
            "card_issuing": {"requested": True},
            "financial_addresses": {"aba": {"requested": True}},
            "inbound_transfers": {"ach": {"requested": True}},
            "intra_stripe_flows": {"requested": True},
            "outbound_payments": {"ach": {"requested": True}},
            "outbound_transfers": {"ach": {"requested": True}},
        }
        self.fa = self.api.made("/v1/treasury/financial_accounts", supported_currencies=["usd"], features=features)[
            "id"
        ]
        self.holder = self.api.made(
            "/v1/issuing/cardholders",
            name="Jenny Rosen",
            spending_controls={"spending_limits": [{"amount": HOLDERS_WEEKLY, "interval": "weekly"}]},
            individual={
                "first_name": "Jenny",
                "last_name": "Rosen",
                "card_issuing": {"user_terms_acceptance": {"date": 1_780_000_000, "ip": "198.51.100.7"}},
            },
            billing={
                "address": {
                    "line1": "1 A St",
                    "city": "Oakland",
                    "state": "CA",
                    "postal_code": "94601",
                    "country": "US",
                }
            },
        )["id"]
        self.purses = {"issuing": Purse(), "account": Purse()}
        self.reversible: dict[str, list[Reversible]] = {"send_back": [], "platform_sends_back": [], "undo": []}
        self.daily = dict.fromkeys(self.purses, DAILY)
        self.cards = {"issuing": self.new_card("issuing"), "account": self.new_card("account")}
        for purse in self.purses:
            self.purses[purse].cash += self.fund(purse, 500_00)
        self.restricted = self.closed_to_banks = False
        self.all: list[Purchase] = []
        self.forced: list[tuple[str, int, int]] = []
        self.collected: list[Transfer] = []
        self.leaving: list[Leaving] = []
        self.payments = 0
        self.payouts: list[PaidOut] = []
        self.banks = {
            where: self.platform.made(f"/v1/accounts/{account}/external_accounts", external_account=sent)["id"]
            for where, sent in {
                "bank": {**A_BANK, "account_number": "000123456789"},
                "refusing": {**A_BANK, "account_number": "000111111116"},
                "account": {"financial_account": self.fa},
            }.items()
        }
        self.platforms = self.platform.read("/v1/treasury/financial_accounts")["data"][0]["id"]
        self.savings = opened(self.api, "intra_stripe_flows")
        by_numbers = numbers(self.platform, self.platforms)
        self.ways = {
            "pay_platform": ("outbound_payment", {"type": "financial_account", "financial_account": self.platforms}),
            "pay_by_numbers": ("outbound_payment", data_of(by_numbers["account_number"], by_numbers["routing_number"])),
            "save": ("outbound_transfer", {"type": "financial_account", "financial_account": self.savings}),
        }
        self.paid = self.saved = 0
        self.own = self.platform.read("/v1/account")["id"]
        self.platform_payments = 0
        self.transfers: list[Between] = []
        self.is_paid_daily, self.kept = False, 0

    def new_card(self, purse: str, **more: Any) -> str:
        """An active virtual card of that purse, with the limits of this test."""
        if purse == "account":
            more["financial_account"] = self.fa
        return self.api.made(
            "/v1/issuing/cards",
            cardholder=self.holder,
            currency="usd",
            type="virtual",
            status="active",
            spending_controls={"spending_limits": self.limits(purse)},
            **more,
        )["id"]

    def limits(self, purse: str) -> list[dict[str, Any]]:
        """The limits of that purse's card."""
        return [{"amount": self.daily[purse], "interval": "daily"}, {"amount": MONTHLY, "interval": "monthly"}]

    # What the model expects

    def spent(self, cards: tuple[str, ...], window: str, moment: int) -> int:
        """What counts against the limits of cards in the `day`, `week` or `month` of a moment."""
        same = named(window, moment)
        bought = [
            one.captured + one.held for one in self.all if one.card in cards and named(window, one.created) == same
        ]
        forced = [amount for name, when, amount in self.forced if name in cards and named(window, when) == same]
        return sum(bought) + sum(forced)

    def left_of_limits(self, card: str, moment: int) -> int:
        """What may still be spent with a card in the windows of a moment: by its own limits, and by its holder's."""
        holders = HOLDERS_WEEKLY - self.spent(("issuing", "account"), "week", moment)
        return min(self.left_of_own_limits(card, moment), holders)

    def left_of_own_limits(self, card: str, moment: int) -> int:
        """The same whatever the holder may spend."""
        daily = self.daily[card] - self.spent((card,), "day", moment)
        monthly = MONTHLY - self.spent((card,), "month", moment)
        return min(daily, monthly)

    def objection(self, card: str, amount: int, created: int) -> str | None:
        """The reason an amount would be declined for, or None. An increment counts where its purchase began."""
        if card == "account" and self.restricted:
            return "account_disabled"
        if amount == 0:
            return None
        if amount > self.left_of_limits(card, created):
            return "spending_controls"
        return "insufficient_funds" if amount > self.purses[card].cash else None

    def pick(self, which: int, *, is_open: bool) -> Purchase | None:
        """One of the purchases so far, mostly of the state a rule wants; a new one where there is none."""
        wanted = [one for one in self.all if (one.status == "pending") == is_open] if which % 4 else self.all
        if wanted:
            return wanted[which % len(wanted)]
        return self.buy("account" if which % 2 else "issuing", 20_00)

    def pick_capture(self, which: int) -> tuple[Purchase, Capture] | None:
        """A captured purchase nobody disputes; a new one where there is none."""
        captured = [one for one in self.all if one.captures and not one.captures[0].disputed]
        if captured:
            one = captured[which % len(captured)]
            return one, one.captures[0]
        bought = self.buy("account" if which % 2 else "issuing", 20_00)
        if bought is None:
            return None
        self.take(bought, bought.amount, close=True)
        return bought, bought.captures[0]

    def hold(self, purse: str, amount: int) -> None:
        """Cash set aside; a negative amount gives it back."""
        self.purses[purse].cash -= amount
        self.purses[purse].pending += amount

    # What is done

    @rule(purse=st.sampled_from(["issuing", "account"]), amount=st.integers(20_00, 300_00))
    def receive(self, purse: str, amount: int) -> None:
        arrived = self.fund(purse, amount)
        assert arrived == (0 if purse == "account" and self.closed_to_banks else amount)
        self.purses[purse].cash += arrived
        SUCCEEDED["fund"] += 1

    def fund(self, purse: str, amount: int) -> int:
        """Money from outside into a purse; how much of it arrived."""
        if purse == "issuing":
            self.api.made("/v1/test_helpers/issuing/fund_balance", amount=amount, currency="usd")
            return amount
        path = "/v1/test_helpers/treasury/received_credits"
        credit = self.api.made(path, financial_account=self.fa, amount=amount, currency="usd", network="ach")
        if credit["status"] != "succeeded":
            return 0
        self.remember("send_back", credit, amount)
        return amount

    @rule(
        purse=st.sampled_from(["issuing", "account"]),
        amount=st.just(0) | st.integers(1, 250_00) | st.integers(250_00, 950_00),
    )
    def authorize(self, purse: str, amount: int) -> None:
        self.buy(purse, amount)

    @rule(purse=st.sampled_from(["issuing", "account"]), beyond=st.sampled_from([0, 1]), is_lower=st.booleans())
    def authorize_the_rest(self, purse: str, beyond: int, is_lower: bool) -> None:
        """All that limits and cash leave, or all that one of the two does, or a cent more."""
        limited, cash = self.left_of_limits(purse, self.now), self.purses[purse].cash
        rest = min(limited, cash) if is_lower else limited
        if rest > 0 and self.buy(purse, rest + beyond) is not None:
            SUCCEEDED["authorize_the_rest"] += 1

    def buy(self, purse: str, amount: int) -> Purchase | None:
        """An authorization, approved or declined as the model expects; the purchase if it was approved."""
        expected = self.objection(purse, amount, self.now)
        got = self.api.made(AUTHORIZATIONS, card=self.cards[purse], amount=amount)
        assert got["approved"] is (expected is None)
        assert got["request_history"][0]["reason"] == (expected or "card_active")
        if expected is not None:
            SUCCEEDED["decline"] += 1
            SUCCEEDED["over_limit"] += expected == "spending_controls"
            is_holders = expected == "spending_controls" and amount <= self.left_of_own_limits(purse, self.now)
            SUCCEEDED["over_holders_limit"] += is_holders
            return None
        purchase = Purchase(got["id"], purse, amount, amount, self.now, self.now)
        self.all.append(purchase)
        self.hold(purse, amount)
        SUCCEEDED["authorize" if amount else "status_check"] += 1
        return purchase

    @rule(which=st.integers(0, 60), share=st.sampled_from([0.3, 0.7, 1.0, 1.4]), close=st.booleans())
    def capture(self, which: int, share: float, close: bool) -> None:
        one = self.pick(which, is_open=True)
        if one is None:
            return
        amount = max(1, int(one.amount * share))
        if self.take(one, amount, close=close):
            SUCCEEDED["capture_whole" if share == 1.0 else "capture_part" if share < 1 else "capture_more"] += 1

    def take(self, one: Purchase, amount: int, *, close: bool) -> bool:
        """A capture, refused where the purchase was reversed; whether it went through."""
        answer = self.api.post(f"{AUTHORIZATIONS}/{one.id}/capture", capture_amount=amount, close_authorization=close)
        if one.status == "reversed":
            assert answer.status == 400
            return False
        assert answer.status == 200, answer.json
        released = one.held if close else min(one.held, amount)
        self.hold(one.card, -released)
        self.purses[one.card].cash -= amount
        one.held, one.captured = one.held - released, one.captured + amount
        one.status = "closed" if close else one.status
        made = answer.json["transactions"]
        newest = next(
            item for item in made if item["id"] not in {old.id for old in one.captures} and item["type"] == "capture"
        )
        debit = newest["treasury"]["received_debit"] if one.card == "account" else None
        one.captures.append(Capture(newest["id"], debit, amount, self.now))
        assert (answer.json["status"], newest["amount"]) == (one.status, -amount)
        return True

    @rule(which=st.integers(0, 60), share=st.sampled_from([0.4, 1.0]))
    def reverse(self, which: int, share: float) -> None:
        one = self.pick(which, is_open=True)
        if one is None:
            return
        amount = max(1, int(one.held * share))
        answer = self.api.post(f"{AUTHORIZATIONS}/{one.id}/reverse", reverse_amount=amount)
        if one.status != "pending" or one.held == 0:
            assert answer.status == 400
            return
        whole = amount == one.held
        self.hold(one.card, -amount)
        one.held -= amount
        if whole:
            one.status = "closed" if one.captured else "reversed"
        one.amount = one.captured if whole else one.amount - amount
        assert (answer.json["status"], answer.json["amount"]) == (one.status, one.amount)
        SUCCEEDED["reverse_all" if whole else "reverse_part"] += 1

    @rule(which=st.integers(0, 60))
    def expire(self, which: int) -> None:
        one = self.pick(which, is_open=True)
        if one is None:
            return
        answer = self.api.post(f"{AUTHORIZATIONS}/{one.id}/expire")
        if one.status != "pending":
            assert answer.status == 400
            return
        self.run_out(one)
        assert (answer.json["status"], answer.json["amount"]) == (one.status, one.amount)
        SUCCEEDED["expire"] += 1

    def run_out(self, one: Purchase) -> None:
        """What is still held goes back."""
        self.hold(one.card, -one.held)
        one.held = 0
        one.status = "closed" if one.captured else "expired"

    @rule(which=st.integers(0, 60), amount=st.integers(1, 120_00) | st.integers(500_00, 900_00))
    def increment(self, which: int, amount: int) -> None:
        one = self.pick(which, is_open=True)
        if one is None:
            return
        expected = self.objection(one.card, amount, one.created)
        answer = self.api.post(f"{AUTHORIZATIONS}/{one.id}/increment", increment_amount=amount)
        if one.status != "pending":
            assert answer.status == 400
            return
        last = answer.json["request_history"][-1]
        if answer.json["card"]["status"] != "active":
            assert last["approved"] is False
            return
        assert (last["approved"], last["reason"]) == (expected is None, expected or "card_active")
        if expected is not None:
            SUCCEEDED["increment_declined"] += 1
            return
        self.hold(one.card, amount)
        one.amount, one.held, one.renewed = one.amount + amount, one.held + amount, self.now
        SUCCEEDED["increment"] += 1

    @rule(which=st.integers(0, 60), share=st.sampled_from([0.0, 0.5, 1.0, 1.3]))
    def finalize(self, which: int, share: float) -> None:
        one = self.pick(which, is_open=True)
        if one is None:
            return
        final = int(one.amount * share)
        answer = self.api.post(f"{AUTHORIZATIONS}/{one.id}/finalize_amount", final_amount=final)
        if one.status != "pending":
            assert answer.status == 400
            return
        self.hold(one.card, final - one.held)
        one.amount = one.held = final
        assert (answer.json["status"], answer.json["amount"]) == ("pending", final)
        SUCCEEDED["finalize"] += 1

    @rule(which=st.integers(0, 60), share=st.sampled_from([0.2, 0.5, 1.0]))
    def refund(self, which: int, share: float) -> None:
        picked = self.pick_capture(which)
        if picked is None:
            return
        one, capture = picked
        amount = max(1, int((capture.amount - capture.given_back) * share))
        answer = self.api.post(f"/v1/test_helpers/issuing/transactions/{capture.id}/refund", refund_amount=amount)
        if amount > capture.amount - capture.given_back:
            assert answer.status == 400
            return
        assert (answer.status, answer.json["amount"]) == (200, amount)
        capture.given_back += amount
        self.purses[one.card].cash += amount
        SUCCEEDED["refund"] += 1

    @rule(which=st.integers(0, 60), outcome=st.sampled_from(["winning_evidence", "losing_evidence"]))
    def dispute(self, which: int, outcome: str) -> None:
        picked = self.pick_capture(which)
        if picked is None:
            return
        one, capture = picked
        amount = capture.amount - capture.given_back
        if amount == 0:
            return
        about = {"treasury": {"received_debit": capture.debit}} if capture.debit else {"transaction": capture.id}
        evidence = {"reason": "fraudulent", "fraudulent": {"explanation": outcome}}
        answer = self.api.post("/v1/issuing/disputes", amount=amount, evidence=evidence, **about)
        if self.now - capture.created >= FILING_WINDOW:
            assert answer.status == 400
            return
        assert answer.status == 200, answer.json
        self.api.made(f"/v1/issuing/disputes/{answer.json['id']}/submit")
        decided = self.api.read(f"/v1/issuing/disputes/{answer.json['id']}")["status"]
        capture.disputed = True
        if outcome == "winning_evidence":
            self.purses[one.card].cash += amount
            capture.given_back += amount
        assert decided == ("won" if outcome == "winning_evidence" else "lost")
        SUCCEEDED[f"dispute_{decided}"] += 1

    @rule(outbound=st.booleans(), inbound=st.booleans())
    def restrict(self, outbound: bool, inbound: bool) -> None:
        said = {True: "restricted", False: "unrestricted"}
        path = f"/v1/treasury/financial_accounts/{self.fa}"
        flows = {"outbound_flows": said[outbound], "inbound_flows": said[inbound]}
        self.api.made(path, platform_restrictions=flows)
        self.restricted, self.closed_to_banks = outbound, inbound
        SUCCEEDED["restrict"] += 1

    @rule(hours=st.sampled_from([1, 12, 24, 72, 170, 400]))
    def move_clock(self, hours: int) -> None:
        self.platform.clock(advance=hours * 3600)
        self.pay_by_schedule(self.now, self.now + hours * 3600)
        self.now += hours * 3600
        for one in self.all:
            if one.status == "pending" and one.renewed + EXPIRES_AFTER <= self.now:
                self.run_out(one)
                SUCCEEDED["expired_by_clock"] += 1
        for transfer in self.collected:
            if transfer.status == "processing" and transfer.ends_as != "processing":
                transfer.status = transfer.ends_as
                self.purses["account"].cash += transfer.amount if transfer.ends_as == "succeeded" else 0
                SUCCEEDED["collected_by_clock"] += 1
        SUCCEEDED["move_clock"] += 1

    @rule(purse=st.sampled_from(["issuing", "account"]), amount=st.integers(1, 60_00))
    def force_capture(self, purse: str, amount: int) -> None:
        path = "/v1/test_helpers/issuing/transactions/create_force_capture"
        self.api.made(path, card=self.cards[purse], amount=amount, currency="usd")
        self.purses[purse].cash -= amount
        self.forced.append((purse, self.now, amount))
        SUCCEEDED["force_capture"] += 1

    @rule(purse=st.sampled_from(["issuing", "account"]), amount=st.integers(1, 60_00))
    def unlinked_refund(self, purse: str, amount: int) -> None:
        path = "/v1/test_helpers/issuing/transactions/create_unlinked_refund"
        self.api.made(path, card=self.cards[purse], amount=amount, currency="usd")
        self.purses[purse].cash += amount
        SUCCEEDED["unlinked_refund"] += 1

    @rule(purse=st.sampled_from(["issuing", "account"]), daily=st.sampled_from([300_00, DAILY, 1_100_00]))
    def change_limit(self, purse: str, daily: int) -> None:
        self.daily[purse] = daily
        limits = self.limits(purse)
        self.api.made(f"/v1/issuing/cards/{self.cards[purse]}", spending_controls={"spending_limits": limits})
        SUCCEEDED["change_limit"] += 1

    @rule(purse=st.sampled_from(["issuing", "account"]), reason=st.sampled_from(["lost", "stolen", "damaged"]))
    def replace(self, purse: str, reason: str) -> None:
        old = self.cards[purse]
        if reason != "damaged":
            self.api.made(f"/v1/issuing/cards/{old}", status="canceled", cancellation_reason=reason)
        self.cards[purse] = self.new_card(purse, replacement_for=old, replacement_reason=reason)
        SUCCEEDED["replace"] += 1

    @rule(kind=st.sampled_from(list(WAITING)), amount=st.integers(1, 100_00) | st.integers(100_00, 5_000_00))
    def send(self, kind: str, amount: int) -> None:
        self.send_away(kind, amount)

    def send_away(self, kind: str, amount: int) -> Leaving | None:
        """Money on its way out, refused as the model expects; None if it was."""
        answer = self.sent(kind, amount, **WAITING[kind])
        if answer is None:
            return None
        self.hold("account", amount)
        self.leaving.append(Leaving(answer["id"], kind, amount))
        SUCCEEDED[kind] += 1
        return self.leaving[-1]

    def sent(self, kind: str, amount: int, **to: Any) -> dict[str, Any] | None:
        """What a request to send money makes; None where it is refused as the model expects."""
        answer = self.api.post(f"/v1/treasury/{kind}s", financial_account=self.fa, amount=amount, currency="usd", **to)
        if self.restricted or amount > self.purses["account"].cash:
            why = "financial_account_capability_restricted" if self.restricted else "balance_insufficient"
            assert (answer.status, answer.error["code"]) == (400, why)
            return None
        assert answer.status == 200, answer.json
        return answer.json

    @rule(
        way=st.sampled_from(["pay_platform", "pay_by_numbers", "save"]),
        amount=st.integers(1, 100_00) | st.integers(100_00, 5_000_00),
    )
    def reach(self, way: str, amount: int) -> None:
        """Money for another financial account: of the platform over the stripe network or a bank's, or of one's own."""
        kind, to = self.ways[way]
        sent = self.sent(kind, amount, destination_payment_method_data=to)
        if sent is None:
            return
        if way == "pay_by_numbers":
            self.api.made(f"/v1/test_helpers/treasury/{kind}s/{sent['id']}/post")
        self.purses["account"].cash -= amount
        if way == "save":
            self.saved += amount
        else:
            self.paid += amount
            arrived = self.platform.read("/v1/treasury/received_credits", financial_account=self.platforms)["data"][0]
            self.remember("platform_sends_back", arrived, amount)
        SUCCEEDED[way] += 1

    def remember(self, reversal: str, flow: dict[str, Any], amount: int) -> None:
        """A credit or a debit that can be reversed that way."""
        assert flow["amount"] == amount
        self.reversible[reversal].append(Reversible(flow["id"], amount, flow["reversal_details"]["deadline"]))

    @rule(amount=st.integers(1, 100_00) | st.integers(100_00, 5_000_00))
    def be_debited(self, amount: int) -> None:
        """A bank takes money, or cannot."""
        path = "/v1/test_helpers/treasury/received_debits"
        debit = self.api.made(path, financial_account=self.fa, amount=amount, currency="usd", network="ach")
        if self.restricted or amount > self.purses["account"].cash:
            assert debit["failure_code"] == ("account_frozen" if self.restricted else "insufficient_funds")
            SUCCEEDED["be_debited_refused"] += 1
            return
        assert debit["status"] == "succeeded"
        self.purses["account"].cash -= amount
        self.remember("undo", debit, amount)
        SUCCEEDED["be_debited"] += 1

    @rule(which=st.integers(0, 60), verb=st.sampled_from(list(ARROWS["processing"])))
    def move_on(self, which: int, verb: str) -> None:
        waiting = [one for one in self.leaving if one.status == "processing"]
        chosen = waiting if which % 3 else self.leaving
        one = chosen[which % len(chosen)] if chosen else self.send_away(list(WAITING)[which % 2], 10_00)
        if one is None:
            return
        helpers = "/v1/treasury" if verb == "cancel" else "/v1/test_helpers/treasury"
        answer = self.api.post(f"{helpers}/{one.kind}s/{one.id}/{verb}")
        target = ARROWS.get(one.status, {}).get(verb)
        if target is None:
            assert (answer.status, answer.error["code"]) == (400, "status_transition_invalid")
            return
        assert (answer.status, answer.json["status"]) == (200, target)
        if one.status == "processing":
            self.purses["account"].pending -= one.amount
        if target != "posted":
            self.purses["account"].cash += one.amount
        one.status = target
        SUCCEEDED[f"{one.kind}_{verb}"] += 1

    @rule(how=st.sampled_from(["send_back", "platform_sends_back", "undo"]), which=st.integers(0, 7))
    def reverse_flow(self, how: str, which: int) -> None:
        """A credit goes back to where it came from, or a debit is undone, whatever is restricted now."""
        if which % 2:  # one that can still be reversed
            {
                "send_back": lambda: self.receive("account", 20_00),
                "platform_sends_back": lambda: self.reach("pay_by_numbers", 5_00),
                "undo": lambda: self.be_debited(5_00),
            }[how]()
        if not self.reversible[how]:
            return
        one = self.reversible[how][-1 if which % 2 else which % len(self.reversible[how])]
        client = self.platform if how == "platform_sends_back" else self.api
        kind = "debit" if how == "undo" else "credit"
        answer = client.post(f"/v1/treasury/{kind}_reversals", **{f"received_{kind}": one.id})
        lacks_cash = how == "send_back" and one.amount > self.purses["account"].cash
        is_late = one.deadline is not None and self.now >= one.deadline
        if one.is_reversed or is_late or lacks_cash:
            assert answer.status == 400
            SUCCEEDED[f"{how}_refused"] += 1
            return
        assert (answer.status, answer.json["amount"]) == (200, one.amount)
        one.is_reversed = True
        self.purses["account"].cash += -one.amount if how == "send_back" else one.amount  # by the next request
        self.paid -= one.amount if how == "platform_sends_back" else 0
        SUCCEEDED[how] += 1

    @rule(amount=st.integers(1, 100_00), method=st.sampled_from(list(ENDS_AS)))
    def collect(self, amount: int, method: str) -> None:
        self.take_in(amount, method)

    def take_in(self, amount: int, method: str) -> Transfer | None:
        """An inbound transfer, refused as the model expects; None if it was."""
        answer = self.api.post(
            "/v1/treasury/inbound_transfers",
            financial_account=self.fa,
            amount=amount,
            currency="usd",
            origin_payment_method=method,
        )
        if self.closed_to_banks:
            assert (answer.status, answer.error["code"]) == (400, "financial_account_capability_restricted")
            SUCCEEDED["collect_refused"] += 1
            return None
        assert answer.status == 200, answer.json
        self.collected.append(Transfer(answer.json["id"], amount, ends_as=ENDS_AS[method]))
        SUCCEEDED["collect"] += 1
        return self.collected[-1]

    @rule(which=st.integers(0, 60), verb=st.sampled_from(["succeed", "fail", "cancel", "return"]))
    def move_collected(self, which: int, verb: str) -> None:
        origin = "succeeded" if verb == "return" else "processing"
        waiting = [one for one in self.collected if one.status == origin]
        chosen = waiting if which % 3 else self.collected
        one = chosen[which % len(chosen)] if chosen else self.take_in(10_00, "pm_usBankAccount_processing")
        if one is None:
            return
        helpers = "/v1/treasury" if verb == "cancel" else "/v1/test_helpers/treasury"
        answer = self.api.post(f"{helpers}/inbound_transfers/{one.id}/{verb}")
        target = ARROWS_IN.get(one.status, {}).get(verb)
        if target is None:
            assert (answer.status, answer.error["code"]) == (400, "status_transition_invalid")
            return
        assert (answer.status, answer.json["returned"]) == (200, target == "returned")
        self.purses["account"].cash += {"succeeded": one.amount, "returned": -one.amount}.get(target, 0)
        one.status = target
        SUCCEEDED[f"collect_{verb}"] += 1

    @rule(amount=st.integers(1, 200_00))
    def top_up(self, amount: int) -> None:
        self.api.made("/v1/topups", amount=amount, currency="usd")
        self.payments += amount
        SUCCEEDED["top_up"] += 1

    @rule(
        amount=st.integers(1, 60_00) | st.integers(60_00, 400_00),
        where=st.sampled_from(["bank", "refusing", "account"]),
        purse=st.sampled_from(["payments", "payments", "issuing"]),
        cancel=st.sampled_from([False, False, True]),
    )
    def pay_out(self, amount: int, where: str, purse: str, cancel: bool) -> None:
        """A payout, which is left alone or canceled before it gets on by itself."""
        source = {"source_balance": "issuing"} if purse == "issuing" else {}
        to = {"destination": self.banks[where], **source}
        answer = self.api.post("/v1/payouts", amount=amount, currency="usd", **to)
        if amount > (self.purses["issuing"].cash if purse == "issuing" else self.payments):
            assert (answer.status, answer.error["code"]) == (400, "balance_insufficient")
            SUCCEEDED["pay_out_refused"] += 1
            return
        assert answer.status == 200, answer.json
        id = answer.json["id"]
        if cancel:
            assert self.api.made(f"/v1/payouts/{id}/cancel")["status"] == "canceled"
            SUCCEEDED["pay_out_canceled"] += 1
            return
        ended = self.api.read(f"/v1/payouts/{id}")
        if where == "refusing" or (where == "account" and self.closed_to_banks):
            assert ended["status"] == "failed"
            SUCCEEDED["pay_out_failed"] += 1
            SUCCEEDED[f"pay_out_to_{where}"] += 1
            return
        assert ended["status"] == "paid"
        self.change(purse, -amount)
        if where == "account":
            self.purses["account"].cash += amount
        self.payouts.append(PaidOut(id, amount, where, purse))
        SUCCEEDED[f"pay_out_to_{where}"] += 1
        SUCCEEDED["pay_out_issuing"] += purse == "issuing"

    def change(self, purse: str, amount: int) -> None:
        """Money that comes to a balance, or leaves it."""
        if purse == "issuing":
            self.purses["issuing"].cash += amount
        else:
            self.payments += amount

    @rule(which=st.integers(0, 60), shut=st.booleans())
    def reverse_payout(self, which: int, shut: bool) -> None:
        """A payout comes back; `shut` has a financial account keep one, which would hardly ever be seen else."""
        if shut and not any(one.where == "account" and not one.is_reversed for one in self.payouts):
            self.pay_out(1, "account", "payments", False)
        waiting = [one for one in self.payouts if not one.is_reversed]
        if shut:
            waiting = [one for one in waiting if one.where == "account"] or waiting
        if not waiting:
            return
        one = waiting[which % len(waiting)]
        if shut and one.where == "account":
            self.restrict(True, self.closed_to_banks)
        reversal = self.api.made(f"/v1/payouts/{one.id}/reverse")
        one.is_reversed = True
        status = self.api.read(f"/v1/payouts/{reversal['id']}")["status"]
        if one.where == "account" and (self.restricted or one.amount > self.purses["account"].cash):
            assert status == "failed"
            SUCCEEDED["payout_reversal_failed"] += 1
            return
        assert status == "paid"
        self.change(one.purse, one.amount)
        if one.where == "account":
            self.purses["account"].cash -= one.amount
        SUCCEEDED["payout_reversed"] += 1

    @rule(
        interval=st.sampled_from(["daily", "daily", "manual"]),
        kept=st.sampled_from([0, 0, 2_00, 50_00]),
        hours=st.sampled_from([0, 72]),
    )
    def schedule(self, interval: str, kept: int, hours: int) -> None:
        """From now on the balance is paid out every morning on which banks settle, but for what is kept; or not."""
        if hours and self.payments <= kept:
            self.top_up(60_00)
        chosen = {"schedule": {"interval": interval}, "minimum_balance_by_currency": {"usd": kept}}
        self.api.made("/v1/balance_settings", payments={"payouts": chosen})
        self.is_paid_daily, self.kept = interval == "daily", kept
        SUCCEEDED["schedule"] += 1
        if hours:
            self.move_clock(hours)

    def pay_by_schedule(self, before: int, now: int) -> None:
        """What the mornings between two moments paid out; the default bank account takes all."""
        morning = before // DAY * DAY + 3600
        while (morning := morning if morning > before else morning + DAY) <= now:
            before = morning
            is_open = is_banking_day(datetime.fromtimestamp(morning, UTC).date())
            if self.is_paid_daily and is_open and self.payments > self.kept:
                SUCCEEDED["kept_by_schedule" if self.kept else "paid_out_by_schedule"] += 1
                self.payments = self.kept

    @rule(way=st.sampled_from(["up", "down"]), share=st.sampled_from([0.3, 0.6, 1.0, 1.4]))
    def transfer(self, way: str, share: float) -> None:
        """A share of what the account has to its platform, or the other way."""
        if not self.payments:
            self.top_up(10_00)
        if way == "down" and not self.platform_payments:
            self.transfer("up", 0.5)
        sender, to = (self.api, self.own) if way == "up" else (self.platform, self.account)
        there = self.payments if way == "up" else self.platform_payments
        amount = max(1, int(there * share))
        answer = sender.post("/v1/transfers", amount=amount, currency="usd", destination=to)
        if amount > there:
            assert (answer.status, answer.error["code"]) == (400, "balance_insufficient")
            SUCCEEDED["transfer_refused"] += 1
            return
        self.shift(amount if way == "up" else -amount)
        self.transfers.append(Between(answer.json["id"], way, amount))
        SUCCEEDED[f"transfer_{way}"] += 1

    def shift(self, amount: int) -> None:
        """Money that the platform has instead of the account."""
        self.payments -= amount
        self.platform_payments += amount

    @rule(which=st.integers(0, 60), share=st.sampled_from([0.5, 1.0]), is_spent=st.booleans())
    def reverse_transfer(self, which: int, share: float, is_spent: bool) -> None:
        """A transfer, or a part of it, comes back, if who got it still has it; the platform may have sent all away."""
        if is_spent and self.platform_payments:
            self.transfer("down", 1.0)
        waiting = [one for one in self.transfers if one.left]
        if not waiting:
            return
        one = waiting[which % len(waiting)]
        amount = max(1, int(one.left * share))
        sender, there = (self.api, self.platform_payments) if one.way == "up" else (self.platform, self.payments)
        answer = sender.post(f"/v1/transfers/{one.id}/reversals", amount=amount)
        if amount > there:
            assert (answer.status, answer.error["code"]) == (400, "balance_insufficient")
            SUCCEEDED["transfer_kept"] += 1
            return
        one.left -= amount
        self.shift(-amount if one.way == "up" else amount)
        SUCCEEDED["transfer_reversed"] += 1

    # What must always hold

    @invariant()
    def the_api_agrees_with_the_model(self) -> None:
        if not hasattr(self, "purses"):
            return
        balance = self.api.read(f"/v1/treasury/financial_accounts/{self.fa}")["balance"]
        payments = self.api.read("/v1/balance")
        issuing = payments["issuing"]["available"]
        assert [entry["amount"] for entry in payments["available"] if entry["currency"] == "usd"] == [self.payments]
        above = self.platform.read("/v1/balance")["available"]
        assert [entry["amount"] for entry in above if entry["currency"] == "usd"] == [self.platform_payments]
        account, own = self.purses["account"], self.purses["issuing"]
        assert (balance["cash"]["usd"], balance["outbound_pending"]["usd"]) == (account.cash, account.pending)
        assert [entry["amount"] for entry in issuing if entry["currency"] == "usd"] == [own.cash]

    @invariant()
    def the_ledgers_lines_agree_with_the_model(self) -> None:
        if not hasattr(self, "purses"):
            return
        tenant = self.app.emulator.tenants.open(self.platform.key.split("_", 2)[2])
        with tenant.stored.reading() as session:
            sums = dict(session.all("SELECT book, CAST(sum(amount) AS BIGINT) FROM line GROUP BY book"))
            (everything,) = session.one("SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM line")
        account, own = self.purses["account"], self.purses["issuing"]
        assert everything == 0
        assert sums.get(f"{self.fa}:cash:usd", 0) == account.cash
        assert sums.get(f"{self.fa}:outbound_pending:usd", 0) == account.pending
        assert sums.get(f"{self.platforms}:cash:usd", 0) == self.paid
        assert sums.get(f"{self.savings}:cash:usd", 0) == self.saved
        assert sums.get("stripe:in_transit:usd", 0) == sums.get("stripe:payouts:usd", 0) == 0
        assert sums.get("stripe:transfers:usd", 0) == sums.get(f"{self.account}:minimum:usd", 0) == 0
        assert sums.get(f"{self.account}:available:usd", 0) == self.payments
        assert sums.get(f"{self.own}:available:usd", 0) == self.platform_payments
        assert sums.get(f"{self.account}:issuing:usd", 0) == own.cash
        assert sums.get(f"{self.account}:issuing_held:usd", 0) == own.pending

    def teardown(self) -> None:
        """At the end of each world the doctor finds nothing."""
        if not hasattr(self, "purses"):
            return
        tenant = self.app.emulator.tenants.open(self.platform.key.split("_", 2)[2])
        assert list(examine_tenant(tenant)) == []


@pytest.mark.minutes
def test_no_cent_is_lost_whatever_happens(app, stand_ins):
    SUCCEEDED.clear()
    Money.app = app
    chosen = settings(
        max_examples=250 if LONG else 30,
        stateful_step_count=80 if LONG else 50,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    least = 2 if stand_ins is None else 1  # batches; in a database each takes three times as long
    often = 50 if LONG else 3 if stand_ins is None else 1

    for batch in range(BATCHES):
        run_state_machine_as_test(Money if LONG else seed(batch)(Money), settings=chosen)
        if batch >= least - 1 and all(SUCCEEDED[name] >= often for name in MUST_SUCCEED):
            break

    assert {name: SUCCEEDED[name] for name in MUST_SUCCEED if SUCCEEDED[name] < often} == {}
