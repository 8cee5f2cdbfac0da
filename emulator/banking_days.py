"""Days on which banks settle: weekdays that are no holidays of the Federal Reserve; and when on them money moves.

A holiday on a Saturday leaves the Friday before a banking day, unlike the calendar of the federal government. Hours are
those of New York, which are an hour earlier in UTC while daylight is saved there.
Source: https://www.frbservices.org/about/holiday-schedules, https://docs.stripe.com/treasury/money-movement/timelines
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from emulator.kernel.dates import date_of, midnight

BANK_TIME = "America/New_York"
OPENING = time(8, 30)  # when the Federal Reserve settles what was sent overnight over ACH
# Until when money is sent out the same day, in bank time, and how many banking days later it arrives.
CUTOFFS = {"ach": time(20, 30), "us_domestic_wire": time(17, 0)}
DAYS_ON_THE_WAY = {"ach": 1, "us_domestic_wire": 0}
DAYS_TO_COLLECT = 4  # until money is there that a bank was asked for
DAYS_TO_RETURN = 2  # within which the other bank returns what it does not take, by the rules of ACH


def is_banking_day(day: date) -> bool:
    """Whether banks settle on that day."""
    from holidays import financial_holidays  # 20 ms that only those pay who ask for a date

    return day.weekday() < 5 and day not in financial_holidays("FED", years=day.year)


def midnight_after(moment: int, banking_days: int) -> int:
    """Midnight UTC at the start of the day that many banking days after the UTC date of `moment`; unix seconds."""
    return midnight(days_after(date_of(moment), banking_days))


def arrival(moment: int, network: str) -> int:
    """Midnight UTC of the day on which money sent at `moment` arrives; unix seconds.

    Over the stripe network that is the UTC date of `moment`. Banks send it out on the same banking day before their
    cutoff, else on the next one.
    """
    if network == "stripe":
        return midnight(date_of(moment))
    return midnight(days_after(submission(moment, network), DAYS_ON_THE_WAY[network]))


def sent_out(moment: int, network: str) -> int:
    """When a bank gives what it was told at `moment` to its network: at the cutoff of that day; unix seconds."""
    return bank_time(submission(moment, network), CUTOFFS[network])


def collected(moment: int, network: str) -> int:
    """When money is there that a bank was asked for at `moment`: as banks open on its day; unix seconds."""
    return bank_time(days_after(submission(moment, network), DAYS_TO_COLLECT), OPENING)


def opening(moment: int, banking_days: int = 0) -> int:
    """When banks open that many banking days after the UTC date of `moment`, which stands for a date; unix seconds."""
    return bank_time(days_after(date_of(moment), banking_days), OPENING)


def submission(moment: int, network: str) -> date:
    """The banking day on which a bank sends out what it was told at `moment`."""
    here = datetime.fromtimestamp(moment, ZoneInfo(BANK_TIME))
    day = here.date() if here.time() < CUTOFFS[network] else here.date() + timedelta(days=1)
    return day if is_banking_day(day) else days_after(day, 1)


def bank_time(day: date, hour: time) -> int:
    """An hour of a day in New York; unix seconds."""
    return int(datetime.combine(day, hour, ZoneInfo(BANK_TIME)).timestamp())


def days_after(day: date, banking_days: int) -> date:
    """The day that many banking days after a day."""
    while banking_days:
        day += timedelta(days=1)
        banking_days -= is_banking_day(day)
    return day
