"""Ephemeral keys: what lets a browser or a telephone see one card and nothing else, for an hour.

    browser   POST /v1/ephemeral_key_nonces            ──▶ a public nonce, and a private one that it keeps
    server    POST /v1/ephemeral_keys  card, nonce     ──▶ the secret, which goes to the browser
    browser   GET /v1/issuing/cards/{card}  private nonce, expand[]=number    with the secret as its key

A key may be made without a nonce; then the secret alone opens the card. It counts as one of the API version that made
it, and ends by the tenant's clock. Its text names its world (`kernel/carried.py`), so it is sent alone.
Source: https://docs.stripe.com/issuing/elements and https://docs.stripe.com/api/ephemeral_keys; the nonces are what
Stripe.js sends.
"""

from __future__ import annotations

from typing import Any

from emulator.kernel import carried
from emulator.kernel.errors import ApiError, exclusive, invalid, no_such, unauthorized, unbuilt
from emulator.kernel.ids import base62
from emulator.kernel.params import Params, String
from emulator.kernel.records import record, replace
from emulator.kernel.routes import DELETE, POST, Route
from emulator.kernel.settings import switch
from emulator.kernel.tenants import handle_of
from emulator.kernel.world import World

SECONDS_VALID = 3600
NONCE_DIGITS = 24
# What a key can be made for, by the parameter that names it.
KINDS = {"customer": "customer", "issuing_card": "issuing.card"}
ANY_NONCE = "ephemeral_keys_any_nonce"


@record("ephemeral_key_nonce", prefix="ephkn", noun="ephemeral key nonce", hidden=("private_nonce",), has_list=False)
class EphemeralKeyNonce:
    """A pair of which a browser keeps one half. Its id is the public half."""

    id: str
    created: int
    private_nonce: str
    is_used: bool = False

    def render(self, world: World) -> dict[str, Any]:
        """Both halves, for the browser that asked."""
        return {"object": self.object, "private_nonce": self.private_nonce, "public_nonce": self.id}


@record(
    "ephemeral_key",
    prefix="ephkey",
    noun="ephemeral key",
    filters=("secret",),
    hidden=("api_version", "opens", "private_nonce", "secret"),
    has_list=False,
)
class EphemeralKey:
    """A key to one object. `opens` is the object's id, `expires` unix seconds on the tenant's clock."""

    id: str
    created: int
    expires: int
    opens: str
    secret: str
    api_version: str
    private_nonce: str | None = None

    def render(self, world: World) -> dict[str, Any]:
        """The key without its secret, which only the reply that makes it shows."""
        about = {"id": self.opens, "type": world.catalog.prefixes[self.opens.partition("_")[0]].object}
        return {
            "id": self.id,
            "object": self.object,
            "associated_objects": [about],
            "created": self.created,
            "expires": self.expires,
            "livemode": False,
        }


class CreateParams(Params):
    """What the key is for, one of three, and for a card the public nonce of the browser that will show it."""

    customer = String()
    issuing_card = String()
    nonce = String()
    verification_session = String()


def create_nonce(world: World, params: dict[str, Any]) -> EphemeralKeyNonce:
    """A pair of nonces for the browser that will show a card."""
    nonce = EphemeralKeyNonce(
        id=f"ephkn_pub_{base62(world.draw(), NONCE_DIGITS)}",
        created=world.now,
        private_nonce=f"ephkn_priv_{base62(world.draw(), NONCE_DIGITS)}",
    )
    return world.put(nonce)


def create(world: World, params: dict[str, Any]) -> dict[str, Any]:
    """A key for one card or customer; the only reply with its secret. 400 for a nonce that is unknown or used.

    Verification sessions are another product's: 501.
    """
    opens = named(world, params)
    if "nonce" in params and "issuing_card" not in params:
        raise invalid("A nonce goes with an issuing_card alone.", param="nonce")
    nonce = unused(world, params["nonce"]) if "nonce" in params else None

    key = EphemeralKey(
        id=world.new_id(EphemeralKey.prefix),
        created=world.now,
        expires=world.now + SECONDS_VALID,
        opens=opens,
        secret=carried.text_of("ek", world.account, handle_of(world.step.row.name), world.draw()),
        api_version=world.version,
        private_nonce=nonce.private_nonce if nonce else None,
    )
    if nonce is not None:
        world.put(replace(nonce, is_used=True))
    world.put(key)
    return {**key.render(world), "secret": key.secret}


