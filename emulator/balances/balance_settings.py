"""Balance settings: when and how an account's payments balance is paid out. One record with the account's own settings.

Whatever is said here shows in `settings.payouts` of the account, and the other way round; both are told.
Source: https://docs.stripe.com/api/balance_settings
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from emulator.balances import automatic_payouts, payouts
from emulator.connect import payout_schedule
from emulator.connect.account_params import SHORTEST_DELAY_DAYS, WORKDAYS
from emulator.connect.records import accounts
from emulator.connect.records.accounts import ANCHORS, Account
from emulator.connect.shapes import group, group_of
from emulator.kernel.errors import invalid, missing, unbuilt
from emulator.kernel.params import Boolean, ByCurrency, Enum, Hash, Integer, List, Params, String
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST
from emulator.kernel.world import World

PATH = "payments[payouts]"


@dataclass(frozen=True)
class BalanceSettings:
    """What an account's settings say of its balance. Not kept by itself: replies and events show it."""

    object: ClassVar[str] = "balance_settings"
    is_stored: ClassVar[bool] = False
    embeds: ClassVar[tuple[str, ...]] = ()

    account: Account

    def render(self, world: World) -> dict[str, Any]:
        """The object of the API, which has no id. The days are there that the interval has."""
        said = self.account.settings.get("payouts", {})
        schedule = {**payout_schedule.USUAL, **said.get("schedule", {})}
        shown = {"interval": schedule["interval"]}
        if schedule["interval"] in ANCHORS:
            shown[ANCHORS[schedule["interval"]][1]] = payout_schedule.days(schedule)
        timing = {"delay_days": schedule["delay_days"]}
        if "delay_days" in said.get("schedule", {}):
            timing["delay_days_override"] = schedule["delay_days"]
        return {
            "object": self.object,
            "payments": {
                "debit_negative_balances": self.account.debits_negative_balances,
                "payouts": {
                    "automatic_transfer_rules_by_currency": None,
                    "minimum_balance_by_currency": said.get("minimum_balance_by_currency") or None,
                    "schedule": shown,
                    "statement_descriptor": said.get("statement_descriptor"),
                    "status": "enabled" if payouts.is_enabled(world) else "disabled",
                },
                "settlement_timing": timing,
            },
        }


# What may be sent


RuleParams = group_of(
    payout_method=String(required=True),
    transfer_up_to_amount=Integer(minimum=1),
    type=Enum(("transfer_all", "transfer_up_to_amount"), required=True),
)


class PayoutsParams(Params):
    """When the balance is paid out, and what stays."""

    automatic_transfer_rules_by_currency = ByCurrency(List(Hash(RuleParams), unset=True), unset=True)
    minimum_balance_by_currency = ByCurrency(Integer(minimum=0, maximum=99_999_999, unset=True), unset=True)
    schedule = group(
        interval=Enum(("daily", "manual", "monthly", "weekly")),
        monthly_payout_days=List(Integer(minimum=1, maximum=31)),
        weekly_payout_days=List(Enum(WORKDAYS)),
    )
    statement_descriptor = String(max_length=22)


class UpdateParams(Params):
    """What may change."""

    payments = group(
        debit_negative_balances=Boolean(),
        payouts=Hash(PayoutsParams),
        settlement_timing=group(
            delay_days_override=Integer(minimum=0, maximum=31, unset=True),
            start_of_day=Hash(
                group_of(
                    hour=Integer(minimum=0, maximum=23), minutes=Integer(minimum=0, maximum=59), timezone=String()
                ),
                unset=True,
            ),
        ),
    )


# What happens


def retrieve(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The acting account's balance settings."""
    return world.render(BalanceSettings(accounts.of(world)))


def update(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Change the acting account's balance settings; what is not sent stays.

    400 for a schedule without its days, for fewer days of delay than there can be, and for a start of day between two
    half hours; 501 for rules that transfer to financial accounts of API v2, and for a start of day, which nothing here
    would follow.
    """
    old = accounts.of(world)
    new = replace(old, settings={**old.settings, "payouts": after(old, params.get("payments", {}))})
    accounts.save(world, new)
    world.emit("account.updated", new, before=old)
    follow(world, old)
    return retrieve(world, {})


def after(account: Account, sent: dict[str, Any]) -> dict[str, Any]:
    """`settings.payouts` of an account after what was sent."""
    said = dict(account.settings.get("payouts", {}))
    schedule = dict(said.get("schedule", {}))
    about, timing = sent.get("payouts", {}), sent.get("settlement_timing", {})
    if about.get("automatic_transfer_rules_by_currency"):
        raise unbuilt(
            "This emulator has no financial accounts of API v2 to transfer to.",
            param=f"{PATH}[automatic_transfer_rules_by_currency]",
        )
    if timing.get("start_of_day"):
        raise unbuilt(
            "In this emulator days start at midnight UTC for everybody.",
            param="payments[settlement_timing][start_of_day]",
        )
    if "schedule" in about:
        payout_schedule.refuse(schedule, about["schedule"], f"{PATH}[schedule]", asks_for=1)
        for name, days in about["schedule"].items():
            if days == []:
                raise missing(f"{PATH}[schedule][{name}]")
        schedule = payout_schedule.agreed(schedule, about["schedule"])
    if "delay_days_override" in timing:
        schedule.pop("delay_days", None)
        override = timing["delay_days_override"]
        if override is not None:
            if override < SHORTEST_DELAY_DAYS:
                raise invalid(
                    f"The delay of this account can be {SHORTEST_DELAY_DAYS} days at least.",
                    param="payments[settlement_timing][delay_days_override]",
                )
            schedule["delay_days"] = override
    said["schedule"] = schedule
    if "minimum_balance_by_currency" in about:
        stated = about["minimum_balance_by_currency"]
        both = {} if stated is None else {**said.get("minimum_balance_by_currency", {}), **stated}
        said["minimum_balance_by_currency"] = {name: least for name, least in both.items() if least}
    if "statement_descriptor" in about:
        said["statement_descriptor"] = about["statement_descriptor"]
    if "debit_negative_balances" in sent:
        said["debit_negative_balances"] = sent["debit_negative_balances"]
    return said


def follow(world: World, old: Account | None) -> None:
    """The acting account's payout settings have changed, `old` being the account before: tell it, and wait for the
    next day of the schedule."""
    if old is not None:
        world.emit("balance_settings.updated", BalanceSettings(accounts.of(world)), before=BalanceSettings(old))
    automatic_payouts.arm(world)


WHEN = {"account.payouts_changed": follow}
ROUTES = [
    GET("/v1/balance_settings", retrieve),
    POST("/v1/balance_settings", update, UpdateParams),
]
