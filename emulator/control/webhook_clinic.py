"""The clinic: deliveries go wrong on purpose, the same way every time, and the consumer gets a verdict.

Each trouble has a rate in percent, for one endpoint or for all. A dose without troubles takes the old one away.

    delay              the first attempt comes `delay_seconds` later, on the tenant's clock
    drop               the first attempt never arrives; the retry does
    duplicate          the same event arrives twice
    older_api_version  the event is of `api_version`
    reorder            it arrives after the event that follows it
    stale_signature    signed ten minutes ago
    truncated_body     half of the body is missing
    wrong_signature    signed with another secret
"""

from __future__ import annotations

from typing import Any

from emulator.control import answers, verdict
from emulator.data.api_versions import API_VERSIONS
from emulator.developer.webhook_endpoints import WebhookEndpoint
from emulator.kernel import clinic
from emulator.kernel.dates import DAY
from emulator.kernel.lists import listed
from emulator.kernel.params import Enum, Integer, Params, String
from emulator.kernel.routes import DELETE, GET, POST
from emulator.kernel.world import World


class DoseParams(Params):
    """How often each trouble strikes, in percent. Without an endpoint: at all that have no dose of their own."""

    webhook_endpoint = String()
    delay = Integer(minimum=0, maximum=100)
    drop = Integer(minimum=0, maximum=100)
    duplicate = Integer(minimum=0, maximum=100)
    older_api_version = Integer(minimum=0, maximum=100)
    reorder = Integer(minimum=0, maximum=100)
    stale_signature = Integer(minimum=0, maximum=100)
    truncated_body = Integer(minimum=0, maximum=100)
    wrong_signature = Integer(minimum=0, maximum=100)
    api_version = Enum(API_VERSIONS)
    delay_seconds = Integer(minimum=1, maximum=30 * DAY)
    seed = Integer(minimum=0)


class PatientParams(Params):
    """Which endpoint; all of them without one."""

    webhook_endpoint = String()


class VerdictParams(Params):
    """Which endpoint, from how many of the newest attempts, and from how many milliseconds on an answer is slow."""

    limit = Integer(minimum=1)
    webhook_endpoint = String()
    slow_ms = Integer(minimum=0)


def prescribe(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Set the troubles of an endpoint, or of all."""
    dose = dict(params)
    scope = dose.pop("webhook_endpoint", clinic.TENANT)
    if scope:
        world.get(WebhookEndpoint, scope, param="webhook_endpoint")
    world.step.doses.prescribe(scope, dose)
    return doses(world, {})


def doses(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Who has which troubles."""
    data = [
        {"object": "emulator.webhook_dose", "webhook_endpoint": scope or None, **clinic.DEFAULTS, **dose}
        for scope, dose in world.step.doses.all().items()
    ]
    return listed(data, "/_emulator/webhooks/clinic")


def discharge(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """Take the troubles away, from one endpoint or from all."""
    scopes = [params["webhook_endpoint"]] if "webhook_endpoint" in params else list(world.step.doses.all())
    for scope in scopes:
        world.step.doses.prescribe(scope, {})
    return doses(world, {})


def verdicts(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """How each consumer behaved: slow and failed answers, API calls meanwhile, repeated effects, hints on decisions."""
    attempts = world.step.deliveries.attempts(
        subscriber=params.get("webhook_endpoint"), limit=params.get("limit"), newest_first=True
    )[::-1]
    for attempt in attempts:
        seen = answers.seen_of(world, attempt) if attempt["reason"] == "question" else None
        attempt["hints"] = answers.hints(seen) if seen is not None else []
    data = verdict.of_all(attempts, slow_ms=params.get("slow_ms", verdict.SLOW_MS))
    return listed(data, world.path)


ROUTES = [
    GET("/_emulator/webhooks/clinic", doses),
    POST("/_emulator/webhooks/clinic", prescribe, DoseParams),
    DELETE("/_emulator/webhooks/clinic", discharge, PatientParams),
    GET("/_emulator/webhooks/verdict", verdicts, VerdictParams),
]
