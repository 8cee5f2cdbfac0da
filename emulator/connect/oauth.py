"""OAuth: how a business connects an account of its own, a Standard one, and how it leaves again.

    browser   GET /oauth/authorize  client_id, redirect_uri, scope, state ──▶ our page: connect or not
              ◀── redirect_uri?code=ac_…&scope=…&state=…, or ?error=access_denied&… ──
    server    POST /oauth/token  code, or a refresh token  ──▶ the account, and an access token that acts for it
    server    POST /oauth/deauthorize                      ──▶ neither the token nor `Stripe-Account` works any more

The three are on Stripe's host connect.stripe.com, and here on the one port of everything else. Refusals have OAuth's
own shape. The page offers a new account, ready to use as that of "Skip this form" is, and those that were connected
before; the account is there from the exchange of the code on, once it is connected. It controls itself: of what Stripe
knows about it the platform can change the metadata alone.
Source: https://docs.stripe.com/connect/oauth-standard-accounts, https://docs.stripe.com/connect/oauth-reference
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from emulator.connect import accounts as changes
from emulator.connect import bank_test_numbers, external_accounts
from emulator.connect.account_params import CreateParams
from emulator.connect.bank_accounts import described
from emulator.connect.onboarding import HEADERS, PAGES, led_to, name_of
from emulator.connect.platform import bank_in
from emulator.connect.records import accounts
from emulator.connect.records.accounts import Account, application_of
from emulator.connect.reviewing import review
from emulator.connect.shapes import Url
from emulator.kernel.carried import handle_of_client, text_of
from emulator.kernel.errors import ApiError, invalid, missing, unauthorized, unbuilt
from emulator.kernel.ids import base62
from emulator.kernel.params import Boolean, Enum, List, Params, String
from emulator.kernel.records import record, replace
from emulator.kernel.render import Content, shown
from emulator.kernel.routes import GET, POST, STRIPES, Route
from emulator.kernel.tenants import Tenant, Tenants, handle_of
from emulator.kernel.world import World

SECONDS_VALID = 300  # of an authorization code
CODE_DIGITS, REFRESH_DIGITS = 32, 40
SCOPES = ("read_only", "read_write")
ITSELF = {"type": "account"}
NEW = "new"
MOST_OFFERED = 50
# What may be said of a new account in advance, as the API of accounts has it.
PREFILLED = {
    "business_name": ("business_profile", "name"),
    "country": ("country",),
    "email": ("email",),
    "product_description": ("business_profile", "product_description"),
    "url": ("business_profile", "url"),
}


@record("oauth_code", prefix="ac", noun="authorization code", has_list=False)
class AuthorizationCode:
    """What a business gave a platform by connecting. `user` is the account it chose, None for a new one, of which
    `said` was said in advance."""

    id: str
    created: int
    scope: str
    user: str | None = None
    said: dict[str, Any] | None = None
    is_used: bool = False

    def render(self, world: World) -> dict[str, Any]:
        """The code as it is kept; no operation shows it."""
        return shown(self)


@record(
    "oauth_token",
    prefix="oat",
    noun="access token",
    filters=("code", "publishable_key", "refresh_token", "text", "user"),
    hidden=("publishable_key", "refresh_token", "text"),
    has_list=False,
)
class AccessToken:
    """A key to the account `user`. One of several that came of the authorization code `code`."""

    id: str
    created: int
    user: str
    code: str
    scope: str
    text: str
    publishable_key: str
    refresh_token: str

    def render(self, world: World) -> dict[str, Any]:
        """The token without what opens anything; no operation shows it."""
        return shown(self)


# The page


class Prefill(String):
    """Texts by their names; whatever else is sent counts as nothing, as published."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        texts = value if isinstance(value, dict) else {}
        return {name: text for name, text in texts.items() if isinstance(text, str)}


class AuthorizeParams(Params):
    """Who asks, for what, and where the browser goes afterwards; and what to put into the form of a new account."""

    always_prompt = Boolean()
    client_id = String(required=True)
    redirect_uri = Url()
    response_type = String(required=True)
    scope = String()
    state = String()
    stripe_landing = Enum(("login", "register"))
    stripe_user = Prefill()
    suggested_capabilities = List(String())


