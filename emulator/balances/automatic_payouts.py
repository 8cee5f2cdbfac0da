"""Automatic payouts: what an account's schedule pays out by itself as the world's clock comes to a day of it.

An account whose schedule somebody has chosen, by its settings or its balance settings, is paid out an hour after
midnight UTC: for each currency with a bank account everything that is available, but for the minimum balance. The
payout contains the balance transactions that became available since the one before it. One that fails marks its bank
account, and nothing more is sent there before its details are updated.
Source: https://docs.stripe.com/payouts, https://docs.stripe.com/connect/manage-payout-schedule and
https://docs.stripe.com/payouts/minimum-balances-for-automatic-payouts
"""

from __future__ import annotations

from collections.abc import Sequence

from emulator import chart_of_accounts as chart
from emulator.balances import payouts
from emulator.balances.payouts import Payout
from emulator.connect import payout_schedule
from emulator.connect.records import accounts, external_accounts
from emulator.connect.records.external_accounts import ExternalAccount
from emulator.kernel.conditions import Condition
from emulator.kernel.dates import DAY, date_of, midnight
from emulator.kernel.ledger import Entry
from emulator.kernel.records import replace
from emulator.kernel.world import World

# When in the day: whatever becomes available at midnight is there by then.
HOUR = 60 * 60
DESCRIPTION = "STRIPE PAYOUT"


def arm(world: World) -> None:
    """Wait for the next day of the acting account's schedule, in place of whichever was waited for."""
    world.cancel_due(world.account, "balances.automatic_payouts.run")
    schedule = accounts.of(world).settings.get("payouts", {}).get("schedule", {})
    day = payout_schedule.next_day(schedule, date_of(world.now))
    if day is not None:
        world.later(midnight(day) + HOUR, "balances.automatic_payouts.run", world.account)


def run(world: World, account: str) -> None:
    """Due: a day of the schedule has come. Nothing for an account that is gone, or may not be paid out."""
    if not world.may_act(account):
        return
    inside = world.as_account(account)
    if payouts.is_enabled(inside):
        kept = accounts.of(inside).settings["payouts"].get("minimum_balance_by_currency", {})
        for bank in sorted(external_accounts.everyone(inside), key=lambda bank: bank.currency or ""):
            if bank.default_for_currency and bank.status != "errored":
                pay(inside, bank, kept.get(bank.currency, 0))
    arm(inside)


def pay(world: World, bank: ExternalAccount, kept: int) -> None:
    """Pay out everything available in a bank account's currency, but for what is to be kept; nothing if that is all."""
    currency = str(bank.currency)
    unpaid, left_out = unpaid_of(world, currency)
    amount = world.balance(chart.available(world.account, currency)) - kept
    if amount <= 0:
        return
    payout = payouts.planned(
        world,
        bank,
        amount=amount,
        currency=currency,
        method="standard",
        automatic=True,
        description=DESCRIPTION,
        reconciliation_status="in_progress",
        source_balance=None,
        source_type="card",
        statement_descriptor=accounts.of(world).settings["payouts"].get("statement_descriptor"),
    )
    if kept:
        unpaid = [*unpaid, world.move(chart.keep_minimum(world.account, currency, kept), because=payout.id)]
    entry = payouts.taken(world, payout, available_on=midnight(date_of(world.now)) + DAY)
    if kept:
        world.move(chart.release_minimum(world.account, currency, kept), because=payout.id)
    payout = replace(
        payout,
        balance_transaction=entry.id,
        contains=[one.id for one in unpaid],
        left_out=[one.id for one in left_out],
        looked_through=entry.sequence,
    )
    payouts.begun(world, payout)


def unpaid_of(world: World, currency: str) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """What no automatic payout has contained yet of the payments balance: what is available, and what is not.

    An automatic payout's own movement is not among them.
    """
    mine = [Condition("account", "eq", world.account), Condition("automatic", "eq", True)]
    before = next(iter(world.select(Payout, [*mine, Condition("currency", "eq", currency)], limit=1)), None)
    since = before.looked_through if before is not None else 0
    of_currency = [Condition("owner", "eq", world.account), Condition("currency", "eq", currency)]
    new = world.ledger.entries([*of_currency, Condition("sequence", "gt", since)])
    older = world.ledger.entries([Condition("id", "in", before.left_out)]) if before is not None else []
    found = [entry for entry in (*older, *new) if entry.details["balance_type"] == "payments"]
    is_there = {entry.id: entry.details.get("available_on", entry.created) <= world.now for entry in found}
    return (
        [entry for entry in found if is_there[entry.id]],
        [entry for entry in found if not is_there[entry.id]],
    )


DUE = {"balances.automatic_payouts.run": run}
