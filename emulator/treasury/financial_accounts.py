"""Financial accounts: money held at a bank in an account's name.

    open ── close ──▶ closed

An account holds no balance field: `cash` is what it can spend, `outbound_pending` what it has promised to something on
its way out, and both are read from the ledger. What it can do are its features (`activation.py` decides their state);
the three lists of them are kept as they were last announced, so that a change can say what it replaced.
Source: https://docs.stripe.com/api/treasury/financial_accounts
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from emulator import chart_of_accounts as chart
from emulator.connect.records import accounts, capabilities, persons
from emulator.connect.records.external_accounts import OF_FINANCIAL_ACCOUNTS, TEST_BANK
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import ApiError, invalid, missing
from emulator.kernel.lists import lists
from emulator.kernel.params import (
    Boolean,
    Enum,
    Hash,
    List,
    ListParams,
    Metadata,
    Params,
    Range,
    String,
    complain,
    merged_metadata,
)
from emulator.kernel.records import record, replace
from emulator.kernel.render import Include, shown
from emulator.kernel.routes import GET, POST, retrieves
from emulator.kernel.world import World
from emulator.treasury import activation, bank_accounts
from emulator.treasury.access import onboarded
from emulator.treasury.activation import FEATURES, FeaturesParams, Standing, State

MOST_OPEN = 3
LONGEST_NICKNAME = 249
NETWORKS = ["ach", "us_domestic_wire"]
SUMMARIES = ("active_features", "pending_features", "restricted_features")
ABA = "financial_addresses.aba"


def include_features(world: World, record: FinancialAccount, rendered: dict[str, Any]) -> None:
    """Put the features object into an account."""
    rendered["features"] = activation.as_object(states(world, record))


def include_account_number(world: World, record: FinancialAccount, rendered: dict[str, Any]) -> None:
    """Put the whole account number into the address."""
    for address in rendered["financial_addresses"]:
        address["aba"]["account_number"] = record.account_number


@record(
    "treasury.financial_account",
    prefix="fa",
    noun="financial account",
    filters=("status", "account_number"),
    hidden=(
        "account_number",
        "activated_features",
        "forwarding_settings",
        "requested_features",
    ),
    includes={
        "features": Include(include_features, "not lists"),
        "financial_addresses.aba.account_number": Include(include_account_number),
    },
    silent=("metadata", "nickname", "platform_restrictions"),
)
class FinancialAccount:
    """A bank account of the owner's that the API can move money in and out of, in usd only."""

    id: str
    created: int
    country: str
    is_default: bool
    metadata: dict[str, str]
    nickname: str | None
    platform_restrictions: dict[str, str]
    status: str
    status_details: dict[str, Any]
    supported_currencies: list[str]
    active_features: list[str]
    pending_features: list[str]
    restricted_features: list[str]
    requested_features: list[str]
    activated_features: list[str]
    account_number: str | None
    forwarding_settings: dict[str, str] | None

    @property
    def has_address(self) -> bool:
        """Whether the outside can address this account: the feature is wanted and was activated."""
        return self.account_number is not None and ABA in self.requested_features

    def status_of(self, feature: str) -> str | None:
        """`active`, `pending` or `restricted`; None for a feature that was never requested."""
        for status in ("active", "pending", "restricted"):
            if feature in getattr(self, f"{status}_features"):
                return status
        return None

    @classmethod
    def at_address(cls, world: World, number: str) -> tuple[str, FinancialAccount] | None:
        """Whichever account of the tenant has that account number, after its owner; or None."""
        found = world.store.select(cls, [Condition("account_number", "eq", number)], limit=1)
        return world.anywhere(cls, found[0].id) if found and found[0].has_address else None

    def as_bank_account(self, *, param: str) -> dict[str, str | None]:
        """The bank account that it is to whoever pays its owner out.

        400 without an account number, and where it cannot take transfers within Stripe.
        """
        require_feature(self, "intra_stripe_flows", param=param)
        require_address(self, param=param)
        return {
            "object": "bank_account",
            "account_number": self.account_number,
            "country": self.country,
            "currency": "usd",
            "routing_number": OF_FINANCIAL_ACCOUNTS,
        }

    def render(self, world: World) -> dict[str, Any]:
        """The account with its balance, and with its address once it has been given one."""
        return shown(self, balance=balance(world, self.id), financial_addresses=addresses(world, self))


