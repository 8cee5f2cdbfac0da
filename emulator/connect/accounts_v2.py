"""Accounts in v2: configurations, an identity and defaults of the same accounts that v1 knows.

What is said in v2 is kept as v1 says it, so that an account opened here is managed through v1 where only v1 can: for
`card_issuing` and `treasury`. An account opened in v1 is seen here as well.
Source: https://docs.stripe.com/api/v2/core/accounts, https://docs.stripe.com/connect/accounts-v2
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.connect import accounts, capabilities, persons
from emulator.connect.correspondence import applied, configuration_of, without_empty
from emulator.connect.home_currencies import currency_of
from emulator.connect.params_v2 import AccountListParams, CloseParams, CreateParams, UpdateParams
from emulator.connect.records import accounts as known_accounts
from emulator.connect.records import capabilities as known_capabilities
from emulator.connect.records.accounts import Account, controller_of
from emulator.connect.records.accounts_v2 import PAID_OUT, AccountOfV2, of
from emulator.connect.records.capabilities import Capability
from emulator.connect.records.tokens_v2 import AccountToken, spent
from emulator.connect.reviewing import Seen, conclude, controlled, review, seen
from emulator.connect.shapes import merged
from emulator.connect.telling_v2 import Told, account_as_v1
from emulator.kernel.conditions import Condition
from emulator.kernel.errors import invalid, no_such
from emulator.kernel.lists import lists
from emulator.kernel.records import replace
from emulator.kernel.routes import GET, POST
from emulator.kernel.settings import choice
from emulator.kernel.world import World

SETTINGS = (
    choice(
        "v1_accounts_in_v2",
        "shown",
        ("shown", "refused"),
        "What v2 does with accounts that v1 opened: it shows them, or refuses them with "
        "`v1_account_instead_of_v2_account`, as on platforms whose accounts are not compatible with v2.",
    ),
)
# What v2 calls who collects fees, and what v1 does.
PAYERS = {"stripe": "account"}


# At which account


def reached(world: World, account: str) -> World:
    """The account a path names, seen from inside. 404 for one the key does not reach, 400 for ids of v1 alone.

    Which accounts v1 opened and v2 does not know is for the setting `v1_accounts_in_v2` to say.
    """
    if account.startswith("cus_"):
        raise invalid("V1 Customer ID cannot be used in V2 Account APIs.", code="v1_customer_instead_of_v2_account")
    inside = world.as_account(account)
    found = AccountOfV2.look_up(inside, account)
    if found is None or found[1].is_deleted or (not world.is_platform and account != world.account):
        raise no_such(AccountOfV2.noun, account, param="account")
    if not found[1].is_of_v2 and not knows_v1(world):
        raise invalid("V1 Account ID cannot be used in V2 Account APIs.", code="v1_account_instead_of_v2_account")
    return inside


def knows_v1(world: World) -> bool:
    """Whether v2 shows accounts that v1 opened."""
    return world.setting("v1_accounts_in_v2") == "shown"


def changed(world: World, account: str) -> tuple[World, Seen]:
    """The same for operations that change something, and how things stood before. 400 once the account is closed, and
    for the platform's own."""
    inside = reached(world, account)
    if inside.is_platform:
        raise invalid("You cannot change your own account here: only the accounts that you have made.")
    if of(inside).is_closed:
        raise invalid(f"The account {account} is closed, so that nothing about it can be changed any more.")
    controlled(world, account)
    return inside, seen(inside)


# What happens


def narrow(world: World, params: dict[str, Any]) -> Sequence[Condition]:
    """Open accounts or closed ones, with all configurations that were asked for; none that v2 does not know."""
    state = Condition("is_closed", "eq", True) if params.pop("closed", False) else Condition("is_listed", "eq", True)
    wanted = params.pop("applied_configurations", [])
    known = [] if knows_v1(world) else [Condition("is_of_v2", "eq", True)]
    return [state, *known, *(Condition(f"is_{name}", "eq", True) for name in wanted)]


