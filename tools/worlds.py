"""The larger worlds of fixtures/, written from a few lines each: `python -m tools.worlds`.

They are files in the Stripe CLI's fixture syntax, so that anybody can read, change and run them; a test says that they
are what this page makes of them. Chance has a seed, and time passes by test clocks, which move the world.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent.parent / "fixtures"
HELPERS = "/v1/test_helpers/issuing"
DAY = 86_400
CLOCK_BEGINS = 1_700_000_000  # a test clock's own time; the world moves by the same spans
CONTROLLER = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "application",
    "stripe_dashboard": {"type": "none"},
}
TERMS = {"date": 1_700_000_000, "ip": "203.0.113.7"}
SAN_FRANCISCO = {"city": "San Francisco", "state": "CA", "country": "US"}


class Merchant(NamedTuple):
    """Who sells: a name, a category, where, and what people spend there, from and to, in cents."""

    name: str
    category: str
    spent: tuple[int, int]
    city: str = "San Francisco"
    state: str | None = "CA"
    country: str = "US"

    @property
    def data(self) -> dict[str, Any]:
        """`merchant_data` of a test authorization."""
        place = {"city": self.city, "state": self.state, "country": self.country}
        return {"name": self.name, "category": self.category} | {key: value for key, value in place.items() if value}


MERCHANTS = (
    Merchant("Rocket Bakery", "bakeries", (4_50, 38_00)),
    Merchant("Blue Bottle Noodles", "eating_places_restaurants", (14_00, 96_00)),
    Merchant("Corner Market", "grocery_stores_supermarkets", (8_00, 140_00)),
    Merchant("Taxi Taxi", "taxicabs_limousines", (9_00, 64_00)),
    Merchant("Paper & Toner", "stationery_stores_office_and_school_supply_stores", (12_00, 180_00)),
    Merchant("Cloudy Hosting", "computer_network_services", (20_00, 220_00)),
    Merchant("Byte & Sons", "computer_software_stores", (15_00, 190_00)),
    Merchant("Harbor Fuel", "service_stations", (30_00, 95_00)),
    Merchant("Bridge Parking", "parking_lots_garages", (6_00, 32_00)),
    Merchant("Postal Depot", "postal_services_government_only", (5_00, 45_00)),
)
CASINO = Merchant("Lucky Sevens", "betting_casino_gambling", (50_00, 200_00), "Las Vegas", "NV")
FIRST_NAMES = ("Ada", "Ben", "Cora", "Dan", "Eve", "Finn", "Gia", "Hugo", "Ida", "Jon", "Kim", "Leo", "Mia", "Nils")
LAST_NAMES = ("Archer", "Baker", "Carter", "Dyer", "Fisher", "Glover", "Hunter", "Joiner", "Mason", "Potter")


class Made(NamedTuple):
    """A step whose reply later ones use: `made.id`, and other members by `made.of("transactions.0.id")`."""

    name: str
    account: str | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return self.of("id")

    def of(self, path: str) -> str:
        """A member of its reply."""
        return f"${{{self.name}:{path}}}"


class World:
    """The steps of a file, in the order in which they were written down. Names get a prefix, so that worlds add up."""

    def __init__(self, prefix: str = "", steps: list[dict[str, Any]] | None = None) -> None:
        self.prefix = prefix
        self.steps: list[dict[str, Any]] = [] if steps is None else steps
        self.counts: dict[str, int] = {}

    def post(self, name: str, path: str, on: str | None = None, /, **params: Any) -> Made:
        """A request, for the account `on`. A name that was there already gets a number."""
        return self.sent("post", name, path, on, params)

    def sent(self, method: str, name: str, path: str, on: str | None, params: dict[str, Any], **more: Any) -> Made:
        """A request of any method. `more` are other members of a step."""
        count = self.counts[name] = self.counts.get(name, 0) + 1
        made = Made(self.prefix + name + (f"_{count}" if count > 1 else ""), on)
        step = {"name": made.name, "path": path, "method": method}
        if on is not None:
            step["headers"] = {"Stripe-Account": on}
        if params:
            step["params"] = params
        self.steps.append(step | more)
        return made

    # What worlds are made of

    def company(self, name: str, **params: Any) -> Made:
        """A connected account that may issue cards and have financial accounts."""
        return self.post(
            "account",
            "/v1/accounts",
            country="US",
            email=f"{name.lower().replace(' ', '.')}@example.com",
            business_type="company",
            business_profile={"name": name},
            controller=CONTROLLER,
            capabilities={one: {"requested": True} for one in ("treasury", "card_issuing", "transfers")},
            **params,
        )

    def financial_account(self, account: Made, cash: int) -> Made:
        """A financial account with everything switched on, and money on it."""
        flows = {"ach": {"requested": True}, "us_domestic_wire": {"requested": True}}
        made = self.post(
            "financial_account",
            "/v1/treasury/financial_accounts",
            account.id,
            supported_currencies=["usd"],
            features={
                "card_issuing": {"requested": True},
                "deposit_insurance": {"requested": True},
                "financial_addresses": {"aba": {"requested": True}},
                "inbound_transfers": {"ach": {"requested": True}},
                "intra_stripe_flows": {"requested": True},
                "outbound_payments": flows,
                "outbound_transfers": flows,
            },
        )
        self.deposit(made, cash)
        return made

    def deposit(self, financial_account: Made, amount: int) -> Made:
        """A bank sends money."""
        return self.post(
            "deposit",
            "/v1/test_helpers/treasury/received_credits",
            financial_account.account,
            financial_account=financial_account.id,
            amount=amount,
            currency="usd",
            network="ach",
        )

    def person(self, name: str, on: str | None, **params: Any) -> Made:
        """A cardholder."""
        first, _, last = name.partition(" ")
        return self.post(
            "cardholder",
            "/v1/issuing/cardholders",
            on,
            type="individual",
            name=name,
            email=f"{first}.{last}@example.com".lower(),
            phone_number="+18008675309",
            individual={
                "first_name": first,
                "last_name": last,
                "dob": {"day": 1, "month": 11, "year": 1981},
                "card_issuing": {"user_terms_acceptance": TERMS},
            },
            billing={"address": {"line1": "123 Main Street", **SAN_FRANCISCO, "postal_code": "94111"}},
            **params,
        )

    def card(self, holder: Made, financial_account: Made | None = None, **params: Any) -> Made:
        """An active virtual card."""
        on = {} if financial_account is None else {"financial_account": financial_account.id}
        return self.post(
            "card",
            "/v1/issuing/cards",
            holder.account,
            **{"cardholder": holder.id, "currency": "usd", "type": "virtual", "status": "active", **on, **params},
        )

    def asked(self, card: Made, amount: int, merchant: Merchant, **params: Any) -> Made:
        """A merchant asks for an amount; it may be declined."""
        return self.post(
            "purchase",
            f"{HELPERS}/authorizations",
            card.account,
            card=card.id,
            amount=amount,
            merchant_data=merchant.data,
            **params,
        )

    def helped(self, what: str, authorization: Made, **params: Any) -> Made:
        """A test helper of an authorization: `capture`, `increment`, `reverse`, `expire`."""
        path = f"{HELPERS}/authorizations/{authorization.id}/{what}"
        return self.post(what, path, authorization.account, **params)

    def perhaps(self, what: str, authorization: Made) -> Made:
        """The same where the authorization may have been declined, of which there is nothing to capture."""
        path = f"{HELPERS}/authorizations/{authorization.id}/{what}"
        return self.sent("post", what, path, authorization.account, {}, expected_error_type="invalid_request_error")

    def bought(self, card: Made, amount: int, merchant: Merchant, **params: Any) -> Made:
        """A purchase that is captured."""
        return self.helped("capture", self.asked(card, amount, merchant), **params)

    def refunded(self, captured: Made, amount: int | None = None) -> Made:
        """A part of a purchase, or all of it, given back."""
        params = {} if amount is None else {"refund_amount": amount}
        path = f"{HELPERS}/transactions/{captured.of('transactions.0.id')}/refund"
        return self.post("refund", path, captured.account, **params)

    def clock(self) -> Callable[[int], None]:
        """A function that lets a number of days pass."""
        made = self.post(
            "clock", "/v1/test_helpers/test_clocks", frozen_time=CLOCK_BEGINS, name="what has happened so far"
        )
        passed = 0

        def walk(days: int) -> None:
            nonlocal passed
            passed += days
            path = f"/v1/test_helpers/test_clocks/{made.id}/advance"
            self.post("day", path, frozen_time=CLOCK_BEGINS + passed * DAY)

        return walk


# The worlds


def funded_platform(world: World) -> None:
    """a platform's own cards: an Issuing balance topped up twice, a person, a company, two cards, five purchases"""
    world.post("funding", f"{HELPERS}/fund_balance", amount=10_000_00, currency="usd")
    world.post(
        "top_up", "/v1/topups", amount=2_500_00, currency="usd", destination_balance="issuing", description="Cards"
    )
    holder = world.person("Jenny Rosen", None)
    company = world.post(
        "company",
        "/v1/issuing/cardholders",
        type="company",
        name="Rocket Bakery",
        email="cards@example.com",
        phone_number="+18008675309",
        billing={"address": {"line1": "1 Main Street", **SAN_FRANCISCO, "postal_code": "94111"}},
    )
    hers = world.card(holder)
    world.card(company, spending_controls={"spending_limits": [{"amount": 2_000_00, "interval": "monthly"}]})
    bakery, noodles, *_ = MERCHANTS
    world.refunded(world.bought(hers, 28_50, bakery), 8_50)
    world.bought(hers, 64_00, noodles)
    world.asked(hers, 19_00, MERCHANTS[3])
    world.asked(hers, 900_00, MERCHANTS[5])  # above what a card may spend a day where nothing is said