class DecisionParams(AuthorizeParams):
    """What the page's form sends: the same, and what the business decided."""

    account = String()
    decision = Enum(("connect", "deny"), required=True)


def authorize(tenants: Tenants, params: dict[str, Any]) -> Content:
    """The page on which a business connects an account or does not.

    400 for a client id that is no platform's here, without an address to go back to, and for another response than a
    code.
    """
    tenant = asked_for(tenants, params)
    with tenant.reading() as step:
        world = World(step, step.row.platform)
        content = PAGES.get_template("authorize.html").render(
            offered=[(account.id, name_of(account)) for account in offered(world)],
            new=NEW,
            platform=name_of(accounts.of(world)),
            scope=scope_of(params),
            sent=list(flat(params)),
        )
    return Content(content.encode(), "text/html", HEADERS)


def decide(tenants: Tenants, params: dict[str, Any]) -> Content:
    """Go back to the platform: with an authorization code, or with `access_denied`. 400 as for the page."""
    tenant = asked_for(tenants, params)
    if params["decision"] == "deny":
        return back(params, error="access_denied", error_description="The user denied your request")
    with tenant.writing() as step:
        world = World(step, step.row.platform)
        wanted = params.get("account", NEW)
        if wanted != NEW and wanted not in [account.id for account in offered(world)]:
            raise invalid(f"The account {wanted} is not one that can be connected over OAuth.", param="account")
        code = AuthorizationCode(
            f"ac_{base62(world.draw(), CODE_DIGITS)}",
            world.now,
            scope_of(params),
            user=None if wanted == NEW else wanted,
            said=prefilled(params.get("stripe_user", {})),
        )
        world.put(code)
    return back(params, scope=code.scope, code=code.id)


def of_express(tenants: Tenants, params: dict[str, Any]) -> Content:
    """501: Express accounts come with POST /v1/accounts and an account link."""
    raise unbuilt(
        "This emulator has OAuth for Standard accounts alone. Create Express accounts with POST /v1/accounts, and "
        "onboard them with POST /v1/account_links."
    )


def asked_for(tenants: Tenants, params: dict[str, Any]) -> Tenant:
    """The tenant whose application is named, once all that is asked of it can be answered."""
    handle = handle_of_client(params["client_id"])
    tenant = tenants.behind(handle) if handle is not None else None
    if tenant is None:
        raise invalid(
            f"No application matches the supplied client identifier: {params['client_id']}. GET "
            "/_emulator/application says, with a secret key, which one is its platform's.",
            code="invalid_client",
        )
    if params["response_type"] != "code":
        raise invalid(f"Unsupported response type: {params['response_type']}", code="unsupported_response_type")
    if "redirect_uri" not in params:
        raise invalid(
            "No redirect_uri was sent. There are no platform settings here that could name a usual one.",
            code="invalid_redirect_uri",
        )
    scope_of(params)
    return tenant


def scope_of(params: dict[str, Any]) -> str:
    """What is asked for. 400 `invalid_scope` for what there is not."""
    scope: str = params.get("scope", SCOPES[0])
    if scope not in SCOPES:
        raise invalid(f"Invalid scope: {scope}", code="invalid_scope")
    return scope


def offered(world: World) -> list[Account]:
    """The accounts that were connected before, the newest first."""
    return world.all(Account, may_connect=True)[:MOST_OFFERED]


def flat(params: dict[str, Any]) -> list[tuple[str, str]]:
    """What has to be sent with the decision again."""
    names = ("client_id", "redirect_uri", "response_type", "scope", "state")
    user = [(f"stripe_user[{name}]", text) for name, text in params.get("stripe_user", {}).items()]
    return [*((name, params[name]) for name in names if name in params), *user]


def prefilled(user: dict[str, str]) -> dict[str, Any]:
    """What was said of a new account in advance, as its API has it, without what that would not take."""
    said: dict[str, Any] = {}
    for name, way in PREFILLED.items():
        if name not in user:
            continue
        one: Any = user[name]
        for member in reversed(way):
            one = {member: one}
        try:
            CreateParams.parse(one)
        except ApiError:
            continue
        said = {**said, **one, **({way[0]: {**said.get(way[0], {}), **one[way[0]]}} if len(way) > 1 else {})}
    return said