def retrieve(world: World, params: dict[str, Any], id: str) -> AccountOfV2:
    """Read one account, a closed one too. 404 when there is none of that id, or the key does not reach it."""
    return of(reached(world, id))


def create(world: World, params: dict[str, Any]) -> AccountOfV2:
    """Open an account.

    400 while acting as a connected account, for money without a country, for terms that only Stripe may have accepted,
    and for whatever v1 alone can do.
    """
    if not world.is_platform:
        raise invalid(accounts.NOT_OURS)
    params = with_token(world, params)
    told = account_as_v1(params)
    configurations = sorted(params.get("configuration", {}))
    country = params.get("identity", {}).get("country")
    refuse_without_country(country, configurations)
    account = Account(
        id=world.new_id("acct"),
        created=world.now,
        country=country or known_accounts.of(world).country,
        default_currency=currency_of(country or known_accounts.of(world).country),
        type="none",
        controller=chosen(params, configurations),
        has_country=country is not None,
        configurations=configurations,
        beyond_v1={},
    )
    account = after(account, told)
    inside = world.as_account(account.id)
    asked_for = requests(inside, account, told)
    person = accounts.about_individual(inside, account, told.known)

    accounts.opened(world, account, person, asked_for)
    review(inside)
    return of(inside)


def update(world: World, params: dict[str, Any], id: str) -> AccountOfV2:
    """Tell Stripe more about an account; what was known stays. 400 for what cannot change, and once it is closed."""
    inside, before = changed(world, id)
    old = known_accounts.of(inside)
    params = with_token(world, params)
    told = account_as_v1(params)
    account = after(moved(old, params), told)
    asked_for = requests(inside, account, told)
    given_up = [name for name, sent in params.get("configuration", {}).items() if sent.get("applied") is False]
    account = configured(account, params.get("configuration", {}), given_up)
    refuse_without_country(account.country if account.has_country else None, account.configurations)
    person = accounts.about_individual(inside, account, told.known)

    known_accounts.save(inside, account)
    if person is not None:
        inside.put(person)
    for capability in [*asked_for, *given_back(inside, given_up)]:
        inside.put(capability)
    conclude(inside, before)
    return of(inside)


def close(world: World, params: dict[str, Any], id: str) -> AccountOfV2:
    """Close an account: it can still be read here, and nobody can act for it any more.

    400 unless all configurations it has are named. Source: https://docs.stripe.com/api/v2/core/accounts/close
    """
    inside, _ = changed(world, id)
    account = known_accounts.of(inside)
    has = applied(account.configurations, [one.name for one in known_capabilities.requested(inside)])
    named = params.get("applied_configurations", [])
    if sorted(set(named)) != has:
        raise invalid(
            f"All configurations of the account have to be named to close it: {', '.join(has) or 'it has none'}.",
            param="applied_configurations",
        )
    known_accounts.save(inside, replace(account, is_closed=True, configurations=has))
    accounts.leave(inside)
    return of(inside)


