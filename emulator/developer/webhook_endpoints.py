"""Webhook endpoints: who is told of an account's events, and where.

    enabled ◀── disabled=false ── / ── disabled=true ──▶ disabled        delete ──▶ gone

An endpoint hears the events of the account that made it; one with `connect` hears those of the accounts connected to
the platform instead. The kernel keeps the address and the secrets; the record is what the API shows.
Source: https://docs.stripe.com/api/webhook_endpoints, https://docs.stripe.com/connect/webhooks
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from emulator.connect.records.accounts import application_of
from emulator.data.api_versions import API_VERSIONS
from emulator.data.event_types import EVENT_TYPES
from emulator.kernel import ids, off_limits
from emulator.kernel.deliveries import ASKED_ALL, EVERYTHING, Subscriber
from emulator.kernel.errors import invalid
from emulator.kernel.lists import lists
from emulator.kernel.off_limits import is_off_limits
from emulator.kernel.params import Boolean, Enum, List, Metadata, Params, String, merged_metadata
from emulator.kernel.records import record, replace
from emulator.kernel.render import Deleted, shown
from emulator.kernel.routes import DELETE, GET, POST, retrieves
from emulator.kernel.settings import switch
from emulator.kernel.world import World

MOST_ENDPOINTS = 16
LONGEST_URL = 2048
# What older clients still ask to be told of. Source: https://github.com/stripe/stripe-node/blob/master/CHANGELOG.md
RETIRED_EVENT_TYPES = (
    "invoiceitem.updated",
    "order.created",
    "order.payment_failed",
    "payment_method.card_automatically_updated",
    "recipient.created",
    "recipient.deleted",
    "recipient.updated",
    "sku.created",
    "sku.deleted",
    "sku.updated",
    "transfer.failed",
    "transfer.paid",
    "treasury.received_credit.reversed",
)
EventType = Enum((EVERYTHING, *EVENT_TYPES), accepts=RETIRED_EVENT_TYPES)
SETTINGS = (
    switch(
        "public_webhook_urls_only",
        False,
        "Whether webhook URLs that only this network reaches are refused, as Stripe does.",
    ),
)


@record("webhook_endpoint", prefix="we", noun="webhook endpoint", path_param="webhook_endpoint", hidden=("connect",))
class WebhookEndpoint:
    """One registered address. Its secrets live in the kernel and are shown once."""

    id: str
    created: int
    url: str
    enabled_events: list[str]
    connect: bool = False
    api_version: str | None = None
    application: str | None = None
    description: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "enabled"

    def render(self, world: World) -> dict[str, Any]:
        """The endpoint without its secret."""
        return shown(self)


RECORDS = (WebhookEndpoint,)


class CreateParams(Params):
    """What a new endpoint is told of, and where."""

    api_version = Enum(API_VERSIONS)
    connect = Boolean()
    description = String(unset=True)
    enabled_events = List(EventType, required=True)
    metadata = Metadata()
    url = String(required=True, max_length=100_000)


class UpdateParams(Params):
    """What can be changed later: not the version, nor whose events it hears."""

    description = String(unset=True)
    disabled = Boolean()
    enabled_events = List(EventType)
    metadata = Metadata()
    url = String(max_length=100_000)


def create(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Register an endpoint; the only reply that shows its secret. 400 for the seventeenth and for a bad URL."""
    check_url(world, params["url"])
    metadata = merged_metadata({}, params)
    if world.count(WebhookEndpoint) >= MOST_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MOST_ENDPOINTS} test webhook endpoints.")

    connect = params.get("connect", False)
    endpoint = WebhookEndpoint(
        world.new_id("we"),
        world.now,
        params["url"],
        params["enabled_events"],
        connect,
        params.get("api_version"),
        application_of(world) if connect else None,
        params.get("description"),
        metadata,
    )
    world.put(endpoint)
    secret = new_secret(world)
    tell(world, endpoint, [{"secret": secret, "expires_at": None}])
    return {**world.render(endpoint), "secret": secret}


def update(world: World, params: dict[str, Any], webhook_endpoint: str) -> WebhookEndpoint:
    """Change an endpoint, or switch it off and on."""
    before = world.get(WebhookEndpoint, webhook_endpoint)
    if "url" in params:
        check_url(world, params["url"])
    changes = {name: params[name] for name in ("description", "enabled_events", "url") if name in params}
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    endpoint = replace(before, metadata=merged_metadata(before.metadata, params), **changes)
    world.put(endpoint)
    tell(world, endpoint, subscriber(world, endpoint).secrets)
    return endpoint


