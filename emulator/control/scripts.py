"""Merchant scripts: what hotels, fuel pumps and others do with a card, from the first request to the last, in one call.

A script is made of operations of the API, each in a step of its own and caused by the request that plays the script;
whoever answers for the account is asked about its purchases. It ends early where a purchase is declined that the rest
needs. The world's clock moves between its steps if `move_clock` says so. Otherwise the steps follow one another at
once, or, where a script makes no sense without the time between them, it is refused.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from marshmallow import fields

from emulator.issuing.authorization_helpers import HELPERS, LARGEST, RequestParams
from emulator.issuing.cards import Card
from emulator.issuing.exchange_rates import converted
from emulator.issuing.merchants import FUEL_DISPENSERS, MerchantDataParams
from emulator.kernel.dates import DAY
from emulator.kernel.errors import ApiError, invalid, no_such
from emulator.kernel.lists import listed
from emulator.kernel.params import Amount, Boolean, Currency, Decimal, Enum, Hash, Integer, Params, String
from emulator.kernel.routes import GET, POST
from emulator.kernel.tenants import Caller
from emulator.kernel.waiting import Waiting
from emulator.kernel.world import World

HALF = Fraction(1, 2)
SCRIPTS_URL = "/_emulator/issuing/scripts"
TRANSACTION_HELPERS = "/v1/test_helpers/issuing/transactions"
DISPUTES = "/v1/issuing/disputes"
PLAYED = "played to its end"
# Where an object that a script has made is read again at its end.
PLACES = {
    "issuing.authorization": "/v1/issuing/authorizations",
    "issuing.dispute": DISPUTES,
    "issuing.transaction": "/v1/issuing/transactions",
}


# What may be sent


class ScriptParams(Params):
    """Which card; the rest has usual values. `merchant_data` wins over the script's merchant, key by key."""

    card = String(required=True)
    currency = Currency()
    merchant_data = Hash(MerchantDataParams)


class ClockParams(ScriptParams):
    """The same, for a script between whose steps time passes, if the clock may be moved."""

    move_clock = Boolean()


class PurchaseParams(RequestParams, ScriptParams):
    """All that a test authorization takes, and whether it is captured."""

    capture = Boolean()


class HotelParams(ClockParams):
    """What is authorized on arrival, what is added, and what of both is released, in minor units."""

    amount = Amount()
    increment_amount = Amount()
    nights = Integer(minimum=1, maximum=30)
    release_amount = Amount(minimum=0)


class FuelPumpParams(ScriptParams):
    """What the fuel costs in the end, in minor units."""

    final_amount = Amount()


class RestaurantParams(ScriptParams):
    """The bill and the tip, in minor units."""

    amount = Amount()
    tip_amount = Amount()


class AirlineParams(ScriptParams):
    """The price of all tickets together, in minor units, and how many they are."""

    amount = Amount()
    tickets = Integer(minimum=1, maximum=20)


class RideParams(ScriptParams):
    """What is authorized at first, and how often how much is added, in minor units."""

    amount = Amount()
    increment_amount = Amount()
    increments = Integer(minimum=1, maximum=20)


class CashMachineParams(ScriptParams):
    """The cash and the machine's fee, in minor units."""

    amount = Amount()
    atm_fee = Amount(minimum=0)


class SubscriptionParams(ClockParams):
    """What is charged each month, in minor units, and how many months."""

    amount = Amount()
    months = Integer(minimum=1, maximum=36)


class OfflineParams(ScriptParams):
    """What was sold while the terminal was offline, in minor units."""

    amount = Amount()


class CardTestingParams(ScriptParams):
    """How many attempts, of how much each in minor units, and whether the last one has guessed the CVC."""

    amount = Amount()
    count = Integer(minimum=1, maximum=100)
    guessed = Boolean()


class ChargebackParams(ScriptParams):
    """The price of what is disputed, in minor units, and how the network decides."""

    amount = Amount()
    outcome = Enum(("won", "lost"))


class RefundParams(ClockParams):
    """The price in minor units, after how many days the merchant gives how much of it back."""

    amount = Amount()
    days = Integer(minimum=1, maximum=3650)
    refund_amount = Amount()


class CrossCurrencyParams(ScriptParams):
    """The price in the merchant's currency, and by how many percent of the card's the rate moves until the capture."""

    drift_percent = Decimal()
    merchant_amount = Amount()
    merchant_currency = Currency()


# Playing


class Over(Exception):
    """A script has ended before its last step; says why."""