def with_token(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The same with what an account token stands for. 400 for what is sent beside it, the rest of `identity` aside.

    Source: https://docs.stripe.com/connect/account-tokens
    """
    if "account_token" not in params:
        return params
    param = "account_token"
    sent = {name: value for name, value in params.items() if name != param}
    said = spent(world.as_account(world.platform), AccountToken, params[param], param=param)
    identity, known = said.get("identity", {}), sent.get("identity", {})
    persons.refuse_beside(param, {name: value for name, value in said.items() if name != "identity"}, sent)
    persons.refuse_beside(param, identity, known)
    return {**sent, **said, "identity": {**known, **identity}}


# Deciding


def refuse_without_country(country: str | None, configurations: Sequence[str]) -> None:
    """400 for an account that is to take payments or to be sent money, and is nowhere."""
    if country is None and any(name in PAID_OUT for name in configurations):
        raise invalid(
            "The `identity.country` value is required but not provided.",
            param="identity[country]",
            code="identity_country_required",
        )


def chosen(params: dict[str, Any], configurations: Sequence[str]) -> dict[str, Any]:
    """Who answers for a new account. Where nothing is said, Stripe does, and merchants have the whole dashboard.

    Requirements are the platform's to collect where there is no dashboard and losses are the platform's. Our ruling.
    """
    sent = params.get("defaults", {}).get("responsibilities", {})
    dashboard = params.get("dashboard", "full" if "merchant" in configurations else "none")
    losses = sent.get("losses_collector", "stripe")
    payer = sent.get("fees_collector", "stripe")
    collection = "application" if dashboard == "none" and losses == "application" else "stripe"
    return controller_of(PAYERS.get(payer, payer), losses, collection, dashboard)


def moved(account: Account, params: dict[str, Any]) -> Account:
    """The same account with another country, or somebody else who answers for it. 400 once either is settled: the
    country with the first one, the rest with the first configuration for which money moves."""
    country = params.get("identity", {}).get("country")
    if country is not None and account.has_country and country != account.country:
        raise invalid(
            f"The country of an account cannot be changed: it is {account.country}.", param="identity[country]"
        )
    if country is not None and not account.has_country:
        account = replace(account, country=country, default_currency=currency_of(country), has_country=True)
    had = dict.fromkeys(account.configurations)
    controller = account.controller
    sent = {
        "dashboard": controller["stripe_dashboard"]["type"],
        "defaults": {
            "responsibilities": {
                "fees_collector": controller["fees"]["payer"],
                "losses_collector": controller["losses"]["payments"],
            }
        },
    }
    known = merged(sent, {name: params[name] for name in ("dashboard",) if name in params})
    asked = params.get("defaults", {}).get("responsibilities", {})
    known = merged(known, {"defaults": {"responsibilities": asked}})
    wanted = chosen(known, [*had, *params.get("configuration", {})])
    if wanted == controller:
        return account
    if any(name in PAID_OUT for name in had):
        param = "dashboard" if params.get("dashboard", sent["dashboard"]) != sent["dashboard"] else "defaults"
        raise invalid(
            "Who answers for an account cannot be changed once it is a merchant or a recipient.",
            param=param if param == "dashboard" else "defaults[responsibilities]",
        )
    return replace(account, controller=wanted)


def after(account: Account, told: Told) -> Account:
    """The same account after what was sent about it. 400 for what cannot be."""
    if "tos_acceptance" in told.known and not account.collects_requirements:
        raise invalid(accounts.TERMS_ARE_STRIPES, param="identity[attestations][terms_of_service][account]")
    account = accounts.told(account, told.known)
    return replace(
        account,
        business_profile=without_empty(account.business_profile),
        company=without_empty(account.company),
        beyond_v1=merged(account.beyond_v1 or {}, told.beyond),
    )


def configured(account: Account, sent: dict[str, Any], given_up: Sequence[str]) -> Account:
    """The same account with what was sent about configurations: one that is mentioned is applied, or given up."""
    applied_now = {*account.configurations, *sent} - {*given_up}
    left = ({*account.left, *account.configurations} & {*given_up}) | ({*account.left} - applied_now)
    return replace(account, configurations=sorted(applied_now), left=sorted(left))


def requests(world: World, account: Account, told: Told) -> list[Capability]:
    """The capabilities after these requests. 400 for one this account cannot make."""
    return [capabilities.request(world, account, name, wanted, param) for name, wanted, param in told.wanted]


def given_back(world: World, configurations: Sequence[str]) -> list[Capability]:
    """All requested capabilities of configurations that are given up."""
    return [
        capabilities.asked_for(world, one, False)
        for one in known_capabilities.requested(world)
        if (where := configuration_of(one.name)) is not None and where[0] in configurations
    ]


ROUTES = [
    GET("/v2/core/accounts", lists(AccountOfV2, narrow=narrow), AccountListParams),
    POST("/v2/core/accounts", create, CreateParams),
    GET("/v2/core/accounts/{id}", retrieve),
    POST("/v2/core/accounts/{id}", update, UpdateParams),
    POST("/v2/core/accounts/{id}/close", close, CloseParams),
]
RECORDS = (AccountOfV2,)
