"""Sessions of the Stripe CLI: what `stripe listen` and `stripe logs tail` ask for before they open their WebSocket.

    POST /v1/stripecli/sessions ──▶ id and address ──▶ WebSocket: connected ⇄ gone for a moment ──▶ forgotten

The id names the tenant's file, since the WebSocket is opened without a key. A listener is a subscriber of all events of
its tenant, the connected accounts' too, from the moment it connects until a minute after it went.
The operation is not part of the published API; what is known of it is what the CLI sends and reads.
Source: https://docs.stripe.com/cli/listen and https://github.com/stripe/stripe-cli
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from emulator.data.api_versions import DEFAULT
from emulator.kernel import ids
from emulator.kernel.conditions import Condition
from emulator.kernel.deliveries import ASKED_ALL, ASKED_FOR_CONNECTED, ASKED_NOTHING, EVERYTHING, Subscriber
from emulator.kernel.errors import ApiError, invalid
from emulator.kernel.params import List, Params, String
from emulator.kernel.records import record, replace
from emulator.kernel.render import shown
from emulator.kernel.routes import POST
from emulator.kernel.tenants import Tenant, Tenants
from emulator.kernel.world import World

OFFERED = ("webhooks", "request_logs")
TRANSPORT = "listener"
QUESTIONS = ("issuing_authorization.request",)
RECONNECT_DELAY_SECONDS = 3600  # the CLI starts its connection anew that often, with an ugly word in its log
QUEUE_KEPT_SECONDS = 60  # real time after a disconnect
WEBSOCKET_ID = re.compile(r"cliws_([0-9a-f]{32})[0-9A-Za-z]{14}")
LOG_FILTERS = (
    "filter_account",
    "filter_http_method",
    "filter_ip_address",
    "filter_request_path",
    "filter_request_status",
    "filter_source",
    "filter_status_code",
    "filter_status_code_type",
)


@record("stripecli.session", prefix="cliws", noun="CLI session", filters=("is_listening",), hidden=("secret", "line"))
class Session:
    """One start of the CLI. `left_at` is when its WebSocket closed, in real unix seconds; None while it is open.

    `line` numbers its WebSockets: what comes late of an earlier one says nothing of the one that is open.
    """

    id: str
    created: int
    device_name: str
    feature: str
    secret: str
    log_filters: dict[str, list[str]]
    forward_to_url: str | None
    forward_connect_to_url: str | None
    is_connected: bool = False
    left_at: int | None = None
    line: int = 0

    @property
    def is_listening(self) -> bool:
        """Whether events of the tenant go into its queue."""
        return self.feature == "webhooks" and (self.is_connected or self.left_at is not None)

    @property
    def answers(self) -> int:
        """What it can be asked: that which it forwards to a server of the user's, while its WebSocket is open.

        The CLI forwards connected accounts' events to the same address unless they have one of their own.
        """
        if not self.is_connected:
            return ASKED_NOTHING
        if self.forward_to_url:
            return ASKED_ALL
        return ASKED_FOR_CONNECTED if self.forward_connect_to_url else ASKED_NOTHING

    def render(self, world: World) -> dict[str, Any]:
        """The session without its secret."""
        return shown(self)


class CreateParams(Params):
    """What the CLI sends. Names that a later CLI adds are read over: a refusal would end it."""

    device_name = String(required=True)
    websocket_features = List(String())
    websocket_feature = String()
    filters = String(max_length=20_000)
    forward_to_url = String()
    forward_connect_to_url = String()

    @classmethod
    def parse(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """Typed values of the names that are known."""
        known = cls.shared().fields
        return super().parse({name: value for name, value in tree.items() if name in known})


def create(tenant: Tenant, params: dict[str, Any]) -> dict[str, Any]:
    """Where to open the WebSocket, under which id, and the secret that signs what comes. 400 where there is none."""
    address = tenant.tenants.websocket_url
    if address is None:
        raise ApiError(400, "This server has no WebSocket port; start it with `stripe-emulator serve`.")
    device = params["device_name"]
    log_filters = filters_of(params.get("filters"))
    with tenant.writing() as step:
        world = World(step, step.row.platform)
        session = Session(
            id=new_id(world, tenant.handle),
            created=world.now,
            device_name=device,
            feature=authorized(params),
            secret=secret_of(step.row.generator, device),
            log_filters=log_filters,
            forward_to_url=params.get("forward_to_url"),
            forward_connect_to_url=params.get("forward_connect_to_url"),
        )
        world.put(session)
        default_version = world.setting("api_version")
    return {
        "object": session.object,
        "default_version": default_version,
        "device_token": "",
        "display_connect_filter_warning": False,
        "latest_version": DEFAULT,
        "reconnect_delay": RECONNECT_DELAY_SECONDS,
        "secret": session.secret,
        "websocket_authorized_feature": session.feature,
        "websocket_id": session.id,
        "websocket_url": f"{address}/subscribe/{step.row.platform}",
    }


def authorized(params: dict[str, Any]) -> str:
    """The first feature asked for that we offer; else the first at all, which then stays silent."""
    asked = params.get("websocket_features") or [params.get("websocket_feature") or OFFERED[0]]
    return next((feature for feature in asked if feature in OFFERED), asked[0])


def filters_of(text: str | None) -> dict[str, list[str]]:
    """The filters of `logs tail`, sent as JSON in one field. 400 for what is not; unknown ones are left out."""
    if not text:
        return {}
    try:
        filters = orjson.loads(text)
    except ValueError:
        filters = None
    if not isinstance(filters, dict) or not all(isinstance(values, list | None) for values in filters.values()):
        raise invalid("Invalid filters: a JSON object whose members are lists of texts is expected.", param="filters")
    return {name: [str(value) for value in filters[name]] for name in LOG_FILTERS if filters.get(name)}


def new_id(world: World, handle: str) -> str:
    """An id that tells the tenant's handle. It takes nothing from the generator: who listens changes no later id."""
    earlier = world.step.store.count(Session, [])
    number = ids.chance(world.step.row.generator, earlier, f"cliws:{world.step.row.generation}")
    return f"cliws_{handle}{ids.base62(number, 14)}"