class Play:
    """A script while it is played: what has been done, and what was made on the way."""

    def __init__(self, caller: Caller, card: Card, merchant: dict[str, str], params: dict[str, Any]) -> None:
        self.caller = caller
        self.card = card
        self.merchant = {**merchant, **params.get("merchant_data", {})}
        self.params = params
        self.steps: list[dict[str, Any]] = []
        self.made: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        """A parameter, or its usual value."""
        return self.params[name]

    def call(self, says: str, path: str, **params: Any) -> Waiting[dict[str, Any]]:
        """One operation; what it answers."""
        answer = yield from self.caller.post(path, **params)
        self.keep(answer)
        yield from self.note(says, path, answer["id"])
        return answer

    def keep(self, made: dict[str, Any]) -> None:
        """Remember an object, and the transactions of an authorization, to show them as they are at the end."""
        for one in (made, *made.get("transactions", ())):
            self.made[one["id"]] = f"{PLACES[one['object']]}/{one['id']}"

    def note(self, says: str, path: str, object: str | None = None) -> Waiting[None]:
        """Write down a step, as of the world's time after it."""
        now = yield from self.now()
        step = {"at": now, "call": f"POST {path}", "object": object, "says": says, "verdict": None}
        self.steps.append(step)

    def now(self) -> Waiting[int]:
        """The world's time."""
        return self.caller.look(lambda world: world.now)

    def decided(self, answer: dict[str, Any], needed: bool) -> Waiting[bool]:
        """Add to the last step how a request was decided; whether it was approved. Ends the script if it had to be."""
        verdict = (yield from self.caller.get(f"/_emulator/why/{answer['id']}"))["outcome"]
        self.steps[-1]["verdict"] = verdict
        approved = answer["request_history"][-1]["approved"]
        if needed and not approved:
            raise Over(verdict)
        return approved

    def authorize(self, says: str, *, needed: bool = True, **more: Any) -> Waiting[dict[str, Any]]:
        """Ask whether the card may pay; the authorization."""
        given = {name: self.params[name] for name in ("currency",) if name in self.params}
        sent = {"card": self.card.id, "merchant_data": self.merchant, **given, **more}
        answer = yield from self.call(says, HELPERS, **{name: value for name, value in sent.items() if value != {}})
        yield from self.decided(answer, needed)
        return answer

    def increment(self, says: str, authorization: dict[str, Any], amount: int) -> Waiting[bool]:
        """Ask for more; whether that was approved."""
        answer = yield from self.call(says, f"{HELPERS}/{authorization['id']}/increment", increment_amount=amount)
        return (yield from self.decided(answer, needed=False))

    def on(self, says: str, authorization: dict[str, Any], verb: str, **params: Any) -> Waiting[dict[str, Any]]:
        """Another test helper on an authorization; what it is afterwards."""
        return self.call(says, f"{HELPERS}/{authorization['id']}/{verb}", **params)

    def pay(self, says: str, **more: Any) -> Waiting[dict[str, Any]]:
        """A purchase that is captured at once; the transaction."""
        bought = yield from self.authorize(says, **more)
        captured = yield from self.on("the merchant collects", bought, "capture")
        return captured["transactions"][0]

    def let_pass(self, says: str, seconds: int) -> Waiting[None]:
        """Move the clock, if it may be moved."""
        if self.params["move_clock"]:
            yield from self.caller.let_pass(seconds)
            yield from self.note(says, "/_emulator/clock")

    def falls_due(self) -> Waiting[list[dict[str, Any]]]:
        """What will happen to what was made by itself, once the world's clock gets there."""
        waiting = yield from self.caller.look(lambda world: world.step.agenda.waiting())
        return [
            {"action": item.action, "at": item.due_at, "object": item.about}
            for item in waiting
            if item.about in self.made
        ]

    def objects(self) -> Waiting[list[dict[str, Any]]]:
        """Everything that was made, in the order of its making, as it is now."""
        shown = []
        for place in self.made.values():
            shown.append((yield from self.caller.get(place)))
        return shown


def at_most(total: int, param: str) -> int:
    """An amount that is put together. 400 for more than the API takes at once."""
    if total > LARGEST:
        raise invalid(f"Together this is {total}; amounts go up to {LARGEST}.", param=param)
    return total


# The scripts


def purchase(play: Play) -> Waiting[None]:
    """A purchase and nothing else: authorized, and captured if `capture` says so."""
    request = {name: value for name, value in play.params.items() if name in RequestParams.shared().fields}
    request["merchant_data"] = play.merchant
    bought = yield from play.authorize("the card is to pay", **request)
    if play["capture"]:
        yield from play.on("the merchant collects", bought, "capture")