def back(params: dict[str, Any], **said: str) -> Content:
    """303 to the platform's page, with what is said in its query, and the state that it sent."""
    url = params["redirect_uri"]
    said = {**said, **({"state": params["state"]} if "state" in params else {})}
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in said.items())
    parts = urlsplit(url)
    return led_to(parts._replace(query=f"{parts.query}&{query}" if parts.query else query).geturl())


# The server's calls


class OAuthParams(Params):
    """What libraries send with every call."""

    client_id = String()
    redirect_uri = String()


class TokenParams(OAuthParams):
    """What an access token is asked for with."""

    assert_capabilities = List(String())
    code = String()
    grant_type = String()
    refresh_token = String()
    scope = String()


class DeauthorizeParams(OAuthParams):
    """Which account leaves which application."""

    client_id = String(required=True)
    stripe_user_id = String(required=True)


def token(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """An access token for an authorization code, which connects its account, or for a refresh token.

    400 `invalid_grant` for what is unknown, used or too old; whoever sends a code again has all its tokens revoked.
    400 `invalid_scope` for more than a refresh token may, `unsupported_grant_type` for another grant.
    """
    platform = world.as_account(world.platform)
    if "assert_capabilities" in params:
        raise invalid("assert_capabilities is for Express accounts.", code="invalid_request")
    kind = params.get("grant_type")
    if kind is None:
        raise invalid("No grant type specified", code="invalid_request")
    if kind == "authorization_code":
        return exchanged(platform, params)
    if kind == "refresh_token":
        return refreshed(platform, params)
    raise invalid(f"Unsupported grant type: {kind}", code="unsupported_grant_type")


def exchanged(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """A new token for a code."""
    if "code" not in params:
        raise missing("code")
    code = world.find(AuthorizationCode, params["code"])
    if code is None:
        raise refused(f"Authorization code does not exist: {params['code']}")
    if code.is_used:
        for token in world.all(AccessToken, code=code.id):
            world.forget(token)
        raise refused(
            "This authorization code has already been used. All tokens issued with this code have been revoked.",
            keeps_changes=True,
        )
    if code.created + SECONDS_VALID <= world.now:
        raise refused(f"Authorization code expired: {code.id}")
    world.put(replace(code, is_used=True))
    inside = connected(world, code)
    inside.emit("account.application.authorized", changes.application(inside))
    return new_token(world, inside.account, code.id, code.scope, f"rt_{base62(world.draw(), REFRESH_DIGITS)}")


def refreshed(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Another token for a refresh token, for as much as that may or for less. The earlier ones go on."""
    text = params.get("refresh_token") or params.get("code")
    if text is None:
        raise missing("refresh_token")
    first = next(iter(reversed(world.all(AccessToken, refresh_token=text))), None)
    if first is None or not world.may_act(first.user):
        raise refused(f"Refresh token does not exist: {text}")
    scope = scope_of({"scope": first.scope, **params})
    if SCOPES.index(scope) > SCOPES.index(first.scope):
        raise invalid(f"The scope {scope} is more than this refresh token has: {first.scope}.", code="invalid_scope")
    return new_token(world, first.user, first.code, scope, text)


def refused(message: str, *, keeps_changes: bool = False) -> ApiError:
    """400 `invalid_grant`."""
    return ApiError(400, message, code="invalid_grant", keeps_changes=keeps_changes)


def new_token(world: World, account: str, code: str, scope: str, refresh_token: str) -> dict[str, Any]:
    """A token for an account, as the one reply that shows it. It works until the account is disconnected."""
    handle = handle_of(world.step.row.name)
    earlier = next(iter(world.all(AccessToken, user=account)), None)
    token = world.put(
        AccessToken(
            world.new_id(AccessToken.prefix),
            world.now,
            account,
            code,
            scope,
            text=text_of("sk", account, handle, world.draw()),
            publishable_key=earlier.publishable_key if earlier else text_of("pk", account, handle, world.draw()),
            refresh_token=refresh_token,
        )
    )
    return {
        "access_token": token.text,
        "livemode": False,
        "refresh_token": token.refresh_token,
        "scope": token.scope,
        "stripe_publishable_key": token.publishable_key,
        "stripe_user_id": account,
        "token_type": "bearer",
    }


def connected(world: World, code: AuthorizationCode) -> World:
    """The account that a code stands for, seen from inside, once it is connected. 400 where it has gone meanwhile."""
    if code.user is None:
        return world.as_account(opened(world, code.said or {}).id)
    account = world.find(Account, code.user)
    if account is None or not account.may_connect:
        raise refused(f"Authorization code does not exist: {code.id}")
    accounts.save(world, replace(account, is_disconnected=False))
    world.reopen_account(account.id)
    return world.as_account(account.id)


def opened(world: World, said: dict[str, Any]) -> Account:
    """A new Standard account that controls itself and is ready to use, with a bank account where it could have one."""
    account = changes.made(world, CreateParams.parse({**said, "type": "standard"}))
    account = accounts.save(world, replace(account, controller=ITSELF, is_ready=True))
    inside = world.as_account(account.id)
    if bank_test_numbers.of(account.country):
        bank = bank_in(account.country, name_of(account))
        external_accounts.add(inside, described(inside, bank, "external_account"), default=True)
    review(inside)
    return accounts.of(inside)


def deauthorize(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Disconnect an account: nobody acts for it any more, and its tokens are revoked.

    401 `invalid_client` for another application than the key's, and for an account that is not connected to it; 400
    for one without Stripe's whole dashboard, which cannot go on alone.
    """
    if params["client_id"] != application_of(world):
        raise unauthorized(f"No such application: '{params['client_id']}'")
    account = params["stripe_user_id"]
    if account == world.platform or not world.may_act(account):
        raise unauthorized(
            f"This application is not connected to stripe account {account}, or that account does not exist."
        )
    inside = world.as_account(account)
    record = accounts.of(inside)
    if record.dashboard != "full":
        raise invalid(
            f"The account {account} has not the whole Stripe Dashboard, and cannot be disconnected; delete it with "
            f"DELETE /v1/accounts/{account}."
        )
    platform = world.as_account(world.platform)
    for token in platform.all(AccessToken, user=account):
        platform.forget(token)
    accounts.save(platform, replace(record, is_disconnected=True))
    changes.leave(inside)
    return {"stripe_user_id": account}


def admit(world: World, route: Route, tree: dict[str, Any]) -> None:
    """Let an access token, or the publishable key that came with it, act for its account.

    401 `platform_api_key_expired` once the account is disconnected or the token revoked, 403 for what a read-only one
    may not do, and for whatever is not Stripe's API: a business does not rule the platform's world.
    """
    key = world.step.request.key
    assert key is not None
    column = "text" if key.kind == "sk" else "publishable_key"
    token = next(iter(world.as_account(world.platform).all(AccessToken, **{column: key.text})), None)
    if token is None or not world.may_act(world.account):
        raise unauthorized(
            f"Expired API Key provided: {key.masked}. Platform access may have been revoked.",
            code="platform_api_key_expired",
        )
    is_read_only = key.kind == "sk" and token.scope == "read_only" and route.verb != "GET"
    if is_read_only or not route.path.startswith(STRIPES):
        raise ApiError(
            403,
            f"The provided key '{key.masked}' does not have the required permissions for this endpoint on account "
            f"'{world.account}'. Having more permissions would allow this request to continue.",
            code="more_permissions_required",
        )


def application(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """The platform's application: the client id that OAuth asks for, and the address of its page."""
    client_id = application_of(world)
    asked = f"/oauth/authorize?response_type=code&client_id={client_id}&scope=read_write"
    return {"object": "emulator.application", "authorize_url": world.url(asked), "client_id": client_id}


RECORDS = (AccessToken, AuthorizationCode)
ADMITS = {"pk": admit, "sk": admit}
ROUTES = [
    GET("/oauth/authorize", authorize, AuthorizeParams, scope="server"),
    POST("/oauth/authorize", decide, DecisionParams, scope="server"),
    POST("/oauth/deauthorize", deauthorize, DeauthorizeParams),
    POST("/oauth/token", token, TokenParams),
    GET("/express/oauth/authorize", of_express, scope="server"),
    GET("/_emulator/application", application),
]