def secret_of(generator: bytes, device: str) -> str:
    """`whsec_…`, the same for a device each time, since people paste it into their application."""
    return "whsec_" + hmac.digest(generator, f"stripecli:{device}".encode(), "sha256").hex()


# What the WebSocket does with a session


def tenant_of(tenants: Tenants, websocket_id: str) -> Tenant | None:
    """The tenant that a WebSocket id names, or None."""
    handle = handle_of(websocket_id)
    return tenants.behind(handle) if handle is not None else None


def handle_of(websocket_id: str) -> str | None:
    """What the world of a WebSocket id is called where it is kept, or None."""
    match = WEBSOCKET_ID.fullmatch(websocket_id)
    return match[1] if match else None


def connected(world: World, session: Session) -> Session:
    """A WebSocket of it is open: it is told of everything from now on."""
    session = replace(session, is_connected=True, left_at=None, line=session.line + 1)
    keep(world, session)
    return session


def gone(world: World, session: Session, at: int) -> None:
    """Its WebSocket closed, in real unix seconds: what happens is kept for it, but it is asked nothing."""
    if session.is_connected:  # each process that looks sees the same
        keep(world, replace(session, is_connected=False, left_at=at))


def forgotten(world: World, session: Session) -> None:
    """It stayed away; its queue is dropped. It may come again later and begins with an empty one."""
    keep(world, replace(session, is_connected=False, left_at=None))


def keep(world: World, session: Session) -> None:
    """Store a session, and subscribe it to events if it listens."""
    world.put(session)
    deliveries = world.step.deliveries
    if session.is_listening:
        deliveries.subscribe(subscriber(world, session), (EVERYTHING, *QUESTIONS))
    elif deliveries.subscriber(session.id) is not None:
        deliveries.unsubscribe(session.id)


def subscriber(world: World, session: Session) -> Subscriber:
    """A listener as the kernel knows it: all events of the tenant, each sent once."""
    return Subscriber(
        id=session.id,
        kind=TRANSPORT,
        account=world.platform,
        hears="all",
        enabled=True,
        answers=session.answers,
        retries=False,
        url=session.forward_to_url or session.forward_connect_to_url or "",
        api_version=None,
        secrets=[{"secret": session.secret, "expires_at": None}],
    )


def listening(world: World) -> list[Session]:
    """The sessions that are told of events, the longest-standing first."""
    return list(reversed(world.step.store.select(Session, [Condition("is_listening", "eq", True)])))


def go_on_after_reset(world: World | None) -> Callable[[World], None]:
    """A listener belongs to no world: what is told to it goes on, its earlier queue aside.

    Those that a copy has of another time or another world are not its own.
    """
    sessions = [session for _, session in world.step.store.every(Session)] if world is not None else []

    def again(new: World) -> None:
        for _, session in list(new.step.store.every(Session)):
            new.step.deliveries.unsubscribe(session.id)
            new.forget(session)
        for session in sessions:
            keep(new, session)

    return again


def audit(world: World) -> Iterator[str]:
    """Sessions that the kernel knows otherwise than they are."""
    for _, session in world.store.every(Session):
        known = world.step.deliveries.subscriber(session.id)
        if known != (subscriber(world, session) if session.is_listening else None):
            yield f"{session.id} is told of events otherwise than it asked for"


RECORDS = (Session,)
AUDIT = audit
OUTLIVES_RESET = go_on_after_reset
ROUTES = [POST("/v1/stripecli/sessions", create, CreateParams, scope="tenant")]