def hotel(play: Play) -> Waiting[None]:
    """A guest arrives, extends the stay, leaves, and pays less than was held: the rest is released.

    An extension that is declined is not charged.
    """
    if play["release_amount"] >= play["amount"]:
        raise invalid("Less than amount must be released, or nothing is charged.", param="release_amount")
    held = play["amount"]
    at_most(held + play["increment_amount"], "increment_amount")
    stay = yield from play.authorize("the guest arrives", amount=held)
    yield from play.let_pass("the first night passes", DAY)
    if (yield from play.increment("the stay gets longer", stay, play["increment_amount"])):
        held += play["increment_amount"]
    yield from play.let_pass("the other nights pass", (play["nights"] - 1) * DAY)
    charged = held - play["release_amount"]
    lodging = {"check_in_at": stay["created"], "nights": play["nights"]}
    yield from play.on(
        "the guest leaves and pays",
        stay,
        "capture",
        capture_amount=charged,
        close_authorization=play["release_amount"] == 0,
        purchase_details={"lodging": lodging},
    )
    if play["release_amount"]:
        yield from play.on("what is still held is released", stay, "reverse")


def fuel_pump(play: Play) -> Waiting[None]:
    """A pump asks for one unit of currency, a tank is held, and what was filled in is collected."""
    pump = yield from play.authorize("the pump asks whether the card is good", amount=1_00, authorization_method="chip")
    yield from play.on(
        "the tank is full",
        pump,
        "finalize_amount",
        final_amount=play["final_amount"],
        fuel={"type": "unleaded_regular"},
    )
    yield from play.on("the station collects", pump, "capture")


def restaurant(play: Play) -> Waiting[None]:
    """A bill is authorized, and more is collected: the tip was written on the receipt."""
    charged = at_most(play["amount"] + play["tip_amount"], "tip_amount")
    bill = yield from play.authorize("the bill", amount=play["amount"], authorization_method="chip")
    yield from play.on("the bill is collected with the tip", bill, "capture", capture_amount=charged)


def airline(play: Play) -> Waiting[None]:
    """A booking is authorized as one, and each ticket is collected by itself."""
    amount, tickets = play["amount"], play["tickets"]
    if amount < tickets:
        raise invalid("Each ticket has to cost something.", param="tickets")
    booking = yield from play.authorize("the booking", amount=amount)
    departure = booking["created"] + 30 * DAY
    for number in range(1, tickets + 1):
        flight = {"departure_at": departure, "passenger_name": f"Passenger {number}"}
        yield from play.on(
            f"ticket {number} of {tickets} is issued",
            booking,
            "capture",
            capture_amount=amount // tickets + (amount % tickets if number == 1 else 0),
            close_authorization=number == tickets,
            purchase_details={"flight": flight},
        )


def ride(play: Play) -> Waiting[None]:
    """A ride gets longer than it was thought; what of it was approved is collected."""
    amount = play["amount"]
    at_most(amount + play["increments"] * play["increment_amount"], "increment_amount")
    trip = yield from play.authorize("the ride is ordered", amount=amount)
    for _ in range(play["increments"]):
        yield from play.increment("the ride gets longer", trip, play["increment_amount"])
    yield from play.on("the rider gets out", trip, "capture")


def atm(play: Play) -> Waiting[None]:
    """Cash is withdrawn from a machine that takes a fee."""
    total = at_most(play["amount"] + play["atm_fee"], "atm_fee")
    yield from play.pay(
        "cash is asked for",
        amount=total,
        amount_details={"atm_fee": play["atm_fee"]},
        authorization_method="chip",
    )


def subscription(play: Play) -> Waiting[None]:
    """The same amount is charged once a month, on the same day; it ends with the first charge that is declined."""
    if play["months"] > 1 and not play["move_clock"]:
        raise needs_the_clock("Between its charges lie months", "or charge one month only (months=1)")
    began = datetime.fromtimestamp((yield from play.now()), UTC)
    for month in range(play["months"]):
        if month:
            left = int(months_after(began, month).timestamp()) - (yield from play.now())
            yield from play.let_pass("a month passes", left)
        yield from play.pay(f"the charge of month {month + 1}", amount=play["amount"])


def months_after(began: datetime, months: int) -> datetime:
    """The same day of a later month, or its last one."""
    year, month = divmod(began.year * 12 + began.month - 1 + months, 12)
    return began.replace(year=year, month=month + 1, day=min(began.day, calendar.monthrange(year, month + 1)[1]))