# What it is


def balance(world: World, financial_account: str) -> dict[str, dict[str, int]]:
    """What an account holds, in cents: spendable, reserved for later (nothing ever is), and on its way out."""
    return {
        "cash": {"usd": world.balance(chart.cash(financial_account))},
        "inbound_pending": {"usd": 0},
        "outbound_pending": {"usd": world.balance(chart.outbound_pending(financial_account))},
    }


def addresses(world: World, account: FinancialAccount) -> list[dict[str, Any]]:
    """Where the outside can send money to. It keeps its number while the feature is restricted."""
    if not account.has_address:
        return []
    aba = {
        "account_holder_name": holder_name(world),
        "account_number_last4": account.account_number[-4:],  # type: ignore[index]
        "bank_name": TEST_BANK,
        "routing_number": OF_FINANCIAL_ACCOUNTS,
    }
    return [{"type": "aba", "supported_networks": NETWORKS, "aba": aba}]


def holder_name(world: World) -> str:
    """The legal name of the acting account: the person's where it is one, else the business's."""
    account = accounts.of(world)
    person = persons.individual(world) if account.business_type == "individual" else None
    names = [person.said.get(part) for part in ("first_name", "last_name")] if person is not None else []
    return " ".join(name for name in names if name) or accounts.legal_name(account)


def is_owner_rejected(world: World) -> bool:
    """Whether the acting account has been rejected."""
    return accounts.of(world).rejected is not None


def new_account_number(world: World) -> str:
    """Sixteen digits that no other financial account of the tenant has."""
    while True:
        number = f"4242{world.draw('account number') % 10**12:012d}"
        if not world.store.count(FinancialAccount, [Condition("account_number", "eq", number)]):
            return number


def states(world: World, account: FinancialAccount) -> dict[str, State]:
    """The state of every requested feature, as it should be now."""
    return activation.states_of(account.requested_features, standing(world, account))


def standing(world: World, account: FinancialAccount) -> Standing:
    """What decides about an account's features."""
    needed = dict.fromkeys(feature.capability for feature in FEATURES.values())
    return Standing(
        is_closed=account.status == "closed",
        is_rejected=is_owner_rejected(world),
        capabilities={name: capabilities.status_of(world, name) for name in needed},
        restrictions=account.platform_restrictions,
        activated=account.activated_features,
    )


def summarized(world: World, account: FinancialAccount) -> FinancialAccount:
    """The account with its three lists of features as they should be now."""
    found = states(world, account)
    by_status = {
        status: [path for path, state in found.items() if state.status == status]
        for status in ("active", "pending", "restricted")
    }
    return replace(
        account,
        active_features=by_status["active"],
        pending_features=by_status["pending"],
        restricted_features=by_status["restricted"],
    )


# What can happen to it


def save(world: World, account: FinancialAccount) -> FinancialAccount:
    """Bring an account's features up to date and store it; what activates by itself does so right afterwards."""
    account = summarized(world, account)
    world.cancel_due(account.id, "treasury.financial_accounts.activate")
    if any(state.is_activating for state in states(world, account).values()):
        world.later(world.now, "treasury.financial_accounts.activate", about=account.id)
    return world.put(account)


def announce(world: World, before: FinancialAccount, after: FinancialAccount) -> None:
    """Tell which features changed their status since the account was `before`, if any did."""
    previous = {name: getattr(before, name) for name in SUMMARIES if getattr(before, name) != getattr(after, name)}
    if previous:
        world.emit("treasury.financial_account.features_status_updated", after, previous=previous)