TEAMS = (
    ("Engineering", ("Ada Archer", "Ben Baker"), 1_500_00, None, (5, 6, 4)),
    ("Sales", ("Cora Carter", "Dan Dyer"), 2_500_00, None, (1, 3, 8)),
    ("Office", ("Eve Fisher", "Finn Glover"), 600_00, ["bakeries", "grocery_stores_supermarkets"], (0, 2)),
)


def expense_management(world: World) -> None:
    """a company with three teams: limits by month and by purchase, allowed and blocked categories, declines"""
    account = world.company("Rocket Rides")
    there = world.financial_account(account, 25_000_00)
    for team, people, monthly, allowed, shops in TEAMS:
        for person in people:
            holder = world.person(person, account.id, metadata={"team": team})
            only = {"allowed_categories": allowed} if allowed else {"blocked_categories": [CASINO.category]}
            card = world.card(
                holder,
                there,
                metadata={"team": team},
                spending_controls={
                    **only,
                    "spending_limits": [
                        {"amount": monthly, "interval": "monthly"},
                        {"amount": monthly // 2, "interval": "per_authorization"},
                    ],
                },
            )
            for number, shop in enumerate(shops, 1):
                world.bought(card, monthly * number // 12, MERCHANTS[shop])
            world.asked(card, monthly // 3, MERCHANTS[shops[0]])
            world.asked(card, monthly * 3 // 5, MERCHANTS[shops[0]])  # above the limit of one purchase
        world.asked(card, 80_00, CASINO)  # a category that is blocked, or not allowed


def restricted(world: World) -> None:
    """what may not pay: outbound flows restricted, a card inactive, a cardholder blocked, an account rejected"""
    account = world.company("Frozen Foods")
    there = world.financial_account(account, 1_000_00)
    card = world.card(world.person("Gia Hunter", account.id), there)
    world.bought(card, 40_00, MERCHANTS[2])
    path = f"/v1/treasury/financial_accounts/{there.id}"
    world.post("restriction", path, account.id, platform_restrictions={"outbound_flows": "restricted"})
    world.asked(card, 40_00, MERCHANTS[2])

    resting = world.card(world.person("Ida Mason", account.id), there, status="inactive")
    world.asked(resting, 40_00, MERCHANTS[2])

    blocked = world.person("Hugo Joiner", account.id)
    his = world.card(blocked, there)
    world.post("block", f"/v1/issuing/cardholders/{blocked.id}", account.id, status="inactive")
    world.asked(his, 40_00, MERCHANTS[2])

    gone = world.company("Gone Fishing")
    world.financial_account(gone, 100_00)
    world.post("rejection", f"/v1/accounts/{gone.id}/reject", reason="terms_of_service")


EVIDENCE: dict[str, dict[str, Any]] = {
    "fraudulent": {"explanation": "I was never there."},
    "canceled": {
        "canceled_at": 1_700_000_000,
        "cancellation_policy_provided": False,
        "expected_at": 1_700_500_000,
        "explanation": "Canceled by telephone.",
        "product_type": "service",
    },
    "duplicate": {"explanation": "Charged twice."},
    "merchandise_not_as_described": {
        "explanation": "It was a toaster.",
        "received_at": 1_700_000_000,
        "return_description": "Sent back the next day.",
        "return_status": "successful",
        "returned_at": 1_700_100_000,
    },
    "not_received": {
        "expected_at": 1_700_000_000,
        "explanation": "Nothing came.",
        "product_description": "A box of paper",
        "product_type": "merchandise",
    },
    "other": {"explanation": "The price was another one.", "product_type": "service"},
}


def disputes(world: World) -> None:
    """a dispute in every state: unsubmitted for each reason, submitted, won, lost, and one never submitted"""
    account = world.company("Quarrel Quarries")
    there = world.financial_account(account, 5_000_00)
    card = world.card(
        world.person("Jon Potter", account.id),
        there,
        spending_controls={"spending_limits": [{"amount": 5_000_00, "interval": "daily"}]},
    )

    def disputed(reason: str, evidence: dict[str, Any], name: str) -> Made:
        captured = world.bought(card, 100_00, MERCHANTS[4])
        return world.post(
            name,
            "/v1/issuing/disputes",
            account.id,
            treasury={"received_debit": captured.of("treasury.received_debits.0")},
            evidence={"reason": reason, reason: evidence},
        )

    walk = world.clock()
    disputed("fraudulent", {"explanation": "Nobody sends this."}, "expired")
    walk(120)
    world.deposit(there, 1_000_00)
    for reason, evidence in EVIDENCE.items():
        disputed(reason, evidence, f"unsubmitted_{reason}")
    for name, explanation in (
        ("submitted", "I was never there."),
        ("won", "winning_evidence"),
        ("lost", "losing_evidence"),
    ):
        dispute = disputed("fraudulent", {"explanation": explanation}, name)
        world.post(f"{name}_submit", f"/v1/issuing/disputes/{dispute.id}/submit", account.id)


HOTEL = Merchant("Hotel Fuentes", "hotels_motels_and_resorts", (0, 0), "Madrid", None, "ES")
AIRLINE = Merchant("Windward Air", "airlines_air_carriers", (0, 0))
PUMP = Merchant("Harbor Fuel", "automated_fuel_dispensers", (0, 0))
RENTAL = Merchant("Wheels & Deals", "car_rental_agencies", (0, 0))


def travel(world: World) -> None:
    """on the road: a hotel that adds nights, a flight, a fuel pump, a tip, a car given back early, a taxi abroad"""
    account = world.company("Grand Tours")
    there = world.financial_account(account, 15_000_00)
    card = world.card(
        world.person("Kim Archer", account.id),
        there,
        spending_controls={"spending_limits": [{"amount": 10_000_00, "interval": "weekly"}]},
    )
    stay = world.asked(card, 600_00, HOTEL, is_amount_controllable=False)
    world.helped("increment", stay, increment_amount=200_00)
    world.helped("capture", stay, capture_amount=742_00, purchase_details={"lodging": {"nights": 4}})
    flight = world.asked(card, 380_00, AIRLINE)
    world.helped(
        "capture",
        flight,
        purchase_details={
            "flight": {
                "passenger_name": "Kim Archer",
                "refundable": False,
                "segments": [
                    {
                        "arrival_airport_code": "MAD",
                        "carrier": "WA",
                        "departure_airport_code": "SFO",
                        "flight_number": "WA12",
                        "service_class": "economy",
                        "stopover_allowed": False,
                    }
                ],
            }
        },
    )
    pump = world.asked(card, 1_00, PUMP, authorization_method="chip", is_amount_controllable=True)
    fuel = {"type": "unleaded_regular", "unit": "us_gallon", "quantity_decimal": "12.5", "unit_cost_decimal": "467.2"}
    world.helped("finalize_amount", pump, final_amount=58_40, fuel=fuel)
    world.helped("capture", pump, purchase_details={"fuel": fuel})
    dinner = world.asked(card, 80_00, MERCHANTS[1])
    world.helped("capture", dinner, capture_amount=95_00)  # with the tip
    car = world.bought(card, 240_00, RENTAL)
    world.refunded(car, 60_00)
    world.asked(card, 31_50, Merchant("Taxi Sol", "taxicabs_limousines", (0, 0), "Madrid", None, "ES"))


def month(world: World) -> None:
    """a month of spending: fifty cardholders, some hundred purchases on thirty days, captures, refunds, declines"""
    chance = random.Random(12111)
    account = world.company("Busy Bees")
    there = world.financial_account(account, 80_000_00)
    names = [f"{first} {last}" for last in LAST_NAMES for first in FIRST_NAMES]
    cards = []
    for name in chance.sample(names, 50):
        holder = world.person(name, account.id)
        limit = {"amount": chance.choice((300_00, 600_00, 1_200_00)), "interval": "monthly"}
        controls = {"spending_limits": [limit], "blocked_categories": [CASINO.category]}
        cards.append(world.card(holder, there, spending_controls=controls))
    walk = world.clock()
    for day in range(30):
        for _ in range(chance.randint(6, 14)):
            merchant = chance.choice(MERCHANTS) if chance.random() > 0.03 else CASINO
            method = chance.choice(("chip", "contactless", "online", "swipe"))
            amount = chance.randint(*merchant.spent)
            purchase = world.asked(chance.choice(cards), amount, merchant, authorization_method=method)
            if day < 28 and chance.random() < 0.9:  # the newest are still open
                world.perhaps("capture" if chance.random() < 0.97 else "reverse", purchase)
        if day % 7 == 6:
            world.deposit(there, chance.randint(2_000, 6_000) * 1_00)
        walk(1)


def onboarding(world: World) -> None:
    """onboarding in trouble: nothing told yet, an address and a number that do not match, one that is through"""
    wanted = {one: {"requested": True} for one in ("treasury", "card_issuing", "transfers")}
    told = {
        "business_profile": {
            "annual_revenue": {"amount": 0, "currency": "usd", "fiscal_year_end": "2025-12-31"},
            "estimated_worker_count": 1,
            "mcc": "5734",
            "name": "Rocket Rides",
            "product_description": "Rides",
            "url": "https://accessible.stripe.com",
        },
        "settings": {"card_issuing": {"tos_acceptance": TERMS}, "treasury": {"tos_acceptance": TERMS}},
        "tos_acceptance": TERMS,
    }

    def individual(name: str, line1: str, id_number: str, dob: dict[str, int]) -> dict[str, Any]:
        first, _, last = name.partition(" ")
        return {
            "address": {"line1": line1, **SAN_FRANCISCO, "postal_code": "94111"},
            "dob": dob,
            "email": f"{first}@example.com".lower(),
            "first_name": first,
            "id_number": id_number,
            "last_name": last,
            "phone": "0000000000",
        }

    verified = {"day": 1, "month": 1, "year": 1902}
    for email, more in (
        ("nothing.told@example.com", {}),
        (
            "address.wrong@example.com",
            {**told, "individual": individual("Leo Baker", "address_no_match", "222222222", verified)},
        ),
        (
            "number.wrong@example.com",
            {**told, "individual": individual("Mia Carter", "address_full_match", "111111111", verified)},
        ),
        (
            "all.well@example.com",
            {**told, "individual": individual("Nils Dyer", "address_full_match", "222222222", verified)},
        ),
    ):
        world.post(
            "account",
            "/v1/accounts",
            **{
                "country": "US",
                "email": email,
                "business_type": "individual",
                "controller": CONTROLLER,
                "capabilities": wanted,
                **more,
            },
        )


AGENTS = (
    ("Research agent", MERCHANTS[6], 50_00),
    ("Travel agent", HOTEL, 400_00),
    ("Shopping agent", MERCHANTS[2], 120_00),
)


def agents(world: World) -> None:
    """agents that pay: a card for each task, canceled after one payment, with a budget and one category"""
    account = world.company("Helpful Agents")
    there = world.financial_account(account, 3_000_00)
    owner = world.person("Olga Glover", account.id)
    for agent, merchant, budget in AGENTS:
        for task, share in (("done", 0.8), ("over budget", 1.1), ("waiting", 0)):
            card = world.card(
                owner,
                there,
                lifecycle_controls={"cancel_after": {"payment_count": 1}},
                metadata={"agent": agent, "task": task},
                spending_controls={
                    "allowed_categories": [merchant.category],
                    "spending_limits": [{"amount": budget, "interval": "all_time"}],
                },
            )
            if share:
                purchase = world.asked(card, int(budget * share), merchant)
                world.perhaps("capture", purchase)
            if task == "done":
                world.asked(card, 1_00, merchant)  # a second one, with a card that is gone


def everything(world: World) -> None:
    """everything at once: all the worlds above that are in the US, as so many accounts of one platform"""
    for name, build in WORLDS.items():
        if build is not everything and name not in OF_THEIR_OWN:
            build(World(f"{name}_", world.steps))


WORLDS: dict[str, Callable[[World], None]] = {
    "agents": agents,
    "disputes": disputes,
    "everything": everything,
    "expense_management": expense_management,
    "funded_platform": funded_platform,
    "month": month,
    "onboarding": onboarding,
    "restricted": restricted,
    "travel": travel,
}
MORE_SETTINGS = {
    "disputes": {"test_clocks_move_the_world": True},
    "month": {"test_clocks_move_the_world": True},
    "everything": {"test_clocks_move_the_world": True},
    "onboarding": {"onboarding": "verify"},
}
OF_THEIR_OWN = ("onboarding",)  # its setting is about all accounts


def written(name: str) -> str:
    """The file of a world."""
    world, build = World(), WORLDS[name]
    build(world)
    about = {
        "description": build.__doc__,
        "settings": {"platform_country": "US", **MORE_SETTINGS.get(name, {})},
        "template_version": 0,
    }
    return json.dumps({"_meta": about, "fixtures": world.steps}, indent=1) + "\n"


def main() -> None:
    """Write the files."""
    for name in WORLDS:
        (FOLDER / f"{name}.json").write_text(written(name))


if __name__ == "__main__":
    main()