def named(world: World, params: dict[str, Any]) -> str:
    """The id of the one object that a key is asked for. 400 for none, several, or one that is not there."""
    if "verification_session" in params:
        raise unbuilt("This emulator does not have verification sessions.", param="verification_session")
    sent = [name for name in KINDS if name in params]
    if not sent:
        raise invalid(
            "You must provide one of customer, issuing_card or verification_session.", code="parameter_missing"
        )
    if len(sent) > 1:
        raise exclusive(*sent)
    kind = world.catalog.records[KINDS[sent[0]]]
    found = world.get(kind, params[sent[0]], param=sent[0])
    if world.render(found).get("deleted"):
        raise no_such(kind.noun, found.id, param=sent[0], status=400)
    return found.id


def unused(world: World, public_nonce: str) -> EphemeralKeyNonce | None:
    """The pair of a public nonce; None where any text will do. 400 for one that is not there, or used up."""
    nonce = world.find(EphemeralKeyNonce, public_nonce)
    if nonce is None and not world.setting(ANY_NONCE):
        raise invalid(
            "No such nonce: this is not the public nonce of an unused pair of this account. Stripe.js makes one with "
            "createEphemeralKeyNonce (POST /v1/ephemeral_key_nonces).",
            param="nonce",
        )
    if nonce is not None and nonce.is_used:
        raise invalid("This nonce has made an ephemeral key already; a nonce is good for one.", param="nonce")
    return nonce


def delete(world: World, params: dict[str, Any], id: str) -> EphemeralKey:
    """End a key before its time; it opens nothing any more."""
    key = world.get(EphemeralKey, id)
    world.forget(key)
    return key


def admit(world: World, route: Route, tree: dict[str, Any]) -> str:
    """The API version of the key that a request was sent with. ApiError where it does not open what is asked for.

    401 for a key that is unknown, deleted or past its end, 403 for anything but its card, 400 for another version and
    for a private nonce that does not go with it. What a key of a customer opens is not built: 501.
    """
    sent = world.step.request
    assert sent.key is not None
    key = next(iter(world.all(EphemeralKey, secret=sent.key.text)), None)
    if key is None:
        raise unauthorized(f"Invalid API Key provided: {sent.key.masked}")
    if key.expires <= world.now:
        raise unauthorized(f"Expired API Key provided: {sent.key.masked}", code="api_key_expired")
    if not key.opens.startswith("ic_"):
        raise unbuilt("This emulator has nothing that the ephemeral key of a customer opens.")
    if not route.ephemeral or key.opens not in sent.path_values.values():
        raise ApiError(
            403,
            f"The provided key '{sent.key.masked}' does not have the required permissions for this endpoint on account "
            f"'{world.account}'. Having more permissions would allow this request to continue.",
        )
    if sent.version is not None and dated(sent.version) != dated(key.api_version):
        raise invalid(
            f"This ephemeral key was made with the API version {key.api_version}, and opens nothing with "
            f"{sent.version}: send the same Stripe-Version with both requests."
        )
    if tree.get("ephemeral_key_private_nonce") != key.private_nonce and (
        key.private_nonce is not None or not world.setting(ANY_NONCE)
    ):
        raise invalid(of_another_pair(key), param="ephemeral_key_private_nonce")
    return key.api_version


def of_another_pair(key: EphemeralKey) -> str:
    """Why a private nonce does not go with a key, in a sentence that tells neither."""
    if key.private_nonce is None:
        return "This ephemeral key was made without a nonce, so no private nonce goes with it."
    return "This ephemeral key opens its card only together with the private half of the nonce that it was made with."


def dated(version: str) -> str:
    """What counts of a version."""
    return version[:10]


RECORDS = (EphemeralKey, EphemeralKeyNonce)
ADMITS = {"ek": admit}
SETTINGS = (
    switch(
        ANY_NONCE,
        False,
        "Whether an ephemeral key is made with any text as its nonce, which then opens its card without a private one.",
    ),
)
ROUTES = [
    POST("/v1/ephemeral_key_nonces", create_nonce, publishable=True),
    POST("/v1/ephemeral_keys", create, CreateParams),
    DELETE("/v1/ephemeral_keys/{key}", delete),
]