def change(world: World, before: FinancialAccount, after: FinancialAccount) -> FinancialAccount:
    """Store a changed account and announce what that did to its features."""
    after = save(world, after)
    announce(world, before, after)
    return after


def reconsider(world: World, account: FinancialAccount) -> FinancialAccount:
    """Decide about an account's features again, after something that they depend on has changed."""
    return change(world, account, account)


def activate(world: World, id: str) -> None:
    """The bank has set up what was pending: the account gets its number."""
    account = world.get(FinancialAccount, id)
    ready = [path for path, state in states(world, account).items() if state.is_activating]
    if not ready:
        return
    number = account.account_number or new_account_number(world)
    activated = [*account.activated_features, *ready]
    change(world, account, replace(account, account_number=number, activated_features=activated))


def opened(world: World, **given: Any) -> FinancialAccount:
    """A new account of the acting account, not stored yet."""
    usual = {
        "country": "US",
        "is_default": world.count(FinancialAccount) == 0,
        "metadata": {},
        "nickname": None,
        "platform_restrictions": activation.UNRESTRICTED,
        "status": "open",
        "status_details": {"closed": None},
        "supported_currencies": ["usd"],
        **dict.fromkeys(SUMMARIES, []),
        "requested_features": [],
        "activated_features": [],
        "account_number": None,
        "forwarding_settings": None,
    }
    return FinancialAccount(id=world.new_id("fa"), created=world.now, **{**usual, **given})


def open_platforms_own(world: World) -> None:
    """A platform with Treasury starts with one account that can do everything; connected accounts open their own.

    Source: https://docs.stripe.com/treasury/account-management/platform-financial-account
    """
    if world.is_platform and capabilities.status_of(world, "treasury") == "active":
        everything = list(FEATURES)
        number = new_account_number(world)
        save(
            world,
            opened(world, requested_features=everything, activated_features=everything, account_number=number),
        )


# What may be sent