def offline(play: Play) -> Waiting[None]:
    """What a terminal sold while it was offline is collected later; nobody was asked, and nobody can decline it."""
    given = {name: play.params[name] for name in ("currency",) if name in play.params}
    yield from play.call(
        "the terminal is online again",
        f"{TRANSACTION_HELPERS}/create_force_capture",
        card=play.card.id,
        amount=play["amount"],
        merchant_data=play.merchant,
        **given,
    )


def card_testing(play: Play) -> Waiting[None]:
    """Somebody tries out CVCs with small purchases, one after the other."""
    count = play["count"]
    for number in range(1, count + 1):
        is_right = play["guessed"] and number == count
        failed = 100 * (number - 1) // number
        level = "normal" if number == 1 else "elevated" if number < 5 else "highest"
        yield from play.authorize(
            f"attempt {number} of {count}",
            needed=False,
            amount=play["amount"],
            risk_assessment={
                "card_testing_risk": {"invalid_credentials_decline_rate_past_hour": failed, "level": level}
            },
            verification_data={"cvc_check": "match" if is_right else "mismatch"},
        )


def chargeback(play: Play) -> Waiting[None]:
    """A purchase is disputed as fraud, and the network decides.

    It decides as documented evidence of test mode makes it: at once, unless `dispute_decision_seconds` or `progress`
    say otherwise; then the dispute is still submitted when the script ends.
    """
    bought = yield from play.pay("the purchase", amount=play["amount"])
    debit = bought.get("treasury", {}).get("received_debit")
    explanation = {"won": "winning_evidence", "lost": "losing_evidence"}[play["outcome"]]
    dispute = yield from play.call(
        "the cardholder disputes it",
        DISPUTES,
        evidence={"reason": "fraudulent", "fraudulent": {"explanation": explanation}},
        **({"treasury": {"received_debit": debit}} if debit else {"transaction": bought["id"]}),
    )
    yield from play.call("the dispute goes to the network", f"{DISPUTES}/{dispute['id']}/submit")


def late_refund(play: Play) -> Waiting[None]:
    """A merchant gives back a purchase of months ago, or a part of it."""
    if not play["move_clock"]:
        raise needs_the_clock("Between its purchase and its refund lie days", "or refund it with the test helper now")
    if play.params.get("refund_amount", 0) > play["amount"]:
        raise invalid("No more than amount can be refunded.", param="refund_amount")
    bought = yield from play.pay("the purchase", amount=play["amount"])
    yield from play.let_pass("days pass", play["days"] * DAY)
    part = {"refund_amount": play["refund_amount"]} if "refund_amount" in play.params else {}
    yield from play.call("the merchant gives it back", f"{TRANSACTION_HELPERS}/{bought['id']}/refund", **part)


def cross_currency(play: Play) -> Waiting[None]:
    """A purchase abroad is authorized at one rate and collected at another."""
    drift = Fraction(play["drift_percent"])
    if not -90 <= drift <= 100:
        raise invalid("The rate moves by -90 to 100 percent.", param="drift_percent")
    own = play.card.currency
    currency = play.params.get("merchant_currency") or ("gbp" if own == "eur" else "eur")
    asked = converted(play["merchant_amount"], currency, own)
    collected = at_most(max(1, math.floor(asked * (100 + drift) / 100 + HALF)), "drift_percent")
    bought = yield from play.authorize(
        "the price in the merchant's currency", merchant_amount=play["merchant_amount"], merchant_currency=currency
    )
    yield from play.on("collected at the rate of that day", bought, "capture", capture_amount=collected)


def needs_the_clock(why: str, otherwise: str) -> ApiError:
    """400 for a script that takes time, on a clock that it may not move."""
    return invalid(
        f"{why}: send move_clock=true to move this world's clock, with all that falls due on the way, {otherwise}.",
        param="move_clock",
    )


class Script(NamedTuple):
    """One script: what it takes, the usual values of that, and who sells."""

    play: Callable[[Play], Waiting[None]]
    params: type[ScriptParams]
    usual: dict[str, Any]
    merchant: dict[str, str]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.play.__name__

    @property
    def url(self) -> str:
        """Where it is played."""
        return f"{SCRIPTS_URL}/{self.name}"

    @property
    def says(self) -> str:
        """What happens in it."""
        return " ".join((self.play.__doc__ or "").split())

    def shown(self) -> dict[str, Any]:
        """It, with its parameters, as the list has it."""
        parameters = [
            {
                "name": name,
                "required": field.required,
                "type": type_of(field),
                "usual": self.usual.get(name),
            }
            for name, field in self.params.shared().fields.items()
        ]
        shown = {"object": "emulator.script", "merchant_data": self.merchant, "name": self.name}
        return {**shown, "parameters": parameters, "says": self.says, "url": self.url}