def delete(world: World, params: dict[str, Any], webhook_endpoint: str) -> Deleted:
    """Forget an endpoint; what was on its way to it is not tried again."""
    endpoint = world.get(WebhookEndpoint, webhook_endpoint)
    world.step.deliveries.unsubscribe(endpoint.id)
    world.forget(endpoint)
    return Deleted(endpoint)


def roll(world: World, webhook_endpoint: str, overlap_seconds: int) -> str:
    """A new secret; the old ones still sign besides for so long on the tenant's clock, none longer than before."""
    endpoint = world.get(WebhookEndpoint, webhook_endpoint)
    until = world.now + overlap_seconds
    old = [
        {**one, "expires_at": until if one["expires_at"] is None else min(until, one["expires_at"])}
        for one in subscriber(world, endpoint).secrets
        if one["expires_at"] is None or one["expires_at"] > world.now
    ]
    secret = new_secret(world)
    kept = [one for one in old if one["expires_at"] > world.now]
    tell(world, endpoint, [{"secret": secret, "expires_at": None}, *kept])
    return secret


def tell(world: World, endpoint: WebhookEndpoint, secrets: list[dict[str, Any]]) -> None:
    """Keep the kernel's idea of an endpoint in step with the record."""
    world.step.deliveries.subscribe(as_subscriber(world.account, endpoint, secrets), endpoint.enabled_events)


def as_subscriber(account: str, endpoint: WebhookEndpoint, secrets: list[dict[str, Any]]) -> Subscriber:
    """An endpoint of an account as the kernel is to know it."""
    return Subscriber(
        endpoint.id,
        "endpoint",
        account,
        "connected" if endpoint.connect else "own",
        endpoint.status == "enabled",
        ASKED_ALL,
        True,
        endpoint.url,
        endpoint.api_version,
        secrets,
    )


def subscriber(world: World, endpoint: WebhookEndpoint) -> Subscriber:
    """The kernel's idea of an endpoint."""
    found = world.step.deliveries.subscriber(endpoint.id)
    assert found is not None, f"{endpoint.id} is not among the subscribers"
    return found


def new_secret(world: World) -> str:
    """`whsec_` and 32 characters."""
    return "whsec_" + ids.base62(world.draw("whsec"), 32)


def check_url(world: World, url: str) -> None:
    """400 `url_invalid` for no http(s) address and for what is off limits; a local one passes in lenient worlds."""
    if len(url) > LONGEST_URL:
        raise bad_url(f"Invalid URL: URL must be {LONGEST_URL} characters or less.")
    if "://" not in url:
        raise bad_url("Invalid URL: An explicit scheme (such as https) must be provided.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise bad_url("Not a valid URL") from None
    if parts.scheme.lower() not in ("http", "https") or not host or port == 0 or any(map(str.isspace, url)):
        raise bad_url("Not a valid URL")
    if is_off_limits(host) and not world.setting(off_limits.SETTING):
        raise bad_url(
            "Invalid URL: URL must not point to a link-local address or to a cloud's metadata. The setting "
            f"{off_limits.SETTING} allows it."
        )
    if world.setting("public_webhook_urls_only") and not is_public(host):
        raise bad_url(
            "Invalid URL: URL must be publicly accessible. Consider using a tool like the Stripe CLI to test webhooks "
            "locally."
        )


def is_public(host: str) -> bool:
    """Whether a host could be reached from outside, judged by its name alone."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".local", ".localhost", ".internal", ".test"))


def bad_url(message: str) -> Exception:
    """400 about the parameter `url`."""
    return invalid(message, param="url", code="url_invalid")


def audit(world: World) -> Iterator[str]:
    """Endpoints that the kernel knows otherwise than the API shows them."""
    for account, endpoint in world.store.every(WebhookEndpoint):
        known = world.step.deliveries.subscriber(endpoint.id)
        if known is None:
            yield f"{endpoint.id} is told of nothing"
            continue
        if known != as_subscriber(account, endpoint, known.secrets):
            yield f"{endpoint.id} is told of events at another address or in another state than it shows"
        if world.step.deliveries.wanted(endpoint.id) != set(endpoint.enabled_events):
            yield f"{endpoint.id} is told of other types than it shows"


AUDIT = audit
ROUTES = [
    GET("/v1/webhook_endpoints", lists(WebhookEndpoint)),
    POST("/v1/webhook_endpoints", create, CreateParams),
    GET("/v1/webhook_endpoints/{webhook_endpoint}", retrieves(WebhookEndpoint)),
    POST("/v1/webhook_endpoints/{webhook_endpoint}", update, UpdateParams),
    DELETE("/v1/webhook_endpoints/{webhook_endpoint}", delete),
]
