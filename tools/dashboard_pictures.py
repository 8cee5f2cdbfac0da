"""The pictures of the dashboard in the README: a demo world with some days behind it, in a real Chromium.

python -m tools.dashboard_pictures     writes docs/screenshots/
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator import fixtures
from emulator.app import create_app
from emulator.cli.calling import http_client
from emulator.dashboard import formats
from emulator.first_steps import DEMO_KEY
from tests.browsers import browsing, chromium
from tests.dashboard.people import Person
from tests.serving import Served

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
SCRIPTS = "/_emulator/issuing/scripts"
BEGAN = 1_827_230_400  # Fri 26 Nov 2027, 12:00 UTC
HOUR = 3_600
QUALITY = 70
PURCHASES = (
    (20, "Blue Fig Coffee", "eating_places_restaurants", 12_90),
    (3, "Golden Gate Taxi", "taxicabs_limousines", 21_50),
    (15, "Cloudpress Hosting", "computer_network_services", 36_10),
    (6, "Tin Roof Hardware", "hardware_stores", 52_00),
    (19, "Flour Mill", "grocery_stores_supermarkets", 64_20),
    (2, "Gearbox Parts Online", "automotive_parts_and_accessories_stores", 48_90),
)


class Story:
    """The demo world, and what happens in it."""

    def __init__(self, http: Any, made: dict[str, Any]) -> None:
        self.http = http
        self.card = made["card"]["id"]
        http.auth, http.headers["Stripe-Account"] = (DEMO_KEY, ""), made["account"]["id"]
        self.account = made["financial_account"]["id"]

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        """One request, which must succeed."""
        reply = self.http.post(path, data=dict(formats.flat(params)))
        assert reply.status_code == 200, reply.text
        return reply.json()

    def buys(self, name: str, category: str, amount: int) -> dict[str, Any]:
        """One purchase."""
        return self.post(
            AUTHORIZATIONS, card=self.card, amount=amount, merchant_data={"name": name, "category": category}
        )

    def happens(self) -> None:
        """Some days."""
        limits = [{"amount": 800_00, "interval": "monthly"}]
        self.post(f"/v1/issuing/cards/{self.card}", spending_controls={"spending_limits": limits})
        for hours, name, category, amount in PURCHASES:
            self.post("/_emulator/clock", advance=hours * HOUR)
            bought = self.buys(name, category, amount)
            if amount != 52_00:
                self.post(f"{AUTHORIZATIONS}/{bought['id']}/capture")
        deposit = {"amount": 1_480_00, "currency": "usd", "financial_account": self.account, "network": "ach"}
        self.post("/v1/test_helpers/treasury/received_credits", **deposit)
        stay = {"amount": 240_00, "increment_amount": 65_00, "release_amount": 91_50}
        told = self.post(f"{SCRIPTS}/hotel", card=self.card, **stay)
        self.post("/_emulator/clock", advance=9 * HOUR)
        charged = next(one["id"] for one in told["objects"] if one["object"] == "issuing.transaction")
        self.post(f"/v1/test_helpers/issuing/transactions/{charged}/refund", refund_amount=38_00)
        self.buys("Lucky Sevens", "betting_casino_gambling", 20_00)
        self.post(f"{SCRIPTS}/ride", card=self.card)
        self.post("/_emulator/clock", advance=HOUR)
        self.buys("Blue Fig Coffee", "eating_places_restaurants", 10_00)


@contextmanager
def told() -> Iterator[tuple[str, str]]:
    """A server with that world; its address and the link into it."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Path(folder))
        with Served(app) as server:
            file = replace(fixtures.read(fixtures.shipped("demo")), settings={})
            with http_client(server.url) as http:
                http.post("/_emulator/clock", auth=(DEMO_KEY, ""), data={"set": BEGAN, "frozen": "true"})
                Story(http, fixtures.run(file, http, DEMO_KEY)).happens()
            yield server.url, f"{server.url}{app.emulator.dashboard.link()}"  # type: ignore[attr-defined]
        app.emulator.close()  # type: ignore[attr-defined]


def kept(person: Person, name: str) -> None:
    """A picture of what is on the screen."""
    person.tab.ask("Emulation.setScrollbarsHidden", hidden=True)
    shot = person.tab.ask("Page.captureScreenshot", format="webp", quality=QUALITY)
    (FOLDER / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))


def main() -> int:
    """Write the pictures."""
    program = chromium()
    if program is None:
        print("no Chromium is installed", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        told() as (url, link),
        browsing(program, Path(home)) as tab,
    ):
        person = Person(tab, "wide", "dark")
        person.open(link)
        person.reads("Overview", "Purchases today")
        kept(person, "overview")
        person = Person(tab, "wide")
        person.open(f"{url}/dashboard/terminal")
        person.types("amount", "440.00")
        person.press("Harbor View Hotel")
        person.press("Swipe")
        person.reads("Over the monthly limit")
        tab.run("scrollTo(0, 0)")
        kept(person, "terminal")
        person.goes_to("Financial accounts")
        person.press("•• 7340")
        person.reads("Statement of")
        kept(person, "financial-account")
        person = Person(tab, "narrow", "dark")
        person.open(f"{url}/dashboard/authorizations")
        person.press("Rocket Lodge")
        person.reads("What happened")
        kept(person, "purchase")
    return 0


if __name__ == "__main__":
    sys.exit(main())
