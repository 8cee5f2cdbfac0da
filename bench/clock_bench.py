"""Ninety days over open objects: what it costs to move a clock, with a thousand of them and with two thousand.

    python -m bench.clock_bench [--objects 1000] [--days 90] [--rounds 3] [--write]

A world is opened with purchases that nobody captures, at shops and at hotels, suspected ones whose cardholders are
asked whether they made them, and transfers on their way out, some of which come back; made over twenty hours. Then the
clock moves on in one call. What falls due on the way is done one after the other, each in a step of its own at its own
time; each is counted, and the second world has twice as many. Time is the processor's, and the least of all rounds, so
that what else the machine does counts for little.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask

from bench.http_bench import HOLDER, machine, write
from emulator.app import create_app

DAY = 86_400
HELPERS = "/v1/test_helpers"
SPREAD = 20  # hours over which the objects are made
HOTEL = {"merchant_data[category]": "hotels_motels_and_resorts"}
SUSPECTED = {"risk_assessment[fraud_risk][level]": "highest"}
UNLIMITED = {"spending_controls[spending_limits]": ""}
CONNECTED = {
    "country": "US",
    "controller[fees][payer]": "application",
    "controller[losses][payments]": "application",
    "controller[requirement_collection]": "application",
    "controller[stripe_dashboard][type]": "none",
    **{f"capabilities[{name}][requested]": "true" for name in ("treasury", "card_issuing", "transfers")},
}


class Client:
    """Sends forms to an application in this process."""

    def __init__(self, app: Flask, key: str, account: str | None = None) -> None:
        self.http = app.test_client()
        self.headers = {"Authorization": f"Bearer sk_test_{key}"} | ({"Stripe-Account": account} if account else {})

    def post(self, path: str, **form: Any) -> dict[str, Any]:
        """A request that must succeed; its JSON."""
        answer = self.http.post(path, data=form, headers=self.headers)
        assert answer.status_code == 200, answer.data
        return answer.get_json()

    def get(self, path: str) -> dict[str, Any]:
        """The same for a reading one."""
        return self.http.get(path, headers=self.headers).get_json()


class Measured(NamedTuple):
    """One world: its open objects, how many things fell due, and how long the clock took."""

    objects: int
    due: int
    seconds: float

    @property
    def each_ms(self) -> float:
        """What one thing that falls due costs."""
        return self.seconds / self.due * 1000


def opened(app: Flask, key: str, objects: int) -> Client:
    """A world with so many open objects, on a frozen clock."""
    platform = Client(app, key)
    platform.post("/_emulator/clock", frozen="true")
    platform.post("/_emulator/settings", fraud_challenges="true", progress_seconds=3 * DAY)
    account = platform.post("/v1/accounts", **CONNECTED)["id"]
    client = Client(app, key, account)
    flags = {"features[card_issuing][requested]": "true", "features[financial_addresses][aba][requested]": "true"}
    flags |= {"features[outbound_transfers][ach][requested]": "true"}
    cash = client.post("/v1/treasury/financial_accounts", **{"supported_currencies[]": "usd", **flags})["id"]
    given = {"financial_account": cash, "currency": "usd", "network": "ach"}
    client.post(f"{HELPERS}/treasury/received_credits", amount=99_000_000, **given)
    holder = client.post("/v1/issuing/cardholders", **HOLDER)["id"]
    wanted = {"cardholder": holder, "currency": "usd", "type": "virtual", "status": "active"}
    card = client.post("/v1/issuing/cards", financial_account=cash, **wanted, **UNLIMITED)["id"]
    for number, kind in zip(range(objects), itertools.cycle(KINDS), strict=False):
        if number and number % max(1, objects // SPREAD) == 0:
            platform.post("/_emulator/clock", advance=3600)
        kind(client, card, cash)
    return platform


def purchase(client: Client, card: str, cash: str) -> None:
    """Held for seven days."""
    client.post(f"{HELPERS}/issuing/authorizations", card=card, amount=1_00)


def hotel(client: Client, card: str, cash: str) -> None:
    """Held for 31 days."""
    client.post(f"{HELPERS}/issuing/authorizations", card=card, amount=1_00, **HOTEL)


def suspected(client: Client, card: str, cash: str) -> None:
    """Whoever is asked has a day."""
    client.post(f"{HELPERS}/issuing/authorizations", card=card, amount=1_00, **SUSPECTED)


def transfer(client: Client, card: str, cash: str) -> None:
    """On its way for three days."""
    to = {"destination_payment_method": "pm_usBankAccount"}
    client.post("/v1/treasury/outbound_transfers", financial_account=cash, amount=1_00, currency="usd", **to)


def returned(client: Client, card: str, cash: str) -> None:
    """The same, and then it comes back."""
    to = {"destination_payment_method": "pm_usBankAccount_noAccount"}
    client.post("/v1/treasury/outbound_transfers", financial_account=cash, amount=1_00, currency="usd", **to)


KINDS = (purchase, hotel, suspected, transfer, purchase, returned)


def moved(app: Flask, key: str, objects: int, days: int, begun: Callable[[], object] = int) -> Measured:
    """Open a world and move its clock; `begun` is called in between."""
    platform = opened(app, key, objects)
    begun()
    tenant = app.emulator.tenants.open(key)  # type: ignore[attr-defined]
    done: Counter[str] = Counter()
    due = dict(tenant.catalog.due)
    for name, action in due.items():
        tenant.catalog.due[name] = counting(done, name, action)
    try:
        began = time.process_time()
        platform.post("/_emulator/clock", advance=days * DAY)
        seconds = time.process_time() - began
    finally:
        tenant.catalog.due.update(due)
    left = platform.get("/_emulator/due")["data"]
    assert not left, left
    return Measured(objects, done.total(), seconds)


def counting(done: Counter[str], name: str, action: Any) -> Any:
    """A due action that is counted."""

    def counted(world: Any, about: str, **details: Any) -> None:
        done[name] += 1
        action(world, about, **details)

    return counted


def table(rows: list[Measured], days: int) -> str:
    """The figures, and how much more each cost in the larger world."""
    small, large = rows
    lines = [f"| {row.objects:,} | {row.due:,} | {row.seconds:.2f} s | {row.each_ms:.2f} ms |" for row in rows]
    ratio = large.seconds / small.seconds
    return "\n".join(
        [
            f"{machine()}; {days} days in one call.",
            "",
            "| open objects | fall due | the clock took | each |",
            "| ---: | ---: | ---: | ---: |",
            *lines,
            "",
            f"Twice the objects: {ratio:.2f} × the time (linear is {large.due / small.due:.2f}; aim ≤ 1.15 × that).",
            "",
        ]
    )


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--objects", type=int, default=1_000)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true", help="also into docs/performance.md")
    chosen = options.parse_args()
    sizes = (chosen.objects, 2 * chosen.objects)
    with tempfile.TemporaryDirectory() as name:
        app = create_app(Path(name))
        found: dict[int, list[Measured]] = {size: [] for size in sizes}
        for round in range(chosen.rounds):
            for size in sizes:
                found[size].append(moved(app, f"clock{size}x{round}", size, chosen.days))
        app.emulator.close()  # type: ignore[attr-defined]
    rows = [Measured(size, some[0].due, min(one.seconds for one in some)) for size, some in found.items()]
    report = table(rows, chosen.days)
    print(report)
    if chosen.write:
        write(report, "clock bench")


if __name__ == "__main__":
    main()