def type_of(field: fields.Field) -> str:
    """What a parameter is, in a word or by its words."""
    if isinstance(field, Enum):
        return " | ".join(field.values)
    return type(field).__name__.lower()


# The usual values fit into the daily limit of a card that was made without any, 500.00: none is declined by it.
SCRIPTS = (
    Script(purchase, PurchaseParams, {"capture": False}, {}),
    Script(
        hotel,
        HotelParams,
        {"amount": 400_00, "increment_amount": 100_00, "move_clock": False, "nights": 3, "release_amount": 50_00},
        {"category": "hotels_motels_and_resorts", "name": "Rocket Lodge"},
    ),
    Script(fuel_pump, FuelPumpParams, {"final_amount": 45_00}, {"category": FUEL_DISPENSERS, "name": "Rocket Fuel"}),
    Script(
        restaurant,
        RestaurantParams,
        {"amount": 50_00, "tip_amount": 10_00},
        {"category": "eating_places_restaurants", "name": "Rocket Diner"},
    ),
    Script(
        airline,
        AirlineParams,
        {"amount": 450_00, "tickets": 3},
        {"category": "airlines_air_carriers", "name": "Rocket Air"},
    ),
    Script(ride, RideParams, {"amount": 10_00, "increment_amount": 5_00, "increments": 2}, {}),
    Script(
        atm,
        CashMachineParams,
        {"amount": 100_00, "atm_fee": 3_00},
        {"category": "automated_cash_disburse", "name": "Rocket Bank"},
    ),
    Script(
        subscription,
        SubscriptionParams,
        {"amount": 15_00, "months": 3, "move_clock": False},
        {"category": "digital_goods_media", "name": "Rocket Stream"},
    ),
    Script(
        offline,
        OfflineParams,
        {"amount": 25_00},
        {"category": "airlines_air_carriers", "name": "Rocket Air on board"},
    ),
    Script(
        card_testing,
        CardTestingParams,
        {"amount": 1_00, "count": 10, "guessed": True},
        {"category": "digital_goods_games", "name": "Rocket Games"},
    ),
    Script(
        chargeback,
        ChargebackParams,
        {"amount": 120_00, "outcome": "won"},
        {"category": "computer_software_stores", "name": "Rocket Software"},
    ),
    Script(
        late_refund,
        RefundParams,
        {"amount": 80_00, "days": 92, "move_clock": False},
        {"category": "computer_software_stores", "name": "Rocket Software"},
    ),
    Script(
        cross_currency,
        CrossCurrencyParams,
        {"drift_percent": "2", "merchant_amount": 100_00},
        {"category": "hotels_motels_and_resorts", "city": "Lyon", "name": "Hotel de la Fusee"},
    ),
)


# Operations


def scripts(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Every script with its parameters and their usual values."""
    return listed([script.shown() for script in SCRIPTS], SCRIPTS_URL)


def playing(script: Script) -> Callable[..., Waiting[dict[str, Any]]]:
    """The operation that plays a script."""

    def operation(caller: Caller, params: dict[str, Any]) -> Waiting[dict[str, Any]]:
        owner, card = yield from card_of(caller, params["card"])
        caller = caller.acting_as(owner)
        play = Play(caller, card, script.merchant, {**script.usual, **params})
        outcome = PLAYED
        try:
            yield from script.play(play)
        except Over as why:
            outcome = str(why)
        except ApiError as refusal:
            if not play.steps:
                raise
            outcome = f"refused: {refusal.message}"  # what was done before stands
        return {
            "object": "emulator.script_run",
            "account": caller.account,
            "card": card.id,
            "falls_due": (yield from play.falls_due()),
            "finished": outcome == PLAYED,
            "objects": (yield from play.objects()),
            "outcome": outcome,
            "script": script.name,
            "steps": play.steps,
        }

    operation.__name__ = script.name
    operation.__doc__ = f"{script.says} 400 for what its first step refuses."
    return operation


def card_of(caller: Caller, id: str) -> Waiting[tuple[str, Card]]:
    """A card with its account; any of the tenant's while the request names no account. 400 where there is none."""
    found = yield from caller.look(lambda world: world.anywhere(Card, id))
    if found is None or caller.account not in (None, found[0]):
        raise no_such(Card.noun, id, param="card", status=400)
    return found


ROUTES = [
    GET(SCRIPTS_URL, scripts),
    *(POST(script.url, playing(script), script.params, scope="calls") for script in SCRIPTS),
]
