"""A world to test in: what a card needs in one call each, as objects of the official SDK; and the emulator's controls.

Everything is made through the API of Stripe, as a platform would. Needs `pip install stripe`, release 11 or newer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from emulator.testing.control import Control
from emulator.testing.receiver import QUESTION, Handler, Receiver

if TYPE_CHECKING:
    import stripe

# What a platform that answers for its accounts asks for; the only kind that Issuing takes.
CONTROLLER = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "application",
    "stripe_dashboard": {"type": "none"},
}
ADDRESSES = {
    "US": {"line1": "354 Oyster Point Blvd", "city": "South San Francisco", "state": "CA", "postal_code": "94080"},
    "GB": {"line1": "1 Old Street", "city": "London", "postal_code": "EC1V 9HL"},
}
ELSEWHERE = {"line1": "Hauptstr. 1", "city": "Berlin", "postal_code": "10115"}
TERMS = {"date": 1_700_000_000, "ip": "127.0.0.1"}  # individuals of some programmes have to have accepted them
FUNDED = 1_000_00
LOOK_SECONDS = 5.0


class World(Control):
    """The world of one key on one server.

    Amounts are in minor units. Objects of a connected account know it (`stripe_account`), and what is done with them
    is done for it.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        http_client: Callable[[], stripe.HTTPClient] | None = None,
    ) -> None:
        super().__init__(base_url, api_key, transport=transport)
        self.http_client = http_client
        self.clients: dict[str | None, stripe.StripeClient] = {}
        self.receivers: list[Receiver] = []

    def client(self, stripe_account: str | None = None, **options: Any) -> stripe.StripeClient:
        """The official SDK's client for this world, or for one of its connected accounts."""
        import stripe

        if self.http_client is not None:
            options.setdefault("http_client", self.http_client())
        here = {"api": self.base_url, "files": self.base_url, "connect": self.base_url}
        return stripe.StripeClient(
            self.api_key,
            stripe_account=stripe_account,
            base_addresses=here,
            **options,  # type: ignore[arg-type]
        )

    # What a card needs

    def connected_account(self, country: str = "US", **params: Any) -> stripe.Account:
        """A connected account that may issue cards, and in the US have financial accounts."""
        wanted = ("card_issuing", "transfers", *(("treasury",) if country == "US" else ()))
        return self.sent(
            "/v1/accounts",
            {
                "country": country,
                "business_type": "company",
                "controller": CONTROLLER,
                "capabilities": {name: {"requested": True} for name in wanted},
                **params,
            },
        )

    def financial_account(self, *, account: Any = None, funded: int = 0, **params: Any) -> Any:
        """A financial account that may issue cards, with money on it; where no account is named, of a new one."""
        owner = id_of(account if account is not None else self.connected_account())
        made = self.sent(
            "/v1/treasury/financial_accounts",
            {
                "supported_currencies": ["usd"],
                "features": {"card_issuing": {"requested": True}, "financial_addresses": {"aba": {"requested": True}}},
                **params,
            },
            owner,
        )
        if funded:
            self.fund(made, funded)
        return made

    def fund(self, financial_account: Any, amount: int) -> None:
        """A bank sends money to a financial account."""
        self.sent(
            "/v1/test_helpers/treasury/received_credits",
            {"financial_account": id_of(financial_account), "amount": amount, "currency": "usd", "network": "ach"},
            self.account_of(financial_account),
        )

    def cardholder(self, *, account: Any = None, **params: Any) -> Any:
        """A person who may have cards."""
        owner = id_of(account)
        country = self.country_of(owner)
        return self.sent(
            "/v1/issuing/cardholders",
            {
                "type": "individual",
                "name": "Jenny Rosen",
                "email": "jenny.rosen@example.com",
                "phone_number": "+18008675309",
                "individual": {
                    "first_name": "Jenny",
                    "last_name": "Rosen",
                    "card_issuing": {"user_terms_acceptance": TERMS},
                },
                "billing": {"address": {**ADDRESSES.get(country, ELSEWHERE), "country": address_country(country)}},
                **params,
            },
            owner,
        )

    def card(
        self,
        *,
        account: Any = None,
        financial_account: Any = None,
        cardholder: Any = None,
        funded: int = FUNDED,
        **params: Any,
    ) -> Any:
        """An active virtual card, with all it needs made on the way.

        On a financial account where one is named. Else on the Issuing balance of the account, or of the platform, which
        `funded` is put on.
        """
        owner = self.account_of(financial_account) if financial_account is not None else id_of(account)
        currency = params.pop("currency", None) or self.read_account(owner)["default_currency"]
        if financial_account is None and funded:
            self.sent("/v1/test_helpers/issuing/fund_balance", {"amount": funded, "currency": currency}, owner)
        holder = cardholder if cardholder is not None else self.cardholder(account=owner)
        on = {} if financial_account is None else {"financial_account": id_of(financial_account)}
        return self.sent(
            "/v1/issuing/cards",
            {"cardholder": id_of(holder), "currency": currency, "type": "virtual", "status": "active", **on, **params},
            owner,
        )

    def purchase(
        self,
        card: Any,
        amount: int,
        *,
        merchant: str | Mapping[str, Any] | None = None,
        capture: bool = False,
        **params: Any,
    ) -> Any:
        """A merchant asks for an amount, and with `capture` collects it if it was approved. The authorization.

        `merchant` is a name, or members of `merchant_data`; other parameters are those of a test authorization.
        """
        owner = self.account_of(card)
        if merchant is not None:
            params["merchant_data"] = {"name": merchant} if isinstance(merchant, str) else dict(merchant)
        made = self.sent(
            "/v1/test_helpers/issuing/authorizations", {"card": id_of(card), "amount": amount, **params}, owner
        )
        if capture and made["approved"]:
            return self.sent(f"/v1/test_helpers/issuing/authorizations/{made['id']}/capture", {}, owner)
        return made

    # What has happened

    def events(self, type: str | None = None, **filters: Any) -> list[stripe.Event]:
        """The events of all accounts, oldest first. `type` may end in `*`; filters: `account`, `object`, `after`."""
        found: list[stripe.Event] = []
        page = {"has_more": True}
        while page["has_more"]:
            page = self.happened(type=type, timeout_ms=0, limit=100, **filters)
            found += page["data"]
            filters["after"] = found[-1].id if found else None
        return found

    def wait_for(self, type: str, timeout: float = LOOK_SECONDS, **filters: Any) -> stripe.Event:
        """The first event of a type, as soon as it has happened. TimeoutError after so many seconds of real time."""
        page = self.happened(type=type, timeout_ms=int(timeout * 1000), limit=1, **filters)
        if not page["data"]:
            known = ", ".join(sorted({event.type for event in self.events()})) or "none"
            raise TimeoutError(f"No {type} within {timeout:g} s. The events of this world: {known}.")
        return page["data"][0]

    def happened(self, **params: Any) -> dict[str, Any]:
        """A page of events as the SDK's objects."""
        import stripe

        page = self.call("GET", "/_emulator/events/wait", params)
        return {**page, "data": [stripe.Event.construct_from(one, self.api_key) for one in page["data"]]}

    def webhook(self, handler: Handler | None = None, *, events: list[str] | None = None) -> Receiver:
        """A local webhook endpoint, of the platform and of its connected accounts, that listens until the world ends.

        `handler(event)` is called with each event, once its signature is verified. To a question
        (`issuing_authorization.request`) it may return `{"approved": False}`. `events` are the types that are sent.
        """
        receiver = Receiver(handler)
        self.receivers.append(receiver)
        for name, connect in (("platform", False), ("connect", True)):
            made = self.sent(
                "/v1/webhook_endpoints",
                {"url": f"{receiver.url}/{name}", "connect": connect, "enabled_events": events or ["*", QUESTION]},
            )
            receiver.secrets[f"/{name}"] = made["secret"]
        return receiver

    def close(self) -> None:
        """Stop what listens, and close the connections. The world stays. Raises what a webhook's handler has raised."""
        try:
            for receiver in self.receivers:
                receiver.close()
        finally:
            super().close()

    # How it is done

    def sent(self, path: str, params: dict[str, Any], account: str | None = None) -> Any:
        """A POST through the official SDK; its object."""
        if account not in self.clients:
            self.clients[account] = self.client(account)
        client = self.clients[account]
        return client.deserialize(client.raw_request("post", path, **params), api_mode="V1")

    def account_of(self, made: Any) -> str | None:
        """The connected account that an object of the SDK, or an id, belongs to; None for the platform's own."""
        if not isinstance(made, str):
            return made.stripe_account
        found = self.find(made)
        return found["account"] if found["account"] != found["platform"] else None

    def read_account(self, account: str | None) -> dict[str, Any]:
        """The account that acts."""
        return self.call("GET", "/v1/account", account=account)

    def country_of(self, account: str | None) -> str:
        """Where it is."""
        return self.read_account(account)["country"]


def id_of(made: Any) -> Any:
    """The id of an object of the SDK, or an id itself; None stays."""
    return made if made is None or isinstance(made, str) else made.id


def address_country(country: str) -> str:
    """Where cardholders of an account live: there, or in Germany for those of the euro area."""
    return country if country in ADDRESSES else "DE"