class Nickname(String):
    """A name that is not blank, or an empty text for none."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        nickname = super()._deserialize(value, attr, data, **kwargs)
        if not nickname.strip():
            raise complain("The nickname must not be blank.", "parameter_invalid_string_blank")
        return nickname


class Restrictions(Params):
    """Flows that the platform closes or opens."""

    inbound_flows = Enum(("restricted", "unrestricted"))
    outbound_flows = Enum(("restricted", "unrestricted"))


class ForwardingSettings(Params):
    """Where money goes when the account closes."""

    financial_account = String()
    payment_method = String()
    type = Enum(("financial_account", "payment_method"), required=True)


class CreateParams(Params):
    """A new financial account."""

    features = Hash(FeaturesParams)
    metadata = Metadata()
    nickname = Nickname(max_length=LONGEST_NICKNAME, unset=True)
    platform_restrictions = Hash(Restrictions)
    supported_currencies = List(String(), required=True)


class Requested(Params):
    """The leaf of the older way to request a feature."""

    requested = Boolean(required=True)


class Access(Params):
    """The older way to request a feature; a guide still prints it."""

    access = Hash(Requested)


class UpdateParams(Params):
    """Changes to a financial account."""

    features = Hash(FeaturesParams)
    forwarding_settings = Hash(ForwardingSettings)
    metadata = Metadata()
    nickname = Nickname(max_length=LONGEST_NICKNAME, unset=True)
    platform_restrictions = Hash(Restrictions)
    card_issuing = Hash(Access)
    treasury = Hash(Access)


class FinancialAccountListParams(ListParams):
    """Filters of the list."""

    created = Range()
    status = Enum(("closed", "open"))


# What then


def create(world: World, params: dict[str, Any]) -> FinancialAccount:
    """Open an account with no money in it.

    400 if the acting account has not requested `treasury`, for a currency other than usd, and for a fourth open
    account. Features whose capability is missing are not refused: they are there, restricted.
    """
    if not world.is_platform and capabilities.status_of(world, "treasury") == "unrequested":
        raise invalid(
            f"The account {world.account} has not requested the `treasury` capability.", code="capability_not_active"
        )
    if any(currency.lower() != "usd" for currency in params["supported_currencies"]):
        raise invalid("Invalid supported_currencies: financial accounts hold usd only.", param="supported_currencies")
    if world.count(FinancialAccount, status="open") >= MOST_OPEN:
        raise invalid(f"You have reached the maximum number of financial accounts ({MOST_OPEN}).")

    account = opened(
        world,
        metadata=merged_metadata({}, params),
        nickname=params.get("nickname"),
        platform_restrictions={**activation.UNRESTRICTED, **params.get("platform_restrictions", {})},
        requested_features=activation.requested_after([], params.get("features", {})),
    )
    account = save(world, account)
    world.emit("treasury.financial_account.created", account)
    return account


def update(world: World, params: dict[str, Any], id: str) -> FinancialAccount:
    """Change an account. 400 for anything but metadata and nickname of a closed one, and for taking `card_issuing`
    away from active cards.
    """
    account = world.get(FinancialAccount, id)
    tree = dict(params.get("features", {}))
    older = params.get("card_issuing", {}).get("access")
    if older is not None:
        tree.setdefault("card_issuing", older)
    if account.status == "closed" and set(params) - {"metadata", "nickname"}:
        raise invalid(f"The financial account {id} is closed: only its metadata and nickname can be updated.")
    requested = requested_by(world, account, tree, "features[card_issuing][requested]")
    forwarding = params.get("forwarding_settings")
    if forwarding is not None:
        check_forwarding(world, account, forwarding)

    changed = replace(
        account,
        metadata=merged_metadata(account.metadata, params),
        nickname=params.get("nickname", account.nickname),
        platform_restrictions={**account.platform_restrictions, **params.get("platform_restrictions", {})},
        requested_features=requested,
        forwarding_settings=forwarding or account.forwarding_settings,
    )
    return change(world, account, changed)


def requested_by(world: World, account: FinancialAccount, tree: dict[str, Any], param: str) -> list[str]:
    """The requested features after a sent tree. 400 for taking `card_issuing` away from active cards."""
    requested = activation.requested_after(account.requested_features, tree)
    taken_away = set(account.requested_features) - set(requested)
    if "card_issuing" in taken_away and still_there(world, account, "issuing.card", ("active",)):
        raise invalid(
            f"The feature card_issuing of {account.id} cannot be given up while cards on it are active.", param=param
        )
    return requested


def still_there(world: World, account: FinancialAccount, kind: str, statuses: Sequence[str]) -> bool:
    """Whether anything of that kind on the account has one of these statuses."""
    record = world.catalog.records.get(kind)
    return record is not None and any(
        world.count(record, financial_account=account.id, status=status) for status in statuses
    )


def check_forwarding(world: World, account: FinancialAccount, forwarding: dict[str, str]) -> None:
    """400 unless the settings name their target: another open financial account of the owner, or a bank account of
    theirs that is verified.
    """
    name = forwarding["type"]
    param = f"forwarding_settings[{name}]"
    if name not in forwarding:
        raise missing(param)
    if name == "financial_account":
        target = world.get(FinancialAccount, forwarding[name], param=param)
        if target.id == account.id or target.status != "open":
            raise invalid("Money can be forwarded to another open financial account only.", param=param)
    elif not bank_accounts.named(world, forwarding[name], param=param).is_verified:
        raise invalid(
            f"Money can be forwarded to a verified bank account only: {forwarding[name]} is not.",
            code="bank_account_unverified",
            param=param,
        )


def shut(world: World, account: FinancialAccount, reason: str) -> FinancialAccount:
    """Close without further questions: tell that it is closed, then what that did to its features."""
    closed = replace(account, status="closed", status_details={"closed": {"reasons": [reason]}})
    closed = save(world, closed)
    world.emit("treasury.financial_account.closed", closed)
    announce(world, account, closed)
    return closed


def close_rejected(world: World) -> None:
    """Close every open account of an owner that has been rejected, whatever is in it."""
    for account in world.all(FinancialAccount, status="open"):
        shut(world, account, "account_rejected")


def forwarded(world: World, account: FinancialAccount) -> FinancialAccount:
    """Where money for an account goes: the account itself, or from a closed one the open one that it forwards to."""
    passed, target = set(), account
    while target.status == "closed" and target.id not in passed:
        passed.add(target.id)
        onwards = world.find(FinancialAccount, (target.forwarding_settings or {}).get("financial_account"))
        target = onwards or target
    return target if target.status == "open" else account


def usable(world: World, id: str, *, currency: str) -> FinancialAccount:
    """The account that a parameter `financial_account` names. 400 if there is none or it cannot hold that currency."""
    account = world.get(FinancialAccount, id, param="financial_account")
    require_currency(account, currency, param="currency")
    return account


def require_currency(account: FinancialAccount, currency: str, *, param: str) -> None:
    """400 for an account that cannot hold that currency."""
    if currency not in account.supported_currencies:
        raise invalid(
            f"The FinancialAccount {account.id} does not support the currency {currency}.",
            code="financial_account_balance_does_not_support_currency",
            param=param,
        )


def require_address(account: FinancialAccount, *, param: str = "financial_account") -> None:
    """400 for an account that the outside cannot address."""
    if not account.has_address:
        raise without_feature(account, ABA, param)


def require_feature(account: FinancialAccount, feature: str, *, param: str = "financial_account") -> None:
    """400 for an account without a feature that is active."""
    if account.status_of(feature) != "active":
        raise without_feature(account, feature, param)


def without_feature(account: FinancialAccount, feature: str, param: str) -> ApiError:
    """400 for what an account would need a feature for that is not active."""
    restricted = account.status_of(feature) == "restricted"
    return invalid(
        f"The FinancialAccount {account.id} does not have the {feature} feature active.",
        code="financial_account_capability_restricted" if restricted else "financial_account_capability_not_enabled",
        param=param,
    )


def require_open(account: FinancialAccount, *, param: str | None) -> None:
    """400 for an account that is closed."""
    if account.status == "closed":
        raise is_closed(account, param=param)


def is_closed(account: FinancialAccount, *, param: str | None) -> ApiError:
    """400 for what cannot be done with a closed account."""
    return invalid(f"The FinancialAccount {account.id} is closed.", code="account_closed", param=param)


def audit(world: World) -> Iterator[str]:
    """Accounts whose balance is not the sum of their entries, or whose lists of features are out of date."""
    for owner, account in world.store.every(FinancialAccount):
        for name, book in (("cash", chart.cash(account.id)), ("outbound_pending", chart.outbound_pending(account.id))):
            summed, kept = world.ledger.moved(book, owner=account.id), world.balance(book)
            if summed != kept:
                yield f"{account.id} holds {kept} in {name}, its entries sum to {summed}"
        due = summarized(world.as_account(owner), account)
        for name in SUMMARIES:
            if getattr(due, name) != getattr(account, name):
                yield f"{account.id} shows {name} {getattr(account, name)}, they should be {getattr(due, name)}"


RECORDS = (FinancialAccount,)
DUE = {"treasury.financial_accounts.activate": activate}
WHEN = {"account.opened": open_platforms_own, "account.rejected": close_rejected}
AUDIT = audit
ROUTES = onboarded(
    [
        GET("/v1/treasury/financial_accounts", lists(FinancialAccount), FinancialAccountListParams),
        POST("/v1/treasury/financial_accounts", create, CreateParams),
        GET("/v1/treasury/financial_accounts/{financial_account}", retrieves(FinancialAccount)),
        POST("/v1/treasury/financial_accounts/{financial_account}", update, UpdateParams),
    ]
)
